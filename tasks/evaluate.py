"""Evaluate a candidate on the lake's own held-out pairs."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from mmcore.encoders.presets import encoders_of, of_a_lake
from mmcore.encoders.projections import FittedOn
from mmcore.errors import EvaluationError
from mmcore.evaluation.evaluate import Report, evaluate, learned_from
from mmcore.evaluation.report import write_report
from mmcore.specs import EvaluationSpec, FitSpec, LimitsSpec, RuntimeSpec, SegmentationSpec
from storage import candidates
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.manifest import Evaluation, Manifest
from storage.schemas import MmindexError
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.manifests import same_files
from tasks.policies import POLICY
from tasks.projections import load_projection
from tasks.workplace import Workplace

DECIDING = (
    *("specs", "preset", "encoders", "projection", "fusion", "indexes", "dtype", "private"),
    "software",
)  # what of a manifest, beside its files, decides a report


@task(name="evaluate", **POLICY)
@discreet
def evaluate_candidate(
    manifest: Manifest,
    spec: EvaluationSpec,
    fit: FitSpec,
    work: Workplace,
    beside: Snapshot | None = None,
) -> Manifest:
    """Score the numbered candidate; one that cannot be scored is marked as blocked, and why.

    What the models of ``beside`` learned from is not asked either: it is to be compared with that.
    """
    try:
        also = None if beside is None else fitted_on(beside.manifest, work)
        scored = score(manifest, spec, fit, work, also)
    except EvaluationError as error:
        candidates.block(work.lake, manifest.run, str(error))
        raise
    write_report(scored, work.lake.report(str(manifest.number)))
    return manifest.model_copy(update={"evaluation": summary(scored)})


def carried_over(
    manifest: Manifest, published: Snapshot | None, work: Workplace
) -> Evaluation | None:
    """The published evaluation, where all that it was made of and by is the candidate's too.

    A file that was touched changes the table of files alone, and no score. None where the report
    that it is told in is gone.
    """
    if published is None or published.manifest.evaluation is None:
        return None
    before, told = published.manifest, published.manifest.evaluation
    if not same_files(manifest, before, but=(work.lake.relative(work.lake.rows("files")),)):
        return None
    if any(getattr(manifest, name) != getattr(before, name) for name in DECIDING):
        return None
    report = before.number if told.report is None else told.report
    if not (work.lake.report(str(report)) / "report.json").exists():
        return None
    return told.model_copy(update={"report": report})


def fitted_on(manifest: Manifest, work: Workplace) -> FittedOn:
    """What the models of a snapshot or candidate have learned from."""
    return learned_from(Snapshot.of(work.lake, manifest), load_projection(manifest, work))


def score(
    manifest: Manifest,
    spec: EvaluationSpec,
    fit: FitSpec,
    work: Workplace,
    also: FittedOn | None = None,
) -> Report:
    """Score one snapshot or candidate; a failure is an EvaluationError, unless the lake's."""
    encoders = encoders_of(work.preset, work.segmentation, work.runtime)
    try:
        projection = load_projection(manifest, work)
        snapshot = Snapshot.of(work.lake, manifest)
        return evaluate(snapshot, encoders, projection, spec, fit, also)
    except CorruptLakeError:
        raise
    except MmindexError as error:
        raise EvaluationError(
            f"the candidate could not be scored, so it is not published: {error}"
        ) from error


def summary(report: Report) -> Evaluation:
    """What a manifest keeps of a report."""
    return Evaluation(
        status=report.status,
        reason=report.reason,
        queries=sum(direction.queries for direction in report.directions),
        scores={direction.name: dict(direction.means) for direction in report.directions},
    )


def score_published(lake: Layout, runtime: RuntimeSpec) -> tuple[Report, Path]:
    """Score the published snapshot by its own specs; returns the report and its page."""
    manifest = Snapshot.open(lake).manifest
    specs = manifest.specs
    runtime = of_a_lake(runtime)
    segmentation = SegmentationSpec.model_validate(specs["segmentation"])
    work = Workplace(lake, manifest.preset, segmentation, LimitsSpec(), runtime)
    spec = EvaluationSpec.model_validate(specs["evaluation"])
    scored = score(manifest, spec, FitSpec.model_validate(specs["fit"]), work)
    folder = lake.report(str(manifest.number))
    write_report(scored, folder)
    return scored, folder / "report.html"
