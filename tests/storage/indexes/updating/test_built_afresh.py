"""Indexes that an update would make worse are built afresh."""

from dataclasses import replace

import numpy as np
import pytest

from storage.indexes.card import Fresh, read_card
from storage.indexes.goal import Goal
from storage.indexes.updating import fold
from storage.indexes.updating.changes import Sought
from storage.indexes.updating.update import updated
from tests.storage.indexes.updating.changing import (
    DIM,
    GOAL,
    Lake,
    about,
    built,
    update,
    vectors_of,
)


def test_a_new_row_without_a_vector_is_named(tmp_path):
    """Nothing is written when a row is wanted that neither was there nor comes."""
    lake = Lake(6)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    ids = np.append(lake.all[0], 2**63 - 1)
    with pytest.raises(ValueError, match=f"new id {2**63 - 1}"):
        updated(folder, tmp_path / "1", Sought(ids, []), None, GOAL, about(len(ids), "1"))

    assert not (tmp_path / "1" / "index.json").exists()


@pytest.mark.parametrize(
    ("name", "spoil", "goal"),
    [
        ("pq-half", lambda lake: [lake.rows.pop(one) for one in sorted(lake.rows)[:600]], GOAL),
        ("pq-half", lambda lake: lake.rows.update(lake.fresh(1300)), GOAL),
        ("pq-half", lambda lake: lake.change(0.01), Goal(recall=0.9999, cheap=0, threads=1)),
        ("pq-half", lambda lake: lake.change(0.01), Goal(recall=0.9, memory=1000, threads=1)),
        ("pq-half", lambda lake: lake.change(0.01), Goal(recall=0.9, latency=1e-9, threads=1)),
        ("flat", lambda lake: lake.change(0.01), Goal(recall=0.9, threads=1)),
    ],
    ids=["dead", "grown", "recall", "memory", "latency", "small and exact"],
)
def test_what_is_no_longer_as_good_is_built_afresh(name, spoil, goal, tmp_path):
    """No update over a fifth of dead rows, or below what is wanted of it; nothing is left over."""
    lake = Lake(8)
    folder = built(tmp_path / "0", name, *lake.all)
    spoil(lake)

    assert update(folder, tmp_path / "1", lake, goal=goal) is None
    assert not (tmp_path / "1").exists() or not [*(tmp_path / "1").iterdir()]


def test_lists_that_became_uneven_are_built_afresh(tmp_path, monkeypatch):
    """Rows that all come to a few lists make an index that reads more than it was tuned for."""
    monkeypatch.setattr(fold, "FEW", 10)
    lake = Lake(8)
    folder = built(tmp_path / "0", "ivf-sq8", *lake.all)
    near = lake.fresh(1000)
    one = next(iter(lake.rows.values()))
    for key, noise in zip(near, lake.rng.standard_normal((1000, DIM)), strict=True):
        vector = one + 0.05 * noise
        near[key] = (vector / np.linalg.norm(vector)).astype(np.float32)
    lake.rows |= near

    assert update(folder, tmp_path / "1", lake) is None


def test_changes_that_a_graph_cannot_take_are_built_afresh(tmp_path, monkeypatch):
    """HNSW removes nothing: rows with another vector stay beside it, a twentieth at most."""
    monkeypatch.setattr(fold, "FEW", 10)
    lake = Lake(8)
    folder = built(tmp_path / "0", "hnsw-sq8", *lake.all)
    changed = sorted(lake.rows)[:150]
    lake.rows |= dict(zip(changed, vectors_of(150, lake.rng), strict=True))

    assert update(folder, tmp_path / "1", lake) is None


def test_recall_is_held_against_the_first_build(tmp_path):
    """What was reached when it was built afresh is kept, so that small losses do not add up."""
    lake = Lake(9)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    first = read_card(folder / "index.json")
    for number in range(1, 3):
        lake.change(0.01)
        card = update(tmp_path / str(number - 1), tmp_path / str(number), lake)

        assert card.fresh.recall == first.reached.recall
        assert card.fresh.rows == first.rows
        assert card.reached.queries == first.reached.queries


def test_an_exact_index_of_which_no_latency_is_known_is_built_afresh(tmp_path):
    """One that an erasure left for want of a kind that is fast enough is not updated."""
    lake = Lake(8)
    folder = built(tmp_path / "0", "flat", *lake.all)
    card = read_card(folder / "index.json").model_copy(update={"reached": None})
    (folder / "index.json").write_text(card.model_dump_json())
    lake.change(0.01)

    assert update(folder, tmp_path / "1", lake) is not None
    assert update(folder, tmp_path / "2", lake, goal=replace(GOAL, latency=1e3)) is None


def test_a_card_of_a_kind_that_its_rows_cannot_have_is_built_afresh(tmp_path):
    """As one whose number of rows was damaged: it is no error of the run."""
    lake = Lake(8)
    for one in sorted(lake.rows)[800:]:
        lake.rows.pop(one)
    folder = built(tmp_path / "0", "pq-half", *lake.all)
    card = read_card(folder / "index.json").model_copy(update={"fresh": Fresh(rows=600)})
    (folder / "index.json").write_text(card.model_dump_json())

    assert update(folder, tmp_path / "1", lake) is None
