"""What a word of a query counts that stands nowhere in the lake: nobody has it."""

from __future__ import annotations

from typing import Final

from mmcore.media.texts.emoji import is_emoji
from mmcore.search.words.common import only_joins
from mmcore.search.words.tokens import is_han

_OTHER_FORM: Final = 0.5
"""Of a word of letters: stars may be there as star. Tuned as ``ranking.weights`` was."""


def absent(word: str) -> float:
    """The share of such a word that counts as missing.

    Chinese has no other forms, a code or a number is another thing if it is written otherwise. An
    emoji counts nothing: people write them to say how they feel, and older lakes have none.
    """
    if is_emoji(word) or only_joins(word):
        return 0.0
    return _OTHER_FORM if word.isalpha() and not is_han(word) else 1.0
