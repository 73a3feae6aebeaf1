"""Choose what to erase: from items to contents, and to what must stay for others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from storage.erasure.holdings import Holdings, Place, places_of
from storage.erasure.orders import Order
from storage.erasure.tombstones import Tombstones, of_content, of_member, of_path, of_place


@dataclass(frozen=True, slots=True)
class Chosen:
    """An item that is erased, or that has something in common with one."""

    item_id: int
    root: str
    key: str
    files: tuple[str, ...]  # its paths below the root; of one that stays, those in question


@dataclass(frozen=True, slots=True)
class Selection:
    """What an erasure takes, and what it leaves for others."""

    items: tuple[Chosen, ...]  # that go
    refused: tuple[Place, ...]  # files that no item has: they were refused
    contents: frozenset[str]  # that go
    shared: tuple[Chosen, ...]  # items that stay and have contents of those that go
    stays: frozenset[str]  # contents that stay, since ``shared`` have them
    order: Order

    def __bool__(self) -> bool:
        return bool(self.order)


def select(
    holdings: Holdings,
    items: Collection[int],
    refused: Collection[Place],
    key: bytes,
    *,
    content: bool,
) -> Selection:
    """Work out what goes with ``items`` and the ``refused`` files.

    A content goes if no other item of any kept snapshot has it; with ``content`` all go, and an
    item of which nothing is left goes too.
    """
    mine = set(holdings.of_items(items)["content_id"].to_pylist())
    holders = holdings.of_contents(mine)
    others: defaultdict[int, list[tuple[Place, str]]] = defaultdict(list)
    for item, place, held in zip(
        holders["item_id"].to_pylist(),
        places_of(holders),
        holders["content_id"].to_pylist(),
        strict=True,
    ):
        if item not in items:
            others[item].append((place, held))
    stays = set() if content else {held for of in others.values() for _, held in of}
    going = mine - stays
    emptied = _emptied(holdings, others.keys(), going) if content else set()
    gone = set(items) | emptied
    shared = {item: of for item, of in others.items() if item not in gone}
    return Selection(
        items=_chosen(holdings, gone),
        refused=tuple(sorted(refused)),
        contents=frozenset(going),
        shared=_sharing(holdings, shared),
        stays=frozenset(stays),
        order=Order(
            items=frozenset(gone),
            contents=frozenset(going),
            paths=frozenset(of_path(key, *place) for place in refused),
            tombstones=_tombstones(holdings, gone, going, refused, key),
        ),
    )


def _emptied(holdings: Holdings, items: Collection[int], going: set[str]) -> set[int]:
    """Those of ``items`` that have nothing but contents that go."""
    rows = holdings.of_items(items)
    rest = {
        item
        for item, held in zip(
            rows["item_id"].to_pylist(), rows["content_id"].to_pylist(), strict=True
        )
        if held not in going
    }
    return set(items) - rest


def _chosen(holdings: Holdings, items: Collection[int]) -> tuple[Chosen, ...]:
    files: defaultdict[int, set[str]] = defaultdict(set)
    rows = holdings.of_items(items)
    for item, (_, path) in zip(rows["item_id"].to_pylist(), places_of(rows), strict=True):
        files[item].add(path)
    names = holdings.names(items)
    found = [Chosen(item, *names[item], tuple(sorted(files[item]))) for item in names]
    return tuple(sorted(found, key=lambda one: (one.root, one.key)))


def _sharing(holdings: Holdings, shared: dict[int, list[tuple[Place, str]]]) -> tuple[Chosen, ...]:
    names = holdings.names(shared.keys())
    found = [
        Chosen(item, *names[item], tuple(sorted({path for (_, path), _ in shared[item]})))
        for item in names
    ]
    return tuple(sorted(found, key=lambda one: (one.root, one.key)))


def _tombstones(
    holdings: Holdings,
    items: set[int],
    going: set[str],
    refused: Collection[Place],
    key: bytes,
) -> Tombstones:
    """By content where it goes; by its place where it stays; by item where the place stays too."""
    rows = holdings.of_items(items)
    names = holdings.names(items)
    kept = holdings.of_contents(set(rows["content_id"].to_pylist()) - going)
    staying = {
        (*place, held)
        for item, place, held in zip(
            kept["item_id"].to_pylist(),
            places_of(kept),
            kept["content_id"].to_pylist(),
            strict=True,
        )
        if item not in items
    }
    places, members = set(), set()
    for row in rows.to_pylist():
        where = row["root"], row["path"], row["content_id"]
        if row["content_id"] in going:
            continue
        if where in staying:
            members.add(of_member(key, *names[row["item_id"]], row["content_id"]))
        else:
            places.add(of_place(key, *where))
    return Tombstones(
        contents=frozenset(of_content(key, held) for held in going),
        places=frozenset(places),
        members=frozenset(members),
        paths=frozenset(of_path(key, *place) for place in refused),
    )
