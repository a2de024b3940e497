"""The set-up on machines that are not clean, and without CUDA: a real Python, and a uv that writes down what it is asked.

``uv`` on PATH is a few lines that record their arguments, folder and environment, and lay the packages
that the course asks for; so everything but the download is real.
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import course
from course import Trouble, environment, main, name_hidden, separate, setup, shelter, venv_python

ROOT = Path(course.__file__).resolve().parents[1]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the choice is there for Linux")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the uv of these tests is a script with #!")
LOCK = """\
numpy==2.0 \\
    --hash=sha256:11 \\
    --hash=sha256:12
    # via torch
torch==2.15.0 \\
    --hash=sha256:21 \\
    --hash=sha256:22
    # via course
torchmetrics==1.0 ; python_version > '3' \\
    --hash=sha256:31
torchvision==0.29.2 ; sys_platform == 'linux' \\
    --hash=sha256:41
    # via course
"""
UV = """#!{python}
import json, os, pathlib, sys
here, words = pathlib.Path(__file__).parent, sys.argv[1:]
if "--help" in words:
    print("--torch-backend" if not (here / "old").exists() else "--python")
    sys.exit()
with open(here / "asked.jsonl", "a") as file:
    file.write(json.dumps([words, os.getcwd(), dict(os.environ)]) + "\\n")
if "--torch-backend" in words and (here / "no index").exists():
    print("error: dns error", file=sys.stderr)
    sys.exit(2)
if "--dry-run" not in words:
    python = pathlib.Path(words[words.index("--python") + 1])
    (site,) = python.parent.parent.glob("lib/python3*/site-packages")
    (site / "fakepackage").mkdir(exist_ok=True)
    (site / "fakepackage" / "__init__.py").touch()
    (site / "utils_of_the_course.py").write_text(FINDER.format(repr(os.getcwd())))
    (site / "course.pth").write_text("import utils_of_the_course")
"""
# as setuptools does it for an editable package: a finder that comes last
FINDER = '''FINDER = """
import importlib.util, os, sys
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "utils":
            return importlib.util.spec_from_file_location(name, os.path.join({}, "utils", "__init__.py"))
