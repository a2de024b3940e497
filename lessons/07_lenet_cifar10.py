# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: LeNet on CIFAR-10
#     summary: convolution by hand, a network for photographs, a slow recipe made fast, and a dense rival beaten
#     path: "Slide a window over a picture by hand, build LeNet out of such windows, make its slow recipe fast, beat a dense rival that has nearly seven times as many parameters, and look at the mistakes."
#     needs: [06_dataset_dataloader]
#     data: [cifar10]
#     objectives:
#       window: calculate a convolution by hand, design a kernel, and say how far a unit sees
#       shapes: predict every shape and every parameter count of a conv net before it runs
#       judge: find out what a classifier mixes up, and where it is sure and wrong
#       recipe: write a network and a schedule of your own that reach a stated accuracy within a stated budget
#       step: follow a gradient from the loss to the first filter, and write the optimizer's update yourself
# ---

# %% [markdown]
# Sixty thousand photographs, each 32 pixels wide and 32 high: airplanes, frogs, trucks. For years, the
# first network that people trained on them came from one famous recipe, PyTorch's own tutorial *Training a Classifier*. It runs for a minute or two, and
# gets 54 % of new pictures right.
#
# You are heading for three numbers and a wall of pictures: **more than 66 %** of new pictures right; the
# classic **54 % in less than a tenth of the time**; a dense network that does worse with **nearly seven
# times as many parameters**; and the mistakes of which your network is *surest*. Then you build a network
# alone, and it is judged on photographs that have stayed in a drawer until then.
#
# The model needs a new kind of layer, so that comes first.

# %%
import contextlib
import copy
import math
import tempfile
import time
from itertools import islice, product
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10
from torchvision.transforms import v2

from utils import accuracy, check, evaluate, expect_error, fit, get_device, load_checkpoint
from utils import make_loader, new_pictures, predict, read_picture, save_checkpoint
from utils.data import cifar10, is_real
from utils.plotting import CLASS_COLORS, TRAIN, VALID, draw_grid

plt.style.use("utils.course")
device = get_device()

# %% [markdown]
# `fit`, `evaluate`, `predict` and `make_loader` are the loops of lesson 03 and the batches of lesson 06; `fit??` shows one again.

# %% [markdown]
# ## A window slides over a picture
#
# Here is a picture of 6 × 6 pixels: bright on the left, dark on the right. Lay a **kernel**, nine numbers in a square, on a corner of the picture, multiply the
# numbers that lie on top of each other, and write down the sum of the products. Move one pixel on. Repeat. That is all there is to a convolution.

# %%
picture = torch.tensor([[10.0, 10, 10, 0, 0, 0]] * 6)
kernel = torch.tensor([[1.0, 0, -1]] * 3)
window = picture[0:3, 1:4]  # one pixel to the right of the corner
print(window * kernel)
print("sum:", (window * kernel).sum().item())

# %% [markdown]
# In this window the left column is added, the right column is subtracted, and the picture changes between
# them: 30. On an even surface the two cancel.
#
# **Predict before you run:** how many places are there for a 3 × 3 window on 6 × 6 pixels, and at which of
# them is the sum not zero?

# %% alt="Three number grids in a row. Left, the 6 by 6 picture: three columns of 10, three of 0. Middle, the 3 by 3 kernel: a column of 1, a column of 0, a column of minus 1. Right, the 4 by 4 result: columns 0, 30, 30, 0. A frame marks a 3 by 3 window in the first row of the picture, one pixel from the left, and the 30 that it gives in the result."
result = torch.zeros(4, 4)
for row in range(4):
    for column in range(4):
        result[row, column] = (picture[row : row + 3, column : column + 3] * kernel).sum()
fig, axes = plt.subplots(1, 3, figsize=(8, 3), width_ratios=[6, 3, 4])
draw_grid(axes[0], picture, title="picture, 6 × 6")
draw_grid(axes[1], kernel, title="kernel, 3 × 3")
draw_grid(axes[2], result, title="result, 4 × 4")
for ax, wide in ((axes[0], 3), (axes[2], 1)):  # the window of the cell above, and its sum
    frame = plt.Rectangle((0.5, -0.5), wide, wide, fill=False, ec=VALID, lw=3, clip_on=False)
    ax.add_patch(frame)
for ax in axes:
    ax.set_ylim(5.5, -0.5)  # squares of one size in all three
plt.show()

# %% [markdown]
# *The framed window, multiplied by the kernel and added up, gives the framed 30.* There are 4 × 4 places, and 30 stands wherever the border between bright and
# dark runs through the window.
#
# PyTorch's function does the same. It wants two more dimensions: `(N, C, H, W)`, a batch of N pictures with
# C channels; for kernels, how many there are, and how many channels each has. Without them you get an error that you will meet again. On a photograph the
# kernel shows what it is:

# %% alt="The palace of lesson 01 twice, as white lines on black. Left, upright edges are bright: columns, window frames, the ends of roofs. Right, level edges: the eaves, the balconies, the rim of the lake."
with expect_error(RuntimeError):
    F.conv2d(picture, kernel.view(1, 1, 3, 3))
same = F.conv2d(picture.view(1, 1, 6, 6), kernel.view(1, 1, 3, 3))
print(tuple(same.shape), " largest difference from the loop:", (same[0, 0] - result).abs().max().item())
assert torch.equal(same[0, 0], result)
palace = read_picture(dict(new_pictures())["palace"]).float().mean(dim=0)  # gray, (427, 640)
fig, axes = plt.subplots(1, 2, figsize=(8, 2.9))
for ax, k in zip(axes, (kernel, kernel.T), strict=True):
    edges = F.conv2d(palace[None, None], k.reshape(1, 1, 3, 3))[0, 0].abs()
    ax.imshow(edges.clamp(max=255), cmap="gray")
    ax.axis("off")
plt.show()

# %% [markdown]
# *The palace of lesson 01 under this kernel, left, and under the same kernel laid on its side: upright edges light up, then level ones.* These nine numbers are an
# *edge detector*. A network will look for numbers of its own.
#
# A convolution with numbers that can be learned is a layer, `nn.Conv2d(channels in, channels out, kernel size)`.
# Put our kernel into one. Then turn the kernel by 180°, and give the picture a border of zeros
# (**padding**), so that the window reaches the edge pixels:

# %%
layer, x = nn.Conv2d(1, 1, 3, bias=False), picture.view(1, 1, 6, 6)
with torch.no_grad():
    layer.weight.copy_(kernel.view(1, 1, 3, 3))
    print("the layer, first row: ", layer(x)[0, 0, 0].tolist())
turned = F.conv2d(x, kernel.flip(0, 1).view(1, 1, 3, 3))
print("kernel turned by 180°:", turned[0, 0, 0].tolist())
print("with padding=1:", tuple(F.conv2d(x, kernel.view(1, 1, 3, 3), padding=1).shape))

# %% [markdown]
# In mathematics a convolution turns the kernel around before it slides it. PyTorch does not (a
# mathematician would say *cross-correlation*). For learned kernels it makes no difference; for one you type
# in, it does, as the signs show. With a 3 × 3 kernel and `padding=1`, a picture keeps its size.
#
# ### Exercise lenet-1 · difficulty 1 · 3 minutes
# A kernel can also *move* a picture. Set `right` to a float tensor of shape `(3, 3)` with a single 1 and
# eight zeros, such that `F.conv2d(x, right.view(1, 1, 3, 3), padding=1)` moves the picture `x` of the last cell, and any other, **one pixel to the right** (the left
# column becomes 0, the last
# column is lost).
#
# <details><summary>Hint 1</summary>The result at a place is the sum under the window that is centered there. If the picture moves right, from where must each place take its value?</details>
# <details><summary>Hint 2</summary>From its left neighbor. Where in the window, row and column, does the left neighbor lie?</details>

# %% tags=["exercise"] id="lenet-1" objective="window"
### BEGIN SOLUTION
right = torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
### END SOLUTION

# %% tags=["check"]
with check("lenet-1") as c:
    kind = (getattr(c.attempted(right), "dtype", None), *getattr(right, "shape", ()))
    c.equal(kind, (torch.float32, 3, 3), because="3 × 3 floats, as conv2d wants them")
    x = torch.arange(1.0, 13).view(1, 1, 3, 4)
    got, wide = F.conv2d(x, right.view(1, 1, 3, 3), padding=1), F.pad(x, (1, 1, 1, 1))
    wrong = [(x, "a 1 in the middle moves nothing")]
    wrong += [(wide[..., :3, 1:5], "down: row first, then column"), (wide[..., 2:, 1:5], "up: row first")]
    wrong += [(wide[..., :3, :4], "down as well: use the middle row"),
              (wide[..., 1:4, 2:], "this moves it left: fetch from the left neighbor")]
    c.equal(got, wide[..., 1:4, :4], because="each place takes its left neighbor's value", mistakes=wrong)

# %% [markdown] tags=["solution"]
# The 1 stands on the *left*, so each place looks left. Had PyTorch turned the kernel around, the same
# numbers would move the picture left. Blur, sharpen, shift and edge detection are all one operation with
# other numbers.

# %% [markdown] tags=["instructor"]
# **Watch for** the 1 on the right: "it should go right". Let the room say aloud what the place in the
# middle of the picture is calculated from.

# %% [markdown]
# ## Size, stride, pooling
#
# The window need not stop at every pixel. With `stride=2` it takes steps of two. Here are some
# combinations; look for the rule.

# %%
cases = [(6, 3, 0, 1), (6, 3, 1, 1), (32, 5, 0, 1), (32, 5, 2, 1), (32, 2, 0, 2), (7, 3, 0, 2), (8, 3, 0, 2)]
for n, k, p, s in cases:
    out = F.conv2d(torch.zeros(1, 1, n, n), torch.zeros(1, 1, k, k), padding=p, stride=s)
    print(f"size {n:2}, kernel {k}, padding {p}, stride {s} → {out.shape[-1]}")

# %% [markdown]
# Think of a row of pixels, with the padding at both of its ends. The first window needs `kernel` places.
# Each further window needs `stride` more, and a step that no longer fits is not taken: 7 and 8 pixels
# both have room for 3 windows, so in the last line one pixel at the edge is never looked at.
#
# ### Exercise lenet-2 · difficulty 1 · 3 minutes
# Turn these sentences into a formula. `out_size(n, kernel, padding, stride)` returns an int: how many windows fit along a side of `n` pixels?
#
# <details><summary>Hint 1</summary>How many places are left for <em>further</em> windows, once the first one has its own? How many steps fit into them?</details>
# <details><summary>Hint 2</summary>Rounding down is what <code>//</code> does. Count the first window, too. Try it on 32 pixels with a 5-pixel kernel: 28.</details>

# %% tags=["exercise"] id="lenet-2" objective="shapes"
def out_size(n: int, kernel: int, padding: int = 0, stride: int = 1) -> int:
    """Places of a window along a side of n pixels."""
    ### BEGIN SOLUTION
    return (n + 2 * padding - kernel) // stride + 1
    ### END SOLUTION

# %% tags=["check"]
with check("lenet-2") as c:
    c.kind(c.attempted(out_size(32, 5)), int)
    c.equal(out_size(32, 5), 28, because="starts 0 to 27", mistakes={27: "27 steps, but 28 places"})
    c.equal(out_size(32, 5, 2), 32, because="padding at both ends", mistakes={30: "padding at one end"})
    c.equal(out_size(8, 3, 0, 2), 3, because="no room for a fourth", mistakes={4: "round down, not up"})
    for n, k, p, s in [(28, 2, 0, 2), (14, 5, 0, 1), (10, 2, 0, 2), (33, 7, 3, 4), (9, 4, 1, 3), (5, 5, 0, 3)]:
        shape = F.conv2d(torch.zeros(1, 1, n, n), torch.zeros(1, 1, k, k), padding=p, stride=s).shape
        c.equal(out_size(n, k, p, s), shape[-1], because="as conv2d, on every layer of LeNet")

