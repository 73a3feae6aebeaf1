"""The pages for people say what the code does; what stands in their blocks runs in tests/docs."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
import typer.main

from flows import cli
from flows.config.index import IndexConfig
from flows.orchestration import orchestrator
from mmcore import errors as computing_errors
from mmcore.encoders.base import encoders
from mmcore.encoders.presets import presets
from mmcore.fusion.base import fusions
from mmcore.media.grouping import groupings
from mmcore.media.listing import JUNK
from mmcore.media.names import LANGUAGES
from mmcore.training.alignment.spec import AlignSpec, CcaSpec, NetworkSpec
from mmcore.training.fusing.spec import FusionFitSpec
from mmcore.types import MediaFile
from storage import errors as storage_errors
from storage.schemas import MmindexError, Modality
from tasks.promote_verdict import VerdictSpec
from tests.factories import small_lake

ROOT = Path(__file__).parents[1]
READMES = ("README.md", "README.zh.md")
PAGES = {
    str(path.relative_to(ROOT)): path.read_text("utf-8")
    for path in (*(ROOT / name for name in READMES), *sorted((ROOT / "docs").glob("*.md")))
}
ENGLISH = "\n".join(text for name, text in PAGES.items() if not name.endswith(".zh.md"))
COMMANDS = typer.main.get_command(cli.app).commands
LANGUAGE_ROW = re.compile(r"^\| `(\w+)` \| ((?:`[\w-]+` ?)+)\|$", re.MULTILINE)
ALIGN_ELSEWHERE = {
    "seed",
    "fit",
    "cca",
    "network",
}  # the lake's, an option's, or tables of their own
ROOT_NAMED = re.compile(r"(\w+)=")


def blocks(name, language):
    """The fenced blocks of one language on a page."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[name], re.DOTALL | re.MULTILINE)


def all_errors(kind=MmindexError):
    """Our error classes, whichever module defines them."""
    assert computing_errors
    assert storage_errors
    assert orchestrator
    found = [kind]
    for child in kind.__subclasses__():
        if child.__module__.split(".")[0] in ("flows", "tasks", "mmcore", "storage"):
            found += all_errors(child)
    return found


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_documented(name):
    """The README or a page of docs names the command and each of its options."""
    command = COMMANDS[name]
    options = {o for p in command.params for o in p.opts if o.startswith("-")}

    assert f"mmindex {name}" in ENGLISH
    assert command.help
    assert [o for o in sorted(options) if not re.search(rf"{o}(?![\w-])", ENGLISH)] == []


@pytest.mark.parametrize("readme", READMES)
def test_every_exit_code_is_in_the_table(readme):
    """The README lists 0, each code of an error of ours, and that of an interruption."""
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", PAGES[readme], re.MULTILINE)}

    assert listed == {0, cli.INTERRUPTED} | {error.exit_code for error in all_errors()}


