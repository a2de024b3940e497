# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Logistic regression and classification
#     summary: from odds to softmax and cross-entropy, the accuracies that mean nothing, and a first network of your own
#     path: "A line becomes a probability, the probability gets a price, two classes become many, you learn which number to believe, and a network of your own sorts three spirals."
#     needs: [03_linear_regression]
#     data: []
#     objectives:
#       probability: go from a logit to odds and a probability and back, and write a binary cross-entropy that cannot overflow
#       softmax: calculate softmax and cross-entropy by hand, to the digits that PyTorch prints, in nats and in bits
#       choose: pick outputs, activation, loss and target for a new task
#       judge: calculate precision and recall at any threshold, and unmask an accuracy that means nothing
#       network: write and train, alone, a network that sorts what no straight line can
# ---

# %% [markdown]
# At the end of this lesson two maps wait for you: two moons and three spirals. On new points, a model with
# straight borders gets **0.88** of the moons right and **0.36** of the spirals. You will write the network that gets more than **0.95** of both, and the loop that
# trains it, from an empty cell.
#
# On the way there, a straight line becomes a probability, the probability gets a price, and you meet a fault
# detector that is right 99 times in 100 and has never found a single fault.

# %%
import copy
import math
import warnings

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn import metrics
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from torch import nn
from torch.func import jacrev
from torchmetrics.functional import classification as tm

from utils import accuracy, check, evaluate, expect_error, fit, make_loader, predict
from utils.plotting import CLASS_COLORS, TRAIN, VALID, plot_boundary

plt.style.use("utils.course")

# %% [markdown]
# ## Prepare data
#
# Here are three students. `X` holds hours of study, `y` says who passed.

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
# **Predict before you run:** a fourth student studies 20 hours and passes. What does
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
# logit multiplies the odds by $e \approx 2.718$, and the last column repeats the first: **the logit is the
# logarithm of the odds.** ($\log$ here and in PyTorch is the natural logarithm, your calculator's ln.) So *logistic regression* fits a line to log odds.
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
# In PyTorch the model is the one you know, `nn.Linear`. It returns **logits**. `torch.sigmoid` is applied when
# a person wants to read the answer; you will soon see why it is not built in.

# %%
torch.manual_seed(0)
model = nn.Linear(1, 1)
logits = model(X)  # (N, 1) → (N, 1)
print("logits       ", [round(v, 3) for v in logits.ravel().tolist()])
print("probabilities", [round(v, 3) for v in torch.sigmoid(logits).ravel().tolist()])

# %% [markdown]
# This model has learned nothing yet: its weight and bias are random.
#
# ### Exercise logistic-1 · difficulty 1 · 3 minutes
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
    some, more = torch.tensor([0.1, 0.5, 0.9]), torch.tensor([[0.2, 0.99]])
    wrong = [(some / (1 - some), "these are the odds: their logarithm is missing"),
             (torch.log(some), "log p forgets the probability against"),
             (torch.log(some) / (1 - some), "divide first: the logarithm is taken of the odds"),
             (torch.full((3,), math.nan), "a logarithm of a negative number: against is 1 - p, not p - 1"),
             (torch.sigmoid(some), "that squeezes once more: walk back"),
             (torch.log((1 - some) / some), "for and against are swapped"),
             *((log(some / (1 - some)), "base e, not 2 or 10") for log in (torch.log2, torch.log10))]
    with c.untouched(some, more):
        got, back = c.attempted(logit_of(some)), logit_of(more)
    c.close(got, torch.tensor([-2.1972, 0.0, 2.1972]), because="0.9 has odds of 9 to 1, and log 9 = 2.1972",
            mistakes=wrong)
    c.close(back, torch.tensor([[-1.38629, 4.59512]]))
    c.close(torch.sigmoid(back), more, because="and the sigmoid leads back")

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
# It is the likelihood, made safe.
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
# Remember 0.69, which is $\log 2$: with two equally common classes, a classifier whose loss sits there has learned nothing yet.
#
# ### Why models return logits
#
# You could end the model in a sigmoid and use `nn.BCELoss`, which takes probabilities. Or keep the logits and use
# `nn.BCEWithLogitsLoss`, which has the sigmoid inside. On paper they are the same. Floats disagree: in
# float32, $\sigma(17)$ is exactly 1.
#
# Here are four samples of class 0, with logits ever surer of class 1. All are wrong, so the true loss is
# about $z$ and its slope about 1.
#
# **Predict before you run:** what does each loss say at $z = 200$?

# %%
z = torch.tensor([5.0, 15.0, 20.0, 200.0], requires_grad=True)
target = torch.zeros(4)
cut = nn.BCELoss(reduction="none")(torch.sigmoid(z), target)
exact = nn.BCEWithLogitsLoss(reduction="none")(z, target)
for name, losses in (("BCELoss", cut), ("BCEWithLogitsLoss", exact)):
    (slopes,) = torch.autograd.grad(losses.sum(), z)
    print(f"{name:17} losses {[round(v, 2) for v in losses.tolist()]}", end="   ")
    print("slopes", [round(v, 2) for v in slopes.tolist()])
assert torch.allclose(exact, z, atol=0.01) and cut[2:].eq(100).all()

# %% [markdown]
# At 5 they agree, at 15 nearly. From 17 on the sigmoid *is* 1, $\log(1-p)$ is minus infinity, and `BCELoss` cuts it off at 100:
# five times too much at 20, half of the truth at 200. Worse is its slope, **zero**: the model learns nothing from
# its worst mistakes. The slope of `BCEWithLogitsLoss` is $p-y$, how far $p$ is from the truth: 0.993 − 0 at $z=5$, and 1.0 at 15. So the models of this
# course return logits. The side door *Over the edge* shows how the loss avoids overflow.
#
# Three errors that you will meet with these losses:

# %%
with expect_error(RuntimeError):
    F.binary_cross_entropy(torch.tensor([1.2]), torch.tensor([1.0]))
with expect_error(RuntimeError):
    F.binary_cross_entropy_with_logits(torch.zeros(3, 1), torch.tensor([[0], [0], [1]]))
with expect_error(ValueError):
    F.binary_cross_entropy_with_logits(torch.zeros(3, 1), torch.tensor([0.0, 0.0, 1.0]))

# %% [markdown]
# *All elements of input should be between 0 and 1*: `BCELoss` was given a logit; use the `WithLogits` loss. *Can't be
# cast to the desired output type Long*: make the target float, `y.float()`. *Target size ([3]) must be the same
# as input size ([3, 1])*: `y.unsqueeze(1)`, or `logits.squeeze(1)`. `MSELoss` would only warn,
# and broadcast to a 3×3 table.

# %% [markdown]
# ## Train and judge
#
# Three students, logits, `BCEWithLogitsLoss`, `SGD`. The loop is the one you built in lesson 03; from now
# on it comes from `utils`, as `fit` and `make_loader`, and `fit??` in a cell shows it.

# %% within="0.01"
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

# %% within="0.02"
early = copy.deepcopy(model)  # for the picture below
for more in (0, 200, 700):
    if more:
        history = fit(model, loader, loss_fn, optimizer, epochs=more, progress=False)
    w, b, loss = model.weight.item(), model.bias.item(), history["loss"][-1]
    print(f"w = {w:.2f}   loss {loss:.3f}   changes its mind at {-b / w:.2f} hours")

# %% [markdown]
# It does not settle. The boundary hardly moves anymore: it creeps toward 2.5, halfway between a fail and a
# pass. But these data are **separable**: one cut sorts them without a mistake. So a steeper curve always fits
# a little better, and the weight grows forever, slower and slower. The model ends up claiming near-certainty
# from three samples.

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
# steepens toward a step halfway between the students at 2 and 3 hours.*
#
# ### A line on a map
#
# With two numbers per sample, the picture becomes a map. Take two species of beetle, measured in wing length
# and weight (in standard units, so 0 is the average). They overlap, as beetles do. Two columns in `X`, so two
# weights; one yes/no answer, so one logit. Nothing else changes.

