import gc
import logging
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmcore.errors import ConfigError
from mmcore.search.following import Following, Loaded
from mmcore.search.queries import Asker
from mmcore.search.request import Part, SearchRequest
from mmcore.search.searcher import Searcher
from storage.errors import CorruptLakeError, NoLakeError, SnapshotReissuedError
from storage.layout import Layout
from storage.publication import roll_back
from storage.snapshot import Snapshot, manifest_of
from tests.lakes import COLOURS, WHEN, make_lake, towers
from tests.worded import with_words

RED = SearchRequest(parts=(Part(text="something red"),), words=0.0, k=3)
COLOURED = ("red", "green", "blue", "white")


def published(root, number, colours=COLOURED):
    """Publish the next snapshot; each key says of which one it is."""
    items = {
        f"{number}-{colour}": {
            f"{number}-{colour}.png": colour,
            f"{number}-{colour}.txt": f"A {colour} wall.",
            f"{number}-{colour}.zh.txt": f"一面{COLOURS[colour][0]}色的墙。",
        }
        for colour in colours
    }
    return make_lake(root, items, towers())


def opener(snapshot):
    """A searcher with encoders that no preset names."""
    return Searcher(snapshot, Asker(snapshot.manifest, towers(), None))


@pytest.fixture
def root(tmp_path):
    """A folder with one snapshot in its lake."""
    published(tmp_path, 1)
    return tmp_path


@pytest.fixture
def following(root):
    """What follows that lake, and looks when it is told to only."""
    with Following.open(root / "lake", opener=opener, every=1e9) as made:
        yield made


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


def number_of(answer):
    """The snapshot of an answer, which all its hits are of."""
    assert {hit.key.partition("-")[0] for hit in answer.hits} == {str(answer.snapshot)}
    return answer.snapshot


def own_index(layout, number):
    """The folder of the index of items: no other snapshot has these."""
    indexes = manifest_of(layout, number).indexes
    return layout.root / next(one.path for one in indexes if one.modality == "fused")


def damage(layout, number):
    """Cut the end off an index that this snapshot alone has; returns how to mend it."""
    path = own_index(layout, number) / "index.faiss"
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    return lambda: path.write_bytes(whole)


def test_a_new_snapshot_takes_over(following, root):
    """Without a restart; what is begun with the old searcher ends with it."""
    old = following.searcher()
    published(root, 2)
    before = number_of(following.answer(RED))
    following.look()

    assert (before, number_of(following.answer(RED))) == (1, 2)
    assert number_of(old.answer(RED)) == 1
    assert following.trouble is None


def test_it_looks_on_use(root):
    """Nobody has to tell it, and nobody waits for it."""
    with Following.open(root / "lake", opener=opener, every=0) as following:
        published(root, 2)
        until = time.monotonic() + 20
        while following.searcher().snapshot.manifest.number != 2 and time.monotonic() < until:
            time.sleep(0.01)

        assert number_of(following.answer(RED)) == 2


def test_it_looks_once_in_a_while_only(root, monkeypatch):
    """However often it is used."""
    looks = []
    with Following.open(root / "lake", opener=opener, every=1e9) as following:
        monkeypatch.setattr(following, "look", lambda: looks.append(1))
        for _ in range(5):
            following.searcher()
        assert looks == []
        monkeypatch.setattr(following, "_looked", -2e9)
        following.searcher()
        following._thread.submit(lambda: None).result()
        for _ in range(5):
            following.searcher()

    assert looks == [1]


def test_no_query_waits_for_a_new_snapshot(root):
    """While it is opened, however long that takes, the old one answers."""
    may_go_on, opening = threading.Event(), threading.Event()

    def slowly(snapshot):
        if snapshot.manifest.number == 2:
            opening.set()
            assert may_go_on.wait(20)
        return opener(snapshot)

    with Following.open(root / "lake", opener=slowly, every=0) as following:
        published(root, 2)
        following.searcher()
        assert opening.wait(20)
        assert number_of(following.answer(RED)) == 1
        may_go_on.set()
        following.look()
        assert number_of(following.answer(RED)) == 2


def test_a_snapshot_that_is_rolled_back_to_takes_over(following, root):
    """Whatever the pointer names serves, newer or older."""
    published(root, 2)
    following.look()
    roll_back(Layout(root / "lake"), 1)
    following.look()

    assert number_of(following.answer(RED)) == 1


def test_a_damaged_snapshot_does_not_take_over(following, root, caplog):
    """The old one serves on, each answer says so, the log says it once; a sound one takes over."""
    layout = Layout(root / "lake")
    published(root, 2)
    damage(layout, 2)
    with caplog.at_level(logging.WARNING):
        following.look()
        following.look()
    answer = following.answer(RED)

    assert number_of(answer) == 1
    assert "1 serves on" in following.trouble
    assert "index.faiss" in following.trouble
    assert following.trouble in answer.notes
    assert following.trouble in following.answers([RED])[0].notes
    assert sum("serves on" in record.message for record in caplog.records) == 1

    published(root, 3)
    following.look()
    assert number_of(following.answer(RED)) == 3
    assert following.trouble is None
    assert following.answer(RED).notes == ()


