"""How the vectors of two snapshots differ, and whether those of one are sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.evaluation.scores import Drift
from mmcore.types import Ids, Vectors
from storage.manifest import Manifest
from storage.schemas import FUSED, MODALITIES, Modality
from storage.snapshot import Snapshot
from storage.vector_blocks import VectorBlocks

SAME: Final = 0.999
"""Cosine below which a vector is another one: what rounding to float16 does is far less."""

NEAREST: Final = 10
MOST: Final = 100_000
"""Segments, evenly spread, among which the nearest are looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class _Both:
    """What one modality has in one space, in both snapshots; by the same encoder."""

    before: VectorBlocks
    after: VectorBlocks
    shared: frozenset[Path]  # parts that both manifests name: equal bytes

    @property
    def common(self) -> Ids:
        """(m,) segments that both have, sorted."""
        return np.intersect1d(self.before.ids, self.after.ids, assume_unique=True)


def drift(before: Snapshot | None, after: Snapshot, sample: int = 1000) -> list[Drift]:
    """One row for each modality and space that is searched; ``before`` None: norms alone.

    Vectors are compared only where encoder and space are the same. Parts that both manifests name
    hold what they held: they are compared by nothing, and their lengths are not looked at again
    where a gate looked at those of ``before``. Holds a row group, a sum and ``sample`` segments
    with their nearest.
    """
    return [_of(before, after, *key, sample) for key in _searched(after)]


def foreign_ids(after: Snapshot) -> dict[str, int]:
    """Index → how many of its ids are not those of the live rows, either way; none: {}."""
    found = {}
    for entry in after.manifest.indexes:
        blocks = after.blocks(entry.modality, entry.space)
        live = np.zeros(0, dtype=np.int64) if blocks is None else blocks.ids
        if count := len(np.setxor1d(after.opened(entry).held(), live)):
            found[entry.name] = count
    return found


