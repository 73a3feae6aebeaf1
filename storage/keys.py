"""The lake's own key: what must not be told is kept as a hash under it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from storage.errors import CorruptLakeError, KeyLostError
from storage.json_files import read_object
from storage.layout import Layout
from storage.places.atomic import replacing
from storage.published import current, manifest_of

_BYTES: Final = 32
_HASH_BYTES: Final = 16


def lake_key(layout: Layout) -> bytes:
    """The key of the lake, 32 random bytes in ``KEY``; made when there was none: hold the lock.

    Raises KeyLostError where something was hashed under one that is gone.
    """
    key = read_key(layout)
    if key is not None:
        return key
    check_key(layout)
    made = secrets.token_bytes(_BYTES)
    with replacing(layout.key) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_bytes(made)
    return made


def check_key(layout: Layout) -> None:
    """Raise KeyLostError where the key is gone, and tombstones or hashed names are not."""
    if read_key(layout) is None and (_has_tombstones(layout) or _is_private(layout)):
        raise KeyLostError(layout.key)


def _has_tombstones(layout: Layout) -> bool:
    """Whether something was forgotten, or is about to be; also where nobody can read what."""
    if (layout.tombstones / "pending.json").exists():
        return True
    try:
        return any((read_object(layout.tombstones / "tombstones.json") or {}).values())
    except CorruptLakeError:
        return True


def _is_private(layout: Layout) -> bool:
    try:
        return current(layout) is not None and manifest_of(layout).private
    except CorruptLakeError:  # whoever needs the manifest says so
        return False


def read_key(layout: Layout) -> bytes | None:
    """The key of the lake, or None where it has none; CorruptLakeError when it is not one."""
    try:
        key = layout.key.read_bytes()
    except FileNotFoundError:
        return None
    if len(key) != _BYTES:
        raise CorruptLakeError(layout.key, f"has {len(key)} bytes, not {_BYTES}")
    return key


def keyed(key: bytes, *parts: str) -> str:
    """Hash ``parts`` under ``key`` to 32 hex digits; who lacks the key can test no guess.

    Parts are told apart by their lengths; bytes that are not UTF-8 stand as surrogates.
    """
    hasher = hashlib.blake2b(key=key, digest_size=_HASH_BYTES)
    for part in parts:
        raw = part.encode("utf-8", "surrogateescape")
        hasher.update(len(raw).to_bytes(8, "big") + raw)
    return hasher.hexdigest()
