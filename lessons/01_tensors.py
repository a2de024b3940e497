# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Tensors
#     summary: shapes, indexing, views and copies in memory, broadcasting, and loops turned into one expression
#     path: "What shape, what dtype, where: from a photograph's file to the batch of numbers that a network takes."
#     needs: [00_start_here]
#     data: []
#     objectives:
#       shapes: predict the shape of an expression before you run it
#       select: pick, mask and scatter elements without a loop
#       memory: tell from the strides whether you hold a view or a copy
#       broadcast: combine tensors of different shapes, and notice when it happens by accident
#       vectorize: turn a Python loop into one tensor expression
# ---

# %% [markdown]
# Your computer's memory has no tables in it. It is one long strip of numbered slots, without rows, columns or
# pictures.
#
# So where does a table live? In a note. A *tensor* is a strip of numbers plus a note on how to read it. Change the
# note, and the same numbers become another table, at no cost. Most of what surprises people about tensors is in that
# note. Below you see it drawn, and this lesson teaches you to read the drawing.

# %%
import timeit

import matplotlib.pyplot as plt
import numpy as np
import torch

from utils import check, expect_error
from utils.plotting import draw_grid, draw_memory, draw_stretched

plt.style.use("utils.course")

# %% [markdown]
# Three invented weather stations, `harbor`, `valley` and `summit`, report four times a day: at night, in the morning,
# at noon and in the evening. Twelve temperatures, in °C.

# %%
today = torch.tensor(
    [
        [11.0, 13.0, 16.0, 17.0],  # harbor
        [8.0, 12.0, 21.0, 15.0],  # valley
        [-3.0, 0.0, 4.0, -1.0],  # summit
    ]
)

# %% [markdown]
# Here they are in memory, and three tables made from them. (The drawing functions belong to the course; they read the
# note of a tensor and color its squares.)

# %% alt="A strip of twelve slots numbered 0 to 11, shaded from light yellow to blue, holds the twelve temperatures. Below it are three grids whose squares have the shade of the slot they read. today, 3 by 4: one step right is +1 slot, one step down +4. today.T, 4 by 3: right +4, down +1. Every second column, 3 by 2: right +2, down +4."
layout = [["strip"] * 3, ["table", "turned", "thinned"]]
fig, axes = plt.subplot_mosaic(
    layout, figsize=(7, 4), height_ratios=[1, 3], width_ratios=[4, 3, 2]
)
draw_memory(axes["table"], today, title="today", strip_ax=axes["strip"])
draw_memory(axes["turned"], today.T, title="today.T")
draw_memory(axes["thinned"], today[:, ::2], title="today[:, ::2]")
plt.show()

# %% [markdown]
# *Twelve numbers are stored once, in the strip, and read three ways: a square has the shade of the slot it reads.*
# Look at the labels of the grids. They say how many slots to move for one step right and one step down. Those two
# numbers, the *strides*, and the shape are all that differs between the three tables. Nothing was moved or copied.
#
# By the end of this lesson you will draw this picture in your head and know which lines of code copy. But first, the
# basics.

# %% [markdown]
# ## Four questions to ask any tensor
#
# When a line of PyTorch fails, the cause is usually one of four things: the shape, the rank, the kind of number (its
# `dtype`) or the device. Ask for all four before you ask anything else.

# %%
print("shape: ", today.shape)
print("ndim:  ", today.ndim)
print("dtype: ", today.dtype)
print("device:", today.device)
print(today.size() == today.shape, today.numel())

# %% [markdown]
# Three rows of four numbers; two directions to walk in; 32-bit floating point; in the memory of the processor.
# `size()` is another name for the shape, and `numel()` counts the elements.
#
# You rarely type the numbers yourself. These functions take a shape; `full` also takes the value to repeat, and `eye`
# only the length of a side:

# %%
print(torch.zeros(2, 3))
print(torch.ones(3))
print(torch.full((2, 2), 7.5))
print(torch.eye(3))

# %% [markdown]
# `arange` counts in steps and leaves the end out, as Python's `range` does. `linspace` takes the *number* of points and
# includes both ends.

# %%
print(torch.arange(0, 24, 6))
print(torch.linspace(0, 24, 5))

# %% [markdown]
# The numbers in the second line have dots, those in the first do not: `arange` with whole numbers makes whole
# numbers. That difference will matter in a minute. The `_like` family copies shape, kind and device from a tensor you
# already have:

# %%
blank = torch.zeros_like(today)
print(blank.shape == today.shape, blank.dtype == today.dtype)
print(torch.ones_like(today).sum(), torch.rand_like(today).shape)

# %% [markdown]
# ### The same dice twice
# `rand` draws evenly between 0 and 1, `randn` from the bell curve around 0. Both take their numbers from a generator
# that only looks random: the *seed* decides everything that follows.
#
# **Predict before you run:** three draws, and the seed is set before the first and before the third. Which two are equal?

# %%
torch.manual_seed(42)
first = torch.randn(3)
second = torch.randn(3)
torch.manual_seed(42)
third = torch.randn(3)
print(torch.equal(first, second), torch.equal(first, third))
own_dice = torch.Generator().manual_seed(42)
print(torch.equal(torch.randn(3, generator=own_dice), first))
print(torch.equal(torch.randn(3), second))

# %% [markdown]
# First and third. Setting the seed rewinds the dice to the start; without it, they roll on. Whenever a result has to
# come out the same tomorrow, set the seed in the cell that draws. `own_dice` is a generator of its own: the same
# seed, the same numbers. It leaves the common dice alone: after `third` they go on to `second`, as the last line shows.

# %% [markdown]
# ## From a temperature to a batch of pictures
#
# The number of directions in a tensor is its *rank*, `ndim`. Here is one real thing for every rank from 0 to 4.

# %%
reading = torch.tensor(21.0)  # one temperature
series = today[1]  # four readings over a day
gray = torch.zeros(9, 9)  # a gray picture: height, width
color = torch.zeros(9, 9, 3)  # a color picture: height, width, and red-green-blue
batch = torch.zeros(8, 3, 9, 9)  # eight color pictures, as PyTorch wants them
for thing in (reading, series, gray, color, batch):
    print(thing.ndim, tuple(thing.shape))

# %% [markdown]
# Rank 0 is a single number, and its shape is empty, `()`. `item()` gives it back as a plain Python number; for more
# than one, use `tolist()`.

# %%
print(reading.item(), series.tolist())
with expect_error(RuntimeError):
    series.item()

# %% [markdown]
# **A question many students leave in the margin of their notes:** *is a 3-element vector rank 3?* Ask the vector.

# %%
wind = torch.tensor([3.0, -1.0, 2.0])  # meters per second: east, north, up
print("ndim:", wind.ndim, " numel:", wind.numel(), " shape:", tuple(wind.shape))

# %% [markdown]
# No. Its rank is 1: one index, `wind[i]`, finds any element. It has three *components*, and a physicist will say that it
# lives in three-dimensional space. The word *dimension* has two uses. In `dim=0`, it means a direction of the table,
# something you index along; in "a 3-dimensional vector" it means the length of such a direction. In `dim=` and
# `ndim`, PyTorch always means the first; a name such as `embedding_dim`, which you meet later, means the second.
#
# ### A week to work with
# Twelve numbers make good pictures. For the rest you need more: three stations, seven days, twenty-four hours. The
# recipe below has a line you may not be able to read yet (the one with `None`). You will be able to by the
# end of the lesson.

# %%
torch.manual_seed(1)
hour = torch.arange(24.0)
daily = torch.cos((hour - 15) / 24 * 2 * torch.pi)  # warmest at 15:00
level, swing = torch.tensor([14.0, 14.0, 0.0]), torch.tensor([3.0, 7.0, 4.0])
cold_front = torch.linspace(0.0, -3.0, 7)

