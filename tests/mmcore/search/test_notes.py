"""What a search tells, in both languages."""

import copy
import re
import tomllib
from importlib.resources import files
from string import Formatter

import pytest

from mmcore.errors import ConfigError, MediaError, SpaceMismatchError
from mmcore.search.notes import Note, said
from storage.schemas import Modality

WORDS = tomllib.loads(files("mmcore.search").joinpath("notes.toml").read_text("utf-8"))


def fields(text):
    """The names in the braces of a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_of_one_there_is_no_plural():
    """Limits and counts may be one."""
    told = [Note("fault-short", limit=n) for n in (1, 2)]

    assert [*map(str, told)] == [
        f"it has to have {n} or more" for n in ("1 character", "2 characters")
    ]
    assert told[0].said("zh") == "至少 1 个字符"
    assert Note("numbers", count=1) == "of 1 number"


def test_a_note_is_its_english_text():
    """It goes where texts go; media are named, numbers have commas, tuples are listed."""
    note = Note("no-index", medium=Modality.AUDIO, media=(Modality.IMAGE, "text"))
    count = Note("beyond", count=1234)

    assert note == "the lake has no audio index to search; it has: image, text"
    assert note.said("zh") == "数据湖中没有声音的索引；现有：图片、文本"
    assert (note.code, note.facts["medium"]) == ("no-index", "audio")
    assert count.startswith("1,234 items")


def test_what_a_note_holds_is_said_in_its_language():
    """Notes and errors within: so no half of a line stays English."""
    hint = Note("too-few", medium="audio", by="text", pairs=16)
    error = SpaceMismatchError("a", "b", hint)

    assert said(Note("left-out", why=error), "zh") == (
        "未搜索：空间 'a' 中的查询不能搜索 'b'："
        "暂时无法用文本查找声音：数据湖中同时具有二者的条目太少（至少需要 16 个）；可用它搜索文本"
    )
    assert said(Note("left-out", why=ConfigError(Note("cancels"))), "zh") == (
        "未搜索：查询的各部分相互抵消：请调整权重"
    )
    for language, without in (("en", SpaceMismatchError("a", "b")), ("en", error)):
        assert said(without, language) == str(without)


def test_a_name_that_is_a_medium_stays_as_it_is():
    """A key, a path or a word of a person is no word of ours."""
    assert "'image'" in said(Note("no-item-named", item="'image'"), "zh")
    assert Note("not-there", path="text").said("zh") == "text 不存在：请指定文件"


def test_what_is_known_in_english_alone_stays_as_it_is():
    """A text or an error of others; a file that cannot be used has its advice in Chinese."""
    broken = MediaError("text", "no-text", "no page has text")

    assert said("something new", "zh") == "something new"
    assert said(ConfigError("no such thing"), "zh") == "no such thing"
    assert said(broken, "en") == "no page has text"
    assert re.search("[\u4e00-\u9fff]", said(broken, "zh"))


def test_a_note_crosses_from_another_process():
    """With its facts, also within an error."""
    note = Note("not-there", path="x")
    error = copy.deepcopy(ConfigError(note))  # made as pickle makes it

    assert copy.deepcopy(note).said("zh") == note.said("zh")
    assert said(error, "zh") == note.said("zh") != str(error)


@pytest.mark.parametrize("code", WORDS["note"])
def test_both_languages_tell_the_same_facts(code):
    """A brace that one lacks would lose a fact; Chinese is Chinese."""
    english, chinese = WORDS["note"][code]

    assert fields(english) == fields(chinese)
    assert english != chinese
    assert re.search("[\u4e00-\u9fff：]", chinese)


def test_an_unknown_code_is_a_fault_of_ours():
    """It is told at once, not where somebody reads Chinese."""
    with pytest.raises(KeyError):
        Note("none of these")
