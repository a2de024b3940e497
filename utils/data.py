"""The course's data sets: the real files where they can be had, else a stand-in that says so.

Each function looks in the folder ``$COURSE_DATA`` (absolute, or as seen from the project), then in ``data/`` at the top of the project, for
files with the right checksum; else it takes them from an archive that lies there, or downloads them,
into the first of the two that can be written; else it makes a stand-in of the same shape and format,
with something to learn in it, and says so and why in one line. ``COURSE_DATA=stand-in`` asks for
stand-ins, as ``stand_in=True`` does for one call.

``python -m utils.data`` lists what is here; ``python -m utils.data --fetch`` downloads the rest.
Looking changes no file; a wrong one is set aside only when the right one is there to take its place.
"""

from __future__ import annotations

import difflib
import errno
import functools
import gzip
import itertools
import json
import os
import re
import runpy
import shutil
import sys
import tarfile
import tempfile
import threading
import time
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pooch

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10

HOME = SETS = Path(__file__).resolve().parents[1] / "data"
if INSTALLED := not (SETS / "stand_ins.py").is_file():  # as a package, without the course around it
    SETS = Path(__file__).with_name("sets")  # pyproject.toml lays data/ there
    HOME = Path(pooch.os_cache("pytorch-cell-by-cell"))
PATIENCE = 4.0  # seconds, once per process, for finding out which servers answer
STALLED = 20.0  # seconds without a byte, after which a download is given up
FETCH = "`py tools/course.py data`" if os.name == "nt" else "`make data`"
UNREADABLE, LINE_ENDS = "cannot be read", "has had its line ends changed, as a git checkout does"
BROKEN = (
    EOFError,
    RuntimeError,
    gzip.BadGzipFile,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
DISK = {errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, getattr(errno, "EDQUOT", None)}
PER_BATCH = 10_000  # painted pictures in each of the six files
FIELDS = ["pregnancies", "glucose", "blood_pressure", "skin_thickness", "insulin", "bmi"]
FIELDS += ["pedigree", "age", "label"]


class Page(Exception):
    """A server sent a web page, or another thing of a known kind, in place of a file."""


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
    files = CIFAR10.train_list if train else CIFAR10.test_list
    pixels = np.empty(0, np.uint8)
    targets: list[int] = []
    with warnings.catch_warnings():  # some NumPy 2.4 releases warn about pickles of that age
        warnings.filterwarnings("ignore", message=r"dtype\(\): align should be passed")
        for n, file in enumerate(files):  # all at once would take 150 MB more
            Checked.train_list = Checked.test_list = [file]
            dataset = Checked(folder, train=train, transform=transform)
            batch = dataset.data.transpose(0, 3, 1, 2)
            pixels = pixels if n else np.empty((len(files), *batch.shape), np.uint8)
            pixels[n] = batch
            targets += dataset.targets
    dataset.data, dataset.targets = pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), targets
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
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console that lacks a letter gets a "?" for it
            stream.reconfigure(errors="replace")
    if arguments not in ([], ["--fetch"]):
        print("usage: python -m utils.data [--fetch]", file=sys.stderr)
        return 2
    if trouble := _folders()[1]:
        print(f"{trouble} {'Nothing is fetched.' if arguments else ''}".rstrip())
        if arguments:
            return 1
    lacking = []
    for name, entry in _registry().items():
        folder, why = _find(name, fetch=bool(arguments), mend=bool(arguments))
        lacking += [] if folder else [name]
        state = "real" if folder else "stand-in"
        print(f"{name:16}{state:9}{entry['size'] / 1e6:8.2f} MB  license: {entry['license']}")
        print(f"{'':37}from {entry['source']}\n{'':37}{f'in {folder}' if folder else why}")
    if arguments and lacking:
        print(f"Not fetched: {', '.join(lacking)}. Until then, lessons use stand-ins.")
    return 1 if arguments and lacking else 0


def _root() -> Path:
    """From where a relative COURSE_DATA is seen: the project, or if there is none, where you are."""
    return Path.cwd() if INSTALLED else HOME.parent


@functools.cache
def _registry() -> dict[str, dict[str, Any]]:
    return json.loads((SETS / "registry.json").read_text(encoding="utf-8"))


def _folder(name: str, stand_in: bool) -> Path | None:
    """Where the set's files lie, all of them right; else None, after the line that says why."""
    folder, why = (None, "asked for") if stand_in else _find(name)
    if folder is None:
        print(f"Stand-in for {name}: {_registry()[name]['stand_in']} ({why}).")
    return folder


