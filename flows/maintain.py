"""compact → survey → collect: rewrite and remove what a lake no longer needs as it is."""

from datetime import timedelta

from prefect import flow

from flows.config.maintain import Compacted, MaintainConfig, MaintainResult
from flows.stages.outcome import erasure_of, run_name
from flows.stages.writing import as_writer
from flows.telling.clock import Clock
from flows.telling.watched import watched
from mmcore.counting import number_of
from storage.erasure import orders
from storage.errors import NoLakeError
from storage.keys import check_key
from storage.layout import Layout
from storage.maintenance.compaction import Compaction
from storage.maintenance.garbage import Collected, Retention, Survey
from storage.maintenance.packing import Aims
from storage.manifest import FileEntry, Manifest
from storage.published import current, published
from tasks.maintain import (
    collect_garbage,
    compact_parts,
    no_room_for,
    plan_compaction,
    propose_compaction,
    publish_compaction,
    survey_lake,
    upcoming,
)
from tasks.policies import called, unwalked


@flow(name="maintain")
@watched("maintain")
def maintain(config: MaintainConfig) -> MaintainResult:
    """Rewrite small and mostly dead parts, and remove what no kept snapshot names."""
    lake = Layout(config.lake_root())
    if current(lake) is None:  # before the lock, which would make the folder
        raise NoLakeError(lake.root)
    clock = Clock()
    if config.dry_run:
        return rehearse(lake, config, clock)
    check_key(lake)
    with as_writer(lake, config.wait) as ended:
        result = tidy(lake, config, clock)
        return result.model_copy(update={"erasure": erasure_of(ended)})


def rehearse(lake: Layout, config: MaintainConfig, clock: Clock) -> MaintainResult:
    """Say what `tidy` would do; write nothing, and call no task: no server is needed."""
    plan, compacted = plan_of(lake, config, clock)
    ahead = None
    if plan:
        expected = plan.expected()
        ahead = upcoming(plan, run_of(clock))
        compacted = compacted_of(plan, expected, plan.bytes)
    found = look(lake, config, clock, ahead)
    told = result_of(lake, found, Collected.of(found.garbage), compacted, clock, "planned")
    return told.model_copy(update={"coming": ahead.number if ahead else None})


def tidy(lake: Layout, config: MaintainConfig, clock: Clock) -> MaintainResult:
    """Compact, then collect; the caller has the lake's lock."""
    plan, compacted = plan_of(lake, config, clock)
    if plan:
        compacted = compact(plan, lake, clock)
    found = look(lake, config, clock)
    with clock.stage("collect") as note:
        removed = collect_garbage(lake, unwalked(found))
        note.append(number_of(sum(removed.files.values()), "file"))
    did = "compacted" if plan else "unchanged"
    status = "removed" if removed.files else did
    return result_of(lake, found, removed, compacted, clock, status)


def plan_of(
    lake: Layout, config: MaintainConfig, clock: Clock
) -> tuple[Compaction | None, Compacted]:
    """What there is to compact, or None and why nothing is."""
    why_not = reason_against(lake, config)
    if why_not:
        return None, Compacted(left_out=why_not)
    with clock.stage("plan") as note:
        plan_it = called(plan_compaction, plainly=config.dry_run)
        plan = plan_it(lake, Aims(config.dead_share, config.part_bytes))
        parts = sum(len(step.merge.parts) for step in plan.steps)
        note.append(f"{number_of(parts, 'part')} to rewrite" if parts else "no part to rewrite")
    if no_room := no_room_for(plan):
        return None, Compacted(left_out=no_room)
    return plan or None, Compacted()


def reason_against(lake: Layout, config: MaintainConfig) -> str:
    """Why nothing is compacted, whatever there is; "" where it may be."""
    if orders.interrupted(lake):  # in a dry run, or where it could not be ended
        return "an erasure was interrupted, and must be ended first: maintain, index or forget do"
    if not config.compact:
        return "as told"
    number = current(lake)
    if number is not None and max(published(lake), default=number) > number:
        return f"snapshot {number} was rolled back to; the next publication ends that"
    return ""


def compact(plan: Compaction, lake: Layout, clock: Clock) -> Compacted:
    """Write the new parts and publish the snapshot that names them."""
    written: list[FileEntry] = []
    with clock.stage("compact", len(plan.steps), "parts") as note:
        for step in plan.steps:
            written += compact_parts(unwalked(plan), unwalked(step))
            clock.advance("compact", 1)
        manifest = propose_compaction(unwalked(plan), unwalked(written), run_of(clock))
        manifest = publish_compaction(unwalked(manifest), lake)
        new = [*written, *plan.fresh(manifest)]
        compacted = compacted_of(plan, written, sum(file.bytes for file in new))
        note.append(f"snapshot {manifest.number}")
    return compacted


def run_of(clock: Clock) -> str:
    """The name of this run, which its snapshot bears."""
    return run_name(clock.started, "maintain")


def compacted_of(plan: Compaction, files: list[FileEntry], size: int) -> Compacted:
    """What a person reads of ``files`` that came, or would come, of a plan."""
    return Compacted(
        parts_before=sum(len(step.merge.parts) for step in plan.steps),
        parts_after=sum(file.path.startswith("embeddings/") for file in files),
        indexes=len(plan.indexes),
        bytes_before=sum(file.bytes for file in [*plan.before, *plan.outdated]),
        bytes_after=size,
    )


def look(
    lake: Layout, config: MaintainConfig, clock: Clock, ahead: Manifest | None = None
) -> Survey:
    """Find what goes; with ``ahead``, what goes once that is published."""
    retention = Retention(config.keep, timedelta(days=config.grace_days))
    with clock.stage("survey") as note:
        survey = called(survey_lake, plainly=config.dry_run)
        found = survey(lake, retention, clock.started, unwalked(ahead))
        note.append(f"{number_of(len(found.kept), 'snapshot')} to stay")
    return found


def result_of(
    lake: Layout,
    found: Survey,
    removed: Collected,
    compacted: Compacted,
    clock: Clock,
    status: str,
) -> MaintainResult:
    """What a person reads."""
    return MaintainResult.model_validate(
        {
            "status": status,
            "lake": str(lake.root),
            "snapshot": found.current,
            "kept": found.kept,
            "gone": found.gone,
            "candidates": found.candidates,
            "files": removed.files,
            "bytes": removed.bytes,
            "compacted": compacted,
            "seconds": clock.seconds,
        }
    )
