"""What was handed in: the files and whose they are, the cells, and which of them answer what."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import stat
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from lesson import Lesson, names, needed, student_source, tags

MOST_BYTES, MOST_TEXT = 400 << 20, 2 << 20
MOODLE = re.compile(r"(?P<who>.+)_\d+_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?")
CANVAS = re.compile(r"(?P<who>[^\W_]+)(?:_LATE)?_\d{2,}_\d{2,}_(?P<file>.+)")
COPY = re.compile(r"[ _-]*(\(\d+\)|-?copy\s*\d*|kopie|v\d+|final|new|neu|-\d+)$", re.IGNORECASE)
KINDS = (".ipynb", ".ipynb.txt", ".ipynb.json")


@dataclass
class File:
    """One notebook that was found; ``name`` is its path, in letters that can be written anywhere."""

    name: str
    when: float
    read: Callable[[], bytes]
    student: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def stem(self) -> str:
        base = self.name.rpartition("/")[2]
        return next((base[: -len(k)] for k in KINDS[::-1] if base.lower().endswith(k)), base)


def readable(name: str) -> str:
    """A file's name in true letters: old archives and disks write it in Latin-1."""
    raw = os.fsencode(name)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def found(folder: Path) -> tuple[list[File], list[str]]:
    """The notebooks below a folder, also inside of archives, and what was passed over and why."""
    files: list[File] = []
    others: list[str] = []
    single = [folder.name] if not folder.is_dir() else None
    top = folder.parent if single else folder
    for where, folders, inside in os.walk(top) if single is None else [(str(top), [], single)]:
        for name in list(folders):
            if os.path.islink(os.path.join(where, name)):
                others.append(f"{readable(name)} (a link)")
                folders.remove(name)
        folders[:] = sorted(f for f in folders if f not in (".ipynb_checkpoints", "__MACOSX"))
        for name in sorted(inside):
            path = os.path.join(where, name)
            label = readable(os.path.relpath(path, top)).replace(os.sep, "/")
            if _of_the_system(label):
                continue
            try:
                seen = os.lstat(path)
            except OSError as error:
                others.append(f"{label} ({error.strerror})")
                continue
            if not stat.S_ISREG(seen.st_mode):
                others.append(
                    f"{label} ({'a link' if stat.S_ISLNK(seen.st_mode) else 'not a file'})"
                )
            elif label.lower().endswith(KINDS):
                files.append(File(label, seen.st_mtime, partial(_bytes, path)))
            elif label.lower().endswith(".zip"):
                try:
                    _unpack(label, Path(path).read_bytes(), files, others)
                except OSError as error:
                    others.append(f"{label} ({error.strerror})")
            else:
                others.append(label)
    return files, others


def _of_the_system(label: str) -> bool:
    parts = label.split("/")
    return "__MACOSX" in parts or ".ipynb_checkpoints" in parts or parts[-1].startswith("._")


def _bytes(path: str) -> bytes:
    """A regular file's content; opened so that a pipe put in its place meanwhile cannot wait for ever."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as f:
        if os.fstat(f.fileno()).st_size > MOST_BYTES:
            raise ValueError(f"larger than {MOST_BYTES >> 20} MB")
        return f.read()


def _unpack(label: str, raw: bytes, files: list[File], others: list[str], depth: int = 0) -> None:
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except (zipfile.BadZipFile, OSError, ValueError):
        others.append(f"{label} (not an archive that can be read)")
        return
    for info in archive.infolist():
        name = info.filename
        if not info.flag_bits & 0x800:  # no mark of UTF-8: the true bytes may still be that
            with suppress(UnicodeError):
                name = name.encode("cp437").decode("utf-8")
        inside = f"{label}/{name}".replace("\\", "/")
        if info.is_dir() or _of_the_system(inside):
            continue
        notebook, packed = inside.lower().endswith(KINDS), inside.lower().endswith(".zip")
        if info.file_size > MOST_BYTES or info.flag_bits & 1:
            others.append(f"{inside} ({'locked' if info.flag_bits & 1 else 'too large'})")
        elif notebook:
            when = _seconds(info.date_time)
            files.append(File(inside, when, partial(archive.read, info)))
        elif packed and depth < 2:
            try:
                _unpack(inside, archive.read(info), files, others, depth + 1)
            except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
                others.append(f"{inside} (not an archive that can be read)")
        else:
            others.append(inside)


def _seconds(when: tuple[int, ...]) -> float:
    """Of an archive's date, which may be none."""
    year, month, day, hour, minute, second = when
    return ((((year * 12 + month) * 31 + day) * 24 + hour) * 60 + minute) * 60.0 + second


