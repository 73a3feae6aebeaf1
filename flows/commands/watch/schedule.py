"""When a watch runs: pure, on one clock of seconds."""

from __future__ import annotations

from dataclasses import dataclass

from mmcore.media.debounce import Debounce

STANDING = (3, 4)
"""Exit codes of what comes out the same for the same files: nothing is tried again by itself."""

LOST = 5
"""The exit code of a source that is missing or lost too much."""

_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds that a watch waits for this and that."""

    settle: float = 5.0  # that a file must have rested
    look: float = 3600.0  # until everything is looked at, though nothing was heard
    again: float = 30.0  # until a failed run is tried again; doubled with each failure
    again_at_most: float = 900.0
    pause_at_most: float = 30.0  # between two runs

    @property
    def patience(self) -> float:
        """How long quiet files wait for others that are being written."""
        return 4 * self.settle


class Schedule:
    """Decides when the next run begins; the first one at once.

    Between two runs there is a pause as long as the last one took, up to a bound, so that small
    changes come together; the first look is followed by none. After a failure the pause grows.
    """

    def __init__(self, timing: Timing, now: float) -> None:
        self.timing = timing
        self.changes = Debounce(timing.settle, timing.patience)
        self.failures = 0
        self._look_at = now
        self._free_at = now
        self._began = now
        self._first = True  # until a run has ended well

    def next_at(self) -> float:
        """When the next run begins if nothing changes until then."""
        changed = self.changes.due_at()
        wanted = self._look_at if changed is None else min(changed, self._look_at)
        return max(wanted, self._free_at)

    def begin(self, now: float) -> int:
        """A run begins; of how many changes it was told."""
        self._began = now
        return self.changes.take(now)

    def end(self, now: float, code: int, waiting: int = 0) -> None:
        """The run has ended with an exit code; ``waiting`` files were too young for it."""
        timing = self.timing
        if code == 0:
            self.failures = 0
            took = now - self._began
            self._free_at = now + (0 if self._first else min(took, timing.pause_at_most))
            self._first = False
            self._look_at = now + (min(timing.settle, timing.look) if waiting else timing.look)
            return
        self.failures += 1
        pause = min(timing.again * 2.0 ** min(self.failures - 1, 30), timing.again_at_most)
        self._free_at = now if code == LOST else now + pause
        if code in STANDING:
            pause = min(timing.look * 2.0 ** min(self.failures - 1, 30), max(_DAY, timing.look))
        self._look_at = now + pause

    @property
    def again_by_itself(self) -> bool:
        """Whether a failed run is tried again soon, though nothing changes."""
        return self._look_at - self._free_at <= self.timing.again_at_most
