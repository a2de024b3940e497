"""Do the curves of lesson 12 cross? Its GPT and its LSTM at equal parameters, trained longer and longer.

    python benchmarks/gpt_scaling.py                     500 to 4,000 steps each: about ten minutes
    python benchmarks/gpt_scaling.py --steps 500 --width 128

Each length is a training of its own, with its own schedule, judged on the whole validation part.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
from lesson import functions
from utils.data import shakespeare
from utils.text import Vocabulary

WANTED = "GPT StreamLSTM two_optimizers up_and_down gpt_step stream_steps gpt_chance lstm_chance"
THEIRS = "Block even_out Muon draw_windows"  # what those use in turn


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, nargs="+", default=[500, 1000, 2000, 4000])
    parser.add_argument("--width", type=int, default=64, help="of the GPT (default: 64)")
    options = parser.parse_args()
    gpt_of, lstm_of, optimizers_of, schedule_of, gpt_step, stream_steps, *rest = functions(
        "12_attention_gpt", *WANTED.split(), *THEIRS.split()
    )
    play = shakespeare()
    vocab = Vocabulary(play)
    numbers = vocab.encode(play)
    _, train, valid = numbers.tensor_split([int(s * len(numbers)) for s in (0.05, 0.9)])
    gpt_size = sum(p.numel() for p in gpt_of(len(vocab), options.width).parameters())
    hidden = 8
    while sum(p.numel() for p in lstm_of(len(vocab), hidden=hidden).parameters()) < gpt_size:
        hidden += 1
    print(f"{gpt_size:,} parameters; LSTM with {hidden} units; threads: {torch.get_num_threads()}")
    for steps in options.steps:
        torch.manual_seed(0)
        gpt, lstm = gpt_of(len(vocab), options.width), lstm_of(len(vocab), hidden=hidden)
        optimizers = optimizers_of(gpt)
        schedules = [schedule_of(optimizer, steps) for optimizer in optimizers]
        generator = torch.Generator().manual_seed(0)
        stream_step = stream_steps(lstm, train, steps)
        steps_of = {
            "GPT": partial(gpt_step, gpt, train, optimizers, schedules, generator),
            "LSTM": stream_step,
        }
        for (name, step), model, chance in zip(
            steps_of.items(), (gpt, lstm), rest[:2], strict=True
        ):
            started, cpu = time.perf_counter(), time.process_time()
            for _ in range(steps):
                step()
            seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
            loss = -chance(model, valid).log().mean().item()
            spent = f"{seconds:.0f} s, {cpu:.0f} s of CPU"
            print(f"{steps:6} steps {name:4} {loss:.3f} nats, {spent}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
