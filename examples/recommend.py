"""Recommend items from what somebody looked at, newest first.

python examples/recommend.py LAKE animals/cat animals/dog --not things/telephone

The history is one query: each item by its fused vector, the older the less. What was looked at
does not come back. Some variety keeps the list from being ten times the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from flows.terminal.ending import told_in_a_line
from flows.terminal.wrapping import visible
from mmcore.search import Part, Searcher, SearchRequest
from mmcore.search.asking.named import item_named
from mmcore.types import Hit

HALF = 5
"""Items after which one counts half."""


def recommended(
    searcher: Searcher, history: Sequence[int], disliked: Sequence[int] = (), k: int = 10
) -> tuple[Hit, ...]:
    """Items for who looked at those of ``history``, the newest first."""
    liked = [Part(item=one, weight=0.5 ** (age / HALF)) for age, one in enumerate(history)]
    not_liked = [Part(item=one, weight=-0.5) for one in disliked]
    request = SearchRequest(parts=(*liked, *not_liked), collapse=True, diversity=0.2, k=k)
    return searcher.answer(request).hits


def main() -> None:
    """Print recommendations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("history", nargs="+", help="items by key or id, newest first")
    parser.add_argument("--not", dest="disliked", action="append", default=[])
    told = parser.parse_args()
    searcher = Searcher.open(told.lake)
    history, disliked = (
        [item_named(searcher.snapshot, name) for name in names]
        for names in (told.history, told.disliked)
    )
    found = recommended(searcher, history, disliked)
    for hit in found:
        print(f"{visible(hit.key)}  {visible(hit.path or '')}")
    if not found:
        print("nothing found: the lake has no other items")


if __name__ == "__main__":
    with told_in_a_line():
        main()
