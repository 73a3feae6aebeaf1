"""Small models of open_clip."""

from __future__ import annotations

import shutil

import pytest

from tests.checkpoints import checkpoint
from tests.made.checkpoints import clip


@pytest.fixture(scope="module")
def multilingual():
    """The small checkpoint with a text tower of XLM-R's kind."""
    return checkpoint("clip")


@pytest.fixture(scope="module")
def openai(tmp_path_factory):
    """A small one with open_clip's own text tower."""
    return clip.make_openai(tmp_path_factory.mktemp("openai") / "clip")


@pytest.fixture
def copied(multilingual, tmp_path):
    """A copy of the multilingual one that a test may change."""
    return shutil.copytree(multilingual, tmp_path / "copy")
