"""Contents decoded in worker processes: what ends a worker costs the file that it worked on."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mmcore.decoding.job import Job
from mmcore.decoding.pool import POOL, Pool
from mmcore.errors import DecodingError, MediaError
from mmcore.media.limits import OUT_OF_MEMORY, STAGE, TOO_MUCH_MEMORY, too_much_memory
from mmcore.media.outcomes import Outcome
from mmcore.media.prepared import ARRAYS, THUMBNAILS
from mmcore.media.shaping import Shaping, refused
from mmcore.processes.process import ALARM, KILL, Ended, Process, Why, name_of
from mmcore.processes.telling import failure_from
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
        """Shape ``contents`` into the files of ``folder``.

        Raises DecodingError where no worker can be started.
        """
        progress = _Progress(contents, folder)
        most = self.shaping.limits.worker_bytes
        while progress.left:
            job = self._job(progress).to_json()
            with self.pool.asked(job, _START_SECONDS, most) as (worker, first):
                yield from self._heard(worker, first, progress)

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

    def _heard(
        self, worker: Process, first: Mapping[str, Any] | Ended, progress: _Progress
    ) -> Iterator[Outcome]:
        """The outcomes of one worker, until it has done all or has ended."""
        limits = self.shaping.limits
        clock = _Clock(limits.of_reader() if self.shaping.reader else limits)
        for answer in self._answers(worker, first, clock):
            if isinstance(answer, Ended):
                if not progress.left:  # all was done; only its last word is missing
                    return
                progress.take_back()
                yield from self._ended(answer, worker, clock, progress)
                return
            if "failed" in answer:
                raise failure_from(answer["failed"], "a decoding process")
            if "finished" in answer:
                return
            clock.heard(next_begins="progress" not in answer)
            if "outcome" not in answer:
                continue
            outcome = Outcome.from_json(answer["outcome"])
            if _out_of_memory(outcome) and progress.may_be_tried_again():
                worker.kill()
                progress.take_back()
                return
            yield progress.done(outcome)

    def _answers(
        self, worker: Process, first: Mapping[str, Any] | Ended, clock: _Clock
    ) -> Iterator[Mapping[str, Any] | Ended]:
        """What a worker says, its first answer before the others."""
        yield first
        while True:
            yield worker.hear(clock.until(), self.shaping.limits.worker_bytes)

    def _ended(
        self, ended: Ended, worker: Process, clock: _Clock, progress: _Progress
    ) -> Iterator[Outcome]:
        """What becomes of the content that a worker was at when it ended."""
        if not clock.begun:
            progress.failed_to_start(ended, worker.last_words)
            return
        content = progress.left[0]
        error = self._why(ended, clock, content)
        if error.reason == TOO_SLOW or not progress.may_be_tried_again():
            yield progress.done(refused(content, error, self.shaping, progress.arrays))

    def _why(self, ended: Ended, clock: _Clock, content: Content) -> MediaError:
        """What is said of a content at which a worker ended."""
        if ended.why is Why.TOO_BIG:
            return too_much_memory(self.shaping.limits)
        if ended.why is Why.SILENT:
            return MediaError(STAGE, TOO_SLOW, clock.why())
        if ended.code == -ALARM:
            return MediaError(STAGE, TOO_SLOW, "the decoder hung")
        if ended.code == -KILL:
            return MediaError("read", OUT_OF_MEMORY, "the system ended the decoder")
        stage = self.shaping.reader.partition("@")[0] or str(content.modality)
        return MediaError(stage, CRASHED, f"the decoder crashed twice: {name_of(ended.code)}")


@dataclass(slots=True)
class _Progress:
    """What is left to do, and how long the files are of what is done."""

    contents: Sequence[Content]
    folder: Path
    arrays: int = 0
    thumbnails: int = 0
    _place: int = 0
    _failed_starts: int = 0
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

    def may_be_tried_again(self) -> bool:
        """Whether the content that a worker was at may be tried once more: it was not yet."""
        may = self._place not in self._suspects
        self._suspects.add(self._place)
        return may

    def failed_to_start(self, ended: Ended, words: str) -> None:
        """Count a worker that ended before it began; the second raises DecodingError."""
        self._failed_starts += 1
        if self._failed_starts > 1:
            raise DecodingError(
                f"decoding processes do not start ({name_of(ended.code)}):"
                f" {words or 'they say nothing'}; --set runtime.isolate=false decodes without them"
            )


@dataclass(slots=True)
class _Clock:
    """Until when the next answer has to come, once there was one."""

    limits: LimitsSpec
    begun: bool = False
    _since: float = field(default_factory=time.monotonic)  # when the content began
    _heard: float = field(default_factory=time.monotonic)

    def heard(self, *, next_begins: bool) -> None:
        """An answer came; with it a content may begin."""
        self._heard, self.begun = time.monotonic(), True
        if next_begins:
            self._since = self._heard

    def until(self) -> float:
        """When one of the limits is over."""
        stalled = self._heard + self.limits.stall_seconds
        return min(stalled, self._since + self.limits.file_seconds)

    def why(self) -> str:
        """Which limit is over."""
        if time.monotonic() - self._since >= self.limits.file_seconds:
            return f"not decoded within {self.limits.file_seconds:g} seconds"
        return f"nothing came of it within {self.limits.stall_seconds:g} seconds"


def _out_of_memory(outcome: Outcome) -> bool:
    return any(one.reason == TOO_MUCH_MEMORY for one in outcome.rejections)
