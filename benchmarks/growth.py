"""What happens with ten times the data, the batch or the epochs: seconds a row, and memory.

Each measurement has a process of its own, forked from one that has imported everything, so that its peak
of memory is its own. Two further numbers are counted in bytes: what a History keeps of an epoch, and what the
sums of loss and metrics hold after many batches.
"""

from __future__ import annotations

import functools
import pickle
import time
from collections.abc import Callable
from typing import Any

import torch
import torch._dynamo  # as the first optimizer does, in seconds that are not its own
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.rounds import Job, Row, alone, memory, rounds
from utils import accuracy, evaluate, fit, make_loader
from utils.data import cifar10, diabetes, shakespeare, surnames

ROWS, BATCH = (2_000, 20_000, 200_000), (8, 80, 800)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def tensors(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(rows, 64), torch.randint(10, (rows,))


def spent(work: Callable[[], Any], rows: int) -> Row:
    """Seconds a row and MB that the work adds to what was there, at its highest."""
    before, started = memory()["megabytes"], time.perf_counter()
    kept = work()
    seconds = time.perf_counter() - started
    more = {"bytes": kept} if isinstance(kept, int) else {}
    return {"seconds": seconds / rows, "megabytes": memory()["megabytes"] - before, **more}


def trained(rows: int, batch: int = 80, epochs: int = 1) -> Row:
    X, y = tensors(rows)
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = make_loader(X, y, batch_size=batch, shuffle=True)

    def work() -> int:
        history = fit(
            model, loader, nn.CrossEntropyLoss(), optimizer, epochs=epochs, progress=False,
            val_loader=loader if epochs > 1 else None, metrics={"accuracy": accuracy},
        )  # fmt: skip
        return len(pickle.dumps(history.rows))

    return spent(work, rows * epochs)


def passed(kind: str, rows: int, batch: int = 80) -> Row:
    """One pass over the batches, nothing else."""
    X, y = tensors(rows)
    ours = make_loader(X, y, batch_size=batch, shuffle=True)
    theirs = DataLoader(TensorDataset(X, y), batch_size=batch, shuffle=True)
    loader: Any = ours if kind == "make_loader" else theirs
    return spent(lambda: [None for _ in loader], rows)


def judged(rows: int) -> Row:
    """``evaluate`` with a metric: its sums must not grow with the data."""
    X, y = tensors(2_000)
    few = make_loader(X, y, batch_size=80)
    batches = list(few)

    class Again:
        def __iter__(self) -> Any:
            return (batches[n % len(batches)] for n in range(rows // 80))

    measured = functools.partial(evaluate, network(), Again(), nn.CrossEntropyLoss())
    return spent(lambda: measured({"accuracy": accuracy}), rows)


def loaded(name: str) -> Row:
    """A data set's loader, the first call in a process, with all checks of its files."""
    made = {
        "diabetes": diabetes,
        "cifar10": cifar10,
        "surnames": surnames,
        "shakespeare": shakespeare,
    }
    return spent(made[name], 1)


def tasks(tiny: bool = False) -> dict[str, Callable[[], Row]]:
    some, part = (80, 160, 320) if tiny else ROWS, functools.partial
    made: dict[str, Callable[[], Row]] = {}
    for rows in some:
        made[f"rows, fit: {rows}"] = part(trained, rows)
        made[f"rows, make_loader: {rows}"] = part(passed, "make_loader", rows)
        made[f"rows, DataLoader: {rows}"] = part(passed, "DataLoader", rows)
        made[f"rows, evaluate: {rows}"] = part(judged, rows)
    for batch in BATCH:
        made[f"batch, fit: {batch}"] = part(trained, some[1], batch)
        made[f"batch, make_loader: {batch}"] = part(passed, "make_loader", some[1], batch)
        made[f"batch, DataLoader: {batch}"] = part(passed, "DataLoader", some[1], batch)
    for epochs in (1, 2, 4) if tiny else (2, 20, 200):
        made[f"epochs, fit: {epochs}"] = part(trained, some[0], epochs=epochs)
    for name in ("diabetes", "surnames", "shakespeare", *([] if tiny else ["cifar10"])):
        made[f"data, {name}: 1"] = part(loaded, name)
    return made


def jobs(tiny: bool = False) -> list[Job]:
    found = {task: functools.partial(alone, work) for task, work in tasks(tiny).items()}
    return rounds(found, 1 if tiny else 5)
