# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Autograd
#     minutes: 90
#     needs: [01_tensors]
#     data: []
#     objectives:
#       prove: measure a gradient by finite differences, and use that to prove or refute somebody's backward
#       graph: read a computation graph, multiply its local derivatives, and build the engine that does it for you
#       accumulate: put accumulation to work, and clear gradients at the right place
#       vjp: say what v means in backward(v), and get whole Jacobians and Hessians
#       descend: walk downhill with a gradient, and predict which learning rate will throw you out
# ---

# %% [markdown]
# This lesson is about one number: **−0.0898**. It is the slope of a loss with respect to one weight of one
# tiny neuron.
#
# You will get that number by a limit, by hand, from PyTorch, by walking PyTorch's own graph edge by edge, and
# at the end from an automatic-differentiation engine of about sixty lines that you half write yourself. When five roads end at the same house, you know the neighborhood.
#
# After that, you spend the number: you go downhill with it, and see three walks on one landscape. One barely
# leaves home, one arrives, one flies off the map.

# %%
import math
import random
import warnings
from functools import partialmethod

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch.func import hessian, jacfwd, jacrev
from torch.utils.flop_counter import FlopCounterMode

from utils import check, expect_error

plt.style.use("utils.course")

# %% [markdown]
# ## One number, three ways
#
# A neuron takes an input $x$, computes $z = wx + b$, squeezes it into a probability $p = \sigma(z) =
# 1/(1+e^{-z})$ and is told the right answer $y$, 0 or 1. The loss says how surprised it should be: $-\log p$
# if the answer was 1, $-\log(1-p)$ if it was 0. That is *binary cross-entropy*; lesson 04 is all about it.
# Here it is only a function to differentiate.

# %%
def neuron_loss(w, b=0.0, x=1.1, y=1.0):
    """Binary cross-entropy of a one-weight neuron; all arguments are scalars."""
    p = torch.sigmoid(x * w + b)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p))


print(f"loss at w = 2.2: {neuron_loss(torch.tensor(2.2)).item():.4f}")

# %% [markdown]
# The neuron is already fairly sure of the right answer, so the loss is small: 0.0852. Now the question of the
# lesson: **if `w` grows a little, what does the loss do?**
#
# ### First way: the limit
#
# School gives you the definition, $f'(w) = \lim_{h\to 0}\,\dfrac{f(w+h)-f(w)}{h}$. So pick an $h$ and divide.
#
# **Predict before you run:** of the steps 0.1, 0.001, 0.00001 and 0.0000001, which one gives the best slope?

# %%
w = torch.tensor(2.2)
for h in (1e-1, 1e-3, 1e-5, 1e-7):
    slope = (neuron_loss(w + h) - neuron_loss(w)) / h
    print(f"h = {h:<6g}  slope = {slope.item():.4f}")

# %% [markdown]
# Not the smallest. At `h = 1e-05` the answer is off by almost a tenth, and at `1e-07` it is **zero**: in
# 32-bit floats, 2.2 + 0.0000001 *is* 2.2. Too large a step bends around the curve; too small a step drowns in
# rounding.
#
# Two cures. Step to both sides, $\frac{f(w+h)-f(w-h)}{2h}$, so that the bend cancels to first order. And
# calculate in 64 bits. Here is the error of the two-sided formula for every step size; the true slope comes
# from the formula you derive a few cells below.

# %% alt="Two curves on logarithmic axes: the step h on the horizontal axis, the error of the measured slope on the vertical axis. Both are V-shaped. The 32-bit curve has its lowest point near h = 0.01 with an error of a few millionths; the 64-bit curve goes down to less than one ten-billionth near h = 0.00001."
p = torch.sigmoid(torch.tensor(1.1 * 2.2, dtype=torch.float64))
true_slope = ((p - 1) * 1.1).item()
steps = [10.0**-k for k in range(1, 10)]
smallest = []
for dtype, name in ((torch.float32, "32-bit floats"), (torch.float64, "64-bit floats")):
    at = torch.tensor(2.2, dtype=dtype)
    slopes = [(neuron_loss(at + h) - neuron_loss(at - h)).item() / (2 * h) for h in steps]
    errors = [abs(slope - true_slope) for slope in slopes]
    smallest.append(min(errors))
    plt.loglog(steps, errors, "o-", label=name)
plt.xlabel("step h")
plt.ylabel("error of the slope")
plt.title("Too far bends, too near drowns")
plt.legend()
plt.show()
assert smallest[0] > 10_000 * smallest[1]

# %% [markdown]
# *Each point is one measured slope: in 32 bits the best step is near 0.01; in 64 bits a step near 0.00001
# leaves an error more than ten thousand times smaller.* Keep the V in mind. It returns when you check
# somebody's gradient code.
#
# ### Second way: by hand
#
# The chain rule, one factor per operation. With $y = 1$ the loss is $-\log p$:
#
# $$\frac{dL}{dw} = \underbrace{-\frac1p}_{dL/dp}\cdot\underbrace{p(1-p)}_{dp/dz}\cdot\underbrace{x}_{dz/dw} = (p-1)\,x .$$
#
# The two $p$ cancel, which is why sigmoid and cross-entropy are such good friends.

# %%
x, z = 1.1, 1.1 * 2.2
p = 1 / (1 + math.exp(-z))
print(f"dL/dp = {-1 / p:.4f}   dp/dz = {p * (1 - p):.4f}   dz/dw = {x}")
print(f"product = {-1 / p * p * (1 - p) * x:.4f}")

# %% [markdown]
# ### Third way: ask
#
# Mark the tensor whose slope you will want, calculate as usual, call `backward()`, read `.grad`.

# %%
w = torch.tensor(2.2, requires_grad=True)
loss = neuron_loss(w)
loss.backward()
print(f"w.grad = {w.grad.item():.4f}")
assert math.isclose(w.grad.item(), true_slope, rel_tol=1e-5)

# %% [markdown]
# −0.0898, three times. The limit is approximate and needs two runs of the function for every weight. The
# formula is exact, and somebody has to derive it again for every new network. Autograd is exact and derives
# nothing: it remembers what you calculated. How it remembers is the next section.
#
# Keep the limit anyway. It is slow, it is crude, and it knows nothing about your code, which makes it the
# ideal witness.
#
# ### Exercise autograd-1 · difficulty 2 · 6 minutes
# Write `numerical_gradient(f, w, h)`: the gradient of `f` at a vector `w`, measured. For every element `i`,
# move **only** that element up and down by `h` and divide the difference of the two losses by `2h`. Use no
# autograd. `w` must be unchanged when you return.
#
# <details><summary>Hint 1</summary>Make a copy of <code>w</code> for each direction: <code>w.clone()</code>. Then change element <code>i</code> of the copy.</details>
# <details><summary>Hint 2</summary><code>up, down = w.clone(), w.clone()</code>, then <code>up[i] += h</code>, <code>down[i] -= h</code>; collect the quotients and <code>torch.stack</code> them, or fill a <code>torch.zeros_like(w)</code>.</details>

# %% tags=["exercise"] id="autograd-1" objective="prove"
def numerical_gradient(f, w: torch.Tensor, h: float = 1e-5) -> torch.Tensor:
    """Measure the gradient of ``f`` at ``w`` by two-sided differences.

    f: takes a tensor of shape (n,), returns a scalar tensor.  w: (n,).  Returns: (n,).
    """
    ### BEGIN SOLUTION
    slopes = torch.zeros_like(w)
    for i in range(len(w)):
        up, down = w.clone(), w.clone()
        up[i] += h
        down[i] -= h
        slopes[i] = (f(up) - f(down)) / (2 * h)
    return slopes
    ### END SOLUTION

# %% tags=["check"]
with check("autograd-1") as c:
    at = torch.tensor([1.0, 2, 3], dtype=torch.float64)
    got, exact = c.attempted(numerical_gradient(lambda w: (w**3).sum(), at, h=0.1)), 3 * torch.tensor([1.0, 4, 9])
    c.true(at.tolist() == [1, 2, 3], observed=f"w became {at.tolist()}", expected="w as it came in", likely="move a clone")
    wrong = [(exact + torch.tensor([0.31, 0.61, 0.91]), "one-sided: the bend is in it; step down as well"),
             (2 * exact + 0.02, "divide by 2h: up and down are two steps apart"),
             ((exact + 0.01).sum().repeat(3), "all elements moved at once: move one at a time")]
    c.close(got, exact + 0.01, because="3w², and the error h² that a cube leaves at h = 0.1", mistakes=wrong)

# %% [markdown] tags=["solution"]
# Each element costs two evaluations of `f`, so a million weights cost two million. That is why nobody trains
# this way and everybody tests this way. The check uses the large step 0.1 on purpose: with $f = w^3$ the
# two-sided error is exactly $h^2$, which tells a two-sided answer from a one-sided one.

# %% [markdown] tags=["instructor"]
# **Watch for** `up = w` (no clone): both copies are the caller's tensor, and the quotient is 0 or nonsense.
# **Ask the room** how many evaluations a network with 60,000 weights needs (120,000), then how many
# `backward()` needs (one). **Timing:** 6 minutes; those who finish early vectorize it with `torch.eye(n) *
# h`.

# %% [markdown]
# ## The graph behind the number
#
# While you calculate, PyTorch keeps a diary: one entry for every operation that a marked tensor took part in.
# Write the neuron out in steps, this time with the library's own cross-entropy.

