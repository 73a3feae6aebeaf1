"""Prepare a shard, in worker processes unless the run says otherwise."""

from __future__ import annotations

from pathlib import Path

from mmcore.decoding.apart import Apart
from mmcore.encoders.presets import encoder_for
from mmcore.media.pace import Pace
from mmcore.media.prepared import InProcess, Prepared, prepare_shard
from mmcore.media.shaping import Shaping
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Shard


def prepare(
    shard: Shard,
    segmentation: SegmentationSpec,
    limits: LimitsSpec,
    runtime: RuntimeSpec,
    staging: Path,
    *,
    thumbnail_side: int = 0,
) -> Prepared:
    """Decode, cut and shape the contents of a shard into ``staging``/<shard name>.

    See ``prepare_shard``; with ``runtime.isolate`` a decoder that crashes, hangs, or takes too
    much memory costs the file that it was given.
    """
    encoder = encoder_for(shard.encoder, segmentation, runtime)
    shaping = Shaping(encoder, segmentation, limits, shard.reader, thumbnail_side)
    pace = Pace.of(runtime)
    decode = Apart(shaping, runtime) if runtime.isolate else InProcess(shaping, pace)
    return prepare_shard(shard, shaping, staging, decode, pace)
