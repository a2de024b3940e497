"""Every message on the page of troubles is brought about here, so that none can go stale."""

import contextlib
import io
import re
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn

import course
from utils import data, device, photos, training

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"(?m)^### `(.+)`$", PAGE)
X, y = torch.randn(8, 3), torch.randint(2, (8,))
LOADER = training.make_loader(X, y, batch_size=4)


def fitted(model, loader=LOADER, lr=0.1, of=None):
    optimizer = torch.optim.SGD((of or model).parameters(), lr=lr)
    training.fit(model, loader, nn.CrossEntropyLoss(), optimizer, epochs=1, progress=False)


def old_python(folder, patch):
    patch.setattr(course.sys, "version_info", (3, 9, 2))
    course.check_python()


def odd_place(folder, patch):
    course.check_place(Path(f"/courses/new{course.os.pathsep}old"))


def stopped(folder, patch):
    patch.setattr(course, "run", lambda root, command: 1)
    course.call(folder, ["pip"])


def hidden(folder, patch):
    (folder / "utils.py").touch()
    course.name_hidden(ROOT, [folder])


def no_device(folder, patch):
    patch.setenv("COURSE_DEVICE", "xpu:7")
    device.get_device()


def mistyped(folder, patch):
    patch.setenv("COURSE_DATA", str(folder / "dta"))
    patch.setattr(data, "HOME", folder)
    patch.setattr(data, "_answers", lambda url: False)
    data.surnames()


def heic(folder, patch):
    (folder / "me.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 99)
    photos.read_picture(folder / "me.heic")


def empty(folder, patch):
    Image.new("RGB", (9, 9)).save(folder / "loose.png")
    (folder / "empty").mkdir()
    photos.pictures(folder / "empty")


def other_model(folder, patch):
    training.save_checkpoint(folder / "x.pt", nn.Linear(3, 2))
    training.load_checkpoint(folder / "x.pt", nn.Linear(4, 2))


BRINGS = {
    "The course needs Python": old_python,
    "The course lies in": odd_place,
    "The installation stopped": stopped,
    "… hides the course's own utils": hidden,
    "COURSE_DEVICE is": no_device,
    "Stand-in for …: … (COURSE_DATA": mistyped,
    "Stand-in for …: … (asked for)": lambda *_: data.surnames(stand_in=True),
    "… is a HEIC": heic,
    "… has no pictures": empty,
    "loader is": lambda *_: fitted(nn.Linear(3, 2), LOADER.dataset),
    "the optimizer holds none": lambda *_: fitted(nn.Linear(3, 2), of=nn.Linear(3, 2)),
    "the loss is not finite": lambda *_: fitted(nn.Linear(3, 2), lr=float("inf")),
    "logits and targets both": lambda *_: training.accuracy(torch.eye(4), torch.eye(4)),
    "… holds another architecture's weights": other_model,
}


def test_page_and_table_name_the_same_troubles():
    assert len(MESSAGES) == len(BRINGS)
    assert all(any(m.startswith(start) for m in MESSAGES) for start in BRINGS)


@pytest.mark.parametrize("message", MESSAGES)
def test_message_on_the_page_is_what_the_course_says(message, tmp_path, monkeypatch):
    bring = next(make for start, make in BRINGS.items() if message.startswith(start))
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        try:
            bring(tmp_path, monkeypatch)
        except (course.Trouble, ValueError, RuntimeError, FloatingPointError) as error:
            print(error)
    pattern = re.escape(message).replace("…", "(.|\n)*")
    assert re.match(pattern, said.getvalue()), said.getvalue()
