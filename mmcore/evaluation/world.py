"""What two snapshots both hold: only there can they be compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.evaluation.contents import ByContent, contents_of
from mmcore.evaluation.galleries import gone_without, segment_gallery
from mmcore.evaluation.held import Held
from mmcore.evaluation.queries import Pairs, Question, medium, text_side
from mmcore.evaluation.ranking import Gallery
from mmcore.training.dataset.lake import bare_rows
from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys
from mmcore.types import Ids
from storage.schemas import FUSED, MODALITIES, Modality
from storage.snapshot import Snapshot

Mask = NDArray[np.bool_]

_BLOCK: Final = 100_000  # pairs that are hashed at once


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """The pairs of item and content that both snapshots name, whatever was embedded of them.

    A content that one of them has no vector of is described by the other: who asks, and what is
    right, is the same for both, and what a snapshot has lost counts against it. The sets of a user
    are judged by items instead (``answers``, ``of_items``): who is right was said by a person, so
    a caption that was swapped counts, too.
    """

    pairs: Held
    whole: Ids
    """Sorted: the items with the same contents in both, whose fused vectors can be compared."""
    rows: Mapping[Modality, Rows]
    """Segments of either, of these pairs alone, without vectors."""
    fused_of: frozenset[Modality]  # what the fused vectors of either are made of
    asks: Pairs  # the questions, of ``rows``
    digest: str
    """Names it: equal worlds, equal digests."""
    both: tuple[Snapshot, Snapshot]
    _made: dict[str, tuple[Gallery, ByContent]] = field(default_factory=dict)

    @classmethod
    def common(cls, before: Snapshot, after: Snapshot) -> World:
        """By the tables ``item_files`` of both."""
        pairs, whole = Held.common(before, after)
        rows = {m: _rows(before, after, m, pairs) for m in MODALITIES}
        rows = {m: of for m, of in rows.items() if len(of)}
        fused_of = frozenset(_fused(before) | _fused(after))
        digest = _digest(pairs, whole, rows)
        return cls(pairs, whole, rows, fused_of, Pairs(rows), digest, (before, after))

    @property
    def changed(self) -> int:
        """How many of the items that both hold have other contents than before."""
        return len(self.pairs.items) - len(self.whole)

    def mask(self, gallery: Gallery, side: str) -> Mask:
        """(rows,) which rows of a snapshot's ``gallery`` of ``side`` belong to the world."""
        if side == FUSED:
            return np.isin(gallery.item_ids, self.whole)
        owners = np.repeat(gallery.item_ids, np.diff(gallery.starts))
        return self.pairs.mask(owners, gallery.contents)

    def right(self, question: Question, side: str) -> Ids:
        """The right items that have something on ``side`` but what is hidden; as ``relevant``."""
        gallery, by_content = self._gallery(side)
        places = gallery.positions(question.relevant)
        left = places[~np.isin(places, gone_without(gallery, by_content, question.hidden))]
        right: Ids = gallery.item_ids[left]
        return right

    def holding(self, items: Ids, side: str) -> Ids:
        """Those of ``items`` that have something on ``side``."""
        gallery, _ = self._gallery(side)
        held: Ids = gallery.item_ids[gallery.positions(items)]
        return held

    def answers(self, items: Ids, side: str) -> Ids:
        """Those of ``items`` that have something on ``side``, whatever contents these are.

        Both snapshots have something of the item there, or what one has is a content that both
        name. A file that is gone is no answer any more; a vector that is gone is missed.
        """
        one, other = (items_on(snapshot, side) for snapshot in self.both)
        either = np.union1d(np.intersect1d(one, other), self.holding(items, side))
        found: Ids = items[np.isin(items, either)]
        return found

    def of_items(self, gallery: Gallery) -> Mask:
        """(rows,) which rows of a snapshot's ``gallery`` are of items that both hold."""
        mine = np.isin(gallery.item_ids, self.pairs.items)
        return np.repeat(mine, np.diff(gallery.starts))

    def _gallery(self, side: str) -> tuple[Gallery, ByContent]:
        """Who has what on a side, without vectors."""
        if side not in self._made:
            gallery = self._fused_rows() if side == FUSED else self._segments(side)
            self._made[side] = gallery, ByContent.of(gallery.contents)
        return self._made[side]

    def _segments(self, side: str) -> Gallery:
        return segment_gallery(self.rows.get(medium(side), Rows.empty(0)), side)

    def _fused_rows(self) -> Gallery:
        """All that the fused vectors of whole items are made of."""
        mine = [of for modality, of in self.rows.items() if modality in self.fused_of]
        ids = np.concatenate([np.zeros(0, dtype=np.int64), *(of.item_ids for of in mine)])
        contents = np.concatenate([np.zeros(0, "U32"), *(contents_of(of) for of in mine)])
        kept = np.isin(ids, self.whole)
        ids, contents = ids[kept], contents[kept]
        return Gallery.of(ids, contents, np.zeros((len(ids), 0), dtype=np.float32))


