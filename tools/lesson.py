"""The format of a lesson source: reading it, and refusing what it does not allow, by file and line.

CONTRIBUTING.md describes the format to authors.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
import pickle
import re
import symtable
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import yaml
from nbformat import NotebookNode

REGISTRY = Path(__file__).resolve().parents[1] / "data" / "registry.json"
KEYS = {
    "title": str,
    "summary": str,
    "path": str,
    "needs": list,
    "data": list,
    "objectives": dict,
}
REGION = re.compile(
    r"^(?P<indent>[ \t]*)### BEGIN SOLUTION\n(?P<answer>.*?)^[ \t]*### END SOLUTION[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
VARIANT = re.compile(
    r"^# %% (?P<id>[\w-]+) (?P<kind>passes|refused|same)(?:: (?P<words>.+))?$", re.MULTILINE
)
HEADING = r"(?m)^### Exercise {} · difficulty [123] · \d+ minutes?$"
NUMBER = re.compile(
    r"(?<![\w.])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?!\w|\.\d)"
)  # not v1.2, x3
TAGS = {"exercise", "build", "check", "solution", "instructor", "deeper"}
TAGS |= {"raises-exception", "nbval-ignore-output"}
TEACHER = {"solution", "instructor"}  # cells that stay in solutions/
MOST_LINES, MOST_CHECK_LINES, MOST_CHECK_COLUMNS = 25, 22, 120
MOST_PATH, BUILD = 75, range(10, 21)  # minutes


@dataclass
class Section:
    """One ``##`` section: its heading's words, its cells' numbers, and what it costs."""

    title: str  # "" before the first heading
    cells: range
    deeper: bool
    minutes: int


class BadLesson(Exception):
    """A lesson that cannot be built; the message starts with file:line."""


@dataclass
class Lesson:
    path: Path
    course: dict
    cells: list[NotebookNode]
    lines: list[int]  # the source line on which each cell starts

    @property
    def stem(self) -> str:
        return self.path.stem

    @property
    def label(self) -> str:
        return f"{self.stem[:2]} · {self.course['title']}"

    @property
    def sections(self) -> list[Section]:
        """What stands under each ``##`` heading; a heading tagged deeper opens a side door."""
        starts = [n for n, c in enumerate(self.cells) if c.source.startswith("## ")]
        parts = [range(a, b) for a, b in zip([0, *starts], [*starts, len(self.cells)])]
        found = []
        for part in (p for p in parts if p):
            head = self.cells[part[0]]
            title = head.source.partition("\n")[0].removeprefix("## ") if part[0] in starts else ""
            minutes = round(sum(_minutes(self.cells[n]) for n in part))  # so that sums agree
            found.append(Section(title, part, "deeper" in tags(head), minutes))
        return found

    def minutes(self, deeper: bool) -> int:
        """Minutes of the path, or of the side doors."""
        return sum(s.minutes for s in self.sections if s.deeper == deeper)

    @property
    def build(self) -> Section | None:
        """The section in which the reader builds the whole thing."""
        tagged = [n for n, c in enumerate(self.cells) if "build" in tags(c)]
        return next((s for s in self.sections if tagged and tagged[0] in s.cells), None)

    def bad(self, where: int | str, why: str) -> BadLesson:
        """An error at a cell, given by its number or id, or at the header for -1."""
        if isinstance(where, str):
            where = [c.id for c in self.cells].index(where)
        return BadLesson(f"{self.path}:{self.lines[where] if where >= 0 else 1}: {why}")


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def _minutes(cell: NotebookNode) -> float:
    """Minutes a reader spends on one cell: 200 words, or 0.6 of a cell, and an exercise's own."""
    if tags(cell) & {*TEACHER, "check"}:
        return 0
    if cell.cell_type == "code":
        return 0.6
    own = re.findall(r"(?m)^### Exercise .* (\d+) minutes?$", cell.source)
    return len(re.sub(r"<[^>]+>", " ", cell.source).split()) / 200 + sum(map(int, own))


