# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: The diabetes MLP
#     minutes: 150
#     needs: [04_logistic_regression]
#     data: [diabetes]
#     objectives:
#       distrust: find missing values and flipped labels before a model learns them
#       leak: fit every statistic on the training rows only, and say which leak would matter
#       build: build a multilayer perceptron from a list of widths, and count its parameters
#       diagnose: tell from gradients, activations and curves why a network learns too little or too much
#       judge: report a spread and a paired interval instead of one lucky number
# ---

# %% [markdown]
# There is a network that thousands of people have trained in their first week: eight inputs, three layers of
# sigmoids, a table of diabetes patients. The loss goes down, the program prints an accuracy of about 65 %,
# and everybody goes on to the next chapter.
#
# Tonight you train it too, exactly as usual. Then you look at what it has learned, and it turns out that it
# has learned **one word**. It says that word to every patient.
#
# You find out why, with one picture: the size of the gradient in each layer. You mend the network, one thing
# at a time. And then comes the second surprise, which has nothing to do with mending: when the network
# finally works, a straight line with nine parameters is already there, and it is as good.
#
# Before any of that, there is a table to look at. It hides two traps, and the first one is already in it when
# you open it.

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split
from torch import nn

from utils import accuracy, check, evaluate, expect_error, fit, make_loader, predict
from utils.data import diabetes, diabetes_scaled
from utils.plotting import CLASS_COLORS, TRAIN, VALID

plt.style.use("utils.course")
torch.set_num_threads(1)  # networks this small: a second core costs more than it helps

# %% [markdown]
# ## Prepare data
#
# Each row is one woman from the Pima community in Arizona: eight measurements, and a label that says whether
# diabetes was found within five years (1) or not (0). (Without the file, `diabetes()` gives a stand-in: a table
# of the same shape with invented patients. Where this lesson says "on the real table", its numbers may differ.)

# %%
table = diabetes()
print(table.shape)
print(table.label.value_counts().to_dict())
table.head()

# %% [markdown]
# 768 rows, 268 of them with diabetes. So a model that says "no diabetes" to everyone is right about 65 times
# in a hundred. Keep that number; it will come back wearing a disguise.
#
# **Predict before you run:** what is the lowest blood pressure in a table of living people? Guess a number,
# then look at the row called `min`.

# %%
table.describe().loc[["min", "50%", "max"]].round(1)

# %% [markdown]
# Zero. Also a glucose of 0, an insulin of 0, a skin fold of 0 millimeters and a body mass index of 0. Nobody
# walks into a clinic with a blood pressure of 0: somebody wrote 0 where nothing had been measured. The number
# of pregnancies is another matter. There, 0 is a fact.
#
# Look for it in the shapes. A real quantity has a hump. A missing one has a hump and, far off, a spike.

# %% alt="Eight histograms, one a column. Glucose, blood pressure, skin thickness, insulin and bmi each have a hump of blue bars and a separate orange bar at zero; the one of insulin towers over everything else. Pregnancies, pedigree and age have no such bar apart from the hump."
GAPS = ["glucose", "blood_pressure", "skin_thickness", "insulin", "bmi"]
features = [name for name in table.columns if name != "label"]
fig, axes = plt.subplots(2, 4, figsize=(9, 4.2))
for ax, name in zip(axes.flat, features, strict=True):
    values = table[name]
    edges = np.linspace(0, values.max(), 31)
    ax.hist(values, bins=edges, color=TRAIN)
    if name in GAPS:
        ax.hist(values[values == 0], bins=edges, color=VALID)
    ax.set(xlabel=name)
for ax in axes[:, 0]:
    ax.set(ylabel="patients")
plt.show()
zeros = (table[features] == 0).sum()
print(zeros.to_dict())

# %% [markdown]
# *Five of the eight columns have an orange spike at 0 that does not belong to their hump: these are missing
# values.* The counts below the picture are the spikes. For insulin, 374 of 768 are missing, nearly half.
#
# What does it cost to believe the zeros? Replace them with `NaN`, which pandas leaves out of its sums, and
# compare.

# %%
clean = table.astype(float)
clean[GAPS] = clean[GAPS].replace(0, np.nan)
believed, known = table.insulin.mean(), clean.insulin.mean()
print(f"mean insulin, zeros believed: {believed:5.1f}   zeros left out: {known:5.1f}")
for name in GAPS:
    with_zeros, without = table[name].corr(table.label), clean[name].corr(clean.label)
    print(f"{name:15} correlation with the label {with_zeros:5.2f} → {without:5.2f}")
assert known > 1.8 * believed

# %% [markdown]
# The mean insulin about doubles. And look at the arrows: the measurements you thought were weak were diluted.
# This is the first rule of the evening: **look at the minimum of every column, and ask whether a person could
# have it.**
#
# ### Exercise diabetes-1 · difficulty 1 · 5 minutes
# Write `impossible_zeros(table, may_be_zero)`. It returns a dict: for every column that is *not* in the list
# `may_be_zero`, and that has at least one 0, the column's name and the number of its zeros, as an int.
# Columns without zeros do not appear. The table itself must stay as it is.
#
# <details><summary>Hint 1</summary><code>(table == 0).sum()</code> counts the zeros of all columns at once, as a Series that has the column names as its index.</details>
# <details><summary>Hint 2</summary>Loop over the columns, skip those in <code>may_be_zero</code>, and keep a count only if it is above 0. <code>int(...)</code> makes it a plain int.</details>

# %% tags=["exercise"] id="diabetes-1" objective="distrust"
def impossible_zeros(table: pd.DataFrame, may_be_zero: list[str]) -> dict[str, int]:
    """Column name → number of zeros, for the columns that should have none but have some."""
    ### BEGIN SOLUTION
    counts = (table.drop(columns=may_be_zero) == 0).sum()
    return {name: int(n) for name, n in counts.items() if n > 0}
    ### END SOLUTION

# %% tags=["check"]
with check("diabetes-1") as c:
    beds = pd.DataFrame({"pulse": [70, 0, 65], "twins": [0, 0, 0], "height": [0.0, 0.0, 1.7], "age": [3, 4, 5]})
    before = beds.copy()
    c.equal(c.attempted(impossible_zeros(beds, ["twins"])), {"pulse": 1, "height": 2}, because="a pulse of 0 is missing; 0 twins is a fact",
            mistakes=[({"pulse": 1, "twins": 3, "height": 2}, "some zeros are real: leave out the columns in may_be_zero"),
                      ({"pulse": 1, "height": 2, "age": 0}, "age has no zeros, so it should not appear")])
    c.true(beds.equals(before), observed="your function changed the table it was given", expected="a count, and the table as it was", likely="work on a copy, or only count: drop and comparisons give new tables")
    c.equal(impossible_zeros(table.copy(), ["pregnancies", "label"]), zeros[GAPS].to_dict(), because="the five columns of the story")

# %% [markdown] tags=["solution"]
# `drop` returns a new table, so the caller's own stays whole. Which columns may hold a 0 is not in the data:
# it is knowledge about people, and you have to bring it along.

# %% [markdown] tags=["instructor"]
# **Watch for** `table.drop(..., inplace=True)`. **Ask the room:** which other values could stand for
# "missing"? (-1, 99, 999, 1900-01-01, the mean that someone filled in.) **Timing:** 5 minutes.

# %% [markdown]
# How are the columns related? A table of correlations shows it at a glance. Its last row is the one you
# care about.

# %% alt="A nine by nine grid of correlations, the diagonal dark. In the row of the label, glucose is the darkest square, followed by bmi and insulin; blood pressure is among the palest. Off the diagonal, three pairs stand out: insulin and glucose, skin thickness and bmi, age and pregnancies."
correlation = clean.corr()
fig, ax = plt.subplots(figsize=(6.2, 5.2))
ax.imshow(correlation, cmap="RdBu", vmin=-1.2, vmax=1.2)
for (row, column), value in np.ndenumerate(correlation.to_numpy()):
    shade = "white" if abs(value) > 0.7 else "#222222"
    ax.text(
        column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=shade
    )
ax.set_xticks(range(9), labels=correlation.columns, rotation=40, ha="right")
ax.set_yticks(range(9), labels=correlation.columns)
ax.grid(False)
plt.show()
strongest = correlation.label.drop("label").abs().sort_values(ascending=False)
print("nearest to the label:", strongest.round(2).to_dict())

# %% [markdown]
# *Each square is the correlation of two columns: 1 on the diagonal, near 0 where two columns know nothing of
# each other.* Glucose stands nearest to the label, as it should: diabetes is diagnosed by glucose. Behind it
# the field is close together, and several columns repeat each other. There is no hidden treasure in this
# table. Remember
# that when the verdict comes.
#
# ### The copy that says the opposite
#
# Most tutorials do not use this table. They use a small file called `diabetes.csv.gz`: 759 rows, every
# measurement already scaled to run from -1 to 1. It has traveled from course to course for years.

# %%
scaled = diabetes_scaled()
print(scaled.shape)
print(f"share of label 1: {scaled.label.mean():.3f}, in the original {table.label.mean():.3f}")
scaled.describe().loc[["min", "50%", "max"]].round(2)

# %% [markdown]
# Two things are odd. The columns were scaled to [-1, 1], and the maxima are indeed 1, but **no** minimum is
# -1. And the share of label 1 is far from the original's; it looks more like the share of its zeros.
#
# **Predict before you run:** is a high glucose a sign of label 1 in this file?

# %%
print(f"glucose and label, original table: {clean.glucose.corr(clean.label):+.2f}")
print(f"glucose and label, scaled copy:    {scaled.glucose.corr(scaled.label):+.2f}")

# %% [markdown]
# In the copy, sugar protects you. That is a strong suspicion, not yet a proof. For the proof, find every
# row's twin. Scale the original the same way, and ask for each of the copy's rows: which original row is
# nearest? The `gap` is the largest difference in any of the eight columns.

# %%
def find_twins(table, scaled):
    """For each row of ``scaled``: its nearest row of ``table`` (min-max scaled), and the gap."""
    X, copied = (torch.tensor(t.drop(columns="label").to_numpy(float)) for t in (table, scaled))
    low, high = X.amin(dim=0), X.amax(dim=0)
    mine = 2 * (X - low) / (high - low) - 1
    mine[mine == -1] = 0  # the trick that explains the missing minima
    gaps = (copied[:, None] - mine[None]).abs().amax(dim=2)  # (759, 768)
    gap, twin = gaps.min(dim=1)
    return mine, gap, twin


original = table
mine, gap, twin = find_twins(original, scaled)
if gap.max() > 1e-5:  # you have one real file and one stand-in, with other patients in it
    print("These two tables show different patients: the proof uses stand-ins for both.")
    original, scaled = diabetes(stand_in=True), diabetes_scaled(stand_in=True)
    mine, gap, twin = find_twins(original, scaled)

# %%
print("rows with a twin:        ", int((gap < 1e-5).sum()), "of", len(scaled))
print("different twins:         ", len(twin.unique()))
turned = original.label.to_numpy()[twin] + scaled.label.to_numpy() == 1
print("rows whose label is turned over:", int(turned.sum()))
assert turned.all() and len(twin.unique()) == len(scaled)

# %% [markdown]
# Every row has exactly one twin, and in **every** row the label is the other one. There, 1 means *no*
# diabetes. The twins were only found because of one line, `mine[mine == -1] = 0`: whoever made the file wrote
# each column's minimum as 0. So a woman of the lowest age, 21, stands in it as a woman of middle age, 51.
#
# And the nine rows that the copy lacks? Look at what they have in common.

# %%
lost = sorted(set(range(len(original))) - set(twin.tolist()))
# A true 0 here would be a measurement exactly halfway between its column's minimum and maximum.
X = torch.tensor(original[features].to_numpy(float))
halfway = (X == (X.amin(dim=0) + X.amax(dim=0)) / 2).any(dim=1)
print("rows that the copy lacks:             ", lost)
print("rows with a measurement at halfway:   ", halfway.nonzero().flatten().tolist())
assert lost == halfway.nonzero().flatten().tolist()

