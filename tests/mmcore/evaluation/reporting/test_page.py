import base64
import hashlib
import json
import re
import time
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from mmcore.evaluation.reporting.page import page, write_page
from mmcore.evaluation.reporting.pictures import Held, Pictures, Shown
from mmcore.evaluation.reporting.report import JSON, write_report
from mmcore.evaluation.scores import (
    Differing,
    GateVerdict,
    Latency,
    Report,
)
from storage.history import Entry
from tests.mmcore.evaluation.reporting.made import (
    WHEN,
    blocked,
    direction,
    outcome,
    report,
    text_of,
    worst,
)

VOID = {"meta", "input", "img", "br", "line", "circle", "path", "polyline"}


class Tags(HTMLParser):
    """Checks that elements are nested, and keeps their attributes."""

    def __init__(self, text):
        super().__init__()
        self.open, self.attributes = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Open it, unless it has no end."""
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Close the one that was opened last."""
        if tag not in VOID:
            assert self.open.pop() == tag


def night(days, verdict="pass", **fields):
    """An evaluation some days before the report."""
    scores = {"text:zh→image": {"Success@10": 0.5 - 0.01 * days}}
    given = {"snapshot": 1, "run": "r", "trigger": "index", "config": "", "scores": scores}
    return Entry(when=WHEN - timedelta(days=days), verdict=verdict, **{**given, **fields})


def test_a_report_is_read_back_as_it_was(tmp_path):
    """report.json holds everything, Chinese included; the page lies beside it."""
    folder = tmp_path / "报告"
    told = write_report(report(verdict=blocked()), [outcome()], folder, run_depth=10)
    path = write_page(told, None, folder)

    assert path == folder / "report.html"
    assert Report.model_validate_json((folder / JSON).read_bytes()) == told
    assert "一只猫" in path.read_text("utf-8")


def test_what_comes_from_the_lake_is_escaped():
    """A caption is text on the page, never markup."""
    shown = page(report())

    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;一只猫" in shown


@pytest.mark.parametrize(
    "words",
    [
        "1,234",
        "0.250",
        "3.5",
        "audio → image (3)",
        "truncated",
        "ab12",
        "4 right",
        "English text (3), Chinese text (2)",
        "exact",
    ],
)
def test_the_page_shows_the_numbers(words):
    """Scores, counts, directions without enough queries, and the quarantine."""
    assert words in text_of(page(report()))


def test_the_verdict_comes_first():
    """What fell, from what to what, before anything else; then what else was found."""
    said = text_of(page(report(verdict=blocked())))

    headline = said.index("Chinese text → image fell from 0.412 to 0.301 (Success@10).")
    assert said.index("Blocked") < headline < said.index("gives back 0.900")
    assert headline < said.index("Scores")
    assert "mmindex snapshots publish run-1" in said
    minus = "\N{MINUS SIGN}"
    assert f"{minus}0.111 (95 % interval {minus}0.131 … {minus}0.091) over 500 queries" in said


def test_a_fall_is_told_by_a_sign_and_a_word():
    """Never by its colour alone; what fell stands above what did not."""
    said = text_of(page(report(verdict=blocked())))

    assert "▼ \N{MINUS SIGN}0.111" in said
    assert "✕ blocked" in said
    assert "<0.001" in page(report(verdict=blocked())).replace("&lt;", "<")
    assert said.index("▼ \N{MINUS SIGN}0.111") < said.index("= 0.000")


def test_what_proves_a_fall_is_said():
    """Beside the p of the ranks, in both languages; that of the measure needs no words."""
    verdict = blocked()
    ranks = [one.model_copy(update={"proved_by": "ranks"}) for one in verdict.compared]
    other = verdict.model_copy(update={"compared": ranks})

    for words in (">by ranks<", ">按名次<"):
        assert words not in page(report(verdict=verdict))
        assert page(report(verdict=other)).count(words) == len(ranks)


def test_a_fall_that_may_be_chance_says_so():
    """A warning that no test stands behind is no accusation; many findings are folded away."""
    verdict = blocked()
    rows = [one.model_copy(update={"action": "warn"}) for one in verdict.compared]
    findings = [verdict.findings[1]] * 8
    update = {"status": "warn", "compared": rows, "unproven": ["text:zh→image", "audio→text:zh"]}

    said = text_of(
        page(report(verdict=verdict.model_copy(update=update | {"findings": findings})))
    )

    assert "! may be chance" in said
    assert "perhaps by chance: Chinese text → image, audio → Chinese text." in said
    assert "3 more" in said


def test_what_is_withheld_has_a_name():
    """The rows of whole items say which side of them asks, or is left out."""
    of = {"queries": 9.0, "Success@10": 0.5, "RR": 0.25}
    rows = [direction("withheld→image", by_mask={"without text:zh": of, "image+text": of})]

    said = text_of(page(report(directions=rows)))

    assert "without Chinese text" in said
    assert "image + text" in said


def test_unmeasured_is_said_and_is_no_zero():
    """A report without scores gives its reason and shows no table of scores."""
    none = report(status="unmeasured", reason="no pairs", directions=[], snapshot=None)

    said = text_of(page(none))

    assert "Nothing was scored: no pairs. This is not a score of 0." in said
    assert 'id="scores"' not in page(none)


