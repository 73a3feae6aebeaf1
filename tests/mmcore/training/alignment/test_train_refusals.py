"""What teaches nothing is refused with its reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmcore.errors import NothingToLearnError
from mmcore.specs import FitSpec
from mmcore.training.alignment.train import train_projection
from mmcore.training.rows import Rows
from tests.mmcore.training.alignment.trained import RIDGE, train
from tests.mmcore.training.alignment.worlds import (
    IMAGE,
    KEYS,
    SMALL,
    SPEC,
    TEXT,
    joint_keys,
    make,
    media,
    world,
)


@pytest.mark.parametrize("pairs", [0, 1, 5])
def test_too_few_pairs_teach_nothing(pairs):
    """The message says how many there are and how many it takes."""
    rows, _ = world(120)
    given = {IMAGE.key.name: media(120, IMAGE, range(pairs))}
    with pytest.raises(NothingToLearnError, match=r"hash-image \d items?\b.*it takes 16"):
        train_projection(rows, given, KEYS, SPEC, "p1", make=make)


def test_one_caption_of_all_teaches_nothing():
    """A hundred pictures of the same words are one pair."""
    rows, given = world(100)
    same = replace(rows, texts=("a frog",) * len(rows))
    spec = SPEC.model_copy(update={"fit": FitSpec(held_out=0.0)})
    with pytest.raises(NothingToLearnError, match="with 1 caption and"):
        train_projection(same, given, KEYS, spec, "p1", make=make)


def test_without_texts_or_media_there_is_nothing_to_learn():
    """All of one modality is missing."""
    rows, given = world(60)
    with pytest.raises(NothingToLearnError, match="0 items"):
        train_projection(rows, {}, KEYS, SPEC, "p1", make=make)
    with pytest.raises(NothingToLearnError, match="0 items"):
        train_projection(Rows.empty(TEXT.key.dim), given, KEYS, SPEC, "p1", make=make)


def test_encoders_that_need_no_projection_are_refused():
    """Two towers of one space, or no text encoder: there is nothing to align."""
    rows, given = world(60)
    for keys in ([replace(key, space="one") for key in KEYS], [IMAGE.key]):
        with pytest.raises(NothingToLearnError, match="nothing to align"):
            train_projection(rows, given, keys, SPEC, "p1", make=make)


def test_broken_vectors_are_told_before_any_work():
    """Which encoder has them, how many, and what to do."""
    rows, given = world(60)
    given[IMAGE.key.name].vectors[3, 0] = np.nan
    with pytest.raises(NothingToLearnError, match=r"hash-image: 1 of 60 .* `mmindex snapshots"):
        train_projection(rows, given, KEYS, SPEC, "p1", make=make)


def test_networks_are_small_by_the_spec():
    """The spec's width is that of what is kept."""
    spec = SPEC.model_copy(update={"method": "network", "hubness": "off"})
    head = train(spec, n=60).projection.heads["hash-image"].head

    assert head.networks[0].tensors["enter.weight"].shape[0] == SMALL.hidden


def test_a_joint_space_refuses_what_lengthens_its_texts():
    """Before any work, by the setting's name."""
    rows, given = world(40)
    bad = RIDGE.model_copy(update={"hubness": "on"})

    with pytest.raises(NothingToLearnError, match=r"align\.hubness=on"):
        train_projection(rows, given, joint_keys(), bad, "p1", make=make)


def test_more_folds_than_groups_are_refused_with_their_number():
    """Items that share few captions: the message names how many groups they are."""
    rows, given = world(60)
    same = tuple(f"{t[:2]}{int(t[-2:].strip('g西 ')) % 18}" for t in rows.texts)
    spec = RIDGE.model_copy(update={"folds": 20})

    with pytest.raises(NothingToLearnError, match=r"align\.folds is 20, .* items are \d+ groups"):
        train_projection(replace(rows, texts=same), given, KEYS, spec, "p1", make=make)
