"""A user's judgements or pairs of sentences → the rows of a query set."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

import pyarrow as pa

from mmcore.errors import ConfigError
from mmcore.evaluation.querysets.trec import (
    Judgement,
    Topic,
    read_qrels,
    read_text,
    read_topics,
    shown,
    whole_number,
    wrong,
)
from mmcore.media.texts.language import detect_language
from mmcore.search.asking.queries import read_content
from storage.querysets import ASKED, JUDGED, QuerySetCard, check_name, fingerprint
from storage.schemas import Modality, content_id, digest
from storage.snapshot import Snapshot

LARGEST: Final = 50_000_000  # bytes of a query's file: it is copied into the lake
_LANGUAGES: Final = ("zh", "en")
_NAMED: Final = 5  # unknown documents in a message
_ID: Final = 19  # digits of an item's id, at most

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Imported:
    """The rows of a set, to be written, and what could not be taken."""

    kind: Literal["qrels", "pairs"]
    queries: pa.Table
    qrels: pa.Table
    media: Mapping[str, bytes] = field(default_factory=dict)  # by content id
    missing: tuple[str, ...] = ()  # documents that the lake does not have
    unanswered: tuple[str, ...] = ()  # queries left out, since nothing right of theirs is left

    def asked_by(self) -> dict[str, int]:
        """Language of texts, or medium → its queries."""
        found: dict[str, int] = {}
        for row in self.queries.select(["modality", "language"]).to_pylist():
            text = row["modality"] == Modality.TEXT
            side = (row["language"] or "other") if text else row["modality"]
            found[side] = found.get(side, 0) + 1
        return dict(sorted(found.items()))

    def card(self, name: str) -> QuerySetCard:
        """What is written last."""
        return QuerySetCard(
            name=check_name(name),
            kind=self.kind,
            fingerprint=fingerprint(self.queries, self.qrels),
            queries=self.queries.num_rows,
            judged=self.qrels.num_rows,
            when=datetime.now(UTC),
        )


def import_qrels(
    snapshot: Snapshot, qrels: Path, topics: Path | None = None, *, allow_missing: bool = False
) -> Imported:
    """Judgements of the lake's items: TREC's, whose queries are ``topics``, or a CSV of both.

    The columns of a CSV are ``query``, a text or the path of a file beside the CSV, ``item`` or
    ``path``, and maybe ``language``, ``modality`` (text) and ``grade`` (1). A document is an item
    by ROOT/key, ROOT/path or id, as the lake has them now. Raises ConfigError for a bad line, and,
    unless ``allow_missing``, for a document that the lake does not have.
    """
    refuse_private(snapshot)
    if topics is None and qrels.suffix.lower() != ".csv":
        raise ConfigError(f"{qrels}: its queries are missing: --queries FILE, or a .csv of both")
    judged, asked = (
        _from_csv(qrels) if topics is None else (read_qrels(qrels), read_topics(topics))
    )
    if not judged:
        raise ConfigError(f"{qrels} has no judgements")
    _refuse_unknown(qrels, judged, asked)
    rows, missing = _resolved(qrels, judged, _Items(snapshot))
    if missing and not allow_missing:
        raise _unknown(qrels, missing)
    right = {query for (query, _), grade in rows.items() if grade > 0}
    told = {one.query: one for one in asked}
    if not right:
        raise ConfigError(f"{qrels}: no query has a right answer among the lake's items")
    queries, media = _asked([told[query] for query in sorted(right)])
    kept = [(q, item, grade) for (q, item), grade in sorted(rows.items()) if q in right]
    names = dict.fromkeys(one.doc for one in missing)
    lost = sorted({one.query for one in judged} - right)
    return Imported("qrels", queries, _judged(kept), media, tuple(names), tuple(lost))


def import_pairs(snapshot: Snapshot, path: Path) -> Imported:
    """Sentences that say the same, a CSV with the columns ``zh`` and ``en``: queries of both."""
    refuse_private(snapshot)
    asked: list[Topic] = []
    judged: list[tuple[str, int, int]] = []
    for line, row in _rows(path, _LANGUAGES):
        number = len(judged) // len(_LANGUAGES) + 1
        for language in _LANGUAGES:
            if not row[language]:
                raise wrong(path, line, f"has no {language}")
            query = f"{number}/{language}"
            asked.append(Topic(line, query, row[language], language))
            judged.append((query, number, 1))
    if not judged:
        raise ConfigError(f"{path} has no pairs")
    queries, _ = _asked(sorted(asked, key=lambda one: one.query))
    return Imported("pairs", queries, _judged(sorted(judged)))


def refuse_private(snapshot: Snapshot) -> None:
    """ConfigError for a private lake: it keeps no texts, and a query is one."""
    if snapshot.manifest.private:
        raise ConfigError(
            f"{snapshot.layout.root} is private: it keeps no texts and no files, and a set of"
            " queries is made of them"
        )


class _Items:
    """The items of a snapshot by what a file of judgements may call them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._named: dict[str, set[int]] = defaultdict(set)
        items = snapshot.rows("items", ["item_id", "root", "key"]).to_pylist()
        self._ids = {row["item_id"] for row in items}
        for row in items:
            self._named[_plain(f"{row['root']}/{row['key']}")].add(row["item_id"])
        for row in snapshot.rows("item_files", ["item_id", "root", "path"]).to_pylist():
            self._named[_plain(f"{row['root']}/{row['path']}")].add(row["item_id"])

    def of(self, doc: str) -> frozenset[int]:
        """Those that ``doc`` names, maybe percent-coded; none where nothing is called so."""
        if doc.isdecimal() and len(doc) <= _ID and int(doc) in self._ids:
            return frozenset({int(doc)})
        names = (_plain(doc), _plain(unquote(doc)))
        return frozenset(next((self._named[n] for n in names if n in self._named), ()))


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _resolved(
    path: Path, judged: Iterable[Judgement], items: _Items
) -> tuple[dict[tuple[str, int], int], list[Judgement]]:
    """(query, item) → grade, and the judgements of what the lake does not have."""
    rows: dict[tuple[str, int], int] = {}
    missing = []
    for one in judged:
        found = items.of(one.doc)
        if not found:
            missing.append(one)
        for item in found:
            if rows.setdefault((one.query, item), one.grade) != one.grade:
                raise wrong(
                    path,
                    one.line,
                    f"{shown(one.doc)} is judged twice for {shown(one.query)!r}, otherwise",
                )
    return rows, missing


