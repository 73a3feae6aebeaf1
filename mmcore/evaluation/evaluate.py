"""Score a snapshot on its own held-out pairs, direction by direction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from mmcore.encoders.base import Encoder
from mmcore.encoders.projections import FittedOn, Projection
from mmcore.evaluation import coverage
from mmcore.evaluation.asking import QuestionVectors
from mmcore.evaluation.directions import Bench, Scored
from mmcore.evaluation.galleries import Galleries
from mmcore.evaluation.queries import Pairs
from mmcore.evaluation.recall import index_recall
from mmcore.evaluation.scores import Report, Unscored
from mmcore.evaluation.withheld import withheld
from mmcore.evaluation.worst import WorstQueries
from mmcore.search.fusions import trained_on
from mmcore.search.queries import Asker
from mmcore.specs import EvaluationSpec, FitSpec
from mmcore.training.dataset.lake import lake_rows
from mmcore.training.rows import Rows
from storage.schemas import MODALITIES, Modality
from storage.snapshot import Snapshot

__all__ = ["Report", "evaluate", "learned_from"]


def evaluate(
    snapshot: Snapshot,
    encoders: Sequence[Encoder],
    projection: Projection | None,
    spec: EvaluationSpec,
    fit: FitSpec,
    also: FittedOn | None = None,
) -> Report:
    """Measure ``snapshot``, or a candidate, exactly: by matrix products, not through its indexes.

    Every direction whose two sides share a space is asked with at most ``spec.max_queries``
    held-out contents. A query's own content is nowhere in its gallery; items with an equal caption
    are right. Directions with fewer than ``spec.min_queries`` are listed, not scored; without any
    other the report is "unmeasured" and says why. Whatever fails raises: no query is skipped.
    What touches what the models of ``snapshot`` were fitted on, or ``also``, is not asked: so two
    snapshots have the same queries, each with what the other has ``learned_from``.
    """
    fitted = learned_from(snapshot, projection) | (also or FittedOn())
    bench = laid_out(snapshot, encoders, projection, spec, fit, fitted)
    asked = [*bench.directions(), *withheld(bench)]
    scored = [found for found in asked if isinstance(found, Scored)]
    unscored = [
        found for found in asked if isinstance(found, Unscored) and (found.queries or found.why)
    ]
    manifest = snapshot.manifest
    return Report(
        snapshot=manifest.number,
        run=manifest.run,
        evaluated_at=datetime.now(UTC),
        preset=manifest.preset,
        encoders=[f"{e.name} {e.fingerprint}" for e in manifest.encoders],
        projection=manifest.projection.space if manifest.projection else None,
        fusion=f"{manifest.fusion.name} {manifest.fusion.fingerprint}"
        if manifest.fusion
        else None,
        held_out=fit.held_out,
        status="measured" if scored else "unmeasured",
        reason="" if scored else _why(unscored, spec),
        queries=len({content for found in scored for content in found.contents}),
        directions=[found.direction for found in scored],
        unscored=unscored,
        index_recall=index_recall(snapshot, bench.asked()),
        coverage=coverage.coverage(snapshot),
        languages=coverage.languages(snapshot),
        counts=dict(manifest.counts),
        quarantine=coverage.quarantine(snapshot),
    )


def laid_out(
    snapshot: Snapshot,
    encoders: Sequence[Encoder],
    projection: Projection | None,
    spec: EvaluationSpec,
    fit: FitSpec,
    fitted: FittedOn,
) -> Bench:
    """The snapshot with its pairs and galleries; what ``fitted`` has seen is not asked."""
    rows = searched_rows(snapshot)
    pairs = Pairs(rows)
    return Bench(
        pairs=pairs,
        galleries=Galleries(snapshot, rows),
        vectors=QuestionVectors(snapshot, Asker(snapshot.manifest, encoders, projection)),
        worst=WorstQueries(snapshot, pairs),
        spec=spec,
        held_out=fit.held_out,
        fitted=fitted,
    )


def learned_from(snapshot: Snapshot, projection: Projection | None) -> FittedOn:
    """What the projection was fitted on, and a trained fusion."""
    fusion = trained_on(snapshot)
    return fusion if projection is None else projection.fitted_on | fusion


def _why(unscored: Sequence[Unscored], spec: EvaluationSpec) -> str:
    """Why nothing was scored, and how much is missing."""
    if not unscored:
        return "no item has a held-out caption and another medium, or text, in the same space"
    best = max(unscored, key=lambda found: found.queries)
    if best.why:
        return f"no direction could be asked: {best.name}: {best.why}"
    return (
        f"no direction has {spec.min_queries} held-out queries;"
        f" the most has {best.name} with {best.queries}"
    )


def searched_rows(snapshot: Snapshot) -> dict[Modality, Rows]:
    """The rows of each modality that has any, in the main space it is searched in."""
    found = {modality: lake_rows(snapshot, modality, space="shared") for modality in MODALITIES}
    return {modality: rows for modality, rows in found.items() if len(rows)}
