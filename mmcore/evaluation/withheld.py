"""Items as queries, with everything they have and with one side of it withheld."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Final

import numpy as np

from mmcore.evaluation import measures
from mmcore.evaluation.directions import Bench, items_within
from mmcore.evaluation.fused import FusedGallery
from mmcore.evaluation.outcomes import HELD_OUT, Measured, Outcome
from mmcore.evaluation.queries import Pairs, medium
from mmcore.evaluation.ranking import Gallery, Overrides, Ranking, Within, rank, rank_both
from mmcore.evaluation.resume import Kept
from mmcore.evaluation.scores import Unscored
from mmcore.evaluation.terms import Terms
from mmcore.evaluation.world import World
from mmcore.types import Ids
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

    @property
    def name(self) -> str:
        """Tells it from all others."""
        return f"{self.item}/{self.side}"

    def hidden(self, kind: str) -> frozenset[str]:
        """What of the item does not ask."""
        return self.looked_for | self.withheld if kind == WITHHELD else self.looked_for


@dataclass(frozen=True, slots=True)
class _Asking:
    """Who asks, by name, and for which medium."""

    target: str
    full: dict[str, _Query]
    common: dict[str, _Query]  # items with the same contents in both snapshots

    @property
    def items(self) -> int:
        """How many items ask in the snapshot's own gallery."""
        return len({query.item for query in self.full.values()})


def withheld(bench: Bench, kept: Kept | None = None) -> Iterator[Measured | Unscored]:
    """How much is lost when one side of what an item has is missing at query time.

    A side is a medium, or the texts of one language. The gallery is one medium alone, of all
    items: the one, other than text, that most items can be asked for. An item with that and at
    least two other sides asks for its own: once fused of all its other sides (``present→image``),
    and once for each of these with that one withheld (``withheld→image``). So both directions have
    the same queries (an item with three other sides counts three times in each), the same gallery
    and the same right answers, those with an equal caption among them, and differ in what is
    withheld alone; and no query holds anything of what it looks for. It is made of stored vectors,
    fused as the lake's are, and of items with a frozen query that nothing was fitted on.
    """
    fused = bench.galleries.fused
    if fused is None:
        return
    asking = _asking(bench)
    names = [f"{kind}→{asking.target}" for kind in (PRESENT, WITHHELD)]
    if not asking.full:
        return
    if bench.galleries.apart:
        yield from (Unscored(name=name, queries=0, why=OWN_SPACE) for name in names)
    elif asking.items < bench.spec.min_queries:
        yield from (Unscored(name=name, queries=asking.items) for name in names)
    else:
        for name in names:
            if kept and (done := kept.load(name)):
                yield done
                continue
            found = _measured(bench, fused, name, asking)
            if kept:
                kept.save(found)
            yield found


def _asking(bench: Bench) -> _Asking:
    """The queries of the medium that most items can look for, in both snapshots if there are two.

    Which one, the first ``max_queries`` items tell: ids are hashes. Others are looked at only as
    long as queries are missing.
    """
    space, world, most = (
        bench.galleries.spaces(FUSED)[0],
        bench.terms.world,
        bench.spec.max_queries,
    )
    sides = {s for s in bench.pairs.sides if space in bench.galleries.spaces(s)[:1]}
    common: dict[str, _Query] = {}
    target = ""
    if world is not None:
        shared = {s for s in world.asks.sides if medium(s) in world.fused_of}
        items = np.intersect1d(_items(world.asks, bench.terms), world.whole)
        common, target = _queries(_able(world.asks, items, shared), most)
    items = _items(bench.pairs, bench.terms)
    full, target = _queries(_able(bench.pairs, items, sides), most, target)
    return _Asking(target, full, common)


def _items(pairs: Pairs, terms: Terms) -> Ids:
    """The items that have a frozen query, and that nothing was fitted on; sorted."""
    contents: defaultdict[str, set[str]] = defaultdict(set)
    for name, of in terms.frozen.directions.items():
        contents[name.partition("→")[0]].update(of)
    asking = (q for side in contents for q in pairs.frozen(side, contents[side], terms.fitted))
    return np.unique(np.concatenate([_NONE, *(question.items for question in asking)]))


