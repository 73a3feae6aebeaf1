"""Look whether there is anything to do, while a server for the flow only starts."""

from __future__ import annotations

from flows.config.index import IndexConfig, IndexResult
from flows.index_media import workplace
from flows.stages.looking import note_look
from flows.stages.mending import usable
from flows.stages.outcome import unchanged
from flows.telling.clock import Clock
from storage import candidates
from storage.erasure import orders
from storage.schemas import MmindexError
from storage.snapshot import Snapshot
from tasks import privacy
from tasks.crawl import LossLimits, listed_roots
from tasks.inputs import in_place, seen_digest, unchanged_since
from tasks.workplace import Workplace


def nothing_to_do(config: IndexConfig) -> IndexResult | None:
    """What the flow would say, if that is that all is as it was; else None, and the flow says it.

    Takes no lock, and writes nothing but that it looked. Whatever is wrong, unfinished or new is
    the flow's to tell.
    """
    if config.dry_run or config.crawl.hash_all:
        return None
    work, clock = workplace(config), Clock()
    try:
        published = _settled(work)
        if published is None:
            return None
        with clock.stage("walk"):
            limits = LossLimits(config.max_deleted_fraction, config.drop)
            sources = privacy.veiled_sources(config.sources(), work)
            walked = listed_roots(sources, config.crawl, work, published, limits)
        seen = seen_digest(walked, config.crawl, work, config.specs())
        same = in_place(published, walked, work) and unchanged_since(published, walked, seen)
        if not same:
            return None
        note_look(work.lake, published.manifest.number)
        return unchanged(published, clock)
    except (MmindexError, OSError):
        return None


def _settled(work: Workplace) -> Snapshot | None:
    """The published snapshot, where it is whole and no run or erasure waits to be ended."""
    lake = work.lake
    staged = lake.staging.is_dir() and any(lake.staging.iterdir())
    if staged or orders.interrupted(lake) or candidates.unjudged(lake):
        return None
    published, damaged = usable(lake)
    if published is None or damaged:
        return None
    privacy.check(work, published)
    return published
