"""Seconds to 54 % on CIFAR-10: the classic recipe, and the quick one of lesson 07, to their ends.

    python benchmarks/cifar_recipes.py               both, one seed: minutes, most of them the classic's
    python benchmarks/cifar_recipes.py --seeds 10 --skip-classic      the spread of the quick one
    python benchmarks/cifar_recipes.py --long        the reader's own goal too: six epochs

The classic recipe is a LeNet, batches of four through a DataLoader with transforms, SGD 0.001/0.9,
two epochs over 50,000 pictures. Models and training come from lesson 07's own cells. Times are those
of training alone; accuracy is that of the 10,000 test pictures, which decide nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.data import DataLoader
from torchvision.transforms import v2
from tqdm import tqdm

from utils import accuracy, evaluate, make_loader
from utils.data import cifar10, is_real

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from lesson import functions


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1, help="how many runs of each recipe")
    parser.add_argument("--skip-classic", action="store_true", help="only the quick recipe")
    parser.add_argument(
        "--long", action="store_true", help="six epochs of the quick recipe as well"
    )
    options = parser.parse_args()
    if not is_real("cifar10"):
        print("The recipes are compared on the real CIFAR-10; `make data` fetches it.")
        return 1
    train, test = cifar10(train=True), cifar10(train=False)
    names = ["LeNet", "Prepare", "as_tensors", "channel_statistics"]
    names += ["learn", "quick_lenet", "train_steps"]
    LeNet, Prepare, as_tensors, channel_statistics, learn, quick_lenet, train_steps = functions(
        "07_lenet_cifar10", *names
    )
    X, y = as_tensors(train)
    held_out = make_loader(*as_tensors(test), batch_size=1000)
    mean, std = channel_statistics(X)
    scaled = v2.Normalize([0.5] * 3, [0.5] * 3)
    train.transform = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), scaled])

    def classic() -> torch.nn.Module:
        model, loader = LeNet(3), DataLoader(train, batch_size=4, shuffle=True)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
        for epoch in (1, 2):
            bar = tqdm(loader, desc=f"classic, epoch {epoch} of 2", unit="batch", leave=False)
            train_steps(model, bar, optimizer, len(loader))
        return scaled_bytes(model)

    def scaled_bytes(model: torch.nn.Module) -> torch.nn.Module:
        """The same model for bytes, scaled as the transforms do."""
        half = torch.full((3,), 0.5)
        return torch.nn.Sequential(Prepare(half, half, flip=False), model)

    def quick(pictures: int, epochs: int) -> torch.nn.Module:
        model = quick_lenet(mean, std)
        learn(model, X[:pictures], y[:pictures], lr=0.1, epochs=epochs)
        return model

    recipes: dict[str, Callable[[], torch.nn.Module]] = {}
    if not options.skip_classic:
        recipes["classic, 2 epochs"] = classic
    recipes["quick, one pass over 20,000"] = lambda: quick(20_000, 1)
    recipes["quick, 2 epochs over 45,000"] = lambda: quick(45_000, 2)
    if options.long:
        recipes["quick, 6 epochs over 45,000"] = lambda: quick(45_000, 6)
    yardstick = 0.0
    for name, recipe in recipes.items():
        seconds, right = [], []
        for seed in range(options.seeds):
            torch.manual_seed(seed)
            started = time.perf_counter()
            model = recipe()
            seconds.append(time.perf_counter() - started)
            right.append(evaluate(model, held_out, metrics={"accuracy": accuracy})["accuracy"])
        typical = statistics.median(seconds)
        faster = f"   1/{yardstick / typical:.0f} of the classic time" if yardstick else ""
        yardstick = yardstick or typical * (not options.skip_classic)
        spread = f"from {min(right):.3f} to {max(right):.3f}" if options.seeds > 1 else ""
        print(
            f"{name:28} {statistics.median(right):.3f} of the test pictures {spread}"
            f" in {typical:6.1f} s{faster}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
