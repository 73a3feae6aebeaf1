"""Indexes with a recall target, beside a hand-made one, autofaiss, hnswlib and usearch.

    python -m benchmarks.index FOLDER [choice peers million rounds filtered stamps]

FOLDER keeps the vectors, some gigabytes. Points lie in clusters, queries lie across a gap
(``benchmarks.index_data``). Each part runs in a process of its own. The peers need an environment
with ``autofaiss==2.18.0 hnswlib usearch``; ``--peers PYTHON`` names its interpreter. ``stamps``
takes the vectors of the lake that ``benchmarks.stamps`` made: ``--lake LAKE``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import faiss
import numpy as np

from benchmarks.index_case import DIM, QUERIES, Case, Ids, K, Peak, Vectors, about
from benchmarks.index_data import World, ids_of, repeated
from benchmarks.machine import describe
from storage.indexes.card import IndexCard
from storage.indexes.choosing.build import built
from storage.indexes.choosing.filling import Whole
from storage.indexes.choosing.truth import exact_answers
from storage.indexes.files import Index
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from storage.indexes.updating.changes import Sought
from storage.indexes.updating.update import updated

ROUNDS = 7  # of alternating searches, whose median ratio is told


@contextmanager
def scratch(folder: Path, name: str) -> Iterator[Path]:
    """An empty folder, gone afterwards."""
    place = folder / name
    shutil.rmtree(place, ignore_errors=True)
    yield place
    shutil.rmtree(place, ignore_errors=True)


def recall(found: Ids, right: Ids) -> float:
    """Mean share of the true nearest that was found."""
    pairs = zip(found, right, strict=True)
    return float(np.mean([len(np.intersect1d(one, of)) / len(of) for one, of in pairs]))


def told(card: IndexCard) -> str:
    """Kind, setting, and the recall on the half that nothing was chosen by."""
    if card.reached is None:
        return f"{card.type} (exact)"
    one = card.reached
    return (
        f"{card.type} [{card.setting}], recall@{one.k} {one.recall:.4f}"
        f" ({one.low:.4f} to {one.high:.4f}, {one.queries} queries)"
    )


def frontier(card: IndexCard) -> None:
    """What was tried, a line each."""
    for point in card.tried:
        print(
            f"    {point.kind:<11} {point.setting!s:<22} recall {point.recall:.4f}"
            f"  {point.latency_ms:7.2f} ms  {point.rate:9,.0f}/s  {point.memory / 1e6:8,.0f} MB"
            f"  built {point.build_seconds:5.1f} s  {point.why}"
        )


def choice(folder: Path) -> None:
    """100,000 points: the builder's choice beside ``PQ256x4fs,RFlat``, searched in turns."""
    case = Case.of(folder, 100_000)
    right = case.ids[np.load(case.exact())]
    goal = Goal(recall=0.98, latency=1.0)
    with scratch(folder, "choice") as place:
        began = time.perf_counter()
        card = built(
            Whole(place), case.ids, case.points, case.questions, goal, about(case.ids, DIM)
        )
        took = time.perf_counter() - began
        index = Index.open(place)
        began = time.perf_counter()
        made = faiss.index_factory(DIM, f"PQ{DIM // 2}x4fs,RFlat", faiss.METRIC_INNER_PRODUCT)
        made.train(case.points[np.random.default_rng(0).permutation(100_000)[:40_000]])
        made.add(case.points)
        made.k_factor = 4
        by_hand = time.perf_counter() - began
        asked = case.questions.vectors
        ratios = ratio_of(lambda: index.search(asked, K), lambda: made.search(asked, K))
        print(f"  chosen for recall .98 and 1 ms: {told(card)}; build and tuning {took:.1f} s")
        frontier(card)
        mine, hand = index.search(asked, K)[1], case.ids[made.search(asked, K)[1]]
        print(
            f"  all queries: recall {recall(mine, right):.4f}, by hand {recall(hand, right):.4f}"
        )
        print(f"  by hand (PQ256x4fs,RFlat, k_factor 4): built in {by_hand:.1f} s")
        print(f"  search rate over the hand-made one's: {ratios}")


def ratio_of(mine: Callable[[], object], other: Callable[[], object]) -> str:
    """Seconds of ``other`` over those of ``mine``, in turns: median and range."""
    mine(), other()
    found, rates = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        mine()
        between = time.perf_counter()
        other()
        ended = time.perf_counter()
        found.append((ended - between) / (between - began))
        rates.append((QUERIES / (between - began), QUERIES / (ended - between)))
    one, two = np.median(rates, axis=0)
    spread = f"{min(found):.2f} to {max(found):.2f}"
    return f"{np.median(found):.2f} ({spread}); {one:,.0f}/s and {two:,.0f}/s"


