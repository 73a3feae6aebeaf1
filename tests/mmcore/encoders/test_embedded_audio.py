from __future__ import annotations

import numpy as np
import pytest

from mmcore.encoders.embedded_audio import NUMBERS, STATISTICS, build
from mmcore.media.sounds.windows import RATE
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality

ENCODER = build(SegmentationSpec(), RuntimeSpec())


def tone(hertz, seconds=2.0, loudness=0.3):
    """A sine."""
    time = np.arange(int(RATE * seconds)) / RATE
    return (loudness * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def noise(seed, seconds=2.0):
    """White noise."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.1, int(RATE * seconds)).astype(np.float32)


def test_like_sounds_are_close():
    """Two noises are closer to each other than to a tone, though no sample is the same."""
    first, second, sine = (ENCODER.encode_query(w) for w in (noise(1), noise(2), tone(440)))

    assert first @ second > 0.99
    assert first @ second > first @ sine + 0.1


def test_loudness_does_not_matter():
    """A sound at a tenth of its loudness has the same vector."""
    loud, quiet = (ENCODER.encode_query(tone(440, loudness=x)) for x in (0.5, 0.05))

    assert loud @ quiet == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("samples", [0, 1, 10, 1600, 200_000])
def test_any_length_and_silence_have_a_vector(samples):
    """A sound of no sample, or of silence, is finite: no logarithm of zero."""
    vector = ENCODER.encode_query(np.zeros(samples, dtype=np.float32))

    assert np.isfinite(vector).all()
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_the_statistics_can_be_had_back():
    """A cell keeps all 432 numbers, and the groups cover them without a gap."""
    prepared = np.stack([ENCODER.prepare(noise(1)), ENCODER.prepare(tone(440))])
    groups = ENCODER.reading.groups

    np.testing.assert_allclose(
        ENCODER.reading.features(ENCODER.encode(prepared)), prepared, atol=1e-5
    )
    assert sum(count for _, count, _, _ in STATISTICS) == NUMBERS == 432
    assert [g.start for g in groups] == [0, *(g.stop for g in groups[:-1])]
    assert groups[-1].stop == NUMBERS


def test_it_reads_sounds_and_the_sound_of_videos():
    """The window's length is in the fingerprint; the key says which contents have sound."""
    other = build(SegmentationSpec(audio_window=5), RuntimeSpec()).key

    assert ENCODER.key.reads == (Modality.AUDIO, Modality.VIDEO)
    assert ENCODER.key.fingerprint != other.fingerprint
