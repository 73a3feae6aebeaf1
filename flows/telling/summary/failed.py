"""The page of a run that did not end well."""

from __future__ import annotations

from flows.orchestration.run import INTERRUPTED, Ending, Run
from flows.telling.summary.marks import both, facts, places, plain, prose
from mmcore.errors import PublicationBlockedError
from storage.errors import CorruptLakeError


def of_failure(run: Run, ending: Ending) -> str:
    """What failed, what serves, and what can be done."""
    lines = [f"# ✘ {both(_name(ending))}", "", *facts(_facts(run, ending))]
    lines += prose(plain(ending.said))
    if ending.code != CorruptLakeError.exit_code:
        lines += [both("serves"), ""]
    if ending.code == PublicationBlockedError.exit_code:
        command = "`mmindex snapshots publish RUN --name WHO --reason TEXT`"
        lines.append(both("open-report", command=command))
    if run.private:
        lines.append(both("by-hand"))
    return "\n".join(lines)


def _name(ending: Ending) -> str:
    if ending.code == INTERRUPTED:
        return "interrupted"
    return "blocked" if ending.kind == PublicationBlockedError.__name__ else "failed"


def _facts(run: Run, ending: Ending) -> dict[str, str]:
    return {
        "error": plain(ending.kind),
        "exit-code": str(ending.code),
        "took": f"{ending.seconds:,.1f}",
        **places(run, None),
    }