# %%
x, y = torch.tensor(1.1), torch.tensor(1.0)
w = torch.tensor(2.2, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
z = x * w + b
p = torch.sigmoid(z)
loss = F.binary_cross_entropy(p, y)
for name, t in dict(x=x, w=w, b=b, z=z, p=p, loss=loss).items():
    fn = t.grad_fn.name() if t.grad_fn else None
    print(f"{name:5} requires_grad={t.requires_grad!s:6} is_leaf={t.is_leaf!s:6} {fn}")

# %% [markdown]
# Read the three columns.
#
# - `requires_grad`: you asked for `w` and `b`. Everything made from them inherits the mark; `x` has none.
# - `is_leaf`: a tensor nobody calculated. `x`, `w` and `b` came from you, `z` came from an operation.
# - `grad_fn`: the diary entry. It is the operation that made the tensor, ready to be run backward.
#
# Only leaves that require a gradient get their `.grad` filled. For `z` you would have to ask, with
# `z.retain_grad()`. You will do it in a moment.
#
# Each entry points to the entries of its own inputs, in `next_functions`. And here is a lovely thing: an
# entry is **callable**. Hand it a slope from above and it returns the slope handed on to each input. Hand it
# 1 and you get the bare *local derivative*, the derivative of this one operation and nothing else.

# %%
entry = loss.grad_fn
print(entry.name(), "→", [n.name() if n else None for n, _ in entry.next_functions])
print(f"local derivative dL/dp = {entry(torch.tensor(1.0))[0].item():.4f}")

# %% [markdown]
# −1.0889 is the $-1/p$ of the hand calculation. The `None` stands for `y`, which wanted no gradient. Now
# follow the pointers all the way down. Ten lines are enough for the walk.

# %%
def walk(entry):
    """List the edges (entry, entry of its input, local derivative), from the loss down."""
    local = entry(torch.tensor(1.0))
    local = local if isinstance(local, tuple) else (local,)
    edges = []
    for (below, _), slope in zip(entry.next_functions, local, strict=True):
        if below is not None:
            edges.append((entry, below, slope.item()))
            edges += walk(below) if below.next_functions else []
    return edges


def label(entry, **leaves):
    """A short name: the operation, or the name of the leaf that waits here."""
    if hasattr(entry, "variable"):
        return next(name for name, leaf in leaves.items() if leaf is entry.variable)
    return entry.name().removesuffix("Backward0")


edges = walk(loss.grad_fn)
for entry, below, slope in edges:
    print(f"{label(entry):18} ← {label(below, w=w, b=b):8} {slope:8.4f}")

# %% [markdown]
# Five edges, five local derivatives, none of them harder than school. The last step is to multiply along each
# path: 1 at the loss, and from then on every entry passes down *what it got from above times its local
# derivative*.

# %%
total = {loss.grad_fn: 1.0}
for entry, below, slope in edges:
    total[below] = total[entry] * slope
for entry, value in total.items():
    print(f"dL/d[{label(entry, w=w, b=b)}] = {value:8.4f}")

# %% [markdown]
# There it is again on the way to `w`: −0.0898. And `b` has −0.0817. Draw it: boxes are entries, numbers on
# the arrows are local derivatives, the number below a box is the product so far. First a spot for every box:

# %%
def place(entry, column=0.0, row=0.0):
    """Spots for the drawing: inputs one column to the left, a second input one row down."""
    spots = {entry: (column, row)}
    inputs = [below for below, _ in entry.next_functions if below is not None]
    for n, below in enumerate(inputs):
        spots |= place(below, column - 1, row - n)
    return spots

# %% [markdown]
# Then boxes and arrows. The arrows point the way `backward` walks.

# %% alt="A computation graph drawn as boxes from left to right: leaf w feeds Mul, Mul and leaf b feed Add, Add feeds Sigmoid, Sigmoid feeds BinaryCrossEntropy. Orange arrows run backward, from right to left, with the local derivatives minus 1.0889, 0.0750, 1 and 1, and 1.1 on them. Below each box stands the product so far: 1 at the loss, minus 1.0889 below Sigmoid, minus 0.0817 below Add, Mul and b, and minus 0.0898 below w."
fig, ax = plt.subplots(figsize=(9, 2.9))
spots = place(loss.grad_fn)
for entry, below, slope in edges:
    (x0, y0), (x1, y1) = spots[entry], spots[below]
    arrow = dict(arrowstyle="-|>", color="C1", shrinkA=40, shrinkB=34)
    ax.annotate("", (x1, y1), (x0, y0), arrowprops=arrow)
    ax.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.13, f"× {round(slope, 4):g}", color="C1", ha="center")
for entry, (cx, cy) in spots.items():
    name = label(entry, w=w, b=b)
    face = "#fff3d6" if name in "wb" else "#dcebf7"
    box = dict(boxstyle="round,pad=0.4", fc=face, ec="#444444")
    ax.text(cx, cy, name.replace("Cross", "\nCross"), ha="center", va="center", bbox=box)
    ax.text(cx, cy - 0.42, f"{total[entry]:.4f}", ha="center", weight="bold")
ax.set(xlim=(-4.4, 0.5), ylim=(-1.6, 0.5), title="Backward through the neuron")
ax.axis("off")
plt.show()

# %% [markdown]
# *Orange arrows run from the loss back to the leaves, each with its local derivative; the bold number below a
# box is the product of all factors on its way from the loss: −1.0889 × 0.0750 × 1 × 1.1 = −0.0898 at `w`.*
# `x` and `y` have no box, because nobody asked for their gradient.
#
# Now let autograd judge. `retain_grad` keeps the slope at `z` too, which is no leaf.

# %%
z.retain_grad()
loss.backward()
print(f"w {w.grad.item():.4f}   b {b.grad.item():.4f}   z {z.grad.item():.4f}")
assert [round(g.item(), 4) for g in (w.grad, b.grad, z.grad)] == [-0.0898, -0.0817, -0.0817]
by_name = {label(entry, w=w, b=b): value for entry, value in total.items()}
assert math.isclose(by_name["w"], w.grad.item(), rel_tol=1e-6)

# %% [markdown]
# Same numbers, so `backward()` is no magic: it visits entries and multiplies. The picture also says why it is
# fast. The product at `z` is calculated once and used by both `w` and `b`; a network with a million weights
# shares almost all of its factors that way.
#
# (Our `walk` visits an entry again for every path that leads to it. Here there is one path each. The engine
# you build later cannot be so careless.)
#
# ### Exercise autograd-2 · difficulty 1 · 5 minutes
# Do the multiplication yourself, for another graph: `z = u·v`, `h = tanh(z)`, `d = h − t`, `loss = d²`, with
# `u = 0.5`, `v = −1.2`, `t = 0.3`. Give `chain`, a tuple of the four local derivatives on the way from the
# loss down to `u`, in that order: dloss/dd, dd/dh, dh/dz, dz/du. And `du`, the slope of the loss with respect
# to `u`. Use Python floats and `math.tanh`.
#
# <details><summary>Hint 1</summary>Calculate forward first: z = −0.6, h = tanh(−0.6), d = h − 0.3. The derivative of tanh is 1 − tanh².</details>
# <details><summary>Hint 2</summary><code>chain = (2 * d, 1.0, 1 - h**2, …)</code>: what is the derivative of u·v when u moves and v stays?</details>

# %% tags=["exercise"] id="autograd-2" objective="graph"
### BEGIN SOLUTION
h = math.tanh(0.5 * -1.2)
chain = (2 * (h - 0.3), 1.0, 1 - h**2, -1.2)
du = math.prod(chain)
### END SOLUTION

# %% tags=["check"]
with check("autograd-2") as c:
    th, parts = math.tanh(-0.6), [float(slope) for slope in c.attempted(chain)]
    c.equal(len(parts), 4, because="four edges from the loss down to u")
    c.close(parts[0], 2 * (th - 0.3), mistakes={th - 0.3: "d(d²)/dd = 2d: the 2 is missing"})
    c.close(parts[1], 1.0, mistakes={-1.0: "in h − t, h has the plus sign; the minus belongs to t"})
    c.close(parts[2], 1 - th**2, mistakes={1 - 0.36: "1 − h² with h = tanh(z), not z itself"})
    c.close(parts[3], -1.2, mistakes={0.5: "dz/du is v, the factor that stays"})
    c.close(c.attempted(du), math.prod(parts), because="one path: multiply", mistakes={sum(parts): "along a path, multiply"})

# %% [markdown] tags=["solution"]
# $2d \cdot 1 \cdot (1-h^2)\cdot v$. The third factor is the interesting one: it is never above 1, and close
# to 0 when $|z|$ is large. Put fifty such layers in a row and the product is gone. Lesson 05 measures that.

# %% [markdown] tags=["instructor"]
# **Watch for** the sum instead of the product, and for `dz/du = u`. Both come from filling in numbers before
# saying *which operation is this box, and which input moves?* **For the room:** what would the local
# derivative at the minus sign be for `t`? (−1: one operation has one local derivative per input.)

# %% [markdown]
# ## Gradients pile up
#
# **Predict before you run:** the same question, asked three times, each time on a fresh graph. What does
# `w.grad` say?

# %%
w = torch.tensor(2.2, requires_grad=True)
for turn in (1, 2, 3):
    neuron_loss(w).backward()
    print(f"after backward number {turn}: w.grad = {w.grad.item():.4f}")

