"""`mmindex train` that comes to a stored model again: it is judged, and not stored twice."""

import json

import pytest

from storage.layout import Layout
from storage.models import every
from storage.published import current
from tests import learning
from tests.flows.training.test_damaged_models import flip
from tests.learning import LEARNED, promote, serving, train


def test_a_refused_projection_is_not_stored_twice(lake, monkeypatch):
    """The second run refuses the same version, and its report is that of the version."""
    train(lake)
    learning.badly(monkeypatch)

    one, other = train(lake), train(lake)

    assert (one.status, one.models) == ("refused", ("projection/p3",))
    assert (other.status, other.why, other.models) == (one.status, one.why, one.models)
    assert (other.before, other.after) == (one.before, one.after)
    assert every(Layout(lake)) == ["projection/p1", "projection/p2", "projection/p3"]
    assert other.report == one.report
    assert learning.lines(lake)["projection/p3"]["state"] == "refused"


def test_a_stored_fusion_is_found_again(lake):
    """Another seed makes another one; the same seed, after another, comes to the one stored."""
    for _ in range(2):
        result = train(lake, **LEARNED, seed=1, promote=False)
        assert set(result.models) == {"projection/p2", "fusion/f1"}
    other = train(lake, **LEARNED, seed=2, promote=False)

    assert other.models == ("projection/p2", "fusion/f2")
    assert other.report.endswith("training/f2/report.html")
    assert train(lake, **LEARNED, seed=1, force=True).fusion == "mlp f1"
    manifest = serving(lake).manifest
    assert (manifest.projection.version, manifest.fusion.version) == ("p2", "f1")
    assert every(Layout(lake)) == ["fusion/f1", "fusion/f2", "projection/p1", "projection/p2"]


def test_what_served_before_serves_again(lake):
    """After a rollback a training finds the version that it had made."""
    train(lake)
    promote(lake, None)

    result = train(lake)

    assert (result.status, result.projection, current(Layout(lake))) == ("promoted", "p2", 4)
    report = json.loads((Layout(lake).training("p2") / "report.json").read_bytes())
    assert (report["parent"], report["snapshot"]) == (3, 4)
    serving(lake)


@pytest.mark.parametrize("file", ["projection.safetensors", "config-*.json"])
def test_a_damaged_version_is_no_equal_one(lake, file):
    """It is stored anew, under the next version."""
    train(lake, promote=False)
    flip(next(Layout(lake).model("projection", "p2").glob(file)))

    result = train(lake)

    assert (result.status, result.projection) == ("promoted", "p3")
    serving(lake)
