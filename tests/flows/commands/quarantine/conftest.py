"""A folder of good and bad files, and `mmindex index` as a call."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from mmcore.types import Span
from tests import crashes
from tests.flows.commands.quarantine.broken import OLD
from tests.quarantined import page, quarantined, refused


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function, over encoders that hash."""
    logging.disable(logging.INFO)
    yield crashes.plain_index(monkeypatch)
    logging.disable(logging.NOTSET)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three pictures with two captions, and one broken picture; all old."""
    crashes.make_folder(tmp_path / "photos")
    age(tmp_path / "photos")
    return tmp_path / "photos"


def age(folder):
    """Make all files old enough for their times to be trusted."""
    for file in folder.rglob("*"):
        if file.is_file():
            os.utime(file, (OLD, OLD))


@pytest.fixture
def lake(tmp_path) -> Path:
    """A lake with five bad files of four kinds."""
    rejections = [
        refused("一/猫.jpg"),
        refused("一/狗.jpg"),
        refused("scan.pdf", "text", "no-text", span=page(2), source="self"),
        refused("clip.mp4", "audio", "cut-off", span=Span(3.0, 9.5, "second"), source="self"),
        refused("odd.xyz", "image", "of-a-plug-in", message="[red]the plug-in\x1b says"),
    ]
    quarantined(tmp_path / "lake", rejections)
    return tmp_path / "lake"
