"""Stand-ins for the data sets: the same shape and format, from a seed, with something to learn.

``utils/data.py`` calls these functions where the real files can't be had. README.md beside this file
says what each stand-in teaches.
"""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

REGISTRY = json.loads(Path(__file__).with_name("registry.json").read_text(encoding="utf-8"))


def patients(scaled: bool = False) -> io.StringIO:
    """CSV of 768 patients drawn from published statistics, or of 759 in the scaled file's form."""
    facts = REGISTRY["diabetes"]["statistics"]
    rng = np.random.default_rng(facts["seed"])
    mixing = np.eye(9)
    for row, below in enumerate(facts["correlations"]):
        mixing[row, :row] = mixing[:row, row] = below
    mixing[8, :8] = mixing[:8, 8] = mixing[8, :8] / 0.777  # what cutting at 35 % takes away
    latent = rng.standard_normal((768, 9)) @ np.linalg.cholesky(mixing).T
    label = latent[:, 8] >= np.sort(latent[:, 8])[-268]
    table = np.empty((768, 8))
    for k, quartiles in enumerate(facts["quartiles"]):
        column = np.interp(latent[:, k], [-2.8, -0.674, 0, 0.674, 2.8], quartiles)
        table[:, k] = column.round(facts["decimals"][k])
    order = rng.permutation(768)
    for column, count in enumerate(facts["missing"]):  # no insulin value goes with no skin fold
        table[(order if column in (3, 4) else rng.permutation(768))[:count], column] = 0
    if scaled:
        table = 2 * (table - table.min(0)) / np.ptp(table, 0) - 1
        keep = np.sort(np.argsort((table != 0).all(1), kind="stable")[9:])
        table, label = np.where(table == -1, 0, table)[keep], ~label[keep]
    lines = io.StringIO()
    np.savetxt(lines, np.column_stack([table, label]), fmt="%.6g", delimiter=",")
    lines.seek(0)
    return lines


def surnames() -> dict[str, list[str]]:
    """Surnames by language, typed for this course, with the dirt of the real files."""
    names: dict[str, list[str]] = {}
    listed = Path(__file__).with_name("stand-in-surnames.txt").read_text(encoding="utf-8")
    for line in listed.splitlines():
        language, _, few = line.partition(": ")
        names.setdefault(language, []).extend(few.split(", "))
    return names


def manual() -> str:
    """The paragraphs of prose, without tables and code, in what ``help()`` can print."""
    from pydoc_data.topics import topics

    blocks = [block for topic in sorted(topics) for block in topics[topic].split("\n\n")]
    prose = [block for block in blocks if block[:1].isalpha() and block.count(" ") > 12]
    return "\n\n".join(dict.fromkeys(prose)).encode("ascii", "ignore").decode() + "\n"


FIGURES = [  # for each class: which points (u, v), from -1 to 1 across the figure, are in it
    lambda u, v: np.hypot(u, v) < 1,  # disc
    lambda u, v: abs(np.hypot(u, v) - 0.8) < 0.2,  # ring
    lambda u, v: np.maximum(abs(u), abs(v)) < 0.85,  # square
    lambda u, v: abs(np.maximum(abs(u), abs(v)) - 0.72) < 0.18,  # frame
    lambda u, v: (abs(u) < (1 + v) / 2) & (v < 1),  # triangle
    lambda u, v: (np.minimum(abs(u), abs(v)) < 0.3) & (np.maximum(abs(u), abs(v)) < 1),  # cross
    lambda u, v: (np.maximum(abs(u), abs(v)) < 1) & (np.sin(9 * v) > 0),  # lying bars
    lambda u, v: (np.maximum(abs(u), abs(v)) < 1) & (np.sin(9 * u) > 0),  # standing bars
    lambda u, v: (np.maximum(abs(u), abs(v)) < 1) & (np.sin(6 * u) * np.sin(6 * v) > 0),  # checks
    lambda u, v: np.hypot(abs(u) - 0.6, v) < 0.4,  # two dots
]


def paint_cifar10(folder: Path, per_batch: int) -> list[str]:
    """Write CIFAR-10's seven files under ``folder``, ``per_batch`` painted pictures in each of six."""
    classes = REGISTRY["cifar10"]["classes"]
    rng, paths = np.random.default_rng(0), []
    for name in [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch", "batches.meta"]:
        paths.append(f"cifar-10-batches-py/{name}")
        file = folder / paths[-1]
        file.parent.mkdir(exist_ok=True)
        meta = {"num_cases_per_batch": per_batch, "num_vis": 3072, "label_names": classes}
        content = meta if name == "batches.meta" else _batch(name, per_batch, rng)
        file.write_bytes(pickle.dumps(content, protocol=4))
    return paths


def _batch(name: str, size: int, rng: np.random.Generator) -> dict[str, Any]:
    targets = rng.permutation(size) % 10
    return {
        "batch_label": f"painted {name}",
        "labels": targets.tolist(),
        "data": np.vstack([_paint(part, rng) for part in np.split(targets, 50)]),
        "filenames": [f"painted_{k}.png" for k in range(size)],
    }


def _paint(targets: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures, uint8 (N, 3072): each target's figure anywhere, in any color, in the noise."""

    def draw(low: float, high: float, *shape: int) -> np.ndarray:
        return rng.uniform(low, high, (len(targets), *shape)).astype(np.float32)

    y, x = np.mgrid[-1:1:32j, -1:1:32j].astype(np.float32)  # type: ignore[misc]
    turn, size = draw(-0.4, 0.4, 1, 1), draw(0.35, 0.75, 1, 1)
    right, down = x - draw(-0.35, 0.35, 1, 1), y - draw(-0.35, 0.35, 1, 1)
    u = (right * np.cos(turn) + down * np.sin(turn)) / size
    v = (down * np.cos(turn) - right * np.sin(turn)) / size
    figure = np.zeros((len(targets), 1, 32, 32), np.float32)
    for k, inside in enumerate(FIGURES):
        figure[targets == k, 0] = inside(u[targets == k], v[targets == k])
    tint = 0.45 * np.cos(2.0 * (targets[:, None] + np.arange(3)))  # all that a line can learn
    ground = np.clip(draw(-1, 1, 3) + tint, -1.3, 1.3)[..., None, None]
    ink = (draw(0.3, 1, 3) * np.sign(draw(-1, 1, 1)))[..., None, None]
    shade = draw(-0.4, 0.4, 1, 1, 1) * x + draw(-0.4, 0.4, 1, 1, 1) * y
    noise = 0.4 * rng.standard_normal(figure.shape, np.float32)
    picture = ground + figure * ink + shade + noise
    return np.clip(128 + 70 * picture, 0, 255).astype(np.uint8).reshape(-1, 3072)
