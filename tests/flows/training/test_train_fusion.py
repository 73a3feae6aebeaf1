"""`mmindex train`: from the rows and cells of a lake to one that serves."""

import json
import shutil

import numpy as np
import pytest

from mmcore.search.searcher import Searcher
from mmcore.training.alignment import train as alignment
from mmcore.training.fusing.train import fit_fusion
from mmcore.types import Query
from storage import candidates, models
from storage.diff import diff
from storage.keys import read_key
from storage.layout import Layout
from storage.published import published
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests import crashes, deaths, learning
from tests.learning import LEARNED, OPTIONS, promote, serving, train


def test_a_lake_learns_without_a_file_of_its_media(tmp_path, index):
    """Rows and cells stay as they are; vectors, indexes and the projection are new, and serve."""
    learning.make(tmp_path)
    lake = tmp_path / "lake"
    before = serving(lake)
    shutil.rmtree(tmp_path / "media")

    result = train(lake)

    after = serving(lake)
    assert (result.status, result.snapshot, result.projection) == ("promoted", 2, "p2")
    assert result.models == ("projection/p2",)
    assert after.manifest.parent == 1
    for table in ("files", "items", "item_files", "segments", "embeddings"):
        assert after.manifest.paths(table) == before.manifest.paths(table)
    assert after.manifest.projection.space == after.manifest.fusion.space == "words/p2"
    assert {index.space for index in after.manifest.indexes} == {"words/p2"}
    changes = diff(before, after)
    assert (changes.items, changes.files) == (type(changes.items)(), type(changes.files)())
    assert {"projection", "fusion"} <= {setting.name for setting in changes.settings}
    assert result.after >= result.before
    assert not candidates.runs(Layout(lake))


def test_a_run_after_a_training_keeps_what_was_promoted(tmp_path, index):
    """With nothing new it is unchanged; with a new picture it is projected, and fused, alike."""
    learning.make(tmp_path)
    folder, lake = tmp_path / "media", tmp_path / "lake"
    assert train(lake, **LEARNED, force=True).fusion == "mlp f1"

    assert index(folder, lake).status == "unchanged"
    learning.add(folder, "one", "red", "A red thing that is new.")
    assert index(folder, lake).status == "published"

    manifest = serving(lake).manifest
    assert (manifest.number, manifest.projection.version) == (3, "p2")
    assert (manifest.fusion.name, manifest.fusion.version) == ("mlp", "f1")
    hits = Searcher.open(str(lake)).search(Query(text="A red thing that is new.", k=3))
    assert any(hit.key == "one" for hit in hits)


def test_the_same_seed_makes_the_same_model(lake, made, tmp_path):
    """All tensors and the record are equal, bit by bit."""
    other = learning.copied(made, tmp_path / "other")
    for one in (lake, other):
        train(one, **LEARNED, promote=False, seed=3)

    for name in ("projection/p2", "fusion/f1"):
        kind, _, version = name.partition("/")
        one, two = (
            {
                path.name: path.read_bytes()
                for path in models.files_of(Layout(root).model(kind, version))
                if path.suffix == ".safetensors" or path.name.startswith("config-")
            }
            for root in (lake, other)
        )
        assert one == two
        assert len(one) == 2


def test_a_model_says_what_it_came_of(lake):
    """Card, record and report: data, split, what was tried, seed and licences."""
    result = train(lake, seed=5)

    folder = Layout(lake).model("projection", "p2")
    told = json.loads((folder / "training.json").read_bytes())
    assert (told["seed"], told["held_out"], told["snapshot"]) == (5, 0.25, 1)
    assert told["pairs"] == result.pairs == {"views-image": told["pairs"]["views-image"]}
    assert set(told["licences"].values()) == {"CC0-1.0"}
    assert [trial["name"] for trial in told["trials"] if trial["won"]] == ["ridge"]
    card = (folder / "card.md").read_text("utf-8")
    assert all(word in card for word in ("seed 5", "25%", "CC0-1.0", "ridge", "views-image"))
    report = json.loads((Layout(lake).training("p2") / "report.json").read_bytes())
    assert (report["status"], report["snapshot"]) == ("promoted", 2)
    assert report["scores"] == result.scores
    page = (Layout(lake).training("p2") / "report.html").read_text("utf-8")
    assert "text:en→image" in page
    line = learning.lines(lake)["projection/p2"]
    assert (line["trained"], line["seed"], line["licences"]) == (True, 5, told["licences"])


