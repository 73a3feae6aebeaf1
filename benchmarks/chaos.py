"""SIGKILL to a scheduled run's process, worker, cluster worker, server, and to `mmindex up`.

    python -m benchmarks.chaos --rounds 30 --json chaos.json

`mmindex up` with a home of its own, and a Dask scheduler with three workers in folders of their
own, which its deployment `index-media` uses. A round: a copy of a folder that has changed, and of
the lake made before (or no lake); a run of the deployment; SIGKILL to one victim at a moment of
the seed's, over the whole time of a run as the undisturbed one took it. The next run was scheduled
before, through the API: a worker has to fire it. It has to complete and to leave the lake that an
undisturbed run leaves, sound, with nothing beside it; and no process, lock or slot may be left. A
next run that finds the disturbed one at work is cancelled by its deployment's limit, and gave way
if that one completes: the one after it has to.
`mmindex up` itself is started again after 2 s, as by a supervisor; whatever else is killed, it has
to start again. A cluster's worker is started again when the round is over. Encoders hash.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from benchmarks.chaos_cases import Case, change, faults, make_media
from benchmarks.chaos_site import FINAL, Site, now, seconds_since, site_of, until
from benchmarks.cluster import busy, wait_for
from benchmarks.machine import describe
from flows.commands.up.server import free_port
from storage.layout import Layout
from tests.clusters import dask_cluster

VICTIMS: Final = ("flow", "worker", "cluster", "server", "up")
PRELOAD: Final = "tests.hash_worker"
TRIES: Final = 4  # scheduled runs until one completes, at most
LOST: Final = 150.0  # seconds after which a run whose process is gone has to be marked
CALM: Final = 15.0  # seconds in which what has ended may go


@dataclass(frozen=True, slots=True)
class Strike:
    """A kill: the run that it disturbed, the next one, and when that is due."""

    run: str
    following: str
    stage: str  # "" while it had a process: its log tells
    moment: float
    later: float
    killed: datetime


@dataclass(frozen=True, slots=True)
class Round:
    """One kill and what came of it."""

    moment: float  # seconds after the run was due, or after its process began
    stage: str
    state: str  # of the run that was disturbed, at last
    said: str
    marked: float  # seconds after the kill until it had that state
    next_in: float  # seconds after the kill at which the next run was due
    next_states: tuple[str, ...]  # of the runs that followed, until one completed
    next_said: str
    completed: float  # seconds after the kill
    number: int = 0
    victim: str = ""
    case: str = ""
    faults: tuple[str, ...] = ()  # of the lake
    held: dict[str, Any] = field(default_factory=dict)  # what was left in Prefect
    orphans: tuple[str, ...] = ()
    locked: bool = False

    @property
    def gave_way(self) -> bool:
        """Whether the next run found the disturbed one at work still, which then completed."""
        return self.state == "Completed" and self.next_states == ("Cancelled", "Completed")

    @property
    def left(self) -> bool:
        """Whether a process, the lake's lock, a run under way or a slot was left."""
        return bool(self.orphans or self.locked or any(self.held.values()))

    @property
    def well(self) -> bool:
        """Whether the next scheduled run completed, and left what it had to."""
        went_on = self.next_states == ("Completed",) or self.gave_way
        return went_on and not (self.faults or self.left)


