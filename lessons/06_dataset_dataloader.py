# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Dataset and DataLoader
#     summary: from a folder of your own photographs to a network that names a new one, and what a batch costs on the way
#     path: "One sample, one batch, one epoch: from a folder of pictures on your own disk to the name of a new one."
#     needs: [05_diabetes_mlp]
#     data: [cifar10, diabetes]
#     objectives:
#       sample: write a Dataset that fetches one sample when it is asked for it
#       batch: predict the batches that a DataLoader makes, and shuffle and bundle rows by hand
#       ready: turn a new picture into exactly the input that a network was trained on
#       whole: go from a folder of photographs to the name of a new one, alone
#       feed: feed a network well from tables, streams and samples of different lengths
# ---

# %% [markdown]
# You have a folder of photographs, and you want a network that tells you what a new one shows. Between the
# two stand a `Dataset`, which hands over **one sample**, and a `DataLoader`, which makes **a batch** of many. One walk through all samples is called **an epoch**.
#
# This lesson is heading for one small table. In it the same network looks at the same pictures in five preparations. Prepared as in training, the network is right about
# two times in three. Prepared differently, it is right less often, and it may even be *surer* of itself. No
# error message appears.

# %%
import inspect
import pickle
import re
import subprocess
import sys
import tempfile
import time
import warnings
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from PIL import Image, ImageDraw
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn.utils.rnn import pad_sequence

# %% [markdown]
# The next cell imports what the lesson is about. It also makes a temporary folder for the side doors' files, deleted when the kernel ends.

# %%
from torch.utils.data import BatchSampler, RandomSampler, SequentialSampler, WeightedRandomSampler
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset
from torch.utils.data import default_collate
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from utils import accuracy, check, evaluate, expect_error, fit, make_loader
from utils import new_pictures, pictures, predict, read_picture
from utils.data import diabetes
from utils.plotting import TRAIN, draw_grid

plt.style.use("utils.course")
torch.set_num_threads(1)  # small tensors need no more, and the other cores are for worker processes
scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
folder = Path(scratch.name)
sys.path.insert(0, str(folder))

# %% [markdown]
# ## Prepare data
#
# Make a folder `work/pictures` in the course's folder, and in it one folder for each class, named as you
# would name the class: `work/pictures/cat/1.jpg`, `work/pictures/dog/1.jpg`. Ten pictures a class are a
# start, a hundred are better. The files may be of any size, and may have any name. The lesson only reads
# them.
#
# Without such a folder, `pictures()` takes a set that comes with the course: small pictures of three classes,
# from a collection called CIFAR-10. The numbers in the text belong to that set.

# %%
paths, labels, classes = pictures()
for k, name in enumerate(classes):
    print(f"class {k}: {name}, {labels.count(k)} pictures")
provided = classes == ["automobile", "frog", "horse"]

# %% [markdown]
# Classes are sorted by name and numbered from 0, because a loss wants numbers. Now open one file.
#
# **Predict before you run:** which three numbers are the `shape` of a color picture, and in which order?
# Which `dtype`?

# %%
picture = read_picture(paths[0])
print(tuple(picture.shape), picture.dtype, f"from {picture.min()} to {picture.max()}")

# %% [markdown]
# Channels first, then height and width, and every value a byte from 0 to 255: as in lesson 01.

# %% alt="Two rows of eight small pictures, each with the name of its class above it. With the provided set they are blurred color pictures of 32 by 32 pixels: automobiles seen from all sides, frogs close up, horses standing and grazing."
fig, axes = plt.subplots(2, 8, figsize=(9, 2.7))
for ax, i in zip(axes.flat, torch.linspace(0, len(paths) - 1, 16).int().tolist(), strict=True):
    ax.imshow(read_picture(paths[i]).permute(1, 2, 0))
    ax.set_title(classes[labels[i]], fontsize=9, loc="center")
    ax.axis("off")
plt.show()

# %% [markdown]
# *Sixteen of the pictures, each under the name of its folder.* Always look before you train (and if the
# folder is your own, at more than sixteen): a turned or empty picture, or one in the wrong folder, raises no
# error later.
#
# ### One sample
#
# A `Dataset` answers two questions: *how many are you?* and *give me number i*. In Python these are `__len__`
# and `__getitem__`; `len(photos)` and `photos[i]` call them.

# %%
class Photos(Dataset):
    """Picture files. Sample i: uint8 (3, size, size), and its class number; size=None cuts nothing."""

    def __init__(self, paths, labels, size=32):
        self.paths, self.labels, self.size = paths, labels, size

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return read_picture(self.paths[i], self.size), self.labels[i]


photos = Photos(paths, labels)
x, label = photos[0]
print(len(photos), "samples; number 0:", tuple(x.shape), x.dtype, "class", label)

# %% [markdown]
# Notice what `__init__` does *not* do: it opens no file. It keeps a list of addresses, and `__getitem__`
# opens one file when somebody asks. That way a dataset may be larger than your memory.
#
# And why `size`? `read_picture` cuts the largest square out of the middle, and scales it to 32 by 32. Here is
# what happens to photographs of different sizes without that.

# %%
new = new_pictures()  # pictures that come with the course, outside of your folder
as_they_are = Photos([path for _, path in new[-3:]], [0, 0, 0], size=None)
print([tuple(x.shape) for x, _ in as_they_are])
with expect_error(RuntimeError):
    next(iter(DataLoader(as_they_are, batch_size=3)))

# %% [markdown]
# *stack expects each tensor to be equal size*: a batch is a block of numbers, and a block has straight sides.
# You will meet this message with your own data sooner or later. The fix belongs in `__getitem__`: make all
# samples the same size.
#
# ### Three parts
#
# Before anything is learned from the pictures, put some aside: the **validation** part for choosing, and the
# **test** part for one look at the end. Each class is split separately (*stratified*), so that bad luck can't
# put most of the frogs into one part.

