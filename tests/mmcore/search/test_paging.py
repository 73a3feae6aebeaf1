"""Pages of one search, put together, are one long list."""

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmcore.search.asking.queries import Asker
from mmcore.search.opened.opened import Opened
from mmcore.search.ranking import stages
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from storage.indexes.files import Index
from storage.schemas import Modality
from tests.lakes import COLOURS, coloured_items, make_lake, towers
from tests.worded import with_words

IMAGE, TEXT = Modality.IMAGE, Modality.TEXT
COPIES = 5
ALL = COPIES * len(COLOURS)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Forty items, five of each colour, with words."""
    snapshot = make_lake(tmp_path_factory.mktemp("lake"), coloured_items(copies=COPIES), towers())
    snapshot = with_words(snapshot)
    return Searcher(snapshot, Asker(snapshot.manifest, towers(), None))


@pytest.fixture
def short(monkeypatch):
    """Few items are looked at first, so that pages reach into every stage."""
    monkeypatch.setattr(stages, "FIRST", 4)
    monkeypatch.setattr(stages, "LONE", 2)


@pytest.fixture
def rough(monkeypatch):
    """Indexes that find other rows the deeper they are asked, as a graph or lists of codes do."""
    search = Index.search

    def roughly(index, vectors, k, ids=None, **options):
        rows = index.held() if ids is None else ids
        seen = np.random.default_rng(k).random(len(rows)) < (0.7 if k < len(rows) else 1)
        seen[: k - np.count_nonzero(seen)] = True  # k come back wherever there are k
        return search(index, vectors, k, rows[seen], **options)

    monkeypatch.setattr(Index, "search", roughly)
    monkeypatch.setattr(Opened, "exact", lambda opened, entry: False)


SEARCHES = st.fixed_dictionaries(
    {
        "text": st.sampled_from(["red", "a blue wall", "白色的墙", "pink-3", "nothing of all"]),
        "without": st.sampled_from(["", "", "blue", "a green wall"]),
        "modalities": st.sampled_from([(), (IMAGE,), (TEXT,), (IMAGE, TEXT)]),
        "words": st.sampled_from([None, 0.0, 0.3, 1.0]),
        "method": st.sampled_from(["convex", "rrf"]),
        "diversity": st.sampled_from([0.0, 0.0, 0.4, 1.0]),
        "collapse": st.booleans(),
    }
)
SIZES = st.lists(st.integers(1, 15), min_size=1, max_size=30)
PAGED = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def told(lake, text, without="", **options):
    """What a page tells of each answer."""
    parts = (Part(text=text), *([Part(text=without, weight=-1)] if without else []))
    hits = lake.answer(SearchRequest(parts=parts, **options)).hits
    return [(hit.item_id, hit.score, hit.duplicates, hit.segment_id) for hit in hits]


def check(lake, search, sizes):
    """Pages of these sizes are the beginning of one list, in which nothing comes twice."""
    ends = [*accumulate(sizes)]
    pages = [
        told(lake, k=size, offset=end - size, **search)
        for size, end in zip(sizes, ends, strict=True)
    ]
    whole = told(lake, k=ends[-1], **search)

    assert [answer for page in pages for answer in page] == whole
    assert len({item for item, *_ in whole}) == len(whole)
    return whole


@PAGED
@given(SEARCHES, SIZES)
def test_pages_of_any_sizes_are_one_list(lake, short, search, sizes):
    """Whatever lists are blended, by scores or ranks, with variety, with equal ones together."""
    check(lake, search, sizes)


@PAGED
@given(SEARCHES, SIZES)
def test_pages_of_indexes_that_are_not_exact_are_one_list(lake, short, rough, search, sizes):
    """Though a longer list of such an index need not begin as a shorter one does."""
    check(lake, search, sizes)


@pytest.mark.usefixtures("short", "rough")
@pytest.mark.parametrize("without", ["", "white"])
@pytest.mark.parametrize("diversity", [0.0, 0.4])
@pytest.mark.parametrize("method", ["convex", "rrf"])
@pytest.mark.parametrize("modalities", [(), (IMAGE, TEXT)])
def test_pages_end_with_all_that_there_is(lake, modalities, method, diversity, without):
    """Nothing is lost between stages."""
    search = {"modalities": modalities, "method": method, "diversity": diversity}

    found = check(lake, {"text": "a grey wall", "without": without, **search}, [7] * 9)
    assert len(found) == ALL


def test_the_first_answers_of_a_variety_are_chosen_among_the_same(lake, short):
    """The second answer of a list of two is that of a list of all."""
    for diversity in (0.3, 0.7):
        search = {"text": "red", "words": 0.0, "diversity": diversity}
        whole = told(lake, k=ALL, **search)

        assert [told(lake, k=k, **search)[-1] for k in range(1, ALL + 1)] == whole


@pytest.mark.parametrize("words", [0.0, None])
def test_a_page_within_the_first_stage_asks_each_index_once(lake, monkeypatch, words):
    """As many rows as one look takes, whichever page it is."""
    asked, search = [], Index.search

    def counted(index, vectors, k, ids=None, **options):
        asked.append(k)
        return search(index, vectors, k, ids, **options)

    monkeypatch.setattr(Index, "search", counted)
    for offset in (0, 10, 20):
        told(lake, "red", words=words, method="rrf", modalities=(IMAGE, TEXT), offset=offset)

    assert len(asked) == 2 * 3