week = level[:, None, None] + swing[:, None, None] * daily + cold_front[:, None]
week = (week + 0.5 * torch.randn(3, 7, 24)).round(decimals=1)
print(tuple(week.shape), week.numel())

# %% [markdown]
# 504 numbers. To draw them, each station's seven days are laid end to end.

# %% alt="Line chart of 168 hours of temperature for three stations. All swing once a day and drift down by three degrees over the week. The harbor swings by about 3 degrees around 14, the valley by about 7 around 14, the summit by about 4 around 0."
fig, ax = plt.subplots(figsize=(7, 3))
for name, line in zip(["harbor", "valley", "summit"], week.flatten(start_dim=1)):
    ax.plot(line, label=name)
ax.set(xlabel="hour of the week", ylabel="temperature (°C)", xticks=range(0, 169, 24))
ax.legend(loc="upper right", ncols=3)
ax.set_ylim(top=28)
plt.show()

# %% [markdown]
# *Each station warms and cools once a day while a cold front takes three degrees off all of them in seven days. Each
# tick is a midnight.* `flatten(start_dim=1)` joined days and hours into one direction, from `(3, 7, 24)` to `(3, 168)`.

# %% [markdown]
# ## What kind of number
#
# **Predict before you run:** the three rain gauges collected 4, 0 and 2 millimeters. What is their mean?

# %%
rain = torch.tensor([4, 0, 2])
with expect_error(RuntimeError):
    rain.mean()

# %% [markdown]
# Not 2, but an error (a `NotImplementedError`, which is one kind of `RuntimeError`). You typed whole numbers, so
# PyTorch made a tensor of whole numbers (`Long` is its old name for 64-bit integers). A mean has decimals in general,
# and PyTorch will not guess which kind of float you want. NumPy does guess: there, a mean of integers is a float64.
# The fix is to name it:

# %%
print("NumPy:", rain.numpy().mean().dtype)
print(rain.dtype, "→", rain.to(torch.float32).mean())
print(rain.float().mean(), rain.mean(dtype=torch.float32))

# %% [markdown]
# Three spellings in PyTorch, one result. (`sum` is fine with integers: the sum of whole numbers is whole.) Now for a
# stranger fact: whole numbers come in 64 bits, but numbers with decimals in 32.

# %%
whole, decimal = torch.tensor([1]), torch.tensor([1.0])
print(whole.dtype, whole.element_size(), "bytes")
print(decimal.dtype, decimal.element_size(), "bytes")

# %% [markdown]
# The reasons are different. **Integers are there to point at things**: positions, class numbers, row numbers. A
# 32-bit integer ends at 2 147 483 647, and tensors with more elements than that exist. Functions that find positions
# therefore answer in 64 bits, and some functions accept nothing less:

# %%
print(torch.iinfo(torch.int32).max)
print(today.argmax().dtype)
with expect_error(RuntimeError):
    torch.nn.functional.one_hot(torch.tensor([0, 2], dtype=torch.int32))

# %% [markdown]
# **Floats are there to be computed with**, by the million. Half the bytes means half the memory and often twice the
# speed (you will race them at the end), and seven digits are more than a thermometer or a network needs. What a
# 32-bit float cannot do is count very far:

# %%
print("the next number after 1 is larger by", torch.finfo(torch.float32).eps)
print(torch.tensor(16_777_217, dtype=torch.float32).item())

# %% [markdown]
# The first line is where the seven digits come from: near 1, a smaller difference is lost. In the second, the last
# digit is wrong: 6, not 7. 16 777 217 is 2²⁴ + 1, and above 2²⁴ a 32-bit float cannot hold every whole number. That
# is a good reason never to keep row numbers in floats.
#
# ### When kinds meet
# Add two tensors of different kinds, and the result is *promoted*: floats beat integers, and within a kind the wider
# beats the narrower. A plain Python number can change the kind, but never the width within a kind.

# %%
half, double = torch.ones(2, dtype=torch.float16), torch.ones(2, dtype=torch.float64)
print((rain + 0.5).dtype)
print((rain[:2] + half).dtype)
print((decimal + double).dtype, (decimal * 2.0).dtype)

# %% [markdown]
# `0.5` turned integers into floats; `2.0` left 32 bits at 32. Now the middle line: 64-bit integers plus 16-bit floats
# give 16-bit floats. The kind is settled first, then the width.
#
# **Predict before you run:** pictures come as `uint8`, whole numbers from 0 to 255. You brighten a pixel of 200
# by 100. What do you get?

# %%
pixel = torch.tensor([200], dtype=torch.uint8)
print(pixel + 100)
print(pixel.float() + 100)

# %% [markdown]
# 44, a dark pixel: 300 does not fit, so the count starts over at 0 after 255. No error, no warning. Turn pictures into floats
# before you compute with them.

# %% [markdown]
# ## Arithmetic, and what it writes over
#
# The signs `+ - * / **` work element by element. So does every comparison.

# %%
harbor, valley = today[0], today[1]
print(valley - harbor)
print(valley * harbor)
print(valley > harbor)

# %% [markdown]
# `*` is *not* the product of linear algebra. That one is `@`: rows times columns, multiplied and summed. Here it
# turns each station's four readings into one weighted mean, with the night counting as much as all the rest together.

# %%
weights = torch.tensor([[0.5], [0.2], [0.2], [0.1]])
print(today @ weights)
same = torch.equal(torch.matmul(today, weights), torch.mm(today, weights))
print(tuple(today.shape), "@", tuple(weights.shape), "→", tuple((today @ weights).shape), same)

# %% [markdown]
# `@` and `torch.matmul` are the same. `torch.mm` takes two matrices and nothing else. The inner lengths must agree,
# as the fours do in `(3, 4) @ (4, 1)`, and are summed away. When they do not agree, you get an error that you will
# see a hundred times:

# %%
with expect_error(RuntimeError):
    today @ today
print(tuple((today @ today.T).shape))

# %% [markdown]
# Read it as it stands: 3×4 meets 3×4, and the inner numbers, 4 and 3, differ. Turn one of them: `today @ today.T` has the
# shape `(3, 3)`.
#
# ### A trailing underscore writes in place
# `add` gives you a new tensor. `add_`, with its underscore, writes the result into the old one. The same holds for
# every method whose name ends in an underscore: `mul_`, `zero_`, `clamp_`, `scatter_`.

# %%
board = harbor.clone()
warmer = board.add(1)
print(board, warmer)
board.add_(1)
print(board)

# %% [markdown]
# **Predict before you run:** `table` is a copy of `today`, and `noon` is one of its columns. You add 100 to `noon`,
# in place. What happens to `table`?

# %%
table = today.clone()
noon = table[:, 2]
noon.add_(100)
print(table)

# %% [markdown]
# The table changed too. `noon` is not a copy of a column: it is another note about the same slots. This is a *view*,
# and it is the first practical use of the picture at the top. If you want numbers of your own, say `.clone()`.
#
# In place also means that the slots stay what they are. Slots for whole numbers cannot take a half.

# %%
with expect_error(RuntimeError):
    rain.add_(0.5)

# %% [markdown]
# ## Reductions: the `dim` you name disappears
#
# `sum`, `mean`, `amax`, `amin`, `std` make few numbers out of many. Without `dim`, they leave one. With `dim=`, they
# walk along that direction and leave the others alone.
#
# **Predict before you run:** `today` is `(3, 4)`, stations by times. Which `dim` gives one mean per station?

# %%
print(today.mean())
print(today.mean(dim=0))
print(today.mean(dim=1))

