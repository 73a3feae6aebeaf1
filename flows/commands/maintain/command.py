"""What `mmindex maintain` does: the flow of that name, watched."""
# ruff: noqa: PLC0415 - it loads what it needs

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.commands import running
from flows.commands.maintain import show
from flows.config.maintain import MaintainConfig
from flows.orchestration.unrecorded import recorded
from flows.terminal.overrides import valid
from flows.terminal.printing import OUT, print_json
from storage.layout import Layout
from storage.published import manifest_of


def run_maintain(settings: Mapping[str, Any], *, as_json: bool) -> None:
    """`mmindex maintain`: compact, and remove what nothing needs."""
    config = valid(MaintainConfig, settings)
    manifest_of(Layout(config.lake_root()))  # a lake, before anybody waits for a server
    dry = config.dry_run  # then nothing is recorded, and no server is waited for
    with running.watching("flows.maintain", lake=config.lake_root(), server=not dry):
        from flows.maintain import maintain  # loaded while the server started

        result = maintain.fn(config) if dry else recorded(maintain, config)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        show.maintained(OUT, result)
