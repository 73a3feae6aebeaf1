"""Drawings of sounds, small pictures, and the order of the files of an item."""

from dataclasses import replace

import pytest

from mmcore.search.http.media.small import Picture, pictures
from mmcore.search.http.shelf import Shelf
from mmcore.search.opened.rows import Rows
from storage.thumbnails import Thumbnails
from tests.lakes import thumbnail_of
from tests.mmcore.search.http.conftest import asking, place_at


def shelf(place):
    """The rows of its snapshot."""
    return Shelf(Rows(place.snapshot))


def test_the_sound_of_a_segment_is_drawn(client, place):
    """A tone of half amplitude has peaks of a half; a picture has none."""
    told = client.get(f"/api/items/{place.item('sound')}").json()
    second = told["segments"][1]
    drawn = client.get(second["waveform"], params={"points": 8}).json()
    picture = client.get(f"/api/items/{place.item('red-1')}").json()["segments"][0]

    assert (second["span"]["start"], drawn["start"], drawn["seconds"]) == (10.0, 10.0, 10.0)
    assert drawn["peaks"] == pytest.approx([0.5] * 8, abs=0.01)
    assert client.get(f"/api/waveform/{picture['segment_id']}").status_code == 404


def test_files_of_an_item_keep_their_order(place):
    """The number of a file is its place among the sorted paths of its item."""
    files = shelf(place).files(place.item("red-1"))

    assert [file.path for file in files] == sorted(file.path for file in files)
    assert files[0] == replace(files[0], n=0)
    assert files[0].size == (place.media / "red-1.png").stat().st_size


def test_a_segment_and_an_item_have_small_pictures(client, place):
    """They come out of the lake's parts: of the picture, or of the item's first one."""
    item = client.get(f"/api/items/{place.item('red-1')}").json()
    segment = next(one for one in item["segments"] if one["modality"] == "image")
    (content,) = (file.content_id for file in shelf(place).files(place.item("red-1"))[:1])
    alone = client.get(segment["thumbnail"])
    whole = client.get(f"/thumbnails/items/{place.item('red-1')}")

    assert alone.content == whole.content == thumbnail_of(content)
    assert whole.headers["content-type"] == "image/jpeg"
    assert client.get(f"/thumbnails/items/{place.item('sound')}").status_code == 404


def test_the_small_picture_of_a_hit_is_of_the_file_that_it_names(tmp_path, plugged):
    """Of an item's pictures, the page shows the one whose name stands beside it."""
    colours = ["red", "green", "blue", "white", "pink"]
    items = {c: {f"{c}-{n}.png": c for n in "cab"} for c in colours}
    place = place_at(tmp_path, items)
    with asking(place) as client:
        hits = client.get("/api/search?q=red&words=0&k=5").json()["hits"]
        shown = {hit["path"]: client.get(hit["thumbnail"]).content for hit in hits}
        assert all(hit["thumbnail"].endswith(f"?n={hit['file']['n']}") for hit in hits)
        last = client.get(f"/thumbnails/items/{place.item('red')}?n=2").content
    files = [file for c in colours for file in shelf(place).files(place.item(c))]
    small = {file.path: thumbnail_of(file.content_id) for file in files}

    assert shown == {f"{c}-a.png": small[f"{c}-a.png"] for c in colours}
    assert last == small["red-c.png"]


def test_small_pictures_are_read_once(own, monkeypatch):
    """What was read is kept; what has none is not looked for again."""
    asked, read = [], Thumbnails.pictures

    def counted(self, segments):
        asked.append([*segments])
        return read(self, asked[-1])

    monkeypatch.setattr(Thumbnails, "pictures", counted)
    paths = [f"/thumbnails/items/{own.item('red-1')}", "/thumbnails/4242"]
    with asking(own) as client:
        first, again = ([client.get(path) for path in paths] for _ in range(2))
        assert [answer.status_code for answer in first] == [200, 404]
        assert [answer.content for answer in again] == [answer.content for answer in first]

    assert [len(segments) for segments in asked] == [1, 1]


def test_small_pictures_that_are_wanted_at_once_are_read_together(own):
    """Their parts are opened once; what cannot be read is told to who asked for it."""
    with asking(own) as client:
        served = client.app.state.serving.served()
        files = [shelf(own).files(own.item(key))[0] for key in ("red-1", "blue-1")]
        wanted = [Picture(item=own.item(key)) for key in ("red-1", "blue-1", "sound")]

        found = pictures(wanted, served)

    assert found == [*(thumbnail_of(file.content_id) for file in files), b""]
