# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Linear regression
#     summary: the training loop line by line, batches and their noise, a race of optimizers, an honest split
#     path: "One neuron, its loop line by line, what breaks without each line, and a fit that is judged honestly."
#     needs: [02_autograd]
#     data: []
#     objectives:
#       gradient: write the gradient of a loss by hand, and choose and average a loss knowingly
#       batches: count the updates that a batch size gives you, and say what noise they carry
#       loop: write a training loop and a test loop from an empty cell, and say what breaks without each line
#       judge: choose a model by its validation error, and split a table so that the error can be believed
#       keep: save weights, load them into a fresh model, and refuse a file that is a program
# ---

# %% [markdown]
# Ten lines of Python train almost every network on earth. Today you write them, first for twenty weights on a spring,
# with nothing but tensors. Then you leave out one line at a time and watch what breaks. (Mostly nothing breaks
# visibly: there is no error, only wrong numbers.)
#
# The picture this lesson is heading for is a curve through a hundred noisy readings, $y = b + w_1x + w_2x^2 +
# w_3x^3 + w_4x^4$. Five programs fit it; the first takes its gradients by hand, the last is made of library
# parts only. All of them must print **the same five numbers**, and a judge who uses no gradient tells you how
# good these are.

# %%
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

from utils import check, evaluate, expect_error, fit, make_loader
from utils.plotting import TRAIN, VALID

plt.style.use("utils.course")

# %% [markdown]
# Every training story in this course has the same four steps: **prepare data, design the model, choose
# loss and optimizer, train and judge**.

# %% [markdown]
# ## Prepare data
#
# You hang twenty weights on a spring and measure it. It is 12 cm long and grows 4 cm for each kilogram, but
# you do not know that. Your readings are off by about half a centimeter.

# %%
torch.manual_seed(0)
kg = 2 * torch.rand(20, 1)  # (N, 1): one row a measurement, one column a feature
cm = 12 + 4 * kg + 0.5 * torch.randn(20, 1)  # (N, 1)
print(kg.shape, cm.shape)
for weight, length in zip(kg[:3], cm[:3], strict=True):
    print(f"{weight.item():.2f} kg: {length.item():.1f} cm")

# %% [markdown]
# Rows are measurements, columns are what you know about each. One column stays a column: `(20, 1)`, not
# `(20,)`.

# %% [markdown]
# ## Design the model
#
# The model is a straight line, $\hat y = w\,x + b$. It has two numbers to learn, both zero for now.

# %%
w = torch.zeros(1, requires_grad=True)
b = torch.zeros(1, requires_grad=True)

# %% [markdown]
# ## Choose loss and optimizer
#
# The loss is the mean squared error, $L = \frac1N\sum_i(\hat y_i - y_i)^2$; the optimizer is lesson 02's
# walk, `w -= lr * w.grad`. As there, it diverges above $2/k$, where $k$ is the steepest curvature:

# %%
table = torch.cat([torch.ones_like(kg), kg], dim=1)  # (N, 2): what b and w are multiplied by
curvatures = torch.linalg.eigvalsh(2 * table.T @ table / len(table))  # of the loss's Hessian
print(f"curvatures {curvatures[0]:.2f} and {curvatures[1]:.2f}, so lr below {2 / curvatures[1]:.2f}")

# %% [markdown]
# So 0.1 is safe.

# %% [markdown]
# ## Train and judge
#
# Each step has five parts: forward, loss, backward, update, clear.

# %%
bare = []
for _ in range(200):
    prediction = kg * w + b  # the model
    loss = ((prediction - cm) ** 2).mean()  # the loss
    loss.backward()
    with torch.no_grad():  # the optimizer
        w -= 0.1 * w.grad
        b -= 0.1 * b.grad
    w.grad, b.grad = None, None
    bare.append(loss.item())
print("losses:", [round(bare[n], 3) for n in (0, 1, 10, 50, 199)])
print(f"w = {w.item():.3f}   b = {b.item():.3f}")

# %% [markdown]
# The line is about 3.70 x + 12.26. The truth is 4 and 12. Is something missing?

# %% [markdown]
# ## The judge
#
# For a straight line nobody has to walk. At the bottom of the bowl all slopes are zero; that is a system of
# linear equations, and `torch.linalg.lstsq` solves it. No training can get below this solution.
#
# **Predict before you run:** which line has the smaller loss on these points, the judge's or the true one?

# %%
judge = torch.linalg.lstsq(table, cm).solution  # (2, 1): b, then w
truth = torch.tensor([[12.0], [4.0]])
for name, line in (("judge", judge), ("truth", truth), ("walk", torch.stack([b, w]).detach())):
    loss = ((table @ line - cm) ** 2).mean().item()
    print(f"{name}: w = {line[1].item():.3f}   b = {line[0].item():.3f}   loss = {loss:.4f}")

# %% [markdown]
# The judge beats the truth: a fit bends toward the noise of *these* points. Keep three things apart: the truth, the
# best answer to the data, and how far your walk got. The walk is within 0.03 of the judge; the rest of its distance
# to the truth is noise, which no optimizer removes.

# %% alt="Twenty blue points of spring length in centimeters against weight in kilograms, rising from about 12 to about 20. An orange line, the walk's fit, goes through them; the dashed gray true line lies close to it, a little lower at the left and higher at the right."
ends = torch.tensor([[0.0], [2.0]])
plt.figure(figsize=(5.5, 3))
plt.plot(kg, cm, "o", color=TRAIN, markersize=5, label="measured")
plt.plot(ends, (w * ends + b).detach(), color="C1", label="fitted by the walk")
plt.plot(ends, 12 + 4 * ends, "--", color="#666666", linewidth=1.2, label="the truth")
plt.xlabel("weight (kg)")
plt.ylabel("length (cm)")
plt.legend()
plt.show()
assert (w - judge[1]).abs() < 0.03 and (b - judge[0]).abs() < 0.03

# %% [markdown]
# *Twenty measurements, the fitted line through their middle, and the true line close beside it.*
#
# ### Exercise linear-1 · difficulty 1 · 4 minutes
# Do autograd's work once. For $L = \frac1N\sum_i(w x_i + b - y_i)^2$, write `line_gradient(w, b, x, y)`: the
# two slopes $dL/dw$ and $dL/db$ as a pair, worked out by hand, without autograd (the check switches it off).
#
# <details><summary>Hint 1</summary>Call the error <code>e = w * x + b - y</code>. The square's derivative is 2e, times what stands next to the weight inside e.</details>
# <details><summary>Hint 2</summary>Next to <code>w</code> stands <code>x</code>, next to <code>b</code> stands 1. The mean stays a mean.</details>

