"""Words of the text tower: jieba's, as word2vec has them, and the numbers that they have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mmcore.encoders.embedded_text import cleaned
from mmcore.encoders.families.word_table import words_of
from mmcore.errors import ConfigError
from mmcore.media.texts.language import HAN

PADDING: Final = 0
UNKNOWN: Final = 1
FIRST: Final = 2
"""The number of the first word."""

_HAN_WORD: Final = re.compile(f"[{HAN}]+")


def told_words(text: str, dictionaries: Sequence[str] = ()) -> list[str]:
    """The words of a text: simplified characters, lower case, no punctuation."""
    return [word.lower() for word in words_of(cleaned(text), dictionaries)]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that have a number: ``FIRST`` and up, in the order of ``words``."""

    words: tuple[str, ...]
    dictionaries: tuple[str, ...] = ()
    _numbers: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = {word: number for number, word in enumerate(self.words, start=FIRST)}
        object.__setattr__(self, "_numbers", numbers)

    def __len__(self) -> int:
        """Numbers that there are, those of padding and of the unknown among them."""
        return FIRST + len(self.words)

    @classmethod
    def of(
        cls, texts: Iterable[str], size: int, least: int, dictionaries: Sequence[str] = ()
    ) -> Vocabulary:
        """The ``size`` most frequent words of ``texts`` that occur ``least`` times.

        A Chinese word that is rarer counts for each of its characters. Words of one frequency are
        taken in the order of their letters: the same texts give the same vocabulary.
        """
        counts = Counter(word for text in texts for word in told_words(text, dictionaries))
        known = Counter({word: count for word, count in counts.items() if count >= least})
        characters = Counter[str]()
        for word, count in counts.items():
            if word not in known and len(word) > 1 and _HAN_WORD.fullmatch(word):
                characters.update({one: count * word.count(one) for one in set(word)})
        for one, count in characters.items():
            if counts[one] + count >= least:
                known[one] = counts[one] + count
        order = sorted(known.items(), key=lambda entry: (-entry[1], entry[0]))
        return cls(tuple(word for word, _ in order[:size]), tuple(dictionaries))

    @classmethod
    def read(cls, path: Path, count: int, dictionaries: Sequence[str] = ()) -> Vocabulary:
        """A file that ``write`` made; ConfigError where it has not ``count`` words."""
        try:
            words = path.read_bytes().decode().split("\n")[:-1]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read ({error})") from error
        if len(words) != count:
            raise ConfigError(f"{path}: has {len(words)} words, the weights are of {count}")
        return cls(tuple(words), tuple(dictionaries))

    def write(self, path: Path) -> None:
        """A word a line."""
        path.write_bytes("".join(f"{word}\n" for word in self.words).encode())

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's words; of an unknown Chinese one, those of its characters.

        A text without a word has the number of the unknown, so that there is something to read.
        """
        found = [
            number
            for word in told_words(text, self.dictionaries)
            for number in self._numbers_of(word)
        ]
        return found or [UNKNOWN]

    def _numbers_of(self, word: str) -> list[int]:
        number = self._numbers.get(word)
        if number is not None:
            return [number]
        if not _HAN_WORD.fullmatch(word):
            return [UNKNOWN]
        return [self._numbers[one] for one in word if one in self._numbers] or [UNKNOWN]

    def whole(self, texts: Sequence[str]) -> list[list[int]]:
        """As a tokeniser: the numbers of each text."""
        return [self.numbers(text) for text in texts]

    def around(self) -> tuple[list[int], list[int]]:
        """As a tokeniser: nothing stands before or behind a text."""
        return [], []
