"""False alarms of the gate: comparisons of what is equally good, and yet differs.

Two exact scores of the same vectors are nearly equal: products of other shapes round the last
digit otherwise, which moves a few first ranks of thousands, in no direction. So they prove
nothing, and what is compared here differs in many queries: indexes that were trained with another
seed, and projections that were fitted on another part of the same pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gate_sample import FLIPS, Drawn, Sampled, interval
from benchmarks.gate_set import (
    DEPTH,
    Asked,
    Ranked,
    Ranks,
    directions,
    opened,
    success,
)
from mmcore.encoders.presets import encoders_of
from mmcore.encoders.projections import FittedOn, Projection
from mmcore.evaluation.gating.compare import compared
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.outcomes import Outcome
from mmcore.evaluation.ranking import Gallery
from mmcore.specs import FitSpec, RuntimeSpec, SegmentationSpec
from mmcore.training.dataset.lake import fit_rows, lake_rows
from mmcore.training.projections import fit_projection
from mmcore.training.rows import Rows
from mmcore.types import EncoderKey, Vectors
from storage.indexes.choosing.kinds import kind_named
from storage.indexes.choosing.structure import fill, trained
from storage.schemas import MODALITIES, Modality
from storage.snapshot import Snapshot

KEPT = 0.85  # of the items that a projection is fitted on
K = 10
FETCHED = 64  # rows that an index is asked for, then sorted by exact vectors
PROBED = 0.75  # of the lists of an index


def label_swaps(one: Sequence[Ranked], other: Sequence[Ranked], swaps: int) -> dict[str, Any]:
    """Two models on the same queries; which of them is "before" is drawn for each group."""
    sampled = Sampled(one, GateSpec(flips=FLIPS))
    drawn = sampled.whole()
    first, second = (_ranks(side, drawn) for side in (one, other))
    blocks, proven, agrees = 0, 0, True
    for swap in range(swaps):
        turned = np.random.default_rng([7, swap]).random(len(sampled.unique)) < 0.5  # noqa: PLR2004
        before, after = list[Ranks](), list[Ranks]()
        for was, now, copies in zip(first, second, drawn.copies, strict=True):
            before.append(np.where(turned[copies], now, was))
            after.append(np.where(turned[copies], was, now))
        found = sampled.blocked(sampled.table(drawn, before, after), seed=swap)
        blocks += bool(found.rows.any())
        proven += bool(found.proven.any())
        if swap < 2:  # noqa: PLR2004
            agrees &= sampled.agrees(drawn, before, after, found.rows)
    return _told("label swaps of two projections", swaps, blocks, proven) | {
        "differ": _differ(first, second),
        "as compared()": agrees,
    }


def _ranks(side: Sequence[Ranked], drawn: Drawn) -> list[Ranks]:
    return [one.first[places] for one, places in zip(side, drawn.places, strict=True)]


def _told(what: str, of: int, blocks: int, proven: int) -> dict[str, Any]:
    found = {"what": what, "comparisons": of, "blocked": blocks, **interval(blocks, of)}
    return found | {"test alone": proven, "test alone, share": proven / of}


def _differ(one: Sequence[Ranks], other: Sequence[Ranks]) -> str:
    """The share of queries whose Success@10 is another, least and most of all directions."""
    shares = [np.mean(success(a) != success(b)) for a, b in zip(one, other, strict=True)]
    return f"{min(shares):.1%} to {max(shares):.1%}"


def two_projections(lake: Path, seeds: tuple[int, int] = (0, 1)) -> list[list[Ranked]]:
    """The directions of a lake under two projections, each fitted on a part of the same pairs."""
    snapshot, share, _ = opened(lake)
    keys = _keys(snapshot)
    texts, media = fit_rows(snapshot, keys, FitSpec(held_out=share))
    rows = {m: lake_rows(snapshot, m, space="own") for m in MODALITIES}
    rows = {modality: of for modality, of in rows.items() if len(of)}
    found = []
    for seed in seeds:
        projection = fit_projection(
            _part(texts, seed),
            {name: _part(of, seed) for name, of in media.items()},
            keys,
            FitSpec(held_out=share),
            None,
        )
        if projection is None:
            raise SystemExit("nothing was fitted: is it the public set?")
        projected = _projected(snapshot, projection, rows, keys)
        found.append([asked.ranked() for asked in directions(projected, share, FittedOn())])
    return found


def _keys(snapshot: Snapshot) -> tuple[EncoderKey, ...]:
    segmentation = SegmentationSpec.model_validate(snapshot.manifest.specs["segmentation"])
    found = encoders_of(snapshot.manifest.preset, segmentation, RuntimeSpec())
    return tuple(encoder.key for encoder in found)


def _part(rows: Rows, seed: int) -> Rows:
    """The rows of most items, another part for another seed."""
    items = np.unique(rows.item_ids)
    kept = items[np.random.default_rng([9, seed]).random(len(items)) < KEPT]
    return rows.take(np.isin(rows.item_ids, kept))


def _projected(
    snapshot: Snapshot,
    projection: Projection,
    rows: Mapping[Modality, Rows],
    keys: Sequence[EncoderKey],
) -> dict[Modality, Rows]:
    found = {}
    for modality, of in rows.items():
        key = next(k for k in keys if k.modality == modality and k.name in projection.heads)
        vectors = projection.project(key, of.vectors, of.languages)
        found[modality] = Rows(
            of.item_ids,
            of.segment_ids,
            of.content_ids,
            of.languages,
            of.texts,
            vectors,
            of.keys,
            of.derived,
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """An index over a gallery, trained with one seed, and what it finds."""

    index: Any
    gallery: Gallery

    @classmethod
    def of(cls, gallery: Gallery, seed: int) -> Built:
        """Inverted lists of codes of 4 bits, as the lake builds them."""
        rows, dim = gallery.vectors.shape
        kind = kind_named("ivf-pq", rows, dim)
        made = trained(kind, dim, gallery.vectors, seed)
        index = fill(made, np.arange(rows, dtype=np.int64), gallery.vectors)
        index.nprobe = max(1, round(PROBED * kind.lists))
        return cls(index, gallery)

    def scores(self, vectors: Vectors) -> Vectors:
        """(q, rows) exact products of what is found; −inf for all else."""
        _, found = self.index.search(vectors, min(FETCHED, len(self.gallery.vectors)))
        scores = np.full((len(vectors), len(self.gallery.vectors)), -np.inf, dtype=np.float32)
        query, place = np.nonzero(found >= 0)
        rows = found[query, place]
        scores[query, rows] = np.einsum("nd,nd->n", vectors[query], self.gallery.vectors[rows])
        return scores


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A direction, asked through an index."""

    asked: Asked
    right: np.ndarray[Any, np.dtype[np.bool_]]  # (q, items)
    exact: Ranks  # (q, K) rows of the nearest

    @classmethod
    def of(cls, asked: Asked) -> Served:
        """Look up what is right, and the exact answer."""
        right = np.zeros((len(asked.questions), len(asked.gallery.item_ids)), dtype=bool)
        for row, question in zip(right, asked.questions, strict=True):
            row[asked.gallery.positions(question.relevant)] = True
        products = asked.vectors @ asked.gallery.vectors.T
        return cls(asked, right, np.argsort(-products, axis=1, kind="stable")[:, :K])

    def found(self, built: Built) -> tuple[Ranks, np.ndarray[Any, np.dtype[np.float64]]]:
        """(q,) the rank of the best right item, 0 for none, and recall@10 of rows."""
        scores = built.scores(self.asked.vectors)
        recall = np.isfinite(np.take_along_axis(scores, self.exact, axis=1)).mean(axis=1)
        hidden = self.asked.hidden(self.asked.vectors)
        scores[hidden.queries, hidden.rows] = -np.inf
        items = np.maximum.reduceat(scores, self.asked.gallery.starts[:-1], axis=1)
        best = np.where(self.right, items, -np.inf).max(axis=1)
        first = 1 + np.count_nonzero(items > best[:, None], axis=1)
        return np.where(np.isfinite(best) & (first <= DEPTH), first, 0), recall


