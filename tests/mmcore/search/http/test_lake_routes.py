"""Tests of the routes that tell of the lake: snapshots, evaluation, report, health, interface."""

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files

import pytest
from starlette.testclient import TestClient

from mmcore.errors import ConditionError
from mmcore.privacy import Veil
from mmcore.search.conditions.where import Where
from mmcore.search.http.app import app
from mmcore.search.http.media.roots import Roots
from mmcore.search.http.problems import ProblemError
from mmcore.search.http.settings import Settings
from mmcore.search.http.shaped import plain
from mmcore.search.http.shelf import Shelf
from mmcore.search.opened.rows import Rows
from mmcore.types import Rejection
from storage import history, keys
from storage.errors import NoLakeError
from storage.manifest import Evaluation
from storage.publication import publish
from storage.schemas import content_id
from storage.snapshot import Snapshot
from tests.lakes import make_lake, towers
from tests.mmcore.search.http.conftest import Place, asking

SCORES = {"text:en->image": {"RR": 0.5}, "text:zh->image": {"RR": 0.25}}


def rewritten(place: Place, **fields) -> None:
    """Give the published manifest other fields."""
    manifest = place.snapshot.manifest.model_copy(update=fields)
    (place.snapshot.layout.snapshot(1) / "manifest.json").write_bytes(manifest.to_json())


def test_the_lake_tells_what_it_holds(client):
    """Counts, media, languages, and what a condition can name."""
    told = client.get("/api/lake").json()

    assert (told["snapshot"], told["items"], told["private"]) == (1, 17, False)
    assert told["files"] == {"image": 16, "text": 32, "audio": 1, "video": 0}
    assert told["segments"] == {"image": 16, "text": 32, "audio": 3, "video": 0}
    assert told["quarantine"] == 0
    assert told["modalities"] == ["image", "text", "audio"]
    assert told["languages"] == ["en", "zh"]
    assert "path" in told["conditions"]["files"]


def test_segments_are_counted_once(own):
    """As the run counted them, however many items each serves."""
    rewritten(own, counts={"segments_image": 15})
    with asking(own) as client:
        told = client.get("/api/lake").json()["segments"]
        (line,) = client.get("/api/snapshots").json()["snapshots"]

    assert told == line["segments"] == {"image": 15, "text": 32, "audio": 3, "video": 0}


def test_what_is_in_quarantine_is_told_and_not_counted(tmp_path, plugged):
    """A file that is there twice once, and none of which nothing can be used as a medium's."""
    items = {"red": {"red.png": "red"}, "a": {"a.wav": "25"}, "b": {"b.wav": "26"}}
    make_lake(tmp_path / "first", items, towers())
    content = content_id((tmp_path / "first" / "media" / "b.wav").read_bytes())
    picture = content_id((tmp_path / "first" / "media" / "red.png").read_bytes())
    bad = [
        Rejection("media", "b.wav", content, "decode", "broken", "at first", ""),
        Rejection("media", "b.wav", content, "decode", "broken", "at last", ""),
        Rejection("media", "red.png", picture, "decode", "broken", "a part of it", ""),
        Rejection("media", "c.zip", None, "sniff", "unsupported-type", "an archive", ""),
    ]
    snapshot = make_lake(tmp_path, items, towers(), rejections=bad)
    with asking(Place(snapshot, tmp_path / "lake", tmp_path / "media")) as client:
        told = client.get("/api/lake").json()

    assert told["quarantine"] == 3
    assert told["files"] == {"image": 1, "text": 0, "audio": 1, "video": 0}


def test_snapshots_are_listed(client):
    """The one that serves is marked."""
    told = client.get("/api/snapshots").json()

    assert told["serving"] == 1
    assert [(s["snapshot"], s["serves"], s["items"]) for s in told["snapshots"]] == [(1, True, 17)]


def test_a_snapshot_that_cannot_be_read_says_so_without_its_place(own):
    """Its error does not tell where the lake lies."""
    broken = own.snapshot.layout.snapshot(7)
    broken.mkdir()
    (broken / "manifest.json").write_text("{")
    with asking(own) as client:
        answer = client.get("/api/snapshots")

    assert [s["error"] for s in answer.json()["snapshots"]] == [
        "its manifest cannot be read",
        None,
    ]
    assert str(own.lake) not in answer.text


