"""How a program of ours ends."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from flows.terminal.ending import CLOSED, Sigterm, impatient, told_in_a_line
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
    code = "from flows.terminal.ending import told_in_a_line\nwith told_in_a_line():\n"
    code += "    while True: print('word ' * 1000)"
    writer = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    writer.stdout.read(10)
    writer.stdout.close()
    said = writer.stderr.read()
    writer.stderr.close()

    assert (writer.wait(30), said) == (CLOSED, b"")


WORKING = """
import sys, time
from flows import cli

def work():
    try:
        print("at work", flush=True)
        time.sleep(60)
    finally:
        print("lock given back", flush=True)

cli.app = cli.typer.Typer(add_completion=False)
cli.app.command()(work)
sys.argv[1:] = []
cli.main()
"""


@pytest.mark.parametrize(
    ("kind", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_a_signal_ends_a_command_in_order(kind, code):
    """What is open is closed, a line says that it goes on, and who sent it sees that it did."""
    restored = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    with subprocess.Popen(
        [sys.executable, "-c", restored + WORKING],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        text=True,
    ) as command:
        assert command.stdout.readline() == "at work\n"
        command.send_signal(kind)
        out, err = command.communicate(timeout=60)

    assert out == "lock given back\n"
    assert err.strip() == "mmindex: interrupted; what is finished is kept, run it again to go on"
    assert command.returncode == code


SLOW = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from flows.terminal.ending import impatient

with impatient(lambda: print("ending", flush=True)):
    try:
        print("at work", flush=True)
        time.sleep(60)
    finally:
        time.sleep(60)
"""


def test_a_second_ctrl_c_ends_a_command_at_once():
    """Also where what is open takes long to close; the same key told twice is one."""
    with subprocess.Popen(
        [sys.executable, "-c", SLOW],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        text=True,
    ) as command:
        assert command.stdout.readline() == "at work\n"
        command.send_signal(signal.SIGINT)
        assert command.stdout.readline() == "ending\n"
        while command.poll() is None:
            command.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                command.wait(0.5)
        err = command.stderr.read()

    assert command.returncode == 130
    assert err == "mmindex: ended at once; what was finished is kept, run it again to go on\n"


def test_ctrl_c_is_as_before_where_none_came():
    """After the block, and for who hears it itself within."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with impatient(lambda: None):
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with impatient(lambda: None):
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_who_hears_sigterm_itself_goes_on_doing_so():
    """As a server does, or a program that ignores it; afterwards all is as before."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with Sigterm().as_interrupt():
            os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_nothing_is_passed_on_that_did_not_come():
    """A command that Ctrl-C ended has its own exit code."""
    with Sigterm().as_interrupt():
        pass
    Sigterm().pass_on()

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
