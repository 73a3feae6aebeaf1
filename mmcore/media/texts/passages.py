"""The natural units of a document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mmcore.media.pieces import Damage
from mmcore.types import Span


@dataclass(frozen=True, slots=True)
class Passage:
    """Cleaned text that belongs together: a page, a caption, a cue, or all of a plain text.

    A span in characters counts them in the whole text of its ``source``: the passages of that
    source, joined by line feeds.
    """

    text: str
    source: str = "self"  # or page:N, counted from 1
    span: Span | None = None  # where in its source it lies; None: it is all of it
    kind: str | None = None


Passages = Iterator[Passage | Damage]
"""All that is in a document, in order; MediaError for one that cannot be used as a whole."""
