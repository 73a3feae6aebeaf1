"""The closed form: kernel ridge regression of media to captions, and captions to each other.

It is what an index run fits; or, where that does better held out, with classes counted by their
scores and captions of each language moved towards what all captions of an item have in common; or
with both sides whitened by half, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mmcore.encoders.features import Features, directions
from mmcore.encoders.heads import LANGUAGES, JointHead, Matrix, MediaHead, TextHead
from mmcore.encoders.learned import MovedHead, Regression
from mmcore.specs import FitSpec
from mmcore.training import fitting
from mmcore.training.alignment.parts import Part
from mmcore.training.alignment.world import World
from mmcore.training.pairs import MOST, Captions
from mmcore.training.refits import FITTED
from mmcore.training.ridge import Choice, whitening_of
from mmcore.training.split import enough_texts

FEWEST_MOVES: Final = 16  # items with captions in two languages, below which none is moved
GAMMA: Final = 0.1  # of how alike captions are: so wide that it is near to a linear map


@dataclass(frozen=True, slots=True)
class Form:
    """Which closed form; the plain one is as an index run fits it."""

    by_scores: bool = False  # whether classes count by their scores, not their chances
    text_ridge: float | None = None  # of the regression between captions; None: none
    half: bool = False  # whether both sides are whitened by half, not media alone

    @property
    def plain(self) -> bool:
        """Whether it is what an index run fits."""
        return self == PLAIN

    def alike(self, other: Form) -> bool:
        """Whether contents are cross-validated alike: the ridge between captions has no part."""
        return (self.by_scores, self.half) == (other.by_scores, other.half)


PLAIN: Final = Form()


@dataclass(frozen=True, slots=True, eq=False)
class Closed:
    """A closed form, its heads by side, and the settings that each one's regression has."""

    part: Part
    heads: Mapping[str, MediaHead]
    choices: Mapping[str, Choice]


def closed_form(
    world: World,
    spec: FitSpec,
    *,
    form: Form,
    lake: bool = False,
    choices: Mapping[str, Choice] | None = None,
) -> Closed:
    """Fit it on ``world``; sides that ``choices`` has settings for are not cross-validated.

    Others are, among what was fitted on, too, if ``lake``. In a joint space it has to be a form
    without steps of texts.
    """
    below = _text(world, spec)
    captions = world.captions(below)
    ending = replace(_ending(world, captions, shared=form.half), lake=lake)
    found: dict[str, MediaHead] = {}
    used: dict[str, Choice] = {}
    for side in world.sides:
        labels = side.labels
        if labels is not None and form.by_scores:
            labels = replace(labels, by="scores")
        if len(side):
            pairs = world.pairs(side, captions)
            how = (choices or {}).get(side.name, spec.folds)
            head, used[side.name] = fitting.head_of(side.reading, labels, pairs, ending, how)
            found[side.name] = head
        elif labels is not None:
            found[side.name] = MediaHead(side.reading, ending.matrix, labels, None)
    if form.text_ridge is None or isinstance(below, JointHead):
        return Closed(Part(below, found), found, used)
    turn = ending.matrix if form.half else np.eye(world.text.dim, dtype=np.float32)
    text = moved_text(below, turn, captions, form.text_ridge)
    return Closed(Part(text, found), found, used)


def _ending(world: World, captions: Mapping[int, Captions], *, shared: bool) -> fitting.Ending:
    """Whitening by the captions of all items: of media, or half of it on both sides."""
    if world.prior is None:
        return fitting.Ending(np.eye(world.text.dim, dtype=np.float32), centred=False)
    said = np.array([said for _, c in sorted(captions.items()) for said in c.said.values()])
    whitening = whitening_of(said.reshape(-1, world.text.dim), world.prior)
    return fitting.Ending(rooted(whitening) if shared else whitening, shared)


def _text(world: World, spec: FitSpec) -> TextHead | JointHead:
    if world.joint:
        return JointHead()
    texts = world.texts if enough_texts(world.texts, spec) else None
    # what media were led to stays, even where neutral sentences alone made it
    return replace(fitting.text_head(world.neutral, texts), state=FITTED)


def rooted(whitening: Matrix) -> Matrix:
    """The square root of a symmetric matrix: half of a whitening, for either side."""
    values, axes = np.linalg.eigh(whitening.astype(np.float64))
    return np.asarray((axes * np.sqrt(np.maximum(values, 0))) @ axes.T, dtype=np.float32)


def moved_text(
    below: TextHead, turn: Matrix, captions: Mapping[int, Captions], ridge: float
) -> MovedHead:
    """Texts turned, and those of each language moved towards an item's captions in all of them.

    By a wide kernel: a narrow one moves what it was fitted on alone, and new ones towards it.
    """
    two = [c for _, c in sorted(captions.items()) if len(c.said) > 1]
    both = sorted(two, key=lambda c: c.key)[:MOST]
    if len(both) < FEWEST_MOVES:
        return MovedHead(below, turn)
    turned = [
        {name: directions(said[None] @ turn)[0] for name, said in c.said.items()} for c in both
    ]
    wanted = directions(np.array([np.sum(list(of.values()), axis=0) for of in turned]))
    moves = {}
    for language in LANGUAGES:
        mine = [row for row, of in enumerate(turned) if language in of]
        if len(mine) >= FEWEST_MOVES:
            anchors = np.array([turned[row][language] for row in mine])
            moves[language] = regression(anchors, wanted[mine] - anchors, GAMMA, ridge)
    return MovedHead(below, turn, None, moves)


def regression(anchors: Features, targets: Features, gamma: float, ridge: float) -> Regression:
    """Kernel ridge regression of (m, d) unit ``anchors`` to (m, d) ``targets``."""
    alike = np.exp(-gamma * (1 - anchors @ anchors.T)).astype(np.float64)
    found = np.linalg.solve(alike + ridge * np.eye(len(anchors)), targets)
    return Regression(anchors.astype(np.float32), found.astype(np.float32), gamma)
