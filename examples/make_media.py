"""Re-make the synthetic sounds and the short video of ``examples/media``.

Everything here is computed: no recording is used, and random noise comes from fixed seeds,
so that two runs give the same samples.  The results were made for mmindex and are CC0.

The pictures, the sounds of musical instruments and the texts are not made here;
``LICENSES.md`` says where each of them comes from.

Usage: ``python examples/make_media.py [MEDIA_DIR]`` (needs numpy, Pillow and PyAV).
"""

from __future__ import annotations

import argparse
import wave
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Signal = NDArray[np.float64]

RATE = 16_000
"""Samples per second of every sound."""

FRAME_RATE = 15
"""Pictures per second of the video."""

FRAME_SIZE = (320, 160)
"""Width and height of the video."""

SCENE_SECONDS = 1.6
"""Length of one scene of the video."""

SCENES = ("nature/waves.jpg", "nature/mountain.jpg", "nature/lava.jpg")
"""The pictures that the video moves across, in order."""


def times(seconds: float) -> Signal:
    """Return the time of every sample of a sound of this length."""
    return np.arange(round(seconds * RATE)) / RATE


def curve(t: Signal, points: Sequence[tuple[float, float]]) -> Signal:
    """Return straight lines through ``points`` (time, value), sampled at ``t``."""
    xs, ys = zip(*points, strict=True)
    return np.interp(t, xs, ys)


