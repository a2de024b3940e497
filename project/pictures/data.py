"""Your pictures: data/CLASS/FILE, one folder a class. A sample is a uint8 tensor (3, SIZE, SIZE)."""

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

ASKS_FOR = "picture"  # what the page takes
SIZE = 96


def load(folder):
    """All samples in the folder, and the class of each; what is no picture is named and passed over."""
    samples, labels = [], []
    for place in sorted(p for p in Path(folder).glob("*") if p.is_dir() and p.name[0] != "."):
        for file in sorted(p for p in place.iterdir() if p.is_file() and p.name[0] != "."):
            try:
                samples += read(file)
                labels.append(place.name)
            except ValueError as error:
                print(error, file=sys.stderr)
    if not samples:
        raise ValueError(
            f"{folder} holds no pictures: put them there, one folder a class (data/cat/1.jpg)"
        )
    return samples, labels


def read(file):
    """The samples in one file: here one, the largest square in its middle."""
    try:
        with Image.open(file) as image:
            square = ImageOps.fit(ImageOps.exif_transpose(image).convert("RGB"), (SIZE, SIZE))
    except FileNotFoundError:
        raise ValueError(f"{file} is not there") from None
    except Exception as error:  # whatever a broken file provokes
        raise ValueError(
            f"{file} is no picture that can be read ({type(error).__name__})"
        ) from None
    return [torch.from_numpy(np.array(square)).permute(2, 0, 1).contiguous()]


def fit(samples):
    """What is learned from the training part to prepare others: nothing, the body has its own numbers."""
    return {}


def prepare(samples, fitted):
    """Samples → the network's input (N, 3, SIZE, SIZE), uint8."""
    return torch.stack(samples)
