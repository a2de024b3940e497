"""Every exercise: its answer passes, its stub is not attempted, wrong answers get their own words."""

import functools
import os
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
from lesson import check_after, names, read_lesson, story_for, student_source, variants

matplotlib.use("Agg")
HERE = Path(__file__).parent
LESSONS = sorted((HERE.parent / "lessons").glob(os.environ.get("LESSON", "[0-9][0-9]") + "_*.py"))


@functools.cache
def lesson(path):
    return read_lesson(path)


def exercises(path):
    return [c for c in lesson(path).cells if "exercise" in c.metadata.get("tags", [])]


def check_of(path, exercise):
    return check_after(lesson(path), exercise).source


@functools.cache
def story_before(path, exercise):
    """The namespace that the story leaves for this exercise and its check: only what they use."""
    own = [v[3] for v in variants(HERE / "wrong_answers" / path.name) if v[0] == exercise]
    wanted = set().union(*(names(code)[1] for code in own))
    space = {"__name__": "__main__"}
    before = os.getcwd()
    os.chdir(path.parent.parent / "notebooks")
    try:
        for cell in story_for(lesson(path), exercise, wanted):
            exec(compile(cell.source, path.name, "exec"), space)
    finally:
        os.chdir(before)
    return space


def verdict(path, exercise, code):
    space = dict(story_before(path, exercise))
    exec(compile(code, "answer", "exec"), space)
    exec(compile(check_of(path, exercise), "check", "exec"), space)
    return space["c"]


def cases():
    for path in LESSONS:
        for cell in exercises(path):
            if "build" not in cell.metadata.get("tags", []):  # it trains: the solutions do that
                yield path, cell.id, "passes", None, cell.source, "own-answer"
            yield path, cell.id, "stub", None, student_source(cell), "stub"
        for n, (exercise, kind, words, code) in enumerate(
            variants(HERE / "wrong_answers" / path.name)
        ):
            yield path, exercise, kind, words, code, f"{kind}-{n}"


@pytest.mark.parametrize(
    ("path", "exercise", "kind", "words", "code"),
    [pytest.param(*c[:5], id=f"{c[1]}-{c[5]}") for c in cases()],
)
def test_answer(path, exercise, kind, words, code, monkeypatch):
    monkeypatch.delenv("COURSE_STRICT", raising=False)
    monkeypatch.delenv("COURSE_RESULTS", raising=False)
    c = verdict(path, exercise, code)
    plt.close("all")  # the story's pictures
    wanted = {"passes": "passed", "stub": "not attempted yet", "refused": "not yet right"}[kind]
    assert c.state == wanted, str(c)
    if words:
        assert words in str(c)


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_enough_wrong_answers(path):
    told = variants(HERE / "wrong_answers" / path.name)
    own = {c.id for c in exercises(path)}
    assert {t[0] for t in told} <= own, "a wrong answer to an exercise that is not there"
    for exercise in own:
        refused = [t for t in told if t[0] == exercise and t[1] == "refused"]
        assert len(refused) >= 2, f"{exercise} needs two wrong answers"
        assert all(t[2] for t in refused), (
            f"{exercise}: say the words that refuse each wrong answer"
        )
    assert len({t[0] for t in told if t[1] == "passes"}) >= len(own) / 2
