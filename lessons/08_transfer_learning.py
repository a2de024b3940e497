# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Pretrained models and transfer learning
#     summary: "pretrained networks: freezing, new heads, moved weights, and what BatchNorm does meanwhile"
#     path: "Real ImageNet weights name a real photograph; then a new head learns from few pictures."
#     needs: [07_lenet_cifar10]
#     data: [cifar10]
#     objectives:
#       read: read a pretrained model's facts, and prepare pictures exactly as for its training
#       freeze: freeze a network, replace its head, and count what still learns
#       move: move weights from one network to another, and notice what was not moved
#       tune: give each part its own learning rate, and keep BatchNorm still
#       features: classify with the features of a trained body and a handful of pictures
# ---

# %% [markdown]
# Thirty photographs: ten deer, ten ships, ten trucks. That is all you have, and a network that knows nothing
# about the world cannot learn much from thirty photographs.
#
# This lesson is heading for one picture: accuracy against the number of photographs, for networks that
# start from nothing and for networks that have seen *other* things before, airplanes and horses, but never a
# deer, a ship or a truck. The distance between the curves is what earlier learning is worth. At the left end
# of the picture it is larger than most people guess. At the right end the curves come together, and you
# will know why.
#
# First, though, meet the famous networks that others have trained for weeks, so that you need not.

# %%
import contextlib
import copy
import os
import socket
import tempfile
import threading
import time
from pathlib import Path
from urllib.request import Request, urlopen

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR
from torchvision import models
from tqdm.auto import tqdm

from utils import accuracy, check, evaluate, expect_error, fit, get_device, load_checkpoint
from utils import make_loader, predict, save_checkpoint
from utils.data import cifar10, is_real
from utils.plotting import CLASS_COLORS, TRAIN, VALID

# %%
plt.style.use("utils.course")
device = get_device()
scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
folder = Path(scratch.name)

# %% [markdown]
# ## The family album
#
# `torchvision.models` holds more than a hundred architectures. For most of them there are weights, trained on
# **ImageNet**: 1.28 million photographs in 1,000 classes. Each set of weights is a member of an *enum*, a
# fixed list of named choices, and each member carries its facts with it. You need no internet connection to read them.

# %%
print("more than 100 architectures:", len(models.list_models()) > 100)
print("more than 70 of them classify pictures:", len(models.list_models(module=models)) > 70)
choices = models.ResNet50_Weights
print("choices for resnet50:", [w.name for w in choices])
print("the best of them:    ", choices.DEFAULT.name)
print("facts:", [key for key in choices.DEFAULT.meta if not key.startswith("_")])

# %% [markdown]
# The same architecture was trained twice, and `DEFAULT` is a name for the better result. Write `DEFAULT` while you
# explore. Write `IMAGENET1K_V2` in work that must give the same numbers next year, because `DEFAULT` may
# move.
#
# Here are seven networks of six families that you will keep meeting. The year is that of the paper; the library does not
# store it. Everything else is read from the metadata.
#
# - **AlexNet** (2012, *ImageNet Classification with Deep Convolutional Neural Networks*; torchvision has the
#   slimmer variant of 2014, *One weird trick…*): the network that started it
# - **VGG** (2014, *Very Deep Convolutional Networks for Large-Scale Image Recognition*): nothing but 3×3 convolutions, many of them
# - **Inception v3** (2015, *Rethinking the Inception Architecture for Computer Vision*): kernels of several sizes side by side
# - **ResNet** (2015, *Deep Residual Learning for Image Recognition*): each block *adds* to its input
# - **SqueezeNet** (2016, *AlexNet-level accuracy with 50x fewer parameters*): as small as possible
# - **DenseNet** (2016, *Densely Connected Convolutional Networks*): in a block, each layer sees all earlier ones
#
# Look for the column that you could *not* have guessed from the one before it.

# %%
YEARS = {"alexnet": 2012, "vgg16": 2014, "inception_v3": 2015, "resnet18": 2015, "resnet50": 2015}
YEARS |= {"squeezenet1_1": 2016, "densenet121": 2016}
rows = []
for name, year in YEARS.items():
    meta = models.get_model_weights(name).DEFAULT.meta
    facts = {"model": name, "year": year, "parameters (M)": meta["num_params"] / 1e6}
    facts["multiply-adds (G)"] = meta["_ops"]
    facts["accuracy (%)"] = meta["_metrics"]["ImageNet-1K"]["acc@1"]
    rows.append(facts)
family = pd.DataFrame(rows).set_index("model").round(2)
ratio = family.loc["alexnet"] / family.loc["resnet18"]
assert ratio["parameters (M)"] > 5 and ratio["multiply-adds (G)"] < 0.5
family

# %% [markdown]
# Parameters are not work. AlexNet has five times the parameters of resnet18 and needs less than half of its
# multiply-adds: most of its weights sit in dense layers, where each is used once, while a convolution's
# weight is used at every place of the picture.
#
# The same table as a picture:

# %% alt="Seven circles on a plane: multiply-adds per picture on a logarithmic axis from 0.3 to 15 billion, accuracy on ImageNet from 55 to 82 percent. The area of a circle stands for parameters. vgg16 is a huge circle at the far right with middling accuracy; squeezenet is a dot at the lower left; alexnet is a large circle beside it; resnet50 stands highest with a small circle."
fig, ax = plt.subplots(figsize=(7, 3.6))
work, right = family["multiply-adds (G)"], family["accuracy (%)"]
ax.scatter(work, right, s=12 * family["parameters (M)"], color=TRAIN, alpha=0.35, edgecolor=TRAIN)
for name in family.index:
    side = "left" if name == "inception_v3" else "center"  # resnet50's circle is in the way
    above = (0, (12 * family["parameters (M)"][name]) ** 0.5 / 2 + 2)  # points: the circle's radius, and a little
    ax.annotate(name, (work[name], right[name]), above, textcoords="offset points", ha=side, fontsize=9)
ax.set(xscale="log", xlim=(0.2, 40), ylim=(52, 86), title="Work, size, accuracy")
ax.set(xticks=[0.3, 1, 3, 10, 30], xticklabels=["0.3", "1", "3", "10", "30"])
ax.minorticks_off()
ax.set(xlabel="multiply-adds a picture (billions)", ylabel="accuracy on ImageNet (%)")
plt.show()
older = choices.IMAGENET1K_V1.meta["_metrics"]["ImageNet-1K"]["acc@1"]
print(f"resnet50 with its older weights: {older:.1f} %")
assert family["parameters (M)"].idxmax() == work.idxmax() == "vgg16" and right.idxmax() == "resnet50"

# %% [markdown]
# *Further left is cheaper, further up is better, and the area of a circle is its number of parameters.*
# vgg16 is the largest and the most expensive, and it is not the best. (Part of resnet50's height is a better
# *training*: with its older weights the same architecture is nearly five points lower.)
#
# Do you believe the column of multiply-adds? The library's documentation calls the same number "GFLOPS". Count for
# yourself. A convolution's weight is used once for each place of its output, a dense layer's only once. The device
# `"meta"` runs a network on shapes alone, without memory and without numbers.

# %%
def multiply_adds(model, size):
    """Multiplications in Conv2d and Linear layers for one picture (3, size, size); model on "meta"."""
    total = []

    def count(layer, inputs, output):
        places = output[0, 0].numel() if output.ndim == 4 else 1
        total.append(layer.weight.numel() * places)

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    model.eval()(torch.empty(1, 3, size, size, device="meta"))
    return sum(total)

# %%
for name in ("alexnet", "vgg16", "resnet18", "densenet121"):
    with torch.device("meta"):
        model = models.get_model(name, weights=None)
    meta = models.get_model_weights(name).DEFAULT.meta
    mine = multiply_adds(model, size=224)
    assert sum(p.numel() for p in model.parameters()) == meta["num_params"]
    print(f"{name:12} counted {mine / 1e9:6.3f} G   library says {meta['_ops']:6.3f}")
    assert abs(mine / 1e9 - meta["_ops"]) < 0.001

# %% [markdown]
# The counts agree to three decimals, and the numbers of parameters exactly. So the column counts *multiply-adds*;
# if you count a multiplication and an addition as two operations, you get twice as many.
#
# ### What the weights expect of you
#
# Weights are useful only with the pictures they were trained on: same size, same scale, same order of colors.
# That recipe, too, comes with the enum.

# %%
weights = models.ResNet18_Weights.DEFAULT
prepare = weights.transforms()
print(prepare)
print("smallest size (height, width):", weights.meta["min_size"])

# %% [markdown]
# Resize the shorter side to 256, cut 224 × 224 out of the middle, scale bytes to 0…1, subtract a mean and
# divide by a spread *for each color*. (`min_size` says that any size would run. It does not say that any size
# would be recognized.)
#
# Now to the pictures of this lesson: CIFAR-10, the set of lesson 07. If the real photographs cannot be downloaded, a line says so,
# and painted figures stand in for them. Everything still runs. Where the text says "on the photographs", it means the real ones.
#
# **Predict before you run:** a CIFAR-10 picture has 32 × 32 pixels. What shape comes out of `prepare`?

