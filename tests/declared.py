"""Declares plug-ins through a real, temporary distribution, as an installed package would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mmcore.decoding.pool import POOL

GROUPINGS = {
    "stem": "mmcore.media.grouping:by_stem",
    "number": "mmcore.media.grouping:by_number",
    "folder": "mmcore.media.grouping:by_folder",
}


def declare(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    group: str,
    points: Mapping[str, str],
    name: str = "declared",
) -> None:
    """Put a distribution ``name`` that declares ``points`` on the import path of one test.

    Workers that earlier tests left idle have another import path, so they go.
    """
    described = folder / f"{name}-1.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    lines = [f"[{group}]", *(f"{point} = {value}" for point, value in points.items())]
    (described / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(folder)
    POOL.close()
