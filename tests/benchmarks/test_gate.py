"""What the gate is measured with is what it claims to be."""

from dataclasses import replace
from types import SimpleNamespace

import ir_measures
import numpy as np
import pytest
from ir_measures import Qrel, ScoredDoc

from benchmarks import gate_metrics, gate_plants
from benchmarks.gate_aa import label_swaps
from benchmarks.gate_power import Noise, Point, planted, power, sides
from benchmarks.gate_sample import Sampled, interval
from benchmarks.gate_set import (
    Asked,
    Ranked,
    deepness,
    directions,
    reciprocal,
    success,
)
from mmcore.encoders.projections import FittedOn
from mmcore.evaluation.evaluate import searched_rows
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.reporting import runs
from storage.indexes.files import Index
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tasks.workplace import Workplace
from tests.lakes import coloured_items, make_lake, towers

QUERIES = 200


def ranked(name="text:zh→image", language="zh", seed=0):
    """A direction of made ranks: about half of its queries find something in the first ten."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 21, QUERIES)
    names = tuple(f"{number:04}/{language}" for number in range(QUERIES))
    return Ranked(name, names, np.repeat(np.arange(QUERIES // 2), 2), language, first)


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Four items a colour, with pictures and captions in two languages."""
    return make_lake(tmp_path_factory.mktemp("gate"), coloured_items(copies=4), towers())


def test_ranks_say_what_the_measures_do():
    """Nothing found is neither a success nor near; rank 11 is no success, and has an RR."""
    first = np.array([0, 1, 10, 11, 100])

    assert success(first).tolist() == [0, 1, 1, 0, 0]
    assert reciprocal(first).tolist() == [0, 1, 1 / 10, 1 / 11, 1 / 100]
    assert deepness(first).tolist() == np.log([101, 1, 10, 11, 100]).tolist()


