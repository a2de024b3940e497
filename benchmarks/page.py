"""The page and its pictures: everything in them comes from the lines of measured rounds."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.rounds import ROOT, Row, read, tasks_of, write

DOCS = ROOT / "docs"
GOALS = {"LeNet, batch 64": 0.97, "diabetes MLP, batch 32": 0.92, "LSTM of lesson 10": 0.97}
GOALS |= {"GPT of lesson 12": 0.97}
REPORTS = {
    "utils.fit": "loss, accuracy",
    "by hand": "loss, accuracy",
    "Accelerate": "loss, accuracy",
}
EDITIONS = ("notebooks", "solutions")
PEERS = ["by hand", "Accelerate", "skorch", "Lightning", "fastai", "Keras"]
CONTENDERS = ["utils.fit", *PEERS]
MEMORY, TESTS, ACCURACY, SECONDS = 1.2, 8.0, 0.94, 15.0  # GB, minutes, share, seconds
TABLES = {  # of results: what is measured, and what was to be reached
    "CIFAR-10": ("accuracy", "right, of the 10,000 test pictures", (0.54, 0.66, 0.70, 0.75)),
    "surnames": ("accuracy", "right, of the test names", ()),
    "Shakespeare": ("nats", "nats a character, on validation", ()),
    "three classes": ("accuracy", "right, of 300 test pictures", ()),
}


def text(rows: list[Row]) -> str:
    """The page, from all rows."""
    parts = [INTRO, *_machines(rows), GOALS_HEAD, *_goals(rows)]
    for part, head, body in (
        ("loop", LOOP, _loop), ("results", RESULTS, _results), ("course", COURSE, _course),
        ("growth", GROWTH, _growth), ("gpu", GPU, _gpu),
    ):  # fmt: skip
        there = any(row["part"] == part and "task" in row for row in rows)
        parts += [
            head,
            *(body(rows) if there else [f"Not measured yet: `make bench PART={part}`.", ""]),
        ]
    return "\n".join([*parts, CHANGED]).rstrip() + "\n"


def publish(lines: Path, docs: Path = DOCS) -> None:
    """Put the rounds of ``lines`` beside those of other parts, and write the page and its pictures anew."""
    new, kept = read(lines), docs / "benchmarks.jsonl"
    parts = {row["part"] for row in new}
    rows = [row for row in read(kept) if row["part"] not in parts] + new
    write(kept, rows)
    page = docs / "benchmarks.md"
    page.write_text(text(rows), encoding="utf-8", newline="\n")
    draw(rows, docs)


def middle(values: list[float]) -> str:
    """Median and the two quartiles."""
    if len(values) == 1:
        return f"{values[0]:.3f}"
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{statistics.median(values):.3f} ({low:.3f}–{high:.3f})"


def clock(values: list[float]) -> str:
    value = statistics.median(values)
    return f"{value:.0f} s" if value >= 20 else f"{value:.1f} s" if value >= 1 else f"{value:.2g} s"


def _machines(rows: list[Row]) -> Iterator[str]:
    yield "| part | rounds | on | machine | with |\n|---|---|---|---|---|"
    for head in (row for row in rows if "machine" in row):
        m, part = head["machine"], (head["part"], head["run"])
        own = [r for r in rows if (r["part"], r["run"]) == part and "task" in r]
        where = f"{m['system']}, {m['processor']}, {m['cores']} cores, {m['memory, GB']} GB"
        where += f", {m['gpu']}" if m["gpu"] else ""
        packages = " ".join(f"{name} {version}," for name, version in m["versions"].items())
        again = " (second run)" if head["run"] > 1 else ""
        yield f"| {part[0]}{again} | {len(own)} | {head['day']} | {where} | {packages.rstrip(',')} |"
    yield ""


def _ratios(rows: list[Row], task: str, who: str, run: int = 1) -> list[float]:
    own = dict(tasks_of(rows, "loop", run)).get(task, [])
    return [row["ratios"][who] for row in own if who in row["ratios"]]


def _goals(rows: list[Row]) -> Iterator[str]:
    yield "| goal | measured | |\n|---|---|---|"
    yield from _loop_goals(rows)
    yield from _result_goals(rows)
    yield from _course_goals(rows)
    yield from _gpu_goals(rows)
    yield ""


def _loop_goals(rows: list[Row]) -> Iterator[str]:
    for task, _ in tasks_of(rows, "loop"):
        ratios, goal = _ratios(rows, task, "utils.fit"), GOALS[task]
        own, said = statistics.median(ratios), f"{task}: `fit` keeps {goal:.2f} of the limit"
        yield _goal(said, middle(ratios), own >= goal)
        peers = {who: statistics.median(r) for who in PEERS if (r := _ratios(rows, task, who))}
        if peers:
            best = max(peers, key=lambda who: peers[who])
            said = f"{own:.3f}; next is {best} with {peers[best]:.3f}"
            low = statistics.quantiles([*ratios, own], n=4, method="inclusive")[0]
            if own > peers[best] >= low:
                said += ", level within the spread"
            yield _goal(f"{task}: ahead of every peer", said, peers[best] < low)
        again = _ratios(rows, task, "utils.fit", 2)
        if not again:
            yield _goal(f"{task}: a second run within 3 points", "one run so far", None)
        else:
            apart = 100 * abs(own - statistics.median(again))
            said = f"{middle(again)}, {apart:.1f} points apart"
            yield _goal(f"{task}: a second run within 3 points", said, apart < 3)


def _result_goals(rows: list[Row]) -> Iterator[str]:
    found = {
        task.partition(": ")[2]: [
            statistics.median(r[k] for r in own) for k in ("seconds", "accuracy")
        ]
        for task, own in tasks_of(rows, "results")
        if task.startswith("CIFAR-10")
    }
    for goal in TABLES["CIFAR-10"][2] if found else ():
        there = [(seconds, task) for task, (seconds, share) in found.items() if share >= goal]
        said = f"{min(there)[0]:.0f} s: {min(there)[1]}" if there else "none gets there"
        yield _goal(f"CIFAR-10: {100 * goal:.0f} % of the test pictures", said, bool(there))


def _course_goals(rows: list[Row]) -> Iterator[str]:
    course = {task: own[0] for task, own in tasks_of(rows, "course")}
    lessons = {task: row for task, row in course.items() if task.startswith("lesson ")}
    if lessons:
        held, most = max((_held(row), task) for task, row in lessons.items())
        said = f"{held:.2f} GB is the most, in {most}"
        yield _goal(f"every kernel holds {MEMORY} GB at most", said, held <= MEMORY)
        files = lessons[most]["solutions"].get("files, MB", 0) / 1024  # one copy serves all kernels
        room = 30 * (held - files) + files
        yield _goal("a room of 30 at that lesson fits 40 GB", f"{room:.1f} GB", room <= 40)
    else:
        yield _goal(f"every kernel holds {MEMORY} GB at most", "no rounds yet; see below", None)
    if "unit tests" not in course:
        yield _goal(f"lessons and unit tests in {TESTS:.0f} minutes", "no rounds yet", None)
    else:
        spent = [row["took"] for row in lessons.values()] + [course["unit tests"]["seconds"]]
        said = f"{sum(spent) / 60:.1f} minutes, lessons one by one with both editions side by side"
        yield _goal(
            f"lessons and unit tests in {TESTS:.0f} minutes", said, sum(spent) / 60 <= TESTS
        )


def _gpu_goals(rows: list[Row]) -> Iterator[str]:
    found = []
    for _, own in tasks_of(rows, "gpu"):
        if own[0].get("measured"):
            seconds, share = (statistics.median(r[k] for r in own) for k in ("seconds", "accuracy"))
            found.append((share < ACCURACY, seconds, f"{share:.3f} in {seconds:.1f} s"))
    late, seconds, said = min(found, default=(True, 0.0, "no GPU here"))
    reached = not late and seconds <= SECONDS if found else None
    goal = f"CIFAR-10 to {100 * ACCURACY:.0f} % in {SECONDS:.0f} s on a large card"
    yield _goal(goal, said, reached)


def _goal(goal: str, measured: str, reached: bool | None) -> str:
    verdict = {True: "reached", False: "**not reached**", None: "not measured"}[reached]
    return f"| {goal} | {measured} | {verdict} |"


def _loop(rows: list[Row]) -> Iterator[str]:
    found = dict(tasks_of(rows, "loop"))
    yield f"| | reports | {' | '.join(found)} |\n|---|---|{'---|' * len(found)}"
    for who in CONTENDERS:
        shares = [_ratios(rows, task, who) for task in found]
        cells = [middle(r) if r else "–" for r in shares]
        yield f"| {who} | {REPORTS.get(who, 'loss')} | {' | '.join(cells)} |"
    limits = [
        1000 * statistics.median(x / r["steps"] for r in own for x in r["limits"])
        for own in found.values()
    ]
    yield f"| *a step of the limit* | | {' | '.join(f'{ms:.2g} ms' for ms in limits)} |"
    yield f"| *rounds* | | {' | '.join(str(len(own)) for own in found.values())} |\n"
    missing = {
        w: why for own in found.values() for r in own for w, why in r.get("missing", {}).items()
    }
    for who, why in missing.items():
        yield f"{who} is missing: {why}.\n"
    yield _picture("loop", "A panel for each of four networks. In each, one dot a library shows its share of the limit's speed, with a bar for the spread. utils.fit and the goal stand at the top.", "What is left of the limit's speed; the dashed line is the goal for `fit`, bars reach from quartile to quartile.")  # fmt: skip


def _picture(name: str, alt: str, caption: str) -> str:
    return f"![{alt}](benchmarks-{name}.png)\n\n*{caption}*\n"


def _results(rows: list[Row]) -> Iterator[str]:
    found = dict(tasks_of(rows, "results"))
    for table, (measure, words, _) in TABLES.items():
        yield f"### {table[0].upper()}{table[1:]}\n\n| | seconds | {words} | rounds |\n|---|---|---|---|"
        for task, own in found.items():
            if task.startswith(f"{table}: "):
                name = task.partition(": ")[2]
                spread = middle([r[measure] for r in own])
                yield f"| {name} | {clock([r['seconds'] for r in own])} | {spread} | {len(own)} |"
        yield ""
    yield _picture("results", "Four panels, seconds on a logarithmic axis against what is reached: CIFAR-10, surnames, Shakespeare and three classes on the features of lesson 08. Networks are dots, their cheap rivals triangles.", "Networks and their cheap rivals: what a second more brings.")  # fmt: skip


def _held(row: Row) -> float:
    return max(row[edition]["megabytes"] for edition in EDITIONS) / 1024


def _course(rows: list[Row]) -> Iterator[str]:
    found = {task: own[0] for task, own in tasks_of(rows, "course")}
    lessons = {task[7:]: row for task, row in found.items() if task.startswith("lesson ")}
    yield "| lesson | students, s | solutions, s | kernel, GB | of it libraries, GB | its processes, GB | slowest cells (s) | memory grows in (MB) |"
    yield f"|{'---|' * 8}"
    for number, row in lessons.items():
        seconds = " | ".join(f"{row[e]['seconds']:.0f}" for e in EDITIONS)
        held = [max(row[e].get(k, 0) for e in EDITIONS) / 1024 for k in ("files, MB", "beside, MB")]
        cells = [
            ", ".join(f"`{cell}` {value:.0f}" for cell, value in row["solutions"][kind].items())
            for kind in ("slowest", "grown")
        ]
        memory = f"{_held(row):.2f} | {held[0]:.2f} | {held[1]:.2f}"
        yield f"| {number} | {seconds} | {memory} | {' | '.join(cells)} |"
    total = " | ".join(f"{sum(r[e]['seconds'] for r in lessons.values()):.0f}" for e in EDITIONS)
    yield f"| all | {total} | | | | | |\n\n| what | seconds | |\n|---|---|---|"
    for task, row in found.items():
        more = f"{row['gigabytes']:.1f} GB" if "gigabytes" in row else ""
        more += "; fell back to the ordinary packages" if "fell back" in row else ""
        more += "; it ended with an error" if "failed" in row else ""
        if task.startswith("nbval") and task[6:] in lessons:
            more = f"both editions; without nbval {lessons[task[6:]]['took']:.0f} s"
        if not task.startswith("lesson "):
            yield f"| {task} | {row['seconds']:.0f} | {more.removeprefix('; ')} |"
    yield ""
    yield _picture("course", "Bars for each lesson: the seconds of both editions on the left, on the right the memory of the kernel with a dashed line at 1.2 GB.", "Seconds and memory of each lesson.")  # fmt: skip


def _growth(rows: list[Row]) -> Iterator[str]:
    found = dict(tasks_of(rows, "growth"))
    yield "| | microseconds a row | memory on top, MB | rounds |\n|---|---|---|---|"
    for task, own in found.items():
        if not task.startswith("data, "):
            each = [1e6 * r["seconds"] for r in own]
            held = statistics.median(r["megabytes"] for r in own)
            yield f"| {task} | {statistics.median(each):.3g} | {held:.0f} | {len(own)} |"
    yield "\n| data set, first call | seconds | memory on top, MB |\n|---|---|---|"
    for task, own in found.items():
        if task.startswith("data, "):
            held = statistics.median(r["megabytes"] for r in own)
            yield f"| {task[6:].partition(':')[0]} | {clock([r['seconds'] for r in own])} | {held:.0f} |"
    kept = {
        int(t.split()[-1]): own[0]["bytes"] for t, own in found.items() if t.startswith("epochs")
    }
    (few, a), *_, (many, b) = sorted(kept.items())
    yield f"\nA History keeps {(b - a) / (many - few):.0f} bytes an epoch (loss, accuracy, both on validation, too).\n"
    yield _picture("growth", "Three panels: microseconds a row against rows, batch and epochs, on logarithmic axes, for fit, make_loader, DataLoader and evaluate. Lines against rows and epochs fall a little and level out; against the batch that of fit falls steeply.", "What a row costs: level means that ten times the work takes ten times as long, and a line that falls shares out what a call costs once.")  # fmt: skip


def _gpu(rows: list[Row]) -> Iterator[str]:
    found = dict(tasks_of(rows, "gpu"))
    lessons = {t: own[0] for t, own in found.items() if t.startswith("lesson ")}
    for task, own in found.items():
        if task not in lessons:
            seconds, share = ([r[k] for r in own] for k in ("seconds", "accuracy"))
            if own[0]["measured"]:
                yield f"- {task}: {middle(share)} in {clock(seconds)}, {len(own)} rounds"
            else:
                yield f"- {task}: **not measured**. One epoch of a narrow network over a few pictures went through on the CPU."
    if lessons:
        yield "\n| lesson | CPU, s | GPU, s | ratio |\n|---|---|---|---|"
        for task, row in lessons.items():
            yield f"| {task[7:]} | {row['cpu']:.0f} | {row['gpu']:.0f} | {row['cpu'] / row['gpu']:.2f} |"
    else:
        yield "- the lessons on both devices: **not measured**"
    yield ""


# Pictures ---------------------------------------------------------------------------------------


def draw(rows: list[Row], docs: Path) -> None:
    """One picture for each part that has rounds."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plt.style.use("utils.course")
    drawn: dict[str, Callable[[list[Row], Any], Any]] = {
        "loop": _draw_loop, "results": _draw_results, "course": _draw_course, "growth": _draw_growth
    }  # fmt: skip
    for part, own in drawn.items():
        if any(row["part"] == part and "task" in row for row in rows):
            fig = own(rows, plt)
            fig.savefig(docs / f"benchmarks-{part}.png", metadata={"Software": None})
            plt.close(fig)


