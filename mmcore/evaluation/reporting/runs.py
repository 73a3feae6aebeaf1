"""Outcomes as files that other tools read: Parquet a query, TREC run and qrels.

No file is compressed: an erasure looks for what it erases in their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmcore.evaluation.outcomes import Outcome
from storage.places.atomic import replacing
from storage.places.place import remove
from storage.schemas import SCHEMA_VERSION

QUERIES: Final = "queries.parquet"
RUN: Final = "run.trec"
QRELS: Final = "qrels.trec"

INDEX: Final = "index:"
"""Begins the names of outcomes that ask an index: their rankings are of segments."""

_JUDGED: Final = 1000  # right items of one query that are written
_BLANK: Final = re.compile(r"[\s%]")
_COLUMNS: Final = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("set", "direction", "query")),
        pa.field("group", pa.int64(), nullable=False),  # a number of this file's own
        *(pa.field(name, pa.string()) for name in ("category", "language", "mask")),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("gallery", pa.int64(), nullable=False),  # items that this query could find
        pa.field("relevant", pa.int64(), nullable=False),
        pa.field("rank", pa.int64(), nullable=False),  # of the best right item; 0: none
        pa.field("found", pa.int64(), nullable=False),
        pa.field("top", pa.string(), nullable=False),
    ]
)


def write_queries(outcomes: Sequence[Outcome], folder: Path) -> Path:
    """``queries.parquet``: one row for each query of each direction.

    Behind what is known of the query stands a column for each measure, null where its direction
    has no such measure. Queries of one direction and one ``group`` are not independent.
    """
    path = folder / QUERIES
    measures = list(dict.fromkeys(name for outcome in outcomes for name in outcome.scores))
    schema = pa.schema([*_COLUMNS, *(pa.field(name, pa.float64()) for name in measures)])
    schema = schema.with_metadata({"mmindex.schema_version": str(SCHEMA_VERSION)})
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="NONE") as writer,
    ):
        for outcome in outcomes:
            writer.write_table(pa.table(_columns(outcome, measures), schema=schema))
    return path


def write_runs(outcomes: Sequence[Outcome], folder: Path, *, tag: str, depth: int) -> list[str]:
    """``run.trec`` and ``qrels.trec``; returns the directions whose qrels were cut.

    A topic is ``<direction>/<query>``, of a user's set ``<set>/<direction>/<query>``; what is
    blank in it, and ``%``, is percent-coded. Scores are negative ranks, so that no tool sorts ties
    anew. Of a query at most 1,000 right items are written, all as 1: grades lie in the user's set.
    With ``depth`` 0 both files go.
    """
    if depth == 0:
        remove([folder / RUN, folder / QRELS])
        return []
    asked = [outcome for outcome in outcomes if not outcome.name.startswith(INDEX)]
    _write_lines(folder / RUN, (line for one in asked for line in _run(one, tag, depth)))
    _write_lines(folder / QRELS, (line for one in asked for line in _qrels(one)))
    return [one.label for one in asked if _is_cut(one)]


def _columns(outcome: Outcome, measures: Sequence[str]) -> dict[str, Any]:
    count, ranking = len(outcome.queries), outcome.ranking
    nothing = pa.nulls(count, pa.float64())
    return {
        "set": [outcome.set] * count,
        "direction": [outcome.name] * count,
        "query": outcome.queries,
        "group": np.unique(outcome.groups, return_inverse=True)[1].astype(np.int64),
        "category": outcome.categories,
        "language": outcome.languages,
        "mask": outcome.masks,
        "kind": [outcome.kind] * count,
        "gallery": ranking.sizes,
        "relevant": ranking.relevant,
        "rank": ranking.first,
        "found": [len(found) for found in ranking.found],
        "top": outcome.top,
        **{name: outcome.scores.get(name, nothing) for name in measures},
    }


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)


def _run(outcome: Outcome, tag: str, depth: int) -> Iterator[str]:
    tag = _coded(tag)
    for topic, found in zip(_topics(outcome), outcome.ranking.found, strict=True):
        for rank, item in enumerate(found[:depth].tolist(), 1):
            yield f"{topic} Q0 {item} {rank} {-rank} {tag}\n"


def _qrels(outcome: Outcome) -> Iterator[str]:
    for place, topic in enumerate(_topics(outcome)):
        for item in _right(outcome, place)[:_JUDGED]:
            yield f"{topic} 0 {item} 1\n"


def _topics(outcome: Outcome) -> list[str]:
    head = _coded(outcome.label)
    return [f"{head}/{_coded(query)}" for query in outcome.queries]


def _right(outcome: Outcome, place: int) -> list[int]:
    """The right items that are known: those that were found first, then others."""
    ranking = outcome.ranking
    found = ranking.found[place][ranking.hits[place] - 1].tolist()
    return list(dict.fromkeys([*found, *ranking.expected[place].tolist()]))


def _is_cut(outcome: Outcome) -> bool:
    return any(
        min(len(_right(outcome, place)), _JUDGED) < relevant
        for place, relevant in enumerate(outcome.ranking.relevant.tolist())
    )


def _coded(name: str) -> str:
    return _BLANK.sub(lambda found: quote(found.group()), name)
