"""Tests of mmcore/search/http/routes/search.py: what is asked comes back, of one snapshot."""

import re

import pytest
from PIL import Image

from mmcore.search.http.shapes.hits import AnswerShape
from mmcore.search.request import Part, SearchRequest
from mmcore.search.showing.shown import Shown
from mmcore.types import Rejection
from storage.schemas import content_id
from tests import media
from tests.lakes import COLOURS, coloured_items, make_lake, towers
from tests.mmcore.search.http.conftest import Place, asking


def keys(answer):
    """The keys of the hits of an answer."""
    assert answer.status_code == 200, answer.text
    return [hit["key"] for hit in answer.json()["hits"]]


def test_a_text_is_answered_with_items_of_the_snapshot(client):
    """The answer names its snapshot and says how long its steps took; ids are texts."""
    answer = client.get("/api/search", params={"q": "something red", "k": 2})
    told = answer.json()
    hit = told["hits"][0]

    assert sorted(keys(answer)) == ["red-1", "red-2"]
    assert (told["snapshot"], told["k"], told["offset"], told["more"]) == (1, 2, 0, True)
    assert told["seconds"]["total"] > 0
    assert hit["item_id"].isdecimal()
    assert hit["file"]["path"] == hit["path"] == f"{hit['key']}.png"
    assert hit["thumbnail"] == f"/thumbnails/items/{hit['item_id']}?n=0"
    assert AnswerShape.model_validate(told | {"hits": []})


def test_a_picture_that_cannot_be_used_has_no_small_one(tmp_path, plugged):
    """Its item is found by its caption, and nobody is sent where nothing is."""
    items = coloured_items(["red", "blue"])
    make_lake(tmp_path / "first", items, towers())
    content = content_id((tmp_path / "first" / "media" / "red-1.png").read_bytes())
    bad = Rejection("media", "red-1.png", content, "decode", "broken", "it is broken", "")
    snapshot = make_lake(tmp_path, items, towers()[:1], rejections=[bad])
    with asking(Place(snapshot, tmp_path / "lake", tmp_path / "media")) as client:
        hits = client.get("/api/search", params={"q": "a wall"}).json()["hits"]

    assert {hit["key"]: bool(hit["thumbnail"]) for hit in hits} == {"red-1": False, "blue-1": True}


def test_pages_of_an_answer_follow_each_other(client):
    """What comes at an offset is what a longer answer has there."""
    long = keys(client.get("/api/search", params={"q": "red", "k": 6}))
    short = keys(client.get("/api/search", params={"q": "red", "k": 3, "offset": 3}))

    assert short == long[3:]


def test_a_part_with_a_negative_weight_is_not_wanted(client):
    """JSON and the query string say the same."""
    parts = [{"text": "red wall"}, {"text": "blue", "weight": -1.0}]
    posted = client.post("/api/search", json={"parts": parts, "k": 16})
    asked = client.get("/api/search", params={"q": "red wall", "without": "blue", "k": 16})

    assert keys(posted) == keys(asked)
    assert keys(asked)[0].startswith("red")
    assert keys(asked)[-1].startswith("blue")


def test_segments_of_a_medium_are_searched(client):
    """With a modality, hits are segments of it, in the file that they are cut from."""
    answer = client.get("/api/search", params={"q": "蓝", "modality": "image", "k": 1}).json()
    hit = answer["hits"][0]

    assert (hit["modality"], hit["file"]["role"]) == ("image", "image")
    assert hit["key"].startswith("blue")
    assert hit["thumbnail"] == f"/thumbnails/{hit['segment_id']}"


def test_what_is_like_an_item_leaves_it_out(client, place):
    """More like this: its copy comes first, it never does, and pages follow each other."""
    item = place.item("green-1")
    found = keys(client.get(f"/api/similar/{item}", params={"k": 16}))
    later = keys(client.get(f"/api/similar/{item}", params={"k": 4, "offset": 4}))

    assert found[0] == "green-2"
    assert "green-1" not in found
    assert later == found[4:8]


def test_a_condition_chooses_among_items(client):
    """`where` is SQL over items and files; what it does not let pass does not come."""
    params = {"q": "red", "where": "key = 'blue-2'", "k": 5}

    assert keys(client.get("/api/search", params=params)) == ["blue-2"]


@pytest.mark.parametrize(
    "condition",
    [
        "1=1; COPY items TO '/tmp/stolen'",
        "key IN (SELECT content FROM read_text('/etc/passwd'))",
        "nonsense(",
        "no_column = 1",
    ],
)
def test_a_condition_that_is_none_is_a_bad_query(client, condition):
    """SQL that writes, reads other files or means nothing is refused."""
    answer = client.get("/api/search", params={"q": "red", "where": condition})

    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "bad-query"


