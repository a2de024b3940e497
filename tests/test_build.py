"""The builder: each kind of bad lesson is refused by file and line, and good ones come out the same.

Rules about the source are tried on the reader alone. Rules that only a run can find are tried on one
batch of lessons, each bad in one way, built by a single call with a good one among them.
"""

import contextlib
import io
import json
import re
from pathlib import Path

import pytest
from nbformat import from_dict

import build
from build import bare, dumps, edition, stale, tables
from lesson import BadLesson, read_lesson, student_source

HEAD = """\
# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
#   course:
#     title: Tiny
#     summary: a sum
#     path: from two numbers to one
#     needs: []
#     data: []
#     objectives:
#       add: add two numbers
# ---

# %% [markdown]
# A tiny lesson.

# %%
a = 2
"""
TEXT = """
# %% [markdown]
# ## The build: a sum
#
# ### Exercise tiny-1 · difficulty 1 · 10 minutes
# Write the sum.
#
# <details><summary>Hint 1</summary>Use a plus.</details>
# <details><summary>Hint 2</summary>Return it.</details>
"""
EXERCISE = """
# %% tags=["exercise", "build"] id="tiny-1" objective="add"
def add(x, y):
    ### BEGIN SOLUTION
    return x + y
    ### END SOLUTION
"""
CHECK = """
# %% tags=["check"]
check("tiny-1")
judge = lambda c: c.held_back(7)
"""
REST = """
# %% [markdown] tags=["solution"]
# Because plus adds.

# %% [markdown] tags=["instructor"]
# Ask the room.

# %%
print("the", "end")
"""
FAKE = "check = print  # the real one takes seconds to import\n"
LESSON = HEAD + FAKE + TEXT + EXERCISE + CHECK + REST

REAL_CHECK = """
# %% tags=["check"]
from utils import check
with check("tiny-1") as c:
    c.equal(c.attempted(add(2, c.held_back(3))), 5)
"""
PICTURE = """
# %% alt="{alt}"
import base64
from IPython.display import Image
dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
Image(base64.b64decode(dot), format="png")

# %% [markdown]
# *One dot, in one color.* There is no more to see.
"""
ALT = "A single dot in a single color, which is all that this picture has to show."
RAISES = '\n# %% tags=["raises-exception"]\n'
STRICT = 'import os\ncheck = lambda name: print(name, "strict" if os.environ["COURSE_STRICT"] else "gentle")\n'
GOOD = HEAD + STRICT + TEXT + EXERCISE + CHECK + PICTURE.format(alt=ALT) + RAISES + "1 / 0\n" + REST


def line(text, start):
    """The number of the one line that starts so."""
    found = [n for n, row in enumerate(text.splitlines(), 1) if row.startswith(start)]
    assert len(found) == 1, f"{start!r} starts {len(found)} lines"
    return found[0]


def lay(root, **texts):
    """A project in ``root`` with these lessons."""
    (root / "lessons").mkdir(parents=True)
    head, table, end = "# A course\n\n", build.BEGIN + build.END, "\nThe end.\n"
    (root / "README.md").write_text(head + table + end, encoding="utf-8")
    for stem, text in texts.items():
        (root / "lessons" / f"{stem.removeprefix('l')}.py").write_text(text, encoding="utf-8")
    return root


def swap(old, new):
    assert LESSON.count(old) == 1, old
    return LESSON.replace(old, new)


def add(cells):
    """The lesson with more cells before its exercise's text."""
    return HEAD + FAKE + cells + TEXT + EXERCISE + CHECK + REST


