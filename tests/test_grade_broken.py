"""Honest mistakes in notebooks that are handed in cost only what is missing, and the note says what happened."""

import contextlib
import io
import json
import os
import zipfile

import pytest
import torch

import classroom
import handin
from classroom import RIGHT, code, filled
from lesson import read_lesson

STUB = "def add{n}(x):\n    # Your code here, in place of the dots:\n    return ..."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    return classroom.course(root), read_lesson(root / "lessons" / "00_tiny.py")


def solved(raw, lesson):
    """Which exercises the submission's answers solve, run in this process; and every note."""
    cells, metadata = handin.cells_of(raw)
    _, note = handin.lesson_of(cells, metadata, [lesson])
    given = handin.Handin(cells, lesson)
    notes, right = [note, *given.notes], ""
    for n in (1, 2, 3):
        answer = given.answer(f"tiny-{n}")
        notes += answer.notes
        space = {"torch": torch, "a": 2, "X": torch.arange(4.0)}
        for piece in answer.pieces:
            try:
                exec(compile(piece.source, "answer", "exec"), space)
            except Exception as error:
                notes.append(repr(error))
        with contextlib.suppress(KeyError, TypeError):
            right += str(n) if space[f"add{n}"](2) == 2 + n else ""
    left = given.left_over([given.answer(f"tiny-{n}") for n in (1, 2, 3)])
    return right, "; ".join(filter(None, notes)), left


def at(nb, name):
    return next(n for n, c in enumerate(nb["cells"]) if c.get("id") == name)


def check_at(nb, n):
    return next(k for k, c in enumerate(nb["cells"]) if f'check("tiny-{n}")' in c["source"])


def changes(function):
    """Apply a change to the list of cells."""

    def change(nb):
        nb["cells"] = function(nb, nb["cells"]) or nb["cells"]

    return change


def no_ids(nb, cells):
    for cell in cells:
        cell.pop("id", None)


def new_ids(nb, cells):
    for n, cell in enumerate(cells):
        cell["id"] = f"colab{n}"


def ids_moved(nb, cells):  # an editor has given each cell its neighbor's id
    ids = [c["id"] for c in cells]
    for cell, own in zip(cells, ids[1:] + ids[:1]):
        cell["id"] = own


def put(*new, before="tiny-1", shift=0):
    def function(nb, cells):
        where = at(nb, before) + shift
        cells[where:where] = [code(s, f"new{k}") for k, s in enumerate(new)]

    return changes(function)


def instead(*new, of="tiny-1"):
    def function(nb, cells):
        where = at(nb, of)
        cells[where : where + 1] = [code(s, of if k == 0 else f"n{k}") for k, s in enumerate(new)]

    return changes(function)


def merged_with_check(nb, cells):
    k = check_at(nb, 1)
    cells[k - 1]["source"] += "\n\n" + cells[k]["source"]
    del cells[k]


def all_in_one(nb, cells):
    source = "\n\n".join(c["source"] for c in cells if c["cell_type"] == "code")
    return [code(source)]


def two_in_one(nb, cells):
    cells[at(nb, "tiny-1")]["source"] = RIGHT["tiny-1"] + "\n\n" + RIGHT["tiny-2"]
    del cells[at(nb, "tiny-2")]


def two_in_one_first_fails(nb, cells):
    cells[at(nb, "tiny-1")]["source"] = "add1 = nothing_here\n\n" + RIGHT["tiny-2"]
    del cells[at(nb, "tiny-2")]


def story_in_front(nb, cells):
    story = next(c for c in cells if "slow" in c["source"])
    cells[at(nb, "tiny-1")]["source"] = story["source"] + "\n" + RIGHT["tiny-1"]
    cells.remove(story)


def answers_last(nb, cells):
    answers = [c for c in cells if c.get("id", "").startswith("tiny-")]
    return [c for c in cells if c not in answers] + answers


def reversed_cells(nb, cells):
    return cells[::-1]


def as_text(nb, cells):
    cell = cells[at(nb, "tiny-1")]
    cell["cell_type"] = "markdown"
    cell["source"] = f"```python\n{cell['source']}\n```"


def as_raw(nb, cells):
    cells[at(nb, "tiny-1")]["cell_type"] = "raw"


