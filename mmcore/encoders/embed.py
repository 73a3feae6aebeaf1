"""The arrays of a prepared shard → vectors, in the order of its segments."""

from __future__ import annotations

from typing import Final

import numpy as np

from mmcore.encoders.base import Batches, Encoder, Truncates
from mmcore.encoders.compute.meter import ran, working
from mmcore.media.prepared import Prepared
from mmcore.types import Vectors, check_unit_rows

PORTION: Final = 4096
"""Inputs that an encoder is given at once at most."""

USUAL: Final = 32
"""Inputs that go at once to an encoder that does not cut them into batches, unless told."""


def embed_prepared(prepared: Prepared, encoder: Encoder, batch: int | None = None) -> Vectors:
    """Embed all segments of ``prepared``: (count, dim) unit rows.

    ``batch``: rows at once, for an encoder that does not cut what it gets into batches itself.
    Raises ValueError when the encoder's answer is not one unit vector for each input.
    """
    segments = prepared.segments()
    arrays = prepared.arrays()
    inputs = segments["text"].to_pylist() if arrays is None else arrays
    vectors = np.zeros((prepared.count, encoder.key.dim), dtype=np.float32)
    own = isinstance(encoder, Batches) and encoder.batches
    step = PORTION if own else batch or USUAL
    for start in range(0, prepared.count, step):
        stop = min(start + step, prepared.count)
        if own:
            vectors[start:stop] = encoder.encode(inputs[start:stop])
            continue
        with working():
            vectors[start:stop] = encoder.encode(inputs[start:stop])
        ran(stop - start)
    check_unit_rows(segments["segment_id"].to_numpy(), vectors)
    return vectors


def truncated_contents(prepared: Prepared, encoder: Encoder) -> dict[str, int]:
    """Content → how many of its segments are longer than the model takes."""
    if not isinstance(encoder, Truncates):
        return {}
    segments = prepared.segments()
    arrays = prepared.arrays()
    inputs = segments["text"].to_pylist() if arrays is None else arrays
    found: dict[str, int] = {}
    for place, content in enumerate(segments["content_id"].to_pylist()):
        if cut := encoder.truncated(inputs[place : place + 1]):
            found[content] = found.get(content, 0) + cut
    return found