# %%
train_set, test_set = cifar10(), cifar10(train=False)
bytes_in = torch.from_numpy(test_set.data[1]).permute(2, 0, 1)  # (3, 32, 32), uint8
ready = prepare(bytes_in)
print("in: ", tuple(bytes_in.shape), bytes_in.dtype, "  class:", test_set.classes[test_set.targets[1]])
print("out:", tuple(ready.shape), ready.dtype, f"  from {ready.min():.2f} to {ready.max():.2f}")

# %% alt="Two pictures side by side. Left, a picture of 32 by 32 pixels with its class as title. Right, what resnet18 would get: the middle of the same picture, blown up to 224 by 224, smooth and without its border."
fig, axes = plt.subplots(1, 2, figsize=(6, 3.1))
shift, scale = (torch.tensor(number).view(3, 1, 1) for number in (prepare.mean, prepare.std))
shown = (ready * scale + shift).clamp(0, 1)
titles = (f"32 × 32, {test_set.classes[test_set.targets[1]]}", "224 × 224, prepared")
for ax, image, title in zip(axes, (bytes_in, shown), titles, strict=True):
    ax.imshow(image.permute(1, 2, 0))
    ax.set_title(title)
    ax.axis("off")
plt.show()

# %% [markdown]
# *The picture as it is stored, and as resnet18 wants it: blown up, with its border cut away.* (The network also gets
# its colors centered; here they are turned back, for your eyes.) There are 49 times the pixels and nothing new to see.
# That is the price of borrowing: you must prepare your pictures as the lender did.
#
# ### Exercise transfer-1 · difficulty 2 · 6 minutes
# Write the last two steps of the recipe for a whole batch: `as_trained(batch, means, spreads)`. `batch` is uint8 of shape
# `(N, 3, H, W)`, `means` and `spreads` are lists of three numbers, one for each color, meant for values from 0 to 1.
# Return a float32 tensor of the same shape. No resizing.
#
# <details><summary>Hint 1</summary>Bytes run from 0 to 255, the means are about 0.5. And which dimension of the batch is color?</details>
# <details><summary>Hint 2</summary>Make tensors of the lists and give them the shape <code>(3, 1, 1)</code>, so that they broadcast over height and width.</details>

# %% tags=["exercise"] id="transfer-1" objective="read"
def as_trained(batch: torch.Tensor, means: list[float], spreads: list[float]) -> torch.Tensor:
    """Bytes (N, 3, H, W) → float32 of the same shape, centered and scaled color by color."""
    ### BEGIN SOLUTION
    center, width = (torch.tensor(three).view(3, 1, 1) for three in (means, spreads))
    return (batch / 255 - center) / width
    ### END SOLUTION

# %% tags=["check"]
with check("transfer-1") as c:
    dots, mu = torch.arange(0, 216, 4, dtype=torch.uint8).view(2, 3, 3, 3), torch.tensor([0.2, 0.5, 0.7])
    done, m = c.attempted(as_trained(dots, mu.tolist(), (mu / 2).tolist())), mu.view(3, 1, 1)
    c.close(done, dots / 255 / m * 2 - 2, because="0…1 first, then each color by its own numbers", mistakes=[
        ((dots - m) / m * 2, "divide the bytes by 255 first"), (dots / 255 - m, "divide by the spreads, too"),
        (dots / 255 / mu * 2 - 2, "three numbers line up with the columns, not the colors: shape (3, 1, 1)"),
        (dots / 255 - 2, "mind the brackets: subtract first"), (dots / 255, "only the first step"),
        *[((dots - dots.float().mean((0, 2, 3), True)) / dots.float().std((0, 2, 3), keepdim=True, correction=n),
            "those are the batch's own: use the means and spreads handed in") for n in (0, 1)]])
    c.equal(str(done.dtype), "torch.float32", because="weights are float32, so pictures are, too")

# %% [markdown] tags=["solution"]
# The dangerous wrong answer is the one without `view(3, 1, 1)`: on pictures 3 pixels wide it runs, and colors the
# columns. With width 224 it raises an error, which is luck. Dividing uint8 by 255 already gives float32.

# %% [markdown] tags=["instructor"]
# **Ask the room** what happens if a model pretrained with ImageNet's mean and spread gets plain 0…1 pictures:
# no error, and a few points of accuracy gone. It is the most common silent mistake with borrowed weights.
# **Watch for** `batch.float() / 255` done twice, once by a transform and once by hand.

# %% [markdown]
# ## resnet18, with weights or without
#
# The usual line is `models.resnet18(weights=models.ResNet18_Weights.DEFAULT)`. It looks into a folder of
# `torch.hub`, downloads 45 MB if they are not there, and loads them. Without an internet connection it ends in an
# error, perhaps after a long wait. A lesson must not keep you waiting. So here is the same thing in
# three steps, each with a plain answer. First: does the server answer at all?

# %%
def silence(url, patience=4.0):
    """Why the server of ``url`` can't be used, found out in ``patience`` seconds; "" if it can."""
    why = ["no answer"]

    def ask():
        try:
            urlopen(Request(url, method="HEAD"), timeout=patience).close()
            why[0] = ""
        except OSError as error:
            why[0] = f"answered {error.code}" if hasattr(error, "code") else "no connection"

    thread = threading.Thread(target=ask, daemon=True)  # looking up a name knows no timeout
    thread.start()
    thread.join(patience)
    return why[0]

# %% [markdown]
# Second: fetch the file, once. `download_url_to_file` writes to a temporary file, compares the checksum that is
# part of the file's name, and only then gives the file its place. A broken download leaves nothing behind.

# %%
def fetch_once(url, file):
    """Download ``url`` to ``file`` unless it is there; OSError or RuntimeError says why it can't be."""
    if file.exists():
        return
    if why := silence(url):
        raise OSError(f"{url.split('/')[2]}: {why}")
    file.parent.mkdir(parents=True, exist_ok=True)
    checksum = file.stem.rsplit("-", 1)[1]
    usual = socket.getdefaulttimeout()
    socket.setdefaulttimeout(20)  # a download that stalls is given up
    try:
        bar = os.environ.get("TQDM_DISABLE") != "1"
        torch.hub.download_url_to_file(url, str(file), checksum, progress=bar)
    finally:
        socket.setdefaulttimeout(usual)

# %% [markdown]
# Third: load, and say what came of it. The weights go into a **copy** first. You will see further down what happens
# to a network when half of a file fits.

# %%
def load_pretrained(model, weights):
    """Put ``weights`` into ``model`` and return ""; or leave it as it is and return why, in one sentence."""
    name = weights.url.rsplit("/", 1)[1]
    file = Path(torch.hub.get_dir(), "checkpoints", name)
    try:
        fetch_once(weights.url, file)
    except (OSError, RuntimeError) as error:
        return f"The weights {name} can't be had here ({error}): going on with random ones."
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
        copy.deepcopy(model).load_state_dict(state)
    except Exception as error:
        foreign = isinstance(error, RuntimeError) and "state_dict" in str(error)
        what = "of another network" if foreign else "damaged"
        return f"{name} in torch.hub's folder is {what}: move it away. Going on with random weights."
    model.load_state_dict(state)
    return ""

# %% [markdown]
# Try it. The next cell prints one of two things, depending on where you are. The lesson goes on
# with either.

# %% tags=["nbval-ignore-output"] reason="says whether the weights can be had on this machine"
torch.manual_seed(0)
resnet = models.resnet18()
why_random = load_pretrained(resnet, weights)
print(why_random or "resnet18 has its ImageNet weights.")

# %% [markdown]
# If the weights are here, the network has an opinion about our picture: 1,000 logits, one for each of the
# `categories` in the metadata. If they are not, its opinion is noise, and the cell says so.

# %% tags=["nbval-ignore-output"] reason="the guesses depend on whether the weights can be had"
resnet.eval()
with torch.inference_mode():
    chances = resnet(ready.unsqueeze(0)).softmax(dim=1)[0]
if why_random:
    print("random weights: the five best guesses would mean nothing")
else:
    for p, k in zip(*chances.topk(5), strict=True):
        print(f"{p:6.1%}  {weights.meta['categories'][k]}")

# %%
categories = weights.meta["categories"]
print(len(categories), "categories; some of them:", [categories[k] for k in (281, 404, 510, 867)])
print("plain 'deer', 'horse' or 'truck' among them:", [w in categories for w in ("deer", "horse", "truck")])

# %% [markdown]
# ImageNet knows a *tabby* and a *trailer truck*, but has no class called deer, horse or truck. The classes
# you want are seldom the ones that somebody has trained a network for. That is why the last layer gets replaced.
#
# ### One forward, one backward, one step
#
# A small input is enough to see all the machinery: one picture of 64 × 64. The network halves the size five
# times, in `conv1`, in `maxpool`, and at the entries of `layer2`, `layer3` and `layer4`.
#
# **Predict before you run:** what height and width does the picture have when it leaves `layer4`?

