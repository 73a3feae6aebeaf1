"""From what a run found and did to the result a person reads."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.config.index import EndedErasure, Forecast, IndexConfig, IndexResult
from mmcore.rows import distinct, tally
from storage import history
from storage.layout import Layout
from storage.manifest import Manifest
from storage.schemas import MODALITIES, Modality
from storage.turnover import Held, Turnover, turnover

EXAMPLES = 5  # quarantined files that a result names

if TYPE_CHECKING:  # tasks load Prefect, which a command that only shows things does without
    from flows.telling.clock import Clock
    from storage.snapshot import Snapshot
    from tasks.crawl import Found
    from tasks.erasure.erase import Ended
    from tasks.forecast import Ahead
    from tasks.plan import Estimate, Plan


def planned(
    found: Found,
    plan: Plan,
    estimated: Estimate,
    config: IndexConfig,
    published: Snapshot | None,
) -> IndexResult:
    """What a dry run says: nothing was done."""
    base = _counted(found, plan, str(config.lake_root()))
    items = (item.item_id for item in found.items)
    turned = turnover(Held.of(published), Held.made(items, found.item_file_rows))
    return base.model_copy(
        update={
            "snapshot": published.manifest.number if published else None,
            **_turned(turned),
            "quarantined": dict(Counter(r.reason for r in found.rejections)),
            "bytes_needed": estimated.bytes,
            "seconds": {"estimated": round(estimated.seconds, 1)},
        }
    )


def foretold(ahead: Ahead, config: IndexConfig, published: Snapshot | None) -> IndexResult:
    """What a dry run says of sources that it takes too long to read."""
    told = Forecast(
        files=ahead.files,
        bytes=ahead.bytes,
        sampled=ahead.sampled,
        media=dict(ahead.media),
        reading=round(ahead.reading, 1),
        models=round(ahead.models, 1),
        disk=ahead.disk,
    )
    return IndexResult(
        status="planned",
        lake=str(config.lake_root()),
        snapshot=published.manifest.number if published else None,
        forecast=told,
        bytes_needed=ahead.disk,
        seconds={"estimated": told.models, "reading": told.reading},
    )


def _counted(found: Found, plan: Plan, lake: str) -> IndexResult:
    """Files and work, by modality and encoder."""
    return IndexResult(
        status="planned",
        lake=lake,
        items=len(found.items),
        forgotten=found.forgotten,
        files=dict(sorted(Counter(str(file.modality) for file in found.files).items())),
        new={key.name: plan.missing(place) for place, key in enumerate(plan.encoders)},
        kept={key.name: plan.finished[place] for place, key in enumerate(plan.encoders)},
    )


def erasure_of(ended: Ended | None) -> EndedErasure | None:
    """What a result says of an erasure that the run found waiting."""
    if ended is None or ended.done is None:
        return None if ended is None else EndedErasure(ended=False, why=ended.why_not)
    done = ended.done
    return EndedErasure(
        ended=not done.proof.left,
        reissued=done.reissued,
        removed=done.removed,
        left=done.proof.left,
        why=ended.why_not,
    )


def turned_over(published: Snapshot | None, candidate: Snapshot) -> Turnover:
    """What became of the items that served when the run began."""
    return turnover(Held.of(published), Held.of(candidate))


def _turned(found: Turnover) -> dict[str, int]:
    return {f"items_{name}": count for name, count in asdict(found).items()}


def result_of(
    found: Found, plan: Plan, serving: Snapshot, clock: Clock, turned: Turnover
) -> IndexResult:
    """What the run left behind: the snapshot that serves, its scores, where its report is."""
    counts = with_cells(found, plan, serving)
    base = _counted(found, plan, str(serving.layout.root))
    return base.model_copy(
        update={
            **_served(serving, clock),
            "status": "published",
            **_turned(turned),
            "new": {name: embedded for name, (embedded, _) in counts.items()},
            "kept": {name: kept for name, (_, kept) in counts.items()},
        }
    )


def unchanged(published: Snapshot, clock: Clock) -> IndexResult:
    """What a run found that had nothing to do, as the published snapshot has it."""
    files = tally(published.rows("files", ["modality"])["modality"])
    kept = {}
    for encoder in published.manifest.encoders:
        segments = published.rows(f"segments/{encoder.modality}", ["content_id"])
        kept[encoder.name] = distinct(segments["content_id"])
    return IndexResult(
        status="unchanged",
        lake=str(published.layout.root),
        items=published.manifest.counts.get("items", 0),
        forgotten=published.manifest.counts.get("forgotten", 0),
        files=files,
        new=dict.fromkeys(kept, 0),
        kept=kept,
    ).model_copy(update=_served(published, clock))


def _served(serving: Snapshot, clock: Clock) -> dict[str, object]:
    """What can be said of any snapshot that serves."""
    manifest = serving.manifest
    evaluation = history.as_told(serving.layout, manifest)
    by = evaluation.override if evaluation else None
    quarantine = serving.rows("quarantine", ["path", "reason"])
    examples = quarantine.slice(0, EXAMPLES).to_pylist()
    return {
        "snapshot": manifest.number,
        "truncated": manifest.counts.get("truncated", 0),
        "evaluation": evaluation.status if evaluation else None,
        "reason": evaluation.reason if evaluation else "",
        "scores": evaluation.scores if evaluation else {},
        "verdict": evaluation.verdict if evaluation else None,
        "baseline": evaluation.baseline if evaluation else None,
        "why": f"published all the same by {by.name}: {by.reason}" if by else "",
        "segments": segment_counts(manifest),
        "quarantined": tally(quarantine["reason"]),
        "examples": {row["path"]: row["reason"] for row in examples},
        "seconds": clock.seconds,
        "work": clock.work,
        "waiting": clock.waiting,
        "report": report_of(serving.layout, manifest),
    }


def with_cells(found: Found, plan: Plan, serving: Snapshot) -> dict[str, tuple[int, int]]:
    """By encoder: how many contents with a segment were embedded now, and how many before.

    One that failed has none; nor has a video without subtitles, which texts are read from too.
    """
    counts = {}
    for key, shards in zip(plan.encoders, plan.shards, strict=True):
        there = _contents(serving, key.modality)
        tried = {c.content_id for shard in shards for c in shard.contents}
        read = {c.content_id for c in found.contents if c.modality in key.reads}
        counts[key.name] = (len(tried & there), len((read - tried) & there))
    return counts


def _contents(serving: Snapshot, modality: Modality) -> set[str]:
    return set(serving.rows(f"segments/{modality}", ["content_id"])["content_id"].to_pylist())


def segment_counts(manifest: Manifest) -> dict[str, int]:
    """Live segments by modality, in the order of their names, as files are told."""
    named = {str(modality): f"segments_{modality}" for modality in sorted(MODALITIES)}
    return {
        modality: manifest.counts[name]
        for modality, name in named.items()
        if name in manifest.counts
    }


def run_name(began: datetime, what: str) -> str:
    """Names a run by when it began, and by what it does: names stand in the order of time."""
    return f"{began:%Y%m%dT%H%M%S.%f}-{what}"


def made_at(manifest: Manifest) -> datetime:
    """When the run began that published the snapshot, by the run's name.

    Its ``created_at`` is when the media were looked at last. A training, a promotion and
    `maintain` look at none, and leave that as it was.
    """
    if found := re.match(r"[0-9]{8}T[0-9]{6}", manifest.run):
        with suppress(ValueError):
            return datetime.strptime(found[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return manifest.created_at


def report_of(layout: Layout, manifest: Manifest) -> str | None:
    """Where the snapshot's HTML report lies: its own, else the one its scores were told in.

    None where there is none, or it was removed.
    """
    told = manifest.evaluation
    numbers = (manifest.number, told.report if told else None)
    pages = [layout.report(str(one)) / "report.html" for one in numbers if one is not None]
    return next((str(page) for page in pages if page.exists()), None)
