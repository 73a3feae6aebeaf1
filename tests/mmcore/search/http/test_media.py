"""Tests of mmcore/search/http/routes/media.py: files of the snapshot, as they were indexed."""

import http.client
import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from mmcore.search.http.media.roots import Roots
from tests import media
from tests.lakes import coloured_items
from tests.mmcore.search.http.conftest import asking, listening, place_at


def link(client, place, key, path):
    """Where a file of an item is served."""
    files = client.get(f"/api/items/{place.item(key)}").json()["files"]
    return next(file["url"] for file in files if file["path"] == path)


def test_an_item_names_its_files_and_segments(client, place):
    """Each file has a number and a link, each segment the number of its file."""
    told = client.get(f"/api/items/{place.item('red-1')}").json()

    assert [(f["n"], f["path"]) for f in told["files"]] == [
        (0, "red-1.png"),
        (1, "red-1.txt"),
        (2, "red-1.zh.txt"),
    ]
    assert {(s["modality"], s["file"], s["text"]) for s in told["segments"]} == {
        ("image", 0, None),
        ("text", 1, "A red wall."),
        ("text", 2, "一面红色的墙。"),
    }
    assert told["segments_total"] == 3
    assert told["has"] == {"image": True, "text": True, "audio": False, "video": False}


def test_segments_of_an_item_come_in_pages(client, place):
    """An item of many segments is told some at a time."""
    path = f"/api/items/{place.item('red-1')}"
    whole = client.get(path).json()["segments"]
    second = client.get(path, params={"offset": 1, "limit": 1}).json()

    assert second["segments"] == whole[1:2]
    assert second["segments_total"] == 3


def test_a_file_comes_as_it_is(client, place):
    """Bytes, type by content, a name, and nothing that a browser could be talked into."""
    answer = client.get(link(client, place, "red-1", "red-1.png"))

    assert answer.content == (place.media / "red-1.png").read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == "inline; filename*=UTF-8''red-1.png"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("asked", "status", "low", "high"),
    [
        ("bytes=0-3", 206, 0, 4),
        ("bytes=10-", 206, 10, None),
        ("bytes=-5", 206, -5, None),
        ("bytes=0-999999999", 200, 0, None),
        ("bytes=-999999999", 200, 0, None),
        ("bytes=3-1", 200, 0, None),
        ("bytes=0-1,3-4", 200, 0, None),
        ("lines=1-2", 200, 0, None),
        ("bytes=-", 200, 0, None),
    ],
)
def test_a_range_of_a_file(client, place, asked, status, low, high):
    """One range is served; what is none, or several, gets the whole file."""
    whole = (place.media / "s.wav").read_bytes()
    answer = client.get(link(client, place, "sound", "s.wav"), headers={"range": asked})

    assert (answer.status_code, answer.content) == (status, whole[low:high])
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_range_behind_the_end(client, place):
    """There is no such range, and the answer says how long the file is."""
    size = (place.media / "s.wav").stat().st_size
    for asked in (f"bytes={size}-", "bytes=-0"):
        answer = client.get(link(client, place, "sound", "s.wav"), headers={"range": asked})

        assert (answer.status_code, answer.json()["code"]) == (416, "range")
        assert answer.headers["content-range"] == f"bytes */{size}"


def test_what_a_client_has_is_not_sent_again(client, place):
    """The tag is the content's id; a range of another content is not mixed in."""
    url = link(client, place, "red-1", "red-1.png")
    tag = client.get(url).headers["etag"]
    other = {"range": "bytes=0-1", "if-range": '"other"'}

    assert client.get(url, headers={"if-none-match": tag}).status_code == 304
    assert client.get(url, headers=other).status_code == 200
    assert client.head(url).headers["content-length"] == str(
        (place.media / "red-1.png").stat().st_size
    )


