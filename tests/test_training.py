"""The training loop: it does what a loop written by hand does, and says clearly what it can't do.

Also the seeds and devices that a training run starts from (utils.device).
"""

import copy
import importlib
import math
import os
import random
import re
import sys
import warnings
from collections import OrderedDict, namedtuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import ExponentialLR, OneCycleLR, ReduceLROnPlateau, StepLR
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset
from torchmetrics import MeanSquaredError, Metric, MetricCollection, R2Score
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

from utils import (
    History,
    accuracy,
    environment_report,
    evaluate,
    fit,
    get_device,
    load_checkpoint,
    make_loader,
    predict,
    save_checkpoint,
    seed_everything,
)

N, CLASSES = 70, 3  # with batches of 16 the last one has 6
NAN = float("nan")


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Tiny tensors gain nothing from a second core, and waiting for a busy one takes long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def net():
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, CLASSES))


def data():
    g = torch.Generator().manual_seed(2)
    return torch.randn(N, 4, generator=g), torch.randint(CLASSES, (N,), generator=g)


def batches(shuffle=False, **options):
    g = torch.Generator().manual_seed(3)
    return make_loader(*data(), **({"batch_size": 16} | options), shuffle=shuffle, generator=g)


def train(model=None, loader=None, *, lr=0.1, epochs=2, loss_fn=None, **options):
    model = net() if model is None else model
    loader = batches() if loader is None else loader
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    scheduler = options.pop("scheduler", lambda optimizer: None)(optimizer)
    options.setdefault("progress", False)
    loss_fn = loss_fn or nn.CrossEntropyLoss()
    return model, fit(
        model, loader, loss_fn, optimizer, epochs=epochs, scheduler=scheduler, **options
    )


def by_hand(epochs=2, lr=0.1, clip=None, amp=False):
    """(model, mean loss per sample of each epoch, the loss of each step)"""
    model, (X, y), g = net(), data(), torch.Generator().manual_seed(3)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    means, steps = [], []
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(N, generator=g).split(16):
            with torch.autocast("cpu", torch.bfloat16, enabled=amp):
                loss = nn.functional.cross_entropy(model(X[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            total += loss.item() * len(rows)
            steps.append(loss.item())
        means.append(total / N)
    return model, means, steps


def assert_same_weights(model, other):
    torch.testing.assert_close(model.state_dict(), other.state_dict(), atol=1e-6, rtol=0)


# fit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"clip_norm": 0.05}, {"amp": True}], ids=["plain", "clipped", "amp"]
)
def test_fit_is_the_loop_that_one_writes_by_hand(options):
    model, history = train(loader=batches(shuffle=True), epochs=3, **options)
    other, means, _ = by_hand(
        epochs=3, clip=options.get("clip_norm"), amp=options.get("amp", False)
    )
    assert history["loss"] == pytest.approx(means, abs=1e-6)
    assert_same_weights(model, other)
    assert history["epoch"] == [1, 2, 3] and history["lr"] == [0.1] * 3
    assert history.stopped == ""


def test_clipping_and_amp_are_not_nothing():
    plain, clipped, half = (
        train(**options)[1]["loss"] for options in ({}, {"clip_norm": 0.05}, {"amp": True})
    )
    assert clipped != pytest.approx(plain, abs=1e-6)
    assert half != plain and half == pytest.approx(plain, abs=0.01)


def test_a_dataloader_gives_the_same_as_tensors_in_memory():
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*data()), batch_size=16)
    model, history = train(loader=loader)
    other, means = train(loader=batches())
    assert history["loss"] == pytest.approx(means["loss"], abs=1e-6)
    assert_same_weights(model, other)


def test_short_last_batch_counts_by_its_samples():
    model, history = train(
        lr=0.0, epochs=1, metrics={"acc": accuracy, "top": lambda o, t: o.max(1).values.mean()}
    )
    X, y = data()
    with torch.no_grad():
        logits = model(X)
    assert history["loss"][0] == pytest.approx(
        nn.functional.cross_entropy(logits, y).item(), abs=1e-6
    )
    assert history["acc"][0] == pytest.approx(
        (logits.argmax(1) == y).float().mean().item(), abs=1e-6
    )
    assert history["top"][0] == pytest.approx(logits.max(1).values.mean().item(), abs=1e-6)


def test_training_set_is_measured_while_the_weights_move():
    _, history = train(loader=batches(shuffle=True), epochs=1)
    _, means, steps = by_hand(epochs=1)
    assert history["loss"][0] != pytest.approx(steps[-1])
    assert history["loss"][0] == pytest.approx(means[0])


def test_validation_is_measured_after_each_epoch_in_evaluation_mode():
    model = nn.Sequential(net(), nn.Dropout(0.5))
    modes = []
    model.register_forward_hook(lambda *_: modes.append(model.training))
    _, history = train(
        model, epochs=2, val_loader=batches(batch_size=35), metrics={"acc": accuracy}
    )
    assert modes == 2 * ([True] * 5 + [False] * 2)
    assert model.training
    again = evaluate(model, batches(), nn.CrossEntropyLoss(), {"acc": accuracy})
    assert {name: history[f"val_{name}"][-1] for name in ("loss", "acc")} == pytest.approx(
        again, abs=1e-6
    )


METRICS = {
    "mean of a function": lambda: accuracy,
    "torchmetrics": lambda: MulticlassAccuracy(CLASSES, average="micro"),
}


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_metrics_start_anew_in_each_epoch_and_each_set(metric):
    _, history = train(
        lr=0.0,
        epochs=2,
        val_loader=make_loader(*(t[:5] for t in data()), batch_size=2),
        metrics={"acc": metric()},
    )
    X, y = data()
    right = (net()(X).argmax(1) == y).float()
    assert history["acc"] == pytest.approx([right.mean().item()] * 2, abs=1e-6)
    assert history["val_acc"] == pytest.approx([right[:5].mean().item()] * 2, abs=1e-6)


@pytest.mark.parametrize("wide", [1, 2000], ids=["measured at the end", "measured on the way"])
def test_metrics_that_keep_sums_agree_with_the_whole_set(wide):
    X, y = torch.randn(N, wide), torch.randn(N, wide)
    metrics = {"mse": MeanSquaredError(), "function": lambda a, b: ((a - b) ** 2).mean()}
    model = nn.Sequential(nn.Linear(wide, wide))
    loader = make_loader(X, y, batch_size=16)
    got = evaluate(model, loader, nn.MSELoss(), metrics)
    whole = nn.functional.mse_loss(model(X), y).item()
    assert got == pytest.approx({"loss": whole, "mse": whole, "function": whole}, rel=1e-5)
    _, history = train(
        model, loader, lr=0.0, loss_fn=nn.MSELoss(), metrics=metrics, val_loader=loader
    )
    assert history["mse"] + history["val_mse"] == pytest.approx([whole] * 4, rel=1e-5)


def test_metrics_do_not_mind_outputs_whose_length_changes():
    def loader():
        return [
            (torch.randn(4, length, 3), torch.zeros(4, dtype=torch.long)) for length in (2, 5, 5, 3)
        ]

    class Last(nn.Linear):
        def forward(self, x):
            return super().forward(x).transpose(1, 2)

    got = evaluate(
        Last(3, 3), loader(), metrics={"n": lambda o, t: torch.tensor(float(o.shape[2]))}
    )
    assert got == {"n": pytest.approx((2 + 5 + 5 + 3) / 4)}


def test_metric_of_a_matrix_can_be_kept_by_torchmetrics():
    class Hits(MulticlassConfusionMatrix):
        def compute(self):
            return super().compute().diag().sum()

    X, y = data()
    hits = evaluate(net(), batches(), metrics={"hits": Hits(num_classes=CLASSES)})["hits"]
    assert hits == (net()(X).argmax(1) == y).sum()


def test_model_of_several_inputs_gets_them_in_order():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(1.0))

        def forward(self, first, second):
            return self.scale * (first - second)

    a, b = torch.randn(10), torch.randn(10)
    loader = make_loader(a, b, 2 * (a - b), batch_size=4)
    model, history = train(Two(), loader, loss_fn=nn.MSELoss(), lr=0.05, epochs=80)
    assert model.scale.item() == pytest.approx(2.0, abs=1e-2)
    assert torch.allclose(predict(model, loader), model.scale.detach() * (a - b))
    assert evaluate(model, loader, nn.MSELoss())["loss"] < history["loss"][0]


SCHEDULERS = {
    # name: (scheduler, lr at the start of each epoch)
    "after each epoch": (lambda o: StepLR(o, step_size=2, gamma=0.5), [0.1, 0.1, 0.05, 0.05]),
    "each epoch again": (lambda o: ExponentialLR(o, gamma=0.5), [0.1, 0.05, 0.025, 0.0125]),
    "by the loss": (
        lambda o: ReduceLROnPlateau(o, factor=0.5, patience=0, threshold=9, threshold_mode="abs"),
        [0.1, 0.1, 0.05, 0.025],
    ),
}


@pytest.mark.parametrize(("scheduler", "expected"), SCHEDULERS.values(), ids=SCHEDULERS)
def test_scheduler_steps(scheduler, expected):
    _, history = train(epochs=4, scheduler=scheduler)
    assert history["lr"] == pytest.approx(expected)


def test_one_cycle_steps_after_each_batch():
    made = []

    def cycle(optimizer):
        made.append(OneCycleLR(optimizer, max_lr=0.1, total_steps=3 * 5))
        return made[0]

    _, history = train(epochs=3, scheduler=cycle)
    assert made[0].last_epoch == 15
    assert history["lr"][0] == pytest.approx(0.1 / 25)


@pytest.mark.parametrize("validated", [False, True])
def test_plateau_is_told_the_validation_loss_if_there_is_one(validated, monkeypatch):
    told = []
    monkeypatch.setattr(ReduceLROnPlateau, "step", lambda self, value: told.append(value))
    options = {"val_loader": batches(batch_size=35)} if validated else {}
    _, history = train(epochs=3, scheduler=ReduceLROnPlateau, **options)
    assert told == history["val_loss" if validated else "loss"]


