"""The roots of a snapshot, by alias."""

from __future__ import annotations

from storage.snapshot import Snapshot


def aliases_of(snapshot: Snapshot) -> list[str]:
    """The aliases of the roots, as its manifest has them; an old one names none, its files do."""
    named = [*snapshot.manifest.sources]
    return named or sorted(snapshot.rows("files", ["root"])["root"].unique().to_pylist())
