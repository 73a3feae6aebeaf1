"""Maintain a lake: see what nothing needs any more, remove it."""

from __future__ import annotations

from datetime import datetime

from prefect import task

from storage import garbage
from storage.garbage import Collected, Retention, Survey
from storage.layout import Layout
from tasks.policies import POLICY


@task(name="survey", **POLICY)
def survey_lake(lake: Layout, retention: Retention, now: datetime) -> Survey:
    """Tell which snapshots and files stay, and which go."""
    return garbage.survey(lake, retention, now)


@task(name="collect-garbage", **POLICY)
def collect_garbage(lake: Layout, found: Survey) -> Collected:
    """Remove what the survey says goes; a retry goes on where the last try ended."""
    return garbage.collect(lake, found)