def _searched(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Modality and space of all vectors that are searched."""
    for modality in MODALITIES:
        for space in snapshot.spaces(modality):
            yield modality, space
    if snapshot.manifest.fusion is not None:
        yield FUSED, snapshot.manifest.fusion.space


def _of(before: Snapshot | None, after: Snapshot, modality: str, space: str, sample: int) -> Drift:
    mine = after.blocks(modality, space)
    if mine is None:
        raise ValueError(f"{modality} is not searched in {space}")
    shared = _shared(before, after)
    judged = before is not None and _was_judged(before.manifest)
    norm = _norm(mine, skipped=shared if judged else frozenset())
    others = None if before is None else _comparable(before, after, modality, space)
    if others is None:
        return Drift(modality=modality, space=space, common=0, changed=None, norm=norm)
    both = _Both(others, mine, shared)
    common = both.common
    changed = _changed(both, common)
    same = not changed and len(common) == len(mine) == len(others)
    asked = common[:: max(1, -(-len(common) // sample))]
    return Drift(
        modality=modality,
        space=space,
        common=len(common),
        changed=changed / len(common) if len(common) else 0.0,
        shift=0.0 if same else _shift(others, mine),
        norm=norm,
        overlap=(_overlap(both, common, asked) if changed else 1.0) if len(common) > 1 else None,
        sample=len(asked),
    )


def _comparable(
    before: Snapshot, after: Snapshot, modality: str, space: str
) -> VectorBlocks | None:
    """Those of ``before``, where the same encoder made them in the same space.

    None for fused vectors: they change with what an item has.
    """
    if modality == FUSED:
        return None
    of = Modality(modality)
    one, other = (snapshot.manifest.encoder(of, space) for snapshot in (before, after))
    if one is None or other is None or one.fingerprint != other.fingerprint:
        return None
    if before.manifest.searched(one) != space:
        return None
    return before.blocks(modality, space)


def _shared(before: Snapshot | None, after: Snapshot) -> frozenset[Path]:
    if before is None:
        return frozenset()
    known = {(file.path, file.sha256) for file in before.manifest.files}
    mine = (file for file in after.manifest.files if (file.path, file.sha256) in known)
    return frozenset(after.layout.root / file.path for file in mine)


def _was_judged(manifest: Manifest) -> bool:
    """Whether a gate that was on looked at all lengths, and found nothing, or was overruled.

    What is unmeasured may be so because the gate was off; what failed was not looked at.
    """
    told = manifest.evaluation
    if told is None:
        return False
    overruled = told.verdict == "block" and told.override is not None
    return overruled or told.verdict in ("pass", "warn")


def _norm(blocks: VectorBlocks, skipped: frozenset[Path]) -> float:
    """The largest | length − 1 |; inf where a number is none, 0 where all is skipped."""
    most = 0.0
    for _, vectors in blocks.of([path for path in blocks.paths if path not in skipped]):
        off = np.abs(_lengths(vectors) - 1.0)
        most = max(most, float(np.where(np.isfinite(off), off, np.inf).max(initial=0.0)))
    return most


def _lengths(vectors: Vectors) -> NDArray[np.float64]:
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64)
        lengths: NDArray[np.float64] = np.sqrt(squares)
    return lengths


def _changed(both: _Both, common: Ids) -> int:
    """How many of the common segments have another direction."""
    changed = 0
    for place, vectors in both.after.of([p for p in both.after.paths if p not in both.shared]):
        ids = both.after.ids[place]
        kept = np.isin(ids, common, assume_unique=True)
        if kept.any():
            earlier = _gathered(both.before, ids[kept])
            changed += int(np.count_nonzero(~(_cosines(vectors[kept], earlier) >= SAME)))
    return changed


def _gathered(blocks: VectorBlocks, ids: Ids) -> Vectors:
    """(m, d) the vectors of ``ids``, which it has, in their order."""
    order = np.argsort(ids)
    found = np.empty((len(ids), blocks.dim), dtype=np.float32)
    wanted = VectorBlocks(ids[order], blocks.dim, blocks.folder, blocks.paths, blocks.key)
    found[order] = wanted.gathered()
    return found


def _cosines(one: Vectors, other: Vectors) -> NDArray[np.float64]:
    """(n,) not a number where a vector has no length."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        products = np.einsum("nd,nd->n", one, other, dtype=np.float64)
        cosines: NDArray[np.float64] = products / (_lengths(one) * _lengths(other))
    return cosines


def _shift(before: VectorBlocks, after: VectorBlocks) -> float | None:
    """The distance of the mean vectors; None where a side has none, or a number is none."""
    if not len(before) or not len(after):
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        one, other = (_mean(of) for of in (before, after))
        found = float(np.linalg.norm(one - other))
    return found if np.isfinite(found) else None


def _mean(blocks: VectorBlocks) -> NDArray[np.float64]:
    total = np.zeros(blocks.dim)
    for _, vectors in blocks:
        total += vectors.sum(axis=0, dtype=np.float64)
    return total / len(blocks)


def _overlap(both: _Both, common: Ids, asked: Ids) -> float:
    """The mean share of the nearest of ``asked`` that are the same in both, themselves not."""
    among = np.union1d(common[:: max(1, -(-len(common) // MOST))], asked)
    k = min(NEAREST, len(among) - 1)
    one, other = (_nearest(of, among, asked, k) for of in (both.before, both.after))
    shares = [len(np.intersect1d(a, b)) / k for a, b in zip(one, other, strict=True)]
    return float(np.mean(shares))


def _nearest(blocks: VectorBlocks, among: Ids, asked: Ids, k: int) -> Ids:
    """(q, k) the ids nearest to each of ``asked``, itself left out; holds one block of scores."""
    queries = _finite(_gathered(blocks, asked))
    best = np.full((len(asked), k), -np.inf, dtype=np.float32)
    ids = np.full((len(asked), k), -1, dtype=np.int64)
    wanted = VectorBlocks(among, blocks.dim, blocks.folder, blocks.paths, blocks.key)
    for place, vectors in wanted:
        scores = queries @ _finite(vectors).T
        mine = among[place]
        scores[asked[:, None] == mine] = -np.inf
        scores = np.concatenate([best, scores], axis=1)
        named = np.concatenate([ids, np.broadcast_to(mine, (len(asked), len(mine)))], axis=1)
        top = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        best, ids = (np.take_along_axis(of, top, axis=1) for of in (scores, named))
    return ids


def _finite(vectors: Vectors) -> Vectors:
    """With 0 for what is no number: such vectors are near to nothing."""
    return np.nan_to_num(vectors, posinf=0.0, neginf=0.0)
