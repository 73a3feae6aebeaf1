"""The work of a run, counted."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field

from tests import media

OLD = 1_600_000_000  # seconds: long before any run


@dataclass
class Work:
    """What a run did: files hashed, contents decoded and vectors made, by modality."""

    hashed: list[str] = field(default_factory=list)
    decoded: Counter[str] = field(default_factory=Counter)
    encoded: Counter[str] = field(default_factory=Counter)


def forget(work):
    """Count from nothing."""
    work.hashed.clear()
    work.decoded.clear()
    work.encoded.clear()


def put(path, words):
    """Write an old text."""
    media.text(path, words)
    os.utime(path, (OLD + 1, OLD + 1))
