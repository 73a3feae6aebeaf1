"""`mmindex encoders …`, as people run it."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import typer.main
from safetensors.torch import load_file, save

from flows import cli
from mmcore.encoders.weights.cards import CARD
from mmcore.encoders.weights.server_fetch import MIRROR
from tests.commands import command_line
from tests.hubs import Repository, hub, sha256

E5 = "intfloat/multilingual-e5-small"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run a command line; weights of this machine's user are not looked at."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("MMINDEX_WEIGHTS", raising=False)
    return command_line(monkeypatch, capsys)


@pytest.fixture
def server(monkeypatch):
    """A hub and a library's server in one."""
    with hub() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.setenv(MIRROR, found.url)
        yield found


def test_the_list_names_presets_and_what_to_do(run, tmp_path):
    """On a terminal, in both languages, and for programs."""
    told = run("encoders", "--lang", "en", "--weights", tmp_path)
    assert told.code == 0
    assert "● embedded" in told.out
    assert "mmindex encoders fetch e5" in told.out
    assert str(tmp_path) in told.out

    chinese = run("encoders", "list", "--lang", "zh")
    assert "权重" in chinese.out
    assert "图片" in chinese.out

    found = json.loads(run("encoders", "--json", "--weights", tmp_path).out)
    assert found["weights"] == str(tmp_path)
    by_name = {one["name"]: one for one in found["presets"]}
    assert by_name["embedded"]["ready"]
    assert by_name["e5"]["weights"][0]["id"] == E5
    assert by_name["e5"]["todo"] == "mmindex encoders fetch e5"


def test_weights_are_fetched_by_the_name_of_a_preset(run, server, tmp_path, monkeypatch):
    """A known release comes from its repository, at its pinned revision, and is listed as here."""
    from mmcore.encoders.families import e5

    (release, *_) = e5.PRESET.releases
    revision = release.revision or "d" * 40
    weights = save({"w": torch.ones(2)})
    for name in release.sha256:
        monkeypatch.setitem(release.sha256, name, sha256(weights))
    files = {"config.json": b"{}", "model.safetensors": weights}
    server.repositories[release.id] = Repository(revision, files, {"license": "mit"})

    told = run("encoders", "fetch", "e5", "--to", tmp_path / "w")

    assert told.code == 0, told.err
    assert f"{release.id} at {revision}, 2 files" in told.out
    assert f"mmindex index … --preset e5 --weights {tmp_path / 'w'}" in told.out
    listed = json.loads(run("encoders", "--json", "--weights", tmp_path / "w").out)
    (line,) = [one for one in listed["presets"] if one["name"] == "e5"]
    assert line["weights"][0]["path"] == str(tmp_path / "w" / release.id)
    again = json.loads(run("encoders", "fetch", "e5", "--to", tmp_path / "w", "--json").out)
    assert again[0]["status"] == "there"
    assert again[0]["card"]["revision"] == revision


def test_weights_of_torchvision_are_fetched_by_name(run, server, tmp_path):
    """The table has file and hash, so that another file is refused."""
    from mmcore.encoders.families.backbone_facts import release_of

    (name,) = release_of("resnet50").sha256
    server.plain[f"/models/{name}"] = b"not what was published"

    told = run("encoders", "fetch", "torchvision:resnet50", "--to", tmp_path)

    assert told.code == 2
    assert "cut off, or is another file" in told.err
    assert not (tmp_path / "torchvision" / "resnet50").exists()
    assert server.sent[f"/models/{name}"] == 1


def test_weights_of_torchaudio_are_made_safe(run, server, tmp_path):
    """Nobody publishes their hashes: a person says that the server is trusted."""
    torch.save({"w": torch.ones(2)}, tmp_path / "w")
    path = "/torchaudio/models/wav2vec2_fairseq_base_ls960.pth"
    server.plain[path] = (tmp_path / "w").read_bytes()
    refused = run("encoders", "fetch", "wav2vec2", "--to", tmp_path)
    assert (refused.code, "--trust-pickle" in refused.err) == (2, True)

    told = run("encoders", "fetch", "wav2vec2", "--to", tmp_path, "--trust-pickle")

    assert told.code == 0, told.err
    place = tmp_path / "torchaudio" / "wav2vec2_base"
    assert {path.name for path in place.iterdir()} == {"model.safetensors", "config.json", CARD}
    assert json.loads((place / "config.json").read_text()) == {"architecture": "WAV2VEC2_BASE"}


