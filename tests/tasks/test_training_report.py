from datetime import UTC, datetime

from mmcore.training.loop.trials import Trial
from storage.layout import Layout
from tasks.training_report import (
    ToldFusion,
    TrainingReport,
    reports,
    told_trials,
    trial_table,
    write_report,
)

TRIALS = told_trials(
    [
        Trial("ridge", {"half": False, "text_ridge": 0.3}, {"RR": 0.25, "RR en→image": 0.5}),
        Trial(
            "ridge", {"half": True, "text_ridge": 0.3}, {"RR": 0.5, "RR en→image": 0.75}, won=True
        ),
        Trial("whisper: left out"),
    ]
)


def report(**fields):
    """Of a fusion that was promoted."""
    told = {"status": "promoted", "models": ["fusion/mean"], "parent": 1, **fields}
    return TrainingReport(trained_at=datetime(2026, 1, 2, tzinfo=UTC), **told)


def test_trials_say_what_differs_and_what_they_scored():
    """Scores over all come first, those of a direction apart."""
    table = trial_table(TRIALS)

    assert [how for _, how in table.rows] == ["not half", "half, text ridge 0.3", ""]
    assert (table.overall, table.parts) == (("RR",), ("RR en→image",))


def test_the_page_has_a_head_and_marks_the_winner(tmp_path):
    """One row is bold, and says that it won."""
    told = report(trials={"projection": TRIALS})

    page = write_report(Layout(tmp_path), "p2", told, {}).read_text("utf-8")

    assert '<th>way</th><th class="how">settings</th><th>RR</th>' in page
    assert page.count('<tr class="won">') == 1
    won = page[page.index('<tr class="won">') :].partition("</tr>")[0]
    assert "half, text ridge 0.3" in won
    assert "0.500" in won
    assert "won</td>" in won


def test_a_report_knows_the_folder_that_it_lies_in(tmp_path):
    """Whatever models it tells of: a list of them leads to its page."""
    write_report(Layout(tmp_path), "weighted,text=2", report(), {})

    assert [one.folder for one in reports(Layout(tmp_path))] == ["weighted,text=2"]


def test_a_told_fusion_is_named_as_promote_takes_it():
    """By its version, or by its weights."""
    assert ToldFusion(name="mlp", version="f2").model == "fusion/f2"
    assert ToldFusion(name="weighted", weights={"text": 2.0}).model == "fusion/weighted,text=2"
