"""What the server answers while an erasure takes items from under it."""

import weakref

import pytest

from mmcore.search.http.served import Served
from mmcore.search.http.shelf import Shelf
from storage.errors import SnapshotReissuedError
from storage.publication import roll_back
from tests.lakes import WHEN, coloured_items, make_lake, towers
from tests.mmcore.search.http.conftest import Place, asking


def erased(place: Place, keys: set[str]) -> None:
    """Write the snapshot anew without some items, as an erasure does; its own files go."""
    layout, old = place.snapshot.layout, place.snapshot.manifest
    items = {key: files for key, files in coloured_items(copies=2).items() if key not in keys}
    items["sound"] = {"s.wav": "25"}
    new = make_lake(place.lake.parent, items, towers(audio=True)).manifest
    roll_back(layout, 1)
    anew = new.model_copy(update={"number": 1, "parent": None, "reissued_at": WHEN})
    (layout.snapshot(1) / "manifest.json").write_bytes(anew.to_json())
    for path in {file.path for file in old.files} - {file.path for file in new.files}:
        (layout.root / path).unlink()


ROUTES = {
    "search": "/api/search?q=red&k=2",
    "where": "/api/search?q=red&k=2&where=size%20%3E%201",
    "similar": "/api/similar/{item}?k=2",
    "item": "/api/items/{item}",
    "thumbnail": "/thumbnails/items/{item}",
    "segment": "/thumbnails/{segment}",
    "file": "/media/{item}/0",
    "waveform": "/api/waveform/{sound}",
    "lake": "/api/lake",
}


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("route", [*ROUTES, "media"])
def test_what_an_erasure_took_away_is_looked_up_once_more(own, route, warm, monkeypatch):
    """Whatever is asked: who asks learns nothing of it, whether or not tables were read before."""
    if not warm:
        monkeypatch.setattr(Served, "warm", lambda self: None)
        monkeypatch.setattr(Shelf, "warm", lambda self: None)
    picture = (own.media / "blue-1.png").read_bytes()
    found = {key: own.snapshot.rows(f"segments/{key}").to_pylist() for key in ("image", "audio")}
    item, sound = own.item("blue-1"), found["audio"][0]["segment_id"]
    segment = next(row["segment_id"] for row in found["image"] if row["item_id"] == item)
    with asking(own, look=1e9, idle_look=1e9) as client:
        erased(own, {"red-1"})
        if route == "media":
            answer = client.post("/api/search/media?k=2&modality=text", content=picture)
        else:
            path = ROUTES[route].format(item=item, segment=segment, sound=sound)
            answer = client.get(path)

    assert answer.status_code == 200, answer.text


def test_a_server_holds_nothing_of_the_snapshot_before(own):
    """Not in its idle threads either: what was erased is in no memory and on no disk."""
    with asking(own, look=1e9, idle_look=1e9) as client:
        serving = client.app.state.serving
        for route in ("search", "where", "item", "thumbnail", "lake"):
            client.get(ROUTES[route].format(item=own.item("blue-1")))
        client.post("/api/search/media?k=2", content=(own.media / "blue-1.png").read_bytes())
        served = serving.served()
        gone, folder = weakref.ref(served), served._opened.where()._columns()._folder.path
        assert folder.exists()
        del served
        erased(own, {"red-1"})
        for _ in range(2):
            serving._following.look()

        assert gone() is None
        assert not folder.exists()


def test_what_cannot_be_looked_up_again_says_that_the_lake_has_changed(own, monkeypatch):
    """A second erasure right behind the first is told as what it is, and to ask again."""

    def gone(self, requests):
        raise SnapshotReissuedError(own.lake, 1)

    monkeypatch.setattr(Served, "answers", gone)
    with asking(own) as client:
        answer = client.get("/api/search?q=red&k=2")

    assert (answer.status_code, answer.json()["code"]) == (503, "outdated")
    assert answer.headers["retry-after"] == "1"
