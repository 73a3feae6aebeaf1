"""The heads of a projection, made from background sentences, class names or a lake's pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.background import sentences
from mmcore.encoders.base import Encoder
from mmcore.encoders.comparison import Comparison
from mmcore.encoders.features import Features, Reading, directions
from mmcore.encoders.heads import (
    LANGUAGES,
    Fitted,
    Labels,
    Matrix,
    MediaHead,
    TextHead,
    language_of,
)
from mmcore.training.pairs import Pairs
from mmcore.training.ridge import Choice, Problem, choose, coefficients, whitening_of
from mmcore.training.rows import Rows
from mmcore.types import Vectors

BACKGROUND: Final = 20  # texts that the neutral sentences count for in a language's mean


def neutral_vectors(text: Encoder) -> dict[str, Vectors]:
    """The background sentences of each language, embedded."""
    return {language: text.encode(found) for language, found in sentences().items()}


def text_head(neutral: Mapping[str, Vectors], texts: Rows | None) -> TextHead:
    """Means per language: of the neutral sentences, or of ``texts`` shrunk to them.

    ``other`` is the mean of all texts, whatever their language. A content weighs once, in how many
    chunks and items it may be.
    """
    prior = {name: vectors.mean(axis=0) for name, vectors in neutral.items()}
    prior["other"] = np.mean(list(prior.values()), axis=0)
    if texts is None:
        return TextHead("background", prior)
    of = np.array([language_of(language) for language in texts.languages])
    means = {
        name: _shrunk(texts.take((of == name) | (name == "other")), prior[name])
        for name in LANGUAGES
    }
    return TextHead("fitted", means)


def _shrunk(texts: Rows, prior: NDArray[Any]) -> NDArray[np.float32]:
    contents, rows = np.unique(texts.content_ids, return_inverse=True)
    weights = 1 / np.bincount(rows, minlength=len(contents))[rows]  # of one content: 1 together
    total = np.einsum("n,nd->d", weights, texts.vectors) + BACKGROUND * prior
    return np.asarray(total / (len(contents) + BACKGROUND), dtype=np.float32)


def label_head(reading: Reading, labels: Labels, *, joint: bool = False) -> MediaHead:
    """A head that needs no pair: it sees what the classifier has a class for, and no more.

    ``joint``: it leads into a joint space, and whitens nothing.
    """
    nothing = np.zeros((0, labels.vectors.shape[1]))
    prior = None if joint else directions(labels.vectors)
    return MediaHead(reading, whitening_of(nothing, prior), labels, None)


def fitted_head(
    reading: Reading, labels: Labels | None, pairs: Pairs, prior: Features | None, folds: int
) -> tuple[MediaHead, Choice]:
    """A head fitted on ``pairs``, and the settings that cross-validation gave it.

    Without a ``prior`` it leads into a joint space: contents are placed where their captions are,
    with the mean that those have in common, and nothing is whitened.
    """
    said = [pairs.said[name][pairs.has(name)] for name in LANGUAGES]
    whitening = whitening_of(np.concatenate(said), prior)
    return head_of(reading, labels, pairs, Ending(whitening, centred=prior is not None), folds)


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """What contents are led through last: a whitening of their own, or a ``turn`` as captions."""

    matrix: Matrix  # (d, d)
    shared: bool = False  # captions are led through it, too
    centred: bool = True  # captions have lost their mean
    lake: bool = False  # settings are chosen among what was fitted on, too


def head_of(
    reading: Reading, labels: Labels | None, pairs: Pairs, ending: Ending, how: int | Choice
) -> tuple[MediaHead, Choice]:
    """A head fitted on ``pairs`` by a choice, or by the best of cross-validation over folds."""
    features = reading.features(pairs.cells)
    comparison = Comparison.fitted(reading, features)
    support = comparison.shaped(features)
    placed = labels.place(features) if labels is not None else None
    apart = comparison.distances(support, support)
    turn = ending.matrix if ending.shared else None
    problem = Problem(pairs, apart, placed, ending.matrix, ending.centred, turn, ending.lake)
    choice = choose(problem, how) if isinstance(how, int) else how
    fitted = Fitted(
        replace(comparison, gamma=choice.gamma),
        support,
        coefficients(problem, choice),
        choice.ridge,
        choice.label_share,
        _kept_mean(problem),
    )
    return MediaHead(reading, ending.matrix, labels, fitted), choice


def _kept_mean(problem: Problem) -> NDArray[np.float32] | None:
    """The mean target where contents are to keep it: a label vector has it already."""
    if problem.centred or problem.labels is not None:
        return None
    return np.asarray(problem.pairs.target.mean(axis=0), dtype=np.float32)
