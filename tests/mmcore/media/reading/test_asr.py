"""Tests of mmcore/media/reading/asr.py: a model that says one phrase, the real detector."""

import numpy as np
import pytest

from mmcore.media.reading import asr
from mmcore.media.reading.readers import readers_of
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Span
from tests import media
from tests.made.speech import PHRASE, speechlike, tiny_whisper

pytest.importorskip("faster_whisper")

LIMITS = LimitsSpec()


@pytest.fixture(scope="module")
def spec(tmp_path_factory) -> SegmentationSpec:
    """Speech is read by the tiny model."""
    folder = tiny_whisper(tmp_path_factory.mktemp("models") / "tiny")
    return SegmentationSpec(asr=str(folder))


def written(path, samples):
    """A WAV of samples at 16 kHz, as content."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return media.content(path)


def test_speech_is_read_with_its_time(tmp_path, spec):
    """The phrase of the model, between the seconds that it says, by this very reader."""
    content = written(tmp_path / "a.wav", speechlike(3.0))
    (reader,) = readers_of(spec)
    (piece,) = asr.read_speech(content, reader.source, spec, LIMITS)

    assert (piece.text, piece.kind, piece.source) == (PHRASE, "asr", reader.source)
    assert piece.span == Span(0.0, 2.0, "second")


def test_what_is_no_speech_is_not_read(tmp_path, spec):
    """A tone and silence have no text, whatever the model would say."""
    (reader,) = readers_of(spec)
    for name, samples in {"tone": media.tone(3.0), "silence": np.zeros(48_000)}.items():
        content = written(tmp_path / f"{name}.wav", samples)

        assert not list(asr.read_speech(content, reader.source, spec, LIMITS))


def test_a_long_recording_is_read_in_blocks(tmp_path, spec, monkeypatch):
    """Times are those of the whole recording."""
    monkeypatch.setattr(asr, "BLOCK", 4.0)
    content = written(tmp_path / "a.wav", speechlike(8.0))
    (reader,) = readers_of(spec)
    cues = spec.model_copy(update={"text_chars": len(PHRASE)})
    found = list(asr.read_speech(content, reader.source, cues, LIMITS))

    assert [piece.span.start for piece in found] == [0.0, 4.0]
