# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Dataset and DataLoader
#     summary: "what stands between a file and a batch: datasets, samplers, workers, padding, and what they cost"
#     path: "One sample, one batch, one epoch, from a folder of pictures on your own disk."
#     needs: [05_diabetes_mlp]
#     data: [diabetes]
#     objectives:
#       dataset: write a Dataset, and predict the number and the shapes of the batches that a loader makes from it
#       split: control the order, the seeds and the class shares of your batches
#       cost: say who waits for whom in a training loop, and choose between whole batches and workers
#       stream: read, in pieces, a file that does not fit into memory, every row exactly once
#       ragged: batch samples of different lengths, and waste little on padding
# ---

# %% [markdown]
# Somewhere in every training loop stands a line `for X, y in loader:`. It looks innocent. Yet many a model spends
# more time waiting at that line than learning.
#
# This lesson is heading for one picture: a timeline of who waits for whom. In its upper half the model waits for
# every batch. In its lower half two helpers fetch while the model works, and the waiting is gone. Then comes the
# surprise: the **same two helpers**, given other data, make the loop far *slower*.

# %%
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from PIL import Image, ImageDraw
from sklearn.model_selection import train_test_split
from torch import nn
from torch.nn.utils.rnn import pad_sequence

# %% [markdown]
# The next cell imports what the lesson is about, and makes a temporary folder. The last cell removes the folder.

# %%
from torch.utils.data import BatchSampler, RandomSampler, SequentialSampler, WeightedRandomSampler
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset
from torch.utils.data import DataLoader, default_collate, random_split
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from utils import accuracy, check, evaluate, expect_error, fit, make_loader
from utils.data import diabetes
from utils.plotting import CLASS_COLORS, TRAIN, draw_grid

plt.style.use("utils.course")
torch.set_num_threads(1)  # small tensors need no more, and the other cores are for the helpers
scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
folder = Path(scratch.name)

# %% [markdown]
# ## Five rows, two questions
#
# A `Dataset` answers two questions: *how many are you?* and *give me number i*. In Python they are called `__len__`
# and `__getitem__`, and `len(rows)` and `rows[i]` call them.
#
# In these five rows, row 3 holds 31 and 32, and its target is 3.

# %%
class FiveRows(Dataset):
    """Row i: features (2,), 10·i + 1 and 10·i + 2, and the target i, a 0-dim tensor."""

    def __init__(self):
        self.X = torch.tensor([[1.0, 2], [11, 12], [21, 22], [31, 32], [41, 42]])
        self.y = torch.arange(5.0)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.X[i], self.y[i]


rows = FiveRows()
print(len(rows), rows[3])

# %% [markdown]
# A model wants many samples in one tensor: that is the `DataLoader`'s job.
#
# **Predict before you run:** five rows in batches of two. How many batches, and what is the shape of the last `X`?

# %%
loader = DataLoader(rows, batch_size=2)
for X, y in loader:
    print(tuple(X.shape), X.tolist(), y.tolist())

# %% [markdown]
# Three, and the last one has a single row: `(1, 2)`. Nothing is thrown away unless you ask:

# %%
for X, y in DataLoader(rows, batch_size=2, drop_last=True):
    print(tuple(X.shape), y.tolist())

# %% [markdown]
# Row 4 is gone. Without shuffling, it is the same row in every epoch; with shuffling, it is one at random.
#
# There is no magic in the loader. A *sampler* orders the row numbers, a *batch sampler* ties them into bundles, the
# dataset fetches the rows one by one, and a *collate function* turns each bundle into one batch. By hand:

# %%
by_hand = []
for indices in BatchSampler(SequentialSampler(rows), batch_size=2, drop_last=False):
    samples = [rows[j] for j in indices]
    by_hand.append(default_collate(samples))
    print("rows", indices, "→ X", tuple(by_hand[-1][0].shape))
same = [torch.equal(mine[0], its[0]) for mine, its in zip(by_hand, loader, strict=True)]
print("the same as the loader's:", all(same))

# %% [markdown]
# Most arguments of `DataLoader` are about one of these four stations. The last one, `default_collate`, stacks
# tensors, walks into dictionaries, turns numbers into tensors, and leaves strings alone.
#
# **Predict before you run:** which `dtype` does a batch of plain Python floats get?

# %%
patients = [{"id": "a7", "age": 31, "bmi": 22.5}, {"id": "b2", "age": 54, "bmi": 31.0}]
clinic = default_collate(patients)
print(clinic)
print(clinic["age"].dtype, clinic["bmi"].dtype)

# %% [markdown]
# `torch.float64`, though `torch.tensor(22.5)` makes `float32`, the type of your model's weights. Those 64 bits will
# bite later in this lesson.
#
# ### Exercise loader-1 · difficulty 2 · 8 minutes
# A dataset need not store its samples: it may cut each one out when asked for it. Write `Windows(series, size)` for
# a long 1-dim tensor. Sample `i` is the pair `(window, target)`: `size` values beginning at position `i`, and the one
# value that follows them, as a 0-dim tensor. `len` counts the samples for which a target exists.
#
# With `series = [10, 11, 12, 13, 14]` and `size = 2`, sample 0 is `([10, 11], 12)`, and there are 3 samples.
#
# <details><summary>Hint 1</summary>The target of sample i sits at position i + size. What is the largest i for which that position exists?</details>
# <details><summary>Hint 2</summary><code>len(series) - size</code> samples; the window is the slice <code>series[i : i + size]</code>.</details>

# %% tags=["exercise"] id="loader-1" objective="dataset"
class Windows(Dataset):
    """Sample i of a series (N,): the window (size,) that begins at i, and the value after it, ()."""

    def __init__(self, series: torch.Tensor, size: int):
        self.series, self.size = series, size

    def __len__(self) -> int:
        ### BEGIN SOLUTION
        return len(self.series) - self.size
        ### END SOLUTION

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        ### BEGIN SOLUTION
        return self.series[i : i + self.size], self.series[i + self.size]
        ### END SOLUTION

# %% tags=["check"]
with check("loader-1") as c:
    for size in (3, 2):
        windows = Windows(torch.arange(10.0, 20), size)
        (x, target), n = c.attempted(windows[4]), c.attempted(windows.__len__())
        c.equal(x.tolist(), [14.0, 15.0, 16.0][:size], because="sample 4: size values from position 4 on")
        c.true(torch.is_tensor(target), observed=target, expected="a tensor", likely="leave out .item()")
        c.close(target, torch.tensor(14.0 + size), mistakes={13.0 + size: f"{13 + size} is in the window"})
        c.equal(n, 10 - size, mistakes={11 - size: "no value follows the last one", 10: "that counts values"})

# %% [markdown] tags=["solution"]
# A slice of a tensor is a view, so no window is stored twice. If `len` promises one sample too many, everything
# works until a shuffled epoch asks for the last one.

# %% [markdown] tags=["instructor"]
# **Watch for** `len(series) - size + 1`: right for windows without a target. **Connect:** lessons 09 and 10 cut
# texts this way.

# %% [markdown]
# ## Epoch, batch, iteration
#
# An **iteration** (or step) is one batch: one forward, one backward, one update. An **epoch** is one pass over all
# rows. Draw three epochs of 20 rows in batches of 6. (A tensor has `len` and `[i]`, so it can serve as a dataset.)

