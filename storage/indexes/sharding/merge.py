"""Merging indexes that were filled apart after one training: in memory, and from disk to disk."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from storage.errors import CorruptLakeError
from storage.indexes.choosing.structure import inner
from storage.indexes.reading import read_faiss
from storage.places.atomic import replacing

_FAISS: Final[Any] = faiss  # its type stubs lack what its Python side adds


def mergeable(index: Any) -> bool:
    """Whether rows of another index can be moved into this one: into all but graphs."""
    return not isinstance(inner(index), faiss.IndexHNSW)


def merge_into(index: Any, other: Any) -> None:
    """Move all rows of ``other`` into ``index``, which had the same training; ``other`` is empty.

    Neither ids nor codebooks are compared: ``check_unique`` and ``shards.merge`` do. ValueError
    where the two are of other kinds, or are graphs.
    """
    if not mergeable(index):
        raise ValueError("an HNSW graph cannot be merged: build it whole")
    try:
        index.check_compatible_for_merge(other)
    except RuntimeError as error:
        raise ValueError(f"not two of one kind ({str(error)[-80:]})") from error
    mine, theirs = lists_of(index), lists_of(other)
    if isinstance(mine, _FAISS.BlockInvertedLists):
        rest = _Rest(mine.packer)
        for number in range(mine.nlist):
            if theirs.list_size(number):
                _append(mine, theirs, number)
                rest.clear(mine.get_codes(number), mine.list_size(number))
        index.ntotal = inner(index).ntotal = index.ntotal + other.ntotal
    else:
        index.merge_from(other, 0)
        within = inner(index)
        if isinstance(within, _FAISS.IndexFastScan):
            _Rest(within.get_CodePacker()).clear(within.codes.get(), within.ntotal)
    other.reset()


def lists_of(index: Any) -> Any:
    """The inverted lists of an index, None for one without."""
    within = inner(index)
    return _FAISS.downcast_InvertedLists(within.invlists) if hasattr(within, "invlists") else None


def ids_of(index: Any) -> NDArray[np.int64]:
    """The ids of all rows of an index, (n,), in the order in which it has them."""
    if isinstance(index, faiss.IndexIDMap):
        return np.array(_FAISS.vector_to_array(index.id_map), dtype=np.int64)
    lists = lists_of(index)
    there = [_ids(lists, number) for number in range(lists.nlist)]
    return np.concatenate([np.empty(0, dtype=np.int64), *there])


def check_unique(parts: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """All ids of all parts, sorted; ValueError, which names it, for one that comes twice."""
    ids = np.concatenate([np.empty(0, dtype=np.int64), *parts])
    ids.sort()
    twice = np.flatnonzero(ids[1:] == ids[:-1])
    if len(twice):
        raise ValueError(f"id {ids[twice[0]]} is in two shards, or twice in one")
    return ids


def merge_on_disk(path: Path, trained: Any, shards: Sequence[Path]) -> int:
    """Write one index of the rows of all ``shards`` to ``path``; how many rows it has.

    ``trained`` is the empty index that all were filled from. Only indexes of plain inverted lists
    (``Flat``, ``SQ8``, ``PQ…x8``) can be: their lists lie one after the other in the file, so that
    shards and result are mapped, and no more than one list is in memory. What is written is what
    faiss itself writes; ``read_faiss(path, mapped=True)`` opens it and leaves the lists on disk.

    ValueError for other indexes, and for shards of another kind or with a common id.
    """
    opened = [read_faiss(shard, mapped=True) for shard in shards]
    lists = [
        _plain_lists(trained, shard, index) for shard, index in zip(shards, opened, strict=True)
    ]
    check_unique(map(ids_of, opened))
    sizes = np.zeros(lists_of(trained).nlist, dtype="<u8")
    for one in lists:
        sizes += np.array([one.list_size(number) for number in range(one.nlist)], dtype="<u8")
    count = int(sizes.sum())
    with replacing(path, final=True) as temporary:
        with temporary.open("wb") as file:
            file.write(_header(trained, sizes, count))
            for number in range(len(sizes)):
                _write_list(file, lists, number)
        whole = read_faiss(temporary, mapped=True)
        if whole.ntotal != count or lists_of(whole).compute_ntotal() != count:
            raise CorruptLakeError(path, "is not what was written")
    return count


class _Rest:
    """The rest of a last block of packed codes, where no row is yet.

    faiss 1.15.1 leaves there, when it merges, what the memory had before. What is added later is
    mixed with it, and a file would keep it.
    """

    def __init__(self, packer: Any) -> None:
        self._packer = packer
        self._masks: dict[int, NDArray[np.uint8]] = {}

    def clear(self, codes: Any, rows: int) -> None:
        """Fill the rest behind ``rows`` rows of ``codes``, a pointer to blocks, with zeros."""
        last = rows % self._packer.nvec
        if last:
            size = self._packer.block_size
            start = rows // self._packer.nvec * size
            block = _FAISS.rev_swig_ptr(codes, start + size)[start:]
            block &= self._mask(last)

    def _mask(self, rows: int) -> NDArray[np.uint8]:
        """Ones where the first rows of a block have their codes."""
        if rows not in self._masks:
            mask = np.zeros(self._packer.block_size, dtype=np.uint8)
            ones = np.full(self._packer.code_size, 255, dtype=np.uint8)
            for place in range(rows):
                self._packer.pack_1_c(_FAISS.swig_ptr(ones), place, _FAISS.swig_ptr(mask))
            self._masks[rows] = mask
        return self._masks[rows]


def _append(mine: Any, theirs: Any, number: int) -> None:
    """Append list ``number`` of ``theirs`` to that of ``mine``; both have packed codes.

    faiss 1.15.1 (``BlockInvertedLists::add_entries``) takes a length that is a multiple of
    ``block_size``, which is in bytes, for the start of a block, and writes past the end of the
    list: such lists are appended to row by row here.
    """
    more, there = theirs.list_size(number), mine.list_size(number)
    if not there or there % mine.block_size:
        mine.add_entries(number, more, theirs.get_ids(number), theirs.get_codes(number))
        return
    mine.resize(number, there + more)
    _ids(mine, number)[there:] = _ids(theirs, number)
    row = np.empty(mine.packer.code_size, dtype=np.uint8)
    buffer = _FAISS.swig_ptr(row)
    for place in range(more):
        mine.packer.unpack_1_c(theirs.get_codes(number), place, buffer)
        mine.packer.pack_1_c(buffer, there + place, mine.get_codes(number))


def _ids(lists: Any, number: int) -> NDArray[np.int64]:
    """The ids of list ``number``: the list's own memory, not a copy."""
    size = lists.list_size(number)
    if not size:
        return np.empty(0, dtype=np.int64)
    ids: NDArray[np.int64] = _FAISS.rev_swig_ptr(lists.get_ids(number), size)
    return ids


