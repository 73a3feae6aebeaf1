"""A lake of colours that is served, and a browser to look at it with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mmcore.types import Rejection
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.search.http.conftest import Place, listening, place_at
from tests.mmcore.search.http.plugged import declare_colours
from tests.web.browser import CHROMIUM, Page, browser

EVIL = "<img src=x onerror=hacked=1>"
LONG = "A long note about the sea and the wind. " * 12 + "Here a zeppelin lands."


@pytest.fixture(scope="session")
def devtools(tmp_path_factory) -> Iterator[str]:
    """A running Chromium."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    with browser(tmp_path_factory.mktemp("chromium")) as address:
        yield address


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Iterator[Place]:
    """A lake of walls in two languages, a sound of 25 seconds, and a text that means harm."""
    items = {
        **coloured_items(copies=5),
        "sound": {"s.wav": "25"},
        f"evil {EVIL}": {f"{EVIL}.txt": f"grey {EVIL} <script>hacked=1</script>"},
        "note": {"note.txt": LONG},
    }
    with pytest.MonkeyPatch.context() as patch:
        declare_colours(patch, tmp_path_factory.mktemp("declared"))
        yield place_at(tmp_path_factory.mktemp("湖"), items)


@pytest.fixture(scope="module")
def site(place) -> Iterator[str]:
    """The address of a server of that lake."""
    with listening(place, max_upload_mb=1) as (host, port):
        yield f"http://{host}:{port}"


@pytest.fixture
def damaged(tmp_path, place) -> Iterator[str]:
    """The address of a server of two walls, a sound, and two files in quarantine."""
    items = {**coloured_items(["red", "blue"]), "sound": {"s.wav": "25"}}
    bad = [Rejection("media", f"{n}.zip", None, "sniff", "unsupported-type", "", "") for n in "ab"]
    snapshot = make_lake(tmp_path, items, towers(audio=True), rejections=bad)
    with listening(Place(snapshot, tmp_path / "lake", tmp_path / "media")) as (host, port):
        yield f"http://{host}:{port}"


@pytest.fixture
def page(devtools, site) -> Iterator[Page]:
    """A tab of the site, 1280 wide, light, English, with nothing kept from before; no fault."""
    with Page(devtools) as tab:
        tab.look()
        origin = {"origin": site, "storageTypes": "all"}
        tab.call("Storage.clearDataForOrigin", **origin)
        yield tab
        assert tab.faults == []


@pytest.fixture
def picture(tmp_path) -> Path:
    """A red picture that the lake does not have."""
    from PIL import Image

    path = tmp_path / "mine.png"
    Image.new("RGB", (40, 30), (250, 5, 5)).save(path)
    return path
