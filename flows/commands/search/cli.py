"""The command line: `mmindex search`.

Imports stand inside the command, so that `--help` loads no faiss.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.terminal.options import LAKE, AsJson, Lake, Lang, Weights
from mmcore.search.asking.unwanted import TEXT_AWAY
from storage.schemas import Modality


def search(  # noqa: PLR0913, PLR0917 - an option is an argument
    text: Annotated[
        str | None, typer.Argument(help="What to look for, in Chinese or English.")
    ] = None,
    lake: Lake = LAKE,
    text_: Annotated[
        list[str] | None,
        typer.Option("--text", "-t", metavar="TEXT", help="A further text to ask with."),
    ] = None,
    image: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Look for what is like this picture.")
    ] = None,
    audio: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Look for what is like this sound.")
    ] = None,
    video: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Look for what is like this video.")
    ] = None,
    item: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ITEM",
            help="Look for what is like this item: its KEY, ROOT/KEY, a file or its id.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT", help="Without what is like this text; -TEXT within a text is the same."
        ),
    ] = None,
    without_weight: Annotated[
        float,
        typer.Option(
            metavar="WEIGHT", min=0.01, max=10, help="What such a text counts, beside 1 of others."
        ),
    ] = TEXT_AWAY,
    modality: Annotated[
        list[Modality] | None,
        typer.Option("--modality", "-m", help="Only this medium; without, whole items."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Only texts of this language: zh, en or other.")
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(metavar="SQL", help="Only items of this condition: \"label = 'trips'\"."),
    ] = None,
    words: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="What words count beside vectors: 0 nothing, 1 words alone; 0.5 if not given.",
        ),
    ] = None,
    method: Annotated[
        str, typer.Option(help="How several lists become one: convex or rrf.")
    ] = "convex",
    collapse: Annotated[
        bool, typer.Option("--collapse", help="One answer for items that are nearly equal.")
    ] = False,
    diversity: Annotated[
        float, typer.Option(metavar="SHARE", help="0 by likeness alone, up to 1 for variety.")
    ] = 0.0,
    k: Annotated[int, typer.Option("-k", min=1, help="How many answers, up to 1000.")] = 10,
    offset: Annotated[int, typer.Option(min=0, help="How many answers to skip.")] = 0,
    open_: Annotated[
        int | None,
        typer.Option(
            "--open",
            metavar="N",
            min=1,
            help="Open the file of answer N with the system's viewer.",
        ),
    ] = None,
    root: Annotated[
        list[str] | None,
        typer.Option(help="Of a private lake: name the files of this FOLDER or ALIAS=FOLDER."),
    ] = None,
    thumbnails: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the hits' small pictures into this folder."),
    ] = None,
    weights: Weights = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Search a lake by texts, pictures, sounds, videos and items, one or several at once."""
    from flows.commands.search.command import AskedWith, SearchManner, run_search

    media = {
        Modality.IMAGE: image or (),
        Modality.AUDIO: audio or (),
        Modality.VIDEO: video or (),
    }
    texts = (*([] if text is None else [text]), *(text_ or ()))
    options: dict[str, Any] = {
        "modalities": tuple(modality or ()),
        "language": language,
        "where": where,
        "words": words,
        "method": method,
        "collapse": collapse,
        "diversity": diversity,
        "k": k,
        "offset": offset,
    }
    asked = AskedWith(texts, media, tuple(item or ()), tuple(without or ()), without_weight)
    manner = SearchManner(tuple(root or ()), thumbnails, weights, open_, lang, as_json)
    run_search(lake, asked, options, manner)
