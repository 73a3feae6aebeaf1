"""The command line: `mmindex encoders …`.

Imports stand inside the commands, so that `--help` loads nothing heavy.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.terminal.options import AsJson, Lang, Weights, set_option

app = typer.Typer(
    name="encoders",
    help="List presets and their encoders; bring, convert and train weights.",
    invoke_without_command=True,
)


@app.callback()
def encoders(
    context: typer.Context,
    weights: Weights = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """List presets, their encoders, and which of their weights are here; loads none."""
    if context.invoked_subcommand is None:
        from flows.commands.encoders.command import run_list

        run_list(weights, lang, as_json=as_json)


@app.command("list")
def list_encoders(weights: Weights = None, lang: Lang = None, as_json: AsJson = False) -> None:
    """The same as `mmindex encoders`."""
    from flows.commands.encoders.command import run_list

    run_list(weights, lang, as_json=as_json)


@app.command()
def fetch(
    preset: Annotated[
        str,
        typer.Argument(
            help="A preset; behind a colon other weights than its usual ones: an id of the hub, a"
            " name of torchvision, or ARCHITECTURE/TAG of open_clip.",
            metavar="PRESET[:MODEL][+…]",
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder that gets them, in a folder by their id; $MMINDEX_WEIGHTS, or one in"
            " your cache.",
        ),
    ] = None,
    noncommercial: Annotated[
        bool,
        typer.Option("--noncommercial", help="Also weights that are not for commercial use."),
    ] = False,
    trust_pickle: Annotated[
        bool,
        typer.Option(
            "--trust-pickle",
            help="Where there are no safetensors and no known sha256: open the pickle once, run"
            " none of its code, and keep safetensors.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the weights of a preset onto this machine; what is there is left alone."""
    from flows.commands.encoders.command import run_fetch
    from mmcore.encoders.fetching import Terms

    run_fetch(preset, Terms(to, noncommercial, trust_pickle), as_json=as_json)


@app.command()
def convert(
    file: Annotated[
        Path, typer.Argument(help="A file of torch.save that you trust.", metavar="FILE")
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The file to write; by default beside it, under the name that is loaded.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make safetensors of a pickle of tensors; one that holds code is refused."""
    from flows.commands.encoders.command import run_convert

    run_convert(file, to, force=force, as_json=as_json)


@app.command()
def train(  # noqa: PLR0913, PLR0917 - an option is an argument
    kind: Annotated[
        str,
        typer.Argument(
            help="What to train: word2vec, lstm, gru or towers; to fine-tune: siglip2,"
            " chinese-clip, clip or clap.",
            metavar="KIND",
        ),
    ],
    to: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write.")],
    media: Annotated[
        list[str] | None,
        typer.Argument(help="Folders whose media it learns from.", metavar="MEDIA_DIR..."),
    ] = None,
    lake: Annotated[
        str | None,
        typer.Option("--lake", "-l", help="A lake to learn from, in place of folders."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        set_option("NAME=VALUE", "A setting, as dim=200"),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a training of towers that was interrupted."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train an encoder of one's own, which the preset of that name loads."""
    from flows.commands.encoders.training import Sources, run_train

    sources = Sources(tuple(media or ()), lake, resume)
    run_train(kind, sources, to, set_ or (), as_json=as_json)
