"""An encoder of pictures that does to its process what a model may, by the pictures' colour."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import Vectors
from storage.schemas import Modality
from tests.fakes import HashEncoder

GOOD, DIES, DIES_ONCE, SAYS, FAULT, HANGS = ((n, 0, 0) for n in (200, 10, 20, 30, 40, 50))
MARK = "MMINDEX_TEST_MARK"
"""Variable that names a file: who is to die once makes it."""


def die() -> None:
    """As the system ends a process that takes too much."""
    os.write(2, b"about to go\n")
    os.kill(os.getpid(), 9)


def die_once() -> None:
    """The first time."""
    mark = Path(os.environ[MARK])
    if not mark.exists():
        mark.touch()
        die()


def hang() -> None:
    """As a driver that does not answer; says that it does."""
    Path(os.environ[MARK]).touch()
    time.sleep(600)


def refuse() -> None:
    """An error of ours."""
    raise ConfigError("this cannot be")


DEEDS = {DIES: die, DIES_ONCE: die_once, SAYS: refuse, FAULT: lambda: 1 / 0, HANGS: hang}


class Perilous(HashEncoder):
    """Vectors from a hash; ``truncated`` counts pictures that are brighter than most."""

    def encode(self, inputs: Any) -> Vectors:
        """Do what the first picture's colour says."""
        colour = tuple(np.asarray(inputs[0])[0, 0].tolist())
        DEEDS.get(colour, lambda: None)()
        return super().encode(inputs)

    def truncated(self, inputs: Any) -> int:
        """All of them."""
        return len(inputs)


def build(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> Perilous:
    """The encoder ``hash-image``, perilous."""
    del runtime
    return Perilous(Modality.IMAGE, segmentation=segmentation)
