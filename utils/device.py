"""Where to compute, how to repeat a run, and whether this machine is ready for the course."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import random
import sys

import numpy as np
import torch


def get_device() -> torch.device:
    """The best device here: CUDA, then Apple's MPS, then the CPU; ``COURSE_DEVICE`` overrides.

    A card on which not even a sum works, as when it is too old for the installed torch, is named in
    one line and passed over. Raises ``RuntimeError`` if ``COURSE_DEVICE`` names a device that is not
    there or does not work.

    >>> os.environ["COURSE_DEVICE"] = "cpu"
    >>> get_device()
    device(type='cpu')
    """
    wanted = os.environ.get("COURSE_DEVICE", "").strip().lower()
    here = ["cpu"]
    if torch.backends.mps.is_available():
        here.insert(0, "mps")
    if torch.cuda.is_available():
        here = ["cuda", *(f"cuda:{n}" for n in range(torch.cuda.device_count())), *here]
    if wanted and wanted not in here:
        raise RuntimeError(
            f"COURSE_DEVICE is {wanted!r}, but PyTorch sees only {', '.join(here)} here. "
            "Set it to one of these, or unset it to get the first."
        )
    device = torch.device(wanted or here[0])
    if trouble := _trouble(device):
        mend = "install a torch that fits it and its driver, or set COURSE_DEVICE=cpu"
        if wanted:
            raise RuntimeError(
                f"COURSE_DEVICE is {wanted!r}, but it does not work ({trouble}): {mend}"
            )
        print(f"{device} is here but does not work ({trouble}): {mend}. Going on with the CPU.")
        return torch.device("cpu")
    return device


def _trouble(device: torch.device) -> str:
    """What the smallest computation on ``device`` fails with, in one line; empty if it works."""
    try:
        torch.ones(2, device=device).sum().item()
    except RuntimeError as error:  # a card that is too old: no kernel image is available …
        return str(error).strip().partition("\n")[0]
    return ""


def seed_everything(seed: int) -> torch.Generator:
    """Seed Python, NumPy and torch (all devices); return torch's default CPU generator.

    >>> seed_everything(0); first = torch.rand(3)      # doctest: +ELLIPSIS
    <torch._C.Generator object at ...>
    >>> _ = seed_everything(0); torch.equal(first, torch.rand(3))
    True
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    return torch.manual_seed(seed)


def environment_report() -> None:
    """Print what the course needs, what is here, and the fix for each line that is red."""
    old = sys.version_info < (3, 11)
    rows = [("Python", sys.version.split()[0], "install Python 3.11 or newer" if old else "")]
    for package, oldest in (("torch", (2, 6)), ("torchvision", (0, 21)), ("jupyterlab", (4, 2))):
        try:
            importlib.import_module(
                package
            )  # torchvision does not, beside a torch that does not fit
            version = importlib.metadata.version(package)
            too_old = tuple(int(part) for part in version.split(".")[:2]) < oldest
        except Exception as error:
            version, too_old = f"does not work: {error}", True
        rows.append((package, version, "delete .venv and run make lab again" if too_old else ""))
    try:
        rows.append(("device", str(get_device()), ""))
    except RuntimeError as error:
        rows.append(("device", "not usable", str(error)))
    rows.append(("CPU threads", str(torch.get_num_threads()), ""))
    for name, found, fix in rows:
        print(f"{'✗' if fix else '✓'} {name:12} {found}" + (f"   → {fix}" if fix else ""))