def test_loss_that_is_not_finite_stops_with_its_step_and_the_weights_before_it():
    X, y = data()
    X[40, 1] = float("nan")  # in batch 3 of 5
    model = net()
    with pytest.raises(
        FloatingPointError, match=r"not finite at step 3, with learning rate 0\.1\..*Usual causes"
    ):
        train(model, make_loader(X, y, batch_size=16))
    other, _ = train(loader=make_loader(X[:32], y[:32], batch_size=16), epochs=1)
    assert_same_weights(model, other)


def test_metrics_keep_their_order_and_leave_the_loss_its_name():
    both = {"kept": MeanSquaredError(), "mean": nn.functional.mse_loss}
    model, loader = nn.Linear(2, 1), make_loader(torch.randn(8, 2), torch.randn(8, 1), batch_size=3)
    assert list(evaluate(model, loader, nn.MSELoss(), both)) == ["loss", "kept", "mean"]
    with pytest.raises(ValueError, match="give that metric another name"):
        evaluate(model, loader, nn.MSELoss(), {"loss": nn.functional.l1_loss})


def test_ctrl_c_keeps_what_was_learned(capsys):
    class Interrupted:
        passes = 0

        def __iter__(self):
            self.passes += 1
            for n, batch in enumerate(batches()):
                if self.passes == 2 and n == 3:
                    raise KeyboardInterrupt
                yield batch

    model, history = train(loader=Interrupted(), epochs=9)
    assert history.stopped == "interrupted at step 8, in epoch 2 of 9"
    assert len(history["loss"]) == 1
    assert (
        "Training interrupted at step 8, in epoch 2 of 9. The model keeps"
        in capsys.readouterr().out
    )
    expected, _ = train(loader=[b for n, b in enumerate([*batches()] * 2) if n < 8], epochs=1)
    assert_same_weights(model, expected)


def test_ctrl_c_while_validating_leaves_the_model_in_training_mode():
    def interrupted():
        yield next(iter(batches()))
        raise KeyboardInterrupt

    model, history = train(val_loader=interrupted(), epochs=1)
    assert history.stopped.endswith("in epoch 1 of 1") and model.training
    assert len(history["loss"]) == 1  # the epoch itself was whole


def test_optimizer_of_another_model_is_refused():
    with pytest.raises(ValueError, match="holds none of this model's parameters.*after the model"):
        fit(
            net(),
            batches(),
            nn.CrossEntropyLoss(),
            torch.optim.SGD(net().parameters(), lr=0.1),
            epochs=1,
        )


def test_optimizer_of_a_part_of_the_model_is_welcome():
    model = net()
    first = model[0].weight.clone()
    fit(
        model,
        batches(),
        nn.CrossEntropyLoss(),
        torch.optim.SGD(model[2].parameters(), lr=0.1),
        epochs=1,
        progress=False,
    )
    assert torch.equal(model[0].weight, first)


@pytest.mark.parametrize("epochs", [0, -1])
def test_no_epochs_are_refused(epochs):
    with pytest.raises(ValueError, match=f"epochs is {epochs}; it must be at least 1"):
        train(epochs=epochs)


@pytest.mark.parametrize(
    "loader", [[], make_loader(torch.zeros(0, 4), torch.zeros(0), batch_size=2), batches(batch_size=100, drop_last=True)],
    ids=["list", "no samples", "less than a batch"],
)  # fmt: skip
def test_empty_loader_is_named(loader):
    with pytest.raises(ValueError, match="gave no batch: .*empty.*drop_last"):
        train(loader=loader)
    with pytest.raises(ValueError, match="gave no batch"):
        evaluate(net(), loader)


def test_loader_of_unknown_length_is_fine():
    class Stream:
        def __iter__(self):
            return iter(batches())

    assert train(loader=Stream(), progress=True)[1]["loss"] == train()[1]["loss"]


def test_progress_can_be_switched_off(capsys, monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    train(progress=False)
    assert capsys.readouterr() == ("", "")


# One gate for a batch ----------------------------------------------------------------------------


class Rows(Dataset):
    """Single samples (x, y); ``kind`` says in which form."""

    def __init__(self, kind=tuple):
        self.kind = kind

    def __len__(self):
        return N

    def __getitem__(self, n):
        if n >= N:
            raise IndexError(n)
        X, y = data()
        return self.kind([X[n], y[n]])


class NotOfTorch:
    """Rows without a base class."""

    def __len__(self):
        return N

    def __getitem__(self, n):
        return Rows()[n]


class Streamed(IterableDataset):
    def __iter__(self):
        return iter([Rows()[n] for n in range(5)])


Pair = namedtuple("Pair", "image label")


def named(parts):
    return dict(zip(("image", "label"), parts))


def drawn(change):
    """A loader of a kind that nothing is known of: it yields what ``change`` makes of each batch."""

    class Loader:
        def __iter__(self):
            return (change(*batch) for batch in batches())

    return Loader()


NO_LOADERS = {
    # name: (loader for fit and evaluate, words of the refusal)
    "a tensor": (lambda: data()[0], r"loader is a tensor of shape \(70, 4\); .*make_loader"),
    "an array": (lambda: data()[0].numpy(), r"an array of shape \(70, 4\); .*make_loader"),
    "a pair of tensors": (data, r"is a tuple of a tensor .*: \[\(X, y\)\]"),
    "a batch of a DataLoader": (lambda: next(iter(DataLoader(Rows(), 8))), r"a list of a tensor .*\[\(X, y\)\]"),
    "a data set": (Rows, r"a Rows; it gives single samples.*DataLoader\(dataset, batch_size=32\)"),
    "a data set without a base": (NotOfTorch, "a NotOfTorch; it gives single samples"),
    "a part of a data set": (lambda: torch.utils.data.Subset(Rows(), [0, 1]), "Subset; it gives single"),
    "a stream": (Streamed, "a Streamed; it gives single samples"),
    "tensors as a data set": (lambda: TensorDataset(*data()), "a TensorDataset; it gives single"),
    "a dict of loaders": (lambda: {"train": batches()}, "a dict with the keys 'train'.*one of its values"),
    "a name": (lambda: "train", "is a str; expected a loader"),
    "a number": (lambda: 3, "is an int; expected a loader"),
    "a table": (lambda: pd.DataFrame(data()[0].numpy()), r"is a DataFrame; .*np\.asarray\(X\)"),
    "a class": (lambda: DataLoader, "is the class DataLoader; expected a loader"),
    "numbers": (lambda: range(3), "a batch is an int; expected tensors"),
    "ordered keys": (lambda: [OrderedDict(named(b)) for b in batches()], "an OrderedDict with the keys"),
    "a function": (lambda: batches, "is a function; expected a loader"),
    "a list of samples": (lambda: [Rows()[n] for n in range(9)], r"a tensor of shape \(4,\), a tensor of shape \(\); .*A single sample"),
    "a list of dicts": (lambda: [named(b) for b in batches()], r"keys 'image', 'label'; .*\[\(batch\['image'\], batch\['label'\]\) for batch in loader\]"),
    "dicts of a DataLoader": (lambda: DataLoader(Rows(named), 16), "a dict with the keys 'image', 'label'; expected tensors"),
    "bare tensors": (lambda: drawn(lambda x, y: x), r"a batch is a tensor of shape \(16, 4\); .*targets\? make_loader"),
    "inputs alone": (lambda: make_loader(data()[0], batch_size=8), r"a tuple of a tensor .*Where are the targets"),
    "inputs alone, DataLoader": (lambda: DataLoader(TensorDataset(data()[0]), 8), "Where are the targets"),
    "one-tuples": (lambda: drawn(lambda x, y: (x,)), "Where are the targets"),
    "nested": (lambda: drawn(lambda x, y: ((x, x), y)), r"a tuple of tuple, a tensor .*flat in a collate_fn"),
    "nested names": (lambda: drawn(lambda x, y: (named((x, x)), y)), "a dict with the keys .*flat in a collate_fn"),
    "samples not bundled": (lambda: DataLoader(Rows(), 8, collate_fn=list), "a list of tuple, tuple, tuple, tuple, …"),
    "arrays": (lambda: drawn(lambda x, y: (x.numpy(), y.numpy())), "an array of shape .*torch.as_tensor"),
    "array targets": (lambda: drawn(lambda x, y: (x, y.numpy())), "an array of shape .*torch.as_tensor"),
    "plain targets": (lambda: drawn(lambda x, y: (x, y.tolist())), "a tensor .*, list; .*flat"),
    "names as targets": (lambda: drawn(lambda x, y: (x, "cat")), "a tensor .*, a str; .*collate_fn"),
    "nothing in it": (lambda: drawn(lambda x, y: ()), "a batch is a tuple; expected tensors"),
    "none": (lambda: drawn(lambda x, y: None), "a batch is a NoneType; expected tensors"),
    "text": (lambda: drawn(lambda x, y: "text"), "a batch is a str; expected tensors"),
    "other lengths": (lambda: drawn(lambda x, y: (x, y[1:])), r"shape \(16, 4\), a tensor of shape \(15,\); each first size"),
    "another direction first": (lambda: drawn(lambda x, y: (x.T, y)), r"\(4, 16\), .*inputs.transpose\(0, 1\)"),
    "samples of a DataLoader": (lambda: DataLoader(Rows(), batch_size=None), "A single sample"),
    "an empty batch": (lambda: drawn(lambda x, y: (x[:0], y[:0])), r"shape \(0, 4\), .*nothing has no mean.*Leave it out"),
}  # fmt: skip


@pytest.mark.parametrize("verb", ["fit", "evaluate", "val_loader"])
@pytest.mark.parametrize(("make", "words"), NO_LOADERS.values(), ids=NO_LOADERS)
def test_what_is_no_batch_is_refused_and_changes_nothing(make, words, verb):
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), net()).train(False)
    model[1].train()
    metrics = {"mse": MulticlassAccuracy(CLASSES)}
    metrics["mse"].update(torch.eye(CLASSES), torch.arange(CLASSES))
    before, modes = copy.deepcopy(model.state_dict()), [m.training for m in model.modules()]
    loader = make()
    dice = torch.get_rng_state()
    with pytest.raises(ValueError, match=words) as caught:
        if verb == "fit":
            train(model, loader, metrics=metrics)
        elif verb == "evaluate":
            evaluate(model, loader, nn.CrossEntropyLoss(), metrics)
        else:
            train(model, val_loader=loader, metrics=metrics)
    assert "\n" not in str(caught.value)
    drawn_from = type(loader).__name__ in ("DataLoader", "Loader", "range")
    if verb == "val_loader" and drawn_from:
        return  # what it yields is seen only when it is asked
    assert [m.training for m in model.modules()] == modes
    if verb == "fit":
        assert torch.equal(torch.get_rng_state(), dice)
    assert_same_weights(model, net_with(before))
    assert metrics["mse"].compute() == 1


