import pytest

from flows.commands.evaluate import command as evaluation
from flows.commands.snapshots import show as show_snapshots
from flows.commands.snapshots.command import run_list
from flows.commands.status import show
from flows.config.evaluate import OverrideConfig
from flows.publish_blocked import publish_blocked
from flows.terminal.printing import OUT
from mmcore.errors import ConfigError, PublicationBlockedError
from mmcore.evaluation.gating.rules import GateSpec
from storage import history
from storage.published import current, manifest_of
from tests.flows.gate.conftest import HERE, OFF


def publish(nights, name, **options):
    """`mmindex snapshots publish`."""
    told = {"lake": str(nights.lake.root), "run": str(name), "name": "Li", "reason": "agreed"}
    return publish_blocked.fn(OverrideConfig(**told | options))


def test_what_somebody_let_serve_is_not_rolled_back_from(nights):
    """What it was refused for only warns from then on; what is new blocks, and it serves on."""
    nights.first()
    nights.worsen()
    with pytest.raises(PublicationBlockedError) as caught:
        nights.index()
    publish(nights, caught.value.run)

    result = nights.evaluate(on_block="roll-back")

    assert (result.status, result.rolled_back_to, current(nights.lake)) == ("warn", None, 2)
    assert result.findings
    assert {row.action for row in result.compared} <= {"", "warn"}

    new = GateSpec(rules=("coverage:image share: min = 1.1",))
    again = nights.evaluate(on_block="roll-back", gate=new)
    assert (again.status, again.rolled_back_to, current(nights.lake)) == ("block", None, 2)
    assert "Li let it serve all the same (agreed)" in again.not_rolled_back
    assert nights.evaluate(against=1).status == "block"


def test_what_serves_and_was_found_worse_can_be_accepted(worse, capsys):
    """By its number: the history keeps who and why, and no night alarms or undoes it any more."""
    before = manifest_of(worse.lake)
    with pytest.raises(ConfigError, match="no verdict speaks against"):
        publish(worse, 2)
    with pytest.raises(ConfigError, match="does not serve"):
        publish(worse, 1)
    assert worse.evaluate().status == "block"

    result = publish(worse, 2)

    entry = history.read(worse.lake)[-1]
    assert (result.snapshot, result.before, current(worse.lake)) == (2, 2, 2)
    assert manifest_of(worse.lake) == before
    assert (entry.trigger, entry.verdict, entry.override.name) == ("override", "block", "Li")
    assert worse.evaluate(on_block="roll-back").status == "warn"
    worse.add(40, 1)
    assert (worse.index().baseline, worse.evaluate().baseline) == (2, 2)
    capsys.readouterr()
    run_list(str(worse.lake.root), as_json=False)
    show_snapshots.overridden(OUT, result)
    assert capsys.readouterr().out.count("published all the same by Li") == 2


def test_an_unchanged_night_says_who_let_it_serve(worse, capsys):
    """Beside the verdict that it was published under."""
    worse.evaluate()
    publish(worse, 2)

    result = worse.index(gate=OFF)

    show.status(OUT, worse.lake, manifest_of(worse.lake))
    assert (result.status, result.why) == ("unchanged", "published all the same by Li: agreed")
    assert "published all the same by Li: agreed" in capsys.readouterr().out
    told = show.status_json(worse.lake, manifest_of(worse.lake))["evaluation"]
    assert told["override"]["name"] == "Li"


def test_what_was_rolled_back_from_can_serve_again(worse):
    """The refusal of the same names a way out that there is."""
    worse.evaluate(on_block="roll-back")

    with pytest.raises(PublicationBlockedError) as caught:
        worse.index()

    assert (caught.value.published, caught.value.number) == (True, 2)
    assert "`mmindex snapshots rollback 2`" in str(caught.value)
    assert "snapshots publish" not in str(caught.value)


def test_what_somebody_accepted_and_went_back_from_is_judged_anew(worse):
    """It is a candidate then, which can be published by hand."""
    from storage.publication import roll_back

    worse.evaluate()
    publish(worse, 2)
    roll_back(worse.lake, 1)

    with pytest.raises(PublicationBlockedError) as caught:
        worse.index()

    assert not caught.value.published
    assert publish(worse, caught.value.run).snapshot == 3


def test_a_number_of_a_removed_candidate_is_not_given_again(nights):
    """Else the history would speak of another snapshot."""
    from storage import candidates

    nights.index()
    nights.worsen()
    with pytest.raises(PublicationBlockedError) as caught:
        nights.index()
    candidates.drop_candidate(nights.lake, caught.value.run)
    for path in nights.lake.report("2").iterdir():
        path.unlink()
    nights.lake.report("2").rmdir()
    nights.mend()
    nights.add(40, 1)

    assert nights.index().snapshot == 3
    nights.add(41, 1)
    nights.index()
    assert nights.evaluate().baseline == 3


