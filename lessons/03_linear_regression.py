# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Linear regression
#     summary: the training loop line by line, what breaks without each line, and a line that is judged honestly
#     path: "One neuron learns how far a spring stretches: you write its loop line by line, see what breaks without each line, and judge the result on measurements that it has never seen."
#     needs: [02_autograd]
#     data: []
#     objectives:
#       gradient: write a loss and its gradient by hand, averaged over the rows
#       loop: write a training loop and a test loop, count their updates, and say what breaks without each line
#       judge: choose a model by its validation error, and split a table so that the error can be believed
#       whole: write a model as a class, train it and judge it, alone
#       keep: save what a model has learned, load it into a fresh one, and refuse a file that is a program
# ---

# %% [markdown]
# Ten lines of Python train almost every network on earth. Today you write them, first for twenty loads on a spring,
# with nothing but tensors. Then you leave out one line at a time and watch what breaks. (Mostly nothing breaks
# visibly: there is no error, only wrong numbers.)
#
# The number that this lesson is heading for is **0.28 cm²**: the mean squared error of your line on a thousand loads
# that it has never seen. On average nobody can get below 0.25 there, because that is the noise of the readings, and always answering "the average" gets 5.5. At the
# end you write the whole thing yourself: model, loop and judgment.

# %%
import copy
import math
import pickle
import tempfile
import warnings
from functools import partial
from pathlib import Path
from unittest.mock import patch

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import DisplayHandle
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset

from utils import check, evaluate, expect_error, fit, make_loader
from utils.plotting import TRAIN, VALID

plt.style.use("utils.course")

# %% [markdown]
# Every training story in this course has the same four steps: **prepare data, design the model, choose
# loss and optimizer, train and judge**.

# %% [markdown]
# ## Prepare data
#
# You hang twenty loads on a spring, one after the other, and measure its length. It is 12 cm long and grows 4 cm for each kilogram, but
# you do not know that. Your readings are off by about half a centimeter.

# %% within="0.02"
def hang(n, seed):
    """n loads in kg and the lengths of the spring in cm, (n, 1) each."""
    rng = torch.Generator().manual_seed(seed)
    kg = 2 * torch.rand(n, 1, generator=rng)
    return kg, 12 + 4 * kg + 0.5 * torch.randn(n, 1, generator=rng)


kg, cm = hang(20, seed=0)  # (N, 1): one row a measurement, one column a feature
print(tuple(kg.shape), tuple(cm.shape))
for load, length in zip(kg[:3], cm[:3], strict=True):
    print(f"{load.item():.2f} kg: {length.item():.1f} cm")

# %% [markdown]
# Rows are measurements, columns are what you know about each. One column stays a column: `(20, 1)`, not
# `(20,)`.

# %% [markdown]
# ## Design the model
#
# The model is a straight line, $\hat y = w\,x + b$: one neuron with one input. It has two numbers to learn,
# both zero for now.

# %%
w = torch.zeros(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)

# %% [markdown]
# ## Choose loss and optimizer
#
# The loss is the mean squared error, $L = \frac1N\sum_i(\hat y_i - y_i)^2$; the optimizer is lesson 02's walk, `w -= lr * w.grad`. Too large a rate makes it
# diverge; 0.1 is small enough here (*Which loss, when one point is wrong?*, a side door, has the limit).

# %% [markdown]
# ## Train and judge
#
# Each step has five parts: forward, loss, backward, update, clear.

# %% within="0.01"
bare, path = [], []
for _ in range(200):
    prediction = kg * w + b  # the model
    loss = ((prediction - cm) ** 2).mean()  # the loss
    loss.backward()
    with torch.no_grad():  # the optimizer
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
    w.grad, b.grad = None, None
    bare.append(loss.item())
    path.append((w.item(), b.item()))
print("losses:", [round(bare[n], 2) for n in (0, 1, 10, 50, 199)])
print(f"w = {w.item():.2f}   b = {b.item():.2f}")

# %% [markdown]
# The line is about 3.70 x + 12.26. The truth is 4 and 12. Is something missing?
#
# For a straight line nobody has to walk. At the bottom of the bowl all slopes are zero; that is a system of
# linear equations, and `torch.linalg.lstsq` solves it. Call this solution *the exact fit*.
#
# **Predict before you run:** which line has the smaller loss on these points, the exact fit or the true one?

# %% within="0.002"
table = torch.cat([torch.ones_like(kg), kg], dim=1)  # (N, 2): what b and w are multiplied by
exact = torch.linalg.lstsq(table, cm).solution  # (2, 1): b, then w
truth = torch.tensor([[12.0], [4.0]])
for name, line in (("exact fit", exact), ("truth", truth), ("walk", torch.stack([b, w]).detach())):
    loss = ((table @ line - cm) ** 2).mean().item()
    print(f"{name}: w = {line[1].item():.2f}   b = {line[0].item():.2f}   loss = {loss:.4f}")
assert (w - exact[1]).abs() < 0.03 and (b - exact[0]).abs() < 0.03

# %% [markdown]
# The exact fit beats the truth. No straight line has a smaller loss on these twenty points: a fit bends toward the noise of *these* points. Keep three things apart: the
# truth, the
# best answer to the data, and how far your walk got. The walk is within 0.03 of the exact fit; the rest of its distance
# to the truth is noise, which no optimizer removes.

# %% alt="Twenty blue points of spring length in centimeters against load in kilograms, rising from about 12 to about 20. Four orange lines show the walk: after 1 step it lies far below the points, after 2 still below, after 10 it goes through them but is too steep, after 200 it fits. The dashed gray true line lies close to the last, a little lower at the left and higher at the right."
ends = torch.tensor([[0.0], [2.0]])
plt.figure(figsize=(6, 3.4))
plt.plot(kg, cm, "o", color=TRAIN, markersize=5, label="measured")
for n, alpha in ((1, 0.3), (2, 0.45), (10, 0.65), (200, 1.0)):
    at_w, at_b = path[n - 1]
    plt.plot(ends, at_w * ends + at_b, color="C1", alpha=alpha)
    plt.text(2.03, 2 * at_w + at_b, f"step {n}", va="center")
plt.plot(ends, 12 + 4 * ends, "--", color="#666666", linewidth=1.2, label="the truth")
plt.xlabel("load (kg)")
plt.ylabel("length (cm)")
plt.legend()
plt.show()

# %% [markdown]
# *Ten steps lift the line to the points and tilt it too far; the other 190 turn it back. It ends a little flatter than the truth.*
#
# ### Exercise linear-1 · difficulty 1 · 3 minutes
# Do autograd's work once. For $L = \frac1N\sum_i(w x_i + b - y_i)^2$, write `line_gradient(w, b, x, y)`: the
# two slopes $dL/dw$ and $dL/db$ as a tuple of two floats, worked out by hand, without autograd (the check switches
# it off).
#
# <details><summary>Hint 1</summary>Call the error <code>e = w * x + b - y</code>. Its square's derivative is 2e, times whatever multiplies <code>w</code> or <code>b</code> inside e.</details>
# <details><summary>Hint 2</summary><code>w</code> is multiplied by <code>x</code>, <code>b</code> by 1. The mean stays a mean; <code>.item()</code> makes a float.</details>