def checks_gone(nb, cells):
    return [c for c in cells if "with check(" not in c["source"]]


def answer_gone(nb, cells):
    del cells[at(nb, "tiny-1")]


def older_names(nb, cells):
    for cell in cells:
        cell["source"] = cell["source"].replace('check("tiny-', 'check("small-')
        cell["id"] = cell.get("id", "").replace("tiny-", "small-")


def only_answers(nb, cells):
    return [code(RIGHT[f"tiny-{n}"], f"x{n}") for n in (1, 2, 3)]


def doubled(nb, cells):
    where = at(nb, "tiny-1")
    cells.insert(where, json.loads(json.dumps(cells[where])))


def stub_below(nb, cells):
    cells.insert(at(nb, "tiny-1") + 1, code(STUB.format(n=1), "again"))


def two_tries(nb, cells):
    cells.insert(at(nb, "tiny-1"), code("def add1(x):\n    return x", "try"))


def edited_check(nb, cells):
    cells[check_at(nb, 1)]["source"] = (
        'with check("tiny-1") as c:\n    c.true(True, observed=1, expected=1)'
    )


def crlf(nb, cells):
    for cell in cells:
        cell["source"] = cell["source"].replace("\n", "\r\n")


def lines(nb, cells):
    for cell in cells:
        cell["source"] = cell["source"].splitlines(True)


def halves(nb, cells):
    cells[at(nb, "tiny-1")]["source"] += "  # \ud83d half a smile"


def huge_outputs(nb, cells):
    cells[at(nb, "tiny-1")]["outputs"] = [{"output_type": "stream", "text": "x" * 20_000_000}]


