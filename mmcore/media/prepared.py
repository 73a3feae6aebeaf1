"""A shard's decoded, shaped segments under the staging folder, and the handle that tasks pass."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mmcore.errors import MediaError
from mmcore.media.fetch import local_contents
from mmcore.media.outcomes import Outcome, rejection_from
from mmcore.media.pace import FREE, Pace
from mmcore.media.shaping import Shaper, Shaping, refused
from mmcore.types import Content, Rejection, Segment, Shard
from storage.schemas import DESCRIPTIONS

ARRAYS: Final = "arrays.bin"
THUMBNAILS: Final = "thumbnails.bin"
_SEGMENTS, _CARD = "segments.parquet", "prepared.json"
_COPIES: Final = "copies"

Decode = Callable[[Sequence[Content], Path], Iterator[Outcome]]
"""Shapes contents that lie here into the two files of a folder; one outcome each, in order."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Handle of one prepared shard: its files lie in ``folder``, ``count`` segments long.

    Between the workers of a cluster ``folder`` may be a place in a store: then the files are
    copied to this machine before anything else is asked (storage.exchange.here).
    """

    shard: Shard
    folder: Path
    count: int
    size: int = 0  # bytes of the files together

    def segments(self) -> pa.Table:
        """Descriptions of the segments (``schemas.DESCRIPTIONS``), in the order of the arrays."""
        return pq.read_table(self.folder / _SEGMENTS, partitioning=None)

    def arrays(self) -> NDArray[Any] | None:
        """What the encoder prepared, (count, *shape), as a read-only memory map; None for text."""
        card = self._card()
        if card["shape"] is None:
            return None
        shape = (self.count, *card["shape"])
        if 0 in shape:  # an empty file cannot be mapped
            return np.empty(shape, dtype=card["dtype"])
        return np.memmap(self.folder / ARRAYS, dtype=card["dtype"], mode="r", shape=shape)

    def thumbnails(self) -> list[bytes | None]:
        """A small JPEG of each segment, None where it has none."""
        sizes: list[int] = self._card()["thumbnails"]
        data = (self.folder / THUMBNAILS).read_bytes()
        ends = accumulate(sizes, initial=0)
        return [data[start:end] or None for start, end in pairwise(ends)]

    @property
    def done(self) -> tuple[str, ...]:
        """Content ids that need no further work: embedded, empty, or rejected by a decoder."""
        return tuple(self._card()["done"])

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """What could not be used, and why."""
        return tuple(map(rejection_from, self._card()["rejections"]))

    def discard(self) -> None:
        """Remove the files; a second call finds nothing to do."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _card(self) -> dict[str, Any]:
        card: dict[str, Any] = json.loads((self.folder / _CARD).read_text("utf-8"))
        return card


@dataclass(frozen=True, slots=True)
class InProcess:
    """Decodes in this process: what a decoder does to it, it does to the run."""

    shaping: Shaping
    pace: Pace = FREE

    def __call__(self, contents: Sequence[Content], folder: Path) -> Iterator[Outcome]:
        """Shape ``contents`` into the files of ``folder``."""
        with (folder / ARRAYS).open("ab") as arrays, (folder / THUMBNAILS).open("ab") as small:
            shaper = Shaper(self.shaping, arrays, small)
            for content in contents:
                self.pace.wait_for(content, folder)
                yield shaper.add(content)


def prepare_shard(
    shard: Shard, shaping: Shaping, staging: Path, decode: Decode, pace: Pace = FREE
) -> Prepared:
    """Decode, cut and shape all contents of a shard into ``staging``/<shard name>.

    A content that fails becomes a rejection and leaves no segment; the others go on. The folder
    appears whole, in place of an older one. What lies in a store is copied there first, all at
    once, and removed again. An OSError of reading propagates, unless the file has gone or may not
    be read; a store that refuses or does not answer is a SourceError. What is copied waits for
    ``pace``; ``decode`` sees to its own.
    """
    final = staging / shard.name
    building = staging / f"{shard.name}.{os.getpid()}.partial"
    for old in (building, final):
        if old.exists():
            shutil.rmtree(old)
    building.mkdir(parents=True)
    for name in (ARRAYS, THUMBNAILS):
        (building / name).touch()
    copies = building / _COPIES
    outcomes = _outcomes(
        shard, shaping, local_contents(shard.contents, copies, pace), building, decode
    )
    if copies.exists():
        shutil.rmtree(copies)
    segments = [segment for outcome in outcomes for segment in outcome.segments]
    pq.write_table(_table(segments), building / _SEGMENTS)
    (building / _CARD).write_text(json.dumps(_told(outcomes, shaping)), "utf-8")
    size = sum(path.stat().st_size for path in building.iterdir())
    building.rename(final)
    return Prepared(shard, final, len(segments), size)


def _outcomes(
    shard: Shard,
    shaping: Shaping,
    here: Sequence[Content | MediaError],
    folder: Path,
    decode: Decode,
) -> list[Outcome]:
    """Each content's outcome: of those that could be brought here, in their order, then others."""
    readable = [one for one in here if isinstance(one, Content)]
    outcomes = list(decode(readable, folder))
    size = outcomes[-1].arrays if outcomes else 0
    for content, error in zip(shard.contents, here, strict=True):
        if isinstance(error, MediaError):
            outcomes.append(refused(content, error, shaping, size))
    return outcomes


def _told(outcomes: Sequence[Outcome], shaping: Shaping) -> dict[str, Any]:
    """What is not a table, as JSON."""
    sizes = [o.thumbnails or (0,) * len(o.segments) for o in outcomes]
    return {
        "shape": shaping.encoder.shape,
        "dtype": shaping.encoder.dtype,
        "done": [outcome.content_id for outcome in outcomes if outcome.done],
        "rejections": [asdict(r) for outcome in outcomes for r in outcome.rejections],
        "thumbnails": [size for of in sizes for size in of],
    }


def _table(segments: Sequence[Segment]) -> pa.Table:
    return pa.Table.from_pylist([_row(segment) for segment in segments], schema=DESCRIPTIONS)


def _row(segment: Segment) -> dict[str, Any]:
    span = segment.span
    return {
        "segment_id": segment.segment_id,
        "content_id": segment.content_id,
        "source": segment.source,
        "segmentation": segment.segmentation,
        "language": segment.language,
        "start": None if span is None else float(span.start),
        "end": None if span is None else float(span.end),
        "unit": None if span is None else span.unit,
        "box": None if span is None else span.box,
        "kind": segment.kind,
        "text": segment.text,
    }
