"""Put other models into a candidate, judge it against what serves, and publish or keep it."""

from __future__ import annotations

import logging
from dataclasses import replace

from prefect import task

from mmcore.encoders.presets import encoders_of
from mmcore.encoders.projections import FittedOn
from mmcore.errors import EvaluationError
from mmcore.evaluation.evaluate import laid_out
from mmcore.evaluation.known import Known, known, mute
from mmcore.types import EncoderKey
from storage import candidates
from storage.errors import CorruptLakeError
from storage.manifest import Evaluation, Manifest
from storage.schemas import MmindexError
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.evaluate import fitted_on, score, summary
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


@task(name="compare", **POLICY)
@discreet
def compare(
    candidate: Manifest,
    work: Workplace,
    published: Snapshot,
    spec: VerdictSpec,
    damaged: tuple[str, ...] = (),
) -> tuple[Verdict, Evaluation]:
    """Compare a candidate, evaluated beside what serves, with that: same queries, same code.

    Also returns the evaluation of what serves, which is made for this. Where that fails, as after
    a change of software, nothing can be compared: the candidate serves by force, or a rollback.
    ``damaged``: models that served, and that ``published`` is without; without its projection it
    has no score, without its fusion only what needs none.
    """
    after = candidate.evaluation
    lost = next((name for name in damaged if name.startswith(f"{PROJECTION}/")), None)
    asked: dict[str, Remembered] = {}
    unasked: Unasked = ""
    if lost is not None:
        before = _unmeasured(f"{lost}, which serves, is damaged: it has no score")
    else:
        before, asked, unasked = _scored(published, candidate, work)
    found = verdict(before.scores, after.scores if after else {}, asked, spec)
    said = before.reason if found.why == "unmeasured" else ""
    return replace(found, said=said, unasked=unasked, damaged=damaged), before


def _scored(
    published: Snapshot, candidate: Manifest, work: Workplace
) -> tuple[Evaluation, dict[str, Remembered], Unasked]:
    """How what serves does on the candidate's queries, and both on captions that it has seen.

    Its own record does not do: it was made with other queries where the candidate's models learned
    from more, or those that served when it was made.
    """
    told, also = published.manifest, fitted_on(candidate, work)
    try:
        before = summary(score(told, evaluation_spec(told), fit_spec(told), work, also))
        return before, *_remembered(told, candidate, work)
    except EvaluationError as error:
        why = "what serves could not be scored beside the candidate"
        why += "" if work.private else f": {error.__cause__}"  # it may name what the lake holds
        log.warning("%s", why)
        return _unmeasured(why), {}, ""


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
    projection, specs = load_projection(manifest, work), (evaluation_spec(told), fit_spec(told))
    try:
        bench = laid_out(snapshot, encoders, projection, *specs, FittedOn())
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
