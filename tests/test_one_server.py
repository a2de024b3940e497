"""The settings for a class on one server, without a hub: copies, environment, limits, who may sign in."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from traitlets.config import Config

FILE = Path(__file__).resolve().parents[1] / "docs" / "jupyterhub_config.py"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="a hub needs Linux")


@pytest.fixture
def room():
    spec = importlib.util.spec_from_file_location("jupyterhub_config", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def course(tmp_path):
    """A course of two lessons."""
    for name in ("00_start", "01_next"):
        cell = {"cell_type": "code", "source": name, "outputs": [{}], "execution_count": 3}
        file = tmp_path / "course" / "notebooks" / f"{name}.ipynb"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"cells": [cell]}), encoding="utf-8")
    return tmp_path / "course"


def test_copies_come_without_outputs_and_are_never_overwritten(room, course, tmp_path):
    own = tmp_path / "pytorch"
    room.lay_copies(own, course)
    first, second = (own / f"{name}.ipynb" for name in ("00_start", "01_next"))
    assert json.loads(first.read_text("utf-8"))["cells"][0]["outputs"] == []
    first.write_text("my answers", encoding="utf-8")
    second.rename(own / "01_old.ipynb")  # how a lesson is started afresh
    (course / "notebooks" / "01_next.ipynb").rename(course / "notebooks" / "02_new.ipynb")
    (course / "notebooks" / "01_next.ipynb").write_bytes((own / "01_old.ipynb").read_bytes())
    room.lay_copies(own, course)
    assert first.read_text("utf-8") == "my answers"
    names = ["00_start.ipynb", "01_next.ipynb", "01_old.ipynb", "02_new.ipynb"]
    assert sorted(p.name for p in own.iterdir()) == names


def test_a_link_that_leads_nowhere_is_the_students_and_stays(room, course, tmp_path):
    own = tmp_path / "pytorch"
    own.mkdir()
    (own / "00_start.ipynb").symlink_to(tmp_path / "elsewhere")
    room.lay_copies(own, course)
    assert not (tmp_path / "elsewhere").exists() and (own / "00_start.ipynb").is_symlink()


def test_the_hub_listens_on_this_machine_only_and_lets_in_the_group(room):
    c = Config()
    room.configure(c)
    assert c.JupyterHub.bind_url == "http://127.0.0.1:8000"
    assert c.PAMAuthenticator.allowed_groups == {"students"}
    assert "allow_all" not in c.Authenticator and c.Spawner.cmd == [sys.executable, str(FILE)]
    assert f"--timeout={room.IDLE}" in c.JupyterHub.services[0]["command"]


def test_kernels_get_one_thread_and_the_courses_programs_first(room):
    env = room.environment()
    assert {env[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL", "OPENBLAS")} == {"1"}
    assert env["PATH"].split(os.pathsep)[0] == str(FILE.parents[1] / ".venv" / "bin")
    assert env["PYTHONNOUSERSITE"] == "1"


@pytest.mark.parametrize("blocked", [False, True])
def test_a_server_starts_with_its_limits_even_where_no_copies_can_be_laid(tmp_path, blocked):
    """The file as a program: a stand-in for the server tells what it was given."""
    (tmp_path / "pytorch" / "pictures").mkdir(parents=True)
    if blocked:
        (tmp_path / "pytorch" / "pictures").rmdir()
        (tmp_path / "pytorch").rmdir()
        (tmp_path / "pytorch").write_text("a file in the way", encoding="utf-8")
    server = tmp_path / "bin" / "jupyterhub-singleuser"
    server.parent.mkdir()
    told = (
        "import json, os, resource as r, sys; u = os.umask(0); print(json.dumps([sys.argv[1:], u,"
    )
    told += " r.getrlimit(r.RLIMIT_DATA)[1], os.environ.get('COURSE_PICTURES'), os.environ['GRADIO_TEMP_DIR']]))"
    server.write_text(f"#!{sys.executable}\n{told}\n", encoding="utf-8")
    server.chmod(0o755)
    code = f"import runpy, sys; sys.prefix = {str(tmp_path)!r}; sys.argv = ['', '--debug']; "
    code += f"runpy.run_path({str(FILE)!r}, run_name='__main__')"
    env = {**os.environ, "HOME": str(tmp_path)}
    env.pop("COURSE_PICTURES", None)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    options, umask, memory, pictures, uploads = json.loads(done.stdout)
    root = tmp_path if blocked else tmp_path / "pytorch"
    assert options[0] == f"--ServerApp.root_dir={root}" and options[-1] == "--debug"
    assert "--KernelManager.transport_encryption=required" in options
    assert umask == 0o077 and memory == 4 * 2**30 and uploads == f"{tmp_path}/.cache/gradio"
    assert pictures == (None if blocked else str(root / "pictures"))
    assert ("not all copies could be laid" in done.stderr) == blocked
