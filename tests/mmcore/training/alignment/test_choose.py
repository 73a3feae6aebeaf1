from __future__ import annotations

import numpy as np
import pytest

from mmcore.encoders.features import Group, Reading
from mmcore.training.alignment.choose import Contest, Tried
from mmcore.training.alignment.closed import Form
from mmcore.training.alignment.gather import roles_for, world_of
from mmcore.training.alignment.measures import Found, measured
from mmcore.training.alignment.parts import Placed
from mmcore.training.alignment.workshop import Cca, Plan
from mmcore.training.alignment.world import Side, World
from tests.mmcore.training.alignment.worlds import IMAGE, KEYS, SPEC, TEXT, captions, make, world


class Rigged(Contest):
    """A contest whose results are given."""

    def _try(self, plan):
        reached = {None: 0.5, 1.0: 0.6, 3.0: 0.6, 0.3: 0.601}[plan.form.text_ridge]
        self.tried.append(Tried(plan, Found({("a", "en→·"): np.array([reached])})))
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
    assert scores["RR"] == pytest.approx((1 + 1 + 0.75 + 0.75) / 4)


def test_a_plan_tells_what_it_is():
    """Its name has what is put upon the closed form; its settings are JSON."""
    plan = Plan(Form(text_ridge=0.3), 0.5, {"a": Cca(8, 0.1, 0.3)}, (0.2, 0.7))

    assert plan.method == "network + cca + hubness"
    assert Plan().method == "ridge"
    assert plan.to_json()["cca"] == {"a": {"dims": 8, "ridge": 0.1, "share": 0.3}}
    assert plan.to_json()["hubness"] == {"media": 0.2, "texts": 0.7}
