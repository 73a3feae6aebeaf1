"""Training and filling the faiss index of a kind; the same input and seed give the same index."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from storage.indexes.choosing.kinds import FEWEST, Kind
from storage.indexes.choosing.vectors_file import BLOCK, rows_of

_log = logging.getLogger(__name__)
_FAISS: Final[Any] = faiss  # its type stubs lack what its Python side adds
_ROTATIONS: Final = 8  # rounds of OPQ; its 50 take minutes and give the last .001


@contextmanager
def threads(count: int | None) -> Iterator[None]:
    """Let faiss take ``count`` threads for calls of this thread; None leaves it as it is."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def train_sample(vectors: NDArray[np.float32], n: int, seed: int) -> NDArray[np.float32]:
    """``n`` rows at random over all of ``vectors`` (rows, d), or all where there are no more.

    In order of their places, so that a mapped file is read forward.
    """
    if n >= len(vectors):
        return np.array(vectors, dtype=np.float32)
    rows = np.random.default_rng(seed).choice(len(vectors), n, replace=False, shuffle=False)
    return np.array(vectors[np.sort(rows)], dtype=np.float32)


def trained(kind: Kind, d: int, sample: NDArray[np.float32], seed: int = 0) -> Any:
    """An empty index of a kind, trained on ``sample`` (rows, d).

    Warns where there are fewer rows than 39 a centroid. With one thread the same sample and seed
    give the same index to the byte.
    """
    index = faiss.index_factory(d, kind.factory, faiss.METRIC_INNER_PRODUCT)
    centroids = max(kind.lists, 16 if "PQ" in kind.factory else 0)
    if len(sample) < FEWEST * centroids:
        _log.warning(
            "an index %s is trained on %d rows for %d centroids: at least %d would be better",
            kind.name,
            len(sample),
            centroids,
            FEWEST * centroids,
        )
    _seed(index, seed)
    if kind.sample:
        with _short_rotation(index, seed):
            index.train(sample)
    return index


def fill(
    index: Any, ids: NDArray[np.int64], vectors: NDArray[np.float32], block: int = BLOCK
) -> Any:
    """Add ``vectors`` (n, d) under ``ids`` (n,) in blocks of ``block`` numbers; the index."""
    _reserve(index, len(ids))
    for places, rows in rows_of(vectors, block):
        index.add_with_ids(rows, ids[places])
    return index


def _reserve(index: Any, n: int) -> None:
    """Make room for the vectors of a graph at once: growing would need twice their memory.

    What faiss calls ``resize`` keeps the memory when it is made smaller again.
    """
    graph = inner(index)
    if isinstance(graph, faiss.IndexHNSW) and not graph.ntotal:
        storage: Any = faiss.downcast_index(graph.storage)
        storage.codes.resize(n * storage.code_size)
        storage.codes.resize(0)


def inner(index: Any) -> Any:
    """What codes the vectors: without what maps ids and what rotates."""
    index = faiss.downcast_index(index)
    while isinstance(index, faiss.IndexIDMap | faiss.IndexPreTransform):
        index = faiss.downcast_index(index.index)
    return index


def _seed(index: Any, seed: int) -> None:
    """Seed what is random, and let faiss not warn by itself: it writes to standard error."""
    within = inner(index)
    holders: list[Any] = [within, getattr(within, "pq", None)]
    for parameters in (holder.cp for holder in holders if hasattr(holder, "cp")):
        parameters.seed = seed
        parameters.min_points_per_centroid = 1


@contextmanager
def _short_rotation(index: Any, seed: int) -> Iterator[None]:
    """Let OPQ, if there is one, rotate for the 4-bit codes that follow, in few rounds.

    By itself it rotates for 8 bits, which takes 100 times as long.
    """
    if not isinstance(index, faiss.IndexPreTransform):
        yield
        return
    chain: Any = index.chain
    rotation, codes = _FAISS.downcast_VectorTransform(chain.at(0)), inner(index).pq
    quantiser: Any = faiss.ProductQuantizer(rotation.d_out, codes.M, codes.nbits)
    quantiser.cp.seed, quantiser.cp.min_points_per_centroid = seed, 1
    rotation.niter, rotation.niter_pq, rotation.niter_pq_0 = _ROTATIONS, 4, 10
    rotation.pq = quantiser
    try:
        yield
    finally:
        rotation.pq = None  # ours, and gone with this call