EX, CK = '# %% tags=["exercise", "build"]', '# %% tags=["check"]'
DOOR = """
# %% [markdown] tags=["deeper"]
# ## A side door
#
# Three more words.

# %%
b = a + 1
"""
AGAIN = EXERCISE.replace(', "build"', "").replace("tiny-1", "tiny-2").replace("x + y", "y + x + 0")
MORE = (
    TEXT.replace("tiny-1", "tiny-2").replace("## The build: a sum", "## More")
    + AGAIN
    + CHECK.replace("tiny-1", "tiny-2")
)
BAD_SOURCES = {
    # what is wrong: (the source, how the line that must be named starts, words of the reason)
    "no header": (LESSON[LESSON.index("# %%") :], "", "no YAML header"),
    "no course in the header": (swap("#   course:", "#   curse:"), "", "no YAML header"),
    "header not YAML": (swap("needs: []", "needs: [}"), "#     needs: [}", "not YAML"),
    "no title": (swap("#     title: Tiny\n", ""), "", "needs title"),
    "no summary": (swap("#     summary: a sum\n", ""), "", "needs summary"),
    "no path": (swap("#     path: from two numbers to one\n", ""), "", "needs path"),
    "minutes typed": (swap("#     needs", "#     minutes: 5\n#     needs"), "", "minutes are counted"),
    "no build": (swap('"exercise", "build"', '"exercise"'), "", "no exercise is the build"),
    "two builds": (LESSON + MORE.replace('"exercise"]', '"exercise", "build"]'), EX + ' id="tiny-1"', "one build"),
    "an exercise after the build": (LESSON + MORE, EX, "last exercise on the path"),
    "a build behind a side door": (
        swap("# %% [markdown]\n# ## The build", '# %% [markdown] tags=["deeper"]\n# ## The build'), EX, "on the path",
    ),
    "a build of 5 minutes": (swap("· 10 minutes", "· 5 minutes"), EX, "10 to 20 minutes"),
    "a build without held-back data": (swap("judge = lambda c: c.held_back(7)\n", ""), CK, "c.held_back"),
    "held-back data that the story shows": (swap("held_back(7)", "held_back(a)"), CK, "'a' is not held back"),
    "a path of 76 minutes": (add("\n# %%\na = 2\n" * 107), "", "75 is the most"),
    "the path leans on a side door": (add(DOOR + "\n# %% [markdown]\n# ## On\n\n# %% here\nb\n"), "# %% here", "the path uses 'b', which side door 'A side door'"),
    "a side door leans on another": (
        LESSON + DOOR + DOOR.replace("A side", "Another side").replace("# %%\nb = a + 1", "# %% here\nprint(b)"),
        "# %% here", "the side door 'Another side door' uses 'b', which side door 'A side door'",
    ),
    "the path's value changed in a side door": (
        add(DOOR.replace("b = a", "a = a") + "\n# %% [markdown]\n# ## On\n\n# %% here\nprint(a)\n"), "# %% here", "the path uses 'a'",
    ),
    "a check leans on a side door": (add(DOOR).replace("held_back(7)", "held_back(b + 1)"), CK, "the path uses 'b'"),
    "deeper on a cell of code": (add('\n# %% tags=["deeper"]\na\n'), '# %% tags=["deeper"]', "by its heading"),
    "deeper without a heading": (add('\n# %% [markdown] tags=["deeper"]\n# More.\n'), '# %% [markdown] tags=["deeper"]', "by its heading"),
    "a heading inside of a cell": (add("\n# %% [markdown] here\n# Words.\n#\n# ## Head\n"), "# %% [markdown] here", "must start its cell"),
    "within nothing": (add('\n# %% within="0"\na\n'), '# %% within="0"', "a number > 0"),
    "within words": (add('\n# %% within="a bit"\na\n'), '# %% within="a bit"', "a number > 0"),
    "within on prose": (add('\n# %% [markdown] within="1"\n# Two.\n'), '# %% [markdown] within="1"', "a number > 0"),
    "no needs": (swap("#     needs: []\n", ""), "", "needs needs"),
    "no data": (swap("#     data: []\n", ""), "", "needs data"),
    "needs a lesson that is not there": (swap("needs: []", "needs: [01_tensor]"), "", "'01_tensor' is not there"),
    "data that is not there": (swap("data: []", "data: [cifarr]"), "", "there is cifar10, diabetes"),
    "no objectives": (swap("#     objectives:\n#       add: add two numbers\n", ""), "", "needs objectives"),
    "unused objective": (swap("add two numbers", "add two\n#       sub: subtract"), "", "'sub'"),
    "text outside of a cell": (swap("# ---\n\n#", "# ---\n\nx = 1\n\n#"), "", "outside of a cell"),
    "no answer region": (swap("    ### BEGIN SOLUTION\n    return x + y\n    ### END SOLUTION\n", "    pass\n"), EX, "BEGIN SOLUTION"),
    "begin without end": (swap("    ### END SOLUTION\n", ""), EX, "in pairs"),
    "end without begin": (swap("    ### BEGIN SOLUTION\n", ""), EX, "in pairs"),
    "begin twice, end once": (swap("    return x", "    ### BEGIN SOLUTION\n    return x"), EX, "in pairs"),
    "markers misspelled": (swap("### BEGIN SOLUTION", "# BEGIN SOLUTION"), EX, "in pairs"),
    "region outside of an exercise": (
        add("\n# %% here\n### BEGIN SOLUTION\nb = 3\n### END SOLUTION\n"), "# %% here", "outside of an exercise",
    ),
    "duplicate id": (add('\n# %% id="tiny-1"\nb = 3\n'), EX, "taken already"),
    "bad id": (add('\n# %% id="tiny 2"\nb = 3\n'), '# %% id="tiny 2"', "letters, digits"),
    "answer leaks in code": (add("\n# %%\ndef plus(x, y):\n    return  x + y\n"), EX, "read elsewhere"),
    "answer leaks in prose": (add("\n# %% [markdown]\n# Say `return x + y`.\n"), EX, "read elsewhere"),
    "answer leaks in the check": (swap('check("tiny-1")', 'check("tiny-1")\ncheck("return x + y")'), EX, "read elsewhere"),
    "syntax error": (add("\n# %% here\nb = = 3\n"), "# %% here", "not Python"),
    "a cell of 26 lines": (add("\n# %% here\n" + "b = 3\n" * 26), "# %% here", "26 lines"),
    "a stub of 26 lines": (swap("def add(x, y):\n", "def add(x, y):\n" + "    x = x\n" * 23), EX, "stub is longer"),
    "a check of 23 lines": (swap('check("tiny-1")', 'check("tiny-1")\n' + "a = 2\n" * 20), CK, "22 lines"),
    "a check of 121 columns": (swap('check("tiny-1")', 'check("tiny-1")\na = ' + "1" * 121), CK, "120 columns"),
    "the story uses an answer": (LESSON + "\n# %% here\nprint(add)\n", "# %% here", "'add', which exercise tiny-1 defines"),
    "the story's function uses an answer": (LESSON + "\n# %% here\ndef f(x):\n    return add(x, x)\n", "# %% here", "'add'"),
    "a picture without a caption": (add(f'\n# %% alt="{ALT}"\na\n\n# %% [markdown]\n# A dot.\n'), f'# %% alt="{ALT}"', "caption"),
    "no check": (swap('# %% tags=["check"]', "# %%"), EX, "tagged check"),
    "check of another exercise": (swap('check("tiny-1")', 'check("tiny-2")'), EX, "tagged check"),
    "no heading": (swap("### Exercise tiny-1 ·", "### Task tiny-1 ·"), EX, "heading"),
    "heading of another exercise": (swap("Exercise tiny-1", "Exercise tiny-2"), EX, "heading"),
    "difficulty 4": (swap("difficulty 1", "difficulty 4"), EX, "heading"),
    "one hint": (swap("# <details><summary>Hint 2</summary>Return it.</details>\n", ""), EX, "two folded hints"),
    "unknown objective": (swap('objective="add"', 'objective="sub"'), EX, "objective"),
    "objective left out": (swap(' objective="add"', ""), EX, "objective"),
    "ignored without a reason": (
        add('\n# %% tags=["nbval-ignore-output"]\na\n'), '# %% tags=["nbval', "reason",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "start", "words"), BAD_SOURCES.values(), ids=BAD_SOURCES)
