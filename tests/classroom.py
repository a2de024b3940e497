"""A course of one tiny lesson, and notebooks that are handed in for it."""

import contextlib
import json
from pathlib import Path

import build
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
import torch
from utils.checks import check
a = 2

# %%
X = torch.arange(4.0)

# %%
slow = sum(range(3))
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
    c.equal(c.attempted(add{n}(a)), a + {n}, mistakes={{a: "nothing is added"}})
    c.close(add{n}(X), X + {n})
    c.held_back({n})
"""
BUILD = {
    1: {"title": "One", "kind": '"exercise"'},
    2: {"title": "Two", "kind": '"exercise"'},
    3: {"title": "The build: a sum", "kind": '"exercise", "build"'},
}
RIGHT = {f"tiny-{n}": f"def add{n}(x):\n    return {n} + x" for n in (1, 2, 3)}
WRONG = "# %% tiny-{n} refused: nothing is added\ndef add{n}(x):\n    return x\n\n"


def course(root):
    """Lay the course below ``root``; its student edition as a dictionary."""
    (root / "lessons").mkdir(parents=True)
    (root / "tests" / "wrong_answers").mkdir(parents=True)
    path = root / "lessons" / "00_tiny.py"
    exercises = [EXERCISE.format(n=n, **words) for n, words in BUILD.items()]
    path.write_text(LESSON + "".join(exercises), encoding="utf-8")
    wrong = "".join(WRONG.format(n=n) for n in BUILD)
    (root / "tests" / "wrong_answers" / "00_tiny.py").write_text(wrong, encoding="utf-8")
    lesson = read_lesson(path)
    return json.loads(build.dumps(build.edition(lesson, True, [lesson])))


def code(source, name="own"):
    one = {"cell_type": "code", "id": name, "metadata": {}, "outputs": [], "execution_count": None}
    return one | {"source": source}


def filled(nb, answers=RIGHT, change=None):
    """A copy of the edition with answers in it; ``change`` may do anything to it."""
    nb = json.loads(json.dumps(nb))
    for cell in nb["cells"]:
        cell["source"] = answers.get(cell.get("id"), cell["source"])
    if change:
        nb = change(nb) or nb
    return nb


def hand_in(path, nb, answers=RIGHT, change=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(filled(nb, answers, change)), encoding="utf-8")


def below(pid):
    """All that a process has started, and what that has started."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"\nPPid:\t{pid}\n" in (place / "status").read_text():
                found += [place, *below(place.name)]
    return found


def runs(place):
    """Whether a process is there, and not only its number, which its parent has yet to take note of."""
    with contextlib.suppress(OSError):
        return "\nState:\tZ" not in (place / "status").read_text()
    return False
