"""Privacy: the lake's key put to use, and what may not change about it."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import Final

import pyarrow as pa

from mmcore.errors import ConfigError
from mmcore.media.fetch import local_contents
from mmcore.privacy import Veil
from mmcore.training.captions import caption_key_of
from mmcore.types import Content, Source
from storage import keys, schemas
from storage.errors import CorruptLakeError, KeyLostError
from storage.layout import Layout
from storage.manifest import Manifest
from storage.places.place import listing
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.tables import read_parts
from tasks.workplace import Workplace

_HASHED: Final = re.compile(r"[0-9a-f]{32}")  # a path in a private lake
_NO_LAKE: Final = secrets.token_bytes(32)  # of a rehearsal where there is no lake yet


def prepare(work: Workplace, published: Snapshot | None) -> None:
    """Check that the lake is as private as the run, and make a private one's key; hold the lock.

    Raises ConfigError where it is not, KeyLostError where the key is gone: of a private lake, or
    of one where something was forgotten.
    """
    check(work, published)
    if work.private:
        keys.lake_key(work.lake)


def check(work: Workplace, published: Snapshot | None) -> None:
    """``prepare`` without writing anything."""
    key = keys.read_key(work.lake)
    if published is not None:
        as_private(work.lake, published.manifest, private=work.private)
        if work.private and key is None:
            raise KeyLostError(work.lake.key)
    elif _has_cells(work.lake):
        told = was_private(work.lake)
        if work.private != (key is not None if told is None else told):
            raise ConfigError(_UNFINISHED[work.private].format(lake=work.lake.root))
        if told and key is None:
            raise KeyLostError(work.lake.key)
    keys.check_key(work.lake)


def as_private(lake: Layout, manifest: Manifest, *, private: bool) -> None:
    """Raise ConfigError where a run has another setting than the snapshot that it builds on."""
    if manifest.private != private:
        raise ConfigError(_OTHER[private].format(lake=lake.root))


def was_private(lake: Layout) -> bool | None:
    """Whether a lake's tables are a private one's, for when no manifest says it; None: no table.

    Tombstones have a key too, so ``KEY`` alone does not tell.
    """
    folder = lake.rows("files")
    for path in (folder / name for name in sorted(listing(folder, deep=False)) if _is_part(name)):
        try:
            paths = read_parts([path], ["path"])["path"].to_pylist()
        except CorruptLakeError:
            continue
        if paths:
            return all(map(_HASHED.fullmatch, paths))
    return None


_OTHER: Final = {
    True: "{lake} is not private, and its files hold paths and texts that no setting takes out:"
    " index into a new lake with --private, then remove this one",
    False: "{lake} is private, which it stays: say --private; for one that keeps paths and texts,"
    " index into a new lake",
}
_UNFINISHED: Final = {
    True: "{lake} holds work of a run that was not private: name a new folder",
    False: "{lake} holds work of a private run: say --private, or name a new folder",
}


def _has_cells(lake: Layout) -> bool:
    return any(map(_is_part, listing(lake.root / "embeddings")))


def _is_part(name: str) -> bool:
    return PurePosixPath(name).match("part-*.parquet")


def veil_of(work: Workplace) -> Veil | None:
    """What hides names in this run's lake; None where nothing is hidden."""
    return veil_of_lake(work.lake) if work.private else None


def veil_of_lake(layout: Layout) -> Veil:
    """What hides names in a private lake."""
    return Veil(partial(keys.keyed, keys.read_key(layout) or _NO_LAKE))


def veiled_sources(sources: Iterable[Source], work: Workplace) -> tuple[Source, ...]:
    """The roots; an alias that is a folder's own name is hashed in a private lake."""
    veil = veil_of(work)
    return tuple(sources) if veil is None else veiled(sources, veil)


def veiled(sources: Iterable[Source], veil: Veil) -> tuple[Source, ...]:
    """The roots of a private lake."""
    return tuple(veil.source(s, s.url.rstrip("/").rpartition("/")[2]) for s in sources)


def captions_table(
    contents: Iterable[Content], work: Workplace, published: Snapshot | None, veil: Veil
) -> pa.Table:
    """``schemas.CAPTIONS`` of the texts among ``contents``, sorted.

    Those of the published snapshot are kept; a new text is read once more, from where it lies. One
    that has changed or gone by now has no row: it is neither asked with nor fitted on.
    """
    before = published.rows("captions").to_pylist() if published else []
    known = {row["content_id"]: row["key"] for row in before}
    texts = {c.content_id: c for c in contents if c.modality == Modality.TEXT}
    found = {content: known[content] for content in texts.keys() & known.keys()}
    found |= _made([texts[content] for content in sorted(texts.keys() - known.keys())], work, veil)
    rows = [{"content_id": content, "key": key} for content, key in sorted(found.items())]
    return pa.Table.from_pylist(rows, schema=schemas.CAPTIONS)


def _made(contents: Sequence[Content], work: Workplace, veil: Veil) -> dict[str, str]:
    copies = work.lake.staging / "captions"  # of texts that lie in a store; staging is emptied
    work.lake.staging.mkdir(parents=True, exist_ok=True)
    made: dict[str, str] = {}
    for content, here in zip(contents, local_contents(contents, copies), strict=True):
        if isinstance(here, Content):
            key = caption_key_of(here, work.segmentation, work.limits)
            made |= {} if key is None else {content.content_id: veil.caption(key)}
    if copies.exists():
        shutil.rmtree(copies)
    return made