# %% within="0.01"
def beetles(n, generator):
    """n samples, half of each species: X (n, 2) floats, y (n, 1) with 0. and 1."""
    y = (torch.arange(n) % 2).float().unsqueeze(1)
    centers = torch.tensor([[-0.8, -0.5], [0.8, 0.5]])
    return centers[y.long().squeeze(1)] + 0.8 * torch.randn(n, 2, generator=generator), y


generator = torch.Generator().manual_seed(1)
X_train, y_train = beetles(200, generator)
torch.manual_seed(0)
model = nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
loader = make_loader(X_train, y_train, batch_size=200)
fit(model, loader, nn.BCEWithLogitsLoss(), optimizer, epochs=100, progress=False)
X_other, y_other = beetles(200, generator)
fresh = make_loader(X_other, y_other, batch_size=200)
measured = evaluate(model, fresh, nn.BCEWithLogitsLoss(), {"accuracy": accuracy})
print("200 new beetles:", {name: round(value, 3) for name, value in measured.items()})

# %% [markdown]
# The model is right on almost nine in ten beetles it has never seen, and its loss is far below the 0.693 of a
# coin. Where are the others? The model says "species 1" where $w_1x_1+w_2x_2+b>0$. The **decision boundary**
# runs where the sum **is** 0, a straight line. The weight vector is at a right angle to it.

# %% alt="A map of 200 beetles, wing length across and weight up. Blue circles fill the lower left, orange squares the upper right; they overlap in the middle. A steep straight black line from upper left to lower right divides the shaded blue side from the shaded orange side. Dotted lines parallel to it mark the probabilities 0.1 and 0.9; all three carry their number at the bottom. A short arrow, the weight vector, stands at a right angle on the line. Black rings mark the mistakes, most of them between the dotted lines."
(w1, w2), b = model.weight[0].tolist(), model.bias.item()
fig, ax = plt.subplots(figsize=(5.4, 4.2))
plot_boundary(ax, model, X_other, y_other)
wrong = ((predict(model, X_other) > 0) != (y_other > 0.5)).ravel()
rings = dict(s=60, facecolor="none", edgecolor="black", label=f"{wrong.sum()} mistakes")
ax.scatter(*X_other[wrong].T, **rings)
ax.legend(loc="lower left", facecolor="white", frameon=True)
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
# *The 200 new beetles, circles of species 0, squares of species 1. The solid line is p = 0.5, the dotted lines are p = 0.1 and p = 0.9, the arrow is the direction of
# the weights. The rings are the mistakes: most lie between the dotted lines, where the model itself is not sure.* A sigmoid bends the *probability*, never the
# *boundary*. Once
# the line has found its place, a beetle on the wrong side of it stays wrong.

# %% [markdown]
# ## More than two answers
#
# With three classes the model returns three logits per sample, and you want three probabilities that sum to
# 1. Raise $e$ to each logit, so that all are positive, and divide by the sum. That is **softmax**:
# $\mathrm{softmax}(z)_k = e^{z_k}/\sum_j e^{z_j}$. With two classes and logits $z$ and 0, the first gets $e^z/(e^z+1)$: the sigmoid.
#
# Four samples, three classes. Watch the
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
print("naive:  ", ((Z[0] + 100).exp() / (Z[0] + 100).exp().sum()).tolist())
print("library:", [round(v, 4) for v in torch.softmax(Z[0] + 100, dim=0).tolist()])
assert torch.allclose(torch.softmax(Z[0] + 100, dim=0), P[0], atol=1e-5)

# %% [markdown]
# Nothing happens to the probabilities: $e^{100}$ stands above and below the fraction bar and cancels. Only the
# *differences* between logits matter. The naive formula gets `inf / inf = nan`; the library subtracts the
# largest logit first, so that no exponent is above 0.
#
# ### Four numbers, three routes
#
# The loss is the same price as before: $-\log$ of the probability that the right class got. **Route one** follows
# the definition, $-\sum_k y_k\log p_k$, where $y$ is a **one-hot** row: 1 at the right class, 0 elsewhere.
# **Route two** picks the right logarithm instead of multiplying the others by zero: `nll_loss` (*negative
# log-likelihood*) wants **logarithms** and class numbers. **Route three** starts at the logits and does everything in
# one stable step. It is the one to use.

# %%
one_hot = F.one_hot(labels, num_classes=3).float()  # (N, C), the rows of the identity matrix
print(one_hot)
each = -(one_hot * P.log()).sum(dim=1)
picked = F.nll_loss(P.log(), labels, reduction="none")
direct = F.cross_entropy(Z, labels, reduction="none")
for name, losses in (("by definition", each), ("nll_loss", picked), ("cross_entropy", direct)):
    print(f"{name:13} {[round(v, 4) for v in losses.tolist()]}   mean {losses.mean():.4f}")
assert torch.allclose(each, torch.tensor([0.9698, 0.8801, 1.0527, 0.8314]), atol=5e-5)
assert math.isclose(each.mean().item(), 0.9335, abs_tol=5e-5)

# %% [markdown]
# Compare the mean, 0.9335, with $\log 3 = 1.0986$, the
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
# softmax, and `cross_entropy` takes a softmax of that. Its own number looks harmless; the third line gives it away: a *perfect* model
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
# Class numbers must be integers, as a rule `long`, of shape (N,). A whole distribution per sample must be float and of shape
# (N, C); `one_hot` returns integers, so it needs `.float()`.
#
# ### Exercise logistic-2 · difficulty 2 · 6 minutes
# The fourth route is your own. Write `softmax_cross_entropy(Z, labels)`: the **mean** cross-entropy, straight
# from logits, as a scalar tensor that autograd can differentiate, for logits of any size. For one sample it is $-\log\frac{e^{z_t}}{\sum_j e^{z_j}} =
# \log\sum_j e^{z_j} - z_t$, where $t$ is the right class. `torch.logsumexp(Z, dim)` is the logarithm of a sum of
# exponentials without overflow. It is allowed; `softmax`, `log_softmax`, `nll_loss` and `cross_entropy` are not (on
# your honor).
#
# <details><summary>Hint 1</summary>Two numbers per sample: <code>torch.logsumexp(Z, dim=1)</code> and the logit at the right class.</details>
# <details><summary>Hint 2</summary>Pick one element per row with two index lists: <code>Z[torch.arange(len(Z)), labels]</code>. <code>Z[labels]</code> would pick whole rows.</details>

