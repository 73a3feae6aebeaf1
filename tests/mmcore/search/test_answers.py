from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.errors import ConfigError, SpaceMismatchError
from mmcore.search.answers import Answer
from mmcore.search.opened import Opened
from mmcore.search.planning import Planner
from mmcore.search.queries import Asker
from mmcore.search.ranking import stages
from mmcore.search.ranking.weights import Weights
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from mmcore.search.stored import Stored
from mmcore.search.targets import Targets
from mmcore.types import Query
from storage.indexes.files import Index
from storage.manifest import ProjectionEntry
from storage.schemas import Modality, item_id
from storage.snapshot import Snapshot
from tests.fakes import hashed
from tests.lakes import COLOURS, coloured_items, make_lake, towers
from tests.worded import with_words

IMAGE, TEXT, AUDIO = Modality.IMAGE, Modality.TEXT, Modality.AUDIO
LONG = " ".join(f"Sentence {n} says nothing." for n in range(60)) + " The pink end."
ITEMS = {**coloured_items(copies=2), "sound": {"s.wav": "25"}, "long": {"long.txt": LONG}}
COLOURED = 2 * len(COLOURS)


def searcher(snapshot):
    """A searcher with encoders that no preset names."""
    return Searcher(snapshot, Asker(snapshot.manifest, towers(audio=True), None))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """Two items a colour, one sound in a space of its own, one long text; no words."""
    return searcher(make_lake(tmp_path_factory.mktemp("湖"), ITEMS, towers(audio=True)))


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """The same with words."""
    snapshot = make_lake(tmp_path_factory.mktemp("lake"), ITEMS, towers(audio=True))
    return searcher(with_words(snapshot))


def asked(*parts, **options):
    """A search with texts, or other parts."""
    texts = [Part(text=part) if isinstance(part, str) else part for part in parts]
    return SearchRequest(parts=tuple(texts), **options)


def keys(answer):
    """The keys of the hits, best first."""
    return [hit.key for hit in answer.hits]


def test_a_query_is_a_search_by_vectors_alone(lake):
    """The narrow form and the general one are the same."""
    for modality in (None, IMAGE, TEXT):
        modalities = () if modality is None else (modality,)
        request = asked("red", modalities=modalities, words=0, k=5)
        query = Query(text="red", modality=modality, k=5)

        assert [*lake.answer(request).hits] == lake.search(query)


def test_an_answer_names_its_snapshot_and_its_seconds(lake):
    """What was opened, and how long each step took."""
    answer = lake.answer(asked("red"))

    assert answer.snapshot == lake.snapshot.manifest.number == 1
    assert set(answer.seconds) == {"plan", "encode", "search", "rank", "show"}
    assert answer.notes == ()


def test_what_is_not_wanted_goes_down(lake):
    """Red or blue, without blue: red is first, and blue is last of all colours."""
    either = asked("red", "blue", k=COLOURED, words=0, modalities=(IMAGE,))
    parts = Part(text="red"), Part(text="blue", weight=-1)
    without = asked(*parts, k=COLOURED, words=0, modalities=(IMAGE,))

    assert {*keys(lake.answer(either))[:4]} == {"red-1", "red-2", "blue-1", "blue-2"}
    assert {*keys(lake.answer(without))[:2]} == {"red-1", "red-2"}
    assert {*keys(lake.answer(without))[-2:]} == {"blue-1", "blue-2"}


def test_what_is_left_comes_though_all_that_comes_first_is_not_wanted(tmp_path, monkeypatch):
    """Of ten blue and ten red items only blue ones are looked at first, and a red one comes."""
    monkeypatch.setattr(stages, "FIRST", 8)
    items = coloured_items(["red", "blue", "green", "white"], copies=10)
    lake = searcher(make_lake(tmp_path, items, towers()))
    both = hashed(b"blue", 32) + 0.8 * hashed(b"red", 32)
    parts = Part(vector=tuple(both.tolist())), Part(text="blue", weight=-1)
    bluer = lake.answer(asked(parts[0], k=8, modalities=(IMAGE,)))
    without = lake.answer(asked(*parts, k=2, modalities=(IMAGE,)))

    assert {key.partition("-")[0] for key in keys(bluer)} == {"blue"}
    assert {key.partition("-")[0] for key in keys(without)} == {"red"}


