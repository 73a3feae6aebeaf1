"""Folders of many small media files, made fast; equal arguments make equal bytes."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

A_FOLDER = 1000  # files of one folder
OPENED = 1_600_000_000  # seconds; the first file's mtime, and each next is a second later


def make_tree(root: Path, files: int) -> int:
    """Make ``files`` files below ``root``, pictures of 8×8 and sentences, each its own item.

    Returns:
        The bytes of all.
    """
    size = 0
    for number in range(files):
        folder = root / f"{number // A_FOLDER:04d}"
        if number % A_FOLDER == 0:
            folder.mkdir(parents=True, exist_ok=True)
        data = sentence(number) if number % 2 else picture(number)
        path = folder / f"file-{number:07d}.{'txt' if number % 2 else 'png'}"
        path.write_bytes(data)
        os.utime(path, (OPENED + number, OPENED + number))
        size += len(data)
    return size


def picture(number: int) -> bytes:
    """A PNG of 8×8 pixels in a colour of its own."""
    row = b"\0" + number.to_bytes(3, "big") * 8
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(row * 8, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def sentence(number: int) -> bytes:
    """A sentence in English."""
    return f"The picture of number {number} in the long corridor.\n".encode()
