"""Vectors, words, and both: on the half of the public set that no choice of the ranking saw.

The projection is fitted on the captions of one half, as in ``benchmarks.stamps`` with seed 0; a
lake is made of the other half's items, and searched by the real searcher. A caption that asks is
in no lake that it asks: captions are withheld some at a time, by ``FOLDS`` lakes a language. Every
item with the caption key of the one that asks is right; of a name, every item that bears it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import stamps
from benchmarks.search_lake import Made, Medium, published
from mmcore.encoders.projections import Projection
from mmcore.evaluation.gating.significance import intervals
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from mmcore.specs import FitSpec
from mmcore.training.projections import fit_projection
from mmcore.training.rows import Rows
from mmcore.types import Ids
from storage.layout import Layout
from storage.schemas import MmindexError, Modality
from storage.snapshot import Snapshot

SEED = 0
FOLDS = 10
NAMES = 200
DEPTH = 100  # answers that are looked at
AT_ONCE = 32
CUT = 10

WAYS: dict[str, dict[str, Any]] = {
    "vectors": {"words": 0.0},
    "words": {"words": 1.0},
    "blended": {},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A query: its text, what is right, and the group of queries that it is of."""

    text: str
    right: frozenset[int]
    group: str


@dataclass(frozen=True, slots=True, eq=False)
class Half:
    """The half that is searched, and what it is made of."""

    base: Snapshot
    cells: stamps.Cells
    projection: Projection
    made: Made

    @classmethod
    def of(cls, lake: Path, pairs: list[dict[str, Any]]) -> Half:
        """Fit on the one half; keep the items of the other, with their vectors in that space."""
        base, cells = Snapshot.open(Layout(lake.resolve())), stamps.load(lake, pairs)
        fit, scored = stamps.halves(cells, SEED)
        english, chinese = (stamps.only(rows, fit) for rows in (cells.english, cells.chinese))
        by_name = {key.modality: key for key in cells.keys}
        media = {
            by_name[Modality.IMAGE].name: stamps.only(cells.pictures, fit),
            by_name[Modality.AUDIO].name: stamps.only(cells.sounds, fit),
        }
        found = fit_projection(
            stamps.both(english, chinese), media, cells.keys, FitSpec(held_out=0.0), None
        )
        if found is None:
            raise SystemExit("nothing was fitted: are the media complete?")
        own = {
            Modality.TEXT: stamps.both(cells.english, cells.chinese),
            Modality.IMAGE: cells.pictures,
            Modality.AUDIO: cells.sounds,
        }
        mine = {name: stamps.only(rows, scored) for name, rows in own.items()}
        whole = Made.of(base)
        of_half = {
            name: _medium(whole.media[name], rows, found, by_name[name])
            for name, rows in mine.items()
        }
        return cls(base, cells, found, replace(whole, media=of_half).kept(scored))

    def searcher(self, folder: Path, without: frozenset[str] = frozenset()) -> Searcher:
        """Of a lake of this half without some contents."""
        shutil.rmtree(folder, ignore_errors=True)
        items = frozenset(self.made.items["item_id"].to_pylist())
        made = self.made.kept(items, without)
        published(Layout(folder.resolve()), made, self.base, self.projection)
        return Searcher.open(folder)


def _medium(medium: Medium, rows: Rows, projection: Projection, key: Any) -> Medium:
    """The segments of ``rows`` with their vectors in the space of a projection."""
    ids, first = np.unique(rows.segment_ids, return_index=True)
    some = rows.take(first)
    vectors = projection.project(key, some.vectors, some.languages)
    wanted = np.isin(medium.segments["segment_id"].to_numpy(), ids)
    return Medium(medium.segments.filter(wanted), ids, vectors)


