import pytest

from flows.config.evaluate import OverrideConfig
from flows.publish_blocked import publish_blocked
from mmcore.errors import ConfigError, GateFailedError, PublicationBlockedError
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.scores import Report
from storage import candidates, history, looked
from storage.errors import CandidateOutdatedError
from storage.manifest import read_manifest
from storage.published import current, manifest_of, published
from tasks import examining, measuring, recording


@pytest.fixture
def scored(monkeypatch):
    """The runs of the manifests that were scored, what was compared with among them."""
    found, laid_out = [], measuring.laid_out

    def counting(snapshot, *arguments):
        found.append(snapshot.manifest.run)
        return laid_out(snapshot, *arguments)

    monkeypatch.setattr(measuring, "laid_out", counting)
    return found


def blocked(nights):
    """Index what is worse; the error."""
    nights.worsen()
    with pytest.raises(PublicationBlockedError) as caught:
        nights.index()
    return caught.value


def last(nights):
    """The newest entry of the history."""
    return history.read(nights.lake)[-1]


def test_the_first_night_has_nothing_to_be_compared_with(nights):
    """It publishes, says unmeasured everywhere, and freezes its queries."""
    result = nights.index()

    told = manifest_of(nights.lake).evaluation
    assert (result.status, result.verdict, told.verdict) == (
        "published",
        "unmeasured",
        "unmeasured",
    )
    assert (told.verdict, told.baseline, last(nights).verdict) == (
        "unmeasured",
        None,
        "unmeasured",
    )
    assert told.config
    assert set(told.sets) == {"held-out"}
    assert manifest_of(nights.lake).paths("queries")
    assert looked.read(nights.lake).snapshot == 1


def test_a_night_that_only_grew_passes(nights):
    """What was compared scores the same: growth moves nothing."""
    nights.first()
    nights.add(40, 4)

    result = nights.index()

    report = Report.model_validate_json((nights.lake.report("2") / "report.json").read_bytes())
    assert (result.verdict, result.baseline, current(nights.lake)) == ("pass", 1, 2)
    assert {row.drop for row in report.verdict.compared} == {0.0}
    assert (last(nights).snapshot, last(nights).trigger, last(nights).baseline) == (2, "index", 1)


def test_what_is_worse_is_not_published(nights):
    """The old one serves on; the candidate is kept with its verdict, and the error tells all."""
    nights.first()
    error = blocked(nights)

    (kept,) = candidates.blocked(nights.lake)
    told = read_manifest(nights.lake.candidate(kept.run) / "manifest.json").evaluation
    assert (current(nights.lake), published(nights.lake)) == (1, [1])
    assert (error.exit_code, error.run, error.number) == (3, kept.run, 2)
    assert (kept.number, kept.verdict, told.verdict, told.baseline) == (2, "block", "block", 1)
    assert error.report == str(nights.lake.report("2") / "report.html")
    assert kept.reason in str(error)
    assert (last(nights).verdict, last(nights).snapshot) == ("block", 2)
    assert last(nights).blocked


def test_a_block_names_the_directions_of_what_was_broken(nights):
    """Pictures are: each direction that is named has them, or fused vectors, on a side."""
    nights.first()
    blocked(nights)

    assert all("image" in name or "fused" in name for name in last(nights).blocked)


def test_what_stays_bad_is_scored_once(nights, scored):
    """The second night makes the same, and is refused without a look; nothing new is kept."""
    nights.first()
    first = blocked(nights)
    scored.clear()

    again = blocked(nights)

    assert scored == []
    assert (again.run, again.number, again.exit_code) == (first.run, 2, 3)
    assert [one.run for one in candidates.blocked(nights.lake)] == [first.run]


def test_other_rules_look_again(nights, scored):
    """What was refused by one set of rules may pass by another, so it is scored again."""
    nights.first()
    blocked(nights)
    scored.clear()

    result = nights.index(gate=GateSpec(rules=("all RR: max_drop = 1",)))

    assert len(scored) == 2
    assert result.status == "published"


