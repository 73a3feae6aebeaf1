"""What people and Prefect are told of a lake: what the gate said, and what was decided of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
from prefect.settings import get_current_settings as get_settings
from pydantic import SecretStr

from mmcore.evaluation.reporting.words import counted, told
from mmcore.evaluation.scores import Finding, GateVerdict
from storage.layout import Layout
from storage.manifest import Manifest
from storage.schemas import digest
from tasks.discretion import discreet
from tasks.notify import SECONDS, Kind, Message, send
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

Happened = Literal[
    "blocked", "warned", "failed", "unmeasured", "stale", "rolled-back", "overridden"
]

KINDS: Final[dict[Happened, Kind]] = {
    "blocked": "failure",
    "failed": "failure",
    "stale": "failure",
    "rolled-back": "failure",
    "warned": "warning",
    "unmeasured": "warning",
    "overridden": "info",
}

LINES: Final = 10
"""Findings that a message names."""


@dataclass(frozen=True, slots=True)
class Alert:
    """Something to be told of a lake: numbers and names of directions, never what it holds."""

    happened: Happened
    snapshot: int | None
    run: str = ""
    baseline: int | None = None
    findings: tuple[Finding, ...] = ()
    why: str = ""  # in words; goes to people, into no event
    aloud: bool = True  # to people too, not only as an event
    report: str = ""  # the page; goes to people
    name: str = ""  # who decided it, if a person did
    reason: str = ""  # what was given for it


def alert_of(verdict: GateVerdict, manifest: Manifest, report: str = "") -> Alert | None:
    """What is told of a verdict; None of one that passed.

    That there is nothing to compare with is no news; that what there is cannot be compared with,
    though it had scores, is.
    """
    happened: dict[str, Happened] = {
        "block": "blocked",
        "warn": "warned",
        "failed": "failed",
        "unmeasured": "unmeasured",
    }
    if verdict.status not in happened:
        return None
    return Alert(
        happened[verdict.status],
        manifest.number,
        manifest.run,
        verdict.baseline,
        tuple(verdict.findings),
        verdict.why,
        aloud=verdict.status != "unmeasured" or verdict.blind,
        report=report,
    )


@task(name="alert", retries=0, cache_policy=NO_CACHE, persist_result=False)
@discreet
def alerted(alert: Alert, notify: Sequence[SecretStr], work: Workplace) -> list[str]:
    """Emit the event and tell everyone; returns what could not be told. Raises nothing.

    What was decided stands, whatever fails here.
    """
    failed = []
    try:
        _emit(alert, work.lake)
    except Exception as error:  # noqa: BLE001 - no event is worth a verdict
        log.warning("no event of the gate: %s", type(error).__name__)
        failed.append(f"event: {type(error).__name__}")
    if alert.aloud and notify:
        failed += send(notify, message_of(alert, work))
    return failed


def lake_id(layout: Layout) -> str:
    """Names a lake to Prefect without saying where it lies."""
    return f"mmindex.lake.{digest(str(layout.root))}"


def _emit(alert: Alert, layout: Layout) -> None:
    if TaskRunContext.get() is None:  # nobody listens, and a server would be started to hear it
        return
    emit_event(**event_of(alert, layout))


def announce(alert: Alert, layout: Layout, seconds: float = SECONDS) -> None:
    """Emit the event outside of any flow, where a server is set to hear it; raises nothing."""
    if not get_settings().api.url:
        return

    def emit() -> None:
        try:
            emit_event(**event_of(alert, layout))
            EventsWorker.instance().wait_until_empty()
        except Exception as error:  # noqa: BLE001 - what was done is done
            log.warning("no event of the gate: %s", type(error).__name__)

    thread = threading.Thread(target=emit, daemon=True)
    thread.start()
    thread.join(seconds)


def event_of(alert: Alert, layout: Layout) -> dict[str, Any]:
    """The event of an alert; of a block it names the directions that blocked alone."""
    blocks = [finding for finding in alert.findings if finding.action == "block"]
    counted_for = blocks if alert.happened == "blocked" else alert.findings
    named = list(dict.fromkeys(name for one in counted_for for name in one.directions))
    said = {"name": alert.name, "reason": alert.reason}
    return dict(
        event=f"mmindex.gate.{alert.happened}",
        resource={"prefect.resource.id": lake_id(layout), "prefect.resource.name": "mmindex lake"},
        payload={
            "snapshot": alert.snapshot,
            "run": alert.run,
            "baseline": alert.baseline,
            "directions": named,
            **{key: text for key, text in said.items() if text},
            "findings": [
                finding.model_dump(
                    mode="json",
                    include={"kind", "subject", "measure", "before", "after", "action"},
                )
                for finding in alert.findings
            ],
        },
    )


def message_of(alert: Alert, work: Workplace) -> Message:
    """What people get; of a private lake it does not say where it lies, nor why in words."""
    lake = lake_id(work.lake) if work.private else str(work.lake.root)
    what = f"snapshot {alert.snapshot}" if alert.snapshot is not None else "no snapshot"
    said = [told(finding).en for finding in alert.findings[:LINES]]
    more = len(alert.findings) - LINES
    body = [
        f"lake {lake}",
        *([f"run {alert.run}"] if alert.run else []),
        *([f"compared with snapshot {alert.baseline}"] if alert.baseline is not None else []),
        *([alert.why] if alert.why and not work.private else []),
        *_by_whom(alert, work),
        *([counted(alert.findings).en] if alert.findings else []),
        *said,
        *([f"and {more} more: the report has all"] if more > 0 else []),
        *([f"report {alert.report}"] if alert.report and not work.private else []),
        *_next_step(alert),
    ]
    title = f"mmindex: {what} {alert.happened}"
    return Message(title, "\n".join(body), KINDS[alert.happened])


def _by_whom(alert: Alert, work: Workplace) -> list[str]:
    """Who decided it and why; of a private lake only who."""
    reason = "" if work.private else alert.reason
    return [text for text in (f"by {alert.name}" if alert.name else "", reason) if text]


def _next_step(alert: Alert) -> list[str]:
    """What can be done about a block."""
    if alert.happened != "blocked" or not alert.run:
        return []
    anyway = f"`mmindex snapshots publish {alert.run} --name WHO --reason TEXT` lets it serve"
    return [f"mend the cause and index again; or {anyway}"]
