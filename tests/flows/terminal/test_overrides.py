"""Tests of flows/terminal/overrides.py."""

import pytest

from flows.config.index import IndexConfig
from flows.terminal.overrides import overridden, valid
from mmcore.errors import ConfigError
from mmcore.training.towers.spec import TowersSpec


def test_a_setting_is_put_into_its_section():
    """What stood in the section stays; a value is JSON where it can be read as such."""
    settings = {"limits": {"max_pixels": 1}, "lake": "x"}
    said = ["limits.max_bytes=5", 'segmentation.image_enhance=["denoise"]', "fusion.name=mean"]

    assert overridden(settings, said) == {
        "limits": {"max_pixels": 1, "max_bytes": 5},
        "lake": "x",
        "segmentation": {"image_enhance": ["denoise"]},
        "fusion": {"name": "mean"},
    }
    assert settings == {"limits": {"max_pixels": 1}, "lake": "x"}


def test_the_last_one_counts():
    """As with any option that is given twice."""
    assert overridden({}, ["a.b=1", "a.b=2"]) == {"a": {"b": 2}}


@pytest.mark.parametrize("said", ["limits", "limits.x", "x=1", "a.b.c=1", ".x=1", "a.=1"])
def test_what_is_no_assignment_is_refused(said):
    """The error shows how one is written."""
    with pytest.raises(ConfigError, match=r"SECTION\.NAME=VALUE"):
        overridden({}, [said])


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("fusion.weights.image=2", """--set 'fusion.weights={"image": 2}'"""),
        ("align.network.loss=x", """--set 'align.network={"loss": "x"}'"""),
        ("a.b.c.d=1", """--set 'a.b={"c": {"d": 1}}'"""),
    ],
)
def test_what_lies_deeper_is_answered_with_what_would_be_right(said, right):
    """As it can be typed, and is then taken."""
    with pytest.raises(ConfigError) as caught:
        overridden({}, [said])
    assert str(caught.value).endswith(right)
    assert overridden({}, [right.removeprefix("--set '").removesuffix("'")])


def test_what_an_option_decides_is_refused():
    """It would have no effect; the option is named."""
    with pytest.raises(ConfigError, match="use --seed"):
        overridden({}, ["align.seed=3"], {"align.seed": "--seed"})
    assert overridden({}, ["other.seed=3"], {"align.seed": "--seed"}) == {"other": {"seed": 3}}


def test_what_is_no_section_is_refused():
    """Such a setting has an option."""
    with pytest.raises(ConfigError, match="no section"):
        overridden({"lake": "x"}, ["lake.name=1"])


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"orc": True}, r"no setting segmentation\.orc; did you mean segmentation\.ocr\?"),
        ({"image_enhance": "[denoise]"}, r"image_enhance: .*a list is JSON"),
        ({"text_chars": 0}, r"text_chars: .*greater than 0 \(got 0\)$"),
    ],
)
def test_a_wrong_setting_is_told_with_the_right_one(section, told):
    """A slip of the pen is answered with the nearest name, a list with how one is written."""
    with pytest.raises(ConfigError, match=told):
        valid(IndexConfig, {"media": ("x",), "lake": "y", "segmentation": section})


def test_settings_that_do_not_go_together_are_told_without_a_place():
    """No setting alone is wrong: the sentence of the spec is all that is said."""
    with pytest.raises(ConfigError) as caught:
        valid(TowersSpec, {"objective": "contrastive", "balance": {"synthesis": "gan"}})

    assert str(caught.value).startswith("balance.synthesis makes features")
    assert "got {" not in str(caught.value)
