"""The projection of a candidate: its model's files, opened and named in a manifest. No Prefect."""

from __future__ import annotations

from mmcore.encoders.base import Encoder
from mmcore.encoders.presets import encoders_of
from mmcore.encoders.projections import Projection
from mmcore.training.projections import Make
from mmcore.types import EncoderKey
from storage import models
from storage.manifest import Manifest, ProjectionEntry
from storage.snapshot import Snapshot
from tasks.manifests import with_files
from tasks.workplace import Workplace

NAME = "projection"


def maker(work: Workplace) -> Make:
    """Gives the run's own encoders by their keys; it is asked for few, and makes none before."""

    def make(key: EncoderKey) -> Encoder:
        made = encoders_of(work.preset, work.segmentation, work.runtime)
        return next(encoder for encoder in made if encoder.key == key)

    return make


def with_model(
    manifest: Manifest, fitted: Projection, work: Workplace, published: Snapshot | None
) -> Manifest:
    """The manifest with the files of ``fitted`` in place of those of the projection before."""
    told = {"projection": projection_entry(fitted)}
    bare = without_model(manifest, work).model_copy(update=told)
    files = models.files_of(work.lake.model(NAME, fitted.version))
    return with_files(bare, files, work, published)


def without_model(manifest: Manifest, work: Workplace) -> Manifest:
    """The manifest without its projection: that of a preset before joins nothing now."""
    before = f"{work.lake.relative(work.lake.models(NAME))}/"
    others = [file for file in manifest.files if not file.path.startswith(before)]
    return manifest.model_copy(update={"files": others, "projection": None})


def projection_entry(projection: Projection) -> ProjectionEntry:
    """What a manifest says of ``projection``."""
    return ProjectionEntry(
        space=projection.space,
        version=projection.version,
        dim=projection.dim,
        encoders={name: joined.fingerprint for name, joined in sorted(projection.heads.items())},
        states={name: joined.head.state for name, joined in sorted(projection.heads.items())},
    )


def load_projection(manifest: Manifest, work: Workplace) -> Projection | None:
    """The manifest's projection, or None."""
    if manifest.projection is None:
        return None
    version = manifest.projection.version
    return Projection.from_files(models.load_model(work.lake, manifest, NAME, version))
