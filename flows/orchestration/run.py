"""One run of a flow, as those see it who watch it from outside; and how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mmcore.specs import Spec
from storage.errors import NoLakeError
from storage.layout import Layout
from storage.published import manifest_of
from storage.schemas import digest

INTERRUPTED = 130
"""As of a command that Ctrl-C ended."""


class Told(Protocol):
    """What a flow is told: its lake, at least."""

    def lake_root(self) -> Path:
        """Where the lake lies."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is under way; ``lake`` is its place, of a private one a hash of that."""

    flow: str
    lake: str
    place: str  # a hash of the place, for names of files
    private: bool
    began: float = field(default_factory=time.time)

    @classmethod
    def of(cls, flow: str, config: Told) -> Run:
        """Of a config; a lake that cannot be read counts as private."""
        root = config.lake_root()
        private = getattr(config, "private", False) or _is_private(Layout(root))
        place = digest(str(root))
        return cls(flow, f"mmindex.lake.{place}" if private else str(root), place, private)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended: 0, or the exit code of its error; its kind; and what may be said of it."""

    seconds: float
    code: int = 0
    kind: str = ""
    said: str = ""

    @classmethod
    def well(cls, result: Spec, seconds: float) -> Ending:
        """With a result; one of an evaluation has an exit code all the same."""
        return cls(seconds, getattr(result, "exit_code", 0))

    @classmethod
    def by(cls, error: BaseException, run: Run) -> Ending:
        """By an error; of a private lake its kind alone is said."""
        took = time.time() - run.began
        if not isinstance(error, Exception):
            return cls(took, INTERRUPTED, type(error).__name__)
        kind = getattr(error, "kind", type(error).__name__)
        said = "" if run.private else next(iter(str(error).splitlines()), "")
        return cls(took, getattr(error, "exit_code", 1), kind, said)


def _is_private(lake: Layout) -> bool:
    try:
        return manifest_of(lake).private
    except NoLakeError:
        return False
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the flow tells
        return True
