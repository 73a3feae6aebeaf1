"""Items as queries, with everything they have and with one side of it withheld."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

import numpy as np

from mmcore.evaluation import measures
from mmcore.evaluation.directions import Bench, Scored
from mmcore.evaluation.fused import FusedGallery
from mmcore.evaluation.queries import medium
from mmcore.evaluation.ranking import Gallery, Overrides, Ranking, rank
from mmcore.evaluation.scores import Direction, Unscored
from mmcore.types import Ids, Vectors
from storage.schemas import FUSED, MODALITIES, Modality

PRESENT, WITHHELD = "present", "withheld"
OWN_SPACE: Final = "the fusion has a space of its own, which single media do not share"

_NONE: Final = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Query:
    """An item that looks for its own ``target``, by all else that it has but ``side``."""

    item: int
    side: str  # what is withheld
    looked_for: frozenset[str]  # contents: what the query never holds
    withheld: frozenset[str]  # contents


def withheld(bench: Bench) -> Iterator[Scored | Unscored]:
    """How much is lost when one side of what an item has is missing at query time.

    A side is a medium, or the texts of one language. The gallery is one medium alone, of all
    items: the one, other than text, that most items can be asked for. An item with that and at
    least two other sides asks for its own: once fused of all its other sides (``present→image``),
    and once for each of these with that one withheld (``withheld→image``). So both directions have
    the same queries (an item with three other sides counts three times in each), the same gallery
    and the same right answers, those with an equal caption among them, and differ in what is
    withheld alone; and no query holds anything of what it looks for. It is made of stored vectors,
    fused as the lake's are, and of items that nothing was fitted on.
    """
    fused = bench.galleries.fused
    if fused is None:
        return
    queries, target = _queries(bench)
    if not queries:
        return
    asking = len({query.item for query in queries})
    names = [f"{kind}→{target}" for kind in (PRESENT, WITHHELD)]
    if bench.galleries.apart:
        yield from (Unscored(name=name, queries=0, why=OWN_SPACE) for name in names)
    elif asking < bench.spec.min_queries:
        yield from (Unscored(name=name, queries=asking) for name in names)
    else:
        yield from _compared(bench, fused, queries, target)


def _queries(bench: Bench) -> tuple[list[_Query], str]:
    """The queries of the medium that most items can look for, and that medium.

    Which one, the first ``max_queries`` items tell: ids are hashes. Others are looked at only as
    long as queries are missing.
    """
    space = bench.galleries.spaces(FUSED)[0]
    sides = {s for s in bench.pairs.sides if space in bench.galleries.spaces(s)[:1]}
    able = _able(bench, sides)
    first = list(islice(able, bench.spec.max_queries))
    having: Counter[Modality] = Counter()
    for _, has in first:
        having.update(medium(side) for side in has if medium(side) != Modality.TEXT)
    if not having:
        return [], ""
    target = str(max(having, key=lambda m: (having[m], -MODALITIES.index(m))))
    queries = (
        _Query(item, side, has[target], has[side])
        for item, has in chain(first, able)
        if target in has
        for side in has
        if side != target and _left(has, target, side)
    )
    return list(islice(queries, bench.spec.max_queries)), target


def _able(bench: Bench, sides: Collection[str]) -> Iterator[tuple[int, dict[str, frozenset[str]]]]:
    """The held-out items of three ``sides`` or more, by id, and what each has; one at a time."""
    for item in bench.pairs.held_out_items(bench.held_out, bench.fitted):
        has = {s: c for s, c in bench.pairs.contents(item).items() if s in sides}
        if len(has) > 2:  # noqa: PLR2004 - what is looked for, what is withheld, and a query
            yield item, has


def _left(has: dict[str, frozenset[str]], target: str, side: str) -> bool:
    """Whether anything is left to ask with: a video's frames and its sound are one content."""
    gone = has[target] | has[side]
    return any(contents - gone for contents in has.values())


def _compared(
    bench: Bench, fused: FusedGallery, queries: Sequence[_Query], target: str
) -> Iterator[Scored]:
    gallery = bench.galleries.of(target, bench.galleries.spaces(FUSED)[0])
    asked = {
        PRESENT: [(query.looked_for, query.item) for query in queries],
        WITHHELD: [(query.looked_for | query.withheld, query.item) for query in queries],
    }
    right = [bench.pairs.alike(query.item) for query in queries]
    for kind, pairs in asked.items():
        places, vectors = fused.fused_again(pairs)
        mine = [queries[place] for place in places.tolist()]
        ranking = _ranked(bench, gallery, vectors, [right[place] for place in places.tolist()])
        direction = _measured(bench, f"{kind}→{target}", gallery, mine, ranking)
        yield Scored(direction, ())  # asked with what single contents ask with elsewhere


def _ranked(bench: Bench, gallery: Gallery, vectors: Vectors, right: Sequence[Ids]) -> Ranking:
    depth = max(bench.spec.depth, *bench.spec.cutoffs, 10)
    return rank(vectors, gallery, right, Overrides.of(_NONE, _NONE, _NONE), depth=depth)


def _measured(
    bench: Bench, name: str, gallery: Gallery, queries: Sequence[_Query], ranking: Ranking
) -> Direction:
    """The means over all queries, and over those that withhold the same side."""
    scores = measures.per_query(ranking.hits, ranking.relevant, bench.spec.cutoffs)
    sides = np.array([query.side for query in queries])
    return Direction(
        name=name,
        queries=len(queries),
        gallery=len(gallery.item_ids),
        means=measures.means(scores),
        median_rank=float(np.median(ranking.first)),
        chance=float(np.mean(ranking.relevant / ranking.sizes)),
        without_results=[],
        worst=[],
        by_mask={
            f"without {side}": {
                "queries": float(np.count_nonzero(sides == side)),
                **measures.means({n: of[sides == side] for n, of in scores.items()}),
            }
            for side in sorted(set(sides.tolist()))
        },
    )