def _draw_loop(rows: list[Row], plt: Any) -> Any:
    found = dict(tasks_of(rows, "loop"))
    fig, axes = plt.subplots(1, len(found), figsize=(10, 2.6), sharey=True)
    for ax, task in zip(axes, found):
        for n, who in enumerate(CONTENDERS):
            if r := _ratios(rows, task, who):
                low, mid, high = statistics.quantiles(r, n=4, method="inclusive") if len(r) > 1 else r * 3  # fmt: skip
                color = "C1" if n else "C0"
                ax.plot([low, high], [n, n], color=color, lw=3, alpha=0.5)
                ax.plot(mid, n, "o", color=color)
        ax.axvline(GOALS[task], color="#444444", ls="--", lw=1)
        ax.set(title=task, xlabel="share of the limit", xlim=(0, 1.1))
    axes[0].set_yticks(range(len(CONTENDERS)), labels=CONTENDERS)
    axes[0].invert_yaxis()
    return fig


RIVALS = ("groups", "table", "linear", "nearest mean", "from scratch", "the classic")


def _draw_results(rows: list[Row], plt: Any) -> Any:
    found = dict(tasks_of(rows, "results"))
    fig, axes = plt.subplots(2, 2, figsize=(10, 6))
    for ax, (table, (measure, _, goals)) in zip(axes.flat, TABLES.items()):
        series: dict[str, list[tuple[float, float]]] = {}
        for task, own in found.items():
            if task.startswith(f"{table}: "):
                name = task.partition(": ")[2]
                kind = re.sub(r" of (up to )?\d+$", "", name.partition(",")[0])
                point = [statistics.median(r[k] for r in own) for k in ("seconds", measure)]
                series.setdefault(kind, []).append((point[0], point[1]))
        for n, (kind, points) in enumerate(series.items()):
            mark = "^--" if kind.startswith(RIVALS) else "o-"
            ax.plot(*zip(*points), mark, color=f"C{n}", label=kind, ms=5)
        for goal in goals:
            ax.axhline(goal, color="#888888", lw=0.8, ls=":")
        ax.set(
            title=f"{table[0].upper()}{table[1:]}", xlabel="seconds", ylabel=measure, xscale="log"
        )
        plain(ax.xaxis)
        ax.legend(fontsize=8)
    return fig


