"""Tests of mmcore/media/image.py."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from mmcore.errors import MediaError
from mmcore.media.image import load_image, square
from mmcore.specs import LimitsSpec
from storage.schemas import Modality
from tests import media
from tests.media import BLUE, GREEN, RED, WHITE

LIMITS = LimitsSpec()


def load(path, limits=LIMITS, target=16):
    """Load a file that is taken for a picture."""
    return load_image(media.content(path, Modality.IMAGE), limits, target=target)


def near(colour, other, tolerance=6):
    """Whether two colours differ by no more than lossy coding does."""
    return np.abs(np.subtract(colour, other, dtype=int)).max() <= tolerance


def test_a_png_comes_as_it_is(tmp_path):
    """An RGB PNG loses no pixel."""
    image = media.noise()

    found = load(media.png(tmp_path / "a.png", image))

    assert found.mode == "RGB"
    assert np.array_equal(np.asarray(found), np.asarray(image))


@pytest.mark.parametrize(
    ("orientation", "size", "where"),
    [  # where the red left half ends up
        (1, (48, 32), (2, 16)),
        (2, (48, 32), (45, 16)),
        (3, (48, 32), (45, 16)),
        (4, (48, 32), (2, 16)),
        (5, (32, 48), (16, 2)),
        (6, (32, 48), (16, 2)),
        (7, (32, 48), (16, 45)),
        (8, (32, 48), (16, 45)),
    ],
)
def test_exif_orientation_is_applied(tmp_path, orientation, size, where):
    """A picture comes upright for each of the eight orientations."""
    found = load(media.jpeg(tmp_path / "a.jpg", orientation=orientation))

    assert found.size == size
    assert near(found.getpixel(where), RED)


def test_a_tiff_is_turned_once(tmp_path):
    """Pillow turns a TIFF by itself while loading: it is not turned again."""
    exif = Image.Exif()
    exif[media.ORIENTATION] = 6
    path = tmp_path / "a.tif"
    media.picture().save(path, exif=exif)

    found = load(path)

    assert found.size == (32, 48)
    assert found.getpixel((16, 2)) == RED


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_a_broken_exif_block_rejects_no_picture(tmp_path):
    """EXIF that cannot be read counts as none."""
    path = tmp_path / "a.jpg"
    media.picture().save(path, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff garbage")

    assert load(path).size == (48, 32)


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


def test_the_first_frame_of_an_animation_counts(tmp_path):
    """An animated GIF is its first frame."""
    path = tmp_path / "a.gif"
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN)]
    frames[0].save(path, save_all=True, append_images=frames[1:])

    assert load(path).getpixel((4, 4)) == RED


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
    """Half a file is a decode error, not half a picture."""
    path = tmp_path / f"a.{kind}"
    media.noise(200, 200).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(MediaError) as caught:
        load(path)
    assert caught.value.reason == "decode-error"


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


def test_square_pads_with_white():
    """A picture twice as wide as high fills the middle half; above and below is white."""
    found = square(Image.new("RGB", (80, 40), RED), 8)

    assert found.shape == (8, 8, 3)
    assert found.dtype == np.uint8
    assert (found[:2] == 255).all()
    assert (found[6:] == 255).all()
    assert (found[2:6] == RED).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (224, 224)])
def test_square_takes_any_shape(size):
    """One pixel, a line, and the wanted size itself fit."""
    assert square(Image.new("RGB", size), 224).shape == (224, 224, 3)
