"""The page's files: nothing from elsewhere, nothing inline, every word in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mmcore

PAGES = Path(mmcore.__file__).parent / "search" / "http" / "pages"
FILES = sorted(path for path in PAGES.iterdir() if path.is_file())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
TEXTS = {path.name: path.read_text("utf-8") for path in FILES}


def words(language: str) -> dict[str, str]:
    """The words of a language, by key."""
    part = re.search(rf"^  {language}: \{{\n(.*?)^  \}},", TEXTS["words.js"], re.M | re.S)
    assert part is not None
    lines = re.findall(r'^    (\w+): "((?:[^"\\]|\\.)*)",$', part[1], re.M)
    assert len(lines) == part[1].count("\n")  # each line was read
    return dict(lines)


def used() -> set[str]:
    """The keys that the page asks for by name."""
    scripts = "".join(TEXTS[path.name] for path in SCRIPTS)
    called = re.findall(r'\bt\("(\w+)"', scripts)
    chosen = re.findall(r'\bt\([^()]*\? "(\w+)" : "(\w+)"', scripts)
    return {
        *called,
        *(key for pair in chosen for key in pair),
        *re.findall(r'data-t(?:-\w+)?="(\w+)"', TEXTS["index.html"]),
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_names_another_host(path):
    """No file of the page loads anything from another host."""
    text = TEXTS[path.name].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]", text, re.I)
    assert not re.search(r"@import|url\(", text)


def test_no_script_and_no_style_is_inline():
    """The page works where no script and no style but its own files may run."""
    page = TEXTS["index.html"]
    assert all(not body.strip() for body in re.findall(r"<script[^>]*>(.*?)</script>", page, re.S))
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page, re.I)
    assert not re.search(r'setAttribute\("style"', "".join(TEXTS.values()))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_text_is_taken_as_markup(path):
    """What comes from the lake cannot become elements or code."""
    ways = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser"
    )
    assert not re.search(ways, TEXTS[path.name])


def test_each_word_is_there_in_both_languages():
    """English and Chinese have the same words, with the same values in them."""
    en, zh = words("en"), words("zh")
    assert en.keys() == zh.keys()
    for key in en:
        values = [set(re.findall(r"\{\w+\}", told[key])) for told in (en, zh)]
        assert values[0] == values[1], key
        assert en[key].strip(), key
        assert zh[key].strip(), key


def test_chinese_words_are_chinese():
    """No word of the Chinese page was left in English."""
    zh = words("zh").items()
    left = {key for key, text in zh if not re.search(r"[一-鿿]", text)}
    assert left == {"switchLanguage", "score", "whyScore", "colon", "comma"}  # MRR, or no word


def test_each_word_that_is_asked_for_is_there():
    """The page asks for no word that there is not."""
    assert len(used()) > 100
    assert used() <= words("en").keys()


def test_no_word_is_left_over():
    """Each word is asked for, by its name or by the beginning of it."""
    made = "".join(TEXTS[p.name] for p in SCRIPTS if p.name != "words.js")
    begun = ("fused", *re.findall(r"`(\w+_)\$\{", made + TEXTS["words.js"]))  # a direction's
    listed = used() | set(re.findall(r'"(\w+)"', made))
    assert not {key for key in words("en").keys() - listed if not key.startswith(begun)}


def test_each_module_gives_what_others_take():
    """Each import names a file of the page and something that the file gives."""
    taken = 0
    for path in SCRIPTS:
        lines = re.findall(r'^import (.+?) from "\./(.+?)";', TEXTS[path.name], re.M)
        for names, source in lines:
            given = TEXTS[source]
            for name in re.findall(r"\w+", names) if names.startswith("{") else []:
                pattern = rf"^export (?:async )?(?:function|const|class) {name}\b"
                assert re.search(pattern, given, re.M), f"{path.name}: {name} of {source}"
                taken += 1
    assert taken > 50


def test_each_file_the_page_names_is_there():
    """The page and its style name no file that is not served."""
    named = set(re.findall(r'(?:src|href)="/pages/([^"]+)"', TEXTS["index.html"]))
    assert {"app.js", "theme.js", "style.css", "icon.svg"} <= named <= TEXTS.keys()


def test_icons_that_are_drawn_are_known():
    """Each icon that is asked for by name has strokes."""
    known = set(re.findall(r"^  (\w+): \"[mM]", TEXTS["dom.js"], re.M))
    asked = set(re.findall(r'\bicon\("(\w+)"\)', "".join(TEXTS.values())))
    assert asked
    assert asked <= known


def test_the_page_is_small():
    """All files together are light enough for a slow line."""
    assert sum(path.stat().st_size for path in FILES) < 150_000