def hybrid(folder: Path, lake: Path, pairs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row for each kind of query and each way, and the differences between ways."""
    half = Half.of(lake, pairs)
    place = folder / "hybrid"
    for kind, rows in (("en caption", half.cells.english), ("zh caption", half.cells.chinese)):
        yield from _rows(kind, *_captions(half, rows, place))
    asked = names(half)
    yield from _rows("exact name", asked, _ranks(half.searcher(place), asked))
    shutil.rmtree(place, ignore_errors=True)


def _captions(
    half: Half, rows: Rows, place: Path
) -> tuple[list[Asked], dict[str, NDArray[np.int64]]]:
    """Captions, and their ranks in lakes that have none of them."""
    folds = captions(half, rows)
    found: dict[str, list[NDArray[np.int64]]] = {way: [] for way in WAYS}
    asked: list[Asked] = []
    for fold in folds:
        searcher = half.searcher(place, frozenset(fold))
        some = [*fold.values()]
        asked += some
        for way, ranks in _ranks(searcher, some).items():
            found[way].append(ranks)
    return asked, {way: np.concatenate(ranks) for way, ranks in found.items()}


def captions(half: Half, rows: Rows) -> list[dict[str, Asked]]:
    """By fold: the captions of a language that ask, by content."""
    keys, items = half.cells.caption_keys, half.made.items["item_id"].to_pylist()
    known = set(items)
    same: dict[str, set[int]] = {}
    for item in items:
        same.setdefault(keys[item], set()).add(item)
    folds: list[dict[str, Asked]] = [{} for _ in range(FOLDS)]
    texts = _texts(rows)
    for item, content in sorted(zip(rows.item_ids.tolist(), rows.content_ids, strict=True)):
        if item in known:
            key = keys[item]
            number = int(hashlib.sha256(f"fold/{key}".encode()).hexdigest(), 16) % FOLDS
            folds[number].setdefault(content, Asked(texts[content], frozenset(same[key]), key))
    return folds


def _texts(rows: Rows) -> dict[str, str]:
    """The whole text of each content, of its chunks in order."""
    found: dict[str, list[str]] = {}
    for content, text in dict.fromkeys(zip(rows.content_ids, rows.texts, strict=True)):
        found.setdefault(content, []).append(text or "")
    return {content: " ".join(texts) for content, texts in found.items()}


def names(half: Half) -> list[Asked]:
    """The last parts of the keys of ``NAMES`` items, drawn once."""
    table = half.made.items
    bearers: dict[str, set[int]] = {}
    for item, key in zip(table["item_id"].to_pylist(), table["key"].to_pylist(), strict=True):
        bearers.setdefault(key.rpartition("/")[2], set()).add(item)
    drawn = np.random.default_rng(SEED).permutation(len(bearers))[:NAMES]
    every = sorted(bearers)
    return [
        Asked(every[number], frozenset(bearers[every[number]]), every[number])
        for number in sorted(drawn.tolist())
    ]


def _ranks(searcher: Searcher, asked: Sequence[Asked]) -> dict[str, NDArray[np.int64]]:
    """By way: the rank of the first right answer of each, 0 where none is."""
    return {way: ranks(searcher, asked, options) for way, options in WAYS.items()}


def ranks(
    searcher: Searcher, asked: Sequence[Asked], options: dict[str, Any]
) -> NDArray[np.int64]:
    """(n,) the rank of the first right answer to each, from 1 on; 0 where none is found."""
    found: list[int] = []
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        wanted = [SearchRequest(parts=(Part(text=a.text),), k=DEPTH, **options) for a in some]
        for one, answer in zip(some, searcher.answers(wanted), strict=True):
            if isinstance(answer, MmindexError):
                raise answer
            found.append(first_right([hit.item_id for hit in answer.hits], one.right))
    return np.array(found, dtype=np.int64)


def first_right(items: Sequence[int], right: frozenset[int]) -> int:
    """The place, from 1 on, of the first item that is right; 0 where none is."""
    return next((place for place, item in enumerate(items, 1) if item in right), 0)


def _rows(
    kind: str, asked: Sequence[Asked], found: dict[str, NDArray[np.int64]]
) -> Iterator[dict[str, Any]]:
    """Each way's measures, and how far the blend is from the better of the two others."""
    _, groups = np.unique([one.group for one in asked], return_inverse=True)
    for way, first in found.items():
        yield {"queries": kind, "n": len(asked), "way": way, **_told(measured(first), groups)}
    for other in ("vectors", "words"):
        difference = measured(found["blended"]) - measured(found[other])
        way = f"blended less {other}"
        yield {"queries": kind, "n": len(asked), "way": way, **_told(difference, groups)}


def measured(first: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, 2) the RR and the Success@10 of first right ranks (n,)."""
    there = first > 0
    return np.stack([there / np.maximum(first, 1), there & (first <= CUT)], axis=1).astype(float)


def _told(values: NDArray[np.float64], groups: Ids) -> dict[str, Any]:
    """Means and their 95 % intervals, by a bootstrap over caption keys."""
    told: dict[str, Any] = {}
    for name, column, (low, high) in zip(
        ("RR", "Success@10"), values.T, intervals(values, groups, seed=SEED).tolist(), strict=True
    ):
        told[name] = round(float(column.mean()), 4)
        told[f"{name}: 95 %"] = f"{low:.3f} to {high:.3f}"
    return told


def pairs_of(media: Path) -> list[dict[str, Any]]:
    """What ``benchmarks/build_stamps.py`` wrote."""
    text = (media / "pairs.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]
