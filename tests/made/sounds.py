"""Makers of small real sounds in many formats, and of what goes wrong in them."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

import av
import numpy as np

from tests.media import tone


class Format(NamedTuple):
    """A file name's end, a codec, the rate and channels it takes, and how far it may be off."""

    suffix: str
    codec: str
    rate: int = 44_100
    layout: str = "stereo"
    error: float = 1e-3  # of a sine's loudness
    late: float = 1e-3  # seconds that it may be longer or shorter
    sample: str | None = None  # format of a sample, where the codec's first one is too coarse
    options: dict[str, str] = {}  # noqa: RUF012 - of a value that nobody changes


FORMATS: Final = {
    "wav-u8": Format("wav", "pcm_u8", error=0.02),
    "wav-16": Format("wav", "pcm_s16le"),
    "wav-24": Format("wav", "pcm_s24le"),
    "wav-32": Format("wav", "pcm_s32le"),
    "wav-float": Format("wav", "pcm_f32le"),
    "wav-double": Format("wav", "pcm_f64le"),
    "wav-a-law": Format("wav", "pcm_alaw", 8000, "mono", 0.02),
    "wav-mu-law": Format("wav", "pcm_mulaw", 8000, "mono", 0.02),
    "wav-adpcm-ima": Format("wav", "adpcm_ima_wav", error=0.05, late=0.05),
    "wav-adpcm-ms": Format("wav", "adpcm_ms", error=0.05, late=0.05),
    "wav-extensible-6": Format("wav", "pcm_s24le", 48_000, "5.1"),
    "wav-rf64": Format("wav", "pcm_s16le", options={"rf64": "always"}),
    "flac": Format("flac", "flac"),
    "flac-6-at-192-khz": Format("flac", "flac", 192_000, "5.1"),
    "flac-8-khz": Format("flac", "flac", 8000, "mono"),
    "ogg-opus": Format("opus", "libopus", 48_000, error=0.1, late=0.03),
    "ogg-vorbis": Format("ogg", "vorbis", error=0.1, late=0.05, options={"strict": "-2"}),
    "ogg-flac": Format("oga", "flac"),
    "mp3": Format("mp3", "libmp3lame", error=0.1, late=0.1),
    "m4a-aac": Format("m4a", "aac", error=0.1, late=0.1),
    "m4a-alac": Format("m4a", "alac"),
    "adts": Format("aac", "aac", error=0.1, late=0.1),
    "aiff": Format("aiff", "pcm_s16be"),
    "aifc": Format("aiff", "pcm_alaw", 8000, "mono", 0.02),
    "au": Format("au", "pcm_s16be"),
    "caf": Format("caf", "pcm_s24be"),
    "wavpack": Format("wv", "wavpack", sample="s16p"),
    "wma": Format("wma", "wmav2", error=0.1, late=0.1),
    "amr": Format("amr", "libopencore_amrnb", 8000, "mono", 0.2, 0.05),
    "tta": Format("tta", "tta", sample="s16"),
    "ac3": Format("ac3", "ac3", 48_000, error=0.1, late=0.1),
    "w64": Format("w64", "pcm_s16le"),
}
"""Every format that a test can write, by name."""


def sound(path: Path, name: str, seconds: float = 2.0, hertz: float = 440.0) -> Path:
    """Write a sine of half amplitude, equal in all channels, in one of ``FORMATS``."""
    return written(path, FORMATS[name], seconds, hertz)


def written(path: Path, kind: Format, seconds: float, hertz: float = 440.0) -> Path:
    """Write the same in a format of one's own."""
    samples = tone(seconds, kind.rate, hertz)
    with av.open(str(path), "w", container_options=kind.options) as container:
        stream = container.add_stream(kind.codec, rate=kind.rate, layout=kind.layout)
        stream.codec_context.options = kind.options
        stream.bit_rate = 12_200 if kind.suffix == "amr" else 128_000
        if kind.sample:
            stream.codec_context.format = kind.sample
        count = stream.codec_context.layout.nb_channels
        convert = av.AudioResampler(stream.format, stream.layout, kind.rate, _size(stream))
        frame = av.AudioFrame.from_ndarray(
            np.repeat(samples[:, None], count, 1).reshape(1, -1), "flt", kind.layout
        )
        frame.sample_rate, frame.pts, frame.time_base = kind.rate, 0, Fraction(1, kind.rate)
        for block in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    return path


