"""Characters as numbers, and the table of counts of lesson 10 that every language model has to beat."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class Vocabulary:
    """Every distinct character of ``text`` with its number; ``specials`` come first, from 0 on.

    ``tokens`` lists them all in the order of their numbers, so ``tokens[i]`` is what i stands for.

    >>> vocab = Vocabulary("hello", specials=["<pad>"])
    >>> vocab.tokens, len(vocab), vocab["<pad>"]
    (['<pad>', 'e', 'h', 'l', 'o'], 5, 0)
    >>> vocab.encode("hole")
    tensor([2, 4, 3, 1])
    >>> vocab.decode([2, 4, 3, 1, 0])
    'hole'
    """

    def __init__(self, text: Iterable[str], specials: Iterable[str] = ()) -> None:
        self.specials = list(specials)
        self.tokens = [*self.specials, *sorted(set(text))]
        self._numbers = {token: number for number, token in enumerate(self.tokens)}
        if len(self.tokens) == len(self.specials):
            raise ValueError("there is no character in this text: give it the text to learn from")

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: str) -> bool:
        return token in self._numbers

    def __getitem__(self, token: str) -> int:
        """The number of one character or special token; ``KeyError`` if it has none."""
        return self._numbers[token]

    def encode(self, text: str) -> Tensor:
        """The numbers of the characters of ``text``: int64, shape (len(text),).

        Raises ``ValueError`` for a character that has no number, with its place.
        """
        try:
            return torch.tensor([self._numbers[c] for c in text], dtype=torch.long)
        except KeyError as error:
            character = error.args[0]
            raise ValueError(
                f"the character {character!r} at position {text.index(character)} is not in the "
                f"vocabulary of {len(self)}: leave it out, or build the vocabulary from a text "
                "that has it"
            ) from None

    def decode(self, numbers: Iterable[int] | Tensor) -> str:
        """The text that ``numbers`` (T,) stand for, without the special tokens."""
        tokens = [self.tokens[int(number)] for number in numbers]
        return "".join(token for token in tokens if token not in self.specials)


def runs_of(numbers: Tensor, n: int, characters: int) -> Tensor:
    """Each run of ``n`` numbers along the last dimension, as one integer: (…, T) → (…, T - n + 1).

    >>> runs_of(torch.tensor([1, 2, 0, 2]), 2, characters=10)
    tensor([12, 20,  2])
    """
    weights = characters ** torch.arange(n - 1, -1, -1)
    return (numbers.unfold(-1, n, 1) * weights).sum(dim=-1)


def count_runs(train: Tensor, longest: int, characters: int) -> list[tuple[Tensor, Tensor]]:
    """A list of (sorted runs, counts) for runs of 1 to ``longest`` characters of ``train`` (T,).

    A shorter run counts once for each *different* longer run that ends in it, as Kneser–Ney asks.

    >>> count_runs(torch.tensor([0, 1, 0, 1, 1]), longest=2, characters=2)
    [(tensor([0, 1]), tensor([1, 2])), (tensor([1, 2, 3]), tensor([2, 1, 1]))]
    """
    tables = [runs_of(train, longest, characters).unique(return_counts=True)]
    for n in range(longest - 1, 0, -1):
        tables.insert(0, (tables[0][0] % characters**n).unique(return_counts=True))
    return tables


def look_up(keys: Tensor, values: Tensor, wanted: Tensor) -> Tensor:
    """``values[k]`` where ``wanted`` equals ``keys[k]`` (sorted), and 0 where it is not among them.

    >>> look_up(torch.tensor([3, 5]), torch.tensor([30, 50]), torch.tensor([5, 4, 3]))
    tensor([50,  0, 30])
    """
    at = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return torch.where(keys[at] == wanted, values[at], 0)


def table_chance(
    tables: list[tuple[Tensor, Tensor]], numbers: Tensor, characters: int, discount: float = 0.9
) -> Tensor:
    """Kneser–Ney probability of each number that has a full run: (…, T) → (…, T - longest + 1).

    ``tables`` come from :func:`count_runs`. Each takes ``discount`` off every count and gives what
    it saved to the table that is one character shorter, down to the fair die.
    Source: Chen and Goodman, "An Empirical Study of Smoothing Techniques", 1998, section 2.7.

    >>> tables = count_runs(torch.tensor([0, 1] * 50), longest=3, characters=2)
    >>> table_chance(tables, torch.tensor([0, 1, 0, 0]), characters=2).round(decimals=3)
    tensor([0.9920, 0.0080])
    """
    longest = len(tables)
    p = torch.full_like(numbers[..., longest - 1 :], 1, dtype=torch.float) / characters
    for n, (runs, counts) in enumerate(tables, 1):
        wanted = runs_of(numbers[..., longest - n :], n, characters)
        pasts, where = (runs // characters).unique_consecutive(return_inverse=True)
        total = torch.zeros(len(pasts)).index_add(0, where, counts.float())  # of each past
        kinds = where.bincount()  # different characters after each past
        seen, different = (look_up(pasts, v, wanted // characters) for v in (total, kinds))
        own = (look_up(runs, counts, wanted) - discount).clamp(min=0)
        p = torch.where(seen > 0, (own + discount * different * p) / seen.clamp(min=1), p)
    return p