# %% tags=["exercise"] id="linear-1" objective="gradient"
def line_gradient(w: float, b: float, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
    """Return (dL/dw, dL/db) of the mean squared error.  x, y: (N,)."""
    ### BEGIN SOLUTION
    e = w * x + b - y
    return (2 * e * x).mean().item(), (2 * e).mean().item()
    ### END SOLUTION

# %% tags=["check"]
with check("linear-1") as c, torch.no_grad():
    dw, db = c.attempted(line_gradient(2.0, 4.0, torch.tensor([1.0, 2, 3]), torch.tensor([7.0, 9, 14])))
    slips = {0.5: "the 2 of the square's derivative is missing", 3: "a sum: the loss is a mean",
             1.5: "the 2 and the mean are missing", -1: "the sign is turned: e is prediction minus y"}
    own = {-4: "that is dL/db: the pair is swapped, or x is missing", -26: "b is missing in e",
           -8: "multiply row by row, then average", -20: "next to w stands x alone",
           torch.tensor([-2.0, -4, -24]): "the mean is missing"}
    c.close(dw, -10, because="dL/dw = mean(2·e·x)", mistakes=own | {-10 * k: slips[k] for k in slips})
    c.close(db, -4, because="dL/db = mean(2·e)", mistakes={-10: "no x", -16: "next to b stands 1"} |
            {-4 * k: slips[k] for k in slips})

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
# The weight has the shape `(outputs, inputs)`. A `Parameter` is a tensor that the model knows by name and that
# requires a gradient from the beginning. It starts with a random value; for a fair comparison, set it to zero:

# %%
def zero_line():
    """nn.Linear(1, 1) with both numbers at zero."""
    line = nn.Linear(1, 1)
    nn.init.zeros_(line.weight)
    nn.init.zeros_(line.bias)
    return line

# %% [markdown]
# The update now works for any number of parameters:

# %%
model, with_linear = zero_line(), []
for _ in range(200):
    loss = ((model(kg) - cm) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= 0.1 * p.grad
            p.grad = None
    with_linear.append(loss.item())
print("same losses as bare:", np.allclose(with_linear, bare, rtol=1e-4))

# %% [markdown]
# Next come the loss, `nn.MSELoss`, and the optimizer, `optim.SGD`. Its `step()` is the loop over
# `p -= lr * p.grad`, its `zero_grad()` the loop over `p.grad = None`.

# %%
model, library = zero_line(), []
loss_fn = nn.MSELoss()
optimizer = optim.SGD(model.parameters(), lr=0.1)
for _ in range(200):
    loss = loss_fn(model(kg), cm)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    library.append(loss.item())
print("same losses as bare:", np.allclose(library, bare, rtol=1e-4))
print(f"w = {model.weight.item():.3f}   b = {model.bias.item():.3f}")

# %% [markdown]
# All three programs take the same walk. `zero_grad` may stand anywhere between a `step` and the next `backward`.
#
# ### The shapes that stop you
#
# What happens if you forget that the feature is a column, or hand over NumPy's 64-bit floats?

# %%
with expect_error(RuntimeError):
    model(kg.flatten())  # (20,) is taken for ONE row with twenty features
with expect_error(RuntimeError):
    model(kg.double())

# %% [markdown]
# Read the first message as "your rows have 20 columns, my weight wants 1". The fixes are `kg.reshape(-1, 1)` and
# `.float()`.
#
# ### The shape that does not
#
# Now the *target* loses its column: `cm` becomes `(20,)`.
#
# **Predict before you run:** what is the shape of `prediction - target`, and what will the line learn?

# %%
flat = cm.flatten()
print("prediction - target:", tuple((model(kg) - flat).shape))
model = nn.Linear(1, 1)
optimizer = optim.SGD(model.parameters(), lr=0.1)
for _ in range(500):
    loss = ((model(kg) - flat) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"w = {model.weight.item():.2f}   b = {model.bias.item():.2f}   loss = {loss.item():.2f}")
print(f"mean of cm = {cm.mean().item():.2f}")

# %% [markdown]
# Every prediction is compared with *every* target. The best answer is then the mean, for everyone. There is no
# error, only a flat line. `nn.MSELoss` at least warns:

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    loss_fn(model(kg), flat)
print(str(caught[0].message).split(". ")[0])

# %% [markdown]
# If your model predicts the mean for everybody, look at the two shapes first.

# %% [markdown]
# ## Which loss?
#
# `L1Loss` takes the absolute error; `SmoothL1Loss` is a square up to an error of `beta` (default 1) and a
# straight line further out. The choice matters when a point is wrong. Suppose somebody types 127.8 for 12.78:

# %%
typo = cm.clone()
row = kg.argmin().item()  # the lightest weight
typo[row] *= 10
print(f"{kg[row].item():.2f} kg: {cm[row].item():.2f} cm became {typo[row].item():.1f}")

# %% [markdown]
# **Predict before you run:** what does each loss make of the slope of 4 cm per kilogram?

# %%
def fit_line(loss_fn, x, y, lr=0.1, epochs=1000):
    """Train nn.Linear(1, 1) from zero on all rows of x, y (N, 1)."""
    line = zero_line()
    optimizer = optim.SGD(line.parameters(), lr=lr)
    for _ in range(epochs):
        optimizer.zero_grad()
        loss_fn(line(x), y).backward()
        optimizer.step()
    return line


losses = {"MSELoss": nn.MSELoss(), "L1Loss": nn.L1Loss(), "SmoothL1Loss": nn.SmoothL1Loss()}
lines = {name: fit_line(f, kg, typo) for name, f in losses.items()}
for name, line in lines.items():
    print(f"{name:13} w = {line.weight.item():6.2f}   b = {line.bias.item():6.2f}")

# %% [markdown]
# One wrong point turned the square's line over:

# %% alt="Left: three losses against the error from minus 3 to 3. The square rises steeply to 9, the absolute value is a V with a corner at zero, the smooth L1 follows the V half a unit lower with a rounded bottom. Right: nineteen points near the true line, an arrow to the typo far above the axis at the left; the MSE line falls steeply, the lines of L1 and smooth L1 lie on the points."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))
errors = torch.linspace(-3, 3, 121)
right.plot(kg, typo, "o", color="#444444", markersize=4)
for (name, line), color, ls in zip(lines.items(), ("C0", "C1", "C2"), ("-", "--", "-."), strict=True):
    costs = [losses[name](error, torch.tensor(0.0)) for error in errors]
    left.plot(errors, costs, color=color, ls=ls, label=name)
    right.plot(ends, line(ends).detach(), color=color, ls=ls, label=name)
left.set(xlabel="error", ylabel="loss", title="What an error costs")
right.set(xlabel="weight (kg)", ylabel="length (cm)", ylim=(0, 45), title="One typo, three lines")
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
# A loss function computes one loss per element (here: per row) and then reduces:

# %%
model = zero_line()
for reduction in ("none", "mean", "sum"):
    loss = F.mse_loss(model(kg), cm, reduction=reduction)
    print(f"{reduction:5} shape {tuple(loss.shape)!s:8}", "" if loss.ndim else f"{loss.item():.1f}")

# %% [markdown]
# `"sum"` is twenty times the mean, and so is its gradient.
#
# **Predict before you run:** change the loop's `mean` to `sum` and keep `lr=0.1`. The limit was 0.54. What happens?

# %%
for reduction, lr in (("mean", 0.1), ("sum", 0.1), ("sum", 0.1 / 20)):
    line = fit_line(nn.MSELoss(reduction=reduction), kg, cm, lr=lr, epochs=200)
    print(f"{reduction:4} lr {lr:<6g} w = {line.weight.item():.3f}")

# %% [markdown]
# With `sum`, 0.1 is a rate of 2 in disguise, and the weight ends as *not a number*. With `"mean"`, which is the
# default, the right `lr` does not depend on the number of rows.
#
# ### Exercise linear-2 · difficulty 2 · 6 minutes
# Write `smooth_l1(prediction, target, beta)` out of plain arithmetic, averaged over all elements. With $e$
# the error, one element costs $\tfrac{e^2}{2\beta}$ where $|e| < \beta$, and $|e| - \tfrac{\beta}{2}$
# elsewhere.
#
# <details><summary>Hint 1</summary>Compute both pieces for all elements, then choose between them.</details>
# <details><summary>Hint 2</summary><code>torch.where(condition, here, there)</code> chooses element by element; then <code>.mean()</code>.</details>

# %% tags=["exercise"] id="linear-2" objective="gradient"
def smooth_l1(prediction: torch.Tensor, target: torch.Tensor, beta: float = 1.0) -> torch.Tensor:
    """Mean smooth L1 loss, a scalar tensor.  prediction, target: same shape."""
    ### BEGIN SOLUTION
    e = (prediction - target).abs()
    return torch.where(e < beta, e**2 / (2 * beta), e - beta / 2).mean()
    ### END SOLUTION

# %% tags=["check"]
with check("linear-2") as c:
    got = c.attempted(smooth_l1(torch.tensor([1.5, 3, -2]), torch.tensor([1.0, 2, 3]), beta=2.0))
    said = {12.9375: "a sum: take the mean", 5.125: "beta was taken as 1", 3.5625: "the target is missing",
            3.5: "choose for each element: torch.where", 5.3125: "the pieces do not meet: subtract beta/2",
            4.8125: "beta/2 was taken as 0.5", 8.625: "Huber's loss: divide by beta", 5.75: "pieces swapped",
            -5.6875: "outside, the absolute value is missing", 5.25: "brackets: e**2 / (2 * beta)",
            4.625: "divide by 2·beta", 6.5625: "compare |e|", torch.tensor([3 / 16, 3 / 4, 12]): "no mean"}
    c.close(got, 1.4375, because="(1/16 + 1/4 + 4) / 3", mistakes={k / 3: said[k] for k in said})

# %% [markdown] tags=["solution"]
# At $|e| = \beta$ both pieces give $\beta/2$ with slope 1: no jump, no corner. `nn.HuberLoss(delta)` is the
# same curve times $\delta$.

# %% [markdown] tags=["instructor"]
# **Watch for** a Python `if` on a tensor ("Boolean value of Tensor … is ambiguous"). **Ask:** what is left when
# beta goes to 0? (L1.)

# %% [markdown]
# ## All, some, or one at a time
#
# With a million rows, you would look at all of them to take one small step. A *mini-batch* of a few rows gives a
# rougher gradient for much less work. One pass over all rows is an *epoch*.

# %%
def batch_path(x, y, batch_size, epochs, lr, seed=0):
    """Where (w, b) goes: (updates + 1, 2). Rows are shuffled anew each epoch."""
    torch.manual_seed(seed)
    wb, path = torch.zeros(2, requires_grad=True), [torch.zeros(2)]
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(batch_size):
            loss = ((wb[0] * x[rows] + wb[1] - y[rows]) ** 2).mean()
            (slope,) = torch.autograd.grad(loss, wb)
            with torch.no_grad():
                wb -= lr * slope
            path.append(wb.detach().clone())
    return torch.stack(path)

# %% [markdown]
# **Predict before you run:** three walks of ten epochs each, in batches of all 20 rows, of 5, and of 1. Which one
# ends nearest to the judge?

# %% alt="Three contour maps of the loss over w and b, an oval valley with a hollow star at the judge's solution and a black square at the end of the path, w 3.68 and b 12.28. Left, all 20 rows: ten smooth steps, which leap to the valley floor and creep along it. Middle, batches of 5: forty steps along a slightly shaky line, closer to the star. Right, single rows: two hundred steps, a jagged path that ends in a tangle at the star."
ww, bb = torch.meshgrid(torch.linspace(-1, 9, 100), torch.linspace(-1, 17, 100), indexing="xy")
height = ((ww[..., None] * kg[:, 0] + bb[..., None] - cm[:, 0]) ** 2).mean(-1)
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.3), sharey=True)
for ax, size in zip(axes, (20, 5, 1), strict=True):
    path = batch_path(kg, cm, size, epochs=10, lr=0.1)
    far = (path[-1] - judge.flatten().flip(0)).norm().item()
    ax.contour(ww, bb, height, levels=[1, 4, 12, 30, 70, 140, 240], colors="#9bb8cc", linewidths=0.9)
    ax.plot(path[:, 0], path[:, 1], "o-", color="C1", markersize=2.5, linewidth=0.9)
    ax.plot(judge[1], judge[0], "*", color="C0", markersize=15, markerfacecolor="none")
    ax.plot(*path[-1], "s", color="#222222", markersize=4)
    ax.set(xlabel="w (cm per kg)", title=f"batches of {size}: {len(path) - 1} updates")
    print(f"batches of {size:2}: {len(path) - 1:3} updates, {far:.2f} from the judge")
