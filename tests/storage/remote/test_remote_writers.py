"""Writers of a lake in an object store are kept apart."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from storage import leases
from storage.errors import CandidateOutdatedError, LakeLockedError, SnapshotExistsError
from storage.layout import Layout
from storage.locks import writer_lock
from storage.manifest import read_manifest
from storage.places import conditional
from storage.places.atomic import replacing, write_bytes
from storage.places.place import read_now, store_of
from storage.publication import publish, roll_back
from storage.published import current
from storage.snapshot import Snapshot
from tests.factories import candidate, small_lake
from tests.writers import written

KEYS = ("cat", "狗")


def told(layout: Layout) -> dict[str, object]:
    """What the lease says."""
    return json.loads(read_now(layout.lock))


def take_over(layout: Layout, *, expires_in: timedelta = timedelta(hours=1)) -> None:
    """Another machine has the lease, whoever had it before."""
    until = (datetime.now(UTC) + expires_in).isoformat()
    other = {"pid": 7, "host": "elsewhere", "since": "noon", "expires_at": until, "token": "other"}
    write_bytes(layout.lock, json.dumps(other).encode())


def test_the_second_writer_is_told_who_the_first_is(lake):
    """A lease keeps others out, by name, and is gone with its holder."""
    with writer_lock(lake):
        with pytest.raises(LakeLockedError, match=r"process \d+ on \S+ since"), writer_lock(lake):
            pytest.fail("two writers")
        assert told(lake)["host"]

    assert not lake.lock.exists()
    with writer_lock(lake):
        assert lake.lock.exists()


def test_a_writer_may_wait_for_another(lake, monkeypatch):
    """With seconds to wait the second goes on when the first has ended."""
    monkeypatch.setattr(leases, "_POLL", 0.02)
    with written(lake) as end:
        threading.Timer(0.1, end.set).start()
        with writer_lock(lake, wait=10):
            assert end.is_set()


def test_who_waits_for_a_lease_says_for_whom_once(lake, monkeypatch, caplog):
    """However often it looks; a writer that need not wait says nothing."""
    looks = []
    begun = threading.Event()

    def first():
        with writer_lock(lake, wait=10):
            begun.set()
            while len(looks) < 3:  # the other one's, after the first that said for whom it waits
                begun.wait(0.01)
            looks.append("over")

    def look_again(seconds):
        looks.append(seconds)
        begun.wait(0.01)

    thread = threading.Thread(target=first)
    thread.start()
    begun.wait(60)
    assert caplog.messages == []
    monkeypatch.setattr(leases.time, "sleep", look_again)
    with writer_lock(lake, wait=600):
        assert "over" in looks
    thread.join()

    (said,) = [line for line in caplog.messages if "waiting" in line]
    assert re.match(r"the lake is being written by process \d+ on \S+ since", said)
    assert said.endswith(": waiting, 600 s at most")


def test_one_of_many_writers_that_begin_at_once_gets_the_lease(lake):
    """The store decides who made ``LOCK`` first."""
    start, end = threading.Barrier(6), threading.Barrier(6)
    outcomes: list[str] = []

    def writer():
        start.wait()
        try:
            with writer_lock(lake):
                outcomes.append("held")
                end.wait(10)
        except LakeLockedError:
            outcomes.append("locked")
            end.wait(10)

    threads = [threading.Thread(target=writer) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(outcomes) == {"held": 1, "locked": 5}


def test_a_lease_that_ran_out_is_taken_over(lake):
    """A holder that died keeps nobody out for ever; within the term it does."""
    take_over(lake, expires_in=-timedelta(minutes=5))
    with writer_lock(lake):
        assert told(lake)["host"] != "elsewhere"

    take_over(lake, expires_in=-timedelta(seconds=5))  # as long as clocks may differ
    with pytest.raises(LakeLockedError, match="process 7 on elsewhere since noon"):
        writer_lock(lake).__enter__()


@pytest.mark.parametrize("note", [b"", b"[]", b'{"expires_at": "soon"}', b"\xff"])
def test_a_lock_that_says_no_time_has_run_out(lake, note):
    """What is no lease of ours, such as a file lock of a copied lake, keeps nobody out."""
    write_bytes(lake.lock, note)

    with writer_lock(lake):
        assert told(lake)["token"]


def test_a_lease_is_renewed_while_its_holder_lives(lake, monkeypatch):
    """Its end moves on, so a run may take longer than the term."""
    monkeypatch.setattr(leases, "_RENEWAL", 0.01)

    with writer_lock(lake):
        before, renewed = told(lake), threading.Event()
        for _ in range(500):
            if told(lake)["renewal"] != before["renewal"]:
                renewed.set()
                break
            renewed.wait(0.01)
        assert renewed.is_set()
        assert told(lake)["token"] == before["token"]


def test_a_writer_that_lost_its_lease_cannot_publish(lake):
    """Another machine may be at work: who is not the holder any more moves no pointer."""
    small_lake(lake.root, KEYS[:1])

    with writer_lock(lake):
        manifest = candidate(lake, KEYS)
        take_over(lake)
        with pytest.raises(LakeLockedError, match="elsewhere"):
            publish(lake, manifest)
        with pytest.raises(LakeLockedError, match="elsewhere"):
            roll_back(lake, 1)

    assert current(lake) == 1
    assert told(lake)["host"] == "elsewhere"  # and it does not give back what is another's


def test_the_pointer_does_not_move_when_another_moved_it_meanwhile(lake, monkeypatch):
    """Also between the last look and the put: the store refuses the second of two."""
    small_lake(lake.root, KEYS[:1])
    one, other = candidate(lake, KEYS[:1]), candidate(lake, KEYS)
    opened = Snapshot.of

    def meanwhile(layout, manifest):
        monkeypatch.setattr(Snapshot, "of", opened)
        publish(layout, other.model_copy(update={"number": 3}))
        return opened(layout, manifest)

    monkeypatch.setattr(Snapshot, "of", meanwhile)
    with pytest.raises(CandidateOutdatedError):
        publish(lake, one.model_copy(update={"number": 2}))

    assert current(lake) == 3


def test_two_candidates_do_not_get_one_number(lake):
    """The manifest of a snapshot is made where there is none, and never replaced."""
    small_lake(lake.root, KEYS[:1])
    first = candidate(lake, KEYS[:1]).model_copy(update={"number": 2})
    second = first.model_copy(update={"run": "another"})
    write_bytes(lake.snapshot(2) / "manifest.json", first.to_json())

    with pytest.raises(SnapshotExistsError):
        publish(lake, second)

    assert read_manifest(lake.snapshot(2) / "manifest.json") == first
    assert publish(lake, first).number == current(lake) == 2


@pytest.mark.parametrize("size", [1, pytest.param(120 << 20, marks=pytest.mark.slow)])
def test_a_part_that_another_writer_put_is_kept(bucket, size):
    """Of two writers that lost sight of each other none changes what the other's manifest names.

    A large one is put in pieces, and refused at the last.
    """
    path = bucket.root / "part-1.parquet"
    write_bytes(path, b"first", final=True)

    with replacing(path, final=True) as temporary, temporary.open("wb") as file:
        file.truncate(size)
    write_bytes(path, b"third", final=True)

    assert path.read_bytes() == b"first"
    write_bytes(path, b"fourth")
    assert path.read_bytes() == b"fourth"


def test_an_object_is_swapped_only_for_what_was_seen(lake):
    """One of two that saw the same goes through; nothing there is something seen, too."""
    path = lake.root / "pointer"
    nothing = conditional.look(path)

    assert conditional.swap(path, b"1", nothing)
    assert conditional.swap(path, b"1", nothing)  # a repeated request
    assert not conditional.swap(path, b"2", nothing)
    seen = conditional.look(path)
    assert conditional.swap(path, b"2", seen)
    assert not conditional.swap(path, b"3", seen)
    assert path.read_bytes() == b"2"
    assert not conditional.create(path, b"3")


def test_a_store_without_conditions_is_told(bucket, monkeypatch, caplog):
    """Where a put ignores its condition, a person must keep writers apart, and hears so."""
    store = store_of(bucket.root)[0]
    put = store.pipe_file
    monkeypatch.setattr(store, "pipe_file", lambda path, value, **_: put(path, value))

    with writer_lock(bucket):
        assert "this store ignores conditional puts" in caplog.text
