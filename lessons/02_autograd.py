# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Autograd
#     summary: gradients, measured by small steps, computed by autograd, and by an engine of your own
#     path: "A slope three ways; it piles up, is cleared, and walks downhill, until you have built the engine that computes it."
#     needs: [01_tensors]
#     data: []
#     objectives:
#       prove: measure a slope with small steps, and use that to prove or refute code that claims to know it
#       graph: read a computation graph, multiply its local derivatives, and build an engine that does it for you
#       accumulate: put accumulation to work, and clear gradients at the right place
#       vjp: say what v means in backward(v), and get whole tables of first and second derivatives
#       descend: walk downhill with a gradient, and predict which learning rate will throw you out
# ---

# %% [markdown]
# This lesson is about one number: **−0.0898**. A tiny program has one number to adjust, its *weight*. A *loss*
# says how wrong the program is. The slope of the loss, as the weight grows, is −0.0898.
#
# You will get that number by a limit, by hand, from PyTorch, by walking PyTorch's own graph edge by edge, and
# at the end from a differentiation engine of about sixty lines, like the one you build in two exercises.
#
# After that, you go downhill with such slopes, and see three walks on one landscape. One barely moves, one
# arrives, one flies off the map.

# %%
import math
import random
import warnings

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
# A *neuron* takes an input $x$, computes $z = wx + b$ with a weight $w$ and a bias $b$, squeezes $z$ into a
# probability $p = \sigma(z) = 1/(1+e^{-z})$ and is told the right answer $y$, 0 or 1. The loss says how
# surprised it should be: $-\log p$ if the answer was 1, $-\log(1-p)$ if it was 0. That is *binary
# cross-entropy*; lesson 04 is all about it. Here it is only a function to differentiate.

# %%
def neuron_loss(w, b=0.0, x=1.1, y=1.0):
    """Binary cross-entropy of a one-weight neuron; all arguments are scalars."""
    p = torch.sigmoid(x * w + b)
    return -(y * torch.log(p) + (1 - y) * torch.log(1 - p))


w = torch.tensor(2.2)
print(f"at w = 2.2: p = {torch.sigmoid(1.1 * w).item():.3f}, loss = {neuron_loss(w).item():.4f}")

# %% [markdown]
# The neuron gives the right answer a probability of 0.918, so the loss is small: 0.0852. Now the question of
# the lesson: **if `w` grows a little, what does the loss do?**
#
# ### First way: the limit
#
# School gives you the definition, $f'(w) = \lim_{h\to 0}\,\dfrac{f(w+h)-f(w)}{h}$. So pick an $h$ and divide.
#
# **Predict before you run:** of the steps 0.1, 0.001, 0.00001 and 0.0000001, which one gives the best slope?

# %%
for h in (1e-1, 1e-3, 1e-5, 1e-7):
    slope = (neuron_loss(w + h) - neuron_loss(w)) / h
    print(f"h = {h:<6g}  slope = {slope.item():.4f}")
print("2.2 + 1e-07 == 2.2 in 32 bits:", (w + 1e-7 == w).item())

# %% [markdown]
# Not the smallest. At `h = 1e-05` the answer is almost nine percent off, and at `1e-07` it is **zero**: a
# 32-bit float has no room for the step, as the last line shows. Too large a step is bent by the curve; too
# small a step drowns in rounding.
#
# There are two cures. One is to step to both sides, $\frac{f(w+h)-f(w-h)}{2h}$: the bend shifts both values the
# same way and drops out of the difference, and the error left shrinks like $h^2$, not like $h$. The other is to
# calculate in 64 bits. Here is the error of the two-sided formula for every step size; the true slope comes from
# the formula you derive a few cells below.

# %% alt="Two curves on logarithmic axes: the step h on the horizontal axis, the error of the measured slope on the vertical axis. Both are V-shaped. The 32-bit curve has its lowest point near h = 0.01 with an error of a few millionths, and is flat at about 0.09 for the three smallest steps; the 64-bit curve goes down to less than one ten-billionth near h = 0.00001."
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
plt.title("Too large a step bends, too small a step drowns")
plt.legend()
plt.show()
assert smallest[0] > 10_000 * smallest[1]

# %% [markdown]
# *Each point is one measured slope: in 32 bits the best step is near 0.01; in 64 bits a step near 0.00001
# leaves an error more than ten thousand times smaller.* The flat piece at the upper left is the drowned one:
# the measured slope is 0, so its error is the whole 0.0898. Keep the V in mind; it returns when you check
# gradient code.
#
# ### Second way: by hand
#
# Use the chain rule, with one factor per operation. With $y = 1$ the loss is $-\log p$. The slope of the sigmoid is
# $e^{-z}/(1+e^{-z})^2$: one factor is $p = 1/(1+e^{-z})$, the other $1-p = e^{-z}/(1+e^{-z})$.
#
# $$\frac{dL}{dw} = \underbrace{-\frac1p}_{dL/dp}\cdot\underbrace{p(1-p)}_{dp/dz}\cdot\underbrace{x}_{dz/dw} = (p-1)\,x .$$
#
# The two $p$ cancel, which is one reason why sigmoid and cross-entropy are used together.

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
# formula is exact, and somebody has to derive it again for every new program. Autograd is exact too, up to
# rounding, and nobody derives anything: it remembers what you calculated. How it remembers is the next section.
#
# Keep the limit anyway. It is slow and crude, but it shares no line with the code that it checks.
#
# ### Exercise autograd-1 · difficulty 2 · 6 minutes
# Write `numerical_gradient(f, w, h)`: the gradient of `f` at a vector `w`, measured. For every element `i`,
# move **only** that element up and down by `h` and divide the difference of the two losses by `2h`. Use no
# autograd. Return a tensor with the shape and dtype of `w`, and leave `w` itself unchanged.
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
    at, two = torch.tensor([1.0, 2, 3], dtype=torch.float64), torch.tensor([3.01, 12.01, 27.01])
    got, bend = c.attempted(numerical_gradient(lambda w: (w**3).sum(), at, h=0.1)), torch.tensor([0.3, 0.6, 0.9])
    c.true(torch.is_tensor(got) and got.dtype == at.dtype and at.tolist() == [1, 2, 3], observed=(got, at),
           expected="a tensor like w; w unmoved", likely="stack a list; same dtype; move a clone")
    wrong = [(two + bend, "one-sided: step down as well"), (two - bend, "one-sided: step up as well"),
             (2 * two, "divide by 2h, not h"), (two / 100, "/ 2 * h multiplies by h: write / (2 * h)"),
             (two.sum().repeat(3), "all elements moved at once"), (0 * two, "up and down are one tensor: clone both"),
             (two.cumsum(0), "a new clone for each element"), (two - 0.01, "exact: measure it")]
    c.close(got, two, because="3w² + h²: with steps to both sides, w³ leaves the error h² = 0.01", mistakes=wrong)