# %% [markdown]
# The lists are equal. The copy lacks exactly those patients with a measurement halfway between minimum and
# maximum, which scaling takes to 0. In this file a 0 can be a minimum or a missing value, but never a true 0.
#
# None of this makes a program crash. A network trained on the copy converges, its accuracy is that of any
# other, and the doctor who reads "1" sends the sick home. The proof took ten lines. From here on you use the
# original, and the copy only once more, for the sake of the famous network.
#
# ### Three parts, and what each may know
#
# Training rows teach, validation rows choose, test rows judge. 460, 154, 154, with the same share of the sick
# in each (`stratify`).

# %%
def three_parts(table, seed):
    """Training, validation and test rows (60, 20, 20 %), with equal shares of the label."""
    rest, test = train_test_split(
        table, test_size=154, stratify=table.label, random_state=seed
    )
    train, valid = train_test_split(
        rest, test_size=154, stratify=rest.label, random_state=seed
    )
    return train, valid, test


train, valid, test = three_parts(clean, seed=0)
for name, part in {"training": train, "validation": valid, "test": test}.items():
    print(f"{name:11} {len(part)} rows, {part.label.mean():.3f} with diabetes")

# %% [markdown]
# Now the holes. What happens if you leave them in? A network has no opinion about `NaN`; it passes it on.

# %%
holes = torch.tensor(train[features].to_numpy(), dtype=torch.float32)
y_train = torch.tensor(train[["label"]].to_numpy(), dtype=torch.float32)
line = nn.Linear(8, 1)
optimizer, loss_fn = torch.optim.SGD(line.parameters(), lr=0.1), nn.BCEWithLogitsLoss()
with expect_error(FloatingPointError):
    fit(line, make_loader(holes, y_train, batch_size=64), loss_fn, optimizer, epochs=1)

# %% [markdown]
# One hole in one column, and the loss of the whole batch is `NaN`. `fit` stops here, at the first step. A
# bare loop would have gone on and trained nothing for a hundred epochs.
#
# The fix: fill each hole with the column's **median**, then shift and scale each column to mean 0 and
# standard deviation 1. That takes three numbers a column. The rule is older than neural networks: *whatever
# you compute from data is training, so compute it on the training rows*.

# %%
def learn_statistics(rows, features):
    """Median, mean and standard deviation of each column: all that preparing has to know."""
    median = rows[features].median()
    filled = rows[features].fillna(median)
    return median, filled.mean(), filled.std(ddof=0)


def tensors(rows, features, statistics):
    """X (N, 8), holes filled and columns standardized with ``statistics``, and y (N, 1)."""
    median, mean, std = statistics
    X = (rows[features].fillna(median) - mean) / std
    return tuple(
        torch.tensor(t.to_numpy(), dtype=torch.float32) for t in (X, rows[["label"]])
    )


statistics = learn_statistics(train, features)
tidy = [tensors(part, features, statistics) for part in (train, valid, test)]

# %% [markdown]
# **Predict before you run:** after this, is the mean of every training column 0? And of every validation
# column?

# %%
for name, (X, _) in zip(("training", "validation", "test"), tidy, strict=True):
    off, far = X.mean(dim=0).abs().max(), (X.std(dim=0, correction=0) - 1).abs().max()
    print(
        f"{name:11} {tuple(X.shape)}  mean off 0 by up to {off:.2f}, std off 1 by up to {far:.2f}"
    )
assert tidy[0][0].mean(dim=0).abs().max() < 1e-5

# %% [markdown]
# Training columns: exactly. Validation columns: roughly, and that is right. They are measured with the
# training rows' ruler, as tomorrow's patient will be. If your validation means are exactly 0, you have used
# the wrong ruler.
#
# How wrong would it be? Be honest and measure it. Learn the same statistics from all 768 rows, the forbidden
# way, and see by how much the prepared values move.

# %%
forbidden = tensors(test, features, learn_statistics(clean, features))[0]
moved = (forbidden - tidy[2][0]).abs()
print(
    f"a test value moves by {moved.mean():.3f} standard deviations, at most {moved.max():.2f}"
)

# %% [markdown]
# A few hundredths on average. With medians and means, this leak is small, and it would be a lie to tell you
# that it ruins your result. You keep the rule for another reason: the next statistic may look at the label,
# and then the same carelessness is a catastrophe. You will see one before the night is over.
#
# ### Exercise diabetes-2 · difficulty 2 · 8 minutes
# Write `standardize(train, other)`: two float tensors with the same columns, shapes (N, C) and (M, C). Return
# both, standardized column by column so that a training column gets mean 0 and standard deviation 1. One
# trap: a column that is constant in `train` has standard deviation 0. Divide such a column by 1 instead: in
# `train` it becomes 0, and a value of `other` that lies 3 higher becomes 3.
#
# <details><summary>Hint 1</summary>Whose mean belongs to <code>other</code>? Think of a single patient, tomorrow: she has no mean of her own.</details>
# <details><summary>Hint 2</summary><code>train.mean(dim=0)</code> and <code>train.std(dim=0)</code>; then let <code>torch.where(std == 0, 1.0, std)</code> stand in for the divisor.</details>

