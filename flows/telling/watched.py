"""What a run shows of itself to those who did not start it: Prefect, logs, metrics."""

from __future__ import annotations

import functools
import inspect
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

from prefect.context import FlowRunContext
from prefect.states import Completed

from flows.orchestration.run import Ending, Run, Told
from flows.orchestration.unrecorded import keep
from flows.telling import metrics
from flows.telling.failures import tell_in_a_line
from flows.telling.json_lines import JsonLog, written
from flows.telling.live import shown_live
from flows.telling.summary import message, of_failure, of_result
from mmcore.specs import Spec
from tasks.summary import show_summary

C = TypeVar("C", bound=Told)
R = TypeVar("R", bound=Spec)

FIGURES: Final = frozenset(
    {
        *("status", "snapshot", "verdict", "items", "items_added", "items_gone"),
        *("items_renamed", "items_changed", "files", "new"),
        *("segments", "quarantined", "waiting", "forgotten", "truncated", "kept", "gone"),
        *("bytes", "models", "before", "after", "baseline", "stale", "seconds"),
    }
)
"""What of a result is told in a line: numbers, and names of ours."""


def watched(flow: str) -> Callable[[Callable[[C], R]], Callable[[C], R]]:
    """Show the runs of a function that is told a config: for flows, right below Prefect's.

    Live progress and a summary in Prefect, where a flow runs; lines of JSON and metrics where a
    setting wants them. Nothing that goes wrong with these fails a run.
    """

    def decorated(function: Callable[[C], R]) -> Callable[[C], R]:
        @functools.wraps(function)
        def called(config: C) -> R:
            tell_in_a_line()
            run = Run.of(flow, config)
            with written(run, _of_prefect()) as lines:
                if lines:
                    lines.event("run-began", f"{flow}: started")
                try:
                    with shown_live(flow):
                        result = function(config)
                except BaseException as error:
                    _tell(run, Ending.by(error, run), None, lines)
                    raise
                keep(result)
                _tell(run, Ending.well(result, time.time() - run.began), result, lines)
                return _as_state(called, run, result)

        # Prefect reads it from here, where the names of the flow's own module are not known
        called.__signature__ = inspect.signature(function, eval_str=True)  # type: ignore[attr-defined]
        return called

    return decorated


def _as_state(function: Callable[..., R], run: Run, result: R) -> R:
    """A result as the final state of the flow run that is ``function``'s, with a message.

    Who calls the flow gets the result out of it, as Prefect does it; a plain call is given the
    result itself. The state keeps its name, by which automations know it.
    """
    context = FlowRunContext.get()
    flow = context.flow if context else None
    said = message(result, private=run.private) if flow and flow.fn is function else ""
    return cast(R, Completed(message=said, data=result)) if said else result


def told_without_flow(flow: str, config: Told, result: Spec) -> None:
    """The same of what a command found without running a flow: that there was nothing to do."""
    seconds = sum(getattr(result, "seconds", {}).values())
    run = Run.of(flow, config)
    run = replace(run, began=run.began - seconds)
    with written(run) as lines:
        _tell(run, Ending.well(result, seconds), result, lines)


def _of_prefect() -> dict[str, Any]:
    """The flow run, for those who look for its lines."""
    run = FlowRunContext.get()
    return {"flow_run": str(run.flow_run.id)} if run and run.flow_run else {}


def _tell(run: Run, ending: Ending, result: Spec | None, lines: JsonLog | None) -> None:
    if lines:
        _tell_line(run, ending, result, lines)
    if getattr(result, "status", None) != "planned":
        metrics.keep(run, ending, result)
    page = of_failure(run, ending) if result is None else of_result(result, run)
    if page:
        show_summary(run.flow, page)


def _tell_line(run: Run, ending: Ending, result: Spec | None, lines: JsonLog) -> None:
    facts: dict[str, Any] = {"exit_code": ending.code, "took": round(ending.seconds, 3)}
    if result is not None:
        facts |= result.model_dump(mode="json", include=set(FIGURES))
        lines.event("run-ended", f"{run.flow}: done", **facts)
        return
    facts |= {"error": ending.kind, "why": ending.said}
    lines.event("run-ended", f"{run.flow}: failed", logging.ERROR, **facts)
