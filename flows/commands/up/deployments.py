"""The deployments: those of `prefect.yaml`, with the folders, the lake and the zone of a user."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from flows.commands.up.checks import check_parameters, faults
from flows.config.index import IndexConfig
from flows.config.preset import preset_of
from flows.orchestration.temporary_server import OrchestratorError
from flows.terminal.overrides import valid
from mmcore.errors import ConfigError
from mmcore.media.urls import is_remote
from storage.places.place import place_of

SECONDS: Final = 300
"""For Prefect to take them; a busy machine is slow to import it."""


def shipped(name: str) -> Path:
    """A file that comes with mmindex: of the repository, or of an installed package."""
    repository = Path(__file__).parents[3] / name
    return repository if repository.exists() else Path(__file__).parent / name


def read(file: Path) -> dict[str, Any]:
    """A `prefect.yaml`; ConfigError where it is none."""
    try:
        told = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file} cannot be read: {' '.join(str(error).split())}") from error
    if why := next(faults(told), ""):
        raise ConfigError(f"{file}: {why}" if why.startswith("deployment") else f"{file} {why}")
    assert isinstance(told, dict)
    return told


def pool_of(told: Mapping[str, Any]) -> str:
    """The work pool of all deployments."""
    return str(told["deployments"][0]["work_pool"]["name"])


@dataclass(frozen=True, slots=True)
class Own:
    """What a user said in place of what a file has; what is None or empty, the file says."""

    media: tuple[str, ...] = ()
    lake: str | None = None
    timezone: str | None = None


def fitted(told: Mapping[str, Any], own: Own) -> dict[str, Any]:
    """``told`` with what the user said; places are absolute, and sources have their aliases.

    Raises ConfigError where a flow of ours could not run with it.
    """
    return {**told, "deployments": [_fitted(one, own) for one in told["deployments"]]}


def _fitted(one: Mapping[str, Any], own: Own) -> dict[str, Any]:
    parameters = dict(one.get("parameters") or {})
    try:
        if "config" in parameters:
            parameters["config"] = _placed(parameters["config"], own)
        check_parameters(one["entrypoint"], parameters)
    except ConfigError as error:
        raise ConfigError(f"deployment {one['name']}: {error}") from error
    schedules = [dict(schedule) for schedule in one.get("schedules") or ()]
    for schedule in schedules:
        if own.timezone and "cron" in schedule:
            schedule["timezone"] = _zone(own.timezone)
    pool = dict(one["work_pool"])
    command = shlex.join((sys.executable, "-P", "-m", "flows.commands.up.run"))
    pool["job_variables"] = {"command": command, **(pool.get("job_variables") or {})}
    return {**one, "parameters": parameters, "schedules": schedules, "work_pool": pool}


def _placed(config: Mapping[str, Any], own: Own) -> dict[str, Any]:
    placed = dict(config)
    if "lake" in placed:
        placed["lake"] = own.lake or placed["lake"]
        if isinstance(placed["lake"], str):  # what is none, the check of the settings says
            placed["lake"] = str(place_of(placed["lake"]))
    if "media" in placed:
        placed["media"] = list(own.media) or placed["media"]
        if isinstance(placed.get("lake"), str):
            placed.setdefault("preset", preset_of(placed["lake"]))
        sources = valid(IndexConfig, placed).sources()
        placed["media"] = [f"{source.alias}={source.url}" for source in sources]
    return placed


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"--timezone {name}: use a name as Asia/Shanghai") from error


def absent(told: Mapping[str, Any]) -> list[str]:
    """Local folders of what `fitted` gave that are to be indexed, and are not there."""
    configs = [one["parameters"].get("config", {}) for one in told["deployments"]]
    sources = [IndexConfig.model_validate(one).sources() for one in configs if "media" in one]
    local = [one.url for one in chain(*sources) if not is_remote(one.url)]
    return [folder for folder in dict.fromkeys(local) if not Path(folder).is_dir()]


def deploy(told: Mapping[str, Any], file: Path, environment: Mapping[str, str]) -> None:
    """Let Prefect take the deployments, through ``file``; OrchestratorError where it does not."""
    file.write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8")  # JSON is YAML
    command = ["deploy", "--all", "--prefect-file", str(file)]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "prefect", "--no-prompt", *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    if done.returncode or done.stdout.count("successfully created") < len(told["deployments"]):
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        why = f"did not take the deployments: {' '.join(' '.join(said[-3:]).split())}"
        raise OrchestratorError("Prefect", why, f"see {file}")
