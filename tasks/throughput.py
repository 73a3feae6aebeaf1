"""What a run's devices did, for people: beside the evaluation's report, and in Prefect."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any, Final

from prefect.artifacts import create_table_artifact
from prefect.context import FlowRunContext

from storage.layout import Layout
from storage.places.atomic import write_bytes
from tasks.summary import quickly

log = logging.getLogger(__name__)

FILE: Final = "throughput.json"
KEY: Final = "throughput"  # Prefect allows lower case, digits and dashes


def keep_throughput(lake: Layout, number: int, told: Mapping[str, Mapping[str, Any]]) -> None:
    """Write ``reports/<number>/throughput.json``; ``told``: figures by encoder.

    It stays as long as the snapshot's report, and goes with it.
    """
    text = json.dumps(told, ensure_ascii=False, indent=2)
    write_bytes(lake.report(str(number)) / FILE, text.encode())


def show_throughput(told: Mapping[str, Mapping[str, Any]]) -> None:
    """Put a table onto the flow run, if there is one; what Prefect says to it stops no run."""
    if not told or FlowRunContext.get() is None:
        return
    table = [{"encoder": encoder, **_flat(figures)} for encoder, figures in told.items()]
    try:
        with quickly():
            create_table_artifact(
                table, key=KEY, description="What the devices did for each encoder of this run."
            )
    except Exception as error:  # noqa: BLE001 - a run is worth more than its table
        log.warning("Prefect keeps no table of the throughput: %s", error)


def _flat(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Lists and mappings as text: a cell of a table is a number or a text."""
    return {
        name: value if isinstance(value, int | float | str) or value is None else _said(value)
        for name, value in figures.items()
    }


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{count}×{size}" for size, count in value.items())
    return ", ".join(map(str, value))
