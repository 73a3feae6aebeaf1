"""Vectors that are streamed are those that are gathered."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from storage.errors import CorruptLakeError
from storage.schemas import FUSED, Modality
from storage.snapshot import Snapshot
from tests.factories import entries, small_lake


@pytest.fixture
def lake(tmp_path):
    """Three items with a picture and a text."""
    return small_lake(tmp_path)


def streamed(blocks):
    """All blocks put where they belong; each place must come once."""
    vectors = np.full((len(blocks), blocks.dim), np.nan, dtype=np.float32)
    for places, rows in blocks:
        assert np.isnan(vectors[places]).all()
        vectors[places] = rows
    return vectors


@pytest.mark.parametrize("modality", [Modality.IMAGE, Modality.TEXT])
def test_blocks_hold_the_vectors_of_a_modality(lake, modality):
    """Ids are sorted, and every vector is the one that `vectors` gives."""
    _, ids, vectors = lake.vectors(modality)
    blocks = lake.blocks(modality)

    assert np.array_equal(blocks.ids, ids)
    assert np.array_equal(streamed(blocks), vectors)
    assert np.array_equal(streamed(blocks), vectors)  # as often as is needed


def test_blocks_hold_the_fused_vectors(lake):
    """Those of the live items, under their ids."""
    ids, vectors, _ = lake.fused()
    blocks = lake.blocks(FUSED)

    assert np.array_equal(blocks.ids, ids)
    assert np.array_equal(streamed(blocks), vectors)


def test_what_there_is_none_of_has_no_blocks(lake):
    """A modality without an encoder, and a snapshot without a fusion."""
    without = lake.manifest.model_copy(update={"fusion": None, "encoders": []})
    bare = Snapshot.of(lake.layout, without)

    assert bare.blocks(Modality.IMAGE) is None
    assert bare.blocks(FUSED) is None


def test_a_row_that_is_gone_is_found_out(lake):
    """Streaming to the end raises where a live row has no vector."""
    blocks = lake.blocks(Modality.IMAGE)
    more = replace(blocks, ids=np.append(blocks.ids, blocks.ids[-1] + 1))

    with pytest.raises(CorruptLakeError, match="1 of 4 live segments"):
        streamed(more)


def test_a_row_that_two_parts_hold_comes_once(lake):
    """Of two parts the first one counts."""
    layout, before = lake.layout, lake.manifest
    (part, *_) = before.paths("spaces/words-p1/image")
    copy = layout.root / part.replace("part-", "part-zz")
    shutil.copy(layout.root / part, copy)
    twice = before.model_copy(update={"files": before.files + entries(layout, [copy])})

    assert len(streamed(Snapshot.of(layout, twice).blocks(Modality.IMAGE))) == 3


def test_an_item_with_two_fused_vectors_is_an_error(lake):
    """Which of two would be the right one cannot be told."""
    layout, before = lake.layout, lake.manifest
    first = before.paths("fused")[0]
    copy = layout.root / first.replace("part-", "part-0")
    shutil.copy(layout.root / first, copy)
    twice = before.model_copy(update={"files": before.files + entries(layout, [copy])})

    with pytest.raises(CorruptLakeError, match="two fused"):
        Snapshot.of(layout, twice).blocks(FUSED)
