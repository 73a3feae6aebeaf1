from pathlib import Path

from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from storage.layout import Layout
from tasks.alerts import Alert, event_of, message_of
from tasks.workplace import Workplace
from tests.mmcore.evaluation.reporting.made import blocked


def work(**fields):
    """Where the lake is."""
    specs = SegmentationSpec(), LimitsSpec(), RuntimeSpec()
    return Workplace(Layout(Path("/srv/lake")), "small", *specs, **fields)


def block(**fields):
    """The alert of a blocked run."""
    found = tuple(blocked().findings)
    return Alert("blocked", 7, "run-1", 6, found, report="/srv/r.html", **fields)


def test_a_message_of_a_block_says_what_to_do():
    """It counts findings, names the report, and the way to let it serve; grammar included."""
    lines = message_of(block(), work()).body.splitlines()

    assert "1 finding blocks, 1 warning" in lines
    assert "report /srv/r.html" in lines
    assert "mmindex snapshots publish run-1 --name WHO --reason TEXT" in lines[-1]


def test_an_event_of_a_block_names_what_blocked():
    """What was only warned of is among the findings, not among the directions."""
    payload = event_of(block(), Layout(Path("/srv/lake")))["payload"]

    assert payload["directions"] == ["text:zh→image"]
    assert [one["action"] for one in payload["findings"]] == ["block", "warn"]
    assert "name" not in payload


def test_an_override_says_who_and_why():
    """To people and to automations; of a private lake people are not told why."""
    told = Alert("overridden", 7, name="李伟", reason="new encoder")

    assert {"by 李伟", "new encoder"} <= set(message_of(told, work()).body.splitlines())
    assert "new encoder" not in message_of(told, work(private=True)).body
    payload = event_of(told, Layout(Path("/srv/lake")))["payload"]
    assert (payload["name"], payload["reason"]) == ("李伟", "new encoder")