def net_with(state):
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), net())
    model.load_state_dict(state)
    return model


@pytest.mark.parametrize(
    "change",
    [lambda x, y: [x, y], Pair, lambda x, y: (x, y), lambda x, y: (x, y.double().long())],
    ids=["list", "named tuple", "tuple", "cast"],
)
def test_pairs_of_any_kind_are_batches(change):
    assert train(loader=drawn(change))[1]["loss"] == train()[1]["loss"]
    assert train(loader=[*drawn(change)])[1]["loss"] == train()[1]["loss"]
    assert evaluate(net(), drawn(change), nn.CrossEntropyLoss()) == evaluate(
        net(), batches(), nn.CrossEntropyLoss()
    )
    assert predict(net(), drawn(change)).equal(predict(net(), batches()))


UNLABELED = {
    "make_loader": lambda X: make_loader(X, batch_size=16),
    "DataLoader": lambda X: DataLoader(TensorDataset(X), batch_size=16),
    "rows of a tensor": lambda X: DataLoader(X, batch_size=16),
    "a list of tensors": lambda X: list(X.split(16)),
    "a list of one-tuples": lambda X: [(part,) for part in X.split(16)],
    "a list of one-lists": lambda X: [[part] for part in X.split(16)],
    "a generator": lambda X: (part for part in X.split(16)),
}


@pytest.mark.parametrize("make", UNLABELED.values(), ids=UNLABELED)
def test_predict_takes_a_loader_without_targets(make):
    X = data()[0]
    assert predict(net(), make(X)).equal(predict(net(), X, batch_size=16))


@pytest.mark.parametrize(
    "make",
    [
        data, lambda: list(data()), lambda: next(iter(DataLoader(Rows(), 8))), Rows, NotOfTorch,
        lambda: data()[0].numpy(), lambda: {"test": batches()}, lambda: data()[0].tolist(),
        lambda: drawn(lambda x, y: named((x, y))), lambda: drawn(lambda x, y: ((x, x), y)),
        lambda: drawn(lambda x, y: (x, y[1:])), lambda: [Rows()[n] for n in range(3)],
        lambda: drawn(lambda x, y: ()), lambda: None, lambda: "test",
    ],
)  # fmt: skip
def test_predict_refuses_what_has_two_meanings_or_none(make):
    with pytest.raises(ValueError, match="; ") as caught:
        predict(net(), make())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame, lambda rows: np.asarray(rows, "f8")])
def test_predict_says_how_a_table_becomes_a_tensor(make):
    X = make(data()[0].numpy())
    with pytest.raises(ValueError, match="or a tensor. A tensor of it") as caught:
        predict(net(), X)
    mend = eval(str(caught.value).rpartition(": ")[2], {"torch": torch, "np": np, "X": X})
    assert torch.allclose(predict(net(), mend), predict(net(), data()[0]))


def test_predict_of_several_inputs_without_targets_says_what_to_add():
    model = nn.Bilinear(4, 4, 2)
    input1, input2 = torch.randn(2, 9, 4)
    with pytest.raises(ValueError, match="needs all 2 tensors of a batch") as caught:
        predict(model, make_loader(input1, input2, batch_size=5))
    names = {"input1": input1, "input2": input2, "torch": torch, "make_loader": make_loader}
    mend = eval(str(caught.value).rpartition(": ")[2], names)
    assert torch.allclose(predict(model, mend), model(input1, input2).detach(), atol=1e-6)
    with pytest.raises(TypeError, match="positional argument"):
        predict(model, [(input1, input2, input1, input2)])


def test_predict_of_a_model_that_gives_several_things_is_refused():
    with pytest.raises(ValueError, match="the model gives a tuple of a tensor .*one tensor"):
        predict(nn.LSTM(4, 3), data()[0])


def test_evaluate_calls_a_loss_a_loss():
    with pytest.raises(ValueError, match=r"the loss is a tensor of shape \(16,\); .*mean"):
        evaluate(net(), batches(), nn.CrossEntropyLoss(reduction="none"))


def test_predict_refuses_a_batch_size_of_none():
    with pytest.raises(ValueError, match="batch_size is 0; it must be at least 1"):
        predict(net(), data()[0], batch_size=0)


def test_advice_of_the_gate_works_when_it_is_followed():
    """Every piece of code in the refusals, with the reader's own names filled in."""
    X, y = data()
    told = set()
    for make, _ in NO_LOADERS.values():
        loader = make()
        with pytest.raises(ValueError) as caught:
            evaluate(net(), loader)
        names = {"np": np, "X": X, "y": y, "dataset": Rows(), "loader": loader, "array": X.numpy()}
        names |= {"inputs": X.T, "torch": torch, "make_loader": make_loader}
        names |= {"DataLoader": DataLoader}
        for code in re.findall(
            r"make_loader\(.*?\)|DataLoader\(.*?\)|\[\(X, y\)\]|\[.* for batch in loader.*?\](?=$|,)"
            r"|torch\.as_tensor\(array\)|inputs\.transpose\(0, 1\)",
            str(caught.value),
        ):
            got = eval(code, names)
            told.add(code.partition("(")[0])
            if isinstance(got, torch.Tensor):
                assert len(got) == N
            elif got:  # all batches empty: nothing is left
                assert evaluate(net(), got, nn.CrossEntropyLoss())["loss"] > 0
    assert len(told) >= 6


def test_accuracy_of_one_hot_targets_is_refused_and_both_mends_work():
    logits, targets = torch.full((10, 10), -1.0), torch.eye(10)
    with pytest.raises(ValueError, match=r"both have shape \(10, 10\): .*argmax.*flatten"):
        accuracy(logits, targets)
    logits[0, 0] = 1.0
    assert accuracy(logits, targets.argmax(1)) == pytest.approx(0.1)
    assert accuracy(logits.flatten(), targets.flatten()) == pytest.approx(0.91)


@pytest.mark.parametrize("shape", [(4, 2), (4, 2, 3), (1, 2), (4, 1, 2)])
@pytest.mark.parametrize("kind", [torch.float32, torch.int64, torch.bool])
def test_accuracy_of_several_columns_is_refused_whatever_their_kind(shape, kind):
    with pytest.raises(ValueError, match="one-hot.*multi-label"):
        accuracy(torch.zeros(shape), torch.zeros(shape).to(kind))


# Refused before the first step -------------------------------------------------------------------


class Table:
    """A factor an epoch, from a table that may be short."""

    def __init__(self, *factors):
        self.factors = factors

    def __call__(self, epoch):
        return self.factors[epoch]


def other_optimizer(model=None):
    return torch.optim.SGD((model or net()).parameters(), lr=0.1)


def chained(*schedulers):
    return lambda o: lr_scheduler.ChainedScheduler([make(o) for make in schedulers])


class Both(nn.Module):
    """A loss with a state of its own: fine."""

    def forward(self, outputs, targets):
        return nn.functional.cross_entropy(outputs, targets)


