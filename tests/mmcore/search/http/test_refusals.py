"""Searches that cannot be: what is wrong is said, in the asker's language."""

import pytest


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ("/api/search?q=red&kk=3", "query.kk"),
        ("/api/search?q=red&k=0", "query.k"),
        ("/api/search?q=red&k=1001", "query.k"),
        ("/api/search?q=red&words=nan", "query.words"),
        ("/api/search?q=red&modality=smell", "query.modality.0"),
        ("/api/similar/x", "path.item_id"),
        ("/api/items/99999999999999999999", "path.item_id"),
    ],
)
def test_what_cannot_be_is_named(client, path, where):
    """Unknown fields and senseless values are problems that say which, and repeat nothing."""
    answer = client.get(path)
    told = answer.json()

    assert (answer.status_code, told["code"]) == (422, "invalid")
    assert answer.headers["content-type"] == "application/problem+json"
    assert [fault["where"] for fault in told["errors"]] == [where]


@pytest.mark.parametrize(
    "body",
    [
        {"parts": [{"media": "/etc/passwd"}]},
        {"parts": []},
        {"parts": [{}]},
        {"parts": [{"text": "a", "item": "1"}]},
        {"parts": [{"text": "a", "weight": 0}]},
        {"parts": [{"text": "a", "weight": -1}]},
        {"parts": [{"text": "a"}], "more": 1},
        {"parts": [{"vector": [1e400]}]},
        [],
    ],
)
def test_a_body_that_cannot_be_is_refused(client, body):
    """No path of the server is taken from outside, and a search asks for something."""
    import json

    answer = client.post(
        "/api/search", content=json.dumps(body), headers={"content-type": "application/json"}
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), answer.text


def test_a_search_for_nothing_says_what_to_ask(client):
    """In the language that the asker reads."""
    english = client.get("/api/search").json()
    chinese = client.get("/api/search", headers={"accept-language": "fr, zh-CN;q=0.9"}).json()

    assert english["detail"] == "say what to look for: q, item or segment"
    assert (chinese["title"], chinese["code"]) == ("请求无效", "invalid")


def test_an_item_that_is_not_there_cannot_be_asked_with(client):
    """Ids that are not of the snapshot are refused, in every route."""
    assert client.get("/api/similar/4242").status_code == 404
    assert client.get("/api/search?item=4242").status_code == 400
    assert client.get("/api/search?segment=4242").status_code == 400


@pytest.mark.parametrize(
    ("params", "en", "zh"),
    [
        ({"modality": "smell"}, "one of 'image', 'text'", "'audio'、'video' 之一"),
        ({"k": 0}, "query.k: it has to be 1 or more", "query.k：不能小于 1"),
        ({"words": 2}, "it has to be 1 or less", "不能大于 1"),
        ({"item": "x"}, "a whole number", "必须是整数"),
        ({"collapse": "perhaps"}, "true or false", "true 或 false"),
        ({"colour": "red"}, "there is no such", "没有这一项"),
        ({"q": ""}, "1 character or more", "至少 1 个字符"),
        ({"words": "nan"}, "a number", "必须是数字"),
    ],
)
def test_what_is_wrong_is_said_in_the_asker_s_language(client, params, en, zh):
    """In our words, not the library's."""
    for language, said in (("en", en), ("zh", zh)):
        headers = {"accept-language": language}
        told = client.get("/api/search", params={"q": "red", **params}, headers=headers).json()

        assert (told["status"], said in told["detail"]) == (422, True), told
        assert "Input should" not in str(told)


@pytest.mark.parametrize(
    ("field", "en", "zh"),
    [
        ({"offset": False}, "offset: it has to be a whole number", "offset：必须是整数"),
        ({"offset": True}, "offset: it has to be a whole number", "offset：必须是整数"),
        (
            {"collapse": 0},
            "collapse: it has to be true or false",
            "collapse：必须是 true 或 false",
        ),
        ({"k": True}, "k: it has to be a whole number", "k：必须是整数"),
        ({"words": False}, "words: it has to be a number", "words：必须是数字"),
        ({"diversity": True}, "diversity: it has to be a number", "diversity：必须是数字"),
        (
            {"parts": [{"text": "red", "weight": True}]},
            "weight: it has to be a number",
            "必须是数字",
        ),
        ({"parts": [{"vector": [1, True]}]}, "vector: it has to be a number", "必须是数字"),
    ],
)
def test_true_and_false_are_no_numbers(client, field, en, zh):
    """A library takes them for 1 and 0; who sends them has meant something else."""
    for language, said in (("en", en), ("zh", zh)):
        headers = {"accept-language": language}
        body = {"parts": [{"text": "red"}], **field}
        told = client.post("/api/search", json=body, headers=headers).json()

        assert (told["status"], said in told["detail"]) == (422, True), told


def test_a_body_s_faults_are_said_in_chinese_too(client):
    """Those of a part within it as well."""
    bodies = [{"parts": [{"text": "a", "item": "1"}]}, {"parts": "red"}, {"parts": []}, [], {}]
    for body in bodies:
        answer = client.post("/api/search", json=body, headers={"accept-language": "zh"})

        assert answer.status_code == 422
        assert "should" not in answer.text
        assert any("\u4e00" <= char <= "\u9fff" for char in answer.json()["detail"])


def test_a_part_without_anything_is_told_what_can_be_asked_with(client):
    """Of what HTTP takes: no file of the server's machine."""
    told = client.post("/api/search", json={"parts": [{"weight": 2}]}).json()

    assert told["detail"].endswith("ask with one of text, item, segment, vector, not none")


def test_a_body_that_is_not_said_to_be_json_says_what_to_send(client):
    """As curl sends it without a header."""
    body = b'{"parts": [{"text": "red"}]}'
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/api/search", content=body, headers=headers)

    assert answer.status_code == 422
    assert "Content-Type: application/json" in answer.json()["detail"]


def test_what_is_not_wanted_has_a_weight(client):
    """The larger, the further down what is like it comes."""
    params = {"q": "red wall", "without": "red", "k": 16}
    scores = []
    for weight in (0.1, 1, 5):
        told = client.get("/api/search", params={**params, "without_weight": weight}).json()
        scores.append(max(h["score"] for h in told["hits"] if h["key"].startswith("red")))
    plain = client.get("/api/search", params=params).json()
    nothing = client.get("/api/search", params={**params, "without_weight": 0})

    assert scores[0] > scores[1] > scores[2]
    assert max(h["score"] for h in plain["hits"] if h["key"].startswith("red")) == scores[1]
    assert nothing.status_code == 422


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("", "条件是空的"),
        ("foo = 1", "没有列 'foo'"),
        ('key = "red-1"', "文本要用单引号：'red-1'"),
        ("sum(size) > 1", "不能使用函数 'sum'"),
        ("(SELECT true)", "不能包含 SELECT"),
        ("-- nothing", "只能是一个条件"),
        ("size = ", "条件不完整"),
        ("size = = 1", "SQL 有误：syntax error"),
        ("label = ‘a’", "SQL 不认识 ‘’"),
    ],
)
def test_what_a_condition_has_wrong_is_said_in_chinese(client, where, told):
    """But for what DuckDB says itself."""
    params = {"q": "red", "where": where}
    answer = client.get("/api/search", params=params, headers={"accept-language": "zh"})

    assert (answer.status_code, told in answer.json()["detail"]) == (400, True)
