"""Damaged files of a lake: they are set aside, so that the next run makes them again.

What a run can make again out of the media is renamed to ``<name>.damaged``, and never changed or
removed here. Then a run finds its cells missing, embeds them, and publishes a snapshot that is
whole. Snapshots that named the file stay unsound, unless what is made again has the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from storage import models
from storage.indexes.card import EVERY
from storage.layout import Layout
from storage.leases import still_held
from storage.manifest import Manifest
from storage.places.atomic import sync
from storage.places.place import is_local, sizes, store_of
from storage.verification.findings import Finding

MADE_AGAIN: Final = frozenset(
    {"embeddings", "spaces", "fused", "indexes", "models"}
    | {"files", "items", "item_files", "segments", "quarantine", "captions", "queries", "words"}
)
_ENDING: Final = ".damaged"


def missing_or_cut(layout: Layout, manifest: Manifest) -> list[Finding]:
    """The files of a snapshot that are missing or have another size; reads none of them."""
    size_of = sizes(layout.root, [file.path for file in manifest.files])
    found = []
    for file in manifest.files:
        size = size_of(file.path)
        if size is None:
            found.append(Finding(file.path, "is missing"))
        elif size != file.bytes:
            found.append(Finding(file.path, f"has {size} bytes, not {file.bytes}"))
    return found


def damaged_models(layout: Layout, manifest: Manifest) -> list[Finding]:
    """The files of a snapshot's models that are missing or another by now; reads them all."""
    mine = [file for file in manifest.files if file.path.startswith("models/")]
    found = missing_or_cut(layout, manifest.model_copy(update={"files": mine}))
    cut = {finding.path for finding in found}
    for file in mine:
        if file.path not in cut:
            content = (layout.root / file.path).read_bytes()
            if hashlib.sha256(content).hexdigest() != file.sha256:
                found.append(Finding(file.path, "has another checksum"))
    return found


def without(manifest: Manifest, names: set[str]) -> Manifest:
    """The manifest as a run may build on it when the files ``names`` are of no use.

    It asks for a look at every file. Where a projection's files are among them, it has none: the
    next one is fitted anew, under another version. Where a trained fusion's are, items are fused
    as if none had been promoted. A model goes on without what only tells of it.
    """
    units = {_unit(name) for name in names if not models.tells(name)}
    refit, untrained = (
        any(unit.startswith(f"models/{model}/") for unit in units)
        for model in ("projection", "fusion")
    )
    return manifest.model_copy(
        update={
            "files": [
                file
                for file in manifest.files
                if file.path not in names and _unit(file.path) not in units
            ],
            "indexes": [index for index in manifest.indexes if index.path not in units],
            "projection": None if refit else manifest.projection,
            "fusion": None if untrained else manifest.fusion,
            "seen": "",
            "inputs": "",
        }
    )


def trained(manifest: Manifest, damaged: Iterable[Finding]) -> set[str]:
    """The folders of damaged models that `mmindex train` made: a run of `index` makes none."""
    lost = [one.path for one in damaged if not models.tells(one.path)]
    units = {_unit(path) for path in lost if path.startswith("models/")}
    made = {file.path for file in manifest.files}
    return {
        unit
        for unit in units
        if unit.startswith("models/fusion/") or f"{unit}/training.json" in made
    }


def set_aside(layout: Layout, path: Path) -> list[str]:
    """Rename a damaged file, of an index all; returns the old names, below the lake.

    None where there is no such file, or no run can make it again. Hold the writer's lock.
    """
    if not path.is_relative_to(layout.root):
        return []
    name = layout.relative(path)
    if name.partition("/")[0] not in MADE_AGAIN or name.startswith("queries/sets/"):
        return []
    paths = [layout.root / name]
    if name.startswith("indexes/"):  # by the card a run would find it built: that goes first
        paths = [layout.root / _unit(name) / one for one in EVERY]
    there = [path for path in paths if path.is_file()]
    still_held(layout)
    for one in there:
        renamed(one, one.with_name(one.name + _ENDING))
    return [layout.relative(one) for one in there]


def _unit(name: str) -> str:
    """What stands or falls together: an index with its card, a version of a model; else a file."""
    parts = name.split("/")
    return "/".join(parts[:3]) if parts[0] in ("indexes", "models") else name


def renamed(path: Path, target: Path) -> None:
    """Give a file of the lake another name, also in another folder of it."""
    if is_local(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        sync(target.parent)
        sync(path.parent)
    else:
        store, key = store_of(path)
        store.mv(key, store_of(target)[1])
