# Wrong answers to lesson 14, and the words that must refuse each.

# %% program-1 refused: rows were dealt
def deal(keys, seed):
    rows = torch.randperm(len(keys), generator=torch.Generator().manual_seed(seed)).tolist()
    a, b = round(0.6 * len(rows)), round(0.8 * len(rows))
    return rows[:a], rows[a:b], rows[b:]

# %% program-1 refused: only the first row of each key was dealt
def deal(keys, seed):
    firsts = [keys.index(key) for key in dict.fromkeys(keys)]
    n = len(firsts)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).tolist()
    a, b = round(0.6 * n), round(0.6 * n) + round(0.2 * n)
    return tuple([firsts[i] for i in part] for part in (order[:a], order[a:b], order[b:]))

# %% program-1 refused: one of your own
def deal(keys, seed):
    torch.manual_seed(seed)
    different = list(dict.fromkeys(keys))
    n = len(different)
    order = torch.randperm(n).tolist()
    a, b = round(0.6 * n), round(0.6 * n) + round(0.2 * n)
    pieces = [{different[i] for i in part} for part in (order[:a], order[a:b], order[b:])]
    return tuple([i for i, key in enumerate(keys) if key in piece] for piece in pieces)

# %% program-1 refused: the same keys for all seeds
def deal(keys, seed):
    different = list(dict.fromkeys(keys))
    n = len(different)
    a, b = round(0.6 * n), round(0.6 * n) + round(0.2 * n)
    pieces = different[:a], different[a:b], different[b:]
    return tuple([i for i, key in enumerate(keys) if key in piece] for piece in pieces)

# %% program-1 refused: the same seed, the same lists
def deal(keys, seed):
    import random

    different = list(dict.fromkeys(keys))
    n = len(different)
    random.shuffle(different)
    a, b = round(0.6 * n), round(0.6 * n) + round(0.2 * n)
    pieces = different[:a], different[a:b], different[b:]
    return tuple([i for i, key in enumerate(keys) if key in piece] for piece in pieces)

# %% program-1 refused: a set of strings has another order there
def deal(keys, seed):
    different = list(set(keys))
    n = len(different)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).tolist()
    a, b = round(0.6 * n), round(0.6 * n) + round(0.2 * n)
    pieces = [{different[i] for i in part} for part in (order[:a], order[a:b], order[b:])]
    return tuple([i for i, key in enumerate(keys) if key in piece] for piece in pieces)

# %% program-1 refused: round(0.2 * n) go to the second list
def deal(keys, seed):
    different = list(dict.fromkeys(keys))
    n = len(different)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).tolist()
    a, b = round(0.6 * n), round(0.8 * n)
    pieces = [{different[i] for i in part} for part in (order[:a], order[a:b], order[b:])]
    return tuple([i for i, key in enumerate(keys) if key in piece] for piece in pieces)

# %% program-1 passes
def deal(keys, seed):
    from random import Random

    different = sorted(dict.fromkeys(keys), key=keys.index)
    Random(seed).shuffle(different)
    n, parts = len(different), ([], [], [])
    a = round(0.6 * n)
    side = {key: (k >= a) + (k >= a + round(0.2 * n)) for k, key in enumerate(different)}
    for row, key in enumerate(keys):
        parts[side[key]].append(row)
    return list(parts)

# %% program-2 refused: words were not read
def settings(words, file):
    plain = {"epochs": 30, "lr": 0.003, "name": "first", "resume": False}
    saved = json.loads(file.read_text()) if file.exists() else {}
    for key in saved:
        if key not in plain:
            raise ValueError(key)
    return plain | saved

# %% program-2 refused: the file is laid over the words
def settings(words, file):
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--lr", type=float, default=0.003)
    parser.add_argument("--name", default="first")
    parser.add_argument("--resume", action="store_true")
    told = vars(parser.parse_args(words))
    saved = json.loads(file.read_text()) if file.exists() else {}
    if lost := [key for key in saved if key not in told]:
        raise ValueError(lost[0])
    return told | saved

# %% program-2 refused: a word is not a number
def settings(words, file):
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", default=30)
    parser.add_argument("--lr", default=0.003)
    parser.add_argument("--name", default="first")
    parser.add_argument("--resume", action="store_true")
    if file.exists():
        parser.set_defaults(**json.loads(file.read_text()))
    return vars(parser.parse_args(words))

