"""Grading a class: the table, the pages, and what happens when a run is stopped."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import classroom
import grade
import report
import sandbox
from classroom import RIGHT, below, hand_in, runs

TRUST = ["--trust"] if sandbox.no_sandbox() else []
TOOLS = Path(grade.__file__).parent


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The student edition of a lesson with three exercises; grading knows no other."""
    root = tmp_path_factory.mktemp("course")
    nb = classroom.course(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "ROOT", root)
        patch.setattr(grade, "no_sandbox", lambda: "")
        yield nb


def rows(table):
    with open(table, encoding="utf-8-sig", newline="") as f:
        return [*csv.DictReader(f)]


def edit_check(nb):
    for cell in nb["cells"]:
        if 'check("tiny-1")' in cell["source"]:
            cell["source"] = "print('✓ tiny-1 passed')"


def another_lesson(nb):
    nb["metadata"]["course"]["lesson"] = "42_quantum"
    nb["cells"] = nb["cells"][:1]


@pytest.fixture(scope="module")
def graded(tiny, tmp_path_factory):
    """A class of which no two have handed in alike: its folder and its table."""
    folder = tmp_path_factory.mktemp("class")
    given = folder / "in"
    hand_in(given / "ann ü.ipynb", tiny)
    hand_in(given / "=1+1.ipynb", tiny, {"tiny-1": "def add1(x):\n    return x"}, edit_check)
    hand_in(given / "bob" / "00_tiny.ipynb", tiny, {"tiny-1": "def add1(x):\n    return x"})
    loop = "def add1(x):\n    while True:\n        pass"
    hand_in(given / "cem.ipynb", tiny, RIGHT | {"tiny-1": loop, "tiny-2": "import nowhere"})
    odd = "import builtins\n" + RIGHT["tiny-1"]
    hand_in(given / "dan.ipynb", tiny, RIGHT | {"tiny-1": odd})
    hand_in(given / "don.ipynb", tiny, RIGHT | {"tiny-1": RIGHT["tiny-1"] + "\nquit()"})
    hand_in(
        given / "eva.ipynb",
        tiny,
        RIGHT | {"tiny-2": "slow = 3\ndef add2(x):\n    return x + slow - 1"},
    )
    hand_in(given / "fay.ipynb", tiny, {}, another_lesson)
    (given / "gus.ipynb").write_bytes(b"PK\x03\x04\x80")
    (given / "ida.ipynb").write_text("\n", encoding="utf-8")
    (given / "jan.docx").write_bytes(b"PK")
    before = {p: p.read_bytes() for p in given.rglob("*") if p.is_file()}
    table = folder / "grades.csv"
    assert grade.main([str(given), "--to", str(table), "--seconds", "3", *TRUST]) == 0
    assert {p: p.read_bytes() for p in given.rglob("*") if p.is_file()} == before
    assert table.read_bytes().startswith(b"\xef\xbb\xbf"), "else Excel garbles names"
    return folder, rows(table)


@pytest.mark.parametrize(
    ("student", "states", "note"),
    [
        ("ann ü", ["passed", "passed", "passed"], ""),
        ("'=1+1", ["not yet right", *["not attempted yet"] * 2], ""),
        ("bob", ["not yet right", *["not attempted yet"] * 2], ""),
        ("cem", ["stopped", "not yet right", "passed"], "it took more than 3 seconds"),
        ("cem", ["stopped", "not yet right", "passed"], "the module nowhere, which is not here"),
        ("dan", ["look", "passed", "passed"], "look at it: imports builtins: import builtins"),
        ("don", ["passed", "passed", "passed"], ""),
        ("eva", ["passed", "passed", "passed"], ""),
        ("fay", ["not gradable"], "there is no lesson '42_quantum'"),
        ("gus", ["not gradable"], "not a notebook"),
        ("ida", ["not gradable"], "the file is empty"),
    ],
)
def test_a_class_becomes_a_table(graded, student, states, note):
    own = [r for r in graded[1] if r["student"] == student]
    assert [r["state"] for r in own] == states, own
    assert note in "; ".join(r["note"] for r in own)
    points = {"passed": "1", "look": ""}
    assert [r["points"] for r in own] == [points.get(s, "0") for s in states]
    assert list(own[0]) == report.COLUMNS and len({r["student"] for r in graded[1]}) == 10


def test_each_student_and_the_class_get_a_page(graded):
    pages = graded[0] / "grades"
    page = (pages / report.page_name("bob")).read_text(encoding="utf-8")
    assert "observed: 2" in page and "nothing is added" in page and "0 of 3" in page
    index = (pages / "index.html").read_text(encoding="utf-8")
    assert "2 × nothing is added" in index and "width:43%" in index  # 3 of 7 passed tiny-1
    links = re.findall(r'href="([^"]+)"', index)
    assert len(links) == 10 and all((pages / link).exists() for link in links)


