"""Answer a question by the best passages, each with its pictures, and no language model.

python examples/passages.py LAKE "What does the bee fly to?"

A passage is a stretch of a text: its span says where in the file it stands. The pictures are those
of the same item that come nearest to the question.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from flows.terminal.ending import told_in_a_line
from flows.terminal.place import PLACES, within
from flows.terminal.wrapping import visible
from mmcore.search import Part, Searcher, SearchRequest
from mmcore.types import Hit
from storage.schemas import Modality

LEAST = 0.05
"""Cosine with the question from which on a picture is shown: unrelated ones have about 0."""


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
        yield Passage(hit, tuple(one for one in pictures if _shows(one, hit)))


def _shows(picture: Hit, text: Hit) -> bool:
    return picture.item_id == text.item_id and picture.score >= LEAST


def main() -> None:
    """Print passages, where they stand, and their pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("question")
    told = parser.parse_args()
    found = [*passages(Searcher.open(told.lake), told.question)]
    for passage in found:
        where = " ".join(within(passage.text.span, PLACES["en"]))
        print(f"\n{visible(passage.text.path or passage.text.key)} {where}".rstrip())
        print(f"  {visible(' '.join((passage.text.text or '').split()))}")
        for picture in passage.pictures:
            print(f"  shown in {visible(picture.path or picture.key)} ({picture.score:.3f})")
    if not found:
        print("nothing found")


if __name__ == "__main__":
    with told_in_a_line():
        main()
