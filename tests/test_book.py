"""The pages that the book is made of, before Sphinx renders them (tests/browser/test_book.py reads the result)."""

import copy
import re

import nbformat
import pytest

import book
from lesson import BadLesson, read_lesson

LESSONS = [read_lesson(p) for p in sorted((book.ROOT / "lessons").glob("[0-9][0-9]_*.py"))]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda m: m.stem)
def test_each_exercise_is_followed_by_its_answer_and_each_guess_is_folded(lesson):
    cells = book.page(lesson, paper=False).cells
    exercises = [c for c in cells if "exercise" in c.metadata.get("tags", [])]
    answers = [c.source for c in cells if c.id.endswith("-answer")]
    assert len(answers) == len(exercises) > 1
    assert not [a for a in answers if "SOLUTION" in a or "<summary>Answer" not in a]
    checks = [c for c in cells if "check" in c.metadata.get("tags", [])]
    assert all("hide-input" in c.metadata["tags"] and c.outputs == [] for c in checks)
    folded = [c for c in cells if "hide-output" in c.metadata.get("tags", [])]
    guesses = [c for c in cells if "**Predict before you run" in c.source]
    assert 1 <= len(folded) <= len(guesses)
    drawn = [c for c in cells if c.metadata.get("alt")]
    assert all(c.metadata["mystnb"]["image"]["alt"] == c.metadata["alt"] for c in drawn)


def test_paper_has_no_checks_and_nothing_folded_but_answers_and_hints():
    cells = book.page(LESSONS[3], paper=True).cells
    assert not [c.id for c in cells if {"check", "hide-output"} & {*c.metadata.get("tags", [])}]
    assert [c for c in cells if c.id == "linear-1-answer"]


def test_every_error_on_purpose_is_in_the_index_once():
    page = book.errors(LESSONS)
    count = int(re.search(r"on purpose, (\d+) of them", page)[1])
    assert page.count("```text") == count == page.count("](#error-") > 60
    assert "a leaf Variable that requires grad is being used in an in-place operation." in page
    kinds = re.findall(r"(?m)^## (\w+)", page)
    assert kinds == sorted(set(kinds)) and "RuntimeError" in kinds


def test_every_summary_row_is_in_the_index_of_calls():
    page = book.calls(LESSONS)
    for lesson in LESSONS:
        assert f"(notebooks/{lesson.stem}.ipynb)" in page
    assert page.count("\n| `") > 100


@pytest.mark.parametrize(
    ("paragraph", "kept"),
    [
        ("One. Two. Three.", "One. Two. Three."),
        ("It is 0.5 e.g. here. " + "X" * 400, "It is 0.5 e.g. here."),
        ("y" * 400 + ". Next.", "y" * 400 + "."),
    ],
)
def test_whole_sentences_are_kept(paragraph, kept):
    assert book.sentences(paragraph) == kept


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda cell: cell.update(execution_count=None), "was not run"),
        (lambda cell: cell.metadata.pop("alt"), 'a picture without alt="'),
        (lambda cell: cell.update(nbformat.v4.new_markdown_cell("## Same\n\n## Same", id=cell.id)),
         "a second heading 'Same'"),
    ],
)  # fmt: skip
def test_bad_page_is_refused_by_file_and_line(monkeypatch, change, said):
    lesson = LESSONS[3]
    nb = copy.deepcopy(book.read(lesson, "notebooks"))
    change(next(c for c in nb.cells if c.metadata.get("alt")))
    monkeypatch.setattr(book, "read", lambda *_: nb)
    with pytest.raises(BadLesson, match=rf"03_linear_regression\.py:\d+: {re.escape(said)}"):
        book.page(lesson, paper=False)