def read_lesson(path: Path) -> Lesson:
    """Read one source; raises BadLesson for what the format does not allow."""
    beside = frozenset(other.stem for other in path.parent.glob("[0-9][0-9]_*.py"))
    return pickle.loads(_read(path, path.read_text(encoding="utf-8"), beside))


@functools.lru_cache(maxsize=32)
def _read(path: Path, text: str, beside: frozenset[str]) -> bytes:
    """A lesson as bytes, of which each caller gets a copy: reading all of them takes seconds."""
    rows = text.splitlines()
    lines = [n for n, row in enumerate(rows, 1) if re.match(r"# %%( |$)", row)]
    try:
        header = "\n".join(row[2:] for row in text.split("# ---", 2)[1].splitlines())
        course = yaml.safe_load(header)["jupyter"]["course"]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadLesson(f"{path}:{line}: the header is not YAML: {error.problem}") from None
    except (IndexError, KeyError, TypeError, yaml.YAMLError):
        raise BadLesson(f"{path}:1: no YAML header with jupyter: course:") from None
    lesson = Lesson(path, course, jupytext.reads(text, fmt="py:percent").cells, lines)
    if isinstance(course, dict) and "minutes" in course:
        raise lesson.bad(-1, "minutes are counted by the builder: leave the key out")
    for key, kind in KEYS.items():
        if not isinstance(course, dict) or not isinstance(course.get(key), kind):
            raise lesson.bad(-1, f"the header needs {key}: ({kind.__name__})")
    there = {"data": set(json.loads(REGISTRY.read_text(encoding="utf-8")))}
    there["needs"] = set(beside) - {path.stem}
    for key, known in there.items():
        if unknown := sorted(set(course[key]) - known):
            choice = ", ".join(sorted(known)) or "none"
            raise lesson.bad(-1, f"{key}: {unknown[0]!r} is not there; there is {choice}")
    if len(lines) != len(lesson.cells):
        raise lesson.bad(-1, "text outside of a cell: the first cell must follow the header")
    _give_ids(lesson)
    for n, cell in enumerate(lesson.cells):
        head = rows[lines[n] - 1]
        if not tags(cell) <= TAGS or ("tags=" in head.partition("alt=")[0] and not tags(cell)):
            raise lesson.bad(n, f"tags that cannot be read; there are {', '.join(sorted(TAGS))}")
        if "deeper" in tags(cell) and not cell.source.startswith("## "):
            raise lesson.bad(
                n, "deeper marks a side door by its heading, a cell that starts with ##"
            )
        if re.search(r"\n## ", cell.source) and cell.cell_type == "markdown":
            raise lesson.bad(n, "a ## heading must start its cell")
        if "within" in cell.metadata:
            _inspect_within(lesson, n, cell)
        if cell.cell_type == "code":
            _inspect_code(lesson, n, cell)
        if "exercise" in tags(cell):
            _inspect_exercise(lesson, n, cell)
    _inspect_names(lesson)
    _inspect_path(lesson)
    unused = set(course["objectives"]) - {c.metadata.get("objective") for c in lesson.cells}
    if unused:
        raise lesson.bad(-1, f"no exercise has objective={sorted(unused)[0]!r}")
    return pickle.dumps(lesson)


def student_source(cell: NotebookNode) -> str:
    """The cell as students get it: answers cut out, and in their place a stub that runs."""

    if "exercise" not in tags(cell):
        return cell.source
    gives = "return ..."  # what no right answer returns, so that a forgotten return can be told

    def stub(region: re.Match) -> str:
        within = re.findall(r"def (\w+)", cell.source[: region.start()])[-1:]
        dots = ["..."] if within == ["__init__"] else [gives]
        if not region["indent"]:  # a bare answer: keep the names that it gives
            given = [a for a in ast.parse(region["answer"]).body if isinstance(a, ast.Assign)]
            nodes = [node for a in given for t in a.targets for node in ast.walk(t)]
            names = [node.id for node in nodes if isinstance(node, ast.Name)]
            dots = [f"{name} = ..." for name in dict.fromkeys(names)] or ["..."]
        rows = ["# Your code here, in place of the dots:", *dots]
        return "\n".join(region["indent"] + row for row in rows)

    source = REGION.sub(stub, cell.source)
    try:
        compile(source, "stub", "exec")
    except SyntaxError:  # a region in a class, outside of its methods
        gives = "..."
        source = REGION.sub(stub, cell.source)
    return source


