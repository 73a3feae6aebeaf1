"""DOCX → the text of its paragraphs and tables, in order."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Final
from xml.parsers import expat

from mmcore.errors import MediaError
from mmcore.media.limits import STAGE, check_nesting, check_text_bytes, decoding
from mmcore.specs import LimitsSpec

_W: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main "
_STRICT_W: Final = "http://purl.oclc.org/ooxml/wordprocessingml/main "
_FALLBACK: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006 Fallback"
_BODY: Final = "word/document.xml"
_NOTES: Final = ("word/footnotes.xml", "word/endnotes.xml")
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_COMMENT_BYTES: Final = 65_535
_DIRECTORY_BYTES: Final = 4_000_000  # of the list of entries: some 40,000 of them
_FALSE: Final = frozenset({"0", "false", "off"})
_BLANKS: Final = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def document_text(location: str, limits: LimitsSpec) -> str:
    """The visible text of a DOCX: a line for each paragraph, then its notes; not cleaned.

    Headers, footers, comments and what was deleted or hidden stay out. Only those parts are
    unpacked, none beyond ``max_text_bytes``: an archive inside of the archive, such as an embedded
    document, is never opened. Raises MediaError: too-many-entries, too-many-bytes, too-deep,
    encrypted, not-docx, decode-error.
    """
    path = Path(location)
    _check_directory(path)
    with decoding("text"), zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        if _BODY not in names:
            raise MediaError("text", "not-docx", "a zip archive without a Word document")
        parts, size = [], 0
        for name in (_BODY, *(note for note in _NOTES if note in names)):
            part = _unpacked(archive, name, size, limits)
            size += len(part)
            parts.append(_Text(limits).read(part))
    return "\n".join(parts)


def _check_directory(path: Path) -> None:
    """Refuse what is encrypted as a whole, and a list of entries that would not fit in memory."""
    with path.open("rb") as file:
        if file.read(len(_OLE)) == _OLE:
            raise MediaError("text", "encrypted", "an Office document with a password, or .doc")
        size = file.seek(0, 2)
        file.seek(max(0, size - _END_BYTES - _COMMENT_BYTES))
        tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or end + _END_BYTES > len(tail):
        return  # zipfile says what is wrong
    (directory,) = struct.unpack_from("<I", tail, end + 12)
    if directory > _DIRECTORY_BYTES:
        message = f"a list of entries above {_DIRECTORY_BYTES} bytes"
        raise MediaError(STAGE, "too-many-entries", message)


def _unpacked(archive: zipfile.ZipFile, name: str, before: int, limits: LimitsSpec) -> bytes:
    entry = archive.getinfo(name)
    if entry.flag_bits & 1:
        raise MediaError("text", "encrypted", "a zip archive with a password")
    if entry.header_offset < 0:  # a false place of the list moves all others
        raise MediaError("text", "decode-error", "an entry before the beginning of the file")
    check_text_bytes(before + entry.file_size, limits)
    with archive.open(entry) as file:
        return file.read(entry.file_size + 1)


class _Text:
    """Collects the text of one part while it is parsed; no tree is built, no entity is read."""

    def __init__(self, limits: LimitsSpec) -> None:
        self._limits = limits
        self._found: list[str] = []
        self._depth = self._skipped = self._in_text = 0
        self._run: list[str] = []
        self._hidden = False

    def read(self, part: bytes) -> str:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.Parse(part, True)
        return "".join(self._found)

    def _doctype(self, *_: object) -> None:
        raise MediaError("text", "decode-error", "a document type in a Word document")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        check_nesting(self._depth, self._limits)
        if self._skipped or name == _FALLBACK:
            self._skipped += 1
            return
        tag = _tag(name)
        if tag == "r":
            self._flush()  # of a run around a text box
        elif tag == "vanish":
            self._hidden = attributes.get(name.removesuffix(tag) + "val", "1") not in _FALSE
        elif tag == "t":
            self._in_text += 1
        elif tag in _BLANKS:
            self._run.append(_BLANKS[tag])

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._skipped:
            self._skipped -= 1
            return
        tag = _tag(name)
        if tag == "t":
            self._in_text -= 1
        elif tag == "r":
            self._flush()
        elif tag == "p":
            self._found.append("\n")

    def _flush(self) -> None:
        if not self._hidden:
            self._found.extend(self._run)
        self._run, self._hidden = [], False

    def _characters(self, text: str) -> None:
        if self._in_text and not self._skipped:
            self._run.append(text)


def _tag(name: str) -> str:
    """The local name of an element of WordprocessingML; empty for others."""
    space = next((one for one in (_W, _STRICT_W) if name.startswith(one)), None)
    return "" if space is None else name[len(space) :]
