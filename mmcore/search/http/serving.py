"""What the routes of one server share: the searcher that serves now, and queues of work."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Annotated, Final, TypeVar, cast

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from mmcore.media.reasons import Language
from mmcore.search.folders import swept
from mmcore.search.following import Following
from mmcore.search.http.answering import Answered, WithFile, answer_with_file, answers, passages
from mmcore.search.http.batching import Batcher, Weight
from mmcore.search.http.media.small import Picture, pictures
from mmcore.search.http.media.waves import Waves
from mmcore.search.http.metrics import Metrics
from mmcore.search.http.problems import busy
from mmcore.search.http.served import Served
from mmcore.search.http.settings import Settings
from mmcore.search.http.waits import Joined
from mmcore.search.http.warming import Warming
from mmcore.search.notes import Note
from mmcore.search.request import SearchRequest
from storage.errors import SnapshotReissuedError

T = TypeVar("T")

_THREADS: Final = 2  # that search, and that read thumbnails
_HEAVIEST: Final = 128  # passages of texts in one batch: some seconds of an encoder's work
_CLOSING: Final = 10.0  # seconds that work under way has when the server ends


Translated = Callable[[str, Language], str]
"""Says in a language what an evaluation has written in English."""


def in_english(text: str, _: Language) -> str:
    """As it was written: whoever makes the server may know better."""
    return text


class Serving:
    """One server at work; safe to share among threads."""

    def __init__(
        self, settings: Settings, following: Following, why: Translated = in_english
    ) -> None:
        swept()  # what servers that were killed have left
        self.settings, self._following = settings, following
        self.why: Final = why
        self.metrics: Final = Metrics()
        self.searches: Final[Batcher[SearchRequest, Answered]] = Batcher(
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
        self._warming: Final = Warming(self)
        self._uploads = threading.BoundedSemaphore(settings.uploads)
        self._bodies = threading.BoundedSemaphore(settings.bodies)
        self.metrics.waiting.set_function(lambda: self.searches.waiting)

    def served(self) -> Served:
        """The searcher of the snapshot that serves now."""
        served = cast("Served", self._following.searcher())
        self.metrics.snapshot.set(served.number)
        return served

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

    def condition(self, served: Served, text: str) -> Future[None]:
        """What is done once it is known what a condition lets pass, or why it is refused.

        BusyError where too many wait, ConfigError where it is known to take too long.
        """
        served.check_condition(text)
        return self._conditioned.ask((served, text))

    def answers(self, requests: Sequence[SearchRequest]) -> list[Answered | Exception]:
        """Answer some searches from one snapshot."""
        found = self.on_served(lambda served: answers(served, requests))
        return [self._noted(one) if isinstance(one, Answered) else one for one in found]

    def answer_with_file(self, asked: WithFile) -> Answered:
        """Answer a search that asks with a file, which is decoded in a worker process."""

        def answered(served: Served) -> Answered:
            return answer_with_file(served, asked, self.metrics.uploads.time())

        return self._noted(self.on_served(answered))

    def uploading(self) -> AbstractContextManager[None]:
        """Hold a place among those whose files are decoded; a problem 503 where none is left."""
        return _held(self._uploads)

    def coming(self) -> AbstractContextManager[None]:
        """The same among those whose files are on their way."""
        return _held(self._bodies)

    def asked(self, request: SearchRequest) -> Future[Answered]:
        """What the answer to a search will be; BusyError where too many wait."""
        return self.searches.ask(request)

    def warm(self) -> None:
        """Load what the first search and the first picture would wait for, in a thread."""
        self._warming.start()

    def close(self) -> None:
        """End the threads; what waits is answered first, if that takes no longer than a while."""
        until = time.monotonic() + _CLOSING
        for one in (self.searches, self.small, self._conditions, self.waves, self._warming):
            one.close(max(0.0, until - time.monotonic()))
        self._following.close()

    def _anew(self, outdated: Served) -> Served:
        return cast("Served", self._following.reopened(outdated))

    def _pictures(self, wanted: Sequence[Picture]) -> list[bytes | Exception]:
        return self.on_served(partial(pictures, wanted))

    def _noted(self, found: Answered) -> Answered:
        """The answer, with a note where a newer snapshot cannot give it; the log says why."""
        if self._following.trouble is None:
            return found
        note = Note("newer-unopened", number=found.answer.snapshot)
        answer = replace(found.answer, notes=(*found.answer.notes, note))
        return replace(found, answer=answer)


@contextmanager
def _held(places: threading.BoundedSemaphore) -> Iterator[None]:
    if not places.acquire(blocking=False):
        raise busy()
    try:
        yield
    finally:
        places.release()


def _passed(wanted: Sequence[tuple[Served, str]]) -> list[Exception | None]:
    """Find what conditions let pass; an error of one is of all, so one is asked at a time."""
    for served, text in wanted:
        served.condition(text)
    return [None] * len(wanted)


def _of_request(request: Request) -> Serving:
    serving: Serving = request.app.state.serving
    return serving


Here = Annotated[Serving, Depends(_of_request)]
"""What a route is given of its server."""
