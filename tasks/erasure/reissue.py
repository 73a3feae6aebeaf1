"""A kept snapshot, written anew under its number without what was erased."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc

from storage import tables
from storage.erasure.orders import Order
from storage.erasure.parts import Parts
from storage.erasure.rows import Cleaned, cleaned
from storage.erasure.tombstones import tombstones_digest
from storage.erasure.updates import any_updated
from storage.errors import LakeLockedError
from storage.layout import Layout
from storage.leases import still_held
from storage.manifest import FileEntry, Manifest, entry, read_manifest
from storage.places.atomic import write_bytes
from storage.places.conditional import look, swap
from storage.records import read_record
from storage.schemas import FUSED, MODALITIES
from storage.snapshot import Snapshot
from storage.views import views_sql
from tasks.fusing import fused, serving
from tasks.indexing import indexed
from tasks.workplace import Workplace


def reissue(snapshot: Snapshot, order: Order, key: bytes, parts: Parts) -> bool:
    """Write ``snapshot`` anew if it holds something of the erased, and say whether it did.

    An index that was updated since it was built may hold it, whoever's rows went: it is built
    afresh.

    New files come first, then the views, then the manifest: a reader sees the old snapshot or the
    new one. What the next run finds unchanged it names alike. Raises LakeLockedError where another
    process took the lake over, or wrote the snapshot anew since it was opened.
    """
    before, layout = snapshot.manifest, snapshot.layout
    folder = layout.snapshot(before.number or 0)
    still_held(layout)
    seen = look(folder / "manifest.json")
    if read_manifest(folder / "manifest.json") != before:
        raise LakeLockedError(layout.root, "another process")
    found = cleaned(snapshot, order, key)
    files, updated = _renamed(snapshot, found, parts), any_updated(snapshot)
    if not found.tables and files == before.files and not updated:
        return False
    rows = _written(layout, found)
    manifest = before.model_copy(
        update={
            "files": _sorted([*files, *_entries(layout, rows)]),
            "inputs": "",  # with the erased files: the same ones, let in again, are not these
            "tombstones": _heeded(before, layout, order),
            "reissued_at": datetime.now(UTC),
        }
    )
    if found.items or updated:
        manifest = _recomputed(manifest, snapshot)
    manifest = manifest.model_copy(update={"counts": _counts(layout, manifest, before)})
    Snapshot.of(layout, manifest)
    still_held(layout)
    write_bytes(folder / "views.sql", views_sql(manifest).encode())
    if not swap(folder / "manifest.json", manifest.to_json(), seen):
        raise LakeLockedError(layout.root, "another process")
    return True


def _heeded(before: Manifest, layout: Layout, order: Order) -> str:
    """The tombstones that a snapshot stands for once those of ``order`` are heeded in it, too.

    Not all that there are, where one was taken away since the snapshot was made: what was let in
    again is not in it, and the next run has to look.
    """
    here = before.tombstones == tombstones_digest(layout, less=order.tombstones)
    return tombstones_digest(layout) if here else before.tombstones


def _renamed(snapshot: Snapshot, found: Cleaned, parts: Parts) -> list[FileEntry]:
    """The files that stay, rewritten ones under their new names; tables that change are left out.

    A rewritten part of cells that has none of the snapshot's contents any more is left out too.
    """
    changed = tuple(f"{name}/" for name in found.tables)
    contents = found.tables.get("files", snapshot.rows("files", ["content_id"]))["content_id"]
    live, files = set(contents.to_pylist()), []
    root, dead = snapshot.layout.root, set[str]()
    for file in snapshot.manifest.files:
        if file.path.startswith(changed):
            continue
        now = parts.now(file.path)
        if now is None or now == root / file.path:
            files += [] if now is None else [file]
            continue
        if file.path.startswith("embeddings/"):
            record = read_record(now)
            if live.isdisjoint(record.done) and live.isdisjoint(record.rejected()):
                dead.add(now.name)
                continue
        files.append(entry(root, now, {}))
    return [f for f in files if not (f.path.startswith("spaces/") and _name(f.path) in dead)]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _written(layout: Layout, found: Cleaned) -> list[Path]:
    written: list[Path] = []
    for name, table in found.tables.items():
        if table.num_rows or not name.startswith("segments/"):  # as runs do
            written += tables.write_rows(layout.rows(name), table)
    return written


def _recomputed(manifest: Manifest, before: Snapshot) -> Manifest:
    """Fused vectors and indexes of what is left; a row and an index that stay are kept."""
    told = before.manifest
    built = tuple(f"{index.path}/" for index in told.indexes)
    stays = [f for f in manifest.files if not f.path.startswith((f"{FUSED}/", *built))]
    work = Workplace.of(before)
    bare = manifest.model_copy(update={"files": stays, "fusion": None, "indexes": []})
    if told.fusion is not None:
        choice = serving(before)
        bare = fused(bare, choice.spec, work, before, choice).manifest
    return indexed(bare, work, before, afresh=True)


def _counts(layout: Layout, manifest: Manifest, before: Manifest) -> Mapping[str, int]:
    """Counts as runs give them, and how many files were left out so far."""
    snapshot, counts = Snapshot(layout, manifest), dict(before.counts)
    gone = _found_files(Snapshot(layout, before)) - _found_files(snapshot)
    if gone:
        counts["forgotten"] = counts.get("forgotten", 0) + gone
    counts["items"] = snapshot.rows("items", ["item_id"]).num_rows
    counts["files"] = snapshot.rows("files", ["path"]).num_rows
    for modality in MODALITIES:
        held = snapshot.rows(f"segments/{modality}", ["segment_id"])["segment_id"]
        counts.pop(f"segments_{modality}", None)
        if len(held):
            counts[f"segments_{modality}"] = len(held.unique())
    return counts


def _found_files(snapshot: Snapshot) -> int:
    """How many files the crawl found: media, and what it refused, which has no content."""
    refused = snapshot.rows("quarantine", ["root", "path", "content_id"])
    refused = refused.filter(pc.is_null(refused["content_id"]))
    places = refused.group_by(["root", "path"]).aggregate([])
    return int(snapshot.rows("files", ["path"]).num_rows + places.num_rows)


def _entries(layout: Layout, paths: Iterable[Path]) -> list[FileEntry]:
    return [entry(layout.root, path, {}) for path in paths]


def _sorted(files: Iterable[FileEntry]) -> list[FileEntry]:
    return sorted(files, key=lambda file: file.path)