axes[0].set_ylabel("b (cm)")
plt.show()

# %% [markdown]
# *The path of (w, b) on the loss surface in ten epochs, from the lower left to the black square; the hollow
# star is the judge: ten calm steps, forty shaky ones, two hundred wild ones.* Small batches get more steps
# out of the same ten epochs, and every step is noisier. How long does the trembling last?

# %%
for lr in (0.1, 0.01):
    late = batch_path(kg, cm, 1, epochs=200, lr=lr)[-1000:]
    spread = late.std(dim=0).norm().item()  # of w and b together
    print(f"single rows, lr {lr}: the last 1000 steps spread by {spread:.3f}")

# %% [markdown]
# It never ends: the walk only settles into a ball around the bottom. A smaller rate makes a smaller ball, so many
# recipes lower `lr` toward the end. `utils.make_loader` does the `randperm` and the `split` for you:

# %%
for inputs, targets in make_loader(kg, cm, batch_size=8):
    print(tuple(inputs.shape), tuple(targets.shape))

# %% [markdown]
# The last batch is short. Keep that in mind whenever you take a mean over batches.
#
# ### Exercise linear-3 · difficulty 1 · 2 minutes
# You train on 103 rows, in batches of 10, for 7 epochs. How many updates does the optimizer make? And how many if
# the short last batch is dropped every time (`drop_last=True`)? Give two whole numbers.
#
# <details><summary>Hint 1</summary>Count one epoch first. How many full batches, and is there a rest?</details>
# <details><summary>Hint 2</summary>103 = 10 · 10 + 3. The rest of 3 is a batch as well, unless it is dropped.</details>

# %% tags=["exercise"] id="linear-3" objective="batches"
### BEGIN SOLUTION
updates = math.ceil(103 / 10) * 7
updates_dropped = 103 // 10 * 7
### END SOLUTION

# %% tags=["check"]
with check("linear-3") as c:
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
# Now the loop in its grown-up form: mini-batches, a model that behaves differently in training and in use,
# and a second loop that measures. The data are readings of a dial over ten hours, a hundred to train and
# forty to measure, with hours scaled to $z = (\text{hour} - 5) / 5$.

# %%
def readings(n, seed, truth, noise=0.1):
    """n noisy readings of the polynomial ``truth``: z (n, 1) in [-1, 1] and y (n, 1), 64-bit."""
    rng = torch.Generator().manual_seed(seed)
    z = 2 * torch.rand(n, 1, generator=rng, dtype=torch.float64) - 1
    y = z ** torch.arange(len(truth)) @ truth[:, None]
    return z, y + noise * torch.randn(n, 1, generator=rng, dtype=torch.float64)


dial = torch.tensor([0.5, -1.0, -2.0, 2.0, 2.5], dtype=torch.float64)  # b, w1 … w4
X, Y = (t.float() for t in readings(100, seed=0, truth=dial))  # (100, 1) each
X_valid, Y_valid = (t.float() for t in readings(40, seed=1, truth=dial))

# %% [markdown]
# `nn.Sequential` runs its parts in turn: a `Linear` from 1 number to 64, `ReLU`, which sets the negative ones to
# zero, `Dropout`, which switches off about a tenth, at random, *while training*, and a `Linear` back to 1. Lesson 05
# explains what that is good for.

# %%
def dropout_net(seed):
    """1 → 64 → 1, with dropout: the same weights for the same seed."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 1))

# %% [markdown]
# Batches are shuffled for training. (What `momentum` does comes further down.)

# %%
net, loss_fn = dropout_net(seed=0), nn.MSELoss()
optimizer = optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
batches = make_loader(X, Y, batch_size=16, shuffle=True)
valid_batches = make_loader(X_valid, Y_valid, batch_size=16)
by_hand = {"loss": [], "val_loss": []}

# %% [markdown]
# This is the loop. Read it slowly: nearly everything in this course has its shape.

# %%
torch.manual_seed(0)  # the dice of shuffling and of dropout
for _ in range(60):
    net.train()
    total = 0.0
    for inputs, targets in batches:
        loss = loss_fn(net(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(targets)
    by_hand["loss"].append(total / len(X))
    net.eval()
    with torch.inference_mode():
        total = sum(loss_fn(net(i), t).item() * len(t) for i, t in valid_batches)
    by_hand["val_loss"].append(total / len(X_valid))

# %% [markdown]
# | line | what it is for |
# |---|---|
# | `net.train()` | training mode: dropout on |
# | `net(inputs)` | forward: predictions, and the graph for the way back |
# | `loss_fn(…, targets)` | one number that says how wrong |
# | `optimizer.zero_grad()` | throws away the slopes of the previous batch |
# | `loss.backward()` | fills `p.grad` of every parameter |
# | `optimizer.step()` | moves every parameter by its slope |
# | `loss.item() * len(targets)` | a number without a graph; a last batch of 4 counts as 4 rows |
# | `net.eval()` | evaluation mode: dropout off |
# | `torch.inference_mode()` | no graph: nothing here will be differentiated |

# %%
for n in (0, 9, 19, 39, 59):
    print(f"epoch {n + 1:2}   loss {by_hand['loss'][n]:.3f}   validation {by_hand['val_loss'][n]:.3f}")

# %% [markdown]
# ## Leave one out
#
# Back to the spring. `loop_of` runs the optimizer's three lines in the order that you write down:

# %%
def loop_of(steps, x, y, epochs=60):
    """The losses of the spring's loop, with these steps in this order."""
    line, losses = zero_line(), []
    optimizer = optim.SGD(line.parameters(), lr=0.1)
    for _ in range(epochs):
        loss = F.mse_loss(line(x), y)
        calls = {"zero_grad": optimizer.zero_grad, "backward": loss.backward, "step": optimizer.step}
        for name in steps.split():
            calls[name]()
        losses.append(loss.item())
    return losses


loops = {"complete": "zero_grad backward step", "no zero_grad": "backward step"}
loops |= {"no step": "zero_grad backward", "no backward": "zero_grad step"}
loops |= {"late zero_grad": "backward zero_grad step"}

# %% [markdown]
# **Predict before you run:** of the four broken loops, how many raise an error?