# %% tags=["exercise"] id="diabetes-2" objective="leak"
def standardize(train: torch.Tensor, other: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both tensors, (N, C) and (M, C), shifted and scaled by what ``train`` says."""
    ### BEGIN SOLUTION
    mean, std = train.mean(dim=0), train.std(dim=0)
    std = torch.where(std == 0, 1.0, std)
    return (train - mean) / std, (other - mean) / std
    ### END SOLUTION

# %% tags=["check"]
with check("diabetes-2") as c:
    rows = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 50, 0]) + torch.tensor([7.0, 300, 7])
    ours, theirs = c.attempted(standardize(rows, 2 * rows - rows.mean(dim=0) + rows.std(dim=0) + torch.tensor([0.0, 0, 3])))
    c.true((ours + theirs).isfinite().all() and theirs[:, 2].abs().max() < 1000, observed="nan, inf or enormous values", expected="moderate values", likely="a constant column has standard deviation 0, and you divide by it or by next to nothing: divide by 1")
    c.true(ours.mean(dim=0).abs().max() < 1e-3, observed=f"training means {ours.mean(dim=0).tolist()}", expected="three times 0", because="training columns get mean 0", likely="that is not train's mean, column by column: one mean for all columns, or a mean of both tensors together?")
    c.close(ours.std(dim=0), torch.tensor([1.0, 1, 0]), rtol=0.01, because="and standard deviation 1, the constant one 0")
    c.close(theirs.mean(dim=0), torch.tensor([1.0, 1, 3]), atol=0.02, because="other lies higher, and shows it, by train's ruler",
            mistakes=[(torch.zeros(3), "other was shifted by its own mean: use train's mean and standard deviation"), (torch.tensor([0.5, 0.5, 3]), "other was divided by its own standard deviation: use train's")])

# %% [markdown] tags=["solution"]
# Both returns use the same two statistics; that is the whole point. A scikit-learn `StandardScaler` splits it
# into `fit` (learn from training rows) and `transform` (apply to anything), so that the mistake is harder to
# make. Whether the standard deviation divides by N or N - 1 changes nothing here.

# %% [markdown] tags=["instructor"]
# **Watch for** `torch.cat([train, other])` before the mean ("more data, better mean"). It is the leak in its
# purest form, and the check refuses it. **Ask the room:** may you use the *validation* rows for the
# statistics once all choices are made and you retrain for the last time? (Yes: then they are training rows.)

# %% [markdown]
# ## Design model
#
# Start with one output. A patient is eight numbers, and a score is a weighted sum: $z = x_1 w_1 + \dots + x_8
# w_8 + b$. For N patients at once, it is one matrix product:
#
# $$\underset{N \times 1}{z} = \underset{N \times 8}{X}\;\underset{8 \times 1}{W^\top} + \underset{1}{b}$$
#
# Straight from pandas, it fails, and you will meet this error often:

# %%
layer = nn.Linear(8, 1)
with expect_error(RuntimeError):
    layer(torch.tensor(clean[features].fillna(0).to_numpy()))

# %% [markdown]
# *Double and Float*: pandas and NumPy count in 64 bits, a layer's weights have 32. The fix is
# `dtype=torch.float32` where the tensor is made, as `tensors` does it. Then the formula and the layer agree:

# %%
X, y = tidy[0]
by_hand = X @ layer.weight.T + layer.bias
print(
    "X",
    tuple(X.shape),
    "  weight",
    tuple(layer.weight.shape),
    "  bias",
    tuple(layer.bias.shape),
)
print(
    "z",
    tuple(by_hand.shape),
    "  same as the layer:",
    torch.allclose(by_hand, layer(X), atol=1e-6),
)

# %% [markdown]
# The weight is stored as (outputs, inputs), one row for each output: hence the transpose.
#
# Now stack three of them, with a sigmoid after each. This is the classic: 8 → 6 → 4 → 1.

# %%
def classic_network():
    """8 → 6 → 4 → 1 with a sigmoid after every layer, as it is usually shown."""
    return nn.Sequential(
        nn.Linear(8, 6), nn.Sigmoid(),
        nn.Linear(6, 4), nn.Sigmoid(),
        nn.Linear(4, 1), nn.Sigmoid(),
    )  # fmt: skip


torch.manual_seed(0)
model = classic_network()
print(model)

# %% [markdown]
# `nn.Sequential` passes each layer's output to the next. `print(model)` shows what is inside, not what
# happens: it would look the same if you never called it. The numbers in parentheses are the names of the
# layers, and you meet them again in the `state_dict`, the model's weights by name.
#
# **Predict before you run:** how many entries has this `state_dict`? There are six lines in the print above.

# %%
for name, values in model.state_dict().items():
    print(f"{name:9} {tuple(values.shape)!s:8} {values.numel():3}")
total = sum(p.numel() for p in model.parameters())
print("parameters in all:", total)
assert total == (8 * 6 + 6) + (6 * 4 + 4) + (4 * 1 + 1) == 87

# %% [markdown]
# Six again, but not the same six: a sigmoid has nothing to learn, so layers 1, 3 and 5 are missing; each
# linear layer has a weight and a bias.
#
# The count follows from the widths. A layer with $m$ inputs and $n$ outputs has $m \cdot n$ weights and $n$
# biases: $(m + 1)\,n$. Do it by hand for two other networks that you find in many courses, 50 → 30 → 20 → 3
# and 2 → 30 → 20 → 2:
#
# | network | first layer | second | third | in all |
# |---|---|---|---|---|
# | 50 → 30 → 20 → 3 | 51 · 30 = 1530 | 31 · 20 = 620 | 21 · 3 = 63 | 2213 |
# | 2 → 30 → 20 → 2 | 3 · 30 = 90 | 31 · 20 = 620 | 21 · 2 = 42 | 752 |

# %%
first = nn.Sequential(
    nn.Linear(50, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 3)
)
second = nn.Sequential(
    nn.Linear(2, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 2)
)
for network in (first, second):
    print(
        [p.numel() for p in network.parameters()],
        "→",
        sum(p.numel() for p in network.parameters()),
    )
assert sum(p.numel() for p in first.parameters()) == 2213
assert sum(p.numel() for p in second.parameters()) == 752

# %% [markdown]
# Hand and code agree. (`nn.ReLU`, a cousin of the sigmoid that you meet below, has nothing to learn either.)
# Notice that the middle layer costs the same 620 in both: width next to width is what
# costs, and the input is only one of the widths.
#
# ### Exercise diabetes-3 · difficulty 1 · 5 minutes
# Write `count_parameters(widths)`: the number of weights and biases of a chain of linear layers, from the
# list of its widths alone. `count_parameters([8, 6, 4, 1])` is 87. Do not build the network: your function
# must also work for widths whose network would not fit into memory.
#
# <details><summary>Hint 1</summary>Walk over the neighbors in the list: (8, 6), (6, 4), (4, 1). A list of four widths has three layers.</details>
# <details><summary>Hint 2</summary><code>zip(widths, widths[1:])</code> gives the neighbors; each pair adds (m + 1) · n.</details>

# %% tags=["exercise"] id="diabetes-3" objective="build"
def count_parameters(widths: list[int]) -> int:
    """Weights and biases of linear layers ``widths[0] → widths[1] → …``."""
    ### BEGIN SOLUTION
    return sum((m + 1) * n for m, n in zip(widths, widths[1:], strict=False))
    ### END SOLUTION

# %% tags=["check"]
with check("diabetes-3") as c:
    c.equal(c.attempted(count_parameters([8, 6, 4, 1])), 87, because="54 + 28 + 5, as the state_dict says",
            mistakes=[(76, "76 are the weights: each layer has biases too"), (19, "19 is the sum of the widths"), (94, "the bias belongs to the outputs: (m + 1) · n"),
                      (95, "the inputs have no biases: only 6 + 4 + 1 outputs have"), (torch.tensor(87), "the right number, but a tensor: .item() makes it an int")])
    c.equal(count_parameters([50, 30, 20, 3]), 2213, because="as by hand")
    c.equal(count_parameters([8, 1]), 9, because="a line in eight dimensions has nine parameters")
    c.equal(count_parameters([10**6, 10**6]), 10**12 + 10**6, because="no network was built for this one")

# %% [markdown] tags=["solution"]
# Widths are nodes, layers are the gaps between them: a list of $k$ widths has $k - 1$ layers. The last check
# is a layer of four terabytes, counted in a microsecond.

# %% [markdown] tags=["instructor"]
# **Watch for** `zip(widths, widths)` and for `m * n + m` (biases counted on the input side). **Fast groups:**
# which 8 → h → h → 1 network has about as many parameters as there are training rows, 460? (h = 17: 477.)

# %% [markdown]
# ## Choose loss and optimizer
#
# The classic recipe: binary cross-entropy on the probabilities, averaged, and gradient descent with learning
# rate 0.1. All rows at once, 100 epochs, on the scaled copy.

# %%
X_copy = torch.tensor(scaled[features].to_numpy(), dtype=torch.float32)
y_copy = torch.tensor(scaled[["label"]].to_numpy(), dtype=torch.float32)
loss_fn = nn.BCELoss()  # reduction="mean" is the default
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with expect_error(ValueError):
    loss_fn(model(X_copy), y_copy.squeeze())

# %% [markdown]
# An error on purpose, and a kind one. The outputs have shape (759, 1). A label column taken as `scaled.label`
# has shape (759,), and subtracting the two would broadcast to 759 × 759. `BCELoss` refuses; other losses only
# warn, or say nothing. Two brackets, `scaled[["label"]]`, keep the column a column.
#
# ## Train and judge
#
# One more choice: `utils.accuracy` expects logits and cuts at 0. This model gives probabilities, so its cut
# is at 0.5 and it needs a metric of its own.

# %%
def hit_rate(probability, y):
    """The share of right answers when 0.5 is the cut."""
    return ((probability > 0.5) == (y > 0.5)).float().mean()


everyone = make_loader(X_copy, y_copy, batch_size=len(X_copy))
history = fit(
    model, everyone, loss_fn, optimizer, epochs=100, metrics={"accuracy": hit_rate}
)
print(f"loss {history['loss'][0]:.3f} → {history['loss'][-1]:.3f}")
print(f"accuracy {history['accuracy'][0]:.3f} → {history['accuracy'][-1]:.3f}")

# %% [markdown]
# This is where the tutorial ends. The loss fell at every step. The accuracy rose from about a third to about
# two thirds. It looks like learning.
#
# **Predict before you run:** how many of the 759 patients does this network call 0, how many 1?

# %%
probability = predict(model, X_copy)
share = y_copy.mean().item()
print("patients called 1:", int((probability > 0.5).sum()), "of", len(y_copy))
print(f"lowest probability {probability.min():.3f}, highest {probability.max():.3f}")
print(
    f"accuracy {hit_rate(probability, y_copy):.4f}, share of the larger class {max(share, 1 - share):.4f}"
)
assert hit_rate(probability, y_copy).item() == y_copy.mean().item()

# %% [markdown]
# All of them are called 1. The accuracy is the share of the larger class, to the last digit: 65.3 %. Between
# the patient it finds most suspicious and the one it finds least, there is less than one percentage point.

# %% alt="A histogram of the network's probabilities on an axis from 0 to 1. Both classes stand in one single thin bar near 0.65; everything to the left and right of it is empty."
fig, ax = plt.subplots(figsize=(7, 2.6))
parts = [probability[y_copy == k].numpy() for k in (0, 1)]
ax.hist(
    parts,
    bins=np.linspace(0, 1, 51),
    stacked=True,
    color=CLASS_COLORS[:2],
    label=["label 0", "label 1"],
)
ax.axvline(0.5, color="#444444", ls=":", lw=1.2)
ax.text(0.495, 450, "cut", ha="right")
ax.set(
    xlim=(0, 1), xlabel="probability of label 1, says the network", ylabel="patients"
)
ax.legend(loc="upper left")
plt.show()

# %% [markdown]
# *Every patient, of either class, gets the same probability: one bar.* The network has learned one word, and
# the word is the share of ones in the table.
#
# A single number could have told you. What is the best loss that a model can reach if it ignores its inputs
# and always says the share $q$? It is the entropy of the labels, $-q \ln q - (1-q) \ln (1-q)$.

# %%
def one_word_loss(y):
    """The loss of a model that says the share of ones in ``y`` to everybody."""
    q = y.mean().item()
    return -(q * np.log(q) + (1 - q) * np.log(1 - q))


floor = one_word_loss(y_copy)
print(
    f"loss of one word, said to all: {floor:.4f}   loss of the network: {history['loss'][-1]:.4f}"
)
assert floor < history["loss"][-1] < floor + 0.01

# %% [markdown]
# After a hundred epochs, the network is still a little *worse* than a constant. So write these two numbers
# beside every result, from tonight on: the **share of the larger class** and the **loss of a constant**. Most
# false joy ends there.
#
# ## Why it barely moves
#
# A weight moves by learning rate times gradient. So ask for the gradients, layer by layer. This function is a
# training loop that also writes down the norm of each weight matrix's gradient, in every epoch.

# %%
def trace_gradients(model, X, y, loss_fn, optimizer, epochs):
    """Train on all rows at once; return the losses (E,) and each layer's gradient norm (E, layers)."""
    weights = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
    losses, norms = [], []
    for _ in range(epochs):
        loss = loss_fn(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        norms.append([w.grad.norm().item() for w in weights])
        optimizer.step()
    return torch.tensor(losses), torch.tensor(norms)


torch.manual_seed(0)
model = classic_network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
losses, classic_norms = trace_gradients(
    model, X_copy, y_copy, nn.BCELoss(), optimizer, epochs=100
)

# %% [markdown]
# **Predict before you run:** the same loss flows back through all three layers. Which of them gets the
# smallest gradient at the start, and by what factor?

# %%
for epoch in (1, 100):
    print(
        f"epoch {epoch:3}:",
        "  ".join(
            f"layer {n} {g:.4f}" for n, g in enumerate(classic_norms[epoch - 1], 1)
        ),
    )
start = classic_norms[0]
print(
    f"from layer to layer, backwards: ÷ {start[2] / start[1]:.1f}, ÷ {start[1] / start[0]:.1f}"
)
assert start[0] < start[1] / 3 < start[2] / 9

# %% alt="Three curves of gradient norms against epochs 1 to 100, on a logarithmic axis. At the start layer 3 is highest at 0.2, layer 2 five times lower, layer 1 lowest near 0.006. Layers 3 and 2 fall steeply, and from about epoch 80 on all three lie at a few thousandths."
fig, ax = plt.subplots(figsize=(7, 3))
for n, style in enumerate(["-", "--", ":"]):
    ax.semilogy(range(1, 101), classic_norms[:, n], style, label=f"layer {n + 1}")
ax.set(xlabel="epoch", ylabel="gradient norm", title="The classic network")
ax.legend(title="weights of", loc="upper right")
plt.show()

# %% [markdown]
# *The gradient norm of each layer over 100 epochs: the first layer starts more than thirty times below the
# last, and towards the end all three are down at a few thousandths.* Read it in two acts. For about eighty
# epochs the last layer is the loudest; it learns the one word. Once the word is learned, the loss has
# nothing more to
# say to it, and what arrives at the first layer, the only one that sees the patients, was never more than a
# whisper. At a learning rate of 0.1, a norm of 0.0026 moves the *whole* first layer by 0.00026 a step.

# %%
final = classic_norms[-1, 0].item()
print(
    f"first layer: gradient norm {final:.4f}, so one step has the length {0.1 * final:.5f}"
)
assert 0.001 < final < 0.005

# %% [markdown]
# Where does the gradient go? On its way back it is multiplied, at every sigmoid, by the slope $\sigma'(z) =
# \sigma(z)(1 - \sigma(z))$. That is at most 1/4, and the weights, which multiply it as well, start small.
# (The last
# sigmoid does not count: its slope cancels against the loss, whose gradient at the last $z$ is $p - y$.) From
# there to the first layer two sigmoids remain, and two such factors.
#
# The same shrinking happens on the way forward. Take one unit and ask how much it *differs from patient to
# patient*: the standard deviation over the rows. If it is 0, the unit knows nothing.

# %%
def spread_by_layer(model, X):
    """Standard deviation over the rows, averaged over the units: for X, then after each activation."""
    spreads = [X.std(dim=0).mean().item()]
    for layer in model:
        X = layer(X)
        if isinstance(layer, nn.Sigmoid | nn.ReLU):
            spreads.append(X.std(dim=0).mean().item())
    return spreads


torch.manual_seed(0)
with torch.inference_mode():
    spreads = spread_by_layer(classic_network(), X_copy)
print("patients differ by", " → ".join(f"{s:.4f}" for s in spreads))
assert spreads[1] < spreads[0] / 5 and spreads[2] < spreads[1] / 5

# %% [markdown]
# The inputs differ by about 0.3. After one layer about a seventh of that is left, after two about 1/46. By
# the time the last layer looks, all patients are nearly the same patient. It can hardly
# tell them apart, so for now it says one word.
#
# ### The other way to lose a gradient: saturation
#
# Books give another reason: sigmoids **saturate**. Far from 0 they are flat, and a flat function has no slope
# to pass on. Is that what happened? Measure it. Call a sigmoid saturated when $|z| > 4$, where its slope is
# below 0.018.
#
# **Predict before you run:** in which share of cases are the first layer's units saturated: on the scaled
# copy, and on the table as it comes, with a glucose of 148?

# %% alt="Two histograms of the first layer's sums. Left, the scaled copy: all between minus 1 and 1, inside the shaded band from minus 4 to 4. Right, the raw table: spread from minus 250 to 150, nearly all outside of the band, which is only a thin stripe."
torch.manual_seed(0)
first_layer = nn.Linear(8, 6)
raw = torch.tensor(table[features].to_numpy(), dtype=torch.float32)
fig, axes = plt.subplots(1, 2, figsize=(8.5, 2.8))
inputs = {"scaled copy": X_copy, "table as it comes": raw}
for ax, (name, X) in zip(axes, inputs.items(), strict=True):
    with torch.inference_mode():
        z = first_layer(X).flatten()
    slope = torch.sigmoid(z) * (1 - torch.sigmoid(z))
    flat = (z.abs() > 4).float().mean().item()
    print(f"{name:18} saturated: {flat:4.0%}   mean slope: {slope.mean():.3f}")
    ax.hist(z.numpy(), bins=60, color=TRAIN)
    ax.axvspan(-4, 4, color="#009E73", alpha=0.25)
    ax.set(xlabel="z in the first layer", ylabel="units × patients", title=name)
plt.show()

# %% [markdown]
# *The green band is where a sigmoid has a slope; left, everything lies inside of it, right, nearly everything
# outside.* So both ways exist, and they are opposites. With raw numbers, most of the sigmoids are stuck at 0
# or 1, and gradients die because the slope is 0. On the scaled copy **nothing is saturated**: the slope is
# near its best, 0.25, and the best is not enough. If you hear "sigmoids are bad because they saturate", ask
# for the histogram.
#
# ### Is it dead, or only slow?
#
# One more question before the mending: would it have learned, with more patience? Give it a hundred times as
# many epochs.

# %% alt="Loss against epochs, both axes from epoch 1 to 10000, the horizontal one logarithmic. The loss falls to the dotted line of one word within 100 epochs, runs along it as a flat plateau for thousands of epochs, then drops to below 0.5."
torch.manual_seed(0)
model = classic_network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
losses, slow_norms = trace_gradients(
    model, X_copy, y_copy, nn.BCELoss(), optimizer, epochs=10_000
)
fig, ax = plt.subplots(figsize=(7, 2.8))
ax.semilogx(range(1, 10_001), losses, color=TRAIN)
ax.axhline(floor, color="#444444", ls=":", lw=1.2)
ax.text(1.2, floor - 0.025, "one word, said to all")
ax.set(xlabel="epoch", ylabel="training loss")
plt.show()
for epoch in (100, 1000, 3000, 6000, 10_000):
    whisper = slow_norms[epoch - 1, 0]
    print(f"epoch {epoch:6}: loss {losses[epoch - 1]:.3f}, first layer's gradient {whisper:.3f}")
print(f"accuracy at the end: {hit_rate(predict(model, X_copy), y_copy):.2f}")

# %% [markdown]
# *The loss of the classic network over 10,000 epochs: a plateau of thousands of epochs at the height of one
# word, and then a step down.* It is not dead. It is on a plateau, where it gathers a first layer from
# whispers. Nothing in the curve's first 1,000 epochs tells you whether a step will come, and the gradients are
# just as mute there: they speak only when they begin to grow.
#
# ## Mend one thing at a time
#
# Five fixes, in the order in which people usually try them. From here on, the data are the original table's
# training and validation rows, and no longer the copy.
#
# **Fix 1, standardization**, you have already: `tidy`.
#
# **Fix 2, logits.** Leave out the last sigmoid and let `BCEWithLogitsLoss` do it. If you change only half of
# this, you get an error that is worth knowing:

# %%
torch.manual_seed(0)
headless = classic_network()[:-1]  # a slice is a Sequential too: no last sigmoid
with expect_error(RuntimeError):
    nn.BCELoss()(10 * headless(tidy[0][0]), tidy[0][1])

# %% [markdown]
# A probability outside of [0, 1]: the model gives logits now, so the loss has to take logits.
#
# **Predict before you run:** take the same weights, once with sigmoid and `BCELoss`, once with
# `BCEWithLogitsLoss`. By how much do the gradients of the first layer differ?

# %%
X, y = tidy[0]
(one,) = torch.autograd.grad(
    nn.BCELoss()(torch.sigmoid(headless(X)), y), headless[0].weight
)
(two,) = torch.autograd.grad(nn.BCEWithLogitsLoss()(headless(X), y), headless[0].weight)
print("same gradient:", torch.allclose(one, two, rtol=1e-4, atol=1e-8))
z = torch.tensor([200.0], requires_grad=True)  # very sure, and wrong: the label is 0
(one,) = torch.autograd.grad(nn.BCELoss()(torch.sigmoid(z), torch.zeros(1)), z)
(two,) = torch.autograd.grad(nn.BCEWithLogitsLoss()(z, torch.zeros(1)), z)
print(
    f"at z = 200: gradient {one.item():.1f} with BCELoss, {two.item():.1f} with logits"
)

# %% [markdown]
# Not at all: it is the same mathematics. The difference shows only far out, where a very sure, wrong answer
# gets **no** gradient from `BCELoss` and the full one with logits. So logits are a seat belt. They will not
# speed up your network, and you wear them anyway.
#
# **Fix 3, ReLU.** $\max(0, z)$ has slope 1 wherever it is on. No factor of 1/4 any more.
#
# **Fix 4, the initial weights.** PyTorch's `nn.Linear` starts with weights between $\pm 1/\sqrt{m}$ for $m$
# inputs, a standard deviation of $1/\sqrt{3m}$. A ReLU throws half of its input away, and to keep the
# signal's size through many layers weights need a standard deviation of $\sqrt{2/m}$: that is
# `kaiming_normal_`.

# %%
def kaiming(layer):
    """Kaiming weights and zero biases for a linear layer; anything else is left alone."""
    if isinstance(layer, nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)


def deep_relu():
    """Six ReLU layers, 32 wide: deep enough to see a signal grow or fade."""
    layers = [nn.Linear(8, 32), nn.ReLU()]
    for _ in range(5):
        layers += [nn.Linear(32, 32), nn.ReLU()]
    return nn.Sequential(*layers)


torch.manual_seed(0)
with torch.inference_mode():
    default = spread_by_layer(deep_relu(), X)
    mended = spread_by_layer(deep_relu().apply(kaiming), X)
for name, spreads in {"default": default, "Kaiming": mended}.items():
    print(f"{name}: patients differ by", " → ".join(f"{s:.3f}" for s in spreads))
assert mended[-1] > 20 * default[-1]

# %% [markdown]
# Six layers deep, the default lets the patients fade into each other; with Kaiming's weights they stay about
# as different as they came. For the three layers here it matters less, but it matters.
#
# **Fix 5, Adam**: it divides each gradient by its own recent size, so a weight with a whisper of a gradient
# takes as long a step as the others.
#
# Now climb the ladder, one rung after the other, each with everything below it. Ten seeds a rung, because one
# seed is an anecdote; 100 epochs, all rows at once, as before.

# %%
def climb(fixes, seed, raw, tidy):
    """Train 8 → 6 → 4 → 1 with the named fixes; final training loss, validation accuracy."""
    (X, y), (X_val, y_val) = tidy if "standardize" in fixes else raw
    torch.manual_seed(seed)
    bend = nn.ReLU if "ReLU" in fixes else nn.Sigmoid
    model = nn.Sequential(
        nn.Linear(8, 6), bend(), nn.Linear(6, 4), bend(), nn.Linear(4, 1)
    )
    if "Kaiming" in fixes:
        model.apply(kaiming)
    if "logits" not in fixes:
        model.append(nn.Sigmoid())
    loss_fn = nn.BCEWithLogitsLoss() if "logits" in fixes else nn.BCELoss()
    kind, lr = (torch.optim.Adam, 0.01) if "Adam" in fixes else (torch.optim.SGD, 0.1)
    optimizer = kind(model.parameters(), lr=lr)
    everyone = make_loader(X, y, batch_size=len(X))
    history = fit(model, everyone, loss_fn, optimizer, epochs=100, progress=False)
    right = accuracy if "logits" in fixes else hit_rate
    return history["loss"][-1], right(predict(model, X_val), y_val).item()

# %% [markdown]
# For the bottom rung, the table goes in as the copy had it: zeros left standing, columns squeezed to [-1, 1]
# (by the training rows' minima and maxima, of course).
#
# One row more stands beside the ladder: Adam with the sigmoids and default weights left in place.
#
# **Predict before you run:** which rung brings the largest fall of the loss? Which brings none?

# %%
low, high = train[features].fillna(0).min(), train[features].fillna(0).max()
squeezed = []
for part, (_, y) in zip((train, valid), tidy, strict=False):
    values = 2 * (part[features].fillna(0) - low) / (high - low) - 1
    squeezed.append((torch.tensor(values.to_numpy(), dtype=torch.float32), y))
FIXES = ["standardize", "logits", "ReLU", "Kaiming", "Adam"]
rungs = {"classic": []} | {f"+ {name}": FIXES[: k + 1] for k, name in enumerate(FIXES)}
rungs["sigmoid + Adam"] = ["standardize", "logits", "Adam"]
ladder = np.array(
    [[climb(f, seed, squeezed, tidy[:2]) for seed in range(10)] for f in rungs.values()]
)
for name, result in zip(rungs, ladder, strict=True):
    (loss, right), (loss_sd, right_sd) = result.mean(axis=0), result.std(axis=0)
    print(
        f"{name:14} training loss {loss:.3f} ± {loss_sd:.3f}   validation accuracy {right:.2f} ± {right_sd:.2f}"
    )

# %% alt="Seven columns of ten dots, the final training loss of ten seeds on each rung of the ladder. Classic, standardize and logits lie on the dotted line of one word. With ReLU the dots spread widely downwards, with Kaiming they lie lower, with Adam lowest and close together. The seventh, sigmoids with Adam, lies between the last two."
fig, ax = plt.subplots(figsize=(8, 3.2))
for rung, result in enumerate(ladder[:, :, 0]):
    ax.scatter(rung + np.linspace(-0.2, 0.2, 10), result, s=18, color=TRAIN)
    ax.hlines(result.mean(), rung - 0.3, rung + 0.3, color="#222222", lw=1.5)
floor = one_word_loss(tidy[0][1])
ax.axhline(floor, color="#444444", ls=":", lw=1.2)
ax.text(6.4, floor + 0.006, "one word", ha="right")
ax.set_xticks(range(7), labels=rungs, fontsize=8)
ax.set(ylabel="training loss after 100 epochs", ylim=(None, floor + 0.04))
plt.show()
means = ladder[:, :, 0].mean(axis=1)
assert abs(means[0] - means[2]) < 0.01 and means[2] - means[3] > 0.02
assert means[4] - means[5] > 0.04 and means[2] - means[6] > 0.04

# %% [markdown]
# *Each dot is one seed's final loss, each bar the mean of a rung: the first three rungs stay at the height of
# one word, and ReLU, Kaiming and Adam each take a step down.* Standardizing is good advice, and here, alone,
# it changes almost nothing. Logits change nothing at all, as promised. But do not read the steps as grades: each
# rung's share depends on what stands below it. The last column keeps the sigmoids and the default weights, and
# with Adam alone it leaves the one word far behind.
#
# Look also at the dots of the ReLU rung: some seeds learn, some still say one word. Had you tried one seed,
# you would have reported whichever you got.
#
# Here is the picture this lesson was heading for: the gradients of the mended network beside those of the
# classic one.

# %% alt="Two panels with the same logarithmic axis. Left, the classic network: three curves that end near 0.002. Right, the mended network: three curves that start together near 0.08 and fall side by side to about 0.01, layer 1 no lower than the others."
torch.manual_seed(0)
relu = nn.Sequential(
    nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1)
).apply(kaiming)
optimizer = torch.optim.Adam(relu.parameters(), lr=0.01)
_, mended_norms = trace_gradients(
    relu, *tidy[0], nn.BCEWithLogitsLoss(), optimizer, epochs=100
)
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3), sharey=True)
for ax, norms, title in zip(
    axes, (classic_norms, mended_norms), ("classic", "mended"), strict=True
):
    for n, style in enumerate(["-", "--", ":"]):
        ax.semilogy(range(1, 101), norms[:, n], style, label=f"layer {n + 1}")
    ax.set(xlabel="epoch", title=title)
