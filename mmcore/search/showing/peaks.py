"""Sounds → the peaks that draw them, decoded in a worker process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from mmcore.decoding.pool import Pool
from mmcore.errors import MediaError
from mmcore.media.limits import STAGE, too_much_memory
from mmcore.processes.process import Ended, Why, name_of
from mmcore.processes.serving import Answer, serve
from mmcore.processes.telling import failure_from, told_failure
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Vectors
from storage.schemas import Modality

FINE: Final = 100  # peaks of a second, before as many are made of them as are wanted
_IDLE: Final = 60.0  # seconds after which a worker ends that nobody asks
_START: Final = 60.0  # seconds that a new one may take
_WINDOW: Final = SegmentationSpec(audio_window=10.0)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a content's sound, in seconds; ``end`` None: to its end."""

    start: float = 0.0
    end: float | None = None
    track: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Peaks:
    """How loud a stretch is: the largest sample of each of equal parts, 0 to 1."""

    seconds: float
    peaks: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Drawer:
    """Draws sounds in worker processes; what ends a worker is the file's fault."""

    limits: LimitsSpec
    pool: Pool = field(default_factory=lambda: Pool(1, "mmcore.search.showing.peaks"))

    def peaks(self, content: Content, stretch: Stretch, points: int) -> Peaks:
        """``points`` peaks of a stretch of a local file's sound; MediaError where it has none."""
        job = {
            "content": asdict(content),
            "stretch": asdict(stretch),
            "limits": self.limits.model_dump(mode="json"),
            "points": points,
        }
        seconds = _START + self.limits.file_seconds
        with self.pool.asked(job, seconds, self.limits.worker_bytes) as (_, answer):
            pass  # there is one answer
        if isinstance(answer, Ended):
            raise self._why(answer)
        if "failed" in answer:
            raise failure_from(answer["failed"], "a decoding process")
        return Peaks(answer["seconds"], tuple(answer["peaks"]))

    def _why(self, ended: Ended) -> MediaError:
        if ended.why is Why.TOO_BIG:
            return too_much_memory(self.limits)
        if ended.why is Why.SILENT:
            return MediaError(STAGE, "too-slow", "it takes too long to decode")
        return MediaError("audio", "decoder-crashed", f"the decoder ended: {name_of(ended.code)}")


def main() -> None:
    """The worker: answer until there is no more input."""
    serve(_work, _IDLE)


def _work(job: Mapping[str, Any], answer: Answer) -> None:
    try:
        told = job["content"]
        content = Content(**{**told, "modality": Modality(told["modality"])})
        limits = LimitsSpec.model_validate(job["limits"])
        found = peaks_of(content, Stretch(**job["stretch"]), limits, job["points"])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told to who asked
        answer({"failed": told_failure(error), "finished": True})
    else:
        answer({"seconds": found.seconds, "peaks": found.peaks, "finished": True})


def peaks_of(content: Content, stretch: Stretch, limits: LimitsSpec, points: int) -> Peaks:
    """Decode a stretch, in this process, and draw it."""
    found = _sought(content, stretch, limits)
    fine = [found] if found is not None else list(_fine(content, stretch, limits))
    if not fine:
        raise MediaError("audio", "no-samples", "there is no sound there")
    all_peaks = np.concatenate(fine)
    parts = np.array_split(all_peaks, points) if len(all_peaks) > points else [*all_peaks[:, None]]
    rounded = (round(float(min(1.0, part.max())), 3) for part in parts)
    return Peaks(round(len(all_peaks) / FINE, 2), tuple(rounded))


def _sought(content: Content, stretch: Stretch, limits: LimitsSpec) -> Vectors | None:
    """The same of a stretch far inside of a file that can be entered there; else None."""
    from mmcore.media.sounds.stretches import FAR, heard_from  # noqa: PLC0415 - for the worker

    if stretch.end is None or stretch.start < FAR:
        return None
    count = round((stretch.end - stretch.start) * FINE)
    peaks = np.zeros(count, dtype=np.float32)
    last = 0
    for second, heard in heard_from(content, stretch.start, limits, stretch.track):
        if second >= stretch.end:
            break
        ahead = (second - stretch.start) * FINE
        places = np.floor(ahead + np.arange(len(heard.samples)) * (FINE / heard.rate))
        within = (places >= 0) & (places < count)
        if within.any():
            np.maximum.at(peaks, places[within].astype(np.intp), np.abs(heard.samples[within]))
            last = int(places[within][-1]) + 1
    return peaks[:last] if last else None


def _fine(content: Content, stretch: Stretch, limits: LimitsSpec) -> Iterator[Vectors]:
    """The peaks of each hundredth of a second; what comes behind the stretch is not decoded."""
    from mmcore.media.sounds.windows import RATE, windows  # noqa: PLC0415 - for the worker alone

    for span, samples in windows(content, limits, _WINDOW, track=stretch.track):
        if stretch.end is not None and span.start >= stretch.end:
            return
        low = max(0, round((stretch.start - span.start) * RATE))
        high = len(samples) if stretch.end is None else round((stretch.end - span.start) * RATE)
        part = np.abs(samples[low : max(low, high)])
        hop = RATE // FINE
        whole = np.pad(part, (0, -len(part) % hop)).reshape(-1, hop)
        if len(whole):
            yield whole.max(axis=1)
