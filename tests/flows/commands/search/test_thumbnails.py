"""Thumbnails of hits in a folder, and `mmindex search --thumbnails`."""

import json
import logging

import pytest
from PIL import Image

from flows.commands.search.thumbnails import written
from mmcore.errors import ConfigError
from mmcore.types import Hit
from storage.schemas import item_id
from tests import crashes
from tests.commands import plain_commands
from tests.factories import IMAGES, TEXTS, content, segment, small_lake, thumbnail


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of pictures and texts, its lake, and a private lake of the same."""
    folder = tmp_path_factory.mktemp("made") / "media"
    lakes = folder.with_name("lake"), folder.with_name("private")
    logging.disable(logging.INFO)
    with pytest.MonkeyPatch.context() as patch:
        index = crashes.plain_index(patch)
        crashes.make_folder(folder)
        for lake in lakes:
            index(folder, lake, private=lake.name == "private")
    logging.disable(logging.NOTSET)
    return lakes


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …`."""
    return plain_commands(monkeypatch, capsys)


def asked(lake):
    """Search all pictures by one of them."""
    image = lake.with_name("media") / "red.png"
    return "search", "--image", image, "--lake", lake, "-m", "image"


def picture(key):
    """The segment of an item's picture."""
    return segment(content(IMAGES, key))


def test_a_hit_has_its_own_thumbnail_by_rank(tmp_path):
    """A file a picture; a text has none."""
    snapshot = small_lake(tmp_path / "lake")
    text = segment(content(TEXTS, "owl"))
    hits = [Hit(1, "狗", 0.9, picture("狗")), Hit(2, "owl", 0.8, text)]
    (tmp_path / "small").mkdir()

    names = written(hits, snapshot, tmp_path / "small")

    place = tmp_path / "small" / f"1-{picture('狗')}.jpg"
    assert names == [str(place), None]
    assert place.read_bytes() == thumbnail(content(IMAGES, "狗"))
    assert [path.name for path in (tmp_path / "small").iterdir()] == [place.name]


def test_a_whole_item_has_a_picture_of_it(tmp_path):
    """One of the item's own, whatever file the hit names; an unknown item has none."""
    snapshot = small_lake(tmp_path)
    hits = [
        Hit(item_id("media", "owl"), "owl", 0.9, root="media", path="owl.png"),
        Hit(item_id("media", "cat"), "cat", 0.8, root="media", path="elsewhere.txt"),
        Hit(5, "none", 0.7),
    ]

    names = written(hits, snapshot, tmp_path)

    wanted = [tmp_path / f"{n}-{picture(key)}.jpg" for n, key in ((1, "owl"), (2, "cat"))]
    assert names == [*map(str, wanted), None]


def test_search_names_the_thumbnails_for_programs_and_people(run, made, tmp_path):
    """The folder is made; what else lies there stays."""
    lake, folder = made[0], tmp_path / "new" / "small"
    search = *asked(lake), "--thumbnails", folder

    told = json.loads(run(*search, "--json").out)["hits"]
    (folder / "mine.txt").write_text("stays")
    shown = run(*search).out

    assert len(told) == 3
    for rank, hit in enumerate(told, 1):
        assert hit["thumbnail"] == str(folder / f"{rank}-{hit['segment_id']}.jpg")
        assert hit["thumbnail"] in shown.replace("\n", "")
        with Image.open(hit["thumbnail"]) as image:
            assert image.format == "JPEG"
    assert (folder / "mine.txt").read_text() == "stays"
    assert len(list(folder.iterdir())) == 4


def test_a_private_lake_has_no_thumbnails(run, made, tmp_path):
    """The key is there all the same; without the option it is not."""
    search = *asked(made[1]), "--json"

    with_option = json.loads(run(*search, "--thumbnails", tmp_path / "small").out)["hits"]
    without = json.loads(run(*search).out)["hits"]

    assert [hit["thumbnail"] for hit in with_option] == [None] * 3
    assert list((tmp_path / "small").iterdir()) == []
    assert all("thumbnail" not in hit for hit in without)


def test_a_file_in_place_of_the_folder_is_said(run, made, tmp_path):
    """Before anything is searched, with the exit code of a wrong name."""
    (tmp_path / "file").touch()

    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        answer = run("search", "red", "--lake", made[0], "--thumbnails", folder)

        assert answer.code == ConfigError.exit_code
        assert answer.out == ""
        assert "name a folder" in answer.err


@pytest.mark.parametrize("inside", [".", "thumbnails/new", "../lake/small"])
def test_no_thumbnails_are_written_into_a_lake(run, made, inside):
    """Whatever way leads there; no folder is made."""
    lake = made[0]
    before = sorted(lake.rglob("*"))

    answer = run("search", "red", "--lake", lake, "--thumbnails", lake / inside)

    assert answer.code == ConfigError.exit_code
    assert "is in the lake" in answer.err
    assert sorted(lake.rglob("*")) == before
