"""Labels instead of single items: whether what comes first is of the right class."""

from __future__ import annotations

from typing import Final

import numpy as np

from mmcore.evaluation.outcomes import Outcome

ACCURACY: Final = "accuracy@1"
BY_CLASS: Final = "mean class accuracy"


def accuracy(outcome: Outcome) -> dict[str, float]:
    """The share of queries whose first answer has the label of their own item.

    Over all queries, and as the mean over classes, in which a rare one counts as much as a common
    one. Queries whose item has no label are left out; a query that found nothing, or something
    without a label, is wrong. {} where no item has one.
    """
    pairs = zip(outcome.categories, outcome.top, strict=True)
    asked = [(right, right == found) for right, found in pairs if right]
    if not asked:
        return {}
    labels, right = zip(*asked, strict=True)
    classes, place = np.unique(np.array(labels), return_inverse=True)
    hits = np.bincount(place, weights=np.array(right, dtype=np.float64), minlength=len(classes))
    shares = hits / np.bincount(place, minlength=len(classes))
    return {ACCURACY: float(np.mean(right)), BY_CLASS: float(shares.mean())}