# %% [markdown] tags=["solution"]
# Each element costs two evaluations of `f`, so a million weights cost two million. That is why nobody trains
# this way and everybody tests this way. The check uses the large step 0.1 on purpose: for $f = w^3$,
# $\frac{(w+h)^3-(w-h)^3}{2h} = 3w^2 + h^2$, so two-sided, one-sided and exact answers can be told apart.

# %% [markdown] tags=["instructor"]
# **Watch for** `up = w` (no clone): both copies are the caller's tensor, and the quotient is 0 or nonsense.
# **Ask the room** how many evaluations a network with 60,000 weights needs (120,000), then how many
# `backward()` needs (one). **Timing:** 6 minutes; those who finish early vectorize it with
# `torch.eye(n) * h`.

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
# - `requires_grad`: you asked for `w` and `b`. Everything made from them inherits the mark; `x` has none.
# - `is_leaf`: a tensor with no diary entry. `x`, `w` and `b` came from you, `z` came from a recorded operation.
# - `grad_fn`: the diary entry. It is the operation that made the tensor, ready to be run backward.
#
# Only leaves that require a gradient get their `.grad` filled. For `z` you would have to ask, with
# `z.retain_grad()`. You will do it in a moment.
#
# Each entry points to the entries of its own inputs, in `next_functions`. And here is a lovely thing: an
# entry is **callable**. Hand it a slope from above (*above* means nearer the loss) and it returns the slope
# handed on to each input. Hand it 1 and you get the bare *local derivative*, the derivative of this one
# operation and nothing else.

# %%
entry = loss.grad_fn
print(entry.name(), "→", [n.name() if n else None for n, _ in entry.next_functions])
print(f"local derivative dL/dp = {entry(torch.tensor(1.0))[0].item():.4f}")

# %% [markdown]
# −1.0889 is the $-1/p$ of the hand calculation. The `None` stands for `y`, which wanted no gradient. Now
# follow the pointers all the way down. Each path ends in an entry called `AccumulateGrad`: it holds the leaf,
# as `.variable`, and fills its `.grad`.

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


def label(entry, **tensors):
    """A short name: a leaf, or the operation and the tensor that it made."""
    if hasattr(entry, "variable"):
        return next(name for name, t in tensors.items() if t is entry.variable)
    made = [name for name, t in tensors.items() if t.grad_fn is entry]
    return " → ".join([entry.name().removesuffix("Backward0"), *made])


edges, named = walk(loss.grad_fn), dict(w=w, b=b, z=z, p=p, loss=loss)
for entry, below, slope in edges:
    print(f"{label(entry, **named):25} ← {label(below, **named):11} {slope:8.4f}")

# %% [markdown]
# Five edges, five local derivatives, none of them harder than school. The last step is to multiply along each
# path: 1 at the loss, and from then on every entry passes down *what it got from above times its local
# derivative*.

# %%
total = {loss.grad_fn: 1.0}
for entry, below, slope in edges:
    total[below] = total[entry] * slope
for entry, value in total.items():
    print(f"{label(entry, **named):25} dL/d{label(entry, **named).split()[-1]:5} = {value:8.4f}")

# %% [markdown]
# There it is again at `w`: −0.0898. And `b` has −0.0817. Now draw it: boxes are entries and what they made,
# numbers on the arrows are local derivatives, the number below a box is the product so far. First, find a spot
# for each box:

# %%
def place(entry, column=0.0, row=0.0):
    """Spots for the drawing: inputs one column to the left, a second input one row down."""
    spots = {entry: (column, row)}
    inputs = [below for below, _ in entry.next_functions if below is not None]
    for n, below in enumerate(inputs):
        spots |= place(below, column - 1, row - n)
    return spots

# %% [markdown]
# Then draw the boxes and arrows. The arrows point the way `backward` walks.

# %% alt="A computation graph drawn as boxes from left to right: leaf w feeds Mul, Mul and leaf b feed Add, which makes z; z feeds Sigmoid, which makes p; p feeds BinaryCrossEntropy, which makes the loss. Orange arrows run backward, from right to left and from box to box, with the local derivatives minus 1.0889, 0.075, 1 and 1, and 1.1 on them. Below each box stands the product so far: 1 at the loss, minus 1.0889 at p, minus 0.0817 at z, Mul and b, and minus 0.0898 at w."
fig, ax = plt.subplots(figsize=(9.5, 3.1))
spots, boxes = place(loss.grad_fn), {}
for entry, (cx, cy) in spots.items():
    name = label(entry, **named)
    face = "#fff3d6" if name in "wb" else "#dcebf7"
    box = dict(boxstyle="round,pad=0.4", fc=face, ec="#444444")
    name = name.replace("Cross", "\nCross").replace(" →", "\n→")
    boxes[entry] = ax.text(cx, cy, name, ha="center", va="center", bbox=box).get_bbox_patch()
    ax.text(cx, cy - 0.5, f"{total[entry]:.4f}", ha="center", weight="bold")
for entry, below, slope in edges:
    (x0, y0), (x1, y1) = spots[entry], spots[below]
    arrow = dict(arrowstyle="-|>", color="C1", patchA=boxes[entry], patchB=boxes[below])
    ax.annotate("", (x1, y1), (x0, y0), arrowprops=arrow)
    ax.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.1, f"× {round(slope, 4):g}", color="C1", ha="center")
ax.set(xlim=(-4.3, 0.4), ylim=(-1.75, 0.45), title="Backward through the neuron")
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
by_name = {label(entry, **named): value for entry, value in total.items()}
assert math.isclose(by_name["w"], w.grad.item(), rel_tol=1e-6)

