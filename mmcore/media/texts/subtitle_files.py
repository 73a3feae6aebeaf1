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

_TIME: Final = r"(?:(\d{1,5})\s*:\s*)?(\d{1,5})\s*:\s*(\d{1,5})(?:\s*[,.:]\s*(\d{1,9}))?"
_STAMPS: Final = re.compile(rf"[^\S\n]*{_TIME}[^\S\n]*-+>[^\S\n]*{_TIME}(?:[^\S\n].*)?$")
_STAMP: Final = re.compile(_TIME)
_NUMBER: Final = re.compile(r"\s*-?\d{1,9}\s*$")
_FIELDS: Final = ("Layer", "Start", "End", "Style", "Name", "MarginL", "MarginR", "MarginV")
_DIALOGUE: Final = "Dialogue:"
_FORMAT: Final = "Format:"


def from_stamps(text: str) -> Iterator[Cue]:
    """The cues of SRT or WebVTT: lines after a line with two times, up to an empty one.

    Text runs into the next cue's times where the empty line between is missing. A cue whose times
    are broken is skipped with its text; so are headers, notes and styles.
    """
    times: tuple[float, float] | None = None
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        stamps = _STAMPS.match(line)
        if times is not None and (stamps or not line.strip()):
            yield from _cue(times, lines[:-1] if stamps and _ends_in_number(lines) else lines)
        if stamps:
            times, lines = (_seconds(stamps, 1), _seconds(stamps, 5)), []
        elif not line.strip():
            times, lines = None, []
        else:
            lines.append(line)


def _ends_in_number(lines: list[str]) -> bool:
    return bool(lines) and _NUMBER.match(lines[-1]) is not None


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
    shown = plain("\n".join(lines))
    if shown and times[0] <= times[1]:
        yield Cue(*times, shown)


def _seconds(match: re.Match[str], first: int) -> float:
    """Seconds of the four groups from ``first``: hours, minutes, seconds and their decimals."""
    hours, minutes, seconds, decimals = (match.group(first + i) or "0" for i in range(4))
    return 3600 * int(hours) + 60 * int(minutes) + float(f"{int(seconds)}.{decimals}")


def passages_of(cues: Iterator[Cue]) -> Iterator[Passage]:
    """A passage for each cue; MediaError ``no-cues`` when there is none."""
    found = False
    for cue in beating(cues):
        found = True
        yield Passage(cue.text, span=Span(cue.start, cue.end, "second"), kind="subtitle")
    if not found:
        raise MediaError("text", "no-cues", "a file of subtitles without one that can be read")
