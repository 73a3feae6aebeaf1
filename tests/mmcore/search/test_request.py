"""What can be asked, and what is said of what cannot."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from mmcore.search.faults import fault
from mmcore.search.notes import said
from mmcore.search.request import Part, SearchRequest


def faults(kind, **fields):
    """What is wrong, in English and in Chinese."""
    with pytest.raises(ValidationError) as caught:
        kind(**fields)
    told = fault(caught.value.errors()[0])
    return said(told, "en"), said(told, "zh")


def test_a_file_may_be_named_by_a_path():
    """As anywhere in Python."""
    assert Part(media=Path("a") / "b.jpg") == Part(media="a/b.jpg")


def test_a_text_has_characters_alone():
    """Half a pair, as of a name that is not UTF-8, would end deep within an encoder."""
    for text in ("red \ud800", "\udcff"):
        assert "surrogates" in faults(Part, text=text)[0]
    assert Part(text="😀 𠮷").text == "😀 𠮷"


@pytest.mark.parametrize("number", [-1, 2**63, 2**70])
@pytest.mark.parametrize("name", ["item", "segment"])
def test_an_id_has_63_bits(name, number):
    """Another one is refused here; among several searches it would end all of them."""
    assert faults(Part, **{name: number})[0].startswith("it has to be")
    assert Part(item=2**63 - 1).item == 2**63 - 1


@pytest.mark.parametrize(
    ("fields", "english", "chinese"),
    [
        ({"words": 2}, "it has to be 1 or less", "不能大于 1"),
        ({"words": "x"}, "it has to be a number", "必须是数字"),
        ({"diversity": float("nan")}, "it has to be a number", "必须是数字"),
        ({"k": 0}, "it has to be 1 or more", "不能小于 1"),
        ({"k": 1.5}, "it has to be a whole number", "必须是整数"),
        ({"offset": 99999}, "it has to be 10,000 or less", "不能大于 10,000"),
        (
            {"method": "x"},
            "it has to be one of 'convex' or 'rrf'",
            "必须是 'convex' or 'rrf' 之一",
        ),
        ({"collapse": "x"}, "it has to be true or false", "必须是 true 或 false"),
        ({"where": 1}, "it has to be a text", "必须是文本"),
        ({"where": "x" * 10_001}, "10,000 characters or fewer", "最多 10,000 个字符"),
        ({"modalities": 5}, "it has to be a list", "必须是列表"),
        ({"nothing": 5}, "there is no such thing", "没有这一项"),
        ({"parts": ()}, "it has to have 1 or more", "至少 1 个"),
        ({"modalities": ("image",), "language": "zh"}, "a language chooses", "语言只用于"),
        ({"parts": (Part(text="a", weight=-1),)}, "say what to look for", "请说明要找什么"),
    ],
)
def test_what_is_wrong_is_told_in_both_languages(fields, english, chinese):
    """In words for people, without those of a library."""
    en, zh = faults(SearchRequest, **{"parts": (Part(text="a"),)} | fields)

    assert english in en
    assert chinese in zh


def test_a_part_asks_one_thing():
    """None and two are told, in both languages."""
    assert faults(Part) == (
        "ask with one of text, media, vector, item, segment, not none",
        "请用 text、media、vector、item、segment 之一来搜索，而不是 无",
    )
    assert "not text, item" in faults(Part, text="a", item=1)[0]
