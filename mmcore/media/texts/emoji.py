"""Emoji as words: one each, however it is drawn, and a joined one in its parts too."""

from __future__ import annotations

import re
from typing import Final

_JOINER: Final = "\u200d"
_FLAG: Final = "[\U0001f1e6-\U0001f1ff]{2}"
_ONE: Final = (
    "[\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa\u2600-\u27bf\u2b1b\u2b1c\u2b50\u2b55"
    "\U0001f000-\U0001faff]"
)

EMOJI: Final = f"{_FLAG}|{_ONE}(?:{_JOINER}{_ONE})*"
"""What one is, for a pattern: a picture, a flag, or several pictures joined to one."""

MODIFIERS: Final = dict.fromkeys(
    [0xFE0E, 0xFE0F, *range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080)]
)
"""Of ``str.translate``: what says only how one is drawn goes (variants, tones of skin, tags)."""

_EMOJI: Final = re.compile(EMOJI)


def is_emoji(word: str) -> bool:
    """Whether a word is one emoji."""
    return _EMOJI.fullmatch(word) is not None


def emoji_words(emoji: str) -> list[str]:
    """An emoji whole, and the parts of one that is joined: an astronaut is a woman and a rocket.

    Of some text without ``MODIFIERS``.
    """
    parts = emoji.split(_JOINER)
    return [emoji] if len(parts) == 1 else [emoji, *parts]
