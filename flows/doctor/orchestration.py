"""Prefect: its version and settings, its server, work pools and late runs.

A server is only asked. Prefect makes its folder when it is imported: where there is none yet, it
is given one that is removed again.
"""

# ruff: noqa: PLC0415 (Prefect reads the environment when it is imported, and takes long)
from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from flows.doctor.places import home
from flows.orchestrator import set_defaults
from mmcore.inspection.machine.checked import Checked, Checks

if TYPE_CHECKING:
    import httpx
    from prefect.settings import Settings

OLDEST_SQLITE: Final = (3, 24)
"""What Prefect's server asks for."""
_PATIENCE: Final = 5.0  # seconds that the server has for an answer
_POOLS: Final = 200


def prefect() -> Checks:
    """Its version, which profile counts, whether telemetry is off, and the database's SQLite."""
    settings = _settings()
    import prefect as library

    facts = {"version": library.__version__, "home": str(home())}
    yield Checked("prefect", "ok", "prefect", facts)
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield Checked("prefect", "fail", "prefect-sqlite", {"version": sqlite3.sqlite_version})
    if settings.server.analytics_enabled or os.environ.get("DO_NOT_TRACK") != "1":
        yield Checked("prefect-telemetry", "warn", "prefect-telemetry-on")
    else:
        yield Checked("prefect-telemetry", "ok", "prefect-telemetry")


def server() -> Checks:
    """The server that runs would use: the configured one answers, or a temporary one may start."""
    settings = _settings()
    url = settings.api.url
    if url is None:
        allowed = settings.server.ephemeral.enabled
        said = "server-temporary" if allowed else "server-none"
        yield Checked("server", "ok" if allowed else "fail", said)
        return
    import httpx

    facts: dict[str, Any] = {"url": _shown(url)}
    try:
        with _client(settings, url) as client:
            facts["version"] = str(_asked(client, "GET", "/admin/version"))
            told = _asked(client, "GET", "/admin/settings")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
        yield Checked("server", "fail", "server-silent", {**facts, "error": why})
        return
    yield _version(facts)
    if _sends(told):
        yield Checked("prefect-telemetry", "warn", "server-telemetry-on", facts)


def _version(facts: Mapping[str, Any]) -> Checked:
    import prefect as library

    mine = library.__version__
    if facts["version"].split(".")[:1] != mine.split(".")[:1]:
        return Checked("server", "fail", "server-other", {**facts, "mine": mine})
    if facts["version"].split(".")[:2] != mine.split(".")[:2]:
        return Checked("server", "warn", "server-older", {**facts, "mine": mine})
    return Checked("server", "ok", "server", facts)


def _sends(told: object) -> bool:
    """Whether a server's settings say that it sends telemetry."""
    mine = told.get("server") if isinstance(told, dict) else None
    return isinstance(mine, dict) and bool(mine.get("analytics_enabled"))


def pools() -> Checks:
    """Work pools of the configured server whose deployments nobody would run."""
    for client in _reached():
        found = _asked(client, "POST", "/work_pools/filter", {"limit": _POOLS})
        names = [one["name"] for one in found if not one.get("is_paused")]
        idle = [one["name"] for one in found if one.get("status") == "NOT_READY"]
        paused = [one["name"] for one in found if one.get("is_paused")]
        for said, which in (("pools-idle", idle), ("pools-paused", paused)):
            if which:
                facts = {"names": ", ".join(which), "first": which[0]}
                yield Checked("pools", "warn", said, facts)
        if not idle and not paused:
            said = "pools" if names else "pools-none"
            yield Checked("pools", "ok", said, {"names": ", ".join(names)})


def late() -> Checks:
    """Scheduled runs that should have begun and did not, and runs that were marked as crashed."""
    for client in _reached():
        late_runs = _count(client, {"state": {"name": {"any_": ["Late"]}}})
        since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        crashed = {"state": {"type": {"any_": ["CRASHED"]}}, "end_time": {"after_": since}}
        crashes = _count(client, crashed)
        facts = {"late": late_runs, "crashed": crashes}
        if late_runs:
            yield Checked("late", "warn", "late-some", facts)
        if crashes:
            yield Checked("late", "warn", "late-crashed", facts)
        if not late_runs and not crashes:
            yield Checked("late", "ok", "late", facts)


def _count(client: httpx.Client, flow_runs: Mapping[str, Any]) -> int:
    return int(_asked(client, "POST", "/flow_runs/count", {"flow_runs": flow_runs}))


def _reached() -> Iterator[httpx.Client]:
    """A client of the configured server, where there is one that answers; ``server`` says why."""
    import httpx

    settings = _settings()
    if settings.api.url is None:
        return
    with _client(settings, settings.api.url) as client:
        try:
            _asked(client, "GET", "/admin/version")
        except (httpx.HTTPError, ValueError):
            return
        yield client


@contextmanager
def _client(settings: Settings, url: str) -> Iterator[httpx.Client]:
    """With the credentials that Prefect's own client would send."""
    import httpx

    headers, auth = {}, None
    if settings.api.key is not None:
        headers["Authorization"] = f"Bearer {settings.api.key.get_secret_value()}"
    if settings.api.auth_string is not None:
        user, _, password = settings.api.auth_string.get_secret_value().partition(":")
        auth = (user, password)
    with httpx.Client(
        base_url=url, headers=headers, auth=auth, timeout=_PATIENCE, follow_redirects=True
    ) as client:
        yield client


def _asked(
    client: httpx.Client, method: str, path: str, told: Mapping[str, Any] | None = None
) -> Any:
    answer = client.request(method, path, json=told)
    answer.raise_for_status()
    return answer.json()


def _shown(url: str) -> str:
    """Without a password."""
    parts = urlsplit(url)
    host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
    return parts._replace(netloc=host).geturl()


def _settings() -> Settings:
    """Those that runs of ours have; importing Prefect makes its folder, so not where none is."""
    set_defaults()
    if home().is_dir():
        from prefect.settings import get_current_settings

        return get_current_settings()
    with _elsewhere():
        from prefect.settings import get_current_settings

        return get_current_settings()


@contextmanager
def _elsewhere() -> Iterator[None]:
    before = os.environ.get("PREFECT_HOME")
    with tempfile.TemporaryDirectory(prefix="mmindex-") as folder:
        os.environ["PREFECT_HOME"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["PREFECT_HOME"]
            else:
                os.environ["PREFECT_HOME"] = before
