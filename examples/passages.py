"""Answer a question by the best passages, each with its pictures, and no language model.

python examples/passages.py LAKE "What does the bee fly to?"

A passage is a stretch of a text: its span says where in the file it stands. The pictures are those
of the same item that come nearest to the question.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from mmcore.search import Part, Searcher, SearchRequest
from mmcore.types import Hit
from storage.schemas import Modality


@dataclass(frozen=True, slots=True)
class Passage:
    """What answers a question, and what shows it."""

    text: Hit
    pictures: tuple[Hit, ...]


def passages(searcher: Searcher, question: str, k: int = 3) -> Iterator[Passage]:
    """The ``k`` best passages, each of another item."""
    asked = (Part(text=question),)
    texts = searcher.answer(SearchRequest(parts=asked, modalities=(Modality.TEXT,), k=k)).hits
    if not texts:
        return
    items = ", ".join(str(hit.item_id) for hit in texts)
    request = SearchRequest(
        parts=asked, modalities=(Modality.IMAGE,), where=f"item_id IN ({items})", words=0, k=k
    )
    pictures = searcher.answer(request).hits
    for hit in texts:
        yield Passage(hit, tuple(one for one in pictures if one.item_id == hit.item_id))


def main() -> None:
    """Print passages, where they stand, and their pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("question")
    told = parser.parse_args()
    for passage in passages(Searcher.open(told.lake), told.question):
        span = passage.text.span
        where = f" {span.unit} {span.start:g}-{span.end:g}" if span else ""
        print(f"\n{passage.text.path}{where}\n  {passage.text.text}")
        for picture in passage.pictures:
            print(f"  shown in {picture.path} ({picture.score:.3f})")


if __name__ == "__main__":
    main()
