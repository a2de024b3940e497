"""The checks refuse nearly every small change of a right answer; and the tool that finds out works."""

import sys

import pytest

import mutants
from test_answers import LESSONS

SOURCE = """\
def f(x, width=3):
    ### BEGIN SOLUTION
    total = 0
    for k in range(1, width):
        if k > 2 and x is not None:
            total += x.sum(dim=0)[1:] * k
    return total.float()
    ### END SOLUTION
"""


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_mutants_are_refused(path, capsys):
    tried, passed = mutants.survey(path)
    with capsys.disabled():  # to the terminal, from a worker of pytest-xdist too
        print(mutants.figure(path.stem, tried, len(passed)), file=sys.stderr)
    told = "\n".join(f"{exercise}: {m}" for exercise, m in passed)
    assert len(passed) <= 0.05 * tried, f"the checks let these through:\n{told}"


@pytest.mark.parametrize(
    "line",
    [
        "constant: total = 0 => total = 1",
        "range: for k in range(1, width): => for k in range(1, width - 1):",
        "order: for k in range(1, width): => for k in range(width, 1):",
        "comparison: if k > 2 and x is not None: => if k >= 2 and x is not None:",
        "logic: if k > 2 and x is not None: => if k > 2 or x is not None:",
        "branch: if k > 2 and x is not None: => if True:",
        "axis: total += x.sum(dim=0)[1:] * k => total += x.sum(dim=1)[1:] * k",
        "keyword: total += x.sum(dim=0)[1:] * k => total += x.sum()[1:] * k",
        "call: total += x.sum(dim=0)[1:] * k => total += x.mean(dim=0)[1:] * k",
        "slice: total += x.sum(dim=0)[1:] * k => total += x.sum(dim=0)[1 + 1:] * k",
        "arithmetic: total += x.sum(dim=0)[1:] * k => total += x.sum(dim=0)[1:] / k",
        "statement: total += x.sum(dim=0)[1:] * k => pass",
        "link: return total.float() => return total",
    ],
)
def test_operator(line):
    assert line in [str(m) for m in mutants.local_mutants(SOURCE)]


def test_what_is_given_stays():
    given = SOURCE.replace("### BEGIN SOLUTION", "x = x + 7\n    ### BEGIN SOLUTION")
    assert not [m for m in mutants.local_mutants(given) if "x + 7" in m.old]


def test_wide_mutants():
    import torch

    seen = {"f": ({"x": torch.ones(4, 2), "width": 5}, 2.5)}
    told = [str(m) for m in mutants.wide_mutants(SOURCE, seen)]
    assert "default: f: width => 3" in told and "wired in: f: width => 5" in told
    assert "kind: f: return r => return torch.as_tensor(r)" in told
    (spoiled,) = (m for m in mutants.wide_mutants(SOURCE, seen) if m.operator == "in place")
    space, x = {}, torch.ones(4, 2)
    exec(spoiled.source, space)
    assert space["f"](x, 4).tolist() == [12.0] and not x.any()


def test_choice_is_even():
    found = mutants.all_mutants(SOURCE, {})
    chosen = mutants.choose(found, 13)
    assert chosen == mutants.choose(found, 13) and len(chosen) == 13
    assert len({m.operator for m in chosen}) == len({m.operator for m in found})
    assert len({m.source for m in found}) == len(found)


class Cell:
    id = "tiny-1"
    metadata = {"tags": ["exercise"]}
    source = "def f(n):\n    while n > 0:\n        n -= 1\n    return n + 10\n"


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """A lesson of one exercise; returns a function that stores cells of wrong answers for it."""
    check = "from utils import check\nwith check('tiny-1') as c:\n    c.equal(f(2), 10)\n"
    monkeypatch.setattr("test_answers.check_of", lambda *_: check)
    monkeypatch.setattr(mutants, "check_of", lambda *_: check)
    monkeypatch.setattr("test_answers.story_before", lambda *_: {})
    monkeypatch.setattr(mutants, "story_before", lambda *_: {})
    monkeypatch.setattr(mutants, "exercises", lambda _: [Cell])
    monkeypatch.setattr(mutants, "HERE", tmp_path)
    monkeypatch.setattr(mutants, "LONGEST", 0.5)
    (tmp_path / "wrong_answers").mkdir()
    store = tmp_path / "wrong_answers" / "99_tiny.py"
    return lambda text="": (store.write_text(text), store)[1]


@pytest.mark.skipif(not hasattr(mutants.signal, "SIGALRM"), reason="no alarm on this system")
def test_a_loop_is_refused(tiny):
    loops = {"n -= 1 => n += 1", "n -= 1 => n -= 0", "n -= 1 => pass"}
    found = mutants.all_mutants(Cell.source, {})
    assert loops <= {m.line for m in found}
    assert not loops & {m.line for _, m in mutants.survey(tiny())[1]}


def test_same_function_is_excused(tiny):
    tried, passed = mutants.survey(tiny())
    lines = [f"# {m.old}  =>  {m.new}" for _, m in passed[1:]] + [f"# {passed[0][1]}"]
    text = "# %% tiny-1 same: down to 0 all the same\n" + "\n".join(lines)
    assert mutants.survey(tiny(text)) == (tried - len(passed), [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# %% tiny-1 same: reason\n# n -= 7 => pass\n", "no such mutant: n -= 7 => pass"),
        ("# %% tiny-2 same: reason\n# n -= 1 => pass\n", "tiny-2 same: no such exercise"),
        ("# %% tiny-1 same\n# n -= 1 => pass\n", "say why"),
    ],
)
def test_stale_excuse(tiny, text, says):
    with pytest.raises((ValueError, AssertionError), match=says):
        mutants.survey(tiny(text))


def test_a_build_is_left_out(tiny, monkeypatch):
    monkeypatch.setattr(Cell, "metadata", {"tags": ["exercise", "build"]})
    assert mutants.survey(tiny()) == (0, [])