@pytest.mark.parametrize(
    ("preset", "code", "says"),
    [
        ("none", 2, "known: "),
        ("torchvision:resnet5", 2, "did you mean resnet50"),
        ("wav2vec2:wav2vec", 2, "torchaudio has no model 'wav2vec'"),
        ("torchvision", 2, "name some, torchvision:MODEL"),
        ("glove", 2, "has no usual weights: name some, glove:"),
        ("siglip2:", 2, "name an id behind the colon"),
        ("siglip2:.", 2, "is a path"),
        ("siglip2:owner/none", 2, "no such repository"),
        ("siglip2:../../etc", 2, "is a path"),
        ("siglip2:a/../../../b", 2, "is no id of weights"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(run, server, tmp_path, preset, code, says):
    """Exit code and sentence."""
    told = run("encoders", "fetch", preset, "--to", tmp_path)

    assert (told.code, told.err.count("\n")) == (code, 1)
    assert says in told.err


def test_without_a_network_it_says_what_to_do(run, monkeypatch, tmp_path):
    """Exit code 5: the source is not there."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    told = run("encoders", "fetch", "siglip2", "--to", tmp_path)

    assert (told.code, told.err.count("\n")) == (5, 1)
    assert "HF_ENDPOINT=https" in told.err


def test_a_preset_that_needs_none_says_so(run):
    """Exit code 0: there is nothing to do."""
    told = run("encoders", "fetch", "embedded")

    assert told.code == 0
    assert "needs no weights" in told.out


def test_a_pickle_is_converted(run, tmp_path):
    """What was read and written is told, with the hash of what was read."""
    torch.save({"w": torch.ones(2)}, tmp_path / "w.bin")

    told = run("encoders", "convert", tmp_path / "w.bin", "--to", tmp_path / "m.safetensors")

    assert told.code == 0
    assert sha256((tmp_path / "w.bin").read_bytes()) in told.out
    assert load_file(tmp_path / "m.safetensors")["w"].tolist() == [1, 1]
    again = run("encoders", "convert", tmp_path / "w.bin", "--to", tmp_path / "m.safetensors")
    assert (again.code, "--force" in again.err) == (2, True)
    forced = run(
        "encoders",
        "convert",
        tmp_path / "w.bin",
        "--to",
        tmp_path / "m.safetensors",
        "--force",
        "--json",
    )
    assert json.loads(forced.out)["tensors"] == 1


def test_each_command_and_its_options_are_documented():
    """docs/commands.md has a section for each, and names its options there."""
    page = (Path(__file__).parents[4] / "docs" / "commands.md").read_text("utf-8")
    group = typer.main.get_command(cli.app).commands["encoders"]
    for name, command in group.commands.items():
        place = "## mmindex encoders" + ("" if name == "list" else f" {name} ")
        section = page.partition(place)[2].partition("\n## ")[0]
        options = {one for param in command.params for one in param.opts if one[:1] == "-"}
        common = {"--json", "-h", "--help"}
        assert section, name
        assert command.help
        assert [one for one in sorted(options - common) if f"`{one}" not in section] == []


def test_each_setting_of_a_training_is_documented():
    """docs/commands.md names the settings of each kind, with their usual values."""
    from mmcore.training import recurrent, words

    page = (Path(__file__).parents[4] / "docs" / "commands.md").read_text("utf-8")
    section = page.partition("## mmindex encoders train")[2].partition("\n## ")[0]
    usual = {name: field.default for name, field in recurrent.RecurrentSpec.model_fields.items()}
    usual = {f"{name}={value}" for name, value in usual.items() if isinstance(value, int | float)}
    kinds = inspect.signature(words.train).parameters.values()
    usual |= {f"{one.name}={one.default}" for one in kinds if isinstance(one.default, int)}

    assert len(usual) > 10
    assert [one for one in sorted(usual) if f"`{one.removesuffix('.0')}`" not in section] == []


def test_the_list_is_quick_and_loads_no_torch():
    """`mmindex encoders` in a process of its own."""
    program = (
        "import sys; sys.argv = ['mmindex', 'encoders', '--json']\n"
        "from flows import cli\n"
        "try:\n cli.main()\n"
        "finally:\n"
        " heavy = ('torch', 'faiss', 'prefect', 'transformers')\n"
        " print([one for one in heavy if one in sys.modules], file=sys.stderr)"
    )
    command = [sys.executable, "-c", program]

    answer = subprocess.run(command, capture_output=True, text=True, check=True)

    assert answer.stderr.strip() == "[]"
    assert json.loads(answer.stdout)["presets"]
