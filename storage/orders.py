"""What is to be erased, written down until it is done: a crash loses no part of an erasure.

The order holds ids and keyed hashes, no path and no text, and is removed when it is done.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from storage.atomic import write_bytes
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.places import remove
from storage.tombstones import Tombstones

_FILE: Final = "pending.json"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be erased from every kept snapshot."""

    items: frozenset[int] = frozenset()  # whole, by item id
    contents: frozenset[str] = frozenset()  # wherever they are
    paths: frozenset[str] = frozenset()  # tombstones.of_path of rows of the quarantine
    tombstones: Tombstones = field(default_factory=Tombstones)  # to be set
    replaced: frozenset[str] = frozenset()  # parts of cells that were rewritten, below the lake

    def __bool__(self) -> bool:
        """Whether there is anything to erase."""
        return bool(self.items or self.contents or self.paths)


def write_order(layout: Layout, order: Order) -> None:
    """Write down what is to be erased; hold the writer's lock."""
    told = {
        "items": sorted(order.items),
        "contents": sorted(order.contents),
        "paths": sorted(order.paths),
        "tombstones": order.tombstones.to_json(),
        "replaced": sorted(order.replaced),
    }
    write_bytes(_path(layout), json.dumps(told, indent=1).encode())


def pending(layout: Layout) -> Order | None:
    """What an erasure that was interrupted has still to do."""
    path = _path(layout)
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise CorruptLakeError(path, f"is no JSON ({error})") from error
    try:
        return Order(
            items=frozenset(map(int, told["items"])),
            contents=frozenset(map(str, told["contents"])),
            paths=frozenset(map(str, told["paths"])),
            tombstones=Tombstones.from_json(told["tombstones"]),
            replaced=frozenset(map(str, told["replaced"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptLakeError(path, f"does not say what to erase ({error!r})") from error


def done(layout: Layout) -> None:
    """Remove the order."""
    remove([_path(layout)])


def _path(layout: Layout) -> Path:
    return layout.tombstones / _FILE
