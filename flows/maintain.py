"""survey → collect: remove what a lake no longer needs."""

from datetime import timedelta

from prefect import flow

from flows.clock import Clock
from flows.config import MaintainConfig, MaintainResult
from storage.errors import NoLakeError
from storage.garbage import Collected, Retention, Survey
from storage.layout import Layout
from storage.locks import writer_lock
from storage.snapshot import current
from tasks.maintain import collect_garbage, survey_lake
from tasks.policies import unwalked


@flow(name="maintain")
def maintain(config: MaintainConfig) -> MaintainResult:
    """Remove old snapshots, and files that nothing kept names; what serves is never touched."""
    lake = Layout(config.lake_root())
    if current(lake) is None:  # before the lock, which would make the folder
        raise NoLakeError(lake.root)
    clock = Clock()
    if config.dry_run:
        found = look(lake, config, clock)
        return result_of(lake, found, Collected.of(found.garbage), clock, "planned")
    with writer_lock(lake, config.wait):
        found = look(lake, config, clock)
        with clock.stage("collect") as note:
            removed = collect_garbage(lake, unwalked(found))
            note.append(f"{sum(removed.files.values())} files")
    return result_of(lake, found, removed, clock, "removed" if removed.files else "unchanged")


def look(lake: Layout, config: MaintainConfig, clock: Clock) -> Survey:
    """Find what goes."""
    retention = Retention(config.keep, timedelta(days=config.grace_days))
    with clock.stage("survey") as note:
        found = survey_lake(lake, retention, clock.started)
        note.append(f"{len(found.kept)} snapshots stay")
    return found


def result_of(
    lake: Layout, found: Survey, removed: Collected, clock: Clock, status: str
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
            "seconds": clock.seconds,
        }
    )
