"""What grade.py writes: the table, a journal to resume from, a page for each student and one for the class."""

from __future__ import annotations

import csv
import hashlib
import html
import io
import json
import os
import re
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

PASSED, LOOK = "passed", "look"
COLUMNS = ["student", "lesson", "exercise", "state", "points", "note", "seconds"]
COLORS = {PASSED: "#009e73", "not yet right": "#d55e00", "stopped": "#d55e00", LOOK: "#e69f00"}
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><style>
:root {{color-scheme: light dark}} body {{font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem}}
pre {{white-space: pre-wrap; margin: .3rem 0}} pre, p {{overflow-wrap: anywhere}} .share {{white-space: nowrap}} table {{border-collapse: collapse; width: 100%}} td, th {{text-align: left; padding: .2rem .6rem; vertical-align: top}}
.bar {{background: #8884; width: 12rem}} .bar div {{background: #009e73; height: 1rem}} section {{border-left: 4px solid; padding: .2rem .8rem; margin: 1rem 0}}
</style><h1>{title}</h1>
{body}</html>
"""


@dataclass
class Row:
    student: str
    lesson: str
    exercise: str
    state: str
    note: str = ""
    seconds: float = 0.0
    said: str = ""  # the check's own words
    file: str = ""
    key: str = ""  # of what was judged: whether a resumed run may keep this row
    answer: str = ""  # what a person has to look at
    mark: str = ""  # the points that a person has written

    @property
    def points(self) -> str:
        """A person decides where the tool could not."""
        return self.mark or {PASSED: "1", LOOK: "", "not judged": ""}.get(self.state, "0")

    @property
    def place(self) -> tuple[str, str, str]:
        return self.student, self.lesson, self.exercise


def plain(value: object) -> str:
    """One line that no spreadsheet takes for a formula."""
    text = " ".join(str(value).split())
    return f"'{text}" if text[:1] in tuple("=+-@|%") else text


def _lines(rows: list[Row]) -> str:
    """As CSV, in which Excel sees UTF-8 by its mark and no cell is a formula."""
    out = io.StringIO()
    for row in rows:
        cells = [*row.place, row.state, row.points, row.note, f"{row.seconds:.1f}"]
        csv.writer(out, lineterminator="\n").writerow(map(plain, cells))
    return out.getvalue()


HEAD = "\ufeff" + ",".join(COLUMNS) + "\n"


class Book:
    """The table and the pages; each row is on disk when ``add`` returns."""

    def __init__(self, table: Path, resume: bool) -> None:
        self.table, self.folder = table, table.with_suffix("")
        self.journal, self.rows = self.folder / "journal.jsonl", dict[tuple[str, str, str], Row]()
        self.marked: dict[tuple[str, str, str], str] = {}
        self.folder.mkdir(exist_ok=True)
        if resume and self.journal.exists():
            for line in self.journal.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    row = Row(**json.loads(line))
                except (ValueError, TypeError):
                    continue  # the line at which the disk was full, or the power went
                self.rows[row.place] = row
            self._read_marks()

    def _read_marks(self) -> None:
        """What a person has written into the table since stays: points, state and note."""
        for cells in read_table(self.table):
            place = tuple(cells[name] for name in ("student", "lesson", "exercise"))
            row = next((r for r in self.rows.values() if tuple(map(plain, r.place)) == place), None)
            if row is None:
                continue
            if cells["points"] != row.points:
                row.mark = cells["points"]
            if cells["state"] != row.state:
                row.state = cells["state"]
            if cells["note"] != plain(row.note):
                row.note = cells["note"]

    def start(self, keep: dict[tuple[str, str, str], str]) -> None:
        """Begin the files anew with those rows that are still right."""
        still = {p: r for p, r in self.rows.items() if keep.get(p) == r.key}
        self.marked = {p: r.mark for p, r in self.rows.items() if r.mark and p not in still}
        self.rows = {p: r for p, r in still.items() if r.state != "not judged" or r.mark}
        _replace(self.journal, "".join(_json(r) for r in self.rows.values()))
        _replace(self.table, HEAD + _lines([*self.rows.values()]))

    def add(self, row: Row) -> None:
        if mark := self.marked.pop(row.place, ""):
            row.note = "; ".join(filter(None, (row.note, f"you gave {mark} to an earlier answer")))
        self.rows[row.place] = row
        for path, text in ((self.journal, _json(row)), (self.table, _lines([row]))):
            with open(path, "a", encoding="utf-8", newline="") as f:
                f.write(text)
                f.flush()
                os.fsync(f.fileno())

    def finish(self) -> None:
        """Sort the table and write the pages."""
        rows = sorted(self.rows.values(), key=lambda r: r.place)
        _replace(self.table, HEAD + _lines(rows))
        links = []
        for student in dict.fromkeys(r.student for r in rows):
            own = [r for r in rows if r.student == student]
            name = page_name(student)
            _replace(self.folder / name, student_page(student, own))
            links.append((student, name, own))
        _replace(self.folder / "index.html", class_page(rows, links))


def read_table(table: Path) -> list[dict[str, str]]:
    """The rows of a table that may have been through a spreadsheet; ValueError if it has lost a column."""
    if not table.exists():
        return []
    text = table.read_text(encoding="utf-8-sig", errors="replace")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text[:60] else ","))
    if lost := [name for name in COLUMNS if rows and rows[0].get(name) is None]:
        raise ValueError(f"{table} has no column {lost[0]}: put it back, or move the table away")
    return rows


def _json(row: Row) -> str:
    return json.dumps(asdict(row), ensure_ascii=False) + "\n"


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="")
    os.replace(part, path)


def page_name(student: str) -> str:
    short = re.sub(r"\W+", "-", student)[:60].strip("-")
    return f"{short}-{hashlib.sha256(student.encode()).hexdigest()[:8]}.html"


def student_page(student: str, rows: list[Row]) -> str:
    parts = []
    for row in rows:
        color = COLORS.get(row.state, "#8a8a8a")
        title = html.escape(" · ".join(filter(None, (row.lesson, row.exercise, row.state))))
        words = re.sub(r"\x1b\[[\d;]*m", "", row.said)  # torch's messages are bold for terminals
        said = f"<pre>{html.escape(words)}</pre>" if words else ""
        note = f"<p>{html.escape(row.note)}</p>" if row.note else ""
        parts.append(f'<section style="border-color:{color}"><b>{title}</b>{said}{note}</section>')
    solved = sum(r.state == PASSED for r in rows)
    head = f"<p>{solved} of {sum(bool(r.exercise) for r in rows)} exercises passed.</p>"
    return PAGE.format(title=html.escape(student), body=head + "\n".join(parts))


def misconceptions(rows: list[Row]) -> list[tuple[str, int]]:
    """What the checks took for the likely thought behind wrong answers, commonest first."""
    likely = [re.findall(r"(?m)^ *likely: +(.+)$", r.said) for r in rows if r.state != PASSED]
    return Counter(text for one in likely for text in one).most_common(3)


def class_page(rows: list[Row], links: list[tuple[str, str, list[Row]]]) -> str:
    table = []
    for lesson, exercise in sorted({(r.lesson, r.exercise) for r in rows if r.lesson}):
        own = [r for r in rows if (r.lesson, r.exercise) == (lesson, exercise)]
        share = sum(r.points == "1" for r in own) / len(own)
        why = "<br>".join(f"{n} × {html.escape(text)}" for text, n in misconceptions(own))
        bar = f'<div class="bar"><div style="width:{share:.0%}"></div></div>'
        table.append(
            f"<tr><td>{html.escape(lesson)}<td>{html.escape(exercise)}<td>{bar}"
            f'<td class="share">{share:.0%} of {len(own)}<td>{why}'
        )
    body = ""
    if asks := [r for r in rows if not r.points]:
        body = "<h2>You decide</h2><p>Write the points into the table; what you write stays.</p>"
    for row in asks:
        title = html.escape(" · ".join(filter(None, (*row.place, row.state, row.file))))
        told = f"<p>{html.escape(row.note)}</p><pre>{html.escape(row.answer)}</pre>"
        body += f'<section style="border-color:{COLORS[LOOK]}"><b>{title}</b>{told}</section>\n'
    body += (
        "<h2>Solved</h2><table><tr><th>lesson<th>exercise<th><th>passed, of all<th>"
        "commonest misconceptions"
    )
    body += "\n".join(table) + "</table><h2>Students</h2><table>"
    body += "<tr><th>student<th>points<th>exercises"
    for student, name, own in links:
        states = Counter(r.state for r in own)
        told = ", ".join(f"{states[s]} {s}" for s in sorted(states))
        points = sum(float(r.points) for r in own if re.fullmatch(r"\d+(\.\d+)?", r.points))
        body += f'<tr><td><a href="{html.escape(name)}">{html.escape(student)}</a><td>{points:g}<td>{told}\n'
    return PAGE.format(title="The class", body=body + "</table>")
