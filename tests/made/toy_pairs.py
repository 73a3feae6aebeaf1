"""A folder of pictures, or sounds, with captions that a small random model can learn."""

from __future__ import annotations

import wave
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {"red": (230, 20, 20), "green": (20, 200, 40), "blue": (20, 40, 230), "black": (0, 0, 0)}
PLACES = {
    "left": (0, 0, 15, 31),
    "right": (16, 0, 31, 31),
    "top": (0, 0, 31, 15),
    "bottom": (0, 16, 31, 31),
}
GROUNDS = {"white": (255, 255, 255), "yellow": (250, 230, 60), "grey": (128, 128, 128)}
PITCHES = {"low": 200, "middle": 600, "high": 1800, "shrill": 5000}
PULSES = {"long": 0, "slow": 4, "fast": 12}
VOICES = {"pure": 0.0, "noisy": 0.5, "rough": 3.0}


def pictures(folder: Path) -> Path:
    """48 pictures: half of each is of one of four colours, the rest is of one of three."""
    folder.mkdir(parents=True)
    for number, (colour, place, ground) in enumerate(product(COLOURS, PLACES, GROUNDS)):
        image = Image.new("RGB", (32, 32), GROUNDS[ground])
        ImageDraw.Draw(image).rectangle(PLACES[place], fill=COLOURS[colour])
        image.save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"{colour} {place} on {ground}", "utf-8")
    return folder


def sounds(folder: Path) -> Path:
    """36 sounds of half a second: one of four pitches, in one of three rhythms, and voices."""
    folder.mkdir(parents=True)
    time, chance = np.arange(24_000) / 48_000, np.random.default_rng(0)
    for number, (pitch, pulse, voice) in enumerate(product(PITCHES, PULSES, VOICES)):
        tone = np.sin(2 * np.pi * PITCHES[pitch] * time)
        tone += VOICES[voice] * 0.3 * chance.standard_normal(len(time))
        tone *= np.cos(2 * np.pi * PULSES[pulse] * time) > 0
        with wave.open(str(folder / f"{number}.wav"), "wb") as file:
            file.setnchannels(1), file.setsampwidth(2), file.setframerate(48_000)
            file.writeframes((np.clip(tone, -3, 3) * 10_000).astype("<i2").tobytes())
        (folder / f"{number}.txt").write_text(f"{voice} {pitch} {pulse}", "utf-8")
    return folder
