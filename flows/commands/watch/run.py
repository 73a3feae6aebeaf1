"""One run of a watch: `mmindex index …` in a process of its own, which ends with its parent.

So a run that breaks, or that the system ends for want of memory, ends no watch; and between two
runs nothing of models and tables lies in memory. Run as a script it is that process.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final

GRACE: Final = 30.0
"""Seconds in which a run that shall end closes what it has open; then it is ended."""

INTERRUPTED: Final = 130
_BRIEF: Final = "brief"
_NOISE: Final = ("starting a temporary Prefect server", "using the Prefect server at")


class Run:
    """A run under way; ``loud``: it shows its stages, else only what it has to say at its end."""

    def __init__(self, arguments: Sequence[str], *, loud: bool) -> None:
        path = [str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH")]
        self._out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `ended`
        self._err: IO[bytes] | None = None if loud else tempfile.TemporaryFile()  # noqa: SIM115
        how = "loud" if loud else _BRIEF
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.commands.watch.run", how, *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))},
            stdin=subprocess.PIPE,
            stdout=self._out,
            stderr=self._err,
            start_new_session=True,  # Ctrl-C reaches the watch, which ends its run in order
        )
        self._until: float | None = None

    def running(self) -> bool:
        """Whether it has not ended; one that was to end and does not is ended."""
        if self._until is not None and time.monotonic() > self._until:
            self._process.kill()
        return self._process.poll() is None

    def interrupt(self) -> None:
        """Let it end as by Ctrl-C: what is finished is kept. The second time: at once."""
        assert self._process.stdin is not None
        if self._until is not None:
            self._process.kill()
            return
        self._process.stdin.close()
        self._until = time.monotonic() + GRACE + 5

    def ended(self) -> tuple[int, dict[str, Any], list[str]]:
        """Its exit code (less than 0: the signal that ended it), its result, what it said."""
        with self._process, self._out:
            code = self._process.wait()
            self._out.seek(0)
            told = self._out.read()
        said: list[str] = []
        if self._err is not None:
            with self._err:
                self._err.seek(0)
                said = self._err.read().decode("utf-8", "replace").splitlines()
        lines = [line for line in said if not line.startswith(_NOISE)]
        return code, json.loads(told) if code == 0 else {}, lines


def _end_with_the_parent() -> None:
    """Interrupt the run when the pipe from the watch closes, by its will or by its death."""
    while os.read(0, 1):
        pass
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:  # Windows
        signal.raise_signal(signal.SIGINT)
    time.sleep(GRACE)
    os._exit(INTERRUPTED)


def _run() -> None:
    """What `mmindex` does with the arguments after the first one, which says how loud it is."""
    how = sys.argv.pop(1)
    if how == _BRIEF:
        stages = logging.getLogger("flows.telling.progress")
        stages.addFilter(lambda record: record.levelno >= logging.WARNING)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # also where it was ignored
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    from flows.cli import main  # noqa: PLC0415 - whoever starts a run needs none of it

    main()


if __name__ == "__main__":
    _run()
