"""What the built indexes give back of the exact answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.evaluation.directions import Bench
from mmcore.evaluation.index_questions import for_indexes
from mmcore.evaluation.outcomes import HELD_OUT, Outcome
from mmcore.evaluation.queries import Question
from mmcore.evaluation.ranking import Ranking
from mmcore.evaluation.scores import IndexRecall, Tried
from mmcore.specs import IndexSpec
from mmcore.types import Ids, Vectors
from storage.indexes.card import IndexCard, Reached
from storage.indexes.exact import exact_search
from storage.indexes.files import Index
from storage.manifest import IndexEntry
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot

_K: Final = 10
_QUERIES: Final = 200
_TIE: Final = 1e-5  # scores as near as this are the same answer


def index_recall(
    snapshot: Snapshot, asked: Mapping[tuple[str, str], Vectors]
) -> list[IndexRecall]:
    """Recall of each index of the snapshot against exact search over the stored vectors.

    What was measured when an index was built, on the queries that nothing was chosen by, its card
    tells. One that is exact is asked here, for its 10 nearest.

    Args:
        snapshot: a snapshot or a candidate.
        asked: index (modality or fused, space) → real queries (n, d) in its space; where there are
            none, stored vectors ask.
    """
    found = []
    for entry in snapshot.manifest.indexes:
        index = snapshot.opened(entry)
        if index.card.reached is not None:
            found.append(_told(entry, index.card, index.card.reached, _target(snapshot)))
            continue
        rows = _stored(snapshot, entry)
        if len(rows[0]):  # else its fusion was lost, or there are none
            real = asked.get((entry.modality, entry.space))
            found.append(_asked(entry, index, rows, real))
    return found


def index_outcomes(snapshot: Snapshot, bench: Bench) -> list[Outcome]:
    """Ask every index as it is now, with its present setting: ``recall@10`` of each query.

    The exact answer is that of all stored vectors of its space, and not what the index holds. At
    most ``served_queries`` of each direction ask; an index that nothing asks has no outcome. The
    rankings name nothing: what an index of a medium finds are segments.
    """
    asked = for_indexes(bench, bench.spec.served_queries)
    found = []
    for entry in snapshot.manifest.indexes:
        mine = sorted(asked.get((entry.modality, entry.space), {}).items())
        rows = _stored(snapshot, entry)
        if mine and len(rows[0]):
            vectors = np.stack([vector for _, (_, vector) in mine])
            index = snapshot.opened(entry)
            recalls = _recalls(index, *rows, vectors)
            questions = [question for _, (question, _) in mine]
            found.append(_outcome(bench, entry, index.card.type, questions, recalls))
    return found


def _outcome(
    bench: Bench,
    entry: IndexEntry,
    kind: str,
    questions: Sequence[Question],
    recalls: NDArray[np.float64],
) -> Outcome:
    none, count = np.zeros(0, dtype=np.int64), len(questions)
    nearest = np.full(count, min(_K, entry.rows))
    ranking = Ranking(
        (none,) * count,
        (none,) * count,
        (none,) * count,
        nearest,
        np.zeros_like(nearest),
        np.full(count, entry.rows),
    )
    return Outcome(
        set=HELD_OUT,
        name=f"index:{entry.name}",
        queries=tuple(question.content_id for question in questions),
        groups=np.array([question.group for question in questions], dtype=np.int64),
        categories=bench.labels.first([int(question.items[0]) for question in questions]),
        languages=tuple(question.language for question in questions),
        masks=(None,) * count,
        gallery=entry.rows,
        kind=kind,
        scores={f"recall@{_K}": recalls},
        ranking=ranking,
        top=("",) * count,
    )


def _target(snapshot: Snapshot) -> float:
    return IndexSpec.model_validate(snapshot.manifest.specs.get("index", {})).recall


def _told(entry: IndexEntry, card: IndexCard, reached: Reached, target: float) -> IndexRecall:
    """What the card says of the index as it was built, or updated last."""
    tried = [
        Tried(
            **point.model_dump(exclude={"setting"}),
            setting=str(point.setting),
            chosen=point.fits and (point.kind, point.setting) == (card.type, card.setting),
        )
        for point in card.tried
    ]
    return IndexRecall(
        index=entry.name,
        recall=reached.recall,
        queries=reached.queries,
        asked=reached.asked,
        k=reached.k,
        kind=card.type,
        setting=str(card.setting),
        rows=entry.rows,
        low=reached.low,
        high=reached.high,
        by=reached.by,
        looks=reached.looks,
        target=target,
        tried=tried,
    )


def _asked(
    entry: IndexEntry, index: Index, rows: tuple[Ids, Vectors], real: Vectors | None
) -> IndexRecall:
    """Recall@10 over ``rows`` by the queries ``real``, or by stored vectors."""
    ids, base = rows
    queries = _spread(base[np.argsort(ids)] if real is None else real)
    return IndexRecall(
        index=entry.name,
        recall=float(np.mean(_recalls(index, ids, base, queries))),
        queries=len(queries),
        asked="stored vectors" if real is None else "queries",
        kind=index.card.type,
        setting=str(index.card.setting),
        rows=entry.rows,
    )


def _recalls(index: Index, ids: Ids, base: Vectors, queries: Vectors) -> NDArray[np.float64]:
    """(q,) share of the 10 nearest that the index finds; equally near ones are as good."""
    order = np.argsort(ids)
    ids, base = ids[order], base[order]
    most = min(_K, len(ids))
    exact, _ = exact_search(ids, base, queries, most)
    _, found = index.search(queries, most)
    place = np.minimum(np.searchsorted(ids, found), len(ids) - 1)  # scores are not taken on trust
    true = np.einsum("qd,qkd->qk", queries, base[place])
    right = (ids[place] == found) & (true >= exact[:, -1:] - _TIE)
    return np.asarray(right.mean(axis=1), dtype=np.float64)


def _stored(snapshot: Snapshot, entry: IndexEntry) -> tuple[Ids, Vectors]:
    if entry.modality == FUSED:
        fused = snapshot.fused()
        return (
            (np.zeros(0, np.int64), np.zeros((0, 0), np.float32)) if fused is None else fused[:2]
        )
    _, ids, vectors = snapshot.vectors(Modality(entry.modality), space=entry.space)
    return ids, vectors


def _spread(vectors: Vectors) -> Vectors:
    """At most 200 rows, evenly over all (they come in the order of hashes)."""
    return vectors[:: max(1, -(-len(vectors) // _QUERIES))]
