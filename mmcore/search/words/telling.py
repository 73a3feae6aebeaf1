"""Which of the words that were found are told to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from mmcore.search.words.common import is_common
from mmcore.search.words.tokens import is_han, is_pair

_NOTHING: Final[Mapping[tuple[int, str], str]] = MappingProxyType({})


_LITTLE: Final = 0.25
"""Of what the rarest word of a query weighs: what has less tells nothing.

Beside that word it is at most a fifth of what was asked, and alone it moves an item by no more
than 0.02 standard deviations (``wording.Wording``).
"""


class Telling:
    """Which of the words of one query are told, of those that an item has."""

    def __init__(self, asked: Sequence[str], rarity: Mapping[str, float]) -> None:
        """Of distinct words; each is compared with the others here, once for all items.

        ``rarity``: how rare each is, of those that stand in the lake at all. Which are empty is
        told by that, and of words that only join others in any lake, however small; so are pairs
        of two words' neighbours, as 色太 in 红色太阳.
        """
        words = [word for word in asked if word in rarity]
        self._pairs = frozenset(word for word in words if is_pair(word))
        said = [word for word in asked if not is_common(word) and not is_pair(word)]
        rarest = max((rarity.get(word, 0.0) for word in said), default=0.0)
        self._empty = frozenset(
            word
            for word in words
            if said and (rarity[word] < _LITTLE * rarest or self._joins(word))
        )
        whole = "".join(word for word in asked if not is_pair(word))
        self._empty |= {pair for pair in self._pairs if set(pair) <= set(whole)}
        self._longer = {
            word: frozenset(one for one in words if word in one and _is_part(word, one))
            for word in words
        }

    def of(
        self, words: Sequence[str], item: int = 0, inside: Mapping[tuple[int, str], str] = _NOTHING
    ) -> tuple[str, ...]:
        """Without pairs that are no words, empty words, and parts of a longer one.

        None of an item that has empty ones alone: they did not bring it up. Where a query has
        nothing else, they did. ``inside``: an item and a character → the word there that holds it.
        """
        known = [word for word in words if word not in self._empty]
        telling = [word for word in known if word not in self._pairs] or known
        told = (word for word in telling if self._longer[word].isdisjoint(telling))
        return (*dict.fromkeys(inside.get((item, word), word) for word in told),)

    def _joins(self, word: str) -> bool:
        """Whether a word is common, or a pair of neighbours one of which is: 的, 上的."""
        return is_common(word) or (word in self._pairs and any(map(is_common, word)))


def holder(character: str, words: Sequence[str]) -> str:
    """The word that is told of those that hold a character: the longest, pairs left out.

    Itself where there are pairs alone: what they are neighbours of says nothing.
    """
    known = [word for word in words if not is_pair(word)]
    return min(known, key=lambda word: (-len(word), word), default=character)


def _is_part(word: str, other: str) -> bool:
    """Whether ``word``, which stands in ``other``, was made as its part: of a code, or Chinese."""
    return len(word) < len(other) and (is_han(word) or not other.isalnum())