# %% alt="Three rows of twenty numbered squares, one row of squares an epoch. The squares are shaded in four groups of 6, 6, 6 and 2: the batches. In each row of squares the numbers 0 to 19 appear in another order. Below, the groups are labeled batch 1 to batch 4."
numbers = DataLoader(
    torch.arange(20), batch_size=6, shuffle=True, generator=torch.Generator().manual_seed(1)
)
orders = torch.stack([torch.cat(list(numbers)) for _ in range(3)])
fig, ax = plt.subplots(figsize=(8.5, 1.9))
draw_grid(ax, orders, colors=np.tile(np.arange(20) // 6, (3, 1)), title="20 rows, batches of 6, 3 epochs")
ax.set_yticks(range(3), labels=["epoch 1", "epoch 2", "epoch 3"], minor=True)
ax.set_xticks([2.5, 8.5, 14.5, 18.5], labels=[f"batch {n}" for n in (1, 2, 3, 4)], minor=True)
ax.xaxis.remove_overlapping_locs = False  # these labels stand on grid lines: draw them all the same
ax.tick_params(which="minor", length=0)
plt.show()
print("batches an epoch:", len(numbers), "  steps in all:", 3 * len(numbers))
print("every epoch sees every row once:", all(e.sort().values.equal(torch.arange(20)) for e in orders))

# %% [markdown]
# *Each square is a row of the data set, each shade a batch: four batches an epoch, the last with only two rows.*
# The order changes from epoch to epoch, but no row is missed and none comes twice.
#
# An epoch of $N$ rows in batches of $B$ has $\lceil N/B \rceil$ iterations, or $\lfloor N/B \rfloor$ with
# `drop_last`. Here $\lceil 20/6 \rceil = 4$, so three epochs are 12 steps.
#
# ### Exercise loader-2 · difficulty 1 · 4 minutes
# Write `steps(n, batch_size, epochs, drop_last)`: how many steps does the optimizer take in a whole training run?
# Return an int. A batch never runs past the end of an epoch.
#
# <details><summary>Hint 1</summary>Calculate one epoch first, and round there. Then multiply.</details>
# <details><summary>Hint 2</summary><code>n // batch_size</code> rounds down. To round up, <code>import math</code> and use <code>math.ceil</code>, or add one when there is a remainder.</details>

# %% tags=["exercise"] id="loader-2" objective="dataset"
def steps(n: int, batch_size: int, epochs: int, drop_last: bool = False) -> int:
    """Optimizer steps when n rows are read ``epochs`` times in batches of ``batch_size``."""
    ### BEGIN SOLUTION
    full, rest = divmod(n, batch_size)
    return epochs * (full if drop_last or not rest else full + 1)
    ### END SOLUTION

# %% tags=["check"]
with check("loader-2") as c:
    got = c.attempted(steps(20, 6, epochs=3))
    c.equal(got, 12, because="4 batches an epoch, the last one short", mistakes={
            10: "60 rows in one go: a batch ends where its epoch ends", 9: "the short batch counts as well"})
    c.equal(steps(20, 6, epochs=3, drop_last=True), 9, because="drop_last leaves 3 full batches an epoch",
            mistakes={10: "drop_last drops one batch every epoch", 12: "drop_last made no difference"})
    c.equal(steps(18, 6, epochs=2), 6, mistakes={8: "there is no fourth, empty batch"}); c.kind(got, int)
    c.equal(steps(18, 6, epochs=2, drop_last=True), 6, because="18 rows leave no short batch to drop")

# %% [markdown] tags=["solution"]
# Round inside the epoch, multiply outside. Learning-rate schedules such as `OneCycleLR` want the total.

# %% [markdown] tags=["instructor"]
# **Ask the room:** "10,000 steps, batch size 256, 50,000 pictures": how many epochs? (About 51.)

# %% [markdown]
# ## The same order twice
#
# `shuffle=True` draws a new order each time the loop starts. For the *same* orders tomorrow, hand the loader a
# seeded generator of its own.

# %%
def two_epochs(seed):
    """The order of FiveRows' targets in two shuffled epochs of a loader seeded with ``seed``."""
    g = torch.Generator().manual_seed(seed)
    shuffled = DataLoader(FiveRows(), batch_size=5, shuffle=True, generator=g)
    return [y.int().tolist() for _ in range(2) for _, y in shuffled]


print("seed 0:", two_epochs(0))
print("again: ", two_epochs(0))
print("seed 2:", two_epochs(2))

# %% [markdown]
# Two epochs differ, two runs do not: the seed fixes where the generator begins, and from there it moves on from
# epoch to epoch. Without a generator of its own, the loader draws from PyTorch's global one, which also initializes
# your weights.
#
# **Predict before you run:** below, a loader reads five rows *in order*. Is the random number drawn afterwards the
# same as without the loader?

# %%
torch.manual_seed(0)
before = torch.rand(1)
torch.manual_seed(0)
for _ in DataLoader(rows):
    pass
print("same number after reading in order:", torch.equal(before, torch.rand(1)))

torch.manual_seed(0)
for _ in DataLoader(rows, generator=torch.Generator()):
    pass
print("the same, with its own generator:  ", torch.equal(before, torch.rand(1)))

# %% [markdown]
# It is not. Each time a loop starts, the loader draws one number as a seed for its helpers, whether it has any or
# not. So somebody adds a validation loader, and the training run comes out different. To prevent that, give each
# loader its own generator.
#
# **A question from the margin: why does my "next batch" never change?** Because `iter(loader)` begins a new epoch.

# %%
for _ in range(3):
    X, y = next(iter(loader))
    print(y.tolist(), end="  ")
walk = iter(loader)
print("  against  ", *(next(walk)[1].tolist() for _ in range(3)))

# %% [markdown]
# If you want to call `next` in a loop, make the iterator once, before the loop.
#
# You may also bring the order yourself: `sampler=` takes any sequence of row numbers, `batch_sampler=` any sequence
# of bundles. What you cannot do is give two orders at once.

# %%
for X, y in DataLoader(rows, batch_sampler=[[4, 0], [2, 2, 2], [1]]):
    print(y.tolist())
with expect_error(ValueError):
    DataLoader(rows, sampler=[4, 3, 2, 1, 0], shuffle=True)

# %% [markdown]
# Bundles may overlap and differ in size. But `shuffle=True` is just short for `sampler=RandomSampler(rows)`, so drop
# one or the other. (Give the generator to a sampler of your own directly: `RandomSampler(rows, generator=g)`.)

# %% [markdown]
# ## Prepare data
#
# Now read the diabetes table of lesson 05 through a `Dataset` that starts from a file. Write the file first.

# %%
table = diabetes()
csv_file = folder / "diabetes.csv"
table.to_csv(csv_file, index=False)
print(table.shape, "of them with diabetes:", f"{table['label'].mean():.2f}")

# %%
class CsvRows(Dataset):
    """A CSV file: row i as features (F,) after ``transform``, and its target, (1,)."""

    def __init__(self, path, target, transform=torch.as_tensor):
        frame = pd.read_csv(path)
        self.X = frame.drop(columns=target).to_numpy(copy=True)
        self.y = frame[[target]].to_numpy(dtype="float32", copy=True)
        self.transform = transform

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.transform(self.X[i]), torch.from_numpy(self.y[i])

# %% [markdown]
# The file is read once, in `__init__`; `__getitem__` only picks. Give one batch to a layer:

# %%
raw = CsvRows(csv_file, target="label")
X, y = next(iter(DataLoader(raw, batch_size=4)))
print(tuple(X.shape), X.dtype, tuple(y.shape), y.dtype)
with expect_error(RuntimeError):
    nn.Linear(8, 1)(X)

# %% [markdown]
# Here the 64 bits bite. *Double* is PyTorch's old name for `float64`, *Float* for `float32`. Pandas reads decimal
# numbers into 64 bits, and NumPy and `as_tensor` keep them. Fix this where the sample is made.
#
# But split first, because scaling has to be learned from the training rows alone. `random_split` splits at random:

# %%
parts = random_split(raw, [576, 192], generator=torch.Generator().manual_seed(0))
for part in parts:
    share = raw.y[part.indices].mean()
    print(type(part).__name__, len(part), "first rows:", part.indices[:4], f"diabetes: {share:.3f}")

# %% [markdown]
# A `Subset` is a dataset and a list of row numbers, nothing more. Look at the shares: chance has given one part
# more diabetes. How far can chance go? Split 200 times at random, and 200 times *stratified*, which splits each class
# separately.

# %%
shares = {"random_split": [], "stratified": []}
for seed in range(200):
    _, chance = random_split(raw, [576, 192], generator=torch.Generator().manual_seed(seed))
    _, fair = train_test_split(range(768), test_size=192, stratify=raw.y, random_state=seed)
    shares["random_split"].append(raw.y[chance.indices].mean())
    shares["stratified"].append(raw.y[fair].mean())
for name, values in shares.items():
    print(f"{name:13} from {min(values):.3f} to {max(values):.3f}")
assert max(shares["random_split"]) - min(shares["random_split"]) > 0.1

# %% alt="Histogram of the share of diabetes in the validation part over 200 splits. The random splits form a broad hill from below 0.30 to above 0.40; all 200 stratified splits stand on one thin black line at the share of the whole table, near 0.35."
counts = np.rint(192 * np.array(shares["random_split"]))
edges = (np.arange(counts.min(), counts.max() + 3, 2) - 0.5) / 192  # a bar is two rows wide
plt.hist(shares["random_split"], bins=edges, color=CLASS_COLORS[0], label="random_split")
plt.axvline(shares["stratified"][0], color="#222222", label="stratified, all 200 of them")
plt.xlabel("share of diabetes among 192 validation rows")
plt.ylabel("splits")
plt.legend(loc="upper right")
plt.show()

# %% [markdown]
# *Between the luckiest and the unluckiest random split of this small table lies more than a tenth of the validation
# rows; a stratified split always keeps the share of the whole table.* That luck goes straight into your accuracy. So
# let scikit-learn choose the rows, and let a `Subset` carry them:

# %%
train_rows, valid_rows = train_test_split(
    range(768), test_size=192, stratify=raw.y, random_state=0
)
assert not set(train_rows) & set(valid_rows)
assert abs(raw.y[train_rows].mean() - raw.y[valid_rows].mean()) < 0.01
print(len(train_rows), len(valid_rows))

# %% [markdown]
# The transform fills in what was not measured (the zeros of lesson 05), scales, and returns 32-bit tensors. It
# learns from training rows only.

# %%
def learn_scaling(X):
    """Learn fill-ins, means and spreads from training rows (N, 8); return a transform of one row (8,)."""
    may_lack = np.array([False, True, True, True, True, True, False, False])
    known = np.where(may_lack & (X == 0), np.nan, X)
    fill = np.nanmedian(known, axis=0)
    filled = np.where(np.isnan(known), fill, known)
    mean, std = filled.mean(axis=0), filled.std(axis=0)

    def scale(row):
        row = np.where(may_lack & (row == 0), fill, row)
        return torch.tensor((row - mean) / std, dtype=torch.float32)

    return scale

# %%
scale = learn_scaling(raw.X[train_rows])
scaled = CsvRows(csv_file, target="label", transform=scale)
train_set, valid_set = Subset(scaled, train_rows), Subset(scaled, valid_rows)
X, y = next(iter(DataLoader(train_set, batch_size=576)))
print(X.dtype, f"largest column mean: {X.mean(0).abs().max():.3f}  spread of column 1: {X[:, 1].std():.2f}")

# %% [markdown]
# Mean 0, spread 1, `float32`. One trap is left, and it costs people days. You want a little noise on the training
# rows, so you set the training set's transform.
#
# **Predict before you run:** is the validation set still clean?

# %%
torch.manual_seed(0)
clean = valid_set[0][0]
train_set.dataset.transform = lambda row: scale(row) + 0.1 * torch.randn(8)
print("validation row unchanged:", torch.equal(valid_set[0][0], clean))
print("one dataset behind both:", train_set.dataset is valid_set.dataset)
train_set.dataset.transform = scale

# %% [markdown]
# It is not. Both subsets look into **one** dataset, so a transform set for one is set for both. The fix is to make
# two datasets, each with its own transform and its own list of row numbers.

# %%
noisy = CsvRows(csv_file, "label", lambda row: scale(row) + 0.1 * torch.randn(8))
noisy_train = Subset(noisy, train_rows)
print("training row 0 is noisy: ", not torch.equal(noisy_train[0][0], train_set[0][0]))
print("validation row unchanged:", torch.equal(valid_set[0][0], clean))

# %% [markdown]
# ## Design model
#
# Take a small network with a BatchNorm layer. You know from lesson 03 that in training mode such a layer refuses a
# batch of one row. Nobody trains with batches of one? Here are 576 rows in batches of 25:

# %%
def small_net():
    """8 measurements → 1 logit, with BatchNorm in between: (N, 8) → (N, 1)."""
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))


