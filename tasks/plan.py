"""Plan: which cells are missing, cut into shards."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

import numpy as np
from prefect import task

from mmcore import plan
from mmcore.encoders.presets import encoders_of
from mmcore.errors import DiskFilesError, DiskSpaceError
from mmcore.media.decoders import decoders
from mmcore.media.preparer import Preparer
from mmcore.plan import expected_segments
from mmcore.specs import PlanSpec
from mmcore.types import Content, EncoderKey, Shard
from storage import cells
from storage.places.place import is_local, place_of
from storage.schemas import DTYPES
from tasks.discretion import discreet
from tasks.effort import expected_seconds
from tasks.policies import POLICY
from tasks.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to do for each encoder of the preset, and how much is there already."""

    encoders: tuple[EncoderKey, ...]
    shards: tuple[tuple[Shard, ...], ...]  # one row an encoder
    finished: tuple[int, ...]  # contents that need no work, an encoder
    segment_bytes: tuple[int, ...] = ()  # of a prepared segment, an encoder

    def missing(self, place: int) -> int:
        """How many contents the encoder at ``place`` has to do."""
        return sum(len(shard.contents) for shard in self.shards[place])

    @property
    def contents(self) -> int:
        """How many contents are to do: one that several encoders read counts once."""
        shards = chain.from_iterable(self.shards)
        return len({content.content_id for shard in shards for content in shard.contents})

    @property
    def empty(self) -> bool:
        """Whether nothing is to be decoded or embedded."""
        return not any(self.shards)

    def staged(self, at_once: int) -> int:
        """Bytes of arrays that ``at_once`` shards leave in the staging folder, about."""
        sizes = [
            size * sum(expected_segments(content, shard.encoder) for content in shard.contents)
            for row, size in zip(self.shards, self.segment_bytes, strict=False)
            for shard in row
        ]
        return sum(sorted(sizes, reverse=True)[:at_once])

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
    encoders = encoders_of(work.preset, work.segmentation, work.runtime)
    lots: list[plan.Lot] = []
    finished: list[int] = []
    for encoder in encoders:
        key, count = encoder.key, 0
        for reader, reads in work.readings(key):
            todo = plan.missing(contents, reads, _done(key, reader, work))
            lots.append(plan.Lot(todo, key, reader, segment_bytes(encoder)))
            readable = {c.content_id for c in contents if c.modality in reads}
            count += len(readable) - len(todo)
        finished.append(count)
    rows: dict[EncoderKey, tuple[Shard, ...]] = {}
    for lot, shards in zip(lots, plan.cut(lots, spec), strict=True):
        rows[lot.encoder] = (*rows.get(lot.encoder, ()), *shards)
    keys = tuple(encoder.key for encoder in encoders)
    return Plan(
        keys,
        tuple(rows[key] for key in keys),
        tuple(finished),
        tuple(map(segment_bytes, encoders)),
    )


def segment_bytes(encoder: Preparer) -> int:
    """What a prepared segment takes in the staging folder; 0 for texts: next to nothing."""
    if encoder.shape is None:
        return 0
    return math.prod(encoder.shape) * np.dtype(encoder.dtype).itemsize


def _done(key: EncoderKey, reader: str, work: Workplace) -> set[str]:
    """The contents that ``reader`` need not look at for an encoder any more."""
    folders = (  # what is there in the other dtype is converted
        work.lake.embeddings(key.modality, key.name, key.fingerprint, dtype) for dtype in DTYPES
    )
    in_use = decoders(work.limits)
    return {c for folder in folders for c in cells.finished_contents(folder, in_use, reader)}


ROW_BYTES = 300  # of a segment, beside its vectors
PROJECTION_BYTES = 10_000_000  # of a fitted projection, about
FILES_A_SHARD = 2  # its part, and that of the shared space
FILES_BESIDE = 500  # of a run: rows, indexes, models, the report


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the missing cells will take, about."""

    bytes: int
    seconds: float


def estimate(plan: Plan, rates: Mapping[str, float]) -> Estimate:
    """Disk and time of a plan; ``rates``: as an earlier run saw them (``effort.rates_of``)."""
    size, seconds = PROJECTION_BYTES, 0.0
    shared = min((key.dim for key in plan.encoders), default=0)  # projected, and in an index
    for row, key in zip(plan.shards, plan.encoders, strict=True):
        contents = [content for shard in row for content in shard.contents]
        segments = sum(expected_segments(content, key) for content in contents)
        size += segments * (4 * key.dim + 8 * shared + ROW_BYTES)
        seconds += sum(expected_seconds(content, key, rates) for content in contents)
    return Estimate(size, seconds)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where decoded shards wait for their model: how many at once, in how many bytes at most.

    ``place``: a folder or URL that the user chose; None: the lake's own staging folder.
    """

    place: str | None = None
    shards: int = 1
    most: int = 20_000_000_000

    def folder(self, work: Workplace) -> Path:
        """A place of this machine, or in a store."""
        return work.lake.staging if self.place is None else place_of(self.place)


def refuse_full_disk(plan: Plan, work: Workplace, waiting: Waiting | None = None) -> None:
    """Raise DiskSpaceError when a disk cannot hold what the missing cells need.

    That is bytes for them, and a file or two of each shard, on the lake's disk; and on that of the
    staging folder, wherever it is, what waits there.
    """
    waiting = waiting or Waiting()
    shards = sum(map(len, plan.shards))
    staged = min(plan.staged(waiting.shards), waiting.most)
    files = FILES_BESIDE + FILES_A_SHARD * shards
    refuse_no_room(estimate(plan, {}).bytes, work, files, staged, waiting.folder(work))


def refuse_no_room(
    needed: int, work: Workplace, files: int = 0, staged: int = 0, staging: Path | None = None
) -> None:
    """Raise DiskSpaceError when the lake's disk has less than ``needed``, or no such many files.

    ``staged`` bytes more have to be free in the folder ``staging``; where that is on the lake's
    disk, of both together. A store has no bound that could be asked for.
    """
    lake, staging = work.lake.root, staging or work.lake.staging
    asked = staged > 0 and is_local(staging)
    together = asked and is_local(lake) and device_of(staging) == device_of(lake)
    if is_local(lake):
        _refuse(lake, needed + (staged if together else 0), files)
    if asked and not together:
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
