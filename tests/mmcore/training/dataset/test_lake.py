from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from mmcore.specs import FitSpec
from mmcore.training import pairs
from mmcore.training.alignment import gather
from mmcore.training.dataset.lake import fit_rows, lake_rows
from mmcore.training.split import fit_rows as fittable
from storage.schemas import Modality, item_id
from storage.snapshot import Snapshot
from storage.tables import read_parts, write_part
from tests.factories import small_lake
from tests.lakes import coloured_items, make_lake, towers


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A lake of coloured walls and one long text."""
    long = " ".join(f"Sentence {n} says nothing." for n in range(60))
    items = {**coloured_items(copies=2), "long": {"long.txt": long}}
    return make_lake(tmp_path_factory.mktemp("lake"), items, towers())


def test_a_segment_has_a_row_for_each_item_it_serves(lake):
    """Equal captions are one segment and one vector, and two rows."""
    rows = lake_rows(lake, Modality.TEXT, space="own")
    mine = [i for i, text in enumerate(rows.texts) if text == "A red wall."]

    assert {item_id("media", "red-1"), item_id("media", "red-2")} == set(
        rows.item_ids[mine].tolist()
    )
    assert len(set(rows.segment_ids[mine].tolist())) == 1
    assert np.array_equal(rows.vectors[mine[0]], rows.vectors[mine[1]])


def test_a_row_has_the_vector_of_its_segment(lake):
    """Rows are joined to vectors by segment id, never by position."""
    rows = lake_rows(lake, Modality.IMAGE, space="own")
    vectors = dict(zip(*(a.tolist() for a in lake.cells(Modality.IMAGE)), strict=True))

    assert rows.vectors.tolist() == [vectors[segment] for segment in rows.segment_ids.tolist()]


def test_rows_come_by_item_and_by_place_in_the_content(lake):
    """Sorted by item; the chunks of a long text are in its order."""
    rows = lake_rows(lake, Modality.TEXT, space="own")
    long = [text for text in rows.texts if text.startswith("Sentence")]

    assert np.all(np.diff(rows.item_ids) >= 0)
    assert len(long) > 2
    assert long == sorted(long, key=lambda text: int(text.split()[1]))


def test_items_choose_rows(lake):
    """Only the rows of the wanted items are given; no item, no row."""
    wanted = item_id("media", "blue-1")

    assert set(lake_rows(lake, Modality.TEXT, space="own", items=[wanted]).item_ids.tolist()) == {
        wanted
    }
    assert len(lake_rows(lake, Modality.TEXT, space="own", items=[])) == 0


def test_a_missing_modality_has_no_rows(lake):
    """A lake without sounds gives no rows of them, not an error."""
    assert len(lake_rows(lake, Modality.AUDIO, space="shared")) == 0


def test_shared_rows_lie_where_they_are_searched(tmp_path):
    """With a projection the shared vectors are the projected ones, of its dimension."""
    snapshot = small_lake(tmp_path)
    own = lake_rows(snapshot, Modality.IMAGE, space="own")
    shared = lake_rows(snapshot, Modality.IMAGE, space="shared")

    assert (own.vectors.shape[1], shared.vectors.shape[1]) == (8, 6)
    assert own.segment_ids.tolist() == shared.segment_ids.tolist()


def test_fitting_gets_no_picture_of_a_held_out_caption(lake, monkeypatch):
    """Media rows are those of items that may be fitted on; texts are all there, to know which."""
    keys = [encoder.key for encoder in towers()]
    monkeypatch.setattr(pairs, "FEWEST_KEYS", 2)
    texts, media = fit_rows(lake, keys, FitSpec(held_out=0.5, min_pairs=2))
    allowed = texts.item_ids[fittable(texts, 0.5)]

    assert set(media) == {"hash-image"}
    assert 0 < len(media["hash-image"]) < 16
    assert set(media["hash-image"].item_ids.tolist()) <= set(allowed.tolist())
    assert len(set(texts.item_ids.tolist())) == 17


def test_no_vector_is_read_where_nothing_can_be_fitted(lake, monkeypatch):
    """Too few pairs for a head, or no head that is wanted: the cells are left alone."""
    read = []
    cells = Snapshot.cells
    monkeypatch.setattr(
        Snapshot,
        "cells",
        lambda self, modality, *rest: read.append(modality) or cells(self, modality, *rest),
    )
    text, image = [encoder.key for encoder in towers()]
    none = FitSpec(held_out=0.0, min_pairs=500)

    texts, media = fit_rows(lake, [text, image], none)
    assert (len(texts), texts.vectors.shape[1], media, read) == (0, 32, {}, [])
    texts, media = fit_rows(lake, [text], FitSpec(held_out=0.0))
    assert (len(texts) > 17, media, read) == (True, {}, [Modality.TEXT])


def test_no_more_rows_are_given_than_a_head_keeps(lake, monkeypatch):
    """Of many pairs those are read that a fit chooses."""
    monkeypatch.setattr(pairs, "MOST", 12)
    keys = [encoder.key for encoder in towers()]
    _, media = fit_rows(lake, keys, FitSpec(held_out=0.0, min_pairs=10))

    assert len(media["hash-image"]) == 12


def test_a_training_reads_captions_of_pairs_and_of_some_others(lake, monkeypatch):
    """Those that would be chosen of all captions; of no others a cell is read."""
    read, cells = [], Snapshot.cells
    monkeypatch.setattr(
        Snapshot,
        "cells",
        lambda self, modality, wanted=None, space=None: (
            read.append((modality, len(wanted))) or cells(self, modality, wanted, space)
        ),
    )
    monkeypatch.setattr(pairs, "MOST", 8)
    monkeypatch.setattr(pairs, "FEWEST_KEYS", 2)
    monkeypatch.setattr(gather, "MOST_ITEMS", 3)
    keys, spec = [encoder.key for encoder in towers()], FitSpec(held_out=0.2, min_pairs=2)
    made = {encoder.key.name: encoder for encoder in towers()}
    apart = [keys[0], replace(keys[1], space="views")]
    roles = gather.roles_for(apart)

    every, media = fit_rows(lake, keys, spec)
    some, same = fit_rows(lake, keys, spec, others=3)

    paired = set(media["hash-image"].item_ids.tolist())
    assert len(set(some.item_ids.tolist()) - paired) == 3
    assert len(set(some.item_ids.tolist())) < len(set(every.item_ids.tolist()))
    assert (Modality.TEXT, len(set(some.segment_ids.tolist()))) in read
    worlds = [
        gather.world_of(texts, rows, roles, spec, lambda key: made[key.name])
        for texts, rows in ((every, media), (some, same))
    ]
    assert worlds[0].texts.segment_ids.tolist() == worlds[1].texts.segment_ids.tolist()
    assert np.array_equal(worlds[0].texts.vectors, worlds[1].texts.vectors)


def test_a_lake_without_the_medium_is_not_read(lake, monkeypatch):
    """Sounds wait for ever in a lake of pictures: no table is read for them."""
    monkeypatch.setattr(Snapshot, "rows", None)
    sound = towers(audio=True)[2].key
    texts, media = fit_rows(lake, [sound], FitSpec())

    assert (len(texts), media) == (0, {})


@pytest.fixture
def derived(tmp_path):
    """The walls, of which each English caption is a subtitle instead."""
    snapshot = make_lake(tmp_path, coloured_items(copies=2), towers())
    for path in snapshot.manifest.paths("segments/text"):
        table = read_parts([snapshot.layout.root / path])
        sources = [
            "subtitle:0" if text.isascii() else "self" for text in table["text"].to_pylist()
        ]
        place = table.column_names.index("source")
        (snapshot.layout.root / path).unlink()
        table = table.set_column(place, table.schema.field(place), pa.array(sources))
        write_part(snapshot.layout.root / path, table)
    return snapshot


def test_nothing_is_fitted_on_what_was_read_or_heard(derived):
    """Subtitles are rows of the lake, for fusion; what is fitted on are captions alone."""
    keys = tuple(e.key for e in towers())

    texts, media = fit_rows(derived, keys, FitSpec(min_pairs=8, held_out=0))

    rows = lake_rows(derived, Modality.TEXT, space="own")
    assert sum(text.isascii() for text in rows.texts) == len(rows) // 2
    assert rows.derived.tolist() == [text.isascii() for text in rows.texts]
    assert len(texts) == len(rows) // 2
    assert not any(text.isascii() for text in texts.texts)
    assert len(media[keys[1].name]) > 0


def test_a_lake_of_captions_marks_none(lake):
    """No row is copied to find that out."""
    rows = lake_rows(lake, Modality.TEXT, space="own")

    assert rows.derived is None
    assert rows.captions() is rows


def test_pairs_are_counted_by_their_own_captions(tmp_path):
    """Sixteen English captions; seven Chinese ones make seven groups of these items."""
    items = coloured_items(copies=2)
    for number, (name, files) in enumerate(items.items()):
        files[f"{name}.txt"] = f"Wall number {number}."
        files[f"{name}.zh.txt"] = f"第{number // 2 % 7}面墙"
    snapshot = make_lake(tmp_path, items, towers())
    _, media = fit_rows(snapshot, [e.key for e in towers()], FitSpec(held_out=0))

    assert len(media["hash-image"]) == 16
