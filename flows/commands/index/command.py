"""What the commands do with their arguments: call a flow or the query side, show the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import SecretStr, ValidationError
from rich.console import Console

from flows.commands.index import show
from flows.commands.models.chinese import told
from flows.config.index import IndexConfig, IndexResult
from flows.config.maintain import MaintainConfig
from flows.orchestration.orchestrator import orchestrated
from flows.orchestration.unrecorded import said_once, telling
from flows.stages.checks import check
from flows.telling.json_lines import on_stderr
from flows.telling.progress import BarStages, LogStages, log_lines, reporting
from flows.terminal.overrides import told_setting
from flows.terminal.printing import ERR as ERR  # noqa: PLC0414 - for others
from flows.terminal.printing import OUT as OUT  # noqa: PLC0414
from flows.terminal.printing import print_json as print_json  # noqa: PLC0414
from mmcore.errors import ConfigError
from mmcore.media.reasons import Language
from mmcore.specs import Spec
from storage.layout import Layout
from storage.places.place import place_of

S = TypeVar("S", bound=Spec)


def run_index(settings: Mapping[str, Any], *, as_json: bool) -> None:
    """`mmindex index`: the flow `index-media`, watched."""
    from flows.telling.night import telling_of_failures

    config = valid(IndexConfig, settings)
    check_notify(config.notify)
    with telling_of_failures(config):
        check(config)
        result = _indexed(config)
    _told(result, show.indexed, as_json=as_json)


def _indexed(config: IndexConfig) -> IndexResult:
    """What the flow says, or, where nothing is to do, what was found before it began."""
    found: list[IndexResult] = []

    def nothing_to_do() -> bool:
        from flows.stages.beforehand import nothing_to_do

        found.extend(filter(None, [nothing_to_do(config)]))
        return bool(found)

    with watching("flows.index_media", nothing_to_do, lake=config.lake_root()):
        from flows.index_media import index_media  # loaded while the server started

        result = found[0] if found else index_media(config)
        if found:
            from flows.telling.watched import told_without_flow

            told_without_flow("index-media", config, result)
    return result


def check_notify(entries: Iterable[SecretStr]) -> None:
    """Raise ConfigError for who can never be told; asks nobody."""
    from tasks.notify import masked, unusable

    for entry in entries:
        if why := unusable(entry.get_secret_value()):
            raise ConfigError(f"--notify {masked(entry.get_secret_value())}: {why}")


USUAL: Final = "embedded"
"""The preset of a new lake, where nothing else is said."""


def preset_of(lake: str) -> str:
    """What the lake was made with, else the usual preset: a run that names none changes none."""
    from storage.errors import CorruptLakeError, LakeVersionError, NoLakeError
    from storage.snapshot import manifest_of

    with suppress(NoLakeError, CorruptLakeError, LakeVersionError, OSError):  # told by the run
        return manifest_of(Layout(place_of(lake))).preset
    return USUAL


def _told(result: S, shown: Callable[[Console, S], None], *, as_json: bool) -> None:
    """Print a flow's result: as JSON for programs, else as ``shown`` does for people."""
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        shown(OUT, result)


def valid(kind: type[S], settings: Mapping[str, Any]) -> S:
    """The config of a flow; ConfigError names the first setting that cannot be."""
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(told_setting(kind, error.errors()[0])) from None


@contextmanager
def watching(
    module: str,
    needless: Callable[[], bool] = lambda: False,
    language: Language = "en",
    lake: Path | None = None,
) -> Iterator[None]:
    """A flow inside runs with bars on a terminal, with plain lines elsewhere.

    ``module``, which loads Prefect, is imported while a temporary server starts; where
    ``needless`` says so then, no server is waited for, and no flow may run. ``lake``: its root; if
    the server goes away, it is told what stands there.
    """
    with ExitStack() as stack:
        err = Console(quiet=True) if on_stderr() else ERR  # then it is for machines
        dim = partial(err.print, style="dim", highlight=False, soft_wrap=True)

        def announce(line: str) -> None:
            dim(told(line, language))

        stack.enter_context(said_once())
        url = stack.enter_context(orchestrated(announce, preload=(module,), needless=needless))
        stack.enter_context(telling(None if lake is None else Layout(lake), url))
        stack.enter_context(log_lines(err, language))
        bars = BarStages(err, language)
        stages = stack.enter_context(bars) if err.is_terminal else LogStages(language)
        stack.enter_context(reporting(stages))
        yield


def run_maintain(settings: Mapping[str, Any], *, as_json: bool) -> None:
    """`mmindex maintain`: the flow of that name, watched."""
    from storage.snapshot import manifest_of

    config = valid(MaintainConfig, settings)
    manifest_of(Layout(config.lake_root()))  # a lake, before anybody waits for a server
    with watching("flows.maintain", lake=config.lake_root()):
        from flows.maintain import maintain  # loaded while the server started

        result = maintain(config)
    _told(result, show.maintained, as_json=as_json)


def run_status(lake: str, *, as_json: bool) -> None:
    """`mmindex status`: the published snapshot in figures."""
    from flows.commands.snapshots.publishing import naming_blocked
    from flows.commands.snapshots.show import interrupted
    from storage.erasure import orders
    from storage.snapshot import Snapshot

    layout = Layout(place_of(lake))
    with naming_blocked(layout):
        snapshot = Snapshot.open(layout)
    quarantine = snapshot.rows("quarantine", ["root", "path", "stage", "reason", "message"])
    if as_json:
        said = show.status_json(layout, snapshot.manifest)
        waits = {"erasure_interrupted": orders.interrupted(layout)}
        print_json(said | waits | {"quarantine": quarantine.to_pylist()})
    else:
        if orders.interrupted(layout):
            interrupted(ERR)
        show.status(OUT, layout, snapshot.manifest)
        show.quarantine(OUT, quarantine.to_pylist())
