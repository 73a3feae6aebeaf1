"""How many items came, went, were renamed and changed: the counts of `diff`, without names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from storage.schemas import ITEM_FILES

if TYPE_CHECKING:  # it loads faiss, which who counts does without
    from storage.snapshot import Snapshot

_PAIR: Final = ["item_id", "content_id"]


@dataclass(frozen=True, slots=True)
class Turnover:
    """Numbers of items; a renamed one is neither added nor gone."""

    added: int = 0
    gone: int = 0
    renamed: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """The items of a snapshot, or of one to come, and what they hold."""

    items: NDArray[np.int64]
    pairs: pa.Table  # of item and content, each once

    @classmethod
    def made(cls, items: Iterable[int], item_files: pa.Table) -> Held:
        """Of items and of rows of ``schemas.ITEM_FILES``."""
        return cls(np.unique(np.fromiter(items, np.int64)), _pairs(item_files))

    @classmethod
    def of(cls, snapshot: Snapshot | None) -> Held:
        """Those of a snapshot; of none, none."""
        if snapshot is None:
            return cls.made((), ITEM_FILES.empty_table())
        items = snapshot.rows("items", ["item_id"])["item_id"].to_numpy()
        return cls(np.unique(items), _pairs(snapshot.rows("item_files", _PAIR)))


def _pairs(item_files: pa.Table) -> pa.Table:
    return item_files.select(_PAIR).group_by(_PAIR).aggregate([]).select(_PAIR)


def turnover(before: Held, after: Held) -> Turnover:
    """From ``before`` to ``after``: what went, and came with equal contents, was renamed.

    An item is known by root and key, whose hash its id is: a renamed one has another id.
    """
    added = np.setdiff1d(after.items, before.items, assume_unique=True)
    gone = np.setdiff1d(before.items, after.items, assume_unique=True)
    renamed = (_contents(after.pairs, added) & _contents(before.pairs, gone)).total()
    return Turnover(
        len(added) - renamed, len(gone) - renamed, renamed, len(_changed(before, after))
    )


def _contents(pairs: pa.Table, items: NDArray[np.int64]) -> Counter[str]:
    """How many of ``items`` hold the same; those that hold nothing are not counted."""
    of = pairs.filter(pc.is_in(pairs["item_id"], pa.array(items)))
    of = of.sort_by([(name, "ascending") for name in _PAIR])
    grouped = of.group_by("item_id", use_threads=False).aggregate([("content_id", "list")])
    return Counter(pc.binary_join(grouped["content_id_list"], ",").to_pylist())


def _changed(before: Held, after: Held) -> NDArray[np.int64]:
    """The items of both that hold something else now."""
    one = before.pairs.join(after.pairs, _PAIR, join_type="left anti")
    other = after.pairs.join(before.pairs, _PAIR, join_type="left anti")
    touched = np.concatenate([one["item_id"].to_numpy(), other["item_id"].to_numpy()])
    both = np.intersect1d(before.items, after.items, assume_unique=True)
    return np.intersect1d(np.unique(touched), both, assume_unique=True)
