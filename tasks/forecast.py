"""What a large source will take, told by a few of its files before the rest is read."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mmcore.counting import number_of
from mmcore.media.crawl import Walked
from mmcore.media.pace import Pace
from mmcore.media.sampling import Sampled, sampled
from mmcore.types import Content, EncoderKey, Shard
from storage.snapshot import Snapshot
from tasks.plan import PROJECTION_BYTES, Plan, estimate, keys_of
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

MANY: Final = 5_000
"""Files of which it takes a while to read them; of fewer nothing is forecast, unless …"""

MUCH: Final = 10_000_000_000
"""… they have as many bytes."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """What is ahead of a run, about; ``flows.config.index.Forecast`` tells people."""

    roots: tuple[Sampled, ...]
    media: Mapping[str, int]
    reading: float  # seconds, once
    models: float
    disk: int

    @property
    def files(self) -> int:
        """Of all roots."""
        return sum(root.files for root in self.roots)

    @property
    def bytes(self) -> int:
        """Of all roots."""
        return sum(root.bytes for root in self.roots)

    @property
    def sampled(self) -> int:
        """Files that were read."""
        return sum(len(root.seen) for root in self.roots)


def ahead_of(
    walked: Sequence[Walked], work: Workplace, published: Snapshot | None
) -> Ahead | None:
    """What the roots that no whole snapshot holds will take; None where that is soon seen."""
    new = _unread(walked, published)
    files = sum(len(one.entries) for one in new)
    if files < MANY and sum(entry.size for one in new for entry in one.entries) < MUCH:
        return None
    pace = Pace.of(work.runtime)
    roots = tuple(sampled(one, pace) for one in new)
    rates = published.manifest.rates if published else {}
    size, models = PROJECTION_BYTES, 0.0
    for root in roots:
        told = estimate(_plan_of(root, keys_of(work)), rates)
        scale = root.files / max(1, len(root.seen))
        size += int((told.bytes - PROJECTION_BYTES) * scale)
        models += told.seconds * scale
    reading = sum(max(root.seconds, pace.seconds(root.bytes, root.files)) for root in roots)
    return Ahead(roots, _media(roots), reading, models, size)


def _unread(walked: Iterable[Walked], published: Snapshot | None) -> list[Walked]:
    """The roots of which nothing, or a part only, is published."""
    if published is None or published.manifest.partial is not None:
        return list(walked)
    known = published.manifest.sources
    return [one for one in walked if one.source.alias not in known]


def _media(roots: Iterable[Sampled]) -> dict[str, int]:
    """Files by modality, about."""
    found: Counter[str] = Counter()
    for root in roots:
        scale = root.files / max(1, len(root.seen))
        for one in root.seen:
            if one.modality is not None:
                found[str(one.modality)] += scale  # type: ignore[assignment]
    return {name: round(count) for name, count in sorted(found.items())}


def _plan_of(root: Sampled, keys: tuple[EncoderKey, ...]) -> Plan:
    """The files of the sample as if all of them were to be embedded."""
    contents = [
        Content(str(place), one.modality, "", one.size, root.alias, "", "")
        for place, one in enumerate(root.seen)
        if one.modality is not None
    ]
    rows = [tuple(c for c in contents if c.modality in key.reads) for key in keys]
    shards = tuple((Shard(key, row),) if row else () for key, row in zip(keys, rows, strict=True))
    return Plan(keys, shards, tuple(0 for _ in keys))


def lines(told: Ahead) -> list[str]:
    """What people are told: how each root is read, and what all of it takes."""
    said = [
        f"{root.alias}: {number_of(root.files, 'file')}, {root.bytes / 1e9:,.1f} GB; one opens in"
        f" {root.open_seconds * 1e3:,.1f} ms, and {1e-6 / root.byte_seconds:,.0f} MB/s are read"
        f" ({number_of(len(root.seen), 'file')} tried)"
        for root in told.roots
    ]
    took = f"{duration(told.reading)} to read once, {duration(told.models)} in the models"
    return [*said, f"it will take about {took}, and {told.disk / 1e9:,.1f} GB of the lake's disk"]


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``6.5 h``, ``3.1 days``."""
    for unit, size, most in (("s", 1, 90), ("min", 60, 5400), ("h", 3600, 48 * 3600)):
        if seconds < most:
            return (
                f"{seconds / size:,.1f} {unit}" if unit == "h" else f"{seconds / size:,.0f} {unit}"
            )
    return f"{seconds / 86400:,.1f} days"
