"""Preprocess a shard: decode, cut, shape; many at once on the CPUs."""

from __future__ import annotations

import shutil

from prefect import task

from mmcore.encoders.presets import encoder_for
from mmcore.media.prepared import Prepared, prepare_shard
from mmcore.types import Shard
from tasks.discretion import discreet
from tasks.policies import POLICY
from tasks.workplace import Workplace


def empty_staging(work: Workplace) -> None:
    """Remove what a run that died left behind; only the holder of the lake's lock may."""
    if work.lake.staging.exists():
        shutil.rmtree(work.lake.staging)


@task(
    name="preprocess", task_run_name="preprocess-{shard.encoder.modality}-{shard.name}", **POLICY
)
@discreet
def preprocess_shard(shard: Shard, work: Workplace) -> Prepared:
    """Decode the shard's contents into arrays under the staging folder; returns the handle."""
    encoder = encoder_for(shard.encoder, work.segmentation, work.runtime)
    return prepare_shard(shard, encoder, work.segmentation, work.limits, work.lake.staging)