def band_noise(n: int, low: float, high: float, seed: int) -> Signal:
    """Return noise between two frequencies, with a peak of 1."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n))
    freqs = np.fft.rfftfreq(n, 1 / RATE)
    gain = 1 / (1 + (freqs / high) ** 4) * (1 - 1 / (1 + (freqs / max(low, 1.0)) ** 4))
    noise = np.fft.irfft(spectrum * gain, n)
    return noise / np.abs(noise).max()


def voice(f0: Signal, formants: Sequence[tuple[Signal, float, float]], top: int = 40) -> Signal:
    """Sum the harmonics of a moving pitch, weighted by moving formants.

    A formant is its frequency (moving), its width and its strength.
    """
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    out = np.zeros_like(f0)
    for k in range(1, top + 1):
        freq = k * f0
        gain = sum(s * np.exp(-(((freq - f) / w) ** 2)) for f, w, s in formants) + 0.02 / k
        out += np.where(freq < RATE / 2 - 200, gain, 0) * np.sin(k * phase)
    return out


def place(length: float, parts: Sequence[tuple[float, Signal]]) -> Signal:
    """Mix sounds that start at the given seconds into one sound of this length."""
    out = np.zeros(round(length * RATE))
    for start, part in parts:
        first = round(start * RATE)
        room = out[first : first + part.size]
        room += part[: room.size]
    return out


def meow() -> Signal:
    """Two calls of a cat: pitch and mouth open, then close."""

    def one(seconds: float, pitch: float) -> Signal:
        t = times(seconds)
        u = t / seconds
        f0 = pitch * curve(u, [(0, 0.8), (0.25, 1.15), (0.6, 1.0), (1, 0.65)])
        f0 *= 1 + 0.012 * np.sin(2 * np.pi * 6.5 * t)
        first = curve(u, [(0, 450), (0.3, 1250), (0.7, 1000), (1, 500)])
        second = curve(u, [(0, 2600), (0.3, 2300), (0.7, 1700), (1, 1100)])
        tone = voice(f0, [(first, 350, 1.0), (second, 450, 0.6)], top=14)
        return tone * curve(u, [(0, 0), (0.12, 0.7), (0.4, 1), (0.8, 0.5), (1, 0)])

    return place(2.6, [(0.1, one(0.95, 640)), (1.4, one(1.05, 600))])


def bark() -> Signal:
    """Four barks of a dog, in two pairs."""

    def one(seed: int) -> Signal:
        t = times(0.24)
        f0 = curve(t, [(0, 300), (0.05, 430), (0.24, 190)])
        first, second = np.full_like(t, 750.0), np.full_like(t, 1500.0)
        tone = voice(f0, [(first, 350, 1.0), (second, 500, 0.5)])
        tone /= np.abs(tone).max()
        rough = tone + 0.45 * band_noise(t.size, 400, 2500, seed)
        return rough * curve(t, [(0, 0), (0.012, 1), (0.09, 0.8), (0.24, 0)])

    return place(2.4, [(at, one(i)) for i, at in enumerate((0.1, 0.5, 1.4, 1.8))])


def moo() -> Signal:
    """One long call of a cow."""
    t = times(2.6)
    f0 = curve(t, [(0, 105), (0.5, 150), (1.8, 165), (2.6, 110)])
    f0 *= 1 + 0.008 * np.sin(2 * np.pi * 5 * t)
    first = curve(t, [(0, 260), (0.5, 320), (1.1, 620), (2.1, 560), (2.6, 350)])
    tone = voice(f0, [(first, 200, 1.0), (first * 2.1, 260, 0.5)], top=25)
    rough = 1 + 0.25 * band_noise(t.size, 5, 60, 4)
    return tone * rough * curve(t, [(0, 0), (0.3, 0.6), (1.2, 1), (2.2, 0.7), (2.6, 0)])


def hoot() -> Signal:
    """Five soft low notes of an owl."""

    def one(seconds: float, pitch: float) -> Signal:
        t = times(seconds)
        u = t / seconds
        phase = 2 * np.pi * np.cumsum(pitch * curve(u, [(0, 0.96), (0.3, 1), (1, 0.95)])) / RATE
        return (np.sin(phase) + 0.12 * np.sin(2 * phase)) * np.sin(np.pi * u) ** 0.8

    calls = [(0.1, 0.35), (0.6, 0.18), (0.85, 0.18), (1.4, 0.45), (2.15, 0.6)]
    song = place(3.0, [(at, one(seconds, 340)) for at, seconds in calls])
    return song + 0.01 * band_noise(song.size, 200, 2000, 5)


def buzz() -> Signal:
    """A bee that flies past."""
    t = times(3.0)
    wander = np.cumsum(band_noise(t.size, 1, 6, 6))
    f0 = 225 + 18 * wander / np.abs(wander).max() + curve(t, [(0, -8), (1.5, 10), (3, -12)])
    phase = 2 * np.pi * np.cumsum(f0) / RATE
    tone = sum(np.sin(k * phase) / k**0.9 for k in range(1, 22))
    near = np.exp(-(((t - 1.5) / 0.9) ** 2)) + 0.08
    return tone * near * (1 + 0.2 * band_noise(t.size, 10, 50, 7))


def surf(seconds: float = 4.0) -> Signal:
    """Ocean waves that roll in and draw back."""
    t = times(seconds)
    swell = np.clip(np.sin(2 * np.pi * (t / 2.4 - 0.1)), 0, None) ** 1.5
    low = band_noise(t.size, 40, 500, 8) * (0.25 + 0.75 * swell)
    foam = band_noise(t.size, 900, 5000, 9) * (0.06 + 0.5 * np.roll(swell, RATE // 4))
    return low + foam


def thunder() -> Signal:
    """A crack of thunder and the rumble that follows."""
    t = times(4.0)
    start = 0.15
    crack = band_noise(t.size, 300, 4500, 10) * np.exp(-np.clip(t - start, 0, None) * 11)
    crack *= t > start
    rolls = sum(
        a * np.exp(-(((t - at) / w) ** 2))
        for at, w, a in ((0.35, 0.25, 1.0), (1.0, 0.4, 0.8), (1.9, 0.5, 0.6), (2.9, 0.5, 0.35))
    )
    return 0.9 * crack + 1.4 * band_noise(t.size, 25, 170, 11) * rolls


def roar() -> Signal:
    """A rocket engine: it ignites, roars and crackles."""
    t = times(4.0)
    body = band_noise(t.size, 30, 400, 12) + 0.45 * band_noise(t.size, 400, 3000, 13)
    crackle = np.clip(np.abs(band_noise(t.size, 20, 120, 14)) - 0.35, 0, None) * 2.2
    body += crackle * band_noise(t.size, 800, 6000, 15)
    return body * curve(t, [(0, 0), (0.25, 0.25), (0.9, 1), (3.2, 0.9), (4, 0.3)])


def ring() -> Signal:
    """The two bells of a telephone, struck twenty times a second; two rings."""

    def one(seconds: float) -> Signal:
        t = times(seconds)
        since = np.mod(t, 1 / 20)
        bells = sum(
            a * np.sin(2 * np.pi * f * t)
            for f, a in ((1030, 1.0), (1310, 0.9), (2790, 0.5), (3560, 0.4), (5210, 0.2))
        )
        edge = curve(t, [(0, 0), (0.02, 1), (seconds - 0.25, 1), (seconds, 0)])
        return bells * (0.45 + 0.55 * np.exp(-since * 45)) * edge

    return place(3.4, [(0.05, one(1.3)), (1.85, one(1.3))])


SOUNDS: dict[str, Callable[[], Signal]] = {
    "animals/cat.wav": meow,
    "animals/dog.wav": bark,
    "animals/cow.wav": moo,
    "animals/owl.wav": hoot,
    "animals/bee.wav": buzz,
    "nature/waves.wav": surf,
    "nature/lightning.wav": thunder,
    "vehicles/rocket.wav": roar,
    "things/telephone.wav": ring,
}
"""Where each synthetic sound lies in the media folder, and what computes it."""


def to_pcm(signal: Signal) -> NDArray[np.int16]:
    """Scale a sound to a peak of 0.8 and round it to 16 bits."""
    return np.round(signal / np.abs(signal).max() * 0.8 * 32767).astype(np.int16)


def write_wav(path: Path, signal: Signal) -> None:
    """Write a sound as mono 16-bit WAV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(to_pcm(signal).tobytes())


