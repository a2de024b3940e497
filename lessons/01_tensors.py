# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Tensors
#     summary: a photograph becomes a batch, by shapes, dtypes, views and broadcasting; side doors into memory and speed
#     path: "What shape, what dtype, where: three questions that lead from a photograph's file to the batch of numbers that a network takes."
#     needs: [00_start_here]
#     data: []
#     objectives:
#       shapes: predict the shape of an expression before you run it
#       select: pick and mask elements without a loop, and know whether you write into somebody else's memory
#       broadcast: combine tensors of different shapes, and notice when it happens by accident
#       batch: turn photographs into a batch that a network takes, and back, to the pixel
#       memory: read and write the note, shape and strides, by which a tensor finds its numbers
# ---

# %% [markdown]
# A photograph on your disk is a file. A network cannot take a file. It takes a *batch*: one block of numbers, in which
# several pictures of the same size lie behind one another. Today you go from the one to the other, and back.
#
# On the way you ask the same three questions over and over: **what shape, what dtype, where?** The *shape* says how many
# numbers there are in each direction, the *dtype* what kind of number each is, and the *where* which memory holds them.
# Most errors in PyTorch come from one of the three, and so do many results that are wrong without any error.

# %%
import timeit

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import nn

from utils import check, expect_error
from utils.plotting import draw_grid, draw_memory, draw_stretched

plt.style.use("utils.course")

# %% [markdown]
# ## A file becomes a tensor
#
# scikit-learn brings two photographs along. Pillow (`PIL`) opens the file, NumPy takes its numbers, and
# `torch.from_numpy` makes a tensor of them. `convert("RGB")` gives every picture three colors. (The numbers on this page belong to this photograph; the build, at
# the end, takes any picture of yours.)

# %% alt="A photograph of a Chinese palace: a tower of four stories, each with its own curved roof, stands among trees above a lake, under a pale blue sky. The axes count 640 columns and 427 rows of pixels."
path = load_sample_images().filenames[0]
array = np.array(Image.open(path).convert("RGB"))
photo = torch.from_numpy(array)

fig, ax = plt.subplots(figsize=(5, 3.4))
ax.imshow(photo)
ax.set(xlabel="column", ylabel="row")
ax.grid(False)
plt.show()

# %% [markdown]
# *A palace, 640 columns wide and 427 rows high.* Now the three questions, and a fourth: in how many directions can you walk?

# %%
print("shape: ", photo.shape)
print("ndim:  ", photo.ndim)
print("dtype: ", photo.dtype)
print("device:", photo.device)
print(photo.numel(), "numbers,", photo.nbytes, "bytes")

# %% [markdown]
# 427 rows, 640 columns, and 3 numbers for each pixel: how much red, green and blue. Each of the 819,840 numbers is a
# `uint8`, a whole number from 0 to 255 in one byte, and they lie in the memory of the processor, the `cpu`. (`size()` is
# another name for `shape`.)
#
# The number of directions is the *rank*, `ndim`. Here is one real thing for every rank from 0 to 4.

# %%
red = photo[0, 0, 0]  # how red the first pixel is
pixel = photo[0, 0]  # its three colors
gray = photo[:, :, 0]  # a gray picture: the red of every pixel
pictures = torch.zeros(8, 3, 64, 64)  # eight color pictures, as PyTorch wants them
for thing in (red, pixel, gray, photo, pictures):
    print(thing.ndim, tuple(thing.shape))

# %% [markdown]
# Rank 0 is a single number, and its shape is empty, `()`. `item()` gives it back as a plain Python number. For more
# than one number, use `tolist()`:

# %%
print(red.item(), pixel.tolist())
with expect_error(RuntimeError):
    pixel.item()

# %% [markdown]
# **Is a vector of 3 elements, such as `pixel`, rank 3?** No, rank 1, because one index, `pixel[i]`, finds any element. A physicist would say that it lives
# in three-dimensional space. The word *dimension* has both meanings. In `dim=0` and `ndim`, PyTorch means a
# direction that you index along; in "a 3-dimensional vector", and in names such as `embedding_dim`, it means how long such a
# direction is.

# %% [markdown]
# ## What dtype
#
# **Predict before you run:** you want the photograph brighter and add 100 to every number. What happens to a sky of 200?

# %% alt="Two versions of the palace. Left, brightened within uint8: the sky has turned nearly black, with red and blue patches. Right, brightened in floats and clamped at 255: the same photograph, lighter, with a white sky."
wrapped = photo + 100
brighter = (photo.float() + 100).clamp(0, 255)
fig, axes = plt.subplots(1, 2, figsize=(7, 2.5))
titles = ("uint8 + 100", "float + 100, clamped")
for ax, picture, title in zip(axes, (wrapped, brighter / 255), titles):
    ax.imshow(picture)
    ax.set(title=title, xticks=[], yticks=[])
plt.show()
print(photo[0, 0].tolist(), "→", wrapped[0, 0].tolist(), "and", brighter[0, 0].tolist())

# %% [markdown]
# *Left, what was light has turned dark; right, the photograph is lighter.* 201 + 100 is 301, which does not fit into one byte,
# so the count starts over at 0 after 255: 45. No error, no warning. Turn pictures into floats
# before you compute with them, and round before you turn them back: `.to(torch.uint8)` cuts the decimals off.
#
# Sometimes PyTorch does stop you. **Predict before you run:** what is the mean of the photograph?

# %%
with expect_error(RuntimeError):
    photo.mean()
print(f"{photo.float().mean():.1f}")

# %% [markdown]
# (A `NotImplementedError`, which is a kind of `RuntimeError`.) A mean has decimals in general, and PyTorch will not guess which kind of float you want. (`Byte`
# is its old name for `uint8`, as
# `Long` is for `int64`.) NumPy does guess, and takes 64 bits. You choose: `.float()` is short for `.to(torch.float32)`.
#
# Why 32 bits? **Floats are there to be computed with**, by the million: half the bytes means half the memory and often
# twice the speed, and seven digits are more than a photograph or a network needs. **Integers are there to point at things**, at
# rows and positions, and there are tensors with more than 2,147,483,647 elements, where 32 bits end. So whole numbers come in 64
# bits and decimals in 32:

# %%
print(torch.tensor([4, 0, 2]).dtype, torch.tensor([4.0, 0.0, 2.0]).dtype)
print(photo.argmax().dtype, photo.argmax().item())
print(torch.iinfo(torch.int32).max, torch.finfo(torch.float32).eps)

# %% [markdown]
# `argmax` answers with a position: 962 numbers precede the first maximum in reading order (the three colors of the first pixel, then of the
# next). `eps` is the smallest step upward that a 32-bit float can
# make from 1. That is where the seven digits come from, and it is why two floats that should be
# equal often are not.
#
# **Predict before you run:** in 64 bits, the width of Python's own numbers, is 0.1 + 0.2 equal to 0.3?

# %%
third = torch.tensor(0.1, dtype=torch.float64) + torch.tensor(0.2, dtype=torch.float64)
print(f"{third.item():.20f}")
print("==:      ", (third == 0.3).item())
print("allclose:", torch.allclose(third, torch.tensor(0.3, dtype=torch.float64)))

# %% [markdown]
# None of the three numbers can be written exactly in binary, as 1/3 cannot in decimals, and the rounding shows in the 17th digit. **Never
# compare computed floats with `==`.** `torch.allclose(a, b)` asks whether they agree to within a tolerance, by default five
# digits.
#
# When two kinds meet, the result is *promoted*: floats beat integers, and within a kind the wider beats the narrower. A plain Python
# number can change the kind, to 32-bit floats, but never the width within a kind:

# %%
whole, half = torch.tensor([4, 0, 2]), torch.ones(3, dtype=torch.float16)
print((photo / 255).dtype, (whole + 0.5).dtype, (whole + half).dtype)
print((torch.ones(3) * 2.0).dtype, (torch.ones(3) + torch.ones(3).double()).dtype)

# %% [markdown]
# The first is the one you need today: `/` always gives floats, so `photo / 255` has 32-bit floats from 0 to 1, and is how a
# photograph usually enters PyTorch. In the third, 64-bit integers and 16-bit floats give 16-bit floats: the kind is settled first, then
# the width.

# %% [markdown]
# ## Where
#
# The tensor came from a NumPy array. **Predict before you run:** you paint one pixel of the *array* black. What does the
# *tensor* say?