# %% alt="Loss on a logarithmic axis against epoch, 60 epochs. The complete loop falls from 242 to about 0.4. Without zero_grad the loss swings between about 2 and 260, in waves of five epochs. Without step, without backward, and with a late zero_grad three dashed lines lie on each other, flat at 242."
styles = ["-", "-", (0, (4, 8)), (4, (4, 8)), (8, (4, 8))]  # three lie on each other: dash by dash
for (name, steps), ls in zip(loops.items(), styles, strict=True):
    losses = loop_of(steps, kg, cm)
    plt.semilogy(losses, ls=ls, linewidth=1.5 if ls == "-" else 3, label=name)
    print(f"{name:14} first {losses[0]:6.1f}   lowest {min(losses):6.1f}   last {losses[-1]:6.1f}")
plt.xlabel("epoch")
plt.ylabel("loss (cm²)")
plt.title("Four broken loops, no error")
plt.legend(loc="center left", bbox_to_anchor=(1, 0.5), handlelength=4)
plt.show()

# %% [markdown]
# *With the complete loop the loss falls; without `zero_grad` it swings to the end; the other three curves lie on
# top of each other at 242.* None of them raises an error: where a gradient is `None`, `step` politely skips the
# parameter. Learn the two symptoms. **If the loss stays the same to the last digit, nothing moves. If it swings or
# grows, gradients pile up, or `lr` is too large.**
#
# ### Without `eval()`
#
# Ask the trained net for its validation loss three times, in both modes.

# %%
torch.manual_seed(1)
for mode in ("train", "eval"):
    net.train(mode == "train")
    with torch.inference_mode():
        told = [round(loss_fn(net(X_valid), Y_valid).item(), 3) for _ in range(3)]
    print(f"{mode:5}  {told}")

# %% [markdown]
# In training mode three questions get three answers, because dropout rolls its dice. `BatchNorm` is stricter: in
# training mode it normalizes with the mean and spread of *the batch*, so it cannot work on a batch of one. (It also
# keeps a running mean of what it has seen, for use in evaluation mode.)

# %%
torch.manual_seed(0)
norm_net = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
with expect_error(ValueError):
    norm_net(X_valid[:1])

# %% [markdown]
# You will meet this error when you try a single row on a freshly trained model. The fix is `eval()`. The
# silent version is worse.
#
# **Predict before you run:** you measure in training mode, inside `inference_mode`. Can that change the
# model?

# %%
norm, before = norm_net[1], norm_net[1].running_mean.clone()
with torch.inference_mode():
    first = norm_net(X_valid)[0].item()
    other = norm_net(X_valid[:10])[0].item()
print("running mean changed by measuring:", not torch.equal(before, norm.running_mean))
print("row 0 depends on its companions:  ", abs(first - other) > 1e-3)
norm_net.eval()
with torch.inference_mode():
    first, other = norm_net(X_valid)[0].item(), norm_net(X_valid[:10])[0].item()
print("… and in evaluation mode:         ", abs(first - other) > 1e-3)

# %% [markdown]
# It can. It is not a gradient that moves the running statistics, it is the forward pass. Your validation data have
# leaked into the model, and the prediction for one row depended on the other rows of its batch.
#
# ### Without `train()`
#
# If you call `eval()` after epoch 1 and never `train()` again, what is left of dropout?

# %%
torch.manual_seed(0)
net = dropout_net(seed=0)
for epoch in (1, 2, 3):
    outputs = [net(X) for _ in range(2)]  # stands for the training part: no net.train() here
    print(f"epoch {epoch}: dropout at work: {not torch.equal(*outputs)}")
    net.eval()  # … and the measuring part

# %% [markdown]
# Only the first epoch had dropout, and nothing crashes. That is why `train()` stands *inside* the epoch loop.
#
# ### Margin question: what does `model.eval()` change when the model has no dropout?
#
# Ask the spring's line. And ask for gradients, which many people believe it switches off.

# %%
line = fit_line(nn.MSELoss(), kg, cm, epochs=200)
in_training = line(kg)
line.eval()
in_evaluation = line(kg)
print("same predictions:", torch.equal(in_training, in_evaluation))
print("training flag:", line.training, "  still builds a graph:", in_evaluation.requires_grad)

# %% [markdown]
# It changes one flag and nothing else. `eval()` sets `training = False` on the model and all its parts, and the
# layers that care look at it: dropout, BatchNorm, and a few others. **`eval()` does not switch gradients off**;
# `inference_mode()` does that. Always write both.
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
    total = sum(loss_fn(net(X_valid), Y_valid) for _ in range(n))
    print(f"after {n:3} batches the total drags {graph_size(total):4} operations along")
with torch.inference_mode():
    total = sum(loss_fn(net(X_valid), Y_valid) for _ in range(100))
print("under inference_mode:", graph_size(total))

# %% [markdown]
# The graph grows with every batch, and so does the memory. In training, where you need the graph, `loss.item()` cuts
# it off. `inference_mode`, in turn, makes sure that none of its results enters a graph later:

# %%
with torch.inference_mode():
    features = net(X_valid)
with expect_error(RuntimeError):
    (features * line.weight).sum().backward()

# %% [markdown]
# If later training needs the results, use `no_grad` instead.
#
# ### Exercise linear-4 · difficulty 3 · 9 minutes
# Write it from an empty cell: `train_epoch(model, batches, loss_fn, optimizer)` trains for one epoch and returns the
# mean training loss *per row* as a float. The last batch may be short. The model may come in either mode; train it
# in training mode.
#
# <details><summary>Hint 1</summary>First set the mode. Then, for each batch: forward, loss, three optimizer lines. Count rows as you go.</details>
# <details><summary>Hint 2</summary>Add up <code>loss.item() * len(targets)</code> and <code>len(targets)</code>; divide at the end.</details>

# %% tags=["exercise"] id="linear-4" objective="loop"
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
with check("linear-4") as c:
    norm, parts = nn.BatchNorm1d(1).eval(), [(torch.zeros(n, 1), torch.ones(n, 1)) for n in (16, 8, 8)]
    got = c.attempted(train_epoch(norm, parts, nn.MSELoss(), optim.SGD(norm.parameters(), lr=0.25)))
    c.equal(norm.num_batches_tracked.item(), 3, because="3 batches", mistakes={0: "asleep: model.train()"})
    c.close(norm.bias.item(), 7 / 8, because="each step halves the error", mistakes={1.5: "one step a batch",
            0: "nothing moves: backward, then step", 15 / 8: "zero_grad is missing: slopes pile up"})
    c.equal(got, 18.5 / 32, because="(16 + 8 / 4 + 8 / 16) / 32", mistakes={7 / 16: "weigh batches by rows",
            18.5: "not divided", 0.185: "not len(X)", 1 / 16: "last batch", torch.tensor(18.5 / 32): ".item()"})

# %% [markdown] tags=["solution"]
# The sum over rows makes the result independent of how the rows were cut into batches, as long as the weights stand
# still.

# %% [markdown] tags=["instructor"]
# Give it time. **Watch for** `total += loss` (a graph that grows), `len(batches)` as divisor, and
# `model.train()` in the wrong place.

# %% [markdown]
# ### Exercise linear-5 · difficulty 2 · 5 minutes
# Now the other half: `test_loss(model, batches, loss_fn)` returns the mean loss per row, as a float. It uses no
# dropout, builds no graph and trains nothing. Leave the model in the mode in which it came.
#
# <details><summary>Hint 1</summary>Two lines switch two different things off. Which line does which?</details>
# <details><summary>Hint 2</summary><code>was = model.training</code> before <code>model.eval()</code>, and <code>model.train(was)</code> at the end.</details>

# %% tags=["exercise"] id="linear-5" objective="loop"
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
with check("linear-5") as c:
    bn, graph, parts = nn.BatchNorm1d(1), [], [(torch.zeros(n, 1), n * torch.ones(n, 1)) for n in (16, 8, 8)]
    got = c.attempted(test_loss(bn, parts, lambda p, t: graph.append(p.requires_grad) or F.mse_loss(p, t)))
    bad = {"training mode: model.eval()": bn.num_batches_tracked > 0, "a graph: inference_mode()": any(graph),
           "left in evaluation mode: model.train(was)": not bn.training,
           "left in training mode: model.train(was)": test_loss(bn.eval(), parts, F.mse_loss) and bn.training}
    c.equal([word for word in bad if bad[word]], [], because="no dropout, no graph, the mode as it was")
    c.equal(got, 160.0, mistakes={128: "weigh by rows", 5120: "not divided", torch.tensor(160.0): ".item()"})

