"""What is said of findings, in both languages."""

import ast
import re
import string
from pathlib import Path

import pytest

from flows.commands.doctor import run, words
from mmcore.inspection.machine import checked
from mmcore.inspection.machine.checked import Checked
from mmcore.media.reasons import LANGUAGES

ROOT = Path(run.__file__).parents[3]
SOURCES = [
    *(ROOT / "flows/commands/doctor").glob("*.py"),
    *Path(checked.__file__).parent.glob("*.py"),
]


def literals():
    """Every string of the sources that may be what a finding says."""
    for path in SOURCES:
        if not path.name.startswith("words"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def fields(text):
    """The facts that a sentence names."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things():
    """Same findings, same facts in each, and what to do in both or in none."""
    english, chinese = words.catalogue("en"), words.catalogue("zh")

    assert set(english) == set(chinese)
    for said, (fact, todo) in english.items():
        assert fields(fact) == fields(chinese[said][0]), said
        assert fields(todo) == fields(chinese[said][1]), said
        assert bool(todo) == bool(chinese[said][1]), said
    assert set(words.titles("en")) == set(words.titles("zh")) == set(run.GROUPS)


def test_no_sentence_is_longer_than_a_line():
    """What to do is one line: neither has a break, and none is a paragraph."""
    for language in LANGUAGES:
        for fact, todo in words.catalogue(language).values():
            assert "\n" not in fact + todo
            assert len(todo) <= 100


def test_what_is_said_has_words_and_all_words_are_used():
    """A finding without words would be an error; words that nobody says are dead."""
    found = set(literals())
    media = {f"decoders-{one}" for one in ("picture", "sound", "text", "video")}

    assert {said for said in words.catalogue("en") if said not in found} == media
    assert {"timed-out", "weights-hash", "lake-lock-long"} <= found


def pairs():
    """State and finding where the code names both beside each other."""
    text = "\n".join(path.read_text("utf-8") for path in SOURCES)
    return re.findall(r'"(ok|warn|fail)",\s*"([a-z-]+)"', text)


def test_what_is_wrong_says_what_to_do():
    """And what is well asks for nothing."""
    todo = {said: todo for said, (_, todo) in words.catalogue("en").items()}
    found = [(state, said) for state, said in pairs() if said in todo]

    assert len(found) > 50
    assert [said for state, said in found if state != "ok" and not todo[said]] == []
    assert [said for state, said in found if state == "ok" and todo[said]] == []


@pytest.mark.parametrize(
    ("count", "shown"),
    [(2.5e9, "2.5 GB"), (123.4e9, "123 GB"), (3.4e6, "3.4 MB"), (0, "0.0 MB")],
)
def test_bytes_are_told_in_gb_or_mb(count, shown):
    """With one digit where that says something."""
    facts = {"place": "/tmp", "free": count, "total": count}

    fact, todo = words.told(Checked("disk-tmp", "ok", "disk", facts), "en")

    assert fact == f"/tmp: {shown} free of {shown}"
    assert todo == ""