def _find(name: str, fetch: bool = True, mend: bool = False) -> tuple[Path | None, str]:
    """The first of $COURSE_DATA and data/ that has the set or can be given it; else why not.

    With ``mend``, files whose line ends were changed are put right, too.
    """
    if os.environ.get("COURSE_DATA") == "stand-in":
        return None, "asked for by COURSE_DATA"
    entry = _registry()[name]
    files, (folders, trouble) = entry["files"], _folders()
    why, wrong = [trouble] if trouble else [], {}
    for folder in folders:
        if _right(folder, files):
            for line in why:
                _say(f"{line}. {name} is taken from {folder}")
            return folder, ""
        wrong[folder] = _wrong(folder, files)
        why += _described(folder, wrong[folder], files)
    for folder in folders:
        if place := next((near for near in _near(folder) if _right(near, files)), None):
            _say(f"{name} lies in {place}, not in {folder}: set COURSE_DATA to {place}")
            return place, ""
        why += _flat(folder, files)
    archives = [archive for folder in folders for archive in _archives(folder, entry)]
    if not fetch:
        why += [f"{archive} is not unpacked: {FETCH} unpacks it" for archive in archives]
        return None, "; ".join(why) or f"not here yet: {FETCH}"
    refused = []
    for folder in folders:
        if any(problem.startswith(UNREADABLE) for problem in wrong[folder].values()):
            continue  # a file that others can read is not replaced
        changed = mend and set(wrong[folder].values()) == {LINE_ENDS}
        if not (changed or archives or any(map(_answers, entry["urls"]))):
            why += _grouped({url: _answering()[urlsplit(url).netloc] for url in entry["urls"]})
            return None, "; ".join(why)
        try:
            with _scratch(folder) as scratch:
                failed: list[str] = []
                if changed:
                    source: Path | None = _with_line_ends(folder, wrong[folder], scratch)
                else:
                    source, failed = _unpacked(archives, files, scratch)
                if source is None:
                    source, more = _fetch(name, entry, scratch, folder)
                    failed += more
                if source is None:
                    return None, "; ".join(why + failed)
                _move(files, source, folder)
                if trouble or folder != folders[0]:
                    for line in why:
                        _say(f"{line}. {name} is put into {folder}")
                return folder, ""
        except OSError as error:
            refused.append(f"{folder}: {error.strerror or error}")
    if refused:
        where = "; ".join(refused)
        why.append(f"nothing can be written ({where}): set COURSE_DATA to a folder of yours")
    return None, "; ".join(why)


@functools.cache
def _say(line: str) -> None:
    """Print a line once."""
    print(line)


def _folders() -> tuple[list[Path], str]:
    """The folders to look in, and what is wrong with $COURSE_DATA, with the mend."""
    wish = os.environ.get("COURSE_DATA", "")
    if wish in ("", "stand-in"):
        return [HOME], ""
    folder = Path(os.path.normpath(_root() / os.path.expanduser(wish)))
    try:
        if folder.is_dir():
            return list(dict.fromkeys([folder, HOME])), ""
        there = folder.exists()
    except OSError as error:
        return [HOME], f"COURSE_DATA is {folder}, which {UNREADABLE} ({error.strerror})"
    if there:
        return [HOME], f"COURSE_DATA is {folder}, a file: name the folder that it is in"
    meant = _meant(wish, folder)
    mend = f"did you mean {meant}?" if meant else "correct it, or make that folder"
    return [HOME], f"COURSE_DATA is {folder}, which is not there: {mend}"


def _meant(wish: str, folder: Path) -> str | Path | None:
    """What was meant by a $COURSE_DATA that is not there, if that can be guessed."""
    if difflib.get_close_matches(
        wish.strip("\"' ").lower().replace("_", "-"), ["stand-in"], 1, 0.8
    ):
        return "stand-in"
    spelled = os.path.expanduser(os.path.expandvars(wish.strip("\"' ")))
    for guess in (_root() / spelled, Path.cwd() / spelled):
        if guess.is_dir():
            return Path(os.path.normpath(guess))
    there = next(parent for parent in folder.parents if parent.exists())
    lost, *below = folder.relative_to(there).parts
    with suppress(OSError):
        names = [child.name for child in there.iterdir() if child.is_dir()]
        for name in difflib.get_close_matches(lost, names, 3):
            if there.joinpath(name, *below).is_dir():
                return there.joinpath(name, *below)
    return None


def _wrong(folder: Path, files: Mapping[str, str]) -> dict[str, str]:
    """The files that are not right, each with what it is: "" if it is not there."""
    problems = {path: _problem(folder / path, known) for path, known in files.items()}
    return {path: problem for path, problem in problems.items() if problem is not None}


