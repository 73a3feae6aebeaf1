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
    """Whether an error is one of ours, caused by nothing but such and the operating system."""
    cause: BaseException | None = error
    while isinstance(cause, (MmindexError, OSError)):
        cause = cause.__cause__
    return isinstance(error, MmindexError) and cause is None


_IN_A_LINE: Final = InALine()


def tell_in_a_line() -> None:
    """From now on, in this process; once however often it is called."""
    for logger in map(logging.getLogger, LOGGERS):
        logger.addFilter(_IN_A_LINE)