def version_3(nb):
    cells = [
        {"cell_type": c["cell_type"]}
        | ({"input": c["source"]} if c["cell_type"] == "code" else {"source": c["source"]})
        for c in nb["cells"]
    ]
    return {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": cells}]}


def wrong_lesson(nb):
    nb["metadata"]["course"]["lesson"] = "42_quantum"


def no_metadata(nb):
    nb["metadata"] = {}


def strange_metadata(nb):
    nb["metadata"] = ["?"]


HELPER = "def plus(x, y):\n    return x + y"
USES = "def add1(x):\n    return plus(x, 1)"
BROKEN = {  # what was done: the exercises that stay solved, words in a note
    "nothing": (None, "123", ""),
    "ids gone": (changes(no_ids), "123", ""),
    "ids new": (changes(new_ids), "123", ""),
    "ids moved": (changes(ids_moved), "123", ""),
    "metadata gone": (no_metadata, "123", ""),
    "metadata strange": (strange_metadata, "123", ""),
    "wrong lesson": (wrong_lesson, "123", "says that it is lesson 42_quantum"),
    "nbformat 3": (version_3, "123", ""),
    "CRLF": (changes(crlf), "123", ""),
    "lists of lines": (changes(lines), "123", ""),
    "half a character": (changes(halves), "123", ""),
    "20 MB of outputs": (changes(huge_outputs), "123", ""),
    "split: a helper": (instead(HELPER, USES), "123", ""),
    "split in a function": (instead("def add1(x):", "    return x + 1"), "123", "cut in two"),
    "split: a part in place": (instead("add1 = [None]", "add1[0] = lambda x: x + 1", "add1 = add1[0]"), "123", ""),
    "helper far above": (put(HELPER, before="opening", shift=1), "123", ""),
    "helper above, used": (lambda nb: (put(HELPER, before="opening", shift=1)(nb), instead(USES)(nb))[2:], "123", ""),
    "helper below its use": (lambda nb: (put(HELPER, before="onward")(nb), instead(USES)(nb))[2:], "123", "stands below"),
    "helper that needs a helper": (
        lambda nb: (put("one = 1", "def plus(x, y):\n    return x + y * one", before="opening", shift=1)(nb), instead(USES)(nb))[2:],
        "123", "",
    ),
    "import of its own": (instead("import operator as op", "def add1(x):\n    return op.add(x, 1)"), "123", ""),
    "scratch below the answer": (put("print(add1(5))\n1 / 0", before="tiny-1", shift=1), "123", ""),
    "scratch above": (put("x = 1 /", before="tiny-1"), "123", ""),
    "text between": (put("# a remark", before="tiny-1", shift=1), "123", ""),
    "merged with its check": (changes(merged_with_check), "123", ""),
    "all in one cell": (changes(all_in_one), "123", ""),
    "two answers in a cell": (changes(two_in_one), "123", ""),
    "two in a cell, one fails": (changes(two_in_one_first_fails), "23", ""),
    "story in the answer": (changes(story_in_front), "123", ""),
    "answers moved to the end": (changes(answers_last), "123", ""),
    "cells reversed": (changes(reversed_cells), "123", ""),
    "turned to text": (changes(as_text), "123", "text cell"),
    "turned to raw": (changes(as_raw), "123", "text cell"),
    "checks deleted": (changes(checks_gone), "123", ""),
    "checks edited": (changes(edited_check), "123", ""),
    "answer deleted": (changes(answer_gone), "23", ""),
    "older edition": (changes(older_names), "123", "not above the check"),
    "only the answers": (changes(only_answers), "123", ""),
    "cell doubled": (changes(doubled), "123", ""),
    "stub left below": (changes(stub_below), "123", ""),
    "two tries": (changes(two_tries), "123", "2 answers give add1: the last one counts"),
    "title comment": (instead("#@title My answer\n" + RIGHT["tiny-1"]), "123", ""),
    "magics": (instead("%matplotlib inline\n!pip install x\n" + RIGHT["tiny-1"] + "\nadd1?"), "123", ""),
    "cell magic": (instead("%%time\n" + RIGHT["tiny-1"]), "123", ""),
    "not Python": (instead("def add1(x)\n    return x + 1"), "23", "SyntaxError"),
    "missing module": (instead("import nowhere_at_all\n" + RIGHT["tiny-1"]), "23", "nowhere_at_all"),
    "a lambda": (instead("add1 = lambda x: x + 1"), "123", ""),
    "with a type": (instead("add1: object = lambda x: x + 1"), "123", ""),
    "nothing filled in": (instead(STUB.format(n=1)), "23", ""),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_notebook_keeps_what_it_has(kind, tiny):
    change, expected, words = BROKEN[kind]
    raw = json.dumps(filled(tiny[0], change=change)).encode()
    right, note, _ = solved(raw, tiny[1])
    assert right == expected, note
    assert words in note
    if not words:
        assert "cut in two" not in note and "text cell" not in note


def test_cells_that_no_answer_uses_are_counted(tiny):
    raw = json.dumps(filled(tiny[0], change=put("def mine():\n    pass"))).encode()
    assert solved(raw, tiny[1])[2] == 1
    assert solved(json.dumps(filled(tiny[0])).encode(), tiny[1])[2] == 0


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "latin-1"])
def test_other_encodings(codec, tiny):
    nb = filled(tiny[0], RIGHT | {"tiny-1": RIGHT["tiny-1"] + "  # ü"})
    text = json.dumps(nb, ensure_ascii=codec == "latin-1").replace("\\u00fc", "ü")
    text = (
        text.encode("latin-1", "backslashreplace").decode("latin-1") if codec == "latin-1" else text
    )
    assert solved(text.encode(codec), tiny[1])[0] == "123"


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"PK\x03\x04\x80", "not a notebook"),
        (b"[1]", "not a notebook"),
        (b'{"cells": 5}', "not a notebook"),
        (b'{"cells": [5]}', "not a notebook"),
        (b"[" * 100_000, "not a notebook"),
        (b'{"cells": []}', "without cells"),
        (b'{"cells": [{"cell_type": "code", "source": ["' + b"x" * (3 << 20) + b'"]}]}', "more than 2 MB"),
    ],
)  # fmt: skip
def test_what_is_no_notebook_is_refused_with_the_reason(raw, why):
    with pytest.raises(ValueError, match=why):
        handin.cells_of(raw)


def test_another_subject_is_no_lesson(tiny):
    cells = [handin.Cell("code", "print('history')")]
    with pytest.raises(ValueError, match="no lesson's check"):
        handin.lesson_of(cells, {}, [tiny[1]])


# Files ---------------------------------------------------------------------------------------------


def archive(*names, inner=None):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        for name in names:
            z.writestr(name, inner or b"{}")
    return out.getvalue()


