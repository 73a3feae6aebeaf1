"""Which items belong together: those that share a caption, or a picture, also by way of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

FEWEST: Final = 8  # groups, below which some are not worth holding out
_WIDEST: Final = 3  # a group may have one item in so many
_FEW: Final = 4  # items that may share what joins them, however few there are
_SHARE: Final = 50  # one in so many of them may share it, too

_CAPTION: Final = "caption "
_CONTENT: Final = "content "

Links = Mapping[int, frozenset[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """By item, in the order given: the name of its group, equal for items that are connected."""

    names: tuple[str, ...]
    captions: Mapping[int, frozenset[str]]  # the caption keys that its group goes by
    tags: frozenset[str]  # caption keys that too many items share to connect them
    common: frozenset[str]  # contents that too many share

    @property
    def numbers(self) -> NDArray[np.int64]:
        """(n,) of the groups, by first appearance."""
        known: dict[str, int] = {}
        return np.array([known.setdefault(n, len(known)) for n in self.names], dtype=np.int64)


def item_groups(
    items: Sequence[int],
    captions: Mapping[int, Collection[str]],
    contents: Mapping[int, Collection[str]],
) -> Groups:
    """The groups of ``items`` that caption keys and contents connect.

    A fold that holds one of a group out holds out all: others would tell what it is called, or
    looks like. Where that leaves fewer than FEWEST groups, or one with more than a third of the
    items, what more than a fiftieth of the items share (and more than four) connects nobody: it
    is a tag ("a picture"), not a caption. Items with nothing but tags go by their rarest one.
    """
    linked = {
        item: frozenset(
            chain(
                (_CAPTION + key for key in captions.get(item, ())),
                (_CONTENT + content for content in contents.get(item, ())),
            )
        )
        for item in items
    }
    counts = Counter(chain.from_iterable(linked.values()))
    common: frozenset[str] = frozenset()
    names = _connected(items, linked, counts)
    if _too_alike(names):
        most = max(_FEW, len(items) // _SHARE)
        common = frozenset(link for link, count in counts.items() if count > most)
        linked = {item: _rare(of, common, counts) for item, of in linked.items()}
        names = _connected(items, linked, counts) if common else names
    return Groups(
        names,
        {item: _without(of, _CAPTION) for item, of in linked.items()},
        _without(common, _CAPTION),
        _without(common, _CONTENT),
    )


def _too_alike(names: Sequence[str]) -> bool:
    counts = Counter(names)
    return len(counts) < FEWEST or max(counts.values()) * _WIDEST > len(names)


def _rare(
    links: frozenset[str], common: frozenset[str], counts: Mapping[str, int]
) -> frozenset[str]:
    """What connects one item: no common link, but for one caption that has to name it."""
    left, said = links - common, [link for link in links if link.startswith(_CAPTION)]
    if said and not any(link.startswith(_CAPTION) for link in left):
        left |= {min(said, key=lambda link: (counts[link], link))}
    return left


def _connected(items: Sequence[int], linked: Links, counts: Mapping[str, int]) -> tuple[str, ...]:
    """Names of groups; captions come before items: so folds hold for other lakes, too."""
    parent = {f"item {item}": f"item {item}" for item in items}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for item in items:
        for link in linked[item]:
            if counts[link] > 1 or link.startswith(_CAPTION):  # one item's content is no name
                parent.setdefault(link, link)
                one, other = sorted((root(f"item {item}"), root(link)))
                parent[other] = one
    return tuple(root(f"item {item}") for item in items)


def _without(links: Iterable[str], kind: str) -> frozenset[str]:
    """Those of a kind, without what tells the kind."""
    return frozenset(link.removeprefix(kind) for link in links if link.startswith(kind))
