from __future__ import annotations

import numpy as np
import pytest

from mmcore.training.fitting import BACKGROUND, text_head
from mmcore.training.rows import Rows


def test_a_content_weighs_once_in_the_mean_of_its_language():
    """Three chunks of a book (1, 0) and a caption (0, 1) are two texts beside 20 neutral ones."""
    rows = Rows(
        np.array([1, 1, 1, 2]),
        np.arange(4),
        ("book", "book", "book", "caption"),
        ("en",) * 4,
        ("a", "b", "c", "d"),
        np.array([[1, 0], [1, 0], [1, 0], [0, 1]], dtype=np.float32),
    )
    nothing = np.zeros((1, 2), dtype=np.float32)
    found = text_head({"en": nothing, "zh": nothing}, rows)

    assert found.means["en"] == pytest.approx([1 / (BACKGROUND + 2)] * 2)
    assert found.means["other"] == pytest.approx([1 / (BACKGROUND + 2)] * 2)
    assert found.means["zh"].tolist() == [0, 0]
