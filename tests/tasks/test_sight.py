"""What a worker has to see before it works for a run."""

import http.server
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from mmcore.errors import ClusterError
from mmcore.specs import RuntimeSpec
from tasks.sight import Sight, check_sight, lacking, look_around


@pytest.fixture
def sight(tmp_path):
    """All is there."""
    (tmp_path / "note").write_text("word")
    (tmp_path / "a.jpg").touch()
    (tmp_path / "lake").mkdir()
    return Sight(tmp_path / "note", "word", (str(tmp_path / "a.jpg"),), tmp_path / "lake")


def test_a_worker_that_sees_all_may_work(sight):
    """Nothing is said of it but how it computes."""
    seen = look_around(sight, RuntimeSpec(device="cpu", dtype="float32"))

    assert (seen.lacking, seen.compute) == ((), ("cpu", "float32"))
    assert look_around(sight, None).compute is None
    check_sight(sight)
    check_sight(None)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"media": ("/nowhere/a.jpg",)}, "does not see /nowhere/a.jpg: mount the media there"),
        ({"word": "of another machine"}, "name a cluster.staging that is the same for all"),
    ],
)
def test_what_it_lacks_is_told_with_the_way_out(sight, change, says):
    """A worker that took missing files for deleted ones would put them all into quarantine."""
    with pytest.raises(ClusterError, match=says):
        check_sight(replace(sight, **change))


def test_a_lake_and_a_note_that_are_not_there_are_told(sight, tmp_path):
    """As on a machine that mounts nothing."""
    other = replace(sight, note=tmp_path / "gone" / "note", lake=tmp_path / "gone")

    told = "; ".join(lacking(other))

    assert "cannot write to the lake" in told
    assert "name a cluster.staging that all workers reach" in told


class Healthy(http.server.BaseHTTPRequestHandler):
    """What a Prefect server says of its health."""

    def do_GET(self):
        """Answer."""
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def serving(port=0):
    """A server at a port, while a block lasts."""
    server = http.server.HTTPServer(("127.0.0.1", port), Healthy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def test_a_prefect_server_that_is_out_of_reach_is_told(sight):
    """Workers report to it: one that listens on the starter's machine alone is no use."""
    with serving() as port:
        sight = replace(sight, prefect=f"http://127.0.0.1:{port}/api")
        assert list(lacking(sight)) == []
    (told,) = lacking(sight)
    assert "PREFECT_API_URL" in told


def test_a_server_that_is_started_again_costs_no_shard(sight, monkeypatch):
    """A task that meets a server which died waits for the next one."""
    pauses = []
    with ExitStack() as stack:
        with serving() as port:
            pass

        def pause(seconds):
            pauses.append(seconds)
            if len(pauses) == 2:
                stack.enter_context(serving(port))

        monkeypatch.setattr("tasks.sight.time.sleep", pause)

        check_sight(replace(sight, prefect=f"http://127.0.0.1:{port}/api"))

    assert len(pauses) == 2
