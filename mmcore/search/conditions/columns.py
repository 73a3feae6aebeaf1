"""The columns of a snapshot that conditions name, laid as files for another process."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.search.conditions.bounds import ITEMS, LABELS, PLACE
from mmcore.search.conditions.grammar import Ref
from mmcore.search.conditions.relations import DURATION, OF_ITEM_FILES, Relations
from mmcore.search.folders import Folder
from mmcore.types import Ids
from storage.schemas import Modality
from storage.snapshot import Snapshot

_TIMED: Final = (Modality.AUDIO, Modality.VIDEO)

Values = Any  # an array of Arrow's, in one piece or several


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
        self.relations: Final = Relations.of(items.column_names)
        self._folder = Folder("where")
        self._laid: dict[tuple[str, str], Path] = {}
        self._rows: tuple[Ids, pa.Table] | None = None

    def of(self, refs: Iterable[Ref]) -> dict[str, dict[str, Path]]:
        """For each relation that is named, and the items, the file of each column that is needed.

        ConfigError, with the columns that there are, where one is named that there is not.
        """
        wanted = self.relations.needed(refs)
        with self._lock:
            return {
                relation: {column: self._file(relation, column) for column in columns}
                for relation, columns in wanted.items()
            }

    def _made(self, relation: str, column: str) -> Values:
        stored = self.relations.stored[relation][column]
        if relation == ITEMS:
            return self._read("items", stored)
        if relation == LABELS:
            return pc.list_flatten(self._labels())
        if column in OF_ITEM_FILES:
            return self._files()[stored]
        return self._durations() if column == DURATION else self._of_file(stored)

    def _read(self, table: str, name: str) -> Values:
        return self._snapshot.rows(table, [name])[name]

    def _labels(self) -> Values:
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

    def _places(self, relation: str) -> Values:
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

    def _of_file(self, stored: str) -> Values:
        """A column of the table of files, for the files of items."""
        files = self._snapshot.rows("files", ["root", "path", stored])
        mine = self._files().select(["root", "path"])
        mine = mine.append_column("row", pa.array(np.arange(mine.num_rows)))
        joined = mine.join(files, keys=["root", "path"], join_type="left outer")
        column = joined.sort_by("row")[stored]
        if stored == "mtime_ns":
            return pc.divide(column, 1000).cast(pa.timestamp("us"))
        return self._languages(column) if stored == "language" else column

    def _languages(self, told: Values) -> Values:
        """What the name of a file says; else what the first text in it was found to be."""
        rows = self._snapshot.rows("segments/text", ["content_id", "language", "start"])
        rows = rows.filter(pc.is_valid(rows["language"])).sort_by(
            [("start", "ascending"), ("language", "ascending")]
        )
        first = rows.group_by("content_id", use_threads=False).aggregate([("language", "first")])
        return pc.coalesce(told, self._by_content(first, "language_first"))

    def _durations(self) -> Values:
        """Seconds to the end of what was cut from a sound or a video; null of all else."""
        columns = ["content_id", "end", "unit"]
        tables = [self._snapshot.rows(f"segments/{m}", columns) for m in _TIMED]
        rows = pa.concat_tables(tables)
        rows = rows.filter(pc.equal(rows["unit"], "second"))
        last = rows.group_by("content_id").aggregate([("end", "max")])
        return self._by_content(last, "end_max")

    def _by_content(self, found: pa.Table, name: str) -> Values:
        """A value of each content, for the files of items."""
        contents = self._files()["content_id"]
        rows = pc.index_in(contents, value_set=found["content_id"].combine_chunks())
        return found[name].take(rows)
