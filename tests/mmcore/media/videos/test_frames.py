"""Tests of mmcore/media/videos/frames.py: which frames are taken, and their spans."""

import itertools

import av
import pytest

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.media.videos import sampling
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Span
from tests import media
from tests.made import videos
from tests.mmcore.media.videos.cutting import CONTAINERS, cut, found, grey


def decoded(path):
    """(second since the start, grey) of every frame, by decoding them all."""
    with av.open(str(path)) as container:
        zero = container.start_time / av.time_base
        frames = list(container.decode(video=0))
    times = [(f.pts if f.pts is not None else f.dts) * f.time_base for f in frames]
    return [(float(t) - zero, grey(f.to_image())) for t, f in zip(times, frames, strict=True)]


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


@pytest.mark.parametrize("name", CONTAINERS)
def test_spans_are_right_within_a_frame(tmp_path, name):
    """Whatever the container, codec and clock: each frame lies in its span, and spans tile all."""
    path = videos.video(tmp_path / name, **CONTAINERS[name])
    truth = decoded(path)
    frame = max(b - a for (a, _), (b, _) in itertools.pairwise(truth))
    pieces = found(path, SegmentationSpec(video_interval=0.5))

    assert pieces[0][0].start == pytest.approx(truth[0][0], abs=0.001)
    assert pieces[-1][0].end == pytest.approx(truth[-1][0] + frame, abs=1.01 * frame)
    for span, image in pieces:
        times = [time for time, level in truth if abs(level - grey(image)) < 1]
        assert any(span.start - 0.001 <= time <= span.end + 0.001 for time in times)
    gaps = sum(not any(s.start <= t < s.end for t, _ in truth) for s, _ in pieces)
    assert gaps == 0


def test_key_frames_give_the_frames_that_decoding_gives(tmp_path, monkeypatch):
    """With a key frame in each interval the nearest to its middle is taken, at its own time."""
    path = videos.video(tmp_path / "a.mp4", gop=5, tuning={"sc_threshold": "0"})
    by_keys = found(path)
    monkeypatch.setattr(sampling, "_picks", lambda *_: [])

    assert [span for span, _ in by_keys] == [span for span, _ in found(path)]
    # frames 5, 15, 25, 35 are key frames, at the middles themselves
    assert [grey(image) for _, image in by_keys] == pytest.approx([10, 30, 50, 70], abs=2)
    assert [grey(image) for _, image in found(path)] == pytest.approx([10, 30, 50, 70], abs=2)


def test_only_key_frames_are_decoded_where_they_suffice(tmp_path, monkeypatch):
    """With a key frame in each interval no other frame is asked for."""
    path = videos.video(tmp_path / "a.mp4", gop=5)
    monkeypatch.setattr(sampling, "_by_decoding", None)
    monkeypatch.setattr(sampling, "_decoded", None)

    assert len(found(path)) == 4


def test_a_stretch_without_a_key_frame_is_decoded(tmp_path):
    """Key frames in most intervals only: the others give the frame at their middle."""
    tuning = {"sc_threshold": "0"}
    path = videos.video(tmp_path / "a.mp4", 60, gop=13, tuning=tuning)  # 0, 1.3, 2.6, 3.9, 5.2 s
    levels = [grey(image) for _, image in found(path)]

    assert levels == pytest.approx([0, 26, 52, 78, 90, 104], abs=2)  # frame 45 is no key frame


def test_key_frames_that_fail_cost_little(tmp_path, monkeypatch):
    """Where key frames cannot be decoded alone, decoding on finds the frames."""
    path = videos.video(tmp_path / "a.mp4", 80, gop=5, tuning={"sc_threshold": "0"})
    whole = found(path)
    monkeypatch.setattr(sampling.Reader, "key_frame", lambda *_: None)

    assert [span for span, _ in found(path)] == [span for span, _ in whole]
    assert [grey(i) for _, i in found(path)] == pytest.approx([grey(i) for _, i in whole], abs=2)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_video_of_one_frame(tmp_path, name):
    """A single frame is shown for as long as the rate says."""
    ((span, _),) = found(videos.video(tmp_path / name, 1))

    assert span == Span(0.0, 0.1, "second")


def test_a_cover_is_no_video(tmp_path):
    """A picture attached to a sound gives no frame; alone it is no stream."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as output:
        audio = output.add_stream("aac", rate=48_000, layout="mono")
        cover = output.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 16, 16, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        videos._add_silence(output, audio, 0.5)
        frame = av.VideoFrame.from_image(videos.quarters(0, (16, 16)))
        output.mux(cover.encode(frame))
        output.mux(cover.encode(None))

    assert found(path) == []


def test_an_edit_list_hides_what_it_cuts_off(tmp_path):
    """The first 10 of 40 frames are edited out: the video begins with the eleventh, at 0 s."""
    path = videos.video(tmp_path / "a.mp4", 40, tuning={"bf": "0", "sc_threshold": "0"}, gop=500)
    units = int.from_bytes(path.read_bytes().split(b"mdhd")[1][12:16], "big")
    videos.patched(path, b"elst", 8, (3000).to_bytes(4, "big") + units.to_bytes(4, "big"))
    pieces = found(path)

    assert [span for span, _ in pieces] == [Span(n, n + 1.0, "second") for n in (0.0, 1.0, 2.0)]
    assert [grey(image) for _, image in pieces] == pytest.approx([30, 50, 70], abs=2)


def test_frames_at_odd_times(tmp_path):
    """Of 2 s each: one without a frame behind its middle, one with a frame there, a late one."""
    times = [0, 200, 3000, 3200, 5900]
    path = videos.video(tmp_path / "a.mkv", 5, times=times, gop=500)
    pieces = found(path, SegmentationSpec(video_interval=2.0))

    assert [span.start for span, _ in pieces] == pytest.approx([0.0, 2.0, 4.0], abs=0.05)
    assert [grey(image) for _, image in pieces] == pytest.approx([2, 4, 8], abs=1.5)


def test_pictures_that_begin_after_the_sound(tmp_path):
    """Spans count from the start of the whole: pictures that come 2 s late begin at 2 s."""
    path = videos.video(tmp_path / "a.mkv", 20, start=20, sound="libopus")

    assert [span.start for span, _ in found(path)] == pytest.approx([2.0, 3.0], abs=0.02)


def test_a_recording_that_begins_amid_a_group_of_pictures(tmp_path):
    """Packets ahead of the first key frame give nothing, and cost nothing behind it."""
    path = videos.video(tmp_path / "a.ts", 60, gop=20, tuning={"sc_threshold": "0"})
    data = path.read_bytes()
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    path.write_bytes(data[places[3] :])
    levels = [grey(piece[1]) for piece in found(path) if not isinstance(piece, Damage)]

    assert len(levels) >= 4
    assert levels == sorted(levels)
    assert min(levels) >= 39  # frame 20


def test_a_stream_that_appears_late_is_left_out(tmp_path):
    """A transport stream that gains sound half-way is read to its end."""
    path = videos.video(tmp_path / "a.ts", 20)
    late = videos.video(tmp_path / "b.ts", 20, start=20, sound="aac")
    path.write_bytes(path.read_bytes() * 40 + late.read_bytes())

    assert found(path)[-1][0].end > 3.5


def test_the_most_segments(tmp_path):
    """More frames than segments are allowed are rejected before decoding."""
    path = videos.video(tmp_path / "a.mp4", 40)
    with pytest.raises(MediaError) as caught:
        cut(path, limits=LimitsSpec(max_segments=3))

    assert caught.value.reason == "too-many-segments"
