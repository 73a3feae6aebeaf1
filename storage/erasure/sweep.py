"""The end of an erasure: candidates that name the erased, and files that nothing names, go."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from storage import exchange
from storage.candidates import MANIFEST, drop_candidate, number_of, remove_folder, runs
from storage.erasure.orders import Order
from storage.erasure.parts import Parts
from storage.erasure.rows import cleaned
from storage.erasure.updates import any_updated
from storage.errors import CorruptLakeError, LakeVersionError
from storage.indexes.card import EVERY
from storage.layout import Layout
from storage.leases import still_held
from storage.manifest import Manifest, read_manifest
from storage.places.atomic import sync
from storage.places.place import is_local, remove
from storage.places.reach import Reach, reach
from storage.published import published
from storage.snapshot import Snapshot

_DERIVED: Final = (  # what any run makes again, in the order of removal
    *("reports", "files", "items", "item_files", "segments", "quarantine", "captions"),
    *("queries", "words", "fused", "indexes", "spaces"),
)
_TEMPORARY: Final = re.compile(r"\.[0-9a-f]{32}\.tmp")
_OURS: Final = (
    *("part-*.parquet", *EVERY),
    *("report.html", "report.json", "throughput.json"),
    *("queries.parquet", "run.trec", "qrels.trec"),
)
_KEPT: Final = (("queries", "sets"), ("reports", "training"))
"""Made by nobody again: sets are cleaned by themselves, reports of trainings with the others."""
_ASIDE: Final = ".damaged"  # a part that could not be read, and that was done again


def empty_staging(layout: Layout) -> None:
    """Remove what lies between decoding and embedding, on this machine or where it is shared."""
    exchange.end(layout)
    if layout.staging.exists():
        shutil.rmtree(layout.staging)


def doomed_candidates(layout: Layout, order: Order, key: bytes, parts: Parts) -> tuple[str, ...]:
    """The candidates that name something of the erased, or that cannot be read."""
    return tuple(
        run
        for run in runs(layout)
        if _names(layout, layout.candidate(run) / MANIFEST, order, key, parts)
    )


def drop_candidates(layout: Layout, doomed: Iterable[str]) -> None:
    """Remove candidates, with the reports of those that were never published."""
    for run in doomed:
        still_held(layout)
        number = number_of(layout.candidate(run))
        if number is not None and number not in published(layout):
            remove_folder(layout.report(str(number)))
        drop_candidate(layout, run)


def _names(layout: Layout, path: Path, order: Order, key: bytes, parts: Parts) -> bool:
    try:
        snapshot = Snapshot.of(layout, read_manifest(path))
        if any(file.path in parts.replaced for file in snapshot.manifest.files):
            return True
        return any_updated(snapshot) or bool(cleaned(snapshot, order, key).tables)
    except (CorruptLakeError, LakeVersionError):  # nobody can tell what it holds
        return True


def sweep(layout: Layout, order: Order) -> int:
    """Remove replaced files and all that nothing names, and return how many files that were.

    Finished cells that no snapshot names yet stay; what is made of cells does not, since any run
    makes it again. What serves is never touched, so this may be killed and done again. Links are
    followed: of what lies behind one, only files of ours go, and with a linked file the link.
    """
    kept = [read_manifest(layout.snapshot(n) / MANIFEST) for n in published(layout)]
    kept += list(_candidates(layout))
    named = {file.path for manifest in kept for file in manifest.files}
    reports = {str(m.evaluation.report) for m in kept if m.evaluation}
    reports |= {str(m.number) for m in kept}

    found = reach(layout.root)

    def goes(name: PurePosixPath) -> bool:
        if _is_temporary(name) or name.name.endswith(_ASIDE):
            return True
        if str(name) in found.linked and not _is_ours(name, order):
            return False
        if name.parts[:2] in _KEPT:
            return False
        if name.parts[0] == "reports":
            return name.parts[1] not in reports
        derived = name.parts[0] in _DERIVED or str(name) in order.replaced
        return derived and str(name) not in named

    count = 0
    for turn in _turns([*found.files, *_lost(found, order)], goes):
        still_held(layout)
        paths = [layout.root / name for name in turn]
        remove(path.resolve() for path in paths if is_local(path) and path.is_symlink())
        remove(paths)
        for folder in {(layout.root / name).parent for name in turn}:
            _tidy(folder)
        count += len(turn)
    return count


def _candidates(layout: Layout) -> Iterator[Manifest]:
    for run in runs(layout):
        yield read_manifest(layout.candidate(run) / MANIFEST)


def _is_ours(name: PurePosixPath, order: Order) -> bool:
    return str(name) in order.replaced or any(map(name.match, _OURS))


def _lost(found: Reach, order: Order) -> Iterator[str]:
    """Links of replaced files whose targets are gone: removal was interrupted between the two."""
    return (name for name in found.trouble if name in order.replaced)


def _turns(names: Iterable[str], goes: Callable[[PurePosixPath], bool]) -> Iterator[list[str]]:
    """The files that go, by what must be gone before what.

    The card of an index, by which a run finds it built, goes before the index; projected vectors
    go before the cells that they were made of.
    """
    wanted = [n for n in sorted(names) if goes(PurePosixPath(n))]
    areas = (*_DERIVED, "")
    for area in areas:
        mine = [n for n in wanted if _area(n) == area]
        yield [n for n in mine if n.endswith(".json")]
        yield [n for n in mine if not n.endswith(".json")]


def _area(name: str) -> str:
    area = name.partition("/")[0]
    return area if area in _DERIVED else ""


def _is_temporary(name: PurePosixPath) -> bool:
    return any(_TEMPORARY.fullmatch(part) for part in name.parts)


def _tidy(folder: Path) -> None:
    """Remove a folder that has become empty, else flush it; a store has none."""
    if not is_local(folder) or not folder.is_dir():
        return
    if any(folder.iterdir()):
        sync(folder)
    else:
        folder.rmdir()
