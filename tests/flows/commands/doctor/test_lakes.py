"""What is said of a lake: whole, damaged, held, old, and what waits in it."""

import json
import os
import socket
from datetime import UTC, datetime, timedelta

import pytest

from flows.commands.doctor import lakes
from flows.commands.doctor.asked import Asked
from flows.commands.doctor.worker import checked
from storage import candidates, looked
from storage.erasure import orders
from storage.layout import Layout
from storage.locks import writer_lock
from storage.manifest import FileEntry, Partial
from storage.places.atomic import write_bytes
from storage.places.place import place_of
from storage.publication import publish
from tests.factories import candidate, small_lake

NOW = datetime.now(UTC)


@pytest.fixture
def layout(tmp_path):
    """A lake with a snapshot of three items."""
    return small_lake(tmp_path / "湖").layout


def said(checks):
    """State, finding and facts of the only finding."""
    (one,) = checks
    return one.state, one.said, one.facts


def snapshot(root):
    """Every file below a folder: name, size and time."""
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_a_whole_lake_is_well_and_stays_as_it_is(layout):
    """Nothing is written, not even a lock."""
    looked.note(layout, 1)
    before = snapshot(layout.root)
    checks = (
        *(lakes.current, lakes.lake_disk, lakes.files, lakes.lock, lakes.age),
        *(lakes.quarantine, lakes.candidates, lakes.erasure, lakes.growth),
    )

    found = [one for check in checks for one in check(layout)]

    assert [one.said for one in found if one.check != "disk-lake"] == [
        *("lake", "lake-files", "lake-lock-free", "lake-age", "lake-quarantine"),
        *("lake-blocked", "lake-erasure", "lake-growth"),
    ]
    assert snapshot(layout.root) == before


def test_a_lake_without_a_snapshot_is_no_lake(tmp_path):
    """A folder that is there, and one that is not, are two things to mend."""
    assert said(lakes.current(Layout(tmp_path)))[:2] == ("fail", "lake-none")
    assert said(lakes.current(Layout(tmp_path / "gone")))[:2] == ("fail", "lake-missing")


def test_a_manifest_that_cannot_be_read_is_damage(layout):
    """The message of the error names the file."""
    (layout.snapshot(1) / "manifest.json").write_text("{")

    state, what, facts = said(lakes.current(layout))

    assert (state, what) == ("fail", "lake-damaged-all")
    assert "manifest.json" in facts["error"]
    assert list(lakes.files(layout)) == []


def test_missing_and_cut_files_are_named(layout):
    """Those that are gone, and those of another size."""
    gone, cut, *_ = sorted((layout.root / "embeddings").rglob("*.parquet"))
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])

    state, what, facts = said(lakes.files(layout))

    assert (state, what, facts["wrong"]) == ("fail", "lake-files-wrong", 2)
    assert layout.relative(gone) in facts["names"]


def test_a_file_is_no_lake(tmp_path):
    """It is told as what it is, and not as a mount that is away."""
    (tmp_path / "lake").write_text("notes")

    assert said(lakes.current(Layout(tmp_path / "lake")))[:2] == ("fail", "lake-file")


def test_damage_names_the_way_out_that_there_is(layout):
    """A rollback needs a whole snapshot; without one, the next run begins anew."""
    layout.current.write_text("9")
    assert said(lakes.current(layout))[:2] == ("fail", "lake-damaged")

    (layout.snapshot(1) / "manifest.json").write_text("{")
    assert said(lakes.current(layout))[:2] == ("fail", "lake-damaged-all")


@pytest.fixture
def part(layout):
    """A lake whose published snapshot is a part: 3 of 1200 files."""
    made = candidate(layout, ("cat", "狗", "owl"))
    publish(layout, made.model_copy(update={"partial": Partial(share=0.01, files=3, of=1200)}))
    return layout


def test_a_part_whose_run_was_killed_has_to_be_run_again(part):
    """Else search stays with the part, and nobody notices."""
    _, found = lakes.current(part)

    assert (found.state, found.said) == ("warn", "lake-part-left")
    assert (found.facts["files"], found.facts["of"]) == (3, 1200)
    assert said(lakes.age(part))[:2] == ("warn", "lake-age-never")