CANNOT_WORK = {
    # name: (arguments of train(), words)
    "one cycle too short": (
        lambda: {"scheduler": lambda o: OneCycleLR(o, 0.1, total_steps=9)},
        r"OneCycleLR has 9 steps left, but 2 epochs of 5 batches are 10: .*total_steps=10",
    ),
    "one cycle half used": (
        lambda: {"scheduler": half_used}, "has 4 steps left, but 2 epochs of 5 batches are 10",
    ),
    "one cycle for epochs": (
        lambda: {"scheduler": lambda o: OneCycleLR(o, 0.1, epochs=1, steps_per_epoch=5)},
        "has 5 steps left",
    ),
    "one cycle in a chain": (
        lambda: {"scheduler": chained(lambda o: OneCycleLR(o, 0.1, total_steps=3)), "epochs": 5},
        "ChainedScheduler, takes one step an epoch and fails in epoch 4 of 5",
    ),
    "one cycle at the end": (
        lambda: {
            "scheduler": lambda o: lr_scheduler.SequentialLR(
                o, [StepLR(o, 1), OneCycleLR(o, 0.1, total_steps=2)], [2]
            ),
            "epochs": 6,
        },
        "SequentialLR, .*fails in epoch 5 of 6",
    ),
    "a table too short": (
        lambda: {"scheduler": lambda o: lr_scheduler.LambdaLR(o, Table(1, 0.5)), "epochs": 3},
        "LambdaLR, .* fails in epoch 2 of 3: IndexError",
    ),
    "plateau of a maximum": (
        lambda: {"scheduler": lambda o: ReduceLROnPlateau(o, mode="max")}, 'mode="max".*mode="min"',
    ),
    "scheduler of another optimizer": (
        lambda: {"scheduler": lambda o: StepLR(other_optimizer(), 1)},
        "StepLR, moves the learning rate of another optimizer",
    ),
    "its optimizer made anew": (
        lambda: {"scheduler": lambda o: StepLR(copy.copy(o), 1)}, "of another optimizer",
    ),
    "chain of another": (
        lambda: {"scheduler": lambda o: chained(lambda p: StepLR(p, 1))(other_optimizer())},
        "ChainedScheduler, moves .* another optimizer",
    ),
    "one cycle of another": (
        lambda: {"scheduler": lambda o: OneCycleLR(other_optimizer(), 0.1, total_steps=10)},
        "another optimizer",
    ),
    "plateau of another": (
        lambda: {"scheduler": lambda o: ReduceLROnPlateau(other_optimizer())}, "another optimizer",
    ),
    "scheduler not made": (lambda: {"scheduler": lambda o: StepLR}, "expected an object such as"),
    "no scheduler": (lambda: {"scheduler": lambda o: 0.1}, "scheduler is 0.1; expected"),
    "metric of classes": (
        lambda: {"metrics": {"acc": MulticlassAccuracy(CLASSES, average=None)}},
        r"metric 'acc' gives a tensor of shape \(3,\); expected one number",
    ),
    "metric of a matrix": (
        lambda: {"metrics": {"m": MulticlassConfusionMatrix(CLASSES)}}, r"shape \(3, 3\)",
    ),
    "metric of samples": (
        lambda: {"metrics": {"right": lambda o, t: o.argmax(1) == t}}, r"shape \(16,\)",
    ),
    "metric of an array": (
        lambda: {"metrics": {"right": lambda o, t: np.zeros(3)}}, r"an array of shape \(3,\)",
    ),
    "metric of nothing": (lambda: {"metrics": {"m": lambda o, t: print(end="")}}, "gives a NoneType"),
    "metric of a dict": (
        lambda: {"metrics": {"m": MetricCollection([MulticlassAccuracy(CLASSES)])}},
        "gives a dict with the keys 'MulticlassAccuracy'",
    ),
    "metric not made": (lambda: {"metrics": {"m": MeanSquaredError}}, "metric 'm' is .*expected a func"),
    "metric by name": (lambda: {"metrics": {"m": "accuracy"}}, "metric 'm' is 'accuracy'"),
    "metrics without names": (lambda: {"metrics": [accuracy]}, 'a list of a function; expected a dict'),
    "one metric": (lambda: {"metrics": accuracy}, "a function; expected a dict"),
    "metric named lr": (lambda: {"metrics": {"lr": accuracy}}, "give that metric another name"),
    "loss of samples": (
        lambda: {"loss_fn": nn.CrossEntropyLoss(reduction="none")},
        r'the loss is a tensor of shape \(16,\); .*reduction="mean"',
    ),
    "loss of a sum": (
        lambda: {"loss_fn": nn.CrossEntropyLoss(reduction="sum")},
        r'CrossEntropyLoss has reduction="sum".*expected the mean.*CrossEntropyLoss\(\)$',
    ),
    "loss of two": (
        lambda: {"loss_fn": lambda o, t: torch.stack([o.mean(), o.std()])}, r"shape \(2,\)",
    ),
    "loss without a graph": (
        lambda: {"loss_fn": lambda o, t: nn.functional.cross_entropy(o.detach(), t)},
        "hangs on no parameter that learns: is there a detach",
    ),
    "loss of a count": (
        lambda: {"loss_fn": lambda o, t: (o.argmax(1) != t).float().mean()}, "argmax",
    ),
    "loss as a plain number": (
        lambda: {"loss_fn": lambda o, t: nn.functional.cross_entropy(o, t).item()},
        r"the loss is a float; .*no \.item\(\)",
    ),
    "half an epoch": (lambda: {"epochs": 2.5}, "epochs is 2.5; it must be a whole number"),
    "epochs as text": (lambda: {"epochs": "3"}, "epochs is '3'; it must be a whole number"),
    "epochs as a fraction": (lambda: {"epochs": 3.0}, "epochs is 3.0; it must be a whole number"),
    "no epochs given": (lambda: {"epochs": None}, "epochs is None"),
    "clipped to nothing": (lambda: {"clip_norm": 0}, "clip_norm is 0; it must be above 0"),
    "clipped below nothing": (lambda: {"clip_norm": -1.0}, "clip_norm is -1.0"),
    "clipped to no number": (lambda: {"clip_norm": float("nan")}, "clip_norm is nan"),
    "used up": (lambda: {"loader": (b for b in batches())}, r"used up after one of 2 epochs.*list\(loader\)"),
    "zipped": (lambda: {"loader": zip(*(t.split(9) for t in data()))}, "used up after one"),
    "a DataLoader begun": (lambda: {"loader": iter(DataLoader(Rows(), 8))}, "used up after one"),
    "validated once": (lambda: {"val_loader": iter([*batches()])}, "val_loader is .*used up"),
    "nothing to validate": (lambda: {"val_loader": []}, "the val_loader gave no batch"),
    "outputs in a tuple": (
        lambda: {"model": Twice(), "loss_fn": lambda o, t: nn.functional.cross_entropy(o[0], t)},
        "the model gives a tuple of a tensor",
    ),
    "on no device": (lambda: {"model": net().to("meta")}, "the model is on the device meta"),
    "to no device": (lambda: {"device": "meta"}, 'device is "meta"'),
}  # fmt: skip


def half_used(optimizer):
    scheduler = OneCycleLR(optimizer, 0.1, total_steps=10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(6):
            scheduler.step()
    return scheduler


class Twice(nn.Linear):
    def __init__(self):
        super().__init__(4, CLASSES)

    def forward(self, x):
        return (super().forward(x),) * 2


@pytest.mark.parametrize(("make", "words"), CANNOT_WORK.values(), ids=CANNOT_WORK)
def test_what_cannot_work_is_refused_before_the_first_step(make, words):
    options = make()
    model = options.pop("model", None) or nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.1), net())
    model.eval()
    before = copy.deepcopy(model.state_dict())
    given = options.get("metrics")
    kept = [m for m in (given.values() if isinstance(given, dict) else ()) if isinstance(m, Metric)]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = options.pop("scheduler", lambda optimizer: None)(optimizer)
    state = copy.deepcopy(vars(scheduler).get("last_epoch")) if hasattr(scheduler, "step") else None
    rates = [group["lr"] for group in optimizer.param_groups]
    loader, loss_fn = options.pop("loader", None), options.pop("loss_fn", nn.CrossEntropyLoss())
    loader = batches(shuffle=True) if loader is None else loader
    dice = torch.get_rng_state()
    options = {"epochs": 2, "progress": False, "scheduler": scheduler} | options
    with pytest.raises(ValueError, match=words) as caught:
        fit(model, loader, loss_fn, optimizer, **options)
    assert "\n" not in str(caught.value) and not hasattr(caught.value, "__notes__")
    assert not any(module.training for module in model.modules())
    if not next(model.parameters()).is_meta:
        after = model.state_dict()
        assert all(torch.equal(after[name], before[name]) for name in before)
    assert torch.equal(torch.get_rng_state(), dice) or options["epochs"] is None
    assert not optimizer.state and [g["lr"] for g in optimizer.param_groups] == rates
    assert all(p.grad is None for p in model.parameters())
    assert all(metric.update_count == 0 for metric in kept)
    if state is not None and not isinstance(scheduler, type):
        assert scheduler.last_epoch == state


OPTIMIZERS = {
    "LBFGS": (lambda m: torch.optim.LBFGS(m.parameters()), "LBFGS .*needs a closure"),
    "own": (lambda m: NeedsClosure(m.parameters(), {}), "NeedsClosure .*needs a closure"),
    "named closure": (lambda m: NamedClosure(m.parameters(), {}), "NamedClosure .*closure"),
    "a class": (lambda m: torch.optim.SGD, "optimizer is .*SGD.*; expected an object such as"),
    "parameters": (lambda m: m.parameters(), "expected an object such as torch.optim.Adam"),
    "frozen": (lambda m: torch.optim.SGD(m[0].requires_grad_(False).parameters(), 0.1), "is frozen"),
}  # fmt: skip


class NeedsClosure(torch.optim.Optimizer):
    def step(self, closure):
        closure()


class NamedClosure(torch.optim.Optimizer):
    def step(self, *, closure):
        closure()


