import pytest

from mmcore.evaluation.gating.accepted import refusals, softened
from mmcore.evaluation.scores import Compared, Finding, GateVerdict


def finding(kind="worse", subject="text:zh→image", measure="RR", action="block"):
    """One that blocks."""
    return Finding(
        kind=kind, subject=subject, measure=measure, action=action, directions=[subject]
    )


def row(direction="text:zh→image", measure="RR"):
    """A comparison that blocked."""
    facts = dict.fromkeys(("before", "after", "drop", "low", "high", "p", "adjusted"), 0.1)
    return Compared(
        direction=direction,
        measure=measure,
        queries=9,
        groups=9,
        rule="r",
        action="block",
        **facts,
    )


FELL = finding()
FLOOR = finding("floor", "image-p1", "")
WARNED = finding("quarantine", "quarantine", "share", "warn")


def verdict(*findings, **told):
    """A block, by these findings."""
    return GateVerdict(status="block", baseline=1, findings=list(findings), **told)


def test_what_blocks_is_named_by_kind_subject_and_measure():
    """What only warned, and what could not be measured at all, was not refused."""
    found = refusals(verdict(FELL, FLOOR, WARNED, finding("failed", "an error's text", "")))

    assert found == ["worse text:zh→image RR", "floor image-p1"]


@pytest.mark.parametrize(("why", "status"), [("", "warn"), ("too few queries", "unmeasured")])
def test_what_was_accepted_only_warns(why, status):
    """So do the rows of the comparison that it came from."""
    before = verdict(FELL, FLOOR, why=why, compared=[row(), row(measure="P@10")])

    after = softened(before, refusals(before))

    assert after.status == status
    assert {one.action for one in after.findings} == {"warn"}
    assert [one.action for one in after.compared] == ["warn", "block"]


@pytest.mark.parametrize(
    "new",
    [
        finding("norm", "image/p1", ""),
        finding(subject="text:en→image"),
        finding(measure="Success@10"),
    ],
)
def test_what_is_new_blocks_as_ever(new):
    """And stands first."""
    after = softened(verdict(FELL, new), refusals(verdict(FELL)))

    assert after.status == "block"
    assert [one.action for one in after.findings] == ["block", "warn"]
    assert after.findings[0] == new


def test_where_nothing_was_accepted_nothing_changes():
    """The same verdict."""
    before = verdict(FELL)

    assert softened(before, ()) is before
