"""What an erasure has to remember until it is proved, unreadable without the lake's key."""

from __future__ import annotations

import base64
import hashlib
import secrets
import zlib
from typing import Final

import numpy as np

_NONCE: Final = 16
_CHECK: Final = 16


def seal(key: bytes, data: bytes) -> str:
    """``data`` in ASCII; without ``key`` no byte of it can be told. ``unseal`` gives it back."""
    nonce, packed = secrets.token_bytes(_NONCE), zlib.compress(data)
    hidden = _mixed(key, nonce, packed)
    return base64.b64encode(nonce + _check(key, nonce + hidden) + hidden).decode()


def unseal(key: bytes, text: str) -> bytes:
    """What ``seal`` was given; ValueError under another key, or for what it never gave."""
    raw = base64.b64decode(text)
    nonce, check, hidden = raw[:_NONCE], raw[_NONCE : _NONCE + _CHECK], raw[_NONCE + _CHECK :]
    if not secrets.compare_digest(check, _check(key, nonce + hidden)):
        raise ValueError("it was sealed under another key")
    return zlib.decompress(_mixed(key, nonce, hidden))


def _mixed(key: bytes, nonce: bytes, data: bytes) -> bytes:
    stream = hashlib.shake_256(b"sealed" + key + nonce).digest(len(data))
    return (np.frombuffer(data, np.uint8) ^ np.frombuffer(stream, np.uint8)).tobytes()


def _check(key: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, key=key, digest_size=_CHECK).digest()
