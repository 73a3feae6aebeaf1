"""Tests of mmcore/media/videos/frames.py."""

import itertools
from fractions import Fraction

import av
import numpy as np
import pytest

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage
from mmcore.media.videos import sampling
from mmcore.media.videos.frames import frames, shown
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Span
from storage.schemas import Modality
from tests import media
from tests.made import videos

LIMITS, SPEC = LimitsSpec(), SegmentationSpec(video_interval=1.0)


def cut(path, spec=SPEC, limits=LIMITS, **options):
    """All frames of a file."""
    return list(frames(media.content(path, Modality.VIDEO), limits, spec, **options))


def found(path, spec=SPEC, limits=LIMITS, **options):
    """All frames and damages of a file."""
    return list(shown(media.content(path, Modality.VIDEO), limits, spec, **options))


def decoded(path):
    """(second since the start, grey) of every frame, by decoding them all."""
    with av.open(str(path)) as container:
        zero = container.start_time / av.time_base
        frames = list(container.decode(video=0))
    times = [(f.pts if f.pts is not None else f.dts) * f.time_base for f in frames]
    return [(float(t) - zero, grey(f.to_image())) for t, f in zip(times, frames, strict=True)]


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


CONTAINERS = {
    "h264.mp4": {},
    "sound.mp4": {"sound": "aac"},
    "fragments.mp4": {"options": {"movflags": "frag_keyframe+empty_moov"}},
    "one-key.mp4": {"gop": 500},
    "av1.mp4": {"codec": "libsvtav1"},
    "h264.mov": {},
    "prores.mov": {"codec": "prores_ks", "pixels": "yuv422p10le"},
    "mjpeg.mov": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "h264.mkv": {"sound": "libopus"},
    "streamed.mkv": {"container": "matroska", "options": {"live": "1"}},
    "vp9.webm": {"codec": "libvpx-vp9", "tuning": videos.VPX},
    "mpeg4.avi": {"codec": "mpeg4"},
    "b-frames.avi": {"codec": "mpeg4", "tuning": {"bf": "2"}},
    "mpeg1.mpg": {"codec": "mpeg1video", "fps": 25},
    "mpeg2.vob": {"codec": "mpeg2video", "fps": 25, "sound": "mp2"},
    "h264.ts": {"sound": "aac"},
    "mpeg2.ts": {"codec": "mpeg2video", "fps": 25},
    "h263.flv": {"codec": "flv"},
    "wmv2.wmv": {"codec": "wmv2", "container": "asf"},
    "vp8.ogv": {"codec": "libvpx", "container": "ogg", "tuning": videos.VPX},
    "late.mkv": {"start": 50},
    "late.mp4": {"start": 50},
    "late.ts": {"start": 500},
    "grey.mkv": {"codec": "ffv1", "pixels": "gray"},
    "rgb.mkv": {"codec": "ffv1", "pixels": "bgr0"},
    "deep.mkv": {"codec": "ffv1", "pixels": "yuv420p10le"},
    "full.mp4": {"pixels": "yuv444p"},
    "changing-rate.mkv": {"times": [5 * n * n for n in range(40)]},
    "changing-rate.mp4": {"times": [5 * n * n for n in range(40)]},
}


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


@pytest.mark.parametrize(
    ("aspect", "size"),
    [(Fraction(2), (128, 48)), (Fraction(1, 2), (64, 96)), (Fraction(100), (64, 48))],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_pixels_are_made_square(tmp_path, name, aspect, size):
    """A frame is shown at its display aspect, never smaller; an absurd one is no aspect."""
    ((_, image),) = found(videos.video(tmp_path / name, 5, aspect=aspect))

    assert image.size == size


@pytest.mark.parametrize(
    ("options", "corners"),
    [
        ({}, "RGBB"),
        ({"rotation": 90}, "GBRB"),
        ({"rotation": -90}, "BRBG"),
        ({"rotation": 180}, "BBGR"),
        ({"matrix": (-65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)}, "GRBB"),
        ({"matrix": (65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30)}, "BBRG"),
    ],
)
def test_the_display_matrix_is_applied(tmp_path, options, corners):
    """Rotation and mirroring (which Matroska cannot say): corners lie where players show them."""
    names = ["a.mp4", "a.mov"] if "matrix" in options else ["a.mp4", "a.mov", "a.mkv"]
    for name in names:
        path = videos.video(tmp_path / name, 5, paint=videos.quarters, **options)
        ((_, image),) = found(path)
        width, height = image.size
        places = [(4, 4), (width - 5, 4), (4, height - 5), (width - 5, height - 5)]
        colours = ["RGB"[int(np.argmax(image.getpixel(place)))] for place in places]

        assert "".join(colours) == corners, name


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(("matrix", "red", "blue"), [(6, 0.299, 0.114), (1, 0.2126, 0.0722)])
def test_colours_are_right(tmp_path, matrix, red, blue, full):
    """BT.601 and BT.709, limited and full range: (200, 100, 50) comes out as it went in."""
    luma = red * 200 + (1 - red - blue) * 100 + blue * 50
    chroma = [(50 - luma) / (2 - 2 * blue), (200 - luma) / (2 - 2 * red)]
    scale, chroma_scale, offset = (1, 1, 0) if full else (219 / 255, 224 / 255, 16)
    yuv = (offset + scale * luma, *(128 + chroma_scale * c for c in chroma))
    path = videos.yuv_video(
        tmp_path / "a.mp4", tuple(round(v) for v in yuv), matrix=matrix, full=full
    )
    ((_, image),) = found(path)

    assert image.getpixel((20, 20)) == pytest.approx((200, 100, 50), abs=3)


def test_high_definition_without_a_word_on_colours_is_bt709(tmp_path):
    """720 lines and more: a player takes BT.709 where nothing is said."""
    size = (128, 720)
    ((_, image),) = found(
        videos.yuv_video(tmp_path / "a.mp4", (63, 102, 240), matrix=2, full=False, size=size)
    )

    assert image.getpixel((20, 20)) == pytest.approx((255, 0, 0), abs=4)  # BT.601: (253, 25, 0)


def test_transparent_frames_lie_on_white(tmp_path):
    """A video with an alpha channel is composed as a picture is."""
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("qtrle", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 32, "argb"
        argb = np.zeros((32, 32, 4), np.uint8)
        argb[:, 16:] = (255, 255, 0, 0)
        frame = av.VideoFrame.from_ndarray(argb, format="argb")
        frame.pts, frame.time_base = 0, Fraction(1, 10)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    ((_, image),) = found(path)

    assert image.getpixel((4, 4)) == (255, 255, 255)
    assert image.getpixel((28, 4)) == (255, 0, 0)


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
