"""rows → project → fuse → index → freeze: a candidate of what was found and embedded."""

from __future__ import annotations

from flows.engines.sharding import sharding_of
from flows.stages.outcome import run_name, segment_counts
from flows.stages.parts import fitted_by_a_part, taught
from flows.stages.rounds import Round
from mmcore.counting import number_of
from mmcore.encoders.presets import title
from mmcore.types import EncoderKey
from storage.manifest import Manifest
from tasks.candidate import start_candidate
from tasks.crawl import Found
from tasks.fuse import fuse
from tasks.indexes import build_indexes
from tasks.plan import Plan
from tasks.policies import unwalked
from tasks.project import project_cells
from tasks.projections import without_model
from tasks.queries import freeze_queries
from tasks.refusals import refuse_many_bad
from tasks.train import fit_projections
from tasks.words import write_words


def assemble(found: Found, plan: Plan, this: Round) -> Manifest:
    """Build the candidate: rows, projection, fused vectors, indexes and queries."""
    config, work, published, clock = this.config, this.work, this.published, this.clock
    with clock.stage("rows") as note:
        manifest = _described(found, plan, this)
        note.append(number_of(sum(segment_counts(manifest).values()), "segment"))
    with clock.stage("project") as note:
        manifest = _projected(manifest, plan.encoders, this)
        note.append(manifest.projection.space if manifest.projection else "nothing to project")
    with clock.stage("fuse") as note:
        fusing = fuse(manifest, config.fusion, work, published)
        note.append(str(fusing))
    with clock.stage("index") as note:
        manifest = build_indexes(fusing.manifest, work, published, sharding_of(config))
        note.append(number_of(len(manifest.indexes), "index", "indexes"))
    with clock.stage("freeze") as note:
        known = taught(published)
        manifest = freeze_queries(manifest, config.evaluation, config.fit, work, known)
        note.append(number_of(_rows_of(manifest, "queries"), "query", "queries"))
    return manifest


def _described(found: Found, plan: Plan, this: Round) -> Manifest:
    """Rows of files, items and segments, and words; too many bad files end the run."""
    config, work, published, clock = this.config, this.work, this.published, this.clock
    manifest = start_candidate(unwalked(found), unwalked(plan), work, published, this.sources)
    run = run_name(clock.started, title(work.preset))
    told = {"specs": config.specs(), "run": run, "created_at": clock.started}
    manifest = manifest.model_copy(update=told)
    refuse_many_bad(manifest, work, config.max_bad_fraction)
    return write_words(manifest, work, published)


def _projected(manifest: Manifest, keys: tuple[EncoderKey, ...], this: Round) -> Manifest:
    """What is searched together, in one space."""
    if fitted_by_a_part(this.published):
        manifest = without_model(manifest, this.work)
    known = taught(this.published)
    manifest = fit_projections(manifest, keys, this.config.fit, this.work, known)
    return project_cells(manifest, keys, this.work, this.published)


def _rows_of(manifest: Manifest, table: str) -> int:
    """Rows of a table, by the manifest."""
    return sum(file.rows for file in manifest.files if file.path.startswith(f"{table}/"))


def same(candidate: Manifest, published: Manifest) -> bool:
    """Whether a candidate would publish what is published, whoever decoded it.

    Not where a file of that is damaged, and left out: then neither inputs nor what was seen is
    told (``mending.without``).
    """
    whole = published.inputs or (published.reissued_at is not None and published.seen)
    chosen = ("files", "encoders", "specs")
    return bool(whole) and all(getattr(candidate, n) == getattr(published, n) for n in chosen)
