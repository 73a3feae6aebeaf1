"""What items go by: whose fold they are in, and which of them a caption is right for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.heads import LANGUAGES, language_of
from mmcore.training.groups import Groups, item_groups
from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys

Ordered = tuple[int, str]
"""A key and the place of its language, English first; one without words comes last."""


@dataclass(frozen=True, slots=True, eq=False)
class Sameness:
    """Row by row, what is equally right for a question: one group, or one tag that is asked."""

    codes: NDArray[np.int64]  # (n,) of groups
    has: NDArray[np.float32]  # (n, t) 1 where it has a tag
    says: Mapping[str, NDArray[np.float32]]  # language → (n, t) the same of all it says there

    @classmethod
    def of_keys(cls, keys: Iterable[str]) -> Sameness:
        """Of group keys alone, without tags."""
        _, codes = np.unique(np.array(list(keys), dtype=np.str_), return_inverse=True)
        return cls(codes.astype(np.int64), np.zeros((len(codes), 0), np.float32), {})

    def take(self, rows: NDArray[np.intp]) -> Sameness:
        """The rows, in that order; a row may come twice."""
        says = {name: of[rows] for name, of in self.says.items()}
        return Sameness(self.codes[rows], self.has[rows], says)

    def right(
        self, other: Sameness, source: str | None = None, target: str | None = None
    ) -> NDArray[np.bool_]:
        """(q, n) whether the row of ``other`` is right for the row here.

        ``source``, ``target``: the language of the caption that is asked, or sought; else it is a
        content. A caption that is a tag is right for all that have the tag.
        """
        same = np.asarray(self.codes[:, None] == other.codes[None])
        if (says := self.says.get(source or "")) is not None:
            same |= says @ other.has.T > 0
        if (said := other.says.get(target or "")) is not None:
            same |= self.has @ said.T > 0
        return same


@dataclass(frozen=True, slots=True, eq=False)
class Naming:
    """By item, in one order: ``same`` has a row for each."""

    keys: Mapping[int, str]  # of its group: equal ones are in one fold
    own: Mapping[int, str]  # its first caption's, that is no tag if another is
    same: Sameness

    @property
    def count(self) -> int:
        """How many groups there are."""
        return len(set(self.keys.values()))

    def of(self, items: Collection[int]) -> Naming:
        """Those of ``items``; they keep the names that they have among all."""
        wanted = set(items)
        kept = [(row, item) for row, item in enumerate(self.keys) if item in wanted]
        return Naming(
            {item: self.keys[item] for _, item in kept},
            {item: self.own[item] for _, item in kept},
            self.same.take(np.array([row for row, _ in kept], dtype=np.intp)),
        )

    def rows(self, items: Iterable[int]) -> Sameness:
        """A row for each of ``items``."""
        place = {item: row for row, item in enumerate(self.keys)}
        return self.same.take(np.array([place[item] for item in items], dtype=np.intp))


def naming_of(texts: Rows, contents: Iterable[tuple[str, int]] = ()) -> Naming:
    """What the items of ``texts`` go by; ``contents``: (content, item) of all media.

    A group goes by the smallest of its captions that are no tags, English ones first.
    """
    said: defaultdict[int, dict[str, set[str]]] = defaultdict(dict)
    first: dict[int, list[Ordered]] = {}
    own = zip(texts.item_ids.tolist(), texts.languages, caption_keys(texts), strict=True)
    for item, spoken, key in own:
        language = language_of(spoken)
        first.setdefault(item, []).append(
            (LANGUAGES.index(language) if key else len(LANGUAGES), key)
        )
        if key:
            said[item].setdefault(language, set()).add(key)
    media: defaultdict[int, set[str]] = defaultdict(set)
    for content, item in contents:
        media[item].add(content)
    captions = {item: set().union(*said[item].values()) for item in first}
    groups = item_groups(list(first), captions, media)
    return _named(first, groups, said)


def _named(
    first: Mapping[int, list[Ordered]],
    groups: Groups,
    said: Mapping[int, Mapping[str, Collection[str]]],
) -> Naming:
    nothing = len(LANGUAGES), ""
    chosen = {
        item: min((k for k in keys if k[1] in groups.captions[item]), default=nothing)
        for item, keys in first.items()
    }
    names: dict[str, Ordered] = {}
    for group, key in zip(groups.names, chosen.values(), strict=True):
        names[group] = min(names.get(group, key), key)
    keys = {item: names[group][1] for item, group in zip(first, groups.names, strict=True)}
    of_keys = Sameness.of_keys(keys.values())
    has, says = _tagged(list(first), groups.tags, said)
    return Naming(
        keys, {i: key for i, (_, key) in chosen.items()}, Sameness(of_keys.codes, has, says)
    )


def _tagged(
    items: list[int], tags: frozenset[str], said: Mapping[int, Mapping[str, Collection[str]]]
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """(n, t) which tags items have, and by language the same of those that say no more in it."""
    place = {tag: column for column, tag in enumerate(sorted(tags))}
    has = np.zeros((len(items), len(place)), dtype=np.float32)
    says = {language: has.copy() for language in LANGUAGES} if place else {}
    for row, item in enumerate(items if place else []):
        for language, keys in said.get(item, {}).items():
            columns = [place[key] for key in keys if key in place]
            has[row, columns] = 1
            if len(columns) == len(keys):
                says[language][row, columns] = 1
    return has, says