def _give_ids(lesson: Lesson) -> None:
    """Ids are a function of content and order: the same source gives the same bytes."""
    seen = {"opening", "onward"}  # the builder's own cells
    for n, cell in enumerate(lesson.cells):
        cell.metadata.pop("lines_to_next_cell", None)
        own = cell.metadata.pop("id", None)
        if own in seen:
            raise lesson.bad(n, f"id {own!r} is taken already")
        if own and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", own):
            raise lesson.bad(n, f"id {own!r} must be 1 to 64 letters, digits, - and _")
        content = f"{lesson.stem}\0{cell.cell_type}\0{cell.source}".encode()
        digest = hashlib.sha256(content).hexdigest()[:8]
        cell.id, again = own or digest, 1
        while cell.id in seen:
            again += 1
            cell.id = f"{digest}-{again}"
        seen.add(cell.id)


def _inspect_code(lesson: Lesson, n: int, cell: NotebookNode) -> None:
    try:
        ast.parse(cell.source)
    except SyntaxError as error:
        raise lesson.bad(n, f"not Python: {error}") from None
    length = len(cell.source.splitlines())
    if length > MOST_LINES and "exercise" not in tags(cell):
        raise lesson.bad(n, f"a cell of {length} lines; {MOST_LINES} is the most")
    if "nbval-ignore-output" in tags(cell) and not cell.metadata.get("reason"):
        raise lesson.bad(n, 'nbval-ignore-output needs reason="…" beside it')
    after = lesson.cells[n + 1].source if n + 1 < len(lesson.cells) else ""
    if "alt" in cell.metadata and not re.match(r"\*[^*\s].{8,}?\*(?!\*)", after, re.DOTALL):
        raise lesson.bad(
            n, "a picture needs a caption: the next cell's first sentence, in *italics*"
        )
    if re.search("### (BEGIN|END) SOLUTION", cell.source) and "exercise" not in tags(cell):
        raise lesson.bad(n, "a solution region outside of an exercise cell")


