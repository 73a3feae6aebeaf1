"""Sounds and videos play from where they were found."""

from __future__ import annotations

import base64
import json

import pytest

from tests import media

pytestmark = pytest.mark.slow


def show_card(page, made):
    """Show the card of one hit, which a script makes."""
    page.js(
        f"(async () => {{ const hit = (() => {{ {made} }})();"
        " const [{ card }, { blank }] = await Promise.all("
        "   ['card', 'state'].map((name) => import(`/pages/${name}.js`)));"
        " document.querySelector('main').replaceChildren(card(hit, blank())); })()"
    )


def item_of(page, site, place, key):
    """What the server tells of an item."""
    page.open(site)
    return page.js(f"fetch('/api/items/{place.item(key)}').then((r) => r.json())")


def test_a_sound_plays_from_the_span_that_was_found(page, site, place):
    """The player begins where the hit begins, ends where it ends, and draws its waveform."""
    parts = item_of(page, site, place, "sound")["segments"]
    second = next(one for one in parts if one["span"]["start"] == 10)
    hit = {
        **second, "item_id": "1", "key": "sound", "score": 1, "modality": "audio", "root": "r",
        "path": "s.wav", "text": None, "why": [], "duplicates": 0, "thumbnail": None,
        "file": {"n": 0, "url": f"/media/{place.item('sound')}/0"},
    }  # fmt: skip
    show_card(page, f"return {json.dumps(hit)};")
    assert "0:10–0:20" in page.text(".card .why")
    page.wait("document.querySelector('.wave path').getAttribute('d').includes('V96')")
    page.js(
        "window.Audio = class extends Audio { constructor() { super(); window.last = this; } }"
    )
    page.click(".card .play")
    page.wait("window.last && !last.paused && last.currentTime > 10.05")
    assert page.js("last.currentTime") < 20
    assert (
        page.js("document.querySelector('.sound.on .play').getAttribute('aria-label')") == "Pause"
    )
    page.js("last.currentTime = 19.9")
    page.wait("last.paused")
    assert page.js("last.currentTime") < 20.5
    page.key("p")  # the focus is in the card
    page.wait("!last.paused && last.currentTime < 12")


def test_a_video_plays_from_the_span_that_was_found(page, site, tmp_path):
    """A still becomes a player that begins where the hit begins."""
    data = base64.b64encode(media.mp4(tmp_path / "v.mp4", 4.0).read_bytes()).decode()
    span = {"start": 2.0, "end": 4.0, "unit": "second"}
    hit = {
        "item_id": "1", "key": "v", "score": 1, "segment_id": "2", "modality": "video",
        "root": "r", "path": "v.mp4", "span": span, "text": None, "why": [], "duplicates": 3,
        "file": {"n": 0, "media_type": "video/mp4"}, "thumbnail": None, "waveform": None,
    }  # fmt: skip
    page.open(site)
    show_card(
        page,
        f"const hit = {json.dumps(hit)};"
        f" const bytes = Uint8Array.from(atob('{data}'), (c) => c.charCodeAt(0));"
        " hit.file.url = URL.createObjectURL(new Blob([bytes], {type: 'video/mp4'})); return hit;",
    )
    assert page.text(".badge") == "+3"
    page.click(".play.big")
    page.wait("document.querySelector('video')?.currentTime > 2.05")
    assert page.js("document.querySelector('video').duration") == pytest.approx(4, abs=0.2)


def test_a_waveform_is_a_slider(page, site, place):
    """Arrows move within a sound, as far as the span goes; what is heard is told."""
    page.open(f"{site}/?view=item&id={place.item('sound')}")
    wave = "document.querySelector('.medium .wave')"
    page.wait(f"{wave}.getAttribute('aria-valuemax') === '10.0'")
    page.js(f"{wave}.focus()")
    for _ in range(3):
        page.key("ArrowRight")
    page.wait(f"{wave}.getAttribute('aria-valuetext') === '0:03 / 0:10'")
    page.key("ArrowLeft")
    page.wait(f"{wave}.getAttribute('aria-valuenow') === '2.0'")
    assert page.js(f"document.activeElement === {wave}")
