"""Tests of tasks/hidden.py."""

import os
from functools import partial

import pytest

from mmcore.errors import SourceError
from mmcore.media.crawl import Walked
from mmcore.media.listing import Entry
from mmcore.privacy import Veil
from mmcore.rows import files_table
from mmcore.types import MediaFile, Source
from storage.keys import keyed
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.tables import write_rows
from tasks.hidden import refuse_hidden_losses
from tests.factories import entries, manifest

ODD = os.fsdecode(b"caf\xe9")
VEIL = Veil(partial(keyed, b"k" * 32))


@pytest.fixture
def published(tmp_path):
    """A function that publishes files under their names, or under their hashes."""

    def publish(*paths, veil=None):
        layout = Layout(tmp_path)
        files = [
            MediaFile("m", path, "0" * 32, Modality.IMAGE, "image/png", 1, 0) for path in paths
        ]
        if veil:
            files = [veil.file(file) for file in files]
        parts = write_rows(layout.rows("files"), files_table(files))
        return Snapshot.of(layout, manifest(files=entries(layout, parts), private=bool(veil)))

    return publish


def walked(*there, hidden=()):
    """A walk that found some files, and some folders that it could not look into."""
    faults = [Entry(path, 0, 0, fault="unreadable-folder") for path in hidden]
    found = [*(Entry(path, 1, 0) for path in there), *faults]
    return (Walked(Source("m", "/media"), tuple(found), (), tuple(hidden)),)


def test_files_that_were_published_from_a_hidden_folder_are_not_gone(published):
    """The run stops, names the folder, and says how many files it is about."""
    snapshot = published("a.png", "trip/b.png", "trip/in/c.png", "trips.png")

    with pytest.raises(SourceError, match=r"/media: .*'trip' \(published files in it: 2\)"):
        refuse_hidden_losses(snapshot, walked("a.png", hidden=["new", "trip"]), None)


def test_a_hidden_folder_without_published_files_is_no_loss(published):
    """One that begins with the same letters is another."""
    snapshot = published("a.png", "trips/b.png")

    refuse_hidden_losses(snapshot, walked("a.png", "trips/b.png", hidden=["trip"]), None)


def test_names_that_are_not_utf8_are_compared_as_they_are(published):
    """The folder, or a file below one that is plain."""
    snapshot = published(f"{ODD}/b.png", f"plain/{ODD}.png")

    for folder in (ODD, "plain"):
        with pytest.raises(SourceError, match="published files in it: 1"):
            refuse_hidden_losses(snapshot, walked(hidden=[folder]), None)


def test_a_private_lake_does_not_know_what_lay_where(published):
    """Beside a hidden folder nothing may be missing; if nothing is, the run goes on."""
    snapshot = published("a.png", "trip/b.png", veil=VEIL)

    refuse_hidden_losses(snapshot, walked("a.png", "trip/b.png", hidden=["new"]), VEIL)
    with pytest.raises(SourceError, match="published files that may lie in it: 1"):
        refuse_hidden_losses(snapshot, walked("a.png", hidden=["trip"]), VEIL)
