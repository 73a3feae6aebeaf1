"""Shots of a video, by PySceneDetect (the extra ``shots``) on frames that PyAV decodes."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from mmcore.errors import MissingExtraError
from mmcore.media.limits import decoding, heartbeat
from mmcore.media.videos.reader import Reader
from mmcore.media.videos.stretches import Stretches
from mmcore.media.videos.survey import Survey

SHORTEST: Final = 0.5
"""Seconds of the shortest shot: a flash is no shot."""

_SIDE: Final = 144  # pixels of the shorter side of what the detector sees: noise is averaged out
# A change of so many times the usual one is a cut. PySceneDetect's own 3 misses one of the cuts
# under noise in tests/mmcore/media/videos/test_shots.py, where 2 finds no false one.
_SENSITIVE: Final = 2.0
_MANY_PIXELS: Final = 10e9  # of all frames, some 20 seconds of a core: more are not all decoded
_FAR: Final = 12.0  # seconds between key frames, on average, that are too far apart for cuts
_HALVINGS: Final = 40


def check_shots() -> None:
    """Raise MissingExtraError where the extra ``shots`` is not installed."""
    _detector(1)


def shots(reader: Reader, survey: Survey, most: int) -> Stretches:
    """The shots of a video: hard cuts, each at the first frame of what follows.

    All frames are decoded. Of a long video only key frames are, if there are enough, and a cut
    is told at one: encoders set them there. Of more than ``most`` shots the shortest join their
    neighbours: no shot is then shorter than the least length that leaves at most ``most``.
    """
    times = array("d")
    rate = Fraction(1 / max(survey.step, 1e-3)).limit_denominator(1001)
    by_keys = _is_long(reader, survey)
    detector = _detector(None if by_keys else max(1, round(SHORTEST * rate)))
    cuts: list[int] = []
    for frame in _small(_key_frames(reader, survey) if by_keys else _all_frames(reader)):
        heartbeat.get()()
        times.append(reader.time)
        cuts += (cut.frame_num for cut in _detected(detector, frame, len(times) - 1, rate))
    starts = sorted({times[cut] for cut in cuts if times[cut] > survey.start})
    return Stretches((survey.start, *_merged(starts, survey, most), max(survey.end, *starts, 0.0)))


def _detector(shortest: int | None) -> Any:
    """One that compares a frame's change with its neighbours', so that a pan is no cut.

    ``shortest``: frames of a shot at least. None for frames that are seconds apart, where any
    great change is a cut.
    """
    try:
        from scenedetect import AdaptiveDetector, ContentDetector  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("video_cut 'shots'", "shots") from error
    if shortest is None:
        return ContentDetector(min_scene_len=1)
    return AdaptiveDetector(_SENSITIVE, min_scene_len=shortest)


def _detected(detector: Any, frame: NDArray[np.uint8], number: int, rate: Fraction) -> list[Any]:
    from scenedetect import FrameTimecode  # noqa: PLC0415 - an extra

    found: list[Any] = detector.process_frame(FrameTimecode(number, rate), frame)
    return found


def _is_long(reader: Reader, survey: Survey) -> bool:
    seconds = survey.end - survey.start
    pixels = reader.pixels * seconds / survey.step
    return pixels > _MANY_PIXELS and len(survey.keys) * _FAR > seconds


def _all_frames(reader: Reader) -> Iterator[Any]:
    reader.go_to(None)
    while (frame := reader.read()) is not None:
        yield frame


def _key_frames(reader: Reader, survey: Survey) -> Iterator[Any]:
    return (f for f in map(reader.key_frame, survey.keys) if f is not None)


def _small(frames: Iterator[Any]) -> Iterator[NDArray[np.uint8]]:
    """Frames as small BGR arrays, of one size."""
    converter = VideoReformatter()
    size: tuple[int, int] | None = None
    for frame in frames:
        if size is None:
            scale = min(1.0, _SIDE / min(frame.width, frame.height))
            size = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
        with decoding("video", av.FFmpegError):
            small: Any = converter.reformat(
                frame, *size, format="bgr24", interpolation=Interpolation.AREA, threads=1
            )
            pixels: NDArray[np.uint8] = small.to_ndarray()
        yield pixels


def _merged(starts: list[float], survey: Survey, most: int) -> list[float]:
    """At most ``most - 1`` of the cuts, so that the shots between them are as long as can be."""
    if len(starts) < most:
        return starts
    low, high = 0.0, survey.end - survey.start
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if len(_apart(starts, survey, middle)) < most:
            high = middle
        else:
            low = middle
    return _apart(starts, survey, high)


def _apart(starts: list[float], survey: Survey, least: float) -> list[float]:
    """The cuts that leave shots of at least ``least`` seconds, from the first on."""
    kept, last = [], survey.start
    for start in starts:
        if min(start - last, survey.end - start) >= least:
            kept.append(start)
            last = start
    return kept
