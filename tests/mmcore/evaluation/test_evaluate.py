import numpy as np
import pytest

from mmcore.encoders.projections import FittedOn, Projection
from mmcore.errors import ConfigError, EvaluationError
from mmcore.specs import EvaluationSpec, FitSpec
from mmcore.training.dataset.lake import lake_rows
from mmcore.types import Rejection
from storage.manifest import FusionEntry
from storage.snapshot import Snapshot
from tests.fakes import HashEncoder
from tests.lakes import COLOURS, coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import evaluate

ALL = FitSpec(held_out=0.9)
FEW = EvaluationSpec(min_queries=1)


def held_out_items():
    """Two items a colour, and one whose picture is not what its captions say."""
    items = coloured_items(copies=2)
    return {**items, "lie": {"lie.png": "red", "lie.txt": "The blue sky", "lie.zh.txt": "蓝天"}}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A published lake of those items."""
    return make_lake(tmp_path_factory.mktemp("湖"), held_out_items(), towers())


@pytest.fixture(scope="module")
def report(lake):
    """Its evaluation, with nearly everything held out."""
    return evaluate(lake, towers(), None, FEW, FitSpec(held_out=0.9))


def direction(report, name):
    """One scored direction by name."""
    return next(d for d in report.directions if d.name == name)


def test_every_direction_that_shares_a_space_is_measured(report):
    """Pictures, texts of both languages and fused vectors, across; no side with itself."""
    names = {d.name for d in report.directions}

    assert {"text:en→image", "text:zh→image", "image→text:en", "text:zh→text:en"} <= names
    assert {"text:en→fused", "text:zh→fused", "image→fused"} <= names
    assert not names & {"image→image", "text:en→text:en", "fused→image"}


def test_what_can_be_found_is_found(report):
    """Colours that two towers agree on come first; the lie does not, and is the worst query."""
    found = direction(report, "image→text:en")
    worst = found.worst[0]

    assert found.means["Success@1"] == pytest.approx((found.queries - 1) / found.queries)
    assert (worst.query, worst.expected) == ("lie.png", ["The blue sky"])
    assert worst.first == "A red wall."
    assert found.median_rank == 1


def test_equal_captions_are_equally_right(report):
    """One caption of two red items is right for both: recall counts both."""
    found = direction(report, "text:en→image")

    assert found.means["R@10"] == pytest.approx((found.queries - 1) / found.queries)  # the lie
    assert found.chance == pytest.approx((2 * (found.queries - 1) + 1) / found.queries / 17)


def test_a_lake_without_enough_queries_is_unmeasured(lake):
    """Too few queries are not a score of 0: nothing is scored, and the reason has the numbers."""
    found = evaluate(lake, towers(), None, EvaluationSpec(min_queries=500), ALL)

    assert (found.status, found.directions, found.queries) == ("unmeasured", [], 0)
    assert "500" in found.reason
    assert max(u.queries for u in found.unscored) == direction_queries(found)


def direction_queries(found):
    """The queries of an unscored direction that has the most."""
    return next(u.queries for u in found.unscored if u.name == "image→text:en")


def test_nothing_held_out_is_unmeasured(lake):
    """Without a held-out caption there is no query at all."""
    found = evaluate(lake, towers(), None, FEW, FitSpec(held_out=0.0))

    assert (found.status, found.unscored) == ("unmeasured", [])
    assert "held-out" in found.reason


def test_queries_are_bounded(lake):
    """A direction takes the first of its queries by hash, the same in every run."""
    spec = EvaluationSpec(min_queries=1, max_queries=3)
    found = evaluate(lake, towers(), None, spec, ALL)

    assert {d.queries for d in found.directions} == {3}


def test_each_side_is_read_and_embedded_at_once(lake, monkeypatch):
    """Whatever is looked for with them, pictures are read once, and texts go in one batch."""
    read, batches = [], []

    def reading(snapshot, modality, **options):
        read.append(modality)
        return lake_rows(snapshot, modality, **options)

    def encoding(self, decoded):
        batches.append(len(decoded))
        return self.encode([self.prepare(one) for one in decoded])

    monkeypatch.setattr("mmcore.evaluation.asking.lake_rows", reading)
    monkeypatch.setattr(HashEncoder, "encode_queries", encoding)
    found = evaluate(lake, towers(), None, FEW, ALL)

    assert read == ["image"]
    assert len(batches) == 2  # English and Chinese
    assert len(found.directions) > 3


def test_a_single_item_cannot_find_itself(tmp_path):
    """Fused without its only text, an item is its picture, and is found by that, or not at all."""
    lone = {"a": {"a.txt": "A red wall."}, "b": {"b.png": "red", "b.txt": "The red door"}}
    snapshot = make_lake(tmp_path, lone, towers())
    found = evaluate(snapshot, towers(), None, FEW, ALL)
    names = {d.name: d for d in found.directions}

    assert all(d.queries == 1 for name, d in names.items() if name.endswith("→fused"))


def test_what_the_projection_was_fitted_on_is_not_asked(lake, report):
    """A picture that the projection has seen takes the queries of its item out, and no others."""
    files = lake.rows("files", ["path", "content_id"]).to_pylist()
    seen = next(f["content_id"] for f in files if f["path"] == "lie.png")
    projection = Projection("x", "p1", 32, {}, FittedOn(contents=frozenset({seen})))
    found = evaluate(lake, towers(), projection, FEW, FitSpec(held_out=0.9))

    for name in ("image→text:en", "text:en→image"):
        assert direction(found, name).queries == direction(report, name).queries - 1
        assert direction(found, name).gallery == direction(report, name).gallery


def test_what_another_has_learned_from_is_not_asked_either(lake):
    """Two snapshots have the same queries, each with what the other was fitted on."""
    files = lake.rows("files", ["path", "content_id"]).to_pylist()
    one, two = (
        FittedOn(contents=frozenset(f["content_id"] for f in files if f["path"] == path))
        for path in ("lie.png", "red-1.png")
    )
    projection = Projection("x", "p1", 32, {}, one)
    plain = evaluate(lake, towers(), projection, FEW, ALL)
    beside = evaluate(lake, towers(), projection, FEW, ALL, two)
    other = evaluate(lake, towers(), Projection("x", "p2", 32, {}, two), FEW, ALL, one)

    counts = [{d.name: d.queries for d in of.directions} for of in (plain, beside, other)]
    assert counts[1] == counts[2]
    assert counts[1]["image→text:en"] == counts[0]["image→text:en"] - 1


def test_indexes_are_compared_with_exact_search(report):
    """A flat index gives back everything, and says what it was asked with."""
    assert {r.recall for r in report.index_recall} == {1.0}
    assert {r.asked for r in report.index_recall} == {"queries"}


def test_coverage_counts_what_can_be_searched(tmp_path):
    """Files, distinct contents, those with segments, and the quarantine by reason."""
    items = {"a": {"a.png": "red", "b.png": "blue"}, "b": {"copy.txt": "x y", "again.txt": "x y"}}
    lost = Rejection("media", "c.jpg", None, "decode", "truncated", "ends early", "pillow 1")
    snapshot = make_lake(tmp_path, items, towers(), rejections=[lost])
    found = evaluate(snapshot, towers(), None, FEW, ALL)
    by_modality = {c.modality: c for c in found.coverage}

    assert (by_modality["image"].files, by_modality["image"].embedded) == (2, 2)
    assert (by_modality["text"].files, by_modality["text"].contents) == (2, 1)
    assert found.quarantine == {"truncated": 1}
    assert found.languages == {"en": 1}


def test_other_encoders_than_the_lakes_are_refused(lake):
    """A changed model must not be scored against the old one's vectors."""
    with pytest.raises(ConfigError, match="index again"):
        evaluate(lake, towers(version=2), None, FEW, ALL)


def test_another_fusion_than_the_lakes_is_refused(lake):
    """Fused vectors that cannot be made again cannot be scored."""
    fusion = lake.manifest.fusion
    assert isinstance(fusion, FusionEntry)
    other = lake.manifest.model_copy(
        update={"fusion": fusion.model_copy(update={"fingerprint": "0" * 16})}
    )
    with pytest.raises(EvaluationError, match="index"):
        evaluate(Snapshot.of(lake.layout, other), towers(), None, FEW, ALL)


def test_an_empty_lake_is_unmeasured(tmp_path):
    """A lake without anything has nothing to ask, and its report says so."""
    found = evaluate(make_lake(tmp_path, {}, towers()), towers(), None, FEW, ALL)

    assert (found.status, found.coverage, found.index_recall) == ("unmeasured", [], [])
    assert np.isclose(found.held_out, 0.9)
    assert len(COLOURS) == 8
