"""The benchmarks: the page is what the measured rounds give, a stop loses no round, and every part runs."""

import json
import re

import pytest

from benchmarks import page, rounds
from benchmarks.__main__ import PARTS, main
from benchmarks.rounds import ROOT, Job, measure, read

DOCS = ROOT / "docs"


def test_the_page_and_its_pictures_are_what_the_rounds_give():
    rows = read(DOCS / "benchmarks.jsonl")
    written = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    assert page.text(rows) == written
    named = re.findall(r"!\[.{40,}?\]\((.+?)\)", written)
    assert named and all((DOCS / name).stat().st_size > 5_000 for name in named)


def test_every_goal_has_a_row():
    text = page.text(read(DOCS / "benchmarks.jsonl"))
    goals = text.partition("## Goals")[2].partition("\n## ")[0]
    assert len(re.findall(r"\| (?:reached|\*\*not reached\*\*|not measured) \|", goals)) >= 16


def test_rounds_are_on_disk_at_once_and_a_rerun_goes_on(tmp_path, monkeypatch):
    lines, asked = tmp_path / "lines.jsonl", []

    def work(n, stop):
        asked.append(n)
        if n == stop:
            raise KeyboardInterrupt
        return {"value": n}

    def jobs(stop=None):
        return [Job("task", n, lambda n=n: work(n, stop)) for n in range(4)]

    with pytest.raises(KeyboardInterrupt):
        measure("part", jobs(stop=2), lines)
    with lines.open("a", encoding="utf-8") as file:
        file.write('{"part": "part", "run": 1, "ta')  # cut short, as by a full disk
    measure("part", jobs(), lines)
    assert asked == [0, 1, 2, 2, 3]
    assert [row["value"] for row in read(lines)[1:]] == [0, 1, 2, 3]
    measure("part", jobs(), lines, run=2)
    assert asked[5:] == [0, 1, 2, 3] and len(read(lines)) == 10
    measure("part", jobs(), lines, fresh=True)
    assert asked[9:] == [0, 1, 2, 3] and [row["run"] for row in read(lines)] == [2] * 5 + [1] * 5
    monkeypatch.setattr(rounds, "machine", lambda: {"processor": "another"})
    measure("part", jobs(), lines)
    assert asked[13:] == [0, 1, 2, 3], "rounds of two machines are not mixed"


def test_parts_measured_elsewhere_stay_on_the_page(tmp_path):
    head = {"part": "gpu", "run": 1, "day": "2026-01-01", "machine": rounds.machine()}
    row = {"part": "gpu", "run": 1, "task": "94 % of CIFAR-10", "round": 0, "took": 1.0}
    row |= {"seconds": 9.5, "accuracy": 0.95, "measured": True}
    rounds.write(tmp_path / "benchmarks.jsonl", [head, row])
    page.publish(tmp_path / "nothing.jsonl", tmp_path)
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "0.950 in 9.5 s | reached |" in text and "make bench PART=loop" in text
    assert [json.loads(line) for line in (tmp_path / "benchmarks.jsonl").open()] == [head, row]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_runs_at_a_tiny_size(part, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "stand-in")
    assert main(["--tiny", "--fresh", part], tmp_path) == 0
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    own = [row for row in read(tmp_path / "benchmarks.jsonl") if row["part"] == part]
    assert len(own) > 1 and f"Not measured yet: `make bench PART={part}`" not in text
    for who, why in own[1].get("missing", {}).items():
        assert f"{who} is missing: {why}" in text