# %% [markdown]
# Not the same answer three times: −0.0898, −0.1797, −0.2695. `backward()` **adds** to `.grad`. The slope of
# the loss never changed; the pile did.
#
# It is a design, not a slip. A tensor used twice in a formula gets two contributions, and they must be
# summed:

# %%
a = torch.tensor(3.0, requires_grad=True)
(a * a).backward()
print("d(a·a)/da at 3 =", a.grad.item(), "= 3 from the left factor + 3 from the right one")
assert a.grad == 6

# %% [markdown]
# Adding is right *within* one question. Between two questions, you clear the pile. `w.grad = None` does it
# for one tensor; `optimizer.zero_grad()`, from lesson 03 on, does the same for all weights of a model.

# %%
w.grad = None
neuron_loss(w).backward()
print(f"cleared, then asked once: {w.grad.item():.4f}")

# %% [markdown]
# There is a second way to ask, which never piles up: `torch.autograd.grad` **returns** the slopes and leaves
# every `.grad` alone. Use `backward()` to train (the optimizer looks for `.grad`), use `grad` when you want
# the numbers themselves.

# %%
b = torch.tensor(0.0, requires_grad=True)
dw, db = torch.autograd.grad(neuron_loss(w, b), (w, b))
print(f"returned: {dw.item():.4f} and {db.item():.4f}")
print(f"w.grad still {w.grad.item():.4f}   b.grad {b.grad}")

# %% [markdown]
# Here is a loss for the exercise that follows: a batch of numbers, a weight for each column, the mean squared
# miss.

# %%
def miss(w, batch):
    """How far the products batch·w are from 1; w: (n,), batch: (n,)."""
    return ((batch * w - 1) ** 2).mean()

# %% [markdown]
# ### Exercise autograd-3 · difficulty 2 · 6 minutes
# Your data does not fit into memory at once, so you feed it in batches of equal size and want the gradient
# *as if* it had been one. Write `accumulated(loss_fn, batches, w)`: it leaves in `w.grad` the gradient of the
# **mean loss over all batches**, and returns `w.grad`. `loss_fn(w, batch)` is the mean loss of one batch.
# Careful: `w.grad` may hold an old gradient when you are called. Only one batch's graph may be alive at a
# time, so call `backward()` on each.
#
# <details><summary>Hint 1</summary>Clear once, before the loop, never inside. Let <code>backward()</code> do the adding.</details>
# <details><summary>Hint 2</summary>The mean over n batches is the sum of n losses, each divided by n: <code>(loss_fn(w, batch) / len(batches)).backward()</code>.</details>

# %% tags=["exercise"] id="autograd-3" objective="accumulate"
def accumulated(loss_fn, batches, w: torch.Tensor) -> torch.Tensor:
    """Return ``w.grad``, set to the gradient of the mean of ``loss_fn(w, batch)`` over batches.

    batches: a sequence with a length, of tensors.  w: a leaf of shape (n,).  Returns: (n,).
    """
    ### BEGIN SOLUTION
    w.grad = None
    for batch in batches:
        (loss_fn(w, batch) / len(batches)).backward()
    return w.grad
    ### END SOLUTION

# %% tags=["check"]
with check("autograd-3") as c:
    parts, leaf = torch.tensor([[1.0, 2], [3, 4], [5, 9]]), torch.tensor([1.0, -1], requires_grad=True)
    each = [torch.autograd.grad(miss(leaf, part), leaf)[0] for part in parts]
    leaf.grad, total_3, mean = torch.full((2,), 100.0), sum(each), sum(each) / 3
    wrong = [(total_3, "the batches were summed: divide each loss by their number")]
    wrong += [(last, "cleared inside the loop: only the last batch is left") for last in (each[-1], each[-1] / 3)]
    wrong += [(old, "the old gradient is still in the pile") for old in (mean + 100, total_3 + 100, mean + 100 / 3)]
    c.close(c.attempted(accumulated(miss, parts, leaf)), mean, because="as if it were one batch", mistakes=wrong)

# %% [markdown] tags=["solution"]
# Accumulation is what makes this three lines long. It is a standard trick for large models (*gradient
# accumulation*, lesson 11): a big batch's gradient for a small batch's memory. Summing losses first and
# calling `backward()` once gives the same numbers, but keeps all graphs alive until the end.

# %% [markdown] tags=["instructor"]
# **Watch for** dividing at the end with `w.grad /= n`: right here, and wrong as soon as the batches differ in
# size. **Ask:** what if the last batch is smaller? (Weigh each loss by its share of the samples.) **Timing:**
# 6 minutes.

# %% [markdown]
# ## May `backward` be called twice?
#
# A margin question that many leave open. You have called it three times already, on three *fresh* graphs. Now
# call it twice on **one** graph. Watch the last sentence of the message.

# %%
w = torch.tensor(2.2, requires_grad=True)
loss = neuron_loss(w)
loss.backward()
with expect_error(RuntimeError):
    loss.backward()

# %% [markdown]
# The diary keeps numbers it needs for the way back: the factor `x` for a product, the output for a sigmoid.
# After one pass they are freed, because in a real network these saved
# numbers often fill more memory than the weights. To be asked twice, a graph has to be told so in advance: `retain_graph=True`.

# %%
w = torch.tensor(2.2, requires_grad=True)
loss = neuron_loss(w)
loss.backward(retain_graph=True)
loss.backward()
print(f"two passes over one graph: {w.grad.item():.4f}, which is twice −0.0898")
assert round(w.grad.item(), 4) == -0.1797

# %% [markdown]
# So: yes, on a fresh graph always; on the same graph if the earlier call kept it; and in both cases the results add up.
#
# ### Margin question: does the second `grad` call need `retain_graph=True`?
#
# **Predict before you run:** you ask about `w`, then about `b`, with two `grad` calls on one graph. Which of
# the two calls needs `retain_graph=True`: the first, the second, or both?

# %%
for first in (False, True):
    for second in (False, True):
        w, b = torch.tensor(2.2, requires_grad=True), torch.tensor(0.0, requires_grad=True)
        loss = neuron_loss(w, b)
        try:
            torch.autograd.grad(loss, w, retain_graph=first)
            torch.autograd.grad(loss, b, retain_graph=second)
            print(f"first {first!s:5}  second {second!s:5}  works")
        except RuntimeError as error:
            print(f"first {first!s:5}  second {second!s:5}  {type(error).__name__}")

# %% [markdown]
# The column `second` makes no difference. **The flag speaks about the calls that come after it.** Nothing
# comes after the last call, so the last one never needs it. Most notebooks that say `retain_graph=True` twice
# copied the first line.
#
# Better still, ask one question for both, `torch.autograd.grad(loss, (w, b))`: one walk, no flag.
#
# One trap for experimenters: a graph that has saved nothing has nothing to free.

# %%
w = torch.tensor(2.2, requires_grad=True)
total_only = w + w + 1
total_only.backward()
total_only.backward()
print("two passes without the flag:", w.grad.item())
assert w.grad == 4

# %% [markdown]
# A sum needs no saved numbers, so the second call goes through. If your toy example worked and the real one
# does not, this may be the reason.
#
# There is one more reason to keep a graph: to differentiate the *derivative*. Then the backward pass itself has
# to be written into the diary: `create_graph=True`.

# %%
w = torch.tensor(2.2, requires_grad=True)
(first,) = torch.autograd.grad(neuron_loss(w), w, create_graph=True)
(second,) = torch.autograd.grad(first, w)
p = torch.sigmoid(torch.tensor(1.1 * 2.2))
by_hand = p * (1 - p) * 1.1**2
print(f"second derivative {second.item():.4f}   by hand p(1−p)x² = {by_hand.item():.4f}")

# %% [markdown]
# Both say 0.0907. Positive: the loss bends upward here, like the inside of a bowl.

# %% [markdown]
# ## Three ways to look away
#
# Sooner or later you want to calculate *without* the diary. The most common moment is the most natural thing
# in the world: to move a weight downhill.

# %%
w = torch.tensor(2.2, requires_grad=True)
neuron_loss(w).backward()
with expect_error(RuntimeError):
    w -= 0.1 * w.grad

# %% [markdown]
# *Variable* is the old word for tensor. The message says: you are changing a leaf in place, and the diary is
# open. Should the update become part of the function you differentiate? PyTorch refuses to guess. The mend is
# to close the diary for that line:

# %%
with torch.no_grad():
    w -= 0.1 * w.grad
print(f"w = {w.item():.4f}   leaf: {w.is_leaf}   still asks for gradients: {w.requires_grad}")

# %% [markdown]
# Many try `w = w - 0.1 * w.grad` instead. No error, and that is worse:

# %%
moved = w - 0.1 * w.grad
print(f"moved = {moved.item():.4f}   leaf: {moved.is_leaf}   made by {moved.grad_fn.name()}")

# %% [markdown]
# `moved` is the *result of a subtraction*, not a leaf. Its `.grad` will stay empty, and every further step
# would lengthen the graph behind it.
#
# Three tools look away, for three occasions:

# %%
with torch.no_grad():
    quiet = w * 2
with torch.inference_mode():
    fastest = w * 2
cut = (w * 2).detach()
for name, t in dict(no_grad=quiet, inference_mode=fastest, detach=cut).items():
    print(f"{name:15} requires_grad={t.requires_grad}   inference tensor={t.is_inference()}")

# %% [markdown]
# All three have no graph behind them. `no_grad` is for updates. `inference_mode` is for prediction: it drops
# even the bookkeeping that would let the result join a graph later. Try to bring such a tensor back and you
# hear about it:

