"""Rows of a lake → the world that a projection is trained on; what cannot teach is said first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from mmcore.counting import number_of
from mmcore.encoders.features import Reading, reading_of
from mmcore.encoders.heads import Labels
from mmcore.errors import NothingToLearnError
from mmcore.specs import FitSpec
from mmcore.training import fitting
from mmcore.training.alignment.world import Side, World
from mmcore.training.naming import naming_of
from mmcore.training.pairs import FEWEST_KEYS, Captions, contents_of, enough, pairs_of
from mmcore.training.priors import labels_of, prior_of
from mmcore.training.projections import Make
from mmcore.training.roles import Roles, roles_of
from mmcore.training.rows import Rows
from mmcore.training.split import fit_rows, hash_of
from mmcore.types import EncoderKey

MOST_ITEMS: Final = 10_000  # whose captions are fitted on, beside those of pairs


def roles_for(keys: Sequence[EncoderKey]) -> Roles:
    """Who is led where; NothingToLearnError where nobody needs to be."""
    roles = roles_of(keys)
    if roles is None:
        raise NothingToLearnError(
            "there is nothing to align: it takes a text encoder, and one of a space that no text"
            " encoder has; the encoders are " + ", ".join(f"{k.name} ({k.space})" for k in keys)
        )
    return roles


def world_of(
    texts: Rows, media: Mapping[str, Rows], roles: Roles, spec: FitSpec, make: Make
) -> World:
    """What may be fitted on; NothingToLearnError where no encoder has pairs enough.

    An encoder with too few has none here. Captions are those of pairs' items and of MOST_ITEMS
    others, by hash.
    """
    _check_finite({roles.text.name: texts, **media})
    allowed = texts.take(fit_rows(texts, spec.held_out))
    named = naming_of(allowed).own
    text = make(roles.text)

    def bare(key: EncoderKey) -> tuple[Reading, Labels | None]:
        encoder = make(key)
        return reading_of(encoder, key.dim), labels_of(encoder, text, joint=roles.joint)

    spaces: dict[str, list[EncoderKey]] = {}
    for key in roles.foreign:
        spaces.setdefault(key.space, []).append(key)
    sides = [
        _side(keys, [media[k.name] for k in keys if k.name in media], named, spec, bare)
        for keys in spaces.values()
    ]
    if not any(map(len, sides)):
        raise NothingToLearnError(_too_few(roles, media, named, spec))
    paired = {item for side in sides for item in side.item_ids.tolist()}
    others = sorted(named.keys() - paired, key=hash_of)[:MOST_ITEMS]
    kept = allowed.take(np.isin(allowed.item_ids, [*paired, *others]))
    if roles.joint:
        return World(roles.text, True, kept, tuple(sides), {}, None)
    neutral = fitting.neutral_vectors(text)
    prior = prior_of((side.labels for side in sides), lambda: neutral)
    return World(roles.text, False, kept, tuple(sides), neutral, prior)


def _side(
    keys: Sequence[EncoderKey],
    rows: Sequence[Rows],
    named: Mapping[int, str],
    spec: FitSpec,
    bare: Callable[[EncoderKey], tuple[Reading, Labels | None]],
) -> Side:
    """The pairs of one space: at most MOST, by hash, and none where they are too few."""
    reading, labels = bare(keys[0])
    pairs = pairs_of(rows, {item: Captions(key, {}) for item, key in named.items()}, 0)
    fits = enough(pairs.pairs, named, spec)
    if not fits:
        nothing = np.zeros(0, np.int64), np.zeros((0, keys[0].dim), np.float32)
        return Side(tuple(keys), reading, labels, (), *nothing)
    items = np.array(pairs.item_ids, dtype=np.int64)
    return Side(tuple(keys), reading, labels, pairs.content_ids, items, pairs.cells)


def _check_finite(rows: Mapping[str, Rows]) -> None:
    for name, found in rows.items():
        bad = int((~np.isfinite(found.vectors)).any(axis=1).sum())
        if bad:
            raise NothingToLearnError(
                f"{name}: {bad} of {len(found)} vectors are not finite numbers:"
                " `mmindex snapshots verify` looks for damage"
            )


def _too_few(
    roles: Roles, media: Mapping[str, Rows], named: Mapping[int, str], spec: FitSpec
) -> str:
    counted = []
    for key in roles.foreign:
        rows = [media[key.name]] if key.name in media else []
        pairs = [(content, item) for content, item in contents_of(rows) if item in named]
        items, contents = {item for _, item in pairs}, {content for content, _ in pairs}
        captions = {named[item] for item in items}
        counted.append(
            f"{key.name} {number_of(len(items), 'item')} with"
            f" {number_of(len(captions), 'caption')} and"
            f" {number_of(len(contents), 'different file')}"
        )
    return (
        "there are too few pairs to learn from: "
        + ", ".join(counted)
        + f"; it takes {number_of(spec.min_pairs, 'item')} with {FEWEST_KEYS} different captions,"
        f" that are not held out, and {FEWEST_KEYS} different files: add pictures or sounds with a"
        " text each"
    )
