"""Preprocess a shard: decode, cut, shape; many at once on the CPUs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from prefect import task

from mmcore.decoding.prepare import prepare
from mmcore.media.prepared import Prepared
from mmcore.types import Shard
from storage import exchange
from storage.places.place import is_local
from tasks.discretion import discreet
from tasks.policies import POLICY
from tasks.sight import check_sight
from tasks.workplace import Workplace


def empty_staging(work: Workplace) -> None:
    """Remove what a run that died left behind; only the holder of the lake's lock may.

    Indexes and evaluations under way stay: this run goes on with them, or ``end_builds`` and
    ``end_evaluations`` remove them.
    """
    lake = work.lake
    exchange.end(lake)
    spared = [path for path in (lake.builds, lake.evaluations) if path.is_dir()]
    if not spared:
        left = [lake.staging] if lake.staging.exists() else []
    else:
        left = [path for path in lake.staging.iterdir() if path not in spared]
    for path in left:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@task(
    name="preprocess", task_run_name="preprocess-{shard.encoder.modality}-{shard.name}", **POLICY
)
@discreet
def preprocess_shard(shard: Shard, work: Workplace) -> Prepared:
    """Decode the shard's contents into arrays under the staging folder; returns the handle.

    On a cluster each try has a folder of its own, since a worker that was given up may still be
    at work.
    """
    check_sight(work.sight)
    if work.staging is None:
        return _prepared(shard, work, work.lake.staging)
    place = work.staging / uuid4().hex
    if is_local(place):
        return _prepared(shard, work, place)
    with exchange.scratch() as folder:
        found = _prepared(shard, work, folder)
        exchange.put(found.folder, place / shard.name)
    return replace(found, folder=place / shard.name)


def _prepared(shard: Shard, work: Workplace, folder: Path) -> Prepared:
    return prepare(
        shard,
        work.segmentation,
        work.limits,
        work.runtime,
        folder,
        thumbnail_side=0 if work.private else work.storage.thumbnail_side,
    )