def test_an_item_asks_for_others_like_it(lake):
    """It does not come back itself; its twin comes first, by whole items and by each medium."""
    part = Part(item=item_id("media", "green-1"))
    for modalities in ((), (IMAGE,), (TEXT,), (IMAGE, TEXT)):
        answer = lake.answer(asked(part, modalities=modalities, k=99))

        assert keys(answer)[0] == "green-2"
        assert "green-1" not in keys(answer)
        assert len(answer.hits) == COLOURED - 1 + (modalities != (IMAGE,))


SOUNDS = {"first": {"a.wav": "25"}, "second": {"b.wav": "26"}}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    """Two items of a picture, and two that have only a sound."""
    items = {**coloured_items(["red", "blue"]), **SOUNDS}
    return searcher(make_lake(tmp_path_factory.mktemp("sounds"), items, towers(audio=True)))


def test_an_item_or_a_segment_asks_by_what_it_has(sounds):
    """One that has only a sound has no whole vector: it finds sounds, and that is said."""
    item = item_id("media", "first")
    segment = int(sounds.snapshot.pairs(AUDIO)[1][sounds.snapshot.pairs(AUDIO)[0] == item][0])
    for part in (Part(item=item), Part(segment=segment)):
        answer = sounds.answer(asked(part))

        assert keys(answer) == ["second"]
        assert answer.notes == ("whole items cannot be found by this: audio was searched",)


def test_what_an_item_can_ask_is_said_where_it_cannot_ask_that(sounds):
    """By its key, with what it has; also where nothing can be asked by all parts."""
    part = Part(item=item_id("media", "first"))
    for modalities, parts in (((IMAGE,), [part]), ((), ["red", part])):
        with pytest.raises(ConfigError, match=r"\(first\) has no .*: search audio with it \(-m a"):
            sounds.answer(asked(*parts, modalities=modalities, words=0))


def test_what_passes_and_cannot_be_found_is_counted(sounds):
    """Items without a whole vector, where they are what a condition allows, and only there."""

    def notes(*parts, **options):
        return sounds.answer(asked(*parts, words=0, **options)).notes

    assert notes("red", where="has_audio") == (
        "2 items that pass have no vector that this can ask",
    )
    assert notes("red", where="key = 'first'") == (
        "1 item that passes has no vector that this can ask",
    )
    assert notes("red", where="has_image") == notes("red") == ()
    assert notes("red", where="has_audio", modalities=(IMAGE,)) == ()
    sound = Part(item=item_id("media", "first"))
    assert len(notes(sound, where="has_audio")) == 1  # that sounds were searched


def test_a_history_of_items_asks_for_what_is_like_all(lake):
    """Recommendation: none of what was seen, first what is like it, last what was disliked."""
    liked = [Part(item=item_id("media", f"{colour}-1")) for colour in ("red", "blue")]
    disliked = Part(item=item_id("media", "pink-1"), weight=-1)
    found = keys(lake.answer(asked(*liked, disliked, modalities=(IMAGE,), k=99)))

    assert {*found[:2]} == {"red-2", "blue-2"}
    assert found[-1] == "pink-2"
    assert len(found) == COLOURED - 3


def test_a_segment_asks_for_others_like_it(lake):
    """It does not come back; in its own medium or in another of its space."""
    hit = lake.answer(asked("yellow", modalities=(IMAGE,), k=1)).hits[0]
    part = Part(segment=hit.segment_id)
    twin = ({"yellow-1", "yellow-2"} - {hit.key}).pop()

    assert keys(lake.answer(asked(part, modalities=(IMAGE,), k=1))) == [twin]
    assert keys(lake.answer(asked(part, k=1))) == [twin]
    assert {*keys(lake.answer(asked(part, modalities=(TEXT,), k=2)))} == {"yellow-1", "yellow-2"}


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Part(item=7), "no item 7"),
        (Part(segment=7), "no segment 7"),
        (Part(media="/nowhere/cat.png"), "not there"),
        (Part(text=" \n"), "empty"),
    ],
)
def test_what_the_lake_does_not_have_is_said(lake, part, said):
    """In one line, however many other parts there are."""
    with pytest.raises(ConfigError, match=said):
        lake.answer(asked("red", part))


