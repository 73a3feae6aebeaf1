"""The indexes of a candidate: one a modality and space, one over fused vectors. No Prefect."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mmcore.specs import IndexSpec
from storage.erasure.updates import was_updated
from storage.indexes.card import CARD, IndexCard
from storage.indexes.choosing.build import build_index, build_name
from storage.indexes.choosing.filling import Filling, Whole
from storage.indexes.choosing.kinds import exact_is_cheap
from storage.indexes.files import write_index
from storage.layout import space_folder
from storage.manifest import FileEntry, IndexEntry, Manifest
from storage.schemas import FUSED, MODALITIES
from storage.snapshot import Snapshot
from storage.vector_blocks import VectorBlocks
from tasks.index_builds import Built, LargeIndexes, Last, Wanted, goal_of
from tasks.index_questions import IndexQuestions
from tasks.manifests import same_files, with_files
from tasks.workplace import Workplace


def indexed(
    manifest: Manifest,
    work: Workplace,
    published: Snapshot | None,
    *,
    afresh: bool = False,
    filling: Callable[[Path], Filling] = Whole,
) -> Manifest:
    """Index each modality that has live vectors, and the fused vectors; a built index is kept.

    Texts have an index in each space in which another medium may ask for them. What each has to
    reach, the manifest's own specs say. ``afresh``: none is an update of one before, so that what
    went is in none; one that was updated is not kept. ``filling``: what fills the large ones, by
    the folder that they are built in.

    Raises NothingFitsError where no kind of index meets the goal.
    """
    spec = _spec(manifest)
    goal = goal_of(spec, work.runtime.threads)
    snapshot = Snapshot.of(work.lake, manifest)
    asking = IndexQuestions(snapshot, work, spec.queries)
    large = LargeIndexes(work.lake, goal, asking, afresh, filling)
    run = _Run(manifest, work, published, large)
    for wanted in _wanted(manifest):
        run.add(wanted, snapshot)
    manifest = manifest.model_copy(update={"indexes": run.entries})
    return with_files(manifest, run.files, work, published, run.known)


def rebuilt(manifest: Manifest, indexes: Collection[IndexEntry], work: Workplace) -> Manifest:
    """The manifest with some of its indexes built afresh: nothing that went is left in them.

    All others stay as they are. Where no kind of index meets the goal any more, one is exact.
    """
    out = tuple(f"{index.path}/" for index in indexes)
    stay = [file for file in manifest.files if not file.path.startswith(out)]
    bare = manifest.model_copy(update={"files": stay})
    snapshot = Snapshot.of(work.lake, bare)
    spec = _spec(manifest)
    asking = IndexQuestions(snapshot, work, spec.queries)
    goal = goal_of(spec, work.runtime.threads)
    run = _Run(bare, work, None, LargeIndexes(work.lake, goal, asking, afresh=True))
    for index in indexes:
        run.add(Wanted(index.name, index.modality, index.space), snapshot)
    made = {index.path: new for index, new in zip(indexes, run.entries, strict=True)}
    entries = [made.get(index.path, index) for index in manifest.indexes]
    return with_files(bare.model_copy(update={"indexes": entries}), run.files, work, None)


@dataclass(frozen=True, slots=True)
class _Run:
    """The indexes that a candidate has so far."""

    manifest: Manifest
    work: Workplace
    published: Snapshot | None
    large: LargeIndexes
    entries: list[IndexEntry] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    known: dict[str, FileEntry] = field(default_factory=dict)  # that an index before has too

    def add(self, wanted: Wanted, snapshot: Snapshot) -> None:
        """Keep the published one, or make one; there is none over no rows."""
        if (kept := self._kept(wanted)) is not None and self.published is not None:
            self.entries.append(kept)
            named = self.published.manifest.paths(kept.path)
            self.files.extend(self.work.lake.root / path for path in named)
            return
        rows = snapshot.blocks(wanted.modality, wanted.space)
        if rows is None or not len(rows):
            return
        made = self._made(wanted, rows)
        self.entries.append(_entry(wanted, made, self.work))
        self.files.extend(made.files)
        self.known.update(made.known)

    def _made(self, wanted: Wanted, rows: VectorBlocks) -> Built:
        if exact_is_cheap(len(rows), rows.dim, self.large.goal):
            return _exact(wanted, rows, self.work)
        return self.large.built(wanted, rows, self.manifest, self._last(wanted, rows.dim))

    def _kept(self, wanted: Wanted) -> IndexEntry | None:
        """The published index, where its files are still the same and it had the same goal."""
        if self.published is None:
            return None
        before, name = self.published.manifest, wanted.modality
        folders = [f"segments/{name}", f"embeddings/{name}"]
        if name == FUSED:
            folders = ["items", FUSED]
        if not _decided_alike(self.manifest, before):
            return None
        if not same_files(self.manifest, before, of=folders):
            return None
        found = _published(before, wanted)
        if found is None or not self.large.afresh:
            return found
        return None if was_updated(self.work.lake, before, found) else found

    def _last(self, wanted: Wanted, dim: int) -> Last | None:
        """The published index that this one may be an update of: same models, same goal."""
        if self.published is None or not _decided_alike(self.manifest, self.published.manifest):
            return None
        before = self.published.manifest
        found = _published(before, wanted)
        if found is None or found.dim != dim:
            return None
        return Last(found, before, self.manifest)


def _spec(manifest: Manifest) -> IndexSpec:
    return IndexSpec.model_validate(manifest.specs.get("index", {}))


def _decided_alike(one: Manifest, other: Manifest) -> bool:
    """Whether all that decides vectors and indexes is the same, but for the rows."""
    told = [(m.encoders, m.projection, m.fusion, m.dtype, _spec(m)) for m in (one, other)]
    return told[0] == told[1]


def _published(before: Manifest, wanted: Wanted) -> IndexEntry | None:
    mine = (entry for entry in before.indexes if entry.modality == wanted.modality)
    return next((entry for entry in mine if entry.space == wanted.space), None)


def _wanted(manifest: Manifest) -> Iterator[Wanted]:
    """What is indexed, and in which space: a modality's main one, and those of others' queries."""
    for name in MODALITIES:
        if not manifest.paths(f"segments/{name}"):
            continue
        asked = {s for m in MODALITIES if m != name for s in manifest.spaces(m)}
        spaces = manifest.spaces(name)
        yield from (_of(name, s) for place, s in enumerate(spaces) if not place or s in asked)
    if manifest.fusion is not None and manifest.paths(FUSED):
        yield _of(FUSED, manifest.fusion.space)


def _of(modality: str, space: str) -> Wanted:
    return Wanted(f"{space_folder(space)}-{modality}", str(modality), space)


def _exact(wanted: Wanted, rows: VectorBlocks, work: Workplace) -> Built:
    """Build an exact index of ``rows``, or find it built: its folder is named by what it holds."""
    vectors = rows.gathered()
    build = build_name(rows.ids, vectors)
    folder = work.lake.index(wanted.name, build)
    card = IndexCard(
        space=wanted.space,
        modality=wanted.modality,
        dim=rows.dim,
        rows=len(rows),
        created_at=datetime.now(UTC),
        build=build,
    )
    if not (folder / CARD).exists():
        write_index(folder, build_index(rows.ids, vectors), card)
    return Built(folder, card)


def _entry(wanted: Wanted, made: Built, work: Workplace) -> IndexEntry:
    return IndexEntry(
        name=wanted.name,
        path=work.lake.relative(made.folder),
        space=wanted.space,
        modality=wanted.modality,
        rows=made.card.rows,
        dim=made.card.dim,
    )
