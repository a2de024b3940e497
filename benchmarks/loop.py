"""How much of a bare loop's throughput do ``utils.fit``, a loop by hand and other libraries keep?

The limit trains the same model on one batch that never leaves memory: no shuffling, no fetching, no
sums. A round is limit, ours, limit, a peer, limit, ours, … , and each contender is compared with the two limits
beside it. The clock runs from a contender's first forward pass to the return of its call, so what it
builds before the first batch is not counted. Model, optimizer, loss, batch and clipping are the same for all.
"""

from __future__ import annotations

import functools
import gc
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.rounds import Job, Row, alone, rounds
from utils import accuracy, fit, make_loader

from lesson import functions  # isort: skip


class Task(NamedTuple):
    model: Callable[[], nn.Module]
    data: Callable[[int], tuple[Tensor, Tensor]]  # so many rows
    loss_fn: Callable[[Tensor, Tensor], Tensor]
    optimizer: functools.partial  # of its class
    batch: int
    steps: int
    scored: bool = False  # accuracy is measured, too
    shuffle: bool = True
    clip: float | None = None

    def optimize(self, model: nn.Module) -> torch.optim.Optimizer:
        return self.optimizer(model.parameters())

    def loader(self, X: Tensor, y: Tensor) -> DataLoader:
        return DataLoader(TensorDataset(X, y), batch_size=self.batch, shuffle=self.shuffle)


@functools.cache
def tasks() -> dict[str, Task]:
    (LeNet,) = functions("07_lenet_cifar10", "LeNet")
    (PatientNet,) = functions("05_diabetes_mlp", "PatientNet")
    CharLM, Carried, next_loss = functions("10_lstm", "CharLM", "Carried", "next_loss")
    _, GPT = functions("12_attention_gpt", "Block", "GPT")

    def characters(n: int) -> tuple[Tensor, Tensor]:
        text = torch.randint(65, (n, 65))
        return text[:, :-1].contiguous(), text[:, 1:].contiguous()

    optim = torch.optim
    return {
        "LeNet, batch 64": Task(
            functools.partial(LeNet, 3),
            lambda n: (torch.randn(n, 3, 32, 32), torch.randint(10, (n,))),
            nn.CrossEntropyLoss(), functools.partial(optim.SGD, lr=0.01, momentum=0.9), 64, 60, True,
        ),
        "diabetes MLP, batch 32": Task(
            PatientNet, lambda n: (torch.randn(n, 8), torch.randint(2, (n, 1)).float()),
            nn.BCEWithLogitsLoss(), functools.partial(optim.AdamW, lr=0.003), 32, 300, True,
        ),
        "LSTM of lesson 10": Task(
            lambda: Carried(CharLM(65)), characters, next_loss,
            functools.partial(optim.Adam, lr=0.002), 32, 8, shuffle=False, clip=1.0,
        ),
        "GPT of lesson 12": Task(
            lambda: GPT(65), characters, next_loss, functools.partial(optim.AdamW, lr=0.002), 16, 20
        ),
    }  # fmt: skip