def test_nothing_in_a_page_or_a_table_comes_to_life():
    row = report.Row("<b>", "00", "x-1", "passed", "<script>", said="<img src=x>")
    assert "<script>" not in report.student_page("<b>", [row])
    assert "<img" not in report.student_page("<b>", [row])
    assert (
        "<b>" not in report.class_page([row], [("<b>", "p.html", [row])]).partition("Students")[2]
    )
    for text in ("=1+1", "+1", "-1", "@x", "\t=1", "\n=1", "|x", "%x"):
        assert report.plain(text)[0] in "'=" and report.plain(text).startswith("'")
    assert report.plain("a\nb") == "a b"


def test_two_files_of_a_student_the_newer_counts(tiny, tmp_path):
    hand_in(tmp_path / "in" / "ann" / "00_tiny.ipynb", tiny, {})
    hand_in(tmp_path / "in" / "ann" / "00_tiny (1).ipynb", tiny)
    os.utime(tmp_path / "in" / "ann" / "00_tiny.ipynb", (1, 1))
    grading = grade.Grading(grade.parse([str(tmp_path)]))
    files, _ = grade.found(tmp_path / "in")
    grade.name_students(files, ["00_tiny"])
    grading.collect(files)
    assert len(grading.jobs) == 3
    assert "the newer, ann/00_tiny (1).ipynb, is graded" in grading.jobs[0].notes[0]


# Stops ---------------------------------------------------------------------------------------------


def without_seconds(table):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows(table)]


def test_an_interrupted_and_resumed_run_gives_the_same_table(tiny, tmp_path, monkeypatch, capsys):
    hand_in(tmp_path / "in" / "a.ipynb", tiny)
    hand_in(tmp_path / "in" / "b.ipynb", tiny, RIGHT | {"tiny-2": "def add2(x):\n    return x"})
    whole = [str(tmp_path / "in"), "--to", str(tmp_path / "whole.csv"), *TRUST]
    assert grade.main(whole) == 0
    parts = [str(tmp_path / "in"), "--to", str(tmp_path / "t.csv"), *TRUST]
    add, seen = report.Book.add, []

    def stops(self, row):
        if len(seen) == 2:
            raise error
        add(self, row)
        seen.append(row.place)
        assert row.exercise in self.table.read_text(encoding="utf-8"), "on disk at once"

    monkeypatch.setattr(report.Book, "add", stops)
    error = KeyboardInterrupt()
    assert grade.main(parts) == 130 and len(rows(tmp_path / "t.csv")) == 2
    assert "--resume goes on" in capsys.readouterr().err
    seen.clear()
    error = OSError(28, "No space left on device")
    assert grade.main([*parts, "--resume"]) == 1 and len(rows(tmp_path / "t.csv")) == 4
    assert "No space left" in capsys.readouterr().err
    with open(tmp_path / "t" / "journal.jsonl", "a", encoding="utf-8") as f:
        f.write('{"student": "b", "less')
    monkeypatch.setattr(report.Book, "add", add)
    judged = []
    judge = grade.judge
    monkeypatch.setattr(
        grade, "judge", lambda k, job, *a: judged.append(job.place) or judge(k, job, *a)
    )
    assert grade.main([*parts, "--resume"]) == 0 and len(judged) == 2
    assert without_seconds(tmp_path / "t.csv") == without_seconds(tmp_path / "whole.csv")
    hand_in(tmp_path / "in" / "b.ipynb", tiny)  # handed in again: judged again
    judged.clear()
    assert grade.main([*parts, "--resume"]) == 0 and judged == [("b", "00_tiny", "tiny-2")]
    assert [r["state"] for r in rows(tmp_path / "t.csv")] == ["passed"] * 6


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_a_stop_ends_all_within_seconds_and_keeps_what_is_done(how, tiny, tmp_path):
    loop = "import time\ndef add2(x):\n    while True:\n        time.sleep(0.01)"
    hand_in(tmp_path / "in" / "a.ipynb", tiny, RIGHT | {"tiny-2": loop})
    code = f"import sys; sys.path.insert(0, {str(TOOLS)!r}); import pathlib, signal, grade\n"
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # off behind an &
    code += f"grade.ROOT = pathlib.Path({str(grade.ROOT)!r}); sys.exit(grade.main(sys.argv[1:]))"
    words = [str(tmp_path / "in"), "--to", str(tmp_path / "t.csv"), *TRUST]
    env = os.environ | {"PYTHONPATH": str(TOOLS.parent)}
    run = subprocess.Popen([sys.executable, "-c", code, *words], stderr=subprocess.PIPE, env=env)
    until = time.monotonic() + 120
    while time.monotonic() < until and not (
        (tmp_path / "t.csv").exists() and len(rows(tmp_path / "t.csv")) == 2
    ):
        time.sleep(0.2)
    kernels = below(run.pid)
    run.send_signal(how)
    started = time.monotonic()
    said = run.communicate(timeout=60)[1]
    while any(map(runs, kernels)) and time.monotonic() < started + 15:
        time.sleep(0.1)
    assert kernels and not any(map(runs, kernels)) and time.monotonic() < started + 15
    assert [r["exercise"] for r in rows(tmp_path / "t.csv")] == ["tiny-1", "tiny-3"]
    if how == signal.SIGINT:
        assert run.returncode == 130 and b"Interrupted" in said


