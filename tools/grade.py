"""Grade a folder of students' notebooks into a table, and a page for each student and for the class.

    python tools/grade.py submissions/ --to grades.csv
    python tools/grade.py submissions/ --to grades.csv --resume      after a stop

From each notebook the answers are taken, wherever they stand. Each is run by itself in a sandbox, after the
cells of the lesson that it needs, and judged by the course's own check. The submissions are not changed.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import queue
import re
import secrets
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from joblib import cpu_count  # the cores that this process may use
from nbformat import NotebookNode
from tqdm import tqdm

from course import any_console
from handin import Answer, File, Handin, cells_of, found, lesson_of, name_students
from lesson import (
    Lesson,
    check_after,
    names,
    needed,
    read_lesson,
    story_for,
    student_source,
    variants,
)
from oddities import business, oddities
from report import LOOK, PASSED, Book, Row, read_table
from sandbox import HOW_TO, ROOT, Ended, Kernel, no_sandbox

STATES = {PASSED, "not attempted yet", "not yet right"}
WORDS = {  # how an error reads to a teacher
    r"EOFError: EOF when reading": "it asks with input(), and nobody is there to answer",
    r"ModuleNotFoundError: No module named '([\w.]+)'": r"it needs the module \1, which is not here",
    r"MemoryError.*|.*(?:can't|not enough|Cannot) allocate.*": "it ran out of memory",
    r"OSError: \[Errno 27\].*": "it wrote a file that is too large",
    r"OSError: \[Errno 28\].*": "it filled its disk",
    r"BlockingIOError.*": "it started too many processes",
}


@dataclass
class Job:
    """One exercise of one submission."""

    student: str
    lesson: Lesson
    exercise: str
    answer: Answer
    file: str
    story: list[tuple[str, str]]
    looks: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        told = [
            self.answer.source,
            check_after(self.lesson, self.exercise).source,
            *map(str, self.story),
        ]
        return hashlib.sha256("\0".join([*told, *self.notes]).encode()).hexdigest()[:16]

    @property
    def place(self) -> tuple[str, str, str]:
        return self.student, self.lesson.stem, self.exercise

    def row(self, state: str, notes: list[str], seconds: float = 0.0, said: str = "") -> Row:
        note = "; ".join(dict.fromkeys([*self.notes, *self.answer.notes, *notes]))
        shown = self.answer.source if state == LOOK else ""
        return Row(*self.place, state, note, round(seconds, 1), said, self.file, self.key, shown)


@dataclass
class Plan:
    """What one exercise of the course takes: the same for every student."""

    exercise: NotebookNode
    check: str
    story: list[NotebookNode]
    keep: list[str]  # story names that the check uses
    wrong: list[str]  # stored answers that the check must refuse
    allowed: set[str]

    @classmethod
    def of(cls, lesson: Lesson, exercise: NotebookNode) -> Plan:
        check = check_after(lesson, exercise.id).source
        story = story_for(lesson, exercise.id, set())
        path = ROOT / "tests" / "wrong_answers" / f"{lesson.stem}.py"
        wrong = [code for name, _, _, code in variants(path, ("refused",)) if name == exercise.id]
        wrong = [w for w in wrong if story_for(lesson, exercise.id, needed(w)) == story]
        gives = names(student_source(exercise))[0] | names(exercise.source)[0]
        wrong = wrong or [student_source(exercise)]
        return cls(
            exercise,
            check,
            story,
            sorted(needed(check) - gives),
            wrong,
            business([exercise.source]),
        )


def judge(kernel: Kernel, job: Job, plan: Plan, seconds: int) -> tuple[Row, bool]:
    """One row, and whether the kernel may serve another answer."""
    notes, marks = [], list(dict.fromkeys(job.looks))[:5]
    cells = [(f"<cell {p.at + 1}>", p.source) for p in job.answer.pieces]
    started = time.monotonic()
    try:
        kernel.begin()
        errors = kernel.ask({"do": "run", "cells": cells, "keep": plan.keep}, seconds)
        state, said, changed, patched = verdict(kernel, plan, seconds, compare=True)
        spent = time.monotonic() - started
        notes += [f"cell {p.at + 1}: {worded(e)}" for p, e in zip(job.answer.pieces, errors) if e]
        if changed:
            notes.append(
                f"it changes the lesson's own {', '.join(changed)}; judged with the course's"
            )
        if patched and state == PASSED:
            marks.append(f"it has changed {', '.join(patched)}")
        if state == PASSED:
            wrong = secrets.choice(plan.wrong)
            kernel.ask(
                {"do": "run", "cells": [("<a stored wrong answer>", wrong)], "keep": []}, seconds
            )
            again = verdict(kernel, plan, seconds, compare=False)[0]
            if again not in STATES - {PASSED}:
                marks.append("after this answer the check accepts a wrong one, too")
        if state not in STATES or (state == PASSED and marks):
            state = LOOK
        if state == "not yet right":
            notes += re.findall(r"(?m)^ *likely: +(.+)$", said)[:1]
        notes += [f"{'look at it' if state == LOOK else 'noticed'}: {mark}" for mark in marks]
        fresh = kernel.end() and not job.looks
        return job.row(state, notes, spent, said), fresh
    except Ended as error:
        return job.row("stopped", [*notes, f"it {error}"], time.monotonic() - started), False


def verdict(
    kernel: Kernel, plan: Plan, seconds: int, compare: bool
) -> tuple[str, str, list[str], list[str]]:
    """State, words, changed story names, patched functions. The secret comes after the check has run."""
    tree, name = ast.parse(plan.check), f"c{secrets.token_hex(8)}"
    for node in ast.walk(tree):  # an answer could reach the check by its name
        if isinstance(node, ast.Name) and node.id == "c":
            node.id = name
    kernel.ask({"do": "check", "source": ast.unparse(tree), "name": name}, seconds)
    said = kernel.ask({"do": "verdict", "compare": compare}, 60)
    if not (isinstance(said, tuple) and len(said) == 4):
        raise Ended("gave no verdict")
    return said[0], str(said[1]).replace(name, "c"), *said[2:]


def worded(error: str) -> str:
    for pattern, words in WORDS.items():
        if match := re.match(pattern, error):
            return match.expand(words)
    return error


class Grading:
    """All the jobs of a class, and the workers that do them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        paths = sorted((ROOT / "lessons").glob("[0-9][0-9]_*.py"))
        self.lessons = [read_lesson(path) for path in paths]
        self.plans: dict[str, Plan] = {}
        self.rows: list[Row] = []  # known without running anything
        self.jobs: list[Job] = []
        self.results: queue.Queue[Row] = queue.Queue()
        self.stop = threading.Event()

    def collect(self, files: list[File]) -> None:
        """Read every file; the newest of a student's for a lesson is graded."""
        read: dict[tuple[str, str], tuple[File, Handin]] = {}
        for file in sorted(files, key=lambda f: (f.when, f.name)):
            try:
                cells, metadata = cells_of(file.read())
                lesson, note = lesson_of(cells, metadata, self.lessons)
                handin = Handin(cells, lesson)
            except Exception as error:  # anything may have been handed in
                why = (
                    str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
                )
                self.rows.append(
                    Row(
                        file.student,
                        "",
                        file.name,
                        "not gradable",
                        why,
                    )
                )
                continue
            file.notes += [note] if note else []
            if older := read.pop((file.student, lesson.stem), None):
                file.notes.append(
                    f"two files: the newer, {file.name}, is graded, not {older[0].name}"
                )
            read[file.student, lesson.stem] = file, handin
        for file, handin in read.values():
            try:
                self._plan(file, handin)
            except Exception as error:
                why = f"{file.name}: {type(error).__name__}: {error}"
                self.rows.append(Row(file.student, handin.lesson.stem, "", "not gradable", why))
        self.jobs.sort(key=lambda j: (j.lesson.stem, j.exercise, str(j.story), j.student))

    def _plan(self, file: File, handin: Handin) -> None:
        answers = {c.id: handin.answer(c.id) for c in handin.exercises}
        notes = [*file.notes, *handin.notes]
        if more := handin.left_over([*answers.values()]):
            notes.append(f"cells added or changed outside of the answers, not graded: {more}")
        jobs = []
        for cell in handin.exercises:
            plan = self.plans.get(cell.id) or Plan.of(handin.lesson, cell)
            self.plans[cell.id] = plan
            answer = answers[cell.id]
            wanted = set().union(*(needed(p.source) for p in answer.pieces if p.parses))
            story = story_for(handin.lesson, cell.id, wanted)
            looks = [look for p in answer.pieces for look in oddities(p.source, plan.allowed)]
            told = [(c.id, c.source) for c in story]
            jobs.append(
                Job(file.student, handin.lesson, cell.id, answer, file.name, told, looks, notes)
            )
        self.rows += [j.row("not attempted yet", []) for j in jobs if not j.answer.pieces]
        self.jobs += [j for j in jobs if j.answer.pieces]

    def work(self, todo: queue.Queue[Job]) -> None:
        kernel, story = None, None
        while not self.stop.is_set():
            try:
                job = todo.get_nowait()
            except queue.Empty:
                break
            try:
                if kernel is None or story != job.story:
                    if kernel:
                        kernel.kill()
                    story, memory = job.story, self.options.memory << 30
                    kernel = Kernel(job.story, trust=self.options.trust, memory=memory)
                if kernel.story_failed:
                    raise RuntimeError(
                        f"the lesson's own cell fails here: {kernel.story_failed[0]}"
                    )
                row, fresh = judge(kernel, job, self.plans[job.exercise], self.options.seconds)
            except Exception as error:  # never one submission's fault alone; the others go on
                row, fresh = job.row("not judged", [str(error) or type(error).__name__]), False
            if kernel and not fresh:
                kernel.kill()
                kernel = None
            if not self.stop.is_set():
                self.results.put(row)
        if kernel:
            kernel.kill()

    def run(self, book: Book) -> int:
        """Do the jobs; each row is on disk as soon as it is known. How many were left undone."""
        keep = {j.place: j.key for j in self.jobs}
        book.start(keep)
        for row in self.rows:
            book.add(row)
        todo: queue.Queue[Job] = queue.Queue()
        open_jobs = [j for j in self.jobs if j.place not in book.rows]
        for job in open_jobs:
            todo.put(job)
        for _ in range(min(cpu_count(), len(open_jobs))):
            threading.Thread(target=self.work, args=(todo,), daemon=True).start()
        left = len(open_jobs)
        try:
            with tqdm(total=left, unit="answer") as bar:
                while left:
                    try:
                        row = self.results.get(timeout=0.5)  # else Ctrl-C waits on Windows
                    except queue.Empty:
                        continue
                    book.add(row)
                    left -= 1
                    bar.update()
        finally:
            self.stop.set()
            for kernel in list(Kernel.alive):
                kernel.kill()
        return left


