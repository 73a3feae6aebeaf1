"""Erase: from an order to the proof that nothing is left; calls may be killed and repeated."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mmcore.evaluation.erasing import Shown, without
from mmcore.evaluation.report import JSON, PAGE, page
from mmcore.evaluation.scores import Report
from mmcore.training import unlearning
from mmcore.training.split import key_of
from storage import cache, orders, tombstones
from storage.atomic import write_bytes
from storage.erase_parts import rewritten
from storage.errors import CorruptLakeError, ErasureError, UnerasableError
from storage.gathering import Gathering, Place
from storage.keys import lake_key
from storage.layout import Layout
from storage.orders import Order
from storage.places import folders, is_local, listing, opened, remove
from storage.proof import Proof, prove
from storage.scan import Scanner
from storage.schemas import Modality
from storage.snapshot import Snapshot, published
from storage.sweep import drop_candidates, empty_staging, sweep
from storage.traces import Traces
from tasks.reissue import reissue

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """A model that was fitted on erased contents: its weights stay as they are."""

    model: str  # name and version
    contents: int
    captions: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did."""

    reissued: tuple[int, ...]  # snapshots
    candidates: tuple[str, ...]  # runs whose candidates were dropped
    models: tuple[TrainedOn, ...]
    reports: int  # cleaned or removed files
    removed: int  # files
    proof: Proof


def kept_snapshots(lake: Layout) -> list[Snapshot]:
    """Every kept snapshot, opened whole; UnerasableError names one that is damaged."""
    found = []
    for number in published(lake):
        try:
            found.append(Snapshot.open(lake, number))
        except CorruptLakeError as error:
            raise UnerasableError(lake.root, number, f"{error.path} {error.why}") from error
    return found


def erase(lake: Layout, order: Order) -> Erased:
    """Erase what ``order`` names and prove it; a snapshot that serves serves throughout.

    Hold the writer's lock, and have a key. Raises UnerasableError, before anything is changed,
    when what is to be rewritten cannot be read. From the first write on any writer ends it.
    """
    found = _found(lake, order)
    orders.write_order(lake, order)
    return _carried_out(lake, order, found)


