"""Queries out of a lake's own held-out pairs, and what is right for each; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np

from mmcore.encoders.projections import FittedOn, caption_digests
from mmcore.evaluation.linked import Codes, Linked, Names, components
from mmcore.evaluation.said import Said
from mmcore.training.rows import Rows
from mmcore.training.split import is_held_out
from mmcore.types import Ids
from storage.schemas import Modality

_NONE: Final = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One content that is asked with, what must not be in its gallery, and what is right."""

    content_id: str
    side: str
    chunks: tuple[str, ...]  # a text's; empty for other media
    language: str | None
    hidden: frozenset[str]  # contents: its own, and for a text those with the same key
    items: Ids  # the items that have it
    right: tuple[Ids, ...]  # per caption key of those, the items that have it: arrays are shared
    group: int  # of items that captions connect: its smallest; questions of one are not alone

    @property
    def relevant(self) -> Ids:
        """All items that share a caption key with one that has it: its own first, then by id.

        Made when asked for: kept, they would take the square of a caption's popularity.
        """
        if len(self.right) == 1:  # the usual case: sorted, each once
            (every,) = self.right
        else:
            every = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *self.right]))
        own = np.isin(every, self.items)
        return np.concatenate([every[own], every[~own]])


class Pairs:
    """Which contents belong together: through items, and through equal captions.

    Contents, items and caption keys are numbers, and who belongs to whom is arrays.
    """

    def __init__(self, rows: Mapping[Modality, Rows]) -> None:
        texts = rows.get(Modality.TEXT, Rows.empty(0))
        texts = replace(texts, vectors=texts.vectors[:, :0]).captions()
        others = {str(m): of for m, of in rows.items() if m != Modality.TEXT}
        every = (texts, *others.values())
        self._names = Names.of(chain.from_iterable(of.content_ids for of in every))
        self._ids: Ids = np.unique(np.concatenate([of.item_ids for of in every]))
        self._said = Said.of(texts, self._names)
        held = {
            side: (self._names.codes(of.content_ids), of.item_ids) for side, of in others.items()
        }
        for language, found in self._said.by_language(texts.item_ids).items():
            held[text_side(language)] = _both(held.get(text_side(language)), found)
        held = {side: pair for side, pair in held.items() if len(pair[0])}
        size = len(self._names)
        self._sides = {side: Linked.of(size, *held[side]) for side in sorted(held)}
        codes, items = (np.concatenate([_NONE, *(p[i] for p in held.values())]) for i in (0, 1))
        self._contents = Linked.of(len(self._ids), self._places(items), codes)
        self._link_captions(texts.item_ids)

    def _link_captions(self, items: Ids) -> None:
        """Items and their caption keys; ``items`` are those of the rows of captions."""
        said = self._said
        keys = said.key[said.codes]
        told = keys >= 0  # punctuation alone says nothing that could be equal
        keys, items = keys[told], items[told]
        places, count = self._places(items), len(said.keys)
        self._keys = Linked.of(len(self._ids), places, keys)
        self._captioned = Linked.of(count, keys, items)
        self._equal = Linked.of(count, keys, said.codes[told])
        self._component = components(places, keys, len(self._ids))

    @property
    def sides(self) -> tuple[str, ...]:
        """What there is to ask with and to look for, texts by language; sorted."""
        return tuple(self._sides)

    def text(self, item: int, side: str) -> str | None:
        """A text of ``item`` on that side, the first by content id; None where there is none."""
        for content in self._of_item(self._contents, item):
            if self._said.has(content) and text_side(self._said.language(content)) == side:
                return " ".join(self._said.chunks(content))
        return None

    def questions(self, side: str, share: float, fitted: FittedOn) -> Iterator[Question]:
        """Held-out contents of ``side``, in the order of their content ids: a choice by hash.

        A text is held out by its own key, another medium by any caption of its items. A content
        whose items touch what the projection was fitted on, by a content or a caption, is never
        asked.
        """
        for content, items in self._on(side):
            keys = self._keys_of(items)
            own = keys & {int(self._said.key[content])} if self._said.has(content) else keys
            if self._any_held_out(own, share) and not self._touches(items, keys, fitted):
                yield self._question(content, side, items, keys)

    def frozen(self, side: str, contents: Collection[str], fitted: FittedOn) -> Iterator[Question]:
        """The questions of those ``contents`` that are here on ``side``, in the order given.

        A content whose items touch what was fitted on is never asked, as in ``questions``.
        """
        here = self._sides.get(side)
        if here is None:
            return
        for content in self._names.codes(list(contents)).tolist():
            items = here[content] if content >= 0 else _NONE
            keys = self._keys_of(items)
            if len(items) and not self._touches(items, keys, fitted):
                yield self._question(content, side, items, keys)

    def having(self, items: Ids, sides: Collection[str]) -> frozenset[str]:
        """The contents of ``items`` on any of ``sides``."""
        known = [self._sides[side] for side in sides if side in self._sides]
        found = self._of_items(self._contents, items)
        return frozenset(self._names.name(c) for c in found if any(len(of[c]) for of in known))

    def known(self, side: str, share: float, fitted: FittedOn) -> Iterator[Question]:
        """Texts of ``side`` that were fitted on with other media of theirs, by content id.

        Not those of an item with a held-out caption: ``share`` may have been raised since.
        """
        for content, items in self._on(side):
            key = self._said.key_of(content)
            if not self._said.has(content) or caption_digests([key]).isdisjoint(fitted.captions):
                continue
            keys = self._keys_of(items)
            if self._learned(items, fitted) and not self._any_held_out(keys, share):
                yield self._question(content, side, items, keys)

    def contents(self, item: int) -> dict[str, frozenset[str]]:
        """What can be asked with of an item: side → contents."""
        mine = self._of_item(self._contents, item)
        found = {side: [c for c in mine if len(of[c])] for side, of in self._sides.items()}
        return {
            side: frozenset(self._names.name(content) for content in of)
            for side, of in found.items()
            if of
        }

    def alike(self, item: int) -> Ids:
        """The items that share a caption with ``item``, that one among them; sorted."""
        return np.union1d(self._captioned.every(self._of_item(self._keys, item)), [item])

    def component(self, item: int) -> int:
        """The smallest of all items that captions connect ``item`` with, also through others."""
        place = self._place(item)
        return item if place < 0 else int(self._ids[self._component[place]])

    def _on(self, side: str) -> Iterator[tuple[int, Ids]]:
        """The contents of a side by id, each with the items that have it."""
        of = self._sides.get(side)
        if of is not None:
            yield from ((content, of[content]) for content in of.linked.tolist())

    def _places(self, items: Ids) -> Codes:
        """Places of items that are all here."""
        return np.searchsorted(self._ids, items).astype(np.int64)

    def _place(self, item: int) -> int:
        """The place of an item; −1 where it is not here."""
        place = int(np.searchsorted(self._ids, item))
        return place if place < len(self._ids) and self._ids[place] == item else -1

    def _of_item(self, linked: Linked, item: int) -> list[int]:
        place = self._place(item)
        found: list[int] = linked[place].tolist() if place >= 0 else []
        return found

    def _of_items(self, linked: Linked, items: Ids) -> set[int]:
        return {value for item in items.tolist() for value in self._of_item(linked, item)}

    def _keys_of(self, items: Ids) -> set[int]:
        return self._of_items(self._keys, items)

    def _any_held_out(self, keys: Collection[int], share: float) -> bool:
        return any(is_held_out(self._said.keys[key], share) for key in keys if key >= 0)

    def _learned(self, items: Ids, fitted: FittedOn) -> bool:
        """Whether anything but a text of ``items`` was fitted on."""
        found = self._of_items(self._contents, items)
        return any(self._names.name(c) in fitted.contents and not self._said.has(c) for c in found)

    def _touches(self, items: Ids, keys: Collection[int], fitted: FittedOn) -> bool:
        if not (fitted.captions or fitted.contents):
            return False
        told = caption_digests(self._said.keys[key] for key in keys)
        return not fitted.captions.isdisjoint(told) or any(
            self._names.name(c) in fitted.contents for c in self._of_items(self._contents, items)
        )

    def _question(self, content: int, side: str, items: Ids, keys: Collection[int]) -> Question:
        said, key = self._said, int(self._said.key[content])
        equal = self._equal[key].tolist() if key >= 0 else [content]
        return Question(
            content_id=self._names.name(content),
            side=side,
            chunks=said.chunks(content),
            language=said.language(content),
            hidden=frozenset(self._names.name(c) for c in equal),
            items=items,
            right=tuple(self._captioned[key] for key in sorted(keys)),
            group=min(self.component(item) for item in items.tolist()),
        )


def _both(one: tuple[Codes, Ids] | None, other: tuple[Codes, Ids]) -> tuple[Codes, Ids]:
    if one is None:
        return other
    return np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])


def text_side(language: str | None) -> str:
    """The side of a text: ``text:en``, ``text:zh``, else ``text:other``."""
    return f"text:{language or 'other'}"


def medium(side: str) -> Modality:
    """``text:zh`` → text; ``image`` → image."""
    return Modality(side.partition(":")[0])
