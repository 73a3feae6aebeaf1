"""What the built indexes give back of the exact answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np

from mmcore.evaluation.scores import IndexRecall
from mmcore.types import Ids, Vectors
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
    """Recall@10 of each index of the snapshot against exact search over the stored vectors.

    Args:
        snapshot: a snapshot or a candidate.
        asked: index (modality or fused, space) → real queries (n, d) in its space; where there are
            none, stored vectors ask.
    """
    found = []
    for entry in snapshot.manifest.indexes:
        ids, base = _stored(snapshot, entry)
        if not len(ids):
            continue
        real = asked.get((entry.modality, entry.space))
        queries = _spread(base[np.argsort(ids)] if real is None else real)
        kind: Literal["queries", "stored vectors"] = (
            "stored vectors" if real is None else "queries"
        )
        recall = _recall(snapshot.opened(entry), ids, base, queries)
        found.append(
            IndexRecall(index=entry.name, recall=recall, queries=len(queries), asked=kind)
        )
    return found


def _recall(index: Index, ids: Ids, base: Vectors, queries: Vectors) -> float:
    """Mean share of the 10 nearest that the index finds; equally near ones are as good."""
    order = np.argsort(ids)
    ids, base = ids[order], base[order]
    most = min(_K, len(ids))
    exact, _ = exact_search(ids, base, queries, most)
    _, found = index.search(queries, most)
    place = np.minimum(np.searchsorted(ids, found), len(ids) - 1)  # scores are not taken on trust
    true = np.einsum("qd,qkd->qk", queries, base[place])
    return float(np.mean((ids[place] == found) & (true >= exact[:, -1:] - _TIE)))


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
