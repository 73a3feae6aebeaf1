"""The kinds of index that can be built, in order of what building them costs."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

from storage.indexes.goal import Goal

POINTS: Final = 50  # training rows a centroid; faiss asks for 39 at least
FEWEST: Final = 39
_CODEBOOK: Final = 16384  # rows that 4-bit codebooks are trained on: faiss takes 16 * 256 of them
_LINKS: Final = 32  # of a node in an HNSW graph; twice as many on the lowest level
_GRAPH: Final = _LINKS * 2 * 4 + 16  # bytes a row of links, their upper levels and offsets
_ID: Final = 8
_BATCH: Final = 32  # rows that fast scan keeps together: lists are filled up to a multiple
_FEWEST_LISTS: Final = 16
_LONGEST_SCAN: Final = 256_000_000  # bytes: some 20 ms of a core
_LARGE: Final = 5_000_000  # rows from which a rotation and a graph over the lists are worth it
_DEPTHS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_EFS: Final = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of index for a number of rows and a dimension.

    Args:
        name: as cards and reports call it.
        factory: what ``faiss.index_factory`` makes it from.
        refined: whether its codes are lossy, and what they find is sorted by exact vectors.
        knob: what of its search can be set, beside the depth of refinement.
        row: bytes a row that it holds in memory when it is open; mapped vectors are not held.
        fixed: bytes beside.
        sample: rows that it is trained on, where there are as many.
        lists: of an IVF; 0 for others.
        less_exact_than: a kind that this one cannot beat in recall.
        slower_than: a kind that this one cannot beat in speed.
        mapped: whether its lists are left on disk when it is open.
    """

    name: str
    factory: str
    refined: bool = True
    knob: Literal["", "nprobe", "ef"] = ""
    row: int = 0
    fixed: int = 0
    sample: int = 0
    lists: int = 0
    less_exact_than: str = ""
    slower_than: str = ""
    mapped: bool = False

    def memory(self, n: int) -> int:
        """Bytes that the opened index holds in memory at ``n`` rows."""
        return (_ID if self.mapped else self.row) * n + self.fixed

    @property
    def merges(self) -> bool:
        """Whether indexes of it that had one training make one: all but graphs do."""
        return not self.exact and self.knob != "ef"

    @property
    def mappable(self) -> bool:
        """Whether its lists can be left on disk: those of codes that faiss does not pack."""
        return bool(self.lists) and "x4fs" not in self.factory

    def on_disk(self) -> Kind:
        """The same with its lists left on disk; ValueError where they cannot be."""
        if not self.mappable:
            raise ValueError(f"the lists of an index {self.name} are read into memory")
        return replace(self, mapped=True)

    @property
    def exact(self) -> bool:
        """Whether it compares all vectors: nothing is missed, and the vectors are the index."""
        return self.name == "flat"

    @property
    def depths(self) -> tuple[int, ...]:
        """Times ``k`` that may be refined, from cheap to dear."""
        return _DEPTHS if self.refined else (1,)

    @property
    def knobs(self) -> tuple[int, ...]:
        """Values of the knob from cheap to dear, powers of two and halves between; else none."""
        return _EFS if self.knob == "ef" else _steps(self.lists)


def flat(d: int) -> Kind:
    """Exact search: the vectors themselves, all in memory."""
    return Kind("flat", "IDMap2,Flat", refined=False, row=4 * d + _ID)


def kinds(n: int, d: int) -> tuple[Kind, ...]:
    """All kinds for ``n`` rows of ``d``, in order of what building them costs.

    The order is that of measured builds of 100,000 x 512: nothing for flat, 2.4 s for codes that
    are scanned, 7 to 9 s for lists, 8 s and more for graphs. Where each query would scan more than
    256 MB, lists come before. Where rows are too few to train the
    16 centroids of a code, neither codes nor lists are among them.
    """
    lists, coded = lists_for(n), tuple[Kind, ...]()
    if lists >= _FEWEST_LISTS:
        scanned, inverted = _scanned(d), _inverted(d, lists)
        long = scanned[0].memory(n) > _LONGEST_SCAN
        coded = (*inverted, *scanned) if long else (*scanned, *inverted)
    return (flat(d), *coded, *_graphs(d), *_rotated(n, d))


def exact_is_cheap(n: int, d: int, goal: Goal) -> bool:
    """Whether exact search of ``n`` rows of ``d`` is cheap, and no budget says otherwise.

    Then it is taken, and nothing is measured.
    """
    return n * d <= goal.cheap and exact_may_do(n, d, goal)


