"""The project as it stands: notebooks that were run, links that lead somewhere, lists that agree.

Nothing is executed here; what the cells print is compared by nbval (``tools/verify.py``).
"""

import ast
import doctest
import importlib
import json
import re
import runpy
import tomllib
from collections import defaultdict
from pathlib import Path

import jupytext
import pytest
import yaml

from build import stale
from lesson import read_lesson

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))
NOTEBOOKS = sorted(p for name in ("notebooks", "solutions") for p in (ROOT / name).glob("*.ipynb"))
DOCS = sorted(
    p
    for p in (*ROOT.glob("*.md"), *ROOT.glob("*/*.md"))
    if not p.parent.name.startswith(".") and p.parent.name != "work"
)
MAY_BE_PRINTED = (
    "https://docs.pytorch.org/",
    "https://pytorch.org/docs/",
    "https://docs.python.org/",
    "https://numpy.org/doc/",
)
each_notebook = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda p: f"{p.parent.name}/{p.stem}"
)


def name(path):
    return str(path.relative_to(ROOT))


def cells(path, kind=""):
    """The cells of one notebook, their sources and outputs as single strings."""
    nb = json.loads(path.read_text(encoding="utf-8"))
    found = [c for c in nb["cells"] if c["cell_type"].startswith(kind)]
    return [
        c | {"source": "".join(c["source"]), "tags": set(c["metadata"].get("tags", []))}
        for c in found
    ]


def prose(path):
    """(where, text) of each piece of prose, without code and formulas."""
    if path.suffix == ".md":
        texts = [(name(path), path.read_text(encoding="utf-8"))]
    else:
        texts = [(f"{name(path)} {c['id']}", c["source"]) for c in cells(path, "markdown")]
    drop = re.compile(r"^ *```.*?^ *```|<!--.*?-->|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$", re.M | re.S)
    return [(where, drop.sub(" ", text)) for where, text in texts]


def test_there_is_something_to_test():
    assert LESSONS and NOTEBOOKS and DOCS


def test_nothing_generated_is_stale():
    assert stale([read_lesson(p) for p in LESSONS], ROOT) == []


# Notebooks ---------------------------------------------------------------------------------------


@each_notebook
def test_every_cell_was_run_once_and_in_order(path):
    """nbval compares nothing where ``execution_count`` is null."""
    ran = [c for c in cells(path, "code") if c["source"].strip()]
    assert [c["execution_count"] for c in ran] == list(range(1, len(ran) + 1))


def test_few_outputs_are_ignored(capsys):
    code = [c for p in NOTEBOOKS for c in cells(p, "code")]
    ignored = [c for c in code if c["tags"] & {"nbval-ignore-output", "nbval-skip"}]
    with capsys.disabled():
        print(f"\n{len(ignored)} of {len(code)} code cells have an output that is not compared")
    assert len(ignored) <= len(code) / 10
    assert not [c["id"] for c in ignored if "nbval-skip" in c["tags"]]
    assert not [c["id"] for c in ignored if not c["metadata"].get("reason")]
    measured = [c for c in ignored if re.search("time|second|ratio", c["metadata"]["reason"])]
    assert not [c["id"] for c in measured if "assert" in c["source"]]  # fails on a busy machine


def printed(cell):
    """The lines that a cell prints, or shows as text in place of a picture."""
    texts = [o.get("text", "") for o in cell["outputs"]]
    shown = [
        o["data"] for o in cell["outputs"] if "image/png" not in o.get("data", {"image/png": ""})
    ]
    texts += [d.get("text/plain", "") for d in shown if "text/html" not in d]
    return [line.strip() for t in texts for line in "".join(t).splitlines()]


def test_numbers_stand_on_the_page(capsys):
    """A bare True or False is for what is true or false by nature, not a veil over a number."""
    students = [p for p in NOTEBOOKS if p.parent.name == "notebooks"]
    code = {p.stem: cells(p, "code") for p in students}
    bare = {
        stem: sum(bool(re.search(r"(^|\W)(True|False)$", row)) for c in own for row in printed(c))
        for stem, own in code.items()
    }
    room = [c["id"] for own in code.values() for c in own if "within" in c["metadata"]]
    with capsys.disabled():
        each = ", ".join(f"{stem[:2]} {n}" for stem, n in bare.items())
        print(f"\n{len(room)} cells print numbers that have room to move")
        print(f"{sum(bare.values())} printed lines end in True or False: {each}")
    assert sum(bare.values()) <= 5 * len(students)


@pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
def test_each_lesson_says_where_its_helpers_were_built(path):
    helpers = {"fit", "evaluate", "predict", "make_loader"}
    text, verbs = path.read_text("utf-8"), set()
    for row in re.findall(r"^from utils import (.*)", text, re.M):
        verbs |= helpers & set(re.findall(r"\w+", row))
    told = set(re.findall(r"`(\w+)\?\?`", text))
    assert not verbs or verbs & told, "say of one of them where it was built, and `fit??`"


@each_notebook
def test_errors_are_where_they_are_expected_and_only_there(path):
    """A ``raises-exception`` cell that does not raise passes nbval."""
    stopped = [
        c["id"]
        for c in cells(path, "code")
        if any(o["output_type"] == "error" for o in c["outputs"])
    ]
    assert stopped == [c["id"] for c in cells(path, "code") if "raises-exception" in c["tags"]]


@each_notebook
def test_every_picture_has_words(path):
    """Alt text that tells what it shows, and a caption: the next cell's first sentence, in italics."""
    both = cells(path)
    for cell, after in zip(both, [*both[1:], None], strict=True):
        if any("image/png" in o.get("data", {}) for o in cell.get("outputs", [])):
            assert len(cell["metadata"].get("alt", "")) >= 40, cell["id"]
            assert after and after["cell_type"] == "markdown", f"{cell['id']} has no caption"
            assert re.match(r"\*[^*\s].{8,}?\*(?!\*)", after["source"], re.S), (
                f"{cell['id']}: the caption is not in *italics*: {after['source'][:60]!r}"
            )


@each_notebook
def test_outputs_hold_nothing_of_this_machine(path):
    for cell in cells(path, "code"):
        said = [
            o | {"data": {k: v for k, v in o.get("data", {}).items() if "image" not in k}}
            for o in cell["outputs"]
        ]
        text = json.dumps(said, ensure_ascii=False)
        for own in (
            str(ROOT),
            f"{Path.home()}/",
            "/home/",
            "/Users/",
            "/root/",
            "/tmp/",
            "site-packages",
        ):
            assert own not in text.replace("…/site-packages", ""), (
                f"{own} in an output of {cell['id']}"
            )
        addresses = re.findall(r"https?://[^\s\"'\\<>)]+", text)
        assert [a for a in addresses if not a.startswith(MAY_BE_PRINTED)] == [], cell["id"]
        assert [o for o in cell["outputs"] if o.get("name") == "stderr"] == [], cell["id"]


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_students_get_no_answers(path):
    text = path.read_text(encoding="utf-8")
    assert "SOLUTION" not in text
    assert not [c["id"] for c in cells(path) if c["tags"] & {"solution", "instructor"}]


# Prose -------------------------------------------------------------------------------------------

each_text = pytest.mark.parametrize("path", [*DOCS, *NOTEBOOKS], ids=name)


@each_text
def test_links_and_pictures_lead_somewhere(path):
    lost = []
    for where, text in prose(path):
        targets = re.findall(r"\]\(\s*<?([^)\s>]+)", text) + re.findall(
            r"(?:src|href)=[\"']([^\"']+)", text
        )
        near = [t.partition("#")[0] for t in targets if not re.match(r"[a-z]+:", t)]
        lost += [f"{where}: {t}" for t in near if t and not (path.parent / t).exists()]
    assert lost == []


@each_text
def test_headings_do_not_jump_a_level(path):
    heads = [
        (where, h) for where, text in prose(path) for h in re.findall(r"^#{1,6} .*", text, re.M)
    ]
    levels = [len(h.split()[0]) for _, h in heads]
    assert levels[:1] == [1] and levels.count(1) == 1, "one title, and first"
    jumps = [heads[n + 1] for n in range(len(levels) - 1) if levels[n + 1] > levels[n] + 1]
    assert jumps == [], "a heading may be one level below the one before it, ### below ##"


def test_what_readers_are_told_to_make_can_be_made():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^(\w[\w-]*):", makefile, re.M))
    asked = defaultdict(set)
    for path in (*DOCS, *LESSONS, ROOT / "tools/course.py", *(ROOT / ".github").rglob("*.yml")):
        text = path.read_text(encoding="utf-8")
        for target in re.findall(
            r"`make ([a-z][\w-]*)|^(?:\s*-?\s*run: )?make ([a-z][\w-]*)", text, re.M
        ):
            asked["".join(target)].add(name(path))
    assert {"lab", "test"} <= asked.keys()
    assert {target: where for target, where in asked.items() if target not in targets} == {}
    phony = re.search(r"^\.PHONY: (.*)", makefile, re.M)[1].split()
    assert set(phony) == targets


