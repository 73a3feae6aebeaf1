"""Texts without what nobody sees, and what makes two captions equal."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from mmcore.media.texts.emoji import EMOJI, MODIFIERS
from mmcore.media.texts.language import HAN
from mmcore.media.texts.variants import simplified

_SPACES: Final = re.compile(r"[^\S\n ][^\S\n]*| [^\S\n]+")  # all but one plain space
_BLANK_LINES: Final = re.compile(r" ?\n ?(?:\n ?)+")
_LINE_BREAK: Final = re.compile(r" \n ?|\n ")
_LINE_ENDS: Final = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_INVISIBLE: Final = re.compile(  # the joiners U+200C and U+200D are left: they decide what is seen
    "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_WIDE: Final = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]+")  # letters and digits
_MIDDLE_DOT: Final = re.compile(f"(?<=[{HAN}])\u30fb(?=[{HAN}])")
_NOT_KEY: Final = re.compile(r"[^\w\s]|_")
_ARTICLE: Final = re.compile(r"(?:a|an|the|some)\s+")
_EMOJI: Final = re.compile(EMOJI)


def clean(text: str) -> str:
    """``text`` as it is stored: what differs in bytes alone becomes one; idempotent, linear.

    NFC; no control or invisible characters; runs of spaces and of blank lines as one. Letters and
    digits as wide as a Chinese character become plain ones, the punctuation stays wide. The dash,
    the wave and the middle dot between Han are those of GB 18030, which some tables of GB 2312
    and Big5 map elsewhere. Ligatures, emoji and Han variants stay as written.
    """
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    text = _SPACES.sub(" ", _CONTROLS.sub(" ", text))
    text = _BLANK_LINES.sub("\n\n", text)
    text = _LINE_BREAK.sub("\n", text).strip()
    text = _WIDE.sub(lambda found: unicodedata.normalize("NFKC", found.group()), text)
    text = _MIDDLE_DOT.sub("·", text.replace("\u2015", "—").replace("\u223c", "～"))
    return unicodedata.normalize("NFC", text)


def caption_key(text: str) -> str:
    """What makes two captions equal, whatever their case, width, script, punctuation or article.

    NFKC, folded case, simplified characters, no punctuation, no leading article. Emoji count in a
    caption that has nothing else, as they do in no older key.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = " ".join(_NOT_KEY.sub("", simplified(folded)).split())
    key = _ARTICLE.sub("", bare, count=1) if _ARTICLE.match(bare) else bare
    return key or "".join(_EMOJI.findall(folded.translate(MODIFIERS)))
