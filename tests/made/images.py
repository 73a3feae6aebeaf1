"""Makers of odd pictures: HEIC, icons, profiles, TIFFs of several pages, SVG."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin

from mmcore.types import Content
from storage.schemas import Modality
from tests import media

ENCODES_HEVC = "libx265" in av.codecs_available
"""Whether this machine's FFmpeg can make what a HEIC holds."""


def content(path: Path, media_type: str = "application/octet-stream") -> Content:
    """The content of a picture file, of a given media type."""
    size, stamp = path.stat().st_size, path.stat().st_mtime_ns
    place = ("media", path.name, str(path))
    return Content("0" * 64, Modality.IMAGE, media_type, size, *place, mtime_ns=stamp)


def svg(path: Path, inside: str, attributes: str = 'width="16" height="16"') -> Content:
    """The content of an SVG with something inside its root."""
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    path.write_text(f"<svg {names} {attributes}>{inside}</svg>")
    return content(path, "image/svg+xml")


def noisy(width: int, height: int, seed: int = 0) -> Image.Image:
    """Smooth RGB noise: no two places are alike, yet a lossy coder keeps it."""
    small = media.noise(max(1, width // 8), max(1, height // 8), seed)
    return small.resize((width, height), Image.Resampling.BICUBIC)


def discs(*places: tuple[int, int], size=(320, 240), radius: int = 30, colour=media.RED):
    """A grey picture with a disc around each place."""
    y, x = np.mgrid[: size[1], : size[0]]
    pixels = np.full((size[1], size[0], 3), 128, dtype=np.uint8)
    for left, top in places:
        pixels[(x - left) ** 2 + (y - top) ** 2 <= radius**2] = colour
    return Image.fromarray(pixels)


def tiff(path: Path, *pages: Image.Image, tags: dict[int, dict] | None = None) -> Path:
    """Write a TIFF of several pages; ``tags`` has the extra tags of some, which are not packed."""
    with TiffImagePlugin.AppendingTiffWriter(str(path), True) as file:
        for number, page in enumerate(pages):
            extra = (tags or {}).get(number, {})
            packing = None if extra else "tiff_adobe_deflate"  # libtiff drops tags it finds odd
            page.save(file, "TIFF", compression=packing, tiffinfo=extra)
            file.newFrame()
    return path


def set_tag(path: Path, tag: int, value: int) -> None:
    """Give a tag of 16 bits, which the first page of a little-endian TIFF has, another value."""
    raw = path.read_bytes()
    at = raw.index(struct.pack("<HHI", tag, 3, 1)) + 8
    path.write_bytes(raw[:at] + struct.pack("<H", value) + raw[at + 2 :])


def tiled(path: Path, side: int) -> Path:
    """Write a TIFF of 16 × 16 whose tiles say that they are ``side`` × ``side``, and end early."""
    tags = {256: 16, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1}
    tags |= {322: side, 323: side, 324: 8, 325: 100}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = b"II*\0" + struct.pack("<I", 108) + bytes(100)
    path.write_bytes(head + struct.pack("<H", len(tags)) + entries + bytes(4))
    return path


def break_page(path: Path, number: int) -> None:
    """Overwrite the pixels of one page of a TIFF."""
    with Image.open(path) as image:
        image.seek(number)
        start, count = image.tag_v2[273][0], image.tag_v2[279][0]
    raw = bytearray(path.read_bytes())
    raw[start : start + count] = b"\xff" * count
    path.write_bytes(raw)


def grey_profile(gamma: float) -> bytes:
    """An ICC profile of grey whose levels are raised to ``gamma``."""
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061)
    name = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 79
    start, table, data = 128 + 4 + 3 * 12, b"", b""
    for tag, value in ((b"kTRC", curve), (b"wtpt", white), (b"desc", name)):
        table += tag + struct.pack(">II", start + len(data), len(value))
        data += value
    size = struct.pack(">I", start + len(data))
    head = size + b"\0\0\0\0" + b"\x02\x10\0\0" + b"mntrGRAYXYZ " + b"\0" * 12 + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">iii", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", 3) + table + data


def lab(image: Image.Image) -> Image.Image:
    """An RGB picture in the mode LAB."""
    source, target = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    return ImageCms.applyTransform(image, ImageCms.buildTransform(source, target, "RGB", "LAB"))


def icon(path: Path, width: int, height: int) -> Path:
    """Write an icon that says 16 × 16 and holds a PNG that says ``width`` × ``height``."""
    png = io.BytesIO()
    Image.new("1", (1, 1)).save(png, "PNG")
    raw = bytearray(png.getvalue())
    raw[16:24] = struct.pack(">II", width, height)
    raw[29:33] = struct.pack(">I", zlib.crc32(raw[12:29]))
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(raw), 22)
    path.write_bytes(struct.pack("<HHH", 0, 1, 1) + entry + raw)
    return path


