"""What a worker of another machine has to see before it may work for a run."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import httpx

from mmcore.encoders.compute.device import compute_of
from mmcore.errors import ClusterError
from mmcore.specs import RuntimeSpec
from storage.places.place import is_local, read_now

ME: Final = f"{socket.gethostname()}:{os.getpid()}"
"""This process, as a worker of a cluster is called."""

_PATIENCE: Final = 10.0  # seconds that Prefect's server may take to answer a worker
_AWAY: Final = 60.0  # and may be away amid a run: `mmindex up` starts one that died again
_AGAIN: Final = 2.0  # seconds between two tries


@dataclass(frozen=True, slots=True)
class Sight:
    """What all workers see, if they see the same machine room.

    Args:
        note: a file in the staging place that holds ``word``.
        word: another one for each run.
        media: a local file of each root; a worker without it would take all files for deleted.
        lake: the lake's folder, where it lies in a file system.
        prefect: URL of Prefect's API; empty: not asked.
    """

    note: Path
    word: str
    media: tuple[str, ...] = ()
    lake: Path | None = None
    prefect: str = ""


def check_sight(sight: Sight | None) -> None:
    """Raise ClusterError on a worker that does not see what it has to; asked once a process."""
    if sight is not None and (lacking := _lacking(sight)):
        raise ClusterError(f"the worker {ME}", "; ".join(lacking))


@lru_cache(maxsize=4)
def _lacking(sight: Sight) -> tuple[str, ...]:
    return tuple(lacking(sight, _AWAY))


def lacking(sight: Sight, away: float = 0.0) -> Iterator[str]:
    """What this process does not see of it, and what to do.

    Prefect's server may be away for ``away`` seconds.
    """
    for path in sight.media:
        if not Path(path).exists():
            yield f"does not see {path}: mount the media there"
    if sight.lake is not None and is_local(sight.lake) and not os.access(sight.lake, os.W_OK):
        yield f"cannot write to the lake {sight.lake}: mount it there, with the right to write"
    yield from _unstaged(sight)
    if sight.prefect:
        yield from _unanswered(sight.prefect, away)


def _unstaged(sight: Sight) -> Iterator[str]:
    """Whether what passes between workers comes through."""
    try:
        same = read_now(sight.note) == sight.word.encode()
    except Exception as error:  # noqa: BLE001 - whatever a store's client says, it is told
        yield f"cannot read {sight.note} ({error}): name a cluster.staging that all workers reach"
        return
    if not same:
        yield f"sees another {sight.note.parent}: name a cluster.staging that is the same for all"
    if is_local(sight.note) and not os.access(sight.note.parent, os.W_OK):
        yield f"cannot write to {sight.note.parent}"


def _unanswered(url: str, away: float) -> Iterator[str]:
    until = time.monotonic() + away
    while (error := _asked(url)) is not None:
        if time.monotonic() >= until:
            yield (
                f"does not reach the Prefect server at {url} ({error}): start one that workers"
                " reach, and name it by PREFECT_API_URL"
            )
            return
        time.sleep(_AGAIN)


def _asked(url: str) -> httpx.HTTPError | None:
    """What went wrong, if anything, when Prefect's server was asked how it is."""
    try:
        httpx.get(f"{url}/health", timeout=_PATIENCE).raise_for_status()
    except httpx.HTTPError as error:
        return error
    return None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a worker said of itself."""

    lacking: tuple[str, ...]
    compute: tuple[str, str] | None  # device without its number, and dtype
    python: str


def look_around(sight: Sight, runtime: RuntimeSpec | None) -> Seen:
    """What this worker lacks and, where ``runtime`` is named, how it would run models."""
    compute = None
    if runtime is not None:
        found = compute_of(runtime)
        compute = (found.device.partition(":")[0], found.dtype)
    return Seen(tuple(lacking(sight)), compute, sys.version.partition(" ")[0])
