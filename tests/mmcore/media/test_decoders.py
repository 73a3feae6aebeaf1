"""Tests of mmcore/media/decoders.py."""

from importlib.metadata import version

import pytest

from mmcore.errors import MediaError
from mmcore.media import decoders as module
from mmcore.media.decoders import READER, decoder_of, decoders, limits_decoder
from mmcore.media.sniffing.kinds import DOCX, HTML, PDF, PLAIN, SRT, SVG
from mmcore.specs import LimitsSpec
from mmcore.types import Content
from storage.schemas import Modality

LIMITS = LimitsSpec()


def decoder(modality, media_type, stage=None, reason="decode-error"):
    """Who refused a content of a kind."""
    content = Content("0" * 32, modality, media_type, 1, "media", "a", "a")
    return decoder_of(content, MediaError(stage or str(modality), reason, "no"), LIMITS)


@pytest.mark.parametrize(
    ("modality", "media_type", "package"),
    [
        (Modality.IMAGE, "image/jpeg", "pillow"),
        (Modality.IMAGE, "image/heic", "pi-heif"),
        (Modality.IMAGE, SVG, "resvg-py"),
        (Modality.AUDIO, "audio/wav", "av"),
        (Modality.VIDEO, "video/mp4", "av"),
        (Modality.TEXT, PLAIN, "charset-normalizer"),
        (Modality.TEXT, SRT, "charset-normalizer"),
        (Modality.TEXT, HTML, "selectolax"),
        (Modality.TEXT, PDF, "pypdfium2"),
    ],
)
def test_a_fault_bears_the_version_of_the_package_that_reads_the_type(
    modality, media_type, package
):
    """A new version is another decoder, so what it refused is tried again."""
    told = decoder(modality, media_type)

    assert told.startswith(f"{package} {version(package)}, mmindex-{modality} ")
    assert told in decoders(LIMITS)


def test_what_our_own_code_reads_bears_its_version_alone():
    """No package unpacks a DOCX."""
    told = decoder(Modality.TEXT, DOCX)

    assert told.startswith("mmindex-text ")
    assert told in decoders(LIMITS)


def test_a_new_version_of_a_package_is_no_more_among_the_decoders(monkeypatch):
    """What the old one refused stands no longer."""
    old = decoder(Modality.TEXT, HTML)
    module._named.cache_clear()
    monkeypatch.setattr(module, "version", lambda package: f"{version(package)}.new")
    try:
        assert old not in decoders(LIMITS)
        assert decoder(Modality.TEXT, HTML) in decoders(LIMITS)
    finally:
        module._named.cache_clear()


def test_a_reader_is_named_by_its_stage():
    """Of a picture that Pillow reads well, but RapidOCR does not."""
    told = decoder(Modality.IMAGE, "image/jpeg", stage="ocr")

    assert "rapidocr" in told
    assert told in decoders(LIMITS)


def test_a_limit_is_a_decoder():
    """A raised limit lets in what the old one kept out."""
    told = decoder(Modality.TEXT, PLAIN, stage="limits", reason="too-many-bytes")

    assert told == limits_decoder(LIMITS)
    assert told not in decoders(LimitsSpec(max_text_bytes=1))


@pytest.mark.parametrize(("stage", "reason"), [("read", "changed"), ("text", "out-of-memory")])
def test_what_is_no_decoders_fault_is_tried_again(stage, reason):
    """It is nobody's that is among the decoders."""
    assert decoder(Modality.TEXT, PLAIN, stage=stage, reason=reason) == READER
    assert READER not in decoders(LIMITS)
