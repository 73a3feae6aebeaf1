"""A snapshot that was written anew is opened anew, and nothing erased is held."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmcore.search.asking.queries import Asker
from mmcore.search.following import Following
from mmcore.search.searcher import Searcher
from storage.errors import CorruptLakeError, SnapshotReissuedError
from storage.layout import Layout
from storage.publication import roll_back
from storage.published import manifest_of
from tests.lakes import WHEN, towers
from tests.mmcore.search.following.served import (
    COLOURED,
    RED,
    damage,
    number_of,
    opener,
    published,
)
from tests.worded import with_words


class Cold(Searcher):
    """A searcher that reads what it needs when it needs it."""

    def warm(self):
        """Read nothing."""


@pytest.fixture
def cold(root):
    """The same, of which nothing is in memory yet."""

    def opened(snapshot):
        return Cold(snapshot, Asker(snapshot.manifest, towers(), None))

    with Following.open(root / "lake", opener=opened, every=1e9) as made:
        yield made


def reissue(root):
    """Write snapshot 1 anew without its red item, as an erasure does; its own files go."""
    layout = Layout(root / "lake")
    old = manifest_of(layout, 1)
    new = published(root, 1, COLOURED[1:]).manifest
    roll_back(layout, 1)
    anew = new.model_copy(update={"number": 1, "parent": None, "reissued_at": WHEN})
    (layout.snapshot(1) / "manifest.json").write_bytes(anew.to_json())
    for path in {file.path for file in old.files} - {file.path for file in new.files}:
        (layout.root / path).unlink()


@pytest.mark.parametrize("several", [False, True])
def test_a_snapshot_that_was_written_anew_is_opened_and_asked_again(cold, root, several):
    """Where its files went before they were read: who asks learns nothing of it."""
    old = cold.searcher()
    reissue(root)
    with pytest.raises(SnapshotReissuedError):
        old.answer(RED)
    answer = cold.answers([RED, RED])[1] if several else cold.answer(RED)

    assert {hit.key for hit in answer.hits} == {"1-green", "1-blue", "1-white"}
    assert cold.searcher() is not old


def test_what_was_erased_is_dropped_by_looking(following, root):
    """Also where all of the old snapshot is in memory, and no file is missed."""
    assert following.answer(RED).hits[0].key == "1-red"
    reissue(root)
    following.look()

    assert "1-red" not in {hit.key for hit in following.answer(RED).hits}


def test_it_is_opened_anew_once(following, root):
    """Of many that find it outdated at once, one opens it, and all get that."""
    old = following.searcher()
    reissue(root)
    with ThreadPoolExecutor(4) as threads:
        found = [*threads.map(following.reopened, [old] * 8)]

    assert {id(one) for one in found} == {id(following.searcher())}
    assert found[0] is not old
    assert following.reopened() is not found[0]  # whoever names none gets a new one


def test_what_cannot_be_opened_anew_is_told(cold, root):
    """The error is that of opening it."""
    reissue(root)
    damage(Layout(root / "lake"), 1)
    with pytest.raises(CorruptLakeError, match=r"index\.faiss"):
        cold.answer(RED)


@pytest.fixture
def collected():
    """What goes without the collector: nothing that ends holds itself."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_what_was_erased_goes_with_the_last_query(root, collected, monkeypatch):
    """Tables, words and the columns of conditions: from memory and from the disk."""
    monkeypatch.setattr(gc, "collect", lambda: 0)

    def worded(snapshot):
        return opener(with_words(snapshot))

    with Following.open(root / "lake", opener=worded, every=1e9) as following:
        old = following.searcher()
        old.answer(RED.model_copy(update={"words": 0.5, "where": "size > 1"}))
        where = old._opened.where()
        held = [old, old._opened.rows, old._opened.lexicon(), where, where._columns()]
        folder, goes = held[-1]._folder.path, [weakref.ref(one) for one in held]
        published(root, 2)
        following.look()
        assert number_of(old.answer(RED)) == 1  # a query under way ends well
        assert folder.exists()
        del old, where, held

        assert [one() for one in goes] == [None] * len(goes)
        assert not folder.exists()


def test_what_holds_itself_is_collected_at_once(root):
    """Once a new snapshot has taken over, and once more when it is looked again."""
    with Following.open(root / "lake", opener=opener, every=1e9) as following:
        for number in (2, 3):
            held = following.searcher()
            held.itself = held
            gone = weakref.ref(held)
            published(root, number)
            if number == 2:
                del held
            following.look()
            if number == 3:  # something is still done with it
                assert gone() is not None
                del held
                following.look()
            assert gone() is None
