"""Tests of mmcore/media/images/upright.py."""

import numpy as np
import pytest
from PIL import Image

from mmcore.media.images.load import load_image
from mmcore.specs import LimitsSpec
from tests import media
from tests.made import images
from tests.media import RED

LIMITS = LimitsSpec()


def load(path, target=16):
    """Load a file that is taken for a picture."""
    return load_image(images.content(path), LIMITS, target=target)


def near(colour, other, tolerance=6):
    """Whether two colours differ by no more than lossy coding does."""
    return np.abs(np.subtract(colour, other, dtype=int)).max() <= tolerance


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


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.tif", {}),
        ("a.tiff", {"compression": "tiff_adobe_deflate"}),
        ("a.avif", {"quality": 100}),
    ],
)
def test_each_kind_is_turned_once(tmp_path, name, options):
    """A quarter turn to the right brings the red left half to the top, in every kind of file."""
    exif = Image.Exif()
    exif[media.ORIENTATION] = 6
    path = tmp_path / name
    media.picture().save(path, exif=exif, **options)

    found = load(path)

    assert found.size == (32, 48)
    assert near(found.getpixel((16, 2)), RED, 20)
    assert near(found.getpixel((16, 45)), (0, 0, 255), 20)


@pytest.mark.skipif(not images.ENCODES_HEVC, reason="this FFmpeg makes no HEVC")
@pytest.mark.parametrize(
    ("turns", "orientation", "size", "where"),
    [
        (0, None, (96, 64), (4, 32)),
        (3, None, (64, 96), (32, 4)),
        (3, 6, (64, 96), (32, 4)),
        (1, 8, (64, 96), (32, 92)),
    ],
)
def test_a_heic_is_turned_once(tmp_path, turns, orientation, size, where):
    """A phone says twice how a HEIC is turned: the picture is turned as its ``irot`` says."""
    path = images.heic(tmp_path / "a.heic", media.picture(96, 64), turns, orientation)

    found = load(path)

    assert found.size == size
    assert near(found.getpixel(where), RED, 20)