def test_nothing_to_compare_with_says_so():
    """It is neither passed nor blocked."""
    said = text_of(page(report(verdict=GateVerdict(status="unmeasured", why="no baseline"))))

    assert "Not compared" in said
    assert "no baseline" in said


@pytest.mark.parametrize("verdict", [None, blocked()])
def test_the_page_stands_alone(verdict):
    """No style sheet, no address of another host, and a policy that forbids them."""
    shown = page(report(verdict=verdict), [night(1)])

    assert not any(word in shown for word in ("http:", "https:", "<link", "url("))
    assert "default-src 'none'" in shown


def test_one_script_picks_the_language_of_the_browser():
    """The policy names it by its hash, and so allows no other."""
    shown = page(report(verdict=blocked()), [night(1)])

    (script,) = re.findall("<script>(.*?)</script>", shown, re.DOTALL)
    known = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{known}';" in shown
    assert "navigator.languages" in script
    assert shown.index('id="in-zh"') < shown.index("<script>") < shown.index("<main>")


def test_elements_are_nested():
    """Every element that is opened is closed, whatever the report has."""
    full = report(verdict=blocked(), latency=Latency(p50=1, p95=2, queries=3), cut=["a→b"])

    for shown in (page(full, [night(1)]), page(report(directions=[], unscored=[]))):
        assert Tags(shown).open == []


def test_both_languages_are_there_and_one_is_shown():
    """Radio buttons before everything decide by the style sheet; both are reached by keyboard."""
    shown = page(report(verdict=blocked()))
    tags = Tags(shown)

    assert '<span class="zh" lang="zh-Hans">得分</span>' in shown
    assert [v for t, k, v in tags.attributes if (t, k) == ("input", "id")] == ["in-en", "in-zh"]
    assert "#in-zh:checked ~ main .en { display: none; }" in re.sub(
        r"#in-en:checked ~ main \.zh, ", "", shown
    )


def test_pictures_name_what_they_are_of():
    """By its content an erasure finds a page: it cannot look into base64."""
    seen = Shown(picture=Held("image", "data:image/jpeg;base64,AAAA", "c0ffee"))
    heard = Shown(player=Held("audio", "file:///a%20b.ogg", "beef"))
    shown = page(
        report(directions=[direction("audio→image", worst(contents=["q"], item=5))]),
        pictures=Pictures({"q": heard}, {5: seen}),
    )

    assert '<img src="data:image/jpeg;base64,AAAA" data-of="c0ffee"' in shown
    assert '<audio controls preload="none" src="file:///a%20b.ogg" data-of="beef">' in shown


def test_a_report_from_before_the_gate_is_shown():
    """Its JSON lacks all that came since."""
    kept = json.loads(report().model_dump_json())
    for name in Report.model_fields:
        if name not in kept or name in {"format", "verdict", "gap", "drift", "changed", "sets"}:
            kept.pop(name, None)
    for one in kept["directions"]:
        for name in ("set", "kind", "by_language", "by_category", "confusion", "common"):
            one.pop(name)

    assert "Measured" in text_of(page(Report.model_validate(kept)))


def test_a_page_has_no_control_characters():
    """A terminal that shows it would obey them; HTML allows none."""
    name = "text:\x1b[31mred\x9b2J\x00→image"

    shown = page(report(directions=[direction(name)]))

    assert "[31mred2J" in shown
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)


def test_what_differs_stands_before_what_fell():
    """A cause is what one looks for first, in words of both languages."""
    fusion = Differing(what="fusion", before="mean", after="weighted: text 0.02")
    items = Differing(what="count", name="items", before="9", after="10")
    shown = page(report(verdict=blocked(), differs=[fusion, items]), [night(1)])

    said = text_of(shown)
    assert "加权: text 0.02" in said
    assert "Number of items" in said
    assert "条目数" in said
    sections = [
        shown.index(f'<h2 id="{name}"') for name in ("differs", "change", "trend", "scores")
    ]
    assert sections == sorted(sections)
    assert said.index("Blocked") < said.index("weighted: text 0.02")


def test_nothing_that_differs_is_said():
    """An empty list is an answer, too; a report from before there was one says nothing."""
    said = text_of(page(report(verdict=blocked(), differs=[])))

    assert "Nothing that makes it" in said
    assert 'id="differs"' not in page(report(verdict=blocked()))


def test_figures_agree():
    """The banner counts the rows of the table, and findings as every other place does."""
    said = text_of(page(report(verdict=blocked().model_copy(update={"tested": 70}))))

    assert "Held against snapshot 6: 2 rows" in said
    assert "1 finding blocks, 1 warning" in said
    assert "70" not in said


def test_who_asked_is_said():
    """Where only the user's sets asked, no held-out pair is named; nor do theirs go unsaid."""
    mine = direction(set="shop")

    alone = text_of(page(report(directions=[mine, mine], queries=0, verdict=blocked())))
    beside = text_of(page(report(directions=[direction(), mine], verdict=blocked())))

    assert "2 directions, asked with query sets of your own." in alone
    assert "held-out pairs" not in alone
    assert "1,234 contents of held-out pairs, and with query sets of your own." in beside


def test_the_time_is_told_by_the_local_clock_too(monkeypatch):
    """Where it is not that of UTC anyway."""
    monkeypatch.setenv("TZ", "CST-8")
    time.tzset()
    try:
        said = text_of(page(report()))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert "evaluated 2026-01-02 03:04 UTC (11:04 CST)" in said
