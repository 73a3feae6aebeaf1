"""Put other models into a candidate, judge it against what serves, and publish or keep it."""

from __future__ import annotations

from prefect import task

from mmcore.types import EncoderKey
from storage import candidates
from storage.manifest import Evaluation, Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.evaluate import score, summary
from tasks.models import bare, evaluation_spec, fit_spec, with_projection
from tasks.policies import POLICY
from tasks.promote_verdict import Verdict, verdict
from tasks.workplace import Workplace


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
    """Compare an evaluated candidate with what serves, by the same queries and the same code.

    Also returns the evaluation of what serves.
    """
    before, after = _scored(published, candidate, work), candidate.evaluation
    return verdict(before.scores, after.scores if after else {}), before


def _scored(published: Snapshot, candidate: Manifest, work: Workplace) -> Evaluation:
    """The published evaluation, made anew where there is none, or other software made it."""
    told = published.manifest
    if told.evaluation is not None and told.software == candidate.software:
        return told.evaluation
    return summary(score(told, evaluation_spec(told), fit_spec(told), work))


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
