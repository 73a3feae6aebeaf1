from __future__ import annotations

import subprocess
import sys

import numpy as np

from mmcore.encoders.embedded_audio import build
from mmcore.encoders.spectra import statistics
from mmcore.media.sounds.windows import windows
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from tests import media
from tests.made import sounds as made

ENCODER = build(SegmentationSpec(), RuntimeSpec())


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


def test_sounds_are_shaped_without_torch():
    """A decoding process that loads it takes 300 MB more, each of them."""
    code = (
        "import sys, numpy as np; from mmcore.encoders.embedded_audio import build;"
        "from mmcore.specs import RuntimeSpec, SegmentationSpec;"
        "build(SegmentationSpec(), RuntimeSpec()).prepare(np.zeros(16_000, np.float32));"
        "import mmcore.media.sounds.cut; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
