"""Whether what `mmindex train` made may serve: it is asked the same as what serves, and better."""

import json
from io import StringIO

import pytest
from rich.console import Console

from flows.commands.models.show import because, trained
from flows.commands.snapshots.command import run_list
from flows.config.train import TrainResult
from mmcore.encoders.projections import FittedOn, Projection
from mmcore.errors import ConfigError, GateFailedError
from mmcore.evaluation.evaluate import laid_out
from mmcore.evaluation.scores import Drift
from storage import candidates, models
from storage.layout import Layout
from storage.published import current
from storage.snapshot import Snapshot
from tasks.promote_verdict import Remembered
from tests import learning
from tests.learning import badly, promote, serving, train


def test_a_model_that_is_worse_is_stored_and_does_not_serve(lake, monkeypatch, capsys):
    """Its candidate stays, blocked, and all lists say why; --force lets it serve."""
    train(lake)
    badly(monkeypatch)

    result = train(lake)

    assert (result.status, result.why, result.snapshot) == ("refused", "worse", 2)
    assert result.after < result.before
    assert current(Layout(lake)) == 2
    (blocked,) = candidates.blocked(Layout(lake))
    assert blocked.reason == result.reason
    run_list(str(lake), as_json=True)
    assert result.reason in capsys.readouterr().out
    line = learning.lines(lake)["projection/p3"]
    assert (line["state"], line["reason"]) == ("refused", result.reason)
    states = {name: line["state"] for name, line in learning.lines(lake).items()}
    assert (states["projection/p1"], states["projection/p2"]) == ("served", "serves")
    again = promote(lake, "projection/p3")
    assert (again.status, again.why) == ("refused", "worse")
    assert promote(lake, "projection/p3", force=True).status == "promoted"
    assert serving(lake).manifest.projection.version == "p3"


def test_both_are_asked_the_same(lake, monkeypatch):
    """Neither is asked with what the other has learned from; what serves is scored for it anew."""
    asked = []

    def scoring(snapshot, encoders, projection, terms):
        asked.append((projection.version, terms.fitted))
        return laid_out(snapshot, encoders, projection, terms)

    monkeypatch.setattr("tasks.measuring.laid_out", scoring)
    fewer = Snapshot.open(Layout(lake)).manifest
    result = train(lake)

    (new, one), (old, other) = asked
    assert (new, old) == ("p2", "p1")
    assert one == other
    stored = [
        models.load_model(Layout(lake), m, "projection", v)
        for m, v in ((fewer, "p1"), (serving(lake).manifest, "p2"))
    ]
    for files in stored:
        seen = Projection.from_files(files).fitted_on
        assert seen.contents <= one.contents
        assert seen.captions <= one.captions
    report = json.loads((Layout(lake).training("p2") / "report.json").read_bytes())
    queries = report["scores"].keys() & report["scores_before"].keys()
    assert set(result.directions) == queries


def test_where_what_serves_cannot_be_scored_nothing_is_compared(lake, monkeypatch):
    """The candidate is blocked, and it is said that it is what serves; --force helps."""
    calls = []

    def scoring(*given):
        calls.append(given)
        if len(calls) % 2 == 0:
            raise ConfigError("no score")
        return laid_out(*given)

    monkeypatch.setattr("tasks.measuring.laid_out", scoring)

    result = train(lake)

    assert (result.status, result.why) == ("refused", "unmeasured")
    assert "what it is compared with could not be scored" in result.reason
    assert result.reason.endswith("no score")
    assert current(Layout(lake)) == 1
    assert [one.run for one in candidates.blocked(Layout(lake))] == candidates.runs(Layout(lake))
    assert promote(lake, "projection/p2", force=True).status == "promoted"


def test_what_cannot_be_compared_is_not_promoted(tmp_path, index, monkeypatch):
    """Too few held-out captions to measure: unmeasured, said, and only --force lets it serve."""
    learning.fill(tmp_path / "media")
    lake = tmp_path / "lake"
    index(tmp_path / "media", lake, evaluation={"min_queries": 500})
    badly(monkeypatch)

    result = train(lake)

    assert (result.status, result.why, result.before) == ("refused", "unmeasured", None)
    assert result.unasked == "few"
    assert train(lake, force=True).status == "promoted"
    assert serving(lake).manifest.projection.version == "p2"


def test_what_cannot_be_scored_is_blocked_and_said(lake, monkeypatch):
    """The model stays stored, its candidate is kept, and the list of models says why."""
    monkeypatch.setattr("tasks.measuring.laid_out", learning.raising(ConfigError("no score")))

    with pytest.raises(GateFailedError, match="no score"):
        train(lake)

    assert current(Layout(lake)) == 1
    assert [one.run for one in candidates.blocked(Layout(lake))] == candidates.runs(Layout(lake))
    line = learning.lines(lake)["projection/p2"]
    assert (line["state"], "no score" in line["reason"]) == ("refused", True)


