"""Look whether there is anything to do, while a server for the flow only starts."""

from __future__ import annotations

from flows.config.index import IndexConfig, IndexResult
from flows.stages.looking import note_look
from flows.stages.mending import usable
from flows.stages.outcome import unchanged
from flows.stages.rounds import Round, served_on, workplace
from storage import candidates
from storage.erasure import orders
from storage.schemas import MmindexError
from storage.snapshot import Snapshot
from tasks import privacy
from tasks.crawl import listed_roots
from tasks.workplace import Workplace


def nothing_to_do(config: IndexConfig) -> IndexResult | None:
    """What the flow would say, if that is that all is as it was; else None, and the flow says it.

    Takes no lock, and writes nothing but that it looked. Whatever is wrong, unfinished or new is
    the flow's to tell.
    """
    if config.dry_run or config.crawl.hash_all:
        return None
    work = workplace(config)
    try:
        published = _settled(work)
        if published is None:
            return None
        this = Round(config, work, published)
        with this.clock.stage("walk"):
            walked = listed_roots(this.sources, config.crawl, work, published, this.losses)
        if not served_on(published, walked, this.seen(walked), work):
            return None
        note_look(work.lake, published.manifest.number)
        return unchanged(published, this.clock)
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