# Code --------------------------------------------------------------------------------------------


def test_nothing_is_defined_in_two_lessons():
    """What two lessons need is in utils; an exercise may ask for a function again."""
    defined = defaultdict(set)
    for path in LESSONS:
        for cell in jupytext.read(path, fmt="py:percent").cells:
            if cell.cell_type == "code" and "exercise" not in cell.metadata.get("tags", []):
                for node in ast.parse(cell.source).body:
                    if isinstance(node, ast.FunctionDef | ast.ClassDef):
                        defined[node.name].add(path.stem)
    assert {what: sorted(where) for what, where in defined.items() if len(where) > 1} == {}


@pytest.mark.parametrize(
    "module", ["checks", "device", "training", "plotting", "text"]
)  # data, pictures, pretrained: in their own tests
def test_examples_in_docstrings_are_true(module, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DEVICE", "cpu")  # one example sets it; this puts it back
    monkeypatch.setenv("COURSE_STRICT", "")
    monkeypatch.delenv("COURSE_RESULTS", raising=False)
    assert doctest.testmod(importlib.import_module(f"utils.{module}")).failed == 0, (
        capsys.readouterr().out
    )


# Environment -------------------------------------------------------------------------------------


def split(requirement):
    """'jupyterlab >=4.2,<5' → ('jupyterlab', {'>=4.2', '<5'})"""
    package, ranges = re.fullmatch(r"([\w.-]+)\s*(.*)", requirement).groups()
    return package.lower().replace("_", "-"), frozenset(
        r.replace(" ", "") for r in ranges.split(",") if r
    )


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def conda():
    path = ROOT / "environment.yml"
    if not path.exists():
        pytest.skip("there is no environment.yml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_conda_gets_the_same_packages_in_the_same_ranges(project, conda):
    assert conda["channels"] == ["conda-forge"]
    expected = dict(split(r) for r in project["dependencies"])
    expected["pytorch"] = expected.pop("torch")
    expected |= {"python": split(f"python{project['requires-python']}")[1], "pip": frozenset()}
    (from_pip,) = (d["pip"] for d in conda["dependencies"] if isinstance(d, dict))
    assert from_pip[-1] == "-e .", "the course itself, in a line that pip reads"
    listed = [d for d in conda["dependencies"] if isinstance(d, str)] + from_pip[:-1]
    assert dict(map(split, listed)) == expected


def test_lock_has_hashes_and_no_addresses(project):
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in lock
    pinned = set(re.findall(r"^([\w.-]+)==", lock, re.M))
    asked = {split(r)[0] for r in project["dependencies"]}
    asked |= {split(r)[0] for extra in project["optional-dependencies"].values() for r in extra}
    assert asked <= pinned
    rows = re.findall(r"^[\w.-]+==.*?(?=^[\w.-]+==|\Z)", lock, re.M | re.S)
    assert [row.split()[0] for row in rows if "--hash=sha256:" not in row] == []


def test_oldest_python_is_the_same_everywhere(project):
    import course
    import lesson  # noqa: F401  (imports with the tools' own path)

    assert project["requires-python"] == f">={course.OLDEST[0]}.{course.OLDEST[1]}"


def test_matrix_and_workflow_try_the_same_versions_from_the_lower_bounds_on():
    import matrix

    text = (ROOT / ".github/workflows/course.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]["ranges"]["strategy"]["matrix"]["include"]
    assert [(j["python"], j["torch"], j["torchvision"]) for j in jobs] == matrix.combinations()
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for package, oldest in zip(("torch", "torchvision"), matrix.OLDEST):
        assert f"{package}>={oldest.removesuffix('.0')}" in needs["dependencies"]


def test_the_cells_that_the_benchmark_repeats_are_there():
    spread = runpy.run_path(str(ROOT / "benchmarks" / "spread.py"))
    for experiment in spread["EXPERIMENTS"]:
        story, again = spread["story_of"](experiment)
        assert story[-1] == again[-1] and len(again) == len(experiment.cells)
        names = {
            node.id for s in story for node in ast.walk(ast.parse(s)) if isinstance(node, ast.Name)
        }
        for expression in experiment.measures.values():
            asked = {n.id for n in ast.walk(ast.parse(expression)) if isinstance(n, ast.Name)}
            assert asked <= names, f"{experiment.lesson}: {asked - names}"
