"""Tests of mmcore/media/video.py."""

import numpy as np
import pytest

from mmcore.errors import MediaError
from mmcore.media.video import frames
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Span
from storage.schemas import Modality
from tests import media

LIMITS, SPEC = LimitsSpec(), SegmentationSpec(video_interval=1.0)


def cut(path, spec=SPEC, limits=LIMITS, **options):
    """All frames of a file."""
    return list(frames(media.content(path, Modality.VIDEO), limits, spec, **options))


def grey(image):
    """Mean level of the part of a test video that is not red."""
    return float(np.asarray(image)[:, image.width // 2 :].mean())


def test_one_frame_an_interval(tmp_path):
    """Each second of the test video has its own grey, 40 levels apart: each gives its frame."""
    found = cut(media.mp4(tmp_path / "a.mp4", 4.0))

    assert [span for span, _ in found] == [Span(n, n + 1.0, "second") for n in range(4)]
    assert [grey(image) for _, image in found] == pytest.approx([0, 40, 80, 120], abs=4)
    assert {image.mode for _, image in found} == {"RGB"}


def test_a_long_video_is_sampled_more_sparsely(tmp_path):
    """With at most two frames the intervals of a 4 s video are 2 s long."""
    found = cut(media.mp4(tmp_path / "a.mp4", 4.0), SegmentationSpec(video_max_frames=2))

    assert [span for span, _ in found] == [Span(0.0, 2.0, "second"), Span(2.0, 4.0, "second")]
    assert [grey(image) for _, image in found] == pytest.approx([40, 120], abs=4)


@pytest.mark.parametrize("gop", [5, 500])
def test_seeking_finds_the_same_frames(tmp_path, gop):
    """Far frames are sought, unless one key frame serves them all: the frames are the same."""
    path = media.mp4(tmp_path / "a.mp4", 40.0, fps=2, size=(16, 16), gop=gop, sound=False)
    spec = SegmentationSpec(video_interval=1.0, video_max_frames=4)
    dense = dict(cut(path))

    assert len(dense) == 40
    assert [grey(i) for _, i in cut(path, spec)] == pytest.approx(
        [grey(dense[Span(second, second + 1.0, "second")]) for second in (5, 15, 25, 35)], abs=1
    )


def test_a_short_clip_gives_one_frame(tmp_path):
    """0.3 s are one interval."""
    ((span, _),) = cut(media.mp4(tmp_path / "a.mp4", 0.3))

    assert span == Span(0.0, 0.3, "second")


@pytest.mark.parametrize(("rotation", "edge"), [(90, "bottom"), (-90, "top"), (180, "right")])
def test_rotation_is_applied(tmp_path, rotation, edge):
    """The red left edge goes where the display matrix turns it (counterclockwise)."""
    ((_, image),) = cut(media.mp4(tmp_path / "a.mp4", 0.5, rotation=rotation))
    pixels = np.asarray(image).astype(int)
    places = {"bottom": pixels[-2:], "top": pixels[:2], "right": pixels[:, -2:]}

    assert image.size == ((64, 48) if rotation == 180 else (48, 64))
    assert places[edge][..., 0].mean() > 230
    assert places[edge][..., 1].mean() < 25


def test_frames_are_shrunk_to_no_less_than_twice_the_target(tmp_path):
    """Of 64 × 48 with target 8 the shorter side becomes 16."""
    ((_, image),) = cut(media.mp4(tmp_path / "a.mp4", 0.5), target=8)

    assert image.size == (21, 16)


def test_a_video_file_with_sound_alone_has_no_frames(tmp_path):
    """An MP4 that holds sound alone is no error: its sound is used."""
    assert cut(media.mp4(tmp_path / "a.mp4", 0.5, pictures=False)) == []


def test_a_video_without_a_declared_length_is_measured(tmp_path):
    """Raw H.264 in MPEG-TS or Matroska without a duration is cut by its time stamps."""
    import av

    path = tmp_path / "a.mkv"
    with av.open(str(path), "w", format="matroska", options={"live": "1"}) as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
        for index in range(20):
            container.mux(stream.encode(media._video_frame(index, 10, (32, 32))))
        container.mux(stream.encode(None))

    assert [span.start for span, _ in cut(path)] == [0.0, pytest.approx(1.0, abs=0.05)]


def test_a_video_that_ends_early_is_what_it_holds(tmp_path):
    """Half a file gives the first frames with the same spans, and no damaged one."""
    path = media.mp4(tmp_path / "a.mp4", 4.0)
    whole = cut(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    half = cut(path)

    assert 0 < len(half) < len(whole)
    assert [span for span, _ in half] == [span for span, _ in whole][: len(half)]
    assert [grey(i) for _, i in half] == pytest.approx([0, 40, 80, 120][: len(half)], abs=4)


def test_a_video_without_its_headers_is_rejected(tmp_path):
    """An MP4 that ends within its first header has no stream to decode."""
    path = media.mp4(tmp_path / "a.mp4", 1.0)
    path.write_bytes(path.read_bytes()[:200])

    with pytest.raises(MediaError) as caught:
        cut(path)
    assert caught.value.reason == "no-stream"


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
