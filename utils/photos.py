"""Pictures of your own, one folder a class, or the set that comes with the course.

Lay photographs down as ``work/pictures/NAME/*.jpg``, one folder for each class, and the lessons learn
from them. Nothing in there is copied, moved or changed. Until then they take three classes of
CIFAR-10, written out once as PNG files.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import io
import os
import shutil
import tempfile
import unicodedata
import warnings
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
if not (ROOT / "data" / "stand_ins.py").is_file():  # installed, without the course around it
    ROOT = Path.cwd()
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
CLASSES = ["automobile", "frog", "horse"]  # far apart for a trained body, not for a new network
EACH, NEW = 120, 5  # pictures a class: from CIFAR-10's training part, and from its test part
PHOTOGRAPHS = {  # what each shows, and where it lies in the packages that the course installs
    "palace": ("sklearn", "datasets/images/china.jpg"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "cat": ("skimage", "data/chelsea.png"),
    "cup of coffee": ("skimage", "data/coffee.png"),
    "astronaut": ("skimage", "data/astronaut.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
}


class Pictures(NamedTuple):
    """Picture i lies at ``paths[i]`` and shows ``classes[labels[i]]``."""

    paths: list[Path]
    labels: list[int]
    classes: list[str]


def read_picture(path: str | os.PathLike[str], size: int | None = None) -> Tensor:
    """The picture in a file as uint8 of shape (3, height, width), upright: red, green, blue, 0 to 255.

    With ``size``, the largest square in its middle, scaled to (3, size, size); a large JPEG is then
    decoded no larger than needed. Reads JPEG, PNG, GIF, WebP, BMP, TIFF and AVIF: gray becomes three
    equal channels, 16 bits become 8, white shows through what is transparent, and of an animation
    comes the first frame. Raises ``FileNotFoundError`` if it is not there, ``ValueError`` if it
    cannot be read, as HEIC cannot.

    >>> name, path = new_pictures()[-1]
    >>> name, read_picture(path).shape, read_picture(path, size=64).shape
    ('motorcycle', torch.Size([3, 500, 741]), torch.Size([3, 64, 64]))
    """
    file = Path(path)
    if size is not None and size < 1:
        raise ValueError(f"size is {size}: give the side of the square in pixels, 1 or more")
    if not file.exists():
        raise FileNotFoundError(
            f"no file {str(path)!r} here: give its full path, or put it beside the notebook"
        )
    try:
        return _decoded(file, size)
    except Exception as error:  # whatever a broken file provokes
        raise ValueError(
            f"{str(path)!r} {_problem(file, error)}; expected JPEG, PNG, GIF, WebP, BMP, TIFF or "
            "AVIF: open it in a picture viewer, and save it as one of these"
        ) from None


def pictures(folder: str | os.PathLike[str] | None = None) -> Pictures:
    """The pictures in ``folder``, each sub-folder a class, folders and files sorted by name.

    Without ``folder``: ``$COURSE_PICTURES`` (absolute, or as seen from the project), else
    ``work/pictures`` if it is there, else the provided set, 120 pictures of each of three classes;
    the word "provided" asks for that set. Whatever in the folder cannot be read is named on one line
    and passed over, hidden files silently. A folder with fewer than two classes is named on one line,
    and the provided set is taken.

    >>> paths, labels, classes = pictures("provided")  # doctest: +SKIP
    >>> len(paths), classes  # doctest: +SKIP
    (360, ['automobile', 'frog', 'horse'])
    """
    if folder is None:
        own = ROOT / "work" / "pictures"
        wish = os.environ.get("COURSE_PICTURES") or (str(own) if own.exists() else "provided")
        folder = wish if wish == "provided" else ROOT / Path(wish).expanduser()
    if str(folder) == "provided":
        return _provided()
    found, why = _found(Path(folder).expanduser())
    if why:
        print(
            f"{_shown(Path(folder))} {why}; expected two folders or more with pictures in them, one a "
            "class, such as cat/1.jpg and dog/1.jpg. Going on with the provided set."
        )
        return _provided()
    return found


def new_pictures() -> list[tuple[str, Path]]:
    """Pictures that nobody trained on, each as what it shows and its path.

    First five of each class of the provided set, out of CIFAR-10's test part, then photographs that
    come with scikit-learn and scikit-image, most of which show none of these classes.

    >>> [name for name, path in new_pictures()][-7:]
    ['palace', 'flower', 'cat', 'cup of coffee', 'astronaut', 'rocket', 'motorcycle']
    """
    folder = _written()
    ours = [(name, folder / _new(name, i)) for name in CLASSES for i in range(NEW)]
    for name, (package, inside) in PHOTOGRAPHS.items():
        spec = importlib.util.find_spec(package)  # where it lies, without importing it
        if spec and spec.origin:
            ours.append((name, Path(spec.origin).parent / inside))
    return [(name, path) for name, path in ours if path.is_file()]


def _decoded(file: Path, size: int | None) -> Tensor:
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd but harmless headers, and of 90 megapixels
        with Image.open(file, formats=FORMATS) as opened:
            if size:
                opened.draft("", (2 * size, 2 * size))  # JPEG: decode 1/2, 1/4 or 1/8 of the width
            ImageOps.exif_transpose(opened, in_place=True)
            image = _in_colors(opened)
            if size:
                image = ImageOps.fit(image, (size, size))
            return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def _in_colors(image: Image.Image) -> Image.Image:
    """The picture in RGB: 8 bits a channel, on white."""
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits of gray
        return Image.fromarray((np.asarray(image).clip(0, 65535) // 257).astype(np.uint8)).convert(
            "RGB"
        )
    if image.mode == "F":
        raise ValueError("its pixels are fractions, of unknown range")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _problem(file: Path, error: Exception) -> str:
    """What is wrong with a file that gave ``error``, in words that follow its name."""
    from PIL import Image, UnidentifiedImageError

    try:
        with file.open("rb") as opened:
            head = opened.read(12)
    except OSError as refused:
        return f"cannot be read ({refused.strerror})"
    if head[4:8] == b"ftyp" and head[8:] in HEIC or file.suffix.lower() in (".heic", ".heif"):
        return "is a HEIC photograph (to be exported as JPEG)"
    if isinstance(error, UnidentifiedImageError):
        return "is not a picture" if head else "is empty"
    if isinstance(error, Image.DecompressionBombError):
        return "has more than 178 megapixels"
    return f"cannot be read ({error})"


def _found(folder: Path) -> tuple[Pictures, str]:
    """What is in the reader's folder, after a line that names what is passed over; else why not."""
    found, odd = Pictures([], [], []), []
    try:
        inside = _visible(folder)
    except OSError as error:
        return found, f"cannot be read ({error.strerror})"
    for kind in inside:
        if not kind.is_dir():
            odd.append(f"{kind.name} lies in no class's folder")
            continue
        good = []
        try:
            files = _visible(kind)
        except OSError as error:
            odd.append(f"{kind.name} cannot be read ({error.strerror})")
            continue
        for file in files:
            try:
                _decoded(file, 32)  # to the file's end, which is where many are cut
                good.append(file)
            except Exception as error:
                odd.append(f"{kind.name}/{file.name} {_problem(file, error)}")
        if good:
            found.paths.extend(good)
            found.labels.extend([len(found.classes)] * len(good))
            found.classes.append(unicodedata.normalize("NFC", kind.name))
        else:
            odd.append(f"{kind.name} has no picture")
    if odd:
        more = f"; and {len(odd) - 12} more" if len(odd) > 12 else ""
        print(f"Passed over in {_shown(folder)}: {'; '.join(odd[:12])}{more}.")
    few = [f"has only one class, {name}" for name in found.classes] or [
        "has no pictures in folders"
    ]
    return found, few[0] if len(few) == 1 else ""


