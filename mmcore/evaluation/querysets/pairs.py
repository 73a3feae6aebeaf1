"""Pairs of sentences that say the same: do they find one another, and the same items?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.evaluation import measures
from mmcore.evaluation.directions import Bench
from mmcore.evaluation.outcomes import Measured, Outcome
from mmcore.evaluation.querysets.grouped import groups_of
from mmcore.evaluation.querysets.vectors import UserQuery, UserVectors
from mmcore.evaluation.ranking import Gallery, Overrides, Ranking, Within, rank, rank_both
from mmcore.evaluation.scores import Unscored
from mmcore.training.split import key_of
from mmcore.types import Ids, Vectors
from storage.querysets import QuerySet
from storage.schemas import Modality

AGREEMENT: Final = "agreement@10"
"""Share of the ten items that a sentence finds which the other one of its pair finds, too."""

_SIDES: Final = ("zh", "en")
_FIRST: Final = 10

Texts = dict[str, dict[int, UserQuery]]
"""Language → number of the pair → sentence."""

Agreement = NDArray[np.float64]


def pair_outcomes(
    bench: Bench, of: QuerySet, vectors: UserVectors
) -> Iterator[Measured | Unscored]:
    """``pairs:zh→en`` and back: the gallery is all sentences of the set's other side.

    Sentences that are equal but for case and marks are right for one another. Whether both find
    the same items is measured in the lake, over all media and fused vectors that texts find.
    """
    texts = _texts(of)
    numbers = sorted(texts["zh"].keys() & texts["en"].keys())
    names = {(one, other): f"pairs:{one}→{other}" for one, other in (_SIDES, _SIDES[::-1])}
    spaces = bench.vectors.snapshot.spaces(Modality.TEXT)
    if len(numbers) < bench.spec.min_queries or not spaces:
        why = "" if spaces else "the lake has no encoder of texts"
        for name in names.values():
            yield Unscored(name=f"{of.card.name}/{name}", queries=len(numbers), why=why)
        return
    made = {side: _made(texts[side], numbers, vectors, spaces[0]) for side in _SIDES}
    right = _right(texts, numbers)
    agreed = _agreement(bench, {s: [texts[s][n] for n in numbers] for s in _SIDES}, vectors)
    for (one, other), name in names.items():
        ranking = _ranking(made[one], made[other], numbers, right, bench.depth)
        queries = [texts[one][number] for number in numbers]
        yield _measured(bench, (of.card.name, name), queries, (ranking, right), agreed)


def _texts(of: QuerySet) -> Texts:
    number = {row["query_id"]: row["item_id"] for row in of.qrels.to_pylist()}
    texts: Texts = {side: {} for side in _SIDES}
    for query in map(UserQuery.of, of.queries.to_pylist()):
        if query.language in texts:
            texts[query.language][number[query.query_id]] = query
    return texts


def _made(
    texts: dict[int, UserQuery], numbers: Sequence[int], vectors: UserVectors, space: str
) -> Vectors:
    """(n, d) the sentences of one side."""
    found = vectors.of([texts[number] for number in numbers], space)
    return np.stack([vector for vector in found if vector is not None])


def _right(texts: Texts, numbers: Sequence[int]) -> list[Ids]:
    """Which pairs are right for each: those with an equal sentence, itself among them."""
    keys = {side: [key_of(texts[side][n].text) for n in numbers] for side in _SIDES}
    alike: dict[str, dict[str, set[int]]] = {side: defaultdict(set) for side in _SIDES}
    for side in _SIDES:
        for number, key in zip(numbers, keys[side], strict=True):
            alike[side][key].add(number)
    return [
        np.array(sorted(alike["zh"][zh] | alike["en"][en]), dtype=np.int64)
        for zh, en in zip(keys["zh"], keys["en"], strict=True)
    ]


def _ranking(
    asked: Vectors, found: Vectors, numbers: Sequence[int], right: Sequence[Ids], depth: int
) -> Ranking:
    ids = np.array(numbers, dtype=np.int64)
    gallery = Gallery.of(ids, np.zeros(len(ids), dtype="U32"), found)
    return rank(asked, gallery, right, Overrides.of((), (), ()), depth=depth)


def _measured(
    bench: Bench,
    names: tuple[str, str],
    queries: Sequence[UserQuery],
    found: tuple[Ranking, Sequence[Ids]],
    agreed: tuple[Agreement, Agreement] | None,
) -> Measured:
    """The set is the same for every snapshot, so it is its own world; what is agreed on is not."""
    ranking, right = found
    order = sorted(range(len(queries)), key=lambda place: queries[place].query_id)
    ranking, queries = ranking.take(order), [queries[place] for place in order]
    scores = measures.of_ranking(ranking, bench.spec)

    def outcome(agreement: Agreement | None) -> Outcome:
        told = {} if agreement is None else {AGREEMENT: agreement[order]}
        return Outcome(
            set=names[0],
            name=names[1],
            queries=tuple(query.query_id for query in queries),
            groups=groups_of([right[place].tolist() for place in order]),
            categories=(None,) * len(queries),
            languages=tuple(query.language for query in queries),
            masks=(None,) * len(queries),
            gallery=len(queries),
            kind="exact",
            scores=scores | told,
            ranking=ranking,
            top=("",) * len(queries),
        )

    full, common = agreed or (None, None)
    return Measured(outcome(full), None if bench.terms.world is None else outcome(common))


def _agreement(
    bench: Bench, sides: dict[str, list[UserQuery]], vectors: UserVectors
) -> tuple[Agreement, Agreement] | None:
    """(n,) of each pair, mean over targets: in all that the snapshot has, and in common.

    None where texts find nothing but texts.
    """
    found = []
    for target in bench.targets:
        space = bench.common("text:zh", target)
        if space is None or target.startswith(Modality.TEXT):
            continue
        ranked = {side: _items(bench, target, space, of, vectors) for side, of in sides.items()}
        found.append([_shared(*both) for both in zip(*ranked.values(), strict=True)])
    if not found:
        return None
    full, common = np.mean(np.array(found), axis=0)
    return full, common


def _items(
    bench: Bench, target: str, space: str, queries: Sequence[UserQuery], vectors: UserVectors
) -> tuple[Ranking, Ranking]:
    """What sentences find, in all and of items that both hold; nothing is right or wrong."""
    made = np.stack([vector for vector in vectors.of(queries, space) if vector is not None])
    _, asked = bench.galleries.asked(target, space, made)
    gallery, none = bench.galleries.of(target, space), [np.zeros(0, dtype=np.int64)] * len(made)
    within = Within(bench.item_mask(target, space), none)
    return rank_both(asked, gallery, none, Overrides.of((), (), ()), within, depth=_FIRST)


def _shared(one: Ranking, other: Ranking) -> Agreement:
    """The share of the first ten that both have; of fewer items, of those."""
    pairs = zip(one.found, other.found, strict=True)
    return np.array([len(np.intersect1d(a, b)) / max(1, len(a), len(b)) for a, b in pairs])