def test_bad_source_is_refused_by_file_and_line(text, start, words, tmp_path):
    path = lay(tmp_path, l00_tiny=text) / "lessons" / "00_tiny.py"
    with pytest.raises(BadLesson) as caught:
        read_lesson(path)
    where, _, why = str(caught.value).partition(": ")
    assert where == f"{path}:{line(text, start) if start else 1}"
    assert words in why


@pytest.mark.parametrize(
    "text",
    [
        LESSON,
        GOOD,
        add("\n# %%\n" + "b = 3\n" * 25),
        swap('check("tiny-1")', 'check("tiny-1")\n' + "a = 2\n" * 19),
        add('\n# %% tags=["nbval-ignore-output"] reason="a clock"\na\n'),
        LESSON.replace("return x + y", "return (\n        x + y\n    )"),
        LESSON + "\n# %%\nadd = max\nprint(add(1, 2))\n",
        LESSON + DOOR + "\n# %% [markdown]\n# ## On\n\n# %%\nb = 5\nprint(b)\n",
        LESSON + DOOR + DOOR + MORE.replace("# %% [markdown]", '# %% [markdown] tags=["deeper"]'),
        add('\n# %% within="1e-3"\na\n'),
        LESSON + "\n# %%\ndef f(add):\n    return add\n",
    ],
    ids=[
        *("tiny", "good", "25 lines", "check of 22 lines", "a reason", "answer of 3 lines"),
        *("a name of its own", "a side door whose name the path gives anew", "two side doors"),
        *("room", "a parameter"),
    ],
)
def test_what_is_allowed_is_read(text, tmp_path):
    lay(tmp_path, l00_tiny=text)
    assert read_lesson(tmp_path / "lessons" / "00_tiny.py").course["title"] == "Tiny"


