"""What the routes of one server share: the searcher that serves now, queues and caches."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Generic, TypeVar, cast

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from mmcore.errors import ConfigError
from mmcore.media.reasons import Language
from mmcore.search.answers import Answer
from mmcore.search.apart import ApartAsker
from mmcore.search.folders import swept
from mmcore.search.following import Following, Loaded
from mmcore.search.http.batching import Batcher, Weight
from mmcore.search.http.metrics import Metrics
from mmcore.search.http.problems import busy, lacks
from mmcore.search.http.roots import Roots
from mmcore.search.http.settings import Settings
from mmcore.search.http.shelf import Shelf
from mmcore.search.http.small import Picture, pictures
from mmcore.search.http.waits import Joined
from mmcore.search.http.waves import Waves
from mmcore.search.notes import Note
from mmcore.search.once import Once
from mmcore.search.peaks import Peaks
from mmcore.search.queries import MOST_CHUNKS
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from storage.errors import SnapshotReissuedError
from storage.schemas import MmindexError, Modality
from storage.snapshot import Snapshot
from storage.thumbnails import Thumbnails

log = logging.getLogger(__name__)

K = TypeVar("K")
T = TypeVar("T")
V = TypeVar("V")

_THREADS: Final = 2  # that search, and that read thumbnails
_PICTURES: Final = 4000  # thumbnails that are kept, of some 5 kB each
_WAVES: Final = 1000
_CONDITIONS: Final = 1000
_HEAVIEST: Final = 128  # passages of texts in one batch: some seconds of an encoder's work
_PASSAGE: Final = 150  # characters: about as many, or more, are one
_SLOW: Final = 1.0  # seconds of a condition that failed, after which it is not tried again
_REFUSED: Final = 60.0  # seconds for which it is not
_CLOSING: Final = 10.0  # seconds that work under way has when the server ends


Translated = Callable[[str, Language], str]
"""Says in a language what an evaluation has written in English."""


def in_english(text: str, _: Language) -> str:
    """As it was written: whoever makes the server may know better."""
    return text


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
        self.shelf: Final = Shelf(self._opened.catalog)
        self.roots: Final = Roots(snapshot, settings.roots)
        self.pictures: Final[Kept[Picture, bytes]] = Kept(_PICTURES)
        self.waves: Final[Kept[tuple[int, int], Peaks]] = Kept(_WAVES)
        self._refused: Final[Kept[str, tuple[float, str]]] = Kept(_CONDITIONS)
        self._once: Final = Once()

    @property
    def number(self) -> int:
        """The number of its snapshot."""
        return self.snapshot.manifest.number or 0

    def thumbnails(self) -> Thumbnails:
        """Where the small pictures of its segments lie."""
        return self._once.of("thumbnails", lambda: Thumbnails.of(self.snapshot))

    def condition(self, text: str) -> None:
        """Find what passes a condition, and keep it: the search that follows need not wait.

        One that took seconds in vain is refused again at once, for a while.
        """
        self.check_condition(text)
        began = time.monotonic()
        try:
            self._opened.where().items(text)
        except ConfigError as error:
            now = time.monotonic()
            if now - began > _SLOW:
                self._refused.put(text, (now + _REFUSED, error.args[0]))
            raise

    def check_condition(self, text: str) -> None:
        """Raise ConfigError for a condition that took seconds in vain a moment ago."""
        until, why = self._refused.get(text) or (0.0, "")
        if time.monotonic() < until:
            raise ConfigError(why)

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


class Serving:
    """One server at work; safe to share among threads."""

    def __init__(
        self, settings: Settings, following: Following, why: Translated = in_english
    ) -> None:
        swept()  # what servers that were killed have left
        self.settings, self._following = settings, following
        self.why: Final = why
        self.metrics: Final = Metrics()
        self.searches: Final[Batcher[SearchRequest, Found]] = Batcher(
            self.answers,
            most=settings.batch,
            waiting=settings.waiting,
            threads=_THREADS,
            weight=Weight(passages, _HEAVIEST),
            seen=self.metrics.batches.observe,
        )
        self.small: Final[Batcher[Picture, bytes]] = Batcher(
            self._pictures, waiting=settings.waiting, threads=_THREADS
        )
        self._conditions: Final[Batcher[tuple[Served, str], None]] = Batcher(
            _passed, most=1, waiting=settings.conditions, threads=_THREADS
        )
        self._conditioned: Final = Joined(self._conditions.ask)
        self.waves: Final = Waves(settings.limits, settings.waveforms)
        self._uploads = threading.BoundedSemaphore(settings.uploads)
        self._bodies = threading.BoundedSemaphore(settings.bodies)
        self.metrics.waiting.set_function(lambda: self.searches.waiting)

    def served(self) -> Served:
        """The searcher of the snapshot that serves now."""
        served = cast("Served", self._following.searcher())
        self.metrics.snapshot.set(served.number)
        return served

    def condition(self, served: Served, text: str) -> Future[None]:
        """What is done once it is known what a condition lets pass, or why it is refused.

        BusyError where too many wait, ConfigError where it is known to take too long.
        """
        served.check_condition(text)
        return self._conditioned.ask((served, text))

    def on_served(self, work: Callable[[Served], T]) -> T:
        """What ``work`` makes of the searcher that serves now.

        Where an erasure has taken its snapshot away meanwhile, that is opened anew, once.
        """
        served = self.served()
        try:
            return work(served)
        except SnapshotReissuedError:
            return work(self._anew(served))

    async def awaited(self, work: Callable[[Served], Awaitable[T]]) -> T:
        """The same of work that is waited for."""
        served = await run_in_threadpool(self.served)
        try:
            return await work(served)
        except SnapshotReissuedError:
            return await work(await run_in_threadpool(self._anew, served))

    def _anew(self, outdated: Served) -> Served:
        return cast("Served", self._following.reopened(outdated))

    def answers(self, requests: Sequence[SearchRequest]) -> list[Found | Exception]:
        """Answer some searches from one snapshot."""
        return self.on_served(partial(self._answered, requests))

    def _answered(
        self, requests: Sequence[SearchRequest], served: Served
    ) -> list[Found | Exception]:
        try:
            answers = _tried(served, requests)
        except SnapshotReissuedError:
            raise
        except Exception:
            if len(requests) == 1:
                raise
            answers = [_alone(served, one) for one in requests]
        return [Found(served, self._noted(a)) if isinstance(a, Answer) else a for a in answers]

    def answer_media(self, path: Path, modality: Modality | None, request: SearchRequest) -> Found:
        """Answer a search that asks with a file, which is decoded in a worker process."""
        return self.on_served(partial(self._by_media, path, modality, request))

    def _by_media(
        self, path: Path, modality: Modality | None, request: SearchRequest, served: Served
    ) -> Found:
        try:
            with self.metrics.uploads.time():
                served.asker.read(path, modality)
            (answer,) = _tried(served, [request])
        except SnapshotReissuedError:
            raise
        except MmindexError as error:
            raise _told(served, error) from error
        finally:
            served.asker.forget(path, modality)
        if isinstance(answer, Exception):
            raise answer
        return Found(served, self._noted(answer))

    def _pictures(self, wanted: Sequence[Picture]) -> list[bytes | Exception]:
        return self.on_served(partial(pictures, wanted))

    def _noted(self, answer: Answer) -> Answer:
        """The answer, with a note where a newer snapshot cannot give it; the log says why."""
        if self._following.trouble is None:
            return answer
        note = Note("newer-unopened", number=answer.snapshot)
        return replace(answer, notes=(*answer.notes, note))

    def uploading(self) -> AbstractContextManager[None]:
        """Hold a place among those whose files are decoded; a problem 503 where none is left."""
        return _held(self._uploads)

    def coming(self) -> AbstractContextManager[None]:
        """The same among those whose files are on their way."""
        return _held(self._bodies)

    def warm(self) -> None:
        """Let a search load what the first one would wait for; what goes wrong is logged."""

        def told(future: Future[Found]) -> None:
            if error := future.exception():
                log.warning("the first search failed: %s", error)

        first = SearchRequest(parts=(Part(text="mmindex 图文搜索"),), k=1)  # Chinese words too
        self.searches.ask(first).add_done_callback(told)

    def close(self) -> None:
        """End the threads; what waits is answered first, if that takes no longer than a while."""
        until = time.monotonic() + _CLOSING
        for one in (self.searches, self.small, self._conditions, self.waves):
            one.close(max(0.0, until - time.monotonic()))
        self._following.close()


@contextmanager
def _held(places: threading.BoundedSemaphore) -> Iterator[None]:
    if not places.acquire(blocking=False):
        raise busy()
    try:
        yield
    finally:
        places.release()


def passages(request: SearchRequest) -> int:
    """About how many passages of text an encoder has to work on for a search, or more."""
    texts = [part.text for part in request.parts if part.text is not None]
    return sum(min(MOST_CHUNKS, 1 + len(text) // _PASSAGE) for text in texts)


def _passed(wanted: Sequence[tuple[Served, str]]) -> list[Exception | None]:
    """Find what conditions let pass; an error of one is of all, so one is asked at a time."""
    for served, text in wanted:
        served.condition(text)
    return [None] * len(wanted)


def _tried(served: Served, requests: Sequence[SearchRequest]) -> list[Answer | Exception]:
    """The answers; what the server lacks is not told as the asker's fault.

    SnapshotReissuedError where one of them comes to it.
    """
    answers = served.answers(requests)
    for one in answers:
        if isinstance(one, SnapshotReissuedError):
            raise one
    return [one if isinstance(one, Answer) else _told(served, one) for one in answers]


def _alone(served: Served, request: SearchRequest) -> Answer | Exception:
    """The answer of one of several searches of which another one trips over a fault of ours."""
    try:
        return _tried(served, [request])[0]
    except SnapshotReissuedError:
        raise
    except Exception as error:  # noqa: BLE001 - who asked for it is told
        return error


def _told(served: Served, error: Exception) -> Exception:
    return lacks(error) if any(error is e for e in served.asker.missing.values()) else error


def _of_request(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving


Here = Annotated[Serving, Depends(_of_request)]
"""What a route is given of its server."""
