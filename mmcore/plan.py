"""Missing cells → shards of bounded cost; pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence

from mmcore.specs import PlanSpec
from mmcore.types import Content, EncoderKey, Shard


def missing(
    contents: Iterable[Content], encoder: EncoderKey, finished: Collection[str]
) -> list[Content]:
    """Return the contents that ``encoder`` reads and no finished part covers, each once, by id."""
    found = {
        c.content_id: c
        for c in contents
        if c.modality in encoder.reads and c.content_id not in finished
    }
    return [found[key] for key in sorted(found)]


def shards(todo: Sequence[Content], encoder: EncoderKey, spec: PlanSpec) -> Iterator[Shard]:
    """Cut ``todo`` into shards of at most ``spec``'s contents and bytes, in order."""
    most = min(spec.shard_contents, max(1, math.ceil(len(todo) / spec.min_shards)))
    batch: list[Content] = []
    size = 0
    for content in todo:
        if batch and (len(batch) == most or size + content.size > spec.shard_bytes):
            yield Shard(encoder, tuple(batch))
            batch, size = [], 0
        batch.append(content)
        size += content.size
    if batch:
        yield Shard(encoder, tuple(batch))
