"""What one search comes to, before anything is encoded."""

from __future__ import annotations

from dataclasses import dataclass

from mmcore.search.notes import Note
from mmcore.search.opened.nearest import Target
from mmcore.search.planning.within import Within
from mmcore.search.request import Part, SearchRequest
from mmcore.search.words.wording import Wording


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What one search comes to.

    Args:
        request: what was asked.
        parts: of it, in an order that does not depend on how they were given.
        targets: the indexes that are asked.
        wording: the words that are; None: none.
        share: of the words, beside vectors.
        within: what may be found.
        notes: what could not be asked.
    """

    request: SearchRequest
    parts: tuple[Part, ...]
    targets: tuple[Target, ...]
    wording: Wording | None
    share: float
    within: Within
    notes: tuple[Note, ...]

    @property
    def reach(self) -> int:
        """How many answers are wanted, those that are skipped among them."""
        return self.request.offset + self.request.k

    def told(self, found: int) -> tuple[Note, ...]:
        """The notes, and why nothing is shown of all that was ``found``, where nothing is."""
        items = self.within.items
        if found > self.request.offset:
            return self.notes
        if items is not None and not len(items):
            return Note("none-passes"), *self.notes
        if found:
            return _past_the_end(found), *self.notes
        return self.notes if self.targets else (Note("none-with-words"), *self.notes)

    @property
    def without(self) -> bool:
        """Whether something is not wanted."""
        return any(part.weight < 0 for part in self.parts)

    @property
    def several(self) -> bool:
        """Whether lists have to be blended."""
        return len(self.targets) + (self.wording is not None) > 1


def _past_the_end(found: int) -> Note:
    return Note("past-the-end-1") if found == 1 else Note("past-the-end", count=found)