def _right(folder: Path, files: Mapping[str, str]) -> bool:
    return all(_problem(folder / path, known) is None for path, known in files.items())


def _problem(file: Path, known: str) -> str | None:
    """None if the file has the checksum ``known`` ("md5:…", "sha256:…"), "" if there is none."""
    algorithm, _, checksum = known.partition(":")
    try:
        if file.is_dir():
            return "is a folder, not a file"
        if pooch.file_hash(str(file), algorithm) == checksum:
            return None
        with file.open("rb") as opened:
            content = opened.read(2**24)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        return f"{UNREADABLE} ({error.strerror})"
    if not content:
        return "is empty"
    if kind := _kind(content):
        return f"is {kind}"
    unix = content.replace(b"\r\n", b"\n")
    if unix != content and _checksum(unix, algorithm) == checksum:
        return LINE_ENDS
    return "is damaged, or another file (wrong checksum)"


def _kind(content: bytes) -> str:
    """What is often found in place of a file; "" if it is none of that."""
    head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--", b"<script")):
        return "a web page in place of the file"
    return "a pointer of Git LFS in place of the file" if head.startswith(b"version https") else ""


def _checksum(content: bytes, algorithm: str) -> str:
    import hashlib

    return hashlib.new(algorithm, content).hexdigest()


def _described(folder: Path, wrong: Mapping[str, str], files: Mapping[str, str]) -> list[str]:
    """What is wrong with a folder that has part of the set, with the mend; [] if it has nothing."""
    if odd := {path: problem for path, problem in wrong.items() if problem}:
        path, problem = next(iter(odd.items()))
        more = f", as {len(odd) - 1} more of its files" if len(odd) > 1 else ""
        mend = f"{FETCH} {'puts that right' if problem == LINE_ENDS else 'fetches it again'}"
        if problem.startswith(UNREADABLE):
            mend = "ask its owner to let you read it"
        return [f"{folder / path} {problem}{more}: {mend}"]
    if len(wrong) < len(files):
        few = f"{len(wrong)} of the set's {len(files)} files, such as {next(iter(wrong))},"
        return [f"{few} not there in {folder}: {FETCH} fetches what is missing"]
    return []


def _near(folder: Path) -> Iterator[Path]:
    """Where a set may lie that is not in ``folder``: above it, or one or two folders below."""
    yield folder.parent
    for pattern in ("*/", "*/*/"):
        with suppress(OSError):
            below = itertools.islice(folder.glob(pattern), 200)
            yield from (place for place in below if "stand-in" not in place.parts)


def _flat(folder: Path, files: Mapping[str, str]) -> list[str]:
    """Where the set's files lie without the folder that they belong into, with the mend."""
    inside = Path(next(iter(files))).parent
    bare = {Path(path).name: known for path, known in files.items()}
    for place in (folder, *_near(folder)):
        if place != folder / inside and _right(place, bare):
            more = f" and {len(bare) - 1} more files" if len(bare) > 1 else ""
            return [
                f"{place / next(iter(bare))}{more} lie too high: move them into {folder / inside}"
            ]
    return []


def _archives(folder: Path, entry: Mapping[str, Any]) -> list[Path]:
    """Archives in ``folder`` that have the name of the set's own, or of the set's folder."""
    ends = (".zip", ".tar.gz", ".tgz", ".tar")
    own = [url.rsplit("/", 1)[1] for url in entry["urls"] if url.endswith(ends)]
    starts = [re.sub(r"\.(zip|tar\.gz)$", "", name) for name in own]
    starts += [path.partition("/")[0] for path in entry["files"]]
    with suppress(OSError):
        named = (p for p in folder.iterdir() if p.name.lower().endswith(ends))
        return sorted(p for p in named if p.name.startswith(tuple(starts)) and p.is_file())
    return []


@functools.cache
def _answering() -> dict[str, str]:
    """Each server, with "" if it answers, else why not: asked all at once, and once per process."""
    import requests

    servers = {urlsplit(url)[:2] for entry in _registry().values() for url in entry["urls"]}
    late = f"no network, or a slow one: no answer in {PATIENCE:.0f} s; {FETCH} tries again"
    answers = {host: late for _, host in servers}

    def ask(scheme: str, host: str) -> None:
        url = f"{scheme}://{host}/"
        try:
            answer = requests.head(url, timeout=PATIENCE)
            answers[host] = _login(url) if answer.status_code == 407 else ""
        except Exception as error:  # a wrong setting gives a plain OSError or ValueError
            answers[host] = _cause(error, url)

    threads = [threading.Thread(target=ask, args=server, daemon=True) for server in servers]
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return dict(answers)


