"""One run at a time on the GPUs of a machine, whatever the lakes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from prefect.client.orchestration import get_client
from prefect.concurrency.sync import concurrency
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound

from mmcore.encoders.compute.claims import claimed, gpus_of

LIMIT: Final = "mmindex-gpu"
"""Prefect's limit on runs that use GPUs: as many as there are machines with some."""

LEASE: Final = 60.0
"""Seconds after which the slot of a run that was killed is free."""

log = logging.getLogger(__name__)


@contextmanager
def gpus_claimed(devices: tuple[str, ...]) -> Iterator[None]:
    """Be the only run that embeds with the GPUs among ``devices``; waits for the others.

    A run takes a slot of Prefect's limit once, so that the server shows who waits, and then the
    machine's own locks, which hold whatever a server knows, and die with their holder. A limit
    that nobody made is no error: Prefect lets any number of runs through it.
    """
    gpus = gpus_of(devices)
    if gpus and _limited():
        with _slot(), claimed(gpus):
            yield
    else:
        with claimed(gpus):
            yield


@contextmanager
def _slot() -> Iterator[None]:
    """A slot of the limit; a server that goes away keeps nobody from the GPU."""
    held = ExitStack()
    with _tolerated("gives no slot of"):
        held.enter_context(
            concurrency(
                LIMIT, strict=True, lease_duration=LEASE, raise_on_lease_renewal_failure=False
            )
        )
    try:
        yield
    finally:
        with _tolerated("takes no slot back of"):
            held.close()


@contextmanager
def _tolerated(what: str) -> Iterator[None]:
    """What Prefect says to the limit is a warning: the machine's own lock holds the GPU."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - see above
        log.warning("Prefect %s %r: %s", what, LIMIT, type(error).__name__)


def _limited() -> bool:
    """Whether this is a run that a server knows, and it has the limit."""
    if FlowRunContext.get() is None:
        return False
    found = False
    with _tolerated("knows nothing of"), get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(LIMIT)
            found = True
        except ObjectNotFound:
            log.info("no limit %r on this server: the machine's own lock holds the GPU", LIMIT)
    return found
