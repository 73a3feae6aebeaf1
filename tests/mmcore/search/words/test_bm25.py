"""The Lexicon: which items have the words of a query."""

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mmcore.search.ranking.lists import NO_SEGMENT, WORDS
from mmcore.search.words import inside
from mmcore.search.words.bm25 import Lexicon
from mmcore.search.words.tokens import words_of
from mmcore.search.words.weighed import NAME_K1
from tests.mmcore.search.words.conftest import item, segment


def keys(lexicon, query, known, k=10, **options):
    """The keys that a query finds, best first."""
    named = {item(key): key for key in known}
    return [named[one] for one in lexicon.search(words_of(query), k, **options).item_ids.tolist()]


PHOTOS = {
    **{f"trips/IMG_{number}": ["a photo of the sea"] for number in range(2030, 2040)},
    "tux-01": ["a penguin"],
    "tux": ["a penguin, again"],
    "tux-01-large": ["IMG of tux 01"],
    "王小明": ["昨天的聚会"],
    "小明王": ["王先生和小明"],
    "notes": ["张伟丽出席了2023年的会议 on page 42 of report-7b"],
}


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("IMG_2034", "trips/IMG_2034"),
        ("img_2034.jpg", "trips/IMG_2034"),
        ("IMG_2034 sea", "trips/IMG_2034"),
        ("tux-01", "tux-01"),
        ("tux", "tux"),
        ("tux-01-large", "tux-01-large"),
        ("王小明", "王小明"),
        ("小明王", "小明王"),
        ("张伟丽", "notes"),
        ("張偉麗", "notes"),
        ("张伟", "notes"),
        ("report-7b", "notes"),
        ("42", "notes"),
        ("2023", "notes"),
    ],
)
def test_an_exact_name_comes_first(lake, query, first):
    """File names, codes, numbers and Chinese names, among others that have parts of them."""
    assert keys(Lexicon.of(lake(PHOTOS)), query, PHOTOS)[0] == first


def test_labels_and_files_are_names_too(lake):
    """A folder's item is found by the names of its files, and by what it was labelled."""
    texts = {"shoot 1": [], "shoot 2": [], "c": []}
    files = {"shoot 1": ["a/DSC_1.jpg"], "shoot 2": ["a/DSC_2.jpg"], "c": ["a.csv#c/en"]}
    lexicon = Lexicon.of(lake(texts, labels={"c": ["golden retriever"]}, files=files))

    assert keys(lexicon, "DSC_2", texts) == ["shoot 2", "shoot 1"]
    assert keys(lexicon, "retriever", texts) == ["c"]
    assert keys(lexicon, "csv", texts) == keys(lexicon, "en", texts) == []


NAMED = {f"trips/IMG_{number}": [f"a photo, number {number}"] for number in range(2030, 2040)}
ENDED = {key: [f"{key}.jpg", f"{key}.zh.txt"] for key in NAMED} | {
    "notes/长城": ["notes/长城.JPG"],
    "notes/my day 3": ["notes/my day 3.png"],
    "notes/readme": ["notes/readme"],
}


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("IMG_2034.jpg", "trips/IMG_2034"),
        ("trips/IMG_2034.jpg", "trips/IMG_2034"),
        ("trips/IMG_2034.zh.txt", "trips/IMG_2034"),
        ("长城.jpg", "notes/长城"),
        ("my day 3.png", "notes/my day 3"),
        ("notes/readme", "notes/readme"),
    ],
)
def test_a_file_is_found_whole_by_its_name_with_its_ending(lake, query, first):
    """Nothing of a name of a file is missing in its item, also where the key tells all else."""
    texts = NAMED | {key: [] for key in ENDED if key not in NAMED}
    lexicon = Lexicon.of(lake(texts, files=ENDED))

    assert keys(lexicon, query, texts)[0] == first
    assert lexicon.coverage(words_of(query), np.array([item(first)])) == pytest.approx([1.0])


