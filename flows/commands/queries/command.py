"""What `mmindex queries …` does: a user's own query sets in a lake."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flows.commands.queries import show
from flows.terminal.printing import OUT, print_json
from mmcore.errors import ConfigError
from mmcore.evaluation.querysets.imported import Imported, import_pairs, import_qrels
from mmcore.specs import EvaluationSpec
from storage.errors import NoLakeError
from storage.layout import Layout
from storage.locks import writer_lock
from storage.places.place import place_of
from storage.published import current
from storage.querysets import check_absent, read_sets, remove_set, write_set
from storage.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Files:
    """What a set is made of: judgements, with their queries or a CSV of both, or pairs."""

    qrels: Path | None = None
    queries: Path | None = None
    pairs: Path | None = None
    allow_missing: bool = False


def run_list(lake: str, *, as_json: bool) -> None:
    """`mmindex queries list`."""
    cards = read_sets(_layout(lake))
    if as_json:
        print_json([card.model_dump(mode="json") for card in cards])
    else:
        show.sets(OUT, cards)


def run_add(lake: str, name: str, files: Files, wait: float, *, as_json: bool) -> None:
    """`mmindex queries add`: the files are read before the lake is locked and written to."""
    layout = _layout(lake)
    check_absent(layout, name)
    snapshot = Snapshot.open(layout)
    found = _imported(snapshot, files)
    least = _least(snapshot)
    card = found.card(name)
    with writer_lock(layout, wait):
        write_set(layout, card, found.queries, found.qrels, found.media)
    if as_json:
        told = {
            "missing": found.missing,
            "unanswered": found.unanswered,
            "asked_by": found.asked_by(),
            "least": least,
        }
        print_json(card.model_dump(mode="json") | told)
    else:
        show.added(OUT, card, found, least)


def run_remove(lake: str, name: str, wait: float) -> None:
    """`mmindex queries remove`."""
    layout = _layout(lake)
    with writer_lock(layout, wait):
        remove_set(layout, name)
    show.removed(OUT, name)


def _least(snapshot: Snapshot) -> int:
    """How many queries a direction of the lake needs to be measured."""
    told = snapshot.manifest.specs.get("evaluation", {})
    return EvaluationSpec.model_validate(told).min_queries


def _imported(snapshot: Snapshot, files: Files) -> Imported:
    if (files.qrels is None) == (files.pairs is None):
        raise ConfigError("say what to import: either --qrels FILE or --pairs FILE")
    if files.qrels is not None:
        return import_qrels(
            snapshot, files.qrels, files.queries, allow_missing=files.allow_missing
        )
    if files.pairs is None or files.queries is not None or files.allow_missing:
        raise ConfigError("--queries and --allow-missing go with --qrels")
    return import_pairs(snapshot, files.pairs)


def _layout(lake: str) -> Layout:
    layout = Layout(place_of(lake))
    if current(layout) is None:
        raise NoLakeError(layout.root)
    return layout
