"""A lake of which no snapshot can be opened any more: what is in the way of a run is set aside.

Manifests are the one thing that no run can make again as it was. Where one is damaged and another
snapshot is whole, a person says what serves. Where none is whole, nothing is left to choose from:
the next run begins anew, from the cells that are there.
"""

from __future__ import annotations

from storage.errors import CorruptLakeError, LakeVersionError, NoLakeError
from storage.layout import Layout
from storage.leases import still_held
from storage.maintenance.mending import renamed
from storage.published import current, manifest_of, published
from storage.snapshot import Snapshot

MANIFEST = "manifest.json"


def is_lost(layout: Layout) -> bool:
    """Whether what serves cannot be told, or its manifest not read, and no snapshot is whole.

    A snapshot of a schema that this mmindex does not know counts as whole: another one reads it.
    """
    try:
        manifest_of(layout)
    except NoLakeError:
        return False
    except CorruptLakeError:
        return not any(_opens(layout, number) for number in published(layout))
    return False


def _opens(layout: Layout, number: int) -> bool:
    try:
        Snapshot.open(layout, number)
    except CorruptLakeError:
        return False
    except LakeVersionError:
        return True
    return True


def begin_anew(layout: Layout) -> list[str]:
    """Set the manifests and ``CURRENT`` of a lost lake aside; return their names below the lake.

    They are kept as ``<name>.damaged``, in the snapshots' folders,
    whose numbers are so never given again. Hold the writer's lock, and ask ``is_lost`` before.
    """
    paths = [layout.snapshot(number) / MANIFEST for number in published(layout)]
    still_held(layout)
    for path in paths:
        renamed(path, path.with_name(f"{MANIFEST}.damaged"))
    number = _pointed_at(layout)
    folder = layout.root if number is None else layout.snapshot(number)
    if folder.is_file():
        folder = layout.root
    if layout.current.exists():  # last: until then a run finds the lake lost, and goes on here
        renamed(layout.current, folder / "CURRENT.damaged")
        paths.append(layout.current)
    return [layout.relative(path) for path in paths]


def _pointed_at(layout: Layout) -> int | None:
    try:
        return current(layout)
    except CorruptLakeError:
        return None