def test_only_some_texts_are_looked_at(lake):
    """Names stay; a text that is not looked at adds nothing, and is not told."""
    texts = {"red": ["red wall"], "a": ["red wall", "red sky"], "b": ["sky"], "c": ["red wall"]}
    whole = Lexicon.of(lake(texts))
    some = whole.within(np.sort([segment("red sky"), segment("sky")]))
    found = some.search(["red", "wall"], 9)
    items = np.array([item(key) for key in texts])

    assert keys(some, "red wall", texts) == ["red", "a"]
    assert found.segment_ids.tolist() == [NO_SEGMENT, segment("red sky")]
    assert some.matched(items, ["red", "wall"]) == [("red",), ("red",), (), ()]
    shares = whole.coverage(["red", "wall"], items), some.coverage(["red", "wall"], items)
    assert shares[0].tolist() == pytest.approx([1, 1, 0, 1])
    assert shares[1][0] == pytest.approx(shares[1][1])
    assert 0 < shares[1][0] < 1
    assert shares[1][2:].tolist() == [0, 0]
    assert set(keys(whole, "red wall", texts)) == {"red", "a", "c"}


def test_scores_are_the_better_of_text_and_name_for_each_word(lake):
    """By hand: one text and one name of two words each, and a word that both have."""
    snapshot = lake({"red dog": ["red cat"], "x": ["y"]})
    found = Lexicon.of(snapshot).search(["red", "dog", "cat"], 5)
    once, twice = (math.log(1 + (4 - n + 0.5) / (n + 0.5)) for n in (1, 2))
    by_name = 1 / (1 + NAME_K1 * (0.25 + 0.75 * 2 / 1.5))
    by_text = 1 / (1 + 1.5 * (0.25 + 0.75 * 2 / 1.5))

    assert (found.by, found.item_ids.tolist()) == (WORDS, [item("red dog")])
    assert found.scores == pytest.approx([(twice + once) * by_name + once * by_text])
    assert found.segment_ids.tolist() == [segment("red cat")]


def test_an_item_counts_by_its_best_text(lake):
    """Ten texts that say a little are not more than one that says it all."""
    texts = {"much": [f"red number {n}" for n in range(10)], "one": ["red dog"]}
    found = Lexicon.of(lake(texts)).search(["red", "dog"], 2)

    assert found.item_ids.tolist() == [item("one"), item("much")]
    assert found.segment_ids[0] == segment("red dog")


def test_a_text_serves_all_its_items_and_ties_go_by_id(lake):
    """Equal texts are one segment; a name brings no segment."""
    texts = {"p": ["blue sky"], "q": ["blue sky"], "blue": ["grass"]}
    lexicon = Lexicon.of(lake(texts))
    found = lexicon.search(["blue"], 3)

    assert found.item_ids.tolist() == [item("blue"), *sorted([item("p"), item("q")])]
    assert found.segment_ids.tolist() == [NO_SEGMENT, *[segment("blue sky")] * 2]
    for k in range(4):
        assert lexicon.search(["blue"], k).item_ids.tolist() == found.item_ids.tolist()[:k]


def test_allowed_items_are_all_found_and_no_others(lake):
    """The scores are those of a search without the filter."""
    texts = {f"k{n}": [f"common word{n}"] for n in range(50)}
    lexicon = Lexicon.of(lake(texts))
    allowed = np.sort(np.array([item(f"k{n}") for n in range(0, 50, 7)] + [1, 2]))
    found = lexicon.search(words_of("common word7"), 50, allowed)
    every = lexicon.search(words_of("common word7"), 50)
    scores = dict(zip(every.item_ids.tolist(), every.scores.tolist(), strict=True))

    assert set(found.item_ids.tolist()) == {item(f"k{n}") for n in range(0, 50, 7)}
    assert found.item_ids[0] == item("k7")
    assert found.scores.tolist() == [scores[one] for one in found.item_ids.tolist()]


def test_one_character_finds_the_words_that_hold_it(lake, monkeypatch):
    """猫 finds 小猫 and 猫咪, but no character is looked for that stands nearly everywhere."""
    texts = {"a": ["小猫在睡觉"], "b": ["一只猫"], "c": ["猫咪"], "d": ["小狗"]}
    lexicon = Lexicon.of(lake(texts))

    assert set(keys(lexicon, "猫", texts)) == {"a", "b", "c"}
    assert lexicon.matched(np.array([item("a"), item("b")]), ["猫"]) == [("小猫",), ("猫",)]
    monkeypatch.setattr(inside, "_FEW", 0)
    assert keys(Lexicon.of(lake(texts)), "猫", texts) == ["b"]


