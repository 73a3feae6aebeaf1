"""Every path of a lake, in one class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storage.places import cache
from storage.places.place import is_local
from storage.schemas import FUSED, Dtype, Modality, digest


def space_folder(space: str) -> str:
    """``e5-small/p1`` as one folder name."""
    return space.replace("/", "-")


def _suffix(dtype: Dtype) -> str:
    """What a folder's name ends in: of each dtype it has its own, for a snapshot has one."""
    return "" if dtype == "float32" else f"-{dtype}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things lie below the lake's ``root``; makes paths and touches no disk."""

    root: Path

    @property
    def current(self) -> Path:
        """The pointer: a file that holds the number of the published snapshot."""
        return self.root / "CURRENT"

    @property
    def lock(self) -> Path:
        """Held by the one writer."""
        return self.root / "LOCK"

    @property
    def key(self) -> Path:
        """The lake's own random key, under which it hashes what must not be told."""
        return self.root / "KEY"

    @property
    def tombstones(self) -> Path:
        """The folder of what was erased, as keyed hashes."""
        return self.root / "tombstones"

    @property
    def snapshots(self) -> Path:
        """The folder of all published snapshots."""
        return self.root / "snapshots"

    def snapshot(self, number: int) -> Path:
        """The folder of one published snapshot."""
        return self.snapshots / str(number)

    @property
    def candidates(self) -> Path:
        """The folder of what runs are building, or were not allowed to publish."""
        return self.root / "candidates"

    def candidate(self, run: str) -> Path:
        """What the run ``run`` is evaluating, or was not allowed to publish."""
        return self.candidates / run

    def rows(self, table: str) -> Path:
        """Folder of a table of rows: ``files``, ``items``, ``segments/image`` and so on."""
        return self.root / table

    def embeddings(
        self, modality: Modality, encoder: str, fingerprint: str, dtype: Dtype = "float32"
    ) -> Path:
        """Folder of one encoder's cells, stored as ``dtype``."""
        return self.root / "embeddings" / modality / f"{encoder}-{fingerprint}{_suffix(dtype)}"

    def space(self, space: str, modality: Modality, dtype: Dtype = "float32") -> Path:
        """Folder of one modality's vectors in a shared space."""
        return self.root / "spaces" / f"{space_folder(space)}{_suffix(dtype)}" / modality

    def fused(self, space: str, fingerprint: str, dtype: Dtype = "float32") -> Path:
        """Folder of the fused vectors of one space and one fusion."""
        return self.root / FUSED / f"{space_folder(space)}-{fingerprint}{_suffix(dtype)}"

    def index(self, name: str, build: str) -> Path:
        """Folder of one built index: ``index.faiss`` and ``index.json``."""
        return self.root / "indexes" / name / build

    def model(self, name: str, version: str) -> Path:
        """Folder of one version of a model."""
        return self.root / "models" / name / version

    def models(self, name: str) -> Path:
        """Folder of all versions of a model."""
        return self.root / "models" / name

    def report(self, snapshot: str) -> Path:
        """Folder of the evaluation report of a snapshot (or of a run that was blocked)."""
        return self.root / "reports" / snapshot

    def training(self, version: str) -> Path:
        """Folder of the report of a training, by the first version that it stored."""
        return self.root / "reports" / "training" / version

    @property
    def staging(self) -> Path:
        """Arrays between preprocessing and embedding, on this machine; emptied as they are used.

        Of a remote lake they lie in the cache's folder.
        """
        if is_local(self.root):
            return self.root / "staging"
        return cache.staging(digest(str(self.root)))

    @property
    def query_sets(self) -> Path:
        """The folder of users' query sets."""
        return self.root / "queries" / "sets"

    def query_set(self, name: str) -> Path:
        """Folder of one query set of a user's; in no manifest, and never changed."""
        return self.query_sets / name

    @property
    def history(self) -> Path:
        """The folder of what evaluations came to: one small file each, numbers only."""
        return self.root / "history"

    @property
    def looked(self) -> Path:
        """When an index run last ended well, one that found nothing new among them."""
        return self.root / "LOOKED"

    @property
    def evaluations(self) -> Path:
        """Evaluations under way, below ``staging``: a run goes on where another one died."""
        return self.staging / "evaluations"

    @property
    def builds(self) -> Path:
        """Large indexes under way, below ``staging``: a run goes on where another one died."""
        return self.staging / "indexes"

    def relative(self, path: Path) -> str:
        """``path`` as a manifest names it: below the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()
