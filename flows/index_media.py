"""crawl → plan → preprocess → embed → project → fuse → index → freeze → evaluate → publish."""

import logging

from prefect import flow

from flows.config.index import IndexConfig, IndexResult
from flows.engines.lanes import shards_at_once
from flows.engines.sharding import sharding_of
from flows.stages.checks import check
from flows.stages.embedding import compute_cells
from flows.stages.gating import examine, refuse_again, refuse_worse, tell
from flows.stages.looking import note_look
from flows.stages.mending import begun_anew, mended, usable
from flows.stages.outcome import (
    Before,
    erasure_of,
    foretold,
    planned,
    result_of,
    segment_counts,
    unchanged,
)
from flows.stages.parts import Parts, fitted_by_a_part, taught
from flows.telling.clock import Clock
from flows.telling.night import telling
from flows.telling.watched import watched
from mmcore.embedding.embed import releasing
from mmcore.embedding.profile import check_profile
from mmcore.encoders.compute.device import devices_of
from mmcore.encoders.presets import runtime_of, title
from mmcore.media.crawl import Walked
from mmcore.processes.cores import cores
from storage.layout import Layout
from storage.locks import writer_lock
from storage.manifest import Manifest
from storage.publication import finish
from storage.snapshot import Snapshot
from tasks import privacy
from tasks.candidate import start_candidate
from tasks.convert import convert_stored
from tasks.crawl import Found, LossLimits, crawl_roots, walk_roots
from tasks.discretion import discreet
from tasks.erasure.erase import end_erasure
from tasks.evaluate import carried_over
from tasks.examining import Exam, Judged
from tasks.forecast import Ahead, ahead_of, duration, lines
from tasks.fuse import fuse
from tasks.fusing import check_trained
from tasks.index_builds import end_builds
from tasks.indexes import build_indexes
from tasks.inputs import (
    decoders_of,
    in_place,
    inputs_digest,
    seen_digest,
    seen_of,
    unchanged_since,
)
from tasks.measuring import end_evaluations
from tasks.plan import (
    Estimate,
    Plan,
    Waiting,
    estimate,
    plan_shards,
    refuse_full_disk,
    refuse_no_room,
)
from tasks.policies import unwalked
from tasks.preprocess import empty_staging
from tasks.project import project_cells
from tasks.projections import without_model
from tasks.publish import propose_candidate, publish_snapshot
from tasks.queries import freeze_queries
from tasks.refusals import refuse_many_bad
from tasks.settle import settle
from tasks.throughput import keep_throughput, show_throughput
from tasks.train import fit_projections
from tasks.words import write_words
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

LONG_SECONDS = 600.0
"""A rehearsal reads no source that takes longer: it says what its sample tells."""


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
        return rehearse(config, work, Clock())
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


def workplace(config: IndexConfig) -> Workplace:
    """Where a run of ``config`` works, and how."""
    return Workplace(
        Layout(config.lake_root()),
        config.preset,
        config.segmentation,
        config.limits,
        runtime_of(config.preset, config.runtime),
        config.storage,
        config.private,
    )


def rehearse(config: IndexConfig, work: Workplace, clock: Clock) -> IndexResult:
    """Say what `update` would do; write nothing."""
    published, _ = usable(work.lake)
    privacy.check(work, published)
    check_trained(config.fusion, published)
    walked = walk(config, work, published, clock)
    ahead = foreseen(walked, work, published)
    if ahead is not None and ahead.reading > LONG_SECONDS:
        return foretold(ahead, config, published)
    found, plan = look(walked, config, work, published, clock)
    rates = published.manifest.rates if published else {}
    return planned(found, plan, estimate(plan, rates), config, published)


def in_parts(config: IndexConfig, work: Workplace, published: Snapshot | None) -> IndexResult:
    """`update`, again and again while a very large first run publishes parts of it."""
    parts = Parts(config.partial, config.crawl.grouping)
    while True:
        result = update(config, work, published, Clock(), parts)
        if parts.part is None:
            return result
        log.info("snapshot %s serves, a part of the first run; it goes on", result.snapshot)
        published = Snapshot.open(work.lake)


