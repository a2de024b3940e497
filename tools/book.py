"""Render the book from the executed lessons: a site, and if asked an EPUB and a PDF.

    python tools/book.py                 the site, in build/book/html
    python tools/book.py --epub --pdf    and build/book/pytorch-cell-by-cell.epub and .pdf

Everything comes from what is there: the students' notebooks with their outputs, the answers and reasons from
solutions/, the alt texts from the cells, the pages from README and its like. Two indexes are collected: of the
errors that the lessons raise on purpose, and of the calls in their summary tables. The PDF is printed by
Chromium, which playwright finds.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import nbformat
from nbformat import NotebookNode

from build import ROOT, anchor, dumps
from course import any_console
from lesson import BadLesson, Lesson, read_lesson, tags

BOOK, NAME = ROOT / "build" / "book", "pytorch-cell-by-cell"
CHROMIUM = (
    "chromium",
    "chromium-browser",
    "google-chrome",
)  # else the one that playwright installs
PAGES = [
    "README.md",
    "INSTRUCTORS.md",
    "CONTRIBUTING.md",
    "data/README.md",
    "docs/troubleshooting.md",
]
PAGES += ["docs/versions.md", "docs/one_server.md", "docs/benchmarks.md"]
FILES = ["LICENSE", "data/registry.json", "data/stand-in-surnames.txt", "docs/descent.png"]
FILES += ["docs/jupyterhub_config.py"]
FILES += [f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("benchmarks-*.png"))]
ERROR = re.compile(r"(?m)^(\w*(?:Error|Exception|Exit|Interrupt)): (.*(?:\n[ \t].*)*)")
CONTENTS = """
```{toctree}
:caption: Lessons
:hidden:
:maxdepth: 1

%s
```

```{toctree}
:caption: To look things up
:hidden:
:maxdepth: 1

errors
docs/troubleshooting
calls
```

```{toctree}
:caption: More
:hidden:
:maxdepth: 1

INSTRUCTORS
CONTRIBUTING
docs/one_server
data/README
docs/versions
docs/benchmarks
```
"""


def slug(title: str) -> str:
    """A heading's anchor: as JupyterLab makes it, without what an attribute or an address must not hold."""
    return re.sub(r"[\"%<>&]", "", title.replace(" ", "-"))


def read(lesson: Lesson, edition: str) -> NotebookNode:
    path = ROOT / edition / f"{lesson.stem}.ipynb"
    return nbformat.from_dict(json.loads(path.read_text(encoding="utf-8")))


def page(lesson: Lesson, paper: bool) -> NotebookNode:
    """The students' notebook as a page: answers, checks and what is to be guessed are folded.

    On ``paper`` nothing can be unfolded: the checks are left out there, and all outputs stand open.
    """
    nb, full = read(lesson, "notebooks"), read(lesson, "solutions")
    cells, guess = [], False
    for cell in nb.cells:
        insist_complete(lesson, cell)
        if cell.id == "opening":
            head, _, rest = cell.source.partition("\n\n")
            here = f"*To run it on your machine:* `make lab LESSON={lesson.stem[:2]}`"
            for words in (re.sub("[`*]", "", section.title) for section in lesson.sections):
                rest = rest.replace(anchor(words), f"[{words}](#{slug(words)})")
            cell.source = f"{head}\n\n{here}\n\n{rest}"
        if alt := cell.metadata.get("alt"):
            cell.metadata["mystnb"] = {"image": {"alt": alt}}
        if any(raised(cell)):
            cells.append(text(f"({spot(lesson, cell)})=", f"{cell.id}-spot"))
        if not (paper and "check" in tags(cell)):
            cells.append(cell)
        for data in (o.data for o in cell.get("outputs", []) if "text/html" in o.get("data", {})):
            data["text/html"] = re.sub(r"(?s)<style scoped>.*?</style>", "", data["text/html"])
        if guess and cell.cell_type == "code" and not paper:
            fold(cell, "output", "What it prints")
        guess = cell.cell_type == "markdown" and "**Predict before you run" in cell.source
        if "check" in tags(cell):
            fold(cell, "input", "How it is checked")
            cell.outputs = []
            cells += answer(full, cell)
    insist_anchors(lesson, nb.cells)
    nb.cells = cells
    return nb


def insist_complete(lesson: Lesson, cell: NotebookNode) -> None:
    """A page has all its outputs, and words for each picture."""
    if cell.cell_type != "code":
        return
    if cell.source and cell.execution_count is None:
        raise lesson.bad(cell.id, "was not run, so its page has no outputs: make build")
    if any("image/png" in o.get("data", {}) for o in cell.outputs) and not cell.metadata.get("alt"):
        raise lesson.bad(cell.id, 'a picture without alt="…"')


