"""Tests of mmcore/search/searcher.py: what one search of several cannot read is its own matter."""

import shutil

import pytest

from mmcore.search.asking.queries import Asker
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests.lakes import coloured_items, make_lake, towers

IMAGE, TEXT = Modality.IMAGE, Modality.TEXT


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A lake that nothing ails."""
    root = tmp_path_factory.mktemp("whole")
    make_lake(root, coloured_items(), towers())
    return root / "lake"


@pytest.fixture
def lake(whole, tmp_path):
    """A copy of it, to be damaged."""
    return shutil.copytree(whole, tmp_path / "lake")


def searcher(lake):
    """A searcher of it."""
    snapshot = Snapshot.open(Layout(lake))
    return Searcher(snapshot, Asker(snapshot.manifest, towers(), None))


def asked(modality):
    """A search of one medium, by vectors alone."""
    return SearchRequest(parts=(Part(text="red"),), modalities=(modality,), words=0, k=3)


def damaged(path):
    """Let a file be of the size that it was, and mean nothing."""
    path.write_bytes(bytes(path.stat().st_size))


def test_an_index_that_cannot_be_read_fails_those_alone_that_search_it(lake):
    """The others of the batch are answered as they are alone."""
    entries = Snapshot.open(Layout(lake)).manifest.indexes
    damaged(lake / next(one.path for one in entries if one.modality == TEXT) / "index.faiss")
    found = searcher(lake).answers([asked(IMAGE), asked(TEXT), asked(IMAGE)])

    assert isinstance(found[1], CorruptLakeError)
    assert found[0].hits == found[2].hits == searcher(lake).answer(asked(IMAGE)).hits
    assert len(found[0].hits) == 3


def test_rows_that_cannot_be_shown_fail_those_alone_that_show_them(lake):
    """Also where the tables of hits are read, which comes last."""
    one = searcher(lake)
    one.answer(asked(IMAGE))
    for entry in one.snapshot.manifest.indexes:  # which are in memory by now, but for the tables
        one._opened.background(entry)
    one._opened.owners(TEXT)
    files = one.snapshot.manifest.files
    damaged(lake / next(file.path for file in files if file.path.startswith("segments/text/")))
    found = one.answers([asked(TEXT), asked(IMAGE)])

    assert isinstance(found[0], CorruptLakeError)
    assert len(found[1].hits) == 3
