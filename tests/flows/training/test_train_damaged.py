"""`mmindex train` on a lake whose serving model is damaged: it makes another one."""

import logging
import shutil
from io import StringIO

import pytest
from rich.console import Console

from flows.commands.models.show import trained
from storage import candidates, models
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.published import current
from tests import learning
from tests.flows.training.test_damaged_models import cut, flip
from tests.learning import LEARNED, promote, serving, train


@pytest.fixture
def lake(taught_lake):
    """The lake that is damaged."""
    return taught_lake


def lose(path):
    """The whole folder of a model."""
    shutil.rmtree(path.parent)


PROJECTION = "projection/p2/projection.safetensors"
FUSION = "fusion/f1/fusion.safetensors"


def edit(path):
    """A line of somebody's own."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content + b"\nMine.\n")


@pytest.mark.parametrize("damage", [flip, edit, lambda path: path.unlink()])
@pytest.mark.parametrize("file", ["card.md", "training.json"])
def test_what_only_tells_of_a_model_excuses_no_worse_one(lake, damage, file, monkeypatch, caplog):
    """The projection that serves opens without it, and is compared with; the file is said once."""
    name = f"models/projection/p2/{file}"
    damage(lake / name)
    learning.badly(monkeypatch)

    with caplog.at_level(logging.WARNING):
        result = train(lake)

    assert (result.status, result.why, result.damaged) == ("refused", "worse", ())
    assert current(Layout(lake)) == 2
    (said,) = [text for text in caplog.messages if name in text]
    assert said.endswith("the next snapshot leaves it out")


@pytest.mark.parametrize("model", ["projection/p2", "fusion/f1"])
def test_a_snapshot_leaves_an_edited_card_out(lake, model):
    """A model that serves on does so without it; the edited file stays where it is."""
    card = lake / "models" / model / "card.md"
    edit(card)
    promote(lake, None)

    back = promote(lake, None)

    assert (back.status, back.projection, back.fusion) == ("promoted", "p2", "mlp f1")
    manifest = serving(lake).manifest
    assert (manifest.projection.version, manifest.fusion.version) == ("p2", "f1")
    named = manifest.paths(f"models/{model}")
    assert named
    assert f"models/{model}/card.md" not in named
    assert card.read_bytes().endswith(b"Mine.\n")


@pytest.mark.parametrize("damage", [flip, cut, lose])
def test_a_damaged_projection_is_replaced(lake, damage, caplog):
    """It has no score, so nothing is compared with it; a version's name is never used twice."""
    damage(lake / "models" / PROJECTION)

    with caplog.at_level(logging.WARNING):
        result = train(lake)

    assert (result.status, result.projection) == ("promoted", "p3")
    assert (result.before, result.known, result.damaged) == (None, {}, ("projection/p2",))
    assert "projection/p2 served, damaged, and is replaced" in caplog.text
    said = [text for text in caplog.messages if "projection.safetensors, which serves" in text]
    assert len(said) == 1
    assert result.scores
    assert serving(lake).manifest.projection.version == "p3"
    for language, said in (("en", "projection/p2, which served: replaced"), ("zh", "已被替换")):
        out = Console(file=StringIO(), width=200)
        trained(out, result, language)
        assert said in out.file.getvalue()
    page = (Layout(lake).training("p3") / "report.html").read_text("utf-8")
    assert "Damaged, and not compared with: projection/p2" in page


@pytest.mark.parametrize("damage", [flip, cut, lose])
def test_a_damaged_fusion_is_replaced_by_one_as_good(lake, damage):
    """The projection is whole, and is compared with: as good is enough then."""
    damage(lake / "models" / FUSION)

    result = train(lake, **LEARNED)

    assert (result.status, result.projection, result.fusion) == ("promoted", "p2", "mlp f2")
    assert result.damaged == ("fusion/f1",)
    assert result.before == result.after
    assert not [name for name in result.directions if "fused" in name]
    serving(lake)


def test_a_damaged_fusion_is_no_excuse_for_a_worse_projection(lake, monkeypatch, caplog):
    """It is refused by what can be compared, and it is said what else helps."""
    flip(lake / "models" / FUSION)
    learning.badly(monkeypatch)

    with caplog.at_level(logging.WARNING):
        result = train(lake)

    assert (result.status, result.why, current(Layout(lake))) == ("refused", "worse", 2)
    assert "fusion/f1, damaged, is not replaced: `mmindex index` sets it aside" in caplog.text


def test_what_is_only_stored_leaves_the_damaged_one(lake):
    """--no-promote changes nothing, whatever serves; later it is promoted without --force."""
    flip(lake / "models" / PROJECTION)

    result = train(lake, promote=False)

    assert (result.status, result.why, current(Layout(lake))) == ("stored", "unmeasured", 2)
    assert result.reason == "projection/p2, which serves, is damaged: it has no score"
    done = promote(lake, "projection/p3")
    assert (done.status, done.damaged) == ("promoted", ("projection/p2",))
    serving(lake)


def test_other_damage_is_named_and_nothing_is_trained(lake):
    """Vectors that are missing cannot be learned from: which file, and what makes it again."""
    flip(lake / "models" / PROJECTION)
    path = next((lake / "embeddings").rglob("*.parquet"))
    path.unlink()

    with pytest.raises(CorruptLakeError, match="mmindex index` makes it again") as caught:
        train(lake)

    assert (caught.value.path, caught.value.exit_code) == (path, 7)
    assert models.versions(Layout(lake), "projection") == ["p1", "p2"]
    assert not candidates.runs(Layout(lake))
