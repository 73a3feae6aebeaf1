"""The worst queries of each direction, named so that a person can follow them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.evaluation.outcomes import HELD_OUT, Outcome
from mmcore.evaluation.queries import text_side
from mmcore.evaluation.reporting.runs import INDEX
from mmcore.evaluation.reporting.sources import among, is_in
from mmcore.evaluation.reporting.user_texts import UserTexts
from mmcore.evaluation.reporting.words import WHOLE
from mmcore.evaluation.scores import Worst
from storage.schemas import is_caption
from storage.snapshot import Snapshot

_WORST: Final = 10
_EXPECTED: Final = 3
_LETTERS: Final = 200  # of a text that is shown

_PAIRS: Final = "pairs:"  # begins directions whose answers are pairs of a set, no items

Side = tuple[int, str]


class WorstQueries:
    """Picks them, and looks up what is shown of the few: keys of items, paths of files, texts."""

    def __init__(self, snapshot: Snapshot, outcomes: Sequence[Outcome]) -> None:
        """Read of the snapshot's tables what the worst queries of ``outcomes`` need."""
        self._private = snapshot.manifest.private
        self._places = {id(o): _places(o) for o in outcomes if not o.name.startswith(INDEX)}
        sets = {outcome.set for outcome in outcomes} - {HELD_OUT}
        self._users = UserTexts.of(snapshot.layout, () if self._private else sorted(sets))
        asked, items = set[str](), set[int]()
        for outcome in outcomes:
            for place in self._places.get(id(outcome), ()):
                asked.add(self._content(outcome, place))
                items.update(_shown(outcome, place), _own(outcome, place))
        self._keys = _keys(snapshot, items)
        self._paths = _paths(snapshot, asked)
        self._texts, self._of_items = ({}, {}) if self._private else _texts(snapshot, asked, items)

    def of(self, outcome: Outcome) -> list[Worst]:
        """The queries whose first right answer is furthest down, the worst first."""
        return [self._worst(outcome, place) for place in self._places.get(id(outcome), ())]

    def _worst(self, outcome: Outcome, place: int) -> Worst:
        ranking, content = outcome.ranking, self._content(outcome, place)
        right, found = ranking.expected[place].tolist(), ranking.found[place][:1].tolist()
        names = (self._item(item, outcome) for item in right)
        is_item = not outcome.name.startswith(_PAIRS)
        return Worst(
            query=self._asked(outcome, place),
            expected=list(dict.fromkeys(names))[:_EXPECTED],
            first=self._item(found[0], outcome) if found else "",
            rank=int(ranking.first[place]),
            relevant=int(ranking.relevant[place]),
            contents=[content] if content in self._paths or content in self._texts else [],
            item=right[0] if right and is_item else None,
            found_item=found[0] if found and is_item else None,
        )

    def _asked(self, outcome: Outcome, place: int) -> str:
        """A question's text, or its file's path; in a private lake its content id."""
        query = outcome.queries[place]
        for item in _own(outcome, place):
            return f"{self._keys.get(item, item)}/{query.partition('/')[2]}"
        if self._private:
            return query
        text = self._users.queries.get((outcome.set, query), self._texts.get(query))
        content = self._content(outcome, place)
        return self._paths.get(content, content) if text is None else shortened(text)

    def _content(self, outcome: Outcome, place: int) -> str:
        """The content that asks; of a user's query that is a file, that file's."""
        query = outcome.queries[place]
        return self._users.media.get((outcome.set, query), query)

    def _item(self, item: int, outcome: Outcome) -> str:
        """An item by the text that was looked for, else by its key; a pair by its other side."""
        target = outcome.name.rpartition("→")[2]
        if outcome.name.startswith(_PAIRS):
            return shortened(self._users.pairs.get((outcome.set, item, target), str(item)))
        text = self._of_items.get((item, target))
        return self._keys.get(item, str(item)) if text is None else shortened(text)


def shortened(text: str) -> str:
    """One line of at most 200 letters."""
    line = " ".join(text.split())
    return line if len(line) <= _LETTERS else line[: _LETTERS - 1] + "…"


def _places(outcome: Outcome) -> list[int]:
    """Places of the worst queries; one that nothing right could be found for is worst of all."""
    first = outcome.ranking.first
    missed = np.where(first == 0, outcome.ranking.sizes + 1, first)
    order = sorted(range(len(first)), key=lambda p: (-missed[p], outcome.queries[p]))
    return [place for place in order if first[place] != 1][:_WORST]


def _shown(outcome: Outcome, place: int) -> list[int]:
    ranking = outcome.ranking
    return [*ranking.expected[place].tolist(), *ranking.found[place][:1].tolist()]


def _own(outcome: Outcome, place: int) -> Iterable[int]:
    """The item that asks, where a whole item does."""
    if outcome.set == HELD_OUT and outcome.name.partition("→")[0] in WHOLE:
        yield int(outcome.queries[place].partition("/")[0])


def _keys(snapshot: Snapshot, items: Collection[int]) -> dict[int, str]:
    rows = among(snapshot.rows("items", ["item_id", "key"]), "item_id", items)
    return dict(zip(rows["item_id"].to_pylist(), rows["key"].to_pylist(), strict=True))


def _paths(snapshot: Snapshot, contents: Collection[str]) -> dict[str, str]:
    """Content → path of the first file that has it; of a manifest's caption there is none."""
    rows = among(snapshot.rows("files", ["path", "content_id"]), "content_id", contents)
    pairs = zip(rows["content_id"].to_pylist(), rows["path"].to_pylist(), strict=True)
    return dict(sorted(pairs, reverse=True))


def _texts(
    snapshot: Snapshot, contents: Collection[str], items: Collection[int]
) -> tuple[dict[str, str], dict[Side, str]]:
    """Texts by content; and by item and side, the first one by content id."""
    columns = ["item_id", "content_id", "source", "start", "segment_id", "language", "text"]
    rows = snapshot.rows("segments/text", columns)
    mine = pc.or_(is_in(rows, "content_id", contents), is_in(rows, "item_id", items))
    chunks: dict[str, dict[int, str]] = defaultdict(dict)
    sides: dict[Side, str] = {}
    for row in _in_order(rows.filter(mine)):
        chunks[row["content_id"]][row["segment_id"]] = row["text"] or ""
        sides.setdefault((row["item_id"], text_side(row["language"])), row["content_id"])
    texts = {content: " ".join(of.values()) for content, of in chunks.items()}
    return texts, {side: texts[content] for side, content in sides.items()}


def _in_order(rows: pa.Table) -> list[Mapping[str, Any]]:
    """Somebody's texts, by content and place in it."""
    order = [(name, "ascending") for name in ("content_id", "start", "segment_id")]
    return [row for row in rows.sort_by(order).to_pylist() if is_caption(row["source"])]
