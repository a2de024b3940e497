# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: The diabetes MLP
#     summary: a real table with real dirt, a network that barely moves, and how to fix one thing at a time
#     path: "A real table, distrusted, split, and a network that learns something from it."
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
# sigmoids, a table of diabetes patients. The loss goes down, the accuracy ends at about 65 %, and everybody moves on.
#
# Here you train it exactly as usual, and then look at what it has learned: **one word**, said to every patient.
# One picture tells you why: the size of the gradient in each layer. Then you fix the network, one thing at a time.
# The second surprise comes when it finally works: a straight line with nine parameters is just as good.

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
# Each row is one woman from the Pima community in Arizona: eight measurements, and whether diabetes was found within
# five years (label 1) or not (0). (Without the file, `diabetes()` gives a stand-in with invented patients. What this
# lesson says "on the real table" may differ there.)

# %%
table = diabetes()
print(table.shape)
print(table.label.value_counts().to_dict())
table.head()

# %% [markdown]
# A model that says "no diabetes" to everyone is right about 65 times in a hundred. Keep that number in mind; it will
# come back in disguise.
#
# **Predict before you run:** what is the lowest blood pressure in a table of living people?

# %%
table.describe().loc[["min", "50%", "max"]].round(1)

# %% [markdown]
# It is zero, and so are the lowest glucose, insulin, skin thickness and body mass: somebody wrote 0 where nothing had
# been measured. For pregnancies, 0 is a fact.
#
# You can see it in the histograms. A column without gaps is one hump. A column with gaps also has a spike at 0, apart
# from the hump.

# %% alt="Eight histograms, one per column. Glucose, blood pressure, skin thickness, insulin and bmi each have a hump of blue bars and a separate orange bar at zero; the one of insulin towers over everything else. Pregnancies, pedigree and age have no such bar apart from the hump."
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
# *Five of the eight columns have an orange spike at 0 that does not belong to their hump: missing values.* What does
# it cost to believe these zeros? Replace them with `NaN`, which pandas leaves out of its sums.

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
# The mean insulin nearly doubles, and the columns that looked weak were only diluted. The first rule of this lesson:
# **look at the minimum of every column, and ask whether a person could have it.**
#
# ### Exercise diabetes-1 · difficulty 1 · 5 minutes
# Write `impossible_zeros(table, may_be_zero)`. It returns a dict: for every column that is *not* in the list
# `may_be_zero`, and that has at least one 0, the column's name and the number of its zeros, as an int.
# The table itself must stay as it is.
#
# <details><summary>Hint 1</summary><code>(table == 0).sum()</code> counts the zeros of all columns at once, as a Series.</details>
# <details><summary>Hint 2</summary>Loop over its <code>.items()</code>, skip the names in <code>may_be_zero</code>, and keep <code>int(count)</code> only if it is above 0.</details>

# %% tags=["exercise"] id="diabetes-1" objective="distrust"
def impossible_zeros(table: pd.DataFrame, may_be_zero: list[str]) -> dict[str, int]:
    """Column name → number of zeros, for the columns that should have none but have some."""
    ### BEGIN SOLUTION
    counts = (table.drop(columns=may_be_zero) == 0).sum()
    return {name: int(n) for name, n in counts.items() if n > 0}
    ### END SOLUTION

# %% tags=["check"]
with check("diabetes-1") as c:
    beds = pd.DataFrame({"pulse": [70, 0, 65], "twins": [0, 0, 0], "height": [0.0, 0, -1], "age": [3, 4, 5]})
    before, right, real = beds.copy(), {"pulse": 1, "height": 2}, "some zeros are real: skip may_be_zero"
    wrong = [(right | {"twins": 3}, real), (right | {"age": 0}, "age has no zeros: leave it out"),
             ({"pulse": 1, "height": 3}, "-1 may be impossible too, but it is no zero")]
    c.kind(got := c.attempted(impossible_zeros(beds, ["twins"])), dict)
    c.equal(got, right, because="a pulse of 0 is missing; 0 twins is a fact", mistakes=wrong)
    c.true(beds.equals(before), observed="you changed the table it was given", expected="the table as it was")

# %% [markdown] tags=["solution"]
# Which columns may hold a 0 is not in the data: you have to bring that knowledge along.

# %% [markdown] tags=["instructor"]
# **Watch for** `table.drop(..., inplace=True)`. **Ask the room:** what else stands for "missing"? (-1, 99, 1900-01-01.)

# %% [markdown]
# How are the columns related? Look at the last row of this table of correlations.

# %% alt="A nine by nine grid of correlations, the diagonal dark. In the row of the label, glucose is the darkest square, followed by bmi and insulin; blood pressure is among the palest. Off the diagonal, three pairs stand out: insulin and glucose, skin thickness and bmi, age and pregnancies."
correlation = clean.corr()
fig, ax = plt.subplots(figsize=(6.2, 5.2))
ax.imshow(correlation, cmap="RdBu", vmin=-1.2, vmax=1.2)
for (row, column), value in np.ndenumerate(correlation.to_numpy()):
    shade = "white" if abs(value) > 0.7 else "#222222"
    ax.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8, color=shade)
ax.set_xticks(range(9), labels=correlation.columns, rotation=40, ha="right")
ax.set_yticks(range(9), labels=correlation.columns)
ax.grid(False)
plt.show()
strongest = correlation.label.drop("label").abs().sort_values(ascending=False)
print("nearest to the label:", strongest.round(2).to_dict())

# %% [markdown]
# *Each square is the correlation of two columns: 1 on the diagonal, near 0 where two columns tell you nothing about
# each other.* Glucose is the most closely related to the label. The others follow close together, and several of them
# partly repeat each other. There is no hidden treasure here. Remember that when the verdict comes.
#
# ### The copy that says the opposite
#
# Most tutorials use another file, `diabetes.csv.gz`: 759 rows, already scaled to run from -1 to 1.

# %%
scaled = diabetes_scaled()
print(scaled.shape)
print(f"share of label 1: {scaled.label.mean():.3f}, in the original {table.label.mean():.3f}")
scaled.describe().loc[["min", "50%", "max"]].round(2)

# %% [markdown]
# Two things are odd. The maxima are 1, but **no** minimum is -1. And the share of label 1 looks like the original's
# share of label 0.
#
# **Predict before you run:** is a high glucose a sign of label 1 in this file?

# %%
print(f"glucose and label, original table: {clean.glucose.corr(clean.label):+.2f}")
print(f"glucose and label, scaled copy:    {scaled.glucose.corr(scaled.label):+.2f}")

# %% [markdown]
# In the copy, sugar protects you. So far this is only a suspicion; for a proof, find every row's twin. Scale the
# original to [-1, 1], write each minimum as 0 (a guess that would explain the odd minima), and ask which original row
# is nearest. The `gap` is the largest difference in any column.

# %%
def find_twins(table, scaled):
    """For each row of ``scaled``: its nearest row of ``table`` (min-max scaled), and the gap."""
    X, copied = (torch.tensor(t.drop(columns="label").to_numpy(float)) for t in (table, scaled))
    low, high = X.amin(dim=0), X.amax(dim=0)
    mine = 2 * (X - low) / (high - low) - 1
    mine[mine == -1] = 0  # the guess
    gaps = (copied[:, None] - mine[None]).abs().amax(dim=2)  # (759, 768)
    return gaps.min(dim=1)


original = table
gap, twin = find_twins(original, scaled)
if gap.max() > 1e-5:  # you have one real file and one stand-in, with other patients in it
    print("These two tables show different patients: the proof uses stand-ins for both.")
    original, scaled = diabetes(stand_in=True), diabetes_scaled(stand_in=True)
    gap, twin = find_twins(original, scaled)

