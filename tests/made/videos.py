"""Makers of small real videos of many containers, codecs, clocks and kinds of damage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

SIZE = (64, 48)
VPX = {"cpu-used": "8", "deadline": "realtime"}
ASS_HEADER = (
    b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name\nStyle: Default\n\n"
    b"[Events]\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)

Painter = Callable[[int, tuple[int, int]], Image.Image]


def ramp(index: int, size: tuple[int, int]) -> Image.Image:
    """Frame ``index`` is grey ``2 × index``."""
    return Image.new("RGB", size, (2 * index % 256,) * 3)


def quarters(index: int, size: tuple[int, int]) -> Image.Image:
    """Red above left, green above right, blue below."""
    width, height = size[0] // 2, size[1] // 2
    image = Image.new("RGB", size, (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, width, height))
    image.paste((0, 255, 0), (width, 0, size[0], height))
    return image


def textured(index: int, size: tuple[int, int]) -> Image.Image:
    """A moving texture around grey ``2 × index``: packets of a size that damage can hit."""
    blocks = np.random.default_rng(0).integers(0, 60, (size[1] // 8, size[0] // 8))
    grey = np.kron(blocks, np.ones((8, 8), int))
    moved = np.roll(grey, 3 * index, axis=1) + 2 * index
    return Image.fromarray(np.clip(moved, 0, 255).astype(np.uint8)).convert("RGB")


def scenes(cuts: Sequence[int], noise: int = 0) -> Painter:
    """Another colour from each of the frames ``cuts`` on, with seeded noise of that amplitude."""
    colours = [(200, 30, 30), (30, 200, 220), (20, 20, 20), (230, 230, 60), (40, 60, 220)]
    random = np.random.default_rng(0)

    def paint(index: int, size: tuple[int, int]) -> Image.Image:
        colour = colours[sum(index >= cut for cut in cuts) % len(colours)]
        pixels = np.full((size[1], size[0], 3), colour)
        pixels = pixels + random.integers(-noise, noise + 1, pixels.shape)
        return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))

    return paint


def video(  # noqa: PLR0913 - each is one property of a video
    path: Path,
    frames: int = 40,
    *,
    codec: str = "libx264",
    container: str | None = None,
    options: dict[str, str] | None = None,
    tuning: dict[str, str] | None = None,
    fps: int = 10,
    size: tuple[int, int] = SIZE,
    gop: int = 12,
    pixels: str = "yuv420p",
    paint: Painter = ramp,
    times: Sequence[int] | None = None,
    start: int = 0,
    rotation: int = 0,
    matrix: Sequence[int] | None = None,
    aspect: Fraction | None = None,
    sound: str | None = None,
) -> Path:
    """Write a video; ``times``: when frames are shown, in milliseconds; ``start``: in frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container, options=options or {}) as output:
        stream = output.add_stream(codec, rate=fps, options=tuning or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.gop_size = gop
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        if matrix is not None:
            stream.set_display_matrix(list(matrix))
        audio = output.add_stream(sound, rate=48_000, layout="mono") if sound else None
        for index in range(frames):
            frame = av.VideoFrame.from_image(paint(index, size)).reformat(format=pixels)
            frame.pts = index + start if times is None else times[index]
            frame.time_base = Fraction(1, fps if times is None else 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if audio is not None:
            _add_silence(output, audio, frames / fps)
    return path


def yuv_video(
    path: Path, yuv: tuple[int, int, int], *, matrix: int, full: bool, size=SIZE
) -> Path:
    """Write a lossless video of one colour in YUV, with the matrix and range that it says."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=10, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv444p"
        context = stream.codec_context
        context.colorspace, context.color_range = matrix, 2 if full else 1
        planes = np.empty((3, size[1], size[0]), np.uint8)
        for plane, value in zip(planes, yuv, strict=True):
            plane[:] = value
        frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
        frame.colorspace, frame.color_range = context.colorspace, context.color_range
        frame.pts, frame.time_base = 0, Fraction(1, 10)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def subtitled(
    path: Path,
    tracks: Sequence[tuple[str, Sequence[tuple[float, float, bytes]]]],
    *,
    container: str | None = None,
) -> Path:
    """Write a video of a second with tracks of (codec, cues as (start, end, packet))."""
    exact = {"fflags": "+bitexact"}  # no random numbers
    with av.open(str(path), "w", format=container, options=exact) as output:
        webm = path.suffix == ".webm"
        stream = output.add_stream("libvpx" if webm else "libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        added = []
        for codec, _ in tracks:
            track = output.add_stream(codec)
            track.codec_context.subtitle_header = ASS_HEADER
            added.append(track)
        for index in range(10):
            frame = av.VideoFrame.from_image(ramp(index, SIZE))
            frame.pts, frame.time_base = index, Fraction(1, 10)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        for track, (_, cues) in zip(added, tracks, strict=True):
            for start, end, data in cues:
                packet = av.Packet(data)
                packet.stream, packet.time_base = track, Fraction(1, 1000)
                packet.pts = packet.dts = round(start * 1000)
                packet.duration = round((end - start) * 1000)
                output.mux(packet)
    return path


def restamped(path: Path, number: int, seconds: float) -> Path:
    """Let one packet of a video of a single stream be shown at another time."""
    copied = path.with_stem("restamped")
    with av.open(str(path)) as source, av.open(str(copied), "w") as target:
        stream = target.add_stream_from_template(source.streams[0])
        for place, packet in enumerate(p for p in source.demux() if p.dts is not None):
            if place == number:
                packet.pts = round(seconds / packet.time_base)
            packet.stream = stream
            target.mux(packet)
    return copied.replace(path)


def timed_text(text: str) -> bytes:
    """A sample of MP4's own subtitles."""
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def shortened(path: Path, share: float = 0.5) -> Path:
    """Cut a file's tail off."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def scrambled(path: Path, start: float, end: float) -> Path:
    """Overwrite a share of a file with seeded noise."""
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * end)
    data[first:last] = np.random.default_rng(0).bytes(last - first)
    path.write_bytes(data)
    return path


def patched(path: Path, after: bytes, offset: int, value: bytes) -> Path:
    """Overwrite the bytes ``offset`` behind the first place where a file says ``after``."""
    data = bytearray(path.read_bytes())
    place = data.index(after) + len(after) + offset
    data[place : place + len(value)] = value
    path.write_bytes(data)
    return path


def _add_silence(output, stream, seconds: float) -> None:
    for start in range(0, int(seconds * 48_000), 960):
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 960), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = 48_000, start, Fraction(1, 48_000)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
