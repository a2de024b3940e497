"""How long until a result, and what the cheap rivals of a network need for theirs.

CIFAR-10 to 54, 66, 70 and 75 % of the 10,000 test pictures, surnames, Shakespeare, and a head on lesson 08's
features. Models and recipes are the lessons' own; each length of a training is a run of its own, with its
own schedule. A round is a seed. Seconds are those of learning, without reading data and without judging.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from benchmarks.rounds import Job, Row, pin
from benchmarks.story import story
from utils import accuracy, evaluate, make_loader, predict, pretrained
from utils.data import cifar10, is_real, shakespeare
from utils.text import Vocabulary, count_runs, table_chance

from lesson import functions  # isort: skip


def timed(learn: Callable[[], Any]) -> tuple[float, Any]:
    pin()
    started = time.perf_counter()
    made = learn()
    return time.perf_counter() - started, made


# CIFAR-10 ---------------------------------------------------------------------------------------


@functools.cache
def seven() -> tuple[Any, ...]:
    wanted = "LeNet Prepare as_tensors channel_statistics learn quick_lenet train_steps"
    return tuple(functions("07_lenet_cifar10", *wanted.split()))


@functools.cache
def photographs(tiny: bool) -> tuple[torch.Tensor, ...]:
    as_tensors = seven()[2]
    parts = [as_tensors(cifar10(train=train)) for train in (True, False)]
    few = 256 if tiny else None
    return tuple(part[:few] for pair in parts for part in pair)


def classic(seed: int, tiny: bool = False) -> Row:
    """Batches of four through a DataLoader with transforms, SGD 0.001/0.9, two epochs."""
    LeNet, Prepare, *_, train_steps = seven()
    train = cifar10(train=True)
    scaled = v2.Normalize([0.5] * 3, [0.5] * 3)
    train.transform = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), scaled])
    torch.manual_seed(seed)
    model, loader = LeNet(3), DataLoader(train, batch_size=4, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)

    def learn() -> None:
        for _ in range(1 if tiny else 2):
            train_steps(model, loader, optimizer, 4 if tiny else len(loader))

    seconds, _ = timed(learn)
    half = torch.full((3,), 0.5)  # the same scale, for bytes
    whole = nn.Sequential(Prepare(half, half, flip=False), model)
    return {"seconds": seconds, "accuracy": right(whole, tiny)}


def right(model: nn.Module, tiny: bool) -> float:
    held_out = make_loader(*photographs(tiny)[2:], batch_size=1000)
    return evaluate(model, held_out, metrics={"accuracy": accuracy})["accuracy"]


def three_stages(mean: torch.Tensor, std: torch.Tensor) -> nn.Module:
    """Lesson 07's plan with three small convolutions: bytes (N, 3, 32, 32) → logits (N, 10)."""
    layers, inputs = [seven()[1](mean, std)], 3
    for outputs in (16, 32, 64):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.MaxPool2d(2)]
        layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    head = nn.Linear(16 * inputs, 10)
    return nn.Sequential(*layers, nn.Flatten(), head).to(memory_format=torch.channels_last)


def linear(mean: torch.Tensor, std: torch.Tensor) -> nn.Module:
    return nn.Sequential(seven()[1](mean, std), nn.Flatten(), nn.Linear(3072, 10))


def pictures(make: Callable[..., nn.Module], count: int, epochs: int, lr: float = 0.1) -> Any:
    def one(seed: int, tiny: bool = False) -> Row:
        X, y, *_ = photographs(tiny)
        mean, std = seven()[3](X)
        torch.manual_seed(seed)
        model = make(mean, std)
        learn = functools.partial(seven()[4], model, X[:count], y[:count], lr=lr, progress=False)
        seconds, _ = timed(lambda: learn(epochs=1 if tiny else epochs))
        return {"seconds": seconds, "accuracy": right(model, tiny)}

    return one


# Surnames ---------------------------------------------------------------------------------------


@functools.cache
def nine() -> Any:
    """Lesson 09's names, split and encoded, and its functions."""
    values = "train valid train_rows test_pairs owners languages vocab"
    own = story("09_char_rnn", *values.split())
    wanted = "train_reader", "share_right", "encode_names", "SurnameReader"
    for name, made in zip(wanted, functions("09_char_rnn", *wanted)):
        setattr(own, name, made)
    return own


