"""Small lakes whose truth is known: captions of two languages, and media that mean the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mmcore.encoders.base import Classifier
from mmcore.encoders.features import directions
from mmcore.specs import FitSpec
from mmcore.training.alignment.spec import AlignSpec, CcaSpec, NetworkSpec
from mmcore.training.rows import Rows
from storage.schemas import Modality
from tests.fakes import HashEncoder

DIM = 16
TEXT = HashEncoder(Modality.TEXT, dim=DIM)
IMAGE = HashEncoder(Modality.IMAGE, dim=24)
AUDIO = HashEncoder(Modality.AUDIO, dim=DIM)


class Seeing(HashEncoder):
    """A video encoder with a classifier of six classes."""

    def classifier(self):
        """Six random directions."""
        rng = np.random.default_rng(0)
        names = tuple(f"class {i}" for i in range(6))
        weight = rng.standard_normal((6, self.key.dim)).astype(np.float32)
        return Classifier(weight, np.zeros(6, np.float32), names)


VIDEO = Seeing(Modality.VIDEO, dim=DIM)
ENCODERS = {e.key.name: e for e in (TEXT, IMAGE, AUDIO, VIDEO)}
KEYS = [TEXT.key, IMAGE.key, AUDIO.key]
SMALL = NetworkSpec(hidden=32, members=1, epochs=4, patience=3, shares=(1.0,))
SPEC = AlignSpec(
    fit=FitSpec(folds=2),
    folds=2,
    network=SMALL,
    cca=CcaSpec(dims=(8,), ridges=(0.3,), shares=(0.3,)),
)


def make(key):
    """The fake of that name."""
    return ENCODERS[key.name]


def meanings(n, seed=0):
    """(n, 8) what items mean."""
    return np.random.default_rng(seed).standard_normal((n, 8))


def shown(meaning, dim, seed, *, noise=0.1, bent=False):
    """(n, dim) unit rows: the meaning through a fixed matrix, bent or not, with noise."""
    rng = np.random.default_rng(seed)
    rows = meaning @ rng.standard_normal((meaning.shape[1], dim))
    rows = np.tanh(rows) + np.abs(rows) if bent else rows
    return directions(rows + noise * rng.standard_normal(rows.shape)).astype(np.float32)


def captions(n):
    """Items with an English and a Chinese caption each, which say the same in other places."""
    said = np.stack([shown(meanings(n), DIM, 1), shown(meanings(n), DIM, 1, noise=0.4)], axis=1)
    said[:, 1] = directions(said[:, 1] + 0.5)
    return Rows(
        np.repeat(np.arange(n, dtype=np.int64), 2),
        np.arange(2 * n, dtype=np.int64),
        tuple(f"t{i}" for i in range(2 * n)),
        ("en", "zh") * n,
        tuple(word for i in range(n) for word in (f"thing {i}", f"东西{i}")),
        said.reshape(2 * n, DIM).astype(np.float32),
    )


def media(n, encoder, items=None, *, bent=True):
    """One content an item, which means what the item means."""
    wanted = np.arange(n) if items is None else np.array(list(items), dtype=int)
    name, count = encoder.key.name, len(wanted)
    return Rows(
        wanted.astype(np.int64),
        np.arange(count, dtype=np.int64),
        tuple(f"{name}-{i}" for i in wanted),
        (None,) * count,
        (None,) * count,
        shown(meanings(n), encoder.key.dim, 7 + encoder.key.dim, bent=bent)[wanted],
    )


def world(n=120, sounds=None):
    """Rows as a lake gives them."""
    given = {IMAGE.key.name: media(n, IMAGE)}
    if sounds:
        given[AUDIO.key.name] = media(n, AUDIO, range(sounds))
    return captions(n), given


def joint_keys():
    """Texts and videos of one space, and pictures that are led there."""
    return [TEXT.key, replace(VIDEO.key, space=TEXT.key.space), IMAGE.key]
