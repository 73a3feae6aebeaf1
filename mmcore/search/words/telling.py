"""Which of the words that were found are told to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from mmcore.search.words.common import is_common
from mmcore.search.words.tokens import is_han, is_pair

_NOTHING: Final[Mapping[tuple[int, str], str]] = MappingProxyType({})


class Telling:
    """Which of the words of one query are told, of those that an item has."""

    def __init__(self, words: Sequence[str], often: frozenset[str] = frozenset()) -> None:
        """Of distinct words; each is compared with the others here, once for all items.

        ``often``: those that stand nearly everywhere.
        """
        self._pairs = frozenset(word for word in words if is_pair(word))
        self._common = often.union(word for word in words if is_common(word))
        self._longer = {
            word: frozenset(one for one in words if word in one and _is_part(word, one))
            for word in words
        }

    def of(
        self, words: Sequence[str], item: int = 0, inside: Mapping[tuple[int, str], str] = _NOTHING
    ) -> tuple[str, ...]:
        """Without pairs that are no words, common words, and parts of a longer one.

        Never none of some. ``inside``: an item and a character → the word there that holds it.
        """
        known = [word for word in words if word not in self._pairs] or words
        telling = [word for word in known if word not in self._common] or known
        told = (word for word in telling if self._longer[word].isdisjoint(telling))
        return (*dict.fromkeys(inside.get((item, word), word) for word in told),)


def holder(words: Sequence[str]) -> str:
    """The word that is told of those that hold a character: the longest that is no mere pair."""
    return min(words, key=lambda word: (is_pair(word), -len(word), word))


def _is_part(word: str, other: str) -> bool:
    """Whether ``word``, which stands in ``other``, was made as its part: of a code, or Chinese."""
    return len(word) < len(other) and (is_han(word) or not other.isalnum())
