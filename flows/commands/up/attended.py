"""Runs that no process is at, though the worker lives: what a server that died had not heard.

The worker reports a run whose process ended, once; a run that it was about to start when the
server died is Pending, and no rule of Prefect ends it. Both would be under way for ever.
"""

# ruff: noqa: PLC0415 (Prefect reads the environment when it is imported, and takes long)
from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final
from uuid import UUID

import psutil

from flows.commands.up import upkeep

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

ABSENT: Final = 120.0
"""Seconds without a process until a run is lost: a worker on a busy machine starts one in less."""

EVERY: Final = 30.0
"""Seconds between looks."""

_ID: Final = "PREFECT__FLOW_RUN_ID"  # in the environment of a run's process


class Attended:
    """Looks which runs of a pool are under way, and which of them have a process.

    Args:
        clock: seconds, as of ``time.monotonic``.
    """

    def __init__(self, pool: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool, self._clock = pool, clock
        self._since: dict[UUID, float] = {}
        self._looked = clock()

    @property
    def due(self) -> bool:
        """Whether it is time for a look."""
        return self._clock() - self._looked >= EVERY

    def look(self, client: SyncPrefectClient) -> list[str]:
        """Mark runs as Crashed that had no process for ABSENT seconds; say their names."""
        from prefect.exceptions import ObjectNotFound
        from prefect.states import Crashed

        self._looked = now = self._clock()
        alone = {run.id: run for run in upkeep.under_way(client, self._pool)}
        at_work = runs_at_work()
        alone = {key: run for key, run in alone.items() if key not in at_work}
        self._since = {key: self._since.get(key, now) for key in alone}
        lost = [alone[key] for key, since in self._since.items() if now - since >= ABSENT]
        for run in lost:  # not forced: one that has just ended stays as it ended
            with suppress(ObjectNotFound):  # somebody deleted it
                client.set_flow_run_state(run.id, Crashed(message=upkeep.NOBODY))
        return [run.name for run in lost]


def runs_at_work(worker: int | None = None) -> set[UUID]:
    """The runs that processes of this user are at, whichever worker started them.

    Those of one ``worker`` alone, where its process is named.
    """
    found = set()
    for process in psutil.process_iter() if worker is None else _below(worker):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            found.add(process.environ().get(_ID))
    return {UUID(one) for one in found if one}


def _below(worker: int) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(worker).children(recursive=True)
    return found
