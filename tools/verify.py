"""Run every cell of both editions and compare what it prints with what is stored.

    python tools/verify.py               all lessons
    python tools/verify.py 01 05         only these
    python tools/verify.py --with-data   only those that load a data set
    python tools/verify.py --device cuda on the CPU and on the GPU, and write docs/devices.md
    python tools/verify.py --device pretend  on a GPU that is not there: finds a forgotten .to(device)
    python tools/verify.py --path        without the side doors, which nothing on the path needs
    python tools/verify.py 06 08 --pictures FOLDER  lax, with photographs of your own
    python tools/verify.py --lax         every cell must run, but outputs may differ
    python tools/verify.py --old-cpu     with the arithmetic of a processor of 2008, which rounds otherwise

Strict (every output is compared) where the stored outputs were made: Linux, CPU, the locked torch,
the real data. Elsewhere lax: every cell must run, every check must behave, and one line says why.
On stand-ins only the solutions run: nothing is compared, and the students' story is the same code.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from joblib import cpu_count  # the cores that this process may use

from build import LESSON_ENV, ROOT, write
from course import any_console
from lesson import BadLesson, Lesson, read_lesson

EDITIONS = ("notebooks", "solutions")
ABSENT = "can't be had here; stand-ins are used"
OLD_CPU = {  # kernels without AVX and fused multiply-add: sums in another order, so other last digits
    "ATEN_CPU_CAPABILITY": "default",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "MKL_CBWR": "COMPATIBLE",
}


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
            return f"{' and '.join(absent)} {ABSENT}"
    return ""


def run(
    lessons: list[Lesson], mode: str, jobs: int = 2, editions: Sequence[str] = EDITIONS, **env: str
) -> tuple[int, dict]:
    """Put ``lessons`` through nbval: (exit status, seconds by lesson)."""
    files = [f"{folder}/{m.stem}.ipynb" for m in lessons for folder in editions]
    options = ["-p", "nbval_guard", mode, "--nbval-current-env", "--nbval-cell-timeout=300"]
    options += ["--no-header", "-n", str(jobs), "--dist", "loadscope"]
    surroundings = {"OMP_NUM_THREADS": "1", **os.environ, **LESSON_ENV, **env}
    surroundings["PYTHONPATH"] = str(ROOT / "tests")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", *options, f"--junitxml={report}", *files]
        status = subprocess.call(command, cwd=ROOT, env=surroundings)
        cases = ElementTree.parse(report).iter("testcase") if report.exists() else []
        seconds = dict.fromkeys((m.stem for m in lessons), 0.0)
        for case in cases:
            stem = case.get("classname", "").split(".")[-2]
            seconds[stem] += float(case.get("time", 0)) / len(editions)
    return status, seconds


def compare_devices(lessons: list[Lesson], device: str) -> int:
    """Both editions on the CPU, then on ``device``, one at a time; the table goes into docs/."""
    import torch

    from utils import get_device

    try:
        os.environ["COURSE_DEVICE"] = device
        get_device()
    except RuntimeError as error:
        print(error)
        return 1
    print("all lessons: only True and False, because outputs are stored for the CPU", flush=True)
    threads = {"OMP_NUM_THREADS": str(cpu_count())}
    threads["COURSE_VERDICTS"] = "1"
    before, cpu = run(lessons, "--nbval", 1, COURSE_DEVICE="cpu", **threads)
    after, gpu = run(lessons, "--nbval", 1, COURSE_DEVICE=device, **threads)
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    rows = [f"| {m.label} | {cpu[m.stem]:.0f} | {gpu[m.stem]:.0f} |" for m in lessons]
    table = "\n".join(
        [f"| lesson | {cpu_count()} CPU cores, s | {name}, s |", "|---|---|---|", *rows]
    )
    text = f"# The lessons on two devices\n\nWritten by `make test DEVICE={device}`. Seconds an edition, with torch {torch.__version__.partition('+')[0]}.\n\n{table}\n"
    print(text)
    if not before + after:
        (ROOT / "docs").mkdir(exist_ok=True)
        write(ROOT / "docs" / "devices.md", text)
    return max(before, after)


def on_no_gpu(lessons: list[Lesson]) -> int:
    """Both editions on the device of tests/pretend_device.py, which each kernel installs first."""
    with tempfile.TemporaryDirectory() as folder:
        startup = Path(folder) / "profile_default" / "startup"
        startup.mkdir(parents=True)
        first = "import pretend_device\npretend_device.install()\ndel pretend_device\n"
        (startup / "00_pretend.py").write_text(first, encoding="utf-8")
        print(
            "all lessons: only True and False, because outputs are stored for the CPU", flush=True
        )
        return run(lessons, "--nbval", 2, IPYTHONDIR=folder, COURSE_VERDICTS="1")[0]


def main(argv: list[str] | None = None) -> int:
    any_console()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lesson", nargs="*", help="a lesson's number or name; all if none is given")
    parser.add_argument(
        "--with-data", action="store_true", help="only lessons that load a data set"
    )
    parser.add_argument(
        "--lax", action="store_true", help="every cell must run; outputs may differ"
    )
    parser.add_argument("--pictures", metavar="FOLDER", help="photographs, one folder a class")
    parser.add_argument("--path", action="store_true", help="without the side doors")
    parser.add_argument(
        "--old-cpu", action="store_true", help="outputs must hold in an old processor's arithmetic"
    )
    parser.add_argument(
        "--device", default="cpu", help="cuda, mps: compare the CPU with it; or pretend"
    )
    options = parser.parse_args(argv)
    paths = sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))
    asked = [p for p in paths if p.name.startswith(tuple(options.lesson) or "")]
    try:
        chosen = [read_lesson(path) for path in asked]
    except BadLesson as error:
        print(error)
        return 1
    chosen = [m for m in chosen if m.course["data"] or not options.with_data]
    if not chosen:
        words = " ".join(options.lesson) or "--with-data"
        print(f"no lesson is named {words}; there are {', '.join(p.stem for p in paths)}")
        return 1
    if options.device == "pretend":
        return on_no_gpu(chosen)
    if options.device != "cpu":
        return compare_devices(chosen, options.device)
    groups: dict[tuple[str, Sequence[str]], list[Lesson]] = {}
    for lesson in chosen:
        why = "it was asked for" if options.lax or options.pictures else why_lax(lesson)
        editions = EDITIONS[1:] if why.endswith(ABSENT) else EDITIONS
        groups.setdefault(("--nbval-lax" if why else "--nbval", editions), []).append(lesson)
        print(f"{lesson.stem}: {'lax, because ' + why if why else 'strict'}", flush=True)
    env = OLD_CPU if options.old_cpu else {}
    env = env | ({"COURSE_PATH": "1"} if options.path else {})
    env = env | ({"COURSE_PICTURES": options.pictures} if options.pictures else {})
    return max(
        run(group, mode, 2, editions, **env)[0] for (mode, editions), group in groups.items()
    )


if __name__ == "__main__":
    sys.exit(main())
