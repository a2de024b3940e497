"""The training loop: it does what a loop written by hand does, and says clearly what it can't do.

Also the seeds and devices that a training run starts from (utils.device).
"""

import copy
import importlib
import os
import random

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ExponentialLR, OneCycleLR, ReduceLROnPlateau, StepLR
from torchmetrics import MeanSquaredError
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

    model, history = train(val_loader=interrupted())
    assert history.stopped and model.training and history.rows == []


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


def test_save_that_fails_leaves_the_old_file(saved):
    path, model, _ = saved
    old = path.read_bytes()
    with pytest.raises(TypeError, match="'bad': 'function'"):
        save_checkpoint(path, net(), bad=lambda: None)
    assert path.read_bytes() == old
    assert [p.name for p in path.parent.iterdir()] == ["best.pt"]
    assert load_checkpoint(path, net())["epoch"] == 3


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
