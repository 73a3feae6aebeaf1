"""Propose and publish a candidate: the pointer moves once everything it names is on disk."""

from __future__ import annotations

import logging

from prefect import task

from storage import candidates, publication
from storage.layout import Layout
from storage.manifest import Manifest
from tasks.discretion import discreet
from tasks.policies import POLICY
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


@task(name="propose", **POLICY)
@discreet
def propose_candidate(manifest: Manifest, work: Workplace) -> Manifest:
    """Give the candidate its number, once, and write its manifest under ``candidates/``.

    There it stays until it is published: what blocks it can be looked into.
    """
    return propose(manifest, work.lake)


def propose(manifest: Manifest, lake: Layout) -> Manifest:
    """`propose_candidate` as a plain function."""
    numbered = manifest.model_copy(update={"number": publication.next_number(lake)})
    candidates.write_candidate(lake, numbered)
    return numbered


@task(name="publish", **POLICY)
@discreet
def publish_snapshot(manifest: Manifest, work: Workplace) -> Manifest:
    """Make the candidate the published snapshot, or find that an earlier try did."""
    return publish(manifest, work.lake)


def publish(manifest: Manifest, lake: Layout) -> Manifest:
    """`publish_snapshot` as a plain function."""
    published = publication.publish(lake, manifest)
    try:
        candidates.drop_candidate(lake, manifest.run)
    except OSError as error:  # what serves is whole
        log.warning("%s is left over: %s", lake.candidate(manifest.run), error)
    return published
