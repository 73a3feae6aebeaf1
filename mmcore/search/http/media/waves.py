"""Segments of sounds → their waveforms, from the files where they lie now."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mmcore.search.http.batching import Batcher
from mmcore.search.http.media.roots import changed
from mmcore.search.http.problems import ProblemError, missing
from mmcore.search.http.shapes.items import WaveformShape
from mmcore.search.http.shelf import Shelved, file_of
from mmcore.search.http.waits import Joined
from mmcore.search.showing.peaks import Drawer, Peaks, Stretch
from mmcore.specs import LimitsSpec
from mmcore.types import Content
from storage.schemas import Modality

if TYPE_CHECKING:
    from mmcore.search.http.served import Served

_TRACK: Final = "track:"
_THREADS: Final = 2
_LONGEST: Final = 100 * 86_400.0
"""Seconds: what the lake holds was within its limits, so only time and memory bound drawing it."""


@dataclass(frozen=True, slots=True)
class Wave:
    """A waveform that is wanted."""

    served: Served
    segment_id: int
    points: int

    def known(self) -> WaveformShape | None:
        """The waveform, where it was drawn not long ago."""
        which = self.segment_id, self.points
        found = self.served.waves.found([which]).get(which)
        if found is None:
            return None
        start, _ = _stretch(_segment(self.served, self.segment_id))
        return _shape(self.segment_id, start, found)


class Waves:
    """Draws waveforms in threads of its own, each once; at most ``waiting`` wait for it."""

    def __init__(self, limits: LimitsSpec, waiting: int) -> None:
        self.drawer: Final = Drawer(limits.model_copy(update={"max_seconds": _LONGEST}))
        self._queue: Final[Batcher[Wave, WaveformShape]] = Batcher(
            self._drawn, most=1, waiting=waiting, threads=_THREADS
        )
        self._joined: Final[Joined[Wave, WaveformShape]] = Joined(self._queue.ask)

    def ask(self, wave: Wave) -> Future[WaveformShape]:
        """What will hold a waveform; BusyError where too many wait."""
        return self._joined.ask(wave)

    def close(self, within: float) -> None:
        """End the threads and the processes."""
        self._queue.close(within)
        self.drawer.pool.close()

    def _drawn(self, wanted: Sequence[Wave]) -> list[WaveformShape | Exception]:
        return [wave.known() or self._draw(wave) for wave in wanted]

    def _draw(self, wave: Wave) -> WaveformShape:
        """Draw one; a problem 404 where there is no sound to draw, 410 where its file is gone."""
        served, row = wave.served, _segment(wave.served, wave.segment_id)
        start, end = _stretch(row)
        file = file_of(served.shelf.files(row["item_id"]), row["content_id"])
        if file is None or file.size is None:
            raise _none(wave.segment_id)
        content = _content(served.roots.location(file), file)
        found = self.drawer.peaks(content, Stretch(start, end, _track(row["source"])), wave.points)
        served.waves.keep({(wave.segment_id, wave.points): found})
        return _shape(wave.segment_id, start, found)


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
    """The file as a decoder wants it; a problem 410 where it has gone since it was checked."""
    try:
        status = Path(location).stat()
    except OSError as error:
        raise changed() from error
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