def problem(options: argparse.Namespace, files: list[File]) -> str:
    """What keeps the grading from starting, in one line."""
    folder = options.to.with_suffix("")
    if not options.folder.exists():
        return f"There is no folder {options.folder}."
    if not files:
        return f"There is no notebook in {options.folder}."
    if not options.to.absolute().parent.is_dir():
        return f"There is no folder {options.to.parent} for the table: make it, or change --to."
    if not options.to.suffix:
        return f"--to is {options.to}; the table's name needs an ending, as in grades.csv."
    for there in (options.to, folder):
        if there.exists() and not options.resume:
            return f"{there} exists already; name another file with --to, or go on with --resume."
    if options.resume and not (folder / "journal.jsonl").exists():
        return f"There is nothing to resume: no {folder / 'journal.jsonl'}."
    if options.resume:
        try:
            read_table(options.to)
        except ValueError as error:
            return f"{error}."
    for name in ("seconds", "memory"):
        if getattr(options, name) < 1:
            return f"--{name} is {getattr(options, name)}; it must be at least 1."
    return ""


def parse(argv: list[str] | None) -> argparse.Namespace:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    add = parser.add_argument
    add("folder", type=Path, help="the submissions: a folder, an archive or one notebook")
    add(
        "--to",
        type=Path,
        default=Path("grades.csv"),
        help="the table (grades.csv); pages beside it",
    )
    add(
        "--seconds", type=int, default=120, help="the most an answer, and its check, may take (120)"
    )
    add("--memory", type=int, default=4, help="the most memory an answer may take, in GB (4)")
    add("--resume", action="store_true", help="keep what an earlier run has found out")
    add("--trust", action="store_true", help="run answers without a sandbox, with your rights")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    any_console()
    options = parse(argv)
    files, others = found(options.folder)
    if wrong := problem(options, files):
        print(wrong, file=sys.stderr)
        return 1
    if not options.trust and (why := no_sandbox()):
        print(HOW_TO.format(why), file=sys.stderr)
        return 1
    if others:
        print(f"Passed over, as they are not .ipynb: {', '.join(others)}")
    grading = Grading(options)
    name_students(files, [m.stem for m in grading.lessons])
    grading.collect(files)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    left, why, book = -1, "", None
    try:
        book = Book(options.to, options.resume)
        left = grading.run(book)
    except KeyboardInterrupt:
        why = "Interrupted."
        left = sum(j.place not in book.rows for j in grading.jobs) if book else -1
    except OSError as error:  # a full disk
        why = f"The table could not be written: {error}."
    try:
        if book and book.rows:
            book.finish()
    except OSError as error:
        why = why or f"The pages could not be written: {error}."
    told = list(book.rows.values()) if book and not left else []
    for student, lesson in sorted({(r.student, r.lesson) for r in told}):
        own = [r for r in told if (r.student, r.lesson) == (student, lesson)]
        notes = "; ".join(dict.fromkeys(r.note for r in own if r.note and r.state != PASSED))
        counts = f"{sum(r.state == PASSED for r in own):3} of {sum(bool(r.lesson) for r in own):2}"
        print(f"{counts}  {lesson:24} {student}  {'' if lesson else 'not gradable: '}{notes}")
    if left:
        known = f"{len(book.rows)} rows are known, {left} answers not yet judged. " if book else ""
        print(
            f"{why} {known if left > 0 else ''}What is known is in {options.to}; --resume goes on from there.",
            file=sys.stderr,
        )
        return 130 if why == "Interrupted." else 1
    if asks := sum(not r.points for r in told):
        print(
            f"{asks} {'row asks' if asks == 1 else 'rows ask'} for you; the class's page shows each with its answer."
        )
    print(
        f"The table is {options.to}; the class's page is {options.to.with_suffix('') / 'index.html'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
