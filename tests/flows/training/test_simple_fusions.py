"""Fusions without a model, trained for, listed and promoted like versions."""

import json

import pytest

from storage.layout import Layout
from storage.models import every
from storage.published import current
from tests import learning
from tests.learning import LEARNED, promote, serving, train


@pytest.fixture
def weighted(lake):
    """A lake whose projection p2 serves with the weights that a training took."""
    result = train(lake, fusion="weighted", fusing={"min_items": 8, "folds": 2}, force=True)
    assert result.projection == "p2"
    return lake


def test_a_fusion_that_is_all_that_changed_has_a_report_and_a_line(weighted):
    """Its page tells what was tried; it is no version, and nothing of it is stored."""
    layout = Layout(weighted)
    before = every(layout)

    result = train(weighted, fusion="mean", force=True)

    assert (result.status, result.models) == ("promoted", ("fusion/mean",))
    assert result.report == str(layout.training("mean") / "report.html")
    told = json.loads((layout.training("mean") / "report.json").read_bytes())
    assert (told["models"], told["snapshot"]) == (["fusion/mean"], 3)
    assert "Training of fusion/mean" in (layout.training("mean") / "report.html").read_text()
    assert every(layout) == before
    line = learning.lines(weighted)["fusion/mean"]
    assert (line["state"], line["report"], line["score"]) == (
        "serves",
        result.report,
        result.after,
    )


def test_a_simple_fusion_serves_by_its_name(weighted):
    """One that served, one that never did, and the one that serves: then nothing changes."""
    served = serving(weighted).manifest.fusion
    name = next(name for name in learning.lines(weighted) if "weighted" in name)
    assert learning.lines(weighted)[name]["state"] == "serves"

    done = promote(weighted, "fusion/mean", force=True)
    again = promote(weighted, "fusion/mean")
    other = promote(weighted, "fusion/concat", force=True)
    back = promote(weighted, name, force=True)

    assert (done.status, done.projection, done.fusion) == ("promoted", "p2", "mean")
    assert again.status == "unchanged"
    assert other.fusion == "concat"
    assert back.fusion == name.removeprefix("fusion/")
    assert serving(weighted).manifest.fusion == served
    assert {learning.lines(weighted)[f"fusion/{n}"]["state"] for n in ("mean", "concat")} == {
        "served"
    }


def test_weights_that_come_to_the_same_change_nothing(weighted):
    """A medium that is not named counts 1."""
    entry = serving(weighted).manifest.fusion
    promote(weighted, "fusion/weighted,text=2", force=True)
    number = current(Layout(weighted))

    again = promote(weighted, "fusion/weighted,image=1,text=2")

    assert (again.status, current(Layout(weighted))) == ("unchanged", number)
    assert entry.version is None


def test_a_simple_fusion_takes_the_place_of_a_trained_one_and_back(lake):
    """Each by its name; the projection stays."""
    train(lake, **LEARNED, force=True)

    assert promote(lake, "fusion/mean", force=True).fusion == "mean"
    assert promote(lake, "fusion/f1", force=True).fusion == "mlp f1"
    assert serving(lake).manifest.projection.version == "p2"


def test_the_report_of_new_models_lies_where_the_list_says(lake):
    """Of two that are new the projection gives the folder its name."""
    result = train(lake, **LEARNED, force=True)

    lines = learning.lines(lake)
    assert result.report == lines["projection/p2"]["report"] == lines["fusion/f1"]["report"]
    assert result.report.endswith("training/p2/report.html")


def test_a_refused_fusion_says_so_in_the_list(weighted, monkeypatch):
    """It never served, and why not is said."""
    result = train(weighted, fusion="sum")

    line = learning.lines(weighted)["fusion/sum"]
    assert (result.status, line["state"]) == ("refused", "refused")
    assert line["reason"] == result.reason
