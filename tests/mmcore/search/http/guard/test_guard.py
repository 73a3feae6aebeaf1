"""Tests of mmcore/search/http/guard: who may ask, how often, from where."""

import pytest

from mmcore.search.http.guard import tokens
from mmcore.search.http.guard.rates import MOST_CLIENTS, Buckets, client_of
from mmcore.search.http.guard.tokens import Token
from mmcore.search.http.settings import Settings
from tests.mmcore.search.http.conftest import asking

TOKEN = "correct horse battery staple"
BEARER = {"authorization": f"Bearer {TOKEN}"}
CLOSED = ["/api/search?q=red", "/api/lake", "/media/1/0", "/thumbnails/1", "/metrics"]


@pytest.fixture(scope="module")
def locked(place):
    """A client of a server with a token."""
    with asking(place, token=TOKEN) as client:
        yield client


@pytest.mark.parametrize("path", [*CLOSED, "/report/1", "/openapi.json", "/nothing"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": "Bearer"},
        {"cookie": f"mmindex={TOKEN}"},
        {"cookie": "mmindex="},
        {"cookie": "a=b;;; mmindex==;\"'"},
    ],
)
def test_without_the_token_nothing_is_told(locked, path, headers):
    """Every route but health and the login form asks for it, also those that are not there."""
    answer = locked.get(path, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_with_the_token_all_is_open(locked):
    """A bearer token in the header."""
    assert locked.get("/api/search?q=red", headers=BEARER).status_code == 200
    assert locked.get("/metrics", headers=BEARER).status_code == 200
    assert locked.get("/healthz").status_code == 200


def test_the_form_gives_a_cookie_that_is_not_the_token(locked):
    """A browser logs in once; scripts cannot read what it then holds."""
    page = locked.get("/?q=red")
    form = locked.get(page.headers["location"])
    wrong = locked.post("/login", data={"token": "wrong"})
    right = locked.post("/login", data={"token": TOKEN, "next": "/?q=red"})
    cookie = right.headers["set-cookie"]

    assert (page.status_code, page.headers["location"]) == (303, "/login?next=/%3Fq%3Dred")
    assert 'value="/?q=red"' in form.text
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    assert (right.status_code, right.headers["location"]) == (303, "/?q=red")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    held = cookie.partition(";")[0]
    assert locked.get("/api/search?q=red", headers={"cookie": held}).status_code == 200
    locked.cookies.clear()


@pytest.mark.parametrize(
    "place_", ["//evil.example", "https://evil.example", "/\\evil", "javascript:1", "/a\r\nx: y"]
)
def test_the_form_leads_nowhere_else(locked, place_):
    """After the login the browser stays on this server."""
    answer = locked.post("/login", data={"token": TOKEN, "next": place_})

    assert answer.headers["location"] == "/"
    assert "x" not in answer.headers
    locked.cookies.clear()


def test_the_form_shows_what_it_was_given_as_text(locked):
    """What stands in the address is no markup."""
    answer = locked.get("/login", params={"next": '/"><script>alert(1)</script>'})

    assert "<script>" not in answer.text
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_a_token_is_compared_whole(place):
    """A beginning, another case or a longer text is not the token; a short one cannot be set."""
    token = Token(TOKEN)

    assert token.fits(TOKEN)
    assert not any(map(token.fits, (TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "")))
    with pytest.raises(ValueError, match="too short"):
        place.settings(token="secret")


def test_a_token_does_not_show_in_settings():
    """Who prints the settings does not print the token."""
    assert TOKEN not in repr(Settings(lake="lake", token=TOKEN))


def test_a_page_elsewhere_may_ask_only_where_it_is_named(place):
    """CORS: preflight and answer name the one origin; by default there is none."""
    preflight = {"access-control-request-method": "POST", "origin": "https://one.example"}
    with asking(place, cors=("https://one.example",), token=TOKEN) as client:
        named = client.options("/api/search", headers=preflight)
        answer = client.get("/api/lake", headers=BEARER | {"origin": "https://one.example"})
        refused = client.get("/api/lake", headers={"origin": "https://one.example"})
        other = client.get("/api/lake", headers=BEARER | {"origin": "https://two.example"})
    with asking(place) as client:
        none = client.get("/api/lake", headers={"origin": "https://one.example"})
        asked = client.options("/api/search", headers=preflight)

    assert named.headers["access-control-allow-origin"] == "https://one.example"
    assert answer.headers["access-control-allow-origin"] == "https://one.example"
    assert refused.status_code == 401
    assert "access-control-allow-origin" not in other.headers
    assert "access-control-allow-origin" not in none.headers
    assert "access-control-allow-origin" not in asked.headers


@pytest.mark.parametrize("origin", ["*", "one.example", "https://one.example/"])
def test_an_origin_that_is_none_is_refused(place, origin):
    """Everybody is no origin."""
    with pytest.raises(ValueError, match="no origin"):
        place.settings(cors=(origin,))


def test_another_name_is_not_answered(place):
    """A page whose name was made to mean this machine reads nothing from it."""
    with asking(place, hosts=("localhost", "127.0.0.1", "::1")) as client:
        statuses = {
            host: client.get("/api/lake", headers={"host": host}).status_code
            for host in ("localhost:8765", "127.0.0.1", "[::1]:1", "evil.example", "", "[")
        }

    assert statuses == {
        "localhost:8765": 200,
        "127.0.0.1": 200,
        "[::1]:1": 200,
        "evil.example": 403,
        "": 403,
        "[": 403,
    }


def test_a_client_that_asks_too_often_is_told_when_to_come_again(place):
    """Searches are counted, the page's files are not; guesses of the token are."""
    with asking(place, rate=0.01, burst=3) as client:
        answers = [client.get("/api/lake") for _ in range(4)]
        login = client.post("/login", data={"token": "x"})
        health = client.get("/healthz")

    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 60
    assert answers[-1].json()["code"] == "too-many-requests"
    assert login.status_code == 429
    assert health.status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/media/1/0", "/api/lake", "/nothing"])
@pytest.mark.parametrize("rate", [None, 1000.0])
def test_tokens_cannot_be_guessed_without_end(place, path, rate, monkeypatch):
    """Wrong ones are counted on every path, with or without a rate; then none is looked at."""
    monkeypatch.setattr(tokens, "_GUESSES", 1e-6)  # a second: however long this takes, none more
    with asking(place, token=TOKEN, rate=rate, burst=1000) as client:
        tried = [
            client.get(path, headers={"authorization": f"Bearer {n}"}).status_code
            for n in range(60)
        ]
        right = client.get("/metrics", headers=BEARER)
        form = client.post("/login", data={"token": TOKEN})
        health = client.get("/healthz")

    assert (set(tried[:40]), set(tried[40:])) == ({401}, {429})
    assert (right.status_code, form.status_code, health.status_code) == (429, 429, 200)
    assert right.headers["retry-after"]


def test_the_right_token_is_never_too_often(locked):
    """Only wrong ones are counted; who brings none at all has guessed nothing."""
    right = [locked.get("/metrics", headers=BEARER).status_code for _ in range(100)]
    none = [locked.get("/metrics").status_code for _ in range(100)]

    assert (set(right), set(none)) == ({200}, {401})


@pytest.mark.parametrize("around", ["a=b; {}", "{}; x", 'a="b; {}', "p[1]=x; {}; :=1", "a b; {}"])
def test_cookies_of_other_applications_do_not_matter(place, around):
    """A browser sends those of every application at this host, well-formed or not."""
    with asking(place, token=TOKEN) as client:
        cookie = client.post("/login", data={"token": TOKEN}).headers["set-cookie"]
        client.cookies.clear()
        held = around.format(cookie.partition(";")[0])

        assert client.get("/api/lake", headers={"cookie": held}).status_code == 200


@pytest.mark.parametrize("token", ["ein sehr langes Tökenchen", "令牌" * 20, "a\tb" * 10])
def test_a_token_has_letters_that_a_header_has(place, token):
    """Else it would fit in the form, and never in a program; the message does not tell it."""
    token = token.replace("\\t", "\t")
    with pytest.raises(ValueError, match="ASCII") as told:
        place.settings(token=token)

    assert token not in str(told.value)


@pytest.mark.parametrize("name", ["max_upload_mb", "rate"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e300, 0, -1])
def test_a_bound_is_a_number_that_bounds(place, name, value):
    """Neither infinity nor what no computer has."""
    with pytest.raises(ValueError, match=name):
        place.settings(**{name: value})


POST = "/api/search"
ELSEWHERE = [
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site", "origin": "http://testserver:9999"},
    {"origin": "https://evil.example"},
    {"origin": "http://testserver:9999"},
    {"origin": "null"},
]
HERE = [
    {},
    {"sec-fetch-site": "same-origin", "origin": "http://testserver"},
    {"sec-fetch-site": "same-origin", "origin": "https://lake.example"},  # behind a proxy
    {"sec-fetch-site": "none"},
    {"origin": "http://testserver"},
    {"sec-fetch-site": "cross-site", "origin": "https://one.example"},
]


@pytest.mark.parametrize("path", [POST, "/api/search/media", "/login"])
def test_pages_elsewhere_may_not_send(place, path):
    """What they send costs work, though they cannot read the answer; those of --cors may."""
    body = {"json": {"parts": [{"text": "red"}]}}
    with asking(place, cors=("https://one.example",)) as client:
        refused = [client.post(path, headers=headers, **body) for headers in ELSEWHERE]
        taken = [client.post(path, headers=headers, **body) for headers in HERE]
        read = client.get("/api/lake", headers=ELSEWHERE[0])

    assert {answer.status_code for answer in refused} == {403}
    assert {answer.json()["code"] for answer in refused} == {"forbidden-origin"}
    assert 403 not in {answer.status_code for answer in taken}
    assert read.status_code == 200


def test_a_bucket_fills_at_its_rate():
    """Two a second up to three: three at once, then one each half second; clients are apart."""
    now = [0.0]
    buckets = Buckets(2.0, 3, lambda: now[0])

    assert [buckets.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert buckets.take("b") == 0.0
    now[0] = 0.5
    assert [buckets.take("a"), buckets.take("a")] == [0.0, 0.5]
    now[0] = 100.0
    assert [buckets.take("a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


def test_buckets_are_not_kept_for_ever():
    """The clients that asked longest ago are forgotten: their number is not ours to choose."""
    buckets = Buckets(0.001, 1, lambda: 0.0)
    buckets.take("first")
    assert buckets.take("first") > 0
    for number in range(MOST_CLIENTS):
        buckets.take(str(number))

    assert buckets.take("first") == 0.0


@pytest.mark.parametrize("path", ["/api/lake", "/healthz", "/", "/nothing", "/metrics", "/docs"])
def test_every_answer_binds_the_browser(client, path):
    """Errors too: no sniffing, no frames, a policy."""
    answer = client.get(path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "default-src 'self'" in answer.headers["content-security-policy"] or (
        "default-src 'none'" in answer.headers["content-security-policy"]
    )


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a-proxy", "a-proxy"),
    ],
)
def test_a_network_of_ipv6_is_one_client(address, client):
    """Who has one address there has 2^64, and would have as many buckets."""
    assert client_of({"client": (address, 1)}) == client


def test_a_form_of_many_fields_is_refused(client):
    """It is no fault of the server, whoever sends it."""
    told = client.post(
        "/login",
        content="&".join(["a=1"] * 50),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert (told.status_code, told.json()["code"]) == (422, "invalid")
