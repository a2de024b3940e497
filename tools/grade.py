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
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pandas as pd
from joblib import cpu_count  # the cores that this process may use
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from tqdm import tqdm

from build import LESSON_ENV, ROOT, write
from course import any_console
from lesson import tags

DIED = "ended the kernel"
STOPPED = "stopped"  # the answer never ended, or it ended the kernel


def opened(path: Path) -> NotebookNode:
    """The notebook; raises ValueError in words for a teacher if it is none."""
    raw = path.read_bytes()
    if not raw.strip():
        raise ValueError("the file is empty")
    try:
        nb = nbformat.reads(raw.decode("utf-8-sig"), as_version=4)
        texts = [cell.source for cell in nb.cells]
    except Exception:
        raise ValueError("not a notebook; was another kind of file renamed?") from None
    if not any(texts):
        raise ValueError("a notebook without cells")
    return nb


def lesson_of(submission: NotebookNode) -> NotebookNode:
    """A fresh student edition of the lesson that was handed in."""
    stem = submission.metadata.get("course", {}).get("lesson", "")
    text = "\n".join(c.source for c in submission.cells)
    paths = (ROOT / "notebooks").glob("*.ipynb")
    for path in sorted(paths, key=lambda p: (p.stem != stem, p.stem)):
        nb = nbformat.from_dict(json.loads(path.read_text(encoding="utf-8")))
        exercises = [c.id for c in nb.cells if "exercise" in tags(c)]
        if path.stem == stem or any(f'check("{name}")' in text for name in exercises):
            return nb
    raise ValueError(f"there is no lesson {stem!r}" if stem else "no lesson's check is in it")


def put_answers(nb: NotebookNode, submission: NotebookNode) -> list[str]:
    """Put the submission's answers into the lesson; return what a teacher should know."""
    code = [c for c in submission.cells if c.cell_type == "code"]
    by_id = {c.get("id"): c.source for c in code}
    both = zip(submission.cells, submission.cells[1:])
    before = {b.source: a.source for a, b in both if a.cell_type == "code"}
    known, lost = {c.source.strip() for c in nb.cells} | {""}, []
    for cell, check in zip(nb.cells, nb.cells[1:]):
        if "exercise" in tags(cell):  # some editors give new ids: then the cell before the check
            own = by_id.get(cell.id, before.get(check.source))
            if own is None:
                lost.append(cell.id)
            else:
                cell.source = own
                known.add(own.strip())
    others = sum(c.source.strip() not in known for c in code)
    notes = [f"no answer cell for {', '.join(lost)}"] if lost else []
    if others:
        notes.append(f"cells added or changed outside of the answers, not graded: {others}")
    return notes