# %%
print("rows with a twin:        ", int((gap < 1e-5).sum()), "of", len(scaled))
print("different twins:         ", len(twin.unique()))
turned = original.label.to_numpy()[twin] + scaled.label.to_numpy() == 1
print("rows whose label is turned over:", int(turned.sum()))
assert turned.all() and len(twin.unique()) == len(scaled)

# %% [markdown]
# Every row has one twin of its own, and in **every** row the label is the opposite: in the copy, 1 means *no*
# diabetes. The guess was right, too: each minimum is stored as 0.
#
# None of this makes a program crash. A network trained on the copy converges, and a doctor who takes its 0 for "no
# diabetes" sends the sick home. From here on you use the original, and the copy only for the famous network.
#
# ### Three parts, and what each may know
#
# Training rows teach, validation rows choose, test rows judge. All three parts have the same share of sick women
# (`stratify`).

# %%
def three_parts(table, seed):
    """Training, validation and test rows (60, 20, 20 %), with equal shares of the label."""
    options = {"test_size": 154, "random_state": seed}
    rest, test = train_test_split(table, stratify=table.label, **options)
    train, valid = train_test_split(rest, stratify=rest.label, **options)
    return train, valid, test


train, valid, test = three_parts(clean, seed=0)
for name, part in {"training": train, "validation": valid, "test": test}.items():
    print(f"{name:11} {len(part)} rows, {part.label.mean():.3f} with diabetes")

# %% [markdown]
# Now the holes. What happens if you leave them in?

# %%
holes = torch.tensor(train[features].to_numpy(), dtype=torch.float32)
y_train = torch.tensor(train[["label"]].to_numpy(), dtype=torch.float32)
line = nn.Linear(8, 1)
optimizer, loss_fn = torch.optim.SGD(line.parameters(), lr=0.1), nn.BCEWithLogitsLoss()
with expect_error(FloatingPointError):
    fit(line, make_loader(holes, y_train, batch_size=64), loss_fn, optimizer, epochs=1)

# %% [markdown]
# One hole, and the loss of the whole batch is `NaN`. `fit` stops here; a bare loop would go on and train nothing.
#
# So fill each hole with the column's **median**, then scale each column to mean 0 and standard deviation 1. The rule
# is old: *whatever you compute from data is training, so compute it on the training rows*.

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
    return tuple(torch.tensor(t.to_numpy(), dtype=torch.float32) for t in (X, rows[["label"]]))


statistics = learn_statistics(train, features)
tidy = [tensors(part, features, statistics) for part in (train, valid, test)]

# %% [markdown]
# **Predict before you run:** after this, is the mean of every training column 0? And of every validation column?

# %%
for name, (X, _) in zip(("training", "validation", "test"), tidy, strict=True):
    off, far = X.mean(dim=0).abs().max(), (X.std(dim=0, correction=0) - 1).abs().max()
    print(f"{name:11} {tuple(X.shape)}  mean off 0 by up to {off:.2f}, std off 1 by up to {far:.2f}")
assert tidy[0][0].mean(dim=0).abs().max() < 1e-5

# %% [markdown]
# For the training columns, yes, up to rounding. For the others only roughly, and that is as it should be: they are
# measured with the training rows' ruler, as tomorrow's patient will be. How far off is the forbidden ruler, the
# statistics of all 768 rows?

# %%
forbidden = tensors(test, features, learn_statistics(clean, features))[0]
moved = (forbidden - tidy[2][0]).abs()
print(f"a test value moves by {moved.mean():.3f} standard deviations, at most {moved.max():.2f}")

# %% [markdown]
# A few hundredths on average: this leak is small. Keep the rule all the same: the next statistic may look at the
# label, and then the same carelessness is a catastrophe. You will see one further down.
#
# ### Exercise diabetes-2 · difficulty 2 · 8 minutes
# Write `standardize(train, other)` for two float tensors with the same columns, shapes (N, C) and (M, C). Return
# new tensors for both, standardized column by column so that a training column gets mean 0 and standard deviation 1. One trap: a
# column that is constant in `train` has standard deviation 0. Divide such a column, and no other, by 1: in `train` it
# becomes 0, and a value of `other` that is 3 higher than this constant becomes 3.
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
    unit, far, g = torch.tensor([1.0, 1, 1, 0]), torch.tensor([0, 0, 0, 3]), torch.Generator().manual_seed(0)
    rows = torch.randn(999, 4, generator=g) * torch.tensor([1, 50, 1e-3, 0]) + torch.arange(4)
    kept = rows.clone()
    ours, theirs = c.attempted(standardize(rows, 2 * rows - rows.mean(dim=0) + rows.std(dim=0) + far))
    c.true(theirs.max() < 99, observed=theirs.max(), expected="a few", likely="divide by 1 where std is 0")
    c.close(ours.mean(dim=0), 0 * far, atol=0.01, because="train's own mean is gone, column by column")
    c.close(ours.std(dim=0), unit, atol=0.01, because="standard deviation 1, or 0 in a constant column")
    c.close(theirs.mean(dim=0), unit + far, atol=0.02, because="train's mean and deviation, for other too")
    c.true(torch.equal(rows, kept), observed="train itself was changed", expected="train as it was",
           likely="-= and /= write into the caller's tensor: make new ones")

# %% [markdown] tags=["solution"]
# Both returns use the same two statistics; that is the whole point. scikit-learn's `StandardScaler` splits it into
# `fit` (training rows) and `transform` (anything), so that the mistake is harder to make.

# %% [markdown] tags=["instructor"]
# **Watch for** `torch.cat([train, other])` before the mean, the leak in its purest form. **Ask the room:** may you use
# the *validation* rows once all choices are made and you retrain for the last time? (Yes: then they are training rows.)

# %% [markdown]
# ## Design model
#
# Start with one output: a score that is a weighted sum of the eight numbers. For N patients, one matrix product:
#
# $$\underset{N \times 1}{z} = \underset{N \times 8}{X}\;\underset{8 \times 1}{W^\top} + \underset{1}{b}$$
#
# With numbers straight from pandas it fails, with an error that you will meet often:

# %%
layer = nn.Linear(8, 1)
with expect_error(RuntimeError):
    layer(torch.tensor(clean[features].fillna(0).to_numpy()))

# %% [markdown]
# *Double and Float*: pandas and NumPy use 64 bits for a number, a layer's weights only 32. The fix is
# `dtype=torch.float32` where the tensor is made, as in `tensors`. Then the formula and the layer agree:

# %%
X, y = tidy[0]
z = X @ layer.weight.T + layer.bias
for name, values in {"X": X, "weight": layer.weight, "bias": layer.bias, "z": z}.items():
    print(f"{name:7} {tuple(values.shape)}")
print("same as the layer:", torch.allclose(z, layer(X), atol=1e-6))

# %% [markdown]
# The weight is stored as (outputs, inputs): hence the transpose. Now stack three layers, with a sigmoid after each:
# the classic, 8 → 6 → 4 → 1.

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
# `nn.Sequential` passes each layer's output to the next. The numbers in parentheses are the layers' names, and you
# meet them again in the `state_dict`, the model's weights by name.
#
# **Predict before you run:** how many entries does this `state_dict` have? There are six lines in the print above.

# %%
for name, values in model.state_dict().items():
    print(f"{name:9} {tuple(values.shape)!s:8} {values.numel():3}")
total = sum(p.numel() for p in model.parameters())
print("parameters in all:", total)
assert total == (8 * 6 + 6) + (6 * 4 + 4) + (4 * 1 + 1) == 87

