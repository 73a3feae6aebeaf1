"""Tests of http/media/uploads.py: a file that is asked with costs what it may, no more."""

import http.client
import json
import socket
import struct
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import media
from tests.mmcore.search.http.conftest import asking, listening

MEDIA = "/api/search/media"


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files that no other process writes to."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def left_over():
    """What uploads and their decoding left behind."""
    found = Path(tempfile.gettempdir()).glob("mmindex-upload-*")
    return {*found, *Path(tempfile.gettempdir()).glob("mmindex-query-*")}


def bomb(side):
    """A PNG of a few bytes that says it has ``side`` × ``side`` pixels."""

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def refused(client, body, **params):
    """The problem of a file that is asked with; the server answers on."""
    before = left_over()
    answer = client.post(MEDIA, params=params, content=body)

    assert 400 <= answer.status_code < 500, answer.text
    assert client.get("/api/search?q=red").status_code == 200
    assert left_over() == before
    return answer.json()


def test_a_picture_bomb_ends_in_its_limit(client):
    """More pixels than may be: refused by what the file says, before any is made."""
    told = refused(client, bomb(40_000))

    assert (told["status"], told["code"]) == (422, "media-refused")
    assert "\n" not in told["detail"]


def test_a_cut_picture_is_refused(client, tmp_path):
    """Half a picture is no picture."""
    whole = media.png(tmp_path / "a.png", media.noise(200, 200)).read_bytes()

    assert refused(client, whole[: len(whole) // 2])["code"] == "media-refused"


@pytest.mark.parametrize("tail", [b"", b"\0" * 64, b"\xff" * 4096])
def test_malformed_sound_is_refused(client, tail):
    """A header that promises what is not there costs nothing but the question."""
    header = b"RIFF" + struct.pack("<I", 0x7FFFFFFF) + b"WAVEfmt "
    fmt = struct.pack("<IHHIIHH", 16, 1, 60000, 4_000_000_000, 0xFFFFFFFF, 0, 0)
    body = header + fmt + b"data" + struct.pack("<I", 0x7FFFFFF0) + tail

    assert refused(client, body, modality="audio")["code"] in ("media-refused", "media-unknown")


def test_what_is_no_medium_is_unknown(client):
    """Nothing that our sniffing does not know is given to a decoder."""
    for body in (b"", b"\x00\x01\x02\x03" * 100, b"\x7fELF" + bytes(200)):
        told = refused(client, body)

        assert (told["status"], told["code"]) == (415, "media-unknown")


def test_a_file_of_another_side_is_refused(client, tmp_path):
    """A picture has no sound to ask with; the answer does not tell where the file was put."""
    picture = media.png(tmp_path / "a.png").read_bytes()
    told = refused(client, picture, **{"as": "audio"})

    assert told["code"] == "bad-query"
    assert told["detail"] == "the file is image, it cannot be asked as audio"


def test_a_long_text_is_refused(client):
    """A text of thousands of words means too much."""
    body = "\n\n".join(f"Sentence {n} says nothing at all." for n in range(5000)).encode()

    assert refused(client, body)["code"] == "bad-query"


def test_chinese_is_answered_in_chinese(client):
    """Why a file cannot be used, and what helps, in the asker's language."""
    answer = client.post(MEDIA, content=bomb(40_000), headers={"accept-language": "zh-CN"})

    assert answer.json()["title"] == "文件无法使用"
    assert "像素" in answer.json()["detail"]
    assert "--set" not in answer.text


def test_who_uploads_is_not_told_to_change_the_server_s_settings(client):
    """He cannot: only what he can do himself is said."""
    told = refused(client, bomb(40_000))

    assert "pixels" in told["detail"]
    assert "smaller" in told["detail"]
    assert "--" not in told["detail"]
    assert "limits." not in told["detail"]


def test_a_body_that_says_it_is_too_long_is_not_read(place):
    """100 MB are refused as soon as they are announced; not a byte has to be sent."""
    with listening(place, max_upload_mb=1) as (host, port):
        asked = http.client.HTTPConnection(host, port, timeout=10)
        asked.putrequest("POST", MEDIA)
        asked.putheader("Content-Length", str(100_000_000))
        asked.endheaders()
        answer = asked.getresponse()

        assert (answer.status, json.loads(answer.read())["code"]) == (413, "too-large")
        asked.close()


def test_a_body_that_does_not_say_its_length_ends_at_the_limit(place):
    """Chunks are counted: the server stops reading, and answers or hangs up."""
    block = b"%x\r\n" % 65536 + bytes(65536) + b"\r\n"
    sent = 0
    with listening(place, max_upload_mb=1) as (host, port):
        with socket.create_connection((host, port), timeout=10) as asked:
            asked.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\n" % MEDIA.encode())
            asked.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
            try:
                for _ in range(1600):
                    asked.sendall(block)
                    sent += len(block)
            except OSError:
                pass
            try:
                answer = asked.recv(65536)
            except ConnectionError:
                answer = b""
        again = http.client.HTTPConnection(host, port, timeout=10)
        again.request("GET", "/healthz")

        assert sent < 60_000_000
        assert answer == b"" or answer.startswith(b"HTTP/1.1 413")
        assert again.getresponse().status == 200
        again.close()


def test_a_body_that_does_not_come_is_not_waited_for(place):
    """Who sends slowly does not keep the places of others."""
    with listening(place, stall=0.3) as (host, port):
        asked = http.client.HTTPConnection(host, port, timeout=10)
        asked.putrequest("POST", MEDIA)
        asked.putheader("Content-Length", "1000")
        asked.endheaders(b"half")
        answer = asked.getresponse()

        assert (answer.status, json.loads(answer.read())["code"]) == (408, "too-slow")
        asked.close()


def test_a_long_body_that_is_no_file_is_refused(client):
    """JSON has a limit of its own, announced or not."""
    body = b'{"parts": [{"text": "' + b"a" * 2_000_000 + b'"}]}'
    headers = {"content-type": "application/json"}
    announced = client.post("/api/search", content=body, headers=headers)
    chunked = client.post("/api/search", content=iter([body]), headers=headers)

    assert [a.status_code for a in (announced, chunked)] == [413, 413]


def test_more_files_than_may_wait_are_sent_away(place, tmp_path):
    """The queue is bounded: who comes too late is told when to come again."""
    picture = media.png(tmp_path / "a.png").read_bytes()
    with asking(place, uploads=1) as client:
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: client.post(MEDIA, content=picture), range(6)))
        statuses = {answer.status_code for answer in answers}
        sent_away = [answer for answer in answers if answer.status_code == 503]

        assert statuses == {200, 503}
        assert {answer.headers["retry-after"] for answer in sent_away} == {"1"}
        assert client.post(MEDIA, content=picture).status_code == 200
