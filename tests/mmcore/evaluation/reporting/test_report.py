import json

import ir_measures
import numpy as np
import pytest
from ir_measures import RR, nDCG

from mmcore.evaluation.evaluate import outcomes
from mmcore.evaluation.outcomes import Measured
from mmcore.evaluation.querysets.ask import user_outcomes
from mmcore.evaluation.querysets.imported import import_pairs, import_qrels
from mmcore.evaluation.reporting.page import page, write_page
from mmcore.evaluation.reporting.pictures import NONE, pictures_of
from mmcore.evaluation.reporting.report import JSON, Found, report_of, write_report
from mmcore.evaluation.reporting.runs import QRELS, RUN
from mmcore.evaluation.reporting.told import OTHER, confusion, direction_of, gap
from mmcore.evaluation.scores import Report, Unscored
from storage.querysets import read_sets, write_set
from storage.snapshot import Snapshot
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import ALL, FEW, bench_of, content, item, terms_of
from tests.mmcore.evaluation.reporting.made import direction, outcome

LIE = {"lie": {"lie.png": "red", "lie.txt": "The blue sky", "lie.zh.txt": "蓝天"}}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Two items a colour, and one whose picture is not what its captions say."""
    items = {**coloured_items(copies=2), **LIE}
    return make_lake(tmp_path_factory.mktemp("lake"), items, towers())


@pytest.fixture(scope="module")
def measured(lake):
    """What comes of all directions."""
    terms = terms_of(lake)
    return terms, list(outcomes(bench_of(lake, terms)))


@pytest.fixture(scope="module")
def told(lake, measured):
    """The report of it."""
    terms, found = measured
    return report_of(lake, found, terms, Found(sets={"held-out": "ab"}))


def of(told, name):
    """One direction of a report."""
    return next(one for one in told.directions if one.name == name)


def full(measured):
    """The outcomes over the full galleries."""
    return [one.full for one in measured[1] if isinstance(one, Measured)]


def test_a_report_tells_what_it_was_measured_by(lake, told):
    """Its format, configuration, depth and sets; and no verdict yet."""
    assert (told.format, told.status, told.verdict) == (2, "measured", None)
    assert (told.run, told.held_out, told.depth) == (lake.manifest.run, ALL.held_out, FEW.depth)
    assert told.sets == {"held-out": "ab"}
    assert told.config


def test_the_worst_is_named_so_that_one_can_follow_it(lake, told):
    """Its text, what is right, what came first, and by which ids pictures of them are found."""
    worst = of(told, "text:en→image").worst[0]

    assert worst.query == "The blue sky"
    assert worst.expected == ["lie"]
    assert worst.first.startswith("blue-")
    assert worst.contents == [content(lake, "lie.txt")]
    assert (worst.item, worst.found_item) == (item(lake, "lie"), item(lake, worst.first))


def test_a_picture_that_asks_is_named_by_its_path(told):
    """And what it looks for by its text in that language."""
    worst = of(told, "image→text:zh").worst[0]

    assert worst.query == "lie.png"
    assert worst.expected == ["蓝天"]
    assert "红" in worst.first


def test_a_private_lake_tells_no_words(lake, measured):
    """Contents and keys stand there; a private lake's are hashes. It shows no picture."""
    hidden = Snapshot(lake.layout, lake.manifest.model_copy(update={"private": True}))
    terms, found = measured

    told = report_of(hidden, found, terms, Found())

    worst = of(told, "text:en→image").worst[0]
    assert worst.query == content(lake, "lie.txt")
    assert "blue sky" not in told.model_dump_json()
    assert pictures_of(told, hidden) == NONE


def imported(lake, tmp_path, text, read, name):
    """Import a set of a user's."""
    (tmp_path / "given.csv").write_text(text, encoding="utf-8")
    found = read(lake, tmp_path / "given.csv")
    write_set(lake.layout, found.card(name), found.queries, found.qrels, found.media)


def test_a_user_s_queries_are_told_by_their_words(lake, measured, tmp_path):
    """Not by their ids; a pair by its other side, which is no item."""
    imported(lake, tmp_path, "query,item\nred,media/blue-1\n", import_qrels, "judged")
    pairs = "zh,en\n红,green\n绿,red\n"
    imported(lake, tmp_path, pairs, import_pairs, "pairs")
    terms, _ = measured
    bench = bench_of(lake, terms)
    found = list(user_outcomes(bench, read_sets(lake.layout)))

    told = report_of(lake, found, terms, Found())

    judged = next(d for d in told.directions if d.set == "judged").worst[0]
    paired = next(d for d in told.directions if d.name == "pairs:zh→en").worst[0]
    assert (judged.query, judged.item) == ("red", item(lake, "blue-1"))
    assert (paired.query, paired.expected, paired.first) == ("红", ["green"], "red")
    assert (paired.item, paired.found_item) == (None, None)
    assert "judged" in page(told)


