"""What the stages before any work say of what they found."""

import re

import pytest

from flows.telling.progress import Stages, reporting
from tests import crashes, media


class Notes(Stages):
    """Keeps the closing note of each stage."""

    def __init__(self):
        self.notes = {}

    def begin(self, *_):
        """Nothing to keep."""

    def advance(self, *_):
        """Nothing to keep."""

    def end(self, stage, note=""):
        """Keep it."""
        self.notes[stage] = note


@pytest.fixture
def notes(tmp_path, monkeypatch):
    """What the stages of a dry run say of pictures, a copy of one, and a manifest's captions."""
    folder, told = tmp_path / "media", Notes()
    for name in ("red", "copy"):
        media.png(folder / f"{name}.png")
    rows = "".join(f"red,Caption {number}.\n" for number in range(3))
    media.text(folder / "manifest.csv", f"item,caption\n{rows}")
    index = crashes.plain_index(monkeypatch)
    with reporting(told):
        index(folder, tmp_path / "lake", dry_run=True)
    return told.notes


def test_each_stage_has_its_own_noun(notes):
    """Names are what was listed, files are media, captions lie in no file, contents differ."""
    assert notes["walk"] == "3 names"
    assert notes["crawl"].startswith("2 files and 3 captions of manifests in ")
    assert re.match(r"4 contents to embed, ", notes["plan"])
