"""What `mmindex forget` says and asks, in both languages."""

import json
from string import Formatter
from types import SimpleNamespace

import pytest

from flows.commands.forget.words import WORDS
from tests.forgetting import CAT, keys_of


def test_a_mistyped_name_is_answered_by_those_it_may_mean(lake, forget):
    """A file name alone is not taken; the error says how it is to be named."""
    code, _, err = forget("owl")

    assert code == 2
    assert "did you mean media/owl" in err


def test_on_a_terminal_it_asks(lake, forget, monkeypatch):
    """It shows what goes; without a yes nothing is erased."""
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("flows.commands.forget.command.sys", SimpleNamespace(stdin=terminal))
    answers = iter([False, True])
    monkeypatch.setattr(
        "flows.commands.forget.command.typer.confirm", lambda *_, **__: next(answers)
    )

    forget("media/trips/cat.png")
    assert "trips/cat" in keys_of(lake, 3)
    forget("media/trips/cat.png")
    assert "trips/cat" not in keys_of(lake, 3)


def test_it_speaks_chinese(lake, folder, forget):
    """What goes, what stays, the proof, and what is let in again, where --lang says so."""
    told = forget("media/trips/cat.png", "--lang", "zh")[1].replace("\n", "")
    again = forget("--readmit", folder / CAT[0], "--lang", "zh")[1].replace("\n", "")

    assert "已清除 1 个条目、4 个文件、3 个内容" in told
    assert "1 个内容，其他条目也有：" in told
    assert "projection/p1 的训练数据含其中 1 个内容、1 条文字说明" in told
    assert "均未发现" in told
    assert "trips/cat.png" in told
    assert "已解除 1 个清除标记" in again
    assert "该文件" in again
    assert "仍有 3 个清除标记" in again


def test_the_locale_decides_where_nothing_is_said(lake, forget, monkeypatch):
    """A Chinese one is answered in Chinese; --json does not depend on it."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")

    assert "试运行：将清除 1 个条目" in forget("media/trips/cat.png", "--dry-run")[1]
    told = json.loads(forget("media/trips/cat.png", "--dry-run", "--json")[1])
    assert told["status"] == "planned"


def test_a_language_that_is_none_is_refused(lake, forget):
    """Before anything is erased."""
    code, _, err = forget("media/trips/cat.png", "--lang", "fr")

    assert code == 2
    assert "no language 'fr'" in err
    assert "trips/cat" in keys_of(lake, 3)


@pytest.mark.parametrize(("answer", "gone"), [("全部", 2), ("1，2", 2), ("1", 1), ("无", 0)])
def test_a_query_is_confirmed_in_chinese(lake, forget, monkeypatch, answer, gone):
    """By the Chinese word for all, and by numbers between Chinese commas; else nothing goes."""
    terminal = SimpleNamespace(isatty=lambda: True)
    monkeypatch.setattr("flows.commands.forget.command.sys", SimpleNamespace(stdin=terminal))
    asked = []
    monkeypatch.setattr(
        "flows.commands.forget.command.typer.prompt",
        lambda text, **_: asked.append(text) or answer,
    )
    before = len(keys_of(lake, 3))

    forget("--query", "tabby cat", "-k", "2", "--lang", "zh")

    assert asked == [WORDS["zh"]["ask-which"]]
    assert before - len(keys_of(lake, 3)) == gone


def test_both_languages_say_the_same():
    """Each text has the same places to fill."""
    english, chinese = WORDS["en"], WORDS["zh"]

    assert english.keys() == chinese.keys()
    for name, text in english.items():
        assert fields(text) == fields(chinese[name]), name


def fields(text):
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}
