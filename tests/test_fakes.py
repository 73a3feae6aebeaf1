from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mmcore.types import check_unit_rows
from storage.schemas import MODALITIES, Modality
from tests.fakes import RATE, HashEncoder, MeaningEncoder, hash_encoders, pitch


def decoded(modality, n):
    """Something of that modality, another for each ``n``."""
    if modality is Modality.TEXT:
        return f"text {n}"
    if modality is Modality.AUDIO:
        return np.sin(np.arange(1600, dtype=np.float32) * (n + 1) / 50)
    return Image.new("RGB", (20, 10), (10 * n, 20, 30))


@pytest.mark.parametrize("modality", MODALITIES)
def test_equal_inputs_have_equal_unit_vectors(modality):
    """The vector is decided by the input alone, and as a query it is the same."""
    first, second = HashEncoder(modality), HashEncoder(modality)
    batch = [first.prepare(decoded(modality, n)) for n in (1, 2, 1)]
    vectors = first.encode(batch)

    check_unit_rows(np.arange(3), vectors)
    assert vectors[0].tolist() == vectors[2].tolist() != vectors[1].tolist()
    assert second.encode_query(decoded(modality, 1)).tolist() == vectors[0].tolist()


@pytest.mark.parametrize("modality", MODALITIES)
def test_prepared_arrays_have_the_declared_shape(modality):
    """``shape`` and ``dtype`` tell what ``prepare`` returns; a text has none."""
    encoder = HashEncoder(modality)
    array = encoder.prepare(decoded(modality, 1))

    if modality is Modality.TEXT:
        assert encoder.shape is None
    else:
        assert (array.shape, array.dtype.name) == (encoder.shape, encoder.dtype)


def test_a_new_version_is_another_encoder():
    """A raised version changes fingerprint and vectors; nothing else of the key."""
    old, new = HashEncoder(Modality.TEXT), HashEncoder(Modality.TEXT, version=2)

    assert old.key.fingerprint != new.key.fingerprint
    assert old.key.space == new.key.space
    assert old.encode_query("a").tolist() != new.encode_query("a").tolist()


def test_no_input_gives_no_row_and_calls_are_counted():
    """An empty batch has shape (0, dim); ``calls`` is the number of inputs embedded."""
    encoder = HashEncoder(Modality.TEXT, dim=3)

    assert encoder.encode([]).shape == (0, 3)
    encoder.encode(["a", "b"])
    assert encoder.calls == 2


def test_what_means_the_same_lies_together_in_one_space_alone():
    """A word, its colour and its pitch are near; another meaning, or another space, is not."""
    tone = np.sin(2 * np.pi * pitch("green") * np.arange(RATE) / RATE)
    things = {
        Modality.TEXT: "Something green.",
        Modality.IMAGE: Image.new("RGB", (20, 10), (10, 240, 5)),
        Modality.AUDIO: tone,
    }
    towers = {m: MeaningEncoder(m, "joint", dim=32) for m in things}
    green = [towers[m].encode_query(thing) for m, thing in things.items()]
    red = towers[Modality.TEXT].encode_query("Something red.")
    elsewhere = MeaningEncoder(Modality.TEXT, "other", dim=32).encode_query("Something green.")

    assert min(green[0] @ green[1], green[0] @ green[2], green[1] @ green[2]) > 0.6
    assert max(red @ green[0], red @ green[1], elsewhere @ green[0]) < 0.5


def test_there_is_one_of_each_modality():
    """``hash_encoders`` covers every modality once; a shared space is a setting."""
    made = hash_encoders(space="hash")

    assert {e.key.modality for e in made} == set(MODALITIES)
    assert {e.key.space for e in made} == {"hash"}