torch.manual_seed(0)
model, passed = small_net(), 0
with expect_error(ValueError):
    for X, _ in DataLoader(train_set, batch_size=25):
        model(X)
        passed += 1
print("batches that went well:", passed)

# %% [markdown]
# 23 batches pass, then the epoch dies: $576 = 23 \cdot 25 + 1$. It is a nasty error: it waits for the end of an
# epoch, and goes away when the number of rows changes.
#
# The fix is `drop_last=True` on the training loader. Leave it out on the validation loader: you do not want to lose
# rows when you measure, and in `eval` mode a single row is welcome.

# %%
for X, _ in DataLoader(train_set, batch_size=25, drop_last=True):
    model(X)
model.eval()
with torch.no_grad():
    one = model(valid_set[0][0].unsqueeze(0))
print(f"from a single row, in eval mode: {tuple(one.shape)}")

# %% [markdown]
# ## Choose loss and optimizer
#
# Both are as in lesson 05. The loss of a short batch is a mean over few rows, so when `fit` averages the losses, it
# weights each batch by its number of rows.

# %%
torch.manual_seed(0)
loss_fn = nn.BCEWithLogitsLoss()
model = small_net()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

# %% [markdown]
# ## Train and judge
#
# `fit` takes any loader that yields `(inputs, targets)`.

# %%
g = torch.Generator().manual_seed(0)
train_loader = DataLoader(train_set, batch_size=25, shuffle=True, drop_last=True, generator=g)
valid_loader = DataLoader(valid_set, batch_size=192)
history = fit(model, train_loader, loss_fn, optimizer, epochs=10, progress=False)
judged = evaluate(model, valid_loader, loss_fn, {"accuracy": accuracy})
print(f"loss {history['loss'][0]:.2f} → {history['loss'][-1]:.2f}  accuracy {judged['accuracy']:.2f}")
majority = 1 - raw.y[valid_rows].mean()
print(f"always saying no: {majority:.2f}   the network is better: {judged['accuracy'] > majority}")

# %% [markdown]
# Better than the majority, as in lesson 05.
#
# ### Rare rows more often
#
# Only a third of the rows have diabetes. To show those more often, let `WeightedRandomSampler` draw row numbers
# *with replacement*, each with a chance in proportion to **its own** weight. Below, the last of five rows is as
# likely as the other four together.

# %%
weights = [1.0, 1.0, 1.0, 1.0, 4.0]
g = torch.Generator().manual_seed(0)
sampler = WeightedRandomSampler(weights, num_samples=1000, generator=g)
drawn = torch.tensor(list(sampler)).bincount()
print("how often each row came in 1000 draws:", drawn.tolist())

# %% [markdown]
# The weights need not add up to one. There is one weight for every *row*.
#
# ### Exercise loader-3 · difficulty 2 · 6 minutes
# Write `row_weights(labels)`: weights that make every class equally likely to be drawn, whatever their sizes.
# `labels` is a tensor of class numbers 0, 1, 2, … of shape `(N,)`; return a tensor of the same shape. Only the
# proportions matter.
#
# <details><summary>Hint 1</summary>If a class has 3 rows, each of them must carry a third of the class's chance.</details>
# <details><summary>Hint 2</summary><code>labels.bincount()</code> counts each class. Index the counts with <code>labels</code> to get one number for every row.</details>

# %% tags=["exercise"] id="loader-3" objective="split"
def row_weights(labels: torch.Tensor) -> torch.Tensor:
    """Weights (N,) for WeightedRandomSampler; labels: class numbers, int64, (N,)."""
    ### BEGIN SOLUTION
    return 1 / labels.bincount()[labels].float()
    ### END SOLUTION

# %% tags=["check"]
with check("loader-3") as c:
    labels = torch.tensor([0, 0, 2, 0, 1, 0, 2, 0])
    got = c.attempted(row_weights(labels))
    c.equal(tuple(getattr(got, "shape", ())), (8,), because="one weight a row", mistakes={
            (): "return a tensor, not a list", (3,): "a weight for each class: only rows 0, 1, 2 are drawn"})
    c.close(torch.zeros(3).index_add(0, labels, got.float()) / got.sum(), torch.ones(3) / 3, mistakes=[
            (torch.tensor([25.0, 1, 4]) / 30, "the counts: common classes get commoner; divide by them"),
            (torch.tensor([5.0, 1, 2]) / 8, "an ordinary draw")], because="each class weighs the same")

# %% [markdown] tags=["solution"]
# Dividing by the class's count makes each class add up to 1. The indexing `counts[labels]` is the step from "per
# class" to "per row", and forgetting it raises no error.

# %% [markdown] tags=["instructor"]
# **Watch for** weights of length 2 with the diabetes table: the sampler then draws only rows 0 and 1, and the loss
# falls beautifully. Show it.

# %% [markdown]
# For the diabetes table, a row with diabetes weighs 1 / (number of such rows), any other 1 / (number of the others).
#
# **Predict before you run:** the sampler draws 576 rows from 576. How many *different* rows does such an epoch
# show?

# %%
is_sick = raw.y[train_rows, 0] == 1
chances = np.where(is_sick, 1 / is_sick.sum(), 1 / (~is_sick).sum())
g = torch.Generator().manual_seed(0)
balanced = DataLoader(
    train_set, batch_size=25, drop_last=True, generator=g,
    sampler=WeightedRandomSampler(chances.tolist(), num_samples=576, generator=g),
)
epoch = list(balanced.sampler)
print(f"with diabetes: {is_sick.mean():.2f} of the rows, {is_sick[epoch].mean():.2f} of the draws")
print(f"different rows in this epoch: {len(set(epoch)) / 576:.2f} of all")
plain = list(RandomSampler(train_set, replacement=True, generator=g))
print(f"with replacement, but no weights: {len(set(plain)) / 576:.2f} of all")

# %% [markdown]
# Half of the draws have diabetes. But fewer than two thirds of the rows appear, mostly because of the *replacement*:
# more than a third is missing without any weights, too. Before you pay that price, try moving the threshold, as in
# lesson 04.

