"""`mmindex train` and `mmindex models` as commands: what they print, and their exit codes."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from rich.console import Console

from flows import cli
from flows.commands import running
from flows.commands.models.show import NOTHING, WORDS, listed
from storage.layout import Layout
from storage.models import every
from storage.published import current
from tests import learning, media
from tests.commands import plain_commands

PAGE = (Path(__file__).parents[4] / "docs" / "commands.md").read_text("utf-8")
COMMANDS = typer.main.get_command(cli.app).commands
QUICK = ("--method", "ridge", "--fusion", "mean")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder and its lake of one snapshot."""
    return learning.make(tmp_path_factory.mktemp("models"))


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …` over encoders that know eight words."""
    answer = plain_commands(monkeypatch, capsys)
    learning.indexer(monkeypatch)
    return answer


@pytest.fixture
def lake(made, tmp_path, run):
    """A lake to be trained on."""
    return learning.copied(made, tmp_path / "lake")


def test_a_training_is_told_in_both_languages(run, lake, made, tmp_path):
    """What was learned from, what won, how it compares, and where its report is."""
    english = run("train", "--lake", lake, *QUICK)
    other = learning.copied(made, tmp_path / "other")
    chinese = run("train", "--lake", other, *QUICK, "--lang", "zh")

    assert (english.code, chinese.code) == (0, 0)
    for said in ("promoted projection/p2", "snapshot 2 serves", "mean RR", "text:en→image"):
        assert said in english.out
    for said in ("已启用 projection/p2", "留出集", "胜出", "reports/training/p2/report.html"):
        assert said in chinese.out


def test_what_is_not_better_ends_with_code_3(run, lake, monkeypatch):
    """For `train` and `promote`, in words and in JSON, which both say what serves and why."""
    assert run("train", "--lake", lake, *QUICK).code == 0
    learning.badly(monkeypatch)

    refused = run("train", "--lake", lake, *QUICK, "--json")
    again = run("models", "promote", "projection/p3", "--lake", lake, "--lang", "zh")
    stored = run("train", "--lake", lake, *QUICK, "--no-promote")

    told = json.loads(refused.out)
    assert (refused.code, told["status"], told["snapshot"]) == (3, "refused", 2)
    assert (again.code, current(Layout(lake))) == (3, 2)
    assert "正在使用的更好" in again.out
    assert stored.code == 0
    assert "mmindex models promote projection/p3" in stored.out


def test_models_are_listed_with_what_became_of_them(run, lake, monkeypatch):
    """A star for what serves, scores, licences, and the reasons of what was refused."""
    run("train", "--lake", lake, *QUICK)
    learning.badly(monkeypatch)
    run("train", "--lake", lake, *QUICK)

    english = run("models", "list", "--lake", lake, "--lang", "en").out
    chinese = run("models", "list", "--lake", lake, "--lang", "zh").out
    told = json.loads(run("models", "list", "--lake", lake, "--json").out)

    assert re.search(r"\* +projection/p2 .* trained .* serves .* CC0-1.0", english)
    assert "projection/p3: what serves is better" in english
    assert re.search(r"\* +projection/p2 .* 使用中", chinese)
    assert "projection/p3：正在使用的更好" in chinese
    assert (told["projection"], told["fusion"]["name"]) == ("p2", "mean")
    states = {line["model"]: line["state"] for line in told["models"]}
    assert states == {
        "projection/p1": "served",
        "projection/p2": "serves",
        "projection/p3": "refused",
        "fusion/mean": "serves",
    }
    assert re.search(r"\* +fusion/mean .* built in .* serves", english)


def test_a_rollback_is_one_command(run, lake):
    """It says what serves now."""
    run("train", "--lake", lake, *QUICK)

    answer = run("models", "rollback", "--lake", lake)
    back = run("models", "rollback", "--lake", lake, "--lang", "zh")

    assert (answer.code, back.code) == (0, 0)
    assert "back to projection/p1, fusion/mean: snapshot 3 serves" in answer.out
    assert "已恢复 projection/p2、fusion/mean" in back.out
    assert "promoted" not in answer.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["models", "promote", "projection/p9"], "projection/p1"),
        (["models", "rollback"], "no kept snapshot before 1"),
        (["train", "--method", "magic"], "align.method"),
        (["train", "--fusion", "magic"], "no fusion named 'magic'"),
        (["train", "--set", "align.fold=3"], "did you mean align.folds?"),
        (["train", "--force", "--no-promote"], "say one of them"),
        (["train", "--set", "align.seed=3"], "use --seed"),
        (["train", "--set", "fusing.seed=3"], "use --seed"),
        (["train", "--set", 'align.fit={"min_pairs": 2}'], "use `mmindex index --set fit"),
        (["train", "--set", "verdict.max_forgotten=2"], "verdict.max_forgotten"),
        (["train", "--set", "align.cca=3"], """--set 'align.cca={"dims": [128]}'"""),
        (["train", "--set", "fusing.heads=3"], "fusing.heads"),
        (["models", "promote", "fusion/weighted"], "fusion/weighted,text=2"),
        (["models", "promote", "fusion/magic"], "fusion/mean"),
        (["train", "--set", "fusing.width=30"], "fusing.heads: "),
    ],
)
def test_what_cannot_be_is_one_line_and_code_2(run, lake, arguments, says):
    """Before anything is stored or published."""
    answer = run(*arguments, "--lake", lake)

    assert answer.code == 2
    assert answer.err.startswith("mmindex: ")
    assert says in answer.err
    assert every(Layout(lake)) == ["projection/p1"]