sys.meta_path.append(Finder)
"""
'''


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """What the recording uv was asked, as (arguments, folder, environment); it is first on PATH."""
    place = tmp_path / "programs"
    place.mkdir()
    first, _, rest = UV.partition("\n")
    (place / "uv").write_text(f"{first.format(python=sys.executable)}\n{FINDER}{rest}")
    (place / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(place), prepend=os.pathsep)
    monkeypatch.setattr(course, "MODULES", ["fakepackage"])

    def quick(root):  # without ensurepip, which takes seconds
        command = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(root / ".venv")]
        subprocess.run(command, check=True, env=environment(root))
        (site,) = root.glob(".venv/lib/python3*/site-packages")
        (site / "pip").mkdir()
        (site / "pip" / "__init__.py").touch()
        (site / "pip" / "__main__.py").write_text(PIP.format(repr(str(place / "uv"))))

    monkeypatch.setattr(course, "make_venv", quick)

    def asked():
        lines = (place / "asked.jsonl").read_text().splitlines()
        return [
            SimpleNamespace(**dict(zip(("words", "folder", "env"), json.loads(li)))) for li in lines
        ]

    return SimpleNamespace(place=place, asked=asked)


# a pip that "installs" the recording uv, in a version that is new
PIP = """
import pathlib, sys
uv = pathlib.Path({})
(uv.parent / "old").unlink(missing_ok=True)
(pathlib.Path(__file__).parents[1] / "uv.py").write_text("import os, sys; os.execv(" + repr(str(uv)) + ", [" + repr(str(uv)) + ", *sys.argv[1:]])")
"""


def make_course(root):
    (root / "notebooks").mkdir(parents=True)
    for stem in ("00_start_here", "03_linear_regression", "09_char_rnn"):
        (root / "notebooks" / f"{stem}.ipynb").write_text('{"cells": []}')
    (root / "utils").mkdir()
    (root / "utils" / "__init__.py").touch()
    (root / "pyproject.toml").write_text("asks for")
    (root / "requirements.txt").write_text(LOCK)
    return root


@pytest.fixture
def root(tmp_path):
    return make_course(tmp_path / "mein Kürs")


def stamp(root):
    return json.loads((root / ".venv" / ".course.json").read_text())


# Children in a defined environment -----------------------------------------------------------------

HOSTILE = {
    "PYTHONPATH": "/elsewhere", "PYTHONHOME": "/elsewhere", "PYTHONSTARTUP": "/elsewhere/x.py",
    "PYTHONIOENCODING": "ascii", "PYTHONUSERBASE": "/elsewhere", "PYTHONSAFEPATH": "1",
    "PIP_TARGET": "/elsewhere", "PIP_PREFIX": "/elsewhere", "PIP_NO_DEPS": "1", "PIP_ROOT": "/elsewhere",
    "PIP_REQUIRE_HASHES": "1", "PIP_CONSTRAINT": "/elsewhere", "PIP_NO_BINARY": ":all:",
    "UV_TARGET": "/elsewhere", "UV_SYSTEM_PYTHON": "1", "UV_PYTHON": "3.6", "UV_PREFIX": "/elsewhere",
    "UV_CONSTRAINT": "/elsewhere", "UV_PROJECT_ENVIRONMENT": "/elsewhere", "UV_NO_BINARY": "1",
    "UV_EXCLUDE_NEWER": "2001-01-01", "UV_REQUIRE_HASHES": "1", "UV_WORKING_DIR": "/elsewhere",
    "CONDA_PREFIX": "/elsewhere", "CONDA_DEFAULT_ENV": "base", "MPLBACKEND": "TkAgg",
    "JUPYTER_PATH": "/elsewhere", "JUPYTERLAB_DIR": "/elsewhere", "JPY_PARENT_PID": "1",
}  # fmt: skip
SITE = {
    "PIP_INDEX_URL": "i", "PIP_EXTRA_INDEX_URL": "e", "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "f",
    "PIP_CERT": "c", "PIP_CLIENT_CERT": "c", "PIP_PROXY": "p", "PIP_TRUSTED_HOST": "t",
    "PIP_DEFAULT_TIMEOUT": "9", "PIP_CONFIG_FILE": "o", "UV_INDEX_URL": "i", "UV_DEFAULT_INDEX": "d",
    "UV_INDEX_OURS_PASSWORD": "s", "UV_INSECURE_HOST": "h", "UV_NATIVE_TLS": "1", "UV_HTTP_TIMEOUT": "9",
    "UV_SYSTEM_CERTS": "1", "SSL_CERT_FILE": "s", "HTTPS_PROXY": "p", "REQUESTS_CA_BUNDLE": "b",
    "COURSE_DATA": "d", "COURSE_DEVICE": "cpu", "PYTORCH_ENABLE_MPS_FALLBACK": "1", "LANG": "C",
}  # fmt: skip


def test_children_see_the_site_s_settings_and_nothing_that_leads_them_elsewhere(root, monkeypatch):
    for name, value in {**HOSTILE, **SITE, "PIP_USER": "1", "VIRTUAL_ENV": "/elsewhere"}.items():
        monkeypatch.setenv(name, value)
    env = environment(root)
    assert {name: env[name] for name in HOSTILE if name in env} == {}
    assert {name: env.get(name) for name in SITE} == SITE
    assert env["PIP_USER"] == "0" and env["VIRTUAL_ENV"] == str(root / ".venv")
    assert env["PATH"].split(os.pathsep)[0] == str(root / ".venv" / "bin")


@pytest.mark.parametrize("name", [*HOSTILE, "PIP_USER", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV"])
def test_the_set_up_goes_through_in_a_foreign_environment(root, uv, monkeypatch, tmp_path, name):
    evil = tmp_path / "evil"
    for package in ("utils", "fakepackage"):
        (evil / package).mkdir(parents=True)
        (evil / package / "__init__.py").write_text("raise SystemExit('hidden')")
    value = {"PIP_USER": "1", "PIP_REQUIRE_VIRTUALENV": "1"}.get(name, HOSTILE.get(name))
    monkeypatch.setenv(name, str(evil) if name == "PYTHONPATH" or value is None else value)
    assert setup(root) == venv_python(root)
    (asked,) = uv.asked()
    assert name not in asked.env or name in ("PIP_USER", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV")


@pytest.mark.parametrize(
    "name",
    ["a[b]", "[authors]", "c#d", "e%20f", "g;h", "i,j", "k@l", "ümläut ß", "bl  ank", "😀", "it's",
     'say "hi"', "-dash", "~tilde", "a&b", "$HOME", "new (1)", "back\\slash", "a=b", "{x}", "a?b*", "~ "],
)  # fmt: skip
def test_odd_letters_in_the_folder_s_name_do_not_stop_the_set_up(tmp_path, uv, name, capsys):
    root = make_course(tmp_path / name)
    assert main(["setup", "--for", "authors"], root) == 0, capsys.readouterr().err
    (asked,) = uv.asked()
    assert asked.folder == str(root) and asked.words[-2:] == ["--editable", ".[authors]"]
    assert not any(str(tmp_path) in word for word in asked.words), "no path is taken apart"


@pytest.mark.parametrize("odd", [b"Mon: tea", b"stra\xdfe"])
def test_a_path_in_which_no_environment_can_be_made_is_said_by_name(tmp_path, uv, odd, capsys):
    if b"\xdf" in odd and sys.platform != "linux":
        pytest.skip("file names are text there")
    root = make_course(Path(os.fsdecode(os.fsencode(str(tmp_path)) + b"/" + odd)))
    assert main(["lab"], root) == 1
    said = capsys.readouterr().err
    assert "rename that folder" in said and ("':'" if b":" in odd else "not UTF-8") in said
    assert not (root / ".venv").exists() and not (root / "work").exists()
    assert main(["setup"], root.rename(tmp_path / "renamed")) == 0


def test_an_incomplete_course_is_one_line(root, capsys):
    (root / "requirements.txt").unlink()
    assert main(["lab"], root) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(root / "requirements.txt") in said and "complete" in said


# A home that cannot be written ---------------------------------------------------------------------


@pytest.fixture(params=["a file", "below a file", "proc"])
def home(request, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    places = {
        "a file": tmp_path / "file",
        "below a file": tmp_path / "file" / "me",
        "proc": "/proc/me",
    }
    if request.param == "proc" and not os.path.isdir("/proc/self"):
        pytest.skip("no /proc here")
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "UV_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(places[request.param]))
    return str(places[request.param])


def test_a_home_that_cannot_be_written_is_said_once_and_done_without(
    home, root, uv, capsys, monkeypatch
):
    assert main(["lab", "--version"], root) != 0, "there is no JupyterLab in this environment"
    out = capsys.readouterr().out
    assert out.count(home) == 1 and f"Not everything in {home} can be written" in out
    places = shelter(root)
    assert {"JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"} <= places.keys()
    assert {"IPYTHONDIR", "MPLCONFIGDIR", "UV_CACHE_DIR"} <= places.keys()
    assert all(Path(place).is_relative_to(root / ".venv") for place in places.values())
    (asked,) = uv.asked()
    assert places.items() <= asked.env.items()


def test_jupyter_and_matplotlib_start_without_a_home(home, root):
    code = (
        "import matplotlib, jupyter_core.paths as p; from IPython.paths import get_ipython_dir as i"
    )
    code += "; i(); print(p.jupyter_runtime_dir(), matplotlib.get_cachedir())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(root), capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == "" and done.stdout.count(".venv") == 2


def test_a_home_that_can_be_written_is_used(root, tmp_path, monkeypatch):
    for name in [
        n for n in os.environ if n.startswith(("JUPYTER", "XDG", "UV_", "IPYTHON", "MPL"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert shelter(root) == {}
    (tmp_path / ".local").touch()  # one place of many
    assert shelter(root).keys() == {"JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"}


# What is in the way --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "hides"),
    [
        ("work/utils.py", "the course's own utils"),
        ("work/utils/", "the course's own utils"),
        ("work/utils/__init__.py", "the course's own utils"),
        ("notebooks/utils/helpers.py", "the course's own utils"),
        ("work/random.py", "the module random"),
        ("work/json/__init__.py", "the module json"),
        ("work/fakepackage.py", "the module fakepackage"),
        ("work/fakepackage/__init__.py", "the module fakepackage"),
        ("fakepackage.py", "the module fakepackage"),
        ("notebooks/queue.py", "the module queue"),
    ],
)
def test_what_hides_a_module_is_named_and_the_mend_works(root, uv, made, hides, capsys):
    setup(root)
    (root / "work" / "pictures" / "cats").mkdir(parents=True)
    for harmless in ("helpers.py", "fakepackage.ipynb", "random.txt", "test.py", "my notes.py"):
        (root / "work" / harmless).touch()
    folders = [root / "work", root / "notebooks", root]
    capsys.readouterr()
    name_hidden(root, folders)
    assert capsys.readouterr().out == ""
    place = root / made
    (place if made.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
    if not made.endswith("/"):
        place.touch()
    name_hidden(root, folders)
    out = capsys.readouterr().out
    in_the_way = root / made.removesuffix("/__init__.py").removesuffix("/helpers.py")
    assert (
        out
        == f"{in_the_way} hides {hides} from the notebooks beside it: rename it, then restart the kernel.\n"
    )
    in_the_way.rename(in_the_way.with_name("mine_" + in_the_way.name))
    name_hidden(root, folders)
    assert capsys.readouterr().out == ""


def test_lab_names_what_is_in_the_way_and_opens_all_the_same(root, uv, capsys):
    setup(root)
    (root / "work").mkdir()
    (root / "work" / "utils.py").touch()
    assert main(["lab"], root) == 1, "there is no JupyterLab in this environment"
    assert f"{root / 'work' / 'utils.py'} hides" in capsys.readouterr().out


@pytest.mark.parametrize("owner", ["", "utils-of-others"])
def test_a_package_that_hides_utils_is_named_and_nothing_is_deleted(root, uv, owner, capsys):
    setup(root)
    (site,) = root.glob(".venv/lib/python3*/site-packages")
    (site / "utils").mkdir()
    (site / "utils" / "__init__.py").touch()
    if owner:
        info = site / "utils_of_others-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {owner}\nVersion: 1.0\n")
        (info / "top_level.txt").write_text("utils\n")
    for again in (["lab"], ["setup", "--for", "authors"]):
        assert main(again, root) == 1
        said = capsys.readouterr().err
        assert f"{site / 'utils' / '__init__.py'} hides the course's own utils" in said
        assert (f".venv/bin/python -m pip uninstall {owner}" if owner else "rename it") in said
        assert ".venv again" not in said
    shutil.rmtree(site / "utils")
    assert main(["setup", "--for", "authors"], root) == 0


# JupyterLab's options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--port 9999 03", "--port 9999"),
        ("03 --port=9999", "--port=9999"),
        ("--port=9999 3", "--port=9999"),
        ("--no-browser 03", "--no-browser"),
        ("--no-browser --port 9 03", "--no-browser --port 9"),
        ("--port 9 --no-browser 03", "--port 9 --no-browser"),
        ("--ip 127.0.0.1 03 --debug", "--ip 127.0.0.1 --debug"),
        ("-y 03", "-y"),
        ("--ServerApp.token abc linear", "--ServerApp.token abc"),
        ("--ServerApp.token=abc 03", "--ServerApp.token=abc"),
        ("--browser firefox 03", "--browser firefox"),
        ("-- 03 --port 1", "--port 1"),
        ("03_linear_regression.ipynb --allow-root", "--allow-root"),
        ("--cpu 03 --port 9", "--port 9"),
    ],
)
def test_options_leave_the_lesson_s_number_alone(root, monkeypatch, words, options):
    opened = []
    monkeypatch.setattr(
        course, "lab", lambda root, word, rest, cpu: opened.append((word, rest)) or 0
    )
    assert main(["lab", *words.split()], root) == 0
    ((word, rest),) = opened
    assert course.find(root, word) == "03_linear_regression.ipynb" and rest == options.split()


def test_jupyterlab_s_switches_are_all_known():
    labapp = pytest.importorskip("jupyterlab.labapp")
    assert {f"--{name}" for name in labapp.LabApp.flags if len(name) > 1} <= {
        f"--{name}" for name in course.SWITCHES.split()
    }
    assert separate(["--no-browser", "3"]) == (["3"], ["--no-browser"])


def test_a_folder_in_the_reader_s_configuration_does_not_count(root, monkeypatch):
    started = []
    monkeypatch.setattr(course, "setup", lambda root, cpu=None: venv_python(root))
    monkeypatch.setattr(course, "name_hidden", lambda *given: None)
    monkeypatch.setattr(course, "run", lambda root, command: started.append(command) or 0)
    assert main(["lab", "03"], root) == main(["lab", "03", "--notebook-dir", "/tmp"], root) == 0
    assert f"--ServerApp.root_dir={root}" in started[0]
    page = "/".join(["", "lab", "tree", "work", "03_linear_regression.ipynb"])
    assert f"--LabApp.default_url={page}" in started[0]
    assert not any("root_dir" in word for word in started[1])


@pytest.mark.parametrize("trait", ["ServerApp.root_dir", "ServerApp.notebook_dir"])
def test_jupyterlab_takes_our_folder_over_a_configured_one(root, tmp_path, monkeypatch, trait):
    pytest.importorskip("jupyterlab.labapp")
    config = tmp_path / "config"
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(f"c.{trait} = {str(config)!r}\n")
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(config))
    code = "import sys; from jupyter_server.serverapp import ServerApp as S; s = S()\n"
    code += (
        "s.initialize(sys.argv[1:], find_extensions=False, new_httpserver=False); print(s.root_dir)"
    )
    words = [f"--ServerApp.root_dir={root}", "--log-level=ERROR"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], env=environment(root), capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1:] == [str(root)], done.stderr


# Without CUDA --------------------------------------------------------------------------------------


@LINUX
def test_without_cuda_the_pair_is_chosen_by_uv_and_the_choice_remembered(root, uv, capsys):
    assert main(["setup", "--cpu"], root) == 0
    (asked,) = uv.asked()
    words = " ".join(asked.words)
    assert "--torch-backend cpu --constraint .venv/cpu.txt --editable ." in words
    free = (root / ".venv" / "cpu.txt").read_text()
    assert free == re.sub(r"(==2.15.0|==0.29.2)[^#]*?(?=    #|torchmetrics)", r"\1\n", LOCK)
    assert f"without CUDA ({course.LIGHT})" in capsys.readouterr().out
    assert stamp(root)["cpu"] is True and stamp(root)["fell_back"] is False
    assert main(["setup"], root) == main(["setup", "--cpu"], root) == 0
    assert len(uv.asked()) == 1, "it is current"
    (root / "requirements.txt").write_text(LOCK.replace("2.0", "2.1"))
    assert main(["setup", "--for", "authors"], root) == 0
    assert "--torch-backend" in uv.asked()[-1].words, "the choice holds for new versions"


@LINUX
def test_switching_makes_the_environment_anew_both_ways(root, uv):
    left = root / ".venv" / "lib" / "left over"
    for number, (choice, backend) in enumerate([("--cpu", 1), ("--no-cpu", 0), ("--cpu", 1)]):
        assert main(["setup", choice], root) == 0
        assert ("--torch-backend" in uv.asked()[-1].words) == backend
        assert not left.exists(), number
        left.touch()
    assert main(["setup"], root) == 0 and left.exists()


@LINUX
def test_where_the_index_cannot_be_reached_the_ordinary_packages_are_taken(root, uv, capfd):
    (uv.place / "no index").touch()
    assert main(["setup", "--cpu"], root) == 0
    said = capfd.readouterr().out
    assert said.count("could not be had") == 1 and course.FULL in said and "CPU=1" in said
    assert [("--torch-backend" in a.words) for a in uv.asked()] == [True, False]
    assert stamp(root)["cpu"] is True and stamp(root)["fell_back"] is True
    (root / ".venv" / "mine").touch()
    assert main(["setup"], root) == 0 and len(uv.asked()) == 2, "no new try without a word"
    assert main(["setup", "--cpu"], root) == 0
    assert "What is here is kept" in capfd.readouterr().out and (root / ".venv" / "mine").exists()
    (uv.place / "no index").unlink()
    assert main(["setup", "--cpu"], root) == 0
    assert "--torch-backend" in uv.asked()[-1].words and stamp(root)["fell_back"] is False


@LINUX
def test_a_choice_outlives_an_installation_that_was_cut_short(root, uv, monkeypatch):
    really = course.run

    def interrupt(root, command):
        if "--editable" in command:
            raise KeyboardInterrupt
        return really(root, command)

    monkeypatch.setattr(course, "run", interrupt)
    assert main(["setup", "--cpu"], root) == 130
    monkeypatch.setattr(course, "run", really)
    assert main(["setup"], root) == 0
    assert "--torch-backend" in uv.asked()[-1].words and stamp(root)["cpu"] is True


@LINUX
def test_a_uv_that_does_not_know_backends_is_passed_over(root, uv):
    (uv.place / "old").touch()
    assert main(["setup", "--cpu"], root) == 0
    assert "--torch-backend" in uv.asked()[-1].words
    (site,) = root.glob(".venv/lib/python3*/site-packages")
    assert (site / "uv.py").exists(), "pip brought a new one"


@LINUX
@pytest.mark.parametrize("card", [False, True])
def test_the_size_is_said_beforehand_and_the_way_round_it(root, uv, card, capsys):
    if card:
        (uv.place / "nvidia-smi").write_text("#!/bin/sh\n")
        (uv.place / "nvidia-smi").chmod(0o755)
    elif shutil.which("nvidia-smi"):
        pytest.skip("there is a card here")
    assert main(["setup"], root) == 0
    said = capsys.readouterr().out
    assert course.FULL in said and ("make lab CPU=1" in said) != card


@pytest.mark.parametrize("system", ["Darwin", "Windows"])
def test_elsewhere_the_choice_is_not_needed(root, uv, system, monkeypatch, capsys):
    monkeypatch.setattr(course.platform, "system", lambda: system)
    assert main(["setup", "--cpu"], root) == 0
    assert (
        "is for Linux" in capsys.readouterr().out and "--torch-backend" not in uv.asked()[0].words
    )


def test_make_hands_the_choice_on():
    make = shutil.which("make") or pytest.skip("there is no make")
    for given, words in {
        ("CPU=1",): "lab --cpu",
        ("CPU=0", "LESSON=03"): "lab --no-cpu 03",
        ("LESSON=03", "OPTIONS=--port 9999"): "lab 03 --port 9999",
    }.items():
        said = subprocess.run(
            [make, "--no-print-directory", "-n", "lab", *given],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert said.stdout.split()[2:] == words.split()


def test_hashes_of_other_builds_are_left_out_and_only_those():
    lock = (ROOT / "requirements.txt").read_text("utf-8")
    free = course.without_hashes(ROOT, ("torch", "torchvision"))
    assert len(re.findall("^[a-z].*==", free, re.M)) == len(re.findall("^[a-z].*==", lock, re.M))
    for package in ("torch", "torchvision"):
        (row,) = re.findall(rf"^{package}==[\d.]+\n(?!    --hash)", free, re.M)
    kept = set(re.findall(r"sha256:\w+", free))
    torch = re.findall(r"^torch(?:vision)?==.*?(?=^\w)", lock, re.M | re.S)
    assert set(re.findall(r"sha256:\w+", lock)) - kept == set(
        re.findall(r"sha256:\w+", "".join(torch))
    )


# Any console ---------------------------------------------------------------------------------------

TOOLS = {
    "course": (["fresh", "✓ ü"], "No lesson is called"),
    "build": (["✓ ü"], "no lesson is named"),
    "verify": (["✓ ü"], "no lesson is named"),
    "grade": (["✓ ü"], "There is no folder"),
    "matrix": (["✓ ü"], "no combination has"),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_on_any_console(tool):
    words, said = TOOLS[tool]
    env = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    command = [sys.executable, str(ROOT / "tools" / f"{tool}.py")]
    done = subprocess.run([*command, *words], cwd=ROOT, env=env, capture_output=True)
    told = (done.stdout + done.stderr).decode("latin-1")
    assert done.returncode == 1 and said in told and "Traceback" not in told
    done = subprocess.run([*command, "--help"], cwd=ROOT, env=env, capture_output=True)
    assert b"Traceback" not in done.stderr


def test_names_of_submissions_on_any_console(tmp_path):
    for name in ("Jürgen ✓.ipynb", "床前.txt"):
        (tmp_path / name).write_text("no notebook")
    env = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    command = [sys.executable, str(ROOT / "tools" / "grade.py"), str(tmp_path)]
    command += ["--to", str(tmp_path / "grades.csv")]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"J?rgen ?  not gradable" in done.stdout and b"Passed over" in done.stdout


def test_a_log_in_another_encoding_is_read(tmp_path):
    import matrix

    said = "import sys; sys.stdout.buffer.write(b'\\xfcber\\n2 passed in 0.1s\\n')"
    assert matrix.last_line([sys.executable, "-c", said], tmp_path / "log") == (True, "2 passed")


def test_cores_are_those_that_may_be_used():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("no choice of cores here")
    code = "import os; os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])\n"
    code += "import build, grade, verify; print(*{m.cpu_count() for m in (build, grade, verify)})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "tools", capture_output=True, text=True
    )
    assert done.stdout == "1\n", done.stderr


def test_the_recording_uv_is_a_program(uv):
    assert os.stat(uv.place / "uv").st_mode & stat.S_IXUSR
    with pytest.raises(Trouble):
        course.check_place(Path(f"/a{os.pathsep}b"))
