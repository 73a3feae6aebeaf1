"""What passes between the workers of a run, in folders and in stores."""

import os
import shutil
import time
from uuid import uuid4

import pytest

from storage import exchange
from storage.errors import PlaceError
from storage.layout import Layout
from storage.places.place import listing, place_of


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MMINDEX_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["folder", "store"])
def somewhere(request, tmp_path):
    """The URL of a place that was never used."""
    if request.param == "folder":
        return str(tmp_path / "there")
    return f"memory://{uuid4().hex}"


def fill(folder):
    """Two files, one of them deeper."""
    (folder / "copies").mkdir(parents=True)
    (folder / "arrays.bin").write_bytes(b"12345")
    (folder / "copies" / "0").write_bytes(b"")


def test_what_is_put_into_a_store_is_found_here(tmp_path):
    """Files come back as they were, and the copies do not stay."""
    place = place_of(f"memory://{uuid4().hex}/shard")
    fill(tmp_path / "made")
    exchange.put(tmp_path / "made", place)

    with exchange.here(place) as folder:
        assert (folder / "arrays.bin").read_bytes() == b"12345"
        assert (folder / "copies" / "0").read_bytes() == b""
    assert not folder.exists()
    exchange.drop(place)
    assert listing(place) == {}


def test_a_shared_folder_is_used_as_it_is(tmp_path):
    """Nothing is copied where all workers see the files."""
    fill(tmp_path / "made")

    with exchange.here(tmp_path / "made") as folder:
        assert folder == tmp_path / "made"
    assert folder.exists()
    exchange.drop(folder)
    exchange.drop(folder)
    assert not folder.exists()


def test_what_a_killed_run_left_is_found_by_its_lake(somewhere, tmp_path):
    """Who empties the lake's staging need not be told where the shards were."""
    lake = Layout(place_of(somewhere))
    elsewhere = tmp_path / "elsewhere"
    home = exchange.begin(lake, str(elsewhere))
    fill(home)
    other = exchange.begin(Layout(tmp_path / "other"), str(elsewhere))
    fill(other)

    exchange.end(lake)
    exchange.end(lake)

    assert not home.exists()
    assert other.exists()
    assert listing(lake.root) == {}


def test_shards_lie_below_the_lake_unless_told(somewhere):
    """A lake that all workers reach has room for what passes between them."""
    lake = Layout(place_of(somewhere))
    home = exchange.begin(lake, None)
    (home / "one" / "arrays.bin").parent.mkdir(parents=True, exist_ok=True)
    (home / "one" / "arrays.bin").write_bytes(b"12")

    assert home == lake.root / "staging" / "shards"
    exchange.end(lake)
    assert listing(lake.root) == {}


def test_a_share_that_is_not_mounted_is_no_empty_one(tmp_path):
    """Decoded texts may lie in it: an erasure must not pass over them."""
    lake = Layout(tmp_path / "lake")
    exchange.begin(lake, str(tmp_path / "share" / "staging")).mkdir(parents=True)
    shutil.rmtree(tmp_path / "share")

    with pytest.raises(PlaceError, match=r"mount it, or remove .*ELSEWHERE"):
        exchange.end(lake)


def test_an_erasure_empties_it_too(tmp_path):
    """`mmindex forget` removes what lies elsewhere as a run does."""
    from storage.erasure.sweep import empty_staging

    lake = Layout(tmp_path / "lake")
    home = exchange.begin(lake, str(tmp_path / "elsewhere"))
    fill(home)

    empty_staging(lake)

    assert not home.exists()


def test_folders_of_killed_workers_go_after_a_week(tmp_path):
    """One that somebody may work in stays."""
    with exchange.scratch() as first, exchange.scratch() as second:
        long_ago = time.time() - 8 * 86_400
        os.utime(first, (long_ago, long_ago))
        with exchange.scratch() as third:
            assert not first.exists()
            assert second.exists()
            assert third.exists()
