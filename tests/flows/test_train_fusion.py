"""`mmindex train` and `mmindex models`: from the rows and cells of a lake to one that serves."""

import json
import shutil

import pytest

from flows.models import listed
from flows.snapshots import run_list
from mmcore.encoders.projections import Projection
from mmcore.errors import (
    ConfigError,
    EvaluationError,
    NothingToLearnError,
    TrainingError,
    UnknownPluginError,
)
from mmcore.evaluation.evaluate import evaluate, learned_from
from mmcore.search.searcher import Searcher
from mmcore.specs import FitSpec
from mmcore.training.alignment import train as alignment
from mmcore.training.fusing.train import fit_fusion
from mmcore.types import Query
from storage import candidates, models
from storage.diff import diff
from storage.errors import LakeLockedError, NoLakeError, UnknownModelError
from storage.keys import read_key
from storage.layout import Layout
from storage.locks import writer_lock
from storage.schemas import Modality
from storage.snapshot import Snapshot, current, published
from tests import crashes, learning, media
from tests.learning import LEARNED, OPTIONS, badly, promote, serving, train


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder and its lake of one snapshot."""
    return learning.make(tmp_path_factory.mktemp("learning"))


@pytest.fixture
def index(monkeypatch):
    """The flows as plain functions, over encoders that know eight words."""
    return learning.indexer(monkeypatch)


@pytest.fixture
def lake(made, tmp_path, index):
    """A lake to be trained on, whose media are elsewhere."""
    return learning.copied(made, tmp_path / "lake")


def lines(lake):
    """What `mmindex models list` says, by model."""
    layout = Layout(lake)
    return {line["model"]: line for line in listed(layout, Snapshot.open(layout).manifest)}


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


def test_a_model_that_is_worse_is_stored_and_does_not_serve(lake, monkeypatch, capsys):
    """Its candidate stays, blocked, and all lists say why; --force lets it serve."""
    train(lake)
    badly(monkeypatch)

    result = train(lake)

    assert (result.status, result.why, result.snapshot) == ("refused", "worse", 2)
    assert result.after < result.before
    assert current(Layout(lake)) == 2
    (blocked,) = candidates.blocked(Layout(lake))
    assert blocked.reason == result.reason
    run_list(str(lake), as_json=True)
    assert result.reason in capsys.readouterr().out
    line = lines(lake)["projection/p3"]
    assert (line["state"], line["reason"]) == ("refused", result.reason)
    states = {name: line["state"] for name, line in lines(lake).items()}
    assert (states["projection/p1"], states["projection/p2"]) == ("served", "serves")
    again = promote(lake, "projection/p3")
    assert (again.status, again.why) == ("refused", "worse")
    assert promote(lake, "projection/p3", force=True).status == "promoted"
    assert serving(lake).manifest.projection.version == "p3"


def test_a_rollback_lets_serve_what_served_before(lake):
    """It is a new snapshot of today's rows; a second rollback takes the first one back."""
    train(lake, **LEARNED, force=True)

    back = promote(lake, None)
    manifest = serving(lake).manifest
    again = promote(lake, None)

    assert (back.status, back.projection, back.fusion) == ("promoted", "p1", "mean")
    assert (manifest.number, manifest.projection.version) == (3, "p1")
    assert (again.projection, again.fusion) == ("p2", "mlp f1")
    assert serving(lake).manifest.fusion.version == "f1"
    assert published(Layout(lake)) == [1, 2, 3, 4]


def test_without_other_models_there_is_nothing_to_go_back_to(lake):
    """It is said, and nothing is published."""
    with pytest.raises(ConfigError, match="no kept snapshot before 1"):
        promote(lake, None)
    assert published(Layout(lake)) == [1]


