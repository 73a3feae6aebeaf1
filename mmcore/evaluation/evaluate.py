"""Ask a snapshot its own held-out pairs, direction by direction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mmcore.encoders.base import Encoder
from mmcore.encoders.projections import FittedOn, Projection
from mmcore.evaluation.asking import QuestionVectors
from mmcore.evaluation.directions import Bench
from mmcore.evaluation.galleries import Galleries
from mmcore.evaluation.labels import Labels
from mmcore.evaluation.outcomes import Measured
from mmcore.evaluation.queries import Pairs
from mmcore.evaluation.resume import Kept
from mmcore.evaluation.scores import Unscored
from mmcore.evaluation.terms import Terms
from mmcore.evaluation.withheld import withheld
from mmcore.search.asking.queries import Asker
from mmcore.search.opened.models import trained_on
from mmcore.training.dataset.lake import lake_rows
from mmcore.training.rows import Rows
from storage.schemas import MODALITIES, Modality
from storage.snapshot import Snapshot


def outcomes(bench: Bench, kept: Kept | None = None) -> Iterator[Measured | Unscored]:
    """Ask the frozen queries of every direction, exactly; one direction after another.

    A query's own content is nowhere in its gallery; items with an equal caption are right.
    Directions with fewer than ``min_queries`` are told, not scored. Whatever fails raises: no
    query is skipped. With a world in the bench's terms each is also measured within it.

    Args:
        bench: a snapshot, laid out.
        kept: where finished directions are kept, and taken from.
    """
    yield from bench.directions(kept)
    yield from withheld(bench, kept)


def laid_out(
    snapshot: Snapshot,
    encoders: Sequence[Encoder],
    projection: Projection | None,
    terms: Terms,
) -> Bench:
    """The snapshot with its pairs and galleries, to be asked on ``terms``."""
    rows = searched_rows(snapshot)
    return Bench(
        pairs=Pairs(rows),
        galleries=Galleries(snapshot, rows),
        vectors=QuestionVectors(snapshot, Asker(snapshot.manifest, encoders, projection)),
        labels=Labels.of(snapshot),
        terms=terms,
    )


def learned_from(snapshot: Snapshot, projection: Projection | None) -> FittedOn:
    """What the projection was fitted on, and a trained fusion."""
    fusion = trained_on(snapshot)
    return fusion if projection is None else projection.fitted_on | fusion


def searched_rows(snapshot: Snapshot) -> dict[Modality, Rows]:
    """The rows of each modality that has any, in the main space it is searched in."""
    found = {modality: lake_rows(snapshot, modality, space="shared") for modality in MODALITIES}
    return {modality: rows for modality, rows in found.items() if len(rows)}
