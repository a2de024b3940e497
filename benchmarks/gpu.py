"""On a GPU: the lessons' cells against the CPU, and a residual network to 94 % of CIFAR-10 in 15 s.

Where there is no GPU, one epoch of the same code goes over a few pictures with a narrow network, so that the
code is known to run; its numbers say nothing, and the page marks them as not measured.

The network grows out of lesson 07: its Prepare layer's bytes and mirrors, one cycle, BatchNorm, and its residual block, with
BatchNorm inside. What is added for a card: pictures stay on it, moves by up to four pixels are made there for a whole
batch, channels_last, bfloat16 where that is safe, label smoothing, large batches.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.costs import executed, lessons
from benchmarks.results import photographs
from benchmarks.rounds import Job, Row, pin
from utils import accuracy, evaluate, get_device, make_loader

BATCH, EPOCHS, RATE = 512, 20, 0.4


class Residual(nn.Module):
    """Lesson 07's block with BatchNorm inside: (N, C, H, W) → the same shape."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.correction = nn.Sequential(*stage(channels, channels), *stage(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.correction(x)


def stage(inputs: int, outputs: int, pool: bool = False) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return [convolution, *[nn.MaxPool2d(2)] * pool, nn.BatchNorm2d(outputs), nn.ReLU()]


class Scaled(nn.Module):
    """Bytes (N, 3, 32, 32) → normalized floats; in training half are mirrored, all moved by up to 4 pixels."""

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean.view(3, 1, 1))
        self.register_buffer("std", std.view(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = (x / 255 - self.mean) / self.std
        if self.training:
            x = torch.where(torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5, x.flip(3), x)
            x = moved(x, 4)
        return x.contiguous(memory_format=torch.channels_last)


def moved(x: Tensor, most: int) -> Tensor:
    """Each picture of (N, C, H, W) moved by its own −most to most rows and columns, mirrored at the rim."""
    n, _, height, width = x.shape
    wide = F.pad(x, [most] * 4, mode="reflect")
    down, right = torch.randint(2 * most + 1, (2, n, 1, 1, 1), device=x.device)
    rows = down + torch.arange(height, device=x.device).view(1, 1, -1, 1)
    columns = right + torch.arange(width, device=x.device).view(1, 1, 1, -1)
    pictures = torch.arange(n, device=x.device).view(-1, 1, 1, 1)
    channels = torch.arange(x.shape[1], device=x.device).view(1, -1, 1, 1)
    return wide[pictures, channels, rows, columns]


class Tempered(nn.Module):
    """A last layer whose logits are made small: the loss is gentle at first."""

    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) / 8


def residual_net(mean: Tensor, std: Tensor, width: int = 64) -> nn.Module:
    """Bytes (N, 3, 32, 32) → logits (N, 10); 6.6 million parameters at width 64."""
    body = [
        *stage(3, width),
        *stage(width, 2 * width, pool=True), Residual(2 * width),
        *stage(2 * width, 4 * width, pool=True),
        *stage(4 * width, 8 * width, pool=True), Residual(8 * width),
        nn.MaxPool2d(4), nn.Flatten(), Tempered(8 * width, 10),
    ]  # fmt: skip
    return nn.Sequential(Scaled(mean, std), *body).to(memory_format=torch.channels_last)


def learn(model: nn.Module, X: Tensor, y: Tensor, epochs: int, batch: int) -> None:
    """One cycle of SGD with label smoothing in bfloat16; X and y stay where the model is."""
    loader = make_loader(X, y, batch_size=batch, shuffle=True, drop_last=True)
    decay = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": decay, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=RATE, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, RATE, total_steps=epochs * len(loader), pct_start=0.2, cycle_momentum=False
    )
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)
    model.train()
    for _ in range(epochs):
        for xb, yb in loader:
            with torch.autocast(X.device.type, torch.bfloat16):
                loss = loss_fn(model(xb), yb)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()


def to_94(seed: int, small: bool, compiled: bool = False) -> Row:
    """Seconds of training and accuracy on the test pictures; one epoch warms the card up beforehand."""
    pin()
    device = get_device()
    X, y, X_test, y_test = (part.to(device) for part in photographs(small))
    mean = X.float().mean((0, 2, 3)) / 255
    std = X.float().std((0, 2, 3)) / 255
    torch.manual_seed(seed)
    width, epochs, batch = (8, 1, 64) if small else (64, EPOCHS, BATCH)

    def fresh() -> nn.Module:
        made = residual_net(mean, std, width).to(device)
        if compiled:
            made.compile(mode="max-autotune")
        return made

    learn(fresh(), X[: 2 * batch], y[: 2 * batch], 1, batch)
    model = fresh()
    wait()
    started = time.perf_counter()
    learn(model, X, y, epochs, batch)
    wait()
    seconds = time.perf_counter() - started
    held_out = make_loader(X_test, y_test, batch_size=1000)
    measured = evaluate(model, held_out, metrics={"accuracy": accuracy})
    return {"seconds": seconds, "accuracy": measured["accuracy"], "measured": not small}


def wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def on_both(number: int) -> Row:
    """Seconds of a lesson's full edition on the CPU and on the GPU, one after the other."""
    devices = {"cpu": "cpu", "gpu": str(get_device())}
    return {
        name: executed(lessons()[number], False, COURSE_DEVICE=device, COURSE_STRICT="")["seconds"]
        for name, device in devices.items()
    }


def jobs(tiny: bool = False) -> list[Job]:
    small = tiny or not torch.cuda.is_available()
    made: dict[str, tuple[int, Callable[[int], Row]]] = {
        "94 % of CIFAR-10": (1 if small else 5, functools.partial(to_94, small=small))
    }
    if not small:
        made["94 % of CIFAR-10, compiled"] = 5, functools.partial(to_94, small=False, compiled=True)
    found = [
        Job(t, n, functools.partial(f, n)) for t, (count, f) in made.items() for n in range(count)
    ]
    if not small:
        found += [
            Job(f"lesson {m.stem[:2]}", 0, functools.partial(on_both, n))
            for n, m in enumerate(lessons())
        ]
    return found
