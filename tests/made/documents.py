"""Makers of small real documents: PDF with text, DOCX, zip archives."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import docx

from mmcore.types import Content
from storage.schemas import Modality, content_id

ENCRYPTION = b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>" % (b"41" * 32, b"42" * 32)


def content(path: Path, media_type: str) -> Content:
    """The content of a file as a text of the given media type."""
    data = path.read_bytes()
    place = (len(data), "media", path.name, str(path))
    return Content(content_id(data), Modality.TEXT, media_type, *place)


def pdf(path: Path, pages: Sequence[str | None], *, encrypted: bool = False) -> Path:
    """Write a PDF of one font that maps its glyphs to Unicode; None makes a page that is missing.

    Lines stand below each other; an empty text makes a page without any.
    """
    texts = [text or "" for text in pages]
    characters = sorted({one for text in texts for one in text if one != "\n"})
    codes = {one: index + 1 for index, one in enumerate(characters)}
    kids = [10 + 2 * index for index in range(len(pages))]
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Count %d /Kids [%s] >>"
        % (len(pages), b" ".join(b"%d 0 R" % kid for kid in kids)),
        3: b"<< /Type /Font /Subtype /Type0 /BaseFont /Made /Encoding /Identity-H"
        b" /DescendantFonts [4 0 R] /ToUnicode 6 0 R >>",
        4: b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Made /DW 600 /FontDescriptor 5 0 R"
        b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>",
        5: b"<< /Type /FontDescriptor /FontName /Made /Flags 4 /FontBBox [0 0 600 800]"
        b" /ItalicAngle 0 /Ascent 800 /Descent 0 /CapHeight 700 /StemV 80 >>",
        6: _stream(_unicode_map(codes)),
    }
    for kid, text, given in zip(kids, texts, pages, strict=True):
        if given is not None:
            objects[kid] = (
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R"
                b" /Resources << /Font << /F 3 0 R >> >> >>" % (kid + 1)
            )
            objects[kid + 1] = _stream(_shown(text, codes))
    if encrypted:
        objects[7] = ENCRYPTION
    path.write_bytes(_assembled(objects, encrypted=encrypted))
    return path


def word(path: Path, paragraphs: Iterable[str], table: Sequence[Sequence[str]] = ()) -> Path:
    """Write a DOCX of paragraphs and, if cells are given, a table after them."""
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    if table:
        made = document.add_table(len(table), len(table[0]))
        for row, cells in zip(made.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    document.save(str(path))
    return path


def archive(path: Path, entries: dict[str, bytes | str]) -> Path:
    """Write a zip of the given entries, in their order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in entries.items():
            made.writestr(name, data)
    return path


def body(inner: str) -> str:
    """A Word document's main part around ``inner``."""
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    return (
        f'<?xml version="1.0"?><w:document xmlns:w="{space}"><w:body>{inner}</w:body></w:document>'
    )


def _shown(text: str, codes: dict[str, int]) -> bytes:
    lines = [
        b"<%s> Tj 0 -20 Td" % b"".join(b"%04x" % codes[c] for c in line)
        for line in text.split("\n")
    ]
    return b"BT /F 12 Tf 50 700 Td\n" + b"\n".join(lines) + b"\nET" if text else b""


def _unicode_map(codes: dict[str, int]) -> bytes:
    pairs = [
        b"<%04x> <%s>" % (code, one.encode("utf-16-be").hex().encode())
        for one, code in codes.items()
    ]
    return (
        b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def\n"
        b"1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        b"%d beginbfchar\n%s\nendbfchar\nendcmap end end" % (len(pairs), b"\n".join(pairs))
    )


def _stream(data: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%s\nendstream" % (len(data), data)


def _assembled(objects: dict[int, bytes], *, encrypted: bool) -> bytes:
    made = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = {}
    for number, data in objects.items():
        offsets[number] = len(made)
        made += b"%d 0 obj\n%s\nendobj\n" % (number, data)
    table = len(made)
    size = max(objects) + 1
    made += b"xref\n0 %d\n" % size
    for number in range(size):
        used = number in offsets
        made += b"%010d %05d %c \n" % (offsets.get(number, 0), 0 if used else 65535, b"fn"[used])
    lock = b" /Encrypt 7 0 R /ID [<41> <41>]" if encrypted else b""
    made += b"trailer << /Size %d /Root 1 0 R%s >>\nstartxref\n%d\n%%%%EOF" % (size, lock, table)
    return bytes(made)
