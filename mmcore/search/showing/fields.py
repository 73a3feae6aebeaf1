"""What programs are told of a hit, by the command line and over HTTP alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from mmcore.types import Hit, Reason, Span

_DIGITS: Final = 6  # of a score

SpanForm = Callable[[Span | None], Any]
"""Says where a segment lies: the one thing that the two tell in forms of their own."""


def hit_fields(hit: Hit, span: SpanForm) -> dict[str, Any]:
    """A hit as data; ids are texts, since JavaScript's numbers are exact to 2^53 only."""
    return {
        "item_id": str(hit.item_id),
        "segment_id": _id(hit.segment_id),
        "key": hit.key,
        "score": round(hit.score, _DIGITS),
        "modality": hit.modality,
        "root": hit.root,
        "path": hit.path,
        "span": span(hit.span),
        "box": box(hit.span),
        "source": hit.source,
        "kind": hit.kind,
        "text": hit.text,
        "why": [_reason(one, span) for one in hit.why],
        "duplicates": hit.duplicates,
    }


def rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    """How long each step of a search took."""
    return {name: round(spent, _DIGITS) for name, spent in seconds.items()}


def box(span: Span | None) -> list[float] | None:
    """Left, top, right and bottom of a region, as shares of the picture; None where it is none."""
    return None if span is None or span.box is None else list(span.box)


def _reason(reason: Reason, span: SpanForm) -> dict[str, Any]:
    return {
        "by": reason.by,
        "score": round(reason.score, _DIGITS),
        "segment_id": _id(reason.segment_id),
        "span": span(reason.span),
        "words": list(reason.words),
    }


def _id(number: int | None) -> str | None:
    return None if number is None else str(number)
