"""Measured rounds as lines of JSON: each is on disk as soon as it is known, and a rerun goes on from there."""

from __future__ import annotations

import importlib.metadata
import json
import multiprocessing
import os
import platform
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import torch
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
LINES = ROOT / "build" / "benchmarks.jsonl"  # this machine's; the page's own lie beside it in docs/
PACKAGES = ["torch", "torchvision", "skorch", "lightning", "fastai", "keras", "accelerate"]
CORES = 2
PRELOAD = [
    "benchmarks.growth",
    "benchmarks.loop",
    "skorch",
    "lightning.pytorch",
    "fastai.basics",
    "keras",
    "accelerate",
]

Row = dict[str, Any]


class Job(NamedTuple):
    """One round of one task: ``measure()`` gives the values that go into its line."""

    task: str
    round: int
    measure: Callable[[], Row]


def machine() -> Row:
    """Where and with what a part is measured; a resumed part must have been begun on the same."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name).partition("+")[0]
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    memory = 0.0
    with suppress(ValueError, OSError, AttributeError):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return {
        "system": f"{platform.system()} {platform.machine()}", "processor": _processor(),
        "cores": os.cpu_count(), "memory, GB": round(memory), "gpu": gpu, "versions": versions,
    }  # fmt: skip


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    return platform.processor()


def pin() -> None:
    """Two cores and two threads, always the same, as far as the system lets us choose."""
    with suppress(AttributeError, OSError):  # Windows and macOS do not
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(CORES, os.cpu_count() or 1))


def _child(work: Callable[[], Row], pipe: Any) -> None:
    pin()
    pipe.send(work())


def alone(work: Callable[[], Row], _: int = 0) -> Row:
    """Run ``work`` in a process of its own, forked from one that has only imported."""
    kind = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context: Any = multiprocessing.get_context(kind)
    if kind == "forkserver":
        context.set_forkserver_preload(PRELOAD)  # what is not installed is passed over
    os.environ["KERAS_BACKEND"] = "torch"
    ours, theirs = context.Pipe()
    child = context.Process(target=_child, args=(work, theirs))
    child.start()
    theirs.close()
    try:
        return ours.recv()
    finally:
        child.join()


def memory(process: int | str = "self") -> Row:
    """The most that a process has held so far, in MB, and how much of what it holds now are libraries' files."""
    with suppress(OSError):  # getrusage would begin with the parent's peak
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
        held, files = (re.findall(rf"{k}:\s+(\d+)", status)[0] for k in ("VmHWM", "RssFile"))
        return {"megabytes": int(held) / 1024, "files, MB": int(files) / 1024}
    own = psutil.Process(None if process == "self" else int(process)).memory_info()
    return {"megabytes": getattr(own, "peak_wset", own.rss) / 2**20}  # Windows; macOS: as it is now


def read(path: Path) -> list[Row]:
    """The rows of a file; a last line that was cut short by a stop is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with suppress(ValueError):
            rows.append(json.loads(line))
    return rows


def write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    os.replace(part, path)


def measure(part: str, jobs: list[Job], path: Path, run: int = 1, fresh: bool = False) -> None:
    """Measure what ``path`` does not hold yet of one part; ``fresh`` forgets what it holds."""
    rows, here = read(path), machine()
    own = [row for row in rows if (row["part"], row["run"]) == (part, run)]
    if own and own[0].get("machine") != here and not fresh:
        tqdm.write(f"{part}: begun on another machine or with other versions, so it starts over")
        fresh = True
    if fresh or not own:
        rows = [row for row in rows if row not in own]
        own = [{"part": part, "run": run, "day": date.today().isoformat(), "machine": here}]
        rows += own
    write(path, rows)
    known = {(row.get("task"), row.get("round")) for row in own}
    left = [job for job in jobs if (job.task, job.round) not in known]
    bar = tqdm(left, desc=part, unit="round", initial=len(jobs) - len(left), total=len(jobs))
    for job in bar:
        bar.set_postfix_str(job.task)
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row = {"part": part, "run": run, "task": job.task, "round": job.round, **job.measure()}
        row["took"] = round(time.perf_counter() - started, 2)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def rounds(tasks: Mapping[str, Callable[[int], Row]], count: int) -> list[Job]:
    """Every task once a round, so that a slow minute of the machine meets all of them."""
    return [Job(t, n, partial(work, n)) for n in range(count) for t, work in tasks.items()]


def tasks_of(rows: list[Row], part: str, run: int = 1) -> Iterator[tuple[str, list[Row]]]:
    """(task, its rows) of one part, in the order in which they were first measured."""
    own = [row for row in rows if (row["part"], row["run"]) == (part, run) and "task" in row]
    for task in dict.fromkeys(row["task"] for row in own):
        yield task, [row for row in own if row["task"] == task]
