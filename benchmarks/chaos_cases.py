"""What a round of `benchmarks.chaos` starts from, and the undisturbed lake it has to end with."""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.cluster import write
from storage.indexes.files import Index
from storage.layout import Layout
from storage.schemas import FUSED, MODALITIES
from storage.snapshot import Snapshot
from tests.crashes import CLOSE, contents_of, differences, left_over
from tests.soundness import sound

LONG_AGO = 86_400.0  # seconds: a file that was written just now waits for the next run
ASKED, NEAREST = 50, 10  # questions to each index, and answers to each


@dataclass(slots=True)
class Case:
    """Media, the lake that was made of what they were before, or none, and the one to come.

    Args:
        seconds: of the undisturbed run, from its scheduled time to its end.
        process: of these, those in which it had a process.
    """

    name: str
    media: Path
    before: Path | None
    after: Path
    seconds: float = 0.0
    process: float = 0.0

    def shorten(self, seconds: float, victim: str) -> None:
        """A run took no more than this; for the victim `flow` from the start of its process."""
        if victim == "flow":
            self.process = min(self.process, seconds)
        else:
            self.seconds = min(self.seconds, seconds)

    def copied(self, folder: Path) -> tuple[Path, Path]:
        """Media and lake for a round."""
        media, lake = folder / "media", folder / "lake"
        shutil.copytree(self.media, media)  # with its times
        if self.before:
            shutil.copytree(self.before, lake)
        return media, lake


def make_media(folder: Path, files: int) -> None:
    """Pictures and their captions, of yesterday."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    write(folder, files)
    _age(folder)


def change(media: Path, seed: int) -> None:
    """Add, edit and remove about a quarter of the files."""
    rng = random.Random(seed)
    texts, pictures = sorted(media.glob("*.txt")), sorted(media.glob("*.png"))
    some = max(1, len(texts) // 5)
    for number, path in enumerate(rng.sample(texts, some)):
        path.write_text(f"Edited, {seed}: {number}.", "utf-8")
    for number, path in enumerate(rng.sample(pictures, some)):
        if number % 3 == 0:
            path.unlink()
            continue
        data = path.read_bytes()
        added = path.with_name(f"added-{seed}-{number}.png")
        added.write_bytes(data + bytes([seed % 256, number]))  # another content, decoded as it
        added.with_suffix(".txt").write_text(f"Added, {seed}: {number}.", "utf-8")
    _age(media)


def _age(folder: Path) -> None:
    for path in folder.iterdir():
        then = path.stat().st_mtime - LONG_AGO
        os.utime(path, (then, then))


def faults(lake: Path, expected: Path) -> list[str]:
    """How a lake differs from the undisturbed one, what `snapshots verify` finds, what is left."""
    try:
        found, wanted = (Snapshot.open(Layout(one)) for one in (lake, expected))
        lost, doubled, mixed = differences(contents_of(sound(found)), contents_of(wanted))
        answers = _other_answers(found, wanted)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return [f"{type(error).__name__}: {error}"]
    told = {"lost": lost, "doubled": doubled, "mixed": mixed, "other answers": answers}
    told["left over"] = len(left_over(lake))
    return [f"{count} {what}" for what, count in told.items() if count]


def _other_answers(found: Snapshot, wanted: Snapshot) -> int:
    """Questions that the two answer with other ids, or other scores."""
    return sum(_differing(found.index(name), wanted.index(name)) for name in (*MODALITIES, FUSED))


def _differing(mine: Index | None, theirs: Index | None) -> int:
    if mine is None or theirs is None:
        return int(mine is not theirs)
    asked = theirs.vectors_of(theirs.held()[:ASKED])
    (scores, ids), (right_scores, right_ids) = (
        index.search(asked, NEAREST) for index in (mine, theirs)
    )
    same = (ids == right_ids) & np.isclose(scores, right_scores, atol=CLOSE)
    return int(np.count_nonzero(~same.all(axis=1)))
