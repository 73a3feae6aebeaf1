import pytest

from mmcore.errors import ConfigError
from mmcore.specs import FusionSpec
from storage.errors import UnknownModelError
from storage.layout import Layout
from tasks.simple_fusions import check, name_of, simple


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (FusionSpec(name="mean"), "mean"),
        (
            FusionSpec(name="weighted", weights={"audio": 0.5, "text": 2.0}),
            "weighted,text=2,audio=0.5",
        ),
        (FusionSpec(name="weighted", weights={"image": 0.1}), "weighted,image=0.1"),
        (FusionSpec(name="concat"), "concat"),
    ],
)
def test_a_fusion_without_a_model_is_called_by_what_it_is(spec, name):
    """And the name makes the same one again."""
    assert name_of(spec.name, None, spec.weights) == name
    assert simple(name) == spec


def test_equal_weights_have_a_name_that_can_be_read_again():
    """``weighted`` alone names no weights."""
    name = name_of("weighted", None, {})

    assert simple(name).weights == {"image": 1.0}


@pytest.mark.parametrize("name", ["f2", "mlp", "attention", "magic"])
def test_a_version_or_a_network_is_no_simple_fusion(name):
    """It has to be stored."""
    assert simple(name) is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("weighted", "fusion/weighted,text=2"),
        ("weighted,text", "'text' is no weight"),
        ("weighted,text=x", "'text=x' is no weight"),
        ("weighted,smell=1", "smell"),
        ("mean,text=2", "takes no weights"),
    ],
)
def test_weights_that_cannot_be_are_said(name, says):
    """By name, with what would be right."""
    with pytest.raises(ConfigError, match=says):
        simple(name)


def test_an_unknown_model_is_named_with_the_fusions_that_there_always_are(tmp_path):
    """Nobody has to train before a simple one can serve."""
    check(Layout(tmp_path), "fusion/mean")
    with pytest.raises(UnknownModelError, match="fusion/mean"):
        check(Layout(tmp_path), "fusion/magic")
