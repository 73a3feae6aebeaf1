"""Search one snapshot of a lake: what is asked in, hits out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from itertools import islice
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

from mmcore.search.answers import Answer
from mmcore.search.asking.narrow import request_of
from mmcore.search.asking.queries import Asker
from mmcore.search.asking.voices import Voices
from mmcore.search.clock import Clock
from mmcore.search.notes import Note
from mmcore.search.opened.nearest import Nearest, Wanted
from mmcore.search.opened.opened import Opened
from mmcore.search.opened.stored import Stored
from mmcore.search.planning.beside import weighing
from mmcore.search.planning.indexes import Indexes
from mmcore.search.planning.plan import Plan
from mmcore.search.planning.planner import Planner
from mmcore.search.ranking.away import Aim
from mmcore.search.ranking.lists import Listed
from mmcore.search.ranking.ranker import Ranker
from mmcore.search.ranking.weights import Weights
from mmcore.search.recent import Recent
from mmcore.search.request import SearchRequest
from mmcore.search.showing.shown import Shown
from mmcore.specs import LimitsSpec, RuntimeSpec
from mmcore.types import Hit, Query, Vectors
from storage.layout import Layout
from storage.places.place import place_of
from storage.schemas import FUSED, MmindexError, Modality
from storage.snapshot import Snapshot

_KNOWN: Final = 1000  # texts whose vectors are kept, of some kB each

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")

Search = tuple[Plan, list[Wanted]]
"""A plan, and what it asks of its indexes."""

Listing = tuple[Plan, list[Wanted], list[Listed]]
"""The same with what they found."""


class Searcher:
    """One snapshot, opened for searching; safe to share among threads.

    Indexes, rows and weights are read when a search first needs them, and kept.
    """

    def __init__(self, snapshot: Snapshot, asker: Asker, weights: Weights | None = None) -> None:
        self.snapshot = snapshot
        self._asker = asker
        self._known: Recent[tuple[str, str], Vectors] = Recent(_KNOWN)
        self._encoding = threading.Lock()  # most models take all cores: two at once would fight
        weights = weights or Weights()
        self._opened = Opened(snapshot)
        self._indexes = Indexes(self._opened, asker, Stored(self._opened))
        self._planner = Planner(self._opened, self._indexes, weights)
        self._nearest = Nearest(self._opened)
        self._ranker = Ranker(self._opened, self._nearest, weights)
        self._shown = Shown(self._opened.rows)

    @classmethod
    def open(
        cls,
        lake: str | Path,
        number: int | None = None,
        *,
        limits: LimitsSpec | None = None,
        runtime: RuntimeSpec | None = None,
        weights: Weights | None = None,
    ) -> Searcher:
        """Open the published snapshot of ``lake``, or the one of ``number``; loads no weights.

        ``lake`` is a folder, or a URL such as ``s3://bucket/lake``; ``weights`` say how much each
        list counts. Raises NoLakeError where nothing, or not that number, is published.
        """
        root = place_of(lake) if isinstance(lake, str) else lake
        snapshot = Snapshot.open(Layout(root), number)
        asker = Asker.of(snapshot, limits or LimitsSpec(), runtime or RuntimeSpec())
        return cls(snapshot, asker, weights)

    def warm(self) -> None:
        """Read what searches and hits need, but for weights; CorruptLakeError for damage."""
        for entry in self.snapshot.manifest.indexes:
            self._opened.background(entry)
            if entry.modality != FUSED:
                self._opened.owners(Modality(entry.modality))
        self._opened.lexicon()
        self._opened.rows.warm()

    def answer(self, request: SearchRequest) -> Answer:
        """The answers to one search, best first; ``k`` of them wherever there are as many.

        Raises ConfigError for what cannot be asked, SpaceMismatchError where no comparison means
        anything.
        """
        (answer,) = self.answers([request])
        if isinstance(answer, MmindexError):
            raise answer
        return answer

    def answers(self, requests: Sequence[SearchRequest]) -> list[Answer | MmindexError]:
        """The answers to several searches, or the error of each that cannot be answered.

        Their texts are encoded together, and those that search the same rows of an index are
        searched together. Each is answered as it would be alone.
        """
        clock = Clock()
        voices = Voices(self._asker, self._encoding, self._known)
        planned = [_tried(self._planner.plan, request, voices) for request in requests]
        clock.lap("plan")
        words = weighing(planned)
        asked = _going_on(self._asked, planned, voices)
        clock.lap("encode")
        found = self._found(asked)
        clock.lap("search")
        wait(words)
        told = _going_on(self._told, found, clock)
        number, seconds = self.snapshot.manifest.number or 0, clock.seconds
        return [
            one if isinstance(one, MmindexError) else Answer(number, *one, seconds) for one in told
        ]

    def search(self, query: Query) -> list[Hit]:
        """At most ``query.k`` items, best first, each once; as many as there are, up to k.

        With a modality (a language means texts), an item comes up by its best segment of it.
        Without, by its fused vector; a query that cannot meet those (a sound, before there was
        anything to fit on, or in another space than pictures) searches its own kind. A text is
        encoded by the text tower of what is searched, and by no other; words are not looked at.
        Raises ConfigError for a query that asks nothing, or where there is nothing to search,
        SpaceMismatchError where no comparison means anything.
        """
        return [*self.answer(request_of(query)).hits]

    def _found(self, asked: Sequence[Search | MmindexError]) -> list[Listing | MmindexError]:
        """What the indexes find for each; one by one where one of them cannot be read."""
        there = [wanted for one in asked if not isinstance(one, MmindexError) for wanted in one[1]]
        try:
            lists = iter(self._nearest.lists(there))
        except MmindexError:
            return _going_on(self._listed, asked)
        return [
            one if isinstance(one, MmindexError) else (*one, [*islice(lists, len(one[1]))])
            for one in asked
        ]

    def _listed(self, asked: Search) -> Listing:
        """What the indexes find for one search."""
        return *asked, self._nearest.lists(asked[1])

    def _told(self, found: Listing, clock: Clock) -> tuple[tuple[Hit, ...], tuple[Note, ...]]:
        """The hits of one search, and what is said of it.

        Ranked and shown at once, as its words are kept for a while.
        """
        plan = found[0]
        ranked = self._ranker.ranked(*found)
        clock.lap("rank")
        hits = self._shown.hits(plan, ranked.take(slice(plan.request.offset, None)))
        clock.lap("show")
        return hits, plan.told(len(ranked))

    def _asked(self, plan: Plan, voices: Voices) -> Search:
        """A plan with what it asks of its indexes."""
        return plan, self._ranker.wanted(plan, [*self._aims(plan, voices)])

    def _aims(self, plan: Plan, voices: Voices) -> Iterator[Aim]:
        """What is asked with, in each target."""
        weights = [part.weight for part in plan.parts]
        for target in plan.targets:
            found = [self._indexes.vector(part, target.entry, voices) for part in plan.parts]
            yield Aim.of(found, weights)


def _tried(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | MmindexError:
    try:
        return work(*args, **kwargs)
    except MmindexError as error:
        return error


def _going_on(
    work: Callable[Concatenate[S, P], T],
    ones: Sequence[S | MmindexError],
    *args: P.args,
    **kwargs: P.kwargs,
) -> list[T | MmindexError]:
    """The next step of each, and the error of those that have come to one."""
    return [
        one if isinstance(one, MmindexError) else _tried(work, one, *args, **kwargs)
        for one in ones
    ]