def _answers(url: str) -> bool:
    return not _answering()[urlsplit(url).netloc]


def _cause(error: Exception, url: str) -> str:
    """Why ``url`` could not be had, and the mend, in words for the reader."""
    import requests

    said, proxy = str(error), _proxy(url)
    if found := re.search(r"certificate verify failed: ([^()\]]+)", said):
        return (
            f"the server's certificate is refused ({found[1].strip()}): check this computer's date, "
            "or set REQUESTS_CA_BUNDLE to the file with your network's certificates"
        )
    if found := re.search(r"invalid path: (.*)", said):
        names = [n for n in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if os.environ.get(n)]
        return f"{' or '.join(names)} is {found[1]}, which is not there: correct it, or unset it"
    if "407" in said:
        return _login(url)
    if proxy and (found := re.search(r"Tunnel connection failed: (\d+[^'\")]*)", said)):
        return f"{proxy} refuses ({found[1].strip()}): ask whoever runs it, or correct the address"
    if isinstance(error, requests.exceptions.SSLError):
        where = proxy or "something on the way (a proxy, a login page)"
        return f"{where} answers in place of the server, and not encrypted: log in to the network in a browser, or correct the proxy"
    if "SOCKS" in said:
        return f"{proxy} is one for SOCKS, which needs one more package (PySocks): name an http one"
    if proxy and not isinstance(error, requests.HTTPError):
        return f"{proxy} does not answer: correct it, or unset it"
    if isinstance(error, requests.Timeout):
        return f"no network, or a slow one: no answer in {PATIENCE:.0f} s; {FETCH} tries again"
    if "NameResolution" in said or "getaddrinfo" in said:
        return f"no network, as no server's name is found; {FETCH} tries again"
    if isinstance(error, requests.ConnectionError):
        return f"no network, or a firewall, as the connection is refused; {FETCH} tries again"
    return f"{type(error).__name__}: {said.partition(chr(10))[0]}"


def _login(url: str) -> str:
    proxy = _proxy(url) or "the proxy"
    return f"{proxy} asks for a login: give it as http://NAME:PASSWORD@HOST:PORT"


def _proxy(url: str) -> str:
    """The proxy that requests takes for ``url`` and where it is set, without its password; or ""."""
    import requests

    scheme = urlsplit(url).scheme
    proxies = requests.utils.get_environ_proxies(url)
    address = proxies.get(scheme) or proxies.get("all")
    if not address:
        return ""
    names = [n for n in os.environ if n.lower() in (f"{scheme}_proxy", "all_proxy")]
    set_by = next((n for n in names if os.environ[n] == address), "the system's settings")
    return f"the proxy {address.rpartition('@')[2]} ({set_by})"


def _grouped(why: Mapping[str, str]) -> list[str]:
    """Each cause once, after the servers that it concerns unless it concerns all."""
    causes: dict[str, dict[str, None]] = {}
    for url, cause in why.items():
        causes.setdefault(cause, {})[urlsplit(url).netloc] = None
    if len(causes) == 1:
        return list(causes)
    return [f"{', '.join(servers)}: {cause}" for cause, servers in causes.items()]


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A place on the folder's own disk, from which a finished file moves in all at once."""
    wish = Path(os.path.normpath(_root() / os.path.expanduser(os.environ.get("COURSE_DATA", ""))))
    folder = Path(os.path.normpath(folder))
    if wish in (folder, *folder.parents) and not wish.is_dir():  # mistyped, so not to be made
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(wish))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(".part", dir=folder, ignore_cleanup_errors=True) as scratch:
        yield Path(scratch)


def _move(files: Mapping[str, str], source: Path, folder: Path) -> None:
    """Put right copies in their places; a wrong file is set aside, never deleted."""
    for path, known in files.items():
        file, new = folder / path, source / f"{path}.new"
        problem = _problem(file, known)
        if problem is None:  # another process was faster
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, new)  # its mode follows the umask, unlike a scratch file's
        if problem:
            aside = file.with_name(f"{file.name}.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}")
            with suppress(FileNotFoundError):  # another process has just set it aside
                file.rename(aside)
                if _problem(aside, known) is None:  # … and put the right one there
                    aside.rename(file)
                    continue
                print(f"{file} {problem}: set aside as {aside.name}")
        os.replace(new, file)


