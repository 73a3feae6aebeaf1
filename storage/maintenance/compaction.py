"""Compaction: a snapshot's small or mostly dead parts of vectors, rewritten into fewer.

Cells are rewritten, and the vectors of the shared space with them; an index that still has too
many rows that went is to be built afresh. All else of a snapshot stays as it is. Nothing published
is touched: the new parts lie beside the old ones, in a new snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from storage import rewrite
from storage.errors import CorruptLakeError
from storage.indexes.card import CARD, read_card
from storage.layout import Layout
from storage.maintenance.packing import Aims, Merge, Part, merges, survey_part
from storage.manifest import EncoderEntry, FileEntry, IndexEntry, Manifest, entry, sha256
from storage.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Step:
    """One part of cells to write, with what is projected of it."""

    merge: Merge = field(repr=False)
    cells: Path  # the folder of the cells
    shared: Path | None  # that of their vectors in the shared space, if they have some

    @property
    def target(self) -> Path | None:
        """Where the part goes; None when nothing is left to write."""
        if not self.merge.record.contents():
            return None
        return rewrite.merged_path(self.cells, self._sums(), self.merge.record)

    def _sums(self) -> list[str]:
        return [source.file.sha256 for source in self.merge.sources]

    def targets(self) -> list[Path]:
        """The files that are written."""
        folders = [self.cells] if self.shared is None else [self.cells, self.shared]
        return [] if self.target is None else [folder / self.target.name for folder in folders]

    def replaced(self) -> list[Path]:
        """The files that go out of the snapshot."""
        return [path for part in self.merge.parts for path in self.files_of(part)]

    def files_of(self, part: Part) -> list[Path]:
        """A part, and that of the shared space which belongs to it."""
        return [part.path, *([] if self.shared is None else [self.shared / part.path.name])]

    def write(self, published: Mapping[Path, FileEntry]) -> list[Path]:
        """Write the files; those that are there are kept.

        Raises CorruptLakeError for a source that is not as ``published`` says: its damage would
        get a checksum of its own.
        """
        targets = self.targets()
        if all(path.exists() for path in targets):
            return targets
        for source in self.merge.sources:
            for path in self.files_of(source):
                _refuse_damage(path, published)
        sources = [source.path for source in self.merge.sources]
        cells = rewrite.merged(self.cells, sources, self.merge.record, self._sums())
        if self.shared is None:
            return [cells]
        projected = [self.shared / source.name for source in sources]
        return [cells, rewrite.projected(self.shared, cells, projected)]


def _refuse_damage(path: Path, published: Mapping[Path, FileEntry]) -> None:
    if path not in published:
        raise CorruptLakeError(path, "is not among the files of the snapshot")
    if sha256(path) != published[path].sha256:
        raise CorruptLakeError(path, "has another checksum")


@dataclass(frozen=True, slots=True)
class Compaction:
    """What there is to compact in the snapshot ``parent``."""

    layout: Layout
    parent: Manifest
    steps: tuple[Step, ...]
    indexes: tuple[IndexEntry, ...] = ()  # that hold too much that went, to be built afresh

    def __bool__(self) -> bool:
        """Whether there is anything to rewrite."""
        return bool(self.steps or self.indexes)

    @property
    def private(self) -> bool:
        """Whether nothing personal of the lake may be told."""
        return self.parent.private

    @property
    def before(self) -> list[FileEntry]:
        """The files that go out of the snapshot."""
        out = {self.layout.relative(path) for step in self.steps for path in step.replaced()}
        return [file for file in self.parent.files if file.path in out]

    @property
    def outdated(self) -> list[FileEntry]:
        """The files of the indexes that are built afresh."""
        folders = tuple(f"{index.path}/" for index in self.indexes)
        return [file for file in self.parent.files if file.path.startswith(folders)]

    def fresh(self, manifest: Manifest) -> list[FileEntry]:
        """Those files of the indexes of a ``manifest`` that the parent does not have."""
        known = {index.path for index in self.parent.indexes}
        made = tuple(f"{one.path}/" for one in manifest.indexes if one.path not in known)
        return [file for file in manifest.files if file.path.startswith(made)]

    @property
    def bytes(self) -> int:
        """What the new files will take, about: the live share of the old ones, whole indexes."""
        sizes = {file.path: file.bytes for file in self.parent.files}
        size = 0.0
        for step in self.steps:
            for part in step.merge.parts:
                share = 1 - part.dead_rows / part.file.rows if part.file.rows else 1.0
                names = [self.layout.relative(path) for path in step.files_of(part)]
                size += share * sum(sizes.get(name, 0) for name in names)
        return int(size) + sum(file.bytes for file in self.outdated)

    def manifest(self, written: Iterable[FileEntry], run: str) -> Manifest:
        """The candidate that names ``written`` in place of the old parts, and no number.

        Everything else is as in the parent, ``created_at`` too: since then its files were looked
        at, and what is younger is to be looked at again.
        """
        out = {file.path for file in self.before}
        new = {file.path: file for file in written}
        stay = [f for f in self.parent.files if f.path not in out | new.keys()]
        told = self.parent.evaluation
        if told is not None and told.report is None:
            told = told.model_copy(update={"report": self.parent.number})
        return self.parent.model_copy(
            update={
                "number": None,
                "parent": self.parent.number,
                "run": run,
                "evaluation": told,
                "files": sorted([*stay, *new.values()], key=lambda file: file.path),
            }
        )

    def write(self, step: Step) -> list[FileEntry]:
        """Write the files of one step and return their entries; see ``Step.write``."""
        root = self.layout.root
        published = {root / file.path: file for file in self.parent.files}
        return [entry(root, path, {}) for path in step.write(published)]

    def expected(self) -> list[FileEntry]:
        """Entries of the files that would be written, without their sizes and checksums."""
        paths = [path for step in self.steps for path in step.targets()]
        names = {self.layout.relative(path) for path in paths}
        return [FileEntry(path=name, rows=0, bytes=0, sha256="") for name in sorted(names)]


def plan(layout: Layout, aims: Aims) -> Compaction:
    """What there is to compact in the published snapshot; reads footers and one column.

    Raises NoLakeError where there is none, CorruptLakeError when a file of it is not whole.
    """
    snapshot = Snapshot.open(layout)
    live = frozenset(snapshot.rows("files", ["content_id"])["content_id"].to_pylist())
    decoders = set(snapshot.rows("quarantine", ["decoder"])["decoder"].to_pylist())
    steps = []
    for encoder in snapshot.manifest.encoders:
        cells, shared = _folders(snapshot, encoder)
        prefix = layout.relative(cells) + "/"
        files = sorted(
            (f for f in snapshot.manifest.files if f.path.startswith(prefix)), key=lambda f: f.path
        )
        parts = [survey_part(layout.root / file.path, file, live) for file in files]
        steps += [Step(merge, cells, shared) for merge in merges(parts, aims, decoders)]
    found = (one for one in snapshot.manifest.indexes if _dead(layout, one) > aims.dead_share)
    return Compaction(layout, snapshot.manifest, tuple(steps), tuple(found))


def _dead(layout: Layout, index: IndexEntry) -> float:
    """The share of rows that an index which was updated still has, and nobody may find."""
    card = read_card(layout.root / index.path / CARD)
    return card.dead / max(1, card.dead + card.rows - card.added)


def _folders(snapshot: Snapshot, encoder: EncoderEntry) -> tuple[Path, Path | None]:
    """Where an encoder's cells lie, and their vectors in the shared space, if they have some."""
    layout, dtype = snapshot.layout, snapshot.manifest.dtype
    cells = layout.embeddings(encoder.modality, encoder.name, encoder.fingerprint, dtype)
    projection = snapshot.manifest.projection
    if projection is None or not snapshot.manifest.joins(encoder):
        return cells, None
    return cells, layout.space(projection.space, encoder.modality, dtype)
