# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: GPU and many machines
#     summary: devices, honest timing, memory, two processes that train one model, and a run that survives the death of one
#     path: "What a device is, what time and memory cost on it, and two processes that train one model, match a single one to six decimals, and go on when one dies."
#     needs: [10_lstm]
#     data: []
#     objectives:
#       anywhere: write training code once, and run it on a CPU, on CUDA and on Apple's GPUs
#       measure: time work that goes on in the background, and read a profiler's timeline in a side door
#       memory: count what fills the memory, and trade time for it without changing the answer
#       together: write a script with which several processes train one model, and prove that the result is that of a single process
#       scale: predict what more machines will gain you
# ---

# %% [markdown]
# Nothing in this lesson changes what a network learns. The four steps stay as they were: *prepare data, design model,
# choose loss and optimizer, train and judge*. What changes is **where** they run, and on how many processors at once.
# So every trick has to pass the same exam: the answer must stay the same.
#
# You are heading for a number and a picture. The number is $10^{-6}$. Two processes train one model, one of them is
# killed in the middle of an epoch, both are started again, and the final loss agrees with that of *one* undisturbed
# process to six decimals. The picture is a timeline, in which you see a fast processor wait for a slow one.
#
# You need no GPU. Cells that need one say so and do nothing else, and a toy GPU with a clock turned by hand
# stands in for it. (No card and no Mac could be used to write this lesson: statements about them follow PyTorch's documentation, and those cells
# have not been run there.) Everything about several processes is real: your CPU is enough for that. (On Windows the
# cells with `torchrun` are skipped, too.)

# %%
import copy
import inspect
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["KINETO_LOG_LEVEL"] = "99"  # keeps the profiler's engine from printing notes
os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # for one small function, one is enough
if sys.platform != "win32":  # let processes meet on this machine only
    os.environ["GLOO_SOCKET_IFNAME"] = "lo0" if sys.platform == "darwin" else "lo"

# %%
import matplotlib.pyplot as plt
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import utils
from utils import check, expect_error, fit, get_device, make_loader
from utils.plotting import CLASS_COLORS, TRAIN, VALID, draw_grid

# %%
plt.style.use("utils.course")
torch.set_num_threads(1)  # two processes will share this machine later: one core each …
os.environ["OMP_NUM_THREADS"] = "1"  # … and the same for processes that start from here
scratch = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
folder = Path(scratch.name)

# %% [markdown]
# One more file belongs to this lesson: `lessons/train_distributed.py`, the script that several processes will run. Its data and
# its model are plain functions; you import them here, so that script and notebook train the same thing.

# %%
SCRIPT = Path(utils.__file__).parent.parent / "lessons" / "train_distributed.py"
assert SCRIPT.exists(), f"this lesson needs {SCRIPT.name}, which is part of the course's folder lessons/"
sys.path.insert(0, str(SCRIPT.parent))
from train_distributed import make_data, make_model, train as train_in_script

# %% [markdown]
# ## One code, three changed lines
#
# **Prepare data.** 1,024 made-up points with 8 features, and a target that is a nonlinear function of them. **Design
# model.** 8 inputs, 64 hidden, 1 output. **Choose loss and optimizer.** Mean squared error, Adam.
#
# Three lines decide where the work is done. They are numbered. (`make_loader` and `fit` are from lesson 03, where you built
# them; `fit??` shows the code.)

# %%
device = get_device()  # 1: CUDA if it is there, then Apple's MPS, then the CPU
X, y = make_data(seed=0).tensors
model = make_model(seed=0).to(device)  # 2: the weights go there …
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loader = make_loader(X, y, batch_size=64, shuffle=True, generator=torch.Generator().manual_seed(0))

# %% [markdown]
# **Train and judge.** The third line stands in the loop: every batch goes to the same place.

# %% within="0.03"
losses = []
for _epoch in range(4):
    total = 0.0
    for xb, yb in loader:
        xb, yb = xb.to(device), yb.to(device)  # 3: … and so does each batch
        loss = F.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach()  # still on the device: nobody has asked for the number yet
    losses.append(total / len(loader))
print("mean loss, by epoch:", [round(loss.item(), 3) for loss in losses])
assert losses[-1] < losses[0]

# %% [markdown]
# On a CPU the three lines do nothing. `model.to` moves the weights **in place**; `tensor.to`
# returns a copy (itself, if it is there already), so you must keep what it returns. Make the optimizer *after* moving the model, as the documentation asks: averages
# that an optimizer holds do not move with the model.
#
# Forget line 3, and you meet a very common error of GPU programming. You need no GPU for it: `meta`, the device without numbers (lessons 01 and 06), will do.

# %%
elsewhere = make_model(seed=0).to("meta")
with expect_error(RuntimeError):
    elsewhere(X[:64])
print("both on meta:", tuple(elsewhere(X[:64].to("meta")).shape))

# %% [markdown]
# *Weights there, batch here.* With a real GPU the message begins *Expected all tensors to be on the same device*
# and names `cuda:0` and `cpu`; the fix is the same. Remember
# `meta`: it tests your moves on a laptop.
#
# Two differences between devices will bite you sooner or later. MPS has no `float64`: convert NumPy arrays to `float32`
# before you move them. And each device has its own random generator: the same seed gives other numbers there. When runs
# must agree, draw on the CPU and move the result.

# %% [markdown]
# ## Launch, copy, wait: a toy GPU
#
# A GPU is a second computer. Python puts *kernels* (small programs such as "multiply these
# two matrices") into its queue and goes on at once. Three verbs explain almost everything you will measure:
#
# - **launch**: put a kernel into the queue. This costs Python a few microseconds, however large the kernel is.
# - **synchronize**: wait until the queue is empty.
# - **copy**: bring data over. A copy back (`.item()`, `.cpu()`, `print`) must wait for the kernels before it.
#
# Here they are in a toy whose clock you turn by hand. Its times are invented, but about right for a real card: 5 µs to
# launch a kernel, 10 µs to fetch one number.

# %%
class ToyGPU:
    """A queue of work, and a clock: ``now`` is Python's time, ``free_at`` is when the queue is empty."""

    def __init__(self):
        self.now, self.free_at, self.log = 0, 0, []  # log: (who, what, from, to)

    def launch(self, work):
        self.log.append(("Python", "launch", self.now, self.now + 5))
        self.now += 5
        begin = max(self.now, self.free_at)
        self.free_at = begin + work
        self.log.append(("GPU", "kernel", begin, self.free_at))

    def synchronize(self):
        self.log.append(("Python", "wait", self.now, max(self.now, self.free_at)))
        self.now = max(self.now, self.free_at)

    def item(self):
        self.synchronize()
        self.log.append(("Python", "copy", self.now, self.now + 10))
        self.now += 10

# %% [markdown]
# **Predict before you run:** ten kernels of 40 µs each. What does a stopwatch around the loop show?

# %%
gpu = ToyGPU()
start = gpu.now
for _ in range(10):
    gpu.launch(work=40)
print("the stopwatch says", gpu.now - start, "µs")
gpu.synchronize()
print("the truth is      ", gpu.now - start, "µs")

# %% [markdown]
# The 50 µs are the price of ten *launches*. The work took 405 µs, and you stopped the watch while the queue was still
# full. **Timing without a sync measures how fast you can order, not how fast you are served.** The lie has a second
# half: whatever is timed next pays for the queue it inherits.
#
# Now three habits: large kernels with one sync at the end, the same work in tiny kernels, and an `.item()` after every
# kernel (the `print(loss.item())` of every beginner's loop).

# %%
def toy_run(kernels, work, item_each=False):
    """A ToyGPU after ``kernels`` launches of ``work`` µs each, waited for."""
    gpu = ToyGPU()
    for _ in range(kernels):
        gpu.launch(work)
        if item_each:
            gpu.item()
    gpu.synchronize()
    return gpu


habits = {"10 kernels of 40": toy_run(10, 40), "200 kernels of 2": toy_run(200, 2)}
habits["10 of 40, item() each"] = toy_run(10, 40, item_each=True)
for name, gpu in habits.items():
    busy = sum(to - begin for who, _, begin, to in gpu.log if who == "GPU")
    print(f"{name:22} {gpu.now:5} µs in all, the GPU works {busy / gpu.now:4.0%} of them")

# %% alt="Three timelines of a toy GPU, each with a lane for Python and a lane for the GPU. In the first, Python launches ten times at the start and then waits, while the GPU is busy without a gap. In the second, Python launches without pause for a thousand microseconds, and the GPU works in short flashes with gaps. In the third, launch, wait and copy alternate, and the GPU has a gap after every kernel."
shades = {"launch": TRAIN, "wait": "#dddddd", "copy": VALID, "kernel": CLASS_COLORS[2]}
fig, axes = plt.subplots(3, 1, figsize=(8.5, 4.2), sharex=True)
for ax, (name, gpu) in zip(axes, habits.items(), strict=True):
    for who, what, begin, to in gpu.log:
        ax.barh(who, to - begin, left=begin, color=shades[what], edgecolor="white", linewidth=0.3)
    ax.set_title(name, fontsize=10)
    ax.invert_yaxis()
    ax.grid(visible=False)
axes[-1].set(xlabel="time [µs]")
handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in shades.values()]
fig.legend(handles, shades, ncols=4, loc="upper right", fontsize=9)
plt.show()

# %% [markdown]
# *Only in the first timeline is the GPU busy all the time: tiny kernels wait for Python's launches, and `item()` lets
# the queue run dry each time.* The three runs compute the same 400 µs of work. So use large batches, avoid long rows of
# small operations, and ask for numbers rarely. `utils.fit` asks for the loss only every 50 batches on a GPU, for this
# reason.
#
# A GPU is not alone in this. Your CPU, too, pays for each *call*, whatever its size:

# %% tags=["nbval-ignore-output"] reason="a ratio of two times differs from machine to machine"
def quickest(work, repeats=5):
    """The shortest of several runs, in seconds: other programs can make a run longer, never shorter."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


numbers = torch.ones(10_000)
pieces = numbers.split(10)
one_call = quickest(lambda: numbers + 1)
many_calls = quickest(lambda: [piece + 1 for piece in pieces])
print(f"1,000 small calls cost {many_calls / one_call:.0f} times as much as one large one")

# %% [markdown]
# The numbers and the additions are the same; the rest is the price of calling. On a real GPU, NVIDIA's or Apple's,
# the next cell shows the lie and its cure: `torch.accelerator.synchronize()` waits for whatever kind there is.

# %%
if device.type != "cpu":
    a = torch.randn(4096, 4096, device=device)
    a @ a  # the first call pays for setting up: never time it
    torch.accelerator.synchronize()
    ordered = quickest(lambda: a @ a)
    torch.accelerator.synchronize()
    served = quickest(lambda: (a @ a, torch.accelerator.synchronize()))
    print(f"without a sync {ordered * 1e6:.0f} µs, with one {served * 1e6:.0f} µs")
else:
    print("no GPU here: nothing to wait for")

# %% [markdown]
# On a card the first number is the price of an order, the second that of the work. Copies have a rule of their own. With
# `DataLoader(…, pin_memory=True)` each batch lies in memory that the system never swaps out; then `batch.to("cuda", non_blocking=True)` lets
# the copy run while Python goes on. Use them together: with ordinary memory, Python waits all the same. Do not overwrite a pinned batch while it travels, and on
# Apple's GPUs leave
# `non_blocking` alone: the copy may read what is already gone. And never use it on the way **back** without a sync: you would read numbers that have not arrived.
#
# ### Exercise gpu-1 · difficulty 2 · 6 minutes
# Write `timed(work, gpu, repeats)`: the honest duration of `work()`, a function that launches kernels on the ToyGPU `gpu`. Measure it
# `repeats` times with `gpu.now` as your clock and return the **shortest**. Work that was in the queue before
# you came must not count, and all work that `work()` has launched must.
#
# <details><summary>Hint 1</summary>There are two moments at which you must know that the queue is empty. Which?</details>
# <details><summary>Hint 2</summary>In each repeat: synchronize, note the clock, work, synchronize, and subtract. Then the minimum.</details>

# %% tags=["exercise"] id="gpu-1" objective="measure"
def timed(work, gpu, repeats: int = 3) -> float:
    """Shortest honest duration of ``work()`` on ``gpu``, in the units of ``gpu.now``."""
    ### BEGIN SOLUTION
    durations = []
    for _ in range(repeats):
        gpu.synchronize()
        begin = gpu.now
        work()
        gpu.synchronize()
        durations.append(gpu.now - begin)
    return min(durations)
    ### END SOLUTION

# %% tags=["check"]
with check("gpu-1") as c:
    toy, busy, costs = ToyGPU(), ToyGPU(), iter([900, 70, 40, 60, 30, 35, 20])
    busy.launch(1000)
    got = c.attempted(timed(lambda: busy.launch(40), busy, 1))
    c.close(got, 45, because="5 to launch, 40 to work",
            mistakes={5: "wait before you stop the watch", 1040: "wait before you start the watch",
                      40: "launching counts, too", 55: "item() copies as well; synchronize only waits"})
    c.kind(got, int, float)
    c.close(timed(lambda: toy.launch(next(costs)), toy, 4), 45, because="the shortest of four", mistakes={
            905: "the first run: work ran once, or this is the longest", 65: "that is the last run",
            75: "only the first two or three runs were looked at: repeats says how many",
            272.5: "that is the mean: one slow run spoils it", 1090: "that is the sum of all runs"})
    c.close(timed(lambda: toy.launch(next(costs)), toy), 25, because="three repeats if nothing is said")
    c.equal(next(costs, "none left"), "none left", because="and no run more than was asked for")

# %% [markdown] tags=["solution"]
# Two waits, one at each end. The minimum, because a disturbance only ever adds. On a real card, replace
# `gpu.synchronize` by `torch.accelerator.synchronize` and `gpu.now` by `time.perf_counter()`.

# %% [markdown] tags=["instructor"]
# **Watch for** a single `synchronize` at the end: it passes on an idle card and lies on a busy one. **A question for the room:** a colleague's new
# layer is "a hundred times faster, but the line after it became slow". What happened?

# %% [markdown]
# ## What fills the memory
#
# "CUDA out of memory" is a sentence you will read often. Four things fill a training step's memory, and
# each can be counted before you start.

# %%
def deep_net(blocks=4, width=64):
    """``blocks`` blocks of four Linear-Tanh pairs each, all (N, width) → (N, width)."""
    torch.manual_seed(0)
    net = nn.Sequential()
    for _ in range(blocks):
        pairs = [nn.Sequential(nn.Linear(width, width), nn.Tanh()) for _ in range(4)]
        net.append(nn.Sequential(*pairs))
    return net


def tensor_bytes(tensors):
    """Bytes of all these tensors together."""
    return sum(t.nbytes for t in tensors)

# %%
net = deep_net()
adam = torch.optim.Adam(net.parameters(), lr=1e-3)
net(torch.randn(8, 64)).square().mean().backward()
adam.step()
held = {
    "parameters": tensor_bytes(net.parameters()),
    "gradients": tensor_bytes(p.grad for p in net.parameters()),
    "Adam's two averages": tensor_bytes(s for state in adam.state.values() for s in state.values() if s.ndim),
}
for name, count in held.items():
    print(f"{name:20} {count:>9,} bytes")

# %% [markdown]
# Adam keeps two running averages for each weight, so parameters, gradients and averages take 1 + 1 + 2 times the size
# of the model. In float32 that is 16 bytes a weight: a model of a billion weights wants 16 GB before you count a single row. None of these three depends on
# the batch. The fourth does: the **activations**, the tensors that
# `forward` keeps for `backward`. `saved_tensors_hooks` shows you each of them as it is put aside.

# %%
def saved_bytes(own, run, *given):
    """Bytes that run(*given) puts aside for backward, without the tensors in ``own``; and its result."""
    seen, mine = {}, {p.data_ptr() for p in own}

    def pack(t):
        if t.data_ptr() not in mine:
            seen[t.data_ptr()] = t  # held, so that no address is used twice
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        result = run(*given)
    return tensor_bytes(seen.values()), result


def mean_square(net, inputs):
    """A loss that needs no targets."""
    return net(inputs).square().mean()

# %%
batches, activations = [32, 128, 512, 2048], []
for n in batches:
    inputs = torch.randn(n, 64, generator=torch.Generator().manual_seed(0))
    count, _ = saved_bytes(net.parameters(), mean_square, net, inputs)
    activations.append(count)
    print(f"batch of {n:5}: {count:>9,} bytes of activations")
print("growth, at four times the batch:", [b / a for a, b in zip(activations, activations[1:])])

# %% alt="Stacked bars for batches of 32, 128, 512 and 2048. The lower three parts, parameters, gradients and Adam's averages, are the same thin layers in all bars, together about one megabyte. The top part, activations, is hardly visible for a batch of 32 and many times all others together for 2048."
fig, ax = plt.subplots(figsize=(6.5, 3))
floor = 0.0
for (name, count), color in zip(held.items(), CLASS_COLORS, strict=False):
    ax.bar([str(n) for n in batches], count / 1e6, bottom=floor, color=color, label=name)
    floor += count / 1e6
tops = [count / 1e6 for count in activations]
ax.bar([str(n) for n in batches], tops, bottom=floor, color=CLASS_COLORS[3], label="activations")
ax.set(xlabel="batch size", ylabel="memory [MB]")
ax.legend(loc="upper left", reverse=True)
plt.show()

# %% [markdown]
# *Three parts stay fixed; one grows with the batch, soon dwarfing the rest.* That is why the first advice against "out of memory" is a smaller batch. Check the first
# printed line yourself. 32 rows × 64 numbers × 4 bytes are 8,192 bytes a tensor, times 17: the input, and what each of the 16 Tanh layers gives (the next Linear
# keeps the same tensor, so it counts once). On a GPU you can watch the sum. `nvidia-smi` shows a larger one, because PyTorch keeps
# freed memory for the next step, and CUDA needs some for itself.

# %%
if device.type == "cuda":
    torch.cuda.reset_peak_memory_stats()
    mean_square(deep_net().to(device), torch.randn(2048, 64, device=device)).backward()
    peak, kept = torch.cuda.max_memory_allocated(), torch.cuda.memory_reserved()
    print(f"activations {activations[-1]:,} bytes, peak {peak:,}, reserved {kept:,}")
else:
    print("no CUDA GPU here, whose memory could be read")

# %% [markdown]
# ### Exercise gpu-2 · difficulty 2 · 5 minutes
# Write `training_bytes(model, states)`: the bytes of parameters, gradients and optimizer state together, *without* running a step. The
# optimizer keeps `states` tensors for each weight it moves (Adam 2, momentum 1, plain SGD 0). Frozen parameters
# (`requires_grad=False`) take up room themselves, but have neither gradient nor state. Parameters may have any dtype;
# gradients and states have their parameter's.
#
# <details><summary>Hint 1</summary>Walk over the parameters. How many tensors of its size does a frozen one need, and a trained one?</details>
# <details><summary>Hint 2</summary><code>p.nbytes</code> knows the dtype. A frozen parameter counts once, a trained one 2 + states times.</details>

# %% tags=["exercise"] id="gpu-2" objective="memory"
def training_bytes(model: nn.Module, states: int) -> int:
    """Bytes of parameters, gradients and optimizer state of ``model`` in training."""
    ### BEGIN SOLUTION
    return sum(p.nbytes * (2 + states if p.requires_grad else 1) for p in model.parameters())
    ### END SOLUTION

# %% tags=["check"]
with check("gpu-2") as c:
    two = nn.Sequential(nn.Linear(10, 9), nn.Linear(9, 5, bias=False))  # 90 + 9 + 45 numbers
    got = c.attempted(training_bytes(two, 3))
    c.close(got, 2880, because="144 numbers of 4 bytes, 5 times", mistakes={
            2700: "the bias takes up room, too", 576: "the parameters alone", 2304: "the gradients are missing",
            1152: "the states are missing", 720: "numbers were counted, not bytes"})
    c.kind(got, int)
    two[0].weight.requires_grad = False  # 90 frozen, 54 trained
    c.close(training_bytes(two, 3), 1440, because="frozen weights count once", mistakes={
            1080: "a frozen weight takes up its room", 2880: "a frozen weight has no gradient and no state",
            2520: "a frozen weight has no state either", 1800: "a frozen weight has no gradient"})
    c.close(training_bytes(two.bfloat16(), 1), 504, because="bfloat16 has 2 bytes", mistakes={
            1008: "bfloat16 has 2 bytes: ask p.nbytes", 612: "states have their parameter's dtype"})
    c.equal(training_bytes(nn.Linear(7, 2), 0), 2 * 16 * 4, because="plain SGD keeps no state")

# %% [markdown] tags=["solution"]
# Freezing most of a model, as in transfer learning, saves three quarters of the memory that Adam's training needs for the
# frozen part, and more: most of its activations need not be kept either.

# %% [markdown] tags=["instructor"]
# **A question for the room:** a model of 7 billion weights in `float32`: what does Adam need before the first activation?
# (112 GB: it fits on no single card of 80 GB, and that is the reason for FSDP, behind a side door.)

# %% [markdown]
# ## Two processes, one sum
#
# When one processor is not enough, or its memory is too small, take several **processes**: each is a Python of its own,
# perhaps with its own GPU or on its own machine. They share no variables. They agree on three things: how many they are
# (the *world size*), who is who (the *rank*, from 0), and where they meet (a *store*, a kind of notice board). Then
# they send each other tensors.
#
# Here is the code of such a process. It agrees on the three things, and then waits for scripts: it runs whatever you
# write into its input, and writes back what was printed. `gloo` is the language that CPUs use among themselves; GPUs
# speak `nccl`. (Skim the next three code cells. Keep one line of them: `dist.init_process_group(…)`, with which a process joins.)

# %%
WAIT_FOR_SCRIPTS = """
import contextlib, datetime, io, json, sys, traceback
import torch
import torch.distributed as dist

rank, board, minute = int(sys.argv[1]), dist.FileStore(sys.argv[2], 2), datetime.timedelta(minutes=1)
dist.init_process_group("gloo", store=board, rank=rank, world_size=2, timeout=minute)
for line in sys.stdin:
    told, error = io.StringIO(), ""
    with contextlib.redirect_stdout(told):
        try: exec(json.loads(line))
        except Exception: error = traceback.format_exc()
    print(json.dumps({"told": told.getvalue().strip(), "error": error}), flush=True)
dist.destroy_process_group()
"""

# %% [markdown]
# Start it twice. Each process imports PyTorch for itself, which takes a few seconds; both stay until the last cell of the page, or until you shut the kernel down.

# %%
def start_two(code, board):
    """Two Pythons, ranks 0 and 1, that run ``code`` and meet at the file ``board``."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    commands = [[sys.executable, "-c", code, number, str(board)] for number in ("0", "1")]
    return [subprocess.Popen(command, env=env, text=True, **pipes) for command in commands]


pair = start_two(WAIT_FOR_SCRIPTS, folder / "board")

# %%
def next_answer(output):
    """What one process answers next; any other line comes from a library, or from its death."""
    others = []
    for line in output:
        if line.startswith('{"told"'):
            return json.loads(line)
        others.append(line)
    return {"error": "the process has ended: " + "".join(others)}


def ask(pair, script):
    """Let both processes run ``script`` at the same time; return what each of them prints."""
    for process in pair:
        process.stdin.write(json.dumps(script) + "\n")
        process.stdin.flush()
    answers = [next_answer(process.stdout) for process in pair]
    for answer in answers:
        if answer["error"]:
            raise RuntimeError(answer["error"])
    return [answer["told"] for answer in answers]

# %% [markdown]
# Each process holds three numbers, and both want the sums. They get them first by hand, with `send` and `recv`; then
# with the call that does it for any number of processes, `all_reduce`. **Predict before you run:** rank 0 holds 1, 2, 3
# and rank 1 holds 10, 20, 30. What does each of them hold at the end? (The script runs in each waiting process, which has `torch`, `dist` and `rank`. `rank` is
# the only thing in which the two differ.)

