"""The lake's own queries, chosen once."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation.queries import Pairs
from mmcore.evaluation.querysets.frozen import FrozenSet, fingerprint, freeze
from mmcore.specs import EvaluationSpec, FitSpec
from mmcore.training.dataset.lake import bare_rows, fit_rows
from mmcore.training.split import caption_keys, key_of, turn
from storage.schemas import CAPTIONS, QUERIES, Modality
from storage.snapshot import Snapshot
from tests.fakes import HashEncoder
from tests.lakes import coloured_items, make_lake, towers
from tests.mmcore.evaluation.benches import with_table

SPEC = EvaluationSpec(max_queries=6)
HALF = FitSpec(held_out=0.5, min_pairs=2)


def own_captions(copies):
    """Items of a picture and two captions that no other item has."""
    return {
        key: {name: told if name.endswith("png") else f"{told} {key}" for name, told in of.items()}
        for key, of in coloured_items(copies=copies).items()
    }


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Eight items."""
    return make_lake(tmp_path_factory.mktemp("lake"), own_captions(1), towers())


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """The same items, and sixteen more."""
    return make_lake(tmp_path_factory.mktemp("grown"), own_captions(3), towers())


def rows_of(table):
    """Its rows as a list of pairs."""
    return list(zip(table["direction"].to_pylist(), table["content_id"].to_pylist(), strict=True))


def test_the_rows_are_sorted_and_each_is_there_once(lake):
    """By direction, then by content, in the schema of the table."""
    rows = freeze(lake, None, SPEC, HALF)

    assert rows.schema.equals(QUERIES)
    assert rows_of(rows) == sorted(set(rows_of(rows)))
    assert rows.num_rows


def test_the_same_lake_freezes_the_same(grown):
    """A second run makes the very same rows, of nothing and of the first ones."""
    once = freeze(grown, None, SPEC, HALF)

    assert freeze(grown, None, SPEC, HALF).equals(once)
    assert freeze(grown, once, SPEC, HALF).equals(once)


def test_the_first_by_hash_are_chosen(grown):
    """Held-out contents of a side, the smallest ids first, as many as the spec has."""
    pairs = Pairs({m: bare_rows(grown, m) for m in (Modality.TEXT, Modality.IMAGE)})
    every = [q.content_id for q in pairs.questions("image", 0.5, FittedOn())]

    found = FrozenSet.told(freeze(grown, None, SPEC, HALF)).contents("image→text:zh")

    assert len(every) > SPEC.max_queries
    assert list(found) == every[: SPEC.max_queries]


def test_a_lake_that_grows_keeps_every_old_query(lake, grown):
    """New contents come first by hash, and push nobody out; they fill what is left."""
    few = freeze(lake, None, SPEC, HALF)
    more = freeze(grown, few, SPEC, HALF)
    fresh = freeze(grown, None, SPEC, HALF)

    assert set(rows_of(few)) < set(rows_of(more))
    assert not set(rows_of(few)) <= set(rows_of(fresh))
    assert max(len(of) for of in FrozenSet.told(more).directions.values()) == SPEC.max_queries


def test_what_leaves_the_lake_is_not_asked_any_more(lake, grown):
    """Rows go with their contents alone."""
    before = freeze(grown, None, EvaluationSpec(), HALF)
    left = set(rows_of(freeze(lake, before, EvaluationSpec(), HALF)))
    alive = set(lake.rows("item_files")["content_id"].to_pylist())

    assert left == {(name, content) for name, content in rows_of(before) if content in alive}
    assert left < set(rows_of(before))


def test_fewer_at_most_removes_none(grown):
    """A smaller ``max_queries`` only stops new ones."""
    before = freeze(grown, None, SPEC, HALF)

    assert freeze(grown, before, EvaluationSpec(max_queries=1), HALF).equals(before)


def test_a_smaller_share_removes_none(grown):
    """Nor does a smaller ``held_out``."""
    before = freeze(grown, None, SPEC, HALF)

    assert freeze(grown, before, SPEC, FitSpec(held_out=0.0)).equals(before)


def test_a_text_that_is_alone_does_not_ask_for_fused_vectors(tmp_path):
    """Without its own content the item is not in the gallery, so nothing could be right."""
    items = {f"solo-{n}": {f"solo-{n}.txt": f"A red wall, number {n}."} for n in range(8)}
    items |= {"pair": {"pair.txt": "The one green wall.", "pair.png": "green"}}
    lake = make_lake(tmp_path, items, towers())

    found = FrozenSet.told(freeze(lake, None, SPEC, FitSpec(held_out=0.9)))

    for name in ("text:en→fused", "text:en→image"):
        assert len(found.contents(name)) == 1


def test_sides_without_a_common_space_have_no_direction(tmp_path):
    """What cannot be asked is not frozen."""
    items = {key: {**of, f"{key}.wav": "0.1"} for key, of in own_captions(1).items()}
    lake = make_lake(tmp_path, items, towers(audio=True))

    names = FrozenSet.told(freeze(lake, None, SPEC, HALF)).directions

    assert "text:en→image" in names
    assert not [name for name in names if "audio" in name]