# %% [markdown] tags=["solution"]
# Fence posts and gaps: $\lfloor (n+2p-k)/s \rfloor$ counts the steps, and there is one more place than
# steps. "Same" padding for an odd kernel is $p = (k-1)/2$.

# %% [markdown]
# A stride skips places. **Pooling** visits them all and forgets afterwards: it keeps only the largest number
# of every 2 × 2 square.

# %%
x = torch.tensor([[1.0, 2, 0, 1], [4, 3, 0, 0], [0, 0, 7, 5], [1, 0, 6, 8]]).view(1, 1, 4, 4)
print(F.max_pool2d(x, 2)[0, 0])
assert F.max_pool2d(x, 2).shape == (1, 1, 2, 2)

# %% [markdown]
# There is a 4 somewhere in the first corner; exactly where is forgotten on purpose. The same size
# rule holds, with kernel 2 and stride 2.

# %% [markdown]
# ## Channels, and what a window saves
#
# A color picture has three channels, and a kernel is as **deep** as its input: it looks at all channels at
# once. A layer has many kernels, each of which makes one channel of the output, a *feature map*.
#
# **Predict before you run:** what is the weight shape of `nn.Conv2d(3, 6, 5)`? And what would an ordinary
# dense layer need, from 3 · 32 · 32 numbers to 6 · 28 · 28?

# %%
torch.manual_seed(0)
layer, photo = nn.Conv2d(3, 6, 5), torch.rand(1, 3, 32, 32)
print("weight", tuple(layer.weight.shape), "  bias", tuple(layer.bias.shape), "  out", tuple(layer(photo).shape))
conv_count = sum(p.numel() for p in layer.parameters())
dense_count = (3 * 32 * 32 + 1) * 6 * 28 * 28
print(f"conv: {conv_count:,}   dense: {dense_count:,}   ratio: {dense_count / conv_count:,.0f}")
slides = sum(F.conv2d(photo[:, k : k + 1], layer.weight[:1, k : k + 1]) for k in range(3))
gap = (slides + layer.bias[0] - layer(photo)[:, :1]).abs().max().item()
print(f"first map = red + green + blue + bias; largest difference {gap:.5f}")

# %% [markdown]
# Six kernels, three channels deep, 5 × 5: `(6, 3, 5, 5)`, and one bias for each. A feature map is made by sliding three times, once over each channel, and
# adding the three results and one bias.
#
# 456 numbers against more than fourteen million. Where did the others go? A convolution *is* a dense layer,
# with two restrictions. Build the dense matrix of a 3 × 3 kernel on 6 × 6 pixels to see them: send pictures
# with a single bright pixel through the kernel, one per place, and note what comes out.

# %% alt="A table of 16 rows and 36 columns, three quarters white. Each row has nine shaded squares, in three groups of three, and each row has the same nine shades as the row above, shifted to the right."
single_pixels = torch.eye(36).view(36, 1, 6, 6)
kernel_9 = torch.arange(1.0, 10).view(1, 1, 3, 3)
matrix = F.conv2d(single_pixels, kernel_9).flatten(1).T
used = matrix[matrix != 0]
print("matrix", tuple(matrix.shape), "=", matrix.numel(), "numbers")
print("not zero:", len(used), "  different numbers among these:", len(used.unique()))
assert torch.equal(matrix @ picture.flatten(), F.conv2d(picture.view(1, 1, 6, 6), kernel_9).flatten())
fig, ax = plt.subplots(figsize=(7, 3.2))
ax.imshow(matrix.numpy(), cmap="Blues")
ax.set(xlabel="pixel of the picture, 0 to 35", ylabel="place of the result, 0 to 15")
ax.grid(visible=False)
plt.show()

# %% [markdown]
# *The dense layer that a convolution is; white is 0.* Each row has only nine squares that are not white: an output looks at nine pixels, not at 36 (**locality**).
# And every row has the same nine shades, shifted: nine numbers, used again at each place (**weight sharing**). A cat in the corner is found by the same numbers as a
# cat in the middle. Move the picture by
# three pixels, and the map moves along:

# %%
moved = torch.roll(photo, 3, dims=3)  # 3 to the right; what falls off comes in on the left
difference = (layer(moved)[..., 3:] - layer(photo)[..., :-3]).abs().max().item()
print(f"largest difference between the moved map and the map of the moved picture: {difference:.5f}")
assert difference < 1e-5

# %% [markdown]
# ### Exercise lenet-3 · difficulty 1 · 3 minutes
# Write `conv_parameters(c_in, c_out, kernel)`: how many numbers does `nn.Conv2d(c_in, c_out, kernel)`
# learn, biases included? The kernel is square. Calculate; do not build the layer.
#
# <details><summary>Hint 1</summary>How many numbers has <em>one</em> kernel, with its depth? Then: how many kernels, and how many biases?</details>
# <details><summary>Hint 2</summary>One kernel has <code>c_in * kernel * kernel</code> numbers and one bias.</details>

# %% tags=["exercise"] id="lenet-3" objective="shapes"
def conv_parameters(c_in: int, c_out: int, kernel: int) -> int:
    """Learned numbers of nn.Conv2d(c_in, c_out, kernel)."""
    ### BEGIN SOLUTION
    return c_out * (c_in * kernel**2 + 1)
    ### END SOLUTION

# %% tags=["check"]
with check("lenet-3") as c:
    wrong = {450: "the biases are missing", 156: "a kernel is as deep as its input: 3 channels",
             451: "every kernel has a bias of its own", 96: "a kernel is a square: 5 · 5",
             468: "one bias per kernel, however deep it is", 453: "a bias for each channel of the output"}
    c.equal(c.attempted(conv_parameters(3, 6, 5)), 456, because="6 · (3 · 5 · 5 + 1)", mistakes=wrong)
    c.kind(conv_parameters(3, 6, 5), int)
    for a, b, k in [(6, 16, 5), (1, 6, 5), (16, 32, 3), (7, 2, 1)]:
        count = sum(p.numel() for p in nn.Conv2d(a, b, k).parameters())
        c.equal(conv_parameters(a, b, k), count, because="as nn.Conv2d counts")

# %% [markdown] tags=["solution"]
# Note what is *not* in the formula: the size of the picture. The same layer works on 32 × 32 and on a
# poster.

# %% [markdown]
# ## Prepare data
#
# Now the photographs. `cifar10` gives torchvision's own dataset: NumPy arrays of **bytes**, colors last. We
# keep all pictures as one tensor of bytes, channels first; as 32-bit floats they would take four times the
# memory. (If the first printed line begins with *Stand-in*, you see painted figures; what the text says about cats holds for photographs.)

# %%
def as_tensors(dataset):
    """Pictures as uint8 (N, 3, 32, 32) and their classes as int64 (N,)."""
    return torch.from_numpy(dataset.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(dataset.targets)


train, test = cifar10(train=True), cifar10(train=False)
real, names = is_real("cifar10"), train.classes
X, y = as_tensors(train)
X_test, y_test = (part[:8000] for part in as_tensors(test))  # the last 2,000 stay in a drawer
print("from", train.data.shape, train.data.dtype, "to", tuple(X.shape), X.dtype)
print(f"{X.numel() / 1e6:.0f} MB, pictures a class: {y.bincount().tolist()}")
assert y.bincount().unique().tolist() == [5000]

# %% [markdown]
# Ten classes of equal size: always saying "cat" is right in 10 % of the cases. Look at the pictures before anything else.

# %% alt="A grid of small color pictures, ten rows of fourteen. Each row is labeled with its class, from airplane and automobile to ship and truck, and holds fourteen different pictures of that class, all blurred by their 32 by 32 pixels."
def mosaic(pictures, gap=1):
    """Pictures (rows, columns, 3, H, W) as one picture for imshow, with white gaps."""
    white = 255 if pictures.dtype == torch.uint8 else 1.0
    framed = F.pad(pictures, (gap, gap, gap, gap), value=white)
    rows, columns, _, h, w = framed.shape
    return framed.permute(0, 3, 1, 4, 2).reshape(rows * h, columns * w, 3).numpy()


chosen = torch.stack([(y == k).nonzero()[:14, 0] for k in range(10)])
fig, ax = plt.subplots(figsize=(8, 5.9))
ax.imshow(mosaic(X[chosen]))
ax.set(xticks=[], yticks=[34 * k + 16.5 for k in range(10)], yticklabels=names)
ax.grid(visible=False)
ax.spines[:].set_visible(False)
ax.tick_params(length=0)
plt.show()

# %% [markdown]
# *Fourteen pictures of each class, one class in each row.*
#
# Set 5,000 training pictures aside. Every choice on the way is judged on the first 2,000 of these, which
# leaves an error of about one point; the test pictures are used once, at the end. Networks also like inputs around zero with a spread around one, so you need each
# color's mean and standard deviation. Calculate them, on the training pictures:

# %% within="0.002"
def channel_statistics(pictures):
    """Mean and standard deviation of each color: bytes (N, 3, H, W) → twice (3,)."""
    total, squares = 0.0, 0.0
    for part in pictures.split(5000):  # as floats, all at once would be 550 MB
        total += (part / 255).sum((0, 2, 3))
        squares += (part / 255).square().sum((0, 2, 3))
    count = pictures[:, 0].numel()
    mean = total / count
    return mean, (squares / count - mean**2).sqrt()  # mean of squares − square of mean


X_train, y_train, X_valid, y_valid = X[:45_000], y[:45_000], X[45_000:], y[45_000:]
valid_loader = make_loader(X_valid[:2000], y_valid[:2000], batch_size=1000)  # enough for a choice
mean, std = channel_statistics(X_train)
for name, row in {"mean": mean, "deviation": std}.items():
    print(f"{name:9}", [f"{value:.3f}" for value in row.tolist()])
assert (mean - 0.5).abs().max() < 0.1

# %% [markdown]
# ## Design the model
#
# Two rounds of convolution and pooling, then three dense layers: Yann LeCun's digit readers of the 1990s
# looked like this (ReLU and max pooling came later).

# %%
class LeNet(nn.Module):
    """Pictures (N, channels, 32, 32) → logits (N, 10)."""

    def __init__(self, channels=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))

# %% [markdown]
# Where does `16 * 5 * 5` come from? **Predict before you run:** write down the shape after every line of
# `forward`, for one gray picture, `(1, 1, 32, 32)`. Which layer has the most parameters?

# %%
torch.manual_seed(0)
lenet, gray = LeNet(), torch.randn(1, 1, 32, 32)
x, shapes, pool = gray, [], nn.MaxPool2d(2)
for stage in (lenet.conv1, pool, lenet.conv2, pool, nn.Flatten(), lenet.fc1, lenet.fc2, lenet.fc3):
    x = stage(x)
    shapes.append(tuple(x.shape))
    count = sum(p.numel() for p in stage.parameters())
    print(f"{type(stage).__name__:10} → {shapes[-1]!s:15} {count:7,} parameters")
print(f"in all {sum(p.numel() for p in lenet.parameters()):,}")
assert shapes[:4] == [(1, 6, 28, 28), (1, 6, 14, 14), (1, 16, 10, 10), (1, 16, 5, 5)]

# %% [markdown]
# 32 → 28 → 14 → 10 → 5 along a side: the picture shrinks while the channels grow. What is left, 16 maps of
# 5 × 5, is laid out as a row of 400, and the dense layers turn it into ten logits. (ReLU changes no shape.)
# Nearly four fifths of the parameters sit in the first dense layer; the convolutions have few, and use each
# of them at 784 or 100 places.
#
# Flattening has a price: the side must come out as 5, and only 32 to 35 pixels give that. Here are the two
# errors that everybody meets, first for a picture of 28 × 28 pixels, then for one without a batch dimension.

