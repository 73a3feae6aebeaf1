"""Progress artifacts: what a flow run shows of its stages in Prefect while they run."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.context import FlowRunContext
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.telling.progress import FAILED, also, rate_line
from flows.terminal.chinese import stage as named

log = logging.getLogger(__name__)

EVERY: Final = 1.0
"""Seconds between two updates of an artifact, at least; ``MOST`` in a long run.

Each takes Prefect some 10 ms.
"""

MOST: Final = 10.0
RARER: Final = 0.03
"""Of the time since a run's beginning: what is watched for minutes moves every few seconds."""

PAUSE: Final = 30.0
"""Seconds after which a server that took no artifact is asked again."""

ANSWER: Final = 5.0
"""Seconds that a server may take for one artifact, and the last of them at the end of a run."""

_NOT_KEY: Final = re.compile(r"[^a-z0-9]+")  # Prefect's keys: lower case, digits and dashes


@contextmanager
def shown_live(flow: str) -> Iterator[None]:
    """Within, each stage is a progress artifact of the flow run; outside of a run, nothing.

    They are made and updated by a thread of their own: a slow server, or none, holds up no stage.
    """
    run = FlowRunContext.get()
    if run is None or run.flow_run is None:
        yield
        return
    stages = LiveStages(flow, run.flow_run.id)
    try:
        with also(stages):
            yield
    finally:
        stages.close()


def key_of(flow: str, stage: str) -> str:
    """``index-media-embed-image``: a key of Prefect's."""
    return _NOT_KEY.sub("-", f"{flow}-{stage}".lower()).strip("-")


def pause(age: float) -> float:
    """Seconds until the next update of a run that began ``age`` seconds ago."""
    return min(MOST, max(EVERY, RARER * age))


@dataclass(slots=True)
class _Bar:
    """One stage: what is known of it, and what the server knows."""

    stage: str
    total: int | None
    unit: str
    began: float
    done: int = 0
    share: float | None = None  # of the work, where counts tell less
    ended: float | None = None
    note: str = ""
    artifact: UUID | None = None
    news: bool = True  # of which the server knows nothing yet

    @property
    def percent(self) -> float:
        """Of what can be counted; of what cannot, nothing until it is over."""
        if self.ended is not None and self.note != FAILED:
            return 100.0
        if self.share is not None:
            return round(100.0 * self.share, 1)
        return round(min(100.0, 100.0 * self.done / self.total), 1) if self.total else 0.0

    def said(self, now: float) -> str:
        """Its name in both languages, and how far it is, or what came of it."""
        chinese = named(self.stage, "zh")
        name = self.stage if chinese == self.stage else f"{self.stage} · {chinese}"
        if self.ended is not None:
            note = self.note or (f"{self.done} {self.unit}" if self.unit else "")
            state = FAILED if self.note == FAILED else f"done in {self.ended - self.began:.1f} s"
            return f"**{name}**: {state}{f', {note}' if note and note != FAILED else ''}"
        if not self.unit:
            return f"**{name}**: under way"
        took = now - self.began
        return f"**{name}**: {rate_line(self.done, self.total, self.unit, took, self.share)}"


class LiveStages:
    """Keeps what the stages tell; a thread brings the newest of it to the server."""

    def __init__(self, flow: str, run: UUID) -> None:
        self._flow, self._run = flow, run
        self._bars: list[_Bar] = []
        self._open: dict[str, _Bar] = {}
        self._lock = threading.Lock()
        self._news, self._over = threading.Event(), threading.Event()
        self._warned = False
        work = copy_context()  # of the run: it has Prefect's settings
        self._thread = threading.Thread(target=work.run, args=(self._send_all,), daemon=True)
        self._thread.start()

    def begin(self, stage: str, total: int | None, unit: str) -> None:
        """A stage starts."""
        with self._lock:
            self._open[stage] = _Bar(stage, total, unit, time.monotonic())
            self._bars.append(self._open[stage])
        self._news.set()

    def advance(self, stage: str, count: int, share: float | None = None) -> None:
        """``count`` more are done."""
        with self._lock:
            bar = self._open[stage]
            bar.done, bar.share, bar.news = bar.done + count, share, True
        self._news.set()

    def end(self, stage: str, note: str = "") -> None:
        """A stage is over."""
        with self._lock:
            bar = self._open.pop(stage)
            bar.ended, bar.note, bar.news = time.monotonic(), note, True
        self._news.set()

    def close(self) -> None:
        """Bring the end of all of them, for some seconds at most."""
        self._over.set()
        self._news.set()
        self._thread.join(ANSWER)

    def _send_all(self) -> None:
        """Until all is over: send what is new, each second at first, then less often."""
        began = time.monotonic()
        settings = {PREFECT_CLIENT_MAX_RETRIES: 0}  # the next turn is the next try
        with (
            temporary_settings(settings),
            get_client(httpx_settings={"timeout": ANSWER}, sync_client=True) as client,
        ):
            while True:
                self._news.wait()
                self._news.clear()
                over = self._over.is_set()
                sent = self._send(client)
                if over:
                    return
                self._over.wait(pause(time.monotonic() - began) if sent else PAUSE)

    def _send(self, client: SyncPrefectClient) -> bool:
        """Send what is new; what the server does not take stays new."""
        with self._lock:
            new = [bar for bar in self._bars if bar.news]
        for bar in new:
            bar.news = False  # before it is read: what comes meanwhile is new again
            try:
                self._sent(client, bar)
            except Exception as error:  # noqa: BLE001 - no run is worth less than its picture
                bar.news = True
                self._news.set()
                self._warn(error)
                return False
        with self._lock:
            self._bars = [bar for bar in self._bars if bar.news or bar.ended is None]
        return True

    def _sent(self, client: SyncPrefectClient, bar: _Bar) -> None:
        data, said = bar.percent, bar.said(time.monotonic())
        if bar.artifact is not None:
            client.update_artifact(bar.artifact, ArtifactUpdate(data=data, description=said))
            return
        made = ArtifactCreate(
            key=key_of(self._flow, bar.stage),
            type="progress",
            data=data,
            description=said,
            flow_run_id=self._run,
        )
        bar.artifact = client.create_artifact(made).id

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            log.warning("Prefect shows no progress for now: %s", type(error).__name__)