def insist_anchors(lesson: Lesson, cells: list[NotebookNode]) -> None:
    """No two headings of a page may have one anchor: a link would lead to the first of them."""
    before: set[str] = set()
    for cell in (c for c in cells if c.cell_type == "markdown"):
        for title in re.findall(r"(?m)^#{1,4} (.+)$", re.sub(r"(?s)```.*?```", "", cell.source)):
            own = slug(re.sub("[`*]", "", title))
            if own in before:
                raise lesson.bad(cell.id, f"a second heading {title!r}: give it words of its own")
            before.add(own)


def fold(cell: NotebookNode, part: str, words: str) -> None:
    cell.metadata["tags"] = [*cell.metadata.get("tags", []), f"hide-{part}"]
    prompts = {"code_prompt_show": words, "code_prompt_hide": words}
    cell.metadata["mystnb"] = cell.metadata.get("mystnb", {}) | prompts


def text(source: str, cell_id: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source, id=cell_id)


def answer(full: NotebookNode, check: NotebookNode) -> Iterator[NotebookNode]:
    """The folded answer to the exercise above a check, and why it is so."""
    at = [c.id for c in full.cells].index(check.id)
    own = next(c for c in reversed(full.cells[:at]) if "exercise" in tags(c))
    code = re.sub(r"(?m)^ *### (BEGIN|END) SOLUTION\n?", "", own.source).rstrip()
    yield folded("Answer", f"```python\n{code}\n```", f"{own.id}-answer")
    for cell in full.cells[at + 1 : at + 3]:
        if "solution" in tags(cell):
            yield folded("Why", cell.source, f"{own.id}-why")


def folded(title: str, source: str, cell_id: str) -> NotebookNode:
    return text(f"<details><summary>{title}</summary>\n\n{source}\n\n</details>", cell_id)


def spot(lesson: Lesson, cell: NotebookNode) -> str:
    return f"error-{lesson.stem[:2]}-{cell.id}"


def raised(cell: NotebookNode) -> Iterator[tuple[str, str]]:
    """The errors that a cell raises on purpose: (type, message)."""
    for output in cell.get("outputs", []):
        if output.output_type == "error":
            yield output.ename, output.evalue
        elif "expect_error(" in cell.source and output.output_type == "stream":
            yield from ERROR.findall(output.text)


def errors(lessons: list[Lesson]) -> str:
    """The page of errors: each message, where it is met, and what is said of it there."""
    rows = []
    for lesson in lessons:
        cells = read(lesson, "notebooks").cells
        for n, cell in enumerate(cells):
            below, above = prose(cells[n + 1 : n + 2]), prose(cells[n - 1 : n])
            told = (below or above[::-1] or ["…"])[0]
            rows += [(kind, said, told, lesson, cell) for kind, said in raised(cell)]
    rows.sort(key=lambda row: (row[0], row[1]))
    page, before = ["# Index of errors", "", INTRO.format(len(rows))], ""
    for kind, said, told, lesson, cell in rows:
        page += ["", f"## {kind}"] if kind != before else []
        where = f"[{lesson.label}](#{spot(lesson, cell)})"
        told = told.partition("**Predict before")[0]
        page += ["", f"```text\n{said.strip()[:600]}\n```", "", f"{where}: {sentences(told)}"]
        before = kind
    return "\n".join(page) + "\n"


def prose(cells: list[NotebookNode]) -> list[str]:
    """The plain paragraphs of text cells."""
    parts = [p for c in cells if c.cell_type == "markdown" for p in c.source.split("\n\n")]
    return [p for p in parts if p[0] not in "#<|-$" and not p.startswith("**Predict")]


INTRO = """Every error that the lessons raise on purpose, {} of them, with the words that PyTorch really
says, and what the lesson says to it. Paste a message into the search, or look for its kind here."""


def sentences(paragraph: str, most: int = 350) -> str:
    """The first whole sentences of a paragraph."""
    whole = " ".join(paragraph.split())
    parts = re.split(r"(?<=[.!?:]\)) (?=[A-Z`*])|(?<=[.!?]) (?=[A-Z`*])", whole)
    kept = parts[0]
    for part in parts[1:]:
        if len(kept) + len(part) > most:
            break
        kept += f" {part}"
    return kept


