"""`mmindex snapshots publish`: the command around the flow `publish-blocked`."""
# ruff: noqa: PLC0415 - it loads what it needs

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from flows.commands import running
from flows.commands.snapshots.show import overridden
from flows.config.evaluate import OverrideConfig
from flows.stages.blocked import acceptable
from flows.stages.checks import check_notify
from flows.terminal.language import language_of
from flows.terminal.overrides import valid
from flows.terminal.printing import OUT, print_json
from storage.layout import Layout


def run_publish(settings: Mapping[str, Any], lang: str | None = None, *, as_json: bool) -> None:
    """Publish a blocked candidate, or accept what serves, watched."""
    language = language_of(lang, os.environ)
    config = valid(OverrideConfig, settings)
    check_notify(config.notify)
    acceptable(Layout(config.lake_root()), config.run)  # before anybody waits for a server
    with running.watching("flows.publish_blocked", lake=config.lake_root()):
        from flows.publish_blocked import publish_blocked

        result = publish_blocked(config)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        overridden(OUT, result, language)
