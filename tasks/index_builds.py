"""A large index: vectors are streamed to disk, and it is updated, or chosen by measuring."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from mmcore.specs import IndexSpec
from mmcore.types import Ids, Vectors
from storage.errors import CorruptLakeError, NothingFitsError
from storage.indexes.card import CARD, VECTORS, IndexCard, read_card
from storage.indexes.choosing.build import built, goal_name
from storage.indexes.choosing.filling import Filling, Whole
from storage.indexes.choosing.vectors_file import mapped_vectors, write_vectors
from storage.indexes.files import Index
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from storage.indexes.updating.changes import Sought
from storage.indexes.updating.update import updated
from storage.layout import Layout
from storage.manifest import FileEntry, IndexEntry, Manifest
from storage.places.place import is_local
from storage.schemas import MmindexError
from storage.vector_blocks import VectorBlocks, holds
from tasks.index_benches import finished, lasting_bench, moved, passing_bench
from tasks.index_questions import IndexQuestions

log = logging.getLogger(__name__)

_MB: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """One index of a candidate: over the rows of ``modality``, or of the items, in ``space``."""

    name: str
    modality: str
    space: str


@dataclass(frozen=True, slots=True)
class Last:
    """The index that served, and the manifests of its rows and of those that are wanted now."""

    entry: IndexEntry
    before: Manifest
    now: Manifest

    def changed(self, rows: VectorBlocks, layout: Layout) -> Iterator[tuple[Ids, Vectors]]:
        """Rows that may be new, or have another vector: all of parts that are not as they were.

        So are those of an old part that has a row that was not wanted before.
        """
        known = {file.path: file.sha256 for file in self.before.files}
        same = {file.path for file in self.now.files if known.get(file.path) == file.sha256}
        held = Index.open(layout.root / self.entry.path).held()
        back = np.setdiff1d(rows.ids, held, assume_unique=True)
        paths = [
            path
            for path in rows.paths
            if layout.relative(path) not in same or (len(back) and holds(path, back, rows.key))
        ]
        return ((rows.ids[places], vectors) for places, vectors in rows.of(paths))

    @property
    def sums(self) -> dict[str, str]:
        """SHA-256 of its files, by name, as they were published."""
        home = f"{self.entry.path}/"
        mine = (file for file in self.before.files if file.path.startswith(home))
        return {file.path.removeprefix(home): file.sha256 for file in mine}

    def shared(self, made: Path, folder: Path, layout: Layout) -> dict[str, FileEntry]:
        """The entries, as ``folder`` will have them, of files that are the very ones of before.

        What was damaged since is then found by its old checksum, and not taken for right.
        """
        if not is_local(layout.root):
            return {}
        known = {file.path: file for file in self.before.files}
        found = {}
        for path in made.iterdir():
            old = f"{self.entry.path}/{path.name}"
            if old in known and path.samefile(layout.root / old):
                name = layout.relative(folder / path.name)
                found[name] = known[old].model_copy(update={"path": name})
        return found


@dataclass(frozen=True, slots=True)
class Built:
    """An index in the lake, and its files that are the very ones of the index before."""

    folder: Path
    card: IndexCard
    known: Mapping[str, FileEntry] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """All that it consists of."""
        return [self.folder / name for name in self.card.names]


def goal_of(spec: IndexSpec, threads: int | None) -> Goal:
    """What an index has to reach, as the builder takes it."""
    return Goal(
        recall=spec.recall,
        k=spec.k,
        memory=None if spec.memory_mb is None else int(spec.memory_mb * _MB),
        latency=spec.latency_ms,
        cheap=spec.exact_numbers,
        seed=spec.seed,
        threads=threads,
    )


@dataclass(frozen=True, slots=True)
class LargeIndexes:
    """Builds what is not searched exactly for want of size; ``asking`` has the queries.

    ``afresh``: no file of an index before is used, so nothing that went is left in any, and one
    is built whatever it misses: an erasure waits for nothing. ``filling``: what fills the indexes
    that are built in a folder.
    """

    layout: Layout
    goal: Goal
    asking: IndexQuestions
    afresh: bool = False
    filling: Callable[[Path], Filling] = Whole

    def built(self, wanted: Wanted, rows: VectorBlocks, now: Manifest, last: Last | None) -> Built:
        """Update the ``last`` index, or build anew; a finished build is kept.

        ``rows`` are those of the candidate ``now``. No more than a row group and what the index
        itself holds is in memory. Raises NothingFitsError where no kind meets the goal.
        """
        questions = self._questions(wanted)
        digest = _digest(rows, now, self.layout)
        if last is not None and not self.afresh:
            made = self._updated(wanted, rows, questions, last, digest)
            if made is not None:
                return made
        return self._anew(wanted, rows, questions, digest)

    def _updated(
        self,
        wanted: Wanted,
        rows: VectorBlocks,
        questions: Questions | None,
        last: Last,
        digest: str,
    ) -> Built | None:
        """The last index with what changed since; None where it has to be built anew."""
        came_from = self.layout.root / last.entry.path
        about = self._about(wanted, rows, questions, f"{came_from.name} {digest}")
        folder = self.layout.index(wanted.name, about.build)
        if (folder / CARD).exists():
            known = last.shared(folder, folder, self.layout)
            return Built(folder, read_card(folder / CARD), known)
        blocks = last.changed(rows, self.layout)
        with passing_bench(self.layout, wanted.name) as bench:
            sought = Sought(rows.ids, blocks, last.sums)
            card = updated(came_from, bench, sought, questions, self.goal, about)
            if card is None:
                return None
            known = last.shared(bench, folder, self.layout)
            return Built(moved(bench, folder, card, self.layout), card, known)

    def _anew(
        self, wanted: Wanted, rows: VectorBlocks, questions: Questions | None, digest: str
    ) -> Built:
        """Stream the vectors to disk and measure kinds over them.

        What a run that died had made of this very build is used; where that is damaged, it is
        begun again, once.
        """
        about = self._about(wanted, rows, questions, digest)
        folder = self.layout.index(wanted.name, about.build)
        if (folder / CARD).exists():
            return Built(folder, read_card(folder / CARD))
        try:
            return self._on_bench(wanted, folder, rows, questions, about)
        except CorruptLakeError as error:
            if not error.path.is_relative_to(self.layout.builds):
                raise
            told = wanted.name, error.path.name, error.why
            log.warning("the index %s is begun again: %s %s", *told)
            return self._on_bench(wanted, folder, rows, questions, about)

    def _on_bench(
        self,
        wanted: Wanted,
        folder: Path,
        rows: VectorBlocks,
        questions: Questions | None,
        about: IndexCard,
    ) -> Built:
        """Make the index, or go on with it, and bring it to ``folder``."""
        with lasting_bench(self.layout, wanted.name, about.build) as bench:
            card = finished(bench, folder) or self._made(bench, rows, questions, about)
            return Built(moved(bench, folder, card, self.layout), card)

    def _made(
        self, bench: Path, rows: VectorBlocks, questions: Questions | None, about: IndexCard
    ) -> IndexCard:
        """Choose an index and write it to ``bench``, whose vectors are kept if they are there."""
        if not (bench / VECTORS).exists():
            write_vectors(bench / VECTORS, rows.ids, rows.dim, rows)
        ids, vectors = mapped_vectors(bench / VECTORS)
        log.info(
            "the index %s: %d rows; kinds are built and measured", bench.parent.name, len(ids)
        )
        try:
            return built(self.filling(bench), ids, vectors, questions, self.goal, about)
        except NothingFitsError as error:
            name = bench.parent.name
            if not self.afresh:
                raise error.over(name) from None
            log.warning("%s is searched exactly until its rows change: %s", name, error)
            exact = replace(self.goal, recall=1.0, memory=None, latency=None)
            return built(Whole(bench), ids, vectors, None, exact, about)

    def _questions(self, wanted: Wanted) -> Questions | None:
        """Real queries; none where there are hardly any, or where no recall is in doubt."""
        if self.goal.recall >= 1 and self.goal.latency is None:
            return None
        try:
            return self.asking.of(wanted.modality, wanted.space)
        except MmindexError as error:
            if not self.afresh or isinstance(error, CorruptLakeError):
                raise
            log.warning("the index %s is measured by stored vectors: %s", wanted.name, error)
            return None

    def _about(
        self, wanted: Wanted, rows: VectorBlocks, questions: Questions | None, digest: str
    ) -> IndexCard:
        return IndexCard(
            space=wanted.space,
            modality=wanted.modality,
            dim=rows.dim,
            rows=len(rows),
            created_at=datetime.now(UTC),
            build=goal_name(digest, questions, self.goal),
        )


def _digest(rows: VectorBlocks, now: Manifest, layout: Layout) -> str:
    """Hash of ids and of the parts that their vectors lie in, by the manifest's checksums."""
    parts = {file.path: file.sha256 for file in now.files}
    names = sorted(layout.relative(path) for path in rows.paths)
    hasher = hashlib.sha256("\0".join(parts[name] for name in names).encode())
    hasher.update(f"\0{len(rows)} {rows.dim}\0".encode())
    hasher.update(rows.ids.data)
    return hasher.hexdigest()
