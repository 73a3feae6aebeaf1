"""The words of a snapshot as documents: its texts by their stored words, its items by names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmcore.search.words.tokens import words_of_endings, words_of_names
from mmcore.search.words.weighed import Weighed, packed, weigh
from mmcore.types import Ids
from storage.errors import CorruptLakeError
from storage.snapshot import Snapshot, refuse_outdated
from storage.tables import stream_part

Cut = Callable[[Sequence[str]], list[list[str]]]
"""Names → the words of each."""

TABLE: Final = "words"
_AT_ONCE: Final = 1 << 16  # names whose words are Python objects at once
_LISTS: Final = pa.list_(pa.string())
_FOLDERS: Final = "^.*/"
_ENDING: Final = r"\.[^.]*$"
_IN_MANIFEST: Final = "#.*/[A-Za-z-]+$"  # where a caption stands, which is no file's name


@dataclass(frozen=True, slots=True, eq=False)
class Documents:
    """What is searched: text segments first, then one document of names for each item.

    Args:
        segments: (texts,) int64 ids, in the order of the documents.
        items: (items,) int64 ids, sorted; item ``i`` is the document ``texts + i``.
        vocabulary: (words,) all words, in the order of their numbers.
        weighed: what each word weighs in each document.
    """

    segments: Ids
    items: Ids
    vocabulary: pa.Array
    weighed: Weighed


def documents_of(snapshot: Snapshot) -> Documents:
    """Read all of it; holds no text, and loads no jieba."""
    found, segments = _Occurrences(), [np.empty(0, dtype=np.int64)]
    for table in _parts(snapshot):
        before = sum(map(len, segments))
        segments.append(table["segment_id"].to_numpy())
        found.add(table[TABLE].combine_chunks(), np.arange(before, before + table.num_rows))
    texts = sum(map(len, segments))
    rows = snapshot.rows("items", ["item_id", "key", "labels"])
    items = np.unique(rows["item_id"].to_numpy())
    for owners, names, cut in _names(rows, snapshot.rows("item_files", ["item_id", "path"])):
        at = texts + np.searchsorted(items, owners)
        for start in range(0, len(at), _AT_ONCE):
            few = slice(start, start + _AT_ONCE)
            found.add(_words(names.slice(start, _AT_ONCE), cut), at[few])
    vocabulary, weighed = found.weighed(texts, texts + len(items))
    return Documents(np.concatenate(segments), items, vocabulary, weighed)


class _Occurrences:
    """Which words stand in which documents; of equal words one string is held for each block."""

    def __init__(self) -> None:
        self._words = [pa.array([], pa.string()).dictionary_encode()]
        self._documents = [np.empty(0, dtype=np.int32)]

    def add(self, words: pa.ListArray, documents: NDArray[Any]) -> None:
        """Lists of words, each of the document at its place in ``documents``."""
        lengths = pc.list_value_length(words).to_numpy(zero_copy_only=False)
        self._words.append(words.flatten().dictionary_encode())
        self._documents.append(np.repeat(documents.astype(np.int32), lengths))

    def weighed(self, texts: int, count: int) -> tuple[pa.Array, Weighed]:
        """All words, and what they weigh; empties this."""
        words = pa.chunked_array(self._words).unify_dictionaries()
        numbers = np.concatenate([chunk.indices.to_numpy() for chunk in words.chunks])
        documents = np.concatenate(self._documents)
        vocabulary = words.chunk(0).dictionary
        self._words, self._documents = [], []
        lengths = np.bincount(documents, minlength=count)
        occurrences = packed(numbers, documents)
        del words, numbers, documents
        return vocabulary, weigh(occurrences, lengths, texts, len(vocabulary))


def _parts(snapshot: Snapshot) -> Iterator[pa.Table]:
    """The table ``words`` by row groups."""
    try:
        for path in snapshot.manifest.paths(TABLE):
            for table in stream_part(snapshot.layout.root / path, ["segment_id", TABLE]):
                if table.num_rows:
                    yield table
    except CorruptLakeError as error:
        refuse_outdated(snapshot.layout, snapshot.manifest, error)
        raise


def _names(items: pa.Table, files: pa.Table) -> Iterator[tuple[Ids, pa.Array, Cut]]:
    """Items, a name of each, and what makes its words: keys, labels, and names of files.

    Of a name that the key tells but for its ending only that is added, as it is asked for whole.
    """
    ids = items["item_id"].to_numpy()
    keys = items["key"].combine_chunks()
    yield ids, keys, words_of_names
    labels = pc.fill_null(items["labels"], []).combine_chunks().cast(_LISTS)
    owned = np.repeat(ids, pc.list_value_length(labels).to_numpy())
    yield owned, labels.flatten(), words_of_names
    files = files.filter(pc.invert(pc.match_substring_regex(files["path"], _IN_MANIFEST)))
    owners, name = files["item_id"].to_numpy(), _last(files["path"].combine_chunks())
    order = np.argsort(ids)
    own = keys.take(pa.array(order[np.searchsorted(ids, owners, sorter=order)]))
    stem = pc.replace_substring_regex(name, _ENDING, "")
    told = pc.equal(stem, _last(own))
    other = pc.invert(told)
    yield owners[other.to_numpy(zero_copy_only=False)], name.filter(other), words_of_names
    yield owners[told.to_numpy(zero_copy_only=False)], name.filter(told), words_of_endings


def _last(paths: pa.Array) -> pa.Array:
    """Paths without their folders."""
    return pc.replace_substring_regex(paths, _FOLDERS, "")


def _words(names: pa.Array, cut: Cut) -> pa.ListArray:
    """The words of each name; equal names are looked at once."""
    names = names.dictionary_encode()
    words = pa.array(cut(names.dictionary.to_pylist()), _LISTS)
    return words.take(names.indices)