def _with_line_ends(folder: Path, paths: Iterable[str], scratch: Path) -> Path:
    """Right copies of files whose line ends were changed."""
    for path in paths:
        (scratch / path).parent.mkdir(parents=True, exist_ok=True)
        (scratch / path).write_bytes((folder / path).read_bytes().replace(b"\r\n", b"\n"))
    return scratch


def _unpacked(
    archives: Iterable[Path], files: Mapping[str, str], scratch: Path
) -> tuple[Path | None, list[str]]:
    """The set out of the first archive that has it; else what is wrong with each."""
    why = []
    for archive in archives:
        try:
            return _unpack(archive, files, scratch), []
        except ValueError as error:
            why.append(f"{archive} {error}: replace it, or remove it")
    return None, why


def _unpack(archive: Path, files: Mapping[str, str], scratch: Path) -> Path:
    """Write the set's files, wherever in the archive they are, under ``scratch``."""
    paths = {Path(path).name: path for path in files}
    folder = Path(tempfile.mkdtemp(dir=scratch))
    try:
        for name, content in _members(archive):
            if path := paths.get(name.rpartition("/")[2]):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                with content, (folder / path).open("wb") as file:
                    shutil.copyfileobj(content, file)
    except PermissionError as error:
        raise ValueError(f"{UNREADABLE} ({error.strerror})") from None
    except BROKEN as error:
        first = str(error).partition("\n")[0].rstrip(":")
        raise ValueError(f"is damaged or incomplete ({first})") from None
    if not _right(folder, files):
        raise ValueError("has another version of the set, or none")
    return folder


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The name and the content of each file in a zip or tar archive."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for name in packed.namelist():
                yield name, packed.open(name)
    else:
        with tarfile.open(archive) as packed_tar:
            for member in packed_tar:
                if content := packed_tar.extractfile(member):
                    yield member.name, content


def _fetch(
    name: str, entry: Mapping[str, Any], scratch: Path, folder: Path
) -> tuple[Path | None, list[str]]:
    """Download from the first address that has the set, each tried twice; else say why not."""
    urls = [url for url in entry["urls"] if _answers(url)]
    why = {url: _answering()[urlsplit(url).netloc] for url in entry["urls"] if url not in urls}
    if urls:
        print(f"Fetching {name} ({entry['size'] / 1e6:.2f} MB) into {folder}")
    pooch.get_logger().setLevel("WARNING")
    plain = pooch.HTTPDownloader(entry["size"] > 1e6, 2**16, timeout=(PATIENCE, STALLED))

    def download(url: str, file: str, pup: Any) -> None:
        plain(url, file, pup)
        with open(file, "rb") as got:
            if kind := _kind(got.read(512)):
                raise Page(kind)

    get = functools.partial(pooch.retrieve, path=scratch, downloader=download)
    for url in urls * 2:
        try:
            if url.endswith((".zip", ".tar.gz")):
                packed = Path(get(url, entry.get("archive"), fname=url.rsplit("/", 1)[1]))
                try:
                    return _unpack(packed, entry["files"], scratch), []
                finally:
                    packed.unlink()
            for path, known in entry["files"].items():
                get(url.replace("{file}", Path(path).name), known, fname=path)
            return scratch, []
        except Exception as error:  # whatever a broken server provokes, the next one is tried
            if isinstance(error, OSError) and error.errno in DISK:
                raise
            why[url] = _failed(error, url)
    return None, _grouped(why)


def _failed(error: Exception, url: str) -> str:
    """Why a server that answers did not give the set."""
    import requests

    other = "update the course, or set COURSE_DATA to a folder that has the files"
    if isinstance(error, Page):
        return f"sent {error}: log in to the network in a browser first, then {FETCH}"
    if isinstance(error, requests.HTTPError):
        status, proxy = getattr(error.response, "status_code", "an error"), _proxy(url)
        mend = other if status in (404, 410) else f"{FETCH} tries again"
        return f"{proxy + ' ' if proxy else ''}answered {status}: {mend}"
    if isinstance(error, ValueError) and not isinstance(error, requests.RequestException):
        return f"sent another file: {other}"
    if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ProxyError):
        return _cause(error, url)
    return f"broke off: {FETCH} tries again"


def _painted() -> Path:
    """Files in CIFAR-10's own format with painted figures in them, made once; their folder."""
    for base in (HOME, Path(pooch.os_cache("pytorch-cell-by-cell"))):
        folder, listing = base / "stand-in", base / "stand-in" / "cifar10.json"
        with suppress(OSError, ValueError):
            if not _wrong(folder, json.loads(listing.read_text(encoding="utf-8"))):
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
    return runpy.run_path(str(SETS / "stand_ins.py"))[what](*given, **named)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
