"""The command line: `mmindex …`."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from flows import (
    encoders_cli,
    evaluate_cli,
    models_cli,
    queries_cli,
    search_cli,
    serve_cli,
    snapshots_cli,
    train_cli,
    watch_cli,
)
from flows.doctor import cli as doctor_cli
from flows.ending import Sigterm
from flows.options import LAKE, AsJson, Lake, Notify, Weights
from flows.printing import lenient
from flows.up import cli as up_cli
from storage.places.stores import is_store_error
from storage.schemas import MmindexError, Modality

EPILOG = (
    "Exit codes: 0 done, or nothing to do (--json's status says which) · 1 failed · 2 a setting or"
    " a name is wrong · 3 the gate: it is worse than what serves, or could not be judged · 4"
    " too many bad files; for inspect: any · 5 a source is missing or lost too much · 6 the lake"
    " is being written · 7 the lake is damaged · 8 something of what was forgotten is left · 9 no"
    " index reaches the goal · 10 the sources were not looked at for too long · 11 a disk is full"
    " · 130 interrupted (by SIGTERM: 143)"
)
INTERRUPTED = 130
BAD_FILES = 4
_FULL = "; make room, `mmindex maintain` shows how much of the lake can go; finished work is kept"
_CLOSED = "; it cannot be written to; what is published serves on"
NO_ROOM = 11
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


app.add_typer(snapshots_cli.app)
app.add_typer(encoders_cli.app)
app.add_typer(models_cli.app)
app.add_typer(queries_cli.app)
app.command()(train_cli.train)
app.command()(evaluate_cli.evaluate)
app.command()(evaluate_cli.history)
app.command()(evaluate_cli.compare)
app.command()(search_cli.search)
app.command()(serve_cli.serve)
app.command()(doctor_cli.doctor)
app.command()(up_cli.up)
app.command(context_settings=watch_cli.SETTINGS)(watch_cli.watch)


def main() -> None:
    """Run the command line; an error of ours is one line and its exit code."""
    lenient()
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
        sys.exit(NO_ROOM if error.errno in FULL else 1)


@app.command()
def index(
    media: Annotated[
        list[str],
        typer.Argument(
            help="Folders or URLs (s3://…), each as FOLDER or ALIAS=FOLDER.",
            metavar="MEDIA_DIR...",
        ),
    ],
    lake: Lake = LAKE,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[:MODEL][+…]",
            help="The encoders (see `mmindex encoders`); the lake's own, of a new one embedded.",
        ),
    ] = None,
    grouping: Annotated[
        str, typer.Option(help="Which files are one item: auto, stem, number or folder.")
    ] = "auto",
    manifest: Annotated[
        Path | None,
        typer.Option(help="A CSV, JSONL or Parquet table of items, captions and labels."),
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(help="Take only paths of these globs.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Globs of paths to leave out.")] = None,
    hash_all: Annotated[
        bool,
        typer.Option(
            "--hash-all", help="Hash every file, also where size and mtime are as before."
        ),
    ] = False,
    engine: Annotated[
        str, typer.Option(help="What decodes and fills shards: threads, processes or dask.")
    ] = "threads",
    workers: Annotated[
        int | None, typer.Option(help="Shards at once; the number of cores if not given.")
    ] = None,
    device: Annotated[
        str,
        typer.Option(help="cpu, mps, cuda (all GPUs), cuda:0,cuda:1 (those), or auto."),
    ] = "auto",
    batch_size: Annotated[
        int | None,
        typer.Option(
            help="Segments that go through a model at once; what suits the device if not given."
        ),
    ] = None,
    weights: Weights = None,
    profile: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder that gets traces of torch's profiler."),
    ] = None,
    private: Annotated[
        bool,
        typer.Option("--private", help="Keep no names and no texts; from a lake's first run."),
    ] = False,
    vector_dtype: Annotated[
        str, typer.Option(help="Numbers of stored vectors: float32, or float16 on half the disk.")
    ] = "float32",
    vector_compression: Annotated[
        str, typer.Option(help="Codec of the vectors that are written: none or zstd.")
    ] = "none",
    max_bad_fraction: Annotated[
        float, typer.Option(help="Stop when more files than this fail.")
    ] = 0.5,
    max_deleted_fraction: Annotated[
        float, typer.Option(help="Stop when more contents than this are gone.")
    ] = 0.5,
    drop: Annotated[
        list[str] | None, typer.Option(help="Alias of a root to take out of the lake.")
    ] = None,
    notify: Notify = None,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for another run on this lake.")
    ] = 0.0,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.NAME=VALUE",
            help="Any other setting, as limits.max_pixels=200000000; may be repeated.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Index folders of media into a lake and publish a snapshot if anything changed."""
    from flows.command import preset_of, run_index
    from flows.overrides import overridden

    settings: dict[str, Any] = {
        "media": tuple(media),
        "lake": str(lake),
        "preset": preset or preset_of(lake),
        "crawl": {
            "include": tuple(include or ()),
            "exclude": tuple(exclude or ()),
            "hash_all": hash_all,
            "grouping": grouping,
            "manifest": str(manifest) if manifest else None,
        },
        "engine": engine,
        "workers": workers,
        "runtime": {
            "device": device,
            "batch_size": batch_size,
            "weights": str(weights) if weights else None,
            "profile": str(profile) if profile else None,
        },
        "private": private,
        "storage": {"dtype": vector_dtype, "compression": vector_compression},
        "max_bad_fraction": max_bad_fraction,
        "max_deleted_fraction": max_deleted_fraction,
        "drop": tuple(drop or ()),
        "notify": tuple(notify or ()),
        "wait": wait,
        "dry_run": dry_run,
    }
    run_index(overridden(settings, set_ or ()), as_json=as_json)


