"""Fit projections, once per modality, on the lake's own pairs."""

from __future__ import annotations

from dataclasses import replace

from prefect import task

from mmcore.encoders.base import Encoder
from mmcore.encoders.presets import encoders_of
from mmcore.encoders.projections import Projection
from mmcore.specs import FitSpec
from mmcore.training.dataset.lake import fit_rows
from mmcore.training.projections import Make, fit_projection, unfitted
from mmcore.training.roles import stands
from mmcore.training.rows import Rows
from mmcore.types import EncoderKey
from storage import models
from storage.manifest import Manifest, ProjectionEntry
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.manifests import with_files
from tasks.policies import POLICY
from tasks.workplace import Workplace

NAME = "projection"


@task(name="fit-projections", **POLICY)
@discreet
def fit_projections(
    manifest: Manifest,
    keys: tuple[EncoderKey, ...],
    spec: FitSpec,
    work: Workplace,
    published: Snapshot | None,
) -> Manifest:
    """Fit what no earlier run had the pairs for; a head once fitted stays as it is.

    A projection that joins none of the encoders any more, or whose space is another by now, goes.
    """
    previous = load_projection(manifest, work)
    rows: tuple[Rows, dict[str, Rows]] = Rows.empty(0), {}
    if left := unfitted(keys, previous):
        rows = fit_rows(Snapshot.of(work.lake, manifest), left, spec, previous)
    fitted = fit_projection(*rows, keys, spec, previous, make=maker(work))
    if fitted is not None:
        fitted = replace(fitted, version=models.next_version(work.lake, NAME))
        models.store_model(work.lake, NAME, fitted.version, fitted.to_files())
        return with_model(manifest, fitted, work, published)
    if previous is not None and not stands(keys, previous):
        return without_model(manifest, work)
    return manifest


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
