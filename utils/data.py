"""The course's data sets: the real files where they can be had, else a stand-in that says so.

Each function looks in the folder ``$COURSE_DATA`` (absolute, or as seen from the project), then in ``data/`` at the top of the project, for
files with the right checksum; else it downloads them into the first of the two that can be written;
else it makes a stand-in of the same shape and format, with something to learn in it, and says so in
one line. ``COURSE_DATA=stand-in`` asks for stand-ins, as ``stand_in=True`` does for one call.

``python -m utils.data`` lists what is here; ``python -m utils.data --fetch`` downloads the rest.
"""

from __future__ import annotations

import functools
import json
import os
import runpy
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pandas as pd
import pooch

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10

HOME = Path(__file__).resolve().parents[1] / "data"
STAND_INS = HOME / "stand_ins.py"
PATIENCE = 4.0  # seconds, once per process, for finding out which servers answer
STALLED = 20.0  # seconds without a byte, after which a download is given up
PER_BATCH = 10_000  # painted pictures in each of the six files
FIELDS = ["pregnancies", "glucose", "blood_pressure", "skin_thickness", "insulin", "bmi"]
FIELDS += ["pedigree", "age", "label"]


def diabetes(*, stand_in: bool = False) -> pd.DataFrame:
    """The Pima diabetes table: 768 women, eight measurements, and ``label`` (1 = diabetes: 268).

    Units: glucose mg/dl, blood_pressure mm Hg, skin_thickness mm, insulin µU/ml, bmi kg/m², age
    years. In glucose, blood_pressure, skin_thickness, insulin and bmi a 0 says "not measured".
    Source: NIDDK, given to UCI in 1990.

    >>> diabetes(stand_in=True).shape
    Stand-in for diabetes: 768 made-up patients with the real table's statistics (asked for).
    (768, 9)
    """
    folder = _folder("diabetes", stand_in)
    file = folder and folder / "diabetes/pima-indians-diabetes.csv"
    return pd.read_csv(file or _made("patients"), names=FIELDS)


def diabetes_scaled(*, stand_in: bool = False) -> pd.DataFrame:
    """The widely copied form of :func:`diabetes`: 759 rows, measurements scaled to [-1, 1].

    Two traps: its label is turned over (1 = *no* diabetes), and each measurement's minimum, which
    scaling takes to -1, is stored as 0.

    >>> diabetes_scaled(stand_in=True).shape
    Stand-in for diabetes_scaled: 759 made-up patients and the real file's traps (asked for).
    (759, 9)
    """
    folder = _folder("diabetes_scaled", stand_in)
    file = folder and folder / "diabetes/diabetes.csv.gz"
    return pd.read_csv(file or _made("patients", scaled=True), names=FIELDS)


def cifar10(
    train: bool = True, transform: Callable[[Any], Any] | None = None, *, stand_in: bool = False
) -> CIFAR10:
    """CIFAR-10 as torchvision's own data set: 50,000 pictures to train on, or 10,000 to test on.

    ``data`` is uint8 of shape (N, 32, 32, 3), ``targets`` a list of N ints from 0 to 9, ``classes``
    their names; ``[i]`` is picture i, a PIL image put through ``transform``, and its target.
    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. The stand-in
    (painted figures under the real class names) is 184 MB on disk, made once, in seconds.

    >>> len(cifar10(train=False, stand_in=True))  # doctest: +SKIP
    Stand-in for cifar10: 60,000 painted figures under the real class names (asked for).
    10000
    """
    from torchvision.datasets import CIFAR10  # here, because it takes a second to import

    class Checked(CIFAR10):  # the checksums were right a moment ago: once is enough
        meta = CIFAR10.meta | {"md5": None}

        def _check_integrity(self) -> bool:
            return True

    folder = _folder("cifar10", stand_in) or _painted()
    with warnings.catch_warnings():  # some NumPy 2.4 releases warn about pickles of that age
        warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
        dataset = Checked(folder, train=train, transform=transform)
    dataset.__class__ = CIFAR10  # a class that a DataLoader's workers can unpickle
    return dataset


def surnames(*, stand_in: bool = False) -> dict[str, list[str]]:
    """Surnames by language: 18 languages, each with the lines of its file as they stand.

    The real files have 20,074 lines, duplicates, junk and accents included; the stand-in has the
    same kinds of dirt. Source: Sean Robertson's character-RNN tutorial, 2017.

    >>> names = surnames(stand_in=True)
    Stand-in for surnames: a few hundred surnames typed for this course (asked for).
    >>> len(names), "Kowalski" in names["Polish"]
    (18, True)
    """
    if folder := _folder("surnames", stand_in):
        files = sorted(Path(path) for path in _registry()["surnames"]["files"])
        return {f.stem: text(folder / f).removesuffix("\n").split("\n") for f in files}
    return _made("surnames")


