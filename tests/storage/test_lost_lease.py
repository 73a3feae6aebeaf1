"""Who lost the lease changes nothing any more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from storage import candidates
from storage.candidates import write_candidate
from storage.erasure.orders import Order
from storage.erasure.parts import Parts
from storage.erasure.sweep import drop_candidates, sweep
from storage.errors import LakeLockedError
from storage.layout import Layout
from storage.locks import writer_lock
from storage.maintenance import garbage, mending, restart
from storage.places.atomic import write_bytes
from storage.places.place import listing, place_of
from storage.snapshot import Snapshot
from tasks.erasure.reissue import reissue
from tests.factories import manifest, small_lake


@pytest.fixture
def lake(monkeypatch, tmp_path) -> Layout:
    """A lake in a store: two snapshots, of which one is to go, a candidate, a file set aside."""
    monkeypatch.setenv("MMINDEX_CACHE", str(tmp_path / "cache"))
    layout = Layout(place_of(f"memory://{uuid4().hex}/lake"))
    small_lake(layout.root, ("cat",))
    small_lake(layout.root, ("owl",))
    write_candidate(layout, manifest(run="b", number=3))
    write_bytes(layout.rows("items") / "part-0.parquet.damaged", b"-")
    return layout


def take_over(layout: Layout) -> None:
    """Another machine has the lease now."""
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    other = {"pid": 7, "host": "elsewhere", "since": "noon", "expires_at": until, "token": "other"}
    write_bytes(layout.lock, json.dumps(other).encode())


def surveyed(layout: Layout) -> garbage.Survey:
    """Of which all that is no snapshot's goes."""
    return garbage.survey(
        layout, garbage.Retention(1, timedelta(0)), datetime.now(UTC) + timedelta(days=3)
    )


CHANGES = {
    "collect": lambda lake: garbage.collect(lake, surveyed(lake)),
    "sweep": lambda lake: sweep(lake, Order()),
    "drop": lambda lake: candidates.drop_candidate(lake, "b"),
    "drop doomed": lambda lake: drop_candidates(lake, ["b"]),
    "set aside": lambda lake: mending.set_aside(lake, next((lake.root / "items").iterdir())),
    "begin anew": restart.begin_anew,
    "reissue": lambda lake: reissue(Snapshot.open(lake), Order(), b"key", renamed(lake)),
}


def renamed(layout: Layout) -> Parts:
    """One part of the serving snapshot has another name."""
    old = Snapshot.open(layout).manifest.paths("items")[0]
    path = (layout.root / old).with_name("part-new.parquet")
    write_bytes(path, (layout.root / old).read_bytes())
    return Parts(layout, records={old: path})


def content(layout: Layout) -> dict[str, int]:
    """The files of the lake but for the new part."""
    return {
        n: f.size for n, f in listing(layout.root).items() if "LOCK" not in n and "new" not in n
    }


@pytest.mark.parametrize("change", CHANGES)
def test_who_lost_the_lease_changes_nothing(lake, change):
    """Each thing that removes or renames asks first; with the lease it goes on."""
    with writer_lock(lake):
        before = content(lake)
        take_over(lake)
        with pytest.raises(LakeLockedError, match="elsewhere"):
            CHANGES[change](lake)
        assert content(lake) == before
        lake.lock.unlink()

    with writer_lock(lake):
        CHANGES[change](lake)
        assert content(lake) != before


def test_a_collection_stops_when_the_lease_is_lost(lake, monkeypatch):
    """It is asked again before each turn, and what is left stays."""
    real, found = garbage._removed, surveyed(lake)

    def removed(layout, wanted):
        take_over(layout)
        return real(layout, wanted)

    monkeypatch.setattr(garbage, "_removed", removed)
    with writer_lock(lake), pytest.raises(LakeLockedError):
        garbage.collect(lake, found)

    there = set(listing(lake.root))
    assert 0 < len([one for one in found.garbage if one.path in there]) < len(found.garbage)


def test_a_manifest_that_another_wrote_meanwhile_is_not_replaced(lake, monkeypatch):
    """A reissued one is put only over what was read."""
    snapshot = Snapshot.open(lake)
    path, opened = lake.snapshot(2) / "manifest.json", Snapshot.of
    other = snapshot.manifest.model_copy(update={"inputs": "other"}).to_json()

    def meanwhile(layout, made):
        write_bytes(path, other)
        return opened(layout, made)

    parts = renamed(lake)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Snapshot, "of", meanwhile)
        with pytest.raises(LakeLockedError):
            reissue(snapshot, Order(), b"key", parts)
    assert path.read_bytes() == other

    with pytest.raises(LakeLockedError):  # it was opened before
        reissue(snapshot, Order(), b"key", parts)
    assert path.read_bytes() == other
