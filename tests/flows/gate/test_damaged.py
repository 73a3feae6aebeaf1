"""Nights that fail, and files beside the lake's own that are damaged."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.stages import gating
from mmcore.errors import GateFailedError
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.resume import Kept, _hash
from storage import candidates, history
from storage.errors import CorruptLakeError
from storage.published import current
from storage.querysets import CARD
from tests.flows.gate.conftest import OFF


@pytest.fixture
def alerts(monkeypatch):
    """What is told."""
    found = []
    monkeypatch.setattr(gating, "alerted", lambda alert, *_: found.append(alert) or [])
    return found


def test_one_failed_night_does_not_open_the_gate(nights, monkeypatch):
    """A disk that was full says nothing of what serves: the next is compared with it."""
    nights.first()

    def full(*_):
        raise MemoryError("no room")

    with monkeypatch.context() as patch:
        patch.setattr(Kept, "save", full)
        with pytest.raises(GateFailedError):
            nights.evaluate()
    assert history.read(nights.lake)[-1].verdict == "failed"
    nights.worsen()
    nights.index(gate=OFF)

    result = nights.evaluate(gate=GateSpec(), on_block="roll-back")

    assert (result.status, result.baseline, result.rolled_back_to) == ("block", 1, 1)


def test_that_no_older_snapshot_stands_is_said(nights):
    """One is there, and a verdict speaks against it: so it is not said that none ever was."""
    nights.first()
    entry = history.read(nights.lake)[-1]
    history.append(nights.lake, entry.model_copy(update={"verdict": "block"}))
    nights.add(40, 1)
    nights.index(gate=OFF)

    result = nights.evaluate(gate=GateSpec())

    assert result.status == "unmeasured"
    assert "no older snapshot stands" in result.why


@pytest.mark.parametrize("told", ["{}", None])
def test_a_damaged_query_set_is_told_of_each_night(nights, alerts, told):
    """It stops `index` and `evaluate`; each is an alert, and an entry of the history."""
    nights.index()
    card = nights.lake.query_set("mine") / CARD
    card.parent.mkdir(parents=True)
    card.mkdir() if told is None else card.write_text(told)

    with pytest.raises(CorruptLakeError, match="queries remove mine"):
        nights.evaluate()
    nights.add(40, 1)
    with pytest.raises(CorruptLakeError):
        nights.index()

    assert [one.happened for one in alerts[1:]] == [
        "failed",
        "failed",
    ]  # the first night has no baseline
    entries = [(one.trigger, one.verdict) for one in history.read(nights.lake)[1:]]
    assert entries == [("evaluate", "failed"), ("index", "failed")]
    assert (current(nights.lake), candidates.blocked(nights.lake)) == (1, [])


def broken(table, how):
    """The rows of a report, damaged."""
    place = table.column_names.index("RR")
    if how == "words":
        return table.set_column(place, "RR", pa.array(["x"] * table.num_rows))
    if how == "no number":
        return table.set_column(place, "RR", pa.array([float("nan")] * table.num_rows))
    return table.drop_columns(["query"])


@pytest.mark.parametrize("how", ["words", "no number", "no query"])
def test_a_damaged_old_report_fails_no_new_exam(nights, how):
    """It cannot be compared with, and that is all."""
    nights.first()
    path = nights.lake.report("1") / "queries.parquet"
    pq.write_table(broken(pq.read_table(path), how), path)

    result = nights.evaluate()

    assert (result.status, result.findings) == ("unmeasured", ())
    assert nights.evaluate().findings == ()


def test_a_folder_in_the_place_of_a_report_is_named(nights):
    """It cannot be written; the error says which file, not how the temporary was called."""
    nights.first()
    path = nights.lake.report("1") / "run.trec"
    path.unlink()
    path.mkdir()

    with pytest.raises(GateFailedError) as caught:
        nights.evaluate()

    assert "a folder lies where this file belongs" in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_in_the_place_of_what_is_kept_goes(nights):
    """Each run empties the staging folder of it; later ones keep their directions again."""
    nights.first()
    nights.lake.staging.mkdir(exist_ok=True)
    nights.lake.evaluations.write_text("not ours")

    nights.evaluate()

    assert not nights.lake.evaluations.exists()


def test_a_direction_that_is_kept_wrong_is_scored_again(nights, monkeypatch):
    """A torn archive, and columns of other lengths, though their hash is right."""
    nights.first()
    kept, saved = [], Kept.save

    def saving(self, measured):
        saved(self, measured)
        kept.append((self, measured))

    monkeypatch.setattr(Kept, "save", saving)
    monkeypatch.setattr("tasks.recording.end_evaluations", lambda lake: None)
    nights.evaluate()
    folder, measured = kept[0]
    name = measured.full.name
    numbers, words = folder._files(name)
    told = json.loads(words.read_bytes())

    assert folder.load(name) is not None
    short = {**told, "of": [{**told["of"][0], "queries": told["of"][0]["queries"][:-1]}]}
    words.write_text(json.dumps(short))
    assert folder.load(name) is None
    data = numbers.read_bytes()[:200]
    numbers.write_bytes(data)
    words.write_text(json.dumps({**told, "numbers": _hash(data)}))
    assert folder.load(name) is None
