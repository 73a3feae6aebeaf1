"""What the routes of one server share: the searcher that serves now, queues and caches."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final, Generic, TypeVar, cast

from anyio import CapacityLimiter
from fastapi import Depends, Request

from mmcore.search.answers import Answer
from mmcore.search.apart import ApartAsker
from mmcore.search.following import Following, Loaded
from mmcore.search.http.batching import Batcher
from mmcore.search.http.metrics import Metrics
from mmcore.search.http.problems import busy, lacks
from mmcore.search.http.roots import Roots
from mmcore.search.http.settings import Settings
from mmcore.search.http.shelf import Shelf
from mmcore.search.peaks import Drawer, Peaks
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from storage.errors import SnapshotReissuedError
from storage.schemas import MmindexError, Modality
from storage.snapshot import Snapshot
from storage.thumbnails import thumbnails

log = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

_THREADS: Final = 2  # that search, and that read thumbnails
_PICTURES: Final = 4000  # thumbnails that are kept, of some 5 kB each
_WAVES: Final = 1000


class Kept(Generic[K, V]):
    """The values that were used last, at most so many; safe to share among threads."""

    def __init__(self, most: int) -> None:
        self._most, self._lock = most, threading.Lock()
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        """What is kept for a key; None where nothing is."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep a value, in place of the one that was not used for longest."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)


class Served(Searcher):
    """A searcher with what a server shows of its snapshot; it ends with the snapshot."""

    def __init__(self, snapshot: Snapshot, asker: ApartAsker, settings: Settings) -> None:
        super().__init__(snapshot, asker)
        self.asker = asker
        self.shelf: Final = Shelf(snapshot)
        self.roots: Final = Roots(snapshot, settings.roots)
        self.pictures: Final[Kept[int, bytes]] = Kept(_PICTURES)
        self.waves: Final[Kept[tuple[int, int], Peaks]] = Kept(_WAVES)

    @property
    def number(self) -> int:
        """The number of its snapshot."""
        return self.snapshot.manifest.number or 0

    def condition(self, text: str) -> None:
        """Find what passes a condition, and keep it: the search that follows need not wait."""
        self._opened.where().items(text)

    def conditions(self) -> dict[str, tuple[str, ...]]:
        """The columns that a condition can name, by relation."""
        return self._opened.where().columns()


def opener(settings: Settings) -> Callable[[Snapshot], Served]:
    """What makes the searcher of a snapshot for a server; what it shows first is read at once."""
    loaded = Loaded()  # a new snapshot loads no weights that are there

    def opened(snapshot: Snapshot) -> Served:
        asker = ApartAsker.of(snapshot, settings.limits, settings.runtime)
        served = Served(snapshot, loaded.kept(cast("ApartAsker", asker)), settings)
        served.shelf.warm()
        return served

    return opened


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """An answer, with the searcher that gave it: links and numbers of files are of that."""

    served: Served
    answer: Answer


Wanted = tuple[Served, tuple[int, ...]]
"""Segments of a snapshot, of which the first that has a thumbnail is wanted."""


class Serving:
    """One server at work; safe to share among threads."""

    def __init__(self, settings: Settings, following: Following) -> None:
        self.settings, self._following = settings, following
        self.metrics: Final = Metrics()
        self.drawer: Final = Drawer(settings.limits)
        self.searches: Final[Batcher[SearchRequest, Found]] = Batcher(
            self.answers,
            most=settings.batch,
            waiting=settings.waiting,
            threads=_THREADS,
            seen=self.metrics.batches.observe,
        )
        self.small: Final[Batcher[Wanted, bytes]] = Batcher(
            _pictures, waiting=settings.waiting, threads=_THREADS
        )
        self.conditioning: Final = CapacityLimiter(_THREADS)
        self._uploads = threading.BoundedSemaphore(settings.uploads)
        self.metrics.waiting.set_function(lambda: self.searches.waiting)

    def served(self) -> Served:
        """The searcher of the snapshot that serves now."""
        served = cast("Served", self._following.searcher())
        self.metrics.snapshot.set(served.number)
        return served

    def answers(self, requests: Sequence[SearchRequest]) -> list[Found | Exception]:
        """Answer some searches from one snapshot; once more where an erasure took it away."""
        served = self.served()
        answers = _tried(served, requests)
        if any(isinstance(answer, SnapshotReissuedError) for answer in answers):
            served = cast("Served", self._following.reopened(served))
            answers = _tried(served, requests)
        return [Found(served, self._noted(a)) if isinstance(a, Answer) else a for a in answers]

    def answer_media(self, path: Path, modality: Modality | None, request: SearchRequest) -> Found:
        """Answer a search that asks with a file, which is decoded in a worker process."""
        served = self.served()
        try:
            with self.metrics.uploads.time():
                served.asker.read(path, modality)
            answer = _tried(served, [request])[0]
        except MmindexError as error:
            raise _told(served, error) from error
        finally:
            served.asker.forget(path, modality)
        if isinstance(answer, Exception):
            raise answer
        return Found(served, self._noted(answer))

    def _noted(self, answer: Answer) -> Answer:
        """The answer, with the reason why a newer snapshot does not give it."""
        trouble = self._following.trouble
        return answer if trouble is None else replace(answer, notes=(*answer.notes, trouble))

    @contextmanager
    def uploading(self) -> Iterator[None]:
        """Hold a place among those whose files are taken in; a problem 503 where none is left."""
        if not self._uploads.acquire(blocking=False):
            raise busy()
        try:
            yield
        finally:
            self._uploads.release()

    def warm(self) -> None:
        """Let a search load what the first one would wait for; what goes wrong is logged."""

        def told(future: Future[Found]) -> None:
            if error := future.exception():
                log.warning("the first search failed: %s", error)

        first = SearchRequest(parts=(Part(text="mmindex 图文搜索"),), k=1)  # Chinese words too
        self.searches.ask(first).add_done_callback(told)

    def close(self) -> None:
        """End the threads; what waits is answered first."""
        self.searches.close()
        self.small.close()
        self.drawer.pool.close()
        self._following.close()


def _tried(served: Served, requests: Sequence[SearchRequest]) -> Sequence[Answer | Exception]:
    """The answers; what the server lacks is not told as the asker's fault."""
    try:
        answers = served.answers(requests)
    except SnapshotReissuedError as error:
        return [error] * len(requests)
    return [one if isinstance(one, Answer) else _told(served, one) for one in answers]


def _told(served: Served, error: Exception) -> Exception:
    return lacks(error) if any(error is e for e in served.asker.missing.values()) else error


def _pictures(wanted: Sequence[Wanted]) -> list[bytes | Exception]:
    """Thumbnails that are wanted at about the same time, read together; b"" where there is none.

    Of several segments the first that has one counts.
    """
    ids: dict[int, set[int]] = {}
    of = {id(served): served for served, _ in wanted}
    for served, segments in wanted:
        ids.setdefault(id(served), set()).update(segments)
    found = {which: thumbnails(of[which].snapshot, some) for which, some in ids.items()}
    for which, some in ids.items():
        for segment in some:
            of[which].pictures.put(segment, found[which].get(segment, b""))
    return [
        next((p for s in segments if (p := found[id(served)].get(s))), b"")
        for served, segments in wanted
    ]


def _of_request(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving


Here = Annotated[Serving, Depends(_of_request)]
"""What a route is given of its server."""
