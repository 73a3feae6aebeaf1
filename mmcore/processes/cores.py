"""How many cores this process may use."""

from __future__ import annotations

import os


def cores() -> int:
    """Those that the system lets it run on, which may be fewer than the machine has.

    A container, ``taskset`` or a batch system says which. At least one.
    """
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
