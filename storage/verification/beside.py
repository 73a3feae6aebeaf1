"""What a lake keeps beside its snapshots: users' query sets, the history, the last look."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from storage import history, looked
from storage.json_files import read_object
from storage.layout import Layout
from storage.places.place import children, folders
from storage.querysets import CARD, media_of, read_set
from storage.verification.findings import Finding, told_by


def beside_findings(layout: Layout) -> Iterator[Finding]:
    """A set is what was imported, an entry of the history can be read, and ``LOOKED`` too.

    What is wrong there makes no snapshot unsound for search: evaluations need it.
    """
    for folder in folders(layout.query_sets, links=True):
        yield from told_by(layout, _set_findings(layout, folder.name))
    for name in children(layout.history):
        if name.endswith(".json"):
            yield from told_by(layout, _entry_findings(layout, name))
    if layout.looked.exists() and looked.read(layout) is None:
        yield Finding(layout.relative(layout.looked), "is damaged: the next run writes it anew")


def _set_findings(layout: Layout, name: str) -> Iterator[Finding]:
    if not (layout.query_set(name) / CARD).exists():
        return  # a writer is at it, or was killed: garbage
    found = read_set(layout, name)
    for content in found.queries["media"].drop_null().unique().to_pylist():
        media_of(layout, name, content)
    yield from ()


def _entry_findings(layout: Layout, name: str) -> Iterator[Finding]:
    path = layout.history / name
    try:
        history.Entry.model_validate(read_object(path) or {})
    except ValidationError:
        yield Finding(layout.relative(path), "is no entry of a history: it is left out")
