"""A space trained on few pairs: what it learns, and how it is told."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from mmcore.encoders.heads import JointHead
from mmcore.encoders.packing import record_of
from mmcore.encoders.projections import Projection, caption_digests
from mmcore.errors import NothingToLearnError
from mmcore.specs import FitSpec
from mmcore.training.alignment.choose import Contest
from mmcore.training.alignment.gather import roles_for, world_of
from mmcore.training.alignment.spec import CcaSpec
from mmcore.training.alignment.train import train_projection
from mmcore.training.projections import fit_projection, unfitted
from mmcore.training.split import caption_keys, fit_rows, is_held_out
from tests.mmcore.training.alignment.trained import RIDGE, train, unseen
from tests.mmcore.training.alignment.worlds import (
    IMAGE,
    KEYS,
    SPEC,
    TEXT,
    VIDEO,
    captions,
    make,
    media,
    world,
)


def test_a_bent_map_is_learnt_from_few_pairs(trained):
    """A hundred pairs of a map that is no rotation: unseen captions find unseen pictures."""
    first, count = unseen(trained.projection)

    assert count > 15
    assert first > 5 / count


def test_one_way_won_and_all_are_told(trained):
    """Trials have names, settings and scores as JSON; exactly one is what was kept."""
    trials = [trial for trial in trained.trials if trial.scores]

    assert {"ridge + hubness", "ridge"} <= {trial.name for trial in trials}
    assert any("network" in trial.name for trial in trials)
    assert any("cca" in trial.name for trial in trials)
    assert any("hubness" in trial.name for trial in trials)
    assert sum(trial.won for trial in trials) == 1
    json.dumps([trial.to_json() for trial in trials])
    won = next(trial for trial in trials if trial.won)
    assert won is trials[0] or won.scores["RR"] >= trials[0].scores["RR"] + SPEC.gain - 1e-4
    assert trained.projection.training["method"] == won.name


def test_what_has_too_few_pairs_is_left_and_told(trained):
    """Ten sounds: no head, no fit, and a trial that says so."""
    assert "hash-audio" not in trained.projection.heads
    assert "hash-audio: left out" in {trial.name for trial in trained.trials}


def test_class_names_lead_what_has_too_few_pairs():
    """An encoder with a classifier is led by it, into the space that training made."""
    keys = [TEXT.key, IMAGE.key, VIDEO.key]
    found = train(RIDGE, n=60, keys=keys)

    assert "hash-video: class names" in {trial.name for trial in found.trials}
    placed = found.projection.project(VIDEO.key, media(9, VIDEO).vectors, [None] * 9)
    assert placed.shape == (9, found.projection.dim)
    assert found.projection.heads["hash-video"].head.state == "label"
    assert [key.name for key in unfitted(keys, found.projection)] == ["hash-video"]


def test_all_that_was_trained_is_fitted(trained):
    """Later index runs keep it: nothing is left to fit, and nothing is fitted."""
    projection = Projection.from_files(trained.projection.to_files())
    keys = [TEXT.key, IMAGE.key]
    rows, given = world(200)

    assert {joined.head.state for joined in projection.heads.values()} == {"fitted"}
    assert unfitted(keys, projection) == ()
    assert fit_projection(rows, given, keys, SPEC.fit, projection, make=make) is None


def test_the_same_seed_gives_the_same_files():
    """Byte for byte, whatever the order of the rows; another seed, other networks."""
    spec = SPEC.model_copy(update={"method": "network"})
    rows, given = world(60)
    back = given[IMAGE.key.name].take(np.arange(60)[::-1])
    files = [
        train_projection(
            rows, {IMAGE.key.name: one}, KEYS, of, "p1", make=make
        ).projection.to_files()["projection.safetensors"]
        for one, of in (
            (given[IMAGE.key.name], spec),
            (back, spec),
            (given[IMAGE.key.name], spec.model_copy(update={"seed": 7})),
        )
    ]

    assert files[0] == files[1]
    assert files[0] != files[2]


def test_nothing_held_out_is_seen(trained):
    """Neither its captions nor its contents are in the record of what was fitted on."""
    rows = captions(120)
    held = {key for key in caption_keys(rows) if is_held_out(key, SPEC.fit.held_out)}
    allowed = set(rows.item_ids[fit_rows(rows, SPEC.fit.held_out)].tolist())
    seen = trained.projection.fitted_on

    assert held
    assert caption_digests(held).isdisjoint(seen.captions)
    pictures = {content for content in seen.contents if content.startswith("hash-image")}
    assert pictures == {f"hash-image-{item}" for item in allowed}


def test_the_files_say_how_it_was_trained(trained):
    """Config and card: method, seed, split, licences and all trials; they come back."""
    files = trained.projection.to_files()
    record = json.loads(record_of(files))["training"]
    card = files["card.md"].decode()

    assert record["seed"] == 0
    assert record["licences"]["hash-text"] == "CC0-1.0"
    assert len(record["trials"]) == len(trained.trials)
    assert "Method:" in card
    assert "CC0-1.0" in card
    assert card.count("| yes |") == 1
    assert Projection.from_files(files).training == trained.projection.training


def test_a_cell_alone_is_where_it_is_in_a_batch(trained):
    """Of texts and pictures, after the way through the files."""
    projection = Projection.from_files(trained.projection.to_files())
    rows, given = world(40)
    for key, some in ((TEXT.key, rows), (IMAGE.key, given[IMAGE.key.name])):
        every = projection.project(key, some.vectors, some.languages)
        alone = [
            projection.project(key, some.vectors[i : i + 1], some.languages[i : i + 1])
            for i in range(len(some))
        ]
        np.testing.assert_allclose(np.concatenate(alone), every, atol=1e-6)


@pytest.mark.parametrize("method", ["ridge", "cca", "network"])
def test_a_method_that_is_named_is_what_is_kept(method):
    """However good the others are; only ``auto`` compares methods."""
    spec = SPEC.model_copy(update={"method": method, "hubness": "off"})
    found = train(spec, n=60)
    won = next(trial for trial in found.trials if trial.won)

    assert method in won.name
    assert found.projection.heads["hash-image"].head.state == "fitted"
    assert bool(found.curves) == (method == "network")


def test_unseen_contents_have_the_coordinates_that_all_have():
    """In the trained space, by another projection: of a medium without a share, with no tilt."""
    spec = RIDGE.model_copy(update={"hubness": "on"})
    found = train(spec, n=60)
    vectors = np.array(list(found.unseen.vectors[IMAGE.key.name].values()))
    head = found.projection.heads[IMAGE.key.name].head

    assert vectors.shape[1] == found.projection.dim
    assert vectors[:, -1] == pytest.approx(np.full(len(vectors), head.height))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(vectors)))


def test_hubs_lose_when_asked_for():
    """Two coordinates more, for all heads."""
    spec = RIDGE.model_copy(update={"hubness": "on"})
    plain, found = train(RIDGE, n=60), train(spec, n=60)

    assert found.projection.dim == plain.projection.dim + 2
    assert "hubness" in next(trial for trial in found.trials if trial.won).name


def test_progress_is_told_a_line_for_each_way():
    """As many as there are trials."""
    lines = []
    rows, given = world(60)
    found = train_projection(rows, given, KEYS[:2], RIDGE, "p1", make=make, progress=lines.append)

    assert len(lines) == len(found.trials)
    assert all("RR" in line for line in lines)


def test_a_second_caption_that_all_share_does_not_end_a_training():
    """Each picture has an English caption of its own, and one Chinese word."""
    rows, given = world(60)
    same = tuple(t if t.startswith("thing") else "图片" for t in rows.texts)
    plain = train_projection(rows, given, KEYS, RIDGE, "p1", make=make)
    found = train_projection(replace(rows, texts=same), given, KEYS, RIDGE, "p1", make=make)

    assert found.projection.training["pairs"][IMAGE.key.name] > 0.7 * 60
    assert len(found.trials) == len(plain.trials)
    assert found.trials[0].scores["RR zh→hash-image"] > 0.9


def test_no_fold_asks_for_a_picture_that_it_was_fitted_on():
    """Each is in two items, one with an English and one with a Chinese caption."""
    rows, given = world(60)
    twice = replace(rows, item_ids=rows.item_ids * 2 + np.tile([0, 1], 60))
    one = given[IMAGE.key.name]
    both = {
        IMAGE.key.name: replace(
            one.take(np.repeat(np.arange(60), 2)),
            item_ids=np.arange(120, dtype=np.int64),
        )
    }
    found = world_of(twice, both, roles_for(KEYS), SPEC.fit, make)

    for shop, mine in Contest(found, SPEC, lambda _: None)._folds:
        assert set(mine.sides[0].content_ids)
        assert not set(shop.world.sides[0].content_ids) & set(mine.sides[0].content_ids)


def test_items_of_one_picture_teach_nothing():
    """As many captions as one likes: there is one thing to see."""
    rows, given = world(60)
    one = given[IMAGE.key.name]
    same = {IMAGE.key.name: replace(one, content_ids=("p",) * len(one))}

    with pytest.raises(NothingToLearnError, match="1 different file"):
        train_projection(rows, same, KEYS, RIDGE, "p1", make=make)


def test_canonical_directions_of_few_pairs_have_a_place_for_each_unseen_content():
    """Folds have fewer directions than all; they are turned to these, and leave nobody out."""
    wide = CcaSpec(dims=(128,), ridges=(0.3,), shares=(0.3,))
    spec = SPEC.model_copy(update={"method": "cca", "hubness": "off", "cca": wide})
    found = train(spec, n=28)
    vectors = found.unseen.vectors[IMAGE.key.name]

    assert "cca" in found.projection.training["method"]
    assert len(vectors) == found.projection.training["pairs"][IMAGE.key.name]


def test_groups_are_not_counted_as_captions():
    """Seven Chinese captions make seven groups of 28 items, whose English captions differ."""
    rows, given = world(28)
    same = tuple(t if t.startswith("thing") else f"颜色{int(t[2:]) % 7}" for t in rows.texts)
    spec = FitSpec(held_out=0)
    found = world_of(replace(rows, texts=same), given, roles_for(KEYS), spec, make)

    assert len(found.sides[0]) == 28
    assert found.naming.count < 8 < len(set(found.naming.own.values()))


def test_a_fold_has_the_names_of_the_whole_world():
    """A word that very many have is a tag in a fold, too, where few have it."""
    rows, given = world(60)
    same = tuple(t if t.startswith("thing") else "图片" for t in rows.texts)
    whole = world_of(replace(rows, texts=same), given, roles_for(KEYS), SPEC.fit, make)
    part = whole.of(list(whole.keys)[:3])
    pairs = part.pairs(part.sides[0], part.captions(JointHead()))

    assert part.naming.count == 3
    assert pairs.right.right(pairs.right, "zh").all()
    assert pairs.right.right(pairs.right, "en").sum() == 3
