"""Lesson 08 loads borrowed weights where they can be had, and says plainly where not; nothing is lost.

The lesson's own functions run here on weights made on the spot: in torch.hub's folder, behind a server
on this machine, broken, foreign, or nowhere at all. No test needs a network.
"""

import hashlib
import io
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torchvision import models

from lesson import functions
from utils import load_checkpoint, save_checkpoint


@pytest.fixture
def load_pretrained(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("TQDM_DISABLE", "1")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return functions("08_transfer_learning", "silence", "fetch_once", "load_pretrained")[2]


@pytest.fixture
def server():
    """A server on this machine; ``files`` maps names to bytes. Every other name is answered 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            over.wait(here.delay)
            body = here.files.get(self.path.strip("/"))
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET" and body:
                self.wfile.write(body[: here.sends])

        def log_message(self, *args):
            pass

    over = threading.Event()
    listening = HTTPServer(("127.0.0.1", 0), Handler)
    here = SimpleNamespace(files={}, sends=None, delay=0)
    here.url = f"http://127.0.0.1:{listening.server_port}"
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    yield here
    over.set()
    listening.shutdown()
    listening.server_close()


def packed(network):
    torch.save(network.state_dict(), file := io.BytesIO())
    return file.getvalue()


def small(blocks=1, seed=0):
    """A ResNet as in torchvision, but light."""
    torch.manual_seed(seed)
    return models.ResNet(models.resnet.BasicBlock, [blocks, 1, 1, 1], num_classes=5)


def offered(server, content, name="resnet-{}.pth"):
    """Put bytes on the server under a name with their checksum; what a weights enum says of them."""
    name = name.format(hashlib.sha256(content).hexdigest()[:8])
    server.files[name] = content
    return SimpleNamespace(url=f"{server.url}/{name}")


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def hub(tmp_path):
    folder = tmp_path / "hub" / "checkpoints"
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def test_resnet18_gets_the_weights_that_lie_in_the_hub_folder(load_pretrained, tmp_path):
    weights = models.ResNet18_Weights.DEFAULT
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(1)
    source, model = models.resnet18(), models.resnet18()
    torch.save(source.state_dict(), folder / weights.url.rsplit("/", 1)[1])
    assert not same(source, model)
    assert load_pretrained(model, weights) == ""
    assert same(source, model)
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(source.eval()(x), model.eval()(x))


def test_weights_are_downloaded_once_and_kept(load_pretrained, server, tmp_path):
    source = small(seed=1)
    weights = offered(server, packed(source))
    first, second = small(seed=2), small(seed=3)
    assert load_pretrained(first, weights) == "" and same(first, source)
    assert len(hub(tmp_path)) == 1
    server.files.clear()
    assert load_pretrained(second, weights) == "" and same(second, source)


@pytest.mark.parametrize(
    "trouble", ["not there", "broken off", "another file", "nobody", "no such name"]
)
def test_weights_that_cannot_be_had_are_one_sentence_and_no_file(
    load_pretrained, server, tmp_path, trouble
):
    weights = offered(server, packed(small(seed=1)))
    name = weights.url.rsplit("/", 1)[1]
    if trouble == "not there":
        server.files.clear()
    elif trouble == "broken off":
        server.sends = 1000
    elif trouble == "another file":
        server.files[name] = packed(small(seed=9))
    elif trouble == "nobody":
        weights.url = f"http://127.0.0.1:9/{name}"
    else:
        weights.url = f"http://weights.invalid/{name}"
    model = small(seed=2)
    started = time.monotonic()
    said = load_pretrained(model, weights)
    assert time.monotonic() - started < 8
    assert name in said and "can't be had here" in said and "\n" not in said
    assert "going on with random ones" in said
    assert same(model, small(seed=2)), "the model has changed"
    assert hub(tmp_path) == [], "half a file was left behind"


def test_server_that_never_answers_costs_seconds(load_pretrained, server, tmp_path):
    weights = offered(server, packed(small()))
    server.delay = 30
    started = time.monotonic()
    said = load_pretrained(small(), weights)
    assert "no answer" in said or "no connection" in said  # whichever patience ends first
    assert time.monotonic() - started < 12


@pytest.mark.parametrize("kind", ["noise", "cut", "empty", "pickle", "folder"])
def test_damaged_file_is_named_and_left_there(load_pretrained, tmp_path, kind):
    file = tmp_path / "hub" / "checkpoints" / "resnet-00000000.pth"
    file.parent.mkdir(parents=True)
    whole = packed(small(seed=1))
    if kind == "folder":
        file.mkdir()
    elif kind == "pickle":
        torch.save(nn.Linear(1, 1), file)  # a whole object: code, not weights
    else:
        file.write_bytes(
            {"noise": b"\x00\x01" * 500, "cut": whole[: len(whole) // 2], "empty": b""}[kind]
        )
    model = small(seed=2)
    said = load_pretrained(model, SimpleNamespace(url=f"http://127.0.0.1:9/{file.name}"))
    assert file.name in said and "damaged" in said and "move it away" in said and "\n" not in said
    assert same(model, small(seed=2)) and file.exists()


def test_weights_of_another_network_leave_the_model_as_it_was(load_pretrained, tmp_path):
    file = tmp_path / "hub" / "checkpoints" / "resnet-00000000.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(packed(small(blocks=2, seed=1)))
    model = small(seed=2)
    said = load_pretrained(model, SimpleNamespace(url=f"http://127.0.0.1:9/{file.name}"))
    assert "of another network" in said and "\n" not in said
    assert same(model, small(seed=2)) and file.exists()


def test_checkpoint_of_another_head_is_refused_by_name_and_shape(tmp_path):
    (SmallNet,) = functions("08_transfer_learning", "FromBytes", "conv_block", "SmallNet")[2:]
    seven, three, before = SmallNet(7), SmallNet(3), SmallNet(3)
    before.load_state_dict(three.state_dict())
    save_checkpoint(tmp_path / "seven.pt", seven)
    with pytest.raises(ValueError, match="another architecture") as caught:
        load_checkpoint(tmp_path / "seven.pt", three)
    assert "fc.weight: copying a param with shape torch.Size([7, 128])" in str(caught.value)
    assert same(three, before)


@pytest.mark.parametrize(
    ("shape", "training", "words"),
    [
        ((1, 1, 64, 64), False, "3 channels, but got 1"),  # a gray picture
        ((3, 3), False, "3D .* or 4D"),  # a row of numbers
        ((1, 3, 32, 32), True, "more than 1 value per channel"),  # too small to train on alone
    ],
)
def test_picture_of_the_wrong_size_stops_with_words_and_no_weight_moves(shape, training, words):
    model = small(seed=2).train(training)
    with pytest.raises((RuntimeError, ValueError), match=words):
        model(torch.zeros(shape))
    own, before = dict(model.named_parameters()), dict(small(seed=2).named_parameters())
    assert all(torch.equal(own[name], before[name]) for name in own)
    assert model.eval()(torch.zeros(1, 3, 64, 64)).shape == (1, 5)


def test_picture_too_small_for_alexnet_is_told_by_min_size():
    smallest = max(models.AlexNet_Weights.DEFAULT.meta["min_size"])
    model = models.alexnet().eval()
    with pytest.raises(RuntimeError, match="too small"):
        model(torch.zeros(1, 3, smallest - 1, smallest - 1))
    assert model(torch.zeros(1, 3, smallest, smallest)).shape == (1, 1000)