axes[0].set(ylabel="gradient norm")
axes[1].legend(loc="lower right")
plt.show()
print(
    f"first layer at the start: {mended_norms[0, 0] / classic_norms[0, 0]:.0f} times the classic's gradient"
)
assert mended_norms[0, 0] > 10 * classic_norms[0, 0]

# %% [markdown]
# *Gradient norms by layer, left before and right after the mending: on the right the three layers are of one
# size, and the first is no longer the weakest.* Compare the starts only, and roughly: the two panels differ in
# data and initial weights, too. Gradients of the same order in all layers are a good sign, not a proof: the
# classic's come together as well, stuck at the loss of one word. You need both, even gradients and a
# falling loss.
#
# ### Exercise diabetes-4 · difficulty 2 · 8 minutes
# ReLU has a disease of its own. A unit whose sum is negative for **every** patient always gives 0; its
# gradient is 0 as well, so it never comes back. Write `dead_units(model, X)`: how many of the ReLU outputs of
# an `nn.Sequential` are 0 for every row of `X` (N, inputs)? Count over all of its `nn.ReLU` layers, and
# return an int.
#
# <details><summary>Hint 1</summary>Feed X through layer by layer, as <code>spread_by_layer</code> does, and look only after a ReLU. There, columns are units and rows are patients.</details>
# <details><summary>Hint 2</summary><code>(X == 0).all(dim=0)</code> says for each unit whether it is 0 for all rows; its sum is a count.</details>

