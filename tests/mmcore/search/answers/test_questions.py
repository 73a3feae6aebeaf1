"""What a search asks by: words, items, segments, histories, and what is not wanted."""

import pytest

from mmcore.errors import ConfigError
from mmcore.search.ranking import stages
from mmcore.search.request import Part
from mmcore.types import Query, Rejection
from storage.schemas import item_id
from tests.fakes import hashed
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.search.answers.asking import AUDIO, COLOURED, IMAGE, TEXT, asked, keys, searcher


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
        "2 items meet the condition but have no vector to compare with: words alone can find them",
    )
    assert notes("red", where="key = 'first'") == (
        "1 item meets the condition but has no vector to compare with: words alone can find it",
    )
    assert notes("red", where="has_image") == notes("red") == ()
    assert notes("red", where="has_audio", modalities=(IMAGE,)) == ()
    sound = Part(item=item_id("media", "first"))
    assert len(notes(sound, where="has_audio")) == 1  # that sounds were searched


def test_what_has_no_usable_file_is_not_counted(tmp_path):
    """An item whose one file is in quarantine has nothing that could be found."""
    items = {**coloured_items(["red", "blue"]), **SOUNDS, "none": {"none.wav": "27"}}
    content = next(
        iter(
            make_lake(tmp_path / "first", {"none": items["none"]}, towers())
            .rows("item_files", ["content_id"])["content_id"]
            .to_pylist()
        )
    )
    bad = Rejection("media", "none.wav", content, "decode", "broken", "it is broken", "")
    lake = searcher(make_lake(tmp_path, items, towers(), rejections=[bad]))

    def notes(condition):
        return lake.answer(asked("red", words=0, where=condition)).notes

    assert notes("not has_image") == (
        "2 items meet the condition but have no vector to compare with: words alone can find them",
    )
    assert notes("key = 'none'") == ()


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
