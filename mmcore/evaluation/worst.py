"""The worst queries of a direction, named so that a person can follow them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mmcore.evaluation.queries import Pairs, Question
from mmcore.evaluation.ranking import Ranking
from mmcore.evaluation.scores import Worst
from mmcore.search.hits import Lookup
from mmcore.types import Ids
from storage.snapshot import Snapshot

_WORST: Final = 10
_EXPECTED: Final = 3
_LETTERS: Final = 200  # of a text that is shown


class WorstQueries:
    """Picks them, and looks up keys of items and paths of files for the few that are shown."""

    def __init__(self, snapshot: Snapshot, pairs: Pairs) -> None:
        self._pairs = pairs
        self._private = snapshot.manifest.private
        self._items = Lookup.of(snapshot.rows("items", ["item_id", "key"]), "item_id")
        columns = ["item_id", "path", "content_id"]
        self._files = Lookup.of(snapshot.rows("item_files", columns), "item_id")

    def of(self, chosen: Sequence[Question], ranking: Ranking, target: str) -> list[Worst]:
        """The queries whose first right answer is furthest down, the worst first."""
        order = sorted(
            (place for place in range(len(chosen)) if ranking.first[place] > 1),
            key=lambda place: (-ranking.first[place], chosen[place].content_id),
        )
        return [self._worst(chosen[place], place, ranking, target) for place in order[:_WORST]]

    def _worst(self, question: Question, place: int, ranking: Ranking, target: str) -> Worst:
        found = ranking.found[place]
        return Worst(
            query=self._asked(question),
            expected=self._expected(ranking.expected[place], target),
            first=self._item(int(found[0]), target) if len(found) else "",
            rank=int(ranking.first[place]),
            relevant=int(ranking.relevant[place]),
        )

    def _asked(self, question: Question) -> str:
        """The text of a question, or the path of its file; in a private lake its content id."""
        if self._private:
            return question.content_id
        if question.chunks:
            return shortened(" ".join(question.chunks))
        files = self._files.rows(int(question.items[0]))
        paths = [f["path"] for f in files if f["content_id"] == question.content_id]
        return paths[0] if paths else question.content_id

    def _expected(self, items: Ids, target: str) -> list[str]:
        """Some right answers, each once, in their order."""
        return list(dict.fromkeys(self._item(i, target) for i in items.tolist()))[:_EXPECTED]

    def _item(self, item: int, target: str) -> str:
        """An item by the text that was looked for, else by its key."""
        text = None if self._private else self._pairs.text(item, target)
        if text is not None:
            return shortened(text)
        rows = self._items.rows(item)
        return str(rows[0]["key"]) if rows else str(item)


def shortened(text: str) -> str:
    """One line of at most 200 letters."""
    line = " ".join(text.split())
    return line if len(line) <= _LETTERS else line[: _LETTERS - 1] + "…"
