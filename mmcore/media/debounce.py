"""When changes below the roots are quiet, and what is still being written; pure."""

from __future__ import annotations

from typing import Final

MOST: Final = 10_000
"""Paths told apart; of more, those that are new are one: the run looks at everything anyway."""


class Debounce:
    """Waits until what has changed is quiet.

    A path is quiet when nothing was heard of it for ``quiet`` seconds, and busy before. A run is
    due as soon as all are quiet, or ``patience`` seconds after the first one was, if others stay
    busy: one file that is written for hours keeps no other waiting, nor is it forgotten.
    Times are those of one clock, in seconds.
    """

    def __init__(self, quiet: float, patience: float, most: int = MOST) -> None:
        self.quiet, self.patience, self.most = quiet, patience, most
        self._last: dict[str, float] = {}  # when each path was heard of last

    def __len__(self) -> int:
        return len(self._last)

    def note(self, path: str, at: float) -> None:
        """``path`` has changed; ``at`` may lie ahead, where it is known to be busy until then."""
        if path not in self._last and len(self._last) >= self.most:
            path = ""
        self._last[path] = max(at, self._last.get(path, at))

    def due_at(self) -> float | None:
        """From when on a run is due if nothing else changes; None where nothing waits."""
        if not self._last:
            return None
        times = self._last.values()
        return self.quiet + min(max(times), min(times) + self.patience)

    def take(self, now: float) -> int:
        """Forget the quiet paths, which a run that begins now finds; how many there were."""
        before = len(self._last)
        self._last = {path: at for path, at in self._last.items() if now < at + self.quiet}
        return before - len(self._last)
