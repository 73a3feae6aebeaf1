"""Propose and publish a candidate: the pointer moves once everything it names is on disk."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from prefect import task
from pydantic import ValidationError

from mmcore.evaluation.gating.accepted import refusals
from mmcore.evaluation.reporting.report import JSON
from mmcore.evaluation.scores import GateVerdict, Report
from storage import candidates, history, publication
from storage.layout import Layout
from storage.manifest import Evaluation, Manifest, Override
from storage.places.place import read_now
from tasks.discretion import discreet
from tasks.policies import POLICY
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


@task(name="propose", **POLICY)
@discreet
def propose_candidate(manifest: Manifest, work: Workplace) -> Manifest:
    """Give the candidate its number, once, and write its manifest under ``candidates/``.

    There it stays until it is published: what blocks it can be looked into.
    """
    return propose(manifest, work.lake)


def propose(manifest: Manifest, lake: Layout) -> Manifest:
    """`propose_candidate` as a plain function."""
    numbered = manifest.model_copy(update={"number": publication.next_number(lake)})
    candidates.write_candidate(lake, numbered)
    return numbered


@task(name="publish", **POLICY)
@discreet
def publish_snapshot(manifest: Manifest, work: Workplace) -> Manifest:
    """Make the candidate the published snapshot, or find that an earlier try did."""
    return publish(manifest, work.lake)


@task(name="publish-override", **POLICY)
@discreet
def publish_override(manifest: Manifest, override: Override, work: Workplace) -> Manifest:
    """Publish a candidate that was blocked, with who wanted it and why; so says the history."""
    override = _accepting(manifest, override, work.lake)
    return publication.publish_blocked(work.lake, _with(manifest, override))


@task(name="accept", **POLICY)
@discreet
def accept(manifest: Manifest, override: Override, work: Workplace) -> Manifest:
    """Let what serves serve on, though it was found worse: the history says who wanted it.

    Its manifest stays as it is. What blocked it, by its newest report, blocks it no more.
    """
    entries = history.read(work.lake)
    last = history.last(entries, manifest.number or 0, manifest.run)
    entry = history.overriding(manifest, _accepting(manifest, override, work.lake))
    if last is not None:
        entry = entry.model_copy(update={"verdict": last.verdict, "baseline": last.baseline})
    history.append(work.lake, entry)
    return manifest


def overridden(manifest: Manifest, name: str, reason: str, lake: Layout) -> Manifest:
    """The candidate with who lets it serve whatever the verdict says; the history says so too."""
    override = Override(name=name, reason=reason, when=datetime.now(UTC))
    override = _accepting(manifest, override, lake)
    told = _with(manifest, override)
    history.append(lake, history.overriding(told, override))
    return told


def _accepting(manifest: Manifest, override: Override, lake: Layout) -> Override:
    """The override with all that blocked it: when it was refused, and by its newest report."""
    before = history.override_of(history.read(lake), manifest)
    found = list(before.accepted) if before else []
    for verdict in (_kept(manifest, lake), _reported(manifest, lake)):
        found += refusals(verdict) if verdict else []
    return override.model_copy(update={"accepted": list(dict.fromkeys(found))})


def _kept(manifest: Manifest, lake: Layout) -> GateVerdict | None:
    """What the gate said when it refused the candidate."""
    told = candidates.verdict_of(lake, manifest.run)
    try:
        return None if told is None else GateVerdict.model_validate(told)
    except ValidationError as error:
        log.warning("%s: it is not known what blocked it: %s", lake.candidate(manifest.run), error)
        return None


def _reported(manifest: Manifest, lake: Layout) -> GateVerdict | None:
    """What the newest report of it says; None where it could not be made."""
    path = lake.report(str(manifest.number)) / JSON
    try:
        return Report.model_validate_json(read_now(path)).verdict
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        log.warning("%s: it is not known what blocked it: %s", path, error)
        return None


def _with(manifest: Manifest, override: Override) -> Manifest:
    told = manifest.evaluation or Evaluation(status="unmeasured", verdict="failed")
    return manifest.model_copy(
        update={"evaluation": told.model_copy(update={"override": override})}
    )


def publish(manifest: Manifest, lake: Layout) -> Manifest:
    """`publish_snapshot` as a plain function."""
    published = publication.publish(lake, manifest)
    try:
        candidates.drop_candidate(lake, manifest.run)
    except OSError as error:  # what serves is whole
        log.warning("%s is left over: %s", lake.candidate(manifest.run), error)
    return published
