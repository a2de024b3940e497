"""The data sets: found, fetched, refused or replaced by a stand-in; all on a server of our own."""

import doctest
import functools
import hashlib
import io
import json
import os
import pickle
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from utils import data

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:utils")

HERE = Path(__file__).resolve().parents[1] / "data"
GOOD = b"First Citizen:\nBefore we proceed any further, hear me speak.\n" * 50
REAL = Path(os.environ.get("COURSE_DATA") or HERE).expanduser().resolve()
WITH_REAL = pytest.mark.skipif(
    not (REAL / "cifar-10-batches-py").is_dir(),
    reason="the real files are not here: set COURSE_DATA to the folder that has them",
)


class Handler(BaseHTTPRequestHandler):
    """Answers with what the test put into ``server.pages``: path → (status, body, how)."""

    def do_HEAD(self):
        self.server.heads += 1
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        self.server.gets.append(self.path)
        status, body, how = self.server.pages.get(self.path, (404, b"", ""))
        time.sleep(1.2 if how == "slow" else 0)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):  # whoever asked may have given up
            self.wfile.write(body[: len(body) // 2] if how == "cut" else body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads, httpd.pages, httpd.gets, httpd.heads = True, {}, [], 0
    httpd.url = f"http://127.0.0.1:{httpd.server_port}"
    threading.Thread(target=httpd.serve_forever, args=(0.05,), daemon=True).start()
    yield httpd
    httpd.shutdown()
    httpd.server_close()


@functools.cache
def taken() -> socket.socket:
    """Bound and kept, so that nobody else on this machine gets its port."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    return s


def nobody() -> str:
    """An address on this machine where nobody listens."""
    return f"http://127.0.0.1:{taken().getsockname()[1]}"


def sha(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A data folder of the test's own, in a path with a space, where every address is dead."""
    folder = tmp_path / "my data"
    folder.mkdir()
    registry = json.loads((HERE / "registry.json").read_text(encoding="utf-8"))
    for entry in registry.values():
        entry["urls"] = [nobody() + "/x"]
    registry["shakespeare"] |= {"files": {"shakespeare/input.txt": sha(GOOD)}, "size": len(GOOD)}
    listed = (HERE / "stand-in-surnames.txt").read_bytes()
    (folder / "stand-in-surnames.txt").write_bytes(listed)
    monkeypatch.setattr(data, "HOME", folder)
    monkeypatch.setattr(data, "_registry", lambda: registry)
    monkeypatch.setattr(data, "STALLED", 0.6)
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    data._answering.cache_clear()
    yield folder
    data._answering.cache_clear()


def play(home) -> Path:
    return home / "shakespeare" / "input.txt"


def put(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


# Found, fetched, refused


def test_a_good_file_is_fetched_once_and_then_found(home, server, capsys):
    server.pages["/a"] = (200, GOOD, "")
    data._registry()["shakespeare"]["urls"] = [server.url + "/a"]
    assert data.is_real("shakespeare") and not data.is_real("diabetes")
    assert "Fetching shakespeare" in capsys.readouterr().out
    assert data.shakespeare() == GOOD.decode()
    assert capsys.readouterr().out == ""
    assert server.gets == ["/a"]
    assert [p.name for p in home.iterdir() if "part" in p.name] == []


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ((200, b"Log in to the hotel's network", ""), "sent another file"),
        ((200, b"<html>Log in to the hotel's network</html>", ""), "sent a web page"),
        ((200, GOOD, "cut"), "broke off"),
        ((404, b"", ""), "answered 404"),
        ((500, b"", ""), "answered 500"),
        ((200, GOOD, "slow"), "broke off"),
    ],
)
def test_a_bad_answer_is_named_and_gives_a_stand_in(home, server, capsys, page, said):
    server.pages["/a"] = page
    data._registry()["shakespeare"]["urls"] = [server.url + "/a"]
    assert "statement" in data.shakespeare()
    out = capsys.readouterr().out
    assert said in out and "Stand-in for shakespeare" in out
    assert server.gets == ["/a", "/a"], "each address is tried twice"
    assert not play(home).exists()


@pytest.mark.parametrize("bad", [(404, b"", ""), (200, b"?", ""), (200, GOOD, "cut")])
def test_the_second_address_is_used_when_the_first_is_bad(home, server, bad):
    server.pages |= {"/a": bad, "/b": (200, GOOD, "")}
    data._registry()["shakespeare"]["urls"] = [nobody(), server.url + "/a", server.url + "/b"]
    assert data.shakespeare() == GOOD.decode()
    assert server.gets == ["/a", "/b"]


def test_nobody_there_is_found_out_once_and_soon(home, capsys):
    began = time.monotonic()
    data.shakespeare(), data.diabetes(), data.surnames()
    assert time.monotonic() - began < 5
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 3 and all("no network" in line for line in out)
    assert data._answering.cache_info().misses == 1
    assert sorted(p.name for p in home.iterdir()) == ["stand-in-surnames.txt"]


def test_a_server_that_never_answers_costs_less_than_five_seconds(home, monkeypatch):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()  # connects, and then says nothing
        monkeypatch.setattr(data, "PATIENCE", 1.0)
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/x"
        for entry in data._registry().values():
            entry["urls"] = [url, url + "2"]
        began = time.monotonic()
        data.shakespeare(), data.diabetes()
        assert time.monotonic() - began < 2.5
    assert data.PATIENCE < 5


@pytest.mark.parametrize("content", [GOOD[:-10], b"", GOOD.replace(b"C", b"c")])
def test_a_damaged_file_is_set_aside_and_fetched_again(home, server, capsys, content):
    put(play(home), content)
    server.pages["/a"] = (200, GOOD, "")
    data._registry()["shakespeare"]["urls"] = [server.url + "/a"]
    assert data.shakespeare() == GOOD.decode()
    out = capsys.readouterr().out
    (aside,) = play(home).parent.glob("input.txt.damaged-*")
    assert aside.name in out and "damaged" in out
    assert aside.read_bytes() == content


def test_a_damaged_file_without_a_network_is_named_and_not_used(home, capsys):
    put(play(home), GOOD[:-1])
    assert "First Citizen" not in data.shakespeare()
    out = capsys.readouterr().out
    assert f"{play(home)} is damaged" in out and "Stand-in" in out
    assert play(home).read_bytes() == GOOD[:-1] and len(list(play(home).parent.iterdir())) == 1


def test_a_folder_in_the_place_of_a_file_is_set_aside(home, server):
    play(home).mkdir(parents=True)
    server.pages["/a"] = (200, GOOD, "")
    data._registry()["shakespeare"]["urls"] = [server.url + "/a"]
    assert data.shakespeare() == GOOD.decode()


# $COURSE_DATA


def test_course_data_comes_first_and_is_filled(home, server, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "mine"))
    server.pages["/a"] = (200, GOOD, "")
    data._registry()["shakespeare"]["urls"] = [server.url + "/a"]
    assert data.shakespeare() == GOOD.decode()
    assert play(tmp_path / "mine").exists() and not play(home).exists()