# %% [markdown]
# Six again, but not the same six: a sigmoid has nothing to learn, and each linear layer has a weight and a bias.
#
# The count follows from the widths: $m$ inputs and $n$ outputs make $m \cdot n$ weights and $n$ biases, $(m + 1)\,n$.
# By hand, for two networks that you find in many courses:
#
# | network | first layer | second | third | in all |
# |---|---|---|---|---|
# | 50 → 30 → 20 → 3 | 51 · 30 = 1530 | 31 · 20 = 620 | 21 · 3 = 63 | 2213 |
# | 2 → 30 → 20 → 2 | 3 · 30 = 90 | 31 · 20 = 620 | 21 · 2 = 42 | 752 |

# %%
first = nn.Sequential(nn.Linear(50, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 3))
second = nn.Sequential(nn.Linear(2, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 2))
for network, by_hand in ((first, 2213), (second, 752)):
    counts = [p.numel() for p in network.parameters()]
    print(counts, "→", sum(counts))
    assert sum(counts) == by_hand

# %% [markdown]
# The count by hand and the code agree. (`nn.ReLU`, which you meet below, has nothing to learn either.)
#
# ### Exercise diabetes-3 · difficulty 1 · 5 minutes
# Write `count_parameters(widths)`: the number of weights and biases of a chain of linear layers, from the
# list of its widths alone. `count_parameters([8, 6, 4, 1])` is 87. Do not build the network: your function
# must also work for widths whose network would not fit into memory.
#
# <details><summary>Hint 1</summary>Walk over the neighbors in the list: (8, 6), (6, 4), (4, 1).</details>
# <details><summary>Hint 2</summary><code>zip(widths, widths[1:])</code> gives the neighbors; each pair adds (m + 1) · n.</details>

# %% tags=["exercise"] id="diabetes-3" objective="build"
def count_parameters(widths: list[int]) -> int:
    """Weights and biases of linear layers ``widths[0] → widths[1] → …``."""
    ### BEGIN SOLUTION
    return sum((m + 1) * n for m, n in zip(widths, widths[1:], strict=False))
    ### END SOLUTION

# %% tags=["check"]
with check("diabetes-3") as c:
    wrong = {76: "76 are the weights: each layer has biases too", 19: "19 is the sum of the widths",
             94: "the bias belongs to the outputs: (m + 1) · n", 95: "the inputs have no biases",
             79: "one bias for each output, not for each layer"}
    c.kind(got := c.attempted(count_parameters([8, 6, 4, 1])), int)
    c.equal(got, 87, because="54 + 28 + 5, as the state_dict says", mistakes=wrong)
    c.equal(count_parameters([8, 1]), 9, because="a line in eight dimensions has nine parameters")
    c.equal(count_parameters([10**6, 10**6]), 10**12 + 10**6, because="no network was built for this one")

# %% [markdown] tags=["solution"]
# Widths are nodes, layers are the gaps between them: $k$ widths have $k - 1$ layers.

# %% [markdown] tags=["instructor"]
# **Watch for** `zip(widths, widths)` and for biases counted on the input side. **Fast groups:** which 8 → h → h → 1
# has about as many parameters as there are training rows, 460? (h = 17: 477.)

# %% [markdown]
# ## Choose loss and optimizer
#
# The classic recipe: binary cross-entropy on the probabilities, averaged, and gradient descent with learning rate
# 0.1. It takes all rows at once, for 100 epochs, on the scaled copy.

# %%
X_copy = torch.tensor(scaled[features].to_numpy(), dtype=torch.float32)
y_copy = torch.tensor(scaled[["label"]].to_numpy(), dtype=torch.float32)
loss_fn = nn.BCELoss()  # reduction="mean" is the default
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with expect_error(ValueError):
    loss_fn(model(X_copy), y_copy.squeeze())

# %% [markdown]
# An error on purpose, and a kind one. The outputs have shape (759, 1), a label column taken as `scaled.label` has
# (759,), and subtracting the two would broadcast to 759 × 759. `MSELoss` would only warn, and `PoissonNLLLoss` would
# say nothing. Double brackets, `scaled[["label"]]`, keep the column a column.

# %% [markdown]
# ## Train and judge
#
# `utils.accuracy` cuts logits at 0. This model gives probabilities, so it needs a metric that cuts at 0.5.

# %%
def hit_rate(probability, y):
    """The share of right answers when 0.5 is the cut."""
    return ((probability > 0.5) == (y > 0.5)).float().mean()


everyone = make_loader(X_copy, y_copy, batch_size=len(X_copy))
history = fit(model, everyone, loss_fn, optimizer, epochs=100, metrics={"accuracy": hit_rate})
print(f"loss {history['loss'][0]:.3f} → {history['loss'][-1]:.3f}")
print(f"accuracy {history['accuracy'][0]:.3f} → {history['accuracy'][-1]:.3f}")

# %% [markdown]
# This is where the tutorial ends. The accuracy rose from about a third to about two thirds. It looks like learning.
#
# **Predict before you run:** how many of the 759 patients does this network call 0, how many 1?

# %%
probability = predict(model, X_copy)
right, share = hit_rate(probability, y_copy).item(), y_copy.mean().item()
print("patients called 1:", int((probability > 0.5).sum()), "of", len(y_copy))
print(f"lowest probability {probability.min():.3f}, highest {probability.max():.3f}")
print(f"accuracy {right:.4f}, share of the larger class {max(share, 1 - share):.4f}")
assert right == share

# %% [markdown]
# All of them are called 1, and the accuracy is the share of the larger class, to the last digit.

# %% alt="A histogram of the network's probabilities on an axis from 0 to 1. Both classes stand in one single thin bar near 0.65; everything to the left and right of it is empty."
fig, ax = plt.subplots(figsize=(7, 2.6))
parts = [probability[y_copy == k].numpy() for k in (0, 1)]
style = {"stacked": True, "color": CLASS_COLORS[:2], "label": ["label 0", "label 1"]}
ax.hist(parts, bins=np.linspace(0, 1, 51), **style)
ax.axvline(0.5, color="#444444", ls=":", lw=1.2)
ax.text(0.485, 450, "cut", ha="right")
ax.set(xlim=(0, 1), xlabel="probability of label 1, says the network", ylabel="patients")
ax.legend(loc="upper left")
plt.show()

# %% [markdown]
# *Every patient, of either class, gets nearly the same probability, so there is one bar.* The network has learned one
# word, and the word is the share of ones in the table.
#
# A single number could have told you. A model that ignores its inputs does best by always saying the share $q$
# of ones, and its loss is then the entropy of the labels, $-q \ln q - (1-q) \ln (1-q)$.

# %%
def one_word_loss(y):
    """The loss of a model that says the share of ones in ``y`` to everybody."""
    q = y.mean().item()
    return -(q * np.log(q) + (1 - q) * np.log(1 - q))


floor, reached = one_word_loss(y_copy), history["loss"][-1]
print(f"loss of one word, said to all: {floor:.4f}   loss of the network: {reached:.4f}")
assert floor < reached < floor + 0.01

# %% [markdown]
# The network is still a little *worse* than a constant. So write two numbers beside every result, from now on:
# the **share of the larger class** and the **loss of a constant**. Most false triumphs end there.

# %% [markdown]
# ## Why it barely moves
#
# A weight moves by learning rate times gradient. So ask for the gradients, with a training loop that also writes down
# the norm of each weight matrix's gradient.

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

# %%
torch.manual_seed(0)
model = classic_network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
_, classic_norms = trace_gradients(model, X_copy, y_copy, nn.BCELoss(), optimizer, epochs=100)

# %% [markdown]
# **Predict before you run:** the same loss flows back through all three layers. Which gets the smallest gradient at
# the start, and by what factor?

