"""Type from content, never from the name."""

from __future__ import annotations

from mmcore.media.sniffing import archives, charsets, containers, frames, signatures, stills
from mmcore.media.sniffing.kinds import HEAD as HEAD
from mmcore.media.sniffing.kinds import PDF
from mmcore.media.sniffing.kinds import Kind as Kind
from mmcore.media.sniffing.markup import kind_of_text
from storage.schemas import Modality


def sniff(head: bytes) -> Kind | None:
    """Return (modality, media type) of a file by its first 4 KiB; None when nothing reads it.

    Signatures that no text begins with come first, then text, then what only looks like a format.
    """
    if charsets.has_mark(head):  # FF FE also begins a frame of MPEG sound
        return _text(head)
    if archives.is_pdf(head):
        return Modality.TEXT, PDF
    if archives.is_zip(head):
        return archives.office(head)
    if stills.is_tiff(head):
        return stills.tiff(head)
    for family in (stills.png, signatures.strong, containers.streams, frames.first_frame):
        found = family(head)
        if found:
            return found
    if containers.is_box(head):
        return containers.boxes(head)
    if charsets.head_text(head) is not None:
        return _text(head)
    return signatures.weak(head) or archives.later_pdf(head) or frames.later_frames(head)


def _text(head: bytes) -> Kind | None:
    text = charsets.head_text(head)
    return None if text is None else kind_of_text(text)