def _plain_lists(trained: Any, path: Path, index: Any) -> Any:
    lists = lists_of(index)
    if not isinstance(lists, faiss.ArrayInvertedLists):
        raise ValueError(  # noqa: TRY004 - it is the file that is wrong
            f"{path} has no plain inverted lists: merge it in memory"
        )
    try:
        trained.check_compatible_for_merge(index)
    except RuntimeError as error:
        raise ValueError(f"{path} is of another kind ({str(error)[-80:]})") from error
    return lists


def _header(trained: Any, sizes: NDArray[np.uint64], count: int) -> bytes:
    """What faiss writes before the lists of an index with ``count`` rows in lists of ``sizes``.

    RuntimeError where this faiss writes lists in another way.
    """
    lists, within = lists_of(trained), inner(trained)
    end = b"ilar" + struct.pack("<QQ", lists.nlist, lists.code_size) + b"sprs" + bytes(8)
    trained.ntotal = within.ntotal = count
    try:
        written = bytes(_FAISS.serialize_index(trained).tobytes())
    finally:
        trained.ntotal = within.ntotal = 0
    if not written.endswith(end):
        raise RuntimeError(f"faiss {faiss.__version__} writes lists in a way not known here")
    return written[:-12] + b"full" + struct.pack("<Q", len(sizes)) + sizes.tobytes()


def _write_list(file: BinaryIO, lists: Sequence[Any], number: int) -> None:
    """Write list ``number`` of all: their codes, then their ids."""
    there = [one for one in lists if one.list_size(number)]
    for one in there:
        size = one.list_size(number) * one.code_size
        file.write(_FAISS.rev_swig_ptr(one.get_codes(number), size).data)
    for one in there:
        file.write(_ids(one, number).data)