def plain(axis: Any) -> None:
    """Powers of ten as numbers, and no others."""
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def _draw_course(rows: list[Row], plt: Any) -> Any:
    found = {t[7:]: r[0] for t, r in tasks_of(rows, "course") if t.startswith("lesson ")}
    fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3))
    for n, kind in enumerate(EDITIONS):
        places = [k + 0.4 * n - 0.2 for k in range(len(found))]
        left.bar(places, [row[kind]["seconds"] for row in found.values()], 0.4, label=kind)
    right.bar(range(len(found)), [_held(row) for row in found.values()], color="C2")
    right.axhline(MEMORY, color="#444444", ls="--", lw=1)
    left.set(title="Seconds, two editions side by side", ylabel="seconds")
    right.set(title="Memory of the kernel", ylabel="GB")
    left.legend(loc="upper left")
    for ax in (left, right):
        ax.set_xticks(range(len(found)), labels=list(found))
        ax.set_xlabel("lesson")
    return fig


def _draw_growth(rows: list[Row], plt: Any) -> Any:
    found = dict(tasks_of(rows, "growth"))
    fig, axes = plt.subplots(1, 3, figsize=(10, 2.8), sharey=True)
    for ax, kind in zip(axes, ("rows", "batch", "epochs")):
        for n, who in enumerate(("fit", "make_loader", "DataLoader", "evaluate")):
            points = [
                (int(task.split()[-1]), 1e6 * statistics.median(r["seconds"] for r in own))
                for task, own in found.items()
                if task.startswith(f"{kind}, {who}: ")
            ]
            if points:
                ax.plot(*zip(*points), "o-", color=f"C{n}", label=who)
        ax.set(title=f"Ten times the {kind}", xlabel=kind, xscale="log", yscale="log")
        plain(ax.xaxis)
        plain(ax.yaxis)
    axes[0].set_ylabel("microseconds a row")
    axes[2].legend(*axes[0].get_legend_handles_labels(), fontsize=8, loc="lower left")
    return fig


