"""Where a run works and how: what every task of one run needs, small enough to pass by value."""

from __future__ import annotations

from dataclasses import dataclass

from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from storage.layout import Layout


@dataclass(frozen=True, slots=True)
class Workplace:
    """The lake, the preset, and the specs that cutting and computing depend on."""

    lake: Layout
    preset: str
    segmentation: SegmentationSpec
    limits: LimitsSpec
    runtime: RuntimeSpec