# %% [markdown]
# Same numbers: `backward()` visits entries and multiplies. The picture also says why it is
# fast. The product at `z` is calculated once and used by both `w` and `b`. A *network*, many neurons wired one
# behind the other, shares almost all of its factors that way.
#
# ### Exercise autograd-2 · difficulty 1 · 5 minutes
# Do the multiplication yourself, for another graph: `z = u·v`, `h = tanh(z)`, `d = h − t`, `loss = d²`, with
# `u = 0.5`, `v = −1.2`, `t = 0.3`. Give `chain`, a tuple of the four local derivatives on the way from the
# loss down to `u`, in that order: dloss/dd, dd/dh, dh/dz, dz/du. Also give `du`, the slope of the loss with respect
# to `u`. Use Python floats and `math.tanh`. The drawing has products below its boxes; `chain` wants the bare
# factors on the arrows.
#
# <details><summary>Hint 1</summary>Calculate forward first: z = −0.6, h = tanh(−0.6), d = h − 0.3. The derivative of tanh is 1 − tanh².</details>
# <details><summary>Hint 2</summary><code>chain = (2 * d, 1.0, 1 - h**2, …)</code>: what is the derivative of u·v when u moves and v stays?</details>

# %% tags=["exercise"] id="autograd-2" objective="graph"
### BEGIN SOLUTION
chain = (2 * (math.tanh(-0.6) - 0.3), 1.0, 1 - math.tanh(-0.6) ** 2, -1.2)
du = math.prod(chain)
### END SOLUTION

# %% tags=["check"]
with check("autograd-2") as c:
    h, d, parts = math.tanh(-0.6), math.tanh(-0.6) - 0.3, [float(slope) for slope in c.attempted(chain)]
    c.equal(len(parts), 4, because="four edges from the loss down to u")
    c.close(parts[0], 2 * d, mistakes={d: "d(d²)/dd = 2d: the 2 is missing",
                                       -1.2: "the order is reversed: start at the loss"})
    c.close(parts[1], 1.0, mistakes={-1.0: "the minus belongs to t, not to h",
                                     2 * d: "the product so far: give the bare factor"})
    c.close(parts[2], 1 - h**2, mistakes={0.64: "1 − h² with h = tanh(z), not z itself"})
    c.close(parts[3], -1.2, mistakes={0.5: "dz/du is v, the factor that stays"})
    c.close(c.attempted(du), math.prod(parts), because="one path: multiply",
            mistakes={sum(parts): "along a path, multiply"})

# %% [markdown] tags=["solution"]
# $2d \cdot 1 \cdot (1-h^2)\cdot v$. The third factor is the interesting one: it is never above 1, and close
# to 0 when $|z|$ is large. Put fifty such factors in a row and the product is gone. Lesson 05 measures that.

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
# −0.0898, −0.1797, −0.2695: `backward()` **adds** to `.grad`. The slope of the loss never changed; the pile did.
#
# That is by design, not a slip. A loss often comes in pieces, one per sample or batch, too big to be held at once.
# The slope of a sum is the sum of the slopes, so you ask piece by piece and let `.grad` add. The exercise below
# lives on that.
#
# *Within* one call, slopes add up as well, wherever a tensor is used more than once:

# %%
a = torch.tensor(3.0, requires_grad=True)
(a * a).backward()
print("d(a·a)/da at 3 =", a.grad.item(), "= 3 from the left factor + 3 from the right one")
assert a.grad == 6

# %% [markdown]
# Adding is right as long as the pieces belong to one sum. Before the next question, you clear the pile. For one
# tensor, `w.grad = None` does it; `optimizer.zero_grad()`, from lesson 03 on, does the same for all weights of a
# model.

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
# Here is a loss for the exercise that follows: it has a weight for each column of a batch,
# and returns the mean squared distance of the products from 1.

# %%
def miss(w, batch):
    """How far the products batch·w are from 1; w: (n,), batch: (rows, n)."""
    return ((batch * w - 1) ** 2).mean()


batches = torch.arange(12.0).reshape(3, 2, 2)
print("three batches, losses at w = 1:", [miss(torch.ones(2), batch).item() for batch in batches])

# %% [markdown]
# ### Exercise autograd-3 · difficulty 2 · 6 minutes
# Your data does not fit into memory at once, so you feed it in batches of equal size and want the gradient *as
# if* they had been one big batch. Write `accumulated(loss_fn, batches, w)`: it leaves in `w.grad` the gradient
# of the **mean loss over all batches**, and returns `w.grad`. `loss_fn(w, batch)` is the mean loss of one batch.
# Careful: when you are called, `w.grad` may hold an old gradient, or `None`. Only one batch's graph may be alive
# at a time, so call `backward()` on each batch's loss before you touch the next.
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
    leaf, each, held = torch.ones(2, requires_grad=True), (batches * (batches - 1)).sum(1) / 2, []
    wrong = [(each.sum(0), "the batches were summed: divide by their number"),
             *((g, "only the last batch is left") for g in (each[2], each[2] / 3)),
             *((g, "the old gradient is still in the pile") for g in (each.mean(0) + 100, each.sum(0) + 100,
                                            each.mean(0) + 100 / 3)),
             (each[:2].sum(0) / 3, "now there are two batches: divide by len(batches)")]
    for leaf.grad, n in ((torch.full((2,), 100.0), 3), (None, 2)):
        got = c.attempted(accumulated(lambda w, batch: held.append(str(w.grad)) or miss(w, batch), batches[:n], leaf))
        c.close(got, each[:n].mean(0), because="as if it were one batch", mistakes=wrong)
        c.true(len({*held}) > 2 and torch.equal(got, leaf.grad), observed=held,
               expected="w.grad grows from call to call", likely="one backward per batch")

# %% [markdown] tags=["solution"]
# Accumulation is what makes this three lines long. It is a standard trick for large models (*gradient
# accumulation*, lesson 11): a big batch's gradient for a small batch's memory. Summing losses first and
# calling `backward()` once gives the same numbers, but keeps all graphs alive until the end.

# %% [markdown] tags=["instructor"]
# **Watch for** dividing at the end with `w.grad /= n`: right only if the pile was cleared first. Any plain
# division by n goes wrong as soon as the batches differ in size. **Ask:** what if the last batch is smaller?
# (Weigh each loss by its share of the samples.) **Timing:** 6 minutes.

# %% [markdown]
# ## May `backward` be called twice?
#
# The first of this lesson's *margin questions*: questions that readers of this material have left in the margins
# of their notes. Until now every call had a *fresh* graph. Now call it twice on **one**
# graph. Watch the last sentence of the message.

# %%
w = torch.tensor(2.2, requires_grad=True)
loss = neuron_loss(w)
loss.backward()
with expect_error(RuntimeError):
    loss.backward()

# %% [markdown]
# The diary keeps the numbers it needs for the way back: the factor `x` for a product, the output for a sigmoid.
# After one pass they are freed, because in a real network these saved numbers often fill more memory than the
# weights. To be asked twice, a graph has to be told so in advance: `retain_graph=True`.

