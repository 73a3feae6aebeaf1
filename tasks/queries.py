"""Freeze a candidate's queries: a table of rows like the others."""

from __future__ import annotations

from prefect import task

from mmcore.evaluation.querysets.frozen import freeze
from mmcore.specs import EvaluationSpec, FitSpec
from storage import tables
from storage.manifest import Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.manifests import with_files
from tasks.policies import POLICY
from tasks.workplace import Workplace

TABLE = "queries"


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
    before = None if published is None else published.rows(TABLE)
    rows = freeze(Snapshot.of(work.lake, manifest), before, spec, fit)
    others = [file for file in manifest.files if not file.path.startswith(f"{TABLE}/")]
    paths = tables.write_rows(work.lake.rows(TABLE), rows)
    return with_files(manifest.model_copy(update={"files": others}), paths, work, published)