# %%
for epoch in (1, 100):
    norms = "  ".join(f"layer {n} {g:.4f}" for n, g in enumerate(classic_norms[epoch - 1], 1))
    print(f"epoch {epoch:3}: {norms}")
start, final = classic_norms[0], classic_norms[-1, 0]
print(f"from layer to layer, backwards: ÷ {start[2] / start[1]:.1f}, ÷ {start[1] / start[0]:.1f}")
print(f"at the end, one step of the whole first layer has the length {0.1 * final:.5f}")
assert start[0] < start[1] / 3 < start[2] / 9 and 0.001 < final < 0.005

# %% alt="Three curves of gradient norms against epochs 1 to 100, on a logarithmic axis. At the start layer 3 is highest at 0.2, layer 2 five times lower, layer 1 lowest near 0.006. Layers 3 and 2 fall steeply, and from about epoch 80 on all three lie at a few thousandths."
fig, ax = plt.subplots(figsize=(7, 3))
for n, style in enumerate(["-", "--", ":"]):
    ax.semilogy(range(1, 101), classic_norms[:, n], style, label=f"layer {n + 1}")
ax.set(xlabel="epoch", ylabel="gradient norm", title="The classic network")
ax.legend(title="weights of", loc="upper right")
plt.show()

# %% [markdown]
# *The gradient norm of each layer over 100 epochs: the first layer starts more than thirty times below the last, and
# towards the end all three are down at a few thousandths.* The last layer is loud until it has learned the one word.
# What arrives at the first layer, the only one that sees the patients, is never more than a whisper.
#
# Where does the gradient go? On its way back it is multiplied, at every sigmoid, by the slope $\sigma'(z) =
# \sigma(z)(1 - \sigma(z))$, which is at most 1/4, and by weights that start small. (The last sigmoid does not count:
# its slope cancels against the loss, whose gradient at the last $z$ is $p - y$.)
#
# The signal shrinks on its way forward, too. How much does a unit *differ from patient to patient*, as a standard
# deviation?

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
# By the time the last layer looks, all patients are nearly the same patient.
#
# ### The other way to lose a gradient: saturation
#
# Books give another reason: far from 0, sigmoids **saturate**. They are flat there, and a flat function has no slope
# to pass on. Is that what happened here? Call a sigmoid saturated when $|z| > 4$, where its slope is below 0.018.
#
# **Predict before you run:** what share of the first layer's units is saturated on the scaled copy? And on the table
# as it comes, with a glucose of 148?

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
# *The green band is where a sigmoid has a slope: on the left everything lies inside it, on the right nearly
# everything lies outside.* With raw numbers, gradients die because the slope is next to 0. On the scaled copy
# **nothing is saturated**: the slope is near its best, 0.25, and the best is not enough. If you hear "sigmoids are
# bad because they saturate", ask for the histogram.
#
# ### Is it dead, or only slow?
#
# Give it a hundred times as many epochs.

# %%
torch.manual_seed(0)
model = classic_network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
losses, norms = trace_gradients(model, X_copy, y_copy, nn.BCELoss(), optimizer, epochs=10_000)
for epoch in (100, 1000, 3000, 6000, 10_000):
    loss, whisper = losses[epoch - 1], norms[epoch - 1, 0]
    print(f"epoch {epoch:6}: loss {loss:.3f}, first layer's gradient {whisper:.3f}")
print(f"accuracy at the end: {hit_rate(predict(model, X_copy), y_copy):.2f}")

# %% alt="Loss against epochs, the horizontal axis logarithmic, from epoch 1 to 10000. The loss falls to the dotted line of one word within 100 epochs, runs along it as a flat plateau for thousands of epochs, then drops to below 0.5."
fig, ax = plt.subplots(figsize=(7, 2.8))
ax.semilogx(range(1, 10_001), losses, color=TRAIN)
ax.axhline(floor, color="#444444", ls=":", lw=1.2)
ax.text(1.2, floor - 0.025, "one word, said to all")
ax.set(xlabel="epoch", ylabel="training loss")
plt.show()

# %% [markdown]
# *The loss of the classic network over 10,000 epochs: a plateau of thousands of epochs at the height of one word, and
# then a step down.* So it is only slow. But nothing in its first 1,000 epochs, neither loss nor gradients, tells you
# whether the step will come.

# %% [markdown]
# ## Fix one thing at a time
#
# Here are five fixes, in the order in which people usually try them. From here on, you train on the original table's
# rows.
#
# **Fix 1, standardization**, you have already: `tidy`. **Fix 2, logits**: leave out the last sigmoid and let
# `BCEWithLogitsLoss` do it. If you change only half of this, you get an error that is worth knowing:

# %%
torch.manual_seed(0)
headless = classic_network()[:-1]  # a slice is a Sequential too: no last sigmoid
with expect_error(RuntimeError):
    nn.BCELoss()(10 * headless(tidy[0][0]), tidy[0][1])  # × 10: outside [0, 1]

# %% [markdown]
# The model gives logits now, so the loss has to take logits. (Had all of them been between 0 and 1, as those of a
# fresh network may be, nobody would have complained.)
#
# **Predict before you run:** the same weights, once with sigmoid and `BCELoss`, once with `BCEWithLogitsLoss`: by how
# much do the gradients of the first layer differ?

# %%
X, y = tidy[0]
with_sigmoid, with_logits = nn.BCELoss(), nn.BCEWithLogitsLoss()
(one,) = torch.autograd.grad(with_sigmoid(torch.sigmoid(headless(X)), y), headless[0].weight)
(two,) = torch.autograd.grad(with_logits(headless(X), y), headless[0].weight)
print("same gradient:", torch.allclose(one, two, rtol=1e-4, atol=1e-8))
z = torch.tensor([200.0], requires_grad=True)  # very sure, and wrong: the label is 0
(one,) = torch.autograd.grad(with_sigmoid(torch.sigmoid(z), torch.zeros(1)), z)
(two,) = torch.autograd.grad(with_logits(z, torch.zeros(1)), z)
print(f"at z = 200: gradient {one.item():.1f} with BCELoss, {two.item():.1f} with logits")

# %% [markdown]
# Not at all: it is the same mathematics. They differ only far out: an answer that is very sure and wrong gets **no**
# gradient from `BCELoss`, and the full one with logits. So logits are a seat belt: they do not speed you up, and you
# wear them anyway.
#
# **Fix 3, ReLU.** $\max(0, z)$ has slope 1 wherever it is on. No factor of 1/4 any more.
#
# **Fix 4, the initial weights.** `nn.Linear` with $m$ inputs starts with weights between $\pm 1/\sqrt{m}$, a standard
# deviation of $1/\sqrt{3m}$. A ReLU throws half of its input away, and to keep the signal's size through many of
# them, the standard deviation has to be $\sqrt{2/m}$: `kaiming_normal_` draws such weights.

# %%
def kaiming(layer):
    """Kaiming weights and zero biases for a linear layer; anything else is left alone."""
    if isinstance(layer, nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)


def deep_relu():
    """Six ReLU layers, 32 wide: deep enough to see a signal grow or fade."""
    widths = [8, 32, 32, 32, 32, 32, 32]
    pairs = [(nn.Linear(m, n), nn.ReLU()) for m, n in zip(widths, widths[1:])]
    return nn.Sequential(*[layer for pair in pairs for layer in pair])

# %%
torch.manual_seed(0)
with torch.inference_mode():
    default = spread_by_layer(deep_relu(), X)
    repaired = spread_by_layer(deep_relu().apply(kaiming), X)
for name, spreads in {"default": default, "Kaiming": repaired}.items():
    print(f"{name}: patients differ by", " → ".join(f"{s:.3f}" for s in spreads))
assert repaired[-1] > 20 * default[-1]

