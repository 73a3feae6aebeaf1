"""Pictures that cannot be decoded."""

from __future__ import annotations

import os

OLD = 1_600_000_000  # seconds: long before any run


def break_picture(path):
    """Write what begins like a picture, old, with bytes of its own."""
    path.write_bytes(b"\xff\xd8\xff\xe0 no picture, " + path.name.encode())
    os.utime(path, (OLD, OLD))
