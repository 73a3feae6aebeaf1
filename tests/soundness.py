"""Whether a snapshot is sound, by all that `mmindex snapshots verify` looks at."""

from __future__ import annotations

from storage.snapshot import Snapshot
from storage.verification.verify import verify


def sound(snapshot: Snapshot) -> Snapshot:
    """The snapshot, of which nothing is wrong; an AssertionError lists what is."""
    found = verify(snapshot.layout, snapshot.manifest).findings
    assert not found, "\n".join(f"{finding.path}: {finding.why}" for finding in found)
    return snapshot
