from __future__ import annotations

import numpy as np
import pytest
import torch

from mmcore.encoders.embedded_audio import build
from mmcore.encoders.spectra import statistics
from mmcore.media.sounds.windows import windows
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from tests import media
from tests.made import sounds as made

ENCODER = build(SegmentationSpec(), RuntimeSpec())


@pytest.fixture
def threads():
    """Sets torch's threads, and puts them back."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("samples", [900, 1600, 52_341, 160_000])
def test_threads_do_not_change_a_bit(threads, samples):
    """The statistics are the same to the last bit on one thread and on several."""
    sound = made.noise(10.0, 0.1)[:samples]
    threads(1)
    alone = ENCODER.prepare(sound)
    for count in (2, 3, 4):
        threads(count)
        np.testing.assert_array_equal(ENCODER.prepare(sound), alone)


def test_the_same_file_twice_is_the_same_vector(tmp_path):
    """In whatever order files are read, each has the vector that it had before."""
    spec = SegmentationSpec()
    paths = [
        made.sound(tmp_path / f"{name}.{made.FORMATS[name].suffix}", name)
        for name in ("flac", "mp3", "ogg-opus", "wav-adpcm-ms")
    ]

    def vector(path):
        ((_, samples),) = windows(media.content(path), LimitsSpec(), spec)
        return ENCODER.encode_query(samples)

    forth = [vector(path) for path in paths]
    back = [vector(path) for path in reversed(paths)][::-1]

    for first, second in zip(forth, back, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_samples_own_level_is_no_matter():
    """Very loud numbers of a float file give finite statistics like those of quiet ones."""
    loud, quiet = statistics(made.noise(1.0, 1e5)), statistics(made.noise(1.0, 0.1))

    for name, values in loud.items():
        np.testing.assert_allclose(values, quiet[name], rtol=1e-3, atol=1e-3)