# %%
def split_by_class(labels, seed):
    """Row numbers for training, validation and test: of every class about 3/5, 1/5 and 1/5."""
    rng, labels = torch.Generator().manual_seed(seed), torch.tensor(labels)
    train, valid, test = [], [], []
    for k in labels.unique():
        rows = (labels == k).nonzero()[:, 0]
        rows = rows[torch.randperm(len(rows), generator=rng)].tolist()
        n = max(1, len(rows) // 5) if len(rows) > 2 else 0  # one or two pictures: to training
        valid, test, train = valid + rows[:n], test + rows[n : 2 * n], train + rows[2 * n :]
    return train, valid, test

# %%
train, valid, test = split_by_class(labels, seed=0)
assert valid, "put three pictures or more into at least one of your folders"
assert sorted(train + valid + test) == list(range(len(photos)))
for name, rows in {"training": train, "validation": valid, "test": test}.items():
    counts = torch.tensor(labels)[rows].bincount(minlength=len(classes))
    print(f"{name:10} {len(rows):4} pictures, of each class {counts.tolist()}")

# %% [markdown]
# Every picture is in exactly one part.
#
# ### Exercise loader-1 · difficulty 2 · 5 minutes
# A dataset need not store its samples: it may make each one when asked. A horse seen in a mirror is still a
# horse, so write `Mirrored(photos)`, which has twice as many samples as `photos`. With `n = len(photos)`,
# sample `i` below `n` comes from `photos`, and sample `n + i` is the same picture mirrored left to right,
# with the same label. The original picture stays as it is. Open nothing before it is asked for.
#
# `photos` may be any dataset of pairs `(picture (3, H, W), label)`.
#
# <details><summary>Hint 1</summary><code>i % n</code> is the picture's number in both halves. Left and right: which of the three dimensions?</details>
# <details><summary>Hint 2</summary><code>picture.flip(-1)</code> turns the last dimension, the width, around, and makes a new tensor.</details>

# %% tags=["exercise"] id="loader-1" objective="sample"
class Mirrored(Dataset):
    """Sample i: (picture (3, H, W), label), as in ``photos``, and from len(photos) on mirrored."""

    def __init__(self, photos: Dataset):
        self.photos = photos

    def __len__(self) -> int:
        ### BEGIN SOLUTION
        return 2 * len(self.photos)
        ### END SOLUTION

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        ### BEGIN SOLUTION
        n = len(self.photos)
        picture, label = self.photos[i % n]
        return (picture if i < n else picture.flip(-1)), label
        ### END SOLUTION

# %% tags=["check"]
with check("loader-1") as c:
    class Album(Dataset):
        def __init__(self, *shape):
            self.given, self.asked = torch.arange(torch.Size(shape).numel()).reshape(shape), []
        def __len__(self):
            return len(self.given)
        def __getitem__(self, i):
            self.asked.append(i)
            return self.given[i], 7 - i
    for n, album in ((3, Album(3, 3, 2, 4)), (5, Album(5, 3, 7, 3))):
        given, asked, both = album.given, album.asked, Mirrored(album)
        c.equal(c.attempted(both.__len__()), 2 * n, mistakes={n: "the mirrored ones count as well"})
        for i in (0, n - 1, n, 2 * n - 1):
            asked.clear()
            with c.untouched(given):
                pair = c.attempted(both[i])
            c.kind(pair, tuple[torch.Tensor, int])
            k, flat, turned = i % n, given[i % n], given[i % n].flip(2)
            c.equal(pair[0], turned if i >= n else flat, because="the second half is mirrored", mistakes=[
                    (flat, "it is not mirrored"), (turned, "leave the first half"), (flat.flip(1), "upside down")])
            c.equal(pair[1], 7 - k, because="and keeps its labels")
            c.equal(set(asked), {k}, because="it asks for one picture", mistakes=[(set(), "read when asked")])

# %% [markdown] tags=["solution"]
# The new dataset holds the old one and no pictures. Such wrappers can be stacked: a `Mirrored` of a `Subset`
# of `Photos` is a dataset as well. Mirror only the training part, and only where left and right don't matter:
# letters and traffic signs don't allow it.

# %% [markdown] tags=["instructor"]
# **Watch for** `flip(1)` (frogs upside down) and for reading everything in `__init__`. **Ask the room** which
# mirror is wrong for handwritten digits (both), for satellite pictures (none).

# %% [markdown]
# ## One batch
#
# A network learns from many samples at once, stacked into one tensor. That is the `DataLoader`'s job, and
# there is no magic in it. A *sampler* sets the order, a *batch sampler* ties the row numbers into
# bundles, the dataset fetches the samples of a bundle, and a *collate function* makes one batch of them. You
# can do all four by hand.
#
# **Predict before you run:** ten pictures in batches of four. How many batches, and what is the shape of the
# last `X`?

# %%
few = Subset(photos, train[:10])  # the first ten of the training part
by_hand = []
for rows in BatchSampler(SequentialSampler(few), batch_size=4, drop_last=False):
    samples = [few[i] for i in rows]
    by_hand.append(default_collate(samples))
    X, y = by_hand[-1]
    print("rows", rows, "→ X", tuple(X.shape), X.dtype, " y", y.tolist(), y.dtype)

# %% [markdown]
# Three batches, and the last holds what is left, two pictures. The labels, plain Python numbers, have become
# one `int64` tensor, the type that `nn.CrossEntropyLoss` wants. And all are 0: the files lie class by class. In this order the network would see only automobiles,
# then only frogs, and each step would teach it that everything is what it saw last. Now the same in one line.

# %%
loader = DataLoader(few, batch_size=4)
pairs = list(zip(loader, by_hand, strict=True))
gap = max((its[0].int() - mine[0].int()).abs().max().item() for its, mine in pairs)
print(len(loader), "batches; largest difference from those by hand:", gap)
print("batches with drop_last=True:", len(DataLoader(few, batch_size=4, drop_last=True)))
assert gap == 0

# %% [markdown]
# Not one byte is different. With `drop_last=True` the short batch is left out, and its pictures with it.
#
# **An aside: why does my "next batch" never change?** Below, `range(10)` is the dataset, since anything
# with a length and numbered items can be one.

# %%
tens = DataLoader(range(10), batch_size=4)
print("next(iter(loader)), three times:", [next(iter(tens)).tolist() for _ in range(3)])
walk = iter(tens)
print("one iterator, three times:      ", [next(walk).tolist() for _ in range(3)])

# %% [markdown]
# `iter(loader)` begins a new epoch each time. Make the iterator once if you want to go on with it.

# %% [markdown]
# ## One epoch
#
# An **iteration** (or step) is one batch: one forward, one backward, one update. An **epoch** is one walk
# through all rows. `shuffle=True` draws a new order for each, so that every batch is a mixture. Here are three epochs of 20 rows in batches of
# 6.

# %% alt="Three rows of twenty numbered squares, one row of squares an epoch. The squares are shaded in four groups of 6, 6, 6 and 2: the batches. In each row of squares the numbers 0 to 19 appear in another order. Below, the groups are labeled batch 1 to batch 4."
numbers = DataLoader(
    range(20), batch_size=6, shuffle=True, generator=torch.Generator().manual_seed(1)
)
orders = torch.stack([torch.cat(list(numbers)) for _ in range(3)])
fig, ax = plt.subplots(figsize=(8.5, 1.9))
draw_grid(ax, orders, colors=np.tile(np.arange(20) // 6, (3, 1)), title="20 rows, batches of 6, 3 epochs")
ax.set_yticks(range(3), labels=["epoch 1", "epoch 2", "epoch 3"], minor=True)
ax.set_xticks([2.5, 8.5, 14.5, 18.5], labels=[f"batch {n}" for n in (1, 2, 3, 4)], minor=True)
ax.xaxis.remove_overlapping_locs = False  # these labels stand on grid lines: draw them all the same
ax.tick_params(which="minor", length=0)
plt.show()
print("different rows in each epoch:", [len(e.unique()) for e in orders])
print(len(numbers), "batches an epoch,", 3 * len(numbers), "steps in all")

# %% [markdown]
# *Each square is a row of the data set, each shade a batch: four batches an epoch, the last with only two
# rows.* The order changes, but no row is missed and none comes twice. In general $N$ rows in batches of $B$
# are $\lceil N/B \rceil$ iterations, or $\lfloor N/B \rfloor$ with `drop_last`.
#
# ### Exercise loader-2 · difficulty 2 · 4 minutes
# A loader's sampler and batch sampler, by hand: write `bundles(n, batch_size, generator, drop_last)`. For `n` rows it gives the numbers 0 to `n` − 1 of **one**
# epoch, as a list of lists of ints, in an order drawn from `generator`. A last bundle that is short stays in, unless `drop_last` is true.
#
# <details><summary>Hint 1</summary><code>torch.randperm(n, generator=generator)</code> draws the order, <code>.split(batch_size)</code> cuts it into bundles.</details>
# <details><summary>Hint 2</summary><code>.tolist()</code> makes a list of a bundle. Which bundles are shorter than <code>batch_size</code>?</details>

# %% tags=["exercise"] id="loader-2" objective="batch"
def bundles(n: int, batch_size: int, generator: torch.Generator, drop_last: bool = False) -> list[list[int]]:
    """The numbers 0 to n − 1, shuffled, in lists of ``batch_size``; the last may be shorter."""
    ### BEGIN SOLUTION
    parts = torch.randperm(n, generator=generator).split(batch_size)
    return [part.tolist() for part in parts if len(part) == batch_size or not drop_last]
    ### END SOLUTION

# %% tags=["check"]
with check("loader-2") as c:
    for n, size in ((20, 6), (35, 4), (18, 6), (3, 5)):
        g, before = torch.Generator().manual_seed(n), torch.get_rng_state()
        got, later = c.attempted((bundles(n, size, g), bundles(n, size, g)))
        c.kind(got, list[list[int]])
        sizes, short = [size] * (n // size), [n % size] * (n % size > 0)
        c.equal([len(part) for part in got], sizes + short, because="only the last may be short", mistakes=[
                (sizes, "without drop_last the short one stays"), ([*sizes, 0], "there is no empty bundle"),
                ([n], "cut the order into bundles")])
        c.equal(sorted(sum(got, [])), [*range(n)], because="each row once, counted from 0")
        full = bundles(n, size, g, drop_last=True)
        c.equal([len(part) for part in full], sizes, because="drop_last leaves full bundles only", mistakes=[
                (sizes + short, "drop_last made no difference"), (sizes[:-1], "a full last bundle stays")])
        again = bundles(n, size, torch.Generator().manual_seed(n))
        c.equal(again, got, because="the generator decides: the same seed, the same order")
        c.equal(torch.get_rng_state(), before, because="and no other generator is touched")
        c.true(n < 9 or later != got != [[*range(n)][k : k + size] for k in range(0, n, size)], observed=got,
               expected="a new order each time", likely="draw it from generator: torch.randperm")

# %% [markdown] tags=["solution"]
# `RandomSampler` draws the order, `BatchSampler` bundles it: with your lists a loader's work is `X[bundle]`.

# %% [markdown] tags=["instructor"]
# **Ask the room:** "10,000 steps, batch size 256, 50,000 pictures": how many epochs? (About 51.)

# %% [markdown]
# For the *same* orders tomorrow, hand the loader a seeded generator of its own.

# %%
def two_epochs(seed):
    """The order of five rows in two shuffled epochs of a loader seeded with ``seed``."""
    g = torch.Generator().manual_seed(seed)
    shuffled = DataLoader(range(5), batch_size=5, shuffle=True, generator=g)
    return [rows.tolist() for _ in range(2) for rows in shuffled]


print("seed 0:", two_epochs(0))
print("again: ", two_epochs(0))
print("seed 2:", two_epochs(2))

# %% [markdown]
# Two epochs differ, two runs do not: the seed fixes where the generator begins, and from there it moves on.
#
# ### Read the files once
#
# You are about to train for many epochs, and each would open every file again. What does one epoch cost from
# the files, and what from memory? The cell after next also *keeps* what it reads: from there on `X` holds all 360 pictures as bytes, `y` their class numbers,
# and `train`, `valid`, `test` are row numbers of both.

# %%
def epoch_seconds(loader):
    """How long one epoch of a loader takes, with nothing done to its batches."""
    start = time.perf_counter()
    for _ in loader:
        pass
    return time.perf_counter() - start

# %% tags=["nbval-ignore-output"] reason="prints measured times"
start = time.perf_counter()
batches = DataLoader(photos, batch_size=64)  # pairs (X, y); zip(*…) gathers all X, and all y
X, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
from_files = time.perf_counter() - start
from_memory = epoch_seconds(DataLoader(TensorDataset(X, y), batch_size=64))
print(f"one epoch from files: {1000 * from_files:.0f} ms, one from memory: {1000 * from_memory:.1f} ms")

# %% [markdown]
# The files take many times as long, though these are tiny, and a photograph from a phone has some ten thousand times as many pixels. **Work that gives the same
# result every time belongs before the loop.** (Where
# the pictures don't fit into memory, other processes can read ahead: the side door *Who waits for whom*.)
#
# One more thing gives the same result every time: scaling. Networks learn best from numbers around 0 with a
# spread around 1, so take 0…255 to 0…1, and then subtract the mean of each color channel and divide by its
# spread. Both are learned from the training part alone, as in lesson 05, and **kept**: they are part of the
# model from now on.

# %% within="0.002"
def scaled(pictures, mean, std):
    """Bytes (N, 3, H, W) → float32 of the same shape; mean and std, (3, 1, 1), are those of training."""
    return (pictures / 255 - mean) / std


def color_statistics(pictures):
    """Mean and spread of each color, divided by 255: bytes (N, 3, H, W) → twice (3, 1, 1)."""
    shares = pictures / 255
    return [part.reshape(3, 1, 1) for part in (shares.mean((0, 2, 3)), shares.std((0, 2, 3)))]


print(X.dtype, tuple(X.shape), f"{X.nbytes / 1e6:.1f} MB", "  y", y.dtype, tuple(y.shape))
mean, std = color_statistics(X[train])
print("mean of red, green, blue:", [f"{m:.3f}" for m in mean.flatten().tolist()])
print("spread:                  ", [f"{s:.3f}" for s in std.flatten().tolist()])
train_set = TensorDataset(scaled(X[train], mean, std), y[train])
X_valid, y_valid = scaled(X[valid], mean, std), y[valid]

# %% [markdown]
# `TensorDataset` is the dataset for what is already a tensor: sample `i` is `(X[i], y[i])`.

# %% [markdown]
# ## Design the model
#
# Small, and of parts that you know from lesson 05: lay the 3 · 32 · 32 numbers of a picture in one row, then
# two layers.

# %%
def picture_net(hidden, classes):
    """(N, 3, 32, 32) → logits (N, classes), through ``hidden`` numbers."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(3 * 32 * 32, hidden), nn.ReLU(), nn.Linear(hidden, classes)
    )


parameters = sum(p.numel() for p in picture_net(64, len(classes)).parameters())
print(f"{parameters:,} parameters, {len(train_set)} pictures to learn from")

# %% [markdown]
# Nine hundred parameters a picture: this network can learn every picture by heart. That is one more reason to
# judge it only on pictures that it has not seen.

# %% [markdown]
# ## Choose loss and optimizer
#
# Several classes, one of them right: cross-entropy on logits. Adam moves the weights (in `train_net`, below).
#
# `evaluate` and `fit` are the loops that you wrote in lesson 03 (`fit??` in a cell shows the code). They take
# any loader that yields pairs `(inputs, targets)`. A list with one pair will do: here the whole validation
# part is one batch.
#
# **Predict before you run:** what is the loss of a network that gives every one of $k$ classes the same
# probability?

# %% within="0.05"
loss_fn = nn.CrossEntropyLoss()
torch.manual_seed(0)
model = picture_net(64, len(classes))
untrained = evaluate(model, [(X_valid, y_valid)], loss_fn)
print(f"untrained: {untrained['loss']:.2f}   knowing nothing: {np.log(len(classes)):.2f}")

# %% [markdown]
# $\ln k$, and an untrained network starts near it. A first loss far from $\ln k$ is worth a look at the inputs.

# %% [markdown]
# ## Train and judge
#
# Twenty epochs. The third helper below, `predict`, needs no targets: inputs go in, and logits `(N, classes)`
# come out.

# %%
def train_net(train_set, hidden, classes, seed=0):
    """Train a picture_net on a dataset of pairs, 20 epochs; return it and its History."""
    torch.manual_seed(seed)
    net = picture_net(hidden, classes)
    g = torch.Generator().manual_seed(seed)
    loader = DataLoader(train_set, batch_size=32, shuffle=True, generator=g)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-4)
    return net, fit(net, loader, nn.CrossEntropyLoss(), optimizer, epochs=20, progress=False)

# %% within="0.06"
model, history = train_net(train_set, 64, len(classes))
told = evaluate(model, [(X_valid, y_valid)], loss_fn, {"accuracy": accuracy})
print(f"training loss {history['loss'][0]:.2f} → {history['loss'][-1]:.2f}")
print(f"validation: loss {told['loss']:.2f}, accuracy {told['accuracy']:.2f}")

# %% [markdown]
# The network knows its training pictures almost by heart, and new ones far less well. But is 64 a good width,
# and do you need a hidden layer at all? The cheap rival is a straight line on the same 3,072 numbers. Each
# side gets its own search on the validation part.

# %% within="0.06"
nets = {hidden: train_net(train_set, hidden, len(classes))[0] for hidden in (16, 64, 256)}
of_nets = {h: accuracy(predict(net, X_valid), y_valid).item() for h, net in nets.items()}
lines = {C: LogisticRegression(C=C, max_iter=300) for C in (1e-5, 1e-4, 1e-3, 1e-2)}
flat, flat_valid = (inputs.flatten(1).numpy() for inputs in (train_set.tensors[0], X_valid))
of_lines = {C: line.fit(flat, y[train]).score(flat_valid, y_valid) for C, line in lines.items()}
print("network, by hidden width:", {h: f"{a:.2f}" for h, a in of_nets.items()})
print("line, by C:              ", {C: f"{a:.2f}" for C, a in of_lines.items()})

# %% [markdown]
# The three widths differ by a picture or two, so stay with 64. Take the best line, and only now open the test
# part, once.

# %% within="0.06"
X_test, y_test = scaled(X[test], mean, std), y[test]
line = lines[max(of_lines, key=of_lines.get)]
by_line = (torch.from_numpy(line.predict(X_test.flatten(1).numpy())) == y_test).float()
by_net = (predict(model, X_test).argmax(dim=1) == y_test).float()  # (N,): 1 for each right answer
always = y_test.bincount().max().item() / len(y_test)
print(f"always one class    {always:.2f}, on {len(y_test)} pictures")
for name, right in {"line": by_line, "network": by_net, "network minus line": by_net - by_line}.items():
    print(f"{name:19} {right.mean():.2f} ± {right.std() / len(right) ** 0.5:.2f}")
assert not provided or min(by_line.mean(), by_net.mean()) > always + 0.05

# %% [markdown]
# Look at the last row. The number after ± is one standard error. Both models answered the same 72 pictures and failed on many of the same ones, so their
# *difference* varies less (0.04) than either share (0.06). The lead of 0.12 is three standard errors: hardly luck. Its size is less certain; on the validation part
# it was 0.04. Both score lower here than in validation: being chosen there flatters, and luck varies. So report the number of the part on which
# nothing was chosen.
# And one picture in three is still wrong: 216 pictures are few, and laid in one row a picture has no neighborhoods. Lesson 07 brings 50,000 pictures, and gives the
# neighborhoods back.

# %% [markdown]
# ## The name of a new picture
#
# Somebody hands you a file that your loader has never seen. Four things now go wrong so often that they are
# worth meeting one by one. Three of them stop with an error message.

# %%
name, path = new[10]  # from CIFAR-10, and in no folder
picture = read_picture(path, size=32)
with expect_error(RuntimeError):
    model(picture)

# %% [markdown]
# **One: the `dtype`.** The file holds bytes, the weights are `float32`. Scaling gives floats.

# %%
ready = scaled(picture, mean, std)
print(tuple(ready.shape), ready.dtype)
with expect_error(RuntimeError):
    model(ready)

# %% [markdown]
# **Two: the missing batch dimension.** The network took the three channels for three pictures of 1,024
# numbers each. A batch of one is still a batch: `unsqueeze(0)` turns `(3, 32, 32)` into `(1, 3, 32, 32)`.
#
# **Three: the device.** A network on a graphics card wants its batch there, too. Your machine may have none,
# so here is one that every machine has: tensors on the device `meta` have a shape and no values.

# %%
batch = ready.unsqueeze(0)
elsewhere = picture_net(64, len(classes)).to("meta")
with expect_error(RuntimeError):
    elsewhere(batch)
print(tuple(elsewhere(batch.to("meta")).shape))

# %% [markdown]
# Read that message with care: PyTorch takes the device of your batch as the expected one, and complains about
# the weights. Still, it is the batch that moves: `batch.to(device)`, with the device of the model's
# parameters. (On a card the message begins with *Expected all tensors to be on the same device*.) Now
# everything fits, and the network answers.

# %% within="0.1"
chances = predict(model, batch)[0].softmax(dim=0)
print({kind: f"{chance:.2f}" for kind, chance in zip(classes, chances.tolist(), strict=True)})
print("the picture shows:", name)

# %% [markdown]
# **Four: the silent one.** What if the picture is prepared differently than in training? Shape, `dtype`
# and device are right, so nothing stops you. Prepare pictures in five ways, and look at two numbers: how
# often the network is right, and which probability it gives to its own answers. One split of few pictures
# decides little, so average over five splits, each with a network, a mean and a spread of its own. (The test
# part stays closed.)
#
# **Predict before you run:** which of the four wrong ways costs most? And will the network notice that
# something is odd?

# %%
def five_ways(pictures, mean, std):
    """The same uint8 pictures (N, 3, H, W), prepared in five ways; the first is that of training."""
    return {
        "as in training": scaled(pictures, mean, std),
        "only divided by 255": pictures / 255,
        "bytes, 0 to 255": pictures.float(),
        "blue before red": scaled(pictures.flip(1), mean, std),
        "reshape, not permute": scaled(
            pictures.permute(0, 2, 3, 1).reshape(pictures.shape), mean, std
        ),
    }

# %% within="0.03" alt="One small picture five times, prepared in the five ways and brought back by the mean and spread of training: as it is, grayish and flat, nearly all white, with red and blue exchanged, and scrambled into stripes."
X_rest, y_rest = X[train + valid], y[train + valid]
hits, sure = {}, {}
for seed in range(5):
    to_train, *looked = split_by_class(y_rest.tolist(), seed)
    looked = looked[0] + looked[1]
    own = color_statistics(X_rest[to_train])
    pairs = TensorDataset(scaled(X_rest[to_train], *own), y_rest[to_train])
    net, _ = train_net(pairs, 64, len(classes), seed)
    for way, inputs in five_ways(X_rest[looked], *own).items():
        chance, guess = predict(net, inputs).softmax(dim=1).max(dim=1)
        hits.setdefault(way, []).append((guess == y_rest[looked]).float().mean().item())
        sure.setdefault(way, []).append(chance.mean().item())
for way in hits:
    told = (f"{np.mean(each):.2f} ± {np.std(each, ddof=1):.2f}" for each in (hits[way], sure[way]))
    print("{:21} right {}   sure of it {}".format(way, *told))
fig, axes = plt.subplots(1, 5, figsize=(9.5, 2.1))
for ax, (way, inputs) in zip(axes, five_ways(X[valid[-1:]], mean, std).items(), strict=True):
    ax.imshow((inputs[0] * std + mean).clamp(0, 1).permute(1, 2, 0))
    ax.set_title(way, fontsize=9, loc="center")
    ax.axis("off")
plt.show()
as_trained, *others = (np.mean(shares) for shares in hits.values())
assert not provided or as_trained > max(others) + 0.03

# %% [markdown]
# *One picture, prepared in five ways, as the network meets it: true, gray, nearly white, in wrong colors, scrambled.* After ± comes the spread over the five splits,
# which share many of their pictures. Every wrong way scores lower. Does the network notice? Only once: for pictures only divided by 255 its mean
# probability is 0.50, not 0.78. With bytes it is sure of *every* answer, 1.00. Blue before red, as OpenCV reads files, costs about twenty points and no confidence.
# The worst
# is the last line: `reshape` where `permute` was meant gives the right shape and a scrambled picture, 0.22 correct, worse than guessing, and as sure as ever. No
# message helps, but your eyes do: copy a batch on its way in, undo the scaling, and look.
#
# So the scaling belongs to the network like its weights: one function, one mean, one spread, used in training
# and ever after.
#
# ### Exercise loader-3 · difficulty 2 · 5 minutes
# Put the four fixes into one function. Write `as_batch(picture, mean, std, device)`: one picture as
# `read_picture` gives it, bytes of shape `(3, H, W)`, becomes a batch of one, `float32`, scaled as in
# training, on `device`. `mean` and `std` have shape `(3, 1, 1)` and lie on the CPU, like the picture.
#
# <details><summary>Hint 1</summary><code>scaled</code> above takes care of two of the four: the <code>dtype</code>, and the way of preparing. Which two steps are left?</details>
# <details><summary>Hint 2</summary>Scale, <code>unsqueeze(0)</code>, <code>.to(device)</code>. Without the division by 255, mean and std are of another scale.</details>

# %% tags=["exercise"] id="loader-3" objective="ready"
def as_batch(picture, mean, std, device="cpu") -> torch.Tensor:
    """uint8 (3, H, W) → float32 (1, 3, H, W) on ``device``, scaled with mean and std (3, 1, 1)."""
    ### BEGIN SOLUTION
    return scaled(picture[None], mean, std).to(device)
    ### END SOLUTION

# %% tags=["check"]
with check("loader-3") as c:
    for seed, height, width in ((1, 5, 8), (2, 9, 4)):
        rng = torch.Generator().manual_seed(seed)
        shot = torch.randint(0, 256, (3, height, width), generator=rng).to(torch.uint8)
        m, s = (torch.rand(3, 1, 1, generator=rng) + shift for shift in (0.1, 0.2))
        with c.untouched(shot, m, s):
            got = c.attempted(as_batch(shot, m, s))
        c.kind(got, torch.Tensor)
        c.equal(tuple(got.shape), (1, 3, height, width), because="a batch of one", mistakes={
                (3, height, width): "the batch dimension is missing", (1, height, width, 3): "channels come first"})
        c.equal(got.dtype, torch.float32, because="the weights' own dtype")
        c.close(got[0], (shot.double() / 255 - m) / s, because="scaled as in training", mistakes=[
                (shot / 255, "0 to 1, but mean and std are missing"), (shot, "bytes as they are"),
                ((shot - m) / s, "the division by 255 is missing"), (shot / 255 - m, "divide by the spread, too")])
        away = as_batch(shot, m, s, "meta")
        c.equal((away.device.type, away.dtype), ("meta", torch.float32), because="on the device that it is told",
                mistakes=[(("cpu", torch.float32), "it stayed on the CPU")])

# %% [markdown] tags=["solution"]
# Write such a function once, beside the model, and use it in training and later: what is written twice will
# differ one day. Bytes travel to a card four times as fast as floats, so large projects move first and scale
# there; then `mean` and `std` must be there, too.

# %% [markdown] tags=["instructor"]
# **Watch for** `.float()` without `/ 255`, right in shape and dtype. **Ask the room** which of the four
# mistakes a unit test would find (one on a stored picture with stored logits: all four).

# %% [markdown]
# Now let the network name eight pictures that were in no folder. The last three belong to no class at all.

# %% alt="Eight pictures in a row, each with a name and a probability above it. All are small and blurred. The first five are two automobiles, two frogs and a horse. The last three, a Chinese palace, a cup of coffee and a motorcycle, are given class names as well. Wrong answers are orange. One automobile is called a frog, with 1.00, and the horse an automobile."
fig, axes = plt.subplots(1, 8, figsize=(9.5, 1.9))
for ax, (name, path) in zip(axes, new[::3], strict=True):
    seen = read_picture(path, size=32)
    chances = predict(model, scaled(seen, mean, std).unsqueeze(0))[0].softmax(dim=0)
    answer = classes[chances.argmax()]
    ax.imshow(seen.permute(1, 2, 0))
    color = "#222222" if answer == name else "#D55E00"
    ax.set_title(f"{answer}\n{chances.max():.2f}", fontsize=9, loc="center", color=color)
    ax.set(xlabel=name, xticks=[], yticks=[])
    ax.xaxis.label.set_size(9)
    ax.grid(visible=False)
plt.show()

# %% [markdown]
# *What the network saw, 32 by 32. Above, its answer and probability, orange where it is wrong; below, what the picture shows.* Two of the five that do have a class
# get the wrong one, the first with a probability of 1.00. A network with three classes has three answers. It
# can't say "none of these", and the probabilities add up to 1 whatever you show it.

# %% [markdown]
# ## The build: name a picture from your own disk
#
# From a folder to a name, alone: no `fit`, no `predict`, no `make_loader`, no `ImageFolder`. Two helpers are
# yours to use: `pictures(folder)` lists `paths, labels, classes` of any folder, and
# `read_picture(path, size)` turns gray, transparent and turned files into `(3, size, size)` bytes. Try each
# part out as soon as it is written.
#
# ### Exercise loader-4 · difficulty 3 · 20 minutes
# 1. **The dataset.** `PictureFolder(folder, size)`: sample `i` is file `i` of `pictures(folder)` as `float32`
#    from 0 to 1, of shape `(3, size, size)`, and its class number, an int. The constructor is written
#    already.
# 2. **The network.** `Net(classes)`, an `nn.Module` of your own, maps `(N, 3, 32, 32)` to logits
#    `(N, classes)`.
# 3. **The training.** `learn(folder)` reads all pictures of the folder at size 32 into memory, takes their
#    mean and spread, and trains a `Net` on the scaled pictures, with your own loop over a shuffled
#    `DataLoader`. The folder stays as it is. (Your samples are divided by 255 already, and `scaled` and `color_statistics` of the path would divide once more.
#    With all samples joined in one float tensor `X`, take `X.mean((0, 2, 3))` and `X.std((0, 2, 3))`, reshaped to `(3, 1, 1)`, and divide a new picture by 255
#    exactly once.)
# 4. **The name.** Inside `learn`, after the loop, define a function `name_of(path)`, and `return name_of`.
#    (Made there, it keeps seeing the variables of `learn`.) It gives the class's name, a `str`, for any
#    picture file, prepared as the others were.
#
# The check paints two folders of its own, of 82 and of 110 pictures, with other classes and sizes; gray,
# transparent and CMYK files are among them. The classes differ in where a picture is bright, and in how
# bright. Your network learns from each folder, and must then name at least 85 of every 100 new pictures correctly. Each training may take 20 seconds.
#
# <details><summary>Hint 1</summary><i>Prepare data</i>, <i>Design the model</i>, <i>Choose loss and optimizer</i>, <i>Train and judge</i> are your plan for <code>learn</code>; the loop is that of lesson 03. Pictures that all have one size can be read with a <code>DataLoader</code> over your dataset, and its batches joined with <code>torch.cat</code>. With so few pictures, some 40 epochs take seconds.</details>
# <details><summary>Hint 2</summary>Go through the four things that go wrong with a new picture: <code>name_of</code> has to get all of them right. It ends with a number from <code>argmax</code>, which the list of classes turns into a name. (With BatchNorm or Dropout in the network, think of its mode, too.)</details>

# %% tags=["exercise", "build"] id="loader-4" objective="whole"
class PictureFolder(Dataset):
    """Sample i: picture i of ``folder``, float32 (3, size, size) from 0 to 1, and its class number."""

    def __init__(self, folder: str | Path, size: int = 32):
        self.paths, self.labels, self.classes = pictures(folder)
        self.size = size

    def __len__(self) -> int:
        ### BEGIN SOLUTION
        return len(self.labels)
        ### END SOLUTION

    def __getitem__(self, i: int) -> tuple[torch.Tensor, int]:
        ### BEGIN SOLUTION
        x = read_picture(self.paths[i], self.size)
        return x.float() / 255, self.labels[i]
        ### END SOLUTION


# class Net(nn.Module), with Net(classes): (N, 3, 32, 32) → logits (N, classes)
### BEGIN SOLUTION
class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(3 * 32 * 32, 64)
        self.last = nn.Linear(64, classes)

    def forward(self, x):
        return self.last(self.first(x.flatten(1)).relu())
### END SOLUTION


def learn(folder: str | Path):
    """Train a Net on the pictures in ``folder``; return name_of(path) -> str."""
    ### BEGIN SOLUTION
    data = PictureFolder(folder)
    X, y = (torch.cat(parts) for parts in zip(*DataLoader(data, batch_size=64)))
    mean, std = X.mean(), X.std()
    loader = DataLoader(TensorDataset((X - mean) / std, y), batch_size=16, shuffle=True)
    net = Net(len(data.classes))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(40):
        for inputs, targets in loader:
            loss = nn.functional.cross_entropy(net(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()

    @torch.inference_mode()
    def name_of(path):
        x = read_picture(path, size=32) / 255
        return data.classes[net((x[None] - mean) / std).argmax().item()]

    return name_of
    ### END SOLUTION

# %% tags=["check"]
with check("loader-4") as c, tempfile.TemporaryDirectory() as spot:
    r = np.random.default_rng(4)
    def paint(file, k):
        (h, w), kind = r.integers(40, 90, 2), ("RGB.jpg", "L.png", "RGBA.png", "CMYK.jpg")[r.integers(4)]
        v, u = (np.mgrid[:h, :w] - np.array([[[h]], [[w]]]) / 2) * 2 / min(h, w)
        m = (v < -0.2, v**2 + u**2 < 0.4, abs(u) > 0.5)[k % 3][..., None]
        x = np.where(m, *r.integers([[150], [0]], [[256], [100]], (2, 3))) / (1 + k // 3) + r.normal(0, 12, (h, w, 3))
        (path := Path(spot, f"{file}.{kind}")).parent.mkdir(parents=True, exist_ok=True)
        return Image.fromarray(x.clip(0, 255).astype("uint8")).convert(kind[:-4]).save(path) or path
    for size, kinds in ((20, {"sun": 1, "walls": 5, "été": 4}), (32, dict(zip("abcde", (3, 0, 2, 4, 1))))):
        known = {paint(f"{size}/{name}/{n:02}", k): name for name, k in kinds.items() for n in range(14 + 4 * k)}
        new = c.held_back({paint(f"new/{size}{name}{n}", k): name for name, k in kinds.items() for n in range(20)})
        data, before = PictureFolder(Path(spot, str(size)), size), [p.read_bytes() for p in known]
        c.equal(c.attempted(data.__len__()), len(known), because="one sample a file")
        c.equal((255 * data[30][0]).round(), read_picture([*known][30], size).float(), because="float32, from 0 to 1")
        c.equal([([*kinds][k], type(k)) for _, k in data], [(name, int) for name in known.values()])
        c.equal(tuple(Net(len(kinds))(torch.zeros(2, 3, 32, 32)).shape), (2, len(kinds)))
        told = dict(zip([*known, *new], map(c.timed(partial(learn, Path(spot, str(size))), 20), [*known, *new])))
        c.kind([*told.values()], list[str])
        share = [sum(told[p] == name for p, name in truth.items()) / len(truth) for truth in (known, new)]
        c.learned(share[1], trained=share[0], chance=1 / len(kinds), at_least=0.85, because="right on new pictures")
        c.equal([p.read_bytes() for p in known] == before, True, because="and the folder is as it was")

# %% [markdown] tags=["solution"]
# `name_of` is a *closure*: it carries the network, the class names, the mean and the spread, everything that
# a new picture has to meet. That is the answer to the silent mistake: there is one place in which pictures
# are prepared, and nobody can forget it. Here one mean and one spread serve all three channels; three of each
# do as well.

# %% [markdown] tags=["instructor"]
# **Spread** of the stored answer over 5 seeds, of the painted pictures and of the weights: 0.99 to 1.00 on
# new pictures in both folders (goal 0.85). Also 1.00: a straight line, two convolutions, 8 epochs in place
# of 40. With one seed, on three classes: 0.37 if `name_of` forgets mean and spread, 0.38 with bytes, and 0.63
# if nothing is scaled beyond the division. **Watch for** a `name_of` that prepares its pictures in other
# words than `learn` does.

# %% [markdown]
# **Now yours.** In a cell of your own, run `name_of = learn(Path("..", "work", "pictures"))`, or
# `learn("provided")` for the course's set. Then take a photograph that is in none of the folders and run
# `name_of(…)` with its full path. Try one, too, of something that belongs to none of the classes.

# %% [markdown]
# ## What you have met
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `pictures(folder)`, `read_picture(path, size)` | lists a folder, one class a sub-folder; opens one file | → uint8 `(3, size, size)` |
# | `Dataset` with `__len__`, `__getitem__` | answers "how many" and "number i" | `i` → one sample |
# | `Subset(ds, rows)`, `TensorDataset(X, y)` | some rows of a dataset; tensors as a dataset | `i` → `(X[i], y[i])` |
# | `DataLoader(ds, batch_size=B)` | order, bundles, fetch, collate | N samples → ⌈N/B⌉ batches `(B, …)` |
# | `default_collate(samples)` | stacks a list of samples | B times `(3, H, W)` → `(B, 3, H, W)` |
# | `shuffle=True, generator=g` | a new order each epoch, the same each run | |
# | `drop_last=True` | no short batch | → ⌊N/B⌋ batches |
# | `x.unsqueeze(0)` | a batch of one | `(3, H, W)` → `(1, 3, H, W)` |
# | `nn.Flatten()` | lays each picture in one row | `(N, 3, H, W)` → `(N, 3·H·W)` |
# | `logits.softmax(dim=1).max(dim=1)` | probability and number of the likeliest class | `(N, k)` → `(N,)`, `(N,)` |
#
# Three sentences to keep: *A batch is a block, so samples are made equal in `__getitem__`. Work that never
# changes belongs before the loop. A new picture takes the same steps as the training pictures.*
#
# The path ends here. Next come 50,000 pictures, and a network that looks at them through small windows in
# place of laying them in one row. Of the side doors below, *Who waits for whom* is the one to open when your
# training is slow.

# %% [markdown] tags=["deeper"]
# ## Two runs that should agree
#
# **Predict before you run:** below, a loader reads ten numbers *in order*. Is the random number drawn
# afterwards the same as without the loader?

# %%
def next_number(loader=()):
    """Seed PyTorch's global generator, read ``loader`` once, and draw a number."""
    torch.manual_seed(0)
    for _ in loader:
        pass
    return torch.rand(()).item()


print(f"no loader:                {next_number():.4f}")
print(f"a loader, no shuffling:   {next_number(DataLoader(range(10))):.4f}")
own_generator = DataLoader(range(10), generator=torch.Generator())
print(f"with a generator of its own: {next_number(own_generator):.4f}")
assert next_number() == next_number(own_generator) != next_number(DataLoader(range(10)))

# %% [markdown]
# It is not. Each time a loop starts, the loader draws one number as a seed for its *workers*, processes that fetch ahead, whether it has any or not, and it draws
# from PyTorch's global generator, which also initializes your weights. So somebody
# adds a validation loader, and the training run comes out different. Give each loader its own generator, and it no longer disturbs the rest. (Without workers, a
# dataset that draws random numbers itself, say for a rotation, still does.)
#
# You may also bring the order yourself: `sampler=` takes any sequence of row numbers, `batch_sampler=` any
# sequence of bundles. What you cannot do is give two orders at once.

# %%
for rows in DataLoader(range(5), batch_sampler=[[4, 0], [2, 2, 2], [1]]):
    print(rows.tolist(), end="  ")
print()
with expect_error(ValueError):
    DataLoader(range(5), sampler=[4, 3, 2, 1, 0], shuffle=True)

# %% [markdown]
# Bundles may overlap and differ in size. `shuffle=True` is short for `sampler=RandomSampler(dataset)`, so drop one or the other.

# %% [markdown] tags=["deeper"]
# ## The folder, read by torchvision
#
# `ImageFolder` reads the same layout, a folder for each class. **Predict before you run:** three folders are
# called `3`, `4` and `10`. Which class number does `3` get?

# %%
for kind in ("3", "4", "10"):
    (folder / "polygons" / kind).mkdir(parents=True)
    for n, color in enumerate(("tomato", "gold", "teal", "navy")):
        shape = Image.new("RGB", (60 + 10 * n, 50), "white")
        ImageDraw.Draw(shape).regular_polygon((30, 25, 18), int(kind), rotation=17 * n, fill=color)
        shape.save(folder / "polygons" / kind / f"{n}.png")
polygons = ImageFolder(folder / "polygons")
print(len(polygons), polygons.class_to_idx)
shape, label = polygons[0]
print(type(shape).__name__, shape.mode, "class", label, "=", polygons.classes[label], "corners")
with expect_error(TypeError):
    next(iter(DataLoader(polygons, batch_size=4)))

# %% [markdown]
# Class 1, because names are sorted as **text**, and as text `10` comes before `3`. Print `class_to_idx`
# before you trust a class number. And a sample is a PIL picture, which no loader can stack. A *transform*
# makes a tensor of it, brick by brick:

# %%
stages = [
    v2.ToImage(), v2.Resize((32, 32)),
    v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3),
]
x = shape
for stage in stages:
    x = stage(x)
    low, high = x.min().item(), x.max().item()
    print(f"{type(stage).__name__:10} {tuple(x.shape)!s:13} {x.dtype!s:13} from {low:.3g} to {high:.3g}")

# %% [markdown]
# `ToImage` makes a tensor `(C, H, W)`, still in bytes. `Resize` squeezes what is not square. `ToDtype` goes
# from 0…255 to 0…1, with `scale=True` (without it the values stay as they are). `Normalize` subtracts and divides as `scaled` does on the path. The 0.5s only stand
# in here: give it the mean and spread of *your* training part.
#
# For training one adds random steps. There is a trap, and it costs people days: you split a dataset with
# `Subset`, and then set the training part's transform. **Predict before you run:** is the validation part
# still the same each time you ask?

# %% within="0.3"
turn = v2.RandomRotation(180, fill=255)
plain, tilted = v2.Compose(stages), v2.Compose([v2.ToImage(), turn, *stages[1:]])
one = ImageFolder(folder / "polygons", transform=plain)
first, second = Subset(one, [0, 4, 8]), Subset(one, [1, 5, 9])
torch.manual_seed(0)
first.dataset.transform = tilted
asked_twice = (second[0][0] - second[0][0]).abs().max().item()
print(f"validation picture, asked twice: largest difference {asked_twice:.1f}")
two = [ImageFolder(folder / "polygons", transform=t) for t in (tilted, plain)]
first, second = Subset(two[0], [0, 4, 8]), Subset(two[1], [1, 5, 9])
apart = (second[0][0] - second[0][0]).abs().max().item()
print(f"two datasets on one folder:      largest difference {apart:.1f}")
assert asked_twice > 0.5 and apart == 0

# %% [markdown]
# It is not: both subsets look into **one** dataset, so a transform set for one is set for both. Make two
# datasets on the same folder, each with its own transform and its own row numbers.

# %% [markdown] tags=["deeper"]
# ## A table, and its rare rows
#
# Tables bring three traps: the `dtype`, a last batch of one, and rows that are rare. Here is a dataset that
# starts from a CSV file: the diabetes table of lesson 05.

# %%
class CsvRows(Dataset):
    """A CSV file. Row i: its features (F,), as ``dtype``, and its target, (1,)."""

    def __init__(self, path, target, dtype="float64"):
        frame = pd.read_csv(path)
        self.X = torch.from_numpy(frame.drop(columns=target).to_numpy(dtype, copy=True))
        self.y = torch.from_numpy(frame[[target]].to_numpy("float32", copy=True))

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.X[i], self.y[i]


diabetes().to_csv(folder / "diabetes.csv", index=False)
doubles = CsvRows(folder / "diabetes.csv", target="label")
inputs, _ = next(iter(DataLoader(doubles, batch_size=4)))
print(tuple(inputs.shape), inputs.dtype)
with expect_error(RuntimeError):
    nn.Linear(8, 1)(inputs)

# %% [markdown]
# **The `dtype`.** *Double* is PyTorch's old name for `float64`, *Float* for `float32`. Pandas and NumPy read
# decimal numbers into 64 bits, and `default_collate` makes 64 bits of Python floats, too. Say it where the
# sample is made: `dtype="float32"`.
#
# **A last batch of one.** In training mode BatchNorm, a layer that scales each unit by the mean and spread of *the batch*, refuses a batch of one: a single row has
# no spread. (Lesson 03's side door on `eval()` shows it.) Nobody trains
# with batches of one? Here are 577 rows in batches of 64.

# %%
def small_net():
    """8 measurements → 1 logit, with BatchNorm in between: (N, 8) → (N, 1)."""
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))


table_rows = CsvRows(folder / "diabetes.csv", "label", dtype="float32")
patients, net, passed = Subset(table_rows, range(577)), small_net(), 0
with expect_error(ValueError):
    for inputs, _ in DataLoader(patients, batch_size=64):
        net(inputs)
        passed += 1
print("batches that went well:", passed)
full = [net(inputs) for inputs, _ in DataLoader(patients, batch_size=64, drop_last=True)]
print("with drop_last=True:   ", len(full))

# %% [markdown]
# Nine batches pass, then the epoch dies: $577 = 9 \cdot 64 + 1$. It is a nasty error: it waits for the end of
# an epoch, and goes away when the number of rows changes. The fix is `drop_last=True` on the training loader, together with `shuffle=True`, so that a different row
# is left out each time.
# Omit `drop_last` on the validation loader, where every row counts and, in `eval` mode, a single row is welcome.
#
# **Rare rows.** Only a third of the patients have diabetes. To show those more often, `WeightedRandomSampler`
# draws row numbers *with replacement*, each with a chance in proportion to **its own** weight. For weights
# `[1, 1, 1, 1, 4]` the last of five rows is as likely as the other four together.
#
# ### Exercise loader-5 · difficulty 2 · 4 minutes
# Write `row_weights(labels)`: weights that make every class equally likely to be drawn, whatever their sizes.
# `labels` is a tensor of class numbers 0, 1, 2, … of shape `(N,)`; return a float tensor of the same shape.
# Only the proportions matter.
#
# <details><summary>Hint 1</summary>If a class has 3 rows, each of them must carry a third of the class's chance.</details>
# <details><summary>Hint 2</summary><code>labels.bincount()</code> counts each class. Index the counts with <code>labels</code> to get one number for every row.</details>

# %% tags=["exercise"] id="loader-5" objective="feed"
def row_weights(labels: torch.Tensor) -> torch.Tensor:
    """Weights (N,) for WeightedRandomSampler; labels: class numbers, int64, (N,)."""
    ### BEGIN SOLUTION
    return 1 / labels.bincount()[labels]
    ### END SOLUTION

# %% tags=["check"]
with check("loader-5") as c:
    for given in ([0, 0, 2, 0, 1, 0, 2, 0], [1, 0, 3, 3, 2, 3, 3, 1, 3, 3, 3]):
        kinds = torch.tensor(given)
        counts, k = kinds.bincount().float(), max(given) + 1
        with c.untouched(kinds):
            got = c.attempted(row_weights(kinds))
        c.equal(tuple(getattr(got, "shape", ())), (len(given),), because="one weight a row", mistakes={
                (): "return a tensor, not a list", (k,): "a weight for each class: only the first rows are drawn"})
        c.true(got.is_floating_point(), observed=got.dtype, expected="a float dtype")
        c.close(torch.zeros(k).index_add(0, kinds, got.float()) / got.sum(), torch.ones(k) / k, mistakes=[
                (counts**2 / (counts**2).sum(), "the counts: common classes get commoner; divide by them"),
                (counts / counts.sum(), "an ordinary draw")], because="each class weighs the same")

# %% [markdown] tags=["solution"]
# Dividing by the class's count makes each class add up to 1. The indexing `counts[labels]` is the step from
# "per class" to "per row", and forgetting it raises no error.

# %% [markdown] tags=["instructor"]
# **Watch for** weights of length 2 with the diabetes table: the sampler then draws only rows 0 and 1, and the
# loss falls beautifully. Show it.

# %% [markdown]
# **Predict before you run:** the sampler draws 577 rows from 577. How many *different* patients does such an
# epoch show?

# %%
is_sick = table_rows.y[:577, 0] == 1
odds = torch.where(is_sick, 1 / is_sick.sum(), 1 / (~is_sick).sum())
g = torch.Generator().manual_seed(0)
epoch = list(WeightedRandomSampler(odds.tolist(), num_samples=577, generator=g))
plain_draw = list(RandomSampler(patients, replacement=True, generator=g))
of_rows, of_draws = is_sick.float().mean(), is_sick[epoch].float().mean()
print(f"with diabetes: {of_rows:.2f} of the rows, {of_draws:.2f} of the draws")
print(f"different rows: {len(set(epoch)) / 577:.2f}, without weights {len(set(plain_draw)) / 577:.2f}")

# %% [markdown]
# Half of the draws have diabetes. But fewer than two thirds of the rows appear, mostly because of the
# *replacement*: more than a third is missing without any weights, too. And a network that learns from such draws learns that half of all patients are sick: its
# probabilities come out too high for the real table, where a third are. Before you pay these prices, try moving the threshold, as in lesson 04.

# %% [markdown] tags=["deeper"]
# ## What a batch costs
#
# A tensor takes many row numbers at once, so why ask row by row? There are two ways to fetch **whole
# batches**. Watch both with a dataset that notes every question it is asked.

# %%
class Asked(Dataset):
    """The numbers 0 to n - 1, and a note of every question that it was asked."""

    def __init__(self, n=10):
        self.n, self.questions = n, []

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.questions.append(i)
        return torch.arange(self.n)[i]


class AskedAtOnce(Asked):
    """The same, with an answer for a list of row numbers: a list of samples."""

    def __getitems__(self, rows):
        self.questions.append(rows)
        return list(torch.arange(self.n)[rows])

# %%
def interview(loader):
    """Read one epoch of a loader of Asked; return its batches, and the questions that it asked."""
    loader.dataset.questions = []
    return [batch.tolist() for batch in loader], loader.dataset.questions


groups = BatchSampler(SequentialSampler(Asked()), batch_size=4, drop_last=False)
asked = {
    "row by row": DataLoader(Asked(), batch_size=4),
    "__getitems__": DataLoader(AskedAtOnce(), batch_size=4),
    "batch_size=None": DataLoader(Asked(), sampler=groups, batch_size=None),
    "… forgotten": DataLoader(Asked(), sampler=groups),
}
for way, asking in asked.items():
    got, questions = interview(asking)
    print(f"{way:16} asks {questions}\n{'':16} gets {got}")

# %% [markdown]
# Ten questions, or three. If the dataset has a method **`__getitems__`**, the loader hands it the row numbers
# of a batch in one call, and gets a *list of samples*, which is then collated as ever: good for one question
# to a database. If it has none, let a `BatchSampler` take the *sampler's* place and switch batching off with
# `batch_size=None`: then `dataset[…]` gets all row numbers at once, and gives a finished batch. Nothing is
# collated.
#
# The last line shows a trap: forget `batch_size=None`, and each batch is a batch *of one bundle*, with a
# dimension too many and no warning.
#
# Now for the race, on a table of 15,000 rows. The fastest of five epochs counts, because whatever else your
# machine does can only add time.

# %% tags=["nbval-ignore-output"] reason="prints measured times"
big = TensorDataset(torch.rand(15_000, 8), torch.rand(15_000, 1))
groups = BatchSampler(RandomSampler(big), batch_size=64, drop_last=False)
lists = list(groups)
tensors = [torch.tensor(rows) for rows in lists]
race = {
    "row by row": lambda: DataLoader(big, batch_size=64, shuffle=True),
    "whole batches": lambda: DataLoader(big, sampler=groups, batch_size=None),
    "no loader, big[list of numbers]": lambda: (big[rows] for rows in lists),
    "no loader, big[tensor of numbers]": lambda: (big[rows] for rows in tensors),
    "make_loader": lambda: make_loader(*big.tensors, batch_size=64, shuffle=True),
}
cost = {way: min(epoch_seconds(racer()) for _ in range(5)) for way, racer in race.items()}
for way, took in cost.items():
    print(f"{way:34} {1000 * took:6.1f} ms, {took / cost['make_loader']:5.1f} times make_loader")
by_row, whole, by_list, by_tensor, plainest = cost.values()

# %% [markdown]
# A call per row is costly even when it does next to nothing. And why is `make_loader` so far ahead of whole
# batches? Subtract neighboring lines. From *list of numbers* to *tensor of numbers* about two fifths of the whole batches' time disappear: 64 Python numbers no
# longer have to become a tensor, once for `X` and once for `y`. From *whole batches* to *list of numbers* about half of it disappears: the loader itself, with its
# samplers. `make_loader` draws the order as one tensor, never makes a list, and fetches many
# small batches with one call before it cuts them apart. The ratio is large because the rows are small: the longer the copying takes, which is the same in both, the
# less the rest matters.
#
# ### Exercise loader-6 · difficulty 2 · 5 minutes
# Write `whole_batches(dataset, batch_size, shuffle, generator)`: a `DataLoader` that fetches each batch with
# **one** call of `dataset[list_of_row_numbers]`. If `shuffle` is false, the rows come in order; otherwise in
# an order drawn from `generator`, a new one for each epoch. Keep the short last batch.
#
# <details><summary>Hint 1</summary>Two samplers to choose from: <code>SequentialSampler</code> and <code>RandomSampler</code>. Wrap the chosen one in a <code>BatchSampler</code>.</details>
# <details><summary>Hint 2</summary>The <code>BatchSampler</code> goes in as <code>sampler=</code>, not as <code>batch_sampler=</code>, and <code>batch_size=None</code> goes with it.</details>

# %% tags=["exercise"] id="loader-6" objective="feed"
def whole_batches(dataset, batch_size: int, shuffle: bool, generator: torch.Generator) -> DataLoader:
    """A loader that asks ``dataset`` for a list of row numbers, once for each batch."""
    ### BEGIN SOLUTION
    order = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
    batches = BatchSampler(order, batch_size, drop_last=False)
    return DataLoader(dataset, sampler=batches, batch_size=None)
    ### END SOLUTION

# %% tags=["check"]
with check("loader-6") as c:
    for n, per, seed in ((10, 4, 3), (23, 5, 8)):
        made = [whole_batches(Asked(n), per, mix, torch.Generator().manual_seed(seed)) for mix in (False, *[True] * 2)]
        (plainly, _), (mixed, later), (again, _) = [(interview(c.attempted(m)), interview(m)) for m in made]
        bundled = [[*range(k, min(k + per, n))] for k in range(0, n, per)]
        c.equal(plainly, (bundled, bundled), because="one question a batch, in order, the short one too", mistakes=[
                ((bundled, [*range(n)]), "row by row: give the BatchSampler as sampler=, with batch_size=None"),
                (([[b] for b in bundled], bundled), "a dimension too many: batch_size=None is missing")])
        c.equal(([len(b) for b in mixed[0]], mixed[1]), ([len(b) for b in bundled], mixed[0]))
        c.equal((sorted(sum(mixed[0], [])), mixed), ([*range(n)], again), because="each row once, order from generator")
        c.true(mixed != later, observed=later[0], expected="a new order each epoch", likely="pass on the sampler")
        c.true({*map(frozenset, mixed[0])} - {*map(frozenset, bundled)}, observed=mixed[0],
               expected="rows that meet others", likely="shuffle the rows, not the bundles: they keep their company")

# %% [markdown] tags=["solution"]
# A batch sampler's bundle is taken apart and fetched row by row; a *sampler's* item, whatever it is, goes to
# `dataset[...]` as it stands when batching is off. Good for whatever understands a list: tensors, NumPy arrays.

# %% [markdown] tags=["instructor"]
# **Watch for** `DataLoader(dataset, batch_sampler=...)`: right batches, no gain. Have the room measure it.

# %% [markdown] tags=["deeper"]
# ## Who waits for whom
#
# Now take samples that have to be waited for, from a disk or a network. `SlowDisk` waits 6 milliseconds for
# each with `time.sleep`, which, like waiting for a disk, needs no processor. Each sample notes when its fetch
# began, when it was done, and who did it.
#
# This may be a **worker**: another Python process that the loader starts, with a copy of the dataset, to
# fetch batches ahead of time. `get_worker_info()` says which worker is asking; in the main process it returns
# `None`. (*What a worker cannot know* explains why the class goes into a file.)

# %%
SLOW_DISK = '''
import time
import torch
from torch.utils.data import Dataset, get_worker_info

class SlowDisk(Dataset):
    """n samples that take ``wait`` seconds each: (start, end, worker number or -1)."""

    def __init__(self, n, wait):
        self.n, self.wait = n, wait

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        info, start = get_worker_info(), time.perf_counter()
        time.sleep(self.wait)
        worker = info.id if info else -1
        return torch.tensor([start, time.perf_counter(), worker], dtype=torch.float64)
'''
_ = (folder / "slow_disk.py").write_text(SLOW_DISK, encoding="utf-8")

# %% [markdown]
# The "training step" is sleep, too, 15 milliseconds of it: it stands for a model that works on another device.

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
# Ten batches of four samples: a fetch takes 4 · 6 = 24 milliseconds, a step 15. Without workers that is 10 ·
# (24 + 15) = 390. With two workers, a batch is ready every 12 milliseconds, so after the first the step, at
# 15, is the slower one: 24 + 10 · 15 = 174. Expect both to take a little longer: waking up, and handing a
# batch from one process to another, cost time as well.

# %% tags=["nbval-ignore-output"] reason="prints measured times"
disk, best = SlowDisk(n=40, wait=0.006), {}
for workers in (0, 2):
    lane_loader = DataLoader(disk, batch_size=4, num_workers=workers, persistent_workers=workers > 0)
    runs = [clocked_epoch(lane_loader, step=0.015) for _ in range(6)][1:]
    best[workers] = min(runs, key=lambda run: run[-1][3] - run[0][2])
    waited = sum(end - start for _, did, start, end in best[workers] if did == "wait")
    length = best[workers][-1][3] - best[workers][0][2]
    print(f"{workers} workers: {1000 * length:.0f} ms, {1000 * waited:.0f} of them waiting")
del lane_loader  # its workers end
(without, with_two) = (run[-1][3] - run[0][2] for run in best.values())

# %% [markdown]
# The first epoch does not count: it pays for starting the processes. `persistent_workers=True` keeps them
# alive from epoch to epoch.

# %% alt="Two timelines above each other on one time axis in milliseconds. Above, with 0 workers, two lanes: in the loader lane four short orange fetches at a time, ten times; in the model lane a gray wait under every four fetches and then a blue step; the end comes at about 400 milliseconds. Below, with 2 workers, three lanes: worker 0 and worker 1 fetch at the same time, and in the model lane the blue steps follow each other almost without gaps after one gray wait at the start; it ends after about half the time."
colors = {"fetch": "#E69F00", "train": TRAIN, "wait": "#cccccc"}
fig, axes = plt.subplots(2, 1, figsize=(9, 3.6), sharex=True, height_ratios=(2, 3))
for ax, (workers, events) in zip(axes, best.items(), strict=True):
    zero, lanes = events[0][2], {lane for lane, *_ in events}
    lanes = sorted(lanes, key=lambda lane: (lane == "model", lane))
    for lane, did, start, end in events:
        bar = [(1000 * (start - zero), 1000 * (end - start))]
        ax.broken_barh(bar, (lanes.index(lane) - 0.35, 0.7), color=colors[did], ec="white", lw=0.7)
    ax.set_yticks(range(len(lanes)), labels=lanes)
    ax.set(title=f"{workers} workers", ylim=(len(lanes) - 0.5, -0.5))
    ax.grid(axis="y", visible=False)
axes[1].set_xlabel("milliseconds since the epoch began")
handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in colors.values()]
fig.legend(handles, ["fetching a sample", "training step", "waiting"], ncols=3, loc="outside upper right")
plt.show()

