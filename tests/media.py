"""Makers of small real media: pictures, sounds, videos, texts, and the contents that name them."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from mmcore.media.sniff import sniff
from mmcore.types import Content, MediaFile
from storage.schemas import Modality, content_id

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ORIENTATION = 0x0112


def picture(width: int = 48, height: int = 32, left=RED, right=BLUE) -> Image.Image:
    """An RGB picture: its left half in one colour, its right half in another."""
    image = Image.new("RGB", (width, height), right)
    image.paste(left, (0, 0, width // 2, height))
    return image


def noise(width: int = 48, height: int = 32, seed: int = 0) -> Image.Image:
    """An RGB picture of seeded noise: no two seeds give equal bytes."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def png(path: Path, image: Image.Image | None = None, **options) -> Path:
    """Write a PNG (of any mode) with its folders."""
    return _saved(path, picture() if image is None else image, "PNG", options)


def jpeg(path: Path, image: Image.Image | None = None, orientation: int | None = None) -> Path:
    """Write a JPEG of high quality, with an EXIF orientation if one is given."""
    options: dict = {"quality": 95, "subsampling": 0}
    if orientation is not None:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif
    return _saved(path, picture() if image is None else image, "JPEG", options)


def deep_png(path: Path, values: np.ndarray) -> Path:
    """Write a 16-bit grey PNG of the given uint16 values."""
    return png(path, Image.fromarray(values.astype(np.uint16)))


def cmyk_jpeg(path: Path, colour: tuple[int, int, int, int] = (0, 255, 255, 0)) -> Path:
    """Write a CMYK JPEG of one colour; the default is red."""
    return jpeg(path, Image.new("CMYK", (32, 32), colour))


def tone(seconds: float, rate: int = 16_000, hertz: float = 440.0) -> np.ndarray:
    """A sine of half amplitude as float32."""
    time = np.arange(round(seconds * rate), dtype=np.float64) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def wav(
    path: Path,
    seconds: float = 1.0,
    rate: int = 16_000,
    channels: int = 1,
    hertz: float = 440.0,
) -> Path:
    """Write a 16-bit PCM WAV of a tone, equal in all channels."""
    samples = np.repeat(tone(seconds, rate, hertz)[:, None], channels, axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def mp4(  # noqa: PLR0913 - each is one property of a video
    path: Path,
    seconds: float = 2.0,
    *,
    fps: int = 10,
    size: tuple[int, int] = (64, 48),
    sound: bool = True,
    pictures: bool = True,
    rotation: int = 0,
    gop: int = 12,
) -> Path:
    """Write an MP4 (H.264, AAC): second ``n`` is grey 40n, its left edge is red."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        if pictures:
            video = container.add_stream("libx264", rate=fps, options={"crf": "10"})
            video.width, video.height, video.pix_fmt = *size, "yuv420p"
            video.codec_context.gop_size = gop
            if rotation:
                video.set_display_rotation(rotation)
        if sound:
            audio = container.add_stream("aac", rate=16_000, layout="mono")
        if pictures:
            for index in range(round(seconds * fps)):
                container.mux(video.encode(_video_frame(index, fps, size)))
            container.mux(video.encode(None))
        if sound:
            for frame in _audio_frames(tone(seconds)):
                container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def text(path: Path, content: str, charset: str = "utf-8") -> Path:
    """Write a text in a charset: utf-8, utf-16, gb18030, big5 and so on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode(charset))
    return path


def content(path: Path, modality: Modality | None = None) -> Content:
    """The content of a file, typed by the sniffer unless a modality is given."""
    data = path.read_bytes()
    kind = (modality, "application/octet-stream") if modality else sniff(data[:4096])
    assert kind is not None, path
    stamp = path.stat().st_mtime_ns
    name = content_id(data)
    return Content(name, *kind, len(data), "media", path.name, str(path), mtime_ns=stamp)


def caption(words: str) -> Content:
    """The content of a manifest's caption."""
    raw = words.encode()
    kind = Modality.TEXT, "text/plain"
    return Content(content_id(raw), *kind, len(raw), "media", "manifest.csv#1/en", "", words)


def media_file(path: str, modality: Modality | None = None, **fields) -> MediaFile:
    """A media file that need not exist; the modality is told from the extension here."""
    known = {"txt": Modality.TEXT, "wav": Modality.AUDIO, "ogg": Modality.AUDIO}
    known["mp4"] = Modality.VIDEO
    extension = path.rpartition(".")[2].lower()
    kind = modality or known.get(extension, Modality.IMAGE)
    raw = path.encode("utf-8", "surrogateescape")
    values = {"content_id": content_id(raw), "size": 1, "mtime_ns": 0} | fields
    return MediaFile("media", path, modality=kind, media_type=f"{kind}/x", **values)


def _saved(path: Path, image: Image.Image, kind: str, options: dict) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, kind, **options)
    return path


def _video_frame(index: int, fps: int, size: tuple[int, int]) -> av.VideoFrame:
    grey = min(255, 40 * (index // fps))
    image = Image.new("RGB", size, (grey, grey, grey))
    image.paste(RED, (0, 0, size[0] // 8, size[1]))
    frame = av.VideoFrame.from_image(image)
    frame.pts, frame.time_base = index, Fraction(1, fps)
    return frame


def _audio_frames(samples: np.ndarray, size: int = 1024):
    for start in range(0, len(samples), size):
        frame = av.AudioFrame.from_ndarray(
            samples[None, start : start + size], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = 16_000, start, Fraction(1, 16_000)
        yield frame
