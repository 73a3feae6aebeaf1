"""`mmindex snapshots publish`: the command around the flow `publish-blocked`."""
# ruff: noqa: PLC0415 - it loads what it needs

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows import command
from flows.config import OverrideConfig
from flows.printing import OUT, print_json
from flows.show_snapshots import overridden
from mmcore.errors import ConfigError
from storage import candidates
from storage.layout import Layout


def run_publish(settings: Mapping[str, Any], *, as_json: bool) -> None:
    """Publish a blocked candidate, watched."""
    config = command.valid(OverrideConfig, settings)
    command.check_notify(config.notify)
    check(Layout(config.lake_root()), config.run)  # before anybody waits for a server
    with command.watching("flows.publish_blocked"):
        from flows.publish_blocked import publish_blocked

        result = publish_blocked(config)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        overridden(OUT, result)


def check(layout: Layout, run: str) -> candidates.Blocked:
    """The blocked candidate of a run; ConfigError names those that there are."""
    refused = {one.run: one for one in candidates.blocked(layout)}
    if run not in refused:
        there = ", ".join(sorted(refused)) or "none"
        raise ConfigError(f"{layout.root} has no blocked candidate {run!r}; there are: {there}")
    return refused[run]
