"""Fit projections, once per modality, on the lake's own pairs."""

from __future__ import annotations

from dataclasses import replace

from prefect import task

from mmcore.evaluation.querysets.frozen import FrozenSet
from mmcore.specs import FitSpec
from mmcore.training.dataset.lake import fit_rows
from mmcore.training.projections import fit_projection, unfitted
from mmcore.training.roles import stands
from mmcore.training.rows import Rows
from mmcore.types import EncoderKey
from storage import models
from storage.manifest import Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.policies import POLICY
from tasks.projections import NAME, load_projection, maker, with_model, without_model
from tasks.workplace import Workplace


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
        snapshot = Snapshot.of(work.lake, manifest)
        asked = FrozenSet.of(published or snapshot).items(snapshot)
        rows = fit_rows(snapshot, left, spec, previous, frozen_items=asked)
    fitted = fit_projection(*rows, keys, spec, previous, make=maker(work))
    if fitted is not None:
        fitted = replace(fitted, version=models.next_version(work.lake, NAME))
        models.store_model(work.lake, NAME, fitted.version, fitted.to_files())
        return with_model(manifest, fitted, work, published)
    if previous is not None and not stands(keys, previous):
        return without_model(manifest, work)
    return manifest