def test_why_nothing_was_measured_is_said_by_who_knows(own):
    """In the asker's language, if whoever made the server says how."""
    rewritten(own, evaluation=Evaluation(status="unmeasured", reason="no queries"))
    made = app(own.settings(), why=lambda text, language: f"{language}: {text}")
    with TestClient(made) as client:
        told = [
            client.get("/api/evaluation", headers={"accept-language": one}).json()["reason"]
            for one in ("zh-CN", "en")
        ]
    with asking(own) as client:
        plain = client.get("/api/evaluation", headers={"accept-language": "zh"}).json()["reason"]

    assert (told, plain) == (["zh: no queries", "en: no queries"], "no queries")


def test_the_evaluation_and_its_report(own):
    """Scores, the nights before, and the report as a page that can do nothing."""
    rewritten(own, evaluation=Evaluation(status="measured", queries=9, scores=SCORES))
    layout = own.snapshot.layout
    layout.report("1").mkdir(parents=True)
    (layout.report("1") / "report.html").write_text("<p>报告</p>", "utf-8")
    for day, verdict in ((1, "pass"), (2, "warn")):
        when = datetime(2026, 1, day, tzinfo=UTC)
        night = history.Entry(
            when=when,
            snapshot=1,
            run="r",
            trigger="index",
            config="c",
            verdict=verdict,
            scores=SCORES,
        )
        history.append(layout, night)
    with asking(own) as client:
        told = client.get("/api/evaluation").json()
        last = client.get("/api/evaluation?last=1").json()["history"]
        report = client.get(told["report"])

    assert (told["status"], told["queries"], told["scores"]) == ("measured", 9, SCORES)
    assert [(n["verdict"], n["score"]) for n in told["history"]] == [
        ("warn", 0.375),
        ("pass", 0.375),
    ]
    assert last == told["history"][:1]
    assert report.text == "<p>报告</p>"
    assert report.headers["content-type"] == "text/html; charset=utf-8"
    assert "sandbox" in report.headers["content-security-policy"]
    assert "script" not in report.headers["content-security-policy"]


def test_a_private_lake_tells_no_names_and_no_files(own):
    """Neither thumbnails nor media, unless whoever has the key says where a root lies."""
    rewritten(own, private=True)
    with asking(own, roots={}) as client:
        hits = client.get("/api/search?q=red&k=2").json()["hits"]
        item = client.get(f"/api/items/{hits[0]['item_id']}").json()
        direct = client.get(f"/media/{hits[0]['item_id']}/0")

    assert {hit["thumbnail"] for hit in hits} == {None}
    assert {file["url"] for file in item["files"]} == {None}
    assert direct.status_code == 404


def test_a_private_root_needs_the_key(own):
    """A folder that is named without the key shows nothing: no hash can be told from another."""
    rewritten(own, private=True)
    with asking(own) as client:
        hits = client.get("/api/search?q=red&k=2").json()["hits"]
        assert {hit["file"]["url"] for hit in hits} == {None}
        assert client.get(f"/media/{own.item('red-1')}/0").status_code == 404


def test_files_of_a_private_root_are_served_by_who_has_the_key(own):
    """Names are hashed and compared; the real one is not shown."""
    veil = Veil(partial(keys.keyed, keys.lake_key(own.snapshot.layout)))
    file = Shelf(Rows(own.snapshot)).files(own.item("red-1"))[0]
    hidden = replace(file, path=veil.path("media", file.path))
    rewritten(own, private=True)
    roots = Roots(Snapshot.open(own.snapshot.layout), {"media": str(own.media)})
    found = roots.open(hidden)
    with found.file as stream:
        assert stream.read() == (own.media / "red-1.png").read_bytes()
    with pytest.raises(ProblemError, match="not-found"):
        roots.open(replace(file, path=veil.path("media", "other.png")))

    assert found.name == hidden.path


def test_health_and_metrics(client):
    """Health names the snapshot; what is counted is a route's pattern, no client's path."""
    client.get("/api/items/4242")
    client.get("/some/path/of/a/client")
    told = client.get("/metrics").text

    assert client.get("/healthz").json()["status"] == "ok"
    assert 'route="/api/items/{item_id}",status="404"' in told
    assert 'route="other"' in told
    assert "/some/path" not in told
    assert "mmindex_snapshot 1.0" in told


def test_without_a_snapshot_nothing_is_served(tmp_path):
    """The server does not start on what is no lake."""
    with pytest.raises(NoLakeError):
        app(Settings(lake=str(tmp_path / "none")))


def test_a_new_snapshot_takes_over(own):
    """What is published while the server runs is served without a restart."""
    with asking(own, look=0.0) as client:
        before = client.get("/api/search?q=red").json()["snapshot"]
        later = {"run": "run-2", "number": None, "parent": 1}
        publish(own.snapshot.layout, own.snapshot.manifest.model_copy(update=later))
        client.app.state.serving._following.look()
        after = client.get("/api/search?q=red").json()

    assert (before, after["snapshot"], len(after["hits"])) == (1, 2, 16)