# %% [markdown]
# `dim=1`. The direction you name is the one that *goes away*: naming the times, of which there are four, leaves three
# stations, with means 14.25, 14 and 0. Read `dim=1` as "across the columns". You may name several at once, and
# negative numbers count from the end:

# %%
print(tuple(week.shape))
print(tuple(week.mean(dim=-1).shape), "one mean per station and day")
print(tuple(week.mean(dim=(1, 2)).shape), week.mean(dim=(1, 2)))
print(tuple(week.amax(dim=2).shape), tuple(week.amax(dim=2, keepdim=True).shape))

# %% [markdown]
# The last line: `keepdim=True` keeps the direction, with length 1. It looks like a detail, but it decides whether you
# can subtract the mean again, as you will see under broadcasting.
#
# `argmax` and `argmin` answer *where* and not *how much*. Without `dim`, the answer is one position, counted
# row by row in reading order, which for `today` is also the order of the strip.

# %%
print(today.argmax(), today.argmax(dim=1), today.argmin(dim=1))
print(divmod(today.argmax().item(), 4))

# %% [markdown]
# Position 6 is row 1, column 2: the valley at noon. Row by row, the harbor is warmest in the evening
# (position 3), the other two at noon; all are coldest at night.

# %% [markdown]
# ## Pick and choose
#
# An integer picks one and removes the direction. A slice picks a stretch and keeps the direction, even when the
# stretch is one long. `...` stands for all the directions that you do not name.

# %%
print(tuple(week[0].shape), "harbor, all week")
print(tuple(week[0, 2].shape), "harbor, third day")
print(tuple(week[:, :, 12].shape), tuple(week[..., 12].shape), "all, at 12:00")
print(tuple(week[..., 12:13].shape), "the same, as a slice")
print(tuple(week[:, ::2, -6:].shape), "every second day, last six hours")

# %% [markdown]
# One habit from Python lists does not carry over: you cannot walk backwards.

# %%
with expect_error(ValueError):
    series[::-1]
print(series.flip(0))

# %% [markdown]
# `flip` does it.
#
# With slices you can paint. A gray picture is a table in which 0 is black and 1 is white:

# %% alt="A 9 by 9 gray picture: a light square face on black, with two dark eyes, a gray nose and a dark mouth whose corners point up."
gray = torch.zeros(9, 9)
gray[1:8, 1:8] = 1.0  # the face
gray[3, [3, 5]] = 0.0  # the eyes
gray[4, 4] = 0.6  # the nose
gray[6, 3:6] = 0.2  # the mouth
gray[5, 2::4] = 0.2  # and its corners
fig, ax = plt.subplots(figsize=(2.6, 2.6))
ax.imshow(gray, cmap="gray")
ax.set(xticks=range(9), yticks=range(9), xlabel="column", ylabel="row")
ax.grid(False)
plt.show()

# %% [markdown]
# *A face from five assignments: a rectangle, two pixels by a list of columns, one pixel, a stretch, and a step of four.*
# A slice on the left of `=` writes into the slots it names.

# %% [markdown]
# ### Exercise tensors-1 · difficulty 1 · 4 minutes
# No running, only reading. `week` has the shape `(3, 7, 24)`. Write the shapes of these four as tuples of integers:
#
# - `shape_a`: of `week[0]`
# - `shape_b`: of `week[:, -1:, 12]`
# - `shape_c`: of `week.mean(dim=1)`
# - `shape_d`: of `week.amax(dim=2, keepdim=True)`
#
# <details><summary>Hint 1</summary>For each of the three directions ask: is it removed, shortened, or left alone?</details>
# <details><summary>Hint 2</summary>An integer removes, a slice shortens. A reduction removes, unless <code>keepdim</code> is there.</details>

# %% tags=["exercise"] id="tensors-1" objective="shapes"
### BEGIN SOLUTION
shape_a = (7, 24)
shape_b = (3, 1)
shape_c = (3, 24)
shape_d = (3, 7, 1)
### END SOLUTION

# %% tags=["check"]
with check("tensors-1") as c:
    for mine, x, why, slips in [(shape_a, week[0], "a: the 0 removes the first direction",
                                 {(24,): "one integer removes one direction",
                                  (1, 7, 24): "an integer removes; the slice 0:1 would keep a 1",
                                  (3, 24): "the first direction goes, not the second"}),
                                (shape_b, week[:, -1:, 12], "b: the slice keeps one day, the 12 removes the hours",
                                 {(3,): "a slice keeps its direction, even when it is one long",
                                  (3, 1, 1): "the integer 12 removes its direction",
                                  (3, 1, 24): "the 12 removes the hours",
                                  (3, 6): "`-1:` starts at the last day, so one day is left",
                                  (3, 1, 12): "12 is one hour, not twelve: an integer removes"}),
                                (shape_c, week.mean(dim=1), "c: dim=1, the days, goes away",
                                 {(7, 24): "dim=1 is the direction that goes away; dim=0 stays",
                                  (3, 7): "dim=1 stands for the days; the hours are dim=2",
                                  (3, 1, 24): "without keepdim the direction goes",
                                  (7,): "dim=1 goes, it is not what stays"}),
                                (shape_d, week.amax(dim=2, keepdim=True), "d: a 1 is left of the hours",
                                 {(3, 7): "keepdim=True keeps the direction, with length 1",
                                  (3, 1, 24): "dim=2 stands for the hours",
                                  (3, 7, 24): "one maximum is left of the 24 hours",
                                  (1, 7, 24): "dim=2 stands for the hours"})]:
        c.equal(tuple(c.attempted(mine)), tuple(x.shape), mistakes=slips, because=why)

# %% [markdown] tags=["solution"]
# `week[0]` removes the stations. In `week[:, -1:, 12]` the slice `-1:` keeps the days, one of them, and the integer removes
# the hours. `dim=1` removes the days. `keepdim=True` leaves a 1 where the hours were.

# %% [markdown] tags=["instructor"]
# **4 minutes.** Let the room vote on b before anyone runs it: `(3,)` usually wins. Then ask for a change of b that *would* give
# `(3,)`. **Watch for** students who type the expressions in; ask them to fold their arms first.

# %% [markdown]
# ### Masks
# A comparison gives a tensor of `True` and `False`. Put such a *mask* in brackets, and it picks elements. Sum it, and
# it counts them.

# %%
frost = week < 0
print(frost.dtype, tuple(frost.shape))
print("hours of frost, by station:", frost.sum(dim=(1, 2)).tolist())
print(tuple(week[frost].shape), week[frost].max())

# %% [markdown]
# Only the summit froze. What a mask of the same shape picks is always flat, rank 1: the chosen elements no longer
# form a box. Combine masks with `&`, `|` and `~`, with each comparison in parentheses. Python's `and` wants one
# truth, not 504:

# %%
print(((week > -1) & (week < 1)).sum())
with expect_error(RuntimeError):
    (week > -1) and (week < 1)

# %% [markdown]
# To keep the shape, choose between two values with `torch.where`: here frost counts as zero.

# %%
print(torch.where(today < 0, 0.0, today))

# %% [markdown]
# ### Exercise tensors-2 · difficulty 2 · 5 minutes
# A broken sensor writes −999. Write `patch_gaps(readings)`: a tensor of the same shape in which every −999 is replaced by
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
    got = c.attempted(patch_gaps(given))
    slips = [(torch.where(given < -99, given.mean(), given), "the mean still counts the −999s"),
             (torch.where(given < -99, 0.0, given), "0 °C is a temperature too, not a gap"),
             (torch.where(given < 0, 12.0, given), "−3 °C is a temperature too: only −999 is a gap"),
             (torch.where(given < -99, 5.5, given), "the gaps still count, as zeros: divide by 4, not by 6"),
             (torch.where(given < -99, 8.0, given), "8.25 is not 8: keep the decimals of the mean"),
             (torch.full((2, 3), 8.25), "the good readings stay as they are")]
    right = torch.tensor([[10.0, 8.25, 11], [15, -3, 8.25]])
    c.close(got, right, mistakes=slips, because="(10+11+15−3)/4 = 8.25")
    c.true(given.min() == -999, observed="your function changed the tensor it was given", expected="no change",
           likely="x[mask] = … writes into the caller's slots: clone first", because="the original is untouched")

