"""The page as people meet it: searching, dropping, playing, paging, in two languages."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from tests import media
from tests.mmcore.search.http.conftest import listening

pytestmark = pytest.mark.slow

TITLES = "[...document.querySelectorAll('.answers .title')].map((one) => one.textContent)"
FOCUSED = "document.activeElement.textContent"


def ask(page, site, text):
    """Type a text into the search field and press Enter."""
    page.open(site)
    page.key("/")
    page.type(text)
    page.key("Enter")
    page.wait("document.querySelectorAll('.answers .card').length")
    page.settle()


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


def test_a_wrong_condition_is_said(page, site):
    """The server's line about a condition stands on the page."""
    page.open(f"{site}/?q=red&where=" + quote("no_such_column = 1"))
    assert "no_such_column" in page.text(".trouble")


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


def test_a_word_with_a_minus_is_not_wanted(page, site):
    """-word in the field becomes something that is not wanted."""
    ask(page, site, "wall -red")
    assert page.js("location.search") == "?q=wall&without=red"
    assert page.text(".chip.not").strip() == "Without red" or "red" in page.text(".chip.not")
    assert not page.js(TITLES)[0].startswith("red-")


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


def test_language_and_theme_are_the_browsers_until_they_are_switched(page, site):
    """A Chinese browser sees Chinese; a choice of language or theme outlives a reload."""
    page.look(language="zh", dark=True)
    page.open(f"{site}/?q=" + quote("红色的墙"))
    assert page.js("document.documentElement.lang") == "zh-CN"
    assert "个结果" in page.text(".status")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.js(ground)
    page.click("#to-language")
    page.wait("document.documentElement.lang === 'en'")
    page.wait("document.querySelector('.status')?.innerText.includes('Answers')")
    page.click("#to-theme")
    assert page.js("document.documentElement.dataset.theme") == "light"
    assert page.js(ground) != dark
    page.call("Page.reload")
    page.wait("document.querySelector('.answers .card')")
    assert page.js("document.documentElement.lang") == "en"
    assert page.js("document.documentElement.dataset.theme") == "light"


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


def test_the_snapshot_and_its_evaluation_are_told(page, site):
    """The page of the snapshot has its counts, its evaluation and the snapshots before."""
    page.open(f"{site}/?view=lake")
    told = page.text()
    assert "Snapshot 1" in told
    assert "Preset colours" in told
    assert "Evaluation" in told
    assert page.count("tr.here") == 1


def test_texts_of_the_lake_are_shown_as_texts(page, site, place):
    """Markup in names and captions is shown, and does nothing."""
    evil = next(k for k in place.snapshot.rows("items", ["key"])["key"].to_pylist() if "<img" in k)
    for address in ("?q=grey&modality=text", f"?view=item&id={place.item(evil)}"):
        page.open(f"{site}/{address}")
        page.wait("document.body.innerText.includes('<script>hacked=1</script>')")
        page.wait("!document.querySelector('.section') || document.querySelector('.answers')")
        assert page.js("typeof hacked") == "undefined"
        assert page.count("img[src=x]") == 0


@pytest.mark.parametrize("wide", [320, 390])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_fits_a_phone(page, site, place, wide, language):
    """Nothing lies beside the window of a phone."""
    page.look(wide=wide, high=700, language=language)
    item = place.item("sound")
    for address in ("", "?q=red", "?q=red&modality=text", f"?view=item&id={item}", "?view=lake"):
        page.open(f"{site}/{address}")
        assert page.js("document.documentElement.scrollWidth") <= wide, address


