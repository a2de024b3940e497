"""Lessons in real nbgrader: make grade_book (LESSON="03 04" for others than 01).

It is installed into an environment of its own in build/nbgrader, which sees this one's packages after its own.
"""

import csv
import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

import nbformat
import pytest

import assignment

ROOT = Path(__file__).resolve().parents[2]
VERSION = "0.9.6"
LESSONS = os.environ.get("LESSON", "").split() or ["01"]


@pytest.fixture(scope="session")
def nbgrader():
    place = ROOT / "build" / "nbgrader"
    names = {"base": str(place), "platbase": str(place)}
    bin = Path(sysconfig.get_path("scripts", "venv", names))
    program = bin / f"nbgrader{'.exe' if os.name == 'nt' else ''}"
    if not program.exists():
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        own = Path(sysconfig.get_path("purelib", "venv", names))
        install = [bin / "python", "-m", "pip", "install", "--quiet", f"nbgrader=={VERSION}"]
        subprocess.run([*install, "--disable-pip-version-check"], check=True)
        ours = [sysconfig.get_path("purelib"), str(ROOT)]
        (own / "course.pth").write_text("\n".join(ours), encoding="utf-8")
    path = os.pathsep.join([str(bin), os.environ["PATH"]])
    env = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "JUPYTER_PREFER_ENV_PATH": "1"}

    def run(folder, *words):
        command = [program, *words]
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, encoding="utf-8", errors="replace"
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stderr

    return run


@pytest.mark.parametrize("lesson", LESSONS)
def test_it_gives_out_the_students_edition_and_grades_what_comes_back(nbgrader, tmp_path, lesson):
    course = tmp_path / "my course"
    course.mkdir()
    assert assignment.main([lesson, str(course)]) == 0
    (source,) = course.glob("source/*/*.ipynb")
    stem = source.stem
    nbgrader(course, "generate_assignment", stem)

    released = nbformat.read(course / "release" / stem / f"{stem}.ipynb", 4)
    ours = nbformat.read(ROOT / "notebooks" / f"{stem}.ipynb", 4)
    assert released.metadata.kernelspec == ours.metadata.kernelspec
    assert [(c.id, c.source) for c in released.cells] == [(c.id, c.source) for c in ours.cells]

    answers = {c.id: c.source for c in nbformat.read(source, 4).cells}
    tasks = [c for c in released.cells if c.metadata.get("nbgrader", {}).get("solution")]
    half = {c.id for c in tasks[::2]}
    for student, solved in {"none": set(), "half": half, "all": {c.id for c in tasks}}.items():
        for cell in tasks:
            cell.source = answers[cell.id] if cell.id in solved else cell.source
        folder = course / "submitted" / student / stem
        folder.mkdir(parents=True)
        nbformat.write(released, folder / f"{stem}.ipynb")
    nbgrader(course, "autograde", stem)

    graded = nbformat.read(course / "autograded" / "none" / stem / f"{stem}.ipynb", 4)
    failed = [
        c for c in graded.cells if any(o.output_type == "error" for o in c.get("outputs", []))
    ]
    checks = [c.id for c in failed if "check" in c.metadata.get("tags", [])]
    told = [c.id for c in failed if "raises-exception" in c.metadata.get("tags", [])]
    assert len(checks) == len(tasks) and len(failed) == len(checks) + len(told), "Run All survives"

    nbgrader(course, "export")
    with open(course / "grades.csv", encoding="utf-8") as f:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(f)}
    assert scores == {"none": 0, "half": len(half), "all": len(tasks)}