# %% tags=["exercise"] id="diabetes-4" objective="diagnose"
def dead_units(model: nn.Sequential, X: torch.Tensor) -> int:
    """The number of ReLU units that are 0 for every row of X (N, inputs)."""
    ### BEGIN SOLUTION
    dead = 0
    with torch.no_grad():
        for layer in model:
            X = layer(X)
            if isinstance(layer, nn.ReLU):
                dead += int((X == 0).all(dim=0).sum())
    return dead
    ### END SOLUTION

# %% tags=["check"]
with check("diabetes-4") as c:
    stages = nn.Sequential(nn.Dropout(0.0), nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1)).requires_grad_(False)
    for k, (w, b) in {1: ([[1.0, 0], [0, 1], [1, 1]], [0.0, -9, 0]), 3: ([[0.0, 1, 0], [1, 0, 1]], [0.0, 0]), 5: ([[1.0, 1]], [-100.0])}.items():
        stages[k].weight.copy_(torch.tensor(w)), stages[k].bias.copy_(torch.tensor(b))
    got = c.attempted(dead_units(stages, torch.tensor([[1.0, 2.0], [-5, -5], [3, 1], [-1, -2]])))
    c.equal(got, 2, because="unit 2 of the first layer, and the unit that listens only to it",
            mistakes={1: "one layer only: go through all of them", 3: "only a ReLU's units can die: look after ReLU layers", 4: "that counts patients: units are columns, dim=0", 14: "that counts single zeros: a dead unit is 0 for every row", 5: "a unit may be 0 for some rows: that is its job"})
    c.equal(dead_units(stages, torch.tensor([[1.0, 12.0]])), 0, because="one patient with a large second value wakes both")

# %% [markdown] tags=["solution"]
# `all(dim=0)` goes down the rows and leaves one answer a unit. Death depends on the data: the last check
# wakes both units with one unusual patient. So count on the training rows, of which there are many.

# %% [markdown] tags=["instructor"]
# **Watch for** `dim=1`, which finds patients for whom a whole layer is silent. **Ask the room:** what kills
# ReLU units? (A step that is too long drives a bias far down. Try the mended network with SGD at lr 10.)
# **Remedies:** smaller steps, `LeakyReLU`, `GELU`.

# %% [markdown]
# ## Too big, too long
#
# The mended network has 87 parameters. Nobody stops you from taking more: 8 → 32 → 32 → 1 has 1377, three for
# each training row. Train it in small batches for 100 epochs and watch both losses.
# (Two things in the code are brakes, explained below and off at first: `nn.Dropout`, and the `weight_decay` of
# `AdamW`, which is otherwise Adam.)

# %%
def wide_network(dropout):
    """8 → 32 → 32 → 1 with ReLU and dropout; gives logits (N, 1)."""
    return nn.Sequential(
        nn.Linear(8, 32), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(32, 32), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(32, 1),
    )  # fmt: skip


def train_long(dropout, weight_decay, train, valid):
    """100 epochs of AdamW on a wide network (seed 0), whatever happens; the model and its history."""
    torch.manual_seed(0)
    model = wide_network(dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003, weight_decay=weight_decay)
    loader = make_loader(*train, batch_size=64, shuffle=True)
    val_loader = make_loader(*valid, batch_size=1000)
    options = {"epochs": 100, "val_loader": val_loader, "metrics": {"accuracy": accuracy}}
    return model, fit(model, loader, nn.BCEWithLogitsLoss(), optimizer, **options, progress=False)

# %% [markdown]
# **Predict before you run:** the training loss goes down and down. What does the validation loss do, and what
# does the validation accuracy do?

# %% alt="Two panels of learning curves over 100 epochs. Left, the loss: training falls below 0.2, validation falls to about 0.5, stays there until epoch 45 and then climbs to 0.7. Right, the accuracy: training climbs above 0.9, validation stays near 0.75."
unbraked, history = train_long(0.0, 0.0, *tidy[:2])
history.plot("loss", "accuracy")
plt.show()
frame = history.frame()
best = frame.val_loss.idxmin()
print(
    f"lowest validation loss {frame.val_loss.min():.2f} in epoch {best}; in epoch 100 it is {frame.val_loss[100]:.2f}"
)
print(
    f"epoch 100: training accuracy {frame.accuracy[100]:.2f}, validation accuracy {frame.val_accuracy[100]:.2f}"
)
assert best < 60 and frame.val_loss[100] > 1.15 * frame.val_loss.min()

# %% [markdown]
# *Learning curves, training solid and validation dashed: the training curves get better to the end, the
# validation loss turns and climbs.* The network has begun to learn the patients by heart. Notice that the
# validation **accuracy** hardly complains: the network makes about as many mistakes as before, but it makes
# them with more and more conviction. Only the loss, which punishes conviction, sees it. So watch the loss.
#
# There are three brakes. **Dropout** switches off each hidden unit with some probability, at every step, so
# that no unit can rely on any single other unit. It must be off when you predict, which is what `eval()` is for:

# %%
torch.manual_seed(0)
net = wide_network(dropout=0.3)
patient = tidy[1][0][:1]
with torch.inference_mode():
    net.train()
    print("training mode:  ", [round(net(patient).item(), 3) for _ in range(4)])
    net.eval()
    print("evaluation mode:", [round(net(patient).item(), 3) for _ in range(4)])

# %% [markdown]
# In training mode one patient gets four answers, in evaluation mode one. `fit`, `evaluate` and `predict`
# switch for you. In a loop of your own, it is your job.
#
# **Weight decay** pulls every weight a little towards 0 at each step: by `lr * weight_decay` of its size,
# with `AdamW`. Here are both brakes, and their effect on the length of all weights together.

# %%
BRAKES = {
    "no brake": (0.0, 0.0), "dropout 0.3": (0.3, 0.0),
    "weight decay 1": (0.0, 1.0), "both": (0.3, 1.0),
}  # fmt: skip
braked = {}
for name, (dropout, decay) in BRAKES.items():
    net, braked[name] = train_long(dropout, decay, *tidy[:2])
    length = nn.utils.parameters_to_vector(net.parameters()).norm().item()
    fitted = evaluate(
        net, make_loader(*tidy[0], batch_size=460), nn.BCEWithLogitsLoss()
    )["loss"]
    last = braked[name]["val_loss"][-1]
    print(
        f"{name:15} training loss {fitted:.2f}  validation loss {last:.2f}  length {length:4.1f}"
    )
assert braked["no brake"]["val_loss"][-1] > braked["both"]["val_loss"][-1] + 0.05

# %% alt="Four curves of validation loss over 100 epochs. Without a brake it turns near epoch 45 and climbs to 0.7, above the dotted line of one word. With dropout, with weight decay and with both, the curves stay near 0.5 to the end."
fig, ax = plt.subplots(figsize=(7, 3))
for (name, history), style in zip(braked.items(), ["-", "--", "-.", ":"], strict=True):
    ax.plot(range(1, 101), history["val_loss"], style, label=name)
ax.axhline(one_word_loss(tidy[1][1]), color="#444444", ls=":", lw=1, label="one word")
ax.set(xlabel="epoch", ylabel="validation loss")
ax.legend(ncols=2)
plt.show()

# %% [markdown]
# *The validation loss with and without brakes: unbraked it turns and climbs, with either brake it stays near
# its lowest point.* On the real table the unbraked one even ends above the dotted line: worse than one word,
# at a higher accuracy. Think about how that is possible.
#
# A decay of 1 looks enormous beside the 0.01 you see everywhere. With `lr=0.003`, 0.01 takes 3 in 100,000 off
# a weight at each step, and in the 800 steps of this run about 2 %: a brake for runs of a hundred thousand
# steps. Scale it to yours.
#
# The third brake is the cheapest: **stop early**, when the validation loss has not improved for a while, and
# go back to the best weights. "Go back" hides a trap.
#
# **Predict before you run:** you keep `model.state_dict()`, train on, and look at what you kept. Is it the
# old weights?

# %%
torch.manual_seed(0)
net = nn.Linear(8, 1)
kept, copied = net.state_dict(), copy.deepcopy(net.state_dict())
before = net.weight.detach().clone()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
loader = make_loader(*tidy[0], batch_size=64)
fit(net, loader, nn.BCEWithLogitsLoss(), optimizer, epochs=1)
print("kept as it is: still the old weights?", torch.equal(kept["weight"], before))
print("deep copy:     still the old weights?", torch.equal(copied["weight"], before))

# %% [markdown]
# A `state_dict` is a view of the living weights, not a photograph. Without `deepcopy`, your "best" weights
# are always the last ones, and no error tells you. With it, early stopping is a short loop around `fit`:

# %%
def train_patiently(model, train, valid, *, epochs=200, patience=20, weight_decay=0.01):
    """Train until ``patience`` epochs bring no lower validation loss; keep the best weights."""
    loader = make_loader(*train, batch_size=64, shuffle=True)
    val_loader = make_loader(*valid, batch_size=1000)
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003, weight_decay=weight_decay)
    lowest, best, weights = float("inf"), 0, None
    for epoch in range(1, epochs + 1):
        fit(model, loader, loss_fn, optimizer, epochs=1, progress=False)
        val_loss = evaluate(model, val_loader, loss_fn)["loss"]
        if val_loss < lowest:
            lowest, best, weights = val_loss, epoch, copy.deepcopy(model.state_dict())
        elif epoch - best >= patience:
            break
    model.load_state_dict(weights)
    return {"best": best, "last": epoch, "val_loss": lowest}


torch.manual_seed(0)
mlp = wide_network(dropout=0.3)
outcome = train_patiently(mlp, *tidy[:2])
print({name: round(value, 2) for name, value in outcome.items()})
assert outcome["last"] - outcome["best"] == 20 or outcome["last"] == 200

# %% [markdown]
# It stopped by itself, long before epoch 200, and took back the twenty epochs in which it had only hoped. One
# thing has a price: the validation rows have chosen the epoch, so their loss is now a little too good to be
# true. For judging, there are the test rows.
#
# ### Exercise diabetes-5 · difficulty 2 · 10 minutes
# Write `build_mlp(widths, dropout=0.0)`: an `nn.Sequential` of linear layers for any list of widths. After
# each linear layer **except the last** stand an `nn.ReLU` and then, if `dropout` is above 0, an
# `nn.Dropout(dropout)`. The last linear layer's output is the logit: nothing comes after it.
#
# <details><summary>Hint 1</summary>Collect the layers in a list and hand it over with a star: <code>nn.Sequential(*layers)</code>.</details>
# <details><summary>Hint 2</summary>Treat every pair of neighbors the same, and throw away what stands after the last linear layer at the end. Or build the last layer outside of the loop.</details>

# %% tags=["exercise"] id="diabetes-5" objective="build"
def build_mlp(widths: list[int], dropout: float = 0.0) -> nn.Sequential:
    """Linear layers ``widths[0] → … → widths[-1]``, with ReLU and dropout between them."""
    ### BEGIN SOLUTION
    layers = []
    for m, n in zip(widths[:-2], widths[1:-1], strict=True):
        layers += [nn.Linear(m, n), nn.ReLU()]
        if dropout > 0:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))
    ### END SOLUTION

# %% tags=["check"]
with check("diabetes-5") as c:
    net = c.attempted(build_mlp([8, 5, 4, 2], dropout=0.25))
    c.true(isinstance(net, nn.Sequential), observed=f"a {type(net).__name__}", expected="an nn.Sequential", likely="hand the list over with a star: nn.Sequential(*layers)")
    c.equal([type(m).__name__ for m in net], ["Linear", "ReLU", "Dropout"] * 2 + ["Linear"], because="ReLU and dropout stand between linear layers, nothing after the logit",
            mistakes=[(["Linear", "Dropout", "ReLU"] * 2 + ["Linear"], "the text asks for ReLU first"), (["Linear", "ReLU"] * 2 + ["Linear"], "dropout was asked for, and there is none"), *((["Linear", "ReLU", "Dropout"] * 2 + ["Linear", "ReLU", "Dropout"][:k], "a logit may be negative and must not be dropped: nothing comes after the last linear layer") for k in (2, 3))])
    c.equal([type(m).__name__ for m in build_mlp([8, 5, 1])], ["Linear", "ReLU", "Linear"], because="no dropout unless asked for", mistakes=[(["Linear", "ReLU"], "without dropout there is one layer fewer to cut off: the last linear layer is gone"), (["Linear", "ReLU", "Dropout", "Linear"], "no dropout was asked for: add nn.Dropout only if dropout is above 0")])
    c.equal([m.p for m in build_mlp([3, 4, 1], 0.25) if isinstance(m, nn.Dropout)], [0.25], mistakes=[([0.5], "0.5 is nn.Dropout's default: hand yours on")])
    c.equal(sum(p.numel() for p in build_mlp([50, 30, 30, 30, 3]).parameters()), 3483, because="every layer has weights of its own", mistakes={2553: "two layers share one nn.Linear: make a new one for each pair"})

