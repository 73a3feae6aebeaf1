"""Evaluate a candidate on the lake's own held-out pairs."""

from __future__ import annotations

from pathlib import Path

from prefect import task

from mmcore.encoders.presets import encoders_of
from mmcore.errors import EvaluationError
from mmcore.evaluation.evaluate import Report, evaluate
from mmcore.evaluation.report import write_report
from mmcore.specs import EvaluationSpec, FitSpec, LimitsSpec, RuntimeSpec, SegmentationSpec
from storage.layout import Layout
from storage.manifest import Evaluation, Manifest
from storage.schemas import MmindexError
from storage.snapshot import Snapshot
from tasks.policies import POLICY
from tasks.train import load_projection
from tasks.workplace import Workplace


@task(name="evaluate", **POLICY)
def evaluate_candidate(
    manifest: Manifest, spec: EvaluationSpec, fit: FitSpec, work: Workplace
) -> Manifest:
    """Score the numbered candidate; an evaluation that fails blocks it."""
    scored = score(manifest, spec, fit, work)
    write_report(scored, work.lake.report(str(manifest.number)))
    return manifest.model_copy(update={"evaluation": summary(scored)})


def score(manifest: Manifest, spec: EvaluationSpec, fit: FitSpec, work: Workplace) -> Report:
    """Score one snapshot or candidate; any failure is an EvaluationError with its cause."""
    encoders = encoders_of(work.preset, work.segmentation, work.runtime)
    try:
        return evaluate(
            Snapshot.of(work.lake, manifest), encoders, load_projection(manifest, work), spec, fit
        )
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


def score_published(lake: Layout) -> tuple[Report, Path]:
    """Score the published snapshot by its own specs; returns the report and its page."""
    manifest = Snapshot.open(lake).manifest
    specs = manifest.specs
    segmentation = SegmentationSpec.model_validate(specs["segmentation"])
    work = Workplace(lake, manifest.preset, segmentation, LimitsSpec(), RuntimeSpec())
    spec = EvaluationSpec.model_validate(specs["evaluation"])
    scored = score(manifest, spec, FitSpec.model_validate(specs["fit"]), work)
    folder = lake.report(str(manifest.number))
    write_report(scored, folder)
    return scored, folder / "report.html"
