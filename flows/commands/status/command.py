"""What `mmindex status` does: the published snapshot in figures."""

from __future__ import annotations

import os

from flows.commands.snapshots.show import interrupted
from flows.commands.status import show
from flows.stages.blocked import naming_blocked
from flows.terminal.language import language_of
from flows.terminal.printing import ERR, OUT, print_json
from storage.erasure import orders
from storage.layout import Layout
from storage.places.place import place_of
from storage.snapshot import Snapshot
from tasks.empty_items import empty_items


def run_status(lake: str, lang: str | None = None, *, as_json: bool) -> None:
    """`mmindex status`: what serves, and what of the sources could not be used."""
    language = language_of(lang, os.environ)
    layout = Layout(place_of(lake))
    with naming_blocked(layout):
        snapshot = Snapshot.open(layout)
    quarantine = snapshot.rows("quarantine", ["root", "path", "stage", "reason", "message"])
    empty = empty_items(snapshot)
    if as_json:
        said = show.status_json(layout, snapshot.manifest, empty)
        waits = {"erasure_interrupted": orders.interrupted(layout)}
        print_json(said | waits | {"quarantine": quarantine.to_pylist()})
    else:
        if orders.interrupted(layout):
            interrupted(ERR, language)
        show.status(OUT, layout, snapshot.manifest, empty, language=language)
        show.quarantine(OUT, quarantine.to_pylist(), language)