def students(folder, *names, content=b"{}"):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(name) if callable(content) else content)
    files, others = handin.found(folder)
    handin.name_students(files, ["00_tiny"])
    return {f.name: f.student for f in files}, others


@pytest.mark.parametrize(
    ("names", "who"),
    [
        (["ann.ipynb", "bob.ipynb"], ["ann", "bob"]),
        (["00_tiny_ann.ipynb", "bob-00_tiny (1).ipynb"], ["ann", "bob"]),
        (["ann/00_tiny.ipynb", "bob/00_tiny-Copy1.ipynb"], ["ann", "bob"]),
        (["ann/homework/00_tiny.ipynb", "bob/00_tiny.ipynb"], ["ann", "bob"]),
        (["week/ann/00_tiny.ipynb", "week/bob/00_tiny.ipynb"], ["ann", "bob"]),
        (["week/ann.ipynb", "week/bob.ipynb"], ["week/ann", "week/bob"]),
        (["ann/00_tiny.ipynb", "ann/00_tiny (2).ipynb"], ["ann", "ann"]),
        (["Ann Lee_123_assignsubmission_file_/00_tiny.ipynb"], ["Ann Lee"]),
        (["Ann Lee_123_assignsubmission_file_00_tiny.ipynb"], ["Ann Lee"]),
        (["leeann_12345_678901_00_tiny.ipynb"], ["leeann"]),
        (["leeann_LATE_12345_678901_00_tiny-2.ipynb"], ["leeann"]),
        (["床前/00_tiny.ipynb", "Jürgen/00_tiny.ipynb.txt"], ["Jürgen", "床前"]),
    ],
)  # fmt: skip
def test_whose_file_it_is(names, who, tmp_path):
    assert sorted(students(tmp_path, *names)[0].values()) == who


def test_archives_of_a_class_and_of_each_student(tmp_path):
    moodle = archive("Ann Lee_1_assignsubmission_file_/00_tiny.ipynb", "__MACOSX/._x.ipynb")
    assert [*students(tmp_path / "a", "class.zip", content=moodle)[0].values()] == ["Ann Lee"]
    nested = archive("Ann Lee_1_assignsubmission_file_/w.zip", inner=archive("w/00_tiny.ipynb"))
    assert [*students(tmp_path / "b", "class.zip", content=nested)[0].values()] == ["Ann Lee"]
    each = students(tmp_path / "c", "ann.zip", "bob.zip", content=archive("00_tiny.ipynb"))
    assert [*each[0].values()] == ["ann", "bob"]
    broken = students(tmp_path / "d", "ann.zip", content=b"PK\x03\x04no")
    assert broken == ({}, ["ann.zip (not an archive that can be read)"])


def test_what_is_no_file_is_passed_over_and_named(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "x.ipynb").write_bytes(b"{}")
    os.mkfifo(tmp_path / "in" / "pipe.ipynb")
    (tmp_path / "in" / "dangling.ipynb").symlink_to("nowhere")
    (tmp_path / "in" / "out.ipynb").symlink_to(tmp_path / "secret" / "x.ipynb")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "secret")
    latin = os.fsencode(tmp_path / "in") + b"/J\xfcrgen.ipynb"
    with open(latin, "wb") as f:
        f.write(b"{}")
    found, others = students(tmp_path / "in", "__MACOSX/a.ipynb", "._b.ipynb", "notes.txt")
    assert found == {"Jürgen.ipynb": "Jürgen"}
    assert sorted(others) == [
        "dangling.ipynb (a link)", "folder (a link)", "notes.txt", "out.ipynb (a link)", "pipe.ipynb (not a file)",
    ]  # fmt: skip


def test_a_pipe_that_takes_a_files_place_ends_nothing(tmp_path):
    (tmp_path / "a.ipynb").write_bytes(b"{}")
    file = handin.found(tmp_path)[0][0]
    (tmp_path / "a.ipynb").unlink()
    os.mkfifo(tmp_path / "a.ipynb")
    assert file.read() == b""
    (tmp_path / "a.ipynb").unlink()
    (tmp_path / "a.ipynb").symlink_to("/etc/passwd")
    with pytest.raises(OSError):
        file.read()
