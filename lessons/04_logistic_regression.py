# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Logistic regression and classification
#     summary: from odds to softmax and cross-entropy, and the accuracies that mean nothing
#     path: "From a line to a probability to classes: which loss, and which number to believe."
#     needs: [03_linear_regression]
#     data: []
#     objectives:
#       probability: go from a logit to odds and a probability and back, and write a binary cross-entropy that cannot overflow
#       surprise: measure entropy, cross-entropy and KL in bits, and say what each bit pays for
#       softmax: calculate softmax and cross-entropy by hand, to the digits that PyTorch prints
#       choose: pick outputs, activation, loss and target for a new task
#       judge: calculate precision, recall and ROC-AUC, move a threshold, and unmask an accuracy that means nothing
# ---

# %% [markdown]
# At the end of this lesson you will meet a fault detector that is right **99 times in 100**. It has never
# found a single fault. Another one, with a clearly *lower* accuracy, finds nearly nine in ten. You will see
# which of the two is better, and why the best buy is a third one.
#
# On the way there, a straight line becomes a probability, a probability gets a price in bits, and three
# spirals that no line can tell apart are sorted out by a network of three layers.

# %%
import copy
import math
import warnings

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn import metrics
from torch import nn
from torch.func import jacrev
from torchmetrics.functional import classification as tm

from utils import accuracy, check, evaluate, expect_error, fit, make_loader, predict
from utils.plotting import CLASS_COLORS, TRAIN, VALID, plot_boundary

plt.style.use("utils.course")

# %% [markdown]
# ## Prepare data
#
# Here are three students. `X` holds hours of study, `y` says who passed. It is the smallest data set in the
# course, and most questions of this lesson are in it.

# %%
X = torch.tensor([[1.0], [2.0], [3.0]])  # (N, 1) hours
y = torch.tensor([[0.0], [0.0], [1.0]])  # (N, 1) 0 = failed, 1 = passed

# %% [markdown]
# You have a tool from lesson 03: the line of least squares. Why not use it, and read its output as a
# probability?

# %%
def line_of(X, y):
    """Least squares for X (N, 1), y (N, 1); returns slope and intercept as floats."""
    A = torch.cat([X, torch.ones_like(X)], dim=1)
    return torch.linalg.lstsq(A, y).solution.ravel().tolist()


slope, intercept = line_of(X, y)
for hours in (0, 2, 4, 10):
    print(f"{hours:2d} hours → 'probability' {slope * hours + intercept:6.3f}")

# %% [markdown]
# A probability of −0.667, and one of 4.333. You could cut them off at 0 and 1. But there is a worse
# problem.
#
# **Predict before you run:** a fourth student studies 20 hours and passes. Nobody is surprised. What does
# the new line say about the *third* student, who also passed? Above 0.5 counts as "pass".

# %%
X4, y4 = torch.cat([X, torch.tensor([[20.0]])]), torch.cat([y, torch.ones(1, 1)])
slope4, intercept4 = line_of(X4, y4)
print(f"student 3 before: {slope * 3 + intercept:.3f}   after: {slope4 * 3 + intercept4:.3f}")

# %% [markdown]
# From 0.833 down to 0.357: a student who did nothing but agree with the rule has turned a right answer into
# a wrong one. Squared error punishes the line for saying *more* than 1, so the line lies down. We need a
# curve that cannot leave the interval from 0 to 1, and a loss that does not punish being very right.

# %% [markdown]
# ## Design model
#
# Keep the line, $z = wx + b$, and let it run from minus to plus infinity. Then squeeze: $\sigma(z) =
# \dfrac{1}{1+e^{-z}}$, the **sigmoid**. The unsqueezed $z$ is called the **logit**.
#
# Read the table with one question: which column grows in equal steps, and which by equal factors?

# %%
z = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0])
p = 1 / (1 + torch.exp(-z))
odds = p / (1 - p)
for row in zip(z, p, odds, odds.log(), strict=True):
    print("z = {:5.1f}   p = {:.4f}   odds = {:.4f}   log odds = {:5.2f}".format(*row))
assert torch.allclose(p, torch.sigmoid(z))
assert torch.allclose(odds[1:] / odds[:-1], torch.tensor(math.e))

# %% [markdown]
# **Odds** are what bettors use: $p/(1-p)$, "for" divided by "against". Odds of 1 are a fair coin. Each step of 1 in the
# logit multiplies the odds by $e \approx 2.718$, and the last column is the first: **the logit is the
# logarithm of the odds.** That is why the method is called logistic *regression*: a line is fitted, and it
# is fitted to log odds.
#
# So a weight has a meaning you can explain to a person. With $w = 0.7$, one more hour multiplies the odds of
# passing by $e^{0.7}$, about two, wherever you start. The probability moves by different amounts:

# %%
w = 0.7
for start in (-4.0, 0.0, 4.0):
    before, after = (torch.sigmoid(torch.tensor(v)).item() for v in (start, start + w))
    factor = after / (1 - after) / (before / (1 - before))
    print(f"p from {before:.3f} to {after:.3f}: odds times {factor:.2f}")

# %% [markdown]
# The odds grow by 2.01 each time. The probability jumps by 0.168 in the middle, and by less than 0.02 at the
# ends.
#
# In PyTorch the model is the one you know, `nn.Linear`. It returns **logits**. The sigmoid is applied when
# a person wants to read the answer; you will soon see why it is not built in.

# %%
torch.manual_seed(0)
model = nn.Linear(1, 1)
logits = model(X)  # (N, 1) → (N, 1)
print("logits       ", [round(v, 3) for v in logits.ravel().tolist()])
print("probabilities", [round(v, 3) for v in torch.sigmoid(logits).ravel().tolist()])

# %% [markdown]
# ### Margin question: `torch.sigmoid`, `nn.Sigmoid` or `F.sigmoid`?
#
# All three, and the method, on the same numbers:

# %%
z = torch.linspace(-5, 5, 11)
module = nn.Sigmoid()
others = (module(z), z.sigmoid(), F.sigmoid(z))
print("same values:", all(torch.equal(torch.sigmoid(z), other) for other in others))
print("parameters in nn.Sigmoid:", sum(1 for _ in module.parameters()))

# %% [markdown]
# One function in four spellings. `torch.sigmoid(z)` is for formulas. `nn.Sigmoid()` is an object without
# parameters that calls it, for places where a *layer* is expected, as in `nn.Sequential`. `F.sigmoid`
# warned for years that it was deprecated; today it runs without a warning. In new code, write
# `torch.sigmoid`.
#
# ### Exercise logistic-1 · difficulty 1 · 4 minutes
# Now the way back. Write `logit_of(p)`: the logit that the sigmoid turns into `p`. It takes a tensor of
# probabilities of any shape, strictly between 0 and 1. Use only `torch.log` and arithmetic.
#
# <details><summary>Hint 1</summary>The table above says what a logit is, in words: the logarithm of the odds.</details>
# <details><summary>Hint 2</summary>Odds are "for" divided by "against": <code>p / (1 - p)</code>.</details>

# %% tags=["exercise"] id="logistic-1" objective="probability"
def logit_of(p: torch.Tensor) -> torch.Tensor:
    """Return z with sigmoid(z) = p.  p: any shape, values in (0, 1).  Returns: the same shape."""
    ### BEGIN SOLUTION
    return torch.log(p / (1 - p))
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-1") as c:
    some = torch.tensor([0.1, 0.5, 0.9])
    wrong = [(some / (1 - some), "these are the odds: their logarithm is missing"),
             (torch.log(some), "log p forgets the probability against"),
             (torch.log(some) / (1 - some), "divide first: the logarithm is taken of the odds"),
             (torch.full((3,), math.nan), "a logarithm of a negative number: against is 1 - p, not p - 1"),
             (torch.sigmoid(some), "that squeezes once more: walk back"),
             (torch.log((1 - some) / some), "for and against are swapped"),
             *((log(some / (1 - some)), "base e, not 2 or 10") for log in (torch.log2, torch.log10))]
    got = c.attempted(logit_of(some))
    c.close(got, torch.tensor([-2.1972, 0.0, 2.1972]), because="0.9 has odds of 9 to 1, and log 9 = 2.1972",
            mistakes=wrong)
    c.close(torch.sigmoid(logit_of(some)), some, because="and the sigmoid leads back")

# %% [markdown] tags=["solution"]
# $p = 1/(1+e^{-z})$ gives $e^{-z} = (1-p)/p$, so $z = \log\frac{p}{1-p}$. PyTorch has it as `torch.logit`. The
# symmetry is worth a look: 0.1 and 0.9 have opposite logits, and 0.5 has logit 0. That is why `logits > 0`
# and `p > 0.5` are the same question.

# %% [markdown] tags=["instructor"]
# **Ask the room** for the odds of 0.99 and 0.999: 99 and 999, so the logit moves by 2.3 while the
# probability moves by less than a hundredth. Confidence is cheap in $p$ and expensive in $z$. **Watch for**
# base-10 logarithms.

# %% [markdown]
# ## Choose loss and optimizer
#
# The optimizer is `SGD`, as in lesson 03. The loss is the heart of this lesson.
#
# ### How likely is what happened?
#
# Your model says 0.2, 0.4, 0.7 for the three students. They failed, failed and passed. What probability did
# the model give to *exactly this*? A fail had probability $1-p$, and independent events multiply.

# %%
p = torch.tensor([[0.2], [0.4], [0.7]])
given = torch.where(y == 1, p, 1 - p)
print("probability given to what happened:", [round(v, 2) for v in given.ravel().tolist()])
print(f"likelihood: {given.prod().item():.4f}")

# %% [markdown]
# 0.8 · 0.6 · 0.7 = 0.336 is the **likelihood**. Better weights make it larger, so training could simply
# make it as large as possible. With three students, that works.
#
# **Predict before you run:** with a thousand students, each given a decent 0.7, what does float32 say the
# product is?

# %%
many = torch.full((1000,), 0.7)
print("product of 1000:", many.prod().item())
print(f"sum of 1000 logs: {many.log().sum().item():.1f}")

# %% [markdown]
# Zero. The true value is about $10^{-155}$, far below what float32 can hold. The logarithm turns the
# product into a sum, and it keeps the order of models: a larger likelihood has a larger logarithm. Put a
# minus in front, because optimizers minimize; take the mean, so that the number does not depend on how many
# students there are. What you have is **binary cross-entropy**:
#
# $$L = -\frac1N\sum_i \big[\, y_i \log p_i + (1-y_i)\log(1-p_i) \,\big]$$
#
# The $y$ and $1-y$ are switches: for each student one of them is 0 and mutes its half.

# %%
by_hand = -(y * p.log() + (1 - y) * (1 - p).log()).mean()
print(f"by formula             {by_hand.item():.4f}")
print(f"from the likelihood    {-given.prod().log().item() / 3:.4f}")
print(f"F.binary_cross_entropy {F.binary_cross_entropy(p, y).item():.4f}")
assert torch.allclose(by_hand, F.binary_cross_entropy(p, y))

# %% [markdown]
# 0.3635 in three ways. Nobody chose this loss for its looks: it is the likelihood, made safe for
# computers.
#
# ### What a wrong certainty costs
#
# Here is the loss of one sample, as a function of the confidence that the model gave to the truth. Look at
# the left edge.

