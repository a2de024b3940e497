"""Train this project's network, and say how good it is beside two cheap rivals.

What a run needs and makes lies in one folder (--run): config.json, metrics.csv, result.json, last.pt (to go on
after a kill), model.pt (for predict.py, serve.py and export.py) and TensorBoard's curves.
"""

import argparse
import csv
import hashlib
import json
import math
import os
import sys
from pathlib import Path

import model
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import data

try:
    from torch.utils.tensorboard import SummaryWriter
except ImportError:  # no curves then; the numbers are in metrics.csv all the same
    SummaryWriter = None

HERE = Path(__file__).resolve().parent
make_body = getattr(model, "make_body", nn.Identity)


def options(words=None):
    """What the command line says, as a dict."""
    gpu = "cuda" if torch.cuda.is_available() else "cpu"
    parser = argparse.ArgumentParser(
        "train.py", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data", default="data", help="the folder with your samples")
    parser.add_argument("--run", default="runs/first", help="the folder for what this run makes")
    parser.add_argument("--epochs", type=at_least(1, int), default=30)
    parser.add_argument("--batch-size", type=at_least(1, int), default=32)
    parser.add_argument(
        "--lr", type=at_least(0, float), default=0.003, help="largest learning rate"
    )
    parser.add_argument(
        "--width", type=at_least(1, int), default=64, help="units in the hidden layer"
    )
    parser.add_argument("--dropout", type=at_least(0, float), default=0.3)
    parser.add_argument("--weight-decay", type=at_least(0, float), default=0.01)
    parser.add_argument("--seed", type=at_least(0, int), default=0)
    parser.add_argument("--device", default=gpu)
    parser.add_argument("--resume", action="store_true", help="go on where --run was stopped")
    parser.add_argument("--judge", action="store_true", help="also the test part: once, at the end")
    return vars(parser.parse_args(words))


def at_least(least, kind):
    def convert(word):
        if not kind(word) >= least:
            raise argparse.ArgumentTypeError(f"{word} is less than {least}")
        return kind(word)

    convert.__name__ = "number"
    return convert


def split(samples, labels, seed, shares=(0.6, 0.2, 0.2)):
    """Row numbers to learn from, to choose with and to judge: each class in the same shares.

    Of samples that are equal only the first is dealt, so that none stands on both sides.
    """
    first = {}
    for row, sample in enumerate(samples):
        first.setdefault(raw(sample), row)
    draw, parts = torch.Generator().manual_seed(seed), ([], [], [])
    for name in sorted(set(labels)):
        rows = [row for row in first.values() if labels[row] == name]
        if len(rows) < 5:
            raise ValueError(f"class {name!r} has {len(rows)} different samples; 5 are the least")
        rows = [rows[i] for i in torch.randperm(len(rows), generator=draw)]
        learn, choose = round(shares[0] * len(rows)), max(1, round(shares[1] * len(rows)))
        for part, own in zip(
            parts, (rows[:learn], rows[learn : learn + choose], rows[learn + choose :])
        ):
            part.extend(own)
    return parts


def raw(sample):
    """What a sample holds, as something that can be compared."""
    return np.asarray(sample).tobytes() if hasattr(sample, "shape") else repr(sample)


def load_parts(folder, seed):
    """The three parts as (features, y), the classes, and what predict needs to prepare a sample."""
    samples, labels = data.load(folder)
    classes = sorted(set(labels))
    if len(classes) < 2:
        raise ValueError(f"{folder} holds one class only, {classes[0]!r}: two or more are needed")
    rows = split(samples, labels, seed)
    fitted = data.fit([samples[row] for row in rows[0]])  # from the training part alone
    parts = []
    for own in rows:
        X = features(data.prepare([samples[row] for row in own], fitted))
        parts.append((X, torch.tensor([classes.index(labels[row]) for row in own])))
    return parts, classes, fitted


def features(X):
    """What the frozen body makes of X, calculated once: a second run finds it in .cache/."""
    if make_body is nn.Identity:
        return X
    mark = hashlib.sha256(X.numpy().tobytes() + (HERE / "model.py").read_bytes()).hexdigest()
    kept = HERE / ".cache" / f"{mark[:16]}.pt"
    if not kept.exists():
        body = make_body().eval().to(memory_format=torch.channels_last)  # quicker on a CPU
        with torch.no_grad():
            found = torch.cat([body(part) for part in X.split(16)])
        kept.parent.mkdir(exist_ok=True)
        put(kept, lambda part: torch.save(found, part))
    return torch.load(kept, weights_only=True)


def stored(path):
    """What a run has kept in last.pt."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # cut short, written by something else
        sys.exit(f"{path} can't be read ({type(error).__name__}): name another --run")


def put(path, write):
    """Write a file whole or not at all: whoever is killed in between leaves the old one."""
    part = path.with_name(path.name + ".part")
    write(part)
    os.replace(part, path)


def put_json(path, what):
    put(path, lambda part: part.write_text(json.dumps(what, indent=1) + "\n", encoding="utf-8"))


def put_table(path, rows):
    def write(part):
        with open(part, "w", newline="", encoding="utf-8") as f:
            table = csv.DictWriter(f, rows[0].keys())
            table.writeheader()
            table.writerows(rows)

    put(path, write)


def measure(head, X, y):
    """(loss, accuracy) of the head on features X."""
    head.eval()
    with torch.no_grad():
        logits = head(X)
    return F.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def rivals(parts, classes, part):
    """Accuracy on one part of two that cost nothing: the commonest class, and a line on the features."""
    (X, y), (X_new, y_new) = parts[0], parts[part]
    common = (y_new == y.bincount().argmax()).float().mean().item()
    center, spread = X.mean(0), X.std(0) + 1e-3
    line = nn.Linear(X[0].numel(), len(classes))
    nn.init.zeros_(line.weight)
    nn.init.zeros_(line.bias)
    ready, new = ((Z - center).div(spread).flatten(1) for Z in (X, X_new))
    optimizer = torch.optim.LBFGS(line.parameters(), max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(line(ready), y) + 0.005 * line.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return common, measure(line, new, y_new)[1]


class Run:
    """One training: its parts, and all that the next step depends on."""

    def __init__(self, config, X, classes):
        torch.manual_seed(config["seed"])
        width, dropout = config["width"], config["dropout"]
        self.config, self.device = config, config["device"]
        self.head = model.make_head(tuple(X.shape[1:]), len(classes), width, dropout)
        self.head.to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.head.parameters(), config["lr"], weight_decay=config["weight_decay"]
        )
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            config["lr"],
            config["epochs"] * math.ceil(len(X) / config["batch_size"]),
        )
        self.order = torch.Generator().manual_seed(config["seed"])  # who comes when
        self.history, self.best = [], None

    def epoch(self, X, y):
        """Every sample once, in a new order; gives the mean loss."""
        self.head.train()
        total = 0.0
        for rows in torch.randperm(len(X), generator=self.order).split(self.config["batch_size"]):
            loss = F.cross_entropy(self.head(X[rows]), y[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            total += loss.item() * len(rows)
        return total / len(X)

    def keep(self, path):
        """Write everything that the next step depends on into one file."""
        state = {name: getattr(self, name).state_dict() for name in PARTS}
        state |= {name: getattr(self, name) for name in ("config", "history", "best")}
        state |= {"order": self.order.get_state(), "dice": dice(self.device)}
        put(path, lambda file: torch.save(state, file))

    def restore(self, path):
        """Put everything back as it was when it was kept."""
        state = stored(path)
        try:
            for name in PARTS:
                getattr(self, name).load_state_dict(state[name])
        except (KeyError, RuntimeError, ValueError):
            sys.exit(
                f"{path} does not fit model.py as it is now: put that back, or name another --run"
            )
        self.history, self.best = state["history"], state["best"]
        self.order.set_state(state["order"])
        dice(self.device, state["dice"])


PARTS = ("head", "optimizer", "scheduler")


def dice(device, states=None):
    """The states of the generators that dropout draws from; with ``states`` they are put back."""
    kinds = (
        {"cpu": torch}
        if device == "cpu"
        else {"cpu": torch, "own": torch.get_device_module(device)}
    )
    for name, kind in kinds.items() if states else ():
        kind.set_rng_state(states[name])
    return {name: kind.get_rng_state() for name, kind in kinds.items()}


def train(config, parts, classes, folder, resume=False, say=print):
    """Train a head, each epoch kept in folder/last.pt; gives what was measured, and the best epoch."""
    (X, y), valid = ([t.to(config["device"]) for t in part] for part in parts[:2])
    run = Run(config, X, classes)
    if resume:
        run.restore(folder / "last.pt")
    done = len(run.history)
    writer = SummaryWriter(folder, purge_step=done + 1) if SummaryWriter else None
    for epoch in range(done + 1, config["epochs"] + 1):
        row = {"epoch": epoch, "loss": run.epoch(X, y)}
        row["valid_loss"], row["valid_accuracy"] = measure(run.head, *valid)
        run.history.append(row)
        if run.best is None or row["valid_loss"] < run.best["valid_loss"]:
            weights = {name: value.clone() for name, value in run.head.state_dict().items()}
            run.best = {**row, "head": weights}
        for name in ("loss", "valid_loss", "valid_accuracy") if writer else ():
            writer.add_scalar(name, row[name], epoch)
        if writer:
            writer.flush()
        run.keep(folder / "last.pt")
        put_table(folder / "metrics.csv", run.history)
        told = f"validation: loss {row['valid_loss']:.4f}, accuracy {row['valid_accuracy']:.3f}"
        say(f"epoch {epoch:3}/{config['epochs']}  loss {row['loss']:.4f}  {told}")
    if writer:
        writer.close()
    return run.history, run.best


def refuse_to_mix(name, config, resume):
    """A folder belongs to one run: raises ValueError where two would be mixed."""
    there = HERE / name / "last.pt"
    if not there.exists():
        if resume:
            raise ValueError(
                f"{name} holds nothing to go on from: leave out --resume, or check --run"
            )
        return
    if not resume:
        raise ValueError(
            f"{name} holds a run already: add --resume to go on, delete it, or name another --run"
        )
    was = stored(there)["config"]
    for key in config:
        if was.get(key) != config[key]:
            told = (
                "other data" if key == "data_mark" else f"{key} {was.get(key)}, not {config[key]}"
            )
            raise ValueError(f"{name} was trained with {told}: it can't go on; name another --run")


def main(words=None):
    config = options(words)
    name, resume, judge = config.pop("run"), config.pop("resume"), config.pop("judge")
    run = HERE / name
    try:
        parts, classes, fitted = load_parts(HERE / config["data"], config["seed"])
        config["data_mark"] = hashlib.sha256(parts[0][0].numpy().tobytes()).hexdigest()[:16]
        refuse_to_mix(name, config, resume)
    except ValueError as error:
        sys.exit(str(error))
    run.mkdir(parents=True, exist_ok=True)
    put_json(run / "config.json", config)
    sizes = [len(y) for _, y in parts]
    print(
        f"{len(classes)} classes; {sizes[0]} samples to learn from, {sizes[1]} to choose with, {sizes[2]} to judge"
    )
    history, best = train(config, parts, classes, run, resume)
    head, shape = best.pop("head"), list(parts[0][0].shape[1:])
    saved = {"head": head, "shape": shape, "classes": classes, "fitted": fitted, "config": config}
    put(run / "model.pt", lambda file: torch.save(saved, file))
    result = {"last_loss": history[-1]["loss"], **best}
    for name, part in (("validation", 1), ("test", 2))[: 1 + judge]:
        net = model.make_head(tuple(shape), len(classes), config["width"], config["dropout"])
        net.load_state_dict(head)
        common, line = rivals(parts, classes, part)
        own = measure(net, *parts[part])[1]
        result[name] = {"commonest class": common, "a line": line, "this network": own}
        print(
            f"{name} accuracy: "
            + ", ".join(f"{who} {score:.3f}" for who, score in result[name].items())
        )
    put_json(run / "result.json", result)
    print(f"the last epoch's loss: {history[-1]['loss']!r}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:  # Ctrl-C
        sys.exit("stopped: with --resume it goes on after the last epoch that it told")