# %% [markdown] tags=["solution"]
# The last layer stands outside of the loop, so it cannot get an activation by accident. A ReLU after the
# logit is the most frequent slip: the network can then never say "less than 50 %", and still trains.

# %% [markdown] tags=["instructor"]
# **Watch for** `nn.ReLU` at the end, and for one `nn.Linear(h, h)` object used twice. **Fast groups:** add an
# argument `activation=nn.ReLU` that takes a class. **Ask the room:** one `nn.ReLU()` object used twice is
# harmless; why?

# %% [markdown]
# ### Exercise diabetes-6 · difficulty 2 · 8 minutes
# Write `stopping(val_losses, patience)`: given a list of validation losses, one an epoch (the first is epoch
# 1), return `(best, last)`. `last` is the epoch after which early stopping ends the training: the first one
# at which the lowest loss is already `patience` epochs old. If that never happens, it is the last epoch in
# the list. `best` is the epoch of the lowest loss among the epochs that were trained. A loss that only
# *equals* the lowest is no improvement.
#
# <details><summary>Hint 1</summary>Walk through the list once. Carry two things along: the lowest loss so far, and its epoch.</details>
# <details><summary>Hint 2</summary>If this loss is lower, remember it and its epoch. Otherwise, if epoch - best ≥ patience, return here. What comes later in the list was never trained.</details>

# %% tags=["exercise"] id="diabetes-6" objective="diagnose"
def stopping(val_losses: list[float], patience: int) -> tuple[int, int]:
    """The epoch with the best weights, and the epoch after which training ends."""
    ### BEGIN SOLUTION
    best = 1
    for epoch, loss in enumerate(val_losses, start=1):
        if loss < val_losses[best - 1]:
            best = epoch
        if epoch - best == patience:
            return best, epoch
    return best, len(val_losses)
    ### END SOLUTION

# %% tags=["check"]
with check("diabetes-6") as c:
    c.equal(c.attempted(stopping([0.9, 0.7, 0.8, 0.6, 0.7, 0.7, 0.1], patience=2)), (4, 6), because="epochs 5 and 6 bring nothing, so 7 is never seen",
            mistakes=[((7, 7), "epoch 7 lies in the future: training had ended before"), ((7, 6), "best was looked for in epochs that were never trained"), ((4, 7), "that waits one epoch too long"), ((3, 5), "epochs count from 1"), ((2, 3), "that stops at the first rise: wait for patience epochs"), ((4, 5), "one epoch too early: two epochs without improvement are 5 and 6"), ([4, 6], "a tuple, not a list")])
    c.equal(stopping([0.9, 0.8, 0.7], patience=2), (3, 3), because="it improves to the end")
    c.equal(stopping([0.5, 0.5, 0.5, 0.5], patience=2), (1, 3), because="a tie is no improvement", mistakes={(4, 4): "an equal loss does not count as better"})
    c.equal(stopping([0.9, 0.8, 0.85, 0.7, 0.75, 0.6], patience=2), (6, 6), because="each improvement starts the count anew", mistakes={(4, 5): "start counting anew after each improvement"})
    c.equal(stopping([0.5, 0.9, 0.8, 0.7, 0.6], patience=3), (1, 4), because="falling is not enough: it must be a new low", mistakes={(5, 5): "you compare with the loss before: compare with the lowest so far", (1, 5): "a fall that is no new low must not start the count anew"})
    c.equal(stopping([0.9, 0.7, 0.8], patience=2), (2, 3), because="the list may end first", mistakes={(3, 3): "the last epoch is not the best one: best keeps the lowest loss even if nothing stops early"})

# %% [markdown] tags=["solution"]
# One pass, two things remembered. You cannot call `min(val_losses)` first: it looks into epochs that a real
# run has not reached. It is the same sin as a leak, in time instead of in rows.

# %% [markdown] tags=["instructor"]
# **Watch for** a counter that is never set back to 0. **Ask the room:** what does a patience of 1 do on a
# noisy curve? **Timing:** 8 minutes; the tie rule takes two of them.

# %% [markdown]
# ## The line it has to beat
#
# You now have a network that works: ReLU, dropout, early stopping, 1377 parameters. What would have
# been enough? Take away both hidden layers. What is left is logistic regression: `nn.Linear(8, 1)`, nine
# parameters. scikit-learn has it too, as one line. See whether the two are the same model.

# %%
torch.manual_seed(0)
line = nn.Linear(8, 1)
optimizer = torch.optim.Adam(line.parameters(), lr=0.05)
everyone = make_loader(*tidy[0], batch_size=460)
fit(line, everyone, nn.BCEWithLogitsLoss(), optimizer, epochs=400, progress=False)
judge = LogisticRegression(C=1e6)  # a large C: hardly any decay
judge.fit(tidy[0][0].numpy(), tidy[0][1].flatten().numpy())
ours, theirs = line.weight.detach().flatten(), torch.tensor(judge.coef_[0])
for name, weight, judged in zip(features, ours, theirs, strict=True):
    print(f"{name:15} torch {weight:5.2f}   scikit-learn {judged:5.2f}")
assert torch.allclose(ours.double(), theirs.double(), atol=0.02)
print("largest weight:", features[ours.abs().argmax()])

# %% [markdown]
# Eight weights, the same from both (and one bias), and you can *read* them: a positive weight pushes towards
# diabetes, so much for each standard deviation. Try that with 1377.
#
# ### Ten seeds
#
# Now compare, and not once. First, the luck of the **initial weights**: ten networks, same rows, ten seeds.
# The line needs no seeds: its loss has a single lowest point, and it finds it each time.

# %%
seeds = []
for seed in range(10):
    torch.manual_seed(seed)
    network = wide_network(dropout=0.3)
    train_patiently(network, *tidy[:2])
    seeds.append(accuracy(predict(network, tidy[2][0]), tidy[2][1]).item())
line_here = accuracy(predict(line, tidy[2][0]), tidy[2][1]).item()
print("ten networks:", [round(s, 3) for s in sorted(seeds)])
print(f"lowest {min(seeds):.3f}, highest {max(seeds):.3f}, the line {line_here:.3f}")
print(f"one patient more or less: {1 / len(tidy[2][1]):.3f}")

# %% [markdown]
# Same data, same code, another seed, and the accuracy moves by a few percentage points. Whoever reports the
# highest of ten reports luck.
#
# But compare with the line. On the real table, in this split, every one of the ten networks is above it, the
# lowest by a single patient. Ten out of ten! It is tempting to stop here and write "the network beats
# logistic regression". Ten seeds repeat
# the training, though. They do not repeat the **patients**.
#
# Second, then, the luck of the **split**: which patients are in the test rows? Ten splits, and on each one
# both models, with statistics learned anew from that split's training rows. (The line uses scikit-learn's
# default, a mild decay.)
#
# **Predict before you run:** on how many of the ten splits does the network win?

# %%
def both_models(rows, features, seed):
    """On one split: test labels (154,) and the two models' test logits (154,)."""
    parts = three_parts(rows, seed)
    statistics = learn_statistics(parts[0], features)
    train, valid, test = (tensors(part, features, statistics) for part in parts)
    torch.manual_seed(seed)
    network = wide_network(dropout=0.3)
    train_patiently(network, train, valid)
    line = LogisticRegression().fit(train[0].numpy(), train[1].flatten().numpy())
    logits = torch.tensor(line.decision_function(test[0].numpy()), dtype=torch.float32)
    return test[1].flatten(), logits, predict(network, test[0]).flatten()


splits = [both_models(clean, features, seed) for seed in range(10)]

# %%
bce = nn.functional.binary_cross_entropy_with_logits
line_right = np.array([accuracy(line, y).item() for y, line, _ in splits])
mlp_right = np.array([accuracy(mlp, y).item() for y, _, mlp in splits])
line_loss = np.array([bce(line, y).item() for y, line, _ in splits])
mlp_loss = np.array([bce(mlp, y).item() for y, _, mlp in splits])
floor = one_word_loss(clean.label)
print(f"one word  accuracy {1 - clean.label.mean():.3f}           loss {floor:.2f}")
for name, right, loss in (
    ("line", line_right, line_loss),
    ("MLP", mlp_right, mlp_loss),
):
    spread = f"{right.mean():.3f} ± {right.std():.3f}"
    print(f"the {name:5} accuracy {spread}   loss {loss.mean():.2f} ± {loss.std():.2f}")
won, lost = int((mlp_right > line_right).sum()), int((mlp_right < line_right).sum())
print(
    f"by accuracy the MLP wins {won}, ties {10 - won - lost} and loses {lost} of ten splits"
)
ahead = mlp_right - line_right
print("MLP minus line, split by split:", " ".join(f"{d:+.3f}" for d in ahead))
print(f"mean of these ten differences: {ahead.mean():+.3f} ± {ahead.std():.3f}")
assert abs(ahead.mean()) < ahead.std() and ahead.min() < 0 < ahead.max()

# %% alt="Two panels of test accuracies. Left, ten dots for ten seeds on one split, scattered over four percentage points, all above a dashed horizontal line, the straight line's score. Right, ten splits: each split is a thin gray segment from the line's score to the network's, some rising, some falling; both columns cover the same range, from about 0.70 to 0.80, far above the dotted one-word level."
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.2), sharey=True)
axes[0].scatter(range(10), seeds, color=TRAIN)
axes[0].axhline(line_here, color=VALID, ls="--", label="the line")
axes[0].set(xlabel="seed", ylabel="test accuracy", title="One split, ten seeds")
axes[0].legend(loc="lower right")
for a, b in zip(line_right, mlp_right, strict=True):
    axes[1].plot([0, 1], [a, b], color="#aaaaaa", lw=1, zorder=1)
axes[1].scatter([0] * 10, line_right, color=VALID)
axes[1].scatter([1] * 10, mlp_right, color=TRAIN)
axes[1].axhline(1 - clean.label.mean(), color="#444444", ls=":", lw=1.2)
axes[1].text(0.5, 1 - clean.label.mean() + 0.003, "one word", ha="center")
axes[1].set_xticks([0, 1], labels=["the line", "the MLP"])
axes[1].set(xlim=(-0.5, 1.5), title="Ten splits")
plt.show()

# %% [markdown]
# *Left, one split and ten seeds; right, ten splits, with the two models' results on the same split joined by
# a gray segment: some rise, some fall.* The network does not beat the line. On each split, take the
# difference: the ten have both signs, and their mean is smaller than their own spread. And the spread from
# split to split is so wide that with
# a suitable one you could have published either story: the left panel is one of them. (In loss, the two are a
# hundredth or so apart, within the spread as well.)
#
# Is that a failure? No. It is the normal outcome for a table like this, and there are reasons.
#
# - **768 rows are few.** A curved boundary has to be paid for with examples.
# - **The columns are already features.** Somebody chose glucose, age and body mass because they matter, and
#   each pushes mostly in one direction. A line is made for that. Networks shine where nobody can name the
#   features: pixels, sound, text.
# - **The labels have a ceiling.** Two women with the same eight numbers may fare differently. No model can
#   see what was not measured.
#
# The first reason can be tested. Give both models fewer rows, and watch the loss on the test rows.

