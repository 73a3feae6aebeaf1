"""Asking by the page: texts, drops, refusals, and a server that does not answer."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests import media
from tests.mmcore.search.http.conftest import listening
from tests.web.asking import TITLES, ask

pytestmark = pytest.mark.slow

ASKED = "performance.getEntriesByType('resource').map((one) => new URL(one.name).pathname)"


@pytest.mark.parametrize("text", ["a red wall", "红色的墙"])
def test_a_text_is_searched_in_both_languages(page, site, text):
    """What is typed is searched, and stands in the address and the title."""
    ask(page, site, text)
    assert all(key.startswith("red-") for key in page.js(TITLES)[:5])
    assert page.js("new URLSearchParams(location.search).get('q')") == text
    assert page.js("document.title") == f"{text} — mmindex"
    assert page.count(".answers .reason") >= 24


def test_a_dropped_picture_is_searched_with(page, site, picture):
    """A picture that is dropped finds its like, is shown, and outlives a reload."""
    page.open(site)
    page.drop(picture)
    page.wait("document.querySelector('.answers .card')")
    assert all(key.startswith("red-") for key in page.js(TITLES)[:5])
    assert "mine.png" in page.text(".chips")
    assert page.wait("document.querySelector('.chip img[src^=blob]')") is not None
    page.call("Page.reload")
    page.wait("document.querySelectorAll('.answers .card').length")
    assert page.js(TITLES)[0].startswith("red-")


def test_a_chosen_sound_is_searched_with(page, site, tmp_path):
    """A sound is chosen from a dialog as a picture is dropped; its own kind is searched."""
    page.open(f"{site}/?modality=audio")
    page.choose("#file", media.wav(tmp_path / "mine.wav", 3.0))
    page.wait("document.querySelector('.answers .card .sound')")
    assert page.js(TITLES) == ["sound"]


def test_a_file_that_another_browser_has_is_asked_for(page, site):
    """A shared link to a search by file says that the file is not there."""
    page.open(f"{site}/?file=abc&name=mine.png")
    assert "Drop it again" in page.text()


@pytest.mark.parametrize(("size", "told"), [(0, "empty"), (1_100_000, "larger than 1 MB")])
def test_a_file_that_cannot_be_sent_is_refused_here(page, site, tmp_path, size, told):
    """An empty file and one above the limit are not sent."""
    path = tmp_path / "some.png"
    path.write_bytes(b"x" * size)
    page.open(site)
    page.drop(path)
    page.wait("document.querySelector('.trouble')")
    assert told in page.text()


def test_what_cannot_be_decoded_is_said(page, site, tmp_path):
    """A file that is no picture gets the server's own line."""
    path = tmp_path / "some.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 100)
    page.open(site)
    page.drop(path)
    page.wait("document.querySelector('.trouble')")
    assert len(page.text(".trouble p")) > 10


def test_a_wrong_condition_is_said(page, site):
    """The server's line stands on the page, and a way to ask without it; not to ask it again."""
    page.open(f"{site}/?q=red&where=" + quote("no_such_column = 1"))
    assert "no_such_column" in page.text(".trouble")
    assert "Try again" not in page.text(".trouble")
    page.js("document.querySelector('.trouble a.button').click()")
    page.wait("document.querySelector('.answers .card')")


def test_a_server_that_is_gone_is_said_and_asked_again(page, place):
    """Without a server the page says so."""
    with listening(place) as (host, port):
        page.open(f"http://{host}:{port}/?q=red")
    page.js("document.querySelector('.pager a[rel=next]').click()")
    page.wait("document.querySelector('.trouble')")
    assert "Is it running?" in page.text(".trouble")


def test_a_busy_server_is_asked_again_when_it_said(page, site):
    """After a refusal for now, the page waits as long as it was told, then asks again."""
    page.open(site)
    page.js(
        "window.fetch = ((real) => (path, ...rest) => { if (!String(path).includes('/api/search')"
        " || window.refused) return real(path, ...rest); window.refused = true;"
        ' return Promise.resolve(new Response(\'{"detail": "come back"}\','
        " {status: 503, headers: {'Retry-After': '1'}})); })(fetch)"
    )
    page.key("/")
    page.type("red")
    page.key("Enter")
    page.wait("document.querySelector('.trouble')?.innerText.includes('come back')")
    page.wait("document.querySelectorAll('.answers .card').length")


def test_a_word_with_a_minus_is_not_wanted(page, site):
    """-word in the field becomes something that is not wanted."""
    ask(page, site, "wall -red")
    assert page.js("location.search") == "?q=wall&without=red"
    assert page.text(".chip.not").strip() == "Without red" or "red" in page.text(".chip.not")
    assert not page.js(TITLES)[0].startswith("red-")


def test_what_has_no_picture_is_asked_for_none(page, site, place):
    """The chip of an item from an address has its name, and its picture where it has one."""
    for key, pictures in (("sound", 0), ("red-1", 1)):
        page.open(f"{site}/?item={place.item(key)}")
        page.wait(f"document.querySelector('.chip .key').innerText === '{key}'")
        assert page.count(".chip img") == pictures
        assert page.js(f"{ASKED}.includes('/thumbnails/items/{place.item(key)}')") is False


def test_a_token_is_asked_for_and_then_kept(page, place):
    """With a token set the page asks for it, in the page's own clothes, and goes on."""
    token = "open-sesame-" * 4
    with listening(place, token=token) as (host, port):
        page.call("Page.navigate", url=f"http://{host}:{port}/?q=red")
        page.wait("document.querySelector('input[name=token]')")
        page.wait("getComputedStyle(document.querySelector('main')).borderRadius === '16px'")
        page.js("document.querySelector('input[name=token]').focus()")
        page.type(token)
        page.key("Enter")
        page.wait("document.querySelectorAll('.answers .card').length")
        assert page.js("location.search") == "?q=red"


def test_a_hyphen_in_the_field_and_how_much_it_counts(page, site):
    """The field is taken apart as the command line's; a filter says how far that is put down."""
    page.open(site)
    page.key("/")
    page.type('wall -"red wall" -blue T-shirt')
    page.key("Enter")
    page.wait("document.querySelectorAll('.chip.not').length === 2")
    assert page.js("new URLSearchParams(location.search).get('q')") == "wall T-shirt"
    page.click(".pill.filters")
    page.js("document.querySelector('select[name=away]').value = '2'")
    page.js("document.querySelector('select[name=away]').dispatchEvent(new Event('change'))")
    page.wait("location.search.includes('away=2')")
    page.wait(
        "performance.getEntriesByType('resource').some((one) => /without_weight=2/.test(one.name))"
    )
    assert page.text(".pill.filters .n") == "1"


def test_a_drop_takes_the_place_of_the_start(page, site, picture):
    """While the answer is awaited, the page does not look as if nothing had happened."""
    page.before(
        "(() => { const ask = window.fetch; window.fetch = (to, ...more) =>"
        " String(to).startsWith('/api/search') ? new Promise(() => {}) : ask(to, ...more); })()"
    )
    page.open(site)
    page.wait("document.querySelector('.home')")
    page.drop(picture)
    page.wait("document.querySelector('.chip')")
    page.wait("!document.querySelector('.home') && document.querySelector('.card.waiting')")
