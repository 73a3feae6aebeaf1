"""BM25 over the words of a snapshot: exact names and rare words, beside the vectors."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.search.among import among
from mmcore.search.ranking.lists import NO_SEGMENT, WORDS, Listed
from mmcore.search.recent import Recent
from mmcore.search.words.absent import absent
from mmcore.search.words.common import only_joins
from mmcore.search.words.documents import TABLE, Documents, documents_of
from mmcore.search.words.inside import Inside
from mmcore.search.words.item_texts import ItemTexts
from mmcore.search.words.library import bm25s
from mmcore.search.words.sums import Sums
from mmcore.search.words.telling import Telling
from mmcore.search.words.terms import Allowed, Floats, Term, WeighedQuery
from mmcore.search.words.tokens import is_han
from mmcore.search.words.vocabulary import Vocabulary
from mmcore.types import Ids
from storage.schemas import Modality
from storage.snapshot import Snapshot

_KEPT: Final = 16  # characters whose places are kept, as a search looks for them several times
_QUERIES: Final = (
    8  # that are kept weighed for the same reason, of 4 bytes a text and an item each
)
_MANY: Final = 4096  # items from which on the coverage of all is faster than that of some
_SETTLED: Final = 4  # of what is looked at one in so many is settled (``ranking.stages``)

WordQuery = tuple[tuple[str, ...], Allowed | None]
"""Words, each once, and the texts that are looked at."""


class Lexicon:
    """The words of one snapshot's texts, and of its items' keys, labels and files.

    An item scores by the text that fits best and by its name; a word that stands in both counts
    once, as the better of them says. Safe to share among threads.
    """

    def __init__(self, documents: Documents, item_texts: ItemTexts) -> None:
        self._documents, self._item_texts = documents, item_texts
        self._vocabulary = Vocabulary(documents.vocabulary)
        self._weighed = documents.weighed
        self._texts = len(documents.segments)
        self._sums = Sums(item_texts, self._texts, documents.weighed.count)
        self._allowed: Allowed | None = None
        self._inside = Inside(documents.vocabulary, self._vocabulary, self._weighed)
        self._characters: Recent[str, Term | None] = Recent(_KEPT)
        self._weighed_queries: Recent[WordQuery, WeighedQuery] = Recent(_QUERIES)
        self._covered: Recent[WordQuery, Floats] = Recent(_QUERIES)
        self._index: Any = bm25s().BM25(method="lucene")
        self._index.nonoccurrence_array = None
        self._index.scores = {  # as its own ``build_index_from_ids`` gives, by loops over texts
            "data": self._weighed.weights,
            "indices": self._weighed.documents,
            "indptr": self._weighed.starts,
            "num_docs": self._weighed.count,
        }

    @classmethod
    def of(cls, snapshot: Snapshot) -> Lexicon | None:
        """Of a snapshot with the table ``words``; None for one without: older, or private."""
        if not snapshot.manifest.paths(TABLE):
            return None
        documents = documents_of(snapshot)
        pairs = snapshot.pairs(Modality.TEXT)
        return cls(documents, ItemTexts.of(*pairs, documents.items, documents.segments))

    def within(self, segments: Ids) -> Lexicon:
        """The same, where of all texts only those of the sorted ``segments`` are looked at.

        Names stay, and how rare a word is remains what it is among all texts.
        """
        found = copy(self)
        found._allowed = Allowed(among(self._documents.segments, segments))
        return found

    def search(self, words: Sequence[str], k: int, allowed_items: Ids | None = None) -> Listed:
        """The best ``k`` items that have one of ``words``; equal scores by smaller id.

        ``words``: of ``tokens.words_of``; one that comes twice counts once. With ``allowed_items``
        only those are found, and as many of them as there are.
        """
        asked = self._asked(words)
        scores = asked.items
        best = _best(scores, self._found(asked, allowed_items), k)
        texts = self._item_texts.best(best, asked.documents)
        segments = np.full(len(best), NO_SEGMENT, dtype=np.int64)
        segments[texts >= 0] = self._documents.segments[texts[texts >= 0]]
        return Listed(
            WORDS, self._documents.items[best], scores[best].astype(np.float64), segments
        )

    def fitting(
        self, words: Sequence[str], k: int, steep: int, allowed_items: Ids | None = None
    ) -> Ids:
        """At most ``k`` items by score times coverage to the power of ``steep``.

        The first quarter come first of all, the others of those that were looked at. ``search``
        has not all of them: many a short name of one word scores above a text of all. What is not
        among its ``k`` scores no more than the last of them, so it has to cover enough.
        """
        asked = self._asked(words)
        places = self._found(asked, allowed_items)
        best = _best(asked.items, places, k)
        if steep and len(best) < len(places) and len(asked.terms) > 1:
            worth = self._worth(words, best, steep)
            sure = np.sort(worth)[-max(1, k // _SETTLED)]
            least = float(sure / asked.items[best[-1]]) ** (1 / steep)
            pool = np.union1d(
                best, _both(self._sums.covering(asked.terms, self._rarity(asked), least), places)
            )
            best = _best(self._worth(words, pool, steep), np.arange(len(pool)), k)
            best = pool[best]
        found: Ids = self._documents.items[best]
        return found

    def coverage(self, words: Sequence[str], items: Ids) -> NDArray[np.float64]:
        """(n,) the share of ``words`` that each of ``items`` (n,) has, rare ones counting more.

        How often it has them, and how long its text is, decide nothing; its best text and its
        name are taken together. Words that only join others are no part of it
        (``common.only_joins``), where there are others. A word that stands nowhere is among those
        that no item has, as far as ``absent`` says.
        """
        asked = self._asked(words)
        there, places = self._known(items)
        found = np.zeros(len(items))
        found[there] = self._sums.of_some(asked.terms, self._rarity(asked), places, self._allowed)
        return found

    def matched(self, items: Ids, words: Sequence[str]) -> list[tuple[str, ...]]:
        """Those of ``words`` that each of ``items`` has, to be shown: of a name not its parts.

        Of a character inside a word that word. Words that weigh next to nothing are told only
        where nothing else was asked.
        """
        asked = self._asked(words)
        terms = asked.terms
        there, places = self._known(items)
        texts, rows = self._sums.texts_of(places, self._allowed)
        documents = np.concatenate([(self._texts + places).astype(np.int32), texts])
        owners = np.concatenate([there, there[rows]])
        shares = np.zeros((len(items), len(terms)), dtype=np.float32)
        inside: dict[tuple[int, str], str] = {}
        for number, term in enumerate(terms):
            mine = term.shares(documents)
            np.maximum.at(shares[:, number], owners, mine)
            part = (mine > 0) & (shares[owners, number] < 1)
            if part.any():
                holding = self._inside.holding(term.word, documents[part], owners[part])
                inside.update({(item, term.word): word for item, word in holding.items()})
        rarity = zip((term.word for term in terms), self._rarity(asked).tolist(), strict=True)
        telling = Telling([*dict.fromkeys(words)], dict(rarity))
        return [
            telling.of([terms[number].word for number in np.flatnonzero(row)], item, inside)
            for item, row in enumerate(shares)
        ]

    def _asked(self, words: Sequence[str]) -> WeighedQuery:
        return self._weighed_queries.of(self._query(words), self._weigh)

    def _query(self, words: Sequence[str]) -> WordQuery:
        return (*dict.fromkeys(words),), self._allowed

    def _found(self, asked: WeighedQuery, allowed_items: Ids | None) -> NDArray[np.int64]:
        """Places, ascending, of the items that have some of the words, of the allowed ones."""
        if allowed_items is None:
            return asked.found
        places = self._places(allowed_items)
        return places[asked.items[places] > 0]

    def _rarity(self, asked: WeighedQuery) -> Floats:
        """(terms,) how much of all that was asked each term is, by how rare it is.

        0 of one that only joins others, where there are others: in a small lake it is rare, too.
        """
        rare = self._weighed.idf(np.array([len(term.documents) for term in asked.terms], np.int64))
        saying = np.array([not only_joins(term.word) for term in asked.terms], dtype=bool)
        if saying.any():
            rare = rare * saying
        unknown = asked.unknown * self._weighed.idf(np.zeros(1, np.int64))[0]
        found: Floats = (rare / (rare.sum() + unknown)).astype(np.float32)
        return found

    def _worth(self, words: Sequence[str], places: NDArray[np.int64], steep: int) -> Floats:
        """(n,) score times coverage to the power of ``steep`` of the items at n places."""
        asked = self._asked(words)
        if len(places) > _MANY:
            shares = self._of_all(words)[places]
        else:
            shares = self._sums.of_some(asked.terms, self._rarity(asked), places, self._allowed)
        worth: Floats = asked.items[places] * shares**steep
        return worth

    def _of_all(self, words: Sequence[str]) -> Floats:
        """(items,) ``coverage`` of all items."""
        return self._covered.of(self._query(words), self._cover)

    def _cover(self, query: WordQuery) -> Floats:
        asked = self._asked(query[0])
        terms = [
            replace(term, weights=weight * term.own_shares())
            for term, weight in zip(asked.terms, self._rarity(asked), strict=True)
        ]
        by_document = self._sums.of_documents(terms)
        if self._allowed is not None:
            by_document[: self._texts] *= self._allowed.texts
        return self._sums.of_items(terms, by_document)

    def _weigh(self, query: WordQuery) -> WeighedQuery:
        words, allowed = query
        found = {word: self._term(word) for word in words}
        terms = (*(term for term in found.values() if term is not None),)
        by_document = self._scored(terms)
        if allowed is not None:
            by_document[: self._texts] *= allowed.texts
        by_item = self._sums.of_items(terms, by_document)
        unknown = sum(absent(word) for word, term in found.items() if term is None)
        return WeighedQuery(terms, unknown, by_document, by_item, np.flatnonzero(by_item > 0))

    def _known(self, items: Ids) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of some items there are, and where those stand."""
        known = self._documents.items
        places = np.searchsorted(known, items)
        places[places == len(known)] = 0
        there = np.flatnonzero(known[places] == items) if len(known) else places[:0]
        return there, places[there]

    def _places(self, items: Ids) -> NDArray[np.int64]:
        """Where those of some items that are known stand, ascending."""
        known, items = self._documents.items, np.unique(items)
        places = np.searchsorted(known, items)
        there = places < len(known)
        there[there] = known[places[there]] == items[there]
        found: NDArray[np.int64] = places[there]
        return found

    def _term(self, word: str) -> Term | None:
        inside = None
        if len(word) == 1 and is_han(word):
            inside = self._characters.of(word, self._inside.term)
        number = self._vocabulary.find(word)
        if inside is not None or number is None:
            return inside
        mine = self._weighed.of(number)
        return Term(word, number, self._weighed.documents[mine], self._weighed.weights[mine])

    def _scored(self, terms: Sequence[Term]) -> Floats:
        """(documents,) the sum of what the terms weigh in each."""
        numbers = [term.number for term in terms if term.number is not None]
        scores = np.zeros(self._weighed.count, dtype=np.float32)
        if numbers:
            scores = self._index.get_scores_from_ids(numbers)
        return self._sums.of_documents([term for term in terms if term.number is None], scores)


def _both(some: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.int64]:
    return some[among(some, ascending)]


def _best(scores: Floats, places: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """The ``k`` of ``places`` with the highest scores, best first; of equals the first ones."""
    if k < 1:
        return places[:0]
    if k == 1 and len(places):
        return places[[scores[places].argmax()]]
    if len(places) > k:
        least = np.partition(scores[places], -k)[-k]
        places = places[scores[places] >= least]
    order = np.argsort(-scores[places], kind="stable")
    return places[order[:k]]
