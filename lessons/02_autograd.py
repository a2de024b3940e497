# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Autograd
#     summary: a slope three ways, why gradients pile up, and an engine of your own that trains a network
#     path: "One slope, found three ways. Then slopes pile up, are cleared and lead downhill, until the engine that computes them is yours and trains a network."
#     needs: [01_tensors]
#     data: []
#     objectives:
#       graph: read a computation graph, and multiply its local derivatives along a path
#       accumulate: put accumulation to work, and clear gradients at the right place
#       engine: build an engine that differentiates every expression of +, * and tanh, as torch does
#       descend: walk downhill with gradients, and train a network that you built from single numbers
#       distrust: say what v means in backward(v), and prove or refute code that claims to know a gradient
# ---

# %% [markdown]
# This lesson is about one number: **−0.0898**. A tiny program has one number to adjust, its *weight*. A *loss*
# says how wrong the program is. The slope of the loss, as the weight grows, is −0.0898.
#
# You will get that number by a limit, by hand, from PyTorch, by walking PyTorch's own graph edge by edge, and
# at the end from an engine of about fifty lines, like the one you write. Then you grow it into a network, from an
# empty cell, and train it on four samples that no single neuron can tell apart.

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
# cross-entropy*; lesson 04 is all about it. Here it is only a function to differentiate, at $x = 1.1$, $b = 0$ and $y = 1$.

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

# %% within="0.002"
for h in (1e-1, 1e-3, 1e-5, 1e-7):
    slope = (neuron_loss(w + h) - neuron_loss(w)) / h
    arrived = (w + h) - w
    print(f"h = {h:<6g}  w moves by {arrived.item():.7f}   slope {slope.item():.4f}")
assert slope == 0

# %% [markdown]
# Not the smallest: 0.001 is best. At `h = 1e-05` the answer is almost nine percent off, and at `1e-07` it is **zero**: near 2.2
# a 32-bit float has no room for the step, so `w` does not move at all. At `1e-05` it does, but the loss then changes by less than a millionth, and `p`, with seven
# digits, catches barely more than one digit of that. Too large a step is bent by the curve; too
# small a step drowns in rounding.
#
# ### Second way: by hand
#
# Use the chain rule, with one factor per operation. With $y = 1$ the loss is $-\log p$. The slope of the sigmoid is
# $e^{-z}/(1+e^{-z})^2$: one factor is $p = 1/(1+e^{-z})$, the other $1-p = e^{-z}/(1+e^{-z})$.
#
# $$\frac{dL}{dw} = \underbrace{-\frac1p}_{dL/dp}\cdot\underbrace{p(1-p)}_{dp/dz}\cdot\underbrace{x}_{dz/dw} = (p-1)\,x .$$

# %%
x, z = 1.1, 1.1 * 2.2
p = 1 / (1 + math.exp(-z))
true_slope = -1 / p * p * (1 - p) * x
print(f"dL/dp = {-1 / p:.4f}   dp/dz = {p * (1 - p):.4f}   dz/dw = {x}")
print(f"product = {true_slope:.4f}")
assert math.isclose(true_slope, (p - 1) * x)

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
# At its best step the measured slope says −0.0898, too. It needs another run of the function for
# every weight. The formula is exact, and somebody has to derive it again for every new program. Autograd is exact too,
# up to rounding, and nobody derives anything: it remembers what you calculated.

# %% [markdown]
# ## The graph behind the number
#
# While you calculate, PyTorch records a *graph*: one node for every operation that a marked tensor took part in.
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
# - `is_leaf`: no recorded operation made this tensor. `x`, `w` and `b` came from you, `z` from a recorded operation.
# - `grad_fn`: the tensor's node, the operation that made it, ready to be run backward.
#
# Each node points to the nodes of its own inputs, in `next_functions`. And a node is **callable**: hand it
# the slope of everything above it (*above* means nearer the loss) and it returns the slope handed on to each input. Hand
# it 1 and you get the bare *local derivative*, the derivative of this one operation and nothing else. Follow the pointers
# all the way down. Each path ends in a node called `AccumulateGrad`: it holds the leaf, as `.variable`, and fills its `.grad`. Each row below has an operation on
# the left, with its result if named, and one input's node on the right; the number after × is the local derivative.

# %%
def walk(node):
    """The edges (node, node of its input, local derivative), from the loss down."""
    local = node(torch.tensor(1.0))
    local = local if isinstance(local, tuple) else (local,)
    edges = []
    for (below, _), slope in zip(node.next_functions, local, strict=True):
        if below is not None:
            edges.append((node, below, slope.item()))
            edges += walk(below) if below.next_functions else []
    return edges


def label(node, **tensors):
    """A short name: a leaf, or the operation and the tensor that it made."""
    if hasattr(node, "variable"):
        return next(name for name, t in tensors.items() if t is node.variable)
    made = [name for name, t in tensors.items() if t.grad_fn is node]
    return " → ".join([node.name().removesuffix("Backward0"), *made])


edges, named = walk(loss.grad_fn), dict(w=w, b=b, z=z, p=p, loss=loss)
for node, below, slope in edges:
    print(f"{label(node, **named):25} | {label(below, **named):11} × {slope:8.4f}")

# %% [markdown]
# Five edges, five local derivatives, none of them harder than school; −1.0889 is the $-1/p$ of the hand calculation. The
# last step is to multiply along each path: 1 at the loss, and from then on every node passes down *what it got from above
# times its local derivative*. What arrives is **added**, because a leaf may be reached more than once.

# %%
def multiply_out(edges):
    """The slope of the loss at every node, where each result has one user."""
    total = {edges[0][0]: 1.0}
    for node, below, slope in edges:
        total[below] = total.get(below, 0.0) + total[node] * slope
    return total


total = multiply_out(edges)
for node, value in total.items():
    print(f"{label(node, **named):25} dL/d{label(node, **named).split()[-1]:5} = {value:8.4f}")

# %% [markdown]
# Now draw it: boxes are nodes with their results; numbers on the arrows are local derivatives; the number below a box is the product so far.

# %% alt="A computation graph, boxes with values, left to right: leaf w feeds Mul, Mul and leaf b feed Add, which makes z; z feeds Sigmoid, which makes p; p feeds BinaryCrossEntropy, which makes the loss. Orange arrows run backward, from right to left and from box to box, with the local derivatives minus 1.0889, 0.075, 1 and 1, and 1.1 on them. Below each box stands the product so far: 1 at the loss, minus 1.0889 at p, minus 0.0817 at z, Mul and b, and minus 0.0898 at w."
fig, ax = plt.subplots(figsize=(9.5, 3.1))
spots, boxes = {loss.grad_fn: (0, 0)}, {}
for node, below, _ in edges:  # an input stands to the left, a second one lower
    left = (spots[node][0] - 1, spots[node][1])
    spots[below] = left if left not in spots.values() else (left[0], left[1] - 1)
for node, (cx, cy) in spots.items():
    name = label(node, **named)
    face = "#fff3d6" if name in "wb" else "#dcebf7"
    made = name.split()[-1]
    name += f" = {named[made].item():.3g}" if made in named else ""
    box = dict(boxstyle="round,pad=0.4", fc=face, ec="#444444")
    name = name.replace("Cross", "\nCross").replace(" →", "\n→")
    boxes[node] = ax.text(cx, cy, name, ha="center", va="center", bbox=box).get_bbox_patch()
    ax.text(cx, cy - 0.5, f"{total[node]:.4f}", ha="center", weight="bold")
for node, below, slope in edges:
    (x0, y0), (x1, y1) = spots[node], spots[below]
    arrow = dict(arrowstyle="-|>", color="C1", patchA=boxes[node], patchB=boxes[below])
    ax.annotate("", (x1, y1), (x0, y0), arrowprops=arrow)
    ax.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.1, f"× {round(slope, 4):g}", color="C1", ha="center")
ax.set(xlim=(-4.3, 0.5), ylim=(-1.75, 0.45), title="Backward through the neuron")
ax.axis("off")
plt.show()

# %% [markdown]
# *Orange arrows run from the loss back to the leaves, each with its local derivative; the bold number below a
# box is the product of all factors on its way from the loss: −1.0889 × 0.0750 × 1 × 1.1 = −0.0898 at `w`. There the last factor is x = 1.1; the one into `z` is p(1
# − p) = 0.918 · 0.082.*
# `x` and `y` have no box, because nobody asked for their gradient.
#
# Now let autograd judge. `retain_grad` also keeps the slope at `z`, which is no leaf.