# %% alt="Two curves over the probability that the model gave to the right answer, from 0 to 1. The cross-entropy curve, minus log p, climbs without limit toward the left: 4.6 at p = 0.01, 0.69 at p = 0.5, 0 at p = 1. The squared-error curve, (1 minus p) squared, stays below 1 everywhere: 0.98 at p = 0.01."
confidence = torch.linspace(0.002, 1, 500)
fig, ax = plt.subplots(figsize=(6.5, 3.3))
ax.plot(confidence, -confidence.log(), color=TRAIN, label="cross-entropy, −log p")
ax.plot(confidence, (1 - confidence) ** 2, color=VALID, ls="--", label="squared error, (1 − p)²")
for at in (0.01, 0.5):
    cost = -math.log(at)
    ax.plot(at, cost, "o", color=TRAIN)
    ax.annotate(f"p = {at}: {cost:.2f}", (at, cost), (12, 6), textcoords="offset points")
ax.set(xlabel="probability given to the truth", ylabel="loss of this sample", ylim=(-0.1, 6.2))
ax.set(title="The price of confidence")
ax.legend()
plt.show()
for q in (0.01, 0.0001):
    print(f"p = {q}: cross-entropy {-math.log(q):.2f}, squared error {(1 - q) ** 2:.4f}")

# %% [markdown]
# *Cross-entropy climbs without limit as the truth gets less and less probability: 0.69 for a shrug at 0.5,
# 4.61 at 0.01; squared error never charges more than 1.* Between 0.01 and 0.0001, squared error sees hardly
# any difference; cross-entropy doubles the bill.
#
# ### Why not squared error?
#
# A low price alone would do no harm. Look at the **slope**, because training follows it. Both losses
# pass through the sigmoid; for a sample with $y = 1$ the slopes with respect to the logit are
#
# $$\frac{d}{dz}\big(-\log\sigma(z)\big) = p - 1 \qquad\qquad \frac{d}{dz}\,(1-\sigma(z))^2 = 2(p-1)\cdot p(1-p).$$
#
# **Predict before you run:** the model is confidently wrong, $z = -8$. How large is each slope?

# %%
z = torch.tensor(-8.0, requires_grad=True)
(slope_ce,) = torch.autograd.grad(F.softplus(-z), z)  # softplus(-z) is -log sigmoid(z)
(slope_se,) = torch.autograd.grad((1 - torch.sigmoid(z)) ** 2, z)
print(f"cross-entropy {slope_ce.item():.4f}   squared error {slope_se.item():.6f}")
assert slope_ce / slope_se > 1000

# %% [markdown]
# With squared error, the model learns least where it is most wrong: the slope is more than a thousand times
# smaller. The factor $p(1-p)$ comes from the sigmoid's flat end. The logarithm's own slope, $-1/p$, cancels
# the small part of it: $-\frac1p\cdot p(1-p) = p-1$. In general $p - y$ is left: *how far off are you*, and
# nothing else.

# %% alt="Two panels over the logit z from minus 10 to 10, for a sample whose right answer is 1. Left, the loss: cross-entropy falls like a straight ramp from 10 and flattens out right of zero, curving upward everywhere; squared error is a step from 1 down to 0, flat at both ends. Right, the slope: cross-entropy's slope is minus 1 on the left and rises to 0; squared error's slope is 0 at both ends, with a dip to minus 0.3 near minus 0.7."
z = torch.linspace(-10, 10, 401)
p = torch.sigmoid(z)
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.1))
for color, style, name, loss, slopes in (
    (TRAIN, "-", "cross-entropy", F.softplus(-z), p - 1),
    (VALID, "--", "squared error", (1 - p) ** 2, 2 * (p - 1) * p * (1 - p)),
):
    left.plot(z, loss, color=color, ls=style, label=name)
    right.plot(z, slopes, color=color, ls=style, label=name)
left.set(xlabel="logit z", ylabel="loss", title="The loss, y = 1")
right.set(xlabel="logit z", ylabel="slope dL/dz", title="Its slope")
arrow = dict(arrowstyle="->", color="#444444")
right.annotate("a confident mistake:\nno slope, no lesson", (-8, -0.003), (-9.8, -0.5), arrowprops=arrow)
left.legend()
plt.show()

# %% [markdown]
# *For a confident mistake (far left) the slope of cross-entropy is −1, that of squared error is 0, the same
# as for a confident right answer (far right).* The left panel shows a second fault: from left to
# right, the dashed curve bends downward first, then upward. A curve that bends upward everywhere is
# **convex**: downhill never leads astray. This one is not. Now compute both losses for the three students,
# at every pair $(w, b)$, and let two walkers start from the same bad spot, $w=-5$, $b=5$.

# %%
def roll(loss_fn, start, X, y, steps=200, lr=1.0):
    """Gradient descent on loss_fn(logits, y) from start (w, b); returns the path, (steps + 1, 2)."""
    path = [torch.tensor(start)]
    for _ in range(steps):
        at = path[-1].clone().requires_grad_()
        (slopes,) = torch.autograd.grad(loss_fn(X * at[0] + at[1], y), at)
        path.append(path[-1] - lr * slopes)
    return torch.stack(path)


both = {"squared error": lambda z, y: F.mse_loss(torch.sigmoid(z), y)}
both["cross-entropy"] = F.binary_cross_entropy_with_logits
paths = {name: roll(loss_fn, (-5.0, 5.0), X, y) for name, loss_fn in both.items()}
for name, path in paths.items():
    right_answers = ((X * path[-1, 0] + path[-1, 1] > 0) == (y > 0.5)).sum().item()
    loss = both[name](X * path[-1, 0] + path[-1, 1], y)
    print(f"{name}: w from −5 to {path[-1, 0]:.1f}, loss {loss:.3f}, {right_answers} of 3 right")

# %% alt="Two filled contour maps of the loss over weight w and bias b, from minus 10 to 8 each way. Left, squared error: wide flat terraces; the path from w = minus 5, b = 5 runs a little down and to the left and stops on a terrace. Right, cross-entropy: one smooth trough; the path from the same start swings around to the lower right and ends in the darkest region."
ws, bs = torch.linspace(-10, 8, 37), torch.linspace(-10, 8, 37)
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.8), sharey=True)
for ax, (name, loss_fn) in zip(axes, both.items(), strict=True):
    height = torch.stack([torch.stack([loss_fn(X * w + b, y) for w in ws]) for b in bs])
    ax.contourf(ws, bs, height.sqrt(), levels=25, cmap="Blues_r")
    ax.plot(*paths[name].T, color=VALID, lw=2.2)
    ax.plot(-5, 5, "o", color=VALID, mec="white", ms=9, label="start")
    ax.plot(*paths[name][-1], "s", color="#E69F00", mec="black", ms=9, label="after 200 steps")
    ax.set(xlabel="weight w", title=name, xlim=(-10, 8), ylim=(-10, 8))
axes[0].set_ylabel("bias b")
axes[0].legend(loc="upper right", facecolor="#fcfcfc", frameon=True)
plt.show()

# %% [markdown]
# *Dark is low (the shade is the square root of the loss). From the same start, cross-entropy turns around
# and walks into the dark; squared error walks the other way, onto a terrace where "everybody fails" costs
# one third and almost no slope is left to follow.* Two answers out of three are right there, and nothing
# pulls it toward the third.
#
# How typical is that? Measure the curvature at many places. The *Hessian* is the matrix of second
# derivatives; a negative eigenvalue means that the surface bends downward in some direction. A convex surface
# has none, anywhere.

# %%
def lowest_bend(loss_fn, at, X, y):
    """The smallest eigenvalue of the Hessian at (w, b); below 0 the surface bends downward."""
    H = jacrev(jacrev(lambda v: loss_fn(X * v[0] + v[1], y)))(at)  # the slopes of the slopes
    return torch.linalg.eigvalsh(H)[0].item()


grid = torch.cartesian_prod(torch.linspace(-6, 6, 13), torch.linspace(-6, 6, 13)).double()
for name, loss_fn in both.items():
    bends = [lowest_bend(loss_fn, at, X.double(), y.double()) for at in grid]
    share = sum(bend < -1e-9 for bend in bends) / len(bends)
    print(f"{name}: bends downward at {share:.0%} of {len(grid)} places")

# %% [markdown]
# Squared error bends the wrong way almost everywhere, cross-entropy nowhere: for logistic regression,
# cross-entropy has no second valley to get lost in. (To be fair to squared error: as a *report card* on
# probabilities it is respected, under the name Brier score. It is only a poor surface to walk down.)

# %% [markdown]
# ### A coin and a code book
#
# Why does the loss have *entropy* in its name? Because $-\log p$ is a price: the length of a message. Count
# it in **bits** ($\log_2$) and it becomes tangible.
#
# One flip of a fair coin is worth one bit. A coin that shows heads nine times in ten brings less news: its
# mean surprise, $H(p) = -\sum_i p_i\log_2 p_i$, is the **entropy**.

# %%
def entropy_bits(p):
    """Mean surprise in bits of a distribution p (n,) without zeros."""
    return -(p * p.log2()).sum()


for heads in (0.5, 0.9, 0.99):
    coin = torch.tensor([heads, 1 - heads])
    prices = f"heads costs {-coin[0].log2():.2f} bits, tails {-coin[1].log2():.2f}"
    print(f"heads {heads}: {prices}, mean {entropy_bits(coin):.3f}")

# %% [markdown]
# So a thousand flips of the 0.9 coin should fit into about 469 bits. How a book of code words can do
# that is easier to see with the weather. In your town, half of the days are sunny, a quarter are cloudy, an
# eighth rainy and an eighth snowy.

# %%
weather = ["sun", "cloud", "rain", "snow"]
town = torch.tensor([1 / 2, 1 / 4, 1 / 8, 1 / 8])
book = {"sun": "0", "cloud": "10", "rain": "110", "snow": "111"}
for name, share in zip(weather, town, strict=True):
    print(f"{name:6} {book[name]:4} {len(book[name])} bits   −log2 p = {-share.log2():.0f}")
week = ("sun", "sun", "rain", "cloud", "sun", "snow", "sun")
print("a week:", "".join(book[day] for day in week))

# %% [markdown]
# What is common gets a short word, and no word is the beginning of another, so the string needs no commas:
# read `001101001110` from the left and only one week fits. (Huffman's method finds such books.) Every word
# is exactly as long as its surprise, so the mean length is the entropy, 1.75 bits a day. Without a clever
# book, four words cost 2 bits each.
#
# Now a friend in a harbor town writes *your* weather down with *her* book. Hers is perfect at home, where
# cloud is common.
#
# **Predict before you run:** more bits a day than 1.75, or fewer? More than the 2 of no book at all?

# %%
harbor = torch.tensor([1 / 8, 1 / 2, 1 / 4, 1 / 8])
harbor_book = {"sun": "110", "cloud": "0", "rain": "10", "snow": "111"}
torch.manual_seed(0)
days = [weather[i] for i in torch.multinomial(town, 20_000, replacement=True)]
for name, words in (("your book", book), ("her book", harbor_book)):
    total = sum(len(words[day]) for day in days)
    print(f"{name}: {total / len(days):.2f} bits a day, measured")
entropy, cross = entropy_bits(town).item(), -(town * harbor.log2()).sum().item()
print(f"entropy {entropy:.3f}   cross-entropy {cross:.3f}   difference {cross - entropy:.3f}")

# %% [markdown]
# Her book costs 2.375 bits a day for your weather, more than the 2 of no book at all. That is the
# **cross-entropy** of your town $p$ under her belief $q$: $H(p,q) = -\sum_i p_i \log_2 q_i$. Reality pays,
# belief sets the prices. What you overpay, 0.625 bits, is the **Kullback–Leibler divergence**
# $\mathrm{KL}(p\,\|\,q)$. It is zero only if the belief is right, so it tells how far two distributions are
# apart. It is not quite a distance, though:

# %%
there = (town * (town / harbor).log2()).sum().item()
back = (harbor * (harbor / town).log2()).sum().item()
print(f"your weather, her book: {there:.3f}   her weather, your book: {back:.3f}")

# %% [markdown]
# It is not symmetric. The picture shows entropy, cross-entropy and KL for coins: someone believes that heads
# come with probability 0.8.

# %% alt="Horizontal axis: true probability of heads, from 0 to 1; vertical axis: bits per flip. The entropy is an arch, 0 at both ends and 1 bit at 0.5. The cross-entropy under the belief 0.8 is a straight line, from 2.32 bits at 0 down to 0.32 bits at 1; it touches the arch at 0.8 and lies above it everywhere else. A vertical double arrow at 0.3 marks the gap as KL."
heads = torch.linspace(0.001, 0.999, 400)
arch = -(heads * heads.log2() + (1 - heads) * (1 - heads).log2())
line = -(heads * math.log2(0.8) + (1 - heads) * math.log2(0.2))
at = int((heads - 0.3).abs().argmin())
fig, ax = plt.subplots(figsize=(6.5, 3.3))
ax.plot(heads, arch, color=TRAIN, label="entropy: the book that fits the coin")
ax.plot(heads, line, color=VALID, ls="--", label="cross-entropy: the book for a 0.8 coin")
arrow = dict(arrowstyle="<->", color="#444444")
ax.annotate("", (0.3, arch[at]), (0.3, line[at]), arrowprops=arrow)
ax.text(0.32, (arch[at] + line[at]) / 2, "KL")
ax.plot(0.8, arch[int((heads - 0.8).abs().argmin())], "ko", ms=5)
ax.set(xlabel="true probability of heads", ylabel="bits per flip", ylim=(0, 2.5))
ax.set(title="Reality pays, belief sets the prices")
ax.legend()
plt.show()
assert (line >= arch - 1e-6).all()

# %% [markdown]
# *The straight line of cross-entropy touches the arch of entropy at 0.8, where the belief is right, and
# lies above it everywhere else; the gap is KL.*
#
# Back to training. A label is a distribution too, a very sure one: all of its weight on the right answer.
# Its entropy is 0, so cross-entropy and KL are the same number, and it is $-\log q$(right answer). **To
# train with cross-entropy is to shrink the gap between your model's belief and what happened.** PyTorch's
# unit is the *nat* ($\log$ with base $e$); divide by $\log 2$ and you have bits.

# %%
given = torch.tensor([0.2, 0.4, 0.7])
nats = F.binary_cross_entropy(given, y.ravel()).item()
print(f"{nats:.4f} nats = {nats / math.log(2):.4f} bits per student")
print(f"a fair coin would pay 1 bit = {math.log(2):.4f} nats")
rare = entropy_bits(torch.tensor([0.01, 0.99])) * math.log(2)
print(f"one yes in 100, and always answering 0.01: {rare:.3f} nats")

# %% [markdown]
# Remember 0.6931, which is log 2. With half yes and half no, a classifier whose loss sits there has
# learned nothing yet. With $C$ equally common classes the number is $\log C$. Rare classes lower it: with
# one yes in a hundred, a constant answer already reaches 0.056.
#
# The library's `F.kl_div` has two habits that catch everybody: the belief comes **first, and as
# logarithms**; the reality second. And its default `reduction="mean"` divides by all elements.
# For a single distribution use `"sum"`; `"batchmean"` divides by the first axis, so it is right for rows of
# distributions, (N, C).

# %%
for shape, reduction in (((4,), "sum"), ((4,), "batchmean"), ((1, 4), "batchmean")):
    belief, reality = harbor.log().reshape(shape), town.reshape(shape)
    library = F.kl_div(belief, reality, reduction=reduction).item() / math.log(2)
    print(f"shape {shape!s:6} {reduction:9} {library:.3f} bits")
assert math.isclose(library, there, rel_tol=1e-5)

# %% [markdown]
# ### Exercise logistic-2 · difficulty 2 · 6 minutes
# Write `kl_bits(p, q)`: how many bits per symbol you overpay if reality is `p` and your book was made for
# `q`. Both have shape (n,) and sum to 1. `p` may hold zeros (it never snows in the south): a symbol that
# never comes costs nothing. `q` has no zeros. Return a Python float.
#
# <details><summary>Hint 1</summary>The formula is Σ p·log2(p/q). What does floating point make of 0 · log2(0)?</details>
# <details><summary>Hint 2</summary>Keep only what happens: <code>seen = p > 0</code>, then use <code>p[seen]</code> and <code>q[seen]</code>.</details>

# %% tags=["exercise"] id="logistic-2" objective="surprise"
def kl_bits(p: torch.Tensor, q: torch.Tensor) -> float:
    """Return KL(p ‖ q) in bits.  p, q: (n,), each sums to 1; p may hold zeros."""
    ### BEGIN SOLUTION
    seen = p > 0
    return (p[seen] * (p[seen] / q[seen]).log2()).sum().item()
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-2") as c:
    wrong = {0.5: "p and q are swapped: reality is the weight", 0.625 * math.log(2): "these are nats: use log2",
             2.375: "that is the cross-entropy: subtract what you would pay anyway", -0.625: "the sign is flipped",
             0.625 / 4: "that is a mean over the symbols: sum", -0.5: "q is the weight here: reality is the weight"}
    c.close(c.attempted(kl_bits(town, harbor)), 0.625, because="2.375 − 1.75 bits", mistakes=wrong)
    south, never = torch.tensor([0.5, 0.5, 0.0, 0.0]), "0 · log 0 is nan in floats: leave out what never happens"
    c.close(kl_bits(south, torch.full((4,), 0.25)), 1.0, because="1 bit where 2 are paid", mistakes={math.nan: never})
    c.true(isinstance(kl_bits(town, town), float), observed="no Python float", expected="a Python float",
           likely="use .item()")

# %% [markdown] tags=["solution"]
# Masking is the clearest way. `torch.xlogy(p, p) - torch.xlogy(p, q)` does the same: `xlogy(0, 0)` is
# defined as 0, for exactly this purpose. And if `q` had a zero where `p` has none? Then KL is infinite: no
# code word exists for something that happens. A model that says 0 and is wrong pays without limit.

# %% [markdown] tags=["instructor"]
# **For the room:** two pairs play sender and receiver with the two books, fifteen days of weather from a
# die; count the bits. **Watch for** `nan_to_num` as a fix: it works here and hides the next nan.
# **Timing:** 6 minutes.

# %% [markdown]
# ### Over the edge: why models return logits
#
# Mathematics says that a sigmoid never reaches 1. Floats disagree.
#
# **Predict before you run:** at which of these logits is $1-\sigma(z)$ exactly zero in float32?

# %%
for z in (10.0, 15.0, 17.0, 20.0, 40.0):
    print(f"z = {z:4.0f}   1 − sigmoid(z) = {1 - torch.sigmoid(torch.tensor(z)).item():.3g}")

# %% [markdown]
# At 17 and above, the sigmoid *is* 1. A logit of 17 is nothing special for a network. Now feed the formula:

# %%
z, target = torch.tensor([20.0, 20.0, -20.0]), torch.tensor([0.0, 1.0, 0.0])
p = torch.sigmoid(z)
naive = -(target * p.log() + (1 - target) * (1 - p).log())
print("naive formula:", naive.tolist())
print(f"true loss of the third: {F.softplus(torch.tensor(-20.0)).item():.3g}")

# %% [markdown]
# Two disasters and a slip in one line. The first sample is wrong and should cost 20; it costs `inf`. The second is
# **right** and gets `nan`, because $(1-y)\cdot\log(1-p)$ is $0 \cdot (-\infty)$. The third should cost a
# little; its $1-p$ was rounded to exactly 1, so the loss is gone. One `nan` in a batch makes the mean `nan`,
# then the gradient, then every weight.
#
# `nn.BCELoss` guards against this with a cut: it never lets a logarithm go below −100. Compare it with
# `nn.BCEWithLogitsLoss`, which takes the logit itself. All five samples are wrong, so the true loss is about $z$.

# %%
z = torch.tensor([5.0, 15.0, 20.0, 50.0, 200.0])
target = torch.zeros(5)
cut = nn.BCELoss(reduction="none")(torch.sigmoid(z), target)
exact = nn.BCEWithLogitsLoss(reduction="none")(z, target)
for row in zip(z, cut, exact, strict=True):
    print("z = {:5.0f}   BCELoss {:8.4f}   BCEWithLogitsLoss {:8.4f}".format(*row))
assert torch.allclose(exact, z, atol=0.01) and cut[2:].eq(100).all()

# %% [markdown]
# At 5 they agree. At 15, rounding makes `BCELoss` 0.16 too small. At 20 it says 100, five times too much, and
# at 200 it says 100 again, half of the true loss. At least it is finite. But is it *useful*? Ask for the
# slope, which should be $p-y$, so nearly 1 everywhere.

# %%
at = z.clone().requires_grad_()
cut = nn.BCELoss(reduction="sum")(torch.sigmoid(at), target)
exact = nn.BCEWithLogitsLoss(reduction="sum")(at, target)
for name, loss in (("BCELoss", cut), ("BCEWithLogitsLoss", exact)):
    (slopes,) = torch.autograd.grad(loss, at)
    print(f"{name:18} {[round(s, 3) for s in slopes.tolist()]}")

# %% [markdown]
# Where the sigmoid has saturated, `BCELoss` sends back **zero**: the model learns nothing from its worst
# mistakes. The loss prints 100, and nothing moves. That is why the models of this course return logits (all but
# one: the old model that lesson 05 takes apart).
#
# How does the other one do it? Put the sigmoid into the logarithm and simplify before you calculate:
# $-\log\sigma(z) = \log(1+e^{-z})$. That is the logarithm of a sum of exponentials, $\log(e^0 + e^{-z})$,
# and for such a sum there is a famous cure. Take the largest term out, and no exponent is above 0:
#
# $$\log\sum_i e^{a_i} = m + \log\sum_i e^{a_i-m},\qquad m=\max_i a_i$$

# %%
a = torch.tensor([0.0, 200.0])
m = a.max()
print("naive:       ", a.exp().sum().log().item())
print("largest out: ", (m + (a - m).exp().sum().log()).item())
print("the library: ", torch.logsumexp(a, dim=0).item())

# %% [markdown]
# `exp(200)` is more than float32 can hold, and the naive line says `inf`. The same formula with the largest
# term taken out says 200. This is the **log-sum-exp trick**; keep it for softmax.
#
# `BCELoss` has one more way to show that it wants probabilities. Give it a logit by mistake:

# %%
with expect_error(RuntimeError):
    F.binary_cross_entropy(torch.tensor([1.2]), torch.tensor([1.0]))

# %% [markdown]
# *All elements of input should be between 0 and 1* means: a sigmoid is missing. Better still, use the
# `WithLogits` loss. The other common pair of errors is about the target. Integers are refused, and so is a
# shape that differs:

# %%
with expect_error(RuntimeError):
    F.binary_cross_entropy_with_logits(torch.zeros(3, 1), torch.tensor([[0], [0], [1]]))
with expect_error(ValueError):
    F.binary_cross_entropy_with_logits(torch.zeros(3, 1), torch.tensor([0.0, 0.0, 1.0]))

