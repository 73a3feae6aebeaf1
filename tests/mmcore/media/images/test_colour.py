"""Tests of mmcore/media/images/colour.py and deep.py."""

import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from mmcore.media.images.load import load_image
from mmcore.specs import LimitsSpec
from tests import media
from tests.made import images
from tests.media import BLUE, GREEN, RED, WHITE

LIMITS = LimitsSpec()


def load(path, target=16):
    """Load a file that is taken for a picture."""
    return load_image(images.content(path), LIMITS, target=target)


def near(colour, other, tolerance=6):
    """Whether two colours differ by no more than lossy coding does."""
    return np.abs(np.subtract(colour, other, dtype=int)).max() <= tolerance


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA"])
def test_transparency_becomes_white(tmp_path, mode):
    """What is transparent is white, whatever colour lies under it."""
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 4, 8))
    path = tmp_path / "a.png"
    if mode == "PA":
        image.convert("P").save(path, transparency=image.convert("P").getpixel((7, 7)))
    else:
        image.convert(mode).save(path)

    found = load(path)

    assert found.getpixel((1, 1)) == (0, 0, 0)
    assert found.getpixel((7, 7)) == WHITE


def test_a_palette_becomes_its_colours(tmp_path):
    """A palette picture without transparency has the palette's colours."""
    image = media.picture(left=GREEN).convert("P", palette=Image.Palette.ADAPTIVE)

    found = load(media.png(tmp_path / "a.png", image))

    assert found.getpixel((1, 1)) == GREEN
    assert found.getpixel((47, 1)) == BLUE


def test_cmyk_becomes_rgb(tmp_path):
    """Full magenta and yellow are red."""
    found = load(media.cmyk_jpeg(tmp_path / "a.jpg"))

    assert found.mode == "RGB"
    assert near(found.getpixel((9, 9)), RED)


def test_sixteen_bits_keep_their_scale(tmp_path):
    """Of 65535 levels 0, 257·100 and 65535 become 0, 100 and 255: no clipping to white."""
    values = np.array([[0, 25_700, 65_535]], dtype=np.uint16)

    found = load(media.deep_png(tmp_path / "a.png", values))

    assert [found.getpixel((x, 0)) for x in range(3)] == [(0,) * 3, (100,) * 3, (255,) * 3]


def test_floats_are_spread_over_their_range(tmp_path):
    """A float TIFF from -1 to 1 becomes 0 to 255."""
    path = tmp_path / "a.tif"
    Image.fromarray(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32)).save(path)

    found = load(path)

    assert [found.getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]


def test_an_embedded_profile_is_applied(tmp_path):
    """An sRGB profile changes nothing, one that swaps colours does, a broken one is none."""
    brown = Image.new("RGB", (8, 8), (200, 100, 50))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"!XYZ").replace(b"bXYZ", b"rXYZ").replace(b"!XYZ", b"bXYZ")
    other = swapped.replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))
    profiles = {"srgb": srgb, "other": other, "broken": b"no profile"}
    found = {
        name: load(media.png(tmp_path / f"{name}.png", brown, icc_profile=profile))
        for name, profile in profiles.items()
    }

    assert found["srgb"].getpixel((4, 4)) == (200, 100, 50)
    assert found["broken"].getpixel((4, 4)) == (200, 100, 50)
    assert near(found["other"].getpixel((4, 4)), (50, 100, 200), 8)


def test_a_grey_profile_is_applied(tmp_path):
    """Level 128 of a grey with gamma 1 is (128/255) of full light: 188 in sRGB."""
    path = tmp_path / "a.png"
    Image.new("L", (8, 8), 128).save(path, icc_profile=images.grey_profile(1.0))

    assert near(load(path).getpixel((4, 4)), (188,) * 3, 2)


def test_a_profile_of_another_mode_is_none(tmp_path):
    """A grey profile in an RGB picture changes nothing."""
    path = media.png(tmp_path / "a.png", icc_profile=images.grey_profile(1.0))

    assert load(path).getpixel((1, 1)) == RED


def test_lab_becomes_rgb(tmp_path):
    """A TIFF in Lab has the colours that it was made of."""
    path = tmp_path / "a.tif"
    images.lab(media.picture(left=(200, 100, 50))).save(path)

    assert near(load(path).getpixel((4, 4)), (200, 100, 50), 4)


def test_colours_of_sixteen_bits_keep_their_scale(tmp_path):
    """A 16-bit RGB PNG of (65535, 32896, 0) is (255, 128, 0)."""
    row = b"\0" + np.array([65_535, 32_896, 0], dtype=">u2").tobytes() * 8
    head = images.chunk(b"IHDR", bytes([0, 0, 0, 8, 0, 0, 0, 8, 16, 2, 0, 0, 0]))
    pixels = images.chunk(b"IDAT", zlib.compress(row * 8))
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + pixels + images.chunk(b"IEND", b""))

    assert load(path).getpixel((4, 4)) == (255, 128, 0)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "big-endian"])
