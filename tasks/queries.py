"""Freeze a candidate's queries: a table of rows like the others."""

from __future__ import annotations

from prefect import task

from mmcore.specs import EvaluationSpec, FitSpec
from storage.manifest import Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.policies import POLICY
from tasks.workplace import Workplace


@task(name="freeze-queries", **POLICY)
@discreet
def freeze_queries(
    manifest: Manifest,
    spec: EvaluationSpec,
    fit: FitSpec,
    work: Workplace,
    published: Snapshot | None,
) -> Manifest:
    """The candidate with its table ``queries``: the published rows that live, and new ones."""
    raise NotImplementedError
