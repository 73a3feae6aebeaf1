"""`mmindex …` in this process; its flows as plain functions, without server or orchestrator."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import crashes


class Answer(NamedTuple):
    """What a command said; a traceback would have been raised."""

    code: int
    out: str
    err: str


def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *first: str
) -> Callable[..., Answer]:
    """Run a command line: `run("status", "--lake", lake)`, behind the words ``first``."""
    from flows import cli

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["mmindex", *first, *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return Answer(int(ended.value.code or 0), out, err)

    return run


def plain_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """``command_line``, its flows as plain functions; the preset `hash` is there."""
    from flows import index_media, maintain, promote_models, train_fusion
    from flows.commands import running

    crashes.plain_index(monkeypatch)
    monkeypatch.setattr(running, "watching", lambda *_, **__: nullcontext())
    for module in (index_media, maintain, promote_models, train_fusion):
        name = module.__name__.rpartition(".")[2]
        flow = getattr(module, name).fn
        plain = partial(flow)
        plain.fn = flow  # as crashes.plain_index calls it
        monkeypatch.setattr(module, name, plain)
    return command_line(monkeypatch, capsys)
