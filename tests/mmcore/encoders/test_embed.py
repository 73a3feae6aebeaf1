from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmcore.encoders.embed import embed_prepared, truncated_contents
from mmcore.media.prepared import InProcess, prepare_shard
from mmcore.media.shaping import Shaping
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Shard
from storage.schemas import Modality, content_id
from tests.fakes import HashEncoder


def prepared(tmp_path, encoder, files: list[tuple[str, str]]):
    """A prepared shard of files (path, media type)."""
    contents = tuple(
        Content(
            content_id=content_id(Path(path).read_bytes()),
            modality=encoder.key.modality,
            media_type=media_type,
            size=Path(path).stat().st_size,
            root="r",
            path=Path(path).name,
            location=str(path),
            mtime_ns=Path(path).stat().st_mtime_ns,
        )
        for path, media_type in files
    )
    shard = Shard(encoder.key, contents)
    shaping = Shaping(encoder, SegmentationSpec(), LimitsSpec())
    return prepare_shard(shard, shaping, tmp_path / "staging", InProcess(shaping))


def pictures(tmp_path, n):
    """``n`` different pictures."""
    files = []
    for i in range(n):
        path = tmp_path / f"{i}.png"
        Image.new("RGB", (8, 8), (i, 0, 0)).save(path)
        files.append((str(path), "image/png"))
    return files


@pytest.mark.parametrize("batch", [1, 2, 100])
def test_vectors_are_in_the_order_of_the_segments(tmp_path, batch):
    """Row ``i`` is the vector of segment ``i``, whatever the batch."""
    encoder = HashEncoder(Modality.IMAGE)
    shard = prepared(tmp_path, encoder, pictures(tmp_path, 5))
    vectors = embed_prepared(shard, encoder, batch)

    assert vectors.shape == (5, encoder.key.dim)
    np.testing.assert_array_equal(vectors, encoder.encode(np.asarray(shard.arrays())))


def test_texts_are_embedded_from_their_descriptions(tmp_path):
    """A text has no array: the segment's text is the input."""
    encoder = HashEncoder(Modality.TEXT)
    file = tmp_path / "a.txt"
    file.write_text("一只青蛙。", encoding="utf-8")
    vectors = embed_prepared(prepared(tmp_path, encoder, [(str(file), "text/plain")]), encoder, 4)

    np.testing.assert_array_equal(vectors, encoder.encode(["一只青蛙。"]))


def test_a_shard_without_segments_gives_no_row(tmp_path):
    """All rejected, or nothing in it: shape (0, dim)."""
    encoder = HashEncoder(Modality.IMAGE)
    shard = prepared(tmp_path, encoder, [])

    assert embed_prepared(shard, encoder, 4).shape == (0, encoder.key.dim)


def test_an_encoder_without_unit_vectors_is_caught(tmp_path):
    """What is not of length 1 never gets into a lake."""
    encoder = HashEncoder(Modality.IMAGE)
    shard = prepared(tmp_path, encoder, pictures(tmp_path, 2))
    encoder.encode = lambda inputs: np.ones((len(inputs), encoder.key.dim), dtype=np.float32)

    with pytest.raises(ValueError, match="not 1"):
        embed_prepared(shard, encoder, 4)


class Short(HashEncoder):
    """Takes three words."""

    def truncated(self, inputs):
        """How many are longer."""
        return sum(len(text.split()) > 3 for text in inputs)


def test_texts_that_a_model_cuts_are_counted(tmp_path):
    """By content; an encoder that takes any length has none."""
    files = []
    for name, words in {"a": "one two", "b": "one two three four", "c": "1 2 3 4 5"}.items():
        path = tmp_path / f"{name}.txt"
        path.write_text(words)
        files.append((path, "text/plain"))
    shard = prepared(tmp_path, Short(Modality.TEXT), files)

    assert sorted(truncated_contents(shard, Short(Modality.TEXT)).values()) == [1, 1]
    assert truncated_contents(shard, HashEncoder(Modality.TEXT)) == {}
