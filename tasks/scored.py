"""What a baseline scored by itself: how much of that can be compared is told by it."""

from __future__ import annotations

from collections.abc import Mapping

from mmcore.evaluation.gating.shrunk import Scored
from mmcore.evaluation.outcomes import HELD_OUT
from storage import history
from storage.snapshot import Snapshot
from tasks.measuring import Both


def scored_by(baseline: Snapshot, both: Both) -> Scored:
    """What the history says of a baseline, of query sets that are as they were then.

    Where that says nothing, or was measured otherwise, it is what was measured beside the
    candidate: of queries alone that are still there.
    """
    entry = _last(baseline, both.config)
    if entry is None:
        return Scored.of(both.before.full if both.before else ())
    names = [name for name in entry.scores if _is_as_then(name, entry.sets, both.sets)]
    return Scored(
        {name: entry.queries[name] for name in names if name in entry.queries},
        {name: entry.scores[name] for name in names},
    )


def _last(baseline: Snapshot, config: str) -> history.Entry | None:
    """The newest entry with scores; of what was carried over, that of where it is from."""
    manifest = baseline.manifest
    told = manifest.evaluation
    number = manifest.number if told is None or told.report is None else told.report
    entries = history.read(baseline.layout, [number or 0])
    carried = number != manifest.number
    mine = [one for one in entries if carried or one.run == manifest.run]
    known = (one for one in reversed(mine) if one.scores and one.config == config)
    return next(known, None)


def _is_as_then(direction: str, then: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether the query set of a direction is the one that was asked then."""
    name = direction.rpartition("/")[0] or HELD_OUT
    return name in now and then.get(name) == now[name]
