"""Your table: data/*.csv with a column "label". A sample is a row, as a dict."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

ASKS_FOR = "file"  # what the page takes
LABEL = "label"


def load(folder):
    """All rows of all tables in the folder, without their label, and the labels."""
    samples, labels = [], []
    for file in sorted(Path(folder).glob("*.csv")):
        rows = read(file)
        if LABEL not in rows[0]:
            raise ValueError(
                f"{file} has no column {LABEL!r}; it has {', '.join(map(str, rows[0]))}"
            )
        known = [row for row in rows if not pd.isna(row[LABEL])]
        labels += [str(row[LABEL]) for row in known]
        samples += [{k: v for k, v in row.items() if k != LABEL} for row in known]
    if not samples:
        raise ValueError(f"{folder} holds no rows: put a CSV file there, with a column {LABEL!r}")
    return samples, labels


def read(file):
    """The samples in one file: its rows."""
    try:
        rows = pd.read_csv(file).to_dict("records")
    except FileNotFoundError:
        raise ValueError(f"{file} is not there") from None
    except Exception as error:  # pandas has many ways to say that it is no table
        raise ValueError(
            f"{file} is no CSV table that can be read ({type(error).__name__})"
        ) from None
    if not rows:
        raise ValueError(f"{file} has no rows")
    return rows


def fit(samples):
    """From the training part alone: each number's median, mean and spread; each word's values."""
    frame, numbers, words = pd.DataFrame(samples), {}, {}
    for name in frame:
        column = frame[name].dropna()
        if pd.api.types.is_numeric_dtype(column) and len(column):
            spread = float(column.astype(float).std(ddof=0)) or 1.0
            numbers[name] = [float(column.median()), float(column.mean()), spread]
        else:
            words[name] = sorted(column.astype(str).value_counts().index[:20])
    return {"numbers": numbers, "words": words}


def prepare(samples, fitted):
    """Rows → (N, columns): numbers standardized, with a column "was missing" each; words one-hot."""
    frame, columns = pd.DataFrame(samples), []
    if lost := [name for name in (*fitted["numbers"], *fitted["words"]) if name not in frame]:
        raise ValueError(f"the column {lost[0]!r} is missing: the network learned with it")
    for name, (median, mean, spread) in fitted["numbers"].items():
        column = pd.to_numeric(frame[name], errors="coerce")
        columns += [(column.fillna(median) - mean) / spread, column.isna()]
    for name, values in fitted["words"].items():
        columns += [frame[name].astype(str) == value for value in values]
    return torch.from_numpy(np.stack([np.asarray(c, "float32") for c in columns], axis=1))
