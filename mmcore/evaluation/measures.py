"""Retrieval measures per query, by ir-measures: trec_eval's numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import ir_measures
import numpy as np
from ir_measures import AP, RR, P, Qrel, R, ScoredDoc, Success, nDCG
from numpy.typing import NDArray

from mmcore.evaluation.ranking import Ranking
from mmcore.specs import EvaluationSpec
from storage.schemas import digest

Places = NDArray[np.int64]
Scores = dict[str, NDArray[np.float64]]
"""Measure → one value a query."""

VERSION: Final = 2
"""Raised when a measure means something else: what was stored before is not comparable."""

F1: Final = "F1@10"
"""No measure of ir-measures: its SetF takes no cutoff."""

_CUT: Final = 10  # of nDCG, recall and precision


class Grades(NamedTuple):
    """How right the relevant items of each query are, from 1; row i belongs to query i."""

    found: Sequence[Places]  # of its hits, in their order
    ideal: Sequence[Places]  # of all that is relevant, the hits among them


def depth(spec: EvaluationSpec) -> int:
    """How many ranks of each query are looked at: those of the spec, or of its largest cutoff."""
    return max(spec.depth, *spec.cutoffs, _CUT)


def of_ranking(ranking: Ranking, spec: EvaluationSpec) -> Scores:
    """``per_query`` of a ranking to that depth."""
    return per_query(ranking.hits, ranking.relevant, spec.cutoffs, depth(spec))


def per_query(
    hits: Sequence[Places],
    relevant: Places,
    cutoffs: Sequence[int],
    deepest: int = 100,
    grades: Grades | None = None,
) -> Scores:
    """``Success@k``, ``RR``, ``AP``, ``nDCG@10``, ``R@10``, ``P@10`` and ``F1@10`` of each query.

    Ranks alone count, so a tie is settled by whoever ranked. The ideal ranking holds all relevant
    items, found or not; a query without results scores 0. ``Success@k`` (anything relevant in the
    first k) is what papers on cross-modal retrieval call R@k; ``R@10`` here is true recall, and
    ``F1@10`` is the harmonic mean of that and ``P@10``, query by query.

    Args:
        hits: the ranks, from 1, at which each query found something relevant; may be empty.
        relevant: (q,) how many relevant items there are for each query, at least one.
        cutoffs: the k of ``Success@k``.
        deepest: how many ranks were looked at, the k of ``AP@k``.
        grades: how right the relevant items are, for ``nDCG``; None: all alike.
    """
    if len(hits) != len(relevant) or not np.all(relevant > 0):
        raise ValueError(f"{len(hits)} rankings need as many queries with relevant items")
    average = AP @ deepest
    measures = [*(Success @ k for k in cutoffs), RR, average, nDCG @ _CUT]
    values = {str(measure): np.zeros(len(relevant)) for measure in measures}
    qrels = _qrels(hits, relevant) if grades is None else _graded(hits, grades)
    for metric in ir_measures.iter_calc(measures, qrels, _run(hits)):
        values[str(metric.measure)][int(metric.query_id)] = metric.value
    found = np.array([np.count_nonzero(ranks <= _CUT) for ranks in hits])
    told = _told(hits, relevant) if grades is None else np.array([len(g) for g in grades.ideal])
    values[str(average)] *= told / relevant  # of those that were named
    return {
        **values,
        str(R @ _CUT): found / relevant,
        str(P @ _CUT): found / _CUT,
        F1: 2 * found / (relevant + _CUT),
    }


def fingerprint(spec: EvaluationSpec) -> str:
    """What decides the meaning of a score; not how many queries there are, nor which files."""
    return digest([VERSION, sorted(spec.cutoffs), spec.depth])


def means(scores: Scores) -> dict[str, float]:
    """The mean of each measure over the queries, in the same order."""
    return {name: float(values.mean()) for name, values in scores.items()}


def _told(hits: Sequence[Places], relevant: Places) -> Places:
    """How many relevant items of each query are named: as many as the ideal ranking can hold."""
    found = np.array([len(ranks) for ranks in hits], dtype=np.int64)
    return np.maximum(found, np.minimum(relevant, _CUT))


def _qrels(hits: Sequence[Places], relevant: Places) -> list[Qrel]:
    """What was found, by its rank, and as much of what was not as the ideal ranking can hold."""
    return [
        Qrel(str(query), str(name), 1)
        for query, (ranks, told) in enumerate(
            zip(hits, _told(hits, relevant).tolist(), strict=True)
        )
        for name in [*ranks.tolist(), *range(-1, len(ranks) - told - 1, -1)]
    ]


def _graded(hits: Sequence[Places], grades: Grades) -> list[Qrel]:
    """All that is relevant, by its rank where it was found, with its grade."""
    found: list[Qrel] = []
    for query, (ranks, mine, ideal) in enumerate(
        zip(hits, grades.found, grades.ideal, strict=True)
    ):
        left = Counter(ideal.tolist()) - Counter(mine.tolist())
        lost = enumerate(sorted(left.elements()), start=1)
        named = [*zip(ranks.tolist(), mine.tolist(), strict=True), *((-n, g) for n, g in lost)]
        found += [Qrel(str(query), str(name), grade) for name, grade in named]
    return found


def _run(hits: Sequence[Places]) -> list[ScoredDoc]:
    """Ranks to the last hit; as scores, since trec_eval would break ties by the text of an id."""
    return [
        ScoredDoc(str(query), str(rank), -float(rank))
        for query, ranks in enumerate(hits)
        for rank in range(1, int(ranks.max(initial=0)) + 1)
    ]