@pytest.mark.parametrize("readme", READMES)
@pytest.mark.parametrize("library", ["duckdb", "polars", "faiss"])
def test_the_readers_programs_run_in_a_lakes_folder(
    readme, library, tmp_path, monkeypatch, capsys
):
    """A program that reads a lake without mmindex finds what is live in it."""
    snapshot = small_lake(tmp_path / "湖", dead=("old",))
    monkeypatch.chdir(snapshot.layout.root)
    (program,) = [p for p in blocks(readme, "python") if f"import {library}" in p]
    assert not re.search(r"^(?:from|import) (?:flows|tasks|mmcore|storage)", program, re.MULTILINE)

    names = {}
    exec(program, names)

    printed = capsys.readouterr().out
    assert "狗" in printed
    assert "old" not in printed
    if library == "duckdb":
        assert "reason" in printed
    else:
        assert names["item_ids"][0, 0] == names["some_id"]
        assert names["scores"][0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize("readme", READMES)
def test_the_deployments_get_all_the_roots(readme):
    """`mmindex up` of a page names the folders that its other runs name."""
    (told,) = re.findall(r"mmindex up (photos=.*?) --lake ~/lake", PAGES[readme])
    config = IndexConfig(media=tuple(told.split()), lake="~/lake")

    assert [source.alias for source in config.sources()] == named_roots(readme)


@pytest.mark.parametrize("readme", READMES)
def test_every_run_of_the_lake_names_all_its_roots(readme):
    """Cron and `mmindex index` of one page name the same folders: a run that misses one stops."""
    calls = re.findall(r"mmindex index (photos=.*?) --lake ~/lake", PAGES[readme])

    assert len(calls) >= 3
    assert {tuple(ROOT_NAMED.findall(call)) for call in calls} == {tuple(named_roots(readme))}


def named_roots(readme):
    """The aliases that the page's first run into ~/lake names."""
    first = re.search(r"mmindex index (photos=.*?) --lake ~/lake", PAGES[readme])
    return ROOT_NAMED.findall(first[1])


def test_the_flow_can_be_served():
    """`serve` sends the flow to another process by value: there it still knows its config."""
    import cloudpickle

    from flows.index_media import index_media

    sent = cloudpickle.loads(cloudpickle.dumps(index_media))

    found = sent.validate_parameters({"config": {"media": ["photos"], "lake": "lake"}})
    assert found["config"].lake == "lake"


@pytest.mark.parametrize("language", ["sh", "python", "csv"])
def test_both_readmes_have_the_same_commands(language):
    """Shell, Python and CSV blocks are equal but for comments, in the same order."""
    english, chinese = (
        [re.sub(r"[ \t]*(?<!\S)#.*", "", block) for block in blocks(name, language)]
        for name in READMES
    )

    assert english
    assert english == chinese


def test_every_language_suffix_is_documented():
    """docs/media.md lists exactly the suffixes that are known."""
    rows = dict(LANGUAGE_ROW.findall(PAGES["docs/media.md"]))

    listed = {language: set(re.findall(r"`([\w-]+)`", cells)) for language, cells in rows.items()}
    assert listed == {language: set(names) for language, names in LANGUAGES.items()}


def test_numbered_names_on_the_pages_are_numbers():
    """What the pages show as a number is one; `rocket1.jpg`, which they call a stem, is none."""
    rows = [
        row
        for readme in READMES
        for row in re.findall(r"^\|.*`--grouping number` \|$", PAGES[readme], re.MULTILINE)
    ]
    (bullet,) = re.findall(
        r"^- \*\*number\*\*.*?^- ", PAGES["docs/media.md"], re.MULTILINE | re.DOTALL
    )
    shown = re.findall(r"`(\w+[ _-]?\d+(?:\.\w+)?)`", "\n".join([*rows, bullet]))

    assert len(rows) == len(READMES)
    assert len(shown) > len(LANGUAGES)
    assert [name for name in shown if number_in(name) is None] == ["rocket1.jpg"]
    assert all("`rocket1.jpg`" in PAGES[readme] for readme in READMES)


def number_in(name):
    """What the grouping `number` makes of a text of that name."""
    return groupings.get("number")(
        MediaFile("media", name, "0" * 32, Modality.TEXT, "text/plain", 1, 0)
    )


def test_junk_is_documented():
    """docs/media.md names all that is never looked at."""
    assert [name for name in JUNK if f"`{name}`" not in PAGES["docs/media.md"]] == []


def test_presets_and_plug_ins_are_documented():
    """Every preset, every encoder of one, and every grouping has a place on a page."""
    named = presets.names()
    used = {name for one in named for name in presets.get(one).encoders}

    assert used <= set(encoders.names())
    assert [n for n in (*named, *used) if f"`{n}`" not in PAGES["docs/encoders.md"]] == []
    assert [n for n in groupings.names() if f"`{n}`" not in PAGES["docs/media.md"]] == []
    assert "mean" in fusions.names()
    assert "the mean of their modalities" in PAGES["docs/commands.md"]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_links_lead_somewhere(name):
    """Each relative link of a page is a file of the repository."""
    links = re.findall(r"\]\(([^)#\s]+)", PAGES[name])
    broken = [
        link
        for link in links
        if not link.startswith("http") and not ((ROOT / name).parent / link).exists()
    ]

    assert broken == []


def test_the_page_of_settings_is_what_the_specs_say():
    """It is written by docs/make_settings.py: run that again after a change of the specs."""
    place = importlib.util.spec_from_file_location("make_settings", ROOT / "docs/make_settings.py")
    made = importlib.util.module_from_spec(place)
    place.loader.exec_module(made)

    assert PAGES["docs/settings.md"] == made.page()


def test_every_setting_of_a_training_is_on_the_page_of_settings():
    """Also those that lie deeper; not those that something else decides, and none twice."""
    below = PAGES["docs/settings.md"].partition("# Settings of `mmindex train`")[2]
    found = {
        f"{section}.{name}"
        for section, rows in re.findall(r"^## ([\w.]+)\n(.*?)(?=^## |\Z)", below, re.M | re.S)
        for name in re.findall(r"^\| `(\w+)` \|", rows, re.M)
    }

    assert found == {
        *(f"align.{name}" for name in AlignSpec.model_fields if name not in ALIGN_ELSEWHERE),
        *(f"align.cca.{name}" for name in CcaSpec.model_fields),
        *(f"align.network.{name}" for name in NetworkSpec.model_fields),
        *(f"fusing.{name}" for name in FusionFitSpec.model_fields if name != "seed"),
        *(f"verdict.{name}" for name in VerdictSpec.model_fields),
    }