# %% [markdown]
# ## What a batch costs
#
# A tensor takes many row numbers at once, so why ask row by row? To fetch **whole batches**, let a `BatchSampler`
# take the *sampler's* place, and switch the loader's own batching off with `batch_size=None`: then `dataset[...]`
# gets all row numbers of a batch in one call. Watch this with a dataset that notes every question it is asked.

# %%
class Asked(Dataset):
    """The numbers 0 to 9, and a note of every question that it was asked."""

    def __init__(self):
        self.questions = []

    def __len__(self):
        return 10

    def __getitem__(self, i):
        self.questions.append(i)
        return torch.arange(10)[i]

# %%
def interview(loader):
    """Read one epoch of a loader of Asked; return its batches, and the questions that it asked."""
    loader.dataset.questions = []
    return [batch.tolist() for batch in loader], loader.dataset.questions


bundles = BatchSampler(SequentialSampler(Asked()), batch_size=4, drop_last=False)
one_by_one = interview(DataLoader(Asked(), batch_size=4))
bundled = interview(DataLoader(Asked(), sampler=bundles, batch_size=None))
nested = interview(DataLoader(Asked(), sampler=bundles))
print("the same batches:", one_by_one[0] == bundled[0])
print("row by row:   ", one_by_one[1])
print("whole batches:", bundled[1])
print("batches without batch_size=None:", nested[0])

# %% [markdown]
# Ten questions, or three. The last line shows a trap: forget `batch_size=None`, and the loader makes a batch *of one
# bundle*. That is one dimension too many, and there is no warning.
#
# Now for the race, with the table twenty times over. First: scale each row when it is asked for, as our dataset does.
# Second: scale everything once and keep it in a `TensorDataset`. Third: fetch that in whole batches. Fourth: use the
# course's own `make_loader`. The fastest of five epochs counts, because whatever else your machine does can only add
# time.

# %%
def epoch_times(loaders, rounds=5):
    """Least time of an epoch for each loader of a dict; they take turns; a first round warms up."""
    times = {name: [] for name in loaders}
    for _ in range(rounds + 1):
        for name, loader in loaders.items():
            start = time.perf_counter()
            for _ in loader:
                pass
            times[name].append(time.perf_counter() - start)
    return {name: min(values[1:]) for name, values in times.items()}

# %%
X, y = default_collate([train_set[j] for j in range(len(train_set))])
tensors, big = TensorDataset(X, y), TensorDataset(X.repeat(20, 1), y.repeat(20, 1))
bundles = BatchSampler(RandomSampler(big), batch_size=64, drop_last=False)
cost = epoch_times({
    "scale each row when asked": DataLoader(ConcatDataset([train_set] * 20), 64, shuffle=True),
    "tensors, row by row": DataLoader(big, batch_size=64, shuffle=True),
    "tensors, whole batches": DataLoader(big, sampler=bundles, batch_size=None),
    "make_loader": make_loader(*big.tensors, batch_size=64, shuffle=True),
})
each_row, by_row, whole, plainest = cost.values()
print("scaling once beats scaling every time, at least 1.5 times:", each_row > 1.5 * by_row)
print("whole batches beat row by row, at least 1.5 times:", by_row > 1.5 * whole)
print("whole batches beat scaling every row, at least 5 times:", each_row > 5 * whole)
print("make_loader beats them all:", plainest == min(cost.values()))

# %% alt="Four dots on a logarithmic axis, the time of an epoch relative to make_loader, which stands at 1. Tensors fetched in whole batches lie to its right, about ten times as long, tensors fetched row by row farther still, and scaling each row when asked lies farthest to the right, near a hundred or beyond."
fig, ax = plt.subplots(figsize=(7, 2.2))
relative = [cost[name] / cost["make_loader"] for name in cost]
ax.hlines(list(cost), 1, relative, color="#bbbbbb")
ax.plot(relative, list(cost), "o", ms=9, color=CLASS_COLORS[2])
ax.margins(y=0.2)
ax.set(xscale="log", xlabel="time of an epoch, make_loader = 1", title="The same rows, four ways")
ax.invert_yaxis()
plt.show()

# %% [markdown]
# *The same rows in the same number of batches; the dots differ only in how the rows are fetched.* There are two
# lessons here. Work that gives the same result every time belongs **before** the loop. And a call per row is costly
# even when it does next to nothing. `make_loader` does without workers, samplers and `collate_fn`; a table
# needs none of them, so the course uses `make_loader` for tables.
#
# ### Exercise loader-4 · difficulty 2 · 7 minutes
# Write `whole_batches(dataset, batch_size, shuffle, generator)`: a `DataLoader` that fetches each batch with
# **one** call of `dataset[list_of_row_numbers]`. If `shuffle` is false, the rows come in order; otherwise in an order
# drawn from `generator`, a new one for each epoch. Keep the short last batch.
#
# <details><summary>Hint 1</summary>Two samplers to choose from: <code>SequentialSampler</code> and <code>RandomSampler</code>. Wrap the chosen one in a <code>BatchSampler</code>.</details>
# <details><summary>Hint 2</summary>The <code>BatchSampler</code> goes in as <code>sampler=</code>, not as <code>batch_sampler=</code>, and <code>batch_size=None</code> goes with it.</details>

# %% tags=["exercise"] id="loader-4" objective="cost"
def whole_batches(dataset, batch_size: int, shuffle: bool, generator: torch.Generator) -> DataLoader:
    """A loader that asks ``dataset`` for a list of row numbers, once for each batch."""
    ### BEGIN SOLUTION
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    batches = BatchSampler(order, batch_size, drop_last=False)
    return DataLoader(dataset, sampler=batches, batch_size=None, generator=generator)
    ### END SOLUTION

# %% tags=["check"]
with check("loader-4") as c:
    made = [whole_batches(Asked(), 4, mix, torch.Generator().manual_seed(3)) for mix in (False, True, True)]
    (plainly, _), (mixed, later), (again, _) = [(interview(c.attempted(m)), interview(m)) for m in made]
    c.equal(plainly, bundled, because="one question a batch, in order, the short one too", mistakes=[
            (one_by_one, "row by row: give the BatchSampler as sampler=, with batch_size=None"),
            (nested, "a dimension too many: batch_size=None is missing")])
    c.equal((sorted(sum(mixed[0], [])), mixed), ([*range(10)], again), because="each row once, order from generator")
    c.true(mixed != later, observed=later[0], expected="a new order each epoch", likely="pass on the sampler")

# %% [markdown] tags=["solution"]
# A batch sampler's bundle is taken apart and fetched row by row; a *sampler's* item, whatever it is, goes to
# `dataset[...]` as it stands when batching is off. Good for whatever understands a list: tensors, NumPy arrays.

# %% [markdown] tags=["instructor"]
# **Watch for** `DataLoader(dataset, batch_sampler=...)`: right batches, no gain. Have the room measure it.

# %% [markdown]
# ## Who waits for whom
#
# Now take samples that have to be waited for, from a disk or a network. `SlowDisk` waits 6 milliseconds for each
# with `time.sleep`, which, like waiting for a disk, needs no processor. Each sample notes when its fetch began, when
# it was done, and who did it.
#
# This may be a **worker**: another Python process that the loader starts, with a copy of the dataset, to fetch
# batches ahead of time. `get_worker_info()` says which worker is asking; in the main process it returns `None`. (The
# section *What a worker cannot know* explains why the class goes into a file.)

# %%
SLOW_DISK = '''
import time
import torch
from torch.utils.data import Dataset, get_worker_info

class SlowDisk(Dataset):
    """n samples that take ``wait`` seconds each: (start, end, worker number or -1)."""

    def __init__(self, n, wait):
        self.n, self.wait, self.served = n, wait, 0

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        info, start = get_worker_info(), time.perf_counter()
        time.sleep(self.wait)
        self.served += 1
        worker = info.id if info else -1
        return torch.tensor([start, time.perf_counter(), worker], dtype=torch.float64)
'''
_ = (folder / "slow_disk.py").write_text(SLOW_DISK, encoding="utf-8")
sys.path.insert(0, str(folder))

# %% [markdown]
# The "training step" is sleep, too, 15 milliseconds of it: it stands for a model that works on another device.
# `clocked_epoch` writes down who did what, and when.

# %%
from slow_disk import SlowDisk  # the file that the last cell wrote


def clocked_epoch(loader, step):
    """Run an epoch; return (lane, what, start, end) for each sample, step and wait."""
    events, last = [], time.perf_counter()
    for samples in loader:
        ready = time.perf_counter()
        events.append(("model", "wait", last, ready))
        for start, end, worker in samples.tolist():
            events.append(("loader" if worker < 0 else f"worker {worker:.0f}", "fetch", start, end))
        time.sleep(step)
        last = time.perf_counter()
        events.append(("model", "train", ready, last))
    return events

# %% [markdown]
# Ten batches of four samples. A fetch takes 4 · 6 = 24 milliseconds, a step 15.
#
# **Predict before you run:** how long is an epoch without workers? And with two, each fetching a batch of its own?