def rebuilt_indexes(asked: Sequence[Asked], draws: int) -> dict[str, Any]:
    """Resampled queries through two builds of each index, afresh for each draw.

    All that the gate could be given is in it: the served directions, which in a lake it does not
    see, and the recall of each index.
    """
    served = [Served.of(one) for one in asked if len(one.gallery.vectors) >= 39 * 16]
    ranked = [one.asked.ranked() for one in served]
    sampled = Sampled(ranked, GateSpec(flips=FLIPS))
    blocks, proven, rows, differ, recalls = 0, 0, 0, list[float](), list[float]()
    for draw in range(draws):
        drawn = sampled.resampled(np.random.default_rng([10, draw]))
        sides = [_through(served, sampled, drawn, 2 * draw + side) for side in (0, 1)]
        found = compared(sides[0], sides[1], sampled.gate, min_queries=20).rows
        rows = len(found)
        blocks += any(row.action == "block" for row in found)
        proven += any(row.adjusted < 0.01 for row in found)  # noqa: PLR2004 - the default alpha
        differ += list(_changed(*sides))
        recalls += [row.before for row in found if row.measure == "recall@10"]
    return _told("rebuilt ivf-pq indexes, queries resampled", draws, blocks, proven) | {
        "rows": rows,
        "differ": f"{np.mean(differ):.2%} on average",
        "recall@10": f"{min(recalls):.3f} to {max(recalls):.3f}",
    }


def _through(served: Sequence[Served], sampled: Sampled, drawn: Drawn, seed: int) -> list[Outcome]:
    """What the directions and the indexes come to with indexes of one seed."""
    built: dict[int, Built] = {}
    ranks, recalls = [], []
    for one in served:
        gallery = one.asked.gallery
        if id(gallery) not in built:
            built[id(gallery)] = Built.of(gallery, seed)
        first, recall = one.found(built[id(gallery)])
        ranks.append(first)
        recalls.append(recall)
    taken = [first[places] for first, places in zip(ranks, drawn.places, strict=True)]
    outcomes = sampled.as_outcomes(drawn, taken)
    for outcome, recall, places, copies in zip(
        list(outcomes), recalls, drawn.places, drawn.copies, strict=True
    ):
        outcomes.append(_recalled(outcome, recall[places], copies))
    return outcomes


def _recalled(direction: Outcome, recall: Any, copies: Any) -> Outcome:
    """The same queries, asked for what the index gives back of the exact answer."""
    source = direction
    return Outcome(
        set=source.set,
        name=f"index:{source.name}",
        queries=tuple(f"{place:09}" for place in range(len(copies))),
        groups=copies,
        categories=source.categories,
        languages=source.languages,
        masks=source.masks,
        gallery=source.gallery,
        kind="ivf-pq",
        scores={"recall@10": recall},
        ranking=source.ranking,
        top=source.top,
    )


def _changed(one: Sequence[Outcome], other: Sequence[Outcome]) -> Iterator[float]:
    """The share of queries of each direction whose rank is another."""
    for a, b in zip(one, other, strict=True):
        if "RR" in a.scores:
            yield float(np.mean(a.scores["RR"] != b.scores["RR"]))