# %%
torch.manual_seed(0)
x = torch.randn(1, 3, 64, 64)
out = x
with torch.no_grad():
    for name, part in resnet.named_children():
        out = part(out.flatten(1) if name == "fc" else out)
        print(f"{name:8} {tuple(out.shape)}")
    assert torch.equal(out, resnet(x))

# %% [markdown]
# 2 × 2: $64 / 2^5$. Then `avgpool` takes the mean of whatever is left, 2 × 2 here and 7 × 7 for a 224-pixel
# picture, and 512 numbers remain. **These 512 numbers are what the network knows about the picture.** `fc` only
# reads them. The loop above *is* the network's forward. One step in it belongs to no part: the flattening before `fc`.
#
# Now the step: cross-entropy against one class, backward, SGD.

# %%
target = torch.tensor([281])
optimizer = torch.optim.SGD(resnet.parameters(), lr=0.01, momentum=0.9)
before = copy.deepcopy(resnet.state_dict())
resnet.train()
loss = F.cross_entropy(resnet(x), target)
loss.backward()
optimizer.step()
moved = [name for name, p in resnet.named_parameters() if not torch.equal(p, before[name])]
print("parameter tensors moved:", len(moved), "of", len(list(resnet.parameters())))
if why_random:  # trained weights have another loss to start from
    assert F.cross_entropy(resnet(x), target) < loss

# %% [markdown]
# One picture has moved all 62 parameter tensors, more than eleven million numbers. That is what training without freezing
# means, and with thirty photographs it is a risk: eleven million knobs for thirty answers.
#
# ### Pictures that do not fit
#
# Three wrong inputs, three messages. Which of them would you have understood without this page?

# %%
with expect_error(RuntimeError):
    resnet(torch.zeros(1, 1, 64, 64))  # a gray picture
with expect_error(RuntimeError), torch.device("meta"):
    models.alexnet().eval()(torch.zeros(1, 3, 32, 32))  # too small: min_size is 63
with expect_error(ValueError):
    resnet.train()(torch.zeros(1, 3, 32, 32))  # 1 × 1 is left after layer4

# %% [markdown]
# The first message counts channels: give a gray picture three equal ones. The second picture has shrunk to nothing before
# the network's end: `weights.meta["min_size"]` would have told you. The third would pass in `eval()` but fails in
# `train()`: BatchNorm cannot take the spread of a single value. You met this error in lesson 06, in another form.

# %% [markdown]
# ## Freezing
#
# A **frozen** parameter is one that autograd does not track: `requires_grad_(False)`. Freeze everything, then put a new
# `fc` in place. The order matters: the new layer is born with `requires_grad=True`, so it comes last.

# %%
for p in resnet.parameters():
    p.requires_grad_(False)
torch.manual_seed(0)
resnet.fc = nn.Linear(512, 3)
learning = [name for name, p in resnet.named_parameters() if p.requires_grad]
print("still learning:", learning)
total = sum(p.numel() for p in resnet.parameters())
print(f"frozen numbers: {total - sum(p.numel() for p in resnet.fc.parameters()):,} of {total:,}")

# %% [markdown]
# Run forward and backward again. Look at the gradients, and at what autograd has recorded behind the logits.

# %%
resnet.zero_grad()
resnet.eval()
logits = resnet(x)
F.cross_entropy(logits, torch.tensor([1])).backward()
print("gradient of conv1.weight:", resnet.conv1.weight.grad)
print("gradient of fc.weight:   ", tuple(resnet.fc.weight.grad.shape))
behind = [step and step.name().split("::")[-1] for step, _ in logits.grad_fn.next_functions]
print("behind the logits:       ", behind)

# %% [markdown]
# `None`: not a gradient of zero, but none at all. And behind the logits, between the bias and the weight of `fc`, where the body
# should be, there is `None` again. Autograd has not recorded a single layer of the body, because nothing in it
# could move. So backward is nearly free. How nearly free?

# %%
def backward_time(model, x, tries=5):
    """The shortest of some backward passes through model, for pictures x (N, 3, H, W); in seconds."""
    shortest = float("inf")
    for _ in range(tries):
        loss = model(x).square().mean()
        start = time.perf_counter()
        loss.backward()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


batch = torch.randn(4, 3, 64, 64)
ratio = backward_time(models.resnet18(), batch) / backward_time(resnet, batch)
print("a backward through everything takes at least 10 times as long:", ratio > 10)

# %% [markdown]
# There are two ways to use a borrowed network, and they have names:
#
# | | feature extraction | fine-tuning |
# |---|---|---|
# | the body | frozen | learns on, with a small learning rate |
# | what learns | the new head | everything |
# | a step costs | one forward (or none, see below) | forward and backward |
# | right for | few pictures | more pictures |
#
# The last line is a claim. You will test it.
#
# Here is the error that nearly everyone meets once: freezing *after* replacing the head.

# %% tags=["raises-exception"]
for p in resnet.parameters():
    p.requires_grad_(False)
F.cross_entropy(resnet(x), torch.tensor([1])).backward()

# %% [markdown]
# *Element 0 of tensors does not require grad*: the loss depends on nothing that could learn. Read it as
# "everything is frozen". The fix is one line, on the head:

# %%
resnet.fc.requires_grad_(True)
F.cross_entropy(resnet(x), torch.tensor([1])).backward()
print("fc has a gradient again:", resnet.fc.weight.grad is not None)

# %% [markdown]
# ### Exercise transfer-2 · difficulty 1 · 3 minutes
# resnet50 delivers 2,048 numbers to its `fc`, where resnet18 delivers 512. You freeze its body and give it a
# new head for 7 classes. How many numbers still learn? Set `learning_numbers`, as an int.
#
# <details><summary>Hint 1</summary>A linear layer has a weight for each pair of input and output, and something more.</details>
# <details><summary>Hint 2</summary>Count it for 512 inputs and 3 classes first, and compare with <code>nn.Linear(512, 3)</code>.</details>

# %% tags=["exercise"] id="transfer-2" objective="freeze"
### BEGIN SOLUTION
learning_numbers = 7 * (2048 + 1)
### END SOLUTION

# %% tags=["check"]
with check("transfer-2") as c:
    head = sum(each.numel() for each in nn.Linear(2048, 7).parameters())
    c.equal(c.attempted(learning_numbers), head, because="7 · 2048 weights and 7 biases", mistakes={
        14336: "the biases are missing: one for each class", 16384: "one bias a class, not one an input",
        2055: "each of the 2048 inputs has a weight for every class: multiply",
        3591: "that is resnet18's head for 7 classes"})
    c.kind(learning_numbers, int)

# %% [markdown] tags=["solution"]
# $7 \cdot 2048 + 7 = 14{,}343$, out of more than 23 million. That is the size of the problem you now have: a
# logistic regression on 2,048 measurements.

# %% [markdown]
# ### Exercise transfer-3 · difficulty 2 · 6 minutes
# Write `with_new_head(network, classes)` for any torchvision ResNet: it returns a **copy** of `network` whose `fc` is a fresh
# `nn.Linear` for `classes` classes and the only thing that learns. The network handed in stays as it is.
# Do not rely on 512: read the number of inputs from the old `fc`.
#
# <details><summary>Hint 1</summary>Three steps in this order: copy, freeze all, replace.</details>
# <details><summary>Hint 2</summary><code>copy.deepcopy</code> for the first step; a linear layer knows its <code>in_features</code>.</details>

# %% tags=["exercise"] id="transfer-3" objective="freeze"
def with_new_head(network: nn.Module, classes: int) -> nn.Module:
    """A copy of ``network``, all frozen but a new ``fc`` for ``classes`` classes."""
    ### BEGIN SOLUTION
    new = copy.deepcopy(network)
    for each in new.parameters():
        each.requires_grad_(False)
    new.fc = nn.Linear(new.fc.in_features, classes)
    return new
    ### END SOLUTION

# %% tags=["check"]
with check("transfer-3") as c:
    old, deep = (models.ResNet(b, [1] * 4) for b in (models.resnet.BasicBlock, models.resnet.Bottleneck))
    names, new = [j for j, _ in old.named_parameters()], c.attempted(with_new_head(old, classes=4))
    for net, own, why in ((new, names[-2:], "in the copy only fc learns"), (old, names, "the original is not frozen")):
        c.equal([j for j, u in net.named_parameters() if u.requires_grad], own, because=why, mistakes=[
            (names, "everything still learns: freeze the copy's parameters before the new fc comes"),
            (names[-2:], "an assignment makes a second name, no copy: the network handed in was frozen"),
            ([], "the new fc was frozen with the rest: replace it after freezing a copy")])
    got = len(new.fc.bias), with_new_head(deep, 2).fc.in_features, new.conv1.weight.equal(old.conv1.weight)
    c.equal(got, (4, 2048, True), because="a copied body, and a head for 4 classes", mistakes={
        (4, 512, True): "not every ResNet has 512 features: ask the old fc for its in_features",
        (1000, 2048, True): "that is the old head: put a new nn.Linear in its place"})
    c.equal(len(old.fc.bias), 1000, because="the original keeps its head for 1000 classes", mistakes={
        4: "the network handed in got the new head, too: copy first, then replace"})

