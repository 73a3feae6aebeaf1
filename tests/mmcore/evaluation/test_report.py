from datetime import UTC, datetime

import pytest

from mmcore.evaluation.report import JSON, page, write_report
from mmcore.evaluation.scores import Coverage, Direction, IndexRecall, Report, Unscored, Worst


def report(**fields):
    """A report with something of everything."""
    worst = Worst(
        query="<script>alert(1)</script>一只猫", expected=["猫/1"], first="狗", rank=12, relevant=4
    )
    direction = Direction(
        name="text:zh→image",
        queries=1234,
        gallery=5000,
        means={"Success@1": 0.25, "RR": 0.5},
        median_rank=3.5,
        chance=0.0002,
        without_results=["ab12"],
        worst=[worst],
    )
    given = {
        "snapshot": 7,
        "run": "run-1",
        "evaluated_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        "preset": "embedded",
        "encoders": ["e5-small 0123"],
        "projection": "e5-small/p1",
        "fusion": None,
        "held_out": 0.2,
        "status": "measured",
        "reason": "",
        "queries": 1234,
        "directions": [direction],
        "unscored": [Unscored(name="audio→image", queries=3)],
        "index_recall": [
            IndexRecall(index="e5-small-p1-image", recall=1.0, queries=200, asked="queries")
        ],
        "coverage": [
            Coverage(
                modality="image",
                files=9,
                contents=8,
                embedded=6,
                quarantined=2,
                segments=6,
                items=6,
            )
        ],
        "languages": {"en": 3, "zh": 2},
        "counts": {"items": 6, "segments_image": 6},
        "quarantine": {"truncated": 2},
    }
    return Report(**{**given, **fields})


def test_a_report_is_read_back_as_it_was(tmp_path):
    """report.json holds everything, Chinese included; the page lies beside it."""
    path = write_report(report(), tmp_path / "报告")

    assert path == tmp_path / "报告" / "report.html"
    assert Report.model_validate_json((tmp_path / "报告" / JSON).read_bytes()) == report()
    assert "一只猫" in path.read_text("utf-8")


def test_what_comes_from_the_lake_is_escaped():
    """A caption is text on the page, never markup."""
    shown = page(report())

    assert "<script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;一只猫" in shown


@pytest.mark.parametrize(
    "words",
    [
        "text:zh→image",
        "1,234",
        "0.250",
        "3.5",
        "audio→image (3)",
        "truncated",
        "ab12",
        "(4 right)",
    ],
)
def test_the_page_shows_the_numbers(words):
    """Scores, counts, directions without enough queries, and the quarantine."""
    assert words in page(report())


def test_unmeasured_is_said_and_is_no_zero():
    """A report without scores gives its reason and shows no table of scores."""
    shown = page(
        report(status="unmeasured", reason="no pairs", directions=[], unscored=[], snapshot=None)
    )

    assert "Unmeasured" in shown
    assert "no pairs" in shown
    assert "<h2>Scores</h2>" not in shown


def test_the_page_stands_alone():
    """It loads nothing: no script, no style sheet, no picture, no address."""
    shown = page(report())

    assert not any(word in shown for word in ("http:", "https:", "src=", "<link", "<script"))
