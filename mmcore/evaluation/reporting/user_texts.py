"""The words and files of users' query sets, to tell a person which query did badly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from storage.layout import Layout
from storage.querysets import QuerySet, read_unchecked


@dataclass(frozen=True, slots=True)
class UserTexts:
    """Texts by set and query; and of pairs, by set, number of the pair and language.

    Of a query that is a file, by set and query its content id.
    """

    queries: dict[tuple[str, str], str] = field(default_factory=dict)
    pairs: dict[tuple[str, int, str], str] = field(default_factory=dict)
    media: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def of(cls, layout: Layout, names: Iterable[str]) -> UserTexts:
        """Those of the sets of these names; one that is not there has none."""
        texts = cls()
        for name in names:
            found = read_unchecked(layout, name)
            if found is not None:
                texts._add(name, found)
        return texts

    def _add(self, name: str, of: QuerySet) -> None:
        rows = of.qrels.to_pylist() if of.card.kind == "pairs" else []
        number = {row["query_id"]: row["item_id"] for row in rows}
        for row in of.queries.to_pylist():
            query, text = row["query_id"], row["text"]
            if row["media"] is not None:
                self.media[name, query] = row["media"]
            if text is not None:
                self.queries[name, query] = text
            if text is not None and query in number:
                self.pairs[name, number[query], row["language"]] = text
