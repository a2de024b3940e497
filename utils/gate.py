"""What cannot work, or has two meanings, is refused here in one line, before the first step.

One gate for :mod:`utils.training`: what a batch and a loader are, and which optimizers, schedulers,
losses and metrics ``fit`` can use. Everything raises ``ValueError`` and changes nothing.
"""

from __future__ import annotations

import copy
import inspect
import operator
import warnings
from collections.abc import Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, ReduceLROnPlateau
from torch.utils.data import Dataset, default_collate

NO_BATCH = (
    "the {} gave no batch: is the data set empty, or smaller than one batch with drop_last=True?"
)

ONE_LOSS = 'expected one number for the batch: its mean, as reduction="mean" gives it'


def insist_batch(batch: Any, targets: bool = True) -> None:
    """A batch is tensors of one first size, the last one the targets; else inputs alone will do, too."""
    listed = isinstance(batch, (tuple, list))
    if not targets and (isinstance(batch, Tensor) or (listed and len(batch) == 1)):
        batch, listed = (*batch, *batch) if listed else (batch, batch), True
    if not listed or len(batch) < 2 or not all([isinstance(part, Tensor) for part in batch]):
        raise ValueError(
            f"a batch is {_kind(batch)}; expected tensors, (inputs, targets) or (input1, input2, …, "
            f"targets){_mend(batch)}"
        )
    sizes = {part.shape[0] if part.ndim else -1 for part in batch}
    if len(sizes) == 1 and -1 not in sizes and not (targets and 0 in sizes):
        return
    if len(sizes) == 1 and 0 in sizes:
        mend = "nothing has no mean. Leave it out: [batch for batch in loader if len(batch[-1])]"
    else:
        mend = "each first size must be the number of samples. "
        mend += (
            "A single sample? Bundle some: DataLoader(dataset, batch_size=32)"
            if -1 in sizes or batch[-1].ndim < 2 and len(batch[-1]) == 1
            else "Is another direction first? Swap the two: inputs.transpose(0, 1)"
        )
    raise ValueError(f"a batch is {_kind(batch)}; {mend}")


def insist_loader(loader: Any, name: str, passes: int = 1, targets: bool = True) -> None:
    """A loader gives batches, ``passes`` times; as far as can be seen without drawing one."""
    mend = "expected a loader, such as make_loader(X, y, batch_size=32)"
    if isinstance(loader, Dataset) or (
        hasattr(loader, "__getitem__") and not hasattr(loader, "__iter__")
    ):
        mend = "it gives single samples. Bundle them: DataLoader(dataset, batch_size=32)"
    elif isinstance(loader, (Tensor, Mapping, str)) or not isinstance(loader, Iterable):
        if isinstance(loader, Mapping):
            mend += ". Give one of its values"
    elif hasattr(loader, "__array__"):  # an array, or a table of pandas
        mend += "" if targets else ", or a tensor"
        mend += ". A tensor of it: torch.tensor(np.asarray(X)).float()"
    elif isinstance(loader, (tuple, list)) and any(isinstance(one, Tensor) for one in loader):
        alike = {(one.shape[1:], one.dtype) for one in loader if isinstance(one, Tensor)}
        if not targets and isinstance(loader, list) and len(alike) == 1:
            return
        mend = "is it one batch? Put it into a list: [(X, y)]"
        if not targets:
            mend += ". Are they several batches of inputs? [(X1,), (X2,)]"
    elif (
        passes > 1
        and isinstance(loader, Iterator)
        and type(loader).__module__.partition(".")[0] in ("builtins", "itertools", "torch")
    ):
        mend = f"it is used up after one of {passes} epochs. Keep its batches: list({name})"
    elif targets and operator.length_hint(loader, 1) == 0:
        raise ValueError(NO_BATCH.format(name))
    else:
        known = loader if isinstance(loader, (tuple, list)) else []
        whole = getattr(getattr(loader, "dataset", None), "tensors", None)
        if whole and getattr(loader, "collate_fn", default_collate) is default_collate:
            known = [whole]
        for batch in known:
            insist_batch(batch, targets)
        return
    raise ValueError(f"{name} is {_kind(loader)}; {mend}")