def test_several_media_are_one_list(lake):
    """An item comes once; each medium that speaks for it is named, the stronger one first."""
    answer = lake.answer(asked("a red wall", modalities=(IMAGE, TEXT), words=0, k=3))
    hit = answer.hits[0]

    assert {*keys(answer)[:2]} == {"red-1", "red-2"}
    assert {reason.by for reason in hit.why} == {"image", "text"}
    assert hit.segment_id == hit.why[0].segment_id
    assert hit.modality == hit.why[0].by
    assert len({*keys(answer)}) == 3


def test_a_medium_that_cannot_be_asked_is_left_out_and_said(plain):
    """Sounds lie in a space of their own: pictures answer, and a note says why alone."""
    answer = plain.answer(asked("red", modalities=(IMAGE, AUDIO), words=0, k=2))

    assert {*keys(answer)} == {"red-1", "red-2"}
    assert any("audio cannot be found by text" in note for note in answer.notes)
    with pytest.raises(SpaceMismatchError):
        plain.answer(asked("red", modalities=(AUDIO,), words=0))


def test_what_words_alone_found_is_said(lake):
    """Sounds cannot be compared with a text here, and words bring them up all the same."""
    (note,) = lake.answer(asked("sound", modalities=(AUDIO,))).notes

    assert note == (
        "audio was searched by words alone: it can be compared with text once 16 items or so"
        " have both"
    )
    assert note.said("zh").startswith("声音只按词语搜索")


def test_nothing_found_says_why(lake):
    """A condition that nothing passes, and a page beyond the last one; else nothing is said."""

    def notes(**options):
        return lake.answer(asked("red", words=0, **options)).notes

    assert notes(where="key = 'nowhere'") == ("no item passes the condition",)
    assert notes(offset=500) == ("there are no answers beyond the first 500: skip fewer",)
    assert notes(where="key = 'red-1'") == notes(offset=1) == ()


def test_what_class_names_lead_is_said(plain):
    """Of the medium that is asked for, until captions have been learned from."""

    def notes(state, **options):
        manifest = plain.snapshot.manifest
        (name,) = {one.name for one in manifest.encoders if one.modality == IMAGE}
        states = {"states": {name: state}}
        joined = manifest.projection or ProjectionEntry(
            space="s", version="p1", dim=8, encoders={}
        )
        told = manifest.model_copy(update={"projection": joined.model_copy(update=states)})
        opened = Opened(Snapshot(plain.snapshot.layout, told))
        planner = Planner(opened, Targets(opened, plain._asker, Stored(opened)), Weights())
        entries = [one for one in manifest.indexes if one.modality == options["medium"]]
        return planner._by_class_names(entries, options["parts"])

    text, vector = (Part(text="red"),), (Part(vector=(1.0,) * 8),)
    (note,) = notes("label", medium=IMAGE, parts=text)
    assert note.startswith("image is found by class names alone, until 16 ")
    assert notes("fitted", medium=IMAGE, parts=text) == []
    assert notes("label", medium=TEXT, parts=text) == []
    assert notes("label", medium=IMAGE, parts=vector) == []


def test_a_medium_that_the_lake_has_not_is_left_out_and_said(lake):
    """It is an error where nothing else was asked for."""
    answer = lake.answer(asked("red", modalities=(Modality.VIDEO, IMAGE), k=1))

    assert any("no video index" in note for note in answer.notes)
    with pytest.raises(ConfigError, match="no video index"):
        lake.answer(asked("red", modalities=(Modality.VIDEO,), words=0))


def test_another_kind_than_whole_items_is_said(plain):
    """A sound that cannot meet whole items searches sounds."""
    path = str(plain.snapshot.layout.root.parent / "media" / "s.wav")
    answer = plain.answer(asked(Part(media=path)))

    assert keys(answer) == ["sound"]
    assert any("audio was searched" in note for note in answer.notes)


def test_words_find_what_vectors_do_not(lake):
    """An exact name wins, and says which words it has."""
    request = asked("Sentence 59 says", k=3)
    best = lake.answer(request).hits[0]
    (words,) = (reason for reason in best.why if reason.by == "words")

    assert best.key == "long"
    assert words.words == ("sentence", "59", "says")
    assert words.span is not None
    assert keys(lake.answer(asked("green-2", words=1, k=1))) == ["green-2"]