# %%
with expect_error(RuntimeError):
    fastest * w

# %% [markdown]
# `detach` cuts **one** tensor loose in the middle of a calculation whose rest goes on. Watch what a cut does
# to a slope.
#
# **Predict before you run:** `y = a² · a²` has slope 4a³ = 32 at `a = 2`. What is left if the second `a²` is
# detached?

# %%
a = torch.tensor(2.0, requires_grad=True)
square = a**2
(square * square.detach()).backward()
print("slope with one factor detached:", a.grad.item())
assert a.grad == 16

# %% [markdown]
# 16, half of 32. The detached factor counts as the constant 4, so what is left is d(4a²)/da = 8a = 16. The
# *value* of the product has not changed at all, so nothing but the gradient tells you that something was cut.
#
# `detach` copies nothing. The cut tensor shares its numbers with the original, and a counter watches over
# them: change them in place while the diary still needs them, and you are stopped.

# %%
a = torch.tensor([0.0, 1.0], requires_grad=True)
e = a.exp()
e.detach().mul_(10)
with expect_error(RuntimeError):
    e.sum().backward()

# %% [markdown]
# Long, but precise: *output 0 of Exp, is at version 1; expected version 0*. The backward of exp wants exp's
# own output; you have overwritten it. The mend is a copy: `e.detach().clone()`, or `e * 10` instead of
# `mul_`.

# %% [markdown]
# ## What `v` means in `backward(v)`
#
# So far every loss was one number. Call `backward()` on a vector, and:

# %%
a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = a**2
with expect_error(RuntimeError):
    y.backward()

# %% [markdown]
# Three outputs, three inputs: that is a table of nine slopes, the **Jacobian**, with one row for each output.
# `backward` will not give you the table. It gives you one weighted sum of its rows, and wants to hear the
# weights: `v`. Old tutorials pass `[0.1, 1.0, 0.0001]` here, and readers took from it that "the numbers
# should be small". Measure instead of believing.

# %%
for v in ([0.1, 1.0, 0.0001], [0.2, 2.0, 0.0002], [1000.0, 1000.0, 1000.0], [0.0, 0.0, 1.0]):
    (got,) = torch.autograd.grad(a**2, a, grad_outputs=torch.tensor(v))
    print(f"v = {v!s:24} →  {[round(g, 4) for g in got.tolist()]}")

# %% [markdown]
# The slopes of `a²` are 2, 4 and 6. Every row printed is those three, times `v`. Twice the `v`, twice the
# answer; a thousand is as welcome as a ten-thousandth. `[0.1, 1.0, 0.0001]` was no advice. It says that the
# third output counts ten thousand times less than the second.
#
# With outputs that share inputs you see the sum at work. Take $f(a) = (a_0 a_1,\; a_1 + a_2^2)$, with rows
# (2, 1, 0) and (0, 1, 6) at $a = (1, 2, 3)$.
#
# **Predict before you run:** what does `v = [1, 10]` give?

# %%
def pair(a):
    """(3,) → (2,): two outputs that share an input."""
    return torch.stack([a[0] * a[1], a[1] + a[2] ** 2])


(got,) = torch.autograd.grad(pair(a), a, grad_outputs=torch.tensor([1.0, 10.0]))
rows = torch.tensor([[2.0, 1, 0], [0, 1, 6]])
print(got.tolist())
assert torch.equal(got, torch.tensor([1.0, 10.0]) @ rows)

# %% [markdown]
# `v @ J`: one times the first row plus ten times the second gives 2, 11, 60. A *vector–Jacobian product*, and
# the Jacobian was never built.
#
# Where does a real `v` come from? **It is the gradient of whatever comes after.** Suppose a loss follows: the
# loss's own gradient with respect to `y` is the `v` to hand in. Cut a calculation in two and pass `v` across
# the cut:

# %%
def rest(y):
    """(2,) → (): a loss that follows."""
    return (y[0] - 5) ** 2 + 3 * y[1]


(whole,) = torch.autograd.grad(rest(pair(a)), a)

y = pair(a)
middle = y.detach().requires_grad_()
(v,) = torch.autograd.grad(rest(middle), middle)
(in_two,) = torch.autograd.grad(y, a, grad_outputs=v)
print("v =", v.tolist(), "  in one go:", whole.tolist(), "  in two:", in_two.tolist())
assert torch.equal(whole, in_two)

# %% [markdown]
# Identical. That is what each box in the drawing did: it received the slope of everything after it, and
# passed on `v` times its own Jacobian. And a scalar loss needs no `v` because nothing comes after it: the
# slope of the loss with respect to itself is 1.
#
# ### Exercise autograd-4 · difficulty 2 · 7 minutes
# Which `v` gives you a single row of the Jacobian? Use it to write `jacobian_by_rows(f, at)`: the whole
# table, one vector–Jacobian product per output, without `torch.func`. `at` comes without `requires_grad`, and
# must be left so.
#
# <details><summary>Hint 1</summary>A <code>v</code> that is 1 at output i and 0 elsewhere picks row i. All of them together are the rows of <code>torch.eye(m)</code>.</details>
# <details><summary>Hint 2</summary>Make your own leaf: <code>at.clone().requires_grad_()</code>. Calculate <code>y = f(leaf)</code> once, then <code>torch.autograd.grad(y, leaf, v, retain_graph=True)</code> per row, and stack.</details>

# %% tags=["exercise"] id="autograd-4" objective="vjp"
def jacobian_by_rows(f, at: torch.Tensor) -> torch.Tensor:
    """Return the Jacobian of ``f`` at ``at``; element (i, j) is d f_i / d at_j.

    f: takes shape (n,), returns shape (m,).  at: (n,).  Returns: (m, n).
    """
    ### BEGIN SOLUTION
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    rows = [torch.autograd.grad(y, leaf, v, retain_graph=True)[0] for v in torch.eye(len(y))]
    return torch.stack(rows)
    ### END SOLUTION

# %% tags=["check"]
with check("autograd-4") as c:
    spot = torch.tensor([1.0, 2.0, 3.0])
    table, J = c.attempted(jacobian_by_rows(pair, spot)), jacrev(pair)(spot)
    c.close(table, J, because="row i is what v = e_i asks for",
            mistakes=[(J.T, "transposed: outputs go down, inputs go across"), (J.cumsum(0), "the rows piled up in .grad"),
                      (J.sum(0).repeat(2, 1), "all rows are one object, .grad: append a clone, and clear"),
                      (J.sum(0), "v = ones gives the sum of the rows, not the table")])
    c.true(not spot.requires_grad, observed="at is marked now", expected="at as it came in", likely="mark a clone")

# %% [markdown] tags=["solution"]
# With `backward` it works too, but then you must clear `.grad` and clone it between rows. `grad` returns a
# fresh tensor, which takes both traps away. One pass per **output**: for a scalar loss that is one pass,
# however many weights there are.

# %% [markdown] tags=["instructor"]
# **Watch for** `rows.append(leaf.grad)` followed by `leaf.grad.zero_()`: all rows end up as the same tensor.
# It is lesson 01's shared memory in new clothes. **For the room:** how many passes for 1,000 outputs and 1
# input, and could there be a cheaper direction? The next section answers.

# %% [markdown]
# ## Whole tables: Jacobian and Hessian
#
# The library builds the table for you, in two directions. `jacrev` goes backward, one pass per output.
# `jacfwd` goes forward, one pass per input, alongside the calculation itself.
#
# One line first: the first forward-mode call in torch 2.15 makes torch warn about *its own* inner code (it
# still uses the retired `torch.jit.script`). There is nothing for you to mend, so tell Python to keep quiet
# about that one message.

# %%
warnings.filterwarnings("ignore", message="`torch.jit.script`", category=FutureWarning)
at = torch.tensor([1.0, 2.0, 3.0])
print("jacrev\n", jacrev(pair)(at))
print("same from jacfwd:", torch.equal(jacrev(pair)(at), jacfwd(pair)(at)))

# %% [markdown]
# Both take a *function* and return a *function*, which you then call. No `requires_grad`, no `.grad`.
#
# If they give the same table, why two? Count. Below, a network of two 100×100 layers ends in one number, then
# another starts from one number. `FlopCounterMode` counts the arithmetic in matrix products.

# %%
def layers(t, A, B):
    """(100,) → (100,): two layers."""
    return torch.tanh(A @ torch.tanh(B @ t))


torch.manual_seed(0)
A, B, t = torch.randn(100, 100) / 10, torch.randn(100, 100) / 10, torch.randn(100)
jobs = {"100 → 1": (lambda t: layers(t, A, B).sum(), t)}
jobs["1 → 100"] = (lambda s: layers(s * torch.ones(100), A, B), torch.tensor(0.3))
for name, (f, at) in jobs.items():
    for mode in (jacrev, jacfwd):
        with FlopCounterMode(display=False) as counter:
            mode(f)(at)
        print(f"{name}  {mode.__name__}  {counter.get_total_flops():>9,}")

# %% [markdown]
# One hundred times the work, in the wrong direction, either way. Training is the first kind: millions of
# weights in, **one loss out**. That is why deep learning runs on *backward*.
#
# A Jacobian of a gradient is a **Hessian**: the table of second derivatives, which says how the slopes
# themselves change.
#
# **Predict before you run:** for a weight of shape (2, 3) the gradient has shape (2, 3). What shape has the
# Hessian?