# %% [markdown]
# *Orange is fetching, blue is training, gray is waiting. Above, one process does everything in turn, and the
# model waits for every batch; below, two workers fetch while the main process trains, and only the first wait
# is a long one.* The workers run ahead, each by `prefetch_factor` batches (2 unless you say otherwise). **The
# slower side sets the pace**: with `w` workers a batch costs about `max(fetch / w, step)`; with none it costs `fetch + step`. A third worker would change nothing here.
#
# Then comes the surprise. **Predict before you run:** two workers again, on rows that lie in memory. Faster,
# the same, or slower?

# %% tags=["nbval-ignore-output"] reason="prints measured times"
light = TensorDataset(torch.rand(1000, 8))
helped = DataLoader(light, batch_size=4, num_workers=2, persistent_workers=True)
alone = min(epoch_seconds(DataLoader(light, batch_size=4)) for _ in range(4))
two = min([epoch_seconds(helped) for _ in range(4)][1:])  # the first starts the processes
del helped
print(f"alone {1000 * alone:.0f} ms, two workers {1000 * two:.0f} ms: {two / alone:.1f} times as long")

# %% [markdown]
# Slower by far. Fetching is microseconds of arithmetic, but every batch that a worker makes has to travel:
# into shared memory, a message through a pipe, a wake-up on the other side. The journey costs more than the goods. (These are 250 batches of only four rows. Each
# batch pays for one journey, so larger batches make the ratio smaller.)
#
# | your samples | do |
# |---|---|
# | fit into memory as tensors | no workers; whole batches |
# | waited for (disk, network) | workers until the model no longer waits |
# | heavy to compute (decode, crop) | as many workers as you have cores to spare; compute once what stays the same |
#
# **An aside: what does `pin_memory=True` do?** It copies each batch into *page-locked* memory, which a
# graphics card can read by itself while the processor goes on (`batch.to(device, non_blocking=True)`).
# Where `torch.cuda` finds no card, nobody reads it that way, so write `pin_memory=torch.cuda.is_available()`.

