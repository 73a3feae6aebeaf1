"""Search among some rows only: k of them come back whenever there are k, with recall kept."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.indexes.card import Setting
from storage.indexes.searching.codes import Codes
from storage.indexes.searching.refine import Found, Stored, best

_SPARE: Final = 3.0  # standard deviations by which more is fetched than has to pass on average
_WIDER: Final = 4.0  # times, where too few passed

Mask = NDArray[np.bool_]
"""(n,) whether a row may be found."""


def allowed(stored: Stored, alive: Mask | None, ids: NDArray[np.int64] | None) -> Mask | None:
    """Which rows may be found: those of ``ids`` that are alive; None: all."""
    if ids is None:
        return alive
    mask = np.zeros(len(stored), dtype=bool)
    places = stored.places(np.sort(np.asarray(ids, dtype=np.int64)))  # in order: far faster
    mask[places[places >= 0]] = True
    return mask if alive is None else mask & alive


def exactly(stored: Stored, queries: NDArray[np.float32], k: int, mask: Mask | None) -> Found:
    """The ``k`` nearest of the rows of ``mask``, by place, compared one by one."""
    return stored.nearest(queries, k, None if mask is None else np.flatnonzero(mask))


def by_codes(
    codes: Codes, queries: NDArray[np.float32], k: int, setting: Setting, mask: Mask | None
) -> Found:
    """The ``k`` nearest of the rows of ``mask``, by place, as codes find them.

    They find more than is wanted, of which those of the mask pass: as many as an unfiltered
    search would sort by exact vectors, and more by the root of what the mask leaves out, since
    recall among few rows was measured to need it. Lists and graphs are read as much further as
    the mask leaves out: what is allowed lies further away. A query of which too few pass is asked
    again for more, and in the end compared with all that is allowed; every query is, where that
    costs less. No index type filters by itself: fast scan has no selector, and graphs starve.
    """
    among = _Among(codes, mask, k, setting)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    places = np.full((len(queries), k), -1, dtype=np.int64)
    left, times = np.arange(len(queries)), len(codes.stored) / max(1, among.many)
    while len(left) and among.many:
        asked = queries if len(left) == len(queries) else queries[left]
        found = among.found(asked, times)
        if found is None:
            scores[left], places[left] = exactly(codes.stored, asked, k, mask)
            break
        scores[left], places[left], enough = found
        left, times = left[~enough], times * _WIDER
    return scores, places


@dataclass(frozen=True, slots=True, eq=False)
class _Among:
    """One search among the rows of ``mask``."""

    codes: Codes
    mask: Mask | None
    k: int
    setting: Setting
    many: int = field(init=False)  # rows that are allowed

    def __post_init__(self) -> None:
        many = len(self.codes.stored) if self.mask is None else np.count_nonzero(self.mask)
        object.__setattr__(self, "many", int(many))

    def found(
        self, queries: NDArray[np.float32], times: float
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], Mask] | None:
        """Scores, places, and of which queries that is enough, looking at ``times`` as much.

        None where comparing with all that is allowed costs less.
        """
        wanted = min(math.ceil(self._refined() * math.sqrt(times)), self.many)
        count, wide = self._fetched(wanted, times), self.codes.widened(self.setting, times)
        if count >= len(self.codes.stored):
            return None
        if times > 1 and self.many <= self.codes.cost(count, wide):
            return None
        scores, places = self.codes.candidates(queries, count, wide)
        ended = places[:, -1] < 0  # the codes had no more
        if self.mask is not None:
            places = np.where((places >= 0) & self.mask[places], places, -1)
        passed = np.count_nonzero(places >= 0, axis=1)
        enough = (passed >= wanted) | (ended & (passed >= min(self.k, self.many)))
        return *self._sorted(queries, scores, places), enough

    def _refined(self) -> int:
        """How many are sorted by exact vectors without a filter.

        Of few results no fewer than of as many as the setting was tuned for: the nearest one is
        as easily missed by its code as the tenth.
        """
        depth = min(self.setting.depth, max(1, self.many))  # a damaged card may say anything
        return max(self.k, min(self.setting.k, self.many)) * depth

    def _fetched(self, wanted: int, times: float) -> int:
        """How many to fetch, so that ``wanted`` pass, if one of ``times`` does at random."""
        if times <= 1:
            return wanted
        return math.ceil(times * (wanted + _SPARE * math.sqrt(wanted * (1 - 1 / times))))

    def _sorted(
        self,
        queries: NDArray[np.float32],
        scores: NDArray[np.float32],
        places: NDArray[np.int64],
    ) -> Found:
        if self.codes.exact:
            return best(np.where(places < 0, -np.inf, scores), places, self.k)
        return self.codes.stored.refined(queries, places, self.k)
