"""What `mmindex index` does: the flow, unless nothing has changed."""
# ruff: noqa: PLC0415 - it loads what it needs

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from flows.commands import running
from flows.commands.index import show
from flows.config.index import IndexConfig, IndexResult
from flows.orchestration.unrecorded import recorded
from flows.stages.checks import check, check_notify
from flows.terminal.language import language_of
from flows.terminal.overrides import valid
from flows.terminal.printing import OUT, print_json


def run_index(settings: Mapping[str, Any], lang: str | None = None, *, as_json: bool) -> None:
    """`mmindex index`: the flow `index-media`, watched."""
    from flows.telling.night import telling_of_failures

    language = language_of(lang, os.environ)
    config = valid(IndexConfig, settings)
    check_notify(config.notify)
    with telling_of_failures(config):
        check(config)
        result = _indexed(config)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        show.indexed(OUT, result, language)


def _indexed(config: IndexConfig) -> IndexResult:
    """What the flow says, or, where nothing is to do, what was found before it began."""
    if config.dry_run:
        return _rehearsed(config)
    found: list[IndexResult] = []

    def nothing_to_do() -> bool:
        from flows.stages.beforehand import nothing_to_do

        found.extend(filter(None, [nothing_to_do(config)]))
        return bool(found)

    with running.watching("flows.index_media", nothing_to_do, lake=config.lake_root()):
        from flows.index_media import index_media  # loaded while the server started

        result = found[0] if found else recorded(index_media, config)
        if found:
            from flows.telling.watched import told_without_flow

            told_without_flow("index-media", config, result)
    return result


def _rehearsed(config: IndexConfig) -> IndexResult:
    """What a dry run says: the flow's own function, which then records nothing in Prefect."""
    with running.watching("flows.index_media", lake=config.lake_root(), server=False):
        from flows.index_media import index_media

        return index_media.fn(config)
