"""Tables of the report's page: what is compared, folded and counted."""

import re

from mmcore.evaluation.reporting.page import page
from mmcore.evaluation.scores import (
    Differing,
    Drift,
    GateVerdict,
    IndexRecall,
    Searched,
    Served,
)
from tests.mmcore.evaluation.reporting.made import (
    blocked,
    direction,
    fallen,
    report,
    text_of,
)


def test_a_set_as_a_search_answers_it_stands_below_the_scores():
    """By words beside vectors, and how much that is more than by vectors alone."""
    of_set = Searched(
        direction="shop/text:zh→image", queries=24, means={"RR": 0.75}, exact={"RR": 0.5}
    )

    said = text_of(page(report(directions=[direction()], searched=[of_set])))

    assert "shop: Chinese text → image" in said
    assert "0.750 (+0.250)" in said
    assert "as a search answers" not in text_of(page(report()))


def test_intervals_have_a_scale():
    """The ends of the axis that all share stand above them, and each says its own."""
    rows = [
        fallen().model_copy(update={"low": low, "high": high})
        for low, high in ((-0.01, 0.2), (-0.3, 0.1))
    ]

    shown = page(report(verdict=GateVerdict(status="pass", baseline=1, compared=rows)))

    head = shown[shown.index("95 % interval") :]
    axis = re.findall("<text[^>]*>([^<]*)</text>", head[: head.index("</th>")])
    assert axis == ["\N{MINUS SIGN}0.200", "+0.300", "0"]
    assert "<title>\N{MINUS SIGN}0.200 … +0.010</title>" in shown


def test_what_came_first_without_a_label_is_said_in_words():
    """A dash on its side would be a comma."""
    mixed = direction(confusion={"cats": {"cats": 7, "": 2}, "dogs": {"dogs": 1}})

    shown = page(report(directions=[mixed]))

    assert "<span>–</span>" not in shown
    assert "no label" in text_of(shown)


def test_labels_that_are_mixed_up_are_a_table():
    """What was asked for stands before what came first."""
    mixed = direction(confusion={"cats": {"cats": 7, "dogs": 2}, "dogs": {"dogs": 1}})

    said = text_of(page(report(directions=[mixed])))

    assert "80 % of 10 right" in said
    assert "cats72" in said.replace(" ", "")


def test_chinese_stands_beside_english():
    """For each target, with the difference."""
    gap = {"image": {"zh": 0.4, "en": 0.6, "difference": -0.2}}

    said = text_of(page(report(gap=gap)))

    assert "image图片" in said
    assert "\N{MINUS SIGN}0.200" in said


def test_other_measures_are_folded():
    """Few are read every night; gallery, median and chance stand with the rest."""
    means = {"Success@10": 0.25, "RR": 0.5, "AP@100": 0.125, "mean class accuracy": 0.75}
    shown = page(report(directions=[direction(means=means)]))

    scores = shown[shown.index('id="scores"') :]
    first, _, folded = scores.partition("<details>")
    assert "0.250" in first
    assert "0.125" not in first
    assert "0.125" in folded
    assert "5,000" in folded
    assert "类别平均准确率" in folded


def test_one_language_is_no_table():
    """No heading stands above nothing."""
    one = direction(by_language={"zh": {"queries": 3, "RR": 0.5}})
    two = direction(by_language={k: {"queries": 3, "RR": 0.5} for k in ("zh", "en")})

    assert 'id="languages"' not in page(report(directions=[one]))
    assert 'id="languages"' in page(report(directions=[two]))


def test_exact_indexes_are_folded():
    """That exact search finds what exact search finds is no news; less than that is."""
    less = IndexRecall(index="broken", recall=0.5, queries=9, asked="queries")

    shown = page(report(index_recall=[*report().index_recall, less]))

    table, _, folded = shown[shown.index('id="indexes"') :].partition("<details>")
    assert "broken" in table
    assert "e5-small-p1-image" not in table
    assert "1 exact index: it gives back all" in folded


def test_what_an_index_costs_is_a_table():
    """Each direction through its index, with what exact search would add; none, no table."""
    means = {"Success@10": 0.21, "RR": 0.4}
    served = Served(
        direction="text:zh→image",
        index="e5-image",
        kind="ivf-pq",
        queries=500,
        means=means,
        exact={"Success@10": 0.25, "RR": 0.39},
    )

    said = text_of(page(report(served=[served])))

    after = said[said.index("As the indexes answer") :]
    assert "ivf-pq500 0.210 (+0.040)0.400 (\N{MINUS SIGN}0.010)" in after
    assert "As the indexes answer" not in text_of(page(report()))


def test_fused_vectors_have_a_row_of_drift():
    """That they are fused otherwise is said where one looks for what moved."""
    moved = Drift(modality="fused", space="s", common=0, changed=None, norm=0.0)
    fusion = Differing(what="fusion", before="mean", after="weighted")

    said = text_of(page(report(verdict=blocked(), drift=[moved], differs=[fusion])))

    assert "fused otherwise: all of them are others" in said
    assert "0.0e+00" not in said
