"""Plan: which cells are missing, cut into shards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from prefect import task

from mmcore import plan
from mmcore.encoders.presets import encoders_of
from mmcore.errors import DiskFilesError, DiskSpaceError
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
FILES_A_SHARD = 2  # its part, and that of the shared space
FILES_BESIDE = 500  # of a run: rows, indexes, models, the report
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
    """Raise DiskSpaceError when a disk cannot hold what the missing cells need.

    That is bytes for them, and a file or two of each shard, on the lake's disk; and on that of the
    staging folder what waits there.
    """
    shards = sum(map(len, plan.shards))
    refuse_no_room(estimate(plan, {}).bytes, work, files=FILES_BESIDE + FILES_A_SHARD * shards)


def refuse_no_room(needed: int, work: Workplace, files: int = 0) -> None:
    """Raise DiskSpaceError when the lake's disk has less than ``needed``, or no such many files.

    A store has no bound that could be asked for: then only what waits in the staging folder
    counts.
    """
    staged = min(needed, STAGED_BYTES)
    lake, staging = work.lake.root, work.lake.staging
    if is_local(lake):
        apart = device_of(staging) != device_of(lake)
        _refuse(lake, needed, files)
        if not apart:
            return
    _refuse(staging, staged, 0)


def device_of(folder: Path) -> int:
    """The number of the device that a folder is, or will be, on."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return there.stat().st_dev


def _refuse(folder: Path, needed: int, files: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskSpaceError(str(folder), needed, free)
    left = free_files(folder)
    if left is not None and files > left:
        raise DiskFilesError(str(folder), files, left)


def free_files(folder: Path) -> int | None:
    """How many files a disk can still have; None where that has no bound, or is not told."""
    if not hasattr(os, "statvfs"):  # Windows
        return None
    told = os.statvfs(folder)
    return told.f_favail if told.f_files else None
