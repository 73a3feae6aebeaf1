"""Builds of every kind on disk, made with faiss alone: 2,000 rows of 16, and 40 queries."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import faiss
import numpy as np

from storage.indexes.card import CARD, CODES, DEAD, DELTA, VECTORS, IndexCard, Setting
from storage.indexes.choosing.vectors_file import rows_of, write_vectors
from tests.factories import WHEN
from tests.storage.indexes.data import clustered, ids_of

N, D, Q, LATE = 2000, 16, 40, 100
IDS = ids_of(N + LATE)
VECTORS_, QUERIES = clustered(N + LATE, D, Q)
SETTINGS = {
    "flat": Setting(),
    "IDMap,PQ8x4fs": Setting(depth=8),
    "IDMap,RaBitQfs": Setting(depth=24),
    "IDMap,HNSW32": Setting(ef=64),
    "IDMap,HNSW32_SQ8": Setting(ef=64, depth=2),
    "IVF32,Flat": Setting(nprobe=12),
    "IVF32,SQ8": Setting(nprobe=12, depth=2),
    "IVF32,PQ8x4fs": Setting(nprobe=12, depth=8),
    "RR16,IVF32_HNSW32,PQ8x4fs": Setting(nprobe=12, depth=24),
}
NAMES = {
    "flat": "flat",
    "IDMap,PQ8x4fs": "pq-half",
    "IDMap,RaBitQfs": "rabitq",
    "IDMap,HNSW32": "hnsw",
    "IDMap,HNSW32_SQ8": "hnsw-sq8",
    "IVF32,Flat": "ivf-flat",
    "IVF32,SQ8": "ivf-sq8",
    "IVF32,PQ8x4fs": "ivf-pq",
    "RR16,IVF32_HNSW32,PQ8x4fs": "opq-ivf-pq",
}
KINDS = list(SETTINGS)
CODED = KINDS[1:]


def built(
    folder: Path,
    kind: str,
    *,
    dead: Sequence[int] = (),
    late: bool = False,
    rows: int | None = None,
) -> Path:
    """Write a build of the first N rows, and return ``folder``.

    ``dead`` are places of rows that may not be found; ``late``: the rows beyond N are in the
    delta. ``rows``: what the card says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [CODES]
    if kind == "flat":
        write_vectors(folder / CODES, IDS[:N], D, rows_of(VECTORS_[:N]))
    else:
        (folder / CODES).write_bytes(faiss_bytes(kind))
        write_vectors(folder / VECTORS, IDS[:N], D, rows_of(VECTORS_[:N]))
        files.append(VECTORS)
    if late:
        write_vectors(folder / DELTA, IDS[N:], D, rows_of(VECTORS_[N:]))
        files.append(DELTA)
    if len(dead):
        np.save(folder / DEAD, IDS[np.sort(dead)])
        files.append(DEAD)
    card = IndexCard(
        space="words",
        modality="text",
        dim=D,
        type=NAMES[kind],
        rows=N - len(dead) + LATE * late if rows is None else rows,
        setting=SETTINGS[kind],
        created_at=WHEN,
        build="b1",
        files=tuple(files),
    )
    (folder / CARD).write_text(card.model_dump_json())
    return folder


@cache
def faiss_bytes(kind: str) -> bytes:
    """What faiss writes of an index of a kind over the first N rows."""
    index = faiss.index_factory(D, kind, faiss.METRIC_INNER_PRODUCT)
    index.train(VECTORS_[:N])
    index.add_with_ids(VECTORS_[:N], IDS[:N])
    return faiss.serialize_index(index).tobytes()


def live(dead: Sequence[int] = (), *, late: bool = False) -> np.ndarray:
    """Places of the rows that such a build answers with."""
    return np.setdiff1d(np.arange(N + LATE * late), dead)


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    """Mean share of the ``exact`` ids (q, k) that were found; -1 counts for nothing."""
    pairs = zip(found, exact, strict=True)
    return float(np.mean([len(set(f) & set(e) - {-1}) / max(1, sum(e >= 0)) for f, e in pairs]))
