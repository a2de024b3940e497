"""Name what is in files: python predict.py FILE…"""

import argparse
import sys
from pathlib import Path

import model
import torch
from torch import nn

import data

HERE = Path(__file__).resolve().parent


def load(run):
    """(network, saved): body and head in one, in evaluation mode, and what belongs to them.

    Raises ValueError if there is none, or if it does not fit this project's model.py.
    """
    file = HERE / run / "model.pt"
    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
        sizes = saved["config"]["width"], saved["config"]["dropout"]
        head = model.make_head(tuple(saved["shape"]), len(saved["classes"]), *sizes)
        head.load_state_dict(saved["head"])
    except FileNotFoundError:
        raise ValueError(f"{file} is not there: train first, or check --run") from None
    except Exception as error:  # another model.py, a damaged file
        why = str(error).strip().splitlines()[-1].strip()
        raise ValueError(f"{file} does not fit model.py as it is now: {why}") from None
    body = getattr(model, "make_body", nn.Identity)()
    return nn.Sequential(body, head).eval(), saved


def guesses(net, saved, samples):
    """For each sample a list of (class, probability), most probable first."""
    with torch.inference_mode():
        rows = net(data.prepare(samples, saved["fitted"])).softmax(dim=1).tolist()
    return [sorted(zip(saved["classes"], row), key=lambda pair: -pair[1]) for row in rows]


def main(words=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument("--run", default="runs/first")
    asked = parser.parse_args(words)
    try:
        net, saved = load(asked.run)
    except ValueError as error:
        sys.exit(str(error))
    failed = False
    for file in asked.files:
        try:
            named = guesses(net, saved, data.read(file))
        except (OSError, ValueError) as error:
            said = str(error) if str(file) in str(error) else f"{file}: {error}"
            print(said, file=sys.stderr)
            failed = True
            continue
        for best in named:
            print(f"{file}: " + ", ".join(f"{name} {p:.3f}" for name, p in best[:3]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