# %% [markdown]
# *can't be cast to the desired output type Long* means: make the target float, `y.float()`. *Target size
# ([3]) must be the same as input size ([3, 1])* means: `y.unsqueeze(1)`, or `logits.squeeze(1)`. Be glad of
# this one. `MSELoss` would only warn, and broadcast to a 3×3 table.
#
# ### Exercise logistic-3 · difficulty 2 · 8 minutes
# Build the loss that cannot overflow. Write `bce_from_logits(z, y)`: the **mean** binary cross-entropy of
# logits `z` against 0/1 targets `y`, for logits of any size. The check also asks
# autograd for the slope. Ready-made losses and `F.softplus` are off limits (nobody looks; it is on your
# honor). `torch.exp`, `torch.log`, `torch.logsumexp`, `torch.logaddexp` and arithmetic are allowed.
#
# A start on paper: with $y=1$ the loss is $\log(1+e^{-z})$, with $y=0$ it is $\log(1+e^{z})$. Convince
# yourself that both are $\log(1+e^{z}) - y\,z$.
#
# <details><summary>Hint 1</summary>log(1 + e^z) is a log-sum-exp of two numbers: 0 and z.</details>
# <details><summary>Hint 2</summary><code>torch.logaddexp(torch.zeros_like(z), z)</code> is log(e⁰ + e^z) without overflow.</details>

# %% tags=["exercise"] id="logistic-3" objective="probability"
def bce_from_logits(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean binary cross-entropy.  z, y: the same shape; y holds 0. and 1.  Returns: a scalar."""
    ### BEGIN SOLUTION
    return (torch.logaddexp(torch.zeros_like(z), z) - y * z).mean()
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-3") as c:
    zs, ys = torch.tensor([[0.5], [-1.0], [2.0]]), torch.tensor([[1.0], [0.0], [0.0]])
    at = torch.tensor([0.0, 200.0, -200.0], requires_grad=True)
    exact, swapped = F.binary_cross_entropy_with_logits(zs, ys), F.binary_cross_entropy_with_logits(zs, 1 - ys)
    wrong = [(3 * exact, "a sum: take the mean"),
             (F.softplus(-zs).mean(), "y is not used: that is the loss for y = 1"),
             (swapped, "y and 1 − y are swapped"),
             (F.softplus(zs).mean(), "y is not used: that is the loss for y = 0"), (-exact, "the sign is flipped"),
             ((F.softplus(zs) + ys * zs).mean(), "subtract y · z")]
    c.close(c.attempted(bce_from_logits(zs, ys)), exact, because="the same as the library", mistakes=wrong)
    c.close(bce_from_logits(torch.tensor([200.0, 200, -200, -200]), torch.tensor([0.0, 1, 0, 1])), 100.0,
            because="(200 + 0 + 0 + 200) / 4",
            mistakes={math.inf: "exp(200) is inf: take the largest out", math.nan: "inf − inf, or 0 · inf",
                      50.0: "that is a cut at 100", 40.0: "z was cut at 80", 44.0: "z was cut at 88",
                      **{-math.log(tiny) / 2: "a tiny number inside the logarithm cuts the loss, too"
                         for tiny in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)}})
    c.close(torch.autograd.grad(torch.as_tensor(3 * bce_from_logits(at, torch.tensor([1.0, 0, 1]))), at)[0],
            torch.tensor([-0.5, 1, -1]), because="and the slope is sigmoid(z) − y",
            mistakes=[(torch.tensor([-0.5, math.nan, -1]),
                       "the value is right, the slope is nan: where differentiates both branches"),
                      *((torch.tensor([v, 1.0, -1]),
                         "the value is right, but at z = 0 clamp, relu and abs have a corner") for v in (-1, 0))])

# %% [markdown] tags=["solution"]
# With $y=1$: $\log(1+e^z)-z = \log\frac{1+e^z}{e^z} = \log(1+e^{-z})$. One formula serves both, and
# autograd finds its slope $\sigma(z)-y$ by itself. `F.softplus(z) - y * z` is the same thing under another
# name. Taking the larger out by hand, `z.clamp(min=0) + torch.log1p(torch.exp(-z.abs()))`, gives the right
# value and, at exactly $z=0$, a wrong slope: that is where a model with zero weights starts.

# %% [markdown] tags=["instructor"]
# **Watch for** `log(sigmoid(z) + 1e-7)`: no `inf` any more, but a wrong loss and a dead slope, which is
# what `BCELoss` has. The second check catches it. **Ask:** why is `log1p(x)` better than `log(1 + x)` for
# tiny x? (Below 6e-8 the sum is 1.) **Timing:** 8 minutes, paper included.

# %% [markdown]
# ## Train and judge
#
# Three students, logits, `BCEWithLogitsLoss`, `SGD`. The loop is the one you wrote in lesson 03; from now
# on it comes from `utils`, as `fit`. (`progress=False`: what takes a second needs no progress bar.)

# %%
torch.manual_seed(0)
model = nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
loader = make_loader(X, y, batch_size=3)
loss_fn, metric = nn.BCEWithLogitsLoss(), {"accuracy": accuracy}
history = fit(model, loader, loss_fn, optimizer, epochs=100, progress=False, metrics=metric)
p = torch.sigmoid(predict(model, torch.tensor([[1.0], [2.0], [3.0], [4.0]])))
loss, correct = history["loss"], history["accuracy"]
print(f"loss {loss[0]:.3f} → {loss[-1]:.3f}   accuracy {correct[-1]}")
print("P(pass) at 1, 2, 3, 4 hours:", [round(v, 2) for v in p.ravel().tolist()])

# %% [markdown]
# All three right (`accuracy` counts a single logit above 0 as a yes; with one logit per class it takes the
# argmax), and four hours give 0.98. The model changes its mind where the logit is 0, at $x=-b/w$.
#
# **Predict before you run:** train three times as long, then ten times as long. Where does the weight
# settle?

# %%
early = copy.deepcopy(model)  # for the picture below
for more in (0, 200, 700):
    if more:
        history = fit(model, loader, loss_fn, optimizer, epochs=more, progress=False)
    w, b, loss = model.weight.item(), model.bias.item(), history["loss"][-1]
    print(f"w = {w:5.1f}   loss {loss:.3f}   changes its mind at {-b / w:.2f} hours")

# %% [markdown]
# It does not settle. The boundary hardly moves any more: it creeps toward 2.5, halfway between a fail and a
# pass. But these data are **separable**: one cut sorts them without a mistake. So a steeper curve always fits
# a little better, and the weight grows forever, slower and slower. The model ends up claiming near-certainty
# from three samples. Weight decay (lesson 05) puts a price on that; stopping early avoids it, too.

# %% alt="The three students as white dots at 1, 2 and 3 hours, at heights 0, 0 and 1. The least-squares line runs below 0 and above 1. Two S-shaped curves stay between 0 and 1: the gentle one, after 100 epochs, and a steeper one after 1,000 epochs that is on its way to a step at 2.5 hours."
hours = torch.linspace(0, 4.5, 200).unsqueeze(1)
fig, ax = plt.subplots(figsize=(6.5, 3.2))
ax.plot(hours, slope * hours + intercept, color="#888888", ls=":", label="least squares")
ax.plot(hours, torch.sigmoid(predict(early, hours)), color=TRAIN, label="100 epochs")
ax.plot(hours, torch.sigmoid(predict(model, hours)), color=VALID, ls="--", label="1,000 epochs")
ax.scatter(X, y, c="white", s=60, edgecolor="black", zorder=3, label="the students")
ax.set(xlabel="hours of study", ylabel="probability of passing", ylim=(-0.4, 1.4))
ax.set(title="Three students")
ax.legend()
plt.show()

# %% [markdown]
# *Where the line leaves the interval from 0 to 1, both curves stay inside; with more training the curve
# steepens toward a step halfway between the students at 2 and 3 hours.* The four steps are complete: prepare
# data, design model, choose loss and optimizer, train and judge. The rest of the lesson takes them again, on
# more interesting ground.

# %% [markdown]
# ## A line on a map
#
# With two numbers per sample, the picture becomes a map. Take two species of beetle, measured in wing length
# and weight (in standard units, so 0 is the average). They overlap, as beetles do.

# %%
def beetles(n, generator):
    """n samples, half of each species: X (n, 2) floats, y (n, 1) with 0. and 1."""
    y = (torch.arange(n) % 2).float().unsqueeze(1)
    centers = torch.tensor([[-0.8, -0.5], [0.8, 0.5]])
    return centers[y.long().squeeze(1)] + 0.8 * torch.randn(n, 2, generator=generator), y


generator = torch.Generator().manual_seed(1)
X_train, y_train = beetles(200, generator)
X_test, y_test = beetles(200, generator)
print(X_train.shape, y_train.shape)

# %% [markdown]
# Two columns in `X`, so two weights; one yes/no answer, so one logit. Nothing else changes.

# %%
torch.manual_seed(0)
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
loader = make_loader(X_train, y_train, batch_size=200)
test_loader = make_loader(X_test, y_test, batch_size=200)
fit(model, loader, nn.BCEWithLogitsLoss(), optimizer, epochs=100, progress=False)
measured = evaluate(model, test_loader, nn.BCEWithLogitsLoss(), {"accuracy": accuracy})
print({name: round(value, 3) for name, value in measured.items()})

# %% [markdown]
# The model is right on almost nine in ten beetles it has never seen, and its loss is far below the 0.693 of a
# coin. Where are the others? The model says "species 1" where $w_1x_1+w_2x_2+b>0$. The **decision boundary**
# runs where the sum **is** 0: $x_2 = -(w_1x_1+b)/w_2$, a straight line. The weight vector is at a right angle
# to it.

# %% alt="A map of 200 beetles, wing length across and weight up. Blue circles fill the lower left, orange squares the upper right; they overlap in the middle. A steep straight black line from upper left to lower right divides the shaded blue side from the shaded orange side. Dotted lines parallel to it mark the probabilities 0.1 and 0.9; all three carry their number at the bottom. A short arrow, the weight vector, stands at a right angle on the line."
(w1, w2), b = model.weight[0].tolist(), model.bias.item()
fig, ax = plt.subplots(figsize=(5.4, 4.2))
plot_boundary(ax, model, X_train, y_train)
across = torch.tensor([-4.0, 4.0])
for p, style in ((0.1, ":"), (0.5, "-"), (0.9, ":")):
    z = math.log(p / (1 - p))
    ax.plot(across, (z - b - w1 * across) / w2, color="black", lw=1.4, ls=style)
    at_bottom = (z - b + 2.4 * w2) / w1  # where x2 = −2.4
    ax.text(at_bottom, -2.4, p, ha="center", va="center", bbox=dict(fc="white", ec="none", pad=1))
foot = torch.tensor([w1, w2]) * -b / (w1**2 + w2**2)
tip = foot + 0.6 * torch.tensor([w1, w2]) / math.hypot(w1, w2)
arrow = dict(arrowstyle="-|>", color="black", lw=2)
ax.annotate("", tip.tolist(), foot.tolist(), arrowprops=arrow)
ax.set(xlabel="wing length (standard units)", ylabel="weight (standard units)")
ax.set(title="p = 0.1, 0.5 and 0.9", aspect="equal", xlim=(-3, 2.6), ylim=(-2.6, 2.6))
plt.show()

# %% [markdown]
# *The solid line is p = 0.5, the dotted lines are p = 0.1 and p = 0.9, and the arrow is the direction of
# the weights, at a right angle to all of them.* A sigmoid bends the *probability*, never the *boundary*. Once
# the line has found its place, a beetle on the wrong side of it stays wrong.

# %% [markdown]
# ## More than two answers
#
# With three classes the model returns three logits per sample, and you want three probabilities that sum to
# 1. Raise $e$ to each logit, so that all are positive, and divide by the sum. That is **softmax**:
# $\mathrm{softmax}(z)_k = e^{z_k}/\sum_j e^{z_j}$.
#
# Here is a classic example that you will meet all over the web: four samples, three classes. Watch the
# `dim`: which way must the probabilities sum to 1?

# %%
Z = torch.tensor(
    [[-0.3, -0.5, -0.5], [-0.4, -0.1, -0.5], [-0.3, -0.94, -0.5], [-0.99, -0.88, -0.5]]
)  # (N, C)
labels = torch.tensor([0, 1, 2, 2])  # (N,) the right class of each sample
P = Z.exp() / Z.exp().sum(dim=1, keepdim=True)
print(P)
print("rows sum to", P.sum(dim=1).tolist())
assert torch.allclose(P, torch.softmax(Z, dim=1))

# %% [markdown]
# Each row sums to 1. The third sample belongs to class 2, and the model prefers class 0.
#
# **Predict before you run:** add 100 to every logit of a row. What happens to its probabilities? And to the
# naive formula above?

# %%
print("library:", [round(v, 4) for v in torch.softmax(Z[0] + 100, dim=0).tolist()])
print("naive:  ", ((Z[0] + 100).exp() / (Z[0] + 100).exp().sum()).tolist())
assert torch.allclose(torch.softmax(Z[0] + 100, dim=0), P[0], atol=1e-5)

# %% [markdown]
# Nothing happens to the probabilities: $e^{100}$ stands above and below the fraction bar and cancels. Only the
# *differences* between logits matter. The naive formula gets `inf / inf = nan`; the library subtracts the
# largest logit first, which is the log-sum-exp trick again.
#
# Two classes are the special case you know: the softmax of $(z, 0)$ is the sigmoid of $z$.

# %%
z = torch.linspace(-4, 4, 9)
pairs = torch.stack([z, torch.zeros(9)], dim=1)
same = torch.allclose(torch.softmax(pairs, dim=1)[:, 0], torch.sigmoid(z))
print("softmax of (z, 0) is sigmoid(z):", same)

# %% [markdown]
# ### Four numbers, three routes
#
# The label as a distribution is a **one-hot** row: 1 at the right class, 0 elsewhere. The identity
# matrix holds all of these rows.

# %%
one_hot = torch.eye(3)[labels]  # (N, C)
print(one_hot)
assert torch.equal(one_hot, F.one_hot(labels, num_classes=3).float())

# %% [markdown]
# **Route one**, by the definition: $-\sum_k y_k\log p_k$ for each sample.

# %%
each = -(one_hot * P.log()).sum(dim=1)
print([round(v, 4) for v in each.tolist()], " mean", round(each.mean().item(), 4))
assert torch.allclose(each, torch.tensor([0.9698, 0.8801, 1.0527, 0.8314]), atol=5e-5)
assert math.isclose(each.mean().item(), 0.9335, abs_tol=5e-5)

# %% [markdown]
# The one-hot row is a switch: it keeps the logarithm at the right class and multiplies the rest by zero. A
# thousand classes would mean 999 wasted products per sample. **Route two** picks instead of multiplying.
# `nll_loss` (*negative log-likelihood*) wants the **logarithms**, and class numbers.

# %%
picked = F.nll_loss(P.log(), labels, reduction="none")
mean = F.nll_loss(P.log(), labels).item()
print([round(v, 4) for v in picked.tolist()], " mean", round(mean, 4))
assert torch.allclose(picked, each)

# %% [markdown]
# **Route three** starts at the logits and does everything in one stable step. It is the one to use.

# %%
direct = F.cross_entropy(Z, labels, reduction="none")
mean = F.cross_entropy(Z, labels).item()
print([round(v, 4) for v in direct.tolist()], " mean", round(mean, 4))
assert torch.allclose(direct, each)

# %% [markdown]
# 0.9698, 0.8801, 1.0527, 0.8314, and 0.9335 on average, three times. Compare with $\log 3 = 1.0986$, the
# loss of somebody who has no idea: this model is hardly better.
#
# **Predict before you run:** here are two slips that raise no error, and the third line is a clue. What is
# wrong, and could you tell from the number?

# %%
print(f"nll_loss of probabilities:      {F.nll_loss(P, labels).item():.4f}")
print(f"cross_entropy of probabilities: {F.cross_entropy(P, labels).item():.4f}")
print(f"… and of perfect ones:          {F.cross_entropy(one_hot, labels).item():.4f}")

# %% [markdown]
# The first is negative, and a mean of $-\log p$ never is: in spite of its name, `nll_loss` takes no
# logarithm. The second is a very common silent mistake in classification: the model ends in a
# softmax, and `cross_entropy` takes a softmax of that. You can tell from the third line: a *perfect* model
# cannot get below 0.5514, because a softmax of (1, 0, 0) is far from certain.
#
# The slips that do raise an error concern the target. Class numbers are integers, shares are floats, and the two do not
# mix:

# %%
with expect_error(RuntimeError):
    F.cross_entropy(Z, labels.float())
with expect_error(RuntimeError):
    F.cross_entropy(Z, F.one_hot(labels, num_classes=3))

# %% [markdown]
# Class numbers must be `long` and of shape (N,). A whole distribution per sample must be float and of shape
# (N, C); `one_hot` returns integers, so it needs `.float()`. And the slope? It is as simple as in the
# binary case.

# %%
leaf = Z.clone().requires_grad_()
(slopes,) = torch.autograd.grad(F.cross_entropy(leaf, labels, reduction="sum"), leaf)
print("slope is softmax − one-hot:", torch.allclose(slopes, P - one_hot, atol=1e-6))

# %% [markdown]
# ### Exercise logistic-4 · difficulty 2 · 8 minutes
# The fourth route is your own. Write `softmax_cross_entropy(Z, labels)`: the **mean** cross-entropy, straight
# from logits, for logits of any size. For one sample it is $-\log\frac{e^{z_t}}{\sum_j e^{z_j}} =
# \log\sum_j e^{z_j} - z_t$, where $t$ is the right class. `torch.logsumexp` is allowed; `softmax`,
# `log_softmax`, `nll_loss` and `cross_entropy` are not.
#
# <details><summary>Hint 1</summary>Two numbers per sample: <code>torch.logsumexp(Z, dim=1)</code> and the logit at the right class.</details>
# <details><summary>Hint 2</summary>Pick one element per row with two index lists: <code>Z[torch.arange(len(Z)), labels]</code>. <code>Z[labels]</code> would pick whole rows.</details>

# %% tags=["exercise"] id="logistic-4" objective="softmax"
def softmax_cross_entropy(Z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy.  Z: logits (N, C).  labels: class numbers (N,).  Returns: a scalar."""
    ### BEGIN SOLUTION
    right = Z[torch.arange(len(Z)), labels]
    return (torch.logsumexp(Z, dim=1) - right).mean()
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-4") as c:
    wrong = [(each, "one number per sample: take the mean"), (each.sum(), "the sum: take the mean"),
             (-each.mean(), "the sign is flipped"), (F.cross_entropy(P, labels), "a softmax of a softmax"),
             ((Z.logsumexp(0)[labels] - Z[range(4), labels]).mean(), "the sum runs over samples: dim=1"),
             ((Z.logsumexp(1, True) - Z[labels]).mean(), "Z[labels] picks whole rows"),
             ((Z.logsumexp(1) - Z.amax(1)).mean(), "that is the largest logit: take the one at the right class"),
             (Z.logsumexp(1).mean() - Z[:, labels].mean(), "Z[:, labels] picks whole columns, (N, N)")]
    c.close(c.attempted(softmax_cross_entropy(Z, labels)), 0.933504, because="the mean of the four numbers",
            mistakes=wrong)
    huge, over = torch.tensor([[1000.0, 0, 0], [0, 0, 1000.0],
                               [0, 0, 0]]), "exp overflowed, or a log met 0: use torch.logsumexp on each row"
    c.close(softmax_cross_entropy(huge, torch.tensor([0, 0, 0])), 333.6995, because="(0 + 1000 + log 3) / 3",
            mistakes={math.inf: over, -math.inf: over, math.nan: over})

# %% [markdown] tags=["solution"]
# "Log-sum-exp minus the right logit" is all there is to the loss that trained most networks you have heard
# of. Read it as a competition: the log-sum-exp is a soft maximum, so the loss is near 0 when the right
# logit *is* the maximum, by a distance.

# %% [markdown] tags=["instructor"]
# **Watch for** `Z[labels]` and `Z[:, labels]` (an (N, N) table whose mean is a plausible number). **Ask the
# room:** what is the loss when all logits are equal? (log C.) When one class gets +1,000,000? **Timing:** 8
# minutes.

# %% [markdown]
# ## Three spirals
#
# Now comes a map on which straight borders fail. Take the four steps again, faster this time.
#
# **Prepare data.** Three arms are wound around each other, with a little noise. A second set is drawn for the
# test.

# %%
def spirals(n, generator):
    """Three arms of n points each: X (3n, 2) floats, y (3n,) class numbers."""
    radius = torch.linspace(0.15, 1, n).repeat(3)
    arm = torch.arange(3).repeat_interleave(n)
    shake = 0.15 * torch.randn(3 * n, generator=generator)
    angle = 7 * radius + arm * 2 * math.pi / 3 + shake
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), arm


