import json
import os
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows import evaluate_retrieval
from flows.commands.queries.command import Files, run_add
from flows.config.evaluate import EvaluateConfig
from flows.config.index import IndexConfig
from flows.stages.beforehand import nothing_to_do
from mmcore.errors import ConfigError, GateFailedError, PublicationBlockedError
from mmcore.evaluation.gating.rules import GateSpec
from storage import candidates, history, looked
from storage.errors import NoLakeError, SnapshotReissuedError
from storage.published import current, manifest_of
from tasks import measuring
from tests.flows.gate.conftest import OFF, SPECS
from tests.lakes import COLOURS
from tests.mmcore.evaluation.benches import listing_half


def test_what_serves_is_judged_against_its_parent(nights):
    """Its report is written anew, the history gets an entry, and nothing is published."""
    nights.first()
    nights.add(40, 1)
    nights.index()

    result = nights.evaluate()

    entry = history.read(nights.lake)[-1]
    assert (result.status, result.snapshot, result.baseline, result.exit_code) == ("pass", 2, 1, 0)
    assert (entry.trigger, entry.snapshot, entry.verdict) == ("evaluate", 2, "pass")
    assert current(nights.lake) == 2
    assert not nights.lake.evaluations.exists()


def test_directions_are_told_through_an_index_that_is_not_exact(nights):
    """Beside exact search over the same queries, in the report; the gate does not ask them."""
    nights.first()
    halved = listing_half(nights.snapshot()).manifest
    stored = nights.lake.root / "snapshots" / "1" / "manifest.json"
    stored.write_text(halved.model_dump_json())

    nights.evaluate()

    told = json.loads((nights.lake.report("1") / "report.json").read_bytes())
    exact = {one["name"]: one["means"] for one in told["directions"]}
    found = {one["direction"]: one for one in told["served"]}
    assert {one["kind"] for one in found.values()} == {"ivf-flat"}
    assert found["image→text:zh"]["exact"]["RR"] == exact["image→text:zh"]["RR"]
    assert found["image→text:zh"]["means"]["R@10"] < exact["image→text:zh"]["R@10"]


def test_a_set_of_ones_own_is_told_as_a_search_answers_it(nights, tmp_path):
    """By words beside vectors, in the report; nothing of it without such a set."""
    nights.first()
    assert json.loads((nights.lake.report("1") / "report.json").read_bytes())["searched"] == []
    judged = tmp_path / "judged.csv"
    rows = [f"the {n}th wall,media/{list(COLOURS)[n % len(COLOURS)]}{n}" for n in range(6)]
    judged.write_text("\n".join(["query,item", *rows, "红墙,media/red0"]), encoding="utf-8")
    run_add(str(nights.lake.root), "walls", Files(qrels=judged), 0.0, as_json=True)

    result = nights.evaluate()

    assert result.too_few["walls/text:zh→fused"] == 1
    assert not any(name.startswith("walls/text:en") for name in result.too_few)
    told = json.loads((nights.lake.report("1") / "report.json").read_bytes())
    found = {one["direction"]: one for one in told["searched"]}
    by_vectors = {f"{one['set']}/{one['name']}": one["means"] for one in told["directions"]}
    whole = found["walls/text:en→fused"]
    assert whole["exact"]["RR"] == by_vectors["walls/text:en→fused"]["RR"]
    assert whole["means"]["RR"] > whole["exact"]["RR"]


def test_what_is_worse_alerts_and_serves_on(worse):
    """Unless it is told to roll back, an evaluation changes nothing that serves."""
    result = worse.evaluate()

    assert (result.status, result.baseline, result.exit_code) == ("block", 1, 3)
    assert (current(worse.lake), result.rolled_back_to) == (2, None)


def test_what_is_worse_is_rolled_back_from(worse):
    """What it was compared with serves again; the next night does not bring it back."""
    result = worse.evaluate(on_block="roll-back")

    assert (result.rolled_back_to, current(worse.lake)) == (1, 1)
    assert history.read(worse.lake)[-1].trigger == "rollback"
    with pytest.raises(PublicationBlockedError) as caught:
        worse.index()
    assert caught.value.run == manifest_of(worse.lake, 2).run


