"""The lake's own queries: chosen by hash once, and asked as long as their contents are there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation.queries import Pairs, Question, medium
from mmcore.specs import EvaluationSpec, FitSpec
from mmcore.training.dataset.lake import bare_rows
from mmcore.training.split import caption_keys, turn
from mmcore.types import Ids
from storage.schemas import FUSED, MODALITIES, QUERIES, Modality, digest
from storage.snapshot import Snapshot

VERSION: Final = 1
"""Raised when a row of ``queries`` means something else."""


@dataclass(frozen=True, slots=True)
class FrozenSet:
    """Direction (``text:zh→image``) → contents that ask, sorted."""

    directions: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, snapshot: Snapshot) -> FrozenSet:
        """What the table ``queries`` of a snapshot says; nothing where it has none."""
        return cls.told(snapshot.rows("queries"))

    @classmethod
    def told(cls, rows: pa.Table) -> FrozenSet:
        """What rows of ``schemas.QUERIES`` say, as ``freeze`` makes them."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for name, content in _pairs_of(rows):
            found[name].add(content)
        return cls({name: tuple(sorted(of)) for name, of in found.items()})

    def contents(self, direction: str) -> tuple[str, ...]:
        """Those of one direction; none: ()."""
        return self.directions.get(direction, ())

    def items(self, snapshot: Snapshot) -> Ids:
        """The items that nothing is ever fitted on, whatever share is held out; sorted.

        They have one of the contents, or the caption that held one out: of a text that is its own,
        of another medium that of its item which comes first by hash.
        """
        asked = {content for of in self.directions.values() for content in of}
        if not asked:
            return np.zeros(0, dtype=np.int64)
        held = snapshot.rows("item_files", ["item_id", "content_id"])
        own = _ids(held.filter(pc.is_in(held["content_id"], _strings(asked))))
        if not snapshot.manifest.paths(f"segments/{Modality.TEXT}"):
            return own
        texts = bare_rows(snapshot, Modality.TEXT).captions()
        keys = np.array(caption_keys(texts), dtype=object)
        asking = np.fromiter((c in asked for c in texts.content_ids), bool, len(texts))
        holding = {*keys[asking].tolist(), *_first_keys(keys, texts.item_ids, own)} - {""}
        alike = np.fromiter((key in holding for key in keys), bool, len(keys))
        return np.union1d(own, texts.item_ids[alike])


def _first_keys(keys: Ids, item_ids: Ids, items: Ids) -> Iterator[str]:
    """Of each of ``items`` the caption key that is the first to be held out."""
    mine: defaultdict[int, set[str]] = defaultdict(set)
    for row in np.flatnonzero(np.isin(item_ids, items)).tolist():
        mine[int(item_ids[row])].add(str(keys[row]))
    for found in mine.values():
        yield min(found - {""}, key=turn, default="")


def freeze(
    snapshot: Snapshot, before: pa.Table | None, spec: EvaluationSpec, fit: FitSpec
) -> pa.Table:
    """The rows of ``queries`` (``schemas.QUERIES``): those of ``before`` that live, and new ones.

    A row lives as long as its content is one of the lake's. New ones are held-out contents that
    have an answer, in the order of their ids, up to ``spec.max_queries`` of a direction; more than
    that stay. By rows alone, without vectors: what a model learned from counts, too, and is left
    out when it is asked.
    """
    frozen = _living(snapshot, before)
    rows = {m: bare_rows(snapshot, m) for m in MODALITIES if _has(snapshot, m)}
    pairs = Pairs(rows)
    answers = _Answers(snapshot, pairs)
    for source in pairs.sides:
        wanted = {name: target for name, target in answers.directions(source)}
        for question in pairs.questions(source, fit.held_out, FittedOn()):
            open_ = [name for name in wanted if len(frozen[name]) < spec.max_queries]
            if not open_:
                break
            for name in open_:
                if answers.has(question, wanted[name]):
                    frozen[name].add(question.content_id)
    found = [(name, content) for name in sorted(frozen) for content in sorted(frozen[name])]
    columns = list(zip(*found, strict=True)) or [(), ()]
    return pa.Table.from_arrays([pa.array(c, pa.string()) for c in columns], schema=QUERIES)


def fingerprint(fit: FitSpec) -> str:
    """Names the set, whatever has been added to it since."""
    return digest(["held-out", fit.held_out, VERSION])


class _Answers:
    """Which directions a snapshot can have, and whether a question has an answer there."""

    def __init__(self, snapshot: Snapshot, pairs: Pairs) -> None:
        self._snapshot, self._pairs = snapshot, pairs
        self._found: dict[tuple[bytes, str], frozenset[str]] = {}  # of a group of items

    def directions(self, source: str) -> Iterator[tuple[str, str]]:
        """Name and target of each direction in which ``source`` shares a space."""
        spaces = set(self._snapshot.spaces(medium(source)))
        for target in (*self._pairs.sides, FUSED):
            if target != source and not spaces.isdisjoint(self._spaces(target)):
                yield f"{source}→{target}", target

    def has(self, question: Question, target: str) -> bool:
        """Whether an item that is right has a content of ``target`` that is not hidden."""
        return any(
            not self._contents(items, target) <= question.hidden for items in question.right
        )

    def _spaces(self, target: str) -> tuple[str, ...]:
        if target != FUSED:
            return self._snapshot.spaces(medium(target))
        manifest = self._snapshot.manifest
        return () if manifest.fusion is None else (manifest.fused_of,)

    def _contents(self, items: Ids, target: str) -> frozenset[str]:
        """What items that share a caption have of ``target``."""
        place = items.tobytes(), target
        if place not in self._found:
            self._found[place] = self._pairs.having(items, self._sides(target))
        return self._found[place]

    def _sides(self, target: str) -> tuple[str, ...]:
        if target != FUSED:
            return (target,)
        shared = self._snapshot.manifest.fused_of
        return tuple(s for s in self._pairs.sides if self._snapshot.space(medium(s)) == shared)


def _living(snapshot: Snapshot, before: pa.Table | None) -> defaultdict[str, set[str]]:
    """The rows of ``before`` whose contents are still there, by direction."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    if before is None or not before.num_rows:
        return found
    there = snapshot.rows("item_files", ["content_id"])["content_id"]
    alive = before.filter(pc.is_in(before["content_id"], pc.unique(there)))
    for name, content in _pairs_of(alive):
        found[name].add(content)
    return found


def _pairs_of(rows: pa.Table) -> Iterator[tuple[str, str]]:
    return zip(rows["direction"].to_pylist(), rows["content_id"].to_pylist(), strict=True)


def _has(snapshot: Snapshot, modality: Modality) -> bool:
    return bool(snapshot.manifest.paths(f"segments/{modality}"))


def _ids(rows: pa.Table) -> Ids:
    ids: Ids = np.unique(rows["item_id"].to_numpy())
    return ids


def _strings(values: Collection[str]) -> pa.Array:
    return pa.array(sorted(values), pa.string())