def name_students(files: list[File], stems: list[str]) -> None:
    """Whose file each is: by Moodle's or Canvas's names, by its folder, or by its own name."""
    rows = [f.name.split("/") for f in files]
    tops = {row[0] for row in rows if row[0].lower().endswith(".zip")}
    if len(tops) == 1 and all(row[0] in tops for row in rows):
        rows = [row[1:] for row in rows]  # one archive: the whole class's
    while rows and all(len(row) > 2 for row in rows) and len({row[0] for row in rows}) == 1:
        rows = [row[1:] for row in rows]
    for file, row in zip(files, rows):
        parts = file.name.split("/")
        known = [m for part in parts if (m := MOODLE.fullmatch(part) or CANVAS.fullmatch(part))]
        if known:
            file.student = known[0]["who"]
        elif len(row) > 1:
            file.student = re.sub(r"\.zip$", "", row[0], flags=re.IGNORECASE)
        else:
            file.student = own_name(file.stem, stems) or file.stem
    # Several names in one folder: several people
    folders: dict[tuple[str, ...], list[File]] = {}
    for file, row in zip(files, rows):
        if len(row) == 2 and not any(MOODLE.fullmatch(p) or CANVAS.fullmatch(p) for p in row):
            folders.setdefault((row[0],), []).append(file)
    for inside in folders.values():
        own = [own_name(f.stem, stems) for f in inside]
        if len(own) > 1 and all(own) and len(set(own)) == len(own):
            for file, name in zip(inside, own):
                file.student = f"{file.student}/{name}"
                file.notes.append("taken as a student of its own: the folder holds several names")


def own_name(stem: str, stems: list[str]) -> str:
    """What a file's name says besides the lesson's."""
    for lesson in stems:
        stem = stem.replace(lesson, "")
    while (shorter := COPY.sub("", stem)) != stem:
        stem = shorter
    return stem.strip(" _-.")


# Cells ---------------------------------------------------------------------------------------------


@dataclass
class Cell:
    kind: str
    source: str
    id: str = ""


def cells_of(raw: bytes) -> tuple[list[Cell], dict[str, Any]]:
    """A notebook's cells and metadata; raises ValueError in words for a teacher if it is none."""
    if not raw.strip():
        raise ValueError("the file is empty")
    try:
        try:
            nb = json.loads(raw)
        except UnicodeDecodeError:
            nb = json.loads(raw.decode("latin-1"))
        sheets = nb.get("worksheets", [nb])  # nbformat 3
        cells = [
            Cell(
                str(c.get("cell_type", "code")),
                _text(c.get("source", c.get("input", ""))),
                str(c.get("id", "")),
            )
            for sheet in sheets
            for c in sheet["cells"]
        ]
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError):
        raise ValueError("not a notebook; was another kind of file renamed?") from None
    if not any(c.source.strip() for c in cells):
        raise ValueError("a notebook without cells")
    if sum(len(c.source) for c in cells) > MOST_TEXT:
        raise ValueError(f"more than {MOST_TEXT >> 20} MB of text in its cells")
    metadata = nb.get("metadata")
    return cells, metadata if isinstance(metadata, dict) else {}