def test_a_sample_is_drawn_by_groups():
    """A group comes with all its queries, a copy of it is a group of its own."""
    sampled = Sampled([ranked(), ranked("text:en→image", "en", 1)], GateSpec(flips=100))
    drawn = sampled.drawn(np.random.default_rng(0), 1000, 0)

    assert 1000 <= len(drawn.places[0]) < 1002
    assert np.array_equal(drawn.places[0] // 2, drawn.places[1] // 2)
    groups, counts = np.unique(drawn.copies[0], return_counts=True)
    assert set(counts) == {2}
    assert len(groups) > QUERIES // 2  # some came again


def test_a_sample_is_judged_as_the_gate_judges_it():
    """Rows that are made from arrays, for speed, block where the gate's own comparison does."""
    both = [ranked(), ranked("text:en→image", "en", 1)]
    sampled = Sampled(both, GateSpec(flips=500))
    found = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        point = Point("", 0.1, planted(0.04 * seed, 0.3), planted(0.0, 0.1))
        drawn = sampled.resampled(rng)
        before, after = sides(both, drawn, 0, point, rng)
        blocked = sampled.blocked(sampled.table(drawn, before, after)).rows
        assert sampled.agrees(drawn, before, after, blocked)
        found.append(bool(blocked.any()))
    assert len(set(found)) == 2  # else nothing was told apart


@pytest.mark.parametrize("churn", [0.0, 0.2])
@pytest.mark.parametrize("drop", [0.0, 0.05, 0.1])
def test_a_planted_drop_is_as_large_as_it_says(drop, churn):
    """On average, and as many queries change as are to; without a churn nothing gains."""
    one = ranked()
    rng = np.random.default_rng(2)
    places = np.arange(QUERIES)
    drops, changes, gains = [], [], []
    for _ in range(300):
        before, after = planted(drop, churn)(one, places, rng)
        lost = success(before) - success(after)
        drops.append(lost.mean())
        changes.append(np.abs(lost).mean())
        gains.append(np.count_nonzero(lost < 0))
    assert np.mean(drops) == pytest.approx(drop, abs=0.006)
    assert np.mean(changes) == pytest.approx(max(drop, churn), abs=0.01)
    assert bool(sum(gains)) == (churn > 0)


def test_swapped_labels_rarely_block():
    """Two rankings that are equally good: what is called before is a toss, and so is a fall."""
    one = [ranked(), ranked("text:en→image", "en", 1)]
    other = [ranked(seed=8), ranked("text:en→image", "en", 9)]

    told = label_swaps(one, other, 100)

    assert told["blocked"] <= 5  # of 100 at .01: six or more come once in 1,900 times
    assert told["as compared()"]


def test_the_interval_of_a_share_is_exact():
    """No false alarm in 200 leaves room for 1.8 %: 1 − .025 ** (1 / 200)."""
    assert interval(0, 200) == {"low": 0.0, "high": round(1 - 0.025 ** (1 / 200), 4)}


def test_directions_of_a_lake_find_what_is_alike(lake):
    """Pictures find the caption of their colour first, and noise in the queries takes that.

    The captions are too few to ask: equal ones are one content.
    """
    found = {one.name: one for one in directions(searched_rows(lake), 0.9, FittedOn())}

    assert set(found) == {"image→text:en", "image→text:zh"}
    one = found["image→text:en"]
    assert isinstance(one, Asked)
    assert success(one.ranks()).mean() == 1
    noisy = one.ranks(one.noisy(20.0, np.random.default_rng(0)))
    assert reciprocal(noisy).mean() < reciprocal(one.ranks()).mean()


def test_noise_is_another_for_each_realisation(lake):
    """Queries of one draw see different noise, and "before" never the same as "after"."""
    asked = list(directions(searched_rows(lake), 0.9, FittedOn()))
    noise = Noise.of(asked, 8.0, 3, seed=1)
    one = asked[0].ranked()

    before, after = noise.changed(one, np.arange(len(one.first)), np.random.default_rng(0))

    assert not np.array_equal(before, after)


@pytest.mark.slow
def test_power_is_measured_for_every_plant(lake):
    """Nothing is caught where nothing falls by more than it may, all where half of it is lost."""
    asked = list(directions(searched_rows(lake), 0.9, FittedOn()))

    told = list(power(asked, "image→text:en", draws=2, queries=300, drops=(0.01, 0.5)))

    caught = {(row["plant"], row["drop"]): row["caught"] for row in told}
    assert caught["losses alone", 0.01] == 0
    assert caught["losses alone", 0.5] == 2
    assert caught["noise in the queries", 0.5] == 2
    assert all(row["as compared()"] for row in told)


def test_what_was_worked_out_by_hand_is_what_is_measured():
    """One right answer, none found, all found, more right than ranks: every measure."""
    told = list(gate_metrics.by_hand())

    assert [row["measure"] for row in told] == list(gate_metrics.BY_HAND)
    assert max(row["most apart"] for row in told) < 1e-12


def test_trec_eval_is_asked_by_its_own_names():
    """Two right answers at ranks 2 and 3 of a run of four, a third one that is not in it."""
    qrels = [Qrel("q", doc, 1) for doc in ("b", "c", "z")]
    run = [ScoredDoc("q", doc, -rank) for rank, doc in enumerate("abcd", 1)]

    found = gate_metrics.raw(qrels, run)

    assert found["q", "RR"] == 1 / 2
    assert found["q", "AP@100"] == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert found["q", "F1@10"] == pytest.approx(2 * (2 / 10) * (2 / 3) / (2 / 10 + 2 / 3))
    known = [ir_measures.parse_measure(name) for name in gate_metrics.TREC]
    for (query, name), value in gate_metrics.calculated(known, qrels, run).items():
        assert found[query, name] == pytest.approx(value, abs=1e-12)


def test_a_query_is_named_as_the_run_names_it():
    """Blanks and percent signs are coded; a user's set stands before its direction."""
    outcome = replace(ranked().outcome(), name="image→text:en", queries=("50 % off",) * QUERIES)
    row = {"set": "held-out", "direction": "image→text:en", "query": "50 % off"}

    assert gate_metrics.topic(row) == runs._topics(outcome)[0] == "image→text:en/50%20%25%20off"
    mine = replace(outcome, set="shop")
    assert gate_metrics.topic(row | {"set": "shop"}) == runs._topics(mine)[0]


def test_moved_vectors_are_the_same_vectors():
    """A twentieth of the rows have another's place, and none is lost."""
    vectors = np.arange(200, dtype=np.float32)[:, None] * np.ones(3, dtype=np.float32)
    found = gate_plants.moved(vectors)

    assert np.count_nonzero(found[:, 0] != vectors[:, 0]) == 10
    assert sorted(found[:, 0]) == sorted(vectors[:, 0])


def test_sounds_lose_their_vectors_and_keep_their_files(tmp_path):
    """Cells and segments of the medium leave the manifest, rows of files and items stay."""
    items = coloured_items(copies=1) | {"loud": {"loud.wav": "1", "loud.txt": "A loud red sound."}}
    snapshot = make_lake(tmp_path, items, towers(audio=True))

    told = gate_plants.silent(snapshot.manifest, Workplace.of(snapshot), None)

    assert snapshot.manifest.paths("segments/audio")
    assert not told.paths("segments/audio")
    assert not told.paths("embeddings/audio")
    left = Snapshot.of(snapshot.layout, told)
    assert left.rows("files").num_rows == snapshot.rows("files").num_rows


def test_an_index_that_reads_one_list_misses_much(lake):
    """It opens, its files have the right checksums, and gives less of the exact answer back."""
    work = Workplace.of(lake)
    told = gate_plants.probing_one(lake.manifest, work, lake)
    entry = next(one for one in told.indexes if one.modality == Modality.IMAGE)
    index = Index.open(lake.layout.root / entry.path)

    assert (index.card.type, index.card.setting.nprobe) == ("ivf-flat", 1)
    assert told.paths(entry.path)
    _, _, vectors = lake.vectors(Modality.IMAGE)
    before = lake.index(Modality.IMAGE)
    assert before is not None
    found = [one.search(vectors, 10)[1] for one in (before, index)]
    assert np.count_nonzero(found[1] < 0) > 0 or not np.array_equal(*found)


def test_a_stage_of_the_flow_gets_its_plant(monkeypatch):
    """What the stage returns is handed on, changed; an unknown plant is an error."""
    seen = []
    flow = SimpleNamespace(build_indexes=lambda *_: "built")
    monkeypatch.setitem(
        gate_plants.PLANTS,
        "test",
        gate_plants.Stage("build_indexes", lambda *told: seen.append(told) or "planted"),
    )
    work = object.__new__(Workplace)

    gate_plants.planted("test", flow)

    assert flow.build_indexes("manifest", work, None) == "planted"
    assert seen == [("built", work, None)]
    with pytest.raises(KeyError):
        gate_plants.planted("no such plant", flow)
