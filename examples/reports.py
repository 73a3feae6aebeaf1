"""Find earlier cases by a picture and a report together, among those that a filter allows.

python examples/reports.py LAKE --picture x.jpg --report "a red handle" --where "label = 'tool'"

Picture and report are one query. Each case that is found says what brought it up: its picture, its
report, or words of it. The index itself looks at what the filter allows and at nothing else, so
there are k cases wherever k pass.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from flows.terminal.ending import told_in_a_line
from flows.terminal.wrapping import visible
from mmcore.search import Answer, Part, Searcher, SearchRequest
from storage.schemas import Modality


def cases(
    searcher: Searcher, picture: Path, report: str, where: str | None = None, k: int = 5
) -> Answer:
    """Cases that look like ``picture`` and read like ``report``."""
    parts = Part(media=str(picture)), Part(text=report)
    media = Modality.IMAGE, Modality.TEXT
    return searcher.answer(SearchRequest(parts=parts, modalities=media, where=where, k=k))


def main() -> None:
    """Print cases with what brought them up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("--picture", type=Path, required=True)
    parser.add_argument("--report", required=True)
    parser.add_argument("--where")
    told = parser.parse_args()
    answer = cases(Searcher.open(told.lake), told.picture, told.report, told.where)
    for note in answer.notes:
        print(visible(note))
    if not answer.hits:
        print("nothing found")
    for hit in answer.hits:
        why = ", ".join(f"{one.by} {one.score:.2f}" for one in hit.why)
        print(
            f"{hit.score:6.3f}  {visible(hit.key)}  {visible(hit.text or hit.path or '')}  ({why})"
        )


if __name__ == "__main__":
    with told_in_a_line():
        main()