# %%
z.retain_grad()
loss.backward()
print(f"w {w.grad.item():.4f}   b {b.grad.item():.4f}   z {z.grad.item():.4f}")
assert [round(g.item(), 4) for g in (w.grad, b.grad, z.grad)] == [-0.0898, -0.0817, -0.0817]
by_name = {label(node, **named): value for node, value in total.items()}
assert math.isclose(by_name["w"], w.grad.item(), rel_tol=1e-6)

# %% [markdown]
# Same numbers: `backward()` visits nodes, multiplies, and adds. The picture also says why it is fast: the product at `z` is
# calculated once and used by both `w` and `b`. A *network*, layers of many neurons, each fed by the layer before, shares almost all of its factors that way.
#
# ### Exercise autograd-1 · difficulty 1 · 4 minutes
# Do the multiplication yourself, for another graph: `z = u·v`, `h = tanh(z)`, `d = h − t`, `loss = d²`. Write
# `chain(u, v, t)`, which gives five numbers: the four local derivatives on the way from the loss down to `u`, in that
# order (dloss/dd, dd/dh, dh/dz, dz/du), and last the slope of the loss with respect to `u`. Use plain Python numbers and
# `math.tanh`. Your first four numbers are like the orange factors on the arrows; only the fifth is a product like the bold ones.
#
# <details><summary>Hint 1</summary>Calculate forward first: z, then h, then d. The derivative of tanh is 1 − tanh².</details>
# <details><summary>Hint 2</summary><code>return 2 * d, 1.0, 1 - h**2, …, …</code>: what is the derivative of u·v when u moves and v stays?</details>

# %% tags=["exercise"] id="autograd-1" objective="graph"
def chain(u: float, v: float, t: float) -> tuple[float, float, float, float, float]:
    """Return dloss/dd, dd/dh, dh/dz, dz/du and dloss/du for loss = (tanh(u·v) − t)²."""
    ### BEGIN SOLUTION
    h = math.tanh(u * v)
    factors = (2 * (h - t), 1.0, 1 - h**2, v)
    return *factors, math.prod(factors)
    ### END SOLUTION

# %% tags=["check"]
with check("autograd-1") as c:
    for u, v, t in ((0.5, -1.2, 0.3), (-0.7, 0.4, 1.1)):
        h, d = math.tanh(u * v), math.tanh(u * v) - t
        got = c.attempted(chain(u, v, t))
        c.true({*map(type, got)} <= {int, float}, observed=got, expected="plain Python numbers")
        c.equal(len(got), 5, because="four edges from the loss down to u, and their product")
        c.close(got[0], 2 * d, mistakes={d: "d(d²)/dd = 2d: the 2 is missing",
                                         v: "the order is reversed: start at the loss"})
        c.close(got[1], 1.0, mistakes={-1.0: "the minus belongs to t, not to h",
                                       2 * d: "the product so far: give the bare factor"})
        c.close(got[2], 1 - h**2, mistakes={1 - (u * v) ** 2: "1 − h² with h = tanh(z), not z itself",
                                            1 - u**2: "1 − h² with h = tanh(z)"})
        c.close(got[3], v, mistakes={u: "dz/du is v, the factor that stays"})
        c.close(got[4], math.prod(got[:4]), because="one path: multiply",
                mistakes={sum(got[:4]): "along a path, multiply"})

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
w.grad = None
neuron_loss(w).backward()
print(f"cleared, then asked once:    {w.grad.item():.4f}")

# %% [markdown]
# Once, twice and three times −0.08983: `backward()` **adds** to `.grad`. The slope of the loss never changed; the pile did. For one
# tensor, `w.grad = None` clears it; `optimizer.zero_grad()`, from lesson 03 on, does the same for all weights of a
# model.
#
# That is by design. Often a loss too big to hold at once comes in pieces, one per sample or batch.
# The slope of a sum is the sum of the slopes, so you ask piece by piece and let `.grad` add.
#
# ### Exercise autograd-2 · difficulty 2 · 6 minutes
# Your data does not fit into memory at once, so you feed it in batches of equal size and want the gradient *as
# if* they had been one big batch. Write `accumulated(loss_fn, batches, w)`: it sets `w.grad` to the gradient of the **mean loss over all batches** and returns
# `w.grad`. `loss_fn(w, batch)` is the mean loss of one batch, for
# instance `lambda w, batch: ((batch * w - 1) ** 2).mean()`.
# Careful: when your function is called, `w.grad` may hold an old gradient, or `None`. Only one batch's graph may be alive
# at a time: call a plain `backward()` on each batch's loss, which also frees its graph, before you touch the next.
#
# <details><summary>Hint 1</summary>Clear once, before the loop, never inside. Let <code>backward()</code> do the adding.</details>
# <details><summary>Hint 2</summary>The mean over n batches is the sum of n losses, each divided by n: <code>(loss_fn(w, batch) / len(batches)).backward()</code>.</details>

# %% tags=["exercise"] id="autograd-2" objective="accumulate"
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
with check("autograd-2") as c:
    def spy(w, batch):
        try:
            torch.autograd.grad(losses[-1], w, retain_graph=True)
            c.true(False, observed="an older graph is alive", expected="one at a time", likely="one plain backward()")
        except (IndexError, RuntimeError):
            piles.append(str(w.grad))
        losses.append((abs(batch * w - 1) ** power).mean())
        return losses[-1]
    for n, rows, cols, power, old in ((3, 2, 2, 2, 100.0), (4, 1, 3, 3, None), (2, 3, 1, 2, -7.0)):
        given, leaf = [*torch.ones(n, rows, cols).cumsum(0)], torch.full((cols,), 1.5, requires_grad=True)
        losses, piles, leaf.grad = [], [], None if old is None else torch.full_like(leaf, old)
        with c.untouched(given, leaf):
            got, seen = c.attempted(accumulated(spy, given, leaf)), piles[:]
        each, old = torch.stack([torch.autograd.grad(spy(leaf, b), leaf)[0] for b in given]), old or 1e9
        mean, total = each.mean(0), each.sum(0)
        wrong = [(total, "the batches were summed: divide by their number"), (each[-1], "only the last batch is left"),
                 *((g, "the old gradient is still in the pile") for g in (mean + old, total + old, mean + old / n))]
        c.close(got, mean, because="as if it were one batch", mistakes=[*wrong, (each[-1] / n, wrong[1][1])])
        c.true(len({*seen}) == len(seen) == n and got is leaf.grad, observed=f"w.grad at each call: {seen}",
               expected="one call a batch; w.grad grows; it is returned", likely="one backward per batch")

# %% [markdown] tags=["solution"]
# Accumulation is what makes this three lines long. It is a standard trick for large models (*gradient
# accumulation*, lesson 11): a big batch's gradient for a small batch's memory. Summing losses first and
# calling `backward()` once gives the same numbers, but keeps all graphs alive until the end.

# %% [markdown] tags=["instructor"]
# **Watch for** dividing at the end with `w.grad /= n`: right only if the pile was cleared first. Any plain
# division by n goes wrong as soon as the batches differ in size. **Ask:** what if the last batch is smaller?
# (Weigh each loss by its share of the samples.) **Timing:** 6 minutes.

# %% [markdown]
# ## Downhill, sample by sample
#
# Now use a slope. Three points, and a model with one weight, $\hat y = w \cdot x$. `w` should be 2; the program starts
# at 1, so for x = 4 it answers 4 and not 8. It looks at one sample, steps against the
# slope of *that sample's* squared error, and goes on to the next. The step is the slope times a small number, the
# *learning rate*. Try one:

# %%
xs, ys = [1.0, 2.0, 3.0], [2.0, 4.0, 6.0]
w = torch.tensor(1.0, requires_grad=True)
((w * xs[0] - ys[0]) ** 2).backward()
with expect_error(RuntimeError):
    w -= 0.01 * w.grad

# %% [markdown]
# *Variable* is the old word for tensor. You are changing a leaf in place, and the recording is on. Should the update
# become part of the function you differentiate? PyTorch refuses to guess. Switch it off for that line, with
# `torch.no_grad()`, and clear the pile after it.
#
# **Predict before you run:** all three samples say "w is too small". Which of them pushes hardest?

# %%
w.grad = None
for x, y in zip(xs, ys, strict=True):
    loss = (w * x - y) ** 2
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
    print(f"x={x:.0f}  slope={w.grad.item():9.4f}  w becomes {w.item():.4f}")
    w.grad = None

