"""One small file of every format that is read and can be written here, each from a number.

HEIC and AMR are there where this machine's FFmpeg has an encoder. None is known that writes APE,
Musepack or DSF: those are read, and tried with the corpora (benchmarks/corpora.py) alone.
"""

from __future__ import annotations

import io
import json
import struct
import tempfile
import wave
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tests.made import images, videos

SIDE = 40
RATE = 16_000
SECONDS = 0.5
OPUS_RATE = 48_000
_ALONE = {"libx264": {"x264-params": "threads=1:lookahead-threads=1"}}  # else it differs
EXACT = {"fflags": "+bitexact"}  # no random serial numbers
_AMR = "libopencore_amrnb"


def picture(number: int, mode: str = "RGB") -> Image.Image:
    """A gradient with a square on it: no two numbers give the same one."""
    rng = np.random.default_rng(number)
    corners = rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)
    image = Image.fromarray(corners).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    left, top = rng.integers(0, SIDE // 2, 2).tolist()
    colour = tuple(rng.integers(0, 256, 3).tolist())
    ImageDraw.Draw(image).rectangle((left, top, left + SIDE // 3, top + SIDE // 3), fill=colour)
    return image.convert(mode)


def sound(number: int) -> NDArray[np.float32]:
    """A tone with a little noise, (n,) at 16 kHz."""
    rng = np.random.default_rng(number)
    time = np.arange(round(SECONDS * RATE)) / RATE
    tone = 0.4 * np.sin(2 * np.pi * rng.uniform(200, 2000) * time)
    return (tone + 0.02 * rng.standard_normal(len(time))).astype(np.float32)


def words(number: int) -> tuple[str, str]:
    """A sentence in English and one in Chinese."""
    animals = ("cat", "猫"), ("dog", "狗"), ("horse", "马"), ("owl", "猫头鹰"), ("whale", "鲸鱼")
    english, chinese = animals[number % len(animals)]
    return (
        f"The {english} of number {number} sleeps on the warm stones by the river.",
        f"第{number}号的{chinese}在河边温暖的石头上睡觉，天空很蓝。",
    )


def _saved(kind: str, mode: str = "RGB", **options: object) -> Callable[[int], bytes]:
    def make(number: int) -> bytes:
        buffer = io.BytesIO()
        picture(number, mode).save(buffer, kind, **options)
        return buffer.getvalue()

    return make


def _several(kind: str, **options: object) -> Callable[[int], bytes]:
    """A picture of three frames or pages."""

    def make(number: int) -> bytes:
        buffer = io.BytesIO()
        frames = [picture(3 * number + n) for n in range(3)]
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], **options)
        return buffer.getvalue()

    return make


def _deep(number: int) -> bytes:
    buffer = io.BytesIO()
    grey = np.asarray(picture(number, "L"), dtype=np.uint16) * 257
    Image.fromarray(grey).save(buffer, "PNG")
    return buffer.getvalue()


def _general_brand(number: int) -> bytes:
    """An AVIF that says it is a HEIF of some kind (no encoder of HEVC stills is at hand)."""
    buffer = io.BytesIO()
    picture(number).save(buffer, "AVIF", quality=60)
    return buffer.getvalue().replace(b"ftypavif", b"ftypmif1", 1)


def _written(number: int, name: str, write: Callable[[Path, int], object]) -> bytes:
    """What a maker writes to a file of that name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write(path, number)
        return path.read_bytes()


def _heic(number: int) -> bytes:
    size = (64, 64)  # the least that its coder takes
    return _written(number, "a.heic", lambda path, n: images.heic(path, picture(n).resize(size)))


def _psd(number: int) -> bytes:
    """The composite alone, not packed."""
    planes = np.asarray(picture(number)).transpose(2, 0, 1).tobytes()
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, SIDE, SIDE, 8, 3)
    return head + bytes(3 * 4) + struct.pack(">H", 0) + planes


def _sun(number: int) -> bytes:
    """A Sun raster of 24 bits, as it is: blue, green, red."""
    pixels = np.asarray(picture(number))[:, :, ::-1].tobytes()
    return struct.pack(">8I", 0x59A66A95, SIDE, SIDE, 24, len(pixels), 1, 0, 0) + pixels


def _xpm(number: int) -> bytes:
    """Sixteen colours, a letter each."""
    image = picture(number).quantize(16)
    palette = np.reshape(image.getpalette(), (-1, 3)).tolist()
    letters = "abcdefghijklmnop"
    lines = [f"{SIDE} {SIDE} {len(palette)} 1"]
    lines += [
        f"{letters[n]} c #{red:02x}{green:02x}{blue:02x}"
        for n, (red, green, blue) in enumerate(palette)
    ]
    lines += ["".join(letters[n] for n in row) for row in np.asarray(image).tolist()]
    body = ",\n".join(f'"{line}"' for line in lines)
    return f"/* XPM */\nstatic char *picture[] = {{\n{body}\n}};\n".encode()


def _svg(number: int) -> bytes:
    red, green, blue = np.random.default_rng(number).integers(0, 256, 3).tolist()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40"'
        f' height="40" fill="#eee"/><circle cx="20" cy="{10 + number % 20}" r="9"'
        f' fill="rgb({red},{green},{blue})"/></svg>\n'
    ).encode()


def _wav(number: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound(number) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def _encoded(container: str, codec: str, rate: int = RATE) -> Callable[[int], bytes]:
    """A sound in a container."""

    def make(number: int) -> bytes:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=container, options=EXACT) as file:
            stream: Any = file.add_stream(codec, rate=rate, layout="mono")
            stream.bit_rate = 64_000
            _add_sound(file, stream, number, rate)
        return buffer.getvalue()

    return make


def _add_sound(
    file: av.container.OutputContainer, stream: av.AudioStream, number: int, rate: int
) -> None:
    samples = sound(number)
    resampler = av.AudioResampler(stream.format, stream.layout, rate, stream.frame_size or 1024)
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        file.mux(stream.encode(part))
    file.mux(stream.encode(None))


def _video(container: str, codec: str, sound_codec: str = "") -> Callable[[int], bytes]:
    """Six frames, with a sound where a codec is named."""

    def make(number: int) -> bytes:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=container, options=EXACT) as file:
            pictures: Any = file.add_stream(codec, rate=25, options=_ALONE.get(codec, {}))
            pictures.width, pictures.height = 48, 48
            pictures.pix_fmt = "yuv420p"
            rate = OPUS_RATE if sound_codec == "libopus" else RATE
            heard: Any = (
                file.add_stream(sound_codec, rate=rate, layout="mono") if sound_codec else None
            )
            for one in file.streams:
                one.codec_context.thread_count = 1  # threads may share the work out otherwise
            for index in range(6):
                image = picture(number).rotate(10 * index).resize((48, 48))
                frame: Any = av.VideoFrame.from_image(image)
                frame.pts, frame.time_base = index, Fraction(1, 25)
                file.mux(pictures.encode(frame))
            file.mux(pictures.encode(None))
            if heard is not None:
                _add_sound(file, heard, number, rate)
        return buffer.getvalue()

    return make


def _subtitled(name: str, codec: str) -> Callable[[int], bytes]:
    """A video with a track of subtitles."""

    def write(path: Path, number: int) -> None:
        texts = (one.encode() for one in words(number))
        if codec == "mov_text":
            texts = (videos.timed_text(one) for one in words(number))
        cues = [(float(n), n + 1.0, text) for n, text in enumerate(texts)]
        videos.subtitled(path, [(codec, cues)])

    return lambda number: _written(number, name, write)


def _text(charset: str, which: int = 1) -> Callable[[int], bytes]:
    return lambda number: "\n".join([words(number)[which]] * 3).encode(charset)


def _html(number: int) -> bytes:
    english, chinese = words(number)
    page = f"<html><head><title>{number}</title></head><body><h1>{english}</h1><p>{chinese}</p>"
    return f"<!DOCTYPE html>{page}<script>let x = {number};</script></body></html>".encode()


def _markdown(number: int) -> bytes:
    english, chinese = words(number)
    return f"# Number {number}\n\n* {english}\n* {chinese}\n\n`code`\n".encode()


def _cues(mark: str, point: str) -> Callable[[int], bytes]:
    def make(number: int) -> bytes:
        lines = [
            f"{n + 1}\n00:00:0{n}{point}000 --> 00:00:0{n + 1}{point}000\n{line}\n"
            for n, line in enumerate(words(number))
        ]
        return (mark + "\n".join(lines)).encode()

    return make


def _ass(number: int) -> bytes:
    english, chinese = words(number)
    head = "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Layer, Start, End, Text\n"
    line = "Dialogue: 0,0:00:01.00,0:00:02.00,"
    return f"{head}{line}{english}\n{line}{{\\i1}}{chinese}\n".encode()


def _json(number: int) -> bytes:
    english, chinese = words(number)
    return json.dumps([{"id": number, "caption": english, "说明": chinese}]).encode()


def _json_lines(number: int) -> bytes:
    lines = [json.dumps({"id": n, "caption": line}) for n, line in enumerate(words(number))]
    return "\n".join(lines).encode()


def _csv(number: int) -> bytes:
    english, chinese = words(number)
    return f"id,caption\n1,{english}\n2,{chinese}\n".encode()


def _pdf(number: int) -> bytes:
    """One page with a line of text in a font that every reader has."""
    shown = f"BT /F1 12 Tf 20 100 Td ({words(number)[0]}) Tj ET".encode()
    bodies = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 500 200]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(shown), shown),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    file, places = b"%PDF-1.4\n", []
    for index, body in enumerate(bodies, 1):
        places.append(len(file))
        file += b"%d 0 obj%s endobj\n" % (index, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(file)
    return file + b"xref\n0 6\n0000000000 65535 f \n" + table + end


def _docx(number: int) -> bytes:
    paragraphs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in words(number))
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    space = "http://schemas.openxmlformats.org"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{space}/package/2006/content-types"><Default'
        ' Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"'
        f'/><Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{space}/package/2006/relationships"><Relationship'
        f' Id="r1" Type="{space}/officeDocument/2006/relationships/officeDocument"'
        ' Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{space}/wordprocessingml/2006/main"><w:body>'
        f"{paragraphs}</w:body></w:document>",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part)
    return buffer.getvalue()


SEEDS: dict[str, Callable[[int], bytes]] = {
    "jpg": _saved("JPEG", quality=85),
    "cmyk.jpg": _saved("JPEG", "CMYK"),
    "progressive.jpg": _saved("JPEG", progressive=True),
    "png": _saved("PNG"),
    "alpha.png": _saved("PNG", "RGBA"),
    "palette.png": _saved("PNG", "P"),
    "deep.png": _deep,
    "apng": _several("PNG"),
    "gif": _several("GIF"),
    "webp": _several("WEBP"),
    "bmp": _saved("BMP"),
    "tif": _several("TIFF"),
    "lzw.tif": _saved("TIFF", compression="tiff_lzw"),
    "jpeg.tif": _saved("TIFF", compression="jpeg"),
    "avif": _saved("AVIF", quality=60),
    "mif1.avif": _general_brand,
    "jp2": _saved("JPEG2000"),
    "ppm": _saved("PPM"),
    "ico": _saved("ICO", "RGBA", sizes=[(32, 32)]),
    "icns": _saved("ICNS", "RGBA"),
    "dds": _saved("DDS"),
    "pcx": _saved("PCX"),
    "sgi": _saved("SGI"),
    "qoi": _saved("QOI"),
    **({"heic": _heic} if images.ENCODES_HEVC else {}),
    "psd": _psd,
    "ras": _sun,
    "xpm": _xpm,
    "svg": _svg,
    "wav": _wav,
    "flac": _encoded("flac", "flac"),
    "ogg": _encoded("ogg", "flac"),
    "opus": _encoded("ogg", "libopus", OPUS_RATE),
    "mp3": _encoded("mp3", "libmp3lame"),
    "m4a": _encoded("ipod", "aac"),
    "aac": _encoded("adts", "aac"),
    "aiff": _encoded("aiff", "pcm_s16be"),
    "wma": _encoded("asf", "wmav2", 44_100),
    "ac3": _encoded("ac3", "ac3", 48_000),
    "tta": _encoded("tta", "tta"),
    "wv": _encoded("wv", "wavpack"),
    "caf": _encoded("caf", "pcm_s16le"),
    "au": _encoded("au", "pcm_s16be"),
    **({"amr": _encoded("amr", _AMR, 8000)} if _AMR in av.codecs_available else {}),
    "mp4": _video("mp4", "libx264", "aac"),
    "mov": _video("mov", "mpeg4"),
    "mkv": _video("matroska", "libx264", "libopus"),
    "subtitled.mkv": _subtitled("a.mkv", "srt"),
    "subtitled.mp4": _subtitled("a.mp4", "mov_text"),
    "webm": _video("webm", "libvpx", "libopus"),
    "avi": _video("avi", "mpeg4", "libmp3lame"),
    "mpg": _video("mpeg", "mpeg2video"),
    "ts": _video("mpegts", "mpeg2video"),
    "flv": _video("flv", "flv"),
    "wmv": _video("asf", "wmv2"),
    "txt": _text("utf-8"),
    "en.txt": _text("ascii", 0),
    "gb.txt": _text("gb18030"),
    "big5.txt": lambda number: (
        "溫暖的石頭上有一隻貓，牠在河邊睡覺。\n".encode("big5") * 3 + b"%d" % number
    ),
    "utf16.txt": _text("utf-16"),
    "html": _html,
    "md": _markdown,
    "srt": _cues("", ","),
    "vtt": _cues("WEBVTT\n\n", "."),
    "ass": _ass,
    "json": _json,
    "jsonl": _json_lines,
    "csv": _csv,
    "pdf": _pdf,
    "docx": _docx,
}
"""Name without its stem → the bytes of the file of a number."""
