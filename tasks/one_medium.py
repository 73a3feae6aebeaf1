"""Whether a lake has what a training needs two of. Loads no Prefect and no torch."""

from __future__ import annotations

from pathlib import Path

from storage.manifest import Manifest
from storage.schemas import MODALITIES, Modality


def one_medium(root: Path, manifest: Manifest) -> str:
    """Why nothing can be learned of a lake that has texts alone, or none; "" where it has both."""
    there = {m for m in MODALITIES if manifest.paths(f"segments/{m}")}
    if Modality.TEXT not in there:
        return f"{root} has no texts: training needs items with a caption beside another medium"
    return texts_alone(root) if there == {Modality.TEXT} else ""


def texts_alone(root: Path) -> str:
    """Why nothing can be learned where texts have no other medium beside them."""
    return (
        f"{root} has texts alone: training needs items with a caption beside a picture, sound or"
        " video"
    )
