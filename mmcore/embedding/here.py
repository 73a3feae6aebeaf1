"""Embed a shard in this process."""

from __future__ import annotations

import time
from collections.abc import Callable

from mmcore.embedding.embedding import Embedding, Work
from mmcore.embedding.profile import profiled
from mmcore.embedding.turns import turn_on
from mmcore.encoders.base import Encoder
from mmcore.encoders.compute.meter import metered, untold
from mmcore.encoders.embed import embed_prepared, truncated_contents
from mmcore.media.prepared import Prepared
from mmcore.specs import RuntimeSpec


def embed_here(
    prepared: Prepared,
    encoder: Encoder,
    runtime: RuntimeSpec,
    told: Callable[[int], None] = untold,
) -> Embedding:
    """Embed ``prepared``, alone on the encoder's device; ``told`` hears of the rows done.

    An encoder that cuts its batches itself, and not by a Batcher, is timed as a whole.
    """
    compute = dict(encoder.compute)
    device = compute["device"]
    with turn_on(device), profiled(prepared, device, runtime), metered(told) as meter:
        started = time.perf_counter()
        vectors = embed_prepared(prepared, encoder, runtime.batch_size)
        elapsed = time.perf_counter() - started
    work = Work(
        device=device,
        dtype=compute["dtype"],
        seconds=meter.seconds if meter.batches else elapsed,
        batches=dict(meter.batches),
        halved=meter.halved,
        settled=meter.settled,
    )
    return Embedding(vectors, compute, truncated_contents(prepared, encoder), work)