# %%
with expect_error(RuntimeError):
    lenet(torch.randn(1, 1, 28, 28))
with expect_error(RuntimeError):
    lenet(torch.randn(1, 32, 32))

# %% [markdown]
# Read them from the back. `400x120` is `fc1`, which expects 400. In the first case it gets 256: 28 → 24 → 12
# → 8 → 4, and 16 · 4 · 4 = 256. Resize the picture, or build the network for it. In the second case
# `flatten(1)` took the channels for the batch, 16 rows of 25. What helps is `x.unsqueeze(0)`.
#
# ### Exercise lenet-4 · difficulty 2 · 4 minutes
# Write `flat_width(size, channels, layers)`: how many numbers of one picture reach the first dense layer?
# The picture is `size` pixels wide and high, `layers` lists convolutions and poolings as `(kernel, padding,
# stride)`, and `channels` is how many maps the last of them gives. Return an int. LeNet: `flat_width(32,
# 16, [(5, 0, 1), (2, 0, 2), (5, 0, 1), (2, 0, 2)])` is 400.
#
# <details><summary>Hint 1</summary>Follow the side through the list, one layer after the other; your <code>out_size</code> may help.</details>
# <details><summary>Hint 2</summary>Each layer turns <code>size</code> into a new <code>size</code>, so one name is enough. The maps at the end are squares.</details>

# %% tags=["exercise"] id="lenet-4" objective="shapes"
def flat_width(size: int, channels: int, layers: list[tuple[int, int, int]]) -> int:
    """Numbers of one picture after layers of (kernel, padding, stride) and a flatten."""
    ### BEGIN SOLUTION
    for kernel, padding, stride in layers:
        size = (size + 2 * padding - kernel) // stride + 1
    return channels * size**2
    ### END SOLUTION

# %% tags=["check"]
with check("lenet-4") as c:
    lenet_layers = [(5, 0, 1), (2, 0, 2)] * 2
    with c.untouched(lenet_layers):
        got = c.attempted(flat_width(32, 16, lenet_layers))
    c.kind(got, int)
    wrong = {5: "the side alone: 16 maps of 5 × 5", 80: "the maps are squares", 25: "times the channels"}
    c.equal(got, 400, because="16 · 5 · 5", mistakes=wrong)
    c.equal(flat_width(9, 4, []), 324, because="no layer: the picture itself")
    for size, channels, layers in [(47, 7, [(3, 1, 2), (3, 0, 1), (2, 0, 2)]), (20, 3, [(7, 2, 3)])]:
        x = torch.zeros(1, 1, size, size)
        for k, p, s in layers:
            x = F.conv2d(x, torch.zeros(1, 1, k, k), padding=p, stride=s)
        likely = "padding stands at both ends, and each layer starts from the size that the last one left"
        c.true(flat_width(size, channels, layers) == channels * x.numel(), likely=likely,
               observed=flat_width(size, channels, layers), expected=channels * x.numel())

# %% [markdown] tags=["solution"]
# Two lazy ways exist as well: `nn.LazyLinear(120)` finds its width in the first forward pass, and
# `nn.AdaptiveAvgPool2d(5)` before the flatten makes any size 5 × 5. Modern networks take the second way,
# and so accept any picture.

# %% [markdown]
# One layer in front prepares the pictures, **a whole batch at a time**: bytes in, normalized floats out. Its
# constants are *buffers*: saved and moved with the model, not learned. In training mode it also mirrors
# about half of the pictures; a mirrored horse is a horse.

# %%
class Prepare(nn.Module):
    """Bytes (N, 3, H, W) → normalized floats; when training with ``flip``, half are mirrored."""

    def __init__(self, mean, std, flip=True):
        super().__init__()
        self.register_buffer("mean", mean.view(3, 1, 1))
        self.register_buffer("std", std.view(3, 1, 1))
        self.flip = flip

    def forward(self, x):
        if self.training and self.flip:
            mirrored = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
            x = torch.where(mirrored, x.flip(3), x)
        x = (x / 255 - self.mean) / self.std
        return x.contiguous(memory_format=torch.channels_last)  # a layout that pooling reads faster

# %% [markdown]
# ## Choose loss and optimizer: the classic recipe
#
# The loss is cross-entropy. The optimizer of the famous recipe is SGD with learning rate 0.001 and momentum 0.9: each step is nine tenths of the last plus the new
# gradient step. The data come from a `DataLoader` that fetches **four** pictures at a time, each going through a chain
# of transforms on its own. It runs for two epochs: 25,000 steps.

# %%
def train_steps(model, loader, optimizer, steps):
    """Plain training steps, ``steps`` of them, on the model's device; returns their mean loss."""
    total, place = 0.0, next(model.parameters()).device
    for x, target in islice(loader, steps):
        loss = F.cross_entropy(model(x.to(place)), target.to(place))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / steps

# %% [markdown]
# **Predict before you run:** pure guessing among ten classes costs $\ln 10 = 2.303$. What is the
# mean loss of the first 250 of these 25,000 steps?

# %% within="0.01"
# PIL image → bytes (3, 32, 32) → floats 0 to 1 → floats −1 to 1
stages = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3)]
train.transform = v2.Compose(stages)
classic_loader = DataLoader(train, batch_size=4, shuffle=True)
torch.manual_seed(0)
classic = LeNet(3).to(device)
classic_optimizer = torch.optim.SGD(classic.parameters(), lr=0.001, momentum=0.9)
early = train_steps(classic, classic_loader, classic_optimizer, steps=250)
print(f"guessing {math.log(10):.3f}, mean loss of the first 250 steps {early:.3f}")
assert early > 2.2

# %% [markdown]
# No better than guessing yet, and the whole recipe is a hundred such slices. Run to its end on the
# photographs, in a script outside this lesson, it named 53.9 % of the 10,000 test pictures correctly and took
# 96 seconds on two CPU cores. (`python benchmarks/cifar_recipes.py` repeats that run.)

# %% [markdown]
# ## A slow recipe made fast
#
# From here on you *measure*, remove one cost, and measure again. The contenders take turns, and the shortest
# of three times **per picture** counts, so a busy machine hardly matters. On a CPU the stopwatch counts
# processor time on one thread; on a GPU it first waits until the work is done.

# %%
def stopwatch():
    """Seconds: of the processor, or on the clock once an accelerator has done its work."""
    if not torch.accelerator.is_available():
        return time.process_time()
    torch.accelerator.synchronize()
    return time.perf_counter()


def seconds_each(runs, rounds=3):
    """Shortest time per picture of each run; runs: name → (function, pictures it goes through)."""
    best, threads = dict.fromkeys(runs, math.inf), torch.get_num_threads()
    torch.set_num_threads(1)
    for name, (run, pictures) in rounds * list(runs.items()):
        started = stopwatch()
        run()
        best[name] = min(best[name], (stopwatch() - started) / pictures)
    torch.set_num_threads(threads)
    return best

# %% [markdown]
# ### Costs 1 and 2: one picture at a time, four pictures a step
#
# The rival keeps the pictures as bytes in memory, and `make_loader` with `Prepare` handles a whole batch at
# once. Measure the data alone, then whole training steps, with 4 and with 64 pictures each.

# %%
def contender(model, X, y, batch_size, lr):
    """A function of ``steps`` that trains ``model`` on pictures X, kept as bytes, and classes y."""
    loader = make_loader(X, y, batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    return lambda steps: train_steps(model, loader, optimizer, steps)


def byte_lenet(mean, std):
    """LeNet behind a Prepare layer: bytes (N, 3, 32, 32) → logits (N, 10)."""
    return nn.Sequential(Prepare(mean, std, flip=False), LeNet(3))


def fetch(loader, batches, prepare):
    """Fetch so many batches and prepare them, nothing else."""
    for x, _ in islice(loader, batches):
        prepare(x)

# %% tags=["nbval-ignore-output"] reason="ratios of measured times depend on the processor and on what else it is doing"
still, four = Prepare(mean, std, flip=False), make_loader(X_train, y_train, batch_size=4, shuffle=True)
by_4, by_64 = (contender(byte_lenet(mean, std).to(device), X_train, y_train, n, 0.001) for n in (4, 64))
spent = seconds_each({
    "data only, classic": (lambda: fetch(classic_loader, 50, nn.Identity()), 200),
    "data only, bytes by 4": (lambda: fetch(four, 200, still), 800),
    "step, classic": (lambda: train_steps(classic, classic_loader, classic_optimizer, 50), 200),
    "step, bytes by 4": (lambda: by_4(50), 200),
    "step, bytes by 64": (lambda: by_64(6), 384),
})
print("time per picture, with a whole classic step, data included, as 1:")
for name, seconds in spent.items():
    print(f"{name:22} {seconds / spent['step, classic']:.2f}")

# %% [markdown]
# **Cost 1**, the first two lines: the bytes save *ceremony*, a PIL image for each picture, a chain of calls, a stack. **Cost 2**, the last two: every layer of every
# step has a fixed price, and 64 pictures share it.
#
# But a step with 64 pictures is still *one* step. An epoch now has 16 times fewer of them, so each must be
# longer. A rule of thumb: **scale the learning rate with the batch**, here by 16. (Below, `nesterov=True` lets
# momentum use the fresh gradient a second time; leave `cycle` aside until cost 4.)

# %%
def learn(model, X, y, *, lr, epochs=1, cycle=True, **judged_by):
    """SGD in batches of 64; with ``cycle`` the learning rate rises to ``lr`` and falls to almost zero."""
    loader = make_loader(X, y, batch_size=64, shuffle=True, drop_last=True)
    momentum = {"momentum": 0.9, "nesterov": True}
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, weight_decay=5e-4, **momentum)
    schedule = OneCycleLR(optimizer, max_lr=lr, total_steps=epochs * len(loader)) if cycle else None
    loss_fn = nn.CrossEntropyLoss()
    return fit(model, loader, loss_fn, optimizer, epochs=epochs, scheduler=schedule, **judged_by)

# %% [markdown]
# **Predict before you run:** two LeNets learn from the same 8,000 pictures in batches of 64. One keeps the
# classic learning rate 0.001, one gets 0.016. What accuracy does the first reach on the validation
# pictures?

# %% within="0.05"
scaled = {}
for lr in (0.001, 0.016):
    torch.manual_seed(0)
    model = byte_lenet(mean, std).to(device)
    learn(model, X_train[:8000], y_train[:8000], lr=lr, cycle=False)
    scaled[lr] = evaluate(model, valid_loader, metrics={"accuracy": accuracy})["accuracy"]
    print(f"learning rate {lr}: accuracy {scaled[lr]:.2f}")
assert not real or scaled[0.001] < 0.16 < scaled[0.016] - 0.03

# %% [markdown]
# ### Cost 3: a network that must be handled with care
#
# Can you go further, to a learning rate of 0.1? What helps there is **BatchNorm**, `nn.BatchNorm2d(C)`. In training mode it brings every channel of a layer's output
# to mean 0 and spread 1, taken over batch, rows and columns, and then gives it a learned scale and shift. After `model.eval()` it uses averages saved during
# training, so a picture's answer depends on no other
# picture. `fit` and `predict` switch
# for you; in a loop of your own, you do.
#
# Here is the quick network: LeNet's plan, wider, with BatchNorm. Pooling stands right after the convolution, so BatchNorm and ReLU have a quarter of the numbers to
# work on. (`nn.Identity` and `nn.Dropout(0.0)` change nothing.)