def test_another_that_serves_by_then_stays(worse):
    """Whoever published, or rolled back, while it was evaluated is not undone."""
    result = worse.evaluate(snapshot=2, on_block="roll-back")
    assert result.rolled_back_to == 1

    again = worse.evaluate(snapshot=2, on_block="roll-back")

    assert (again.status, again.rolled_back_to, current(worse.lake)) == ("block", None, 1)
    assert again.not_rolled_back


def test_nothing_is_rolled_back_to_what_is_not_whole(worse, monkeypatch):
    """Where a file of the baseline is gone, what serves serves on."""
    found = evaluate_retrieval.baseline_of

    def lost(*arguments):
        baseline = found(*arguments)
        (worse.lake.root / baseline.manifest.paths("files")[0]).rename(worse.lake.root / "moved")
        return baseline

    monkeypatch.setattr(evaluate_retrieval, "baseline_of", lost)
    monkeypatch.setattr(evaluate_retrieval, "examine_again", lambda *_: examined)
    examined = _judged(worse)

    result = worse.evaluate(on_block="roll-back")

    assert (result.rolled_back_to, current(worse.lake)) == (None, 2)
    assert result.not_rolled_back


def _judged(nights):
    from mmcore.evaluation.scores import GateVerdict
    from tasks.examining import Judged

    verdict = GateVerdict(status="block", baseline=1)
    return Judged(manifest_of(nights.lake), verdict, nights.lake.report("2"))


def test_a_baseline_is_an_ancestor_that_no_verdict_speaks_against(worse):
    """The worse one was found to be so; the next is compared with the one before it."""
    worse.evaluate()
    worse.add(40, 1)
    worse.index(gate=OFF)

    assert worse.evaluate().baseline == 1


def test_a_baseline_can_be_named(worse):
    """Also one that is no ancestor; one that there is not is an error."""
    worse.mend()
    assert worse.evaluate(snapshot=1, against=2).baseline == 2
    with pytest.raises(NoLakeError):
        worse.evaluate(against=9)


def test_a_blocked_candidate_can_be_evaluated(nights):
    """By its run, as it was judged: it stays blocked."""
    nights.first()
    nights.worsen()
    with pytest.raises(PublicationBlockedError) as caught:
        nights.index()

    result = nights.evaluate(run=caught.value.run)

    assert (result.status, result.snapshot, result.baseline) == ("block", 2, 1)
    assert [one.run for one in candidates.blocked(nights.lake)] == [caught.value.run]
    with pytest.raises(ConfigError, match="other"):
        nights.evaluate(run="other")


@pytest.mark.parametrize(
    "said", [{"snapshot": 1, "run": "r"}, {"run": "r", "on_block": "roll-back"}]
)
def test_what_does_not_go_together_is_refused(said):
    """A snapshot and a run at once; rolling back from what does not serve."""
    with pytest.raises(ValueError, match="candidate"):
        EvaluateConfig(lake="lake", **said)


def test_what_cannot_be_scored_is_code_3(nights, monkeypatch):
    """It says that nothing is known; what serves serves on, and no candidate is made of it."""
    nights.first()

    def broken(*_):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(measuring, "outcomes", broken)
    with pytest.raises(GateFailedError) as caught:
        nights.evaluate()

    assert (caught.value.exit_code, current(nights.lake)) == (3, 1)
    assert history.read(nights.lake)[-1].verdict == "failed"
    assert candidates.runs(nights.lake) == []


def test_a_snapshot_that_is_written_anew_meanwhile_is_no_failure(nights, monkeypatch):
    """An erasure did it: code 6, and no entry says that it failed."""
    nights.first()
    before = len(history.read(nights.lake))

    def reissued(*_):
        raise SnapshotReissuedError(nights.lake.root, 1)

    monkeypatch.setattr(measuring, "laid_out", reissued)
    with pytest.raises(SnapshotReissuedError) as caught:
        nights.evaluate()

    assert (caught.value.exit_code, len(history.read(nights.lake))) == (6, before)


