"""The example of automations, on a real server: what it sends when a run fails, or is blocked."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import pytest
from prefect import flow
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import get_client
from prefect.events import emit_event
from prefect.events.worker import EventsWorker

from examples.automations import create
from mmcore.errors import PublicationBlockedError, SourceError
from storage.layout import Layout
from tasks.alerts import Alert, event_of

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def told(prefect_server) -> Iterator[list[dict[str, str]]]:
    """What the automations sent, to a notification block that tells this process."""
    found: list[dict[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self):
            found.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=server.serve_forever, daemon=True).start()
    block = CustomWebhookNotificationBlock(
        name="night",
        url=f"http://127.0.0.1:{server.server_port}/",
        json_data={"subject": "{{subject}}", "body": "{{body}}"},
    )
    block.save("night", overwrite=True)
    with get_client(sync_client=True) as client:
        create(client, f"{block.get_block_type_slug()}/night")
        create(client, f"{block.get_block_type_slug()}/night")
        yield found
        for name in ("mmindex-failed", "mmindex-gate"):
            (one,) = client.read_automations_by_name(name)  # created once, then updated
            client.delete_automation(one.id)
    server.shutdown()
    server.server_close()


def await_message(told, part: str) -> dict[str, str]:
    """The one message that has ``part`` in it, within half a minute."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for message in list(told):
            if part in message["body"]:
                return message
        time.sleep(0.1)
    raise AssertionError(f"nobody was told of {part}: {told}")


def send() -> None:
    """Bring events to the server now."""
    EventsWorker.instance().wait_until_empty()


def test_a_failed_run_is_told(told):
    """With flow, state and message; of a run that the gate blocked the other one tells."""

    @flow(name="index-media")
    def failing(error: str) -> None:
        if error == "blocked":
            raise PublicationBlockedError("run-1", 2, "it fell", "report.html")
        raise SourceError("the root photos is empty")

    @flow(name="another-project")
    def foreign() -> None:
        raise SourceError("nothing of ours")

    for call in (lambda: failing("blocked"), foreign, lambda: failing("source")):
        with pytest.raises((PublicationBlockedError, SourceError)):
            call()
    send()

    message = await_message(told, "the root photos is empty")
    assert message["subject"] == "mmindex: index-media Failed"
    assert message["body"].startswith("index-media, run ")
    assert "None" not in message["body"]
    assert not any("it fell" in m["body"] or "nothing of ours" in m["body"] for m in told)


def test_a_blocked_candidate_is_told(told, tmp_path):
    """With its directions and run, and no place of the lake."""
    run = f"run-{uuid4().hex}"
    emit_event(**event_of(Alert("blocked", 7, run, 6), Layout(tmp_path)))
    send()

    message = await_message(told, run)
    assert message["subject"] == "mmindex: mmindex.gate.blocked, snapshot 7"
    assert str(tmp_path) not in json.dumps(message)