class Rounds:
    """A site, what its runs start from, and one round after another."""

    def __init__(self, site: Site, options: argparse.Namespace) -> None:
        self.site, self.options = site, options
        self.deployment = site.deployment("index-media")
        self.rng = random.Random(options.seed)

    def config(self, media: Path, lake: Path) -> dict[str, Any]:
        """What a run is told."""
        assert self.site.cluster is not None
        return config(media, lake) | {
            "engine": "dask",
            "cluster": {"scheduler": self.site.cluster.address},
        }

    def cases(self) -> list[Case]:
        """Make media and undisturbed lakes: of a first run, and of some after a change."""
        home = self.site.folder / "cases"
        make_media(home / "first", self.options.files)
        first = Case("first", home / "first", None, home / "first-lake")
        self.undisturbed(first)
        found = [first]
        for seed in range(self.options.changes):
            media, after = home / f"change-{seed}", home / f"change-{seed}-lake"
            shutil.copytree(home / "first", media)
            change(media, self.options.seed * 1000 + seed)
            shutil.copytree(first.after, after)
            found.append(Case(f"change {seed}", media, first.after, after))
            self.undisturbed(found[-1])
        return found

    def undisturbed(self, case: Case) -> None:
        """Let a run of the deployment bring ``case.after`` up to the media, and time it."""
        due = now()
        run = self.site.api.scheduled(self.deployment, self.config(case.media, case.after), due)
        until(self.site.flow, "a run's process")
        began = time.monotonic()
        state = self.site.api.ended(run)
        case.process = time.monotonic() - began
        case.seconds = seconds_since(due, state)
        if state["type"] != "COMPLETED":
            raise SystemExit(f"the undisturbed run: {state['name']}: {state['message']}")
        until(lambda: None if self.site.flow() else True, "the end of a run's process")
        print(f"undisturbed, {case.name}: {case.seconds:.0f} s", file=sys.stderr)

    def round(self, number: int, victim: str, case: Case) -> Round | None:
        """Kill once, and see what becomes of it; None where the victim had ended already."""
        folder = self.site.folder / f"round-{number}-{self.rng.randrange(10**6)}"
        told = self.config(*case.copied(folder))
        strike = self.struck(victim, number, case, told)
        if strike is None:
            return None
        if victim == "up":
            self.site.mend(victim, number)
        done = self.outcome(strike, told)
        done = replace(done, number=number, victim=victim, case=case.name)
        done = replace(done, faults=tuple(faults(folder / "lake", case.after)))
        done = self.looked(done, folder / "lake")
        if victim == "cluster":
            self.site.mend(victim, number)
            wait_for(self.site.cluster)  # type: ignore[arg-type]
        if done.well and not self.options.keep:
            shutil.rmtree(folder)
        return done

    def struck(
        self, victim: str, number: int, case: Case, told: Mapping[str, Any]
    ) -> Strike | None:
        """Start a run, schedule the next, and kill; None where there was nobody to kill."""
        site, api = self.site, self.site.api
        run = api.scheduled(self.deployment, told, now())
        began, span = time.monotonic(), case.seconds
        if victim == "flow":
            until(site.flow, "a run's process")
            began, span = time.monotonic(), case.process
        moment = span * self.rng.random()
        later = self.rng.uniform(*self.options.next)
        while (left := began + moment - 0.5 - time.monotonic()) > 0:
            if ended(api.state(run)):  # the machine is faster than it was
                case.shorten(time.monotonic() - began, victim)
                return None
            time.sleep(min(1.0, left))
        following = api.scheduled(self.deployment, told, now() + timedelta(seconds=later))
        time.sleep(max(0.0, began + moment - time.monotonic()))
        stage = "ended" if ended(api.state(run)) else "" if site.flow() else "waiting"
        killed = now()
        if site.kill(victim, number):
            return Strike(run, following, stage, moment, later, killed)
        api.ended(following)
        return None

    def outcome(self, strike: Strike, told: Mapping[str, Any]) -> Round:
        """Wait for the next runs until one completes, and for the one that was disturbed."""
        api = self.site.api
        states = [api.ended(strike.following)]
        last = api.ended(strike.run, LOST)
        while states[-1]["type"] != "COMPLETED" and len(states) < TRIES:
            states.append(api.ended(api.scheduled(self.deployment, told, now())))
        return Round(
            moment=round(strike.moment, 1),
            stage=strike.stage or api.stage(strike.run, strike.killed),
            state=str(last["name"]),
            said=str(last["message"] or "")[:200],
            marked=seconds_since(strike.killed, last),
            next_in=round(strike.later, 1),
            next_states=tuple(str(one["name"]) for one in states),
            next_said=str(states[0]["message"] or "")[:200],
            completed=seconds_since(strike.killed, states[-1]),
        )

    def looked(self, done: Round, lake: Path) -> Round:
        """The round with what is left of it after some seconds."""
        deadline = time.monotonic() + CALM
        while True:
            seen = replace(
                done,
                held=self.site.api.held(),
                orphans=tuple(self.site.orphans()),
                locked=locked(lake),
            )
            if not seen.left or time.monotonic() > deadline:
                return seen
            time.sleep(0.5)


def config(media: Path, lake: Path) -> dict[str, Any]:
    """A run with encoders that need no weights, on small shards."""
    return {
        "media": [f"media={media}"],
        "lake": str(lake),
        "wait": 3600,
        "preset": "hash",
        "fit": {"min_pairs": 1, "held_out": 0, "folds": 2},
        "plan": {"shard_contents": 4},
        "runtime": {"device": "cpu", "isolate": False},
        "evaluation": {"latency_queries": 0},
    }


