"""Every path of a lake, in one class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from storage.schemas import FUSED, Modality


def space_folder(space: str) -> str:
    """``e5-small/p1`` as one folder name."""
    return space.replace("/", "-")


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
    def snapshots(self) -> Path:
        """The folder of all published snapshots."""
        return self.root / "snapshots"

    def snapshot(self, number: int) -> Path:
        """The folder of one published snapshot."""
        return self.snapshots / str(number)

    def candidate(self, run: str) -> Path:
        """What the run ``run`` is evaluating, or was not allowed to publish."""
        return self.root / "candidates" / run

    def rows(self, table: str) -> Path:
        """Folder of a table of rows: ``files``, ``items``, ``segments/image`` and so on."""
        return self.root / table

    def embeddings(self, modality: Modality, encoder: str, fingerprint: str) -> Path:
        """Folder of one encoder's cells."""
        return self.root / "embeddings" / modality / f"{encoder}-{fingerprint}"

    def space(self, space: str, modality: Modality) -> Path:
        """Folder of one modality's vectors in a shared space."""
        return self.root / "spaces" / space_folder(space) / modality

    def fused(self, space: str, fingerprint: str) -> Path:
        """Folder of the fused vectors of one space and one fusion."""
        return self.root / FUSED / f"{space_folder(space)}-{fingerprint}"

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

    @property
    def staging(self) -> Path:
        """Arrays between preprocessing and embedding; emptied as they are embedded."""
        return self.root / "staging"

    def relative(self, path: Path) -> str:
        """``path`` as a manifest names it: below the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()