# %%
BY_HAND = """
mine, theirs = torch.tensor([1.0, 2, 3]) * 10**rank, torch.zeros(3)
if rank == 0:
    dist.send(mine, dst=1)
    dist.recv(theirs, src=1)
else:
    dist.recv(theirs, src=0)
    dist.send(mine, dst=0)
total = mine.clone()
dist.all_reduce(total)  # in place, in every process at once
print(f"rank {rank}: mine {mine.tolist()}, by hand {(mine + theirs).tolist()}, all_reduce {total.tolist()}")
"""
print(*ask(pair, BY_HAND), sep="\n")

# %% [markdown]
# Both hold 11, 22, 33. Note the order in the script: rank 0 sends first, rank 1 receives first. If both waited to
# receive, they would wait until the timeout: half an hour with gloo, ten minutes with NCCL, unless you say otherwise
# (these two said one minute). The law is: **every process must make the same collective calls in the same order**. An
# `if rank == 0:` around an `all_reduce` hangs.
#
# And the error that you meet before all others: a collective call in a process that has not joined a group, such as this
# notebook.

# %%
with expect_error(ValueError):
    dist.all_reduce(torch.ones(3))

# %% [markdown]
# ## DistributedDataParallel
#
# Data-parallel training in one sentence: *every process has the whole model and a share of the batch, and before each
# step they average their gradients.* Equal weights at the start, equal gradients, equal optimizer: the weights stay equal
# forever, and after the start nobody sends a weight.
#
# $$\nabla L = \tfrac{1}{2}\big(\nabla L_0 + \nabla L_1\big)$$
#
# The line of code is `model = DistributedDataParallel(model)`, imported from `torch.nn.parallel`: it begins the all-reduce of the last layers' gradients while
# `backward` is still computing the first layers', so communication hides behind computation. The average is right because all shares have the same size. Check the
# formula with two models in one process:

# %% within="0.000001"
both = []
for rank in range(2):
    model = make_model(seed=0)
    F.mse_loss(model(X[rank:64:2]), y[rank:64:2]).backward()
    both.append([p.grad for p in model.parameters()])
whole = make_model(seed=0)
F.mse_loss(whole(X[:64]), y[:64]).backward()
gaps = [(a + b) / 2 - p.grad for a, b, p in zip(*both, whole.parameters(), strict=True)]
gap = max(g.abs().max().item() for g in gaps)
largest = max(p.grad.abs().max().item() for p in whole.parameters())
print(f"largest gradient {largest:.2f}; two shares averaged against one batch: off by {gap:.7f}")
assert gap < 1e-6

# %% [markdown]
# So two processes with batches of 32 train like one process with batches of **64**, not 32. If you add processes and
# keep the batch size of each, the total batch grows: reconsider the learning rate. And BatchNorm sees only
# its own process's share (`nn.SyncBatchNorm` sees all of them).
#
# ### Who gets which rows
#
# `DistributedSampler` deals the rows out. All processes shuffle with the same seed, so all have the same deck; rank 0 takes
# every other card from the first, rank 1 from the second.

# %%
ten = TensorDataset(torch.arange(10))
for epoch in (0, 0, 1):
    hands = []
    for rank in range(2):
        sampler = DistributedSampler(ten, num_replicas=2, rank=rank, shuffle=True, seed=0)
        sampler.set_epoch(epoch)
        hands.append(list(sampler))
    print(f"epoch {epoch}: rank 0 {hands[0]}, rank 1 {hands[1]}, {len({*hands[0], *hands[1]})} rows in all")

# %% [markdown]
# If each rank takes two cards a step, step 1 uses the first four cards of the deck (4, 1, 7, 5). The first two lines are the same: the
# order depends on the seed and on what `set_epoch` was told, and on nothing else. **Forget `set_epoch`, and every epoch
# has the same order**, without an error or a warning.
#
# **Predict before you run:** five rows for two processes. How many rows does each get?

# %%
five = TensorDataset(torch.arange(5))
for drop in (False, True):
    hands = [list(DistributedSampler(five, 2, rank, shuffle=False, drop_last=drop)) for rank in range(2)]
    print(f"drop_last={drop}: {hands}")

# %% [markdown]
# Three each, and row 0 comes twice: all processes must make the same number of steps, or one waits for gradients that never come, until the timeout. With
# `drop_last=True`, row 4 stays out. When you *judge*, repeated rows distort the result a
# little: let one process judge.

# %% [markdown]
# ## The script
#
# Several processes need a file that all of them run: `lessons/train_distributed.py`, about 140 lines. Open it beside this page. Its heart:

# %%
source = inspect.getsource(train_in_script)
print(source[source.index("    parallel = ") :])

# %% [markdown]
# Compare it with the loop at the top. Four things are new: the model is wrapped, the sampler is told its epoch, and
# only rank 0 judges and writes. The fourth is a line that kills the process that runs it; it will get its turn. (`say`
# prints a line in one piece. `done` is what the checkpoint holds besides model and optimizer: the last epoch that was
# finished, and the losses so far.)
#
# Before this part the script joins the group (under `torchrun` a plain `dist.init_process_group("gloo")` finds rank and world by itself), deals the rows with
# a sampler, and builds the model.
#
# `torchrun --standalone --nproc-per-node 2 lessons/train_distributed.py --checkpoint run.pt` starts it. `torchrun`
# gives each process its `RANK`, starts them, and watches; `--standalone` means that all of them run on this machine.
# The notebook calls it through `lessons/torchrun_here.py`: the same, with a notice board that no other machine can reach.

