"""From what a run found and did to the result a person reads."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from flows.config import IndexConfig, IndexResult
from storage.layout import Layout
from storage.manifest import Manifest

if TYPE_CHECKING:  # tasks load Prefect, which a command that only shows things does without
    from storage.snapshot import Snapshot
    from tasks.crawl import Found
    from tasks.plan import Estimate, Plan


def planned(
    found: Found, plan: Plan, estimated: Estimate, config: IndexConfig, serving: int | None
) -> IndexResult:
    """What a dry run says: nothing was done."""
    base = _counted(found, plan, str(config.lake_root()))
    return base.model_copy(
        update={
            "snapshot": serving,
            "quarantined": dict(Counter(r.reason for r in found.rejections)),
            "bytes_needed": estimated.bytes,
            "seconds": {"estimated": round(estimated.seconds, 1)},
        }
    )


def _counted(found: Found, plan: Plan, lake: str) -> IndexResult:
    """Files and work, by modality and encoder."""
    return IndexResult(
        status="planned",
        lake=lake,
        items=len(found.items),
        files=dict(sorted(Counter(str(file.modality) for file in found.files).items())),
        new={key.name: plan.missing(place) for place, key in enumerate(plan.encoders)},
        kept={key.name: plan.finished[place] for place, key in enumerate(plan.encoders)},
    )


def result_of(
    found: Found, plan: Plan, serving: Snapshot, seconds: dict[str, float], *, changed: bool
) -> IndexResult:
    """What the run left behind: the snapshot that serves, its scores, where its report is."""
    manifest = serving.manifest
    evaluation = manifest.evaluation
    reasons = serving.rows("quarantine", ["reason"])["reason"].to_pylist()
    return _counted(found, plan, str(serving.layout.root)).model_copy(
        update={
            "status": "published" if changed else "unchanged",
            "snapshot": manifest.number,
            "evaluation": evaluation.status if evaluation else None,
            "reason": evaluation.reason if evaluation else "",
            "scores": evaluation.scores if evaluation else {},
            "segments": segment_counts(manifest),
            "quarantined": dict(sorted(Counter(reasons).items())),
            "seconds": seconds,
            "report": report_of(serving.layout, manifest),
        }
    )


def segment_counts(manifest: Manifest) -> dict[str, int]:
    """Live segments by modality."""
    prefix = "segments_"
    return {
        name.removeprefix(prefix): count
        for name, count in manifest.counts.items()
        if name.startswith(prefix)
    }


def report_of(layout: Layout, manifest: Manifest) -> str:
    """Where the snapshot's HTML report lies."""
    return str(layout.report(str(manifest.number)) / "report.html")
