"""Search of whatever snapshot of a lake serves: a new one takes over without a restart."""

from __future__ import annotations

import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final

from mmcore.closing import Closing
from mmcore.errors import ConfigError
from mmcore.search.answers import Answer
from mmcore.search.asking.loaded import Loaded
from mmcore.search.asking.queries import Asker
from mmcore.search.notes import Note
from mmcore.search.request import SearchRequest
from mmcore.search.searcher import Searcher
from mmcore.specs import LimitsSpec, RuntimeSpec
from storage.errors import SnapshotReissuedError
from storage.layout import Layout
from storage.places.place import modified, place_of
from storage.published import current
from storage.schemas import MmindexError
from storage.snapshot import Snapshot

log = logging.getLogger(__name__)

Opener = Callable[[Snapshot], Searcher]

_AGAIN: Final = 30.0
"""Seconds after which a snapshot that could not be opened is tried again."""


_Stamp = tuple[int | None, float]
"""Which snapshot, and when its manifest was written: an erasure writes it anew."""


class Following(Closing):
    """The searcher of the snapshot that serves, now; safe to share among threads.

    A query keeps the searcher that it began with, so an answer is of one snapshot. On use, and at
    most every ``every`` seconds, a thread looks what serves; it opens a new snapshot beside the
    old one, reads what searches need, and lets it take over then. No query waits for that, so the
    first ones after a publication may still be answered from the old one. A new snapshot that
    cannot be opened does not take over: the old one serves on, and ``trouble`` says why.
    """

    def __init__(self, layout: Layout, opener: Opener, every: float = 1.0) -> None:
        self._layout, self._opener, self._every = layout, opener, every
        self._state = threading.Lock()  # of what follows; held for no longer than that takes
        self._opening = threading.Lock()  # one snapshot is opened at a time
        self._closed = False
        self._trouble: str | None = None
        self._refused: tuple[_Stamp | None, float] = (None, 0.0)  # and until when
        self._stamp = self._current()
        self._serving = self._opened()
        self._left: weakref.ref[Searcher] | None = None
        self._looked, self._looking = time.monotonic(), False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="following")

    @classmethod
    def open(
        cls,
        lake: str | Path,
        *,
        limits: LimitsSpec | None = None,
        runtime: RuntimeSpec | None = None,
        opener: Opener | None = None,
        every: float = 1.0,
    ) -> Following:
        """Open the published snapshot of ``lake``, a folder or a URL; loads no weights.

        ``opener`` makes the searcher of a snapshot, in place of the lake's own encoders with
        ``limits`` and ``runtime``. NoLakeError where nothing is published.
        """
        root = place_of(lake) if isinstance(lake, str) else lake
        made = opener or _own(limits or LimitsSpec(), runtime or RuntimeSpec())
        return cls(Layout(root), made, every)

    def searcher(self) -> Searcher:
        """The searcher of the newest snapshot that is open; ConfigError once this is closed."""
        with self._state:
            self._check()
            due = not self._looking and time.monotonic() - self._looked >= self._every
            if due:
                self._looking = True
                self._thread.submit(self._look_once)
            return self._serving

    def answer(self, request: SearchRequest) -> Answer:
        """The answer of one snapshot; ``notes`` says where that is not the newest one.

        Where an erasure has written that one anew meanwhile, it is opened and asked once more.
        """
        searcher = self.searcher()
        try:
            return self._noted(searcher.answer(request))
        except SnapshotReissuedError:
            return self._noted(self.reopened(searcher).answer(request))

    def answers(self, requests: Sequence[SearchRequest]) -> list[Answer | MmindexError]:
        """The same of several, all of one snapshot; what one comes to is in its place."""
        searcher = self.searcher()
        try:
            found = searcher.answers(requests)
            outdated = any(isinstance(one, SnapshotReissuedError) for one in found)
        except SnapshotReissuedError:
            outdated = True
        if outdated:
            found = self.reopened(searcher).answers(requests)
        return [one if isinstance(one, MmindexError) else self._noted(one) for one in found]

    def reopened(self, outdated: Searcher | None = None) -> Searcher:
        """The searcher of what serves now, opened anew and waited for.

        With ``outdated``, only if it still serves; else the one that has taken over meanwhile.
        What keeps it from being opened is raised.
        """
        with self._opening:
            with self._state:
                self._check()
                if outdated is not None and self._serving is not outdated:
                    return self._serving
            self._take_over(self._current())
            return self._serving

    def look(self) -> None:
        """Look now whether another snapshot serves, and wait until it does here, or cannot."""
        with self._opening:
            self._forget()
            try:
                self._follow()
            except (MmindexError, OSError) as error:
                self._tell(error)
            except Exception as error:  # noqa: BLE001 - told like any other; the old one serves on
                self._tell(error, whole=True)

    @property
    def trouble(self) -> str | None:
        """Why the newest snapshot is not the one that answers; None where it is."""
        return self._trouble

    def close(self) -> None:
        """Look no more; queries under way end with what they have."""
        with self._state:
            self._closed = True
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _check(self) -> None:
        if self._closed:
            raise ConfigError(f"the search of {self._layout.root} is closed: open it again")

    def _look_once(self) -> None:
        try:
            self.look()
        finally:
            with self._state:
                self._looked, self._looking = time.monotonic(), False

    def _current(self) -> _Stamp:
        """What serves now; a manifest that is not there is for who opens it to tell."""
        number = current(self._layout)
        if number is None:
            return None, 0.0
        try:
            return number, modified(self._layout.snapshot(number) / "manifest.json")
        except FileNotFoundError:
            return number, 0.0

    def _follow(self) -> None:
        """Let what serves now take over, unless it does, or could not a moment ago."""
        now, (refused, until) = self._current(), self._refused
        if now == self._stamp:
            self._trouble, self._refused = None, (None, 0.0)
        elif now != refused or time.monotonic() >= until:
            self._refused = now, time.monotonic() + _AGAIN
            self._take_over(now)

    def _take_over(self, stamp: _Stamp) -> None:
        """Open what serves; ``stamp`` was read before, so what comes later is looked at again."""
        searcher = self._opened()
        with self._state:
            self._left = weakref.ref(self._serving)
            self._serving, self._stamp = searcher, stamp
            self._trouble, self._refused = None, (None, 0.0)
        log.info("snapshot %s of %s serves", searcher.snapshot.manifest.number, self._layout.root)
        gc.collect()  # what was erased does not stay in memory until the collector comes by itself

    def _opened(self) -> Searcher:
        """A searcher of what serves now, ready; CorruptLakeError where that is damaged."""
        searcher = self._opener(Snapshot.open(self._layout))
        searcher.warm()
        return searcher

    def _forget(self) -> None:
        """Let go of the searcher before, should something that is done with it hold it still."""
        if self._left is not None and self._left() is not None:
            gc.collect()
        self._left = None

    def _tell(self, error: Exception, *, whole: bool = False) -> None:
        """Say once what keeps the newest snapshot from serving; ``whole``: with its traceback."""
        old = self._serving.snapshot.manifest.number or 0
        why = f"{type(error).__name__}: {error}" if whole else str(error)
        trouble = Note("older-serves", number=old, why=why)
        if trouble != self._trouble:
            log.warning("%s", trouble, exc_info=error if whole else None)
        self._trouble = trouble

    def _noted(self, answer: Answer) -> Answer:
        trouble = self._trouble
        if trouble is None:
            return answer
        return replace(answer, notes=(*answer.notes, trouble))


def _own(limits: LimitsSpec, runtime: RuntimeSpec) -> Opener:
    """Searchers with the encoders of their snapshot, those that are the same loaded once."""
    loaded = Loaded()

    def opened(snapshot: Snapshot) -> Searcher:
        return Searcher(snapshot, loaded.kept(Asker.of(snapshot, limits, runtime)))

    return opened
