"""Missing cells → shards of bounded cost; pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from mmcore.specs import PlanSpec
from mmcore.types import Content, EncoderKey, Shard
from storage.schemas import Modality


def missing(
    contents: Iterable[Content], reads: Collection[Modality], finished: Collection[str]
) -> list[Content]:
    """Return the contents of the modalities ``reads`` that no finished part covers, by id."""
    found = {
        c.content_id: c for c in contents if c.modality in reads and c.content_id not in finished
    }
    return [found[key] for key in sorted(found)]


TEXT_BYTES: Final = 350  # of a segment of a text, about
MEDIA_BYTES: Final = (
    160_000  # of a segment of a sound or a video, about: ten seconds at 128 kbit/s
)


def expected_segments(content: Content, encoder: EncoderKey) -> int:
    """About how many segments a content will have; known only after decoding."""
    if encoder.modality == Modality.IMAGE:
        return 1
    if encoder.modality == Modality.TEXT and content.modality != Modality.TEXT:
        return 1  # subtitles, or what is read in it: most have none
    return 1 + content.size // (TEXT_BYTES if encoder.modality == Modality.TEXT else MEDIA_BYTES)


def shards(
    todo: Sequence[Content], encoder: EncoderKey, spec: PlanSpec, reader: str = ""
) -> Iterator[Shard]:
    """Cut ``todo`` into shards of at most ``spec``'s contents, bytes and segments, in order."""
    most = min(spec.shard_contents, max(1, math.ceil(len(todo) / spec.min_shards)))
    batch: list[Content] = []
    size = segments = 0
    for content in todo:
        size += content.size
        segments += expected_segments(content, encoder)
        full = len(batch) == most or size > spec.shard_bytes or segments > spec.shard_segments
        if batch and full:
            yield Shard(encoder, tuple(batch), reader)
            batch = []
            size, segments = content.size, expected_segments(content, encoder)
        batch.append(content)
    if batch:
        yield Shard(encoder, tuple(batch), reader)