# %%
def torchrun(*words, restarts=0, script=SCRIPT, seconds=250):
    """Run a script in two CPU processes under torchrun; return what they print."""
    options = ["--nproc-per-node", "2", "--max-restarts", str(restarts), str(script), *words]
    command = [sys.executable, str(SCRIPT.with_name("torchrun_here.py")), *options]
    env = os.environ | {"COURSE_DEVICE": "cpu", "PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, env=env, text=True, **pipes)
    try:
        out, err = process.communicate(timeout=seconds)
    except BaseException:
        process.terminate()  # torchrun then ends its workers; a kill would leave them behind
        process.communicate()
        raise
    if process.returncode:
        raise RuntimeError(err[:3000])
    return out

# %% within="0.005"
elastic = sys.platform != "win32"
if elastic:
    printed = torchrun("--checkpoint", str(folder / "quiet.pt"))
    print("who began (start, rank, world):", sorted(re.findall(r"start (\d): rank (\d) of (\d)", printed)))
    quiet = torch.load(folder / "quiet.pt", weights_only=True)["extra"]["losses"]
    print("loss after each epoch:", [round(loss, 4) for loss in quiet])
    assert quiet == sorted(quiet, reverse=True)
else:
    print("skipped: torchrun and SIGKILL need Linux or macOS")

# %% [markdown]
# Two processes began, four epochs were trained, and rank 0 left a checkpoint with the losses.
#
# ### The proof
#
# Now one process in this notebook, with a plain loop and no DDP. The batch is 64, and the sampler deals to a world of one. The two hands' first 32 cards are
# together the deck's first 64. So in every step the two processes see, between them, exactly the rows that this one sees, and the average of their gradients is its
# gradient. (Leave the last three arguments alone: the check of the build uses them.)

# %%
def train_alone(model, data, epochs, batch=64, hand=(1, 0), shuffle_anew=True):
    """One process, a plain loop, no DDP; returns the loss over all rows after each epoch."""
    X, y = data.tensors
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    sampler = DistributedSampler(data, *hand, shuffle=True, seed=0)
    losses = []
    for epoch in epochs:
        sampler.set_epoch(epoch if shuffle_anew else 0)
        for xb, yb in DataLoader(data, batch_size=batch, sampler=sampler):
            loss = F.mse_loss(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.inference_mode():
            losses.append(F.mse_loss(model(X), y).item())
    return losses


alone = train_alone(make_model(seed=0), TensorDataset(X, y), epochs=range(1, 5))

# %% within="0.000001"
def gap(some, others):
    """The largest difference between two runs' losses."""
    return max(abs(a - b) for a, b in zip(some, others, strict=True))


if elastic:
    print(f"losses of four epochs, two processes against one: off by {gap(alone, quiet):.7f}")
    assert gap(alone, quiet) <= 1e-6 and alone[-1] < alone[0] / 1.3

# %% [markdown]
# After 64 steps the losses agree to six decimals. They need not agree to the last bit: two halves of 32 round
# differently from 64 in a row, and over thousands of steps such differences grow. So run such a proof over a few steps.

# %% [markdown]
# ## A process dies
#
# With one machine a crash is bad luck. With a thousand, some machine fails every day. The plan has two parts. **Rank 0 writes a checkpoint
# after each epoch** (only rank 0, because two writers would spoil the file), and *atomically*: `utils.save_checkpoint` writes a new file, then renames it over the
# old one, so that a crash in the middle leaves the old
# checkpoint whole.
# And **torchrun watches**: if one process dies, it stops the rest and starts *all* of them anew, `--max-restarts` times. The script finds the
# checkpoint and goes on.
#
# Weights alone are not enough. Adam's averages belong in the file, and so does the epoch number, because it sets the
# order. (With dropout, the state of the random generators would belong there, too.)
#
# Now the line that waited: rank 1 sends itself `SIGKILL` in the middle of epoch 2. No `finally` runs, no goodbye is said.

# %%
if elastic:
    printed = torchrun("--checkpoint", str(folder / "shaken.pt"), "--kill-rank", "1", restarts=1)
    shaken = torch.load(folder / "shaken.pt", weights_only=True)["extra"]["losses"]
    for row in sorted(re.findall(r"(start \d: rank \d) of 2, .*? (goes on after epoch \d)", printed)):
        print(*row)

# %% within="0.000001" alt="Loss over all rows against the epoch, 1 to 4. A broad gray line for one process falls; blue dots for two undisturbed processes and orange crosses for two of which one was killed lie on it at every epoch. A dotted line after epoch 1 marks where rank 1 died."
if elastic:
    print(f"final loss, killed against undisturbed: off by {gap(shaken[-1:], quiet[-1:]):.7f}")
    print(f"all losses, killed against one process: off by {gap(shaken, alone):.7f}")
    assert gap(shaken, quiet) <= 1e-6 and gap(shaken, alone) <= 1e-6 and len(shaken) == 4
    fig, ax = plt.subplots(figsize=(6.5, 2.8))
    ax.plot(range(1, 5), alone, color="#777777", lw=7, alpha=0.4, label="one process")
    ax.plot(range(1, 5), quiet, "o-", color=TRAIN, label="two processes")
    ax.plot(range(1, 5), shaken, "x--", color=VALID, ms=11, label="two, one killed")
    ax.axvline(1 + 5 / 16, color="#555555", lw=1, ls=":")
    ax.text(1.35, max(alone), "rank 1 dies", va="top", color="#555555")
    ax.set(xticks=range(1, 5), xlabel="epoch", ylabel="loss over all rows")
    ax.legend()
    plt.show()

# %% [markdown]
# *Three runs, one line: neither the second process nor the death at the dotted line has left a trace.* The printed gap is the number from the beginning. Both processes
# were started a second time, went on after epoch 1, repeated the five steps that were lost, and arrived where the undisturbed run did. What a crash costs is
# the work since the last
# checkpoint: how often you write is a trade-off between writing and repeating.

# %% [markdown]
# ## The build: a script for two processes
#
# This lets you try a script:

# %%
def try_out(script):
    """Run a script in two processes on made-up rows; return the file it saved."""
    at, given, end = folder / "try.py", folder / "try.pt", folder / "tried.pt"
    at.write_text(script, encoding="utf-8")
    torch.save({"X": torch.rand(128, 5), "y": torch.rand(128, 1)}, given)
    end.unlink(missing_ok=True)
    print(torchrun(str(given), str(end), script=at, seconds=60))
    return torch.load(end)

# %% [markdown]
# ### Exercise gpu-3 · difficulty 3 · 18 minutes
# Write a script of your own, from an empty file: **at most 40 lines**, empty ones counted, as a string named `my_script` (three quotes around it). It is
# started by `torchrun` in two processes, `my_script.py DATA OUT`, and trains one network on all rows of DATA:
#
# - DATA is a file that `torch.load` reads: `{"X": (N, C) floats, "y": (N, 1) floats}`; N and C come from it, and N is a multiple of 64.
# - The network is `nn.Sequential(nn.Linear(C, 16), nn.Tanh(), nn.Linear(16, 1))`, built directly after `torch.manual_seed(0)` in each process. Everything runs
#   on the CPU, with `gloo`.
# - Adam with a learning rate of 0.01, mean squared error, **64 rows a step, of both processes together**, epochs 0, 1 and 2. The rows are dealt by a
#   `DistributedSampler` with `shuffle=True, seed=0`, in another order each epoch.
# - At the end rank 0 saves the network's plain `state_dict` (no `module.` in its names) to OUT, and every process leaves the group.
#
# The proof is the one you have seen: the weights must be those of a single process, to five decimals. The check brings two data sets of its own, of different N and C,
# and gives your script a minute for each; a script that waits for something that never comes is ended then. (On Windows do this one under WSL.)
#
# `try_out(my_script)` runs it on 128 made-up rows. If it fails, look for the first *Traceback* that names `try.py`; what follows is torchrun's own.
#
# <details><summary>Hint 1</summary><code>dist.init_process_group("gloo")</code> finds rank and world in what torchrun has set;
# <code>dist.get_rank()</code> and <code>dist.get_world_size()</code> (<code>world</code> in hint 2) tell you. <code>sys.argv[1]</code> is DATA.</details>
# <details><summary>Hint 2</summary>Around the model <code>DistributedDataParallel(model)</code>, in the loader
# <code>batch_size=64 // world</code> and the sampler, before each epoch <code>sampler.set_epoch(epoch)</code>, at the end
# <code>dist.destroy_process_group()</code>.</details>

# %% tags=["exercise", "build"] id="gpu-3" objective="together"
### BEGIN SOLUTION
my_script = """
import sys
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

dist.init_process_group("gloo")
rank, world = dist.get_rank(), dist.get_world_size()
given = torch.load(sys.argv[1])
data = TensorDataset(given["X"], given["y"])
sampler = DistributedSampler(data, world, rank, shuffle=True, seed=0)
loader = DataLoader(data, batch_size=64 // world, sampler=sampler)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(given["X"].shape[1], 16), nn.Tanh(), nn.Linear(16, 1))
parallel = DistributedDataParallel(model)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(3):
    sampler.set_epoch(epoch)
    for X, y in loader:
        loss = nn.functional.mse_loss(parallel(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
if rank == 0:
    torch.save(model.state_dict(), sys.argv[2])
dist.destroy_process_group()
"""
### END SOLUTION

# %% tags=["check"]
with check("gpu-3") as c:
    c.kind(c.attempted(my_script), str)
    length, at, given = len(my_script.strip().splitlines()), folder / "my_script.py", folder / "given.pt"
    c.true(length <= 40, observed=f"{length} lines", expected="40 at most")
    c.true(sys.platform != "win32", observed="Windows", expected="Linux, macOS or WSL, where torchrun is at home")
    at.write_text(my_script + "\n__import__('os')._exit(0)\n", encoding="utf-8")
    small = lambda f: (torch.manual_seed(0), nn.Sequential(nn.Linear(f, 16), nn.Tanh(), nn.Linear(16, 1)))[1]
    flat = lambda state: torch.cat([p.flatten() for p in state.values()])
    draw = torch.Generator().manual_seed(1)
    for t in c.held_back(torch.rand(256, 6, generator=draw), torch.rand(192, 4, generator=draw) - 0.5):
        made, end = TensorDataset(t[:, 1:].clone(), (3 * t).sin().sum(1, keepdim=True)), folder / f"{len(t)}.pt"
        torch.save(dict(zip("Xy", made.tensors)), given), end.unlink(missing_ok=True)
        c.timed(lambda: torchrun(str(given), str(end), script=at, seconds=60) + "done")
        runs = [small(t.shape[1] - 1) for _ in range(4)]
        hows = ({}, {"batch": 32, "hand": (2, 0)}, {"shuffle_anew": False}, {"batch": 128})
        [train_alone(net1, made, range(3), **how) for net1, how in zip(runs, hows)]
        got, (right, *wrong) = torch.load(end), [net1.state_dict() for net1 in runs]
        c.equal([*got], [*right], because="plain names", mistakes=[([f"module.{k}" for k in right], "take .module")])
        words = ("each trained alone: DDP averages gradients", "set_epoch was forgotten", "64 of both: 64 // world")
        c.close(flat(got), flat(right), atol=1e-5, because=f"{len(t)} rows: two processes, the weights of one",
                mistakes=list(zip(map(flat, wrong), words)))

# %% [markdown] tags=["solution"]
# Compare it with the loop at the top of the page: apart from imports and files, seven lines are new, and none of them is mathematics. The `module.` in the
# names comes from saving the wrapper; a `DataLoader`
# with `shuffle=True` beside a sampler is refused by PyTorch.

# %% [markdown] tags=["instructor"]
# **Timing** 16 minutes; a run takes five to ten seconds. **Common mistakes** a batch of 64 in each process (another training, silently); both processes save;
# no `set_epoch`; an
# `if rank == 0` around something that all must do, which hangs. **Ask the room** which of these an accuracy would have shown. (None.)

# %% [markdown]
# ## What you have met
#
# | call | what it does | in → out |
# |---|---|---|
# | `get_device()`, `.to(device)` | one code for all devices | `(N, …)` here → `(N, …)` there |
# | `torch.accelerator.synchronize()` | waits until the queue is empty, on any kind of GPU | |
# | `saved_tensors_hooks(pack, unpack)` | shows what is kept for backward | |
# | `dist.init_process_group("gloo")`, `dist.get_rank()`, `dist.get_world_size()` | join the group; who am I, of how many? | |
# | `dist.all_reduce(t)` | the sum, in every process | `(N,)` each → `(N,)` each |
# | `DistributedDataParallel(model)` | averages gradients in backward | |
# | `DistributedSampler(ds, n, rank)`, `set_epoch` | deals the rows out | N rows → ⌈N/n⌉ row numbers |
# | `torchrun --nproc-per-node n` | starts, numbers, watches, restarts | |
# | `DataLoader(data, batch_size=64 // world, sampler=sampler)` | this process's share of each batch | |
#
# Three sentences to keep. *Never time what you have not waited for. Before you make it faster, write down the answer it must still
# give. A checkpoint that was never resumed from is not a checkpoint.*
#
# You can prepare data, design a model, choose loss and optimizer, train and judge, on one processor or on many. Next comes the network behind today's language
# models. It carries no state from step to step: it looks back, and so it can use all the processors there are. You will write a small one.

# %% [markdown] tags=["deeper"]
# ## Batches that are not two tensors

# %% [markdown]
# ### Exercise gpu-4 · difficulty 2 · 6 minutes
# Real batches are rarely two tensors. Write `to_device(batch, device)`: a batch may be a tensor, or a tuple, list or
# dict of batches, nested as deep as you like. Return the same structure with every tensor on `device`; a tuple stays a
# tuple, a list a list, a dict a dict. Anything else (names, numbers) comes back as it is, and the batch that came in is not changed.
#
# <details><summary>Hint 1</summary>A container of batches holds batches: let the function call itself for each of them.</details>
# <details><summary>Hint 2</summary>Ask with <code>isinstance</code> for tensor, then dict, then tuple or list. <code>type(batch)(…)</code> builds a container of the same kind.</details>

# %% tags=["exercise"] id="gpu-4" objective="anywhere"
def to_device(batch, device):
    """The same structure as ``batch``, with every tensor in it on ``device``."""
    ### BEGIN SOLUTION
    if torch.is_tensor(batch):
        return batch.to(device)
    if isinstance(batch, dict):
        return {key: to_device(part, device) for key, part in batch.items()}
    if isinstance(batch, (tuple, list)):
        return type(batch)(to_device(part, device) for part in batch)
    return batch
    ### END SOLUTION

# %% tags=["check"]
with check("gpu-4") as c:
    given = {"x": (torch.zeros(3), [torch.ones(1), {"deep": torch.ones(2)}]), "name": "a7", "row": 7}
    for where in ("meta", torch.device("cpu")):
        with c.untouched(given["name"], given["row"], [*given]):
            moved, got = c.attempted(to_device(torch.ones(2), where)), to_device(given, where)
        c.equal(moved.device.type, torch.device(where).type, mistakes={"cpu": "tensor.to returns a copy: return it",
                                                                        "meta": "use the device that is asked for"})
        kinds = [type(part).__name__ for part in (got, *got.values(), got["x"][1], got["x"][1][1])]
        c.equal(kinds, ["dict", "tuple", "str", "int", "list", "dict"], because="the structure stays, at any depth")
        inside = [got["x"][0], got["x"][1][0], got["x"][1][1]["deep"]]
        c.true(all(t.device == moved.device for t in inside), observed=f"devices {[str(t.device) for t in inside]}",
               expected="all on the device", likely="a container may hold containers: let the function call itself")
        kept = [given["x"][0], given["x"][1][0], given["x"][1][1]["deep"]]
        c.equal([t.device.type for t in kept], ["cpu"] * 3, because="the given batch stays",
                mistakes=[([a, "meta", "meta"], "changing the given one surprises its owner") for a in ("cpu", "meta")])
        c.true(got["x"][1] is not given["x"][1] and got is not given, observed="the container you were given",
               expected="a new one", likely="changing the given one surprises its owner")

# %% [markdown] tags=["solution"]
# Recursion mirrors the structure: a batch is a tensor or a container of batches. The `meta` device makes the check
# possible on any machine.

# %% [markdown] tags=["instructor"]
# **Watch for** `batch.to(device)` without `return` or assignment: works for models, does nothing for tensors.
# **Watch for** strings: `for part in "a7"` recurses forever if strings are treated as containers. **Timing:** 6 minutes.
# **Fast groups:** a namedtuple needs `type(batch)(*parts)`.

# %% [markdown] tags=["deeper"]
# ## Fewer bits
#
# A `float32` has 32 bits. Two formats have half of that, and so need half the memory and half the traffic. They spend
# their bits differently:

# %%
for dtype in (torch.float32, torch.float16, torch.bfloat16):
    about = torch.finfo(dtype)
    print(f"{dtype!s:15} {about.bits} bits   largest {about.max:.1e}   smallest normal {about.tiny:.1e}   "
          f"after 1 comes 1 + {about.eps:.1e}")

# %% [markdown]
# `float16` has fine steps but a short range; `bfloat16` has the range of `float32` and very coarse steps. (*Normal*
# numbers have all their digits. Below the smallest of them, digits get lost one by one; the smallest that `float16`
# knows at all is about $6 \cdot 10^{-8}$.)
#
# **Predict before you run:** what becomes of 70,000 and of 1.003, in each of the two?

# %%
for value in (70_000.0, 1.003, 1e-8):
    half, coarse = torch.tensor(value, dtype=torch.float16), torch.tensor(value, dtype=torch.bfloat16)
    print(f"{value:>8g}:  float16 {half.item():<12.6g} bfloat16 {coarse.item():.6g}")

# %% [markdown]
# `float16` overflows at 70,000 and loses $10^{-8}$ altogether; `bfloat16` keeps both roughly, but cannot tell 1.003
# from 1. A weight of 1 that should grow by 0.003 would never move. Hence **mixed** precision: weights and optimizer
# stay in 32 bits, and inside `torch.autocast` the operations that profit (matrix products, convolutions) run in 16.

# %% within="0.01"
model = make_model(seed=0)
plain = F.mse_loss(model(X), y)
with torch.autocast("cpu", dtype=torch.bfloat16):
    outputs = model(X)
    mixed = F.mse_loss(outputs.float(), y)
mixed.backward()
weight = model[0].weight
print("outputs:", outputs.dtype, "  weights:", weight.dtype, "  gradients:", weight.grad.dtype)
print(f"loss in 32 bits {plain.item():.4f}, mixed {mixed.item():.4f}")
assert abs(mixed - plain).item() < 0.01 * plain.item()

# %% [markdown]
# Only the forward pass and the loss stand inside `autocast`; `backward` computes in the types that the forward pass
# chose. Now comes the exam for a whole training: in `fit`, the argument `amp=True` does all this.

# %% within="0.02"
def trained_loss(X, y, amp):
    """Loss of the last of 8 epochs; same start and same order of batches, mixed precision or not."""
    model, order = make_model(seed=0), torch.Generator().manual_seed(0)
    loader = make_loader(X, y, batch_size=64, shuffle=True, generator=order)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    return fit(model, loader, F.mse_loss, optimizer, epochs=8, amp=amp, progress=False)["loss"][-1]


full, half = trained_loss(X, y, amp=False), trained_loss(X, y, amp=True)
print(f"loss after 8 epochs: in 32 bits {full:.4f}, mixed {half:.4f}")
assert abs(half - full) < 0.1 * full

# %% [markdown]
# The answer holds. And the speed? On a GPU with units for 16-bit products (NVIDIA calls them tensor cores) the makers' data sheets promise from two to thirty times
# as many products a second, depending on the card; a whole training step gains less. On a CPU it depends. A processor with bf16 instructions is faster; one without
# converts back and
# forth, and bf16 is then *slower* than `float32`. The race in the side door *Four tricks* measures your own.
#
# Between 32 bits and 16 stands **TF32**: numbers of 32 bits, whose products are computed with 10 digits after the (binary) point in place of 23.
# `torch.set_float32_matmul_precision("high")` allows it for matrix products; the convolutions and LSTMs of NVIDIA's library use it without being asked. So a
# hand-written LSTM that equals `nn.LSTM` to $10^{-6}$ on a CPU (lesson 10) misses $10^{-4}$ on such a card, and nothing is wrong with
# either. `torch.backends.cudnn.rnn.fp32_precision = "ieee"` brings the digits back.
#
# ### Why float16 needs a scaler
#
# `bfloat16` needs nothing more. `float16`, the choice on older cards, loses small gradients, as you saw with
# $10^{-8}$. The cure is to multiply the loss by a large number before `backward` and divide the gradients by it
# after: one line of mathematics, $\nabla L = \nabla(sL)/s$.

# %%
gradient, scale = 1e-8, 65536.0
lost = torch.tensor(gradient).half().float()
kept = torch.tensor(gradient * scale).half().float() / scale
print(f"without scaling {lost.item():.1e}   with scaling {kept.item():.1e}")

# %% [markdown]
# `GradScaler` does that, and it keeps watch: if the scale was too large and a gradient became `inf`, it skips the step
# and halves the scale.

# %%
w = nn.Parameter(torch.tensor([1.0]))
sgd, scaler = torch.optim.SGD([w], lr=0.1), torch.amp.GradScaler("cpu")
for slope in (1.0, float("inf"), 1.0):
    sgd.zero_grad()
    scaler.scale((slope * w).sum()).backward()
    scaler.step(sgd)  # divides by the scale; does nothing if a gradient is not finite
    scaler.update()
    print(f"slope {slope}: weight {w.item():.1f}, scale {scaler.get_scale():.0f}")

# %% [markdown]
# Three slopes led to two steps, and the scale was halved once. (After 2,000 good steps in a row it is doubled again.)
# If you clip gradients, call `scaler.unscale_(optimizer)` first, or you clip the scaled ones; `fit` does this for you.

# %% [markdown] tags=["deeper"]
# ## Four tricks, and what each costs
#
# Two tricks rearrange the same work, the other two make room for what does not fit. Each has to pass the exam: the same answer.
#
# **`torch.compile`** reads your function while it runs, fuses its operations, and lets a compiler turn them into one
# program. On a CPU it needs a C++ compiler, which not every laptop has. The function below makes a chain of
# element-wise steps, each of which reads and writes half a million numbers; once fused, the chain reads them once.

# %% tags=["nbval-ignore-output"] reason="a machine without a C++ compiler says 'skipped' here"
def chain(x):
    """Nine element-wise steps in a row."""
    return torch.tanh(torch.sin(x) ** 2 * torch.exp(-x * x) + 0.5 * x)


logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # a missing CUDA does not matter here
v, times = torch.linspace(-3, 3, 500_000), {}
try:
    fused = torch.compile(chain)
    times["first"] = quickest(lambda: fused(v), repeats=1)
    times |= {"plain": quickest(lambda: chain(v)), "compiled": quickest(lambda: fused(v))}
    print(f"largest difference {(fused(v) - chain(v)).abs().max().item():.1e}")
    print(f"the first call costs as much as {times['first'] / times['plain']:,.0f} plain ones")
except Exception as error:  # no compiler, or one that this torch cannot use
    print(f"skipped: torch.compile does not work here ({type(error).__name__}); a C++ compiler fixes that")

# %% [markdown]
# The first call pays for the compiler: seconds, where a plain call takes milliseconds. If a plain call takes $t$ and a
# compiled one $t'$, then the compiler's time $C$ is earned back after $C/(t-t')$ calls. (A second run of this notebook
# finds the result in a cache.) A new shape or dtype may compile again.
#
# **`channels_last`** keeps the shape of a batch of pictures and changes its strides: the channels of one pixel lie side by side, as
# convolution kernels like them.

# %% within="0.00001"
pictures = torch.randn(8, 16, 32, 32, generator=torch.Generator().manual_seed(0))  # (N, C, H, W)
torch.manual_seed(0)
conv = nn.Sequential(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1))
last = pictures.to(memory_format=torch.channels_last)
print("shape ", tuple(pictures.shape), tuple(last.shape))
print("stride", pictures.stride(), last.stride())
conv_last = copy.deepcopy(conv).to(memory_format=torch.channels_last)  # the weights' strides, too
difference = (conv(pictures) - conv_last(last)).abs().max().item()
print(f"largest difference {difference:.6f}")
assert difference < 1e-5

# %% [markdown]
# The stride of 1 has moved from the last place to the channels. `shape` and indices stay as they were. Only `view`, which goes by the strides, may refuse: write
# `flatten(1)` or `reshape`. (On
# Apple's GPUs be careful with it before BatchNorm: wrong results have been reported there. Compare with the CPU first.)

# %% [markdown]
# ### The big batch in small pieces
#
# Gradients **accumulate**, and lesson 02 taught you to clear them. Here you let them add up on purpose. A mean over 64
# samples is the mean of four means over 16, so four small `backward` calls, each loss divided by four, add up to the
# big batch's gradient. At the end you take one `step`.

# %%
def in_pieces(net, X, y, count):
    """Backward of the mean loss over all rows, in ``count`` equal pieces."""
    for xb, yb in zip(X.chunk(count), y.chunk(count), strict=True):
        loss = F.mse_loss(net(xb), yb) / count
        loss.backward()  # no zero_grad in between: the pieces add up


def rows_passed(module):
    """A list that notes, whenever ``module`` is called, how many rows it gets."""
    noted = []
    module.register_forward_pre_hook(lambda module, given: noted.append(len(given[0])))
    return noted

# %% within="0.000001"
big, small = make_model(seed=0), make_model(seed=0)
passed = rows_passed(small)
in_pieces(big, X[:64], y[:64], count=1)
in_pieces(small, X[:64], y[:64], count=4)
print("rows at a time:", passed)
difference = max((p.grad - q.grad).abs().max().item() for p, q in zip(big.parameters(), small.parameters()))
largest = max(p.grad.abs().max().item() for p in big.parameters())
print(f"largest gradient {largest:.2f}, largest difference {difference:.7f}")
assert difference < 1e-6

# %% [markdown]
# The gradient is the same, with a quarter of the activations. (Under DDP, `model.no_sync()` around all pieces but the last sends the sum only once.) It takes
# longer: small pieces keep a processor less busy, and each adds its gradients to the sum. The
# race below says how much. It is not the same to the last
# bit: sums in another order round differently. (With BatchNorm it differs more, because that layer sees only 16 samples
# at a time.)
#
# ### Exercise gpu-5 · difficulty 3 · 8 minutes
# Real epochs rarely divide evenly. Write `accumulate(model, loss_fn, X, y, size)`: leave in `model` the gradients of the mean loss over **all**
# rows of `X` and `y`, but pass at most `size` rows through the model at a time, each row **once**, and call `backward` for each piece before the next goes
# forward, or the graphs of all pieces stay in memory. The last piece may be short. `loss_fn(outputs, targets)` is a mean over
# what it gets. Older gradients must not leak in. Return the mean loss over all rows, as a float.
#
# <details><summary>Hint 1</summary>A mean of means is right only if each mean counts by the number of its rows.</details>
# <details><summary>Hint 2</summary>Multiply each piece's loss by <code>len(piece) / len(X)</code> before <code>backward()</code>, and add up the weighted losses.</details>

# %% tags=["exercise"] id="gpu-5" objective="memory"
def accumulate(model: nn.Module, loss_fn, X: torch.Tensor, y: torch.Tensor, size: int) -> float:
    """Gradients of the mean loss over all rows, at most ``size`` rows at a time; returns that loss."""
    ### BEGIN SOLUTION
    model.zero_grad()
    total = 0.0
    for xb, yb in zip(X.split(size), y.split(size), strict=True):
        weighted = loss_fn(model(xb), yb) * len(xb) / len(X)
        weighted.backward()
        total += weighted.item()
    return total
    ### END SOLUTION

# %% tags=["check"]
with check("gpu-5") as c:
    P, mse, seen = X[:10, :1], F.mse_loss, rows_passed(net1 := nn.Linear(1, 1, bias=False))
    *each, want = [torch.autograd.grad(mse(net1(p), 0 * p), net1.weight)[0] for p in (*P.split(4), P)]
    seen.clear()
    net1.weight.register_hook(lambda _: seen.append(0))  # one 0 for each backward
    with c.untouched(P, Z := 0 * P):
        got, sizes = [c.attempted(accumulate(net1, mse, P, Z, 4)) for _ in "ab"][1], [*seen]  # run twice
    c.equal(max(sizes), 4, because="no piece above size", mistakes={
            10: "all rows went through at once", 3: "chunk takes the number of pieces, split their length"})
    c.close(net1.weight.grad, want, mistakes=[(2 * want, "an older gradient leaked in"), (each[2] / 5,
            "the last piece only"), (sum(each), "each loss is a mean"), (sum(each) / 3, "weight by its rows"),
            (sum(each) * 0.4, "the last piece is shorter"), (sum(each[:2]) * 0.4, "the last piece is missing")])
    c.true(not any(sizes[1::2]), observed=f"rows forward, and 0 for a backward: {sizes}",
           expected="a backward after each forward", likely="a sum or list of losses keeps the graph of every piece")
    c.close(got, mse(net1(P), 0 * P).item(), because="the losses are weighted as well"); c.kind(got, float)
    lopsided = lambda outputs, targets: (outputs.exp() - targets).square().mean()
    rows2 = rows_passed(net2 := make_model(seed=1)); accumulate(net2, lopsided, X[:7], y[:7], 3)
    c.equal((max(rows2), sum(rows2)), (3, 7), because="at most size rows at a time, and each row once")
    right = torch.autograd.grad(lopsided(net2(X[:7]), y[:7]), list(net2.parameters()))
    c.close(max((a - p.grad).abs().max() for a, p in zip(right, net2.parameters())), 0.0, because="other sizes, too")

# %% [markdown] tags=["solution"]
# Weight, then add. The common recipe "divide by the number of pieces" is this one with all pieces equal. A short last
# piece then counts too much, silently.

# %% [markdown] tags=["instructor"]
# **Watch for** `zero_grad` inside the loop (only the last piece survives) and for `total += weighted` without
# `.item()`, which returns a tensor and holds on to what is left of every piece's graph. **Timing:** 8 minutes.

# %% [markdown]
# ### Forget, and compute again
#
# The other trade is **activation checkpointing**: keep only what enters each block, and compute the inside of the block
# again when `backward` needs it. This takes less memory and one more forward pass.
#
# **Predict before you run:** the net of *What fills the memory* has four blocks of four layers. By what factor will the saved bytes shrink, roughly?

# %%
def through(net, inputs, forget):
    """Loss of the deep net, its blocks checkpointed or not."""
    for block in net:
        inputs = checkpoint(block, inputs, use_reentrant=False) if forget else block(inputs)
    return inputs.square().mean()


inputs = torch.randn(512, 64, generator=torch.Generator().manual_seed(0))
passed, found = rows_passed(net[0]), {}
for forget in (False, True):
    passed.clear()
    count, loss = saved_bytes(net.parameters(), through, net, inputs, forget)
    found[forget] = count, torch.autograd.grad(loss, list(net.parameters())), len(passed)

# %%
(kept, gradients, once), (less, again, twice) = found[False], found[True]
print(f"saved: {kept:,} bytes, with checkpoints {less:,}: {kept / less:.1f} times less")
print("forward passes of block 0:", once, "and", twice)
print("largest difference of a gradient:", max((a - b).abs().max().item() for a, b in zip(gradients, again)))

# %% [markdown]
# Of the 17 tensors 5 remain: what enters each of the four blocks, and what the loss keeps. (`backward` brings the inside of one block at a time back to life, here
# four more tensors, and forgets it again: at the peak there are eight or nine, about half of 17.) Each block ran twice, so you pay for the forward
# pass twice. The rule of thumb says that backward costs as much as two forward passes, so that a step would cost a third more; the race
# below measures it in this small network: it costs more, probably for the bookkeeping around each block, which the race does not separate. The gradients
# are *identical*, because the very
# same operations ran again.

# %% [markdown]
# ### The race
# All have passed the exam. Now measure what they cost, and `bf16` (side door *Fewer bits*) beside them. Each bar is the time *with* the trick divided by the
# time *without* it, here and now, on the device that you have (`compile` always on the CPU). The dot is the same ratio measured again.

# %%
wide = nn.Sequential(nn.Linear(256, 1024), nn.ReLU(), nn.Linear(1024, 256)).to(device)
rows = torch.randn(256, 256, generator=torch.Generator().manual_seed(1)).to(device)
conv, conv_last, net = conv.to(device), conv_last.to(device), deep_net().to(device)
pictures, last, inputs = pictures.to(device), last.to(device), inputs.to(device)


def one_pass(net, batch, amp=False):
    """Forward and backward, once."""
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=amp):
        outputs = net(batch)
    outputs.float().square().mean().backward()