# %%
w = torch.tensor(2.2, requires_grad=True)
loss = neuron_loss(w)
loss.backward(retain_graph=True)
loss.backward()
print(f"two passes over one graph: {w.grad.item():.4f}, which is twice −0.0898")
assert round(w.grad.item(), 4) == -0.1797

# %% [markdown]
# So the answer is yes: on a fresh graph always, and on the same graph if the earlier call kept it. In both cases
# the results add up.
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
# comes after the last call, so the last one never needs it.
#
# Better still, ask once for both, `torch.autograd.grad(loss, (w, b))`: one walk, no flag.
#
# There is one more reason to keep a graph: to differentiate the *derivative*. Then the backward pass itself has
# to be written into the diary: `create_graph=True`. By hand: the slope was $(p-1)\,x$, and $p$ changes with $w$
# by $p(1-p)\,x$, so the second derivative is $p(1-p)\,x^2$.

# %%
w = torch.tensor(2.2, requires_grad=True)
(first,) = torch.autograd.grad(neuron_loss(w), w, create_graph=True)
(second,) = torch.autograd.grad(first, w)
p = torch.sigmoid(torch.tensor(1.1 * 2.2))
by_hand = p * (1 - p) * 1.1**2
print(f"second derivative {second.item():.4f}   by hand p(1−p)x² = {by_hand.item():.4f}")

# %% [markdown]
# Both say 0.0907. Positive: the loss bends upward here.

# %% [markdown]
# ## Three ways to look away
#
# Sooner or later you want to calculate *without* the diary, most often to move a weight downhill.

# %%
w = torch.tensor(2.2, requires_grad=True)
neuron_loss(w).backward()
with expect_error(RuntimeError):
    w -= 0.1 * w.grad

# %% [markdown]
# *Variable* is the old word for tensor. You are changing a leaf in place, and the diary is open. Should the update
# become part of the function you differentiate? PyTorch refuses to guess. Close the diary for that line:

# %%
with torch.no_grad():
    w -= 0.1 * w.grad
print(f"w = {w.item():.4f}   leaf: {w.is_leaf}   still asks for gradients: {w.requires_grad}")

# %% [markdown]
# Many try `w = w - 0.1 * w.grad` instead. The first step goes through. Then look at the second (torch also warns
# about the `.grad` of a tensor that is no leaf; silenced here to keep the page short):

# %%
moved = w - 0.1 * w.grad
print(f"moved = {moved.item():.4f}   leaf: {moved.is_leaf}   made by {moved.grad_fn.name()}")
neuron_loss(moved).backward()
with warnings.catch_warnings(), expect_error(TypeError):
    warnings.simplefilter("ignore")
    moved = moved - 0.1 * moved.grad

# %% [markdown]
# `moved` is the *result of a subtraction*, not a leaf. `backward()` filled the `.grad` of the old `w` behind it;
# `moved.grad` is `None`, and 0.1 times `None` is the error.
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
# 16: the detached factor counts as the constant 4, and d(4a²)/da = 8a. The *value* of the product has not changed,
# so nothing but the gradient tells you that something was cut.
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
# *Output 0 of Exp, is at version 1; expected version 0*: the backward of exp wants exp's
# own output; you have overwritten it. The fix is a copy: `e.detach().clone()`, or `e * 10` instead of
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
# The slopes of `a²` are 2, 4 and 6. Every printed row is those three, multiplied by `v`. Twice the `v`, twice the
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
# `v @ J`: one times the first row plus ten times the second gives 2, 11, 60. This is a
# *vector–Jacobian product*, and the Jacobian was never built.
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
# table as one tensor, one vector–Jacobian product per output, without `torch.func`. The outputs may be more or
# fewer than the inputs. `at` comes without `requires_grad`, and must be left so.
#
# <details><summary>Hint 1</summary>A <code>v</code> that is 1 at output i and 0 elsewhere picks row i. All of them together are the rows of <code>torch.eye(m)</code>.</details>
# <details><summary>Hint 2</summary>Make your own leaf: <code>at.clone().requires_grad_()</code>. Calculate <code>y = f(leaf)</code> once, then <code>torch.autograd.grad(y, leaf, v, retain_graph=True)[0]</code> per row, and <code>torch.stack</code>. If you read <i>a second time</i>: the flag is missing. <i>Mismatch in shape</i>: <code>v</code> has one element per output. <i>got tuple</i>: <code>grad</code> returns a tuple, take <code>[0]</code>.</details>

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
    spot, seen, f = torch.tensor([1.0, 2.0, 3.0]), [], lambda a: torch.cat((pair(a), a[:2] ** 3))
    table, J = c.attempted(jacobian_by_rows(lambda a: seen.append(str(a)) or f(a), spot)), jacrev(f)(spot)
    c.true(torch.is_tensor(table), observed=table, expected="a tensor of shape (m, n)",
           likely="these are the rows: torch.stack them")
    wrong = [(J.T, "transposed: outputs go down, inputs go across"), (J.cumsum(0), "the rows piled up in .grad"),
             (J.sum(0), "v = ones sums the rows"),
             (J.sum(0).repeat(4, 1), "all rows are one object, .grad: append a clone, and clear"),
             (J[:2], "hard-coded size: one row per output")]
    c.close(table, J, because="row i is what v = e_i asks for; here 4 outputs, 3 inputs", mistakes=wrong)
    c.true(not (spot.requires_grad or "Tracking" in str(seen)), observed="at marked, or torch.func",
           expected="neither", likely="mark a clone; autograd.grad")

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
# The first forward-mode call makes torch 2.15 warn about *its own* inner code (the retired `torch.jit.script`).
# There is nothing for you to fix, so the first line keeps that one message quiet.

# %%
warnings.filterwarnings("ignore", message="`torch.jit.script`", category=FutureWarning)
at = torch.tensor([1.0, 2.0, 3.0])
print("jacrev\n", jacrev(pair)(at))
print("same from jacfwd:", torch.equal(jacrev(pair)(at), jacfwd(pair)(at)))

# %% [markdown]
# Both take a *function* and return a *function*, which you then call.
#
# If they give the same table, why two? Count. A *layer* multiplies its input by a matrix of weights, and bends
# the result, here with tanh. Below, a network of two 100×100 layers ends in one number, then another starts from
# one number. `FlopCounterMode` counts the arithmetic in matrix products; it sees products of tables only, so the
# inputs are columns.

