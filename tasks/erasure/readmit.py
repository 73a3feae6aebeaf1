"""Let what was forgotten in again: by what lies at a path now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from mmcore.errors import ConfigError
from mmcore.media.manifest import read_manifest
from storage.erasure import tombstones
from storage.erasure.holdings import Place
from storage.erasure.tombstones import Tombstones, of_content, of_member, of_path, of_place
from storage.keys import read_key
from storage.layout import Layout
from storage.places.place import listing, opened
from storage.schemas import content_hash, content_id
from storage.snapshot import Snapshot
from tasks.names import Names

_MANIFESTS = (".csv", ".jsonl", ".parquet")
_BLOCK = 1 << 20


def lifted_by(
    lake: Layout, snapshot: Snapshot, paths: Iterable[str], items: Iterable[str]
) -> Tombstones:
    """The tombstones of the files at ``paths`` and of ``items``; changes nothing.

    A folder stands for all files below it, a manifest for its captions too. ConfigError for a path
    where nothing lies.
    """
    key, names = read_key(lake) or b"", Names.of(lake, [snapshot.manifest])
    found = Tombstones()
    for text in paths:
        for path in _files(names, text):
            found |= _of_file(key, path, names.places(str(path)))
    contents = set(snapshot.rows("files", ["content_id"])["content_id"].to_pylist())
    pairs = {pair for text in items for pair in names.keys(text)}
    members = frozenset(of_member(key, *pair, content) for pair in pairs for content in contents)
    return (found | Tombstones(members=members)) & tombstones.read_tombstones(lake)


def lift(lake: Layout, found: Tombstones) -> None:
    """Take tombstones away; hold the writer's lock."""
    tombstones.lifted(lake, [found])


def _files(names: Names, text: str) -> Iterator[Path]:
    """The files at a path or a URL, or at ``ROOT/path`` below a root as it lies now."""
    for path in names.files(text):
        inner = [path / name for name in sorted(listing(path))] if path.is_dir() else []
        if inner or path.is_file():
            yield from inner or [path]
            return
    raise ConfigError(
        f"{text}: there is no such file now, and only by what it holds can it be let in again"
    )


def _of_file(key: bytes, path: Path, places: set[Place]) -> Tombstones:
    contents = {_content(path), *_captions(path)}
    return Tombstones(
        contents=frozenset(of_content(key, content) for content in contents),
        places=frozenset(
            of_place(key, *place, content) for place in places for content in contents
        ),
        paths=frozenset(of_path(key, *place) for place in places),
    )


def _content(path: Path) -> str:
    hasher = content_hash()
    with opened(path) as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()


def _captions(path: Path) -> set[str]:
    """The contents of a manifest's captions; none of any other file."""
    if path.suffix.lower() not in _MANIFESTS:
        return set()
    try:
        rows = read_manifest(str(path), path.read_bytes())
    except ConfigError:  # a table of something else
        return set()
    return {content_id(text.encode()) for row in rows for _, text in row.captions}
