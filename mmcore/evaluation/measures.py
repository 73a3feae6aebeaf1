"""Retrieval measures per query, by ir-measures: trec_eval's numbers."""

from __future__ import annotations

from collections.abc import Sequence

import ir_measures
import numpy as np
from ir_measures import RR, Qrel, R, ScoredDoc, Success, nDCG
from numpy.typing import NDArray

from mmcore.types import Ids

Scores = dict[str, NDArray[np.float64]]
"""Measure → one value a query."""


def per_query(relevant: Sequence[Ids], ranked: Sequence[Ids], cutoffs: Sequence[int]) -> Scores:
    """``Success@k`` for each cutoff, ``RR``, ``nDCG@10`` and ``R@10`` of each query.

    Ranks alone count, so a tie is settled by whoever ranked. The ideal ranking holds all relevant
    items, found or not; a query without results scores 0. ``Success@k`` (anything relevant in the
    first k) is what papers on cross-modal retrieval call R@k; ``R@10`` here is true recall.

    Args:
        relevant: the relevant items of each query, at least one, each once.
        ranked: the items found for each query, best first, each once; may be empty.
        cutoffs: the k of ``Success@k``.
    """
    if len(relevant) != len(ranked) or not all(len(items) for items in relevant):
        raise ValueError(f"{len(ranked)} rankings need as many queries with relevant items")
    measures = [*(Success @ k for k in cutoffs), RR, nDCG @ 10, R @ 10]
    values = {str(measure): np.zeros(len(relevant)) for measure in measures}
    for metric in ir_measures.iter_calc(measures, _qrels(relevant), _run(ranked)):
        values[str(metric.measure)][int(metric.query_id)] = metric.value
    return values


def means(scores: Scores) -> dict[str, float]:
    """The mean of each measure over the queries, in the same order."""
    return {name: float(values.mean()) for name, values in scores.items()}


def _qrels(relevant: Sequence[Ids]) -> list[Qrel]:
    return [
        Qrel(str(query), str(item), 1) for query, items in enumerate(relevant) for item in items
    ]


def _run(ranked: Sequence[Ids]) -> list[ScoredDoc]:
    """Ranks as scores: trec_eval would break ties of real scores by the text of the id."""
    return [
        ScoredDoc(str(query), str(item), float(len(items) - rank))
        for query, items in enumerate(ranked)
        for rank, item in enumerate(items)
    ]