def test_empty_course_header_is_refused(tmp_path):
    path = (
        lay(tmp_path, l00_tiny=HEAD[: HEAD.index("#     title")] + "# ---\n\n# %%\na = 2\n")
        / "lessons"
    )
    with pytest.raises(BadLesson):
        read_lesson(path / "00_tiny.py")


def test_end_marker_outside_of_an_exercise_is_refused(tmp_path):
    path = (
        lay(tmp_path, l00_tiny=add("\n# %%\nb = 3\n### END SOLUTION\n")) / "lessons" / "00_tiny.py"
    )
    with pytest.raises(BadLesson):
        read_lesson(path)


@pytest.mark.parametrize("tags", ['tags=["teacher"]', 'tags=["instructor"'])
def test_tag_that_is_not_one_is_refused(tags, tmp_path):
    path = lay(tmp_path, l00_tiny=swap('tags=["instructor"]', tags)) / "lessons" / "00_tiny.py"
    with pytest.raises(BadLesson):
        read_lesson(path)


def test_the_builders_own_ids_are_refused(tmp_path):
    path = lay(tmp_path, l00_tiny=add('\n# %% id="opening"\nb = 3\n')) / "lessons" / "00_tiny.py"
    with pytest.raises(BadLesson):
        read_lesson(path)


@pytest.mark.parametrize(
    ("answer", "stub"),
    [
        ("shape = (2, 3)", ["shape = ..."]),
        ("a, (b, *c) = f()\na = 2", ["a = ...", "b = ...", "c = ..."]),
        ("x[0] = 2", ["x = ..."]),
        ("print(1)", ["..."]),
    ],
)
def test_bare_answer_becomes_a_stub_that_gives_its_names(answer, stub, tmp_path):
    region = f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION"
    cell = from_dict({"cell_type": "code", "metadata": {"tags": ["exercise"]}, "source": region})
    assert student_source(cell).splitlines()[1:] == stub


def test_stub_keeps_what_stands_around_the_answer(tmp_path):
    lay(tmp_path, l00_tiny=LESSON)
    cells = read_lesson(tmp_path / "lessons" / "00_tiny.py").cells
    stub = student_source(next(c for c in cells if c.id == "tiny-1"))
    assert stub == "def add(x, y):\n    # Your code here, in place of the dots:\n    return ..."


def test_stub_of_an_init_returns_nothing():
    region = "        ### BEGIN SOLUTION\n        self.n = n\n        ### END SOLUTION"
    source = f"class A:\n    def __init__(self, n):\n{region}\n\n    def twice(self):\n{region}"
    cell = from_dict({"cell_type": "code", "metadata": {"tags": ["exercise"]}, "source": source})
    rows = [row.strip() for row in student_source(cell).splitlines()]
    assert rows[3] == "..." and rows[-1] == "return ..."


def test_ids_of_other_cells_stay_when_a_cell_comes_in(tmp_path):
    one, more = (
        lay(tmp_path / "one", l00_tiny=LESSON),
        lay(tmp_path / "more", l00_tiny=add("\n# %%\nb = 3\n")),
    )
    before, after = (
        [c.id for c in read_lesson(r / "lessons" / "00_tiny.py").cells] for r in (one, more)
    )
    assert len(after) == len(set(after)) == len(before) + 1
    assert [name for name in after if name in before] == before


