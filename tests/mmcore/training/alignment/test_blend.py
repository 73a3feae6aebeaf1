from __future__ import annotations

import numpy as np
import pytest

from mmcore.encoders.heads import JointHead, TextHead
from mmcore.training.alignment.blend import side_by_side
from mmcore.training.alignment.closed import GAMMA, moved_text, regression, rooted
from mmcore.training.alignment.hubness import banks_of, without_hubs
from mmcore.training.alignment.parts import Part, Placed
from mmcore.training.pairs import Captions
from tests.mmcore.training.alignment.worlds import DIM, meanings, shown

ROWS = shown(meanings(40), DIM, 1)
ASKED = shown(meanings(40), DIM, 2)


def test_each_medium_gets_the_share_it_is_to_have():
    """Pictures have .3 of a further part, sounds none of theirs; scores follow, up to scale."""

    class Other(JointHead):
        """Vectors upside down, but for the first number."""

        def project(self, cells, languages=()):
            return np.concatenate([cells[:, :1], -cells[:, 1:]], axis=1)

    base = Part(JointHead(), {"pictures": JointHead(), "sounds": JointHead()})
    further = {"pictures": (Part(JointHead(), {"pictures": Other()}), 0.3)}
    found = side_by_side(base, further, [DIM, DIM], 2)
    texts = found.text.project(ASKED, ["en"] * 40)
    plain = ASKED @ ROWS.T
    mixed = 0.7 * plain + 0.3 * ASKED @ Other().project(ROWS).T

    for name, wanted in (("pictures", mixed), ("sounds", plain)):
        scores = texts @ found.media[name].project(ROWS).T
        np.testing.assert_allclose(scores / scores[0, 0], wanted / wanted[0, 0], atol=1e-4)


def test_half_a_whitening_twice_is_the_whole():
    """The root of a symmetric matrix."""
    whole = np.cov(ROWS.T).astype(np.float32)

    np.testing.assert_allclose(rooted(whole) @ rooted(whole), whole, atol=1e-5)


def test_captions_of_two_languages_come_together():
    """Chinese ones lie askew; fitted on thirty items, those of ten others come nearer."""
    askew = (ROWS @ (np.eye(DIM) + 0.3 * np.roll(np.eye(DIM), 1, axis=0))).astype(np.float32)
    askew /= np.linalg.norm(askew, axis=1, keepdims=True)
    captions = {i: Captions(f"{i:02}", {"en": ROWS[i], "zh": askew[i]}) for i in range(30)}
    below = TextHead("fitted", {"other": np.zeros(DIM, np.float32)})
    head = moved_text(below, np.eye(DIM, dtype=np.float32), captions, 0.1)
    one, other = (head.project(rows[30:], [n] * 10) for rows, n in ((ROWS, "en"), (askew, "zh")))

    assert set(head.moves) == {"en", "zh"}
    before = np.sum(ROWS[30:] * askew[30:], axis=1).mean()
    assert np.sum(one * other, axis=1).mean() > before + 0.01


def test_few_items_of_two_languages_move_nobody():
    """Fifteen are too few; captions of one language alone have nowhere to go."""
    below = TextHead("fitted", {"other": np.zeros(DIM, np.float32)})
    eye = np.eye(DIM, dtype=np.float32)
    few = {i: Captions(f"{i:02}", {"en": ROWS[i], "zh": ASKED[i]}) for i in range(15)}
    alone = {i: Captions(f"{i:02}", {"en": ROWS[i]}) for i in range(40)}

    assert not moved_text(below, eye, few, 1.0).moves
    assert not moved_text(below, eye, alone, 1.0).moves


def test_a_regression_reaches_its_targets():
    """With next to no ridge, what it was fitted on is added exactly."""
    found = regression(ROWS, ASKED, GAMMA, 1e-6)

    np.testing.assert_allclose(found.of(ROWS), ASKED, atol=0.05)


def test_a_hub_is_found_less_often():
    """One content lies near the middle of all captions and comes first too often; tilted, less."""
    rng = np.random.default_rng(0)
    captions = rng.standard_normal((200, DIM)) + 1.5
    captions = (captions / np.linalg.norm(captions, axis=1, keepdims=True)).astype(np.float32)
    hub = captions.mean(axis=0, keepdims=True)
    noisy = captions + 0.35 * rng.standard_normal(captions.shape)
    contents = np.concatenate([hub, noisy]).astype(np.float32)
    contents /= np.linalg.norm(contents, axis=1, keepdims=True)
    part = Part(JointHead(), {"pictures": JointHead()})
    banks = banks_of(
        Placed(
            {"en": captions[:100], "zh": captions[:0], "other": captions[:0]},
            {"pictures": contents[1:101]},
        )
    )
    tilted = without_hubs(part, banks, 1.0, 0.0)

    def firsts(of):
        asked = of.text.project(captions[100:], ["en"] * 100)
        return ((asked @ of.media["pictures"].project(contents).T).argmax(axis=1) == 0).sum()

    assert firsts(part) >= 5
    assert firsts(tilted) < firsts(part) / 2


def test_media_without_pairs_have_no_tilt():
    """Their first coordinate is zero."""
    part = Part(JointHead(), {"pictures": JointHead(), "sounds": JointHead()})
    empty = np.zeros((0, DIM), np.float32)
    banks = banks_of(Placed({"en": ROWS, "zh": empty, "other": empty}, {"pictures": ASKED}))
    found = without_hubs(part, banks, 0.5, 0.5)

    assert not np.any(found.media["sounds"].project(ROWS)[:, -2])
    assert found.media["sounds"].project(ROWS)[:, -1] == pytest.approx(0.25)
    assert np.any(found.media["pictures"].project(ROWS)[:, -2])