def test_a_part_whose_run_is_under_way_is_well(part):
    """That no run has ended well yet is no news then."""
    hold(part, pid=7, host="other")

    _, found = lakes.current(part)

    assert (found.state, found.said) == ("ok", "lake-part")
    assert list(lakes.age(part)) == []


def test_a_long_run_that_publishes_parts_is_no_hung_one(part):
    """The clock of who holds a lake begins again with each publication."""
    hold(part, pid=7, host="other", hours=100)
    assert said(lakes.lock(part))[:2] == ("ok", "lake-lock-held")

    long_ago = (NOW - timedelta(hours=30)).timestamp()
    os.utime(part.snapshot(2) / "manifest.json", (long_ago, long_ago))
    state, what, facts = said(lakes.lock(part))
    assert (state, what) == ("warn", "lake-lock-long")
    assert facts["days"] == pytest.approx(30 / 24, abs=0.01)


def hold(layout, *, pid, host=None, hours=1.0):
    """The note of somebody who holds the lake."""
    since = (NOW - timedelta(hours=hours)).isoformat()
    told = {"pid": pid, "host": host or socket.gethostname(), "since": since}
    (layout.root / "LOCK.json").write_text(json.dumps(told))


def test_who_writes_is_named(layout):
    """A process of another machine may live: it is believed, and after a day wondered about."""
    long_ago = (NOW - timedelta(hours=48)).timestamp()
    os.utime(layout.snapshot(1) / "manifest.json", (long_ago, long_ago))
    hold(layout, pid=7, host="other")
    state, what, facts = said(lakes.lock(layout))
    assert (state, what, facts["host"]) == ("ok", "lake-lock-held", "other")

    hold(layout, pid=7, host="other", hours=30)
    state, what, facts = said(lakes.lock(layout))
    assert (state, what) == ("warn", "lake-lock-long")
    assert facts["days"] == pytest.approx(30 / 24, abs=0.01)


def test_a_note_of_a_dead_process_holds_nothing(layout):
    """Its number may belong to a younger process by now: that is another one."""
    hold(layout, pid=2**22 + 1)
    assert said(lakes.lock(layout))[:2] == ("ok", "lake-lock-free")

    hold(layout, pid=os.getpid(), hours=24 * 365)
    assert said(lakes.lock(layout))[:2] == ("ok", "lake-lock-free")

    hold(layout, pid=os.getpid(), hours=-1)
    assert said(lakes.lock(layout))[:2] == ("ok", "lake-lock-held")


@pytest.mark.parametrize(
    ("days", "state", "what"), [(1, "ok", "lake-age"), (31, "warn", "lake-age-old")]
)
def test_the_last_look_has_an_age(layout, days, state, what):
    """After thirty days nobody seems to look any more."""
    looked.note(layout, 1, NOW - timedelta(days=days))

    found = said(lakes.age(layout))

    assert found[:2] == (state, what)
    assert found[2]["days"] == pytest.approx(days, abs=0.01)


def test_a_lake_that_nobody_looked_at_says_so(layout):
    """No run that ended well is noted."""
    assert said(lakes.age(layout))[:2] == ("warn", "lake-age-never")


def test_many_files_in_quarantine_are_a_warning(layout):
    """A share of all files: 3 of 6 + 3 here, by the rows that the manifest names."""
    manifest = candidate(layout, ("cat", "狗", "owl"))
    rows = FileEntry(path="quarantine/part.parquet", rows=3, bytes=0, sha256="0" * 64)
    (layout.root / "quarantine").mkdir()
    (layout.root / "quarantine/part.parquet").touch()
    publish(layout, manifest.model_copy(update={"files": [*manifest.files, rows]}))

    state, what, facts = said(lakes.quarantine(layout))

    assert (state, what, facts["count"]) == ("warn", "lake-quarantine-many", 3)
    assert facts["share"] == pytest.approx(3 / 9)