# %% [markdown] tags=["solution"]
# Copy, freeze, replace. Setting `model.requires_grad = False` on the *module* would only make an attribute that nobody reads;
# `model.requires_grad_(False)`, with the underscore, does what the loop does.

# %% [markdown] tags=["instructor"]
# **Watch for** `p.requires_grad = False` (fine) beside `model.requires_grad = False` (does nothing, no error).
# **Ask the room:** must the frozen parameters be kept from the optimizer? No: without a gradient they are
# skipped. But a parameter that *was* trained and is frozen later keeps its old `.grad` until
# the next `zero_grad`: a `step` before that moves it once more.

# %% [markdown]
# ## A transfer of your own
#
# Enough of other people's weights. To *measure* what transfer is worth, you need a network whose past you
# know. So you make one: it learns seven classes of CIFAR-10 and never sees the other three.
#
# ### Prepare data

# %%
NEW = ["deer", "ship", "truck"]
OLD = [name for name in train_set.classes if name not in NEW]


def pictures_of(dataset, names):
    """All pictures of the named classes: uint8 (N, 3, 32, 32), and each one's place in ``names`` (N,)."""
    targets = torch.tensor(dataset.targets)
    place = torch.full((len(dataset.classes),), -1)
    place[[dataset.classes.index(name) for name in names]] = torch.arange(len(names))
    y = place[targets]
    rows = (y >= 0).nonzero().flatten()
    return torch.from_numpy(dataset.data)[rows].permute(0, 3, 1, 2), y[rows]

# %%
X_old, y_old = (t[:24_000] for t in pictures_of(train_set, OLD))
X_old_test, y_old_test = (t[:2000] for t in pictures_of(test_set, OLD))
X_new, y_new = pictures_of(train_set, NEW)
X_test, y_test = (t[:1000] for t in pictures_of(test_set, NEW))
print("old classes:", OLD, tuple(X_old.shape), X_old.dtype)
print("new classes:", NEW, tuple(X_new.shape), "of which a handful will be used")
print("to judge with:", tuple(X_test.shape))
print(f"always saying the commonest class: {y_test.bincount().max() / len(y_test):.2f}")

# %% [markdown]
# As in lesson 07 the pictures stay bytes, and each batch is normalized when it is needed. This time the normalization moves
# *into the network*, as its first layer, with mean and spread as **buffers**: numbers that are saved with
# the weights and that no optimizer touches. Whoever gets the weights gets the recipe too, and nobody can
# forget it.
#
# ### Design model
#
# Three blocks, each a convolution, a pooling, a BatchNorm and a ReLU, then the mean over all places: 128 numbers. Pooling comes early
# because the layers after it then have a quarter of the work. `channels_last` keeps the three colors of
# a pixel side by side in memory, which often makes convolutions on a CPU faster.

# %%
class FromBytes(nn.Module):
    """uint8 pictures (N, 3, H, W) → floats, centered and scaled by buffers mean and std (3,)."""

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean).view(3, 1, 1))
        self.register_buffer("std", torch.as_tensor(std).view(3, 1, 1))

    def forward(self, x):
        x = (x.float() - self.mean) / self.std
        return x.contiguous(memory_format=torch.channels_last)

# %%
def conv_block(c_in, c_out):
    """(N, c_in, H, W) → (N, c_out, H/2, W/2)."""
    conv = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)
    return nn.Sequential(conv, nn.MaxPool2d(2), nn.BatchNorm2d(c_out), nn.ReLU())

# %%
class SmallNet(nn.Module):
    """Pictures uint8 (N, 3, H, W) → body: 128 features → fc: logits (N, classes)."""

    def __init__(self, classes, mean=(120.0, 120.0, 120.0), std=(60.0, 60.0, 60.0)):
        super().__init__()
        blocks = [conv_block(3, 16), conv_block(16, 32), conv_block(32, 128)]
        self.body = nn.Sequential(FromBytes(mean, std), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(128, classes)
        self.to(memory_format=torch.channels_last)

    def forward(self, x):
        return self.fc(self.body(x))

# %%
some = X_old[::20].float()
mean, std = some.mean(dim=(0, 2, 3)), some.std(dim=(0, 2, 3))
print("features:", tuple(SmallNet(7, mean, std).body(X_old[:5]).shape))
print("numbers to learn:", sum(p.numel() for p in SmallNet(7).parameters()))

# %% [markdown]
# The two-part form, `body` and `fc`, is that of the family album, too: something that *sees*, and a last layer that
# *decides*. Only the names differ: the head is `fc` in a ResNet and `classifier` in AlexNet, VGG and DenseNet.
#
# ### Choose loss and optimizer, train and judge
#
# Cross-entropy, AdamW and a one-cycle schedule, as in lesson 07. Two epochs over 24,000 pictures are
# enough.

# %%
def pretrain(X, y, seed, mean, std, device, epochs=2):
    """A SmallNet trained on pictures X (N, 3, 32, 32) with classes y (N,)."""
    torch.manual_seed(seed)
    model = SmallNet(int(y.max()) + 1, mean, std).to(device)
    loader = make_loader(X, y, batch_size=128, shuffle=True, drop_last=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    schedule = OneCycleLR(optimizer, max_lr=0.01, total_steps=epochs * len(loader))
    fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=epochs, scheduler=schedule)
    return model


def accuracy_of(model, X, y):
    """Share of pictures X (N, …) whose class y (N,) the model names."""
    return evaluate(model, make_loader(X, y, batch_size=500), metrics={"accuracy": accuracy})["accuracy"]

# %%
old_net = pretrain(X_old, y_old, seed=0, mean=mean, std=std, device=device)
old_accuracy = accuracy_of(old_net, X_old_test, y_old_test)
print("seven classes, unseen pictures: above 62 %:", old_accuracy > 0.62)
assert not is_real("cifar10") or 0.62 < old_accuracy < 0.80

# %% [markdown]
# A modest network, trained in seconds. It will do.
#
# ### What does it see in a stranger?
#
# Now show it deer, ships and trucks. It has no such classes, so it must call them something.
#
# **Predict before you run:** what will it call a truck? A ship? A deer?

# %%
answers = predict(old_net, X_test).argmax(dim=1)
shares = torch.stack([answers[y_test == k].bincount(minlength=7) / (y_test == k).sum() for k in range(3)])
called = {name: OLD[k] for name, k in zip(NEW, shares.argmax(dim=1).tolist(), strict=True)}
print("most often called:", {name: called[name] for name in ("ship", "truck")})
animals = shares[0, [OLD.index(name) for name in ("bird", "cat", "dog", "frog", "horse")]].sum()
print("a deer is called one of the animals in more than 7 of 10 cases:", animals.item() > 0.7)
if is_real("cifar10"):
    assert (called["ship"], called["truck"]) == ("airplane", "automobile") and animals > 0.7

# %% alt="A heat map with three rows, deer, ship and truck, and seven columns, the old classes from airplane to horse. Each square is the share of answers. In each row the answers gather on a few columns."
fig, ax = plt.subplots(figsize=(7, 2.7))
ax.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
for (row, column), value in np.ndenumerate(shares.numpy()):
    ax.text(column, row, f"{value:.0%}", ha="center", va="center",
            color="white" if value > 0.55 else "#222222")
ax.set_xticks(range(7), labels=OLD)
ax.set_yticks(range(3), labels=NEW)
ax.set(xlabel="what the network calls it", title="Strangers, seen with old eyes")
ax.grid(False)
plt.show()

# %% [markdown]
# *Each row adds up to 100 %: how often pictures of that stranger were given each of the old names.* The answers
# are wrong, and they are not random. On the photographs, a truck is mostly called an automobile. A ship is called an
# airplane: long, gray, in front of blue. A deer is called one of the animals. The network has never learned the word "truck", but something in its 128
# numbers answers to what trucks and automobiles share. That is what you are going to carry over.

# %% [markdown]
# ## Moving a body
#
# The new network has three outputs, so its `fc` has another shape. Load the old weights anyway and read the message.

# %%
torch.manual_seed(1)
moved_net = SmallNet(3, mean, std)
first_conv = moved_net.body[1][0].weight.detach().clone()
with expect_error(RuntimeError):
    moved_net.load_state_dict(old_net.state_dict())

# %% [markdown]
# Clear enough: `fc` does not fit. **Predict before you run:** the call has failed. Is the rest of `moved_net` as it was?

# %%
now = moved_net.body[1][0].weight.detach()
print("first convolution as before the error:", torch.equal(now, first_conv))
print("first convolution of the old network: ", torch.equal(now, old_net.body[1][0].weight.detach().cpu()))

# %% [markdown]
# It is not! `load_state_dict` copies what fits, collects what does not, and complains at the end. After the
# error you hold a network that is half old and half new. Throw it away. (That is why `load_pretrained`
# tried on a copy.) The course's `load_checkpoint` keeps the model's own weights, and puts them back after an error:

# %%
save_checkpoint(folder / "seven.pt", old_net)
torch.manual_seed(1)
moved_net = SmallNet(3, mean, std)
with contextlib.chdir(folder), expect_error(ValueError):  # the message then names no folder
    load_checkpoint("seven.pt", moved_net)
print("untouched:", torch.equal(moved_net.body[1][0].weight, first_conv))

# %% [markdown]
# The cure that you will find on the web is `strict=False`. It does not forgive shapes; it forgives *names*. And there it
# forgives too much:

# %%
body_only = old_net.body.state_dict()  # names without the "body." in front
told = moved_net.load_state_dict(body_only, strict=False)
print("error: none")
print("loaded anything:", not torch.equal(moved_net.body[1][0].weight, first_conv))
print("missing:", len(told.missing_keys), "  e.g.", told.missing_keys[2])
print("unexpected:", len(told.unexpected_keys), "  e.g.", told.unexpected_keys[2])

# %% [markdown]
# No error, and not one number was loaded, because every name lacks its `body.`. Such a network passes for
# "pretrained" until somebody measures it. **Read what `strict=False` returns**, or better, do without it: load
# the part into the part, strictly.

# %%
def moved_body(old, seed, classes=3):
    """A SmallNet with a fresh fc, seeded, and the body of the network ``old``."""
    torch.manual_seed(seed)
    new = SmallNet(classes)
    new.body.load_state_dict(old.body.state_dict())
    return new.to(next(old.parameters()).device)


moved_net = moved_body(old_net, seed=1)
same = torch.equal(predict(moved_net.body, X_test[:100]), predict(old_net.body, X_test[:100]))
came_along = torch.equal(moved_net.body[0].mean.flatten().cpu(), mean)
print("the same features:", same, "  mean and std came along:", came_along)

# %% [markdown]
# ### Exercise transfer-4 · difficulty 2 · 8 minutes
# Sometimes files and networks agree only in part, and you want whatever fits. Write `load_fitting(network, entries)`:
# it copies from the state dict `entries` every one whose name *and* shape are also in the network, and returns the
# sorted list of the names in the network's own state dict that were **not** filled. Names that only `entries` has are ignored.
#
# <details><summary>Hint 1</summary><code>network.state_dict()</code> gives the network's own names and shapes. Choose from <code>entries</code> first, then load.</details>
# <details><summary>Hint 2</summary>What you have chosen fits, so <code>strict=False</code> is safe here: it only has to forgive the names you left out.</details>

# %% tags=["exercise"] id="transfer-4" objective="move"
def load_fitting(network: nn.Module, entries: dict[str, torch.Tensor]) -> list[str]:
    """Copy what fits from ``entries`` into ``network``; return the sorted names that got nothing."""
    ### BEGIN SOLUTION
    own = network.state_dict()
    fits = {e: shaped for e, shaped in entries.items() if e in own and shaped.shape == own[e].shape}
    network.load_state_dict(fits, strict=False)
    return sorted(own.keys() - fits.keys())
    ### END SOLUTION

# %% tags=["check"]
with check("transfer-4") as c:
    five, three = (nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(m, 8 - m)) for m in (3, 5))
    given = {e: u + 7 for e, u in five.state_dict().items()} | {"7.weight": torch.zeros(1)}
    c.equal(c.attempted(load_fitting(three, given)), (left := ["2.bias", "2.weight"]), mistakes=[
        ([], "compare shapes"), (left[::-1], "sort the names"),
        ([*left, "7.weight"], "7.weight is foreign: report the network's own names"),
        (["2.bias"], "(5, 3) and (3, 5) hold 15 numbers each: compare the shape, not numel()"),
        (sorted({*three.state_dict()} - {*left}), "those are the filled ones")], because="by name and shape")
    c.true(three[0].weight.equal(five[0].weight + 7), observed="the network's weights are what they were",
        expected="weights from entries: choosing is not loading")
    c.close(three[1].running_mean, torch.full((2,), 7.0), because="buffers, too: go through state_dict()")

