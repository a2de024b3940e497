"""Write a lesson as an assignment for nbgrader: its source notebook, and the settings it needs.

    python tools/assignment.py 03 COURSE      COURSE/source/03_linear_regression/…, COURSE/nbgrader_config.py

nbgrader takes the answers out (and puts the course's dots in their place), gives the lesson out, and grades what
comes back: a point for each check that passes. What is there already stays as it is.
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from build import ROOT, bare, dumps, edition, write
from course import any_console
from lesson import TEACHER, Lesson, read_lesson, student_source, tags

CONFIG = '''"""nbgrader's settings for lessons of PyTorch, Cell by Cell."""

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions


class Dots(ClearSolutions):
    """In place of an answer the course's own stub, with which every cell still runs."""

    def preprocess_cell(self, cell, resources, cell_index):
        stub = cell.metadata.get("course", {}).pop("stub", None)
        if stub is None:
            return super().preprocess_cell(cell, resources, cell_index)
        cell.source = stub
        return cell, resources


c = get_config()
steps = GenerateAssignment.preprocessors.default()
c.GenerateAssignment.preprocessors = [Dots if s is ClearSolutions else s for s in steps]
c.Execute.timeout = 600  # seconds for one cell: some of them train
'''
EARNED = """
### BEGIN HIDDEN TESTS
assert c.state == "passed", str(c)
### END HIDDEN TESTS"""


def assignment(lesson: Lesson, lessons: list[Lesson]) -> NotebookNode:
    """The lesson with its answers, each exercise and each check marked for nbgrader."""
    nb = bare(edition(lesson, False, lessons))
    nb.cells = [cell for cell in nb.cells if not tags(cell) & TEACHER]
    nb.metadata["course"]["edition"] = "student"  # which it becomes, when nbgrader gives it out
    for cell in nb.cells:
        part = {"exercise", "check"} & tags(cell)
        if not part:
            continue
        check = part == {"check"}
        cell.metadata["nbgrader"] = {
            "grade": check, "solution": not check, "locked": check, "task": False,
            "grade_id": cell.id, "schema_version": 3, **({"points": 1} if check else {}),
        }  # fmt: skip
        if check:
            cell.source += EARNED
            cell.metadata["jupyter"] = {"source_hidden": True}
        else:
            cell.metadata["course"] = {"stub": student_source(copy.deepcopy(cell))}
    return nb


def main(argv: list[str] | None = None) -> int:
    any_console()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("lesson", help="its number, as in 03")
    parser.add_argument("to", help="the folder of your nbgrader course")
    asked = parser.parse_args(argv)
    lessons = [read_lesson(p) for p in sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))]
    chosen = [found for found in lessons if asked.lesson in (found.stem, found.stem[:2])]
    if not chosen:
        numbers = ", ".join(found.stem[:2] for found in lessons)
        print(f"There is no lesson {asked.lesson!r}; LESSON is one of {numbers}.", file=sys.stderr)
        return 1
    if not asked.to.strip():
        print("Say where: make nbgrader LESSON=03 TO=folder", file=sys.stderr)
        return 1
    stem, to = chosen[0].stem, Path(asked.to)
    target = to / "source" / stem / f"{stem}.ipynb"
    if target.exists():
        print(f"{target} is there already, and stays as it is.", file=sys.stderr)
        return 1
    config, nb = to / "nbgrader_config.py", assignment(chosen[0], lessons)
    nbformat.validate(nb)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(target, dumps(nb))
        if not config.exists():
            write(config, CONFIG)
        elif "class Dots" not in config.read_text(encoding="utf-8"):
            write(config.with_name("nbgrader_config_lessons.py"), CONFIG)
            print(f"{config} is yours, and stays; add to it what nbgrader_config_lessons.py says.")
    except OSError as error:
        print(f"{to} cannot be written: {error}", file=sys.stderr)
        return 1
    print(f"Written: {target}. In {to}: nbgrader generate_assignment {stem}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
