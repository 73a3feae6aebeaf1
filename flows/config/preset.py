"""The preset of a run that names none."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from storage.errors import CorruptLakeError, LakeVersionError, NoLakeError
from storage.layout import Layout
from storage.places.place import place_of
from storage.published import manifest_of

USUAL: Final = "embedded"
"""That of a new lake."""


def preset_of(lake: str) -> str:
    """What the lake was made with, else the usual preset: a run that names none changes none."""
    with suppress(NoLakeError, CorruptLakeError, LakeVersionError, OSError):  # told by the run
        return manifest_of(Layout(place_of(lake))).preset
    return USUAL
