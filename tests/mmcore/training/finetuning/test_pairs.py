import pytest

from mmcore.errors import NothingToLearnError
from mmcore.training.finetuning.pairs import pairs_of
from mmcore.training.split import is_held_out
from storage.schemas import Modality


def test_pairs_are_split_by_their_captions(pictures, spec):
    """Test pairs are those whose caption's hash says so, as in a lake; no caption is in two."""
    pairs = pairs_of(pictures, Modality.IMAGE, spec())
    keys = {name: {pair.key for pair in found} for name, found in pairs.splits.items()}

    assert all(is_held_out(key, 0.3) for key in keys["test"])
    assert not any(is_held_out(key, 0.3) for key in keys["train"] | keys["validation"])
    assert not keys["train"] & keys["validation"]
    assert pairs.counts()["items"] == {name: len(found) for name, found in keys.items()}


def test_items_without_a_medium_are_counted(pictures, sounds, spec):
    """A folder of pictures has no pairs of sounds, and says what is missing."""
    pairs = pairs_of(pictures, Modality.AUDIO, spec())

    assert pairs.counts()["left_out"]["unpaired"] == 48
    with pytest.raises(NothingToLearnError, match="sounds to learn from"):
        pairs.check()


def test_what_cannot_be_read_is_left_out(pictures, spec):
    """A pair whose only picture is unreadable is counted and goes; others stay."""
    pairs = pairs_of(pictures, Modality.IMAGE, spec())
    bad = pairs.splits["train"][0].contents[0].content_id
    kept = pairs.kept(lambda content: content.content_id != bad)

    assert len(kept.splits["train"]) == len(pairs.splits["train"]) - 1
    assert kept.counts()["left_out"]["unreadable"] == 1
    assert kept.splits["test"] == pairs.splits["test"]