def finish(lake: Layout) -> Erased | None:
    """End an erasure that was interrupted, as ``erase`` would have; None where there is none."""
    order = orders.pending(lake)
    return None if order is None else _carried_out(lake, order, _found(lake, order))


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is of the erased, before anything of it is gone."""

    kept: list[Snapshot]
    traces: Traces
    lost: frozenset[Place]  # where no item has a file any more
    common: frozenset[bytes]  # words that others have too

    @property
    def words(self) -> set[bytes]:
        """Names and texts that nobody else has."""
        return self.traces.words().keys() - self.common


def _found(lake: Layout, order: Order) -> _Found:
    kept = kept_snapshots(lake)
    gathering = Gathering(lake, order, kept)
    with _rewritable(lake, kept):
        traces = gathering.traces()
        common = gathering.in_common(traces.words())
    return _Found(kept, traces, frozenset(gathering.lost), frozenset(common))


def _carried_out(lake: Layout, order: Order, found: _Found) -> Erased:
    key, kept = lake_key(lake), found.kept
    empty_staging(lake)
    tombstones.write_tombstones(lake, tombstones.read_tombstones(lake) | order.tombstones)
    with _rewritable(lake, kept):
        parts = rewritten(lake, order, kept, found.lost)
        order = replace(order, replaced=order.replaced | frozenset(parts.cells))
        orders.write_order(lake, order)
        dropped = drop_candidates(lake, order, key, parts)
        models = _unlearn(lake, order, found.traces, kept)
        reports = _clean_reports(lake, found.traces, found.words)
        issued = [one for one in kept if reissue(one, order, key, parts)]
    removed = sweep(lake, order)
    if not is_local(lake.root):
        cache.clear()
    orders.done(lake)
    return Erased(
        reissued=tuple(one.manifest.number or 0 for one in issued),
        candidates=tuple(dropped),
        models=models,
        reports=reports,
        removed=removed,
        proof=prove(lake, found.traces, found.common),
    )


@contextmanager
def _rewritable(lake: Layout, kept: Iterable[Snapshot]) -> Iterator[None]:
    """Say of a damaged file which snapshot needs it."""
    try:
        yield
    except CorruptLakeError as error:
        name = lake.relative(error.path) if error.path.is_relative_to(lake.root) else ""
        needs = [
            one.manifest.number or 0
            for one in kept
            if any(file.path == name for file in one.manifest.files)
        ]
        if not needs:
            raise
        raise UnerasableError(lake.root, needs[0], f"{error.path} {error.why}") from error


def end_erasure(lake: Layout) -> None:
    """``finish`` for a run that came for something else: what it cannot do, it only says."""
    try:
        done = finish(lake)
    except UnerasableError as error:
        log.warning("an erasure that was interrupted is not ended: %s", error)
        return
    if done is None:
        return
    log.warning("an erasure that was interrupted was ended: %d files removed", done.removed)
    if done.proof.left:
        log.warning("%s", ErasureError(lake.root, done.proof.left))


def _unlearn(
    lake: Layout, order: Order, traces: Traces, kept: Iterable[Snapshot]
) -> tuple[TrainedOn, ...]:
    """Take the erased out of every model's record, and name those models."""
    keys = {key_of(text) for text in traces.texts.values()} | traces.captions
    found = []
    for name in folders(lake.root / "models"):
        for version in folders(name):
            path = version / "config.json"
            if not path.is_file():
                continue
            config = path.read_bytes()
            told = unlearning.without(config, order.contents, keys)
            if told is None:
                continue
            if told.captions:  # rarely
                keys = keys - _staying_keys(kept, order, keys)
                told = unlearning.without(config, order.contents, keys)
            if told is not None:
                write_bytes(path, told.config)
                found.append(
                    TrainedOn(f"{name.name}/{version.name}", told.contents, told.captions)
                )
    return tuple(found)


def _staying_keys(kept: Iterable[Snapshot], order: Order, keys: set[str]) -> set[str]:
    """Those of ``keys`` that a text which stays has too."""
    found: set[str] = set()
    for snapshot in kept:
        if snapshot.manifest.private:
            rows = snapshot.rows("captions").to_pylist()
            found |= {row["key"] for row in rows if row["content_id"] not in order.contents}
            continue
        table = snapshot.rows(f"segments/{Modality.TEXT}", ["content_id", "start", "text"])
        chunks: dict[str, dict[float, str]] = {}
        for row in table.to_pylist():
            if row["content_id"] not in order.contents:
                own = chunks.setdefault(row["content_id"], {})
                own[row["start"] or 0.0] = row["text"] or ""
        found |= {key_of(" ".join(of[at] for at in sorted(of))) for of in chunks.values()}
    return found & keys


def _clean_reports(lake: Layout, traces: Traces, words: Iterable[bytes]) -> int:
    """Take the erased out of every report; what cannot be told is removed."""
    shown = Shown({*traces.paths, *traces.keys, *traces.contents}, traces.texts.values())
    scanner = Scanner([*traces.patterns(), *words])
    count, base = 0, lake.root / "reports"
    for folder in folders(base):
        path = folder / JSON
        told = _report(path)
        if told is not None:
            left = without(told, shown, traces.contents)
            if left != told:  # the page first: by the JSON one sees that it is to be done
                write_bytes(folder / PAGE, page(left).encode())
                write_bytes(path, left.model_dump_json(indent=2).encode())
                count += 2
        for name in sorted(listing(folder)):
            with opened(folder / name) as file:
                found, _ = scanner.found_in_file(file)
            if found:
                remove([folder / name])
                count += 1
    return count


def _report(path: Path) -> Report | None:
    try:
        return Report.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValueError):  # none, or another version's: its bytes are searched
        return None
