"""crawl → plan → preprocess → embed → project → fuse → index → freeze → evaluate → publish."""

import logging

from prefect import flow

from flows.config.index import IndexConfig, IndexResult
from flows.stages.assembling import assemble, same
from flows.stages.checks import check
from flows.stages.embedding import missing_cells
from flows.stages.finding import foreseen, look, walk
from flows.stages.gating import judge, tell
from flows.stages.looking import note_look
from flows.stages.mending import begun_anew, mended, usable
from flows.stages.outcome import erasure_of, result_of, turned_over, unchanged
from flows.stages.parts import Parts, taught
from flows.stages.rehearsing import rehearse
from flows.stages.rounds import Round, prepare, workplace
from flows.telling.night import telling
from flows.telling.watched import watched
from mmcore.embedding.embed import releasing
from mmcore.embedding.profile import check_profile
from mmcore.encoders.compute.device import devices_of
from storage.locks import writer_lock
from storage.manifest import Manifest
from storage.publication import finish
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.erasure.erase import end_erasure
from tasks.examining import Judged
from tasks.index_benches import end_builds
from tasks.inputs import decoders_of, in_place, inputs_digest, seen_of, unchanged_since
from tasks.measuring import end_evaluations
from tasks.plan import refuse_no_room
from tasks.preprocess import empty_staging
from tasks.publish import publish_snapshot
from tasks.throughput import keep_throughput
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


@flow(name="index-media")
@watched("index-media")
@telling
@discreet
def index_media(config: IndexConfig) -> IndexResult:
    """Index the configured folders into the lake; publish a snapshot if anything changed."""
    check(config)
    devices_of(config.runtime.device)
    work = workplace(config)
    lake = work.lake
    if config.dry_run:
        return rehearse(Round(config, work, usable(lake)[0]))
    check_profile(config.runtime)
    with writer_lock(lake, config.wait), releasing():
        finish(lake)
        anew = begun_anew(work)
        ended = erasure_of(end_erasure(lake))
        empty_staging(work)
        result = mended(lake, lambda published: in_parts(config, work, published), anew)
        end_builds(lake)
        end_evaluations(lake)
        note_look(lake, result.snapshot)
        return result.model_copy(update={"erasure": ended})


def in_parts(config: IndexConfig, work: Workplace, published: Snapshot | None) -> IndexResult:
    """`update`, again and again while a very large first run publishes parts of it."""
    parts = Parts(config.partial, config.crawl.grouping)
    while True:
        result = update(Round(config, work, published), parts)
        if parts.part is None:
            return result
        log.info("snapshot %s serves, a part of the first run; it goes on", result.snapshot)
        published = Snapshot.open(work.lake)


def update(this: Round, parts: Parts) -> IndexResult:
    """Bring the lake up to what the folders hold now, or a part of it; the caller has the lock.

    It ends as soon as it is known that what serves may serve on: by the names, sizes and times of
    files, by what they hold, or by what came of what was tried again.
    """
    config, work, published = this.config, this.work, this.published
    prepare(this)
    walked = walk(this)
    whole = taught(published)
    stays = whole if whole and in_place(whole, walked, work) else None
    if ahead := foreseen(walked, this):
        refuse_no_room(ahead.disk // 2, work)  # half: more is known when the files were read
    walked = parts.cut(walked, published, ahead)
    seen = this.seen(walked)
    if stays and not config.crawl.hash_all and unchanged_since(stays, walked, seen):
        return unchanged(stays, this.clock)
    found, plan = look(walked, this)
    inputs = inputs_digest(found, plan, config.specs(), decoders_of(work))
    if plan.empty and stays and stays.manifest.inputs == inputs:
        return unchanged(stays, this.clock)
    rates = missing_cells(found, plan, this)
    manifest = assemble(found, plan, this)
    manifest = manifest.model_copy(update={"inputs": inputs, "rates": rates})
    candidate = Snapshot.of(work.lake, manifest)
    seen = "" if parts.part else seen_of(candidate, seen)
    if stays and same(manifest, stays.manifest):  # what was tried again came to the same
        sees = None if config.crawl.hash_all else seen
        note_look(work.lake, stays.manifest.number, sees, manifest.tombstones)
        return unchanged(stays, this.clock)
    manifest = parts.marked(manifest.model_copy(update={"seen": seen}), published)
    turned = turned_over(published, candidate)
    manifest, judged = judge(manifest, this)
    manifest = publish(manifest, this)
    result = result_of(found, plan, Snapshot.of(work.lake, manifest), this.clock, turned)
    return result if judged is None else _told(result, judged, this)


def publish(manifest: Manifest, this: Round) -> Manifest:
    """Let the candidate serve; what the models did is kept beside its report."""
    with this.clock.stage("publish"):
        if this.clock.work and manifest.number is not None:
            keep_throughput(this.work.lake, manifest.number, this.clock.told_work())
        return publish_snapshot(manifest, this.work)


def _told(result: IndexResult, judged: Judged, this: Round) -> IndexResult:
    """The result with what the gate said, once everyone was told of it."""
    return result.model_copy(
        update={
            "findings": tuple(judged.verdict.findings),
            "unproven": tuple(judged.verdict.unproven),
            "why": judged.verdict.why,
            "not_notified": tell(judged, this.work, this.config.notify),
        }
    )