# %% tags=["exercise"] id="linear-1" objective="gradient"
def line_gradient(w: float, b: float, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Return (dL/dw, dL/db) of the mean squared error.  x, y: (N,)."""
    ### BEGIN SOLUTION
    e = w * x + b - y
    return (2 * e * x).mean().item(), (2 * e).mean().item()
    ### END SOLUTION

# %% tags=["check"]
with check("linear-1") as c, torch.no_grad():
    x, y = torch.tensor([1.0, 2, 3]), torch.tensor([7.0, 9, 14])
    slips = {0.5: "the 2 of the square's derivative is missing", 3: "a sum: the loss is a mean",
             1.5: "the 2 and the mean are missing", -1: "the sign is turned: e is prediction minus y"}
    own = {-4: "that is dL/db: the pair is swapped, or x is missing", -26: "b is missing in e",
           -8: "multiply row by row, then average", -20: "next to w stands x alone",
           torch.tensor([-2.0, -4, -24]): "the mean is missing"}
    with c.untouched(x, y):
        dw, db = got = c.attempted(line_gradient(2.0, 4.0, x, y))
    c.close(dw, -10, because="dL/dw = mean(2·e·x)", mistakes=own | {-10 * k: slips[k] for k in slips})
    c.close(db, -4, because="dL/db = mean(2·e)", mistakes={-10: "no x", -16: "next to b stands 1"} |
            {-4 * k: slips[k] for k in slips})
    c.kind(got, tuple[float, float])
    again = line_gradient(-1.5, 0.5, torch.tensor([0.5, -1, 4, 2, 0]), torch.tensor([1.0, -2, 3, 0, 6]))
    c.close(torch.tensor(again), torch.tensor([-17.45, -5.5]), because="two tables, two lines")

# %% [markdown] tags=["solution"]
# $dL/dw = \frac2N\sum e_i x_i$ and $dL/db = \frac2N\sum e_i$. At the bottom the second is zero: **a fitted
# line with a bias is wrong by zero on average**.

# %% [markdown] tags=["instructor"]
# **Watch for** `sum()` where the loss says mean. **Ask:** what is the mean error of the fitted line on its
# training points? (0.) Of the true line? (Not 0.)

# %% [markdown]
# ## Three lines change their names
#
# Now swap parts for library parts, one at a time, and demand the same two hundred losses. First the model:

# %%
model = nn.Linear(1, 1)
for name, p in model.named_parameters():
    print(f"{name:7} {tuple(p.shape)!s:7} requires_grad={p.requires_grad}")
print("input", tuple(kg.shape), "→ output", tuple(model(kg).shape))

# %% [markdown]
# `weight` has the shape `(outputs, inputs)`. A `Parameter` is a tensor that the model knows by name and that requires a gradient from the beginning. `nn.Linear`
# fills its two with random values; for a fair comparison, set them to zero:

# %%
def zero_line(inputs=1, dtype=None):
    """nn.Linear(inputs, 1) with all its numbers at zero."""
    line = nn.Linear(inputs, 1, dtype=dtype)
    nn.init.zeros_(line.weight)
    nn.init.zeros_(line.bias)
    return line

# %% [markdown]
# The update now works for any number of parameters:

# %% within="0.001"
model, with_linear = zero_line(), []
for _ in range(200):
    loss = ((model(kg) - cm) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
            p.grad = None
    with_linear.append(loss.item())
off = np.abs(np.subtract(with_linear, bare)).max()
print(f"largest difference from the bare losses: {off:.4f}")

# %% [markdown]
# Next come the loss, `nn.MSELoss`, and the optimizer, `optim.SGD`. Its `step()` is the loop over
# `p -= lr * p.grad`, its `zero_grad()` the loop over `p.grad = None`.

# %% within="0.001"
model, library = zero_line(), []
loss_fn = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.1)
for _ in range(200):
    loss = loss_fn(model(kg), cm)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    library.append(loss.item())
off = np.abs(np.subtract(library, bare)).max()
print(f"largest difference from the bare losses: {off:.4f}")
print(f"w = {model.weight.item():.3f}   b = {model.bias.item():.3f}")

# %% [markdown]
# All three programs take the same walk. `zero_grad` may stand anywhere between a `step` and the next `backward`.
#
# ### A model of your own
#
# `nn.Linear` is a class, and you can write such classes. Here is a simpler neuron, for a spring of length zero:
# $\hat y = w\,x$, without a bias. `__init__` makes the parameters, `forward` says what happens to a batch.

# %%
class Proportional(nn.Module):
    """prediction = weight · kg.  (N, 1) → (N, 1)."""

    def __init__(self):
        super().__init__()  # must come first: it prepares the list of parameters
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, kg):
        return kg * self.weight

# %% [markdown]
# You call `model(kg)`, and PyTorch calls `forward`. Not a letter of the loop changes.
#
# **Predict before you run:** does this model come close to the line's loss of 0.195?

# %% within="0.01"
model = Proportional()
optimizer = optim.SGD(model.parameters(), lr=0.1)
for _ in range(200):
    loss = loss_fn(model(kg), cm)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print({name: round(p.item(), 2) for name, p in model.named_parameters()})
print(f"loss = {loss.item():.2f}")

# %% [markdown]
# It trains, and it can't fit: without a bias the line must go through zero. And if you forget the word `Parameter`?

# %%
class PlainTensor(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.zeros(1, requires_grad=True)


with expect_error(ValueError):
    optim.SGD(PlainTensor().parameters(), lr=0.1)

# %% [markdown]
# A plain tensor is not in the list, even if it requires a gradient. The model has nothing to learn, and here you are
# lucky: the optimizer says so.
#
# ### The shapes that stop you
#
# What happens if you forget that the feature is a column, or hand over NumPy's 64-bit floats?

# %%
model = zero_line()
with expect_error(RuntimeError):
    model(kg.flatten())  # (20,) is taken for ONE row with twenty features
with expect_error(RuntimeError):
    model(kg.double())

# %% [markdown]
# Read the first message as "your row has 20 columns, my `weight` wants 1". The fixes are `kg.reshape(-1, 1)` and
# `.float()`.
#
# ### The shape that does not
#
# Now the *target* loses its column: `cm` becomes `(20,)`.
#
# **Predict before you run:** what is the shape of `prediction - target`, and what will the line learn?

# %% within="0.02"
flat = cm.flatten()
print("prediction - target:", tuple((model(kg) - flat).shape))
optimizer = optim.SGD(model.parameters(), lr=0.1)
for _ in range(500):
    loss = ((model(kg) - flat) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"w = {model.weight.item():.2f}   b = {model.bias.item():.2f}   loss = {loss.item():.2f}")
print(f"mean of cm = {cm.mean().item():.2f}")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    loss_fn(model(kg), flat)
print(str(caught[0].message).split(". ")[0])

# %% [markdown]
# Every prediction is compared with *every* target. The best answer is then the mean, for everyone. There is no
# error, only a flat line; `nn.MSELoss` at least warns. If your model predicts the mean for everybody, look at the two
# shapes first.

# %% [markdown]
# ## A few rows at a time
#
# With a million rows, you would look at all of them to take one small step. A *mini-batch* of a few rows gives a
# rougher gradient for much less work. One pass over all rows, in a new order each time, is an *epoch*. It takes one
# line: shuffle the row numbers and cut them into pieces.

# %%
torch.manual_seed(0)
for rows in torch.randperm(len(kg)).split(8):
    print(tuple(kg[rows].shape), tuple(cm[rows].shape), rows.tolist())
for inputs, targets in make_loader(kg, cm, batch_size=8, shuffle=True):
    print(tuple(inputs.shape), tuple(targets.shape))

# %% [markdown]
# Inputs and targets are cut with the same row numbers, so they stay in step. The last batch is short. Keep that in
# mind whenever you take a mean over batches. A subset of rows is shuffled the same way: with `own = torch.tensor([3, 5, 8])`, `own[torch.randperm(3)]` is
# the same three numbers in a new order. `utils.make_loader` puts the shuffling of rows into a `for` loop over batches
# (`make_loader??` shows it).
#
# ### Exercise linear-2 · difficulty 1 · 2 minutes
# You train on 103 rows, in batches of 10, for 7 epochs. How many updates does the optimizer make? And how many if
# the short last batch is dropped every time (`drop_last=True`)? Give two whole numbers.
#
# <details><summary>Hint 1</summary>Count one epoch first. How many full batches, and what is left?</details>
# <details><summary>Hint 2</summary>103 = 10 · 10 + 3. The remaining 3 make a batch as well, unless it is dropped.</details>

# %% tags=["exercise"] id="linear-2" objective="loop"
### BEGIN SOLUTION
updates = math.ceil(103 / 10) * 7
updates_dropped = 103 // 10 * 7
### END SOLUTION

# %% tags=["check"]
with check("linear-2") as c:
    got, dropped = c.attempted((updates, updates_dropped))
    each = "round up each epoch: the 3 rows left over are a batch, every time"
    c.close(got, 77, because="10 full batches and one of 3, seven times", mistakes={11: "that is one epoch",
            70: "the short batch is an update too", 721: "that counts rows", 72: each, 73: each, 72.1: each})
    each = "3 rows are dropped in each epoch, not once at the end"
    c.close(dropped, 70, because="without it, 10 an epoch",
            mistakes={77: "the short one counts here", 10: "that is one epoch", 72: each, 72.1: each})

# %% [markdown] tags=["solution"]
# 103 / 10 rounds up to 11 batches per epoch. If the short one is dropped, three rows remain unseen in each epoch
# (different ones each time).

# %% [markdown] tags=["instructor"]
# Take two minutes, as a poll. **Ask:** when would you drop the short batch? (With BatchNorm, when a single row is
# left over.)

# %% [markdown]
# ## The loop, line by line
#
# Now the loop in its grown-up form: mini-batches, and a second loop that measures on twenty new loads, the
# *validation data*.

# %%
kg_valid, cm_valid = hang(20, seed=1)
line, loss_fn = zero_line(), nn.MSELoss()
optimizer = optim.SGD(line.parameters(), lr=0.1)
batches = make_loader(kg, cm, batch_size=8, shuffle=True)
valid_batches = make_loader(kg_valid, cm_valid, batch_size=8)
by_hand = {"loss": [], "val_loss": []}

# %% [markdown]
# This is the loop. Read it slowly: nearly everything in this course has its shape.

# %%
torch.manual_seed(0)  # for the shuffling
for _ in range(60):
    line.train()
    total = 0.0
    for inputs, targets in batches:
        loss = loss_fn(line(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(targets)
    by_hand["loss"].append(total / len(kg))
    line.eval()
    with torch.inference_mode():
        total = sum(loss_fn(line(i), t).item() * len(t) for i, t in valid_batches)
    by_hand["val_loss"].append(total / len(kg_valid))

# %% [markdown]
# | line | what it is for |
# |---|---|
# | `line.train()` | training mode, for parts that behave differently while they learn |
# | `line(inputs)` | forward: predictions, and the graph for the way back |
# | `loss_fn(…, targets)` | one number that says how wrong |
# | `optimizer.zero_grad()` | throws away the slopes of the previous batch |
# | `loss.backward()` | fills `p.grad` of every parameter |
# | `optimizer.step()` | moves every parameter by `-lr` times its slope |
# | `loss.item() * len(targets)` | a number without a graph; a last batch of 4 counts as 4 rows |
# | `line.eval()` | evaluation mode |
# | `torch.inference_mode()` | no graph: nothing here will be differentiated |

# %% within="0.02"
for n in (0, 1, 9, 29, 59):
    loss, val_loss = by_hand["loss"][n], by_hand["val_loss"][n]
    print(f"epoch {n + 1:2}   loss {loss:6.2f}   validation {val_loss:5.2f}")
of_exact = loss_fn(kg_valid * exact[1] + exact[0], cm_valid).item()
print(f"exact fit  loss {loss_fn(table @ exact, cm).item():6.2f}   validation {of_exact:5.2f}")
of_truth = [loss_fn(4 * x + 12, y).item() for x, y in ((kg, cm), (kg_valid, cm_valid))]
print(f"the truth  loss {of_truth[0]:6.2f}   validation {of_truth[1]:5.2f}")
assert of_exact > by_hand["val_loss"][29] + 0.04

# %% [markdown]
# The first epoch's training loss is large because it is measured *while* the line learns; the validation loss comes
# after. And why does it get worse, from 0.29 to 0.34? The line comes closer to the exact fit, whose loss on these twenty is 0.36, against the truth's 0.29: that fit
# bends toward the noise of *its* points.

# %% [markdown]
# ## Leave one out
#
# Now you know what each line is for. Do you believe it? `loop_of` runs the three lines after the loss in the order
# that you write down:

# %%
def loop_of(steps, x, y, epochs=60):
    """The losses of the spring's loop, with these steps in this order."""
    line, losses = zero_line(), []
    optimizer = optim.SGD(line.parameters(), lr=0.1)
    for _ in range(epochs):
        loss = ((line(x) - y) ** 2).mean()
        calls = {"zero_grad": optimizer.zero_grad, "backward": loss.backward, "step": optimizer.step}
        for name in steps.split():
            calls[name]()
        losses.append(loss.item())
    return losses


loops = {"complete": "zero_grad backward step", "no zero_grad": "backward step"}
loops |= {"no step": "zero_grad backward", "no backward": "zero_grad step"}
loops |= {"late zero_grad": "backward zero_grad step"}

# %% [markdown]
# **Predict before you run:** which of the four broken loops lowers the loss at all?

# %% within="0.1" alt="Loss on a logarithmic axis against epoch, 60 epochs. The complete loop falls from 242 to about 0.4. Without zero_grad the loss swings between about 2 and 260, in waves of five epochs. Without step, without backward, and with a late zero_grad three dashed lines lie on each other, flat at 242."
styles = ["-", "-", (0, (4, 8)), (4, (4, 8)), (8, (4, 8))]  # three lie on each other: dash by dash
plt.figure(figsize=(7, 3.3))
for (name, steps), ls in zip(loops.items(), styles, strict=True):
    losses = loop_of(steps, kg, cm)
    plt.semilogy(losses, ls=ls, linewidth=1.5 if ls == "-" else 3, label=name)
    print(f"{name:14} first {losses[0]:5.1f}   lowest {min(losses):5.1f}   last {losses[-1]:5.1f}")
plt.xlabel("epoch")
plt.ylabel("loss (cm²)")
plt.title("Four broken loops, no error")
plt.legend(loc="center left", bbox_to_anchor=(1, 0.5), handlelength=4)
plt.show()

# %% [markdown]
# *Only one of the four lowers the loss, and not for long: without `zero_grad` it touches 2.3 and swings back up. The other three stay at 242: nothing steps,
# there is no slope to step with, or (late `zero_grad`) the slopes are thrown away just before the step.* None of the four broken loops raises an error: where a
# gradient is `None`, `step` politely skips the
# parameter. Learn the two symptoms. **If the loss stays the same to the last digit, nothing moves. If it swings or
# grows, gradients pile up, or `lr` is too large.**
#
# ### The first test of any loop: overfit one batch
#
# Before a long training, take *one tiny batch* and train on it alone. A line can pass through any two points, so a
# healthy loop must bring the loss to zero. (With a large network, take a handful of rows.) Here are the
# loops once more, and the lost column:

# %% within="0.02"
pair = torch.stack([kg.argmin(), kg.argmax()])  # the lightest load and the heaviest
for name, steps in loops.items():
    losses = loop_of(steps, kg[pair], cm[pair], epochs=300)
    print(f"{name:14} loss on two rows after 300 steps: {losses[-1]:6.2f}")
lost = loop_of(loops["complete"], kg[pair], cm[pair].flatten(), epochs=300)
print(f"lost column    loss on two rows after 300 steps: {lost[-1]:6.2f}")

# %% [markdown]
# Only the healthy loop succeeds. The test takes a second, and it finds faults in the loop and in the shapes. It can't tell
# you whether the line is any good on *new* rows.
#
# ### Margin question: what does `model.eval()` change when the model has no dropout?
#
# Ask your line. And ask for gradients, which many people believe `eval()` switches off.

# %%
line.train()
in_training = line(kg)
line.eval()
in_evaluation = line(kg)
print(f"largest difference of the predictions: {(in_training - in_evaluation).abs().max().item()}")
print(f"training flag: {line.training}")
print(f"the result still has a graph: {in_evaluation.grad_fn.name()}")

# %% [markdown]
# It changes one flag and nothing else. The layers that care look at that flag. **`eval()` does not switch gradients
# off**; `inference_mode()` does that. Always write both.
#
# ### Without `eval()`
#
# `nn.Dropout(0.1)` is a layer that cares: *in training* it sets about a tenth of its inputs to zero, at random, and
# scales up the others. (Lesson 05 explains what that is good for.) Put one after your line and ask for the
# validation loss three times, in both modes.

# %% within="0.05"
dropping = nn.Sequential(line, nn.Dropout(0.1))  # first the line, then the dropout
torch.manual_seed(3)
for mode in ("train", "eval"):
    dropping.train(mode == "train")
    with torch.inference_mode():
        told = [round(loss_fn(dropping(kg_valid), cm_valid).item(), 2) for _ in range(3)]
    print(f"{mode:5}  {told}")
    assert len({*told}) == (3 if mode == "train" else 1)

# %% [markdown]
# In training mode three questions get three answers, and none of them is the model's. Forget `eval()`, and the
# number that you report is a matter of luck.
#
# ### Without `inference_mode()`
#
# The numbers are the same, but each result drags along the graph that made it. Count the operations in the graph of a
# running total:

# %%
def graph_size(t):
    """How many operations the graph behind t holds."""
    seen, todo = set(), [t.grad_fn]
    while todo:
        entry = todo.pop()
        if entry is not None and entry not in seen:
            seen.add(entry)
            todo += [below for below, _ in entry.next_functions]
    return len(seen)


for n in (1, 10, 100):
    total = sum(loss_fn(line(kg_valid), cm_valid) for _ in range(n))
    print(f"after {n:3} batches the total drags {graph_size(total):3} operations along")
with torch.inference_mode():
    total = sum(loss_fn(line(kg_valid), cm_valid) for _ in range(100))
print("under inference_mode:", graph_size(total))

# %% [markdown]
# The graph grows with every batch, and so does the memory. In training, where you need the graph, `loss.item()` cuts
# it off. Results of `inference_mode` are for reading. If later training needs them, use `no_grad` instead (*Three ways to look away*, a side door of lesson 02,
# shows why).
#
# ### Exercise linear-3 · difficulty 2 · 6 minutes
# Write the loop yourself: `train_epoch(model, batches, loss_fn, optimizer)` trains for one epoch and returns the
# mean training loss *per row* as a float. The last batch may be short. The model may come in either mode; train it
# in training mode. (Among the imports there are ready-made loops. Leave them alone, on your honor.)
#
# <details><summary>Hint 1</summary>First set the mode. Then, for each batch: forward, loss, and the three lines after it. Count rows as you go.</details>
# <details><summary>Hint 2</summary>Add up <code>loss.item() * len(targets)</code> and <code>len(targets)</code>; divide at the end.</details>

# %% tags=["exercise"] id="linear-3" objective="loop"
def train_epoch(model: nn.Module, batches, loss_fn, optimizer: optim.Optimizer) -> float:
    """Train on every (inputs, targets) of ``batches``; return the mean loss per row."""
    ### BEGIN SOLUTION
    model.train()
    total, rows = 0.0, 0
    for X, y in batches:
        loss = loss_fn(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(y)
        rows += len(y)
    return total / rows
    ### END SOLUTION

# %% tags=["check"]
with check("linear-3") as c:
    norm, ones = nn.BatchNorm1d(1).eval(), TensorDataset(torch.zeros(32, 1), torch.ones(32, 1))
    sgd = optim.SGD(norm.parameters(), lr=0.25)
    got = c.attempted(train_epoch(norm, DataLoader(ones, batch_size=12), nn.MSELoss(), sgd))
    c.equal(norm.num_batches_tracked.item(), 3, because="3 batches", mistakes={0: "asleep: model.train()"})
    c.close(norm.bias.item(), 7 / 8, because="each step halves the error", mistakes={1.5: "one step a batch",
            0: "nothing moves: backward, then step", 15 / 8: "zero_grad is missing: slopes pile up"})
    c.close(got, 15.5 / 32, because="(12 + 12 / 4 + 8 / 16) / 32", mistakes={7 / 16: "weigh batches by rows",
            15.5: "not divided", 15.5 / 20: "not len(kg)", 1 / 16: "last batch"})
    c.kind(got, float)
    X, y = torch.randn(2, 11, 3, generator=torch.Generator().manual_seed(3))
    net, batches_of = nn.Linear(3, 3), partial(make_loader, X, y, batch_size=4)
    twin = copy.deepcopy(net)
    got = train_epoch(net, batches_of(), nn.PoissonNLLLoss(), optim.Adam(net.parameters(), lr=0.1))
    told = fit(twin, batches_of(), nn.PoissonNLLLoss(), optim.Adam(twin.parameters(), lr=0.1), epochs=1)["loss"][0]
    c.close(got, told, because="the same as fit, with another model, loss and optimizer")
    c.close(net.weight, twin.weight)

# %% [markdown] tags=["solution"]
# The sum over rows makes the result independent of how the rows were cut into batches, as long as the
# parameters stand still.

# %% [markdown] tags=["instructor"]
# Give it time. **Watch for** `total += loss` (a graph that grows), `len(batches)` as divisor, and
# `model.train()` in the wrong place.

# %% [markdown]
# ### Exercise linear-4 · difficulty 2 · 4 minutes
# Now the other half: `test_loss(model, batches, loss_fn)` returns the mean loss per row, as a float. It uses
# evaluation mode, builds no graph and trains nothing. Leave the model in the mode in which it came.
# (On your honor again: no ready-made loop.)
#
# <details><summary>Hint 1</summary>Two lines switch two different things off. Which line does which?</details>
# <details><summary>Hint 2</summary><code>was = model.training</code> before <code>model.eval()</code>, and <code>model.train(was)</code> at the end.</details>

# %% tags=["exercise"] id="linear-4" objective="loop"
def test_loss(model: nn.Module, batches, loss_fn) -> float:
    """Mean loss per row over every (inputs, targets) of ``batches``."""
    ### BEGIN SOLUTION
    was = model.training
    model.eval()
    total, rows = 0.0, 0
    with torch.inference_mode():
        for X, y in batches:
            total += loss_fn(model(X), y).item() * len(y)
            rows += len(y)
    model.train(was)
    return total / rows
    ### END SOLUTION

# %% tags=["check"]
with check("linear-4") as c:
    bn, graph, rising = nn.BatchNorm1d(1), [], torch.arange(32.0)[:, None]
    parts = DataLoader(TensorDataset(torch.zeros(32, 1), rising), batch_size=12)
    got = c.attempted(test_loss(bn, parts, lambda p, t: graph.append(p.requires_grad) or F.mse_loss(p, t)))
    bad = {"training mode: model.eval()": bn.num_batches_tracked > 0, "a graph: inference_mode()": any(graph),
           "left in evaluation mode: model.train(was)": not bn.training,
           "left in training mode: model.train(was)": test_loss(bn.eval(), parts, F.mse_loss) and bn.training}
    c.equal([word for word in bad if bad[word]], [], because="no graph, no training, the mode as it was")
    each = [(t**2).mean().item() for t in rising.split(12)]
    c.close(got, (rising**2).mean().item(), mistakes={sum(each) / 3: "weigh by rows", 10416: "not divided",
            10416 / 20: "not len(kg)", sum(each): "not divided", each[-1]: "all batches, not the last"})
    c.kind(got, float)
    net, X = nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)), torch.linspace(-2, 5, 33).reshape(11, 3)
    loader = make_loader(X, X[:, :2], batch_size=4)
    before = copy.deepcopy(net.state_dict())
    c.close(test_loss(net, loader, nn.PoissonNLLLoss()), evaluate(net, loader, nn.PoissonNLLLoss())["loss"])
    c.true(str(before) == str(net.state_dict()), observed="other parameters than before", expected="the same")

