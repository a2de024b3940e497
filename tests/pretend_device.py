"""A GPU that is not there: its tensors lie on the CPU, but refuse to meet the CPU's own.

    python tools/verify.py --device pretend

runs the lessons on it, so that whoever has no GPU sees the errors of a forgotten ``.to(device)``.
Only places are checked: numbers and speed are those of the CPU. Recurrent layers are borrowed from
the CPU whole, because the parts that PyTorch makes them of on other devices do not exist there.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils import backend_registration as backends
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map

NAME = "pretend"
RECURRENT = ["lstm", "gru", "rnn_tanh", "rnn_relu"]
RECURRENT += [f"{name}_cell" for name in RECURRENT]
# operations that take tensors from both places on a GPU, too: the first tensor decides
MIXED = {"aten::copy_", "aten::index", "aten::index_put", "aten::index_put_"}
MIXED |= {"aten::_index_put_impl_", "aten::_pack_padded_sequence"}


class Module(backends._DummyBackendModule):
    """What PyTorch asks a device's module for, beside what its own dummy answers."""

    def get_rng_state(self, device: Any = None) -> torch.Tensor:
        return torch.get_rng_state()

    def set_rng_state(self, state: torch.Tensor, device: Any = None) -> None:
        pass

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


class Pretend(torch.Tensor):
    """A tensor on the device; ``inner`` is the CPU tensor that has its numbers."""

    inner: torch.Tensor
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Pretend:
        self = torch.Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(),
            dtype=inner.dtype, layout=inner.layout, device=torch.device(NAME, 0),
        )  # fmt: skip
        self.inner = inner
        return self

    def __init__(self, inner: torch.Tensor) -> None:
        pass

    def numpy(self, **options: Any) -> Any:
        raise TypeError(f"can't convert a {NAME} tensor to NumPy: use Tensor.cpu() first")

    def __array__(self, *given: Any, **options: Any) -> Any:
        return self.numpy()

    def tolist(self) -> Any:
        return self.inner.tolist()

    def __repr__(self, **options: Any) -> str:
        return f"{self.inner!r} on {NAME}"

    def __format__(self, spec: str) -> str:
        return format(self.inner, spec)

    def __reduce_ex__(self, protocol: Any) -> Any:  # in a file it has no device
        return self.inner.__reduce_ex__(protocol)

    def __deepcopy__(self, memo: dict[int, Any]) -> torch.Tensor:
        if id(self) not in memo:
            twin: torch.Tensor = Pretend(self.inner.detach().clone())
            if isinstance(self, torch.nn.Parameter):
                twin = torch.nn.Parameter(twin)
            memo[id(self)] = twin.requires_grad_(self.requires_grad)
        return memo[id(self)]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return on_cpu(func, args, kwargs or {})


class Factories(TorchDispatchMode):
    """Sees the calls that no tensor of the device is in, such as ``torch.zeros(3, device=…)``."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        asked = (kwargs or {}).get("device")
        if any(issubclass(kind, Pretend) for kind in types) or is_pretend(asked):
            return on_cpu(func, args, kwargs or {})
        return func(*args, **kwargs or {})


def is_pretend(device: Any) -> bool:
    return device is not None and torch.device(device).type == NAME


def on_cpu(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Do ``func`` on the inner tensors, if a GPU would; put the result where a GPU would have it."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    there = [isinstance(tensor, Pretend) for tensor in tensors]
    name, asked = func._schema.name, kwargs.get("device")
    stays = there[0] if there else False
    if asked is not None:
        stays, kwargs = is_pretend(asked), kwargs | {"device": torch.device("cpu")}
    elif name not in MIXED:
        # a single number on the CPU may meet tensors of any device
        if len({t for t, tensor in zip(there, tensors) if t or tensor.ndim}) > 1:
            shapes = [f"{NAME if t else 'cpu'} {tuple(x.shape)}" for t, x in zip(there, tensors)]
            raise RuntimeError(
                f"Expected all tensors to be on the same device: {name} got {', '.join(shapes)}"
            )
        stays = any(there)
    elif any(there) and not there[0] and name != "aten::copy_":
        raise RuntimeError(f"indices should be on the CPU or beside the indexed tensor: {name}")
    inner_args, inner_kwargs = tree_map(
        lambda leaf: leaf.inner if isinstance(leaf, Pretend) else leaf, (args, kwargs)
    )
    with _disable_current_modes(), torch.inference_mode(False), torch.no_grad():
        result = func(*inner_args, **inner_kwargs)
        known = {id(tensor.inner): tensor for tensor in tensors if isinstance(tensor, Pretend)}

        def placed(leaf: Any) -> Any:
            if isinstance(leaf, Pretend) or not isinstance(leaf, torch.Tensor):
                return leaf
            return known[id(leaf)] if id(leaf) in known else Pretend(leaf)

        if name == "aten::_pack_padded_sequence":  # the batch sizes are always here
            return placed(result[0]), result[1]
        return tree_map(placed, result) if stays else result


def borrowed(call: Any) -> Any:
    """A recurrent layer that computes on the CPU, gradients included."""

    def layer(*args: Any) -> Any:
        leaves = [leaf for leaf in tree_leaves(args) if isinstance(leaf, torch.Tensor)]
        numbers = [leaf for leaf in leaves if leaf.is_floating_point()]  # batch sizes stay here
        there = [isinstance(leaf, Pretend) for leaf in numbers]
        if not any(there):
            return call(*args)
        if not all(there):
            raise RuntimeError("Input, hidden state and parameters are not at the same device")
        result = call(*tree_map(lambda x: x.cpu() if isinstance(x, Pretend) else x, args))
        return tree_map(lambda x: x.to(NAME) if isinstance(x, torch.Tensor) else x, result)

    return layer


def install() -> None:
    """From here on ``utils.get_device()`` finds the device."""
    import utils
    import utils.device

    backends._setup_privateuseone_for_python_backend(NAME, backend_module=Module())
    torch.accelerator.synchronize = lambda device=None: None  # its work is always done
    for name in RECURRENT:
        setattr(torch._VF, name, borrowed(getattr(torch._C._VariableFunctions, name)))
    apply = torch.nn.Module._apply

    def _apply(self: Any, *given: Any, **named: Any) -> Any:  # parameters stay the same objects
        torch.__future__.set_swap_module_params_on_conversion(True)
        try:
            return apply(self, *given, **named)
        finally:
            torch.__future__.set_swap_module_params_on_conversion(False)

    torch.nn.Module._apply = _apply  # type: ignore[method-assign]
    for module in (utils, utils.device):
        module.get_device = lambda: torch.device(NAME, 0)  # type: ignore[attr-defined]
    Factories().__enter__()
