import json
import logging
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace

import pytest
from pydantic import SecretStr

from tasks import notify
from tasks.notify import Message, masked, send, unusable

TOLD = Message("mmindex: snapshot 7 blocked", "text:zh→image fell from 0.8 to 0.5 (RR)")


@pytest.fixture
def webhook():
    """A server that keeps what is posted to it, and answers with its ``code``."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            size = int(self.headers["Content-Length"])
            self.server.got.append((self.path, json.loads(self.rfile.read(size))))
            self.send_response(self.server.code)
            self.end_headers()

        def log_message(self, *_):
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.code = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def post_office():
    """A server that speaks as much SMTP as a sender needs, and keeps the letters."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(b"220 post\r\n")
            while line := self.rfile.readline().decode().strip():
                if line.upper().startswith("DATA"):
                    self.wfile.write(b"354 go on\r\n")
                    letter = []
                    while (part := self.rfile.readline().decode()).strip() != ".":
                        letter.append(part)
                    self.server.got.append("".join(letter))
                self.wfile.write(b"221 bye\r\n" if line.upper() == "QUIT" else b"250 ok\r\n")
                if line.upper() == "QUIT":
                    return

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address, daemon_threads = True, True

    server = Server(("127.0.0.1", 0), Handler)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def url(server, scheme="json", end="/hook"):
    """The address of a local server, for Apprise."""
    return SecretStr(f"{scheme}://127.0.0.1:{server.server_address[1]}{end}")


def test_a_webhook_gets_title_and_words(webhook):
    """Once, as JSON, with how bad it is."""
    assert send([url(webhook)], TOLD) == []

    ((path, told),) = webhook.got
    assert path == "/hook"
    assert (told["title"], told["message"], told["type"]) == (TOLD.title, TOLD.body, "failure")


def test_a_letter_is_sent(post_office):
    """By plain SMTP to a server of one's own."""
    port = post_office.server_address[1]
    entry = SecretStr(
        f"mailto://127.0.0.1:{port}?from=mmindex@lake.test&to=li@lake.test&mode=insecure"
    )

    assert send([entry], TOLD) == []

    (letter,) = post_office.got
    assert f"Subject: {TOLD.title}" in letter


def test_one_that_fails_keeps_no_other_from_being_told(webhook):
    """Each is told by itself; who was not is named, and why, without the address."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        lost = SecretStr(f"json://user:geheim@127.0.0.1:{nobody.getsockname()[1]}/geheim")

        failed = send([lost, url(webhook)], TOLD)

    assert len(webhook.got) == 1
    assert failed == ["json://***: was refused, or could not be reached"]


def test_a_server_that_refuses_is_told_of(webhook):
    """An answer that is no success is a failure."""
    webhook.code = 500

    assert send([url(webhook)], TOLD) == ["json://***: was refused, or could not be reached"]


def test_who_does_not_answer_holds_nobody_up():
    """After the time is over it goes on; what was not answered is a failure."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        entry = SecretStr(f"json://127.0.0.1:{silent.getsockname()[1]}/?cto=60&rto=60")
        began = time.monotonic()

        failed = send([entry], TOLD, seconds=0.3)

    assert time.monotonic() - began < 30  # of the minute that the client would wait
    assert failed == ["json://***: no answer in 0 s"]


def test_all_of_them_share_one_deadline(monkeypatch):
    """Three that hang take no longer than one."""
    now, waited = [100.0], []

    class Hanging:
        def __init__(self, **_):
            """Its work never ends."""

        def start(self):
            """Nothing comes of it."""

        def join(self, seconds):
            waited.append(seconds)
            now[0] += seconds

    monkeypatch.setattr(notify, "threading", SimpleNamespace(Thread=Hanging))
    monkeypatch.setattr(notify, "time", SimpleNamespace(monotonic=lambda: now[0]))
    entries = [SecretStr(f"json://{name}") for name in "abc"]

    failed = send(entries, TOLD, seconds=0.5)

    assert waited == [0.5, 0, 0]
    assert failed == ["json://***: no answer in 0 s"] * 3


def test_the_secret_is_in_no_log(webhook, caplog):
    """Neither of what was sent, nor of what failed."""
    webhook.code = 403
    with caplog.at_level(logging.INFO):
        send([url(webhook, end="/geheim?token=geheim")], TOLD)

    assert "geheim" not in caplog.text
    assert "not notified" in caplog.text


@pytest.mark.parametrize("name", ["apprise", "urllib3"])
def test_the_token_of_a_webhook_is_in_no_log(webhook, caplog, name):
    """It is part of the path; not even where somebody wants to see everything."""
    logging.getLogger(name).setLevel(logging.DEBUG)
    with caplog.at_level(logging.DEBUG):
        unusable(url(webhook, end="/T0KEN").get_secret_value())
        send([url(webhook, end="/T0KEN"), SecretStr("json://:T0KEN")], TOLD)

    assert webhook.got[0][0] == "/T0KEN"
    assert "T0KEN" not in caplog.text


def test_a_block_that_is_not_there_is_told_of(prefect_server):
    """By its name, which is no secret."""
    (failed,) = send([SecretStr("block:slack-webhook/nobody")], TOLD)

    assert failed.startswith("block:slack-webhook/nobody: ")


def test_a_block_of_prefect_is_told(prefect_server, webhook):
    """A notification block that the server keeps sends it, with its own address."""
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    block = CustomWebhookNotificationBlock(
        name="hook",
        url=url(webhook, "http").get_secret_value(),
        method="POST",
        json_data={"title": "{{subject}}", "message": "{{body}}"},
        allow_private_urls=True,
    )
    block.save("gate-hook", overwrite=True)

    assert send([SecretStr("block:custom-webhook/gate-hook")], TOLD) == []
    assert webhook.got[0][1] == {"title": TOLD.title, "message": TOLD.body}


@pytest.mark.parametrize(
    ("entry", "shown"),
    [
        ("jsons://user:pass@host/path?x=y", "jsons://***"),
        ("block:slack-webhook/night", "block:slack-webhook/night"),
        ("geheim", "***"),
        ("js\x1b[31mons://geheim", "js?[31mons://***"),
        ("block:slack-webhook/a\nb", "block:slack-webhook/a?b"),
    ],
)
def test_what_is_shown_of_an_entry(entry, shown):
    """The kind of the service, never where it is or by which key."""
    assert masked(entry) == shown


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ("jsons://host/path", False),
        ("mailtos://user:pass@example.com", False),
        ("block:slack-webhook/night", False),
        ("block:night", True),
        ("geheim", True),
        ("nosuch://service", True),
    ],
)
def test_what_can_never_be_told_is_known_beforehand(entry, wrong):
    """Without asking anybody."""
    assert bool(unusable(entry)) is wrong