# %% program-2 refused: a word that says the default is no silence
def settings(words, file):
    plain = {"epochs": 30, "lr": 0.003, "name": "first", "resume": False}
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--lr", type=float, default=0.003)
    parser.add_argument("--name", default="first")
    parser.add_argument("--resume", action="store_true")
    told = vars(parser.parse_args(words))
    saved = json.loads(file.read_text()) if file.exists() else {}
    if lost := [key for key in saved if key not in told]:
        raise ValueError(lost[0])
    return {key: saved.get(key, value) if value == plain[key] else value for key, value in told.items()}

# %% program-2 refused: a ValueError that names 'epocs'
def settings(words, file):
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--lr", type=float, default=0.003)
    parser.add_argument("--name", default="first")
    parser.add_argument("--resume", action="store_true")
    if file.exists():
        parser.set_defaults(**json.loads(file.read_text()))
    told = vars(parser.parse_args(words))
    return {key: told[key] for key in ("epochs", "lr", "name", "resume")}

# %% program-2 refused: a zero is no silence
def settings(words, file):
    given = {"epochs": 30, "lr": 0.003, "name": "first", "resume": False}
    saved = json.loads(file.read_text()) if file.exists() else {}
    for key in saved.keys() - given.keys():
        raise ValueError(key)
    parser = argparse.ArgumentParser()
    for key, kind in ("epochs", int), ("lr", float), ("name", str):
        parser.add_argument("--" + key, type=kind)
    parser.add_argument("--resume", action="store_true")
    told = vars(parser.parse_args(words))
    return given | saved | {key: value for key, value in told.items() if value}

# %% program-2 refused: parse_args(words)
def settings(words, file):
    from unittest.mock import patch
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=30)
    with patch("sys.argv", ["launcher", "-f", "kernel.json"]):  # as in a kernel
        return vars(parser.parse_args())

# %% program-2 refused: a flag is action='store_true'
def settings(words, file):
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--lr", type=float, default=0.003)
    parser.add_argument("--name", default="first")
    parser.add_argument("--resume", type=bool, default=False)
    return vars(parser.parse_args(words))

# %% program-2 passes
def settings(words, file):
    plain = {"epochs": 30, "lr": 0.003, "name": "first", "resume": False}
    saved = json.loads(file.read_text()) if file.exists() else {}
    for key in saved.keys() - plain.keys():
        raise ValueError(f"unknown key {key}")
    given = plain | saved
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=given["epochs"])
    parser.add_argument("--lr", type=float, default=given["lr"])
    parser.add_argument("--name", default=given["name"])
    parser.add_argument("--resume", action="store_const", const=True, default=given["resume"])
    return vars(parser.parse_args(words))

# %% program-3 refused: went on changing
def snapshot(model, optimizer, scheduler, order):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "order": order.get_state()}
    return state | {"scheduler": scheduler and scheduler.state_dict(), "dice": torch.get_rng_state()}

def restore(state, model, optimizer, scheduler, order):
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    order.set_state(state["order"])
    torch.set_rng_state(state["dice"])
    if scheduler:
        scheduler.load_state_dict(state["scheduler"])

# %% program-3 refused: the optimizer's state
def snapshot(model, optimizer, scheduler, order):
    state = {"model": model.state_dict(), "order": order.get_state()}
    return copy.deepcopy(state | {"scheduler": scheduler and scheduler.state_dict(), "dice": torch.get_rng_state(), "lr": optimizer.param_groups[0]["lr"]})

def restore(state, model, optimizer, scheduler, order):
    model.load_state_dict(state["model"])
    optimizer.param_groups[0]["lr"] = state["lr"]
    order.set_state(state["order"])
    torch.set_rng_state(state["dice"])
    if scheduler:
        scheduler.load_state_dict(state["scheduler"])

# %% program-3 refused: torch.get_rng_state()
def snapshot(model, optimizer, scheduler, order):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "order": order.get_state()}
    return copy.deepcopy(state | {"scheduler": scheduler and scheduler.state_dict()})

def restore(state, model, optimizer, scheduler, order):
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    order.set_state(state["order"])
    if scheduler:
        scheduler.load_state_dict(state["scheduler"])

# %% program-3 refused: the scheduler's position
def snapshot(model, optimizer, scheduler, order):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "order": order.get_state()}
    return copy.deepcopy(state | {"dice": torch.get_rng_state()})