# %% [markdown] tags=["solution"]
# Choose, load, report. The report is the important part. A function that loads what it can and says nothing
# is the trap you have just seen, with a nicer name.

# %% [markdown] tags=["instructor"]
# **Watch for** `named_parameters()` in place of `state_dict()`: BatchNorm's running statistics are left behind,
# and the moved body gives other features in `eval()` without any error. The check refuses it. **Question for the room:**
# which of the 122 entries of resnet18's state dict are not parameters? (60: three buffers for each of 20 BatchNorm layers.)

# %% [markdown]
# ## The curve
#
# Three ways to learn three new classes from a few pictures:
#
# - **from scratch**: random weights, everything learns
# - **fine-tuned**: the moved body, everything learns, with the *same* settings. The only difference is where the
#   weights start.
# - **frozen**: the moved body is only asked for its 128 features, and a linear layer learns on them
#
# A frozen body always gives the same features for the same picture. So calculate them **once**, before training,
# and train the head on a table of 128 columns. No layer of the body is run again.
#
# Here are the two helpers. `a_few` picks pictures; `drill` trains with Adam and a one-cycle schedule
# for a given number of steps.

# %%
def a_few(y, n, seed):
    """Row numbers of n random pictures of each class in y (N,)."""
    g = torch.Generator().manual_seed(seed)
    rows = [(y == k).nonzero().flatten() for k in y.unique()]
    return torch.cat([r[torch.randperm(len(r), generator=g)[:n]] for r in rows])

# %%
def drill(model, X, y, steps, groups):
    """Train ``model`` in place for about so many steps; groups: dicts of params and lr, for Adam."""
    optimizer = torch.optim.Adam(groups)
    loader = make_loader(X, y, batch_size=min(32, len(y)), shuffle=True, drop_last=True)
    epochs = round(steps / len(loader))
    rates = [group["lr"] for group in groups]
    schedule = OneCycleLR(optimizer, max_lr=rates, total_steps=epochs * len(loader))
    fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=epochs, scheduler=schedule, progress=False)
    return model

# %%
def three_ways(old, X, y, X_test, y_test, features, steps, seed):
    """Accuracy from scratch, fine-tuned and frozen, after learning X, y; features: old.body(X_test)."""
    found = {}
    for way in ("from scratch", "fine-tuned"):
        model = moved_body(old, seed)
        if way == "from scratch":
            torch.manual_seed(seed)
            model = SmallNet(3, old.body[0].mean, old.body[0].std).to(old.fc.weight.device)
        drill(model, X, y, steps, [{"params": model.parameters(), "lr": 0.003}])
        found[way] = accuracy_of(model, X_test, y_test)
    torch.manual_seed(seed)
    head = nn.Linear(128, 3)
    drill(head, predict(old.body, X), y, 100, [{"params": head.parameters(), "lr": 0.02}])
    found["frozen"] = accuracy_of(head, features, y_test)
    return found

# %% [markdown]
# You try 10, 30, 100 and 300 pictures a class, with three seeds each. Every seed picks other pictures and another start.
# More pictures get more steps; the frozen body's head has about 100 each time, because steps on a table cost next to
# nothing. **Predict before you run:** with ten pictures a class, which way is best, and by how many points? And
# with 300?

# %%
STEPS = {10: 30, 30: 40, 100: 60, 300: 100}
test_features = predict(old_net.body, X_test)  # once, for all frozen heads
curve = {way: {n: [] for n in STEPS} for way in ("from scratch", "fine-tuned", "frozen")}
jobs = [(n, seed) for n in STEPS for seed in range(3)]
hidden = os.environ.get("TQDM_DISABLE") == "1"
for n, seed in tqdm(jobs, delay=2, disable=hidden):
    rows = a_few(y_new, n, seed)
    few = X_new[rows], y_new[rows]
    found = three_ways(old_net, *few, X_test, y_test, test_features, STEPS[n], seed)
    for way, value in found.items():
        curve[way][n].append(value)
level = {way: {n: sum(v) / 3 for n, v in by_n.items()} for way, by_n in curve.items()}

# %% alt="Accuracy on unseen pictures against the number of pictures a class, 10 to 300 on a logarithmic axis. Three lines with shaded bands between the best and the worst of three seeds. From scratch starts far below the other two and climbs steeply; the frozen line starts highest and climbs slowly; the fine-tuned line starts between them; at 300 all three come close together."
fig, ax = plt.subplots(figsize=(7, 4))
styles = {"frozen": (CLASS_COLORS[2], "^", ":"), "fine-tuned": (TRAIN, "o", "-")}
styles["from scratch"] = (VALID, "s", "--")
for way, (color, marker, line) in styles.items():
    values = np.array([curve[way][n] for n in STEPS])
    ax.plot(list(STEPS), values.mean(axis=1), line, color=color, marker=marker, label=way)
    ax.fill_between(list(STEPS), values.min(axis=1), values.max(axis=1), color=color, alpha=0.15)