# %% [markdown] tags=["deeper"]
# ## What a worker cannot know
#
# How does a worker get the dataset? *Fork* (the habit of Linux up to Python 3.13) splits the running program
# in two, and the child has everything. *Spawn* (Windows and macOS; Linux's *forkserver*, since Python 3.14,
# is close to it) starts a fresh Python and sends it the dataset as a pickle. And a pickle carries an object's
# values, but of its class only the **address**.

# %%
def last_line(text):
    """The last line of a text that is not empty: of a traceback, the error itself."""
    return [line for line in text.splitlines() if line.strip()][-1]


parcel = pickle.dumps(Photos([], []))
told = {word: parcel.count(word.encode()) for word in ("__main__", "Photos", "read_picture")}
print("how often these words stand in the parcel:", told)
unpack = "import pickle, sys; pickle.load(sys.stdin.buffer)"
child = subprocess.run([sys.executable, "-c", unpack], input=parcel, capture_output=True)
print(last_line(child.stderr.decode()))

# %% [markdown]
# The address is inside, the code (which calls `read_picture`) is not. And `__main__` is "the program that was
# started": in your kernel this notebook, in a fresh Python something else. *Can't get attribute*: you meet that line if the dataset's class (or the `collate_fn`)
# stands in a notebook cell, and the system is Windows, macOS, or Linux from Python 3.14 on. The fix is to put the class into a file that
# the child can **import**. Then spawn works on any system. The class below also counts what it has served,
# and draws from three sources of chance; you will need both.