@pytest.mark.parametrize("query", ["a bell", "gong"])
def test_who_searches_sounds_gets_one_where_words_found_the_item(tmp_path, query):
    """By a text beside it, or by its name: the hit is the sound, the reason is words."""
    items = {**coloured_items(["red"]), "gong": {"g.wav": "25", "g.txt": "a bell, struck once"}}
    lake = searcher(with_words(make_lake(tmp_path, items, towers(audio=True))))
    answer = lake.answer(asked(query, modalities=(AUDIO,)))
    (hit,) = answer.hits

    assert (hit.key, hit.path, hit.modality) == ("gong", "g.wav", AUDIO)
    assert hit.segment_id in lake.snapshot.pairs(AUDIO)[1]
    assert [why.by for why in hit.why] == ["words"]
    assert any("by words alone" in note for note in answer.notes)


def test_chinese_words_are_words(lake):
    """A name in Chinese is found as one in English, with vectors or without."""
    for share in (None, 1):
        found = lake.answer(asked("灰色的墙", words=share, k=2))
        assert {*keys(found)} == {"grey-1", "grey-2"}
        assert "灰色" in found.hits[0].why[0].words


def test_words_alone_encode_nothing(lake):
    """No vector is asked for, and an item without the words does not come."""
    answer = lake.answer(asked("wall", words=1, k=99))

    assert len(answer.hits) == COLOURED
    assert all([reason.by for reason in hit.why] == ["words"] for hit in answer.hits)
    nothing = lake.answer(asked("zebra", words=1))
    assert (nothing.hits, nothing.notes) == (
        (),
        ("nothing that may be found has one of these words",),
    )


def test_words_bring_up_what_has_the_medium_that_is_searched(lake):
    """The long text has no picture, and so no place among pictures."""
    assert "long" not in keys(lake.answer(asked("Sentence 59", modalities=(IMAGE,), k=99)))


def test_without_a_table_vectors_answer_and_it_is_said(plain):
    """Unless words alone were asked for."""
    answer = plain.answer(asked("red", k=2))

    assert {*keys(answer)} == {"red-1", "red-2"}
    assert any("words were not searched" in note for note in answer.notes)
    assert plain.answer(asked("red", words=0)).notes == ()
    with pytest.raises(ConfigError, match="words were not searched"):
        plain.answer(asked("red", words=1))


def test_words_need_a_text(lake):
    """Where something else is asked with, words are no error unless they were asked for alone."""
    part = Part(item=item_id("media", "red-1"))

    assert lake.answer(asked(part)).notes == ()
    assert any("no text" in note for note in lake.answer(asked(part, words=0.5)).notes)
    with pytest.raises(ConfigError, match="no text"):
        lake.answer(asked(part, words=1))


def test_a_condition_leaves_k_answers(lake):
    """Those that it allows, all of them, from each list."""
    where = "key like '%-2'"
    for modalities in ((), (IMAGE,), (IMAGE, TEXT)):
        found = keys(lake.answer(asked("red", modalities=modalities, where=where, k=99)))
        assert sorted(found) == sorted(f"{colour}-2" for colour in COLOURS)
        assert found[0] == "red-2"
    assert lake.answer(asked("red", where="key = 'nobody'")).hits == ()


def test_a_language_chooses_among_texts(lake):
    """As in a query; words too find only items that have such a text."""
    answer = lake.answer(asked("red", language="zh", k=99))

    assert len(answer.hits) == COLOURED
    assert {hit.path.endswith(".zh.txt") for hit in answer.hits} == {True}
    with pytest.raises(ConfigError, match="it has: en, zh"):
        lake.answer(asked("red", language="fr"))


def test_a_language_tells_no_text_of_another(lake):
    """A Chinese name in English texts: words bring up by Chinese texts, and tell nothing else."""
    for words in (None, 1):
        answer = lake.answer(asked("a red wall 红", language="zh", words=words, k=99))
        texts = [hit.text for hit in answer.hits if hit.text is not None]
        reasons = [why for hit in answer.hits for why in hit.why if why.by == "words"]

        assert reasons
        assert all("墙" in text for text in texts)
        assert all("wall" not in why.words for why in reasons)
        assert {why.segment_id for why in reasons} <= {None, *chinese(lake)}
    assert lake.answer(asked("wall", language="zh", words=1)).hits == ()
    with pytest.raises(ConfigError, match="it has: en, zh"):
        lake.answer(asked("red", language="fr", words=1))


def chinese(lake):
    """The ids of the Chinese texts."""
    rows = lake.snapshot.rows("segments/text", ["segment_id", "language"]).to_pylist()
    return {row["segment_id"] for row in rows if row["language"] == "zh"}