# %% [markdown] tags=["solution"]
# `eval()` is about layers, `inference_mode()` about graphs. They are independent, and you want both.

# %% [markdown] tags=["instructor"]
# **Ask:** which of the two would you miss on the spring's line? (Neither changes a number.)

# %% [markdown]
# ## The loop gets a name
#
# `utils.fit` is the loop that you have written, with a progress bar, and it refuses to go on when the loss is not
# finite. Do not take its word for it: train a twin, with the same seed. The losses should be equal, not just close.

# %%
twin = dropout_net(seed=0)
optimizer = optim.SGD(twin.parameters(), lr=0.02, momentum=0.9)
torch.manual_seed(0)  # the same dice as in your loop
history = fit(twin, batches, nn.MSELoss(), optimizer, epochs=60, val_loader=valid_batches)
print("training losses equal:  ", history["loss"] == by_hand["loss"])
print("validation losses equal:", history["val_loss"] == by_hand["val_loss"])
print(history.frame().round(3).loc[[1, 10, 20, 40, 60]])

# %% [markdown]
# All 120 numbers are equal to the last bit. From lesson 04 on you import `fit`; `evaluate` is the half that measures.

# %% alt="Training loss (blue) and validation loss (orange, dashed) against epoch, one to sixty. Both fall from about 0.25 in a zigzag to below 0.05; in the second half the validation curve, measured without dropout, runs mostly below the training curve."
history.plot("loss")
plt.show()
below = sum(v < t for v, t in zip(history["val_loss"][30:], history["loss"][30:], strict=True))
still = evaluate(twin, make_loader(X, Y, batch_size=16), loss_fn)["loss"]
print("validation below training in most of the last 30 epochs:", below > 15)
print("training rows in evaluation mode are lower, too:", still < history["loss"][-1])

# %% [markdown]
# *Training loss in blue, validation loss in orange, over sixty epochs.* Validation *below* training? The
# training loss is measured with dropout, and while the weights are still being updated. Measured in the same way as
# the validation loss, it comes out lower, too.
#
# `fit` also refuses a loop in which nothing moves, such as a new model with the old optimizer:

# %%
with expect_error(ValueError):
    fit(dropout_net(seed=1), batches, loss_fn, optimizer, epochs=1)

# %% [markdown]
# ## A curve with five numbers
#
# The dial's truth is a polynomial, $y = b + w_1z + w_2z^2 + w_3z^3 + w_4z^4$. Is that still *linear*
# regression? Yes, in the **weights**: put the powers into the table, and the judge can do it.

# %%
z, y = readings(100, seed=0, truth=dial)  # 64-bit from here on, so that five programs can agree
powers = z ** torch.arange(5)  # (N, 5): 1, z, z², z³, z⁴
print(tuple(powers.shape), [round(v, 3) for v in powers[0].tolist()])
verdict = torch.linalg.lstsq(powers, y).solution.flatten()  # (5,), the judge's
floor = ((powers @ verdict - y.flatten()) ** 2).mean().item()
print("judge:", [round(v, 3) for v in verdict.tolist()], f"  loss {floor:.4f}")

# %% [markdown]
# No polynomial of degree 4 has a smaller loss on these readings than 0.0107. The noise has a spread of 0.1, whose
# square is 0.01. Nobody can predict that part, and a loop that says `while loss > 0.001` would never stop.
#
# ### "Until the loss is small"
#
# The classic version of this exercise has that loop, and it does stop, because its points are *without noise*. Take
# ours without noise. What has the program learned when it stops?

# %%
coefs = torch.zeros(5, dtype=torch.float64)
clean, step, loss = powers @ dial, 0, math.inf
while loss > 1e-3:
    errors = powers @ coefs - clean
    loss = (errors**2).mean().item()
    coefs -= 0.5 * 2 * powers.T @ errors / len(errors)
    step += 1
print(f"stopped after {step} steps")
print("learned:", [round(v, 2) for v in coefs.tolist()])
print("truth:  ", dial.tolist())
assert floor > 1e-3

# %% [markdown]
# Two of the weights are still off by about 0.35: a small loss means small errors *on the points*, and $z^2$
# and $z^4$ look much alike between −1 and 1. So stop when a step **lowers the loss by less than a billionth**, which
# needs no guess about the noise. And set a maximum number of steps.
#
# ### Why the hours had to be scaled
#
# The steepest curvature limits `lr`, and the flattest direction has to make do with that rate. The ratio of the two
# curvatures is the *condition number*.
#
# **Predict before you run:** hours from 0 to 10, their fourth power up to 10,000. By which factor does the
# ratio grow?

# %%
for name, column in (("z from -1 to 1", z), ("hours, 0 to 10", 5 + 5 * z)):
    raised = column ** torch.arange(5)
    low, *_, high = torch.linalg.eigvalsh(2 * raised.T @ raised / len(raised)).tolist()
    print(f"{name}:  lr below {2 / high:.1g}   condition number {high / low:,.3g}")

# %% [markdown]
# By two million, and the number of steps grows with it. **Scale your inputs** before you suspect the loop or the
# model.
#
# ### First way: NumPy, gradients by hand
#
# Here are the five programs, with the same start (zeros), the same `lr = 0.5` and the same rule for stopping. In the
# first, nothing is hidden:

# %%
def fit_numpy(powers, y, lr=0.5, least=1e-9, most=10_000):
    """powers (N, 5), y (N, 1) → coefficients (5,), steps."""
    P, t = powers.numpy(), y.flatten().numpy()
    coefs, before = np.zeros(P.shape[1]), math.inf
    for step in range(most):
        errors = P @ coefs - t
        loss = (errors**2).mean()
        if before - loss < least:
            break
        before = loss
        coefs -= lr * 2 * P.T @ errors / len(t)
    return torch.from_numpy(coefs), step

# %% [markdown]
# ### Second way: tensors
#
# Hardly a letter changes when you replace NumPy's arrays by tensors.

# %%
def fit_tensors(powers, y, lr=0.5, least=1e-9, most=10_000):
    """The same with tensors; the gradient is still written by hand."""
    t = y.flatten()
    coefs, before = torch.zeros(powers.shape[1], dtype=powers.dtype), math.inf
    for step in range(most):
        errors = powers @ coefs - t
        loss = (errors**2).mean().item()
        if before - loss < least:
            break
        before = loss
        coefs -= lr * 2 * powers.T @ errors / len(t)
    return coefs, step

# %% [markdown]
# ### Third way: autograd
#
# The formula for the gradient goes out; `requires_grad`, `backward`, `no_grad` and the clearing come in.

# %%
def fit_autograd(powers, y, lr=0.5, least=1e-9, most=10_000):
    """The same; autograd finds the gradient."""
    coefs = torch.zeros(powers.shape[1], dtype=powers.dtype, requires_grad=True)
    before = math.inf
    for step in range(most):
        loss = ((powers @ coefs - y.flatten()) ** 2).mean()
        if before - loss.item() < least:
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
# `nn.Linear(4, 1)` has a bias of its own, so the column of ones goes.

# %%
def quartic():
    """nn.Linear(4, 1) in 64 bits, all zeros."""
    model = nn.Linear(4, 1, dtype=torch.float64)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model

# %% [markdown]
# Its predictions are a column, as `y` is.

# %%
def fit_nn(powers, y, lr=0.5, least=1e-9, most=10_000):
    """The same; a module holds the numbers, a loss function compares."""
    model, loss_fn, before = quartic(), nn.MSELoss(), math.inf
    for step in range(most):
        loss = loss_fn(model(powers[:, 1:]), y)
        if before - loss.item() < least:
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
def fit_optim(powers, y, lr=0.5, least=1e-9, most=10_000):
    """The same; library parts only."""
    model, loss_fn, before = quartic(), nn.MSELoss(), math.inf
    optimizer = optim.SGD(model.parameters(), lr=lr)
    for step in range(most):
        loss = loss_fn(model(powers[:, 1:]), y)
        if before - loss.item() < least:
            break
        before = loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.cat([model.bias, model.weight[0]]).detach(), step

# %% [markdown]
# Five programs. Are they the same program?

# %%
five = {f.__name__: f(powers, y) for f in (fit_numpy, fit_tensors, fit_autograd, fit_nn, fit_optim)}
for name, (coefs, step) in five.items():
    print(f"{name:13} {step} steps  ", "  ".join(f"{v:7.4f}" for v in coefs.tolist()))