def test_where_course_data_cannot_be_written_the_default_folder_is(
    home, server, tmp_path, monkeypatch
):
    blocked = put(tmp_path / "a file", b"") / "below"  # no one, root included, can make this folder
    monkeypatch.setenv("COURSE_DATA", str(blocked))
    server.pages["/a"] = (200, GOOD, "")
    data._registry()["shakespeare"]["urls"] = [server.url + "/a"]
    assert data.shakespeare() == GOOD.decode()
    assert play(home).exists()


def test_nothing_is_written_into_a_read_only_folder(home, server, tmp_path, monkeypatch, capsys):
    mine = tmp_path / "mine"
    put(play(mine), GOOD[:-1])
    before = sorted(mine.rglob("*"))
    monkeypatch.setenv("COURSE_DATA", str(mine))
    really = data.tempfile.TemporaryDirectory

    def no_scratch(*args, dir, **kwargs):
        if Path(dir) == mine:
            raise PermissionError(13, "Permission denied")
        return really(*args, dir=dir, **kwargs)

    monkeypatch.setattr(data.tempfile, "TemporaryDirectory", no_scratch)
    server.pages["/a"] = (200, GOOD, "")
    data._registry()["shakespeare"]["urls"] = [server.url + "/a"]
    assert data.shakespeare() == GOOD.decode()
    assert sorted(mine.rglob("*")) == before
    assert play(home).exists()


def test_no_place_to_write_says_what_to_do(home, server, tmp_path, monkeypatch, capsys):
    blocked = put(tmp_path / "a file", b"") / "below"
    monkeypatch.setenv("COURSE_DATA", str(blocked))
    monkeypatch.setattr(data, "HOME", blocked)
    data._registry()["shakespeare"]["urls"] = [server.url + "/a"]
    assert "statement" in data.shakespeare()
    assert "set COURSE_DATA to a folder of yours" in capsys.readouterr().out


def test_course_data_can_ask_for_stand_ins(home, monkeypatch, capsys):
    put(play(home), GOOD)
    monkeypatch.setenv("COURSE_DATA", "stand-in")
    assert "First Citizen" not in data.shakespeare()
    assert "asked for by COURSE_DATA" in capsys.readouterr().out
    assert data._answering.cache_info().misses == 0
    assert not data.is_real("shakespeare")


