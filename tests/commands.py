"""`mmindex …` in this process, its flows as plain functions: no server, no orchestrator."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests import crashes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command said; a traceback would have been raised."""

    code: int
    out: str
    err: str


def plain_commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Run a command line: `run("status", "--lake", lake)`; the preset `hash` is there."""
    from flows import cli, index_media, maintain, promote_models, train_fusion
    from flows.commands import running

    crashes.plain_index(monkeypatch)
    monkeypatch.setattr(running, "watching", lambda *_, **__: nullcontext())
    for module in (index_media, maintain, promote_models, train_fusion):
        name = module.__name__.rpartition(".")[2]
        flow = getattr(module, name).fn
        plain = partial(flow)
        plain.fn = flow  # as crashes.plain_index calls it
        monkeypatch.setattr(module, name, plain)

    def run(*arguments: str | Path) -> Answer:
        monkeypatch.setattr(sys, "argv", ["mmindex", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capsys.readouterr()
        return Answer(int(ended.value.code or 0), out, err)

    return run