@app.command()
def status(lake: Lake = LAKE, as_json: AsJson = False) -> None:
    """Say what the published snapshot holds and how well it retrieves."""
    from flows.command import run_status

    run_status(lake, as_json=as_json)


@app.command()
def files(
    lake: Lake = LAKE,
    modality: Annotated[
        Modality | None,
        typer.Option("--modality", "-m", help="Only segments and vectors of this medium."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Name the Parquet files of the published snapshot: table, rows, path, with tabs between."""
    from flows.snapshots import run_files

    run_files(lake, modality, as_json=as_json)


@app.command()
def quarantine(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Only these: ROOT, ROOT/path, a file or a folder of a root, or a glob.",
            metavar="PATH",
        ),
    ] = None,
    lake: Lake = LAKE,
    stage: Annotated[
        list[str] | None, typer.Option(help="Only this stage: crawl, sniff, read, image …")
    ] = None,
    reason: Annotated[
        list[str] | None, typer.Option(help="Only this reason: decode-error …; may be repeated.")
    ] = None,
    listed: Annotated[
        bool, typer.Option("--list", help="Each row, with the decoder's message and times.")
    ] = False,
    stopped: Annotated[
        bool,
        typer.Option("--stopped", help="Of the last run that was not allowed to publish."),
    ] = False,
    lang: Annotated[str | None, typer.Option(help="zh or en; the locale's if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say which files could not be used, why, and what to do."""
    from flows.quarantine import Manner, Wanted, run_quarantine

    wanted = Wanted(tuple(paths or ()), tuple(stage or ()), tuple(reason or ()), stopped)
    run_quarantine(lake, wanted, Manner(listed, lang, as_json))


@app.command()
def inspect(
    paths: Annotated[list[str], typer.Argument(help="Files to look into.", metavar="FILE...")],
    words: Annotated[
        bool, typer.Option("--words", help="The words of texts, with their parts of speech.")
    ] = False,
    lang: Annotated[str | None, typer.Option(help="zh or en; the locale's if not given.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.NAME=VALUE",
            help="A setting of index, as segmentation.ocr=true; may be repeated.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what would be indexed of files, or why not; without a lake. Code 4 if any cannot be."""
    from flows.inspect import Manner, run_inspect

    if not run_inspect(paths, set_ or (), Manner(words, lang, as_json)):
        raise typer.Exit(BAD_FILES)


@app.command()
def forget(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files whose items are erased: ROOT/path, or a path below a root.",
            metavar="PATH",
        ),
    ] = None,
    lake: Lake = LAKE,
    item: Annotated[
        list[str] | None, typer.Option(help="An item to erase, as ROOT/KEY; may be repeated.")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="Erase what this text finds, once that is confirmed.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="How many hits of --query.")] = 10,
    content: Annotated[
        bool, typer.Option("--content", help="Also take what others have of it from them.")
    ] = False,
    readmit: Annotated[
        bool, typer.Option("--readmit", help="Let the files that lie there now in again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for another run on this lake.")
    ] = 0.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be erased, and do nothing.")
    ] = False,
    lang: Annotated[str | None, typer.Option(help="zh or en; the locale's if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Erase items from every kept snapshot, prove it, and keep them out from now on."""
    from flows.forget import Manner, Wanted, run_forget, run_readmit

    wanted = Wanted(tuple(paths or ()), tuple(item or ()), query, k, content)
    manner = Manner(yes, dry_run, wait, as_json, lang)
    (run_readmit if readmit else run_forget)(lake, wanted, manner)


@app.command()
def maintain(
    lake: Lake = LAKE,
    keep: Annotated[
        int, typer.Option(help="Published snapshots to keep, the one that serves among them.")
    ] = 7,
    grace_days: Annotated[
        float, typer.Option(help="Days that finished or blocked, unpublished work stays.")
    ] = 30.0,
    no_compact: Annotated[
        bool, typer.Option("--no-compact", help="Rewrite no parts, only remove.")
    ] = False,
    dead_share: Annotated[
        float, typer.Option(help="Rewrite parts of vectors of which more than this is dead.")
    ] = 0.5,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for another run on this lake.")
    ] = 0.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Merge small parts, and remove what no kept snapshot or unfinished run needs."""
    from flows.command import run_maintain

    settings: dict[str, Any] = {
        "lake": str(lake),
        "keep": keep,
        "grace_days": grace_days,
        "compact": not no_compact,
        "dead_share": dead_share,
        "wait": wait,
        "dry_run": dry_run,
    }
    run_maintain(settings, as_json=as_json)


if __name__ == "__main__":
    main()