def shakespeare(*, stand_in: bool = False) -> str:
    """Tiny Shakespeare: 1,115,394 characters from the plays, ASCII, 65 of them distinct.

    Source: Andrej Karpathy's char-rnn, 2015. The stand-in is shorter: what ``help()`` can print.

    >>> "statement" in shakespeare(stand_in=True)
    Stand-in for shakespeare: English prose from Python's own manual (asked for).
    True
    """
    folder = _folder("shakespeare", stand_in)
    return text(folder / "shakespeare/input.txt") if folder else _made("manual")


def text(path: str | os.PathLike[str]) -> str:
    r"""A text of your own, in any script: the content of a UTF-8 file, with ``\n`` as line end.

    Raises ``FileNotFoundError`` if it is not there, ``ValueError`` if it is empty or not UTF-8.

    >>> text("poems.txt")
    Traceback (most recent call last):
    FileNotFoundError: no file 'poems.txt' here: give its full path, or put it beside the notebook
    """
    file = Path(path)
    if not file.is_file():
        what = "is a folder, not a file" if file.is_dir() else "here"
        raise FileNotFoundError(
            f"no file {str(path)!r} {what}: give its full path, or put it beside the notebook"
        )
    try:
        content = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line, byte = error.object.count(b"\n", 0, error.start) + 1, error.object[error.start]
        raise ValueError(
            f"{str(path)!r} is not UTF-8: line {line} has the byte {byte:#04x}. "
            "Open it in an editor, and save it with the encoding UTF-8."
        ) from None
    if not content.strip():
        raise ValueError(f"{str(path)!r} is empty: put the text to learn from into it")
    return content


def is_real(name: str) -> bool:
    """Will the function called ``name`` give the real set? Fetches it if that is what it takes.

    >>> is_real("mnist")
    Traceback (most recent call last):
    ValueError: no set 'mnist': cifar10, diabetes, diabetes_scaled, shakespeare, surnames
    """
    if name not in _registry():
        raise ValueError(f"no set {name!r}: {', '.join(sorted(_registry()))}")
    return _find(name)[0] is not None


def main(arguments: list[str]) -> int:
    """List each data set: real or stand-in, size, license, source; with ``--fetch``, get it."""
    if arguments not in ([], ["--fetch"]):
        print("usage: python -m utils.data [--fetch]", file=sys.stderr)
        return 2
    lacking = []
    for name, entry in _registry().items():
        folder, why = _find(name, fetch=bool(arguments))
        lacking += [] if folder else [name]
        state = "real" if folder else "stand-in"
        print(f"{name:16}{state:9}{entry['size'] / 1e6:8.2f} MB  license: {entry['license']}")
        print(f"{'':37}from {entry['source']}\n{'':37}{f'in {folder}' if folder else why}")
    if arguments and lacking:
        print(f"Not fetched: {', '.join(lacking)}. Until then, lessons use stand-ins.")
    return 1 if arguments and lacking else 0


@functools.cache
def _registry() -> dict[str, dict[str, Any]]:
    return json.loads((HOME / "registry.json").read_text(encoding="utf-8"))


def _folder(name: str, stand_in: bool) -> Path | None:
    """Where the set's files lie, all of them right; else None, after the line that says why."""
    folder, why = (None, "asked for") if stand_in else _find(name)
    if folder is None:
        print(f"Stand-in for {name}: {_registry()[name]['stand_in']} ({why}).")
    return folder


def _find(name: str, fetch: bool = True) -> tuple[Path | None, str]:
    """The first of $COURSE_DATA and data/ that has the set or can be given it; else why not."""
    wish, entry = os.environ.get("COURSE_DATA") or HOME, _registry()[name]
    if wish == "stand-in":
        return None, "asked for by COURSE_DATA"
    folders = dict.fromkeys([HOME.parent / Path(wish).expanduser(), HOME])
    for folder in folders:
        if _sound(folder, entry["files"]):
            return folder, ""
    urls = [url for url in entry["urls"] if fetch and urlsplit(url).netloc in _answering()]
    if not urls:
        return None, "no network; `make data` tries again" if fetch else "not here yet: `make data`"
    for folder in folders:
        with suppress(OSError), _scratch(folder) as scratch:
            print(f"Fetching {name} ({entry['size'] / 1e6:.2f} MB) into {folder}")
            unpacked, why = _fetch(entry, urls, scratch)
            if unpacked:
                _move(entry["files"], unpacked, folder)
            return folder if unpacked else None, why
    return None, f"nothing can be written in {wish}: set COURSE_DATA to a folder of yours"


