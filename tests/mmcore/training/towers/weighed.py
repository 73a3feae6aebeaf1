"""Folders of trained towers."""

from __future__ import annotations


def left(to):
    """What lies beside the folder of a training."""
    return sorted(path.name for path in to.parent.iterdir())
