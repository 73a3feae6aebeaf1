"""Propose and publish a candidate: the pointer moves once everything it names is on disk."""

from __future__ import annotations

import logging

from prefect import task

from storage import publication
from storage.manifest import Manifest
from tasks.policies import POLICY
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


@task(name="propose", **POLICY)
def propose_candidate(manifest: Manifest, work: Workplace) -> Manifest:
    """Give the candidate its number, once, and write its manifest under ``candidates/``.

    There it stays until it is published: what blocks it can be looked into.
    """
    numbered = manifest.model_copy(update={"number": publication.next_number(work.lake)})
    publication.write_candidate(work.lake, numbered)
    return numbered


@task(name="publish", **POLICY)
def publish_snapshot(manifest: Manifest, work: Workplace) -> Manifest:
    """Make the candidate the published snapshot, or find that an earlier try did."""
    published = publication.publish(work.lake, manifest)
    try:
        publication.drop_candidate(work.lake, manifest.run)
    except OSError as error:  # what serves is whole
        log.warning("%s is left over: %s", work.lake.candidate(manifest.run), error)
    return published
