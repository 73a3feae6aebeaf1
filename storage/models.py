"""Models with versions: ``models/<name>/<version>/``; no file of one is ever changed.

A folder may have several records (``schemas.is_record``): an erasure writes another one beside
the old. Which one counts is what a manifest says. ``hashes.json`` has the SHA-256 of the other
files as they were stored; it is no file of the model, and is read for versions that no manifest
names. The card and ``training.json`` tell of a model: it is computed from the other files.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final
from uuid import uuid4

from storage.errors import CorruptLakeError, ModelExistsError, UnknownModelError
from storage.layout import Layout
from storage.manifest import Manifest, read_manifest
from storage.places.atomic import make_folder, sync, write_bytes
from storage.places.conditional import create
from storage.places.place import folders, is_local, listing
from storage.published import published
from storage.schemas import MmindexError, is_record
from storage.snapshot import refuse_outdated

HASHES: Final = "hashes.json"
TELLING: Final = frozenset({"card.md", "training.json"})


def tells(path: str) -> bool:
    """Whether a file below the lake only tells of a model, and nothing is computed from it."""
    return path.startswith("models/") and PurePosixPath(path).name in TELLING


def store_model(layout: Layout, name: str, version: str, files: Mapping[str, bytes]) -> Path:
    """Store ``files`` as one version and return its folder.

    Locally it appears whole. In a store, where nothing can be renamed, each file does; a version
    of which a run stored only some is taken for ever, and no manifest names it. Raises
    ModelExistsError when the version exists.
    """
    folder = layout.model(name, version)
    if folder.exists():
        raise ModelExistsError(folder)
    files = {**files, HASHES: _hashes(files)}
    if not is_local(folder):
        _put(folder, files)
        return folder
    make_folder(folder.parent)
    temporary = folder.with_name(f".{uuid4().hex}.tmp")
    try:
        for file, content in files.items():
            write_bytes(temporary / file, content)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    sync(folder.parent)
    return folder


def _hashes(files: Mapping[str, bytes]) -> bytes:
    """As JSON; without records: an erasure puts others in their place."""
    mine = {name: sha256(files[name]) for name in sorted(files) if not is_record(name)}
    return json.dumps(mine, indent=1).encode()


def sha256(content: bytes) -> str:
    """As hex digits."""
    return hashlib.sha256(content).hexdigest()


def _put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put each file where there is none: of two writers one gets the version."""
    for file, content in files.items():
        if not create(folder / file, content):
            raise ModelExistsError(folder)


def load_model(layout: Layout, manifest: Manifest, name: str, version: str) -> dict[str, bytes]:
    """The files of a version that ``manifest`` names, by name.

    Raises CorruptLakeError when it names none, or one that is not there, SnapshotReissuedError
    where that is so because the snapshot is another one by now.
    """
    folder = layout.model(name, version)
    paths = [layout.root / path for path in manifest.paths(layout.relative(folder))]
    if not paths:
        raise CorruptLakeError(folder, "is missing among the manifest's files")
    try:
        return {path.name: read(path) for path in paths}
    except CorruptLakeError as error:
        refuse_outdated(layout, manifest, error)
        raise


def read(path: Path) -> bytes:
    """The content of a model's file; CorruptLakeError where it is missing."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise CorruptLakeError(path, "is missing") from error


def files_of(folder: Path) -> list[Path]:
    """The files of a version by its folder, sorted."""
    if not is_local(folder):
        found = [folder / name for name in sorted(listing(folder, deep=False))]
    elif folder.is_dir():
        found = [path for path in sorted(folder.iterdir()) if path.is_file()]
    else:
        found = []
    return [path for path in found if path.name != HASHES]


def own_files(
    layout: Layout, name: str, version: str, newest: Iterable[Manifest] = ()
) -> list[Path]:
    """The files of a version that may be published, whether a snapshot names it or not.

    Of several records the one counts that the first of the manifests ``newest`` names which names
    one. Raises UnknownModelError where there is no such version.
    """
    check(layout, f"{name}/{version}")
    folder = layout.model(name, version)
    paths = [path for path in files_of(folder) if not path.name.endswith(".damaged")]
    records = {layout.relative(path): path for path in paths if is_record(path.name)}
    named = (path for manifest in newest for path in manifest.paths(layout.relative(folder)))
    mine = next((path for path in named if path in records), None)
    others = {path for name, path in records.items() if name != mine} if mine else set()
    return [path for path in paths if path not in others]


def check(layout: Layout, name: str) -> None:
    """Raise UnknownModelError unless there is a version ``name``, as ``projection/p3``."""
    if name not in (known := every(layout)):
        raise UnknownModelError(layout.root, name, known)


def every(layout: Layout) -> list[str]:
    """All versions of all models, as ``projection/p3``."""
    names = [folder.name for folder in folders(layout.root / "models", links=True)]
    return [f"{name}/{version}" for name in names for version in versions(layout, name)]


def versions(layout: Layout, name: str) -> list[str]:
    """The versions of a model, ``p2`` before ``p10``; empty when there is none."""
    found = [folder.name for folder in folders(layout.models(name), links=True)]
    return sorted((v for v in found if not v.startswith(".")), key=_natural)


def is_version(name: str) -> bool:
    """Whether ``name`` is called as the versions of models are: ``p4``."""
    return re.fullmatch(r"[a-z][0-9]+", name) is not None


def next_version(layout: Layout, name: str) -> str:
    """``p4``, ``f2``: above every version there is, also of what was fitted and not published.

    And above those that a snapshot names, whose folder may be lost: what was projected by one lies
    below its name.
    """
    taken = sorted({*versions(layout, name), *_named(layout, name)}, key=_natural)
    return f"{name[0]}{1 + (int(taken[-1][1:]) if taken else 0)}"


def _named(layout: Layout, name: str) -> set[str]:
    """The versions that snapshots name, of those that can be read."""
    found, below = set[str](), layout.relative(layout.models(name))
    for number in published(layout):
        with suppress(MmindexError):  # `mmindex snapshots` tells of it
            manifest = read_manifest(layout.snapshot(number) / "manifest.json")
            found |= {PurePosixPath(path).parent.name for path in manifest.paths(below)}
    return found


def _natural(version: str) -> list[tuple[str, int]]:
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", version)]
