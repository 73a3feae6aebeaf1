"""A folder, its lake, and a count of the work that a run does."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from PIL import Image

from mmcore.embedding import here
from mmcore.media import crawl, shaping
from storage.schemas import Modality
from tests import crashes, media
from tests.flows.changes.counted import OLD, Work, forget


@pytest.fixture
def work(monkeypatch) -> Work:
    """Counts from now on."""
    work = Work()
    reads, cuts, embeds = crawl._read, shaping.cut, here.embed_prepared

    def reading(looking, entry):
        work.hashed.append(entry.path)
        return reads(looking, entry)

    def cutting(content, encoder, *rest):
        work.decoded[encoder.key.modality] += 1
        return cuts(content, encoder, *rest)

    def embedding(ready, *rest):
        work.encoded[ready.shard.encoder.modality] += ready.count
        return embeds(ready, *rest)

    monkeypatch.setattr(crawl, "_read", reading)
    monkeypatch.setattr(shaping, "cut", cutting)
    monkeypatch.setattr(here, "embed_prepared", embedding)
    return work


@pytest.fixture
def versions() -> dict[Modality, int]:
    """Versions of the encoders; may be changed between runs."""
    return {}


@pytest.fixture
def index(monkeypatch, versions):
    """The flow index-media as a plain function, over encoders that hash."""
    logging.disable(logging.INFO)
    yield crashes.plain_index(monkeypatch, versions)
    logging.disable(logging.NOTSET)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three pictures with captions, one also in Chinese, and a text of two chunks."""
    folder = tmp_path / "照片"
    for name in ("red", "green", "blue"):
        media.png(folder / f"{name}.png", Image.new("RGB", (8, 8), name))
        media.text(folder / f"{name}.txt", f"A plain {name} picture.")
    media.text(folder / "red.zh.txt", "一张红色的图片。", "gb18030")
    media.text(folder / "notes/long.txt", "A sentence that is thirty long. " * 20)
    age(folder)
    return folder


@pytest.fixture
def lake(folder, tmp_path, index, work) -> Path:
    """The folder's lake after one run; counting begins anew."""
    index(folder, tmp_path / "lake")
    forget(work)
    return tmp_path / "lake"


def age(folder):
    """Make all files old enough for their times to be trusted."""
    for file in folder.rglob("*"):
        os.utime(file, (OLD, OLD))
