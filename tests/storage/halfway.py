"""Publications that stop half-way."""

import os
from datetime import UTC, datetime

from storage.manifest import Override


def left(layout):
    """Folders of snapshots, and of candidates."""
    names = (
        [p.name for p in layout.snapshots.iterdir()],
        [p.name for p in layout.candidates.iterdir()],
    )
    return tuple(map(sorted, names))


def failing_at(step):
    """An os.replace that fails at its ``step``-th call, and the list of its calls."""
    real, calls = os.replace, []

    def replace(source, target):
        calls.append(target)
        if len(calls) == step:
            raise OSError("no power")
        real(source, target)

    return replace, calls


WANTED = Override(name="Li Wei", reason="a new model", when=datetime(2026, 5, 1, tzinfo=UTC))