# %%
def layers(t, A, B):
    """(100, 1) → (100, 1): two layers."""
    return torch.tanh(A @ torch.tanh(B @ t))


torch.manual_seed(0)
A, B, t = torch.randn(100, 100) / 10, torch.randn(100, 100) / 10, torch.randn(100, 1)
jobs = {"100 → 1": (lambda t: layers(t, A, B).sum(), t)}
jobs["1 → 100"] = (lambda s: layers(s * torch.ones(100, 1), A, B), torch.tensor(0.3))
for name, (f, at) in jobs.items():
    for mode in (jacrev, jacfwd):
        with FlopCounterMode(display=False) as counter:
            mode(f)(at)
        print(f"{name}  {mode.__name__}  {counter.get_total_flops():>9,}")

# %% [markdown]
# The wrong direction costs dozens of times as much work, either way. Training is the first kind: millions of
# weights in, **one loss out**. That is why deep learning runs on *backward*.
#
# A Jacobian of a gradient is a **Hessian**: the table of second derivatives, which says how the slopes
# themselves change.
#
# **Predict before you run:** for a weight of shape (2, 3) the gradient has shape (2, 3). What shape does
# the Hessian have?

# %%
weight = torch.arange(6.0).reshape(2, 3)
H = hessian(lambda W: (W**3).sum())(weight)
print("shape", tuple(H.shape))
print("W[1, 2] with itself:", H[1, 2, 1, 2].item(), "  with W[0, 1]:", H[1, 2, 0, 1].item())
assert H[1, 2, 1, 2] == 6 * weight[1, 2]

# %% [markdown]
# (2, 3, 2, 3): every weight against every weight. For a network with 60,000 weights that would be 3.6 billion
# numbers, which is why training lives on gradients alone. For two weights a Hessian is cheap, and you
# will use one on the landscape below.

# %% [markdown]
# ### Margin question: is "from right to left" the same as backpropagation?
#
# Only half. On the drawing, where the input stands left and the loss right, backpropagation runs from right to left.
# In the formula $\frac{dL}{dx} = \frac{dL}{dc}\cdot\frac{dc}{db}\cdot\frac{db}{dx}$ the *same* work runs from
# left to right, because there the loss stands on the left. What matters is neither: it is **which pair you
# multiply first**. All orders give the same product, at very different cost. The leftmost factor has a single
# row, because the loss is one number.

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
# The same product, 500 times cheaper when you start at the loss, because a row times a table is again a row:
# no new table is ever made. Backpropagation is that order of multiplying, **plus** the diary of saved values,
# **plus** adding up where paths meet. Direction alone is only the first of the three.

# %% [markdown]
# ### Margin question: why is a stack of linear layers one linear layer?
#
# Because a product of matrices is a matrix. A constant added after each matrix, its *biases*, changes no slope:
# it passes through the later matrices and comes out as one constant. Autograd can show it. A function is flat (a
# line, a plane) exactly when its slopes are the same **everywhere**. So compare Jacobians at two places, with
# and without a bend (tanh) between the layers, and with the product of the three matrices.

# %%
def stack(t, W1, W2, W3, bend):
    """Three layers with biases 1, −2 and 3; ``bend`` comes after the first two."""
    return W3 @ bend(W2 @ bend(W1 @ t + 1) - 2) + 3


torch.manual_seed(0)
W1, W2, W3 = (torch.randn(shape, dtype=torch.float64) for shape in ((5, 3), (4, 5), (2, 4)))
one_layer = W3 @ W2 @ W1
here, there = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
for name, bend in (("linear only", lambda t: t), ("with tanh", torch.tanh)):
    slopes = [jacrev(stack)(at, W1, W2, W3, bend) for at in (here, there)]
    print(f"{name:12} same slopes at both places: {torch.allclose(*slopes)}")
    print(f"{'':12} the slopes of one_layer:    {torch.allclose(slopes[0], one_layer)}")
print("numbers:", W1.numel() + W2.numel() + W3.numel(), "against", one_layer.numel())

# %% [markdown]
# Without bends, depth buys no new function: the slopes are those of `one_layer`, here and there, with 6 numbers in
# place of 43. The nonlinearity between the layers is what makes depth worth having.

# %% [markdown]
# ## Your own operation, and how to distrust it
#
# Sometimes you know a derivative better than autograd can: it is cheaper, or safer, or the operation comes
# from outside. Then you write the diary entry yourself, as a `torch.autograd.Function` with two static
# methods. `forward` calculates. Its first argument, `ctx`, is the diary entry being written;
# `ctx.save_for_backward` keeps tensors in it for the way back. `backward` gets the same `ctx` and the slope from
# above, the `v` of two sections ago, and returns that slope times the local derivative, one result per input.
# You call neither: `Cube.apply` runs `forward` *and* hangs the entry into the graph.
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
# The values are right, nothing complains, and the slopes are wrong. So go back to the first section: measure.
# `gradcheck` measures every slope with two-sided steps and compares it with what `backward` claims:

# %%
t = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
with expect_error(RuntimeError):
    torch.autograd.gradcheck(Cube.apply, t)

# %% [markdown]
# Measured 3 and 12, claimed 2 and 8: the factor should be 3. (The tables are Jacobians; zeros off the
# diagonal mean that each output depends on its own input only.) Inherit everything else and fix the one
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
# It does: the measurement was at fault, not the gradient. PyTorch warns about it too (silenced above to keep the
# page short): *not a double precision floating point … This check will likely fail*. Always hand `gradcheck`
# doubles.
#
# ### Exercise autograd-5 · difficulty 2 · 8 minutes
# Write the operation `Softplus`: $\log(1 + e^x)$, a smooth version of $\max(0, x)$. Its derivative is the
# sigmoid of $x$. Your backward must pass `gradcheck`. (Above x = 88 this formula overflows in 32 bits. Leave that
# to the library's `F.softplus`; your values may be infinite there.)
#
# <details><summary>Hint 1</summary>In forward: save <code>x</code> with <code>ctx.save_for_backward(x)</code> and return <code>torch.log1p(torch.exp(x))</code>.</details>
# <details><summary>Hint 2</summary>In backward: take <code>x</code> out of <code>ctx.saved_tensors</code>, which is a tuple even for one tensor: <code>(x,) = ctx.saved_tensors</code>. Return the slope from above times <code>torch.sigmoid(x)</code>. If you read <i>not enough values to unpack</i>, forward has saved nothing; <i>not tuple</i>, the comma is missing.</details>

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
    c.close(out, F.softplus(t), because="log(1 + e^x)", mistakes=[(sig, "the sigmoid belongs in backward")])
    wrong = [(sig, "the slope from above is lost: multiply by grad_output"),
             (5 * out, "that is the value, not the slope"),
             (5 * torch.sigmoid(out), "the sigmoid of x: forward has saved the result, not x"),
             (5 * sig * (1 - sig), "that is the slope of sigmoid; softplus has the slope sigmoid")]
    c.close(torch.autograd.grad(5 * out.sum(), t)[0], 5 * sig, because="5 · sigmoid(x)", mistakes=wrong)
    c.true(torch.autograd.gradcheck(Softplus.apply, t, raise_exception=False), observed="no",
           expected="gradcheck passes")