# %% [markdown]
# After six layers with default weights, the patients have faded into each other; with Kaiming's weights they stay
# about as different as they were.
#
# **Fix 5, Adam**: it divides each gradient by its own recent size, so a weight with a whisper of a gradient
# takes as long a step as the others.
#
# Now climb the ladder. Each rung keeps all the fixes below it, and each is trained with ten seeds, because one seed
# is an anecdote.

# %%
def repaired_network(fixes):
    """8 → 6 → 4 → 1 with the named fixes; probabilities come out, or logits."""
    bend = nn.ReLU if "ReLU" in fixes else nn.Sigmoid
    model = nn.Sequential(nn.Linear(8, 6), bend(), nn.Linear(6, 4), bend(), nn.Linear(4, 1))
    if "Kaiming" in fixes:
        model.apply(kaiming)
    return model if "logits" in fixes else model.append(nn.Sigmoid())


def climb(fixes, seed, raw, tidy):
    """Train a network with the named fixes; final training loss, validation accuracy."""
    (X, y), (X_val, y_val) = tidy if "standardize" in fixes else raw
    torch.manual_seed(seed)
    model, everyone = repaired_network(fixes), make_loader(X, y, batch_size=len(X))
    loss_fn = nn.BCEWithLogitsLoss() if "logits" in fixes else nn.BCELoss()
    kind, lr = (torch.optim.Adam, 0.01) if "Adam" in fixes else (torch.optim.SGD, 0.1)
    optimizer = kind(model.parameters(), lr=lr)
    history = fit(model, everyone, loss_fn, optimizer, epochs=100, progress=False)
    right = accuracy if "logits" in fixes else hit_rate
    return history["loss"][-1], right(predict(model, X_val), y_val).item()

# %% [markdown]
# On the bottom rung, the table goes in much as in the copy: zeros left standing, and columns squeezed to [-1, 1] by
# the training rows' minima and maxima. One more row stands beside the ladder: Adam with sigmoids and default weights.
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

# %%
runs = [[climb(f, seed, squeezed, tidy[:2]) for seed in range(10)] for f in rungs.values()]
ladder = np.array(runs)  # (7 rungs, 10 seeds, loss and accuracy)
for name, result in zip(rungs, ladder, strict=True):
    (loss, right), (loss_sd, right_sd) = result.mean(axis=0), result.std(axis=0)
    row = f"training loss {loss:.3f} ± {loss_sd:.3f}   validation accuracy {right:.2f} ± {right_sd:.2f}"
    print(f"{name:14} {row}")

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
# *Each dot is one seed's final loss, each bar the mean of a rung: the first three rungs stay at the height of one
# word, and ReLU, Kaiming and Adam each bring a step down.* But do not read the steps as grades, for each depends on
# the rungs below it: in the last column, Adam leaves the one word far behind without ReLU or Kaiming. And look at the
# dots of the ReLU rung: some seeds learn, some still say one word. With one seed, you would have reported whichever
# you got.
#
# Here is the picture this lesson was heading for: the gradients of the repaired network beside the classic's.

# %%
torch.manual_seed(0)
relu = repaired_network(FIXES)
optimizer = torch.optim.Adam(relu.parameters(), lr=0.01)
_, repaired_norms = trace_gradients(relu, *tidy[0], nn.BCEWithLogitsLoss(), optimizer, epochs=100)
ratio = repaired_norms[0, 0] / classic_norms[0, 0]
print(f"first layer at the start: {ratio:.0f} times the classic's gradient")
assert ratio > 10

# %% alt="Two panels with the same logarithmic axis. Left, the classic network: three curves that end near 0.002. Right, the repaired network: three curves that start together near 0.08 and fall side by side to about 0.01, layer 1 no lower than the others."
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3), sharey=True)
panels = {"classic": classic_norms, "repaired": repaired_norms}
for ax, (title, norms) in zip(axes, panels.items(), strict=True):
    for n, style in enumerate(["-", "--", ":"]):
        ax.semilogy(range(1, 101), norms[:, n], style, label=f"layer {n + 1}")
    ax.set(xlabel="epoch", title=title)
axes[0].set(ylabel="gradient norm")
axes[1].legend(loc="lower right")
plt.show()

# %% [markdown]
# *Gradient norms by layer, left before and right after the repairs: on the right the three gradients are of similar
# size, and the first is no longer the weakest.* Even gradients are a good sign, not a proof: in the classic network
# they come together as well, and it is stuck at the loss of one word. You need both, even gradients and a falling
# loss.
#
# ### Exercise diabetes-4 · difficulty 2 · 8 minutes
# ReLU has a disease of its own. A unit whose sum is negative for **every** patient always gives 0; its gradient is 0
# as well, so its weights stop learning. Write `dead_units(model, X)`: how many of the ReLU outputs of an
# `nn.Sequential` are 0 for every row of `X` (N, inputs)? Count over all of its `nn.ReLU` layers, and return an int.
#
# <details><summary>Hint 1</summary>Feed X through layer by layer, as <code>spread_by_layer</code> does, and look only after a ReLU.</details>
# <details><summary>Hint 2</summary>Columns are units: <code>(X == 0).all(dim=0)</code> says for each whether it is 0 for all rows.</details>

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
    values = [1.0, 0, 0, 1, 1, 1, 0, 0, 0, -9, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1, 1, -99]
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2), nn.ReLU(), nn.Linear(2, 1))
    nn.utils.vector_to_parameters(torch.tensor(values), net.requires_grad_(False).parameters())
    X, dead = torch.tensor([[1.0, 2], [-5, -5], [3, 1], [-1, -2], [-2, -1], [-3, -2]]), "dead: 0 in every row"
    wrong = {1: "go through all ReLUs", 3: "look after ReLU, and for 0", 4: "dim=0: units", 5: dead, 24: dead}
    c.equal(c.attempted(dead_units(net, X)), 2, because="a unit, and one that hears only it", mistakes=wrong)
    c.equal(dead_units(net, torch.tensor([[1.0, 12.0]])), 0, because="one unusual patient wakes both")

# %% [markdown] tags=["solution"]
# `all(dim=0)` leaves one answer per unit. Death depends on the data: the last check wakes both units with one unusual
# patient. So count on the training rows.

# %% [markdown] tags=["instructor"]
# **Watch for** `dim=1`. **Ask the room:** what kills ReLU units? (A step that is too long drives a bias far down.)
# **Remedies:** smaller steps, `LeakyReLU`, `GELU`.

# %% [markdown]
# ## Too big, too long
#
# The repaired network has 87 parameters. Nobody stops you from taking more: 8 → 32 → 32 → 1 has 1377, three for each
# training row. (The code has two brakes, explained below and switched off at first: `nn.Dropout`, and the
# `weight_decay` of `AdamW`, which is otherwise the same as Adam.)

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
# **Predict before you run:** the training loss goes down and down. What do the validation loss and accuracy do?

# %% alt="Two panels of learning curves over 100 epochs. Left, the loss: training falls below 0.2, validation falls to about 0.5, stays there until epoch 45 and then climbs to 0.7. Right, the accuracy: training climbs above 0.9, validation stays near 0.75."
unbraked, history = train_long(0.0, 0.0, *tidy[:2])
history.plot("loss", "accuracy")
plt.show()
frame = history.frame()
last, lowest, best = frame.loc[100], frame.val_loss.min(), frame.val_loss.idxmin()
print(f"lowest validation loss {lowest:.2f} in epoch {best}; in epoch 100 it is {last.val_loss:.2f}")
print(f"epoch 100: accuracy in training {last.accuracy:.2f}, in validation {last.val_accuracy:.2f}")
print("parameters:", sum(p.numel() for p in unbraked.parameters()))
assert best < 60 and last.val_loss > 1.15 * lowest

