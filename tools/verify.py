"""Run every cell of both editions and compare what it prints with what is stored.

    python tools/verify.py             all lessons
    python tools/verify.py 01 05       only these
    python tools/verify.py --with-data only those that load a data set

Strict (every output is compared) where the stored outputs were made: Linux, CPU, the locked torch,
the real data. Elsewhere lax: every cell must run, every check must behave, and one line says why.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
import sys

from build import LESSON_ENV, ROOT
from lesson import Lesson, read_lesson


def why_lax(lesson: Lesson) -> str:
    """Why this lesson's stored outputs can't be expected here; empty if they can."""
    if platform.system() != "Linux":
        return f"outputs are stored for Linux, this is {platform.system()}"
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    for package in ("torch", "torchvision"):
        locked = re.search(rf"^{package}==([\d.]+)", lock, re.MULTILINE)
        found = importlib.metadata.version(package).partition("+")[0]
        if locked is None or locked[1] != found:
            return f"{package} {found} is not the locked {locked[1] if locked else 'one'}"
    if os.environ.get("COURSE_DEVICE", "cpu") != "cpu":
        return f"outputs are stored for the CPU, not for {os.environ['COURSE_DEVICE']}"
    if lesson.course["data"]:
        from utils.data import is_real

        absent = [name for name in lesson.course["data"] if not is_real(name)]
        if absent:
            return f"{' and '.join(absent)} can't be had here; stand-ins are used"
    return ""


def main(words: list[str]) -> int:
    lessons = [read_lesson(p) for p in sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))]
    if words == ["--with-data"]:
        chosen = [m for m in lessons if m.course["data"]]
        if not chosen:
            print("no lesson loads a data set")
            return 0
    else:
        chosen = [m for m in lessons if m.stem.startswith(tuple(words) or "")]
    if not chosen:
        print(
            f"no lesson is named {' '.join(words)}; there are {', '.join(m.stem for m in lessons)}"
        )
        return 1
    groups: dict[str, list[Lesson]] = {"--nbval": [], "--nbval-lax": []}
    for lesson in chosen:
        why = why_lax(lesson)
        groups["--nbval-lax" if why else "--nbval"].append(lesson)
        print(f"{lesson.stem}: {'lax, because ' + why if why else 'strict'}", flush=True)
    worst = 0
    for mode, group in groups.items():
        if not group:
            continue
        files = [f"{folder}/{m.stem}.ipynb" for m in group for folder in ("notebooks", "solutions")]
        options = ["-p", "nbval_guard", mode, "--nbval-current-env", "--nbval-cell-timeout=300"]
        quiet = ["--no-header", "-n", "2", "--dist", "loadscope"]
        env = (
            {"OMP_NUM_THREADS": "1"} | os.environ | LESSON_ENV | {"PYTHONPATH": str(ROOT / "tests")}
        )
        command = [sys.executable, "-m", "pytest", *options, *quiet, *files]
        worst = max(worst, subprocess.call(command, cwd=ROOT, env=env))
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
