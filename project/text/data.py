"""Your texts: data/*.csv with columns "text" and "label", or data/CLASS/*.txt. A sample is a string."""

import csv
import zlib
from pathlib import Path

import torch

ASKS_FOR = "text"  # what the page takes
BUCKETS = 2048
LONGEST = 100_000  # characters of a text


def load(folder):
    """All texts in the folder, and the label of each."""
    samples, labels = [], []
    for file in sorted(Path(folder).glob("*.csv")):
        for row in rows(file):
            if not {"text", "label"} <= row.keys():
                raise ValueError(
                    f"{file} needs the columns text and label; it has {', '.join(map(str, row))}"
                )
            if row["text"] and row["label"]:
                samples.append(row["text"])
                labels.append(row["label"])
    for file in sorted(Path(folder).glob("*/*.txt")):
        samples += read(file)
        labels.append(file.parent.name)
    if not samples:
        raise ValueError(
            f"{folder} holds no texts: put a CSV file there, with columns text and label"
        )
    return samples, labels


def rows(file):
    """The rows of a table as dicts; what can't be read is told with the line that its row begins on."""
    line = 1
    try:
        with open(file, encoding="utf-8-sig", newline="") as f:
            table = csv.DictReader(f)
            for row in table:
                yield row
                line = table.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"{file}, line {line}: {error}: close a quotation mark that is left open there, "
            f"or cut the text in pieces of at most {LONGEST} characters"
        ) from None
    except UnicodeError:
        raise ValueError(f"{file} is no table in UTF-8: save it as CSV UTF-8") from None


def read(file):
    """The samples in one file: the whole text."""
    try:
        with open(file, encoding="utf-8") as f:
            return [f.read(LONGEST + 1)]  # prepare refuses what is longer
    except FileNotFoundError:
        raise ValueError(f"{file} is not there") from None
    except (OSError, UnicodeError) as error:
        raise ValueError(
            f"{file} is no text in UTF-8 that can be read ({type(error).__name__})"
        ) from None


def fit(samples):
    """Nothing has to be learned from the training part: the pieces are counted in fixed buckets."""
    return {}


def prepare(samples, fitted):
    """Texts → (N, BUCKETS): how often pieces of 1 to 4 letters occur, each piece in its bucket."""
    X = torch.zeros(len(samples), BUCKETS)
    for row, text in zip(X, samples):
        if len(text) > LONGEST:
            raise ValueError(
                f"the text {text[:20]!r}… is longer than {LONGEST} characters: cut it in pieces"
            )
        word = f"^{text.lower().strip()}$"
        pieces = [word[i : i + n] for n in (1, 2, 3, 4) for i in range(len(word) - n + 1)]
        where = torch.tensor([zlib.crc32(p.encode()) % BUCKETS for p in pieces])
        row.index_add_(0, where, torch.ones(len(where)))
    return X.log1p()
