"""Which items a condition in SQL lets pass: ``label = 'trips' and size > 1e6``."""

from __future__ import annotations

import hashlib
from itertools import accumulate
from typing import Final

import numpy as np

from mmcore.errors import ConfigError
from mmcore.search.among import among
from mmcore.search.conditions.bounds import MOST_CHARS
from mmcore.search.conditions.columns import Columns
from mmcore.search.conditions.sandbox import columns_in, passing, wrong
from mmcore.search.notes import Note
from mmcore.search.opened.once import Once
from mmcore.search.recent import Recent
from mmcore.types import Ids
from storage.schemas import Modality
from storage.snapshot import Snapshot

_KEPT_BYTES: Final = 64 << 20
_KEPT: Final = 1024

_DEEPEST: Final = 100

_LIST: Final = "VARCHAR[]"  # as DuckDB calls a list of texts
_NO_COLUMN: Final = "where-no-column"
_FOREIGN: Final = "‘’“”＝（），＜＞；"
"""What a Chinese or a phone's keyboard writes where SQL has another sign."""


class Where:
    """Conditions on the items of one snapshot; safe to share among threads.

    A condition is what stands after WHERE. It may name columns of ``items`` (the user's too), of
    ``files`` (an item's: path, modality, media_type, size, mtime, language, duration …) and of
    ``labels`` (``label``), compare them, and use functions of texts, numbers, lists and times. An
    item passes if it does with one of its files, and one of its labels. Answers are kept by text.

    A condition is parsed and run by DuckDB in another process, which sees nothing but these
    columns, can write no file, and is killed where it takes too long (``conditions/worker.py``).
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._once = Once()
        self._kept: Recent[tuple[str, ...], Ids] = Recent(_KEPT, _KEPT_BYTES, _bytes)

    def items(self, sql: str) -> Ids:
        """The ids of the items that pass, sorted; not to be written to.

        ConfigError for what is no condition, names what there is not (it tells what there is),
        may not be asked, or takes too long.
        """
        text = _checked(sql)
        return self._kept.of((text,), lambda _: self._passing(text))

    def segments(self, modality: Modality, items: Ids) -> Ids:
        """The ids of a medium's segments that serve one of ``items``, sorted, each once.

        A segment may serve other items beside, as equal captions do. Not to be written to.
        """
        mine = _each_once(items)
        which = hashlib.blake2b(mine.tobytes(), digest_size=16).hexdigest()
        return self._kept.of((modality, which), lambda _: self._serving(Modality(modality), mine))

    def columns(self) -> dict[str, tuple[str, ...]]:
        """The columns that can be named, by relation: items, files, labels."""
        return self._columns().relations.names

    def _passing(self, text: str) -> Ids:
        columns = self._columns()
        try:
            laid = columns.of(columns_in(text))
            passed = passing(text, laid, len(columns.ids))
        except ConfigError as error:
            raise _hinted(text, error) from error
        return _read_only(np.sort(columns.ids[passed]))

    def _serving(self, modality: Modality, items: Ids) -> Ids:
        owners, segments = self._served(modality)
        return _read_only(_each_once(segments[among(owners, items)]))

    def _columns(self) -> Columns:
        return self._once.of("columns", lambda: Columns(self._snapshot))

    def _served(self, modality: Modality) -> tuple[Ids, Ids]:
        return self._once.of(modality, lambda: self._sorted(modality))

    def _sorted(self, modality: Modality) -> tuple[Ids, Ids]:
        owners, segments = self._snapshot.pairs(modality)
        order = np.argsort(owners, kind="stable")
        return owners[order], segments[order]


def _bytes(ids: Ids) -> int:
    return ids.nbytes


def _read_only(ids: Ids) -> Ids:
    ids.setflags(write=False)
    return ids


def _each_once(ids: Ids) -> Ids:
    """Sorted, each once; nothing is done where they are. ``np.unique`` takes ten times as long."""
    if np.all(ids[1:] > ids[:-1]):
        return ids
    ordered = np.sort(ids)
    return ordered[np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))]


def _checked(sql: str) -> str:
    text = sql.strip()
    if not text:
        raise wrong(Note("where-empty"))
    if len(text) > MOST_CHARS:
        raise wrong(Note("where-long", count=len(text), most=MOST_CHARS))
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise wrong(Note("where-signs"))
    if _depth(text) > _DEEPEST:
        raise wrong(Note("where-brackets", most=_DEEPEST))
    return text


def _depth(text: str) -> int:
    """How many brackets are open at once: a parser may take seconds over thousands."""
    steps = ((char in "([{") - (char in ")]}") for char in text)
    return max(accumulate(steps))


def _hinted(text: str, error: ConfigError) -> ConfigError:
    """The error of a condition, with what may be the matter where that can be told."""
    hint = _hint(text, error)
    return error if hint is None else ConfigError(Note("where-hint", said=error, hint=hint))


def _hint(text: str, error: ConfigError) -> Note | None:
    found = "".join(dict.fromkeys(char for char in text if char in _FOREIGN))
    if found:
        return Note("hint-signs", signs=found)
    if _LIST in str(error):
        return Note("hint-list")
    why = _why(error)
    missing = str(why.facts["name"]) if why and why.code == _NO_COLUMN else ""
    return Note("hint-quotes", name=missing) if missing and f'"{missing}"' in text else None


def _why(error: ConfigError) -> Note | None:
    """What is wrong with the condition of an error."""
    told = error.args[0] if error.args else None
    why = told.facts.get("why") if isinstance(told, Note) else None
    return why if isinstance(why, Note) else None
