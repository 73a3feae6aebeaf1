"""The worker's side: jobs come by the standard input, answers go by the standard output.

Each is a line of JSON. A worker ends when its input does, so that none outlives a run that was
killed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from mmcore.memory import give_back
from mmcore.processes.process import IDLE_CODE

Answer = Callable[[Mapping[str, Any]], None]


def serve(work: Callable[[Mapping[str, Any], Answer], None], idle: float | None = None) -> None:
    """Call ``work`` with each job and with what sends an answer, until there is no more input.

    ``idle``: seconds without a job after which the process ends by itself; None: never.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library prints is no answer

    def answer(told: Mapping[str, Any]) -> None:
        answers.write(json.dumps(told, separators=(",", ":")) + "\n")
        answers.flush()

    while line := _next_line(idle):
        work(json.loads(line), answer)
        give_back()


def _next_line(idle: float | None) -> bytes:
    if idle is None:
        return sys.stdin.buffer.readline()
    sleeping = threading.Timer(idle, os._exit, (IDLE_CODE,))
    sleeping.daemon = True
    sleeping.start()
    line = sys.stdin.buffer.readline()
    sleeping.cancel()
    return line
