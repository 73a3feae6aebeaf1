"""Tests of mmcore/media/limits.py, and of all decoders with damaged files."""

import warnings
from contextlib import suppress

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmcore.errors import MediaError
from mmcore.media import limits
from mmcore.media.images.load import load_image
from mmcore.media.sounds.windows import windows
from mmcore.media.texts.read import read_text
from mmcore.media.videos.frames import frames
from mmcore.specs import LimitsSpec, SegmentationSpec
from storage.schemas import Modality
from tests import media

SPEC = SegmentationSpec()
SMALL = LimitsSpec(max_pixels=100_000, max_seconds=60)
READERS = {
    "jpg": (Modality.IMAGE, lambda c: load_image(c, SMALL, target=8)),
    "png": (Modality.IMAGE, lambda c: load_image(c, SMALL, target=8)),
    "wav": (Modality.AUDIO, lambda c: list(windows(c, SMALL, SPEC))),
    "mp4": (Modality.VIDEO, lambda c: [*windows(c, SMALL, SPEC), *frames(c, SMALL, SPEC)]),
    "txt": (Modality.TEXT, lambda c: read_text(c, SMALL)),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of one good file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    media.jpeg(folder / "a.jpg", media.noise())
    media.png(folder / "a.png", media.noise())
    media.wav(folder / "a.wav", 0.3)
    media.mp4(folder / "a.mp4", 0.5, size=(32, 32))
    media.text(folder / "a.txt", "一只绿色的青蛙。A green frog." * 3, "gb18030")
    return {path.suffix[1:]: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("kind", READERS)
@given(st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_damaged_bytes_are_decoded_or_rejected(kind, whole, tmp_path, data):
    """Whatever bytes are lost or changed, there is a result or a MediaError, nothing else."""
    modality, read = READERS[kind]
    raw = bytearray(whole[kind])
    places = st.integers(0, len(raw) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=20)):
        raw[place] = value
    path = tmp_path / f"damaged.{kind}"
    path.write_bytes(raw[: data.draw(places) or None])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        with suppress(MediaError):
            read(media.content(path, modality))


@pytest.mark.parametrize(
    ("check", "least", "reason"),
    [
        (limits.check_bytes, 11, "too-many-bytes"),
        (limits.check_text_bytes, 11, "too-many-bytes"),
        (limits.check_seconds, 11, "too-long"),
        (limits.check_segments, 11, "too-many-segments"),
        (limits.check_pages, 11, "too-many-pages"),
        (limits.check_nesting, 11, "too-deep"),
    ],
)
def test_a_limit_lets_itself_pass(check, least, reason):
    """Ten of ten are fine, one more is a MediaError of the stage "limits"."""
    kinds = ("bytes", "text_bytes", "seconds", "segments", "pages", "nesting")
    ten = LimitsSpec(**{f"max_{kind}": 10 for kind in kinds})
    check(10, ten)

    with pytest.raises(MediaError, match=r"11 .*, the limit is 10") as caught:
        check(least, ten)
    assert (caught.value.stage, caught.value.reason) == ("limits", reason)


def test_the_heart_beats_while_things_are_taken():
    """At the first, then now and then; the things stay as they are."""
    beats = []
    before = limits.heartbeat.set(lambda: beats.append(1))
    try:
        taken = limits.beating(iter(range(10_000)))
        assert next(taken) == 0
        assert beats == [1]
        assert list(taken) == list(range(1, 10_000))
    finally:
        limits.heartbeat.reset(before)

    assert 5 < len(beats) < 100


def test_pixels_are_width_by_height():
    """Ten pixels may lie in any shape."""
    limits.check_pixels(2, 5, LimitsSpec(max_pixels=10))
    with pytest.raises(MediaError):
        limits.check_pixels(1, 11, LimitsSpec(max_pixels=10))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("odd\nvalue"), "decode-error"),
        (OSError("image file is truncated"), "decode-error"),
        (MemoryError(), "out-of-memory"),
    ],
)
def test_a_decoders_error_is_a_rejection(error, reason):
    """Whatever a decoder raises has a reason code and a message of one line."""
    with pytest.raises(MediaError) as caught, limits.decoding("image"):
        raise error
    assert caught.value.reason == reason
    assert "\n" not in caught.value.message
    assert caught.value.__cause__ is error


def test_a_decoders_own_memory_error_is_one():
    """FFmpeg's error for too little memory is no damaged file."""
    error = av.error.MemoryError(12, "Cannot allocate memory")
    with pytest.raises(MediaError) as caught, limits.decoding("audio", av.FFmpegError):
        raise error

    assert caught.value.reason == limits.OUT_OF_MEMORY


def test_a_reading_error_is_not_the_files_fault():
    """An error of the system propagates, so that it is tried again."""
    with pytest.raises(OSError, match="I/O"), limits.decoding("image"):
        raise OSError(5, "I/O error")