# %%
JITTER = '''
import numpy as np
import torch
from torch.utils.data import Dataset, get_worker_info

class Jitter(Dataset):
    """Each sample is three random numbers: from torch, from NumPy, from a generator of its own."""

    def __init__(self, n):
        self.n, self.own, self.served = n, np.random.default_rng(0), 0

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.served += 1
        return torch.tensor([torch.rand(()), np.random.rand(), self.own.random()])

def reseed(worker):
    info = get_worker_info()
    info.dataset.own = np.random.default_rng(info.seed)
'''
_ = (folder / "jitter.py").write_text(JITTER, encoding="utf-8")

# %%
from jitter import Jitter, reseed  # the file that the last cell wrote

spawned = DataLoader(Jitter(4), num_workers=1, multiprocessing_context="spawn")
print("samples from a spawned worker:", sum(len(part) for part in spawned))
try:
    pickle.dumps(lambda x: x)
except (AttributeError, pickle.PicklingError) as error:
    print(type(error).__name__ + ":", re.sub(r" at 0x\w+", "", str(error)))

# %% [markdown]
# What the dataset *holds* travels along. A `lambda` has no address that could be imported, so make the transform of a spawned dataset a function with a name, or a
# class with `__call__`, in a file.
#
# On a machine with an NVIDIA card there is a trap in the other direction. If your program has used the card already, a *forked* worker inherits an open connection
# to it that two processes can't share. As soon as its dataset touches the card in `__getitem__`, the worker stops with the message below (it is quoted from
# PyTorch's own source, as your machine may have no card).

