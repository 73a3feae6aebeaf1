"""What the gate said: whether it was said before, who is told, and what a refusal says."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.events import emit_event
from prefect.events.worker import EventsWorker
from prefect.settings import get_current_settings as get_settings
from pydantic import SecretStr

from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.reporting.words import counted, told
from mmcore.evaluation.scores import Finding, GateVerdict
from storage import candidates, history
from storage.errors import CorruptLakeError, LakeVersionError
from storage.layout import Layout
from storage.manifest import Manifest, read_manifest
from storage.schemas import digest
from storage.snapshot import Snapshot, published
from tasks.discretion import discreet
from tasks.manifests import same_files
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

DECIDING: Final = (
    *("specs", "preset", "encoders", "projection", "fusion", "indexes", "dtype", "private"),
    "software",
)
"""What of a manifest, beside its files, decides how it scores."""

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


@dataclass(frozen=True, slots=True)
class Refused:
    """What was made and refused before: a candidate, or a snapshot that was ``published``."""

    run: str
    number: int | None
    reason: str
    published: bool = False


def as_blocked(manifest: Manifest, gate: GateSpec, work: Workplace) -> Refused | None:
    """What was the very same, and was refused by the same rules; None where there is none.

    So it was also where a snapshot was published, found worse later, and rolled back from. Times
    of files, and of rows in quarantine, do not count.
    """
    for one in candidates.blocked(work.lake):
        if one.verdict != "block" or one.judged_by != gate.digest:
            continue
        before = _readable(work.lake.candidate(one.run) / "manifest.json")
        if before and before.parent == manifest.parent and _alike(manifest, before, work):
            return Refused(one.run, one.number, one.reason)
    return _rolled_back(manifest, work)


def _rolled_back(manifest: Manifest, work: Workplace) -> Refused | None:
    """A snapshot above the one that serves, whose last verdict was a block that stands.

    One that somebody let serve all the same is judged like any other.
    """
    above = [number for number in published(work.lake) if number > (manifest.parent or 0)]
    entries = history.read(work.lake) if above else []
    for number in reversed(above):
        before = _readable(work.lake.snapshot(number) / "manifest.json")
        if before is None or not _alike(manifest, before, work):
            continue
        entry = history.last(entries, number, before.run)
        accepted = history.override_of(entries, before) is not None
        if entry is not None and entry.verdict == "block" and not accepted:
            why = f"it is as snapshot {number}, which was found worse and rolled back from"
            return Refused(before.run, number, why, published=True)
    return None


def _readable(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except (CorruptLakeError, LakeVersionError) as error:
        log.warning("%s", error)
        return None


def _alike(one: Manifest, other: Manifest, work: Workplace) -> bool:
    """Whether both would score the same."""
    timed = [work.lake.relative(work.lake.rows(name)) for name in ("files", "quarantine")]
    if not same_files(one, other, but=timed):
        return False
    return all(getattr(one, name) == getattr(other, name) for name in DECIDING)


def told_block(verdict: GateVerdict) -> str:
    """The first thing that blocks, in words, and how many findings there are in all."""
    blocks = [finding for finding in verdict.findings if finding.action == "block"]
    if not blocks:
        return "the gate blocked it"
    rule = f" (rule {blocks[0].rule!r})" if blocks[0].rule else ""
    all_told = len(verdict.findings) > 1
    more = f"; in all, {counted(verdict.findings).en}" if all_told else ""
    return f"{told(blocks[0]).en.rstrip('.')}{rule}{more}"


def baseline_of(manifest: Manifest, against: int | None, work: Workplace) -> Snapshot | None:
    """What a snapshot, or a candidate, is judged against once it is there.

    ``against``, or the newest of its ancestors that are kept and open whole which no verdict
    speaks against, unless that was overridden. A later verdict of one counts before that under
    which it was published; that it could not be judged, on a full disk perhaps, is none. None
    where there is none.
    """
    if against is not None:
        return Snapshot.open(work.lake, against)
    kept, entries = set(published(work.lake)), history.read(work.lake)
    number = manifest.parent
    while number in kept:
        found = _readable(work.lake.snapshot(number) / "manifest.json")
        if found is None:
            return None
        if found.partial is None and _stands(found, entries):
            try:
                return Snapshot.open(work.lake, number)
            except CorruptLakeError as error:
                log.warning("snapshot %s is not compared with: %s", number, error)
        number = found.parent
    return None


def _stands(manifest: Manifest, entries: list[history.Entry]) -> bool:
    """Whether what is known of a snapshot lets it be a baseline."""
    if history.override_of(entries, manifest) is not None:
        return True
    return history.judged_of(entries, manifest) != "block"