@pytest.mark.parametrize(("make", "words"), OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizer_that_fit_cannot_use_is_refused(make, words):
    model = net()
    with pytest.raises(ValueError, match=words):
        fit(model, batches(), nn.CrossEntropyLoss(), make(model), epochs=1)
    assert_same_weights(model, net())


# what is given wrongly → (the code in the refusal, what that code's value is called afterwards)
ADVICE = {
    "scheduler": (
        dict(scheduler="OneCycleLR(optimizer, 0.1, total_steps=5)"),
        r"total_steps=\d+", "scheduler=OneCycleLR(optimizer, 0.1, {})",
    ),
    "plateau": (
        dict(scheduler='ReduceLROnPlateau(optimizer, mode="max")'),
        r'mode="min"', "scheduler=ReduceLROnPlateau(optimizer, {})",
    ),
    "scheduler's class": (dict(scheduler="StepLR"), r"torch\.optim\S+\(.*\)", "scheduler={}"),
    "optimizer": (dict(optimizer="model.parameters()"), r"torch\.optim\S+\(.*\)", "optimizer={}"),
    "metrics": (dict(metrics="accuracy"), r"\{.*\}", "metrics={}"),
    "frozen": (
        dict(optimizer="torch.optim.SGD(model.requires_grad_(False).parameters(), 0.1)"),
        r"model\.requires_grad_\(True\)", "model={}",
    ),
    "closure": (
        dict(optimizer="torch.optim.LBFGS(model.parameters())"),
        r"torch\.optim\.Adam", "optimizer={}(model.parameters())",
    ),
    "meta": (
        dict(model='net().to("meta")', optimizer="torch.optim.SGD(model.parameters(), 0.1)"),
        r"model\.to_empty\(.*?\)", "model={}; model.load_state_dict(net().state_dict()); "
        "optimizer=torch.optim.SGD(model.parameters(), 0.1)",
    ),
    "sum": (
        dict(loss_fn='nn.CrossEntropyLoss(reduction="sum")'), r"\w+\(\)$", "loss_fn=nn.{}",
    ),
    "samples": (
        dict(loss_fn='nn.CrossEntropyLoss(reduction="none")'),
        r'reduction="mean"', "loss_fn=nn.CrossEntropyLoss({})",
    ),
    "used up": (dict(loader="(b for b in batches())"), r"list\(\w+\)", "loader={}"),
    "vector": (
        dict(metrics='{"right": MulticlassAccuracy(CLASSES, average=None)}'),
        r'average="macro"', 'metrics={{"right": MulticlassAccuracy(CLASSES, {})}}',
    ),
}  # fmt: skip


@pytest.mark.parametrize(("given", "code", "mended"), ADVICE.values(), ids=ADVICE)
def test_advice_of_a_refusal_works_when_it_is_followed(given, code, mended):
    names = globals() | {"loss_fn": nn.CrossEntropyLoss(), "scheduler": None, "metrics": None}
    ordered = {"model": "net()", "loader": "batches()"}
    ordered |= {"optimizer": "torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)"} | given
    for name in sorted(ordered, key=["model", "loader", "optimizer"].__contains__, reverse=True):
        exec(f"{name} = {ordered[name]}", names)
    again = "fit(model, loader, loss_fn, optimizer, epochs=2, scheduler=scheduler, metrics=metrics)"
    with pytest.raises(ValueError) as caught:
        eval(again, names)
    exec(mended.format(re.search(code, str(caught.value))[0]), names)
    assert len(eval(again, names).rows) == 2


GOES = {
    "one cycle to the end": lambda: {"scheduler": lambda o: OneCycleLR(o, 0.1, total_steps=10)},
    "one cycle to spare": lambda: {"scheduler": lambda o: OneCycleLR(o, 0.1, total_steps=99)},
    "a cycle without end": lambda: {"scheduler": lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1)},
    "a chain": lambda: {"scheduler": chained(lambda o: StepLR(o, 1), lambda o: ExponentialLR(o, 0.9))},
    "a table": lambda: {"scheduler": lambda o: lr_scheduler.LambdaLR(o, Table(1, 0.5, 0.1))},
    "NumPy's rate": lambda: {"scheduler": lambda o: lr_scheduler.LambdaLR(o, np.cos)},
    "one number in a row": lambda: {"loss_fn": lambda o, t: nn.functional.cross_entropy(o, t)[None]},
    "loss module": lambda: {"loss_fn": Both()},
    "numbers of any kind": lambda: {
        "metrics": {"a": lambda o, t: 0.5, "b": lambda o, t: np.float32(1), "c": lambda o, t: o.mean()[None]}
    },
    "NumPy's count": lambda: {"epochs": np.int64(2)},
    "a generator, once": lambda: {"loader": (b for b in batches()), "epochs": 1},
    "clipped": lambda: {"clip_norm": float("inf")},
    "a collection": lambda: {"metrics": MetricCollection({"acc": MulticlassAccuracy(CLASSES)})},
}  # fmt: skip


@pytest.mark.parametrize("make", GOES.values(), ids=GOES)
def test_what_can_work_is_not_refused(make):
    options = {"epochs": 2} | make()
    assert len(train(**options)[1].rows) == options["epochs"]


def test_metric_that_needs_more_than_a_batch_is_welcome():
    X, y = torch.randn(6, 1), torch.randn(6, 1)
    _, history = train(
        nn.Linear(1, 1), make_loader(X, y, batch_size=1), loss_fn=nn.MSELoss(), metrics={"r2": R2Score()}
    )  # fmt: skip
    assert len(history["r2"]) == 2


def test_rehearsal_leaves_the_scheduler_and_the_rates_alone():
    rates = train(scheduler=lambda o: ExponentialLR(o, 0.5), epochs=4)[1]["lr"]
    assert rates == pytest.approx([0.1, 0.05, 0.025, 0.0125])


def test_error_in_the_first_batch_leaves_the_model_as_it_came():
    model = nn.Sequential(nn.BatchNorm1d(4), net(), nn.Dropout(0.5)).eval()
    model[2].train()
    before, dice = copy.deepcopy(model.state_dict()), torch.get_rng_state()

    def fails(outputs, targets):
        raise KeyError("loss")

    with pytest.raises(KeyError) as caught:
        train(model, batches(shuffle=True), loss_fn=fails)
    after = model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert [m.training for m in model] == [False, False, True] and not model.training
    assert torch.equal(torch.get_rng_state(), dice) and not hasattr(caught.value, "history")


def test_buffers_stay_the_same_objects_after_a_refusal():
    model = nn.Sequential(nn.BatchNorm1d(4), net())
    mean = model[0].running_mean
    with pytest.raises(ValueError):
        train(model, loss_fn=nn.CrossEntropyLoss(reduction="none"))
    assert model[0].running_mean is mean and mean.eq(0).all()
    train(model)
    assert not mean.eq(0).any()


def late(n, error=ZeroDivisionError):
    """Five batches an epoch; the n-th of all raises."""

    class Loader:
        count = 0

        def __iter__(self):
            for batch in batches():
                self.count += 1
                if self.count == n:
                    raise error("too late")
                yield batch

    return Loader()


@pytest.mark.parametrize(
    ("n", "options"),
    [
        (13, {}),
        (11, {"scheduler": ExponentialLR, "scheduler_options": {"gamma": 0.9}}),
        (15, {"val_loader": batches()}),
    ],
)
def test_late_error_keeps_the_history(n, options):
    make, more = options.pop("scheduler", None), options.pop("scheduler_options", {})
    if make:
        options["scheduler"] = lambda o: make(o, **more)
    with pytest.raises(ZeroDivisionError, match="too late") as caught:
        train(loader=late(n), epochs=5, **options)
    history = caught.value.history
    assert history["epoch"] == [1, 2]
    assert history["loss"] == train(**options)[1]["loss"]
    assert history.stopped == f"ZeroDivisionError at step {n - 1}, in epoch 3 of 5"
    assert "history is kept up to epoch 2" in caught.value.__notes__[0]


def test_loss_that_blows_up_late_keeps_the_history():
    X, y = data()
    model, seen = net(), []
    model.register_forward_hook(
        lambda m, i, o: seen.append(1) or (o * NAN if len(seen) == 8 else o)
    )
    with pytest.raises(FloatingPointError, match="not finite at step 8") as caught:
        train(model, epochs=3)
    assert len(caught.value.history.rows) == 1


def test_validation_that_fails_keeps_the_epoch_before_it():
    X, y = data()
    strange = DataLoader(
        [{"X": x, "y": k} for x, k in zip(X, y)], 8
    )  # not seen without drawing one
    with pytest.raises(ValueError, match="a batch is a dict with the keys 'X', 'y'") as caught:
        train(val_loader=strange, epochs=3)
    history = caught.value.history
    assert history["loss"] == train(epochs=1)[1]["loss"]
    assert history.stopped.endswith("in epoch 1 of 3") and len(history.frame()) == 1
    with pytest.raises(KeyError):
        history["val_loss"]


def test_column_has_a_place_for_each_epoch():
    with pytest.raises(ZeroDivisionError) as caught:
        train(loader=batches(), val_loader=late(8), epochs=3)
    losses = caught.value.history["val_loss"]
    assert len(losses) == len(caught.value.history["loss"]) and math.isnan(losses[-1])


def test_evaluate_refuses_a_sum():
    with pytest.raises(ValueError, match='MSELoss has reduction="sum"'):
        evaluate(net(), batches(), nn.MSELoss(reduction="sum"))


def test_error_in_the_first_epoch_has_no_history_to_keep():
    with pytest.raises(ZeroDivisionError) as caught:
        train(loader=late(3))
    assert not hasattr(caught.value, "history") and not hasattr(caught.value, "__notes__")


def test_history_is_where_the_message_says(monkeypatch):
    """As in a notebook: the last error of a cell is sys.last_value."""
    with pytest.raises(ZeroDivisionError) as caught:
        train(loader=late(8), epochs=3)
    code = caught.value.__notes__[0].rpartition(": ")[2]
    monkeypatch.setattr(sys, "last_value", caught.value, raising=False)
    exec(code, names := {})
    assert names["history"].frame().index.tolist() == [1]


# History -----------------------------------------------------------------------------------------


def test_frame_has_a_row_for_each_epoch():
    _, history = train(epochs=2, val_loader=batches(), metrics={"acc": accuracy})
    frame = history.frame()
    assert frame.columns.tolist() == ["lr", "loss", "acc", "val_loss", "val_acc"]
    assert frame.index.tolist() == [1, 2] and frame.index.name == "epoch"
    assert frame["loss"].tolist() == history["loss"]


def test_plot_draws_training_and_validation_into_one_axes():
    _, history = train(epochs=2, val_loader=batches(), metrics={"acc": accuracy})
    axes = history.plot()
    assert [(ax.get_xlabel(), ax.get_ylabel()) for ax in axes] == [
        ("epoch", "loss"),
        ("epoch", "acc"),
    ]
    assert [line.get_ydata().tolist() for line in axes[1].lines] == [
        history["acc"],
        history["val_acc"],
    ]
    assert [text.get_text() for text in axes[0].get_legend().get_texts()] == [
        "training",
        "validation",
    ]
    assert len(history.plot("acc")) == 1
    plt.close("all")


def test_frame_of_a_run_without_an_epoch_is_empty():
    assert History().frame().empty