# %%
disk = SlowDisk(n=40, wait=0.006)
alone = DataLoader(disk, batch_size=4)
helped = DataLoader(disk, batch_size=4, num_workers=2, persistent_workers=True)
timelines = {"0 workers": [], "2 workers": []}
for _ in range(6):
    for name, loader in zip(timelines, (alone, helped), strict=True):
        timelines[name].append(clocked_epoch(loader, step=0.015))

# %%
def length(epoch):
    """Seconds from the first event of a clocked epoch to the last."""
    return epoch[-1][3] - epoch[0][2]


def waited(epoch):
    """The share of a clocked epoch that the model waited."""
    return sum(end - start for _, did, start, end in epoch if did == "wait") / length(epoch)


best = {name: min(epochs[1:], key=length) for name, epochs in timelines.items()}
without, with_two = best.values()
print("two workers make the epoch shorter:", length(with_two) < length(without))
print("the model waits a share of it less than half as large:", waited(with_two) < waited(without) / 2)

# %% [markdown]
# The first epoch does not count: it pays for starting the processes. `persistent_workers=True` keeps them alive
# from epoch to epoch.
#
# The arithmetic says: without workers 10 · (24 + 15) = 390 milliseconds. With two, the model waits 24 for its first
# batch and then has ten steps of 15 to do: 174 in all.

# %% alt="Two timelines above each other on one time axis in milliseconds. Above, with 0 workers, two lanes: in the loader lane four short orange fetches at a time, ten times; in the model lane a gray wait under every four fetches and then a blue step; the end comes at about 400 milliseconds. Below, with 2 workers, three lanes: worker 0 and worker 1 fetch at the same time, and in the model lane the blue steps follow each other almost without gaps after one gray wait at the start; it ends after less than half the time."
colors = {"fetch": "#E69F00", "train": TRAIN, "wait": "#cccccc"}
fig, axes = plt.subplots(2, 1, figsize=(9, 3.6), sharex=True, height_ratios=(2, 3))
for ax, (name, events) in zip(axes, best.items(), strict=True):
    zero, lanes = events[0][2], {lane for lane, *_ in events}
    lanes = sorted(lanes, key=lambda lane: (lane == "model", lane))
    for lane, did, start, end in events:
        bar = [(1000 * (start - zero), 1000 * (end - start))]
        ax.broken_barh(bar, (lanes.index(lane) - 0.35, 0.7), color=colors[did], ec="white", lw=0.7)
    ax.set_yticks(range(len(lanes)), labels=lanes)
    ax.set(title=name, ylim=(len(lanes) - 0.5, -0.5))
    ax.grid(axis="y", visible=False)
axes[1].set_xlabel("milliseconds since the epoch began")
handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in colors.values()]
fig.legend(handles, ["fetching a sample", "training step", "waiting"], ncols=3, loc="outside upper right")
plt.show()

# %% [markdown]
# *Orange is fetching, blue is training, gray is waiting. Above, one process does everything in turn, and the model
# waits for every batch; below, two workers fetch while the main process trains, and the model waits once.*
#
# Above, a batch costs 24 + 15 = 39 milliseconds. Below, each worker still needs 24 for a batch, but there are two,
# so a batch is ready every 12, and the step, at 15, is the slower one. The workers run ahead, each by
# `prefetch_factor` batches (2 unless you say otherwise), so they are done before the model is. **The slower side
# sets the pace**, and a third worker would change nothing.
#
# ### Exercise loader-5 · difficulty 2 · 6 minutes
# Put that into a formula. Write `epoch_seconds(batches, fetch, step, workers)`: the length of an epoch when one
# process fetches a batch in `fetch` seconds and a step takes `step`. Leave out the wait at the start: with workers,
# count for each batch only what the slower side needs.
#
# <details><summary>Hint 1</summary>Without workers both times add up. With <code>w</code> of them, a batch is ready every <code>fetch / w</code> seconds.</details>
# <details><summary>Hint 2</summary>The slower of two: <code>max(…, …)</code>.</details>

# %% tags=["exercise"] id="loader-5" objective="cost"
def epoch_seconds(batches: int, fetch: float, step: float, workers: int) -> float:
    """Length of an epoch in seconds, its start left out."""
    ### BEGIN SOLUTION
    if workers == 0:
        return batches * (fetch + step)
    return batches * max(fetch / workers, step)
    ### END SOLUTION

# %% tags=["check"]
with check("loader-5") as c:
    c.close(c.attempted(epoch_seconds(10, fetch=24, step=15, workers=0)), 390, because="alone, both add up",
            mistakes={240: "the step is missing: nobody else does it meanwhile"})
    c.close(epoch_seconds(10, 24, 15, workers=1), 240, because="one worker: fetch sets the pace", mistakes={
            390: "fetch and step overlap", 264: "leave out the start", 195: "they share only the fetching"})
    c.close(epoch_seconds(10, 24, 15, workers=2), 150, because="two workers: now the step does", mistakes={
            120: "a batch every 12, but the model needs 15", 270: "the slower side counts, not the sum"})
    c.close(epoch_seconds(9, 30, 4, workers=4), 67.5, mistakes={63: "// cuts: use /", 90: "count no rounds"})

# %% [markdown] tags=["solution"]
# From 390 to 240 to 150, and 150 for every further worker. If `step` is the larger one, more workers are wasted; if
# `fetch / workers` is, a faster card is.

# %% [markdown] tags=["instructor"]
# **Ask the room** how you would *measure* `fetch` and `step` in your own project. (Each in a loop without the
# other.)

# %% [markdown]
# ### Workers that hurt
#
# Now the surprise. Two workers again, on rows that lie in memory.
#
# **Predict before you run:** faster, the same, or slower than none?

# %%
light = TensorDataset(torch.rand(1000, 8), torch.rand(1000, 1))
none = DataLoader(light, batch_size=4)
two = DataLoader(light, batch_size=4, num_workers=2, persistent_workers=True)
light_cost = epoch_times({"none": none, "two": two})
print("two workers are slower, at least 2 times:", light_cost["two"] > 2 * light_cost["none"])

# %% [markdown]
# At least twice as slow, and often much more. Fetching is microseconds of arithmetic, but every batch that a worker
# makes has to travel: into shared memory, a message through a pipe, a wake-up on the other side. The journey costs
# more than the goods.
#
# | your samples | do |
# |---|---|
# | fit into memory as tensors | no workers; whole batches |
# | waited for (disk, network) | workers until the model no longer waits |
# | heavy to compute (decode, crop) | as many workers as you have cores to spare; compute once what stays the same |
#
# **A question from the margin: what does `pin_memory=True` do?** It copies each batch into *page-locked* memory,
# which a graphics card can read by itself while the processor goes on (`batch.to(device, non_blocking=True)`).
# Without a CUDA device nobody reads it that way, so write:

# %%
loader = DataLoader(light, batch_size=4, pin_memory=torch.cuda.is_available())
X, _ = next(iter(loader))
print("pinned exactly when there is a CUDA device:", X.is_pinned() == torch.cuda.is_available())

# %% [markdown]
# ## What a worker cannot know
#
# How does a worker get the dataset? *Fork* (the habit of Linux up to Python 3.13) splits the running program in
# two, and the child has everything. *Spawn* (Windows and macOS; Linux's *forkserver*, since Python 3.14, is close to it)
# starts a fresh Python and sends it the dataset as a pickle. And a pickle carries an object's values, but of its
# class only the **address**.

# %%
parcel = pickle.dumps(rows)
print("address inside:", b"__main__" in parcel, b"FiveRows" in parcel)
print("code inside:   ", b"__getitem__" in parcel)

# %% [markdown]
# `__main__` is "the program that was started": in your kernel this notebook, in a fresh Python something else:

# %%
def last_line(text):
    """The last line of a text that is not empty: of a traceback, the error itself."""
    return [line for line in text.splitlines() if line.strip()][-1]


unpack = "import pickle, sys; pickle.load(sys.stdin.buffer)"
child = subprocess.run([sys.executable, "-c", unpack], input=parcel, capture_output=True)
print(last_line(child.stderr.decode()))

# %% [markdown]
# *Can't get attribute*: you meet that line if you use workers in a notebook on Windows or macOS. The fix is what
# you did above: put the class into a file that the child can **import**. Then spawn works on any system:

# %%
spawned = DataLoader(SlowDisk(n=4, wait=0.0), num_workers=1, multiprocessing_context="spawn")
print("samples from a spawned worker:", sum(len(part) for part in spawned))

# %% [markdown]
# What the dataset *holds* travels along. A `lambda`, or a function made inside another one, like `scale` above, has
# no address that could be imported, so make the transform of a spawned dataset a class with `__call__`, in a file.

