"""A process of `mmindex up`: `python -m flows.commands.up.child MODULE ARGUMENT…`, which runs it.

It ends when the pipe from its parent closes, by the parent's will or by its death, so that it
outlives nobody; and it hears SIGINT even where that was ignored, as `mmindex up &` in a script has
it: a worker of Prefect, told to end, sends itself that one.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
from typing import Final

GRACE: Final = 20.0
"""Seconds in which it closes what it has open; then it is ended."""


def _end_with_the_parent() -> None:
    while os.read(0, 1):
        pass
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    else:  # Windows
        signal.raise_signal(signal.SIGINT)
    time.sleep(GRACE)
    os._exit(1)


def _run() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _run()
