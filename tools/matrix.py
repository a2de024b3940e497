"""Unit tests and all lessons (lax) on other versions: the oldest and the newest torch, other Pythons.

    python tools/matrix.py             every combination whose Python is on this machine
    python tools/matrix.py 3.13 2.6    only those with these words in their name (or: 3.13 newest)

Each combination gets an environment of its own in build/matrix/ (about 5 GB), which is removed
afterward; its row of the table stays there. Once every combination has gone through, today or on
another day, the table is written to docs/versions.md.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

from build import ROOT, write
from course import any_console

OLDEST = ("2.6.0", "0.21.0")  # the lower bounds in pyproject.toml; a test compares them
PYTHONS = ("3.11", "3.12", "3.13")
TITLE = f"""# Versions that work

Written by `make matrix` on {platform.system()}. *Lax*: every cell of both editions runs, and what it prints is not compared.
A test that is skipped needs something that an older torch lacks.

"""
HEAD = """| Python | torch + torchvision | unit tests | cells of both editions, lax | on |
|---|---|---|---|---|"""


def combinations() -> list[tuple[str, str, str]]:
    """(python, torch, torchvision), "" for the newest: each end of each range, not every pair."""
    return [("3.11", *OLDEST), ("3.13", *OLDEST), *((python, "", "") for python in PYTHONS)]


def interpreter(python: str) -> str | None:
    """A Python of this version that starts, or None."""
    names = [f"python{python}"] if os.name != "nt" else [f"py -{python}"]
    for name in (*names, sys.executable):
        ask = [*name.split(), "-c", "import sys; print(sys.executable, *sys.version_info[:2])"]
        found = (
            subprocess.run(ask, capture_output=True, text=True)
            if shutil.which(name.split()[0])
            else None
        )
        if found and found.returncode == 0 and found.stdout.split()[-2:] == python.split("."):
            return found.stdout.rsplit(" ", 2)[0]
    versions = Path.home() / ".pyenv" / "versions"
    return next((str(p) for p in sorted(versions.glob(f"{python}.*/bin/python"))), None)


def last_line(command: list[str], log: Path) -> tuple[bool, str]:
    """Run ``command``; whether it succeeded, and pytest's own sums ("58 passed in 9.12s")."""
    calm = os.environ | {"OMP_NUM_THREADS": "1"}  # two at a time, as `make test` runs them
    with log.open("a", encoding="utf-8") as file:
        status = subprocess.call(command, cwd=ROOT, env=calm, stdout=file, stderr=subprocess.STDOUT)
    sums = re.findall(
        r"^=*\s*(\d+ (?:passed|failed).*?)(?: in [\d.]+s.*)$",
        log.read_text(encoding="utf-8", errors="replace"),
        re.MULTILINE,
    )
    return status == 0, sums[-1] if sums else f"see {log}"


def place(python: str, torch: str) -> Path:
    """Where one combination's environment is made; its log and its row lie beside it."""
    return ROOT / "build" / "matrix" / f"python-{python}-torch-{torch or 'newest'}"


def try_out(python: str, torch: str, vision: str) -> str:
    """Run one combination; its row of the table is kept if all passed, and returned in any case."""
    folder = place(python, torch)
    log, kept = folder.with_name(f"{folder.name}.log"), folder.with_name(f"{folder.name}.row")
    base = interpreter(python)
    if base is None:
        return f"| {python} | {torch or 'newest'} | no Python {python} on this machine | | |"
    shutil.rmtree(folder, ignore_errors=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    kept.unlink(missing_ok=True)
    own = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pinned = [f"torch=={torch}", f"torchvision=={vision}"] if torch else []
    uv = [sys.executable, "-m", "uv"] if not shutil.which("uv") else ["uv"]
    steps = [
        [base, "-m", "venv", str(folder)],
        [*uv, "pip", "install", "--python", str(own), "--editable", ".[authors]", *pinned],
        [str(own), "-m", "pytest", "tests", "-n", "2"],
        [str(own), "tools/verify.py", "--lax"],
    ]
    said, passed = [], True
    try:
        for step in steps:
            done, sums = last_line(step, log)
            passed &= done
            said.append(sums if done else f"**failed**: {sums}")
            if not done and len(said) < 3:
                break
        ask = "import torch, torchvision as v; print(torch.__version__, v.__version__)"
        versions = subprocess.run([str(own), "-c", ask], capture_output=True, text=True).stdout
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found = " + ".join(version.partition("+")[0] for version in versions.split()) or "?"
    results = " | ".join(said[2:] or [said[-1], ""])
    row = f"| {python} | {found} | {results} | {date.today()} |"
    if passed:
        write(kept, row)
    return row


def write_table() -> list[str]:
    """The rows there are; docs/versions.md, too, once there is one for every combination."""
    rows = [place(*c[:2]).with_name(f"{place(*c[:2]).name}.row") for c in combinations()]
    table = [HEAD, *(row.read_text(encoding="utf-8") for row in rows if row.exists())]
    if len(table) > len(rows):
        write(ROOT / "docs" / "versions.md", TITLE + "\n".join(table) + "\n")
    return table


def main(words: list[str]) -> int:
    any_console()
    names = {c: f"{c[0]} {c[1] or 'newest'}" for c in combinations()}
    wanted = [c for c, name in names.items() if all(word in name for word in words)]
    if not wanted:
        print(f"no combination has {' and '.join(words)} in it: {', '.join(names.values())}")
        return 1
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"]
    subprocess.check_call(pip)
    said: list[str] = []
    for number, combination in enumerate(wanted, 1):
        print(f"{number} of {len(wanted)}: {names[combination]} …", flush=True)
        said.append(try_out(*combination))
        print(said[-1], flush=True)
    print("", *write_table(), sep="\n")
    return any("**failed**" in row for row in said)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
