from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmcore.encoders.comparison import Comparison
from mmcore.encoders.features import Group, Reading
from mmcore.encoders.heads import Fitted, JointHead, Labels, MediaHead, TextHead
from mmcore.types import check_unit_rows

MEANS = {
    "en": np.array([1.0, 0.0], dtype=np.float32),
    "zh": np.array([0.0, 1.0], dtype=np.float32),
    "other": np.array([0.5, 0.5], dtype=np.float32),
}
READING = Reading((Group(0, 2),))


def test_a_text_loses_the_mean_of_its_language():
    """(.6, .8) - (1, 0) is (-.4, .8); - (0, 1) is (.6, -.2); each at length 1."""
    cells = np.array([[0.6, 0.8], [0.6, 0.8]], dtype=np.float32)
    found = TextHead("fitted", MEANS).project(cells, ["en", "zh"])

    assert found[0] == pytest.approx(np.array([-0.4, 0.8]) / 0.8**0.5)
    assert found[1] == pytest.approx(np.array([0.6, -0.2]) / 0.4**0.5)


def test_languages_without_a_mean_count_as_other():
    """None, and a language that is not measured, take the overall mean."""
    cells = np.array([[0.6, 0.8]] * 3, dtype=np.float32)
    found = TextHead("fitted", MEANS).project(cells, [None, "fr", "other"])

    assert found[0].tolist() == found[1].tolist() == found[2].tolist()


def test_a_text_that_is_the_mean_keeps_its_vector():
    """There is no direction left; the cell itself has one."""
    found = TextHead("fitted", MEANS).project(np.array([[1.0, 0.0]], np.float32), ["en"])

    assert found[0].tolist() == [1, 0]


def labels():
    """Two classes: the first for the first feature, at vector (1, 0); the second at (0, 1)."""
    eye = np.eye(2, dtype=np.float32)
    return Labels(weight=2 * eye, bias=np.zeros(2, np.float32), vectors=eye)


def test_a_label_vector_is_the_classes_by_their_probability():
    """Scores 2 · 3 · .5 and 0: shares 1 / (1 + e^-3) and the rest."""
    share = 1 / (1 + np.exp(-3))
    found = labels().place(np.array([[3.0, 0.0]]))

    assert found[0] == pytest.approx(np.array([share, 1 - share]) / np.hypot(share, 1 - share))


def regression(share):
    """Fitted on (1, 0) → (1, 0) and (0, 1) → (0, 1)."""
    rows = np.eye(2, dtype=np.float32)
    comparison = Comparison.fitted(READING, rows)
    return Fitted(comparison, comparison.shaped(rows), rows, 0.1, share)


def test_without_pairs_the_label_vector_is_all():
    """The state says so."""
    head = MediaHead(READING, np.eye(2, dtype=np.float32), labels(), None)
    cells = np.array([[1.0, 0.0]], dtype=np.float32)

    assert head.state == "label"
    np.testing.assert_allclose(head.project(cells), labels().place(cells), atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_a_regression_leads_to_what_it_was_fitted_on(share):
    """Cells near a pair's get near to its target, with labels and without."""
    head = MediaHead(
        READING, np.eye(2, dtype=np.float32), labels() if share else None, regression(share)
    )
    found = head.project(np.array([[0.9, 0.1], [0.1, 0.9]], dtype=np.float32))

    check_unit_rows(np.arange(2), found)
    assert found.argmax(axis=1).tolist() == [0, 1]
    assert head.state == "fitted"


def test_whitening_is_applied_last():
    """A matrix that swaps the axes swaps them in the result."""
    swap = np.array([[0, 1], [1, 0]], dtype=np.float32)
    cells = np.array([[0.9, 0.1]], dtype=np.float32)
    plain = MediaHead(READING, np.eye(2, dtype=np.float32), None, regression(0.0)).project(cells)
    swapped = MediaHead(READING, swap, None, regression(0.0)).project(cells)

    np.testing.assert_allclose(swapped, plain[:, ::-1], atol=1e-6)


def test_a_kept_mean_is_where_strange_contents_lie():
    """Far from all pairs nothing but the mean of the captions is known, and it has length."""
    fitted = replace(regression(0.0), mean=np.array([0.6, 0.8], dtype=np.float32))
    far = replace(fitted, comparison=replace(fitted.comparison, gamma=1e4))
    head = MediaHead(READING, np.eye(2, dtype=np.float32), None, far)

    found = head.project(np.array([[0.7, 0.7]], dtype=np.float32))
    assert found[0] == pytest.approx(np.array([0.6, 0.8]))


def test_a_joint_head_changes_nothing():
    """Not even a rounding."""
    cells = np.random.default_rng(0).random((3, 2)).astype(np.float32)

    assert JointHead().project(cells) is cells


def test_blocks_do_not_show():
    """More rows than a block are projected as each alone would be; no row gives no row."""
    head = MediaHead(READING, np.eye(2, dtype=np.float32), labels(), regression(0.2))
    cells = np.random.default_rng(0).random((2050, 2)).astype(np.float32)

    together = head.project(cells)
    np.testing.assert_allclose(
        together[[0, 1024, 2049]], head.project(cells[[0, 1024, 2049]]), atol=1e-6
    )
    assert head.project(cells[:0]).shape == (0, 2)