# %% [markdown]
# The third: −2, −7.84, −16.23. The slope is $2x(wx-y)$, so the input counts twice, once in the error and once
# as a factor. Now walk for twenty rounds, and compare with somebody who forgets to clear.

# %%
def walk_samples(lr=0.01, clear=True, rounds=20):
    """The path of w on the three samples, with or without clearing w.grad."""
    w, path = torch.tensor(1.0, requires_grad=True), [1.0]
    for x, y in [(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)] * rounds:
        ((w * x - y) ** 2).backward()
        with torch.no_grad():
            w -= lr * w.grad
        w.grad = None if clear else w.grad
        path.append(w.item())
    return path

# %% alt="Weight w against step number, 60 steps. The blue line, with cleared gradients, climbs from 1 and settles at 2. The orange line, never cleared, overshoots to about 3, swings back to about 1 and keeps swinging around the dashed line at 2."
good, forgot = walk_samples(), walk_samples(clear=False)
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
# slopes, rushes past 2 and swings back and forth.* And the learning rate?
#
# **Predict before you run:** the same walk with a tenth of the rate, with twelve times the rate, and with
# twenty-five times. Where do they stand after 60 steps?

# %%
print(f"never cleared: between {min(forgot):.2f} and {max(forgot):.2f}")
for lr in (0.001, 0.01, 0.12, 0.25):
    w_end = walk_samples(lr)[-1]
    print(f"lr {lr:<5}  w = {w_end:8.4g}   x = 4 gives {4 * w_end:9.4g}")
assert abs(4 * good[-1] - 8) < 0.01 and abs(w_end) > 1000

# %% [markdown]
# 0.001 is still on its way, 0.01 and 0.12 answer 8 (7.99 and 8), and 0.25 has flown off the map. A step on the sample x
# multiplies the distance to 2 by $1 - 2\,\mathrm{lr}\,x^2$, and a round by the product of three such factors: with
# 0.25, $0.5 \cdot (-1) \cdot (-3.5) = 1.75$, and every round carries you farther away.
#
# Only `backward()` itself is still a black box.

# %% [markdown]
# ## An engine of your own
#
# You have walked PyTorch's graph. Now build one. A node is a number that knows what it was made from: it keeps
# pairs of *input* and *local derivative*. That is all a graph has to hold. Wire one node by hand, `six = two · three`:
# if `two` moves by a little, the product moves by three times as much, so the edge to `two` carries a 3.

# %%
class Value:
    """A number that keeps what it was made from: pairs (input, local derivative)."""

    def __init__(self, data, inputs=()):
        self.data = float(data)
        self.inputs = tuple(inputs)
        self.grad = 0.0


two, three = Value(2), Value(3)
six = Value(two.data * three.data, [(two, 3.0), (three, 2.0)])
print(six.data, [(node.data, slope) for node, slope in six.inputs])

# %% [markdown]
# The way back fits in one sentence: *the root, which is the last result, gets 1; every node hands each input its own grad times the number on the edge*.
# There is one trap, and it needs a graph in which paths meet again:

# %%
a = torch.tensor(2.0, requires_grad=True)
b = a * a
s = b + a
d = b * s
d.backward()
print("what torch says for the slope of d at a:", a.grad.item())
assert a.grad == 44

# %% [markdown]
# Here b = 4 and s = 6, so `d` hands 6 to `b` and 4 to `s`. If `b` goes first, `a` gets 6 · 2a = 24. Then `s` hands 4 to `a`, which makes 28, and 4 to `b`, which
# has had its turn: 4 · 2a = 16 is lost. If `s` goes first, `b` holds 6 + 4 = 10, and `a` gets 10 · 2a + 4 = 44. **A
# node may pass on its grad only when every node that uses it has added its share.** So you want
# an order in which each node comes after all its users: a *topological order*. To get one, go down from the
# root and put a node on a list only when everything below it is on the list already. Read backward, that
# list has every user before its inputs.
#
# One tool, for the check: `grow` combines random earlier results, over and over, so paths meet everywhere. It works for
# any number that knows `+`, `*` and `tanh`, torch's included.

# %% within="0.0001"
def grow(leaves, seed, steps=20):
    """A random expression over ``leaves``, of +, * and tanh."""
    rng, pool = random.Random(seed), list(leaves)
    for _ in range(steps):
        a, b = rng.choice(pool), rng.choice(pool)
        pool.append(rng.choice([a + b, a * b.tanh(), (a + b).tanh()]))
    while len(pool) > 1:
        pool = [*pool[2:], pool[0] + pool[1]]
    return pool[0]


leaves = [torch.tensor(v, requires_grad=True) for v in (0.5, -1.2, 2.0)]
grow(leaves, seed=1).backward()
print("slopes of one random expression:", [round(v.grad.item(), 4) for v in leaves])

# %% [markdown]
# ### Exercise autograd-3 · difficulty 3 · 15 minutes
# Write the engine: `MyValue`, a `Value` with `+`, `*`, `tanh` and `backward`.
#
# - `a + b`, `a * b` and `a.tanh()` return a new `MyValue` that holds the result **and** its pairs (input, local
#   derivative), in that order. They leave every `.grad` alone. Both operands are always `MyValue`s.
# - `root.backward()` sets `root.grad` to 1 and goes through the nodes below it, users before inputs. Each adds *own
#   grad × local derivative* to the `.grad` of its inputs.
# - As in PyTorch, leaves (nodes without inputs) pile up from call to call. A node that *has* inputs starts from 0 in
#   every call, or a second call would pass on the slopes of the first one again.
#
# <details><summary>Hint 1</summary>The constructor takes everything: <code>MyValue(result, [(self, …), (other, …)])</code>. In a product, if one factor moves by 1, the product moves by the other factor.</details>
# <details><summary>Hint 2</summary>In <code>backward</code>, three steps: (1) a function <code>visit(node)</code> that first visits all inputs not on the list yet, then appends the node; (2) set the grads to start from; (3) <code>for node in reversed(order): for below, slope in node.inputs: below.grad += …</code></details>

# %% tags=["exercise"] id="autograd-3" objective="engine"
class MyValue(Value):
    """A Value with +, *, tanh and backward."""

    def __add__(self, other: "MyValue") -> "MyValue":
        ### BEGIN SOLUTION
        return MyValue(self.data + other.data, [(self, 1.0), (other, 1.0)])
        ### END SOLUTION

    def __mul__(self, other: "MyValue") -> "MyValue":
        ### BEGIN SOLUTION
        return MyValue(self.data * other.data, [(self, other.data), (other, self.data)])
        ### END SOLUTION

    def tanh(self) -> "MyValue":
        ### BEGIN SOLUTION
        t = math.tanh(self.data)
        return MyValue(t, [(self, 1 - t**2)])
        ### END SOLUTION

    def backward(self) -> None:
        ### BEGIN SOLUTION
        order = []

        def visit(node):
            if node not in order:
                for below, _ in node.inputs:
                    visit(below)
                order.append(node)

        visit(self)
        for node in order:
            if node.inputs:
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for below, slope in node.inputs:
                below.grad += slope * node.grad
        ### END SOLUTION

# %% tags=["check"]
with check("autograd-3") as c:
    for p, q in ((3.0, 4.0), (-0.5, 2.0)):
        (m, n), t, slope = (MyValue(p), MyValue(q)), 1 - math.tanh(p) ** 2, 4 * p**3 + 3 * p**2
        made = c.attempted((m + n, m * n, m.tanh(), m * m, m + m))
        c.true({*map(type, made)} == {MyValue}, observed=made, expected="MyValue", likely="the next + is lost")
        c.close([v.data for v in made] + [m.grad, n.grad], [p + q, p * q, math.tanh(p), p * p, p + p, 0, 0])
        edges = [[sum(slope for node, slope in v.inputs if node is leaf) for v in made] for leaf in (m, n)]
        wrong = {"each factor got its own": (p, 2 * p, 2, q), "two edges lead to m: one is lost": (q, p, 1, p)}
        c.close(edges, [[1, q, t, 2 * p, 2], [1, p, 0, 0, 0]], because="(input, slope): 1, other factor, 1 − tanh²",
                mistakes=[([[1, x, t, y, z], [1, v, 0, 0, 0]], why) for why, (x, y, z, v) in wrong.items()])
        (d := (b := m * m) * (b + m)).backward()
        push = {0: "the root's grad is 1; users first", p**3: "add to .grad, do not assign: paths meet",
                2 * p**3 + 3 * p**2: "b passed on before s had added", 6 * p**3 + 5 * p**2: "b passed on twice"}
        c.close([d.grad, m.grad], [1, slope], mistakes=[([g, x], why) for x, why in push.items() for g in (0, 1)])
        again = {slope: "leaves pile up", slope + 10 * p**3 + 6 * p**2: "nodes with inputs start from 0 in every call"}
        c.close([d.backward(), m.grad][1], 2 * slope, because="called twice: twice the slope", mistakes=again)
    for seed, start in enumerate(((0.5, -1.2), (0.3, 0.9, -2.0, 1.4)) * 10):
        ours, leaf = [*map(MyValue, start)], torch.tensor(start, dtype=torch.float64, requires_grad=True)
        grow([v * v for v in ours], seed).backward()
        theirs = torch.autograd.grad(grow(leaf * leaf, seed), leaf)[0]
        c.close([v.grad for v in ours], theirs, rtol=1e-9, because="torch says the same of 20 random expressions")

