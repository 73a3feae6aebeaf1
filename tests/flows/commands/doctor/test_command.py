"""`mmindex doctor` as people and programs see it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from flows import cli
from flows.commands.doctor import command, places, show
from flows.commands.doctor.run import Told
from mmcore.inspection.machine.checked import Checked
from tests.factories import small_lake

FINE = Told(
    "machine",
    Checked("python", "ok", "python", dict.fromkeys(("version", "implementation", "place"), "x")),
)
SLOW = Told(
    "disks",
    Checked(
        *("disk-tmp", "warn", "disk-full"),
        {"place": "/tmp", "free": 3e9, "total": 9e9, "variable": "TMPDIR"},
    ),
)
GONE = Told("lake", Checked("lake", "fail", "lake-missing", {"lake": "/srv/[red]湖"}))


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex doctor …` with these findings: exit code and standard output."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def run(found, *arguments):
        asked = []

        def examined(what):
            asked.append(what)
            yield from found

        monkeypatch.setattr(command, "examined", examined)
        monkeypatch.setattr(sys, "argv", ["mmindex", "doctor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, capsys.readouterr().out, asked[0] if asked else None

    return run


@pytest.mark.parametrize(
    ("found", "code"), [([FINE], 0), ([FINE, SLOW], 0), ([SLOW, GONE, FINE], 1)]
)
def test_a_failure_is_exit_code_1_and_a_warning_is_none(run, found, code):
    """Cron may call it."""
    assert run(found)[0] == code
    assert run(found, "--json")[0] == code


def test_each_problem_says_what_to_do(run):
    """By group, with a mark; a name is shown as it is."""
    _, out, _ = run([FINE, SLOW, GONE])

    lines = out.splitlines()
    assert "  ! /tmp: only 3.0 GB free of 9.0 GB" in lines
    assert "  ✗ /srv/[red]湖 is not there" in lines
    assert [line for line in lines if "→" in line] == [
        "    → make room there, or name a folder on another disk: export TMPDIR=FOLDER",
        "    → correct --lake, or mount its disk;"
        " mmindex index FOLDER --lake /srv/[red]湖 makes one",
    ]
    assert lines[-1].startswith("1 to mend, 1 to know, 3 looked at")


def test_it_speaks_chinese(run):
    """When asked to, or by the locale."""
    _, out, _ = run([GONE], "--lang", "zh")

    assert "✗ /srv/[red]湖 不存在" in out
    assert "需要处理 1 项" in out


def test_json_has_all_for_programs(run):
    """Codes and facts, and the sentences."""
    _, out, _ = run([FINE, GONE], "--json")

    told = json.loads(out)
    assert (told["status"], told["counts"]) == ("fail", {"ok": 1, "warn": 0, "fail": 1})
    python, lake = told["checks"]
    assert (python["check"], python["code"], python["todo"]) == ("python", "python", None)
    assert (lake["group"], lake["status"]) == ("lake", "fail")
    assert lake["facts"] == {"lake": "/srv/[red]湖"}
    assert lake["todo"].startswith("correct --lake")


def test_the_usual_lake_is_looked_at_where_it_is(run, tmp_path, monkeypatch):
    """One that is named is looked at wherever it is, or is not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMINDEX_LAKE", raising=False)
    assert run([FINE])[2].lake is None

    small_lake(tmp_path / "lake")
    assert run([FINE])[2].lake == "lake"
    assert run([FINE], "--lake", "other", "--preset", "clip")[2].lake == "other"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [80, 40])
def test_lines_are_as_wide_as_the_terminal(width, language, capsys):
    """What is longer goes on below, and no colour says what a mark does not."""
    out = Console(width=width, no_color=True, force_terminal=False)
    for one in (SLOW, GONE):
        show.line(out, one, language)
    show.summary(out, [SLOW, GONE], 3.0, language)

    lines = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, lines)) <= width
    assert sum(line.startswith(("  ! ", "  ✗ ")) for line in lines) == 2


def test_disks_are_told_by_room_and_rights(tmp_path, monkeypatch):
    """Of a folder that is not there yet, the one above it counts."""
    usage = type("Usage", (), {"free": 100e9, "total": 200e9})
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: usage)
    far = tmp_path / "a" / "b"
    assert places.disk("x", far).said == "disk"
    assert places.existing(far) == tmp_path

    usage.free = 1e9
    (low, lake) = (places.disk(which, far) for which in ("cache", "lake"))
    assert (low.state, low.said) == ("warn", "disk-full")
    assert low.facts["variable"] == "MMINDEX_CACHE"
    assert (lake.state, lake.said) == ("warn", "disk-full-lake")
    usage.free = 1e6
    assert places.disk("x", far).state == "fail"
    monkeypatch.setattr(places.os, "access", lambda *_: False)
    assert places.disk("x", far).said == "disk-closed"


def test_few_inodes_are_told(tmp_path, monkeypatch):
    """A disk with room may take no more files; some file systems count none."""
    usage = type("Usage", (), {"free": 100e9, "total": 200e9})
    counted = type("Counted", (), {"f_files": 1000, "f_favail": 10})
    monkeypatch.setattr(places.shutil, "disk_usage", lambda _: usage)
    monkeypatch.setattr(places.os, "statvfs", lambda _: counted)
    assert (places.disk("x", tmp_path).state, places.disk("x", tmp_path).said) == (
        *("fail", "disk-inodes"),
    )

    counted.f_files = 0
    assert places.disk("x", tmp_path).said == "disk"


def tree(folder):
    """Every path below a folder; of a file also its size and time."""
    likes = {path: path.lstat() for path in sorted(folder.rglob("*"))}
    return {p: p.is_file() and (like.st_size, like.st_mtime_ns) for p, like in likes.items()}


@pytest.mark.slow
def test_the_whole_of_it_changes_nothing(tmp_path):
    """A real call, with a home of its own: neither home, lake nor tmp has anything new."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    lake = small_lake(tmp_path / "湖").layout.root
    before = tree(tmp_path)
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("PREFECT", "MMINDEX", "XDG"))}

    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", "doctor", "--json", "--lake", str(lake),
         "--preset", "embedded"],
        env={**kept, "HOME": str(home), "TMPDIR": str(temporary)},
        cwd=Path(cli.__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )  # fmt: skip

    told = json.loads(done.stdout)
    assert [one for one in told["checks"] if one["status"] == "fail"] == []
    assert {"decoders-picture", "weights", "device", "lake-files", "server-temporary"} <= {
        one["code"] for one in told["checks"]
    }
    assert tree(tmp_path) == before
