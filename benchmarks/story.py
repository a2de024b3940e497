"""A lesson's own values: the cells of its story that some names need, run once."""

from __future__ import annotations

import contextlib
import functools
import io
import os
from types import SimpleNamespace

import matplotlib

from benchmarks.rounds import ROOT

from lesson import names, read_lesson, tags  # isort: skip


@functools.cache
def story(stem: str, *wanted: str) -> SimpleNamespace:
    """What the cells that first give ``wanted`` their values, and those which these need, have defined."""
    cells = [
        cell.source
        for cell in read_lesson(ROOT / "lessons" / f"{stem}.py").cells
        if cell.cell_type == "code" and not tags(cell) & {"exercise", "check", "raises-exception"}
    ]
    bound = [names(source)[0] for source in cells]
    last = max(next(n for n, own in enumerate(bound) if name in own) for name in wanted)
    needed, chosen = set(wanted), []
    for n in range(last, -1, -1):
        if bound[n] & needed:
            needed |= names(cells[n])[1]
            chosen.append(cells[n])
    matplotlib.use("Agg")
    os.environ["TQDM_DISABLE"] = "1"  # the bars of trainings in it
    space = {"__name__": stem}
    with contextlib.redirect_stdout(io.StringIO()):
        for source in reversed(chosen):
            exec(source, space)
    return SimpleNamespace(**space)
