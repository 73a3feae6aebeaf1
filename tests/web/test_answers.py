"""Answers on the page: paging, keys, media, filters, notes."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.mmcore.search.http.conftest import listening, place_at
from tests.web.asking import TITLES, ask

pytestmark = pytest.mark.slow

FOCUSED = "document.activeElement.textContent"


def test_answers_are_paged_through(page, site):
    """The next page has other answers; back brings the first ones, and where one was."""
    page.open(f"{site}/?q=a+red+wall")
    first = page.js(TITLES)
    assert len(first) == 24
    page.click(".pager a[rel=next]")
    page.wait("location.search.includes('page=2')")
    page.wait("document.querySelector('.pager a[rel=prev]')")
    second = page.js(TITLES)
    assert second
    assert not set(first) & set(second)
    page.back()
    page.wait("!location.search.includes('page=2') && document.querySelector('.pager')")
    page.wait(
        f"JSON.stringify({TITLES}) === {json.dumps(json.dumps(first, separators=(',', ':')))}"
    )
    assert page.js("scrollY") > 0


def test_nothing_found_is_said_with_a_way_on(page, site):
    """Where a filter lets nothing pass, the page offers the search without it."""
    page.open(f"{site}/?q=red&where=size<0")
    assert "Nothing found" in page.text()
    page.click(".message .button")
    page.wait("document.querySelectorAll('.answers .card').length")
    assert "where" not in page.js("location.search")


def test_answers_are_reached_by_keys(page, site):
    """/ goes to the field, arrows to the answers, Enter opens one, Esc goes back."""
    ask(page, site, "a red wall")
    page.key("ArrowDown")
    titles = page.js(TITLES)
    assert page.js(FOCUSED) == titles[0]
    page.key("ArrowRight")
    assert page.js(FOCUSED) == titles[1]
    page.key("ArrowDown")
    below = page.js(FOCUSED)
    assert titles.index(below) > 1
    page.key("ArrowUp")
    assert page.js(FOCUSED) == titles[1]
    page.key("Enter")
    page.wait("document.querySelector('.item h1')")
    assert page.text(".item h1") == titles[1]
    page.key("Escape")
    page.wait("document.querySelector('.answers .card') && !document.querySelector('.item')")
    assert page.js("new URLSearchParams(location.search).get('q')") == "a red wall"
    page.key("/")
    assert page.js("document.activeElement.id") == "q"
    page.key("Escape")
    page.key("?")
    page.wait("document.querySelector('dialog').open")
    page.key("Escape")
    page.wait("!document.querySelector('dialog').open")


def test_more_like_this_and_without_that(page, site):
    """An answer can be asked with, or against; both stand in the address and can be taken away."""
    page.open(f"{site}/?q=" + quote("a red wall"))
    first = page.js(TITLES)[0]
    page.click(".card .actions a[data-key=x]")
    page.wait("document.querySelector('.chip.not') && location.search.includes('not=')")
    page.wait(f"!{TITLES}.includes({json.dumps(first)})")
    assert first in page.text(".chip.not")
    page.click(".chip.not .away")
    page.wait(f"!document.querySelector('.chip') && {TITLES}[0] === {json.dumps(first)}")
    page.click(".card .actions a[data-key=m]")
    page.wait("location.search.startsWith('?item=')")
    page.wait("document.querySelector('.chip:not(.not)')")
    page.wait(f"!{TITLES}.includes({json.dumps(first)})")
    assert first in page.text(".chip")
    assert all(key.startswith("red-") for key in page.js(TITLES)[:4])


def test_media_are_switched(page, site):
    """Switches say which media are searched; the answers name theirs."""
    page.open(f"{site}/?q=" + quote("a red wall"))
    page.click(".pill[data-kind=text]")
    page.wait("location.search.includes('modality=text')")
    page.settle()
    page.wait("document.querySelector('.card')?.dataset.modality === 'text'")
    assert (
        page.js("document.querySelector('.pill[data-kind=text]').getAttribute('aria-pressed')")
        == "true"
    )
    assert page.count(".card:not([data-modality=text])") == 0


def test_filters_are_set_and_cleared(page, site):
    """A filter changes the address and is counted; Esc closes the filters."""
    page.open(f"{site}/?q=" + quote("a red wall") + "&modality=text")
    page.click(".pill.filters")
    page.wait("!document.querySelector('#panel').hidden")
    page.js(
        "(() => { const one = document.querySelector('select[name=language]'); one.value = 'zh';"
        " one.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    page.wait("location.search.includes('language=zh')")
    page.settle()
    page.wait("document.querySelector('.card .passage, .card .snippet')?.innerText.includes('红')")
    assert page.text(".pill.filters .n") == "1"
    page.click("#where")
    page.type("key = 'red-1'")
    page.key("Enter")
    page.wait("location.search.includes('where=')")
    page.settle()
    page.wait(f"JSON.stringify({TITLES}) === '[\"red-1\"]'")
    page.click(".filters-form .plain")
    page.wait("!location.search.includes('where=')")
    page.key("Escape")
    page.wait("document.querySelector('#panel').hidden")


def answering(told):
    """A script by which each search is answered so."""
    return (
        "(() => { const ask = window.fetch; window.fetch = (to, ...more) =>"
        " String(to).startsWith('/api/search')"
        f" ? Promise.resolve(new Response({json.dumps(told)})) : ask(to, ...more); }})()"
    )


def test_only_what_is_not_wanted_asks_for_more(page, site):
    """-雪 alone is no search for 雪: the page says what is missing, the chip stays."""
    page.open(site)
    page.key("/")
    page.type("-雪")
    page.key("Enter")
    page.wait("document.querySelector('.home .note')")
    assert page.js("location.search") == "?without=%E9%9B%AA"
    assert "雪" in page.text(".chip.not")
    page.type("wall")
    page.key("Enter")
    page.wait("location.search.includes('q=wall') && location.search.includes('without=')")
    page.wait("document.querySelector('.answers .card')")


def test_the_last_page_says_how_many_there_are(page, site):
    """Which the first ones cannot know."""
    page.open(f"{site}/?q=a+red+wall")
    assert " of " not in page.text(".count")
    page.click(".pager a[rel=next]")
    page.wait("document.querySelector('.pager a[rel=prev]')")
    total = 24 + len(page.js(TITLES))
    assert page.text(".count") == f"Answers 25 to {total} of {total}"


def test_names_do_not_turn_round_what_follows(page, site):
    """Signs of direction in a name are shown as what they are, on cards and on chips."""
    hits = {"item_id": "5", "key": "a\u202egnp.exe", "score": 1, "segment_id": None, "why": []}
    hits |= {"modality": "image", "root": "m", "path": "a\u202egnp.exe", "span": None, "box": None}
    hits |= {"text": None, "file": None, "thumbnail": None, "waveform": None, "duplicates": 0}
    told = {"snapshot": 1, "k": 24, "offset": 0, "more": False, "notes": [], "seconds": {}}
    answer = json.dumps(told | {"hits": [hits]})
    page.before(answering(answer))
    page.open(f"{site}/?q=a%E2%80%AEb&name=x")
    page.wait("document.querySelector('.answers .card')")
    assert page.js(TITLES) == ["a⟨U+202E⟩gnp.exe"]
    assert "\u202e" not in page.js("document.title")
    assert "\u202e" not in page.js("document.querySelector('.answers .title').title")


def test_notes_say_why_nothing_is_found(page, site):
    """The reason stands there; that something may be found without limits does not hide it."""
    told = {"snapshot": 1, "k": 24, "offset": 0, "more": False, "seconds": {}, "hits": []}
    answer = json.dumps(told | {"notes": ["sounds were searched by words only"]})
    page.before(answering(answer))
    page.open(f"{site}/?q=sheep&modality=audio")
    page.wait("document.querySelector('.message')")
    assert "Sounds were searched by words only" in page.text(".message")
    assert "Something may be there" not in page.text(".message")


@pytest.mark.usefixtures("place")
def test_a_heading_is_shown_without_its_signs(page, tmp_path):
    """Of a Markdown file, in answers and on the page of the item; a script keeps its comments."""
    items = {"note": {"note.md": "# A red wall"}, "script": {"script.sh": "# A red wall, too"}}
    with listening(place_at(tmp_path, items)) as (host, port):
        page.open(f"http://{host}:{port}/?q=red&modality=text")
        page.wait("document.querySelectorAll('.passage').length === 2")
        shown = page.js("[...document.querySelectorAll('.passage')].map((one) => one.innerText)")
        assert sorted(shown) == ["# A red wall, too", "A red wall"]
        page.click(".answers .card[data-modality=text] a.title")
        page.wait("document.querySelector('.said p')")
        assert page.text(".said p") in {"A red wall", "# A red wall, too"}
