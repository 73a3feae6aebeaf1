"""How query sets look on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from mmcore.evaluation.querysets.imported import Imported
    from storage.querysets import QuerySetCard

_SHOWN: Final = 20  # documents that are missing


def sets(out: Console, cards: Sequence[QuerySetCard]) -> None:
    """A table, or how to make a first set."""
    if not cards:
        out.print("no query sets: `mmindex queries add NAME --qrels FILE` imports one")
        return
    table = Table("set", "kind", "queries", "judged", "imported", box=None, pad_edge=False)
    for card in cards:
        counts = f"{card.queries:,}", f"{card.judged:,}"
        table.add_row(escape(card.name), card.kind, *counts, f"{card.when:%Y-%m-%d %H:%M}")
    out.print(table)


def added(out: Console, card: QuerySetCard, found: Imported, least: int) -> None:
    """What was imported, what was left out, and what is too little to be measured.

    ``least``: the queries that a direction needs.
    """
    out.print(
        f"query set [bold]{escape(card.name)}[/]: {_count(card.queries, 'query', 'queries')},"
        f" {_count(card.judged, 'judgement', 'judgements')} ({card.kind});"
        " the next evaluation asks them"
    )
    if found.missing:
        out.print(
            f"not in the lake, and left out: {_count(len(found.missing), 'document', 'documents')}"
        )
        for name in found.missing[:_SHOWN]:
            out.print(f"  {escape(name)}")
        if len(found.missing) > _SHOWN:
            out.print(f"  and {len(found.missing) - _SHOWN:,} more")
    if found.unanswered:
        lost = _count(len(found.unanswered), "query", "queries")
        out.print(f"without a right answer, and left out: {lost}")
    for side, queries in found.asked_by().items():
        if queries < least:
            told = f"{side}: {queries:,} of the {least:,} queries that it takes, not measured"
            out.print(told, style="yellow", highlight=False)


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


def removed(out: Console, name: str) -> None:
    """That it is gone."""
    out.print(f"query set [bold]{escape(name)}[/] is removed")