races = {  # (with the trick, without it)
    "bf16": (lambda: one_pass(wide, rows, amp=True), lambda: one_pass(wide, rows)),
    "channels_last": (lambda: one_pass(conv_last, last), lambda: one_pass(conv, pictures)),
}
if "compiled" in times:
    races["compile"] = (lambda: fused(v), lambda: chain(v))

# %% tags=["nbval-ignore-output"] reason="ratios of times differ from machine to machine"
pieces = (lambda: in_pieces(wide, rows, rows, 4), lambda: in_pieces(wide, rows, rows, 1))
forgetting = (lambda: through(net, inputs, True).backward(), lambda: through(net, inputs, False).backward())
races |= {"four pieces": pieces, "checkpoint": forgetting}


def ratio(trick, without, repeats=10):
    """Time with ÷ time without: the quickest of each, in turns, so that a disturbance hits both."""
    done = torch.accelerator.synchronize if device.type != "cpu" else lambda: None
    waited = [lambda: (trick(), done()), lambda: (without(), done())]
    turns = [[quickest(work, 1) for work in waited] for _ in range(repeats)]
    return min(a for a, _ in turns) / min(b for _, b in turns)


first = {name: ratio(*both) for name, both in races.items()}
second = {name: ratio(*both) for name, both in races.items()}
for name in first:
    print(f"{name:14} {first[name]:5.2f}  again {second[name]:5.2f}")