def _queries(
    able: Iterator[tuple[int, dict[str, frozenset[str]]]], most: int, target: str = ""
) -> tuple[dict[str, _Query], str]:
    """At most so many queries, and what they look for: ``target``, or what most of them can."""
    first = list(islice(able, most))
    having: Counter[Modality] = Counter()
    for _, has in first:
        having.update(medium(side) for side in has if medium(side) != Modality.TEXT)
    if not having:
        return {}, target
    target = target or str(max(having, key=lambda m: (having[m], -MODALITIES.index(m))))
    queries = (
        _Query(item, side, has[target], has[side])
        for item, has in chain(first, able)
        if target in has
        for side in has
        if side != target and _left(has, target, side)
    )
    return {query.name: query for query in islice(queries, most)}, target


def _able(
    pairs: Pairs, items: Ids, sides: Collection[str]
) -> Iterator[tuple[int, dict[str, frozenset[str]]]]:
    """Those of ``items`` with three ``sides`` or more, and what each has; one at a time."""
    for item in items.tolist():
        has = {s: c for s, c in pairs.contents(item).items() if s in sides}
        if len(has) > 2:  # noqa: PLR2004 - what is looked for, what is withheld, and a query
            yield item, has


def _left(has: dict[str, frozenset[str]], target: str, side: str) -> bool:
    """Whether anything is left to ask with: a video's frames and its sound are one content."""
    gone = has[target] | has[side]
    return any(contents - gone for contents in has.values())


def _measured(bench: Bench, fused: FusedGallery, name: str, asking: _Asking) -> Measured:
    """All queries at once, each fused of what is left to it."""
    kind, space = name.partition("→")[0], bench.galleries.spaces(FUSED)[0]
    gallery = bench.galleries.of(asking.target, space)
    every = sorted({**asking.common, **asking.full}.items())
    places, vectors = fused.fused_again([(query.hidden(kind), query.item) for _, query in every])
    mine = [every[place][1] for place in places.tolist()]
    alike = [
        bench.pairs.alike(query.item) if query.name in asking.full else _NONE for query in mine
    ]
    own, world = Overrides.of(_NONE, _NONE, _NONE), bench.terms.world
    if world is None:
        ranking = rank(vectors, gallery, alike, own, depth=bench.depth)
        return Measured(_full(bench, name, gallery, mine, ranking))
    right = [_right(world, asking, query) for query in mine]
    mask = bench.mask(asking.target, space)
    ranking, common = rank_both(
        vectors, gallery, alike, own, Within(mask, right), depth=bench.depth
    )
    names = [query.name for query in mine]
    queries, within = common.in_common(names, asking.common, partial(_right, world, asking))
    size = int(np.count_nonzero(items_within(gallery, mask)))
    shared = _outcome(bench, world.asks, name, queries, within, size)
    return Measured(_full(bench, name, gallery, mine, ranking), shared)


def _right(world: World, asking: _Asking, query: _Query) -> Ids:
    """What is right for a query in what both snapshots hold; nothing for one that only one has."""
    if query.name not in asking.common:
        return _NONE
    return world.holding(world.asks.alike(query.item), asking.target)


def _full(
    bench: Bench, name: str, gallery: Gallery, queries: Sequence[_Query], ranking: Ranking
) -> Outcome:
    able = np.flatnonzero(ranking.relevant).tolist()
    mine = [queries[place] for place in able]
    size = len(gallery.item_ids)
    return _outcome(bench, bench.pairs, name, mine, ranking.take(able), size)


def _outcome(
    bench: Bench,
    pairs: Pairs,
    name: str,
    queries: Sequence[_Query],
    ranking: Ranking,
    gallery: int,
) -> Outcome:
    return Outcome(
        set=HELD_OUT,
        name=name,
        queries=tuple(query.name for query in queries),
        groups=np.array([pairs.component(query.item) for query in queries], dtype=np.int64),
        categories=bench.labels.first([query.item for query in queries]),
        languages=(None,) * len(queries),
        masks=tuple(f"without {query.side}" for query in queries),
        gallery=gallery,
        kind="exact",
        scores=measures.of_ranking(ranking, bench.spec),
        ranking=ranking,
        top=bench.tops(ranking),
    )
