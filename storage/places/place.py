"""Where a lake lies: a local folder, or a prefix of an object store that fsspec reaches.

A place is a ``pathlib.Path``, or a ``upath.UPath`` that answers the same calls and is typed as
one. What the two do differently (listing, opening, deleting, writing) is said here, in ``atomic``
and in ``conditional``, and nowhere else.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from io import BufferedIOBase, BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from storage.errors import PlaceError
from storage.places import cache
from storage.places.stores import (
    BUCKETS,
    EXTRAS,
    Listed,
    found_below,
    listed,
    names_in,
    schemes_of,
)
from storage.schemas import MissingExtraError, digest

_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
_PATTERN: Final = re.compile(r"[*?\[\]#]")
_BUCKET: Final = re.compile(r"[A-Za-z0-9._-]{3,255}|arn:.+")
_READ_ONLY: Final = frozenset({"http", "https"})
_SCHEMES: Final = frozenset({*EXTRAS, *_READ_ONLY, "file", "local", "memory", "az", "sftp"})
_BLOCK: Final = 8 << 20  # bytes fetched at once of a remote file
_NOTHING_THERE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})

SizeOf = Callable[[str], int | None]
"""The bytes of a file by its name below a root; None where there is none."""


def place_of(url: str) -> Path:
    """The place that ``url`` names: an absolute local path, or a remote one.

    A local path and a ``file:`` URL give a ``pathlib.Path``. Raises MissingExtraError where the
    package for the URL's scheme is not installed, PlaceError for a URL that cannot be used.
    """
    scheme = _URL.match(url)
    if scheme is None:
        _check_path(url)
        return _resolved(Path(url).expanduser())
    if scheme[1].lower() in ("file", "local"):
        return _resolved(Path(url2pathname(urlsplit(url).path)))
    _check_url(url)
    from upath import UPath  # noqa: PLC0415 - half of the time of `mmindex --help`

    try:
        # a listing that is kept would hide what others put
        place = UPath(url.rstrip("/"), use_listings_cache=False)
        place.fs  # noqa: B018 - the client is imported here
    except ImportError as error:
        name = EXTRAS.get(scheme[1].lower())
        if name is None:
            raise PlaceError(url, f"needs a package that is not installed ({error})") from error
        raise MissingExtraError(f"a place like {scheme[0]}…", name) from error
    except ValueError as error:
        raise PlaceError(url, str(error)) from error
    return cast("Path", place)


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except RuntimeError as error:  # until Python 3.13
        raise PlaceError(str(path), "is a link that leads back to itself") from error


def _check_path(path: str) -> None:
    """Raise PlaceError for what was meant to be a URL: it would be a folder of that name here."""
    scheme, colon, rest = path.partition(":")
    if colon and scheme.lower() in _SCHEMES:
        raise PlaceError(
            path, f"is no URL: write {scheme}://{rest.lstrip('/')}, or ./{path} for a folder"
        )


def _check_url(url: str) -> None:
    address = urlsplit(url)
    scheme = address.scheme.lower()
    if scheme in _READ_ONLY:
        raise PlaceError(url, "is not a store that can be written to: name a folder, or s3://…")
    if (scheme in EXTRAS and not address.netloc) or url.rstrip("/").endswith(":"):
        raise PlaceError(url, "names no bucket: write s3://BUCKET/LAKE")
    if {".", ".."} & set(address.path.split("/")):
        raise PlaceError(url, "has . or .. in it, which a store takes for names: write the path")
    if "@" in address.netloc:
        shown = f"{address.scheme}://…@{unquote(address.netloc.rpartition('@')[2])}{address.path}"
        why = "holds credentials: give them by the environment or the client's own config file"
        raise PlaceError(shown, why)
    if scheme in EXTRAS and not _BUCKET.fullmatch(address.netloc):
        raise PlaceError(url, f"{address.netloc} is no name that a bucket can have")
    if _PATTERN.search(url):
        raise PlaceError(url, "has one of *?[]#, which a listing takes for a pattern")


def is_local(place: Path) -> bool:
    """Whether a place lies in this machine's file system."""
    return isinstance(place, Path)


def schemes(place: Path) -> frozenset[str]:
    """The names by which the store of a place goes in URLs; none for a local one."""
    return frozenset() if is_local(place) else schemes_of(store_of(place)[0])


def store_of(place: Path) -> tuple[Any, str]:
    """The fsspec file system of a remote place, and its key there."""
    remote = cast("Any", place)
    return remote.fs, remote.path


def listing(folder: Path, *, deep: bool = True) -> dict[str, Listed]:
    """The files in ``folder`` and below, or only in it, by their name below it; links left out.

    Whole or an error; empty where there is no such folder. Remotely it costs a request a thousand
    files.
    """
    if is_local(folder):
        return dict(_walked(folder, deep=deep))
    store, key = store_of(folder)
    return {
        name.removeprefix(key).lstrip("/"): listed(info)
        for name, info in found_below(store, key, deep=deep).items()
        if name != key and info["type"] == "file"
    }


