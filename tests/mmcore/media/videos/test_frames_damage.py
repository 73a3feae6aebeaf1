"""Tests of mmcore/media/videos/frames.py: videos that are damaged, cut off or lie."""

import av
import numpy as np
import pytest

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Span
from tests import media
from tests.made import videos
from tests.mmcore.media.videos.cutting import CONTAINERS, cut, found, grey


def test_a_video_file_with_sound_alone_has_no_frames(tmp_path):
    """An MP4 that holds sound alone is no error: its sound is used."""
    assert cut(media.mp4(tmp_path / "a.mp4", 0.5, pictures=False)) == []


def test_a_video_without_a_declared_length_is_measured(tmp_path):
    """Raw H.264 in MPEG-TS or Matroska without a duration is cut by its time stamps."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w", format="matroska", options={"live": "1"}) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for index in range(20):
            container.mux(stream.encode(media._video_frame(index, 10, (32, 32))))
        container.mux(stream.encode(None))

    assert [span.start for span, _ in cut(path)] == [0.0, pytest.approx(1.0, abs=0.05)]


def test_a_video_that_ends_early_is_what_it_holds(tmp_path):
    """Half a file gives the frames of its half, and a damage for the rest."""
    path = media.mp4(tmp_path / "a.mp4", 4.0)
    half = found(videos.shortened(path))
    pieces, (damage,) = half[:-1], half[-1:]

    assert 1 <= len(pieces) < 4
    assert [grey(image) for _, image in pieces] == pytest.approx([0, 40, 80][: len(pieces)], abs=4)
    assert damage.error.reason == "truncated"
    assert damage.span.start == pieces[-1][0].end < 2.5
    assert damage.span.end == pytest.approx(4.0, abs=0.101)


def test_a_subtitle_that_outlasts_the_pictures_is_no_missing_picture(tmp_path):
    """A cue of 5 s over a video of 1 s makes the container 5 s long, and cuts nothing off."""
    path = tmp_path / "a.mkv"
    pieces = found(videos.subtitled(path, [("subrip", [(0, 5, b"Hello world")])]))

    assert [span.end for span, _ in pieces] == [1.0]


@pytest.mark.parametrize("place", [0, 15, 39])
def test_one_wild_stamp_costs_one_frame(tmp_path, place):
    """A frame that says it is shown after 5 hours does not make 4 s of others too long."""
    times = [100 * number for number in range(40)]
    path = videos.video(tmp_path / "a.mkv", 40, times=times, tuning={"bf": "0"})
    videos.restamped(path, place, 5 * 3600.0)
    pieces = found(path)

    assert not any(isinstance(piece, Damage) for piece in pieces)
    assert len(pieces) in {3, 4}
    assert pieces[-1][0].end <= 4.1
    greys = [grey(image) for _, image in pieces]
    assert greys == sorted(greys)


def test_a_video_without_its_headers_is_rejected(tmp_path):
    """An MP4 that ends within its first header has no stream to decode: it was cut off."""
    path = media.mp4(tmp_path / "a.mp4", 1.0)
    path.write_bytes(path.read_bytes()[:200])

    with pytest.raises(MediaError) as caught:
        cut(path)
    assert caught.value.reason == "truncated"


def test_limits_of_pixels_and_seconds(tmp_path):
    """A video above a limit is rejected before its frames are decoded."""
    path = media.mp4(tmp_path / "a.mp4", 2.0)

    for limits, reason in (
        (LimitsSpec(max_pixels=1000), "too-many-pixels"),
        (LimitsSpec(max_seconds=1.0), "too-long"),
    ):
        with pytest.raises(MediaError) as caught:
            cut(path, limits=limits)
        assert caught.value.reason == reason


@pytest.mark.parametrize("place", [(b"mvhd", 12), (b"mdhd", 12)])
def test_a_huge_declared_length_in_mp4_decides_nothing(tmp_path, place):
    """A header that says 596 hours over 2 s of frames: spans follow the frames."""
    path = videos.video(tmp_path / "a.mp4", 20)
    videos.patched(path, place[0], place[1] + 4, b"\x7f\xff\xff\xf0")

    assert [span.end for span, _ in found(path)] == [1.0, 2.0]


@pytest.mark.parametrize(("hours", "damages"), [(3, 1), (3000, 0)])
def test_a_huge_declared_length_in_matroska(tmp_path, hours, damages):
    """3 h over 2 s of frames may be a file cut off, so a damage says so; 3000 h is absurd."""
    path = videos.video(tmp_path / "a.mkv", 20)
    milliseconds = np.array(hours * 3_600_000, ">f8").tobytes()
    pieces = found(videos.patched(path, b"\x44\x89\x88", 0, milliseconds))

    assert [span.end for span, _ in pieces[:2]] == [1.0, 2.0]
    assert [damage.span for damage in pieces[2:]] == [Span(2.0, 10800.0, "second")] * damages


@pytest.mark.parametrize(
    ("name", "declares"),
    [("a.mp4", True), ("a.mkv", True), ("a.webm", True), ("a.flv", True), ("a.ts", False)],
)
def test_a_cut_off_tail(tmp_path, name, declares):
    """What is there is used; a damage says what is missing where the container tells."""
    options = {"codec": "libvpx", "tuning": videos.VPX} if name == "a.webm" else {}
    options["options"] = {"movflags": "faststart"} if name == "a.mp4" else {}
    path = videos.video(tmp_path / name, 100, size=(160, 120), paint=videos.textured, **options)
    pieces = found(videos.shortened(path, 0.6))
    images = [piece for piece in pieces if not isinstance(piece, Damage)]
    damages = [piece for piece in pieces if isinstance(piece, Damage)]

    assert 3 <= len(images) <= 8
    assert [d.error.reason for d in damages] == ["truncated"] * declares
    for damage in damages:
        assert damage.span.start == images[-1][0].end
        assert damage.span.end == pytest.approx(10.0, abs=0.3)


@pytest.mark.parametrize("name", ["a.mp4", "prores.mov", "a.mkv", "a.webm"])
def test_corrupt_packets_cost_their_place_only(tmp_path, name):
    """Frames before and after noise in the middle are used, a damage says where it lies."""
    options = {"prores.mov": CONTAINERS["prores.mov"], "a.webm": {"codec": "libvpx"}}.get(name, {})
    options = {"gop": 10, "tuning": videos.VPX if name == "a.webm" else None} | options
    path = videos.video(
        tmp_path / name,
        100,
        size=(160, 120),
        paint=videos.textured,
        options={"movflags": "faststart"} if name[-3:] in {"mp4", "mov"} else {},
        **options,
    )
    whole = found(path, SegmentationSpec(video_interval=0.5))
    pieces = found(videos.scrambled(path, 0.4, 0.6), SegmentationSpec(video_interval=0.5))
    images = {piece[0]: piece[1] for piece in pieces if not isinstance(piece, Damage)}
    damages = [piece for piece in pieces if isinstance(piece, Damage)]

    assert {damage.error.reason for damage in damages} == {"decode-error"}
    assert all(damage.span.start > 1 and damage.span.end < 9 for damage in damages)
    for span, image in [*whole[:4], *whole[-4:]]:
        assert grey(images[span]) == pytest.approx(grey(image), abs=9)  # frames are 2 apart
    lost = sum(d.span.end - d.span.start for d in damages)
    assert len(images) + lost / 0.5 == pytest.approx(len(whole), abs=0.01)


def test_a_size_that_changes_is_checked_again(tmp_path):
    """A frame above the limit behind a small one is never made: the video is rejected."""
    small = videos.video(tmp_path / "a.ts", 20)
    large = videos.video(tmp_path / "b.ts", 20, size=(320, 240), start=30)
    small.write_bytes(small.read_bytes() + large.read_bytes())

    assert {image.size for _, image in cut(small)} == {(64, 48), (320, 240)}
    with pytest.raises(MediaError) as caught:
        cut(small, limits=LimitsSpec(max_pixels=10_000))
    assert (caught.value.stage, caught.value.reason) == ("limits", "too-many-pixels")


def test_noise_behind_a_header_is_rejected(tmp_path):
    """A video of which nothing can be decoded is an error, with what the decoder said."""
    path = videos.video(tmp_path / "a.mkv", 20, codec="ffv1")
    with pytest.raises(MediaError) as caught:
        cut(videos.scrambled(path, 0.2, 1.0))

    assert caught.value.stage == "video"
    assert caught.value.reason in {"decode-error", "no-frames"}


def test_an_mp4_that_ends_before_its_index_is_rejected(tmp_path):
    """Without its index, which stood at the end, nothing in an MP4 can be found."""
    path = videos.video(tmp_path / "a.mp4", 40, paint=videos.textured)
    with pytest.raises(MediaError) as caught:
        cut(videos.shortened(path))

    assert (caught.value.stage, caught.value.reason) == ("video", "truncated")


def test_an_mp4_that_ends_after_its_index_is_rejected(tmp_path):
    """An index alone, without the bytes of any frame, gives nothing."""
    options = {"movflags": "faststart"}
    path = videos.video(tmp_path / "a.mp4", 40, paint=videos.textured, options=options)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + 20])
    with pytest.raises(MediaError) as caught:
        cut(path)

    assert (caught.value.stage, caught.value.reason) == ("video", "truncated")
