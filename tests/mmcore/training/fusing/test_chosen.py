"""Which items a fusion is fitted on."""

import numpy as np
import pytest

from mmcore.training.fusing import chosen
from mmcore.training.fusing.chosen import chosen_items, of_items
from mmcore.training.fusing.contents import contents_of
from storage.schemas import Modality
from tests.mmcore.training.fusing.lakes import rows_of

NOISE = {Modality.IMAGE: 0.4, Modality.TEXT: 0.4, Modality.AUDIO: 0.4}


def lake():
    """Items of which each has some of three media."""
    return rows_of(np.random.default_rng(0).standard_normal((200, 6)), NOISE, kept=0.5)


@pytest.mark.parametrize("step", [7, 16_000])
def test_items_are_those_that_can_be_learned_from(monkeypatch, step):
    """The same as of all rows made contents, in whatever portions they are looked at."""
    monkeypatch.setattr(chosen, "_STEP", step)
    rows = lake()
    contents, _ = contents_of(rows)
    every = contents.item_ids[contents.learnable()]

    assert 0 < len(every) < 200
    assert np.array_equal(chosen_items(rows, 1000), every)
    assert np.array_equal(chosen_items(rows, 5), every[:5])


def test_no_vector_is_looked_at():
    """Rows may have vectors of no column."""
    rows = lake()
    bare = {
        m: type(of)(
            of.item_ids,
            of.segment_ids,
            of.content_ids,
            of.languages,
            of.texts,
            np.zeros((len(of), 0), np.float32),
        )
        for m, of in rows.items()
    }

    assert np.array_equal(chosen_items(bare, 50), chosen_items(rows, 50))
    assert len(chosen_items({}, 50)) == 0


def test_no_more_items_are_walked_than_needed(monkeypatch):
    """Of two hundred items those that come first are made Python objects of."""
    walked = []
    real = chosen._learnable
    monkeypatch.setattr(chosen, "_STEP", 1)
    monkeypatch.setattr(
        chosen, "_learnable", lambda rows, items: walked.extend(items) or real(rows, items)
    )

    assert len(chosen_items(lake(), 10)) == 10
    assert len(walked) <= 20


def test_rows_are_taken_by_their_items():
    """Those of other items are left out."""
    rows = lake()[Modality.IMAGE]

    assert of_items(rows, rows.item_ids[:2]).content_ids == rows.content_ids[:2]
