"""The arrays of a prepared shard → vectors, in the order of its segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.base import Batches, Encoder, Truncates
from mmcore.encoders.compute.meter import ran, working
from mmcore.media.prepared import Prepared
from mmcore.types import Vectors, check_unit_rows

PORTION: Final = 1024
"""Texts that an encoder is given at once at most."""

ARRAYS: Final = 256
"""Arrays that it is given, unless a batch has more; mapped anew for each portion.

What was mapped of a large shard else stays in memory.
"""

USUAL: Final = 32
"""Inputs that go at once to an encoder that does not cut them into batches, unless told."""


def embed_prepared(prepared: Prepared, encoder: Encoder, batch: int | None = None) -> Vectors:
    """Embed all segments of ``prepared``: (count, dim) unit rows.

    ``batch``: rows at once, for an encoder that does not cut what it gets into batches itself.
    Raises ValueError when the encoder's answer is not one unit vector for each input.
    """
    segments = prepared.segments()
    texts: list[str] = segments["text"].to_pylist() if prepared.arrays() is None else []
    vectors = np.zeros((prepared.count, encoder.key.dim), dtype=np.float32)
    own = isinstance(encoder, Batches) and encoder.batches
    step = None if own else batch or USUAL
    portion = max(PORTION if texts else ARRAYS, batch or 0)
    for start in range(0, prepared.count, portion):
        stop = min(start + portion, prepared.count)
        arrays = None if texts else prepared.arrays()
        inputs = texts[start:stop] if arrays is None else arrays[start:stop]
        vectors[start:stop] = _encoded(inputs, encoder, step)
        del arrays, inputs
    check_unit_rows(segments["segment_id"].to_numpy(), vectors)
    return vectors


def _encoded(inputs: Sequence[str] | NDArray[Any], encoder: Encoder, step: int | None) -> Vectors:
    """Vectors of a portion, ``step`` inputs at a time; None: the encoder cuts it itself."""
    if step is None:
        return encoder.encode(inputs)
    found = np.zeros((len(inputs), encoder.key.dim), dtype=np.float32)
    for start in range(0, len(inputs), step):
        batch = inputs[start : start + step]
        with working():
            found[start : start + step] = encoder.encode(batch)
        ran(len(batch))
    return found


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