# %% [markdown] tags=["solution"]
# `eval()` is about layers, `inference_mode()` about graphs. They are independent, and you want both.

# %% [markdown] tags=["instructor"]
# **Ask:** which of the two would you miss on the spring's line? (Neither changes a number.)

# %% [markdown]
# ### The loop gets a name
#
# `utils.fit` is the loop that you have written, with a progress bar, and it refuses to go on when the loss is not
# finite; `fit??` shows it. `evaluate` is the half that measures. Do not take their word for it: train a twin with the
# same shuffling. The losses should be equal, not close.

# %%
twin = zero_line()
optimizer = optim.SGD(twin.parameters(), lr=0.1)
torch.manual_seed(0)  # the same shuffling as in your loop
history = fit(twin, batches, loss_fn, optimizer, epochs=60, val_loader=valid_batches)
for name, losses in by_hand.items():
    off = np.abs(np.subtract(history[name], losses)).max()
    print(f"{name:8} largest difference from your loop: {off}")
with expect_error(ValueError):  # a new model, the old optimizer
    fit(zero_line(), batches, loss_fn, optimizer, epochs=1)

# %% [markdown]
# All 120 numbers are equal to the last bit. And `fit` catches one fault of the kind you have seen: a loop in which
# nothing moves, because the optimizer holds another model's parameters. From lesson 04 on you import it.

# %% [markdown]
# ## A line, judged honestly
#
# How good is your line? Its training loss can't tell, because the line has bent toward the noise of its own points. And
# is a line the right model at all? Its rivals are polynomials, each fitted with `lstsq`: degree 0 always says the average,
# degree 1 is the exact fit from above, degree 9 has ten numbers for twenty points.

# %%
def fit_poly(z, y, degree):
    """Least-squares coefficients (degree + 1,) for z, y (N, 1)."""
    return torch.linalg.lstsq(z ** torch.arange(degree + 1), y).solution.flatten()


def poly_error(coefs, z, y):
    """Mean squared error of the polynomial coefs on z, y (N, 1), a float."""
    return ((z ** torch.arange(len(coefs)) @ coefs - y.flatten()) ** 2).mean().item()

# %% [markdown]
# One draw of twenty points could flatter any of them. So draw two hundred times: twenty loads to fit, twenty for
# validation, a thousand to test. (`kg - 1` lies between −1 and 1.)

# %%
def one_draw(seed):
    """Errors of degrees 0 to 9 on three sets, fitted on the first: (3, 10)."""
    drawn = [hang(n, 3 * seed + k) for k, n in enumerate((20, 20, 1000))]
    sets = [(kg.double() - 1, cm.double()) for kg, cm in drawn]
    fits = [fit_poly(*sets[0], degree) for degree in range(10)]
    return torch.tensor([[poly_error(coefs, *part) for coefs in fits] for part in sets])


draws = torch.stack([one_draw(seed) for seed in range(200)])  # (draw, set, degree)

# %% [markdown]
# **Predict before you run:** which degree has the smallest error on the points it was fitted to, and which on new ones?

# %% within="0.03" alt="Left: twenty points and three polynomials over load. Degree 0 is a flat line, degree 1 follows the points, degree 9 wiggles between them and leaves the picture at the right end. Right: median errors of 200 draws on a logarithmic axis against degree 0 to 9. The training error falls from 5 to 0.2 at degree 1 and then slowly on to about 0.1. The validation error has its lowest point at degree 1, below 0.3, and climbs to above 1 at degree 9."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
left.plot(kg, cm, "o", color=TRAIN, markersize=4)
at = torch.linspace(-1, 1, 101)[:, None]
for degree, color, ls in ((0, "#444444", "--"), (1, "C2", "-"), (9, "C3", "-.")):
    fitted = at ** torch.arange(degree + 1) @ fit_poly(kg - 1, cm, degree)
    left.plot(at + 1, fitted, color=color, ls=ls, label=f"degree {degree}")