ax.axhline(1 / 3, color="#888888", lw=1)
ax.text(10, 1 / 3 + 0.01, "guessing", color="#666666", fontsize=9)
ax.set(xscale="log", xticks=list(STEPS), xticklabels=list(STEPS), ylim=(0.3, 1))
ax.minorticks_off()
ax.set(xlabel="pictures a class to learn from", ylabel="accuracy on 1,000 unseen pictures")
ax.set_title("What earlier learning is worth")
ax.legend(loc="center right")
plt.show()

# %% [markdown]
# *Lines are means over three seeds, bands reach from the worst seed to the best.* This is the picture
# the lesson was heading for. Here is what it says, as claims, each with room to spare:

# %%
frozen, tuned, cold = (level[way] for way in ("frozen", "fine-tuned", "from scratch"))
lead = {n: frozen[n] - cold[n] for n in STEPS}
claims = {
    " 10 a class: frozen leads scratch by more than 0.06": lead[10] > 0.06,
    " 30 a class: frozen leads scratch by more than 0.03": lead[30] > 0.03,
    " 10 a class: frozen leads fine-tuned": frozen[10] > tuned[10],
    " 10 pictures and a frozen body beat 30 from scratch": frozen[10] > cold[30],
    "300 a class: frozen leads scratch by less than 0.08": lead[300] < 0.08,
    "300 a class: frozen leads fine-tuned by less than 0.02": frozen[300] - tuned[300] < 0.02,
    "from 100 to 300, fine-tuned gains more than frozen": tuned[300] - tuned[100] > frozen[300] - frozen[100],
}
for claim, holds in claims.items():
    print(f"{claim:56}", holds)
assert not is_real("cifar10") or all(claims.values())

# %% [markdown]
# With ten pictures a class, most of what a network knows must come from somewhere else. The frozen body
# leads by far, and ten pictures with it are worth more than thirty without. Fine-tuning *with the same
# settings* loses part of the treasure: more than forty thousand numbers move, and thirty pictures cannot say where to.
#
# With 300 a class the lines come together. The frozen line is almost flat by then, because a linear layer on 128 fixed
# numbers can do little better; the others still learn to *see*. Fine-tuning has caught up, and it is still climbing. So the
# table of the two uses was right. Somewhere the two uses meet, and for these classes you have measured where.
#
# ### Two doubts
#
# A good result deserves suspicion. *First: did the network from scratch get enough steps?* Give it three times as many. *Second: is it the
# pretraining that helps, or would any frozen body do?* Freeze one that never learned anything. (It is run
# over a thousand pictures once, so that its BatchNorm layers have something to go by.)

# %%
def doubts(old, X_old, X, y, X_test, y_test, seed):
    """Accuracies: scratch with 90 steps; a linear head on the features of an untrained body."""
    torch.manual_seed(seed)
    fresh = SmallNet(3, old.body[0].mean, old.body[0].std).to(old.fc.weight.device)
    plain = copy.deepcopy(fresh.body).train()
    with torch.no_grad():
        for part in X_old[:1280].split(128):
            plain(part.to(old.fc.weight.device))
    drill(fresh, X, y, 90, [{"params": fresh.parameters(), "lr": 0.003}])
    head = nn.Linear(128, 3)
    drill(head, predict(plain, X), y, 100, [{"params": head.parameters(), "lr": 0.02}])
    return accuracy_of(fresh, X_test, y_test), accuracy_of(head, predict(plain, X_test), y_test)

# %%
doubted = []
for seed in tqdm(range(3), delay=2, disable=hidden):
    rows = a_few(y_new, 10, seed)
    doubted.append(doubts(old_net, X_old, X_new[rows], y_new[rows], X_test, y_test, seed))
longer, untrained = torch.tensor(doubted).mean(dim=0).tolist()
print("10 a class: frozen leads scratch with 3 times the steps by 0.05:", frozen[10] - longer > 0.05)
print("10 a class: frozen leads an untrained frozen body by 0.08:      ", frozen[10] - untrained > 0.08)
print("10 a class: three times the steps help the one from scratch:    ", longer > cold[10])
if is_real("cifar10"):
    assert frozen[10] - untrained > 0.08 and frozen[10] - 0.05 > longer > cold[10]

# %% [markdown]
# Both doubts are answered. More steps do help the one that starts from nothing, so the settings above were not its best, but a gap
# remains. An untrained body is far behind: it is the *seven classes* that help.
#
# One doubt remains, and it is for you to settle: deer, ship and truck have relatives among the seven (horse,
# airplane and automobile). Without relatives, transfer may pay less. Change `NEW`, run again, and see.

# %% [markdown]
# ## Each part at its own pace
#
# Fine-tuning lost part of the treasure because body and head learned at the same rate. The head starts from
# noise and has far to go. The body is nearly right. So let the optimizer treat them differently: it takes a
# list of **parameter groups**, each with its own settings. People call this *discriminative learning rates*.

# %%
model = moved_body(old_net, seed=0)
optimizer = torch.optim.Adam([
    {"params": model.body.parameters(), "lr": 0.0003},
    {"params": model.fc.parameters()},
], lr=0.01)
for group in optimizer.param_groups:
    print(f"lr {group['lr']:<8}", len(group["params"]), "tensors")

# %% [markdown]
# Which rate suits the body? Try four, from almost nothing to the head's own rate of 0.01, on ten pictures a class. The
# green line is the frozen result from above.

# %%
BODY_RATES = [0.0001, 0.0005, 0.002, 0.01]
paces = {rate: [] for rate in BODY_RATES}
jobs = [(rate, seed) for rate in BODY_RATES for seed in range(3)]
for rate, seed in tqdm(jobs, delay=2, disable=hidden):
    rows, model = a_few(y_new, 10, seed), moved_body(old_net, seed)
    groups = [{"params": model.body.parameters(), "lr": rate}, {"params": model.fc.parameters(), "lr": 0.01}]
    drill(model, X_new[rows], y_new[rows], 30, groups)
    paces[rate].append(accuracy_of(model, X_test, y_test))

# %% alt="Accuracy with ten pictures a class against the learning rate of the body, on a logarithmic axis from 0.0001 to 0.01. Dots for three seeds and a line through their means: it starts high at small rates, near a green dotted line for the frozen body, and falls off toward the right, where the body learns as fast as the head."
fig, ax = plt.subplots(figsize=(7, 3.2))
tempo = {rate: sum(values) / 3 for rate, values in paces.items()}
ax.plot(BODY_RATES, list(tempo.values()), color=TRAIN, label="fine-tuned, mean of three seeds")
for rate, values in paces.items():
    ax.plot([rate] * 3, values, "o", color=TRAIN, alpha=0.5)
ax.axhline(frozen[10], color=CLASS_COLORS[2], ls=":", label="frozen")
ax.set(xscale="log", title="Ten pictures a class", ylabel="accuracy")
ax.set(xticks=BODY_RATES, xticklabels=BODY_RATES)
ax.minorticks_off()
ax.set_xlabel("learning rate of the body (the head has 0.01)")
ax.legend(loc="lower left")
plt.show()
gap, off = tempo[0.0001] - tempo[0.01], abs(tempo[0.0001] - frozen[10])
print("the slowest body beats one at the head's rate by more than 0.03:", gap > 0.03)
print("the slowest body and the frozen one are within 0.04:             ", off < 0.04)
assert not is_real("cifar10") or (gap > 0.03 and off < 0.04)

# %% [markdown]
# *Each dot is a seed; further right the body learns faster.* On the photographs, a hundredth of the head's rate keeps the
# treasure, and the head's own rate loses much of it. A rule of thumb for a start: give a borrowed body a tenth to a
# hundredth of the head's rate, less with fewer pictures. And look at the left end: even there the body
# does no more than reach the frozen line. Ten pictures a class have little to teach it.
#
# ### Exercise transfer-5 · difficulty 2 · 7 minutes
# The idea, taken further: the nearer a part is to the input, the slower it learns. Write
# `paced_groups(parts, lr, factor)`. `parts` is a list of modules, from input to output. The last one that has
# parameters gets `lr`, the one before it `lr * factor`, the one before that `lr * factor**2`, and so on. Parts
# without parameters (a pooling) get no group and do not count. Return a list of dicts with the keys
# `"params"` (a list) and `"lr"`, in the order of `parts`.
#
# <details><summary>Hint 1</summary>Drop the parts without parameters first. Then, of K parts, number i (from 0) gets the power K - 1 - i.</details>
# <details><summary>Hint 2</summary><code>list(part.parameters())</code> is empty for a pooling, and an empty list is false in an <code>if</code>.</details>