# %%
weight = torch.arange(6.0).reshape(2, 3)
H = hessian(lambda W: (W**3).sum())(weight)
print("shape", tuple(H.shape))
print("W[1, 2] with itself:", H[1, 2, 1, 2].item(), "  with W[0, 1]:", H[1, 2, 0, 1].item())
assert H[1, 2, 1, 2] == 6 * weight[1, 2]

# %% [markdown]
# (2, 3, 2, 3): every weight against every weight. For a network with 60,000 weights that would be 3.6 billion
# numbers, which is why training lives on gradients alone. For two weights a Hessian is a treasure, and you
# will use one on the landscape below.

# %% [markdown]
# ### Margin question: is "from right to left" the same as backpropagation?
#
# Half. On the drawing, where the input stands left and the loss right, backpropagation runs from right to
# left. In the formula $\frac{dL}{dx} = \frac{dL}{dc}\cdot\frac{dc}{db}\cdot\frac{db}{dx}$ the *same* work
# runs from left to right, because there the loss stands on the left. What matters is neither: it is **which
# pair you multiply first**. All orders give the same product; the bill differs. The row on the left has one
# line, because the loss is one number.

# %%
def cost(*order):
    """Multiplications for pairs of shapes ((n, k), (k, m)), each n·k·m."""
    return sum(n * k * m for (n, k), (_, m) in order)


row, square = (1, 1000), (1000, 1000)
loss_first = cost((row, square), (row, square))  # (row @ J2) @ J1
input_first = cost((square, square), (row, square))  # row @ (J2 @ J1)
print(f"from the loss {loss_first:,}   from the input {input_first:,}")
print(f"ratio {input_first / loss_first:.1f}")

# %% [markdown]
# And is it really the same product? A smaller case, in 64 bits:

# %%
torch.manual_seed(0)
row, J2, J1 = torch.randn(1, 300), torch.randn(300, 300), torch.randn(300, 300)
row, J2, J1 = row.double(), J2.double(), J1.double()
print("same product:", torch.allclose((row @ J2) @ J1, row @ (J2 @ J1)))

# %% [markdown]
# The same gradient, 500 times cheaper when you start at the loss, because a row times a table is again a row:
# you never hold a table. Backpropagation is that order of multiplying, **plus** the diary of saved values,
# **plus** adding up where paths meet. Direction alone is only the first of the three.

# %% [markdown]
# ### Margin question: why is a stack of linear layers one linear layer?
#
# Because a product of matrices is a matrix. Stack three layers with 43 numbers in them and compare with one
# layer of 6.

# %%
torch.manual_seed(0)
W1, W2, W3 = (torch.randn(shape, dtype=torch.float64) for shape in ((5, 3), (4, 5), (2, 4)))
one_layer = W3 @ W2 @ W1
t = torch.randn(3, dtype=torch.float64)
print("numbers:", W1.numel() + W2.numel() + W3.numel(), "against", one_layer.numel())
print("same output:", torch.allclose(W3 @ (W2 @ (W1 @ t)), one_layer @ t))

# %% [markdown]
# Biases change nothing: they add up to one bias. Autograd gives a sharper test. A map is a line, a plane, a
# flat thing, exactly if its slopes are the same **everywhere**. So compare Jacobians at two places, with and
# without a bend (tanh) between the layers.

# %%
def stack(t, W1, W2, W3, bend):
    """Three layers with biases 1, −2 and 3; ``bend`` comes after the first two."""
    return W3 @ bend(W2 @ bend(W1 @ t + 1) - 2) + 3


here, there = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
for name, bend in (("linear only", lambda t: t), ("with tanh", torch.tanh)):
    slopes = [jacrev(stack)(at, W1, W2, W3, bend) for at in (here, there)]
    print(f"{name:12} same slopes at both places: {torch.allclose(*slopes)}")
    print(f"{'':12} the slopes of one_layer:    {torch.allclose(slopes[0], one_layer)}")

# %% [markdown]
# Without bends, depth buys no new function: the slopes are those of `one_layer`, here and there. The
# nonlinearity between the layers is what makes depth worth having.

# %% [markdown]
# ## Your own operation, and how to distrust it
#
# Sometimes you know a derivative better than autograd can: it is cheaper, or safer, or the operation comes
# from outside. Then you write the diary entry yourself, as a `torch.autograd.Function` with two static
# methods. `forward` calculates and saves what the way back will need. `backward` receives the slope from
# above, the `v` of two sections ago, and returns it times the local derivative, one result per input.
#
# Here is a cube. It contains a mistake.

# %%
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 2 * x**2


t = torch.tensor([1.0, 2.0], requires_grad=True)
Cube.apply(t).sum().backward()
print("values", Cube.apply(t).tolist(), "  slopes", t.grad.tolist())

# %% [markdown]
# The values are right. Nothing complains. A network with this inside would train, a bit worse than it should,
# and you would blame the learning rate for a week. So ask the crude witness from the first section.
# `gradcheck` measures every slope with two-sided steps and holds it against the backward:

# %%
t = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
with expect_error(RuntimeError):
    torch.autograd.gradcheck(Cube.apply, t)

# %% [markdown]
# Measured 3 and 12, claimed 2 and 8: the factor should be 3. (The tables are Jacobians; zeros off the
# diagonal mean that each output depends on its own input only.) Inherit everything else and mend the one
# line:

# %%
class RightCube(Cube):
    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x**2


print("RightCube passes:", torch.autograd.gradcheck(RightCube.apply, t))

# %% [markdown]
# One condition: `gradcheck` takes steps of a millionth, and you have seen in the V-shaped picture what 32-bit
# floats do with those. **Predict before you run:** will it refuse a *correct* gradient, sigmoid's, in 32
# bits?

# %%
single = torch.tensor([1.0, 2.0], requires_grad=True)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print("32 bits:", torch.autograd.gradcheck(torch.sigmoid, single, raise_exception=False))
double = single.detach().double().requires_grad_()
print("64 bits:", torch.autograd.gradcheck(torch.sigmoid, double))

# %% [markdown]
# It does: the witness, not the suspect, was drunk. PyTorch warns about it too (silenced above to keep the
# page short): *not a double precision floating point … This check will likely fail*. Always hand `gradcheck`
# doubles.
#
# ### Exercise autograd-5 · difficulty 2 · 8 minutes
# Write the operation `Softplus`: $\log(1 + e^x)$, a smooth version of "zero if negative". Its derivative is
# the sigmoid of $x$. Your backward must pass `gradcheck`.
#
# <details><summary>Hint 1</summary>In forward: save <code>x</code> with <code>ctx.save_for_backward(x)</code> and return <code>torch.log1p(torch.exp(x))</code>.</details>
# <details><summary>Hint 2</summary>In backward: take <code>x</code> out of <code>ctx.saved_tensors</code>, which is a tuple, and return the slope from above times <code>torch.sigmoid(x)</code>.</details>

# %% tags=["exercise"] id="autograd-5" objective="prove"
class Softplus(torch.autograd.Function):
    """log(1 + exp(x)), element by element; any shape in, the same shape out."""

    @staticmethod
    def forward(ctx, x: torch.Tensor) -> torch.Tensor:
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)
        return torch.log1p(torch.exp(x))
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad_output: torch.Tensor) -> torch.Tensor:
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)
        ### END SOLUTION

# %% tags=["check"]
with check("autograd-5") as c:
    t = torch.tensor([-2.0, 0.0, 3.0], dtype=torch.float64, requires_grad=True)
    out, sig = c.attempted(Softplus.apply(t)), torch.sigmoid(t)
    c.close(out, F.softplus(t), because="log(1 + e^x)", mistakes=[(sig, "the sigmoid belongs into backward")])
    wrong = [(sig, "the slope from above is lost: multiply by grad_output"), (5 * out, "that is the value, not the slope"),
             (5 * sig * (1 - sig), "that is the slope of sigmoid; softplus has the slope sigmoid")]
    c.close(torch.autograd.grad(5 * out.sum(), t)[0], 5 * sig, because="5 · sigmoid(x)", mistakes=wrong)
    c.true(torch.autograd.gradcheck(Softplus.apply, t, raise_exception=False), observed="no", expected="gradcheck passes")

# %% [markdown] tags=["solution"]
# `backward` answers for one box only; `grad_output` is what it knows about the rest of the world. Forget it
# and the box works as long as it is the last one before a plain sum, which is how such bugs survive their
# first test. (For x above 88, `exp` overflows in 32 bits; the library's `F.softplus` switches to x
# itself above 20.)

# %% [markdown] tags=["instructor"]
# **Watch for** `return torch.sigmoid(x)` without `grad_output`: with `.sum().backward()` it gives the right
# numbers, because the slope from above is 1. That is why the check multiplies by 5. **Timing:** 8 minutes.
# **Ask:** could backward use the output instead of the input? (Yes: sigmoid(x) = 1 − exp(−softplus(x)).)

# %% [markdown]
# ## Sixty lines that do what autograd does
#
# You have walked PyTorch's graph. Now build one. A node is a number that knows what it was made from: pairs
# of *input* and *local derivative*. That is all a diary has to hold.

# %%
class Value:
    """A number that remembers what it was made from: pairs (input Value, local derivative)."""

    def __init__(self, data, inputs=()):
        self.data = float(data)
        self.inputs = tuple(inputs)
        self.grad = 0.0


def local(out, source):
    """d out / d source of this one operation: parallel edges add up."""
    return sum(slope for node, slope in out.inputs if node is source)

# %% [markdown]
# Wire one by hand: `six = two · three`. If `two` moves by a little, the product moves by three times as much,
# so the edge to `two` carries a 3.

