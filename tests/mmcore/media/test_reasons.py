"""Tests of mmcore/media/reasons.py: every reason that is raised has words for people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mmcore.media.faults import FAULTS
from mmcore.media.reasons import EVERY_STAGE, LANGUAGES, advice, known
from mmcore.specs import LimitsSpec
from tests.raised import raised_reasons

ROOT = Path(__file__).parents[3]
STAGES = {"crawl", "sniff", "read", "limits", "prepare"}
STAGES |= {"image", "text", "audio", "video", "ocr", "asr", "segments"}
RAISED = sorted(raised_reasons(ROOT / "mmcore") | {("crawl", fault) for fault in FAULTS})


def test_the_sources_are_searched():
    """Reasons of constants, of parameters and of calls of calls are found."""
    assert {
        ("sniff", "empty"),
        ("limits", "too-many-pixels"),
        ("image", "decode-error"),
        ("video", "out-of-memory"),
        ("audio", "no-decoder"),
        ("crawl", "link-loop"),
    } <= set(RAISED)


def test_every_stage_is_one_of_ours():
    """A stage that nobody documents is a slip of the pen."""
    assert {stage for stage, _ in RAISED} <= STAGES
    assert known().keys() <= STAGES | {EVERY_STAGE}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_that_is_raised_has_words(language):
    """In both languages: what it means, and what to do."""
    assert [pair for pair in RAISED if advice(*pair, language) is None] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_are_whole_sentences_of_their_language(language):
    """Both parts are there, end like sentences, and Chinese ones are Chinese."""
    mark = "。" if language == "zh" else "."
    for stage, reasons in known().items():
        for reason in reasons:
            told = advice(stage, reason, language)
            for sentence in (told.means, told.todo):
                assert sentence.endswith(mark), (stage, reason, sentence)
                assert bool(re.search(r"[\u4e00-\u9fff]", sentence)) == (language == "zh")


def test_a_stages_own_words_come_before_those_of_all():
    """A reason that several stages raise is said once, unless one of them differs."""
    assert advice("image", "decode-error", "en") == advice("video", "decode-error", "en")
    assert advice("crawl", "unreadable", "en") != advice("crawl", "vanished", "en")


def test_a_limit_that_is_to_be_raised_is_a_setting():
    """The words name fields of the limits, and every limit is named by some."""
    said = [
        advice(stage, reason, language).todo
        for stage, reasons in known().items()
        for reason in reasons
        for language in LANGUAGES
    ]
    named = set(re.findall(r"limits\.(\w+)", " ".join(said)))

    assert named == LimitsSpec.model_fields.keys()


def test_a_reason_of_a_third_party_has_none():
    """Its own message is shown instead."""
    assert advice("image", "of-a-plug-in", "en") is None


def test_the_page_names_every_reason():
    """The table of docs/media.md has each reason of the catalogue in a row of its stage."""
    page = (ROOT / "docs/media.md").read_text("utf-8").partition("\n## Quarantine\n")[2]
    rows = re.findall(r"^\| (`[^|]+`) \| (`[^|]+`) \| .+ \|$", page, re.MULTILINE)
    told = {
        (stage, reason)
        for stages, reasons in rows
        for stage in re.findall(r"`([\w-]+)`", stages)
        for reason in re.findall(r"`([\w-]+)`", reasons)
    }
    of_all = {reason for reason in known()[EVERY_STAGE] if any(r == reason for _, r in told)}
    missing = [
        (stage, reason)
        for stage, reasons in known().items()
        for reason in reasons
        if (reason not in of_all if stage == EVERY_STAGE else (stage, reason) not in told)
    ]

    assert missing == []
