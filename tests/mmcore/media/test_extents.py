"""Tests of mmcore/media/extents.py."""

from __future__ import annotations

import pytest

from mmcore.errors import MediaError
from mmcore.media.extents import ends_early, telling_cuts
from tests import media
from tests.made import images, videos
from tests.made import sounds as sounds_made


def _made(folder, name):
    """A sound file whose name tells what it is."""
    path = folder / name
    if name.endswith((".mp4", ".mkv", ".avi")):
        return videos.video(path, 20, paint=videos.textured)
    if name.endswith((".wav", ".aiff")):
        return sounds_made.sound(path, "wav-16" if name.endswith("wav") else "aiff")
    images.noisy(128, 128).save(path)
    return path


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 1.0])
@pytest.mark.parametrize(
    "name",
    ["a.mp4", "a.mkv", "a.avi", "a.wav", "a.aiff", "a.webp", "a.avif", "a.jp2", "a.j2k", "a.icns"],
)
def test_a_cut_file_is_shorter_than_it_says(tmp_path, name, share):
    """What is left of a file is told from a whole one by the sizes in its head."""
    path = videos.shortened(_made(tmp_path, name), share)

    assert ends_early(str(path)) == (share < 1)


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF", bytes(100), b"\x1a\x45\xdf\xa3" + bytes(20), bytes(4) + b"ftyp" + bytes(30)],
)
def test_what_tells_no_size_is_not_said_to_be_cut(tmp_path, data):
    """Where a file says nothing, or nonsense, it is not known to be shorter."""
    path = tmp_path / "a"
    path.write_bytes(data)

    assert not ends_early(str(path))


@pytest.mark.parametrize(
    ("reason", "wanted"), [("decode-error", "truncated"), ("too-many-pixels", "too-many-pixels")]
)
def test_only_what_a_cut_explains_is_explained_by_it(tmp_path, reason, wanted):
    """A limit that a cut file exceeds stays one."""
    path = videos.shortened(media.wav(tmp_path / "a.wav"))

    with pytest.raises(MediaError) as caught, telling_cuts(str(path)):
        raise MediaError("audio", reason, "so it is")
    assert (caught.value.stage, caught.value.reason) == ("audio", wanted)
