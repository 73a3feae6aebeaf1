from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmcore.encoders.features import Group, Reading
from mmcore.training.alignment.choose import Contest, Tried, first_of
from mmcore.training.alignment.closed import Form
from mmcore.training.alignment.gather import roles_for, world_of
from mmcore.training.alignment.measures import Answers, Found, measured
from mmcore.training.alignment.parts import Placed
from mmcore.training.alignment.workshop import Cca, Plan
from mmcore.training.alignment.world import Side, World
from tests.mmcore.training.alignment.worlds import IMAGE, KEYS, SPEC, TEXT, captions, make, world


class Rigged(Contest):
    """A contest whose results are given."""

    def _try(self, plan):
        reached = {None: 0.5, 1.0: 0.6, 3.0: 0.6, 0.3: 0.601, 0.1: 0.61}[plan.form.text_ridge]
        noise = np.array([0.02, -0.02] if plan.form.half else [0.0, 0.0])
        answers = Answers(reached + noise, np.array(["dog", "cat"], dtype=object))
        self.tried.append(Tried(plan, Found({"en→a": answers})))
        return self.tried[-1]


def contest(gain=0.002):
    """Over a small world."""
    rows, given = world(60)
    found = world_of(rows, given, roles_for(KEYS), SPEC.fit, make)
    return Rigged(found, SPEC.model_copy(update={"gain": gain}), lambda _: None)


def test_the_best_held_out_score_wins():
    """Of .5, .6, .6 and .601; of equal ones the first."""
    one = contest()

    assert one.best(Plan(Form(text_ridge=r)) for r in (None, 3.0, 1.0)).form.text_ridge == 3.0
    assert (
        contest(0.0).best(Plan(Form(text_ridge=r)) for r in (None, 1.0, 0.3)).form.text_ridge
        == 0.3
    )


def test_one_thing_more_has_to_be_worth_it():
    """.001 more is not kept against what was before, unless it must be."""
    one = contest()
    one.best(iter([Plan(Form(text_ridge=1.0))]))

    assert one.best(iter([Plan(Form(text_ridge=0.3))])).form.text_ridge == 1.0
    assert one.best(iter([Plan(Form(text_ridge=0.3))]), must=True).form.text_ridge == 0.3
    assert len(one.tried) == 3


def test_a_gain_has_to_be_more_than_its_error():
    """.01 more of every query is kept; of two queries .03 more and .01 less is not."""
    one, other = contest(), contest()
    one.best(iter([Plan(Form(text_ridge=1.0))]))
    other.best(iter([Plan(Form(text_ridge=1.0))]))

    assert one.best(iter([Plan(Form(text_ridge=0.1))])).form.text_ridge == 0.1
    assert other.best(iter([Plan(Form(text_ridge=0.1, half=True))])).form.text_ridge == 1.0


def test_the_error_is_over_captions():
    """What one caption is asked for in two directions goes up and down as one.

    Gains of .2 and 0, twice: their mean is .1. Each caption's lot is .1 / 2 from it, or -.1 / 2,
    in either direction; so the error is √(2 · .05²) with the directions as one.
    """
    keys = np.array(["dog", "cat"], dtype=object)
    low, high = Answers(np.array([0.5, 0.5]), keys), Answers(np.array([0.7, 0.5]), keys)
    gain, error = Found({"a": high, "b": high}).gain(Found({"a": low, "b": low}))

    assert gain == pytest.approx(0.1)
    assert error == pytest.approx((2 * 0.05**2) ** 0.5)


def test_the_contest_begins_with_what_does_well():
    """Captions moved and hubs corrected; no hubs where they are off, nothing in a joint space."""
    one = contest()
    assert first_of(one.world, SPEC) == Plan(Form(text_ridge=0.3), hubness=(0.0, 0.7))
    off = SPEC.model_copy(update={"hubness": "off"})
    assert first_of(one.world, off) == Plan(Form(text_ridge=0.3))
    assert first_of(replace(one.world, joint=True), SPEC) == Plan()


def test_items_that_share_a_caption_are_in_one_fold():
    """Of two items with other English captions and one Chinese caption, none teaches the other."""
    rows, given = world(60)
    same = tuple("东西0" if t in {f"东西{i}" for i in range(6)} else t for t in rows.texts)
    found = world_of(replace(rows, texts=same), given, roles_for(KEYS), SPEC.fit, make)
    folds = Contest(found, SPEC, lambda _: None)._folds
    shared = set(range(6)) & set(found.keys)

    assert len(shared) > 1
    assert sum(bool(shared & set(mine.keys)) for _, mine in folds) == 1


def test_no_fold_asks_about_what_it_was_fitted_on():
    """Captions of a fold's queries are none of those that it is fitted on; all are asked once."""
    folds = contest()._folds
    asked = [key for _, mine in folds for key in set(mine.keys.values())]

    assert len(asked) == len(set(asked))
    for shop, mine in folds:
        assert not set(shop.world.keys.values()) & set(mine.keys.values())
        assert not set(shop.world.sides[0].content_ids) & set(mine.sides[0].content_ids)


def test_ranks_are_by_direction():
    """Two items: English finds both, Chinese only the first; pictures find both texts."""
    rows = captions(2)
    side = Side((IMAGE.key,), Reading((Group(0, 2),)), None, ("a", "b"), np.arange(2), np.eye(2))
    eye, same = np.eye(2), np.array([[1.0, 0.0], [0.9, 0.1]])
    placed = Placed({"en": eye, "zh": same, "other": 0 * eye}, {"hash-image": eye})
    found = measured(placed, World(TEXT.key, False, rows, (side,), {}, None))

    scores = found.to_scores()
    assert scores["RR en→hash-image"] == 1
    assert scores["RR hash-image→en"] == 1
    assert scores["RR zh→hash-image"] == 0.75
    assert scores["RR zh→en"] == 0.75
    assert scores["RR hash-image→zh"] == scores["RR en→zh"] == 1
    assert scores["RR"] == pytest.approx((4 * 1 + 2 * 0.75) / 6, abs=1e-4)


def test_what_was_fitted_on_is_in_the_second_gallery():
    """A fitted picture right beside the caption comes before the caption's own."""
    side = Side((IMAGE.key,), Reading((Group(0, 2),)), None, ("a", "b"), np.arange(2), np.eye(2))
    whole = World(TEXT.key, False, captions(2), (side,), {}, None)
    new, seen = whole.of([0]), whole.of([1])
    none = np.zeros((1, 2))
    placed = Placed({"en": np.eye(2)[:1], "zh": none, "other": none}, {side.name: -np.eye(2)[:1]})
    fitted = Placed({"en": none, "zh": none, "other": none}, {side.name: np.eye(2)[:1]})

    scores = measured(placed, new, (fitted, seen)).to_scores()
    assert scores["RR en→hash-image"] == 1
    assert scores["RR en→hash-image, all"] == 0.5


def test_a_plan_tells_what_it_is():
    """Its name has what is put upon the closed form; its settings are JSON."""
    plan = Plan(Form(text_ridge=0.3), 0.5, {"a": Cca(8, 0.1, 0.3)}, (0.2, 0.7))

    assert plan.method == "network + cca + hubness"
    assert Plan().method == "ridge"
    assert plan.to_json()["cca"] == {"a": {"dims": 8, "ridge": 0.1, "share": 0.3}}
    assert plan.to_json()["hubness"] == {"media": 0.2, "texts": 0.7}
