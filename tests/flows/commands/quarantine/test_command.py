"""What `mmindex quarantine` says of files that cannot be used."""

from __future__ import annotations

import json

import pytest

from mmcore.errors import TooManyBadFilesError
from storage.layout import Layout
from storage.snapshot import Snapshot
from tests import commands
from tests.flows.commands.quarantine.broken import break_picture
from tests.quarantined import quarantined, refused, stopped


@pytest.fixture
def run(monkeypatch, capsys):
    """A command line in this process."""
    return commands.plain_commands(monkeypatch, capsys)


def test_groups_say_what_each_reason_means_and_what_to_do(run, lake):
    """The most frequent first, with names."""
    said = run("quarantine", "--lake", lake, "--lang", "en").out

    assert said.startswith("quarantine of snapshot 1: 5 files, 5 rows")
    assert said.index("2  image/decode-error") < said.index("1  text/no-text")
    assert "The decoder gave up on it" in said
    assert "→ Open it in another program" in said
    assert "一/猫.jpg" in said


def test_the_same_in_chinese(run, lake, monkeypatch):
    """By the option, or by the locale: of its variables the first that is set counts."""
    chosen = run("quarantine", "--lake", lake, "--lang", "zh").out
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    by_locale = run("quarantine", "--lake", lake).out
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    assert "快照 1 的隔离区：5 个文件，5 行" in chosen
    assert "解码器无法解码" in chosen
    assert by_locale == chosen
    assert "The decoder gave up" in run("quarantine", "--lake", lake).out


def test_a_third_partys_reason_has_its_own_message(run, lake):
    """As it is, with no markup read and nothing that a terminal obeys."""
    for language in ("en", "zh"):
        said = run("quarantine", "--lake", lake, "--lang", language).out
        assert "image/of-a-plug-in" in said
        assert "[red]the plug-in\N{REPLACEMENT CHARACTER} says" in said


def test_a_list_has_all_that_is_known(run, lake):
    """Message, decoder, content, place and times of each row."""
    said = run("quarantine", "--lake", lake, "--list", "--lang", "en").out

    for fact in (
        "scan.pdf",
        "page 3",
        "3.0–9.5 s",
        "pillow 12",
        "it ends early",
        "0123456789abcdef0123456789abcdef",
        "2026-11-20 08:30 – 2026-11-25 08:30 UTC",
    ):
        assert fact in said


@pytest.mark.parametrize(
    ("arguments", "paths"),
    [
        (["--reason", "no-text"], ["scan.pdf"]),
        (["--stage", "image", "--stage", "audio", "--reason", "cut-off"], ["clip.mp4"]),
        (["photos/scan.pdf"], ["scan.pdf"]),
        (["一"], ["一/狗.jpg", "一/猫.jpg"]),
        (["photos/一/"], ["一/狗.jpg", "一/猫.jpg"]),
        (["/media/photos/clip.mp4"], ["clip.mp4"]),
        (["*.jpg", "clip.mp4"], ["clip.mp4", "一/狗.jpg", "一/猫.jpg"]),
        (["photos", "--stage", "text"], ["scan.pdf"]),
        (["nothing"], []),
    ],
)
def test_rows_are_chosen_by_stage_reason_and_path(run, lake, arguments, paths):
    """A path is a file, a folder, a root or a glob; of each kind of filter one has to fit."""
    told = json.loads(run("quarantine", *arguments, "--lake", lake, "--json").out)

    assert [row["path"] for row in told["rows"]] == paths


def test_json_has_every_column(run, lake):
    """Of every row, and the groups with their words."""
    told = json.loads(run("quarantine", "--lake", lake, "--json", "--lang", "zh").out)
    table = Snapshot.open(Layout(lake)).rows("quarantine")

    assert [row.keys() for row in told["rows"]] == [set(table.column_names)] * 5
    assert told["rows"][0]["first_seen"] == "2026-11-20T08:30:00+00:00"
    assert told["groups"][0]["means"].startswith("解码器")
    assert [group["files"] for group in told["groups"]] == [2, 1, 1, 1]


def test_an_empty_quarantine_is_said(run, tmp_path):
    """With exit code 0, and so is a filter that nothing fits."""
    quarantined(tmp_path / "lake", [])
    answer = run("quarantine", "--lake", tmp_path / "lake", "--lang", "en")
    chinese = run("quarantine", "--lake", tmp_path / "lake", "--lang", "zh")

    assert (answer.code, answer.out) == (0, "nothing is in quarantine\n")
    assert (chinese.code, chinese.out) == (0, "隔离区为空\n")