# %%
source = inspect.getsource(torch.cuda._lazy_init)
quoted = re.search(r'"(Cannot re-initialize[^)]*)"', source)[1]
print("RuntimeError:", re.sub(r'"\s+"', "", quoted))

# %% [markdown]
# The fix that it offers is `multiprocessing_context="spawn"`. A better one: let datasets make CPU tensors,
# and move each *batch* in the training loop, with `X.to(device)`.
#
# In a script there is one more thing. A spawned child imports the script it came from. If the script starts
# its training at the top level, the child would start it again. Below are two scripts with the same contents;
# the second hides the action behind `if __name__ == "__main__":`, which is true in the program that was
# started, and false in one that was imported.

# %%
HEAD = "import torch\nfrom torch.utils.data import DataLoader, TensorDataset\n\n"
ACTION = """
loader = DataLoader(TensorDataset(torch.arange(6)), num_workers=1, multiprocessing_context="spawn")
print("rows read:", sum(len(batch) for (batch,) in loader))
"""
guarded = HEAD + 'if __name__ == "__main__":' + ACTION.replace("\n", "\n    ").rstrip() + "\n"
for script, text in {"bare.py": HEAD + ACTION, "guarded.py": guarded}.items():
    (folder / script).write_text(text, encoding="utf-8")
    ran = subprocess.run([sys.executable, str(folder / script)], capture_output=True, text=True)
    cause = [row.strip() for row in ran.stderr.splitlines() if "An attempt" in row]
    print(f"{script}: {f'failed. {cause[0]} …' if ran.returncode else ran.stdout.strip()}")
