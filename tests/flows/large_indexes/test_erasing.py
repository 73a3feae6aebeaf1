"""Nothing that is erased stays in a large index."""

import numpy as np
import pytest

from mmcore.errors import EvaluationError
from storage.candidates import runs
from storage.errors import NothingFitsError, UnerasableError
from storage.indexes.card import CARD, VECTORS, read_card
from storage.indexes.choosing.vectors_file import mapped_vectors
from storage.places.atomic import write_bytes
from storage.published import published
from storage.snapshot import Snapshot
from tests.flows.large_indexes.growing import (
    CHUNKS,
    LOW,
    PICTURES,
    add,
    failing,
    findings,
    forget,
    held,
    live,
    opened,
    remove,
)


def cards(lake):
    """The cards of all indexes of all kept snapshots, by folder."""
    found = {}
    for number in published(lake):
        for entry in Snapshot.open(lake, number).manifest.indexes:
            found[entry.path] = read_card(lake.root / entry.path / CARD)
    return found


def test_forget_leaves_nothing_in_an_updated_index(lake, folder, index):
    """What is erased is alive in one snapshot and dead in the next: both are built afresh."""
    remove(folder, 3)
    add(folder, PICTURES)
    index(folder, lake.root)
    assert opened(lake)[2].dead == CHUNKS
    before = set(cards(lake))

    proof = forget(lake, 3)

    assert proof.left == {}
    assert {card.updates for card in cards(lake).values()} == {0}
    assert not any((lake.root / path).exists() for path in before - set(cards(lake)))
    assert held(lake) == live(lake)
    assert findings(lake) == ()


def test_forget_clears_what_went_before_out_of_updated_indexes(lake, folder, index):
    """A row that went is in no index any more after an erasure of something else."""
    snapshot = Snapshot.open(lake)
    rows = snapshot.rows("segments/text", ["segment_id", "text"]).to_pylist()
    gone = np.array([row["segment_id"] for row in rows if "of text 3." in row["text"]])
    (folder / "3.txt").unlink()
    index(folder, lake.root)
    entry = opened(lake)[1]
    assert np.isin(gone, mapped_vectors(lake.root / entry.path / VECTORS)[0]).all()

    assert forget(lake, 7).left == {}

    snapshot, entry, card = opened(lake)
    assert card.updates == card.dead == 0
    assert not np.isin(gone, mapped_vectors(lake.root / entry.path / VECTORS)[0]).any()
    assert held(lake) == live(lake)


def test_an_erasure_waits_for_no_goal(lake, folder, index, caplog):
    """Where nothing fits any more, what is left is searched exactly, and that is said."""
    snapshot = Snapshot.open(lake)
    narrow = LOW.model_copy(update={"memory_mb": 0.001}).model_dump(mode="json")
    told = snapshot.manifest
    told = told.model_copy(update={"specs": told.specs | {"index": narrow}})
    write_bytes(lake.snapshot(1) / "manifest.json", told.to_json())

    assert forget(lake, 3).left == {}

    assert opened(lake)[2].type == "flat"
    assert "searched exactly until its rows change" in caplog.text
    assert held(lake) == live(lake)
    assert findings(lake) == ()


def test_what_an_erasure_left_exact_is_chosen_anew_when_its_rows_change(lake, folder, index):
    """Nothing fits the latency: the index stays exact, and is not updated as if it did."""
    fast = LOW.model_copy(update={"memory_mb": None, "latency_ms": 1e-9})
    told = Snapshot.open(lake).manifest
    specs = told.specs | {"index": fast.model_dump(mode="json", exclude={"shard_rows"})}
    write_bytes(
        lake.snapshot(1) / "manifest.json", told.model_copy(update={"specs": specs}).to_json()
    )
    assert forget(lake, 3).left == {}
    assert opened(lake)[2].type == "flat"

    remove(folder, 3)
    assert index(folder, lake.root, fast).status == "unchanged"
    add(folder, PICTURES)
    with pytest.raises(NothingFitsError):
        index(folder, lake.root, fast)


@pytest.mark.parametrize("change", [('"updates": 1', '"updates": 0'), ("joint", "joinT")])
def test_an_erasure_trusts_no_card_that_was_damaged(lake, folder, index, change):
    """A digit of it would keep what went: nothing is changed, and the card is named."""
    (folder / "3.txt").unlink()
    index(folder, lake.root)
    path = lake.root / opened(lake)[1].path / CARD
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))

    with pytest.raises(UnerasableError, match="another checksum"):
        forget(lake, 7)
    assert len(Snapshot.open(lake).rows("segments/text")) == (PICTURES - 1) * CHUNKS


def test_a_candidate_with_an_updated_index_goes_with_an_erasure(lake, folder, index, monkeypatch):
    """Nobody can tell whose rows went, so what such a candidate holds is not kept."""
    from flows import index_media

    remove(folder, 3)
    with monkeypatch.context() as patch:
        patch.setattr(index_media, "publish_snapshot", failing)
        with pytest.raises(EvaluationError):
            index(folder, lake.root)
    assert runs(lake)

    assert forget(lake, 3).left == {}
    assert not runs(lake)
