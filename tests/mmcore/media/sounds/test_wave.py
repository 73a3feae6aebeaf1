"""Tests of mmcore/media/sounds/wave.py."""

from __future__ import annotations

import struct

import pytest

from mmcore.media.sounds.wave import is_understated
from tests.made import sounds as made

HALF = made.wav_bytes(made.pcm(1.0), declared=16_000)
WHOLE = made.wav_bytes(made.pcm(1.0))


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (HALF, True),
        (WHOLE, False),
        (WHOLE + b"LIST" + struct.pack("<I", 4) + b"INFO", False),
        (WHOLE + b"ID3\x04\0\0\0\0\0\0", False),
        (WHOLE + bytes(500), False),
        (WHOLE[:-1000], False),
        (made.wav_bytes(made.pcm(1.0), declared=0), False),
        (made.wav_bytes(made.pcm(1.0), declared=0xFFFF_FFFF), False),
        (HALF[:30], False),
        (b"RIFF", False),
        (b"", False),
    ],
)
def test_only_sound_behind_the_data_makes_a_header_say_too_little(tmp_path, data, wanted):
    """Chunks, tags, padding, an early end and an unknown length are no sound that is left out."""
    path = tmp_path / "a.wav"
    path.write_bytes(data)

    assert is_understated(str(path)) == wanted


def test_a_chunk_behind_odd_data_may_lack_its_padding(tmp_path):
    """A writer that forgot the byte that makes a chunk even has said how long its sound is."""
    data = WHOLE[:44] + WHOLE[44:-1] + b"LIST" + struct.pack("<I", 4) + b"INFO"
    path = tmp_path / "a.wav"
    path.write_bytes(data[:40] + struct.pack("<I", 31_999) + data[44:])

    assert not is_understated(str(path))