def test_equal_cells_get_ids_of_their_own(tmp_path):
    lay(tmp_path, l00_tiny=add("\n# %%\nb = 3\n\n# %%\nb = 3\n\n# %%\nb = 3\n"))
    ids = [c.id for c in read_lesson(tmp_path / "lessons" / "00_tiny.py").cells]
    assert len(ids) == len(set(ids))


# What only a run can find ------------------------------------------------------------------------

AT_ONCE = "import os\nget_ipython().kernel._publish_execute_input = lambda *_: os._exit(1)\n"
BAD_RUNS = {
    # stem: (source, how the line that must be named starts, words of the reason)
    "01_stub_stops": (
        swap("    ### END SOLUTION\n", "    ### END SOLUTION\n\nadd(a, 3) + 1\n"), EX, ["notebooks", "TypeError"],
    ),
    "02_story_needs_the_answer": (
        LESSON + "\n# %% here\nsix = eval('add(a, 3) + 1')\n", "# %% here", ["notebooks", "TypeError"],
    ),
    "03_answer_is_wrong": (
        HEAD + TEXT + EXERCISE.replace("x + y", "x - y") + REAL_CHECK + REST, CK,
        ["solutions", "CheckFailed", "observed: -1"],
    ),
    "04_nothing_is_raised": (LESSON + RAISES + "1 / 1\n", RAISES.strip(), ["nothing is raised"]),
    "05_picture_without_words": (
        LESSON + PICTURE.format(alt="A dot."), '# %% alt="A dot."', ["picture needs alt"],
    ),
    "06_warns": (
        LESSON + "\n# %% here\nimport sys\nprint('careful', file=sys.stderr)\n", "# %% here",
        ["writes to stderr", "careful"],
    ),
    "07_kernel_dies": (LESSON + "\n# %% here\nimport os, time\ntime.sleep(0.5)\nos._exit(1)\n", "# %% here", ["solutions", "died"]),
    "09_kernel_dies_at_once": (
        LESSON + "\n# %%\n" + AT_ONCE + "\n# %% here\na\n", "# %% here", ["solutions", "died"],
    ),
    "10_within_no_number": (
        LESSON + '\n# %% within="0.1"\nprint("a word, v1.2, x3")\n', '# %% within="0.1"', ["prints no number"],
    ),
    "08_syntax_error": (LESSON + "\n# %% here\nb = = 3\n", "# %% here", ["not Python"]),
}  # fmt: skip


def main(*words, root):
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = build.main(list(words), root)
    return code, said.getvalue()


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """(root, exit code, what was said): one good lesson among bad ones, in one call."""
    texts = {f"l{stem}": bad[0] for stem, bad in BAD_RUNS.items()}
    root = lay(tmp_path_factory.mktemp("batch") / "root", l00_good=GOOD, **texts)
    return root, *main(root=root)


@pytest.mark.parametrize("stem", BAD_RUNS)
def test_bad_run_is_refused_by_file_and_line(stem, batch):
    root, code, said = batch
    text, start, words = BAD_RUNS[stem]
    assert code == 1
    where = f"{root / 'lessons' / stem}.py:{line(text, start)}: "
    assert where in said
    own = re.split(rf"^{re.escape(str(root / 'lessons'))}", said.partition(where)[2], flags=re.M)[0]
    assert [word for word in words if word not in own] == []


def test_bad_lessons_leave_nothing_and_lose_nothing(batch):
    root, _, _ = batch
    written = sorted(
        str(p.relative_to(root)) for p in root.rglob("*.*") if p.parent.name != "lessons"
    )
    assert written == ["README.md", "notebooks/00_good.ipynb", "solutions/00_good.ipynb"]
    table = (root / "README.md").read_text(encoding="utf-8")
    row = r"\| \[00 · Tiny\]\(notebooks/00_good.ipynb\) \| a sum \| 14 \| – \| torch [\d.]+, [\d-]+, \d+ s \|"
    assert re.search(row, table)
    assert table.endswith("\nThe end.\n")


@pytest.fixture(scope="module")
def good(batch):
    """{edition: notebook} of the good lesson."""
    return {
        n: json.loads((batch[0] / n / "00_good.ipynb").read_text(encoding="utf-8"))
        for n in build.EDITIONS
    }


