"""Plan: which cells are missing, cut into shards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from prefect import task

from mmcore import plan
from mmcore.encoders.presets import encoders_of
from mmcore.errors import DiskSpaceError
from mmcore.media.decoders import decoders
from mmcore.plan import expected_segments
from mmcore.specs import PlanSpec
from mmcore.types import Content, EncoderKey, Shard
from storage import cells
from storage.places.place import is_local
from storage.schemas import DTYPES, Modality
from tasks.discretion import discreet
from tasks.policies import POLICY
from tasks.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to do for each encoder of the preset, and how much is there already."""

    encoders: tuple[EncoderKey, ...]
    shards: tuple[tuple[Shard, ...], ...]  # one row an encoder
    finished: tuple[int, ...]  # contents that need no work, an encoder

    def missing(self, place: int) -> int:
        """How many contents the encoder at ``place`` has to do."""
        return sum(len(shard.contents) for shard in self.shards[place])

    @property
    def total(self) -> int:
        """How many contents all encoders together have to do."""
        return sum(self.missing(place) for place in range(len(self.encoders)))

    @property
    def empty(self) -> bool:
        """Whether nothing is to be decoded or embedded."""
        return not any(self.shards)

    def interleaved(self) -> Iterator[Shard]:
        """All shards, modalities in turn, so that decoding and models of all kinds overlap."""
        return (shard for shard in chain.from_iterable(zip_longest(*self.shards)) if shard)


def keys_of(work: Workplace) -> tuple[EncoderKey, ...]:
    """The keys of the preset's encoders; loads no weights."""
    return tuple(e.key for e in encoders_of(work.preset, work.segmentation, work.runtime))


@task(name="plan", **POLICY)
@discreet
def plan_shards(contents: Sequence[Content], spec: PlanSpec, work: Workplace) -> Plan:
    """Compare what is there with the finished parts, published or not, and cut the rest."""
    keys = keys_of(work)
    rows, finished = [], []
    for key in keys:
        row: list[Shard] = []
        count = 0
        for reader, reads in work.readings(key):
            todo = plan.missing(contents, reads, _done(key, reader, work))
            row += plan.shards(todo, key, spec, reader)
            readable = {c.content_id for c in contents if c.modality in reads}
            count += len(readable) - len(todo)
        rows.append(tuple(row))
        finished.append(count)
    return Plan(keys, tuple(rows), tuple(finished))


def _done(key: EncoderKey, reader: str, work: Workplace) -> set[str]:
    """The contents that ``reader`` need not look at for an encoder any more."""
    folders = (  # what is there in the other dtype is converted
        work.lake.embeddings(key.modality, key.name, key.fingerprint, dtype) for dtype in DTYPES
    )
    in_use = decoders(work.limits)
    return {c for folder in folders for c in cells.finished_contents(folder, in_use, reader)}


TYPICAL_SECONDS = {  # of a segment in its model, on two cores
    Modality.IMAGE: 0.015,
    Modality.TEXT: 0.02,
    Modality.AUDIO: 0.01,
    Modality.VIDEO: 0.015,
}
ROW_BYTES = 300  # of a segment, beside its vectors
PROJECTION_BYTES = 10_000_000  # of a fitted projection, about
STAGED_BYTES = 1_000_000_000  # of shards that are decoded and not yet embedded, about


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the missing cells will take, about."""

    bytes: int
    seconds: float


def estimate(plan: Plan, rates: Mapping[str, float]) -> Estimate:
    """Disk and time of a plan; ``rates``: seconds a segment, by encoder, as an earlier run saw."""
    size, seconds = PROJECTION_BYTES, 0.0
    shared = min((key.dim for key in plan.encoders), default=0)  # projected, and in an index
    for row, key in zip(plan.shards, plan.encoders, strict=True):
        segments = sum(expected_segments(c, key) for shard in row for c in shard.contents)
        size += segments * (4 * key.dim + 8 * shared + ROW_BYTES)
        seconds += segments * rates.get(key.name, TYPICAL_SECONDS[key.modality])
    return Estimate(size, seconds)


def refuse_full_disk(plan: Plan, work: Workplace) -> None:
    """Raise DiskSpaceError when the lake's disk cannot hold the missing cells.

    A store has no bound that could be asked for: then the disk under the staging folder counts,
    for what waits there.
    """
    disk, needed = work.lake.root, estimate(plan, {}).bytes
    if not is_local(disk):
        disk, needed = work.lake.staging, min(needed, STAGED_BYTES)
    disk.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(disk).free
    if needed > free:
        raise DiskSpaceError(str(disk), needed, free)