def test_plot_of_a_run_without_an_epoch_does_not_stop():
    History().plot()


# evaluate, predict, accuracy ---------------------------------------------------------------------


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "use", [lambda m, x: evaluate(m, x), lambda m, x: predict(m, x)], ids=["evaluate", "predict"]
)
def test_mode_is_restored_even_after_an_error(use, training):
    model = nn.Sequential(net(), nn.Dropout(0.5)).train(training)
    modes = []
    model.register_forward_hook(lambda *_: modes.append(model.training))
    use(model, batches())
    assert modes == [False] * 5 and model.training == training
    with pytest.raises(RuntimeError):
        use(model, [(torch.zeros(2, 99), torch.zeros(2))])
    assert model.training == training


def test_evaluate_needs_neither_loss_nor_metrics_nor_parameters():
    assert evaluate(net(), batches()) == {}
    assert evaluate(nn.Identity(), batches(), metrics={"n": lambda o, t: o.new_tensor(1.0)}) == {
        "n": 1.0
    }


class Remembers(nn.Module):
    """A recurrent network that goes on from the state in which it stopped."""

    def __init__(self):
        super().__init__()
        self.rnn, self.head, self.state = nn.GRU(4, 8), nn.Linear(8, CLASSES), None

    def forward(self, x):
        state = None if self.state is None else self.state.detach()
        seen, self.state = self.rnn(x, state)
        return self.head(seen)


@pytest.mark.parametrize(
    "use",
    [lambda m: evaluate(m, batches(), nn.CrossEntropyLoss()), lambda m: predict(m, data()[0])],
    ids=["evaluate", "predict"],
)
def test_model_that_remembers_can_be_trained_after_it_was_measured(use):
    model = Remembers()
    use(model)
    assert not model.state.requires_grad and not model.state.is_inference()
    _, history = train(model, val_loader=batches(), epochs=3)
    assert len(history.rows) == 3


def test_outputs_of_predict_can_be_trained_on():
    features = predict(net(), data()[0])
    head = nn.Linear(CLASSES, 2)
    head(features).sum().backward()
    assert head.weight.grad is not None


@pytest.mark.parametrize("whole", [True, False])
def test_each_part_is_left_in_its_own_mode(whole):
    """A frozen normalization stays frozen, and a part that was left in training mode stays there."""
    model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.1), net()))
    model.train(whole)
    model[0].train(not whole)
    model[2][0].train(not whole)
    modes = [m.training for m in model.modules()]
    before = copy.deepcopy(model.state_dict())
    evaluate(model, batches(), nn.CrossEntropyLoss())
    predict(model, data()[0])
    with pytest.raises(RuntimeError):
        evaluate(model, [(torch.zeros(2, 9), torch.zeros(2))])
    assert [m.training for m in model.modules()] == modes
    after = model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("use", [evaluate, predict, lambda m, b: save_checkpoint("never.pt", m)])
def test_model_without_numbers_is_refused(use):
    for model in (net().to("meta"), nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4).to("meta"))):
        with pytest.raises(ValueError, match="is on the device meta.*to_empty"):
            use(model, batches())
    model = net().to("meta")  # and the mend
    model.to_empty(device="cpu").load_state_dict(net().state_dict())
    assert predict(model, batches()).equal(predict(net(), batches()))
    with pytest.raises(ValueError, match='device is "meta"'):
        predict(model, batches(), device="meta")
    assert_same_weights(model, net())


def test_layers_that_find_their_sizes_can_be_trained():
    model = nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.Tanh(), nn.LazyLinear(CLASSES))
    assert len(train(model)[1].rows) == 2


def test_evaluate_leaves_no_gradients():
    model = net()
    evaluate(model, batches(), nn.CrossEntropyLoss())
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("batch_size", [1, 16, 1000])
def test_predict_keeps_the_order(batch_size):
    model, (X, _) = net(), data()
    expected = model(X).detach()
    assert torch.allclose(predict(model, X, batch_size=batch_size), expected, atol=1e-6)
    assert torch.allclose(predict(model, batches(batch_size=batch_size)), expected, atol=1e-6)
    assert not predict(model, X).requires_grad


def test_predict_nothing():
    assert predict(net(), torch.zeros(0, 4)).shape == (0, CLASSES)
    with pytest.raises(ValueError, match="nothing to predict"):
        predict(net(), [])


@pytest.mark.parametrize(
    ("logits", "targets", "share"),
    [
        ([[2, 1], [0, 3], [1, 0]], [0, 0, 0], 2 / 3),
        ([[9, 1, 2]], [0], 1.0),
        ([2, -1, 0, 3], [1, 0, 0, 0], 0.75),
        ([[2], [-1]], [[1], [1]], 0.5),
        ([2, -1], [1.0, 0.0], 1.0),
        ([2, -1], [True, True], 0.5),
    ],
    ids=["classes", "one sample", "flat", "column", "float targets", "bool targets"],
)
def test_accuracy(logits, targets, share):
    got = accuracy(torch.tensor(logits, dtype=torch.float32), torch.tensor(targets))
    assert got.shape == () and got.item() == pytest.approx(share)


@pytest.mark.parametrize(
    ("logits", "targets"), [((4, 3), (3,)), ((4,), (4, 1)), ((4, 3), (4, 1)), ((4,), (3,))]
)
def test_accuracy_of_shapes_that_do_not_fit_is_refused(logits, targets):
    with pytest.raises(ValueError) as caught:
        accuracy(torch.zeros(logits), torch.zeros(targets))
    assert f"logits {logits} and targets {targets} do not fit" in str(caught.value)


@pytest.mark.parametrize("logits", [(4, 1), (4, 3, 4)])
def test_accuracy_refuses_what_it_would_get_wrong_in_silence(logits):
    with pytest.raises(ValueError, match="do not fit"):
        accuracy(torch.ones(logits), torch.ones(4))


# make_loader -------------------------------------------------------------------------------------


def test_loader_shuffles_by_its_generator():
    def orders(seed):
        loader = make_loader(
            torch.arange(10),
            batch_size=4,
            shuffle=True,
            generator=torch.Generator().manual_seed(seed),
        )
        return [torch.cat([x for (x,) in loader]).tolist() for _ in range(2)]

    assert orders(5) == orders(5) != orders(6)
    first, second = orders(5)
    assert first != second and sorted(first) == sorted(second) == list(range(10))


def test_loader_keeps_rows_together_and_in_order():
    X = torch.arange(10)
    assert torch.cat([x for x, _ in make_loader(X, -X, batch_size=4)]).equal(X)
    for x, y in make_loader(X, -X, batch_size=4, shuffle=True):
        assert torch.equal(x, -y)


@pytest.mark.parametrize(
    ("n", "drop", "sizes"),
    [(10, False, [4, 4, 2]), (10, True, [4, 4]), (8, True, [4, 4]), (3, True, []), (0, False, [])],
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_loader_gives_as_many_batches_as_its_length_says(n, drop, sizes, shuffle):
    loader = make_loader(torch.zeros(n, 2), batch_size=4, drop_last=drop, shuffle=shuffle)
    assert [len(x) for (x,) in loader] == sizes and len(loader) == len(sizes)


@pytest.mark.parametrize("size", [0, -4])
def test_bad_batch_size_is_refused(size):
    with pytest.raises(ValueError, match=f"batch_size is {size}; it must be at least 1"):
        make_loader(torch.zeros(4), batch_size=size)


def test_tensors_of_different_lengths_are_refused():
    with pytest.raises((ValueError, AssertionError), match="[Ss]ize"):
        make_loader(torch.zeros(4), torch.zeros(5), batch_size=2)


# Checkpoints -------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    """(path, trained model, its optimizer), the last two as they were saved."""
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    fit(model, batches(), nn.CrossEntropyLoss(), optimizer, epochs=1, progress=False)
    path = tmp_path / "ünder way" / "best.pt"
    path.parent.mkdir()
    save_checkpoint(path, model, optimizer, epoch=3, names=["a", "b"])
    return path, model, optimizer


def test_checkpoint_comes_back_whole(saved):
    path, model, optimizer = saved
    other = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, CLASSES))
    second = torch.optim.Adam(other.parameters(), lr=0.7)
    assert load_checkpoint(str(path), other, second) == {"epoch": 3, "names": ["a", "b"]}
    assert_same_weights(model, other)
    for m, o in ((model, optimizer), (other, second)):
        fit(m, batches(), nn.CrossEntropyLoss(), o, epochs=1, progress=False)
    assert_same_weights(model, other)


def test_checkpoint_leaves_nothing_beside_it(saved):
    assert [p.name for p in saved[0].parent.iterdir()] == ["best.pt"]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (
            nn.Sequential(nn.Linear(4, 9), nn.Tanh(), nn.Linear(9, 3)),
            "0.weight: copying a param with shape torch.Size([8, 4]) from checkpoint",
        ),
        (
            nn.Sequential(nn.Linear(4, 8), nn.Tanh()),
            'Unexpected key(s) in state_dict: "2.weight"',
        ),
        (
            nn.Sequential(net(), nn.Linear(3, 3)),
            'Missing key(s) in state_dict: "0.0.weight"',
        ),
    ],
    ids=["sizes", "too small", "names"],
)
def test_other_architecture_is_refused_by_name_and_untouched(saved, other, words):
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(ValueError, match="holds another architecture") as caught:
        load_checkpoint(saved[0], other)
    assert words in str(caught.value) and str(saved[0]) in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())


