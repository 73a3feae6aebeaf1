"""The page of an item: its media, its parts, what lies near."""

from __future__ import annotations

import pytest

from tests.web.asking import TITLES

pytestmark = pytest.mark.slow


def test_an_item_shows_all_its_media_and_what_lies_near(page, site, place):
    """The page of an item has its picture, its texts in both languages, files and neighbours."""
    page.open(f"{site}/?view=item&id={place.item('red-1')}")
    page.wait("document.querySelector('.frame img')?.naturalWidth > 0")
    assert page.count(".said") == 2
    assert "一面红色的墙。" in page.text(".texts")
    assert "red-1.zh.txt" in page.text(".files")
    page.wait("document.querySelectorAll('.answers .card').length")
    assert "red-1" not in page.js(TITLES)
    page.js("document.querySelector('.segments a').click()")
    page.wait("location.search.startsWith('?segment=')")


def test_parts_of_a_sound_are_played_from_its_page(page, site, place):
    """Each part of an item's sound has a button that plays it from there."""
    page.open(f"{site}/?view=item&id={place.item('sound')}")
    page.js(
        "window.Audio = class extends Audio { constructor() { super(); window.last = this; } }"
    )
    assert page.count(".segments .play") == 3
    page.click(".segments li:nth-child(2) .play")
    page.wait("window.last && last.currentTime > 10.05 && !last.paused")


def test_an_item_that_is_not_there(page, site):
    """An item that the snapshot has not is told, with a way to start over."""
    page.open(f"{site}/?view=item&id=1")
    assert "It is not there" in page.text()
    page.key("Escape")
    page.wait("document.querySelector('.home')")


def test_texts_of_the_lake_are_shown_as_texts(page, site, place):
    """Markup in names and captions is shown, and does nothing."""
    evil = next(k for k in place.snapshot.rows("items", ["key"])["key"].to_pylist() if "<img" in k)
    for address in ("?q=grey&modality=text", f"?view=item&id={place.item(evil)}"):
        page.open(f"{site}/{address}")
        page.wait("document.body.innerText.includes('<script>hacked=1</script>')")
        page.wait("!document.querySelector('.section') || document.querySelector('.answers')")
        assert page.js("typeof hacked") == "undefined"
        assert page.count("img[src=x]") == 0
