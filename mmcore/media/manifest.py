"""Manifests that come with media: CSV, JSONL or Parquet tables of paths, items and captions."""

from __future__ import annotations

import csv
import io
import json
import posixpath
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from mmcore.errors import ConfigError, MediaError
from mmcore.media.names import language_of
from mmcore.media.texts import charset
from mmcore.media.texts.clean import clean

NAMES: Final = frozenset({"manifest.csv", "manifest.jsonl", "manifest.parquet"})
"""What a manifest is called in the usual place: any folder of the root; case does not matter."""

_KNOWN: Final = {"path", "item", "caption", "language", "label", "split"}


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One row: a file, an item, or a caption of either."""

    manifest: str  # file name of the manifest
    line: int
    path: str | None = None  # relative to the manifest's folder, NFC, forward slashes
    item: str | None = None
    captions: tuple[tuple[str | None, str], ...] = ()  # (language, cleaned text)
    language: str | None = None  # of the file at path
    labels: tuple[str, ...] = ()
    split: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


def read_manifest(path: Path | str, data: bytes | None = None) -> list[ManifestRow]:
    """All rows of a manifest; ConfigError with the line where it cannot be used.

    ``data``: its bytes, where ``path`` is a URL and only names it.
    Columns: ``path`` or ``item`` (or both), ``caption`` (or ``caption_zh``, ``caption_en`` …),
    ``language``, ``label`` (JSONL and Parquet: a list too), ``split``; all others are the user's.
    """
    shown = str(path)
    reader = _READERS.get(posixpath.splitext(shown)[1].lower())
    if reader is None:
        raise ConfigError(f"{shown}: not a manifest; known are .csv, .jsonl and .parquet")
    raw = Path(path).read_bytes() if data is None else data
    return [_row(shown, line, values) for line, values in reader(shown, raw)]


def _row(path: str, line: int, values: Mapping[str, Any]) -> ManifestRow:
    present = {name: value for name, value in values.items() if value is not None and value != ""}
    _check_kinds(path, line, present)
    if "path" not in present and "item" not in present:
        columns = ", ".join(map(str, values)) or "none"
        raise ConfigError(
            f"{path}, line {line}: neither path nor item is given; its columns are: {columns}"
        )
    language = language_of(str(present["language"])) if "language" in present else None
    labels = present.get("label", ())
    return ManifestRow(
        manifest=Path(path).name,
        line=line,
        path=_inner(path, line, str(present["path"])) if "path" in present else None,
        item=_scalar(present["item"]) if "item" in present else None,
        captions=tuple(_captions(present, language)),
        language=language,
        labels=tuple(
            map(_scalar, labels if isinstance(labels, list) else [labels] if labels else [])
        ),
        split=_scalar(present["split"]) if "split" in present else None,
        columns={n: v for n, v in present.items() if n not in _KNOWN and not _caption_language(n)},
    )


def _check_kinds(path: str, line: int, present: Mapping[str, Any]) -> None:
    """Refuse what JSON can say where a CSV has plain text: a caption is no list, no number."""
    for name, value in present.items():
        text = name in {"path", "split", "language"} or name.startswith("caption")
        wanted = str if text else (str, int, float) if name == "item" else None
        if wanted is not None and not isinstance(value, wanted):
            kind = type(value).__name__
            raise ConfigError(f"{path}, line {line}: {name} is a {kind}, write it as text")


def _captions(
    present: Mapping[str, Any], language: str | None
) -> Iterator[tuple[str | None, str]]:
    for name, value in present.items():
        if name == "caption" or _caption_language(name):
            text = clean(str(value))
            if text:
                yield (language if name == "caption" else _caption_language(name)), text


def _caption_language(column: str) -> str | None:
    """``caption_zh`` → ``zh``; None for any other column."""
    prefix, _, suffix = column.partition("_")
    known = language_of(suffix)
    return known if prefix == "caption" and known in {"zh", "en"} else None


def _scalar(value: Any) -> str:
    """A number of a Parquet or JSON table as the text a CSV would hold: 7.0 is ``7``."""
    return clean(str(int(value) if isinstance(value, float) and value.is_integer() else value))


def _inner(path: str, line: int, name: str) -> str:
    """Normalise a path of a manifest; ConfigError when it leaves the manifest's folder."""
    plain = posixpath.normpath(unicodedata.normalize("NFC", name.strip()).replace("\\", "/"))
    if plain.startswith(("/", "../")) or plain in {".", ".."} or plain[1:3] == ":/":
        raise ConfigError(
            f"{path}, line {line}: path {name!r} does not lie below the manifest's folder"
        )
    return plain


def _csv(path: str, data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        text = charset.decode(data)
    except MediaError as error:
        raise ConfigError(f"{path}: {error.message}; save it as UTF-8") from error
    reader = csv.DictReader(
        io.StringIO(text, newline=""), restkey="", skipinitialspace=True, strict=True
    )
    if reader.fieldnames is None:
        return
    reader.fieldnames = _names(path, reader.fieldnames)
    try:
        for values in reader:
            if "" in values and values[""] is not None:
                raise ConfigError(f"{path}, line {reader.line_num}: more fields than columns")
            yield reader.line_num, {n: v.strip() for n, v in values.items() if v is not None}
    except csv.Error as error:
        raise ConfigError(f"{path}, line {reader.line_num}: {error}") from error


def _jsonl(path: str, data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not valid UTF-8 at byte {error.start}") from error
    for line, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        try:
            values = json.loads(row)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ConfigError(f"{path}, line {line}: not JSON: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError(f"{path}, line {line}: not a JSON object")
        yield line, dict(zip(_names(path, values), values.values(), strict=True))


def _parquet(path: str, data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        table = pq.read_table(pa.BufferReader(data), partitioning=None)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ConfigError(f"{path}: not a readable Parquet file: {error}") from error
    table = table.rename_columns(_names(path, table.column_names))
    yield from enumerate(table.to_pylist(), start=1)


def _names(path: str, names: Iterable[str]) -> list[str]:
    """Column names without spaces, the known ones in lower case; a name twice is a ConfigError."""
    plain = [clean(name) for name in names]
    folded = [
        n.lower() if n.lower() in _KNOWN or _caption_language(n.lower()) else n for n in plain
    ]
    twice = {name for name in folded if folded.count(name) > 1}
    if twice:
        raise ConfigError(f"{path}: column {min(twice)!r} is there twice")
    return folded


_READERS: Final[Mapping[str, Callable[[str, bytes], Iterator[tuple[int, Mapping[str, Any]]]]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
