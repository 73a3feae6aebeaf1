"""Which frame shows a stretch of a video, and how it is reached for the least work."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from mmcore.media.videos.reader import Reader
from mmcore.media.videos.stretches import Stretches
from mmcore.media.videos.survey import Survey

_SKIP: Final = 0.5
"""Seconds ahead from which a key frame is gone to rather than decoded up to."""

_ROUNDING: Final = 1e-3  # seconds
_PATIENCE: Final = 3  # key frames that may fail before all is decoded


def chosen(
    reader: Reader, survey: Survey, stretches: Stretches, *, keys: bool
) -> Iterator[tuple[int, Any]]:
    """(stretch, frame), in order, each stretch at most once.

    With ``keys``, where at least every other stretch has a key frame: the one nearest to its
    middle, decoded alone. Else, and for a stretch without any or whose key frame fails, the first
    frame at or after its middle, else the last one before, else (no frame begins in it) none.
    A video with key frames far apart costs the decoding of all its frames, and no more.
    """
    picks = _picks(survey, stretches) if keys else []
    number = failed = 0
    while 2 * sum(pick is not None for pick in picks) >= len(stretches) > number:
        key = picks[number]
        frame = None if key is None else reader.key_frame(key)
        if frame is None or stretches.of(reader.time + _ROUNDING) != number:
            failed += key is not None
            if failed > _PATIENCE:
                break
            frame = _decoded(reader, survey, stretches, number)
        if frame is not None:
            yield number, frame
        number += 1
    if number < len(stretches):
        yield from _by_decoding(reader, survey, stretches, number)


def _picks(survey: Survey, stretches: Stretches) -> list[int | None]:
    return [survey.nearest_key(start, end) for start, end in pairwise(stretches.edges)]


def _decoded(reader: Reader, survey: Survey, stretches: Stretches, number: int) -> Any | None:
    """The frame of one stretch, decoded from the key frame before its middle."""
    middle = stretches.middle(number)
    reader.go_to(survey.key_at_or_before(middle))
    before = None
    while (frame := reader.read()) is not None:
        place = stretches.of(reader.time)
        if place > number or (place == number and reader.time >= middle):
            return frame if place == number else before
        before = frame if place == number else before
    return before


def _by_decoding(
    reader: Reader, survey: Survey, stretches: Stretches, wanted: int
) -> Iterator[tuple[int, Any]]:
    reader.go_to(survey.key_at_or_before(stretches.middle(wanted)))
    before: tuple[int, Any] | None = None  # the last frame ahead of its stretch's middle
    while (frame := reader.read()) is not None:
        number = stretches.of(reader.time)
        if before is not None and number > before[0]:
            yield before
            wanted, before = before[0] + 1, None
        if number < wanted:
            continue
        if reader.time < stretches.middle(number):
            before = (number, frame)
            continue
        yield number, frame
        wanted, before = number + 1, None
        if wanted == len(stretches):
            return
        _skip(reader, survey, stretches.middle(wanted))
    if before is not None:
        yield before


def _skip(reader: Reader, survey: Survey, second: float) -> None:
    """Go to the last key frame before ``second`` if it lies ahead."""
    key = survey.key_at_or_before(second)
    if key is not None and survey.seconds(key) > reader.time + _SKIP:
        reader.go_to(key)
