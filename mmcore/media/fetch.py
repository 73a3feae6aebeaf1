"""Bring a shard's objects from their store to the local disk, to be decoded there."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from mmcore.errors import MediaError
from mmcore.media import remote
from mmcore.media.pace import FREE, Pace
from mmcore.media.urls import is_remote
from mmcore.types import Content
from storage.schemas import content_hash

_BLOCK: Final = 1 << 20


def local_contents(
    contents: Sequence[Content], folder: Path, pace: Pace = FREE
) -> list[Content | MediaError]:
    """Each content with a local place, in order; objects are copied into ``folder``, all at once.

    An object that has gone, or has other bytes than were crawled, is a MediaError instead. What a
    store refuses altogether is a SourceError, an UnreachableError where it does not answer.
    """
    with ThreadPoolExecutor(remote.THREADS) as pool:
        places = (folder / str(number) for number in range(len(contents)))
        return list(pool.map(partial(_local, pace), contents, places))


def _local(pace: Pace, content: Content, place: Path) -> Content | MediaError:
    if not is_remote(content.location):
        return content
    pace.wait(content.size)
    place.parent.mkdir(exist_ok=True)
    try:
        with remote.reaching(content.location):
            store, path = remote.opened(content.location)
            store.get_file(path, str(place))
    except FileNotFoundError:
        return MediaError("read", "vanished", "the object is not there any more")
    if _content_id(place) != content.content_id:
        return MediaError("read", "changed", "the object has changed since it was crawled")
    return replace(content, location=str(place), mtime_ns=place.stat().st_mtime_ns)


def _content_id(place: Path) -> str:
    hasher = content_hash()
    with place.open("rb") as file:
        while block := file.read(_BLOCK):
            hasher.update(block)
    return hasher.hexdigest()