# %% [markdown] tags=["solution"]
# Three lines of calculus, and the order is the whole art. The search appends a node after everything below it, so the
# reversed list has every user before its inputs. `m * m` needs no special case: the same input stands there twice,
# and both edges are added, 6 = 2m. (Handing slopes down along every single path gives the same numbers, too. But the number
# of paths doubles with every `a + a`: after 30 of them there are a billion.) For long chains a `set` of the nodes seen
# is faster than `node not in order`.

# %% [markdown] tags=["instructor"]
# **Watch for** dictionaries `{self: …, other: …}` in place of pairs: for `m * m` the second entry overwrites
# the first. It is the best bug of the lesson; let it happen. And for recursive "hand down now" solutions: right on
# trees, wrong on diamonds. Let the group trace `d = b * (b + a)` with four people holding papers: nobody passes on a sum
# before every user has added a share. **Timing:** 15 minutes with hints; `+`, `*` and `tanh` take five of them.

# %% [markdown]
# ### An engine with more operations
#
# The lesson goes on with an engine like yours that knows more operations. First the way back, as PyTorch does it: count
# how many users each node has, and let a node pass on its grad when its last user is done.

# %%
def run_back(root):
    """Add to the leaves' ``.grad``; a node passes on after its last user."""
    users, stack, seen = {}, [root], {root}
    while stack:
        node = stack.pop()
        node.grad = 0.0 if node.inputs else node.grad
        for below, _ in node.inputs:
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
# Then a *table of rules*, one line per operation: its value and its local derivatives. To teach the engine a new
# operation, you add a line. (`__radd__` and its like are for a plain number on the left, as in `0.5 + a`.)

# %%
def method(rule):
    """A method that applies ``rule`` and records its local derivatives."""

    def apply(self, *others):
        nodes = (self, *[n if isinstance(n, Value) else Scalar(n) for n in others])
        data, slopes = rule(*[node.data for node in nodes])
        return Scalar(data, zip(nodes, slopes, strict=True))

    return apply


class Scalar(Value):
    """A number that you calculate with as usual, and then ask for its slopes."""

    __add__ = __radd__ = method(lambda a, b: (a + b, (1.0, 1.0)))
    __mul__ = __rmul__ = method(lambda a, b: (a * b, (b, a)))
    __sub__ = method(lambda a, b: (a - b, (1.0, -1.0)))
    __rsub__ = method(lambda a, b: (b - a, (-1.0, 1.0)))
    __neg__ = method(lambda a: (-a, (-1.0,)))
    log = method(lambda a: (math.log(a), (1 / a,)))
    tanh = method(lambda a: (t := math.tanh(a), (1 - t**2,)))
    sigmoid = method(lambda a: (s := 1 / (1 + math.exp(-a)), (s * (1 - s),)))
    backward = run_back

# %% [markdown]
# Now the number of this lesson:

# %%
w, b = Scalar(2.2), Scalar(0.0)
loss = -(w * 1.1 + b).sigmoid().log()
loss.backward()
print(f"loss {loss.data:.4f}   w.grad {w.grad:.4f}   b.grad {b.grad:.4f}")
assert math.isclose(w.grad, true_slope)

# %% [markdown]
# −0.0898 again. What PyTorch adds to this is tensors, hundreds of rules, and speed.

# %% [markdown]
# ## The build: a network from single numbers
#
# Four samples: the target is +1 where both inputs have the same sign, and −1 where they differ. First a *single* neuron,
# $\tanh(w_1 x_1 + w_2 x_2 + b)$, trained with the engine. The loop has the beats you know: loss, backward, step, clear. Here
# the slopes of the four samples pile up, and each round takes one step. The step changes `.data` only, so it is not recorded.

# %%
corners = [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]]
signs = [1.0, -1.0, 1.0, -1.0]
w1, w2, b = Scalar(0.8), Scalar(-0.3), Scalar(0.1)
for turn in range(200):
    total = 0.0
    for (x1, x2), y in zip(corners, signs, strict=True):
        out = (w1 * x1 + w2 * x2 + b).tanh()
        loss = (out - y) * (out - y)
        loss.backward()
        total += loss.data
    for p in (w1, w2, b):
        p.data -= 0.05 * p.grad
        p.grad = 0.0
    if turn in (0, 199):
        print(f"round {turn + 1:3}   sum of the four losses {total:.3f}")
print(f"largest of |w1|, |w2|, |b|: {max(abs(p.data) for p in (w1, w2, b)):.3f}")
assert abs(total - 4) < 0.001

# %% [markdown]
# It ends where it knows nothing: weights near 0, an answer near 0 for everything, a squared error of 1 per sample. Its answer changes sign where $w_1x_1 +
# w_2x_2 + b = 0$, a straight line, and no line
# through the plane has two opposite corners on one side and the other two on the other. *Several* neurons side by side, and one behind them that takes their
# answers, can do it.
#
# ### Exercise autograd-4 · difficulty 3 · 18 minutes
# Build the network out of `Scalar`s, without torch, and train it. *Called*, below, means a method `__call__(self, x)`: Python runs it for `neuron(x)`.
#
# - `Neuron(n_in, rng)` has `w`, a list of `n_in` Scalars, and `b`, one Scalar, all drawn with `rng.uniform(-1, 1)`.
#   Called with a list of `n_in` numbers or Scalars, it gives tanh(w·x + b).
# - `Layer(n_in, n_out, rng)` has `neurons`, a list. Called, it gives the list of their outputs.
# - `MLP([2, 8, 1], seed=0)` is 2 inputs, 8 neurons, 1 output; `sizes` may be of any length. It has `layers`, a list, made
#   with `rng = random.Random(seed)`. Called with a list of numbers, it gives the Scalar of the last neuron. `parameters()`
#   lists every `w` and `b`.
# - `train(net, X, y)` walks downhill on the squared error for a fixed number of rounds, enough that the loss hardly changes anymore. (Scalars have no `**`: a
#   square is `e * e`.) `X` is a list of lists, `y` a list of targets from −1 to 1, here ±1. You choose
#   learning rate and rounds; a few hundred take seconds, and the limit is a minute. `train` returns a list of floats, each round's loss summed over the samples.
#
# Your gradients are compared with torch's. Then the network is trained on samples that you have not seen, with other
# sizes, and its answer must have the right sign on at least nine in ten new points nearby. First try it in a cell of your own, and look at its border:
#
# ```python
# net = MLP([2, 8, 1], seed=0)
# train(net, corners, signs)
# ticks = [n / 10 for n in range(-20, 21)]
# answers = [[net([x1, x2]).data for x1 in ticks] for x2 in ticks]
# plt.imshow(answers, origin="lower", extent=(-2, 2, -2, 2), cmap="PuOr")
# plt.scatter(*zip(*corners), c=signs, cmap="PuOr", edgecolors="black", s=120)
# ```
#
# <details><summary>Hint 1</summary><code>Neuron</code>, <code>Layer</code> and <code>MLP</code> each need <code>__init__</code> and <code>__call__</code>. <code>zip(sizes, sizes[1:])</code> gives the pairs (n_in, n_out) of the layers. A neuron starts its sum at <code>self.b</code> and adds <code>w * v</code> for each pair of weight and input.</details>
# <details><summary>Hint 2</summary>The loop is above: replace <code>(w1, w2, b)</code> with <code>net.parameters()</code>, and let it run for 200 to 500 rounds at a rate of 0.05 to 0.1. Stuck near one unit of loss per sample? Look for parameters that never move.</details>