# %% alt="A bar chart with one horizontal bar for each trick: bf16, channels_last, torch.compile where a compiler is there, four pieces, and checkpoint, on a logarithmic axis of time with the trick divided by time without. The bars start at a line that marks 1, no change, and go to the left where the trick is faster, to the right where it is slower. A dot beside the end of each bar shows a second measurement of the same ratio."
fig, ax = plt.subplots(figsize=(7, 2.8))
ax.barh(list(first), [value - 1 for value in first.values()], left=1, color=TRAIN, height=0.5)
ax.plot(list(second.values()), list(second), "o", color=VALID, label="measured again")
ax.axvline(1, color="#555555", lw=1)
ax.set(xscale="log", xlim=(0.05, 20), xlabel="time with ÷ time without (left of 1: faster)")
ax.set_xticks([0.1, 0.3, 1, 3, 10], labels=["0.1", "0.3", "1", "3", "10"])
ax.legend(loc="lower right", bbox_to_anchor=(1, 1))
plt.show()

# %% [markdown]
# *Your machine's own ratios: to the left of 1 a trick pays, to the right it costs.* *Four pieces* and *checkpoint* are
# there to save memory, and you pay for it: on the machine that made this picture a quarter to two fifths more for the pieces, and about twice the time for the
# checkpoints,
# more than the rule of thumb says. Its processor has no bf16 instructions and has to imitate them, which takes many times as long. Do not carry a ratio over to
# another machine or another model:
# measure again there. The distance between the bar's end and the dot is how far you may trust a single measurement,
# even though each is the quickest of ten.

# %% [markdown] tags=["deeper"]
# ## Reading a profiler's trace
#
# Before you make anything faster, find out where the time goes. `torch.profiler` writes down every operation with
# its start and end. `record_function` gives your own sections a name.

# %%
model, xb, yb = make_model(seed=0), X[:64], y[:64]
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
with profile(activities=[ProfilerActivity.CPU]) as trace:
    for _ in range(10):
        with record_function("forward"):
            loss = F.mse_loss(model(xb), yb)
        with record_function("backward"):
            optimizer.zero_grad()
            loss.backward()
        with record_function("update"):
            optimizer.step()

# %% [markdown]
# `trace.key_averages().table(sort_by="self_cpu_time_total")` prints times, which differ with every run. The counts do not:

# %%
counts = {row.key: row.count for row in trace.key_averages()}
for name in ("forward", "aten::linear", "aten::addmm", "aten::tanh", "backward", "aten::mm", "update"):
    print(f"{name:14} {counts[name]:3} calls")

# %% [markdown]
# Ten steps, two linear layers: 20 `linear`, each of which calls one `addmm` ($xW^\top + b$). Backward needs 30 `mm`: two
# gradients a layer, one for the weights and one for the inputs, except for the first layer, whose inputs need none. So
# $10 \cdot (2 \cdot 2 - 1) = 30$.
#
# Now the picture. It shows the quickest of the ten steps, with its operations in their order. (The first step sets
# things up, and any step may be disturbed.)

# %% alt="A timeline of one training step with three lanes. The top lane has three long bars after each other: forward, backward and update. The middle lane has the operations that each of them calls, many short bars. The lower lane has what those call in turn. Between the bars are small gaps."
named = [e for e in trace.events() if e.name in ("forward", "backward", "update")]
named.sort(key=lambda e: e.time_range.start)
steps = [named[at : at + 3] for at in range(0, len(named), 3)]
sections = min(steps, key=lambda step: step[2].time_range.end - step[0].time_range.start)
start = sections[0].time_range.start

fig, ax = plt.subplots(figsize=(8.5, 2.6))
for section, color in zip(sections, (TRAIN, VALID, CLASS_COLORS[2]), strict=True):
    layer, look = [section], {"label": section.name}
    for depth in range(3):
        for e in layer:
            width = e.time_range.end - e.time_range.start
            ax.barh(depth, width, left=e.time_range.start - start, color=color, **look)
        layer = [child for e in layer for child in e.cpu_children]
        look = {"edgecolor": "white", "linewidth": 0.4, "alpha": 0.75}
ax.set(yticks=[0, 1, 2], yticklabels=["your sections", "operations", "inside them"])
ax.set_xlabel("time since the step began [µs]")
ax.invert_yaxis()
ax.grid(visible=False)
ax.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.22))
plt.show()

# %% [markdown]
# *One training step: forward, backward and Adam's update, each above the operations that it calls.* In *forward*, the white gaps of the row *operations* are times
# when nobody computes: Python is on its way to the next call. In *backward* Python calls twice, `zero_grad` (the first bar) and `loss.backward()`; the later gaps
# belong to autograd, which finds the next operation without Python. The profiler's own notes take time in both. (In *update* the one long bar is the optimizer's
# whole step; its gaps show in the row
# below.) In so small a model there are many gaps, and no GPU would
# help. Read a trace in this order: first the gaps (Python launches too slowly, or the data comes late), then the
# longest bar. `trace.export_chrome_trace("trace.json")` writes a file that `chrome://tracing` or Perfetto opens, with a
# GPU lane beside the CPU lane where there is one.

# %% [markdown] tags=["deeper"]
# ## Each collective, before and after
#
# `all_reduce` has relatives. Each is one call that every process makes; what differs is who holds what afterwards. The two processes are still
# waiting. Rank 0 holds 1, 2 and rank 1 holds 10, 20. **Predict before you run:** what does each hold after each call?

# %%
COLLECTIVES = """
def mine():
    return torch.tensor([1.0, 2.0]) * 10**rank

def gathered():
    parts = [torch.zeros(2), torch.zeros(2)]
    dist.all_gather(parts, mine())
    return torch.stack(parts)

def scattered():
    part = torch.zeros(1)
    dist.scatter(part, list(mine().split(1)) if rank == 0 else None, src=0)
    return part

t = [mine() for _ in range(4)]
dist.broadcast(t[0], src=0)
dist.all_reduce(t[1])
dist.all_reduce(t[2], op=dist.ReduceOp.MAX)
after = {"before": mine(), "broadcast from 0": t[0], "all_reduce, sum": t[1],
         "all_reduce, max": t[2], "all_gather": gathered(), "scatter from 0": scattered()}
print(json.dumps({name: value.tolist() for name, value in after.items()}))
"""

# %%
first, second = map(json.loads, ask(pair, COLLECTIVES))
for name in first:
    print(f"{name:18} rank 0: {first[name]!s:28} rank 1: {second[name]}")

# %% [markdown]
# `broadcast` makes all equal to one: so DDP starts, with rank 0's weights. `all_reduce` makes all equal to the sum: so DDP averages gradients. `all_gather` gives
# everybody everything, and `scatter` deals out what one has. One more, *reduce-scatter*, adds and deals out in one go: with all-gather it
# is what FSDP lives on, and it is the first half of the ring in the next side door.

# %% [markdown] tags=["deeper"]
# ## A ring that sums
#
# How do sixteen processes sum a vector? If all of them send everything to rank 0, rank 0 drowns. A ring does better:
# each process cuts its vector into as many chunks as there are processes, and in each round passes *one* on to its
# right neighbor. After $n-1$ rounds of adding, each process owns one finished chunk (that half is called
# **reduce-scatter**); after $n-1$ more rounds of passing on, every process has all the sums (**all-gather**).

# %%
def ring_all_reduce(rows):
    """rows (n, n): process p's chunk c. Returns the table at the start, after n-1 rounds, at the end."""
    table, n = rows.clone(), len(rows)
    pictures = [table.clone()]
    for phase in ("add", "copy"):
        for step in range(n - 1):
            sent = table.clone()  # all send at the same moment
            for p in range(n):
                right, c = (p + 1) % n, (p - step + (phase == "copy")) % n
                table[right, c] = sent[p, c] + (table[right, c] if phase == "add" else 0)
        pictures.append(table.clone())
    return pictures


rows = torch.tensor([[1.0, 2, 3, 4], [10, 20, 30, 40], [100, 200, 300, 400], [1000, 2000, 3000, 4000]])
tables = ring_all_reduce(rows)
print("the sums:", rows.sum(0).tolist(), " the last process has:", tables[-1][-1].tolist())