def test_the_same_files_with_another_score_are_warned_of(nights):
    """Software or weights are others: the report that was written then says what it was."""
    nights.first()
    path = nights.lake.report("1") / "queries.parquet"
    table = pq.read_table(path)
    place = table.column_names.index("RR")
    told = table["RR"].to_pylist()  # those of indexes have none
    lower = pa.array([None if value is None else value / 2 for value in told])
    pq.write_table(table.set_column(place, "RR", lower), path)

    result = nights.evaluate()

    drifted = [finding for finding in result.findings if finding.kind == "drift"]
    assert drifted
    assert all(one.before == pytest.approx(one.after / 2) for one in drifted)
    assert {finding.action for finding in result.findings} == {"warn"}
    assert nights.evaluate().findings == ()  # that report is by the present software


def test_an_unchanged_night_is_no_stale_one(nights):
    """It wrote nothing but that it looked, and that counts."""
    nights.first()
    looked.note(nights.lake, 1, datetime.now(UTC) - timedelta(hours=50))
    assert nights.evaluate(max_age_hours=30).stale == pytest.approx(50, abs=0.1)

    assert nights.index().status == "unchanged"

    assert nights.evaluate(max_age_hours=30).stale is None


def test_a_look_beforehand_counts(nights):
    """Where nothing changed no flow runs, and yet somebody looked."""
    for path in nights.folder.iterdir():  # a file that was just written may change unseen
        os.utime(path, (1e9, 1e9))
    nights.index()
    looked.note(nights.lake, 1, datetime.now(UTC) - timedelta(hours=50))
    told = {"media": (str(nights.folder),), "lake": str(nights.lake.root), "preset": "hash"}
    before = nothing_to_do(
        IndexConfig(**told, **SPECS | {"runtime": {"device": "cpu", "isolate": False}})
    )

    assert before is not None
    assert nights.evaluate(max_age_hours=30).stale is None


def test_without_a_look_the_snapshot_tells_its_age(nights):
    """A lake from before there were looks, or whose file is damaged."""
    nights.index()
    nights.lake.looked.write_text("{")

    assert nights.evaluate(max_age_hours=30).stale is None
    assert nights.evaluate(max_age_hours=1e-6).stale == 0.0


def test_a_look_that_lies_ahead_is_not_stale(nights, caplog):
    """Another machine's clock may be wrong: that is said."""
    nights.first()
    looked.note(nights.lake, 1, datetime.now(UTC) + timedelta(hours=5))

    assert nights.evaluate(max_age_hours=1e-6).stale is None
    assert "future" in caplog.text


def test_what_is_worse_comes_before_what_is_old(worse):
    """Both are told; the code is the gate's."""
    result = worse.evaluate(max_age_hours=1e-9)

    assert result.stale is not None
    assert result.exit_code == 3
    assert result.model_copy(update={"status": "pass"}).exit_code == 10


def test_an_evaluation_is_as_the_gate_was(nights):
    """The rules of the run that published hold, until others are said."""
    nights.index(gate=GateSpec(rules=("all RR: max_drop = 0.5",)))

    assert manifest_of(nights.lake).evaluation.rules == ["all RR: max_drop = 0.5"]
    nights.add(40, 1)
    nights.index(gate=GateSpec(rules=("all RR: max_drop = 0.5",)))
    assert {row.direction for row in nights.evaluate().compared} == {"all"}
    many = nights.evaluate(gate=GateSpec(rules=("*->* RR: max_drop = 0.5",)))
    assert len(many.compared) > 1


def test_history_entries_are_numbers_and_names(nights):
    """Nothing of what a lake holds: no key, no path, no caption."""
    nights.first()
    (entry,) = history.read(nights.lake)
    text = json.dumps(entry.model_dump(mode="json"))

    assert "wall" not in text
    assert ".png" not in text