def test_a_training_that_comes_to_what_serves_changes_nothing(lake):
    """The lake is as it was: nothing is stored, published or refused; other epochs are new."""
    assert train(lake, **LEARNED, force=True).models == ("projection/p2", "fusion/f1")

    again = train(lake, **LEARNED)
    other = train(
        lake, **LEARNED | {"fusing": LEARNED["fusing"] | {"hidden": (9,)}}, promote=False
    )

    assert (again.status, again.why, again.models, again.snapshot) == ("unchanged", "same", (), 2)
    assert again.won["projection"] == ("ridge",)
    assert (other.status, other.models, other.projection) == ("stored", ("fusion/f2",), "p2")
    assert models.every(Layout(lake)) == [
        "fusion/f1",
        "fusion/f2",
        "projection/p1",
        "projection/p2",
    ]
    assert published(Layout(lake)) == [1, 2]
    assert not candidates.runs(Layout(lake))


def test_a_fusion_learns_of_media_as_if_unseen(lake, monkeypatch):
    """It is given the places of the projection's training beside those that the lake serves."""
    given, trained, real = [], [], fit_fusion
    train_projection = alignment.train_projection
    monkeypatch.setattr(
        alignment,
        "train_projection",
        lambda *rest, **how: trained.append(train_projection(*rest, **how)) or trained[0],
    )
    monkeypatch.setattr(
        "mmcore.training.fusing.train.fit_fusion",
        lambda space, rows, *rest: given.append((rows, rest[-1])) or real(space, rows, *rest),
    )
    train(lake, **LEARNED, force=True)

    rows, unseen = given[0][0][Modality.IMAGE], given[0][1]
    places = unseen.vectors["image"]
    assert places == trained[0].unseen.vectors["views-image"]
    assert unseen.folds == trained[0].unseen.folds
    mine = [row for row, content in enumerate(rows.content_ids) if content in places]
    assert len(mine) > 20
    assert {int(rows.item_ids[row]) for row in mine} <= set(unseen.folds)
    _, ids, served = serving(lake).vectors(Modality.IMAGE, rows.segment_ids)
    assert np.array_equal(ids, np.sort(rows.segment_ids))
    by_id = {one: vector for one, vector in zip(ids.tolist(), served, strict=True)}
    assert all(np.array_equal(by_id[int(rows.segment_ids[r])], rows.vectors[r]) for r in mine)
    assert any(float(places[rows.content_ids[r]] @ rows.vectors[r]) < 0.999 for r in mine)


def test_a_private_lake_tells_nothing_of_itself(tmp_path, index):
    """No name, no text and not its key is in a model, a card or a report."""
    learning.fill(tmp_path / "media")
    lake = tmp_path / "lake"
    index(tmp_path / "media", lake, private=True)

    result = train(lake, **LEARNED, force=True)

    assert result.status == "promoted"
    key = read_key(Layout(lake))
    words = [b"red0x", b"red thing", b"media/", key, key.hex().encode(), str(tmp_path).encode()]
    told = [p for top in ("models", "reports") for p in (lake / top).rglob("*") if p.is_file()]
    assert len(told) > 6
    assert [(p.name, word) for p in told for word in words if word in p.read_bytes()] == []
    serving(lake)


@pytest.mark.slow
def test_a_training_may_be_killed_at_any_change_of_the_disk(made, lake, tmp_path, monkeypatch):
    """What serves is whole, the rest is dropped, and the next training ends as undisturbed."""
    with crashes.quick():
        place, died = 1, 0
        while True:
            one = learning.copied(made, tmp_path / "killed")
            with deaths.dying(monkeypatch, one, at=place) as disk:
                train(one)
            if not disk.dead:
                break
            died += 1
            done = serving(one).manifest.number
            result = train(one)
            assert result.status == {1: "promoted", 2: "unchanged"}[done], disk.told
            serving(one)
            assert not candidates.runs(Layout(one)), disk.told
            shutil.rmtree(one)
            place += 7
    assert died > 5


@pytest.mark.slow
def test_a_lake_in_a_store_learns_like_one_in_a_folder(s3, tmp_path, index):
    """The same media give the same scores, and all is in the store."""
    learning.fill(tmp_path / "media")
    lake = f"{s3.bucket()}/lake"
    with learning.mistaken():
        index(tmp_path / "media", lake)

    result = train(lake)

    assert (result.status, result.snapshot) == ("promoted", 2)
    assert result.report == f"{lake}/reports/training/p2/report.html"
    assert promote(lake, None).projection == "p1"


def test_options_are_those_of_the_lake(lake):
    """What is held out, and how it is measured, a training takes from the lake's last run."""
    assert Snapshot.open(Layout(lake)).manifest.specs["fit"] == OPTIONS["fit"].model_dump()