# %% alt="Three tables of four rows and four columns, rows are processes and columns are chunks. In the first each process holds its own numbers, 1 to 4, 10 to 40, 100 to 400, 1000 to 4000. In the second, one dark cell in each row holds a finished sum, such as 1111 or 4444, the others partial sums. In the third all rows read 1111, 2222, 3333, 4444."
fig, axes = plt.subplots(1, 3, figsize=(9, 2.8))
titles = ("at the start", "after reduce-scatter", "after all-gather")
for ax, table, title in zip(axes, tables, titles, strict=True):
    draw_grid(ax, table, title=title, colors=(table == rows.sum(0)).int())
    ax.images[-1].set_clim(-0.3, 1.9)  # one scale for all three: pale is 0, dark is 1
    ax.set_xticks(range(4), labels=[f"chunk {c}" for c in range(4)], minor=True, fontsize=8)
    ax.set_yticks(range(4), labels=[f"p{p}" for p in range(4)], minor=True)
    ax.tick_params(which="minor", length=0)
plt.show()
for n in (4, 64):
    print(f"with {n:2} processes each sends {2 * (n - 1) / n:.2f} vectors in all")

# %% [markdown]
# *Dark cells are finished sums: one for each process after the first half, all of them after the second.* (Here process
# 0 finishes chunk 1, and process 3 finishes chunk 0; that depends on where each chunk's trip begins. A library arranges
# the trips so that process p gets chunk p.) A process sends $2(n-1)/n$ vectors: 1.5 with four, 1.97 with 64. **Never
# more than two, however many there are.** (The number of rounds does grow. Where vectors are short, the rounds cost
# more than the bytes, and NCCL takes a tree instead.)

# %% [markdown] tags=["deeper"]
# ## Deal the rows yourself

# %% [markdown]
# ### Exercise gpu-6 · difficulty 3 · 8 minutes
# Write `my_rows(n, rank, world, epoch, seed)`: the row numbers (a list of ints) that this rank reads in this epoch. All
# ranks together read every row at most once, and each reads the same number of rows, `n // world`. The rest (fewer than
# `world` rows) stays out. All rows are shuffled before they are dealt, so that a rank gets other rows in each epoch.
# The order depends on `seed` *and* on `epoch`, and is the same whenever it is asked for. The global random generator
# stays untouched.
#
# <details><summary>Hint 1</summary>All ranks must draw the same permutation. So what may the generator's seed depend on, and what not?</details>
# <details><summary>Hint 2</summary>Seed a <code>torch.Generator</code> with <code>seed + epoch</code>, draw <code>torch.randperm</code>, cut it to a multiple of world, and take every world-th row, beginning at rank.</details>