# %% [markdown] tags=["solution"]
# `readings[~gaps]` is flat, and a mean does not mind. `torch.where` makes a new tensor, so nobody's data are touched.
# Masking and assigning works as well, on a clone.

# %% [markdown] tags=["instructor"]
# **Common mistake:** `out = readings; out[gaps] = …`, a second name and no copy. **Ask the room:** what if every reading is a gap?
# (The mean of nothing is `nan`. A good start for a talk about missing data.)

# %% [markdown]
# ### `gather` and `scatter_`: one choice per row
# You know *where* each station is warmest. To fetch those values you want one element of each row, in a different
# column each time. A loop would do `today[i, hottest[i]]`; `gather` does it for all rows at once. Its first argument
# is the `dim` along which the index counts: 1, across the columns. The index must have the rank of the table, so the
# three positions have to form a column: `[:, None]` adds a direction of length 1, `(3,)` → `(3, 1)`.

# %%
hottest = today.argmax(dim=1)
column = hottest[:, None]
peaks = today.gather(1, column)
print(column.tolist(), "→", peaks.tolist())

# %% [markdown]
# `scatter_` is the way back: it writes values into the places that the index names. The index is the same; `gather`
# reads and `scatter_` writes. You may also give a single number, which then goes into all these places.

# %%
print(torch.zeros_like(today).scatter_(1, column, peaks))
print(torch.zeros_like(today).scatter_(1, column, 1.0))

# %% [markdown]
# Each row got its peak, or a 1 in the place of its peak, and nothing else. Keep this pair in mind: picking the score of
# the right class out of a row of scores is a `gather`, and it is at the heart of every classifier you will train.

# %% [markdown]
# ### Exercise tensors-3 · difficulty 2 · 6 minutes
# A class number such as 2 becomes a row `[0, 0, 1, 0]`: zeros with a single one. Write `one_hot(labels, classes)`
# with `scatter_`, without a loop (the check cannot see a loop, but you can). `labels` holds N whole numbers, and the
# result is an `(N, classes)` tensor of 32-bit floats.
#
# <details><summary>Hint 1</summary>Start with zeros of the right shape. Each row gets one 1: where?</details>
# <details><summary>Hint 2</summary>The index must have rank 2, like the zeros: <code>labels[:, None]</code>. The value is one number, 1.0.</details>

# %% tags=["exercise"] id="tensors-3" objective="select"
def one_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """Turn labels of shape (N,) into float rows of shape (N, classes) with one 1 each."""
    ### BEGIN SOLUTION
    return torch.zeros(len(labels), classes).scatter_(1, labels[:, None], 1.0)
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-3") as c:
    got = c.attempted(one_hot(torch.tensor([2, 0, 2]), 4))
    c.equal(tuple(got.shape), (3, 4), mistakes={(4, 3): "one row per label, one column per class: yours is turned",
            (3, 3): "class 3 may be missing from this batch: use classes, not the largest label"})
    c.equal(got.dtype, torch.float32, mistakes={torch.int64: "whole numbers: a network computes in floats",
                                                 torch.float64: "twice the width that was asked for"})
    slip = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    c.equal(got, torch.eye(4)[[2, 0, 2]], because="row i is row labels[i] of the identity",
            mistakes=[(slip, "you scattered along dim 0, down the rows: use dim 1"),
                      (torch.tensor([[1.0, 0, 1, 0]] * 3), "one 1 per row: every row got the ones of all labels")])

# %% [markdown] tags=["solution"]
# `scatter_(1, …)` walks along the columns: in row i, the column `labels[i]` gets the value. The check compares it with
# `torch.eye(classes)[labels]`, which is a second good answer.

# %% [markdown] tags=["instructor"]
# **Common mistake:** `scatter_(1, labels, 1.0)`, which raises *Index tensor must have the same number of dimensions as self tensor*.
# **Watch for** `torch.nn.functional.one_hot(labels)` without the number of classes: a batch in which the last class happens
# to be missing gets a narrower table. Ask when that would be found out. (In the last batch of an epoch, at 3 a.m.)

# %% [markdown]
# ## Strides: the note about the memory
#
# Back to the picture at the top. The note holds three things: the shape, the strides and the slot to start from. The third
# tensor here leaves out the harbor, which occupies the first four slots.

# %%
for name, x in [("today", today), ("today.T", today.T), ("today[1:, ::2]", today[1:, ::2])]:
    print(f"{name:14} shape {tuple(x.shape)}  stride {x.stride()}  start {x.storage_offset()}")

# %% [markdown]
# With this note, finding element `[i, j]` is one line of arithmetic: *slot = start + i · stride₀ + j · stride₁*. Try it on
# the transposed table, whose elements do not lie in reading order.

# %%
turned = today.T
strip = today.flatten()
for i in range(4):
    for j in range(3):
        slot = turned.storage_offset() + i * turned.stride(0) + j * turned.stride(1)
        assert strip[slot] == turned[i, j]
print("all 12 found")

# %% [markdown]
# To see whether two tensors read the same memory, compare addresses: `untyped_storage()` is the strip behind a tensor,
# `data_ptr()` the place in memory where it begins.

