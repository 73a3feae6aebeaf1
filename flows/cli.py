"""The command line: `mmindex …`."""

from __future__ import annotations

import atexit
import errno
import gc
import sys
from typing import Annotated

import typer

from flows.commands.doctor import cli as doctor_cli
from flows.commands.encoders import cli as encoders_cli
from flows.commands.evaluate import cli as evaluate_cli
from flows.commands.forget import cli as forget_cli
from flows.commands.index import cli as index_cli
from flows.commands.inspect import cli as inspect_cli
from flows.commands.maintain import cli as maintain_cli
from flows.commands.models import cli as models_cli
from flows.commands.models import train_cli
from flows.commands.quarantine import cli as quarantine_cli
from flows.commands.queries import cli as queries_cli
from flows.commands.search import cli as search_cli
from flows.commands.serve import cli as serve_cli
from flows.commands.snapshots import cli as snapshots_cli
from flows.commands.status import cli as status_cli
from flows.commands.up import cli as up_cli
from flows.commands.watch import cli as watch_cli
from flows.terminal.ending import Sigterm
from flows.terminal.group import Commands
from flows.terminal.printing import lenient
from mmcore.errors import DiskSpaceError
from storage.places.stores import is_store_error
from storage.schemas import MmindexError

EPILOG = (
    "Exit codes: 0 done, or nothing to do (--json's status says which) · 1 failed · 2 a setting or"
    " a name is wrong · 3 the gate: it is worse than what serves, or could not be judged · 4"
    " too many bad files; for inspect: any · 5 a source is missing or lost too much · 6 the lake"
    " is being written · 7 the lake is damaged · 8 something of what was forgotten is left · 9 no"
    " index reaches the goal · 10 the sources were not looked at for too long · 11 a disk is full"
    " · 130 interrupted (by SIGTERM: 143)"
)
INTERRUPTED = 130
_FULL = "; make room, `mmindex maintain` shows how much of the lake can go; finished work is kept"
_CLOSED = "; it cannot be written to; what is published serves on"
FULL = (errno.ENOSPC, errno.EDQUOT)
WAYS_OUT = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _CLOSED,
    errno.EACCES: _CLOSED,
}


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"mmindex {version('mmindex')}")
        raise typer.Exit


app = typer.Typer(
    name="mmindex",
    cls=Commands,
    help="Turn folders of pictures, texts, sounds and videos into a searchable, measured lake.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def mmindex(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_version, help="Say which version it is."
        ),
    ] = False,
) -> None:
    """Turn folders of pictures, texts, sounds and videos into a searchable, measured lake."""


app.command()(index_cli.index)  # in the order that `--help` lists them in
app.command(context_settings=watch_cli.SETTINGS)(watch_cli.watch)
for command in (
    up_cli.up,
    search_cli.search,
    serve_cli.serve,
    status_cli.status,
    snapshots_cli.files,
    quarantine_cli.quarantine,
    inspect_cli.inspect,
    evaluate_cli.evaluate,
    evaluate_cli.history,
    evaluate_cli.compare,
    train_cli.train,
    doctor_cli.doctor,
    maintain_cli.maintain,
    forget_cli.forget,
):
    app.command()(command)
for group in (snapshots_cli.app, queries_cli.app, models_cli.app, encoders_cli.app):
    app.add_typer(group)


def main() -> None:
    """Run the command line; an error of ours is one line and its exit code."""
    lenient()
    atexit.register(gc.freeze)  # at the end no collector looks at what is left: a second of CPU
    sigterm = Sigterm()
    try:
        with sigterm.as_interrupt():
            app()
    except MmindexError as error:
        typer.secho(f"mmindex: {getattr(error, 'told', error)}", fg="red", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        if not isinstance(error, OSError) and not is_store_error(error):
            raise  # our fault: with its traceback
        _say_failure(error)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:  # typer's answer to Ctrl-C
            say = "mmindex: interrupted; what is finished is kept, run it again to go on"
            typer.secho(say, err=True)
            sigterm.pass_on()
        raise


def _say_failure(error: Exception) -> None:
    """One line, and exit: 2 for a store that refuses or is not there, else 1."""
    if is_store_error(error):
        line = " ".join(str(error).split())
        why = "the store could not be reached, or refused: check bucket, endpoint and credentials"
        typer.secho(f"mmindex: {line} ({why})", fg="red", err=True)
        sys.exit(2)
    if isinstance(error, OSError):  # a full or read-only disk, a file where a folder should be
        where = f": {error.filename}" if error.filename else ""
        way_out = WAYS_OUT.get(error.errno or 0, "")
        typer.secho(f"mmindex: {error.strerror or error}{where}{way_out}", fg="red", err=True)
        sys.exit(DiskSpaceError.exit_code if error.errno in FULL else 1)


if __name__ == "__main__":
    main()
