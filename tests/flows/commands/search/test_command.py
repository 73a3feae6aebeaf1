"""`mmindex search`: what can be asked at once, and how the answers are told."""

import json
import re
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from flows.terminal import printing
from mmcore.search.planning.planner import NO_WORDS
from storage.schemas import item_id


@pytest.fixture
def asked(run):
    """The keys of the answers of a search, by its `--json`."""

    def keys(*arguments):
        return [hit["key"] for hit in json.loads(run(*arguments, "--json").out)["hits"]]

    return keys


def test_several_things_are_asked_at_once(asked, lake):
    """Texts by position and by option, a picture, and an item beside them."""
    red = lake.parent / "media" / "red-1.png"

    assert set(asked("red", "--text", "blue", "-k", "2")) == {"red-1", "blue-1"}
    assert set(asked("--text", "blue", "--image", red, "-k", "2")) == {"red-1", "blue-1"}
    assert asked("blue", "--item", "red-1", "-k", "1") == ["blue-1"]
    assert asked("red", "--text", "blue", "--without", "red", "-k", "1") == ["blue-1"]


@pytest.mark.parametrize("name", ["red-1", "media/red-1", str(item_id("media", "red-1"))])
def test_an_item_has_three_names(asked, name):
    """Its key, root and key, its id; it is not among the answers itself."""
    found = asked("--item", name, "-k", "20")

    assert len(found) == 7
    assert "red-1" not in found


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--item", "none"), "the lake has no item 'none'"),
        (("red", "--words", "7"), "words"),
        (("red", "--diversity", "2"), "diversity"),
        (("red", "--method", "magic"), "method"),
        (("red", "-k", "1001"), "k:"),
        (("red", "--where", "nothing = 1"), "nothing"),
        (("red", "-m", "image", "--language", "zh"), "a language chooses among texts"),
        (("--without", "red"), "say what to look for"),
    ],
)
def test_what_cannot_be_asked_is_one_line(run, arguments, says):
    """With the exit code of a wrong setting."""
    answer = run(*arguments)

    assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert says in answer.err


def test_how_it_is_searched_is_told_by_options(asked):
    """A condition, media, pages, and how lists are blended."""
    first = asked("red", "-k", "3")

    assert asked("red", "--where", "key = 'grey-1'") == ["grey-1"]
    assert asked("red", "-k", "2", "--offset", "1") == first[1:]
    both = ("red", "-m", "image", "-m", "text", "-k", "1", "--words", "0")
    assert asked(*both) == asked(*both, "--method", "rrf") == ["red-1"]
    assert asked("red", "--diversity", "0.5", "--collapse", "-k", "1") == ["red-1"]


def test_programs_get_the_whole_answer(run, lake):
    """Snapshot, notes, why each hit is there; ids are texts."""
    told = json.loads(run("red", "-m", "text", "-k", "1", "--json").out)
    (hit,) = told["hits"]
    (why,) = hit["why"]

    assert (told["snapshot"], told["notes"]) == (1, [NO_WORDS])
    assert set(told["seconds"]) == {"plan", "encode", "search", "rank", "show"}
    assert (why["by"], why["segment_id"], why["words"]) == ("text", hit["segment_id"], [])
    assert hit["item_id"] == str(item_id("media", "red-1"))
    assert hit["duplicates"] == 0


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("note: words were not searched", "score", "why", "image")),
        ("zh", ("注意：没有按词语搜索：这个快照没有词表", "得分", "依据", "图片")),
    ],
)
def test_people_are_told_in_their_language(run, language, said):
    """Heads, media, and what could not be asked; the notes are no part of the answer."""
    answer = run("red", "-m", "image", "-k", "1", "--lang", language)

    assert all(word in answer.err + answer.out for word in said)
    assert said[0] not in answer.out
    assert "red-1.png" in answer.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--item", "none"), "数据湖中没有条目 'none'"),
        (("red", "--words", "7"), "words：不能大于 1（给出的是 7.0）"),
        (("red", "-m", "video"), "数据湖中没有视频的索引；现有：图片、文本、整个条目"),
        (("--image", "/nowhere.png"), "/nowhere.png 不存在：请指定文件"),
        (("red", "-k", "2", "--open", "3"), "结果编号为 1 到 2"),
        ((), "请说明要找什么"),
    ],
)
def test_errors_are_told_in_their_language(run, arguments, says):
    """Whole: what is wrong, and what there is."""
    answer = (
        run(*arguments, "--words", "0", "--lang", "zh") if "--words" not in arguments else None
    )
    answer = answer or run(*arguments, "--lang", "zh")

    assert answer.code == 2
    assert says in answer.err


