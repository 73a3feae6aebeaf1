"""The image and the compose file: linted, and what they start is what the command line knows."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from flows.cli import app
from flows.config.index import IndexConfig

ROOT = Path(__file__).parents[4]
FILE = ROOT / "deploy/compose.yaml"
TOLD = yaml.safe_load(FILE.read_text())
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE)],
        ["hadolint", str(ROOT / "deploy/Dockerfile")],
    ],
    ids=["compose", "dockerfile"],
)
def test_the_linters_find_nothing(command):
    """The schema of Compose files takes ours, and hadolint has nothing against the image."""
    done = subprocess.run(
        [BIN / command[0], *command[1:]], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["nights", "search"])
def test_the_command_line_takes_its_commands(name):
    """Click parses them whole: each option is one that there is."""
    program, command, *words = TOLD["services"][name]["command"]
    found = typer.main.get_command(app)

    context = found.commands[command].make_context(command, list(words))

    assert program == "mmindex"
    assert context.params["lake"] == "/lake"


def test_what_the_nights_write_is_what_the_page_reads():
    """One lake, which only the nights may write; media are read only, under the alias named."""
    nights, search = (TOLD["services"][name] for name in ("nights", "search"))
    places = [volume.split(":") for volume in nights["volumes"]]
    (alias,) = [word for word in nights["command"] if "=" in word]

    assert search["volumes"] == [":".join([*place[:2], "ro"]) for place in places]
    assert [place[1:] for place in places] == [["/media", "ro"], ["/lake"]]
    assert IndexConfig(media=(alias,), lake="/lake").media == ("photos=/media",)


def test_nothing_is_open_to_others_than_this_machine():
    """Ports are bound to the loopback address, and the page has a token."""
    ports = [port for one in TOLD["services"].values() for port in one.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "--token-file" in TOLD["services"]["search"]["command"]