NOT_CHECKPOINTS = {
    "text": lambda path, whole: path.write_text("hello"),
    "empty": lambda path, whole: path.write_bytes(b""),
    "cut off": lambda path, whole: path.write_bytes(whole[: len(whole) // 2]),
    "a state dict": lambda path, whole: torch.save(net().state_dict(), path),
    "a tensor": lambda path, whole: torch.save(torch.zeros(3), path),
    "code": lambda path, whole: torch.save({"model": os.system}, path),
}


@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence:UserWarning")
@pytest.mark.parametrize("spoil", NOT_CHECKPOINTS.values(), ids=NOT_CHECKPOINTS)
def test_what_is_not_a_checkpoint_is_refused(spoil, saved):
    path = saved[0]
    spoil(path, path.read_bytes())
    with pytest.raises(ValueError, match="is not a checkpoint of save_checkpoint") as caught:
        load_checkpoint(path, net())
    assert str(path) in str(caught.value)


def test_missing_checkpoint_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing.pt"):
        load_checkpoint(tmp_path / "nothing.pt", net())


UNREADABLE = {
    "a function": ({"bad": lambda: None}, "extra['bad'] is of type function"),
    "an array": ({"curve": np.zeros(2)}, "extra['curve'] is of type ndarray"),
    "an array in a list": ({"curve": [np.zeros(2)]}, "extra['curve'][0] is of type ndarray"),
    "deep inside": ({"a": {"b": (1, [2, {3}, np.ones(1)])}}, "extra['a']['b'][1][2] is of type ndarray"),
    "a named tuple": ({"pair": Pair(1, 2)}, "extra['pair'] is of type Pair"),
    "a model": ({"best": nn.Linear(1, 1)}, "extra['best'] is of type Linear"),
    "a history": ({"run": History()}, "extra['run'] is of type History"),
    "a path": ({"where": [os.path, 1]}, "extra['where'][0] is of type module"),
    "a date": ({"when": np.datetime64("2024-02-01")}, "extra['when'] is of type date"),
    "a key": ({"by": {(1, nn.ReLU): 2}}, "a key of extra['by'][1] is of type type"),
    "a wide number": ({"wide": np.longdouble(1)}, "extra['wide'] is of type"),
}  # fmt: skip


@pytest.mark.parametrize(("extra", "words"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_could_not_be_read_back_is_refused_by_name(extra, words, saved):
    path = saved[0]
    old = path.read_bytes()
    with pytest.raises(TypeError) as caught:
        save_checkpoint(path, net(), fine=1, **extra)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == old
    assert [p.name for p in path.parent.iterdir()] == ["best.pt"]
    assert load_checkpoint(path, net())["epoch"] == 3


def test_state_of_a_module_that_could_not_be_read_back_is_refused(saved):
    class Counts(nn.Linear):
        counts = np.float32(3.0)

        def get_extra_state(self):
            return {"counts": self.counts}

        def set_extra_state(self, state):
            self.counts = state["counts"]

    path, old = saved[0], saved[0].read_bytes()
    model, other = Counts(2, 2), Counts(2, 2)
    model.counts = np.zeros(3)
    with pytest.raises(TypeError, match=r"model\['_extra_state'\]\['counts'\] is of type ndarray"):
        save_checkpoint(path, model)
    assert path.read_bytes() == old
    model.counts = np.float32(3.5)
    save_checkpoint(path, model)
    load_checkpoint(path, other)
    assert other.counts == 3.5 and type(other.counts) is float


@pytest.mark.parametrize(
    "make",
    [
        lambda model: torch.optim.SGD(model.parameters(), lr=np.float64(0.1), momentum=0.9),
        lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=np.float32(0.5)),
        lambda model: torch.optim.Adam(model.parameters(), betas=(np.float64(0.9), 0.99)),
        lambda model: torch.optim.SGD([{"params": model.parameters(), "lr": np.array(0.1)}], lr=1.0),
        lambda model: lr_scheduler.LambdaLR(torch.optim.Adam(model.parameters()), np.cos).optimizer,
    ],
    ids=["lr", "momentum", "betas", "a group's", "after a scheduler"],
)  # fmt: skip
def test_rates_of_numpy_are_written_as_plain_numbers(make, saved):
    path, model = saved[0], net()
    optimizer, other = make(model), net()
    fit(model, batches(), nn.CrossEntropyLoss(), optimizer, epochs=1, progress=False)
    given = [type(group["lr"]) for group in optimizer.param_groups]
    save_checkpoint(
        path, model, optimizer, best=np.float64(0.25), row=(np.int64(3), [np.bool_(True)])
    )
    assert [type(group["lr"]) for group in optimizer.param_groups] == given
    again = type(optimizer)(other.parameters())
    extra = load_checkpoint(path, other, again)
    assert extra == {"best": 0.25, "row": (3, [True])}
    assert [type(x) for x in (extra["best"], *extra["row"])] == [float, int, list]
    assert type(extra["row"][1][0]) is bool and type(again.param_groups[0]["lr"]) is float
    assert again.param_groups[0]["lr"] == float(optimizer.param_groups[0]["lr"])


def test_folders_that_are_not_there_or_are_the_path_are_named(tmp_path):
    missing = tmp_path / "no such" / "best.pt"
    with pytest.raises(FileNotFoundError, match="there is no folder .*no such") as caught:
        save_checkpoint(missing, net())
    exec("from pathlib import Path;" + str(caught.value).rpartition(": make it, ")[2])
    save_checkpoint(missing, net())
    for use in (save_checkpoint, load_checkpoint):
        with pytest.raises(IsADirectoryError, match="is a folder: name a file in it.*best.pt"):
            use(missing.parent, net())
    assert [p.name for p in missing.parent.iterdir()] == ["best.pt"]


def test_file_that_fails_while_it_is_written_leaves_nothing(saved, monkeypatch):
    path, old = saved[0], saved[0].read_bytes()

    def full(state, part):
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises((OSError, TypeError)):
        save_checkpoint(path, net())
    assert path.read_bytes() == old and [p.name for p in path.parent.iterdir()] == ["best.pt"]


KINDS = {
    "SGD": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.01),
    "RMSprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
    "Adagrad": lambda p: torch.optim.Adagrad(p),
    "NAdam": lambda p: torch.optim.NAdam(p),
    "RAdam": lambda p: torch.optim.RAdam(p),
}


def frozen(model, optimizer):
    """All that a refusal might change."""
    return copy.deepcopy((model.state_dict(), optimizer.state_dict()))


def older(path):
    """The file as it was written before it said of what its optimizer is."""
    state = torch.load(path, weights_only=True)
    torch.save({k: v for k, v in state.items() if k in ("model", "extra", "optimizer")}, path)


@pytest.mark.parametrize("age", ["new", "older"])
@pytest.mark.parametrize("there", KINDS)
@pytest.mark.parametrize("here", KINDS)
def test_optimizer_of_another_kind_is_refused_and_nothing_changes(there, here, age, tmp_path):
    path, model, other = tmp_path / "a.pt", net(), nn.Sequential(*net())
    optimizer, own = KINDS[there](model.parameters()), KINDS[here](other.parameters())
    for m, o in ((model, optimizer), (other, own)):
        fit(m, batches(), nn.CrossEntropyLoss(), o, epochs=1, progress=False)
    save_checkpoint(path, model, optimizer)
    if age == "older":
        older(path)
    if type(optimizer) is type(own):
        load_checkpoint(path, other, own)
        assert_same_weights(model, other)
    else:
        before = frozen(other, own)
        groups, moments = own.param_groups, own.state
        with pytest.raises(ValueError, match="holds another optimizer's state") as caught:
            load_checkpoint(path, other, own)
        assert type(own).__name__ in str(caught.value)
        torch.testing.assert_close(frozen(other, own), before, rtol=0, atol=0)
        assert own.param_groups is groups and own.state is moments
    fit(other, batches(), nn.CrossEntropyLoss(), own, epochs=1, progress=False)  # goes on


ORDERS = {
    "turned over": lambda m: [*m.parameters()][::-1],
    "layers swapped": lambda m: [*m[2].parameters(), *m[0].parameters()],
    "a part": lambda m: [*m[0].parameters()],
    "in two groups": lambda m: [{"params": m[2].parameters()}, {"params": m[0].parameters()}],
    "of another model": lambda m: [*net().parameters()],
}


@pytest.mark.parametrize("make", ORDERS.values(), ids=ORDERS)
def test_parameters_in_another_order_are_refused(make, saved):
    other = net()
    own = torch.optim.Adam(make(other), lr=0.7)
    before = frozen(other, own)
    with pytest.raises(ValueError, match="another optimizer's state. Its parameter . is "):
        load_checkpoint(saved[0], other, own)
    torch.testing.assert_close(frozen(other, own), before, rtol=0, atol=0)


def test_equal_shapes_in_another_order_are_refused(tmp_path):
    def square():
        torch.manual_seed(1)
        return nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))

    model, other = square(), square()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    fit(model, batches(), nn.CrossEntropyLoss(), optimizer, epochs=1, progress=False)
    save_checkpoint(tmp_path / "a.pt", model, optimizer)
    swapped = [*other[1].parameters(), *other[0].parameters()]
    with pytest.raises(ValueError, match="Its parameter 0 is '0.weight' there and '1.weight' here"):
        load_checkpoint(tmp_path / "a.pt", other, torch.optim.SGD(swapped, lr=0.1, momentum=0.9))
    assert_same_weights(other, square())


@pytest.mark.parametrize("make", [ORDERS["turned over"], ORDERS["layers swapped"]])
def test_older_file_with_another_order_is_told_by_the_shapes(make, saved):
    older(saved[0])
    other = net()
    own = torch.optim.Adam(make(other))
    before = frozen(other, own)
    with pytest.raises(
        ValueError, match=r"exp_avg of parameter 0 has shape \(8, 4\), the parameter"
    ):
        load_checkpoint(saved[0], other, own)
    torch.testing.assert_close(frozen(other, own), before, rtol=0, atol=0)