# %% tags=["exercise"] id="logistic-2" objective="softmax"
def softmax_cross_entropy(Z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy.  Z: logits (N, C).  labels: class numbers (N,).  Returns: a scalar."""
    ### BEGIN SOLUTION
    right = Z[torch.arange(len(Z)), labels]
    return (torch.logsumexp(Z, dim=1) - right).mean()
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-2") as c:
    wrong = [(each, "one number per sample: take the mean"), (each.sum(), "the sum: take the mean"),
             (-each.mean(), "the sign is flipped"), (F.cross_entropy(P, labels), "a softmax of a softmax"),
             ((Z.logsumexp(0)[labels] - Z[range(4), labels]).mean(), "the sum runs over samples: dim=1"),
             ((Z.logsumexp(1, True) - Z[labels]).mean(), "Z[labels] picks whole rows"),
             ((Z.logsumexp(1) - Z.amax(1)).mean(), "that is the largest logit: take the one at the right class"),
             (Z.logsumexp(1).mean() - Z[:, labels].mean(), "Z[:, labels] picks whole columns, (N, N)")]
    with c.untouched(*(given_rows := (Z.clone(), labels.clone()))):
        got = c.attempted(softmax_cross_entropy(*given_rows))
    c.close(got, 0.933504, because="the mean of the four numbers", mistakes=wrong)
    huge = torch.tensor([[1000.0, 0, 0, 0], [0, 0, 1000, 0], [0, 0, 0, 0]], requires_grad=True)
    told = softmax_cross_entropy(huge, torch.tensor([0, 0, 3]))
    over = "exp overflowed, or a log met 0: use torch.logsumexp on each row"
    c.close(told, 333.79543, because="(0 + 1000 + log 4) / 3",
            mistakes={math.inf: over, -math.inf: over, math.nan: over})
    c.kind(told, torch.Tensor)
    c.true(told.requires_grad, observed="a number without a graph", expected="a loss that can be differentiated")
    c.close(torch.autograd.grad(told, huge)[0] * 12, torch.tensor([[0.0, 0, 0, 0], [-4, 0, 4, 0], [1, 1, 1, -3]]),
            because="and its slope is softmax − one-hot, over N")

# %% [markdown] tags=["solution"]
# "Log-sum-exp minus the right logit" is all there is to the loss that trained most networks you have heard
# of. Read it as a competition: the log-sum-exp is a soft maximum, so the loss is near 0 when the right
# logit *is* the maximum, by a distance.

# %% [markdown] tags=["instructor"]
# **Watch for** `Z[labels]` and `Z[:, labels]` (an (N, N) table whose mean is a plausible number). **Ask the
# room:** what is the loss when all logits are equal? (log C.) When one class gets +1,000,000?

# %% [markdown]
# ## Which loss?
#
# Two questions lead to the row. Is the answer *a quantity or a choice?* And
# if it is a choice, *do the answers exclude each other?*
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
# Do the shapes and dtypes of the table fit? Here every output is zero, so each loss is that of
# somebody who knows nothing:

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
# Guessing between two answers costs log 2 = 0.693; between four, log 4 = 1.386. A fresh classifier whose first loss is far above that has a fault before training
# begins. All
# six run; you must judge which is *right* for a task.
#
# ### Exercise logistic-3 · difficulty 1 · 3 minutes
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

# %% tags=["exercise"] id="logistic-3" objective="choose"
### BEGIN SOLUTION
digit = (10, "CrossEntropyLoss")
film = (12, "BCEWithLogitsLoss")
rain = (1, "BCEWithLogitsLoss")
millimeters = (1, "MSELoss")
### END SOLUTION

# %% tags=["check"]
with check("logistic-3") as c:
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
# ## Which number to believe
#
# Losses are for optimizers. People ask: *is it any good?* Here are ten machine parts, sorted by the fault probability that a model gave each. Four are really faulty.

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
f1 = 2 * precision * recall / (precision + recall)
functions = {  # by hand, of scikit-learn (takes verdicts), of torchmetrics (cuts scores at 0.5)
    "accuracy": ((tp + tn) / 10, metrics.accuracy_score, tm.binary_accuracy),
    "precision": (precision, metrics.precision_score, tm.binary_precision),
    "recall": (recall, metrics.recall_score, tm.binary_recall),
    "f1": (f1, metrics.f1_score, tm.binary_f1_score),
}
for name, (own, sk, torchm) in functions.items():
    three = own, sk(faulty, flagged), torchm(scores, faulty).item()
    print("{:10} by hand {:.4f}   scikit-learn {:.4f}   torchmetrics {:.4f}".format(name, *three))
    assert max(three) - min(three) < 1e-6

# %% [markdown]
# From here on, let a library count.
#
# The threshold of 0.5 is a habit and not a law. Lower it, and you flag more parts: recall can only rise, and precision
# usually falls.
#
# ### Exercise logistic-4 · difficulty 2 · 6 minutes
# Your model returns logits, but your boss sets a threshold for the **probability**. Write
# `precision_recall(logits, y, threshold)`: flag where the probability is *above* the threshold, and return
# a pair of Python floats. If nothing is flagged, the precision is 0.0 by convention; if there is nothing to
# find, so is the recall.
#
# <details><summary>Hint 1</summary>Turn the logits into probabilities first. Count the true positives, the flagged and the faulty: three numbers are enough.</details>
# <details><summary>Hint 2</summary><code>hits / max(flagged, 1)</code> is 0 when nothing is flagged, because then there are no hits either.</details>

# %% tags=["exercise"] id="logistic-4" objective="judge"
def precision_recall(logits: torch.Tensor, y: torch.Tensor, threshold: float = 0.5) -> tuple[float, float]:
    """Precision and recall of "probability above threshold".  logits, y: (N,); y holds 0 and 1."""
    ### BEGIN SOLUTION
    flags = torch.sigmoid(logits) > threshold
    hits = (flags & (y == 1)).sum().item()
    return hits / max(flags.sum().item(), 1), hits / max((y == 1).sum().item(), 1)
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-4") as c:
    wrong = {(0.5, 2 / 3): "swapped: precision divides by the flagged, recall by the faulty",
             (0.7, 0.5): "0.7 is the accuracy",
             (0.75, 0.75): "the threshold was compared with logits: apply the sigmoid first",
             (0.6, 0.75): "the threshold is not used: this is 0.5",
             (0.0, 0.0): "one sigmoid too many: a sigmoid of a probability never passes 0.74"}
    with c.untouched(*(given_rows := (torch.logit(scores), faulty.clone()))):
        got = c.attempted(precision_recall(*given_rows, 0.75))
    c.close(got, (2 / 3, 0.5), because="3 flagged, 2 of them faulty, 4 to find", mistakes=wrong)
    c.true(isinstance(got, tuple | list) and all(isinstance(part, float) for part in got),
           observed=f"{got!r:.90}", expected="two Python floats", likely="use .item()")
    c.close(precision_recall(torch.tensor([1.0, -3, -0.5]), torch.tensor([1.0, 1, 0])), (1.0, 0.5),
            because="0.5 is the threshold if none is given")
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
# code.

# %% [markdown]
# ### One in a hundred
#
# Now for the fault detector from the opening. There are four thousand parts, with two measurements each, and
# one part in a hundred is faulty. The faulty ones are shifted, but the clouds overlap.
#
# The **baseline** says "sound" to everything. The *plain* detector is logistic regression as you know it. The
# *weighted* one counts every faulty part 99 times: `pos_weight` multiplies the $y\log p$ half of the loss. (Adam is used like `SGD`; lesson 05 says more.)

# %%
def machine_parts(n, generator):
    """n parts, one in a hundred faulty: X (n, 2) floats, y (n, 1) with 0. and 1."""
    y = (torch.arange(n) % 100 == 0).float().unsqueeze(1)
    return torch.randn(n, 2, generator=generator) + y * torch.tensor([1.6, 1.2]), y


generator = torch.Generator().manual_seed(0)
parts, parts_test = machine_parts(4000, generator), machine_parts(4000, generator)
detectors, loader = {}, make_loader(*parts, batch_size=4000)
for name, weight in (("plain", 1.0), ("weighted", 99.0)):
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([weight]))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
    fit(model, loader, loss_fn, optimizer, epochs=100, progress=False)
    detectors[name] = model

# %% [markdown]
# **Predict before you run:** which of the three has the best accuracy on 4000 new parts, and which finds the most
# of their 40 faults?

# %%
truth = parts_test[1].ravel()  # (4000,), 40 of them 1
verdicts = {"baseline": torch.zeros(4000)}
for name, model in detectors.items():
    verdicts[name] = (predict(model, parts_test[0]).ravel() > 0).float()
for name, verdict in verdicts.items():
    (tn, fp), (fn, tp) = metrics.confusion_matrix(truth, verdict).tolist()
    print(f"{name:9} accuracy {(tp + tn) / 4000:.3f}", end="   ")
    print(f"found {tp:2} of {tp + fn}   false alarms {fp:3}")

# %% [markdown]
# The baseline is right 99 times in 100 and finds nothing. The plain model looks a shade better and finds only
# a handful. The weighted one has by far the **worst accuracy**, 0.845, and finds 35 of the 40. If a missed fault
# means a broken machine and a false alarm means a second look, the "worst" of these three verdicts is the only one worth having. (The plain *model* is no worse,
# only its threshold of 0.5, which the side door *Thresholds and prices* lowers.)
#
# So: **print the baseline beside your number, and say which mistakes you can afford.**

# %% [markdown]
# ## What a straight line cannot do
#
# Two maps are left. On the first, two moons; on the second, three arms wound around each other. Softmax
# regression, one linear layer with an output for each class, is the strongest model you have so far.

# %% alt="Two maps of points. Left, two half moons in blue circles and orange squares that reach into each other. Right, three interleaved spiral arms in blue, orange and green."
def spirals(n, generator):
    """Three arms of n points each: X (3n, 2) floats, y (3n,) class numbers."""
    radius = torch.linspace(0.15, 1, n).repeat(3)
    arm = torch.arange(3).repeat_interleave(n)
    shake = 0.15 * torch.randn(3 * n, generator=generator)
    angle = 7 * radius + arm * 2 * math.pi / 3 + shake
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1), arm


def moons(n, seed):
    """Two half moons, n points in all: X (n, 2) floats, y (n,) class numbers."""
    X, y = make_moons(n, noise=0.15, random_state=seed)
    return torch.tensor(X).float(), torch.tensor(y)


maps = {"moons": moons(300, seed=0), "spirals": spirals(100, torch.Generator().manual_seed(0))}
new = {"moons": moons(900, seed=1), "spirals": spirals(300, torch.Generator().manual_seed(1))}
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.6))
for ax, (name, (X_map, y_map)) in zip(axes, maps.items(), strict=True):
    for k in y_map.unique().tolist():
        ax.scatter(*X_map[y_map == k].T, s=12, color=CLASS_COLORS[k], marker="os^"[k])
    ax.set(title=name, xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
plt.show()

# %% [markdown]
# *Two moons, hooked into each other, and three arms of a spiral.* **Predict before you run:** lay a pencil on the left map as a border. How many points in a hundred
# does it sort correctly? And where would you lay borders on the
# right map, where guessing gets one third?

# %% within="0.01"
straight = {}
for name, (X_map, y_map) in maps.items():
    torch.manual_seed(0)
    model = nn.Linear(2, len(y_map.unique()))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    loader = make_loader(X_map, y_map, batch_size=300)
    fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=200, progress=False)
    measured = evaluate(model, [new[name]], nn.CrossEntropyLoss(), {"accuracy": accuracy})
    straight[name] = model
    print(f"{name:7} new points: {measured['accuracy']:.2f} right", end="   ")
    print(f"loss {measured['loss']:.2f} (no idea: {math.log(model.out_features):.2f})")

# %% alt="Two maps with the straight borders of the linear models. Left, two half moons in blue circles and orange squares that reach into each other; one slanted line cuts off the tip of each. Right, three interleaved spiral arms in blue, orange and green; three wedges with straight borders meet near the middle, and every wedge holds points of all three colors."
fig, axes = plt.subplots(1, 2, figsize=(8.5, 3.6))
for ax, (name, model) in zip(axes, straight.items(), strict=True):
    plot_boundary(ax, model, *maps[name])
    ax.set(title=f"{name}: straight borders", xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
plt.show()

# %% [markdown]
# *One line cuts off the tip of each moon, and the wedges on the right each hold all three colors.* Training longer
# will not help: the boundary of a linear model is straight.
#
# So use more layers? Three linear layers have 4,547 numbers to learn instead of 9. But multiply the stack out:
# $W_3\,(W_2\,(W_1x+b_1)+b_2)+b_3=(W_3W_2W_1)\,x+\text{a constant}$, one matrix and one bias again. The constant is what the stack says at $x=0$.

# %%
torch.manual_seed(0)
deep = nn.Sequential(nn.Linear(2, 64), nn.Linear(64, 64), nn.Linear(64, 3))
first, second, third = deep
W = third.weight @ second.weight @ first.weight  # (3, 2)
b = deep(torch.zeros(1, 2))  # (1, 3): what is left at x = 0
gap = (deep(maps["spirals"][0]) - (maps["spirals"][0] @ W.T + b)).abs().max()
print("numbers to learn:", sum(p.numel() for p in deep.parameters()), "and", W.numel() + b.numel())
print(f"largest difference of their outputs: {gap.item():.6f}")
assert gap < 1e-5

# %% [markdown]
# The same function, to the last digits of a float. **Depth alone bends nothing.** Put something between the layers
# that is not a line. The most common choice is **ReLU**, `torch.relu(z)`: it leaves positive numbers alone and sets
# negative ones to 0. Watch what two of them do to a straight border:

# %% within="0.01" alt="The two moons and the border of the zigzag: it rises to a first bend at x1 = 0, falls to a second at x1 = 1 and rises again, and runs between the moons nearly everywhere."
def zigzag(x):
    """A straight line and two ReLUs: a bend at 0 and one at 1."""
    return 0.75 + 1.1 * x - 2.1 * torch.relu(x) + 2.2 * torch.relu(x - 1)


def below(points):
    """Above 0 (class 1) for points under the zigzag.  (N, 2) → (N,)."""
    return zigzag(points[:, 0]) - points[:, 1]


X_new, y_new = new["moons"]
print(f"new moons, bends placed by hand: {accuracy(below(X_new), y_new).item():.2f} right")
plot_boundary(plt.gca(), below, *maps["moons"])
plt.show()

# %% [markdown]
# *Up, down, up: two bends, and the border runs between the moons.* These two were placed by hand. Training does it for you: each of the 64 outputs of a layer
# with a ReLU bends along a line of its own, in any direction, and the next layer adds them up. The layers before the last are
# called *hidden*, and such a network is a *multi-layer perceptron* (MLP). Its last layer is the softmax regression
# you know.

# %% [markdown]
# ## The build: moons and spirals
#
# Now it is yours, from an empty cell: no `fit`, no `make_loader`.
#
# ### Exercise logistic-5 · difficulty 3 · 15 minutes
# **The network.** Write `class Net(nn.Module)`. `Net(inputs, classes, bend)` maps `(N, inputs)` to **logits**
# `(N, classes)` through at least three linear layers. With `bend=True` there is a ReLU after each of them but the last;
# with `bend=False` there is none. A layer is kept like a parameter: `self.first = nn.Linear(inputs, 64)` in `__init__`, after `super().__init__()`, and `x =
# self.first(x)` in `forward`.
#
# **The loop.** Write `train(model, X, y)`, for points `X` (N, inputs) and class numbers `y` (N,): shuffled mini-batches,
# cross-entropy, an optimizer of your choice. Return the share of `X` that the trained model gets right, as a float.
#
# **First fail, then win.** Print `train(Net(2, 2, bend=False), *maps["moons"])`: depth alone stops near 0.88, where one
# line stopped. Then set `bend=True`, and go on to the spirals. The check trains new networks on new moons and on larger spirals that lie
# tilted in space, so with three inputs. It wants at least **0.95** on points that training did not use. A few
# seconds of training are enough.
#
# Afterwards, look at it: `net = Net(2, 3)`, `print(train(net, *maps["spirals"]))`, `plot_boundary(plt.gca(), net, *maps["spirals"])`.
#
# <details><summary>Hint 1</summary>Keep the switch, too, as <code>self.bend = bend</code>, and ask <code>if self.bend:</code> before each <code>torch.relu</code>. A width of 64 is enough. For the loop: for each epoch, <code>for rows in torch.randperm(len(X)).split(100)</code>, and your five lines from lesson 03.</details>
# <details><summary>Hint 2</summary><code>torch.optim.Adam(model.parameters(), lr=0.01)</code> and 100 epochs suffice. The share: compare <code>model(X).argmax(dim=1)</code> with <code>y</code>, under <code>torch.no_grad()</code>.</details>

# %% tags=["exercise", "build"] id="logistic-5" objective="network"
class Net(nn.Module):
    """Three or more linear layers, with ReLU between them if ``bend``: (N, inputs) → (N, classes)."""

    def __init__(self, inputs: int, classes: int, bend: bool = True) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        self.first, self.second = nn.Linear(inputs, 64), nn.Linear(64, 64)
        self.last = nn.Linear(64, classes)
        self.between = nn.ReLU() if bend else nn.Identity()
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ### BEGIN SOLUTION
        hidden = self.between(self.first(x))
        return self.last(self.between(self.second(hidden)))
        ### END SOLUTION


def train(model: nn.Module, X: torch.Tensor, y: torch.Tensor) -> float:
    """Train on X (N, inputs), class numbers y (N,); return the share of X that is right then."""
    ### BEGIN SOLUTION
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        for rows in torch.randperm(len(X)).split(100):
            loss = F.cross_entropy(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return (model(X).argmax(dim=1) == y).float().mean().item()
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-5") as c:
    c.attempted(train(nn.Linear(2, 2), *moons(20, 40)))
    rng = torch.manual_seed(40)
    tilt = torch.linalg.qr(torch.randn(3, 3, generator=rng))[0][:2]
    tilted = [(a @ tilt, b) for a, b in (spirals(120, rng), spirals(400, rng))]
    cases = (moons(260, 41), moons(900, 42)), (moons(260, 43), moons(900, 44)), tilted
    for bend, ((pts, kinds), told) in zip((False, True, True), cases):
        X_new, y_new = c.held_back(*told)
        out = c.attempted((net := Net(pts.shape[1], classes := int(kinds.max()) + 1, bend=bend))(pts))
        c.equal(tuple(out.shape), (len(pts), classes), because="one logit a class", mistakes={(len(pts),): "no argmax"})
        c.true(sum(p.ndim == 2 for p in net.parameters()) > 2, observed="too few layers", expected="three or more")
        kink = (net(pts) + net(-pts) - 2 * net(0 * pts)).abs().max().item()
        c.true(kink < 1e-4 or bend, observed="bends with bend=False", expected="linear layers alone")
        c.true(kink > 1e-4 or not bend, observed="no bend with bend=True", expected="ReLU between the layers")
        with c.untouched(pts, kinds):
            right = c.timed(lambda n=net, a=pts, b=kinds: train(n, a, b), limit=120)
        c.kind(right, float)
        score, least = accuracy(net(X_new), y_new).item(), 0.95 if bend else 0.8
        c.learned(score, trained=right, chance=1 / classes, at_least=least)
        c.close(right, accuracy(net(pts), kinds).item(), atol=0.01, because="the share of X that is right")
        raw = (end := net(pts)).min() < 0 and (end.sum(dim=1) - 1).abs().max() > 0.01
        c.true(raw, observed="rows that sum to 1, or nothing below 0", expected="logits: no softmax or ReLU at the end")

# %% [markdown] tags=["solution"]
# The loop is the one of lesson 03, line for line: only model, loss and data have changed. ReLU is not the only bend: the
# network of lesson 00 sorted its moons with `nn.Tanh()`.

# %% [markdown] tags=["instructor"]
# **Spread of the stored answer** over 5 seeds, on new points: moons without bends 0.876 to 0.891, with bends 0.980 to 0.992,
# spirals 0.993 to 0.999; goal 0.95. About 1.5 seconds for all three. **Watch for** a ReLU after the last layer, an
# optimizer made before the model, `y` as floats, and a softmax in `forward`. **Ask:** why does the network without bends reach
# 0.88 on the moons and nothing on the spirals?

# %% [markdown]
# ## What you have met
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `torch.sigmoid(z)` | logit → probability, elementwise | any → same |
# | `torch.softmax(z, dim=1)` | logits → probabilities that sum to 1 along `dim` | (N, C) → (N, C) |
# | `torch.logsumexp(z, dim=1)` | log Σ exp without overflow | (N, C) → (N,) |
# | `torch.relu(z)`, `nn.ReLU()` | max(0, z): the bend between linear layers | any → same |
# | `F.one_hot(y, num_classes=C)` | class numbers → rows of 0 and 1 (integers) | (N,) → (N, C) |
# | `nn.BCEWithLogitsLoss()` | sigmoid and binary cross-entropy in one | (N, 1), float (N, 1) → () |
# | `nn.BCELoss()` | the same from probabilities, cut at 100 | (N, 1), float (N, 1) → () |
# | `nn.CrossEntropyLoss()` | softmax, log and pick in one | (N, C), long (N,) → () |
# | `F.nll_loss(logp, y)` | picks from log-probabilities | (N, C), long (N,) → () |
# | `pos_weight=` | multiplies the price of a missed positive | (C,) or (1,) |
# | `metrics.confusion_matrix(y, pred)` | counts; rows truth, columns verdict | (N,), (N,) → (C, C) |
#
# Three sentences to keep. The model returns **logits**, the loss takes logits, and sigmoid or softmax is
# for people. Depth needs bends. And a metric without a baseline beside it is a number that means nothing.
#
# Next comes a real table of 768 patients, where zeros mean "missing"; one widely copied version has its
# labels flipped.

# %% [markdown] tags=["deeper"]
# ## Over the edge: a loss that cannot overflow
#
# What happens if you type the formula of binary cross-entropy as it stands on paper?

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
# `nn.BCELoss` guards against this with its cut at 100. What does `BCEWithLogitsLoss` do
# better? It puts the sigmoid into the logarithm and simplifies before it calculates:
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
third = torch.tensor([0.0, -20.0])  # the third sample's
print(f"logsumexp {torch.logsumexp(third, dim=0):.3g}, logaddexp {torch.logaddexp(*third):.3g}")

# %% [markdown]
# `exp(200)` is more than float32 can hold, and the naive line says `inf`. The same formula with the largest
# term taken out says 200. This is the **log-sum-exp trick**. It cures the two disasters. The slip needs one thing more: `log1p(x)`, which is log(1 + x) without
# rounding 1 + x first. `torch.logaddexp` and `BCEWithLogitsLoss` have it inside, `torch.logsumexp` does not. Doubles would only move the edge: they give up at
# `exp(710)`.
#
# ### Exercise logistic-6 · difficulty 2 · 5 minutes
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

# %% tags=["exercise"] id="logistic-6" objective="probability"
def bce_from_logits(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean binary cross-entropy.  z, y: the same shape; y holds 0. and 1.  Returns: a scalar."""
    ### BEGIN SOLUTION
    return (torch.logaddexp(torch.zeros_like(z), z) - y * z).mean()
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-6") as c:
    zs, ys = torch.tensor([[0.5], [-1.0], [2.0]]), torch.tensor([[1.0], [0.0], [0.0]])
    at = torch.tensor([0.0, 2000.0, -2000.0], requires_grad=True)
    exact, swapped = F.binary_cross_entropy_with_logits(zs, ys), F.binary_cross_entropy_with_logits(zs, 1 - ys)
    wrong = [(3 * exact, "a sum: take the mean"), (F.softplus(-zs).mean(), "y is not used: the loss for y = 1"),
             (swapped, "y and 1 − y are swapped"), (-exact, "the sign is flipped"),
             (F.softplus(zs).mean(), "y is not used: that is the loss for y = 0"),
             ((F.softplus(zs) + ys * zs).mean(), "subtract y · z")]
    with c.untouched(zs, ys):
        c.close(c.attempted(bce_from_logits(zs, ys)), exact, because="the same as the library", mistakes=wrong)
    c.close(bce_from_logits(torch.tensor([2000.0, 2000, -2000, -2000]), torch.tensor([0.0, 1, 0, 1])), 1000.0,
            because="(2000 + 0 + 0 + 2000) / 4",
            mistakes={math.inf: "exp(2000) is inf: take the largest out", math.nan: "inf − inf, or 0 · inf",
                      50.0: "that is a cut at 100", 40.0: "z was cut at 80", 44.0: "z was cut at 88",
                      **{-math.log(tiny) / 2: "a tiny number inside the logarithm cuts the loss, too"
                         for tiny in (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)}})
    c.close(torch.autograd.grad(torch.as_tensor(3 * bce_from_logits(at, torch.tensor([1.0, 0, 1]))), at)[0],
            torch.tensor([-0.5, 1, -1]), because="and the slope is sigmoid(z) − y",
            mistakes=[(torch.tensor([-0.5, math.nan, -1]),
                       "the value is right, the slope is nan: where differentiates both branches"),
                      *((torch.tensor([v, 1.0, -1]), "at z = 0 clamp, relu and abs have a corner") for v in (-1, 0))])

# %% [markdown] tags=["solution"]
# With $y=1$: $\log(1+e^z)-z = \log\frac{1+e^z}{e^z} = \log(1+e^{-z})$. One formula serves both, and
# autograd finds its slope $\sigma(z)-y$ by itself. `F.softplus(z) - y * z` is the same thing under another
# name. Taking the larger out by hand, `z.clamp(min=0) + torch.log1p(torch.exp(-z.abs()))`, gives the right
# value and, at exactly $z=0$, a wrong slope: that is where a model with zero weights starts.

# %% [markdown] tags=["instructor"]
# **Watch for** `log(sigmoid(z) + 1e-7)`: no `inf` any more, but a wrong loss and a dead slope, which is
# what `BCELoss` has. The second check catches it. **Ask:** why is `log1p(x)` better than `log(1 + x)` for
# tiny x? (Below 6e-8 the sum is 1.)

# %% [markdown] tags=["deeper"]
# ## Why not squared error?
#
# That squared error charges little would not matter by itself. What matters is the **slope**, because training follows it. Both losses
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
# Is the terrace an accident, or is the whole surface of another kind? Measure the curvature at many places. The *Hessian* is the matrix of second
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
# Squared error bends the wrong way almost everywhere, cross-entropy at none of these places. The grid was not just lucky: in $z$, cross-entropy has the slope $p -
# y$ and the curvature $p(1 - p)$, which is never negative, and $z$ is linear in $w$ and $b$. So for logistic regression, cross-entropy has no second valley to get
# lost in. (As a *report card* on
# probabilities, squared error is respected, under the name Brier score. It is only a poor surface to walk down.)

# %% [markdown] tags=["deeper"]
# ## A coin and a code book
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
# read `001101001110` from the left and only one week fits. Every word is exactly as long as its surprise, so the mean length is the entropy, 1.75 bits a day.
# Without a clever
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
back = (harbor * (harbor / town).log2()).sum().item()
print(f"the other way around: {back:.3f}")

# %% [markdown]
# Her book costs 2.375 bits a day for your weather, more than the 2 of no book at all. That is the
# **cross-entropy** of your town $p$ under her belief $q$: $H(p,q) = -\sum_i p_i \log_2 q_i$. Reality pays,
# belief sets the prices. What you overpay, 0.625 bits, is the **Kullback–Leibler divergence**
# $\mathrm{KL}(p\,\|\,q)$. It is zero only if the belief is right, so it tells how far two distributions are
# apart. It is not a distance, though: her weather in your book costs another surplus, 0.5 bits.
#
# The picture shows all three for coins: someone believes that heads come with probability 0.8.

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
nats = F.binary_cross_entropy(given, torch.tensor([0.0, 0.0, 1.0])).item()
print(f"{nats:.4f} nats = {nats / math.log(2):.4f} bits per student")
rare = entropy_bits(torch.tensor([0.01, 0.99])) * math.log(2)
print(f"one yes in 100, and always answering 0.01: {rare:.3f} nats")
for shape, reduction in (((4,), "sum"), ((4,), "batchmean"), ((1, 4), "batchmean")):
    belief, reality = harbor.log().reshape(shape), town.reshape(shape)
    library = F.kl_div(belief, reality, reduction=reduction).item() / math.log(2)
    print(f"kl_div, shape {shape!s:6} {reduction:9} {library:.3f} bits")
assert math.isclose(library, cross - entropy, rel_tol=1e-5)

# %% [markdown]
# With $C$ equally common classes, no idea costs $\log C$ nats. Rare classes lower that: with one yes in a hundred, a
# constant answer already reaches 0.056. And `F.kl_div` has three habits that catch everybody: the belief comes
# **first, and as logarithms**; the default, `"mean"`, divides by *all* numbers, which is no KL divergence (PyTorch warns); and `"batchmean"` divides by the
# first axis, so it is right for rows of
# distributions, (N, C). For a single one use `"sum"`.
#
# ### Exercise logistic-7 · difficulty 2 · 4 minutes
# Write `kl_bits(p, q)`: how many bits per symbol you overpay if reality is `p` and your book was made for
# `q`. Both have shape (n,) and sum to 1. `p` may hold zeros (it never snows in the south): a symbol that
# never comes costs nothing. `q` has no zeros. Return a Python float.
#
# <details><summary>Hint 1</summary>The formula is Σ p·log2(p/q). What does floating point make of 0 · log2(0)?</details>
# <details><summary>Hint 2</summary>Keep only what happens: <code>seen = p > 0</code>, then use <code>p[seen]</code> and <code>q[seen]</code>.</details>

# %% tags=["exercise"] id="logistic-7" objective="softmax"
def kl_bits(p: torch.Tensor, q: torch.Tensor) -> float:
    """Return KL(p ‖ q) in bits.  p, q: (n,), each sums to 1; p may hold zeros."""
    ### BEGIN SOLUTION
    seen = p > 0
    return (p[seen] * (p[seen] / q[seen]).log2()).sum().item()
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-7") as c:
    wrong = {0.5: "p and q are swapped: reality is the weight", 0.625 * math.log(2): "these are nats: use log2",
             2.375: "that is the cross-entropy: subtract what you would pay anyway", -0.625: "the sign is flipped",
             0.625 / 4: "that is a mean over the symbols: sum", -0.5: "q is the weight here: reality is the weight"}
    with c.untouched(*(given_rows := (town.clone(), harbor.clone()))):
        got = c.attempted(kl_bits(*given_rows))
    c.close(got, 0.625, because="2.375 − 1.75 bits", mistakes=wrong)
    c.kind(got, float)
    south, never = torch.tensor([0.5, 0.5, 0.0]), "0 · log 0 is nan in floats: leave out what never happens"
    c.close(kl_bits(south, torch.tensor([0.25, 0.25, 0.5])), 1.0, because="1 bit where 2 are paid",
            mistakes={math.nan: never})

# %% [markdown] tags=["solution"]
# Masking is the clearest way. `torch.xlogy(p, p) - torch.xlogy(p, q)` does the same: `xlogy(0, 0)` is
# defined as 0, for exactly this purpose. And if `q` had a zero where `p` has none? Then KL is infinite: no
# code word exists for something that happens. A model that says 0 and is wrong pays without limit.

# %% [markdown] tags=["instructor"]
# **For the room:** two pairs play sender and receiver with the two books, fifteen days of weather from a
# die; count the bits. **Watch for** `nan_to_num` as a fix: it works here and hides the next nan.

# %% [markdown] tags=["deeper"]
# ## Label smoothing
#
# A one-hot label says "certain". To agree with it, a model needs an infinite logit, and it will spend its training
# on the way there, as the three students showed. **Label smoothing** asks for less: of the target's weight, a share
# $\varepsilon$ is spread evenly over all classes. It is one argument of `cross_entropy`. By hand and by the library:

# %%
share = 0.1
smooth = (1 - share) * one_hot + share / 3
print("targets of sample 0:", [round(v, 4) for v in smooth[0].tolist()])
own = -(smooth * torch.log_softmax(Z, dim=1)).sum(dim=1).mean().item()
library = F.cross_entropy(Z, labels, label_smoothing=share).item()
print(f"by hand {own:.4f}   library {library:.4f}   without smoothing {each.mean().item():.4f}")
assert math.isclose(own, library, rel_tol=1e-5)

# %% [markdown]
# **Predict before you run:** one sample, three classes, logits $(m, 0, 0)$, and class 0 is right. As $m$ grows, what does
# each loss do?

# %%
for margin in (0.0, 2.0, math.log(28), 5.0, 10.0):
    logits, right = torch.tensor([[margin, 0.0, 0.0]]), torch.tensor([0])
    hard = F.cross_entropy(logits, right).item()
    soft = F.cross_entropy(logits, right, label_smoothing=0.1).item()
    print(f"m = {margin:5.2f}   one-hot {hard:.4f}   smoothed {soft:.4f}")

# %% [markdown]
# With one-hot labels, surer is always cheaper. With smoothed ones the best margin is $\log 28 = 3.33$, where the
# model says exactly 0.933 for the right class; beyond it, the price rises again. Its lowest value is 0.29, the entropy of
# the target. So never compare a smoothed training loss with a plain validation loss: they have different floors.
# Whether smoothing helps a model on new data is a question for validation.

# %% [markdown] tags=["deeper"]
# ## Three spirals, four models
#
# Compare your build with this. Four models learn the spirals: the linear one, three linear layers, the same with ReLU,
# and a rival that learns nothing at all: *nearest neighbors* stores the points and asks the five closest ones.

# %% within="0.02"
X_arms, y_arms = maps["spirals"]
X_fresh, y_fresh = spirals(300, torch.Generator().manual_seed(2))
sorted_by = {}
for name, bend in (("three linear layers", nn.Identity), ("with ReLU between", nn.ReLU)):
    torch.manual_seed(0)
    wide = [nn.Linear(2, 64), bend(), nn.Linear(64, 64), bend(), nn.Linear(64, 3)]
    sorted_by[name] = nn.Sequential(*wide)
    optimizer = torch.optim.Adam(sorted_by[name].parameters(), lr=0.01)
    loader = make_loader(X_arms, y_arms, batch_size=50, shuffle=True)
    fit(sorted_by[name], loader, nn.CrossEntropyLoss(), optimizer, epochs=100, progress=False)
neighbors = KNeighborsClassifier(5).fit(X_arms, y_arms).score(X_fresh, y_fresh)
for name, model in {"one linear layer": straight["spirals"], **sorted_by}.items():
    print(f"{name:19} {accuracy(predict(model, X_fresh), y_fresh).item():.2f}")
print(f"{'5 nearest neighbors':19} {neighbors:.2f}")

# %% [markdown]
# Thousands of weights without a bend do no better than nine. And the neighbors tie with the network, without any
# training: on a map full of points they are hard to beat. (Lesson 07 has pictures instead of points.) See how the two
# networks cut the map:

# %% alt="Two maps of the same three interleaved spiral arms in blue, orange and green. Left, three linear layers: wedges with straight borders that meet in one point; every wedge holds points of all three colors. Right, the network with ReLU: the shaded regions wind around each other as the arms do, and nearly every point lies on its own color."
fig, axes = plt.subplots(1, 2, figsize=(8.5, 4.1), sharey=True)
for ax, (name, model) in zip(axes, sorted_by.items(), strict=True):
    plot_boundary(ax, model, X_arms, y_arms)
    ax.set(title=name, xlabel="$x_1$", aspect="equal")
axes[0].set_ylabel("$x_2$")
plt.show()

# %% [markdown]
# *Without bends the map falls into wedges, each full of all three colors; with ReLU the regions wind with the
# arms.* The last layer of the network is the same linear softmax model. The hidden layers moved the points to where
# straight borders are enough.

# %% [markdown] tags=["deeper"]
# ## Three questions about softmax
#
# ### Margin question: are the outputs of an untrained softmax network equal, because it is random?
#
# Look instead of arguing: here are fresh networks on the spirals, without a single step of training. The last
# layer is linear, so scaling its weights and biases scales the logits.

# %% within="0.02"
scales = {"last layer zero": 0, "as PyTorch makes it": 1, "last layer × 100": 100}
for seed in range(3):
    torch.manual_seed(seed)
    layers = [nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)]
    fresh = nn.Sequential(*layers)
    for note, scale in scales.items():
        logits = scale * predict(fresh, maps["spirals"][0])
        p, loss = torch.softmax(logits, dim=1), F.cross_entropy(logits, maps["spirals"][1]).item()
        print(f"seed {seed}  {note:20} p from {p.min():.2f} to {p.max():.2f}   loss {loss:.2f}")

