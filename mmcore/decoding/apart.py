"""Contents decoded in worker processes: what ends a worker costs the file that it worked on."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mmcore.decoding.job import Job, failure_from
from mmcore.decoding.pool import POOL, Pool
from mmcore.decoding.process import Ended, Process, Silent, TooBig
from mmcore.errors import MediaError
from mmcore.media.limits import OUT_OF_MEMORY, STAGE, TOO_MUCH_MEMORY, too_much_memory
from mmcore.media.outcomes import Outcome
from mmcore.media.prepared import ARRAYS, THUMBNAILS
from mmcore.media.shaping import Shaping, refused
from mmcore.specs import LimitsSpec, RuntimeSpec
from mmcore.types import Content

CRASHED: Final = "decoder-crashed"
TOO_SLOW: Final = "too-slow"
_START_SECONDS: Final = 60.0  # that a new process may take before its first content


@dataclass(frozen=True, slots=True)
class Apart:
    """Decodes in worker processes (mmcore.media.prepared.Decode).

    A content that ends its worker is tried once more, in a fresh one, since what came before it
    may be to blame; then it is refused: ``decoder-crashed``, or ``out-of-memory`` where the system
    killed it. One that takes longer than the limits allow is refused at once.
    """

    shaping: Shaping
    runtime: RuntimeSpec
    pool: Pool = POOL

    def __call__(self, contents: Sequence[Content], folder: Path) -> Iterator[Outcome]:
        """Shape ``contents`` into the files of ``folder``."""
        progress = _Progress(contents, folder)
        while progress.left:
            with self.pool.borrowed() as worker:
                worker.ask(self._job(progress).to_json())
                yield from self._heard(worker, progress)

    def _job(self, progress: _Progress) -> Job:
        shaping = self.shaping
        return Job(
            shaping.encoder.key,
            shaping.segmentation,
            shaping.limits,
            self.runtime,
            shaping.reader,
            shaping.thumbnail_side,
            progress.folder,
            progress.left,
        )

    def _heard(self, worker: Process, progress: _Progress) -> Iterator[Outcome]:
        """The outcomes of one worker, until it has done all or has ended."""
        clock = _Clock(self.shaping.limits)
        while True:
            try:
                answer = worker.hear(clock.until(), self.shaping.limits.worker_bytes)
            except (Silent, TooBig) as stop:
                worker.kill()
                yield from self._stopped(progress, clock, too_big=isinstance(stop, TooBig))
                return
            if isinstance(answer, Ended):
                yield from self._ended(answer.code, progress)
                return
            if "failed" in answer:
                raise failure_from(answer["failed"])
            if "finished" in answer:
                return
            clock.heard(begun="outcome" in answer)
            if "outcome" in answer:
                outcome = Outcome.from_json(answer["outcome"])
                if _out_of_memory(outcome) and progress.tried_again():
                    worker.kill()
                    progress.take_back()
                    return
                yield progress.done(outcome)

    def _stopped(self, progress: _Progress, clock: _Clock, *, too_big: bool) -> Iterator[Outcome]:
        """What becomes of the content that was worked on when the worker had to be killed."""
        progress.take_back()
        limits = self.shaping.limits
        if too_big:
            if progress.tried_again():
                return
            yield self._refused(progress, too_much_memory(limits))
        else:
            yield self._refused(progress, MediaError(STAGE, TOO_SLOW, clock.why()))

    def _ended(self, code: int, progress: _Progress) -> Iterator[Outcome]:
        """What becomes of the content that was worked on when the worker ended by itself."""
        progress.take_back()
        if code == 0 or progress.tried_again():  # 0: it was about to end for want of work
            return
        if code == -signal.SIGALRM:
            error = MediaError(STAGE, TOO_SLOW, "the decoder hung")
        elif code == -signal.SIGKILL:
            error = MediaError("read", OUT_OF_MEMORY, "the system ended the decoder")
        else:
            stage = str(progress.left[0].modality)
            error = MediaError(stage, CRASHED, f"the decoder crashed twice: {_name(code)}")
        yield self._refused(progress, error)

    def _refused(self, progress: _Progress, error: MediaError) -> Outcome:
        content = progress.left[0]
        return progress.done(refused(content, error, self.shaping.limits, progress.arrays))


@dataclass(slots=True)
class _Progress:
    """What is left to do, and how long the files are of what is done."""

    contents: Sequence[Content]
    folder: Path
    arrays: int = 0
    thumbnails: int = 0
    _place: int = 0
    _suspects: set[int] = field(default_factory=set)

    @property
    def left(self) -> tuple[Content, ...]:
        """The contents without an outcome; a worker is at the first of them."""
        return tuple(self.contents[self._place :])

    def done(self, outcome: Outcome) -> Outcome:
        """Count the first of what is left as done."""
        self._place += 1
        self.arrays = outcome.arrays
        self.thumbnails += sum(outcome.thumbnails)
        return outcome

    def take_back(self) -> None:
        """Cut off what a worker has written of the content that it did not end."""
        os.truncate(self.folder / ARRAYS, self.arrays)
        os.truncate(self.folder / THUMBNAILS, self.thumbnails)

    def tried_again(self) -> bool:
        """Whether the content may be tried again: it was not yet."""
        again = self._place not in self._suspects
        self._suspects.add(self._place)
        return again


@dataclass(slots=True)
class _Clock:
    """Until when the next answer has to come."""

    limits: LimitsSpec
    _begun: float = field(default_factory=time.monotonic)
    _heard: float = field(default_factory=time.monotonic)
    _first: bool = True

    def heard(self, *, begun: bool) -> None:
        """An answer came; ``begun``: the next content begins with it."""
        self._heard, self._first = time.monotonic(), False
        if begun:
            self._begun = self._heard

    def until(self) -> float:
        """When one of the limits is over."""
        start = _START_SECONDS if self._first else 0.0
        stalled = self._heard + self.limits.stall_seconds
        return min(stalled, self._begun + self.limits.file_seconds) + start

    def why(self) -> str:
        """Which limit is over."""
        if time.monotonic() - self._begun >= self.limits.file_seconds:
            return f"not decoded within {self.limits.file_seconds:g} seconds"
        return f"nothing came of it within {self.limits.stall_seconds:g} seconds"


def _out_of_memory(outcome: Outcome) -> bool:
    return any(one.reason == TOO_MUCH_MEMORY for one in outcome.rejections)


def _name(code: int) -> str:
    """What ended a process, as people know it."""
    if code < 0:
        return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"exit code {code}"