# %%
try:
    pickle.dumps(scale)
except (AttributeError, pickle.PicklingError) as error:
    print("refused, for its address:", "learn_scaling.<locals>.scale" in str(error))

# %% [markdown]
# In a script there is one more thing. A spawned child imports the script it came from, to find your classes. If the
# script starts its training at the top level, the child would start it again. Below are two scripts with the same
# contents; the second hides the action behind `if __name__ == "__main__":`, which is true in the program that was
# started, and false in one that was imported.

# %%
HEAD = "import torch\nfrom torch.utils.data import DataLoader, TensorDataset\n\n"
ACTION = """
loader = DataLoader(TensorDataset(torch.arange(6)), num_workers=1, multiprocessing_context="spawn")
print("rows read:", sum(len(batch) for (batch,) in loader))
"""
INDENTED = ACTION.replace("\n", "\n    ").rstrip()
_ = (folder / "bare.py").write_text(HEAD + ACTION, encoding="utf-8")
guarded = HEAD + 'if __name__ == "__main__":' + INDENTED + "\n"
_ = (folder / "guarded.py").write_text(guarded, encoding="utf-8")
print(guarded)

# %%
pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
running = {
    name: subprocess.Popen([sys.executable, str(folder / name)], **pipes)
    for name in ("bare.py", "guarded.py")
}
for name, process in running.items():
    said, complained = process.communicate()
    if process.returncode:
        cause = [line.strip() for line in complained.splitlines() if "An attempt" in line]
        print(f"{name}: failed. {cause[0]} …")
    else:
        print(f"{name}: {said.strip()}")

# %% [markdown]
# *An attempt has been made to start a new process before the current process has finished its bootstrapping phase*:
# the long form of "you forgot the guard". So workers belong in **scripts**, with classes at the top level and the
# action behind the guard.
#
# ### A worker has its own copy
#
# `SlowDisk` counts what it has served. **Predict before you run:** what does the counter say in your process after
# an epoch of 40 samples, without workers and with two?

# %%
for workers in (0, 2):
    disk = SlowDisk(n=40, wait=0.0)
    for _ in DataLoader(disk, batch_size=4, num_workers=workers):
        pass
    print(f"{workers} workers: served = {disk.served}")

# %% [markdown]
# With two it says zero: each worker counted in its own copy, and the copies ended with the workers. A **random
# generator** inside the dataset is copied, too. `Jitter` draws from three sources.

# %%
JITTER = '''
import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

class Jitter(Dataset):
    """Each sample is three random numbers: from torch, from NumPy, from a generator of its own."""

    def __init__(self, n):
        self.n, self.own = n, np.random.default_rng(0)

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return torch.tensor([torch.rand(()), np.random.rand(), self.own.random()])

def reseed(worker):
    info = get_worker_info()
    info.dataset.own = np.random.default_rng(info.seed)
'''
_ = (folder / "jitter.py").write_text(JITTER, encoding="utf-8")

# %%
from jitter import Jitter, reseed  # the file that the last cell wrote

for init in (None, reseed):
    g = torch.Generator().manual_seed(0)
    loader = DataLoader(Jitter(8), batch_size=2, num_workers=2, generator=g, worker_init_fn=init)
    different = [len(column.unique()) for column in torch.cat(list(loader)).T]
    head = "with reseed:" if init else "as it is:   "
    print(head, "different of 8: torch {}, np.random {}, own {}".format(*different))

# %% [markdown]
# The dataset's own generator gives only four numbers, each of them twice. The loader seeds `torch`, `random` and
# `np.random` differently in each worker. But it does not know about a generator made in `__init__`, so both workers
# draw the same numbers. Draw from `torch` inside `__getitem__`, or reseed your own generator in a `worker_init_fn`,
# which each worker runs as it starts.
#
# ### When a worker fails
#
# Below, one of four fields says `n/a`. With a worker the error happens in another process, so what reaches you?

# %%
FIELDS = '''
from torch.utils.data import Dataset

class Fields(Dataset):
    """Four fields of text, one of which is not a number."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return float(["33.6", "26.6", "n/a", "28.1"][i])
'''
_ = (folder / "fields.py").write_text(FIELDS, encoding="utf-8")

# %%
from fields import Fields  # the file that the last cell wrote

for workers in (0, 1):
    try:
        list(DataLoader(Fields(), num_workers=workers))
    except ValueError as error:
        message = str(error)
        print(f"num_workers={workers}: with a traceback inside: {'Traceback' in message}")
        print("    first line:", message.splitlines()[0])
        print("    last line: ", last_line(message))
        error.with_traceback(None)  # else the traceback would keep the failed epoch, and its worker, alive

# %% [markdown]
# The message quotes the worker's whole traceback: read its **last line** first. To debug, set `num_workers=0`.

# %% [markdown]
# ## A file you cannot load
#
# A large CSV file cannot answer "give me number *i*": to find row 5,000 you must read 5,000 lines. But you can let
# it flow past, row by row. An `IterableDataset` has no `__len__` and no `__getitem__`; it has `__iter__`, which yields
# one sample after another.
#
# Write the table to a file ten times over, with row numbers, and read it in pieces of 768 rows with pandas'
# `chunksize`.

# %%
tenfold = pd.concat([table] * 10, ignore_index=True)
tenfold.insert(0, "row", range(len(tenfold)))
tenfold.to_csv(folder / "large.csv", index=False)

# %%
CSV_STREAM = '''
import itertools
import pandas as pd
from torch.utils.data import IterableDataset, get_worker_info

class CsvStream(IterableDataset):
    """Rows of a CSV file as float32 arrays (columns,), with ``chunk`` rows in memory at a time."""

    def __init__(self, path, chunk, shared=False):
        self.path, self.chunk, self.shared, self.largest = path, chunk, shared, 0

    def __iter__(self):
        info = get_worker_info()
        me, team = (info.id, info.num_workers) if info and self.shared else (0, 1)
        with pd.read_csv(self.path, chunksize=self.chunk) as pieces:
            for piece in itertools.islice(pieces, me, None, team):
                self.largest = max(self.largest, len(piece))
                yield from piece.to_numpy(dtype="float32")
'''
_ = (folder / "csv_stream.py").write_text(CSV_STREAM, encoding="utf-8")

# %%
from csv_stream import CsvStream  # the file that the last cell wrote

stream = CsvStream(folder / "large.csv", chunk=768)
seen = torch.cat([part[:, 0] for part in DataLoader(stream, batch_size=64)])
print("rows:", len(seen), "  largest piece in memory:", stream.largest)
print("first rows:", seen[:5].int().tolist())

# %% [markdown]
# All 7,680 rows came by, and no more than 768 of them, a tenth, were in memory at a time. But a stream has its
# price:

# %%
with expect_error(TypeError):
    len(DataLoader(stream, batch_size=64))
with expect_error(ValueError):
    DataLoader(stream, batch_size=64, shuffle=True)

# %% [markdown]
# There is no length, because nobody has counted, and no shuffling, because you cannot ask for row *i*. (You will
# build a remedy.)
#
# **Predict before you run:** read the same stream with two workers. How many rows come out?

# %%
for shared in (False, True):
    stream = CsvStream(folder / "large.csv", chunk=768, shared=shared)
    readers = DataLoader(stream, batch_size=64, num_workers=2)
    seen = torch.cat([part[:, 0] for part in readers])
    print(f"shared={shared!s:5}  rows: {len(seen):6,}  different: {len(seen.unique()):,}")

# %% [markdown]
# 15,360: **every row twice**, and no warning, because each worker's copy of the stream begins at the beginning.
# With `shared=True` the class asks `get_worker_info()` who it is, and `itertools.islice(pieces, me, None, team)`
# takes every second piece. (Both workers still *parse* the whole file.)
#
# ### CSV or Parquet?
#
# In CSV every number is text, parsed again in every epoch, and there is no way to jump to a row. **Parquet** stores
# columns compressed, with their types, in *row groups* that can be read one at a time. Here is the same table in
# groups of 768 rows. (In practice a group has a hundred thousand rows or more.)

# %%
tenfold.to_parquet(folder / "large.parquet", row_group_size=768, index=False)
csv_size, parquet_size = (path.stat().st_size for path in sorted(folder.glob("large.*")))
with pq.ParquetFile(folder / "large.parquet") as file:
    print("row groups:", file.num_row_groups, "  a row number is:", file.schema_arrow.field("row").type)
    piece = file.read_row_group(7, columns=["row", "label"])
    group = file.metadata.row_group(7)
print("the eighth group begins with row", piece["row"][0])
ends = group.column(0), group.column(group.num_columns - 1)  # row and label
share = sum(column.total_compressed_size for column in ends) / parquet_size
print("its two columns are less than a twentieth of the file:", share < 1 / 20)
print("smaller than the CSV file:", parquet_size < csv_size)

