"""An encoder whose ``prepare`` does what a hostile file may make a decoder do, by its colour."""

from __future__ import annotations

import ctypes
import os
import time
from typing import Any

import numpy as np
from PIL import Image

from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality
from tests.fakes import HashEncoder

CRASH, HANG, SLOW, EAT, KILLED, EXIT, FAULT, CONFIG, NO_DISK, SHAPE, EXIT_WELL = (
    (value, 0, 0) for value in range(10, 120, 10)
)
GOOD = (0, 200, 0)
PRINTS = (0, 100, 0)


def hungry() -> Any:
    """More memory than anybody has."""
    return np.empty(10**10)


def hang() -> None:
    """Hold the interpreter's lock for ever, as a decoder in C may."""
    ctypes.PyDLL(None).pause()


class Hostile(HashEncoder):
    """Pictures of one colour: most are harmless."""

    def prepare(self, decoded: Image.Image) -> Any:
        """Do what the colour says."""
        colour = decoded.convert("RGB").getpixel((0, 0))
        deeds = {
            CRASH: os.abort,
            HANG: hang,
            SLOW: lambda: time.sleep(30),
            EAT: hungry,
            KILLED: lambda: os.kill(os.getpid(), 9),
            EXIT: lambda: os._exit(3),
            EXIT_WELL: lambda: os._exit(0),
            FAULT: lambda: 1 / 0,
            CONFIG: lambda: (_ for _ in ()).throw(ConfigError("cannot be")),
            NO_DISK: lambda: (_ for _ in ()).throw(OSError(28, "No space left", "/there")),
            PRINTS: lambda: os.write(1, b'{"outcome": "forged"}\n'),
        }
        if colour == SHAPE:
            return np.zeros((1, 1), dtype=np.uint8)
        if colour in deeds:
            deeds[colour]()
        return super().prepare(decoded)


def build(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> Hostile:
    """The encoder ``hash-image``, hostile."""
    return Hostile(Modality.IMAGE, segmentation=segmentation)
