"""The pictures of the pages are small, and each is on a page."""

import re

import pytest
from PIL import Image

from tests.docs.blocks import PAGES, ROOT

PICTURES = sorted((ROOT / "docs" / "pictures").glob("*.png"))


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small_enough_for_a_page(path):
    """No wider than a page, and at most 250 kB."""
    assert path.stat().st_size <= 250_000
    with Image.open(path) as image:
        assert image.width <= 1200


def test_each_picture_that_is_shown_is_there():
    """Those of the README and of the pages among them."""
    pages = "".join(path.read_text("utf-8") for path in PAGES.values())
    shown = set(re.findall(r"!\[[^\]]+\]\((?:\.\./|docs/)*pictures/([\w.-]+)\)", pages))

    assert {"search.png", "page.png", "report.png", "prefect.png", "terminal.png"} <= shown
    assert shown <= {path.name for path in PICTURES}
