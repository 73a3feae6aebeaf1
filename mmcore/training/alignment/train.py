"""Train a projection: try ways on held-out captions, then fit the best one on all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.heads import Head
from mmcore.encoders.projections import FittedOn, Joined, Projection, caption_digests
from mmcore.errors import NothingToLearnError, TooFewPairsError
from mmcore.training.alignment.choose import choose
from mmcore.training.alignment.gather import MOST_ITEMS, roles_for, world_of
from mmcore.training.alignment.parts import Part
from mmcore.training.alignment.spec import AlignSpec
from mmcore.training.alignment.workshop import Plan, Workshop
from mmcore.training.alignment.world import World
from mmcore.training.loop.curves import Point
from mmcore.training.loop.trials import Trial
from mmcore.training.pairs import MOST
from mmcore.training.projections import Make, registered
from mmcore.training.roles import Roles
from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys
from mmcore.training.unseen import Unseen
from mmcore.types import EncoderKey, unit_rows

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedProjection:
    """What a training made: its ``trials`` say what else was tried, and which way won."""

    projection: Projection
    trials: tuple[Trial, ...]
    curves: Mapping[str, tuple[Point, ...]]  # of the networks that were kept; {}: none were
    unseen: Unseen = field(default_factory=Unseen)  # by encoder, to fit a fusion


def train_projection(  # noqa: PLR0913 - what fit_projection takes, and who is told
    texts: Rows,
    media: Mapping[str, Rows],
    keys: Sequence[EncoderKey],
    spec: AlignSpec,
    version: str,
    *,
    make: Make = registered,
    progress: Callable[[str], None] | None = None,
) -> TrainedProjection:
    """Lead the encoders ``keys`` into one space by what does best on held-out captions.

    ``texts`` and ``media`` are what ``fit_rows`` of a lake gives; held-out captions and their
    items are left out here. All choices are made on folds of the captions that are left; the
    winner is fitted on all of them. Each head of an encoder with pairs is ``fitted``: later index
    runs keep it. An encoder with too few pairs is led by its class names, if it has any, or left
    out, and a trial says so. A joint space keeps its vectors; then only others' heads are learned.
    ``progress`` is told a line for each way.

    The same rows, spec and seed give the same files. Raises NothingToLearnError before any work
    where nobody needs a projection or nobody has pairs enough, and for vectors that are not
    finite; TrainingError where a network's loss is no number.
    """
    roles = roles_for(keys)
    _check_joint(roles, spec)
    world = world_of(texts, media, roles, spec.fit, make)
    _check_folds(world, spec)
    plan, tried = choose(world, spec, progress or log.info)
    shop = Workshop(world, spec)
    part = shop.part(plan)
    trials = (*tried, *_left(world, part))
    projection = Projection(
        target=roles.text.space,
        version=version,
        dim=part.dim(world),
        heads={
            name: Joined(_fingerprint(keys, name), head)
            for name, head in _heads(world, roles, part).items()
        },
        fitted_on=_seen(world),
        training=_record(world, plan.method, spec, trials, _licences(keys, make)),
    )
    return TrainedProjection(projection, trials, dict(shop.curves), _unseen(shop, plan))


def _check_joint(roles: Roles, spec: AlignSpec) -> None:
    """What moves texts cannot be had in a joint space."""
    stay = f"and those of the joint space {roles.text.space} stay as they are"
    if roles.joint and spec.method == "cca":
        raise NothingToLearnError(
            f"canonical correlation moves texts, {stay}: take another method"
        )
    if roles.joint and spec.hubness == "on":
        raise NothingToLearnError(
            f"the correction of hubs lengthens texts, {stay}: leave out align.hubness=on"
        )


def _check_folds(world: World, spec: AlignSpec) -> None:
    groups = world.naming.count
    if groups < spec.folds:
        raise TooFewPairsError(
            f"align.folds is {spec.folds}, and the {len(world.keys)} items are {groups} groups"
            " that share no caption and no file, of which each fold takes one at least: "
            + ("take fewer folds" if groups > 1 else "add items with captions of their own"),
            {side.keys[0].name: len(side) for side in world.sides},
            spec.fit.min_pairs,
        )


def _unseen(shop: Workshop, plan: Plan) -> Unseen:
    """By encoder; several of one space share what is known."""
    found = shop.unseen_by(plan).contents
    by: dict[str, dict[str, NDArray[np.float32]]] = {}
    for side in shop.sides:
        rows = found[side.name].astype(np.float32)
        there = np.flatnonzero(np.any(rows != 0, axis=1)).tolist()
        vectors = {side.content_ids[row]: unit_rows(rows[row][None])[0] for row in there}
        by |= {key.name: vectors for key in side.keys}
    return Unseen(by, shop.unseen_folds)


def _heads(world: World, roles: Roles, part: Part) -> dict[str, Head]:
    heads = {key.name: part.text for key in (roles.text, *roles.partners)}
    for side in world.sides:
        if side.name in part.media:
            heads |= {key.name: part.media[side.name] for key in side.keys}
    return heads


def _fingerprint(keys: Sequence[EncoderKey], name: str) -> str:
    return next(key.fingerprint for key in keys if key.name == name)


def _left(world: World, part: Part) -> list[Trial]:
    """What is said of encoders without pairs enough."""
    return [
        Trial(f"{side.name}: " + ("class names" if side.name in part.media else "left out"))
        for side in world.sides
        if not len(side)
    ]


def _seen(world: World) -> FittedOn:
    contents = {content for side in world.sides for content in side.content_ids}
    return FittedOn(
        frozenset(contents | set(world.texts.content_ids)),
        caption_digests(set(caption_keys(world.texts)) | set(world.keys.values())),
    )


def _licences(keys: Sequence[EncoderKey], make: Make) -> dict[str, str]:
    """What the encoders say; a head learned from their vectors is made of them, too."""
    return {key.name: str(getattr(make(key), "licence", "not declared")) for key in keys}


def _record(
    world: World,
    method: str,
    spec: AlignSpec,
    trials: Sequence[Trial],
    licences: Mapping[str, str],
) -> dict[str, Any]:
    return {
        "method": method,
        "seed": spec.seed,
        "settings": spec.model_dump(mode="json"),
        "pairs": {side.name: len(side) for side in world.sides},
        "at_most": {"pairs": MOST, "other_items": MOST_ITEMS},
        "split": f"captions by hash, {spec.fit.held_out:.0%} held out; choices on"
        f" {spec.folds} folds of the others",
        "trials": [trial.to_json() for trial in trials],
        "licences": dict(licences),
    }