def test_what_is_not_to_be_promoted_is_stored_and_measured(lake):
    """No candidate is left; later it is promoted by its name, with the fusion it came with."""
    result = train(lake, **LEARNED, promote=False)

    assert (result.status, current(Layout(lake))) == ("stored", 1)
    assert set(result.models) == {"projection/p2", "fusion/f1"}
    assert result.scores
    assert not candidates.runs(Layout(lake))
    assert lines(lake)["projection/p2"]["state"] == "stored"
    with pytest.raises(ConfigError, match="promote the projection of that space first"):
        promote(lake, "fusion/f1")
    done = promote(lake, "projection/p2", force=True)
    assert (done.status, done.projection, done.fusion) == ("promoted", "p2", "mlp f1")
    assert promote(lake, "projection/p2").status == "unchanged"
    serving(lake)


@pytest.mark.parametrize("name", ["projection/p9", "projection", "other/p1", "../lake", "p1"])
def test_an_unknown_version_is_named_with_those_that_there_are(lake, name):
    """Nothing is published, and no candidate is left."""
    with pytest.raises(UnknownModelError, match="projection/p1"):
        promote(lake, name)
    assert not candidates.runs(Layout(lake))


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
    line = lines(lake)["projection/p2"]
    assert (line["trained"], line["seed"], line["licences"]) == (True, 5, told["licences"])


def texts(folder):
    """Captions alone."""
    for number in range(20):
        media.text(folder / f"{number}x.txt", f"The text number {number}.")


def pictures(folder):
    """Pictures alone."""
    learning.fill(folder, each=1)
    for path in folder.glob("*.txt"):
        path.unlink()


def strangers(folder):
    """Both, and no item has both."""
    pictures(folder)
    texts(folder)


def couple(folder):
    """One pair, beside what is alone."""
    strangers(folder)
    learning.add(folder, "pair", "red", "A red thing and its caption.")


@pytest.mark.parametrize(
    ("filled", "says"),
    [
        (texts, "has texts alone"),
        (pictures, "has no texts"),
        (strangers, "has no pair of a caption"),
        (couple, "has one pair of a caption and another medium to learn from \\(1 of image\\)"),
    ],
)
def test_too_little_is_said_before_any_work(tmp_path, index, filled, says):
    """Nothing is stored, what is published serves, and the run is over at once."""
    filled(tmp_path / "media")
    index(tmp_path / "media", tmp_path / "lake", fit=FitSpec(min_pairs=16, held_out=0))

    with pytest.raises(NothingToLearnError, match=says):
        train(tmp_path / "lake")
    assert published(Layout(tmp_path / "lake")) == [1]
    assert not candidates.runs(Layout(tmp_path / "lake"))