left.set(xlabel="load (kg)", ylabel="length (cm)", ylim=(9, 23), title="Stiff, right, loose")
left.legend(loc="upper left")
middle = draws.median(dim=0).values  # (3, 10)
right.semilogy(middle[0], "o-", color=TRAIN, markersize=4, label="training")
right.semilogy(middle[1], "s--", color=VALID, markersize=4, label="validation")
right.set(xlabel="degree", ylabel="median squared error (cm²)", title="Two errors part ways")
right.legend()
plt.show()
for degree in (0, 1, 2, 4, 9):
    low, high = draws[:, 1, degree].quantile(torch.tensor([0.25, 0.75], dtype=draws.dtype))
    new = f"new {middle[1, degree]:.2f} (half of the draws: {low:.2f} to {high:.2f})"
    print(f"degree {degree}   fitted {middle[0, degree]:.2f}   {new}")
assert middle[0].argmin() == 9 and middle[1].argmin() == 1

# %% [markdown]
# *Left: degree 0 cannot rise, degree 1 follows, degree 9 follows too and then plunges, where no point holds it. Right: the training error only falls, the validation
# error turns at 1.* In the printout, *fitted* falls from 5.29 to 0.12; *new* is smallest at degree 1, 0.25, and reaches 1.32 at degree 9, where a quarter of the
# draws lie above 16. Degree 9 includes every line, so the training error always
# votes for the largest model. At degree 0 both errors are large; this is **underfitting**. Above 1 they part ways;
# this is **overfitting**: the extra freedom is spent on noise.
#
# ### Exercise linear-5 · difficulty 2 · 3 minutes
# Write `best_degree(train, valid, degrees)`: fit each degree on the pair `train = (z, y)` with `fit_poly`,
# judge it on `valid` with `poly_error`, and return the degree (an int) with the smallest validation error.
#
# <details><summary>Hint 1</summary>Fit on one pair, measure on the other. Which of the two errors decides?</details>
# <details><summary>Hint 2</summary><code>fit_poly(*train, degree)</code> gives coefficients; a dict from degree to error, and <code>min(errors, key=errors.get)</code>.</details>

# %% tags=["exercise"] id="linear-5" objective="judge"
def best_degree(train: tuple, valid: tuple, degrees: list[int]) -> int:
    """The degree in ``degrees`` with the least error on ``valid``.  Pairs (z, y), each (N, 1)."""
    ### BEGIN SOLUTION
    told = {d: poly_error(fit_poly(*train, d), *valid) for d in degrees}
    return min(told, key=told.get)
    ### END SOLUTION

# %% tags=["check"]
with check("linear-5") as c:
    def case(sizes, seed, truth, scale):
        rng = torch.Generator().manual_seed(seed)
        for n in sizes:
            z, t = 2 * torch.rand(n, 1, generator=rng, dtype=truth.dtype) - 1, truth[:, None]
            yield z, scale * (z ** torch.arange(len(t)) @ t + 0.3 * torch.randn(z.shape, generator=rng).to(z))
    (own, judges), some = case((14, 11), 1446, torch.tensor([1.0, -2, 1, 2]).double(), 1), list(range(9))
    with c.untouched(own, judges, some):
        got = c.attempted(best_degree(own, judges, some))
    c.true(not isinstance(got, float), observed=got, expected="a degree", likely="the error: return the degree")
    slips = {8: "fit on train alone; the error on valid alone decides", 3: "fit on train, judge on valid",
             1: "try them all, and not for the gap", torch.tensor(6): "an int: .item()"}
    c.equal(got, 6, because="its validation error is the smallest", mistakes=slips)
    own, judges = case((25, 18), 2500, torch.tensor([2.0, 1, -3, 1, -2]), 1000)  # large errors
    slips = {3: "3 is not given", 1: "a place in the list", 0: "the least error starts too low: math.inf"}
    c.equal(best_degree(own, judges, [6, 2, 9, 4, 1, 7]), 2, because="whatever the size", mistakes=slips)
    c.kind(got, int)

# %% [markdown] tags=["solution"]
# If `valid` takes part in the fit, it becomes a training set and loses its voice.

# %% [markdown] tags=["instructor"]
# **Watch for** an index in place of a degree: right for `range(9)`, wrong for any other list.

# %% [markdown]
# ### Margin question: what are training, validation and test sets each for?
#
# | set | the question it answers | who may look, how often |
# |---|---|---|
# | training | which *parameters*? | the optimizer, at every step |
# | validation | which *model*: degree, learning rate, when to stop? | you, as often as you choose |
# | test | how good is what I chose, on rows that had no say? | you, once, at the end |
#
# Why can the validation set not be the test set as well? Because choosing is a kind of training: the winner has been lucky, and luck does not come twice. Toss a
# hundred coins fifty times each, choose the best coin, and
# toss it again. Then choose, in each of the two hundred draws, the degree with the smallest validation error.

# %% within="0.02"
tosses = torch.randint(2, (2, 100, 50), generator=torch.Generator().manual_seed(0))
heads = tosses.float().mean(dim=2)  # (round, coin)
best = heads[0].argmax()
print(f"the best of 100 coins: {heads[0, best]:.2f} heads, tossed again {heads[1, best]:.2f}")
chosen = draws[:, 1].argmin(dim=1)  # one degree for each draw
print("how often degree 0, 1, 2, … was chosen:", torch.bincount(chosen, minlength=10).tolist())
for name, degrees in (("the chosen degree", chosen), ("always degree 1", torch.ones_like(chosen))):
    flattered, told = (draws[torch.arange(200), part, degrees].median() for part in (1, 2))
    print(f"{name:17} median on validation {flattered:.3f}, on test data {told:.3f}")

# %% [markdown]
# The best coin is an ordinary coin. Degrees really differ, so luck does less there. Still, twenty validation rows pick the line in only 111 of 200 draws. In the
# last two rows of the output, go from left to right: the chosen degree loses 0.03 on new data; the line, which nobody chose, loses 0.01. (Even without a choice, an error
# averaged over only twenty rows lies below its true value more often than above.) The other 0.02 is flattery. The more
# candidates you have, and the closer their true errors lie together, the more the winner
# flatters. The test error tells the truth, but only **once**: if you choose by it, it has become a
# validation set.
#
# You keep the line. Now touch the test data, once. No draw has used this seed.

# %% within="0.01"
kg_test, cm_test = hang(1000, seed=600)
errors = ((line(kg_test) - cm_test) ** 2).detach()
always = ((cm.mean() - cm_test) ** 2).mean()
print(f"your line: {errors.mean():.2f} ± {errors.std() / math.sqrt(len(errors)):.2f} cm²")
print(f"the average, always: {always:.2f} cm²   the noise: {0.5**2:.2f} cm²")

# %% [markdown]
# This is the number from the top of the lesson. The ± is its *standard error*: how far a mean of a thousand errors strays by luck, their spread divided by
# $\sqrt{1000}$. Your line is about as good as twenty noisy readings usually allow: over the two hundred draws, degree 1 had a median of 0.267.

# %% [markdown]
# ## The build: a line of your own
#
# Everything in one piece, and nobody helps: no `fit`, no `make_loader`, and no `nn.Linear` inside your model.
#
# ### Exercise linear-6 · difficulty 3 · 15 minutes
# **The model.** Write `class Line(nn.Module)`. `Line(inputs)` maps `(N, inputs)` to `(N, 1)`, as
# `nn.Linear(inputs, 1)` does. It has two parameters, `weight` of shape `(1, inputs)` and `bias` of shape `(1,)`, and computes `x @ weight.T + bias`: with five
# inputs, each row's prediction is a sum of five products plus the bias, (N, 5) @ (5, 1) → (N, 1).
#
# **The loops.** Write `train_and_judge(model, X, y, seed)`, for any model that maps `X` (N, inputs) to (N, 1), the shape of `y`; the
# check also puts `nn.Linear` in your `Line`'s place.
# - Hold out `N // 4` rows at random for validation: the same rows for the same `seed`, different rows for another.
# - Train on all the others, in mini-batches and in training mode. The model may come in either mode.
# - *Afterwards* measure both parts, in evaluation mode and without a graph. Return the two mean squared errors,
#   `(training, validation)`, as floats.
#
# The inputs have mean 0 and spread 1, so hand them over as they are, and `X` and `y` stay unchanged. Learning rate,
# batch size and epochs are yours; training may take 20 seconds; it needs one or two. The check brings two tables, with one input and with five, and measures
# your model
# on 2000 new rows: its error must be below one and a half times the noise.
#
# <details><summary>Hint 1</summary>The parameters: <code>nn.Parameter(torch.zeros(…))</code>, after <code>super().__init__()</code>. The split: <code>torch.randperm(n, generator=torch.Generator().manual_seed(seed))</code>, cut in two.</details>
# <details><summary>Hint 2</summary>Two nested loops: over epochs, and over <code>train[torch.randperm(len(train))].split(…)</code>. SGD succeeds with a rate between 0.02 and 0.1 and a hundred epochs or more.</details>

# %% tags=["exercise", "build"] id="linear-6" objective="whole"
class Line(nn.Module):
    """One neuron.  (N, inputs) → (N, 1); parameters weight (1, inputs) and bias (1,)."""

    def __init__(self, inputs: int) -> None:
        ### BEGIN SOLUTION
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, inputs))
        self.bias = nn.Parameter(torch.zeros(1))
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ### BEGIN SOLUTION
        return x @ self.weight.T + self.bias
        ### END SOLUTION


