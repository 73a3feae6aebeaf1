"""Whether a faiss index that was read can be searched: a damaged one would end the process.

faiss 1.15 checks most of what it reads; what it does not, and what fuzzing its files found, is
checked here. Kinds that mmindex does not build are refused, and what is of another kind than its
card says.
"""

from __future__ import annotations

from typing import Any, Final

import faiss

from storage.indexes.card import Setting

_FAISS: Final[Any] = faiss  # its type stubs lack what its Python side adds
_BLOCK: Final = 32  # codes that fast scan reads together
_BITS: Final = 9  # of RaBitQ, at most
_SCANNED: Final = faiss.IndexPQFastScan | _FAISS.IndexRaBitQFastScan
_LISTED: Final = (
    faiss.IndexIVFFlat
    | faiss.IndexIVFScalarQuantizer
    | faiss.IndexIVFPQ
    | faiss.IndexIVFPQFastScan
    | _FAISS.IndexIVFRaBitQ
    | _FAISS.IndexIVFRaBitQFastScan
)
_GRAPHS: Final = faiss.IndexHNSWFlat | faiss.IndexHNSWSQ
_PLAIN: Final = (
    faiss.IndexFlat | faiss.IndexScalarQuantizer | _FAISS.IndexRaBitQ | _FAISS.IndexHNSW
)

_CLASSES: Final[dict[str, type]] = {
    "pq-half": faiss.IndexPQFastScan,
    "pq-quarter": faiss.IndexPQFastScan,
    "rabitq": _FAISS.IndexRaBitQFastScan,
    "ivf-pq": faiss.IndexIVFPQFastScan,
    "ivf-sq8": faiss.IndexIVFScalarQuantizer,
    "ivf-flat": faiss.IndexIVFFlat,
    "hnsw-sq8": faiss.IndexHNSWSQ,
    "hnsw": faiss.IndexHNSWFlat,
    "opq-ivf-pq": faiss.IndexPreTransform,
}
KNOWN: Final = frozenset({"flat", *_CLASSES})
"""The types that a card may name: see ``kinds``."""
_MOST: Final = 1 << 20  # candidates that a graph may be told to keep


def fault(index: Any, rows: int, dim: int) -> str | None:
    """What is wrong with an index that is to have ``rows`` of ``dim``; None if nothing is.

    It has to answer with ids: by a map of them, or as those of an IVF.
    """
    if isinstance(index, faiss.IndexIDMap):
        if index.ntotal != index.id_map.size():
            return f"has {index.id_map.size()} ids for {index.ntotal} rows"
        return _shape(index, rows, dim) or _fault(_FAISS.downcast_index(index.index), rows, dim)
    if isinstance(index, faiss.IndexPreTransform):
        return _shape(index, rows, dim) or _rotated_fault(index, rows)
    if not isinstance(index, faiss.IndexIVF):
        return f"is a {type(index).__name__} without ids of rows"
    return _fault(index, rows, dim)


def misfit(index: Any, kind: str, setting: Setting) -> str | None:
    """What of a sound index is not as its card says: its kind, or what it is searched with.

    None if nothing is. ``kind`` is one of ``KNOWN``, and not exact.
    """
    within = _FAISS.downcast_index(index)
    if isinstance(within, faiss.IndexIDMap):
        within = _FAISS.downcast_index(within.index)
    if type(within) is not _CLASSES[kind]:
        return f"is a {type(within).__name__}, and its card says {kind}"
    if isinstance(within, faiss.IndexPreTransform):
        within = _FAISS.downcast_index(within.index)
    lists = within.nlist if isinstance(within, faiss.IndexIVF) else 0
    kept = _MOST if isinstance(within, faiss.IndexHNSW) else 0
    if (setting.nprobe or 0) > lists or (setting.ef or 0) > kept:
        return f"cannot be searched with {setting}, as its card says"
    return None


