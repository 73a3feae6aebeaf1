"""Videos by their frames."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import av
from av.video.reformatter import VideoReformatter
from PIL import Image

from mmcore.errors import MediaError
from mmcore.media.limits import check_segments, decoding
from mmcore.media.pieces import Damage
from mmcore.media.videos.picture import picture
from mmcore.media.videos.reader import Reader
from mmcore.media.videos.sampling import chosen
from mmcore.media.videos.stretches import Stretches, equal
from mmcore.media.videos.survey import Survey
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Span

_SILENT: Final = "no packet that gives a frame"


def frames(
    content: Content, limits: LimitsSpec, spec: SegmentationSpec, *, target: int | None = None
) -> Iterator[tuple[Span, Image.Image]]:
    """The frames of ``shown`` without its damages."""
    for found in shown(content, limits, spec, target=target):
        if not isinstance(found, Damage):
            yield found


def shown(
    content: Content, limits: LimitsSpec, spec: SegmentationSpec, *, target: int | None = None
) -> Iterator[tuple[Span, Image.Image] | Damage]:
    """One upright RGB frame a stretch, with the stretch as its span in seconds.

    Stretches are equal, about ``video_interval`` seconds long, more where ``video_max_frames``
    would be exceeded, or shots; they tile what is there, by its time stamps. ``chosen`` says
    which frame shows one. With ``target`` frames are shrunk so that the shorter side keeps at
    least 2 × ``target`` pixels. A file with sound alone gives none.

    A stretch that has no frame but should have (``Reader.misses``) is a Damage ``decode-error``;
    what is missing at the end by the container's own word a Damage ``truncated``. MediaError
    where nothing can be used at all, or for a limit.
    """
    with Reader(content, limits) as reader:
        survey = reader.survey
        if survey is None:
            return
        stretches = _stretches(reader, survey, spec)
        check_segments(len(stretches), limits)
        converter = VideoReformatter()
        found: set[int] = set()
        by_keys = spec.video_cut == "interval"
        for number, frame in chosen(reader, survey, stretches, keys=by_keys):
            with decoding("video", av.FFmpegError):
                image = picture(frame, reader.aspect, target, limits, converter)
            found.add(number)
            yield stretches.span(number), image
        if not found:
            reason = "no-frames" if reader.error is None else "decode-error"
            raise MediaError("video", reason, reader.error or _SILENT)
        yield from _damages(reader, survey, stretches, found)


def _stretches(reader: Reader, survey: Survey, spec: SegmentationSpec) -> Stretches:
    if spec.video_cut == "shots":
        from mmcore.media.videos.shots import shots  # noqa: PLC0415 - an extra

        return shots(reader, survey, spec.video_max_frames)
    seconds = survey.end - survey.start
    count = max(1, min(spec.video_max_frames, int(seconds / spec.video_interval + 0.5)))
    return equal(survey.start, survey.end, count)


def _damages(
    reader: Reader, survey: Survey, stretches: Stretches, found: set[int]
) -> Iterator[Damage]:
    """Stretches that miss their frame, neighbours as one; then the missing end."""
    lost = [
        number
        for number in range(len(stretches))
        if number not in found and reader.misses(*stretches.edges[number : number + 2])
    ]
    for place, number in enumerate(lost):
        if not place or lost[place - 1] != number - 1:
            first = number
        if place + 1 == len(lost) or lost[place + 1] != number + 1:
            error = MediaError("video", "decode-error", reader.error or _SILENT)
            yield Damage(error, span=stretches.span(first, number))
    if survey.declared is not None:
        span = Span(round(survey.end, 3), round(survey.declared, 3), "second")
        message = f"{span.end - span.start:g} of {span.end:g} seconds are missing"
        yield Damage(MediaError("video", "truncated", message), span=span)