# %% [markdown]
# Not equal: with the usual initialization the probabilities differ, and every seed differs in its own way.
# They are *close* to one third, not because the weights are random, but because they are **small**: small
# weights give small logits, and small logits give similar exponentials. Make the last layer a hundred times
# larger, as random as before, and the untrained network is very sure of very wrong things. To make all classes equal for every input, give each the same weights and
# the same bias in the last layer: all zeros, for example.
#
# A useful check follows: **before training, the loss should be near $\log C$.** If it is 20, your logits
# start too large.
#
# ### Margin question: when may softmax be skipped for a prediction?
#
# Softmax keeps the order within a row. So if all you want is the winner, the logits will do. It keeps no order
# *between* rows, and it does not commute with a mean. Look at two samples, then at three models that vote:

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
# when the number itself is used: a threshold, a comparison of samples, an average of models, an expected cost.
#
# ### What does the loss send back?
#
# For one logit and a yes or no, the slope of the loss is $p - y$ (side door *Why not squared error?*). For C classes it is as simple: softmax − one-hot. And two
# classes are no special case, because softmax of $(z, 0)$ is the sigmoid:

# %%
leaf = Z.clone().requires_grad_()
(slopes,) = torch.autograd.grad(F.cross_entropy(leaf, labels, reduction="sum"), leaf)
print([round(v, 4) for v in slopes[0].tolist()], "slope of sample 0")
print([round(v, 4) for v in (P - one_hot)[0].tolist()], "softmax − one-hot")
z = torch.linspace(-4, 4, 9)
pairs = torch.stack([z, torch.zeros(9)], dim=1).softmax(dim=1)[:, 0]
print(f"softmax of (z, 0), sigmoid(z): {(pairs - torch.sigmoid(z)).abs().max():.6f} apart at most")
assert torch.allclose(slopes, P - one_hot, atol=1e-6)

