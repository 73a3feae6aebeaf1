"""Regularised canonical correlation between captions and contents (Hotelling, 1936).

Contents are what a kernel makes of them (kernel CCA: Hardoon et al., 2004), as they have more
features than there are pairs; captions are vectors less their mean. Directions are weighted by
their correlation (CSA: Li et al., ICLR 2025), half on each side.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.comparison import Comparison
from mmcore.encoders.features import Features
from mmcore.encoders.heads import LANGUAGES, Fitted, Head, MediaHead
from mmcore.encoders.learned import MovedHead
from mmcore.training.alignment.parts import Part
from mmcore.training.alignment.world import Side
from mmcore.training.pairs import Pairs

_LEAST: Final = 1e-6  # of the largest eigenvalue: smaller ones are noise

Numbers = NDArray[np.float64]


def canonical(side: Side, pairs: Pairs, text: Head, gamma: float, dims: int, ridge: float) -> Part:
    """``dims`` directions at most that captions and contents of ``pairs`` share.

    ``text`` gave the captions of ``pairs``; ``gamma`` is of the kernel; ``ridge`` is added to
    both covariances, over their mean eigenvalue. A caption of each language counts.
    """
    features = side.reading.features(pairs.cells)
    comparison = replace(Comparison.fitted(side.reading, features), gamma=gamma)
    support = comparison.shaped(features)
    seen, back = _coordinates(comparison.kernel(support, support))
    has = [np.flatnonzero(pairs.has(name)) for name in LANGUAGES]
    said = np.concatenate([pairs.said[n][rows] for n, rows in zip(LANGUAGES, has, strict=True)])
    rows = np.concatenate(has)
    mean, middle = said.mean(axis=0), seen[rows].mean(axis=0)
    left, right = directions_of(said - mean, seen[rows] - middle, ridge)
    coefficients = back @ right[:, :dims]
    kept = left.shape[1] if dims > left.shape[1] else dims
    fitted = Fitted(
        comparison,
        support,
        coefficients.astype(np.float32),
        ridge,
        0.0,
        np.asarray(-middle @ right[:, :dims], dtype=np.float32),
    )
    media = MediaHead(side.reading, np.eye(kept, dtype=np.float32), None, fitted)
    turn = left[:, :dims].astype(np.float32)
    return Part(MovedHead(text, turn, mean.astype(np.float32)), {side.name: media})


def led_to(part: Part, other: Part, name: str, pairs: Pairs) -> Part:
    """``part`` turned so that the captions of ``pairs`` are nearest to where ``other`` has them.

    By the rotation of Procrustes (Schönemann, 1966): it changes no angle, and leads k directions
    into as many as ``other`` has, of which there have to be k at least, or the best are taken.
    """
    text, wanted, media = part.text, other.text, part.media[name]
    if not (
        isinstance(text, MovedHead)
        and isinstance(wanted, MovedHead)
        and isinstance(media, MediaHead)
        and media.fitted is not None
    ):
        raise TypeError("canonical directions are a MovedHead of texts and a MediaHead")
    said = np.concatenate([pairs.said[language][pairs.has(language)] for language in LANGUAGES])
    apart = said - said.mean(axis=0)
    u, _, v = np.linalg.svd((apart @ text.turn).T @ (apart @ wanted.turn), full_matrices=False)
    turn = (u @ v).astype(np.float32)
    led = replace(text, turn=np.asarray(text.turn @ turn, dtype=np.float32))
    mean = None if media.fitted.mean is None else media.fitted.mean @ turn
    fitted = replace(media.fitted, coefficients=media.fitted.coefficients @ turn, mean=mean)
    there = np.eye(turn.shape[1], dtype=np.float32)
    return Part(led, {name: MediaHead(media.reading, there, None, fitted)})


def directions_of(one: Features, other: Features, ridge: float) -> tuple[Numbers, Numbers]:
    """(n, a) and (n, b) centred rows → (a, k) and (b, k): the pairs of directions, best first.

    Each is scaled by the square root of its (regularised) correlation.
    """
    left, right = _whitener(one, ridge), _whitener(other, ridge)
    between = left.T @ (one.T @ other / len(one)) @ right
    u, correlations, v = np.linalg.svd(between, full_matrices=False)
    scale = np.sqrt(correlations)
    return np.asarray(left @ (u * scale)), np.asarray(right @ (v.T * scale))


def _whitener(rows: Features, ridge: float) -> Numbers:
    covariance = rows.T.astype(np.float64) @ rows / len(rows)
    values, axes = np.linalg.eigh(covariance)
    values = np.maximum(values, 0)
    return np.asarray(axes / np.sqrt(values + ridge * max(values.mean(), 1e-12)))


def _coordinates(kernel: Numbers) -> tuple[Numbers, Numbers]:
    """(n, r) coordinates whose products are the kernel's, and what leads a kernel's rows there."""
    values, axes = np.linalg.eigh(kernel)
    real = values > _LEAST * values.max()
    root = np.sqrt(values[real])
    return axes[:, real] * root, axes[:, real] / root
