"""SVG → upright RGB, drawn by resvg (the extra ``svg``) of nothing but the file itself."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final
from xml.etree import ElementTree  # expat bounds what entities unfold to and opens no other file

from PIL import Image

from mmcore.errors import MediaError
from mmcore.media.images.formats import FORMATS
from mmcore.media.images.read import explained
from mmcore.media.limits import check_nesting, check_pixels, check_text_bytes
from mmcore.specs import LimitsSpec
from mmcore.types import Content

_DEFAULT: Final = (300.0, 150.0)  # of CSS, for a picture that says neither size nor proportions
# Pixels that are drawn, however long and thin it is: the first are 64 MB as the renderer has them,
# and a picture that is embedded has some hundreds of pixels a side; the second is set by hand.
_MOST: Final = 16_000_000
_LONGEST: Final = 16_384
_LENGTH: Final = re.compile(r"\s*\+?(\d*\.?\d+(?:e[+-]?\d+)?)\s*(px|pt|pc|mm|cm|in|q|)\s*", re.I)
_UNITS: Final = {  # in CSS pixels
    **{"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "in": 96.0},
    **{"cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6},
}
_EMBEDDED: Final = re.compile(r"\s*data:image/[\w.+-]+;base64,", re.I)
_CHARSET: Final = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"'](?!utf)([\w.:-]+)", re.I)
_TEXT: Final = "}text"


def drawn(content: Content, limits: LimitsSpec, *, target: int) -> Image.Image:
    """The drawing over white, its shorter side about 2 × ``target`` pixels.

    No file and no address that it names is opened: only what it holds is drawn. Raises
    MediaError; OSError when the file cannot be read.
    """
    render = _renderer()
    path = Path(content.location)
    check_text_bytes(path.stat().st_size, limits)
    with explained(limits):
        root = _parsed(path.read_bytes())
        _isolate(root, limits)
        _resize(root, target, limits)
        page = ElementTree.tostring(root, encoding="unicode")
        has_text = any(str(node.tag).endswith(_TEXT) for node in root.iter())
        png = render(svg_string=page, skip_system_fonts=not has_text, background="#ffffff")
        with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
            check_pixels(*image.size, limits)
            return image.convert("RGB")


def _renderer() -> Callable[..., bytes]:
    try:
        from resvg_py import svg_to_bytes  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = "an SVG needs the extra `svg`: pip install 'mmindex[svg]'"
        raise MediaError("image", "no-renderer", message) from error
    return svg_to_bytes


def _parsed(raw: bytes) -> ElementTree.Element:
    named = _CHARSET.match(raw)
    try:
        # expat knows no charset of several bytes but Unicode's
        root = ElementTree.fromstring(raw.decode(named[1].decode()) if named else raw)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise MediaError("image", "broken-xml", f"the SVG is no sound XML ({error})") from error
    if str(root.tag).rpartition("}")[2] != "svg":
        raise MediaError("image", "unidentified", f"no drawing, but <{root.tag}>")
    return root


def _isolate(root: ElementTree.Element, limits: LimitsSpec) -> None:
    """Drop every link out of the file, in place; a picture that it embeds is held to the limits.

    What is drawn afterwards is written anew from this tree, so no entity hides a link.
    """
    level = [root]
    depth = 0
    while level:
        depth += 1
        check_nesting(depth, limits)
        for node in level:
            for name in [name for name in node.attrib if name.rpartition("}")[2] == "href"]:
                if not _stays(node.attrib[name], limits):
                    del node.attrib[name]
        level = [child for node in level for child in node]


def _stays(link: str, limits: LimitsSpec) -> bool:
    """Whether a link leads to a place in the file, or is a raster picture itself."""
    if link.lstrip().startswith("#"):
        return True
    embedded = _EMBEDDED.match(link)
    if not embedded:
        return False
    try:
        raw = base64.b64decode(link[embedded.end() :])
        with Image.open(io.BytesIO(raw), formats=FORMATS) as image:
            check_pixels(*image.size, limits)
    except (binascii.Error, OSError, ValueError):
        return False
    return True


def _resize(root: ElementTree.Element, target: int, limits: LimitsSpec) -> None:
    """Give the root the size in pixels that it is drawn at, and a view box if it has none."""
    width, height = _natural(root)
    scale = 2 * target / min(width, height)
    most = min(_MOST, limits.max_pixels)
    scale = min(scale, (most / width / height) ** 0.5, _LONGEST / max(width, height))
    if root.get("viewBox") is None:
        root.set("viewBox", f"0 0 {width:.6f} {height:.6f}")
    for name, side in (("width", width), ("height", height)):
        root.set(name, str(max(1, round(scale * side))))


def _natural(root: ElementTree.Element) -> tuple[float, float]:
    """Width and height in CSS pixels; only their proportion matters."""
    width, height = _length(root.get("width")), _length(root.get("height"))
    if width and height:
        return width, height
    numbers = re.findall(r"[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?", root.get("viewBox") or "")
    if len(numbers) == 4:  # noqa: PLR2004 - left, top, width, height
        box = float(numbers[2]), float(numbers[3])
        if min(box) > 0 and max(box) < float("inf"):
            return box
    return width or _DEFAULT[0], height or _DEFAULT[1]


def _length(text: str | None) -> float | None:
    """A positive absolute length in CSS pixels; None for a share or what is no length."""
    found = _LENGTH.fullmatch(text or "")
    if not found:
        return None
    length = float(found[1]) * _UNITS[found[2].lower()]
    return length if 0 < length < float("inf") else None
