"""What searches are measured with is what it claims to be."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from benchmarks.search import spread
from benchmarks.search_clients import Client, Told, once, run
from benchmarks.search_hybrid import Asked, first_right, measured, ranks
from benchmarks.search_lake import Made, grown, vocabulary
from mmcore.search.answers import Answer
from mmcore.types import Hit
from storage.schemas import Modality
from tests.lakes import coloured_items, make_lake, towers

STEPS = {"plan": 0.001, "encode": 0.002, "total": 0.01}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """All rows of a lake of four items with a picture, two captions and a sound."""
    items = coloured_items(["red", "green", "blue", "white"])
    items["red-1"]["red-1.wav"] = "1"
    root = tmp_path_factory.mktemp("search")
    return Made.of(make_lake(root, items, towers(audio=True)))


@pytest.fixture
def server():
    """A server that answers in turn as ``answers`` says: a status, or a snapshot with keys."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        answers = ()
        asked = 0

        def do_GET(self):
            status, snapshot, keys = self.answers[Handler.asked % len(self.answers)]
            Handler.asked += 1
            hits = [{"key": key} for key in keys]
            body = json.dumps({"snapshot": snapshot, "hits": hits, "seconds": STEPS}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Say nothing."""

    made = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    yield Handler, f"http://127.0.0.1:{made.server_port}/"
    made.shutdown()
    thread.join()
    made.server_close()


def test_a_grown_lake_has_copies_with_all_their_segments(made):
    """Each copy has the media of its item, near vectors of its own, and an id of its own."""
    found = grown(made, 10, vocabulary(made))

    assert found.items.num_rows == len(set(found.items["item_id"].to_pylist())) == 10
    assert len(set(found.items["key"].to_pylist())) == 10
    columns = (found.items[name].to_pylist() for name in ("item_id", "key"))
    of_item = dict(zip(*columns, strict=True))
    texts = found.media[Modality.TEXT].segments
    for item, text in zip(texts["item_id"].to_pylist(), texts["text"].to_pylist(), strict=True):
        colour = of_item[item].partition("-")[0]
        assert text.startswith((f"A {colour} wall.", "一面"))
    assert texts.num_rows == 20
    sounds = found.media[Modality.AUDIO].segments["item_id"].to_pylist()
    with_sound = found.items.filter(found.items["has_audio"])["key"].to_pylist()
    assert {of_item[item] for item in sounds} == set(with_sound)
    assert {key.rpartition("_")[0] for key in with_sound} == {"red-1"}
    medium = found.media[Modality.IMAGE]
    assert np.allclose(np.linalg.norm(medium.vectors, axis=1), 1, atol=1e-5)
    assert len(np.unique(medium.vectors, axis=0)) == 10


def test_what_is_withheld_is_in_no_table(made):
    """Neither a segment, nor a vector, nor a file is left of a content, or of another item."""
    content = made.media[Modality.TEXT].segments["content_id"][0].as_py()
    items = frozenset(made.items["item_id"].to_pylist()[:3])
    left = made.kept(items, {content})

    assert set(left.items["item_id"].to_pylist()) == items
    for table in (left.files, left.item_files, *(m.segments for m in left.media.values())):
        assert content not in table["content_id"].to_pylist()
    for medium in left.media.values():
        assert set(medium.segments["item_id"].to_pylist()) <= items
        assert set(medium.ids.tolist()) == set(medium.segments["segment_id"].to_pylist())
        assert len(medium.ids) == len(medium.vectors)


def test_other_keys_change_no_id(made):
    """A snapshot with renamed items has their ids."""
    keys = [f"{key}@2" for key in made.items["key"].to_pylist()]
    found = made.renamed(keys)

    assert found.items["key"].to_pylist() == keys
    assert found.items["item_id"].equals(made.items["item_id"])


@pytest.mark.parametrize(("items", "place"), [([3, 1], 2), ([1], 1), ([3], 0), ([], 0)])
def test_the_first_right_answer_counts(items, place):
    """Places begin with 1; 0 is none."""
    assert first_right(items, frozenset({1, 2})) == place


def test_ranks_say_what_the_measures_do():
    """Nothing found is 0; rank 11 is no success, and has an RR."""
    assert measured(np.array([0, 1, 10, 11])).tolist() == [[0, 0], [1, 1], [0.1, 1], [1 / 11, 0]]


def test_each_query_is_held_against_its_own_right_items():
    """Batches keep the order of queries, and the way that is measured reaches the searcher."""

    class Searching:
        def answers(self, requests):
            assert all(request.words == 1.0 for request in requests)
            hits = [(Hit(int(one.parts[0].text), "k", 1.0),) for one in requests]
            return [Answer(1, found) for found in hits]

    asked = [Asked(str(number), frozenset({number % 40}), "") for number in range(50)]
    found = ranks(Searching(), asked, {"words": 1.0})

    assert found.tolist() == [1] * 40 + [0] * 10


def test_a_client_tells_answers_from_errors(server):
    """What is no 200 has no time; what is answered has the server's own steps beside it."""
    handler, url = server
    handler.answers = ((200, 1, ["a@1"]), (503, 1, []), (200, 1, ["a@1"]))
    told, _ = once(url, ["one", "two", "three"])

    assert len(told.seconds) == 2
    assert told.errors == {"503": 1}
    assert told.steps["encode"] == [0.002, 0.002]
    assert told.steps["rank"] == [0.0, 0.0]


def test_a_server_that_is_gone_is_an_error():
    """No connection is counted, and raises nothing."""
    client = Client("127.0.0.1", 1)
    client.ask("a")

    assert sum(client.told.errors.values()) == 1
    assert client.told.seconds == []


def test_mixed_answers_and_steps_back_are_seen(server):
    """A hit of another snapshot, no hit at all, and an older snapshot after a newer one."""
    handler, url = server
    handler.answers = (
        (200, 2, ["a@2", "b@2"]),
        (200, 2, ["a@2", "b@1"]),
        (200, 2, []),
        (200, 1, ["a@1"]),
    )
    client = Client("127.0.0.1", int(url.rpartition(":")[2].strip("/")), versioned=True)
    for _ in range(4):
        client.ask("a")

    assert (client.told.mixed, client.told.back) == (2, 1)
    assert client.told.snapshots == {2: 3, 1: 1}
    client.close()


def test_clients_are_told_together(server):
    """Each of some clients asks until the time is over; all of it is one account, as JSON too."""
    handler, url = server
    handler.answers = ((200, 1, ["a@1"]),)
    told, took = run(url, ["a"], 1, 0.1, versioned=True)

    assert took >= 0.1
    assert len(told.seconds) == handler.asked > 1
    both = (told + Told(mixed=1)).to_json()
    assert json.loads(json.dumps(both))["mixed"] == 1
    assert len(both["steps"]["total"]) == handler.asked


def test_a_spread_is_told_in_milliseconds():
    """Percentiles of seconds."""
    assert spread([0.001] * 99 + [0.101]) == {"n": 100, "p50": 1.0, "p95": 1.0, "p99": 2.0}
