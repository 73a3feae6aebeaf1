"""walk → crawl → plan: what is there now, and which cells are missing.

A dry run calls the functions of these tasks alone: it needs no server.
"""

from __future__ import annotations

import logging

from flows.stages.rounds import Round
from mmcore.counting import number_of
from mmcore.media.crawl import Walked
from tasks.crawl import Found, crawl_roots, walk_roots
from tasks.forecast import Ahead, ahead_of, duration, lines
from tasks.plan import Estimate, Plan, estimate, plan_shards
from tasks.policies import called, unwalked
from tasks.settle import settle

log = logging.getLogger(__name__)


def walk(this: Round) -> tuple[Walked, ...]:
    """List the roots: names, sizes and times."""
    crawl, work, published = this.config.crawl, this.work, this.published
    walk_them = called(walk_roots, plainly=this.config.dry_run)
    with this.clock.stage("walk") as note:
        walked = walk_them(this.sources, crawl, work, published, this.losses)
        walked, this.clock.waiting = settle(walked, crawl, work, published)
        note.append(number_of(sum(len(one.entries) for one in walked), "name"))
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
    crawl_them = called(crawl_roots, plainly=config.dry_run)
    plan_them = called(plan_shards, plainly=config.dry_run)
    with this.clock.stage("crawl") as note:
        found = crawl_them(unwalked(walked), config.crawl, work, this.published, this.losses)
        note.append(f"{_files(found)} in {number_of(len(found.items), 'item')}")
    with this.clock.stage("plan") as note:
        plan = plan_them(unwalked(found.contents), config.plan, work)
        to_do = "nothing to embed"
        if not plan.empty:
            to_do = _told(plan, estimate(plan, this.rates), known=bool(this.rates))
        note.append(to_do)
    return found, plan


def _told(plan: Plan, needs: Estimate, *, known: bool) -> str:
    """What the plan comes to, for people; ``known``: by what models took in the runs before."""
    models = "the models" if known else "the models on two idle cores"
    took = f"about {duration(needs.seconds)} in {models}, {needs.bytes / 1e9:,.2f} GB"
    return f"{number_of(plan.contents, 'content')} to embed, {took}"


def _files(found: Found) -> str:
    """``168 files and 19 captions of manifests``; captions, which lie in no file, if any."""
    captions = sum(file.text is not None for file in found.files)
    files = number_of(len(found.files) - captions, "file")
    return f"{files} and {number_of(captions, 'caption')} of manifests" if captions else files
