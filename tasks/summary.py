"""The page that a flow run shows of itself in Prefect, when it ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext
from prefect.settings import (
    PREFECT_API_REQUEST_TIMEOUT,
    PREFECT_CLIENT_MAX_RETRIES,
    temporary_settings,
)

log = logging.getLogger(__name__)

SECONDS = 5.0
"""How long a server may take for it."""


@contextmanager
def quickly() -> Iterator[None]:
    """Within, a request is made once, and has SECONDS: a dead server holds up nobody."""
    with temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_API_REQUEST_TIMEOUT: SECONDS}):
        yield


def show_summary(flow: str, text: str) -> bool:
    """Put ``text`` (Markdown) onto the flow run; outside of a run, nothing.

    Whether it was kept: what Prefect says to it stops no run.
    """
    if FlowRunContext.get() is None:
        return False
    try:
        with quickly():
            create_markdown_artifact(text, key=f"{flow}-summary", description="What the run did.")
    except Exception as error:  # noqa: BLE001 - a run is worth more than its page
        log.warning("Prefect keeps no summary of the run: %s", type(error).__name__)
        return False
    return True