def test_same_source_gives_the_same_bytes(batch, good, tmp_path):
    texts = {f"l{stem}": bad[0] for stem, bad in BAD_RUNS.items()}
    root = lay(tmp_path / "another place ü", l00_good=GOOD, **texts)
    code, said = main("00", root=root)
    assert code == 1 and "08_syntax_error" in said, "the one that can't be read is still named"
    for name in build.EDITIONS:
        text = (root / name / "00_good.ipynb").read_text(encoding="utf-8")
        again = from_dict(json.loads(text))
        assert dumps(bare(again)) == dumps(bare(from_dict(good[name])))
        assert str(root) not in text and str(batch[0]) not in text
        for ours, theirs in zip(again.cells, good[name]["cells"], strict=True):
            assert ours.get("outputs") == theirs.get("outputs")


def test_students_get_no_answers_and_no_notes(good):
    students, teachers = (json.dumps(good[name]) for name in ("notebooks", "solutions"))
    for secret in ("SOLUTION", "return x + y", "Because plus adds", "Ask the room"):
        assert secret not in students
        assert secret in teachers
    assert "in place of the dots" in students and "in place of the dots" not in teachers


def test_both_editions_were_run_and_say_what_they_are(good):
    for name, what in (("notebooks", "student"), ("solutions", "solution")):
        nb = good[name]
        code = [c for c in nb["cells"] if c["cell_type"] == "code"]
        assert [c["execution_count"] for c in code] == list(range(1, len(code) + 1))
        assert nb["metadata"]["course"]["edition"] == what
        assert nb["metadata"]["language_info"] == {"name": "python"}
        assert ("tiny-1 strict" in json.dumps(nb)) == (what == "solution"), "only answers must pass"
        assert nb["cells"][0]["source"].startswith(
            "# 00 · Tiny\n\n**The path: 14 minutes** · side doors: 0 · needs: Python · data: none\n\n"
            "from two numbers to one"
        )
        assert nb["cells"][-1]["source"] == "---\n[01 · Tiny](01_stub_stops.ipynb) →"


def test_once_the_repository_has_an_address_lessons_open_elsewhere(tmp_path, monkeypatch):
    lay(tmp_path, l00_tiny=HEAD + FAKE + TEXT + EXERCISE + CHECK)
    good = read_lesson(tmp_path / "lessons" / "00_tiny.py")
    assert build.address() == "" and "Colab" not in edition(good, True, [good]).cells[0].source
    file = tmp_path / "pyproject.toml"
    file.write_text(
        '[project.urls]\nRepository = "https://github.com/us/course/"\n[project]\nname = "c"\n'
    )
    monkeypatch.setattr(build.address, "__defaults__", (file,))
    opening, install = edition(good, True, [good]).cells[:2]
    assert (
        f"https://mybinder.org/v2/gh/us/course/main?urlpath=lab/tree/notebooks/{good.stem}"
        in opening.source
    )
    assert f"/github/us/course/blob/main/notebooks/{good.stem}.ipynb" in opening.source
    assert '%pip install --quiet "git+https://github.com/us/course"' in install.source


def test_opening_lists_the_path_and_the_side_doors(tmp_path):
    long = "\n# %% [markdown]\n# ## {} `x`\n\n" + "# %%\na = 2\n\n" * 40
    text = HEAD + FAKE + long.format("One") + long.format("Two") + DOOR
    text += MORE.replace("## More", "More") + TEXT + EXERCISE + CHECK
    lay(tmp_path, l00_tiny=text)
    lesson = read_lesson(tmp_path / "lessons" / "00_tiny.py")
    nb = edition(lesson, True, [lesson])
    opening = nb.cells[0].source
    assert "**The path: 60 minutes** · side doors: 11 ·" in opening
    assert "1. **25 minutes:** [One x](#One-x)" in opening
    assert "2. **35 minutes:** [Two x](#Two-x) · [The build: a sum](#The-build:-a-sum)" in opening
    assert "[A side door](#A-side-door) (11)" in opening
    assert "*(tiny-1; side door: tiny-2)*" in opening
    marked = next(c.source for c in nb.cells if c.source.startswith("## A side door"))
    assert marked.splitlines()[2] == "*Side door · 11 min · nothing on the path needs it.*"
    assert "Three more words." in marked