def test_a_path_that_nothing_fits_says_how_much_is_there(run, lake):
    """So that a slip of the pen is not taken for an empty quarantine."""
    answer = run("quarantine", "elsewhere", "--lake", lake, "--lang", "en")

    assert (answer.code, answer.out) == (0, "nothing in quarantine is so; 5 rows are there\n")


@pytest.mark.parametrize("filters", [["--reason", "no-test"], ["--stage", "txt", "--list"]])
def test_a_reason_that_is_not_there_is_answered_by_those_that_are(run, lake, filters):
    """So is a stage; with how many files each has."""
    answer = run("quarantine", "--lake", lake, *filters, "--lang", "en")

    assert answer.code == 0
    assert answer.out.splitlines() == [
        "nothing in quarantine is so; these reasons are there:",
        "    image/decode-error  2 files",
        "    audio/cut-off  1 file",
        "    image/of-a-plug-in  1 file",
        "    text/no-text  1 file",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--lang", "fr"], "use en or zh"), (["--stopped"], "no run was stopped")],
)
def test_what_cannot_be_is_exit_code_2(run, lake, arguments, said):
    """A language that there is not, a stopped run that there was not."""
    answer = run("quarantine", "--lake", lake, *arguments)

    assert answer.code == 2
    assert said in answer.err


def test_a_stopped_run_is_told_beside_what_serves(run, lake):
    """The published quarantine is shown, and that a later run could not use more."""
    stopped(lake, [refused("new.jpg")], "3 of 4 files could not be used")

    assert "new.jpg" not in run("quarantine", "--lake", lake).out
    told = run("quarantine", "--lake", lake, "--stopped", "--lang", "en").out
    assert "quarantine of a run that was not published: 1 file, 1 row" in told
    assert "3 of 4 files could not be used" in told
    assert "new.jpg" in told


def test_a_private_lake_shows_hashes_and_finds_a_name_by_its_key(folder, tmp_path, index, run):
    """No name and no message of a decoder is told; the person who knows the name finds its row."""
    lake = tmp_path / "lake"
    index(folder, lake, private=True)
    for more in ([], ["--list"], ["--json"]):
        said = run("quarantine", "--lake", lake, "--lang", "en", *more).out
        assert "broken" not in said
        assert "JPEG" not in said
    found = json.loads(run("quarantine", folder / "broken.jpg", "--lake", lake, "--json").out)
    other = json.loads(run("quarantine", folder / "red.png", "--lake", lake, "--json").out)

    assert "private: names are hashes" in run("quarantine", "--lake", lake, "--lang", "en").out
    assert (found["private"], found["files"], other["files"]) == (True, 1, 0)


def test_a_stopped_run_forgets_and_is_maintained_like_any_other(folder, tmp_path, index, run):
    """`maintain` keeps what is told of it for a while; `forget` takes a name out of it."""
    lake = tmp_path / "lake"
    index(folder, lake, max_bad_fraction=0.9)
    break_picture(folder / "another.jpg")
    with pytest.raises(TooManyBadFilesError):
        index(folder, lake, max_bad_fraction=0.1)

    assert run("maintain", "--lake", lake).code == 0
    assert "another.jpg" in run("quarantine", "--lake", lake, "--stopped").out
    assert run("forget", folder / "broken.jpg", "--lake", lake, "--yes").code == 0
    assert run("quarantine", "--lake", lake, "--stopped").code == 2
    assert run("quarantine", "--lake", lake, "--lang", "en").out == "nothing is in quarantine\n"


@pytest.mark.slow
def test_the_command_takes_a_url(folder, index, run, s3):
    """The quarantine of a lake in a store, published or stopped, is read like any other."""
    lake = f"{s3.bucket()}/lake"
    index(folder, lake)
    break_picture(folder / "another.jpg")
    with pytest.raises(TooManyBadFilesError):
        index(folder, lake, max_bad_fraction=0.1)

    assert "broken.jpg" in run("quarantine", "--lake", lake).out
    assert "another.jpg" not in run("quarantine", "--lake", lake).out
    assert "another.jpg" in run("quarantine", "--lake", lake, "--stopped").out