def items_on(snapshot: Snapshot, side: str) -> Ids:
    """The items that have a segment of ``side``, or of what fused vectors are made of; sorted."""
    if side == FUSED:
        each = [items_on(snapshot, str(modality)) for modality in _fused(snapshot)]
        return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *each]))
    table = snapshot.rows(f"segments/{medium(side)}", ["item_id", "language"])
    ids: Ids = table["item_id"].to_numpy()
    if side.startswith("text:"):
        told = [text_side(language) == side for language in table["language"].to_pylist()]
        ids = ids[np.array(told, dtype=bool)]
    return np.unique(ids)


def _rows(before: Snapshot, after: Snapshot, modality: Modality, pairs: Held) -> Rows:
    """The rows of ``pairs`` in ``after``, and those of ``before`` that it has none of."""
    there = [s for s in (before, after) if s.manifest.paths(f"segments/{modality}/")]
    if not there:
        return Rows.empty(0)
    *earlier, mine = [_within(bare_rows(snapshot, modality), pairs) for snapshot in there]
    if not earlier:
        return mine
    had, has = (pairs.numbers(of.item_ids, of.content_ids) for of in (earlier[0], mine))
    lost = ~np.isin(had, has)
    return mine if not lost.any() else _joined(mine, earlier[0].take(lost))


def _within(rows: Rows, pairs: Held) -> Rows:
    mask = pairs.numbers(rows.item_ids, rows.content_ids) >= 0
    return rows if mask.all() else rows.take(mask)


def _joined(one: Rows, two: Rows) -> Rows:
    """Rows of both, by item."""
    marks = [np.zeros(len(r), bool) if r.derived is None else r.derived for r in (one, two)]
    keyed = one.keys is not None and two.keys is not None
    both = Rows(
        np.concatenate([one.item_ids, two.item_ids]),
        np.concatenate([one.segment_ids, two.segment_ids]),
        one.content_ids + two.content_ids,
        one.languages + two.languages,
        one.texts + two.texts,
        np.concatenate([one.vectors, two.vectors]),
        (*(one.keys or ()), *(two.keys or ())) if keyed else None,
        np.concatenate(marks),
    )
    return both.take(np.argsort(both.item_ids, kind="stable"))


def _fused(snapshot: Snapshot) -> set[Modality]:
    """The modalities that fused vectors are made of."""
    manifest = snapshot.manifest
    if manifest.fusion is None:
        return set()
    return {m for m in MODALITIES if snapshot.space(m) == manifest.fused_of}


def _digest(pairs: Held, whole: Ids, rows: Mapping[Modality, Rows]) -> str:
    """Of the pairs and of what decides who asks and what is right: sides and captions."""
    hasher = hashlib.blake2b(whole.tobytes(), digest_size=8)
    for low in range(0, len(pairs.pairs), _BLOCK):
        places, codes = np.divmod(pairs.pairs[low : low + _BLOCK], len(pairs.names))
        hasher.update(pairs.items[places].tobytes())
        hasher.update(b"/".join(pairs.names.sorted[codes].tolist()))
    for modality, of in rows.items():
        captions = replace(of, derived=None) if modality == Modality.TEXT else None
        keys = caption_keys(captions) if captions is not None else ("",) * len(of)
        hasher.update(f"{modality}/{_summed(of, keys):x}".encode())
    return hasher.hexdigest()


def _summed(rows: Rows, keys: Sequence[str]) -> int:
    """A hash of what is told of each pair, in whatever order and however often."""
    told = zip(rows.item_ids.tolist(), rows.content_ids, rows.languages, keys, strict=True)
    lines = (f"{item}/{content}/{language or ''}/{key}" for item, content, language, key in told)
    hashes = {hashlib.blake2b(line.encode(), digest_size=16).digest() for line in lines}
    return sum(int.from_bytes(one, "big") for one in hashes) % 2**128