def restore(state, model, optimizer, scheduler, order):
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    order.set_state(state["order"])
    torch.set_rng_state(state["dice"])

# %% program-3 refused: another draw from order
def snapshot(model, optimizer, scheduler, order):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    return copy.deepcopy(state | {"scheduler": scheduler and scheduler.state_dict(), "dice": torch.get_rng_state()})

def restore(state, model, optimizer, scheduler, order):
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["dice"])
    if scheduler:
        scheduler.load_state_dict(state["scheduler"])

# %% program-3 refused: an object is in it
def snapshot(model, optimizer, scheduler, order):
    return copy.deepcopy({"model": model, "optimizer": optimizer, "scheduler": scheduler, "order": order.get_state(), "dice": torch.get_rng_state()})

def restore(state, model, optimizer, scheduler, order):
    model.load_state_dict(state["model"].state_dict())
    optimizer.load_state_dict(state["optimizer"].state_dict())
    order.set_state(state["order"])
    torch.set_rng_state(state["dice"])

# %% program-3 refused: keep order.get_state(), not order
def snapshot(model, optimizer, scheduler, order):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "dice": torch.get_rng_state()}
    return copy.deepcopy(state | {"scheduler": scheduler and scheduler.state_dict()}) | {"order": order}

def restore(state, model, optimizer, scheduler, order):
    order.set_state(state["order"].get_state())

# %% program-3 refused: what was handed over has changed
def snapshot(model, optimizer, scheduler, order):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "order": order.get_state()}
    return copy.deepcopy(state | {"scheduler": scheduler and scheduler.state_dict(), "dice": torch.get_rng_state()})

def restore(state, model, optimizer, scheduler, order):
    order.set_state(state.pop("order"))
    torch.set_rng_state(state.pop("dice"))
    for name, part in {"model": model, "optimizer": optimizer, "scheduler": scheduler}.items():
        if kept := state.pop(name):
            part.load_state_dict(kept)

# %% program-3 refused: what was kept or read went on changing
def snapshot(model, optimizer, scheduler, order):
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "order": order.get_state()}
    state["dice"] = torch.get_rng_state()
    if scheduler is not None:
        state["scheduler"] = scheduler.state_dict()
    return copy.deepcopy(state)

def restore(state, model, optimizer, scheduler, order):
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    order.set_state(state["order"])
    torch.set_rng_state(state["dice"])
    if scheduler is not None:
        scheduler.load_state_dict(state["scheduler"])

# %% program-3 passes
def snapshot(model, optimizer, scheduler, order):
    file = io.BytesIO()
    parts = {"m": model, "o": optimizer} | ({"s": scheduler} if scheduler else {})
    torch.save({name: part.state_dict() for name, part in parts.items()}, file)
    return {"bytes": torch.frombuffer(bytearray(file.getvalue()), dtype=torch.uint8), "g": [order.get_state(), torch.get_rng_state()]}

def restore(state, model, optimizer, scheduler, order):
    kept = torch.load(io.BytesIO(bytes(state["bytes"].tolist())))
    for name, part in {"m": model, "o": optimizer, "s": scheduler}.items():
        if part is not None:
            part.load_state_dict(kept[name])
    order.set_state(state["g"][0])
    torch.set_rng_state(state["g"][1])

# %% program-4 refused: a name that only the notebook knows
data_py = """
ASKS_FOR = "file"

def load(folder):
    files = sorted(folder.glob("*/*.csv"))
    return [np.loadtxt(f, delimiter=",", ndmin=2) for f in files], [f.parent.name for f in files]
"""
model_py = """
def make_head(shape, classes, width, dropout):
    return nn.Linear(shape[0], classes)
"""

# %% program-4 refused: keep what tells the classes apart
data_py = """
import numpy as np
import torch

ASKS_FOR = "file"

def load(folder):
    files = sorted(folder.glob("*/*.csv"))
    return [s for f in files for s in read(f)], [f.parent.name for f in files]

def read(file):
    return [np.loadtxt(file, delimiter=",", ndmin=2)]

def fit(samples):
    return {}

def prepare(samples, fitted):  # what the means say, the classes do not differ in
    return torch.tensor(np.stack([s.mean(0) for s in samples]), dtype=torch.float32)
"""
model_py = """
from torch import nn

def make_head(shape, classes, width, dropout):
    return nn.Linear(shape[0], classes)
"""