def update(
    config: IndexConfig,
    work: Workplace,
    published: Snapshot | None,
    clock: Clock,
    parts: Parts,
) -> IndexResult:
    """Bring the lake up to what the folders hold now, or a part of it; the caller has the lock."""
    prepare(config, work, published)
    walked = walk(config, work, published, clock)
    whole = taught(published)
    stays = whole if whole and in_place(whole, walked, work) else None
    if ahead := foreseen(walked, work, published):
        refuse_no_room(ahead.disk // 2, work)  # half: more is known when the files were read
    walked = parts.cut(walked, published, ahead)
    seen = seen_digest(walked, config.crawl, work, config.specs())
    if stays and not config.crawl.hash_all and unchanged_since(stays, walked, seen):
        return unchanged(stays, clock)
    found, plan = look(walked, config, work, published, clock)
    inputs = inputs_digest(found, plan, config.specs(), decoders_of(work))
    if plan.empty and stays and stays.manifest.inputs == inputs:
        return unchanged(stays, clock)
    refuse_full_disk(plan, work, waiting(config))
    convert_stored(unwalked(found.contents), plan.encoders, work)
    rates = compute_cells(plan, work, config, clock)
    show_throughput(clock.told_work())
    manifest = assemble(found, plan, work, config, published, clock)
    rates = {**(published.manifest.rates if published else {}), **rates}
    manifest = manifest.model_copy(update={"inputs": inputs, "rates": rates})
    if stays and same(manifest, stays.manifest):  # what was tried again failed again
        return unchanged(stays, clock)
    seen = "" if parts.part else seen_of(Snapshot.of(work.lake, manifest), seen)
    manifest = parts.marked(manifest.model_copy(update={"seen": seen}), published)
    before = Before.of(published)
    manifest, judged = judge(manifest, work, config, published, clock)
    with clock.stage("publish"):
        if clock.work and manifest.number is not None:
            keep_throughput(work.lake, manifest.number, clock.told_work())
        manifest = publish_snapshot(manifest, work)
    result = result_of(found, plan, Snapshot.of(work.lake, manifest), clock, before)
    return result if judged is None else _told(result, judged, work, config)


def waiting(config: IndexConfig) -> Waiting:
    """Where decoded shards will wait, and how many of them on this machine."""
    told = config.cluster
    place = told.staging or (config.lake if told.scheduler else None)
    shards = (config.workers or cores()) + shards_at_once(devices_of(config.runtime.device))
    return Waiting(place, shards, told.staging_bytes)


def prepare(config: IndexConfig, work: Workplace, published: Snapshot | None) -> None:
    """Before anything is looked at: refuse what cannot be, and warn of what will go."""
    privacy.prepare(work, published)
    check_trained(config.fusion, published)
    warn_of_readers(config, published)
    warn_of_preset(work.preset, published)


def _told(
    result: IndexResult, judged: Judged, work: Workplace, config: IndexConfig
) -> IndexResult:
    """The result with what the gate said, once everyone was told of it."""
    return result.model_copy(
        update={
            "findings": tuple(judged.verdict.findings),
            "unproven": tuple(judged.verdict.unproven),
            "why": judged.verdict.why,
            "not_notified": tell(judged, work, config.notify),
        }
    )


def warn_of_readers(config: IndexConfig, published: Snapshot | None) -> None:
    """Say that texts which were read in pictures or speech go, since the run reads none."""
    before = published.manifest.specs.get("segmentation", {}) if published else {}
    for name in ("ocr", "asr"):
        if before.get(name) and not getattr(config.segmentation, name):
            log.warning(
                "the published snapshot has texts read with segmentation.%s; this run is told"
                " nothing of it, and takes them out: --set it in each run to keep them",
                name,
            )


def warn_of_preset(preset: str, published: Snapshot | None) -> None:
    """Say that other encoders than before are used: what they lack is embedded."""
    if published is not None and published.manifest.preset != preset:
        before = published.manifest.preset
        log.warning("the published snapshot was made with %s; this run takes %s", before, preset)


def foreseen(
    walked: tuple[Walked, ...], work: Workplace, published: Snapshot | None
) -> Ahead | None:
    """What large new roots will take, said before they are read; None where there are none."""
    ahead = ahead_of(walked, work, published)
    if ahead is not None:
        for line in lines(ahead):
            log.info("%s", line)
    return ahead


def to_do(plan: Plan, needs: Estimate) -> str:
    """What the plan comes to, for people."""
    took = f"about {duration(needs.seconds)} in the models, {needs.bytes / 1e9:,.2f} GB"
    return f"{plan.total} contents to embed, {took}"


def walk(
    config: IndexConfig, work: Workplace, published: Snapshot | None, clock: Clock
) -> tuple[Walked, ...]:
    """List the roots: names, sizes and times."""
    with clock.stage("walk") as note:
        limits = LossLimits(config.max_deleted_fraction, config.drop)
        sources = privacy.veiled_sources(config.sources(), work)
        walked = walk_roots(sources, config.crawl, work, published, limits)
        walked, clock.waiting = settle(walked, config.crawl, work, published)
        note.append(f"{sum(len(one.entries) for one in walked)} names")
    return walked


def look(
    walked: tuple[Walked, ...],
    config: IndexConfig,
    work: Workplace,
    published: Snapshot | None,
    clock: Clock,
) -> tuple[Found, Plan]:
    """Crawl and plan: what is there now, and which cells are missing."""
    with clock.stage("crawl") as note:
        limits = LossLimits(config.max_deleted_fraction, config.drop)
        found = crawl_roots(unwalked(walked), config.crawl, work, published, limits)
        note.append(f"{len(found.files)} files in {len(found.items)} items")
    with clock.stage("plan") as note:
        plan = plan_shards(unwalked(found.contents), config.plan, work)
        rates = published.manifest.rates if published else {}
        note.append("nothing to embed" if plan.empty else to_do(plan, estimate(plan, rates)))
    return found, plan


def assemble(
    found: Found,
    plan: Plan,
    work: Workplace,
    config: IndexConfig,
    published: Snapshot | None,
    clock: Clock,
) -> Manifest:
    """Build the candidate: rows, projection, fused vectors and indexes."""
    run = f"{clock.started:%Y%m%dT%H%M%S.%f}-{title(work.preset)}"
    with clock.stage("rows") as note:
        sources = privacy.veiled_sources(config.sources(), work)
        manifest = start_candidate(unwalked(found), unwalked(plan), work, published, sources)
        told = {"specs": config.specs(), "run": run, "created_at": clock.started}
        manifest = manifest.model_copy(update=told)
        refuse_many_bad(manifest, work, config.max_bad_fraction)
        manifest = write_words(manifest, work, published)
        note.append(f"{sum(segment_counts(manifest).values())} segments")
    with clock.stage("project") as note:
        if fitted_by_a_part(published):
            manifest = without_model(manifest, work)
        known = taught(published)
        manifest = fit_projections(manifest, plan.encoders, config.fit, work, known)
        manifest = project_cells(manifest, plan.encoders, work, published)
        note.append(manifest.projection.space if manifest.projection else "nothing to project")
    with clock.stage("fuse") as note:
        fusing = fuse(manifest, config.fusion, work, published)
        manifest = fusing.manifest
        note.append(str(fusing))
    with clock.stage("index") as note:
        shards = sharding_of(config)
        manifest = build_indexes(manifest, work, published, shards)
        note.append(f"{len(manifest.indexes)} indexes")
    with clock.stage("freeze") as note:
        known = taught(published)
        manifest = freeze_queries(manifest, config.evaluation, config.fit, work, known)
        note.append(f"{rows_of(manifest, 'queries')} queries")
    return manifest


def rows_of(manifest: Manifest, table: str) -> int:
    """Rows of a table, by the manifest."""
    return sum(file.rows for file in manifest.files if file.path.startswith(f"{table}/"))


def same(candidate: Manifest, published: Manifest) -> bool:
    """Whether a candidate would publish what is published."""
    known = candidate.inputs == published.inputs or (
        published.reissued_at is not None and not published.inputs
    )
    return known and candidate.files == published.files


def judge(
    manifest: Manifest,
    work: Workplace,
    config: IndexConfig,
    published: Snapshot | None,
    clock: Clock,
) -> tuple[Manifest, Judged | None]:
    """Measure and judge the candidate against what serves; None where nothing has to be.

    Raises PublicationBlockedError or GateFailedError: it is kept, and not published.
    """
    exam = Exam(config.evaluation, config.fit, config.gate)
    with clock.stage("evaluate") as note:
        known = carried_over(manifest, published, work)
        if known:
            note.append(f"{known.status}, as snapshot {known.report}: nothing differs")
            manifest = propose_candidate(manifest, work)
            return manifest.model_copy(update={"evaluation": known}), None
        refuse_again(manifest, exam, work, config.notify)
        manifest = propose_candidate(manifest, work)
        judged = examine(manifest, taught(published), exam, work, config.notify)
        note.append(judged.verdict.status)
    refuse_worse(judged, work, config.notify)
    return judged.manifest, judged
