"""The relations of a condition: what columns each has, and which one a name means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mmcore.search.conditions.bounds import FILES, ITEMS, LABELS, PLACE
from mmcore.search.conditions.grammar import Ref
from mmcore.search.conditions.sandbox import wrong
from mmcore.search.notes import Note

OF_ITEM_FILES: Final = {"path": "path", "modality": "role", "content_id": "content_id"}
DURATION: Final = "duration"

_OF_FILES: Final = {
    "media_type": "media_type",
    "size": "size",
    "mtime": "mtime_ns",
    "language": "language",
}


@dataclass(frozen=True, slots=True)
class Relations:
    """The columns of items, of their files and of their labels.

    Args:
        stored: relation → column → what that is called where it is kept.
    """

    stored: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, item_columns: Sequence[str]) -> Relations:
        """Of a lake whose items have these columns, the user's among them."""
        return cls(
            {
                ITEMS: _of_items(item_columns),
                FILES: {**OF_ITEM_FILES, **_OF_FILES, DURATION: DURATION},
                LABELS: {"label": "labels"},
            }
        )

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The columns of each relation."""
        return {relation: tuple(columns) for relation, columns in self.stored.items()}

    def needed(self, refs: Iterable[Ref]) -> dict[str, dict[str, None]]:
        """For each relation that is named, and the items, the columns that are needed.

        ConfigError, with the columns that there are, where one is named that there is not.
        """
        wanted: dict[str, dict[str, None]] = {ITEMS: {PLACE: None}}
        for relation, column in map(self._named, refs):
            wanted.setdefault(relation, {PLACE: None})[column] = None
        return wanted

    def _named(self, ref: Ref) -> tuple[str, str]:
        """Relation and column that are meant; what follows may be a field in it."""
        if len(ref) > 1 and (relation := folded(ref[0])) in self.stored:
            found = self._column(relation, ref[1])
            if found is not None:
                return relation, found
        there = [(r, c) for r in self.stored if (c := self._column(r, ref[0])) is not None]
        if len(there) > 1:
            one, other, *_ = (f"{relation}.{column}" for relation, column in there)
            raise wrong(Note("where-twice", name=ref[0], one=one, other=other))
        if there:
            return there[0]
        raise wrong(Note("where-no-column", name=".".join(ref), **self._written()))

    def _column(self, relation: str, name: str) -> str | None:
        """The column of a relation, whichever its case, as DuckDB finds it."""
        same = folded(name)
        return next((one for one in self.stored[relation] if folded(one) == same), None)

    def _written(self) -> dict[str, tuple[str, ...]]:
        """What can be named, as it is written, by relation."""
        return {relation: tuple(map(written, of)) for relation, of in self.stored.items()}


def _of_items(names: Sequence[str]) -> dict[str, str]:
    """Those of the lake and the user's; one that differs by case alone gets a number."""
    sources: dict[str, str] = {}
    taken = {folded(PLACE)}
    for name in names:
        known, number = name, 1
        while folded(known) in taken:
            known, number = f"{name}_{number}", number + 1
        taken.add(folded(known))
        sources[known] = name
    return sources


def folded(name: str) -> str:
    """A name as DuckDB compares it: letters of ASCII alone have a case."""
    return "".join(char.lower() if char.isascii() else char for char in name)


def written(name: str) -> str:
    """A column as it stands in a condition."""
    return name if name.isidentifier() else '"' + name.replace('"', '""') + '"'
