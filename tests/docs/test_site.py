"""The site of the pages builds, in both languages, and asks nothing of another host."""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import sys

import pytest
import typer.main

from flows.cli import app
from tests.docs.blocks import FENCE, PAGES, ROOT, blocks_of

pytest.importorskip("mkdocs_static_i18n", reason="the extra `docs` is not installed")
pytestmark = pytest.mark.timeout(600)  # some 15 s of work, also beside other tests

FETCHED = re.compile(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["']?(https?:)?//""")
IN_STYLE = re.compile(r"url\(['\"]?(?:https?:)?//")
TRANSLATED = [page for page in PAGES if page.startswith("docs/") and page.endswith(".zh.md")]

SHORTER = {"docs/reference/python.zh.md"}  # the original is made of docstrings, which are English


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """What `make docs` builds; a broken link, anchor or forgotten page is an error."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return folder


def test_nothing_comes_from_another_host(site):
    """No script, style, font or picture of a page is fetched from elsewhere."""
    pages = {path: path.read_text("utf-8") for path in site.rglob("*.html")}
    styles = {path: path.read_text("utf-8") for path in site.rglob("*.css")}

    assert len(pages) > 2 * len(TRANSLATED)
    assert [path for path, text in pages.items() if FETCHED.search(text)] == []
    assert [path for path, text in styles.items() if IN_STYLE.search(text)] == []


def test_chinese_pages_are_found_by_their_words(site):
    """The index of the site has Chinese text cut into words by jieba."""
    told = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    texts = "".join(doc["text"] for doc in told["docs"] if doc["location"].startswith("zh/"))

    assert told["config"]["lang"] == ["en", "zh"]
    assert "\u200b文字\u200b" in texts or "\u200b图片\u200b" in texts


def test_pages_opened_from_disk_find_both_languages(site):
    """What such a page searches is a script: it has all that the index of a server has."""
    served = (site / "search" / "search_index.json").read_text("utf-8")
    opened = (site / "search" / "search_index.js").read_text("utf-8")
    told = json.loads(opened.removeprefix("var __index = "))
    places = {doc["location"].startswith("zh/") for doc in told["docs"]}

    assert places == {True, False}
    assert told == json.loads(served)


def test_translated_pages_are_in_the_chinese_site(site):
    """What has a Chinese page is Chinese there; what has none is there in English."""
    for page in TRANSLATED:
        name = page.removeprefix("docs/").removesuffix(".zh.md") + ".html"
        title = PAGES[page].read_text("utf-8").partition("\n")[0].lstrip("# ")
        assert title in (site / "zh" / name).read_text("utf-8")
    assert (site / "zh" / "lake.html").is_file()


def test_a_chinese_reader_is_told_which_page_is_english(site):
    """Of pages without a translation, in the Chinese site alone; README.zh.md is Chinese."""
    told = {
        path.relative_to(site).as_posix()
        for path in site.rglob("*.html")
        if "本页只有英文" in path.read_text("utf-8")
    }

    assert {"zh/lake.html", "zh/reference/cli.html", "zh/repository/CHANGELOG.html"} <= told
    assert {page for page in told if not page.startswith("zh/")} == set()
    assert told & {"zh/start.html", "zh/index.html", "zh/repository/README-zh.html"} == set()


def test_a_word_of_code_is_kept_whole(site):
    """A line breaks before an option, not within it; blocks of code are as they were."""
    page = (site / "commands.html").read_text("utf-8")
    style = (site / "assets" / "site.css").read_text("utf-8")

    assert '<code><span class="word">--lake</span></code>' in page
    assert re.search(r"\.word \{[^}]*white-space: nowrap", style)
    assert 'href="assets/site.css"' in page
    blocks = re.findall(r"<pre.*?</pre>", page, re.DOTALL)
    assert [block for block in blocks if 'class="word"' in block] == []


def test_the_command_line_is_on_its_page_with_every_option(site):
    """The page is made from the program: no command and no option lacks."""
    page = (site / "reference" / "cli.html").read_text("utf-8")

    def shown(name, command):
        below = getattr(command, "commands", None) or {}
        for child in below:
            shown(f"{name} {child}", below[child])
        if not below:
            assert f'<h2 id="{name.replace(" ", "-")}">' in page
            options = [o for param in command.params for o in param.opts if o.startswith("-")]
            assert [option for option in options if option not in page] == []

    shown("mmindex", typer.main.get_command(app))


@pytest.mark.parametrize("page", TRANSLATED)
def test_a_translation_shows_the_same_commands(page):
    """Both languages of a page have the same blocks but for comments and Chinese texts."""

    def shape(name):
        return [
            [word for word in re.sub(r"#.*", "", block.text).split() if word.startswith("-")]
            for block in blocks_of(name)
            if block.language in {"sh", "toml"}
        ]

    english = page.replace(".zh.md", ".md")
    assert english in PAGES
    assert shape(page) == shape(english)


@pytest.mark.parametrize("page", [page for page in TRANSLATED if page not in SHORTER])
def test_a_translation_has_the_sections_of_the_page(page):
    """The same headings in the same order; a link to one of them leads there in both."""

    def headings(name):
        return re.findall(
            r"^(#+) (.*)$", FENCE.sub("", PAGES[name].read_text("utf-8")), re.MULTILINE
        )

    told, original = headings(page), headings(page.replace(".zh.md", ".md"))
    marks = [re.search(r'<a id="([^"]+)"', text) for _, text in told]
    pairs = zip(marks, original, strict=True)

    assert [depth for depth, _ in told] == [depth for depth, _ in original]
    assert [(m[1], t) for m, (_, t) in pairs if m and m[1] != _slug(t)] == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.endswith(".zh.md")])
def test_a_link_of_a_translation_stays_in_the_language(page):
    """Where a page has a translation, Chinese pages lead to that: a code host chooses none."""
    folder = posixpath.dirname(page)
    links = re.findall(r"\]\(([^)#:]+)\.md[)#]", FENCE.sub("", PAGES[page].read_text("utf-8")))
    english = [link for link in links if not link.endswith(".zh") and link != "README"]

    assert [link for link in english if _place(folder, f"{link}.zh.md").is_file()] == []


def test_a_link_of_a_translation_leads_to_the_page_of_the_site(site):
    """In the site both languages of a page have one name, and links are by that."""
    start = (site / "zh" / "start.html").read_text("utf-8")

    assert 'href="concepts.html"' in start
    assert ".zh.md" not in start


def _place(folder, link):
    return ROOT / posixpath.normpath(posixpath.join(folder, link))


def _slug(heading):
    """How a code host, and the site, name a heading's place."""
    plain = re.sub(r"<[^>]*>|[^\w\- ]", "", heading.lower())
    return plain.strip().replace(" ", "-")