# %% [markdown]
# The file's last bytes say where each column of each group lies, so a reader can go straight there. And each
# worker can jump to groups of its own, whereas the workers of `CsvStream` had to read past each other's rows:

# %%
PARQUET_STREAM = '''
import pyarrow.parquet as pq
from torch.utils.data import IterableDataset, get_worker_info

class ParquetStream(IterableDataset):
    """Rows of a Parquet file as float32 arrays (columns,), one row group in memory at a time."""

    def __init__(self, path):
        self.path = path

    def __iter__(self):
        info = get_worker_info()
        me, team = (info.id, info.num_workers) if info else (0, 1)
        with pq.ParquetFile(self.path) as file:
            for group in range(me, file.num_row_groups, team):
                piece = file.read_row_group(group, use_threads=False)
                yield from piece.to_pandas(use_threads=False).to_numpy(dtype="float32")
'''
_ = (folder / "parquet_stream.py").write_text(PARQUET_STREAM, encoding="utf-8")

# %%
from parquet_stream import ParquetStream

readers = DataLoader(ParquetStream(folder / "large.parquet"), batch_size=64, num_workers=2)
seen = torch.cat([part[:, 0] for part in readers])
print(f"rows: {len(seen):,}  different: {len(seen.unique()):,}")
print("the second batch begins with row", seen[64].int().item())

# %% [markdown]
# Every row once. The second batch comes from the second worker, and so from the second group.
#
# ### Exercise loader-6 · difficulty 3 · 10 minutes
# How do you shuffle what flows by? With a **buffer** that holds `size` items. Once it is full, whenever a new item
# arrives, hand out a random one from the buffer and put the newcomer in its place. At the end, hand out what is left,
# in random order. Write `shuffled_stream(items, size, generator)` as a generator function (with `yield`, as in
# `CsvStream`). It must give every item once, draw from `generator`, and never hold more than `size` items, plus the
# one that has just arrived. `items` may be shorter than the buffer, or have no end.
#
# <details><summary>Hint 1</summary>Three phases: while the buffer is not full, append. Otherwise pick a random position, yield what is there, and put the new item in that position. The leftovers come after the loop.</details>
# <details><summary>Hint 2</summary><code>k = torch.randint(size, (), generator=generator).item()</code> picks a position; <code>torch.randperm(len(buffer), generator=generator)</code> orders the leftovers.</details>

# %% tags=["exercise"] id="loader-6" objective="stream"
def shuffled_stream(items, size: int, generator: torch.Generator):
    """Yield every item of the iterable ``items`` once, shuffled through a buffer of ``size`` items."""
    ### BEGIN SOLUTION
    buffer = []
    for item in items:
        if len(buffer) < size:
            buffer.append(item)
            continue
        k = torch.randint(size, (), generator=generator).item()
        yield buffer[k]
        buffer[k] = item
    for k in torch.randperm(len(buffer), generator=generator).tolist():
        yield buffer[k]
    ### END SOLUTION

# %% tags=["check"]
with check("loader-6") as c:
    given = iter(c.attempted(shuffled_stream(flow := iter(range(500)), 10, torch.Generator())))
    got, held = [next(given, 0) for _ in range(437)], 63 - flow.__length_hint__()
    c.true(8 < held < 12, observed=f"{held} items held", expected="10, 1 in hand", likely="one in, one out")
    c.equal(sorted([*got, *given]), [*range(500)], because="every item once: what goes out is gone")
    r = [[*shuffled_stream(range(9), n, torch.Generator().manual_seed(k))] for n in (3, 9) for k in (0, 0, 1)]
    c.true(r[0] == r[1] != r[2] and r[3] == r[4] != r[5] and sum(a > b for a, b in zip(got, got[1:])) > 80,
           observed=(got[:9], *r[3:]), expected="random picks, random rest", likely="draw both from generator")

# %% [markdown] tags=["solution"]
# The buffer stays full while items come, so the stream is read no faster than it is handed out. A picked item is
# gone for good, because the newcomer takes its place.

# %% [markdown] tags=["instructor"]
# **Watch for** `items = list(items)`: passes on small data, defeats the purpose. **Ask the room:** with all healthy
# rows before all sick ones, how large must the buffer be?

# %% [markdown]
# A buffer shuffles only **locally**: a row never comes out more than `size` places early. If a file is sorted by
# class, shuffle it once, on disk.

# %% [markdown]
# ## Samples of different lengths
#
# Names, sentences and heartbeats differ in length, but a tensor is a rectangle.

# %%
words = [torch.tensor([1.0, 2, 3]), torch.tensor([4.0, 5, 6, 7, 8]), torch.tensor([9.0])]
with expect_error(RuntimeError):
    next(iter(DataLoader(words, batch_size=3)))

# %% [markdown]
# `stack` is what `default_collate` calls. The remedy is *padding*: fill every sample up to the length of the longest
# in its batch with `pad_sequence`, and remember the true lengths. A `collate_fn` of your own takes the list of samples
# and returns the batch.

# %%
def pad_with_lengths(samples):
    """List of B tensors (length,) → padded (B, longest), true lengths (B,)."""
    sizes = torch.tensor([len(sample) for sample in samples])
    return pad_sequence(samples, batch_first=True), sizes


padded, sizes = next(iter(DataLoader(words, batch_size=3, collate_fn=pad_with_lengths)))
print(padded)
print(sizes.tolist())

# %% [markdown]
# (Without `batch_first=True` the shape would be `(longest, B)`.) The zeros are fillers, not data.
#
# **Predict before you run:** what is the plain mean of row 2, which holds the single number 9?

# %%
mask = torch.arange(padded.shape[1]) < sizes.unsqueeze(1)
print("plain: ", [f"{m:.2f}" for m in padded.mean(dim=1).tolist()])
print("masked:", [f"{m:.2f}" for m in ((padded * mask).sum(dim=1) / sizes).tolist()])
print(mask.int())

# %% [markdown]
# 1.80, because four fillers were averaged in. Whatever you calculate over padded data, carry the lengths and use a
# mask.
#
# Padding is also wasted work. Make 64 sequences of 2 to 60 steps, eight to a batch:

# %%
def filler(batches, lengths):
    """Places of padding when each batch, a list of row numbers, is filled up to its longest row."""
    return sum(len(batch) * max(lengths[batch]) - sum(lengths[batch]) for batch in batches).item()


lengths = torch.randint(2, 61, (64,), generator=torch.Generator().manual_seed(0))
sequences = [torch.ones(span) for span in lengths.tolist()]
as_they_came = [list(piece) for piece in BatchSampler(range(64), batch_size=8, drop_last=False)]
wasted = filler(as_they_came, lengths)
print(f"places of padding: {wasted}, that is {wasted / (wasted + lengths.sum().item()):.0%} of all places")
assert wasted / (wasted + lengths.sum()) > 1 / 3

# %% alt="Eight rectangles side by side, one for each batch of eight sequences. In each, the dark blue left part of a row is data and the pale rest is padding. In most rectangles the pale part takes a third to a half of the area, because one long sequence decides the width for all eight. All panels share one scale of 60 steps."
fig, axes = plt.subplots(1, 8, figsize=(9, 1.9), sharey=True)
loader = DataLoader(sequences, batch_sampler=as_they_came, collate_fn=pad_with_lengths)
for ax, (padded, _) in zip(axes, loader, strict=True):
    ax.imshow(padded, aspect="auto", cmap="Blues", vmin=-0.25, vmax=1.4, interpolation="nearest")
    ax.set(xlabel="step", xlim=(-0.5, 59.5), yticks=[])
    ax.grid(visible=False)
axes[0].set(ylabel="sequence")
fig.suptitle("Eight batches: blue is data, pale is padding")
plt.show()

# %% [markdown]
# *Each panel is a batch of eight sequences; blue is data, pale is padding.* More than a third of the work is wasted:
# one long sequence makes seven others long.
#
# ### Exercise loader-7 · difficulty 2 · 8 minutes
# Put like with like. Write `length_batches(lengths, batch_size)`. It returns a list of batches, each a list of row
# numbers, such that sequences of similar length share a batch. Every row appears once, and each batch is full, except
# perhaps one. Such a list can be given to a loader as `batch_sampler=`, and to `filler`.
#
# <details><summary>Hint 1</summary>Put the row numbers in order of length, then cut the list into pieces.</details>
# <details><summary>Hint 2</summary><code>lengths.argsort()</code> gives row numbers, <code>.split(batch_size)</code> cuts, <code>.tolist()</code> makes lists.</details>

# %% tags=["exercise"] id="loader-7" objective="ragged"
def length_batches(lengths: torch.Tensor, batch_size: int) -> list[list[int]]:
    """Bundles of row numbers, rows of similar length together; lengths: int64, (N,)."""
    ### BEGIN SOLUTION
    return [piece.tolist() for piece in lengths.argsort().split(batch_size)]
    ### END SOLUTION

