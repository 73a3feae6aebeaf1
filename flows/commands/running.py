"""A flow that a command runs: its server, and what people see of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from flows.orchestration.orchestrator import orchestrated, without_server
from flows.orchestration.unrecorded import said_once, telling
from flows.telling.json_lines import on_stderr
from flows.telling.progress import BarStages, LogStages, log_lines, reporting
from flows.terminal.chinese import told
from flows.terminal.ending import impatient
from flows.terminal.printing import ERR
from mmcore.media.reasons import Language
from storage.layout import Layout


@contextmanager
def watching(
    module: str,
    needless: Callable[[], bool] = lambda: False,
    language: Language = "en",
    lake: Path | None = None,
    *,
    server: bool = True,
) -> Iterator[None]:
    """A flow inside runs with bars on a terminal, with plain lines elsewhere.

    ``module``, which loads Prefect, is imported while a temporary server starts; where
    ``needless`` says so then, no server is waited for, and no flow may run. ``lake``: its root; if
    the server goes away, it is told what stands there. A second Ctrl-C ends all at once. Without
    ``server`` there is none, and no flow may run: for dry runs.
    """
    with ExitStack() as stack:
        err = Console(quiet=True) if on_stderr() else ERR  # then it is for machines
        dim = partial(err.print, style="dim", highlight=False, soft_wrap=True)

        def announce(line: str) -> None:
            dim(told(line, language))

        ending = partial(announce, "ending: what is finished is kept; Ctrl-C again ends at once")
        stack.enter_context(impatient(ending))
        stack.enter_context(said_once())
        if server:
            served = orchestrated(announce, preload=(module,), needless=needless)
            url = stack.enter_context(served)
        else:
            url = without_server((module,))
        stack.enter_context(telling(None if lake is None else Layout(lake), url))
        stack.enter_context(log_lines(err, language))
        bars = BarStages(err, language)
        stages = stack.enter_context(bars) if err.is_terminal else LogStages(language)
        stack.enter_context(reporting(stages))
        yield