generator = torch.Generator().manual_seed(0)
X_train, y_train = spirals(100, generator)
X_test, y_test = spirals(100, generator)
print(X_train.shape, y_train.shape, "points per arm:", y_train.bincount().tolist())

# %% [markdown]
# **Design model.** Two of them: one linear layer with three outputs, which is *softmax regression*, and a
# *multi-layer perceptron* (MLP): linear layers with a `ReLU`, max(0, x), between them. The layers before the
# last are called *hidden*; here there are two, 64 wide. Without the ReLUs, the three linear layers together
# could do no more than one. **Choose loss and optimizer.** Cross-entropy for both, and Adam, which you raced in
# lesson 03.
#
# **Predict before you run:** three classes, so guessing gets one third right. What does the linear model
# get?

# %%
trained = {}
test_loader = make_loader(X_test, y_test, batch_size=300)
for name in ("linear", "MLP"):
    torch.manual_seed(0)
    layers = [nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)]
    model = nn.Linear(2, 3) if name == "linear" else nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = make_loader(X_train, y_train, batch_size=50, shuffle=True)
    fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=100, progress=False)
    trained[name] = model
    measured = evaluate(model, test_loader, nn.CrossEntropyLoss(), {"accuracy": accuracy})
    loss, correct = measured["loss"], measured["accuracy"]
    print(f"{name:7} test loss {loss:.2f}   test accuracy {correct:.2f}")

# %% [markdown]
# **Train and judge.** The linear model has learned about as much as a three-sided die: its loss is
# hardly below $\log 3 = 1.10$. The MLP is right nearly everywhere, on points it has never seen. See why:

# %% alt="Two maps of the same three interleaved spiral arms in blue, orange and green. Left, the linear model: three wedges with straight borders that meet in one point; every wedge holds points of all three colors. Right, the MLP: the shaded regions wind around each other as the arms do, and nearly every point lies on its own color."
fig, axes = plt.subplots(1, 2, figsize=(8.5, 4.1), sharey=True)
for ax, (name, model) in zip(axes, trained.items(), strict=True):
    plot_boundary(ax, model, X_train, y_train)
    share = accuracy(predict(model, X_test), y_test).item()
    ax.set(title=f"{name}: {share:.0%} right on new points", xlabel="$x_1$", aspect="equal")
axes[0].set_ylabel("$x_2$")
plt.show()

# %% [markdown]
# *The linear model can only cut the map into wedges with straight borders, each full of all three colors;
# the MLP's regions wind with the arms.* The last layer of the MLP is the same linear softmax model. The
# hidden layers moved the points to where straight borders are enough.
#
# ### Margin question: are the outputs of an untrained softmax network equal, because it is random?
#
# Look instead of arguing: here are fresh networks on the spirals, without a single step of training. The last
# layer is linear, so scaling its weights and biases scales the logits.