def train_and_judge(
    model: nn.Module, X: torch.Tensor, y: torch.Tensor, seed: int
) -> tuple[float, float]:
    """Train on three quarters of the rows; return (training error, validation error)."""
    ### BEGIN SOLUTION
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(X), generator=rng)
    valid, train = order[: len(X) // 4], order[len(X) // 4 :]
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    model.train()
    for _ in range(100):
        for rows in train[torch.randperm(len(train), generator=rng)].split(16):
            loss = F.mse_loss(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.inference_mode():
        told = [F.mse_loss(model(X[rows]), y[rows]).item() for rows in (train, valid)]
    return told[0], told[1]
    ### END SOLUTION

# %% tags=["check"]
with check("linear-6") as c:
    for n, b, noise, w in ((82, -5.0, 0.5, [3.0]), (121, 12.0, 1.0, [2.0, -1, 0.5, 0, 3])):
        kept, rng = [], torch.Generator().manual_seed(n)
        X, X_new = (torch.randn(m, len(w), generator=rng) for m in (n, 2000))
        y, y_new = (x @ torch.tensor([w]).T + b + noise * torch.randn(len(x), 1, generator=rng) for x in (X, X_new))
        X_new, y_new = c.held_back(X_new, y_new)
        for make, seed in ((partial(nn.Linear, out_features=1), n), (Line, n), (Line, n + 1)):
            did, seen, model = set(), set(), make(len(w)).eval()
            c.equal({k: tuple(p.shape) for k, p in model.named_parameters()}, {"weight": (1, len(w)), "bias": (1,)})
            c.close(model(X_new), X_new @ model.weight.T + model.bias, because="Line computes what nn.Linear does")
            model.register_forward_pre_hook(lambda m, x, did=did, seen=seen, on=torch.is_grad_enabled: did.add(
                f"{'learns' if on() else 'tests'}, training {m.training}") or seen.update(x[0][:, 0].tolist() * on()))
            with c.untouched(X, y):
                got = c.timed(partial(train_and_judge, model, X, y, seed=seed), limit=20)
            c.kind(got, tuple[float, float])
            c.equal(sorted(did), ["learns, training True", "tests, training False"])
            kept.append(used := torch.tensor([v in seen for v in X[:, 0].tolist()]))
            c.equal(int(used.sum()), n - n // 4, mistakes={n: "trained on validation rows", n // 4: "the wrong part"})
            errors, new = (model(X) - y).square(), F.mse_loss(model(X_new), y_new).item()
            c.close(torch.tensor(got), torch.stack([errors[used].mean(), errors[~used].mean()]), rtol=1e-3)
            c.learned(new, trained=got[0], chance=y_new.var().item(), at_most=1.5 * noise**2, what="error")
        c.true(kept[0].equal(kept[1]) > kept[0].equal(kept[2]), observed="not the seed", expected="rows by the seed")

# %% [markdown] tags=["solution"]
# The loop does not know whose parameters it moves: `model(x)` and `model.parameters()` are all it asks of
# a model. That is why the same lines train a `Line`, `nn.Linear`, and in lesson 12 a GPT.

# %% [markdown] tags=["instructor"]
# **Spread** of the stored answer over 5 draws, error on 2000 new rows: one input 0.25 to 0.26 (goal 0.375, the average
# 9.3 to 9.7), five inputs 1.08 to 1.13 (goal 1.5, the average 15 to 16). Least squares on *all* rows: 0.25 to 0.26 and
# 1.04 to 1.13.
# **Watch for** errors averaged while the model still learns, `(N,)` out of `forward`, and validation rows in the
# training. **Ask:** why is the validation error usually the larger one?

# %% [markdown]
# ## What you have met
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `nn.Module`, `nn.Parameter(t)` | a model of your own; a tensor that it knows and trains | – |
# | `nn.Linear(a, b)` | `x @ weight.T + bias`; weight (b, a), bias (b,) | (N, a) → (N, b) |
# | `nn.MSELoss()` | mean of squared errors | (N, k), (N, k) → () |
# | `optim.SGD(model.parameters(), lr)` | holds the parameters and moves them | – |
# | `optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()` | clear, fill, move | – |
# | `model.train()`, `model.eval()` | the mode that dropout and BatchNorm look at | – |
# | `torch.inference_mode()` | no graph in this block | – |
# | `torch.randperm(n).split(size)` | row numbers of the batches of one epoch | → (size,) each |
# | `torch.linalg.lstsq(A, y).solution` | least squares without a walk | (N, k), (N, m) → (k, m) |
# | `utils.make_loader(X, y, batch_size=…)` | batches of rows, in step | (N, …) → (batch, …) |
# | `utils.fit(model, loader, loss_fn, optimizer, epochs=…)` | your loop | → a `History` |
# | `utils.evaluate(model, loader, loss_fn)` | your other loop | → a dict of means |
#
# The path ends here. The next lesson changes one thing: the answer is no longer a length but a yes or a no.

# %% [markdown] tags=["deeper"]
# ## Which loss, when one point is wrong?
#
# `L1Loss` takes the absolute error; `SmoothL1Loss` is half a square, divided by `beta` (default 1), up to an error of `beta`, and a straight line further out. The
# choice matters when a point is wrong. Suppose somebody types 127.8 for 12.78 at the
# lightest load.
#
# **Predict before you run:** what does each loss make of the slope of 4 cm per kilogram?

# %% within="0.04"
def fit_line(loss_fn, x, y, lr=0.1, epochs=1000):
    """Train nn.Linear(1, 1) from zero on all rows of x, y (N, 1)."""
    line = zero_line()
    optimizer = optim.SGD(line.parameters(), lr=lr)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss_fn(line(x), y).backward()
        optimizer.step()
    return line


typo = cm.clone()
typo[kg.argmin()] *= 10
losses = {"MSELoss": nn.MSELoss(), "L1Loss": nn.L1Loss(), "SmoothL1Loss": nn.SmoothL1Loss()}
lines = {name: fit_line(f, kg, typo) for name, f in losses.items()}
for name, fitted in lines.items():
    print(f"{name:13} w = {fitted.weight.item():6.2f}   b = {fitted.bias.item():6.2f}")

# %% [markdown]
# One wrong point turned the square's line over:

# %% alt="Left: three losses against the error from minus 3 to 3. The square rises steeply to 9, the absolute value is a V with a corner at zero, the smooth L1 follows the V half a unit lower with a rounded bottom. Right: nineteen points near the true line, an arrow to the typo far above the axis at the left; the MSE line falls steeply, the lines of L1 and smooth L1 lie on the points."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
errors = torch.linspace(-3, 3, 121)
right.plot(kg, typo, "o", color="#444444", markersize=4)
for (name, fitted), color, ls in zip(lines.items(), ("C0", "C1", "C2"), ("-", "--", "-."), strict=True):
    costs = [losses[name](error, torch.tensor(0.0)) for error in errors]
    left.plot(errors, costs, color=color, ls=ls, label=name)
    right.plot(ends, fitted(ends).detach(), color=color, ls=ls, label=name)
left.set(xlabel="error", ylabel="loss", title="What an error costs")
right.set(xlabel="load (kg)", ylabel="length (cm)", ylim=(0, 45), title="One typo, three lines")
right.annotate("the typo, at 127.8", (0.05, 45), (0.4, 38), arrowprops={"arrowstyle": "->"})
left.legend()
plt.show()

# %% [markdown]
# *On the left the price of an error, on the right the three lines: the square follows the one wrong point, the other
# two follow the nineteen.* To the square, one error of 115 costs as much as 132 errors of 10. `L1Loss` gives each
# point the same pull; `SmoothL1Loss` rounds off the corner that `L1Loss` has at zero.
#
# ### `reduction`: what happens to the twenty losses
#
# A loss function computes one loss per element (here: per row) and then reduces: `"sum"` is twenty times the mean, and so
# is its gradient.
#
# **Predict before you run:** change the loop's `mean` to `sum` and keep `lr=0.1`. What happens? The first line of output gives the limit for the mean: below
# $2/k$, where $k$ is the loss's largest curvature (*Three walks on one landscape*, a side door of lesson 02, shows why).

# %% within="0.1"
k = torch.linalg.eigvalsh(2 * table.T @ table / len(table))[1]
print(f"largest curvature {k:.2f}, so lr below {2 / k:.2f}")
for reduction in ("none", "mean", "sum"):
    loss = F.mse_loss(zero_line()(kg), cm, reduction=reduction)
    print(f"{reduction:5} shape {tuple(loss.shape)!s:8}", "" if loss.ndim else f"{loss.item():.1f}")
for reduction, lr in (("mean", 0.1), ("sum", 0.1), ("sum", 0.1 / 20)):
    fitted = fit_line(nn.MSELoss(reduction=reduction), kg, cm, lr=lr, epochs=200)
    print(f"{reduction:4} lr {lr:<6g} w = {fitted.weight.item():.3f}")

# %% [markdown]
# With `sum`, 0.1 is a rate of 2 in disguise, far above 0.54, and `w` ends as *not a number*. With `"mean"`, which is the
# default, the right `lr` does not depend on the number of rows.
#
# ### Exercise linear-7 · difficulty 2 · 4 minutes
# Write `smooth_l1(prediction, target, beta)` out of plain arithmetic, averaged over all elements. With $e$
# the error, one element costs $\tfrac{e^2}{2\beta}$ where $|e| < \beta$, and $|e| - \tfrac{\beta}{2}$
# elsewhere. (PyTorch's own `smooth_l1_loss` and `huber_loss` stay away, on your honor.)
#
# <details><summary>Hint 1</summary>Compute both pieces for all elements, then choose between them.</details>
# <details><summary>Hint 2</summary><code>torch.where(condition, here, there)</code> chooses element by element; then <code>.mean()</code>.</details>

# %% tags=["exercise"] id="linear-7" objective="gradient"
def smooth_l1(prediction: torch.Tensor, target: torch.Tensor, beta: float = 1.0) -> torch.Tensor:
    """Mean smooth L1 loss, a scalar tensor.  prediction, target: same shape."""
    ### BEGIN SOLUTION
    e = (prediction - target).abs()
    return torch.where(e < beta, e**2 / (2 * beta), e - beta / 2).mean()
    ### END SOLUTION

# %% tags=["check"]
with check("linear-7") as c:
    guess, given = torch.tensor([1.5, 3, -2], requires_grad=True), torch.tensor([1.0, 2, 3])
    with c.untouched(guess, given):
        got = c.attempted(smooth_l1(guess, given, beta=2.0))
    said = {12.9375: "a sum: take the mean", 5.125: "beta was taken as 1", 3.5625: "the target is missing",
            3.5: "choose for each element: torch.where", 5.3125: "the pieces do not meet: subtract beta/2",
            4.8125: "beta/2 was taken as 0.5", 8.625: "Huber's loss: divide by beta", 5.75: "pieces swapped",
            -5.6875: "outside, the absolute value is missing", 5.25: "brackets: e**2 / (2 * beta)",
            4.625: "divide by 2·beta", 6.5625: "compare |e|", torch.tensor([3 / 16, 3 / 4, 12]): "no mean"}
    c.close(got, 1.4375, because="(1/16 + 1/4 + 4) / 3", mistakes={k / 3: said[k] for k in said})
    c.kind(got, torch.Tensor)
    c.true(got.requires_grad, observed="a result without a graph", expected="a loss that backward can start from")
    others = torch.tensor([[0.2, -0.4], [3.0, -7.0], [0.9, 1.1]]).double()
    for options in ({}, {"beta": 0.5}, {"beta": 5.0}):
        c.close(smooth_l1(0.1 * others, others, **options), F.smooth_l1_loss(0.1 * others, others, **options),
                because="any shape, any beta, and 1 if none is given")

# %% [markdown] tags=["solution"]
# At $|e| = \beta$ both pieces give $\beta/2$ with slope 1: no jump, no corner. `nn.HuberLoss(delta)` is the
# same curve times $\delta$.

# %% [markdown] tags=["instructor"]
# **Watch for** a Python `if` on a tensor ("Boolean value of Tensor … is ambiguous"). **Ask:** what is left when
# beta goes to 0? (L1.)

# %% [markdown] tags=["deeper"]
# ## Small batches tremble
#
# Watch where $(w, b)$ goes when the gradient comes from all rows, from five, or from one.

# %%
def batch_path(x, y, batch_size, epochs, lr, seed=0):
    """Where (w, b) goes: (updates + 1, 2). Rows are shuffled anew each epoch."""
    rng = torch.Generator().manual_seed(seed)
    wb, path = torch.zeros(2, requires_grad=True), [torch.zeros(2)]
    for _ in range(epochs):
        for rows in torch.randperm(len(x), generator=rng).split(batch_size):
            loss = ((wb[0] * x[rows] + wb[1] - y[rows]) ** 2).mean()
            (slope,) = torch.autograd.grad(loss, wb)
            with torch.no_grad():
                wb -= lr * slope
            path.append(wb.detach().clone())
    return torch.stack(path)

# %% [markdown]
# **Predict before you run:** three walks of ten epochs each, in batches of all 20 rows, of 5, and of 1. Which one
# ends nearest to the exact fit?

# %% within="0.02" alt="Three contour maps of the loss over w and b, an oval valley with a hollow star at the exact fit, w 3.68 and b 12.28, and a black square at the end of the path. Left, all 20 rows: ten smooth steps, which leap to the valley floor and creep along it. Middle, batches of 5: forty steps along a slightly shaky line, closer to the star. Right, single rows: two hundred steps, a jagged path that ends in a tangle at the star."
ww, bb = torch.meshgrid(torch.linspace(-1, 9, 100), torch.linspace(-1, 17, 100), indexing="xy")
height = ((ww[..., None] * kg[:, 0] + bb[..., None] - cm[:, 0]) ** 2).mean(-1)
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.3), sharey=True)
for ax, size in zip(axes, (20, 5, 1), strict=True):
    walk = batch_path(kg, cm, size, epochs=10, lr=0.1)
    far = (walk[-1] - exact.flatten().flip(0)).norm().item()
    ax.contour(ww, bb, height, levels=[1, 4, 12, 30, 70, 140, 240], colors="#9bb8cc", linewidths=0.9)
    ax.plot(walk[:, 0], walk[:, 1], "o-", color="C1", markersize=2.5, linewidth=0.9)
    ax.plot(exact[1], exact[0], "*", color="C0", markersize=15, markerfacecolor="none")
    ax.plot(*walk[-1], "s", color="#222222", markersize=4)
    ax.set(xlabel="w (cm per kg)", title=f"batches of {size}: {len(walk) - 1} updates")
    print(f"batches of {size:2}: {len(walk) - 1:3} updates, {far:.2f} from the exact fit")
axes[0].set_ylabel("b (cm)")
plt.show()
long = batch_path(kg, cm, 20, epochs=200, lr=0.1)
far = (long[-1] - exact.flatten().flip(0)).norm().item()
print(f"batches of 20, but 200 epochs: {len(long) - 1} updates, {far:.2f} from the exact fit")

# %% [markdown]
# *The path of (w, b) on the loss surface in ten epochs, from the lower left to the black square; the hollow
# star is the exact fit: ten calm steps, forty shaky ones, two hundred wild ones.* Small batches get more steps
# out of the same ten epochs, and that is what wins here. With 200 updates as well, the full batch ends nearer still (last line), but it reads the table 200
# times for that. Every step of a small batch is noisier. How long does the trembling last?

# %% within="0.01"
for lr in (0.1, 0.01):
    ends_of = [batch_path(kg, cm, 1, 150, lr, seed)[-1000:] for seed in range(3)]
    told = [round(late.std(dim=0).norm().item(), 2) for late in ends_of]
    print(f"single rows, lr {lr}: in three runs the last 1000 steps spread by {told}")

# %% [markdown]
# It never ends: the walk only settles into a ball around the bottom. A smaller rate makes a smaller ball, so many
# recipes lower `lr` toward the end.

# %% [markdown] tags=["deeper"]
# ## What `eval()` changes: dropout and BatchNorm
#
# `nn.Sequential` runs its parts in turn: a `Linear` from 1 number to 64, `ReLU`, which sets the negative ones to
# zero, `Dropout`, and a `Linear` back to 1. Train five such networks on springs with a hundred loads each, and
# measure each in four ways.

# %% within="0.02"
def dropout_net(seed):
    """1 → 64 → 1, with dropout: the same parameters for the same seed."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 1))


rows = []
for seed in range(5):
    (x, y), (x_new, y_new) = hang(100, seed=10 + seed), hang(1000, seed=20 + seed)
    own = make_loader(x - 1, y - 16, batch_size=16, shuffle=True)  # loads and lengths around 0
    new = make_loader(x_new - 1, y_new - 16, batch_size=500)
    net = dropout_net(seed)
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)  # steps that agree add up
    history = fit(net, own, loss_fn, optimizer, epochs=40)
    measured = [evaluate(net, part, loss_fn)["loss"] for part in (own, new)]
    net.train()  # dropout at work, but nothing moves any more
    with torch.inference_mode():
        shaken = np.mean([loss_fn(net(x - 1), y - 16).item() for _ in range(20)])
    rows.append([history["loss"][-1], shaken, *measured])
gaps = [learning - afterwards for learning, _, afterwards, _ in rows]
ways = "while learning", "then, dropout still on", "measured afterwards", "new loads"
for name, told in zip(ways, np.transpose(rows), strict=True):
    print(f"{name:22} {np.mean(told):.2f} ± {np.std(told):.2f}")
print(f"the first less the third, in each of five: {[round(gap, 2) for gap in gaps]}")
assert min(gaps) > 0.01

# %% [markdown]
# (Here ± is the spread over five networks, each with a spring of its own.) A training loss *above* the validation loss looks like magic, but it is not. The training
# loss is measured with dropout at
# work and while the parameters are still moving. Measured afterwards, in evaluation mode, the same rows come out
# lower every time. The second row tells the two causes apart: nothing moves there, and only dropout is left.
#
# `BatchNorm` is stricter. In training mode it normalizes each column with the mean and spread of *the batch*, so it cannot work on a single row: one number has no
# spread. (It also keeps a running mean and a running variance of what it has seen, for use in evaluation mode.)

# %%
torch.manual_seed(0)
norm_net = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
with expect_error(ValueError):
    norm_net(kg_valid[:1])

# %% [markdown]
# You will meet this error when you try a single row on a freshly trained model. The fix is `eval()`. The
# silent version is worse.
#
# **Predict before you run:** you measure in training mode, inside `inference_mode`. Can that change the
# model?

# %% within="0.02"
loads = kg_valid.sort(dim=0).values  # the lightest first
before = norm_net[1].running_mean.clone()
for mode in ("train", "eval"):
    norm_net.train(mode == "train")
    with torch.inference_mode():
        among_all, among_four = norm_net(loads)[0].item(), norm_net(loads[:4])[0].item()
    moved = (norm_net[1].running_mean - before).abs().max().item()
    before = norm_net[1].running_mean.clone()
    print(f"{mode:5}  row 0 among 20: {among_all:.2f}, among 4: {among_four:.2f}")
    print(f"       running mean moved by {moved:.2f}")
    assert (abs(among_all - among_four) > 0.3) == (mode == "train")

# %% [markdown]
# It can. It is not a gradient that moves the running statistics, it is the forward pass. Your validation data have
# leaked into the model, and the prediction for one row depended on the other rows of its batch: row 0 got two answers.
#
# And if you call `eval()` after epoch 1 and never `train()` again, what is left of dropout?

# %% within="0.1"
net = dropout_net(seed=0)
for epoch in (1, 2, 3):
    outputs = [net(kg) for _ in range(2)]  # stands for the training part: no net.train() here
    off = (outputs[0] - outputs[1]).abs().max().item()
    print(f"epoch {epoch}: two passes differ by up to {off:.1f}")
    net.eval()  # … and the measuring part

# %% [markdown]
# Only the first epoch had dropout, and nothing crashes. That is why `train()` stands *inside* the epoch loop.

# %% [markdown] tags=["deeper"]
# ## A curve with five numbers, five ways
#
# A dial is read a hundred times in ten hours, with hours scaled to $z = (\text{hour} - 5) / 5$. Its truth is a
# polynomial, $y = b + w_1z + w_2z^2 + w_3z^3 + w_4z^4$. Is that still *linear* regression? Yes, in the **parameters**:
# put the powers into the table, and `lstsq` can do it.

# %% within="0.001"
def readings(n, seed, truth, noise=0.1):
    """n noisy readings of the polynomial ``truth``: z (n, 1) in [-1, 1] and y (n, 1), 64-bit."""
    rng = torch.Generator().manual_seed(seed)
    z = 2 * torch.rand(n, 1, generator=rng, dtype=torch.float64) - 1
    y = z ** torch.arange(len(truth)) @ truth[:, None]
    return z, y + noise * torch.randn(n, 1, generator=rng, dtype=torch.float64)


dial = torch.tensor([0.5, -1.0, -2.0, 2.0, 2.5], dtype=torch.float64)  # b, w1 … w4
z, y = readings(100, seed=0, truth=dial)
powers = z ** torch.arange(5)  # (N, 5): 1, z, z², z³, z⁴
verdict = fit_poly(z, y, degree=4)  # (5,), the exact fit
floor = poly_error(verdict, z, y)
print("exact fit:", [round(v, 3) for v in verdict.tolist()], f"  loss {floor:.4f}")

# %% [markdown]
# No polynomial of degree 4 has a smaller loss on these readings than 0.0107. The noise has a spread of 0.1, whose
# square is 0.01. Nobody can predict that part, and a loop that says `while loss > 0.001` would never stop.
#
# ### "Until the loss is small"
#
# The classic version of this exercise has that loop, and it stops, because its points are *without noise*. What has the
# program learned by then?

# %% within="0.02"
coefs = torch.zeros(5, dtype=torch.float64)
clean, loss = powers @ dial, math.inf
while loss > 1e-3:
    errors = powers @ coefs - clean
    loss = (errors**2).mean().item()
    coefs -= 0.5 * 2 * powers.T @ errors / len(errors)
print("learned:", [round(v, 2) for v in coefs.tolist()])
print("truth:  ", dial.tolist())
assert floor > 1e-3

# %% [markdown]
# Two of the coefficients are still off by about 0.35: a small loss means small errors *on the points*, and $z^2$
# and $z^4$ look much alike between −1 and 1. So stop when a step **lowers the loss by less than a billionth**, which
# needs no guess about the noise (it does need a sensible `lr`: if that is tiny, even the first step lowers the loss by less). But beware: a step that
# *raises* the loss lowers it by less than a billionth, too, and
# a rule that does not tell the two apart calls a divergence finished.

# %%
def settled(before, loss, least=1e-9):
    """Has a step lowered the loss by less than ``least``? Raises if the loss went up."""
    if not loss <= before + least:  # also when it is nan
        raise FloatingPointError(f"the loss rose from {before:.2f} to {loss:.2f}: lr is too large")
    return before - loss < least

# %% [markdown]
# ### Why the hours had to be scaled
#
# The steepest curvature limits `lr`, and the flattest direction has to make do with that rate. The ratio of the two
# curvatures is the *condition number*.
#
# **Predict before you run:** hours from 0 to 10, their fourth power up to 10,000. By which factor does the
# ratio grow?

# %% within="0.02"
conditions = []
for name, column in (("z from -1 to 1", z), ("hours, 0 to 10", 5 + 5 * z)):
    raised = column ** torch.arange(5)
    low, *_, high = torch.linalg.eigvalsh(2 * raised.T @ raised / len(raised)).tolist()
    conditions.append(high / low)
    print(f"{name}:  lr below {2 / high:.1g}   condition number {float(f'{high / low:.2g}'):,.0f}")
print(f"the second is {conditions[1] / conditions[0] / 1e6:.1f} million times the first")

# %% [markdown]
# By more than two million, and the number of steps grows with it. **Scale your inputs** before you suspect the loop or the
# model.
#
# ### First way: NumPy, gradients by hand
#
# The five programs share the start (zeros), `lr = 0.5` and the rule for stopping. In the first, nothing is hidden:

# %%
def fit_numpy(powers, y, lr=0.5, most=10_000):
    """powers (N, 5), y (N, 1) → coefficients (5,), steps."""
    P, t = powers.numpy(), y.flatten().numpy()
    coefs, before = np.zeros(P.shape[1]), math.inf
    for step in range(most):
        errors = P @ coefs - t
        loss = (errors**2).mean()
        if settled(before, loss):
            break
        before = loss
        coefs -= lr * 2 * P.T @ errors / len(t)
    return torch.from_numpy(coefs), step

# %% [markdown]
# ### Second way: tensors
#
# Hardly a letter changes when you replace NumPy's arrays by tensors.

# %%
def fit_tensors(powers, y, lr=0.5, most=10_000):
    """The same with tensors; the gradient is still written by hand."""
    t = y.flatten()
    coefs, before = torch.zeros(powers.shape[1], dtype=powers.dtype), math.inf
    for step in range(most):
        errors = powers @ coefs - t
        loss = (errors**2).mean().item()
        if settled(before, loss):
            break
        before = loss
        coefs -= lr * 2 * powers.T @ errors / len(t)
    return coefs, step

# %% [markdown]
# ### Third way: autograd
#
# The formula for the gradient goes out; `requires_grad`, `backward`, `no_grad` and the clearing come in.

# %%
def fit_autograd(powers, y, lr=0.5, most=10_000):
    """The same; autograd finds the gradient."""
    coefs = torch.zeros(powers.shape[1], dtype=powers.dtype, requires_grad=True)
    before = math.inf
    for step in range(most):
        loss = ((powers @ coefs - y.flatten()) ** 2).mean()
        if settled(before, loss.item()):
            break
        before = loss.item()
        loss.backward()
        with torch.no_grad():
            coefs -= lr * coefs.grad
        coefs.grad = None
    return coefs.detach(), step

# %% [markdown]
# ### Fourth way: `nn`
#
# `nn.Linear(4, 1)` has a bias of its own, so the column of ones goes. Its predictions are a column, as `y` is.

# %%
def fit_nn(powers, y, lr=0.5, most=10_000):
    """The same; a module holds the numbers, a loss function compares."""
    model, loss_fn, before = zero_line(4, y.dtype), nn.MSELoss(), math.inf
    for step in range(most):
        loss = loss_fn(model(powers[:, 1:]), y)
        if settled(before, loss.item()):
            break
        before = loss.item()
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p -= lr * p.grad
                p.grad = None
    return torch.cat([model.bias, model.weight[0]]).detach(), step

# %% [markdown]
# ### Fifth way: `nn` and `optim`

# %%
def fit_optim(powers, y, lr=0.5, most=10_000):
    """The same; library parts only."""
    model, loss_fn, before = zero_line(4, y.dtype), nn.MSELoss(), math.inf
    optimizer = optim.SGD(model.parameters(), lr=lr)
    for step in range(most):
        loss = loss_fn(model(powers[:, 1:]), y)
        if settled(before, loss.item()):
            break
        before = loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.cat([model.bias, model.weight[0]]).detach(), step

# %% [markdown]
# Five programs. Are they the same program? And what do they say to a tiny rate, or one above the limit?

# %% within="0.01"
five = {f.__name__: f(powers, y) for f in (fit_numpy, fit_tensors, fit_autograd, fit_nn, fit_optim)}
first = five["fit_numpy"][0]
for name, (found, step) in five.items():
    print(f"{name:13} {step} steps, off from the first by {(found - first).abs().max().item():.6f}")
    assert torch.allclose(found, first, atol=1e-6)
print("lr 1e-9 stops after step", fit_numpy(powers, y, lr=1e-9)[1])
with expect_error(FloatingPointError):
    fit_numpy(powers, y, lr=2.0)

# %% [markdown]
# They find the same five numbers after the same number of steps: the library adds no magic. But the *loop* of the last program knows nothing of what is inside the
# model. Put a network with a billion parameters in the line that makes it, and `zero_grad`, `backward` and `step` stay as they are.
#
# ### Learned and true, side by side

# %% within="0.003"
names = ["", " z", " z²", " z³", " z⁴"]
for name, coefs in (("learned", first), ("exact fit", verdict), ("truth", dial)):
    terms = [f"{v:+.3f}{power}" for v, power in zip(coefs.tolist(), names, strict=True)]
    print(f"{name:9} y = {' '.join(terms)}")

# %% [markdown]
# What was learned agrees with the exact fit to 0.005. Both miss the truth by up to 0.07; that is the noise. Now watch the
# training happen, in a picture whose lines will move:

# %%
def live_picture(z, y, at, truth, floor):
    """An empty fit beside an empty loss curve: figure, curve, trail."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
    true = at ** torch.arange(len(truth)) @ truth
    left.plot(5 + 5 * z, y, "o", color=TRAIN, markersize=3, alpha=0.6, label="readings")
    (curve,) = left.plot(5 + 5 * at, 0 * at, color="C1", linewidth=2.5, label="learned")
    left.plot(5 + 5 * at, true, "--", color="#222222", linewidth=1, label="truth")
    left.set(xlabel="hour", ylabel="dial", ylim=(-1, 2.5))
    left.legend()
    (trail,) = right.loglog([1], [1], color=TRAIN, label="the walk")
    right.axhline(floor, color="#222222", linestyle="--", linewidth=1, label="the exact fit")
    right.set(xlabel="step", ylabel="loss", xlim=(1, 2000), ylim=(0.006, 0.6))
    right.legend()
    return fig, curve, trail

# %% [markdown]
# The next cell redraws them eleven times while it trains.

# %% within="0.0005" alt="Two panels, shown as they stand at the end of training. Left: a hundred blue noisy readings over ten hours, the learned orange curve through them and the dashed dark true curve on top of it, hardly apart. Right: loss against step on logarithmic axes, falling from about 0.3 until it lies on the dashed line of the exact fit's loss at 0.0107."
model, track, at = zero_line(4, y.dtype), [], torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
optimizer = optim.SGD(model.parameters(), lr=0.5)
fig, curve, trail = live_picture(z, y, at, dial, floor)
(screen := DisplayHandle()).display(fig)  # a picture on the page that can be replaced
for step in range(1, 1601):
    loss = F.mse_loss(model(powers[:, 1:]), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    track.append(loss.item())
    if step in (1, 3, 6, 12, 25, 50, 100, 200, 400, 800, 1600):
        curve.set_ydata(model(at ** torch.arange(1, 5)).detach())
        trail.set_data(range(1, step + 1), track)
        screen.update(fig)
plt.close(fig)
for step in (400, 800, 1600):
    print(f"after {step:4} steps: loss {track[step - 1] - floor:.4f} above the exact fit's")

# %% [markdown]
# *On the left the readings, the true curve and the learned one on top of it; on the right the loss, which comes down
# to the exact fit's line and cannot cross it.* After 800 steps the loss is within 0.0001 of that line; what comes later, you cannot see in the picture.

# %% [markdown] tags=["deeper"]
# ## Six ways down
#
# Fit the same kind of curve, this time without noise, so that the best possible loss is zero. Its loss surface is a
# long canyon, and plain descent pays for it with many steps. Here is plain descent, and five ideas for paying less:
#
# | optimizer | idea, in a line |
# |---|---|
# | `SGD` | `p -= lr * grad` |
# | `SGD(momentum=0.9)` | `v = 0.9 * v + grad`, then `p -= lr * v`: steps that agree add up |
# | `Adagrad` | divide each parameter's step by the root of the **sum** of its squared gradients |
# | `RMSprop` | divide by the root of a **running mean** of them, so that it does not die out |
# | `Adam` | RMSprop with momentum, and a correction for the first steps |
# | `LBFGS` | estimates the curvature from past gradients, and leaps to where the bottom should be |
#
# `LBFGS` computes the loss several times per step, so it asks for a function that it can call:

# %%
with expect_error(TypeError):
    optim.LBFGS(zero_line().parameters()).step()

# %% [markdown]
# The fix is a *closure*: a function that clears the gradients, computes the loss, calls `backward` and returns the
# loss. You hand it to `step`. All optimizers accept one. A fair race counts **gradients**, not steps: each runner may
# ask for 300.

# %%
def compete(make, lr, X, y, gradients=300):
    """The loss at each of the first ``gradients`` evaluations, starting from zeros."""
    model, losses = zero_line(X.shape[1], X.dtype), []
    optimizer = make(model.parameters(), lr=lr)

    def closure():
        optimizer.zero_grad()
        loss = F.mse_loss(model(X), y)
        loss.backward()
        losses.append(loss.item())
        return loss

    while len(losses) < gradients:
        optimizer.step(closure)
    return losses[:gradients]

# %% [markdown]
# Each runner gets *its own* best learning rate out of six: the one that needs the fewest gradients until the loss is
# below 0.0001 (or, if none gets there, the one with the lowest final loss).

# %% within="1"
runners = {
    "SGD": optim.SGD,
    "momentum": partial(optim.SGD, momentum=0.9),
    "Adagrad": optim.Adagrad,
    "RMSprop": optim.RMSprop,
    "Adam": optim.Adam,
    "LBFGS": partial(optim.LBFGS, line_search_fn="strong_wolfe"),  # tries several step lengths
}
grid = torch.linspace(-1, 1, 100, dtype=torch.float64)[:, None] ** torch.arange(1, 5)  # (100, 4)
heights = 0.5 + grid @ torch.tensor([[-1.0], [-2.0], [2.0], [2.5]], dtype=torch.float64)
padded = F.pad(grid, (1, 0), value=1.0)  # with the column of ones
low, *_, high = torch.linalg.eigvalsh(padded.T @ padded).tolist()
print(f"curved {high / low:.0f} times more sharply across than along")

# %% [markdown]
# **Predict before you run:** who needs the fewest gradients, and who the most?

# %% within="8"
def arrival(losses, goal):
    """(gradients until the loss is below goal, or infinity; the last loss)."""
    return next((n for n, loss in enumerate(losses, 1) if loss < goal), math.inf), losses[-1]


best = {}
for name, make in runners.items():
    tried = {lr: compete(make, lr, grid, heights) for lr in (0.01, 0.03, 0.1, 0.3, 0.8, 2.0)}
    arrivals = {lr: arrival(losses, 1e-4) for lr, losses in tried.items()}
    lr = min(arrivals, key=arrivals.get)
    best[name] = (lr, tried[lr])
    needed = arrivals[lr][0]
    print(f"{name:9}", "not there after 300" if needed == math.inf else f"there after {needed} gradients")

# %% alt="Loss on a logarithmic axis down to 0.0000000001, against the number of gradients, 0 to 300, six curves and a dotted line at 0.0001, the goal. LBFGS drops like a stone within fifteen gradients. Momentum and Adam fall side by side in shaky straight lines and leave the picture near 200. RMSprop falls more slowly, with two tall bumps where it jumps up and comes back. Adagrad is slower, plain SGD the slowest: a gently sloping line."
plt.figure(figsize=(7, 3.5))
for n, (name, (lr, losses)) in enumerate(best.items()):
    gap = np.clip(losses, 1e-12, None)
    plt.semilogy(gap, color=f"C{n}", ls=["-", "--", "-.", ":", "-", "-"][n], label=f"{name}, lr {lr}")
plt.axhline(1e-4, color="#222222", linewidth=1, linestyle=":", label="the goal")
plt.ylim(1e-10, 10)
plt.xlabel("gradients asked for")
plt.ylabel("loss")
plt.title("Six ways down one canyon")
plt.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# *The loss, gradient by gradient, each optimizer with its best rate of six.* `LBFGS`
# needs fewer than twenty: a bowl is what it was made for. Plain SGD and Adagrad have not arrived after 300. RMSprop's
# bumps come from its divisor: it shrinks with the slopes, until a step is too long. (So the printed count is a first visit: a later bump lifts the loss above the
# goal again.) This is no ranking for
# other problems: this one is small, has one bottom, and its gradients have no noise. `LBFGS` is hardly used with
# mini-batches, because it trusts that two gradients come from the same loss. Two things carry over: momentum pays off in canyons (alone, or inside of Adam; adaptive
# rates without it gained far less here), and **a comparison counts only if each optimizer had its own search for a
# learning rate**.

# %% [markdown] tags=["deeper"]
# ## When the usual split is wrong
#
# The usual shares are 60–80 % training, 10–20 % validation, 10–20 % test. That habit suits a few thousand similar,
# independent rows. It is wrong in four cases: tiny data, huge data, grouped rows, rows in time.
#
# **Tiny and huge data.** How finely a test set can measure depends on its number of rows, not on its share. Measure a
# model that is right in 90 of 100 cases on a thousand test sets of each size:

# %% within="1"
torch.manual_seed(0)
for rows in (10, 100, 1000, 10_000):
    scores = torch.binomial(torch.full((1000,), float(rows)), torch.tensor(0.9).expand(1000)) / rows
    low, high = scores.quantile(torch.tensor([0.025, 0.975])).tolist()
    print(f"{rows:6} test rows: 95 of 100 measurements lie between {100 * low:.0f} % and {100 * high:.0f} %")

# %% [markdown]
# With 100 rows, a test set of 10 may call a model of 90 % anything from 70 % to 100 %. Then let every row be in the test part once: that is
# *cross-validation* (lesson 05 works with it). Here it judges the spring's degrees on the twenty loads alone, four
# at a time:

# %% within="0.02"
parts = torch.randperm(20, generator=torch.Generator().manual_seed(0)).split(4)
for degree in (0, 1, 2, 4):
    told = []
    for test in parts:
        rest = torch.tensor([row for row in range(20) if row not in test])
        told.append(poly_error(fit_poly(kg[rest] - 1, cm[rest], degree), kg[test] - 1, cm[test]))
    print(f"degree {degree}: {np.mean(told):.2f}, the five parts from {min(told):.2f} to {max(told):.2f}")

# %% [markdown]
# Degree 1 has the smallest error, as it had on new data. Look at the ranges: a single part could crown degree 1, 2 or 4, so compare the means.
#
# With ten million rows, ten thousand tell you the accuracy within a percent, and 20 % would be two million rows lost.
#
# **Grouped rows.** Thirty people, ten measurements each, and a target that has *nothing* to do with the measurements,
# except that both belong to the same person. The model looks up the most similar row it has seen. You
# test it on a fifth of the rows: on rows drawn at random, or on all rows of six people. Two hundred such tables, so
# that luck averages out:

# %% within="0.02"
rng, told = torch.Generator().manual_seed(0), {"rows at random": [], "whole people": []}
person = torch.arange(30).repeat_interleave(10)
for _ in range(200):
    body = torch.randn(30, 3, generator=rng)[person] + 0.05 * torch.randn(300, 3, generator=rng)
    target = torch.randn(30, generator=rng)[person]
    tests = torch.randperm(300, generator=rng)[:60], torch.arange(240, 300)
    for name, test in zip(told, tests, strict=True):
        known = torch.ones(300, dtype=torch.bool).index_fill(0, test, False)
        nearest = torch.cdist(body[test], body[known]).argmin(dim=1)
        guesses = target[known][nearest], target[known].mean()
        told[name].append([(g - target[test]).pow(2).mean().item() for g in guesses])
for name, pairs in told.items():
    found, average = np.mean(pairs, axis=0)
    print(f"{name:15} error {found:.2f}   (always the mean of training: {average:.2f})")

# %% [markdown]
# When you split by rows, the model recognizes *people*. When you split by people, it is twice as bad as the mean: it
# trusts a stranger's number. Ask what will be new in real use, another row of a known person or a new person, and
# split in the same way.
#
# **Time.** A quantity wanders for 200 days, in a hundred such series. A cubic is fitted to 160 of the days and tested on
# the other 40, which lie at random *between* the training days, or after them, as in real use.

# %% within="1"
rng = torch.Generator().manual_seed(0)
day = torch.linspace(-1, 1, 200, dtype=torch.float64)[:, None]
errors = {"a random fifth": [], "the last fifth": []}
for _ in range(100):
    level = torch.randn(200, 1, generator=rng, dtype=torch.float64).cumsum(dim=0)
    for name, rows in zip(errors, (torch.randperm(200, generator=rng), torch.arange(200)), strict=True):
        coefs = fit_poly(day[rows[:160]], level[rows[:160]], degree=3)
        errors[name].append(poly_error(coefs, day[rows[160:]], level[rows[160:]]))
for name, values in errors.items():
    print(f"tested on {name}: median error {torch.tensor(values).median():.0f}")

# %% [markdown]
# A random split measures how well you fill gaps. It says nothing about the future. For rows that are alike, independent and without an order in time, the
# random split is right; here it is.
#
# ### Exercise linear-8 · difficulty 2 · 4 minutes
# Write `three_way(n, shares, seed)`: shuffle the row numbers 0 … n − 1 and cut them into three index tensors,
# training, validation, test. `shares` are the first two shares, e.g. `(0.7, 0.15)`; round each of the two
# sizes down, and give the test set **all the rest**. The same seed gives the same split.
#
# <details><summary>Hint 1</summary>Shuffle once, cut twice. <code>torch.randperm</code> takes a <code>generator</code>.</details>
# <details><summary>Hint 2</summary><code>order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))</code>, then slices.</details>

# %% tags=["exercise"] id="linear-8" objective="judge"
def three_way(n: int, shares: tuple[float, float], seed: int) -> tuple:
    """Return (train, valid, test): three integer tensors that share no row and miss none."""
    ### BEGIN SOLUTION
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    a = int(n * shares[0])
    b = a + int(n * shares[1])
    return order[:a], order[a:b], order[b:]
    ### END SOLUTION

# %% tags=["check"]
with check("linear-8") as c:
    cuts = [c.attempted(three_way(105, (0.7, 0.15), seed=seed)) for seed in (3, 3, 4)]
    c.kind(cuts[0], tuple[torch.Tensor, ...], list[torch.Tensor])
    rows, again, other = [torch.cat(tuple(cut)).tolist() for cut in cuts]
    c.equal([len(p) for p in cuts[0]], [73, 15, 17], mistakes=[([74, 16, 15], "round down"),
            ([73, 15, 15], "the rest is missing"), ([73, 16, 16], "round down both sizes"),
            ([73, 0, 90], "the second slice ends at a + b")])
    bad = {"rows twice": len({*rows}) < 105, "not shuffled": max(rows[:73]) < 73 or min(rows[88:]) > 87,
           "another split with the same seed": rows != again, "one split for two seeds": rows == other}
    c.equal([word for word in bad if bad[word]], [], because="every row once, and the seed decides")
    cut = three_way(57, (0.5, 0.3), seed=9)
    c.equal([len(p) for p in cut], [28, 17, 12], because="two tables, two pairs of shares",
            mistakes=[([39, 8, 10], "0.7 and 0.15 were the example: use shares")])
    c.equal(torch.cat(tuple(cut)).sort().values, torch.arange(57), because="no row is lost")

# %% [markdown] tags=["solution"]
# One permutation, cut in two places, cannot overlap and cannot lose a row.

# %% [markdown] tags=["instructor"]
# **Watch for** `torch.manual_seed(seed)` inside the function: it works, and resets everybody else's random numbers.
# **Ask:** what must change for grouped rows? (Shuffle the groups, then take their rows.)

# %% [markdown] tags=["deeper"]
# ## Keep what you have learned
#
# The numbers of a model are in `state_dict`, a dict from names to tensors. Write it to a file, make a fresh model, load.
# (Saved parameters are often called *weights*.) `weights_only=True` is the default since torch 2.6; write it anyway,
# for older versions.

# %% within="0.01"
holder = tempfile.TemporaryDirectory()
folder = Path(holder.name)
path = folder / "spring.pt"
print({name: tuple(tensor.shape) for name, tensor in line.state_dict().items()})
torch.save(line.state_dict(), path)

torch.manual_seed(0)
fresh = nn.Linear(1, 1)  # random parameters
print(f"before loading, off by up to {(fresh(kg) - line(kg)).abs().max().item():.2f} cm")
print(fresh.load_state_dict(torch.load(path, weights_only=True)))
print(f"after loading,  off by up to {(fresh(kg) - line(kg)).abs().max().item()} cm")
with expect_error(RuntimeError):
    nn.Linear(3, 1).load_state_dict(torch.load(path, weights_only=True))

# %% [markdown]
# The predictions are equal to the last bit. If the fresh model has another shape, the error names what differs.
# To *continue* training later, save the optimizer's `state_dict` as well: `utils.save_checkpoint` does both.
#
# ### Why a pickle from a stranger is a program
#
# `torch.save(model)` without `.state_dict()` pickles the whole object. A pickle is a list of instructions for
# rebuilding an object, and any class can say what those are, in `__reduce__`. This one says: call `print`.

# %%
class Gift:
    def __reduce__(self):
        return print, ("This line ran while the file was being read.",)


trap = folder / "great_weights.pt"
torch.save({"layer.weight": torch.zeros(3), "extra": Gift()}, trap)
loaded = torch.load(trap, weights_only=False)
print("and the parameters are there, too:", loaded["layer.weight"].tolist())

# %% [markdown]
# You asked for parameters, and somebody else's function ran on your machine. It could have been any function:
# delete, upload, install. The parameters arrive as promised. Now with the guard, for this file and for a model that was
# pickled whole:

# %%
torch.save(line, folder / "whole.pt")
for file in (trap, folder / "whole.pt"):
    try:
        torch.load(file, weights_only=True)
    except pickle.UnpicklingError as error:
        rows = [row.strip() for row in str(error).splitlines()]
        said = next(row for row in rows if row.startswith("WeightsUnpickler"))
        print(f"{file.name}: {said.split(' was ')[0]}")
    else:
        raise AssertionError("weights_only=True should have refused this file")
holder.cleanup()  # the temporary folder is gone, the trap with it

# %% [markdown]
# Both are refused before anything runs: `weights_only=True` rebuilds tensors and plain containers only, and a class is
# a program. It is a guard, not a wall. Up to torch 2.5 a crafted file could run code in spite of it
# ([CVE-2025-32434](https://nvd.nist.gov/vuln/detail/CVE-2025-32434)), and before 2.10 one could corrupt memory
# ([CVE-2026-24747](https://nvd.nist.gov/vuln/detail/CVE-2026-24747)). So keep torch up to date, and load files only
# from people whom you know.
#
# ### Exercise linear-9 · difficulty 1 · 2 minutes
# Write `save_and_reload(model, fresh, path)`: save the parameters of `model` to the file `path`, load them
# from that file into `fresh`, safely, and return `fresh`.
#
# <details><summary>Hint 1</summary><code>state_dict()</code> returns them, by name.</details>
# <details><summary>Hint 2</summary><code>torch.save(…, path)</code>, <code>torch.load(path, weights_only=True)</code>, <code>fresh.load_state_dict(…)</code>.</details>

# %% tags=["exercise"] id="linear-9" objective="keep"
def save_and_reload(model: nn.Module, fresh: nn.Module, path: Path) -> nn.Module:
    """Move the parameters of ``model`` into ``fresh`` by way of a file; return ``fresh``."""
    ### BEGIN SOLUTION
    torch.save(model.state_dict(), path)
    fresh.load_state_dict(torch.load(path, weights_only=True))
    return fresh
    ### END SOLUTION

# %% tags=["check"]
with check("linear-9") as c, patch.object(torch, "load", wraps=torch.load) as load:
    for make, name in ((partial(nn.Linear, 4, 1), "mine.pt"), (partial(nn.LayerNorm, 3), "norm.weights")):
        mine, other, file = make(), make(), Path(tempfile.mkdtemp()) / name
        nn.init.normal_(mine.weight)
        before, _ = str(mine.state_dict()), load.reset_mock()
        got = c.attempted(save_and_reload(mine, other, file))
        bad = {"no file: torch.save is first": not file.exists(), "not read: torch.load(path)": not load.called,
               "a whole model: state_dict()": file.exists() and b"torch.nn.modules" in file.read_bytes(),
               "unsafe: weights_only=False": load.called and load.call_args.kwargs.get("weights_only") is False,
               "other weights": before != str(other.state_dict()), "not fresh": got is not other,
               "the model itself has changed": before != str(mine.state_dict())}
        c.equal([word for word in bad if bad[word]], [], because="written, read, same weight, same bias")

# %% [markdown] tags=["solution"]
# `load_state_dict` copies numbers into the existing parameters. So an optimizer that holds them goes on
# holding the right ones.

# %% [markdown] tags=["instructor"]
# **Ask:** who has ever run `torch.load` on a downloaded file? (Before 2.6 everything ran.)

# %% [markdown] tags=["deeper"]
# ## Old code you will meet
#
# | you meet | write today | why it changed |
# |---|---|---|
# | `nn.MSELoss(size_average=False)` | `nn.MSELoss(reduction="sum")` | two flags for one three-way choice |
# | `Variable(torch.Tensor([[1.0], [2.0]]))` | `torch.tensor([[1.0], [2.0]])` | tensors carry their own graph |
# | `loss.data[0]`, `total += loss` | `loss.item()` | a loss has no dimension; a number drags no graph |
# | `w.data = w.data - lr * w.grad.data` | `optimizer.step()` | `.data` hides the change from autograd |
# | `torch.gels(y, X)`, `torch.lstsq(y, X)` | `torch.linalg.lstsq(X, y)` | removed; the arguments have changed places |
# | `torch.load(path)` before 2.6 | `torch.load(path, weights_only=True)` | the old default ran whatever was in the file |
# | `torch.save(model, path)` | `torch.save(model.state_dict(), path)` | the pickle breaks when a class moves, and it's a program |
# | `y_pred = model.forward(x)` | `model(x)` | the call also runs hooks |
#
# Two of these old spellings say so themselves:

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(nn.MSELoss(size_average=False).reduction, "←", str(caught[0].message).split(", ")[0])
try:
    torch.lstsq(cm, table)
except RuntimeError as error:
    print(str(error).split(". ")[0])
