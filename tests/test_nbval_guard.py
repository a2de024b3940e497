"""Comparing notebooks is honest: one wrong character fails, room is kept, and a death is noticed.

Tiny notebooks are compared as ``tools/verify.py`` does it, by one pytest in a process of its own.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from nbval_guard import with_room

HERE = Path(__file__).resolve().parent
PRINTS = 'import os\nprint("strict:", os.environ["COURSE_STRICT"], os.environ["TQDM_DISABLE"])'


def notebook(path, *pairs, **metadata):
    """Cells with a source and what is stored of their output."""
    cells = [
        new_code_cell(
            source,
            id=f"c{n}",
            execution_count=n,
            outputs=[new_output("stream", text=out)] if out else [],
            metadata=metadata,
        )
        for n, (source, out) in enumerate(pairs, 1)
    ]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """{(notebook, cell): (seconds, what it failed with or "")}"""
    root = tmp_path_factory.mktemp("nbval")
    notebook(
        root / "notebooks" / "right.ipynb", ("print('0.999')", "0.999\n"), (PRINTS, "strict:  1\n")
    )
    notebook(
        root / "notebooks" / "wrong.ipynb", ("print('0.999')", "0.998\n"), ("print('2')", "2\n")
    )
    notebook(
        root / "notebooks" / "dies.ipynb", ("import os\nos._exit(1)", ""), ("print('2')", "2\n")
    )
    notebook(root / "solutions" / "right.ipynb", (PRINTS, "strict: 1 1\n"))
    notebook(
        root / "notebooks" / "room.ipynb",
        ("print('loss 0.52, x3')", "loss 0.5, x3\n"),
        ("print('loss 0.53, x3')", "loss 0.5, x3\n"),
        ("print('cost 0.52')", "loss 0.5\n"),
        ("print('loss 0.50, x4')", "loss 0.5, x3\n"),
        ("(0.51, 2)", ""),
        within="0.02",
    )
    options = ["-p", "nbval_guard", "--nbval", "--nbval-current-env", "--nbval-cell-timeout=300"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        *options,
        "--junitxml=results.xml",
        ".",
    ]
    env = os.environ | {"PYTHONPATH": str(HERE)}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=120)
    found = {}
    for case in ElementTree.parse(root / "results.xml").iter("testcase"):
        key = case.get("classname").replace("/", ".").removesuffix(".ipynb"), case.get("name")
        found[key] = (
            float(case.get("time")),
            "".join(e.text or "" for e in case if e.tag in ("failure", "error")),
        )
    assert len(found) == 12, done.stdout
    return found


@pytest.mark.parametrize(
    "key", [("notebooks.right", "Cell 0"), ("notebooks.wrong", "Cell 1")], ids=str
)
def test_output_that_is_the_same_passes(results, key):
    assert results[key][1] == ""


def test_numbers_move_within_their_room_and_nothing_else_does(results):
    failed = [bool(results["notebooks.room", f"Cell {n}"][1]) for n in range(5)]
    assert failed == [False, True, True, True, True]


def test_on_a_gpu_only_a_verdict_that_turned_is_noticed(tmp_path):
    notebook(
        tmp_path / "notebooks" / "gpu.ipynb",
        ("print('equal: True, 0.31')", "equal: True, 0.29\n"),
        ("print('equal: False')", "equal: True\n"),
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "nbval_guard",
        "--nbval",
        "--nbval-current-env",
        ".",
    ]
    env = os.environ | {"PYTHONPATH": str(HERE), "COURSE_VERDICTS": "1"}
    said = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True).stdout
    assert "1 failed, 1 passed" in said and "stored on the CPU: [['True']]" in said


@pytest.mark.parametrize(("wish", "cells"), [("", [0, 1, 2]), ("1", [0, 2])])
def test_path_leaves_the_side_doors_out(tmp_path, monkeypatch, wish, cells):
    """Only collected, not run: a cell of the path, one behind a side door, one of the path again."""
    door = new_markdown_cell("## Aside", metadata={"tags": ["deeper"]})
    parts = [
        new_code_cell("a"),
        door,
        new_code_cell("b"),
        new_markdown_cell("## On"),
        new_code_cell("c"),
    ]
    nbformat.write(new_notebook(cells=parts), tmp_path / "doors.ipynb")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "nbval_guard",
        "--nbval-lax",
        "--co",
        "-q",
        ".",
    ]
    env = os.environ | {"PYTHONPATH": str(HERE), "COURSE_PATH": wish}
    said = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True).stdout
    assert [int(n) for n in re.findall(r"Cell (\d)", said)] == cells


@pytest.mark.parametrize(
    ("text", "stored", "room", "same"),
    [
        ("0.81 ± 0.02", "0.82 ± 0.03", 0.02, True),
        ("0.85", "0.82", 0.02, False),
        ("9.5e-3", "0.01", 0.001, True),
        ("1,234 rows", "1,235 rows", 1, True),
        ("−0.5", "-0.4", 0.2, True),
        ("v1.2", "v1.3", 1, False),
        ("3x", "4x", 1, False),
        ("2.5.1", "2.5.2", 1, False),
        ("0.5 0.6", "0.5", 1, False),
        ("nan", "0.5", 1, False),
        ("(0.5, 1)", "(0.6, 1)", 0.2, True),
        ("a\n0.5", "a \n0.5", 0.2, False),
        ("-0.01", "0.01", 0.05, True),
    ],
)
def test_room_is_for_numbers_alone(text, stored, room, same):
    assert (with_room(text, stored, room) == stored) == same


def test_one_wrong_character_fails_and_is_shown(results):
    said = results["notebooks.wrong", "Cell 0"][1]
    assert "Cell outputs differ" in said and "0.998" in said and "0.999" in said


def test_kernel_that_dies_fails_at_once_and_says_why(results):
    seconds, said = results["notebooks.dies", "Cell 0"]
    assert "the kernel process died" in said
    assert seconds < 20


def test_cells_after_the_death_are_not_taken_for_passed(results):
    seconds, said = results["notebooks.dies", "Cell 1"]
    assert said and seconds < 20


@pytest.mark.parametrize(
    "key", [("notebooks.right", "Cell 1"), ("solutions.right", "Cell 0")], ids=str
)
def test_only_answers_are_checked_strictly(results, key):
    assert results[key][1] == ""