def test_ranges_of_a_real_server_and_a_client_that_goes_away(place):
    """A player asks for a part, and ends when it likes; the server goes on."""
    with listening(place) as (host, port), asking(place) as client:
        url = link(client, place, "sound", "s.wav")
        for _ in range(3):
            gone = http.client.HTTPConnection(host, port, timeout=10)
            gone.request("GET", url)
            gone.getresponse().read(10)
            gone.close()
        stays = http.client.HTTPConnection(host, port, timeout=10)
        stays.request("GET", url, headers={"Range": "bytes=44-143"})
        answer = stays.getresponse()

        assert (answer.status, len(answer.read())) == (206, 100)
        stays.close()


@pytest.mark.parametrize(
    "path",
    [
        "/media/{item}/99",
        "/media/4242/0",
        "/pages/.hidden.html",
        "/report/4242",
        "/thumbnails/4242",
        "/thumbnails/items/4242",
        "/api/items/4242",
        "/api/waveform/4242",
    ],
)
def test_what_is_not_in_the_snapshot_is_not_there(client, place, path):
    """No path, number or id leads to anything else."""
    answer = client.get(path.format(item=place.item("red-1")))

    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/media/{item}/..%2f..%2fetc%2fpasswd",
        "/media/../../etc/passwd",
        "/media/{item}/../../../../../../../../etc/passwd",
        "/pages/..%2fapp.py",
        "/pages/../app.py",
        "/pages/%2e%2e/settings.py",
        "/pages/../../../../../../../../../../../etc/passwd",
        "/pages/..\\app.py",
        "/report/..%2f1",
        "//etc/passwd",
        "/thumbnails/../healthz",
    ],
)
def test_no_path_leads_out(place, path):
    """As it is sent, which a client that tidies addresses would not: two dots stay two dots."""
    with listening(place) as (host, port):
        asked = http.client.HTTPConnection(host, port, timeout=10)
        asked.request("GET", path.format(item=place.item("red-1")))
        answer = asked.getresponse()
        body = answer.read()
        asked.close()

    assert answer.status in (404, 422)
    assert json.loads(body)["code"] in ("not-found", "invalid")


def test_an_address_may_hold_raw_letters(place):
    """As curl sends them: 红 unescaped is what its escapes are."""
    with listening(place) as at, socket.create_connection(at, timeout=10) as asked:
        line = "GET /api/search?q=红&k=2 HTTP/1.1\r\n".encode()
        asked.sendall(line[:20])
        time.sleep(0.1)
        asked.sendall(line[20:] + b"Host: x\r\nConnection: close\r\n\r\n")
        with asked.makefile("rb") as told:
            answer = told.read()

    assert answer.startswith(b"HTTP/1.1 200")
    hits = json.loads(answer.partition(b"\r\n\r\n")[2])["hits"]
    assert sorted(hit["key"] for hit in hits) == ["red-1", "red-2"]


def test_a_walk_below_a_private_root_keeps_nobody_waiting(place):
    """Whether a root is here is known without it; each root is walked once."""
    roots = Roots(place.snapshot, {"media": str(place.media)})
    walking, go = threading.Event(), threading.Event()

    def walk():
        walking.set()
        assert go.wait(20)
        return {}

    with ThreadPoolExecutor(1) as pool:
        walks = pool.submit(roots._names.of, "media", walk)
        assert walking.wait(10)
        assert roots.has("media")
        assert not walks.done()
        go.set()


def test_a_changed_file_is_gone(own):
    """A file of other bytes, or no file at all, is told as 410; one that was touched is served."""
    with asking(own) as client:
        changed = link(client, own, "red-1", "red-1.txt")
        same_size = link(client, own, "red-2", "red-2.txt")
        touched = link(client, own, "blue-1", "blue-1.txt")
        gone = link(client, own, "blue-2", "blue-2.txt")
        (own.media / "red-1.txt").write_text("Something else altogether.")
        (own.media / "red-2.txt").write_text("A bad wall.")
        os.utime(own.media / "blue-1.txt", (1, 1))
        (own.media / "blue-2.txt").unlink()
        answers = [client.get(url) for url in (changed, same_size, gone)]

        assert [a.status_code for a in answers] == [410, 410, 410]
        assert answers[0].json()["code"] == "changed"
        assert client.get(touched).text == "A blue wall."


