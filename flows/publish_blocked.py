"""Let serve what the gate blocked, for somebody who says so and why."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import flow

from flows.config.evaluate import OverrideConfig, OverrideResult
from flows.stages.blocked import acceptable
from flows.stages.writing import as_writer
from storage.keys import check_key
from storage.layout import Layout
from storage.manifest import Override
from storage.snapshot import Snapshot
from tasks.alerts import Alert, alerted
from tasks.publish import accept, publish_override
from tasks.workplace import Workplace


@flow(name="publish-blocked")
def publish_blocked(config: OverrideConfig) -> OverrideResult:
    """Let a blocked candidate serve; manifest, history and an event keep who wanted it, and why.

    Named by its number, what serves and was found worse serves on: then the history keeps it.
    Raises ConfigError where there is no such one, CandidateOutdatedError where another was
    published since it was made, CorruptLakeError where a file of it is gone.
    """
    lake = Layout(config.lake_root())
    acceptable(lake, config.run)  # before the lock makes a folder
    check_key(lake)
    with as_writer(lake, config.wait):
        manifest = acceptable(lake, config.run)
        work = Workplace.of(Snapshot(lake, manifest))
        override = Override(name=config.name, reason=config.reason, when=datetime.now(UTC))
        serves = config.run.isdecimal()
        published = (accept if serves else publish_override)(manifest, override, work)
    before = published.number if serves else published.parent
    told = Alert(
        "overridden",
        published.number,
        published.run,
        published.parent,
        name=config.name,
        reason=config.reason,
    )
    return OverrideResult(
        lake=str(lake.root),
        run=published.run,
        snapshot=published.number,
        before=before,
        name=config.name,
        reason=config.reason,
        not_notified=tuple(alerted(told, config.notify, work)),
    )