def test_grey_of_sixteen_bits_is_read_from_each_kind(tmp_path, name):
    """Level 257·100 becomes 100, in PNG as in TIFF of either byte order."""
    values = np.full((8, 8), 25_700, dtype=np.uint16)
    values[0, 0] = 65_535
    image = Image.fromarray(values)
    if name == "big-endian":
        name = "a.tif"
        image = Image.frombytes("I;16B", image.size, values.astype(">u2").tobytes())
    image.save(tmp_path / name)

    assert load(tmp_path / name).getpixel((4, 4)) == (100,) * 3


def test_twelve_bits_in_sixteen_are_the_scale(tmp_path):
    """Where 4095 of 65535 levels are used at most, 4095 is white: a sensor has 12 bits."""
    found = load(media.deep_png(tmp_path / "a.png", np.array([[0, 2048, 4095]])))

    assert [found.getpixel((x, 0))[0] for x in range(3)] == [0, 128, 255]


def test_zero_may_be_white(tmp_path):
    """A 16-bit TIFF that says that white is zero is turned around."""
    path = tmp_path / "a.tif"
    values = np.array([[0, 65_535]], dtype=np.uint16)
    Image.fromarray(values).save(path)
    images.set_tag(path, 262, 0)

    assert [load(path).getpixel((x, 0))[0] for x in range(2)] == [255, 0]


def test_a_transparent_level_of_sixteen_bits_is_white(tmp_path):
    """A grey PNG of 16 bits may name one level that is transparent."""
    values = np.array([[300, 65_535, 25_700]], dtype=np.uint16)
    path = media.png(tmp_path / "a.png", Image.fromarray(values), transparency=300)

    assert [load(path).getpixel((x, 0))[0] for x in range(3)] == [255, 255, 100]


def test_what_is_not_finite_is_left_out_of_the_range(tmp_path):
    """Infinity is white, no number black; the others spread over their own range."""
    path = tmp_path / "a.tif"
    values = np.array([[np.nan, -1.0, 0.0, 1.0, np.inf, -np.inf]], dtype=np.float32)
    Image.fromarray(values).save(path)

    assert [load(path).getpixel((x, 0))[0] for x in range(6)] == [0, 0, 128, 255, 255, 0]


@pytest.mark.parametrize("value", [np.nan, 3.5])
def test_floats_without_a_range_are_black(tmp_path, value):
    """A float picture of one value, or of none, has nothing to spread."""
    path = tmp_path / "a.tif"
    Image.fromarray(np.full((4, 4), value, dtype=np.float32)).save(path)

    assert load(path).getpixel((1, 1)) == (0, 0, 0)


def test_bilevel_is_black_and_white(tmp_path):
    """A picture of one bit a pixel."""
    image = Image.new("1", (8, 8), 1)
    image.putpixel((0, 0), 0)
    found = load(media.png(tmp_path / "a.png", image))

    assert [found.getpixel((0, 0)), found.getpixel((4, 4))] == [(0, 0, 0), WHITE]


def test_half_transparent_is_half_white(tmp_path):
    """Black of half opacity over white is 255 - 128."""
    for mode, colour in (("RGBA", (0, 0, 0, 128)), ("LA", (0, 128))):
        path = media.png(tmp_path / f"{mode}.png", Image.new(mode, (8, 8), colour))
        assert load(path).getpixel((4, 4)) == (127,) * 3


def test_premultiplied_alpha_is_undone(tmp_path):
    """A TIFF whose red is multiplied by its alpha already is the same pink over white."""
    path = tmp_path / "a.tif"
    Image.new("RGBA", (8, 8), (128, 0, 0, 128)).save(path)
    images.set_tag(path, 338, 1)

    assert near(load(path).getpixel((4, 4)), (255, 127, 127), 2)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_a_large_picture_is_composed_in_parts_as_in_one(tmp_path, mode):
    """Composed and averaged band by band a picture is what it is in one piece."""
    image = images.noisy(2501, 2203).convert("RGBA")
    image.putalpha(images.noisy(2501, 2203, seed=1).convert("L"))
    image = image.quantize(64) if mode == "P" else image
    canvas = Image.new("RGBA", image.size, WHITE)
    canvas.alpha_composite(image.convert("RGBA"))
    whole = canvas.convert("RGB").reduce(2203 // (4 * 100))

    found = load(media.png(tmp_path / "a.png", image, compress_level=1), target=100)

    assert found.size == whole.size
    difference = np.abs(np.subtract(np.asarray(found), np.asarray(whole), dtype=int))
    assert difference.max() <= 2
