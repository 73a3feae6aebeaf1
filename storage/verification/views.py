"""Whether ``views.sql`` is what the manifest gives: no manifest names it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

from storage.erasure.orders import interrupted
from storage.manifest import Manifest
from storage.places.place import read_now
from storage.snapshot import Snapshot
from storage.verification.findings import Finding
from storage.views import SCHEMA, views_sql

VIEWS: Final = "views.sql"
_NAMED: Final = re.compile(r'VIEW "[^"]+"|\'[^\']+\.parquet\'')


def is_served(snapshot: Snapshot) -> bool:
    """Whether it was published: a candidate, even one with a number, was not yet."""
    number = snapshot.manifest.number
    return number is not None and (snapshot.layout.snapshot(number) / "manifest.json").exists()


def view_findings(snapshot: Snapshot) -> Iterator[Finding]:
    """The views of a published snapshot are there, and of its files; a candidate has none yet."""
    if not is_served(snapshot):
        return
    manifest = snapshot.manifest
    path = snapshot.layout.snapshot(manifest.number or 0) / VIEWS
    way_out = f"`mmindex snapshots rollback {manifest.number}` writes it anew"
    try:
        text = read_now(path).decode("utf-8", "replace")
    except OSError as error:
        why = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        yield Finding(snapshot.layout.relative(path), f"{why}: {way_out}")
        return
    # an erasure puts the views before the manifest: ended, it leaves both alike
    if not are_views(text, manifest) and not interrupted(snapshot.layout):
        why = f"is not what the manifest gives: {way_out}"
        yield Finding(snapshot.layout.relative(path), why)


def are_views(text: str, manifest: Manifest) -> bool:
    """Whether ``text`` makes the views of ``manifest``.

    What another mmindex, or one of another schema, wrote may say it in other words: its views and
    files are compared.
    """
    expected = views_sql(manifest)
    ours = manifest.software.get("mmindex") == version("mmindex")
    if ours and text.partition("\n")[0].endswith(SCHEMA):
        return text == expected
    return _NAMED.findall(text) == _NAMED.findall(expected)
