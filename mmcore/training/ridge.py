"""Kernel ridge regression into the shared space, its settings picked by cross-validation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.comparison import Kernel
from mmcore.encoders.features import Features, directions
from mmcore.encoders.heads import LANGUAGES
from mmcore.training.naming import Sameness
from mmcore.training.pairs import Pairs

GAMMAS: Final = (4.0, 2.0, 8.0)  # of the kernel
RIDGES: Final = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1, 0.03)
LABEL_SHARES: Final = (0.8, 0.4, 0.2, 0.1)
FLATTEN: Final = 3.0  # of the mean eigenvalue, added to all before whitening
PRIOR: Final = 200.0  # texts that the class names count for in the covariance


@dataclass(frozen=True, slots=True)
class Choice:
    """A setting and the mean reciprocal rank that it reached on held-out folds."""

    gamma: float
    ridge: float
    label_share: float
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """All that a head is fitted from: ``labels`` (n, d) is None where there is no classifier."""

    pairs: Pairs
    distances: Kernel  # (n, n)
    labels: Features | None
    whitening: Features  # (d, d)
    centred: bool = True  # captions have lost what they have in common, and so do contents
    turn: Features | None = None  # (d, d) of captions and contents alike, in place of whitening
    lake: bool = False  # held-out pairs are sought among all that was fitted on, too

    def kernel(self, gamma: float) -> Kernel:
        """(n, n) how alike the pairs' contents are."""
        return np.exp(-gamma * self.distances)

    @property
    def shares(self) -> tuple[float, ...]:
        """What is tried of the label vector."""
        return LABEL_SHARES if self.labels is not None else (0.0,)

    def start(self, share: float, rows: NDArray[np.intp]) -> Features:
        """(n, d) what the regression over the pairs ``rows`` is not to say again.

        The share of the label vector, to which it is added; or, where there is none, the mean
        target, which all would have in common and which is left out, unless captions keep theirs.
        """
        if self.labels is not None:
            return share * self.labels
        mean = self.pairs.target[rows].mean(axis=0, keepdims=True)
        return np.broadcast_to(mean, self.pairs.target.shape)

    @property
    def last(self) -> Features:
        """(d, d) what contents are led through at the end."""
        return self.whitening if self.turn is None else self.turn

    @property
    def stays(self) -> bool:
        """Whether ``start`` is part of where a content is placed."""
        return self.labels is not None or not self.centred


def whitening_of(texts: Features, prior: Features | None) -> NDArray[np.float32]:
    """(d, d) inverse of the flattened covariance of ``texts`` (n, d), unit rows about zero.

    Shrunk to the covariance of ``prior``; n may be 0. On one side of an inner product it does what
    its square root would do to both, and it leaves the texts where they are. Without a prior
    the texts' space is a joint one: what is led into it is to lie among them. Then this is the
    identity.
    """
    if prior is None:
        return np.eye(texts.shape[1], dtype=np.float32)
    covariance = prior.T @ prior / len(prior)
    if len(texts):
        covariance = (texts.T @ texts + PRIOR * covariance) / (len(texts) + PRIOR)
    values, axes = np.linalg.eigh(covariance.astype(np.float64))
    values = np.maximum(values, 0)
    mean = values.mean()
    scale = mean * (1 + FLATTEN) / (values + FLATTEN * mean)
    return np.asarray((axes * scale) @ axes.T, dtype=np.float32)


def folds(keys: Sequence[str], count: int) -> NDArray[np.int64]:
    """(n,) the fold of each key: equal keys in one, by hash, so nothing hangs on the order."""
    order = sorted(set(keys), key=lambda key: hashlib.sha256(f"cv/{key}".encode()).digest())
    place = {key: number % count for number, key in enumerate(order)}
    return np.array([place[key] for key in keys], dtype=np.int64)


def choose(problem: Problem, count: int) -> Choice:
    """The gamma, ridge and label share with the best mean reciprocal rank over ``count`` folds.

    Directions: each language's captions → contents, and contents → captions of the first language.
    The gallery is the query's own fold; and once more, where ``problem.lake``, that and what the
    fold's model was fitted on, where it puts it. Equal scores: the one most like the labels.
    """
    fold = folds(problem.pairs.keys, count)
    settings = [(g, ridge, share) for g in GAMMAS for ridge in RIDGES for share in problem.shares]
    reached: list[list[list[NDArray[np.float64]]]] = [[] for _ in settings]
    for number in range(count):
        test = np.flatnonzero(fold == number)
        if len(test) and len(test) < len(fold):
            train = np.flatnonzero(fold != number)
            asked = _Asked.of(problem, test)
            beside = _Asked.of(problem, train) if problem.lake else None
            for tried, (placed, seen) in enumerate(_placed(problem, train, test)):
                found = asked.ranks(placed)
                if beside is not None:
                    found += asked.ranks_among(placed, beside, seen)
                reached[tried].append(found)
    scores = [
        np.mean(
            [
                np.mean(np.concatenate(way))
                for way in zip(*found, strict=True)
                if sum(map(len, way))
            ]
        )
        for found in reached
    ]
    best = max(range(len(settings)), key=lambda i: (round(float(scores[i]), 9), -i))
    return Choice(*settings[best], float(scores[best]))


