from mmcore.media.texts.cut import texts_of
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.training.captions import caption_key_of
from mmcore.training.split import key_of
from mmcore.types import Content
from storage.schemas import Modality, content_id

SPEC, LIMITS = SegmentationSpec(text_chars=40), LimitsSpec()
LONG = "The first sentence of a text. " * 8


def content(path, text):
    """A text file as a crawl found it."""
    raw = text.encode()
    path.write_bytes(raw)
    place = (len(raw), "media", path.name, str(path))
    return Content(content_id(raw), Modality.TEXT, "text/plain", *place)


def test_the_key_is_that_of_the_texts_segments(tmp_path):
    """It is made of the chunks, joined, as rows with texts have it."""
    found = content(tmp_path / "a.txt", LONG)
    cut = texts_of(found, SPEC, LIMITS)

    assert len(cut) > 1
    assert caption_key_of(found, SPEC, LIMITS) == key_of(" ".join(cut))


def test_a_text_that_is_another_by_now_has_no_key(tmp_path):
    """Its key would be of words that its content id does not stand for."""
    found = content(tmp_path / "a.txt", "A red ship.")
    (tmp_path / "a.txt").write_text("A tin ship.", encoding="utf-8")

    assert caption_key_of(found, SPEC, LIMITS) is None
    (tmp_path / "a.txt").unlink()
    assert caption_key_of(found, SPEC, LIMITS) is None
