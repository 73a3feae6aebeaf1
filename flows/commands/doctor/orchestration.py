"""Prefect: its version and settings, its servers, work pools and late runs.

A server is only asked: the one that is named, or that of `mmindex up` on this machine.
"""

# ruff: noqa: PLC0415 (Prefect reads the environment when it is imported, and takes long)
from __future__ import annotations

import json
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from flows.commands.doctor import prefect_settings, ups
from flows.commands.doctor.places import home
from mmcore.inspection.machine.checked import Checked, Checks, State

if TYPE_CHECKING:
    import httpx
    from prefect.settings import Settings

OLDEST_SQLITE: Final = (3, 24)
"""What Prefect's server asks for."""
_PATIENCE: Final = 10.0  # seconds that the server has for an answer, on a busy machine too
_POOLS: Final = 200
_SHOWN: Final = 3
FLOWS: Final = (
    *("index-media", "evaluate-retrieval", "train-fusion", "maintain"),
    *("promote-models", "publish-blocked"),
)
"""Ours, by their names."""
_REFUSED: Final = frozenset({401, 403})


def prefect() -> Checks:
    """Its version, which profile counts, whether telemetry is off, and the database's SQLite."""
    try:
        settings = prefect_settings.settings()
    except ValueError as error:  # pydantic's, and of a file that is no TOML
        yield prefect_settings.broken(error)
        return
    import prefect as library

    facts = {"version": library.__version__, "home": str(home())}
    yield Checked("prefect", "ok", "prefect", facts)
    yield from prefect_settings.profile()
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield Checked("prefect", "fail", "prefect-sqlite", {"version": sqlite3.sqlite_version})
    if settings.server.analytics_enabled or os.environ.get("DO_NOT_TRACK") != "1":
        yield Checked("prefect-telemetry", "warn", "prefect-telemetry-on")
    else:
        yield Checked("prefect-telemetry", "ok", "prefect-telemetry")


def server() -> Checks:
    """The server that runs would use: the configured one answers, or a temporary one may start.

    Where none is named, also that of `mmindex up`, which has the runs of its schedules.
    """
    settings = prefect_settings.readable()
    if settings is None:
        return
    url = settings.api.url
    if url is not None:
        yield from _looked_at(settings, url, ("fail", "server-silent"))
        return
    of_up = ups.urls()
    for url in of_up:  # one that does not answer yet may have just been started
        yield from _looked_at(settings, url, ("warn", "server-up-silent"), "server-up")
    if not settings.server.ephemeral.enabled:
        yield Checked("server", "fail", "server-none")
    elif of_up:
        yield Checked("server", "ok", "server-beside", {"url": _shown(of_up[0])})
    else:
        yield Checked("server", "ok", "server-temporary")


def _looked_at(
    settings: Settings, url: str, silent: tuple[State, str], well: str = "server"
) -> Checks:
    """What there is to say of a server: ``silent`` where none answers, ``well`` if all is."""
    import httpx

    facts: dict[str, Any] = {"url": _shown(url)}
    try:
        with _client(settings, url) as client:
            facts["version"] = str(_asked(client, "GET", "/admin/version"))
            told = _asked(client, "GET", "/admin/settings")
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        said = "server-refuses" if status in _REFUSED else "server-strange"
        yield Checked("server", "fail", said, {**facts, "error": f"HTTP {status}"})
        return
    except json.JSONDecodeError as error:  # it answers with a page
        yield Checked("server", "fail", "server-strange", {**facts, "error": _line(error)})
        return
    except (httpx.UnsupportedProtocol, httpx.InvalidURL, ValueError) as error:
        yield Checked("server", "fail", "server-address", {**facts, "error": _line(error)})
        return
    except httpx.HTTPError as error:
        yield Checked("server", *silent, {**facts, "error": _line(error)})
        return
    yield _version(facts, well)
    if _sends(told):
        yield Checked("prefect-telemetry", "warn", "server-telemetry-on", facts)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]


def _version(facts: Mapping[str, Any], well: str) -> Checked:
    import prefect as library

    mine = library.__version__
    if facts["version"].split(".")[:1] != mine.split(".")[:1]:
        return Checked("server", "fail", "server-other", {**facts, "mine": mine})
    if facts["version"].split(".")[:2] != mine.split(".")[:2]:
        return Checked("server", "warn", "server-older", {**facts, "mine": mine})
    return Checked("server", "ok", well, facts)


