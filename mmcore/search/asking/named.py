"""Items as people name them → their ids."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow.compute as pc

from mmcore.errors import ConfigError
from mmcore.search.among import among
from mmcore.search.notes import Note
from mmcore.search.opened.aliases import aliases_of
from storage.schemas import item_id
from storage.snapshot import Snapshot

_LARGEST: Final = 2**63 - 1


def item_named(snapshot: Snapshot, name: str) -> int:
    """The id of an item that is named by ROOT/KEY, by its key alone, by its id or by a file.

    A file is named by its path, or by ROOT/PATH. ConfigError where the lake has none of that name,
    or several have it.
    """
    aliases = aliases_of(snapshot)
    whole = {item_id(a, name.removeprefix(f"{a}/")) for a in aliases if name.startswith(f"{a}/")}
    keyed = {item_id(alias, name) for alias in aliases}
    number = {int(name)} if name.isascii() and name.isdigit() and int(name) <= _LARGEST else set()
    for meant in (whole, keyed, number, None):
        found = _of_file(snapshot, name) if meant is None else _there(snapshot, meant)
        if len(found) > 1 and meant is None:
            raise ConfigError(Note("several-with", path=name, count=len(found)))
        if len(found) > 1:
            raise ConfigError(Note("several-items", item=name, roots=(*aliases,)))
        if found:
            return found[0]
    raise ConfigError(Note("no-item-named", item=repr(name)))


def _there(snapshot: Snapshot, meant: set[int]) -> list[int]:
    """Those of some ids that the lake has."""
    wanted = np.array(sorted(meant), dtype=np.int64)
    held = np.unique(snapshot.rows("items", ["item_id"])["item_id"].to_numpy())
    found: list[int] = wanted[among(wanted, held)].tolist()
    return found


def _of_file(snapshot: Snapshot, name: str) -> list[int]:
    """The items that have a file of a path, or of root and path."""
    table = snapshot.rows("item_files", ["item_id", "root", "path"])
    root, _, path = name.partition("/")
    whole = pc.and_(pc.equal(table["root"], root), pc.equal(table["path"], path))
    for meant in (whole, pc.equal(table["path"], name)):
        found: list[int] = np.unique(table.filter(meant)["item_id"].to_numpy()).tolist()
        if found:
            return found
    return []
