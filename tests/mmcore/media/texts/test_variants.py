"""Tests of mmcore/media/texts/variants.py."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmcore.media.texts.variants import simplified


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("我們在花園裡看見一隻狗", "我们在花园里看见一只狗"),
        ("乾燥的頭髮和乾隆", "干燥的头发和乾隆"),
        ("他騎著車", "他骑着车"),
        ("著名的著作", "著名的著作"),
        ("原著與顯著", "原著与显著"),
        ("一只绿色的青蛙", "一只绿色的青蛙"),
        ("A frog, カエル", "A frog, カエル"),
    ],
)
def test_traditional_becomes_simplified(written, same):
    """By phrases where a character has several forms; what is simplified stays."""
    assert simplified(written) == same


def test_any_number_of_threads_may_ask():
    """The converter is loaded once and shared."""
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(simplified, ["一隻綠色的青蛙"] * 200)) == {"一只绿色的青蛙"}


def test_a_text_without_han_loads_nothing():
    """English pays for no dictionary."""
    code = (
        "import sys; from mmcore.media.texts.variants import simplified;"
        " simplified('a frog'); print('opencc' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
