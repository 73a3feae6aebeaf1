"""`mmindex models`: which versions serve, and those that served before."""

import json

import pytest

from mmcore.errors import ConfigError
from storage import candidates
from storage.errors import UnknownModelError
from storage.layout import Layout
from storage.locks import writer_lock
from storage.published import current, published
from storage.snapshot import Snapshot
from tests import learning
from tests.learning import LEARNED, promote, serving, train


def test_a_rollback_lets_serve_what_served_before(lake):
    """It is a new snapshot of today's rows; a second rollback takes the first one back."""
    train(lake, **LEARNED, force=True)

    back = promote(lake, None)
    manifest = serving(lake).manifest
    again = promote(lake, None)

    assert (back.status, back.projection, back.fusion) == ("promoted", "p1", "mean")
    assert (manifest.number, manifest.projection.version) == (3, "p1")
    assert (again.projection, again.fusion) == ("p2", "mlp f1")
    assert serving(lake).manifest.fusion.version == "f1"
    assert published(Layout(lake)) == [1, 2, 3, 4]


def test_without_other_models_there_is_nothing_to_go_back_to(lake):
    """It is said, and nothing is published."""
    with pytest.raises(ConfigError, match="no kept snapshot before 1"):
        promote(lake, None)
    assert published(Layout(lake)) == [1]


def test_what_is_not_to_be_promoted_is_stored_and_measured(lake):
    """No candidate is left; later it is promoted by its name, with the fusion it came with."""
    result = train(lake, **LEARNED, promote=False)

    assert (result.status, current(Layout(lake))) == ("stored", 1)
    assert set(result.models) == {"projection/p2", "fusion/f1"}
    assert result.scores
    assert not candidates.runs(Layout(lake))
    assert learning.lines(lake)["projection/p2"]["state"] == "stored"
    with pytest.raises(ConfigError, match="promote the projection of that space first"):
        promote(lake, "fusion/f1")
    done = promote(lake, "projection/p2", force=True)
    assert (done.status, done.projection, done.fusion) == ("promoted", "p2", "mlp f1")
    assert promote(lake, "projection/p2").status == "unchanged"
    serving(lake)


@pytest.mark.parametrize("name", ["projection/p9", "projection", "other/p1", "../lake", "p1"])
def test_an_unknown_version_is_named_with_those_that_there_are(lake, name):
    """Nothing is published, and no candidate is left."""
    with pytest.raises(UnknownModelError, match="projection/p1"):
        promote(lake, name)
    assert not candidates.runs(Layout(lake))


def test_an_erasure_names_the_models_that_learned_of_the_erased(lake):
    """Trained ones too, promoted or not; their records name it no more, and nothing else does."""
    from tasks.erasure.choose import choose
    from tasks.erasure.erase import erase

    train(lake, **LEARNED, force=True)
    layout = Layout(lake)
    told = json.loads(next(layout.model("fusion", "f1").glob("config-*.json")).read_bytes())
    seen = set(told["fitted_on"]["contents"])
    files = Snapshot.open(layout).rows("files", ["path", "content_id"]).to_pylist()
    path = next(f["path"] for f in files if f["content_id"] in seen and f["path"].endswith("png"))
    path = f"media/{path}"

    with writer_lock(layout):
        done = erase(layout, choose(layout, (path,), (), content=False).selection.order)

    assert {one.model for one in done.models} == {"projection/p1", "projection/p2", "fusion/f1"}
    assert not done.proof.left
    assert serving(lake).manifest.fusion.version == "f1"
