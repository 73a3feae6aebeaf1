"""BM25 over the words of a snapshot: exact names and rare words, beside the vectors."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.search.among import among
from mmcore.search.ranking.lists import NO_SEGMENT, WORDS, Listed
from mmcore.search.words.asked import Allowed, Asked, Scores, Term
from mmcore.search.words.inside import Inside
from mmcore.search.words.library import bm25s
from mmcore.search.words.owners import Owners
from mmcore.search.words.recent import Recent
from mmcore.search.words.shown import Telling
from mmcore.search.words.stored import TABLE, Documents, documents_of
from mmcore.search.words.tokens import is_han
from mmcore.search.words.vocabulary import Vocabulary
from mmcore.types import Ids
from storage.schemas import Modality
from storage.snapshot import Snapshot

_OFTEN: Final = 10  # in more than one document of so many a word tells nothing
_FEW_ENOUGH: Final = 50  # but in so many it always does
_KEPT: Final = 16  # characters whose places are kept, as a search looks for them several times
_QUERIES: Final = (
    8  # that are kept weighed for the same reason, of 4 bytes a text and an item each
)

Query = tuple[tuple[str, ...], Allowed | None]
"""Words, each once, and the texts that are looked at."""


class Lexicon:
    """The words of one snapshot's texts, and of its items' keys, labels and files.

    An item scores by the text that fits best and by its name; a word that stands in both counts
    once, as the better of them says. Safe to share among threads.
    """

    def __init__(self, documents: Documents, owners: Owners) -> None:
        self._documents, self._owners = documents, owners
        self._vocabulary = Vocabulary(documents.vocabulary)
        self._weighed = documents.weighed
        self._texts = len(documents.segments)
        self._allowed: Allowed | None = None
        self._inside = Inside(documents.vocabulary, self._vocabulary, self._weighed)
        self._characters: Recent[str, Term | None] = Recent(_KEPT)
        self._weighed_queries: Recent[Query, Asked] = Recent(_QUERIES)
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
        return cls(documents, Owners.of(*pairs, documents.items, documents.segments))

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
        places = asked.found
        if allowed_items is not None:
            places = self._places(allowed_items)
            places = places[scores[places] > 0]
        best = _best(scores, places, k)
        texts = self._owners.best(best, asked.documents)
        segments = np.full(len(best), NO_SEGMENT, dtype=np.int64)
        segments[texts >= 0] = self._documents.segments[texts[texts >= 0]]
        return Listed(
            WORDS, self._documents.items[best], scores[best].astype(np.float64), segments
        )

    def coverage(self, words: Sequence[str], items: Ids) -> NDArray[np.float64]:
        """(n,) the share of ``words`` that each of ``items`` (n,) has, rare ones counting more.

        How often it has them, and how long its text is, decide nothing; its best text and its
        name are taken together. A word that stands nowhere is among those that no item has.
        """
        asked = self._asked(words)
        there, places = self._known(items)
        rare = self._weighed.idf(np.array([len(term.documents) for term in asked.terms], np.int64))
        unknown = asked.unknown * self._weighed.idf(np.zeros(1, np.int64))[0]
        weights = (rare / (rare.sum() + unknown)).astype(np.float32)
        found = np.zeros(len(items))
        found[there] = self._shares(asked.terms, weights, places)
        return found

    def matched(self, items: Ids, words: Sequence[str]) -> list[tuple[str, ...]]:
        """Those of ``words`` that each of ``items`` has, to be shown: of a name not its parts.

        Of a character inside a word that word; words that say little only where no others do.
        """
        terms = self._asked(words).terms
        there, places = self._known(items)
        texts, rows = self._texts_of(places)
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
        telling = Telling([term.word for term in terms], self._common(terms))
        return [
            telling.of([terms[number].word for number in np.flatnonzero(row)], item, inside)
            for item, row in enumerate(shares)
        ]

    def _common(self, terms: Sequence[Term]) -> frozenset[str]:
        """Those that stand in so many texts that they tell nothing."""
        most = max(_FEW_ENOUGH, self._weighed.count // _OFTEN)
        return frozenset(term.word for term in terms if len(term.documents) > most)

    def _asked(self, words: Sequence[str]) -> Asked:
        return self._weighed_queries.of(((*dict.fromkeys(words),), self._allowed), self._weigh)

    def _weigh(self, query: Query) -> Asked:
        words, allowed = query
        found = (self._term(word) for word in dict.fromkeys(words))
        terms = (*(term for term in found if term is not None),)
        by_document = self._scored(terms)
        if allowed is not None:
            by_document[: self._texts] *= allowed.texts
        by_item = self._of_items(terms, by_document)
        unknown = len(words) - len(terms)
        return Asked(terms, unknown, by_document, by_item, np.flatnonzero(by_item > 0))

    def _shares(self, terms: Sequence[Term], weights: Scores, places: NDArray[np.int64]) -> Scores:
        """What terms weigh together in each of n items: in the best text, and in the name besides.

        As ``_of_items`` has it, but of some items and with one weight a term: (n,).
        """
        texts, rows = self._texts_of(places)
        names = (self._texts + places).astype(np.int32)
        by_text, by_name = np.zeros(len(texts), np.float32), np.zeros(len(places), np.float32)
        for term, weight in zip(terms, weights, strict=True):
            in_name = term.shares(names)
            by_name += weight * in_name
            by_text += weight * np.maximum(term.shares(texts) - in_name[rows], 0)
        best = np.zeros(len(places), np.float32)
        np.maximum.at(best, rows, by_text)
        found: Scores = by_name + best
        return found

    def _known(self, items: Ids) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which of some items there are, and where those stand."""
        known = self._documents.items
        places = np.searchsorted(known, items)
        places[places == len(known)] = 0
        there = np.flatnonzero(known[places] == items) if len(known) else places[:0]
        return there, places[there]

    def _texts_of(self, places: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The texts (m,) of the items at some places, and (m,) which of these each is of.

        Those alone that are looked at.
        """
        pairs, counts = self._owners.pairs(places)
        rows = np.repeat(np.arange(len(places)), counts)
        texts = self._owners.documents[pairs].astype(np.int32)
        if self._allowed is None:
            return texts, rows
        kept = self._allowed.texts[texts]
        return texts[kept], rows[kept]

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

    def _scored(self, terms: Sequence[Term]) -> Scores:
        """(documents,) the sum of what the terms weigh in each."""
        numbers = [term.number for term in terms if term.number is not None]
        scores = np.zeros(self._weighed.count, dtype=np.float32)
        if numbers:
            scores = self._index.get_scores_from_ids(numbers)
        return self._summed([term for term in terms if term.number is None], scores)

    def _summed(self, terms: Sequence[Term], scores: Scores | None = None) -> Scores:
        """(documents,) ``scores``, or zeros, with what some terms weigh in each."""
        if scores is None:
            scores = np.zeros(self._weighed.count, dtype=np.float32)
        for term in terms:
            scores[term.documents] += term.weights
        return scores

    def _of_items(self, terms: Sequence[Term], by_document: Scores) -> Scores:
        """(items,) the score of the best text and of the name, less what both say of a word."""
        by_pair = by_document[self._owners.documents]
        weights = np.zeros(self._texts, dtype=np.float32)
        for term in terms:
            names = int(np.searchsorted(term.documents, self._texts))
            if not 0 < names < len(term.documents):
                continue
            texts, items = term.documents[:names], term.documents[names:] - self._texts
            weights[texts] = term.weights[:names]
            pairs, counts = self._owners.pairs(items.astype(np.int64))
            by_name = np.repeat(term.weights[names:], counts)
            by_pair[pairs] -= np.minimum(weights[self._owners.documents[pairs]], by_name)
            weights[texts] = 0
        scores: Scores = by_document[self._texts :] + np.maximum(self._owners.maxima(by_pair), 0)
        return scores


def _best(scores: Scores, places: NDArray[np.int64], k: int) -> NDArray[np.int64]:
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