def test_a_link_that_names_another_content_is_gone(client, place):
    """A link from an older snapshot does not show what now has the number."""
    url = link(client, place, "red-1", "red-1.png").partition("?")[0]

    assert client.get(url, params={"v": "0123456789ab"}).status_code == 410


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_out_of_the_root_is_not_followed(tmp_path, plugged, what):
    """Where a link to elsewhere has taken a file's or a folder's place, nothing is served."""
    items = {"deep": {"in/deep.txt": "A red wall."}}
    place = place_at(tmp_path / "lake", items)
    secret = media.text(tmp_path / "secret" / "deep.txt", "A red wall.")
    with asking(place) as client:
        url = link(client, place, "deep", "in/deep.txt")
        assert client.get(url).status_code == 200
        inside = place.media / "in"
        (inside / "deep.txt").unlink()
        if what == "file":
            (inside / "deep.txt").symlink_to(secret)
        else:
            inside.rmdir()
            inside.symlink_to(secret.parent)

        assert client.get(url).status_code == 404


def test_a_link_within_the_root_is_followed(own):
    """A file may have moved below its root, with a link in its place."""
    with asking(own) as client:
        url = link(client, own, "red-1", "red-1.txt")
        (own.media / "red-1.txt").rename(own.media / "moved.txt")
        (own.media / "red-1.txt").symlink_to(own.media / "moved.txt")

        assert client.get(url).text == "A red wall."


def test_what_is_no_file_is_not_waited_for(own):
    """A pipe in a file's place is told as gone; opening it would never end."""
    with asking(own) as client:
        url = link(client, own, "red-1", "red-1.txt")
        (own.media / "red-1.txt").unlink()
        os.mkfifo(own.media / "red-1.txt")

        assert client.get(url).status_code == 410


@pytest.mark.parametrize(
    ("name", "text", "kind", "shown"),
    [
        ("a.txt", "A red wall.", "text/plain; charset=utf-8", "inline"),
        ("a.txt", "<!doctype html><script>alert(1)</script>", "text/html", "attachment"),
        (
            "a.txt",
            '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
            "image/svg+xml",
            "attachment",
        ),
    ],
)
def test_pages_and_drawings_are_never_shown(tmp_path, plugged, name, text, kind, shown):
    """What could act in a browser is saved there, whatever it is called."""
    place = place_at(tmp_path, {**coloured_items(["red"]), "a": {name: text}})
    with asking(place) as client:
        files = client.get(f"/api/items/{place.item('a')}").json()["files"]
        answer = client.get(files[0]["url"])

    assert answer.headers["content-type"] == kind
    assert answer.headers["content-disposition"].startswith(shown)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; sandbox")


def test_a_name_stays_a_name(tmp_path, plugged):
    """Quotes and Chinese in a file's name break no header."""
    place = place_at(tmp_path, {"a": {'猫 "x".txt': "A red wall."}})
    with asking(place) as client:
        url = client.get(f"/api/items/{place.item('a')}").json()["files"][0]["url"]
        answer = client.get(url)

    assert answer.headers["content-disposition"].endswith("''%E7%8C%AB%20%22x%22.txt")


def test_a_root_that_is_not_here_has_no_links(place):
    """Items are told all the same; their files are served where --root says they lie."""
    with asking(place, roots={}) as client:
        told = client.get(f"/api/items/{place.item('red-1')}").json()
        direct = client.get(f"/media/{place.item('red-1')}/0")

    assert {file["url"] for file in told["files"]} == {None}
    assert direct.status_code == 404