def test_a_picture_is_asked_with(client, tmp_path):
    """The body is the file; what type it has is told by its content."""
    picture = media.png(tmp_path / "a.png", Image.new("RGB", (20, 20), COLOURS["pink"][1]))
    headers = {"content-type": "text/html"}
    answer = client.post(
        "/api/search/media", params={"k": 2}, content=picture.read_bytes(), headers=headers
    )

    assert sorted(keys(answer)) == ["pink-1", "pink-2"]


def test_a_text_goes_with_a_picture(client, tmp_path):
    """A text may say what the file's likeness is to be without."""
    picture = media.png(tmp_path / "a.png", Image.new("RGB", (20, 20), COLOURS["pink"][1]))
    params = {"k": 16, "without": "grey"}
    found = keys(client.post("/api/search/media", params=params, content=picture.read_bytes()))

    assert found[0].startswith("pink")
    assert found[-1].startswith("grey")


def test_a_text_file_and_a_sound_are_asked_with(client, tmp_path):
    """A text asks as a text does; a sound searches sounds where it can meet nothing else."""
    text = client.post("/api/search/media", params={"k": 2}, content="一面红色的墙。".encode())
    sound = media.wav(tmp_path / "a.wav", 3.0).read_bytes()
    heard = client.post("/api/search/media", params={"modality": "audio"}, content=sound)

    assert sorted(keys(text)) == ["red-1", "red-2"]
    assert keys(heard) == ["sound"]


def test_script_in_captions_stays_text(tmp_path, plugged):
    """What a caption holds comes back as JSON that no browser takes for a page."""
    script = "<script>alert(1)</script> A red wall."
    snapshot = make_lake(tmp_path, {"x<b>": {"x.txt": script}}, towers())
    place = Place(snapshot, tmp_path / "lake", tmp_path / "media")

    with asking(place) as client:
        answer = client.get("/api/search", params={"q": "red", "modality": "text"})
        hit = answer.json()["hits"][0]

    assert (hit["key"], hit["text"]) == ("x<b>", script)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_notes_are_said_in_the_asker_s_language(client):
    """What could not be asked, whole."""
    params = {"q": "red", "words": 0.5}
    english = client.get("/api/search", params=params).json()["notes"]
    chinese = client.get("/api/search", params=params, headers={"accept-language": "zh"}).json()

    assert any("words were not searched" in note for note in english)
    assert any("没有按词语搜索" in note for note in chinese["notes"])


def test_what_is_like_an_item_is_found_as_far_as_answers_go(client, place, monkeypatch):
    """An offset beyond a thousand is no end, as for any search."""
    item = place.item("green-1")
    asked = []
    batches = client.app.state.serving.searches
    ask = batches.ask
    monkeypatch.setattr(batches, "ask", lambda one: (asked.append(one), ask(one))[1])
    client.get(f"/api/similar/{item}", params={"k": 1000, "offset": 9000})

    assert [(one.k, one.offset) for one in asked] == [(1000, 9000)]


def test_a_fault_of_ours_fails_that_search_alone(place, client, monkeypatch):
    """The others of its batch are answered; who asked for it is told of a fault of the server."""
    shown = Shown.hits

    def failing(self, plan, ranked):
        if plan.parts[0].text == "green":
            raise IndexError("of ours")
        return shown(self, plan, ranked)

    monkeypatch.setattr(Shown, "hits", failing)
    texts = ["red", "green", "blue"]
    requests = [SearchRequest(parts=(Part(text=text),), k=1) for text in texts]
    found = client.app.state.serving.answers(requests)

    assert isinstance(found[1], IndexError)
    assert [len(found[n].answer.hits) for n in (0, 2)] == [1, 1]
    assert client.get("/api/search?q=green").json()["code"] == "internal"


@pytest.mark.parametrize(
    "said", ["-0", " 1", "1.0", "1_0", "+1", "٣", "1e3", "9223372036854775808"]
)
def test_an_id_is_digits(client, said):
    """As the interface says, and nothing else that Python takes for a number."""
    asked = client.get("/api/search", params={"item": said})
    body = client.post("/api/search", json={"parts": [{"item": said}]})

    assert (asked.status_code, body.status_code) == (422, 422)


def test_ids_of_nineteen_digits_are_documented(client):
    """Most have as many: who checks by the interface may send what was answered."""
    found = client.get("/openapi.json").json()
    (told,) = (
        one["schema"]
        for one in found["paths"]["/api/items/{item_id}"]["get"]["parameters"]
        if one["name"] == "item_id"
    )

    assert re.fullmatch(told["pattern"], str(2**63 - 1))


def test_what_is_typed_is_taken_apart(client):
    """For the page, whose field is as the command line's."""
    told = client.get("/api/typed", params={"q": '山 －雪 -"black sheep"'}).json()

    assert told == {"q": "山", "without": ["雪", "black sheep"]}