# %% program-4 refused: prepare has only what fit gave
data_py = """
import numpy as np
import torch

ASKS_FOR = "file"
kept = {}

def load(folder):
    files = sorted(folder.glob("*/*.csv"))
    return [s for f in files for s in read(f)], [f.parent.name for f in files]

def read(file):
    return [np.loadtxt(file, delimiter=",", ndmin=2)]

def fit(samples):
    kept["mean"] = np.concatenate(samples).mean(0)
    return {}

def prepare(samples, fitted):
    X = np.stack([(s - kept["mean"])[:64] for s in samples]) / 3
    return torch.tensor(X, dtype=torch.float32).transpose(1, 2).contiguous()
"""
model_py = """
from torch import nn

def make_head(shape, classes, width, dropout):
    return nn.Sequential(nn.Conv1d(shape[0], width, 7), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(width, classes))
"""

# %% program-4 refused: a size wired in
data_py = """
import numpy as np
import torch

ASKS_FOR = "file"

def load(folder):
    files = sorted(folder.glob("*/*.csv"))
    return [s for f in files for s in read(f)], [f.parent.name for f in files]

def read(file):
    return [np.loadtxt(file, delimiter=",", ndmin=2)]

def fit(samples):
    return {"mean": np.concatenate(samples).mean(0).tolist()}

def prepare(samples, fitted):
    X = np.stack([(s - fitted["mean"])[:64] for s in samples]) / 3
    return torch.tensor(X, dtype=torch.float32).transpose(1, 2).contiguous()
"""
model_py = """
from torch import nn

def make_head(shape, classes, width, dropout):
    return nn.Sequential(nn.Conv1d(2, width, 7), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(width, classes))
"""

# %% program-4 refused: expected: a str
data_py = ["import numpy as np"]
model_py = ""

# %% program-4 refused: prepare looks at other samples
data_py = """
import numpy as np
import torch

ASKS_FOR = "file"

def load(folder):
    files = sorted(folder.glob("*/*.csv"))
    return [s for f in files for s in [np.loadtxt(f, delimiter=",", ndmin=2)]], [f.parent.name for f in files]

def read(file):
    return [np.loadtxt(file, delimiter=",", ndmin=2)]

def fit(samples):
    return {}

def prepare(samples, fitted):
    mean, spread = np.concatenate(samples).mean(0), np.concatenate(samples).std(0)
    cut = [(s[:64] - mean) / spread for s in samples]
    return torch.tensor(np.stack(cut), dtype=torch.float32).transpose(1, 2).contiguous()
"""
model_py = """
from torch import nn

def make_head(shape, classes, width, dropout):
    return nn.Sequential(nn.Conv1d(shape[0], width, 7, padding=3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(width, classes))
"""

# %% program-4 refused: probabilities, not logits
data_py = """
import numpy as np
import torch

ASKS_FOR = "file"

def load(folder):
    files = sorted(folder.glob("*/*.csv"))
    return [s for f in files for s in [np.loadtxt(f, delimiter=",", ndmin=2)]], [f.parent.name for f in files]

def read(file):
    return [np.loadtxt(file, delimiter=",", ndmin=2)]

def fit(samples):
    rows = np.concatenate(samples)
    return {"mean": rows.mean(0).tolist(), "spread": rows.std(0).tolist()}

def prepare(samples, fitted):
    cut = [(s[:64] - fitted["mean"]) / fitted["spread"] for s in samples]
    return torch.tensor(np.stack(cut), dtype=torch.float32).transpose(1, 2).contiguous()
"""
model_py = """
from torch import nn

def make_head(shape, classes, width, dropout):
    return nn.Sequential(nn.Conv1d(shape[0], width, 7, padding=3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(width, classes), nn.Softmax(1))
"""

# %% program-4 refused: class '0' has 3 different samples
data_py = """
import numpy as np
import torch

ASKS_FOR = "file"

def load(folder):
    files = sorted(folder.glob("*/*.csv"))
    return [s for f in files for s in [np.loadtxt(f, delimiter=",", ndmin=2)]], [f.stem for f in files]

def read(file):
    return [np.loadtxt(file, delimiter=",", ndmin=2)]

def fit(samples):
    rows = np.concatenate(samples)
    return {"mean": rows.mean(0).tolist(), "spread": rows.std(0).tolist()}

def prepare(samples, fitted):
    cut = [(s[:64] - fitted["mean"]) / fitted["spread"] for s in samples]
    return torch.tensor(np.stack(cut), dtype=torch.float32).transpose(1, 2).contiguous()
"""
model_py = """
from torch import nn

def make_head(shape, classes, width, dropout):
    return nn.Sequential(nn.Conv1d(shape[0], width, 7, padding=3), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(width, classes))
"""

