"""The whole text of a file or of a caption, cleaned."""

from __future__ import annotations

from pathlib import Path

from mmcore.errors import MediaError
from mmcore.media.limits import check_text_bytes
from mmcore.media.texts import charset
from mmcore.media.texts.clean import clean
from mmcore.specs import LimitsSpec
from mmcore.types import Content


def read_text(content: Content, limits: LimitsSpec) -> str:
    """The cleaned text of a file or of a manifest's caption.

    Raises MediaError (too-many-bytes, unknown-charset, not-text, empty-text), or OSError.
    """
    if content.text is not None:
        text = clean(content.text)
    else:
        check_text_bytes(content.size, limits)
        data = Path(content.location).read_bytes()
        check_text_bytes(len(data), limits)
        text = charset.decode(data)
        if "\0" in text:
            raise MediaError(
                "text", "not-text", "NUL characters: a binary file, or UTF-16 without a mark"
            )
        text = clean(text)
    if not text:
        raise MediaError("text", "empty-text", "nothing but spaces and control characters")
    return text
