"""Mutated files of every format through `mmindex index`, between files that nobody touched.

    python -m benchmarks.fuzz --count 10000 --seed 0 --json fuzz.json

Every file is a seed of some format (benchmarks/seeds.py), mutated once to three times: cut off,
bits or bytes flipped, a stretch zeroed or doubled, spliced with a file of another format, or given
another's extension. They are indexed in batches, each into a lake of its own, in folders with
neighbours between them: a good file of every format, the same ones in each batch. Checked is that
each run ends with 0 and in time, that every mutated file is in the lake or in quarantine, that no
file hung, and that the neighbours have the segments, and the vectors, that they have in a lake
where they are alone. Exits with 1 when anything is not so; then `--keep` keeps the files.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.indexed import LOST, OK, index, outcomes
from benchmarks.machine import describe
from benchmarks.seeds import SEEDS
from storage.layout import Layout
from storage.schemas import MODALITIES, content_id
from storage.snapshot import Snapshot

HANG = "too-slow"
CRASH = "decoder-crashed"
FOLDER = 200  # files of one folder
NEIGHBOURS_FROM = 1_000_000  # numbers of the seeds that stay as they are
TOLERANCE = 1e-3  # of one number of a vector: batches of another size round differently
SHOWN = 20

Mutation = Callable[[bytes, random.Random], bytes]
Vectors = dict[int, NDArray[np.float32]]


def cut_off(data: bytes, rng: random.Random) -> bytes:
    """Keep the beginning; sometimes hardly anything of it."""
    return data[: rng.randrange(40) if rng.randrange(5) == 0 else rng.randrange(len(data))]


def flip_bits(data: bytes, rng: random.Random) -> bytes:
    """Flip some bits; half of the time within the first bytes, where headers are."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 8, 40))):
        changed[_place(changed, rng)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def set_bytes(data: bytes, rng: random.Random) -> bytes:
    """Set some bytes to values that lengths and counts go wrong with."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 4, 16))):
        place = _place(changed, rng)
        value = rng.choice((b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\0"))
        changed[place : place + len(value)] = value
    return bytes(changed)


def zero_stretch(data: bytes, rng: random.Random) -> bytes:
    """Zero a stretch, as a hole in a file does."""
    start, end = _stretch(data, rng)
    return data[:start] + bytes(end - start) + data[end:]


def double_stretch(data: bytes, rng: random.Random) -> bytes:
    """Say a stretch twice."""
    start, end = _stretch(data, rng)
    return data[:end] + data[start:end] + data[end:]


def _place(data: bytearray, rng: random.Random) -> int:
    return rng.randrange(rng.choice((min(len(data), 64), len(data))))


def _stretch(data: bytes, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(data))
    return start, min(len(data), start + rng.randrange(1, max(2, len(data) // 2)))


MUTATIONS: tuple[Mutation, ...] = (cut_off, flip_bits, set_bytes, zero_stretch, double_stretch)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutated file: what it is called, what it holds, and how it came to be."""

    name: str
    data: bytes
    how: str


def mutant(number: int, rng: random.Random) -> Mutant:
    """Make mutant ``number``: formats and kinds of mutation come in turn."""
    kinds = tuple(SEEDS)
    kind = kinds[number % len(kinds)]
    data, name = SEEDS[kind](number % (3 * len(kinds))), kind
    match number // len(kinds) % 7:
        case 0:
            other = rng.choice(kinds)
            rest = SEEDS[other](number % 50)
            data = data[: rng.randrange(1, len(data))] + rest[rng.randrange(len(rest)) :]
            how = f"splice with {other}"
        case 1:
            name, how = rng.choice(kinds), "wrong extension"
        case which:
            first = MUTATIONS[which - 2]
            how = first.__name__
            for mutate in (first, *rng.sample(MUTATIONS, rng.choice((0, 0, 1, 2)))):
                data = mutate(data, rng) if data else data
    return Mutant(f"m{number:05d}.{name}", data, f"{kind}: {how}")


def neighbours() -> dict[str, bytes]:
    """One good file of every format, by format."""
    return {kind: make(NEIGHBOURS_FROM + n) for n, (kind, make) in enumerate(SEEDS.items())}


def write(folder: Path, mutants: Sequence[Mutant], good: Mapping[str, bytes]) -> dict[str, str]:
    """Lay out a batch, the good files spread evenly; path → how it was made, of the mutants."""
    made: dict[str, str] = {}
    for place, one in enumerate(mutants):
        path = folder / _folder(place) / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)
        made[path.relative_to(folder).as_posix()] = one.how
    for number, (kind, data) in enumerate(good.items()):
        place = number * len(mutants) // len(good)
        before = mutants[place].name.partition(".")[0] if mutants else f"{number:05d}"
        path = folder / _folder(place) / f"{before}-good.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return made


def _folder(place: int) -> str:
    return f"{place // FOLDER:03d}"


def vectors_of(lake: Path, contents: set[str]) -> dict[str, Vectors]:
    """Of each content, its segments with their vectors, over all modalities."""
    snapshot = Snapshot.open(Layout(lake))
    found: dict[str, Vectors] = {content: {} for content in contents}
    for modality in MODALITIES:
        rows = snapshot.rows(f"segments/{modality}", ["segment_id", "content_id"])
        content_of = dict(
            zip(rows["segment_id"].to_pylist(), rows["content_id"].to_pylist(), strict=True)
        )
        ids, vectors = snapshot.cells(modality)
        for segment, vector in zip(ids.tolist(), vectors, strict=True):
            if content_of[segment] in contents:
                found[content_of[segment]][segment] = vector
    return found


