"""Grading: answers count, edited checks do not, and nothing that is handed in can stop it."""

import csv
import json

import pytest

import build
import grade
from lesson import read_lesson

LESSON = """\
# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Tiny
#     summary: a sum
#     path: one sum, three times
#     needs: []
#     data: []
#     objectives:
#       add: add two numbers
# ---

# %%
from utils.checks import check
a = 2
"""
EXERCISE = """
# %% [markdown]
# ## {title} {n}
#
# ### Exercise tiny-{n} · difficulty 1 · 10 minutes
# Write the sum of x and {n}.
#
# <details><summary>Hint 1</summary>Use a plus.</details>
# <details><summary>Hint 2</summary>Return it.</details>

# %% tags=[{kind}] id="tiny-{n}" objective="add"
def add{n}(x):
    ### BEGIN SOLUTION
    return x + {n}
    ### END SOLUTION

# %% tags=["check"]
with check("tiny-{n}") as c:
    c.equal(c.attempted(add{n}(a)), a + {n})
    c.held_back({n})
"""
BUILD = {
    1: {"title": "One", "kind": '"exercise"'},
    2: {"title": "Two", "kind": '"exercise"'},
    3: {"title": "The build: a sum", "kind": '"exercise", "build"'},
}
RIGHT = {f"tiny-{n}": f"def add{n}(x):\n    return {n} + x" for n in (1, 2, 3)}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The student edition of a lesson with three exercises; grading knows no other."""
    root = tmp_path_factory.mktemp("course")
    path = root / "00_tiny.py"
    exercises = [EXERCISE.format(n=n, **words) for n, words in BUILD.items()]
    path.write_text(LESSON + "".join(exercises), encoding="utf-8")
    lesson = read_lesson(path)
    nb = build.edition(lesson, True, [lesson])
    (root / "notebooks").mkdir()
    (root / "notebooks" / "00_tiny.ipynb").write_text(build.dumps(nb), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "ROOT", root)
        yield json.loads(build.dumps(nb))


def hand_in(path, nb, answers, change=None):
    nb = json.loads(json.dumps(nb))
    for cell in nb["cells"]:
        cell["source"] = answers.get(cell.get("id"), cell["source"])
    if change:
        change(nb)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(nb), encoding="utf-8")


def edit_check(nb):
    for cell in nb["cells"]:
        if 'check("tiny-1")' in cell["source"]:
            cell["source"] = "print('✓ tiny-1 passed')"


def lose_ids_and_names(nb):
    nb["metadata"] = {}
    nb["nbformat_minor"] = 4
    for cell in nb["cells"]:
        del cell["id"]


def answer_elsewhere(nb):
    nb["cells"] = [c for c in nb["cells"] if c["id"] != "tiny-2"]
    own = {"cell_type": "code", "id": "own", "metadata": {}, "outputs": [], "execution_count": None}
    nb["cells"].append(own | {"source": RIGHT["tiny-2"]})


def another_lesson(nb):
    nb["metadata"]["course"]["lesson"] = "42_quantum"
    nb["cells"] = nb["cells"][:1]


@pytest.fixture(scope="module")
def table(tiny, tmp_path_factory):
    """{file: row} of a class of which no two have handed in alike."""
    folder = tmp_path_factory.mktemp("class")
    given = folder / "in"
    loop, leave = (
        "def add1(x):\n    while True:\n        pass",
        "def add2(x):\n    raise SystemExit",
    )
    die = "import os, time\ntime.sleep(0.5)\nos._exit(1)"
    hand_in(given / "ann ü.ipynb", tiny, RIGHT)
    hand_in(given / "=1+1.ipynb", tiny, {"tiny-1": "def add1(x):\n    return x"}, edit_check)
    hand_in(given / "bob" / "00.ipynb", tiny, RIGHT, lose_ids_and_names)
    hand_in(given / "cem.ipynb", tiny, RIGHT | {"tiny-1": loop, "tiny-2": leave})
    hand_in(given / "dan.ipynb", tiny, RIGHT | {"tiny-2": die})
    hand_in(given / "don.ipynb", tiny, RIGHT | {"tiny-1": RIGHT["tiny-1"] + "\nquit()"})
    hand_in(given / "eva.ipynb", tiny, RIGHT, answer_elsewhere)
    hand_in(given / "fay.ipynb", tiny, {}, another_lesson)
    (given / "gus.ipynb").write_bytes(b"PK\x03\x04\x80")
    (given / "hal.ipynb").write_text("[1]", encoding="utf-8")
    (given / "ida.ipynb").write_text("\n", encoding="utf-8")
    (given / "jan.docx").write_bytes(b"PK")
    target = folder / "grades.csv"
    assert grade.main([str(given), "--to", str(target), "--seconds", "5"]) == 0
    assert target.read_bytes().startswith(b"\xef\xbb\xbf"), "else Excel garbles names"
    with open(target, encoding="utf-8-sig", newline="") as f:
        return {row["file"]: row for row in csv.DictReader(f)}


@pytest.mark.parametrize(
    ("file", "states", "note"),
    [
        ("ann ü.ipynb", ["passed", "passed", "passed"], ""),
        ("'=1+1.ipynb", ["not yet right", *["not attempted yet"] * 2], "not graded: 1"),
        ("bob/00.ipynb", ["passed", "passed", "passed"], ""),
        ("cem.ipynb", ["stopped", "not yet right", "passed"], "tiny-1 took more than 5 seconds"),
        ("don.ipynb", ["passed", "passed", "passed"], ""),
        ("dan.ipynb", ["passed", "stopped", "passed"], "tiny-2 ended the kernel"),
        (
            "eva.ipynb",
            ["passed", "not attempted yet", "passed"],
            "no answer cell for tiny-2; cells",
        ),
        ("fay.ipynb", ["", "", ""], "not gradable: there is no lesson '42_quantum'"),
        ("gus.ipynb", ["", "", ""], "not gradable: not a notebook"),
        ("hal.ipynb", ["", "", ""], "not gradable: not a notebook"),
        ("ida.ipynb", ["", "", ""], "not gradable: the file is empty"),
    ],
)
def test_a_class_becomes_a_table(table, file, states, note):
    row = table[file]
    assert [row[f"tiny-{n}"] for n in (1, 2, 3)] == states, row
    assert note in row["note"] and bool(note) == bool(row["note"])
    assert int(row["passed"]) == states.count("passed")
    assert (row["lesson"], row["of"]) == (("00_tiny", "3") if any(states) else ("", "0"))
    assert len(table) == 11


def test_one_file_is_enough_and_others_are_named(tiny, tmp_path, capsys):
    hand_in(tmp_path / "ann.ipynb", tiny, RIGHT)
    (tmp_path / "answers.py").touch()
    assert grade.main([str(tmp_path / "ann.ipynb"), "--to", str(tmp_path / "a.csv")]) == 0
    assert "3 of  3" in capsys.readouterr().out
    (tmp_path / "a.csv").unlink()
    (tmp_path / "ann.ipynb").write_text("no", encoding="utf-8")
    assert grade.main([str(tmp_path), "--to", str(tmp_path / "b.csv")]) == 0
    assert "not .ipynb: answers.py" in capsys.readouterr().out


def test_interrupted_grading_keeps_what_it_has(tiny, tmp_path, monkeypatch, capsys):
    def first_only(path, folder, seconds):
        if path.stem == "b":
            raise KeyboardInterrupt
        return {"file": path.name, "lesson": "", "passed": 1, "of": 1, "note": ""}

    hand_in(tmp_path / "a.ipynb", tiny, RIGHT)
    hand_in(tmp_path / "b.ipynb", tiny, RIGHT)
    monkeypatch.setattr(grade, "grade", first_only)
    assert grade.main([str(tmp_path), "--to", str(tmp_path / "t.csv")]) == 130
    assert "1 of 2 notebooks are in" in capsys.readouterr().out
    assert "a.ipynb" in (tmp_path / "t.csv").read_text(encoding="utf-8")


def test_an_existing_table_is_not_overwritten(tmp_path, capsys):
    (tmp_path / "a.ipynb").touch()
    (tmp_path / "grades.csv").write_text("precious", encoding="utf-8")
    assert grade.main([str(tmp_path), "--to", str(tmp_path / "grades.csv")]) == 1
    assert "name another file" in capsys.readouterr().err
    assert (tmp_path / "grades.csv").read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "There is no folder"),
        (["empty"], "There is no notebook in"),
        (["full", "--to", "nowhere/t.csv"], "There is no folder nowhere for the table"),
        (["full", "--seconds", "0"], "--seconds is 0"),
    ],
)
def test_what_cannot_start_is_one_clear_line(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.ipynb").touch()
    assert grade.main(words) == 1
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
