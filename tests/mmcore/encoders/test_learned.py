from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mmcore.encoders.comparison import Comparison
from mmcore.encoders.features import Group, Reading, directions
from mmcore.encoders.heads import Fitted, JointHead, Labels, MediaHead, TextHead
from mmcore.encoders.learned import (
    BlendHead,
    HubHead,
    Mlp,
    MovedHead,
    Regression,
    ResidualHead,
    hubness,
)
from mmcore.encoders.packing import pack, record_of, unpack
from mmcore.encoders.packing_kinds import packed, unpacked
from mmcore.encoders.projections import Joined, Projection
from mmcore.errors import ConfigError
from mmcore.types import check_unit_rows

READING = Reading((Group(0, 6),))
LANGUAGES = ["en", "zh", None, "en", "zh"]


def numbers(*shape, seed=0):
    """float32 normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def units(*shape, seed=0):
    """float32 unit rows."""
    return directions(numbers(*shape, seed=seed))


def text():
    """A fitted head of texts of four numbers."""
    return TextHead("fitted", {n: 0.1 * numbers(4, seed=i) for i, n in enumerate(("en", "other"))})


def media(by="chances"):
    """A head of six features with labels and a regression."""
    comparison = Comparison.fitted(READING, numbers(7, 6))
    fitted = Fitted(comparison, comparison.shaped(numbers(7, 6)), numbers(7, 4), 0.3, 0.2)
    labels = Labels(numbers(9, 6), numbers(9), numbers(9, 4), by)
    return MediaHead(READING, np.eye(4, dtype=np.float32), labels, fitted)


def mlp(inputs, seed=0):
    """A network of one block, of eight units."""
    shapes = {
        "enter.weight": (8, inputs),
        "enter.bias": (8,),
        "up0.weight": (8, 8),
        "up0.bias": (8,),
        "down0.weight": (8, 8),
        "down0.bias": (8,),
        "leave.weight": (4, 8),
        "leave.bias": (4,),
    }
    tensors = {
        name: numbers(*shape, seed=seed + i) for i, (name, shape) in enumerate(shapes.items())
    }
    return Mlp(tensors, 1)


def moved():
    """Texts turned, and English ones moved."""
    return MovedHead(
        text(),
        numbers(4, 4),
        0.1 * numbers(4),
        {"en": Regression(units(5, 4), numbers(5, 4), 2.0)},
    )


def corrected():
    """Pictures corrected by two networks that read their features too."""
    head = media()
    return ResidualHead(head, (mlp(10), mlp(10, 9)), 0.5, READING, head.fitted.comparison)


HEADS = {
    "moved": moved(),
    "corrected texts": ResidualHead(moved(), (mlp(4),), 1.0),
    "corrected": corrected(),
    "by scores": media("scores"),
    "blend": BlendHead((media(), None, media("scores")), (0.7, 0.0, 0.3), (4, 3, 4)),
    "blend of texts": BlendHead((text(), moved()), (0.5, 0.5), (4, 4)),
    "hubs": HubHead(corrected(), "media", 0.25, units(6, 4), 0.3, 0.5),
    "hubs of texts": HubHead(moved(), "text", 0.25, units(6, 4), 0.3, 0.5),
}


@pytest.mark.parametrize("name", HEADS)
def test_a_vector_does_not_hang_on_its_batch(name):
    """A row alone and among others has the same unit vector, float32; no row has none."""
    head = HEADS[name]
    cells = units(5, 4 if "texts" in name or name == "moved" else 6)
    every = head.project(cells, LANGUAGES)
    alone = [head.project(cells[i : i + 1], LANGUAGES[i : i + 1]) for i in range(5)]

    assert every.dtype == np.float32
    check_unit_rows(np.arange(5), every)
    np.testing.assert_allclose(np.concatenate(alone), every, atol=1e-6)
    assert head.project(cells[:0], []).shape == (0, every.shape[1])


@pytest.mark.parametrize("name", HEADS)
def test_what_is_packed_comes_back(name):
    """The same vectors from tensors and JSON, and the same state."""
    head = HEADS[name]
    tensors, config = pack({name: head})
    back = unpack(tensors, json.loads(json.dumps(config)))[name]
    cells = units(5, 4 if "texts" in name or name == "moved" else 6)

    np.testing.assert_array_equal(back.project(cells, LANGUAGES), head.project(cells, LANGUAGES))
    assert back.state == head.state == "fitted"


@pytest.mark.parametrize(("head", "number"), [(text(), 2), (media(), 2), (moved(), 3)])
def test_only_what_is_new_has_the_new_format(head, number):
    """An older mmindex reads what it knows, and refuses the rest by its number."""
    files = Projection("e5", "p1", 4, {"x": Joined("f", head)}).to_files()

    assert json.loads(record_of(files))["format"] == number
    assert Projection.from_files(files).heads["x"].head.state == "fitted"


def test_a_head_of_another_kind_is_refused():
    """Neither written nor read."""
    with pytest.raises(TypeError, match="int"):
        packed(7)
    with pytest.raises(ConfigError, match="'later'"):
        unpacked({}, {"kind": "later"})


def test_only_texts_of_the_language_are_moved():
    """A regression on one anchor adds its coefficient to what equals it; Chinese stays."""
    anchor = np.array([[1.0, 0.0]], np.float32)
    move = Regression(anchor, np.array([[0.0, 1.0]], np.float32), 2.0)
    head = MovedHead(JointHead(), np.eye(2, dtype=np.float32), None, {"en": move})
    found = head.project(np.repeat(anchor, 2, axis=0), ["en", "zh"])

    assert found[0] == pytest.approx([0.5**0.5, 0.5**0.5])
    assert found[1].tolist() == [1, 0]


def test_a_text_that_is_the_mean_is_somewhere():
    """Less the mean nothing is left; the first row of the matrix is as good as any."""
    cell = units(1, 4)
    head = MovedHead(JointHead(), np.eye(4, dtype=np.float32), cell[0])

    assert head.project(cell, ["en"])[0].tolist() == [1, 0, 0, 0]


def test_the_share_scales_the_correction():
    """Nothing of it gives the head below; the whole differs from half."""
    head = corrected()
    cells = units(5, 6)

    none = replace(head, share=0.0).project(cells)
    np.testing.assert_allclose(none, media().project(cells), atol=1e-6)
    assert not np.allclose(head.project(cells), replace(head, share=1.0).project(cells), atol=1e-3)


def test_a_cosine_of_a_blend_is_the_weighted_sum():
    """.3 · a + .7 · b, and with a part that only one side has, what is left of it."""
    one, other = media(), media("scores")
    both = BlendHead((one, other), (0.3, 0.7), (4, 4)).project(units(5, 6))
    a, b = one.project(units(5, 6)), other.project(units(5, 6))

    np.testing.assert_allclose(both @ both.T, 0.3 * a @ a.T + 0.7 * b @ b.T, atol=1e-6)
    first = BlendHead((one, None), (1.0, 0.0), (4, 4)).project(units(5, 6))
    np.testing.assert_allclose(both @ first.T, 0.3**0.5 * a @ a.T, atol=1e-6)


def test_hubness_is_the_mean_cosine_of_the_nearest():
    """3 % of a hundred are three: (1 + .8 + .6) / 3."""
    bank = np.zeros((100, 2), np.float32)
    bank[:3] = [[1, 0], [0.8, 0.6], [0.6, 0.8]]

    assert hubness(np.array([[1.0, 0.0]]), bank) == pytest.approx([0.8])


def test_a_hub_loses_what_the_bank_gives_it():
    """A text's scores of media differ by share · difference of hubness, beside the lengths."""
    bank = units(40, 8, seed=3)
    cells = units(30, 8)
    tilted = HubHead(JointHead(), "media", 0.25, bank, 0.5, 1.0).project(cells)
    asked = HubHead(JointHead(), "text", 0.25).project(units(6, 8, seed=5), ["en"] * 6)
    lengths = np.linalg.norm(tilted[:, :-2], axis=1)
    plain = 0.9375**0.5 * lengths * (units(6, 8, seed=5) @ cells.T)

    hubs = 0.9375 * (hubness(cells, bank) - 0.5)
    np.testing.assert_allclose(asked @ tilted.T, plain - np.clip(hubs, -0.125, 0.125), atol=1e-6)


def test_languages_without_a_name_of_their_own_move_as_other():
    """French and unknown texts get the move that was fitted for all others; Chinese stays."""
    move = Regression(units(5, 4), numbers(5, 4), 2.0)
    head = MovedHead(JointHead(), np.eye(4, dtype=np.float32), None, {"other": move})
    cells = units(4, 4, seed=3)
    wanted = directions(cells + move.of(cells))

    found = head.project(cells, ["fr", None, "other", "zh"])
    np.testing.assert_allclose(found[:3], wanted[:3], atol=1e-6)
    np.testing.assert_allclose(found[3], cells[3], atol=1e-6)


def test_a_regression_is_made_in_blocks(monkeypatch):
    """Of two rows at once, the last alone: the same as of all."""
    move, rows = Regression(units(5, 4), numbers(5, 4), 2.0), units(7, 4, seed=3)
    whole = move.of(rows)
    monkeypatch.setattr("mmcore.encoders.learned._ROWS", 2)

    np.testing.assert_allclose(move.of(rows), whole, atol=1e-6)
    assert move.of(rows[:0]).shape == (0, 4)
