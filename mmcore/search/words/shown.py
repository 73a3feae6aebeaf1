"""Which of the words that were found are told to people."""

from __future__ import annotations

from collections.abc import Sequence

from mmcore.search.words.tokens import is_han, is_pair


class Telling:
    """Which of the words of one query are told, of those that an item has."""

    def __init__(self, words: Sequence[str]) -> None:
        """Of distinct words; each is compared with the others here, once for all items."""
        self._pairs = frozenset(word for word in words if is_pair(word))
        self._longer = {
            word: frozenset(one for one in words if word in one and _is_part(word, one))
            for word in words
        }

    def of(self, words: Sequence[str]) -> tuple[str, ...]:
        """Without pairs that are no words, and parts of a longer one; never none of some."""
        known = [word for word in words if word not in self._pairs] or words
        return tuple(word for word in known if self._longer[word].isdisjoint(known))


def _is_part(word: str, other: str) -> bool:
    """Whether ``word``, which stands in ``other``, was made as its part: of a code, or Chinese."""
    return len(word) < len(other) and (is_han(word) or not other.isalnum())
