"""What comes later is led into the space that was trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmcore.encoders.projections import Projection
from mmcore.errors import NothingToLearnError
from mmcore.training.alignment.train import train_projection
from mmcore.training.projections import fit_projection
from tests.mmcore.training.alignment.trained import unseen
from tests.mmcore.training.alignment.worlds import (
    AUDIO,
    IMAGE,
    KEYS,
    SPEC,
    TEXT,
    joint_keys,
    make,
    world,
)


def test_a_joint_space_keeps_its_vectors():
    """Texts and partners stay as they are; only the foreign encoder is learned, by networks."""
    spec = SPEC.model_copy(update={"method": "network"})
    rows, given = world(80)
    found = train_projection(rows, given, joint_keys(), spec, "p1", make=make)
    said = found.projection.project(TEXT.key, rows.vectors, rows.languages)

    np.testing.assert_array_equal(said, rows.vectors)
    partner = joint_keys()[1]
    assert found.projection.heads[partner.name].head.state == "joint"
    assert found.projection.heads["hash-image"].head.state == "fitted"
    assert found.projection.dim == TEXT.key.dim
    assert unseen(found.projection, n=80)[0] > 0.1
    bad = SPEC.model_copy(update={"method": "cca"})
    with pytest.raises(NothingToLearnError, match="joint space"):
        train_projection(rows, given, joint_keys(), bad, "p1", make=make)


def test_what_comes_later_is_led_into_the_trained_space(trained):
    """Sounds that an index run fits find their captions there; what was trained stays."""
    before = trained.projection
    rows, given = world(120, sounds=120)
    after = fit_projection(rows, given, KEYS, SPEC.fit, before, make=make)
    assert after is not None
    again = Projection.from_files(after.to_files())
    sounds = again.project(AUDIO.key, given[AUDIO.key.name].vectors, [None] * 120)
    said = again.project(TEXT.key, rows.vectors[::2], ["en"] * 120)

    assert after.heads["hash-text"].head is before.heads["hash-text"].head
    assert after.heads["hash-image"].head is before.heads["hash-image"].head
    assert after.dim == before.dim
    assert after.training == before.training
    assert ((said @ sounds.T).argmax(axis=1) == np.arange(120)).mean() > 0.3


def test_a_changed_picture_encoder_is_fitted_into_the_trained_space(trained):
    """Texts keep what they learned; pictures have the closed form until the next training."""
    keys = [TEXT.key, replace(IMAGE.key, fingerprint="new")]
    rows, given = world(120)
    after = fit_projection(rows, given, keys, SPEC.fit, trained.projection, make=make)

    assert after is not None
    assert after.heads["hash-text"].head is trained.projection.heads["hash-text"].head
    assert after.dim == trained.projection.dim
    assert after.project(keys[1], given[IMAGE.key.name].vectors[:3], [None] * 3).shape[0] == 3


def test_a_changed_text_encoder_starts_anew(trained):
    """What training made belongs to the old texts: what is fitted is what an index run fits."""
    keys = [replace(TEXT.key, fingerprint="new"), IMAGE.key]
    rows, given = world(120)
    after = fit_projection(rows, given, keys, SPEC.fit, trained.projection, make=make)

    assert after is not None
    assert after.dim == TEXT.key.dim
    assert after.training == {}