print("\nguarded.py:\n" + guarded)

# %% [markdown]
# *An attempt has been made to start a new process before the current process has finished its bootstrapping
# phase*: the long form of "you forgot the guard". So a **script** has its classes at the top level and its action behind the guard; a notebook imports them, as above.
#
# **A worker has its own copy** of the dataset. **Predict before you run:** what does the counter say in your
# process after an epoch of 8 samples, without workers and with two? And how many of the 8 random numbers are
# different?

# %%
for workers, init in ((0, None), (2, None), (2, reseed)):
    jitter, g = Jitter(8), torch.Generator().manual_seed(0)
    drawing = DataLoader(jitter, batch_size=2, num_workers=workers, generator=g, worker_init_fn=init)
    different = [len(column.unique()) for column in torch.cat(list(drawing)).T]
    head = f"{workers} workers{', reseed' if init else ''}:"
    print(f"{head:18} served {jitter.served}, different: torch {{}}, np.random {{}}, own {{}}".format(*different))

# %% [markdown]
# With workers the counter says zero: each counted in its own copy, and the copies ended with the workers. The
# dataset's own generator was copied, too, so both workers drew the same four numbers. The loader seeds
# `torch`, `random` and `np.random` differently in each worker, but knows nothing about a generator made in
# `__init__`. Draw from `torch` in `__getitem__`, or reseed your own in a `worker_init_fn`.
#
# **When a worker fails**, the error happens in another process. What reaches you?

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
from fields import Fields

for workers in (0, 1):
    try:
        list(DataLoader(Fields(), num_workers=workers))
    except ValueError as error:
        message = str(error)
        print(f"num_workers={workers}, first line: {message.splitlines()[0]}")
        print(f"{'':15}last line:  {last_line(message)}")
        error.with_traceback(None)  # else the traceback would keep the failed epoch, and its worker, alive

# %% [markdown]
# The message quotes the worker's whole traceback: read its **last line** first. To debug, set `num_workers=0`.

# %% [markdown] tags=["deeper"]
# ## A file you cannot load
#
# A large CSV file cannot answer "give me number *i*": to find row 5,000 you must read 5,000 lines. But you
# can let it flow past. An `IterableDataset` has no `__getitem__`; it has `__iter__`, which yields one sample
# after another. Write the diabetes table to a file ten times over, with row numbers, and read it in pieces of
# 768 rows with pandas' `chunksize`.

# %%
tenfold = pd.concat([diabetes()] * 10, ignore_index=True)
tenfold.insert(0, "row", range(len(tenfold)))
tenfold.to_csv(folder / "large.csv", index=False)
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
print(f"rows: {len(seen)}, at most {stream.largest} in memory, the first: {seen[:5].int().tolist()}")
with expect_error(ValueError):
    DataLoader(stream, batch_size=64, shuffle=True)
with expect_error(TypeError):
    len(DataLoader(stream, batch_size=64))

# %% [markdown]
# All 7,680 rows came by, a tenth of them in memory at a time. The price: no shuffling, because you cannot ask
# for row *i* (you will build a remedy), and no length, because nobody has counted. If *you* know the number,
# say it in a `__len__`; the loader believes you. Don't rely on its warning: it comes only once `len(loader)` was asked for, and it counts *batches* against your
# number of samples, so the cell below takes batches of one.

# %%
class Counted(IterableDataset):
    """Five numbers, and a length that may be wrong."""

    def __init__(self, promised):
        self.promised = promised

    def __len__(self):
        return self.promised

    def __iter__(self):
        return iter(range(5))


with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    for promised in (5, 3):
        counting = DataLoader(Counted(promised), batch_size=1)
        print(f"promised: {len(counting)}, came: {sum(1 for _ in counting)}, warnings so far: {len(heard)}")
