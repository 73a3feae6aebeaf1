"""What a check found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "warn", "fail"]
"""``fail``: a run will not do what it should; ``warn``: it will, slower or with a surprise."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at; ``said`` names the sentence for people, ``facts`` fill it."""

    check: str
    state: State
    said: str
    facts: Mapping[str, Any] = field(default_factory=dict)


Checks = Iterator[Checked]


def within(number: float, warn_below: float, fail_below: float) -> State:
    """The state of something of which there is ``number``."""
    return "fail" if number < fail_below else "warn" if number < warn_below else "ok"
