"""Reading and writing faiss files: whole or not at all, and within faiss's own limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import faiss

from storage.errors import CorruptLakeError
from storage.places.atomic import replacing
from storage.places.place import local_copy

_FAISS: Final[Any] = faiss  # its type stubs lack what its Python side adds
_LIMITS: Final = threading.Lock()  # faiss has one set of limits for all threads
_TABLES: Final = 8  # times its centroids: a table that faiss reckons with for 4-bit codes in lists
_LOOPS: Final = 1 << 28  # lists, links and the like that a file may claim


def write_faiss(path: Path, index: Any) -> None:
    """Write a faiss index; what stands at ``path`` appears whole."""
    with replacing(path, final=True) as temporary, temporary.open("wb") as file:
        # through Python's file: faiss opens no path that is not ASCII on every system
        faiss.write_index(index, _FAISS.PyCallbackIOWriter(file.write))


def read_faiss(path: Path, *, mapped: bool = False) -> Any:
    """Read a faiss index; CorruptLakeError where it is missing, or no faiss file.

    No vector that a file claims may be much larger than the file. ``mapped``: vectors, and lists
    without packed codes, are read from disk when they are asked for, and take no memory of ours.
    """
    try:
        local = local_copy(path)
        size = local.stat().st_size
        with _limits(_TABLES * size + (1 << 20)):
            if mapped and str(local).isascii():
                return faiss.read_index(str(local), faiss.IO_FLAG_MMAP_IFC)
            with local.open("rb") as file:
                return faiss.read_index(_FAISS.PyCallbackIOReader(file.read))
    except FileNotFoundError as error:
        raise CorruptLakeError(path, "is missing") from error
    except RuntimeError as error:
        raise CorruptLakeError(path, f"faiss cannot read it ({str(error)[-80:]})") from error


@contextmanager
def _limits(size: int) -> Iterator[None]:
    """What faiss reads meanwhile may claim no more than ``size`` bytes a vector."""
    with _LIMITS:
        before = _FAISS.get_deserialization_vector_byte_limit()
        loops = _FAISS.get_deserialization_loop_limit()
        _FAISS.set_deserialization_vector_byte_limit(size)
        _FAISS.set_deserialization_loop_limit(_LOOPS)
        try:
            yield
        finally:
            _FAISS.set_deserialization_vector_byte_limit(before)
            _FAISS.set_deserialization_loop_limit(loops)