# Archives, and many processes


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_names_from_files_or_from_the_archive(home, server, capsys):
    entry = data._registry()["surnames"]
    lists = {"Irish": b"Adam\nAhearn\n", "Polish": "Ad\nBraś\nBraś\n".encode()}
    entry["files"] = {f"names/{k}.txt": sha(v) for k, v in lists.items()}
    entry["urls"] = [server.url + "/{file}", server.url + "/data.zip"]
    server.pages["/Irish.txt"] = (200, lists["Irish"], "")
    files = {f"data/names/{k}.txt": v for k, v in lists.items()} | {"data/eng-fra.txt": b"x"}
    server.pages["/data.zip"] = (200, zipped(files), "")
    names = {"Irish": ["Adam", "Ahearn"], "Polish": ["Ad", "Braś", "Braś"]}
    assert data.surnames() == names
    assert sorted(p.name for p in (home / "names").iterdir()) == ["Irish.txt", "Polish.txt"]
    assert not (home / "eng-fra.txt").exists()


def test_an_archive_with_another_version_is_refused(home, server, capsys):
    entry = data._registry()["surnames"]
    entry["files"] = {"names/Irish.txt": sha(b"Adam\n")}
    entry["urls"] = [server.url + "/data.zip", server.url + "/broken.zip"]
    server.pages["/data.zip"] = (200, zipped({"data/names/Irish.txt": b"Ahearn\n"}), "")
    server.pages["/broken.zip"] = (200, b"PK not really", "")
    assert len(data.surnames()) == 18
    assert "Stand-in for surnames" in capsys.readouterr().out
    assert not (home / "names").exists()


FETCH = """
import json, sys
from pathlib import Path
from utils import data
data.HOME = data.SETS = Path(sys.argv[1])
print(len(data.shakespeare()))
"""


def test_several_processes_at_once(home, server):
    put(play(home), GOOD[:-1])
    server.pages["/a"] = (200, GOOD, "")
    data._registry()["shakespeare"]["urls"] = [server.url + "/a"]
    (home / "registry.json").write_text(json.dumps(data._registry()), encoding="utf-8")
    command = [sys.executable, "-c", FETCH, str(home)]
    env = os.environ | {"PYTHONPATH": str(HERE.parent), "PYTHONWARNINGS": "error"}
    many = [subprocess.Popen(command, env=env, stdout=-1, stderr=-1, text=True) for _ in range(2)]
    for process in many:
        out, err = process.communicate(timeout=60)
        assert out.splitlines()[-1] == str(len(GOOD)) and err == ""
    assert len(list(play(home).parent.glob("*.damaged-*"))) == 1
    assert play(home).read_bytes() == GOOD


# Stand-ins


def test_diabetes_stand_in_has_the_real_table_s_shape_and_dirt(home):
    table = data.diabetes(stand_in=True)
    pd.testing.assert_frame_equal(table, data.diabetes(stand_in=True))
    assert table.shape == (768, 9) and list(table.columns) == data.FIELDS
    assert table["label"].sum() == 268
    zeros = (table == 0).sum()
    assert zeros[data.FIELDS[1:6]].tolist() == [5, 35, 227, 374, 11]
    assert (table.loc[table["skin_thickness"] == 0, "insulin"] == 0).all()
    assert zeros["pedigree"] == zeros["age"] == 0
    assert 0.40 < table["glucose"].corr(table["label"]) < 0.55
    assert [str(kind)[0] for kind in table.dtypes] == list("iiiiiffii")


def test_the_scaled_stand_in_has_both_traps(home):
    table, scaled = data.diabetes(stand_in=True), data.diabetes_scaled(stand_in=True)
    assert scaled.shape == (759, 9)
    X = table.drop(columns="label")
    X = 2 * (X - X.min()) / (X.max() - X.min()) - 1
    kept = (X != 0).all(axis=1)
    assert kept.sum() == 759, "the seed was chosen for that"
    stored = X[kept].mask(X[kept] == -1, 0)
    assert np.abs(stored.to_numpy() - scaled.drop(columns="label").to_numpy()).max() < 1e-5
    assert (scaled["label"].to_numpy() == 1 - table["label"][kept].to_numpy()).all()