def spellings(epochs: int) -> Any:
    def one(seed: int, tiny: bool = False) -> Row:
        s = nine()
        train, valid = (tuple(part[:300] for part in p) if tiny else p for p in (s.train, s.valid))
        sizes = {"letters": len(s.vocab), "languages": len(s.languages)}
        learn = functools.partial(s.train_reader, train, valid, 128, seed=seed, **sizes)
        seconds, (reader, _) = timed(lambda: learn(epochs=1 if tiny else epochs, device="cpu"))
        test = s.encode_names(s.test_pairs, s.vocab, s.languages)
        answers = predict(reader, make_loader(*test, batch_size=1000)).argmax(1)
        return {
            "seconds": seconds,
            "accuracy": s.share_right(answers, s.test_pairs, s.owners, s.languages),
        }

    return one


def letter_groups(longest: int) -> Any:
    """Counts of letter groups and a logistic regression; no seed, as nothing is drawn."""

    def one(_: int, tiny: bool = False) -> Row:
        s = nine()
        rows = s.train_rows[:: 20 if tiny else 1]
        kind = {"analyzer": "char_wb", "ngram_range": (1, longest), "min_df": 2}
        grams = CountVectorizer(**kind, dtype=np.float32)
        y = [s.languages.index(language) for _, language in rows]

        def learn() -> LogisticRegression:
            rival = LogisticRegression(C=1.0, tol=1e-3, max_iter=10 if tiny else 1000)
            return rival.fit(grams.fit_transform([name for name, _ in rows]), y)

        seconds, rival = timed(learn)
        answers = rival.predict(grams.transform([name for name, _ in s.test_pairs]))
        return {
            "seconds": seconds,
            "accuracy": s.share_right(answers, s.test_pairs, s.owners, s.languages),
        }

    return one


# Shakespeare ------------------------------------------------------------------------------------


@functools.cache
def play(tiny: bool) -> tuple[int, torch.Tensor, torch.Tensor]:
    text = shakespeare()
    vocab = Vocabulary(text)
    numbers = vocab.encode(text)
    _, train, valid = numbers.tensor_split([int(share * len(numbers)) for share in (0.05, 0.9)])
    return len(vocab), train[: 20_000 if tiny else None], valid[: 2000 if tiny else None]


@functools.cache
def twelve() -> tuple[Any, ...]:
    wanted = (
        "GPT StreamLSTM two_optimizers up_and_down gpt_step stream_steps gpt_chance lstm_chance"
    )
    theirs = "Block even_out Muon draw_windows"  # what those use in turn
    return tuple(functions("12_attention_gpt", *f"{wanted} {theirs}".split()))


def writers(kind: str, steps: int) -> Any:
    def one(seed: int, tiny: bool = False) -> Row:
        symbols, train, valid = play(tiny)
        (
            GPT,
            StreamLSTM,
            two_optimizers,
            up_and_down,
            gpt_step,
            stream_steps,
            by_gpt,
            by_lstm,
            *_,
        ) = twelve()
        torch.manual_seed(seed)
        count = 2 if tiny else steps
        if kind == "GPT":
            model, chance = GPT(symbols), by_gpt
            optimizers = two_optimizers(model)
            schedules = [up_and_down(optimizer, count) for optimizer in optimizers]
            drawn = torch.Generator().manual_seed(seed)
            step = functools.partial(gpt_step, model, train, optimizers, schedules, drawn)
        else:
            model, chance = StreamLSTM(symbols), by_lstm
            step = stream_steps(model, train, count, rows=4 if tiny else 32)
        seconds, _ = timed(lambda: [step() for _ in range(count)])
        return {"seconds": seconds, "nats": -chance(model, valid).log().mean().item()}

    return one


def table(longest: int) -> Any:
    """Kneser–Ney counts of runs; no seed."""

    def one(_: int, tiny: bool = False) -> Row:
        symbols, train, valid = play(tiny)
        seconds, tables = timed(lambda: count_runs(train, longest, symbols))
        return {"seconds": seconds, "nats": -table_chance(tables, valid, symbols).log().mean().item()}  # fmt: skip

    return one


# Lesson 08's head -------------------------------------------------------------------------------


