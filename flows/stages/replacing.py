"""A flow that gives what serves other models: it opens the lake, and becomes its writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flows.config.train import PromoteConfig, TrainConfig
from flows.stages.mending import replaceable
from flows.stages.writing import as_writer
from flows.telling.clock import Clock
from mmcore.embedding.embed import releasing
from storage.keys import check_key
from storage.layout import Layout
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.models import workplace_of
from tasks.workplace import Workplace

C = TypeVar("C", PromoteConfig, TrainConfig)
R = TypeVar("R")


def over_what_serves(config: C, run: Callable[[C, Workplace, Snapshot, Clock], R]) -> R:
    """What ``run`` makes of the published snapshot, while nobody else writes to the lake.

    It gets the snapshot without those of its models that are damaged.
    """
    lake = Layout(config.lake_root())
    found = replaceable(lake, quiet=True)  # before the lock makes a folder
    work = workplace_of(found, config.runtime)
    check_key(lake)
    return _locked(config, work, run)


@discreet
def _locked(config: C, work: Workplace, run: Callable[[C, Workplace, Snapshot, Clock], R]) -> R:
    lake = work.lake
    with as_writer(lake, config.wait), releasing():
        published = replaceable(lake)
        return run(config, workplace_of(published, config.runtime), published, Clock())
