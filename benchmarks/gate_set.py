"""A lake's own query set as arrays: what the gate's statistics are tried on.

A query is a content's own stored vectors, pooled: E5 asks with its passage side here (decision
0007), so no model is loaded. Directions, galleries, right answers and what is hidden from a query
are those of `mmindex evaluate`; so are the ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation.evaluate import learned_from, searched_rows
from mmcore.evaluation.galleries import Galleries, segment_gallery, without_own
from mmcore.evaluation.gating.paired import DEEPEST
from mmcore.evaluation.outcomes import HELD_OUT, Outcome
from mmcore.evaluation.queries import Pairs, Question, medium
from mmcore.evaluation.ranking import Gallery, Overrides, Ranking, rank
from mmcore.search.opened.models import published_projection
from mmcore.specs import FitSpec
from mmcore.training.rows import Rows
from mmcore.types import Ids, Vectors
from storage.layout import Layout
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot

DEPTH = 100
CUT = 10
MIN_QUERIES = 20

Ranks = NDArray[np.int64]
Hidden = Callable[[Vectors], Overrides]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One direction, ready to be ranked again with other vectors."""

    name: str
    questions: tuple[Question, ...]
    vectors: Vectors  # (q, d) unit rows
    gallery: Gallery
    hidden: Hidden  # what leaves each query's gallery, or scores otherwise there

    def ranked(self, vectors: Vectors | None = None) -> Ranked:
        """What the direction comes to, asked with its own or with other vectors."""
        queries = tuple(question.content_id for question in self.questions)
        language = self.questions[0].language
        return Ranked(self.name, queries, self.groups, language, self.ranks(vectors))

    def ranks(self, vectors: Vectors | None = None) -> Ranks:
        """(q,) rank of the best right answer; 0: not within ``DEPTH``."""
        asked = self.vectors if vectors is None else vectors
        right = (question.relevant for question in self.questions)
        found = rank(asked, self.gallery, right, self.hidden(asked), depth=DEPTH).first
        return np.where(found > DEPTH, 0, found)

    @property
    def groups(self) -> Ids:
        """(q,) the smallest item that shares a caption with the query's."""
        return np.array([question.group for question in self.questions], dtype=np.int64)

    def noisy(self, sigma: float, rng: np.random.Generator) -> Vectors:
        """The queries, each moved by ``sigma`` of its length in a random direction."""
        noise = rng.standard_normal(self.vectors.shape, dtype=np.float32)
        return unit(self.vectors + sigma * noise / np.sqrt(np.float32(noise.shape[1])))


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """What a direction came to, as ranks: all that `Success@10` and `RR` are made of."""

    name: str
    queries: tuple[str, ...]  # content ids: one that asks in two directions is one query
    groups: Ids  # (q,)
    language: str | None  # of the texts that ask
    first: Ranks  # (q,) 0: nothing right was found

    def outcome(self) -> Outcome:
        """As the gate is given it."""
        order = np.array(sorted(range(len(self.queries)), key=self.queries.__getitem__))
        mine = replace(
            self,
            queries=tuple(self.queries[place] for place in order.tolist()),
            groups=self.groups[order],
            first=self.first[order],
        )
        nothing: tuple[str | None, ...] = (None,) * len(order)
        return Outcome(
            set=HELD_OUT,
            name=self.name,
            queries=mine.queries,
            groups=mine.groups,
            categories=nothing,
            languages=(self.language,) * len(order),
            masks=nothing,
            gallery=DEPTH,
            kind="exact",
            scores={f"Success@{CUT}": success(mine.first), "RR": reciprocal(mine.first)},
            ranking=_ranking(mine.first),
            top=("",) * len(order),
        )


def _ranking(first: Ranks) -> Ranking:
    none = np.zeros(0, dtype=np.int64)
    hits = tuple(np.array([at]) if at else none for at in first.tolist())
    ones = np.ones(len(first), dtype=np.int64)
    return Ranking((none,) * len(first), hits, (none,) * len(first), ones, first, ones * DEPTH)


def success(first: Ranks) -> NDArray[np.float64]:
    """Success@10 of each query."""
    return ((first > 0) & (first <= CUT)).astype(np.float64)


