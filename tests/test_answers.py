"""Every exercise: its answer passes, its stub is not attempted, wrong answers get their own words."""

import ast
import functools
import os
import re
import sys
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
from lesson import names, read_lesson, student_source

matplotlib.use("Agg")
HERE = Path(__file__).parent
LESSONS = sorted((HERE.parent / "lessons").glob(os.environ.get("LESSON", "[0-9][0-9]") + "_*.py"))
HEAD = re.compile(r"^# %% (?P<id>[\w-]+) (?P<kind>passes|refused|same)(?:: (?P<words>.+))?$", re.M)


def variants(path, kinds=("passes", "refused")):
    """(exercise, kind, words, code) for each cell of these kinds in one file of wrong answers."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    heads = list(HEAD.finditer(text))
    ends = [h.start() for h in heads[1:]] + [len(text)]
    cells = [(h["id"], h["kind"], h["words"], text[h.end() : e]) for h, e in zip(heads, ends)]
    return [cell for cell in cells if cell[1] in kinds]


@functools.cache
def lesson(path):
    return read_lesson(path)


def exercises(path):
    return [c for c in lesson(path).cells if "exercise" in c.metadata.get("tags", [])]


def check_of(path, exercise):
    cells = lesson(path).cells
    return next(
        c.source
        for c in cells
        if "check" in c.metadata.get("tags", []) and f'"{exercise}"' in c.source
    )


def own_names(source):
    """The names that a cell gives a value before it uses them: it asks the story for none of these."""
    tree, late = ast.parse(source), {}
    for node in ast.walk(tree):  # a target gets its value after what stands to its right has run
        if isinstance(node, ast.Assign | ast.For):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            end = node if isinstance(node, ast.Assign) else node.iter
            inside = [n for target in targets for n in ast.walk(target)]
            late |= {id(n): (end.end_lineno, end.end_col_offset) for n in inside}
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    found.sort(key=lambda n: late.get(id(n), (n.lineno, n.col_offset)), reverse=True)
    first = {n.id: n for n in found}
    return {name for name, n in first.items() if isinstance(n.ctx, ast.Store)}


@functools.cache
def story_before(path, exercise):
    """The namespace that the story leaves for this exercise and its check: only what they use."""
    cells = lesson(path).cells
    at = next(n for n, c in enumerate(cells) if c.id == exercise)
    check = check_of(path, exercise)
    needed = names(cells[at].source)[1] | names(check)[1] - own_names(check)
    for _, _, _, code in (
        v for v in variants(HERE / "wrong_answers" / path.name) if v[0] == exercise
    ):
        needed |= names(code)[1]
    chosen = []
    for cell in reversed(cells[:at]):
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type != "code" or tags & {"exercise", "check", "raises-exception"}:
            continue
        bound, used = names(cell.source)
        if bound & needed:
            needed |= used
            chosen.append(cell.source)
    space = {"__name__": "__main__"}
    before = os.getcwd()
    os.chdir(path.parent.parent / "notebooks")
    try:
        for source in reversed(chosen):
            exec(compile(source, path.name, "exec"), space)
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
