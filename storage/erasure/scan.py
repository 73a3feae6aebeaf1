"""Search streams of bytes for many short patterns at once, in bounded memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from typing import Final

import numpy as np
from numpy.typing import NDArray

LEAST: Final = 4  # bytes of a pattern
_BLOCK: Final = 4 << 20  # bytes looked at at once
_TABLE_BITS: Final = 22
_SPREAD: Final = np.uint32(0x9E3779B1)  # 2^32 / golden ratio (Knuth's multiplicative hash)


class Scanner:
    """Looks for ``patterns``, each of at least ``LEAST`` bytes.

    The first four bytes at every place of a block are looked up in a table of hashes, and only
    where it says maybe are patterns compared: the time hardly depends on how many there are.
    """

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self._by_head: dict[bytes, list[bytes]] = defaultdict(list)
        for pattern in dict.fromkeys(patterns):
            if len(pattern) < LEAST:
                raise ValueError(f"a pattern of {len(pattern)} bytes is found by chance")
            self._by_head[pattern[:LEAST]].append(pattern)
        self.longest = max((len(p) for same in self._by_head.values() for p in same), default=0)
        self._maybe = np.zeros(1 << _TABLE_BITS, dtype=bool)
        heads = np.frombuffer(b"".join(self._by_head), dtype=np.uint32)
        self._maybe[_hashes(heads)] = True

    def found_in(self, data: bytes | memoryview) -> set[bytes]:
        """The patterns that stand in ``data``."""
        found: set[bytes] = set()
        view = memoryview(data).cast("B")
        for start in range(0, len(view), _BLOCK) if self._by_head else ():
            found |= self._in_block(bytes(view[start : start + _BLOCK + self.longest - 1]))
        return found

    def found_in_file(self, file: BufferedIOBase) -> tuple[set[bytes], int]:
        """The patterns that stand in a file, also across blocks, and how many bytes it has."""
        found: set[bytes] = set()
        size, rest = 0, b""
        while block := file.read(_BLOCK):
            size += len(block)
            found |= self._in_block(rest + block)
            rest = (rest + block)[-(self.longest - 1) :] if self.longest > 1 else b""
        return found, size

    def _in_block(self, block: bytes) -> set[bytes]:
        found: set[bytes] = set()
        for place in self._places(block):
            for pattern in self._by_head.get(block[place : place + LEAST], ()):
                if pattern not in found and block.startswith(pattern, place):
                    found.add(pattern)
        return found

    def _places(self, block: bytes) -> Iterator[int]:
        """Where a pattern may begin: wherever four bytes have the hash of a pattern's first."""
        for shift in range(LEAST):
            words = (
                np.frombuffer(block, np.uint32, (len(block) - shift) // LEAST, shift)
                if (len(block) - shift >= LEAST)
                else np.empty(0, np.uint32)
            )
            yield from (np.flatnonzero(self._maybe[_hashes(words)]) * LEAST + shift).tolist()


def _hashes(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    return (words * _SPREAD) >> np.uint32(32 - _TABLE_BITS)
