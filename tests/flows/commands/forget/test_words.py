"""What `mmindex forget` says and asks, in both languages."""

import json
from io import StringIO
from pathlib import Path
from string import Formatter
from types import SimpleNamespace

import pytest
from rich.console import Console

from flows.commands.forget.show import Show
from flows.commands.forget.words import WORDS
from storage.erasure.orders import OfSet
from storage.erasure.proof import Proof
from storage.layout import Layout
from tasks.erasure.erase import Erased
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


@pytest.mark.parametrize(
    ("language", "shop", "gone"),
    [
        ("en", "query sets shop: 1 query and 2 judgements taken out;", "old: removed,"),
        ("zh", "查询集 shop：去掉了 1 个查询、2 条判断；", "old：已全部去掉"),
    ],
)
def test_what_query_sets_lost_is_told(language, shop, gone):
    """Their scores are others from then on, and not because anything is found worse."""
    out = Console(file=StringIO(), width=200)
    sets = (OfSet("shop", 1, 2), OfSet("old", 3, 3, whole=True))
    done = Erased((1,), (), (), 0, 4, Proof(5, 6, 7), sets)

    Show(language).ended(out, Layout(Path("lake")), done)

    told = " ".join(out.file.getvalue().split())
    assert shop in told
    assert gone in told


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
