"""Tests of `mmindex watch`: its loop with runs that are played, then with real ones."""

import json
import os
import signal
import string
import sys
import threading
import time
from queue import SimpleQueue

import pytest
import typer

from flows import cli
from flows.commands.watch import show as show_watch
from flows.commands.watch.command import Manner, Watch, listening, watched_config
from flows.commands.watch.schedule import Timing
from flows.telling.night import OF_THE_GATE, words
from flows.terminal.ending import told_to_end
from mmcore.errors import ConfigError
from mmcore.media.debounce import MOST
from mmcore.media.watching import Changed, Failed, Heard

QUICK = Timing(settle=0.05, look=3600.0, again=0.05, again_at_most=0.2, pause_at_most=0.05)
RESULT = {
    "status": "published",
    "snapshot": 1,
    "items_added": 2,
    "items_gone": 0,
    "items_renamed": 0,
    "items_changed": 0,
    "quarantined": {"empty": 1},
    "waiting": 0,
}


class PlayedRun:
    """A run that takes some turns of the loop and ends with a code."""

    def __init__(self, code, turns=1, meanwhile=lambda: None):
        self.code, self.turns, self.meanwhile = code, turns, meanwhile
        self.interrupted = False
        self.last = None  # what is set when it has ended

    def running(self):
        """Until its turns are over, or it was interrupted."""
        self.turns -= 1
        self.meanwhile()
        return self.turns >= 0 and not self.interrupted

    def interrupt(self):
        """It ends."""
        self.interrupted = True

    def ended(self):
        """The code, a result where it is 0, and what it said."""
        if self.last:
            self.last.set()
        return self.code, RESULT if self.code == 0 else {}, ["what it said"]


def watched(*runs, news=None, timing=QUICK, as_json=True, language="en"):
    """Play ``runs`` one after another; the watch ends with the last."""
    news, ending, loud = news or SimpleQueue(), threading.Event(), []
    waiting = list(runs)

    def begin(how):
        loud.append(how)
        run = waiting.pop(0)
        run.last = None if waiting else ending
        return run

    loop = Watch(Manner("auto", timing, 1.0, False, language, as_json), news, begin, ending)
    loop.until_the_end("lake")
    return loop, loud


def events(capsys, *names):
    """The events of these names that were told to programs."""
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [one for one in told if one["event"] in names]


def test_failures_of_runs_do_not_end_the_watch(capsys):
    """Each is told with its code and whether it is tried again by itself."""
    loop, _ = watched(PlayedRun(0), *(PlayedRun(code) for code in (1, 6, -9, 2)), timing=_soon())

    told = [(one["code"], one["again"]) for one in events(capsys, "run")]
    assert told == [(0, False), (1, True), (6, True), (-9, True), (2, True)]
    assert loop.schedule.failures == 4


def _soon():
    """Everything is looked at again at once."""
    return Timing(settle=0.05, look=0.05, again=0.05, again_at_most=0.1, pause_at_most=0.05)


def test_a_setting_that_cannot_be_ends_the_watch_at_its_start(capsys):
    """Nobody else will mend it; later it may be a store that is away."""
    with pytest.raises(typer.Exit) as ended:
        watched(PlayedRun(2))

    assert ended.value.exit_code == 2
    assert [(one["code"], one["again"]) for one in events(capsys, "run")] == [(2, False)]


@pytest.mark.parametrize("code", [3, 4])
def test_what_the_gate_refused_is_run_again_by_a_change_only(code, capsys):
    """The change that comes during the refused run is one."""
    news = SimpleQueue()
    refused = PlayedRun(code, meanwhile=lambda: news.put(Changed("m", "a.txt")))
    watched(refused, PlayedRun(0), news=news)

    told = events(capsys, "run", "look", "changes")
    assert [one["event"] for one in told] == ["look", "run", "changes", "run"]
    assert told[1]["again"] is False


def test_changes_during_a_run_have_a_run_of_their_own(capsys):
    """They may have come after it had looked."""
    news = SimpleQueue()
    watched(PlayedRun(0, meanwhile=lambda: news.put(Changed("m", "b"))), PlayedRun(0), news=news)

    told = events(capsys, "look", "changes")
    assert [(one["event"], one["changes"]) for one in told] == [("look", 0), ("changes", 1)]


def test_one_run_at_a_time_and_only_the_first_is_loud(capsys):
    """The next begins when the one before has ended; later ones tell their end alone."""
    under_way = []

    class Alone(PlayedRun):
        def running(self):
            if self not in under_way:
                under_way.append(self)
            assert under_way == [self]
            return super().running()

        def ended(self):
            under_way.remove(self)
            return super().ended()

    _, loud = watched(Alone(0, turns=3), Alone(0, turns=2), timing=_soon())

    assert loud == [True, False]


