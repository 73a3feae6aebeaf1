"""Large indexes are updated with what came and went."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from flows.config.maintain import MaintainConfig
from storage.indexes.card import VECTORS
from storage.maintenance.garbage import Retention, collect, survey
from storage.manifest import sha256
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests.deaths import dying
from tests.flows.large_indexes.growing import (
    CHUNKS,
    PICTURES,
    add,
    findings,
    held,
    live,
    opened,
    remove,
)


def test_a_change_updates_the_index(lake, folder, index):
    """The large files are those of before, and what went or came is right at once."""
    before = opened(lake)[1]
    add(folder, PICTURES)
    (folder / "3.txt").unlink()

    index(folder, lake.root)
    snapshot, entry, card = opened(lake)

    assert card.updates == 1
    assert held(lake) == live(lake)
    old, new = lake.root / before.path / VECTORS, lake.root / entry.path / VECTORS
    assert old.samefile(new)
    sums = {file.path: file.sha256 for file in snapshot.manifest.files}
    assert sums[f"{entry.path}/{VECTORS}"] == sha256(new)
    assert findings(lake) == ()
    assert not list(lake.staging.glob("*"))


def test_a_search_finds_what_came_and_nothing_that_went(lake, folder, index):
    """By the exact vector of a new text it comes first; one that went does not come."""
    snapshot = Snapshot.open(lake)
    rows = snapshot.rows("segments/text", ["segment_id", "text"]).to_pylist()
    gone = [row["segment_id"] for row in rows if "of text 3." in row["text"]]
    lost = snapshot.vectors(Modality.TEXT, np.array(gone))[2]
    (folder / "3.txt").unlink()
    add(folder, PICTURES)
    index(folder, lake.root)

    snapshot, entry, _ = opened(lake)
    rows = snapshot.rows("segments/text", ["segment_id", "text"]).to_pylist()
    came = sorted(row["segment_id"] for row in rows if f"of text {PICTURES}." in row["text"])
    _, ids, vectors = snapshot.vectors(Modality.TEXT, np.array(came))
    search = snapshot.opened(entry).search

    assert len(gone) == len(came) == CHUNKS
    assert np.array_equal(search(vectors, 1)[1][:, 0], ids)
    assert not np.isin(search(lost, 20)[1], gone).any()


def test_maintain_removes_whole_builds(lake, folder, index):
    """An index that no snapshot names goes with all of its files; a shared file stays."""
    before = opened(lake)[1].path
    add(folder, PICTURES)
    index(folder, lake.root)
    found = survey(lake, Retention(keep=1, grace=timedelta(0)), datetime.now(UTC) + timedelta(2))
    collect(lake, found)

    assert not (lake.root / before).exists()
    assert findings(lake) == ()
    assert held(lake) == live(lake)


def test_maintain_takes_what_went_out_of_an_index(lake, folder, index):
    """Told that no row may be dead, it builds an updated index afresh, and once alone."""
    from flows.maintain import maintain

    (folder / "3.txt").unlink()
    index(folder, lake.root)
    assert opened(lake)[2].dead == CHUNKS
    config = MaintainConfig(lake=str(lake.root), keep=1, grace_days=0, dead_share=0)

    before = {file.path: file.bytes for file in Snapshot.open(lake).manifest.files}
    planned = maintain.fn(config.model_copy(update={"dry_run": True})).compacted
    first, again = maintain.fn(config), maintain.fn(config)

    assert (first.compacted.indexes, again.compacted.indexes) == (1, 0)
    after = {file.path: file.bytes for file in Snapshot.open(lake).manifest.files}
    gone, came = (sum(a[n] for n in a.keys() - b) for a, b in ((before, after), (after, before)))
    assert planned.bytes_before == first.compacted.bytes_before == gone
    assert first.compacted.bytes_after == came
    assert came < planned.bytes_after <= gone
    assert opened(lake)[2].dead == 0
    assert held(lake) == live(lake)
    assert findings(lake) == ()
    assert len(list(lake.root.glob("indexes/joint-text/*"))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("at", range(46, 77, 3))
def test_a_run_that_dies_while_it_updates_leaves_a_lake_that_goes_on(
    lake, folder, index, monkeypatch, at
):
    """Killed at some change of the disk while it makes indexes, it is ended by the next run."""
    remove(folder, 3)
    add(folder, PICTURES)
    with dying(monkeypatch, lake.root, at=at):
        index(folder, lake.root)

    serving = Snapshot.open(lake).manifest
    assert verify(lake, serving).findings == ()
    index(folder, lake.root)

    assert held(lake) == live(lake)
    assert findings(lake) == ()
    assert not list(lake.staging.glob("*"))