def scene(picture: Image.Image, count: int, inwards: bool) -> list[Image.Image]:
    """Return ``count`` frames that zoom slowly into or out of a picture while panning."""
    width, height = picture.size
    ratio = FRAME_SIZE[0] / FRAME_SIZE[1]
    full = min(width, height * ratio)
    frames = []
    for i in range(count):
        u = i / max(count - 1, 1)
        size = full * (1 - 0.25 * (u if inwards else 1 - u))
        left = (width - size) * u
        upper = (height - size / ratio) / 2
        box = (left, upper, left + size, upper + size / ratio)
        frames.append(picture.resize(FRAME_SIZE, Image.Resampling.BICUBIC, box=box))
    return frames


def write_video(path: Path, pictures: Sequence[Path]) -> None:
    """Write an H.264 video of the pictures, with hard cuts between them, over the surf."""
    path.parent.mkdir(parents=True, exist_ok=True)
    per_scene = round(SCENE_SECONDS * FRAME_RATE)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FRAME_RATE)
        video.width, video.height = FRAME_SIZE
        video.pix_fmt = "yuv420p"
        video.options = {"crf": "25", "threads": "1"}
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        audio.bit_rate = 48_000
        for number, name in enumerate(pictures):
            with Image.open(name) as file:
                picture = file.convert("RGB")
            for image in scene(picture, per_scene, inwards=number % 2 == 0):
                container.mux(video.encode(av.VideoFrame.from_image(image)))
        container.mux(video.encode(None))
        pcm = to_pcm(surf(len(pictures) * SCENE_SECONDS))
        for start in range(0, pcm.size, 1024):
            frame = av.AudioFrame.from_ndarray(pcm[None, start : start + 1024], "s16", "mono")
            frame.sample_rate = RATE
            frame.pts = start
            frame.time_base = Fraction(1, RATE)
            container.mux(audio.encode(frame))
        container.mux(audio.encode(None))


def main() -> None:
    """Write every synthetic sound, then the video."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).resolve().parent / "media"
    parser.add_argument("media", nargs="?", type=Path, default=default, help="the media folder")
    media: Path = parser.parse_args().media
    for name, make in SOUNDS.items():
        write_wav(media / name, make())
    write_video(media / "video" / "shore.mp4", [media / name for name in SCENES])


if __name__ == "__main__":
    main()
