"""Empty lakes in object stores."""

from __future__ import annotations

from uuid import uuid4

import pytest

from storage.layout import Layout
from storage.places.place import place_of


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MMINDEX_CACHE", str(tmp_path / "cache"))


@pytest.fixture(params=["memory", "s3"])
def lake(request) -> Layout:
    """An empty lake in each kind of store."""
    if request.param == "memory":
        return Layout(place_of(f"memory://{uuid4().hex}/lake"))
    return Layout(place_of(f"{request.getfixturevalue('s3').bucket()}/lake"))


@pytest.fixture
def bucket(s3) -> Layout:
    """An empty lake on the S3 server."""
    return Layout(place_of(f"{s3.bucket()}/lake"))
