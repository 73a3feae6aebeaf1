"""Missing cells → shards of bounded cost; pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
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


@dataclass(frozen=True, slots=True)
class Lot:
    """What is missing for one encoder, or for one reader of its texts.

    ``segment_bytes``: what a prepared segment takes in the staging folder; 0: next to nothing.
    """

    todo: Sequence[Content]
    encoder: EncoderKey
    reader: str = ""
    segment_bytes: int = 0


STAGED: Final = 512_000_000
"""Bytes of arrays that a grown shard leaves in the staging folder, about."""

HELD: Final = 64_000_000
"""Bytes of vectors of a grown shard, about: a task holds them, with a copy or two."""

BYTES_GROW: Final = 8
"""Times that the bytes of a shard may grow: large files take long to decode."""

MEDIA_GROW: Final = 4
"""Times that the segments of a shard of sounds or videos may grow, for the same reason."""


def cut(lots: Sequence[Lot], spec: PlanSpec) -> list[list[Shard]]:
    """Cut each lot into shards; if that makes more than ``spec.shards`` in all, into larger ones.

    A run's task runs, parts and footers so stay about as many, however many files it has.
    """
    count = sum(len(list(_ends(lot.todo, lot.encoder, spec))) - 1 for lot in lots)
    times = max(1.0, count / spec.shards)
    return [
        list(shards(lot.todo, lot.encoder, grown(spec, times, lot), lot.reader, spec.shard_bytes))
        for lot in lots
    ]


def grown(spec: PlanSpec, times: float, lot: Lot) -> PlanSpec:
    """``spec`` with bounds ``times`` as large, as far as ``STAGED``, ``HELD`` and time allow.

    What a reader has to do stays cut as it is: a second or more for each content is usual.
    """
    if lot.reader:
        return spec
    most = min(STAGED // max(1, lot.segment_bytes), HELD // (4 * lot.encoder.dim))
    if lot.encoder.modality in (Modality.AUDIO, Modality.VIDEO):
        most = min(most, MEDIA_GROW * spec.shard_segments)

    def larger(bound: int) -> int:
        return max(bound, min(math.ceil(bound * times), most))

    return spec.model_copy(
        update={
            "shard_contents": larger(spec.shard_contents),
            "shard_segments": larger(spec.shard_segments),
            "shard_bytes": math.ceil(spec.shard_bytes * min(times, BYTES_GROW)),
        }
    )


def shards(
    todo: Sequence[Content],
    encoder: EncoderKey,
    spec: PlanSpec,
    reader: str = "",
    remote_bytes: int | None = None,
) -> Iterator[Shard]:
    """Cut ``todo`` into shards of at most ``spec``'s contents, bytes and segments, in order.

    Those that lie in a store have ``remote_bytes`` together at most, if it is less: they are
    copied before they are decoded.
    """
    for start, stop in pairwise(_ends(todo, encoder, spec, remote_bytes)):
        yield Shard(encoder, tuple(todo[start:stop]), reader)


def _ends(
    todo: Sequence[Content], encoder: EncoderKey, spec: PlanSpec, remote_bytes: int | None = None
) -> Iterator[int]:
    """0, and behind which content each shard ends."""
    most = min(spec.shard_contents, max(1, math.ceil(len(todo) / spec.min_shards)))
    most_remote = spec.shard_bytes if remote_bytes is None else remote_bytes
    start = size = remote = segments = 0
    yield 0
    for place, content in enumerate(todo):
        weight = content.size if "://" in content.location else 0
        expected = expected_segments(content, encoder)
        size, remote, segments = size + content.size, remote + weight, segments + expected
        full = place - start == most or size > spec.shard_bytes or remote > most_remote
        if place > start and (full or segments > spec.shard_segments):
            yield place
            start, size, remote, segments = place, content.size, weight, expected
    if todo:
        yield len(todo)