# %%
def quick_lenet(mean, std, norm=True, dropout=0.0):
    """A wider LeNet with BatchNorm: bytes (N, 3, 32, 32) → logits (N, 10)."""
    norm2, norm1 = (nn.BatchNorm2d, nn.BatchNorm1d) if norm else (nn.Identity, nn.Identity)
    return nn.Sequential(
        Prepare(mean, std),
        nn.Conv2d(3, 16, 5), nn.MaxPool2d(2), norm2(16), nn.ReLU(),
        nn.Conv2d(16, 32, 5), nn.MaxPool2d(2), norm2(32), nn.ReLU(),
        nn.Flatten(), nn.Dropout(dropout),
        nn.Linear(32 * 5 * 5, 120), norm1(120), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(120, 84), norm1(84), nn.ReLU(),
        nn.Linear(84, 10),
    )

# %% [markdown]
# **Predict before you run:** one pass over 4,000 pictures, at three learning rates each, without BatchNorm
# and with it. How many points does each of the two lose from 0.1 to 0.3?

# %% within="0.08"
rates, tried = (0.03, 0.1, 0.3), {}
print("learning rate     ", "  ".join(f"{lr:4}" for lr in rates))
for norm in (False, True):
    for lr in rates:
        torch.manual_seed(0)
        model = quick_lenet(mean, std, norm=norm).to(device)
        learn(model, X_train[:4000], y_train[:4000], lr=lr)
        tried[norm, lr] = evaluate(model, valid_loader, metrics={"accuracy": accuracy})["accuracy"]
    row = "  ".join(f"{tried[norm, lr]:.2f}" for lr in rates)
    print("with BatchNorm    " if norm else "without BatchNorm ", row)
assert not real or tried[True, 0.3] > tried[False, 0.3] + 0.1
assert not real or max(tried[True, lr] for lr in rates) > max(tried[False, lr] for lr in rates) + 0.03
# %% [markdown]
# With each side at its best rate, BatchNorm is far ahead. And where the steps are boldest, the plain network
# breaks down to guessing, while the other loses a few points. The quick network gets 0.1, the rate in the
# middle, from here on.
#
# ### Cost 4: one learning rate all the way
#
# Large steps pay off in the middle of training, less at its start and end. **One cycle** begins with a twenty-fifth of the rate, rises for three tenths of the
# steps, then falls to almost zero: here 0.004 → 0.1 → 0.
# `OneCycleLR(optimizer, max_lr=…, total_steps=…)` wants the number of all steps beforehand, and one
# `schedule.step()` after each. Same network, same 20,000 pictures, one pass: a constant 0.1 and a constant 0.03 against one cycle.

# %% within="0.06"
cycled = {}
plans = {"constant 0.1": (0.1, False), "constant 0.03": (0.03, False), "one cycle": (0.1, True)}
for plan, (lr, cycle) in plans.items():
    torch.manual_seed(0)
    short = quick_lenet(mean, std).to(device)
    learn(short, X_train[:20_000], y_train[:20_000], lr=lr, cycle=cycle)
    cycled[plan] = evaluate(short, valid_loader, metrics={"accuracy": accuracy})["accuracy"]
    print(f"{plan:13} {cycled[plan]:.2f}")
assert not real or cycled["one cycle"] > max(cycled["constant 0.1"], 0.54) - 0.01

# %% [markdown]
# With ten seeds on the photographs, the cycle beat both constants all ten times: 0.1 by anything from 0.3 to 7.5 points, 0.03 by 0.6 to 4.4
# (`benchmarks/spread.py 07` repeats them).
#
# ### The bill
#
# The classic recipe was shown 100,000 pictures for its 54 % of the test pictures. The one-cycle run saw
# 20,000. Its 0.57 is a validation figure; on the test pictures, the ten seeds gave 54.9 to 57.5 %. What did
# that cost?

# %% tags=["nbval-ignore-output"] reason="the ratio of two times depends on the processor and on what else it is doing"
by_quick = contender(quick_lenet(mean, std).to(device), X_train, y_train, 64, 0.01)
later = seconds_each({
    "classic": (lambda: train_steps(classic, classic_loader, classic_optimizer, 50), 200),
    "quick network": (lambda: by_quick(6), 384),
})
classic_seconds, quick_seconds = 100_000 * later["classic"], 20_000 * later["quick network"]
print(f"extrapolated, on one core: classic {classic_seconds:.0f} s, quick {quick_seconds:.1f} s")
print(f"54 % in 1/{classic_seconds / quick_seconds:.0f} of the time")

# %% [markdown]
# The quick network multiplies more than three times as much per picture as
# LeNet (2.2 million products in its convolutions, against 0.6), and still wins: it needs a fifth of the pictures, each of them three to four times as quick without
# costs 1 and 2.
#
# ### Would a dense network have done as well?
#
# Give a network without any convolution what the quick network had: BatchNorm, mirrors, one cycle, three
# learning rates of its own to choose from, the same 20,000 pictures.
#
# **Predict before you run:** how many points does it lose?

# %% within="0.04"
def dense_rival(mean, std):
    """No convolution: bytes (N, 3, 32, 32) → 3,072 numbers → 256 → 128 → logits (N, 10)."""
    hidden = nn.Linear(3072, 256), nn.BatchNorm1d(256), nn.ReLU()
    hidden += nn.Linear(256, 128), nn.BatchNorm1d(128), nn.ReLU()
    return nn.Sequential(Prepare(mean, std), nn.Flatten(), *hidden, nn.Linear(128, 10))


for lr, n in ((0.01, 3000), (0.03, 3000), (0.1, 3000), (0.03, 20_000)):
    torch.manual_seed(0)
    rival = dense_rival(mean, std).to(device)
    learn(rival, X_train[:n], y_train[:n], lr=lr)
    right_dense = evaluate(rival, valid_loader, metrics={"accuracy": accuracy})["accuracy"]
    print(f"dense, {n:6,} pictures, learning rate {lr:4}: {right_dense:.2f}")
for name, model, share in (("LeNet's plan", short, cycled["one cycle"]), ("dense rival", rival, right_dense)):
    print(f"{name:12} {sum(p.numel() for p in model.parameters()):7,} parameters: {share:.2f}")
assert not real or cycled["one cycle"] > right_dense + 0.07

# %% [markdown]
# It loses eleven points. The learning rate makes little difference to it.

# %% [markdown]
# ## Train and judge
#
# Now two epochs over the 45,000 training pictures, one cycle over both.

# %% within="0.05"
torch.manual_seed(0)
net = quick_lenet(mean, std).to(device)
judges = {"val_loader": valid_loader, "metrics": {"accuracy": accuracy}}
history = learn(net, X_train, y_train, lr=0.1, epochs=2, **judges)
print("validation accuracy after each epoch:", [f"{v:.2f}" for v in history["val_accuracy"]])
assert not real or history["val_accuracy"][1] > 0.67

# %% [markdown]
# All decisions have been made. Now, and only now, the test pictures:

# %% within="0.02"
logits = predict(net, X_test, device=device)  # (8000, 10)
said, total = logits.argmax(dim=1), accuracy(logits, y_test).item()
print(f"right: {total:.3f} of {len(X_test):,} test pictures")
assert not real or 0.66 < total < 0.76

# %% [markdown]
# Which classes are easy?

# %% within="0.08" alt="Ten horizontal bars, the share of right answers of each class, the longest on top, vehicles in blue and animals in green, with a dashed vertical line at the overall accuracy. For the photographs, automobile, ship and truck are among the longest, beyond the line; bird and cat are the shortest ones."
per_class = torch.stack([(said[y_test == k] == k).float().mean() for k in range(10)])
fig, ax = plt.subplots(figsize=(7, 3.3))
order = per_class.argsort(descending=True).tolist()
colors = [CLASS_COLORS[0 if k in (0, 1, 8, 9) else 2] for k in order]
ax.barh([names[k] for k in order], (100 * per_class[order]).tolist(), color=colors)
ax.axvline(100 * total, color=VALID, ls="--", label="all classes")
ax.set(xlabel="right answers, % of the class's test pictures", xlim=(0, 100))
ax.invert_yaxis()
ax.legend(loc="lower right", facecolor="#fcfcfc", frameon=True)
plt.show()
vehicles, animals = per_class[[0, 1, 8, 9]].mean(), per_class[[2, 3, 4, 5, 6, 7]].mean()
print(f"vehicles {vehicles:.2f}, animals {animals:.2f}, cats alone {per_class[3]:.2f}")
assert not real or vehicles > animals > per_class[3]

# %% [markdown]
# *Right answers by class, best first; blue vehicles, green animals; the dashed line is the average.* Among the photographs, vehicles are easier than animals on
# average, though frogs do as well as trucks. Where do the wrong answers go? In the **confusion
# matrix**, rows are the truth, columns what the network said.

# %% alt="A ten by ten table of counts, rows are true classes, columns are answers. The right answers, on the diagonal, are bold on white; the mistakes are shaded in blue, more is darker. For the photographs, the darkest squares are cat and dog, in both directions."
matrix = torch.bincount(10 * y_test + said, minlength=100).view(10, 10)
fig, ax = plt.subplots(figsize=(6.2, 5.2))
wrong = matrix.clone().fill_diagonal_(0)
ax.imshow(wrong.numpy(), cmap="Blues")
for truth, answer in product(range(10), range(10)):
    dark, weight = wrong[truth, answer] > 0.6 * wrong.max(), "bold" if truth == answer else "normal"
    style = dict(ha="center", va="center", fontsize=8, fontweight=weight, color="w" if dark else "#222222")
    ax.text(answer, truth, matrix[truth, answer].item(), **style)
ax.set_xticks(range(10), labels=names, rotation=40, ha="right")
ax.set_yticks(range(10), labels=names)
ax.set(xlabel="the network said", ylabel="truth")
ax.grid(visible=False)
plt.show()
assert matrix.sum() == 8000 and matrix.diagonal().sum() == (said == y_test).sum()

# %% [markdown]
# *Each row is a class, about 800 pictures. Bold is right; the darker a square, the more such mistakes.* The mistakes are not spread evenly: cats and dogs
# are taken for each other by far the most, more than twice as often as birds and deer, airplanes and ships, or automobiles and trucks.
#
# ### Exercise lenet-5 · difficulty 2 · 5 minutes
# Write `most_mixed_up(confusion)`: given a confusion matrix `(C, C)` of counts, return the two *different*
# classes that are most often taken for each other, counting **both directions together**, as a tuple of two
# ints, the smaller one first. Leave the matrix as it is.
#
# <details><summary>Hint 1</summary>A matrix plus its transpose holds both directions in every place. What must not win?</details>
# <details><summary>Hint 2</summary>Set the diagonal of the sum to zero with <code>fill_diagonal_</code>; <code>argmax</code> gives the position in the flattened matrix, and <code>divmod</code> splits it into row and column.</details>

# %% tags=["exercise"] id="lenet-5" objective="judge"
def most_mixed_up(confusion: torch.Tensor) -> tuple[int, int]:
    """The two classes most often taken for each other; confusion (C, C), rows truth, columns answers."""
    ### BEGIN SOLUTION
    both = (confusion + confusion.T).fill_diagonal_(0)
    return divmod(both.argmax().item(), len(both))
    ### END SOLUTION