first = five["fit_numpy"][0]
assert all(torch.allclose(coefs, first, atol=1e-6) for coefs, _ in five.values())
print("each within 0.01 of the judge:", (first - verdict).abs().max().item() < 0.01)

# %% [markdown]
# They find the same five numbers after the same number of steps: the library adds no magic. But outside the line
# that makes the model, the *last* program does not mention how many weights there are. Give it another model,
# and the same lines train a billion.
#
# ### Learned and true, side by side

# %%
def as_polynomial(coefs):
    """Coefficients (b, w1, w2, …) as a line of text."""
    names = ["", " z", " z²", " z³", " z⁴"]
    return "y = " + " ".join(f"{v:+.3f}{name}" for v, name in zip(coefs.tolist(), names, strict=True))


for name, coefs in (("learned", five["fit_optim"][0]), ("judge", verdict), ("truth", dial)):
    print(f"{name:8} {as_polynomial(coefs)}")

# %% [markdown]
# What was learned agrees with the judge to 0.005; the gap comes from the rule for stopping. Both miss the truth by up
# to 0.07; that is the noise. Now watch the training happen, in a picture whose lines will move:

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
    right.axhline(floor, color="#222222", linestyle="--", linewidth=1, label="the judge")
    right.set(xlabel="step", ylabel="loss", xlim=(1, 2000), ylim=(0.006, 0.6))
    right.legend()
    return fig, curve, trail

# %% [markdown]
# While it trains, the next cell redraws them eleven times. Run it and look.

# %% alt="Two panels, shown as they stand at the end of training. Left: a hundred blue noisy readings over ten hours, the learned orange curve through them and the dashed dark true curve on top of it, hardly apart. Right: loss against step on logarithmic axes, falling from about 0.3 until it lies on the dashed line of the judge's loss at 0.0107."
model, track, at = quartic(), [], torch.linspace(-1, 1, 101, dtype=torch.float64)[:, None]
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

# %% [markdown]
# *On the left the readings, the true curve and the learned one on top of it; on the right the loss, which comes down
# to the judge's line and cannot cross it.* How far is it still above that line?

# %%
print({step: round(track[step - 1] - floor, 4) for step in (1, 50, 500, 1600)})

# %% [markdown]
# After five hundred steps you can no longer see a change in the picture.

# %% [markdown]
# ## Six ways down
#
# The loss surface is a canyon, curved 290 times more sharply across than along, and plain descent pays for it with
# many steps. Here are five ideas for paying less:
#
# | optimizer | idea, in a line |
# |---|---|
# | `SGD` | `p -= lr * grad` |
# | `SGD(momentum=0.9)` | `v = 0.9 * v + grad`, then `p -= lr * v`: steps that agree add up |
# | `Adagrad` | divide each weight's step by the root of the **sum** of its squared gradients |
# | `RMSprop` | divide by the root of a **running mean** of them, so that it does not die out |
# | `Adam` | RMSprop with momentum, and a correction for the first steps |
# | `LBFGS` | estimates the curvature from past gradients, and leaps to where the bottom should be |
#
# `LBFGS` computes the loss several times per step, so it asks for a function that it can call:

# %%
model = quartic()
with expect_error(TypeError):
    optim.LBFGS(model.parameters()).step()

# %% [markdown]
# The fix is a *closure*: a function that clears the gradients, computes the loss, calls `backward` and returns the
# loss. You hand it to `step`. All optimizers accept one. A fair race counts **gradients**, not steps: each runner may
# ask for 300.

# %%
def compete(make, lr, X, y, gradients=300):
    """The loss at each of the first ``gradients`` evaluations, starting from zeros."""
    model, losses = quartic(), []
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
# within 0.0001 of the judge's (or, if none gets there, the one with the lowest final loss).

# %%
runners = {
    "SGD": optim.SGD,
    "momentum": partial(optim.SGD, momentum=0.9),
    "Adagrad": optim.Adagrad,
    "RMSprop": optim.RMSprop,
    "Adam": optim.Adam,
    "LBFGS": partial(optim.LBFGS, line_search_fn="strong_wolfe"),  # tries several step lengths
}

# %% [markdown]
# **Predict before you run:** who needs the fewest gradients, and who the most?

# %%
def arrival(losses, goal):
    """(gradients until the loss is below goal, or infinity; the last loss)."""
    return next((n for n, loss in enumerate(losses, 1) if loss < goal), math.inf), losses[-1]


best = {}
for name, make in runners.items():
    tried = {lr: compete(make, lr, powers[:, 1:], y) for lr in (0.01, 0.03, 0.1, 0.3, 0.8, 2.0)}
    arrivals = {lr: arrival(losses, floor + 1e-4) for lr, losses in tried.items()}
    lr = min(arrivals, key=arrivals.get)
    best[name] = (lr, tried[lr])
    most = next(n for n in (20, 100, 300, math.inf) if arrivals[lr][0] <= n)
    print(f"{name:9} lr {lr:<5} within 0.0001 of the judge after at most {most} gradients")

# %% alt="Distance to the judge's loss on a logarithmic axis down to 0.0000000001, against the number of gradients, 0 to 300, six curves and a dotted line at 0.0001, the goal. LBFGS drops like a stone within fifteen gradients. Momentum and Adam fall side by side in shaky straight lines and leave the picture near 200. RMSprop falls more slowly, with two tall bumps where it jumps up and comes back. Adagrad is slower, plain SGD the slowest: a gently sloping line."
for n, (name, (lr, losses)) in enumerate(best.items()):
    gap = np.clip(np.array(losses) - floor, 1e-12, None)
    plt.semilogy(gap, color=f"C{n}", ls=["-", "--", "-.", ":", "-", "-"][n], label=f"{name}, lr {lr}")