# %%
scales = {"last layer zero": 0, "as PyTorch makes it": 1, "last layer × 100": 100}
for seed in range(3):
    torch.manual_seed(seed)
    layers = [nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)]
    fresh = nn.Sequential(*layers)
    for note, scale in scales.items():
        logits = scale * predict(fresh, X_train)
        p, loss = torch.softmax(logits, dim=1), F.cross_entropy(logits, y_train).item()
        print(f"seed {seed}  {note:20} p from {p.min():.2f} to {p.max():.2f}   loss {loss:.2f}")

# %% [markdown]
# Not equal: with the usual initialization the probabilities differ, and every seed differs in its own way.
# They are *close* to one third, not because the weights are random, but because they are **small**: small
# weights give small logits, and small logits give similar exponentials. Make the last layer a hundred times
# larger, as random as before, and the untrained network is very sure of very wrong things. Equal outputs need
# equal weights in the last layer, such as all zeros.
#
# A useful check follows: **before training, the loss should be near $\log C$.** If it is 20, your logits
# start too large.
#
# ### Margin question: when may softmax be skipped for a prediction?
#
# Softmax keeps the order within a row. So if all you want is the winner, the logits will do:

# %%
logits = predict(trained["MLP"], X_test)
P_test = torch.softmax(logits, dim=1)
print("same winner for all 300:", torch.equal(logits.argmax(1), P_test.argmax(1)))
print("same order of all three:", torch.equal(logits.argsort(1), P_test.argsort(1)))

# %% [markdown]
# It keeps no order *between* rows, and it does not commute with a mean. Look at two samples, then at three
# models that vote:

# %%
sample_a, sample_b = torch.tensor([5.0, 4.9, 4.8]), torch.tensor([3.0, 0.0, 0.0])
p_a, p_b = sample_a.softmax(0), sample_b.softmax(0)
print(f"top logit {sample_a.max():.1f} against {sample_b.max():.1f}")
print(f"top probability {p_a.max():.2f} against {p_b.max():.2f}")
votes = torch.tensor([[10.0, 0.0], [0.0, 3.0], [0.0, 3.0]])  # (models, classes)
by_logits, by_probabilities = votes.mean(0).argmax(), votes.softmax(1).mean(0).argmax()
print(f"mean of logits: {by_logits}   mean of probabilities: {by_probabilities}")
assert by_logits != by_probabilities

# %% [markdown]
# Sample a has the larger logit but the smaller confidence. And the vote changes with the order of
# operations: one loud model wins the mean of logits, two quiet ones win the mean of probabilities. So skip
# softmax for `argmax` and top-k within a sample, and inside the loss, which has its own. **Do not skip it**
# when the number itself is used: a threshold, "are you sure?", a comparison of samples, an average of
# models, an expected cost.

# %% [markdown]
# ## Several answers at once
#
# "Which one of these?" and "which of these, any number of them?" are two different questions. Three radio
# stations share one map. In some places you hear none, in others all three. That is **multi-label**
# classification: three yes/no questions that share a network. The target is a row of floats, one for each
# label.

# %%
masts = torch.tensor([[-0.35, 0.25], [0.35, 0.25], [0.0, -0.35]])


def reception(n, masts, generator):
    """n places X (n, 2) and which masts, (M, 2), are heard there: y (n, M) with 0. and 1."""
    X = 2 * torch.rand(n, 2, generator=generator) - 1
    return X, (torch.cdist(X, masts) < 0.6).float()


generator = torch.Generator().manual_seed(0)
X_train, y_train = reception(1000, masts, generator)
X_test, y_test = reception(1000, masts, generator)
print("stations heard, 0 to 3:", y_train.sum(dim=1).long().bincount().tolist(), "places")

# %% [markdown]
# Three outputs, as for the spirals. What changes is the reading, one sigmoid for each output, and with it
# the loss: `BCEWithLogitsLoss`.

# %%
torch.manual_seed(0)
layers = [nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)]
radio = nn.Sequential(*layers)
loader = make_loader(X_train, y_train, batch_size=100, shuffle=True)
optimizer = torch.optim.Adam(radio.parameters(), lr=0.01)
fit(radio, loader, nn.BCEWithLogitsLoss(), optimizer, epochs=30, progress=False)
correct = (predict(radio, X_test) > 0) == (y_test > 0.5)  # (N, 3)
rows = correct.all(dim=1)
print(f"labels right {correct.float().mean():.2f}   whole rows right {rows.float().mean():.2f}")

# %% [markdown]
# Two numbers, and you must say which one you report. A row is right only if all three labels are.
#
# **Predict before you run:** read the *same* logits with a softmax, and count a station as heard above 0.5.
# In places with two stations, how many can you find?

# %%
two = y_test.sum(dim=1) == 2
logits = predict(radio, X_test)
readings = {"sigmoid": torch.sigmoid(logits), "softmax": torch.softmax(logits, dim=1)}
for name, p in readings.items():
    found = ((p[two] > 0.5) & (y_test[two] > 0.5)).sum(dim=1)
    sums = p.sum(dim=1)
    print(f"{name}: finds {found.float().mean():.2f} of 2", end="   ")
    print(f"rows sum to {sums.min():.2f} … {sums.max():.2f}")
assert found.max() <= 1

# %% alt="A square map with three overlapping discs of radio reception. The learned borders, one closed curve per station in blue, orange and green, nearly coincide with the true dashed circles. A dot in the same color marks each mast. Shading shows how many stations are heard: darker where discs overlap, darkest in the middle where all three do."
sides = torch.linspace(-1, 1, 150)
xx, yy = torch.meshgrid(sides, sides, indexing="xy")
p = torch.sigmoid(predict(radio, torch.stack([xx, yy], dim=2)))  # (150, 150, 3)
heard, grays = (p > 0.5).sum(dim=2), ["#fcfcfc", "#eeeeee", "#d4d4d4", "#b0b0b0"]
fig, ax = plt.subplots(figsize=(4.8, 4.4))
ax.contourf(xx, yy, heard, levels=[-0.5, 0.5, 1.5, 2.5, 3.5], colors=grays)
for k, mast in enumerate(masts.tolist()):
    ax.contour(xx, yy, p[:, :, k], levels=[0.5], colors=[CLASS_COLORS[k]], linewidths=2.5)
    ax.add_patch(plt.Circle(mast, 0.6, fill=False, ls="--", color="black", lw=0.8))
    ax.plot(*mast, "o", color=CLASS_COLORS[k], mec="black", ms=8, label=f"station {k}")
ax.set(xlabel="kilometers east", ylabel="kilometers north", aspect="equal")
ax.set(title="Who is heard where")
ax.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))
plt.show()

# %% [markdown]
# *Each colored curve is one output's own border at p = 0.5, close to the true dashed circle; the darker the
# gray, the more stations at once.* Softmax has one unit of belief to hand out, so at most one class can be
# above one half. It has no way to say "none" or "all three". Softmax is for answers that **exclude**
# each other.

# %% [markdown]
# ## The table of choices
#
# | the question | outputs | read with | loss (takes the raw outputs) | target |
# |---|---|---|---|---|
# | how much? | 1 | nothing | `MSELoss`, `L1Loss`, `SmoothL1Loss` | float (N, 1) |
# | yes or no? | 1 | sigmoid | `BCEWithLogitsLoss` | float (N, 1), 0 or 1 |
# | yes or no, as two classes | 2 | softmax | `CrossEntropyLoss` | long (N,) |
# | which one of C? | C | softmax | `CrossEntropyLoss` | long (N,), 0 to C−1 |
# | which of C, any number? | C | sigmoid on each | `BCEWithLogitsLoss` | float (N, C), 0 or 1 |
# | what shares of C? | C | softmax | `CrossEntropyLoss` | float (N, C), rows sum to 1 |
#
# Half of this table can be checked by running it: do the shapes and dtypes fit?

# %%
N, C = 5, 4
yes = torch.tensor([0.0, 1, 1, 0, 1]).unsqueeze(1)
table = [
    ("how much?", 1, nn.MSELoss(), torch.linspace(-1, 1, N).unsqueeze(1)),
    ("yes or no?", 1, nn.BCEWithLogitsLoss(), yes),
    ("yes or no, two classes", 2, nn.CrossEntropyLoss(), yes.long().squeeze(1)),
    ("which one of C?", C, nn.CrossEntropyLoss(), torch.tensor([0, 3, 1, 2, 3])),
    ("which of C, any number?", C, nn.BCEWithLogitsLoss(), torch.eye(C)[[0, 1, 2, 3, 0]]),
    ("what shares of C?", C, nn.CrossEntropyLoss(), torch.full((N, C), 1 / C)),
]
for question, outputs, loss_fn, target in table:
    loss = loss_fn(torch.zeros(N, outputs), target)
    shape, name = tuple(target.shape), type(loss_fn).__name__
    print(f"{question:24} {outputs} → {name:18} {target.dtype!s:14} {shape!s:7} {loss:.3f}")

# %% [markdown]
# Six rows, six losses that run. (The outputs were all zero, so you see the losses of somebody who knows
# nothing: log 2 and log 4.) Which row is *right* for a task is for you to judge. Two questions decide: *is it a
# quantity or a choice?* And if it is a choice, *do the answers exclude each other?*
#
# ### Exercise logistic-5 · difficulty 1 · 4 minutes
# Four tasks. For each, give the row of the table as a pair: the number of outputs and the name of the loss class,
# as in `(3, "L1Loss")`. If two rows fit, take the one with fewer outputs.
#
# - `digit`: a photo shows exactly one of the digits 0 to 9; say which.
# - `film`: a film may carry any number of 12 tags (funny, sad, French, …), even none.
# - `rain`: will it rain tomorrow? You need the probability.
# - `millimeters`: how much rain will fall?
#
# <details><summary>Hint 1</summary>Ask of each: is the answer a quantity or a choice? If it is a choice, do the answers exclude each other?</details>
# <details><summary>Hint 2</summary>Ten digits exclude each other, twelve tags do not. A yes/no question needs one output, because P(no) = 1 − P(yes).</details>

# %% tags=["exercise"] id="logistic-5" objective="choose"
### BEGIN SOLUTION
digit = (10, "CrossEntropyLoss")
film = (12, "BCEWithLogitsLoss")
rain = (1, "BCEWithLogitsLoss")
millimeters = (1, "MSELoss")
### END SOLUTION

