"""Runs of `mmindex index` that are killed: forked from a process that has loaded all it needs.

`benchmarks.crash_sweep` starts some of these as workers and tells each, a line of JSON at a time,
what to run or to kill. A worker itself only forks, waits and kills: no thread of Arrow, FAISS or
torch is alive in it that a fork would lose. What reads a lake is a fork too.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import select
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from flows import cli
from storage.layout import Layout
from storage.published import current
from storage.schemas import MmindexError
from storage.snapshot import Snapshot
from tests.crashes import Contents, contents_of, differences, left_over, use_hash_encoders
from tests.soundness import sound

LINE = re.compile(r"\d\d:\d\d:\d\d ([a-z]+(?: [a-z]+)?): (started|done in)")
STARTING, CLOSING = "starting", "closing"
PATIENCE = 300  # seconds for one run
HASH = "hash"


@dataclass(frozen=True, slots=True)
class Moment:
    """When to kill: ``seconds`` after the start of ``stage``, or of the run."""

    case: str
    stage: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Case:
    """Where a run starts from, and what it has to end with; ``before`` is "" for no lake."""

    media: str
    before: str
    after: str

    def contents(self) -> tuple[Contents | None, Contents]:
        """What both lakes hold."""
        old, new = (Layout(Path(one)) if one else None for one in (self.before, self.after))
        assert new is not None
        return old and contents_of(Snapshot.open(old)), contents_of(Snapshot.open(new))


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill and what came of it."""

    case: str
    stage: str
    seconds: float
    published: int | None
    invalid_current: bool
    half_snapshot: str
    rerun: str  # "" or why the next run failed
    lost: int
    doubled: int
    mixed: int
    equal: bool
    opened: int  # how often a reader opened the lake during both runs
    read_half: int  # how often it found what is neither the old nor the new snapshot
    left_over: int  # temporary files and folders that no later run removed


@dataclass(slots=True)
class Run:
    """One run, watched: when each stage began and ended, and how the run did."""

    begun: dict[str, float] = field(default_factory=dict)
    ended: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    code: int | None = None
    lines: list[str] = field(default_factory=list)

    def stage(self) -> str:
        """What ran last: a stage, the one that ended last, or what lies before and behind all."""
        if not self.begun:
            return STARTING
        if "publish" in self.ended:
            return CLOSING
        running = [name for name in self.begun if name not in self.ended]
        return running[-1] if running else f"after {list(self.ended)[-1]}"

    def hear(self, line: str, seconds: float) -> str:
        """Take in a line of the log; the stage that it says has started, or ""."""
        self.lines.append(line)
        found = LINE.match(line)
        if found is None:
            return ""
        (self.begun if found[2] == "started" else self.ended)[found[1]] = seconds
        return found[1] if found[2] == "started" else ""


def forked(work: Callable[[], int]) -> tuple[int, int]:
    """Run ``work`` in a process, and a process group, of its own; its id and its stderr."""
    stderr, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        with suppress(ProcessLookupError, PermissionError):
            os.setpgid(child, child)
        return child, stderr
    code = 70
    try:
        os.setpgid(0, 0)
        null = os.open(os.devnull, os.O_RDWR)
        for old, new in ((null, 0), (null, 1), (write, 2)):
            os.dup2(old, new)
        # the worker's own streams believe that stderr is a file, in which one can seek
        sys.stdout, sys.stderr = (open(n, "w", encoding="utf-8", closefd=False) for n in (1, 2))  # noqa: SIM115
        code = work()
        atexit._run_exitfuncs()
    except BaseException:  # noqa: BLE001 - nothing above this frame may run in the fork
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def command(media: str, lake: str, preset: str) -> int:
    """`mmindex index`, to its end; its exit code."""
    sys.argv = ["mmindex", "index", media, "--lake", lake, "--preset", preset]
    try:
        cli.main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0


def watch(child: int, stderr: int, moment: Moment | None = None) -> Run:
    """Follow a run to its end, or kill its group at ``moment``."""
    run, since, heard = Run(), time.monotonic(), b""
    due = moment.seconds if moment and moment.stage == STARTING else None
    while True:
        left = PATIENCE if due is None else due - (time.monotonic() - since)
        if not select.select([stderr], [], [], max(0.0, left))[0]:
            os.killpg(child, signal.SIGKILL)
            due = None
            continue
        data = os.read(stderr, 1 << 16)
        if not data:
            break
        *lines, heard = (heard + data).split(b"\n")
        for line in lines:
            now = time.monotonic() - since
            started = run.hear(line.decode("utf-8", "replace").rstrip(), now)
            if moment and due is None and started and started == moment.stage:
                due = now + moment.seconds
    os.close(stderr)
    run.seconds = time.monotonic() - since
    run.code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return run


