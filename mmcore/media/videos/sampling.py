"""Which frame shows a stretch of a video, and how it is reached for the least work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mmcore.media.videos.reader import Reader
from mmcore.media.videos.stretches import Stretches
from mmcore.media.videos.survey import Survey

_SKIP: Final = 0.5
"""Seconds ahead from which a key frame is gone to rather than decoded up to."""

_ROUNDING: Final = 1e-3  # seconds


def chosen(
    reader: Reader, survey: Survey, stretches: Stretches, *, keys: bool
) -> Iterator[tuple[int, Any]]:
    """(stretch, frame), in order, each stretch at most once.

    With ``keys``, where each stretch has a key frame: the one nearest to its middle, and no other
    is decoded. Else, and once a key frame fails or is
    shown elsewhere than it was said, the first frame at or after its middle, else the
    last one before, else (no frame begins in it) none.
    """
    number = 0
    picks = _picks(survey, stretches) if keys else None
    for number, key in enumerate(picks or ()):
        frame = reader.key_frame(key)
        if frame is None or stretches.of(reader.time + _ROUNDING) != number:
            break
        yield number, frame
    else:
        if picks is not None:
            return
    yield from _by_decoding(reader, survey, stretches, number)


def _picks(survey: Survey, stretches: Stretches) -> list[int] | None:
    picks: list[int] = []
    for start, end in zip(stretches.edges, stretches.edges[1:], strict=False):
        key = survey.nearest_key(start, end)
        if key is None:
            return None
        picks.append(key)
    return picks


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