# %% tags=["check"]
with check("logistic-5") as c:
    given = c.attempted((digit, film, rain, millimeters))
    c.true(all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in given), observed=str(given),
           expected="four pairs", likely='write a pair such as (3, "L1Loss")')
    one_of, any_of, yes_no, amount = [(pair[0],
                                       str(getattr(pair[1], "__name__", pair[1])).split(".")[-1].removesuffix("()"))
                                      for pair in given]
    c.equal(one_of, (10, "CrossEntropyLoss"), because="one of ten",
            mistakes={(10, "BCEWithLogitsLoss"): "ten answers that exclude each other share one softmax",
                      (1, "MSELoss"): "digit 8 is no more than digit 3: these are names",
                      (9, "CrossEntropyLoss"): "the table has one output for each class",
                      (1, "CrossEntropyLoss"): "one output for each class"})
    c.equal(any_of, (12, "BCEWithLogitsLoss"), because="any of twelve",
            mistakes=[((n, name), "tags do not exclude each other: one yes/no question each, one output each")
                      for n in (1, 12, 24, 4096) for name in ("CrossEntropyLoss", "BCEWithLogitsLoss")])
    c.equal(yes_no, (1, "BCEWithLogitsLoss"), because="P(no) = 1 − P(yes)",
            mistakes={(2, "CrossEntropyLoss"): "right, but one output can do it",
                      (1, "BCELoss"): "BCELoss needs a sigmoid and saturates",
                      (1, "CrossEntropyLoss"): "a softmax over one output is always 1",
                      (2, "BCEWithLogitsLoss"): "one yes/no question, one output"})
    c.true(amount in [(1, n) for n in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")], observed=str(millimeters),
           expected="(1, a loss for quantities)", likely="millimeters are a quantity, not a class: one output")

# %% [markdown] tags=["solution"]
# `(1, "CrossEntropyLoss")` deserves a moment: a softmax over a single output is always exactly 1, so the
# loss is always 0 and nothing is ever learned. It runs without an error.

# %% [markdown] tags=["instructor"]
# **For the room:** a movie's age rating (0, 6, 12, 16, 18)? The classes are ordered; `CrossEntropyLoss`
# forgets the order, `MSELoss` on the number invents distances. There is no single right answer, and that is
# the lesson.

# %% [markdown]
# ## A number that means nothing
#
# Losses are for optimizers. People ask: *is it any good?* Here are ten machine parts, sorted by the
# probability of a fault that a model gave to each. Four are really faulty.

# %%
scores = torch.tensor([0.95, 0.85, 0.80, 0.70, 0.60, 0.45, 0.40, 0.30, 0.20, 0.10])
faulty = torch.tensor([1, 1, 0, 1, 0, 1, 0, 0, 0, 0])
flagged = (scores > 0.5).long()
tp = (flagged * faulty).sum().item()  # true positives: flagged, and rightly
fp = (flagged * (1 - faulty)).sum().item()  # false positives: false alarms
fn = ((1 - flagged) * faulty).sum().item()  # false negatives: missed
tn = ((1 - flagged) * (1 - faulty)).sum().item()  # true negatives
print("            not flagged   flagged")
print(f"sound            {tn}            {fp}")
print(f"faulty           {fn}            {tp}")

# %% [markdown]
# This table is the **confusion matrix**: rows are the truth, columns the verdict. Everything else is read
# off it.
#
# - **accuracy**, the share of right verdicts: (3 + 4) / 10.
# - **precision**: of the flagged, how many are faulty? 3 of 5. It falls with false alarms.
# - **recall**: of the faulty, how many are flagged? 3 of 4. It falls with misses.
# - **F1**, the harmonic mean of the two, which is low as soon as *one* of them is.

# %%
precision, recall = tp / (tp + fp), tp / (tp + fn)
by_hand = {
    "accuracy": (tp + tn) / len(faulty),
    "precision": precision,
    "recall": recall,
    "f1": 2 * precision * recall / (precision + recall),
}
print({name: round(value, 4) for name, value in by_hand.items()})

# %% [markdown]
# Two libraries do the same. scikit-learn wants verdicts; torchmetrics takes scores and cuts at 0.5.

# %%
functions = {  # of scikit-learn, of torchmetrics
    "accuracy": (metrics.accuracy_score, tm.binary_accuracy),
    "precision": (metrics.precision_score, tm.binary_precision),
    "recall": (metrics.recall_score, tm.binary_recall),
    "f1": (metrics.f1_score, tm.binary_f1_score),
}
for name, (sk, torchm) in functions.items():
    three = by_hand[name], sk(faulty, flagged), torchm(scores, faulty).item()
    print("{:10} by hand {:.4f}   scikit-learn {:.4f}   torchmetrics {:.4f}".format(name, *three))
    assert max(three) - min(three) < 1e-6

# %% [markdown]
# Three ways, the same digits. The libraries have the table, too:

# %%
matrix = torch.tensor([[tn, fp], [fn, tp]])
print("the same in torchmetrics:", torch.equal(matrix, tm.binary_confusion_matrix(scores, faulty)))
print("the same in scikit-learn:", matrix.tolist() == metrics.confusion_matrix(faulty, flagged).tolist())

# %% [markdown]
# From here on you may let them count.
#
# ### The threshold is yours
#
# Nobody says that it must be 0.5.
#
# **Predict before you run:** lower the threshold to 0.25. Which of precision and recall rises?

# %%
for threshold in (0.25, 0.5, 0.75, 0.9):
    verdict = scores > threshold
    count, of_flagged = verdict.sum().item(), metrics.precision_score(faulty, verdict)
    of_faulty = metrics.recall_score(faulty, verdict)
    shares = f"precision {of_flagged:.2f}   recall {of_faulty:.2f}"
    print(f"threshold {threshold:.2f}: {count} flagged   {shares}")

# %% [markdown]
# Recall rises to 1 and precision falls to 0.5: you catch every fault, and half of your alarms are false. At
# 0.9 it is the other way around. The *model* is the same in every line.
#
# Is there a number for the model itself, free of any threshold? Take one faulty and one sound part, at
# random. **How often does the faulty one get the higher score?** Lay out all 4 × 6 pairs; a tie counts
# half.

# %%
faulty_scores, sound_scores = scores[faulty == 1][:, None], scores[faulty == 0]
wins = (faulty_scores > sound_scores) + 0.5 * (faulty_scores == sound_scores)  # (4, 6)
print(wins)
print(f"{wins.sum().item():.0f} of {wins.numel()} pairs: {wins.mean().item():.4f}")
auc = metrics.roc_auc_score(faulty, scores)
print(f"scikit-learn {auc:.4f}   torchmetrics {tm.binary_auroc(scores, faulty).item():.4f}")
assert wins.mean() == auc
false_alarm_rate, recall, _ = metrics.roc_curve(faulty, scores)
print(f"area under the ROC curve: {metrics.auc(false_alarm_rate, recall):.4f}")

# %% [markdown]
# 21 of 24 pairs, 0.875. This is **ROC-AUC**, "the area under the receiver operating characteristic", a name
# from radar days for a plain thing: the share of pairs in the right order. 0.5 is a coin, 1 is perfect,
# and below 0.5, somebody may have swapped the labels.
#
# Why an area? Slide the threshold from 1 down to 0. Each stop gives a point: the share of sound parts that
# raise a false alarm, to the right, and the recall, upward. That is the **ROC curve**; the area under it is
# the same 0.8750. Draw precision against recall on the same walk, and you have the **PR curve**. You will
# see both at the end of the lesson.
#
# AUC needs only the order, so logits will do. But here is a trap where two halves of this lesson meet.
# The library torchmetrics applies a sigmoid to scores outside of [0, 1]:

# %%
sure = torch.tensor([20.0, 30.0])
for logits in (sure, sure.double()):
    auc = tm.binary_auroc(logits, torch.tensor([0, 1])).item()
    print(f"AUC of logits 20 and 30 in {logits.dtype}: {auc}")

# %% [markdown]
# The order is perfect and the AUC is 0.5. In float32 both sigmoids are 1, a tie. Hand over probabilities
# that still differ, or float64.
#
# ### Exercise logistic-6 · difficulty 2 · 7 minutes
# Your model returns logits, but your boss sets a threshold for the **probability**. Write
# `precision_recall(logits, y, threshold)`: flag where the probability is *above* the threshold, and return
# a pair of Python floats. If nothing is flagged, the precision is 0.0 by agreement; if there is nothing to
# find, so is the recall.
#
# <details><summary>Hint 1</summary>Turn the logits into probabilities first. Count the true positives, the flagged and the faulty: three numbers are enough.</details>
# <details><summary>Hint 2</summary><code>hits / max(flagged, 1)</code> is 0 when nothing is flagged, because then there are no hits either.</details>

# %% tags=["exercise"] id="logistic-6" objective="judge"
def precision_recall(logits: torch.Tensor, y: torch.Tensor, threshold: float = 0.5) -> tuple[float, float]:
    """Precision and recall of "probability above threshold".  logits, y: (N,); y holds 0 and 1."""
    ### BEGIN SOLUTION
    flags = torch.sigmoid(logits) > threshold
    hits = (flags & (y == 1)).sum().item()
    return hits / max(flags.sum().item(), 1), hits / max((y == 1).sum().item(), 1)
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-6") as c:
    wrong = {(0.5, 2 / 3): "swapped: precision divides by the flagged, recall by the faulty",
             (0.7, 0.5): "0.7 is the accuracy",
             (0.75, 0.75): "the threshold was compared with logits: apply the sigmoid first",
             (0.6, 0.75): "the threshold is not used: this is 0.5",
             (0.0, 0.0): "one sigmoid too many: a sigmoid of a probability never passes 0.74"}
    got = c.attempted(precision_recall(torch.logit(scores), faulty, 0.75))
    c.close(got, (2 / 3, 0.5), because="3 flagged, 2 of them faulty, 4 to find", mistakes=wrong)
    c.true(all(isinstance(part, float) for part in got), observed=" and ".join(type(part).__name__ for part in got),
           expected="two Python floats", likely="use .item()")
    for own, level, right, why in (([1, 0, 0], 0.5, (1.0, 1.0), "a part at the threshold is not above it"),
                                   ([1, 0, 0], 0.99, (0.0, 0.0), "nothing flagged"),
                                   ([0, 0, 0], 0.5, (0.0, 0.0), "nothing to find")):
        c.close(precision_recall(torch.tensor([2.0, 0.0, -1.0]), torch.tensor(own), level), right, because=why,
                mistakes=[((0.5, 1.0), "above means >, not >="),
                          *((bad, "0/0 is no number: say what it should be")
                            for bad in ((math.nan, 0.0), (0.0, math.nan), (1.0, 0.0), (0.0, 1.0)))])

# %% [markdown] tags=["solution"]
# Instead of squeezing all logits you can unsqueeze the threshold once: `logits > math.log(t / (1 - t))`,
# which is exercise 1. For $t = 0.5$ that is `logits > 0`, as `utils.accuracy` does it.

# %% [markdown] tags=["instructor"]
# **Ask:** which of the two does a spam filter care about, which one a cancer screening? And who should
# choose the threshold? **Watch for** `logits > threshold`, which is a common bug in evaluation
# code. **Timing:** 7 minutes.

# %% [markdown]
# ## One in a hundred
#
# Now for the detectors from the first paragraph. There are four thousand parts, with two measurements each, and
# one part in a hundred is faulty. The faulty ones are shifted, but the clouds overlap.

# %%
def machine_parts(n, generator):
    """n parts, one in a hundred faulty: X (n, 2) floats, y (n, 1) with 0. and 1."""
    y = (torch.arange(n) % 100 == 0).float().unsqueeze(1)
    return torch.randn(n, 2, generator=generator) + y * torch.tensor([1.6, 1.2]), y


generator = torch.Generator().manual_seed(0)
X_train, y_train = machine_parts(4000, generator)
X_test, y_test = machine_parts(4000, generator)
print("faulty in the test set:", int(y_test.sum().item()), "of", len(y_test))

# %% [markdown]
# Three detectors. The **baseline** says "sound" to everything. The *plain* one is logistic regression as
# you know it. The *weighted* one counts every faulty part 99 times: `pos_weight` multiplies the $y\log p$
# half of the loss.
#
# **Predict before you run:** which of the three has the best accuracy?

# %%
always_no = nn.Linear(2, 1)
nn.init.zeros_(always_no.weight)
nn.init.constant_(always_no.bias, -10.0)
detectors, loader = {"baseline": always_no}, make_loader(X_train, y_train, batch_size=4000)
for name, weight in (("plain", 1.0), ("weighted", 99.0)):
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([weight]))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
    fit(model, loader, loss_fn, optimizer, epochs=100, progress=False)
    detectors[name] = model

