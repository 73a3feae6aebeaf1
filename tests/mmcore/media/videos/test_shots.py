"""Tests of mmcore/media/videos/shots.py."""

import sys

import pytest

from mmcore.errors import MissingExtraError
from mmcore.media.videos import shots as module
from mmcore.media.videos.cut import moving_pictures
from mmcore.media.videos.shots import check_shots
from mmcore.specs import LimitsSpec, SegmentationSpec
from storage.schemas import Modality
from tests import media
from tests.made import videos

SPEC, LIMITS = SegmentationSpec(video_cut="shots"), LimitsSpec()
CUTS = (37, 90, 150)


def cut(path, spec=SPEC):
    """The pieces of a file."""
    content = media.content(path, Modality.VIDEO)
    return list(moving_pictures(content, spec, LIMITS, target=None))


def scenes(path, cuts=CUTS, frames=200, noise=0, **options):
    """A video of 25 frames a second with cuts before known frames."""
    paint = videos.scenes(cuts, noise)
    return videos.video(path, frames, fps=25, size=(160, 120), paint=paint, **options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("flat.mp4", {}),
        ("noisy.mp4", {"noise": 25}),
        ("sound.mkv", {"sound": "libopus"}),
        ("mpeg2.ts", {"codec": "mpeg2video"}),
        ("late.ts", {"start": 500}),
    ],
)
def test_shots_are_found_within_a_frame(tmp_path, name, options):
    """Cuts before frames 37, 90 and 150 of a video are at 1.48, 3.6 and 6 s."""
    pieces = cut(scenes(tmp_path / name, **options))

    assert [p.span.start for p in pieces] == pytest.approx([0, 1.48, 3.6, 6.0], abs=0.041)
    assert [p.span.end for p in pieces] == pytest.approx([1.48, 3.6, 6.0, 8.0], abs=0.041)
    assert {(p.segmentation, p.kind) for p in pieces} == {("shot", "shot")}


def test_cuts_are_told_by_time_stamps(tmp_path):
    """Frames 120 on take twice as long: a cut before frame 150 is at 7.2 s."""
    times = [40 * n + 40 * max(0, n - 120) for n in range(200)]
    pieces = cut(scenes(tmp_path / "a.mkv", times=times))

    assert [p.span.start for p in pieces] == pytest.approx([0, 1.48, 3.6, 7.2], abs=0.081)


def test_a_shot_is_shown_by_its_middle(tmp_path):
    """Each frame has the colour of its shot."""
    colours = [p.decoded.getpixel((80, 60)) for p in cut(scenes(tmp_path / "a.mp4"))]

    assert colours == [
        pytest.approx(colour, abs=8)
        for colour in [(200, 30, 30), (30, 200, 220), (20, 20, 20), (230, 230, 60)]
    ]


def test_the_shortest_shots_join(tmp_path):
    """With room for three shots the two that are shortest together are one; they tile all."""
    spec = SegmentationSpec(video_cut="shots", video_max_frames=3)
    pieces = cut(scenes(tmp_path / "a.mp4", cuts=(25, 50, 150)), spec)

    assert [p.span.start for p in pieces] == pytest.approx([0, 2.0, 6.0], abs=0.041)
    assert pieces[-1].span.end == pytest.approx(8.0, abs=0.001)


def test_one_shot(tmp_path):
    """A video without a cut is one shot, as one that may be no more than one."""
    path = scenes(tmp_path / "a.mp4", cuts=())
    many = scenes(tmp_path / "b.mp4")

    assert [p.span.end for p in cut(path)] == [8.0]
    alone = cut(many, SegmentationSpec(video_cut="shots", video_max_frames=1))
    assert [p.span.end for p in alone] == [8.0]


def test_a_long_video_is_cut_at_key_frames(tmp_path, monkeypatch):
    """Beyond a number of pixels key frames alone are looked at; encoders set them at cuts."""
    monkeypatch.setattr(module, "_MANY_PIXELS", 100 * 160 * 120)
    monkeypatch.setattr(module, "_all_frames", None)
    pieces = cut(scenes(tmp_path / "a.mp4"))

    assert [p.span.start for p in pieces] == pytest.approx([0, 1.48, 3.6, 6.0], abs=0.49)


def test_the_extra_is_named(monkeypatch):
    """Without PySceneDetect the error says what to install."""
    check_shots()
    monkeypatch.setitem(sys.modules, "scenedetect", None)
    with pytest.raises(MissingExtraError) as caught:
        check_shots()

    assert caught.value.extra == "shots"