def _walked(folder: Path, *, deep: bool) -> Iterator[tuple[str, Listed]]:
    for where, below, names in os.walk(folder, onerror=_is_gone):
        if not deep:
            below.clear()
        for name in names:
            path = Path(where, name)
            with suppress(FileNotFoundError):  # another process removed it
                like = path.lstat()
                if stat.S_ISREG(like.st_mode):
                    yield path.relative_to(folder).as_posix(), Listed(like.st_size, like.st_mtime)


def _is_gone(error: OSError) -> None:
    """Raise an error that says more than that nothing is there, which others may remove."""
    if error.errno not in _NOTHING_THERE:
        raise error


def _mode(path: Path) -> int:
    """Of which kind a local place is, through links, 0 for none; what cannot be told is raised."""
    try:
        return path.stat().st_mode
    except OSError as error:
        _is_gone(error)
        return 0


def modified(path: Path) -> float:
    """When a file was last written, in seconds since 1970."""
    if is_local(path):
        return path.stat().st_mtime
    store, key = store_of(path)
    return listed(store.info(key)).mtime


def sizes(root: Path, names: Iterable[str]) -> SizeOf:
    """A look-up of the bytes of the files ``names`` below ``root``; None for one that is missing.

    Locally each file is looked at when it is asked for. Remotely the folders at the top that the
    names lie in are listed once, now.
    """
    if is_local(root):
        return lambda name: _size(root / name)
    tops = sorted({name.partition("/")[0] for name in names})
    found = {
        f"{top}/{name}": like.size
        for top in tops
        for name, like in (listing(root / top) if top else {}).items()
    }
    return found.get


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def children(folder: Path) -> list[str]:
    """The names of what lies directly in ``folder``, sorted; none where it is missing.

    All or an error, as also ``folders`` and ``holding``.
    """
    if is_local(folder):
        return sorted(path.name for path in _inside(folder))
    return sorted(name for name, _ in names_in(*store_of(folder)))


def folders(folder: Path, *, links: bool = False) -> list[Path]:
    """The folders directly in ``folder``, sorted, with ``links`` also linked ones.

    None where it is missing, or, without ``links``, a link.
    """
    if not is_local(folder):
        inside = names_in(*store_of(folder))
        return sorted(folder / name for name, kind in inside if kind == "directory")
    below = _inside(folder) if links or not folder.is_symlink() else ()
    return sorted(
        path for path in below if stat.S_ISDIR(_mode(path)) and (links or not path.is_symlink())
    )


def holding(folder: Path, name: str) -> list[Path]:
    """The files called ``name`` of the folders, linked ones too, directly in ``folder``, sorted.

    Remotely it costs one listing of all that lies below.
    """
    if is_local(folder):
        paths = (below / name for below in folders(folder, links=True))
        return [path for path in paths if stat.S_ISREG(_mode(path))]
    found = (PurePosixPath(path) for path in listing(folder))
    return sorted(folder / str(path) for path in found if path.parts[1:] == (name,))


def _inside(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if stat.S_ISDIR(_mode(folder)) else []


def opened(path: Path) -> BufferedIOBase:
    """Open a file for reading at any place; a remote one is fetched in blocks."""
    if is_local(path):
        return path.open("rb")
    store, key = store_of(path)
    if store.protocol == "memory":  # it hands out one file with one position to all threads
        return BytesIO(store.cat_file(key))
    return cast("BufferedIOBase", store.open(key, "rb", block_size=_BLOCK))


def read_now(path: Path) -> bytes:
    """The bytes of a small file that may be replaced at any time: those of before or of after.

    ``read_bytes`` asks a store twice, and fails when the file was replaced in between.
    """
    if is_local(path):
        return path.read_bytes()
    store, key = store_of(path)
    return bytes(store.cat_file(key))


def remove(paths: Iterable[Path]) -> None:
    """Remove files; one that is not there is fine. Of buckets, many are removed by one request."""
    wanted = list(paths)
    if len(wanted) > 1 and BUCKETS & schemes(wanted[0]):
        store, _ = store_of(wanted[0])
        with suppress(FileNotFoundError):  # of those that are there none is left out
            store.rm([store_of(path)[1] for path in wanted])
        return
    for path in wanted:
        if is_local(path):
            path.unlink(missing_ok=True)
        else:
            store, key = store_of(path)
            with suppress(FileNotFoundError):
                store.rm_file(key)


def local_copy(path: Path) -> Path:
    """A local file with the bytes of ``path``: itself, or a copy that is kept in the cache.

    The remote file's size, time and tag are asked for; only if it is not the one that was copied
    before is it fetched. Raises FileNotFoundError where there is none.
    """
    if is_local(path):
        return path
    store, key = store_of(path)
    info = store.info(key)
    like = [str(info.get(name)) for name in ("size", "ETag", "etag", "generation", "created")]
    return cache.kept(
        f"{digest([str(path), *like], length=32)}{path.suffix}",
        int(info["size"] or 0),
        lambda temporary: store.get_file(key, str(temporary)),
    )