ANIMALS = {
    "cat": ["一只猫在睡觉"],
    "panda": ["大熊猫在吃竹子"],
    "owl": ["猫头鹰"],
    "大熊猫": ["竹子"],
    "猫": ["睡觉的动物"],
    "both": ["猫和熊猫"],
    "dog": ["一只狗"],
}


def test_a_character_that_is_a_word_counts_far_more_than_one_inside_another(lake):
    """For 猫 cats come before the panda 大熊猫 and the owl 猫头鹰, in texts and in names."""
    lexicon = Lexicon.of(lake(ANIMALS))
    found = lexicon.search(["猫"], 9)
    scores = dict(zip(found.item_ids.tolist(), found.scores.tolist(), strict=True))
    cats, others = ("cat", "猫", "both"), ("panda", "owl", "大熊猫")
    least = min(scores[item(key)] for key in cats)
    shares = lexicon.coverage(["猫"], np.array([item(key) for key in (*cats, *others, "dog")]))

    assert set(scores) == {item(key) for key in (*cats, *others)}
    assert least > 1.5 * max(scores[item(key)] for key in others)
    assert shares.tolist() == pytest.approx([1, 1, 1, 0.7, 0.7, 0.7, 0])


def test_the_word_that_holds_a_character_is_told(lake):
    """大熊猫, 猫头鹰; where it is a word by itself, that, and where only pairs are known, too."""
    lexicon = Lexicon.of(lake(ANIMALS | {"橘猫沙发上睡": []}))
    items = np.array([item(key) for key in [*ANIMALS, "橘猫沙发上睡"]])

    told = lexicon.matched(items, ["猫"])
    assert told[:7] == [("猫",), ("大熊猫",), ("猫头鹰",), ("大熊猫",), ("猫",), ("猫",), ()]
    assert told[7] == ("猫",)
    assert lexicon.matched(items[1:2], words_of("熊猫 猫")) == [("熊猫",)]


def test_a_pair_of_neighbours_is_told_where_it_was_asked_for(lake):
    """Not where it is the end of one word and the beginning of another one."""
    lexicon = Lexicon.of(lake({"灰色太湖": [], "太阳": ["红色"], "丑颜": []}))
    items = np.array([item(key) for key in ["灰色太湖", "太阳", "丑颜"]])
    words = words_of("红色太阳")

    assert "色太" in words
    assert [{*told} for told in lexicon.matched(items, words)] == [set(), {"红色", "太阳"}, set()]
    assert lexicon.matched(items, words_of("丑颜 红色")) == [(), ("红色",), ("丑颜",)]
    assert lexicon.matched(items, words_of("色太")) == [("色太",), (), ()]


def test_words_that_say_nothing_are_told_of_no_item(lake):
    """a, on, 的, 一只, nor their pairs: not where an item has nothing else either."""
    texts = {"cat": ["a cat on the red mat", "一只红色的猫"], "dog": ["a dog", "一只狗的"]}
    lexicon = Lexicon.of(lake(texts))
    items = np.array([item(key) for key in texts])

    assert lexicon.matched(items, words_of("a cat on a mat")) == [("cat", "mat"), ()]
    assert lexicon.matched(items, words_of("一只猫的")) == [("猫",), ()]
    assert lexicon.matched(items, words_of("a zebra 的")) == [(), ()]


def test_words_that_say_nothing_are_told_where_nothing_else_was_asked(lake):
    """Who looks for 的 finds by it."""
    lexicon = Lexicon.of(lake({"cat": ["the red mat", "红色的猫"], "dog": ["a dog"]}))
    items = np.array([item("cat"), item("dog")])

    assert lexicon.matched(items, words_of("的")) == [("的",), ()]
    assert lexicon.matched(items, words_of("the a")) == [("the",), ("a",)]


def test_a_word_that_weighs_next_to_nothing_is_not_told(lake):
    """As the name of a series: by how rare it is in the lake beside the rarest that was asked."""
    texts = {f"k{n}": [f"lot picture{n}"] for n in range(60)}
    lexicon = Lexicon.of(lake(texts))
    items = np.array([item("k1"), item("k2")])

    assert lexicon.matched(items, ["lot", "picture1"]) == [("picture1",), ()]
    assert lexicon.matched(items, ["lot"]) == [("lot",), ("lot",)]