def _rotated_fault(index: Any, rows: int) -> str | None:
    """What is wrong with what is searched after vectors were turned."""
    within = _FAISS.downcast_index(index.index)
    if index.chain.size() != 1 or not isinstance(within, faiss.IndexIVF):
        return "has vectors turned in another way than mmindex does"
    turn = _FAISS.downcast_VectorTransform(index.chain.at(0))
    if not isinstance(turn, faiss.LinearTransform) or not _is_turning(turn, index.d):
        return "has a damaged rotation"
    return _fault(within, rows, turn.d_out)


def _is_turning(turn: Any, dim: int) -> bool:
    sizes = turn.d_in, turn.A.size(), turn.b.size()
    bias = turn.d_out if turn.have_bias else 0
    return bool(turn.is_trained and sizes == (dim, dim * turn.d_out, bias))


def _fault(index: Any, rows: int, dim: int) -> str | None:
    """What is wrong with what codes the vectors."""
    unsound = f"is a {type(index).__name__} that is damaged, or that mmindex does not build"
    return _shape(index, rows, dim) or (None if _is_sound(index) else unsound)


def _shape(index: Any, rows: int, dim: int) -> str | None:
    if (index.ntotal, index.d) != (rows, dim):
        return f"has {index.ntotal} rows of {index.d}, not {rows} of {dim}"
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        return "compares by another measure than the inner product"
    return None if index.is_trained else "is not trained"


def _is_sound(index: Any) -> bool:
    """Whether the sizes within an index agree; False for a kind that mmindex does not build."""
    if isinstance(index, _SCANNED):
        return _is_scannable(index)
    if isinstance(index, _LISTED):
        return _has_its_lists(index)
    if isinstance(index, _GRAPHS):
        within = _FAISS.downcast_index(index.storage)
        return (within.ntotal, within.d) == (index.ntotal, index.d) and _is_sound(within)
    if isinstance(index, _FAISS.IndexRaBitQ) and not _is_rabitq(index):
        return False
    coded = isinstance(index, _PLAIN) and hasattr(index, "codes")
    return bool(coded and index.codes.size() == index.ntotal * index.code_size)


def _is_scannable(index: Any) -> bool:
    """Whether fast scan finds as many codes, in blocks, as it will read."""
    if isinstance(index, _FAISS.IndexRaBitQFastScan):
        if not _is_rabitq(index) or -(-index.d // 4) != index.M:
            return False
    elif index.M * index.pq.dsub != index.d or index.pq.M != index.M:
        return False
    blocks = -(-index.ntotal // index.bbs) if index.bbs > 0 and index.bbs % _BLOCK == 0 else -1
    return bool(
        index.M2 == index.M + index.M % 2
        and (index.nbits, index.ksub) == (4, 16)
        and index.ntotal2 == blocks * index.bbs
        and index.codes.size() == blocks * index.get_block_stride()
    )


def _is_rabitq(index: Any) -> bool:
    """Whether RaBitQ has the bits and the centre that it will read."""
    quantiser = index.rabitq
    return bool(
        quantiser.d == index.d == index.center.size()
        and 1 <= quantiser.nb_bits <= _BITS
        and quantiser.metric_type == index.metric_type
        and quantiser.code_size == quantiser.compute_code_size(index.d, quantiser.nb_bits)
        and quantiser.code_size == index.code_size
        and 0 <= index.qb <= 8  # noqa: PLR2004 - bits of a byte
    )


def _has_its_lists(index: Any) -> bool:
    """Whether an IVF has a list for each centroid, and all rows in them."""
    coarse, lists = _FAISS.downcast_index(index.quantizer), index.invlists
    return bool(
        index.nlist == coarse.ntotal == lists.nlist > 0
        and coarse.d == index.d
        and lists.compute_ntotal() == index.ntotal
        and (not isinstance(coarse, faiss.IndexHNSW) or _is_sound(coarse))
    )
