"""The training loop of lesson 03, kept in one place: fit, evaluate, predict, and checkpoints."""

from __future__ import annotations

import copy
import io
import math
import operator
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.nn.parameter import is_lazy
from torch.optim.lr_scheduler import CyclicLR, OneCycleLR, ReduceLROnPlateau
from torch.utils.data import TensorDataset
from tqdm.auto import tqdm

from utils.gate import (
    NO_BATCH,
    insist_arguments,
    insist_batch,
    insist_loader,
    insist_mean,
    insist_numbers,
    insist_optimizer,
    insist_real,
    insist_scheduler,
    insist_targets,
    one_number,
    one_tensor,
)

if TYPE_CHECKING:
    import pandas as pd

LossFn = Callable[[Tensor, Tensor], Tensor]
# name → function(outputs, targets) → mean over the batch, or a torchmetrics.Metric
Metrics = Mapping[str, Any]
# what an optimizer's groups may say or not: how to compute, and what schedulers leave there
MARKS = (
    "foreach fused capturable differentiable maximize decoupled_weight_decay params param_names "
)
MARKS += "initial_lr max_lr min_lr base_momentum max_momentum swa_lr"


class History:
    """What one run of :func:`fit` measured: one row an epoch.

    ``rows`` is a list of dicts (``epoch, lr, loss``, the metrics, and the same with ``val_`` in
    front); ``stopped`` says why a run ended early.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.stopped = ""

    def __getitem__(self, name: str) -> list[float]:
        """The values of one column, an epoch each: ``history["val_loss"]``; nan where none came."""
        return [row.get(name, math.nan) if n else row[name] for n, row in enumerate(self.rows)]

    def frame(self) -> pd.DataFrame:
        """The rows as a DataFrame with ``epoch`` as its index."""
        import pandas as pd  # here, because it takes half a second to import

        return pd.DataFrame(self.rows).set_index("epoch") if self.rows else pd.DataFrame()

    def plot(self, *names: str) -> Any:
        """Draw the named columns (default: loss and every metric) against epochs; return the axes."""
        from utils.plotting import plot_history

        return plot_history(self.frame(), names)


def fit(
    model: nn.Module, loader: Iterable[Any], loss_fn: LossFn, optimizer: torch.optim.Optimizer, *,
    epochs: int, val_loader: Iterable[Any] | None = None, metrics: Metrics | None = None,
    scheduler: Any = None, device: torch.device | str | None = None,
    clip_norm: float | None = None, amp: bool = False, progress: bool = True,
) -> History:  # fmt: skip
    """Train ``model`` on ``loader`` for ``epochs`` epochs and return what was measured.

    A batch is ``(inputs, targets)``, or ``(input1, input2, …, targets)`` for a model that takes
    several: tensors whose first size counts the samples, in a tuple or a list.
    ``loss_fn(outputs, targets)`` is a mean over the batch. Losses and metrics are summed over
    samples (``len(targets)`` a batch), so a short last batch does not count double; on the training
    set they are measured while the weights move, in training mode.

    ``device`` moves model and batches (default: where the model is). ``scheduler`` is stepped after
    each batch if it is a OneCycleLR or CyclicLR, otherwise after each epoch (ReduceLROnPlateau gets
    ``val_loss``, or ``loss`` without a ``val_loader``). ``clip_norm`` bounds the norm of all gradients together. ``amp`` computes in
    bfloat16 where that is safe (float16 with loss scaling on older CUDA cards).

    Ctrl-C ends the run and keeps the weights learned so far. Raises ``FloatingPointError`` when the
    loss is not finite, ``ValueError`` for arguments that cannot work. An error before the first step
    leaves the model as it came; one after a whole epoch carries the rows so far as its ``history``,
    and its last line says how to get at them.

    >>> X = torch.linspace(-1, 1, 64).unsqueeze(1)
    >>> model = nn.Linear(1, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> history = fit(model, make_loader(X, 2 * X, batch_size=16), nn.MSELoss(), optimizer, epochs=50)
    >>> history["loss"][-1] < 1e-3
    True
    """
    insist_arguments(epochs, clip_norm, metrics)
    insist_mean(loss_fn)
    insist_loader(loader, "loader", epochs)
    if val_loader is not None:
        insist_loader(val_loader, "val_loader", epochs)
    params = insist_optimizer(optimizer, model)
    insist_scheduler(scheduler, optimizer, epochs, operator.length_hint(loader))
    came = _AsItCame(model)
    device = _place(model, device)
    each_batch = isinstance(scheduler, OneCycleLR | CyclicLR)
    autocast, scaler = _precision(device, amp)
    history, step, epoch = History(), 0, 1
    # Freed once, a block of 31 MiB makes glibc keep blocks below that size, instead of handing each
    # batch's memory back to the system and faulting it in again: up to a third of a small step.
    torch.empty(31 * 2**20, dtype=torch.uint8)
    total = epochs * operator.length_hint(loader) or None  # some loaders do not know their length
    hidden = not progress or os.environ.get("TQDM_DISABLE") == "1"  # notebook bars ignore it
    bar = tqdm(total=total, delay=2, unit="batch", disable=hidden)
    try:
        for epoch in range(1, epochs + 1):
            model.train()
            tally = _Tally(metrics, device)
            lr = optimizer.param_groups[0]["lr"]
            for batch in loader:
                insist_batch(batch)
                *inputs, targets = [
                    part.to(device, non_blocking=device.type == "cuda") for part in batch
                ]
                with autocast():
                    outputs = model(*inputs)
                    loss = loss_fn(outputs, targets)
                if step == 0:
                    insist_numbers(loss, outputs, targets, metrics)
                tally.add(outputs.detach(), targets, loss.detach())
                if (step + 1) % tally.wait == 0:
                    tally.insist_finite(step + 1, optimizer)
                optimizer.zero_grad()
                scaler.scale(loss).backward()
                if clip_norm is not None:
                    scaler.unscale_(optimizer)
                    nn.utils.clip_grad_norm_(params, clip_norm)
                scaler.step(optimizer)
                step += 1
                scaler.update()
                if each_batch:
                    scheduler.step()
                bar.update()
            tally.insist_finite(step, optimizer)
            row = {"epoch": epoch, "lr": lr, **tally.means()}
            history.rows.append(row)  # first: it is kept if validation fails
            if val_loader is not None:
                measured = evaluate(model, val_loader, loss_fn, metrics, device=device)
                row |= {f"val_{name}": value for name, value in measured.items()}
            shown = {name: f"{value:.4g}" for name, value in list(row.items())[2:]}
            bar.set_postfix(shown, refresh=False)
            if isinstance(scheduler, ReduceLROnPlateau):
                scheduler.step(row.get("val_loss", row["loss"]))
            elif scheduler is not None and not each_batch:
                scheduler.step()
    except KeyboardInterrupt:
        history.stopped = f"interrupted at step {step}, in epoch {epoch} of {epochs}"
        print(f"Training {history.stopped}. The model keeps what it has learned.")
    except Exception as error:
        if step == 0:
            came.put_back()
        elif history.rows:
            history.stopped = f"{type(error).__name__} at step {step}, in epoch {epoch} of {epochs}"
            error.history = history  # type: ignore[attr-defined]
            error.add_note(
                f"The history is kept up to epoch {len(history.rows)}, and the model what it has "
                "learned: import sys; history = sys.last_value.history"
            )
        raise
    finally:
        bar.close()
    return history


def evaluate(
    model: nn.Module, loader: Iterable[Any], loss_fn: LossFn | None = None,
    metrics: Metrics | None = None, *, device: torch.device | str | None = None,
) -> dict[str, float]:  # fmt: skip
    """Mean loss and metrics of ``model`` over ``loader``, in evaluation mode, without gradients.

    Each part of the model is left in the mode it came in. Raises ``ValueError`` for what is no batch.

    >>> loader = make_loader(torch.eye(3), torch.tensor([0, 1, 0]), batch_size=2)
    >>> evaluate(nn.Identity(), loader, metrics={"accuracy": accuracy})  # doctest: +ELLIPSIS
    {'accuracy': 0.666666...}
    """
    insist_loader(loader, "loader")
    insist_mean(loss_fn)
    device = _place(model, device)
    tally = _Tally(metrics, device)
    with _evaluating(model):
        for batch in loader:
            insist_batch(batch)
            *inputs, targets = [
                part.to(device, non_blocking=device.type == "cuda") for part in batch
            ]
            outputs = model(*inputs)
            tally.add(outputs, targets, loss_fn(outputs, targets) if loss_fn else None)
    return tally.means()


def predict(
    model: nn.Module, inputs: Tensor | Iterable[Any], *, batch_size: int = 1000,
    device: torch.device | str | None = None,
) -> Tensor:  # fmt: skip
    """The model's outputs for a tensor of inputs (N, …), or for a loader as :func:`fit` takes it.

    A loader may also come without targets: its batches are then bare tensors, or ``(inputs,)``.
    Evaluation mode, no gradients; the outputs come back on the CPU, in the order of the inputs.
    Raises ``ValueError`` for what is no batch, or could be meant in two ways.

    >>> predict(nn.Flatten(), torch.zeros(5, 2, 3)).shape
    torch.Size([5, 6])
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
    if not isinstance(inputs, Tensor):
        insist_loader(inputs, "inputs", targets=False)
    device = _place(model, device)
    batches = inputs.split(batch_size) if isinstance(inputs, Tensor) else inputs
    parts: list[Tensor] = []
    with _evaluating(model):
        for batch in batches:
            insist_batch(batch, targets=False)
            if not parts:
                insist_targets(model, batch)
            given = [batch] if isinstance(batch, Tensor) else batch[: max(1, len(batch) - 1)]
            parts.append(one_tensor(model(*(part.to(device) for part in given))).cpu())
    if not parts:
        raise ValueError("there is nothing to predict: the inputs are empty")
    return torch.cat(parts)


def accuracy(logits: Tensor, targets: Tensor) -> Tensor:
    """The share of right answers, as a 0-dim tensor.

    ``logits`` (N, classes) against class numbers (N,); or one logit a sample, (N,) or (N, 1),
    against 0/1 targets of the same shape: there a logit above 0 means class 1. Raises ``ValueError``
    for other shapes, one-hot targets among them.

    >>> accuracy(torch.tensor([[2.0, 1.0], [0.0, 3.0]]), torch.tensor([0, 0]))
    tensor(0.5000)
    """
    if logits.shape == targets.shape:
        if logits.ndim and logits[:1].numel() > 1:
            raise ValueError(
                f"logits and targets both have shape {tuple(logits.shape)}: if one column of a row is "
                "right (one-hot), give class numbers, targets.argmax(1); if each column is a yes or no "
                "(multi-label), accuracy(logits.flatten(), targets.flatten()) is the share of right ones"
            )
        return ((logits > 0) == (targets > 0.5)).float().mean()
    if logits.ndim != 2 or logits.shape[1] < 2 or targets.shape != logits.shape[:1]:
        raise ValueError(
            f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not fit: expected "
            "(N, classes) and (N,), or twice the same shape"
        )
    return (logits.argmax(dim=1) == targets).count_nonzero() / len(targets)


class TensorLoader:
    """Batches of tensors in memory, each fetched with one indexing call.

    ``tensors`` share their first size N. Yields tuples of tensors (batch_size, …), as
    ``DataLoader(…, sampler=BatchSampler(…), batch_size=None)`` does, at a third of its cost: a
    DataLoader hides slow samples behind workers, and tensors in memory have nothing to hide.
    The course calls it by the name ``make_loader``.

    >>> [len(x) for x, y in make_loader(torch.zeros(5, 2), torch.zeros(5), batch_size=2)]
    [2, 2, 1]
    """

    def __init__(
        self, *tensors: Tensor, batch_size: int, shuffle: bool = False, drop_last: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        self.dataset = TensorDataset(*tensors)  # refuses tensors of different lengths
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; it must be at least 1")
        self.batch_size, self.shuffle, self.drop_last = batch_size, shuffle, drop_last
        self.generator = generator

    def __len__(self) -> int:
        n = len(self.dataset)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        tensors, n = self.dataset.tensors, len(self.dataset)
        order = torch.randperm(n, generator=self.generator) if self.shuffle else torch.arange(n)
        order = order[: len(self) * self.batch_size].to(tensors[0].device)
        row = max(1, sum(t[:1].numel() for t in tensors))
        several = self.batch_size * max(1, 100_000 // (row * self.batch_size))
        for rows in order.split(several) if len(order) else ():  # small batches: several at a time
            yield from zip(*(t.index_select(0, rows).split(self.batch_size) for t in tensors))


make_loader = TensorLoader


def save_checkpoint(
    path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None, **extra: Any
) -> None:
    """Write the weights (and the optimizer's state, and ``extra`` plain values) to ``path``.

    The file is written beside its place, read back, and then moved there: a crash or a refusal leaves
    the old one whole. NumPy's numbers become Python's; ``torch.compile``, ``DataParallel`` and
    ``DistributedDataParallel`` leave no mark on the names. Raises ``TypeError`` for a value that
    could not be read back.
    """
    path = Path(path)
    _insist_file(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"there is no folder {path.parent}: make it, Path({str(path.parent)!r}).mkdir(parents=True)"
        )
    insist_real(model)
    weights = {_bare(model, name): value for name, value in model.state_dict().items()}
    state: dict[str, Any] = {"model": weights, "extra": extra}
    if optimizer is not None:
        state["optimizer"] = optimizer.state_dict()
        state["made_of"] = [type(optimizer).__name__, *_parameter_names(optimizer, model)]
    state = _plain(state)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        torch.save(state, part)
        torch.load(part, map_location="cpu", weights_only=True)
        os.replace(part, path)
    except Exception:
        for group, values in state.items():
            for name, value in _unreadable(values, group):
                raise TypeError(
                    f"{name} is of type {type(value).__name__}, which load_checkpoint would refuse: "
                    "save tensors, numbers, strings, and lists or dicts of these"
                ) from None
        raise
    finally:
        part.unlink(missing_ok=True)


def load_checkpoint(
    path: str | Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None
) -> dict[str, Any]:
    """Load what :func:`save_checkpoint` wrote into ``model``; return the ``extra`` values.

    Only weights and plain values are unpickled, never code. Raises ``ValueError``, with model and
    optimizer as they came, if the weights or the optimizer's state do not fit (another kind of
    optimizer, or its parameters in another order), and ``FileNotFoundError`` if there is no such file.
    """
    _insist_file(Path(path))
    insist_real(model)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved = dict(state["model"])
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is not a checkpoint of save_checkpoint: {error}") from None
    if optimizer is not None and "optimizer" not in state:
        raise ValueError(f"{path} holds no optimizer state: it was saved without one")
    own, what = copy.deepcopy(model.state_dict()), "architecture's weights"
    if optimizer is not None:
        moments, groups = optimizer.state, optimizer.param_groups  # loading makes new ones
    names = {_bare(model, name): name for name in own}
    try:
        model.load_state_dict({_own(name, names): value for name, value in saved.items()})
        if optimizer is not None:
            what = "optimizer's state"
            _insist_same_optimizer(state, model, optimizer)
            optimizer.load_state_dict(state["optimizer"])
    except Exception as error:
        model.load_state_dict(own)
        if optimizer is not None:
            optimizer.state, optimizer.param_groups = moments, groups
        raise ValueError(f"{path} holds another {what}. {error}") from None
    return state.get("extra", {})


class _Tally:
    """Sums of losses and metrics over samples, for one pass over the data.

    Asking an accelerator for a number makes it wait: there the sums stay tensors, looked at every
    ``wait`` batches. Metrics are computed on several small batches at once: their cost is the call's.
    """

    def __init__(self, metrics: Metrics | None, device: torch.device) -> None:
        self.metrics, self.wait = dict(metrics or {}), 1 if device.type == "cpu" else 50
        if "loss" in self.metrics:
            raise ValueError("'loss' is the name of loss_fn's mean: give that metric another name")
        self.samples = 0
        self.sums: dict[str, Any] = {}
        self.held: list[tuple[Tensor, Tensor]] = []  # outputs and targets not yet measured
        # a torchmetrics.Metric keeps its own sums
        self.own = {n: m for n, m in self.metrics.items() if hasattr(m, "compute")}
        self.device = device

    def add(self, outputs: Tensor, targets: Tensor, loss: Tensor | None) -> None:
        if not self.samples:  # not before: what has no batch, or a wrong one, leaves metrics alone
            for metric in self.own.values():
                metric.reset()
                metric.to(self.device)
        self.samples += len(targets)
        if loss is not None:
            self._sum("loss", loss, len(targets))
        if self.metrics:
            if self.held and self.held[0][0].shape[1:] != outputs.shape[1:]:
                self._measure()
            self.held.append((outputs, targets))
            if len(self.held) * outputs.numel() >= 16_384:
                self._measure()

    def _sum(self, name: str, mean: Any, samples: int) -> None:
        tensor = self.wait > 1 and isinstance(mean, Tensor) and mean.numel() == 1
        value = mean.float() if tensor else one_number(name, mean)
        self.sums[name] = self.sums.get(name, 0.0) + value * samples

    def _measure(self) -> None:
        outputs, targets = (torch.cat(parts) for parts in zip(*self.held, strict=True))
        self.held.clear()
        for name, metric in self.metrics.items():
            if name in self.own:
                metric.update(outputs, targets)
            else:
                self._sum(name, metric(outputs, targets), len(targets))

    def insist_finite(self, step: int, optimizer: torch.optim.Optimizer) -> None:
        if math.isfinite(self.sums.get("loss", 0.0)):
            return
        late = f" (or up to {self.wait} steps before)" if self.wait > 1 else ""
        raise FloatingPointError(
            f"the loss is not finite at step {step}{late}, with learning rate "
            f"{optimizer.param_groups[0]['lr']:g}. Usual causes: a learning rate that is too large, "
            "a log or a division of zero, inputs that are not finite or not scaled."
        )

    def means(self) -> dict[str, float]:
        if not self.samples:
            raise ValueError(NO_BATCH.format("loader"))
        if self.held:
            self._measure()
        means = {name: float(total) / self.samples for name, total in self.sums.items()}
        means |= {name: one_number(name, metric.compute()) for name, metric in self.own.items()}
        return {name: means[name] for name in ("loss", *self.metrics) if name in means}


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; then each part back to the mode that it came in.

    Not ``inference_mode``: what a model keeps of it, as a recurrent state, could not be trained on.
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _place(model: nn.Module, device: torch.device | str | None) -> torch.device:
    """Move the model to ``device``, or find out where it is."""
    insist_real(model)
    if device is None:
        return next((p.device for p in model.parameters()), torch.device("cpu"))
    if torch.device(device).type == "meta":
        raise ValueError('device is "meta", where tensors have shapes but no numbers: give another')
    model.to(device)
    return torch.device(device)


class _AsItCame:
    """Where a model was, its modes, its buffers and torch's dice, to put back if it can't be trained."""

    def __init__(self, model: nn.Module) -> None:
        self.model, self.places = model, {p.device for p in model.parameters()}
        self.modes = [(module, module.training) for module in model.modules()]
        self.buffers = [
            (module, name, buffer, buffer.detach().clone())
            for module, _ in self.modes
            for name, buffer in module._buffers.items()
            if buffer is not None and not is_lazy(buffer)
        ]
        self.dice = torch.get_rng_state()

    def put_back(self) -> None:
        if len(self.places) == 1:
            self.model.to(next(iter(self.places)))
        for module, training in self.modes:
            module.training = training
        for module, name, buffer, values in self.buffers:
            if not torch.equal(buffer, values):
                buffer.detach().copy_(values)
            module._buffers[name] = buffer
        torch.set_rng_state(self.dice)


def _precision(device: torch.device, amp: bool) -> tuple[Any, Any]:
    """(context to compute in, gradient scaler, switched off where it is not needed) for ``fit``."""
    old = device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False)
    dtype = torch.float16 if old else torch.bfloat16
    scaler = torch.amp.GradScaler(device.type, enabled=amp and old)
    return (lambda: torch.autocast(device.type, dtype)) if amp else nullcontext, scaler


def _bare(model: nn.Module, name: str) -> str:
    """A name in the model's state without what torch.compile and the parallel wrappers add to it."""
    kept, module = [], model  # type: tuple[list[str], Any]
    for part in name.split("."):
        parallel = isinstance(module, (DataParallel, DistributedDataParallel)) and part == "module"
        if not parallel and part != "_orig_mod":
            kept.append(part)
        module = getattr(module, part, None)
    return ".".join(kept)


def _own(name: str, names: dict[str, str]) -> str:
    """A file's name in the model's own words; older files kept the wrappers' marks."""
    plain = name.replace("_orig_mod.", "").removeprefix("module.")
    return names.get(name, names.get(plain, name))


def _parameter_names(optimizer: torch.optim.Optimizer, model: nn.Module) -> list[str]:
    """The model's names for what the optimizer holds, in its order; "" for what is not the model's."""
    names = {id(p): _bare(model, name) for name, p in model.named_parameters()}
    return [names.get(id(p), "") for group in optimizer.param_groups for p in group["params"]]


def _insist_same_optimizer(
    state: dict[str, Any], model: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Another kind of optimizer's state, or of other parameters, is often accepted, and fails later."""
    saved, kind = state["optimizer"], type(optimizer).__name__
    if "made_of" in state:
        was, *names = state["made_of"]
        if was != kind:
            raise ValueError(f"It is the state of {was}, and this optimizer is {kind}.")
        own = _parameter_names(optimizer, model)
        for n, (before, now) in enumerate(zip_longest(names, own, fillvalue="nothing")):
            if before != now:
                raise ValueError(
                    f"Its parameter {n} is {before!r} there and {now!r} here: make the optimizer with "
                    "the same parameters in the same order."
                )
        return
    # an older file does not say of what it is: look at the options and at the sizes
    for there, here in zip(saved["param_groups"], optimizer.param_groups):
        other = {*there} ^ {*here, *optimizer.defaults}
        if other - {*MARKS.split()} or (
            there.get("decoupled_weight_decay") != here.get("decoupled_weight_decay")
            and "decoupled_weight_decay" not in other
        ):
            raise ValueError(f"Its options are {', '.join(there)}; this optimizer is {kind}.")
        for n, param in zip(there["params"], here["params"]):
            for name, value in saved["state"].get(n, {}).items():
                if isinstance(value, Tensor) and not _fits(value, param) and kind != "LBFGS":
                    raise ValueError(
                        f"{name} of parameter {n} has shape {tuple(value.shape)}, the parameter "
                        f"{tuple(param.shape)}: make the optimizer with its parameters in the same order."
                    )


def _fits(moment: Tensor, param: Tensor) -> bool:
    """A number, or of the parameter's shape; some optimizers keep a sum over a direction, size 1."""
    if moment.numel() == 1:
        return True
    pairs = zip_longest(moment.shape, param.shape, fillvalue=-1)
    return all(a in (1, b) for a, b in pairs)


def _insist_file(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} is a folder: name a file in it, such as {path / 'best.pt'}"
        )


def _plain(value: Any) -> Any:
    """``value`` with Python's numbers for NumPy's, also inside of dicts, lists and tuples."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    if type(value) in (dict, OrderedDict):
        return type(value)((_plain(key), _plain(part)) for key, part in value.items())
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value


def _unreadable(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """What inside of ``value`` could not be read back: (where, what)."""
    if type(value) in (dict, OrderedDict):
        for key, part in value.items():
            yield from _unreadable(key, f"a key of {name}")
            yield from _unreadable(part, f"{name}[{key!r}]")
    elif type(value) in (list, tuple):
        for n, part in enumerate(value):
            yield from _unreadable(part, f"{name}[{n}]")
    else:
        try:
            torch.save(value, file := io.BytesIO())
            file.seek(0)
            torch.load(file, weights_only=True)
        except Exception:
            yield name, value