# %% [markdown] tags=["solution"]
# `backward` answers for one box only; `grad_output` is what it knows about the rest of the world. Forget it
# and the box works as long as it is the last one before a plain sum, which is how such bugs survive their
# first test. (`F.softplus` avoids the overflow by switching to x itself above 20.)

# %% [markdown] tags=["instructor"]
# **Watch for** `return torch.sigmoid(x)` without `grad_output`: with `.sum().backward()` it gives the right
# numbers, because the slope from above is 1. That is why the check multiplies by 5. **Timing:** 8 minutes.
# **Ask:** could backward use the output instead of the input? (Yes: sigmoid(x) = 1 − exp(−softplus(x)).)

# %% [markdown]
# ## Sixty lines that do what autograd does
#
# You have walked PyTorch's graph. Now build one. A node is a number that knows what it was made from: it keeps
# pairs of *input* and *local derivative*. That is all a diary has to hold.

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
# Python lets you say what `+` and `*` mean for your class.
#
# ### Exercise autograd-6 · difficulty 2 · 10 minutes
# Write `MyValue`, a `Value` with addition and multiplication. `a + b` and `a * b` return a new `MyValue` that
# holds the result **and** the two pairs (input, local derivative), in that order. It has to work for `a * a` and
# `a + a` too. Both operands are always `MyValue`s, and your methods leave `.grad` alone.
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
    m, n, order = MyValue(3), MyValue(4), "no input found: give pairs (input, slope), in this order"
    plus, times = c.attempted((m + n, m * n))
    c.true(type(plus) is type(times) is MyValue, observed=f"{type(plus)}, {type(times)}", expected="MyValue",
           likely="the next + has nowhere to go")
    c.equal((local(plus, m), local(plus, n)), (1, 1),
            mistakes={(0, 0): order, (3, 4): "own .data: a sum moves 1 for 1", (4, 3): "that is for *"})
    c.equal((local(times, m), local(times, n)), (4, 3), because="the other factor",
            mistakes={(0, 0): order, (3, 4): "each got its own"})
    c.equal((plus.data, times.data, local(m * m, m), local(m + m, m), m.grad), (7, 12, 6, 2, 0),
            because="both edges of m · m and m + m; .grad stays 0",
            mistakes=[((7, 12, mm, m2, 0), "two edges lead to m: one is lost") for mm,
                      m2 in ((3, 2), (3, 1), (6, 1))])

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
def diamond(at):
    """b = a·a, s = b + a, d = b·s for a given a. Returns (a, d)."""
    a = Value(at)
    b = Value(at * at, [(a, at), (a, at)])
    s = Value(b.data + at, [(b, 1.0), (a, 1.0)])
    return a, Value(b.data * s.data, [(b, s.data), (s, b.data)])


leaf = torch.tensor(2.0, requires_grad=True)
(leaf**2 * (leaf**2 + leaf)).backward()
print("what torch says for the slope at the bottom:", leaf.grad.item())
assert leaf.grad == 44

# %% [markdown]
# `b` feeds both `s` and `d`. If `b` hands down its grad as soon as `d` has added its share, the share of `s` comes
# too late. **A node may pass on its grad only when every node that uses it has added its share.** So you want
# an order in which each node comes after all its users: a *topological order*. To get one, go down from the
# root and put a node on a list only when everything below it is on the list already. Read backward, that
# list has every user before its inputs.
#
# ### Exercise autograd-7 · difficulty 3 · 12 minutes
# Write `backprop(root)`. It sets `root.grad = 1`, then visits all nodes, each **once**, users before inputs;
# at each visit it adds *own grad × local derivative* to each input's `.grad`. It returns the list of nodes in
# the order visited, root first. (Assume all `.grad` are 0 when you start. Work with `node.inputs`; you need
# no `MyValue`.)
#
# <details><summary>Hint 1</summary>A function <code>visit(node)</code> inside yours: it first visits all inputs not seen yet, then appends the node to a list. At the end, turn the list around.</details>
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
    wrong = {(0, 0): "d(root)/d(root) is 1: set it first", (1, 0): "inputs came before users: reverse the list",
             (1, 8): "add to .grad, do not assign: paths meet", (1, 28): "b passed on before s had added its share",
             (1, 68): "b passed on twice; wait until all its users are done",
             (1, -27): "b came before s: sizes give no order"}
    for (bottom, top), slope in ((diamond(2.0), 44.0), (diamond(-3.0), -81.0)):
        order = c.attempted(backprop(top))
        c.close((top.grad, bottom.grad), (1, slope), because="1 at the root; 4a³ + 3a² at a: every path, once",
                mistakes=wrong)
        letters = {top: "d", top.inputs[1][0]: "s", top.inputs[0][0]: "b", bottom: "a"}
        c.equal("".join(letters.get(node, "?") for node in order), "dsba", because="4 nodes, users before inputs",
                mistakes={"dbsa": "s uses b: return the order of the visits", "absd": "the root comes first"})

# %% [markdown] tags=["solution"]
# Two steps, and the order is the whole art. The search appends a node after everything below it, so the
# reversed list has every user before its inputs. PyTorch counts per node the users still to come instead,
# and so does the engine that comes next: no recursion, so a chain of ten thousand operations is no problem.

# %% [markdown] tags=["instructor"]
# **Watch for** recursive "hand down now" solutions. They are right on trees, and exponential or wrong on
# diamonds. Let the group trace `diamond()` with four people holding papers: nobody passes on a sum before
# every user has added a share. **Timing:** 12 minutes with hints. **Fast groups:** add `tanh` to `MyValue`.