def test_a_new_snapshot_takes_over_while_nobody_asks(own):
    """What was erased is not served until somebody comes: the server looks by itself."""
    with asking(own, look=0.0, idle_look=0.02) as client:
        later = {"run": "run-2", "number": None, "parent": 1}
        publish(own.snapshot.layout, own.snapshot.manifest.model_copy(update=later))
        following = client.app.state.serving._following
        until = time.monotonic() + 20
        while following._serving.number != 2 and time.monotonic() < until:
            time.sleep(0.02)

        assert following._serving.number == 2


def test_a_crash_of_a_condition_is_a_fault_of_the_server(own, monkeypatch):
    """Who asked is not told to ask for less."""

    def crashes(self, sql):
        raise ConditionError("SIGSEGV")

    monkeypatch.setattr(Where, "items", crashes)
    with asking(own) as client:
        answer = client.get("/api/search?q=red&k=2&where=size%20%3E%201")

    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "condition" in answer.json()["detail"]


def test_a_report_begins_in_the_asker_s_language(own):
    """By ?lang, else by Accept-Language; a report has both languages in it."""
    layout = own.snapshot.layout
    template = (files("mmcore.evaluation.reporting") / "report.html.jinja").read_text("utf-8")
    inputs = "\n".join(line for line in template.splitlines() if 'class="pick"' in line)
    layout.report("1").mkdir(parents=True)
    (layout.report("1") / "report.html").write_text(inputs, "utf-8")
    with asking(own) as client:
        chinese = {"accept-language": "zh-CN"}
        pages = [
            client.get("/report/1"),
            client.get("/report/1", headers=chinese),
            client.get("/report/1?lang=zh"),
            client.get("/report/1?lang=en", headers=chinese),
        ]

    picked = [re.findall(r'id="in-(\w+)"[^>]* checked', page.text) for page in pages]
    assert picked == [["en"], ["zh"], ["zh"], ["en"]]


def test_a_snapshot_that_cannot_be_opened_is_noted_without_its_place(own, caplog):
    """Who asks learns that there is a newer one; where the lake lies is in the log alone."""
    with asking(own) as client:
        following = client.app.state.serving._following
        folder = own.snapshot.layout.snapshot(2)
        folder.mkdir(parents=True)
        (folder / "manifest.json").write_text("{")
        (own.lake / "CURRENT").write_text("2\n")
        following.look()
        told = client.get("/api/search?q=red")
        chinese = client.get("/api/search?q=red", headers={"accept-language": "zh"})

    assert told.status_code == 200
    assert told.json()["notes"][-1] == "a newer snapshot cannot be opened, 1 serves on"
    assert "较新的快照" in chinese.json()["notes"][-1]
    assert str(own.lake) not in told.text
    assert str(own.lake) in caplog.text


def test_the_interface_is_described(client):
    """Each route has a description, its answer a schema, its problems a type of their own."""
    schema = client.get("/openapi.json").json()
    paths = schema["paths"]
    told = [operation for methods in paths.values() for operation in methods.values()]

    assert {"/api/search", "/api/search/media", "/api/similar/{item_id}"} <= set(paths)
    assert {"/media/{item_id}/{n}", "/thumbnails/{segment_id}", "/healthz", "/metrics"} <= set(
        paths
    )
    assert all(operation["description"] for operation in told)
    assert "HTTPValidationError" not in json.dumps(schema)
    assert paths["/api/search"]["get"]["responses"]["422"]["content"].keys() == {
        "application/problem+json"
    }
    references = set(json.dumps(schema).split('"#/components/schemas/')[1:])
    names = {reference.partition('"')[0] for reference in references}
    assert names <= set(schema["components"]["schemas"])


def test_the_page_of_the_interface_asks_no_other_host(client):
    """It lists the routes, and loads nothing from elsewhere."""
    page = client.get("/docs").text

    assert "GET /api/search" in page
    assert "//" not in page.replace("<!doctype html>", "")


def test_a_column_of_the_users_is_plain():
    """What JSON has not is null or a text; large numbers are texts."""
    told = plain(
        {"a": float("nan"), "b": b"x", "c": 2**60, "d": datetime(2026, 1, 1), "e": [1, (2,)]}
    )

    assert told == {
        "a": None,
        "b": None,
        "c": str(2**60),
        "d": "2026-01-01T00:00:00",
        "e": [1, [2]],
    }
