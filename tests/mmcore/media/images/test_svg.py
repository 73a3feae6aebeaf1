"""Tests of mmcore/media/images/svg.py."""

import base64
import io
import sys

import pytest
from PIL import Image

from mmcore.errors import MediaError
from mmcore.media.images.load import load_image
from mmcore.specs import LimitsSpec
from tests import media
from tests.made import images
from tests.media import BLUE, GREEN, RED, WHITE

LIMITS = LimitsSpec()
DISC = '<circle cx="8" cy="8" r="4" fill="#f00"/>'


def draw(content, target=16, limits=LIMITS):
    """Draw an SVG."""
    pytest.importorskip("resvg_py")
    return load_image(content, limits, target=target)


def reason(content, limits=LIMITS):
    """Why an SVG is rejected."""
    with pytest.raises(MediaError) as caught:
        draw(content, limits=limits)
    return caught.value.reason


def test_a_drawing_lies_on_white(tmp_path):
    """A red disc: red in the middle, white around."""
    found = draw(images.svg(tmp_path / "a.svg", DISC))

    assert found.mode == "RGB"
    assert found.getpixel((16, 16)) == RED
    assert found.getpixel((1, 1)) == WHITE


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="16" height="16"', (32, 32)),
        ('viewBox="0 0 300 200"', (48, 32)),
        ('width="100%" viewBox="0 0 200 300"', (32, 48)),
        ('width="1e9" height="2e9"', (32, 64)),
        ('width="10mm" height="1in"', (32, 81)),
        ("", (64, 32)),
        ('width="0" height="nan"', (64, 32)),
        ('viewBox="0 0 1 100000"', (1, 16_384)),
    ],
)
def test_the_shorter_side_is_twice_the_target(tmp_path, attributes, size):
    """Whatever an SVG says of its size counts for its proportions; the longer side is bounded."""
    assert draw(images.svg(tmp_path / "a.svg", DISC, attributes)).size == size


@pytest.mark.parametrize("attribute", ["href", "xlink:href"])
@pytest.mark.parametrize("form", ["{}", "file://{}", "  {}", "data:{}", "data:,{}", "secret.png"])
def test_no_other_file_is_drawn(tmp_path, monkeypatch, form, attribute):
    """A link to a picture outside is not followed, in whatever form it is written."""
    secret = media.png(tmp_path / "secret.png", Image.new("RGB", (16, 16), RED))
    monkeypatch.chdir(tmp_path)
    link = f'{attribute}="{form.format(secret)}"'
    inside = f'<image width="16" height="16" {link}/>'

    found = draw(images.svg(tmp_path / "a.svg", inside))

    assert found.getcolors() == [(32 * 32, WHITE)]


def test_no_other_file_is_drawn_through_an_entity(tmp_path):
    """An entity may hold a link, or a whole element with one: neither is followed."""
    secret = media.png(tmp_path / "secret.png", Image.new("RGB", (16, 16), RED))
    content = images.svg(tmp_path / "a.svg", '<image width="16" height="16" href="&x;"/>&y;')
    element = f"<image width='16' height='16' href='{secret}'/>"
    entities = f'<!DOCTYPE svg [<!ENTITY x "{secret}"><!ENTITY y "{element}">]>'
    path = tmp_path / "a.svg"
    path.write_text(entities + path.read_text())

    assert draw(content).getcolors() == [(32 * 32, WHITE)]


@pytest.mark.parametrize("size", [(4, 4), (20_000, 20_000)])
def test_an_embedded_picture_is_drawn_within_the_limits(tmp_path, size):
    """A picture inside the SVG is drawn; one of 400 million pixels is a bomb."""
    file = io.BytesIO()
    Image.new("1", size).save(file, "PNG")
    link = "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
    content = images.svg(tmp_path / "a.svg", f'<image width="16" height="16" href="{link}"/>')

    if size == (4, 4):
        assert draw(content).getpixel((16, 16)) == (0, 0, 0)
    else:
        assert reason(content) == "too-many-pixels"


def test_links_inside_the_drawing_stay(tmp_path):
    """A shape that is used twice, and a gradient, are drawn."""
    inside = (
        '<defs><rect id="a" width="8" height="16"/><linearGradient id="g">'
        '<stop stop-color="#00f"/></linearGradient></defs>'
        '<use xlink:href="#a" fill="#0f0"/><use href="#a" x="8" fill="url(#g)"/>'
    )
    found = draw(images.svg(tmp_path / "a.svg", inside))

    assert found.getpixel((4, 16)) == GREEN
    assert found.getpixel((28, 16)) == BLUE


@pytest.mark.parametrize("charset", ["utf-16", "gb18030", "big5"])
def test_charsets_of_several_bytes_are_read(tmp_path, charset):
    """An SVG may say that it is written in GB18030, Big5 or UTF-16."""
    content = images.svg(tmp_path / "a.svg", "<desc>圓</desc>" + DISC)
    path = tmp_path / "a.svg"
    words = f'<?xml version="1.0" encoding="{charset}"?>' + path.read_text("utf-8")
    path.write_bytes(words.encode(charset))

    assert draw(content).getpixel((16, 16)) == RED


def test_what_is_no_sound_drawing_is_rejected(tmp_path):
    """Half a file, a page, nesting without end and entities that unfold without end."""
    bomb = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    cases = {
        "<svg": "broken-xml",
        "<html/>": "unidentified",
        f'<!DOCTYPE svg [<!ENTITY a0 "aaaaaaaaaa">{bomb}]><svg>&a9;</svg>': "broken-xml",
        "<svg>" + "<g>" * 300 + "</g>" * 300 + "</svg>": "too-deep",
    }
    for text, why in cases.items():
        path = tmp_path / "a.svg"
        path.write_text(text)
        assert reason(images.content(path, "image/svg+xml")) == why


def test_a_large_file_is_refused_unread(tmp_path):
    """An SVG is a text and has a text's limit."""
    content = images.svg(tmp_path / "a.svg", DISC)

    assert reason(content, LimitsSpec(max_text_bytes=20)) == "too-many-bytes"


def test_without_a_renderer_the_extra_is_named(tmp_path, monkeypatch):
    """Where resvg is not installed an SVG is rejected, and the message says what to install."""
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    content = images.svg(tmp_path / "a.svg", DISC)

    with pytest.raises(MediaError, match=r"mmindex\[svg\]") as caught:
        load_image(content, LIMITS, target=16)
    assert (caught.value.stage, caught.value.reason) == ("image", "no-renderer")
