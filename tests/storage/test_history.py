from datetime import UTC, datetime, timedelta

import pytest

from storage import history, looked
from storage.history import Entry
from storage.layout import Layout
from storage.manifest import Evaluation, Manifest, Override
from storage.publication import next_number

WHEN = datetime(2026, 5, 1, 3, 15, tzinfo=UTC)


def entry(snapshot=1, when=WHEN, **told):
    """An evaluation that passed."""
    said = {"run": "r", "trigger": "index", "config": "c", "verdict": "pass"}
    return Entry(**said | {"snapshot": snapshot, "when": when} | told)


@pytest.fixture
def lake(tmp_path):
    """An empty place."""
    return Layout(tmp_path)


def test_what_is_written_is_read(lake):
    """All of it, numbers and names of directions."""
    told = entry(
        scores={"text:zh→image": {"RR": 0.5}},
        queries={"text:zh→image": 40},
        drift={"image/p1": {"changed": 0.0}},
        verdict="block",
        blocked=["text:zh→image"],
        override=Override(name="Li Wei", reason="a new model", when=WHEN),
    )
    history.append(lake, told)

    assert history.read(lake) == [told]


def test_entries_come_by_time(lake):
    """Whatever the order they were written in, and whichever snapshot they are of."""
    for snapshot, hours in ((3, 2), (1, 0), (2, 1)):
        history.append(lake, entry(snapshot, WHEN + timedelta(hours=hours)))

    assert [one.snapshot for one in history.read(lake)] == [1, 2, 3]


def test_no_entry_replaces_another(lake):
    """Two of one snapshot at one moment are two."""
    first = history.append(lake, entry(config="a"))
    second = history.append(lake, entry(config="b"))

    assert second.when > first.when
    assert history.read(lake) == [first, second]


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"when": "never"}'])
def test_a_damaged_entry_is_left_out_and_named(lake, caplog, data):
    """The others are read."""
    whole = history.append(lake, entry())
    path = lake.history / "20260601T000000.000000-2.json"
    path.write_bytes(data)

    assert history.read(lake) == [whole]
    assert path.name in caplog.text


def test_other_files_are_no_entries(lake):
    """A temporary file of a run that died, for one."""
    history.append(lake, entry())
    (lake.history / ".8d1.tmp").write_text("{")

    assert len(history.read(lake)) == 1


def test_a_lake_without_history_has_none(lake):
    """No folder is made by looking."""
    assert history.read(lake) == []
    assert not lake.history.exists()


def test_the_last_entry_of_a_snapshot(lake):
    """The newest of its own; None where there is none, or another run had the number."""
    entries = [entry(1), entry(2, WHEN + timedelta(hours=1)), entry(1, WHEN + timedelta(hours=2))]

    assert history.last(entries, 1, "r") == entries[2]
    assert history.last(entries, 3, "r") is None
    assert history.last(entries, 1, "other") is None


def made(number, run="r", **told):
    """The manifest of a snapshot that was measured."""
    evaluation = Evaluation(status="measured", **told)
    return Manifest(number=number, run=run, created_at=WHEN, preset="hash", evaluation=evaluation)


def test_who_accepted_a_snapshot_is_told_by_history_or_manifest():
    """Of the same run; the newest counts, and that of the snapshot it was carried over from."""
    one, two = (Override(name=name, reason="so", when=WHEN) for name in ("Li", "Wei"))
    entries = [
        entry(2, override=one),
        entry(2, WHEN + timedelta(hours=1), override=two),
        entry(2, WHEN + timedelta(hours=2)),
    ]

    assert history.override_of(entries, made(2)) == two
    assert history.override_of(entries, made(2, "other")) is None
    assert history.override_of(entries, made(3, "other", report=2)) == two
    assert history.override_of([], made(2, override=one)) == one


def test_numbers_of_the_history_are_taken(lake):
    """Also where the candidate that had one, and its report, are gone."""
    history.append(lake, entry(7))

    assert history.numbers(lake) == [7]
    assert next_number(lake) == 8


def test_the_last_look_counts(lake):
    """It is replaced as a whole."""
    looked.note(lake, 1, WHEN)
    looked.note(lake, 2, WHEN + timedelta(hours=24))

    assert looked.read(lake) == looked.Looked(WHEN + timedelta(hours=24), 2)


@pytest.mark.parametrize(
    "data", ["", "{", "{}", '{"when": "x", "snapshot": 1}', '{"when": "2026-05-01T00:00:00"}']
)
def test_a_damaged_look_is_none(lake, data):
    """The next run writes it again; a time of no zone says nothing."""
    lake.looked.write_text(data)

    assert looked.read(lake) is None


def test_nobody_has_looked_at_a_new_lake(lake):
    """There is no such file."""
    assert looked.read(lake) is None