@pytest.mark.parametrize("age", ["new", "older"])
@pytest.mark.parametrize(
    "make",
    [
        lambda p: torch.optim.Adam(p, amsgrad=True), lambda p: torch.optim.Adafactor(p),
        lambda p: torch.optim.ASGD(p), lambda p: torch.optim.Rprop(p), lambda p: torch.optim.Adamax(p),
        lambda p: OneCycleLR(torch.optim.SGD(p, momentum=0.9), 0.1, total_steps=99).optimizer,
        lambda p: torch.optim.Adam([{"params": p, "lr": 0.1, "name": "all"}]),
    ],
)  # fmt: skip
def test_state_of_every_kind_comes_back(make, age, tmp_path):
    model, other = net(), net()
    optimizer, own = make([*model.parameters()]), make([*other.parameters()])
    fit(model, batches(), nn.CrossEntropyLoss(), optimizer, epochs=1, progress=False)
    save_checkpoint(tmp_path / "a.pt", model, optimizer)
    if age == "older":
        older(tmp_path / "a.pt")
    load_checkpoint(tmp_path / "a.pt", other, own)
    for m, o in ((model, optimizer), (other, own)):
        fit(m, batches(), nn.CrossEntropyLoss(), o, epochs=1, progress=False)
    assert_same_weights(model, other)


def test_state_of_an_optimizer_with_a_closure_comes_back(tmp_path):
    model, other = net(), net()
    both = [torch.optim.LBFGS(m.parameters()) for m in (model, other)]

    def steps(m, o):
        def closure():
            o.zero_grad()
            loss = nn.functional.cross_entropy(m(data()[0]), data()[1])
            loss.backward()
            return loss

        o.step(closure)

    steps(model, both[0])
    save_checkpoint(tmp_path / "a.pt", model, both[0])
    for _ in ("new", "older"):
        load_checkpoint(tmp_path / "a.pt", other, both[1])
        older(tmp_path / "a.pt")
    steps(model, both[0]), steps(other, both[1])
    assert_same_weights(model, other)


WRAPPERS = {
    "plain": lambda m: m,
    "compiled": lambda m: torch.compile(m, backend="eager"),
    "parallel": nn.DataParallel,
    "compiled and parallel": lambda m: nn.DataParallel(torch.compile(m, backend="eager")),
    "parallel and compiled": lambda m: torch.compile(nn.DataParallel(m), backend="eager"),
    "a part compiled": lambda m: nn.Sequential(torch.compile(m[0], backend="eager"), *m[1:]),
    "a part parallel": lambda m: nn.Sequential(nn.DataParallel(m[0]), *m[1:]),
}


@pytest.mark.parametrize("age", ["new", "older"])
@pytest.mark.parametrize("there", WRAPPERS)
@pytest.mark.parametrize("here", ["plain", "compiled", "parallel", "a part compiled"])
def test_wrapped_models_load_into_plain_ones_and_back(there, here, age, tmp_path):
    plain, other = net(), net()
    nn.init.zeros_(other[0].weight)
    model, target = WRAPPERS[there](plain), WRAPPERS[here](other)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    own = torch.optim.SGD(target.parameters(), lr=0.1, momentum=0.9)
    save_checkpoint(tmp_path / "a.pt", model, optimizer)
    state = torch.load(tmp_path / "a.pt", weights_only=True)
    assert state["model"].keys() == plain.state_dict().keys()
    if age == "older":
        if there.startswith("a part par") or "and parallel" in there:
            return  # such names were not ours to write
        torch.save(state | {"model": model.state_dict()}, tmp_path / "a.pt")
    load_checkpoint(tmp_path / "a.pt", target, own)
    assert_same_weights(plain, other)


def test_wrapped_models_of_several_processes_load_into_plain_ones(tmp_path):
    """DistributedDataParallel itself, in a group of one."""
    import torch.distributed as dist

    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        plain = net()
        model, other = nn.parallel.DistributedDataParallel(plain), net()
        nn.init.zeros_(other[0].weight)
        save_checkpoint(tmp_path / "a.pt", model, torch.optim.SGD(model.parameters(), lr=0.1))
        load_checkpoint(tmp_path / "a.pt", other, torch.optim.SGD(other.parameters(), lr=0.1))
        assert_same_weights(plain, other)
        nn.init.zeros_(plain[0].weight)
        load_checkpoint(tmp_path / "a.pt", model)
        assert_same_weights(plain, other)
    finally:
        dist.destroy_process_group()


def test_part_that_is_called_module_keeps_its_name(tmp_path):
    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.module = net()

    model, other = Around(), Around()
    nn.init.zeros_(other.module[0].weight)
    save_checkpoint(tmp_path / "a.pt", model)
    load_checkpoint(tmp_path / "a.pt", other)
    assert_same_weights(model, other)
    with pytest.raises(ValueError, match="another architecture"):
        load_checkpoint(tmp_path / "a.pt", nn.Sequential(net()))


@pytest.mark.parametrize(
    "wrap", [WRAPPERS["compiled"], nn.DataParallel], ids=["compiled", "parallel"]
)
def test_wrapped_models_are_trained_and_measured(wrap):
    plain, model = net(), wrap(net())
    _, history = train(model)
    assert history["loss"] == pytest.approx(train(plain)[1]["loss"], abs=1e-6)
    assert torch.allclose(predict(model, batches()), predict(plain, batches()), atol=1e-6)


def test_model_without_numbers_is_not_loaded_into(saved):
    with pytest.raises(ValueError, match="is on the device meta.*to_empty"):
        load_checkpoint(saved[0], net().to("meta"))
    model = net().to("meta").to_empty(device="cpu")
    load_checkpoint(saved[0], model)
    assert_same_weights(model, saved[1])


def test_checkpoint_without_an_optimizer_has_none_to_load(saved):
    path, model, optimizer = saved
    save_checkpoint(path, model)
    with pytest.raises(ValueError, match="holds no optimizer state"):
        load_checkpoint(path, net(), optimizer)
    assert load_checkpoint(path, net()) == {}


def test_model_is_untouched_when_the_optimizer_is_missing(saved):
    path, model, _ = saved
    save_checkpoint(path, model)
    other = net()
    with pytest.raises(ValueError):
        load_checkpoint(path, other, torch.optim.Adam(other.parameters()))
    assert_same_weights(other, net())


@pytest.mark.parametrize("spoilt", [False, True], ids=["other weights", "no state at all"])
def test_model_is_untouched_when_the_optimizer_does_not_fit(spoilt, saved):
    if spoilt:
        state = torch.load(saved[0], weights_only=True)
        torch.save(state | {"optimizer": {}}, saved[0])
    other = net()
    other[0].weight.data.zero_()
    before = copy.deepcopy(other)
    with pytest.raises(ValueError, match="another optimizer's state"):
        load_checkpoint(saved[0], other, torch.optim.Adam([other[0].weight]))
    assert_same_weights(other, before)


@pytest.mark.parametrize("value", [np.float64(0.5), np.zeros(2)], ids=["numpy number", "array"])
def test_extra_value_that_can_be_saved_can_be_loaded(value, tmp_path):
    try:
        save_checkpoint(tmp_path / "best.pt", net(), loss=value)
    except (TypeError, ValueError):
        return  # refusing at once is as good
    load_checkpoint(tmp_path / "best.pt", net())


def test_checkpoint_of_another_kind_is_refused(tmp_path):
    torch.save({"model": 3}, tmp_path / "best.pt")
    with pytest.raises(ValueError, match="is not a checkpoint"):
        load_checkpoint(tmp_path / "best.pt", net())


# Devices and seeds -------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["cpu", " CPU "])
def test_device_that_is_asked_for(wanted, monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", wanted)
    assert get_device() == torch.device("cpu")


@pytest.mark.parametrize("wanted", ["gpu", "cuda:99", "cpu:7"])
def test_device_that_is_not_there_is_named_with_those_that_are(wanted, monkeypatch):
    monkeypatch.setenv("COURSE_DEVICE", wanted)
    with pytest.raises(
        RuntimeError, match=rf"COURSE_DEVICE is '{wanted}', but PyTorch sees only .*cpu here.*unset"
    ):
        get_device()


@pytest.mark.parametrize("wanted", [None, ""])
def test_best_device_is_the_default(wanted, monkeypatch):
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    if wanted is not None:
        monkeypatch.setenv("COURSE_DEVICE", wanted)
    monkeypatch.setattr("utils.device._trouble", lambda device: "")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert get_device().type == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert get_device().type == "cuda"
    monkeypatch.setenv("COURSE_DEVICE", "cuda:1")
    assert get_device() == torch.device("cuda:1")


def test_card_that_is_too_old_is_named_and_passed_over(monkeypatch, capsys):
    def too_old(*size, device):
        raise RuntimeError("CUDA error: no kernel image is available\nCompile with …")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch, "ones", too_old)
    monkeypatch.delenv("COURSE_DEVICE", raising=False)
    assert get_device() == torch.device("cpu")
    said = capsys.readouterr().out
    assert "cuda is here" in said and "no kernel image" in said and said.count("\n") == 1
    monkeypatch.setenv("COURSE_DEVICE", "cuda:0")
    with pytest.raises(RuntimeError, match="COURSE_DEVICE is 'cuda:0', but it does not work.*fits"):
        get_device()


def test_report_names_a_package_that_does_not_import(monkeypatch, capsys):
    really = importlib.import_module

    def refuse(name, package=None):
        if name == "torchvision":
            raise RuntimeError("operator torchvision::nms does not exist")
        return really(name, package)

    monkeypatch.setattr("utils.device.importlib.import_module", refuse)
    environment_report()
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("✗")] == ["torchvision"]
    assert any("nms does not exist" in line and "delete .venv" in line for line in lines)


@pytest.mark.parametrize("seed", [0, 7, 2**40])
def test_seed_everything_seeds_python_numpy_and_torch(seed):
    def draw():
        generator = seed_everything(seed)
        assert generator is torch.default_generator
        return random.random(), np.random.rand(), torch.rand(1).item()

    assert draw() == draw()
    seed_everything(seed + 1)
    assert random.random() != draw()[0]
