"""Tests of mmcore/search/asking/apart.py: what a file does to its decoder ends there."""

import pytest
from PIL import Image

from mmcore.decoding.pool import Pool
from mmcore.errors import MediaError
from mmcore.search.asking.apart import ApartAsker
from mmcore.specs import LimitsSpec
from storage.schemas import Modality
from tests import media
from tests.declared import declare
from tests.lakes import coloured_items, make_lake
from tests.mmcore.decoding import hostile


@pytest.mark.parametrize("colour", [hostile.CRASH, hostile.EAT])
def test_a_decoder_that_dies_costs_the_query(monkeypatch, tmp_path, colour):
    """The process that asked lives on, and asks again."""
    point = {"hash-image": "tests.mmcore.decoding.hostile:build"}
    declare(monkeypatch, tmp_path / "declared", "mmindex.encoders", point)
    preset = {"colours": "tests.mmcore.search.http.plugged:COLOURS"}
    declare(monkeypatch, tmp_path / "preset", "mmindex.presets", preset, "preset")
    encoders = (hostile.Hostile(Modality.IMAGE),)
    snapshot = make_lake(tmp_path, coloured_items(["red"]), encoders)
    asker = ApartAsker(
        snapshot.manifest,
        encoders,
        None,
        limits=LimitsSpec(worker_bytes=600_000_000),
        workers=Pool(1),
    )
    bad = media.png(tmp_path / "bad.png", Image.new("RGB", (8, 8), colour))
    good = media.png(tmp_path / "good.png", Image.new("RGB", (8, 8), hostile.GOOD))
    with pytest.raises(MediaError):
        asker.read(bad)
    asker.read(good)

    assert len(asker.media(good).vector) == encoders[0].key.dim
    asker.workers.close()