def told_by(child: int, stderr: int) -> Any:
    """The JSON that a fork ends with."""
    run = watch(child, stderr)
    if run.code:
        raise RuntimeError("\n".join(run.lines))
    return json.loads(run.lines[-1])


def say(told: Any) -> int:
    """End a fork with ``told`` as JSON."""
    print(json.dumps(told), file=sys.stderr, flush=True)
    return 0


def seen(case: Case, lake: str) -> int:
    """Tell what a reader finds after a kill: number, bad pointer?, what is half of a snapshot."""
    return say(look(*case.contents(), Layout(Path(lake))))


def look(before: Contents | None, after: Contents, layout: Layout) -> tuple[int | None, bool, str]:
    """What a reader finds: number, bad pointer?, what is half of a snapshot."""
    try:
        number = current(layout)
    except MmindexError:
        return None, True, ""
    if number is None:
        return None, before is not None, ""
    try:
        snapshot = sound(Snapshot.open(layout))
        new = snapshot.manifest.number != 1 or before is None
        wrong = differences(contents_of(snapshot), after if new or before is None else before)
    except (MmindexError, AssertionError) as error:
        return number, False, str(error)
    return number, False, f"{wrong}" if any(wrong) else ""


def compared(case: Case, lake: str) -> int:
    """Tell how many rows of a lake are lost, doubled and mixed, and what was left behind."""
    snapshot = sound(Snapshot.open(Layout(Path(lake))))
    _, after = case.contents()
    return say([*differences(contents_of(snapshot), after), len(left_over(Path(lake)))])


def read_on(case: Case, lake: str) -> int:
    """Open and read the lake again and again until SIGTERM; tell how often, and what was half."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    before, after = case.contents()
    opened, half = 0, []
    while not ended:
        number, invalid, wrong = look(before, after, Layout(Path(lake)))
        opened += number is not None
        if invalid or wrong:
            half.append(wrong or "no valid CURRENT")
        time.sleep(0.02)  # the two cores are the runs'
    return say([opened, len(half), *half[:1]])


def kill(case: Case, moment: Moment, lake: str, preset: str) -> Kill | None:
    """Kill one run and let the next one end; None when the run ended before its moment."""
    if case.before:
        shutil.copytree(case.before, lake)
    reader = forked(lambda: read_on(case, lake))
    try:
        run = watch(*forked(lambda: command(case.media, lake, preset)), moment)
        if run.code != -signal.SIGKILL:
            return None
        number, invalid, half = told_by(*forked(lambda: seen(case, lake)))
        again = watch(*forked(lambda: command(case.media, lake, preset)))
    finally:
        os.kill(reader[0], signal.SIGTERM)
        opened, read_half, *_ = told_by(*reader)
    failed = "" if again.code == 0 else f"exit {again.code}: {' '.join(again.lines[-2:])}"
    wrong = told_by(*forked(lambda: compared(case, lake))) if not failed else [0, 0, 0, 0]
    return Kill(
        case=moment.case,
        stage=run.stage(),
        seconds=round(run.seconds, 3),
        published=number,
        invalid_current=invalid,
        half_snapshot=half,
        rerun=failed,
        lost=wrong[0],
        doubled=wrong[1],
        mixed=wrong[2],
        equal=not (failed or any(wrong[:3])),
        opened=opened,
        read_half=read_half,
        left_over=wrong[3],
    )


def answer(told: dict[str, Any], preset: str) -> Any:
    """Do what one line asks: run to the end, or kill."""
    lake = told["lake"]
    if told["do"] == "run":
        media = told["media"]
        return asdict(watch(*forked(lambda: command(media, lake, preset))))
    case, moment = Case(**told["case"]), Moment(**told["moment"])
    found = kill(case, moment, lake, preset)
    whole = found is None or (found.equal and not (found.half_snapshot or found.read_half))
    if whole:
        shutil.rmtree(lake, ignore_errors=True)
    return found and asdict(found)


def main() -> None:
    """Answer line by line until stdin closes."""
    preset = sys.argv[1]
    import_module("torch")  # what a run imports, once
    import_module("flows.index_media")
    from mmcore.encoders.presets import encoders_of
    from mmcore.specs import RuntimeSpec, SegmentationSpec

    if preset == HASH:
        use_hash_encoders(setattr)
    encoders_of(preset, SegmentationSpec(), RuntimeSpec(device="cpu"))
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line), preset)), flush=True)


if __name__ == "__main__":
    main()