# %%
two, three = Value(2), Value(3)
six = Value(two.data * three.data, [(two, 3.0), (three, 2.0)])
print(six.data, local(six, two), local(six, three))

# %% [markdown]
# Nobody wants to wire by hand. Python lets you say what `+` and `*` mean for your class.
#
# ### Exercise autograd-6 · difficulty 2 · 10 minutes
# Write `MyValue`, a `Value` with addition and multiplication. `a + b` and `a * b` return a new `MyValue` that
# holds the result **and** the two pairs (input, local derivative). It has to work for `a * a` too. Both
# operands are always `MyValue`s, and your methods leave `.grad` alone.
#
# <details><summary>Hint 1</summary>The constructor already takes everything: <code>MyValue(result, [(self, …), (other, …)])</code>.</details>
# <details><summary>Hint 2</summary>Sum: if one term moves by 1, so does the sum. Product: if one factor moves by 1, the product moves by the other factor, <code>other.data</code>.</details>

# %% tags=["exercise"] id="autograd-6" objective="graph"
class MyValue(Value):
    """A Value that can be added and multiplied."""

    def __add__(self, other: "MyValue") -> "MyValue":
        ### BEGIN SOLUTION
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])
        ### END SOLUTION

    def __mul__(self, other: "MyValue") -> "MyValue":
        ### BEGIN SOLUTION
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])
        ### END SOLUTION

# %% tags=["check"]
with check("autograd-6") as c:
    m, n = MyValue(3), MyValue(4)
    plus, times = c.attempted((m + n, m * n))
    c.true(type(plus) is type(times) is MyValue, observed=f"{type(plus).__name__}, {type(times).__name__}",
           expected="MyValue from both", likely="return a MyValue, or the next + has nowhere to go")
    c.equal((local(plus, m), local(plus, n)), (1.0, 1.0), mistakes={(0, 0): "no inputs given: nothing can flow back"})
    c.equal((local(times, m), local(times, n)), (4.0, 3.0), because="the other factor", mistakes={(3.0, 4.0): "each got its own"})
    c.equal((plus.data, times.data, local(m * m, m)), (7, 12, 6), mistakes={(7, 12, 3): "m · m has two edges; one is lost"})

# %% [markdown] tags=["solution"]
# Two lines of calculus for the whole class. `m * m` needs no special case: the same input stands there twice,
# with 3 each, and whoever walks back adds both: 6 = 2m. That is the pile from the third section.

# %% [markdown] tags=["instructor"]
# **Watch for** dictionaries `{self: …, other: …}` in place of pairs: for `m * m` the second entry overwrites
# the first. It is the best bug of the lesson; let it happen. **For the room:** which other operations would
# you need for the neuron? (A sigmoid and a log, one line each.)

# %% [markdown]
# Now the way back. It sounds like one sentence: *the root gets 1; every node hands each input its own grad
# times the edge*. There is one trap, and it needs a graph in which paths meet again:

# %%
def diamond():
    """b = a·a, s = b + a, d = b·s, at a = 2. Returns (a, d)."""
    a = Value(2)
    b = Value(4, [(a, 2.0), (a, 2.0)])
    s = Value(6, [(b, 1.0), (a, 1.0)])
    return a, Value(24, [(b, 6.0), (s, 4.0)])


leaf = torch.tensor(2.0, requires_grad=True)
(leaf**2 * (leaf**2 + leaf)).backward()
print("what torch says for the slope at the bottom:", leaf.grad.item())
assert leaf.grad == 44

# %% [markdown]
# `b` feeds both `s` and `d`. If you let `b` hand down its grad as soon as `d` has spoken, the message from
# `s` comes too late. **A node may pass on its grad only when everybody above has paid in.** A good order for
# that: every node after all the nodes that use it. That is a *topological order*.
#
# ### Exercise autograd-7 · difficulty 3 · 12 minutes
# Write `backprop(root)`. It sets `root.grad = 1`, then visits all nodes, each **once**, users before inputs;
# at each visit it adds *own grad × local derivative* to each input's `.grad`. It returns the list of nodes in
# the order visited, root first. (Assume all `.grad` are 0 when you start. Work with `node.inputs`; you need
# no `MyValue`.)
#
# <details><summary>Hint 1</summary>Depth-first search: a function <code>visit(node)</code> that first visits all inputs not seen yet, then appends the node to a list. In that list every node stands after its inputs. You want the reverse.</details>
# <details><summary>Hint 2</summary>Two separate steps: build the list, then <code>for node in reversed(order): for below, slope in node.inputs: below.grad += …</code>. Keep the nodes seen in a <code>set</code>.</details>

# %% tags=["exercise"] id="autograd-7" objective="graph"
def backprop(root: Value) -> list[Value]:
    """Fill ``.grad`` of every node below ``root``; return the nodes, users before inputs."""
    ### BEGIN SOLUTION
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for below, _ in node.inputs:
                visit(below)
            order.append(node)

    visit(root)
    order.reverse()
    root.grad = 1.0
    for node in order:
        for below, slope in node.inputs:
            below.grad += slope * node.grad
    return order
    ### END SOLUTION

# %% tags=["check"]
with check("autograd-7") as c:
    bottom, top = diamond()
    order = c.attempted(backprop(top))
    c.equal(top.grad, 1.0, because="the root starts with 1", mistakes={0.0: "d(root)/d(root) is 1: set it first"})
    wrong = {8.0: "add to .grad, do not assign: paths meet", 0.0: "inputs came before users: reverse the list",
             28.0: "b passed on before s had paid in", 68.0: "b passed on twice; wait until all users have paid in"}
    c.close(bottom.grad, 44.0, because="4a³ + 3a² at a = 2: every path, once", mistakes=wrong)
    c.equal((len(order), order[0] is top, order[-1] is bottom), (4, True, True), because="4 nodes, root first, leaf last")

# %% [markdown] tags=["solution"]
# Two steps, and the order is the whole art. The search appends a node after everything below it, so the
# reversed list has every user before its inputs. PyTorch keeps a counter of unpaid users per node instead,
# and so does the engine that comes next: no recursion, so a chain of ten thousand operations is no problem.

# %% [markdown] tags=["instructor"]
# **Watch for** recursive "hand down now" solutions. They are right on trees, and exponential or wrong on
# diamonds. Let the group trace `diamond()` with four people holding papers: nobody passes on a sum before
# every user has paid. **Timing:** 12 minutes with hints. **Fast groups:** add `tanh` to `MyValue`.

# %% [markdown]
# ### The engine of the story
#
# Here is one that the lesson goes on with; yours may look different. It is a *table of rules*: one line per
# operation, its value and its local derivatives. To teach it a new operation means to add a line.

# %%
class Recorded(Value):
    """A Value with a table of rules: name → function giving (value, local derivatives)."""

    rules = {
        "add": lambda a, b: (a + b, (1.0, 1.0)),
        "sub": lambda a, b: (a - b, (1.0, -1.0)),
        "mul": lambda a, b: (a * b, (b, a)),
        "log": lambda a: (math.log(a), (1 / a,)),
        "tanh": lambda a: (math.tanh(a), (1 - math.tanh(a) ** 2,)),
        "sigmoid": lambda a: (s := 1 / (1 + math.exp(-a)), (s * (1 - s),)),
    }

    def apply(self, name, *others):
        new = type(self)
        nodes = (self, *[n if isinstance(n, Value) else new(n) for n in others])
        data, slopes = self.rules[name](*[node.data for node in nodes])
        return new(data, zip(nodes, slopes, strict=True))

# %% [markdown]
# The way back, as PyTorch does it: count how many users each node has, pay in, and let a node speak when its
# last user has paid.

# %%
def run_back(root):
    """Fill ``.grad`` below ``root``: a node passes on when its last user has paid in."""
    unpaid, stack, seen = {}, [root], {root}
    while stack:
        for below, _ in stack.pop().inputs:
            unpaid[below] = unpaid.get(below, 0) + 1
            if below not in seen:
                seen.add(below)
                stack.append(below)
    root.grad, ready = 1.0, [root]
    while ready:
        node = ready.pop()
        for below, slope in node.inputs:
            below.grad += slope * node.grad
            unpaid[below] -= 1
            if unpaid[below] == 0:
                ready.append(below)

# %% [markdown]
# And Python's spelling for all of it: `partialmethod` is `apply` with its first argument filled in, and
# `__rmul__` is for a plain number on the left, as in `0.5 * a`.

# %%
class Scalar(Recorded):
    """A number that you calculate with as usual, and then ask for its slopes."""

    __add__ = __radd__ = partialmethod(Recorded.apply, "add")
    __mul__ = __rmul__ = partialmethod(Recorded.apply, "mul")
    __sub__ = partialmethod(Recorded.apply, "sub")
    log = partialmethod(Recorded.apply, "log")
    tanh = partialmethod(Recorded.apply, "tanh")
    sigmoid = partialmethod(Recorded.apply, "sigmoid")
    backward = run_back

    def __neg__(self):
        return self * -1.0

# %% [markdown]
# With `Value`, that makes a little under sixty lines, and no torch in any of them. First the number of this
# lesson:

# %%
w, b = Scalar(2.2), Scalar(0.0)
loss = -(w * 1.1 + b).sigmoid().log()
loss.backward()
print(f"loss {loss.data:.4f}   w.grad {w.grad:.4f}   b.grad {b.grad:.4f}")
assert math.isclose(w.grad, true_slope)