def _text(source: Any) -> str:
    """One text with plain line ends and whole characters."""
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def python(source: str) -> str:
    """A cell's Python: IPython's own lines become ``pass``, in their places."""
    if source.lstrip().startswith("%%"):
        source = re.sub(r"^(\s*)%%.*", r"\1pass", source, count=1)
    return re.sub(r"(?m)^([ \t]*)(?:[%!].*|.*\?)$", _magic, source)


def _magic(line: re.Match[str]) -> str:
    asks = line[0].rstrip().endswith("?")
    if asks and not re.fullmatch(r"[ \t]*\??\??[\w.]+\?{0,2}[ \t]*", line[0]):
        return line[0]
    return line[1] + "pass"


def parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass
class Piece:
    """A cell, or what of it is neither the lesson's nor a check."""

    at: int  # its number in the notebook
    source: str
    id: str
    bound: set[str]
    used: set[str]
    parses: bool = True


@dataclass
class Answer:
    """What is run for one exercise."""

    pieces: list[Piece]
    notes: list[str]

    @property
    def source(self) -> str:
        return "\n\n".join(p.source for p in self.pieces)


def lesson_of(
    cells: list[Cell], metadata: dict[str, Any], lessons: list[Lesson]
) -> tuple[Lesson, str]:
    """The lesson that was handed in, by what it holds, and a note if it says otherwise itself."""
    said = metadata.get("course")
    said = str(said.get("lesson", "")) if isinstance(said, dict) else ""
    text = "\n".join(c.source for c in cells)
    ids = {c.id for c in cells}

    def held(lesson: Lesson) -> int:
        own = [c.id for c in lesson.cells if "exercise" in tags(c)]
        return sum((f'check("{n}")' in text) * 2 + (n in ids) for n in own)

    best = max(lessons, key=lambda m: (held(m), m.stem == said))
    if not held(best):
        defined = {n for c in cells for n in _names(python(c.source))[0]}
        by_names = {m.stem: len(_stub_names(m) & defined) for m in lessons}
        best = max(lessons, key=lambda m: (by_names[m.stem], m.stem == said))
        if by_names[best.stem] < 2 and best.stem != said:
            raise ValueError(
                f"there is no lesson {said!r}" if said else "no lesson's check is in it"
            )
    if said and said != best.stem:
        return best, f"it says that it is lesson {said}, but what it holds is {best.stem}"
    return best, ""


def _stub_names(lesson: Lesson) -> set[str]:
    return {n for c in lesson.cells if "exercise" in tags(c) for n in names(student_source(c))[0]}


BINDS = r"(?m)^(?:async )?(?:def|class) (\w+)|^(\w+)(?:\s*:[^=\n]+)?\s*=(?!=)"