# %% [markdown]
# ### The engine of the story
#
# You have both halves of an engine. If you like, put them together in a cell of your own: `a = MyValue(2)`,
# `d = a * a * (a * a + a)`, `backprop(d)`, and `a.grad` says 44, as torch did.
#
# The lesson goes on with an engine like yours that knows more operations. It is a *table of rules*: one line per
# operation, its value and its local derivatives. To teach it a new operation, you add a line. `record` turns
# plain numbers into nodes and applies the rule.

# %%
def logistic(a):
    """The sigmoid of a plain number."""
    return 1 / (1 + math.exp(-a))


class Recorded(Value):
    """A Value with a table of rules: name → function giving (value, local derivatives)."""

    rules = {
        "add": lambda a, b: (a + b, (1.0, 1.0)),
        "sub": lambda a, b: (a - b, (1.0, -1.0)),
        "mul": lambda a, b: (a * b, (b, a)),
        "log": lambda a: (math.log(a), (1 / a,)),
        "tanh": lambda a: (math.tanh(a), (1 - math.tanh(a) ** 2,)),
        "sigmoid": lambda a: (logistic(a), (logistic(a) * (1 - logistic(a)),)),
    }

    def record(self, name, *others):
        new = type(self)
        nodes = (self, *[n if isinstance(n, Value) else new(n) for n in others])
        data, slopes = self.rules[name](*[node.data for node in nodes])
        return new(data, zip(nodes, slopes, strict=True))

# %% [markdown]
# The way back, as PyTorch does it: count how many users each node has, and let a node pass on its grad when
# its last user is done.

# %%
def run_back(root):
    """Fill ``.grad`` below ``root``: a node passes on when its last user is done."""
    users, stack, seen = {}, [root], {root}
    while stack:
        for below, _ in stack.pop().inputs:
            users[below] = users.get(below, 0) + 1
            if below not in seen:
                seen.add(below)
                stack.append(below)
    root.grad, ready = 1.0, [root]
    while ready:
        node = ready.pop()
        for below, slope in node.inputs:
            below.grad += slope * node.grad
            users[below] -= 1
            if users[below] == 0:
                ready.append(below)

# %% [markdown]
# Now the ordinary spelling, `a + b` and `-a`. `method("add")` makes a method that records the rule `"add"`;
# `__rmul__` is for a plain number on the left, as in `0.5 * a`.

# %%
def method(name):
    """A method that records the rule ``name``."""
    return lambda self, *others: self.record(name, *others)


class Scalar(Recorded):
    """A number that you calculate with as usual, and then ask for its slopes."""

    __add__ = __radd__ = method("add")
    __mul__ = __rmul__ = method("mul")
    __sub__ = method("sub")
    log, tanh, sigmoid = method("log"), method("tanh"), method("sigmoid")
    backward = run_back

    def __neg__(self):
        return self * -1.0

# %% [markdown]
# With `Value`, that makes about sixty lines, and no torch in any of them. First the number of this lesson:

# %%
w, b = Scalar(2.2), Scalar(0.0)
loss = -(w * 1.1 + b).sigmoid().log()
loss.backward()
print(f"loss {loss.data:.4f}   w.grad {w.grad:.4f}   b.grad {b.grad:.4f}")
assert math.isclose(w.grad, true_slope)

# %% [markdown]
# −0.0898, for the fifth time. But one neuron is one test. Grow random expressions: start with three leaves and
# combine random earlier results, over and over. Results get reused all the time, so paths meet everywhere.

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

# %% [markdown]
# ## Downhill, sample by sample
#
# Now use a slope. Three points, and a model with one weight, $\hat y = w \cdot x$:

# %%
xs, ys = [1.0, 2.0, 3.0], [2.0, 4.0, 6.0]
w = torch.tensor(1.0, requires_grad=True)
print("before training, x = 4 gives", (w * 4).item())

# %% [markdown]
# `w` should be 2 and the answer 8; the program starts at 1 and answers 4. It looks at
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
# as a factor. Keep that in mind for the last margin question. Now walk for twenty rounds, and compare with somebody
# who forgets to clear the gradient.

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
plt.axhline(2, color="#444444", linestyle="--", linewidth=1, label="w = 2")
plt.xlabel("step")
plt.ylabel("w")
plt.title("What clearing is for")
plt.ylim(0.5, 3.8)
plt.legend(loc="upper center", ncols=3)
plt.show()

# %% [markdown]
# *The cleared walk climbs to 2 and stays; the one that never clears pushes with the sum of all its old
# slopes, rushes past 2 and swings back and forth.* How close did the good one get, and what does it say about
# x = 4?

# %%
print(f"after 60 steps w = {good[-1]:.3f}, so x = 4 gives {4 * good[-1]:.3f}")
print(f"the other walked between {min(forgot):.2f} and {max(forgot):.2f}")

# %% [markdown]
# ### Exercise autograd-8 · difficulty 2 · 8 minutes
# Write the loop once more, without looking back: `train(xs, ys, w, lr, rounds)` starts from the number `w` and goes
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
    got = c.attempted(train([1.0, 2.0], [3.0, 5.0], w=0.0, lr=0.05, rounds=2))
    c.kind(got, float)
    per_round = "a step per round: take a step per sample"
    c.close(got, 1.8172, because="1st sample: to 3, 0.9 of the way is left; 2nd: to 2.5, 0.6 is left; twice",
            mistakes={1.1375: per_round, 1.95: per_round, 1.8052: "loops swapped: all samples, then the next round",
                      1.848: "the samples came in reverse order",
                      4.0192: "old slopes are still in the pile: clear it", 1.18: "that is one round",
                      2.1088: "start from the w you are given",
                      2.1312: "clear after every sample, not after every round", -3.6068: "uphill: subtract the slope",
                      1.0912: "the 2 of the square's derivative is missing", 0.0: "w never moved"})
    c.close(train([1.0], [3.0], w=3.0, lr=0.1, rounds=1), 3.0, because="at the bottom, w stays",
            mistakes={0.6: "start from the w you are given"})

# %% [markdown] tags=["solution"]
# The two samples of the check disagree, one wants w = 3 and the other 2.5, so that the order of the steps shows.
# Each step multiplies the distance to its own sample's target by $1 - 2\,\mathrm{lr}\,x^2$. If that factor leaves
# the interval (−1, 1), the distance grows. With x = 3 that happens at lr = 1/9.

