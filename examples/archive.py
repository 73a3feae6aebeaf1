"""Find a keyword in an archive of posts: texts, pictures, sounds and videos together.

python examples/archive.py LAKE 猫

One search for each medium, asked at once: the text is encoded once, and each list has its best. A
medium that cannot be asked by a text yet (sounds, before there were captions to learn from) is
told, and left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from flows.terminal.ending import told_in_a_line
from flows.terminal.wrapping import visible
from mmcore.search import Answer, Part, Searcher, SearchRequest
from storage.schemas import MODALITIES, MmindexError, Modality


def found(
    searcher: Searcher, keyword: str, k: int = 5
) -> Mapping[Modality, Answer | MmindexError]:
    """The best of each medium, copies told once; the error where one cannot be asked."""
    requests = [
        SearchRequest(parts=(Part(text=keyword),), modalities=(medium,), collapse=True, k=k)
        for medium in MODALITIES
    ]
    return dict(zip(MODALITIES, searcher.answers(requests), strict=True))


def main() -> None:
    """Print what an archive has for a keyword."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("keyword")
    told = parser.parse_args()
    for medium, answer in found(Searcher.open(told.lake), told.keyword).items():
        print(f"\n{medium}")
        if isinstance(answer, MmindexError):
            print(f"  {visible(str(answer))}")
            continue
        for note in answer.notes:
            print(f"  ({visible(note)})")
        if not answer.hits:
            print("  nothing found")
        for hit in answer.hits:
            words = sorted({word for why in hit.why for word in why.words})
            copies = f" and {hit.duplicates} like it" if hit.duplicates else ""
            print(f"  {hit.score:6.3f}  {visible(hit.path or hit.key)}{copies}  {' '.join(words)}")


if __name__ == "__main__":
    with told_in_a_line():
        main()