# %% tags=["exercise", "build"] id="autograd-4" objective="descend"
class Neuron:
    """Neuron(n_in, rng): ``w``, a list of Scalars, ``b``; called, gives a Scalar."""

    ### BEGIN SOLUTION
    def __init__(self, n_in, rng):
        self.w = [Scalar(rng.uniform(-1, 1)) for _ in range(n_in)]
        self.b = Scalar(rng.uniform(-1, 1))

    def __call__(self, x):
        z = self.b
        for w, v in zip(self.w, x, strict=True):
            z = z + w * v
        return z.tanh()
    ### END SOLUTION


class Layer:
    """Layer(n_in, n_out, rng): ``neurons``; called, gives a list of Scalars."""

    ### BEGIN SOLUTION
    def __init__(self, n_in, n_out, rng):
        self.neurons = [Neuron(n_in, rng) for _ in range(n_out)]

    def __call__(self, x):
        return [neuron(x) for neuron in self.neurons]
    ### END SOLUTION


class MLP:
    """MLP(sizes, seed): ``layers`` and ``parameters()``; called, gives one Scalar."""

    ### BEGIN SOLUTION
    def __init__(self, sizes, seed):
        rng = random.Random(seed)
        self.layers = [Layer(n, m, rng) for n, m in zip(sizes, sizes[1:], strict=False)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x[0]

    def parameters(self):
        neurons = [neuron for layer in self.layers for neuron in layer.neurons]
        return [p for neuron in neurons for p in (*neuron.w, neuron.b)]
    ### END SOLUTION


def train(net: "MLP", X: list[list[float]], y: list[float]) -> list[float]:
    """Train ``net`` in place; return each round's loss, summed over the samples."""
    ### BEGIN SOLUTION
    losses = []
    for _ in range(300):
        losses.append(0.0)
        for x, target in zip(X, y, strict=True):
            error = net(x) - target
            loss = error * error
            loss.backward()
            losses[-1] += loss.data
            for p in net.parameters():
                p.data -= 0.1 * p.grad
                p.grad = 0.0
    return losses
    ### END SOLUTION

# %% tags=["check"]
with check("autograd-4") as c:
    c.attempted(MLP if hasattr(MLP, "parameters") else ...)
    for sizes, n, turned in (([2, 8, 1], 1, ((3, 4), (-4, 3))), ([3, 7, 5, 1], 2, ((2, -1, 2), (2, 2, -1)))):
        points = torch.tensor(corners) + torch.randn(30, 4, 2, generator=torch.manual_seed(n)) / 10
        points = (points @ F.normalize(torch.tensor(turned).float())).flatten(0, 1).tolist()
        X, new, sides = points[: 4 * n], c.held_back(points[20:]), [v * (3 - 2 * n) for v in signs * 30]
        net, h = MLP(sizes, seed=n), torch.tensor(X[1])
        own = [[(*neuron.w, neuron.b) for neuron in layer.neurons] for layer in net.layers]
        twin = [torch.tensor([[p.data for p in one] for one in rows], requires_grad=True) for rows in own]
        [h := torch.tanh(W[:, :-1] @ h + W[:, -1]) for W in twin]
        c.kind(out := net(X[1]), Value); (out * out).backward()
        slopes, flat = torch.autograd.grad(h.sum() ** 2, twin), [p for rows in own for one in rows for p in one]
        c.close([out.data, *[p.grad for p in flat]], torch.cat([h, *map(torch.flatten, slopes)]), because="as in torch")
        c.equal(sorted(map(flat.index, net.parameters())), [*range(len(flat))], because="every w and b, once")
        before, net = sum((net(x).data - v) ** 2 for x, v in zip(X, sides)), MLP(sizes, seed=n)
        with c.untouched(X, sides):
            losses = c.timed(lambda net=net, X=X, y=sides[: 4 * n]: train(net, X, y)); c.kind(losses, list[float])
        c.true(before / 2 < losses[0] < 2 * before, observed=losses[0], expected=f"round 1 sums to about {before:.2f}")
        score, seen = (sum(net(x).data * v > 0 for x, v in zip(xs, sides)) / len(xs) for xs in (new, X))
        c.learned(score, trained=seen, chance=0.5, at_least=0.9, because="right on new points, too")
    one = train(MLP([2, 1], seed=3), [[0.3, 0.2]], [0.0]); late = max(one[len(one) // 2 :])
    c.true(late < one[0] / 9, observed=f"a swing of {late:.3f}", expected="rest", likely="is each grad set back to 0?")

# %% [markdown] tags=["solution"]
# Nothing here knows about derivatives: they come with the `Scalar`s. Starting the sum at `self.b` saves the 0 that `sum()`
# would start from. `parameters()` is what `model.parameters()` will be from lesson 03 on, and `train` has the loop of every
# lesson to come; batches, an optimizer and a graphics card change its speed and not its shape. Whether you step after every
# sample or let four slopes pile up and step once a round makes no difference to the result here.

# %% [markdown] tags=["instructor"]
# **Watch for** parameters that are missing from the list (the biases, or all layers but the last): the network still learns
# a little, and the check counts them. A weight that starts at 0 everywhere never breaks the symmetry. **Spread:** over five seeds
# of data and weights, the stored answer was right on every new point for both sizes, with a last loss of 0.002 to 0.005, in about
# 2 s a seed; so were rates of 0.02 to 0.1 with 200 to 500 rounds, a step per sample or per round. A rate of 0.2 with 100 rounds left
# one of ten networks stuck at 75 %.
# **Ask:** how many multiplications does one round cost, and how many would a network with 60,000 weights need?
# **Timing:** 18 minutes; ten for the three classes.

# %% [markdown]
# ## What you have met
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `torch.tensor(…, requires_grad=True)`, `t.requires_grad_()` | marks a leaf whose slope you will want | same shape |
# | `t.grad_fn`, `.next_functions`, `t.is_leaf` | the tensor's node, its inputs' nodes, `True` if no recorded operation made it | – |
# | `loss.backward()` | **adds** the slopes to `.grad` of every marked leaf | () → `.grad` like each leaf |
# | `t.retain_grad()` | keeps `.grad` for a tensor that is no leaf | same shape |
# | `w.grad = None` | clears the pile | – |
# | `with torch.no_grad():` | nothing is recorded in this block (updates) | – |
#
# Three sentences to keep: local derivatives multiply along a path and add up where paths meet. `.grad` is a
# pile. A step goes against the slope, and how long it may be depends on the data.
#
# Next you fit a line, with the loop you have now written yourself, and watch it turn piece by piece into `nn.Linear`, a
# loss function and an optimizer: the shape of every training program you will ever read.

# %% [markdown] tags=["deeper"]
# ## May `backward` be called twice?
#
# The first of this lesson's *margin questions*: questions that readers of this material have left in the margins
# of their notes. On the path every call had a *fresh* graph. Now call it twice on **one**
# graph. Watch the last sentence of the message.

# %%
w = torch.tensor(2.2, requires_grad=True)
loss = neuron_loss(w)
loss.backward()
with expect_error(RuntimeError):
    loss.backward()

# %% [markdown]
# The graph keeps the numbers it needs for the way back: the factor `x` for a product, the output for a sigmoid.
# After one pass they are freed, because in a real network these saved numbers often fill more memory than the
# weights. To be asked twice, a graph has to be told so in advance: `retain_graph=True`.

# %%
w = torch.tensor(2.2, requires_grad=True)
loss = neuron_loss(w)
loss.backward(retain_graph=True)
loss.backward()
print(f"two passes over one graph: {w.grad.item():.4f}, which is twice −0.08983")
assert round(w.grad.item(), 4) == -0.1797

# %% [markdown]
# So the answer is yes: on a fresh graph always, and on the same graph if the earlier call kept it. In both cases
# the results add up.
#
# There is a second way to ask, which never piles up: `torch.autograd.grad` **returns** the slopes and leaves
# every `.grad` alone. Use `backward()` to train (the optimizer looks for `.grad`), use `grad` when you want
# the numbers themselves.

# %%
b = torch.tensor(0.0, requires_grad=True)
dw, db = torch.autograd.grad(neuron_loss(w, b), (w, b))
print(f"returned: {dw.item():.4f} and {db.item():.4f}")
print(f"w.grad still {w.grad.item():.4f}   b.grad {b.grad}")

# %% [markdown]
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
# to be recorded: `create_graph=True`. By hand: the slope was $(p-1)\,x$, and $p$ changes with $w$
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

# %% [markdown] tags=["deeper"]
# ## Three ways to look away
#
# `torch.no_grad()` switches the recording off for a step downhill. Many try `w = w - 0.1 * w.grad` instead. The first step goes
# through. Then look at the second (torch also warns about the `.grad` of a tensor that is no leaf; silenced here to keep the
# page short):

# %%
w = torch.tensor(2.2, requires_grad=True)
neuron_loss(w).backward()
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
    marks = f"requires_grad={t.requires_grad}   is_inference()={t.is_inference()!s:5}"
    print(f"{name:15} {marks}  {t.item():.1f}")

# %% [markdown]
# All three have no graph behind them. `no_grad` is for updates. `inference_mode` is for prediction: it also drops
# the bookkeeping (the counter below) that a graph relies on when it *keeps* a tensor for the way back.
#
# **Predict before you run:** may such a tensor take part in a graph again, in a sum and in a product?

# %%
total = fastest + w
(slope,) = torch.autograd.grad(total, w)
print(f"sum {total.item():.1f}, slope for w {slope.item():.1f}")
with expect_error(RuntimeError):
    fastest * w

# %% [markdown]
# In a sum, yes: the local derivative is 1, whatever the value, so nothing has to be kept. In a product, no: the slope for
# `w` *is* the other factor, and *inference tensors cannot be saved for backward*. If you need one there, the message says
# how: `fastest.clone()`.
#
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
# them: change them in place while the graph still needs them, and you are stopped.

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

# %% [markdown] tags=["deeper"]
# ## How well can a slope be measured?
#
# Two things went wrong with the limit at the start of the lesson: a large step was bent by the curve, a small one drowned in rounding. Each has its cure. Against
# the bend, step to both sides, $\frac{f(w+h)-f(w-h)}{2h}$: the bend shifts both values the same way and drops out of the difference, and the error left shrinks like
# $h^2$, not like $h$; so you can afford a longer step, where rounding hurts less. Against rounding, calculate in 64 bits. Here is the error for every step size,
# with the one-sided formula for comparison.

# %% alt="Curves on logarithmic axes: the step h on the horizontal axis, the error of the measured slope on the vertical axis. All are V-shaped. The 32-bit curve has its lowest point near h = 0.01 with an error of a few millionths, and is flat at about 0.09 for the three smallest steps; the 64-bit curve goes down to less than one ten-billionth near h = 0.00001. A dashed curve for one-sided steps in 64 bits is above the 64-bit one on the right, and falls less steeply."
steps = [10.0**-k for k in range(1, 10)]
smallest = []
for dtype, name in ((torch.float32, "32-bit floats"), (torch.float64, "64-bit floats")):
    at = torch.tensor(2.2, dtype=dtype)
    slopes = [(neuron_loss(at + h) - neuron_loss(at - h)).item() / (2 * h) for h in steps]
    errors = [abs(slope - true_slope) for slope in slopes]
    smallest.append(min(errors))
    plt.loglog(steps, errors, "o-", label=name)
one_sided = [abs(((neuron_loss(at + h) - neuron_loss(at)) / h).item() - true_slope) for h in steps]
plt.loglog(steps, one_sided, "o--", label="64-bit floats, one side")
plt.xlabel("step h")
plt.ylabel("error of the slope")
plt.title("Too large a step bends, too small a step drowns")
plt.legend()
plt.show()
assert smallest[0] > 10_000 * smallest[1]

# %% [markdown]
# *Each point is the error of one measured slope. On the right the bend rules: a step ten times larger has a hundred times the error, or ten times with one side
# only. On the left rounding rules. In 32 bits the best step is near 0.01; in 64 bits a step near 0.00001
# leaves an error more than ten thousand times smaller.* The flat piece at the upper left is the drowned one:
# the measured slope is 0, so its error is the whole 0.0898.
#
# Measuring is slow and crude, but it shares no line with the code that it checks. That makes it the judge of all
# gradient code.
#
# ### Exercise autograd-5 · difficulty 2 · 5 minutes
# Write `numerical_gradient(f, w, h)`: the gradient of `f` at a vector `w`, measured. For every element `i`,
# move **only** that element up and down by `h` and divide the difference of the two losses by `2h`. Use no
# autograd. Return a tensor with the shape and dtype of `w`, and leave `w` itself unchanged.
#
# <details><summary>Hint 1</summary>Make a copy of <code>w</code> for each direction: <code>w.clone()</code>. Then change element <code>i</code> of the copy.</details>
# <details><summary>Hint 2</summary><code>up, down = w.clone(), w.clone()</code>, then <code>up[i] += h</code>, <code>down[i] -= h</code>; collect the quotients and <code>torch.stack</code> them, or fill a <code>torch.zeros_like(w)</code>.</details>

# %% tags=["exercise"] id="autograd-5" objective="distrust"
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
with check("autograd-5") as c:
    for at, h in ((torch.tensor([1.0, 2, 3], dtype=torch.float64), 0.1), (torch.tensor([0.5, -2]), 0.5)):
        with c.untouched(at):
            got = c.attempted(numerical_gradient(lambda w: (w**3).sum(), at, h=h))
        c.true(torch.is_tensor(got) and got.dtype == at.dtype, observed=got, expected="a tensor with the dtype of w",
               likely="stack a list; same dtype as w")
        two, bend = 3 * at**2 + h**2, 3 * at * h
        wrong = [(two + bend, "one-sided: step down as well"), (two - bend, "one-sided: step up as well"),
                 (2 * two, "divide by 2h, not h"), (two * h**2, "/ 2 * h multiplies by h: write / (2 * h)"),
                 (two.sum().repeat(len(at)), "all elements moved at once"), (3 * at**2, "exact: measure it"),
                 (0 * two, "up and down are one tensor: clone both"), (two.cumsum(0), "a new clone for each element")]
        c.close(got, two, because="3w² + h²: with steps to both sides, w³ leaves the error h²", mistakes=wrong)
    at = torch.tensor([2.0, 3, 5, 7], dtype=torch.float64)
    c.close(numerical_gradient(lambda w: w.prod(), at), at.prod() / at, because="d(abcd)/da = bcd")
    c.close(numerical_gradient(lambda w: ((1e4 * w) ** 3).sum(), 0 * at), 0 * at + 100, because="the default h is 1e-5")

# %% [markdown] tags=["solution"]
# Each element costs two evaluations of `f`, so a million weights cost two million. That is why nobody trains
# this way and everybody tests this way. The check uses large steps on purpose: for $f = w^3$,
# $\frac{(w+h)^3-(w-h)^3}{2h} = 3w^2 + h^2$, so two-sided, one-sided and exact answers can be told apart.

# %% [markdown] tags=["instructor"]
# **Watch for** `up = w` (no clone): both copies are the caller's tensor, and the quotient is 0 or nonsense.
# **Ask the room** how many evaluations a network with 60,000 weights needs (120,000), then how many
# `backward()` needs (one). **Timing:** 5 minutes; those who finish early vectorize it with
# `torch.eye(n) * h`.

# %% [markdown] tags=["deeper"]
# ## What `v` means in `backward(v)`
#
# On the path every loss was one number. Call `backward()` on a vector, and:

# %%
a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = a**2
with expect_error(RuntimeError):
    y.backward()

# %% [markdown]
# Three outputs, three inputs: that is a table of nine slopes, the **Jacobian**, with one row for each output.
# `backward` will not give you the table. It gives you one weighted sum of its rows, and wants to hear the
# weights: `v`. Old tutorials pass `[0.1, 1.0, 0.0001]` here, and readers took from it that "the numbers
# should be small". Measure instead of believing. (`torch.autograd.grad(y, a, grad_outputs=v)` asks the same question as `y.backward(v)`, but *returns* the slopes,
# in a tuple, and leaves `a.grad` alone.)

# %%
(a**2).backward(torch.tensor([0.1, 1.0, 0.0001]))
print("a.grad:", [round(g, 4) for g in a.grad.tolist()])
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
# ### Exercise autograd-6 · difficulty 2 · 6 minutes
# Which `v` gives you a single row of the Jacobian? Use it to write `jacobian_by_rows(f, at)`: the whole
# table as one tensor, one vector–Jacobian product per output, without `torch.func`. The outputs may be more or
# fewer than the inputs. `at` comes without `requires_grad`, and must be left so.
#
# <details><summary>Hint 1</summary>A <code>v</code> that is 1 at output i and 0 elsewhere picks row i. All of them together are the rows of <code>torch.eye(m)</code>.</details>
# <details><summary>Hint 2</summary>Make your own leaf: <code>at.clone().requires_grad_()</code>. Calculate <code>y = f(leaf)</code> once, then <code>torch.autograd.grad(y, leaf, v, retain_graph=True)[0]</code> per row, and <code>torch.stack</code>. If you read <i>a second time</i>: the flag is missing. <i>Mismatch in shape</i>: <code>v</code> has one element per output. <i>got tuple</i>: <code>grad</code> returns a tuple, take <code>[0]</code>.</details>

# %% tags=["exercise"] id="autograd-6" objective="distrust"
def jacobian_by_rows(f, at: torch.Tensor) -> torch.Tensor:
    """Return the Jacobian of ``f`` at ``at``; element (i, j) is d f_i / d at_j.

    f: takes shape (n,), returns shape (m,).  at: (n,), float32.  Returns: (m, n).
    """
    ### BEGIN SOLUTION
    leaf = at.clone().requires_grad_()
    y = f(leaf)
    rows = [torch.autograd.grad(y, leaf, v, retain_graph=True)[0] for v in torch.eye(len(y))]
    return torch.stack(rows)
    ### END SOLUTION

# %% tags=["check"]
with check("autograd-6") as c:
    tall, flat = lambda a: torch.cat((pair(a), a[:2] ** 3)), lambda a: torch.stack([a.prod(), (a**2).sum()])
    for f, spot in ((tall, torch.tensor([1.0, 2, 3])), (flat, torch.tensor([0.5, -1, 2, 4, 3]))):
        seen, J = [], jacrev(f)(spot)
        with c.untouched(spot):
            table = c.attempted(jacobian_by_rows(lambda a, f=f, seen=seen: seen.append(str(a)) or f(a), spot))
        c.true(torch.is_tensor(table), observed=table, expected="a tensor of shape (m, n)",
               likely="these are the rows: torch.stack them")
        wrong = [(J.T, "transposed: outputs go down, inputs go across"), (J.cumsum(0), "the rows piled up in .grad"),
                 (J.sum(0), "v = ones sums the rows"), (J[:2], "hard-coded size: one row per output"),
                 (J.sum(0).repeat(len(J), 1), "all rows are one object, .grad: append a clone, and clear")]
        c.close(table, J, because="row i is what v = e_i asks for, for 4 × 3 and for 2 × 5 slopes", mistakes=wrong)
        c.true(not (spot.requires_grad or table.requires_grad or "Tracking" in str(seen)), expected="neither",
               observed="at or the table marked, or torch.func", likely="mark a clone; autograd.grad")

# %% [markdown] tags=["solution"]
# With `backward` it works too, but then you must clear `.grad` and clone it between rows. `grad` returns a
# fresh tensor, which takes both traps away. One pass per **output**: for a scalar loss that is one pass,
# however many weights there are.

# %% [markdown] tags=["instructor"]
# **Watch for** `rows.append(leaf.grad)` followed by `leaf.grad.zero_()`: all rows end up as the same tensor.
# It is lesson 01's shared memory in new clothes. **For the room:** how many passes for 1,000 outputs and 1
# input, and could there be a cheaper direction? The next section answers.

# %% [markdown] tags=["deeper"]
# ## Whole tables: Jacobian and Hessian
#
# The *Jacobian* of a function is the table of all its slopes, one row for each output, one column for each input. The library
# builds it for you, in two directions. `jacrev` goes backward, one pass per output.
# `jacfwd` goes forward, one pass per input, alongside the calculation itself.
#
# The first forward-mode call makes torch 2.15 warn about *its own* inner code (the retired `torch.jit.script`).
# There is nothing for you to fix, so the first line keeps that one message quiet.

# %%
warnings.filterwarnings("ignore", message="`torch.jit.script`", category=FutureWarning)
at = torch.tensor([1.0, 2.0, 3.0])


def two_of(a):
    """(3,) → (2,): two outputs that share an input."""
    return torch.stack([a[0] * a[1], a[1] + a[2] ** 2])


print("jacrev\n", jacrev(two_of)(at))
apart = (jacrev(two_of)(at) - jacfwd(two_of)(at)).abs().max().item()
print("largest difference from jacfwd:", apart)

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
# One walk through the two matrix products costs 2 · (2 · 100 · 100) = 40,000. `jacrev` of 100 → 1 is one walk forward and one back; `jacfwd` sends a hundred walks
# through, and those are the four million. For 1 → 100 it is the other way round. The wrong direction costs dozens of times as much. Training is the first kind:
# millions of
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
# numbers, which is why training lives on gradients alone. For two weights a Hessian is cheap, and the landscape in
# a later side door uses one.

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
# no new table is ever made. Backpropagation is that order of multiplying, **plus** the graph of saved values,
# **plus** adding up where paths meet. Direction alone is only the first of the three.

# %% [markdown]
# ### Margin question: why is a stack of linear layers one linear layer?
#
# Because a product of matrices is a matrix. The *biases*, constants added after each matrix, change no slope: they pass through the later matrices and come out as
# one constant. Autograd can show it. A function is flat (a
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
    first, second = (jacrev(stack)(at, W1, W2, W3, bend) for at in (here, there))
    apart, off = (first - second).abs().max().item(), (first - one_layer).abs().max().item()
    print(f"{name:12} here − there: {apart:7.4f}   here − one_layer: {off:7.4f}")
print("numbers:", W1.numel() + W2.numel() + W3.numel(), "against", one_layer.numel())

# %% [markdown]
# Without bends, depth buys no new function: the largest differences are 0, so the slopes are those of `one_layer`, here and
# there, with 6 numbers in place of 43. With tanh, they are not. The nonlinearity between the layers is what makes depth worth having.

# %% [markdown] tags=["deeper"]
# ## Your own operation, and how to distrust it
#
# Sometimes you know a derivative better than autograd can: it is cheaper, or safer, or the operation comes
# from outside. Then you write the node yourself, as a `torch.autograd.Function` with three static
# methods. `forward` calculates. `setup_context` packs: `ctx` is the node being written, and
# `ctx.save_for_backward` keeps tensors in it for the way back. `backward` gets the same `ctx` and the slope from
# above, and returns that slope times the local derivative, one result per input.
# You call none of them: `Cube.apply` runs `forward` *and* hangs the node into the graph.
#
# Here is a cube. It contains a mistake.

# %%
class Cube(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        (x,) = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 2 * x**2


t = torch.tensor([1.0, 2.0], requires_grad=True)
Cube.apply(t).sum().backward()
print("values", Cube.apply(t).tolist(), "  slopes", t.grad.tolist())

# %% [markdown]
# The values are right, nothing complains, and the slopes are wrong. So do what you did at the start of the lesson: measure.
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
print("with torch.func: ", jacrev(RightCube.apply)(t.detach()).tolist())

# %% [markdown]
# Because packing has its own method, `jacrev` and `grad` of `torch.func` can take the operation, too. (Forward mode, in `jacfwd` and `hessian`, also needs
# `generate_vmap_rule = True` and a static method `jvp` in the class.) On the web you will mostly meet the older
# spelling, where `forward` gets `ctx` and packs. It still runs backward, and `torch.func` refuses it:

# %%
class OldCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x**2


OldCube.apply(single := torch.tensor([1.0, 2.0], requires_grad=True)).sum().backward()
print("slopes", single.grad.tolist())
with expect_error(RuntimeError):
    jacrev(OldCube.apply)(t.detach())

# %% [markdown]
# One condition: `gradcheck` takes steps of a millionth, and a 32-bit float has hardly any room for them.
# **Predict before you run:** will it refuse a *correct* gradient, sigmoid's, in 32 bits?

# %% within="0.05"
for dtype in (torch.float32, torch.float64):
    at = torch.tensor([1.0, 2.0], dtype=dtype, requires_grad=True)
    steps = (torch.sigmoid(at + 1e-6) - torch.sigmoid(at - 1e-6)) / 2e-6
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fine = torch.autograd.gradcheck(torch.sigmoid, at, raise_exception=False)
    print(dtype, "measured", [round(v, 3) for v in steps.tolist()], "passes:", fine)
s = torch.sigmoid(at)
print("true slopes           ", [round(v, 3) for v in (s * (1 - s)).tolist()])

# %% [markdown]
# It does: the measurement was at fault, not the gradient. PyTorch warns about it too (silenced above to keep the
# page short): *not a double precision floating point … This check will likely fail*. Always hand `gradcheck`
# doubles.
#
# ### Exercise autograd-7 · difficulty 2 · 7 minutes
# Write the operation `Softplus`: $\log(1 + e^x)$, a smooth version of $\max(0, x)$. Its derivative is the
# sigmoid of $x$. Your backward must pass `gradcheck`. (Above x = 88 this formula overflows in 32 bits. Leave that
# to the library's `F.softplus`; your values may be infinite there.)
#
# <details><summary>Hint 1</summary>In <code>forward</code>, return <code>torch.log1p(torch.exp(x))</code>; in <code>setup_context</code>, save <code>inputs[0]</code>.</details>
# <details><summary>Hint 2</summary>In <code>backward</code>: take <code>x</code> out of <code>ctx.saved_tensors</code>, which is a tuple even for one tensor: <code>(x,) = ctx.saved_tensors</code>. Return the slope from above times <code>torch.sigmoid(x)</code>. If you read <i>not enough values to unpack</i>, nothing was saved; <i>not tuple</i>, the comma is missing.</details>

# %% tags=["exercise"] id="autograd-7" objective="distrust"
class Softplus(torch.autograd.Function):
    """log(1 + exp(x)), element by element; any shape in, the same shape out."""

    @staticmethod
    def forward(x: torch.Tensor) -> torch.Tensor:
        ### BEGIN SOLUTION
        return torch.log1p(torch.exp(x))
        ### END SOLUTION

    @staticmethod
    def setup_context(ctx, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        ### BEGIN SOLUTION
        ctx.save_for_backward(inputs[0])
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad_output: torch.Tensor) -> torch.Tensor:
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)
        ### END SOLUTION

# %% tags=["check"]
with check("autograd-7") as c:
    for t in (torch.tensor([-2.0, 0.0, 3.0]).double(), torch.tensor([[0.5, -40.0], [1.5, -0.3]]).double()):
        push = torch.arange(t.numel(), dtype=torch.float64).reshape(t.shape) + 2
        with c.untouched(t.requires_grad_(), push):
            out, sig = c.attempted(Softplus.apply(t)), torch.sigmoid(t.detach())
            c.close(out, F.softplus(t), because="log(1 + e^x)", mistakes=[(sig, "the sigmoid belongs in backward")])
            got = torch.autograd.grad(out, t, push, retain_graph=True)[0]
        wrong = [(sig, "the slope from above is lost: multiply by grad_output"),
                 (push * out, "that is the value, not the slope"),
                 (push * torch.sigmoid(out), "the sigmoid of x: the result was saved, not x"),
                 (push * sig * (1 - sig), "that is the slope of sigmoid; softplus has the slope sigmoid")]
        c.close(got, push * sig, because="slope from above · sigmoid(x)", mistakes=wrong)
        c.true(torch.autograd.gradcheck(Softplus.apply, t, raise_exception=False), observed="no",
               expected="gradcheck passes")

# %% [markdown] tags=["solution"]
# `backward` answers for one box only; `grad_output` is what it knows about the rest of the world. Forget it
# and the box works as long as it is the last one before a plain sum, which is how such bugs survive their
# first test. (`F.softplus` avoids the overflow by switching to x itself above 20.)

# %% [markdown] tags=["instructor"]
# **Watch for** `return torch.sigmoid(x)` without `grad_output`: with `.sum().backward()` it gives the right
# numbers, because the slope from above is 1. That is why the check hands in other slopes. **Timing:** 7 minutes.
# **Ask:** could backward use the output instead of the input? (Yes: sigmoid(x) = 1 − exp(−softplus(x)).)

# %% [markdown] tags=["deeper"]
# ## Three walks on one landscape
#
# Give the model a bias, $\hat y = wx + b$, and use the mean loss over all three points. Now the loss is a
# landscape over the $(w, b)$ plane: every pair has a height. `torch.func.hessian` gives its second derivatives, how the slopes
# themselves change.

# %%
X, Y = torch.tensor(xs), torch.tensor(ys)


def mse(wb, X, Y):
    """Mean squared error of the line wb = (w, b)."""
    return ((wb[0] * X + wb[1] - Y) ** 2).mean()


H = hessian(mse)(torch.zeros(2), X, Y)
curvatures = torch.linalg.eigvalsh(H)
print(H)
print("curvatures:", [round(k, 3) for k in curvatures.tolist()])
print("the same at (5, −7):", torch.allclose(hessian(mse)(torch.tensor([5.0, -7.0]), X, Y), H))

# %% [markdown]
# A loss made of the squared errors of a straight line has the same Hessian everywhere: the landscape is one long bowl.
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
        (slope,) = torch.autograd.grad(f(wb, *data), wb)  # returns the slope, fills no .grad
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
# Clearly below the limit, it arrives. Just below the limit, with 0.18, it only dawdles: each step keeps more than
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
# *Blue lines join points of equal loss, lower the nearer they are to the star: a long, narrow bowl. All three walks start at the hollow circle, w = −0.4 and b =
# 0.6; the star marks the bottom. After 100 steps 0.001 has
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
# sets the limit, the flat direction sets the waiting time. Momentum, alone or inside Adam (lesson 03), shortens that wait.

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
# what recipes mean by "normalize" or "standardize" (there you also subtract the mean, as `standardize` did in lesson 01).

# %% [markdown] tags=["deeper"]
# ## Old code you will meet
#
# Many pages about PyTorch were written before 2018, when a *tensor* and a *Variable* were two things. Read the first column,
# write the second.
#
# | you meet | write today | why it changed |
# |---|---|---|
# | `Variable(torch.Tensor([1.0]), requires_grad=True)` | `torch.tensor([1.0], requires_grad=True)` | tensors carry their own graph since 0.4; `Variable` returns a tensor |
# | `Variable(x, volatile=True)` | `with torch.inference_mode():` | the mark spread silently to everything; a block has an end |
# | `loss.data[0]` | `loss.item()` | a loss has no dimension to index |
# | `w.data -= lr * w.grad.data` | `with torch.no_grad(): w -= lr * w.grad` | after `backward()` both take the same step; before it, `.data` can spoil the slopes unnoticed: see the experiment below |
# | `w.grad.data.zero_()` | `w.grad = None`, `optimizer.zero_grad()` | frees the memory, and "no gradient" differs from "gradient 0" |
# | `y.backward(torch.FloatTensor([0.1, 1.0, 0.0001]))` | `y.backward(v)` with a `v` that you mean | `v` weighs the outputs |
# | `backward(retain_variables=True)` | `backward(retain_graph=True)` | renamed |
# | `class F(Function)` with `def forward(self, x)` | static `forward(x)`, `setup_context`, `backward`, and `F.apply` | one object per call was error-prone |
# | `@staticmethod def forward(ctx, x)` | `forward(x)` and `setup_context(ctx, inputs, output)` | still runs, but `torch.func` refuses it |
# | `torch.autograd.functional.jacobian(f, x)` | `torch.func.jacrev(f)(x)` | composes: functions in, functions out |
#
# `.data` still runs, and that is the danger. It is `detach()` **without the counter** that watches over shared numbers.
# Overwrite a value that the way back still needs, between forward and backward, through `.data`:

# %%
a = torch.tensor([0.0, 1.0], requires_grad=True)
e = a.exp()
e.data.mul_(10)
e.sum().backward()
for name, slopes in (("silently wrong", a.grad), ("right", a.detach().exp())):
    print(f"{name:15}", [round(slope, 4) for slope in slopes.tolist()])

# %% [markdown]
# Ten times too large, and not a word. With `detach()` in its place, the same lines stop with an error.
#
# ### What the side doors added
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `torch.autograd.grad(y, inputs, v)` | returns the slopes, touches no `.grad` | → a tuple, one like each input |
# | `retain_graph=True` / `create_graph=True` | lets *later* calls use the graph / writes backward itself into a graph | – |
# | `y.backward(v)` | adds `v @ J`; `v` is the gradient of what comes after | (m,), v (m,) → `.grad` (n,) |
# | `torch.inference_mode()` | nothing is recorded, and no later graph may save the result for its way back (for prediction) | – |
# | `t.detach()` | cuts one tensor loose, shares its numbers | same shape |
# | `torch.func.jacrev(f)`, `jacfwd(f)` | functions that give the Jacobian | (n,) → (m, n) |
# | `torch.func.hessian(f)` | a function that gives the second derivatives | (n,) → (n, n) |
# | `torch.autograd.Function` | an operation with your own backward | yours |
# | `torch.autograd.gradcheck(f, inputs)` | backward against two-sided differences, in doubles | → True or an error |
