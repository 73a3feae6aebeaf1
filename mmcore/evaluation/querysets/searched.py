"""The text queries of a user's sets as a search answers them: by words beside vectors."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from mmcore.errors import ConfigError, SpaceMismatchError
from mmcore.evaluation import measures
from mmcore.evaluation.directions import Bench
from mmcore.evaluation.outcomes import HELD_OUT, Outcome
from mmcore.evaluation.queries import medium, text_side
from mmcore.evaluation.querysets.ask import Judged, Right, Way, grades_of, items_of, ways
from mmcore.evaluation.querysets.vectors import UserVectors
from mmcore.evaluation.ranking import EXPECTED, Ranking
from mmcore.evaluation.scores import Searched
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from mmcore.types import Ids
from storage.querysets import QuerySetCard, read_set
from storage.schemas import FUSED, MmindexError, Modality

log = logging.getLogger(__name__)

_AT_ONCE: Final = 32
_MOST: Final = 1000  # answers of one search


def searched_scores(
    bench: Bench, sets: Sequence[QuerySetCard], exact: Iterable[Outcome]
) -> list[Searched]:
    """Directions of sets of judgements by a search as it comes, beside ``exact`` over the same.

    At most ``served_queries`` of each, which are texts. A query that no search takes finds
    nothing; what is wrong with the lake is raised.
    """
    of = {one.label: one for one in exact if one.set != HELD_OUT}
    return list(_searched(bench, sets, of)) if of and bench.spec.served_queries else []


def _searched(
    bench: Bench, sets: Sequence[QuerySetCard], of: dict[str, Outcome]
) -> Iterator[Searched]:
    snapshot = bench.vectors.snapshot
    for card in (card for card in sets if card.kind == "qrels"):
        searcher = Searcher(snapshot, UserVectors(bench.vectors, card.name).asker)
        for way in ways(bench, read_set(snapshot.layout, card.name)):
            if way.label in of and _can_be_searched(way):
                yield _scored(searcher, way, of[way.label])


def _can_be_searched(way: Way) -> bool:
    """Whether texts ask, and not for texts of no language that a search knows."""
    return way.name.startswith(Modality.TEXT) and way.target != text_side(None)


def _scored(searcher: Searcher, way: Way, exact: Outcome) -> Searched:
    able = [(one, right) for one, right in zip(way.judged, way.here(), strict=True) if right]
    able = able[: way.bench.spec.served_queries]
    asked, right = [one for one, _ in able], [right for _, right in able]
    spec = way.bench.spec
    ranking = _ranking(_found(searcher, way, asked), right)
    scores = measures.per_query(
        ranking.hits,
        ranking.relevant,
        spec.cutoffs,
        way.bench.depth,
        grades_of(ranking, right),
    )
    return Searched(
        direction=way.label,
        queries=len(asked),
        means={name: float(np.mean(values)) for name, values in scores.items()},
        exact=exact.at([one.query.query_id for one in asked]).means(),
    )


def _found(searcher: Searcher, way: Way, asked: Sequence[Judged]) -> list[Ids]:
    """The items that each finds, best first."""
    found: list[Ids] = []
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        answers = searcher.answers([_request(way, one) for one in some])
        for one, answer in zip(some, answers, strict=True):
            if isinstance(answer, MmindexError):
                _check_the_query_s(answer)
                told = way.set, one.query.query_id, answer
                log.warning("query set %s, query %s: %s; it finds nothing by a search", *told)
            hits = () if isinstance(answer, MmindexError) else answer.hits
            found.append(np.array([hit.item_id for hit in hits], dtype=np.int64))
    return found


def _check_the_query_s(error: MmindexError) -> None:
    """Raise what is no fault of the query."""
    if not isinstance(error, (ConfigError, SpaceMismatchError)):
        raise error


def _request(way: Way, one: Judged) -> SearchRequest:
    """Whole items for fused vectors, else one medium; texts of one language."""
    parts, most = (Part(text=one.query.text),), min(way.bench.depth, _MOST)
    if way.target == FUSED:
        return SearchRequest(parts=parts, k=most)
    kind = medium(way.target)
    language = way.target.partition(":")[2] or None
    return SearchRequest(parts=parts, k=most, modalities=(kind,), language=language)


def _ranking(found: Sequence[Ids], right: Sequence[Right]) -> Ranking:
    expected = [items_of(of) for of in right]
    hits = [np.flatnonzero(np.isin(f, e)) + 1 for f, e in zip(found, expected, strict=True)]
    return Ranking(
        tuple(found),
        tuple(hits),
        tuple(items[:EXPECTED] for items in expected),
        np.array([len(items) for items in expected], dtype=np.int64),
        np.array([ranks[0] if len(ranks) else 0 for ranks in hits], dtype=np.int64),
        np.array([len(items) for items in found], dtype=np.int64),
    )
