"""How much of a bare loop's throughput does ``utils.fit`` keep?

    python benchmarks/fit.py            ours, the naive DataLoader loop, and installed peers
    python benchmarks/fit.py --rounds 9

The bare loop trains the same model on one batch that never leaves memory: no shuffling, no fetching,
no metrics. Every contender trains on shuffled data and reports loss and accuracy, training set and all.
They take turns in every round, so a busy machine slows them alike; the table shows medians of ratios.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

from utils import accuracy, fit, make_loader


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2)
    )


TASKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int, int, int]] = {
    # name: model, shape of one sample, classes, batch size, batches
    "LeNet, batch 64": (lenet, (3, 32, 32), 10, 64, 150),
    "MLP 8-64-32-2, batch 32": (mlp, (8,), 2, 32, 1500),
}


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)


def bare(model: nn.Module, X: torch.Tensor, y: torch.Tensor, batch: int) -> None:
    loss_fn, optimizer = nn.CrossEntropyLoss(), sgd(model)
    xb, yb = X[:batch].clone(), y[:batch].clone()
    for _ in range(len(X) // batch):
        optimizer.zero_grad()
        loss_fn(model(xb), yb).backward()
        optimizer.step()


def ours(model: nn.Module, X: torch.Tensor, y: torch.Tensor, batch: int) -> None:
    loader = make_loader(X, y, batch_size=batch, shuffle=True)
    metrics = {"accuracy": accuracy}
    fit(model, loader, nn.CrossEntropyLoss(), sgd(model), epochs=1, metrics=metrics)


def naive(model: nn.Module, X: torch.Tensor, y: torch.Tensor, batch: int) -> None:
    """The loop of most tutorials: one sample at a time from the data set, then collated."""
    loss_fn, optimizer = nn.CrossEntropyLoss(), sgd(model)
    total, right = 0.0, 0
    for xb, yb in DataLoader(TensorDataset(X, y), batch_size=batch, shuffle=True):
        logits = model(xb)
        loss = loss_fn(logits, yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(yb)
        right += (logits.argmax(1) == yb).sum().item()


def skorch_net(model: nn.Module, X: torch.Tensor, y: torch.Tensor, batch: int) -> None:
    from skorch import NeuralNetClassifier

    NeuralNetClassifier(
        model, criterion=nn.CrossEntropyLoss, optimizer=torch.optim.SGD, optimizer__momentum=0.9,
        max_epochs=1, batch_size=batch, train_split=None, iterator_train__shuffle=True, verbose=0,
    ).fit(X.numpy(), y.numpy())  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    contenders = {"utils.fit": ours, "naive loop": naive}
    try:
        import skorch  # noqa: F401

        contenders["skorch"] = skorch_net
    except ImportError:
        print("skorch is not installed; 'pip install -e .[benchmarks]' adds it to the table.")
    for task, (make, shape, classes, batch, count) in TASKS.items():
        torch.manual_seed(0)
        X, y = torch.randn(batch * count, *shape), torch.randint(classes, (batch * count,))
        ratios: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in tqdm(range(rounds), desc=task, unit="round"):
            for name, run in contenders.items():
                seconds = []
                for loop in (bare, run, bare):  # the yardstick before and after
                    model = make()
                    started = time.perf_counter()
                    loop(model, X, y, batch)
                    seconds.append(time.perf_counter() - started)
                ratios[name].append((seconds[0] + seconds[2]) / 2 / seconds[1])
        for name, found in ratios.items():
            print(
                f"{task:26} {name:12} {statistics.median(found):.3f} of the bare loop "
                f"(from {min(found):.3f} to {max(found):.3f})"
            )


if __name__ == "__main__":
    main()