def calls(lessons: list[Lesson]) -> str:
    """The page of calls: the rows of all summary tables, with their lessons."""
    found: dict[str, list] = {}
    for lesson in lessons:
        own = "\n".join(c.source for c in lesson.cells if c.cell_type == "markdown")
        table = own.partition("## What you have met")[2].partition("\n## ")[0]
        for row in re.findall(r"(?m)^\| (`.*?) \|\s*$", table):
            first, *rest = re.split(r"(?<!\\) \| ", row + " ")
            link = f"[{lesson.stem[:2]}](notebooks/{lesson.stem}.ipynb)"
            entry = found.setdefault(first, [*(part.strip() for part in rest), []])
            entry[-1].append(link)
    by_name = sorted(found.items(), key=lambda item: re.sub(r"[^a-z0-9]", "", item[0].lower()))
    rows = [
        f"| {call} | {entry[0]} | {', '.join(dict.fromkeys(entry[-1]))} |"
        for call, entry in by_name
    ]
    head = f"# Index of calls\n\n{len(rows)} rows from the tables at the lessons' ends.\n"
    return "\n".join([head, "| call | what it does | lesson |", "|---|---|---|", *rows]) + "\n"


def lay(lessons: list[Lesson], paper: bool) -> None:
    """Write what Sphinx reads, in the repository's own layout, so that every link still leads there."""
    source = BOOK / ("paper" if paper else "source")
    shutil.rmtree(source, ignore_errors=True)
    for name in (*PAGES, *FILES):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, source / name)
    shutil.copytree(ROOT / "docs" / "book" / "_static", source / "_static")
    shutil.copyfile(ROOT / "docs" / "book" / "conf.py", source / "conf.py")
    home = (source / "README.md").read_text(encoding="utf-8")
    stems = "\n".join(f"notebooks/{m.stem}" for m in lessons)
    (source / "README.md").write_text(home + CONTENTS % stems, encoding="utf-8")
    (source / "errors.md").write_text(errors(lessons), encoding="utf-8")
    (source / "calls.md").write_text(calls(lessons), encoding="utf-8")
    (source / "notebooks").mkdir()
    for lesson in lessons:
        path = source / "notebooks" / f"{lesson.stem}.ipynb"
        path.write_text(dumps(page(lesson, paper)), encoding="utf-8")


def render(builder: str, source: str) -> int:
    """Let Sphinx write one form of the book; a warning is an error."""
    from sphinx.cmd.build import main as sphinx

    shutil.rmtree(BOOK / builder, ignore_errors=True)  # what is no longer made must not stay
    number = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    options = ["-q", "-W", "--keep-going", "-d", str(BOOK / f"doctrees-{source}")]
    options += [f"-Dversion={number}", str(BOOK / source), str(BOOK / builder)]
    return sphinx(["-b", builder, *options])


def declare_formulas(made: Path, target: Path) -> None:
    """Readers want to be told which pages of an EPUB hold formulas; Sphinx doesn't tell them."""
    with ZipFile(made) as old, ZipFile(target, "w") as new:
        with_formulas = {
            n for n in old.namelist() if n.endswith(".xhtml") and b"<math" in old.read(n)
        }
        for info in old.infolist():
            data = old.read(info)
            if info.filename == "content.opf":
                for name in with_formulas:
                    told = f'href="{name}"'.encode()
                    data = data.replace(told, told + b' properties="mathml"')
            new.writestr(info, data)


def main(argv: list[str] | None = None) -> int:
    any_console()
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--epub", action="store_true", help="an EPUB, too")
    parser.add_argument("--pdf", action="store_true", help="a PDF, too (needs Chromium)")
    options = parser.parse_args(argv)
    lessons = [read_lesson(p) for p in sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))]
    try:
        lay(lessons, paper=False)
    except BadLesson as error:
        print(error, file=sys.stderr)
        return 1
    status = render("html", "source")
    if options.epub or options.pdf:
        lay(lessons, paper=True)
    if options.epub and not status:
        status = render("epub", "paper")
        declare_formulas(next((BOOK / "epub").glob("*.epub")), BOOK / f"{NAME}.epub")
    if options.pdf and not status:
        status = render("singlehtml", "paper") or printed(BOOK / "singlehtml" / "README.html")
    return status


def printed(whole: Path) -> int:
    """Print the page that holds everything: bookmarks, page numbers, answers open, checks left out."""
    from playwright.sync_api import sync_playwright

    own = next(filter(None, map(shutil.which, CHROMIUM)), None)
    number = (
        '<div style="font-size: 8px; width: 100%; text-align: center"><span class="pageNumber">'
    )
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=own, args=["--no-sandbox"] if own else [])
        tab = browser.new_page()
        tab.goto(whole.as_uri(), timeout=300_000)
        tab.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
        tab.pdf(
            path=BOOK / f"{NAME}.pdf", format="A4", outline=True, tagged=True, print_background=True, scale=0.85,
            display_header_footer=True, header_template="<span></span>",
            footer_template=number + "</span></div>",
            margin={"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"},
        )  # fmt: skip
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
