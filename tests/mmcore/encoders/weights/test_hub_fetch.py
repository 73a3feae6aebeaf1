"""Fetching from a hub, against a server that speaks its HTTP API."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save

from mmcore.encoders.weights import hashes
from mmcore.encoders.weights.arriving import arriving
from mmcore.encoders.weights.cards import CARD, read_card
from mmcore.encoders.weights.hub_fetch import fetch_hub
from mmcore.encoders.weights.wanted import Wanted
from mmcore.errors import ConfigError, UnreachableError, UnsafeWeightsError
from tests.hubs import Repository, hub, sha256

REVISION = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = save({"weight": torch.arange(6.0)})
FILES = {
    "config.json": b'{"model_type": "siglip"}',
    "tokenizer.json": b"{}",
    "model.safetensors": WEIGHTS,
    "README.md": b"---\nlicense: apache-2.0\n---\n# A model\n",
    "LICENSE": b"Apache",
    "modeling_custom.py": b"raise SystemExit('remote code')",
    "pytorch_model.bin": b"a pickle",
    "flax_model.msgpack": b"flax",
    "onnx/model.safetensors": b"another",
}
KEPT = {"config.json", "tokenizer.json", "model.safetensors", "README.md", "LICENSE"}


@pytest.fixture
def server(monkeypatch):
    """A hub with one repository, which HF_ENDPOINT names."""
    with hub() as found:
        card = {"license": "apache-2.0"}
        found.repositories["owner/model"] = Repository(REVISION, dict(FILES), card)
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        monkeypatch.setenv("NO_PROXY", "*")
        yield found


@pytest.fixture
def wanted(tmp_path):
    """The repository, as a person names it."""
    return wanted_in(tmp_path)


def wanted_in(folder, **fields):
    """The repository, to be put below ``folder``."""
    told = {"preset": "p", "id": "owner/model", "source": "hub", "revision": ""}
    return Wanted(**{**told, "target": folder / "owner" / "model", **fields})


def names(folder):
    """All files below a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_weights_and_what_decides_arrive_and_no_code(server, wanted):
    """Safetensors, configuration, licence and README come; code, pickles and others do not."""
    found = fetch_hub(wanted)

    assert found.new
    assert names(found.path) == KEPT | {CARD}
    assert load_file(found.path / "model.safetensors")["weight"].tolist() == [0, 1, 2, 3, 4, 5]
    assert not any(".py" in asked for asked in server.asked)


def test_the_card_says_what_was_fetched(server, wanted):
    """It has the revision that main was at, licence, source, and each file's size and hash."""
    card = fetch_hub(wanted).card

    assert card == read_card(wanted.target)
    assert (card.id, card.revision, card.licence) == ("owner/model", REVISION, "apache-2.0")
    assert card.source == f"{server.url}/owner/model"
    assert set(card.files) == KEPT
    assert card.files["model.safetensors"].bytes == len(WEIGHTS)
    assert card.files["model.safetensors"].sha256 == sha256(WEIGHTS)


def test_a_large_file_that_was_fetched_is_not_read_again(server, wanted, tmp_path, monkeypatch):
    """Its hash is kept for the place where it lies then: the list of encoders is quick."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    large = save({"weight": torch.zeros(500_000)})
    server.repositories["owner/model"].files["model.safetensors"] = large
    found = fetch_hub(wanted)
    monkeypatch.setattr(hashes, "read_hash", lambda path: pytest.fail(f"{path} was read"))

    assert hashes.sha256_of(found.path / "model.safetensors") == sha256(large)


def test_a_licence_that_says_nothing_is_the_releases(server, tmp_path):
    """A card that calls it "other", without a name, hides no release's licence."""
    server.repositories["owner/model"].card = {"license": "other"}

    with pytest.raises(ConfigError, match=r"cc-by-nc-4\.0"):
        fetch_hub(wanted_in(tmp_path, licence="cc-by-nc-4.0"))


def test_what_is_there_is_not_fetched_again(server, wanted):
    """A second call asks the server nothing."""
    fetch_hub(wanted)
    asked = len(server.asked)

    again = fetch_hub(wanted)

    assert not again.new
    assert again.card.revision == REVISION
    assert len(server.asked) == asked


def test_a_folder_copied_by_hand_is_left_alone(server, wanted):
    """Weights without a card are somebody's own: they are there."""
    wanted.target.mkdir(parents=True)
    (wanted.target / "config.json").write_text("{}")

    found = fetch_hub(wanted)

    assert (found.new, found.card) == (False, None)
    assert server.asked == []


def test_another_revision_is_not_put_over_the_first(server, tmp_path, wanted):
    """A folder that holds another revision is named, and stays as it is."""
    fetch_hub(wanted)

    with pytest.raises(ConfigError, match=f"holds owner/model at {REVISION}"):
        fetch_hub(wanted_in(tmp_path, revision="f" * 40))


def test_an_interrupted_fetch_goes_on(server, wanted, monkeypatch):
    """Of a fetch that was cut off nothing looks whole, and what had arrived is not sent again."""
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    repository = server.repositories["owner/model"]
    repository.cut["model.safetensors"] = 20

    with pytest.raises(UnreachableError, match="goes on"):
        fetch_hub(wanted)

    assert not wanted.target.exists()
    partial = wanted.target.with_name("model.partial")
    assert (partial / "tokenizer.json").is_file()
    repository.cut.clear()
    before = server.sent["owner/model/tokenizer.json"]

    found = fetch_hub(wanted)

    assert names(found.path) == KEPT | {CARD}
    assert not partial.exists()
    assert server.sent["owner/model/tokenizer.json"] == before