@pytest.mark.parametrize(
    "error",
    [
        TrainingError("epoch 3: the loss is nan"),
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
@pytest.mark.parametrize("model", ["alignment", "fusing"])
def test_a_training_that_comes_to_nothing_leaves_what_serves(lake, monkeypatch, model, error):
    """A loss that is no number, no memory: nothing is promoted, and the next training goes on."""
    name = {"alignment": "train_projection", "fusing": "fit_fusion"}[model]
    monkeypatch.setattr(f"mmcore.training.{model}.train.{name}", raising(error))

    with pytest.raises(TrainingError):
        train(lake, **LEARNED)

    assert current(Layout(lake)) == 1
    assert not candidates.runs(Layout(lake))
    monkeypatch.undo()
    learning.indexer(monkeypatch)
    assert train(lake).status == "promoted"
    serving(lake)


def raising(error):
    """A training that fails."""

    def training(*_, **__):
        raise error

    return training


def test_a_loss_that_explodes_is_said_and_promotes_nothing(lake):
    """A learning rate beyond all measure, with the real network."""
    network = {"learning_rate": 1e30, "epochs": 3, "members": 1}

    with pytest.raises(TrainingError, match="the loss is"):
        train(lake, align={"method": "network", "network": network})
    assert models.every(Layout(lake)) == ["projection/p1"]
    assert current(Layout(lake)) == 1


def test_a_broken_vector_is_no_lesson(lake, monkeypatch):
    """Vectors that are not finite are found before any work."""
    real = Snapshot.cells

    def cells(self, *arguments, **options):
        ids, vectors = real(self, *arguments, **options)
        vectors[0] = float("nan")
        return ids, vectors

    monkeypatch.setattr(Snapshot, "cells", cells)
    with pytest.raises(TrainingError, match="snapshots verify"):
        train(lake)


def test_one_writer_a_lake(lake):
    """While another run holds the lake nothing is trained or promoted."""
    with writer_lock(Layout(lake)):
        with pytest.raises(LakeLockedError):
            train(lake)
        with pytest.raises(LakeLockedError):
            promote(lake, "projection/p1")
    assert models.every(Layout(lake)) == ["projection/p1"]


def test_a_folder_without_a_snapshot_is_no_lake(tmp_path, index):
    """It is not made, or written into."""
    with pytest.raises(NoLakeError):
        train(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("settings", "error"),
    [({"fusion": "magic"}, UnknownPluginError), ({"force": True, "promote": False}, ConfigError)],
)
def test_settings_that_cannot_be_are_refused_before_any_work(lake, settings, error):
    """Nothing is stored."""
    with pytest.raises(error):
        train(lake, **settings)
    assert models.every(Layout(lake)) == ["projection/p1"]


def test_other_encoders_than_the_lakes_cannot_be_trained_on(lake, monkeypatch):
    """Its vectors were made by others: index first."""
    made = learning.makers()
    newer = {"words-text": lambda cut: learning.MeaningEncoder(Modality.TEXT, "words", version=2)}
    crashes.use_encoders(monkeypatch.setattr, {**made, **newer})

    with pytest.raises(ConfigError, match="mmindex index"):
        train(lake)


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


def test_both_are_asked_the_same(lake, monkeypatch):
    """Neither is asked with what the other has learned from; what serves is scored for it anew."""
    asked = []

    def scoring(snapshot, encoders, projection, spec, fit, also):
        asked.append((projection.version, learned_from(snapshot, projection) | also))
        return evaluate(snapshot, encoders, projection, spec, fit, also)

    monkeypatch.setattr("tasks.evaluate.evaluate", scoring)
    fewer = Snapshot.open(Layout(lake)).manifest
    result = train(lake)

    (new, one), (old, other) = asked
    assert (new, old) == ("p2", "p1")
    assert one == other
    stored = [
        models.load_model(Layout(lake), m, "projection", v)
        for m, v in ((fewer, "p1"), (serving(lake).manifest, "p2"))
    ]
    for files in stored:
        seen = Projection.from_files(files).fitted_on
        assert seen.contents <= one.contents
        assert seen.captions <= one.captions
    report = json.loads((Layout(lake).training("p2") / "report.json").read_bytes())
    queries = report["scores"].keys() & report["scores_before"].keys()
    assert set(result.directions) == queries


def test_a_fusion_learns_of_media_as_if_unseen(lake, monkeypatch):
    """It is given the places of the projection's training, not those that the lake serves."""
    given, trained, real = [], [], fit_fusion
    train_projection = alignment.train_projection
    monkeypatch.setattr(
        alignment,
        "train_projection",
        lambda *rest, **how: trained.append(train_projection(*rest, **how)) or trained[0],
    )
    monkeypatch.setattr(
        "mmcore.training.fusing.train.fit_fusion",
        lambda space, rows, *rest: given.append(rows) or real(space, rows, *rest),
    )
    train(lake, **LEARNED, force=True)

    unseen, rows = trained[0].unseen["views-image"], given[0][Modality.IMAGE]
    assert len(unseen) > 20
    mine = [row for row, content in enumerate(rows.content_ids) if content in unseen]
    assert len(mine) > 20
    for row in mine:
        assert rows.vectors[row].tolist() == unseen[rows.content_ids[row]].tolist()
    _, ids, served = serving(lake).vectors(Modality.IMAGE, rows.segment_ids)
    places = {one: vector for one, vector in zip(ids.tolist(), served, strict=True)}
    assert any(
        float(places[int(rows.segment_ids[row])] @ rows.vectors[row]) < 0.999 for row in mine
    )


def test_where_what_serves_cannot_be_scored_nothing_is_compared(lake, monkeypatch):
    """The candidate is blocked, and it is said that it is what serves; --force helps."""
    calls = []

    def scoring(*given):
        calls.append(given)
        if len(calls) % 2 == 0:
            raise ConfigError("no score")
        return evaluate(*given)

    monkeypatch.setattr("tasks.evaluate.evaluate", scoring)

    result = train(lake)

    assert (result.status, result.why) == ("refused", "unmeasured")
    assert "what serves could not be scored" in result.reason
    assert result.reason.endswith("no score")
    assert current(Layout(lake)) == 1
    assert [one.run for one in candidates.blocked(Layout(lake))] == candidates.runs(Layout(lake))
    assert promote(lake, "projection/p2", force=True).status == "promoted"


def test_what_cannot_be_compared_is_not_promoted(tmp_path, index, monkeypatch):
    """Too few held-out captions to measure: unmeasured, said, and only --force lets it serve."""
    learning.fill(tmp_path / "media")
    lake = tmp_path / "lake"
    index(tmp_path / "media", lake, evaluation={"min_queries": 500})
    badly(monkeypatch)

    result = train(lake)

    assert (result.status, result.why, result.before) == ("refused", "unmeasured", None)
    assert train(lake, force=True).status == "promoted"
    assert serving(lake).manifest.projection.version == "p3"


def test_what_cannot_be_scored_is_blocked_and_said(lake, monkeypatch):
    """The model stays stored, its candidate is kept, and the list of models says why."""
    monkeypatch.setattr("tasks.evaluate.evaluate", raising(ConfigError("no score")))

    with pytest.raises(EvaluationError, match="no score"):
        train(lake)

    assert current(Layout(lake)) == 1
    assert [one.run for one in candidates.blocked(Layout(lake))] == candidates.runs(Layout(lake))
    line = lines(lake)["projection/p2"]
    assert (line["state"], "no score" in line["reason"]) == ("refused", True)


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


def test_an_erasure_names_the_models_that_learned_of_the_erased(lake):
    """Trained ones too, promoted or not; their records name it no more, and nothing else does."""
    from tasks.erasure.choose import choose
    from tasks.erasure.erase import erase

    train(lake, **LEARNED, force=True)
    layout = Layout(lake)
    told = json.loads(next(layout.model("fusion", "f1").glob("config-*.json")).read_bytes())
    seen = set(told["fitted_on"]["contents"])
    files = Snapshot.open(layout).rows("files", ["path", "content_id"]).to_pylist()
    path = next(f["path"] for f in files if f["content_id"] in seen and f["path"].endswith("png"))
    path = f"media/{path}"

    with writer_lock(layout):
        done = erase(layout, choose(layout, (path,), (), content=False).selection.order)

    assert {one.model for one in done.models} == {"projection/p1", "projection/p2", "fusion/f1"}
    assert not done.proof.left
    assert serving(lake).manifest.fusion.version == "f1"


@pytest.mark.slow
def test_a_training_may_be_killed_at_any_change_of_the_disk(made, lake, tmp_path, monkeypatch):
    """What serves is whole, the rest is dropped, and the next training ends as undisturbed."""
    with crashes.quick():
        place, died = 1, 0
        while True:
            one = learning.copied(made, tmp_path / "killed")
            with crashes.dying(monkeypatch, one, at=place) as disk:
                train(one)
            if not disk.dead:
                break
            died += 1
            assert serving(one).manifest.number in (1, 2), disk.told
            result = train(one)
            assert result.status == "promoted", disk.told
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
    index(tmp_path / "media", lake)

    result = train(lake)

    assert (result.status, result.snapshot) == ("promoted", 2)
    assert result.report == f"{lake}/reports/training/p2/report.html"
    assert promote(lake, None).projection == "p1"


def test_options_are_those_of_the_lake(lake):
    """What is held out, and how it is measured, a training takes from the lake's last run."""
    assert Snapshot.open(Layout(lake)).manifest.specs["fit"] == OPTIONS["fit"].model_dump()