def test_a_lake_without_texts_has_no_queries(tmp_path):
    """Nothing is held out where there is no caption."""
    lake = make_lake(tmp_path, {"red": {"red.png": "red"}}, towers())

    rows = freeze(lake, None, SPEC, HALF)

    assert rows.schema.equals(QUERIES)
    assert not rows.num_rows
    assert not len(FrozenSet.told(rows).items(lake))


def test_a_lake_without_the_table_has_an_empty_set(lake):
    """As those of earlier versions."""
    assert FrozenSet.of(lake).directions == {}
    assert FrozenSet.of(lake).contents("text:zh→image") == ()


def test_no_frozen_pair_is_ever_fitted_on(grown):
    """However small a share is held out later."""
    frozen = FrozenSet.told(freeze(grown, None, SPEC, HALF))
    asked = {content for of in frozen.directions.values() for content in of}
    keys = [one.key for one in towers()]
    foreign = [keys[0], HashEncoder(Modality.IMAGE).key]  # of another space, so it is fitted
    none = FitSpec(held_out=0.0, min_pairs=2)

    every, _ = fit_rows(grown, keys[:1], none)
    texts, media = fit_rows(grown, foreign, none, frozen_items=frozen.items(grown))

    assert asked & set(every.content_ids)
    assert len(texts)
    assert media
    assert not asked & set(texts.content_ids)
    assert all(asked.isdisjoint(of.content_ids) for of in media.values())


def test_who_shares_the_caption_that_held_an_item_out_is_not_fitted_on(tmp_path):
    """Else the question would have been learned from; another caption of the item does not count.

    The picture alone is frozen. Its item's captions are shared with one other item each.
    """
    said = sorted(("A red wall.", "一面红色的墙。"), key=lambda text: turn(key_of(text)))
    items = {
        "both": {"both.png": "red", "both.txt": said[0], "both.b.txt": said[1]},
        "first": {"first.png": "blue", "first.txt": said[0]},
        "last": {"last.png": "green", "last.txt": said[1]},
    }
    lake = make_lake(tmp_path, items, towers())
    held = lake.rows("item_files").to_pylist()
    item = {row["path"].partition(".")[0]: row["item_id"] for row in held}
    picture = next(row["content_id"] for row in held if row["path"] == "both.png")

    found = FrozenSet({"image→fused": (picture,)}).items(lake)

    assert found.tolist() == sorted([item["both"], item["first"]])


def test_a_question_of_the_frozen_ones_is_that_of_its_side(grown):
    """It asks as `questions` has it, in the order given; who is not here does not ask."""
    pairs = Pairs({m: bare_rows(grown, m) for m in (Modality.TEXT, Modality.IMAGE)})
    known = {q.content_id: q for q in pairs.questions("image", 0.5, FittedOn())}
    last, first = sorted(known)[-1], sorted(known)[0]
    touched = FittedOn(frozenset({first}))

    found = list(pairs.frozen("image", ["0" * 32, last, first], FittedOn()))

    assert [q.content_id for q in found] == [last, first]
    assert np.array_equal(found[0].relevant, known[last].relevant)
    assert [q.content_id for q in pairs.frozen("image", [last, first], touched)] == [last]
    assert not list(pairs.frozen("text:en", [first], FittedOn()))


def test_the_fingerprint_names_the_choice_and_not_the_rows():
    """Another share is another set."""
    assert fingerprint(FitSpec(held_out=0.5)) == fingerprint(HALF)
    assert fingerprint(FitSpec(held_out=0.4)) != fingerprint(HALF)


def test_rows_are_of_contents_and_nothing_that_grows(lake):
    """Two columns of text, so that parts of equal sets are equal."""
    rows = freeze(lake, None, SPEC, HALF)

    assert rows.column_names == ["direction", "content_id"]
    assert pc.all(pc.equal(pc.utf8_length(rows["content_id"]), 32)).as_py()


def test_a_private_lake_freezes_what_one_with_texts_would(grown):
    """Hashed keys tell what is held out and what is alike; here a key stands for its own hash."""
    texts = bare_rows(grown, Modality.TEXT)
    keys = dict(zip(texts.content_ids, caption_keys(texts), strict=True))
    rows = [{"content_id": content, "key": key} for content, key in sorted(keys.items())]
    segments = grown.rows("segments/text")
    place = segments.schema.get_field_index("text")
    field = segments.schema.field(place)
    hidden = segments.set_column(place, field, pa.nulls(len(segments), pa.string()))
    private = with_table(grown, "segments/text", hidden.cast(segments.schema))
    private = with_table(private, "captions", pa.Table.from_pylist(rows, schema=CAPTIONS))
    told = private.manifest.model_copy(update={"private": True})

    found = freeze(Snapshot(private.layout, told), None, SPEC, HALF)

    assert found.equals(freeze(grown, None, SPEC, HALF))