# %% tags=["check"]
with check("loader-7") as c:
    for per, cut, most in ((10, [4, *[10] * 6], 350), (5, [4, *[5] * 12], 200)):
        got = [torch.as_tensor(b).tolist() for b in c.attempted(length_batches(lengths, per))]
        c.kind(got[0], list)
        c.equal(sorted(map(len, got)), cut, mistakes=[
                ([1, *[7] * 9], "chunk wants a number, not a size"), ([10] * 6, "the short last batch is missing")])
        c.equal(sorted(sum(got, [])), [*range(64)], because="every row number once, and no lengths")
        c.true(filler(got, lengths) <= most, observed=f"{filler(got, lengths)} places of padding",
               expected=f"{most} at most", because="like with like", likely="sort the row numbers by length")

# %% [markdown] tags=["solution"]
# Sort, cut, done. Add a little noise to the lengths before sorting, or the same sequences meet in every epoch.

# %% [markdown] tags=["instructor"]
# **Watch for** `sorted(lengths)`: lengths instead of row numbers, which reads wrong rows. **Ask the room** what is
# lost (batches are no longer random samples).

# %% [markdown]
# Such a list is the same in every epoch, so for training, shuffle at least the order of its batches.

# %% [markdown]
# ## Pictures in folders
#
# Many picture collections have a folder for each class. Make such a collection: polygons with 3, 4 and 10 corners,
# in pictures of different sizes.

# %%
rng = np.random.default_rng(0)
for corners in (3, 4, 10):
    (folder / "polygons" / str(corners)).mkdir(parents=True)
    for n in range(12):
        width, height = (int(size) for size in rng.integers(48, 96, size=2))
        picture = Image.new("RGB", (width, height), "white")
        circle = (width // 2, height // 2, min(width, height) // 3)
        color = tuple(int(v) for v in rng.integers(0, 200, size=3))
        turn = int(rng.integers(0, 360))
        ImageDraw.Draw(picture).regular_polygon(circle, corners, rotation=turn, fill=color)
        picture.save(folder / "polygons" / str(corners) / f"{n:02}.png")

# %% [markdown]
# **Predict before you run:** `ImageFolder` reads the classes from the folder names. Which class number does the
# triangle, folder `3`, get?

# %%
polygons = ImageFolder(folder / "polygons")
print(len(polygons), polygons.class_to_idx)
picture, label = polygons[0]
print(type(picture).__name__, picture.mode, "class", label, "=", polygons.classes[label], "corners")

# %% [markdown]
# Class 1, because names are sorted as **text**, and as text `10` comes before `3`. Print `class_to_idx` before you
# trust a class number.
#
# A sample is a PIL picture, and the loader does not know what to do with it:

# %%
with expect_error(TypeError):
    next(iter(DataLoader(polygons, batch_size=4)))

# %% [markdown]
# A *transform* turns the picture into a tensor. torchvision's `transforms.v2` is a box of bricks:

# %%
stages = [
    v2.ToImage(), v2.Resize((32, 32)),
    v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3),
]
x = picture
for stage in stages:
    x = stage(x)
    low, high = x.min().item(), x.max().item()
    print(f"{type(stage).__name__:10} {tuple(x.shape)!s:13} {x.dtype!s:13} from {low:.3g} to {high:.3g}")

# %% [markdown]
# `ToImage` makes a tensor `(C, H, W)`, still in bytes. `Resize` makes all pictures the same size, so that they can be
# stacked. `ToDtype` with `scale=True` goes from 0…255 to 0…1 (**without** it the values stay as they are).
# `Normalize` subtracts a mean and divides by a spread, channel by channel. For training, one adds random steps:

# %%
plain = v2.Compose(stages)
varied = v2.Compose([v2.ToImage(), v2.RandomRotation(180, fill=255), v2.RandomHorizontalFlip(), *stages[1:]])
train_pictures = ImageFolder(folder / "polygons", transform=varied)
valid_pictures = ImageFolder(folder / "polygons", transform=plain)
torch.manual_seed(0)
for name, pictures in {"training": train_pictures, "validation": valid_pictures}.items():
    print(f"{name} picture 0, asked twice, the same:", torch.equal(pictures[0][0], pictures[0][0]))

# %% alt="Two rows of eight small pictures. The upper row shows polygons as they lie in the folders: in different widths and heights, colored triangles, squares and ten-sided figures on white. The lower row shows the same pictures as they come out of the training loader: all 32 by 32 pixels, each polygon turned by another angle."
chosen = [0, 1, 2, 12, 13, 14, 24, 25]
torch.manual_seed(0)
X, y = next(iter(DataLoader(Subset(train_pictures, chosen), batch_size=8)))
fig, axes = plt.subplots(2, 8, figsize=(9, 2.6))
for column, i in enumerate(chosen):
    name = polygons.classes[polygons[i][1]]
    axes[0, column].imshow(polygons[i][0])
    axes[0, column].set_title(f"{name} corners", fontsize=9, loc="center")
    axes[1, column].imshow(X[column].permute(1, 2, 0) / 2 + 0.5)
for ax in axes.flat:
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color="#bbbbbb")
axes[0, 0].set_ylabel("on disk")
axes[1, 0].set_ylabel("in the batch")
plt.show()
print(tuple(X.shape), X.dtype, y.tolist())

# %% [markdown]
# *Above, pictures as they lie in the folders; below, the same ones in a training batch: 32 by 32 (squeezed where
# they were not square) and turned at random.* There are two `ImageFolder` objects on one folder, each with its own
# transform. It is the same fix as for the two subsets.

# %% [markdown]
# ## Old code you will meet
#
# | on the web | today | why |
# |---|---|---|
# | `iter(loader).next()` | `next(iter(loader))` | Python 2 spelling |
# | `transforms.ToTensor()` | `v2.ToImage()`, then `v2.ToDtype(torch.float32, scale=True)` | one did two jobs; v2 also turns boxes and masks |
# | `worker_init_fn=lambda n: np.random.seed(n)` | nothing, or `reseed` | workers' `np.random` is seeded for you |
# | `num_workers=4`, everywhere | measure | you have seen both answers |
#
# The first two, run:

# %%
with expect_error(AttributeError):
    iter(DataLoader(rows)).next()
old = np.asarray(picture, dtype="float32").transpose(2, 0, 1) / 255  # what ToTensor did, by hand
new = v2.ToDtype(torch.float32, scale=True)(v2.ToImage()(picture))
print("ToImage and ToDtype do the same:", torch.allclose(torch.from_numpy(old), new))

# %% [markdown]
# ## What you have now
#
# | call | what it does | in → out |
# |---|---|---|
# | `Dataset` with `__len__`, `__getitem__` | answers "how many" and "number i" | `i` → one sample |
# | `TensorDataset(X, y)` | tensors as a dataset; understands lists of row numbers | `i` → `(X[i], y[i])` |
# | `Subset(ds, rows)`, `random_split`, `ConcatDataset` | part, random parts, several in a row | dataset(s) → dataset(s) |
# | `train_test_split(range(n), stratify=y)` | row numbers, both parts with the same class shares | `n` → two lists |
# | `DataLoader(ds, batch_size=B)` | order, bundles, fetch, collate | N samples → ⌈N/B⌉ batches `(B, …)` |
# | `shuffle=True, generator=g` | a new order each epoch, the same each run | |
# | `drop_last=True` | no short batch | → ⌊N/B⌋ batches |
# | `WeightedRandomSampler(w, n)` | draws with replacement, by weight | weights `(N,)` → `n` row numbers |
# | `sampler=BatchSampler(…), batch_size=None` | whole batches, one fetch each | B row numbers → `(B, …)` |
# | `num_workers=2, persistent_workers=True` | other processes fetch ahead | |
# | `IterableDataset`, `get_worker_info()` | a stream; who am I in the team | → samples, in order |
# | `pd.read_csv(…, chunksize=n)`, `ParquetFile.read_row_group(i)` | a file in pieces: in order, or any one | → tables of n rows |
# | `collate_fn=`, `pad_sequence` | a list of samples becomes a batch | B tensors `(length,)` → `(B, longest)` |
# | `batch_sampler=` | bundles of your own | list of lists of row numbers |
# | `ImageFolder(path, transform=…)` | a folder for each class | `i` → `(picture, class number)` |
# | `v2.Compose([…])` | picture → tensor, step by step | PIL → `(C, H, W)` |
#
# Three sentences to keep: *Work that never changes belongs before the loop. Workers help where there is waiting, and
# hurt where there is none. When two runs should agree and do not, look at the generator first.*
#
# Next come pictures in earnest: 50,000 of them, and a network that looks at them through small windows.

# %%
del helped, two  # their workers end
sys.path.remove(str(folder))
scratch.cleanup()
