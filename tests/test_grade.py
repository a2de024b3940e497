"""Grading: answers count, edited checks do not, and nothing that is handed in can stop it."""

import json

import pandas as pd

import grade
from build import ROOT


def submission(path, answers, tamper=()):
    nb = json.loads((ROOT / "notebooks" / "00_start_here.ipynb").read_text(encoding="utf-8"))
    for cell in nb["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
        if any(f'check("{name}")' in cell["source"] for name in tamper):
            cell["source"] = "print('✓ passed')"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(nb), encoding="utf-8")


def test_a_class_becomes_a_table(tmp_path, capsys):
    right = {"start-1": "seconds = 86400", "start-2": "shown = 35"}
    submission(tmp_path / "in" / "ann ü.ipynb", right | {"start-4": "supervised = 1 / 0"})
    submission(
        tmp_path / "in" / "bob" / "00.ipynb", {"start-1": "seconds = 1440"}, tamper=["start-1"]
    )
    (tmp_path / "in" / "junk.ipynb").write_text("not a notebook", encoding="utf-8")
    table_file = tmp_path / "grades.csv"
    assert grade.main([str(tmp_path / "in"), "--to", str(table_file), "--seconds", "60"]) == 0
    table = pd.read_csv(table_file).set_index("file")
    ann, bob, junk = (
        table[table.index.str.contains(who)].iloc[0] for who in ("ann", "bob", "junk")
    )
    assert (ann["passed"], ann["of"]) == (2, 5)
    assert ann["start-4"] == "not yet right"
    assert bob["passed"] == 0 and bob["start-1"] == "not yet right"
    assert "not gradable" in junk["note"]


def test_an_existing_table_is_not_overwritten(tmp_path, capsys):
    submission(tmp_path / "a.ipynb", {})
    (tmp_path / "grades.csv").write_text("precious", encoding="utf-8")
    assert grade.main([str(tmp_path), "--to", str(tmp_path / "grades.csv")]) == 1
    assert "name another file" in capsys.readouterr().err
    assert (tmp_path / "grades.csv").read_text(encoding="utf-8") == "precious"


def test_a_folder_without_notebooks(tmp_path, capsys):
    assert grade.main([str(tmp_path)]) == 1
    assert "no notebook" in capsys.readouterr().err