def bare(task: Task, model: nn.Module, X: Tensor, y: Tensor) -> None:
    optimizer, xb, yb = task.optimize(model), X[: task.batch].clone(), y[: task.batch].clone()
    for _ in range(len(X) // task.batch):
        loss = task.loss_fn(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        if task.clip:
            nn.utils.clip_grad_norm_(model.parameters(), task.clip)
        optimizer.step()


def ours(task: Task, model: nn.Module, X: Tensor, y: Tensor) -> None:
    loader = make_loader(X, y, batch_size=task.batch, shuffle=task.shuffle)
    metrics = {"accuracy": accuracy} if task.scored else None
    fit(
        model, loader, task.loss_fn, task.optimize(model), epochs=1, metrics=metrics,
        clip_norm=task.clip, progress=False,
    )  # fmt: skip


def by_hand(task: Task, model: nn.Module, X: Tensor, y: Tensor) -> None:
    """The loop of most tutorials: one sample at a time from the data set, then collated."""
    optimizer, total, right = task.optimize(model), 0.0, 0.0
    for xb, yb in task.loader(X, y):
        logits = model(xb)
        loss = task.loss_fn(logits, yb)
        optimizer.zero_grad()
        loss.backward()
        if task.clip:
            nn.utils.clip_grad_norm_(model.parameters(), task.clip)
        optimizer.step()
        total += loss.item() * len(yb)
        if task.scored:
            right += accuracy(logits, yb).item() * len(yb)


def skorch(task: Task, model: nn.Module, X: Tensor, y: Tensor) -> None:
    from skorch import NeuralNet
    from skorch.callbacks import GradientNormClipping

    class Criterion(nn.Module):
        def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
            return task.loss_fn(outputs, targets)

    clip = [GradientNormClipping(task.clip)] if task.clip else []
    NeuralNet(
        model, criterion=Criterion, optimizer=lambda named, **_: task.optimize(model), max_epochs=1,
        batch_size=task.batch, train_split=None, iterator_train__shuffle=task.shuffle, verbose=0,
        callbacks=clip,
    ).fit(X, y)  # fmt: skip


def lightning(task: Task, model: nn.Module, X: Tensor, y: Tensor) -> None:
    from lightning.pytorch import LightningModule, Trainer

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def training_step(self, batch: Any, _: int) -> Tensor:
            loss = task.loss_fn(self.model(batch[0]), batch[1])
            self.log("loss", loss, on_step=False, on_epoch=True)
            return loss

        def configure_optimizers(self) -> Any:
            return task.optimize(model)

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, gradient_clip_val=task.clip,
    ).fit(Module(), task.loader(X, y))  # fmt: skip


def fastai(task: Task, model: nn.Module, X: Tensor, y: Tensor) -> None:
    from fastai.basics import DataLoaders, Learner, OptimWrapper
    from fastai.callback.training import GradientClip

    # shown as the loss of validation, an epoch's end: it is given none to do
    dls = DataLoaders(task.loader(X, y), [], device=torch.device("cpu"))
    learner = Learner(
        dls, model, loss_func=task.loss_fn, train_bn=True,
        opt_func=lambda params, **_: OptimWrapper(opt=task.optimize(model)),
        cbs=[GradientClip(task.clip)] if task.clip else None,
    )  # fmt: skip
    with learner.no_bar(), learner.no_logging():
        learner.fit(1)


def keras(task: Task, model: nn.Module, X: Tensor, y: Tensor) -> None:
    import keras

    class Wrapped(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = keras.layers.TorchModuleWrapper(model)

        def call(self, inputs: Any) -> Any:
            return self.inner(inputs)

    options = dict(task.optimizer.keywords)
    kind = getattr(keras.optimizers, task.optimizer.func.__name__)
    optimizer = kind(learning_rate=options.pop("lr"), global_clipnorm=task.clip, **options)
    whole, kind_of_y = Wrapped(), y.dtype  # Keras makes floats of the targets
    whole.compile(optimizer, loss=lambda y, outputs: task.loss_fn(outputs, y.to(kind_of_y)))
    whole.fit(task.loader(X, y), epochs=1, verbose=0)


def accelerate(task: Task, model: nn.Module, X: Tensor, y: Tensor) -> None:
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    model, optimizer, loader = accelerator.prepare(model, task.optimize(model), task.loader(X, y))
    total, right = 0.0, 0.0
    for xb, yb in loader:
        logits = model(xb)
        loss = task.loss_fn(logits, yb)
        optimizer.zero_grad()
        accelerator.backward(loss)
        if task.clip:
            accelerator.clip_grad_norm_(model.parameters(), task.clip)
        optimizer.step()
        total += loss.item() * len(yb)
        if task.scored:
            right += accuracy(logits, yb).item() * len(yb)


Contender = Callable[[Task, nn.Module, Tensor, Tensor], None]
CONTENDERS: dict[str, tuple[Contender, str]] = {  # and what each reports of an epoch
    "utils.fit": (ours, "loss, accuracy"),
    "by hand": (by_hand, "loss, accuracy"),
    "Accelerate": (accelerate, "loss, accuracy"),
    "skorch": (skorch, "loss"),
    "Lightning": (lightning, "loss"),
    "fastai": (fastai, "loss"),
    "Keras": (keras, "loss"),
}


def seconds(run: Contender, task: Task, data: tuple[Tensor, Tensor]) -> float:
    """From the first forward pass to the return of the call."""
    torch.manual_seed(0)
    model, started = task.model(), []

    def start(*_: Any) -> None:
        started.append(time.perf_counter())
        hook.remove()

    hook = model.register_forward_pre_hook(start)
    gc.collect()  # what the last contender left behind is not this one's
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run(task, model, *data)
    return time.perf_counter() - started[0]


def one_round(name: str, number: int, steps: int | None = None) -> Row:
    """Seconds and ratios to the limits beside it of every contender; who begins changes by the round.

    Ours has a goal in points, so it takes a turn before every peer, and its median counts. Each round has a
    process of its own: one process keeps a pace of its own, which would move a whole run.
    """
    gc.freeze()  # the libraries' own objects need not be looked at in every collection
    task, missing = tasks()[name], {}
    torch.manual_seed(number)
    data = task.data(task.batch * (steps or task.steps))
    few = tuple(tensor[: 2 * task.batch] for tensor in data)
    for who, (run, _) in {
        "limit": (bare, ""),
        **CONTENDERS,
    }.items():  # what only a first call costs
        try:
            seconds(run, task, few)
        except ImportError as error:
            missing[who] = str(error)
    own, *peers = [who for who in CONTENDERS if who not in missing]
    turn = number % len(peers)
    limits, took, ratios = [seconds(bare, task, data)], {}, {}
    for who in [who for peer in peers[turn:] + peers[:turn] for who in (own, peer)]:
        spent = seconds(CONTENDERS[who][0], task, data)
        limits.append(seconds(bare, task, data))
        took.setdefault(who, []).append(spent)
        ratios.setdefault(who, []).append((limits[-2] + limits[-1]) / 2 / spent)
    row = {"steps": len(data[0]) // task.batch, "limits": limits}
    row |= {"seconds": {who: statistics.median(s) for who, s in took.items()}}
    row |= {"ratios": {who: statistics.median(r) for who, r in ratios.items()}}
    return {**row, "missing": missing} if missing else row


def jobs(tiny: bool = False) -> list[Job]:
    steps, count = (2, 1) if tiny else (None, 10)

    def measured(task: str, number: int) -> Row:
        return alone(functools.partial(one_round, task, number, steps))

    return rounds({task: functools.partial(measured, task) for task in tasks()}, count)