def chunk(name: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def heic(path: Path, image: Image.Image, turns: int = 0, orientation: int | None = None) -> Path:
    """Write a HEIC: quarter turns to the left in its ``irot``, and an EXIF orientation."""
    items = [(1, b"hvc1", (coded := _coded(image))[1])]
    if orientation is not None:
        exif = Image.Exif()
        exif[media.ORIENTATION] = orientation
        items.append((2, b"Exif", bytes(4) + exif.tobytes()[6:]))
    properties = [coded[0], _box(b"ispe", struct.pack(">II", *image.size), full=0)]
    if turns:
        properties.append(_box(b"irot", bytes([turns])))
    kind = _box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    start = len(kind) + len(_meta(items, properties, 0)) + 8
    pixels = _box(b"mdat", *[data for *_, data in items])
    path.write_bytes(kind + _meta(items, properties, start) + pixels)
    return path


def _coded(image: Image.Image) -> tuple[bytes, bytes]:
    """The ``hvcC`` box and the coded data of a picture."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx265", rate=1)
        stream.width, stream.height = image.size
        stream.pix_fmt = "yuv420p"
        alone = "log-level=none:info=0:keyint=1:pools=none:frame-threads=1"
        stream.options = {"x265-params": alone, "crf": "4"}
        container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode(None))
    raw = file.getvalue()
    start = raw.index(b"hvcC") - 4
    size = struct.unpack(">I", raw[start : start + 4])[0]
    file.seek(0)
    with av.open(file) as container:
        data = next(bytes(packet) for packet in container.demux(video=0) if packet.size)
    return raw[start : start + size], data


def _meta(items: list[tuple[int, bytes, bytes]], properties: list[bytes], start: int) -> bytes:
    """What a HEIC says of its items, whose data lie one after another from ``start``."""
    count = struct.pack(">H", len(items))
    places, names = b"", b""
    for number, kind, data in items:
        places += struct.pack(">HHHII", number, 0, 1, start, len(data))
        names += _box(b"infe", struct.pack(">HH", number, 0), kind, b"\0", full=2 << 24)
        start += len(data)
    which = struct.pack(">IHB", 1, 1, len(properties)) + bytes(range(1, len(properties) + 1))
    return _box(
        b"meta",
        _box(b"hdlr", bytes(4), b"pict", bytes(13), full=0),
        _box(b"pitm", struct.pack(">H", 1), full=0),
        _box(b"iloc", b"\x44\0", count, places, full=0),
        _box(b"iinf", count, names, full=0),
        _box(b"iprp", _box(b"ipco", *properties), _box(b"ipma", which, full=0)),
        _box(b"iref", _box(b"cdsc", struct.pack(">HHH", 2, 1, 1)), full=0),
        full=0,
    )


def _box(name: bytes, *parts: bytes, full: int | None = None) -> bytes:
    """A box of ISO base media; ``full`` has its version and flags."""
    body = b"".join(parts) if full is None else struct.pack(">I", full) + b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + name + body