def test_a_file_that_is_not_what_is_pinned_is_refused(server, tmp_path):
    """Nothing looks whole then, and the file is gone: the next call brings it again."""
    wanted = wanted_in(tmp_path, sha256={"model.safetensors": "0" * 64})

    with pytest.raises(UnsafeWeightsError, match=f"sha256 is {sha256(WEIGHTS)}"):
        fetch_hub(wanted)

    assert not wanted.target.exists()
    assert not (tmp_path / "owner" / "model.partial" / "model.safetensors").exists()


def test_a_file_that_is_not_what_the_hub_says_is_refused(server, wanted):
    """The hub's own hash of a large file is checked where none is pinned."""
    server.repositories["owner/model"].told["model.safetensors"] = "1" * 64

    with pytest.raises(UnsafeWeightsError):
        fetch_hub(wanted)

    assert not wanted.target.exists()


def test_a_pinned_pickle_is_fetched_where_there_are_no_safetensors(server, tmp_path):
    """A pickle whose hash the preset pins comes; with safetensors beside it, it does not."""
    pins = {"pytorch_model.bin": sha256(b"a pickle")}
    assert "pytorch_model.bin" not in names(fetch_hub(wanted_in(tmp_path, sha256=pins)).path)
    del server.repositories["owner/model"].files["model.safetensors"]
    del server.repositories["owner/model"].files["onnx/model.safetensors"]

    found = fetch_hub(wanted_in(tmp_path / "other", sha256=pins))

    assert "pytorch_model.bin" in names(found.path)


def test_a_pickle_that_nobody_pins_is_refused_or_made_safe(server, tmp_path):
    """With --trust-pickle it is opened once, as tensors only, and safetensors stay."""
    torch.save({"weight": torch.ones(3)}, tmp_path / "w.bin")
    repository = server.repositories["owner/model"]
    repository.files["pytorch_model.bin"] = (tmp_path / "w.bin").read_bytes()
    del repository.files["model.safetensors"]
    with pytest.raises(UnsafeWeightsError, match="--trust-pickle"):
        fetch_hub(wanted_in(tmp_path))

    found = fetch_hub(wanted_in(tmp_path, trusted=True))

    assert names(found.path) == KEPT | {CARD}
    assert load_file(found.path / "model.safetensors")["weight"].tolist() == [1, 1, 1]
    assert (
        found.card.converted
        == f"pytorch_model.bin {sha256(repository.files['pytorch_model.bin'])}"
    )


def test_all_parts_of_a_large_model_arrive(server, wanted):
    """Where weights are cut into files, their index comes with them."""
    repository = server.repositories["owner/model"]
    del repository.files["model.safetensors"]
    parts = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    index = json.dumps({"weight_map": {"a": parts[0], "b": parts[1]}}).encode()
    repository.files |= {**dict.fromkeys(parts, WEIGHTS), "model.safetensors.index.json": index}

    assert {*parts, "model.safetensors.index.json"} <= names(fetch_hub(wanted).path)


@pytest.mark.parametrize(
    "licence",
    [
        {"license": "cc-by-nc-4.0"},
        {"license": "other", "license_name": "apple-amlr"},
        {"license": ["mit", "cc-by-nc-4.0"]},
        {"license": "cc-by-nc-4.0", "license_name": "our-own"},
    ],
)
def test_noncommercial_weights_have_to_be_accepted(server, tmp_path, licence):
    """Without --noncommercial nothing is fetched."""
    server.repositories["owner/model"].card = licence
    with pytest.raises(ConfigError, match="--noncommercial"):
        fetch_hub(wanted_in(tmp_path))
    assert not (tmp_path / "owner").exists()

    assert fetch_hub(wanted_in(tmp_path, noncommercial=True)).new


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"id": "owner/none"}, "no such repository"),
        ({"revision": "e" * 40}, "no such revision"),
        ({"id": "model"}, "OWNER/NAME"),
    ],
)
def test_what_is_not_on_the_hub_is_said(server, tmp_path, change, says):
    """A wrong id or revision is an error of settings: one line."""
    with pytest.raises(ConfigError, match=says):
        fetch_hub(wanted_in(tmp_path, **change))


def test_terms_that_were_not_accepted_are_said(server, wanted):
    """A gated repository names its page and how to log in."""
    server.repositories["owner/model"].gated = True

    with pytest.raises(ConfigError, match="hf auth login"):
        fetch_hub(wanted)


def test_a_hub_that_cannot_be_reached_is_one_line(tmp_path, monkeypatch):
    """It says what to do: a mirror, or a copy by hand."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(UnreachableError, match=r"HF_ENDPOINT=https.*by hand") as caught:
        fetch_hub(wanted_in(tmp_path))

    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 5


def test_two_cannot_fetch_one_model_at_once(server, wanted):
    """The second is told, and the first goes on."""
    with arriving(wanted.target), pytest.raises(ConfigError, match="another process"):
        fetch_hub(wanted)