# %%
truth = y_test.long().ravel()
for name, model in detectors.items():
    p = torch.sigmoid(predict(model, X_test)).ravel()
    (tn, fp), (fn, tp) = metrics.confusion_matrix(truth, p > 0.5).tolist()
    correct, auc = (tp + tn) / 4000, metrics.roc_auc_score(truth, p)
    counts = f"found {tp:2} of {tp + fn}   false alarms {fp:3}"
    print(f"{name:9} accuracy {correct:.3f}   {counts}   AUC {auc:.2f}")

# %% [markdown]
# The baseline is right 99 times in 100 and finds nothing. The plain model looks a shade better and finds only
# a handful. The weighted one has by far the **worst accuracy**, and it finds nearly nine in ten of
# the faults. If a missed fault means a broken machine and a false alarm means a second look, the last one is
# the best buy so far.
#
# Always print the baseline beside your number.
#
# And look at the last column. The plain and the weighted model have about the same AUC: they put the parts
# in the same *order*. Did the weight of 99 teach the model anything about faults, then?

# %%
plain, weighted = detectors["plain"], detectors["weighted"]
print(f"bias: plain {plain.bias.item():.1f}, weighted {weighted.bias.item():.1f}")
print(f"log 99 = {math.log(99):.1f}")
for name, model in (("plain", plain), ("weighted", weighted)):
    print(f"{name} model, mean p: {torch.sigmoid(predict(model, X_test)).mean().item():.3f}")
p = torch.sigmoid(predict(plain, X_test)).ravel()
for threshold in (0.5, 1 / (1 + 99)):
    flags = p > threshold
    found, alarms = flags[truth == 1].sum().item(), flags[truth == 0].sum().item()
    print(f"plain model, threshold {threshold:.2f}: found {found} of 40, false alarms {alarms}")

# %% [markdown]
# The weight of 99 has raised the bias by 4; a clean factor of 99 on the odds would be 4.6, and forty faults
# are few to learn from. Now put the price into the threshold instead. If a miss costs as much as 99 false
# alarms, flag as soon as the odds pass 1 to 99: a threshold of 1/(1 + 99) = 0.01. With it the plain model finds
# 36 where the weighted one found 35, for 765 false alarms against 616: about the same trade. Here, weighting is
# mostly a threshold in disguise. And the plain model has kept honest probabilities: 0.011 on average, where 0.010
# are faulty. The weighted model says 0.223. So this is the one to buy: **the plain model, with a threshold that
# knows the prices.** (Where you *tune* a threshold, do it on validation data, never on the test set you report.)

# %% alt="Two panels. Left, ROC curves of recall against false-alarm rate: the plain and the weighted model's curves lie almost on top of each other, far above the diagonal of a coin. The dot for the plain model's threshold 0.5 sits in the lower left corner near zero recall, the square for the weighted model sits at a recall near 0.9 and 15 percent false alarms. Right, precision against recall: precision is high only at a recall below 0.3 and falls below ten percent by the time recall reaches 0.7; a dotted line marks the base rate of one percent."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6))
for name, color, style, mark in (("plain", TRAIN, "-", "o"), ("weighted", VALID, "--", "s")):
    p = torch.sigmoid(predict(detectors[name], X_test)).ravel()
    fpr, tpr, _ = metrics.roc_curve(truth, p)
    left.plot(fpr, tpr, color=color, ls=style, label=name)
    at = (p > 0.5)[truth == 0].float().mean(), (p > 0.5)[truth == 1].float().mean()
    left.plot(*at, mark, color=color, ms=9, mec="black", label=f"{name}, threshold 0.5")
    prec, rec, _ = metrics.precision_recall_curve(truth, p)
    right.plot(rec[:-1], prec[:-1], color=color, ls=style, label=name)
left.plot([0, 1], [0, 1], color="#888888", ls=":", label="a coin")
right.axhline(0.01, color="#888888", ls=":", label="flag everything")
left.set(xlabel="false alarms / sound parts", ylabel="recall", title="ROC: the order is good")
right.set(xlabel="recall", ylabel="precision", title="… and the alarms are mostly false")
left.legend(loc="lower right")
right.legend()
plt.show()

# %% [markdown]
# *Left: both models have nearly the same ROC curve, and the threshold 0.5 sits at two different places on
# it. Right: by the time recall passes 0.7, fewer than one alarm in ten is a real fault.* AUC is blind to
# how rare faults are, so for rare things, look at precision and recall too.
#
# ### Exercise logistic-7 · difficulty 3 · 10 minutes
# So where should the threshold be? Where it is cheapest. Write `best_threshold(p, y, missed, alarm)`: try
# **every value in** `p` (in any order) as a threshold `t`. Flag the parts with `p >= t` (a part *at* the
# threshold counts this time), and add up the bill: `missed` for each faulty part that is not flagged, `alarm`
# for each sound part that is. Return the `t` (a Python float) with the lowest bill. If several are cheapest,
# any of them will do.
#
# <details><summary>Hint 1</summary>Write the bill for one <code>t</code> first, as an inner function of <code>t</code>. Then it is <code>min(candidates, key=bill)</code>.</details>
# <details><summary>Hint 2</summary>Missed: <code>((p < t) & (y == 1)).sum()</code>. False alarms: <code>((p >= t) & (y == 0)).sum()</code>. Weigh them and add.</details>

# %% tags=["exercise"] id="logistic-7" objective="judge"
def best_threshold(p: torch.Tensor, y: torch.Tensor, missed: float, alarm: float) -> float:
    """The cheapest threshold among the values of p.  p: probabilities (N,).  y: 0 and 1, (N,)."""
    ### BEGIN SOLUTION
    def bill(t):
        return missed * ((p < t) & (y == 1)).sum() + alarm * ((p >= t) & (y == 0)).sum()

    return min(p.tolist(), key=bill)
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-7") as c:
    belief, state = torch.tensor([0.4, 0.7, 0.1, 0.9, 0.6, 0.95, 0.3, 0.2, 0.45, 0.8, 0.55]), torch.tensor([0, 1, 1,
                                            0, 0, 1, 0, 0, 1, 1, 0])
    wrong = {0.95: "missed and alarm are swapped, or only false alarms were counted",
             0.1: "false alarms cost something too", 0.7: "the prices are not used: that has the fewest mistakes",
             0.4: "flag p >= t: the part at the threshold counts as flagged", 0.9: "that is the most expensive",
             11: "that is the lowest bill: return its t", 8: "that is a place in p: return the value there",
             2 / 7: "a formula needs honest probabilities: try the values in p, and add up each bill"}
    t = c.attempted(best_threshold(belief, state, missed=5, alarm=2))
    c.close(t, 0.45, because="1 missed, 3 false alarms: a bill of 5 + 6", mistakes=wrong)
    c.kind(t, float)
    c.close(best_threshold(belief, state, missed=2, alarm=5), 0.95,
            because="with expensive alarms, flag only the surest one",
            mistakes={0.45: "the same t for other prices: use missed and alarm", 0.7: "the prices are not used",
                      0.1: "false alarms cost something too"})

# %% [markdown] tags=["solution"]
# If the probabilities are honest (*calibrated*, lesson 05), there is a formula: flagging costs
# $(1-p)\cdot$alarm, not flagging costs $p\cdot$missed, so flag where $p >$ alarm / (alarm + missed). For the
# machine parts, with prices of 99 and 1, that is the 0.01 from above.

# %% [markdown] tags=["instructor"]
# **Ask** who in a company knows the two prices (not the data scientist). **Watch for** counting with `>` in
# one place and `>=` in the other. **Fast groups:** plot the bill over all thresholds of the 4000 parts, and
# mark 0.5. **Timing:** 10 minutes.

# %% [markdown]
# ## Old code you will meet
#
# | you will see | write today | why |
# |---|---|---|
# | `F.sigmoid(z)` | `torch.sigmoid(z)` | the same function; older versions call it deprecated |
# | `F.softmax(z)`, `nn.Softmax()` | `torch.softmax(z, dim=1)`, `nn.Softmax(dim=1)` | the guessed `dim` depends on the rank |
# | `sigmoid` at the end of `forward`, then `nn.BCELoss()` | logits, then `nn.BCEWithLogitsLoss()` | the sigmoid saturates, and then nothing is learned |
# | `nn.LogSoftmax(dim=1)` at the end, then `nn.NLLLoss()` | logits, then `nn.CrossEntropyLoss()` | correct, but two parts that must be kept in step |
# | `nn.Softmax(dim=1)` at the end, then `nn.CrossEntropyLoss()` | leave the softmax out | never correct: softmax twice |
# | `nn.BCELoss(size_average=False)` | `nn.BCELoss(reduction="sum")` | two switches (`size_average`, `reduce`) became one word |
# | `loss.data[0]` | `loss.item()` | a scalar has no element 0 any more |
# | `Variable(x)` | `x` | tensors and variables are one since version 0.4 |
#
# Without `dim`, softmax still runs, with a warning. Turn warnings into errors and you can read it. The second
# half of the cell shows which `dim` it guesses:

# %%
with warnings.catch_warnings():
    warnings.simplefilter("error")
    with expect_error(UserWarning):
        F.softmax(torch.zeros(2, 3, 4))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    for shape in ((4,), (3, 4), (2, 3, 4)):
        guess = F.softmax(torch.zeros(shape))
        ones = [d for d in range(len(shape)) if torch.allclose(guess.sum(d), torch.ones(()))]
        print(f"rank {len(shape)}: the sums are 1 along dim {ones}")

# %% [markdown]
# For a batch of rows it guesses dim 1, as you would; with one dimension more it guesses dim **0** and
# normalizes across the batch. Always write the `dim`.

# %% [markdown]
# ## What you take along
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `torch.sigmoid(z)` | logit → probability, elementwise | any → same |
# | `torch.logit(p)` | probability → logit | any → same |
# | `torch.softmax(z, dim=1)` | logits → probabilities that sum to 1 along `dim` | (N, C) → (N, C) |
# | `torch.logsumexp(z, dim=1)` | log Σ exp without overflow | (N, C) → (N,) |
# | `F.one_hot(y, num_classes=C)` | class numbers → rows of 0 and 1 (integers) | (N,) → (N, C) |
# | `nn.BCEWithLogitsLoss()` | sigmoid and binary cross-entropy in one | (N, 1), float (N, 1) → () |
# | `nn.BCELoss()` | the same from probabilities, cut at 100 | (N, 1), float (N, 1) → () |
# | `nn.CrossEntropyLoss()` | softmax, log and pick in one | (N, C), long (N,) → () |
# | `F.nll_loss(logp, y)` | picks from log-probabilities | (N, C), long (N,) → () |
# | `F.kl_div(log_q, p, reduction="sum")` | KL(p ‖ q) in nats | (n,), (n,) → () |
# | `pos_weight=` | multiplies the price of a missed positive | (C,) or (1,) |
# | `metrics.confusion_matrix(y, pred)` | counts; rows truth, columns verdict | (N,), (N,) → (C, C) |
# | `metrics.roc_auc_score(y, score)` | share of pairs in the right order | (N,), (N,) → number |
#
# Three sentences to keep. The model returns **logits**, the loss takes logits, and sigmoid or softmax is
# for people. Cross-entropy is what your model's belief costs in bits when the world pays. And a metric
# without a baseline beside it is a number that means nothing.
#
# Next comes a real table of 768 patients, in which zeros mean "missing" and a widely copied file has its
# labels flipped. Logistic regression will be there too: as the baseline that a network has to beat.
