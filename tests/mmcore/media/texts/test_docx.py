"""Tests of mmcore/media/texts/docx.py."""

import pytest

from mmcore.errors import MediaError
from mmcore.media.texts.docx import document_text
from mmcore.specs import LimitsSpec
from tests.made import documents

LIMITS = LimitsSpec()
BODY = "word/document.xml"


def read(path, limits=LIMITS):
    """Lines with words."""
    return [line for line in document_text(str(path), limits).split("\n") if line.strip()]


def made(tmp_path, inner, **more):
    """A DOCX of hand-written parts."""
    return documents.archive(tmp_path / "a", {BODY: documents.body(inner)} | more)


def test_paragraphs_and_tables_in_order(tmp_path):
    """As Word writes them: a line for each paragraph and each cell."""
    path = documents.word(tmp_path / "a", ["一只青蛙。", "A\tfrog."], [["a", "b"], ["c", "d"]])

    assert read(path) == ["一只青蛙。", "A\tfrog.", "a", "b", "c", "d"]


def test_what_nobody_sees_is_left_out(tmp_path):
    """Deleted and hidden text, fields and fallbacks leave nothing; notes come last."""
    path = made(
        tmp_path,
        "<w:p><w:r><w:t>seen</w:t><w:br/><w:t>too</w:t></w:r>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
        "<w:r><w:rPr><w:vanish w:val='0'/></w:rPr><w:t> shown</w:t></w:r>"
        "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:r><w:instrText>PAGE</w:instrText></w:r>"
        "<m:Fallback xmlns:m='http://schemas.openxmlformats.org/markup-compatibility/2006'>"
        "<w:r><w:t>again</w:t></w:r></m:Fallback></w:p>",
        **{"word/footnotes.xml": documents.body("<w:p><w:r><w:t>note</w:t></w:r></w:p>")},
    )

    assert read(path) == ["seen", "too shown", "note"]


def test_a_text_box_loses_no_text_before_it(tmp_path):
    """A paragraph inside of a run does not end what the run had said."""
    box = "<w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbxContent>"
    path = made(tmp_path, f"<w:p><w:r><w:t>before </w:t>{box}<w:t>after</w:t></w:r></w:p>")

    assert "".join(read(path)) == "before boxafter"


def test_an_archive_in_the_archive_is_never_opened(tmp_path):
    """A document that is embedded leaves nothing, and costs nothing: no limit counts its bytes."""
    inner = documents.word(tmp_path / "inner", ["inside " * 50_000], []).read_bytes()
    path = made(
        tmp_path,
        "<w:p><w:r><w:t>outside</w:t></w:r></w:p>",
        **{"word/embeddings/inner.docx": inner, "word/document.zip": inner},
    )

    assert read(path, LimitsSpec(max_text_bytes=1000)) == ["outside"]


def not_a_zip(path):
    """Bytes that only begin like a zip."""
    path.write_bytes(b"PK\x03\x04 frog")
    return path


def with_password(path):
    """What Office writes around a document with a password."""
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504))
    return path


def locked(path):
    """A zip whose first entry says that it is encrypted."""
    raw = bytearray(documents.archive(path, {BODY: documents.body("")}).read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + flags] |= 1
    path.write_bytes(raw)
    return path


def of(text):
    """A maker of a DOCX with this main part."""
    return lambda path: documents.archive(path, {BODY: text})


DEEP = "<w:p>" * 300 + "</w:p>" * 300


@pytest.mark.parametrize(
    ("make", "stage", "reason"),
    [
        (not_a_zip, "text", "decode-error"),
        (with_password, "text", "encrypted"),
        (locked, "text", "encrypted"),
        (of("<w:document"), "text", "decode-error"),
        (of(documents.body("x" * 2000)), "limits", "too-many-bytes"),
        (of(documents.body(DEEP[:1500] + DEEP[-1800:])), "limits", "too-many-bytes"),
        (of("<!DOCTYPE d [<!ENTITY a 'b'>]><d>&a;</d>"), "text", "decode-error"),
        (lambda path: documents.archive(path, {"xl/workbook.xml": "x"}), "text", "not-docx"),
    ],
)
def test_what_is_no_readable_document_is_rejected(tmp_path, make, stage, reason):
    """Each has its reason; nothing is unpacked beyond the limit."""
    with pytest.raises(MediaError) as caught:
        read(make(tmp_path / "a"), LimitsSpec(max_text_bytes=1500))

    assert (caught.value.stage, caught.value.reason) == (stage, reason)


def test_nesting_is_bounded(tmp_path):
    """Elements beyond the limit are a limit's rejection."""
    with pytest.raises(MediaError) as caught:
        read(made(tmp_path, DEEP))

    assert (caught.value.stage, caught.value.reason) == ("limits", "too-deep")


def test_a_list_of_very_many_entries_is_not_read(tmp_path):
    """It would take memory before anything is known of the file."""
    path = made(tmp_path, "")
    raw = bytearray(path.read_bytes())
    end = raw.rindex(b"PK\x05\x06")
    raw[end + 12 : end + 16] = (5_000_000).to_bytes(4, "little")
    path.write_bytes(raw)

    with pytest.raises(MediaError) as caught:
        read(path)
    assert (caught.value.stage, caught.value.reason) == ("limits", "too-many-entries")


def test_an_entry_outside_of_the_file_is_no_error_of_the_disk(tmp_path):
    """A list that says it lies later than it does puts the entries before the beginning."""
    path = made(tmp_path, "")
    raw = bytearray(path.read_bytes())
    end = raw.rindex(b"PK\x05\x06")
    raw[end + 16 : end + 20] = (2**31).to_bytes(4, "little")
    path.write_bytes(raw)

    with pytest.raises(MediaError) as caught:
        read(path)
    assert (caught.value.stage, caught.value.reason) == ("text", "decode-error")
