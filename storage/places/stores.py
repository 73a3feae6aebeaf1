"""What fsspec's file systems say and how; their own words are known here only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import uuid4

from storage.errors import PlaceError

EXTRAS: Final = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs"}
"""By scheme: the extra of ours that installs its client."""

BUCKETS: Final = frozenset(EXTRAS)
"""Schemes of stores with buckets, of which we know how they delete many and put conditionally."""

_CLIENTS: Final = ("botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "fsspec", "s3fs")
_TIMES: Final = ("LastModified", "mtime", "updated", "last_modified", "created")

Info = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as a listing shows it."""

    size: int
    mtime: float  # seconds since 1970; of an object, when it was put


def listed(info: Info) -> Listed:
    """Size and time out of what a store says of a file."""
    when = next((info[name] for name in _TIMES if info.get(name) is not None), 0)
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    seconds = when.timestamp() if isinstance(when, datetime) else float(when)
    return Listed(int(info["size"] or 0), seconds)


def found_below(store: Any, key: str, *, deep: bool) -> dict[str, Info]:
    """The files that a store has below ``key``, or directly below it, by key; all or an error."""
    if deep and not _walks(store):  # to a depth, stores that find by themselves walk too
        try:
            return cast("dict[str, Info]", store.find(key, detail=True))
        except FileNotFoundError:
            return {}
    found, folders = dict[str, Info](), [key]
    while folders:
        for info in _entries(store, folders.pop()):
            if info["type"] != "directory":
                found[info["name"]] = info
            elif deep:
                folders.append(info["name"])
    return found


def _walks(store: Any) -> bool:
    """Whether ``find`` is fsspec's own walk, which leaves out what it cannot list."""
    from fsspec import AbstractFileSystem  # noqa: PLC0415 - not for `mmindex --help`
    from fsspec.asyn import AsyncFileSystem  # noqa: PLC0415

    kind = type(store)
    if issubclass(kind, AsyncFileSystem):
        return bool(kind._find is AsyncFileSystem._find)
    return bool(kind.find is AbstractFileSystem.find)


def names_in(store: Any, key: str) -> list[tuple[str, str]]:
    """Names directly below ``key``, each with its kind: ``file`` or ``directory``."""
    there = [(info["name"].rstrip("/"), info["type"]) for info in _entries(store, key)]
    return [(name.rpartition("/")[2], kind) for name, kind in there]


def _entries(store: Any, key: str) -> list[Info]:
    """What lies directly below ``key``, which some stores name too."""
    try:
        there = store.ls(key, detail=True)
    except FileNotFoundError:
        return []
    return [info for info in there if info["name"].rstrip("/") != key.rstrip("/")]


def schemes_of(store: Any) -> frozenset[str]:
    """The names by which a store goes in URLs."""
    protocol = store.protocol
    return frozenset({protocol} if isinstance(protocol, str) else protocol)


def is_store_error(error: BaseException) -> bool:
    """Whether ``error`` is what a store's client says of a store that it cannot reach or use.

    That is one of its own errors, or a ValueError of Python's that it raised, as of an endpoint
    that is no URL; or a PermissionError that was made of one of its own.
    """
    if isinstance(error, PermissionError) and error.__cause__ is not None:
        return is_store_error(error.__cause__)
    if type(error) is ValueError:
        return _raised_in(error) in _CLIENTS
    return type(error).__module__.partition(".")[0] in _CLIENTS


def _raised_in(error: BaseException) -> str:
    """The package of the code that raised an error."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    named = place.tb_frame.f_globals.get("__name__", "") if place is not None else ""
    return str(named).partition(".")[0]


def probe(store: Any, key: str, place: object, *, writing: bool) -> None:
    """Raise PlaceError when a store cannot be used: no bucket, no right, nobody there."""
    trial, bucket = f"{key.rstrip('/')}/.{uuid4().hex}.tmp", key.partition("/")[0]
    try:
        if writing:
            store.pipe_file(trial, b"-")
            store.rm_file(trial)
        elif BUCKETS & schemes_of(store) and not store.exists(bucket):
            raise FileNotFoundError(f"there is no bucket {bucket}")  # noqa: TRY301
    except Exception as error:
        if not (isinstance(error, OSError) or is_store_error(error)):
            raise
        fact = "cannot be written to" if writing else "cannot be read"
        why = f"{fact} ({' '.join(str(error).split())}): check bucket, endpoint and credentials"
        raise PlaceError(place, why) from error
