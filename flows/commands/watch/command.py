"""What `mmindex watch` does: hear of changes, wait until they are quiet, run `mmindex index`."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any, Final

import typer

from flows.commands.watch import show as show_watch
from flows.commands.watch.run import Run
from flows.commands.watch.schedule import Schedule, Timing
from flows.config.index import IndexConfig
from flows.terminal.ending import told_to_end
from flows.terminal.overrides import overridden, valid
from flows.terminal.printing import ERR
from mmcore.errors import ConfigError
from mmcore.media.reasons import Language
from mmcore.media.watching import Changed, Failed, Heard, How, News, Watched, started

SETTING: Final = 2
"""The exit code of a setting that cannot be: at the start, it ends the watch."""

_STEP: Final = 0.2  # seconds in which a run's end is noticed
_LONGEST: Final = 60.0  # seconds of one wait: the clock of a machine that slept goes on
LOCK_SECONDS: Final = 600
"""How long a run waits for another one on the lake, unless ``--wait`` says so."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a watch hears, waits and speaks."""

    how: How
    timing: Timing
    poll: float
    verbose: bool
    language: Language
    as_json: bool


def run_watch(arguments: Sequence[str], lake: str, manner: Manner) -> None:
    """`mmindex watch`: until SIGINT or SIGTERM. ``arguments`` are those of `mmindex index`."""
    config = watched_config(arguments, lake)
    run = [
        "index",
        *("--lake", lake, "--json", "--wait", str(LOCK_SECONDS)),
        *("--set", f"crawl.settle_seconds={manner.timing.settle:g}"),
        *arguments,
    ]
    news: SimpleQueue[News | None] = SimpleQueue()
    with told_to_end(lambda: news.put(None)) as ending, listening(config, manner, news, ending):
        Watch(manner, news, lambda loud: Run(run, loud=loud), ending).until_the_end(lake)


def watched_config(arguments: Sequence[str], lake: str) -> IndexConfig:
    """The roots and which files of them count, as `mmindex index` would be told.

    What else may be wrong with the arguments the first run says. Raises click's UsageError for
    an option that there is not, ConfigError for one that a watch has no use for.
    """
    from flows.cli import app  # noqa: PLC0415 - it has this command itself

    command = typer.main.get_command(app).commands["index"]  # type: ignore[attr-defined]
    said: Mapping[str, Any] = command.make_context("watch", list(arguments)).params
    for name in ("dry_run", "hash_all", "drop"):
        if said[name]:
            option = name.replace("_", "-")
            raise ConfigError(f"--{option} is for one run: use it with `mmindex index`")
    crawl = {
        "include": tuple(said["include"] or ()),
        "exclude": tuple(said["exclude"] or ()),
        "manifest": said["manifest"] and str(said["manifest"]),
    }
    settings = {"media": tuple(said["media"]), "lake": lake, "crawl": crawl}
    wanted = overridden(settings, [one for one in said["set_"] or () if one.startswith("crawl.")])
    config = valid(IndexConfig, wanted)
    config.sources()
    return config


@contextmanager
def listening(
    config: IndexConfig,
    manner: Manner,
    news: SimpleQueue[News | None],
    ending: threading.Event,
) -> Iterator[None]:
    """Within this block every root is listened to, from its beginning on."""
    roots = [
        Watched(source, config.crawl, config.lake_root(), news.put, manner.poll)
        for source in config.sources()
    ]
    threads = [started(root, manner.how) for root in roots]
    try:
        for root in roots:
            while not (root.ready.wait(_STEP) or ending.is_set()):
                pass
        yield
    finally:
        for root in roots:
            root.stop.set()
        for thread in threads:
            thread.join(timeout=2)


class Watch:
    """The loop: one run at a time, when the schedule says so."""

    def __init__(
        self,
        manner: Manner,
        news: SimpleQueue[News | None],
        run: Callable[[bool], Run],
        ending: threading.Event,
    ) -> None:
        self.manner, self.news, self.run, self.ending = manner, news, run, ending
        self.schedule = Schedule(manner.timing, time.monotonic())
        self.runs = 0
        self.unusable = False  # the first run has said that a setting cannot be

    def until_the_end(self, lake: str) -> None:
        """Run when it is due, until a signal ends it; Exit(2) where the first run says so."""
        self.say("started", lake=lake, look=self.manner.timing.look)
        while not self.ending.is_set():
            self.hear(min(_LONGEST, self.schedule.next_at() - time.monotonic()))
            if not self.ending.is_set() and time.monotonic() >= self.schedule.next_at():
                self.run_once()
        self.say("ended")

    def hear(self, seconds: float) -> None:
        """Take in all news that are there; wait at most ``seconds`` for the first."""
        try:
            self.take(self.news.get(timeout=max(0.0, seconds)))
            while True:
                self.take(self.news.get_nowait())
        except Empty:
            return

    def take(self, news: News | None) -> None:
        """One of the news; None is a signal, which the event has."""
        if isinstance(news, Failed):
            raise news.error
        if isinstance(news, Heard):
            self.say(news.how, root=news.root, every=self.manner.poll, why=news.why)
        elif isinstance(news, Changed):
            ahead = max(0.0, news.ahead - self.manner.timing.settle)
            self.schedule.changes.note(f"{news.root}/{news.path}", time.monotonic() + ahead)

    def run_once(self) -> None:
        """One run, while changes are heard on; what came of it is told."""
        began = time.monotonic()
        changes = self.schedule.begin(began)
        self.say("changes" if changes else "look", changes=changes)
        run = self.run(self.manner.verbose or not self.runs)
        self.runs += 1
        interrupted = False
        while run.running():
            if self.ending.is_set() and not interrupted:
                interrupted = True
                self.say("ending")
                run.interrupt()
            self.hear(_STEP)
        code, result, said = run.ended()
        if interrupted:
            return
        self.schedule.end(time.monotonic(), code, result.get("waiting", 0))
        self.unusable = code == SETTING and self.runs == 1
        self.tell(code, result, said, time.monotonic() - began)
        if self.unusable:
            raise typer.Exit(SETTING)

    def tell(
        self, code: int, result: Mapping[str, Any], said: Sequence[str], seconds: float
    ) -> None:
        """What a run said, and how it ended."""
        language = self.manner.language
        for text in said:
            ERR.print(text, markup=False, highlight=False, soft_wrap=True)
        if self.manner.as_json:
            by_itself = code != 0 and self.schedule.again_by_itself and not self.unusable
            self.event("run", code=code, seconds=round(seconds, 3), again=by_itself, result=result)
        elif code == 0:
            self.line(show_watch.ended_well(result, seconds, language))
        else:
            wait = self.schedule.next_at() - time.monotonic()
            again = "again" if self.schedule.again_by_itself else "change"
            then = show_watch.line("ended" if self.unusable else again, language, seconds=wait)
            why = show_watch.WHY[language].get(code, "")
            key = "killed" if code < 0 else "failed"
            self.line(show_watch.line(key, language, code=abs(code), why=why, next=then))

    def say(self, key: str, **facts: Any) -> None:
        """A line for people, or an event for programs."""
        if self.manner.as_json:
            self.event(key, **facts)
        else:
            self.line(show_watch.line(key, self.manner.language, **facts))

    def line(self, text: str) -> None:
        """A line on standard error, with the time."""
        told = f"{datetime.now():%H:%M:%S} {text}"
        ERR.print(told, markup=False, highlight=False, soft_wrap=True)

    def event(self, name: str, **facts: Any) -> None:
        """A line of JSON on standard output."""
        sys.stdout.write(json.dumps({"event": name, **facts}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