def test_a_snapshot_that_is_mended_takes_over(following, root, monkeypatch):
    """It is tried again after a while."""
    published(root, 2)
    mend = damage(Layout(root / "lake"), 2)
    following.look()
    mend()
    following.look()
    assert number_of(following.answer(RED)) == 1
    monkeypatch.setattr(following, "_refused", (following._refused[0], 0.0))
    following.look()

    assert number_of(following.answer(RED)) == 2


def test_damage_that_no_size_tells_keeps_a_snapshot_from_serving(following, root):
    """Indexes are opened before it takes over."""
    layout = Layout(root / "lake")
    published(root, 2)
    path = own_index(layout, 2) / "index.json"
    path.write_bytes(path.read_bytes().replace(b"{", b"(", 1))
    following.look()

    assert number_of(following.answer(RED)) == 1
    assert "index.json" in following.trouble


@pytest.mark.parametrize("pointer", [b"nonsense", b"7\n", None])
def test_a_damaged_pointer_changes_nothing(following, root, pointer):
    """Until it is mended the old snapshot serves."""
    current = root / "lake" / "CURRENT"
    if pointer is None:
        current.unlink()
    else:
        current.write_bytes(pointer)
    following.look()

    assert number_of(following.answer(RED)) == 1
    assert following.trouble is not None
    current.write_text("1\n")
    following.look()
    assert following.trouble is None


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


def test_a_damaged_snapshot_is_not_begun_with(root):
    """What searches need is read at once: who starts a server is told then, and not who asks."""
    path = own_index(Layout(root / "lake"), 1) / "index.json"
    path.write_bytes(path.read_bytes().replace(b"{", b"(", 1))
    with pytest.raises(CorruptLakeError, match=r"index\.json"):
        Following.open(root / "lake", opener=opener)


def test_an_error_that_is_not_ours_is_trouble_too(root, caplog):
    """It is told in each answer and logged once, with its traceback; the old one serves on."""
    opened = []

    def failing(snapshot):
        opened.append(snapshot)
        if len(opened) > 1:
            raise MemoryError("no room")
        return opener(snapshot)

    with Following.open(root / "lake", opener=failing, every=1e9) as following:
        published(root, 2)
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                following.look()
        answer = following.answer(RED)

    assert number_of(answer) == 1
    assert "MemoryError: no room" in following.trouble
    assert following.trouble in answer.notes
    assert len(opened) == 2
    assert [bool(record.exc_info) for record in caplog.records] == [True]


def test_eight_search_while_snapshots_are_published(root):
    """No error, no mixed answer, no snapshot after a newer one; the last one is reached."""
    last, done = 3, threading.Event()

    def ask(following):
        seen = []
        while not done.is_set() or not seen:
            seen.append(number_of(following.answer(RED)))
            assert all(number_of(one) for one in following.answers([RED, RED]))
        return seen

    with (
        Following.open(root / "lake", opener=opener, every=0) as following,
        ThreadPoolExecutor(8) as threads,
    ):
        asking = [threads.submit(ask, following) for _ in range(8)]
        try:
            for number in range(2, last + 1):
                published(root, number)
        finally:
            done.set()
        seen = [one.result() for one in asking]
        following.look()
        assert number_of(following.answer(RED)) == last
        assert following.trouble is None

    assert all(one == sorted(one) for one in seen)
    assert {number for one in seen for number in one} > {1}


def test_it_is_closed(root):
    """Then nothing looks any more, and it cannot be asked; what was begun ends well."""
    with Following.open(root / "lake", opener=opener, every=0) as following:
        searcher = following.searcher()
    with pytest.raises(ConfigError, match="is closed: open it again"):
        following.answer(RED)
    with pytest.raises(ConfigError, match="is closed"):
        following.reopened()
    following.close()

    assert number_of(searcher.answer(RED)) == 1
    assert not [one for one in threading.enumerate() if one.name.startswith("following")]


def test_a_lake_without_a_snapshot_cannot_be_followed(tmp_path):
    """It is told as everywhere."""
    with pytest.raises(NoLakeError):
        Following.open(tmp_path, opener=opener)


def test_encoders_that_are_the_same_stay_loaded(root):
    """Of a new snapshot; another fingerprint is another encoder."""
    manifest = Snapshot.open(Layout(root / "lake")).manifest
    loaded, first = Loaded(), towers()
    before = loaded.kept(Asker(manifest, first, None))
    same = loaded.kept(Asker(manifest, towers(), None))
    text, image = towers(version=2)[0], towers()[1]
    changed = loaded.kept(Asker(manifest, (text, image), None)).encoders

    assert all(one is other for one, other in zip(same.encoders, before.encoders, strict=True))
    assert (changed[0], changed[1]) == (text, first[1])


def test_encoders_in_use_stay_loaded_where_a_snapshot_cannot_take_over(root):
    """What was made for it is let go; what serves on is there for the next one."""
    manifest = Snapshot.open(Layout(root / "lake")).manifest
    loaded = Loaded()
    serving = loaded.kept(Asker(manifest, towers(), None))
    failed = loaded.kept(Asker(manifest, towers(version=2), None))
    gone = weakref.ref(failed.encoders[0])
    del failed
    following = loaded.kept(Asker(manifest, towers(), None))

    assert [*map(id, following.encoders)] == [*map(id, serving.encoders)]
    assert gone() is None


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
        held = [old, old._opened.catalog, old._opened.lexicon(), where, where._columns()]
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
