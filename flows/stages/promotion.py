"""From a candidate with other models to its end: it serves, it is blocked, or it is dropped."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from getpass import getuser

from flows.engines.sharding import sharding
from flows.stages.gating import attempted, gate_of, tell
from flows.stages.outcome import report_of
from flows.telling.clock import Clock
from mmcore.counting import number_of
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.types import EncoderKey
from storage.manifest import Evaluation, FusionEntry, Manifest
from storage.published import manifest_of
from storage.snapshot import Snapshot
from tasks.examining import Exam
from tasks.fuse import fuse
from tasks.fusing import Choice
from tasks.indexes import build_indexes
from tasks.models import FUSION, PROJECTION, evaluation_spec, fit_spec
from tasks.project import project_cells
from tasks.promote import drop, evaluate_and_compare, refuse, start_promotion
from tasks.promote_verdict import Verdict, VerdictSpec
from tasks.publish import overridden, propose_candidate, publish_snapshot
from tasks.queries import freeze_queries
from tasks.simple_fusions import name_of
from tasks.training_report import Status
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """On which a candidate may serve."""

    promote: bool = True
    force: bool = False  # whatever it scores
    free: bool = False  # without a comparison: it served before
    verdict: VerdictSpec = field(default_factory=VerdictSpec)
    gate: GateSpec | None = None  # None: as the published snapshot was judged
    damaged: tuple[str, ...] = ()  # models that served, as ``damaged_of`` names them


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a candidate; ``manifest`` is its own, published or not."""

    status: Status
    manifest: Manifest
    verdict: Verdict
    before: Evaluation | None = None

    def told(self, serving: int | None, work: Workplace) -> dict[str, object]:
        """As a result has it; ``serving``: the snapshot that served before."""
        told, fusion = self.manifest, self.manifest.fusion
        promoted = self.status == "promoted"
        return {
            "status": self.status,
            "lake": str(work.lake.root),
            "snapshot": told.number if promoted else serving,
            "projection": told.projection.version if told.projection else None,
            "fusion": called(fusion) if fusion else None,
            "reason": "" if promoted else self.verdict.reason,
            "why": "" if promoted else self.verdict.why,
            "lost": self.verdict.lost,
            "before": self.verdict.before,
            "after": self.verdict.after,
            "directions": self.verdict.directions,
            "known": self.verdict.known,
            "known_before": self.verdict.known_before,
            "known_after": self.verdict.known_after,
            "unasked": self.verdict.unasked,
            "damaged": self.verdict.damaged,
            "scores": told.evaluation.scores if told.evaluation else {},
            "report": report_of(work.lake, told),
        }


def called(fusion: FusionEntry) -> str:
    """``mlp f1``, ``mean``, ``weighted,text=2``."""
    name = name_of(fusion.name, fusion.version, fusion.weights)
    return f"{fusion.name} {name}" if fusion.version else name


def damaged_of(published: Snapshot) -> tuple[str, ...]:
    """The models that serve and that ``published`` is without (``mending.replaceable``)."""
    whole, usable = manifest_of(published.layout), published.manifest
    pairs = {
        PROJECTION: (whole.projection, usable.projection),
        FUSION: (whole.fusion, usable.fusion),
    }
    gone = {name: one.version for name, (one, left) in pairs.items() if one and not left}
    return tuple(f"{name}/{version}" for name, version in gone.items() if version)


def projected(
    run: str,
    projection: str | None,
    keys: tuple[EncoderKey, ...],
    work: Workplace,
    published: Snapshot,
    clock: Clock,
) -> Manifest:
    """A candidate of the published rows and cells, which the projection has led where it leads."""
    with clock.stage("project") as note:
        manifest = start_promotion(run, projection, keys, work, published)
        manifest = project_cells(manifest, keys, work, published)
        note.append(manifest.projection.space if manifest.projection else "nothing to project")
    return manifest


def assembled(
    manifest: Manifest, choice: Choice, work: Workplace, published: Snapshot, clock: Clock
) -> Manifest:
    """The candidate with fused vectors and indexes."""
    with clock.stage("fuse") as note:
        fusing = fuse(manifest, choice.spec, work, published, choice)
        note.append(str(fusing))
    with clock.stage("index") as note:
        manifest = build_indexes(fusing.manifest, work, published, sharding())
        note.append(number_of(len(manifest.indexes), "index", "indexes"))
    specs = evaluation_spec(manifest), fit_spec(manifest)
    return freeze_queries(manifest, *specs, work, published)


def ended(
    manifest: Manifest, work: Workplace, published: Snapshot, terms: Terms, clock: Clock
) -> Ended:
    """Evaluate the candidate, compare it with what serves, and publish it, or do not.

    One that may not serve stays, marked as blocked, with the models it names; so does one that
    cannot be scored, whose error is raised.
    """
    with clock.stage("evaluate") as note:
        manifest = propose_candidate(manifest, work)
        gate = gate_of(terms.gate, published.manifest)
        exam = Exam(evaluation_spec(manifest), fit_spec(manifest), gate, "promote")
        with attempted(manifest, exam, work):
            judged, verdict, before = evaluate_and_compare(
                manifest, published, exam, terms.verdict, work, terms.damaged
            )
        manifest = judged.manifest
        note.append(_said(verdict))
    with clock.stage("publish") as note:
        status = _status(verdict, terms)
        if status == "promoted":
            if not verdict.passed:
                reason = "--force" if terms.force else "it served before"
                manifest = overridden(manifest, getuser(), reason, work.lake)
            manifest = publish_snapshot(manifest, work)
            note.append(f"snapshot {manifest.number}")
        elif status == "refused":
            refuse(manifest, verdict.reason, work)
            note.append("blocked")
        else:
            drop(manifest, work)
            note.append("not to be promoted")
    if status != "stored":
        tell(judged, work, ())
    _warn(status, verdict, terms)
    return Ended(status, manifest, verdict, before)


def _warn(status: Status, verdict: Verdict, terms: Terms) -> None:
    """Say what is unusual about what serves now."""
    if status == "promoted" and not verdict.passed:
        told = "as told" if terms.force else "since it served before"
        log.warning("it serves all the same, %s: %s", told, verdict.reason)
    if status == "promoted" and verdict.damaged:
        log.warning("%s served, damaged, and is replaced", " and ".join(verdict.damaged))
    elif verdict.damaged:
        names = " and ".join(verdict.damaged)
        log.warning("%s, damaged, is not replaced: `mmindex index` sets it aside", names)


def _status(verdict: Verdict, terms: Terms) -> Status:
    if not terms.promote:
        return "stored"
    return "promoted" if verdict.passed or terms.force or terms.free else "refused"


def _said(verdict: Verdict) -> str:
    if verdict.before is None or verdict.after is None:
        return "not comparable"
    return f"RR {verdict.before:.3f} → {verdict.after:.3f}"
