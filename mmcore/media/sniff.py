"""Type from content, never from the name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mmcore.media.sniffing import archives, charsets, containers, frames, signatures, stills
from mmcore.media.sniffing.damaged import damaged_text
from mmcore.media.sniffing.kinds import HEAD as HEAD  # noqa: PLC0414 - for others
from mmcore.media.sniffing.kinds import Kind as Kind  # noqa: PLC0414
from mmcore.media.sniffing.markup import kind_of_text

Test = Callable[[bytes], bool]
Answer = Callable[[bytes], Kind | None]


def _text(head: bytes) -> Kind | None:
    text = charsets.head_text(head)
    return None if text is None else kind_of_text(text)


def _damaged(head: bytes) -> Kind | None:
    text = damaged_text(head)
    return None if text is None else kind_of_text(text)


def _unread(head: bytes) -> Kind | None:
    return None


_DECIDED: Final[tuple[tuple[Test, Answer], ...]] = (
    (signatures.is_flic, _unread),  # in its frames may be what looks like MPEG sound
    (charsets.has_mark, _text),  # first: FF FE also begins a frame of MPEG sound
    (archives.is_pdf, archives.pdf),
    (archives.is_zip, archives.office),
    (stills.is_tiff, stills.tiff),
    (containers.is_box, containers.boxes),
)
_SIGNATURES: Final[tuple[Answer, ...]] = (
    stills.png,
    signatures.drawn_in_text,
    signatures.strong,
    containers.streams,
    frames.first_frame,
)
_GUESSES: Final[tuple[Answer, ...]] = (
    signatures.weak,
    archives.later_pdf,
    frames.later_frames,
    _damaged,
)


def sniff(head: bytes) -> Kind | None:
    """Return (modality, media type) of a file by its first 4 KiB; None when nothing reads it.

    Signatures that no text begins with come first, then text, then what only looks like a format,
    then text in which a few bytes are wrong.
    """
    for test, answer in _DECIDED:
        if test(head):
            return answer(head)
    found = _first(_SIGNATURES, head)
    if found is not None:
        return found
    text = charsets.head_text(head)
    if text is not None:
        return kind_of_text(text)
    return _first(_GUESSES, head)


def _first(families: tuple[Answer, ...], head: bytes) -> Kind | None:
    return next((kind for kind in (family(head) for family in families) if kind), None)