def test_a_small_lake_tells_a_word_of_most_of_its_texts(lake):
    """Of four texts three have cat: it says something of each, beside tabby."""
    texts = {"a": ["tabby cat"], "b": ["cat"], "c": ["black cat"], "d": ["dog"]}
    lexicon = Lexicon.of(lake(texts))
    items = np.array([item("a"), item("b")])

    assert lexicon.matched(items, ["tabby", "cat"]) == [("tabby", "cat"), ("cat",)]


def test_emoji_are_words(lake):
    """In texts and in names, however they are drawn; a joined one is found by its parts."""
    texts = {"cat": ["so sweet 🐱"], "🐱-photo": [], "space": ["👩🏽‍🚀 up there"], "dog": ["🐶"]}
    lexicon = Lexicon.of(lake(texts))

    assert {*keys(lexicon, "🐱", texts)} == {"cat", "🐱-photo"}
    assert keys(lexicon, "👩‍🚀", texts) == keys(lexicon, "🚀", texts) == ["space"]
    assert lexicon.matched(np.array([item("space")]), words_of("👩🏻‍🚀 🐱")) == [("👩‍🚀",)]


def test_an_emoji_that_stands_nowhere_counts_for_nothing(lake):
    """It says how somebody feels; another word that stands nowhere was wanted."""
    lexicon = Lexicon.of(lake({"cat": ["a cat"], "dog": ["a dog"]}))
    cat = np.array([item("cat")])

    assert lexicon.coverage(words_of("cat 😂"), cat) == lexicon.coverage(["cat"], cat) == [1]
    assert lexicon.coverage(words_of("cat zebra"), cat) < 0.6


def test_matched_words_are_told_whole(lake):
    """Of a code not its parts, of Chinese no pair that is no word."""
    texts = {"tux-01": ["海边的猫，王小明"], "tux": ["nothing"]}
    lexicon = Lexicon.of(lake(texts))
    words = words_of("海边的猫 tux-01 王小明 dog")

    items = np.array([item("tux"), item("tux-01"), item("nowhere")])
    tux, told, nowhere = lexicon.matched(items, words)
    assert {"海边", "猫", "tux-01"} <= {*told}
    assert {"tux", "01", "边的", "的猫", "dog"}.isdisjoint(told)
    assert (tux, nowhere) == (("tux",), ())


@pytest.mark.parametrize("texts", [{}, {"a": []}, {"a": [""], "b": ["?!"]}])
def test_a_lake_without_words_answers_with_nothing(lake, texts):
    """No item, no text, no word: nothing is found, and nothing fails."""
    lexicon = Lexicon.of(lake(texts))

    for query in ("zebra", "猫", ""):
        assert len(lexicon.search(words_of(query), 10)) == 0
        assert lexicon.coverage(words_of(query), np.array([item("a")])).tolist() == [0]
    assert lexicon.matched(np.array([item("a")]), ["zebra"]) == [()]


def test_a_snapshot_without_the_table_has_no_lexicon(lake):
    """One of an older mmindex, or of a private lake."""
    assert Lexicon.of(lake({"a": ["b"]}, words=False)) is None


def test_threads_get_the_same_answers(lake):
    """A search keeps nothing in the Lexicon."""
    lexicon = Lexicon.of(lake(PHOTOS))
    queries = ["tux sea", "IMG_2034", "王小明", "猫 photo"] * 20

    def scores(query):
        return lexicon.search(words_of(query), 5).scores.tolist()

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(scores, queries)] == [scores(query) for query in queries]


def test_opening_loads_no_jieba(lake):
    """It is loaded by the first Chinese query."""
    snapshot = lake(PHOTOS)
    (snapshot.layout.root / "manifest.json").write_bytes(snapshot.manifest.to_json())
    program = (
        "import sys; from pathlib import Path; from storage.layout import Layout;"
        " from storage.manifest import read_manifest; from storage.snapshot import Snapshot;"
        " from mmcore.search.words.bm25 import Lexicon; root = Path(sys.argv[1]);"
        " found = Lexicon.of(Snapshot.of(Layout(root), read_manifest(root / 'manifest.json')));"
        " print(len(found.search(['sea'], 20)), 'jieba' in sys.modules, 'torch' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(snapshot.layout.root)],
        capture_output=True,
        check=True,
        text=True,
    )

    assert (told.stdout.strip(), told.stderr) == ("10 False False", "")