# %%
def size_curve(rows, features, sizes, seed):
    """Test loss of the line and the network for each number of training rows: (sizes, 2)."""
    train, valid, test = three_parts(rows, seed)
    losses = []
    for size in sizes:
        few = train.sample(size, random_state=seed)
        (X, y), *rest = (tensors(p, features, learn_statistics(few, features)) for p in (few, valid, test))
        line = LogisticRegression().fit(X.numpy(), y.flatten().numpy())
        torch.manual_seed(seed)
        network = wide_network(dropout=0.3)
        train_patiently(network, (X, y), rest[0])
        X_test, y_test = rest[1]
        logits = torch.tensor(line.decision_function(X_test.numpy()), dtype=torch.float32)
        pair = logits.unsqueeze(1), predict(network, X_test)
        loss_fn = nn.BCEWithLogitsLoss()
        losses.append([loss_fn(z, y_test).item() for z in pair])
    return losses

# %% alt="Test loss against the number of training rows, 40 to 460: thin lines for five splits, thick ones for their means. The thin lines of one model lie further apart than the thick ones. Both thick curves fall. They cross: the network is lower at 40 and 80 rows, the line at 160, and at 460 rows they are about a hundredth apart."
SIZES = [40, 80, 160, 460]
each = np.array([size_curve(clean, features, SIZES, seed) for seed in range(5)])
by_size = each.mean(axis=0)
fig, ax = plt.subplots(figsize=(6.5, 3))
for k, color in enumerate((VALID, TRAIN)):
    ax.plot(SIZES, each[:, :, k].T, color=color, lw=0.7, alpha=0.4)
ax.plot(SIZES, by_size[:, 0], "o--", color=VALID, label="the line")
ax.plot(SIZES, by_size[:, 1], "s-", color=TRAIN, label="the MLP")
ax.set(xlabel="training rows", ylabel="test loss")
ax.legend()
plt.show()
for size, (a, b) in zip(SIZES, by_size, strict=True):
    print(f"{size:3} rows: the line {a:.2f}, the MLP {b:.2f}")
assert by_size[0, 0] > by_size[-1, 0]

# %% [markdown]
# *A learning curve over the number of rows: thin lines are the five splits, thick ones their means. More rows
# lower both losses, and at the right end the means nearly meet.* With very few rows the network may look
# better than it is: it stops early on
# 154 validation rows that the line never gets to see. A hidden layer pays off once its curve keeps falling
# where the line's goes flat. With 460 rows that is at best beginning, and the gap is smaller than what
# another split would change. Such a curve is also the cheapest answer to "should we collect more data?".
#
# ## A leak that matters
#
# If you meet a notebook that reports 85 % on this table, look at how it filled the holes. Here is one way to
# get there, and it looks sensible. Insulin is missing for half of the women, and the sick have higher
# insulin. So fill each hole with the median *of its class*: the median of the sick for the sick, of the
# healthy for the healthy.

# %%
def fill_by_class(rows):
    """Each hole gets the median of the rows with the same label. (Never do this to a test set.)"""
    filled = rows.groupby("label").transform(
        lambda column: column.fillna(column.median())
    )
    return filled.assign(label=rows.label)


leaky = fill_by_class(clean)
print(leaky[clean.insulin.isna()].groupby("label").insulin.agg(["min", "max", "size"]))

# %% [markdown]
# Look at what became of the women without an insulin value. All the healthy ones have one number, all the
# sick ones another. The label now stands in the insulin column, in plain sight.
#
# Four preparations, the same network, the same five splits. Honest medians; medians of all rows; class
# medians for everybody; and last, the same recipe as it would fare in real life, with test rows whose label is
# not known yet.
#
# **Predict before you run:** which of the four will look best? Which is worst in truth?

# %%
def leak_experiment(rows, features, seed):
    """Test accuracy of the same network after four ways of filling the holes."""
    train, valid, test = three_parts(rows, seed)
    everything = rows.median()
    ways = [
        [part.fillna(train.median()) for part in (train, valid, test)],
        [part.fillna(everything) for part in (train, valid, test)],
        [fill_by_class(rows).loc[part.index] for part in (train, valid, test)],
        [fill_by_class(train), fill_by_class(valid), test.fillna(train.median())],
    ]
    results = []
    for parts in ways:
        statistics = learn_statistics(parts[0], features)
        train, valid, test = (tensors(part, features, statistics) for part in parts)
        torch.manual_seed(seed)
        network = wide_network(dropout=0.3)
        train_patiently(network, train, valid, patience=10)
        results.append(accuracy(predict(network, test[0]), test[1]).item())
    return results

# %%
leaks = np.array([leak_experiment(clean, features, seed) for seed in range(5)])
WAYS = [
    "training medians (honest)",
    "medians of all rows",
    "class medians, test rows too",
    "the same, label unknown",
]
for name, column in zip(WAYS, leaks.T, strict=True):
    print(f"{name:29} {column.mean():.2f} ± {column.std():.2f}")
honest, mild, pretended, real = leaks.mean(axis=0)
assert abs(mild - honest) < 0.02 < pretended - honest and real < pretended - 0.02

# %% [markdown]
# The second row is the leak everybody warns of, and it changes nothing you could measure. The third is worth
# several percentage points of pure pretense. The fourth is its bill: on patients whose label nobody knows
# yet, the same recipe does much worse than it claimed, and no better than honest work, because it has learned
# to rely on a column that lies.
#
# So do not judge a leak by the rule that it breaks, but by the question: **does something that knows the
# label reach the test rows?** Here is the purest form. A thousand columns of noise; keep the twenty that
# correlate best with the label. The score is the AUC, the area under the ROC curve of lesson 04: a coin gets
# 0.5, a perfect model 1.

# %%
def best_columns(X, y, k):
    """The k columns of X (N, C) whose correlation with y (N,) is strongest."""
    X, y = X - X.mean(axis=0), y - y.mean()
    return np.argsort(-np.abs(X.T @ y) / np.linalg.norm(X, axis=0))[:k]


noise = np.random.default_rng(0).standard_normal((768, 1000))
label = table.label.to_numpy()
scores = []
for seed in range(10):
    a, b = train_test_split(
        np.arange(768), test_size=154, stratify=label, random_state=seed
    )
    for rows in (np.arange(768), a):  # choose with all rows, or with training rows only
        chosen = best_columns(noise[rows], label[rows], k=20)
        judge = LogisticRegression().fit(noise[a][:, chosen], label[a])
        scores.append(
            roc_auc_score(label[b], judge.decision_function(noise[b][:, chosen]))
        )
print(f"AUC on noise, columns chosen before the split: {np.mean(scores[::2]):.2f}")
print(f"AUC on noise, columns chosen after the split:  {np.mean(scores[1::2]):.2f}")
assert np.mean(scores[::2]) > 0.65 and abs(np.mean(scores[1::2]) - 0.5) < 0.06

# %% [markdown]
# There is nothing to find in noise: 0.5 is the truth. Choosing before splitting found "something" all the
# same, because the test rows had a vote in the choice. Nothing in the training loop was wrong. (AUC gets a
# picture in a moment.)
#
# ## How sure is that number?
#
# Even with everything done right, a test accuracy is a count of 154 coins. If the true rate is $p$, the count
# spreads by $\sqrt{p(1-p)/n}$. **Wilson's interval** turns a count into a range that would contain the true
# rate in about 95 % of all cases:
#
# $$\frac{1}{1 + z^2/n}\left(\hat p + \frac{z^2}{2n} \pm z\sqrt{\frac{\hat p(1-\hat p)}{n} + \frac{z^2}{4n^2}}\right), \qquad z = 1.96$$

# %%
def wilson_interval(right, n, z=1.96):
    """A 95 % interval (low, high) for a rate, from ``right`` successes in ``n`` trials."""
    p = right / n
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    shrink = 1 + z**2 / n
    return float((middle - half) / shrink), float((middle + half) / shrink)


for n in (20, 154, 1540, 15400):
    low, high = wilson_interval(0.75 * n, n)
    print(f"75 % of {n:5}: from {low:.2f} to {high:.2f}, {high - low:.2f} wide")

# %% [markdown]
# With 154 test rows, "75 %" means "somewhere between 68 and 81". To halve the width you need four times as
# many rows. Compare this with the differences for which people swap models.
#
# For numbers without a formula there is the **bootstrap**: draw as many rows as you have, *with replacement*,
# compute the number, repeat, and take the middle 95 % of what you get. Try it on the AUC, which has a plain
# meaning: of all pairs of one sick and one healthy woman, the share in which the sick one got the higher
# score.

# %%
def pairs_in_order(y, score):
    """AUC: the share of (sick, healthy) pairs that the score puts in the right order; ties count half."""
    sick, healthy = score[y == 1, None], score[None, y == 0]
    return (
        (sick > healthy).float().mean() + 0.5 * (sick == healthy).float().mean()
    ).item()


def bootstrap_auc(y, score, draws=500, seed=0):
    """The middle 95 % of the AUC over bootstrap draws of the rows."""
    generator = torch.Generator().manual_seed(seed)
    picks = torch.randint(len(y), (draws, len(y)), generator=generator)
    values = [pairs_in_order(y[rows], score[rows]) for rows in picks]
    return np.quantile(values, [0.025, 0.975])


y_test, line_logits, mlp_logits = splits[0]
assert (
    abs(pairs_in_order(y_test, mlp_logits) - roc_auc_score(y_test, mlp_logits)) < 1e-6
)

# %% alt="Two ROC curves on one split's test rows, the line dashed and the network solid. Both climb steeply from the lower left corner, cross each other several times, and lie far above the dotted diagonal."
fig, ax = plt.subplots(figsize=(4.6, 4.2))
models = {"the line": (line_logits, VALID, "--"), "the MLP": (mlp_logits, TRAIN, "-")}
for name, (logits, color, style) in models.items():
    false_alarms, found, _ = roc_curve(y_test, logits)
    ax.plot(false_alarms, found, style, color=color, label=name)
    low, high = bootstrap_auc(y_test, logits)
    print(
        f"{name}: AUC {pairs_in_order(y_test, logits):.2f}, 95 % from {low:.2f} to {high:.2f}"
    )
ax.plot([0, 1], [0, 1], ":", color="#444444", lw=1.2, label="coin")
ax.set(xlabel="false alarms (share of the healthy)", ylabel="found (share of the sick)")
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# *Each curve shows, for every cut, how many of the sick are found and how many of the healthy are alarmed for
# it: the line and the network cross each other several times.* Their intervals overlap almost entirely. The
# curve also tells you something the accuracy hides: the cut at 0.5 is one point of many. If a missed case is
# worse than a false alarm, move up along the curve.
#
# Now the full report for the network of the first split: every part, every number with its interval.

# %%
parts = dict(zip(("training", "validation", "test"), tidy, strict=True))
print("part         loss   accuracy             AUC")
for name, (X, y) in parts.items():
    logits, y = predict(mlp, X).flatten(), y.flatten()
    loss = bce(logits, y).item()
    right = accuracy(logits, y).item()
    (a, b), (low, high) = (
        wilson_interval(right * len(y), len(y)),
        bootstrap_auc(y, logits),
    )
    auc = pairs_in_order(y, logits)
    print(
        f"{name:11} {loss:5.2f}   {right:.2f} ({a:.2f} to {b:.2f})  {auc:.2f} ({low:.2f} to {high:.2f})"
    )

# %% [markdown]
# Report the last line, and the first two beside it. You were told to expect a training loss that memory makes
# too good, and a validation loss that choosing makes too good. On the real table neither shows: the luck of the
# rows is larger than both effects here. The intervals tell you which differences you may talk about.
#
# ### Exercise diabetes-7 · difficulty 3 · 15 minutes
# Two overlapping intervals are not yet an answer to "is A better than B?": both models saw the *same*
# patients, and mostly fail on the same ones. Write `difference_interval(right_a, right_b, draws=2000,
# seed=0)`. `right_a` and `right_b` are tensors of shape (N,), 1.0 where the model was right about that
# patient and 0.0 where it was wrong. Return `(low, high)`, two floats: the middle 95 % of the bootstrap
# distribution of mean(a) − mean(b). Draw **patients**: in each draw both models are judged on the same drawn
# rows.
#
# <details><summary>Hint 1</summary>If both models are always right and wrong together, the difference is 0 in every draw. Does yours say so?</details>
# <details><summary>Hint 2</summary>Subtract first: <code>d = right_a - right_b</code> has one number a patient. Bootstrap the mean of d, with one <code>torch.randint</code> of shape (draws, N).</details>

