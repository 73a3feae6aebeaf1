"""Queries out of a lake's own held-out pairs, and what is right for each; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from mmcore.encoders.projections import FittedOn, caption_digests
from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys, is_held_out
from mmcore.types import Ids
from storage.schemas import Modality


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

    @property
    def group(self) -> int:
        """The smallest of all items that share a caption: questions of one group are not alone."""
        return min(int(items[0]) for items in (self.items, *self.right))

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


@dataclass(slots=True)
class Text:
    """One text content, with the key that equal captions share."""

    key: str
    language: str | None
    chunks: list[str] = field(default_factory=list)  # in order


class Pairs:
    """Which contents belong together: through items, and through equal captions."""

    def __init__(self, rows: Mapping[Modality, Rows]) -> None:
        self._texts: dict[str, Text] = {}
        self._items: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self._contents: dict[int, set[str]] = defaultdict(set)  # item → contents
        self._keys: dict[int, set[str]] = defaultdict(set)  # item → caption keys
        self._captioned: dict[str, Ids] = {}  # caption key → items
        self._equal: dict[str, frozenset[str]] = {}  # caption key → text contents
        for modality, of in rows.items():
            if modality == Modality.TEXT:
                self._add_texts(replace(of, vectors=of.vectors[:, :0]).captions())
            else:
                for item, content in set(zip(of.item_ids.tolist(), of.content_ids, strict=True)):
                    self._add(str(modality), item, content)

    def _add(self, side: str, item: int, content: str) -> None:
        self._items[side][content].add(item)
        self._contents[item].add(content)

    def _add_texts(self, rows: Rows) -> None:
        captioned: dict[str, set[int]] = defaultdict(set)
        equal: dict[str, set[str]] = defaultdict(set)
        seen: set[int] = set()
        keys = caption_keys(rows)
        for place, (item, content) in enumerate(
            zip(rows.item_ids.tolist(), rows.content_ids, strict=True)
        ):
            text = self._texts.setdefault(content, Text(keys[place], rows.languages[place]))
            self._add(text_side(text.language), item, content)
            if (segment := int(rows.segment_ids[place])) not in seen:
                seen.add(segment)
                text.chunks.append(rows.texts[place] or "")
            if text.key:  # punctuation alone says nothing that could be equal
                self._keys[item].add(text.key)
                captioned[text.key].add(item)
                equal[text.key].add(content)
        self._captioned = {k: np.array(sorted(i), dtype=np.int64) for k, i in captioned.items()}
        self._equal = {key: frozenset(contents) for key, contents in equal.items()}

    @property
    def sides(self) -> tuple[str, ...]:
        """What there is to ask with and to look for, texts by language; sorted."""
        return tuple(sorted(self._items))

    def text(self, item: int, side: str) -> str | None:
        """A text of ``item`` on that side, the first by content id; None where there is none."""
        for content in sorted(self._contents.get(item, ())):
            text = self._texts.get(content)
            if text is not None and text_side(text.language) == side:
                return " ".join(text.chunks)
        return None

    def questions(self, side: str, share: float, fitted: FittedOn) -> Iterator[Question]:
        """Held-out contents of ``side``, in the order of their content ids: a choice by hash.

        A text is held out by its own key, another medium by any caption of its items. A content
        whose items touch what the projection was fitted on, by a content or a caption, is never
        asked.
        """
        for content in sorted(self._items.get(side, ())):
            items = self._items[side][content]
            keys = {key for item in items for key in self._keys[item]}
            text = self._texts.get(content)
            own = keys & {text.key} if text else keys
            if any(is_held_out(key, share) for key in own) and not self._touches(
                items, keys, fitted
            ):
                yield self._question(content, side, items, keys)

    def frozen(self, side: str, contents: Collection[str], fitted: FittedOn) -> Iterator[Question]:
        """The questions of those ``contents`` that are here on ``side``, in the order given.

        A content whose items touch what was fitted on is never asked, as in ``questions``.
        """
        here = self._items.get(side, {})
        for content in contents:
            items = here.get(content, ())
            keys = {key for item in items for key in self._keys[item]}
            if items and not self._touches(items, keys, fitted):
                yield self._question(content, side, items, keys)

    def having(self, items: Ids, sides: Collection[str]) -> frozenset[str]:
        """The contents of ``items`` on any of ``sides``."""
        known = [self._items[side] for side in sides if side in self._items]
        return frozenset(
            content
            for item in items.tolist()
            for content in self._contents.get(item, ())
            if any(content in of for of in known)
        )

    def known(self, side: str, share: float, fitted: FittedOn) -> Iterator[Question]:
        """Texts of ``side`` that were fitted on with other media of theirs, by content id.

        Not those of an item with a held-out caption: ``share`` may have been raised since.
        """
        for content in sorted(self._items.get(side, ())):
            text = self._texts.get(content)
            if text is None or caption_digests([text.key]).isdisjoint(fitted.captions):
                continue
            items = self._items[side][content]
            keys = {key for item in items for key in self._keys[item]}
            if self._learned(items, fitted) and not any(is_held_out(key, share) for key in keys):
                yield self._question(content, side, items, keys)

    def _learned(self, items: Collection[int], fitted: FittedOn) -> bool:
        """Whether anything but a text of ``items`` was fitted on."""
        contents = (content for item in items for content in self._contents[item])
        return any(c in fitted.contents and c not in self._texts for c in contents)

    def contents(self, item: int) -> dict[str, frozenset[str]]:
        """What can be asked with of an item: side → contents."""
        found: dict[str, set[str]] = defaultdict(set)
        for content in self._contents.get(item, ()):
            for side, known in self._items.items():
                if content in known:
                    found[side].add(content)
        return {side: frozenset(found[side]) for side in sorted(found)}

    def alike(self, item: int) -> Ids:
        """The items that share a caption with ``item``, that one among them; sorted."""
        found = [self._captioned[key] for key in self._keys.get(item, ())]
        return np.unique(np.concatenate([np.array([item], dtype=np.int64), *found]))

    def _touches(self, items: Collection[int], keys: Collection[str], fitted: FittedOn) -> bool:
        contents = (content for item in items for content in self._contents[item])
        return not fitted.captions.isdisjoint(caption_digests(keys)) or any(
            c in fitted.contents for c in contents
        )

    def _question(
        self, content: str, side: str, items: Collection[int], keys: Collection[str]
    ) -> Question:
        text = self._texts.get(content)
        equal = self._equal.get(text.key) if text else None
        return Question(
            content_id=content,
            side=side,
            chunks=tuple(text.chunks) if text else (),
            language=text.language if text else None,
            hidden=equal or frozenset({content}),
            items=np.array(sorted(items), dtype=np.int64),
            right=tuple(self._captioned[key] for key in sorted(keys)),
        )


def text_side(language: str | None) -> str:
    """The side of a text: ``text:en``, ``text:zh``, else ``text:other``."""
    return f"text:{language or 'other'}"


def medium(side: str) -> Modality:
    """``text:zh`` → text; ``image`` → image."""
    return Modality(side.partition(":")[0])
