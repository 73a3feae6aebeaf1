"""Put other models into a candidate, judge it against what serves, and refuse it or drop it."""

from __future__ import annotations

import logging
from dataclasses import replace

from prefect import task

from mmcore.encoders.presets import encoders_of
from mmcore.encoders.projections import FittedOn
from mmcore.errors import EvaluationError
from mmcore.evaluation.evaluate import laid_out
from mmcore.evaluation.gating.drift import drift
from mmcore.evaluation.gating.gate import judge
from mmcore.evaluation.known import Known, known, mute
from mmcore.evaluation.outcomes import Measured
from mmcore.evaluation.querysets.frozen import FrozenSet
from mmcore.evaluation.terms import Terms
from mmcore.types import EncoderKey
from storage import candidates
from storage.errors import CorruptLakeError
from storage.manifest import Evaluation, Manifest
from storage.schemas import MmindexError
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.examining import Exam, Judged, evidence, reported, settled
from tasks.measuring import Both, both_measured, fitted_on
from tasks.models import PROJECTION, bare, evaluation_spec, fit_spec, with_projection
from tasks.policies import POLICY
from tasks.projections import load_projection
from tasks.promote_verdict import (
    Remembered,
    Unasked,
    Verdict,
    VerdictSpec,
    remembered,
    verdict,
)
from tasks.recording import recorded
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


@task(name="start-promotion", **POLICY)
@discreet
def start_promotion(
    run: str,
    projection: str | None,
    keys: tuple[EncoderKey, ...],
    work: Workplace,
    published: Snapshot,
) -> Manifest:
    """A candidate of the published rows and cells, with a stored version of the projection."""
    return with_projection(bare(published.manifest, run), projection, keys, work, published)


@task(name="evaluate", **POLICY)
@discreet
def evaluate_and_compare(
    candidate: Manifest,
    published: Snapshot,
    exam: Exam,
    spec: VerdictSpec,
    work: Workplace,
    damaged: tuple[str, ...] = (),
) -> tuple[Judged, Verdict, Evaluation]:
    """Measure a candidate beside what serves, judge it, and compare the two by the same scores.

    Returns what the gate says, the candidate with it; whether it may serve; and the evaluation of
    what serves, made for this: its own record does not do, which was made with other queries where
    the candidate's models learned from more. Directions may be traded: the gate warns of their
    drops. Where what serves cannot be scored, as after a change of software, nothing can be
    compared: the candidate serves by force, or a rollback. ``damaged``: models that served, and
    that ``published`` is without; without its projection it has no score, without its fusion only
    what needs none. What fails of the candidate is raised.
    """
    lost = next((name for name in damaged if name.startswith(f"{PROJECTION}/")), None)
    baseline = published if lost is None else None
    both = both_measured(candidate, baseline, exam.evaluation, exam.fit, work)
    if lost is not None:
        both = replace(both, why=f"{lost}, which serves, is damaged: it has no score")
    comparison = both.comparison(exam.gate)
    before, asked, unasked = _served(both, candidate, published, work)
    report = reported(both, drift(baseline, both.after.snapshot), baseline)
    told = judge(evidence(both, report, comparison, baseline, promotion=True), exam.gate)
    told = settled(told, exam.gate)
    found = verdict(comparison if before.status == "measured" else None, asked, spec, told)
    said = before.reason if found.why == "unmeasured" else ""
    found = replace(found, said=said, unasked=unasked, damaged=damaged)
    return recorded(report, told, both, exam, work), found, before


def _served(
    both: Both, candidate: Manifest, published: Snapshot, work: Workplace
) -> tuple[Evaluation, dict[str, Remembered], Unasked]:
    """How what serves does on the candidate's queries, and both on captions that it has seen."""
    if both.before is None:
        return _unmeasured(both.why), {}, ""
    try:
        asked, unasked = _remembered(published.manifest, candidate, work)
    except EvaluationError as error:
        why = "what serves could not be scored beside the candidate"
        why += "" if work.private else f": {error.__cause__}"  # it may name what the lake holds
        log.warning("%s", why)
        return _unmeasured(why), {}, ""
    scored = [one.full for one in both.before.measured if isinstance(one, Measured)]
    before = Evaluation(
        status="measured",
        queries=sum(len(outcome.queries) for outcome in scored),
        scores={outcome.label: outcome.means() for outcome in scored},
    )
    return before, asked, unasked


def _unmeasured(why: str) -> Evaluation:
    return Evaluation(status="unmeasured", reason=why, queries=0, scores={})


def _remembered(
    told: Manifest, candidate: Manifest, work: Workplace
) -> tuple[dict[str, Remembered], Unasked]:
    """Both asked with captions that what serves was fitted on, for their own items.

    By the lake's settings as they are now, in both. Where none is asked with, also why.
    """
    seen = fitted_on(told, work)
    if not seen.captions:
        return {}, ""
    before, after = (_known(manifest, told, seen, work) for manifest in (told, candidate))
    if before is None or after is None:
        return {}, "texts"
    found = remembered(before, after, evaluation_spec(told).min_queries)
    return found, "" if found else "few"


def _known(manifest: Manifest, told: Manifest, seen: FittedOn, work: Workplace) -> Known | None:
    """None where the lake keeps no words to ask with."""
    snapshot = Snapshot.of(work.lake, manifest)
    encoders = encoders_of(work.preset, work.segmentation, work.runtime)
    projection, spec, fit = load_projection(manifest, work), evaluation_spec(told), fit_spec(told)
    try:
        terms = Terms(spec, fit, FrozenSet({}))  # asked with captions that are no frozen queries
        bench = laid_out(snapshot, encoders, projection, terms)
        return None if mute(bench) else known(bench, seen)
    except CorruptLakeError:
        raise
    except MmindexError as error:
        raise EvaluationError(f"what was learned from cannot be asked: {error}") from error


@task(name="refuse", **POLICY)
@discreet
def refuse(manifest: Manifest, reason: str, work: Workplace) -> None:
    """Keep the candidate, marked as blocked: it and its models can be looked into."""
    candidates.block(work.lake, manifest.run, reason)


@task(name="set-aside", **POLICY)
@discreet
def drop(manifest: Manifest, work: Workplace) -> None:
    """Drop a candidate that was only made to be measured; its models stay."""
    candidates.drop_candidate(work.lake, manifest.run)
