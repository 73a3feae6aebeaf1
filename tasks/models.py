"""The models of a lake: which serve, which are stored, and a candidate that others shall serve.

A candidate has the rows and cells of the published snapshot as they are; what is derived of them
is made anew, and no file is decoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from mmcore.encoders.presets import of_a_lake, runtime_of
from mmcore.encoders.projections import Projection
from mmcore.errors import ConfigError
from mmcore.fusion.base import fusion_of
from mmcore.fusion.models import FusionModel
from mmcore.specs import (
    EvaluationSpec,
    FitSpec,
    FusionSpec,
    LimitsSpec,
    RuntimeSpec,
    SegmentationSpec,
    StorageSpec,
)
from mmcore.types import EncoderKey
from storage import intact_models
from storage.layout import Layout
from storage.manifest import Manifest
from storage.rewrite import compression_of
from storage.schemas import FUSED
from storage.snapshot import Snapshot
from tasks.candidate import SOFTWARE
from tasks.fusing import Choice
from tasks.kept import newest
from tasks.manifests import with_files
from tasks.plan import keys_of
from tasks.projections import projection_entry
from tasks.workplace import Workplace

PROJECTION: Final = "projection"
FUSION: Final = "fusion"
_DERIVED: Final = ("spaces/", f"{FUSED}/", "indexes/", "models/")  # of cells and models


@dataclass(frozen=True, slots=True)
class Chosen:
    """What shall serve: a version of the projection, or none, and a fusion."""

    projection: str | None
    fusion: Choice

    def serves(self, manifest: Manifest) -> bool:
        """Whether a snapshot was made with these; by their versions, no file is read.

        Of a fusion without a model by what it does: weights of 1 need not be named.
        """
        entry, projection = manifest.fusion, manifest.projection
        if (projection.version if projection else None) != self.projection:
            return False
        if entry is None or entry.version is not None or self.fusion.version is not None:
            return (entry.version if entry else None) == self.fusion.version
        return entry.fingerprint == fusion_of(self.fusion.spec).fingerprint


def workplace_of(snapshot: Snapshot, runtime: RuntimeSpec) -> Workplace:
    """Where a run on a lake's own rows and cells works: by what the snapshot was made with."""
    told = snapshot.manifest
    parts = [snapshot.layout.root / path for path in told.paths("embeddings")]
    return Workplace(
        lake=snapshot.layout,
        preset=told.preset,
        segmentation=SegmentationSpec.model_validate(told.specs.get("segmentation", {})),
        limits=LimitsSpec(),
        runtime=runtime_of(told.preset, of_a_lake(runtime)),
        storage=StorageSpec(dtype=told.dtype, compression=compression_of(parts)),
        private=told.private,
    )


def fit_spec(manifest: Manifest) -> FitSpec:
    """Which captions the lake holds out, and how many pairs it asks for."""
    return FitSpec.model_validate(manifest.specs.get("fit", {}))


def evaluation_spec(manifest: Manifest) -> EvaluationSpec:
    """How the lake is measured."""
    return EvaluationSpec.model_validate(manifest.specs.get("evaluation", {}))


def keys_of_lake(manifest: Manifest, work: Workplace) -> tuple[EncoderKey, ...]:
    """The encoders whose cells the snapshot holds; ConfigError where they are others here."""
    keys = keys_of(work)
    here = [(key.name, key.fingerprint) for key in keys]
    there = [(entry.name, entry.fingerprint) for entry in manifest.encoders]
    if here != there:
        other = next((name for name, mark in there if (name, mark) not in here), here[0][0])
        raise ConfigError(
            f"{work.lake.root}: the vectors of {other!r} were made by another version of it than"
            " is installed here: run `mmindex index` first, which makes them anew"
        )
    return keys


def bare(before: Manifest, run: str) -> Manifest:
    """A candidate of the rows and cells of ``before``: without models, spaces and indexes.

    It has seen what ``before`` has, and when, ``created_at``: so a next run finds nothing changed.
    The fusion it gets is one that was promoted, which later runs keep unless they name another.
    """
    stay = [file for file in before.files if not file.path.startswith(_DERIVED)]
    return before.model_copy(
        update={
            "number": None,
            "parent": before.number,
            "run": run,
            "files": stay,
            "projection": None,
            "fusion": None,
            "indexes": [],
            "evaluation": None,
            "specs": before.specs | {"fusion": FusionSpec().model_dump(mode="json")},
            "software": before.software | {name: version(name) for name in SOFTWARE},
        }
    )


def with_projection(
    manifest: Manifest,
    wanted: str | None,
    keys: tuple[EncoderKey, ...],
    work: Workplace,
    published: Snapshot,
) -> Manifest:
    """The candidate with a stored version of the projection; UnknownModelError for no such one.

    CorruptLakeError where a file that it is computed from is not as it was stored.
    ConfigError where it does not lead the lake's texts anywhere: it was made for other encoders.
    """
    if wanted is None:
        return manifest
    naming = (published.manifest, *newest(work.lake))  # that one is without an edited card
    files = intact_models.intact_files(work.lake, PROJECTION, wanted, naming)
    found = Projection.from_files(files)
    text = next((key for key in keys if key.name in found.heads), None)
    if text is None or not found.joins(text):
        raise ConfigError(
            f"{PROJECTION}/{wanted} was made for other encoders than those of snapshot"
            f" {published.manifest.number}: train one for these, with `mmindex train`"
        )
    told = manifest.model_copy(update={"projection": projection_entry(found)})
    paths = [work.lake.model(PROJECTION, wanted) / name for name in files]
    return with_files(told, paths, work, published)


def stored_fusion(lake: Layout, wanted: str) -> Choice:
    """A trained fusion; UnknownModelError where there is none of that version.

    CorruptLakeError where a file that it is computed from is not as it was stored.
    """
    files = intact_models.intact_files(lake, FUSION, wanted, newest(lake))
    return Choice(FusionSpec(name=FusionModel.from_files(files).kind), wanted, files)
