"""What `make demo` ends with: where things are, and what to type next."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import pytest
import typer.main

from flows.cli import app

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"


@pytest.mark.parametrize(
    ("shown", "first"), [(".venv/bin/mmindex", ". .venv/bin/activate"), ("mmindex", None)]
)
def test_the_demo_ends_with_what_to_type_next(shown, first, monkeypatch, tmp_path, capsys):
    """The environment, where one is in the folder; then a command of mmindex, for this lake."""
    place = importlib.util.spec_from_file_location("example_demo", DEMO)
    demo = importlib.util.module_from_spec(place)
    place.loader.exec_module(demo)
    (tmp_path / "my lake").mkdir()
    (tmp_path / "my lake" / "CURRENT").write_text("1\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "SHOWN", shown)
    monkeypatch.setattr(demo, "mmindex", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["demo.py", "--lake", "my lake"])

    demo.main()
    said = capsys.readouterr().out.partition("\nNext, in ")[2].splitlines()
    *before, last = (re.sub(r"\s+#.*", "", line.strip()) for line in said[1:])
    name, command, *options = shlex.split(last)

    assert said[0] == f"{tmp_path}:"
    assert before == ([first] if first else [])
    assert name == "mmindex"
    found = typer.main.get_command(app).commands[command]
    assert found.make_context(command, options).params["lake"] == "my lake"
