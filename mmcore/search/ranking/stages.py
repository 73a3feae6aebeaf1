"""How deep the lists of a search are looked at: in stages, which do not depend on the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

FIRST: Final = 200
"""Items of each list that are looked at first: those of one may be far down another."""

LONE: Final = 50
"""The same, where one list alone is asked, of an index that is not exact."""

_DEEPER: Final = 4  # times, from one stage to the next
_SHARE: Final = 4  # of what a stage looks at in each list it settles one in so many
_WHOLE: Final = 2  # the stage from which on all that is found is settled: deep pages are rare


@dataclass(frozen=True, slots=True)
class Stage:
    """One look at the lists.

    Args:
        depth: items of each list that are looked at.
        settled: how many answers are settled after it, those of earlier stages among them;
            None: all that it found.
    """

    depth: int
    settled: int | None = None


def blended() -> Iterator[Stage]:
    """Of several lists: the first answers after a short look, further ones after longer ones."""
    for number in count():
        depth = FIRST * _DEEPER**number
        yield Stage(depth, depth // _SHARE if number < _WHOLE else None)


def whole(first: int) -> Iterator[Stage]:
    """Each look settles all that it finds."""
    return (Stage(first * _DEEPER**number) for number in count())