def test_what_was_blocked_since_is_told_and_older_is_not(layout):
    """What a later publication has overtaken needs nobody any more."""
    candidates.write_candidate(layout, candidate(layout, ("cat",)))
    candidates.block(layout, "run-1", "text→image fell")
    state, what, facts = said(lakes.candidates(layout))
    assert (state, what) == ("warn", "lake-blocked-some")
    assert (facts["run"], facts["reason"]) == ("run-1", "text→image fell")

    later = candidate(layout, ("cat", "狗")).model_copy(
        update={"created_at": datetime.now(UTC) + timedelta(seconds=1)}
    )
    publish(layout, later)
    assert said(lakes.candidates(layout))[1] == "lake-blocked"


def test_what_a_killed_run_left_is_told(layout):
    """A candidate that nobody judged, and nobody is at work on; one that is worked on is none."""
    candidates.write_candidate(layout, candidate(layout, ("cat",)))
    assert [one.said for one in lakes.candidates(layout)] == ["lake-blocked", "lake-left"]

    hold(layout, pid=7, host="other")
    assert [one.said for one in lakes.candidates(layout)] == ["lake-blocked"]


def test_an_erasure_that_was_interrupted_is_a_failure(layout):
    """What was to go may still be there."""
    place = orders.place(layout)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("{}")

    assert said(lakes.erasure(layout))[:2] == ("fail", "lake-erasure-pending")


def grown(layout, monkeypatch, *, free):
    """A second snapshot after ten days that adds 10 MB; ``free`` bytes are left."""
    manifest = candidate(layout, ("cat", "狗", "owl"))
    new = FileEntry(path="files/new.parquet", rows=0, bytes=10_000_000, sha256="0" * 64)
    first = lakes.manifest_of(layout).created_at
    later = {"files": [*manifest.files, new], "created_at": first + timedelta(days=10)}
    with (layout.root / "files/new.parquet").open("wb") as file:
        file.truncate(new.bytes)
    publish(layout, manifest.model_copy(update=later))
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(lakes.psutil, "disk_usage", lambda _: usage)


def test_a_disk_that_is_full_within_a_month_is_a_warning(layout, monkeypatch):
    """10 MB in ten days are 1 MB a day: 5 MB are five days, 100 MB a hundred."""
    grown(layout, monkeypatch, free=5_000_000)
    state, what, facts = said(lakes.growth(layout))
    assert (state, what) == ("warn", "lake-growth-fast")
    assert facts["days"] == pytest.approx(5, rel=0.01)

    usage = type("Usage", (), {"free": 100_000_000})
    monkeypatch.setattr(lakes.psutil, "disk_usage", lambda _: usage)
    assert said(lakes.growth(layout))[1] == "lake-growth"


def test_a_lake_in_a_store_is_looked_at_alike(s3):
    """Its lock is a lease that tells until when; its disk is nobody's."""
    layout = small_lake(place_of(f"{s3.bucket()}/lake")).layout
    assert list(lakes.lake_disk(layout)) == []
    assert said(lakes.current(layout))[:2] == ("ok", "lake")
    assert said(lakes.files(layout))[:2] == ("ok", "lake-files")
    assert said(lakes.growth(layout))[:2] == ("ok", "lake-growth")
    assert said(lakes.lock(layout))[:2] == ("ok", "lake-lock-free")

    with writer_lock(layout):
        state, what, facts = said(lakes.lock(layout))
        assert (state, what, facts["pid"]) == ("ok", "lake-lock-held", str(os.getpid()))
    for until, what in ((1, "lake-lock-held"), (-1, "lake-lock-free")):
        note = {"pid": 7, "host": "other", "since": NOW.isoformat()}
        note["expires_at"] = (NOW + timedelta(hours=until)).isoformat()
        write_bytes(layout.lock, json.dumps(note).encode())
        assert said(lakes.lock(layout))[1] == what


def test_a_store_that_is_not_there_is_one_finding(s3):
    """The bucket's name is in it."""
    asked = Asked(lake="s3://no-such-bucket-here/lake")

    (one,) = checked("lake", asked)

    assert (one.state, one.said) == ("fail", "refused")
    assert "no-such-bucket-here" in one.facts["error"]
