"""Tests of mmcore/media/texts/language.py."""

import pytest

from mmcore.media.texts.language import detect_language, is_han


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A frog.", "en"),
        ("青蛙", "zh"),
        ("一隻綠色的青蛙", "zh"),
        ("卡尔・马克思", "zh"),
        ("iPhone 手机壳", "zh"),
        ("The Chinese word for frog is 青蛙", "en"),
        ("カエルがいる", "other"),
        ("今日は良い天気", "other"),
        ("ｶｴﾙ", "other"),
        ("개구리", "other"),
        ("Лягушка", "other"),
        ("Très déjà né à l'été", "other"),
        ("123", "other"),
        ("", "other"),
    ],
)
def test_language_is_told_by_script(text, language):
    """Han is Chinese in both scripts unless kana is about, plain Latin is English."""
    assert detect_language(text) == language


@pytest.mark.parametrize("character", ["㐀", "一", "鿿", "\uf90a", "𠀀", "𰀀"])
def test_every_block_of_han_is_han(character):
    """Extensions and the compatibility forms of Korean charsets too."""
    assert is_han(character)
    assert detect_language(character * 3) == "zh"


@pytest.mark.parametrize("character", ["a", "。", "あ", "한", "⼀", "😀"])
def test_what_stands_beside_han_is_none(character):
    """Punctuation, kana, hangul, radicals."""
    assert not is_han(character)
