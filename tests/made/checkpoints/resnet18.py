"""A ResNet-18 of random weights, as ``mmindex encoders fetch`` would leave one."""

from __future__ import annotations

from pathlib import Path

from tests.made.checkpoints.torchvision import write


def make(folder: Path) -> Path:
    """Write configuration and weights."""
    return write(folder, "resnet18")
