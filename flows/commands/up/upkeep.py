"""What a Prefect server needs beside deployments: a pool, a limit, automations, no dead runs."""

# ruff: noqa: PLC0415 (Prefect reads the environment when it is imported, and takes long)
from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from flows.engines.gpu import LIMIT
from mmcore.errors import ConfigError

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

LATE: Final = timedelta(hours=1)
"""A scheduled run that is later than this is left to the next one."""

PAGE: Final = 200

ENDED: Final = "Its worker ended while it ran; what is finished is kept, the next run goes on."
NOBODY: Final = "No process is at it any more; what is finished is kept, the next run goes on."


def make_pool(client: SyncPrefectClient, name: str) -> None:
    """Make the work pool if it is not there; ConfigError where it is one of another kind."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        pool = client.read_work_pool(name)
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        told = WorkPoolCreate(name=name, type="process", base_job_template=template)
        client.create_work_pool(told)
        return
    if pool.type != "process":
        raise ConfigError(
            f"the work pool {name!r} of this server is of type {pool.type}: start its own worker"
            f" (`prefect worker start --pool {name}`), or name another pool in --file"
        )


def make_limit(client: SyncPrefectClient) -> None:
    """Make the limit on runs that use GPUs if it is not there; one that is there stays."""
    from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
    from prefect.exceptions import ObjectNotFound

    try:
        client.read_global_concurrency_limit_by_name(LIMIT)
    except ObjectNotFound:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=LIMIT, limit=1))


def make_automations(client: SyncPrefectClient, file: Path) -> None:
    """Make the automations of a file, or bring those of the same names up to date."""
    from prefect.events.schemas.automations import AutomationCore

    for told in yaml.safe_load(file.read_text("utf-8"))["automations"]:
        automation = AutomationCore.model_validate(told)
        found = client.read_automations_by_name(automation.name)
        if not found:
            client.create_automation(automation)
        for one in found:
            client.update_automation(
                one.id, automation.model_copy(update={"enabled": one.enabled})
            )


def end_dead_runs(client: SyncPrefectClient, pool: str) -> list[str]:
    """Mark runs as Crashed that were under way while no worker is, and say their names."""
    from prefect.exceptions import ObjectNotFound
    from prefect.states import Crashed

    dead = under_way(client, pool)
    for run in dead:
        with suppress(ObjectNotFound):  # somebody deleted it
            client.set_flow_run_state(run.id, Crashed(message=ENDED), force=True)
    return [run.name for run in dead]


def under_way(client: SyncPrefectClient, pool: str) -> list[FlowRun]:
    """The runs of a pool that some process should be at."""
    return _runs(client, pool, ("PENDING", "RUNNING", "CANCELLING"))


def leave_late_runs(client: SyncPrefectClient, pool: str) -> list[str]:
    """Cancel scheduled runs that are too late, before a worker sees them; say their names."""
    from prefect.states import Cancelled

    before = datetime.now(UTC) - LATE
    late = [
        run
        for run in _runs(client, pool, ("SCHEDULED",))
        if run.auto_scheduled and (run.next_scheduled_start_time or before) < before
    ]
    for run in late:
        client.set_flow_run_state(run.id, Cancelled(message="It was too late."), force=True)
    return [run.name for run in late]


def _runs(client: SyncPrefectClient, pool: str, states: Sequence[str]) -> list[FlowRun]:
    """The runs of a pool that are in one of the states."""
    from prefect.client.schemas.filters import FlowRunFilter, WorkPoolFilter

    wanted = FlowRunFilter.model_validate({"state": {"type": {"any_": list(states)}}})
    pools = WorkPoolFilter.model_validate({"name": {"any_": [pool]}})
    found: list[FlowRun] = []
    while len(found) % PAGE == 0:
        page = client.read_flow_runs(
            flow_run_filter=wanted, work_pool_filter=pools, limit=PAGE, offset=len(found)
        )
        if not page:
            break
        found += page
    return found


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment as the server has it."""

    name: str
    """FLOW/DEPLOYMENT, as `prefect deployment run` takes it."""
    schedules: tuple[tuple[str, str], ...]  # cron, time zone

    @property
    def when(self) -> str:
        """Its schedules, for people."""
        return ", ".join(" ".join(one) for one in self.schedules)

    def told(self) -> dict[str, Any]:
        """The same for programs."""
        crons = [{"cron": cron, "timezone": zone} for cron, zone in self.schedules]
        return {"name": self.name, "schedules": crons}


def deployed(client: SyncPrefectClient, pool: str) -> list[Deployed]:
    """The deployments of a pool, by name."""
    from prefect.client.schemas.filters import WorkPoolFilter
    from prefect.client.schemas.schedules import CronSchedule

    pools = WorkPoolFilter.model_validate({"name": {"any_": [pool]}})
    found = []
    for one in client.read_deployments(work_pool_filter=pools):
        crons = [told.schedule for told in one.schedules if told.active]
        found.append(
            Deployed(
                f"{client.read_flow(one.flow_id).name}/{one.name}",
                tuple(
                    (told.cron, told.timezone or "UTC")
                    for told in crons
                    if isinstance(told, CronSchedule)
                ),
            )
        )
    return sorted(found, key=lambda one: one.name)