def test_nothing_scored_is_unmeasured_and_says_why(lake, measured):
    """By the direction that lacks the least."""
    terms, _ = measured
    few = [Unscored(name="a→b", queries=3), Unscored(name="a→c", queries=0)]

    told = report_of(lake, few, terms, Found())

    assert told.status == "unmeasured"
    assert told.reason == "no direction has 1 held-out queries; the most has a→b with 3"
    assert [one.name for one in told.unscored] == ["a→b"]


def test_a_report_without_any_pair_says_so(lake, measured):
    """There is nothing that could be asked."""
    told = report_of(lake, [], measured[0], Found())

    assert told.reason.startswith("no item has a held-out caption")


def test_what_changed_is_counted(lake, measured):
    """Against the baseline: items and files, and no name of any."""
    terms, found = measured

    told = report_of(lake, found, terms, Found(baseline=lake))

    nothing = {"added": 0, "gone": 0, "renamed": 0, "changed": 0}
    assert told.changed == {"items": nothing, "files": nothing}


def test_run_files_give_back_the_scores(lake, measured, told, tmp_path):
    """ir-measures reads them, and finds what the report says, direction by direction."""
    found = full(measured)
    write_report(told, found, tmp_path, run_depth=FEW.depth)

    run = list(ir_measures.read_trec_run(str(tmp_path / RUN)))
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / QRELS)))

    for one in found:
        mine = [q for q in qrels if q.query_id.startswith(f"{one.name}/")]
        scored = ir_measures.calc_aggregate([RR, nDCG @ 10], mine, run)
        means = of(told, one.name).means
        assert scored[RR] == pytest.approx(means["RR"], abs=1e-12)
        assert scored[nDCG @ 10] == pytest.approx(means["nDCG@10"], abs=1e-12)


def test_report_json_is_written_last(measured, told, tmp_path, monkeypatch):
    """Whoever finds it finds all else; what cannot be written raises, and none is there."""

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mmcore.evaluation.reporting.report.write_runs", full_disk)

    with pytest.raises(OSError, match="No space left"):
        write_report(told, full(measured), tmp_path, run_depth=10)
    assert not (tmp_path / JSON).exists()


def test_what_was_cut_is_told(told, tmp_path):
    """A direction whose qrels are not whole is named in report.json."""
    cut = outcome()
    cut.ranking.relevant[1] = 4

    write_report(told, [cut], tmp_path, run_depth=10)

    kept = Report.model_validate_json((tmp_path / JSON).read_bytes())
    assert kept.cut == ["text:zh→image"]


def test_numbers_are_json(told, tmp_path):
    """No NumPy number and no NaN is left in a report."""
    write_report(told, [], tmp_path, run_depth=0)

    json.loads((tmp_path / JSON).read_text("utf-8"), parse_constant=pytest.fail)


def test_the_page_of_a_snapshot_is_written(lake, told, tmp_path):
    """Also of one whose cells have no thumbnails."""
    assert "The blue sky" in write_page(told, lake, tmp_path).read_text("utf-8")


def test_a_query_that_nothing_is_right_for_is_last():
    """It counts as a rank behind all that its gallery holds, and is the worst."""
    lost = outcome()
    lost.ranking.first[1] = 0

    assert direction_of(Measured(lost), []).median_rank == (1 + 5) / 2


def test_what_the_baseline_has_too_is_told_beside():
    """Means over the common queries, and how many there are."""
    common = outcome(scores={"RR": np.array([0.5, 0.5])})

    told = direction_of(Measured(outcome(), common), [])

    assert (told.means["RR"], told.common["RR"], told.common_queries) == (0.75, 0.5, 2)


def test_labels_that_are_mixed_up_are_counted():
    """By the right label, then by that of what came first; "" where nothing has one."""
    mixed = outcome(categories=("dogs", "cats"), top=("cats", ""))

    assert confusion(mixed) == {"cats": {"": 1}, "dogs": {"cats": 1}}
    assert confusion(outcome(categories=(None, None), top=("", ""))) == {}


def test_rare_labels_are_one():
    """At most twenty stand for themselves."""
    names = tuple(f"l{k:02}" for k in range(30))
    many = outcome(queries=names, categories=names, top=names)

    found = confusion(many)

    assert len(found) == 21
    assert found[OTHER] == {OTHER: 10}


def test_the_gap_is_told_for_targets_of_both_languages():
    """Chinese less English, of the lake's own queries alone."""
    rows = [
        direction("text:zh→image", means={"Success@10": 0.25}),
        direction("text:en→image", means={"Success@10": 0.5}),
        direction("text:zh→audio", means={"Success@10": 0.5}),
        direction("text:en→audio", means={"Success@10": 1.0}, set="mine"),
    ]

    assert gap(rows) == {"image": {"zh": 0.25, "en": 0.5, "difference": -0.25}}
