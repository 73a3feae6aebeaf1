"""The columns that a condition may name: of items, of their files, of their labels."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.search.conditions.bounds import FILES, ITEMS, LABELS, PLACE
from mmcore.search.conditions.grammar import Ref
from mmcore.search.conditions.sandbox import wrong
from mmcore.search.folders import Folder
from mmcore.search.notes import Note
from mmcore.types import Ids
from storage.schemas import Modality
from storage.snapshot import Snapshot

_OF_ITEM_FILES: Final = {"path": "path", "modality": "role", "content_id": "content_id"}
_OF_FILES: Final = {
    "media_type": "media_type",
    "size": "size",
    "mtime": "mtime_ns",
    "language": "language",
}
_TIMED: Final = (Modality.AUDIO, Modality.VIDEO)

Column = Any  # an array of Arrow's, in one piece or several


class Columns:
    """The columns of one snapshot, each read when a condition first names it.

    They are laid as files into a folder of their own, from which another process maps them. It
    goes with this object. Safe to share among threads.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._lock = threading.Lock()
        items = snapshot.rows("items")
        self.ids: Ids = items["item_id"].to_numpy()
        self._order = np.argsort(self.ids)
        self._sources: Mapping[str, Mapping[str, str]] = {  # what each is called where it is kept
            ITEMS: _of_items(items.column_names),
            FILES: {**_OF_ITEM_FILES, **_OF_FILES, "duration": "duration"},
            LABELS: {"label": "labels"},
        }
        self._folder = Folder("where")
        self._laid: dict[tuple[str, str], Path] = {}
        self._rows: tuple[Ids, pa.Table] | None = None

    @property
    def names(self) -> dict[str, tuple[str, ...]]:
        """The columns of each relation."""
        return {relation: tuple(columns) for relation, columns in self._sources.items()}

    def of(self, refs: Iterable[Ref]) -> dict[str, dict[str, Path]]:
        """For each relation that is named, and the items, the file of each column that is needed.

        ConfigError, with the columns that there are, where one is named that there is not.
        """
        wanted: dict[str, dict[str, None]] = {ITEMS: {PLACE: None}}
        for relation, column in map(self._named, refs):
            wanted.setdefault(relation, {PLACE: None})[column] = None
        with self._lock:
            return {
                relation: {column: self._file(relation, column) for column in columns}
                for relation, columns in wanted.items()
            }

    def _named(self, ref: Ref) -> tuple[str, str]:
        """Relation and column that are meant; what follows may be a field in it."""
        if len(ref) > 1 and (relation := folded(ref[0])) in self._sources:
            found = self._column(relation, ref[1])
            if found is not None:
                return relation, found
        there = [(r, c) for r in self._sources if (c := self._column(r, ref[0])) is not None]
        if len(there) > 1:
            one, other, *_ = (f"{relation}.{column}" for relation, column in there)
            raise wrong(Note("where-twice", name=ref[0], one=one, other=other))
        if there:
            return there[0]
        raise wrong(Note("where-no-column", name=".".join(ref), **self._known()))

    def _column(self, relation: str, name: str) -> str | None:
        """The column of a relation, whichever its case, as DuckDB finds it."""
        same = folded(name)
        return next((one for one in self._sources[relation] if folded(one) == same), None)

    def _known(self) -> dict[str, tuple[str, ...]]:
        """What can be named, as it is written, by relation."""
        return {relation: tuple(map(written, of)) for relation, of in self._sources.items()}

    def _made(self, relation: str, column: str) -> Column:
        stored = self._sources[relation][column]
        if relation == ITEMS:
            return self._read("items", stored)
        if relation == LABELS:
            return pc.list_flatten(self._labels())
        if column in _OF_ITEM_FILES:
            return self._files()[stored]
        return self._durations() if column == "duration" else self._of_file(stored)

    def _read(self, table: str, name: str) -> Column:
        return self._snapshot.rows(table, [name])[name]

    def _labels(self) -> Column:
        return self._read("items", "labels")

    def _file(self, relation: str, column: str) -> Path:
        """Where a column lies, laid there if it does not yet."""
        at = relation, column
        if at not in self._laid:
            made = self._places(relation) if column == PLACE else self._made(relation, column)
            table = pa.table({"column": made})
            path = self._folder.path / f"{len(self._laid)}.arrow"
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)
            self._laid[at] = path
        return self._laid[at]

    def _places(self, relation: str) -> Column:
        """Of each row of a relation the place of its item."""
        if relation == ITEMS:
            return pa.array(np.arange(len(self.ids)))
        if relation == LABELS:
            return pc.list_parent_indices(self._labels())
        return pa.array(self._joined()[0])

    def _files(self) -> pa.Table:
        return self._joined()[1]

    def _joined(self) -> tuple[Ids, pa.Table]:
        """The place of each file's item, and the files of items."""
        if self._rows is None:
            columns = ["item_id", "root", "path", "content_id", "role"]
            table = self._snapshot.rows("item_files", columns)
            owners = table["item_id"].to_numpy()
            near = np.searchsorted(self.ids, owners, sorter=self._order)
            near = np.minimum(near, max(0, len(self.ids) - 1))
            places = self._order[near] if len(self.ids) else near
            live = self.ids[places] == owners if len(self.ids) else np.zeros(0, dtype=bool)
            self._rows = places[live], table.filter(pa.array(live))
        return self._rows

    def _of_file(self, stored: str) -> Column:
        """A column of the table of files, for the files of items."""
        files = self._snapshot.rows("files", ["root", "path", stored])
        mine = self._files().select(["root", "path"])
        mine = mine.append_column("row", pa.array(np.arange(mine.num_rows)))
        joined = mine.join(files, keys=["root", "path"], join_type="left outer")
        column = joined.sort_by("row")[stored]
        if stored == "mtime_ns":
            return pc.divide(column, 1000).cast(pa.timestamp("us"))
        return self._languages(column) if stored == "language" else column

    def _languages(self, told: Column) -> Column:
        """What the name of a file says; else what the first text in it was found to be."""
        rows = self._snapshot.rows("segments/text", ["content_id", "language", "start"])
        rows = rows.filter(pc.is_valid(rows["language"])).sort_by(
            [("start", "ascending"), ("language", "ascending")]
        )
        first = rows.group_by("content_id", use_threads=False).aggregate([("language", "first")])
        return pc.coalesce(told, self._by_content(first, "language_first"))

    def _durations(self) -> Column:
        """Seconds to the end of what was cut from a sound or a video; null of all else."""
        columns = ["content_id", "end", "unit"]
        tables = [self._snapshot.rows(f"segments/{m}", columns) for m in _TIMED]
        rows = pa.concat_tables(tables)
        rows = rows.filter(pc.equal(rows["unit"], "second"))
        last = rows.group_by("content_id").aggregate([("end", "max")])
        return self._by_content(last, "end_max")

    def _by_content(self, found: pa.Table, name: str) -> Column:
        """A value of each content, for the files of items."""
        contents = self._files()["content_id"]
        rows = pc.index_in(contents, value_set=found["content_id"].combine_chunks())
        return found[name].take(rows)


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