# %%
def shares(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Whether two tensors are notes about the same memory."""
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


print(shares(today, today.T), shares(today, today.clone()))

# %% [markdown]
# **Predict before you run:** five ways to take columns out of `today` (`unbind` gives all of them, as a tuple), and
# one that reverses their order. Which are views, and which are copies?

# %%
print("slice with a step:", shares(today, today[:, ::2]))
print("list of columns:  ", shares(today, today[:, [0, 2]]))
print("mask of columns:  ", shares(today, today[:, torch.tensor([True, False, True, False])]))
print("index_select:     ", shares(today, today.index_select(1, torch.tensor([0, 2]))))
print("unbind and pick:  ", shares(today, today.unbind(dim=1)[2]))
print("flip:             ", shares(today, today.flip(1)))

# %% [markdown]
# The rule behind it: **a stride can say "every second", but not "these ones"**. Whatever can be described by a start
# and a step for each direction is a view. A list or a mask names arbitrary places, so it has to copy. (Here the list
# happens to be regular, but PyTorch does not look.) `flip` would need a step of −1, and PyTorch has no negative
# strides.
#
# ### New shapes
# Now for the functions that change the shape. Each keeps the numbers and, wherever it can, only writes another note.

# %%
print(tuple(week.reshape(3, 168).shape), "-1 lets PyTorch count:", tuple(week.reshape(3, -1).shape))
print(tuple(week.flatten().shape), tuple(week.flatten(start_dim=1).shape))
print(tuple(today.unsqueeze(0).shape), tuple(today[:, None].shape))
print(tuple(week.amax(dim=2, keepdim=True).squeeze(2).shape))
print(tuple(torch.zeros(1, 3, 9, 9).squeeze().shape), "the batch direction is gone")
print(tuple(week.transpose(0, 2).shape), tuple(week.permute(1, 0, 2).shape))

# %% [markdown]
# `reshape` and `flatten` regroup the numbers in reading order. `unsqueeze` adds a direction of length 1, as `None`
# does in brackets; `squeeze` removes one. Give `squeeze` its `dim`: without it, every 1 is removed, and a batch that
# happens to hold one picture is no longer a batch. `transpose` swaps two directions; `permute` puts all of them in
# the order you name; `.T` turns a table, and `.mT` turns each table of a stack.
#
# **Predict before you run:** `today.T` and `today.reshape(4, 3)` have the same shape, `(4, 3)`. Do they hold the same table?

# %% alt="Two grids of 4 by 3. today.T has its columns running through the slots 0 to 3, 4 to 7 and 8 to 11, so each column is one station. today.reshape(4, 3) has its rows running through the slots in order, so stations are mixed within a row."
fig, axes = plt.subplots(1, 2, figsize=(5.4, 3.4))
draw_memory(axes[0], today.T, title="today.T")
draw_memory(axes[1], today.reshape(4, 3), title="today.reshape(4, 3)")
plt.show()
print("equal:", torch.equal(today.T, today.reshape(4, 3)))

# %% [markdown]
# *Left, each column is a station; right, the strip is cut into threes, and the second row runs from the harbor's
# evening into the valley's morning.* Same shape, different table. `reshape` **never swaps directions**: it only cuts
# the strip elsewhere. This mistake raises no error and feeds your network scrambled pictures. Remember it for that
# alone.
#
# ### Is `view` the same as `reshape`?
# This is another margin question, and notes all over the web answer it with "yes, mostly". Two experiments give a
# better answer. First on a fresh table:

# %%
by_view, by_reshape = today.view(2, 6), today.reshape(2, 6)
print(torch.equal(by_view, by_reshape), shares(today, by_view), shares(today, by_reshape))

# %% [markdown]
# No difference, and both share. Now on the transposed table:

# %%
with expect_error(RuntimeError):
    today.T.view(12)

# %% [markdown]
# To read `today.T` row by row you visit slots 0, 4, 8, then 1, 5, 9. No single step leads through these. `view`
# promises never to copy, so it must refuse, and its message says what to do instead. `reshape` promises a result, and
# copies when it must:

# %%
flat = today.T.reshape(12)
print(flat)
print("same address as today:", flat.data_ptr() == today.data_ptr())
print("without the .T:       ", today.reshape(12).data_ptr() == today.data_ptr())

# %% [markdown]
# So: `reshape` is a view when it can be and a copy when it must be. `view` is a view or an error. Use `reshape`,
# unless you must be sure that the memory is shared. A tensor whose slots lie in reading order and without gaps is
# called *contiguous*, and `contiguous()` gives you one that is, by copying if it has to:

# %%
print(today.is_contiguous(), today.T.is_contiguous(), today[:, ::2].is_contiguous())
tidy = today.T.contiguous()
print(tidy.stride(), tidy.view(12).shape, "copied:", not shares(today, tidy))

# %% [markdown]
# What does a view save? Think of a large table, a thousand by a thousand. Turning it is free; so are a slice and
# `expand`, which you meet below. You pay when somebody needs the slots in order.

# %%
large = torch.zeros(1000, 1000)
print("bytes stored:", large.untyped_storage().nbytes())
print("moved by .T:", 0 if shares(large, large.T) else large.nbytes)
print("moved by .T.contiguous():", 0 if shares(large, large.T.contiguous()) else large.nbytes)

# %% [markdown]
# ### Pictures change the order of their axes
# Files and Matplotlib store a color picture as height, width, channel: `(H, W, C)`. PyTorch's layers want the channels first:
# `(C, H, W)`. Here is a small flag in both layouts.

# %%
flag = torch.zeros(4, 6, 3)  # (H, W, C)
flag[:, :2, 2] = 1.0  # a blue third: channel 2
flag[:, 2:4] = 1.0  # a white one: all channels
flag[:, 4:, 0] = 1.0  # a red one: channel 0
channels_first = flag.permute(2, 0, 1)  # "put old axis 2 first, then 0, then 1"
print(tuple(flag.shape), flag.stride(), "→", tuple(channels_first.shape), channels_first.stride())
print("shares:", shares(flag, channels_first))

# %% [markdown]
# **Predict before you run:** `flag.reshape(3, 4, 6)` has that shape too. What does it look like?

# %% alt="Two small pictures. Left, after permute and back: a flag of three vertical stripes, blue, white and red. Right, after reshape to channels first and back by permute: the same numbers as stripes of wrong colors in the wrong places."
scrambled = flag.reshape(3, 4, 6)
fig, axes = plt.subplots(1, 2, figsize=(6, 2.2))
pictures = {"permute(2, 0, 1)": channels_first, "reshape(3, 4, 6)": scrambled}
for ax, (title, x) in zip(axes, pictures.items()):
    ax.imshow(x.permute(1, 2, 0))  # back to (H, W, C), for Matplotlib
    ax.set(title=title, xticks=[], yticks=[])
    ax.spines[:].set_visible(True)
plt.show()

# %% [markdown]
# *The same shape `(3, 4, 6)` twice: `permute` keeps the flag, `reshape` scrambles it.* The permuted one shares the
# memory of the flag: the strides became `(1, 18, 3)`, and not one number was moved.

# %% [markdown]
# ### Exercise tensors-4 · difficulty 2 · 6 minutes
# Write `to_batch(pictures)`. You get a list of N color pictures, each `uint8` of shape `(H, W, 3)` with values from 0 to 255. Return
# one tensor of shape `(N, 3, H, W)`, 32-bit floats from 0 to 1. (`torch.stack(list)` lines up tensors
# of the same shape along a new first direction.)
#
# <details><summary>Hint 1</summary>Three steps: stack, reorder the axes, rescale. Which of <code>reshape</code> and <code>permute</code> reorders?</details>
# <details><summary>Hint 2</summary>After stacking you have (N, H, W, C), axes 0 1 2 3. You want (N, C, H, W): name the old axes in that order.</details>

# %% tags=["exercise"] id="tensors-4" objective="memory"
def to_batch(pictures: list[torch.Tensor]) -> torch.Tensor:
    """Turn N uint8 pictures of shape (H, W, 3) into floats of shape (N, 3, H, W) in 0 … 1."""
    ### BEGIN SOLUTION
    stacked = torch.stack(pictures)  # (N, H, W, C)
    return stacked.permute(0, 3, 1, 2) / 255
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-4") as c:
    photo = torch.arange(60, dtype=torch.uint8).reshape(4, 5, 3)
    got = c.attempted(to_batch([photo, photo + 60]))
    c.equal(tuple(got.shape), (2, 3, 4, 5), because="N, C, H, W",
            mistakes={(2, 4, 5, 3): "the channels are still last",
                      (2, 3, 5, 4): "height and width have changed places too",
                      (3, 2, 4, 5): "pictures first, then channels"})
    c.equal(got.dtype, torch.float32, mistakes={torch.uint8: "divide, or .float(): these are still whole numbers",
                                            torch.float64: "twice the width that was asked for"})
    c.close(got[0, :, 3, 0], photo[3, 0] / 255, because="the three colors of a pixel stay together",
            mistakes=[(photo[3, 0], "0 … 255: not rescaled"),
                      (photo[3, 0] / 256, "white is 255, and must become 1: divide by 255"),
                      *((photo[3, 0] / top,
                         "divide by 255, not by the brightest pixel you found: a dark picture stays dark")
                        for top in (59, 119)), (photo.reshape(3, 4, 5)[:, 3, 0] / 255, "reshape does not swap axes")])

# %% [markdown] tags=["solution"]
# `permute(0, 3, 1, 2)` reads: picture first, then the old last axis, then height and width. Dividing `uint8` by a number gives
# 32-bit floats, so no `.float()` is needed. `reshape(N, 3, H, W)` has the right shape and wrong pictures.

# %% [markdown] tags=["instructor"]
# **Common mistakes:** reshape for permute; `transpose(1, 3)`, which gives (N, C, W, H), pictures on their sides: invisible with square
# ones. **Ask the room:** after `permute`, is the batch contiguous? (No; the division then writes a new tensor.)

# %% [markdown]
# ### A window that stores nothing
# You may write a note yourself: `torch.as_strided(x, shape, strides)`, which starts where `x` starts. A note can even
# read a slot many times. Here every row starts one slot after the row above it, so the rows overlap:

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
# Moving averages start from this picture, and so do convolutions, which slide a small window over a picture.

# %% [markdown]
# ### Exercise tensors-5 · difficulty 3 · 8 minutes
# Write `windows(x, width)`: all stretches of `width` neighbors of a vector `x`, one per row, **without copying**. `x`
# may itself be a view with steps, such as `y[::2]`: neighbors are then neighbors *in `x`*. A vector of length 5 has 3
# windows of width 3.
#
# <details><summary>Hint 1</summary>One step right and one step down both go to the next element of x. How many slots is that?</details>
# <details><summary>Hint 2</summary><code>x.stride(0)</code> slots. And a vector of length n has n − width + 1 windows.</details>

# %% tags=["exercise"] id="tensors-5" objective="memory"
def windows(x: torch.Tensor, width: int) -> torch.Tensor:
    """Return a view of shape (len(x) - width + 1, width) on the vector ``x``."""
    ### BEGIN SOLUTION
    step = x.stride(0)
    return x.as_strided((len(x) - width + 1, width), (step, step))
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-5") as c:
    evens, thirds = torch.arange(10)[::2], torch.arange(12)[1::3]
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
# Both strides are x's own. The built-in is `x.unfold(0, width, 1)`. Read from such a view as much as you like, but do not write
# into it: one slot is many elements.

# %% [markdown] tags=["instructor"]
# **8 minutes, the hardest so far.** Those who write strides `(1, 1)` pass on `arange` and fail on `[::2]`: let them draw the
# strip. Fast groups: the moving average in one more line, `windows(x, 3).mean(dim=1)`, then windows with a hop of two.

# %% [markdown]
# ## Glue: `cat` or `stack`
#
# Here are two vectors of length three, and four ways to join them. `cat` lengthens a direction that exists. `stack`
# makes a new one. `hstack` and `vstack` are names from NumPy. **Predict before you run** the four shapes.

# %% alt="Four grids made from the vectors 1 2 3 and 4 5 6. cat and hstack give the same single row of six numbers. stack and vstack give the same table of two rows."
low, high = torch.tensor([1, 2, 3]), torch.tensor([4, 5, 6])
fig, axes = plt.subplots(2, 2, figsize=(6.5, 2.6), height_ratios=[1, 2], width_ratios=[1, 1])
makers = [torch.cat, torch.hstack, torch.stack, torch.vstack]
for ax, make in zip(axes.flat, makers):
    joined = make([low, high])
    draw_grid(ax, joined, title=f"{make.__name__} {tuple(joined.shape)}")
    print(make.__name__, tuple(joined.shape))
plt.show()

# %% [markdown]
# *With vectors, `hstack` is `cat` and `vstack` is `stack`.* So far they look like pairs of synonyms. They are not, and this
# is the third margin question: *what does `hstack` really do?* Give it tables.

# %%
a, b = torch.zeros(2, 3), torch.ones(2, 3)
for make in makers:
    print(f"{make.__name__:7}", tuple(make([a, b]).shape))
print(torch.equal(torch.hstack([a, b]), torch.cat([a, b], dim=1)))
print(torch.equal(torch.vstack([a, b]), torch.cat([a, b], dim=0)))

# %% [markdown]
# With tables both pairs come apart: `hstack` is no longer `cat`, and `vstack` is no longer `stack`. With vectors
# `hstack` joins along `dim=0`, because there is no other; from rank 2 on it joins along `dim=1`. `vstack` first makes
# a row of each vector, then always joins along `dim=0`. `stack` is the only one that adds a direction: `(2, 2, 3)`.
# In your own code say `cat(…, dim=…)` or `stack(…, dim=…)`, and nobody has to look it up.
#
# `cat` wants all lengths to agree, except along the direction it joins. And it copies, as the other three do: no
# stride leads from one strip into another.

# %%
with expect_error(RuntimeError):
    torch.cat([torch.zeros(2, 3), torch.zeros(2, 4)])
print(tuple(torch.cat([torch.zeros(2, 3), torch.zeros(2, 4)], dim=1).shape))
print("shares:", [shares(a, make([a, b])) for make in makers])

# %% [markdown]
# ## Broadcasting: stretched without being stored
#
# How far is each reading from the mean of its station? You have a table `(3, 4)` and three means `(3,)`. Subtract.

# %%
with expect_error(RuntimeError):
    today - today.mean(dim=1)

# %% [markdown]
# Shapes are compared **from the right**: here 4 meets 3, and that fails. Two lengths fit if they are equal, or if one
# of them is 1 (or missing); the 1 is then stretched. So the means must form a column, `(3, 1)`, and that is what
# `keepdim` is for.

# %%
means = today.mean(dim=1, keepdim=True)
print(tuple(today.shape), "-", tuple(means.shape), "→", tuple((today - means).shape))
print(today - means)
print((today - means).sum(dim=1))

# %% [markdown]
# Each row now sums to zero. Here is the rule as a picture, with a column and a row that are both stretched.

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
# *Solid squares are stored; pale ones are only read. The column repeats to the right, the row repeats downward, and
# the sum is computed square by square.* The pale squares cost no memory. How? With a stride that you may not have
# thought possible: zero.

# %%
stretched = tens.expand(3, 4)
print(tuple(stretched.shape), stretched.stride(), "shares:", shares(tens, stretched))

# %% [markdown]
# One step right moves zero slots, so the whole row reads one number. `expand` is broadcasting made visible. PyTorch
# refuses to write into such a tensor, for a reason you can now give yourself:

# %%
with expect_error(RuntimeError):
    stretched.add_(1)

# %% [markdown]
# Time to keep a promise. The recipe of the week had this line:
#
# `week = level[:, None, None] + swing[:, None, None] * daily + cold_front[:, None]`
#
# **Predict before you run:** write the three shapes below one another, aligned at the right, and find the shape of the result.

# %%
shapes = [level[:, None, None].shape, daily.shape, cold_front[:, None].shape]
for shape in shapes:
    print(f"{str(tuple(shape)):>12}")
print(f"{str(tuple(torch.broadcast_shapes(*shapes))):>12}")

# %% [markdown]
# `(3, 1, 1)`, `(24,)` and `(7, 1)`: each brings one direction and leaves the others to be stretched. Every `None` says *this
# direction is not mine*. (`swing` has the shape of `level`.)
#
# You can paint with broadcasting as well. A disc is all pixels whose row² + column² is small: a column of numbers
# plus a row of numbers.

# %% alt="Two pictures of 41 by 41 pixels. Left, the squared distance from the center as a smooth gray bowl, dark in the middle. Right, a white disc on black: the pixels where that distance is below 15 squared."
across = torch.arange(-20, 21)
distance2 = across[:, None] ** 2 + across**2  # (41, 1) + (41,) → (41, 41)
fig, axes = plt.subplots(1, 2, figsize=(5, 2.5))
pictures = {"row² + column²": distance2, "below 15²": distance2 < 15**2}
for ax, (title, x) in zip(axes, pictures.items()):
    ax.imshow(x, cmap="gray", extent=(-20.5, 20.5, 20.5, -20.5))
    ax.set(title=title, xlabel="column", ylabel="row", xticks=[-20, 0, 20], yticks=[-20, 0, 20])
    ax.grid(False)
plt.show()

# %% [markdown]
# *Each square is one pixel, black the lowest value and white the highest: a column of 41 numbers plus a row of 41 numbers
# gives 41 × 41 pixels; compared with 15², they are a disc.*
#
# ### Stretched without being asked
# Broadcasting also happens when you did not ask. Three predictions, three true values, all correct. One is a column,
# because a network returns columns.
#
# **Predict before you run:** the *mean squared error* is the mean of the squared differences, prediction minus target.
# What is it for perfect predictions?

# %%
target = torch.tensor([1.0, 2.0, 3.0])  # (3,)
prediction = torch.tensor([[1.0], [2.0], [3.0]])  # (3, 1)
print(((prediction - target) ** 2).mean())
print(tuple((prediction - target).shape))
print(((prediction.squeeze(1) - target) ** 2).mean())
all_two = torch.full((3, 1), 2.0)
print(((all_two - target) ** 2).mean())

# %% [markdown]
# Not 0 but 1.3333. `(3, 1)` and `(3,)` make a `(3, 3)` table of every prediction against every target. The third line
# has the fix: `squeeze(1)`, and the error is 0. Now the last line: with the bug, predicting the mean, 2, for everyone
# scores 0.6667, *better* than perfect predictions. Training looks for the lowest score, so here it would lead away
# from the right answers, and no error would appear. Print the shapes of both sides of any subtraction that matters.

# %% [markdown]
# ### Exercise tensors-6 · difficulty 2 · 6 minutes
# Write `standardize(X, dim)`: subtract the mean along `dim` and divide by the standard deviation along `dim` (as
# `X.std` gives it by default). `dim=0` treats each column on its own, `dim=1` each row. Your function must be right
# for square tables too, and leave `X` as it is.
#
# <details><summary>Hint 1</summary>For dim=1 and a table (3, 4): which shape must the means have to be subtracted?</details>
# <details><summary>Hint 2</summary><code>keepdim=True</code>, in both the mean and the standard deviation.</details>

# %% tags=["exercise"] id="tensors-6" objective="broadcast"
def standardize(X: torch.Tensor, dim: int) -> torch.Tensor:
    """Return ``X``, shape (rows, columns), with mean 0 and standard deviation 1 along ``dim``."""
    ### BEGIN SOLUTION
    return (X - X.mean(dim, keepdim=True)) / X.std(dim, keepdim=True)
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-6") as c:
    square = torch.tensor([[1.0, 2, 6], [4, 4, 7], [9, 0, 3]])
    for X, dim in ((square.clone(), 1), (square.clone(), 0)):
        got, m, s, other = c.attempted(standardize(X, dim)), square.mean(dim, keepdim=True), square.std(dim,
                                                keepdim=True), 1 - dim
        slips = [((square - m.T) / s.T,
                  "broadcast along the wrong direction: keepdim=True keeps the right one, for every dim"),
                 ((square - m) / s.T, "keepdim in the mean only: the spread needs it too"),
                 ((square - m) / square.std(dim, correction=0, keepdim=True),
                  "use X.std as it is, without correction=0"),
                 ((square - m) / s**2, "that is the variance: divide by its root, X.std"),
                 ((square - m) / square.std(), "one spread for all: pass dim on to X.std too"),
                 (square - m, "not divided by the spread yet"), ((square - square.mean()) / square.std(),
                                                "one mean for all: pass dim on"),
                 ((square - square.mean(other, keepdim=True)) / square.std(other, keepdim=True),
                  "the statistics of the other dim: pass dim on")]
        c.close(got, (square - m) / s, mistakes=slips, because=f"dim={dim}: mean 0 and spread 1 along it")
        c.true(torch.equal(X, square), observed="your function changed the table it was given", expected="no change",
               likely="-= and /= write into the caller's slots: X - … makes a new tensor",
               because="the original is untouched")

# %% [markdown] tags=["solution"]
# With `keepdim=True` the statistics keep the length-1 direction, so they broadcast back along the direction they came from, whichever
# it was. Without it, `dim=1` fails on a `(3, 4)` table and is silently wrong on a `(3, 3)` one.

# %% [markdown] tags=["instructor"]
# **The point of the exercise is the square table.** Ask who tested on one. Then: why would a test on random `(100, 100)` data not
# catch it at a glance? (Means are all near each other.) And what should a constant column become?

# %% [markdown]
# ### Exercise tensors-7 · difficulty 3 · 7 minutes
# Two lists of points, `A` of shape `(N, D)` and `B` of shape `(M, D)`. Write `distances(A, B)`: the table `(N, M)` of the straight-line distance from each
# point of A to each point of B, without a loop (again, you are the judge). The distance of (0, 0) and (3, 4) is √(3² + 4²) = 5.
#
# <details><summary>Hint 1</summary>You want all differences at once: a tensor of shape (N, M, D). Which direction is missing in A, and which in B?</details>
# <details><summary>Hint 2</summary><code>A[:, None]</code> is (N, 1, D). Subtract, square, sum the last direction away, take the root.</details>

# %% tags=["exercise"] id="tensors-7" objective="vectorize"
def distances(A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
    """Return the (N, M) distances between points A, shape (N, D), and B, shape (M, D)."""
    ### BEGIN SOLUTION
    return ((A[:, None] - B) ** 2).sum(dim=-1).sqrt()
    ### END SOLUTION


# %% tags=["check"]
with check("tensors-7") as c:
    A, B = torch.tensor([[0.0, 0], [3, 4]]), torch.tensor([[0.0, 0], [3, 0], [6, 0]])
    table57 = torch.tensor([[0.0, 3, 6], [5, 4, 5]])
    slips = [(table57.T, "turned: A gives the rows, B the columns"), (table57**2, "the root is missing"),
             ((A[:, None] - B).abs().sum(-1), "the sum of |differences|: square them, and take the root of the sum"),
             ((A[:, None] - B).sum(-1).abs(), "square before you sum: + and − cancel")]
    c.close(c.attempted(distances(A, B)), table57, mistakes=slips, because="3-4-5 triangles")
    c.close(distances(week[0], week[1]), torch.cdist(week[0], week[1]), atol=0.01,
            because="as torch.cdist has it, in 24 dimensions")

# %% [markdown] tags=["solution"]
# `(N, 1, D) − (M, D)` broadcasts to `(N, M, D)`; summing the squares away along the last direction leaves `(N, M)`. The built-in is
# `torch.cdist`, which avoids the large middle tensor.

# %% [markdown] tags=["instructor"]
# **Ask:** how much memory does the middle tensor take for N = M = 10 000, D = 100, in 32-bit floats? (40 GB.) That is the limit of
# vectorizing by broadcasting, and the reason for `cdist`. **Common mistake:** `A - B` alone, which fails or, for N = M, is silently (N, D).

# %% [markdown]
# ## NumPy next door
#
# Your data often arrive as NumPy arrays. `torch.from_numpy` turns one into a tensor without copying, and `.numpy()` goes back.
#
# **Predict before you run:** you change one number in the array. Which of the two tensors changes?

# %%
array = np.array([20.5, 21.0, 19.5])
bridge, copied = torch.from_numpy(array), torch.tensor(array)
array[0] = -40.0
print(bridge)
print(copied)

# %% [markdown]
# `from_numpy` shares the memory: change one, the other changes. `torch.tensor` always copies. The sharing works in
# the other direction as well:

# %%
bridge[2] = 99.0
print(array, np.shares_memory(array, bridge.numpy()))

# %% [markdown]
# Now look at what was printed after the numbers: `float64`. That is NumPy's default, and `from_numpy` keeps it. This
# is fine until a float64 meets a float32 in a matrix product, which does not promote:

# %%
with expect_error(RuntimeError):
    today[:, :3] @ bridge

# %% [markdown]
# *Double* is float64, *Float* is float32. The fix is to convert once, where the data come in. A conversion that changes the
# kind has to copy, so from then on the two are independent:

# %%
ready = torch.from_numpy(array).to(torch.float32)
array[1] = 0.0
print(ready, ready.dtype)

# %% [markdown]
# ## Elsewhere: devices
#
# A graphics card has its own memory. A tensor lives in one memory or another, and work happens where the tensor is.
# Many laptops have no such card that PyTorch can use, so programs ask first. Run this cell yourself: the output
# stored below it comes from another machine than yours.

# %% tags=["nbval-ignore-output"] reason="the answers depend on the devices of the machine"
has_accelerator = torch.accelerator.is_available()
device = torch.accelerator.current_accelerator() if has_accelerator else torch.device("cpu")
moved = today.to(device)
print("PyTorch can use:", device.type, " accelerators:", torch.accelerator.device_count())
print("cuda:", torch.cuda.is_available(), torch.cuda.device_count())
print("mps: ", torch.backends.mps.is_available())
print("the table now lives on:", moved.device)

# %% [markdown]
# `cpu` and 0 mean that there is only the processor, and everything in this course runs on it. `torch.accelerator` speaks for
# all brands. The two lines in the middle ask for one brand each, as you will see in other people's code: `cuda` is
# NVIDIA, `mps` is Apple.
#
# `.to` copies only when it has to. And the way home to NumPy is `.cpu().numpy()`, which is right wherever the
# tensor lives: NumPy cannot see into a graphics card.

# %%
print(today.to("cpu") is today)
print(np.array_equal(moved.cpu().numpy(), today.numpy()))

# %% [markdown]
# Two tensors in different memories cannot be added (only a rank-0 tensor on the CPU is let through). You can meet that
# error without a graphics card: every machine has the device `meta`, which keeps shapes and no numbers at all.

# %%
nowhere = torch.zeros(3, 4, device="meta")
with expect_error(RuntimeError):
    today + nowhere
with expect_error(TypeError):
    nowhere.numpy()

# %% [markdown]
# The words depend on the two devices: with a graphics card, the first message begins *Expected all tensors to be on
# the same device*. The fix is the same: move both to one `device`, data and model alike. Lesson 11 has more.

# %% [markdown]
# ## A race
#
# Why go to such lengths to avoid loops? Here are 30 000 temperatures, to be turned into Fahrenheit: by a Python
# loop over a list, and by one tensor expression. `best` takes the fastest of many runs, because anything else on your
# machine can only slow them down.

# %%
def best(job, number: int = 1, repeat: int = 20) -> float:
    """Seconds of one call of ``job``, in the fastest of ``repeat`` rounds of ``number`` calls."""
    return min(timeit.repeat(job, number=number, repeat=repeat)) / number


celsius = torch.linspace(-30, 40, 30_000)
as_list = celsius.tolist()
loop = best(lambda: [c * 1.8 + 32 for c in as_list])
tensor = best(lambda: celsius * 1.8 + 32, repeat=200)
print("the tensor is at least 10 times faster:", loop > 10 * tensor)

# %% [markdown]
# The loop asks Python thirty thousand times what kind of thing it holds; the tensor asks once. Put 100 in the
# place of 10 and see whether your machine agrees.
#
# **Predict before you run:** the same with three temperatures. Who wins?

# %%
three = celsius[:3]
three_list = three.tolist()
loop = best(lambda: [c * 1.8 + 32 for c in three_list], number=1000)
tensor = best(lambda: three * 1.8 + 32, number=1000)
print("the tensor is faster:", tensor < loop)

# %% [markdown]
# The list wins. Every tensor operation has a fixed cost before the first number is touched. That cost is one reason
# why networks are fed whole batches and not one example after another. Never loop over the elements of a tensor: you
# would pay that cost for each of them.
#
# Last, the race you were promised: 64-bit floats against 32-bit floats, in a product of two 256 × 256 tables. The ratio
# is your machine's own; the bytes are the same everywhere.

# %% tags=["nbval-ignore-output"] reason="the ratio of two times depends on the processor and on what else it is doing"
torch.manual_seed(0)
single = torch.randn(256, 256)
wide = single.double()
ratio = best(lambda: wide @ wide, repeat=50) / best(lambda: single @ single, repeat=50)
print(f"64-bit floats take {ratio:.1f} times as long,")
print(f"and {wide.nbytes / single.nbytes:.0f} times the memory")

# %% [markdown]
# A processor computes with registers of a fixed width, and one register holds twice as many 32-bit numbers as 64-bit
# ones. So expect a ratio near 2 on an idle machine; on a busy one, run the cell again before you believe it.

# %% [markdown]
# ## Old code you will meet
#
# **The last margin question:** *`torch.Tensor` or `torch.tensor`?* The names differ in one capital letter:

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
#
# Today's spellings, in one cell, so that you have seen them run:

# %%
pairs = torch.zeros(5, 2, 3)
print(tuple(pairs.mT.shape), torch.tensor([1, 0]).bool().tolist(), today.new_zeros(2).dtype)

# %% [markdown]
# ## What you have met
#
# | call | what it does | shape in → shape out |
# |---|---|---|
# | `torch.tensor(data)` | copies data into a tensor | nested lists → their shape |
# | `zeros, ones, full, eye, rand, randn, *_like` | makes a tensor | a shape → that shape |
# | `arange(a, b, step)`, `linspace(a, b, n)` | counts | → (⌈(b−a)/step⌉,), (n,) |
# | `manual_seed`, `Generator` | rewinds the dice | |
# | `item()`, `tolist()` | gives plain Python numbers | () → number, any → lists |
# | `.to(dtype or device)`, `.float()` | converts, or moves; copies only if needed | unchanged |
# | `a * b`, `a + b`, `<`, `&` | element by element, with broadcasting | (3, 1), (4,) → (3, 4) |
# | `a @ b`, `matmul`, `mm` | matrix product | (n, k), (k, m) → (n, m) |
# | `add_`, `mul_`, `zero_` | writes in place | unchanged |
# | `sum, mean, amax, std, argmax` with `dim=` | removes a direction | (3, 4), dim=1 → (3,); with keepdim (3, 1) |
# | `x[mask]`, `torch.where` | picks by truth | any → (k,); any → the same |
# | `gather`, `scatter_` | reads, writes one place per row | index (n, 1) → (n, 1); into (n, m) |
# | `view`, `reshape`, `flatten` | regroups in reading order | (3, 4) → (2, 6), (12,) |
# | `.T`, `.mT`, `transpose`, `permute` | reorders the axes, free of charge | (H, W, C) → (C, H, W) |
# | `squeeze`, `unsqueeze`, `None` | removes, adds a length of 1 | (3, 1) ↔ (3,) |
# | `stride`, `is_contiguous`, `contiguous` | asks about the note; copies into order | unchanged |
# | `as_strided`, `expand` | writes the note by hand; stretches by stride 0 | (3, 1) → (3, 4) |
# | `cat`, `hstack`, `vstack` | lengthens a direction | 2 × (2, 3) → (4, 3) or (2, 6) |
# | `stack` | adds a direction | 2 × (2, 3) → (2, 2, 3) |
# | `from_numpy`, `.numpy()` | crosses over, sharing memory | unchanged |
#
# You can now read the picture at the top: one strip, three notes. What a tensor cannot do yet is tell you how its
# result would change if you changed its inputs. That takes one more note, about *where the numbers came from*, and it
# fills the whole of the next lesson.
