"""Files → what mmindex would make of them: type, content, and the pieces of each encoder."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from mmcore.decoding.prepare import prepare
from mmcore.encoders.presets import encoders_of, runtime_of
from mmcore.errors import ConfigError
from mmcore.inspection.picture_size import Sizes
from mmcore.media.crawl import Walked, read
from mmcore.media.listing import Entry
from mmcore.media.reading.readers import readers_of
from mmcore.media.urls import is_remote
from mmcore.rows import span_of
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Content, EncoderKey, MediaFile, Rejection, Shard, Source, Span
from storage.schemas import Modality

_ROW: Final = ("source", "segmentation", "kind", "language", "text")


@dataclass(frozen=True, slots=True)
class Found:
    """One piece of a file: a segment without its vector."""

    source: str
    segmentation: str
    span: Span | None
    kind: str | None
    language: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one encoder would be given of a file, or a reader finds for it."""

    modality: Modality
    encoder: str
    reader: str  # ocr, asr; "": it is decoded as it is
    pieces: tuple[Found, ...]
    rejections: tuple[Rejection, ...]
    seconds: float  # of decoding, cutting and shaping


@dataclass(frozen=True, slots=True)
class Inspected:
    """A file and all that would come of it."""

    path: str  # as it was named
    size: int
    file: MediaFile | None  # None where its type or its bytes cannot be told
    refused: Rejection | None = None  # why
    readings: tuple[Reading, ...] = ()
    pixels: tuple[int, int] | None = None  # width and height of a picture

    @property
    def usable(self) -> bool:
        """Whether anything of it can be indexed."""
        return any(reading.pieces for reading in self.readings)

    @property
    def seconds(self) -> float | None:
        """How long a sound or a video is: where its last piece ends."""
        spans = (piece.span for reading in self.readings for piece in reading.pieces)
        return max((s.end for s in spans if s is not None and s.unit == "second"), default=None)


@dataclass(frozen=True, slots=True)
class Settings:
    """Those of a run that decide what is made of a file."""

    preset: str
    segmentation: SegmentationSpec
    limits: LimitsSpec
    runtime: RuntimeSpec


@dataclass(frozen=True, slots=True)
class _Task:
    """Who reads which files."""

    key: EncoderKey
    reader: str
    reads: tuple[Modality, ...]


def inspected(paths: Sequence[str], settings: Settings) -> Iterator[Inspected]:
    """What a run with these settings would make of each file, in order; nothing is kept of it.

    Files are decoded in worker processes, whatever ``settings.runtime`` says. ConfigError for what
    is no file, before any work.
    """
    for path in paths:
        _check(path)
    runtime = runtime_of(settings.preset, settings.runtime)
    runtime = runtime.model_copy(update={"isolate": True})
    settings = replace(settings, runtime=runtime)
    tasks = tuple(_tasks(settings))
    warm: set[tuple[str, str, Modality]] = set()
    with Sizes(settings.limits) as sizes:
        for path in paths:
            yield _inspected(path, tasks, settings, sizes, warm)


def _check(path: str) -> None:
    if is_remote(path):
        raise ConfigError(f"{path} lies in a store: copy it here first")
    if Path(path).is_dir():
        raise ConfigError(f"{path} is a folder: name files, as {path.rstrip('/')}/*")
    if not Path(path).exists():
        raise ConfigError(f"{path}: no such file")


def _tasks(settings: Settings) -> Iterator[_Task]:
    """What every encoder of the preset reads, and what readers find for that of texts."""
    readers = readers_of(settings.segmentation)
    for encoder in encoders_of(settings.preset, settings.segmentation, settings.runtime):
        yield _Task(encoder.key, "", encoder.key.reads)
        if encoder.key.modality is Modality.TEXT:
            yield from (_Task(encoder.key, one.source, one.reads) for one in readers)


def _inspected(
    path: str,
    tasks: Sequence[_Task],
    settings: Settings,
    sizes: Sizes,
    warm: set[tuple[str, str, Modality]],
) -> Inspected:
    place = Path(path).resolve()  # a link that a person names is followed
    status = place.stat()
    entry = Entry(place.name, status.st_size, status.st_mtime_ns)
    source = Source("", str(place.parent))
    told = read(Walked(source, (entry,)), settings.limits, {})
    if told.rejections:
        return Inspected(path, status.st_size, None, told.rejections[0])
    (file,) = told.files
    content = Content(
        *(file.content_id, file.modality, file.media_type, file.size, "", file.path, str(place)),
        mtime_ns=file.mtime_ns,
    )
    readings = []
    for task in sorted(tasks, key=lambda task: task.key.modality is not file.modality):
        if file.modality in task.reads:
            _warm_up(task, file.modality, settings, warm)
            readings.append(_reading(task, content, settings))
    pixels = None
    if file.modality is Modality.IMAGE and any(reading.pieces for reading in readings):
        pixels = sizes.of(content)
    return Inspected(path, file.size, file, None, tuple(readings), pixels)


def _warm_up(
    task: _Task,
    modality: Modality,
    settings: Settings,
    warm: set[tuple[str, str, Modality]],
) -> None:
    """Let a worker start and load its decoder, so that the first file's time is its own."""
    kind = (task.key.name, task.reader, modality)
    if kind in warm:
        return
    warm.add(kind)
    with tempfile.TemporaryDirectory(prefix="mmindex-") as folder:
        missing = Content("", modality, "", 0, "", "", str(Path(folder, "missing")))
        _reading(task, missing, settings)


def _reading(task: _Task, content: Content, settings: Settings) -> Reading:
    """Decode one file for one encoder; what was made of it is removed again."""
    key, shard = task.key, Shard(task.key, (content,), task.reader)
    with tempfile.TemporaryDirectory(prefix="mmindex-") as folder:
        began = time.monotonic()
        done = prepare(
            shard, settings.segmentation, settings.limits, settings.runtime, Path(folder)
        )
        took = time.monotonic() - began
        pieces = tuple(map(_piece, done.segments().to_pylist()))
        reader = task.reader.partition("@")[0]
        return Reading(key.modality, key.name, reader, pieces, done.rejections, took)


def _piece(row: Mapping[str, Any]) -> Found:
    return Found(span=span_of(row), **{name: row[name] for name in _ROW})