def test_a_signal_during_a_run_interrupts_it_and_ends_the_watch(capsys):
    """Once; and nothing else is begun."""
    news = SimpleQueue()
    with told_to_end(lambda: news.put(None)) as ending:
        run = PlayedRun(130, 10**9, meanwhile=lambda: os.kill(os.getpid(), signal.SIGTERM))
        begun = []
        loop = Watch(
            Manner("auto", QUICK, 1.0, False, "en", True),
            news,
            lambda _: begun.append(run) or run,
            ending,
        )
        loop.until_the_end("lake")

    assert (run.interrupted, begun) == (True, [run])
    assert [one["event"] for one in events(capsys, "ending", "ended", "run")] == [
        "ending",
        "ended",
    ]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_fault_of_ours_in_a_listener_ends_the_watch():
    """With its traceback: nobody would hear of changes any more."""
    news = SimpleQueue()
    news.put(Failed(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        watched(PlayedRun(0, meanwhile=lambda: time.sleep(0.01), turns=5), news=news)


@pytest.mark.parametrize("language", show_watch.SAID)
def test_people_read_what_happens_in_their_language(language, capsys):
    """How roots are watched, what came of runs, when it is tried again, what a run had to say."""
    news = SimpleQueue()
    news.put(Heard("photos", "polling", "/nas is nfs4"))
    watched(
        PlayedRun(0), PlayedRun(5), PlayedRun(-9), as_json=False, language=language, news=news,
        timing=_soon(),
    )  # fmt: skip
    said = capsys.readouterr()

    assert said.out == ""
    assert "photos" in said.err
    assert "/nas is nfs4" in said.err
    assert show_watch.WHY[language][5] in said.err
    assert "what it said" in said.err
    assert show_watch.SAID[language]["ended"] in said.err


def test_both_languages_say_the_same_things():
    """With the same facts."""
    english, chinese = (show_watch.SAID[language] for language in ("en", "zh"))
    facts = {key: set(_fields(text)) for key, text in english.items()}

    assert facts == {key: set(_fields(text)) for key, text in chinese.items()}
    assert all(not facts[key] for key in facts if key.endswith("-1"))
    assert show_watch.WHY["en"].keys() == show_watch.WHY["zh"].keys()


def test_every_exit_code_of_a_run_has_its_words():
    """But 1, of which the run says what it was, and those of other commands."""
    told = {int(code) for code in words("failed")} | {OF_THE_GATE}

    assert told - {1} == {*show_watch.WHY["en"]}


def _fields(text):
    return [name for _, name, _, _ in string.Formatter().parse(text) if name]


def test_what_a_run_came_to_is_one_line():
    """Counts that are nothing are left out; files that wait are told in any case."""
    told = show_watch.ended_well(RESULT, 2.0, "en")
    unchanged = show_watch.ended_well({**RESULT, "status": "unchanged", "waiting": 3}, 1.0, "en")

    assert told == "snapshot 1 serves: 2 new items, 1 file in quarantine (2.0 s)"
    assert unchanged.endswith("3 files are being written and wait")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (
            1,
            ["1 new item, 1 item gone, 1 item renamed, 1 item changed,", "1 file in", "1 file is"],
        ),
        (2, ["2 new items, 2 items gone, 2 items renamed, 2 items changed,", "2 files in"]),
    ],
)
def test_of_one_thing_is_told_as_of_one(count, said):
    """As of several ones else."""
    of_items = ("items_added", "items_gone", "items_renamed", "items_changed")
    came = dict.fromkeys((*of_items, "waiting"), count)
    told = show_watch.ended_well({**RESULT, **came, "quarantined": {"empty": count}}, 1.0, "en")

    assert all(part in told for part in said), told


def test_more_changes_than_are_told_apart_are_told_as_more():
    """Their number is not known."""
    assert show_watch.line("changes", "en", changes=MOST) == "looking: 10,000 changes"
    assert "more than 10,000" in show_watch.line("changes", "en", changes=MOST + 1)


def test_one_change_is_no_changes(capsys):
    """What a run is begun for is told by its number."""
    news = SimpleQueue()
    watched(
        PlayedRun(0, meanwhile=lambda: news.put(Changed("m", "c"))),
        PlayedRun(0),
        news=news,
        as_json=False,
    )

    assert "looking: 1 change\n" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--dry-run", "--hash-all", "--drop=old"])
def test_options_of_one_run_are_refused(tmp_path, option):
    """They would hold for every run of the watch."""
    with pytest.raises(ConfigError, match=r"one run"):
        watched_config([str(tmp_path), option], "lake")


def test_options_of_index_decide_what_is_listened_to(tmp_path):
    """As they decide what a run looks at."""
    said = [
        f"m={tmp_path}",
        "--exclude",
        "old/*",
        "--preset",
        "none",
        "--set",
        'crawl.include=["*.jpg"]',
    ]
    config = watched_config(said, "lake")

    assert [source.alias for source in config.sources()] == ["m"]
    assert config.crawl.exclude == ("old/*",)
    assert config.crawl.include == ("*.jpg",)


@pytest.mark.parametrize(
    ("said", "told"), [(["--presset", "x"], "presset"), (["--by", "magic"], "--by"), ([], "MEDIA")]
)
def test_a_slip_in_an_option_is_told_at_once(tmp_path, monkeypatch, capsys, said, told):
    """One of a watch, and one of the runs too: not by the first run, nor by each."""
    media_dir = [str(tmp_path)] if said else []
    monkeypatch.setattr(sys, "argv", ["mmindex", "watch", *media_dir, *said])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_root_that_is_not_there_is_waited_for(tmp_path):
    """Listening begins all the same."""
    config = watched_config([f"m={tmp_path / 'none'}"], str(tmp_path / "lake"))
    news = SimpleQueue()
    manner = Manner("auto", QUICK, 0.1, False, "en", True)
    with listening(config, manner, news, threading.Event()):
        assert news.get(timeout=5) == Heard("m", "absent")
