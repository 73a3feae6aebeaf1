"""Tests of mmcore/training/fusing/network.py."""

import numpy as np

from mmcore.training.fusing.contents import contents_of
from mmcore.training.fusing.network import _batches, _stop_items
from mmcore.training.fusing.spec import FusionFitSpec
from mmcore.training.unseen import Unseen
from storage.schemas import Modality
from tests.mmcore.training.fusing.lakes import rows_of

SPEC = FusionFitSpec(batch_size=8)


def placed(folds):
    """Thirty items, and by which projection each was placed."""
    meant = np.random.default_rng(0).standard_normal((30, 6))
    rows = rows_of(meant, {Modality.IMAGE: 0.3, Modality.TEXT: 0.3})
    items = rows[Modality.IMAGE].item_ids.tolist()
    return contents_of(rows, Unseen({}, dict(zip(items, folds(np.arange(30)), strict=True))))[0]


def test_a_batch_is_of_one_projection():
    """Places by others do not compare: each item comes once, beside items of its own fold."""
    contents = placed(lambda n: (n % 3).tolist())
    batches = list(_batches(contents, SPEC, np.random.default_rng(1)))

    assert sorted(item for batch in batches for item in batch) == list(range(30))
    assert all(len(set(contents.placed_by[batch].tolist())) == 1 for batch in batches)
    assert max(len(batch) for batch in batches) == 8


def test_a_training_ends_by_items_of_one_projection():
    """The first fold that is there; a part by hash where there is one alone."""
    several, one = placed(lambda n: (1 + n % 3).tolist()), placed(lambda n: (0 * n).tolist())

    assert _stop_items(several, SPEC).tolist() == (several.placed_by == 1).tolist()
    assert 0 < _stop_items(one, SPEC).sum() < 15
