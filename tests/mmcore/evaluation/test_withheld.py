import numpy as np
import pytest

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation.queries import Pairs
from mmcore.specs import EvaluationSpec, FitSpec
from storage.manifest import entry
from storage.models import store_model
from storage.snapshot import Snapshot
from tests.fusions import fusion_model
from tests.lakes import COLOURS, coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import asked, evaluate, item, terms_of

ALL = FitSpec(held_out=0.9)
FEW = EvaluationSpec(min_queries=1)


def items():
    """Items of a picture, an English and a Chinese caption; one's Chinese says another colour."""
    liar = {"liar.png": "pink", "liar.txt": "The pink lie", "liar.zh.txt": "蓝色的谎话"}
    colours = [colour for colour in COLOURS if colour != "pink"]
    return {**coloured_items(colours), "liar": liar, "words": {"words.txt": "No picture."}}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A published lake of those items."""
    return make_lake(tmp_path_factory.mktemp("lake"), items(), towers())


def by_name(report):
    """Directions by name."""
    return {direction.name: direction for direction in report.directions}


def test_items_ask_with_all_but_one_side_and_with_all(lake):
    """Both directions have the same queries: an item with two other sides, once for each."""
    found = by_name(evaluate(lake, towers(), None, FEW, ALL))
    present, withheld = found["present→image"], found["withheld→image"]

    assert present.queries == withheld.queries > 0
    assert present.queries % 2 == 0
    assert (present.gallery, withheld.gallery) == (8, 8)
    assert set(withheld.by_mask) == {"without text:en", "without text:zh"}
    assert {of["queries"] for of in withheld.by_mask.values()} == {present.queries / 2}


def test_what_is_withheld_is_not_asked_with(lake):
    """By its Chinese alone the liar finds another colour; without that, its own picture."""
    found = by_name(evaluate(lake, towers(), None, FEW, ALL))["withheld→image"]
    asking = found.queries / 2

    without_chinese, without_english = (
        found.by_mask[f"without text:{language}"]["Success@1"] for language in ("zh", "en")
    )
    assert without_chinese == pytest.approx(1)
    assert without_english == pytest.approx((asking - 1) / asking)


def test_no_more_items_are_walked_than_there_are_queries(lake, monkeypatch):
    """Two queries are of one item; of a target, two items tell."""
    walked, real = [], Pairs.contents
    monkeypatch.setattr(
        Pairs, "contents", lambda pairs, item: walked.append(item) or real(pairs, item)
    )
    spec = EvaluationSpec(min_queries=1, max_queries=2)
    found = by_name(evaluate(lake, towers(), None, spec, ALL))

    assert found["withheld→image"].queries == 2
    assert len(walked) == 2


def test_items_that_captions_join_are_one_group(tmp_path):
    """Also through others: of five in a row each shares a caption with the next one alone."""
    english, chinese = "one one two two six", "甲乙乙丙丙"
    told = zip(list(COLOURS)[:5], english.split(), chinese, strict=True)
    chain = {
        f"c{n}": {f"c{n}.png": c, f"c{n}.txt": f"A wall, {en}.", f"c{n}.zh.txt": f"{zh}的墙。"}
        for n, (c, en, zh) in enumerate(told)
    }
    alone = coloured_items(list(COLOURS)[5:])
    chained = make_lake(tmp_path, {**chain, **alone}, towers())
    found = asked(chained, terms_of(chained, None, FEW))["withheld→image"].full
    joined = {item(chained, name) for name in chain}
    asking = [int(name.partition("/")[0]) for name in found.queries]
    mine = np.array([one in joined for one in asking])

    assert joined == {one for one in asking if one in joined}
    assert set(found.groups[mine].tolist()) == {min(joined)}
    assert not joined & set(found.groups[~mine].tolist())


def test_few_items_are_not_scored(lake):
    """They are counted as items, not as queries."""
    report = evaluate(lake, towers(), None, EvaluationSpec(min_queries=10), ALL)
    unscored = {u.name: u.queries for u in report.unscored}

    assert 0 < unscored["withheld→image"] < 10
    assert "withheld→image" not in by_name(report)


def test_fused_directions_say_what_the_right_item_has(lake):
    """The means by mask, weighted by their queries, are the mean of all."""
    found = by_name(evaluate(lake, towers(), None, FEW, ALL))["text:en→fused"]

    assert set(found.by_mask) == {"image+text"}
    for name, mean in found.means.items():
        parts = [(of["queries"], of[name]) for of in found.by_mask.values()]
        assert np.average([m for _, m in parts], weights=[n for n, _ in parts]) == pytest.approx(
            mean
        )


def test_masks_tell_items_apart(tmp_path):
    """A text without a picture is one mask, with one another."""
    items = {
        **coloured_items(("red", "blue")),
        "words": {"w.txt": "A green door", "v.txt": "Door"},
    }
    found = by_name(evaluate(make_lake(tmp_path, items, towers()), towers(), None, FEW, ALL))

    assert set(found["text:en→fused"].by_mask) == {"image+text", "text"}


def test_concatenated_vectors_are_asked_in_all_blocks(tmp_path):
    """A text finds the item of its colour; an item cannot ask for one medium there."""
    lake = make_lake(tmp_path, coloured_items(), towers(), fusion="concat")
    report = evaluate(lake, towers(), None, FEW, ALL)
    found = by_name(report)["text:en→fused"]

    assert found.means["Success@1"] == 1
    assert {u.name: u.why for u in report.unscored if "withheld" in u.name}.keys() == {
        "withheld→image"
    }
    recall = {r.index: (r.recall, r.asked) for r in report.index_recall}
    assert recall["colours-concat-fused"] == (1.0, "queries")


def test_what_a_fusion_was_trained_on_is_not_asked(lake):
    """As what the projection was fitted on: a held-out item that it saw leaves the queries."""
    seen = next(
        f["content_id"]
        for f in lake.rows("files", ["path", "content_id"]).to_pylist()
        if f["path"] == "liar.png"
    )
    told = FittedOn(contents=frozenset({seen})).to_json()
    model = fusion_model("mlp", 32, spread=0, space="colours", fitted_on=told)
    files = model.to_files("card")
    folder = store_model(lake.layout, "fusion", "f1", files)
    named = [entry(lake.layout.root, path, {}) for path in sorted(folder.iterdir())]
    fused = lake.layout.fused("colours", lake.manifest.fusion.fingerprint)
    fusion = lake.manifest.fusion.model_copy(
        update={"name": "mlp", "version": "f1", "fingerprint": model.fingerprint}
    )
    moved = lake.layout.fused("colours", model.fingerprint)
    moved.mkdir(parents=True)
    (moved / next(fused.iterdir()).name).write_bytes(next(fused.iterdir()).read_bytes())
    files = [
        f.model_copy(update={"path": f"fused/{moved.name}/{f.path.rpartition('/')[2]}"})
        if f.path.startswith("fused/")
        else f
        for f in lake.manifest.files
    ]
    manifest = lake.manifest.model_copy(update={"fusion": fusion, "files": [*files, *named]})
    trained = by_name(evaluate(Snapshot.of(lake.layout, manifest), towers(), None, FEW, ALL))
    plain = by_name(evaluate(lake, towers(), None, FEW, ALL))

    for name in ("text:en→image", "image→fused"):
        assert trained[name].queries == plain[name].queries - 1
