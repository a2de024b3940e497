"""The package alone, as a hosted notebook installs it: no course around it, another folder, no network."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = "from setuptools import build_meta; print(build_meta.build_wheel('made'))"


def python(code, folder, **env):
    outside = {k: v for k, v in os.environ.items() if k not in ("COURSE_DATA", "COURSE_PICTURES")}
    command = [sys.executable, "-c", code]
    env = outside | {"MPLBACKEND": "agg", "TQDM_DISABLE": "1"} | env
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Where the built wheel's files lie: a folder for PYTHONPATH."""
    source = tmp_path_factory.mktemp("source")
    (source / "made").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("utils", "data"):
        own = shutil.ignore_patterns("__pycache__", "stand-in", "pictures", "cifar*", "*.gz")
        shutil.copytree(ROOT / name, source / name, ignore=own)
    done = python(BUILD, source)
    assert done.returncode == 0, done.stderr
    folder = tmp_path_factory.mktemp("elsewhere")
    (wheel,) = (source / "made").glob("*.whl")
    ZipFile(wheel).extractall(folder)
    return folder


@pytest.mark.parametrize("stem", ["00_start_here", "05_diabetes_mlp", "09_char_rnn"])
def test_first_cells_run_with_the_package_alone(package, stem, tmp_path):
    text = (ROOT / "notebooks" / f"{stem}.ipynb").read_text(encoding="utf-8")
    cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "code"]
    cells = [c for c in cells if "raises-exception" not in c["metadata"].get("tags", [])]
    first = "\n\n".join("".join(c["source"]) for c in cells[:6])
    code = f"import utils\nprint(utils.__file__)\n{first}"
    cache = {name: str(tmp_path / "cache") for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME")}
    done = python(code, tmp_path, PYTHONPATH=str(package), COURSE_DATA="stand-in", **cache)
    assert done.returncode == 0, done.stderr[-2000:]
    assert str(package) in done.stdout.splitlines()[0]


def test_sets_are_listed_and_go_to_the_users_cache(package, tmp_path):
    code = (
        "from utils import data; print(data.HOME); print(data.surnames(stand_in=True)['Czech'][:1])"
    )
    cache = {name: str(tmp_path / "cache") for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME")}
    done = python(code, tmp_path, PYTHONPATH=str(package), **cache)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith(str(tmp_path)) and "pytorch-cell-by-cell" in done.stdout


def test_a_foreign_utils_is_named(package, tmp_path):
    (tmp_path / "utils.py").write_text("")
    done = python("import utils\nfrom utils import check", tmp_path, PYTHONPATH=str(package))
    assert done.returncode == 1 and f"({tmp_path / 'utils.py'})" in done.stderr
