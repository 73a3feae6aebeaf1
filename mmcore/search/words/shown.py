"""Which of the words that were found are told to people."""

from __future__ import annotations

from collections.abc import Sequence

from mmcore.search.words.tokens import is_han, is_pair


def shown(words: Sequence[str]) -> tuple[str, ...]:
    """Without pairs that are no words, and without parts of a longer one; never none of some."""
    known = [word for word in words if not is_pair(word)] or words
    return tuple(word for word in known if not any(_is_part(word, other) for other in known))


def _is_part(word: str, other: str) -> bool:
    """Whether ``word`` was made as a part of ``other``: of a code, or of Chinese."""
    if len(word) >= len(other) or word not in other:
        return False
    return is_han(word) or not other.isalnum()
