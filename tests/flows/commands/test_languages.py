"""`index`, `status` and `snapshots` speak the reader's language; programs read the same."""

from __future__ import annotations

import json
import re
import string

import pytest

from flows.commands.index.words import WORDS as OF_INDEX
from flows.commands.snapshots.words import WORDS as OF_SNAPSHOTS
from flows.commands.status.words import WORDS as OF_STATUS
from storage.erasure.orders import Order, write_order
from storage.manifest import Evaluation
from storage.publication import publish
from tests.commands import command_line
from tests.factories import candidate, small_lake

CHINESE = re.compile(r"[一-鿿]")
SIGNS = {"comma", "semicolon", "colon", "counts"}
COMMANDS = (
    ("status",),
    ("snapshots", "list"),
    ("snapshots", "diff"),
    ("snapshots", "verify"),
    ("snapshots", "rollback", "1"),
)


@pytest.fixture
def lake(tmp_path):
    """A lake of two snapshots, the second one measured and judged."""
    layout = small_lake(tmp_path / "l").layout
    judged = Evaluation(status="measured", scores={"a→b": {"RR": 0.5}}, verdict="warn", baseline=1)
    made = candidate(layout, ("cat", "fox")).model_copy(update={"evaluation": judged})
    publish(layout, made)
    return layout


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …` in this process: exit code, standard output, standard error."""
    return command_line(monkeypatch, capsys)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_chinese_locale_gets_chinese_heads(run, lake, monkeypatch, command):
    """Titles, heads and sentences are Chinese; names of the lake stay as they are."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    code, out, _ = run(*command, "--lake", lake.root)

    assert code == 0
    assert CHINESE.search(out.splitlines()[0])
    for title in ("evaluation", "segments", "items", "snapshot ", "gate", "sound", "serves"):
        assert title not in out.replace(str(lake.root), "")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_option_counts_more_than_the_locale(run, lake, monkeypatch, command):
    """`--lang en` in a Chinese locale is English; JSON has no language."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    _, out, _ = run(*command, "--lake", lake.root, "--lang", "en")
    _, in_chinese, _ = run(*command, "--lake", lake.root, "--json")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    _, in_english, _ = run(*command, "--lake", lake.root, "--json")

    assert not CHINESE.search(out.replace("狗", ""))  # an item's name
    if "rollback" not in command:
        assert json.loads(in_chinese) == json.loads(in_english)


def test_status_says_in_chinese_what_the_gate_said(run, lake):
    """A verdict, with what it was compared with; directions and measures keep their names."""
    _, out, _ = run("status", "--lake", lake.root, "--lang", "zh")

    assert "警告，与快照 1 比较" in out
    assert "已评测" in out
    assert "片段" in out
    assert "a→b" in out


@pytest.mark.parametrize(
    "command", [("status",), ("snapshots", "verify"), ("snapshots", "rollback", "1")], ids=" ".join
)
def test_a_pending_erasure_is_told_in_chinese(run, lake, command):
    """Who ends it is named by its command."""
    write_order(lake, Order(items=frozenset({1})))

    told = run(*command, "--lake", lake.root, "--lang", "zh")

    assert "有一次清除被中断" in told.err
    assert "`mmindex maintain`" in told.err


@pytest.mark.parametrize(
    "words", [OF_INDEX, OF_SNAPSHOTS, OF_STATUS], ids=["index", "snapshots", "status"]
)
def test_both_languages_say_the_same(words):
    """Each word is there in both, and a sentence is filled with the same facts."""

    def facts(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, chinese = words["en"], words["zh"]
    assert english.keys() == chinese.keys()
    assert {n: facts(english[n]) for n in english} == {n: facts(chinese[n]) for n in chinese}
    assert [n for n, text in chinese.items() if not CHINESE.search(text) and n not in SIGNS] == []
