"""Put other models into a candidate, judge it against what serves, and publish or keep it."""

from __future__ import annotations

import logging
from dataclasses import replace

from prefect import task

from mmcore.errors import EvaluationError
from mmcore.types import EncoderKey
from storage import candidates
from storage.manifest import Evaluation, Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.evaluate import fitted_on, score, summary
from tasks.models import bare, evaluation_spec, fit_spec, with_projection
from tasks.policies import POLICY
from tasks.promote_verdict import Verdict, verdict
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
    candidate: Manifest, work: Workplace, published: Snapshot
) -> tuple[Verdict, Evaluation]:
    """Compare a candidate, evaluated beside what serves, with that: same queries, same code.

    Also returns the evaluation of what serves, which is made for this. Where that fails, as after
    a change of software, nothing can be compared: the candidate serves by force, or a rollback.
    """
    before, after = _scored(published, candidate, work), candidate.evaluation
    found = verdict(before.scores, after.scores if after else {})
    return replace(found, said=before.reason if found.why == "unmeasured" else ""), before


def _scored(published: Snapshot, candidate: Manifest, work: Workplace) -> Evaluation:
    """How what serves does on the candidate's queries.

    Its own record does not do: it was made with other queries where the candidate's models learned
    from more, or those that served when it was made.
    """
    told, also = published.manifest, fitted_on(candidate, work)
    try:
        return summary(score(told, evaluation_spec(told), fit_spec(told), work, also))
    except EvaluationError as error:
        why = "what serves could not be scored beside the candidate"
        why += "" if work.private else f": {error.__cause__}"  # it may name what the lake holds
        log.warning("%s", why)
        return Evaluation(status="unmeasured", reason=why, queries=0, scores={})


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
