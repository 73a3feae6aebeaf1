"""Loggers of Prefect that say of each event, again and again, that its server takes none."""

from typing import Final

REPEATING: Final = ("prefect.events.clients", "prefect._internal.concurrency")
