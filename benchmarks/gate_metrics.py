"""Measures held against trec_eval, ir-measures, and what was worked out by hand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
import pyarrow.parquet as pq
import pytrec_eval

from mmcore.evaluation import measures
from storage.layout import Layout
from storage.published import current

Row = dict[str, Any]
Values = dict[tuple[str, str], float]
"""Query and measure → value."""

TREC = {
    **{f"Success@{k}": f"success_{k}" for k in (1, 5, 10)},
    **{"RR": "recip_rank", "AP@100": "map_cut_100", "nDCG@10": "ndcg_cut_10"},
    **{"R@10": "recall_10", "P@10": "P_10"},
}
"""Our names, and trec_eval's."""

_LOG3 = np.log2(3)
HAND = (  # ranks of what is right, how many are right; then each measure, worked out by hand
    ((1,), 1, (1, 1, 1, 1, 1, 1, 1, 1 / 10, 2 / 11)),
    ((), 3, (0, 0, 0, 0, 0, 0, 0, 0, 0)),
    ((2, 3), 2, (0, 1, 1, 1 / 2, (1 / _LOG3 + 1 / 2) / (1 + 1 / _LOG3), 7 / 12, 1, 1 / 5, 1 / 3)),
    (
        (6, 11, 40),
        4,
        (
            *(0, 0, 1, 1 / 6),
            (1 / np.log2(7)) / (1 + 1 / _LOG3 + 1 / 2 + 1 / np.log2(5)),
            (1 / 6 + 2 / 11 + 3 / 40) / 4,
            *(1 / 4, 1 / 10, 1 / 7),
        ),
    ),
    ((11,), 1, (0, 0, 0, 1 / 11, 0, 1 / 11, 0, 0, 0)),
    (tuple(range(1, 101)), 150, (1, 1, 1, 1, 1, 100 / 150, 10 / 150, 1, 1 / 8)),
)
BY_HAND = (
    *("Success@1", "Success@5", "Success@10"),
    *("RR", "nDCG@10", "AP@100", "R@10", "P@10", "F1@10"),
)


def metrics(lake: Path) -> Iterator[Row]:
    """The run that was written, through trec_eval; and queries that were worked out by hand."""
    layout = Layout(lake)
    report = layout.report(str(current(layout)))
    table = pq.read_table(report / "queries.parquet").to_pylist()
    trec: Any = ir_measures  # its readers have no types
    run = list(trec.read_trec_run(str(report / "run.trec")))
    qrels = list(trec.read_trec_qrels(str(report / "qrels.trec")))
    told = pq.read_schema(report / "queries.parquet").names
    known = [found for name in told if (found := _measure(name)) is not None]
    for tool, found in (
        ("ir_measures", calculated(known, qrels, run)),
        ("trec_eval", raw(qrels, run)),
    ):
        for measure in [*map(str, known), *(["F1@10"] if tool == "trec_eval" else [])]:
            apart = [
                abs(found.get((topic(row), measure), 0.0) - row[measure])
                for row in table
                if row["kind"] == "exact" and row[measure] is not None
            ]
            yield {"by": tool, "measure": measure, "queries": len(apart), "most apart": max(apart)}
    yield from by_hand()


def calculated(known: Sequence[Any], qrels: Sequence[Any], run: Sequence[Any]) -> Values:
    """By ir-measures."""
    found = ir_measures.iter_calc(known, qrels, run)
    return {(metric.query_id, str(metric.measure)): metric.value for metric in found}


def raw(qrels: Sequence[Any], run: Sequence[Any]) -> Values:
    """By trec_eval's own names, without ir-measures between."""
    right: dict[str, dict[str, int]] = defaultdict(dict)
    scores: dict[str, dict[str, float]] = defaultdict(dict)
    for one in qrels:
        right[one.query_id][one.doc_id] = one.relevance
    for one in run:
        scores[one.query_id][one.doc_id] = one.score
    asked = {"success", "recip_rank", "map_cut", "ndcg_cut", "recall", "P"}
    told = pytrec_eval.RelevanceEvaluator(dict(right), asked).evaluate(dict(scores))
    found = {
        (query, ours): values[theirs]
        for query, values in told.items()
        for ours, theirs in TREC.items()
    }
    for query, values in told.items():
        precision, recall = values["P_10"], values["recall_10"]
        both = precision + recall
        found[query, "F1@10"] = 2 * precision * recall / both if both else 0.0
    return found


def _measure(name: str) -> Any:
    try:
        return ir_measures.parse_measure(name)
    except (NameError, ValueError, SyntaxError):
        return None  # a column that says what was asked, or a measure of ours alone


def topic(row: Row) -> str:
    """As run and qrels name a query."""
    name = f"{row['direction']}/{row['query']}"
    whole = name if row["set"] == "held-out" else f"{row['set']}/{name}"
    return whole.replace("%", "%25").replace(" ", "%20")


def by_hand() -> Iterator[Row]:
    """The queries of ``HAND``, a row for each measure."""
    hits = [np.array(ranks, dtype=np.int64) for ranks, _, _ in HAND]
    relevant = np.array([count for _, count, _ in HAND], dtype=np.int64)
    found = measures.per_query(hits, relevant, (1, 5, 10))
    for place, name in enumerate(BY_HAND):
        due = np.array([values[place] for *_, values in HAND], dtype=np.float64)
        apart = float(np.abs(found[name] - due).max())
        yield {"by": "hand", "measure": name, "queries": len(HAND), "most apart": apart}