def test_outputs_of_stand_ins_are_never_stored(tmp_path, monkeypatch):
    text = HEAD.replace("data: []", "data: [surnames]") + FAKE + TEXT + EXERCISE + CHECK
    lay(tmp_path, l00_tiny=text)
    lesson = read_lesson(tmp_path / "lessons" / "00_tiny.py")
    monkeypatch.setenv("COURSE_DATA", "stand-in")
    with pytest.raises(BadLesson, match="00_tiny.py:1: surnames can't be had here"):
        build.build(lesson, [lesson], tmp_path)
    assert not (tmp_path / "notebooks").exists()


def test_plan_for_instructors_is_generated(built):
    (built / "INSTRUCTORS.md").write_text("top\n" + build.BEGIN + build.END + "\nend\n", "utf-8")
    source = built / "lessons" / "00_one.py"
    source.write_text(source.read_text("utf-8") + DOOR, encoding="utf-8")
    lessons = [read_lesson(p) for p in sorted((built / "lessons").glob("*.py"))]
    plan = tables(lessons, built)[built / "INSTRUCTORS.md"]
    assert "| 00 | from two numbers to one | *The build: a sum* | *A side door* (1) |" in plan
    assert plan.startswith("top\n") and plan.endswith("\nend\n") and "hours" in plan
    assert "INSTRUCTORS.md: its table of lessons is out of date" in stale(lessons, built)


# --check, on lessons that were never run ---------------------------------------------------------


@pytest.fixture
def built(tmp_path):
    """A project of two lessons whose notebooks are what their sources give."""
    root = lay(tmp_path, l00_one=GOOD, l01_two=LESSON)
    lessons = [read_lesson(p) for p in sorted((root / "lessons").glob("*.py"))]
    for name, student in build.EDITIONS.items():
        (root / name).mkdir()
        for lesson in lessons:
            build.write(
                root / name / f"{lesson.stem}.ipynb", dumps(edition(lesson, student, lessons))
            )
    for path, text in tables(lessons, root).items():
        build.write(path, text)
    assert stale(lessons, root) == []
    return root


def edit(path, change):
    nb = json.loads(path.read_text(encoding="utf-8"))
    change(nb)
    build.write(path, dumps(from_dict(nb)))


def code_cell(nb):
    return next(c for c in nb["cells"] if c["cell_type"] == "code")


def test_check_is_content_with_what_the_sources_give(built):
    assert main("--check", root=built) == (0, "")


def test_check_leaves_outputs_to_nbval(built):
    def run(nb):
        code_cell(nb).update(
            outputs=[{"output_type": "stream", "name": "stdout", "text": "2"}], execution_count=1
        )
        nb["metadata"]["course"]["verified"] = {"torch": "2.6.0", "day": "2025-01-01", "seconds": 3}

    edit(built / "notebooks" / "00_one.ipynb", run)
    assert main("--check", root=built) == (0, "")


EDITS = {
    "source": lambda nb: code_cell(nb).update(source="a = 3"),
    "cell metadata": lambda nb: code_cell(nb)["metadata"].update(collapsed=True),
    "tags": lambda nb: code_cell(nb)["metadata"].update(tags=["nbval-skip"]),
    "id": lambda nb: code_cell(nb).update(id="another"),
    "cell type": lambda nb: nb["cells"][0].update(cell_type="raw"),
    "order": lambda nb: nb["cells"].reverse(),
    "a cell less": lambda nb: nb["cells"].pop(),
    "kernel": lambda nb: nb["metadata"]["kernelspec"].update(name="julia"),
    "version of Python": lambda nb: nb["metadata"]["language_info"].update(version="3.11"),
    "edition": lambda nb: nb["metadata"]["course"].update(edition="pirated"),
}


@pytest.mark.parametrize("change", EDITS.values(), ids=EDITS)
@pytest.mark.parametrize("name", build.EDITIONS)
def test_check_finds_an_edited_notebook(change, name, built):
    path = built / name / "01_two.ipynb"
    edit(path, change)
    code, said = main("--check", root=built)
    assert code == 1
    assert said.splitlines()[:-1] == [
        f"{path} differs from what {built / 'lessons' / '01_two.py'} gives"
    ]
    assert "make build" in said


