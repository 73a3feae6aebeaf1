from __future__ import annotations

import pytest
from PIL import Image

from mmcore.embedding import devices
from mmcore.embedding.profile import begin_anew
from mmcore.media.prepared import InProcess, prepare_shard
from mmcore.media.shaping import Shaping
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Shard
from storage.schemas import Modality
from tests import media
from tests.declared import declare
from tests.mmcore.embedding import perilous


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Makes prepared shards of pictures of given colours, for an encoder that workers know."""
    point = {"hash-image": "tests.mmcore.embedding.perilous:build"}
    declare(monkeypatch, tmp_path / "declared", "mmindex.encoders", point)
    monkeypatch.setattr(devices, "_known", {})
    usual = perilous.Perilous(Modality.IMAGE, segmentation=SegmentationSpec())
    count = iter(range(10_000))

    def prepared(*colours, encoder=usual):
        contents = []
        for colour in colours:
            number = next(count)
            picture = Image.new("RGB", (8, 8), colour)
            picture.putpixel((7, 7), (number % 256, number // 256, 9))
            contents.append(media.content(media.png(tmp_path / f"{number}.png", picture)))
        shard = Shard(encoder.key, tuple(contents))
        shaping = Shaping(encoder, SegmentationSpec(), LimitsSpec())
        return prepare_shard(shard, shaping, tmp_path / "staging", InProcess(shaping))

    yield prepared
    devices.close_all()
    begin_anew()