def _visible(folder: Path) -> list[Path]:
    """What lies in a folder, by name, without what systems hide in it."""
    hidden = ("thumbs.db", "desktop.ini", "__macosx")
    return sorted(
        p for p in folder.iterdir() if not p.name.startswith(".") and p.name.lower() not in hidden
    )


def _shown(folder: Path) -> Path:
    return folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder


def _provided() -> Pictures:
    folder = _written()
    paths = [folder / _known(name, i) for name in CLASSES for i in range(EACH)]
    return Pictures(paths, [i // EACH for i in range(len(paths))], list(CLASSES))


def _known(name: str, i: int) -> str:
    return f"known/{name}/{i:03}.png"


def _new(name: str, i: int) -> str:
    return f"new/{name}-{i}.png"


def _written() -> Path:
    """The folder with the provided set's files, each written all at once if it is not there.

    Those of the real CIFAR-10 and those of its stand-in lie apart.
    """
    from utils import data

    wish = os.environ.get("COURSE_DATA") or data.HOME
    bases = [data.HOME] if wish == "stand-in" else [data.HOME, ROOT / Path(wish).expanduser()]
    names = [_known(name, i) for name in CLASSES for i in range(EACH)]
    names += [_new(name, i) for name in CLASSES for i in range(NEW)]

    def complete(folder: Path) -> bool:
        return all((folder / name).is_file() for name in names)

    if wish != "stand-in":  # no need to look for the real data set once they are written
        for folder in (base / "pictures" for base in bases):
            if complete(folder):
                return folder
    real = data._folder("cifar10", stand_in=False) is not None  # which says so if it is not
    for base in (*bases, None):
        folder = (base or _temporary()) / ("pictures" if real else "stand-in/pictures")
        if complete(folder):
            return folder
        with suppress(OSError), data._scratch(folder) as scratch:
            _write(scratch, real)
            for name in names:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(scratch / name, folder / name)
            return folder
    raise OSError(f"no room for the provided pictures (1 MB), neither in {data.HOME} nor elsewhere")


def _write(folder: Path, real: bool) -> None:
    from PIL import Image

    from utils.data import cifar10

    for train, each, place in ((True, EACH, _known), (False, NEW, _new)):
        with redirect_stdout(io.StringIO()):  # whether it is a stand-in was said before
            dataset = cifar10(train, stand_in=not real)
        targets = np.array(dataset.targets)
        for name in CLASSES:
            rows = np.flatnonzero(targets == dataset.class_to_idx[name])[:each]
            for i, row in enumerate(rows):
                (folder / place(name, i)).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(dataset.data[row]).save(folder / place(name, i))


@functools.cache
def _temporary() -> Path:
    """A folder until Python ends, for whoever may write nowhere else."""
    folder = tempfile.mkdtemp(prefix="pictures-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
