"""The words of a lake, over runs of `mmindex index`, an erasure, damage, and a private lake."""

import os

import pytest

from mmcore.search.words import made
from mmcore.search.words.bm25 import Lexicon
from mmcore.search.words.tokens import words_of
from storage.keys import lake_key
from storage.layout import Layout
from storage.locks import writer_lock
from storage.schemas import Modality, item_id
from storage.snapshot import Snapshot
from tasks.erasure import erase
from tasks.erasure.choose import choose
from tests import media
from tests.forgetting import CHINESE, ENGLISH, all_findings, indexer, make_media, settle

OLD = ENGLISH, CHINESE, *(f"A plain {name} wall, and nothing else." for name in ("blue", "grey"))


@pytest.fixture
def asked(monkeypatch):
    """The texts whose words were made."""
    texts = []
    monkeypatch.setattr(made, "words_of", lambda text: texts.append(text) or words_of(text))
    return texts


@pytest.fixture
def index(monkeypatch, asked):
    """`mmindex index` as a plain call."""
    return indexer(monkeypatch)


@pytest.fixture
def folder(tmp_path):
    """A cat, a twin with its caption, and two others."""
    make_media(tmp_path / "media")
    return tmp_path / "media"


@pytest.fixture
def lake(folder, tmp_path, index):
    """The lake of it, after one run."""
    index(folder, tmp_path / "lake")
    return Layout(tmp_path / "lake")


def names(snapshot):
    """The parts of a snapshot's words."""
    return snapshot.manifest.paths("words")


def found(snapshot, query):
    """The items that have words of a query."""
    return set(Lexicon.of(snapshot).search(words_of(query), 10).item_ids.tolist())


def ids(*keys):
    """The ids of items."""
    return {item_id("media", key) for key in keys}


def test_a_run_makes_the_words_of_each_text_once(lake, asked):
    """Equal texts are one content; all are found, by text and by name."""
    snapshot = Snapshot.open(lake)

    assert sorted(asked) == sorted(OLD)
    assert found(snapshot, "沙发") == ids("trips/cat")
    assert found(snapshot, "tabby") == ids("trips/cat", "twin")
    assert found(snapshot, "grey") == ids("grey")
    assert all_findings(lake) == []


def test_texts_that_are_there_are_not_looked_at_again(lake, folder, index, asked):
    """A second run makes the words of a new text only, and those of a text that went go."""
    asked.clear()
    (folder / "grey.txt").unlink()
    media.text(folder / "owl.txt", "An owl.")
    settle(folder, 1_700_000_100)

    assert index(folder, lake.root).snapshot == 2
    assert asked == ["An owl."]
    texts = Snapshot.open(lake).pairs(Modality.TEXT)[1]
    assert set(Snapshot.open(lake).rows("words")["segment_id"].to_pylist()) == set(texts.tolist())
    assert found(Snapshot.open(lake), "owl") == ids("owl")
    assert found(Snapshot.open(lake), "nothing") == ids("blue")
    assert all_findings(lake) == []


def test_a_run_that_changes_no_text_shares_the_table(lake, folder, index, asked):
    """A file that is new with another medium leaves the words where they are."""
    before = names(Snapshot.open(lake))
    asked.clear()
    media.wav(folder / "blue.wav", 0.5)
    os.utime(folder / "blue.wav", (1_700_000_000,) * 2)

    assert index(folder, lake.root).snapshot == 2
    assert (names(Snapshot.open(lake)), asked) == (before, [])


def forget(layout, *paths):
    """Erase items."""
    with writer_lock(layout):
        lake_key(layout)
        choice = choose(layout, list(paths), (), content=False)
        return erase.erase(layout, choice.selection.order)


def test_an_erasure_takes_the_words_of_what_only_the_erased_had(lake, folder, index):
    """What the twin says too stays; the next run finds the table as it would write it."""
    told = forget(lake, "media/trips/cat.png")
    snapshot = Snapshot.open(lake)

    assert told.proof.left == {}
    words = {word for row in snapshot.rows("words")["words"].to_pylist() for word in row}
    assert "tabby" in words
    assert "沙发" not in words
    assert found(snapshot, "tabby") == ids("twin")
    assert all_findings(lake) == []
    named = names(snapshot)
    assert index(folder, lake.root, crawl={"hash_all": True}).status == "unchanged"
    assert names(Snapshot.open(lake)) == named


def test_a_name_that_others_words_have_is_no_trace(folder, tmp_path, index):
    """The erased key stands in lower case among the words of a caption that stays."""
    media.text(folder / "sofa-in-the-hall.txt", "An empty sofa.")
    media.text(folder / "twin-2.txt", "See SOFA-IN-THE-HALL for more.")
    settle(folder)
    index(folder, tmp_path / "lake")
    told = forget(Layout(tmp_path / "lake"), "media/sofa-in-the-hall.txt")

    assert told.proof.left == {}
    assert found(Snapshot.open(Layout(tmp_path / "lake")), "sofa-in-the-hall") >= ids("twin-2")


@pytest.mark.parametrize("damage", [lambda raw: raw[:50], lambda raw: b"\0" * len(raw)])
def test_damaged_words_are_made_again(lake, folder, index, asked, damage):
    """A part that is cut, or that cannot be read, is set aside; nothing is embedded."""
    (name,) = names(Snapshot.open(lake))
    (lake.root / name).write_bytes(damage((lake.root / name).read_bytes()))
    asked.clear()
    media.text(folder / "owl.txt", "An owl.")
    settle(folder, 1_700_000_100)

    result = index(folder, lake.root)

    assert result.set_aside == (name,)
    assert sorted(asked) == sorted([*OLD, "An owl."])
    assert found(Snapshot.open(lake), "沙发") == ids("trips/cat")


def test_a_private_lake_has_no_words(folder, tmp_path, index, asked):
    """It keeps no texts: none is looked at, and there is nothing to search."""
    index(folder, tmp_path / "lake", private=True)
    snapshot = Snapshot.open(Layout(tmp_path / "lake"))

    assert (names(snapshot), asked, Lexicon.of(snapshot)) == ([], [], None)
    assert not (tmp_path / "lake" / "words").exists()
    assert all_findings(snapshot.layout) == []
