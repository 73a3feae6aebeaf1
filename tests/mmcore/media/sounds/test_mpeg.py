"""Tests of mmcore/media/sounds/mpeg.py."""

import struct

import pytest

from mmcore.media.sounds.mpeg import told_seconds


def written(folder, head):
    """A file that begins like an MP3."""
    path = folder / "a.mp3"
    path.write_bytes(head + bytes(100))
    return str(path)


@pytest.mark.parametrize("mark", [b"Xing", b"Info"])
def test_the_header_tells_frames(tmp_path, mark):
    """100 frames of 1152 samples at 44.1 kHz; half as many samples each at 22.05 kHz."""
    path = written(tmp_path, b"\xff\xfb\x90\x00" + bytes(32) + mark + struct.pack(">II", 1, 100))

    assert told_seconds(path, 44_100) == pytest.approx(100 * 1152 / 44_100)
    assert told_seconds(path, 22_050) == pytest.approx(100 * 576 / 22_050)


def test_fraunhofers_header_tells_frames_too(tmp_path):
    """VBRI has them 14 bytes behind its name, and may stand behind tags."""
    vbri = b"VBRI" + bytes(10) + struct.pack(">I", 50)
    tags = b"ID3\x03\0\0" + bytes([0, 0, 2, 0]) + bytes(256)
    path = written(tmp_path, tags + b"\xff\xfb\x90\x00" + bytes(32) + vbri)

    assert told_seconds(path, 44_100) == pytest.approx(50 * 1152 / 44_100)


@pytest.mark.parametrize("head", [b"", b"\xff\xfb\x90\x00", b"Xing", b"Xing" + bytes(8), b"ID3"])
def test_without_a_header_nothing_is_told(tmp_path, head):
    """Nor by one that has no number of frames, or is cut off."""
    assert told_seconds(written(tmp_path, head), 44_100) == 0