# %% [markdown] tags=["deeper"]
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

# %% within="0.02"
torch.manual_seed(0)
layers = [nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3)]
radio = nn.Sequential(*layers)
loader = make_loader(X_train, y_train, batch_size=100, shuffle=True)
optimizer = torch.optim.Adam(radio.parameters(), lr=0.01)
fit(radio, loader, nn.BCEWithLogitsLoss(), optimizer, epochs=30, progress=False)
correct = (predict(radio, X_test) > 0) == (y_test > 0.5)  # (N, 3)
silent = y_test < 0.5  # right wherever nobody is heard
for name, told in (("the network", correct), ("always nobody", silent)):
    share, whole = told.float().mean(), told.all(dim=1).float().mean()
    print(f"{name:13} labels right {share:.2f}   whole rows right {whole:.2f}")

# %% [markdown]
# Two numbers, each beside its baseline, and you must say which one you report. A row is right only if all three labels are.
#
# **Predict before you run:** read the *same* logits with a softmax, and count a station as heard above 0.5.
# In places with two stations, how many can you find?

# %% within="0.03"
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
# above one half. It cannot say "two" or "all three", and it cannot tell "all three" from "none": equal logits give a third to each, whether they are high or low.
# Softmax is for answers that **exclude**
# each other.

# %% [markdown] tags=["deeper"]
# ## Thresholds and prices
#
# Back to the ten machine parts. The threshold is yours: nobody says that it must be 0.5.
#
# **Predict before you run:** below which threshold is every fault found, and how many of the alarms are false just below it?