def ended(state: Mapping[str, Any] | None) -> bool:
    """Whether a run is over; what is not known is not."""
    return state is not None and state["type"] in FINAL


def locked(lake: Path) -> bool:
    """Whether somebody holds a lake."""
    try:
        with FileLock(Layout(lake).lock, timeout=0):
            return False
    except Timeout:
        return True


def table(rounds: Sequence[Round]) -> str:
    """Rounds by victim, as Markdown."""
    head = ("victim", "rounds", "killed at", "run afterwards", "marked after, s")
    head += ("next completed", "gave way", "next by, s", "lake equal", "left over")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for victim in [*dict.fromkeys(one.victim for one in rounds), "all"]:
        of = [one for one in rounds if victim in {one.victim, "all"}]
        marked = [one.marked for one in of if one.stage != "ended"]
        cells = [
            victim,
            len(of),
            _counted(one.stage for one in of),
            _counted(one.state for one in of),
            _middle(marked),
            f"{sum(one.next_states == ('Completed',) for one in of)} of {len(of)}",
            sum(one.gave_way for one in of),
            _middle([one.completed for one in of]),
            f"{sum(not one.faults for one in of)} of {len(of)}",
            sum(one.left for one in of),
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _counted(names: Any) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(names).most_common())


def _middle(figures: Sequence[float]) -> str:
    if not figures:
        return ""
    return f"{statistics.median(figures):.0f} ({min(figures):.0f}–{max(figures):.0f})"


def chaos(options: argparse.Namespace, work: Path) -> tuple[list[Round], int]:
    """All rounds; and how many victims had ended before their moment."""
    site = site_of(work, free_port(0), config(work, work / "lake"))
    rounds: list[Round] = []
    missed = 0
    until_then = time.monotonic() + options.seconds
    environment = {
        "PREFECT_API_URL": site.api.url,
        "PREFECT_HOME": str(work / "home"),
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "MMTEST_WAIT": str(options.wait),
    }
    try:
        site.start()
        with dask_cluster(work / "dask", [""] * options.workers, PRELOAD, environment) as cluster:
            site.cluster = cluster
            wait_for(cluster)
            turns = Rounds(site, options)
            cases = turns.cases()
            while len(rounds) < options.rounds and time.monotonic() < until_then:
                number = len(rounds)
                victim = options.victims[number % len(options.victims)]
                case = cases[(number // len(options.victims) + number) % len(cases)]
                done = turns.round(number, victim, case)
                if done is None:
                    missed += 1
                    continue
                rounds.append(done)
                count = f"{len(rounds)}/{options.rounds}{'' if done.well else ' NOT WELL'}"
                print(count, json.dumps(asdict(done), ensure_ascii=False), file=sys.stderr)
    finally:
        site.stop()
    return rounds, missed


def told(options: argparse.Namespace, rounds: Sequence[Round], facts: Mapping[str, Any]) -> str:
    """All of it as JSON."""
    chosen = {"seed": options.seed, "files": options.files, "wait": options.wait}
    whole = {**facts, **chosen, "rounds": [asdict(one) for one in rounds]}
    return json.dumps(whole, indent=1, ensure_ascii=False)


def main() -> None:
    """Kill; the exit status says whether every next run completed and left what it had to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--victims", nargs="+", choices=VICTIMS, default=list(VICTIMS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=int, default=80)
    parser.add_argument("--changes", type=int, default=2, help="folders that have changed")
    parser.add_argument("--wait", type=float, default=0.15, help="seconds that a file takes")
    parser.add_argument("--workers", type=int, default=3, help="of the cluster")
    parser.add_argument(
        "--next", type=float, nargs=2, default=(10.0, 40.0), help="seconds until the next run"
    )
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after these")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", type=Path, help="work here, and keep the lakes")
    options = parser.parse_args()
    work = options.keep or Path(tempfile.mkdtemp(prefix="mmindex-chaos-"))
    work.mkdir(parents=True, exist_ok=True)
    began, before = time.monotonic(), busy()
    rounds, missed = chaos(options, work.absolute())
    took = round(time.monotonic() - began)
    print(f"{describe()}\n\n{table(rounds)}\n\n{took} s; {missed} came too late.")
    if options.json:
        facts = {"machine": describe(), "took": took, "missed": missed, "beside": before}
        options.json.write_text(told(options, rounds, facts), "utf-8")
    bad = [one for one in rounds if not one.well]
    if rounds and not bad and options.keep is None:
        shutil.rmtree(work)
    sys.exit(1 if bad or not rounds else 0)


if __name__ == "__main__":
    main()
