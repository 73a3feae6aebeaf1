"""Segments of sounds → their waveforms, from the files where they lie now."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from mmcore.search.http.problems import ProblemError, missing
from mmcore.search.http.serving import Served, Serving
from mmcore.search.http.shapes import WaveformShape
from mmcore.search.http.shelf import Shelved, file_of
from mmcore.search.peaks import Peaks, Stretch
from mmcore.types import Content
from storage.schemas import Modality

_TRACK: Final = "track:"


def drawn(here: Serving, served: Served, segment_id: int, points: int) -> WaveformShape:
    """The waveform of a segment, drawn once; a problem 404 where it has no sound to draw."""
    row = _segment(served, segment_id)
    start, end = _stretch(row)
    known = served.waves.get((segment_id, points))
    if known is None:
        file = file_of(served.shelf.files(row["item_id"]), row["content_id"])
        if file is None or file.size is None:
            raise _none(segment_id)
        content = _content(served.roots.location(file), file)
        track = _track(row["source"])
        known = here.drawer.peaks(content, Stretch(start, end, track), points)
        served.waves.put((segment_id, points), known)
    return _shape(segment_id, start, known)


def _shape(segment_id: int, start: float, found: Peaks) -> WaveformShape:
    return WaveformShape(
        segment_id=segment_id, seconds=found.seconds, start=start, peaks=list(found.peaks)
    )


def _segment(served: Served, segment_id: int) -> dict[str, Any]:
    found = served.shelf.segment(segment_id)
    if found is None or found[0] != Modality.AUDIO:
        raise _none(segment_id)
    return found[1]


def _none(segment_id: int) -> ProblemError:
    return missing(f"the snapshot has no sound {segment_id}", f"快照中没有声音片段 {segment_id}")


def _stretch(row: dict[str, Any]) -> tuple[float, float | None]:
    """Where the segment lies in its file, in seconds."""
    if row["unit"] != "second":
        return 0.0, None
    return row["start"] or 0.0, row["end"]


def _track(source: str) -> int:
    """Which of a file's sound tracks it is of."""
    told = source.removeprefix(_TRACK)
    return int(told) if source.startswith(_TRACK) and told.isdecimal() else 0


def _content(location: str, file: Shelved) -> Content:
    status = Path(location).stat()
    return Content(
        file.content_id,
        Modality(file.role),
        file.media_type or "",
        status.st_size,
        file.root,
        file.path,
        location,
        mtime_ns=status.st_mtime_ns,
    )
