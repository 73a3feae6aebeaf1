"""The arrays of a prepared shard → vectors, in the order of its segments."""

from __future__ import annotations

import numpy as np

from mmcore.encoders.base import Encoder, Truncates
from mmcore.media.prepared import Prepared
from mmcore.types import Vectors, check_unit_rows


def embed_prepared(prepared: Prepared, encoder: Encoder, batch: int) -> Vectors:
    """Embed all segments of ``prepared``: (count, dim) unit rows, ``batch`` at once.

    Raises ValueError when the encoder's answer is not one unit vector for each input.
    """
    segments = prepared.segments()
    arrays = prepared.arrays()
    inputs = segments["text"].to_pylist() if arrays is None else arrays
    vectors = np.zeros((prepared.count, encoder.key.dim), dtype=np.float32)
    for start in range(0, prepared.count, batch):
        stop = min(start + batch, prepared.count)
        vectors[start:stop] = encoder.encode(inputs[start:stop])
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