def names(source: str) -> tuple[set[str], set[str]]:
    """(bound, used) names of one cell, without those that live and die inside its functions."""
    top = symtable.symtable(source, "cell", "exec")
    bound = {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    used, tables = {s.get_name() for s in top.get_symbols() if s.is_referenced()}, [top]
    while tables:
        tables += tables.pop().get_children()
        used |= {s.get_name() for t in tables for s in t.get_symbols() if s.is_global()}
    return bound, used


def _inspect_within(lesson: Lesson, n: int, cell: NotebookNode) -> None:
    try:
        room = float(cell.metadata["within"])
    except (TypeError, ValueError):
        room = 0
    if not 0 < room < float("inf") or cell.cell_type != "code":
        raise lesson.bad(n, 'within="…" says how far a code cell\'s numbers may move: a number > 0')


def _inspect_names(lesson: Lesson) -> None:
    """The story uses no name that an exercise gives, and the path none that a side door gives."""
    given: dict[str, str] = {}  # by which exercise
    doors: dict[str, Section] = {}  # by which side door
    for section in lesson.sections:
        for n in section.cells:
            cell = lesson.cells[n]
            if cell.cell_type != "code" or tags(cell) & TEACHER:
                continue
            bound, used = names(cell.source)
            for name in sorted(used & doors.keys() - bound):
                if doors[name] is not section:
                    who = f"side door {section.title!r}" if section.deeper else "path"
                    why = f"the {who} uses {name!r}, which side door {doors[name].title!r} defines"
                    raise lesson.bad(n, why)
            doors = {name: by for name, by in doors.items() if name not in bound}
            doors |= dict.fromkeys(bound, section) if section.deeper else {}
            if "check" in tags(cell):
                continue
            if "exercise" in tags(cell):
                given |= dict.fromkeys(bound, cell.id)
                continue
            for name in sorted(used & given.keys() - bound):
                raise lesson.bad(
                    n, f"the story uses {name!r}, which exercise {given[name]} defines"
                )
            given = {name: by for name, by in given.items() if name not in bound}


def _inspect_path(lesson: Lesson) -> None:
    """The path ends in one build, judged on held-back data, and is no longer than it may be."""
    path = [n for s in lesson.sections if not s.deeper for n in s.cells]
    builds = [n for n, c in enumerate(lesson.cells) if "build" in tags(c)]
    if not builds:
        raise lesson.bad(-1, 'no exercise is the build: tags=["exercise", "build"]')
    for n in builds:
        later = [m for m in path if m > n and "exercise" in tags(lesson.cells[m])]
        if len(builds) > 1 or n not in path or later:
            raise lesson.bad(n, "there is one build, the last exercise on the path")
        text = lesson.cells[n - 1].source
        own = re.search(HEADING.format(re.escape(lesson.cells[n].id)), text)
        if own and int(own[0].split()[-2]) not in BUILD:
            raise lesson.bad(n, f"a build takes {BUILD[0]} to {BUILD[-1]} minutes")
        _inspect_held_back(lesson, n)
    if lesson.minutes(deeper=False) > MOST_PATH:
        minutes = lesson.minutes(deeper=False)
        raise lesson.bad(
            -1, f"the path takes {minutes} minutes by the count; {MOST_PATH} is the most"
        )


def _inspect_held_back(lesson: Lesson, n: int) -> None:
    """The build's check judges on ``c.held_back(…)``, which no story cell has shown the reader."""
    told = set()
    for cell in lesson.cells[:n]:
        if cell.cell_type == "code" and not tags(cell) & {"check", "exercise", *TEACHER}:
            told |= names(cell.source)[0]
    calls = [
        node
        for node in ast.walk(ast.parse(lesson.cells[n + 1].source))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "held_back"
    ]
    if not calls:
        why = "a build is judged on data that the reader has not seen: c.held_back(…)"
        raise lesson.bad(n + 1, why)
    for name in (a.id for call in calls for a in call.args if isinstance(a, ast.Name)):
        if name in told:
            raise lesson.bad(n + 1, f"{name!r} is not held back: the story shows it to the reader")


def _inspect_exercise(lesson: Lesson, n: int, cell: NotebookNode) -> None:
    regions = REGION.findall(cell.source)
    if not regions or cell.source.count("SOLUTION") != 2 * len(regions):
        raise lesson.bad(n, "an exercise needs ### BEGIN SOLUTION … ### END SOLUTION, in pairs")
    if len(student_source(cell).splitlines()) > MOST_LINES:
        raise lesson.bad(n, f"the stub is longer than {MOST_LINES} lines")
    text = lesson.cells[n - 1].source if n else ""
    if not re.search(HEADING.format(re.escape(cell.id)), text):
        wanted = f"### Exercise {cell.id} · difficulty D · M minutes"
        raise lesson.bad(n, f"the cell before must hold the heading {wanted!r}")
    if text.count("<details>") < 2:
        raise lesson.bad(n, "the text before needs two folded hints")
    if cell.metadata.get("objective") not in lesson.course["objectives"]:
        raise lesson.bad(n, 'an exercise needs objective="…", one of the header\'s')
    check = lesson.cells[n + 1] if n + 1 < len(lesson.cells) else cell
    if "check" not in tags(check) or f'check("{cell.id}")' not in check.source:
        raise lesson.bad(n, f'the next cell must be tagged check and hold check("{cell.id}")')
    if len(check.source.splitlines()) > MOST_CHECK_LINES:
        raise lesson.bad(n + 1, f"a check has {MOST_CHECK_LINES} lines at most")
    if max(map(len, check.source.splitlines())) > MOST_CHECK_COLUMNS:
        raise lesson.bad(n + 1, f"a check's line has {MOST_CHECK_COLUMNS} columns at most")
    shown = " ".join(student_source(c) for c in lesson.cells if not tags(c) & TEACHER)
    for _, answer in regions:
        if " ".join(answer.split()) in " ".join(shown.split()):
            raise lesson.bad(n, "its answer can be read elsewhere in the student edition")


def own_names(source: str, inside: bool = True) -> set[str]:
    """The names that a cell gives a value before it uses them: it asks the story for none of these.

    Without ``inside``, what stands in functions and classes does not count.
    """
    tree = ast.parse(source)
    late: dict[int, tuple[int, int]] = {}
    nodes = list(ast.walk(tree)) if inside else list(_outer(tree))
    for node in nodes:  # a target gets its value after what stands to its right has run
        if isinstance(node, ast.Assign | ast.For):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            end = node if isinstance(node, ast.Assign) else node.iter
            within = [n for target in targets for n in ast.walk(target)]
            late |= {id(n): (end.end_lineno or 0, end.end_col_offset or 0) for n in within}
    found = [n for n in nodes if isinstance(n, ast.Name)]
    found.sort(key=lambda n: late.get(id(n), (n.lineno, n.col_offset)), reverse=True)
    first = {n.id: n for n in found}
    return {name for name, n in first.items() if isinstance(n.ctx, ast.Store)}


def _outer(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes outside of functions and classes."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _outer(node)


def needed(source: str) -> set[str]:
    """The names that an answer asks for: what it uses and has not been given by itself before."""
    made = own_names(source, inside=False)
    for node in _outer(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            made.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            made |= {(a.asname or a.name).partition(".")[0] for a in node.names}
    return names(source)[1] - made


def check_after(lesson: Lesson, exercise: str) -> NotebookNode:
    """The check of an exercise."""
    of_it = f'"{exercise}"'
    return next(c for c in lesson.cells if "check" in tags(c) and of_it in c.source)


def story_for(lesson: Lesson, exercise: str, wanted: set[str]) -> list[NotebookNode]:
    """The cells of the story that an exercise, its check and the names in ``wanted`` need."""
    at = next(n for n, c in enumerate(lesson.cells) if c.id == exercise)
    check = check_after(lesson, exercise).source
    wanted = wanted | names(lesson.cells[at].source)[1] | names(check)[1] - own_names(check)
    chosen = []
    for cell in reversed(lesson.cells[:at]):
        if cell.cell_type != "code" or tags(cell) & {"exercise", "check", "raises-exception"}:
            continue
        bound, used = names(cell.source)
        if bound & wanted:
            wanted |= used
            chosen.append(cell)
    return chosen[::-1]


def variants(path: Path, kinds: tuple[str, ...] = ("passes", "refused")) -> list[tuple[str, ...]]:
    """(exercise, kind, words, code) for each cell of these kinds in one file of wrong answers."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    heads = list(VARIANT.finditer(text))
    ends = [h.start() for h in heads[1:]] + [len(text)]
    cells = [(h["id"], h["kind"], h["words"], text[h.end() : e]) for h, e in zip(heads, ends)]
    return [cell for cell in cells if cell[1] in kinds]


def functions(stem: str, *names: str) -> list[Any]:
    """The named functions and classes of a lesson, without the rest of the cells they stand in."""
    cells = read_lesson(Path(__file__).parents[1] / "lessons" / f"{stem}.py").cells
    story = [c for c in cells if c.cell_type == "code" and "exercise" not in tags(c)]
    space: dict[str, Any] = {}
    for node in (node for cell in story for node in ast.parse(cell.source).body):
        if isinstance(node, ast.Import | ast.ImportFrom):
            with suppress(ModuleNotFoundError):  # modules that the lesson itself writes
                exec(ast.unparse(node), space)
        elif getattr(node, "name", "") in names:
            exec(ast.unparse(node), space)
    return [space[name] for name in names]
