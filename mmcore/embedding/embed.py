"""Embed prepared shards on the devices of a run; end what is kept for the next shard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from mmcore.embedding.devices import close_all, devices_for
from mmcore.embedding.embedding import Embedding
from mmcore.embedding.job import Job
from mmcore.embedding.profile import begin_anew
from mmcore.embedding.progress import teller
from mmcore.encoders.compute import batches, loaded
from mmcore.encoders.presets import encoder_for
from mmcore.media.prepared import Prepared
from mmcore.processes.interruption import check, passed_on
from mmcore.specs import RuntimeSpec, SegmentationSpec


def embed(prepared: Prepared, segmentation: SegmentationSpec, runtime: RuntimeSpec) -> Embedding:
    """Embed a shard on the first of the run's devices that is free; waits for one.

    One device is used by this process, several by a process each. Raises EmbeddingError where
    such a process died of the shard twice, ConfigError where the encoder's weights are others than
    before, and whatever the encoder raises.
    """
    encoder = encoder_for(prepared.shard.encoder, segmentation, runtime)
    job = Job(prepared, segmentation, runtime)
    with devices_for(encoder, runtime).borrowed() as device:
        check()
        began = time.monotonic()
        found = device.embed(job, encoder, teller(prepared.shard, prepared.count))
        ended = time.monotonic()
    encoder_for(prepared.shard.encoder, segmentation, runtime)  # its weights are as they were
    return replace(found, work=replace(found.work, began=began, ended=ended))


@contextmanager
def interruptible() -> Iterator[None]:
    """Where this block is interrupted, decoding and models end: nobody waits for their shards.

    Those of this process end with their batch, others at once. After an error shards at work are
    finished, and so not lost.
    """
    try:
        with passed_on():
            yield
    except Exception:
        raise
    except BaseException:
        close_all()
        raise


@contextmanager
def releasing() -> Iterator[None]:
    """A run: however this block ends, models are freed and the processes of devices end.

    What devices had no memory for is forgotten with it.
    """
    try:
        yield
    finally:
        close_all()
        loaded.free()
        batches.forget()
        begin_anew()
