import numpy as np
import pytest

from mmcore.fusion.base import fusion_of
from mmcore.specs import FusionSpec
from mmcore.training.fusing.contents import contents_of
from mmcore.training.fusing.scoring import Exam, Found, best_of, ranks_of
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


def test_a_gain_is_told_with_its_error():
    """Differences 0.5 and 0: mean 0.25, standard error sqrt(0.125) / sqrt(2) = 0.25."""
    gain, error = found([1, 1]).gain(found([2, 1]))

    assert (gain, error) == (pytest.approx(0.25), pytest.approx(0.25))


def test_the_simpler_one_wins_unless_another_is_surely_better():
    """More than a standard error: all ranks better is sure, one of many is not."""
    plain, sure, unsure = [2] * 20, [1] * 15 + [2] * 5, [1, 3] + [2] * 18
    order = ("mean", "mlp")

    assert best_of({"mean": found(plain), "mlp": found(sure)}, order) == "mlp"
    assert best_of({"mean": found(plain), "mlp": found(unsure)}, order) == "mean"
    assert best_of({"mean": found(sure), "mlp": found(plain)}, order) == "mean"