# %%
for threshold in (0.25, 0.42, 0.5, 0.75, 0.9):
    verdict = scores > threshold
    count, of_flagged = verdict.sum().item(), metrics.precision_score(faulty, verdict)
    of_faulty = metrics.recall_score(faulty, verdict)
    shares = f"precision {of_flagged:.2f}   recall {of_faulty:.2f}"
    print(f"threshold {threshold:.2f}: {count} flagged   {shares}")

# %% [markdown]
# Below 0.45, the lowest score of a faulty part, every fault is found. At 0.42, 2 of the 6 alarms are false; at 0.25 it is 4 of 8, and nothing is gained. At 0.9 no
# alarm is false, and three of the four faults are missed. The *model* is the same in every line.
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
# 21 of 24 pairs, 0.875. This is **ROC-AUC**, a name from radar days for a plain thing: the share of pairs in the
# right order. 0.5 is a coin, 1 is perfect, and below 0.5, somebody may have swapped the labels.
#
# Why an area? Slide the threshold from 1 down to 0. Each stop gives a point: the share of sound parts that
# raise a false alarm, to the right, and the recall, upward. That is the **ROC curve**; the area under it is
# the same 0.8750. Precision against recall on the same walk is the **PR curve**. You will see both below.
#
# ### Where to put the price
#
# The weighted detector of the path had the price in its loss. What has it learned that the plain one has not?
# Compare their order of the parts, and their biases. A hundred steps may not have been enough, so scikit-learn's solver
# goes on until nothing moves any more:

# %% within="0.02"
def to_the_end(X, y, weight):
    """Logistic regression that counts each fault ``weight`` times, trained until nothing moves."""
    line = LogisticRegression(C=math.inf, class_weight={0: 1, 1: weight}, tol=1e-8)
    return line.fit(X.double(), y.ravel())


first, last = [detectors[name].bias.item() for name in ("plain", "weighted")], []
for name, weight in (("plain", 1), ("weighted", 99)):
    line = to_the_end(*parts, weight)
    p = line.predict_proba(parts_test[0].double())[:, 1]
    last.append(line.intercept_.item())
    print(f"{name:8} AUC {metrics.roc_auc_score(truth, p):.2f}   mean p {p.mean():.3f}")
for note, (plain, weighted) in (("100 steps", first), ("to the end", last)):
    print(f"bias, {note:10} {plain:.2f} and {weighted:.2f}, apart {weighted - plain:.2f}")
print(f"log 99 = {math.log(99):.2f}")
assert last[1] - last[0] > first[1] - first[0] + 0.2

# %% [markdown]
# The AUC is the same to two digits, so the weight of 99 taught the model next to nothing about faults. It moved the bias: by 4.0 after
# 100 steps, and half of what is missing to $\log 99 = 4.6$ was unfinished training. Most of the rest is chance: forty faults are few. The price of the weight is
# that probabilities are no longer honest: one part in a hundred is faulty; the plain model says 0.010 on average, the weighted one 0.223.
#
# So you can put the price into the threshold instead. If a miss costs as much as 99 false alarms, flag as soon as the
# odds pass 1 to 99: above $1/(1 + 99) = 0.01$.
#
# **Predict before you run:** twenty draws of training and new parts, and the bill of each way at these prices. Which
# is cheaper, and by how much?