# %% tags=["exercise"] id="transfer-5" objective="tune"
def paced_groups(parts: list[nn.Module], lr: float, factor: float) -> list[dict]:
    """Parameter groups for an optimizer, slower toward the input by ``factor`` a part."""
    ### BEGIN SOLUTION
    full = [own for own in (list(module.parameters()) for module in parts) if own]
    return [{"params": own, "lr": lr * factor ** (len(full) - 1 - i)} for i, own in enumerate(full)]
    ### END SOLUTION

# %% tags=["check"]
with check("transfer-5") as c:
    block = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    stack = [block, nn.MaxPool2d(2), nn.BatchNorm2d(4), nn.Linear(4, 2)]
    made = c.attempted(paced_groups(stack, lr=0.1, factor=0.5))
    c.close([gr["lr"] for gr in made], [0.025, 0.05, 0.1], because="halved once a part", mistakes=[
        ([0.1, 0.05, 0.025], "turned round: the last part learns fastest"),
        ([0.0125, 0.025, 0.05, 0.1], "a pooling has no parameters: no group for it"),
        ([0.0125, 0.05, 0.1], "the pooling is no step: drop it before you count"),
        ([0.4, 0.2, 0.1], "multiply by factor, do not divide"),
        ([0.05, 0.1], "a block without a weight of its own has parameters, too: ask parameters()"),
        ([0.0125, 0.025, 0.05], "begin with factor to the power 0"),
        ([0.05, 0.05, 0.1], "factor once more for each part")])
    c.kind(made[0]["params"], list)
    sizes = [sum(u.numel() for u in group["params"]) for group in torch.optim.SGD(made).param_groups]
    c.equal(sizes, [112, 8, 10], because="all numbers of each part, in order", mistakes=[
        ([10, 8, 112], "the rates are in order, the parts are not"),
        ([108, 4, 8], "biases are parameters, too")])

# %% [markdown] tags=["solution"]
# `torch.optim.Adam(paced_groups(...))` works as it stands: every group brings its own `lr`. A parameter in
# two groups is refused by the optimizer, one in no group never moves and nobody says so. So count them.

# %% [markdown] tags=["instructor"]
# **Timing:** the sections from the curve to here are the heart; leave 40 minutes. **Question for the room:** the
# frozen line and a body rate of 0 are not the same thing. What still moves? (BatchNorm's running statistics; it is the
# next section.)

# %% [markdown]
# ## Frozen, and yet it moves
#
# Freeze the body with `requires_grad_(False)`, train only the head, and use `fit`, as everybody would.
#
# **Predict before you run:** afterwards, is the body the same as before?

# %%
model = moved_body(old_net, seed=0)
model.body.requires_grad_(False)
saved = copy.deepcopy(model.body.state_dict())
rows = a_few(y_new, 10, seed=0)
drill(model, X_new[rows], y_new[rows], 30, [{"params": model.fc.parameters(), "lr": 0.01}])
for name, value in model.body.state_dict().items():
    if not torch.equal(value, saved[name]):
        print("moved:", name)

# %% [markdown]
# Nine entries have moved, and none is a parameter. In training mode BatchNorm does two things that no gradient is needed for:
# it normalizes with the mean of *this batch*, and it drags its running mean and variance along,
# a tenth of the way each step. `requires_grad` has no say in that; only `eval()` has.
#
# Does it matter? Put the old head back on the "frozen" body, and ask for the seven old classes.

# %%
def with_old_head(model, old):
    """The body of ``model`` under the head of the network ``old``: logits for the old classes."""
    return nn.Sequential(model.body, old.fc)


old_answers = predict(old_net, X_old_test).argmax(dim=1)
new_answers = predict(with_old_head(model, old_net), X_old_test).argmax(dim=1)
changed = (new_answers != old_answers).float().mean().item()
print("old pictures that now get another answer: more than 5 %:", changed > 0.05)
assert not is_real("cifar10") or changed > 0.05

# %% [markdown]
# More than a hundred of the 2,000 photographs are called something else now, and not a single weight has changed.
# Thirty deer, ships and trucks have told BatchNorm what an average picture looks like. And training was not even
# needed: looking is enough. Show the body nothing but ships, without gradients, without an optimizer.

# %%
model = moved_body(old_net, seed=0)
ships = X_new[y_new == NEW.index("ship")][:64].to(device)
model.body.train()
with torch.no_grad():
    for _ in range(30):
        model.body(ships)
after = accuracy_of(with_old_head(model, old_net), X_old_test, y_old_test)
print("accuracy on the old classes lost by looking at ships: more than 0.05:", old_accuracy - after > 0.05)
assert not is_real("cifar10") or old_accuracy - after > 0.05

# %% [markdown]
# It has forgotten part of its trade, in thirty forward passes.
#
# The fix is `body.eval()`. But when? **Predict before you run:** is this enough?

# %%
model = moved_body(old_net, seed=0)
model.body.requires_grad_(False).eval()
drill(model, X_new[rows], y_new[rows], 30, [{"params": model.fc.parameters(), "lr": 0.01}])
unmoved = torch.equal(model.body[1][2].running_mean, old_net.body[1][2].running_mean)
print("running mean of the first BatchNorm unchanged:", unmoved)

# %% [markdown]
# It is not. `fit` begins every epoch with `model.train()`, like every proper training loop, and `train()` walks
# through all the children and switches them back. In a loop of your own you write two lines, in this
# order: `model.train()`, then `model.body.eval()`. With somebody else's loop you have two choices:
# calculate the features once, as for the curve (`predict` is in evaluation mode), or build a body that
# refuses to be switched.
#
# ### Exercise transfer-6 · difficulty 3 · 10 minutes
# Build such a body. `Still(body)` is an `nn.Module` that holds `body`, freezes all of its parameters, and
# passes inputs through it. Whatever happens, `body` and everything in it stays in evaluation mode: from the
# beginning, after `still.train()`, and when a network that contains it is switched with `train()`.
#
# <details><summary>Hint 1</summary>A module's <code>train(mode)</code> is an ordinary method: it sets <code>self.training</code> and calls <code>train(mode)</code> of each child. A subclass may do something else.</details>
# <details><summary>Hint 2</summary>Define <code>train(self, mode=True)</code>, call the parent's with <code>False</code>, and return <code>self</code>, as the original does.</details>

# %% tags=["exercise"] id="transfer-6" objective="tune"
class Still(nn.Module):
    """A body that neither learns nor changes: frozen, and always in evaluation mode."""

    ### BEGIN SOLUTION
    def __init__(self, body: nn.Module):
        super().__init__()
        self.body = body.requires_grad_(False)
        self.eval()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.body(inputs)

    def train(self, mode: bool = True) -> nn.Module:
        return super().train(False)
    ### END SOLUTION

# %% tags=["check"]
with check("transfer-6") as c:
    norm, _ = nn.BatchNorm1d(2), c.attempted({"__init__", "forward", "train"} & {*vars(Still)} or ...)
    still = Still(body := nn.Sequential(nn.Linear(2, 2), norm))
    c.true(not norm.training, observed="BatchNorm in training mode", expected="evaluation from the beginning")
    c.equal([u.requires_grad for u in still.parameters()], [False] * 4, mistakes=[
        ([True] * 4, "not frozen (on a module requires_grad is only a name): call body.requires_grad_(False)")])
    back = still.train()
    c.true(not norm.training, observed="BatchNorm in training mode", expected="evaluation after still.train(), too",
        likely="train() switches every child back: define a train() of your own that does not")
    c.true(back is still, observed=f"train() returned {type(back).__name__}", expected="the module itself",
        likely="end train() with return self")
    c.close(nn.Sequential(still).train()(torch.eye(2)), body(torch.eye(2)), because="in a network, too")

# %% [markdown] tags=["solution"]
# Three short methods. Returning `self` (which `super().train` does) matters, because people write
# `model = model.train()`. When only BatchNorm is to stand still while the weights learn, the same override
# goes into a subclass of `nn.BatchNorm2d`; torchvision's `FrozenBatchNorm2d` also
# freezes scale and shift.

# %% [markdown] tags=["instructor"]
# **Watch for** `train` without `return`: everything works until a chained call gives `None`. **Ask the room** what dropout does in a
# "frozen" body in training mode. (It drops. Same cause, same fix.) **Fast groups:** measure how much of the old accuracy
# is lost after 1, 3, 10 and 30 steps; at a tenth of the way per step, forgetting is fast.

# %% [markdown]
# ## A map of what it knows
#
# The body turns a picture into 128 numbers, a point in a space of 128 dimensions. Pictures that the
# network finds alike lie near each other. You cannot see 128 dimensions, but you can look at the plane that
# keeps the most of the spread. Its two main directions (PCA) come from `torch.linalg.svd`.

# %%
def main_plane(features):
    """Coordinates (N, 2) of features (N, D) along the two directions of largest spread."""
    centered = features - features.mean(dim=0)
    directions = torch.linalg.svd(centered, full_matrices=False).Vh[:2]
    largest = directions.abs().argmax(dim=1, keepdim=True)
    directions = directions * directions.gather(1, largest).sign()  # a direction has no sign: fix one
    return centered @ directions.T