def test_surnames_stand_in_has_18_languages_and_the_same_dirt(home):
    names = data.surnames(stand_in=True)
    assert len(names) == 18 and list(names) == sorted(names)
    assert min(len(set(lines)) for lines in names.values()) >= 30
    assert len(names["Arabic"]) > 3 * len(set(names["Arabic"]))
    assert "To The First Page" in names["Russian"] and "Urbanek1" in names["Czech"]
    assert any(not name.isascii() for name in names["Polish"])
    every = [name for lines in names.values() for name in lines]
    assert all(name == name.strip() and name for name in every)


def test_shakespeare_stand_in_is_prose(home):
    prose = data.shakespeare(stand_in=True)
    assert len(prose) > 100_000 and prose.isascii() and prose == data.shakespeare(stand_in=True)
    assert prose.count("the ") > 1000 and "::=" not in prose


@pytest.fixture(scope="module")
def painted(tmp_path_factory):
    """A small painted CIFAR-10: 6 files of 1,500 pictures."""
    folder = tmp_path_factory.mktemp("painted set")
    registry = json.loads((HERE / "registry.json").read_text(encoding="utf-8"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "HOME", folder)
        patch.setattr(data, "_registry", lambda: registry)
        patch.setattr(data, "PER_BATCH", 1500)
        yield folder, data.cifar10(stand_in=True), data.cifar10(train=False, stand_in=True)


def test_painted_cifar10_is_torchvision_s_own_class(painted):
    from torchvision.datasets import CIFAR10

    folder, train, test = painted
    assert type(train) is CIFAR10 and len(train) == 7500 and len(test) == 1500
    assert train.data.shape == (7500, 32, 32, 3) and train.data.dtype == np.uint8
    assert np.bincount(train.targets).tolist() == [750] * 10
    assert train.classes[3] == "cat" and train.class_to_idx["truck"] == 9
    picture, target = test[0]
    assert picture.size == (32, 32) and target == test.targets[0]
    assert len(pickle.loads(pickle.dumps(test))) == 1500, "a DataLoader's workers need this"
    with open(folder / "stand-in/cifar-10-batches-py/test_batch", "rb") as file:
        batch = pickle.load(file, encoding="latin1")
    assert set(batch) == {"batch_label", "labels", "data", "filenames"}
    assert batch["data"].shape == (1500, 3072)


def test_painted_cifar10_is_made_once_and_again_if_damaged(painted, monkeypatch, capsys):
    folder, _, test = painted
    file = folder / "stand-in/cifar-10-batches-py/test_batch"
    made = file.stat().st_mtime_ns
    data.cifar10(train=False, stand_in=True)
    assert file.stat().st_mtime_ns == made
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    again = data.cifar10(train=False, stand_in=True)
    assert "test_batch is damaged" in capsys.readouterr().out
    assert (again.data == test.data).all() and file.read_bytes() == whole


@pytest.fixture
def one_thread():
    """Two threads on a busy machine wait for each other: 5 s become 120 s."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_small_lenet_learns_the_painted_pictures_and_a_line_does_not(painted, one_thread):
    _, train, test = painted
    torch.manual_seed(0)

    def tensors(dataset):
        X = torch.from_numpy(dataset.data).permute(0, 3, 1, 2).float() / 64 - 2
        return X.contiguous(), torch.tensor(dataset.targets)

    (X, y), (X_test, y_test) = tensors(train), tensors(test)

    def accuracy(model, lr, epochs):
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        for _ in range(epochs):
            for rows in torch.randperm(len(X)).split(64):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(X[rows]), y[rows]).backward()
                optimizer.step()
        with torch.no_grad():
            return (model(X_test).argmax(1) == y_test).float().mean().item()

    line = accuracy(nn.Sequential(nn.Flatten(), nn.Linear(3072, 10)), 1e-4, 2)
    stages = []
    for channels in ((3, 12), (12, 24)):
        stages += [nn.Conv2d(*channels, 5), nn.ReLU(), nn.MaxPool2d(2)]
    lenet = nn.Sequential(*stages, nn.Flatten(), nn.Linear(600, 84), nn.ReLU(), nn.Linear(84, 10))
    bent = accuracy(lenet, 2e-3, 4)
    print(f"line {line:.3f}, LeNet {bent:.3f}")
    assert line < 0.30, f"the line reached {line:.2f}"
    assert bent > 2 * line and bent > 0.40, f"LeNet reached {bent:.2f}, the line {line:.2f}"


def test_cifar10_from_its_archive_and_a_damaged_batch(painted, home, server, capsys, monkeypatch):
    made, _, test = painted
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        archive.add(made / "stand-in/cifar-10-batches-py", "cifar-10-batches-py")
    entry = data._registry()["cifar10"]
    entry["files"] = json.loads((made / "stand-in/cifar10.json").read_text(encoding="utf-8"))
    entry["archive"] = "md5:" + hashlib.md5(packed.getvalue()).hexdigest()
    entry["urls"] = [server.url + "/wrong.tar.gz", server.url + "/cifar.tar.gz"]
    server.pages["/wrong.tar.gz"] = (200, b"busy", "")
    server.pages["/cifar.tar.gz"] = (200, packed.getvalue(), "")
    assert (data.cifar10(train=False).data == test.data).all()
    batch = home / "cifar-10-batches-py" / "data_batch_2"
    whole = batch.read_bytes()
    batch.write_bytes(whole[:-1])
    assert len(data.cifar10()) == 7500
    out = capsys.readouterr().out
    assert "data_batch_2 is damaged" in out and "Stand-in" not in out
    assert batch.read_bytes() == whole
    assert not list(home.glob("*.tar.gz")), "the archive is not kept"


# A text of the reader's own


def test_text_in_any_script(tmp_path):
    file = tmp_path / "床前明月光 poem.txt"
    file.write_bytes("\ufeff床前明月光，\r\n疑是地上霜。\r".encode())
    assert data.text(file) == "床前明月光，\n疑是地上霜。\n"
    assert data.text(str(file)) == data.text(file)


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"", ValueError, "is empty"),
        (b" \n\n", ValueError, "is empty"),
        (b"one\ntwo\ncaf\xe9\n", ValueError, r"line 3 has the byte 0xe9.*encoding UTF-8"),
        ("床前".encode("utf-16"), ValueError, "line 1 has the byte 0xff"),
    ],
)
def test_text_refuses_with_the_mend(tmp_path, content, error, said):
    file = tmp_path / "own.txt"
    file.write_bytes(content)
    with pytest.raises(error, match=said):
        data.text(file)


def test_text_that_is_not_there_or_a_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="give its full path"):
        data.text(tmp_path / "none.txt")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        data.text(tmp_path)


# The table, the registry, the examples


def test_the_table_names_every_set(home, capsys):
    put(play(home), GOOD)
    assert data.main([]) == 0
    out = capsys.readouterr().out
    for name, entry in data._registry().items():
        assert name in out and entry["license"] in out and entry["source"] in out
    assert out.count(" real ") == 1 and data._answering.cache_info().misses == 0


def test_fetch_gets_what_it_can_and_says_what_it_cannot(home, server, capsys):
    server.pages["/a"] = (200, GOOD, "")
    data._registry()["shakespeare"]["urls"] = [server.url + "/a"]
    assert data.main(["--fetch"]) == 1
    out = capsys.readouterr().out
    assert "Not fetched: diabetes, " in out and play(home).exists()
    assert data.main(["--fitch"]) == 2


def test_the_command_runs_without_a_warning(tmp_path):
    env = os.environ | {"COURSE_DATA": "stand-in", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "utils.data"]
    done = subprocess.run(command, cwd=HERE.parent, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.count("stand-in") >= 5


def test_the_registry_is_complete():
    registry = json.loads((HERE / "registry.json").read_text(encoding="utf-8"))
    assert set(registry) == {"cifar10", "diabetes", "diabetes_scaled", "shakespeare", "surnames"}
    for entry in registry.values():
        assert len(entry["urls"]) >= 3 and len(set(entry["urls"])) == len(entry["urls"])
        assert all(url.startswith("https://") for url in entry["urls"])
        assert entry["license"] and entry["source"] and entry["stand_in"] and entry["size"] > 0
        assert all(known.startswith(("sha256:", "md5:")) for known in entry["files"].values())
    assert len(registry["surnames"]["files"]) == 18


def test_the_examples_run(home, capsys):
    assert doctest.testmod(data).failed == 0, capsys.readouterr().out


# The real files, where they are


@WITH_REAL
def test_the_real_files(monkeypatch, capsys, recwarn):
    monkeypatch.setenv("COURSE_DATA", str(REAL))
    table, scaled = data.diabetes(), data.diabetes_scaled()
    assert table.shape == (768, 9) and table["label"].sum() == 268
    assert scaled.shape == (759, 9) and scaled["label"].sum() == 496
    names = data.surnames()
    assert len(names) == 18 and sum(map(len, names.values())) == 20_074
    assert len(set(names["Arabic"])) == 108 and "To The First Page" in names["Russian"]
    play = data.shakespeare()
    assert len(play) == 1_115_394 and len(set(play)) == 65
    test = data.cifar10(train=False)
    assert test.data.shape == (10_000, 32, 32, 3) and test.classes[0] == "airplane"
    assert capsys.readouterr().out == "" and not recwarn.list