def insist_targets(model: nn.Module, batch: Any) -> None:
    """The last tensor of several is the targets': a model that needs all of them gets one too few."""
    if isinstance(batch, Tensor) or len(batch) < 2:
        return
    takes = inspect.signature(model.forward)
    try:
        takes.bind(*batch[:-1])
    except TypeError:
        try:
            takes.bind(*batch)
        except TypeError:
            return  # the call says in its own words what is missing
        names = ", ".join(f"input{n}" for n in range(1, len(batch) + 1))
        raise ValueError(
            f"the model needs all {len(batch)} tensors of a batch, but the last one is taken for the "
            f"targets. Add some: make_loader({names}, torch.zeros(len(input1)), batch_size=32)"
        ) from None


def insist_real(model: nn.Module) -> None:
    """The weights are numbers, not only shapes."""
    if any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers())):
        raise ValueError(
            "the model is on the device meta, where tensors have shapes but no numbers: make it "
            'elsewhere, or model.to_empty(device="cpu") and load its weights; an optimizer comes after'
        )


def insist_arguments(epochs: Any, clip_norm: float | None, metrics: Any) -> None:
    """The plain arguments of ``fit``."""
    try:
        operator.index(epochs)
    except TypeError:
        raise ValueError(f"epochs is {epochs!r}; it must be a whole number") from None
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; it must be at least 1")
    if clip_norm is not None and not clip_norm > 0:
        raise ValueError(f"clip_norm is {clip_norm}; it must be above 0, or None to clip nothing")
    if metrics is not None and not isinstance(metrics, Mapping | nn.ModuleDict):
        raise ValueError(f'metrics is {_kind(metrics)}; expected a dict: {{"accuracy": accuracy}}')
    for name, metric in (metrics or {}).items():
        if isinstance(metric, type) or not callable(metric):
            raise ValueError(
                f"metric {name!r} is {metric!r}; expected a function(outputs, targets), "
                "or an object of torchmetrics"
            )
        if name in ("epoch", "lr"):
            raise ValueError(f"{name!r} is a column of the history: give that metric another name")


def insist_mean(loss_fn: Any) -> None:
    """Losses are weighted by the samples of their batch, so each must be a mean."""
    if getattr(loss_fn, "reduction", "mean") == "sum":
        name = type(loss_fn).__name__
        raise ValueError(
            f'{name} has reduction="sum", which gives small batches a small loss; expected the mean '
            f"of a batch: {name}()"
        )


def insist_optimizer(optimizer: Any, model: nn.Module) -> list[Tensor]:
    """An optimizer of the model's parameters whose step needs no closure; returns what it holds."""
    if not hasattr(optimizer, "param_groups"):
        raise ValueError(
            f"optimizer is {optimizer!r}; expected an object such as "
            "torch.optim.Adam(model.parameters(), lr=0.001)"
        )
    params = [p for group in optimizer.param_groups for p in group["params"]]
    if {*map(id, params)}.isdisjoint(map(id, model.parameters())):
        raise ValueError(
            "the optimizer holds none of this model's parameters. "
            "Was the model made anew after the optimizer? Make the optimizer after the model."
        )
    if not any(p.requires_grad for p in params):
        raise ValueError(
            "every parameter that the optimizer holds is frozen: none would move. "
            "Thaw what should learn: model.requires_grad_(True)"
        )
    _, *given = inspect.signature(type(optimizer).step).parameters.values()
    if any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in given):
        raise ValueError(
            f"{type(optimizer).__name__} measures the loss several times a step and needs a closure, "
            "which fit does not have: take torch.optim.Adam, or write the loop, with "
            "optimizer.step(closure)"
        )
    return params


def insist_scheduler(scheduler: Any, optimizer: Any, epochs: int, batches: int) -> None:
    """A scheduler of this optimizer that lasts for the run, of so many ``batches`` an epoch (0: unknown)."""
    if scheduler is None:
        return
    kind = type(scheduler).__name__
    if isinstance(scheduler, type) or not hasattr(scheduler, "step"):
        raise ValueError(
            f"scheduler is {scheduler!r}; expected an object such as "
            "torch.optim.lr_scheduler.StepLR(optimizer, step_size=10)"
        )
    if getattr(scheduler, "optimizer", optimizer) is not optimizer:
        raise ValueError(
            f"the scheduler, {kind}, moves the learning rate of another optimizer: make it anew, with "
            "the one that you give to fit"
        )
    if isinstance(scheduler, ReduceLROnPlateau):
        if scheduler.mode == "max":
            raise ValueError(
                'ReduceLROnPlateau has mode="max", but fit tells it a loss, which is better when it is '
                'lower: make it with mode="min"'
            )
    elif isinstance(scheduler, OneCycleLR):
        left, wanted = scheduler.total_steps - scheduler.last_epoch, epochs * batches
        if wanted > left:
            raise ValueError(
                f"OneCycleLR has {left} steps left, but {epochs} epochs of {batches} batches are "
                f"{wanted}: make it with total_steps={wanted}"
            )
    elif isinstance(scheduler, LRScheduler):
        _rehearse(scheduler, optimizer, epochs)