# %% within="0.02"
shifts, bills = [], []
for seed in range(20):
    generator = torch.Generator().manual_seed(seed)
    known, (X_later, y_later) = (machine_parts(4000, generator) for _ in range(2))
    lines = [to_the_end(*known, weight) for weight in (1, 99)]
    shifts.append((lines[1].intercept_ - lines[0].intercept_).item())
    for line, threshold in zip(lines, (0.01, 0.5), strict=True):
        flags = torch.tensor(line.predict_proba(X_later.double()))[:, 1:] > threshold
        missed, alarms = ((y_later == 1) & ~flags).sum(), ((y_later == 0) & flags).sum()
        bills.append(99 * missed.item() + alarms.item())
shifts, bills = torch.tensor(shifts), torch.tensor(bills).float().reshape(20, 2)
print(f"bias apart, mean of 20 draws: {shifts.mean():.2f} ± {shifts.std():.2f} (spread)")
for name, column in zip(("plain, threshold 0.01", "weighted, threshold 0.5"), bills.T):
    print(f"{name:23} bill {column.mean():.0f} ± {column.std():.0f} (spread)")
apart = bills[:, 0] - bills[:, 1]
error = apart.std() / 20**0.5
print(f"plain − weighted: {apart.mean():.0f} ± {error:.0f} (standard error)")
print("plain is cheaper in", (apart < 0).sum().item(), "of 20 draws")
assert apart.mean().abs() < 2 * error and abs(shifts.mean() - math.log(99)) < 0.3

# %% [markdown]
# Over the draws the bias moves by 4.48, close to $\log 99$. And the bills are a tie: 1384 against 1356. The ± of 306 and 327 is the spread of single draws, luck
# that both ways share. So look at the difference: 28, with a standard error of 18 (the
# spread of the twenty differences, divided by $\sqrt{20}$). The weighted loss is ahead more often than not, by two percent. So the bill does not decide.
# What does: the plain model keeps honest probabilities, and its price can be changed tomorrow without training.

# %% alt="Two panels. Left, ROC curves of recall against false-alarm rate: the plain and the weighted model's curves lie almost on top of each other, far above the diagonal of a coin. The dot for the plain model's threshold 0.5 sits in the lower left corner near zero recall, the square for the weighted model sits at a recall near 0.9 and 15 percent false alarms. Right, precision against recall: precision is high only at a recall below 0.3 and falls below ten percent by the time recall reaches 0.7; a dotted line marks the base rate of one percent."
fig, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.6))
for name, color, style, mark in (("plain", TRAIN, "-", "o"), ("weighted", VALID, "--", "s")):
    p = torch.sigmoid(predict(detectors[name], parts_test[0])).ravel()
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
# ### Exercise logistic-8 · difficulty 3 · 6 minutes
# So where should the threshold be? With honest probabilities and known prices, a formula says it, as above. Otherwise: where the bill is lowest on *validation*
# rows; on the rows that chose it, the bill flatters (lesson 03). Write `best_threshold(p, y, missed, alarm)`: try
# **every value in** `p` (in any order) as a threshold `t`. Flag the parts with `p >= t` (a part *at* the
# threshold counts this time), and add up the bill: `missed` for each faulty part that is not flagged, `alarm`
# for each sound part that is. Return the `t` (a Python float) with the lowest bill. If several are cheapest,
# any of them will do.
#
# <details><summary>Hint 1</summary>Write the bill for one <code>t</code> first, as an inner function of <code>t</code>. Then it is <code>min(candidates, key=bill)</code>.</details>
# <details><summary>Hint 2</summary>Missed: <code>((p &lt; t) &amp; (y == 1)).sum()</code>. False alarms: <code>((p >= t) &amp; (y == 0)).sum()</code>. Weigh them and add.</details>

# %% tags=["exercise"] id="logistic-8" objective="judge"
def best_threshold(p: torch.Tensor, y: torch.Tensor, missed: float, alarm: float) -> float:
    """The cheapest threshold among the values of p.  p: probabilities (N,).  y: 0 and 1, (N,)."""
    ### BEGIN SOLUTION
    def bill(t):
        return missed * ((p < t) & (y == 1)).sum() + alarm * ((p >= t) & (y == 0)).sum()

    return min(p.tolist(), key=bill)
    ### END SOLUTION

# %% tags=["check"]
with check("logistic-8") as c:
    belief, state = torch.tensor([0.4, 0.7, 0.1, 0.9, 0.6, 0.95, 0.3, 0.2, 0.45, 0.8, 0.55]), torch.tensor([0, 1, 1,
                                            0, 0, 1, 0, 0, 1, 1, 0])
    wrong = {0.95: "missed and alarm are swapped, or only false alarms were counted",
             0.1: "false alarms cost something too", 0.7: "the prices are not used: that has the fewest mistakes",
             0.4: "flag p >= t: the part at the threshold counts as flagged", 0.9: "that is the most expensive",
             11: "that is the lowest bill: return its t", 8: "that is a place in p: return the value there",
             2 / 7: "a formula needs honest probabilities: try the values in p, and add up each bill"}
    with c.untouched(belief, state):
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
# mark 0.5. **A trap:** torchmetrics applies a sigmoid to scores outside of [0, 1], so `tm.binary_auroc(torch.tensor([20.0, 30.0]),
# torch.tensor([0, 1]))` is 0.5: in float32 both sigmoids are 1, a tie. Hand over probabilities that still differ, or float64.

# %% [markdown] tags=["deeper"]
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
# ### Margin question: `torch.sigmoid`, `nn.Sigmoid` or `F.sigmoid`?
#
# All three, and the method, on the same numbers:

# %%
z, module = torch.linspace(-5, 5, 11), nn.Sigmoid()
others = {"nn.Sigmoid()": module(z), "z.sigmoid()": z.sigmoid(), "F.sigmoid(z)": F.sigmoid(z)}
for name, other in others.items():
    gap = (other - torch.sigmoid(z)).abs().max().item()
    print(f"{name:12} differs from torch.sigmoid(z) by {gap:.1e} at most")
print("parameters in nn.Sigmoid:", sum(p.numel() for p in module.parameters()))

# %% [markdown]
# One function in four spellings. `torch.sigmoid(z)` is for formulas. `nn.Sigmoid()` is an object without
# parameters that calls it, for places where a *layer* is expected, as in `nn.Sequential`. `F.sigmoid`
# warned for years that it was deprecated; today it runs without a warning. In new code, write
# `torch.sigmoid`.
