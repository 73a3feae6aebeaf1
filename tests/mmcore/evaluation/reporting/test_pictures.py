import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from mmcore.evaluation.reporting import pictures
from mmcore.evaluation.reporting.page import page
from mmcore.evaluation.reporting.pictures import pictures_of
from storage.snapshot import Snapshot
from tests.lakes import make_lake, towers
from tests.mmcore.evaluation.benches import content, item
from tests.mmcore.evaluation.reporting.made import direction, report, worst

ITEMS = {
    "red": {"red.png": "red", "red.txt": "A red wall.", "red.wav": "0.5"},
    "blue": {"blue.png": "blue", "blue.txt": "A blue wall.", "a b.wav": "0.25"},
    "song": {"song.txt": "A song.", "song.wav": "0.75"},
}


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """Three items, of which two have a thumbnail of 300 pixels that does not shrink well."""
    made = make_lake(tmp_path, ITEMS, towers(audio=True))
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG")
    monkeypatch.setattr(
        pictures, "thumbnails", lambda _, ids: dict.fromkeys(list(ids), file.getvalue())
    )
    sources = {"media": str(tmp_path / "media")}
    return Snapshot(made.layout, made.manifest.model_copy(update={"sources": sources}))


def told(lake, name, *asked, times=1):
    """A report of one direction in which contents ask, red is right and the song comes first."""
    ids = {"item": item(lake, "red"), "found_item": item(lake, "song")}
    found = [worst(contents=[content(lake, path)], **ids) for path in asked] * times
    return report(directions=[direction(name, *found)])


def test_items_have_a_small_picture(lake):
    """No larger than 160 pixels, as data, with the content that it shows."""
    found = pictures_of(told(lake, "text→image", "red.txt"), lake).item(item(lake, "red"))

    head, _, data = found.picture.address.partition(",")
    assert head == "data:image/jpeg;base64"
    assert max(Image.open(io.BytesIO(b64decode(data))).size) == 160
    assert found.picture.content == content(lake, "red.png")


def test_a_picture_that_asked_is_shown(lake):
    """By the content that asked, not by its item."""
    asked = told(lake, "image→text", "blue.png")

    found = pictures_of(asked, lake).asked(asked.directions[0].worst[0])

    assert found.picture.content == content(lake, "blue.png")


def test_a_short_sound_lies_in_the_page(lake, monkeypatch):
    """A longer one is beside it: its address is that of the file."""
    asked = told(lake, "audio→text", "a b.wav")

    found = pictures_of(asked, lake).asked(asked.directions[0].worst[0]).player
    assert found.address.startswith("data:audio")
    monkeypatch.setattr(pictures, "_SOUND", 100)
    found = pictures_of(asked, lake).asked(asked.directions[0].worst[0]).player
    assert found.address.startswith("file://")
    assert found.address.endswith("/a%20b.wav")
    assert found.content == content(lake, "a b.wav")


def test_sounds_of_items_are_there_where_they_are_looked_for(lake):
    """Else a picture is enough; an item without one can be heard."""
    seen = pictures_of(told(lake, "text→image", "red.txt"), lake)
    heard = pictures_of(told(lake, "text→audio", "red.txt"), lake)

    assert seen.item(item(lake, "red")).player is None
    assert seen.item(item(lake, "song")).player is not None
    assert heard.item(item(lake, "red")).player is not None


def test_a_sound_that_is_gone_is_not_shown(lake, tmp_path):
    """A page has no player that cannot play."""
    (tmp_path / "media" / "song.wav").unlink()

    found = pictures_of(told(lake, "text→image", "red.txt"), lake)

    assert found.item(item(lake, "song")).player is None


def test_a_page_has_at_most_five_megabytes(lake, monkeypatch):
    """What is shown often counts as often; what has no room is left out, and no more."""
    many = told(lake, "text→image", "red.txt", times=300)

    shown = page(many, pictures=pictures_of(many, lake))
    assert len(shown) < 5_000_000
    monkeypatch.setattr(pictures, "_ROOM", 0)
    assert "data:image" not in page(many, pictures=pictures_of(many, lake))
