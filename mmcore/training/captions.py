"""The caption key of one text, for a lake that keeps no texts: read from where the text lies."""

from __future__ import annotations

from pathlib import Path

from mmcore.errors import MediaError
from mmcore.media.texts.cut import texts_of
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.training.split import key_of
from mmcore.types import Content
from storage.schemas import content_id


def caption_key_of(
    content: Content, segmentation: SegmentationSpec, limits: LimitsSpec
) -> str | None:
    """The key that ``split.caption_keys`` gives the segments of a text.

    None where the text cannot be read any more, or is another one by now.
    """
    try:
        if content.text is None and not _still_there(content):
            return None
        return key_of(" ".join(texts_of(content, segmentation, limits)))
    except (MediaError, OSError):
        return None


def _still_there(content: Content) -> bool:
    return content_id(Path(content.location).read_bytes()) == content.content_id
