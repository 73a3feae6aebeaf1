"""Files of subtitles (SRT, WebVTT, ASS) → cues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mmcore.errors import MediaError
from mmcore.media.limits import beating
from mmcore.media.texts.cues import Cue, plain
from mmcore.media.texts.passages import Passage
from mmcore.types import Span

_TIME: Final = r"(-)?(?:(\d{1,5})\s*:\s*)?(\d{1,5})\s*:\s*(\d{1,5})(?:\s*[,.:]\s*(\d{1,9}))?"
_STAMPS: Final = re.compile(rf"[^\S\n]*{_TIME}[^\S\n]*-+>[^\S\n]*{_TIME}(?:[^\S\n].*)?$")
_STAMP: Final = re.compile(_TIME)
_BROKEN_STAMPS: Final = re.compile(r"\s*-?\d+\s*:.*-->")  # it begins like a time
_WEB: Final = re.compile(r"\ufeff?\s*WEBVTT(?=\s|$)")
_NUMBER: Final = re.compile(r"\s*-?\d{1,9}\s*$")
_FIELDS: Final = ("Layer", "Start", "End", "Style", "Name", "MarginL", "MarginR", "MarginV")
_DIALOGUE: Final = "Dialogue:"
_FORMAT: Final = "Format:"


def from_stamps(text: str) -> Iterator[Cue]:
    """The cues of SRT or WebVTT: lines after a line with two times, up to the next such line.

    Of WebVTT an empty line ends a cue too, since notes and styles may follow it; in SRT it is one
    of the cue's. A cue whose times are broken is skipped with its text; so are headers.
    """
    is_web = _WEB.match(text) is not None
    times: tuple[float, float] | None = None
    lines: list[str] = []
    for line in text.splitlines():
        stamps = _STAMPS.match(line)
        if stamps or _BROKEN_STAMPS.match(line):
            if times is not None:
                yield from _cue(times, _without_number(lines))
            times, lines = (_seconds(stamps, 1), _seconds(stamps, 6)) if stamps else None, []
        elif is_web and times is not None and not line.strip():
            yield from _cue(times, lines)
            times = None
        elif times is not None:
            lines.append(line)
    if times is not None:
        yield from _cue(times, lines)


def _without_number(lines: list[str]) -> list[str]:
    """The lines between two lines of times, less the second cue's number if one ends them.

    Empty lines may follow a number that stands by itself; the first line then is the cue's text.
    """
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    if not end or not _NUMBER.match(lines[end - 1]):
        return lines
    alone = end > 1 and not lines[end - 2].strip()
    return lines[: end - 1] if alone or end == len(lines) else lines


def from_ass(text: str) -> Iterator[Cue]:
    """The dialogue of ASS or SSA, in the order of the file."""
    fields: tuple[str, ...] = (*_FIELDS, "Effect", "Text")
    in_events = False
    for line in text.splitlines():
        if line.startswith("["):
            in_events = line.strip().lower() == "[events]"
        elif in_events and line.startswith(_FORMAT):
            fields = tuple(name.strip() for name in line[len(_FORMAT) :].split(","))
        elif line.startswith(_DIALOGUE):
            values = line[len(_DIALOGUE) :].split(",", len(fields) - 1)
            cue = dict(zip(fields, values, strict=False))
            start, end = (_STAMP.search(cue.get(name, "")) for name in ("Start", "End"))
            if start and end:
                yield from _cue((_seconds(start, 1), _seconds(end, 1)), [cue.get("Text", "")])


def _cue(times: tuple[float, float], lines: list[str]) -> Iterator[Cue]:
    """A time before 0 is 0, an end before its start is it."""
    shown = plain("\n".join(lines))
    if shown:
        start = max(0.0, times[0])
        yield Cue(start, max(start, times[1]), shown)


def _seconds(match: re.Match[str], first: int) -> float:
    """Seconds of five groups from ``first``: sign, hours, minutes, seconds and their decimals."""
    hours, minutes, seconds, decimals = (match.group(first + i) or "0" for i in range(1, 5))
    time = 3600 * int(hours) + 60 * int(minutes) + float(f"{int(seconds)}.{decimals}")
    return -time if match.group(first) else time


def passages_of(cues: Iterator[Cue]) -> Iterator[Passage]:
    """A passage for each cue; MediaError ``no-cues`` when there is none."""
    found = False
    for cue in beating(cues):
        found = True
        yield Passage(cue.text, span=Span(cue.start, cue.end, "second"), kind="subtitle")
    if not found:
        raise MediaError("text", "no-cues", "a file of subtitles without one that can be read")
