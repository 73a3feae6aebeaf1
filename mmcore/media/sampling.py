"""How fast a root is read, and of what it is made: told by a few of its files, in seconds."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Final

from mmcore.media import remote
from mmcore.media.crawl import THREADS, Walked, blocks
from mmcore.media.listing import Entry
from mmcore.media.pace import FREE, Pace
from mmcore.media.roots import location_of
from mmcore.media.sniff import HEAD, sniff
from mmcore.media.urls import is_remote
from storage.schemas import MmindexError, Modality

FILES: Final = 48
SECONDS: Final = 3.0
MOST_BYTES: Final = 16_000_000
"""What is read of one file at most: a long video tells no more."""

_USUAL: Final = 1 / 100e6  # seconds a byte, where the sample has too few to tell


@dataclass(frozen=True, slots=True)
class Seen:
    """One file of the sample."""

    modality: Modality | None  # None: not media
    size: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a sample tells of a root."""

    alias: str
    files: int  # of the root
    bytes: int
    seen: tuple[Seen, ...] = ()
    open_seconds: float = 0.0  # until the first bytes of a file are there
    byte_seconds: float = _USUAL  # for each byte after them
    threads: int = THREADS  # that read at once

    @property
    def seconds(self) -> float:
        """To read all of it once, about: files are opened by threads, bytes share the line."""
        return self.files * self.open_seconds / self.threads + self.bytes * self.byte_seconds


def sampled(walked: Walked, pace: Pace = FREE, *, seconds: float = SECONDS) -> Sampled:
    """Read some files of a root, picked at random but always the same, for ``seconds`` at most.

    A file that cannot be read tells nothing. What the system has in memory is read faster than it
    will be; the disk of a machine that is used for nothing else is not.
    """
    entries = [one for one in walked.entries if not (one.manifest or one.fault)]
    size = sum(entry.size for entry in entries)
    base = location_of(walked.source, "")
    picked = random.Random(0).sample(entries, min(FILES, len(entries)))
    until, timed = time.monotonic() + seconds, list[_Timed]()
    for entry in picked:
        if timed and time.monotonic() > until:
            break
        timed += _timed(base, entry, pace)
    threads = remote.THREADS if is_remote(base) else THREADS
    told = walked.source.alias, len(entries), size
    if not timed:
        return Sampled(*told, threads=threads)
    rest = sum(one.rest for one in timed)
    return Sampled(
        *told,
        tuple(one.seen for one in timed),
        sum(one.opening for one in timed) / len(timed),
        sum(one.reading for one in timed) / rest if rest > MOST_BYTES // 16 else _USUAL,
        threads,
    )


@dataclass(frozen=True, slots=True)
class _Timed:
    """A file that was read, or its beginning."""

    seen: Seen
    opening: float  # seconds
    reading: float
    rest: int  # bytes after the first ones


def _timed(base: str, entry: Entry, pace: Pace) -> Iterator[_Timed]:
    with suppress(MmindexError, OSError):
        pace.wait(min(entry.size, MOST_BYTES))  # before the clock starts
        began = time.monotonic()
        with closing(blocks(base, entry)) as read:
            head = next(read, b"")
            opened, rest = time.monotonic(), 0
            for block in read:
                rest += len(block)
                if rest >= MOST_BYTES:
                    break
        kind = sniff(head[:HEAD]) if head else None
        seen = Seen(kind[0] if kind else None, entry.size)
        yield _Timed(seen, opened - began, time.monotonic() - opened, rest)
