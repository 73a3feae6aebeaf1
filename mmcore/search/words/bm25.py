"""BM25 over the words of a snapshot: exact names and rare words, beside the vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.search.ranking.lists import NO_SEGMENT, WORDS, Listed
from mmcore.search.words.asked import Asked, Scores, Term
from mmcore.search.words.library import bm25s
from mmcore.search.words.owners import Owners
from mmcore.search.words.shown import shown
from mmcore.search.words.stored import TABLE, Documents, documents_of
from mmcore.search.words.tokens import is_han
from mmcore.search.words.vocabulary import Vocabulary
from mmcore.types import Ids
from storage.schemas import Modality
from storage.snapshot import Snapshot

_COMMON: Final = 4  # in more than one document of so many no character is looked for in words
_FEW: Final = 1000  # but in so many it always is
_KEPT: Final = 16  # characters whose places are kept, as a search looks for them several times
_QUERIES: Final = (
    8  # that are kept weighed for the same reason, of 4 bytes a text and an item each
)


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
        self._inside = lru_cache(maxsize=_KEPT)(self._found_inside)
        self._asked = lru_cache(maxsize=_QUERIES)(self._weigh)
        self._shares = lru_cache(maxsize=_QUERIES)(self._share)
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

    def search(self, words: Sequence[str], k: int, allowed_items: Ids | None = None) -> Listed:
        """The best ``k`` items that have one of ``words``; equal scores by smaller id.

        ``words``: of ``tokens.words_of``; one that comes twice counts once. With ``allowed_items``
        only those are found, and as many of them as there are.
        """
        asked = self._asked((*words,))
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
        shares, known = self._shares((*words,)), self._documents.items
        if not len(known):
            return np.zeros(len(items))
        places = np.minimum(np.searchsorted(known, items), len(known) - 1)
        return np.where(known[places] == items, shares[places], 0.0)

    def matched(self, item: int, words: Sequence[str]) -> tuple[str, ...]:
        """Those of ``words`` that an item has, to be shown: of a name not its parts."""
        items = self._documents.items
        place = int(np.searchsorted(items, item))
        if place == len(items) or items[place] != item:
            return ()
        mine = np.append(self._owners.texts(place), self._texts + place)
        terms = self._asked((*words,)).terms
        return shown([term.word for term in terms if term.stands_in(mine)])

    def _weigh(self, words: tuple[str, ...]) -> Asked:
        found = (self._term(word) for word in dict.fromkeys(words))
        terms = (*(term for term in found if term is not None),)
        by_document = self._scored(terms)
        by_item = self._of_items(terms, by_document)
        return Asked(terms, by_document, by_item, np.flatnonzero(by_item > 0))

    def _share(self, words: tuple[str, ...]) -> Scores:
        """(items,) the share of some words that each item has."""
        terms = self._asked(words).terms
        rare = self._weighed.idf(np.array([len(term.documents) for term in terms], np.int64))
        unknown = len(set(words)) - len(terms)
        total = float(rare.sum() + unknown * self._weighed.idf(np.zeros(1, np.int64))[0])
        full = [
            replace(term, weights=np.full(len(term.documents), weight / total, np.float32))
            for term, weight in zip(terms, rare, strict=True)
        ]
        return self._of_items(full, self._summed(full))

    def _places(self, items: Ids) -> NDArray[np.int64]:
        """Where those of some items that are known stand, ascending."""
        known, items = self._documents.items, np.unique(items)
        places = np.searchsorted(known, items)
        there = places < len(known)
        there[there] = known[places[there]] == items[there]
        found: NDArray[np.int64] = places[there]
        return found

    def _term(self, word: str) -> Term | None:
        inside = self._inside(word) if len(word) == 1 and is_han(word) else None
        number = self._vocabulary.find(word)
        if inside is not None or number is None:
            return inside
        mine = self._weighed.of(number)
        return Term(word, number, self._weighed.documents[mine], self._weighed.weights[mine])

    def _found_inside(self, character: str) -> Term | None:
        """A character where it stands in words: 猫 in 小猫; None if in none, or in too many texts.

        It weighs what the words' counts and the texts' lengths say, and is as rare as the texts
        that have any of them.
        """
        weighed = self._weighed
        words = self._vocabulary.holding(character)
        frequencies = weighed.frequencies(words)
        if not 0 < frequencies.sum() <= max(_FEW, weighed.count // _COMMON):
            return None
        entries = np.concatenate([np.arange(s.start, s.stop) for s in map(weighed.of, words)])
        parts = weighed.weights[entries] / np.repeat(weighed.idf(frequencies), frequencies)
        weights = np.zeros(weighed.count)
        np.maximum.at(weights, weighed.documents[entries], parts)
        documents = np.flatnonzero(weights)  # what a word weighs is above 0
        rare = weighed.idf(np.array([len(documents)]))
        found = (weights[documents] * rare).astype(np.float32)
        return Term(character, None, documents.astype(np.int32), found)

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
