"""How much work a content is for an encoder, before it is decoded: to tell how long it takes.

A model's time goes by what it reads. Pictures, sounds and videos come in segments that are alike;
a text's are not: a caption has some words, a chunk of a book sixty, and costs five times as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from mmcore.plan import expected_segments
from mmcore.types import Content, EncoderKey, Shard
from storage.schemas import Modality

TYPICAL_SECONDS: Final = {  # of a segment in its model, on two cores
    Modality.IMAGE: 0.015,
    Modality.TEXT: 0.02,
    Modality.AUDIO: 0.01,
    Modality.VIDEO: 0.015,
}
TYPICAL_BYTE_SECONDS: Final = 0.00025
"""Of a byte of a text in `e5-small`, on two cores."""

_PACKED: Final = {
    "application/pdf": 0.1,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": 0.3,
    "text/html": 0.3,
}
"""Share of a file's bytes that is text, about: a guess."""


def effort(content: Content, key: EncoderKey) -> float:
    """Bytes of text, about, where ``key`` embeds texts; segments, about, of any other content."""
    if _is_text(content, key):
        return max(1.0, content.size * _PACKED.get(content.media_type, 1.0))
    return float(expected_segments(content, key))


def effort_of(shards: Iterable[Shard]) -> float:
    """Of all their contents together."""
    return sum(effort(one, shard.encoder) for shard in shards for one in shard.contents)


def expected_seconds(content: Content, key: EncoderKey, rates: Mapping[str, float]) -> float:
    """In the model; ``rates``: of the runs before (``rates_of``), in old lakes of segments."""
    segment = rates.get(key.name)
    if not _is_text(content, key):
        return effort(content, key) * (segment or TYPICAL_SECONDS[key.modality])
    byte = rates.get(per_byte(key))
    if byte is None and segment is not None:
        return expected_segments(content, key) * segment
    return effort(content, key) * (byte or TYPICAL_BYTE_SECONDS)


def rates_of(
    key: EncoderKey, shards: Iterable[Shard], seconds: float, segments: int
) -> dict[str, float]:
    """What ``seconds`` in the model tell the next run: of a segment, and of a byte of text."""
    if not segments:
        return {}
    found = {key.name: round(seconds / segments, 6)}
    contents = [one for shard in shards for one in shard.contents]
    if contents and all(_is_text(one, key) for one in contents):
        found[per_byte(key)] = round(seconds / sum(effort(one, key) for one in contents), 9)
    return found


def per_byte(key: EncoderKey) -> str:
    """Names the rate of a byte beside that of a segment."""
    return f"{key.name}/byte"


def _is_text(content: Content, key: EncoderKey) -> bool:
    return key.modality == Modality.TEXT and content.modality == Modality.TEXT