# %% [markdown] tags=["instructor"]
# **Watch for** a step per round in place of a step per sample (1.1375 or 1.95 in the check), and for `w = w - …`
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
# A loss made of squares of straight-line errors has the same Hessian everywhere: the landscape is one long bowl.
# `eigvalsh` gives its curvature in the two directions that matter, along the valley and across it: 0.24 and
# 11.09. Across, the curvature is 46 times larger.
#
# Cut through the bowl in a direction with curvature $k$: at distance $d$ from the bottom the height is
# $\frac{k}{2} d^2$ and the slope $kd$. A step with learning rate $\eta$ leads from $d$ to
# $d - \eta k d = (1 - \eta k)\,d$. The distance shrinks only while $\eta < 2/k$. So the direction with the largest curvature sets the
# speed limit for all.

# %%
limit = 2 / curvatures.max().item()
ratio = (curvatures[1] / curvatures[0]).item()
print(f"speed limit: {limit:.4f}   ratio of curvatures: {ratio:.0f}")
assert round(limit, 2) == 0.18

# %% [markdown]
# Put the limit to the test, with a function that walks and remembers its path.

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
# **Predict before you run:** the limit says 0.1803. After 60 steps with 0.17, 0.18, 0.185 and 0.19, how different
# are the losses?

# %%
for lr in (0.17, 0.18, 0.185, 0.19):
    end = descend(mse, [0.5, 0.5], lr, 60, X, Y)[-1]
    loss = mse(end, X, Y).item()
    print(f"lr = {lr:<5}  loss {loss:.2g}")

# %% [markdown]
# Clearly below the limit, it arrives. Right at the limit, with 0.18, it only dawdles: each step keeps more than
# 99 % of the distance. A few percent above, it explodes; the turning point is where the Hessian said. Now look
# at three walks from one start.

# %% export="descent.png" alt="Three contour maps of the loss over weight w (horizontal) and bias b (vertical): a long narrow valley running from upper left to lower right, its bottom marked by a star at w = 2, b = 0. A hollow circle marks the start. Left, learning rate 0.001: the path goes straight toward the valley floor and stops before it. Middle, 0.1: one leap lands on the valley floor and small steps follow it almost to the star. Right, 0.19: the path jumps from one wall of the valley to the other, each jump longer than the last, and leaves the map."
ww, bb = torch.meshgrid(torch.linspace(-2, 6, 120), torch.linspace(-3, 3, 120), indexing="xy")
height = ((ww[..., None] * X + bb[..., None] - Y) ** 2).mean(-1)
fig, axes = plt.subplots(1, 3, figsize=(9.5, 3.4), sharey=True)
walks = ((0.001, 100, "too small"), (0.1, 100, "right"), (0.19, 9, "too large"))
for ax, (lr, steps, verdict) in zip(axes, walks, strict=True):
    path = descend(mse, [-0.4, 0.6], lr, steps, X, Y)
    levels = [0.05, 0.3, 1, 3, 8, 20, 45]
    ax.contour(ww, bb, height, levels=levels, colors="#9bb8cc", linewidths=0.9)
    ax.plot(path[:, 0], path[:, 1], ".-", color="C1", markersize=2, linewidth=0.6)
    ax.plot(*path[0], "o", color="C1", markersize=8, markerfacecolor="none")
    ax.plot(2, 0, "*", color="C0", markersize=13)
    ax.set(xlim=(-2, 6), ylim=(-3, 3), xlabel="weight w", title=f"lr = {lr}: {verdict}")
axes[0].set_ylabel("bias b")
plt.show()

# %% [markdown]
# *All three start at the hollow circle, w = −0.4 and b = 0.6; the star marks the bottom. After 100 steps 0.001 has
# not reached the valley floor; in 100 steps 0.1 has leapt onto the floor and followed it almost to the star;
# with 0.19 it jumps from wall to wall, each step longer than the last, and after nine steps it has left the map.*

# %%
for lr, steps in ((0.001, 100), (0.1, 20), (0.1, 100), (0.19, 9)):
    end = descend(mse, [-0.4, 0.6], lr, steps, X, Y)[-1]
    far = (end - torch.tensor([2.0, 0.0])).norm().item()
    loss = mse(end, X, Y).item()
    print(f"lr {lr:<5}  {steps:3} steps   loss {loss:7.3f}   from the star {far:5.2f}")

# %% [markdown]
# Look at the two rows of the right rate: the loss is small after 20 steps, and the star is still far. Along
# the flat floor of the valley each step keeps 1 − 0.1 · 0.24 = 97.6 % of the distance. The steep direction
# sets the limit, the flat direction sets the waiting time. Momentum and Adam (lesson 03) exist for that
# reason.

# %% [markdown]
# ### Margin question: why does a weight with gradient 1000 move more than one with gradient 1, and is that good?
#
# It moves more because the step is `lr * gradient`, nothing else. Whether that is *good* depends on what a unit
# of that weight means. Two experiments will show it. Take a target made of two lengths, $2a + 3b$, both in
# meters. Then write `b` in millimeters: nothing about the data has changed, but the right second weight is now
# 0.003.

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
# The slope of the second weight has grown a thousandfold, while the distance it has to go has *shrunk* to a
# thousandth, from 3 to 0.003. The step is wrong by a factor of a million. Let it walk:

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
# does not say that the number is far from right.** The cure is to give all inputs one scale, here by dividing
# each column by its largest entry. The rate 0.3 works again:

# %%
scale = mixed.amax(dim=0)
scaled = descend(error, [0.0, 0.0], 0.3, 500, mixed / scale, target)[-1]
print("weights of the scaled inputs  ", [round(v, 3) for v in scaled.tolist()])
print("back in meters and millimeters", [round(v, 4) for v in (scaled / scale).tolist()])

# %% [markdown]
# Divide the columns, train, divide the weights by the same numbers: 2 and 0.003. One scale for all inputs is
# what recipes mean by "normalize" or "standardize" (there you also subtract the mean; lesson 05 does it).

# %% [markdown]
# ## Old code you will meet
#
# Much of the web was written before 2018, when a *tensor* and a *Variable* were two things. Read the first column,
# write the second.
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
# Ten times too large, and not a word. `detach` stopped you with an error at the same spot.

# %% [markdown]
# ## What you take along
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `torch.tensor(…, requires_grad=True)`, `t.requires_grad_()` | marks a leaf whose slope you will want | same shape |
# | `t.grad_fn`, `.next_functions`, `t.is_leaf` | the diary entry, its inputs' entries, `True` if it has no entry | – |
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
# pile. The last call on a graph never needs `retain_graph`. A gradient tells you a direction in the units you
# happened to choose.
#
# Next you fit a line, with the loop of the last pages, and watch it turn piece by piece into `nn.Linear`, a
# loss function and an optimizer: the shape of every training program you will ever read.