def _rehearse(scheduler: LRScheduler, optimizer: Any, epochs: int) -> None:
    """Let a copy take a step an epoch, with a copy of the learning rates: chains and tables may end."""
    groups = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
    stand_in = SimpleNamespace(param_groups=copy.deepcopy(groups), step=None, _opt_called=True)
    try:
        twin = copy.deepcopy(scheduler, {id(optimizer): stand_in})
    except Exception:  # what can't be copied can't be tried
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for epoch in range(1, epochs + 1):
            try:
                twin.step()
            except Exception as error:
                raise ValueError(
                    f"the scheduler, {type(scheduler).__name__}, takes one step an epoch and fails in "
                    f"epoch {epoch} of {epochs}: {type(error).__name__}: {error}"
                ) from None


def insist_numbers(loss: Any, outputs: Any, targets: Tensor, metrics: Any) -> None:
    """What the first batch gives: a loss to learn from, and metrics that are one number each."""
    one_tensor(outputs)
    if not isinstance(loss, Tensor):
        raise ValueError(f"the loss is {_kind(loss)}; expected a tensor: no .item() in loss_fn")
    if loss.numel() != 1:
        raise ValueError(f"the loss is {_kind(loss)}; {ONE_LOSS}")
    if not loss.requires_grad:
        raise ValueError(
            "the loss hangs on no parameter that learns: is there a detach(), no_grad(), argmax() or "
            "NumPy on its way, or is the model frozen (model.requires_grad_(True) thaws it)?"
        )
    for name, metric in (metrics or {}).items():
        if not hasattr(metric, "compute"):
            one_number(name, metric(outputs.detach(), targets))
            continue
        twin = copy.deepcopy(metric).to(outputs.device)
        twin.reset()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            twin.update(outputs.detach(), targets)
            try:
                value = twin.compute()
            except Exception:  # some need more than one batch
                continue
        one_number(name, value)


def one_tensor(outputs: Any) -> Tensor:
    """``outputs`` if they are a tensor, or what the model gave instead."""
    if not isinstance(outputs, Tensor):
        raise ValueError(f"the model gives {_kind(outputs)}; expected one tensor of outputs")
    return outputs


def one_number(name: str, value: Any) -> float:
    """``value`` as a float, or the metric's name and what it gave instead."""
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        if name == "loss":
            raise ValueError(f"the loss is {_kind(value)}; {ONE_LOSS}") from None
        raise ValueError(
            f"metric {name!r} gives {_kind(value)}; expected one number: a mean (torchmetrics: "
            'average="macro"), or one metric for each part'
        ) from None


def _kind(value: Any) -> str:
    """What came, in words."""
    if isinstance(value, (Tensor, np.ndarray)):
        return f"{'a tensor' if isinstance(value, Tensor) else 'an array'} of shape {tuple(value.shape)}"
    name = type(value).__name__
    article = "an" if name[0] in "aeiouAEIOU" else "a"
    if isinstance(value, (tuple, list)) and value:
        parts = [type(p).__name__ if isinstance(p, (tuple, list)) else _kind(p) for p in value[:4]]
        return f"{article} {name} of {', '.join(parts)}{', …' if len(value) > 4 else ''}"
    if isinstance(value, Mapping) and value:
        return f"{article} {name} with the keys {', '.join(map(repr, value))}"
    return f"the class {value.__name__}" if isinstance(value, type) else f"{article} {name}"


def _mend(batch: Any) -> str:
    """What to do about a batch that is none."""
    if isinstance(batch, Mapping):
        keys = ", ".join(f"batch[{key!r}]" for key in batch) + ("," if len(batch) == 1 else "")
        return f". Unpack it, targets last: [({keys}) for batch in loader], or in a collate_fn"
    parts = batch if isinstance(batch, (tuple, list)) else [batch]
    if all(isinstance(part, Tensor) for part in parts):
        return ". Where are the targets? make_loader(X, y, batch_size=32)"
    if any(isinstance(part, (tuple, list, Mapping)) for part in parts):
        return ". Lay it flat in a collate_fn, targets last"
    if any(isinstance(part, np.ndarray) for part in parts):
        return ". Arrays become tensors: torch.as_tensor(array)"
    return ". Make tensors of it in a collate_fn"