plt.axhline(1e-4, color="#222222", linewidth=1, linestyle=":", label="the goal")
plt.ylim(1e-10, 10)
plt.xlabel("gradients asked for")
plt.ylabel("loss − judge's loss")
plt.title("Six ways to the judge")
plt.legend(loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# *How far each loss is above the judge's, gradient by gradient, each optimizer with its best rate of six.* `LBFGS`
# needs fewer than twenty: a bowl is what it was made for. Plain SGD has not arrived after 300 (`inf`). RMSprop's
# bumps come from its divisor: it shrinks with the slopes, until a step is too long. Do not take this as a ranking for
# other problems: this one is small, has one bottom, and its gradients have no noise. With mini-batches `LBFGS` is
# hardly used, because it trusts that two gradients come from the same loss. Two things carry over: momentum and
# adaptive rates pay off in canyons, and **a comparison counts only if each optimizer had its own search for a
# learning rate**.

# %% [markdown]
# ## Too stiff, too loose
#
# Suppose nobody had told you the degree. With twenty readings to train on and twenty to validate, let the
# judge fit every degree from 0 to 14.

# %%
def fit_poly(z, y, degree):
    """Least-squares coefficients (degree + 1,) for z, y (N, 1)."""
    return torch.linalg.lstsq(z ** torch.arange(degree + 1), y).solution.flatten()


def poly_error(coefs, z, y):
    """Mean squared error of the polynomial coefs on z, y (N, 1), a float."""
    return ((z ** torch.arange(len(coefs)) @ coefs - y.flatten()) ** 2).mean().item()


few, few_valid = readings(20, seed=6, truth=dial), readings(20, seed=106, truth=dial)
by_degree = [fit_poly(*few, degree) for degree in range(15)]
train_errors = [poly_error(coefs, *few) for coefs in by_degree]
valid_errors = [poly_error(coefs, *few_valid) for coefs in by_degree]

# %% [markdown]
# **Predict before you run:** which degree has the smallest *training* error?

# %% alt="Left: twenty points and three polynomials. Degree 1 is a slowly rising line through the middle; degree 4 follows the points smoothly; degree 14 passes close to every point and swings wildly between them, out of the picture. Right: errors on a logarithmic axis against degree 0 to 14. The training error falls all the way. The validation error falls until degree 4, then rises in a zigzag, and by three powers of ten from degree 11 on."
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
left.plot(*few, "o", color=TRAIN, markersize=4)
for degree, color, ls in ((1, "#444444", "--"), (4, "C2", "-"), (14, "C3", "-.")):
    fitted = at ** torch.arange(degree + 1) @ by_degree[degree]
    left.plot(at, fitted, color=color, ls=ls, label=f"degree {degree}")
left.set(xlabel="z", ylabel="dial", ylim=(-3, 4), title="Stiff, right, loose")
left.legend()
right.semilogy(train_errors, "o-", color=TRAIN, markersize=4, label="training")
right.semilogy(valid_errors, "s--", color=VALID, markersize=4, label="validation")
right.set(xlabel="degree", ylabel="mean squared error", title="Two errors part ways")
right.legend()
plt.show()
for degree in (0, 1, 3, 4, 5, 9, 14):
    print(f"degree {degree:2}  training {train_errors[degree]:.4f}   validation {valid_errors[degree]:.4g}")
assert all(b <= a + 1e-9 for a, b in zip(train_errors, train_errors[1:], strict=False))

# %% [markdown]
# *Left, degree 1 cannot bend, degree 4 follows, degree 14 swings between the points; right, the training error falls
# with every degree while the validation error turns at 4.* Degree 5 includes every polynomial of degree 4, so the
# training error always votes for the largest model. Below 4 both errors are large; this is **underfitting**. Above 4
# they part ways; this is **overfitting**: the extra freedom is spent on noise.
#
# How sure is that 4? Draw new readings, twenty and twenty, and ask again:

# %%
chosen = []
for seed in range(10):
    own, judges = readings(20, seed, truth=dial), readings(20, 100 + seed, truth=dial)
    errors = [poly_error(fit_poly(*own, degree), *judges) for degree in range(15)]
    chosen.append(errors.index(min(errors)))
print("chosen degrees:", chosen)

# %% [markdown]
# Mostly it is 4 to 6. When two degrees have nearly the same validation error, take the smaller.
#
# ### Exercise linear-6 · difficulty 2 · 5 minutes
# Write `best_degree(train, valid, degrees)`: fit each degree on the pair `train = (z, y)` with `fit_poly`,
# judge it on `valid` with `poly_error`, and return the degree (an int) with the smallest validation error.
#
# <details><summary>Hint 1</summary>Fit on one pair, measure on the other. Which of the two errors decides?</details>
# <details><summary>Hint 2</summary><code>fit_poly(*train, degree)</code> gives coefficients; a dict from degree to error, and <code>min(errors, key=errors.get)</code>.</details>

# %% tags=["exercise"] id="linear-6" objective="judge"
def best_degree(train: tuple, valid: tuple, degrees: list[int]) -> int:
    """The degree in ``degrees`` with the least error on ``valid``.  Pairs (z, y), each (N, 1)."""
    ### BEGIN SOLUTION
    told = {d: poly_error(fit_poly(*train, d), *valid) for d in degrees}
    return min(told, key=told.get)
    ### END SOLUTION

# %% tags=["check"]
with check("linear-6") as c:
    own, judges = readings(15, 182, truth=dial), readings(15, 282, truth=dial)
    large = [(z, 1000 * y) for z, y in (own, judges)]  # errors in the thousands, the same best degree
    got, among = c.attempted(best_degree(own, judges, list(range(9)))), best_degree(*large, [8, 4, 1])
    c.true(not isinstance(got, float), observed=got, expected="a degree", likely="the error: return the degree")
    slips = {0: "try them all", 8: "fitted and judged on the same rows", 6: "fit on train alone",
             7: "validation alone decides", 4: "use the arguments, not few", torch.tensor(3): "an int: .item()"}
    c.equal(got, 3, because="its validation error is the smallest", mistakes=slips)
    c.equal(among, 4, mistakes={1: "a place in the list", 3: "3 is not given",
            0: "that counts places, or the least error starts too low: math.inf", None: "start from math.inf"})

# %% [markdown] tags=["solution"]
# If `valid` takes part in the fit, it becomes a training set and loses its voice.

# %% [markdown] tags=["instructor"]
# **Watch for** an index in place of a degree: right for `range(15)`, wrong for any other list.

# %% [markdown]
# ## Three sets, three questions
#
# ### Margin question: what are training, validation and test sets each for?
#
# | set | the question it answers | who may look, how often |
# |---|---|---|
# | training | which *weights*? | the optimizer, at every step |
# | validation | which *model*: degree, learning rate, when to stop? | you, as often as you choose |
# | test | how good is what I chose, on rows that had no say? | you, once, at the end |
#
# Why can the validation set not be the test set as well? Because choosing is a kind of training. Take a hundred
# models that know **nothing**: each tosses a coin for every row. Keep the one that does best on fifty validation rows.
#
# **Predict before you run:** what accuracy does it show on the validation rows, and then on test rows?

# %%
torch.manual_seed(0)
answers, test_answers = torch.randint(2, (50,)), torch.randint(2, (10_000,))
tosses, test_tosses = torch.randint(2, (100, 50)), torch.randint(2, (100, 10_000))
shares = (tosses == answers).float().mean(dim=1)
winner = shares.argmax()
print(f"best of 100 coins on validation: {shares[winner]:.2f}")
print(f"the same coin on the test set:   {(test_tosses[winner] == test_answers).float().mean():.2f}")

# %% [markdown]
# Two thirds are right, by selection alone: the winner's validation score flatters. The test set took no part in any
# choice, so it can tell the truth, but only **once**: if you choose by it, it has become a validation set. Here is
# your degree 4 on fresh rows:

# %%
few_test = readings(1000, seed=200, truth=dial)
print(f"validation {valid_errors[4]:.4f}   test {poly_error(by_degree[4], *few_test):.4f}")

# %% [markdown]
# The test error is larger, and it is the one to report.
#
# ### How large, and when the usual shares are wrong
#
# The usual shares are 60–80 % training, 10–20 % validation, 10–20 % test. That habit suits a few thousand similar,
# independent rows. It is wrong in four cases: tiny data, huge data, grouped rows, rows in time.
#
# **Tiny and huge data.** How finely a test set can measure depends on its number of rows, not on its share. Measure a
# model that is right in 90 of 100 cases on a thousand test sets of each size:

# %%
torch.manual_seed(0)
for rows in (10, 100, 1000, 10_000):
    scores = torch.binomial(torch.full((1000,), float(rows)), torch.tensor(0.9).expand(1000)) / rows
    low, high = scores.quantile(torch.tensor([0.025, 0.975])).tolist()
    print(f"{rows:6} test rows: 95 of 100 measurements lie between {100 * low:.0f} % and {100 * high:.0f} %")

# %% [markdown]
# With 100 rows, a test set of 10 cannot tell 70 % from 100 %. Then use *cross-validation*, where every row is in the
# test part once (lesson 05). With ten million rows, ten thousand tell you the accuracy within a percent, and 20 %
# would be two million rows lost to training.
#
# **Grouped rows.** Thirty people, ten measurements each, and a target that has *nothing* to do with the measurements,
# except that both belong to the same person. The model looks up the most similar row it has seen.

# %%
torch.manual_seed(0)
person = torch.arange(30).repeat_interleave(10)
body = torch.randn(30, 3)[person] + 0.05 * torch.randn(300, 3)
target = torch.randn(30)[person]
mixed_up = torch.randperm(300)
for name, test in (("rows at random", mixed_up[:60]), ("whole people  ", torch.where(person >= 24)[0])):
    train = torch.tensor(sorted(set(range(300)) - set(test.tolist())))
    nearest = torch.cdist(body[test], body[train]).argmin(dim=1)
    error = (target[train][nearest] - target[test]).pow(2).mean().item()
    mean_error = (target[train].mean() - target[test]).pow(2).mean().item()
    print(f"{name}: error {error:.2f}   (always the mean of training: {mean_error:.2f})")

# %% [markdown]
# When you split by rows, the model recognizes *people*. When you split by people, it is no better than the mean. Ask
# what will be new in real use: another row of a known person, or a new person? Split in the same way.
#
# **Time.** A quantity wanders from day to day, for 200 days; there are a hundred such series. A cubic is fitted to
# 160 of the days and tested on the other 40. These lie at random *between* the training days, or after them, as in
# real use.

# %%
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
# A random split measures how well you fill gaps, yet it seems to promise that you can see the future.
#
# ### Exercise linear-7 · difficulty 2 · 6 minutes
# Write `three_way(n, shares, seed)`: shuffle the row numbers 0 … n − 1 and cut them into three index tensors,
# training, validation, test. `shares` are the first two shares, e.g. `(0.7, 0.15)`; round each of the two
# sizes down, and give the test set **all the rest**. The same seed gives the same split.
#
# <details><summary>Hint 1</summary>Shuffle once, cut twice. <code>torch.randperm</code> takes a <code>generator</code>.</details>
# <details><summary>Hint 2</summary><code>order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))</code>, then slices.</details>

# %% tags=["exercise"] id="linear-7" objective="judge"
def three_way(n: int, shares: tuple[float, float], seed: int) -> tuple:
    """Return (train, valid, test): three integer tensors that share no row and miss none."""
    ### BEGIN SOLUTION
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    a = int(n * shares[0])
    b = a + int(n * shares[1])
    return order[:a], order[a:b], order[b:]
    ### END SOLUTION

# %% tags=["check"]
with check("linear-7") as c:
    cuts = [c.attempted(three_way(105, (0.7, 0.15), seed=seed)) for seed in (3, 3, 4)]
    rows, again, other = [torch.cat(tuple(cut)).tolist() for cut in cuts]
    c.equal([len(p) for p in cuts[0]], [73, 15, 17], mistakes=[([74, 16, 15], "round down"),
            ([73, 15, 15], "the rest is missing"), ([73, 16, 16], "round down both sizes"),
            ([73, 0, 90], "the second slice ends at a + b")])
    bad = {"rows twice": len(set(rows)) < 105, "not shuffled": max(rows[:73]) < 73 or min(rows[88:]) > 87,
           "another split with the same seed": rows != again, "one split for two seeds": rows == other}
    c.equal([word for word in bad if bad[word]], [], because="every row once, and the seed decides")

# %% [markdown] tags=["solution"]
# One permutation, cut in two places, cannot overlap and cannot lose a row.

# %% [markdown] tags=["instructor"]
# **Watch for** `torch.manual_seed(seed)` inside the function: it works and resets everybody else's dice.
# **Ask:** what must change for grouped rows? (Shuffle the groups, then take their rows.)

# %% [markdown]
# ## Keep what you have learned
#
# The numbers of a model are in `state_dict`, a dict from names to tensors.

# %%
for name, tensor in model.state_dict().items():
    print(f"{name:7} {tuple(tensor.shape)}")

# %% [markdown]
# Write it to a file, make a fresh model, load. `weights_only=True` is the default since torch 2.6; write it
# anyway, for older versions.

# %%
model = nn.Linear(4, 1, dtype=torch.float64)
with torch.no_grad():
    model.bias.copy_(verdict[0])
    model.weight.copy_(verdict[1:])
holder = tempfile.TemporaryDirectory()
folder = Path(holder.name)
path = folder / "quartic.pt"
torch.save(model.state_dict(), path)

fresh = nn.Linear(4, 1, dtype=torch.float64)  # random weights
print("same answers before loading:", torch.equal(fresh(powers[:, 1:]), model(powers[:, 1:])))
print(fresh.load_state_dict(torch.load(path, weights_only=True)))
print("same answers after loading: ", torch.equal(fresh(powers[:, 1:]), model(powers[:, 1:])))

# %% [markdown]
# The predictions are equal to the last bit. If the fresh model has another shape, the error names what differs:

# %%
with expect_error(RuntimeError):
    nn.Linear(3, 1).load_state_dict(torch.load(path, weights_only=True))

# %% [markdown]
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
print("and the weights are there, too:", loaded["layer.weight"].tolist())

# %% [markdown]
# You asked for weights, and somebody else's function ran on your machine. It could have been any function:
# delete, upload, install. The weights arrive as promised. Now with the guard:

# %%
try:
    torch.load(trap, weights_only=True)
except pickle.UnpicklingError as error:
    lines = [line.strip() for line in str(error).splitlines()]
    print(next(line for line in lines if line.startswith("Weights only")).split(". ")[0])
    print(next(line for line in lines if line.startswith("WeightsUnpickler")).split(". ")[0])
else:
    raise AssertionError("weights_only=True should have refused this file")

# %% [markdown]
# Refused before anything ran: `weights_only=True` rebuilds tensors and plain containers only. (The message
# goes on to offer `weights_only=False`: for files that you wrote yourself.) A whole pickled model is refused
# as well, since a class is a program, too:

# %%
torch.save(model, folder / "whole.pt")
try:
    torch.load(folder / "whole.pt", weights_only=True)
except pickle.UnpicklingError as error:
    print([line.strip() for line in str(error).splitlines() if "Unsupported" in line][0].split(" was ")[0])
else:
    raise AssertionError("weights_only=True should have refused this file")
holder.cleanup()  # the temporary folder is gone, the trap with it

# %% [markdown]
# ### Exercise linear-8 · difficulty 1 · 4 minutes
# Write `save_and_reload(model, fresh, path)`: save the *weights* of `model` to the file `path`, load them
# from that file into `fresh`, safely, and return `fresh`.
#
# <details><summary>Hint 1</summary>Weights are what <code>state_dict()</code> returns.</details>
# <details><summary>Hint 2</summary><code>torch.save(…, path)</code>, <code>torch.load(path, weights_only=True)</code>, <code>fresh.load_state_dict(…)</code>.</details>

# %% tags=["exercise"] id="linear-8" objective="keep"
def save_and_reload(model: nn.Module, fresh: nn.Module, path: Path) -> nn.Module:
    """Move the weights of ``model`` into ``fresh`` by way of a file; return ``fresh``."""
    ### BEGIN SOLUTION
    torch.save(model.state_dict(), path)
    fresh.load_state_dict(torch.load(path, weights_only=True))
    return fresh
    ### END SOLUTION

# %% tags=["check"]
with check("linear-8") as c, patch.object(torch, "load", wraps=torch.load) as load:
    mine, other, file = nn.Linear(4, 1), nn.Linear(4, 1), Path(tempfile.mkdtemp()) / "mine.pt"
    got = c.attempted(save_and_reload(mine, other, file))
    bad = {"no file: torch.save is first": not file.exists(), "not read: torch.load(path)": not load.called,
           "a whole model: state_dict()": file.exists() and b"torch.nn.modules" in file.read_bytes(),
           "unsafe: weights_only=False": load.called and load.call_args.kwargs.get("weights_only") is False,
           "other weights": str(mine.state_dict()) != str(other.state_dict()), "not fresh": got is not other}
    c.equal([word for word in bad if bad[word]], [], because="written, read, same weight, same bias")

# %% [markdown] tags=["solution"]
# `load_state_dict` copies numbers into the existing parameters. So an optimizer that holds them goes on
# holding the right ones.

# %% [markdown] tags=["instructor"]
# **Ask:** who has ever run `torch.load` on a downloaded file? (Before 2.6 everything ran.)

# %% [markdown]
# ## Old code you will meet
#
# | you meet | write today | why it changed |
# |---|---|---|
# | `nn.MSELoss(size_average=False)` | `nn.MSELoss(reduction="sum")` | two flags for one three-way choice |
# | `Variable(torch.Tensor([[1.0], [2.0]]))` | `torch.tensor([[1.0], [2.0]])` | tensors carry their own graph |
# | `loss.data[0]`, `total += loss.data` | `loss.item()` | a loss has no dimension; a number drags no graph |
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
    torch.lstsq(y, powers)
except RuntimeError as error:
    print(str(error).split(". ")[0])

# %% [markdown]
# ## What you take along
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `nn.Linear(a, b)` | `x @ weight.T + bias`; weight (b, a), bias (b,) | (N, a) → (N, b) |
# | `nn.MSELoss()`, `nn.L1Loss()`, `nn.SmoothL1Loss(beta=1)` | mean of squared, absolute, rounded absolute errors | (N, k), (N, k) → () |
# | `reduction="none"` / `"sum"` | one loss per element / their sum | → (N, k) / () |
# | `optim.SGD(model.parameters(), lr, momentum=0)` | holds the parameters and moves them | – |
# | `optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()` | clear, fill, move | – |
# | `optimizer.step(closure)` | the form that `LBFGS` needs | – |
# | `model.train()`, `model.eval()` | the mode that dropout and BatchNorm look at | – |
# | `torch.inference_mode()` | no graph in this block | – |
# | `torch.linalg.lstsq(A, y).solution` | least squares without a walk | (N, k), (N, m) → (k, m) |
# | `model.state_dict()`, `load_state_dict(d)` | weights by name; copies them in | – |
# | `torch.save(d, path)`, `torch.load(path, weights_only=True)` | to a file, and safely back | – |
# | `utils.make_loader(X, y, batch_size=…)` | batches of rows, in step | (N, …) → (batch, …) |
# | `utils.fit(model, loader, loss_fn, optimizer, epochs=…)` | your loop | → a `History` |
# | `utils.evaluate(model, loader, loss_fn)` | your other loop | → a dict of means |
#
# The next lesson changes one thing: the answer is no longer a length but a yes or a no.