def test_everything_has_a_name(page, site, place):
    """Each link, button and field has a name for those who cannot see it; ids are used once."""
    unnamed = (
        "[...document.querySelectorAll('a[href], button, input, select, [role=slider]')]"
        ".filter((one) => one.checkVisibility() && !(one.getAttribute('aria-label')"
        " || one.innerText || one.labels?.length"
        " || one.querySelector('img[alt]:not([alt=\"\"])')))"
        ".map((one) => one.outerHTML)"
    )
    twice = (
        "[...document.querySelectorAll('[id]')].map((one) => one.id)"
        ".filter((id, n, all) => all.indexOf(id) !== n)"
    )
    item = place.item("sound")
    for address in ("", "?q=red&not=1", f"?view=item&id={item}", "?view=lake"):
        page.open(f"{site}/{address}")
        page.js("document.querySelector('.pill.filters')?.click()")
        assert page.js(unnamed) == []
        assert page.js(twice) == []
        assert page.count("h1") == 1 or "not=1" in address


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


def test_another_snapshot_is_noticed(page, site):
    """Where another snapshot answers than the one known, what is served is asked anew."""
    page.open(site)
    page.wait("document.querySelector('.counts .count')")
    told = page.js(
        "(async () => { const api = await import('/pages/api.js'); const first = await api.lake();"
        " const same = await api.lake(); api.heard(first.snapshot);"
        " const still = await api.lake(); api.heard(first.snapshot + 1);"
        " const anew = await api.lake();"
        " return [same === first, still === first, anew === first]; })()"
    )
    assert told == [True, True, False]


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


def answering(told):
    """A script by which each search is answered so."""
    return (
        "(() => { const ask = window.fetch; window.fetch = (to, ...more) =>"
        " String(to).startsWith('/api/search')"
        f" ? Promise.resolve(new Response({json.dumps(told)})) : ask(to, ...more); }})()"
    )


RULES = """(() => { const ask = window.fetch; window.fetch = async (to, ...more) => {
  if (!String(to).includes('/api/evaluation')) return ask(to, ...more);
  const told = {snapshot: 1, status: 'measured', reason: '', queries: 9, scores: {},
    verdict: 'pass', baseline: null, report: '/report/1', history: [],
    rules: ['*->* Success@10: max_drop=0.02',
    'quarantine share: max_rise=0.05, action=warn', 'strange']};
  return new Response(JSON.stringify(told)); }; })()"""


@pytest.mark.parametrize(
    ("language", "each", "share"),
    [
        ("en", "Each direction · Success@10: may fall by 0.02", "may rise by 0.05, beyond that"),
        ("zh", "每个方向 · Success@10：最多下降 0.02", "最多上升 0.05，超出只警告"),
    ],
)
def test_the_rules_of_the_gate_are_sentences(page, site, language, each, share):
    """In the page's language; the report is asked for in it too."""
    page.look(language=language)
    page.before(RULES)
    page.open(f"{site}/?view=lake")
    page.wait("document.querySelector('.rules')")
    told = page.js("document.querySelector('.rules').textContent")
    assert each in told
    assert share in told
    assert "strange" in told
    link = page.js("document.querySelector('a[href^=\"/report/1\"]').getAttribute('href')")
    assert link == f"/report/1?lang={language}"


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


def test_the_last_page_says_how_many_there_are(page, site):
    """Which the first ones cannot know."""
    page.open(f"{site}/?q=a+red+wall")
    assert " of " not in page.text(".count")
    page.click(".pager a[rel=next]")
    page.wait("document.querySelector('.pager a[rel=prev]')")
    total = 24 + len(page.js(TITLES))
    assert page.text(".count") == f"Answers 25 to {total} of {total}"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("?view=item&id=javascript:alert(1)", "没有这个编号的条目"),
        ("?view=item&id=1e3", "没有这个编号的条目"),
        ("?view=settings", "该地址不是"),
        ("?view=constructor", "该地址不是"),
    ],
)
def test_an_address_that_names_nothing_is_said(page, site, address, said):
    """In the page's language, with a way to start over; not the start as if nothing were wrong."""
    page.look(language="zh")
    page.open(f"{site}/{address}")
    page.wait("document.querySelector('.trouble')")
    assert said in page.text(".trouble")
    assert page.count(".home") == 0


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