def share_between(points, y):
    """Which part of the spread of points (N, D) is spread between the means of the classes y (N,)."""
    means = torch.stack([points[y == k].mean(dim=0) for k in range(int(y.max()) + 1)])
    center = points.mean(dim=0)
    return ((means[y] - center).square().sum() / (points - center).square().sum()).item()

# %%
torch.manual_seed(0)
untrained_net = SmallNet(7, mean, std)
bodies = {"an untrained body": untrained_net.body, "the body that learned seven other classes": old_net.body}
apart = []

# %% alt="Two scatter plots of 600 pictures of deer, ships and trucks, each a dot in the color and with the marker of its class. Left, features of an untrained body: the three colors overlap widely. Right, features of the pretrained body: the three classes form clouds that are visibly further apart."
fig, axes = plt.subplots(1, 2, figsize=(9, 4))
for ax, (title, body) in zip(axes, bodies.items(), strict=True):
    seen_as = predict(body, X_test[:600])
    points = main_plane(seen_as)
    for k, name in enumerate(NEW):
        own = points[y_test[:600] == k]
        ax.scatter(*own.T, s=14, marker="os^"[k], color=CLASS_COLORS[k], alpha=0.7, label=name)
    ax.set(title=title, xlabel="first main direction", ylabel="second main direction", xticks=[], yticks=[])
    apart.append(share_between(points, y_test[:600]))
axes[1].legend(loc="best")
plt.show()
print("share of the spread that lies between the classes, at least 1.5 times as large:", apart[1] > 1.5 * apart[0])
assert not is_real("cifar10") or apart[1] > 1.5 * apart[0]

# %% [markdown]
# *Each dot is an unseen picture of a class that neither body has ever learned; near means alike.* On the left, one
# cloud. On the right, on the photographs, three, which run into each other at the borders. Nobody told this network about deer. It
# had to tell horses from airplanes, and for that it made itself axes on which deer and ships come apart, too.
#
# In such a space hardly any training is left to do. You need no gradient, no loss and no optimizer: take the mean of each
# class, and give a stranger the name of the nearest mean.
#
# ### Exercise transfer-7 · difficulty 2 · 8 minutes
# Write `nearest_mean(features, labels, queries)`: a classifier without training. `features` is `(N, D)` with class numbers `labels`
# `(N,)` from 0 on, every class at least once; `queries` is `(M, D)`. Return the class numbers `(M,)`, int64: for each
# query the class whose mean feature is nearest (Euclidean distance).
#
# When the check passes, try it on thirty photographs (`rows` still points to ten of each class):
# `(nearest_mean(predict(old_net.body, X_new[rows]), y_new[rows], test_features) == y_test).float().mean()`. Compare with
# the left end of the frozen line.
#
# <details><summary>Hint 1</summary>First the means, one row a class: shape (C, D). Then all distances at once: shape (M, C).</details>
# <details><summary>Hint 2</summary><code>torch.cdist(a, b)</code> gives the distance of each row of a to each row of b. Nearest is smallest.</details>

# %% tags=["exercise"] id="transfer-7" objective="features"
def nearest_mean(features: torch.Tensor, labels: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    """Class numbers (M,) of queries (M, D): the nearest of the class means of features (N, D)."""
    ### BEGIN SOLUTION
    centers = [features[labels == c].mean(dim=0) for c in range(int(labels.max()) + 1)]
    return torch.cdist(queries, torch.stack(centers)).argmin(dim=1)
    ### END SOLUTION

# %% tags=["check"]
with check("transfer-7") as c:
    seen = torch.tensor([[8.0, 5], [4, 7], [4, 2], [2, 2], [7, 7], [1, 1], [7, 1]])
    kinds = torch.tensor([0, 0, 1, 1, 1, 2, 2])
    asked = torch.tensor([[5.0, 1], [2, 0], [0, 7], [8, 7], [0, 6]])
    got = c.attempted(nearest_mean(seen, kinds, asked)), nearest_mean(seen + 5, kinds, asked + 5)
    c.equal(got[0].tolist(), [2, 2, 1, 0, 1], because="the nearest mean, not the nearest picture", mistakes=[
        ([1, 2, 0, 1, 0], "the nearest picture's class"), ([0, 0, 2, 2, 2], "argmin, not argmax"),
        ([2, 5, 1, 4, 1], "row numbers of the nearest picture"),
        ([2, 2, 2, 2, 2], "these are sums: divide by the number of pictures of the class"),
        ([2, 2, 0, 0, 0], "Euclidean: the root of the summed squares, not the sum of the differences"),
        ([1, 2, 0, 0, 0], "the median is not the mean"),
        ([2, 2, 0, 0, 1], "the mean of the distances is not the distance to the mean"),
        ([3, 0, 0], "the smallest of each column: argmin wants the dim of the means, 1"),
        ([0, 0, 0, 0, 0], "a large dot product does not mean near: take the smallest distance")])
    c.equal(nearest_mean(seen[:4], kinds[:4], asked).tolist(), [1, 1, 1, 0, 1], because="with two classes, too")
    c.equal(*got, because="moving all by 5 changes nothing"); c.equal(str(got[0].dtype), "torch.int64")

# %% [markdown] tags=["solution"]
# Means first, distances second. On the lesson's pictures this classifier stays close to the frozen line of the curve, and with a
# single picture a class it still gives an answer. The literature calls the means *prototypes*.

# %% [markdown]
# ## Old code you will meet
#
# | on the web | today | why |
# |---|---|---|
# | `resnet18(pretrained=True)` | `resnet18(weights=ResNet18_Weights.DEFAULT)` | a name for *which* weights; the old word warns, and means `IMAGENET1K_V1` |
# | `mean=[0.485, 0.456, 0.406]` typed by hand | `weights.transforms()` | the recipe belongs to the weights, and not all have this one |
# | `model.load_state_dict(state, strict=False)` and nothing else | read what it returns | you have seen why |
# | `for p in model.parameters(): p.requires_grad = False` | the same, or `model.requires_grad_(False)` | one call; both are right |
# | `filter(lambda p: p.requires_grad, model.parameters())` | all parameters, or groups | without a gradient, a parameter is skipped |
# | `torch.load(path)` of a stranger's file | `torch.load(path, weights_only=True)` | a pickle is a program (lesson 03); today it is the default |
#
# The fifth row can be checked here and now: an optimizer that holds frozen parameters leaves them alone, even with weight decay.

# %%
torch.manual_seed(0)
pair = nn.Sequential(nn.Linear(2, 2).requires_grad_(False), nn.Linear(2, 1))
first = pair[0].weight.clone()
optimizer = torch.optim.AdamW(pair.parameters(), lr=0.1, weight_decay=0.1)
pair(torch.ones(1, 2)).sum().backward()
optimizer.step()
print("frozen layer untouched:", torch.equal(pair[0].weight, first))

# %% [markdown]
# ## What you have now
#
# | call | what it does | in → out |
# |---|---|---|
# | `models.list_models()`, `get_model(name, weights=None)` | names; a network by its name | `str` → module |
# | `models.get_model_weights(name).DEFAULT` | the best weights there are for it | `str` → enum member |
# | `weights.meta` | parameters, multiply-adds, accuracy, categories, smallest size | dict |
# | `weights.transforms()` | the recipe for pictures | uint8 `(3, H, W)` → float `(3, 224, 224)` |
# | `torch.device("meta")` | shapes without numbers | |
# | `resnet18()` | 64-pixel pictures to 1,000 logits | `(N, 3, 64, 64)` → `(N, 512, 2, 2)` → `(N, 512)` → `(N, 1000)` |
# | `p.requires_grad_(False)` | freeze: no gradient | |
# | `model.fc = nn.Linear(512, k)` | a new head | `(N, 512)` → `(N, k)` |
# | `load_state_dict(s)`, `strict=False` | copies what fits, then complains; or returns the names | state dict → missing, unexpected |
# | `register_buffer(name, tensor)` | saved and moved, never trained | |
# | `Adam([{"params": …, "lr": …}, …])` | a rate for each part | |
# | `body.eval()` after `model.train()` | BatchNorm stands still | |
# | `predict(body, X)` | features, once | `(N, 3, 32, 32)` → `(N, 128)` |
# | `torch.linalg.svd(centered)` | main directions | `(N, D)` → `Vh` `(D, D)` |
#
# Three sentences to keep. *With few pictures, borrow a body and train a head; with more, let the body follow slowly.
# `requires_grad` stops gradients, and only `eval()` stops BatchNorm. Load strictly, or read what was not loaded.*
#
# Where to go next: put photographs of your own into a folder for each class (lesson 06), give them to
# `weights.transforms()`, and let a resnet18 with its weights calculate 512 features for each, once. A head on top trains in seconds.
#
# So far every input had a fixed size. The next lesson reads names, letter by letter, and names differ in length.

# %%
scratch.cleanup()
