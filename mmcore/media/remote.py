"""Stores that fsspec reaches, such as S3: how they are listed and read.

Credentials come from the environment only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from fsspec import AbstractFileSystem, get_filesystem_class
from fsspec.asyn import AsyncFileSystem

from mmcore.errors import ConfigError, MissingExtraError, SourceError, UnreachableError
from storage.schemas import MmindexError, digest

BLOCK: Final = 8 << 20
"""Bytes of one request; an object that has no more is read by one."""

THREADS: Final = 16
"""Requests at once: a store answers late, and many at a time."""

_EXTRAS: Final = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
_TIMES: Final = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
_MARKS: Final = ("ETag", "etag", "md5Hash", "generation", "content_md5")
_SECOND: Final = 1_000_000_000


def opened(url: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a URL and the path in it.

    MissingExtraError when its package is not installed, ConfigError for an unknown scheme.
    """
    scheme = urlsplit(url).scheme
    try:
        kind = get_filesystem_class(scheme)
        # a listing that is kept would hide what others put and deleted since
        store = kind(**kind._get_kwargs_from_urls(url), use_listings_cache=False)
    except ImportError as error:
        if scheme in _EXTRAS:
            raise MissingExtraError(f"{scheme}://", _EXTRAS[scheme]) from error
        raise ConfigError(f"{url}: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{url}: {error}") from error
    return store, kind._strip_protocol(url)  # not url_to_fs: "::" may be in a name


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Tell what a store refuses (SourceError) from what may pass by itself (UnreachableError).

    FileNotFoundError propagates: what it means, the caller knows. The libraries of stores raise
    errors of their own, of many kinds, for what a local disk has an OSError for.
    """
    try:
        yield
    except (MmindexError, FileNotFoundError):
        raise
    except PermissionError as error:
        raise SourceError(
            f"{url}: no permission to read it ({_line(error)}); nothing was taken for deleted:"
            " check the credentials in the environment"
        ) from error
    except Exception as error:
        raise UnreachableError(
            f"{url} cannot be read ({_line(error)}); nothing was taken for deleted: check its"
            " name, the network and the credentials in the environment, then run again"
        ) from error


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def check_folder(url: str) -> None:
    """Raise SourceError unless something lies below a URL; asks for one entry, lists nothing."""
    try:
        with reaching(url):
            store, path = opened(url)
            kind = store.info(path)["type"]
    except FileNotFoundError as error:
        raise SourceError(
            f"{url}: nothing is there; is the bucket's name right, is the prefix?"
        ) from error
    if kind != "directory":
        raise SourceError(f"{url} is one object, not a folder: name the prefix above it")


def listed(url: str) -> dict[str, dict[str, Any]]:
    """All objects below a URL, by path below it, as the store describes them now.

    One recursive listing where the store has such. FileNotFoundError or SourceError when it is
    not complete.
    """
    with reaching(url):
        store, path = opened(url)
        found = _walked(store, path) if _walks(store) else store.find(path, detail=True)
    above = f"{path.rstrip('/')}/"
    return {
        name[len(above) :]: told
        for name, told in found.items()
        if name.startswith(above) and not name.endswith("/") and told["type"] == "file"
    }


def _walks(store: AbstractFileSystem) -> bool:
    """Whether ``find`` is fsspec's own walk, which leaves out what it cannot list."""
    kind = type(store)
    if issubclass(kind, AsyncFileSystem):
        return bool(kind._find is AsyncFileSystem._find)
    return bool(kind.find is AbstractFileSystem.find)


def _walked(store: AbstractFileSystem, path: str) -> dict[str, dict[str, Any]]:
    """All objects below a path, folder by folder; any error propagates."""
    found, folders = {}, [path]
    while folders:
        folder = folders.pop()
        for told in store.ls(folder, detail=True):
            if told["type"] != "directory":
                found[told["name"]] = told
            elif told["name"].rstrip("/") != folder.rstrip("/"):
                folders.append(told["name"])
    return found


def stamp(told: Mapping[str, Any]) -> tuple[int, bool]:
    """When an object was changed, in nanoseconds since 1970, and whether that tells any change.

    Where a store has a checksum or a version (S3's ETag), the part below a second is its hash, so
    another one is another stamp: stores tell times by the second, and tell copies by neither.
    """
    ns = _nanoseconds(next((told[name] for name in _TIMES if told.get(name)), 0))
    mark = next((told[name] for name in _MARKS if told.get(name)), None)
    if mark is None:
        return ns, False
    return ns - ns % _SECOND + int(digest(str(mark))[:12], 16) % _SECOND, True


def _nanoseconds(time: Any) -> int:
    if isinstance(time, str):
        with suppress(ValueError):
            return _nanoseconds(datetime.fromisoformat(time))
        return 0
    seconds = time.timestamp() if isinstance(time, datetime) else float(time)
    return round(seconds * 1e6) * 1000


def blocks(url: str, size: int) -> Iterator[bytes]:
    """The bytes of an object of ``size``, at most BLOCK at once; one request each."""
    for start in range(0, size, BLOCK):
        with reaching(url):
            store, path = opened(url)
            block = store.cat_file(path) if size <= BLOCK else _part(store, path, start, size)
        yield block


def _part(store: AbstractFileSystem, path: str, start: int, size: int) -> bytes:
    block: bytes = store.cat_file(path, start=start, end=min(start + BLOCK, size))
    return block
