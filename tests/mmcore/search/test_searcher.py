import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmcore.errors import ConfigError, SpaceMismatchError
from mmcore.search.asking.queries import Asker
from mmcore.search.searcher import Searcher
from mmcore.types import Query
from storage.errors import NoLakeError
from storage.schemas import Modality
from tests import media
from tests.lakes import COLOURS, coloured_items, make_lake, towers


def searcher(snapshot, encoders):
    """A searcher with encoders that no preset names."""
    return Searcher(snapshot, Asker(snapshot.manifest, encoders, None))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with a Chinese name."""
    return tmp_path_factory.mktemp("湖")


@pytest.fixture(scope="module")
def colours(root):
    """Two items a colour, one sound in a space of its own, and one long text."""
    long = " ".join(f"Sentence {n} says nothing." for n in range(60)) + " The pink end."
    items = {
        **coloured_items(copies=2),
        "sound": {"s.wav": "25"},
        "long": {"long.txt": long},
    }
    return searcher(make_lake(root, items, towers(audio=True)), towers(audio=True))


def keys(hits):
    """The keys of hits, best first."""
    return [hit.key for hit in hits]


@pytest.mark.parametrize("text", ["something red", "红色的东西"])
def test_a_text_finds_items_by_their_fused_vectors(colours, text):
    """Without a modality the items come, each with a file to show."""
    hits = colours.search(Query(text=text, k=2))

    assert sorted(keys(hits)) == ["red-1", "red-2"]
    assert {hit.path for hit in hits} == {"red-1.png", "red-2.png"}
    assert [hit.segment_id for hit in hits] == [None, None]


@pytest.mark.parametrize("dim", [32, 128])
def test_concatenated_vectors_are_searched_by_texts_pictures_and_vectors(tmp_path, dim):
    """A query of the shared space is asked in all blocks; a vector may be of either space."""
    found = searcher(make_lake(tmp_path, coloured_items(), towers(), fusion="concat"), towers())
    picture = str(tmp_path / "media" / "green-1.png")
    ids, vectors, _ = found.snapshot.fused()
    red = found.search(Query(text="something red", k=8))
    blocks = vectors[ids.tolist().index(red[0].item_id)]
    vector = blocks if dim == 128 else blocks.reshape(4, 32).sum(axis=0)

    assert (red[0].key, len(red)) == ("red-1", 8)
    assert keys(found.search(Query(media=picture, k=1))) == ["green-1"]
    assert keys(found.search(Query(vector=tuple(vector.tolist()), k=1))) == ["red-1"]
    assert keys(found.search(Query(text="blue", modality=Modality.IMAGE, k=1))) == ["blue-1"]
    with pytest.raises(SpaceMismatchError):
        found.search(Query(vector=(1.0, 0.0)))


def test_a_text_finds_pictures(colours):
    """With a modality the hit is a segment of it, in the file it is cut from."""
    hit = colours.search(Query(text="blue", modality=Modality.IMAGE, k=1))[0]

    assert (hit.key, hit.root, hit.path) in [
        (f"blue-{n}", "media", f"blue-{n}.png") for n in (1, 2)
    ]
    assert (hit.modality, hit.span, hit.text) == (Modality.IMAGE, None, None)


def test_a_picture_finds_texts_of_one_language(colours):
    """A language means texts, of that language; k of them come back."""
    path = Path(colours.snapshot.layout.root).parent / "media" / "green-1.png"
    hits = colours.search(Query(media=str(path), language="zh", k=16))

    assert hits[0].text == "一面绿色的墙。"
    assert len(hits) == 16
    assert all(hit.path is not None and hit.path.endswith(".zh.txt") for hit in hits)


def test_a_segment_that_serves_two_items_brings_up_both(colours):
    """Equal captions are one segment of two items: both are hits, each with its own file."""
    hits = colours.search(Query(text="A grey wall.", modality=Modality.TEXT, k=2))

    assert {(h.key, h.path) for h in hits} == {
        ("grey-1", "grey-1.txt"),
        ("grey-2", "grey-2.txt"),
    }
    assert len({hit.segment_id for hit in hits}) == 1


def test_an_item_comes_once_and_k_items_come(colours):
    """A text of many segments is one hit; k = 99 finds all 17 items with a text."""
    hits = colours.search(Query(text="Sentence 3", modality=Modality.TEXT, k=99))

    assert len(hits) == len(set(keys(hits))) == 17
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)


def test_a_hit_in_a_long_text_says_where(colours):
    """The span is in code points, and the text is what it covers."""
    hit = colours.search(Query(text="pink", modality=Modality.TEXT, k=3))[-1]

    assert hit.key == "long"
    assert hit.span is not None
    assert hit.span.unit == "char"
    assert "pink end" in hit.text


def test_scores_are_inner_products(colours):
    """The score of a hit is the cosine of query and stored vector."""
    hit = colours.search(Query(text="A red wall.", modality=Modality.TEXT, k=1))[0]

    assert hit.score == pytest.approx(1.0, abs=1e-5)


def test_a_sound_searches_sounds_before_there_is_a_projection(colours):
    """What cannot meet the fused vectors is searched in its own space, and says so."""
    path = Path(colours.snapshot.layout.root).parent / "media" / "s.wav"
    hits = colours.search(Query(media=str(path)))

    assert keys(hits) == ["sound"]
    assert hits[0].modality is Modality.AUDIO
    assert hits[0].span is not None
    assert hits[0].span.unit == "second"


def test_spaces_that_do_not_meet_are_an_error(colours):
    """A text cannot search sounds that no projection joins; both spaces are named."""
    with pytest.raises(SpaceMismatchError) as caught:
        colours.search(Query(text="bang", modality=Modality.AUDIO))

    assert (caught.value.query, caught.value.index) == ("colours", "hash-audio")


def test_a_vector_searches_the_index_it_fits(colours):
    """A vector is scaled to length 1; another dimension, or no direction, is refused."""
    _, ids, vectors = colours.snapshot.vectors(Modality.TEXT)
    hits = colours.search(
        Query(vector=tuple((3 * vectors[0]).tolist()), modality=Modality.TEXT, k=1)
    )

    assert (hits[0].segment_id, hits[0].score) == (ids[0], pytest.approx(1.0, abs=1e-5))
    with pytest.raises(SpaceMismatchError):
        colours.search(Query(vector=(1.0, 0.0)))
    with pytest.raises(ConfigError):
        colours.search(Query(vector=(0.0,) * 32))


@pytest.mark.parametrize("length", [1e-60, 1e-30, 1e30, 1e300])
def test_a_vector_may_have_any_length(colours, length):
    """Its direction alone counts, also where a square of its numbers is nothing, or too much."""
    _, ids, vectors = colours.snapshot.vectors(Modality.TEXT)
    asked = tuple((length * vectors[0].astype(float)).tolist())
    (hit,) = colours.search(Query(vector=asked, modality=Modality.TEXT, k=1))

    assert (hit.segment_id, hit.score) == (ids[0], pytest.approx(1.0, abs=1e-5))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (Query(text="  \n"), "empty"),
        (Query(), "one of text, media or vector"),
        (Query(text="a", media="b"), "text and media"),
        (Query(text="a", k=0), "at least one"),
        (Query(text="a", modality=Modality.IMAGE, language="zh"), "among texts"),
        (Query(text="a", modality=Modality.TEXT, language="fr"), "en, zh"),
        (Query(text="a", modality=Modality.VIDEO), "image, text, audio, fused"),
        (Query(media="/nowhere/cat.png"), "not there"),
        (Query(media="."), "folder"),
    ],
)
def test_what_cannot_be_asked_is_said(colours, query, words):
    """One line that says what is wrong, and what there is instead."""
    with pytest.raises(ConfigError, match=words):
        colours.search(query)


def test_a_file_of_no_known_kind_is_said(colours, tmp_path):
    """Bytes that are no medium cannot be asked with; a damaged picture is named as one."""
    (tmp_path / "blob").write_bytes(bytes(range(256)) * 20)
    with pytest.raises(ConfigError, match="no picture, text, sound or video"):
        colours.search(Query(media=str(tmp_path / "blob")))
    broken = media.png(tmp_path / "broken.png")
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(ConfigError, match=r"broken\.png cannot be used"):
        colours.search(Query(media=str(broken)))


def test_a_whole_book_is_no_query(colours):
    """A text of hundreds of chunks is refused at once, with the way out."""
    with pytest.raises(ConfigError, match="a part of it"):
        colours.search(Query(text="A red wall stands there. " * 2000))


def test_a_text_file_asks_like_its_text(colours, tmp_path):
    """A file of text is read, and asks as the same words would."""
    path = media.text(tmp_path / "问题.txt", "红", "gb18030")
    path_hits = colours.search(Query(media=str(path), modality=Modality.IMAGE, k=2))

    assert sorted(keys(path_hits)) == ["red-1", "red-2"]


def test_another_model_than_the_lakes_is_refused(colours):
    """A query by a changed encoder would mean nothing: the error names it and the way out."""
    changed = searcher(colours.snapshot, towers(version=2))

    with pytest.raises(ConfigError, match=r"hash-text .*index again"):
        changed.search(Query(text="red"))


def test_no_index_of_that_kind_lists_what_there_is(tmp_path):
    """Pictures alone have no texts to search; without fused vectors their own kind answers."""
    snapshot = make_lake(tmp_path, {"a": {"a.png": "red"}}, towers(), fused=False)
    found = searcher(snapshot, towers())

    with pytest.raises(ConfigError, match="no text index to search; it has: image"):
        found.search(Query(text="red", modality=Modality.TEXT))
    picture = media.png(tmp_path / "q.png", Image.new("RGB", (9, 9), COLOURS["red"][1]))
    assert keys(found.search(Query(media=str(picture)))) == ["a"]


def test_an_empty_lake_has_nothing_to_search(tmp_path):
    """There is no index at all, and the error says so."""
    with pytest.raises(ConfigError, match="it has: none"):
        searcher(make_lake(tmp_path, {}, towers()), towers()).search(Query(text="red"))


def test_opening_needs_a_published_snapshot(tmp_path):
    """A folder without a lake is no lake."""
    with pytest.raises(NoLakeError):
        Searcher.open(tmp_path)


def test_threads_share_a_searcher(root):
    """Queries from many threads at once answer as one after the other, from the first one on."""
    fresh = searcher(make_lake(root / "threads", coloured_items(), towers()), towers())
    asked = [Query(text=colour, k=3) for colour in COLOURS] * 3
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(fresh.search, asked))

    assert together == [fresh.search(query) for query in asked]


def test_a_long_query_is_the_mean_of_its_chunks(colours):
    """Nothing of a long text is cut off: the pink end of it counts."""
    asker = Asker(colours.snapshot.manifest, towers(), None)
    text = " ".join(f"Word {n} of many here." for n in range(100))
    asked, again = asker.text(text + " pink"), asker.text(text)

    assert np.linalg.norm(asked.vector) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(asked.vector, again.vector)


def test_searching_imports_no_torch():
    """A search by text must be quick to start: nothing on its way imports torch."""
    code = "import sys, mmcore.search.searcher; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
