import numpy as np
import pytest

from mmcore.errors import TrainingError
from mmcore.training.finetuning.metrics import ranks, scores


def test_a_rank_is_that_of_the_best_right_row():
    """The first query's right row is beaten by one other; the second's is the first."""
    queries = np.array([[1, 0], [0, 1]], dtype=np.float32)
    gallery = np.array([[0.6, 0.8], [0.8, 0.6], [0, 1]], dtype=np.float32)
    right = np.array([[True, False, False], [False, False, True]])

    assert ranks(queries, gallery, right).tolist() == [2, 1]


def test_one_vector_for_all_finds_nothing():
    """Wrong rows that score the same count as before the right one."""
    same = np.ones((4, 1), dtype=np.float32)

    assert ranks(same, same, np.eye(4, dtype=bool)).tolist() == [4, 4, 4, 4]


def test_rr_is_the_mean_of_both_directions():
    """Ranks 1 and 2 of the texts, 1 and 1 of the media: (0.75 + 1) / 2."""
    texts = np.array([[1, 0], [0.8, 0.6]], dtype=np.float32)
    media = np.array([[1, 0], [0.6, 0.8]], dtype=np.float32)
    found = scores(texts, [0, 1], media, ["a", "b"])

    assert found["RR text→media"] == pytest.approx(0.75 + 0.25)
    assert found["RR"] == pytest.approx((found["RR text→media"] + found["RR media→text"]) / 2)
    assert found["Success@1 text→media"] == pytest.approx(1.0)


def test_equal_captions_are_right_for_each_other():
    """Two items of one caption: either is a right answer, so both rank first."""
    texts = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    media = np.array([[0.9, 0.1], [1, 0], [0, 1]], dtype=np.float32)

    assert scores(texts, [0, 1, 2], media, ["a", "a", "b"])["RR"] == 1.0
    assert scores(texts, [0, 1, 2], media, ["a", "c", "b"])["RR"] < 1.0


def test_vectors_that_are_no_numbers_are_no_hits():
    """NaN compares as false, and would rank first: it is an error."""
    good, bad = np.eye(2, dtype=np.float32), np.full((2, 2), np.nan, dtype=np.float32)

    for texts, media in ((good, bad), (bad, good)):
        with pytest.raises(TrainingError, match="not finite"):
            scores(texts, [0, 1], media, ["a", "b"])