def test_a_mended_night_is_compared_with_what_serves(nights):
    """Not with what was blocked, whose number is not used again."""
    nights.first()
    blocked(nights)
    nights.mend()
    nights.add(40, 1)

    result = nights.index()

    assert (result.snapshot, result.verdict, result.baseline) == (3, "pass", 1)


def test_a_gate_that_is_off_says_so(nights):
    """What is worse is published as unmeasured, and every place says why."""
    nights.first()
    nights.worsen()

    result = nights.index(gate=GateSpec(enabled=False))

    assert (result.status, result.verdict, result.why) == (
        "published",
        "unmeasured",
        "the gate is switched off",
    )


def broken(*_, **__):
    """Fails as no one expects."""
    raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (measuring, "outcomes"),
        (measuring, "index_outcomes"),
        (examining.gate, "judge"),
        (examining, "drift"),
        (recording, "write_report"),
        (recording.history, "append"),
    ],
)
def test_what_cannot_be_judged_is_not_published(nights, monkeypatch, module, name):
    """Whatever breaks while scoring, judging or writing it down: the old one serves, code 3."""
    nights.first()
    nights.add(40, 1)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, broken)
        with pytest.raises(GateFailedError) as caught:
            nights.index()

    (kept,) = candidates.blocked(nights.lake)
    assert (caught.value.exit_code, current(nights.lake)) == (3, 1)
    assert (kept.number, kept.verdict) == (2, "failed")
    assert nights.index().status == "published"


@pytest.mark.parametrize("name", ["write_page"])
def test_a_page_that_fails_changes_no_verdict(nights, monkeypatch, name):
    """It warns; the report is there, and the snapshot serves."""
    nights.first()
    nights.add(40, 1)
    monkeypatch.setattr(recording, name, broken)

    result = nights.index()

    assert (result.status, result.verdict) == ("published", "pass")
    assert (nights.lake.report("2") / "report.json").exists()


def test_a_touched_file_keeps_the_verdict(nights):
    """Nothing is scored: the evaluation is carried over, with its verdict and its baseline."""
    nights.first()
    nights.add(40, 1)
    nights.index()
    picture = next(nights.folder.glob("*.png"))
    picture.touch()

    result = nights.index()

    told = manifest_of(nights.lake).evaluation
    assert (result.snapshot, told.verdict, told.baseline, told.report) == (3, "pass", 1, 2)


def override(nights, run, **options):
    """`mmindex snapshots publish`."""
    told = {"lake": str(nights.lake.root), "run": run, "name": "Li Wei", "reason": "a new model"}
    return publish_blocked.fn(OverrideConfig(**told | options))


def test_a_blocked_candidate_can_be_published_by_somebody(nights):
    """Manifest and history keep who and why; it is the baseline of the next night."""
    nights.first()
    run = blocked(nights).run

    result = override(nights, run)

    told = manifest_of(nights.lake).evaluation
    assert (result.snapshot, result.before, current(nights.lake)) == (2, 1, 2)
    assert (told.verdict, told.override.name, told.override.reason) == (
        "block",
        "Li Wei",
        "a new model",
    )
    assert (last(nights).trigger, last(nights).override) == ("override", told.override)
    assert candidates.blocked(nights.lake) == []
    nights.add(40, 1)
    assert nights.index().baseline == 2


def test_a_candidate_of_an_older_snapshot_is_not_published_by_anybody(nights):
    """Where another serves by now, it would undo that: it stays blocked."""
    nights.first()
    run = blocked(nights).run
    nights.mend()
    nights.add(40, 1)
    nights.index()

    with pytest.raises(CandidateOutdatedError):
        override(nights, run)

    assert current(nights.lake) == 3
    assert [one.run for one in candidates.blocked(nights.lake)] == [run]


@pytest.mark.parametrize("said", [{"name": " "}, {"reason": ""}])
def test_nobody_publishes_for_no_reason(nights, said):
    """Both have to be said."""
    with pytest.raises(ValueError, match="say who"):
        override(nights, "some-run", **said)


def test_a_run_that_was_not_blocked_cannot_be_published(nights):
    """Those that can are named."""
    nights.first()
    run = blocked(nights).run

    with pytest.raises(ConfigError, match=run):
        override(nights, "some-run")