def test_nearly_equal_items_are_one_answer(lake):
    """Twins have equal captions: one stands, and counts the other; k still come."""
    request = asked("red", modalities=(TEXT,), collapse=True, words=0, k=len(COLOURS))
    answer = lake.answer(request)

    assert len(answer.hits) == len(COLOURS)
    assert answer.hits[0].key == "red-1" or answer.hits[0].key == "red-2"
    assert answer.hits[0].duplicates == 1


def test_variety_brings_others_up(lake):
    """After the best one its twin is not the next."""
    usual = keys(lake.answer(asked("red", words=0, k=2)))
    varied = keys(lake.answer(asked("red", words=0, diversity=0.9, k=2)))

    assert {*usual} == {"red-1", "red-2"}
    assert varied[0] == usual[0]
    assert varied[1] != usual[1]


PARTS = st.lists(
    st.builds(
        Part,
        text=st.sampled_from(["red", "a blue wall", "白色的墙", "Sentence 3", "nothing of all"]),
        weight=st.sampled_from([0.5, 1.0, 2.0]),
    ),
    min_size=1,
    max_size=3,
)
OPTIONS = st.fixed_dictionaries(
    {
        "modalities": st.sampled_from([(), (IMAGE,), (TEXT,), (IMAGE, TEXT)]),
        "words": st.sampled_from([None, 0.0, 0.3]),
        "method": st.sampled_from(["convex", "rrf"]),
        "where": st.sampled_from([None, "key like '%-1'"]),
    }
)


@settings(max_examples=20)
@given(PARTS, OPTIONS, st.integers(1, 12), st.integers(0, 20))
def test_k_answers_come_where_k_exist(lake, parts, options, k, offset):
    """Each once, best first, equal ones by id; pages are the parts of one list."""
    page = lake.answer(SearchRequest(parts=(*parts,), k=k, offset=offset, **options)).hits
    everything = lake.answer(SearchRequest(parts=(*parts,), k=99, **options)).hits
    there = len(COLOURS) if options["where"] else COLOURED + (options["modalities"] != (IMAGE,))
    order = [(-hit.score, hit.item_id) for hit in everything]

    assert len(everything) == len({hit.item_id for hit in everything}) == there
    assert order == sorted(order)
    assert len(page) == min(k, max(0, there - offset))
    assert [hit.item_id for hit in page] == [
        hit.item_id for hit in everything[offset : offset + k]
    ]
    assert all(hit.why for hit in everything)


@settings(max_examples=20)
@given(PARTS, OPTIONS, st.randoms(use_true_random=False), st.sampled_from([0.25, 2.0, 4.0]))
def test_neither_the_order_of_parts_nor_the_unit_of_weights_counts(
    lake, parts, options, random, times
):
    """The same answer to the last digit."""
    other = [
        part.model_copy(update={"weight": part.weight * times})
        for part in random.sample(parts, len(parts))
    ]
    one = lake.answer(SearchRequest(parts=(*parts,), **options))
    two = lake.answer(SearchRequest(parts=(*other,), **options))

    assert one.hits == two.hits


@settings(max_examples=10)
@given(st.lists(st.tuples(PARTS, OPTIONS), min_size=1, max_size=4))
def test_many_searches_are_answered_as_each_alone(lake, searches):
    """Their texts are encoded together; nothing of one shows in another."""
    requests = [SearchRequest(parts=(*parts,), **options) for parts, options in searches]
    for request, answer in zip(requests, lake.answers(requests), strict=True):
        alone = lake.answer(request)
        assert isinstance(answer, Answer)
        assert keys(answer) == keys(alone)
        assert [h.why for h in answer.hits] == [h.why for h in alone.hits]


def test_many_searches_ask_the_encoder_and_the_index_once(lake, monkeypatch):
    """One batch of texts, one call of an index; an error is that of its own search."""
    calls = []
    for kind, name in ((Asker, "texts"), (Index, "search")):
        monkeypatch.setattr(kind, name, counted(calls, name, getattr(kind, name)))
    texts = ["red", " ", "blue", "green"]
    red, empty, *others = lake.answers([asked(text, words=0, k=2) for text in texts])

    assert {*keys(red)} == {"red-1", "red-2"}
    assert isinstance(empty, ConfigError)
    assert [len(answer.hits) for answer in others] == [2, 2]
    assert sorted(calls) == ["search", "texts"]


