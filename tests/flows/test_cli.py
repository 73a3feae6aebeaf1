import json
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from flows import cli
from tests.commands import command_line
from tests.lakes import coloured_items, make_lake, towers


def run(monkeypatch, capsys, *arguments):
    """Run `mmindex …` in this process: exit code, standard output, standard error."""
    return command_line(monkeypatch, capsys)(*arguments)


def test_the_version_is_said():
    """By the package, without a command."""
    answer = CliRunner().invoke(cli.app, ["--version"])

    assert (answer.exit_code, answer.stdout) == (0, f"mmindex {version('mmindex')}\n")


def test_help_loads_nothing_heavy():
    """`mmindex --help` answers without torch, Prefect or faiss."""
    program = (
        "import sys; from flows import cli; "
        "print([m for m in ('torch', 'prefect', 'faiss') if m in sys.modules])"
    )

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert answer.stdout.strip() == b"[]"


@pytest.mark.parametrize("command", ["index", "search", "evaluate", "status", "files"])
def test_every_command_has_help(command):
    """Each command says what it does and what its options are."""
    answer = CliRunner().invoke(cli.app, [command, "--help"])

    assert answer.exit_code == 0
    assert "--lake" in answer.stdout
    assert "--json" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["status", "--lake", "nowhere"], 2, "mmindex index MEDIA_DIR --lake"),
        (["search", "frog", "--lake", "nowhere"], 2, "mmindex index MEDIA_DIR --lake"),
        (["search", "--lake", "nowhere"], 2, "say what to look for"),
        (["search", "--without", "frog", "--lake", "nowhere"], 2, "say what to look for"),
        (["files", "--lake", "nowhere"], 2, "mmindex index MEDIA_DIR --lake"),
        (["index", "nowhere", "--lake", "lake"], 5, "is not a folder"),
        (["index", ".", "--lake", "lake", "--max-bad-fraction", "7"], 2, "max_bad_fraction"),
        (["index", ".", "a=.", ".", "--lake", "lake"], 2, "ALIAS=FOLDER"),
        (["index", ".", "--lake", "lake", "--engine", "magic"], 2, "engine"),
        (["index", ".", "--lake", "lake", "--preset", "foo"], 2, "embedded, glove"),
        (["index", ".", "--lake", "lake", "--grouping", "foler"], 2, "known: auto, folder"),
        (["index", ".", "--lake", "lake", "--device", "tpu"], 2, "cuda:N"),
        (["index", ".", "--lake", "lake", "--manifest", "none.csv"], 2, "no such manifest"),
        (["index", ".", "b=.", "--lake", "lake", "--manifest", "m"], 2, "one folder"),
        (["index", ".", "--lake", "."], 2, "another folder for the lake"),
        (["index", ".", "--lake", "file/lake"], 2, "file is a file"),
    ],
)
def test_an_error_is_one_line_with_its_exit_code(
    monkeypatch, capsys, tmp_path, arguments, code, says
):
    """What a person did wrong is said in one line, without a traceback, before any work."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()

    ended, out, err = run(monkeypatch, capsys, *arguments)

    assert ended == code
    assert out == ""
    assert err.startswith("mmindex: ")
    assert says in err
    assert err.count("\n") == 1


def test_what_cannot_be_an_option_is_said_as_it_is(monkeypatch, capsys):
    """Without the prefix of the library that looks at options."""
    ended, _, err = run(monkeypatch, capsys, "search", "cat", "-m", "art")

    assert ended == 2
    assert "'-m': 'art' is not one of" in err
    assert "Value error" not in err


def test_an_interruption_says_that_nothing_is_lost(monkeypatch, capsys):
    """Ctrl-C ends with 130 and the way to go on."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("flows.commands.status.command.run_status", interrupted)

    code, _, err = run(monkeypatch, capsys, "status")

    assert code == 130
    assert "run it again" in err


def test_status_of_a_lake_is_the_same_for_people_and_programs(monkeypatch, capsys, tmp_path):
    """`status` and `status --json` name the snapshot, its items and its indexes."""
    lake = make_lake(tmp_path / "湖", coloured_items(), towers()).layout.root

    _, out, _ = run(monkeypatch, capsys, "status", "--lake", lake)
    code, text, _ = run(monkeypatch, capsys, "status", "--lake", lake, "--json")

    said = json.loads(text)
    assert code == 0
    assert said["snapshot"] == 1
    assert "snapshot 1" in out
    assert all(index["name"] in out for index in said["indexes"])