def test_a_promotion_may_trade_directions_ever_after(worse):
    """What the gate of a promotion warned of is no alarm the next night."""
    entries = history.read(worse.lake)
    history.append(worse.lake, entries[-1].model_copy(update={"trigger": "promote"}))

    assert worse.evaluate().status == "warn"


def test_a_first_night_that_is_blocked_can_be_looked_at(nights, capsys):
    """It is evaluated, shown in the history, and named by what finds nothing published."""
    from flows.commands.status.command import run_status

    rules = GateSpec(rules=("coverage:image share: min = 1.1",))
    with pytest.raises(PublicationBlockedError) as caught:
        nights.index(gate=rules)
    run, lake = caught.value.run, str(nights.lake.root)
    assert "may not be below 1.100" in str(caught.value)
    assert "nothing was published before" not in str(caught.value)

    result = nights.evaluate(run=run, max_age_hours=100)

    assert (result.status, result.baseline) == ("block", None)
    evaluation.run_history(lake, ("*", "RR", 5), evaluation.Manner(lang="en"))
    assert "index" in capsys.readouterr().out
    for asking in (
        lambda: run_status(lake, as_json=False),
        lambda: evaluation.chosen(nights.lake, None),
    ):
        with pytest.raises(ConfigError, match=f"publish {run}"):
            asking()
    assert publish(nights, run).snapshot == 1


def test_the_last_word_on_a_block_is_what_blocks(nights):
    """Not why nothing was compared."""
    from storage import candidates

    with pytest.raises(PublicationBlockedError) as caught:
        nights.index(gate=GateSpec(rules=("coverage:image share: min = 1.1",)))

    (kept,) = candidates.blocked(nights.lake)
    assert kept.run == caught.value.run
    assert kept.reason == caught.value.why


def test_a_floor_needs_no_comparison(nights):
    """The first night is held against `min`, too; by directions, and by the mean of all."""
    nights.worsen()
    rules = GateSpec(rules=("text:en->image RR: min = 0.9", "all RR: min = 0.9, action = warn"))

    with pytest.raises(PublicationBlockedError, match="may not be below 0\\.900") as caught:
        nights.index(gate=rules)

    result = nights.evaluate(run=caught.value.run)
    found = {one.subject: (one.action, one.before) for one in result.findings}
    assert found == {"text:en→image": ("block", None), "all": ("warn", None)}
    assert all(one.directions for one in result.findings)


def test_that_nothing_can_be_compared_any_more_is_told(nights, monkeypatch):
    """All files renamed: no item of yesterday is there, and yesterday had scores."""
    from tasks import alerts

    told = []
    monkeypatch.setattr(alerts, "send", lambda entries, message: told.append(message) or [])
    nights.index(notify=("json://host",))
    assert told == []
    for path in sorted(nights.folder.iterdir()):
        path.rename(path.with_name(f"new-{path.name}"))

    result = nights.index(notify=("json://host",), max_deleted_fraction=1.0)

    assert (result.verdict, len(told)) == ("unmeasured", 1)
    assert "unmeasured" in told[0].title


def test_a_score_that_is_not_there_is_not_warned_of(nights, caplog):
    """A lake of too few queries has no scores to be held against."""
    few = {"evaluation": {"min_queries": 500, "latency_queries": 0}}
    nights.index(**few)

    assert nights.evaluate().status == "unmeasured"
    assert "cannot be compared with" not in caplog.text


def test_an_older_snapshot_that_is_gone_is_not_said_to_have_never_been(nights):
    """`maintain --keep 1` leaves nothing to be compared with."""
    from storage.candidates import remove_folder

    nights.index()
    nights.add(40, 1)
    nights.index()
    remove_folder(nights.lake.snapshot(1))

    assert "is kept" in nights.evaluate().why


def test_a_night_of_another_model_that_was_blocked_is_named(nights):
    """What serves cannot be asked by the installed one: the way out is the blocked run."""
    from mmcore.errors import GateFailedError

    nights.index()
    nights.worsen()
    with pytest.raises(PublicationBlockedError) as caught:
        nights.index()

    with pytest.raises(GateFailedError, match=f"publish {caught.value.run}"):
        nights.evaluate()


def test_a_comparison_works_where_nothing_serves(nights):
    """By the rules that the candidate was judged by."""
    rules = GateSpec(rules=("coverage:image share: min = 1.1",))
    with pytest.raises(PublicationBlockedError) as caught:
        nights.index(gate=rules)
    run = caught.value.run

    assert not evaluation.run_compare(
        (run, run),
        {"lake": str(nights.lake.root), "runtime": HERE},
        evaluation.Manner(lang="en"),
        stored=False,
    )
