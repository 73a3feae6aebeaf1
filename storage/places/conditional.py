"""Writes that happen only if nobody else wrote: what keeps two writers of a lake apart.

S3 has conditional puts (If-None-Match, If-Match) and so has Google's store (ifGenerationMatch).
Where a store has none it is looked first and then put; so it is locally, under the file lock.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from storage.errors import FOLDER, CorruptLakeError
from storage.places.atomic import write_bytes
from storage.places.place import is_local, schemes, store_of
from storage.places.stores import BUCKETS

_S3: Final = frozenset({"s3", "s3a"})
_GOOGLE: Final = frozenset({"gs", "gcs"})
_REFUSED: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_LOOKING: Final = threading.Lock()  # two threads do not look and put at once


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it was looked at: its bytes, None where there was none, and its store's tag."""

    data: bytes | None
    tag: str | None = None


def look(path: Path) -> Seen:
    """What lies at ``path`` now, to be handed to ``swap``."""
    try:
        if is_local(path):
            return Seen(path.read_bytes())
        store, key = store_of(path)
        info = store.info(key)  # first: bytes that are newer than its tag make swap fail
        tag = info.get("ETag" if schemes(path) & _S3 else "generation")
        return Seen(store.cat_file(key), tag)
    except FileNotFoundError:
        return Seen(None)
    except IsADirectoryError as error:
        raise CorruptLakeError(path, FOLDER) from error


def create(path: Path, data: bytes) -> bool:
    """Put ``data`` where there is nothing yet, whole or not at all; whether it lies there now.

    Equal bytes that lie there already count: an answer may get lost, and the request be repeated.
    """
    if schemes(path) & BUCKETS:
        store, key = store_of(path)
        if _accepted(store, key, data, mode="create"):
            return True
    else:
        with _LOOKING:
            if look(path).data is None:
                write_bytes(path, data)
                return True
    return look(path).data == data


def swap(path: Path, data: bytes, seen: Seen) -> bool:
    """Put ``data`` over what was ``seen`` at ``path``; False where that is not there any more."""
    if seen.data is None:
        return create(path, data)
    if schemes(path) & _S3:
        store, key = store_of(path)
        return _accepted(store, key, data, IfMatch=seen.tag) or look(path).data == data
    if schemes(path) & _GOOGLE:
        return _put_over(path, data, seen) or look(path).data == data
    with _LOOKING:
        if look(path) != seen:
            return False
        write_bytes(path, data)
    return True


def honoured(path: Path, data: bytes) -> bool:
    """Whether the store keeps to the condition of a put; ``data`` lies at ``path``."""
    if not schemes(path) & BUCKETS:
        return True
    store, key = store_of(path)
    return not _accepted(store, key, data, mode="create")


def _put_over(path: Path, data: bytes, seen: Seen) -> bool:
    """Put ``data`` over the ``seen`` generation, for which gcsfs has no option of its own."""
    store, key = store_of(path)
    bucket, _, name = key.partition("/")
    try:
        store.call(
            "POST",
            f"{store.base.replace('/storage/', '/upload/storage/')}b/{quote(bucket)}/o",
            uploadType="media",
            name=name,
            ifGenerationMatch=seen.tag,
            headers={"Content-Type": "application/octet-stream"},
            data=data,
            json_out=True,
        )
    except FileExistsError:
        return False
    return True


def _accepted(store: Any, key: str, data: bytes, **condition: Any) -> bool:
    """Put ``data`` under a condition; False where the store refused because of it."""
    try:
        store.pipe_file(key, data, **condition)
    except FileExistsError:
        return False
    except OSError as error:
        told = getattr(error.__cause__, "response", None) or {}
        if told.get("Error", {}).get("Code") in _REFUSED:
            return False
        raise
    return True
