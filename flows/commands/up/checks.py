"""What may be wrong with a `prefect.yaml`: found before a server is started for it."""

# ruff: noqa: PLC0415 (Prefect reads the environment when it is imported, and takes long)
from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from flows.config.evaluate import EvaluateConfig
from flows.config.index import IndexConfig
from flows.config.maintain import MaintainConfig
from flows.config.train import TrainConfig
from flows.stages.checks import check_lake
from flows.terminal.overrides import valid
from mmcore.errors import ConfigError
from mmcore.specs import Spec
from storage.places.place import is_local

CONFIGS: Final[Mapping[str, type[Spec]]] = MappingProxyType(
    {
        "flows.index_media.index_media": IndexConfig,
        "flows.evaluate_retrieval.evaluate_retrieval": EvaluateConfig,
        "flows.train_fusion.train_fusion": TrainConfig,
        "flows.maintain.maintain": MaintainConfig,
    }
)
"""What our flows are told, by entrypoint."""

_KINDS: Final = ("cron", "interval", "rrule")
_NOT_IN_NAMES: Final = frozenset("/%&<>")  # by Prefect


def faults(told: object) -> Iterator[str]:
    """What is not of the form of a `prefect.yaml` with deployments, a few words each."""
    found = told.get("deployments") if isinstance(told, dict) else None
    if not isinstance(found, list) or not found:
        yield "has no deployments"
        return
    for number, one in enumerate(found, 1):
        yield from (f"deployment {number}{_called(one)} {what}" for what in _faults(one))
    if any(True for one in found for _ in _faults(one)):
        return
    names = Counter((one["entrypoint"], one["name"]) for one in found)
    yield from (f"has two deployments {name}" for (_, name), n in names.items() if n > 1)
    pools = sorted({one["work_pool"]["name"] for one in found})
    if len(pools) > 1:
        yield f"names work pools {', '.join(pools)}: use one"


def _called(one: object) -> str:
    name = one.get("name") if isinstance(one, dict) else None
    return f" ({name})" if isinstance(name, str) and name else ""


def _faults(one: object) -> Iterator[str]:
    if not isinstance(one, dict):
        yield "is not a mapping"
        return
    for key in ("name", "entrypoint"):
        if not _is_said(one.get(key)):
            yield f"has no {key}"
    pool = one.get("work_pool")
    named = pool.get("name") if isinstance(pool, dict) else None
    if not isinstance(pool, dict) or not _is_said(named):
        yield "has no work_pool with a name"
    elif not isinstance(pool.get("job_variables") or {}, dict):
        yield "has job_variables that are not a mapping"
    yield from (fault for name in (one.get("name"), named) for fault in _of_name(name))
    yield from _of_forms(one)


def _is_said(name: object) -> bool:
    return isinstance(name, str) and bool(name.strip())


def _of_name(name: object) -> Iterator[str]:
    if isinstance(name, str) and (wrong := sorted(_NOT_IN_NAMES & {*name})):
        yield f"has {' '.join(wrong)} in the name {name!r}, which no name may have"


def _of_forms(one: Mapping[str, Any]) -> Iterator[str]:
    parameters = one.get("parameters") or {}
    if not isinstance(parameters, dict) or not isinstance(parameters.get("config", {}), dict):
        yield "has parameters that are not a mapping, with config as another"
    schedules = one.get("schedules") or []
    if not isinstance(schedules, list) or not all(isinstance(each, dict) for each in schedules):
        yield "has schedules that are not a list, each with cron and timezone"


def check_parameters(entrypoint: str, parameters: Mapping[str, Any]) -> None:
    """Raise ConfigError where a flow of ours would not take what it is told."""
    kind = CONFIGS.get(entrypoint)
    if kind is None:
        return
    config = valid(kind, parameters.get("config", {}))
    if isinstance(config, IndexConfig) and is_local(config.lake_root()):
        check_lake(config)


def check_schedules(told: Mapping[str, Any]) -> None:
    """Raise ConfigError for the first schedule that Prefect would not take."""
    for one in told["deployments"]:
        for schedule in one["schedules"]:
            try:
                _check_schedule(schedule)
            except (ValueError, TypeError) as error:
                why = _why(error)
                raise ConfigError(f"deployment {one['name']}: schedule {why}") from error


def _check_schedule(told: Mapping[str, Any]) -> None:
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

    kinds: dict[str, type[BaseModel]] = dict(
        zip(_KINDS, (CronSchedule, IntervalSchedule, RRuleSchedule), strict=True)
    )
    named = [kind for kind in _KINDS if told.get(kind)]
    if len(named) != 1:
        raise ValueError(f"{dict(told)}: write one of {', '.join(_KINDS)}")
    (kind,) = named
    more = {key: told[key] for key in ("timezone", "day_or") if told.get(key) is not None}
    if kind != "cron":
        more.pop("day_or", None)
    kinds[kind].model_validate({kind: told[kind], **more})


def _why(error: Exception) -> str:
    """What is wrong, in a line: of a value, what was given and Prefect's words."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "value"
    how = ': five fields, such as "0 1 * * *"' if where == "cron" else ""
    return f"{where}: {first['msg'].removeprefix('Value error, ')}{how}"