def same(mine: Vectors, other: Vectors) -> bool:
    """Whether both have the same segments with the same vectors, and any at all."""
    return (
        bool(other)
        and mine.keys() == other.keys()
        and all(np.allclose(mine[segment], other[segment], atol=TOLERANCE) for segment in mine)
    )


@dataclass(slots=True)
class Found:
    """What came of all batches so far."""

    mutants: int = 0
    neighbours: int = 0
    runs: int = 0
    failed_runs: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    hung: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    lost_neighbours: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    wall_s: float = 0.0
    cpu_s: float = 0.0
    peak_pss_mb: int = 0

    @property
    def wrong(self) -> bool:
        """Whether anything is not as it should be; a decoder may crash, the run may not."""
        return bool(self.failed_runs or self.lost or self.hung or self.lost_neighbours)


def run_batch(work: Path, made: dict[str, str], alone: dict[str, Vectors], found: Found) -> None:
    """Index one batch that lies in ``work``/media, and count what came of it."""
    media, lake = work / "media", work / "lake"
    done = index(media, lake)
    found.runs += 1
    found.wall_s, found.cpu_s = found.wall_s + done.wall_s, found.cpu_s + done.cpu_s
    found.peak_pss_mb = max(found.peak_pss_mb, round(done.peak_pss / 1e6))
    if done.code:
        found.failed_runs.append(f"{work.name}: exit {done.code}: {done.said[-600:]}")
        return
    for path, one in outcomes(media, lake).items():
        if path not in made:
            continue
        told = f"{work.name}/{path} ({made[path]})"
        found.outcomes[one.outcome] += 1
        if one.outcome == LOST:
            found.lost.append(told)
        for mark, into in ((HANG, found.hung), (CRASH, found.crashed)):
            if mark in one.outcome:
                into.append(told)
    here = vectors_of(lake, set(alone))
    wrong = [content for content, vectors in alone.items() if not same(here[content], vectors)]
    found.lost_neighbours += [f"{work.name}: {content}" for content in wrong]
    found.mutants, found.neighbours = found.mutants + len(made), found.neighbours + len(alone)


def by_themselves(work: Path, good: dict[str, bytes]) -> dict[str, Vectors]:
    """Vectors of the neighbours, by content, out of a lake where they are alone.

    A format that cannot be read here (an extra is missing) gives none: told, and not counted.
    """
    media, lake = work / "media", work / "lake"
    media.mkdir(parents=True)
    write(media, [], good)
    done = index(media, lake)
    if done.code:
        raise SystemExit(f"the good files alone: exit {done.code}:\n{done.said[-3000:]}")
    for path, one in outcomes(media, lake).items():
        if OK not in one.outcome.split("; "):
            print(f"{path} is good, and not indexed: {one.outcome}", file=sys.stderr)
    found = vectors_of(lake, {content_id(data) for data in good.values()})
    return {content: vectors for content, vectors in found.items() if vectors}


def fuzz(options: argparse.Namespace, work: Path) -> Found:
    """Index the good files alone, then batch after batch."""
    good = neighbours()
    alone, found = by_themselves(work / "alone", good), Found()
    rng = random.Random(options.seed)
    for start in range(0, options.count, options.batch):
        batch = work / f"batch-{start // options.batch}"
        numbers = range(start, min(options.count, start + options.batch))
        made = write(batch / "media", [mutant(number, rng) for number in numbers], good)
        run_batch(batch, made, alone, found)
        print(f"{found.mutants} of {options.count}: {dict(found.outcomes)}", file=sys.stderr)
        if not options.keep:
            shutil.rmtree(batch)
    return found


def told_of(found: Found) -> dict[str, Any]:
    """All counts, as JSON-like values."""
    told = {one.name: getattr(found, one.name) for one in fields(found)}
    return told | {"outcomes": dict(found.outcomes.most_common())}


def table(found: Found) -> str:
    """The counts, each outcome, and some of what is wrong."""
    lines = [
        f"{describe()}\n",
        "| mutants | runs | ended otherwise than with 0 | neighbours | lost | files lost | hung"
        " | decoder crashed | wall s | CPU s | peak PSS MB |",
        f"|{'---|' * 11}",
        f"| {found.mutants} | {found.runs} | {len(found.failed_runs)} | {found.neighbours}"
        f" | {len(found.lost_neighbours)} | {len(found.lost)} | {len(found.hung)}"
        f" | {len(found.crashed)} | {found.wall_s:.0f} | {found.cpu_s:.0f}"
        f" | {found.peak_pss_mb} |",
        "\n| outcome | mutants |\n|---|---|",
        *(f"| {outcome} | {count} |" for outcome, count in found.outcomes.most_common()),
    ]
    for name in ("failed_runs", "lost_neighbours", "lost", "hung", "crashed"):
        lines += [f"{name}: {one}" for one in getattr(found, name)[:SHOWN]]
    return "\n".join(lines)


def main() -> None:
    """Fuzz, print, write; exit with 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000, help="mutated files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=2_000, help="mutated files of one run")
    parser.add_argument("--keep", action="store_true", help="leave files and lakes where they are")
    parser.add_argument("--json", type=Path, help="where the counts go")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="fuzz-")).resolve()
    try:
        found = fuzz(options, work)
    finally:
        if options.keep:
            print(f"kept in {work}", file=sys.stderr)
        else:
            shutil.rmtree(work)
    print(table(found))
    if options.json:
        told = {"machine": describe(), "count": options.count, "seed": options.seed}
        options.json.write_text(json.dumps(told | told_of(found), indent=1), encoding="utf-8")
    sys.exit(1 if found.wrong else 0)


if __name__ == "__main__":
    main()