# %% [markdown]
# *Learning curves, training solid and validation dashed: the training curves get better to the end, the validation
# loss stops falling and then climbs.* The network begins to learn the patients by heart. The validation **accuracy**
# hardly complains: the network makes as many mistakes as before, but with more and more conviction. Only the loss
# punishes conviction. So watch the loss.
#
# There are three brakes. **Dropout** switches off each hidden unit with some probability, at every step, so that no
# unit can rely on another. It must be off when you predict, which is what `eval()` is for:

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
# **Weight decay** pulls every weight towards 0 at each step. With `AdamW`, the share `lr * weight_decay` of its size
# is taken off. Here are both brakes, and their effect on the length of all weights, taken as one vector.

# %%
BRAKES = {"no brake": (0.0, 0.0), "dropout 0.3": (0.3, 0.0)}
BRAKES |= {"weight decay 1": (0.0, 1.0), "both": (0.3, 1.0)}
whole, braked = make_loader(*tidy[0], batch_size=460), {}
for name, (dropout, decay) in BRAKES.items():
    net, braked[name] = train_long(dropout, decay, *tidy[:2])
    length = nn.utils.parameters_to_vector(net.parameters()).norm().item()
    fitted = evaluate(net, whole, nn.BCEWithLogitsLoss())["loss"]
    last = braked[name]["val_loss"][-1]
    print(f"{name:15} training loss {fitted:.2f}  validation loss {last:.2f}  length {length:4.1f}")
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
# *The validation loss with and without brakes: without them it stops falling and then climbs, with either brake it
# stays near its lowest point.* On the real table the unbraked one even ends above the dotted line: worse than one
# word, although its accuracy is higher. Think about how that is possible.
#
# A decay of 1 looks enormous beside the usual 0.01. But with `lr=0.003`, a decay of 0.01 takes 3 in 100,000 off a
# weight at each step, about 2 % in the 800 steps of this run. The shorter your run, the larger the decay has to be.
#
# The third brake is the cheapest: **stop early**, when the validation loss has not improved for a while, and
# go back to the best weights. "Go back" hides a trap.
#
# **Predict before you run:** you keep `model.state_dict()` and train on. Is what you kept the old weights?

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
# A `state_dict` is a view of the living weights, not a photograph. Without `deepcopy`, your "best" weights are the
# last ones, and no error tells you. With it, early stopping is a short loop around `fit`:

# %%
def train_patiently(model, train, valid, *, epochs=200, patience=20):
    """Train until ``patience`` epochs bring no lower validation loss; keep the best weights."""
    loader = make_loader(*train, batch_size=64, shuffle=True)
    val_loader = make_loader(*valid, batch_size=1000)
    loss_fn = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.003, weight_decay=0.01)
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

# %%
torch.manual_seed(0)
mlp = wide_network(dropout=0.3)
outcome = train_patiently(mlp, *tidy[:2])
print({name: round(value, 2) for name, value in outcome.items()})
assert outcome["last"] - outcome["best"] == 20 or outcome["last"] == 200

# %% [markdown]
# It stopped by itself, after twenty epochs without progress, and went back to the best one. But the validation rows
# have chosen the epoch, so their loss is now a little too good to be true. For judging, there are the test rows.
#
# ### Exercise diabetes-5 · difficulty 2 · 10 minutes
# Write `build_mlp(widths, dropout=0.0)`: an `nn.Sequential` of linear layers for any list of two or more widths.
# After each linear layer **except the last** comes an `nn.ReLU` and then, if `dropout` is above 0, an
# `nn.Dropout(dropout)`. The last linear layer's output is the logit: nothing comes after it.
#
# <details><summary>Hint 1</summary>Collect the layers in a list and hand it over with a star: <code>nn.Sequential(*layers)</code>.</details>
# <details><summary>Hint 2</summary>Build the last layer outside of the loop.</details>

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
    nets = net, *_ = c.attempted(build_mlp([8, 4, 4, 4], dropout=0.2)), build_mlp([8, 4, 4]), build_mlp([8, 1])
    got, few, one = ("".join(type(m).__name__[0] + str(getattr(m, "p", ""))[2:] for m in [n, *n]) for n in nets)
    last, wrong = "nothing comes after the last Linear", {"lLRD2LRD2L": "use a star: Sequential(*layers)"}
    wrong |= {"SLRLRL": "no dropout", "SLRD5LRD5L": "not 0.5!", "SLRD2LRD2LR": last, "SLRD2LRD2LRD2": last}
    c.equal(got, "SLRD2LRD2L", because="Sequential: Linear, ReLU, Dropout 0.2, …, Linear", mistakes=wrong)
    c.equal(few, "SLRL", because="no dropout unless asked for", mistakes={"SLR": "the last Linear is gone"})
    c.equal(one, "SL", because="two widths are one layer, the last")
    c.equal(sum(p.numel() for p in net.parameters()), 76, mistakes={56: "two layers share one nn.Linear"})

# %% [markdown] tags=["solution"]
# A ReLU after the logit is the most frequent slip: the network can then never say "less than 50 %", and still trains.

# %% [markdown] tags=["instructor"]
# **Watch for** `if n != widths[-1]`, which also spares inner layers of the last one's width. **Ask the room:** one
# `nn.ReLU()` used twice is harmless; why?

# %% [markdown]
# ### Exercise diabetes-6 · difficulty 2 · 8 minutes
# Write `stopping(val_losses, patience)`: given a list of validation losses, one per epoch (the first is epoch 1),
# return a tuple `(best, last)`. `last` is the epoch after which early stopping ends the training: the first one at
# which the lowest loss is already `patience` epochs old. If that never happens, it is the last epoch in the list.
# `best` is the epoch of the lowest loss among the epochs that were trained. A loss that only *equals* the lowest is
# no improvement.
#
# <details><summary>Hint 1</summary>Walk through the list once, with the lowest loss so far and its epoch.</details>
# <details><summary>Hint 2</summary>If this loss is lower, remember it and its epoch. Otherwise, if epoch - best ≥ patience, return here.</details>

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
    wrong = {(7, 7): "7 lies in the future", (4, 7): "one epoch too long", (3, 5): "epochs count from 1",
             (2, 3): "that stops at the first rise", (4, 5): "too early: a new low starts the count anew"}
    c.equal(c.attempted(stopping([9, 7, 8, 6, 7, 7, 1], 2)), (4, 6), because="7 is too late", mistakes=wrong)
    cases = [([9, 8, 7], 3, 3, "falls to the end"), ([9, 7, 8], 2, 3, "the list may end first"),
             ([5, 5, 5, 5], 1, 3, "a tie is no improvement"), ([5, 9, 8, 7], 1, 3, "a fall is no new low")]
    for losses, best, last, why in cases:
        c.equal(stopping(losses, patience=2), (best, last), because=why)

# %% [markdown] tags=["solution"]
# You cannot call `min(val_losses)` first: it looks into epochs that a real run has not reached. It is the same sin as
# a leak, in time instead of in rows.

# %% [markdown] tags=["instructor"]
# **Watch for** a counter that is never set back to 0. **Ask the room:** what does a patience of 1 do on a noisy curve?

