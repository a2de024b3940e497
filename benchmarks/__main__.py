"""Measure what the course costs and how it compares, and write docs/benchmarks.md.

    python -m benchmarks                 loop, results and growth: about 25 minutes on two cores
    python -m benchmarks course          what lessons, tests, site and set-up cost: half an hour
    python -m benchmarks gpu             lessons on both devices, and 94 % of CIFAR-10; needs a GPU
    python -m benchmarks loop --again    the loop's ratios a second time: how far do they move?
    python -m benchmarks --page          only write the page, from the rounds there are

Every round is kept in build/benchmarks.jsonl as soon as it is measured; the same command goes on after a
stop, and --fresh starts over. Other libraries live in an environment of their own, build/bench-venv.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from benchmarks import page
from benchmarks.page import DOCS
from benchmarks.rounds import LINES, measure

PARTS = {"loop": "loop", "results": "results", "growth": "growth", "course": "costs", "gpu": "gpu"}
USUAL = ["loop", "results", "growth"]


def main(argv: list[str] | None = None, tiny: Path = LINES.parent / "benchmarks-tiny") -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("benchmarks", description=__doc__, formatter_class=raw)
    parser.add_argument("part", nargs="*", choices=[*PARTS, []], help=f"default: {' '.join(USUAL)}")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured of these")
    parser.add_argument(
        "--again", action="store_true", help="measure a second run beside the first"
    )
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page")
    parser.add_argument("--tiny", action="store_true", help="only try whether all of it runs")
    options = parser.parse_args(argv)
    lines, docs = (tiny / "lines.jsonl", tiny) if options.tiny else (LINES, DOCS)
    for part in [] if options.page else options.part or USUAL:
        module = importlib.import_module(f"benchmarks.{PARTS[part]}")
        measure(part, module.jobs(options.tiny), lines, 2 if options.again else 1, options.fresh)
    page.publish(lines, docs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