def _unknown(path: Path, missing: Sequence[Judgement]) -> ConfigError:
    named = "; ".join(f"line {one.line}: {shown(one.doc)}" for one in missing[:_NAMED])
    more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return ConfigError(
        f"{path}: the lake has no such item: {named}{more}; an item is ROOT/key, ROOT/path or an"
        " id, and --allow-missing leaves out those that are not there"
    )


def _refuse_unknown(path: Path, judged: Iterable[Judgement], asked: Iterable[Topic]) -> None:
    known = {one.query for one in asked}
    for one in judged:
        if one.query not in known:
            raise wrong(path, one.line, f"query {shown(one.query)!r} is not among the topics")


def _from_csv(path: Path) -> tuple[list[Judgement], list[Topic]]:
    judged: list[Judgement] = []
    asked: dict[str, Topic] = {}
    for line, row in _rows(path, ("query",)):
        doc = row.get("item") or row.get("path") or ""
        if not doc or not row["query"]:
            raise wrong(path, line, "has no query, or no item and no path")
        topic = _topic(path, line, row)
        asked.setdefault(topic.query, topic)
        grade = whole_number(path, line, row.get("grade") or "1")
        judged.append(Judgement(line, topic.query, doc, grade))
    return judged, list(asked.values())


def _topic(path: Path, line: int, row: Row) -> Topic:
    told, language = row.get("modality") or Modality.TEXT, row.get("language") or None
    if told not in set(Modality):
        raise wrong(path, line, f"there is no modality {shown(told)!r}: {', '.join(Modality)}")
    modality, text = Modality(told), row["query"]
    query = digest([modality, language, text])
    if modality == Modality.TEXT:
        return Topic(line, query, text, language)
    return Topic(line, query, "", None, modality, _beside(path, line, text))


def _beside(path: Path, line: int, name: str) -> Path:
    """The file that a query names, which has to lie in the folder of ``path``, or below that.

    A list of another's may not have any file of this machine copied into the lake.
    """
    folder = path.parent.resolve()
    try:
        media = (folder / name).resolve()
        there = media.is_file()
    except (OSError, RuntimeError, ValueError):  # too long, a link to itself, a zero in it
        there = False
    if not there:
        raise wrong(path, line, f"there is no file {shown(name)!r} in {folder}")
    if not media.is_relative_to(folder):
        raise wrong(path, line, f"{shown(name)!r} does not lie in {folder}: put it beside the CSV")
    return media


def _rows(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Line and values of each row, stripped; ConfigError where a column is missing."""
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""), restval="")
    try:
        columns = [name.strip().lower() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise wrong(path, 1, str(error)) from error
    lacking = [name for name in needed if name not in columns]
    if lacking:
        found = ", ".join(shown(name) for name in columns) or "none"
        raise wrong(
            path,
            1,
            f"has no column {' and '.join(lacking)}; it needs {', '.join(needed)},"
            f" and has: {found}",
        )
    reader.fieldnames = columns
    try:
        for row in reader:
            if None in row:
                raise wrong(path, reader.line_num, "has more values than columns")
            yield reader.line_num, {name: value.strip() for name, value in row.items()}
    except csv.Error as error:  # the outer reader counts whole rows alone
        raise wrong(path, reader.reader.line_num, str(error)) from error


def _asked(topics: Iterable[Topic]) -> tuple[pa.Table, dict[str, bytes]]:
    """``ASKED`` of queries, and the bytes of their files by content id."""
    rows, media = [], {}
    for one in topics:
        row = {"query_id": one.query, "modality": str(one.modality)}
        if one.media is None:
            language = one.language or detect_language(one.text)
            rows.append(row | {"language": language, "text": one.text})
            continue
        data = _bytes(one, one.media)
        content = content_id(data)
        media[content] = data
        rows.append(row | {"media": content})
    return pa.Table.from_pylist(rows, schema=ASKED), media


def _bytes(topic: Topic, path: Path) -> bytes:
    """A query's file, which has to be of its modality and not too large."""
    found = read_content(path)
    heard = {found.modality} | ({Modality.AUDIO} if found.modality == Modality.VIDEO else set())
    if topic.modality not in heard:
        raise ConfigError(f"{path} is {found.modality}, not {topic.modality}")
    if found.size > LARGEST:
        raise ConfigError(
            f"{path} has {found.size / 1e6:,.0f} MB: a query is copied into the lake, and has at"
            f" most {LARGEST / 1e6:,.0f} MB"
        )
    return path.read_bytes()


def _judged(rows: Sequence[tuple[str, int, int]]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    kinds = [pa.string(), pa.int64(), pa.int32()]
    arrays = [pa.array(c, kind) for c, kind in zip(columns, kinds, strict=True)]
    return pa.Table.from_arrays(arrays, schema=JUDGED)