# %% [markdown]
# ## The line it has to beat
#
# Take away both hidden layers. What is left is logistic regression: `nn.Linear(8, 1)`, nine parameters. Its boundary
# is flat (with two columns it would be a line, hence "the line"). scikit-learn has this model too. See whether the
# two agree.

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
# Eight weights, the same from both, and you can *read* them: a positive weight pushes towards diabetes, by so much
# for each standard deviation. Try that with 1377 parameters.
#
# ### Ten seeds
#
# First, the luck of the **seed**, which draws initial weights, batches and dropout: ten networks, trained on the same
# rows. (The line needs no seed: its loss has a single lowest point.)

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
# Another seed, and the accuracy moves by a few percentage points. Whoever reports the highest of ten reports luck.
#
# But compare with the line. On the real table, every one of the ten networks is above it, the lowest by a single
# patient. It is tempting to write "the network beats logistic regression". Ten seeds repeat the training, though. They
# do not repeat the **patients**.
#
# Second, the luck of the **split**: ten splits, and on each of them both models, with statistics learned anew. (The
# line uses scikit-learn's default, a mild decay.)
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
print(f"one word  accuracy {1 - clean.label.mean():.3f}           loss {one_word_loss(clean.label):.2f}")
for name, right, loss in (("line", line_right, line_loss), ("MLP", mlp_right, mlp_loss)):
    spread = f"{right.mean():.3f} ± {right.std():.3f}"
    print(f"the {name:5} accuracy {spread}   loss {loss.mean():.2f} ± {loss.std():.2f}")

# %%
ahead = mlp_right - line_right
won, lost = int((ahead > 0).sum()), int((ahead < 0).sum())
print(f"by accuracy the MLP wins {won}, ties {10 - won - lost} and loses {lost} of ten splits")
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
# a gray segment: some rise, some fall.* The network does not beat the line. The ten differences have both signs,
# and their mean is smaller than their own spread. With a suitable split you could have published either story: the
# left panel is one of them. (In loss, the two are a hundredth or so apart, within the spread as well.)
#
# That is no failure. It is the normal outcome for a table like this, and there are reasons.
#
# - **768 rows are few.** A curved boundary has to be paid for with examples.
# - **The columns are already features.** Somebody chose glucose, age and body mass because they matter, and each
#   pushes mostly in one direction. A line is made for that. Networks shine where nobody can name the features.
# - **The labels have a ceiling.** Two women with the same eight numbers may fare differently.

# %% [markdown]
# ## A leak that matters
#
# If a notebook reports 85 % on this table, look at how it filled the holes. Here is one way to get near that number,
# and it looks sensible. Insulin is missing for about half of the women, and the sick have higher insulin. So fill
# each hole with the median *of its class*.

# %%
def fill_by_class(rows):
    """Each hole gets the median of the rows with the same label. (Never do this to a test set.)"""
    filled = rows.groupby("label").transform(lambda column: column.fillna(column.median()))
    return filled.assign(label=rows.label)


leaky = fill_by_class(clean)
print(leaky[clean.insulin.isna()].groupby("label").insulin.agg(["min", "max", "size"]))

# %% [markdown]
# All the healthy women without an insulin value now have one number, all the sick ones another. The label stands in
# the insulin column, in plain sight.
#
# Four preparations, the same network, five splits: honest medians; medians of all rows; class medians for everybody;
# and class medians as they would fare in real life, with test rows whose label is not known yet.
#
# **Predict before you run:** which of the four will look best? Which is worst in truth?

# %%
def four_fillings(rows, seed):
    """Training, validation and test rows of one split, after four ways of filling the holes."""
    train, valid, test = parts = three_parts(rows, seed)
    known = fill_by_class(rows)
    return {
        "training medians (honest)": [part.fillna(train.median()) for part in parts],
        "medians of all rows": [part.fillna(rows.median()) for part in parts],
        "class medians, test rows too": [known.loc[part.index] for part in parts],
        "the same, label unknown": [*map(fill_by_class, (train, valid)), test.fillna(train.median())],
    }


def test_accuracy(parts, features, seed):
    """Test accuracy of one network, trained patiently on rows without holes."""
    statistics = learn_statistics(parts[0], features)
    train, valid, test = (tensors(part, features, statistics) for part in parts)
    torch.manual_seed(seed)
    network = wide_network(dropout=0.3)
    train_patiently(network, train, valid, patience=10)
    return accuracy(predict(network, test[0]), test[1]).item()

# %%
fillings = [four_fillings(clean, seed) for seed in range(5)]
leaks = {}
for way in fillings[0]:
    scores = [test_accuracy(ways[way], features, seed) for seed, ways in enumerate(fillings)]
    leaks[way] = np.mean(scores)
    print(f"{way:29} {np.mean(scores):.2f} ± {np.std(scores):.2f}")
honest, mild, pretended, real = leaks.values()
assert abs(mild - honest) < 0.02 < pretended - honest and real < pretended - 0.02

# %% [markdown]
# The second row is the leak that everybody warns about, and it changes nothing you could measure. The third gains
# several percentage points, all of them pretense. The fourth is the bill: on patients whose label nobody knows yet,
# the same recipe is no better than honest work, because the network has learned to rely on a column that lies.
#
# So judge a leak by the question: **does something that knows the label reach the test rows?**

# %% [markdown]
# ## How sure is that number?
#
# Even with everything done right, a test accuracy is a count over 154 tosses of a coin. If the true rate is $p$, the
# measured share spreads by $\sqrt{p(1-p)/n}$. **Wilson's interval** turns a count into a range that would contain the
# true rate in about 95 % of all cases:
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
# With 154 test rows, "75 %" means "somewhere between 68 and 81". Compare this with the differences for which people
# swap models.
#
# For numbers without a formula there is the **bootstrap**: draw as many rows as you have, *with replacement*, compute
# the number, repeat, and take the middle 95 % of what you get. Try it on lesson 04's AUC: of all pairs of one sick and
# one healthy woman, the share in which the sick one got the higher score. A coin gets 0.5.

# %%
def pairs_in_order(y, score):
    """AUC: the share of (sick, healthy) pairs that the score puts in the right order; ties count half."""
    sick, healthy = score[y == 1, None], score[None, y == 0]
    return ((sick > healthy).float() + 0.5 * (sick == healthy).float()).mean().item()


def bootstrap_auc(y, score, draws=500, seed=0):
    """The middle 95 % of the AUC over bootstrap draws of the rows."""
    generator = torch.Generator().manual_seed(seed)
    picks = torch.randint(len(y), (draws, len(y)), generator=generator)
    values = [pairs_in_order(y[rows], score[rows]) for rows in picks]
    return np.quantile(values, [0.025, 0.975])


y_test, line_logits, mlp_logits = splits[0]
assert abs(pairs_in_order(y_test, mlp_logits) - roc_auc_score(y_test, mlp_logits)) < 1e-6

# %% alt="Two ROC curves on one split's test rows, the line dashed and the network solid. Both climb steeply from the lower left corner, cross each other several times, and lie far above the dotted diagonal."
fig, ax = plt.subplots(figsize=(4.6, 4.2))
models = {"the line": (line_logits, VALID, "--"), "the MLP": (mlp_logits, TRAIN, "-")}
for name, (logits, color, style) in models.items():
    false_alarms, found, _ = roc_curve(y_test, logits)
    ax.plot(false_alarms, found, style, color=color, label=name)
    auc, (low, high) = pairs_in_order(y_test, logits), bootstrap_auc(y_test, logits)
    print(f"{name}: AUC {auc:.2f}, 95 % from {low:.2f} to {high:.2f}")
ax.plot([0, 1], [0, 1], ":", color="#444444", lw=1.2, label="coin")
ax.set(xlabel="false alarms (share of the healthy)", ylabel="found (share of the sick)")
ax.legend(loc="lower right")
plt.show()

# %% [markdown]
# *Each curve shows, for every cut, how many of the sick are found and how many of the healthy get a false alarm in
# return: the line and the network cross each other several times.* Their intervals overlap almost entirely. And the
# cut at 0.5 is one point of many: if a missed case is worse than a false alarm, move up along the curve.
#
# Now the full report for the network of the first split: every part, with intervals for accuracy and AUC.

