"""Tests of mmcore/media/videos/frames.py: rotation, shape and colours of frames."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests import media
from tests.made import videos
from tests.mmcore.media.videos.cutting import cut, found


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
