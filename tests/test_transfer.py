"""Lesson 08 loads torchvision's weights where they can be had, and says plainly where not; nothing is lost.

``hub_state`` runs here on weights made on the spot: in torch.hub's folder, behind a server
on this machine, broken, or nowhere at all. No test needs a network.
"""

import hashlib
import io
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torchvision import models

import utils
from utils import load_checkpoint, pretrained, save_checkpoint


class Weights:
    """As much of a weights enum's member as the lesson uses, for any address."""

    def __init__(self, url):
        self.url = url

    get_state_dict = models.ResNet18_Weights.DEFAULT.__class__.get_state_dict


@pytest.fixture
def hub_state(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return utils.hub_state


@pytest.fixture
def server():
    """A server on this machine; ``files`` maps names to bytes. Every other name is answered 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            over.wait(here.delay)
            body = here.files.get(self.path.strip("/"))
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if body:
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


def small(seed=0):
    """A ResNet as in torchvision, but light."""
    torch.manual_seed(seed)
    return models.ResNet(models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=5)


def offered(server, content):
    """Put bytes on the server under a name with their checksum; what a weights enum says of them."""
    name = f"resnet-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    server.files[name] = content
    return Weights(f"{server.url}/{name}")


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def hub(tmp_path):
    folder = tmp_path / "hub" / "checkpoints"
    return sorted(p.name for p in folder.iterdir()) if folder.exists() else []


def test_resnet18_gets_the_weights_that_lie_in_the_hub_folder(hub_state, tmp_path, capsys):
    weights = models.ResNet18_Weights.DEFAULT
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(1)
    source, model = models.resnet18(), models.resnet18()
    torch.save(source.state_dict(), folder / weights.url.rsplit("/", 1)[1])
    state, why = hub_state(weights)
    assert why == "" and same(state, source.state_dict())
    model.load_state_dict(state)
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(source.eval()(x), model.eval()(x))
    assert capsys.readouterr() == ("", "")


def test_weights_are_downloaded_once_and_kept(hub_state, server, tmp_path, capsys):
    source = small(seed=1)
    weights = offered(server, packed(source))
    assert same(hub_state(weights)[0], source.state_dict())
    assert len(hub(tmp_path)) == 1
    server.files.clear()
    assert same(hub_state(weights)[0], source.state_dict())
    assert capsys.readouterr() == ("", ""), "paths and addresses do not belong on the page"


@pytest.mark.parametrize(
    "trouble", ["not there", "broken off", "another file", "nobody", "no such name", "silent"]
)
def test_weights_that_cannot_be_had_are_one_sentence_and_no_file(
    hub_state, server, tmp_path, trouble, capsys
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
    elif trouble == "no such name":
        weights.url = f"http://weights.invalid/{name}"
    else:
        server.delay = 30
    started, usual = time.monotonic(), socket.getdefaulttimeout()
    state, said = hub_state(weights, patience=2.0)
    assert time.monotonic() - started < 12
    assert state is None and name in said and "can't be had here" in said and "\n" not in said
    assert "going on with random weights" in said
    assert socket.getdefaulttimeout() == usual
    assert hub(tmp_path) == [], "half a file was left behind"
    assert capsys.readouterr() == ("", "")


def test_damaged_file_is_named_and_left_there(hub_state, tmp_path):
    file = tmp_path / "hub" / "checkpoints" / "resnet-00000000.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(packed(small(seed=1))[:5000])
    state, said = hub_state(Weights(f"http://127.0.0.1:9/{file.name}"))
    assert state is None and file.name in said and "\n" not in said and file.exists()


def test_checkpoint_of_another_head_is_refused_by_name_and_shape(tmp_path):
    thousand, three, before = pretrained().model, pretrained().model, pretrained().model
    three.classifier, before.classifier = nn.Linear(1280, 3), nn.Linear(1280, 3)
    before.load_state_dict(three.state_dict())
    save_checkpoint(tmp_path / "thousand.pt", thousand)
    with pytest.raises(ValueError, match="another architecture") as caught:
        load_checkpoint(tmp_path / "thousand.pt", three)
    assert "classifier.weight: copying a param with shape torch.Size([1000, 1280])" in str(
        caught.value
    )
    assert same(three.state_dict(), before.state_dict())


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
