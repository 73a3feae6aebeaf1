"""What is said of fonts: whether an SVG's letters are drawn."""

import functools

import pytest

from mmcore.errors import MediaError
from mmcore.inspection.machine import fonts
from mmcore.media.images import svg

resvg = pytest.importorskip("resvg_py")


def test_letters_without_fonts_are_missed(monkeypatch):
    """A machine without any draws an empty page."""
    bare = functools.partial(resvg.svg_to_bytes)
    monkeypatch.setattr(
        svg, "_renderer", lambda: lambda **told: bare(**{**told, "skip_system_fonts": True})
    )

    (one,) = fonts.fonts()

    assert (one.state, one.said, one.facts["scripts"]) == ("warn", "fonts-missing", "Latin, 中文")


def test_boxes_are_no_letters(monkeypatch):
    """Where a font lacks a script, all of its letters look alike."""
    looks = {"A": b"A", "E": b"E", "猫": b"[]", "狗": b"[]", " ": b""}
    monkeypatch.setattr(fonts, "_picture", looks.__getitem__)

    (one,) = fonts.fonts()

    assert (one.state, one.facts["scripts"]) == ("warn", "中文")


def test_letters_that_differ_are_drawn(monkeypatch):
    """Then all is well."""
    monkeypatch.setattr(fonts, "_picture", lambda letter: letter.encode())

    assert [(one.state, one.said) for one in fonts.fonts()] == [("ok", "fonts")]


def test_without_the_extra_nothing_is_said(monkeypatch):
    """No SVG is drawn then, which the extras say."""

    def none():
        raise MediaError("image", "no-renderer", "an SVG needs the extra")

    monkeypatch.setattr(svg, "_renderer", none)

    assert list(fonts.fonts()) == []