def minutes(path: Path, count: int) -> Path:
    """Write a FLAC at 8 kHz of a sine that lasts so many minutes, one at a time."""
    minute = np.tile(pcm(1.0, 8000), 60)[None]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=8000, layout="mono")
        for number in range(count):
            frame = av.AudioFrame.from_ndarray(minute, "s16", "mono")
            frame.sample_rate, frame.time_base = 8000, Fraction(1, 8000)
            frame.pts = number * minute.shape[1]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def wav_bytes(
    samples: np.ndarray,
    rate: int = 16_000,
    *,
    declared: int | None = None,
    align: int | None = None,
    tag: int | None = None,
) -> bytes:
    """A WAV of (n,) or (n, channels) samples of int16 or float32.

    ``declared`` is what its header says of the data's bytes, ``align`` of a frame's.
    """
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    data, width = samples.tobytes(), samples.dtype.itemsize
    tag = tag or (3 if samples.dtype.kind == "f" else 1)
    align = align or width * channels
    shape = struct.pack("<HHIIHH", tag, channels, rate, rate * width * channels, align, width * 8)
    size = len(data) if declared is None else declared
    body = b"WAVEfmt " + struct.pack("<I", len(shape)) + shape + b"data" + struct.pack("<I", size)
    return b"RIFF" + struct.pack("<I", min(0xFFFF_FFFF, size + 36)) + body + data


def pcm(seconds: float, rate: int = 16_000, hertz: float = 440.0) -> np.ndarray:
    """A sine of half amplitude as int16."""
    return (tone(seconds, rate, hertz) * 32767).astype("<i2")


def music(seconds: float = 4.0) -> np.ndarray:
    """A tune at 16 kHz: each half second a note of eight partials, which rings on for two."""
    notes = (262, 330, 392, 523, 392, 330, 294, 349)
    time = np.arange(32_000) / 16_000
    fading = np.minimum(1, time * 100) * np.exp(-2 * time)
    line = np.zeros(round(seconds * 16_000) + len(time))
    for number, start in enumerate(range(0, round(seconds * 16_000), 8000)):
        hertz = notes[number % len(notes)]
        partials = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 9))
        line[start : start + len(time)] += fading * partials
    return (0.1 * line[: round(seconds * 16_000)]).astype(np.float32)


def noise(seconds: float, loudness: float, seed: int = 0) -> np.ndarray:
    """White noise at 16 kHz, of a given root mean square."""
    rng = np.random.default_rng(seed)
    return rng.normal(0, loudness, round(seconds * 16_000)).astype(np.float32)


def _size(stream: av.AudioStream) -> int | None:
    """Samples of a frame that the encoder wants, where it wants a number."""
    stream.codec_context.open()
    return stream.codec_context.frame_size or None


def delayed(video: Path, path: Path, seconds: float) -> Path:
    """Copy a video into a container that begins its sound ``seconds`` later."""
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        streams = {one.index: target.add_stream_from_template(one) for one in source.streams}
        for packet in source.demux():
            if packet.dts is None:
                continue
            if packet.stream.type == "audio":
                shift = round(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            packet.stream = streams[packet.stream.index]
            target.mux(packet)
    return path


def vowels(seconds: float) -> np.ndarray:
    """Nearly speech, at 16 kHz: a gliding buzz through formants, four syllables a second."""
    time = np.arange(round(seconds * 16_000)) / 16_000
    pitch = 120 + 15 * np.sin(2 * np.pi * 0.6 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / 16_000
    sound = np.zeros_like(time)
    for partial in range(1, 40):
        hertz = partial * pitch
        openness = np.sin(2 * np.pi * 1.7 * time)
        first, second = 500 + 250 * openness, 1500 + 500 * np.sin(2 * np.pi * 1.1 * time)
        gain = 1 / (1 + ((hertz - first) / 90) ** 2) + 0.5 / (1 + ((hertz - second) / 120) ** 2)
        sound += gain * np.sin(partial * phase)
    syllables = np.clip(np.sin(2 * np.pi * 4 * time) + 0.5, 0, 1)
    return (0.1 * sound * syllables).astype(np.float32)
