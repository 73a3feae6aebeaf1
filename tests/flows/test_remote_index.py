"""The flow `index-media` and a search on a lake in an object store."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from flows import cli
from flows.commands.snapshots import command as snapshots
from flows.commands.status import command
from flows.config.index import IndexConfig
from flows.stages.checks import check
from mmcore.search.searcher import Searcher
from mmcore.types import Query
from storage.errors import PlaceError
from storage.layout import Layout
from storage.places.place import listing, place_of, store_of
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests.crashes import change_folder, contents_of, make_folder, plain_index

LONG_AGO = 1_700_000_000  # so that an unchanged file needs no second look


@pytest.fixture
def media(tmp_path):
    """Pictures and captions that were not written just now."""
    folder = tmp_path / "media"
    make_folder(folder)
    for path in folder.iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))
    return folder


@pytest.mark.slow
def test_a_lake_in_a_store_is_one_in_a_folder(s3, monkeypatch, tmp_path, media):
    """The same media give the same rows, vectors, indexes and hits wherever the lake lies."""
    lake = f"{s3.bucket()}/my lake/湖"
    index = plain_index(monkeypatch)

    there, here = index(media, lake), index(media, tmp_path / "lake")

    assert (there.status, there.snapshot, there.lake) == ("published", 1, lake)
    assert there.report == f"{lake}/reports/{there.report.split('/')[-2]}/report.html"
    assert there.items == here.items == 4
    remote = Snapshot.open(Layout(place_of(lake)))
    local = Snapshot.open(Layout(tmp_path / "lake"))
    found, expected = contents_of(remote), contents_of(local)
    assert found.rows.keys() == expected.rows.keys()
    assert {name: set(rows) for name, rows in found.rows.items()} == {
        name: set(rows) for name, rows in expected.rows.items()
    }
    assert found.indexed == expected.indexed
    query = Query(text="A plain red picture.", modality=Modality.TEXT, k=1)
    assert Searcher.open(lake).search(query)[0].key == "red"
    left = {name.partition("/")[0] for name in listing(place_of(lake))}
    assert left.isdisjoint({"staging", "candidates", "LOCK"})


@pytest.mark.slow
def test_an_unchanged_rerun_asks_the_store_for_little(s3, monkeypatch, media):
    """It opens the snapshot, and neither reads vectors nor asks for files one by one."""
    lake = f"{s3.bucket()}/lake"
    index = plain_index(monkeypatch)
    index(media, lake)

    with s3.counting() as asked:
        again = index(media, lake)

    assert again.status == "unchanged"
    assert not [line for line in asked if "/embeddings/" in line and not line.startswith("GET /b")]
    assert len(asked) < 60, "\n".join(asked)
    change_folder(media)
    assert index(media, lake).status == "published"


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_bucket_that_is_not_there_is_an_error_before_any_work(s3, media, dry_run):
    """Who mistypes a bucket reads so at once, and what to look at."""
    config = IndexConfig(media=(str(media),), lake="s3://no-such-bucket/lake", dry_run=dry_run)

    with pytest.raises(PlaceError, match=r"s3://no-such-bucket/lake: cannot be .*check bucket"):
        check(config)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://no-such-bucket/lake", "there is no bucket no-such-bucket"),
        ("s3://key:secret@bucket/lake", "holds credentials"),
        ("ftps://host/lake", "ftps"),
    ],
)
def test_a_url_that_is_no_lake_is_one_line(s3, capsys, monkeypatch, url, says):
    """Commands that only read end with exit code 2 and no traceback."""
    monkeypatch.setattr("sys.argv", ["mmindex", "status", "--lake", url])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert says in told
    assert told.count("\n") == 1
    assert "secret" not in told


@pytest.mark.parametrize("wrong", [EndpointConnectionError, NoCredentialsError, PermissionError])
def test_a_store_that_cannot_be_reached_is_one_line(s3, capsys, monkeypatch, wrong):
    """What a client says of a broken connection is told, without a traceback."""
    lake = place_of(f"{s3.bucket()}/lake")

    def gone(*_, **__):
        if wrong is PermissionError:  # as s3fs tells what a server refused
            raise wrong("Access\nDenied") from ClientError({}, "GetObject")
        raise wrong(endpoint_url="http://127.0.0.1:9")

    monkeypatch.setattr(store_of(lake)[0], "cat_file", gone)
    monkeypatch.setattr("sys.argv", ["mmindex", "status", "--lake", str(lake)])
    with pytest.raises(SystemExit) as ended:
        cli.main()

    told = capsys.readouterr().err
    assert (ended.value.code, told.count("\n")) == (2, 1)
    assert "could not be reached" in told


def test_an_address_that_is_no_url_is_no_damage(tmp_path):
    """The client's error is told; nobody is sent to roll a sound lake back."""
    settings = {"AWS_ENDPOINT_URL": "no-url", "AWS_ACCESS_KEY_ID": "a", "AWS_DEFAULT_REGION": "b"}
    settings |= {"AWS_SECRET_ACCESS_KEY": "c", "MMINDEX_CACHE": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-m", "flows.cli", "status", "--lake", "s3://bucket/lake"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.returncode, told.stderr.count("\n")) == (2, 1)
    assert "no-url" in told.stderr
    assert "damaged" not in told.stderr


@pytest.mark.slow
def test_the_commands_take_a_url(s3, monkeypatch, media, capsys):
    """Listing, verifying, rolling back, files and status of a lake that is no folder."""
    lake = f"{s3.bucket()}/lake"
    index = plain_index(monkeypatch)
    index(media, lake)
    change_folder(media)
    index(media, lake)

    snapshots.run_list(lake, as_json=True)
    snapshots.run_diff(lake, None, None, as_json=True)
    snapshots.run_verify(lake, None, set_aside=False, as_json=True)
    snapshots.run_rollback(lake, 1, 0, as_json=True)
    snapshots.run_files(lake, None, as_json=True)
    command.run_status(lake, as_json=True)

    told = capsys.readouterr().out
    assert f'"lake": "{lake}"' in told
    assert f'"path": "{lake}/files/part-' in told
    assert '"findings": []' in told
    assert Snapshot.open(Layout(place_of(lake))).manifest.number == 1
