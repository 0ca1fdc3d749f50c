"""Words that many rows share, kept once: a row holds a small number instead."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

MAX_WORDS = 65_535
"""So many have room in two bytes; the last number is that of all words for which there was none."""

Codes = npt.NDArray[np.uint16]


class Words:
    """Numbers for words, in the order in which they came."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._codes: dict[str, int] = {}
        self._alike: dict[str, list[int]] = {}
        """Numbers of the words that are equal but for their case."""

    @property
    def full(self) -> bool:
        """Whether there may be words without a number of their own."""
        return len(self._words) == MAX_WORDS

    def codes(self, words: Iterable[str]) -> Codes:
        """The numbers of words; a word that is not known gets one."""
        known = self._codes
        return np.array([known[word] if word in known else self._add(word) for word in words], dtype=np.uint16)

    def _add(self, word: str) -> int:
        if self.full:
            return MAX_WORDS
        self._codes[word] = len(self._words)
        self._alike.setdefault(word.upper(), []).append(len(self._words))
        self._words.append(word)
        return self._codes[word]

    def word(self, code: int) -> str:
        """The word of a number; empty where it had none of its own."""
        return self._words[code] if code < len(self._words) else ""

    def like(self, wanted: str) -> list[int]:
        """Numbers of a word in whatever case."""
        return self._alike.get(wanted.upper(), [])
