"""A shard's decoded, shaped segments under the staging folder, and the handle that tasks pass."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import numpy as np
import PIL
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mmcore.errors import MediaError
from mmcore.media import versions
from mmcore.media.fetch import local_contents
from mmcore.media.limits import OUT_OF_MEMORY, STAGE, check_segments
from mmcore.media.preparer import Preparer
from mmcore.media.segments import cut
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Rejection, Segment, Shard, Span
from storage.schemas import DESCRIPTIONS, Modality

READER: Final = "reader 1"
"""Decoder of rejections that are no decoder's fault: such a content is not done."""

_DECODERS: Final[Mapping[Modality, str]] = {
    Modality.IMAGE: f"pillow {PIL.__version__}",
    Modality.TEXT: f"text {versions.TEXT}",
    Modality.AUDIO: f"pyav {av.__version__}",
    Modality.VIDEO: f"pyav {av.__version__}",
}
_DEFAULT_LIMITS: Final = LimitsSpec.model_validate({})
_SEGMENTS, _ARRAYS, _CARD = "segments.parquet", "arrays.bin", "prepared.json"
_COPIES: Final = "copies"


def decoders(limits: LimitsSpec = _DEFAULT_LIMITS) -> tuple[str, ...]:
    """Names and versions of what decodes now; what only others rejected is tried again.

    ``limits`` is one of them, so that a raised limit lets in what the old one kept out.
    """
    return (*dict.fromkeys(_DECODERS.values()), _limits_decoder(limits))


def _limits_decoder(limits: LimitsSpec) -> str:
    return f"limits {limits.digest}"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Handle of one prepared shard: its files lie in ``folder``, ``count`` segments long."""

    shard: Shard
    folder: Path
    count: int

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
        return np.memmap(self.folder / _ARRAYS, dtype=card["dtype"], mode="r", shape=shape)

    @property
    def done(self) -> tuple[str, ...]:
        """Content ids that need no further work: embedded, empty, or rejected by a decoder."""
        return tuple(self._card()["done"])

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """What could not be used, and why."""
        return tuple(
            Rejection(**{**row, "span": Span(**row["span"]) if row["span"] else None})
            for row in self._card()["rejections"]
        )

    def discard(self) -> None:
        """Remove the files; a second call finds nothing to do."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _card(self) -> dict[str, Any]:
        card: dict[str, Any] = json.loads((self.folder / _CARD).read_text("utf-8"))
        return card


def prepare_shard(
    shard: Shard,
    encoder: Preparer,
    segmentation: SegmentationSpec,
    limits: LimitsSpec,
    staging: Path,
) -> Prepared:
    """Decode, cut and shape all contents of a shard into ``staging``/<shard name>.

    A content that fails becomes a rejection and leaves no segment; the others go on. The folder
    appears whole, in place of an older one. What lies in a store is copied there first, all at
    once, and removed again. An OSError of reading propagates, unless the file has gone or may not
    be read; a store that refuses or does not answer is a SourceError.
    """
    final = staging / shard.name
    building = staging / f"{shard.name}.{os.getpid()}.partial"
    for old in (building, final):
        if old.exists():
            shutil.rmtree(old)
    building.mkdir(parents=True)
    copies = building / _COPIES
    with (building / _ARRAYS).open("wb") as file:
        work = _Work(encoder, segmentation, limits, file)
        here = local_contents(shard.contents, copies)
        for content, readable in zip(shard.contents, here, strict=True):
            work.add(content, readable)
    if copies.exists():
        shutil.rmtree(copies)
    pq.write_table(_table(work.segments), building / _SEGMENTS)
    (building / _CARD).write_text(json.dumps(work.card()), "utf-8")
    building.rename(final)
    return Prepared(shard, final, len(work.segments))


@dataclass(slots=True)
class _Work:
    """What has been prepared so far; arrays are on disk at once, one segment is in memory."""

    encoder: Preparer
    segmentation: SegmentationSpec
    limits: LimitsSpec
    arrays: BinaryIO
    segments: list[Segment] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)

    def add(self, content: Content, readable: Content | MediaError) -> None:
        """Prepare one content, wholly or not at all; ``readable`` is it in a local place."""
        count, position = len(self.segments), self.arrays.tell()
        try:
            self._cut(readable)
        except MediaError as error:
            del self.segments[count:]
            self.arrays.seek(position)
            self.arrays.truncate()
            self._reject(content, error)
        else:
            self.done.append(content.content_id)

    def _cut(self, content: Content | MediaError) -> None:
        if isinstance(content, MediaError):
            raise content
        _check_unchanged(content)
        before = len(self.segments)
        with closing(_reading(content, self)) as pairs:
            for segment, decoded in pairs:
                check_segments(len(self.segments) + 1 - before, self.limits)
                if self.encoder.shape is not None:
                    self.arrays.write(self._shaped(decoded).tobytes())
                self.segments.append(segment)
        _check_unchanged(content)

    def _shaped(self, decoded: Any) -> NDArray[Any]:
        array = np.asarray(self.encoder.prepare(decoded))
        if array.shape != self.encoder.shape or array.dtype != np.dtype(self.encoder.dtype):
            raise ValueError(
                f"{self.encoder.key.name} prepared {array.dtype}{array.shape},"
                f" declared {self.encoder.dtype}{self.encoder.shape}"
            )
        return array

    def _reject(self, content: Content, error: MediaError) -> None:
        decoder = self._decoder(content, error)
        if decoder != READER:
            self.done.append(content.content_id)
        self.rejections.append(
            Rejection(
                content.root,
                content.path,
                content.content_id,
                error.stage,
                error.reason,
                error.message,
                decoder,
            )
        )

    def _decoder(self, content: Content, error: MediaError) -> str:
        """Whose fault it is."""
        if error.stage == "read" or error.reason == OUT_OF_MEMORY:
            return READER
        return (
            _limits_decoder(self.limits) if error.stage == STAGE else _DECODERS[content.modality]
        )

    def card(self) -> dict[str, Any]:
        """What is not a table, as JSON."""
        return {
            "shape": self.encoder.shape,
            "dtype": self.encoder.dtype,
            "done": self.done,
            "rejections": [asdict(rejection) for rejection in self.rejections],
        }


def _reading(content: Content, work: _Work) -> Any:
    """The segments of a content; a file that is not there any more is a MediaError."""
    try:
        yield from cut(content, work.encoder, work.segmentation, work.limits)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise MediaError("read", "vanished", "the file is not there any more") from error
    except PermissionError as error:
        raise MediaError("read", "unreadable", "no permission to read the file") from error


def _check_unchanged(content: Content) -> None:
    """Refuse a file that is another than was crawled: its vectors would bear the old id."""
    if content.text is not None:
        return
    try:
        status = Path(content.location).stat()
    except OSError:
        return  # reading says what is wrong
    if (status.st_size, status.st_mtime_ns) != (content.size, content.mtime_ns):
        raise MediaError("read", "changed", "the file has changed since it was crawled")


def _table(segments: list[Segment]) -> pa.Table:
    rows = [
        {
            "segment_id": segment.segment_id,
            "content_id": segment.content_id,
            "source": segment.source,
            "segmentation": segment.segmentation,
            "language": segment.language,
            "start": None if segment.span is None else float(segment.span.start),
            "end": None if segment.span is None else float(segment.span.end),
            "unit": None if segment.span is None else segment.span.unit,
            "text": segment.text,
        }
        for segment in segments
    ]
    return pa.Table.from_pylist(rows, schema=DESCRIPTIONS)
