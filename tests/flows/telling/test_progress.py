import io
import logging

import pytest
from rich.console import Console

from flows.telling.clock import Clock
from flows.telling.progress import (
    BarStages,
    LogStages,
    active,
    log_lines,
    rate_line,
    reporting,
    shortened,
)


class Heard:
    """Stages that remember what they were told."""

    def __init__(self):
        self.told = []

    def begin(self, stage, total, unit):
        """A stage starts."""
        self.told.append(("begin", stage, total, unit))

    def advance(self, stage, count, share=None):
        """A stage goes on."""
        self.told.append(("advance", stage, count))

    def end(self, stage, note=""):
        """A stage is over."""
        self.told.append(("end", stage, note))


def test_a_line_says_count_rate_and_time_left():
    """120 of 480 in 10 s are 12 a second, and 30 s are left."""
    assert rate_line(120, 480, "files", 10.0) == "120 of 480 files, 12.0 files/s, 30 s left"


def test_a_line_of_an_unknown_total_promises_nothing():
    """Without a total there is a count and a rate, and no time left."""
    assert rate_line(120, None, "files", 10.0) == "120 files, 12.0 files/s"


def test_a_clock_tells_whoever_watches():
    """Start, progress and end with its note reach the stages that were set for the block."""
    heard = Heard()
    with reporting(heard):
        clock = Clock()
        with clock.stage("crawl", 3, "files") as note:
            clock.advance("crawl", 3)
            note.append("all there")

    assert heard.told == [
        ("begin", "crawl", 3, "files"),
        ("advance", "crawl", 3),
        ("end", "crawl", "all there"),
    ]
    assert set(clock.seconds) == {"crawl"}


def test_a_stage_that_fails_is_closed_and_raises():
    """The display is told, and the failure goes on as it is."""
    heard = Heard()
    with reporting(heard), pytest.raises(OSError, match="gone"), Clock().stage("crawl"):
        raise OSError("gone")

    assert heard.told[-1] == ("end", "crawl", "failed")


def test_where_nobody_watches_there_are_log_lines(caplog):
    """A deployment's run logs when a stage starts and what came of it."""
    caplog.set_level(logging.INFO, logger="flows")
    clock = Clock()
    with clock.stage("embed image", 2, "contents"):
        clock.advance("embed image", 2)

    assert isinstance(active(), LogStages)
    started, ended = (record.message for record in caplog.records)
    assert started == "embed image: started, 2 contents"
    assert ended.startswith("embed image: done in")
    assert ended.endswith("2 contents")


def test_log_lines_are_plain_and_end_with_their_block():
    """Off a terminal each line goes to the stream, once, and no longer than asked for."""
    console, log = (
        Console(file=io.StringIO(), width=10),
        logging.getLogger("flows.telling.progress"),
    )
    with log_lines(console):
        log.info("crawl: started, [not] markup")
    log.info("not here")

    said = console.file.getvalue()
    assert said.endswith(" crawl: started, [not] markup\n")
    assert said.count("\n") == 1


def test_on_a_terminal_only_warnings_stand_among_the_bars():
    """What the bars show is not said twice; a warning is."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system=None)
    with log_lines(console):
        logging.getLogger("flows.telling.progress").info("crawl: started")
        logging.getLogger("mmcore.media.grouping").warning("no file a.png")

    assert "no file a.png" in console.file.getvalue()
    assert "started" not in console.file.getvalue()


def test_bars_show_counts_and_notes():
    """A finished bar stands with its count, its seconds and what came of it."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    with BarStages(console) as bars:
        bars.begin("embed text", 480, "contents")
        bars.advance("embed text", 480)
        bars.end("embed text")
        bars.begin("index", None, "")
        bars.end("index", "5 indexes")

    shown = console.file.getvalue()
    assert "480/480" in shown
    assert "5 indexes" in shown


def test_a_bar_has_room_for_the_beginning_of_a_note():
    """Whole parts of it; the first in any case."""
    assert shortened("480 segments, 39.0/s, cpu bfloat16 88 % busy", 22) == "480 segments, 39.0/s"
    assert shortened("a part that is longer than there is room, b", 10).endswith("room")
    assert shortened("") == ""


def test_the_time_left_goes_by_the_share_of_the_work_where_it_is_known():
    """Ten of eleven files are a tenth of the work: the rest takes nine times as long."""
    assert rate_line(10, 11, "files", 20.0, 0.1) == "10 of 11 files, 0.5 files/s, 180 s left"
    assert rate_line(10, 20, "files", 20.0) == "10 of 20 files, 0.5 files/s, 20 s left"


def test_one_of_something_is_no_plural(caplog):
    """Where a stage starts, and where it ends."""
    caplog.set_level(logging.INFO, "flows.telling.progress")
    stages = LogStages()
    stages.begin("embed video", 1, "contents")
    stages.advance("embed video", 1)
    stages.end("embed video")

    assert caplog.messages[0] == "embed video: started, 1 content"
    assert caplog.messages[-1].endswith("s, 1 content")
