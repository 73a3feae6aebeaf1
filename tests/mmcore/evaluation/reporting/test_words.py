import re
from typing import get_args

import pytest

from mmcore.counting import Number
from mmcore.evaluation.directions import NO_TEXTS
from mmcore.evaluation.gating import gate
from mmcore.evaluation.reporting import words
from mmcore.evaluation.reporting.words import headline, named, phrase, told
from mmcore.evaluation.scores import Finding, FindingKind, GateVerdict, Verdict
from mmcore.evaluation.withheld import OWN_SPACE
from tests.mmcore.evaluation.reporting.made import blocked


@pytest.mark.parametrize("kind", get_args(FindingKind))
def test_every_kind_of_finding_is_a_sentence_in_both_languages(kind):
    """With its numbers, and with no brace left."""
    found = told(Finding(kind=kind, subject="image/e5/p1", before=0.5, after=0.25, action="warn"))

    assert found.en.endswith(".")
    assert found.zh.endswith("。")
    assert not set("{}") & set(found.en + found.zh)


def test_what_is_below_its_least_did_not_fall():
    """A rule with ``min`` says what a score may not be below, whatever it was before."""
    rule = "all RR: max_drop = 0.01, min = 0.9"
    facts = {"kind": "worse", "subject": "all", "measure": "RR", "rule": rule, "action": "block"}

    same = told(Finding(before=0.585, after=0.585, **facts))
    fell = told(Finding(before=0.7, after=0.585, **facts))

    assert same.en == "All directions: 0.585 (RR), and it may not be below 0.900."
    assert fell.en == "All directions fell from 0.700 to 0.585 (RR)."


@pytest.mark.parametrize("status", get_args(Verdict))
def test_every_verdict_has_a_headline(status):
    """Also one that found nothing, and does not say why."""
    assert headline(GateVerdict(status=status)).en


def test_a_block_is_told_by_what_fell_first():
    """Direction, before and after; and how many findings there are beside it."""
    said = headline(blocked())

    fell = "Chinese text → image fell from 0.412 to 0.301 (Success@10)."
    assert said.en == f"{fell} In all: 1 finding blocks, 1 warning."
    assert (
        said.zh
        == "中文文本 → 图片 从 0.412 降到 0.301（Success@10）。共计：1 项须拦截、1 项警告。"
    )


def test_an_index_says_which_directions_it_touches():
    """Its name alone tells nobody what got worse."""
    said = told(blocked().findings[1])

    assert "index e5-small-p1-image gives back 0.900" in said.en
    assert said.en.endswith("Touches image → audio.")


@pytest.mark.parametrize(
    ("name", "en", "zh"),
    [
        ("text:en→text:zh", "English text → Chinese text", "英文文本 → 中文文本"),
        ("audio→fused", "audio → whole item", "声音 → 整个条目"),
        ("all zh", "All asked in Chinese", "所有中文查询"),
        ("mine/pairs:zh→en", "mine: Chinese → English", "mine: 中文 → 英文"),
        ("something else", "something else", "something else"),
    ],
)
def test_directions_have_names(name, en, zh):
    """What is not known is told as it is."""
    assert (named(name).en, named(name).zh) == (en, zh)


def test_all_words_have_both_languages():
    """And the same facts are filled in."""
    for section in words._words().values():
        for pair in section.values():
            assert len(pair) == 2
            assert all(pair)


@pytest.mark.parametrize(
    ("value", "shown"), [(0.25, "+0.250"), (-0.01, "\N{MINUS SIGN}0.010"), (-0.0001, "0.000")]
)
def test_changes_have_a_sign(value, shown):
    """A true minus; what rounds to nothing has none."""
    assert words.signed(value) == shown


@pytest.mark.parametrize(
    "told",
    [
        *(gate.SWITCHED_OFF, gate.NO_BASELINE, gate.NOT_KEPT, gate.NONE_STANDS, gate.TOO_FEW),
        gate.PARTIAL,
        *(NO_TEXTS, OWN_SPACE),
    ],
)
def test_reasons_are_told_in_chinese(told):
    """What says why nothing was measured is a constant elsewhere: its words are known here."""
    found = words.why(told)

    assert found.en == told
    assert not re.search("[a-z]{3}", found.zh)


def test_parts_of_a_reason_are_kept():
    """A number, and the name of a direction in words; what is not known stays as it is."""
    few = "no direction has 20 held-out queries; the most has text:zh→image with 3"

    assert words.why(few).zh == "没有任何方向达到 20 个留出查询；最多的是 中文文本 → 图片，有 3 个"
    assert words.why("no such words") == words.Phrase("no such words", "no such words")


def test_findings_are_counted_by_what_came_of_them():
    """Blocks and warnings apart; one is one."""
    of = blocked().findings

    assert words.counted(of).en == "1 finding blocks, 1 warning"
    assert words.counted(of).zh == "1 项须拦截、1 项警告"
    assert words.counted([of[0], of[0]]).en == "2 findings block"


def test_of_one_there_is_no_plural():
    """A report of one direction says so."""
    one, two = (
        phrase("headline.measured", directions=Number(n), queries=Number(n)) for n in (1, 2)
    )

    assert one.en == "1 direction, asked with 1 content of held-out pairs."
    assert two.en == "2 directions, asked with 2 contents of held-out pairs."
    assert one.zh == "共 1 个方向，用留出配对中的 1 个内容查询。"