def verdicts(nb: NotebookNode, seconds: int) -> tuple[dict[str, str], str]:
    """Run the notebook in place; each exercise's state, as far as there is one, and why it stopped."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.jsonl"
        env = os.environ | LESSON_ENV | {"COURSE_RESULTS": str(results), "COURSE_STRICT": ""}
        client = NotebookClient(
            nb, timeout_func=lambda cell: seconds if tags(cell) & {"exercise", "check"} else 600,
            allow_errors=True, interrupt_on_timeout=True,
            resources={"metadata": {"path": folder}}, extra_arguments=["--log-level=40"],
        )  # fmt: skip
        why = f"took more than {seconds} seconds, or ended the check"
        try:
            client.execute(env=env)
        except CellTimeoutError:
            pass
        except DeadKernelError:
            why = DIED
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    said = map(json.loads, lines)
    return {verdict["exercise"]: verdict["state"] for verdict in said}, why


def judged(path: Path, seconds: int) -> dict[str, object]:
    """Lesson, counts, note and the state of each exercise of one submission."""
    submission = opened(path)
    nb = lesson_of(submission)
    stubs = {c.id: c.source for c in nb.cells}
    notes = put_answers(nb, submission)
    answers = {c.id: c for c in nb.cells if "exercise" in tags(c)}
    states: dict[str, str] = {}
    while open_ones := [name for name in answers if name not in states]:
        found, why = verdicts(nb, seconds)
        states |= {name: found[name] for name in open_ones if name in found}
        for name in open_ones:
            if any(o.get("ename") == "KeyboardInterrupt" for o in answers[name].outputs):
                notes.append(f"{name} took more than {seconds} seconds")
        lacking = [name for name in open_ones if name not in found]
        if not lacking:
            break
        first, before = lacking[0], [*answers][max(0, [*answers].index(lacking[0]) - 1)]
        if why == DIED and first != before and answers[before].source != stubs[before]:
            answers[before].source = stubs[before]  # a quit() there is slower than its check
        else:  # what came before has its verdict; go on without this one
            states[first], answers[first].source = STOPPED, stubs[first]
            notes.append(f"{first} {why}")
    passed = sum(state == "passed" for state in states.values())
    note = "" if passed == len(answers) else "; ".join(notes)
    row = {"lesson": nb.metadata.course.lesson, "passed": passed, "of": len(answers), "note": note}
    return row | {name: states[name] for name in answers}


def grade(path: Path, folder: Path, seconds: int) -> dict[str, object]:
    """One row of the table; never raises for what a student has handed in."""
    name = path.relative_to(folder).as_posix()
    name = f"'{name}" if name[0] in "=+-@" else name  # else a spreadsheet takes it for a formula
    row: dict[str, object] = {"file": name, "lesson": "", "passed": 0, "of": 0, "note": ""}
    try:
        return row | judged(path, seconds)
    except Exception as error:  # anything may have been handed in
        return row | {"note": f"not gradable: {error}"}


def problem(options: argparse.Namespace, paths: list[Path]) -> str:
    """What keeps the grading from starting, in one line."""
    if not options.folder.exists():
        return f"There is no folder {options.folder}."
    if not paths:
        return f"There is no notebook in {options.folder}."
    if options.to.exists():
        return f"{options.to} exists already; name another file with --to."
    if not options.to.absolute().parent.is_dir():
        return f"There is no folder {options.to.parent} for the table: make it, or change --to."
    if options.seconds < 1:
        return f"--seconds is {options.seconds}; it must be at least 1."
    return ""


def main(argv: list[str] | None = None) -> int:
    any_console()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder",
        type=Path,
        help="the submissions (folders inside are searched too), or one of them",
    )
    parser.add_argument(
        "--to", type=Path, default=Path("grades.csv"), help="the table (grades.csv)"
    )
    parser.add_argument(
        "--seconds", type=int, default=120, help="the most a single answer may take (120)"
    )
    options = parser.parse_args(argv)
    folder = options.folder.parent if options.folder.is_file() else options.folder
    every = [options.folder] if options.folder.is_file() else sorted(options.folder.rglob("*"))
    every = [p for p in every if p.is_file() and ".ipynb_checkpoints" not in p.parts]
    paths = [p for p in every if p.suffix == ".ipynb"]
    if wrong := problem(options, paths):
        print(wrong, file=sys.stderr)
        return 1
    if others := [p.relative_to(folder).as_posix() for p in every if p.suffix != ".ipynb"]:
        print(f"Passed over, as they are not .ipynb: {', '.join(others)}")
    warnings.filterwarnings("ignore", module="nbformat")  # ids that stand twice, and the like
    rows: list[dict[str, object]] = []
    with ThreadPoolExecutor(cpu_count()) as pool:
        jobs = [pool.submit(grade, path, folder, options.seconds) for path in paths]
        try:
            for job in tqdm(jobs, unit="notebook"):
                rows.append(job.result())
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            print("\nInterrupted: waiting for those that are running …", file=sys.stderr)
    table = pd.DataFrame(rows, columns=None if rows else ["file", "lesson", "passed", "of", "note"])
    write(options.to, "\ufeff" + table.to_csv(index=False))  # the mark tells Excel that it is UTF-8
    for row in rows:
        print(
            f"{row['passed']:3} of {row['of']:2}  {row['lesson']:24} {row['file']}  {row['note']}"
        )
    print(f"{len(rows)} of {len(paths)} notebooks are in {options.to}")
    return 0 if len(rows) == len(paths) else 130


if __name__ == "__main__":
    sys.exit(main())