def _names(source: str) -> tuple[set[str], set[str]]:
    """(bound, used), guessed from the look of the lines where a cell is not Python."""
    try:
        return names(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {a or b for a, b in re.findall(BINDS, source)}, set(re.findall(r"\w+", source))


class Handin:
    """One notebook against its lesson."""

    def __init__(self, cells: list[Cell], lesson: Lesson) -> None:
        self.lesson = lesson
        self.notes: list[str] = []
        self.exercises = [c for c in lesson.cells if "exercise" in tags(c)]
        self.stubs = {c.id: student_source(c) for c in self.exercises}
        self.gives = {n: names(stub)[0] for n, stub in self.stubs.items()}
        self.stub_dumps = {d for stub in self.stubs.values() for d in _dumps(stub)}
        own = [
            c
            for c in lesson.cells
            if c.cell_type == "code" and not tags(c) & {"solution", "instructor"}
        ]
        story = [c for c in own if not tags(c) & {"exercise", "check"}]
        self.story = {d for c in story if names(c.source)[0] for d in _dumps(c.source)}
        known = [c.source for c in own if "exercise" not in tags(c)] + [*self.stubs.values()]
        self.known = {python(source).strip() for source in known}
        self.story_names = {c.id: self._before(c.id) for c in self.exercises}
        self.checks: dict[str, int] = {}  # where the check of each exercise stands
        self.pieces: list[Piece] = []
        self._cut(cells)

    def _before(self, exercise: str) -> set[str]:
        at = [c.id for c in self.lesson.cells].index(exercise)
        story = [c for c in self.lesson.cells[:at] if c.cell_type == "code"]
        story = [c for c in story if not tags(c) & {"exercise", "check", "solution", "instructor"}]
        return {n for c in story for n in names(c.source)[0]}

    def _cut(self, cells: list[Cell]) -> None:
        """Keep what is the student's own; note where the checks stand."""
        rows = [(at, c.id, self._code(c, at)) for at, c in enumerate(cells)]
        held: tuple[int, str, str] | None = None  # the first part of a cell that was cut in two
        for n, (at, own, source) in enumerate(rows):
            for name in re.findall(r"""check\(\s*["']([\w-]+)["']""", source):
                self.checks.setdefault(name, at)
            if held:
                at, own, source = held[0], held[1], f"{held[2]}\n{source}"
                held = None
            if source.strip() in self.known:
                continue
            if parsed(source) is None:
                after = next((r[2] for r in rows[n + 1 :] if r[2].strip()), "")
                if after and parsed(f"{source}\n{after}"):
                    held = (at, own, source)
                    self.notes.append(
                        f"cells {at + 1} and {at + 2} are one answer cut in two: joined"
                    )
                    continue
                source = source.partition("with check(")[0]
            source = self._own(source)
            if source.strip():
                bound, used = _names(source)
                self.pieces.append(Piece(at, source, own, bound, used, parsed(source) is not None))

    def _code(self, cell: Cell, at: int) -> str:
        """The cell's Python; also of a text cell that is an answer by its id or by what it defines."""
        if cell.kind == "code":
            return python(cell.source)
        source = re.sub(r"(?m)^```\w*$", "", cell.source)
        tree = parsed(python(source))
        bound = _names(python(source))[0] if tree and tree.body else set()
        if any(bound & names for names in self.gives.values()):
            self.notes.append(f"cell {at + 1} holds an answer, but is a text cell: read as code")
            return python(source)
        return ""

    def _own(self, source: str) -> str:
        """Blank out checks, stubs and the lesson's own story; the rest stays on its lines."""
        tree = parsed(source)
        if tree is None:
            return source
        drop = [n for n in tree.body if _is_check(n) or ast.dump(n) in self.stub_dumps]
        drop += [n for n in tree.body if ast.dump(n) in self.story and _gives(n)]
        return blanked(source, drop, tree)

    def answer(self, exercise: str) -> Answer:
        """The pieces that answer one exercise, with what they need, in an order in which they run."""
        gives, notes = self.gives[exercise], []
        here = self.checks.get(exercise)
        start = max(
            (at for n, at in self.checks.items() if here is not None and at < here), default=-1
        )
        zone = [p for p in self.pieces if here is not None and start < p.at <= here]
        named = [p for p in self.pieces if p.id == exercise]
        others = set().union(*(g for n, g in self.gives.items() if n != exercise))
        chosen: dict[int, Piece] = {}
        for name in sorted(gives):
            binders = [p for p in zone if name in p.bound] or [p for p in named if name in p.bound]
            if not binders and name not in others:
                binders = [p for p in self.pieces if name in p.bound]
                if binders:
                    notes.append(
                        f"{name} was found in cell {binders[-1].at + 1}, not above the check"
                    )
            tries = [p for p in binders if p.parses] or binders
            if len({p.source for p in tries}) > 1 and not any(name in p.used for p in tries[1:]):
                notes.append(f"{len(tries)} answers give {name}: the last one counts")
            if tries:
                chosen[tries[-1].at] = tries[-1]
        if not chosen:  # not even by name: what stands in the answer's place says why
            chosen = {p.at: p for p in named or [p for p in zone if not p.parses]}
        if not chosen:
            return Answer([], notes)
        last = here if here is not None else max(chosen)
        ahead: list[Piece] = []
        asked: set[str] = set()
        while True:
            first = min(at for at in chosen if chosen[at] not in ahead)
            for piece in self.pieces:  # what changes an answer after it is made
                if first < piece.at <= last and piece in zone and _touches(piece.source) & gives:
                    chosen[piece.at] = piece
            missing = self._missing(chosen, exercise) - asked
            if not missing:
                break
            asked |= missing
            for name in sorted(missing):
                binders = [p for p in self.pieces if name in p.bound and p.at not in chosen]
                before = [p for p in binders if p.at < first]
                if helper := (before or binders)[-1:]:
                    chosen[helper[0].at] = helper[0]
                    if helper[0].at > max(here or 0, first):
                        ahead.append(helper[0])
                        below = helper[0].at + 1
                        notes.append(f"cell {below}, which it needs, stands below it")
        ordered = ahead[::-1] + [chosen[at] for at in sorted(chosen) if chosen[at] not in ahead]
        return Answer([self._alone(p, exercise, asked) for p in ordered], notes)

    def _missing(self, chosen: dict[int, Piece], exercise: str) -> set[str]:
        """What the chosen pieces use and neither they nor the story give."""
        wanted, given = set(), set(self.story_names[exercise])
        for at in sorted(chosen):
            wanted |= (needed(chosen[at].source) if chosen[at].parses else set()) - given
            given |= chosen[at].bound
        bound = set().union(*(p.bound for p in chosen.values()))
        return {n for n in wanted if n not in bound or n in self.gives[exercise]}

    def _alone(self, piece: Piece, exercise: str, wanted: set[str]) -> Piece:
        """Without the answers to other exercises that stand in the same cell."""
        tree = parsed(piece.source)
        if tree is None:
            return piece
        others = set().union(*(g for n, g in self.gives.items() if n != exercise))
        keep = self.gives[exercise] | wanted
        drop = [n for n in tree.body if (g := _gives(n)) & others and not g & keep]
        source = blanked(piece.source, drop, tree)
        return Piece(piece.at, source, piece.id, piece.bound, piece.used)

    def left_over(self, answers: list[Answer]) -> int:
        """How many own cells no answer has used."""
        used = {p.at for answer in answers for p in answer.pieces}
        return len({p.at for p in self.pieces} - used)


def _dumps(source: str) -> set[str]:
    tree = parsed(python(source))
    return {ast.dump(node) for node in tree.body} if tree else set()


def _is_check(node: ast.AST) -> bool:
    return isinstance(node, ast.With) and any(
        isinstance(i.context_expr, ast.Call) and getattr(i.context_expr.func, "id", "") == "check"
        for i in node.items
    )


def _gives(node: ast.stmt) -> set[str]:
    return names(ast.unparse(node))[0]


def _touches(source: str) -> set[str]:
    """The names whose values a cell changes in place: x[0] = …, x.y = …, x += …, x.append(…)."""
    tree, found = parsed(source), set()
    for node in tree.body if tree else ():
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            targets = [node.value.func, *node.value.args]
        for target in targets:
            while isinstance(target, ast.Attribute | ast.Subscript):
                target = target.value
            if isinstance(target, ast.Name):
                found.add(target.id)
    return found


def blanked(source: str, drop: list[ast.stmt], tree: ast.Module) -> str:
    """The source without these statements, every other one on the line where it was."""
    rows = source.split("\n")
    kept = {n for node in tree.body if node not in drop for n in _lines(node)}
    for node in drop:
        for n in _lines(node):
            if n not in kept:
                rows[n - 1] = ""
    return "\n".join(rows)


def _lines(node: ast.stmt) -> range:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    return range(first, (node.end_lineno or node.lineno) + 1)
