"""What the words of a query come to for the items of a lake: by their texts and their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.search.words.item_texts import ItemTexts
from mmcore.search.words.terms import Allowed, Floats, Term

_ROUNDING: Final = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Adds up terms over documents: ``texts`` of them, then a document of names for each item."""

    item_texts: ItemTexts
    texts: int
    count: int  # of documents

    def of_documents(self, terms: Sequence[Term], scores: Floats | None = None) -> Floats:
        """(documents,) ``scores``, or zeros, with what some terms weigh in each."""
        if scores is None:
            scores = np.zeros(self.count, dtype=np.float32)
        for term in terms:
            scores[term.documents] += term.weights
        return scores

    def of_items(self, terms: Sequence[Term], by_document: Floats) -> Floats:
        """(items,) the score of the best text and of the name, less what both say of a word."""
        by_pair = by_document[self.item_texts.documents]
        weights = np.zeros(self.texts, dtype=np.float32)
        for term in terms:
            names = int(np.searchsorted(term.documents, self.texts))
            if not 0 < names < len(term.documents):
                continue
            texts, items = term.documents[:names], term.documents[names:] - self.texts
            weights[texts] = term.weights[:names]
            pairs, counts = self.item_texts.pairs(items.astype(np.int64))
            by_name = np.repeat(term.weights[names:], counts)
            by_pair[pairs] -= np.minimum(weights[self.item_texts.documents[pairs]], by_name)
            weights[texts] = 0
        scores: Floats = by_document[self.texts :] + np.maximum(self.item_texts.maxima(by_pair), 0)
        return scores

    def of_some(
        self,
        terms: Sequence[Term],
        weights: Floats,
        places: NDArray[np.int64],
        allowed: Allowed | None,
    ) -> Floats:
        """What terms weigh together in each of n items: in the best text, and in the name besides.

        As ``of_items`` has it, but of some items and with one weight a term: (n,).
        """
        texts, rows = self.texts_of(places, allowed)
        names = (self.texts + places).astype(np.int32)
        by_text, by_name = np.zeros(len(texts), np.float32), np.zeros(len(places), np.float32)
        for term, weight in zip(terms, weights, strict=True):
            in_name = term.shares(names)
            by_name += weight * in_name
            by_text += weight * np.maximum(term.shares(texts) - in_name[rows], 0)
        best = np.zeros(len(places), np.float32)
        np.maximum.at(best, rows, by_text)
        found: Floats = by_name + best
        return found

    def texts_of(
        self, places: NDArray[np.int64], allowed: Allowed | None
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The texts (m,) of the items at some places, and (m,) which of these each is of.

        Those alone that are looked at.
        """
        pairs, counts = self.item_texts.pairs(places)
        rows = np.repeat(np.arange(len(places)), counts)
        texts = self.item_texts.documents[pairs].astype(np.int32)
        if allowed is None:
            return texts, rows
        kept = allowed.texts[texts]
        return texts[kept], rows[kept]

    def covering(self, terms: Sequence[Term], rarity: Floats, least: float) -> NDArray[np.int64]:
        """Places, ascending, of the items that may cover as much: all that do are among them.

        Who has but the commonest of the words, which together are less, is left out; so is who
        has but words of no rarity, which cover nothing.
        """
        order = np.argsort(-rarity)
        behind = np.cumsum(rarity[order][::-1])[::-1]  # of each term and the commoner ones
        there = np.zeros(self.count, dtype=bool)
        for number in order[(behind * (1 + _ROUNDING) >= least) & (rarity[order] > 0)]:
            there[terms[number].documents] = True
        pairs = np.flatnonzero(there[self.item_texts.documents])
        by_text = np.searchsorted(self.item_texts.starts, pairs, side="right") - 1
        found: NDArray[np.int64] = np.union1d(np.flatnonzero(there[self.texts :]), by_text)
        return found
