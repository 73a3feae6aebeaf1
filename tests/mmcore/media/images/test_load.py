"""Tests of mmcore/media/images/load.py."""

import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from mmcore.errors import MediaError
from mmcore.media.images.load import load_image
from mmcore.specs import LimitsSpec
from storage.schemas import Modality
from tests import media
from tests.made import images, videos
from tests.media import GREEN, RED

LIMITS = LimitsSpec()


def load(path, limits=LIMITS, target=16):
    """Load a file that is taken for a picture."""
    return load_image(media.content(path, Modality.IMAGE), limits, target=target)


def test_a_png_comes_as_it_is(tmp_path):
    """An RGB PNG loses no pixel."""
    image = media.noise()

    found = load(media.png(tmp_path / "a.png", image))

    assert found.mode == "RGB"
    assert np.array_equal(np.asarray(found), np.asarray(image))


def test_the_first_frame_of_an_animation_counts(tmp_path):
    """An animated GIF is its first frame."""
    path = tmp_path / "a.gif"
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN)]
    frames[0].save(path, save_all=True, append_images=frames[1:])

    assert load(path).getpixel((4, 4)) == RED


def test_a_large_jpeg_is_decoded_at_no_less_than_twice_the_target(tmp_path):
    """For target 32 an eighth of 640 × 480 has 60 rows, too few: a quarter is read."""
    path = media.jpeg(tmp_path / "a.jpg", media.picture(640, 480))

    assert load(path, target=32).size == (160, 120)
    assert load(path, target=300).size == (640, 480)


def test_too_many_pixels_are_refused_before_decoding(tmp_path):
    """A picture above the limit is rejected by its header, with the limit in the message."""
    path = media.png(tmp_path / "a.png", Image.new("1", (4000, 4000)))

    with pytest.raises(MediaError, match="limit") as caught:
        load(path, LimitsSpec(max_pixels=10_000))
    assert (caught.value.stage, caught.value.reason) == ("limits", "too-many-pixels")


@pytest.mark.parametrize("kind", ["jpg", "png"])
def test_a_truncated_picture_is_rejected(tmp_path, kind):
    """Half a file is said to be cut off, and is not half a picture."""
    path = tmp_path / f"a.{kind}"
    media.noise(200, 200).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(MediaError) as caught:
        load(path)
    assert caught.value.reason == "truncated"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.7])
@pytest.mark.parametrize("name", ["a.avif", "a.webp", "a.jp2", "a.j2k", "a.icns"])
def test_a_cut_picture_whose_decoder_does_not_say_so(tmp_path, name, share):
    """A file that is shorter than its own sizes say is truncated, whatever its decoder says."""
    path = tmp_path / name
    images.noisy(200, 200).save(path)

    with pytest.raises(MediaError) as caught:
        load(videos.shortened(path, share))
    assert (caught.value.stage, caught.value.reason) == ("image", "truncated")


def test_what_is_no_picture_is_rejected(tmp_path):
    """A text named .jpg is no picture."""
    with pytest.raises(MediaError) as caught:
        load(media.text(tmp_path / "a.jpg", "a frog"))
    assert caught.value.reason == "unidentified"


def test_a_missing_file_is_the_systems_error(tmp_path):
    """Reading errors propagate: only what a file contains is a rejection."""
    content = media.content(media.png(tmp_path / "a.png"))
    (tmp_path / "a.png").unlink()

    with pytest.raises(FileNotFoundError):
        load_image(content, LIMITS, target=16)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(("a.bmp", {}), ("a.gif", {}), ("a.tif", {}), ("a.webp", {"lossless": True})),
        *(("a.avif", {"quality": 100}), ("a.jp2", {}), ("a.j2k", {}), ("a.ppm", {})),
        *(("a.ico", {"sizes": [(48, 32)]}), ("a.dds", {}), ("a.pcx", {}), ("a.sgi", {})),
        *(("a.qoi", {}), ("a.tiff", {"compression": "jpeg", "quality": 95})),
    ],
)
def test_each_kind_is_read(tmp_path, name, options):
    """A picture has its colours whatever kind of file it lies in."""
    path = tmp_path / name
    media.picture().save(path, **options)

    found = load(path)

    assert found.mode == "RGB"
    assert found.size == (48, 32)
    assert np.abs(np.subtract(found.getpixel((4, 16)), RED, dtype=int)).max() < 20