print(re.search(r"but \d+ samples have been fetched", str(heard[0].message))[0])

# %% [markdown]
# **Predict before you run:** read the CSV stream with two workers. How many rows come out?

# %%
for shared in (False, True):
    stream = CsvStream(folder / "large.csv", chunk=768, shared=shared)
    seen = torch.cat([part[:, 0] for part in DataLoader(stream, batch_size=64, num_workers=2)])
    print(f"shared={shared!s:5}  rows: {len(seen):6,}  different: {len(seen.unique()):,}")

# %% [markdown]
# 15,360: **every row twice**, and no warning, because each worker's copy of the stream begins at the
# beginning. With `shared=True` the class asks `get_worker_info()` who it is, and
# `itertools.islice(pieces, me, None, team)` takes every second piece. (Both workers still *parse* the whole
# file.)
#
# **Parquet** avoids that. It stores columns compressed, with their types, in *row groups* that can be read
# one at a time. Here is the same table in groups of 768 rows. (In practice a group has a hundred thousand
# rows or more.)

# %% within="0.01"
tenfold.to_parquet(folder / "large.parquet", row_group_size=768, index=False)
csv_size, parquet_size = (path.stat().st_size for path in sorted(folder.glob("large.*")))
with pq.ParquetFile(folder / "large.parquet") as file:
    print(file.num_row_groups, "row groups; a row number is", file.schema_arrow.field("row").type)
    piece = file.read_row_group(7, columns=["row", "label"])
    group = file.metadata.row_group(7)
print("the eighth group begins with row", piece["row"][0])
ends = group.column(0), group.column(group.num_columns - 1)  # row and label
share = sum(column.total_compressed_size for column in ends) / parquet_size
print(f"its two columns are {share:.2f} of the file, which is {parquet_size / csv_size:.2f} of the CSV file")
assert share < 1 / 20 and parquet_size < csv_size

# %% [markdown]
# The file's last bytes say where each column of each group lies, so a reader goes straight there, and each
# worker can take groups of its own: `for group in range(info.id, file.num_row_groups, info.num_workers)`.
#
# ### Exercise loader-7 · difficulty 3 · 7 minutes
# How do you shuffle what flows by? With a **buffer** that holds `size` items. Once it is full, whenever a new
# item arrives, hand out a random one from the buffer and put the newcomer in its place. At the end, hand out
# what is left, in random order. Write `shuffled_stream(items, size, generator)` as a generator function (with
# `yield`). It must give every item once, draw from `generator`, and never hold more than `size` items, plus
# the one that has just arrived. `items` may be shorter than the buffer, or have no end.
#
# <details><summary>Hint 1</summary>Three phases: while the buffer is not full, append. Otherwise pick a random position, yield what is there, and put the new item in that position. The leftovers come after the loop.</details>
# <details><summary>Hint 2</summary><code>k = torch.randint(size, (), generator=generator).item()</code> picks a position; <code>torch.randperm(len(buffer), generator=generator)</code> orders the leftovers.</details>

# %% tags=["exercise"] id="loader-7" objective="feed"
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
with check("loader-7") as c:
    for size, n in ((10, 500), (4, 300)):
        given = iter(c.attempted(shuffled_stream(flow := iter(range(n)), size, torch.Generator())))
        got, held = [next(given, 0) for _ in range(n - 60)], 60 - flow.__length_hint__()
        c.true(size - 1 <= held <= size, observed=f"{held} items held", expected=f"{size}", likely="one in, one out")
        c.equal(sorted([*got, *given]), [*range(n)], because="every item once: what goes out is gone")
        turns = sum(a > b for a, b in zip(got, got[1:]))
        c.true(turns > 0.2 * len(got), observed=got[:9], expected="random picks from the whole buffer")
        early = max(at - item for at, item in enumerate(got))
    r = [[*shuffled_stream(range(9), k, torch.Generator().manual_seed(s))] for k in (3, 9) for s in (0, 0, 1)]
    c.true(r[0] == r[1] != r[2] and r[3] == r[4] != r[5], observed=r, expected="random picks, random rest",
           likely="draw both from generator")

# %% [markdown] tags=["solution"]
# The buffer stays full while items come, so the stream is read no faster than it is handed out. A picked item
# is gone for good, because the newcomer takes its place.

# %% [markdown] tags=["instructor"]
# **Watch for** `items = list(items)`: passes on small data, defeats the purpose. **Ask the room:** with all
# healthy rows before all sick ones, how large must the buffer be?

# %% [markdown]
# A buffer shuffles only **locally**: a row never comes out more than `size` places early (it may come late, even last). If a file is sorted by class, shuffle it
# once, on disk. To use the buffer, rename the stream's `__iter__` to `rows`; the new `__iter__` is `yield from shuffled_stream(self.rows(), size, generator)`. Each
# worker then has a buffer of its own, and a copied generator needs a reseed, as in *What a worker cannot know*.

# %% [markdown] tags=["deeper"]
# ## Samples of different lengths
#
# Names, sentences and heartbeats differ in length, and `stack` refuses them as it refused the photographs.
# You can't cut a name to size. So use *padding*: fill every sample up to the length of the longest in its
# batch with `pad_sequence`, and remember the true lengths. A `collate_fn` of your own takes the list of
# samples and returns the batch.

# %%
def pad_with_lengths(samples):
    """List of B tensors (length,) → padded (B, longest), true lengths (B,)."""
    sizes = torch.tensor([len(sample) for sample in samples])
    return pad_sequence(samples, batch_first=True), sizes


words = [torch.tensor([1.0, 2, 3]), torch.tensor([4.0, 5, 6, 7, 8]), torch.tensor([9.0])]
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
# 1.80, because four fillers were averaged in. Whatever you calculate over padded data, carry the lengths and
# use a mask.
#
# Padding is also wasted work. Make 64 sequences of 2 to 60 steps, eight to a batch:

# %%
def filler(batches, lengths):
    """Places of padding when each batch, a list of row numbers, is filled up to its longest row."""
    return sum(len(batch) * max(lengths[batch]) - sum(lengths[batch]) for batch in batches).item()


lengths = torch.randint(2, 61, (64,), generator=torch.Generator().manual_seed(0))
as_they_came = [list(piece) for piece in BatchSampler(range(64), batch_size=8, drop_last=False)]
wasted = filler(as_they_came, lengths)
print(f"places of padding: {wasted}, that is {wasted / (wasted + lengths.sum().item()):.0%} of all places")
assert wasted / (wasted + lengths.sum()) > 1 / 3

# %% alt="Eight rectangles side by side, one for each batch of eight sequences. In each, the dark blue left part of a row is data and the pale rest is padding. In most rectangles the pale part takes a third to a half of the area, because one long sequence decides the width for all eight. All panels share one scale of 60 steps."
fig, axes = plt.subplots(1, 8, figsize=(9, 1.9), sharey=True)
sequences = [torch.ones(span) for span in lengths.tolist()]
panels = DataLoader(sequences, batch_sampler=as_they_came, collate_fn=pad_with_lengths)
for ax, (block, _) in zip(axes, panels, strict=True):
    ax.imshow(block, aspect="auto", cmap="Blues", vmin=-0.25, vmax=1.4, interpolation="nearest")
    ax.set(xlabel="step", xlim=(-0.5, 59.5), yticks=[])
    ax.grid(visible=False)
axes[0].set(ylabel="sequence")
fig.suptitle("Eight batches: blue is data, pale is padding")
plt.show()

# %% [markdown]
# *Each panel is a batch of eight sequences; blue is data, pale is padding.* More than a third of the work is
# wasted: one long sequence makes seven others long.
#
# ### Exercise loader-8 · difficulty 2 · 5 minutes
# Put like with like. Write `length_batches(lengths, batch_size)`. It returns a list of batches, each a list
# of row numbers, such that sequences of similar length share a batch. Every row appears once, and each batch
# is full, except perhaps one. Such a list can be given to a loader as `batch_sampler=`, and to `filler`.
#
# <details><summary>Hint 1</summary>Put the row numbers in order of length, then cut the list into pieces.</details>
# <details><summary>Hint 2</summary><code>lengths.argsort()</code> gives row numbers, <code>.split(batch_size)</code> cuts, <code>.tolist()</code> makes lists.</details>

# %% tags=["exercise"] id="loader-8" objective="feed"
def length_batches(lengths: torch.Tensor, batch_size: int) -> list[list[int]]:
    """Bundles of row numbers, rows of similar length together; lengths: int64, (N,)."""
    ### BEGIN SOLUTION
    return [piece.tolist() for piece in lengths.argsort().split(batch_size)]
    ### END SOLUTION

# %% tags=["check"]
with check("loader-8") as c:
    for per, n, cut, most in ((10, 64, [4, *[10] * 6], 350), (5, 43, [3, *[5] * 8], 140)):
        spans = torch.randint(2, 61, (n,), generator=torch.Generator().manual_seed(n))
        with c.untouched(spans):
            got = c.attempted(length_batches(spans, per))
        c.kind(got, list[list[int]])
        c.equal(sorted(map(len, got)), cut, mistakes=[
                ([1, *[7] * 9], "chunk wants a number, not a size"), ([10] * 6, "the short last batch is missing")])
        c.equal(sorted(sum(got, [])), [*range(n)], because="every row number once, and no lengths")
        c.true(filler(got, spans) <= most, observed=f"{filler(got, spans)} places of padding",
               expected=f"{most} at most", because="like with like", likely="sort the row numbers by length")

# %% [markdown] tags=["solution"]
# Sort, cut, done. Add a little noise to the lengths before sorting, or the same sequences meet in every epoch.

# %% [markdown] tags=["instructor"]
# **Watch for** `sorted(lengths)`: lengths instead of row numbers, which reads wrong rows. **Ask the room**
# what is lost (batches are no longer random samples).

# %% [markdown]
# Such a list is the same in every epoch, so for training, shuffle at least the order of its batches.

# %% [markdown] tags=["deeper"]
# ## Old code you will meet
#
# | on the web | today | why |
# |---|---|---|
# | `iter(loader).next()` | `next(iter(loader))` | Python 2 spelling |
# | `transforms.ToTensor()` | `v2.ToImage()`, then `v2.ToDtype(torch.float32, scale=True)` | one did two jobs; v2's transforms also move boxes and masks along with the picture |
# | `worker_init_fn=lambda n: np.random.seed(n)` | nothing, or a function such as `reseed` | workers' `np.random` is seeded for you |
# | `num_workers=4`, everywhere | measure | it helps where samples are slow (a disk to wait for, pictures to decode), and hurts where they lie ready in memory |
#
# The first two, run:

# %%
with expect_error(AttributeError):
    iter(DataLoader(range(3))).next()
opened = Image.open(paths[0]).convert("RGB")
old = np.asarray(opened, dtype="float32").transpose(2, 0, 1) / 255  # what ToTensor did, by hand
fresh = v2.ToDtype(torch.float32, scale=True)(v2.ToImage()(opened))
print(f"largest difference to ToImage and ToDtype: {np.abs(old - fresh.numpy()).max():.0e}")
