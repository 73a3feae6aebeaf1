"""What a lake's fusion may learn from."""

import numpy as np

from mmcore.specs import EvaluationSpec, FitSpec
from mmcore.training.dataset.lake import lake_rows
from mmcore.training.split import caption_keys, is_held_out
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tasks.queries import freeze_queries
from tasks.training_rows import _pairs, fusion_rows
from tasks.workplace import Workplace
from tests.lakes import coloured_items, make_lake, towers

FIT = FitSpec(held_out=0.4)


def test_a_fusion_learns_nothing_of_what_is_held_out(tmp_path):
    """No item with a held-out caption, and no content of one, wherever else it serves."""
    items = coloured_items(copies=2)  # copies have their captions in common
    snapshot = make_lake(tmp_path, items, towers())
    texts = lake_rows(snapshot, Modality.TEXT, space="shared")
    held = np.array([is_held_out(key, FIT.held_out) for key in caption_keys(texts)])
    spoiled = set(texts.item_ids[held].tolist())

    found = fusion_rows(snapshot, FIT, 1000)

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

    assert set(fusion_rows(snapshot, FitSpec(held_out=0), 1000)) == {
        Modality.TEXT,
        Modality.IMAGE,
    }


def test_vectors_are_read_of_the_items_that_are_taken(tmp_path, monkeypatch):
    """A fusion that learns from four items reads nothing of the others."""
    snapshot = make_lake(tmp_path, coloured_items(), towers())
    asked, real = [], Snapshot.vectors

    def reading(self, modality, wanted=None, space=None):
        asked.append(len(wanted))
        return real(self, modality, wanted, space)

    monkeypatch.setattr(Snapshot, "vectors", reading)
    found = fusion_rows(snapshot, FitSpec(held_out=0), 4)

    assert {len(set(rows.item_ids.tolist())) for rows in found.values()} == {4}
    assert asked == [len(set(rows.segment_ids.tolist())) for rows in found.values()]


def test_pairs_are_counted_without_a_vector(tmp_path, monkeypatch):
    """To say that there are too few, no cell is read."""
    snapshot = make_lake(tmp_path, coloured_items(), towers(audio=True))
    monkeypatch.setattr(Snapshot, "cells", None)
    keys = [tower.key for tower in towers() if tower.key.modality == Modality.IMAGE]

    assert _pairs(snapshot, keys, FitSpec(held_out=0)) == {"hash-image": 8}


def test_nothing_is_learned_of_what_is_asked_for_ever(tmp_path):
    """Though no caption is held out any more: neither of frozen items, nor of their contents."""
    lake = make_lake(tmp_path, coloured_items(copies=2), towers(audio=True))
    work = Workplace.of(lake)
    told = freeze_queries.fn(lake.manifest, EvaluationSpec(), FitSpec(held_out=0.3), work, None)
    snapshot = Snapshot.of(lake.layout, told)
    asked = set(snapshot.rows("queries")["content_id"].to_pylist())
    none = FitSpec(held_out=0)
    keys = [tower.key for tower in towers() if tower.key.modality == Modality.IMAGE]

    before, after = fusion_rows(lake, none, 1000), fusion_rows(snapshot, none, 1000)

    pictures = set(snapshot.rows("segments/image")["content_id"].to_pylist())
    left = len(pictures - asked)
    assert 0 < left < 16
    assert _pairs(lake, keys, none) == {"hash-image": 16}
    assert _pairs(snapshot, keys, none) == {"hash-image": left}
    for modality, rows in after.items():
        assert asked & set(before[modality].content_ids)
        assert asked.isdisjoint(rows.content_ids)
