"""A search server follows the snapshot that serves."""

import logging
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmcore.errors import ConfigError
from mmcore.search.asking.loaded import Loaded
from mmcore.search.asking.queries import Asker
from mmcore.search.following import Following
from storage.errors import CorruptLakeError, NoLakeError
from storage.layout import Layout
from storage.publication import roll_back
from storage.snapshot import Snapshot
from tests.lakes import towers
from tests.mmcore.search.following.served import (
    RED,
    damage,
    number_of,
    opener,
    own_index,
    published,
)


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
