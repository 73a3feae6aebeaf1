"""What items have in the shared space, as one vector for each of their contents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.errors import TrainingError
from mmcore.training.groups import Groups, item_groups
from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys
from mmcore.training.unseen import Unseen
from mmcore.types import Ids, Vectors
from storage.schemas import MODALITIES, Modality, stable_id

_CANCELLED: Final = 1e-6  # a sum of unit vectors shorter than this has no direction

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """Row ``i`` is one content of one item; rows are sorted by item."""

    item_ids: Ids  # (items,) sorted
    groups: Places  # (items,) the same number for items that share a caption or a content
    folds_by: tuple[str, ...]  # (items,) what decides the fold: the same within a group
    items: Places  # (n,) place of the row's item
    columns: Places  # (n,) place of its modality
    sides: tuple[str, ...]  # (n,) the modality, of texts with the language
    codes: Places  # (n,) equal for what may not be sought by each other: one content, one caption
    asks: Mask  # (n,) whether it may be a query: nothing read or heard in another file, no tag
    vectors: Vectors  # (n, d) unit: where it lies, or would if nothing had been fitted on it
    settled: Vectors  # (n, d) unit: where the lake has it
    content_ids: tuple[str, ...]  # (n,)
    placed_by: Places  # (items,) which fold's projection gave ``vectors``; -1 where none did

    def __len__(self) -> int:
        """How many items there are."""
        return len(self.item_ids)

    @property
    def starts(self) -> Places:
        """(items + 1,) the first row of each item, then the number of rows."""
        found: Places = np.searchsorted(self.items, np.arange(len(self) + 1)).astype(np.int64)
        return found

    def take(self, which: Mask) -> Contents:
        """The items of a mask (items,), with their rows."""
        rows = np.flatnonzero(which[self.items])
        number = np.cumsum(which) - 1
        return Contents(
            self.item_ids[which],
            self.groups[which],
            tuple(self.folds_by[i] for i in np.flatnonzero(which).tolist()),
            number[self.items[rows]].astype(np.int64),
            self.columns[rows],
            tuple(self.sides[row] for row in rows.tolist()),
            self.codes[rows],
            self.asks[rows],
            self.vectors[rows],
            self.settled[rows],
            tuple(self.content_ids[row] for row in rows.tolist()),
            self.placed_by[which],
        )

    def fold(self, folds: int, salt: str = "") -> Places:
        """(items,) the number of each item's fold, by a hash: of one group, all in the same."""
        found = [stable_id("fusion-fold", salt, name) % folds for name in self.folds_by]
        return np.array(found, dtype=np.int64)

    @property
    def placed(self) -> bool:
        """Whether some lie elsewhere than the lake has them."""
        return bool((self.placed_by >= 0).any())

    def parts(self, count: int) -> Places:
        """(items,) in which of several parts each is that are held out in turn.

        As many as there are folds of projections, where these placed them, and the same; items
        that none did, by hash. Else ``count``, by hash.
        """
        if not self.placed:
            return self.fold(count)
        found = self.fold(int(self.placed_by.max()) + 1)
        return np.where(self.placed_by >= 0, self.placed_by, found)

    def learnable(self) -> Mask:
        """(items,) which have two contents or more, so that one can be sought by the other."""
        several = [
            len(set(self.codes[low:high].tolist())) > 1 and bool(self.asks[low:high].any())
            for low, high in zip(self.starts[:-1], self.starts[1:], strict=True)
        ]
        return np.array(several, dtype=np.bool_)