# %% tags=["check"]
with check("lenet-5") as c:
    counts = torch.tensor([[90, 1, 2, 0], [2, 60, 14, 24], [3, 15, 70, 12], [1, 0, 13, 80]])
    with c.untouched(counts):
        got = c.attempted(most_mixed_up(counts))
    one_way = "24 is the largest in one direction: add the other one"
    wrong = {(1, 3): one_way, (3, 1): one_way, (2, 1): "smaller one first", (0, 0): "leave out the diagonal"}
    c.equal(tuple(got), (1, 2), because="14 + 15 is more than 24 + 0", mistakes=wrong)
    c.kind(got, tuple[int, int])
    c.equal(most_mixed_up(counts[[3, 0, 1, 2]][:, [3, 0, 1, 2]]), (2, 3), because="not wired in")
    shares = {(0, 2): "compare counts of mistakes, not shares of a row"}
    c.equal(most_mixed_up(torch.tensor([[90, 8, 2], [9, 80, 1], [4, 0, 6]])), (0, 1), mistakes=shares)
    five = torch.diag(torch.tensor([50, 40, 90, 80, 70]))
    five[0, 1], five[1, 2], five[2, 0], five[3, 4], five[4, 3], five[0, 2] = 9, 8, 7, 5, 6, 3
    totals = "the two classes with most mistakes over all are another question: look at pairs"
    wrong = {(0, 1): totals, (1, 2): totals, (0, 2): totals}
    c.equal(most_mixed_up(five), (3, 4), because="a pair, not two classes with many mistakes", mistakes=wrong)
    c.equal(most_mixed_up(five.flip(0, 1)), (0, 1))
    rare = torch.tensor([[5, 0, 0], [0, 5, 1], [0, 0, 5]])
    c.equal(most_mixed_up(rare), (1, 2), because="a single mistake is a mistake")

# %% [markdown] tags=["solution"]
# Adding the transpose makes the question symmetric, so the first largest number stands above the diagonal,
# and the smaller class comes first. `argmax` without `dim` numbers the places of the flattened matrix, and
# `divmod` by the width turns such a number back into row and column. Try it on `matrix`: for the photographs
# it is `(3, 5)`, cat and dog.

# %% [markdown]
# ### Sure, and wrong
#
# Take the wrong answers with the highest softmax probabilities: on these, the network would have bet.

# %% within="0.03" alt="Two rows of six enlarged test pictures, the twelve wrong answers with the highest probability. Above each picture stands what the network said, its probability in percent, and the true class."
probability, _ = logits.softmax(dim=1).max(dim=1)
surest = torch.where(said != y_test, probability, 0).topk(12).indices
fig, axes = plt.subplots(2, 6, figsize=(9, 3.9))
for ax, i in zip(axes.flat, surest.tolist(), strict=True):
    ax.imshow(X_test[i].permute(1, 2, 0).numpy())
    title = f"{names[said[i]]} {probability[i]:.0%}\nis: {names[y_test[i]]}"
    ax.set_title(title, fontsize=9, fontweight="normal")
    ax.set_axis_off()
plt.show()
sure = [probability[said == y_test].mean().item(), probability[said != y_test].mean().item()]
print(f"mean probability: right answers {sure[0]:.2f}, wrong ones {sure[1]:.2f}, these twelve", end=" ")
print(f"{probability[surest].mean():.2f}")
assert not real or (sure[0] > sure[1] and probability[surest].min() > 0.9)

# %% [markdown]
# *First line: what the network said, and how sure it was. Second line: the truth.* Some you will forgive, and the *cat* in the first row is a frog
# with a wrong label. Others show what the network goes by: a background, a color, an outline. On
# average it
# is surer when it is right, but a probability of 99 % is not a promise.

# %% [markdown] tags=["instructor"]
# **For the room:** cover the second line with a sheet and let people guess the truth. Their accuracy on
# these twelve is a good answer to "is the network stupid?". Then ask what a doctor should make of a 99 %
# from such a machine.
#
# **Ten seeds** on the photographs, one thread, all 10,000 test pictures: after two epochs 69.2 to 70.5 %;
# after the single pass over 20,000, 54.9 to 57.5 %. Cat and dog were mixed up most in all ten.
# `benchmarks/cifar_recipes.py --seeds 10 --skip-classic` and `benchmarks/spread.py 07` measure it again.

# %% [markdown]
# ## The build: your network, your schedule
#
# ### Exercise lenet-6 · difficulty 3 · 15 minutes
# `PhotoNet(channels, size, classes)` takes bytes `(N, channels, size, size)`, uint8, and returns logits
# `(N, classes)`; it normalizes its input itself. `train_photo_net(X, y, classes)` makes a new `PhotoNet` that
# fits the pictures `X`, trains it on `X` and `y` in **your own loop** (no `fit`, `learn`, `make_loader` or
# `quick_lenet`: on your honor), and returns it in evaluation mode.
#
# Goals: learn from 20,000 different photographs (the classic recipe had 50,000), with at most **60,000 parameters**; name at least **54 %** of the 2,000 in the
# drawer. The *same code* also learns from
# 4,469 of the photographs in gray, cut to 24 × 24 pixels, in five classes: at least 60 %. Choose layers,
# optimizer, schedule and number of passes freely, and judge your tries on `X_valid`: `mine = train_photo_net(X_train[:20_000], y_train[:20_000], 10)`, then
# `accuracy(predict(mine, X_valid), y_valid)`. `train_photo_net(X_train[:500, :1, 4:28, 4:28], y_train[:500], 10)` tells you in a second whether your sizes fit gray
# pictures of 24 × 24. The check trains on
# both, gray first. That takes about 15 seconds with two short passes; each training may take three minutes of processor time, all cores added up.
#
# <details><summary>Hint 1</summary>The sections <em>Design the model</em>, <em>Cost 3</em> and <em>Cost 4</em> hold all the parts. <code>x / 255 - 0.5</code> normalizes well enough. <code>PhotoNet(X.shape[1], X.shape[2], classes)</code> fits <code>X</code>.  Which layer holds most of the parameters? There you can save. And how wide is the row after the flatten, for any <code>size</code>? (lenet-4)</details>
# <details><summary>Hint 2</summary>An epoch: <code>for rows in torch.randperm(len(X)).split(64):</code>. How many steps is that, the last short batch included? After each <code>optimizer.step()</code> comes <code>schedule.step()</code>. Begin with a peak between 0.03 and 0.3 for SGD with momentum. Send network and batches to <code>device</code> if you have a GPU.</details>

# %% tags=["exercise", "build"] id="lenet-6" objective="recipe"
class PhotoNet(nn.Module):
    """Bytes (N, channels, size, size), uint8 → logits (N, classes)."""

    def __init__(self, channels: int, size: int, classes: int) -> None:
        super().__init__()
        ### BEGIN SOLUTION
        side = ((size - 4) // 2 - 4) // 2
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 12, 5), nn.MaxPool2d(2), nn.BatchNorm2d(12), nn.ReLU(),
            nn.Conv2d(12, 24, 5), nn.MaxPool2d(2), nn.BatchNorm2d(24), nn.ReLU(),
            nn.Flatten(), nn.Linear(24 * side**2, 64), nn.ReLU(), nn.Linear(64, classes),
        )
        ### END SOLUTION

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ### BEGIN SOLUTION
        return self.layers(x / 255 - 0.5)
        ### END SOLUTION


