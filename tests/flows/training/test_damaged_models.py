"""Damaged models of a lake: none is put into service, and what is lost is said."""

import logging
from pathlib import Path

import pytest

from flows.commands.forget.words import WORDS
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.maintenance import mending
from storage.published import current
from tests import learning
from tests.learning import promote, serving, train


@pytest.fixture
def lake(taught_lake):
    """The lake that is damaged."""
    return taught_lake


def flip(path):
    """Turn one bit around; the size stays."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()
    path.write_bytes(content)


def cut(path):
    """Lose the last byte."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1])


@pytest.mark.parametrize("model", [None, "projection/p1"], ids=["rollback", "promote"])
@pytest.mark.parametrize("damage", [flip, cut])
def test_a_damaged_projection_is_not_put_into_service(lake, model, damage):
    """Neither by `rollback` nor by `promote --force`: exit code 7, and what serves serves on."""
    path = lake / "models" / "projection" / "p1" / "projection.safetensors"
    damage(path)

    with pytest.raises(CorruptLakeError, match="mmindex train") as caught:
        promote(lake, model, force=model is not None)

    assert (caught.value.path, caught.value.exit_code) == (path, 7)
    assert current(Layout(lake)) == 2


@pytest.mark.parametrize("damage", [flip, cut])
def test_a_damaged_fusion_is_not_put_into_service(lake, damage):
    """Nor one that comes with its projection, or by a rollback."""
    promote(lake, None)
    path = lake / "models" / "fusion" / "f1" / "fusion.safetensors"
    damage(path)

    for model in (None, "projection/p2"):
        with pytest.raises(CorruptLakeError, match="mmindex train") as caught:
            promote(lake, model, force=model is not None)
        assert caught.value.path == path
    assert current(Layout(lake)) == 3
    serving(lake)


def test_what_was_never_published_is_compared_with_what_was_stored(taught, tmp_path, index):
    """No manifest names it: hashes lie beside it."""
    lake = learning.copied(taught, tmp_path / "lake")
    train(lake, promote=False)
    flip(lake / "models" / "projection" / "p2" / "projection.safetensors")

    with pytest.raises(CorruptLakeError, match="another checksum"):
        promote(lake, "projection/p2", force=True)


@pytest.mark.parametrize("model", [None, "projection/p1"], ids=["rollback", "promote"])
@pytest.mark.parametrize("damage", [flip, cut, lambda path: path.unlink()])
def test_a_damaged_fusion_that_serves_blocks_no_sound_one(lake, model, damage):
    """Only the files of what shall serve are read."""
    damage(lake / "models" / "fusion" / "f1" / "fusion.safetensors")

    done = promote(lake, model, force=model is not None)

    assert (done.status, done.projection, done.fusion) == ("promoted", "p1", "mean")
    serving(lake)


def test_other_damage_blocks_a_promotion(lake):
    """Vectors that are missing cannot be searched, whatever serves."""
    next((lake / "embeddings").rglob("*.parquet")).unlink()

    with pytest.raises(CorruptLakeError, match="from the media"):
        promote(lake, None)


def test_a_rollback_does_not_say_that_anybody_told_it(lake, caplog):
    """What served before may be worse: it says why it serves all the same."""
    with caplog.at_level(logging.WARNING):
        promote(lake, None)

    assert "since it served before" in caplog.text
    assert "as told" not in caplog.text


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("fusion/f1", "items get their mean"),
        ("projection/p2", "a plain projection is fitted anew"),
    ],
)
def test_a_trained_model_that_is_lost_is_said_once(taught, lake, index, caplog, name, instead):
    """After `verify --set-aside`, `mmindex index` says what serves now, and what to do."""
    path = next((lake / "models" / name).glob("*.safetensors"))
    flip(path)
    assert mending.set_aside(Layout(lake), path) == [f"models/{name}/{path.name}"]

    with caplog.at_level(logging.WARNING):
        index(taught / "media", lake)

    told = [text for text in caplog.messages if f"{name} was trained, and is lost" in text]
    assert len(told) == 1
    assert instead in told[0]
    assert "mmindex train" in told[0]
    assert serving(lake).manifest.fusion.name == "mean"


@pytest.mark.parametrize("model", ["projection/p2", "fusion/f1"])
@pytest.mark.parametrize("file", ["card.md", "training.json"])
def test_a_run_that_meets_an_edited_card_keeps_the_model(taught, lake, index, caplog, model, file):
    """The card alone is set aside; nothing is lost, and the next snapshot is whole."""
    path = lake / "models" / model / file
    cut(path)

    with caplog.at_level(logging.WARNING):
        result = index(taught / "media", lake)

    assert result.set_aside == (f"models/{model}/{file}",)
    assert path.with_name(f"{file}.damaged").exists()
    assert "is lost" not in caplog.text
    manifest = serving(lake).manifest
    assert manifest.number == 3
    assert (manifest.projection.version, manifest.fusion.version) == ("p2", "f1")
    assert any(name.endswith(".safetensors") for name in manifest.paths(f"models/{model}"))


def test_forget_says_how_a_model_learns_anew():
    """By `mmindex train`; a new lake is only for those with too few pairs, as the page shows."""
    page = (Path(__file__).parents[3] / "docs" / "commands.md").read_text("utf-8")

    assert "`mmindex train` makes a new one" in WORDS["en"]["weights"]
    assert WORDS["en"]["weights"] in page
