"""Tests of mmcore/media/sounds/chunks.py."""

from __future__ import annotations

import pytest

from mmcore.media.sounds.chunks import declared_bytes
from tests.made import sounds as made

SECOND = made.wav_bytes(made.pcm(1.0))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("wav-16", 44_100 * 4),
        ("wav-24", 44_100 * 6),
        ("wav-u8", 44_100 * 2),
        ("wav-extensible-6", 48_000 * 18),
        ("wav-rf64", 44_100 * 4),
        ("w64", 44_100 * 4),
        ("caf", 44_100 * 6),
        ("aiff", 0),
    ],
)
def test_the_header_counts_the_bytes_of_samples(tmp_path, name, wanted):
    """They are counted also where the file ends before them; other formats have no such count."""
    path = made.sound(tmp_path / f"a.{made.FORMATS[name].suffix}", name, 1.0)
    assert declared_bytes(str(path)) == wanted
    path.write_bytes(path.read_bytes()[:5000])

    assert declared_bytes(str(path)) == wanted


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", 0),
        (b"RIFF", 0),
        (SECOND[:42], 0),
        (SECOND[:44], 32_000),
        (made.wav_bytes(made.pcm(1.0), declared=0xFFFF_FFFF), 0xFFFF_FFFF),
        (b"caff\0\1\0\0junk" + b"\xff" * 8, 0),
        (b"caff\0\1\0\0data" + bytes(8), 0),
    ],
)
def test_broken_headers_are_read_as_far_as_they_go(tmp_path, data, wanted):
    """What is not there counts nothing, and a placeholder is handed on."""
    path = tmp_path / "a"
    path.write_bytes(data)

    assert declared_bytes(str(path)) == wanted