def test_notes_are_told_whole_in_their_language(run):
    """Reasons included, on a terminal and for programs."""
    people = run("red", "-m", "image", "-m", "video", "-k", "1", "--words", "0", "--lang", "zh")
    programs = run("red", "--where", "key = 'none'", "--words", "0", "--lang", "zh", "--json")

    assert "注意：未搜索：数据湖中没有视频的索引；现有：图片、文本、整个条目" in people.err
    assert json.loads(programs.out)["notes"] == ["没有符合条件的条目"]


def test_nothing_found_says_why(run):
    """A condition that nothing passes, and a page beyond the last one."""
    none = run("red", "--where", "key = 'none'", "--words", "0")
    beyond = run("red", "--offset", "50", "--words", "0")

    assert "nothing found" in none.out
    assert "no item passes the condition" in none.err
    assert re.search(r"there are [0-9]+ answers in all", beyond.err)


def test_a_hyphen_says_what_is_not_wanted(asked, run):
    """As in the field of the page; a text of nothing else asks for nothing."""
    assert asked("red -blue", "-k", "8") == asked("red", "--without", "blue", "-k", "8")
    assert asked("red -blue", "-k", "8") != asked("red", "-k", "8")
    assert run("--text=-blue").code == 2


def test_what_is_not_wanted_has_a_weight(asked):
    """One of nearly nothing takes nearly nothing away."""
    both = ("red", "--text", "blue", "--without", "blue", "--words", "0", "-k", "2")

    assert {*asked(*both, "--without-weight", "0.01")} == {"red-1", "blue-1"}
    assert "blue-1" not in asked(*both, "--without-weight", "10")


@pytest.mark.parametrize("name", ["red-1.png", "media/red-1.png"])
def test_an_item_is_named_by_its_file(asked, name):
    """By its path, or by root and path, as a search shows them."""
    assert asked("--item", name, "-k", "20") == asked("--item", "red-1", "-k", "20")


def test_an_output_of_another_encoding_ends_nothing(monkeypatch):
    """What it does not have is escaped; JSON stays JSON."""
    out = TextIOWrapper(BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    printing.lenient()

    printing.OUT.print("猫")
    printing.print_json({"key": "猫 \udcff"})
    out.flush()

    table, _, told = out.buffer.getvalue().decode("ascii").partition("\n")
    assert table == "\\u732b"
    assert json.loads(told) == {"key": "猫 \udcff"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has a full device")
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_an_output_that_is_full_is_told_as_such(run, monkeypatch, options):
    """It is not the lake that has no room."""
    with Path("/dev/full").open("w") as full, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", full)
        answer = run("red", "-k", "1", *options)
    printing.OUT.print(end="")  # what the console still holds of it is no other test's

    assert answer.code == 1
    assert "the output cannot be written: No space left on device" in answer.err
    assert "lake" not in answer.err


@pytest.mark.parametrize("page", ["docs/search.md", "README.md"])
def test_the_programs_of_the_pages_run(lake, monkeypatch, page):
    """As they stand there, in the folder that has the lake."""
    text = (Path(__file__).parents[4] / page).read_text("utf-8")
    programs = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    programs = [one for one in programs if "from mmcore.search import" in one]
    monkeypatch.chdir(lake.parent)
    names = {}

    for program in programs:
        exec(program, names)

    assert names["answer"].snapshot == 1
    assert names["answer"].hits
