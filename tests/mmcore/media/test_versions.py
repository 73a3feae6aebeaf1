"""Tests of mmcore/media/versions.py."""

import pytest

from mmcore.errors import ConfigError
from mmcore.media.versions import cutting
from mmcore.specs import SegmentationSpec
from storage.schemas import Modality


def spec_of(path, words):
    """A spec with a dictionary of one file."""
    path.write_text(words, "utf-8")
    return SegmentationSpec(text_dictionaries=(str(path),))


def test_dictionaries_count_by_their_contents(tmp_path):
    """A lake that moves with its dictionaries is up to date; other words make other chunks."""
    here = cutting(spec_of(tmp_path / "a.txt", "云计算 5\n"), Modality.TEXT, Modality.TEXT)
    there = cutting(spec_of(tmp_path / "b.txt", "云计算 5\n"), Modality.TEXT, Modality.TEXT)
    other = cutting(spec_of(tmp_path / "c.txt", "云计算 6\n"), Modality.TEXT, Modality.TEXT)

    assert here == there != other
    assert str(tmp_path) not in str(here)


def test_pictures_know_nothing_of_dictionaries(tmp_path):
    """Only what decides the segments of a modality counts."""
    spec = spec_of(tmp_path / "a.txt", "云计算 5\n")

    assert cutting(spec, Modality.IMAGE) == cutting(SegmentationSpec(), Modality.IMAGE)


def test_a_dictionary_that_is_gone_stops_before_any_work(tmp_path):
    """The key of an encoder is made first."""
    spec = SegmentationSpec(text_dictionaries=(str(tmp_path / "gone.txt"),))

    with pytest.raises(ConfigError):
        cutting(spec, Modality.TEXT, Modality.TEXT)