@pytest.mark.parametrize(
    "arguments", [["--fusion", "magic"], ["--force", "--no-promote"], ["--method", "magic"]]
)
def test_a_training_that_cannot_be_waits_for_no_server(run, lake, monkeypatch, arguments):
    """It is refused before one is started."""
    started = []
    monkeypatch.setattr(running, "watching", lambda *_, **__: started.append(1))

    assert run("train", "--lake", lake, *arguments).code == 2
    assert not started


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["models", "rollback"], "no kept snapshot before 1"),
        (["models", "rollback", "--lang", "zh"], "快照 1 之前"),
        (["models", "promote", "projection/p9"], "projection/p1"),
    ],
)
def test_what_cannot_serve_waits_for_no_server(run, lake, monkeypatch, command, says):
    """It is refused before one is started, in the language that was asked for."""
    started = []
    monkeypatch.setattr(running, "watching", lambda *_, **__: started.append(1))

    answer = run(*command, "--lake", lake)

    assert (answer.code, started) == (2, [])
    assert says in answer.err


@pytest.mark.parametrize("language", ["en", "zh"])
def test_texts_alone_are_refused_before_a_server_is_started(run, tmp_path, monkeypatch, language):
    """There is nothing to learn from, and the manifest says so."""
    media.text(tmp_path / "media" / "a.txt", "A red thing.")
    index = learning.indexer(monkeypatch)
    index(tmp_path / "media", tmp_path / "lake")
    started = []
    monkeypatch.setattr(running, "watching", lambda *_, **__: started.append(1))

    answer = run("train", "--lake", tmp_path / "lake", "--lang", language)

    assert (answer.code, started) == (2, [])
    assert {"en": "has texts alone", "zh": "只有文本"}[language] in answer.err


def test_a_narrow_terminal_breaks_no_word(run, lake):
    """Where the table does not fit, each model has lines of its own; where it does, a row."""
    run("train", "--lake", lake, *QUICK)
    told = json.loads(run("models", "list", "--lake", lake, "--json").out)

    for language in ("en", "zh"):
        narrow, wide = (
            Console(file=io.StringIO(), width=60),
            Console(file=io.StringIO(), width=200),
        )
        for out in (narrow, wide):
            listed(out, told, language)
        words = set(wide.file.getvalue().split()) - {
            NOTHING,
            WORDS[language]["columns"].split(",")[0],
        }
        assert words <= set(narrow.file.getvalue().split())
        assert max(map(len, narrow.file.getvalue().splitlines())) <= 60
        assert "projection/p2\n" in narrow.file.getvalue()


def test_a_time_is_that_of_the_making_not_of_a_copy(run, lake):
    """Files of a lake that was copied are younger than the snapshot that named them first."""
    for path in lake.glob("models/projection/p1/*"):
        os.utime(path, (4_000_000_000, 4_000_000_000))

    told = json.loads(run("models", "list", "--lake", lake, "--json").out)

    line = next(line for line in told["models"] if line["model"] == "projection/p1")
    assert line["when"] < "2090"


def test_no_line_ends_with_blanks(run, lake):
    """What goes into a file has no more than it says."""
    answer = run("train", "--lake", lake, *QUICK)

    assert [line for line in answer.out.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize("command", [["train"], ["models", "list"], ["models", "rollback"]])
def test_a_folder_without_a_lake_is_said_at_once(run, tmp_path, command):
    """And is not made."""
    answer = run(*command, "--lake", tmp_path / "none")

    assert answer.code == 2
    assert "mmindex index MEDIA_DIR" in answer.err
    assert not (tmp_path / "none").exists()


def test_both_languages_say_the_same():
    """The same words with the same fields."""
    fields = [{n: set(re.findall(r"{(\w+)", text)) for n, text in WORDS[w].items()} for w in WORDS]

    assert fields[0] == fields[1]
    columns = {len(words["columns"].split(",")) for words in WORDS.values()}
    assert len(columns) == 1


@pytest.mark.parametrize("name", ["list", "promote", "rollback"])
def test_every_command_of_models_and_its_options_are_documented(name):
    """docs/commands.md names them."""
    command = COMMANDS["models"].commands[name]
    options = {o for p in command.params for o in p.opts if o.startswith("-")}

    assert f"mmindex models {name}" in PAGE
    assert [o for o in sorted(options) if o not in PAGE] == []


def test_help_loads_neither_torch_nor_prefect():
    """Nor does the list of models."""
    program = (
        "import sys, flows.cli, flows.commands.models.command, flows.commands.models.show; "
        "print([m for m in ('torch', 'prefect') if m in sys.modules])"
    )

    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert answer.stdout.strip() == b"[]"