# %% [markdown]
# −0.0898, from your own hands. But one neuron is one witness. Grow random expressions: start with three
# leaves, combine random earlier results, again and again. Results get reused all the time, so paths meet
# again and again.

# %%
def grow(leaves, seed, steps=25):
    """A random expression over ``leaves``; works for Scalar and for torch tensors."""
    rng, pool = random.Random(seed), list(leaves)
    for _ in range(steps):
        a, b = rng.choice(pool), rng.choice(pool)
        pool.append(rng.choice([a + b, a - b, (a * b).tanh(), a.sigmoid(), 0.5 * a - b]))
    return sum(pool[3:], pool[0])

# %% [markdown]
# Same seed, same expression, two engines. Compare the value and all three gradients, for 200 expressions.

# %%
agree = 0
for seed in range(200):
    rng = random.Random(1000 + seed)
    start = [rng.uniform(-2, 2) for _ in range(3)]
    ours = [Scalar(s) for s in start]
    torchs = [torch.tensor(s, dtype=torch.float64, requires_grad=True) for s in start]
    mine, theirs = grow(ours, seed), grow(torchs, seed)
    mine.backward()
    grads = torch.autograd.grad(theirs, torchs, allow_unused=True, materialize_grads=True)
    left = torch.tensor([mine.data, *[leaf.grad for leaf in ours]], dtype=torch.float64)
    right = torch.stack([theirs.detach(), *grads])
    agree += torch.allclose(left, right, rtol=1e-9, atol=1e-9)
print(agree, "of 200 expressions agree")
assert agree == 200

# %% [markdown]
# 200 of 200, to nine digits. (A leaf that an expression happens not to use has slope 0; `materialize_grads`
# makes torch say 0 rather than `None`.) What PyTorch adds to this is tensors, hundreds of rules, and speed.
# The idea fits on two screens, and you have read every line of it.

# %% [markdown]
# ## Downhill, sample by sample
#
# Time to spend the number. Three points, and a model with one weight, $\hat y = w \cdot x$:

# %%
xs, ys = [1.0, 2.0, 3.0], [2.0, 4.0, 6.0]
w = torch.tensor(1.0, requires_grad=True)
print("before training, x = 4 gives", (w * 4).item())

# %% [markdown]
# You see at once that `w` should be 2 and the answer 8. The program starts at 1 and answers 4. It looks at
# one sample, takes a step against the slope of *that sample's* squared error, and goes on to the next.
#
# **Predict before you run:** all three samples say "w is too small". Which of them pushes hardest?

# %%
lr = 0.01
for x, y in zip(xs, ys, strict=True):
    loss = (w * x - y) ** 2
    loss.backward()
    with torch.no_grad():
        w -= lr * w.grad
    print(f"x={x:.0f}  slope={w.grad.item():9.4f}  w becomes {w.item():.4f}")
    w.grad = None

# %% [markdown]
# The third: −2, −7.84, −16.23. The slope is $2x(wx-y)$, so the input counts twice, once in the error and once
# as a factor. Keep that in mind for the last margin question. Now twenty rounds, and beside it the same walk
# by somebody who forgets to clear the gradient.

# %% alt="Weight w against step number, 60 steps. The blue line, with cleared gradients, climbs from 1 and settles at 2. The orange line, never cleared, overshoots to about 3, swings back to about 1 and keeps swinging around the dashed line at 2."
def walk_samples(clear, rounds=20, lr=0.01):
    """The path of w on the three samples, with or without clearing w.grad."""
    w, path = torch.tensor(1.0, requires_grad=True), [1.0]
    for x, y in [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)] * rounds:
        ((w * x - y) ** 2).backward()
        with torch.no_grad():
            w -= lr * w.grad
        w.grad = None if clear else w.grad
        path.append(w.item())
    return path


good, forgot = walk_samples(clear=True), walk_samples(clear=False)
plt.plot(good, label="cleared after every step")
plt.plot(forgot, label="never cleared")
plt.axhline(2, color="#444444", linestyle="--", linewidth=1)
plt.xlabel("step")
plt.ylabel("w")
plt.title("What zero_grad is for")
plt.ylim(0.5, 3.8)
plt.legend(loc="upper center", ncols=2)
plt.show()

# %% [markdown]
# *The cleared walk climbs to 2 and stays; the one that never clears pushes with the sum of all its old
# slopes, rushes past 2 and swings back and forth.* How close did the good one get, and what does it say about x =
# 4?

# %%
print(f"after 60 steps w = {good[-1]:.3f}, so x = 4 gives {4 * good[-1]:.3f}")
print(f"the other walked between {min(forgot):.2f} and {max(forgot):.2f}")

# %% [markdown]
# ### Exercise autograd-8 · difficulty 2 · 8 minutes
# Write it once more, without looking up: `train(xs, ys, w, lr, rounds)` starts from the number `w`, goes
# through the samples **one by one**, in order, `rounds` times. For every sample it takes one step against the
# slope of $(wx - y)^2$. It returns the final weight as a Python float.
#
# <details><summary>Hint 1</summary>Four beats per sample: loss, backward, step without the diary, clear.</details>
# <details><summary>Hint 2</summary>Start with <code>w = torch.tensor(float(w), requires_grad=True)</code>. You may use <code>torch.autograd.grad</code> instead of backward and clear; then there is no pile.</details>

# %% tags=["exercise"] id="autograd-8" objective="descend"
def train(xs: list[float], ys: list[float], w: float, lr: float, rounds: int) -> float:
    """Return w after ``rounds`` passes of sample-by-sample descent on (w·x − y)²."""
    ### BEGIN SOLUTION
    weight = torch.tensor(float(w), requires_grad=True)
    for _ in range(rounds):
        for x, y in zip(xs, ys, strict=True):
            (slope,) = torch.autograd.grad((weight * x - y) ** 2, weight)
            with torch.no_grad():
                weight -= lr * slope
    return weight.item()
    ### END SOLUTION

# %% tags=["check"]
with check("autograd-8") as c:
    got = c.attempted(train([1.0, 2.0], [3.0, 6.0], w=0.0, lr=0.05, rounds=1))
    c.kind(got, float)
    c.close(got, 3 * (1 - 0.9 * 0.6), because="each step keeps 1 − 2·lr·x² of the distance: 0.9, then 0.6",
            mistakes={0.75: "a step per round: take a step per sample", 1.5: "a step per round: take a step per sample",
                      1.68: "sample 1 is still in the pile at sample 2: clear it", -1.62: "uphill: subtract the slope",
                      0.72: "the 2 of the square's derivative is missing", 0.0: "w never moved"})
    c.close(train([1.0, 2.0], [3.0, 6.0], 0.0, 0.05, 20), 3 * (1 - 0.54**20), because="20 rounds arrive at 3")

# %% [markdown] tags=["solution"]
# The check knows the answer in closed form: the distance to the target shrinks by $1 - 2\,\mathrm{lr}\,x^2$
# at each step. If that factor leaves the interval (−1, 1), the distance grows instead. With x = 3 that
# happens at lr = 1/9.

# %% [markdown] tags=["instructor"]
# **Watch for** a step per round in place of a step per sample (0.75 or 1.5 in the check), and for `w = w - …`
# inside the loop, which works once and then fails on `None`. **Ask:** from which learning rate on does the
# sample x = 3 throw the weight out? (1/9: see the solution.)

# %% [markdown]
# ## Three walks on one landscape
#
# Give the model a bias, $\hat y = wx + b$, and use the mean loss over all three points. Now the loss is a
# landscape over the $(w, b)$ plane: every pair has a height.

# %%
X, Y = torch.tensor(xs), torch.tensor(ys)


def mse(wb, X, Y):
    """Mean squared error of the line wb = (w, b)."""
    return ((wb[0] * X + wb[1] - Y) ** 2).mean()


H = hessian(mse)(torch.zeros(2), X, Y)
curvatures = torch.linalg.eigvalsh(H)
print(H)
print("curvatures:", [round(k, 3) for k in curvatures.tolist()])

# %% [markdown]
# The Hessian is the same everywhere, because the loss is a quadratic. Its two eigenvalues are the curvatures
# along the valley and across it: 0.24 and 11.09. Across, the curvature is 46
# times larger: a canyon.
#
# In a direction with curvature $k$, a step with learning rate $\eta$ multiplies the distance to the bottom by
# $1 - \eta k$. It shrinks only while $\eta < 2/k$. So the steepest direction sets the speed limit for all.

# %%
limit = 2 / curvatures.max().item()
print(f"speed limit: {limit:.4f}   steepness ratio: {(curvatures[1] / curvatures[0]).item():.0f}")
assert round(limit, 2) == 0.18

# %% [markdown]
# So 0.18 is the limit for this landscape. Put it to the test, with a function that walks and remembers where it
# has been.

# %%
def descend(f, start, lr, steps, *data):
    """The points that gradient descent on f(point, *data) visits: (steps + 1, n)."""
    wb = torch.tensor(start, dtype=data[0].dtype, requires_grad=True)
    path = [wb.detach().clone()]
    for _ in range(steps):
        (slope,) = torch.autograd.grad(f(wb, *data), wb)
        with torch.no_grad():
            wb -= lr * slope
        path.append(wb.detach().clone())
    return torch.stack(path)

# %% [markdown]
# **Predict before you run:** the limit says 0.1803. After 60 steps with 0.17 and with 0.19, how different are
# the losses?