def reciprocal(first: Ranks) -> NDArray[np.float64]:
    """RR of each query; 0 where nothing was found."""
    return np.divide(1.0, first, out=np.zeros(len(first)), where=first > 0)


def deepness(first: Ranks) -> NDArray[np.float64]:
    """The logarithm of each rank; what was not found is as deep as the deepest."""
    deep: NDArray[np.float64] = np.log(np.where(first == 0, DEEPEST, np.minimum(first, DEEPEST)))
    return deep


def unit(vectors: Vectors) -> Vectors:
    """Rows of length 1."""
    found: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return found


def opened(lake: Path) -> tuple[Snapshot, float, FittedOn]:
    """The published snapshot, its share of held-out captions, and what its models have seen."""
    snapshot = Snapshot.open(Layout(lake.resolve()))
    fit = FitSpec.model_validate(snapshot.manifest.specs["fit"])
    return snapshot, fit.held_out, learned_from(snapshot, published_projection(snapshot))


def asked_of(lake: Path) -> list[Asked]:
    """All directions of the published snapshot that have enough queries, fused ones too."""
    snapshot, share, fitted = opened(lake)
    rows = searched_rows(snapshot)
    galleries = Galleries(snapshot, rows)
    found = list(directions(rows, share, fitted))
    return [*found, *fused(galleries, rows, share, fitted)] if galleries.has_fused else found


def directions(rows: Mapping[Modality, Rows], share: float, fitted: FittedOn) -> Iterator[Asked]:
    """Each side for each other, all in one space; what ``fitted`` has seen is not asked."""
    pairs = Pairs(rows)
    galleries = {side: segment_gallery(rows[medium(side)], side) for side in pairs.sides}
    for source in pairs.sides:
        questions = list(pairs.questions(source, share, fitted))
        for target in (side for side in pairs.sides if side != source):
            gallery = galleries[target]
            mine = tuple(q for q in questions if able(q, gallery))
            if len(mine) >= MIN_QUERIES:
                hidden = without_own(gallery, mine)
                yield Asked(
                    f"{source}→{target}",
                    mine,
                    pooled(rows[medium(source)], mine),
                    gallery,
                    _always(hidden),
                )


def _always(hidden: Overrides) -> Hidden:
    return lambda _: hidden


def able(question: Question, gallery: Gallery) -> bool:
    """Whether something right is left in the gallery without the question's own contents."""
    for place in gallery.positions(question.relevant).tolist():
        own = gallery.contents[gallery.starts[place] : gallery.starts[place + 1]]
        if not set(own.tolist()) <= question.hidden:
            return True
    return False


def fused(
    galleries: Galleries, rows: Mapping[Modality, Rows], share: float, fitted: FittedOn
) -> Iterator[Asked]:
    """Each side for fused items, which are fused again without what asks."""
    pairs = Pairs(rows)
    space = galleries.spaces(FUSED)[0]
    gallery = galleries.of(FUSED, space)
    for source in pairs.sides:
        for_all = tuple(pairs.questions(source, share, fitted))
        mine = tuple(q for q in for_all if gallery.holds_any(q.right))
        if len(mine) < MIN_QUERIES:
            continue
        vectors = pooled(rows[medium(source)], mine)
        right = (question.relevant for question in mine)
        without = galleries.without_own(FUSED, space, mine, vectors)
        left = np.flatnonzero(rank(vectors, gallery, right, without, depth=CUT).relevant)
        mine = tuple(mine[place] for place in left.tolist())
        hidden = partial(galleries.without_own, FUSED, space, mine)
        yield Asked(f"{source}→{FUSED}", mine, vectors[left], gallery, hidden)


def pooled(rows: Rows, questions: Sequence[Question]) -> Vectors:
    """(q, d) the mean direction of each question's own rows."""
    by_content: dict[str, dict[int, int]] = {}
    for place, (content, segment) in enumerate(
        zip(rows.content_ids, rows.segment_ids.tolist(), strict=True)
    ):
        by_content.setdefault(content, {})[segment] = place  # a segment of two items counts once
    own = [list(by_content[question.content_id].values()) for question in questions]
    return unit(np.stack([rows.vectors[places].mean(axis=0) for places in own]))
