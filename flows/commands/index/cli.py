"""The command line: `mmindex index`.

Imports stand inside the command, so that `--help` loads nothing of Prefect.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.terminal.options import (
    LAKE,
    SETTING,
    AsJson,
    DryRun,
    Lake,
    Lang,
    Notify,
    Wait,
    Weights,
    set_option,
    weights_in,
)


def index(  # noqa: PLR0913, PLR0917 - an option is an argument
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
    wait: Wait = 0.0,
    set_: Annotated[
        list[str] | None,
        set_option(SETTING, "Any other setting, as limits.max_pixels=200000000"),
    ] = None,
    dry_run: DryRun = False,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Index folders of media into a lake and publish a snapshot if anything changed."""
    from flows.commands.index.command import run_index
    from flows.config.preset import preset_of
    from flows.terminal.overrides import overridden

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
            **weights_in(weights),
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
    run_index(overridden(settings, set_ or ()), lang, as_json=as_json)
