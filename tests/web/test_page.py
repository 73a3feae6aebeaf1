"""The page as a whole: languages, sizes, names, addresses, what it tells of the snapshot."""

from __future__ import annotations

from urllib.parse import quote

import pytest

pytestmark = pytest.mark.slow


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


def test_the_snapshot_and_its_evaluation_are_told(page, site):
    """The page of the snapshot has its counts, its evaluation and the snapshots before."""
    page.open(f"{site}/?view=lake")
    told = page.text()
    assert "Snapshot 1" in told
    assert "Preset colours" in told
    assert "Evaluation" in told
    assert page.count("tr.here") == 1


@pytest.mark.parametrize(
    ("language", "one", "home", "told"),
    [
        ("en", "1 sound", "2 in quarantine", "2 files are in quarantine"),
        ("zh", "1 声音", "2 个文件在隔离区", "2 个文件在隔离区"),
    ],
)
def test_what_is_in_quarantine_is_told(page, damaged, language, one, home, told):
    """Beside what there is, of which one is one, and with the command that names it."""
    page.look(language=language)
    page.open(damaged)
    page.wait("document.querySelector('.counts [href=\"/?view=lake\"]')")
    counts = page.js("[...document.querySelectorAll('.counts .count')].map((c) => c.innerText)")
    said = [" ".join(count.split()) for count in counts]
    assert one in said
    assert home in said
    page.open(f"{damaged}/?view=lake")
    assert told in " ".join(page.text(".quarantine").split())
    assert "mmindex quarantine" in page.text(".quarantine")


@pytest.mark.parametrize(("wide", "columns"), [(390, 2), (800, 3), (1280, 4), (1500, 6)])
def test_a_page_of_answers_has_no_hole(page, site, wide, columns):
    """24 answers fill their rows, however wide the window is."""
    page.look(wide=wide)
    page.open(f"{site}/?q=wall")
    page.wait("document.querySelectorAll('.answers .card').length === 24")
    style = "getComputedStyle(document.querySelector('.answers')).gridTemplateColumns"
    assert len(page.js(style).split()) == columns


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


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("?view=item&id=javascript:alert(1)", "没有这个编号的条目"),
        ("?view=item&id=1e3", "没有这个编号的条目"),
        ("?view=settings", "这个地址不是"),
        ("?view=constructor", "这个地址不是"),
    ],
)
def test_an_address_that_names_nothing_is_said(page, site, address, said):
    """In the page's language, with a way to start over; not the start as if nothing were wrong."""
    page.look(language="zh")
    page.open(f"{site}/{address}")
    page.wait("document.querySelector('.trouble')")
    assert said in page.text(".trouble")
    assert page.count(".home") == 0