def peers(folder: Path, python: str) -> None:
    """The same points: autofaiss under budgets, and graphs by hnswlib and usearch."""
    case = Case.of(folder, 100_000)
    files = [str(case.folder / "points.npy"), str(case.folder / "queries.npy"), str(case.exact())]
    for memory, latency in ((None, 1.0), (300, 1.0), (100, 1.0)):
        budget = "any memory" if memory is None else f"{memory} MB"
        print(f"  {budget}, {latency} ms, recall .98")
        goal = Goal(
            recall=0.98, latency=latency, memory=None if memory is None else memory * 1_000_000
        )
        with scratch(folder, "peers") as place:
            _beside(case, place, goal)
        given = f"{memory or 4000}MB"
        print("   autofaiss:", asked_of(python, "autofaiss_index.py", *files, given, str(latency)))
    for library in ("hnswlib", "usearch"):
        print(f"   {library}:", asked_of(python, "graph_index.py", library, *files))


def _beside(case: Case, place: Path, goal: Goal) -> None:
    began = time.perf_counter()
    card = built(Whole(place), case.ids, case.points, case.questions, goal, about(case.ids, DIM))
    took = time.perf_counter() - began
    index = Index.open(place)
    rates = []
    for _ in range(5):
        began = time.perf_counter()
        index.search(case.questions.vectors, K)
        rates.append(len(case.questions) / (time.perf_counter() - began))
    print(f"   mmindex: {told(card)}, {np.median(rates):,.0f}/s, built in {took:.1f} s")


def asked_of(python: str, script: str, *arguments: str) -> str:
    """What a peer's script prints last."""
    path = Path(__file__).parent / "peers" / script
    ran = subprocess.run(
        [python, str(path), *arguments], capture_output=True, text=True, check=False
    )
    return ran.stdout.strip().splitlines()[-1] if not ran.returncode else ran.stderr[-300:]


def million(folder: Path, megabytes: int) -> None:
    """1,000,000 points, recall .95, a memory budget: met, or refused with the frontier."""
    from storage.errors import NothingFitsError

    case = Case.of(folder, 1_000_000)
    goal = Goal(recall=0.95, memory=megabytes * 1_000_000)
    with scratch(folder, "million") as place, Peak() as peak:
        began = time.perf_counter()
        try:
            card = built(
                Whole(place), case.ids, case.points, case.questions, goal, about(case.ids, DIM)
            )
        except NothingFitsError as error:
            print(f"  {megabytes} MB: refused: {error}")
            return
        print(
            f"  {megabytes} MB: {told(card)}; {time.perf_counter() - began:.0f} s; peak of memory"
            f" that is no file's {peak.megabytes:,.0f} MB, {case.points.nbytes / 1e6:,.0f} of it"
            " the input"
        )
        frontier(card)


def rounds(folder: Path) -> None:
    """200,000 points: ten nights of 1 % gone and 1 % come, beside a build from nothing each."""
    n, each = 200_000, 2_000
    case = Case.of(folder, n)
    goal, asked = Goal(recall=0.98), case.questions
    spare = World.of(DIM).points(10 * each, 9)
    more = np.setdiff1d(ids_of(n + 20 * each, seed=5), case.ids)
    ids, points = case.ids, case.points
    rng = np.random.default_rng(4)
    with scratch(folder, "rounds") as place:
        before = place / "0"
        print(f"  {told(built(Whole(before), ids, points, asked, goal, about(ids, DIM)))}")
        for night in range(1, 11):
            stay = np.ones(n, dtype=bool)
            stay[rng.permutation(n)[:each]] = False
            came = slice((night - 1) * each, night * each)
            ids, points = (
                np.concatenate([ids[stay], more[came]]),
                np.concatenate([points[stay], spare[came]]),
            )
            order = np.argsort(ids)
            ids, points = ids[order], points[order]
            before = _night(place, before, night, (ids, points), asked, goal)


