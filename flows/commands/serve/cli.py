"""The command line: `mmindex serve`.

Imports stand inside the command, so that `--help` loads no server.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.terminal.options import LAKE, AsJson, Lake, Lang, Weights, weights_in

PORT = 8765


def serve(  # noqa: PLR0913, PLR0917 - an option is an argument
    lake: Lake = LAKE,
    host: Annotated[
        str, typer.Option(help="Address to listen at; others than this machine need a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen at; 0: a free one.")
    ] = PORT,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File with the token that everybody has to bring."),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="A page elsewhere that may ask: https://example.org."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A further name under which the server is asked."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(metavar="N", help="Requests a second of one client; without, any."),
    ] = None,
    max_upload_mb: Annotated[
        float, typer.Option(help="Millions of bytes of a file that is asked with.")
    ] = 50.0,
    root: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ALIAS=FOLDER",
            help="Where a root of the lake lies here; a private lake shows files of these alone.",
        ),
    ] = None,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy", help="Believe X-Forwarded-For and -Proto of a proxy on this machine."
        ),
    ] = False,
    weights: Weights = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Serve a lake over HTTP: the search page at /, the interface at /docs; Ctrl-C ends it."""
    from flows.commands.serve.command import Listening, run_serve
    from flows.terminal.language import language_of

    settings: dict[str, Any] = {
        "lake": lake,
        "cors": tuple(cors or ()),
        "rate": rate,
        "max_upload_mb": max_upload_mb,
        "runtime": weights_in(weights),
    }
    names = tuple(allow_host or ())
    listening = Listening(
        host,
        port,
        names,
        token_file,
        tuple(root or ()),
        behind_proxy,
        as_json,
        language_of(lang, os.environ),
    )
    run_serve(settings, listening)
