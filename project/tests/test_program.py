"""What must hold for your data and your network: python -m pytest tests"""

import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import model
import predict
import train

import data

WORDS = ["--epochs", "3", "--device", "cpu"]
quiet = {"say": lambda line: None}


@pytest.fixture(scope="module")
def given():
    """The parts of your data, the classes and what was fitted; read once for all tests."""
    return train.load_parts(train.HERE / "data", seed=0)


def config(*words):
    asked = train.options([*WORDS, *words])
    return {k: asked[k] for k in asked if k not in ("run", "resume", "judge")}


def head_for(X, classes, dropout=0.0):
    torch.manual_seed(0)
    return model.make_head(tuple(X.shape[1:]), len(classes), 32, dropout)


def test_no_sample_stands_on_two_sides():
    samples, labels = data.load(train.HERE / "data")
    parts = train.split(samples, labels, 0)
    learn, choose, judge = ({train.raw(samples[row]) for row in part} for part in parts)
    assert not learn & choose and not learn & judge and not choose & judge


def test_preparation_is_fitted_on_the_training_part_alone(monkeypatch):
    seen, usual = [], data.fit
    monkeypatch.setattr(data, "fit", lambda samples: seen.append(len(samples)) or usual(samples))
    parts, _, fitted = train.load_parts(train.HERE / "data", seed=0)
    assert seen == [len(parts[0][1])]
    samples, _ = data.load(train.HERE / "data")
    five, one = (data.prepare(samples[:n], fitted) for n in (5, 1))
    told = "beside others a sample is prepared otherwise: use what fit gave, no mean of the batch"
    assert torch.allclose(five[:1].float(), one.float(), atol=1e-5), told


def test_shapes_and_one_row_as_in_a_batch(given):
    parts, classes, _ = given
    X = parts[0][0][:5]
    head = head_for(X, classes).eval()
    assert head(X).shape == (len(X), len(classes))
    assert torch.allclose(head(X)[:1], head(X[:1]), atol=1e-5), "rows of one batch see each other"


def test_learns_one_batch_by_heart(given):
    parts, classes, _ = given
    rows = torch.randperm(len(parts[0][1]), generator=torch.Generator().manual_seed(0))[:12]
    X, y = parts[0][0][rows], parts[0][1][rows]
    head = head_for(X, classes)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    for _ in range(100):
        loss = F.cross_entropy(head(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1, "a network that can't learn 12 samples by heart has a fault"


def test_same_seed_same_run_and_another_seed_another(given, tmp_path):
    parts, classes, _ = given
    losses = []
    for n, seed in enumerate(("1", "1", "2")):
        (tmp_path / str(n)).mkdir()
        history, _ = train.train(config("--seed", seed), parts, classes, tmp_path / str(n), **quiet)
        losses.append(history[-1]["loss"])
    assert losses[0] == losses[1] != losses[2]


def test_killed_and_resumed_is_as_if_nothing_had_happened(given, tmp_path):
    parts, classes, _ = given
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    whole.mkdir(), torn.mkdir()
    expected, best = train.train(config(), parts, classes, whole, **quiet)

    def kill(line):
        if line.startswith("epoch   1/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train.train(config(), parts, classes, torn, say=kill)
    torch.rand(7)  # another life in between
    history, again = train.train(config(), parts, classes, torn, resume=True, **quiet)
    assert history == expected
    assert all(torch.equal(best["head"][name], again["head"][name]) for name in best["head"])


def test_saved_and_loaded_says_the_same(given, tmp_path, monkeypatch):
    monkeypatch.setattr(model, "make_body", torch.nn.Identity, raising=False)  # not in the file
    parts, classes, fitted = given
    X = parts[0][0][:3]
    head = head_for(X, classes).eval()
    saved = {
        "head": head.state_dict(),
        "shape": list(X.shape[1:]),
        "classes": classes,
        "fitted": fitted,
    }
    torch.save({**saved, "config": {"width": 32, "dropout": 0.0}}, tmp_path / "model.pt")
    loaded, again = predict.load(tmp_path)
    assert torch.equal(loaded[1](X), head(X)) and again["classes"] == classes
