"""How a program of ours ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from flows.ending import CLOSED, told_in_a_line
from mmcore.errors import ConfigError


def test_an_error_of_ours_is_a_line(capsys):
    """With its exit code; a name in it steers no terminal."""
    with pytest.raises(SystemExit) as ended, told_in_a_line():
        raise ConfigError("no \x1b[31mred")

    assert ended.value.code == 2
    assert capsys.readouterr().err == "no \ufffd[31mred\n"


def test_an_error_of_another_kind_is_a_fault_of_ours():
    """It keeps its traceback."""
    with pytest.raises(ZeroDivisionError), told_in_a_line():
        raise ZeroDivisionError


def test_a_reader_that_has_enough_ends_it_without_a_word():
    """As `| head` does."""
    code = "from flows.ending import told_in_a_line\nwith told_in_a_line():\n"
    code += "    while True: print('word ' * 1000)"
    writer = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    writer.stdout.read(10)
    writer.stdout.close()
    said = writer.stderr.read()
    writer.stderr.close()

    assert (writer.wait(30), said) == (CLOSED, b"")
