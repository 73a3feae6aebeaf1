from typing import get_args

import pytest

from mmcore.evaluation.reporting import words
from mmcore.evaluation.reporting.words import headline, named, told
from mmcore.evaluation.scores import Finding, FindingKind, GateVerdict, Verdict
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

    assert said.en == "Chinese text → image fell from 0.412 to 0.301 (Success@10). And 1 more."
    assert said.zh == "中文文本 → 图片 从 0.412 降到 0.301（Success@10）。另有 1 处。"


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