# Words ------------------------------------------------------------------------------------------

INTRO = """# Benchmarks

What the course costs, how it compares, and how it grows. `make bench` measures again and writes this page, its pictures and
`docs/benchmarks.jsonl`, the rounds that everything here is made from. Numbers are medians, with the quartiles in
parentheses. Seconds are this machine's; ratios come from rounds in which all contenders take turns. Nothing here is a test.
"""
GOALS_HEAD = """## Goals
"""
LOOP = """## The training loop

The **limit** trains on one batch that never leaves memory: no shuffling, no fetching, no sums. Everybody else trains the same model from the same start, with the
same loss, optimizer, batch and clipping (the LSTM), on shuffled data (the LSTM: in order), and reports what the table says. Each round runs limit, `fit`, limit, a peer,
limit, `fit`, …, on two fixed cores and in a process of its own; a contender is compared with the two limits beside it, and of the six turns of `fit` the median counts. The clock begins with the first forward pass, so nobody pays for
what is set up before. *By hand* is the loop of most tutorials, with a `DataLoader` that collates one sample at a time; the libraries get the same `DataLoader`, no progress bar, no checkpoints, no logger.
Keras wraps the same PyTorch module and brings its own optimizer of the same kind.
"""
RESULTS = """## To a result

Each row is a training of its own, with its own schedule; a round is a seed. Seconds are those of learning, without reading the data and without judging.
"""
COURSE = """## The course itself

Both editions of a lesson run side by side, one core each, as in `make test`.
"""
GROWTH = """## Growth

A network of 4,810 parameters on rows of 64 numbers, batches of 80. Each measurement has a process of its own; *memory on top* is how far the work raises its highest level.
"""
GPU = """## A GPU

`make bench PART=gpu` runs each lesson's full edition on the CPU and on the GPU, and a residual network of 6.6 million parameters, grown from lesson 07's code, for 20 epochs of CIFAR-10.
"""
CHANGED = """## What was changed because of a row

- **The loop**: nothing had to be changed in `fit`. Shares above 1 lie within the spread of the rounds. Beside large steps (LSTM, GPT) the loop costs next to nothing, whoever writes it:
  there the loop by hand is level with `fit`, and a lead of a thousandth says nothing.
  On LeNet, gathering 64 pictures from all over the memory takes 0.10 ms and `accuracy` 0.04 ms, alone: 1.6 of the four points that are missing. The others could not be pinned down: in 25 more
  rounds `fit` had 0.973 (0.931–1.046), without accuracy 0.987 (0.952–1.007); the limit with the batches of `make_loader` had 0.994 (0.966–1.045), with both sums added 0.962 (0.940–1.004).
- **Two runs**: they lay up to 4.3 points apart, and the loop by hand moved with `fit`: all rounds of a run shared one process. Each round has a process of its own now, forked from one that
  has only imported; every contender runs once before the clock, and what the last one left behind is collected before the next one begins (Lightning and Keras leave cycles of objects, which Python
  used to collect during the limit or `fit`). The medians of two runs now lie at most 2.5 points apart.
- **Memory**: torch, its libraries and what else a lesson imports take 0.5 to 0.9 GB before its first line, 0.34 to 0.41 GB of it files that all kernels of a machine share. What could go: CIFAR-10 is
  read batch by batch into its final place (torchvision keeps all batches and a joined copy: 0.15 GB more); lesson 07 calculates its statistics in pieces that the system takes back at once (in smaller ones
  the holes between them were not used again, and one kernel held 1.98 GB); lesson 12 scales its pictures in place and draws
  fewer keys, which lowered its peak by next to nothing: pictures and data set are still the most of it. Lessons 07, 08, 12 and 14 stay above 1.2 GB; 0.8, 0.9, 0.65 and 0.6 GB of theirs are imports.
- **Lessons**: in 12 the side door's trainings have one block and half the pictures, in 14 the resume, half of the sweep and the page no longer start processes of their own: alone on two quiet cores
  77 s became 64, and 82 became 67.
- **Tests**: reading all lessons took three seconds and was paid by every tool and many tests anew; now once in a process. A check that pulled a training of two processes into its tests no longer does.
  What is left: the cells of both editions, which are what is to be tested, and in the unit tests the wrong answers to five builds, each of which trains.
- **The gate**: `.ci/run` was to take 25 minutes and takes 33 to 41: on 2026-11-30 unit tests 10, all lessons on stand-ins 9, on the real data 11, on pictures of one's own 1, in a browser 4, the rest
  set-up and checks. The runs of all lessons are what it is for.
- **This page**: `make bench` was to take 20 minutes and takes 26, 15 of them for the results and 9 for the loop, where ten rounds in place of five bring two runs closer to each other.
"""