# %%
parts = dict(zip(("training", "validation", "test"), tidy, strict=True))
print("part         loss   accuracy             AUC")
for name, (X, y) in parts.items():
    logits, y = predict(mlp, X).flatten(), y.flatten()
    loss, right, auc = bce(logits, y).item(), accuracy(logits, y).item(), pairs_in_order(y, logits)
    (a, b), (low, high) = wilson_interval(right * len(y), len(y)), bootstrap_auc(y, logits)
    row = f"{right:.2f} ({a:.2f} to {b:.2f})  {auc:.2f} ({low:.2f} to {high:.2f})"
    print(f"{name:11} {loss:5.2f}   {row}")

# %% [markdown]
# Report the last line, and the first two beside it. You would expect memorizing to make the training loss too good,
# and choosing the epoch to make the validation loss too good. On the real table neither shows: the luck of the rows
# is larger.
#
# ### Exercise diabetes-7 · difficulty 3 · 15 minutes
# Two overlapping intervals are not yet an answer to "is A better than B?": both models saw the *same*
# patients, and mostly fail on the same ones. Write `difference_interval(right_a, right_b, draws=2000,
# seed=0)`. `right_a` and `right_b` are tensors of shape (N,), 1.0 where the model was right about that
# patient and 0.0 where it was wrong. Return `(low, high)`, two floats: the middle 95 % of the bootstrap
# distribution of mean(a) − mean(b). Draw **patients**: in each draw both models are judged on the same drawn
# rows. The same `seed` gives the same interval, another seed another one.
#
# <details><summary>Hint 1</summary>If both models are always right and wrong together, the difference is 0 in every draw. Does yours say so?</details>
# <details><summary>Hint 2</summary>Subtract first: <code>d = right_a - right_b</code> has one number per patient. Bootstrap its mean, with one <code>torch.randint</code> of shape (draws, N).</details>

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
    a, b = torch.tensor([1.0] * 750 + [0.0] * 250), torch.tensor([0.0] * 100 + [1.0] * 700 + [0.0] * 200)
    wrong = {(-0.0738, -0.0262): "take mean(a) - mean(b)", (0.0115, 0.088): "draw once, for both models",
             (0.05, 0.05): "draw with replacement", (0.03, 0.07): "take the quantiles 0.025 and 0.975",
             (0.128, 0.172): "keep each difference's sign", (0.0335, 0.066): "average over N rows: dim=1"}
    c.close(c.attempted(difference_interval(a, b)), (0.0262, 0.0738), atol=3e-3, mistakes=wrong,
            because="paired: both models on the same drawn rows")
    one = [difference_interval(a, b, 1, seed) for seed in (1, 1, 2, 3)]
    c.true(one[0] == one[1] and len({*one[0]}) == 1 < len({*one}), observed=one,
           expected="low = high (draws=1), for seeds 1, 1, 2, 3", likely="use draws and seed; return floats")

# %% [markdown] tags=["solution"]
# Subtracting before drawing *is* the pairing: one number per patient, and those on whom both agree contribute
# nothing.

# %% [markdown] tags=["instructor"]
# **Watch for** two calls of `randint`. **Ask the room:** pooled over ten splits, why is this interval not quite fair?
# (The same patient is in several test sets.) Nearest textbook test: McNemar.

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
# The two models disagree about only a few patients, and those few decide. If 0 lies inside the interval, these rows
# cannot tell the models apart.

# %% [markdown]
# ## Is 70 % seventy in a hundred?
#
# A model is **calibrated** if, of all patients to whom it gives about 70 %, about seventy in a hundred are sick. Sort
# the predictions into six groups of equal size, and in each compare the mean prediction with the share of the sick.
# That takes many predictions, so pool the test rows of all ten splits. And add a third model: the wide network
# without brakes.

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


ys, lines, mlps = (torch.cat(column) for column in zip(*splits, strict=True))
wild = torch.cat([unbraked_logits(clean, features, seed) for seed in range(10)])
pooled_y, pooled = ys, {"the line": lines, "the MLP": mlps, "no brake": wild}

# %%
def reliability(y, logits, groups=6):
    """For groups of equal size: mean prediction, share of the sick, and size, each (groups,)."""
    p, order = torch.sigmoid(logits), logits.argsort().tensor_split(groups)
    table = np.array([(p[g].mean().item(), y[g].mean().item(), len(g)) for g in order])
    return table.T


misses = {}
for name, logits in pooled.items():
    said, happened, size = reliability(pooled_y, logits)
    misses[name] = (np.abs(said - happened) * size).sum() / size.sum()
    right, loss = accuracy(logits, pooled_y), bce(logits, pooled_y)
    print(f"{name:9} accuracy {right:.2f}   loss {loss:.2f}   mean gap {misses[name]:.2f}")
assert misses["no brake"] > misses["the MLP"] + 0.03

# %% alt="Three reliability curves side by side, each with six points and error bars around a dotted diagonal. The points of the line and of the MLP lie near the diagonal, a little off it here and there. Those of the unbraked network lie above it at the left and far below it at the right: a curve that is too flat."
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), sharey=True)
for ax, (name, logits) in zip(axes, pooled.items(), strict=True):
    said, happened, size = reliability(pooled_y, logits)
    bars = [wilson_interval(h * n, n) for h, n in zip(happened, size, strict=True)]
    bars = np.abs(np.array(bars).T - happened)
    ax.errorbar(said, happened, yerr=bars, fmt="o-", color=TRAIN, capsize=2)
    ax.plot([0, 1], [0, 1], ":", color="#444444", lw=1.2)
    ax.set(xlabel="predicted probability", title=name, xlim=(0, 1), ylim=(0, 1))
axes[0].set(ylabel="share of the sick")
plt.show()

# %% [markdown]
# *Predicted probability against what happened, with Wilson intervals: the braked network and the line stay near the
# diagonal, the unbraked network's curve is too flat.* When the unbraked network says "more than 90 %", far fewer are
# sick. Its **accuracy** is about that of the other two. What it has lost is the right to be believed. (A patient may
# stand in several of the ten test sets, so the true intervals are wider.)
#
# So, the verdict. On this table, about three predictions in four are right. The classic network did not get there
# within 100 epochs: the gradient of its first layer was too small. The repaired one did, and came out level with a
# line. Most people should take the line: nine parameters, no seed, and you can explain it to a patient. If you take
# the braked network, say that it does as well as the line, and not that it "beats" anything.

# %% [markdown]
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
# | `optim.Adam(…, weight_decay=…)` | `optim.AdamW(…, weight_decay=…)` | `Adam` adds the decay to the gradient, then divides it by the gradient's size: no longer a fixed share |
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
# | `w.grad.norm()` | the size of the gradient that reaches a layer | (n, m) → () |
# | `nn.init.kaiming_normal_`, `model.apply(f)` | initial weights for ReLU; call f on every part | in place |
# | `nn.Dropout(p)` | switches units off in training, does nothing in evaluation | (N, n) → (N, n) |
# | `optim.AdamW(…, weight_decay=…)` | Adam that pulls weights towards 0 | |
# | `LogisticRegression().fit(X, y)` | the line that has to be beaten | (N, 8), (N,) → a model |
# | `roc_curve`, `roc_auc_score` | all cuts at once; share of pairs in order | (N,), (N,) → curve, number |

# %% [markdown]
# ## Where to go next
#
# Three things from this lesson hold for every model you will ever train. Look at the minimum of every column.
# Write the one-word loss and the line's score beside your result. Report a spread, never a single number.
#
# Your data came as one tensor that fits into any memory. The next lesson is about data that do not: how a `Dataset`
# and a `DataLoader` bring rows to the model, in which order, and who waits for whom.
