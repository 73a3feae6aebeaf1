"""A part of a root: an even sample of its files, by the hash of what items are told by.

Parts are nested: a larger share holds all of a smaller one. What names say belongs together comes
together; what only a manifest says does not.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from mmcore.media import names
from mmcore.media.crawl import Walked
from mmcore.media.manifest import ManifestRow

_ALL: Final = 1 << 64
_FOLDER: Final = "folder"


def in_part(root: str, path: str, share: float, grouping: str = "auto") -> bool:
    """Whether the file at ``path`` is in the part of a root that has ``share`` of its items."""
    key = posixpath.dirname(names.readable(path)) if grouping == _FOLDER else ""
    told = f"{root}\0{key or names.likely_key(path)}"
    hashed = blake2b(told.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(hashed) < share * _ALL


def part_of(walked: Walked, share: float, grouping: str = "auto") -> Walked:
    """``share`` of the files of a root, and all its manifests."""
    root = walked.source.alias
    kept = tuple(
        entry
        for entry in walked.entries
        if entry.manifest or in_part(root, entry.path, share, grouping)
    )
    return replace(walked, entries=kept, share=share)


def rows_in_part(
    rows: Sequence[ManifestRow], folder: str, root: str, share: float, grouping: str = "auto"
) -> list[ManifestRow]:
    """The rows of a manifest in ``folder`` whose file, or else whose item, is in the part."""
    return [
        row
        for row in rows
        if in_part(root, posixpath.join(folder, row.path or row.item or ""), share, grouping)
    ]