@pytest.mark.parametrize("size", [(1, 3000), (3000, 1), (1, 1)])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
def test_a_line_is_a_picture(tmp_path, name, size):
    """One pixel of width or height is enough, and no draft makes it none."""
    path = tmp_path / name
    Image.new("RGB", size, RED).save(path)

    assert load(path).size == size


def test_a_large_picture_is_averaged_down(tmp_path):
    """200 rows are 12.5 × 16: more than eight targets, so blocks of 3 are averaged, to 67."""
    image = images.noisy(400, 200)

    found = load(media.png(tmp_path / "a.png", image))

    assert found.size == (134, 67)
    assert np.array_equal(np.asarray(found), np.asarray(image.reduce(3)))


@pytest.mark.parametrize(("size", "kept"), [(12_000, False), (16_000, False), (16, True)])
def test_a_bomb_in_an_icon_is_found(tmp_path, size, kept):
    """An icon of 16 × 16 that holds a picture of 144 million pixels is refused, unopened."""
    path = images.icon(tmp_path / "a.ico", size, size)

    with pytest.raises(MediaError) as caught:
        load(path)
    assert (caught.value.reason != "too-many-pixels") == kept


def test_a_bomb_in_a_tile_is_found(tmp_path):
    """A TIFF of 16 × 16 whose tiles say 65536 × 65536 is refused before one is made room for."""
    with pytest.raises(MediaError) as caught:
        load(images.tiled(tmp_path / "a.tif", 65_536))
    assert caught.value.reason == "too-many-pixels"


@pytest.mark.parametrize(
    ("size", "reason"), [(2_000_000, None), (40_000_000, "metadata-too-large")]
)
def test_text_in_a_png_is_bounded(tmp_path, size, reason):
    """A drawing program's two megabytes of packed text are read over, forty are a bomb."""
    path = media.png(tmp_path / "a.png")
    raw = path.read_bytes()
    packed = images.chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(size)))
    path.write_bytes(raw[:33] + packed + raw[33:])

    if reason is None:
        assert load(path).size == (48, 32)
    else:
        with pytest.raises(MediaError) as caught:
            load(path)
        assert caught.value.reason == reason


def test_a_broken_end_loses_no_picture(tmp_path):
    """What follows a PNG's pixels may be broken."""
    path = media.png(tmp_path / "a.png")
    raw = path.read_bytes()
    path.write_bytes(raw[:-12] + b"\0\0\0\0JUNK")

    assert load(path).getpixel((1, 1)) == RED


def test_a_variant_that_is_not_supported_is_said_to_be_so(tmp_path):
    """A BMP of 3 bits a pixel is no broken file, but one that nothing here reads."""
    path = tmp_path / "a.bmp"
    media.picture().save(path)
    raw = bytearray(path.read_bytes())
    raw[28] = 3
    path.write_bytes(raw)

    with pytest.raises(MediaError) as caught:
        load(path)
    assert caught.value.reason == "unsupported-variant"


@pytest.mark.parametrize("head", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\0\0"])
def test_no_kind_opens_that_is_not_named(tmp_path, head):
    """An EPS, which would start another program, is no picture here."""
    path = tmp_path / "a.jpg"
    path.write_bytes(head)

    with pytest.raises(MediaError) as caught:
        load(path)
    assert caught.value.reason == "unidentified"


def test_a_length_that_a_header_tells_is_not_believed(tmp_path):
    """A box of four gigabytes in a file of a hundred bytes makes no room for them."""
    path = tmp_path / "a.jp2"
    media.picture().save(path)
    raw = path.read_bytes()
    at = raw.index(b"jp2h") - 4
    path.write_bytes(raw[:at] + b"\xf0\0\0\0" + raw[at + 4 :])

    tracemalloc.start()
    with pytest.raises(MediaError) as caught:
        load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert caught.value.reason == "truncated"
    assert peak < 10_000_000
