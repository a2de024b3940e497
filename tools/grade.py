"""Grade a folder of students' notebooks into a table.

    python tools/grade.py submissions/ --to grades.csv

From each notebook only the answer cells are taken. They are put into a pristine copy of the lesson,
which is run from top to bottom; its checks give the verdicts. The submissions are not changed.
Students' code runs with your rights: use a throw-away account or container.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pandas as pd
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from build import LESSON_ENV, ROOT, write
from lesson import tags


def pristine(submission: NotebookNode) -> NotebookNode:
    """A fresh student edition with the submission's answers in it."""
    stem = submission.metadata.get("course", {}).get("lesson", "")
    source = ROOT / "notebooks" / f"{stem}.ipynb"
    if not stem or not source.exists():
        raise ValueError("it does not say which lesson it is (metadata course.lesson)")
    nb = nbformat.from_dict(json.loads(source.read_text(encoding="utf-8")))
    answers = {c.get("id"): c.source for c in submission.cells if c.cell_type == "code"}
    before = dict(zip((c.source for c in submission.cells[1:]), submission.cells, strict=False))
    for cell, check in zip(nb.cells, nb.cells[1:], strict=False):
        if "exercise" in tags(cell):  # some editors give new ids: then the cell before the check
            other = before.get(check.source)
            cell.source = answers.get(cell.id, other.source if other else cell.source)
    return nb


def grade(path: Path, seconds: int) -> dict[str, object]:
    """One row of the table; never raises for what a student has handed in."""
    row: dict[str, object] = {"file": str(path), "lesson": "", "passed": 0, "of": 0, "note": ""}
    try:
        nb = pristine(nbformat.read(path, as_version=4))
    except Exception as error:  # anything may have been handed in
        return row | {"note": f"not gradable: {error}"}
    exercises = [c.id for c in nb.cells if "exercise" in tags(c)]
    states = dict.fromkeys(exercises, "did not run")
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.jsonl"
        env = os.environ | LESSON_ENV | {"COURSE_RESULTS": str(results), "COURSE_STRICT": ""}
        client = NotebookClient(
            nb, timeout=seconds, allow_errors=True, interrupt_on_timeout=True,
            resources={"metadata": {"path": folder}}, extra_arguments=["--log-level=40"],
        )  # fmt: skip
        try:
            client.execute(env=env)
        except (CellTimeoutError, DeadKernelError) as error:
            row["note"] = "stopped: " + str(error).splitlines()[0]
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
        for verdict in map(json.loads, lines):
            if verdict["exercise"] in states:
                states[verdict["exercise"]] = verdict["state"]
    passed = sum(state == "passed" for state in states.values())
    lesson = nb.metadata.course.lesson
    return row | {"lesson": lesson, "passed": passed, "of": len(exercises)} | states


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder", type=Path, help="the submissions; folders inside it are searched too"
    )
    parser.add_argument(
        "--to", type=Path, default=Path("grades.csv"), help="the table (grades.csv)"
    )
    parser.add_argument(
        "--seconds", type=int, default=120, help="the most a single cell may take (120)"
    )
    options = parser.parse_args(argv)
    paths = [
        p for p in sorted(options.folder.rglob("*.ipynb")) if ".ipynb_checkpoints" not in p.parts
    ]
    if not paths:
        print(f"There is no notebook in {options.folder}.", file=sys.stderr)
        return 1
    if options.to.exists():
        print(f"{options.to} exists already; name another file with --to.", file=sys.stderr)
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = pool.map(lambda path: grade(path, options.seconds), paths)
        rows = list(tqdm(jobs, total=len(paths), unit="notebook"))
    table = pd.DataFrame(rows)
    write(options.to, table.to_csv(index=False))
    print(table[["file", "lesson", "passed", "of", "note"]].to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