# %%
before = photo[5, 5].tolist()
array[5, 5] = 0
print(before, "→", photo[5, 5].tolist())
copied = torch.tensor(array)
array[5, 5] = before
print("from_numpy:", photo[5, 5].tolist(), " torch.tensor:", copied[5, 5].tolist())

# %% [markdown]
# They are one memory under two names: change the one, and the other changes. `torch.from_numpy` shares, and so does
# `.numpy()` on the way back. `torch.tensor` copies, so `copied` still has the black pixel. And `from_numpy` keeps
# NumPy's dtype. That matters because NumPy's own decimals have 64 bits, and a matrix product does not promote:

# %%
gray_weights = torch.from_numpy(np.array([0.299, 0.587, 0.114]))
print(gray_weights.dtype)
with expect_error(RuntimeError):
    (photo / 255) @ gray_weights
print(tuple(((photo / 255) @ gray_weights.float()).shape))

# %% [markdown]
# *Double* is float64, *Float* is float32. (Three names for two tensors: the first belongs to the space reserved for the answer.) Convert once, where the data come
# in. (`@` multiplies three colors by three weights and adds
# them up, for each pixel: a gray picture. A side door has more about it.)
#
# A graphics card has its own memory, and work happens where the tensor is. Many laptops have no card that PyTorch can use, so programs ask first.
# The output stored below comes from another machine; run the cell on yours.

# %% tags=["nbval-ignore-output"] reason="the answers depend on the devices of the machine"
has_accelerator = torch.accelerator.is_available()
device = torch.accelerator.current_accelerator() if has_accelerator else torch.device("cpu")
moved = photo.to(device)
print("PyTorch can use:", device.type, " accelerators:", torch.accelerator.device_count())
print("cuda:", torch.cuda.is_available(), torch.cuda.device_count())
print("mps: ", torch.backends.mps.is_available())
print("the photograph now lives on:", moved.device)

# %% [markdown]
# `cpu` and 0 mean that there is only the processor, and everything in this course runs on it. `torch.accelerator` speaks for
# all brands; `cuda` is NVIDIA, `mps` is Apple. The way home to NumPy is `moved.cpu().numpy()`, right wherever the tensor lives.
#
# Two tensors in different memories cannot be added (only a single number, of rank 0, may lie on the CPU). You can meet that error without a graphics card: every
# machine has the
# device `meta`, which keeps shapes and no numbers.

# %%
nowhere = torch.zeros(427, 640, 3, device="meta")
with expect_error(RuntimeError):
    photo + nowhere

# %% [markdown]
# The words depend on the two devices; with a card the message begins *Expected all tensors to be on the same device*. The fix is the same: `.to(device)` for the
# data and for the model. Lesson 11 has more.

# %% [markdown]
# ## Cut
#
# An integer picks one and removes the direction. A slice picks a stretch and keeps the direction, even when its length is one. `...` stands for all the directions
# that you do not name.

# %%
print(tuple(photo[0].shape), "one row of pixels")
print(tuple(photo[:, :, 0].shape), tuple(photo[..., 0].shape), "the red of all")
print(tuple(photo[..., 0:1].shape), "the same, as a slice")
print(tuple(photo[100:164, 200:264].shape), "a square of 64 by 64")
print(tuple(photo[::2, ::2].shape), "every second row and column")

# %% [markdown]
# One habit from Python lists does not carry over: `photo[::-1]` raises *step must be greater than zero*; `photo.flip(0)` reverses rows.
#
# **Predict before you run:** `scene` is a copy of the photograph, `square` a slice of it. You paint the square gray. What happens to
# `scene`?

# %% alt="The palace with a plain gray square of 64 by 64 pixels in its upper story, where the slice was painted over."
scene = photo.clone()
square = scene[100:164, 200:264]
square.fill_(128)
fig, ax = plt.subplots(figsize=(4, 2.7))
ax.imshow(scene)
ax.set(xticks=[], yticks=[])
plt.show()
print(tuple(square.shape), scene[130, 230].tolist(), photo[130, 230].tolist())

# %% [markdown]
# *A hole in the palace.* The slice is not a copy: it is another reading of the same memory, a *view*. The underscore in `fill_` says
# that the method works *in place*, writing into the memory it was called on; `add_`, `mul_`, `zero_` and `clamp_` do, too. `photo` itself is
# unharmed, because `.clone()` gave `scene` numbers of its own. Whenever you write, ask whose memory it is:

# %%
def shares(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors read the same memory."""
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


for name, x in [("slice", photo[::2]), ("list", photo[[0, 2]]), ("clone", photo.clone())]:
    print(f"{name:6} {'shares' if shares(photo, x) else 'copied'}")

# %% [markdown]
# A slice can be described by a start and a step, so it is a view. A list names arbitrary rows, so it has to copy.
#
# ### Masks
# A comparison gives a tensor of `True` and `False`, a *mask*. In brackets it picks elements; summed, it counts them.

# %%
dark = (photo < 40).all(dim=2)  # (427, 640): all three colors below 40
print(dark.dtype, tuple(dark.shape), dark.sum().item())
print(tuple(photo[dark].shape), photo[dark].max().item())
print(tuple(torch.where(dark, 255, photo[..., 0]).shape))

# %% [markdown]
# `all(dim=2)` is `True` where all three colors of a pixel are below 40. 34,032 pixels are that dark; in brackets the mask gives them in one long row,
# `(34032, 3)`, as they no longer form a rectangle; no number exceeds 39. To keep the shape, choose between two values with
# `torch.where`; here dark pixels become white. Combine masks with `&`, `|` and `~`, each comparison in parentheses. Python's `and` wants one
# truth, not 819,840:

# %%
with expect_error(RuntimeError):
    (photo > 20) and (photo < 40)

# %% [markdown]
# ### Exercise tensors-1 · difficulty 1 · 4 minutes
# No running, only reading. `photo` has the shape `(427, 640, 3)`. Write the shapes of these four as tuples of integers:
#
# - `shape_a`: of `photo[0]`
# - `shape_b`: of `photo[:, -1:, 2]`
# - `shape_c`: of `photo[::2, 100:200].flip(0)`
# - `shape_d`: of `photo[(photo < 0).all(dim=2)]`: no pixel is that dark
#
# <details><summary>Hint 1</summary>For each of the three directions ask: is it removed, shortened, or left alone?</details>
# <details><summary>Hint 2</summary>An integer removes, a slice shortens; half of 427, rounded up; a mask of pixels leaves (k, 3), and k may be 0.</details>

# %% tags=["exercise"] id="tensors-1" objective="shapes"
### BEGIN SOLUTION
shape_a = (640, 3)
shape_b = (427, 1)
shape_c = (214, 100, 3)
shape_d = (0, 3)
### END SOLUTION

# %% tags=["check"]
with check("tensors-1") as c:
    for mine, x, why, slips in [(shape_a, photo[0], "a: the 0 removes the first direction",
                                 {(3,): "one integer removes one direction",
                                  (1, 640, 3): "an integer removes; the slice 0:1 would keep a 1",
                                  (427, 3): "the first direction goes, not the second"}),
                                (shape_b, photo[:, -1:, 2], "b: the slice keeps one column, the 2 removes the colors",
                                 {(427,): "a slice keeps its direction, even when it is one long",
                                  (427, 1, 1): "the integer 2 removes its direction",
                                  (427, 1, 3): "the 2 removes the colors",
                                  (427, 639): "`-1:` starts at the last column, so one column is left",
                                  (427, 1, 2): "2 is one color, not two: an integer removes"}),
                                (shape_c, photo[::2, 100:200].flip(0), "c: every second row, 100 columns, all colors",
                                 {(213, 100, 3): "rows 0, 2, …, 426 are 214: half of 427, rounded up",
                                  (427, 100, 3): "::2 takes every second row",
                                  (214, 101, 3): "the end of a slice is left out: 100 to 199"}),
                                (shape_d, photo[(photo < 0).all(dim=2)], "d: no pixel of three colors",
                                 {(0,): "a mask of shape (427, 640) picks pixels, and each keeps its 3 colors",
                                  (427, 640, 3): "a mask in brackets picks; torch.where keeps the shape",
                                  (0, 0, 3): "rows and columns become one direction"})]:
        c.equal(tuple(c.attempted(mine)), tuple(x.shape), mistakes=slips, because=why)

# %% [markdown] tags=["solution"]
# `photo[0]` removes the rows. In `photo[:, -1:, 2]` the slice `-1:` keeps the columns, one of them, and the integer removes the
# colors. 427 rows, every second one, beginning with the first: 214. The mask has two directions, which become one, as long as there are
# hits: none.

# %% [markdown] tags=["instructor"]
# **4 minutes.** Let the room vote on b before anyone runs it: `(427,)` usually wins. Then ask for a change of b that *would* give
# `(427,)`. **Watch for** students who type the expressions in; ask them to fold their arms first.

# %% [markdown]
# ### Exercise tensors-2 · difficulty 2 · 5 minutes
# Dead pixels of a sensor read −999. (That number was written, not computed: here `==` is right.) Write `patch_gaps(readings)`: a tensor of the same shape in
# which every −999 is replaced by
# the mean of all the *other* values. The tensor you are given must stay as it is.
#
# <details><summary>Hint 1</summary>Two masks do it: the gaps, and <code>~gaps</code>. The mean of a masked tensor is the mean of what is left.</details>
# <details><summary>Hint 2</summary><code>torch.where(gaps, …, readings)</code> builds a new tensor. Or write into a <code>clone()</code>.</details>

# %% tags=["exercise"] id="tensors-2" objective="select"
def patch_gaps(readings: torch.Tensor) -> torch.Tensor:
    """Return ``readings``, any shape, with each −999 replaced by the mean of the rest."""
    ### BEGIN SOLUTION
    gaps = readings == -999
    return torch.where(gaps, readings[~gaps].mean(), readings)
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-2") as c:
    given = torch.tensor([[10.0, -999.0, 11.0], [15.0, -3.0, -999.0]])
    with c.untouched(given):
        got = c.attempted(patch_gaps(given))
    c.kind(got, torch.Tensor)
    slips = [(torch.where(given < -99, given.mean(), given), "the mean still counts the −999s"),
             (torch.where(given < -99, 0.0, given), "0 is a reading too, not a gap"),
             (torch.where(given < 0, 12.0, given), "−3 is a reading too: only −999 is a gap"),
             (torch.where(given < -99, 5.5, given), "the gaps still count, as zeros: divide by 4, not by 6"),
             (torch.where(given < -99, 8.0, given), "8.25 is not 8: keep the decimals of the mean"),
             (torch.full((2, 3), 8.25), "the good readings stay as they are")]
    right = torch.tensor([[10.0, 8.25, 11], [15, -3, 8.25]])
    c.close(got, right, mistakes=slips, because="(10+11+15−3)/4 = 8.25")
    cold = torch.tensor([-998.0, -1000.0, -999.0, 0.0, 2.0])
    c.close(patch_gaps(cold), torch.tensor([-998.0, -1000, -499, 0, 2]), because="−998 and −1000 are readings",
            mistakes=[(torch.tensor([1.0, 1, 1, 0, 2]), "only −999 is a gap, not all that is very low")])

# %% [markdown] tags=["solution"]
# `readings[~gaps]` is flat, and a mean does not mind. `torch.where` makes a new tensor, so nobody's data are touched.
# Masking and assigning works as well, on a clone.

# %% [markdown] tags=["instructor"]
# **Common mistake:** `out = readings; out[gaps] = …`, a second name and no copy. **Ask the room:** what if every reading is a gap?
# (The mean of nothing is `nan`. A good start for a talk about missing data.)

# %% [markdown]
# ## Turn
#
# Files and Matplotlib keep a picture as height, width, channel: `(H, W, C)`. PyTorch's layers want the channels first:
# `(C, H, W)`. Two calls give that shape. `permute` puts the axes into the order that you name; `reshape` regroups the numbers into the
# shape that you name.
#
# **Predict before you run:** do the two give the same picture?

# %% alt="Two gray pictures. Left, channel 0 after permute: the palace. Right, channel 0 after reshape: only the top roof, stretched to three times its width and torn into a left and a right half, over an empty sky."
turned = photo.permute(2, 0, 1)  # old axis 2 first, then 0, then 1
scrambled = photo.reshape(3, 427, 640)
print(tuple(turned.shape), tuple(scrambled.shape))
shown = {"permute, channel 0": turned[0], "reshape, channel 0": scrambled[0]}
fig, axes = plt.subplots(1, 2, figsize=(7, 2.5))
for ax, (title, x) in zip(axes, shown.items()):
    ax.imshow(x, cmap="gray")
    ax.set(title=title, xticks=[], yticks=[])
plt.show()

# %% [markdown]
# *The same shape twice; `permute` keeps the palace, `reshape` shows a torn roof.* `reshape` **never swaps directions**. It reads the
# numbers in their order and cuts them elsewhere. A row of its channel 0 has 640 numbers, and those are only a third of one row of the photograph, red, green and
# blue side by side. So the top third of the photograph fills the channel, and its left, middle and right part alternate line by line. This mistake raises no error
# and feeds your network scrambled pictures. Remember it for
# that alone.
#
# `permute` moves not one number. How can that be? Look at a picture small enough to count: 3 rows, 4 columns.

# %% alt="A strip of twelve slots numbered 0 to 11, shaded from light yellow to blue, holds the numbers 0 to 11. Below it are three grids whose squares have the shade of the slot they read. small, 3 by 4: one step right is +1 slot, one step down +4. small.T, 4 by 3: right +4, down +1. small[:, ::2], 3 by 2: right +2, down +4."
small = torch.arange(12).reshape(3, 4)
layout = [["strip"] * 3, ["table", "turned", "thinned"]]
fig, axes = plt.subplot_mosaic(
    layout, figsize=(7, 4), height_ratios=[1, 3], width_ratios=[4, 3, 2]
)
draw_memory(axes["table"], small, title="small", strip_ax=axes["strip"])
draw_memory(axes["turned"], small.T, title="small.T")
draw_memory(axes["thinned"], small[:, ::2], title="small[:, ::2]")
plt.show()
print(small.stride(), small.T.stride(), small[:, ::2].stride())

# %% [markdown]
# *Twelve numbers are stored once, in the strip, and read three ways: a square has the shade of the slot it reads.* Memory
# has no tables in it. It is one long strip, and a tensor is a strip with a note: the shape, where to start, and how many slots to move for
# one step in each direction. Those last numbers are the *strides*, beside and below the grids and in the printed line. Try one: row 2, column 1 of `small.T`,
# counted from 0, is slot 2 · 1 + 1 · 4 = 6, and it holds the 6. Turning a picture writes another
# note, and not one number is moved:

# %%
print("photo: ", tuple(photo.shape), photo.stride())
print("turned:", tuple(turned.shape), turned.stride())
print("bytes copied:", 0 if shares(photo, turned) else turned.nbytes)

# %% [markdown]
# A tensor whose numbers lie in reading order, as `photo`'s do, is called *contiguous*; `turned` is not, and `turned.contiguous()` would
# copy it into order. You will need that word when `view` complains, behind a side door.
#
# Small calls add, remove, join or swap directions:

# %%
print(tuple(gray.shape), "→", tuple(gray.unsqueeze(0).shape), tuple(gray[None].shape))
print(tuple(gray[None].squeeze(0).shape), tuple(gray[:, :, None].shape))
print(tuple(turned.flatten(start_dim=1).shape), tuple(turned.reshape(3, -1).shape))
print(tuple(turned.transpose(0, 2).shape))

# %% [markdown]
# `unsqueeze(0)` and `None` in brackets add one, `squeeze(0)` removes it; give `squeeze` its `dim`, or it removes every 1, and a
# batch that happens to hold one picture is no longer a batch. `flatten(start_dim=1)` joins rows and columns; in `reshape`, -1 lets
# PyTorch count. `transpose` swaps two directions.

# %% [markdown]
# ## Reduce: the `dim` you name disappears
#
# `sum`, `mean`, `amax`, `amin`, `std` make few numbers out of many. Without `dim`, they leave one. With `dim=`, they
# walk along that direction, or along several, and leave the others alone.
#
# **Predict before you run:** `scaled` is `(3, 427, 640)`. Which `dim` gives the mean of each color?

# %%
scaled = turned / 255  # (C, H, W), floats from 0 to 1
print(small.sum(dim=0).tolist(), small.sum(dim=1).tolist())  # small is (3, 4)
mean = scaled.mean(dim=(1, 2))
std = scaled.std(dim=(1, 2))
print("mean of red, green, blue:", [round(v, 3) for v in mean.tolist()])
print("their spread (std):      ", [round(v, 3) for v in std.tolist()])
print(tuple(scaled.mean(dim=(1, 2), keepdim=True).shape), "with keepdim=True")

# %% [markdown]
# In `small`, `dim=0` walks *down*: the 3 rows go away, and one sum for each of the 4 columns is left. `dim=1` walks *right* and leaves one for each of the 3 rows.
# For the colors it takes `dim=(1, 2)`: the directions you name are those that *go away*. (`dim=-1` is the last one. `std`
# divides by n − 1, where NumPy divides by n; `amax` gives the largest values alone, while `max(dim=…)` gives their places, too.)
# `keepdim=True` keeps what was reduced, with length 1, and in a minute you will see what for. `argmax` and `argmin` answer *where* and not *how
# much*:

# %%
bright = scaled.mean(dim=(0, 2))  # one mean a row
print(tuple(bright.shape), "brightest row:", bright.argmax().item(), "darkest:", bright.argmin().item())

# %% [markdown]
# The brightest row lies high in the sky, the darkest at the bottom, among the trees.

# %% [markdown]
# ## Broadcast: stretched without being stored
#
# Networks learn best from numbers around 0 with a spread around 1. So pictures are *normalized*: each color minus its mean, divided by its
# spread. You have a picture `(3, 427, 640)` and three means `(3,)`. Subtract.

# %%
with expect_error(RuntimeError):
    scaled - mean

# %% [markdown]
# Write the shapes under one another, flush **right**:
#
# ```
# scaled                (3, 427, 640)
# mean                  (          3)   3 meets 640: stop
# mean[:, None, None]   (3,   1,   1)   3 meets 3, and the 1s are stretched to 427 and 640
# ```
#
# Two lengths fit if they are equal, or if one of them is 1 (or missing); the 1 is then *stretched*, which is called *broadcasting*.

# %%
normal = (scaled - mean[:, None, None]) / std[:, None, None]
print(tuple(scaled.shape), "-", tuple(mean[:, None, None].shape), "→", tuple(normal.shape))
print("means now:", [f"{abs(v):.4f}" for v in normal.mean(dim=(1, 2)).tolist()])
print("spread:   ", [f"{v:.4f}" for v in normal.std(dim=(1, 2)).tolist()])

# %% [markdown]
# Every `None` says *this direction is not mine*; `keepdim=True` would have left the same shape. Here is the rule as a picture, with a
# column and a row that are both stretched.

# %% alt="Three grids of 3 by 4. Left: a column 10, 20, 30 of shape (3, 1) in solid squares, repeated to the right as pale squares. A plus sign. Middle: a row 1, 2, 3, 4 of shape (4,) in solid squares, repeated downward as pale squares. An equals sign. Right: their sum, all solid, from 11 to 34."
tens, ones = torch.tensor([[10], [20], [30]]), torch.tensor([1, 2, 3, 4])
fig, axes = plt.subplots(1, 3, figsize=(7, 2.3))
draw_stretched(axes[0], tens, (3, 4), title="(3, 1), stretched")
draw_stretched(axes[1], ones, (3, 4), title="(4,), stretched")
draw_stretched(axes[2], tens + ones, (3, 4), title="the sum: (3, 4)")
for ax, sign in zip(axes[:2], "+="):
    ax.text(1.08, 0.5, sign, transform=ax.transAxes, fontsize=18, ha="center", va="center")
plt.show()

# %% [markdown]
# *Squares with black numbers are stored; those with gray numbers are only read. The column repeats to the right, the row repeats downward, and
# the sum is computed square by square.* The gray ones cost no memory: their stride is 0, as `ones.expand(3, 4).stride()` tells.
#
# ### Stretched without being asked
# Broadcasting also happens when you did not ask. Three true values, and three predictions that are all correct. The predictions form a column, because a network
# with one output returns a column. **Predict before you run:** the *mean squared error* is the mean of the squared differences. What is
# it for perfect predictions?

# %%
target = torch.tensor([1.0, 2.0, 3.0])  # (3,)
prediction = torch.tensor([[1.0], [2.0], [3.0]])  # (3, 1)
print(f"{((prediction - target) ** 2).mean():.4f}", tuple((prediction - target).shape))
print(f"{((prediction.squeeze(1) - target) ** 2).mean():.4f}")
all_two = torch.full((3, 1), 2.0)
print(f"{((all_two - target) ** 2).mean():.4f}")

# %% [markdown]
# Not 0 but 1.3333: `(3, 1)` and `(3,)` make a `(3, 3)` table of every prediction against every target. The second line has the fix: `squeeze(1)`, and the error is
# 0. Now the last line: with the bug, predicting 2 for everyone scores 0.6667, *better* than
# perfect predictions. Training looks for the lowest score, so it would lead away from the right answers, and no error would appear. Print the
# shapes of both sides of any subtraction that matters.

# %% [markdown]
# ### Exercise tensors-3 · difficulty 2 · 6 minutes
# Write `standardize(X, dim)`: subtract the mean along `dim` and divide by the standard deviation along `dim` (as
# `X.std` gives it by default). `dim=0` treats each column on its own, `dim=1` each row. Your function must be right
# for square tables too, and leave `X` as it is.
#
# <details><summary>Hint 1</summary>For dim=1 and a table (3, 4): which shape lets the means be subtracted?</details>
# <details><summary>Hint 2</summary><code>keepdim=True</code>, in both the mean and the standard deviation.</details>

# %% tags=["exercise"] id="tensors-3" objective="broadcast"
def standardize(X: torch.Tensor, dim: int) -> torch.Tensor:
    """Return ``X``, shape (rows, columns), with mean 0 and standard deviation 1 along ``dim``."""
    ### BEGIN SOLUTION
    return (X - X.mean(dim, keepdim=True)) / X.std(dim, keepdim=True)
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-3") as c:
    square = torch.tensor([[1.0, 2, 6], [4, 4, 7], [9, 0, 3]])
    for X, dim in ((square, 1), (square, 0), (square[:2] * 3, 0), (square[:2] - 1, 1)):
        with c.untouched(X):
            got = c.attempted(standardize(X, dim))
        c.kind(got, torch.Tensor)
        m, s, other = X.mean(dim, keepdim=True), X.std(dim, keepdim=True), 1 - dim
        slips = [((X - m.T) / s if len(X) == 3 else X, "keepdim in the spread only: the mean needs it too"),
                 ((X - m) / X.std(dim, correction=0, keepdim=True), "use X.std as it is, without correction=0"),
                 ((X - m) / s**2, "that is the variance: divide by its root, X.std"),
                 ((X - m) / X.std(), "one spread for all: pass dim on to X.std too"),
                 (X - m, "not divided by the spread yet"), ((X - X.mean()) / X.std(), "one mean for all: pass dim on"),
                 ((X - X.mean(other, keepdim=True)) / X.std(other, keepdim=True),
                  "the statistics of the other dim: pass dim on")]
        if len(X) == 3:
            wrong = "broadcast along the wrong direction: keepdim=True keeps the right one, for every dim"
            slips += [((X - m.T) / s.T, wrong), ((X - m) / s.T, "keepdim in the mean only: the spread needs it too")]
        c.close(got, (X - m) / s, mistakes=slips, because=f"dim={dim}: mean 0 and spread 1 along it")

# %% [markdown] tags=["solution"]
# With `keepdim=True` the statistics keep the length-1 direction, so they broadcast back along the direction they came from, whichever
# it was. Without it, `dim=1` fails on a `(3, 4)` table and is silently wrong on a `(3, 3)` one.

# %% [markdown] tags=["instructor"]
# **The point of the exercise is the square table.** Ask who tested on one. Then: why would a test on random `(100, 100)` data not
# catch it at a glance? (Means are all near each other.) And what should a constant column become?

# %% [markdown]
# ## Stack
#
# One direction is missing: the batch. `cat` lengthens a direction that exists; `stack` makes a new one, in front. **Predict before you run:** which two shapes?

# %%
corners = [(20, 60), (90, 250), (220, 330), (300, 520)]  # row and column of each cut
cuts = [normal[:, top : top + 64, left : left + 64] for top, left in corners]
print("cat:  ", tuple(torch.cat(cuts).shape))
batch = torch.stack(cuts)
print("stack:", tuple(batch.shape))

# %% [markdown]
# `cat` makes one picture of 12 channels, which nobody wants; `stack` gives four pictures of 3 channels: `(N, C, H, W)`. Both always copy, and here they have to: no
# single stride leads from cut to cut. Here are the four as a network sees them, with 0 in the middle of the color scale.

# %% alt="Four square cuts of the palace, 64 by 64 pixels, in the red channel after normalization, on a color scale from purple, minus 2, over white, zero, to orange, plus 2: plain sky, the corner of a roof, the tip of a lower roof before the lake, and trees."
fig, axes = plt.subplots(1, 4, figsize=(8, 2.2), layout="constrained")
for ax, picture, corner in zip(axes, batch, corners):
    image = ax.imshow(picture[0], cmap="PuOr_r", vmin=-2, vmax=2)
    ax.set(title=f"at {corner}", xticks=[], yticks=[])
fig.colorbar(image, ax=axes, label="red, normalized")
plt.show()

# %% [markdown]
# *Sky, a roof, the tip of a lower one, and trees: their red channel. Orange is more red than the photograph's mean, purple is less, white is the mean.* Does a
# network take it?
# Here is a single layer
# of the kind that lesson 07 takes apart, which wants 3 channels and gives 8, each 62 by 62: its window of 3 by 3 pixels cannot be centered on a pixel at the rim.
# And here is what it says to pictures that were not turned.

# %%
torch.manual_seed(0)
layer = nn.Conv2d(3, 8, kernel_size=3)
print(tuple(batch.shape), "→", tuple(layer(batch).shape))
with expect_error(RuntimeError):
    layer(batch.permute(0, 2, 3, 1))  # channels last: (4, 64, 64, 3)

# %% [markdown]
# *expected input[4, 64, 64, 3] to have 3 channels, but got 64 channels instead*: a shape in the wrong order, said in plain words. What shape, what dtype,
# where: `(4, 3, 64, 64)`, `float32`, on the CPU. You have a batch.

# %% [markdown]
# ## The build: a batch, and back to the pixel
#
# ### Exercise tensors-4 · difficulty 3 · 18 minutes
# Now alone, from an empty cell, for any photograph. Write three functions:
#
# 1. `load(path)` opens a picture's file and returns a `uint8` tensor `(H, W, 3)`, even if the file holds a gray picture.
# 2. `make_batch(photo, corners, size=64)` scales the photograph to 0 … 1, normalizes each color by its mean and spread **over the whole photograph**,
#    cuts a square of `size` by `size` pixels at each `(row, column)` in `corners`, and stacks the cuts. It returns three tensors: the batch `(N, 3, size,
#    size)` in 32-bit floats, and means and spreads, `(3,)` each. The photograph stays as it is.
# 3. `unmake(batch, mean, std)` undoes it: the cuts as they were, `uint8`, `(N, size, size, 3)`, equal to the photograph's **in every pixel**.
#
# Try them: `(unmake(*make_batch(photo, corners))[0] == photo[20:84, 60:124]).all()`. The check brings photographs of its own.
#
# <details><summary>Hint 1</summary>Go forward in this order: permute, divide, mean and std over rows and columns, subtract and divide with
# <code>[:, None, None]</code>, cut, stack. Then walk back step by step.</details>
# <details><summary>Hint 2</summary>On the way back a pixel of 87 comes out as 86.99999, and <code>.to(torch.uint8)</code> cuts the decimals off:
# <code>.round()</code> first. The axes go home by <code>permute(0, 2, 3, 1)</code>.</details>

# %% tags=["exercise", "build"] id="tensors-4" objective="batch"
def load(path) -> torch.Tensor:
    """Return the picture in a file as uint8 of shape (H, W, 3)."""
    ### BEGIN SOLUTION
    return torch.from_numpy(np.array(Image.open(path).convert("RGB")))
    ### END SOLUTION


def make_batch(photo, corners, size=64):
    """photo uint8 (H, W, 3) → normalized cuts (N, 3, size, size), mean (3,), std (3,)."""
    ### BEGIN SOLUTION
    scaled = photo.permute(2, 0, 1) / 255
    mean, std = scaled.mean(dim=(1, 2)), scaled.std(dim=(1, 2))
    normal = (scaled - mean[:, None, None]) / std[:, None, None]
    cuts = [normal[:, row : row + size, column : column + size] for row, column in corners]
    return torch.stack(cuts), mean, std
    ### END SOLUTION


def unmake(batch, mean, std) -> torch.Tensor:
    """Normalized cuts (N, 3, size, size) → the pixels they came from, uint8 (N, size, size, 3)."""
    ### BEGIN SOLUTION
    scaled = batch * std[:, None, None] + mean[:, None, None]
    return (scaled * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-4") as c:
    import tempfile, skimage.data as data
    cat, cup = c.held_back(data.chelsea()[:, :400], data.coffee()[..., 1])
    for pixels, at, size in ((cat, [(0, 0), (30, 250), (150, 120), (200, 336)], 64), (cup, [(7, 500), (90, 3)], 21)):
        with tempfile.TemporaryDirectory() as folder:
            Image.fromarray(pixels).save(folder + "/new.png")
            got = c.attempted(load(folder + "/new.png"))
        real = torch.tensor(pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1))
        c.equal((got.dtype, *got.shape), (torch.uint8, *real.shape), because="load: (H, W, 3), of gray files, too")
        c.equal(got, real, because="load: every pixel of the file")
        with c.untouched(real):
            made = c.attempted(make_batch(real, at, *[size][: size != 64]))
        rows, (s, m) = torch.stack([real[r:r + size, k:k + size] for r, k in at]), torch.std_mean(real / 255, (0, 1))
        c.equal((made[0].dtype, *made[0].shape), (torch.float32, len(at), 3, size, size), because="(N, C, H, W)")
        for mine, true in zip(made, (((rows / 255 - m) / s).permute(0, 3, 1, 2), m, s)):
            c.close(mine, true, atol=1e-3, because="batch, mean and std of the whole photograph, in 0 … 1",
                    mistakes=[(m * 255, "scale to 0 … 1 before you take the mean"), (s * 255, "scale before std")])
        back = c.attempted(unmake(*made))
        c.equal((back.dtype, *back.shape), (torch.uint8, *rows.shape), because="unmake: uint8 (N, H, W, C)")
        gap = (back.int() - rows.int()).abs().max().item()
        words = "86.99999 loses its decimals in uint8: .round() first" if gap == 1 else "take the steps in reverse"
        c.true(gap == 0, observed=f"pixels off by up to {gap}", expected="0", because="back to the pixel", likely=words)

# %% [markdown] tags=["solution"]
# The way back is the way there, read from the bottom: each step has its opposite, and only rounding has to be added, because 255 · (87 / 255) need not be
# 87 in 32 bits. Mean and spread of the *whole* photograph make the cuts comparable; taken from each cut, a dark one and a light one would look alike.

# %% [markdown] tags=["instructor"]
# **Timing** 15 to 20 minutes. **Common mistakes** `reshape` for `permute` (the round trip can still succeed if the way back reshapes, too: the check compares
# the batch itself);
# the mean of each cut; no `round`, one pixel in some thousands off by one. **Ask the room** what a network needs on the day it is used: the *same* mean and
# spread as in training. Lesson 06 shows
# what happens without.

# %% [markdown]
# ## What you have met
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `from_numpy(array)`, `.numpy()` | crosses over, sharing memory | unchanged |
# | `torch.tensor(data)` | copies data into a tensor | nested lists → their shape |
# | `shape`, `ndim`, `numel`, `dtype`, `device` | what shape, what dtype, where | |
# | `item()`, `tolist()` | gives plain Python numbers | () → number, any → lists |
# | `.to(dtype or device)`, `.float()`, `.cpu()` | converts, or moves; copies only if needed | unchanged |
# | `x[1]`, `x[1:3]`, `x[...]` | an integer removes a direction, a slice keeps it | (427, 640, 3) → (640, 3); (2, 640, 3) |
# | `x[mask]`, `torch.where` | picks by truth | any → (k, …); any → the same |
# | `clone`, `fill_`, `add_` | numbers of its own; writes in place | unchanged |
# | `permute`, `transpose`, `.T` | reorders the axes, free of charge | (H, W, C) → (C, H, W) |
# | `reshape`, `flatten` | regroups in reading order | (3, 4) → (2, 6), (12,) |
# | `squeeze`, `unsqueeze`, `None` | removes, adds a length of 1 | (3, 1) ↔ (3,) |
# | `sum, mean, amax, std` with `dim=` | removes directions | (3, 427, 640), dim=(1, 2) → (3,) |
# | `argmax()`, `argmin()` | the position of the largest, the smallest number | (427,) → () |
# | `a * b`, `a - b`, `<`, `&` | element by element, with broadcasting | (3, 1), (4,) → (3, 4) |
# | `cat`, `stack` | lengthens a direction; adds one | 2 × (2, 3) → (4, 3); (2, 2, 3) |
# | `allclose(a, b)` | equal to within a tolerance | → True or False |
#
# What a tensor cannot do yet is tell you how
# its result would change if you changed its inputs. That takes one more note, about *where the numbers came from*, and it fills the whole of the
# next lesson.

# %% [markdown] tags=["deeper"]
# ## Tensors from nothing, and the same dice twice
#
# You rarely type numbers yourself. These functions take a shape; `full` also takes the value, and `eye` only the length of a side.
# `arange` counts in steps and leaves the end out; `linspace` takes the *number* of points and includes both ends.

# %%
print(torch.zeros(2, 3).tolist(), torch.ones(3).tolist(), torch.full((2, 2), 7.5).tolist())
print(torch.eye(3).tolist())
print(torch.arange(0, 24, 6), torch.linspace(0, 24, 5))
blank = torch.zeros_like(photo)
print(tuple(blank.shape), blank.dtype, torch.rand_like(scaled).dtype)

# %% [markdown]
# `arange` with whole numbers makes whole numbers. The `_like` family copies shape, dtype and device from a tensor you have.
#
# `rand` draws evenly between 0 and 1, `randn` from the bell curve around 0. Both take their numbers from a generator that only
# looks random: the *seed* decides everything that follows. **Predict before you run:** of the four draws below, which are equal?

# %%
torch.manual_seed(42)
first, second = torch.randn(3), torch.randn(3)
torch.manual_seed(42)
third = torch.randn(3)
own_dice = torch.Generator().manual_seed(42)
draws = {"first": first, "second": second, "third": third, "own dice": torch.randn(3, generator=own_dice)}
for name, draw in draws.items():
    print(f"{name:9}", [round(v, 4) for v in draw.tolist()])
print("the common dice go on:", torch.equal(torch.randn(3), second))

# %% [markdown]
# All but the second. Setting the seed rewinds the dice; without it, they roll on. Whenever a result has to come out the same tomorrow, set the
# seed in the cell that draws. `own_dice` is a generator of its own, which leaves the common dice alone.

# %% [markdown] tags=["deeper"]
# ## Rows times columns: `@`
#
# `*` works element by element. The product of linear algebra is `@`: row times column, multiplied and summed. Two shops, two fruits; three
# customers:

# %%
prices = torch.tensor([[2.0, 4.0], [3.0, 1.0]])  # (shops 2, fruits 2)
baskets = torch.tensor([[5.0, 0.0, 1.0], [1.0, 2.0, 1.0]])  # (fruits 2, customers 3)
bills = prices @ baskets
print(bills, tuple(bills.shape))
print("by hand, shop 0 and customer 0:", 2.0 * 5.0 + 4.0 * 1.0)
print((prices.mm(baskets) - bills).abs().max().item(), (torch.matmul(prices, baskets) - bills).abs().max().item())

# %% [markdown]
# `(2, 2) @ (2, 3) → (2, 3)`: write the shapes side by side. The **inner** two must be equal and are summed away, fruit by fruit; the **outer** two
# are what remains, shops and customers. `torch.matmul` is another name for `@` (difference 0); `torch.mm` takes two matrices and nothing else.
#
# **Predict before you run** these shapes, by the rule; only the last two directions take part, the others broadcast. A vector on the right counts as one column, and
# that direction is dropped from the answer.

# %%
for a, b in [((3, 4), (4, 1)), ((3, 4), (4,)), ((8, 3, 4), (4, 5)), ((8, 3, 4), (8, 4, 5))]:
    print(a, "@", b, "→", tuple((torch.zeros(a) @ torch.zeros(b)).shape))
with expect_error(RuntimeError):
    torch.zeros(3, 4) @ torch.zeros(3, 4)
x, y, stack = torch.zeros(3, 4), torch.zeros(3, 4), torch.zeros(8, 3, 4)
print(tuple((x @ y.T).shape), tuple((x.T @ y).shape), tuple((stack @ stack.mT).shape))

# %% [markdown]
# You will see that error a hundred times. Read it as it stands: 3×4 meets 3×4, and the inner numbers, 4 and 3, differ. Either turn cures it: `x @ y.T` is `(3,
# 3)`, every row with every row, and `x.T @ y` is `(4, 4)`, every column with every column. The shapes cannot tell you which you meant: ask which direction is to be
# summed away. For a stack of tables, `.mT` turns each.
#
# ### Exercise tensors-5 · difficulty 3 · 7 minutes
# This one needs broadcasting, not `@`. You have two lists of points, `A` of shape `(N, D)` and `B` of shape `(M, D)`.
# Write `distances(A, B)`: the table `(N, M)` of the straight-line distance from each
# point of A to each point of B, without a loop (you are the judge, and on your honor without `torch.cdist`). The distance of (0, 0) and (3, 4) is √(3² + 4²) = 5.
#
# <details><summary>Hint 1</summary>You want all differences at once: a tensor of shape (N, M, D). Which direction is missing in A, and which in B?</details>
# <details><summary>Hint 2</summary><code>A[:, None]</code> is (N, 1, D). Subtract, square, sum the last direction away, take the root.</details>

# %% tags=["exercise"] id="tensors-5" objective="broadcast"
def distances(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """Return the (N, M) distances between points A, shape (N, D), and B, shape (M, D)."""
    ### BEGIN SOLUTION
    return ((A[:, None] - B) ** 2).sum(dim=-1).sqrt()
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-5") as c:
    A, B = torch.tensor([[0.0, 0], [3, 4]]), torch.tensor([[0.0, 0], [3, 0], [6, 0]])
    table57 = torch.tensor([[0.0, 3, 6], [5, 4, 5]])
    slips = [(table57.T, "turned: A gives the rows, B the columns"), (table57**2, "the root is missing"),
             ((A[:, None] - B).abs().sum(-1), "the sum of |differences|: square them, and take the root of the sum"),
             ((A[:, None] - B).sum(-1).abs(), "square before you sum: + and − cancel")]
    with c.untouched(A, B):
        got = c.attempted(distances(A, B))
    c.kind(got, torch.Tensor)
    c.close(got, table57, mistakes=slips, because="3-4-5 triangles")
    P, Q = scaled[0, :5], scaled[1, 50:57]
    c.close(distances(P, Q), torch.cdist(P, Q), atol=1e-3, because="as torch.cdist has it, in 640 dimensions")

# %% [markdown] tags=["solution"]
# `(N, 1, D) − (M, D)` broadcasts to `(N, M, D)`; summing the squares away along the last direction leaves `(N, M)`. The built-in is
# `torch.cdist`, which avoids the large middle tensor.

# %% [markdown] tags=["instructor"]
# **Ask:** how much memory does the middle tensor take for N = M = 10 000, D = 100, in 32-bit floats? (40 GB.) That is the limit of
# vectorizing by broadcasting, and the reason for `cdist`. **Common mistake:** `A - B` alone, which fails or, for N = M, is silently (N, D).

# %% [markdown] tags=["deeper"]
# ## One choice per row: `gather` and `scatter_`
#
# Three pictures have been scored for four classes, and you know which class is *right* for each. A loop would do
# `scores[i, truth[i]]`; `gather` does it for all rows at once. Its first argument is the `dim` along which the index counts. The index must
# have the rank of the table, so the three positions form a column.

# %%
scores = torch.tensor([[0.1, 0.7, 0.2, 0.0], [0.5, 0.1, 0.1, 0.3], [0.2, 0.2, 0.0, 0.6]])
truth = torch.tensor([1, 3, 3])  # the right class of each picture
column = truth[:, None]  # (3,) → (3, 1)
picked = scores.gather(1, column)
print(column.tolist(), "→", [[round(v, 4) for v in row] for row in picked.tolist()])
print(torch.zeros_like(scores).scatter_(1, column, picked))

# %% [markdown]
# `scatter_` is the way back: it writes values into the places that the index names; a single number goes into all of them. Keep the pair in
# mind: picking the score of the right class out of each row is a `gather` (in the second row that is 0.3, not the largest), and it is at the heart of every
# classifier you will train.
#
# ### Exercise tensors-6 · difficulty 2 · 6 minutes
# A class number such as 2 becomes a row `[0, 0, 1, 0]`: zeros with a single one. Write `one_hot(labels, classes)`
# with `scatter_`, without a loop (on your honor: there is a ready-made call). `labels` holds N whole numbers, and the
# result is an `(N, classes)` tensor of 32-bit floats.
#
# <details><summary>Hint 1</summary>Start with zeros of the right shape. Each row gets one 1: where?</details>
# <details><summary>Hint 2</summary>The index must have rank 2, like the zeros: <code>labels[:, None]</code>. The value is one number, 1.0.</details>

# %% tags=["exercise"] id="tensors-6" objective="select"
def one_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Turn labels of shape (N,) into float rows of shape (N, classes) with one 1 each."""
    ### BEGIN SOLUTION
    return torch.zeros(len(labels), classes).scatter_(1, labels[:, None], 1.0)
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-6") as c:
    labels = torch.tensor([2, 0, 2])
    with c.untouched(labels):
        got = c.attempted(one_hot(labels, 4))
    c.kind(got, torch.Tensor)
    c.equal(tuple(got.shape), (3, 4), mistakes={(4, 3): "one row per label, one column per class: yours is turned",
            (3, 3): "class 3 may be missing from this batch: use classes, not the largest label"})
    c.equal(got.dtype, torch.float32, mistakes={torch.int64: "whole numbers: a network computes in floats",
                                                 torch.float64: "twice the width that was asked for"})
    slip = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    c.equal(got, torch.eye(4)[[2, 0, 2]], because="row i is row labels[i] of the identity",
            mistakes=[(slip, "you scattered along dim 0, down the rows: use dim 1"),
                      (torch.tensor([[1.0, 0, 1, 0]] * 3), "one 1 per row: every row got the ones of all labels")])
    wide = one_hot(torch.tensor([6, 1, 1, 0, 3]), 9)
    c.true(tuple(wide.shape) == (5, 9), observed=f"shape {tuple(wide.shape)} for 5 labels and 9 classes",
           expected="(5, 9)", likely="a number of the first example is wired in")
    c.equal(wide, torch.eye(9)[[6, 1, 1, 0, 3]], because="for five labels and nine classes, too")

# %% [markdown] tags=["solution"]
# `scatter_(1, …)` walks along the columns: in row i, the column `labels[i]` gets the value. The check compares it with
# `torch.eye(classes)[labels]`, which is a second good answer.

# %% [markdown] tags=["instructor"]
# **Common mistake:** `scatter_(1, labels, 1.0)`, which raises *Index tensor must have the same number of dimensions as self tensor*.
# **Watch for** `torch.nn.functional.one_hot(labels)` without the number of classes: a batch in which the last class happens
# to be missing gets a narrower table. Ask when that would be found out. (In the last batch of an epoch, at 3 a.m.)

# %% [markdown] tags=["deeper"]
# ## Is `view` the same as `reshape`?
#
# Many students ask this, and notes all over the web answer "yes, mostly". The note about the memory gives a better answer. It holds shape,
# strides and the slot to start from, and finding element `[i, j]` is one line of arithmetic: *slot = start + i · stride₀ + j · stride₁*.

# %%
tenfold = 10 * small  # so that a slot and what lies in it differ
corner = tenfold[1:, ::2].T
strip = tenfold.flatten()
for i in range(corner.shape[0]):
    for j in range(corner.shape[1]):
        slot = corner.storage_offset() + i * corner.stride(0) + j * corner.stride(1)
        print(f"[{i}, {j}] → slot {slot:2}: {strip[slot].item():2} and {corner[i, j].item():2}")

# %% [markdown]
# Start 4, steps 2 and 4; what lies in the slot and what PyTorch finds at `[i, j]` agree. Now reshape a table that lies in order, and one that does not.

# %%
for name, x in [("small", small), ("small.T", small.T)]:
    flat = x.reshape(12)
    verdict = "shares" if shares(x, flat) else "copied"
    print(f"{name:8} contiguous: {x.is_contiguous()}  reshape: {flat.tolist()} {verdict}")
flat = turned.view(3, -1)
verdict = "shares" if shares(turned, flat) else "copied"
print(f"turned   contiguous: {turned.is_contiguous()}  view(3, -1): {verdict}")
with expect_error(RuntimeError):
    small.T.view(12)

# %% [markdown]
# To read `small.T` row by row you visit slots 0, 4, 8, then 1, 5, 9, and no single step leads through these. (`turned` is not contiguous either, and `view(3, -1)`
# takes it: one step of 3 leads through all pixels of a color. What `view` needs is steps that fit the new shape; contiguous is enough, but not needed.) `view`
# never copies, so it must refuse `small.T`. `reshape` promises a result, and copies when it must. So: `reshape` is a view when it can be and a copy when it must be;
# `view` is a view or an error. Use `reshape`, unless you must be sure that the memory is shared.
#
# **Predict before you run:** six ways to take columns out of `small`. Which are views?

# %%
ways = {"slice with a step": small[:, ::2], "list of columns": small[:, [0, 2]],
        "mask of columns": small[:, torch.tensor([True, False, True, False])],
        "index_select": small.index_select(1, torch.tensor([0, 2])),
        "unbind and pick": small.unbind(dim=1)[2], "flip": small.flip(1)}  # fmt: skip
for name, x in ways.items():
    print(f"{name:18} {'view' if shares(small, x) else 'copy'}")

# %% [markdown]
# **A stride can say "every second", but not "these ones".** A list or a mask names arbitrary places, so it copies. (Here the list happens to be
# regular; PyTorch does not look.) `flip` would need a step of −1, and PyTorch has no negative strides.
#
# A stride of 0 is what broadcasting uses, and `expand` makes it visible: one slot read as a whole row. Writing into such a tensor is
# dangerous. **Predict before you run:** which of the two lines is refused?

# %%
column3 = torch.tensor([[10], [20], [30]])
stretched = column3.expand(3, 4)
print(tuple(stretched.shape), stretched.stride(), "shares" if shares(column3, stretched) else "copied")
with expect_error(RuntimeError):
    stretched.add_(1)
stretched[0, 0] = 99
print(stretched.tolist())

# %% [markdown]
# `add_` on the whole tensor is refused. A single element is not: it writes 99 into the one slot behind the row, and the **whole row changes**, as does
# `column3`. Say `.clone()` before you write into anything that was expanded.

# %% [markdown] tags=["deeper"]
# ## A window that stores nothing
#
# You may write a note yourself: `torch.as_strided(x, shape, strides)`; the start is `x`'s own, unless you give a fourth argument. A note can even read a slot many
# times. Here every row starts one
# slot after the row above it, so the rows overlap:

# %% alt="A strip of the eight numbers 0 to 7 above a grid of five rows and four columns. Each row of the grid repeats the row above it shifted by one slot: 0 1 2 3, then 1 2 3 4, up to 4 5 6 7. One right is +1, one down is +1. The number 3 is circled in the strip and in the four squares, along a slanting line, that read it."
hours = torch.arange(8)
overlapping = torch.as_strided(hours, (5, 4), (1, 1))
fig, axes = plt.subplots(2, 1, figsize=(5, 4), height_ratios=[1, 4])
draw_memory(axes[1], overlapping, strip_ax=axes[0])
axes[1].set_anchor("C")
ring = dict(marker="o", markersize=22, markerfacecolor="none", color="#D55E00", clip_on=False)
axes[0].plot(3, 0, **ring)
axes[1].plot([3, 2, 1, 0], [0, 1, 2, 3], linestyle="none", **ring)
axes[1].text(3.7, 0, "the same slot", color="#D55E00", va="center")
plt.show()
print(overlapping.numel(), "elements,", overlapping.untyped_storage().nbytes() // 8, "stored")

# %% [markdown]
# *Twenty squares read eight slots: both steps, right and down, are +1. The four circled squares all read slot 3.*
# Moving averages start from this picture, and so do convolutions, which slide a small window over a photograph.
#
# A warning, which PyTorch's own documentation gives, too: `as_strided` believes you. Strides that were right for one layout are silently wrong for another, and writing
# into overlapping windows writes one slot many times, in no promised order. (PyTorch refuses that only where a stride is 0, as after `expand`.) In your own programs
# take `x.unfold(dim, width, step)`, here `x.unfold(0, width, 1)`, which makes the same windows and
# asks `x` for
# its strides. Here you write the note by hand once, to have done it.

# %%
print((hours.unfold(0, 4, 1) - overlapping).abs().max().item(), hours.unfold(0, 4, 1).stride())

# %% [markdown]
# ### Exercise tensors-7 · difficulty 3 · 8 minutes
# Write `windows(x, width)` with `as_strided` (on your honor: `unfold` is the ready-made call): all stretches of `width` neighbors of a vector `x`, one per row,
# **without copying**. `x`
# may itself be a view with steps, such as `y[::2]`: neighbors are then neighbors *in `x`*. A vector of length 5 has 3
# windows of width 3.
#
# <details><summary>Hint 1</summary>One step right and one step down both go to the next element of x. How many slots is that?</details>
# <details><summary>Hint 2</summary><code>x.stride(0)</code> slots. And a vector of length n has n − width + 1 windows.</details>

# %% tags=["exercise"] id="tensors-7" objective="memory"
def windows(x: torch.Tensor, width: int) -> torch.Tensor:
    """Return a view of shape (len(x) - width + 1, width) on the vector ``x``."""
    ### BEGIN SOLUTION
    step = x.stride(0)
    return x.as_strided((len(x) - width + 1, width), (step, step))
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-7") as c:
    evens, thirds = torch.arange(10)[::2], torch.arange(12)[1::3]
    with c.untouched(evens):
        got = c.attempted(windows(evens, 3))
    slips = [(evens.as_strided((3, 3), (1, 1)), "step 1 walks through memory: one step in x is 2 slots here"),
             (evens[torch.tensor([[0, 1, 2], [1, 2, 3]])], "one window is missing: 5 − 3 + 1 = 3"),
             *((evens.as_strided((3, 3), steps), "going right and going down are both one step in x, 2 slots")
               for steps in [(1, 2), (2, 1)])]
    c.equal(got, torch.tensor([[0, 2, 4], [2, 4, 6], [4, 6, 8]]), mistakes=slips, because="neighbors in x")
    c.true(shares(got, evens), observed="numbers of your own", expected="a view on the memory of x",
           likely="stack and index lists copy; as_strided does not", because="and not one number was copied")
    slips = [(thirds.as_strided((3, 2), (2, 2)), "a step of 2 is right for [::2] only: ask x for its stride"),
             (thirds.as_strided((3, 2), (3, 3), 0),
              "this x starts at slot 1: leave the storage_offset out, and x's own is taken")]
    c.equal(windows(thirds, 2), torch.tensor([[1, 4], [4, 7], [7, 10]]), mistakes=slips,
            because="for x = arange(12)[1::3] too")

# %% [markdown] tags=["solution"]
# Both strides are x's own. Read from such a view as much as you like, but do not write into it: one slot is many elements.

# %% [markdown] tags=["instructor"]
# **8 minutes, the hardest of the lesson.** Those who write strides `(1, 1)` pass on `arange` and fail on `[::2]`: let them draw the
# strip. Fast groups: the moving average in one more line, `windows(x, 3).mean(dim=1)`, then windows with a hop of two.

# %% [markdown] tags=["deeper"]
# ## What `hstack` really does
#
# Two vectors of length three, and four ways to join them. `hstack` and `vstack` are names from NumPy. **Predict before you run** the
# four shapes.

# %% alt="Four grids made from the vectors 1 2 3 and 4 5 6. cat and hstack give the same single row of six numbers. stack and vstack give the same table of two rows."
low, high = torch.tensor([1, 2, 3]), torch.tensor([4, 5, 6])
fig, axes = plt.subplots(2, 2, figsize=(6.5, 2.6), height_ratios=[1, 2], width_ratios=[1, 1])
makers = [torch.cat, torch.hstack, torch.stack, torch.vstack]
for ax, make in zip(axes.flat, makers):
    joined = make([low, high])
    draw_grid(ax, joined, title=f"{make.__name__} {tuple(joined.shape)}")
plt.show()

# %% [markdown]
# *With vectors, `hstack` is `cat` and `vstack` is `stack`.* So far they look like pairs of synonyms. They are not. So *what does `hstack` really do?* Give it tables.

# %%
left, right = torch.zeros(2, 3), torch.ones(2, 3)
for make in makers:
    print(f"{make.__name__:7}", tuple(make([left, right]).shape))
with expect_error(RuntimeError):
    torch.cat([torch.zeros(2, 3), torch.zeros(2, 4)])

# %% [markdown]
# With tables both pairs come apart. From rank 2 on `hstack` joins along `dim=1`, `vstack` along `dim=0`; `stack` is the only one that adds a
# direction. In your own code say `cat(…, dim=…)` or `stack(…, dim=…)`, and nobody has to look it up. `cat` wants all lengths to agree,
# except along the direction it joins: with `dim=1` the last line would give `(2, 7)`.

# %% [markdown] tags=["deeper"]
# ## A race
#
# Why go to such lengths to avoid loops? Here are 30,000 temperatures, to be turned into Fahrenheit: by a Python
# loop over a list, and by one tensor expression; then three temperatures. `fastest` takes the best of many runs, because anything else on your
# machine can only slow them down. **Predict before you run:** who wins, and by how much?

# %% tags=["nbval-ignore-output"] reason="the ratio of two times depends on the processor and on what else it is doing"
def fastest(job, number: int = 1, repeat: int = 20) -> float:
    """Seconds of one call of ``job``, in the fastest of ``repeat`` rounds of ``number`` calls."""
    return min(timeit.repeat(job, number=number, repeat=repeat)) / number


for celsius, number in ((torch.linspace(-30, 40, 30_000), 1), (torch.linspace(-30, 40, 3), 1000)):
    as_list = celsius.tolist()
    loop = fastest(lambda: [v * 1.8 + 32 for v in as_list], number)
    tensor = fastest(lambda: celsius * 1.8 + 32, number)
    print(f"{len(as_list):6} numbers: loop {loop * 1e6:7.1f} µs, tensor {tensor * 1e6:5.1f} µs")
celsius = torch.linspace(-30, 40, 30_000)
elements = fastest(lambda: [v * 1.8 + 32 for v in celsius], repeat=3)
print(f" 30000 numbers: a loop over the tensor's own elements {elements * 1e6:.0f} µs")

# %% [markdown]
# With 30,000 numbers the tensor wins by far: for each number the loop has Python look up what to do and make a new object, and the tensor decides once and then runs
# through its memory. With three the list wins, because every tensor operation has a fixed cost before the first number is touched. A loop over a tensor's elements
# pays it for each of them (last line). That cost is one reason why networks are fed whole batches.
#
# And 64-bit floats against 32-bit floats, in a product of two 256 × 256 tables:

# %% tags=["nbval-ignore-output"] reason="the ratio of two times depends on the processor and on what else it is doing"
torch.manual_seed(0)
single = torch.randn(256, 256)
wide = single.double()
ratio = fastest(lambda: wide @ wide, repeat=50) / fastest(lambda: single @ single, repeat=50)
print(f"64-bit floats take {ratio:.1f} times as long,")
print(f"and {wide.nbytes / single.nbytes:.0f} times the memory")

# %% [markdown]
# A register of the processor holds twice as many 32-bit numbers as 64-bit ones. So expect a ratio near 2 on an idle machine; on a busy
# one, run the cell again before you believe it.

# %% [markdown] tags=["deeper"]
# ## Old code you will meet
#
# **One last question:** *`torch.Tensor` or `torch.tensor`?* The names differ in one capital letter:

# %%
print(tuple(torch.tensor(3).shape), tuple(torch.Tensor(3).shape))
print(torch.tensor([3]).dtype, torch.Tensor([3]).dtype)

# %% [markdown]
# `torch.tensor(3)` is the number 3. `torch.Tensor(3)` is a vector of three numbers that *nobody has set*: whatever was in
# those slots before. It also turns everything into float32 without asking. Use `torch.tensor` for data and `torch.empty(3)` if
# you really want unset slots.
#
# | on the web | today | why |
# |---|---|---|
# | `torch.Tensor([1, 2])`, `torch.FloatTensor(…)` | `torch.tensor([1.0, 2.0])`, `dtype=` | a size or data? the old name guesses |
# | `Variable(x)` | `x` | tensors record gradients themselves since 0.4 |
# | `x.data` | `x.detach()` | `.data` hides changes from autograd (lesson 02), and gradients go wrong silently |
# | `x.T` with rank 3 or more | `x.mT`, or `x.permute(…)` | reversing *all* axes is hardly ever meant; it warns, and will be an error |
# | `x.cuda()` everywhere | `x.to(device)` | runs on machines without an NVIDIA card |
# | `mask.byte()`, masks of `uint8` | `mask.bool()` | 0 and 1 as indices or as truth? |
# | `x.new(2, 3)` | `x.new_zeros(2, 3)` | the old one leaves the slots unset |