def test_what_is_unsound_does_not_serve_however_well_it_retrieves(lake, monkeypatch):
    """Vectors that are not of length 1: refused, said in both languages; --force is recorded."""
    longer = Drift(modality="image", space="s", common=0, changed=None, norm=0.3)
    monkeypatch.setattr("tasks.promote.drift", lambda *_: [longer])

    result = train(lake)

    assert (result.status, result.why, current(Layout(lake))) == ("refused", "unsound", 1)
    assert result.after > result.before
    assert "not sound" in result.reason
    assert "向量" in because(learning.lines(lake)["projection/p2"], "zh")
    report = json.loads((Layout(lake).report("2") / "report.json").read_bytes())
    assert report["verdict"]["status"] == "block"
    assert promote(lake, "projection/p2", force=True).status == "promoted"
    evaluation = serving(lake).manifest.evaluation
    assert (evaluation.verdict, evaluation.override.reason) == ("block", "--force")


def test_drops_of_directions_are_told_and_do_not_decide(lake):
    """The gate compares a promotion, too; what it says is kept with what serves."""
    assert train(lake).status == "promoted"
    evaluation = serving(lake).manifest.evaluation
    report = json.loads((Layout(lake).report("2") / "report.json").read_bytes())

    assert (evaluation.verdict, evaluation.baseline) in (("pass", 1), ("warn", 1))
    assert report["verdict"]["tested"] > 0
    assert {row["direction"] for row in report["verdict"]["compared"]} >= {"all", "text:en→image"}


def test_captions_that_were_learned_from_are_asked_of_both(lake, monkeypatch):
    """One that takes pictures for those of other captions has lost what the one before knew."""
    train(lake)
    badly(monkeypatch)

    result = train(lake, promote=False)

    (name,) = [name for name in result.known if name.endswith("image")]
    found = result.known[name]
    assert found.queries > 20
    assert found.before > found.after + 0.2
    assert result.known_before > result.known_after
    assert not [one for one in (*result.scores, *result.directions) if "known" in one]


def test_a_candidate_that_forgets_does_not_serve(lake, monkeypatch):
    """Better on held-out captions or not; a setting says how much it may, and it is all told."""
    numbers = {"text:en→image": Remembered(40, 0.99, 0.18)}
    monkeypatch.setattr("tasks.promote._remembered", lambda *_: (numbers, ""))

    refused = train(lake)

    assert (refused.status, refused.why, current(Layout(lake))) == ("refused", "forgets", 1)
    assert refused.after > refused.before
    assert refused.reason.endswith("RR 0.9900, and 0.1800 with it")
    line = learning.lines(lake)["projection/p2"]
    assert (line["state"], line["why"]) == ("refused", "forgets")
    assert because(line, "en") == refused.reason
    assert "0.1800" in because(line, "zh")
    page = (Layout(lake).training("p2") / "report.html").read_text("utf-8")
    assert "known: en→image" in page
    for language, said in (("en", "known: en→image"), ("zh", "已学过：en→image")):
        out = Console(file=StringIO(), width=200)
        trained(out, refused, language)
        assert said in out.file.getvalue()
    assert train(lake, verdict={"max_forgotten": 0.9}).status == "promoted"
    report = json.loads((Layout(lake).report("2") / "report.json").read_bytes())
    assert not [one["name"] for one in report["directions"] if "known" in one["name"]]
    assert serving(lake).manifest.evaluation.scores.keys() == refused.scores.keys()


def test_what_was_never_fitted_on_is_not_known(lake, monkeypatch):
    """A lake whose projection learned of nothing has nothing to forget."""
    monkeypatch.setattr("tasks.promote.fitted_on", lambda *_: FittedOn())

    result = train(lake, promote=False)

    assert (result.known, result.unasked) == ({}, "")


def test_what_is_forgotten_is_not_known_in_a_private_lake(tmp_path, index):
    """It keeps no words to ask with: the result, the report and both languages say so."""
    learning.fill(tmp_path / "media")
    lake = tmp_path / "lake"
    with learning.mistaken():
        index(tmp_path / "media", lake, private=True)

    result = train(lake)

    assert (result.status, result.known, result.unasked) == ("promoted", {}, "texts")
    page = (Layout(lake).training("p2") / "report.html").read_text("utf-8")
    assert "the lake keeps no texts to ask with" in page
    for language, said in (("en", "not checked what it forgets"), ("zh", "未检查是否遗忘")):
        out = Console(file=StringIO(), width=200)
        trained(out, result, language)
        assert said in out.file.getvalue()


def test_a_fusion_that_is_all_that_was_made_is_named():
    """A simple fusion has no version: the first line names the fusion, not nothing."""
    result = TrainResult(status="promoted", lake="lake", snapshot=2, fusion="mean")
    out = Console(file=StringIO(), width=200)

    trained(out, result, "en")

    assert "promoted fusion/mean" in out.file.getvalue().splitlines()[0]
