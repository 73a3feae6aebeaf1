"""Tests of http/guard/methods.py and etags.py: HEAD, Allow, what a client has already."""

import pytest

from mmcore.search.http.etags import is_known


@pytest.mark.parametrize(
    "path", ["/healthz", "/metrics", "/api/lake", "/api/search?q=red", "/docs"]
)
def test_head_is_get_without_the_body(client, path):
    """Who looks whether a server is up asks so."""
    told, whole = client.head(path), client.get(path)

    assert (told.status_code, told.content) == (200, b"")
    assert told.headers["content-type"] == whole.headers["content-type"]


def test_head_is_counted_by_its_route(client):
    """Not among what is no route."""
    client.head("/api/evaluation")

    assert 'method="HEAD",route="/api/evaluation",status="200"' in client.get("/metrics").text


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/search", "GET, HEAD, POST"),
        ("/login", "GET, HEAD, POST"),
        ("/api/search/media", "POST"),
        ("/", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(client, path, allowed):
    """All of the path's, whichever route has them."""
    told = client.delete(path)

    assert (told.status_code, told.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (None, False),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", W/"a"', True),
        ("*", True),
        ('"b"', False),
        ("a", False),
    ],
)
def test_what_is_known_may_be_one_of_several(said, known):
    """A list, a weak tag, or any."""
    assert is_known(said, '"a"') is known


def test_a_file_that_is_known_by_a_weak_tag_is_not_sent(client, place):
    """Proxies that compress make tags weak."""
    path = f"/media/{place.item('red-1')}/0"
    etag = client.get(path).headers["etag"]

    assert client.get(path, headers={"if-none-match": f"W/{etag}"}).status_code == 304
    assert client.get("/", headers={"if-none-match": "*"}).status_code == 304
    assert client.get(path, headers={"range": "BYTES=0-0"}).status_code == 206
