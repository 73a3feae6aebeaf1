"""How `mmindex up` says that a run is started by hand."""

import os
import sys
from pathlib import Path

from flows.commands.up.server import prefect_command

FOLDER = Path(sys.executable).parent


def test_an_environment_that_is_not_activated_has_its_command_by_path(monkeypatch, tmp_path):
    """After `make serve-prefect` no other terminal knows `prefect`, or it knows another one."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prefect_command() == str(FOLDER / "prefect")

    other = tmp_path / "prefect"
    other.touch(mode=0o755)
    assert prefect_command() == str(FOLDER / "prefect")


def test_an_activated_environment_has_it_by_name(monkeypatch):
    """As people type it."""
    monkeypatch.setenv("PATH", f"{FOLDER}{os.pathsep}{os.environ['PATH']}")
    assert prefect_command() == "prefect"
