"""A world of coloured shapes that have names in two languages, and a tone for each colour."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from tests import media

COLOURS: Final = {
    "red": ("红色", (220, 30, 30), 220.0),
    "green": ("绿色", (30, 180, 40), 415.0),
    "blue": ("蓝色", (30, 60, 220), 784.0),
    "yellow": ("黄色", (230, 210, 20), 1480.0),
    "purple": ("紫色", (140, 30, 170), 2794.0),
    "grey": ("灰色", (128, 128, 128), 5274.0),
}
SHAPES: Final = {"circle": "圆形", "square": "方形"}


def drawn(colour: str, shape: str, seed: int, side: int = 40) -> Image.Image:
    """A shape on light ground: its size, its place and the ground's shade are drawn."""
    rng = np.random.default_rng(seed)
    shade = int(rng.integers(235, 256))
    image = Image.new("RGB", (side, side), (shade, shade, shade))
    size = int(rng.integers(side // 2, 3 * side // 4))
    left, top = rng.integers(0, side - size, 2).tolist()
    pencil = ImageDraw.Draw(image)
    draw = pencil.ellipse if shape == "circle" else pencil.rectangle
    draw((left, top, left + size, top + size), fill=COLOURS[colour][1])
    return image


def said(colour: str, shape: str, number: int, language: str) -> str:
    """A caption like no other."""
    if language == "zh":
        return f"第{number}张画上是{COLOURS[colour][0]}的{SHAPES[shape]}。"
    return f"Drawing {number} shows a {colour} {shape}."


def folder(root: Path, each: int = 4, *, sounds: bool = True, validation: bool = True) -> Path:
    """``train``, ``validation`` and ``test`` of drawings with captions and tones.

    Labels are the colours, by folders. Of each colour and shape there are ``each`` drawings to
    learn from, and one in each other split.
    """
    number = 0
    splits = {"train": each, **({"validation": 1} if validation else {}), "test": 1}
    for split, count in splits.items():
        for colour in COLOURS:
            for shape in SHAPES:
                for _ in range(count):
                    number += 1
                    _item(root / split / colour, number, (colour, shape), sounds=sounds)
    return root


def _item(to: Path, number: int, what: tuple[str, str], *, sounds: bool) -> None:
    media.png(to / f"image_{number}.png", drawn(*what, number))
    language = "zh" if number % 3 == 0 else "en"
    media.text(to / f"text_{number}.txt", said(*what, number, language))
    if sounds:
        pitch = COLOURS[what[0]][2] * (1 + 0.01 * (number % 5))
        seconds = 0.3 + 0.02 * (number % 4) + number / 16_000  # no two sounds are the same file
        media.wav(to / f"audio_{number}.wav", seconds, hertz=pitch)
