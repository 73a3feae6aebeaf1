"""What stages add to a candidate's manifest: the files they wrote."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from storage.manifest import FileEntry, Manifest, entry
from storage.snapshot import Snapshot
from tasks.workplace import Workplace

_NONE: Final[Mapping[str, FileEntry]] = MappingProxyType({})


def entries(
    paths: Iterable[Path],
    work: Workplace,
    published: Snapshot | None,
    also: Mapping[str, FileEntry] = _NONE,
) -> list[FileEntry]:
    """Manifest entries of ``paths``, sorted; a published file, or one of ``also``, is not hashed.

    ``also``: path → entry of a file that is the very same as a published one.
    """
    known = {e.path: e for e in published.manifest.files} if published else {}
    known |= also
    return sorted((entry(work.lake.root, path, known) for path in paths), key=lambda e: e.path)


def with_files(
    manifest: Manifest,
    paths: Iterable[Path],
    work: Workplace,
    published: Snapshot | None,
    also: Mapping[str, FileEntry] = _NONE,
) -> Manifest:
    """The manifest, naming ``paths`` too; ``also`` as for ``entries``."""
    files = [*manifest.files, *entries(paths, work, published, also)]
    return manifest.model_copy(update={"files": sorted(files, key=lambda e: e.path)})


def same_files(
    one: Manifest, other: Manifest, *, of: Collection[str] = (), but: Collection[str] = ()
) -> bool:
    """Whether two manifests name the same files; only in the folders ``of``, none in ``but``."""
    return _in_folders(one, of, but) == _in_folders(other, of, but)


def _in_folders(
    manifest: Manifest, of: Collection[str], but: Collection[str]
) -> dict[str, FileEntry]:
    inside, outside = (tuple(f"{folder}/" for folder in folders) for folders in (of, but))
    return {
        file.path: file
        for file in manifest.files
        if (not inside or file.path.startswith(inside)) and not file.path.startswith(outside)
    }
