"""The workflows say what the README claims, and nothing in them can change under us. None is run here."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def read(path):
    """The workflow; YAML takes its key ``on`` for a yes."""
    flow = yaml.safe_load(path.read_text(encoding="utf-8"))
    return flow | {"on": flow[True]}


def steps(path):
    return [step for job in read(path)["jobs"].values() for step in job["steps"]]


def commands(job):
    return "\n".join(step.get("run", "") for step in job["steps"])


@each
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(path):
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", action), action


@each
def test_a_workflow_may_read_and_nothing_else(path):
    flow = read(path)
    assert flow["permissions"] == {"contents": "read"}
    more = {name for name, job in flow["jobs"].items() if "permissions" in job}
    assert more == ({"publish"} if path.stem == "book" else set())  # that job runs no code of ours
    assert not any("run" in step for name in more for step in flow["jobs"][name]["steps"])
    checkouts = [step for step in steps(path) if "checkout" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
    assert all("timeout-minutes" in job for job in flow["jobs"].values())
    assert "secrets." not in path.read_text(encoding="utf-8")


@each
def test_a_machine_of_one_s_own_never_runs_a_stranger_s_code(path):
    flow = read(path)
    own = [job for job in flow["jobs"].values() if "self-hosted" in job["runs-on"]]
    assert not own or set(flow["on"]) == {"workflow_dispatch", "schedule"}
    assert all("vars.GPU_RUNNER" in job["if"] for job in own)


def test_a_gpu_runs_every_cell_and_nccl():
    (job,) = read(ROOT / ".github/workflows/gpu.yml")["jobs"].values()
    assert job["runs-on"] == ["self-hosted", "gpu"]
    assert "make test DEVICE=cuda" in commands(job)
    assert "--nproc-per-node gpu lessons/train_distributed.py" in commands(job)
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "GPU_RUNNER" in told and "`gpu`" in told


def test_conda_s_environment_is_solved_and_the_lessons_run_in_it():
    job = read(ROOT / ".github/workflows/course.yml")["jobs"]["conda"]
    (solve,) = [step for step in job["steps"] if "setup-micromamba" in step.get("uses", "")]
    assert solve["with"]["environment-file"] == "environment.yml"
    assert "tools/verify.py --lax" in commands(job)


def test_findings_that_are_accepted_have_a_reason():
    rows = (ROOT / ".github/accepted-findings.txt").read_text(encoding="utf-8").splitlines()
    named = [row for row in rows if not row.startswith("#")]
    assert [row for row in named if not re.fullmatch(r"[A-Z][\w-]+ +\S.{20,}", row)] == []
    (job,) = read(ROOT / ".github/workflows/audit.yml")["jobs"].values()
    assert "pip_audit" in commands(job) and "accepted-findings.txt" in commands(job)


def test_accepted_findings_reach_the_audit(tmp_path):
    sed = shutil.which("sed") or pytest.skip("there is no sed")
    (job,) = read(ROOT / ".github/workflows/audit.yml")["jobs"].values()
    expression = re.search(r"sed -n '(.*)'", commands(job))[1]
    (tmp_path / "f").write_text("# GHSA-no-no  not\nGHSA-ab12-cd34  only on a server\n")
    done = subprocess.run([sed, "-n", expression, tmp_path / "f"], capture_output=True, text=True)
    assert done.stdout == "--ignore-vuln GHSA-ab12-cd34\n"


LINTERS = {
    "check-jsonschema": ["--builtin-schema", "vendor.github-workflows", *map(str, FILES)],
    "zizmor": ["--offline", "--quiet", "--no-progress", str(ROOT / ".github" / "workflows")],
}


@pytest.mark.parametrize("name", LINTERS)
def test_the_linters_find_nothing(name):
    linter = shutil.which(name, path=str(Path(sys.executable).parent))
    if not linter:
        pytest.skip(f"{name} is one of the authors' tools: make setup")
    done = subprocess.run([linter, *LINTERS[name]], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
