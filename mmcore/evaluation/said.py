"""What captions say, by content: key, language and chunks; kept as places of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmcore.evaluation.linked import Codes, Linked, Names
from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys
from mmcore.types import Ids


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """The caption of each content code, if it is one."""

    codes: Codes  # (rows,) the content of each row
    keys: Sequence[str]  # each caption key once, sorted; a key's place is its code
    key: Codes  # (contents,) −1: no caption, or one that says nothing that could be equal
    _first: Codes  # (contents,) the first row of each; −1: no caption
    _chunks: Linked  # content → rows
    _texts: Sequence[str | None]  # of rows
    _languages: Sequence[str | None]

    @classmethod
    def of(cls, rows: Rows, names: Names) -> Said:
        """``rows``: captions, whose contents ``names`` has; the first row of each tells."""
        codes = names.codes(rows.content_ids)
        told, places = np.unique(codes, return_index=True)
        first = np.full(len(names), -1, dtype=np.int64)
        first[told] = places
        every = caption_keys(rows)
        keys = sorted({every[place] for place in places.tolist()} - {""})
        place_of = {key: place for place, key in enumerate(keys)}
        key = np.full(len(names), -1, dtype=np.int64)
        key[told] = [place_of.get(every[place], -1) for place in places.tolist()]
        _, once = np.unique(rows.segment_ids, return_index=True)  # of several items
        chunks = Linked.of(len(names), codes[once], once.astype(np.int64))
        return cls(codes, keys, key, first, chunks, rows.texts, rows.languages)

    def has(self, content: int) -> bool:
        """Whether the content is a caption."""
        return bool(self._first[content] >= 0)

    def key_of(self, content: int) -> str:
        """The caption key; "" where there is none."""
        code = int(self.key[content])
        return self.keys[code] if code >= 0 else ""

    def language(self, content: int) -> str | None:
        """The language of a caption; None for other contents."""
        return self._languages[self._first[content]] if self.has(content) else None

    def chunks(self, content: int) -> tuple[str, ...]:
        """What it says, in order; () for other contents."""
        return tuple(self._texts[row] or "" for row in self._chunks[content].tolist())

    def by_language(self, items: Ids) -> dict[str | None, tuple[Codes, Ids]]:
        """Language → contents (p,) and, beside each, who has it; ``items`` (rows,)."""
        languages = sorted(
            {self._languages[row] for row in self._first[self.codes].tolist()}, key=str
        )
        number = {language: place for place, language in enumerate(languages)}
        firsts = self._first[self.codes].tolist()
        spoken = np.array([number[self._languages[row]] for row in firsts], dtype=np.int64)
        return {
            language: (self.codes[spoken == place], items[spoken == place])
            for language, place in number.items()
        }