# %% program-4 passes
data_py = """
import numpy as np
import torch

ASKS_FOR = "file"

def load(folder):
    files = sorted(folder.glob("*/*.csv"))
    return [read(f)[0] for f in files], [f.parent.name for f in files]

def read(file):
    return [torch.tensor(np.loadtxt(file, delimiter=",", ndmin=2), dtype=torch.float32)]

def measured(sample):  # how fast it changes: steps of 1 to 8 moments against the whole spread
    return torch.cat([(sample[k:] - sample[:-k]).std(0) / sample.std(0) for k in range(1, 9)])

def fit(samples):
    table = torch.stack([measured(s) for s in samples])
    return {"mean": table.mean(0), "spread": table.std(0)}

def prepare(samples, fitted):
    return (torch.stack([measured(s) for s in samples]) - fitted["mean"]) / fitted["spread"]
"""
model_py = """
from torch import nn

def make_head(shape, classes, width, dropout):
    return nn.Sequential(nn.Linear(shape[0], width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, classes))
"""

# %% program-5 refused: zip pairs the values
def grid(choices):
    return [[f"--{k}={v}" for k, v in zip(choices, values)] + [f"--run=runs/{n}"] for n, values in enumerate(zip(*choices.values()))]

# %% program-5 refused: they would overwrite each other
def grid(choices):
    return [[f"--{k}={v}" for k, v in zip(choices, values)] + ["--run=runs/0"] for values in itertools.product(*choices.values())]

# %% program-5 refused: the last setting changes fastest
def grid(choices):
    names = list(choices)
    every = itertools.product(*(choices[name] for name in names[::-1]))
    return [[f"--{k}={v}" for k, v in zip(names, values[::-1])] + [f"--run=runs/{n}"] for n, values in enumerate(every)]

# %% program-6 refused: round() first
def to_bytes(w):
    scale = w.abs().max().item() / 127 or 1.0
    return (w / scale).to(torch.int8), scale

# %% program-6 refused: the largest may be negative
def to_bytes(w):
    scale = w.max().item() / 127 or 1.0
    return (w / scale).round().clamp(-127, 127).to(torch.int8), scale

# %% program-6 refused: upside down
def to_bytes(w):
    scale = 127 / (w.abs().max().item() or 127)
    return (w * scale).round().to(torch.int8), scale

# %% program-6 passes
def to_bytes(w):
    top = float(w.abs().amax())
    if top == 0:
        return torch.zeros_like(w, dtype=torch.int8), 1.0
    return torch.clamp(torch.round(w * 127 / top), -127, 127).char(), top / 127

# %% program-2 same: the order in which a parser gets its options is free
# parser.add_argument('--epochs', type=int, default=30); parser.add_argument('--lr', type=float, default=0.003) => parser.add_argument('--lr', type=float, default=0.003); parser.add_argument('--epochs', type=int, default=30)

# %% program-2 same: the order in which a parser gets its options is free
# parser.add_argument('--lr', type=float, default=0.003); parser.add_argument('--name', default='first') => parser.add_argument('--name', default='first'); parser.add_argument('--lr', type=float, default=0.003)

# %% program-2 same: the order in which a parser gets its options is free
# parser.add_argument('--name', default='first'); parser.add_argument('--resume', action='store_true') => parser.add_argument('--resume', action='store_true'); parser.add_argument('--name', default='first')

# %% program-3 same: the parts do not know of each other
# model.load_state_dict(state['model']); optimizer.load_state_dict(copy.deepcopy(state['optimizer'])) => optimizer.load_state_dict(copy.deepcopy(state['optimizer'])); model.load_state_dict(state['model'])

# %% program-3 same: the parts do not know of each other
# optimizer.load_state_dict(copy.deepcopy(state['optimizer'])); order.set_state(state['order']) => order.set_state(state['order']); optimizer.load_state_dict(copy.deepcopy(state['optimizer']))

# %% program-3 same: the parts do not know of each other
# order.set_state(state['order']); torch.set_rng_state(state['dice']) => torch.set_rng_state(state['dice']); order.set_state(state['order'])
