"""Tests of mmcore/encoders/towers: windows behind a side's words, and batches of each encoder."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmcore.encoders.compute.batches import forget
from mmcore.encoders.compute.loaded import free
from mmcore.encoders.compute.meter import metered
from mmcore.encoders.towers.arrays import ArrayEncoder
from mmcore.encoders.towers.model import Model
from mmcore.encoders.towers.texts import Sides, TextEncoder, TextModel, windows_of
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec
from mmcore.types import EncoderKey
from storage.schemas import Modality

FIRST, LAST = 1, 2
MERGED = 3  # the token of ":a"
CPU = RuntimeSpec(device="cpu", dtype="float32")


class Letters:
    """A token a letter, blanks at both ends dropped, ``:a`` one token, two special ones around."""

    def whole(self, texts):
        """As a tokeniser."""
        return [[FIRST, *self._ids(text.strip()), LAST] for text in texts]

    def around(self):
        """As a tokeniser."""
        return [FIRST], [LAST]

    def _ids(self, text):
        return [MERGED if one == "\0" else ord(one) for one in text.replace(":a", "\0")]


def said(ids):
    """The letters of a window."""
    assert (ids[0], ids[-1]) == (FIRST, LAST)
    return "".join(":a" if one == MERGED else chr(one) for one in ids[1:-1])


def windows(text, most, side=""):
    """The letters of each window."""
    found = windows_of([text], Letters(), most, side)
    assert found.of == [0] * len(found.ids)
    assert max(map(len, found.ids)) <= most
    return [said(ids) for ids in found.ids]


def test_each_window_has_the_words_of_its_side():
    """The first is as the tokeniser has it; the blank is there, where the tokeniser left it."""
    assert windows("bcdefghij", 9, "to: ") == ["to: bc", "to:def", "to:ghij"]


def test_a_text_that_fits_is_whole():
    """Nothing is put before it twice."""
    assert windows("bc", 9, "to: ") == ["to: bc"]
    assert windows("bcdef", 7) == ["bcdef"]


def test_windows_without_a_side_are_of_the_text_alone():
    """As many as needed, of like length."""
    assert windows("bcdefghi", 6) == ["bcde", "fghi"]


def test_a_token_of_side_and_text_is_in_the_first_window():
    """It cannot be told apart; the other windows have the side's words as they are alone."""
    assert windows("abcdefgh", 8, "to:") == ["to:ab", "to:cde", "to:fgh"]


def test_every_letter_of_a_long_text_is_in_one_window():
    """Nothing is cut, nothing doubled."""
    text = "bcdefghijklmnopq" * 5

    assert "".join(one.removeprefix("to:") for one in windows(text, 13, "to:")) == text


def test_a_model_too_small_for_the_words_is_an_error():
    """It says how many tokens the model takes, and the words."""
    with pytest.raises(ConfigError, match="takes 5 tokens at once, too few for 'to:'"):
        windows("bcdefghijk", 5, "to:")


def key(name, fingerprint="0123456789abcdef", modality=Modality.TEXT):
    """The key of an encoder of vectors of two numbers."""
    return EncoderKey(modality, name, fingerprint, "space", 2, (modality,))


def rows(sizes, most, count):
    """Vectors, where there is memory for so many rows."""
    sizes.append(count)
    if count > most:
        raise torch.OutOfMemoryError
    return torch.ones(count, 2)


@pytest.fixture(autouse=True)
def nothing_known():
    """No model, and no batch size, of other tests."""
    yield
    free()
    forget()


class Plain:
    """Three numbers, as they are."""

    shape, dtype = (3,), "float32"

    def shaped(self, decoded):
        """As a recipe."""
        return np.asarray(decoded, dtype="float32")


def test_encoders_of_one_model_settle_apart():
    """A model that reads and sees: what its pictures have no memory for, its texts may have."""
    sizes = []

    class Both(TextModel):
        def __call__(self, pictures):
            return rows(sizes, 2, len(pictures))

    def load(compute):
        return Both(Letters(), lambda ids: rows(sizes, 99, len(ids)), fixed=64)

    model = Model("reads and sees", "MIT", load)
    sees = ArrayEncoder(key("sees", modality=Modality.IMAGE), Plain(), model, CPU)
    reads = TextEncoder(key("reads"), model, CPU, most=64)
    sees.encode(np.zeros((4, 3), dtype="float32"))
    reads.encode(["a"] * 8)

    assert sizes == [4, 2, 2, 8]


def test_rows_that_are_filled_up_count_as_filled_up():
    """Where a model fills rows up, short texts are no more at once than long ones."""
    batches = []
    for fixed in (64, None):
        model = Model(
            f"filled {fixed}",
            "MIT",
            lambda _, fixed=fixed: TextModel(
                Letters(), lambda ids: rows([], 999, len(ids)), fixed=fixed
            ),
            8,
        )
        with metered() as meter:
            TextEncoder(key(f"filled {fixed}"), model, CPU, most=64).encode(["a"] * 32)
        batches.append(dict(meter.batches))

    assert batches == [{8: 4}, {32: 1}]


def test_each_side_has_its_own_words_in_windows():
    """Stored texts and queries are long in their own way."""
    seen = []

    def run(ids):
        seen.extend(map(said, ids))
        return torch.ones(len(ids), 2)

    model = Model("two sides", "MIT", lambda _: TextModel(Letters(), run))
    encoder = TextEncoder(key("two"), model, CPU, most=8, sides=Sides("to:", "q:"))
    encoder.encode(["bcdef"])
    stored, seen[:] = list(seen), []
    encoder.encode_queries(["bcdef"])

    assert all(one.startswith("to:") for one in stored)
    assert all(one.startswith("q:") for one in seen)
    assert (len(stored), len(seen)) == (2, 2)