def _sends(told: object) -> bool:
    """Whether a server's settings say that it sends telemetry."""
    mine = told.get("server") if isinstance(told, dict) else None
    return isinstance(mine, dict) and bool(mine.get("analytics_enabled"))


def pools() -> Checks:
    """Work pools of the server whose deployments nobody would run."""
    for client in _reached():
        found = _asked(client, "POST", "/work_pools/filter", {"limit": _POOLS})
        names = [one["name"] for one in found if not one.get("is_paused")]
        idle = [one for one in found if one.get("status") == "NOT_READY"]
        told = {
            "pools-idle": [one["name"] for one in idle if one.get("type") == "process"],
            "pools-idle-elsewhere": [one["name"] for one in idle if one.get("type") != "process"],
            "pools-paused": [one["name"] for one in found if one.get("is_paused")],
        }
        for said, which in told.items():
            if which:
                facts = {"names": ", ".join(which), "first": which[0], "url": _of(client)}
                yield Checked("pools", "warn", said, facts)
        if not any(told.values()):
            said = "pools" if names else "pools-none"
            yield Checked("pools", "ok", said, {"names": ", ".join(names)})


def late() -> Checks:
    """Scheduled runs that should have begun and did not, and runs that were marked as crashed.

    Of our flows alone: a server may have others. Those that crashed are named by flow and lake.
    """
    for client in _reached():
        late_runs = _count(client, {"state": {"name": {"any_": ["Late"]}}})
        since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        crashed = {"state": {"type": {"any_": ["CRASHED"]}}, "end_time": {"after_": since}}
        crashes = _count(client, crashed)
        facts = {"late": late_runs, "crashed": crashes, "url": _of(client)}
        if crashes:
            facts |= _crashed(client, crashed)
        if late_runs:
            yield Checked("late", "warn", "late-some", facts)
        if crashes:
            yield Checked("late", "warn", "late-crashed", facts)
        if not late_runs and not crashes:
            yield Checked("late", "ok", "late", facts)


def _count(client: httpx.Client, flow_runs: Mapping[str, Any]) -> int:
    return int(_asked(client, "POST", "/flow_runs/count", _ours(flow_runs)))


def _ours(flow_runs: Mapping[str, Any]) -> dict[str, Any]:
    return {"flow_runs": flow_runs, "flows": {"name": {"any_": list(FLOWS)}}}


def _crashed(client: httpx.Client, flow_runs: Mapping[str, Any]) -> dict[str, Any]:
    """Which they are: flow and lake, each with how many; and the newest one's id."""
    asked = {**_ours(flow_runs), "sort": "END_TIME_DESC", "limit": _POOLS}
    runs = _asked(client, "POST", "/flow_runs/filter", asked)
    if not runs:  # they went meanwhile
        return {"which": "?", "newest": "?"}
    flows = {"flows": {"id": {"any_": sorted({run["flow_id"] for run in runs})}}}
    names = {one["id"]: one["name"] for one in _asked(client, "POST", "/flows/filter", flows)}
    found = Counter((names.get(run["flow_id"], "?"), _lake(run)) for run in runs)
    told = [f"{count} × {name} ({lake})" for (name, lake), count in found.most_common(_SHOWN)]
    more = ["…"] if len(found) > _SHOWN else []
    return {"which": ", ".join([*told, *more]), "newest": runs[0]["id"]}


def _lake(run: Mapping[str, Any]) -> str:
    """Of its parameters, as it was told."""
    config = run.get("parameters", {}).get("config")
    return str(config.get("lake", "?")) if isinstance(config, Mapping) else "?"


def _reached() -> Iterator[httpx.Client]:
    """A client of each server that `server` looked at and that answers; that one says why not."""
    settings = prefect_settings.readable()
    if settings is None:
        return
    for url in [settings.api.url] if settings.api.url else ups.urls():
        if _answers(settings, url):
            with _client(settings, url) as client:
                yield client


def _of(client: httpx.Client) -> str:
    return _shown(str(client.base_url).rstrip("/"))


def _answers(settings: Settings, url: str) -> bool:
    import httpx

    try:
        with _client(settings, url) as client:
            _asked(client, "GET", "/admin/version")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False
    return True


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
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.rpartition("@")[2]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
