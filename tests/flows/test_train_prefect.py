"""The flows that train and promote, run by Prefect."""

import pytest

from flows.config.train import PromoteConfig, TrainConfig
from mmcore.errors import UnknownPluginError
from storage.layout import Layout
from storage.published import current
from tests import crashes, learning
from tests.learning import QUICK, serving

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """A lake to be trained on."""
    learning.make(tmp_path)
    crashes.use_encoders(monkeypatch.setattr, learning.makers())
    return tmp_path / "lake"


def test_the_flows_train_promote_and_go_back(lake):
    """Their tasks get what they need, and results come back as they are."""
    from flows.promote_models import promote_models
    from flows.train_fusion import train_fusion

    stored = train_fusion(TrainConfig(lake=str(lake), promote=False, **QUICK))
    done = promote_models(PromoteConfig(lake=str(lake), model=stored.models[0]))
    back = promote_models(PromoteConfig(lake=str(lake), model=None))

    assert [one.status for one in (stored, done, back)] == ["stored", "promoted", "promoted"]
    assert (done.projection, back.projection) == ("p2", "p1")
    assert serving(lake).manifest.projection.version == "p1"


def test_a_lake_with_too_few_pairs_is_no_failure(lake):
    """The run is Completed and says what was missing; its result is the caller's."""
    from flows.train_fusion import train_fusion

    manifest = Layout(lake).snapshot(1) / "manifest.json"
    text = manifest.read_text("utf-8").replace('"min_pairs": 16', '"min_pairs": 500')
    manifest.write_text(text, "utf-8")

    state = train_fusion(TrainConfig(lake=str(lake), **QUICK), return_state=True)

    assert (state.name, state.result().status) == ("Completed", "nothing")
    assert "of 500 pairs" in state.message
    assert "training needs 500 of one medium" in state.result().reason
    assert current(Layout(lake)) == 1


def test_an_error_of_ours_is_raised_as_it_is(lake):
    """Prefect neither tries it again nor wraps it."""
    from flows.train_fusion import train_fusion

    with pytest.raises(UnknownPluginError, match="no fusion named 'magic'"):
        train_fusion(TrainConfig(lake=str(lake), **QUICK | {"fusion": "magic"}))
    assert current(Layout(lake)) == 1