def contents_of(
    rows: Mapping[Modality, Rows], unseen: Unseen | None = None
) -> tuple[Contents, frozenset[str]]:
    """What items have, and all caption keys of theirs.

    A content's segments count as one: the direction of their mean. ``unseen``, by modality, tells
    where the contents that a projection was fitted on would lie. Raises TrainingError for a
    vector that is not finite, ValueError for vectors of several lengths.
    """
    new = Unseen() if unseen is None else unseen
    found: dict[tuple[int, int, str], _Row] = {}
    captions: defaultdict[int, set[str]] = defaultdict(set)
    for modality, of in rows.items():
        if not np.isfinite(of.vectors).all():
            raise TrainingError(
                f"{modality}: a vector that is no number: `mmindex snapshots verify` looks for"
                " damage; nothing is trained"
            )
        _gather(modality, of, found, captions)
    ordered = {place: row for place, row in sorted(found.items()) if row.length > _CANCELLED}
    items = np.array(sorted({item for item, _, _ in ordered}), dtype=np.int64)
    groups = _groups(items, ordered, captions)
    codes: dict[str, int] = {}
    contents = Contents(
        items,
        groups.numbers,
        groups.names,
        np.searchsorted(items, [item for item, _, _ in ordered]).astype(np.int64),
        np.array([column for _, column, _ in ordered], dtype=np.int64),
        tuple(row.side for row in ordered.values()),
        np.array([codes.setdefault(r.code, len(codes)) for r in ordered.values()], dtype=np.int64),
        np.array([row.asks_beside(groups) for row in ordered.values()], dtype=np.bool_),
        _stacked([_as_new(place, row, new) for place, row in ordered.items()]),
        _stacked([row.total / row.length for row in ordered.values()]),
        tuple(content for _, _, content in ordered),
        np.array([new.folds.get(item, -1) for item in items.tolist()], dtype=np.int64),
    )
    return contents, frozenset(key for keys in captions.values() for key in keys)


@dataclass(slots=True)
class _Row:
    """One content of one item, while its segments are summed."""

    side: str
    code: str
    key: str  # of a caption; else ""
    content: str
    asks: bool
    total: NDArray[np.float32]

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.total))

    def asks_beside(self, groups: Groups) -> bool:
        """Whether it may ask: what very many items have tells none of them from the others."""
        return self.asks and self.key not in groups.tags and self.content not in groups.common


def _groups(
    items: Ids,
    ordered: Mapping[tuple[int, int, str], _Row],
    captions: Mapping[int, set[str]],
) -> Groups:
    """Of items that share a caption, or a content that is no text."""
    media: defaultdict[int, set[str]] = defaultdict(set)
    for item, column, content in ordered:
        if MODALITIES[column] != Modality.TEXT:
            media[item].add(content)
    return item_groups(items.tolist(), captions, media)


def _as_new(place: tuple[int, int, str], row: _Row, unseen: Unseen) -> NDArray[np.float32]:
    """Where a content lies as if nothing had been fitted on it."""
    _, column, content = place
    settled: NDArray[np.float32] = (row.total / row.length).astype(np.float32)
    vector = unseen.vectors.get(MODALITIES[column], {}).get(content, settled)
    if len(vector) != len(settled):
        raise ValueError(f"vectors of {len(vector)} numbers for rows of {len(settled)}")
    return vector


def _gather(
    modality: Modality,
    rows: Rows,
    found: dict[tuple[int, int, str], _Row],
    captions: defaultdict[int, set[str]],
) -> None:
    column = MODALITIES.index(modality)
    texts = modality == Modality.TEXT
    keys = caption_keys(rows) if texts else ("",) * len(rows)
    derived = [False] * len(rows) if rows.derived is None else rows.derived.tolist()
    for row, item in enumerate(rows.item_ids.tolist()):
        content, read = rows.content_ids[row], derived[row]
        key = "" if read else keys[row]
        side = f"{modality}:{rows.languages[row] or 'other'}" if texts else str(modality)
        place = item, column, content
        if place not in found:
            code = f"caption {key}" if key else f"content {content}"
            nothing = np.zeros(rows.vectors.shape[1], dtype=np.float32)
            found[place] = _Row(side, code, key, content, not read, nothing)
        found[place].total += rows.vectors[row]
        if key:
            captions[item].add(key)


def _stacked(vectors: Sequence[NDArray[np.float32]]) -> Vectors:
    if not vectors:
        return np.zeros((0, 0), dtype=np.float32)
    return np.ascontiguousarray(np.stack(vectors), dtype=np.float32)