def counted(calls, name, method):
    """A method that says when it is called."""

    def counting(*args, **options):
        calls.append(name)
        return method(*args, **options)

    return counting


def test_enough_are_left_after_equal_ones_are_put_together(lake, monkeypatch):
    """Eight are looked at first, and twins among them leave four: more are looked at."""
    monkeypatch.setattr(stages, "FIRST", len(COLOURS))
    request = asked("red", modalities=(IMAGE,), collapse=True, words=0, k=len(COLOURS))
    twins = lake.answer(request).hits

    assert len({hit.key.partition("-")[0] for hit in twins}) == len(twins) == len(COLOURS)


def test_what_one_list_did_not_find_is_scored_there_all_the_same(lake, monkeypatch):
    """Lists cut short say the same of an item as long ones."""
    request = asked("A blue wall.", modalities=(IMAGE, TEXT), k=4)
    whole = {hit.item_id: hit.score for hit in lake.answer(request).hits}
    monkeypatch.setattr(stages, "FIRST", 4)
    short = lake.answer(request).hits

    assert {hit.item_id: hit.score for hit in short} == pytest.approx(whole)


def test_scores_of_several_lists_are_deviations_above_the_usual(lake):
    """(score - mean) / deviation, over all pictures that there are."""
    hit = lake.answer(asked("red", modalities=(IMAGE, TEXT), words=0)).hits[0]
    told = {reason.by: reason for reason in hit.why}["image"]
    _, ids, vectors = lake.snapshot.vectors(IMAGE)
    scores = vectors @ lake._asker.text("red").vector
    mine = scores[ids.tolist().index(told.segment_id)]

    assert told.score == pytest.approx((mine - scores.mean()) / scores.std(), rel=1e-4)


def test_by_ranks_all_lists_count_alike(lake):
    """First by vectors and by words: 1/61 twice; with a share told, by that."""
    request = asked("Sentence 59 says", method="rrf", modalities=(TEXT,), k=1)
    parts = [reason.by for reason in lake.answer(request).hits[0].why]
    shared = lake.answer(request.model_copy(update={"words": 0.9})).hits[0]

    assert {*parts} == {"text", "words"}
    assert lake.answer(request).hits[0].score == pytest.approx(2 / 61)
    assert shared.score == pytest.approx(1 / 61)


def test_words_answer_where_no_vector_can(lake):
    """No medium can be asked by all of what is asked with, and notes say so of each."""
    sound = Part(item=item_id("media", "sound"))
    answer = lake.answer(asked("a red wall", sound, modalities=(IMAGE, AUDIO), k=2))

    assert {*keys(answer)} == {"red-1", "red-2"}
    assert len(answer.notes) == 2
    with pytest.raises(ConfigError, match="no vector in the space"):
        lake.answer(asked(sound, modalities=(IMAGE,)))


def test_equal_scores_come_by_id_on_every_page(lake):
    """Twins score alike: whichever page cuts between them, the smaller id is on the first one."""
    for modalities in ((), (IMAGE,)):
        for cut in range(1, COLOURED):
            request = asked("a blue wall", words=0, modalities=modalities, k=cut)
            first = lake.answer(request).hits
            rest = lake.answer(request.model_copy(update={"offset": cut, "k": 99})).hits
            order = [(-hit.score, hit.item_id) for hit in (*first, *rest)]
            assert order == sorted(order)


def test_threads_share_a_searcher(lake):
    """Searches from many threads at once answer as one after the other, from the first one on."""
    fresh = searcher(lake.snapshot)
    requests = [asked(colour, modalities=(IMAGE, TEXT), k=3) for colour in COLOURS] * 2
    with ThreadPoolExecutor(8) as pool:
        together = [answer.hits for answer in pool.map(fresh.answer, requests)]

    assert together == [fresh.answer(request).hits for request in requests]


def test_an_answer_is_of_one_snapshot(tmp_path):
    """What is published after a searcher was opened is not in its answers."""
    old = searcher(with_words(make_lake(tmp_path, coloured_items(["red", "blue"]), towers())))
    new = searcher(with_words(make_lake(tmp_path, coloured_items(["red", "green"]), towers())))

    for one, number, other in ((old, 1, "blue-1"), (new, 2, "green-1")):
        answer = one.answer(asked("red", k=9))
        assert answer.snapshot == number
        assert keys(answer) == ["red-1", other]
