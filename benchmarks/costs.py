"""What the course itself costs: each lesson's seconds and memory, its tests, the site and the set-up.

Both editions of a lesson run side by side, one core each, as `make test` runs them. Memory is the most that the lesson's
kernel has held; the processes that it starts come on top, and are looked at twice a second.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import nbformat
import psutil
from nbclient import NotebookClient

from benchmarks.rounds import ROOT, Job, Row, memory

from build import LESSON_ENV, build, edition  # type: ignore[attr-defined]  # isort: skip
from lesson import Lesson, read_lesson  # isort: skip


@functools.cache
def lessons() -> list[Lesson]:
    return [read_lesson(path) for path in sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))]


def executed(lesson: Lesson, student: bool, few: int | None = None, **more: str) -> Row:
    """Run one edition, or its first cells, in a kernel of its own: seconds, memory, and which cells take most."""
    nb = edition(lesson, student, lessons())
    nb.cells = nb.cells[:few]
    strict = {"COURSE_STRICT": "" if student else "1", "OMP_NUM_THREADS": "1"}
    env = {**os.environ, **LESSON_ENV, **strict, **more}
    env.pop("COURSE_RESULTS", None)
    seconds: dict[str, float] = {}
    grown: dict[str, float] = {}
    held: Row = {"megabytes": 0.0}
    beside, over = [0.0], threading.Event()

    def kernel() -> int:
        return client.km.provisioner.pid  # type: ignore[union-attr]

    def begin(cell: nbformat.NotebookNode, cell_index: int) -> None:
        seconds[cell.id] = time.perf_counter()

    def end(cell: nbformat.NotebookNode, **_: object) -> None:
        seconds[cell.id] = time.perf_counter() - seconds[cell.id]
        now = memory(kernel())
        grown[cell.id] = now["megabytes"] - held["megabytes"]
        held.update(now)

    def watch() -> None:  # the kernel's own processes: loaders' workers, torchrun
        while not over.wait(0.5):
            with suppress(psutil.Error, AttributeError):
                others = psutil.Process(kernel()).children(recursive=True)
                beside.append(sum(other.memory_info().rss for other in others) / 2**20)

    folder = ROOT / ("notebooks" if student else "solutions")
    client = NotebookClient(
        nb, timeout=600, resources={"metadata": {"path": str(folder)}}, record_timing=False,
        extra_arguments=["--log-level=40"], on_cell_execute=begin, on_cell_executed=end,
    )  # fmt: skip
    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    try:
        client.execute(env=env)
    finally:
        over.set()
        watcher.join()
    whole = time.perf_counter() - started
    most = {"seconds": whole, **held, "beside, MB": max(beside)}
    return {**most, "slowest": _largest(seconds), "grown": _largest(grown)}


def _largest(values: dict[str, float]) -> dict[str, float]:
    largest = sorted(values.items(), key=lambda item: -item[1])[:3]
    return {name: round(value, 1) for name, value in largest}


def both(lesson: Lesson, few: int | None = None) -> Row:
    """Both editions side by side, a core each."""
    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(executed, lesson, student, few) for student in (True, False)]
        student, full = (job.result() for job in jobs)
    return {"notebooks": student, "solutions": full}


def commanded(*words: str, cwd: Path = ROOT, **env: str) -> Row:
    """Seconds of a command, which must succeed."""
    started = time.perf_counter()
    done = subprocess.run(
        words, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, errors="replace"
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        return {"seconds": seconds, "failed": (done.stdout + done.stderr)[-400:]}
    return {"seconds": seconds}


def verified(lesson: str) -> Row:
    """The same two editions through nbval, as `make test` does."""
    return commanded(sys.executable, "tools/verify.py", lesson)


def built() -> Row:
    """Both editions of lesson 01, built and run into a folder of their own."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        build(lessons()[1], lessons(), Path(folder))
        return {"seconds": time.perf_counter() - started}


def set_up(*words: str) -> Row:
    """`make lab` of a fresh checkout, without the last step; packages come from uv's cache where it has them."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "course"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(copy)], check=True)
        python = shutil.which("python3") or sys.executable
        row = commanded(python, "tools/course.py", "setup", *words, cwd=copy)
        stamp = copy / ".venv" / ".course.json"
        if stamp.exists() and json.loads(stamp.read_text(encoding="utf-8")).get("fell_back"):
            row["fell back"] = True
        files = (path for path in (copy / ".venv").rglob("*") if not path.is_symlink())
        row["gigabytes"] = sum(path.stat().st_size for path in files if path.is_file()) / 1e9
    return row


def first_page() -> Row:
    """From `jupyter lab` to its first page over HTTP, without a browser."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", "--IdentityProvider.token=", "--allow-root", "--log-level=ERROR"]
    command = [sys.executable, "-m", "jupyterlab", f"--port={port}", *options]
    started = time.perf_counter()
    server = subprocess.Popen(command, cwd=ROOT)
    try:
        while time.perf_counter() - started < 120:
            try:
                with urlopen(f"http://127.0.0.1:{port}/lab", timeout=5) as page:
                    page.read()
                    return {"seconds": time.perf_counter() - started}
            except OSError:
                time.sleep(0.1)
        return {"seconds": 120.0, "failed": "no page within 120 s"}
    finally:
        server.terminate()
        server.wait()


def tasks(tiny: bool = False) -> dict[str, Callable[[], Row]]:
    part, python = functools.partial, sys.executable
    if tiny:
        return {"lesson 00": part(both, lessons()[0], 3)}
    made: dict[str, Callable[[], Row]] = {}
    for lesson in lessons():
        made[f"lesson {lesson.stem[:2]}"] = part(both, lesson)
    for number in ("01", "04", "09"):
        made[f"nbval {number}"] = part(verified, number)
    tests = ("-m", "pytest", "tests", "-n", "2")
    made["unit tests"] = part(commanded, python, *tests, OMP_NUM_THREADS="1")
    made["builder, lesson 01"] = built
    made["the site"] = part(commanded, python, "tools/book.py")
    made["set-up, ordinary"] = part(set_up)
    made["set-up, without CUDA"] = part(set_up, "--cpu")
    made["first page of JupyterLab"] = first_page
    return made


def jobs(tiny: bool = False) -> list[Job]:
    return [Job(task, 0, work) for task, work in tasks(tiny).items()]
