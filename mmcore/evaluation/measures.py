"""Retrieval measures per query, by ir-measures: trec_eval's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import ir_measures
import numpy as np
from ir_measures import RR, Qrel, R, ScoredDoc, Success, nDCG
from numpy.typing import NDArray

from mmcore.specs import EvaluationSpec
from storage.schemas import digest

Places = NDArray[np.int64]
Scores = dict[str, NDArray[np.float64]]
"""Measure → one value a query."""

VERSION: Final = 2
"""Raised when a measure means something else: what was stored before is not comparable."""

_CUT: Final = 10  # of nDCG and recall


def per_query(hits: Sequence[Places], relevant: Places, cutoffs: Sequence[int]) -> Scores:
    """``Success@k`` for each cutoff, ``RR``, ``nDCG@10`` and ``R@10`` of each query.

    Ranks alone count, so a tie is settled by whoever ranked. The ideal ranking holds all relevant
    items, found or not; a query without results scores 0. ``Success@k`` (anything relevant in the
    first k) is what papers on cross-modal retrieval call R@k; ``R@10`` here is true recall.

    Args:
        hits: the ranks, from 1, at which each query found something relevant; may be empty.
        relevant: (q,) how many relevant items there are for each query, at least one.
        cutoffs: the k of ``Success@k``.
    """
    if len(hits) != len(relevant) or not np.all(relevant > 0):
        raise ValueError(f"{len(hits)} rankings need as many queries with relevant items")
    measures = [*(Success @ k for k in cutoffs), RR, nDCG @ _CUT]
    values = {str(measure): np.zeros(len(relevant)) for measure in measures}
    for metric in ir_measures.iter_calc(measures, _qrels(hits, relevant), _run(hits)):
        values[str(metric.measure)][int(metric.query_id)] = metric.value
    found = np.array([np.count_nonzero(ranks <= _CUT) for ranks in hits])
    return {**values, str(R @ _CUT): found / relevant}


def fingerprint(spec: EvaluationSpec) -> str:
    """What decides the meaning of a score; not how many queries there are, nor which files."""
    return digest([VERSION, sorted(spec.cutoffs), spec.depth])


def means(scores: Scores) -> dict[str, float]:
    """The mean of each measure over the queries, in the same order."""
    return {name: float(values.mean()) for name, values in scores.items()}


def _qrels(hits: Sequence[Places], relevant: Places) -> list[Qrel]:
    """What was found, by its rank, and as much of what was not as the ideal ranking can hold."""
    return [
        Qrel(str(query), str(name), 1)
        for query, (ranks, count) in enumerate(zip(hits, relevant.tolist(), strict=True))
        for name in [*ranks.tolist(), *range(-1, len(ranks) - min(count, _CUT) - 1, -1)]
    ]


def _run(hits: Sequence[Places]) -> list[ScoredDoc]:
    """Ranks to the last hit; as scores, since trec_eval would break ties by the text of an id."""
    return [
        ScoredDoc(str(query), str(rank), -float(rank))
        for query, ranks in enumerate(hits)
        for rank in range(1, int(ranks.max(initial=0)) + 1)
    ]