# %% tags=["exercise"] id="diabetes-7" objective="judge"
def difference_interval(
    right_a: torch.Tensor, right_b: torch.Tensor, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """A paired bootstrap: the middle 95 % of mean(right_a) − mean(right_b), both (N,)."""
    ### BEGIN SOLUTION
    d = right_a - right_b
    generator = torch.Generator().manual_seed(seed)
    picks = torch.randint(len(d), (draws, len(d)), generator=generator)
    low, high = d[picks].mean(dim=1).quantile(torch.tensor([0.025, 0.975])).tolist()
    return low, high
    ### END SOLUTION

# %% tags=["check"]
with check("diabetes-7") as c:
    a, b = (torch.arange(1000) < 750).float(), (torch.arange(1000) < 700).float()
    (low, high), same, one = c.attempted(difference_interval(a, b)), difference_interval(a, a), difference_interval(a, b, draws=1)
    c.true(max(map(abs, same)) < 1e-6, observed=f"a model against itself: {same[0]:.4f} to {same[1]:.4f}", expected="0 to 0", because="a model never differs from itself", likely="each model was judged on patients of its own: draw once, for both")
    c.true(abs(high - low) > 1e-6, observed=f"from {low:.4f} to {high:.4f}", expected="an interval with a width", likely="every draw gave the same mean: draw with replacement")
    c.true(high > low > 0, observed=f"from {low:.4f} to {high:.4f}", expected="an interval above 0", likely="the difference is mean(a) - mean(b): a is right more often")
    c.true(abs(low - 0.037) + abs(high - 0.0635) < 0.003, observed=f"from {low:.4f} to {high:.4f}", expected="about 0.037 to 0.063", because="50 patients of 1000 make the difference", likely="too narrow or too wide: draw N rows a draw, average over the rows of each draw (dim=1), and take the quantiles 0.025 and 0.975 of the means")
    c.true(one[0] == one[1], observed=f"with draws=1, {one[0]:.4f} to {one[1]:.4f}", expected="one mean, so low = high", likely="use the argument draws: one mean a draw")

# %% [markdown] tags=["solution"]
# Subtracting before drawing *is* the pairing: one number a patient, and the patients on which both agree
# contribute nothing. Drawing twice, once for each model, would compare A on some patients with B on others,
# and the interval would be about four times as wide here.

# %% [markdown] tags=["instructor"]
# **Watch for** two calls of `randint`. The check with `a` against `a` finds them. **Ask the room:** apply it
# to the line and the network on the test rows of one split, then pooled over ten splits: why is pooling not
# quite fair? (The same patient is in several test sets.) Nearest textbook test: McNemar.

# %% [markdown]
# Here is that interval for the network against the line, on the first split.

# %%
mlp_hits, line_hits = (((z > 0) == (y_test > 0.5)).float() for z in (mlp_logits, line_logits))
d = mlp_hits - line_hits
picks = torch.randint(len(d), (2000, len(d)), generator=torch.Generator().manual_seed(0))
low, high = d[picks].mean(dim=1).quantile(torch.tensor([0.025, 0.975])).tolist()
print(f"patients on whom only one of the two is right: {int(d.abs().sum())} of {len(d)}")
print(f"MLP minus line {d.mean():+.3f}, 95 % from {low:+.3f} to {high:+.3f}")
print("0 inside:", low <= 0 <= high)

# %% [markdown]
# The two disagree about few patients, and those few decide. If 0 lies inside, these rows cannot tell the two
# models apart.
#
# ## Is 70 % seventy in a hundred?
#
# A doctor does not want a class, but a probability, and wants to believe it. A model is **calibrated** if, of
# all patients to whom it gives about 70 %, about seventy in a hundred are sick. Check it: sort the
# predictions into six groups of equal size, and in each compare the mean prediction with the share of the
# sick.
#
# Six groups need many predictions, so pool the test rows of all ten splits. And bring a third model along:
# the wide network without brakes.

# %%
def unbraked_logits(rows, features, seed):
    """Test logits (154,) of a wide network trained for 60 epochs without any brake."""
    parts = three_parts(rows, seed)
    statistics = learn_statistics(parts[0], features)
    train, _, test = (tensors(part, features, statistics) for part in parts)
    torch.manual_seed(seed)
    network = wide_network(dropout=0.0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.003, weight_decay=0.0)
    loader = make_loader(*train, batch_size=64, shuffle=True)
    fit(network, loader, nn.BCEWithLogitsLoss(), optimizer, epochs=60, progress=False)
    return predict(network, test[0]).flatten()


pooled_y = torch.cat([y for y, _, _ in splits])
pooled = {
    "the line": torch.cat([line for _, line, _ in splits]),
    "the MLP": torch.cat([mlp for _, _, mlp in splits]),
    "no brake": torch.cat(
        [unbraked_logits(clean, features, seed) for seed in range(10)]
    ),
}

# %%
def reliability(y, logits, groups=6):
    """For groups of equal size: mean prediction, share of the sick, and size, each (groups,)."""
    order = logits.argsort().tensor_split(groups)
    p = torch.sigmoid(logits)
    columns = zip(
        *[(p[g].mean().item(), y[g].mean().item(), len(g)) for g in order], strict=True
    )
    return [np.array(column) for column in columns]


misses = {}
for name, logits in pooled.items():
    said, happened, size = reliability(pooled_y, logits)
    misses[name] = (np.abs(said - happened) * size).sum() / size.sum()
    loss = bce(logits, pooled_y).item()
    print(
        f"{name:9} accuracy {accuracy(logits, pooled_y):.2f}   loss {loss:.2f}   mean gap {misses[name]:.2f}"
    )
assert misses["no brake"] > misses["the MLP"] + 0.03

# %% alt="Three reliability curves side by side, each with six points and error bars around a dotted diagonal. The points of the line and of the MLP lie near the diagonal, a little off it here and there. Those of the unbraked network lie above it at the left and far below it at the right: a curve that is too flat."
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True)
for ax, (name, logits) in zip(axes, pooled.items(), strict=True):
    said, happened, size = reliability(pooled_y, logits)
    bars = np.array(
        [wilson_interval(h * n, n) for h, n in zip(happened, size, strict=True)]
    ).T
    ax.errorbar(
        said, happened, yerr=np.abs(bars - happened), fmt="o-", color=TRAIN, capsize=2
    )
    ax.plot([0, 1], [0, 1], ":", color="#444444", lw=1.2)
    ax.set(xlabel="predicted probability", title=name, xlim=(0, 1), ylim=(0, 1))
axes[0].set(ylabel="share of the sick")
plt.show()

# %% [markdown]
# *Predicted probability against what happened, with Wilson intervals: the braked network and the line stay
# near the diagonal, the unbraked network runs too flat.* When the unbraked network says "more
# than 90 %", far fewer are sick; when it says "almost certainly not", some are. Its **accuracy** is about
# that of the other two. What it lost is the right to be believed.
#
# Between the line and the braked network these curves decide little: the mean gap may differ by a few
# hundredths,
# but the losses are close and the bars wide.
#
# Be careful with the bars: a patient may stand in several of the ten test sets, so the pooled rows are not
# independent and the true intervals are wider.
#
# So, the verdict. Whatever you do, about three in four are right on this table. The classic network did not
# get there within 100 epochs: the gradient of its first layer was too small. The mended one did, and met a
# line. Most people
# should take the line: it has nine parameters, no seed, and you can explain it to a patient. If you
# take the braked network, say that it does as well, and not that it "beats" anything. From lesson 07 on
# there will be data that no line can
# read.
#
# ## Old code you will meet
#
# The classic network is older than most of PyTorch's habits. You will find it like this:
#
# ```python
# xy = np.loadtxt('diabetes.csv.gz', delimiter=',', dtype=np.float32)
# x_data = Variable(torch.from_numpy(xy[:, 0:-1]))
# y_data = Variable(torch.from_numpy(xy[:, [-1]]))
#
# class Model(torch.nn.Module):
#     def __init__(self):
#         super(Model, self).__init__()
#         self.l1 = torch.nn.Linear(8, 6)
#         ...
#         self.sigmoid = torch.nn.Sigmoid()
#
# criterion = torch.nn.BCELoss(size_average=True)
# print(epoch, loss.data[0])
# ```
#
# | there | today | why |
# |---|---|---|
# | `Variable(t)` | `t` | since version 0.4, a tensor carries its own gradient |
# | `BCELoss(size_average=True)` | `BCELoss(reduction="mean")` | one argument for mean, sum and none |
# | `size_average=False` | `reduction="sum"` | mind the learning rate: a sum over 759 rows has 759 times the gradient |
# | `loss.data[0]` | `loss.item()` | a 0-dim tensor cannot be indexed; `.data` bypasses autograd |
# | `F.sigmoid(x)` | `torch.sigmoid(x)` | one name for one function |
# | `super(Model, self).__init__()` | `super().__init__()` | Python 3 |
# | `nn.init.xavier_uniform(w)` | `nn.init.xavier_uniform_(w)` | the underscore says: in place |
# | `optim.Adam(…, weight_decay=…)` | `optim.AdamW(…, weight_decay=…)` | in Adam, the decay passes through the step's scaling and loses its meaning |
# | `model.cuda()` | `model.to(device)` | runs where there is no GPU, too |
#
# One of these rows can be checked on the spot: the sum's gradient.

# %%
torch.manual_seed(0)
model = classic_network()
gradients = {}
for reduction in ("mean", "sum"):
    loss = nn.BCELoss(reduction=reduction)(model(X_copy), y_copy)
    (gradients[reduction],) = torch.autograd.grad(loss, model[0].weight)
ratio = (gradients["sum"].norm() / gradients["mean"].norm()).item()
print(f"gradient of the sum: {ratio:.0f} times that of the mean")
assert abs(ratio - len(X_copy)) < 0.1

# %% [markdown]
# ## What you met
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `df.describe()`, `(df == 0).sum()` | look before you believe | (N, C) → a row for each statistic |
# | `df.replace(0, np.nan)`, `df.fillna(median)` | name the holes, fill the holes | (N, C) → (N, C) |
# | `train_test_split(df, stratify=…)` | parts with equal shares of the label | (N, C) → (N₁, C), (N₂, C) |
# | `nn.Linear(m, n)` | $X W^\top + b$ | (N, m) → (N, n) |
# | `nn.Sequential(…)`, `[:-1]`, `.append` | a chain of layers; slice it, extend it | (N, inputs) → (N, outputs) |
# | `model.state_dict()` | weights by name: alive, so `copy.deepcopy` to keep them | → dict |
# | `p.numel()` | number of elements | (m, n) → m · n |
# | `nn.BCELoss`, `nn.BCEWithLogitsLoss` | loss on probabilities, on logits | (N, 1), (N, 1) → () |
# | `w.grad.norm()` | how loudly the loss speaks to a layer | (n, m) → () |
# | `nn.init.kaiming_normal_`, `model.apply(f)` | initial weights for ReLU; call f on every part | in place |
# | `nn.Dropout(p)` | switches units off in training, does nothing in evaluation | (N, n) → (N, n) |
# | `optim.AdamW(…, weight_decay=…)` | Adam that pulls weights towards 0 | |
# | `LogisticRegression().fit(X, y)` | the line that has to be beaten | (N, 8), (N,) → a model |
# | `roc_curve`, `roc_auc_score` | all cuts at once; share of pairs in order | (N,), (N,) → curve, number |
#
# ## Where to go next
#
# Three things from tonight hold for every model you will ever train. Look at the minimum of every column.
# Write the one-word loss and the line's score beside your result. Report a spread, never a number.
#
# Your data came as one tensor that fits anywhere. The next lesson is about those that do not: how a `Dataset`
# and a `DataLoader` bring rows to the model, in which order, and who waits for whom.
