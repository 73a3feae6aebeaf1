"""The lake's own key: what must not be told is kept as a hash under it."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

from storage.atomic import replacing
from storage.errors import CorruptLakeError
from storage.layout import Layout

_BYTES: Final = 32
_HASH_BYTES: Final = 16


def lake_key(layout: Layout) -> bytes:
    """The key of the lake, 32 random bytes in ``KEY``; made when missing, so hold the lock.

    Whoever loses the file loses what the hashes say: tombstones and hashed paths match no more.
    """
    key = read_key(layout)
    if key is not None:
        return key
    made = secrets.token_bytes(_BYTES)
    with replacing(layout.key) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_bytes(made)
    return made


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
