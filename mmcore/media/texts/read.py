"""The whole text of a file or of a caption, cleaned."""

from __future__ import annotations

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.media.texts.documents import passages
from mmcore.specs import LimitsSpec
from mmcore.types import Content


def read_text(content: Content, limits: LimitsSpec) -> str:
    """All cleaned, visible text of a file of any format, or of a manifest's caption.

    The spans in characters of a plain text, a page of HTML or captions count in it. What is
    damaged is left out. Raises MediaError as ``documents.passages`` does, or OSError.
    """
    texts: list[str] = []
    damages: list[MediaError] = []
    for one in passages(content, limits):
        if isinstance(one, Damage):
            damages.append(one.error)
        else:
            texts.append(one.text)
    if damages and not texts:
        raise damages[0]
    return "\n".join(texts)
