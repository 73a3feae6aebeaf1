"""What the gate blocked: which of it may be let serve, and that it is there at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mmcore.errors import ConfigError
from storage import candidates, history
from storage.errors import NoLakeError
from storage.layout import Layout
from storage.manifest import Manifest
from storage.published import current, manifest_of


def acceptable(layout: Layout, name: str) -> Manifest:
    """What a run, or a number, names: a blocked candidate, or what serves and was found worse.

    ConfigError says what there is instead.
    """
    if name.isdecimal():
        return _serving(layout, int(name))
    manifest = candidates.refused(layout, name)
    if manifest is None:
        there = ", ".join(sorted(one.run for one in candidates.blocked(layout))) or "none"
        raise ConfigError(f"{layout.root} has no blocked candidate {name!r}; there are: {there}")
    return manifest


def _serving(layout: Layout, number: int) -> Manifest:
    """The manifest of a snapshot that can be accepted."""
    manifest = manifest_of(layout, number)
    if number != current(layout):
        raise ConfigError(
            f"snapshot {number} does not serve: `mmindex snapshots rollback {number}` lets it"
        )
    if history.verdict_of(history.read(layout, [number]), manifest) not in ("block", "failed"):
        raise ConfigError(
            f"no verdict speaks against snapshot {number}: there is nothing to be accepted"
        )
    return manifest


@contextmanager
def naming_blocked(layout: Layout) -> Iterator[None]:
    """Within, that nothing was ever published names the newest candidate that was blocked."""
    try:
        yield
    except NoLakeError as error:
        refused = candidates.blocked(layout) if error.number is None else []
        if not refused:
            raise
        newest = refused[-1]
        raise ConfigError(
            f"{layout.root} has no published snapshot: run {newest.run} was blocked:"
            f" {newest.reason} (`mmindex snapshots publish {newest.run} --name WHO --reason TEXT`"
            " publishes it all the same)"
        ) from error
