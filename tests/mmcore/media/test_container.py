from __future__ import annotations

import errno

import av
import pytest

from mmcore.errors import MediaError
from mmcore.media.container import opened, reading
from storage.schemas import Modality
from tests import media
from tests.made import videos


@pytest.mark.parametrize("data", [b"", b"RIFF", b"ID3\x03\0\0\0\0\0\x7f", bytes(5000)])
def test_a_seek_out_of_a_file_is_no_error_of_the_system(tmp_path, data):
    """A demuxer that is led before the beginning of a tiny file rejects it, like any other."""
    path = tmp_path / "a.mp3"
    path.write_bytes(data)

    with pytest.raises(MediaError) as caught, opened(media.content(path, Modality.AUDIO), "audio"):
        pass
    assert caught.value.reason == "decode-error"


def test_a_name_is_never_a_protocol(tmp_path):
    """A file is read, whatever its name would mean to FFmpeg, and no message tells its path."""
    path = media.wav(tmp_path / "concat:a|b.wav", 0.1)

    with opened(media.content(path), "audio") as container:
        assert container.format.name == "wav"
    path.write_bytes(b"RIFF and nothing")
    with pytest.raises(MediaError) as caught, opened(media.content(path, Modality.AUDIO), "audio"):
        pass
    assert str(tmp_path) not in caught.value.message


def test_a_cut_file_that_cannot_be_opened_is_told_so(tmp_path):
    """A download that broke off before an MP4's index is truncated, not damaged."""
    path = media.content(videos.shortened(videos.video(tmp_path / "a.mp4")))

    with pytest.raises(MediaError) as caught, opened(path, "video"):
        pass
    assert (caught.value.stage, caught.value.reason) == ("video", "truncated")


def test_ffmpegs_own_io_error_is_no_fault_of_the_disk():
    """What a broken container makes FFmpeg call EIO is a decoder's; the disk's comes through."""
    with pytest.raises(MediaError) as caught, reading("video"):
        raise av.error.OSError(errno.EIO, "Input/output error")
    assert caught.value.reason == "decode-error"
    assert "output" not in caught.value.message
    with pytest.raises(OSError, match="disk"), reading("video"):
        raise OSError(errno.EIO, "disk")
