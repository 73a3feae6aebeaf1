"""What the report shows of an index that was chosen by measuring."""

import pytest

from mmcore.evaluation.reporting.frontier import frontier
from mmcore.evaluation.reporting.page import page
from mmcore.evaluation.scores import IndexRecall, Tried
from tests.mmcore.evaluation.reporting.made import report


def tried(kind, recall, latency, *, fits=True, chosen=False, why=""):
    """One measured setting."""
    return Tried(
        kind=kind,
        setting="nprobe 8" if kind == "ivf-pq" else "",
        recall=recall,
        latency_ms=latency,
        rate=0 if latency == 0 else 1000 / latency,
        memory=12_000_000,
        build_seconds=2.5,
        fits=fits,
        why=why,
        chosen=chosen,
    )


@pytest.fixture
def measured():
    """An index of which two kinds were measured and one was not built."""
    return IndexRecall(
        index="e5-small-p1-image",
        recall=0.987,
        queries=500,
        asked="queries",
        kind="ivf-pq",
        setting="nprobe 8",
        rows=1_234_567,
        low=0.982,
        high=0.992,
        by={"text en": 0.99, "text zh": 0.984},
        target=0.98,
        tried=[
            tried("pq-half", 0.91, 3.5, fits=False, why="recall 0.910"),
            tried("hnsw", 0, 0, fits=False, why="not built: 2,400 MB"),
            tried("ivf-pq", 0.988, 0.7, chosen=True),
        ],
    )


def test_the_page_has_the_decision_table(measured):
    """Each kind stands with what it misses, and what serves is named."""
    shown = page(report(index_recall=[measured]))

    for words in ("1,234,567", "0.982–0.992", "text zh 0.984", "not built: 2,400 MB", "serves"):
        assert words in shown


def test_the_plot_has_each_measured_kind_once(measured):
    """The legend names the kinds that were measured, with the memory they hold; no other."""
    drawn = frontier(measured)

    assert drawn.count("pq-half, 12.0 MB") == drawn.count("ivf-pq, 12.0 MB") == 1
    assert "hnsw" not in drawn
    assert drawn.count('class="ring"') == 1
    assert drawn.count('class="hollow') == 1


def test_one_measured_kind_is_a_plot_too(measured):
    """Its axes have room though nothing spreads them."""
    one = measured.model_copy(update={"tried": [tried("ivf-pq", 1.0, 0.7)], "target": None})

    assert "nan" not in frontier(one)


def test_nothing_measured_is_no_plot(measured):
    """Of an index whose kinds were all ruled out there is a table and no picture."""
    none = measured.model_copy(update={"tried": measured.tried[1:2]})

    assert 'class="frontier"' not in page(report(index_recall=[none]))
    with pytest.raises(ValueError, match="nothing was measured"):
        frontier(none)


def test_an_exact_index_is_called_exact(measured):
    """Nothing was measured of it that would say how it was asked."""
    exact = IndexRecall(index="i", recall=1.0, queries=9, asked="stored vectors")

    assert "stored vectors" not in page(report(index_recall=[exact]))
