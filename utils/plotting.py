"""Pictures that several lessons draw, and the colors that mean the same thing in all of them.

``plt.style.use("utils.course")`` sets the course's look; add ``"utils.dark"`` for a dark notebook.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes

TRAIN, VALID = "#0072B2", "#D55E00"  # blue and vermilion: everywhere, and safe for color-blind eyes
CLASS_COLORS = ["#56B4E9", "#E69F00", "#009E73", "#CC79A7"]  # class 0, class 1, …


def draw_grid(ax: Axes, values: Any, *, title: str = "", colors: Any = None) -> None:
    """Draw a table of numbers as colored squares, one square an element.

    ``values`` has shape (rows, columns) or (columns,). ``colors``, of the same shape, picks each
    square's shade (default: the values themselves); equal numbers in it get equal colors.
    """
    table = np.atleast_2d(torch.as_tensor(values).detach().cpu().numpy())
    shade = table if colors is None else np.atleast_2d(np.asarray(colors))
    low, high, wide = shade.min(), shade.max(), np.ptp(shade)
    ax.imshow(shade, cmap="Blues", vmin=low - 0.3 * wide - 1, vmax=high + 1.2 * wide + 1)
    for (row, column), value in np.ndenumerate(table):
        ax.text(column, row, f"{value:g}", ha="center", va="center", color="#222222")
    ax.set_xticks(np.arange(table.shape[1] + 1) - 0.5, labels=[])
    ax.set_yticks(np.arange(table.shape[0] + 1) - 0.5, labels=[])
    ax.grid(color="white", linewidth=2)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title)


def plot_history(frame: Any, names: tuple[str, ...] = ()) -> list[Axes]:
    """Learning curves from ``History.frame()``: one axes a quantity, training and validation in it."""
    import matplotlib.pyplot as plt

    own = [c for c in frame.columns if not c.startswith("val_") and c != "lr"]
    names = names or tuple(own)
    if frame.empty:  # stopped before the first epoch was over
        return []
    _, axes = plt.subplots(1, len(names), figsize=(3.6 * len(names), 2.8), squeeze=False)
    for ax, name in zip(axes[0], names, strict=True):
        ax.plot(frame.index, frame[name], color=TRAIN, label="training")
        if f"val_{name}" in frame:
            ax.plot(frame.index, frame[f"val_{name}"], color=VALID, ls="--", label="validation")
        ax.set(xlabel="epoch", ylabel=name)
        ax.legend()
    return list(axes[0])


def draw_memory(
    ax: Axes, x: torch.Tensor, *, title: str = "", strip_ax: Axes | None = None
) -> None:
    """Draw rank-2 ``x`` as a grid, each square in the shade of the cell of memory that it reads.

    ``strip_ax`` shows the memory itself, as the strip of numbered cells that it is.
    """
    n = x.untyped_storage().nbytes() // x.element_size()
    cells = torch.arange(n)
    reads = cells.as_strided(x.shape, x.stride(), x.storage_offset())
    for at, values, shade in ((strip_ax, x.as_strided((n,), (1,), 0), cells), (ax, x, reads)):
        if at is not None:
            draw_grid(at, values, title=title if at is ax else "the memory", colors=shade)
            at.images[-1].set(cmap="YlGnBu", clim=(-0.1 * n, 1.7 * n))
    ax.set(xlabel=f"one right: {x.stride(1):+d}", ylabel=f"one down: {x.stride(0):+d}", anchor="N")
    if strip_ax is not None:
        strip_ax.set_xticks(np.arange(n), labels=[str(i) for i in range(n)], minor=True)
        strip_ax.tick_params(which="minor", length=0)


def draw_stretched(ax: Axes, x: torch.Tensor, shape: tuple[int, int], *, title: str = "") -> None:
    """Draw ``x`` broadcast to ``shape``: its own cells solid, the copies nobody stores ghosted."""
    wide = x.expand(shape)
    draw_grid(ax, wide, title=title)
    for at in np.ndindex(shape):
        if any(i > 0 and step == 0 for i, step in zip(at, wide.stride())):
            ax.fill_between(
                [at[1] - 0.5, at[1] + 0.5], at[0] - 0.5, at[0] + 0.5, color="#fcfcfc", alpha=0.75
            )
            ax.texts[at[0] * shape[1] + at[1]].set_color("#9a9a9a")


def plot_boundary(ax: Axes, model: Any, X: torch.Tensor, y: torch.Tensor) -> None:
    """Points X (N, 2) in the color of their class y (N,), on the regions that ``model`` assigns.

    ``model`` gives one logit a class, (N, C), or a single one, (N,) or (N, 1), above 0 for class 1.
    """
    low, high = X.min(0).values - 0.3, X.max(0).values + 0.3
    x0, x1 = (torch.linspace(float(a), float(b), 200) for a, b in zip(low, high, strict=True))
    places = torch.cartesian_prod(x0, x1)
    with torch.inference_mode():
        logits = model(places)
    single = logits.ndim == 1 or logits.shape[1] == 1
    region = (logits.flatten() > 0).long() if single else logits.argmax(dim=1)
    colors = CLASS_COLORS[: int(max(region.max(), y.max())) + 1]
    levels = np.arange(len(colors) + 1) - 0.5
    ax.contourf(x0, x1, region.reshape(200, 200).T, levels=levels, colors=colors, alpha=0.3)
    for number, color in enumerate(colors):
        a, b = X[y.flatten() == number].T
        marker = "os^D"[number % 4]
        ax.scatter(a, b, s=12, color=color, marker=marker, edgecolor="#333333", linewidth=0.2)
