"""Lay a project of your own from the course's template, with an example to learn from.

python tools/course.py project flowers --kind pictures    into work/flowers; calls this file, when .venv is there
python tools/project.py pictures SOMEWHERE/flowers        the same into any place, with the Python that runs it
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("pictures", "table", "text")
# Names that Windows keeps for devices, whatever comes after the first dot.
DEVICES = {"con", "prn", "aux", "nul"} | {f"{d}{n}" for d in ("com", "lpt") for n in "123456789¹²³"}


def why_not(name: str, kind: str, work: Path) -> str:
    """Why no project of this name and kind can be laid into ``work``; empty if it can."""
    if not name:
        return "Name your project: make project NAME=flowers KIND=pictures"
    if not re.fullmatch(r"\w[\w -]{0,48}\w|\w", name) or name.lower() in DEVICES:
        return (
            f"{name!r} is no name for a folder everywhere: use letters, digits, - and _, as in "
            "make project NAME=my_flowers KIND=pictures"
        )
    if kind not in KINDS:
        kinds = ", ".join(KINDS)
        asked = f"There is no kind {kind!r}" if kind else "Say what it learns from"
        return f"{asked}: KIND is one of {kinds}, as in make project NAME={name} KIND=pictures"
    if name.lower() == "pictures":
        return "work/pictures is where lessons look for your photographs: take another name"
    taken = {p.name.lower() for p in work.iterdir()} if work.is_dir() else set()
    if name.lower() in taken:
        return f"work/{name} is there already, and stays as it is: take another name"
    return ""


def lay(kind: str, target: Path) -> None:
    """Copy the template for ``kind`` to ``target``, whole or not at all; it must not be there yet."""
    if target.exists():
        raise FileExistsError(17, "is there already, and stays as it is", str(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".laying-") as place:
        new = Path(place) / target.name
        template = ROOT / "project"
        junk = shutil.ignore_patterns(*KINDS, "__pycache__", ".*", "runs")
        shutil.copytree(template, new, ignore=junk)
        for file in sorted((template / kind).glob("*.py")):
            shutil.copy(file, new)
        readme = new / "README.md"
        readme.write_text(readme.read_text("utf-8").replace("NAME", target.name), encoding="utf-8")
        (new / ".gitignore").write_text("runs/\n.cache/\n__pycache__/\n", encoding="utf-8")
        (new / "data").mkdir()
        EXAMPLES[kind](new / "data")
        new.rename(target)


def example_pictures(folder: Path) -> None:
    """The course's set: 120 pictures of each of three classes."""
    from utils import pictures

    paths, labels, classes = pictures("provided")
    for n, (path, label) in enumerate(zip(paths, labels)):
        (folder / classes[label]).mkdir(exist_ok=True)
        shutil.copyfile(path, folder / classes[label] / f"{n:03}{path.suffix}")


def example_table(folder: Path) -> None:
    """569 tumors, measured under the microscope (scikit-learn's copy of the Wisconsin set)."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer(as_frame=True)
    frame = found.data.assign(label=[found.target_names[k] for k in found.target])
    frame.to_csv(folder / "tumors.csv", index=False)


def example_text(folder: Path) -> None:
    """The surnames that the course brings along, each with its language."""
    rows = (ROOT / "data" / "stand-in-surnames.txt").read_text(encoding="utf-8").splitlines()
    pairs = [row.partition(":")[::2] for row in rows if ":" in row]
    with open(folder / "surnames.csv", "w", newline="", encoding="utf-8") as f:
        table = csv.writer(f)
        table.writerow(["text", "label"])
        for language, names in pairs:
            table.writerows([name.strip(), language] for name in names.split(","))


EXAMPLES = {"pictures": example_pictures, "table": example_table, "text": example_text}


def main(words: list[str]) -> int:
    if len(words) != 2 or words[0] not in KINDS:
        print(__doc__, file=sys.stderr)
        return 2
    sys.path.insert(0, str(ROOT))  # for utils
    try:
        lay(words[0], Path(words[1]))
    except OSError as error:
        print(f"{error.filename}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