@functools.cache
def features(tiny: bool) -> tuple[Any, float, Any, Any]:
    """Lesson 08's functions, the body's seconds a picture, and features of 100 a class and of the test."""
    wanted = "extract see prepare_small rows_by_class train_head ScratchNet from_scratch right_share draw"
    made = functions("08_transfer_learning", *wanted.split())
    s, borrowed = made[0].__globals__, pretrained()
    s |= {
        "borrowed": borrowed,
        "model": borrowed.model,
        "device": "cpu",
        "CLASSES": ["automobile", "frog", "horse"],
    }
    for part, train, last in (("pool", True, 4950), ("test", False, 100)):
        s[f"X_{part}"], s[f"y_{part}"] = s["rows_by_class"](cifar10(train=train), 0, last)
    rows = torch.cat([torch.arange(0, 100, 20 if tiny else 1) + 4950 * k for k in range(3)])
    extract = functools.partial(s["extract"], s["see"], s["prepare_small"])
    seconds, near = timed(lambda: extract(s["X_pool"][rows]))
    few = slice(None, None, 20 if tiny else 1)
    return s, seconds / len(rows), (near, s["y_pool"][rows]), (extract(s["X_test"][few]), s["y_test"][few])  # fmt: skip


def heads(way: str, n: int) -> Any:
    """``n`` pictures of each of three classes; seconds count what the body takes for them."""

    def one(seed: int, tiny: bool = False) -> Row:
        s, each, (near, y), (test, y_test) = features(tiny)
        most, few = len(y) // 3, min(n, len(y) // 3)
        drawn = torch.Generator().manual_seed(seed)
        rows = torch.cat([k * most + torch.randperm(most, generator=drawn)[:few] for k in range(3)])
        if way == "from scratch":
            seconds, net = timed(lambda: s["from_scratch"](few, 0.001, seed, 1 if tiny else 40))
            return {"seconds": seconds, "accuracy": s["right_share"](net, s["X_test"], s["y_test"])}
        if way == "nearest mean":
            seconds, net = timed(lambda: NearestCentroid().fit(near[rows], y[rows]))
            share = net.score(test, y_test)
        else:
            seconds, net = timed(lambda: s["train_head"](near[rows], y[rows], 0.001, seed))
            share = s["right_share"](net, test, y_test)
        return {"seconds": seconds + each * len(rows), "accuracy": share}

    return one


# Everything -------------------------------------------------------------------------------------


def tasks() -> dict[str, tuple[int, Callable[..., Row]]]:
    """Task → (rounds, one round of it); the part before the colon is its table."""
    quick = seven()[5]
    made: dict[str, tuple[int, Callable[..., Row]]] = {
        "CIFAR-10: the classic recipe": (1, classic),
        "CIFAR-10: linear, 1 epoch": (5, pictures(linear, 50_000, 1, 0.001)),
        "CIFAR-10: quick, 20,000 pictures": (5, pictures(quick, 20_000, 1)),
        "CIFAR-10: quick, 2 epochs": (5, pictures(quick, 50_000, 2)),
        "CIFAR-10: three stages, 3 epochs": (5, pictures(three_stages, 50_000, 3)),
    }
    for epochs in (2, 8):
        made[f"surnames: GRU, {epochs} epochs"] = 5, spellings(epochs)
    for longest in (1, 2, 3, 4):
        made[f"surnames: groups of up to {longest}"] = 5, letter_groups(longest)
    for longest in (2, 4, 6):
        made[f"Shakespeare: table of runs of {longest}"] = 5, table(longest)
    for kind in ("GPT", "LSTM"):
        for steps in (60, 250, 500):
            made[f"Shakespeare: {kind}, {steps} steps"] = (
                int(steps == 500) or 5,
                writers(kind, steps),
            )
    for way, sizes in {
        "head": (3, 10, 30, 100),
        "nearest mean": (3, 10, 30),
        "from scratch": (10,),
    }.items():
        for n in sizes:
            made[f"three classes: {way}, {n} a class"] = 5, heads(way, n)
    return made


def jobs(tiny: bool = False) -> list[Job]:
    found = tasks()
    if not (tiny or all(map(is_real, ("cifar10", "surnames", "shakespeare")))):
        raise SystemExit("results are measured on the real data: make data, or set COURSE_DATA")
    most = 1 if tiny else max(count for count, _ in found.values())
    return [
        Job(task, n, functools.partial(one, n, tiny))
        for n in range(most)
        for task, (count, one) in found.items()
        if n < count
    ]
