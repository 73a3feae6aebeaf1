"""Every command of the pages runs, or is at least one that can be."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import typer.main

from flows.cli import app
from mmcore.inspection.machine.environment import OURS
from tests.docs.blocks import ROOT, SHELL, Block, Command, blocks, calls_in_prose, commands
from tests.docs.untried import COMMANDS, PROGRAMS, PYTHON

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = set(PROJECT["optional-dependencies"])
TARGETS = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
VARIABLES = set(re.findall(r"\$\(([A-Z]+)\)", (ROOT / "Makefile").read_text("utf-8")))
SCRIPTS = [block for block in blocks(*SHELL) if any(map(str, commands(block)))]
MMINDEX = typer.main.get_command(app)


def untried(command: Command) -> str | None:
    """Why a command of ours is only parsed."""
    return next((why for told, why in COMMANDS if re.search(told, str(command))), None)


def parsed(words: list[str]) -> None:
    """Let the command line take ``words`` apart as it would to run them; what is wrong raises."""
    command, name = MMINDEX, "mmindex"
    while below := getattr(command, "commands", None):
        if not words or words[0].startswith("-"):
            break
        assert words[0] in below, f"mmindex has no command {words[0]}"
        name, command, words = words[0], below[words[0]], words[1:]
    with command.make_context(name, list(words)):
        pass


@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_each_command_is_one(block: Block):
    """Options, extras, targets, files and variables that a block names are there."""
    for command in commands(block):
        program, *words = command.words
        while "=" in program and words:  # VARIABLE=value before a command
            program, *words = words
        check = CHECKS.get(Path(program).name)
        assert check or program in PROGRAMS, f"{block}: no test knows what {program} is"
        if check:
            check(words)


@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_what_can_run_runs(block: Block, home, monkeypatch):
    """A block's commands of ours, one after the other in a home that has what they name."""
    for command in commands(block):
        if command.words[0] == "export":
            for name, value in (word.split("=", 1) for word in command.words[1:]):
                if name == "MMINDEX_LAKE":
                    monkeypatch.setenv(name, home.placed(value))
        if Path(command.words[0]).name != "mmindex" or untried(command):
            continue

        answer = home.run(*command.words[1:])

        assert answer.code == 0, f"{block}: {command}\n{answer.err}"


def test_what_is_not_run_is_on_a_page():
    """No reason is left of a command that no page has any more."""
    told = [command for block in SCRIPTS for command in commands(block)]

    assert [row for row in COMMANDS if not any(re.search(row[0], str(c)) for c in told)] == []
    assert set(PROGRAMS) <= {c.words[0] for c in told}


def test_reasons_name_tests_that_are_there():
    """Where another test runs what is not run here, its file or folder is one."""
    reasons = [why for *_, why in (*COMMANDS, *PYTHON)] + list(PROGRAMS.values())
    named = [path for why in reasons for path in re.findall(r"tests/[\w/.]+", why)]

    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_pages_in_plain_words_name_no_other_options():
    """Inline code, output, crontabs and units: the command is there, and so are its options."""
    wrong = []
    for page, call in calls_in_prose():
        words = call.split()
        command = MMINDEX
        while words and words[0] in getattr(command, "commands", {}):
            command, words = command.commands[words[0]], words[1:]
        if command is MMINDEX:
            continue
        known = {option for param in command.params for option in param.opts} | {"--help", "-h"}
        used = [w.split("=")[0] for w in words if re.fullmatch(r"--[a-z][\w-]+(=\S*)?", w)]
        wrong += [(page, call) for option in used if option not in known]

    assert wrong == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("search cat --colour red", "No such option: --colour"),
        ("search cat -m smell", "smell"),
        ("find cat", "no command find"),
        ("snapshots list 3", "unexpected extra argument"),
    ],
)
def test_a_command_that_cannot_be_is_told(words, told):
    """What the tests of the pages go by: options, choices, names and arguments."""
    with pytest.raises(Exception, match=f"(?i){told}"):
        parsed(words.split())


def _pip(words: list[str]) -> None:
    for word in words:
        if extras := re.search(r"(?:^\.|mmindex)\[([\w,]+)\]", word):
            assert set(extras[1].split(",")) <= EXTRAS


def _make(words: list[str]) -> None:
    assert {word for word in words if "=" not in word} <= TARGETS
    assert {word.partition("=")[0] for word in words if "=" in word} <= VARIABLES


def _python(words: list[str]) -> None:
    if words[0] != "-m":
        assert (ROOT / words[0]).is_file()
    elif words[1].startswith(("benchmarks", "flows")):
        assert (ROOT / (words[1].replace(".", "/") + ".py")).is_file()


def _export(words: list[str]) -> None:
    names = {word.partition("=")[0] for word in words}
    assert {name for name in names if name.startswith("MMINDEX_")} <= OURS


def _pytest(words: list[str]) -> None:
    assert all((ROOT / word).exists() for word in words if word.startswith("tests/"))


def _prefect(words: list[str]) -> None:
    from prefect.cli._app import _app  # what its command line is made of

    _app.parse_args([w for w in words if w != "--no-prompt"], exit_on_error=False)
    for flag, name in pairwise(words):
        if flag in {"--from-file", "--prefect-file"} and "/" in name:
            assert (ROOT / name).is_file()


def _dask(words: list[str]) -> None:
    if importlib.util.find_spec("distributed") is None:  # an extra
        return
    from distributed.cli import dask_scheduler, dask_worker

    made = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
    with made[words[0]].make_context(words[0], words[1:]):
        pass


def _kubectl(words: list[str]) -> None:
    assert (ROOT / words[words.index("-f") + 1]).is_file()


CHECKS = {
    "mmindex": lambda words: parsed(list(words)),
    "pip": _pip,
    "make": _make,
    "python": _python,
    "python3": _python,
    "export": _export,
    "pytest": _pytest,
    "prefect": _prefect,
    "dask": _dask,
    "kubectl": _kubectl,
}