def train_photo_net(X: torch.Tensor, y: torch.Tensor, classes: int) -> nn.Module:
    """A new PhotoNet, trained on bytes X (N, C, S, S) and classes y (N,), in evaluation mode."""
    ### BEGIN SOLUTION
    model, epochs = PhotoNet(X.shape[1], X.shape[2], classes).to(device), 2
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
    schedule = OneCycleLR(optimizer, max_lr=0.1, total_steps=epochs * math.ceil(len(X) / 64))
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(64):
            loss = F.cross_entropy(model(X[rows].to(device)), y[rows].to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()
    ### END SOLUTION

# %% tags=["check"]
with check("lenet-6") as c:
    def of_five(X, y):  # ship 0, frog 1, automobile 2, airplane 3, horse 4; gray, 24 × 24
        k = torch.tensor([3, 2, 5, 5, 5, 5, 1, 4, 0, 5])[y]
        return X[k < 5, :, 4:28, 4:28].float().mean(1, keepdim=True).byte(), k[k < 5]
    drawer = [part[8000:] for part in as_tensors(test)]
    grays = of_five(X_train[20_000:29_000], y_train[20_000:29_000])
    tasks = [(*grays, *of_five(*c.held_back(*drawer)), 5, 0.60)]
    tasks += [(X_train[:20_000].clone(), y_train[:20_000], *c.held_back(*drawer), 10, 0.54)]
    for X_own, y_own, X_new, y_new, classes, goal in tasks:
        torch.manual_seed(0)
        with c.untouched(X_own[:1000], y_own):
            trained_net = c.timed(lambda X=X_own, y=y_own, k=classes: train_photo_net(X, y, k), limit=180)
        c.kind(trained_net, nn.Module)
        count, mode = sum(p.numel() for p in trained_net.parameters()), "training" * trained_net.training
        c.true(count <= 60_000, observed=f"{count:,} parameters", expected="at most 60,000",
               likely="the first dense layer holds most of them: fewer maps, one more pooling, or fewer units")
        c.equal(mode or "evaluation", "evaluation", because="one picture's answer depends on no other")
        own, new = (predict(trained_net, part) for part in (X_own[:300], X_new))
        c.equal(tuple(new.shape), (len(X_new), classes), because="logits, one for each class")
        scores = accuracy(new, y_new).item(), accuracy(own, y_own[:300]).item()
        c.learned(scores[0], trained=scores[1], chance=1 / classes, at_least=goal)

# %% [markdown] tags=["solution"]
# 47,000 parameters and two passes. A deeper plan with 3 × 3 kernels and padding needs even fewer (26,000 with
# 16, 32 and 64 channels and an average pooling at the end) and is a little better, at twice the time.

# %% [markdown] tags=["instructor"]
# **Timing:** 15 minutes, of which the check takes 10 to 20 seconds. The stored answer, five seeds: 57.3 to
# 59.5 % of the drawer's photographs, 65.7 to 67.7 % of the gray ones (three seeds). Others that pass: AdamW
# at 0.003 in its place (57.4 %), the 3 × 3 plan above in a single pass (58.5 %; gray, two passes: 76.5 %).
# Not enough: LeNet without BatchNorm (49.5 %), a dense network of that size (41.7 %). One cycle needs
# steps: with 5,000 pictures it is no better than a constant rate (three seeds, 42.4 to 42.5 % against 42.3
# to 43.5 %). The dense rival of the story, two epochs on 45,000 pictures: 53 % where LeNet's plan has 71 %.

# %% [markdown]
# ## What you have met
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `F.conv2d(x, weight, padding=p, stride=s)` | slides kernels (O, C, k, k) over pictures | (N, C, H, W) → (N, O, H′, W′) |
# | `nn.Conv2d(C, O, k)` | the same, learned; O · (C·k² + 1) parameters | H′ = ⌊(H + 2p − k)/s⌋ + 1 |
# | `nn.MaxPool2d(2)`, `F.max_pool2d(x, 2)` | the largest of each 2 × 2 | (N, C, H, W) → (N, C, ⌊H/2⌋, ⌊W/2⌋) |
# | `torch.flatten(x, 1)`, `nn.Flatten()` | a row for each picture | (N, C, H, W) → (N, C·H·W) |
# | `nn.BatchNorm2d(C)`, `nn.BatchNorm1d(n)` | mean 0, spread 1 over the batch, then learned scale and shift | shape stays |
# | `OneCycleLR(optimizer, max_lr, total_steps=n)` | learning rate up, then down; one step per batch | |
# | `torch.bincount(C * truth + said, minlength=C * C)` | confusion matrix, after `.view(C, C)` | (N,), (N,) → (C, C) |
#
# Four sentences to keep. *Know the shapes before you run. Bigger batches want bigger steps. Look at the
# mistakes before you change the model. Measure where the minutes go.*
#
# Your own next goal: 70 % on any seed. More passes are a place to begin:
# `learn(quick_lenet(mean, std), X_train, y_train, lr=0.1, epochs=6)`.
#
# Only thirty pictures of each class? The next lesson borrows a trained network.

# %% [markdown] tags=["deeper"]
# ## How far does a unit see?
#
# A *unit* is one number in a feature map. After the first layer it depends on 5 × 5 pixels, after later ones
# on more. Autograd can show it: take one unit, go backward to the picture, and mark every pixel with a
# gradient. (All weights are 1 here, and sums replace the maxima of pooling, so that no path is hidden.)

# %%
def seen(depth):
    """The 32 × 32 pixels that a unit after ``depth`` layers of LeNet depends on, as 0 and 1."""
    x = torch.ones(1, 1, 32, 32, requires_grad=True)
    out = x
    for k, s in [(5, 1), (2, 2), (5, 1), (2, 2)][:depth]:
        out = F.conv2d(out, torch.ones(1, 1, k, k), stride=s)
    at = out.shape[-1] // 2
    (gradient,) = torch.autograd.grad(out[0, 0, at, at], x)
    return (gradient[0, 0] != 0).int()

# %% alt="Four squares of 32 by 32 pixels, each with a filled blue square in it: what one unit sees. After the first convolution it is 5 pixels wide, after the first pooling 6, after the second convolution 14, after the second pooling 16, half of the picture's width."
sides = [seen(depth).amax(dim=0).sum().item() for depth in range(5)]
fig, axes = plt.subplots(1, 4, figsize=(8.5, 2.5), sharey=True)
for depth, (ax, name) in enumerate(zip(axes, ["conv 5", "pool 2", "conv 5", "pool 2"], strict=True), start=1):
    ax.imshow(seen(depth).numpy(), cmap="Blues", vmax=1.4)
    ax.set(title=f"after {name}: {sides[depth]}", xlabel="pixel", xticks=[0, 16, 31], yticks=[0, 16, 31])
    ax.grid(visible=False)
axes[0].set_ylabel("pixel")
plt.show()
print("pixels seen along a side:", sides)
assert sides == [1, 5, 6, 14, 16]

# %% [markdown]
# *What one unit sees: 5 pixels, then 6, 14 and 16, half of the picture's width.* This is the **receptive
# field**. The second convolution adds 8, twice as much as the first one did, because after a pooling,
# neighboring units lie two pixels apart.
#
# ### Exercise lenet-7 · difficulty 3 · 8 minutes
# Write `receptive_field(layers)`: how many pixels along a side does a unit see, after a list of layers,
# each given as `(kernel, stride)`? Return an int. No layers: 1. For LeNet's four,
# `[(5, 1), (2, 2), (5, 1), (2, 2)]`, it must be 16. (No loops over pixels and no autograd.)
#
# <details><summary>Hint 1</summary>Carry two numbers through the list: what a unit sees so far, and how many pixels apart two neighboring units lie.</details>
# <details><summary>Hint 2</summary>A kernel of k units reaches over k − 1 gaps between neighbors, each as wide as the distance <em>before</em> this layer's stride. Then the stride multiplies the distance.</details>

# %% tags=["exercise"] id="lenet-7" objective="window"
def receptive_field(layers: list[tuple[int, int]]) -> int:
    """Pixels along a side that one unit depends on, after layers of (kernel, stride)."""
    ### BEGIN SOLUTION
    field, apart = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * apart
        apart *= stride
    return field
    ### END SOLUTION

# %% tags=["check"]
with check("lenet-7") as c:
    first = {(1, 6): "a kernel adds k − 1 to the pixel itself", (0, 4): "begin with 1: the pixel itself"}
    got = c.attempted((receptive_field([]), receptive_field([(5, 1)])))
    c.equal(got, (1, 5), because="a pixel sees itself, one layer its kernel", mistakes=first)
    c.kind(got, tuple[int, int])
    wrong = {11: "after a pooling, neighbors lie 2 pixels apart", 19: "a stride spreads the layers after it",
             15: "distances multiply: after two poolings it is 4"}
    with c.untouched(plan := [(5, 1), (2, 2), (5, 1), (2, 2)]):
        got = receptive_field(plan)
    c.equal(got, 16, because="5, 6, 14, 16", mistakes=wrong)
    c.equal(receptive_field([(3, 2)] * 3), 15, because="1 + 2 + 4 + 8", mistakes={13: "distances multiply"})
    c.equal(receptive_field([(1, 3), (4, 2), (2, 1)]), 16, because="1 + 0 + 3 · 3 + 1 · 6")

# %% [markdown] tags=["solution"]
# `field` grows by gaps, and a gap is as wide as the product of all strides before. Three layers of 3 × 3
# with stride 1 see 7 pixels and need 27 weights per channel pair, where one 7 × 7 needs 49: that is why
# modern nets stack small kernels.

# %% [markdown] tags=["instructor"]
# **Watch for** updating the distance before using it (19 instead of 16). A drawing of one row on paper
# fixes it at once. **Timing:** 8 minutes; slow groups may read the numbers off the picture and go on.

# %% [markdown] tags=["deeper"]
# ## From the loss back to the first filter
#
# Give the gray picture a made-up label, class 3, and calculate a loss. It knows how it came about: `grad_fn`
# is the last operation, its `next_functions` are those before it. Walk the chain back to the picture. (The
# walk passes two kinds of branches: `AccumulateGrad` nodes lead to parameters, `TBackward0` to the transposed
# weight of a dense layer.)

# %% within="0.002"
probe, label = copy.deepcopy(lenet), torch.tensor([3])
loss = F.cross_entropy(probe(gray), label)
print(f"loss {loss.item():.3f}, guessing {math.log(10):.3f}")
node, chain = loss.grad_fn, []
while node is not None:
    chain.append(type(node).__name__.removesuffix("Backward0"))
    onward = [fn for fn, _ in node.next_functions if fn is not None]
    node = next((fn for fn in onward if type(fn).__name__ not in ("AccumulateGrad", "TBackward0")), None)
for part in (chain[:2], chain[2:8], chain[8:]):
    print(" → ".join(part))
assert [chain.count(kind) for kind in ("Addmm", "Relu", "Convolution")] == [3, 4, 2]

# %% [markdown]
# Read it from the end and you read `forward`: twice convolution, ReLU, pooling; then a flatten (its node is
# called `View` or `Reshape`); three dense layers (`Addmm`); and the two halves of cross-entropy.
#
# **Predict before you run:** what is `probe.conv1.bias.grad` now, before `backward`? After it, what shape? And
# after a second `backward`?

# %% within="0.0002"
print("before:", probe.conv1.bias.grad)
for times in (1, 2):
    F.cross_entropy(probe(gray), label).backward()
    print(f"after {times}:", [f"{g:.4f}" for g in probe.conv1.bias.grad.tolist()])

# %% [markdown]
# First `None`, then six numbers, one for each kernel: a gradient has the shape of its parameter. And it
# *adds up*, as you know from lesson 02, which is why a training step begins with `zero_grad`. Now the
# update, by hand and by optimizer, on two copies of the network:

# %% within="0.002"
probe.zero_grad()
mine, theirs, lr = copy.deepcopy(probe), copy.deepcopy(probe), 0.01
for twin in (mine, theirs):
    F.cross_entropy(twin(gray), label).backward()
with torch.no_grad():
    for p in mine.parameters():
        p -= lr * p.grad
torch.optim.SGD(theirs.parameters(), lr=lr).step()
gaps = [(a - b).abs().max().item() for a, b in zip(mine.parameters(), theirs.parameters(), strict=True)]
after = F.cross_entropy(mine(gray), label).item()
print(f"{len(gaps)} parameters, largest difference {max(gaps):.6f}")
print(f"loss before {loss.item():.3f}, after {after:.3f}")
assert max(gaps) < 1e-6 and after < loss.item()

# %% [markdown]
# Ten pairs of tensors, and no difference. For plain SGD, `optimizer.step()` is one line of arithmetic in a loop over the
# parameters.
#
# ### Exercise lenet-8 · difficulty 2 · 6 minutes
# The classic recipe uses SGD with **momentum** (lesson 03; `learn` adds `nesterov` and weight decay to it): every parameter $p$ has a velocity $v$ of its
# shape, and a step sets $v \leftarrow m\,v + g$, then $p \leftarrow p - \eta\,v$, with gradient $g$,
# momentum $m$, learning rate $\eta$. Write `momentum_step(params, velocities, lr, momentum)`. Both lists
# hold tensors; change both **in place**, and return nothing. (By hand, on your honor: an
# optimizer of PyTorch's would do it.)
#
# <details><summary>Hint 1</summary>Update under <code>torch.no_grad()</code>. <code>v = …</code> makes a new tensor and leaves the one in the list as it was; <code>v *= …</code> changes it.</details>
# <details><summary>Hint 2</summary>Three in-place lines for each pair: <code>*=</code> on the velocity, <code>+=</code> on the velocity, <code>-=</code> on the parameter.</details>

# %% tags=["exercise"] id="lenet-8" objective="step"
def momentum_step(params: list, velocities: list, lr: float, momentum: float) -> None:
    """One SGD step with momentum, in place; each p has p.grad, each velocity the shape of its p."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        for p, v in zip(params, velocities, strict=True):
            v *= momentum
            v += p.grad
            p -= lr * v
    ### END SOLUTION

# %% tags=["check"]
with check("lenet-8") as c:
    own, speed = [torch.ones(n, requires_grad=True) for n in (2, 1)], [torch.zeros(2), torch.zeros(1)]
    own[0].grad, own[1].grad, given = torch.ones(2), torch.ones(1), [*own, *speed]
    _ = [c.attempted((momentum_step(own, speed, lr=0.1, momentum=0.9),)) for _ in range(3)]
    likely = {0.7: "v is forgotten", 1.561: "step against v", 0.4951: "scale v, then add g", 1.0: "use -=",
              0.71: "first the velocity, then the step", 0.729: "leave p.grad as it is",
              0.9439: "add the whole g to v: no lr, no (1 − m)"}
    likely = [(torch.full((3,), each), text) for each, text in likely.items()]
    got = torch.cat(own).detach()
    c.close(got, torch.full((3,), 0.439), because="1 − 0.1 − 0.19 − 0.271", mistakes=likely)
    c.close(torch.cat(speed), torch.full((3,), 2.71), because="v = 1, 1.9, 2.71: no learning rate in it")
    kept = all(a is b for a, b in zip([*own, *speed], given, strict=True))
    c.true(kept, observed="a new tensor in a list", expected="the tensors themselves changed, in place")
    own, speed = [torch.full((2, 3), 4.0, requires_grad=True)], [torch.full((2, 3), 2.0)]
    own[0].grad = torch.arange(6.0).view(2, 3)
    momentum_step(own, speed, lr=0.5, momentum=0.25)
    c.close(own[0].detach(), 3.75 - torch.arange(6.0).view(2, 3) / 2, because="4 − 0.5 · (0.25 · 2 + g)")
    c.close(own[0].grad, torch.arange(6.0).view(2, 3), because="the gradient is as it was")

# %% [markdown] tags=["solution"]
# `v = momentum * v + p.grad` rebinds the name and forgets the velocity at the end of the loop: every step
# is then plain SGD, and nothing complains. In-place is what makes the memory.

# %% [markdown] tags=["deeper"]
# ## BatchNorm, taken apart
#
# With mean $\mu_c$ and variance $\sigma_c^2$ of channel $c$, over batch, rows and columns: $\hat x = (x - \mu_c)/\sqrt{\sigma_c^2 + \epsilon}$, and then $y =
# \gamma_c\hat x + \beta_c$. A new layer has $\gamma = 1$ and $\beta = 0$, so one line of code is enough:

# %%
torch.manual_seed(0)
maps = 5 * torch.randn(64, 16, 14, 14) + 3
norm = nn.BatchNorm2d(16)
variance, center = torch.var_mean(maps, (0, 2, 3), correction=0, keepdim=True)
by_hand = (maps - center) / (variance + norm.eps).sqrt()
print(f"largest difference from nn.BatchNorm2d: {(norm(maps) - by_hand).abs().max().item():.4f}")
print({name: tuple(value.shape) for name, value in norm.state_dict().items()})
assert torch.allclose(norm(maps), by_hand, atol=1e-5)

# %% [markdown]
# Two learned vectors of 16 (`weight` is $\gamma$, `bias` is $\beta$), and three buffers: a count of batches, and a running mean and variance for
# the day when there is no batch to average over. In training mode a picture's answer depends on its neighbors
# in the batch; in evaluation mode it must not.

# %% within="0.002"
torch.manual_seed(0)
norm_net = nn.Sequential(nn.Conv2d(3, 4, 5), nn.BatchNorm2d(4))
a, others, more = torch.rand(1, 3, 32, 32), torch.rand(7, 3, 32, 32), 2 * torch.rand(7, 3, 32, 32)
for mode in (True, False):
    norm_net.train(mode)
    among = [norm_net(torch.cat([a, rest]))[0] for rest in (others, more)]
    moves = (among[0] - among[1]).abs().max().item()
    print("training mode:  " if mode else "evaluation mode:", f"the same picture's answer moves by {moves:.3f}")
    assert (moves > 0.1) == mode

# %% [markdown]
# That is what `train()` and `eval()` are about: forget `eval()`, and the accuracy changes with the batch.
#
# **ReLU before pooling, or after?** You will find both. The largest of four numbers stays the largest when
# negative ones are lifted to zero, so those two may change places. What if BatchNorm stands beside ReLU?
#
# **Predict before you run:** which of the two differences is zero?

# %% within="0.002"
torch.manual_seed(0)
x, norm = torch.randn(8, 6, 28, 28), nn.BatchNorm2d(6)
first, then = F.max_pool2d(F.relu(x), 2), F.relu(F.max_pool2d(x, 2))
print(f"ReLU and pooling exchanged:            largest difference {(first - then).abs().max().item():.3f}")
first, then = F.max_pool2d(F.relu(norm(x)), 2), F.relu(norm(F.max_pool2d(x, 2)))
print(f"the same with BatchNorm before ReLU:   largest difference {(first - then).abs().max().item():.3f}")
assert (first - then).abs().max() > 0.5

# %% [markdown]
# With BatchNorm the order matters: the maxima of four have another mean and another spread than the numbers
# themselves, and a learned scale below zero would turn largest into smallest. Our network pools first. That
# is a choice, made for speed.

# %% [markdown] tags=["deeper"]
# ## One cycle, drawn
#
# What does `OneCycleLR` do to the learning rate, step by step? Ask it, with a dummy optimizer.

# %% alt="A curve of the learning rate over 703 steps. It starts near 0.004, rises in an S shape to 0.1 at about a third of the way, and falls in a longer S shape to zero at the last step."
dummy = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
schedule, steps_taken = OneCycleLR(dummy, max_lr=0.1, total_steps=703), []
for _ in range(702):  # one step fewer: the next cell takes it
    steps_taken.append((dummy.param_groups[0]["lr"], dummy.param_groups[0]["momentum"]))
    dummy.step()
    schedule.step()
lrs, momenta = zip(*steps_taken, strict=True)
fig, ax = plt.subplots(figsize=(6.5, 2.6))
ax.plot(lrs, color=TRAIN)
ax.set(xlabel="step (batches of 64, one epoch)", ylabel="learning rate", title="One cycle")
plt.show()
print(f"learning rate: first {lrs[0]:.3f}, highest {max(lrs):.3f}, last {lrs[-1]:.3f}")
print(f"momentum: first {momenta[0]:.2f}, lowest {min(momenta):.2f}, last {momenta[-1]:.2f}")

# %% [markdown]
# *The learning rate over one epoch of 703 steps: up for three tenths of the way, then down to almost zero.*
# The momentum goes the other way, from 0.95 down to 0.85 and up again. The 0.9 that the optimizer was given is overwritten, here and in `learn`, unless you say
# `cycle_momentum=False`. The schedule must
# be stepped after every **batch**; `fit` does that. One step too many is an error:

# %%
dummy.step()
schedule.step()
with expect_error(ValueError):
    schedule.step()

# %% [markdown] tags=["deeper"]
# ## Against learning by heart: mirrors, dropout, moves
#
# The mirrors in `Prepare` make two pictures of one. Check the layer first: a mirror in training mode only,
# and mean 0 and spread 1 afterwards.

# %% within="0.02"
prepare = Prepare(mean, std)
torch.manual_seed(0)
flipped = prepare(X_train[:1000])
plain = prepare.eval()(X_train[:1000])
print(f"mean {plain.mean().abs():.2f}, spread {plain.std():.2f}, saved: {list(prepare.state_dict())}")
kept = (flipped == plain).flatten(1).all(dim=1)
turned = (flipped == plain.flip(3)).flatten(1).all(dim=1)
print(f"as it was {kept.float().mean():.2f}, mirrored {turned.float().mean():.2f}")
assert (kept | turned).all()

# %% [markdown]
# Now take 600 pictures only and go through them eight times, so that there is something to be learned by
# heart. Three networks, all with the little weight decay of `learn`: one with nothing else, one with mirrors, one with dropout of 0.3 (lesson 05). Ask each about
# its own
# pictures, and about the validation pictures, which are new to it.
#
# **Predict before you run:** who is best on its own pictures? And on new ones?

# %% within="0.08"
by_heart, on_new = {}, {}
for name, flip, dropout in (("nothing", False, 0.0), ("mirrors", True, 0.0), ("dropout", False, 0.3)):
    torch.manual_seed(0)
    small = quick_lenet(mean, std, dropout=dropout).to(device)
    small[0].flip = flip
    learn(small, X_train[:600], y_train[:600], lr=0.1, epochs=8)
    by_heart[name] = accuracy(predict(small, X_train[:600], device=device), y_train[:600]).item()
    on_new[name] = accuracy(predict(small, X_valid, device=device), y_valid).item()
    print(f"{name}: own pictures {by_heart[name]:.2f}, new pictures {on_new[name]:.2f}")
assert not real or by_heart["nothing"] > by_heart["mirrors"] + 0.05
assert not real or on_new["mirrors"] > on_new["nothing"]

# %% [markdown]
# With nothing else, the network knows nearly all of its own pictures. Mirrors and dropout both take
# a good part of that. On new pictures, the mirrors are about a point ahead, with one seed. That is no proof, but
# they do tell the network something true: a mirrored horse is a horse. Dropout gives nothing to speak of here.
#
# ### Exercise lenet-9 · difficulty 2 · 7 minutes
# Another way to show a picture in many forms: move it by a pixel or two. Write
# `shifted(batch, pad, generator)` for uint8 pictures `(N, C, H, W)`. Draw two whole numbers from −pad to
# pad (both ends included) with `torch.randint(…, generator=generator)`, one for down, one for right. Return
# the batch with *all* its pictures moved by these two (negative: up, left), in the same shape and dtype. What
# comes in from outside is 0.
#
# <details><summary>Hint 1</summary>Put a frame of zeros around the batch with <code>F.pad</code>; then a window of the old size somewhere in it is a moved picture.</details>
# <details><summary>Hint 2</summary>After <code>F.pad(batch, (pad,) * 4)</code> the window may start at rows and columns 0 to 2 · pad. The upper end of <code>torch.randint</code> is exclusive.</details>

# %% tags=["exercise"] id="lenet-9" objective="recipe"
def shifted(batch: torch.Tensor, pad: int, generator: torch.Generator) -> torch.Tensor:
    """The batch (N, C, H, W), uint8, moved by up to ``pad`` pixels each way; zeros come in."""
    ### BEGIN SOLUTION
    down, across = torch.randint(2 * pad + 1, (2,), generator=generator).tolist()
    height, width = batch.shape[2:]
    return F.pad(batch, (pad,) * 4)[..., down : down + height, across : across + width]
    ### END SOLUTION

# %% tags=["check"]
with check("lenet-9") as c:
    batch, seed = torch.arange(1, 121, dtype=torch.uint8).view(2, 3, 4, 5), torch.Generator().manual_seed
    with c.untouched(batch):
        got, again = ([c.attempted(shifted(batch, 2, g)) for _ in range(400)] for g in map(seed, (0, 0)))
    odd = next((one for one in got if one.shape != batch.shape), got[0])
    c.equal((odd.dtype, *odd.shape), (torch.uint8, 2, 3, 4, 5), because="dtype and shape stay")
    every = [F.pad(batch, (j, -j, i, -i)) for i in range(-2, 3) for j in range(-2, 3)]
    met = [[torch.equal(one, move) for move in every] for one in got]
    likely = "a roll, a copied edge, or a move of its own for each picture"
    c.true(all(map(any, met)), observed="no move", expected="all moved alike, zeros coming in", likely=likely)
    wrong = {(16, True): "randint's end is exclusive", (5, True): "draw twice", (9, True): "use pad"}
    wrong[25, False] = "pass generator"
    repeated = all(map(torch.equal, got, again))
    c.equal((sum(map(any, zip(*met, strict=True))), repeated), (25, True), because="25 moves", mistakes=wrong)
    one = {tuple(shifted(batch[:1, :1], 1, g).flatten().tolist()) for g in [seed(1)] for _ in range(200)}
    c.equal(len(one), 9, because="pad 1: nine moves, for one gray picture as well")

# %% [markdown] tags=["solution"]
# Padding and slicing work on bytes, for the whole batch at once. One shift for the whole batch is coarser
# than one for each picture, and much cheaper than 64 crops by PIL; over 700 steps it averages out.

# %% [markdown] tags=["instructor"]
# **Timing:** 7 minutes. **Fast groups:** call it in `Prepare` while training, with `pad=2`, and compare
# after 6 epochs. **Ask the room** why one would never do this to the validation pictures, and why a mirror
# is fine for horses but not for digits.

# %% [markdown] tags=["deeper"]
# ## What the filters look for
#
# The kernels of the first layer are 5 × 5 pixels in three colors: they are little pictures themselves. Draw
# them as they were before training and as they are now. One number goes with them: how much neighboring
# weights resemble each other (their correlation; noise has 0, an even patch 1).

# %% within="0.08" alt="Two blocks of eight small color squares in two rows, five by five pixels each: left the kernels before training, colored noise; right the same sixteen after training, where a few show a dark band beside a light one, a few are nearly even patches of one color, and others still look like noise."
torch.manual_seed(0)
fresh = quick_lenet(mean, std)[1].weight.detach()
kernels = net[1].weight.detach().cpu()  # (16, 3, 5, 5)
fig, axes = plt.subplots(1, 2, figsize=(9, 1.7))
for ax, name, k in zip(axes, ("before training", "after two epochs"), (fresh, kernels), strict=True):
    low, high = k.amin((1, 2, 3), keepdim=True), k.amax((1, 2, 3), keepdim=True)
    ax.imshow(mosaic(((k - low) / (high - low)).unflatten(0, (2, 8))), interpolation="nearest")
    ax.set_title(name)
    ax.set_axis_off()
    beside = torch.corrcoef(torch.stack([k[..., :-1].flatten(), k[..., 1:].flatten()]))[0, 1]
    print(f"{name}: neighboring weights correlate with {round(beside.item(), 2) + 0.0:.2f}")
plt.show()

# %% [markdown]
# *The sixteen kernels before and after training, each stretched to the full range of colors.* Before
# training, neighbors have nothing in common. Afterwards, a few kernels show a dark band beside a light one:
# edge detectors that nobody asked for. A few are nearly even patches of one color. And several still look much
# like noise.
#
# What do they make of a picture?

# %% alt="Left, an enlarged test picture. Right, a grid of two rows of eight gray maps of the same scene, 28 by 28 pixels each: the first layer's feature maps. In some only outlines in one direction are bright, in others bright and dark surfaces are kept or exchanged."
shown_at = ((said == y_test) & (y_test == 7)).nonzero()[0, 0].item()
with torch.inference_mode():
    maps = net.eval()[1](net[0](X_test[shown_at : shown_at + 1].to(device))).cpu()[0]  # (16, 28, 28)
low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
gray_maps = ((maps - low) / (high - low)).unsqueeze(1).expand(-1, 3, -1, -1)
fig, (left, right) = plt.subplots(1, 2, figsize=(9, 2.3), width_ratios=[1, 4])
left.imshow(X_test[shown_at].permute(1, 2, 0).numpy())
left.set_title(names[y_test[shown_at]])
right.imshow(mosaic(gray_maps.unflatten(0, (2, 8))))
right.set_title("after the first convolution")
for ax in (left, right):
    ax.set_axis_off()
plt.show()

# %% [markdown]
# *A test picture and its sixteen feature maps, in the order of the kernels above.* Compare kernel and map:
# bands draw the outlines that run in their own direction, even patches keep or invert whole surfaces.

# %% [markdown] tags=["deeper"]
# ## What the network looks at
#
# Cover a part of the picture with a gray square, and ask again. If the probability of the right class
# falls, the network was looking there. Slide the square over the whole picture: that is an **occlusion
# map**, and it works for any classifier.

# %%
def occlusion(model, picture, target, patch=8, step=2):
    """Probability of ``target`` with a gray patch at each place: bytes (3, 32, 32) → (13, 13)."""
    places = range(0, 32 - patch + 1, step)
    covered = picture.repeat(len(places) ** 2, 1, 1, 1)
    for n, (top, left) in enumerate(product(places, places)):
        covered[n, :, top : top + patch, left : left + patch] = 120
    return predict(model, covered).softmax(dim=1)[:, target].view(len(places), -1)

# %% [markdown]
# For four classes, take the test picture whose probability for the truth is nearest to 90 %: sure, but not
# beyond all doubt. A patch that *raises* the probability hid something confusing; it is drawn as zero. Each map has the scale of its own largest fall.

# %%
truth_probability = logits.softmax(dim=1)[torch.arange(len(y_test)), y_test]
falls = {}
for k in (0, 2, 7, 9):
    i = torch.where(y_test == k, (truth_probability - 0.9).abs(), 2).argmin().item()
    seen_with = occlusion(net, X_test[i], k)
    falls[k] = i, 100 * (truth_probability[i] - seen_with).clamp(min=0)

# %% alt="Two rows of four. Above, test pictures of an airplane, a bird, a horse and a truck. Below, for each a map of 13 by 13 squares: how many points the probability falls when a gray patch covers that place. Some of the dark spots, the largest falls, lie on the object, such as a wing or wheels; others lie beside it."
fig, axes = plt.subplots(2, 4, figsize=(8.5, 4.1))
for (above, below), (k, (i, fall)) in zip(axes.T, falls.items(), strict=True):
    above.imshow(X_test[i].permute(1, 2, 0).numpy())
    above.set_title(names[k])
    below.imshow(fall.numpy(), cmap="Blues", vmin=0, vmax=fall.max().item(), extent=(2.5, 28.5, 28.5, 2.5))
    below.set_title(f"darkest: −{fall.max():.0f} points", fontsize=9)
    below.set(xlim=(-0.5, 31.5), ylim=(31.5, -0.5))
    above.set_axis_off()
    below.set_axis_off()
plt.show()

# %% [markdown]
# *Below each picture, how far the probability of its true class falls with an 8 × 8 patch centered at that
# place.* Are these four typical? Ask for 24 pictures at once:

# %% within="10"
nearest = (truth_probability - 0.9).abs().argsort()[:24].tolist()
typical = torch.stack([occlusion(net, X_test[i], y_test[i].item()) for i in nearest]).flatten(1)
fall = 100 * (truth_probability[nearest].unsqueeze(1) - typical)  # (24, 169), in points
largest, middle = fall.amax(dim=1).mean(), fall.median(dim=1).values.mean()
many = 100 * (fall > 20).float().mean()
print(f"mean of 24 pictures: largest fall {largest:.0f} points, median of all places {middle:.0f},",
      f"more than 20 points at {many:.0f} % of the places")  # fmt: skip
assert not real or largest > 3 * middle

# %% [markdown]
# At half of the places the patch costs about 5 points at most; a few places carry the answer. Where the dark spot does not sit on the
# thing itself, you have learned something about the network that its accuracy did not tell you.

# %% [markdown] tags=["deeper"]
# ## A residual block
#
# More layers see more and bend more. Stack twenty convolutions without BatchNorm, with the weights that PyTorch starts from, and something else happens: the network
# does not learn. **Residual blocks** made networks of a hundred layers possible: each block
# calculates only a *correction*, and adds it to what came in.

# %%
class ResidualBlock(nn.Module):
    """Two 3 × 3 convolutions; with ``skip`` the input is added: (N, C, H, W) → the same shape."""

    def __init__(self, channels, skip=True):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.skip = skip

    def forward(self, x):
        out = self.conv2(F.relu(self.conv1(x)))
        return F.relu(x + out if self.skip else out)


def deep_stack(mean, std, skip, blocks=10, width=16):
    """Pictures cut into 8 × 8 patches, then ``blocks`` blocks: bytes (N, 3, 32, 32) → logits (N, 10)."""
    body = [ResidualBlock(width, skip) for _ in range(blocks)]
    stem = nn.Conv2d(3, width, 4, stride=4), nn.ReLU()
    return nn.Sequential(Prepare(mean, std), *stem, *body, nn.Flatten(), nn.Linear(64 * width, 10))

# %% [markdown]
# Same layers, same number of parameters; the only difference is `x +`. Look at the gradient in the first
# block of the untrained networks, then train both on 3,000 pictures.
#
# **Predict before you run:** by what factor do the two gradients differ?

# %% within="0.08"
learned_by = {}
for skip in (False, True):
    torch.manual_seed(0)
    deep = deep_stack(mean, std, skip)
    F.cross_entropy(deep(X_train[:64]), y_train[:64]).backward()
    size = math.log10(deep[3].conv1.weight.grad.norm().item())
    print("with x +:   " if skip else "without x +:", f"gradient in the first block 10^({size:.1f})")
    with torch.no_grad():
        apart = math.log10(deep[:-1](X_train[:64]).std(dim=0).mean().item())
    print(f"    before the last layer, pictures differ by 10^({apart:.1f})")
    torch.manual_seed(0)
    deep = deep_stack(mean, std, skip).to(device)
    learn(deep, X_train[:3000], y_train[:3000], lr=0.03)
    learned_by[skip] = evaluate(deep, valid_loader, metrics={"accuracy": accuracy})["accuracy"]
    print(f"    after one pass: accuracy {learned_by[skip]:.2f}, guessing 0.10")
assert not real or learned_by[True] > 0.2 > learned_by[False]

# %% [markdown]
# A few billionths against a tenth: a factor of some twenty-five million. Without `x +`, a layer passes on about 0.4 of what it gets, because PyTorch's first weights
# are small for ReLU (Kaiming's, a side door of lesson 05, would nearly keep the size). That holds in both directions. Backward, the gradient fades. Forward, the
# difference between two pictures fades: the last layer, whose own gradient is healthy, gets nearly the same numbers for every picture, and the network can only
# guess. With `x +`, both have a way around every block, because the slope of `x + f(x)` is 1 plus something. ResNets, and transformers as well, are
# stacks of such blocks.

# %% [markdown] tags=["deeper"]
# ## Save it, load it, prove it
#
# What training has made is a dictionary of tensors; you keep the code around it yourself. Saved with `save_checkpoint` and loaded into a *new* object,
# it must give exactly the same answers. Prove it. Mean and deviation travel along: they are buffers.

# %% within="3"
scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
folder, ten = Path(scratch.name), X_test[:10]
save_checkpoint(folder / "quick.pt", net, classes=names)
torch.manual_seed(1)
again = quick_lenet(torch.zeros(3), torch.ones(3)).to(device)
for when in ("before", "after"):
    if when == "after":
        extra = load_checkpoint(folder / "quick.pt", again)
    gap = (predict(again, ten) - predict(net, ten)).abs().max().item()
    print(f"{when} loading: largest difference between the logits {gap:.0f}, exactly equal: {gap == 0}")
print("classes:", extra["classes"][:3], " mean:", f"{again[0].mean.flatten()[0]:.3f}")
assert gap == 0

# %% [markdown]
# And what if you load it into a network with another architecture? Or open a data set whose download broke
# off?

# %%
other = LeNet(3)
with contextlib.chdir(folder), expect_error(ValueError):
    load_checkpoint("quick.pt", other)
(folder / "cifar-10-batches-py").mkdir()
(folder / "cifar-10-batches-py" / "data_batch_1").write_bytes(b"only the beginning of a bat")
with expect_error(RuntimeError):
    CIFAR10(folder)
scratch.cleanup()

# %% [markdown]
# The first message lists what the network misses in the file (`Missing`), and what the file holds that the
# network has no place for (`Unexpected`). When you meet such lists, ask which *code* the file belongs to; a
# checkpoint without its model's source is a locked box. The second: torchvision compares checksums.
# `utils.data` does the same, sets a damaged file aside under another name, and fetches a complete one.

# %% [markdown] tags=["deeper"]
# ## Old code you will meet
#
# | on the web | today | why |
# |---|---|---|
# | `x = x.view(-1, 16 * 5 * 5)` | `torch.flatten(x, 1)` | see below: `-1` swallows a wrong size |
# | `inputs, labels = Variable(inputs), Variable(labels)` | nothing | tensors carry gradients themselves since 0.4 |
# | `dataiter.next()` | `next(dataiter)` | Python 2 spelling |
# | `_, predicted = torch.max(outputs.data, 1)` | `outputs.argmax(dim=1)`, under `inference_mode` | `.data` hides from autograd, silently |
# | `transforms.ToTensor()` | `v2.ToImage()`, `v2.ToDtype(torch.float32, scale=True)` | one did two jobs |
# | `Normalize((0.4914, …), (0.2023, …))` | a deviation of about 0.25 | 0.20 is the spread *within* a picture, averaged: it leaves out that some pictures are bright and others dark |
# | `net.cuda()`, `inputs.cuda()` | `.to(device)` | runs without a GPU as well |
# | `net.load_state_dict(torch.load(path))` | `torch.load(path, weights_only=True)` | a pickle can run code; the default since version 2.6 |
#
# The first one deserves an experiment. 25 pictures of 64 × 64 go into a LeNet that was built for 32 × 32.
# After `flatten`, the first dense layer refuses them. And after `view`?
#
# **Predict before you run:** how many answers do you get for 25 pictures?

# %%
big = lenet.conv2(F.max_pool2d(lenet.conv1(torch.randn(25, 1, 64, 64)), 2))
big = F.max_pool2d(big, 2)
print(tuple(big.shape))
print("answers:", len(lenet.fc3(lenet.fc2(lenet.fc1(big.view(-1, 16 * 5 * 5))))))
with expect_error(RuntimeError):
    lenet.fc1(torch.flatten(big, 1))

# %% [markdown]
# 169 answers for 25 pictures, each patched together from pieces, and no complaint:
# $25 \cdot 16 \cdot 13 \cdot 13$ numbers happen to be divisible by 400. `flatten(1)` never touches the
# batch dimension, and so the mistake is found where it is made.