def exact_may_do(n: int, d: int, goal: Goal) -> bool:
    """Whether exact search keeps the memory, and may take any time."""
    return goal.latency is None and (goal.memory is None or flat(d).memory(n) <= goal.memory)


def kind_named(name: str, n: int, d: int) -> Kind:
    """The kind of a name; ValueError for one that ``n`` rows of ``d`` cannot have."""
    there = {kind.name: kind for kind in kinds(n, d)}
    if name not in there:
        raise ValueError(f"no kind {name!r} for {n} rows of {d}: there are {', '.join(there)}")
    return there[name]


def lists_for(n: int) -> int:
    """Lists of an IVF over ``n`` rows: the power of two near 2 sqrt(n), with rows to train it."""
    if n < FEWEST:
        return 0
    near = round(math.log2(2 * math.sqrt(n)))
    return 1 << max(0, min(near, (n // FEWEST).bit_length() - 1))


def _steps(most: int) -> tuple[int, ...]:
    """1, 2, 3, 4, 6, 8, 12 … up to ``most``, which is the last."""
    powers = [1 << power for power in range(most.bit_length())]
    return tuple(sorted({step for one in powers for step in (one, one * 3 // 2) if step <= most}))


def _divisor(d: int, most: int) -> int:
    """The largest divisor of ``d`` that is at most ``most``: subquantisers have equal parts."""
    return next(parts for parts in range(max(1, most), 0, -1) if d % parts == 0)


def _scanned(d: int) -> tuple[Kind, ...]:
    """Codes that are scanned from first to last, 4 bits of a product quantiser or 1 of RaBitQ.

    Fast scan: Andre et al., 2017; RaBitQ: Gao and Long, 2024, here without training.
    """
    half, quarter = _divisor(d, d // 2), _divisor(d, d // 4)
    made = [
        Kind("pq-half", f"IDMap,PQ{half}x4fs", row=_packed(half) + _ID, sample=_CODEBOOK),
        Kind(
            "pq-quarter",
            f"IDMap,PQ{quarter}x4fs",
            row=_packed(quarter) + _ID,
            sample=_CODEBOOK,
            less_exact_than="pq-half",
        ),
    ]
    if quarter == half:
        made.pop()
    rabitq = Kind(
        "rabitq", "IDMap,RaBitQfs", row=d // 8 + 16, sample=_CODEBOOK, slower_than="pq-half"
    )
    return (*made, rabitq) if d % 8 == 0 else tuple(made)


def _packed(parts: int) -> int:
    """Bytes of a row of 4-bit codes; fast scan packs them by two."""
    return (parts + 1) // 2


def _inverted(d: int, lists: int) -> tuple[Kind, ...]:
    """Lists around centroids, of which a search reads some (IVF)."""
    half = _divisor(d, d // 2)
    sample = max(_CODEBOOK, lists * POINTS)
    return tuple(
        Kind(
            f"ivf-{name}",
            f"IVF{lists},{codes}",
            refined=name != "flat",
            knob="nprobe",
            row=row + 2 * _ID,
            fixed=lists * (4 * d + padding),
            sample=sample,
            lists=lists,
        )
        for name, codes, row, padding in (
            ("pq", f"PQ{half}x4fs", _packed(half), _BATCH * _packed(half)),
            ("sq8", "SQ8", d, 0),
            ("flat", "Flat", 4 * d, 0),
        )
    )


def _graphs(d: int) -> tuple[Kind, ...]:
    """Graphs of neighbours (HNSW: Malkov and Yashunin, 2016), over bytes and over vectors."""
    return (
        Kind(
            "hnsw-sq8",
            f"IDMap,HNSW{_LINKS}_SQ8",
            knob="ef",
            row=d + _GRAPH + _ID,
            sample=_CODEBOOK,
        ),
        Kind(
            "hnsw",
            f"IDMap,HNSW{_LINKS}",
            refined=False,
            knob="ef",
            row=4 * d + _GRAPH + _ID,
        ),
    )


def _rotated(n: int, d: int) -> tuple[Kind, ...]:
    """At scale: a rotation to half the dimensions, lists found by a graph, short codes."""
    if n < _LARGE or d % 8:
        return ()
    parts, lists = d // 8, 2 * lists_for(n)
    return (
        Kind(
            "opq-ivf-pq",
            f"OPQ{parts}_{d // 2},IVF{lists}_HNSW{_LINKS},PQ{parts}x4fs",
            knob="nprobe",
            row=_packed(parts) + 2 * _ID,
            fixed=lists * (2 * d + _GRAPH + _BATCH * _packed(parts)) + 2 * d * d,
            sample=lists * POINTS,
            lists=lists,
        ),
    )
