"""The set-up and the reader's copies: nothing of the reader's is ever lost, and trouble is one clear line.

Nothing is installed: every command that would be run is recorded instead.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import course
from course import OLDEST, Trouble, fresh, lay_copies, main, setup, venv_python

OWN = '{"the reader": "wrote this"}'
TIME = re.compile(r"01_tensors_\d{4}-\d\d-\d\d_\d{6}(_\d+)?\.ipynb")


@pytest.fixture
def root(tmp_path):
    """A course of two lessons in a folder that is not plain ASCII."""
    root = tmp_path / "mein Kürs"
    (root / "notebooks").mkdir(parents=True)
    for stem in ("00_start_here", "01_tensors"):
        (root / "notebooks" / f"{stem}.ipynb").write_text(notebook(stem, 1), encoding="utf-8")
    (root / "notebooks" / "scratch.ipynb").write_text("not a lesson", encoding="utf-8")
    for name in ("pyproject.toml", "requirements.txt"):
        (root / name).write_text(f"{name} as it was", encoding="utf-8")
    return root


def notebook(stem, count):
    """A notebook of one cell that has run, or never (``count`` None)."""
    ran = {"execution_count": count, "outputs": ["ü"] if count else []}
    cell = {"cell_type": "code", "source": stem, **ran}
    return json.dumps({"cells": [cell]}, indent=1, ensure_ascii=False) + "\n"


def work(root):
    return {p.name: p.read_text(encoding="utf-8") for p in (root / "work").iterdir()}


# Copies ------------------------------------------------------------------------------------------


def test_copies_are_laid_once_without_outputs_and_never_overwritten(root):
    assert lay_copies(root) == ["00_start_here.ipynb", "01_tensors.ipynb"]
    (root / "work" / "01_tensors.ipynb").write_text(OWN, encoding="utf-8")
    (root / "work" / "my own.ipynb").write_text(OWN, encoding="utf-8")
    (root / "work" / "00_start_here.ipynb").unlink()
    assert lay_copies(root) == ["00_start_here.ipynb"]
    assert lay_copies(root) == []
    assert work(root) == {
        "00_start_here.ipynb": notebook("00_start_here", None),
        "01_tensors.ipynb": OWN,
        "my own.ipynb": OWN,
    }


@pytest.mark.parametrize("word", ["1", "01", "01_tensors", "01_tensors.ipynb", "tens"])
def test_fresh_puts_the_old_copy_aside_and_lays_a_new_one(root, word, capsys):
    lay_copies(root)
    (root / "work" / "01_tensors.ipynb").write_text(OWN, encoding="utf-8")
    assert main(["fresh", word], root) == 0
    left = work(root)
    (aside,) = left.keys() - {"00_start_here.ipynb", "01_tensors.ipynb"}
    assert TIME.fullmatch(aside) and left[aside] == OWN
    assert left["01_tensors.ipynb"] == notebook("01_tensors", None)
    said = capsys.readouterr().out
    assert "work/01_tensors.ipynb is new" in said and f"work/{aside}" in said


def test_fresh_within_one_second_loses_nothing(root, monkeypatch):
    monkeypatch.setattr(course.time, "strftime", lambda form: "2025-01-01_120000")
    lay_copies(root)
    for n in range(3):
        (root / "work" / "01_tensors.ipynb").write_text(f"try {n}", encoding="utf-8")
        fresh(root, "01")
    aside = {name: text for name, text in work(root).items() if "2025" in name}
    assert sorted(aside.values()) == ["try 0", "try 1", "try 2"]
    assert all(TIME.fullmatch(name) for name in aside)


def test_fresh_leaves_a_copy_that_nobody_has_changed(root, capsys):
    lay_copies(root)
    before = work(root)
    fresh(root, "01")
    assert work(root) == before and "as new" in capsys.readouterr().out


def test_fresh_without_an_old_copy_just_lays_one(root, capsys):
    fresh(root, "01")
    assert work(root)["01_tensors.ipynb"] == notebook("01_tensors", None)
    assert "old copy" not in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["fresh", "lab"])
@pytest.mark.parametrize("word", ["77", "7", "scratch", "ensors"])
def test_lesson_that_is_not_there_is_answered_with_those_that_are(root, verb, word, capsys):
    assert main([verb, word], root) == 1
    said = capsys.readouterr().err
    assert said == f"No lesson is called {word!r}. There are:\n  00_start_here\n  01_tensors\n"
    assert not (root / "work").exists()


def test_fresh_asks_which_lesson(root, capsys):
    assert main(["fresh"], root) == 1
    assert capsys.readouterr().err.startswith(
        "Which lesson? Name one, such as 03. There are:\n  00_start"
    )


def test_work_that_cannot_be_made_is_one_clear_line(root, capsys):
    (root / "work").write_text("a file where the folder should be")
    assert main(["fresh", "01"], root) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "Traceback" not in said
    assert f"{root / 'work'} is a file" in said and "rename the file" in said


@pytest.mark.parametrize("broken", ["replace", "rename"])
def test_disk_that_refuses_is_one_clear_line_and_keeps_the_readers_copy(
    root, broken, monkeypatch, capsys
):
    lay_copies(root)
    (root / "work" / "01_tensors.ipynb").write_text(OWN, encoding="utf-8")

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(
        *((course.os, "replace", refuse) if broken == "replace" else (Path, "rename", refuse))
    )
    assert main(["fresh", "01"], root) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "Permission denied" in said and "work" in said
    assert OWN in work(root).values()


# Set-up ------------------------------------------------------------------------------------------


@pytest.fixture
def commands(root, monkeypatch):
    """The commands that the set-up runs. ``run.broken`` are words of commands that fail."""
    run = SimpleNamespace(all=[], broken=set(), healed_by_a_new_venv={"import pip"})

    def record(command, **options):
        run.all.append(" ".join(map(str, command)))
        done = int(any(word in run.all[-1] for word in run.broken))
        if "-m venv" in run.all[-1] and not done:
            shutil.rmtree(root / ".venv", ignore_errors=True)
            venv_python(root).parent.mkdir(parents=True)
            venv_python(root).write_text("python")
            run.broken -= run.healed_by_a_new_venv
        if "--editable" in run.all[-1] and not done:
            for name in course.MODULES:
                package(root, name).mkdir(parents=True, exist_ok=True)
                (package(root, name) / "__init__.py").touch()
        return done

    def finish(command, **options):
        return subprocess.CompletedProcess(
            command, record(command), stdout="ensurepip is not available"
        )

    monkeypatch.setattr(course.subprocess, "call", record)
    monkeypatch.setattr(course.subprocess, "run", finish)
    monkeypatch.setattr(course.shutil, "which", lambda name: None)
    return run


def package(root, name):
    return root / ".venv/lib/python3.11/site-packages" / name


def installs(commands):
    return [c for c in commands.all if "--editable" in c]


def stamp(root):
    return root / ".venv" / ".course.json"


def test_setup_makes_an_environment_and_stamps_it(root, commands):
    python = setup(root)
    assert python == venv_python(root)
    venv, get_uv, install, probe = commands.all
    assert venv == f"{sys.executable} -m venv --clear {root / '.venv'}"
    assert get_uv.startswith(f"{python} -m pip install") and get_uv.endswith("uv")
    own = python.relative_to(root)
    assert install.startswith(f"{python} -m uv pip install --python {own}")
    assert install.endswith("--constraint requirements.txt --editable .")
    assert probe.startswith(f"{python} -P -c import torch, ") and "utils" in probe
    assert json.loads(stamp(root).read_text(encoding="utf-8"))["extras"] == []
    assert (root / ".venv/share/jupyter/lab/settings/overrides.json").exists()


def test_uv_is_used_where_there_is_one(root, commands, monkeypatch):
    monkeypatch.setattr(course.shutil, "which", lambda name: "/opt/uv")
    setup(root)
    assert [c for c in commands.all if "pip install" in c] == installs(commands)
    assert installs(commands)[0].startswith("/opt/uv pip install")


def test_current_environment_is_left_alone(root, commands, monkeypatch):
    setup(root)
    commands.all.clear()
    monkeypatch.setattr(course, "check_python", lambda: pytest.fail("not needed"))
    assert setup(root) == venv_python(root)
    assert commands.all == []


def test_extras_are_added_and_never_taken_away(root, commands):
    setup(root)
    setup(root, ["authors"])
    setup(root, ["browser"])
    setup(root, ["authors"])
    setup(root)
    assert [c.rpartition(" ")[2] for c in installs(commands)] == [
        ".", ".[authors]", ".[authors,browser]",
    ]  # fmt: skip


def change_lock(root):
    (root / "requirements.txt").write_text("torch==99", encoding="utf-8")


def cut_stamp(root):
    stamp(root).write_text('{"dige', encoding="utf-8")


def lose_stamp(root):
    stamp(root).unlink()


@pytest.mark.parametrize("change", [change_lock, cut_stamp, lose_stamp], ids=lambda f: f.__name__)
def test_environment_that_is_not_current_is_installed_into_again(root, commands, change):
    setup(root)
    change(root)
    commands.all.clear()
    setup(root)
    assert len(installs(commands)) == 1
    assert not any("-m venv" in c for c in commands.all), "its Python works, so it is kept"
    commands.all.clear()
    setup(root)
    assert commands.all == []


def test_moved_course_is_set_up_again(root, commands):
    setup(root)
    moved = root.rename(root.with_name("moved"))
    commands.all.clear()
    setup(moved)
    assert len(installs(commands)) == 1


@pytest.mark.parametrize("half", ["no stamp", "a stamp"])
def test_broken_python_is_made_anew(root, commands, half):
    if half == "a stamp":
        setup(root)
        venv_python(root).unlink()
        venv_python(root).symlink_to(root / "a Python that is gone")
    else:
        venv_python(root).parent.mkdir(parents=True)
        venv_python(root).write_text("half of a Python")
        commands.broken.add("import pip")
    commands.all.clear()
    setup(root)
    assert any("-m venv --clear" in c for c in commands.all) and len(installs(commands)) == 1
    assert stamp(root).exists()


def test_package_that_was_lost_is_noticed_and_all_is_made_anew(root, commands, capsys):
    setup(root, ["authors"])
    (package(root, "torch") / "__init__.py").unlink()
    commands.all.clear()
    setup(root)
    assert "damaged (torch is missing)" in capsys.readouterr().out
    assert any("-m venv --clear" in c for c in commands.all)
    assert len(installs(commands)) == 1 and installs(commands)[0].endswith("[authors]")
    commands.all.clear()
    setup(root)
    assert commands.all == []


def test_installation_that_was_cut_short_is_made_anew_if_it_does_not_import(root, commands):
    commands.broken.add("-P -c import torch")
    commands.healed_by_a_new_venv.add("-P -c import torch")
    venv_python(root).parent.mkdir(parents=True)
    venv_python(root).write_text("python")
    setup(root)
    assert ["--editable" in c or "-m venv" in c for c in commands.all if "-m pip" not in c] == [
        False, True, False, False, True, True, False,
    ], commands.all  # fmt: skip
    assert stamp(root).exists()


def test_packages_that_never_import_are_not_taken_for_done(root, commands, capsys):
    commands.broken.add("-P -c import torch")
    assert main(["setup"], root) == 1
    assert "Delete the folder .venv" in capsys.readouterr().err
    assert len(installs(commands)) == 2 and not stamp(root).exists()


def test_ctrl_c_during_the_set_up_is_one_clear_line(root, commands, monkeypatch, capsys):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(course, "install", interrupt)
    assert main(["lab"], root) == 130
    said = capsys.readouterr().err
    assert said == "\nStopped. Nothing of yours is lost; run the same command again.\n"
    assert not stamp(root).exists()


def test_extras_that_cannot_be_had_leave_a_course_that_opens(root, commands):
    setup(root)
    commands.broken.add("--editable")
    assert main(["setup", "--for", "authors"], root) == 1
    commands.all.clear()
    assert main(["lab"], root) == 0
    assert installs(commands) == []


def test_installation_that_stops_says_so_and_is_not_taken_for_done(root, commands, capsys):
    commands.broken.add("--editable")
    assert main(["setup"], root) == 1
    said = capsys.readouterr().err
    assert (
        said.count("\n") == 1
        and "The installation stopped" in said
        and "run the same command again" in said
    )
    assert not stamp(root).exists()
    commands.broken.clear()
    assert main(["setup"], root) == 0


def test_venv_that_cannot_be_made_says_how_to_mend_it(root, commands, capsys):
    commands.broken.add("-m venv")
    assert main(["setup"], root) == 1
    said = capsys.readouterr().err
    assert (
        "could not make" in said
        and "ensurepip is not available" in said
        and "apt install python3-venv" in said
    )
    assert installs(commands) == []


def test_uv_makes_the_environment_where_venv_cannot(root, commands, monkeypatch):
    commands.broken.add("-m venv")
    monkeypatch.setattr(course.shutil, "which", lambda name: "/opt/uv")
    setup(root)
    assert any(c.startswith("uv venv --seed") for c in commands.all) and stamp(root).exists()


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 9, 1), (2, 7, 18)], ids=str)
def test_old_python_is_told_in_one_line(root, commands, version, monkeypatch, capsys):
    old = SimpleNamespace(
        version_info=version, executable="/usr/bin/python3", stderr=sys.stderr, stdout=sys.stdout
    )
    monkeypatch.setattr(course, "sys", old)
    assert main(["lab"], root) == 1
    said = capsys.readouterr().err
    found = ".".join(map(str, version))
    assert said.count("\n") == 1
    assert f"needs Python 3.11 or newer; this is Python {found} (/usr/bin/python3)" in said
    assert "make lab PYTHON=" in said
    assert commands.all == []


def test_old_python_can_read_the_file_as_far_as_its_message():
    text = Path(course.__file__).read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 7))
    nodes = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import | ast.ImportFrom))
    modules = {(n.module if isinstance(n, ast.ImportFrom) else n.names[0].name) for n in nodes}
    beside = {"project"}  # imported after check_python
    assert modules <= sys.stdlib_module_names | beside
    assert OLDEST == (3, 11)


# lab ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "stem"), [([], "00_start_here"), (["01"], "01_tensors")])
def test_lab_sets_up_lays_copies_and_opens_the_lesson(root, commands, word, stem, capsys):
    assert main(["lab", *word, "--no-browser"], root) == 0
    assert commands.all[-1].startswith(f"{venv_python(root)} -m jupyterlab ")
    assert f"work/{stem}.ipynb " in commands.all[-1] and "--no-browser" in commands.all[-1]
    assert len(work(root)) == 2
    assert "Your copies are in work/ (2 new)" in capsys.readouterr().out


def test_lab_runs_in_the_courses_folder_and_hands_on_its_end(root, commands, monkeypatch):
    setup(root)
    asked = []
    monkeypatch.setattr(course.subprocess, "call", lambda command, cwd, env: asked.append(cwd) or 3)
    assert main(["lab"], root) == 3
    assert asked == [str(root)]


def test_ctrl_c_ends_lab_quietly(root, commands, monkeypatch, capsys):
    setup(root)

    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(course.subprocess, "call", interrupt)
    assert main(["lab"], root) == 0
    assert capsys.readouterr().err == ""


def test_options_of_jupyterlab_are_handed_on(root, commands):
    assert main(["lab", "01", "--port", "9999"], root) == 0
    assert "--port 9999" in commands.all[-1] and "work/01_tensors.ipynb" in commands.all[-1]


def test_data_are_fetched_after_a_set_up_without_the_authors_tools(root, commands):
    assert main(["data"], root) == 0
    assert commands.all[-1] == f"{venv_python(root)} -m utils.data --fetch"
    assert installs(commands)[0].endswith("--editable .")


@pytest.mark.parametrize(
    "argv",
    [["fresh", "01", "--force"], ["setup", "--fast"], ["lab", "01", "02"], [], ["destroy"]],
)
def test_unknown_words_are_refused(root, argv, capsys):
    with pytest.raises(SystemExit) as caught:
        main(argv, root)
    assert caught.value.code == 2 and "usage:" in capsys.readouterr().err


def test_trouble_is_an_error_of_its_own():
    assert not issubclass(Trouble, OSError), "or it would be caught with the disk's own errors"
