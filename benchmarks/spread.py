"""How far a lesson's numbers move from seed to seed: its own cells, run again with other seeds.

    python benchmarks/spread.py                  lessons 07, 09, 10 and 12, ten seeds each: twenty minutes
    python benchmarks/spread.py 09 --seeds 3     one lesson, three seeds

A lesson runs once, up to the cell that measures; then the cells named in EXPERIMENTS are repeated
with every 0 that seeds something replaced. Lessons 00 and 03 to 06 have such a test among the unit tests.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from lesson import read_lesson, tags

LESSONS = Path(__file__).parents[1] / "lessons"
SEED = re.compile(r"(manual_seed\(|seed=|random_state=)0\b")


class Experiment(NamedTuple):
    lesson: str
    cells: list[str]  # how each cell to repeat begins, or one of its lines
    measures: dict[str, str]  # what to print → the expression that gives it


EXPERIMENTS = [
    Experiment(
        "07_lenet_cifar10",
        ["cycled = {}", "by_heart, on_new = {}, {}"],
        {
            "accuracy that one cycle adds to 0.1": "cycled['one cycle'] - cycled['constant 0.1']",
            "accuracy that one cycle adds to 0.03": "cycled['one cycle'] - cycled['constant 0.03']",
            "learned by heart, taken by mirrors": "by_heart['nothing'] - by_heart['mirrors']",
            "new pictures, given by mirrors": "on_new['mirrors'] - on_new['nothing']",
            "new pictures, given by dropout": "on_new['dropout'] - on_new['nothing']",
        },
    ),
    Experiment(
        "09_char_rnn",
        [
            "train_pairs, valid_pairs, test_pairs = ",
            "train, valid = ",
            "readers, scores = ",
            "grams = ",
            "test = encode_names",
        ],
        {"GRU, test names": "tested['GRU']", "letter groups": "tested['letter groups']"},
    ),
    Experiment(
        "10_lstm",
        ["passes = ", "learned, valid, ages = ", "started, more = "],
        {"validation, nats a character": "valid[50 * passes]"},
    ),
    Experiment(
        "12_attention_gpt",
        ["GPT_STEPS, early = ", "by_gpt = ", "LSTM_STEPS = "],
        {"GPT, nats a character": "gpt_nats", "LSTM, nats a character": "lstm_nats"},
    ),
]


def story_of(experiment: Experiment) -> tuple[list[str], list[str]]:
    """The lesson's cells up to the last that is repeated, and those that are."""
    story = [
        cell.source
        for cell in read_lesson(LESSONS / f"{experiment.lesson}.py").cells
        if cell.cell_type == "code" and not tags(cell) & {"exercise", "check", "raises-exception"}
    ]
    at = [
        next(n for n, source in enumerate(story) if re.search(f"(?m)^{re.escape(begin)}", source))
        for begin in experiment.cells
    ]
    again = [story[n] for n in at]
    if not any(map(SEED.search, again)):
        raise ValueError(f"{experiment.lesson}: nothing in these cells sets a seed of 0")
    return story[: at[-1] + 1], again


def values(experiment: Experiment, seeds: int) -> dict[str, list[float]]:
    """Each measure's value for the seeds 0, 1, …; seed 0 is the lesson as it stands."""
    story, again = story_of(experiment)
    space: dict[str, Any] = {"__name__": experiment.lesson}
    found: dict[str, list[float]] = {name: [] for name in experiment.measures}
    for seed in tqdm(range(seeds), desc=experiment.lesson, unit="seed", disable=False):
        for source in again if seed else story:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(SEED.sub(rf"\g<1>{seed}", source) if seed else source, space)
            space["plt"].close("all")
        if not (seed or space["real"]):
            tqdm.write("This is stand-in data: expect other numbers than the lesson quotes.")
        for name, expression in experiment.measures.items():
            found[name].append(float(eval(expression, space)))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lesson", nargs="*", help="a lesson's number; all if none is given")
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds (default: 10)")
    options = parser.parse_args()
    wanted = tuple(options.lesson) or ("",)
    chosen = [e for e in EXPERIMENTS if e.lesson.startswith(wanted)]
    if not chosen or options.seeds < 1:
        parser.error(f"lessons are {', '.join(e.lesson[:2] for e in EXPERIMENTS)}; seeds from 1")
    matplotlib.use("Agg")
    os.environ["TQDM_DISABLE"] = "1"  # the bars of the trainings inside
    for experiment in chosen:
        for name, seen in values(experiment, options.seeds).items():
            low, high = min(seen), max(seen)
            print(f"{experiment.lesson[:2]}  {name:35} from {low:.3f} to {high:.3f}", flush=True)
            print("    " + " ".join(f"{value:.3f}" for value in seen))
    return 0


if __name__ == "__main__":
    sys.exit(main())
