"""What a run's log says of an error of ours: a line, as a terminal has it.

Prefect logs whatever a flow or a task raises with its traceback, and people look for a fault of
the program where another run holds the lake. Anything else keeps its traceback.
"""

from __future__ import annotations

import logging
from typing import Final

from storage.schemas import MmindexError

LOGGERS: Final = ("prefect.flow_runs", "prefect.task_runs")


class InALine(logging.Filter):
    """Takes the traceback off a line that tells of an error of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line pass."""
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and is_told_in_a_line(error):
            record.msg, record.args = "%s: %s", (type(error).__name__, error)
            record.exc_info = record.exc_text = None
        return True


def is_told_in_a_line(error: BaseException) -> bool:
    """Whether an error is one of ours, and nothing but such and the system's came before it.

    One that is raised while another passes through (what cleans up after a fault) hides that one.
    """
    before: BaseException | None = error
    while isinstance(before, (MmindexError, OSError)):
        hidden = None if before.__suppress_context__ else before.__context__
        before = before.__cause__ or hidden
    return isinstance(error, MmindexError) and before is None


_IN_A_LINE: Final = InALine()


def tell_in_a_line() -> None:
    """From now on, in this process; once however often it is called."""
    for logger in map(logging.getLogger, LOGGERS):
        logger.addFilter(_IN_A_LINE)
