"""walk → crawl → plan: what is there now, and which cells are missing."""

from __future__ import annotations

import logging

from flows.stages.rounds import Round
from mmcore.media.crawl import Walked
from tasks.crawl import Found, crawl_roots, walk_roots
from tasks.forecast import Ahead, ahead_of, duration, lines
from tasks.plan import Estimate, Plan, estimate, plan_shards
from tasks.policies import unwalked
from tasks.settle import settle

log = logging.getLogger(__name__)


def walk(this: Round) -> tuple[Walked, ...]:
    """List the roots: names, sizes and times."""
    crawl, work, published = this.config.crawl, this.work, this.published
    with this.clock.stage("walk") as note:
        walked = walk_roots(this.sources, crawl, work, published, this.losses)
        walked, this.clock.waiting = settle(walked, crawl, work, published)
        note.append(f"{sum(len(one.entries) for one in walked)} names")
    return walked


def foreseen(walked: tuple[Walked, ...], this: Round) -> Ahead | None:
    """What large new roots will take, said before they are read; None where there are none."""
    ahead = ahead_of(walked, this.work, this.published)
    if ahead is not None:
        for line in lines(ahead):
            log.info("%s", line)
    return ahead


def look(walked: tuple[Walked, ...], this: Round) -> tuple[Found, Plan]:
    """Crawl and plan: what is there now, and which cells are missing."""
    config, work = this.config, this.work
    with this.clock.stage("crawl") as note:
        found = crawl_roots(unwalked(walked), config.crawl, work, this.published, this.losses)
        note.append(f"{len(found.files)} files in {len(found.items)} items")
    with this.clock.stage("plan") as note:
        plan = plan_shards(unwalked(found.contents), config.plan, work)
        to_do = "nothing to embed" if plan.empty else _told(plan, estimate(plan, this.rates))
        note.append(to_do)
    return found, plan


def _told(plan: Plan, needs: Estimate) -> str:
    """What the plan comes to, for people."""
    took = f"about {duration(needs.seconds)} in the models, {needs.bytes / 1e9:,.2f} GB"
    return f"{plan.total} contents to embed, {took}"
