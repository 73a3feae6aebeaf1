"""Which files of a lake stay, however old they are: by what kept manifests name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from storage import models, querysets
from storage.layout import Layout
from storage.manifest import Manifest
from storage.places.place import folders, holding
from storage.schemas import is_record

KINDS: Final = {  # folder of the lake → kind of what lies in it, in the order of removal
    "snapshots": "snapshots",
    "candidates": "candidates",
    "reports": "reports",
    **dict.fromkeys(
        ("files", "items", "item_files", "segments", "quarantine", "captions", "queries", "words"),
        "rows",
    ),
    "history": "history",
    "fused": "fused",
    "indexes": "indexes",
    "models": "models",
    "spaces": "spaces",
    "embeddings": "embeddings",
    "staging": "staging",
}
_SETS: Final = ("queries", "sets")
_UNIT: Final = 3  # an index or a model is a folder: <folder>/<name>/<build or version>


@dataclass(frozen=True, slots=True)
class Rules:
    """What the snapshots and candidates that stay need."""

    named: frozenset[str]  # files
    units: frozenset[str]  # folders of indexes and models
    in_use: frozenset[str]  # those of them that a manifest names
    snapshots: frozenset[str]  # numbers
    reports: frozenset[str]
    runs: frozenset[str]
    versions: frozenset[str]  # of models, that are there
    sets: frozenset[str]  # users' query sets that are whole

    @classmethod
    def of(
        cls, layout: Layout, manifests: list[Manifest], numbers: set[int], runs: set[str]
    ) -> Rules:
        """What the ``manifests`` need; ``numbers`` and ``runs`` are those that stay."""
        named = frozenset(file.path for manifest in manifests for file in manifest.files)
        units = {unit_of(PurePosixPath(path)) for path in named}
        units |= {index.path for manifest in manifests for index in manifest.indexes}
        in_use = frozenset(units)
        # the highest version of a model stays: the next one must not get its name, by which
        # vectors of its space are found
        versions: set[str] = set()
        for folder in folders(layout.root / "models"):
            there = models.versions(layout, folder.name)
            units |= {layout.relative(folder / version) for version in there[-1:]}
            versions |= set(there)
        proposed = {str(manifest.number) for manifest in manifests}
        proposed |= {str(m.evaluation.report) for m in manifests if m.evaluation}
        snapshots = frozenset(map(str, numbers))
        reports = snapshots | proposed
        whole = holding(layout.query_sets, querysets.CARD)
        sets = frozenset(path.parent.name for path in whole)
        told = snapshots, reports, frozenset(runs), frozenset(versions), sets
        return cls(named, frozenset(units), in_use, *told)

    def stays(self, path: PurePosixPath) -> bool:
        """Whether the file at ``path`` stays, however old it is."""
        kind, folder = KINDS[path.parts[0]], path.parts[1]
        ours = path.match("part-*.parquet") or self._is_begun(path.parts)
        match kind:
            case "snapshots":
                return folder in self.snapshots or not is_number(folder)
            case "reports":
                return self._is_told(folder, path.parts[2:])
            case "candidates":
                return folder in self.runs or path.parent.name == "candidates"
            case "models" if is_record(path.name) and unit_of(path) in self.in_use:
                ours = True  # an erasure writes another one beside it
            case "indexes" | "models":
                return len(path.parts) <= _UNIT or unit_of(path) in self.units
            case "staging":
                return False
        return str(path) in self.named or not ours

    def _is_begun(self, parts: tuple[str, ...]) -> bool:
        """Whether a file is of a query set that never was whole."""
        return parts[:2] == _SETS and len(parts) > _UNIT and parts[2] not in self.sets

    def _is_told(self, folder: str, below: tuple[str, ...]) -> bool:
        """Whether a report stays: with its snapshot, or with the model that it tells of.

        That of a training which came to a fusion without a model stays: there are few names of
        such, and the next one of the name takes its place.
        """
        if folder == "training" and len(below) > 1:
            return below[0] in self.versions or not models.is_version(below[0])
        return folder in self.reports or not is_number(folder)


def is_number(name: str) -> bool:
    """Whether a folder is called as a snapshot is."""
    return name.isdecimal() and str(int(name)) == name


def unit_of(path: PurePosixPath | str) -> str:
    """The folder of the index or model that a file is of."""
    return "/".join(PurePosixPath(path).parts[:_UNIT])
