"""Many searches at once."""

from concurrent.futures import ThreadPoolExecutor

from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.errors import ConfigError
from mmcore.search.answers import Answer
from mmcore.search.asking.queries import Asker
from mmcore.search.request import SearchRequest
from storage.indexes.files import Index
from tests.lakes import COLOURS, coloured_items, make_lake, towers
from tests.mmcore.search.answers.asking import IMAGE, OPTIONS, PARTS, TEXT, asked, keys, searcher
from tests.worded import with_words


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