def _sound(folder: Path, files: Mapping[str, str]) -> bool:
    """Is every file there and right? A wrong one is named and set aside, never deleted."""
    problems = {folder / path: _problem(folder / path, known) for path, known in files.items()}
    for file, problem in problems.items():
        if problem:
            aside = file.with_name(f"{file.name}.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}")
            try:
                file.rename(aside)
                print(f"{file} {problem}: set aside as {aside.name}")
            except FileNotFoundError:
                pass  # another process has just set it aside
            except OSError:
                print(f"{file} {problem}: not used, but left there, as it cannot be renamed")
    return all(problem is None for problem in problems.values())


def _problem(file: Path, known: str) -> str | None:
    """None if the file has the checksum ``known`` ("md5:…", "sha256:…"), "" if there is none."""
    algorithm, _, checksum = known.partition(":")
    try:
        right = pooch.file_hash(str(file), algorithm) == checksum
        return None if right else "is damaged, or another file (wrong checksum)"
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"cannot be read ({error.strerror})"


@functools.cache
def _answering() -> frozenset[str]:
    """The servers that answer at all: asked all at once, and once per process."""
    import requests

    answered = set()

    def ask(scheme: str, host: str) -> None:
        with suppress(requests.RequestException):
            requests.head(f"{scheme}://{host}/", timeout=PATIENCE)
            answered.add(host)

    servers = {urlsplit(url)[:2] for entry in _registry().values() for url in entry["urls"]}
    threads = [threading.Thread(target=ask, args=server, daemon=True) for server in servers]
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return frozenset(answered)


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A place on the folder's own disk, from which a finished file moves in all at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(".part", dir=folder, ignore_cleanup_errors=True) as scratch:
        yield Path(scratch)


def _move(files: Mapping[str, str], source: Path, folder: Path) -> None:
    for path, known in files.items():
        if _problem(folder / path, known) is not None:  # else another process was faster
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            os.replace(source / path, folder / path)


def _fetch(entry: Mapping[str, Any], urls: list[str], scratch: Path) -> tuple[Path | None, str]:
    """Download from the first address that has the set, each tried twice; else say why not."""
    pooch.get_logger().setLevel("WARNING")
    download = pooch.HTTPDownloader(entry["size"] > 1e6, 2**16, timeout=(PATIENCE, STALLED))
    get = functools.partial(pooch.retrieve, path=scratch, downloader=download)
    why = {}
    for url in urls * 2:
        try:
            if url.endswith((".zip", ".tar.gz")):
                from torchvision.datasets.utils import extract_archive

                packed = get(url, entry.get("archive"), fname=url.rsplit("/", 1)[1])
                unpacked = Path(extract_archive(packed, scratch)) / entry["inside"]
                os.remove(packed)
                problems = [_problem(unpacked / f, known) for f, known in entry["files"].items()]
                if any(problem is not None for problem in problems):
                    raise ValueError("another version of the archive")
                return unpacked, ""
            for path, known in entry["files"].items():
                get(url.replace("{file}", Path(path).name), known, fname=path)
            return scratch, ""
        except Exception as error:  # whatever a broken server provokes, the next one is tried
            status = getattr(getattr(error, "response", None), "status_code", None)
            other = "sent another file" if isinstance(error, ValueError) else "broke off"
            why[urlsplit(url).netloc] = f"answered {status}" if status else other
    return None, "; ".join(f"{server} {what}" for server, what in why.items())


def _painted() -> Path:
    """Files in CIFAR-10's own format with painted figures in them, made once; their folder."""
    for base in (HOME, Path(pooch.os_cache("pytorch-cell-by-cell"))):
        folder, listing = base / "stand-in", base / "stand-in" / "cifar10.json"
        with suppress(OSError, ValueError):
            if _sound(folder, json.loads(listing.read_text(encoding="utf-8"))):
                return folder
        with suppress(OSError), _scratch(folder) as scratch:
            files = _made("paint_cifar10", scratch, PER_BATCH)
            sums = {path: "md5:" + pooch.file_hash(str(scratch / path), "md5") for path in files}
            _move(sums, scratch, folder)
            (scratch / listing.name).write_text(json.dumps(sums), encoding="utf-8")
            os.replace(scratch / listing.name, listing)
            return folder
    raise OSError(f"no room for the painted pictures (184 MB), neither in {HOME} nor in {base}")


def _made(what: str, *given: Any, **named: Any) -> Any:
    """What a function of ``data/stand_ins.py`` makes."""
    return runpy.run_path(str(STAND_INS))[what](*given, **named)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
