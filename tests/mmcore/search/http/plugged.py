"""The encoders of the coloured lakes as a preset that worker processes can make too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mmcore.encoders.presets import Preset
from mmcore.specs import RuntimeSpec, SegmentationSpec
from storage.schemas import Modality
from tests.declared import declare
from tests.fakes import HashEncoder
from tests.lakes import ColourEncoder

_HERE = "tests.mmcore.search.http.plugged"
ENCODERS: Mapping[str, str] = {
    "hash-text": f"{_HERE}:build_text",
    "hash-image": f"{_HERE}:build_image",
    "hash-audio": f"{_HERE}:build_audio",
}
COLOURS = Preset(tuple(ENCODERS), "Knows a few colours.")


def build_text(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ColourEncoder:
    """The text tower."""
    return ColourEncoder(Modality.TEXT)


def build_image(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> ColourEncoder:
    """The picture tower."""
    return ColourEncoder(Modality.IMAGE)


def build_audio(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> HashEncoder:
    """Sounds, in a space of their own."""
    return HashEncoder(Modality.AUDIO)


def declare_colours(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Put the encoders and the preset `colours` on the import path, for workers too."""
    declare(patch, folder / "one", "mmindex.encoders", ENCODERS, "colours_encoders")
    point = {"colours": f"{_HERE}:COLOURS"}
    declare(patch, folder / "two", "mmindex.presets", point, "colours_preset")