# %%
for lr in (0.17, 0.19):
    end = descend(mse, [0.5, 0.5], lr, 60, X, Y)[-1]
    loss = mse(end, X, Y).item()
    print(f"lr = {lr}: loss below 0.01: {loss < 0.01}   loss above a million: {loss > 1e6}")

# %% [markdown]
# A hair below the limit it arrives; a hair above, the loss is beyond a million. There is no gentle
# in-between: the cliff is where the Hessian said. Now look at three walks from one start.

# %% export="descent.png" alt="Three contour maps of the loss over weight w (horizontal) and bias b (vertical): a long narrow valley running from upper left to lower right, its bottom marked by a star at w = 2, b = 0. Left, learning rate 0.001: the path goes straight toward the valley floor and stops before it. Middle, 0.1: one leap lands on the valley floor and small steps follow it to the star. Right, 0.19: the path jumps from one wall of the valley to the other, each jump longer than the last, and leaves the map."
ww, bb = torch.meshgrid(torch.linspace(-2, 6, 120), torch.linspace(-3, 3, 120), indexing="xy")
height = ((ww[..., None] * X + bb[..., None] - Y) ** 2).mean(-1)
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.4), sharey=True)
walks = ((0.001, 100, "too small"), (0.1, 100, "right"), (0.19, 9, "too large"))
for ax, (lr, steps, verdict) in zip(axes, walks, strict=True):
    path = descend(mse, [-0.4, 0.6], lr, steps, X, Y)
    levels = [0.05, 0.3, 1, 3, 8, 20, 45]
    ax.contour(ww, bb, height, levels=levels, colors="#9bb8cc", linewidths=0.9)
    ax.plot(path[:, 0], path[:, 1], "o-", color="C1", markersize=3, linewidth=1)
    ax.plot(2, 0, "*", color="C0", markersize=13)
    ax.set(xlim=(-2, 6), ylim=(-3, 3), xlabel="weight w", title=f"lr = {lr}: {verdict}")
axes[0].set_ylabel("bias b")
plt.show()

# %% [markdown]
# *All three start at w = −0.4, b = 0.6, and the star marks the bottom. After 100 steps 0.001 has not reached
# the valley floor; in 100 steps 0.1 has leapt onto the floor and followed it to the star; with 0.19 nine
# steps, from wall to wall and each longer than the last, are enough to leave.*

# %%
for lr, steps in ((0.001, 100), (0.1, 20), (0.1, 100), (0.19, 9)):
    end = descend(mse, [-0.4, 0.6], lr, steps, X, Y)[-1]
    far = (end - torch.tensor([2.0, 0.0])).norm().item()
    loss = mse(end, X, Y).item()
    print(f"lr {lr:<5}  {steps:3} steps   loss {loss:7.3f}   from the star {far:5.2f}")

# %% [markdown]
# Look at the two rows of the right rate: the loss is small after 20 steps, and the star is still far. Along
# the flat floor of the canyon each step keeps 1 − 0.1 · 0.24 = 97.6 % of the distance. The steep direction
# sets the limit, the flat direction sets the waiting time. Momentum, Adam and their friends (lesson 03) exist
# because of that sentence.

# %% [markdown]
# ### Margin question: why does a weight with gradient 1000 move more than one with gradient 1, and is that good?
#
# It moves more because the step is `lr * gradient`, nothing else. Whether that is *good* depends on what a
# unit of that weight means. Take a target made of two lengths, $2a + 3b$, both in meters. Then write `b` in
# millimeters: the same table, the same truth, and the right second weight is now 0.003.

# %%
torch.manual_seed(0)
meters = torch.rand(100, 2, dtype=torch.float64)
target = meters @ torch.tensor([2.0, 3.0], dtype=torch.float64)
mixed = meters * torch.tensor([1.0, 1000.0])


def error(w, table, target):
    """Mean squared error of table @ w."""
    return ((table @ w - target) ** 2).mean()


for name, table in (("meters", meters), ("mixed", mixed)):
    at = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(error(at, table, target), at)
    print(f"{name:7} slopes {slope[0].item():9.2f} {slope[1].item():9.2f}")

# %% [markdown]
# The slope of the second weight has grown a thousandfold, while the distance it has to go has *shrunk* a
# thousandfold, from 3 to 0.003. The step is wrong by a factor of a million. Let it walk:

# %%
for name, table, lr, steps in (
    ("meters", meters, 0.3, 500),
    ("mixed", mixed, 0.3, 3),
    ("mixed", mixed, 1e-6, 500),
):
    end = descend(error, [0.0, 0.0], lr, steps, table, target)[-1].tolist()
    print(f"{name:7} lr {lr:<7g} {steps:3} steps → {end[0]:9.3g} {end[1]:9.3g}")

# %% [markdown]
# In meters both weights arrive at 2 and 3. Mixed, the same rate explodes in three steps. With a rate small
# enough for the second weight, that one settles, and not even at the right value, because the first has
# hardly left zero and the second has to make up for it.
#
# So the answer: **a large gradient says that the loss is sensitive to this number *in its present unit*. It
# does not say that the number is far from right.** The cure is to give all inputs one scale:

# %%
scale = mixed.std(dim=0)
scaled = descend(error, [0.0, 0.0], 0.03, 500, mixed / scale, target)[-1]
print("weights of the scaled inputs  ", [round(v, 3) for v in scaled.tolist()])
print("back in meters and millimeters", [round(v, 4) for v in (scaled / scale).tolist()])

# %% [markdown]
# Divide each column by its spread, train, divide the weights back: 2 and 0.003. That is the reason for
# "standardize your inputs", which you will read in every recipe from now on.

# %% [markdown]
# ## Old code you will meet
#
# Much of the web was written before 2018, when a *tensor* and a *Variable* were two things. Read these, write
# the right column.
#
# | you meet | write today | why it changed |
# |---|---|---|
# | `Variable(torch.Tensor([1.0]), requires_grad=True)` | `torch.tensor([1.0], requires_grad=True)` | tensors carry their own graph since 0.4; `Variable` returns a tensor |
# | `Variable(x, volatile=True)` | `with torch.inference_mode():` | the mark spread silently to everything; a block has an end |
# | `loss.data[0]` | `loss.item()` | a loss has no dimension to index |
# | `w.data -= lr * w.grad.data` | `with torch.no_grad(): w -= lr * w.grad` | see the experiment below |
# | `w.grad.data.zero_()` | `w.grad = None`, `optimizer.zero_grad()` | frees the memory, and "no gradient" differs from "gradient 0" |
# | `y.backward(torch.FloatTensor([0.1, 1.0, 0.0001]))` | `y.backward(v)` with a `v` that you mean | `v` weighs the outputs |
# | `backward(retain_variables=True)` | `backward(retain_graph=True)` | renamed |
# | `class F(Function)` with `def forward(self, x)` | `@staticmethod def forward(ctx, x)` and `F.apply` | one object per call was error-prone |
# | `torch.autograd.functional.jacobian(f, x)` | `torch.func.jacrev(f)(x)` | composes: functions in, functions out |
#
# `.data` still runs, and that is the danger. It is `detach()` **without the counter**. The experiment from
# above, with `.data`:

# %%
a = torch.tensor([0.0, 1.0], requires_grad=True)
e = a.exp()
e.data.mul_(10)
e.sum().backward()
for name, slopes in (("silently wrong", a.grad), ("right", a.detach().exp())):
    print(f"{name:15}", [round(slope, 4) for slope in slopes.tolist()])

# %% [markdown]
# Ten times too large, and not a word. `detach` stopped you with an error at the same spot. An error is a
# present.

# %% [markdown]
# ## What you take along
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `torch.tensor(…, requires_grad=True)`, `t.requires_grad_()` | marks a leaf whose slope you will want | same shape |
# | `t.grad_fn`, `.next_functions`, `t.is_leaf` | the diary entry, its inputs' entries, whether there is none | – |
# | `loss.backward()` | **adds** the slopes to `.grad` of every marked leaf | () → `.grad` like each leaf |
# | `y.backward(v)` | the same for `v @ J`; `v` is the gradient of what comes after | (m,), v (m,) → `.grad` (n,) |
# | `torch.autograd.grad(y, inputs, v)` | returns the slopes, touches no `.grad` | → a tuple, one like each input |
# | `retain_graph=True` / `create_graph=True` | lets *later* calls use the graph / writes backward itself into a graph | – |
# | `t.retain_grad()` | keeps `.grad` for a tensor that is no leaf | same shape |
# | `w.grad = None` | clears the pile | – |
# | `torch.no_grad()` | no diary in this block (updates) | – |
# | `torch.inference_mode()` | no diary, and none later (prediction) | – |
# | `t.detach()` | cuts one tensor loose, shares its numbers | same shape |
# | `torch.func.jacrev(f)`, `jacfwd(f)` | functions that give the Jacobian | (n,) → (m, n) |
# | `torch.func.hessian(f)` | a function that gives the second derivatives | (n,) → (n, n) |
# | `torch.autograd.Function` | an operation with your own backward | yours |
# | `torch.autograd.gradcheck(f, inputs)` | backward against two-sided differences, in doubles | → True or an error |
#
# Four sentences to keep: local derivatives multiply along a path and add up where paths meet. `.grad` is a
# pile. The last question never needs `retain_graph`. A gradient tells you a direction in the units you
# happened to choose.
#
# Next you fit a line, with the loop of the last pages, and watch it turn piece by piece into `nn.Linear`, a
# loss function and an optimizer: the shape of every training program you will ever read.
