"""The source notebook for nbgrader; tests/grade_book tries it with the real one."""

import nbformat
import pytest

import assignment
from build import ROOT


def test_every_exercise_and_every_check_is_marked_and_nothing_of_the_teachers_goes_along(tmp_path):
    assert assignment.main(["02", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("source/02_autograd/*.ipynb")
    made = nbformat.read(path, 4)
    nbformat.validate(made)
    student = nbformat.read(ROOT / "notebooks" / "02_autograd.ipynb", 4)
    assert [c.id for c in made.cells] == [c.id for c in student.cells]
    stubs = {c.id: c.source for c in student.cells if "exercise" in c.metadata.get("tags", [])}
    marked = {c.id: c.metadata.nbgrader for c in made.cells if "nbgrader" in c.metadata}
    assert {i for i, m in marked.items() if m["solution"]} == stubs.keys()
    assert sum(m.get("points", 0) for m in marked.values()) == len(stubs)
    for cell in made.cells:
        if cell.id in stubs:
            assert cell.metadata.course.stub == stubs[cell.id] != cell.source
        assert not cell.get("outputs")


@pytest.mark.parametrize(
    ("lesson", "to", "words"),
    [
        ("77", "x", "There is no lesson '77'; LESSON is one of 00, 01"),
        ("", "x", "There is no lesson ''"),
        ("03", " ", "Say where: make nbgrader LESSON=03 TO=folder"),
        ("03", "a file", "cannot be written"),
    ],
)
def test_bad_requests_are_refused_in_a_line(lesson, to, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").write_text("mine")
    assert assignment.main([lesson, to]) == 1
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["a file"]


def test_what_is_there_stays(tmp_path, capsys):
    mine = "c = get_config()\n"
    (tmp_path / "nbgrader_config.py").write_text(mine)
    assert assignment.main(["00", str(tmp_path)]) == 0
    assert (tmp_path / "nbgrader_config.py").read_text() == mine
    assert "add to it what nbgrader_config_lessons.py says" in capsys.readouterr().out
    assert assignment.main(["00", str(tmp_path)]) == 1
    assert "is there already, and stays as it is" in capsys.readouterr().err
