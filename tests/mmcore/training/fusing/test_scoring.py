from dataclasses import replace

import numpy as np
import pytest

from mmcore.fusion.base import fusion_of
from mmcore.specs import FusionSpec
from mmcore.training.fusing.contents import contents_of
from mmcore.training.fusing.scoring import Exam, Found, best_of, ranks_of
from mmcore.training.unseen import Unseen
from storage.schemas import Modality
from tests.mmcore.training.fusing.lakes import rows_of

MEAN = fusion_of(FusionSpec())


def test_ranks_are_those_of_the_item_without_the_query():
    """Three items whose picture and caption are equal axes: each is found first."""
    contents, _ = contents_of(rows_of(np.eye(3), noise={Modality.IMAGE: 0, Modality.TEXT: 0}))
    exam = Exam.of(contents)

    assert ranks_of(MEAN, exam).tolist() == [1] * len(exam.questions)


def test_of_equal_scores_the_sought_one_comes_last():
    """Items that are all alike are no success: the rank of each is their number."""
    alike = np.tile(np.eye(3)[0], (4, 1))
    contents, _ = contents_of(rows_of(alike, noise={Modality.IMAGE: 0, Modality.TEXT: 0}))

    assert set(ranks_of(MEAN, Exam.of(contents)).tolist()) == {4}


def found(ranks, kinds=None):
    """Ranks of as many items."""
    return Found(list(range(len(ranks))), list(kinds or ["image"] * len(ranks)), list(ranks))


def test_kinds_of_queries_count_alike():
    """Ten ranks of 1 and five of 2: RR (1 + 1/2) / 2; three of another kind count as one."""
    kinds = ["image"] * 10 + ["audio"] * 5
    assert found([1] * 10 + [2] * 5, kinds).scores()["RR"] == pytest.approx(0.75)

    few = found([1] * 10 + [4] * 3, ["image"] * 10 + ["a", "b", "c"]).scores()
    assert few["RR"] == pytest.approx((1 + 1 / 4) / 2)
    assert few["RR others"] == pytest.approx(1 / 4)


def test_single_contents_count_as_much_as_pairs():
    """RR .5 of two kinds alone, 1 of one kind of pairs: .75."""
    kinds = ["image"] * 5 + ["audio"] * 5 + ["audio+image"] * 5
    scores = found([2] * 10 + [1] * 5, kinds).scores()

    assert (scores["RR single"], scores["RR pairs"]) == (0.5, 1)
    assert scores["RR"] == pytest.approx(0.75)


def test_one_that_single_contents_find_less_by_does_not_win():
    """However much pairs gain."""
    kinds = ["image"] * 10 + ["audio+image"] * 10
    plain, pairs = found([4] * 20, kinds), found([5] * 10 + [1] * 10, kinds)
    both = found([4] * 10 + [1] * 10, kinds)

    assert best_of({"mean": plain, "mlp": pairs}, ("mean", "mlp"), 0.0) == "mean"
    assert best_of({"mean": plain, "mlp": both}, ("mean", "mlp"), 0.0) == "mlp"


def test_a_score_and_its_gain_agree():
    """The gain is the difference of the scores, however many questions an item has."""
    kinds = ["image", "text:en", "image+text:en"] * 6
    items = [i // 3 for i in range(18)]
    one, other = (Found(items, kinds, [1 + (i * step) % 7 for i in range(18)]) for step in (3, 5))

    apart = one.scores()["RR"] - other.scores()["RR"]
    assert one.gain(other)[0] == pytest.approx(apart)


def test_a_gain_is_told_with_its_error():
    """Differences 0.5 and 0: mean 0.25, standard error sqrt(0.125) / sqrt(2) = 0.25."""
    gain, error = found([1, 1]).gain(found([2, 1]))

    assert (gain, error) == (pytest.approx(0.25), pytest.approx(0.25))


def test_one_item_tells_no_gain():
    """Nor do none: there is no error to compare it with."""
    assert found([1]).gain(found([2])) == (0, 0)
    assert best_of({"mean": Found(), "mlp": Found()}, ("mean", "mlp"), 0.0) == "mean"


def test_the_simpler_one_wins_unless_another_is_surely_better():
    """More than a standard error: all ranks better is sure, one of many is not."""
    plain, sure, unsure = [2] * 20, [1] * 15 + [2] * 5, [1, 3] + [2] * 18
    order = ("mean", "mlp")

    assert best_of({"mean": found(plain), "mlp": found(sure)}, order, 0.0) == "mlp"
    assert best_of({"mean": found(plain), "mlp": found(unsure)}, order, 0.0) == "mean"
    assert best_of({"mean": found(sure), "mlp": found(plain)}, order, 0.0) == "mean"
    assert best_of({"mean": found(plain), "mlp": found(plain)}, order, 0.0) == "mean"


def test_a_sure_gain_that_is_small_is_none():
    """15 of 20 ranks from 2 to 1 bring .375: enough for .375, too little for .4."""
    plain, sure = {"mean": found([2] * 20)}, {"mlp": found([1] * 15 + [2] * 5)}

    assert best_of(plain | sure, ("mean", "mlp"), 0.375) == "mlp"
    assert best_of(plain | sure, ("mean", "mlp"), 0.4) == "mean"


def test_new_items_are_sought_among_those_of_the_lake():
    """What is held out lies as new, the others as settled, and the others do not ask."""
    rows = rows_of(np.eye(4), noise={Modality.IMAGE: 0, Modality.TEXT: 0})
    moved = {
        content: np.eye(4, dtype=np.float32)[3] for content in rows[Modality.IMAGE].content_ids
    }
    contents, _ = contents_of(rows, Unseen({"image": moved}, {}))
    exam = Exam.of(contents, np.array([True, True, False, False]))

    assert sorted(set(exam.questions.items.tolist())) == [0, 1]
    assert exam.items[0][:, 0].argmax(axis=1).tolist() == [3, 3, 2, 3]
    assert exam.queries[0][exam.queries[1][:, 0], 0].argmax(axis=1).tolist() == [3, 3]


def test_an_item_whose_caption_a_settled_one_has_does_not_ask():
    """The projection that placed it as new has learned its caption by the other."""
    rows = rows_of(np.eye(3), noise={Modality.IMAGE: 0, Modality.TEXT: 0})
    texts = rows[Modality.TEXT]
    rows[Modality.TEXT] = replace(texts, texts=("a cat", "a dog", "A cat."))
    contents, _ = contents_of(rows)

    exam = Exam.of(contents, np.array([True, True, False]))
    assert set(exam.questions.items.tolist()) == {1}