def coefficients(problem: Problem, choice: Choice) -> NDArray[np.float32]:
    """(n, d) of the regression over all pairs."""
    rows = np.arange(len(problem.pairs))
    values, axes = np.linalg.eigh(problem.kernel(choice.gamma))
    wanted = problem.pairs.target - problem.start(choice.label_share, rows)
    scaled = axes / (np.maximum(values, 0) + choice.ridge)
    return np.asarray(scaled @ (axes.T @ wanted), dtype=np.float32)


def _placed(
    problem: Problem, train: NDArray[np.intp], test: NDArray[np.intp]
) -> Iterator[tuple[Features, Features]]:
    """Contents in the shared space by the ``train`` pairs, for each setting: ``test``, ``train``.

    The latter only where ``problem.lake`` asks for them.
    """
    both = np.concatenate([test, train]) if problem.lake else test
    led = problem.pairs.target[train] @ problem.last
    start = problem.start(1.0, train) @ problem.last
    scales = (1.0,) if problem.labels is None else problem.shares  # of the start: it is linear
    for gamma in GAMMAS:
        kernel = problem.kernel(gamma)
        values, axes = np.linalg.eigh(kernel[np.ix_(train, train)])
        near = kernel[np.ix_(both, train)] @ axes
        targets, said = axes.T @ led, axes.T @ start[train]
        for ridge in RIDGES:
            shrunk = near / (np.maximum(values, 0) + ridge)
            whole, part = shrunk @ targets, shrunk @ said
            for scale in scales:
                placed = whole - scale * part
                placed = directions(placed + scale * start[both] if problem.stays else placed)
                yield placed[: len(test)], placed[len(test) :]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """One fold's captions by language, and which contents are right for each: made once."""

    ways: tuple[tuple[Features, NDArray[np.bool_]], ...]  # (q, d), (q, n)
    right: Sameness  # of all of them
    first: int  # the language that contents are asked about
    rows: tuple[NDArray[np.intp], ...]  # by language: which contents have a caption of it

    @classmethod
    def of(cls, problem: Problem, test: NDArray[np.intp]) -> _Asked:
        """The captions of the pairs ``test``, turned as ``problem`` has it."""
        right = problem.pairs.right.take(test)
        ways, rows = [], []
        for name in LANGUAGES:
            said = problem.pairs.said[name][test]
            there = np.flatnonzero(np.any(said != 0, axis=1))
            turned = (
                said[there] if problem.turn is None else directions(said[there] @ problem.turn)
            )
            ways.append((turned, right.take(there).right(right, name)))
            rows.append(there)
        first = next((i for i, n in enumerate(LANGUAGES) if problem.pairs.has(n).any()), 0)
        return cls(tuple(ways), right, first, tuple(rows))

    def ranks(self, placed: Features) -> list[NDArray[np.float64]]:
        """Reciprocal ranks: per language, captions → contents; then back."""
        scores = [said @ placed.T for said, _ in self.ways]
        found = [ranks(of, same) for of, (_, same) in zip(scores, self.ways, strict=True)]
        rows = self.rows[self.first]
        back, same = scores[self.first][:, rows].T, self.ways[self.first][1][:, rows]
        return [*found, ranks(back, same.T)]

    def ranks_among(
        self, placed: Features, others: _Asked, seen: Features
    ) -> list[NDArray[np.float64]]:
        """The same with ``others`` in the gallery, which are right for a tag that they have."""
        found = []
        every = np.concatenate([placed, seen])
        for name, rows, (said, same) in zip(LANGUAGES, self.rows, self.ways, strict=True):
            further = self.right.take(rows).right(others.right, name)
            found.append(ranks(said @ every.T, np.concatenate([same, further], axis=1)))
        first, rows = self.first, self.rows[self.first]
        texts = np.concatenate([self.ways[first][0], others.ways[first][0]])
        theirs = others.right.take(others.rows[first])
        further = self.right.take(rows).right(theirs, None, LANGUAGES[first])
        same = np.concatenate([self.ways[first][1][:, rows].T, further], axis=1)
        return [*found, ranks(placed[rows] @ texts.T, same)]


def ranks(scores: Features, relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(q,) 1 / rank of the best relevant column of (q, n)."""
    if not scores.size:
        return np.zeros(0)
    rows, columns = np.nonzero(relevant)  # few: it is cheaper than a pass over all
    own = scores[rows, columns]
    best = np.full(len(scores), -np.inf)
    np.maximum.at(best, rows, own)
    above = np.count_nonzero(scores > best[:, None], axis=1)  # none of them is relevant
    return np.asarray(1.0 / (1 + above))
