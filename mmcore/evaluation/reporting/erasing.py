"""A report and its files without what shows the erased."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from mmcore.evaluation.reporting.runs import QRELS, QUERIES, RUN
from mmcore.evaluation.scores import Direction, Report, Worst
from storage.places.atomic import replacing
from storage.places.place import opened, remove

_CUT: Final = "…"  # at the end of a text that was shortened
_FEWEST: Final = 12  # letters of a text's beginning by which it is known
_TOPIC, _DOCUMENT = 0, 2  # places in a line of a run and of qrels


class Shown:
    """Tells whether a string of a report shows something of the erased."""

    def __init__(self, names: Iterable[str], texts: Iterable[str]) -> None:
        """``names``: paths, keys and content ids; ``texts``: of contents, each whole."""
        self._names = frozenset(names)
        self._lines = frozenset(" ".join(text.split()) for text in texts)

    def __call__(self, shown: str) -> bool:
        """Whether ``shown`` is a name, or a text, also a shortened one or a part at its start."""
        head = shown.removesuffix(_CUT)
        if shown in self._names or head in self._lines:
            return True
        return len(head) >= _FEWEST and any(line.startswith(head) for line in self._lines)


@dataclass(frozen=True, slots=True)
class Gone:
    """The erased, by their ids and by what is shown of them."""

    contents: Collection[str]
    items: Collection[int]
    shown: Shown

    def asks(self, query: str) -> bool:
        """Whether a query is one of them: a content, or "item/side" of a whole item."""
        return not self._ids.isdisjoint(query.split("/"))

    @property
    def _ids(self) -> frozenset[str]:
        return frozenset({*self.contents, *map(str, self.items)})


def without(report: Report, gone: Gone) -> Report:
    """The report with the worst queries, and those that found nothing, of others alone.

    Scores and counts stay: they were measured with what is gone now.
    """
    directions = [_without(one, gone) for one in report.directions]
    return report.model_copy(update={"directions": directions})


def clean_files(folder: Path, gone: Gone) -> int:
    """Take the rows and lines of the erased out of the files of a report; how many were changed.

    What cannot be read, or has no column of queries, is removed. A folder in the place of a file
    stays: an erasure looks into all that lies below.
    """
    changed = _clean_rows(folder / QUERIES, gone)
    return changed + sum(_clean_lines(folder / name, gone) for name in (RUN, QRELS))


def _without(direction: Direction, gone: Gone) -> Direction:
    return direction.model_copy(
        update={
            "worst": [one for one in direction.worst if not _shows(one, gone)],
            "without_results": [q for q in direction.without_results if not gone.asks(q)],
        }
    )


def _shows(worst: Worst, gone: Gone) -> bool:
    if worst.item in gone.items or worst.found_item in gone.items:
        return True
    if not frozenset(worst.contents).isdisjoint(gone.contents):
        return True
    return any(map(gone.shown, [worst.query, worst.first, *worst.expected]))


def _clean_rows(path: Path, gone: Gone) -> bool:
    try:
        with opened(path) as file:
            rows = pq.read_table(file)
        queries = rows["query"].cast(pa.string()).to_pylist()
    except (FileNotFoundError, IsADirectoryError):
        return False
    except (pa.ArrowException, OSError, KeyError, ValueError):  # ValueError: no text
        remove([path])
        return True
    stays = [query is not None and not gone.asks(query) for query in queries]
    if all(stays):
        return False
    with replacing(path) as temporary:
        pq.write_table(rows.filter(pa.array(stays)), temporary, compression="NONE")
    return True


def _clean_lines(path: Path, gone: Gone) -> bool:
    try:
        with opened(path) as file:
            if not any(_names(line, gone) for line in _lines(file)):
                return False
        with opened(path) as file, replacing(path) as temporary, temporary.open("wb") as left:
            left.writelines(line.encode() for line in _lines(file) if not _names(line, gone))
    except (FileNotFoundError, IsADirectoryError):
        return False
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        remove([path])
    return True


def _lines(file: Iterable[bytes]) -> Iterator[str]:
    return (line.decode("utf-8", "replace") for line in file)


def _names(line: str, gone: Gone) -> bool:
    """Whether a line of a run or of qrels asks with the erased, or finds them."""
    fields = line.split()
    return len(fields) > _DOCUMENT and (gone.asks(fields[_TOPIC]) or gone.asks(fields[_DOCUMENT]))
