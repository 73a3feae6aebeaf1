"""Who is told that a run of `index-media` failed, and in which words: ``night.toml``.

A gate that blocks tells people itself. One that Ctrl-C ended was ended by somebody who knows it;
of one that was killed nobody is left to tell (an automation of Prefect does, `mmindex up`).
"""

from __future__ import annotations

import errno
import functools
import json
import logging
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

from flows.config.index import IndexConfig
from flows.orchestration.run import Ending, Run
from mmcore.errors import DiskSpaceError
from storage.errors import NoLakeError
from storage.layout import Layout
from storage.places import cache as places
from storage.places.atomic import write_bytes
from storage.published import manifest_of
from tasks.notify import Message, send

R = TypeVar("R")

log = logging.getLogger(__name__)

QUIET_SECONDS: Final = 6 * 3600.0
"""The same failure is not told again for so long: a watch tries each quarter of an hour."""

OF_THE_GATE: Final = 3
_DAMAGED: Final = 7
_OTHER: Final = 1
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)
_BY_HAND: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)
_TOLD: ContextVar[list[str] | None] = ContextVar("told", default=None)


@contextmanager
def telling_of_failures(config: IndexConfig) -> Iterator[None]:
    """Tell of what fails within, once however deep this is nested, and that all is well again."""
    around = _TOLD.get()
    told = [] if around is None else around
    token = _TOLD.set(told)
    try:
        yield
    except _BY_HAND:
        raise
    except BaseException as error:
        if not told:
            told.append(type(error).__name__)
            _tell(config, error)
        raise
    else:
        _tell_well(config)
    finally:
        _TOLD.reset(token)


def telling(function: Callable[[IndexConfig], R]) -> Callable[[IndexConfig], R]:
    """The same around each call of a function: for the flow, above what keeps errors discreet."""

    @functools.wraps(function)
    def called(config: IndexConfig) -> R:
        with telling_of_failures(config):
            return function(config)

    return called


def _tell(config: IndexConfig, error: BaseException) -> None:
    """Whatever goes wrong here is a warning: the first error is the one to be raised."""
    if not config.notify or config.dry_run:
        return
    try:
        run = Run.of("index-media", config)
        ending = Ending.by(error, run)
        if getattr(error, "errno", None) in _FULL:
            ending = replace(ending, code=DiskSpaceError.exit_code)
        if ending.code != OF_THE_GATE and _is_news(run, ending):
            send(config.notify, failure(run, ending, Layout(config.lake_root())))
    except Exception as trouble:  # noqa: BLE001 - see above
        log.warning("nobody was told of the failure: %s", type(trouble).__name__)


def _tell_well(config: IndexConfig) -> None:
    """Tell that a failure that was told of is over."""
    if not config.notify or config.dry_run:
        return
    try:
        run = Run.of("index-media", config)
        note = _note(run)
        if note.exists():
            note.unlink()
            send(config.notify, Message("mmindex: well again", _well(run), "success"))
    except Exception as trouble:  # noqa: BLE001 - the run ended well
        log.warning("nobody was told that all is well again: %s", type(trouble).__name__)


def failure(run: Run, ending: Ending, lake: Layout) -> Message:
    """What a person reads at night: what failed, whether search works, what to do, how urgent."""
    code = str(ending.code) if str(ending.code) in words("failed") else str(_OTHER)
    state, number = serving(lake)
    works = state in ("serves", "part")
    lines = [
        f"lake {run.lake}",
        *both("failed", code),
        *([ending.said] if ending.said else [ending.kind]),
        *both("said", state, number=number),
        *both("todo", code),
        *(both("said", "waits") if works and ending.code != _DAMAGED else []),
        *(both("said", "kept") if ending.code not in (2, 6) else []),
        f'exit code {ending.code}: docs/operations.md, "Paged at night"',
    ]
    short = "search works" if works else "NOTHING SERVES" if state == "nothing" else "SEARCH?"
    title = f"mmindex: indexing failed (code {ending.code}), {short}"
    return Message(title, "\n".join(lines), "warning" if works else "failure")


def _well(run: Run) -> str:
    return "\n".join([f"lake {run.lake}", *both("said", "again")])


def serving(lake: Layout) -> tuple[str, int | None]:
    """What can be searched now: a section of the words, and the snapshot's number."""
    try:
        manifest = manifest_of(lake)
    except NoLakeError:
        return "nothing", None
    except Exception as error:  # noqa: BLE001 - damage, a store that does not answer: not known
        log.warning("it is not known what serves: %s", type(error).__name__)
        return "unreadable", None
    return ("serves" if manifest.partial is None else "part"), manifest.number


def both(section: str, name: str, /, **facts: object) -> list[str]:
    """It in English, and in Chinese."""
    return [text.format(**facts) for text in words(section)[name]]


@functools.cache
def words(section: str) -> dict[str, list[str]]:
    """A section of ``night.toml``."""
    text = files("flows.telling").joinpath("night.toml").read_text("utf-8")
    found: dict[str, list[str]] = tomllib.loads(text)[section]
    return found


def _is_news(run: Run, ending: Ending) -> bool:
    """Whether people have not been told the same of the lake lately; notes that they are now."""
    note, now = _note(run), time.time()
    told: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        told = json.loads(note.read_bytes())
    same = told.get("code") == ending.code and told.get("kind") == ending.kind
    if same and 0 <= now - float(told.get("when", 0)) < QUIET_SECONDS:
        log.info("people were told of this failure already")
        return False
    try:
        data = {"code": ending.code, "kind": ending.kind, "when": now}
        write_bytes(note, json.dumps(data).encode())
    except OSError as error:  # then they are told too often, which is better than never
        log.warning("%s is not written: %s", note, error.strerror or error)
    return True


def _note(run: Run) -> Path:
    """Beside this user's cache: the lake itself may be what fails."""
    return places.folder() / "told" / f"{run.place}.json"
