"""How long does a class take to grade: tools/grade.py against nbgrader's autograde, on the same hand-ins?

make grade_book                      once: it makes the environment with nbgrader in build/nbgrader
python benchmarks/grading.py         100 hand-ins of lesson 01, each with other exercises solved
python benchmarks/grading.py --hand-ins 10 --lesson 03
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import assignment  # noqa: E402

BIN = ROOT / "build" / "nbgrader" / ("Scripts" if os.name == "nt" else "bin")


def seconds(folder: Path, *command: str | Path) -> float:
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    env = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hand-ins", type=int, default=100)
    parser.add_argument("--lesson", default="01")
    asked = parser.parse_args()
    dice = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        course = Path(place)
        assert assignment.main([asked.lesson, place]) == 0
        (source,) = course.glob("source/*/*.ipynb")
        stem = source.stem
        seconds(course, "nbgrader", "generate_assignment", stem)
        answers = {c.id: c.source for c in nbformat.read(source, 4).cells}
        solved = {}
        for n in range(asked.hand_ins):
            nb = nbformat.read(course / "release" / stem / f"{stem}.ipynb", 4)
            for cell in nb.cells:
                if cell.metadata.get("nbgrader", {}).get("solution") and dice.random() < 0.7:
                    cell.source = answers[cell.id]
                    solved[f"s{n:03}"] = solved.get(f"s{n:03}", 0) + 1
            folder = course / "submitted" / f"s{n:03}" / stem
            folder.mkdir(parents=True)
            nbformat.write(nb, folder / f"{stem}.ipynb")
        ours = [sys.executable, ROOT / "tools" / "grade.py", "submitted", "--to", "ours.csv"]
        spent = {}
        with tqdm(total=2, unit="grader") as bar:
            spent["tools/grade.py"] = seconds(course, *ours)
            bar.update()
            spent["nbgrader autograde"] = seconds(course, "nbgrader", "autograde", stem)
            bar.update()
        seconds(course, "nbgrader", "export", "--to", "theirs.csv")
        with open(course / "ours.csv", encoding="utf-8-sig") as f:
            mine: dict[str, float] = {}
            for row in csv.DictReader(f):
                mine[row["student"]] = mine.get(row["student"], 0) + float(row["points"] or 0)
        with open(course / "theirs.csv", encoding="utf-8") as f:
            theirs = {row["student_id"]: float(row["score"]) for row in csv.DictReader(f)}
    same = sum(mine.get(s) == theirs.get(s) == solved.get(s, 0) for s in theirs)
    for name, took in spent.items():
        print(f"{name:20} {took:6.0f} s for {asked.hand_ins}, {took / asked.hand_ins:5.2f} s each")
    ratio = spent["tools/grade.py"] / spent["nbgrader autograde"]
    print(f"ratio {ratio:.2f}; the same points for {same} of {len(theirs)}")


if __name__ == "__main__":
    main()