# %% tags=["exercise"] id="gpu-6" objective="together"
def my_rows(n: int, rank: int, world: int, epoch: int, seed: int) -> list[int]:
    """Row numbers of this rank in this epoch: shuffled, disjoint from the other ranks', equally many."""
    ### BEGIN SOLUTION
    deck = torch.randperm(n, generator=torch.Generator().manual_seed(seed + epoch))
    return deck[: n // world * world][rank::world].tolist()
    ### END SOLUTION

# %% tags=["check"]
with check("gpu-6") as c:
    before, sizes = torch.get_rng_state(), ((50, 4, 7), (23, 3, 100))
    for n, world, seed in sizes:
        hands = [c.attempted(my_rows(n, r, world, 3, seed)) for r in range(world)]
        c.kind(hands[0], list[int])
        c.equal([len(h) for h in hands], [n // world] * world, because="n // world each: cut the rest off")
        c.equal(len({*sum(hands, [])}), n // world * world, because="no overlap", mistakes={
                n // world: "all ranks read the same rows"})
        c.true(max(sum(hands, [])) < n, observed=f"row {max(sum(hands, []))} of {n}", expected="rows that exist")
        asked = ((4, seed), (3, seed + 1), (3, seed))
        same = ["same" if my_rows(n, 0, world, *es) == hands[0] else "other" for es in asked]
        c.equal(same, ["other", "other", "same"], because="epoch and seed rule the order", mistakes=[
                (["same"] * 3, "shuffle the rows"), (["same", "other", "same"], "set_epoch was forgotten")])
        many = [{*my_rows(n, r, world, e, seed)} for e in range(30) for r in range(world)]
        c.true(many[0] != many[world], observed="the same rows in each epoch", expected="others in each",
               likely="shuffle first, then deal")
        c.equal(len(set().union(*many)), n, because="over the epochs every row has its turn", mistakes={
                n // world * world: "cut after the shuffle, or the last rows never come"})
        jumps = {b - a for a, b in zip(hands[0], hands[0][1:])}
        c.true(len(jumps) > 3, observed="even jumps", expected="shuffled rows")
    c.equal(torch.equal(before, torch.get_rng_state()), True, because="draw from a generator of its own",
            mistakes={False: "the global generator was seeded or used"})

# %% [markdown] tags=["solution"]
# The same deck for everybody, dealt in turn. `seed + epoch` is what `DistributedSampler` does as well. It has a small flaw: epoch 1 with seed 0 has the order
# of epoch 0 with seed 1.

# %% [markdown] tags=["instructor"]
# **Watch for** `manual_seed(seed + epoch + rank)`: looks careful, reads a quarter of the rows twice and leaves others out, and
# nothing ever complains. **Timing:** 8 minutes. **A question for the room:** why not give each rank one contiguous half of the file?

# %% [markdown] tags=["deeper"]
# ## When the model itself is too large: FSDP2
#
# DDP keeps everything in every process. Eight GPUs then hold eight copies of parameters, gradients and Adam's averages:
# sixteen bytes for each weight, eight times over. **Fully sharded data parallel** cuts each of them into shares. Just
# before a layer computes, its weights are brought together (all-gather); after backward, the gradients are added and
# dealt out (reduce-scatter: the side door *A ring that sums*). In between, each process holds only its share.
#
# `fully_shard` works on the CPU too, so you can look. Each linear layer is sharded first, then the whole model; the
# result is compared with a plain model.

# %%
SHARDED = """
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from train_distributed import make_data, make_model
import torch.nn.functional as F

X, y = (part[:64] for part in make_data(0).tensors)
plain, sharded, mesh = make_model(0), make_model(0), init_device_mesh("cpu", (2,))
for module in (sharded[0], sharded[2], sharded):
    fully_shard(module, mesh=mesh)
for model, rows in ((plain, slice(None)), (sharded, slice(rank, None, 2))):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)  # after sharding: it holds shares
    for _ in range(5):
        F.mse_loss(model(X[rows]), y[rows]).backward()
        optimizer.step()
        optimizer.zero_grad()
pairs = zip(sharded.parameters(), plain.parameters(), strict=True)
gap = max((a.full_tensor() - b).abs().max().item() for a, b in pairs)
held = [tuple(p.to_local().shape) for p in sharded.parameters()]
print(f"rank {rank} holds {held}; off by {gap:.7f} from one process")
"""

# %% [markdown]
# **Predict before you run:** the weights have shapes (64, 8), (64,), (1, 64) and (1,). What does each of two processes hold?

# %% within="0.000001"
try:
    print(*ask(pair, SHARDED), sep="\n")
except RuntimeError as error:  # PyTorch 2.6 shards on GPUs only
    print("skipped: this PyTorch cannot shard on a CPU:", str(error).strip().splitlines()[-1])

# %% [markdown]
# Rows are dealt out: 32 of 64 each. A layer with a single row cannot be cut: rank 0 holds it, rank 1 none of it. The
# parameters are `DTensor`s: they know their whole shape and keep a part. After five steps the weights, put together, are those of
# one process.
#
# The price is traffic: weights travel in forward and again in backward, gradients once: three trips, where DDP's all-reduce makes two. So: **DDP as long as the
# model fits, FSDP
# when it does not.** Saving differs too: each process writes its share (`torch.distributed.checkpoint`).

# %% [markdown] tags=["deeper"]
# ## Several machines
#
# The script does not change. The command is given once *on every machine*:
#
# ```
# TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 torchrun --nnodes 2 --nproc-per-node 4 --max-restarts 3 \
#     --rdzv-backend c10d --rdzv-id run7 --rdzv-endpoint first-machine:29500 \
#     lessons/train_distributed.py --checkpoint /shared/run.pt
# ```
#
# One trap, of which the script's comment warns: `torchrun`'s notice board stays up, and when restarted processes meet there, the
# addresses of the dead ones still hang on it. So the script puts the number of the start in front of every name (`PrefixStore`),
# and reads only fresh notes.
#
# (The command's variable is for restarts of several machines. Each counts only the deaths of its own processes, so two machines may not agree
# on the number of the start; with the variable every start gets a new notice board, and the script needs no number.)
#
# | variable | set by torchrun to | with 2 machines of 4 GPUs |
# |---|---|---|
# | `WORLD_SIZE` | processes in all | 8 |
# | `RANK` | my number among all | 0 … 7 |
# | `LOCAL_RANK` | my number on this machine; chooses the GPU | 0 … 3 |
# | `LOCAL_WORLD_SIZE` | processes on this machine | 4 |
# | `MASTER_ADDR`, `MASTER_PORT` | where the notice board hangs | the machine of rank 0 |
# | `TORCHELASTIC_RESTART_COUNT` | how often this machine began anew because one of *its* processes died | 0, then 1, … |
#
# `RANK` is the machine's number times the processes of a machine, plus `LOCAL_RANK`.
#
# *What does not change*: the script, the batch of all processes together (`--batch-size`), the proof. *What does*: the
# checkpoint must lie where all machines can read and write it; every machine needs the same code and data; `RANK` and
# `LOCAL_RANK` differ, and the GPU is picked by `LOCAL_RANK` (the script does so already); the machines must reach each
# other, at port 29500 to meet and at any free port to work; and the network between machines is many times slower than
# the one inside. When something hangs, `NCCL_DEBUG=INFO` and `TORCH_DISTRIBUTED_DEBUG=DETAIL` make the libraries talk.
# `--nnodes 1:4` is elastic: the run goes on with as many machines as are left, so long as `first-machine` is one of them, because the meeting place runs there. Then
# the world size changes, and with it each process's share of the batch; so choose
# one that every possible world can share. (The 64 of this script can't be dealt to the 12 processes of three machines; `--batch-size 48` goes with 4, 8, 12 and 16.)

# %% [markdown] tags=["deeper"]
# ## What will more machines gain you?
#
# Measure one and two, then extrapolate, and **name the assumption**. The one here is Amdahl's: a share $s$ of each step cannot be divided (waiting, sending,
# launching), the rest divides perfectly. With $n$ processes
#
# $$\text{speed-up}(n) = \frac{1}{s + (1-s)/n}$$

# %%
def speed_up(n, s):
    """Amdahl: how many times faster n processes are, if the share s of the work cannot be divided."""
    return 1 / (s + (1 - s) / n)


for s in (0.0, 0.01, 0.05, 0.2):
    print(f"s = {s:4.0%}: " + "  ".join(f"{n:4} → {speed_up(n, s):5.1f}" for n in (2, 4, 16, 64, 1024)))

# %% [markdown]
# Read the line for 5 %: sixteen machines are 9.1 times faster than one, a thousand not even 20 times.
#
# Now measure. The two ways take turns on the same batch of 2,048 rows: once rank 0 works alone while rank 1 idles, once
# each takes one half and an all-reduce adds the gradients. The quickest of eight turns counts, and all of it is done
# twice.

# %%
PACE = """
import time
from torch import nn

torch.set_num_threads(1)
net, X = nn.Sequential(nn.Linear(256, 512), nn.ReLU(), nn.Linear(512, 256)), torch.randn(2048, 256)

def seconds(rows, together):
    dist.barrier()
    begin = time.perf_counter()
    net(rows).square().mean().backward()
    if together:
        for p in net.parameters():
            dist.all_reduce(p.grad)
    return time.perf_counter() - begin

for _ in range(2):
    turns = [(seconds(X if rank == 0 else X[:1], False), seconds(X[rank::2], True)) for _ in range(8)]
    alone, shared = map(min, zip(*turns))
    print(alone / shared)
"""

# %% tags=["nbval-ignore-output"] reason="a ratio of two times differs from machine to machine"
measured = [float(line) for line in ask(pair, PACE)[0].splitlines()]
shares = [min(1.0, max(0.0, 2 / gain - 1)) for gain in measured]  # Amdahl with n = 2, solved for s
print("speed-up with two processes, measured twice:", [round(gain, 2) for gain in measured])

# %% alt="Speed-up against the number of processes, 1 to 64, on logarithmic axes. A dashed diagonal shows the ideal, as many times faster as there are processes. A dotted curve is Amdahl's law with 5 %. Measured points stand at 1 and at 2 processes. From them a shaded band is extrapolated with Amdahl's law; it bends away from the diagonal and levels off."
many = [1, 2, 4, 8, 16, 32, 64]
fig, ax = plt.subplots(figsize=(6.5, 3.4))
ax.plot(many, many, "--", color="#777777", label="ideal: s = 0")
ax.plot(many, [speed_up(count, 0.05) for count in many], ":", color="#333333", label="Amdahl with s = 5 %")
low, high = ([speed_up(count, share) for count in many] for share in (max(shares), min(shares)))
ax.fill_between(many, low, high, color=TRAIN, alpha=0.25)
ax.plot(many, low, color=TRAIN, lw=1, label="extrapolated from the points")
ax.plot(many, high, color=TRAIN, lw=1)
ax.plot([1, 2, 2], [1, *measured], "o", color=VALID, label="measured here, twice")
ax.set(xscale="log", yscale="log", xlabel="processes", ylabel="speed-up")
ax.set_xticks(many, labels=many)
ax.set_yticks(many, labels=many)
ax.minorticks_off()
ax.legend(loc="upper left", fontsize=9)
plt.show()

# %% [markdown]
# *Two measurements with two processes; the band between the blue curves is what Amdahl's law makes of them.* A point at
# 2 means that two processes took half the time of one: nothing was lost, $s = 0$, and the curve is the diagonal. (A little above 2 is the
# clock's noise, or two caches that hold more than one.) Near 2, a small difference between the points becomes a wide band at 64, which says *we do not know*: never
# extrapolate
# from one measurement.
# Two processes on one laptop share memory and cache, and perhaps the cores with your browser. (A point below 1 means that two processes were *slower*: the second
# core had other work, or the all-reduce cost more than sharing saved. Amdahl's law knows no such thing; then $s$ is set to 1, and the curve is flat.)
#
# Amdahl's assumption is optimistic in one way (in the ring of *A ring that sums* each sends at most two vectors, but rounds and waiting grow with the number of
# machines) and pessimistic in another: nobody is
# forced to keep the *whole* batch the same. If each machine keeps its own batch and the batch of all grows, the divisible part
# grows too; that is **weak scaling**, and its limit is how large a batch still learns well.
#
# ### Exercise gpu-7 · difficulty 2 · 5 minutes
# Turn Amdahl around. `serial_share(n, ratio)`: with n processes you measured a speed-up of `ratio`; what is $s$? And
# `limit(n, ratio)`: how many times faster can the work get at most, with any number of processes, if that $s$ is right?
# Both return floats; `limit` returns `float("inf")` when $s$ is 0.
#
# <details><summary>Hint 1</summary>Write 1/ratio = s + (1 − s)/n and solve for s.</details>
# <details><summary>Hint 2</summary>(1/ratio − 1/n) divided by (1 − 1/n). For the limit, let n grow: 1/s.</details>

# %% tags=["exercise"] id="gpu-7" objective="scale"
def serial_share(n: int, ratio: float) -> float:
    """The share of the work that cannot be divided, from a measured speed-up with n processes."""
    ### BEGIN SOLUTION
    return (n / ratio - 1) / (n - 1)
    ### END SOLUTION


def limit(n: int, ratio: float) -> float:
    """The speed-up that no number of processes can exceed."""
    ### BEGIN SOLUTION
    s = serial_share(n, ratio)
    return 1 / s if s > 0 else float("inf")
    ### END SOLUTION

# %% tags=["check"]
with check("gpu-7") as c:
    for n, s in ((2, 0.1), (8, 0.05)):
        r = speed_up(n, s)
        got = c.attempted(serial_share(n, r))
        c.close(got, s, because="Amdahl gives back what was measured", mistakes={
                1 - s: "that is the share that can be divided", 1 - r / n: "that is the lost efficiency",
                2 / r - 1: "right for n = 2 only", n / r - 1: "right for n = 2 only: divide by n - 1 as well",
                1 / r - 1 / n: "the share was divided by n as well"})
        most = c.attempted(limit(n, r))
        c.close(most, 1 / s, mistakes={r: "that is what you measured", n: "the ideal"})
        c.kind(got, float), c.kind(most, float)
    c.close(limit(4, 4.0), float("inf"), because="without a serial share there is no limit")

# %% [markdown] tags=["solution"]
# A speed-up of 1.82 with two processes looks fine and means $s = 10\,\%$: never more than ten times.

# %% [markdown] tags=["instructor"]
# **A question for the room:** a vendor shows 15-fold speed on 16 machines. Which of *strong* and *weak* scaling was measured?
# **Timing:** 5 minutes, with paper. **Watch for** `1 - ratio/n`, the lost efficiency: a different question.

# %% [markdown] tags=["deeper"]
# ## Reproducible, and how far
#
# "The same result" can mean the same bits, the same to rounding, or the same conclusion. Which can you have?
#
# | between two runs with … | the same bits? | what to do |
# |---|---|---|
# | same seed, CPU, same number of threads | yes with one thread; with several nearly always (the gradient of `x[rows]` with a tensor `rows` adds in any order) | seed, own generators (lessons 01, 06); for the rest `torch.use_deterministic_algorithms(True)` |
# | another number of threads | no, to rounding | `torch.set_num_threads` |
# | same seed, same GPU | not by default | `torch.use_deterministic_algorithms(True)`, and `CUBLAS_WORKSPACE_CONFIG=:4096:8` |
# | another number of processes | no, to rounding | the section *The proof* |
# | CPU against GPU, or another card | no, to rounding; *other random numbers* | draw on the CPU |
# | another version of PyTorch | no promise | lock the versions |
#
# Why do bits change at all? A computer's addition forgets what does not fit, and what it forgets depends on the order.

# %%
a, b, c_ = torch.tensor(1e8), torch.tensor(-1e8), torch.tensor(1.0)
print("(a + b) + c =", ((a + b) + c_).item(), "   a + (b + c) =", (a + (b + c_)).item())

# %% [markdown]
# With two threads, each adds up one half, and then the two sums are added: that is another order. Now test the first
# two rows of the table, with a short training twice, and with twenty sums of a million numbers, by one thread and by
# two.

# %%
def short_training():
    """Loss after 20 steps from a fixed start."""
    model = make_model(seed=0)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(20):
        sgd.zero_grad()
        loss = F.mse_loss(model(X), y)
        loss.backward()
        sgd.step()
    return loss.item()


print("same seed, one thread: the losses differ by", abs(short_training() - short_training()))

# %% within="12"
differ, worst = 0, 0.0
for seed in range(20):
    values = torch.rand(1_000_000, generator=torch.Generator().manual_seed(seed))
    sums = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        sums.append(values.sum())
    differ += int(sums[0] != sums[1])
    worst = max(worst, ((sums[0] - sums[1]).abs() / sums[0]).item())
torch.set_num_threads(1)
print(f"sums with other bits with two threads: {differ} of 20, off by at most {worst:.0e} of their value")
assert differ and worst < 1e-6

# %% [markdown]
# Such a sum, stored with all its digits, may not survive a change of threads; rounded to four, it nearly always does. In a training, where each step starts from
# the last one's rounding, the differences grow.
#
# With `use_deterministic_algorithms(True)`, operations that have a deterministic version use it, and operations that have none **raise an error** instead of giving
# you other bits each time. (Lesson 13 meets one.) The last comparison is that of a CPU with a GPU, if you have one:

# %%
if device.type == "cuda":
    g = torch.Generator().manual_seed(0)
    a = torch.randn(512, 512, generator=g)
    here, there = a @ a, (a.to(device) @ a.to(device)).cpu()
    print(f"products up to {here.abs().max():.1f}, off by up to {(here - there).abs().max():.1e}")
    seeded = [torch.Generator(where).manual_seed(0) for where in ("cpu", device)]
    drawn = [torch.rand(3, device=s.device, generator=s).cpu() for s in seeded]
    print("random numbers:", *[[round(v, 3) for v in d.tolist()] for d in drawn])
else:
    print("no CUDA GPU here to compare with")

# %% [markdown]
# On a card expect a small difference, because the order of adding is another one, and other random numbers, because the generator is.
#
# **Seeds in several processes.** Weights must be equal, so seed them equally (DDP copies rank 0's anyway). Dropout and augmentation must *differ*, or all
# processes drop the same units and flip in step: after building the model, seed with `seed + rank`.

# %% within="0.04"
noise = []
for rank in range(2):
    model = make_model(seed=0)  # the same in both
    torch.manual_seed(0 + rank)  # from here on, each its own
    noise.append(F.dropout(torch.ones(1000), p=0.5) > 0)
common = (noise[0] == noise[1]).float().mean().item()
print(f"units on which the two ranks agree: {common:.2f}")
assert 0.4 < common < 0.6

# %% [markdown]
# About half, as two coins do: each rank drops units of its own.

# %% [markdown] tags=["deeper"]
# ## Old code you will meet
#
# | on the web | today | why |
# |---|---|---|
# | `model.cuda()`, `x.cuda()` everywhere | `.to(device)`, with `device` chosen once | runs without CUDA, too |
# | `nn.DataParallel(model)` | `DistributedDataParallel` and `torchrun` | one process drove all GPUs and was the bottleneck |
# | `python -m torch.distributed.launch`, `--local_rank` | `torchrun`, `os.environ["LOCAL_RANK"]` | restarts, and no argument to parse |
# | `torch.cuda.amp.autocast()`, `torch.cuda.amp.GradScaler()` | `torch.autocast("cuda")`, `torch.amp.GradScaler("cuda")` | one spelling for all devices |
# | `FullyShardedDataParallel(model)` | `fully_shard(model)` | FSDP2: each parameter its own `DTensor` |
# | `checkpoint(f, x)` | `checkpoint(f, x, use_reentrant=False)` | the old way breaks with some graphs; say which you want |
# | `time.time()` around a GPU call | `torch.accelerator.synchronize()`, or CUDA events | you have seen the lie |
#
# Old checkpoints hold one more surprise, and you can see it here. A model that was saved from inside DDP, without
# `.module`, has a prefix in every name:

# %%
dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)  # a world of one
try:
    wrapped = nn.parallel.DistributedDataParallel(make_model(seed=0))
    print(list(wrapped.state_dict())[:2], "against", list(wrapped.module.state_dict())[:2])
finally:
    dist.destroy_process_group()

# %%
with expect_error(RuntimeError):
    make_model(seed=0).load_state_dict(wrapped.state_dict())

# %% [markdown]
# The names are right, except for `module.`. To load such a file, take the prefix off:

# %%
state = wrapped.state_dict()
nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")  # in place
print(make_model(seed=0).load_state_dict(state))

# %% [markdown]
# Better: save `model.module.state_dict()`, or keep the plain model beside the
# wrapped one, as the script does.
#
# ### What the side doors added
#
# | call | what it does | in → out |
# |---|---|---|
# | `torch.autocast(kind, dtype)` | 16 bits where that is safe | float32 weights → bfloat16 outputs |
# | `torch.amp.GradScaler` | keeps small float16 gradients alive | loss → scaled loss |
# | `torch.compile(f)` | fuses operations; pay once | function → faster function |
# | `.to(memory_format=torch.channels_last)` | other strides, same shape | `(N, C, H, W)` → `(N, C, H, W)` |
# | `checkpoint(f, x, use_reentrant=False)` | forgets, and computes again | `x` → `f(x)` |
# | `profile(…)`, `record_function(name)` | writes down who worked when | |
# | `model.no_sync()` | under DDP, around all pieces of an accumulated batch but the last: the sum is sent once | |
# | `fully_shard(module)` | each process keeps a share of the weights | `(64, 8)` → `(32, 8)` of two |

# %% [markdown]
# The page ends here, and the two waiting processes end when their input does.

# %%
for process in pair:
    process.stdin.close()
    process.wait(timeout=60)
    process.stdout.close()
sys.path.remove(str(SCRIPT.parent))
scratch.cleanup()
