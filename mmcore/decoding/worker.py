"""A decoding process: shapes the contents of each job, one answer each.

It ends when its input does, or when nobody has asked for a while; and while it decodes the
system's alarm clock is set, since a decoder that hangs cannot look at its own.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import suppress
from typing import Final

from mmcore.decoding.job import Job
from mmcore.encoders.presets import encoder_for
from mmcore.media.pace import Pace
from mmcore.media.prepared import ARRAYS, THUMBNAILS
from mmcore.media.shaping import Shaper, Shaping
from mmcore.processes.serving import Answer, serve
from mmcore.processes.telling import told_failure
from mmcore.specs import LimitsSpec

IDLE: Final = 60.0
"""Seconds without a job after which a worker ends by itself."""

_ALARM: Final = 1.5
"""The alarm clock rings this much later than the one who watches should have acted."""

_TELL: Final = 0.5  # seconds between two signs of progress


def main() -> None:
    """Work until there is no more input."""
    work(IDLE)


def work(idle: float) -> None:
    """Work until there is no more input, or none has come for ``idle`` seconds."""
    serve(lambda told, answer: _work(Job.from_json(told), answer), idle)


def _work(job: Job, answer: Answer) -> None:
    """Shape the job's contents, each answered when it is done."""
    _bound_memory(job.limits)
    alarm = _Alarm(job.limits.of_reader() if job.reader else job.limits, answer)
    try:
        encoder = encoder_for(job.encoder, job.segmentation, job.runtime)
        shaping = Shaping(
            encoder,
            job.segmentation,
            job.limits,
            job.reader,
            job.thumbnail_side,
            memory_bound=True,
        )
        arrays, small = job.folder / ARRAYS, job.folder / THUMBNAILS
        with arrays.open("ab") as one, small.open("ab") as other:
            shaper = Shaper(shaping, one, other, alarm.progress)
            pace = Pace.of(job.runtime)
            answer({"begun": True})
            for content in job.contents:
                pace.wait_for(content, job.folder, alarm.waiting)
                alarm.begin()
                outcome = shaper.add(content)
                one.flush()
                other.flush()
                answer({"outcome": outcome.to_json()})
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told to who asked
        answer({"failed": told_failure(error)})
    else:
        answer({"finished": True})
    finally:
        alarm.off()


class _Alarm:
    """The system's alarm clock, which ends the process, and signs of progress now and then."""

    def __init__(self, limits: LimitsSpec, answer: Answer) -> None:
        self._limits, self._answer = limits, answer
        self._began = self._told = time.monotonic()

    def begin(self) -> None:
        """A content begins."""
        self._began = self._told = time.monotonic()
        self._set(self._limits.stall_seconds)

    def waiting(self) -> None:
        """The next content may not be read yet: whoever watches starts its clock again."""
        self._set(0.0)
        self._answer({"waiting": True})

    def progress(self) -> None:
        """A segment is done."""
        now = time.monotonic()
        if now - self._told < _TELL:
            return
        self._told = now
        self._answer({"progress": True})
        left = self._began + self._limits.file_seconds - now
        self._set(min(self._limits.stall_seconds, max(left, 1.0)))

    def off(self) -> None:
        """Nothing is decoded."""
        self._set(0.0)

    def _set(self, seconds: float) -> None:
        if hasattr(signal, "setitimer"):  # not on Windows
            signal.setitimer(signal.ITIMER_REAL, _ALARM * seconds)


def _bound_memory(limits: LimitsSpec) -> None:
    """Let the system refuse more memory than a worker may take, where it can (Linux)."""
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - not on Windows

        if sys.platform == "linux":
            _, most = resource.getrlimit(resource.RLIMIT_DATA)
            wanted = limits.worker_bytes
            soft = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
            resource.setrlimit(resource.RLIMIT_DATA, (soft, most))
