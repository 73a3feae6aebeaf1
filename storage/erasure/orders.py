"""What is to be erased, written down until its proof is clean: a crash loses no part of it.

The order holds ids and keyed hashes; names and texts, which the proof looks for, are sealed under
the lake's key. It is removed when nothing of the erased was found.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from storage.erasure.tombstones import Tombstones
from storage.errors import CorruptLakeError
from storage.json_files import read_object
from storage.layout import Layout
from storage.places.atomic import write_bytes
from storage.places.place import remove

_FILE: Final = "pending.json"


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """A model that was fitted on erased contents: its weights stay as they are."""

    model: str  # name and version
    contents: int
    captions: int


@dataclass(frozen=True, slots=True)
class OfSet:
    """What was taken out of a query set of the user's."""

    name: str
    queries: int
    judged: int  # rows of its judgements
    whole: bool = False  # nothing of it is left


@dataclass(frozen=True, slots=True)
class Did:
    """What was done of an order so far, by all who were at it."""

    candidates: tuple[str, ...] = ()  # runs whose candidates were dropped
    models: tuple[TrainedOn, ...] = ()
    reports: int = 0  # cleaned or removed files
    removed: int = 0  # files
    sets: tuple[OfSet, ...] = ()

    def __or__(self, other: Did) -> Did:
        """Both; of a model that both have, what was said first."""
        known = {one.model for one in self.models}
        return Did(
            tuple(dict.fromkeys((*self.candidates, *other.candidates))),
            (*self.models, *(one for one in other.models if one.model not in known)),
            self.reports + other.reports,
            self.removed + other.removed,
            (*self.sets, *other.sets),
        )


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be erased from every kept snapshot."""

    items: frozenset[int] = frozenset()  # whole, by item id
    contents: frozenset[str] = frozenset()  # wherever they are
    paths: frozenset[str] = frozenset()  # tombstones.of_path of rows of the quarantine
    tombstones: Tombstones = field(default_factory=Tombstones)  # to be set
    replaced: frozenset[str] = frozenset()  # files below the lake, written anew by other names
    begun: datetime | None = None
    sealed: str = ""  # what its proof looks for
    did: Did = field(default_factory=Did)

    def __bool__(self) -> bool:
        """Whether there is anything to erase."""
        return bool(self.items or self.contents or self.paths)

    def __or__(self, other: Order) -> Order:
        """Both; what ``self`` has sealed is to be sealed together with ``other``'s."""
        return Order(
            self.items | other.items,
            self.contents | other.contents,
            self.paths | other.paths,
            self.tombstones | other.tombstones,
            self.replaced | other.replaced,
            self.begun or other.begun,
            self.sealed or other.sealed,
            self.did | other.did,
        )


def write_order(layout: Layout, order: Order) -> None:
    """Write down what is to be erased; hold the writer's lock."""
    told = {
        "items": sorted(order.items),
        "contents": sorted(order.contents),
        "paths": sorted(order.paths),
        "tombstones": order.tombstones.to_json(),
        "replaced": sorted(order.replaced),
        "begun": order.begun and order.begun.isoformat(),
        "sealed": order.sealed,
        "did": asdict(order.did),
    }
    write_bytes(place(layout), json.dumps(told, indent=1).encode())


def pending(layout: Layout) -> Order | None:
    """What an erasure that was interrupted, or whose proof was not clean, has still to do."""
    path = place(layout)
    told = read_object(path)
    if told is None:
        return None
    try:
        return Order(
            items=frozenset(map(int, told["items"])),
            contents=frozenset(map(str, told["contents"])),
            paths=frozenset(map(str, told["paths"])),
            tombstones=Tombstones.from_json(told["tombstones"]),
            replaced=frozenset(map(str, told["replaced"])),
            begun=datetime.fromisoformat(told["begun"]) if told.get("begun") else None,
            sealed=str(told.get("sealed", "")),
            did=_did(told.get("did", {})),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptLakeError(path, f"does not say what to erase ({error!r})") from error


def _did(told: dict[str, Any]) -> Did:
    lists = {
        "candidates": tuple(map(str, told.get("candidates", ()))),
        "models": tuple(TrainedOn(**model) for model in told.get("models", ())),
        "sets": tuple(OfSet(**one) for one in told.get("sets", ())),
    }
    return Did(**{**told, **lists})


def interrupted(layout: Layout) -> bool:
    """Whether an erasure was begun and not ended; whatever its order says, or cannot say."""
    return place(layout).exists()


def done(layout: Layout) -> None:
    """Remove the order."""
    remove([place(layout)])


def place(layout: Layout) -> Path:
    """Where the order lies; the proof does not look into it."""
    return layout.tombstones / _FILE
