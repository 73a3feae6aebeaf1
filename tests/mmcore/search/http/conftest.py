"""A lake of colours that is served."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from starlette.testclient import TestClient

from mmcore.search.http.app import app
from mmcore.search.http.guard.spoken import Spoken
from mmcore.search.http.settings import QUERY_LIMITS, Settings
from storage.snapshot import Snapshot
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.search.http.plugged import declare_colours

LIMITS = QUERY_LIMITS.model_copy(
    update={"max_pixels": 1_000_000, "file_seconds": 20.0, "stall_seconds": 10.0}
)


@dataclass(frozen=True)
class Place:
    """A published lake and the folder of its media."""

    snapshot: Snapshot
    lake: Path
    media: Path

    def settings(self, **more) -> Settings:
        """A server of it, with small limits for what is uploaded."""
        told = {"roots": {"media": str(self.media)}, "limits": LIMITS, "warm": False, **more}
        return Settings(lake=str(self.lake), **told)

    def item(self, key: str) -> int:
        """The id of an item."""
        rows = self.snapshot.rows("items", ["item_id", "key"]).to_pylist()
        return next(row["item_id"] for row in rows if row["key"] == key)


@pytest.fixture(scope="module")
def plugged(tmp_path_factory):
    """The preset of the lake is installed; for a module only, since others declare theirs."""
    with pytest.MonkeyPatch.context() as patch:
        declare_colours(patch, tmp_path_factory.mktemp("declared"))
        yield


def place_at(root: Path, items=None) -> Place:
    """Publish a lake of colours, one sound and one long text."""
    told = items or {**coloured_items(copies=2), "sound": {"s.wav": "25"}}
    snapshot = make_lake(root, told, towers(audio=True))
    return Place(snapshot, root / "lake", root / "media")


@pytest.fixture(scope="module")
def place(tmp_path_factory, plugged) -> Place:
    """A lake that no test of the module changes."""
    return place_at(tmp_path_factory.mktemp("湖"))


@pytest.fixture
def own(tmp_path, plugged) -> Place:
    """A lake for a test that changes it."""
    return place_at(tmp_path)


@contextmanager
def asking(place: Place, **settings) -> Iterator[TestClient]:
    """A client of a server in this process."""
    with TestClient(app(place.settings(**settings)), follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="module")
def client(place) -> Iterator[TestClient]:
    """A client of the lake that nobody changes."""
    with asking(place) as one:
        yield one


@contextmanager
def listening(place: Place, **settings) -> Iterator[tuple[str, int]]:
    """A real server at a free port: its host and port."""
    made = app(place.settings(**settings))
    config = uvicorn.Config(made, log_level="warning", access_log=False, ws="none", http=Spoken)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as at:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [at]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield at.getsockname()
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()