BROKEN = {
    "conflict": lambda text: "<<<<<<< HEAD\n" + text,
    "no course": lambda text: text.replace('"course": {', '"curse": {'),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_check_names_a_broken_notebook_and_goes_on(change, built):
    path = built / "notebooks" / "00_one.ipynb"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    (built / "solutions" / "01_two.ipynb").unlink()
    code, said = main("--check", root=built)
    assert code == 1
    assert str(path) in said and "01_two.ipynb is missing" in said


def test_check_finds_a_missing_notebook(built):
    (built / "solutions" / "00_one.ipynb").unlink()
    code, said = main("--check", root=built)
    assert code == 1 and "00_one.ipynb is missing" in said


def test_check_finds_a_notebook_without_a_source(built):
    (built / "notebooks" / "02_three.ipynb").write_text("{}", encoding="utf-8")
    code, said = main("--check", root=built)
    assert code == 1 and "02_three.ipynb has no source" in said


def test_check_finds_an_edited_table(built):
    table = built / "README.md"
    table.write_text(
        table.read_text(encoding="utf-8").replace("| – |", "| 6 |", 1), encoding="utf-8"
    )
    code, said = main("--check", root=built)
    assert code == 1 and "README.md" in said and ".ipynb" not in said


def test_check_finds_a_changed_source_and_its_neighbors_link(built):
    source = built / "lessons" / "01_two.py"
    source.write_text(LESSON.replace("title: Tiny", "title: Small"), encoding="utf-8")
    code, said = main("--check", root=built)
    assert code == 1
    assert said.count("differs from what") == 4, (
        "both editions of the lesson and of the one that links to it"
    )


def test_check_names_a_bad_lesson(built):
    source = built / "lessons" / "01_two.py"
    source.write_text(LESSON + "\n# %% here\nb = = 3\n", encoding="utf-8")
    code, said = main("--check", root=built)
    assert code == 1
    assert f"{source}:{line(source.read_text(encoding='utf-8'), '# %% here')}: not Python" in said


def test_bad_lesson_is_not_taken_for_a_deleted_one(built):
    source = built / "lessons" / "01_two.py"
    source.write_text(LESSON + "\n# %% here\nb = = 3\n", encoding="utf-8")
    _, said = main("--check", root=built)
    assert "has no source" not in said
    assert "00_one.ipynb differs" not in said


@pytest.mark.parametrize("table", ["no table", build.BEGIN + "old" + build.END + "\ntail\n"])
def test_readme_changes_only_between_its_marks(table, built):
    (built / "README.md").write_text("top\n" + table, encoding="utf-8")
    lessons = [read_lesson(p) for p in sorted((built / "lessons").glob("*.py"))]
    text = tables(lessons, built)[built / "README.md"]
    assert text.startswith("top\n") and text.endswith(table[-5:])
    assert ("00 · Tiny" in text) == (build.BEGIN in table)


def test_readme_without_its_end_mark_keeps_its_text(built):
    (built / "README.md").write_text("top\n" + build.BEGIN + "old\n\n# Chapter\n", encoding="utf-8")
    lessons = [read_lesson(p) for p in sorted((built / "lessons").glob("*.py"))]
    assert "# Chapter" in tables(lessons, built)[built / "README.md"]


def test_lesson_that_is_not_there_is_named(built):
    code, said = main("77", root=built)
    assert code == 1 and "no lesson is named '77'" in said and "00_one, 01_two" in said


def test_smallest_lesson_that_contributing_shows_is_accepted_and_solved(tmp_path, monkeypatch):
    page = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    header, story = re.findall(
        r"(?s)```python\n(# ---\n.*?|# %% .*?tags=\[\"check\"\].*?)```", page
    )
    lay(tmp_path, l01_tensors=HEAD + FAKE + TEXT + EXERCISE + CHECK, l15_name=header + "\n" + story)
    monkeypatch.setenv("COURSE_STRICT", "1")
    space = {"__name__": "lesson"}
    for cell in read_lesson(tmp_path / "lessons" / "15_name.py").cells:
        if cell.cell_type == "code":
            exec(cell.source, space)
    assert space["slope"](1.5) == 3
