"""Options that several commands have."""

import ast
from pathlib import Path

import pytest

from flows.terminal import options

COMMANDS = sorted((Path(options.__file__).parents[1] / "commands").rglob("*cli.py"))


def flags(path):
    """The flags that a module declares itself."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "typer.Option":
            yield from (one.value for one in node.args if isinstance(one, ast.Constant))


@pytest.mark.parametrize("flag", ["--set", "--json", "--lake"])
def test_what_commands_share_is_declared_once(flag):
    """No command declares it anew; a training's lake is none that a variable may name."""
    found = [path.parent.name for path in COMMANDS if flag in flags(path)]

    assert found == (["encoders"] if flag == "--lake" else [])


def test_weights_that_are_not_named_are_looked_for():
    """None stays None: then the variable, or the cache, names the folder."""
    assert options.weights_in(None) == {"weights": None}
    assert options.weights_in(Path("models")) == {"weights": "models"}
