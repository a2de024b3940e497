"""Characters as numbers, as lessons 09 and 10 use them."""

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
