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


NAIVE = entry().model_dump_json().replace("Z", "").encode()
FOREVER = entry().model_dump_json().replace('"snapshot":1', f'"snapshot":{"9" * 5000}').encode()


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"when": "never"}', NAIVE, FOREVER])
def test_a_damaged_entry_is_left_out_and_named(lake, caplog, data):
    """The others are read."""
    whole = history.append(lake, entry())
    path = lake.history / "20260601T000000.000000-2.json"
    path.write_bytes(data)

    assert history.read(lake) == [whole]
    assert path.name in caplog.text


@pytest.mark.parametrize("make", ["folder", "loop"])
def test_what_cannot_be_read_is_left_out_and_named(lake, caplog, make):
    """A folder in the place of an entry, or a link to itself."""
    whole = history.append(lake, entry())
    path = lake.history / "20260601T000000.000000-2.json"
    if make == "folder":
        path.mkdir()
    else:
        path.symlink_to(path)

    assert history.read(lake) == [whole]
    assert path.name in caplog.text


def test_a_store_that_cannot_be_asked_is_an_error(lake, monkeypatch):
    """A verdict that is not seen would open the gate."""
    history.append(lake, entry())

    def broken(path):
        raise OSError("no connection")

    monkeypatch.setattr(history, "read_object", broken)
    monkeypatch.setattr(history, "is_local", lambda path: False)

    with pytest.raises(OSError, match="no connection"):
        history.read(lake)


def test_a_name_of_no_snapshot_is_no_entry(lake):
    """Python makes no number of thousands of digits."""
    history.append(lake, entry())
    (lake.history / f"20260601T000000.000000-{'9' * 200}.json").write_text("{}")

    assert (len(history.read(lake)), history.numbers(lake)) == (1, [1])


def test_a_night_that_failed_says_nothing_of_a_snapshot():
    """The verdict before it stands; a block does, too."""
    later = [WHEN + timedelta(hours=hours) for hours in range(3)]
    failed = entry(2, later[1], verdict="failed")
    blocked = [entry(2, later[0], verdict="block"), failed]

    assert history.verdict_of(blocked, made(2)) == "failed"
    assert history.judged_of(blocked, made(2)) == "block"
    assert history.judged_of([failed], made(2, verdict="warn")) == "warn"
    assert history.judged_of([failed], made(2)) is None


def test_other_files_are_no_entries(lake):
    """A temporary file of a run that died, for one."""
    history.append(lake, entry())
    (lake.history / ".8d1.tmp").write_text("{")

    assert len(history.read(lake)) == 1


def test_a_lake_without_history_has_none(lake):
    """No folder is made by looking."""
    assert history.read(lake) == []
    assert not lake.history.exists()


def test_the_directions_of_the_lakes_own_queries():
    """Those of a user's set have its name and a slash in front."""
    scores = {"text:en→image": {"RR": 0.5}, "shop/text:en→image": {"RR": 0.9}}

    assert history.held_out(scores) == {"text:en→image": {"RR": 0.5}}


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
    "data",
    [
        "",
        "{",
        "{}",
        '{"when": "x", "snapshot": 1}',
        '{"when": "2026-05-01T00:00:00"}',
        '{"when": "2026-05-01T00:00:00Z", "snapshot": Infinity}',
    ],
)
def test_a_damaged_look_is_none(lake, data):
    """The next run writes it again; a time of no zone says nothing."""
    lake.looked.write_text(data)

    assert looked.read(lake) is None


def test_a_look_that_cannot_be_read_is_none(lake, caplog):
    """A link to itself is told of, and replaced by the next look."""
    lake.looked.symlink_to(lake.looked)

    assert looked.read(lake) is None
    assert "LOOKED cannot be read" in caplog.text
    looked.note(lake, 1, WHEN)
    assert looked.read(lake) == looked.Looked(WHEN, 1)


def test_nobody_has_looked_at_a_new_lake(lake):
    """There is no such file."""
    assert looked.read(lake) is None
