"""Tests of mmcore/media/reading/ocr.py, with the real models of RapidOCR."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from mmcore.media.pieces import Piece
from mmcore.media.reading import ocr
from mmcore.media.reading.ocr import lines_of, read_pictures
from mmcore.media.reading.readers import readers_of
from mmcore.specs import LimitsSpec, SegmentationSpec
from tests import media

pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

SPEC = SegmentationSpec(ocr=True)
LIMITS = LimitsSpec()


def written(*lines: tuple[str, tuple[int, int]], size=(800, 400)) -> Image.Image:
    """White paper with lines of black text at the given places."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    for text, place in lines:
        draw.text(place, text, fill="black", font=ImageFont.load_default(40))
    return image


def test_a_line_is_read_with_its_place():
    """The box holds the words: shares of the picture's width and height."""
    (line,) = lines_of(written(("HELLO WORLD 2026", (80, 100))))

    assert line.text == "HELLO WORLD 2026"
    left, top, right, bottom = line.box
    assert 0.05 < left < 0.12
    assert 0.5 < right < 0.65
    assert 0.2 < top < 0.3
    assert 0.33 < bottom < 0.4


def test_a_picture_without_text_has_no_piece(tmp_path):
    """Nothing is read into a coloured square."""
    content = media.content(media.png(tmp_path / "a.png", Image.new("RGB", (200, 200), "red")))
    (reader,) = readers_of(SPEC)

    assert not list(read_pictures(content, reader.source, SPEC, LIMITS))


def test_pieces_say_who_read_them_and_where(tmp_path):
    """Source, kind, language and box; lines that fit share a chunk, others have their own."""
    image = written(("THE FIRST LINE", (40, 40)), ("ANOTHER LINE", (40, 300)))
    content = media.content(media.png(tmp_path / "a.png", image))
    (reader,) = readers_of(SPEC)
    (both,) = read_pictures(content, reader.source, SPEC, LIMITS)
    short = SPEC.model_copy(update={"text_chars": 16})
    first, second = read_pictures(content, reader.source, short, LIMITS)

    assert isinstance(both, Piece)
    assert both.text == "THE FIRST LINE\nANOTHER LINE"
    assert (both.source, both.kind, both.language) == (reader.source, "ocr", "en")
    assert (first.text, second.text) == ("THE FIRST LINE", "ANOTHER LINE")
    assert first.span.box[3] < second.span.box[1]
    assert both.span.box[1] == first.span.box[1]
    assert both.span.box[3] == second.span.box[3]


def test_a_lone_letter_is_no_text(monkeypatch):
    """A ring passes for an O, whatever the model thinks of it; a Han character is a word."""
    corners = np.array([[0, 0], [8, 0], [8, 8], [0, 8]])
    found = SimpleNamespace(txts=("O", "店", "OK"), scores=(0.99,) * 3, boxes=(corners,) * 3)
    monkeypatch.setattr(ocr, "_engine", lambda: lambda _: found)

    assert [line.text for line in lines_of(Image.new("RGB", (8, 8)))] == ["店", "OK"]
