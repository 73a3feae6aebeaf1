import numpy as np
import pytest

from mmcore.encoders.embedded_image import classifier
from mmcore.encoders.presets import encoders_of
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.training import class_names
from storage.schemas import Modality
from tests.fakes import HashEncoder


@pytest.fixture(scope="module")
def text():
    """The text encoder of the preset."""
    return encoders_of("embedded", SegmentationSpec(), RuntimeSpec())[0]


def test_what_is_kept_is_of_the_present_encoder(text):
    """The vectors beside the code are found: a change of encoder or names would miss them."""
    assert class_names.made_from(text, classifier().names) in class_names.shipped()


def test_what_is_kept_is_what_the_encoder_says(text):
    """Differences between kept vectors are those of computed ones: their means cancel out."""
    names = classifier().names
    some = ["tench", "goldfish", "espresso", "volcano"]
    kept = class_names.class_vectors(text, names)[[names.index(name) for name in some]]

    computed = class_names.computed(text, some)

    np.testing.assert_allclose(kept - kept[0], computed - computed[0], atol=2e-3)


def test_other_names_are_embedded(tmp_path):
    """Names that nobody kept are computed, and what is written down is found by what made it."""
    text = HashEncoder(Modality.TEXT)
    vectors = class_names.class_vectors(text, ["a", "b", "c"])

    np.testing.assert_allclose(vectors.mean(axis=0), 0, atol=1e-6)
    assert class_names.write(text, ["a", "b", "c"], tmp_path).stat().st_size > 0


def test_names_are_embedded_once():
    """The second head that is made of them embeds nothing; other names, or another encoder, do."""
    text, other = HashEncoder(Modality.TEXT, version=7), HashEncoder(Modality.TEXT, version=8)
    first = class_names.meant(text, ["once", "twice"])
    calls = text.calls

    np.testing.assert_array_equal(class_names.meant(text, ["once", "twice"]), first)
    assert text.calls == calls == 6
    assert not np.allclose(class_names.meant(other, ["once", "twice"]), first)
    assert class_names.meant(text, ["thrice"]).shape == (1, 16)
