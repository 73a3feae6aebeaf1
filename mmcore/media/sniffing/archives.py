"""PDF and DOCX."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Final

from mmcore.media.sniffing.charsets import is_plain
from mmcore.media.sniffing.kinds import DOCX, PDF, Kind
from storage.schemas import Modality

_PDF: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*%PDF-")
_LATER_PDF: Final = re.compile(rb"%PDF-\d\.\d")
_JUNK: Final = 1024  # bytes that readers of PDF skip
_ENTRY: Final = b"PK\x03\x04"
_TYPES: Final = "[Content_Types].xml"
_OFFICE: Final = ("_rels/", "docProps/", "customXml/", "word/")
_WORD: Final = b"wordprocessingml.document.main+xml", b"word.document.macroEnabled.main+xml"
_UNPACKED: Final = 65_536


def is_pdf(head: bytes) -> bool:
    """Whether a PDF begins here, and no sentence about it: that names no object."""
    return _PDF.match(head) is not None and (b" obj" in head or not is_plain(head))


def pdf(head: bytes) -> Kind:
    """A PDF, whatever follows."""
    return Modality.TEXT, PDF


def later_pdf(head: bytes) -> Kind | None:
    """A PDF after junk, as readers accept it."""
    return (Modality.TEXT, PDF) if _LATER_PDF.search(head[:_JUNK]) else None


def is_zip(head: bytes) -> bool:
    """Whether a zip archive begins here."""
    return head.startswith(_ENTRY)


def office(head: bytes) -> Kind | None:
    """A DOCX among zip archives; None for any other kind.

    Told by the list of content types where the head holds it, else by the names of the first
    entries. An office document whose head tells no more is taken for one: reading settles it.
    """
    names = []
    for name, body in _entries(head):
        names.append(name)
        main = _main_type(body) if name == _TYPES else None
        if main is not None:
            return (Modality.TEXT, DOCX) if main else None
        if name.startswith("word/"):
            return Modality.TEXT, DOCX
    fits = all(name == _TYPES or name.startswith(_OFFICE) for name in names)
    return (Modality.TEXT, DOCX) if names and fits else None


def _main_type(types: bytes) -> bool | None:
    """Whether the content types name a Word document; None where they are cut off before."""
    if any(word in types for word in _WORD):
        return True
    return False if b"</Types>" in types else None


def _entries(head: bytes) -> Iterator[tuple[str, bytes]]:
    """Names of the first entries with what the head holds of their unpacked bytes."""
    position = 0
    while head[position : position + 4] == _ENTRY and position + 30 <= len(head):
        method, size = struct.unpack_from("<8xH8xI", head, position)
        name_length, extra_length = struct.unpack_from("<HH", head, position + 26)
        start = position + 30 + name_length + extra_length
        name = head[position + 30 : position + 30 + name_length].decode("utf-8", "replace")
        body, rest = _unpacked(head[start:], method)
        yield name, body
        following = start + size if size else len(head) - rest
        position = max(position + 30, head.find(_ENTRY, following))


def _unpacked(packed: bytes, method: int) -> tuple[bytes, int]:
    """The bytes, unpacked as far as they go, and how many come after the entry."""
    if method != 8:  # noqa: PLR2004 - deflate
        return packed, len(packed)
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        return inflate.decompress(packed, _UNPACKED), len(inflate.unused_data)
    except zlib.error:
        return b"", 0
