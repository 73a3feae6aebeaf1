"""The report of an evaluation: made of its outcomes, and its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from mmcore.evaluation import coverage, measures
from mmcore.evaluation.outcomes import HELD_OUT, Measured, Outcome
from mmcore.evaluation.reporting.differing import differing
from mmcore.evaluation.reporting.runs import write_queries, write_runs
from mmcore.evaluation.reporting.told import direction_of, gap
from mmcore.evaluation.reporting.words import WHOLE
from mmcore.evaluation.reporting.worst import WorstQueries
from mmcore.evaluation.scores import (
    Differing,
    Drift,
    IndexRecall,
    Latency,
    Report,
    Searched,
    Served,
    Unscored,
)
from mmcore.evaluation.terms import Terms
from mmcore.specs import EvaluationSpec
from storage.diff import Changes, diff
from storage.places.atomic import write_bytes
from storage.snapshot import Snapshot

JSON: Final = "report.json"
FORMAT: Final = 2


@dataclass(frozen=True, slots=True)
class Found:
    """What was found beside the scores of directions."""

    index_recall: Sequence[IndexRecall] = ()
    served: Sequence[Served] = ()
    searched: Sequence[Searched] = ()
    drift: Sequence[Drift] = ()
    latency: Latency | None = None
    sets: Mapping[str, str] = field(default_factory=dict)  # query set → fingerprint
    baseline: Snapshot | None = None


def report_of(
    snapshot: Snapshot, measured: Sequence[Measured | Unscored], terms: Terms, found: Found
) -> Report:
    """The report of a snapshot or candidate, as yet without a verdict.

    A direction with too few queries is listed, not scored; without any other the report is
    "unmeasured" and says why. Means, worst queries and groups of queries are all of the full
    gallery.
    """
    scored = [one for one in measured if isinstance(one, Measured)]
    unscored = [u for u in measured if isinstance(u, Unscored) and (u.queries or u.why)]
    worst = WorstQueries(snapshot, [one.full for one in scored])
    directions = [direction_of(one, worst.of(one.full)) for one in scored]
    return Report(
        **_made_with(snapshot),
        evaluated_at=datetime.now(UTC),
        held_out=terms.fit.held_out,
        status="measured" if scored else "unmeasured",
        reason="" if scored else _why(unscored, terms.spec),
        queries=_asked([one.full for one in scored]),
        directions=directions,
        unscored=unscored,
        index_recall=list(found.index_recall),
        served=list(found.served),
        searched=list(found.searched),
        coverage=coverage.coverage(snapshot),
        languages=coverage.languages(snapshot),
        quarantine=coverage.quarantine(snapshot),
        format=FORMAT,
        config=measures.fingerprint(terms.spec),
        depth=measures.depth(terms.spec),
        sets=dict(found.sets),
        latency=found.latency,
        drift=list(found.drift),
        gap=gap(directions),
        changed=_changed(found.baseline, snapshot),
        differs=_differs(found.baseline, snapshot),
    )


def write_report(
    report: Report, outcomes: Sequence[Outcome], folder: Path, *, run_depth: int
) -> Report:
    """Write all but the page into ``folder``, ``report.json`` last; returns what that holds.

    It tells which directions' qrels were cut. Whatever fails raises.
    """
    write_queries(outcomes, folder)
    number = "candidate" if report.snapshot is None else report.snapshot
    tag = f"mmindex-{number}-{report.config}"
    cut = write_runs(outcomes, folder, tag=tag, depth=run_depth)
    report = report.model_copy(update={"cut": cut})
    write_json(report, folder)
    return report


def write_json(report: Report, folder: Path) -> None:
    """Write ``report.json`` into ``folder``."""
    write_bytes(folder / JSON, report.model_dump_json(indent=2).encode())


def _made_with(snapshot: Snapshot) -> dict[str, Any]:
    """What the manifest tells."""
    manifest = snapshot.manifest
    fusion, projection = manifest.fusion, manifest.projection
    part = manifest.partial
    return {
        "part": None if part is None else (part.files, part.of),
        "snapshot": manifest.number,
        "run": manifest.run,
        "preset": manifest.preset,
        "encoders": [f"{e.name} {e.fingerprint}" for e in manifest.encoders],
        "projection": projection.space if projection else None,
        "fusion": f"{fusion.name} {fusion.fingerprint}" if fusion else None,
        "counts": dict(manifest.counts),
    }


def _asked(outcomes: Sequence[Outcome]) -> int:
    """Distinct queries of the lake's own set; whole items and users' sets are not counted."""
    held_out = (o for o in outcomes if o.set == HELD_OUT)
    mine = (o for o in held_out if o.name.partition("→")[0] not in WHOLE)
    return len({query for outcome in mine for query in outcome.queries})


def _changed(before: Snapshot | None, after: Snapshot) -> dict[str, dict[str, int]]:
    """What a diff with the baseline counts, and segments by modality."""
    if before is None:
        return {}
    found = diff(before, after)
    segments = {f"segments/{m}": {"added": a, "gone": g} for m, (a, g) in found.segments.items()}
    return {"items": _counts(found.items), "files": _counts(found.files), **segments}


def _differs(before: Snapshot | None, after: Snapshot) -> list[Differing] | None:
    return None if before is None else differing(before.manifest, after.manifest)


def _counts(changes: Changes) -> dict[str, int]:
    return {name: len(names) for name, names in asdict(changes).items()}


def _why(unscored: Sequence[Unscored], spec: EvaluationSpec) -> str:
    """Why nothing was scored, and how much is missing."""
    if not unscored:
        return "no item has a held-out caption and another medium, or text, in the same space"
    best = max(unscored, key=lambda found: found.queries)
    if best.why:
        return f"no direction could be asked: {best.name}: {best.why}"
    return (
        f"no direction has {spec.min_queries} held-out queries;"
        f" the most has {best.name} with {best.queries}"
    )
