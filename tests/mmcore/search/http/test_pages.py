"""Tests of mmcore/search/http/routes/pages.py: the page's files, asked for anew each time."""

import pytest

from mmcore.search.http.routes import pages


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Pages of the test's own."""
    (tmp_path / "pages").mkdir()
    monkeypatch.setattr(pages, "files", lambda package: tmp_path)
    return tmp_path / "pages"


def test_the_page_is_sent_once(client, folder):
    """A browser keeps it, asks each time, and gets it where it is another one."""
    (folder / "index.html").write_text("<!doctype html><p>搜索</p>", "utf-8")
    first = client.get("/")
    tag = {"if-none-match": first.headers["etag"]}
    same = client.get("/", headers=tag)
    (folder / "index.html").write_text("<!doctype html><p>Search</p>", "utf-8")
    other = client.get("/", headers=tag)

    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["content-security-policy"].startswith("default-src 'self'")
    assert (same.status_code, same.content) == (304, b"")
    assert (other.status_code, other.text) == (200, "<!doctype html><p>Search</p>")


@pytest.mark.parametrize(
    "name", ["app.py", "a.txt", ".js", "none.js", "%00.js", "a%2fb.js", "..js"]
)
def test_other_files_are_not_of_the_page(client, folder, name):
    """Only known types, in the one folder, by plain names."""
    (folder / "app.py").write_text("secret")
    (folder / "a.txt").write_text("secret")
    (folder / "a").mkdir()
    (folder / "a" / "b.js").write_text("secret")

    assert client.get(f"/pages/{name}").status_code == 404


def test_the_page_of_this_server_asks_no_other_host(client):
    """Nothing in the files names another host, and none has a script or a style in its markup."""
    from importlib.resources import files

    folder = files("mmcore.search.http").joinpath("pages")
    for place in folder.iterdir():
        if place.name.endswith((".html", ".js", ".css")):
            text = place.read_text("utf-8").replace("http://www.w3.org/", "")
            assert "http://" not in text
            assert "https://" not in text
            assert client.get(f"/pages/{place.name}").status_code == 200
