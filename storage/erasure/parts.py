"""The parts of cells without what is to be erased, and which file stands for which."""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

from storage import rewrite
from storage.erasure.gathering import Place, staying_places
from storage.erasure.orders import Order
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.places.reach import reach
from storage.records import PartRecord, read_record
from storage.snapshot import Snapshot

_CELLS: Final = "embeddings"
_SHARED: Final = "spaces"


@dataclass(frozen=True, slots=True)
class Parts:
    """Files that were written anew: path below the lake → the new one."""

    layout: Layout
    cells: dict[str, Path | None] = field(default_factory=dict)  # None where nothing is left
    records: dict[str, Path] = field(default_factory=dict)  # of models

    @property
    def replaced(self) -> frozenset[str]:
        """The old ones, which go once no manifest names them."""
        return frozenset({*self.cells, *self.records})

    def now(self, name: str) -> Path | None:
        """What stands for the file ``name`` now; a shared space's part is made when asked for."""
        path = self.layout.root / name
        if name in self.cells:
            return self.cells[name]
        if name in self.records:
            return self.records[name]
        if not name.startswith(f"{_SHARED}/"):
            return path
        own = self._cells_of(PurePosixPath(name))
        if own is None:
            return path
        made = self.cells[own]
        return None if made is None else rewrite.projected(path.parent, made, [path])

    def _cells_of(self, shared: PurePosixPath) -> str | None:
        """The rewritten part of cells that a shared space's part was made of: of the same name."""
        _, space, modality, name = shared.parts
        rounded = space.endswith("-float16")
        for own in self.cells:
            folder = PurePosixPath(own).parent
            same = folder.parent.name == modality and PurePosixPath(own).name == name
            if same and folder.name.endswith("-float16") == rounded:
                return own
        return None


def rewritten(
    layout: Layout, order: Order, snapshots: Iterable[Snapshot], lost: Set[Place]
) -> Parts:
    """Write every part of cells, published or not, without what ``order`` names.

    Nor do they keep what no snapshot holds, for nobody can tell any more whose that was. A part
    also loses the places ``lost`` from its rejections: of a content that stays elsewhere, that
    place is named instead, of any other the rejection goes with the content. Old parts stay.
    """
    found, kept = Parts(layout), list(snapshots)
    named = {file.path for one in kept for file in one.manifest.files}
    live = _held(kept) - order.contents
    for name in reach(layout.root / _CELLS).files:
        path = layout.root / _CELLS / name
        if path.suffix != ".parquet" or path.name.startswith("."):
            continue
        try:
            record = read_record(path)
            wanted = _without(record.only(live), order, kept, lost)
            if wanted != record:
                nothing = not (wanted.done or wanted.rejections)
                made = None if nothing else rewrite.merged(path.parent, [path], wanted)
                found.cells[layout.relative(path)] = made
        except CorruptLakeError:
            if layout.relative(path) in named:
                raise
            found.cells[layout.relative(path)] = None  # nobody can say what it holds
    return found


def _held(snapshots: Iterable[Snapshot]) -> set[str]:
    """The contents of all files that the snapshots have."""
    tables = (one.rows("files", ["content_id"]) for one in snapshots)
    return {content for rows in tables for content in rows["content_id"].to_pylist()}


def _without(
    wanted: PartRecord, order: Order, snapshots: list[Snapshot], lost: Set[Place]
) -> PartRecord:
    at_lost = {str(r["content_id"]) for r in wanted.rejections if (r["root"], r["path"]) in lost}
    if not at_lost:
        return wanted
    elsewhere = staying_places(snapshots, order, at_lost)
    wanted = wanted.without(at_lost - elsewhere.keys())
    told = []
    for rejection in wanted.rejections:
        root, path = elsewhere.get(
            str(rejection["content_id"]), (rejection["root"], rejection["path"])
        )
        told.append({**rejection, "root": root, "path": path})
    return replace(wanted, rejections=tuple(told))