# Without a sandbox ---------------------------------------------------------------------------------


def test_without_a_sandbox_nothing_runs_and_the_mend_is_named(tiny, tmp_path, monkeypatch, capsys):
    hand_in(tmp_path / "in" / "a.ipynb", tiny)
    monkeypatch.setattr(grade, "no_sandbox", sandbox.no_sandbox)
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    assert grade.main([str(tmp_path / "in"), "--to", str(tmp_path / "t.csv")]) == 1
    said = capsys.readouterr().err
    assert "bwrap" in said and "apt install bubblewrap" in said and "--trust" in said
    assert not (tmp_path / "t.csv").exists()
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    assert "Linux only" in sandbox.no_sandbox()


@pytest.mark.parametrize("forks", [True, False])
def test_with_trust_it_runs_where_there_is_none(forks, tiny, tmp_path, monkeypatch):
    if not forks:  # as on Windows
        monkeypatch.delattr(os, "fork")
    loop = "def add2(x):\n    while True:\n        pass"
    hand_in(tmp_path / "in" / "a.ipynb", tiny, {"tiny-1": RIGHT["tiny-1"], "tiny-2": loop})
    words = ["--to", str(tmp_path / "t.csv"), "--trust", "--seconds", "3"]
    assert grade.main([str(tmp_path / "in"), *words]) == 0
    assert [r["state"] for r in rows(tmp_path / "t.csv")] == [
        "passed",
        "stopped",
        "not attempted yet",
    ]


# Starts --------------------------------------------------------------------------------------------


def test_one_file_is_enough_and_others_are_named(tiny, tmp_path, capsys):
    hand_in(tmp_path / "ann.ipynb", tiny, {})
    (tmp_path / "answers.py").touch()
    assert grade.main([str(tmp_path / "ann.ipynb"), "--to", str(tmp_path / "a.csv"), *TRUST]) == 0
    assert "0 of  3" in capsys.readouterr().out
    (tmp_path / "ann.ipynb").write_text("no", encoding="utf-8")
    assert grade.main([str(tmp_path), "--to", str(tmp_path / "b.csv"), *TRUST]) == 0
    assert "Passed over, as they are not .ipynb: a.csv, answers.py" in capsys.readouterr().out


def test_an_existing_table_is_not_overwritten(tmp_path, capsys):
    (tmp_path / "a.ipynb").touch()
    (tmp_path / "grades.csv").write_text("precious", encoding="utf-8")
    for more in ([], ["--resume"]):
        assert grade.main([str(tmp_path), "--to", str(tmp_path / "grades.csv"), *more]) == 1
    said = capsys.readouterr().err
    assert "name another file" in said and "nothing to resume" in said
    assert (tmp_path / "grades.csv").read_text(encoding="utf-8") == "precious"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "There is no folder"),
        (["empty"], "There is no notebook in"),
        (["full", "--to", "nowhere/t.csv"], "There is no folder nowhere for the table"),
        (["full", "--to", "t"], "needs an ending"),
        (["full", "--seconds", "0"], "--seconds is 0"),
        (["full", "--memory", "0"], "--memory is 0"),
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


def test_what_a_person_has_decided_stays(tiny, tmp_path, capsys):
    nb = tiny
    classroom.hand_in(tmp_path / "in" / "a" / "t.ipynb", nb)
    looks = RIGHT["tiny-1"] + "\nE = type('E', (), {})"
    classroom.hand_in(tmp_path / "in" / "b" / "t.ipynb", nb, RIGHT | {"tiny-1": looks})
    table = tmp_path / "t.csv"
    parts = [str(tmp_path / "in"), "--to", str(table)]
    assert grade.main(parts) == 0
    assert "1 row asks for you" in capsys.readouterr().out
    page = (tmp_path / "t" / "index.html").read_text(encoding="utf-8")
    assert "You decide" in page and "E = type(" in page

    told = table.read_text(encoding="utf-8-sig").splitlines()
    at = next(n for n, line in enumerate(told) if ",look," in line)
    told[at] = "b,00_tiny,tiny-1,passed,0.5,we have talked,0.1"
    table.write_text("\n".join(line.replace(",", ";") for line in told), encoding="utf-8")
    assert grade.main([*parts, "--resume"]) == 0
    kept = table.read_text(encoding="utf-8-sig")
    assert "b,00_tiny,tiny-1,passed,0.5,we have talked" in kept
    assert "for you; the class" not in capsys.readouterr().out
    assert "You decide" not in (tmp_path / "t" / "index.html").read_text(encoding="utf-8")

    classroom.hand_in(tmp_path / "in" / "b" / "t.ipynb", nb)
    assert grade.main([*parts, "--resume"]) == 0
    assert "tiny-1,passed,1,you gave 0.5 to an earlier answer" in table.read_text(encoding="utf-8")

    table.write_text("student,points\na,1\n", encoding="utf-8")
    assert grade.main([*parts, "--resume"]) == 1
    assert "has no column lesson: put it back" in capsys.readouterr().err
