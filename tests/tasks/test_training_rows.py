"""What a lake's fusion may learn from."""

import numpy as np

from mmcore.specs import FitSpec
from mmcore.training.dataset.lake import lake_rows
from mmcore.training.split import caption_keys, is_held_out
from storage.schemas import Modality
from tasks.training_rows import fusion_rows
from tests.lakes import coloured_items, make_lake, towers

FIT = FitSpec(held_out=0.4)


def test_a_fusion_learns_nothing_of_what_is_held_out(tmp_path):
    """No item with a held-out caption, and no content of one, wherever else it serves."""
    items = coloured_items(copies=2)  # copies have their captions in common
    snapshot = make_lake(tmp_path, items, towers())
    texts = lake_rows(snapshot, Modality.TEXT, space="shared")
    held = np.array([is_held_out(key, FIT.held_out) for key in caption_keys(texts)])
    spoiled = set(texts.item_ids[held].tolist())

    found = fusion_rows(snapshot, FIT)

    assert 0 < len(spoiled) < len(set(texts.item_ids.tolist()))
    assert set(found) == {Modality.TEXT, Modality.IMAGE}
    for modality, rows in found.items():
        every = lake_rows(snapshot, modality, space="shared")
        gone = np.isin(every.item_ids, list(spoiled))
        contents = {c for c, out in zip(every.content_ids, gone, strict=True) if out}
        assert set(rows.item_ids.tolist()) == set(every.item_ids.tolist()) - spoiled
        assert contents.isdisjoint(rows.content_ids)


def test_what_lives_in_another_space_has_no_part(tmp_path):
    """Sounds that no projection leads anywhere are not fused, and not learned from."""
    items = {"frog": {"frog.wav": "1.0"}, **coloured_items()}
    snapshot = make_lake(tmp_path, items, towers(audio=True))

    assert set(fusion_rows(snapshot, FitSpec(held_out=0))) == {Modality.TEXT, Modality.IMAGE}
