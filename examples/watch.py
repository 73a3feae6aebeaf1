"""Watch a video for what was not seen before: how far each segment is from the past.

python examples/watch.py LAKE ROOT/PATH --since 20

A segment's distance is one less its mean cosine with the nearest three among all that came
earlier. It stands out where that is far above what was usual until then. No query is asked, and
nothing is learned: the vectors of the lake are enough.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from flows.terminal.ending import told_in_a_line
from flows.terminal.wrapping import visible
from mmcore.errors import ConfigError
from storage.layout import Layout
from storage.places.place import place_of
from storage.schemas import Modality
from storage.snapshot import Snapshot

NEAREST = 3
SOME = 5  # videos that are named where another one was
FAR = 4.0
"""Spreads above the usual distance from which on a segment stands out."""

LIKE = 0.95
"""Cosine from which on an earlier segment counts as the same scene."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One segment, as the past sees it."""

    start: float  # seconds
    distance: float
    usual: float  # the median distance until then
    before: int  # earlier segments of the same scene
    stands_out: bool


def watched(snapshot: Snapshot, root: str, path: str, since: float = 20.0) -> Iterator[Seen]:
    """The segments of one video from the second ``since`` on, in order."""
    rows = _segments(snapshot, root, path)
    index = snapshot.index(Modality.VIDEO)
    if index is None or not rows:
        return
    ids = np.array([segment for _, segment in rows], dtype=np.int64)
    vectors = index.vectors_of(ids)
    same = index.range_search(vectors, LIKE)
    past: list[float] = []
    for place in range(1, len(ids)):
        earlier = np.sort(ids[:place])
        near, _ = index.search(vectors[place][None], min(NEAREST, place), ids=earlier)
        distance = 1.0 - float(near.mean())
        start = rows[place][0]
        if start >= since and past:
            usual = float(np.median(past))
            spread = max(float(np.median(np.abs(np.array(past) - usual))), 0.005)
            before = int(np.isin(same[place][0], earlier).sum())
            yield Seen(start, distance, usual, before, distance > usual + FAR * spread)
        past.append(distance)


def _segments(snapshot: Snapshot, root: str, path: str) -> list[tuple[float, int]]:
    """Second and id of each segment of the video, in order."""
    files = snapshot.rows("item_files", ["root", "path", "content_id"])
    mine = files.filter(pc.and_(pc.equal(files["root"], root), pc.equal(files["path"], path)))
    table = snapshot.rows("segments/video", ["segment_id", "content_id", "start"])
    found = table.filter(pc.is_in(table["content_id"], mine["content_id"].combine_chunks()))
    return sorted({(row["start"] or 0.0, row["segment_id"]) for row in found.to_pylist()})


def _missing(snapshot: Snapshot, video: str) -> str:
    """That the lake has no such video, and those that it has."""
    files = snapshot.rows("files", ["root", "path", "modality"])
    videos = files.filter(pc.equal(files["modality"], Modality.VIDEO)).to_pylist()
    some = [visible(f"{row['root']}/{row['path']}") for row in videos[:SOME]]
    more = " …" if len(videos) > len(some) else ""
    return f"the lake has no video {visible(video)}; it has: {', '.join(some) or 'none'}{more}"


def main() -> None:
    """Print each second that stands out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lake")
    parser.add_argument("video", help="ROOT/PATH, as a search shows it")
    parser.add_argument("--since", type=float, default=20.0, help="seconds to learn from first")
    told = parser.parse_args()
    root, _, path = told.video.partition("/")
    snapshot = Snapshot.open(Layout(place_of(told.lake)))
    if not _segments(snapshot, root, path):
        raise ConfigError(_missing(snapshot, told.video))
    seconds = [*watched(snapshot, root, path, told.since)]
    if not seconds:
        raise ConfigError(
            f"{told.video} ends before second {told.since:g}: give a smaller --since"
        )
    if not any(seen.stands_out for seen in seconds):
        print(f"nothing stands out in {len(seconds)} segments")
    for seen in seconds:
        if seen.stands_out:
            print(
                f"{seen.start:7.1f} s  distance {seen.distance:.3f}, usual {seen.usual:.3f},"
                f" seen {seen.before} times before"
            )


if __name__ == "__main__":
    with told_in_a_line():
        main()