def _night(
    place: Path,
    before: Path,
    night: int,
    rows: tuple[Ids, Vectors],
    asked: Questions,
    goal: Goal,
) -> Path:
    """Update and rebuild in turn, and ask both; the folder of the update."""
    (ids, points), after, anew = rows, place / str(night), place / "anew"
    began = time.perf_counter()
    wanted = Sought(ids, [(ids, points)])
    card = updated(before, after, wanted, asked, goal, about(ids, DIM))
    took = time.perf_counter() - began
    shutil.rmtree(anew, ignore_errors=True)
    began = time.perf_counter()
    fresh = built(Whole(anew), ids, points, asked, goal, about(ids, DIM))
    again = time.perf_counter() - began
    if card is None:
        print(f"    night {night}: to be built afresh, said after {took:.1f} s")
        return anew.rename(after)
    right = exact_answers(ids, points, asked, K).ids[:, :K]
    found = [Index.open(folder).search(asked.vectors, K)[1] for folder in (after, anew)]
    lost = ~np.isin(found[0], ids).all()
    twice = max(len(row) - len(np.unique(row)) for row in found[0])
    one, two = recall(found[0], right), recall(found[1], right)
    print(
        f"    night {night:2}: updated {took:5.2f} s ({card.added} added, {card.dead} dead),"
        f" afresh {again:5.1f} s ({fresh.type}): {took / again:.1%}; recall {one:.4f} and"
        f" {two:.4f}; deleted found: {lost}; twice: {twice}"
    )
    shutil.rmtree(before, ignore_errors=True)
    return after


def filtered(folder: Path) -> None:
    """Recall@10 where 0.1 %, 1 %, 10 % and 50 % of 100,000 rows may be found."""
    case = Case.of(folder, 100_000)
    goal = Goal(recall=0.98, latency=1.0)
    rng = np.random.default_rng(3)
    with scratch(folder, "filtered") as place:
        card = built(
            Whole(place), case.ids, case.points, case.questions, goal, about(case.ids, DIM)
        )
        print(f"  {told(card)}")
        index = Index.open(place)
        for share in (0.001, 0.01, 0.1, 0.5):
            allowed = np.sort(rng.permutation(len(case.ids))[: int(share * len(case.ids))])
            asked = case.questions.vectors[:500]
            _, best = faiss.knn(asked, case.points[allowed], K, metric=faiss.METRIC_INNER_PRODUCT)
            right = case.ids[allowed][best]
            began = time.perf_counter()
            _, found = index.search(asked, K, case.ids[allowed])
            took = time.perf_counter() - began
            short = int((found < 0).any(axis=1).sum())
            print(
                f"    {share:6.1%} of rows: recall {recall(found, right):.4f}, {short} of"
                f" {len(asked)} queries with fewer than {K}, {len(asked) / took:,.0f}/s"
            )


def stamps(folder: Path, lake: Path) -> None:
    """The public set's picture vectors again and again with jitter, asked by its captions."""
    from storage.layout import Layout
    from storage.schemas import Modality
    from storage.snapshot import Snapshot

    snapshot = Snapshot.open(Layout(lake))
    _, _, base = snapshot.vectors(Modality.IMAGE)
    space, _, texts = snapshot.vectors(Modality.TEXT)
    n = 100_000
    ids, points = ids_of(n), repeated(base, n, 0.3)
    questions = Questions(texts, np.full(len(texts), "text"))
    print(f"  {len(base)} pictures in {space}, {len(texts)} texts")
    with scratch(folder, "stamps") as place:
        for goal in (Goal(recall=0.98, latency=1.0), Goal(recall=0.95, memory=60_000_000)):
            shutil.rmtree(place, ignore_errors=True)
            began = time.perf_counter()
            card = built(Whole(place), ids, points, questions, goal, about(ids, points.shape[1]))
            print(f"  {goal}: {told(card)}; {time.perf_counter() - began:.1f} s")


PARTS = ("choice", "peers", "million", "rounds", "filtered", "stamps")


def run(part: str, folder: Path, python: str, lake: Path) -> None:
    """One part, in this process."""
    if part == "peers":
        peers(folder, python)
    elif part == "stamps":
        stamps(folder, lake)
    elif part == "million":
        million(folder, 1200)
        million(folder, 300)
    else:
        {"choice": choice, "rounds": rounds, "filtered": filtered}[part](folder)


def main() -> None:
    """Run the parts, each in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--peers", default=sys.executable, metavar="PYTHON")
    parser.add_argument("--lake", type=Path, default=Path("data/stamps/lake"))
    parser.add_argument("--here", action="store_true", help="in this process")
    given = parser.parse_args()
    for part in given.parts:
        if given.here:
            run(part, given.folder, given.peers, given.lake)
            continue
        print(f"{part}: {describe()}", flush=True)
        command = [sys.executable, "-m", "benchmarks.index", str(given.folder), part, "--here"]
        further = ["--peers", given.peers, "--lake", str(given.lake)]
        subprocess.run([*command, *further], check=True)


if __name__ == "__main__":
    main()
